// Every law of a problem's kind goes to compare, verify and judgeAll as it is: what the compiler accepts here needs no cast anywhere.
import { expect, it } from "vitest";
import {
  type GradientFlow,
  huberFlow,
  type MeanFieldGame,
  proximalFlow,
  randomGame,
  randomGradientFlow,
  torusCrowd,
  wallDrift,
} from "../../problems/index.js";
import {
  exploitabilityLaw,
  fokkerPlanck,
  lipschitzFlow,
  newton,
  particleGradientFlow,
  particleProximalFlow,
} from "../../solvers/index.js";
import { compare } from "../../src/report/index.js";
import { solve } from "../../src/solve.js";
import type { Solver } from "../../src/solver.js";
import {
  arbitraryGame,
  arbitraryGradientFlow,
  arbitraryProximalFlow,
  densityLaws,
  descentLaws,
  flowLaws,
  gameLaws,
  judgeAll,
  verify,
} from "../../src/verify/index.js";

it("laws fit the doors they are made for", () => {
  const calls = [
    () => verify(newton(), arbitraryGame(randomGame), { laws: [...gameLaws(), exploitabilityLaw()] }),
    () =>
      verify(lipschitzFlow(), arbitraryGradientFlow(randomGradientFlow, { families: ["divergence"] }), {
        laws: descentLaws(),
      }),
    () => verify(particleProximalFlow(), arbitraryProximalFlow(proximalFlow), { laws: flowLaws() }),
    () => compare(torusCrowd(), { solvers: [newton()], laws: gameLaws() }),
    () => compare(huberFlow(), { solvers: [lipschitzFlow(), particleGradientFlow()], laws: descentLaws() }),
    () => compare(wallDrift(), { solvers: [fokkerPlanck()], laws: densityLaws() }),
    async () => {
      const solvers: readonly Solver<GradientFlow>[] = [lipschitzFlow(), particleGradientFlow()];
      for (const solver of solvers) await judgeAll(descentLaws(), await solve(huberFlow(), solver));
    },
    async (game: MeanFieldGame) => judgeAll(gameLaws(), await solve(game, newton())),
  ];
  expect(calls.length).toBe(8);
});
