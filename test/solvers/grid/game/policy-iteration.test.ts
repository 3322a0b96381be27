import { describe, expect, test } from "vitest";
import {
  couplingField,
  couplingLog,
  ergodicTorus,
  evacuation,
  hamiltonianQuadratic,
  manufacturedTorus,
  meanFieldGame,
  torusCrowd,
  twoCrowds,
} from "../../../../problems/index.js";
import { newton } from "../../../../solvers/grid/game/newton.js";
import { picard, policyIteration } from "../../../../solvers/grid/index.js";
import { domain, integrate } from "../../../../src/grid/index.js";
import { distances, history } from "../agreement.js";
import { context } from "../slabs.js";

const line = { points: 32, steps: 32 } as const;
const plane = { points: 12, steps: 12 } as const;

describe("rates of convergence", () => {
  test("without a coupling it is Newton's method for the Hamilton–Jacobi–Bellman equation: quadratic", async () => {
    const alone = meanFieldGame({
      domain: domain({ lower: [0], upper: [1] }),
      populations: { viscosity: 0.1, hamiltonian: hamiltonianQuadratic({ dimension: 1 }), initial: 1 },
      coupling: couplingField({ dimension: 1, cost: "2*sin(2*pi*x)" }),
    });
    const solution = await policyIteration({ ...line, tolerance: 1e-10 }).solve(alone, context());
    expect(solution.status.converged).toBe(true);
    const residuals = history(solution, "residual");
    // Order from three residuals in a row, once they fall and above round-off.
    const orders = [2, 3].map(
      (k) => Math.log(residuals[k + 2] / residuals[k + 1]) / Math.log(residuals[k + 1] / residuals[k]),
    );
    for (const order of orders) expect(order).toBeGreaterThan(1.8);
    for (const order of orders) expect(order).toBeLessThan(2.5);
    expect(solution.counts.iterations).toBeLessThan(9);
  });

  test("with a coupling it is linear: a steady factor an iteration, below 1 for large ν and near ½ at ν = 0.3 (P3)", async () => {
    const factors = [];
    for (const viscosity of [1, 0.3]) {
      const solution = await policyIteration({ ...line, tolerance: 1e-9, exploitability: "final" }).solve(
        torusCrowd({ dimension: 1, viscosity }),
        context(),
      );
      expect(solution.status.converged).toBe(true);
      const residuals = history(solution, "residual");
      const n = residuals.length - 1;
      const factor = (residuals[n] / residuals[n - 4]) ** (1 / 4);
      // Steady: the factor of the four steps before is the same to 20 %.
      if (n >= 10) expect((residuals[n - 4] / residuals[n - 8]) ** (1 / 4)).toAgree(factor, { rtol: 0.2 });
      factors.push(factor);
    }
    expect(factors[0]).toBeLessThan(0.1);
    expect(factors[1]).toBeGreaterThan(0.3);
    expect(factors[1]).toBeLessThan(0.7);
  });

  test("each policy's exploitability is ≥ 0 and falls", async () => {
    const solution = await policyIteration(line).solve(torusCrowd({ dimension: 1 }), context());
    const gains = history(solution, "exploitability");
    expect(gains).toHaveLength(history(solution, "residual").length);
    for (let k = 0; k < gains.length; k++) {
      expect(gains[k]).toBeGreaterThan(-1e-12);
      if (k > 0) expect(gains[k]).toBeLessThan(gains[k - 1] + 1e-9);
    }
    expect(gains[0]).toBeGreaterThan(1e-2);
  });

  test("every step keeps mass and sign", async () => {
    for (const maxIterations of [1, 3]) {
      const { fields } = await policyIteration({ ...plane, maxIterations, exploitability: "final" }).solve(
        torusCrowd({ viscosity: 0.2 }),
        context(),
      );
      for (const m of fields.density[0]) {
        expect(integrate(fields.cells.grid, m)).toAgree(1, { rtol: 1e-13 });
        expect(Math.min(...m)).toBeGreaterThanOrEqual(0);
      }
    }
  });
});

describe("agreement with newton and picard", () => {
  const cases = [
    { name: "P3 in 1-D", problem: torusCrowd({ dimension: 1 }), options: line },
    { name: "2-D, ν = 1", problem: torusCrowd({ viscosity: 1 }), options: plane },
    { name: "P16, sources", problem: manufacturedTorus(), options: line },
    { name: "two populations, damped", problem: twoCrowds({ viscosity: 0.1 }), options: { ...line, damping: 0.5 } },
    { name: "congestion with doors", problem: evacuation({ viscosity: 0.2 }), options: { points: 16, steps: 10 } },
    { name: "central", problem: torusCrowd({ dimension: 1 }), options: { ...line, scheme: "central" } },
  ] as const;
  for (const { name, problem, options } of cases)
    test(name, async () => {
      const { damping: _, ...grid } = { damping: 1, ...options };
      const reference = await newton({ ...grid, tolerance: 1e-9 }).solve(problem, context());
      const solution = await policyIteration({ ...options, tolerance: 1e-7, exploitability: "final" }).solve(
        problem,
        context(),
      );
      expect(solution.status.converged).toBe(true);
      expect(distances(solution, reference).density).toBeLessThan(1e-6);
      expect(distances(solution, reference).value).toBeLessThan(1e-6);
      for (const gain of solution.exploitability ?? [NaN]) expect(Math.abs(gain)).toBeLessThan(1e-7);
    });

  test("from a solution's fields it has nothing to do", async () => {
    const problem = torusCrowd({ dimension: 1 });
    const { fields } = await picard({ ...line, tolerance: 1e-9, exploitability: "final" }).solve(problem, context());
    const solution = await policyIteration({ ...line, start: fields }).solve(problem, context());
    expect(solution.counts.iterations).toBe(0);
  });
});

describe("what it says and refuses", () => {
  test("where it blows up or stalls it says so, and what to try", async () => {
    const run = async (damping: number) =>
      (
        await policyIteration({ ...plane, damping, maxIterations: 20, exploitability: "final" }).solve(
          torusCrowd({ viscosity: 0.05 }),
          context(),
        )
      ).status.text;
    expect(await run(1)).toMatchInlineSnapshot(
      `"stopped after 6 policy iterations: the residual grew to 1.0e+8; set damping ≤ 0.5, use newton() or raise viscosity"`,
    );
    expect(await run(0.3)).toMatchInlineSnapshot(
      `"stalled: residual 610000 after 20 policy iterations; use newton() or raise viscosity"`,
    );
  });

  test("a first sweep that fails is an error with its place", async () => {
    const problem = meanFieldGame({
      domain: domain({ lower: [0], upper: [1] }),
      populations: {
        viscosity: 0,
        hamiltonian: hamiltonianQuadratic({ dimension: 1 }),
        initial: "max(cos(2*pi*x), 0)",
      },
      coupling: couplingLog({ dimension: 1 }),
    });
    await expect(policyIteration(line).solve(problem, context())).rejects.toThrowErrorMatchingInlineSnapshot(
      `[SolveError: policyIteration: the first sweep fails, value of crowd at step 31 (t = 0.969): residual Infinity > 1e-10; start from other fields or use newton()]`,
    );
  });

  test("both ends, ergodic games, and options out of range", async () => {
    const planning = meanFieldGame({
      domain: domain({ lower: [0], upper: [1] }),
      mode: "planning",
      populations: { viscosity: 1, hamiltonian: hamiltonianQuadratic({ dimension: 1 }), initial: 1, final: 1 },
      coupling: couplingField({ dimension: 1, cost: 0 }),
    });
    expect(policyIteration().handles(planning)).toMatchInlineSnapshot(
      `"policy iteration cannot prescribe both ends: its crowd goes where the agents want; use newton()"`,
    );
    expect(policyIteration().handles(ergodicTorus())).toMatchInlineSnapshot(`"it is for games in time; use ergodic()"`);
    expect(() => policyIteration({ damping: 2 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: policyIteration: damping must lie in (0, 1]; got 2. Use damping: 1.]`,
    );
    await expect(policyIteration().solve(planning, context())).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: policyIteration: problem must be one that this solver handles; got "mean-field-game". policy iteration cannot prescribe both ends: its crowd goes where the agents want; use newton().]`,
    );
  });
});
