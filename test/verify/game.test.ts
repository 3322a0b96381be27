// Do the laws of games notice what is wrong? Solutions are spoiled one by one, and the law that must see it is asked.
import { describe, expect, test } from "vitest";
import { couplingField, couplingLocal, hamiltonianQuadratic, meanFieldGame } from "../../problems/index.js";
import { newton } from "../../solvers/grid/game/newton.js";
import { gameSolution } from "../../solvers/grid/index.js";
import { domain } from "../../src/grid/index.js";
import type { GameFields } from "../../src/solution/index.js";
import {
  costOfPaths,
  feedbackIsOptimal,
  type GameLike,
  pathsFollowDensity,
  terminalValue,
} from "../../src/verify/index.js";
import { context } from "../solvers/grid/slabs.js";

const problem = meanFieldGame({
  domain: domain({ lower: [0], upper: [1], ends: "no-flux" }),
  populations: {
    viscosity: 0.3,
    hamiltonian: hamiltonianQuadratic({ dimension: 1 }),
    initial: "1 + 0.8*cos(pi*x)^3",
  },
  coupling: couplingLocal({ dimension: 1, cost: "2*m + cos(pi*x)" }),
  terminal: couplingField({ dimension: 1, cost: "2*(x - 0.7)^2" }),
});

type Slabs = readonly Float64Array[];

/** The same solution with its slabs of one kind changed. */
async function spoiled(which: "value" | "density", change: (slabs: Slabs) => Slabs) {
  const good = await newton({ points: 64, steps: 64 }).solve(problem, context());
  const fields: GameFields = { ...good.fields, [which]: good.fields[which].map(change) };
  const { solver, status } = good;
  return gameSolution({ problem, solver, context: context(), fields, status, histories: [], counts: {} });
}

async function measured(law: ReturnType<typeof pathsFollowDensity>, solution: Awaited<ReturnType<typeof spoiled>>) {
  const found = await law.measure(solution as never, { seed: 1, count: 2000 });
  if (typeof found === "string") throw new Error(found);
  return found.value / (law.bound as number);
}

const reversed = (m: Float64Array) => m.slice().reverse();

describe("laws of games", () => {
  test("hold for a good solution", async () => {
    const good = await spoiled("value", (slabs) => slabs);
    const game: GameLike = good.problem;
    expect(game.mode).toBe("time-dependent");
    for (const law of [pathsFollowDensity(), feedbackIsOptimal(), terminalValue(), costOfPaths()])
      expect(await measured(law, good)).toBeLessThan(0.7);
  });

  test("paths tell a crowd that is mirrored at T, or only on the way", async () => {
    const atEnd = await spoiled("density", (slabs) => slabs.map((m, n) => (n === 64 ? reversed(m) : m)));
    const between = await spoiled("density", (slabs) => slabs.map((m, n) => (n > 0 && n < 64 ? reversed(m) : m)));
    expect(await measured(pathsFollowDensity(), atEnd)).toBeGreaterThan(2);
    expect(await measured(pathsFollowDensity(), between)).toBeGreaterThan(2);
  });

  test("a value of the wrong sign, or twice as large, misses the terminal cost and the crowd", async () => {
    for (const factor of [-1, 2]) {
      const wrong = await spoiled("value", (slabs) => slabs.map((u) => u.map((v) => factor * v)));
      expect(await measured(terminalValue(), wrong)).toBeGreaterThan(1);
      expect(await measured(pathsFollowDensity(), wrong)).toBeGreaterThan(1);
    }
  });

  test("the cost of the paths tells a constant in u before T, and grows with a viscosity that is not the problem's", async () => {
    const lifted = await spoiled("value", (slabs) => slabs.map((u, n) => (n < 64 ? u.map((v) => v + 0.3) : u)));
    expect(await measured(costOfPaths(), lifted)).toBeGreaterThan(1);
    const good = await spoiled("value", (slabs) => slabs);
    const own = await measured(costOfPaths(), good);
    expect(own).toBeLessThan(0.15);
    const populations = problem.populations.map((p) => ({ ...p, viscosity: 2 * p.viscosity }));
    const other = { ...good, problem: { ...problem, populations } };
    expect(await measured(costOfPaths(), other as never)).toBeGreaterThan(3 * own);
  });
});
