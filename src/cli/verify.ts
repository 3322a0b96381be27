// meanfield verify: a solver held to its laws on random problems.

import type { Arbitrary } from "fast-check";
import { proximalFlow, randomGame, randomGradientFlow } from "../../problems/index.js";
import { UsageError, usageError } from "../error.js";
import { demandWritableFile, encodeJson, writeFileAtomic } from "../io/index.js";
import type { Problem } from "../problem.js";
import type { Solution } from "../solution/index.js";
import type { Solver } from "../solver.js";
import {
  arbitraryGame,
  arbitraryGradientFlow,
  arbitraryProximalFlow,
  flowFamilies,
  flowLaws,
  type Law,
  type RandomGame,
  type RandomGradientFlow,
  type VerifyReport,
  verify,
} from "../verify/index.js";
import { chooseSolver, gameMeasures, lawsOf, readSettings, solvers } from "./choices.js";
import { type Command, exitCodes, integerOption } from "./command.js";

export const verifyCommand: Command = {
  name: "verify",
  summary: "hold a solver to its laws on random problems",
  help: `meanfield verify [--solver NAME] [--runs N]: a solver held to its laws on random problems

  --solver NAME    see meanfield list (default particle); it is held to random problems of its kind
  --set NAME=VALUE an option of the solver, VALUE as JSON; may be repeated
  --runs N         random problems (default 25)
  --path P         path of an earlier failure: with the same seed it replays just that case
  --out FILE       write the report as JSON

A failure is shrunk to the simplest failing problem. Exit code 1 when a law fails.

Example:
  meanfield verify --solver particle --runs 10 --seed 7`,
  options: {
    solver: { type: "string" },
    set: { type: "string", multiple: true },
    runs: { type: "string" },
    path: { type: "string" },
  },
  takesArguments: true,
  run: async (parsed, streams) => {
    if (parsed.positionals.length > 0) {
      throw new UsageError(
        `meanfield verify: problem must not be given, problems are drawn at random; got ${JSON.stringify(parsed.positionals[0])}. Use --solver to choose the solver.`,
      );
    }
    const name = (parsed.values.solver as string | undefined) ?? "particle";
    const solver = chooseSolver(name, readSettings((parsed.values.set ?? []) as string[]));
    if (parsed.out !== null) await demandWritableFile(parsed.out);
    const { problems, laws } = subjects(name, solver);
    const report = await verify(solver, problems, {
      laws,
      runs: integerOption(parsed, "runs", 25),
      seed: parsed.seed,
      device: parsed.device,
      signal: streams.signal,
      path: parsed.values.path as string | undefined,
      onProgress: (p) => streams.progress?.(`${solver.name}: ${p.stage} ${p.iteration}`),
    });
    if (parsed.out !== null) await writeFileAtomic(parsed.out, encodeJson(report));
    streams.out(parsed.json ? encodeJson(report) : reportText(report, name, (parsed.values.set ?? []) as string[]));
    return report.passed ? exitCodes.ok : exitCodes.checkFailed;
  },
};

/** One random game as an example of what a solver would be given. */
const SAMPLE: Omit<RandomGame, "name"> = {
  dimension: 1,
  ends: "periodic",
  viscosity: 1,
  horizon: 1,
  exponent: 2,
  congestion: null,
  strength: 1,
  power: 1,
  potential: 0,
  start: 0,
  terminal: 0,
};

/** One random gradient flow as an example. */
const FLOW: Omit<RandomGradientFlow, "name" | "family" | "ends"> = {
  dimension: 1,
  horizon: 0.25,
  exponent: 2,
  potential: 1,
  interaction: 0,
  start: 0.5,
  alpha: 1,
  lipschitz: 1,
  shift: 1,
  spread: 0.75,
};

/** Random problems that a solver is for, and the laws they are held to. */
function subjects(name: string, solver: Solver): { problems: Arbitrary<Problem>; laws: readonly Law<Solution>[] } {
  const { kind, make } = solvers[name];
  if (kind === "proximal-flow")
    return { problems: arbitraryProximalFlow(proximalFlow), laws: flowLaws() as unknown as readonly Law<Solution>[] };
  const game = randomGame({ ...SAMPLE, name: "sample" });
  if (kind === "mean-field-game" && make({}).handles(game) === true)
    return { problems: arbitraryGame(randomGame), laws: gameMeasures() };
  // What a solver of gradient flows is for depends on its settings: each kind of energy and of box is tried on an example.
  const boxes = ["no-flux", "periodic"] as const;
  const tried = (family: RandomGradientFlow["family"], ends: RandomGradientFlow["ends"]) =>
    randomGradientFlow({ ...FLOW, name: "sample", family, ends });
  const takes = (problem: Problem) => solver.handles(problem) === true;
  const families = flowFamilies.filter((family) => boxes.some((ends) => takes(tried(family, ends))));
  if (kind !== "gradient-flow" || families.length === 0)
    throw usageError(
      "meanfield verify",
      "--solver",
      "solve proximal flows, time-dependent games or gradient flows, which can be drawn at random",
      name,
      "Use meanfield solve with a problem of its own kind",
    );
  const ends = boxes.filter((box) => families.some((family) => takes(tried(family, box))));
  return {
    problems: arbitraryGradientFlow(randomGradientFlow, { families, ends }).filter(takes),
    laws: lawsOf(tried(families[0], ends[0])),
  };
}

function reportText(report: VerifyReport, name: string, settings: readonly string[]): string {
  const set = settings.map((pair) => ` --set ${pair}`).join("");
  const rows = report.laws.map((law) => {
    const worst = law.worst === null ? "unmeasured" : law.worst.toPrecision(3);
    const bound = law.bound === null ? "reported" : `${law.relation} ${law.bound}`;
    return `  ${law.failed > 0 ? "✗" : law.held > 0 ? "✓" : " "} ${law.law.padEnd(24)} worst ${worst.padEnd(11)} ${bound.padEnd(12)} held ${law.held}, failed ${law.failed}`;
  });
  const found = report.counterexample;
  const end =
    found === null
      ? `All laws hold on ${report.runs} random problems.`
      : [
          `A law fails: ${found.failure}`,
          `Simplest failing problem (after ${found.shrinks} shrinks): ${JSON.stringify(found.problem)}`,
          `Replay: meanfield verify --solver ${name}${set} --seed ${report.seed} --path ${found.path}`,
        ].join("\n");
  return [`${report.solver}, seed ${report.seed}`, ...rows, end].join("\n");
}
