import { describe, expect, test } from "vitest";
import { gaussianShift } from "../../../../problems/catalogue/gaussian-shift.js";
import {
  corridor,
  couplingCapacity,
  couplingLocal,
  couplingLog,
  ergodicTorus,
  evacuation,
  hamiltonianQuadratic,
  linearQuadraticMean,
  manufacturedTorus,
  meanFieldGame,
  torusCrowd,
  twoCrowds,
} from "../../../../problems/index.js";
import { newton } from "../../../../solvers/grid/game/newton.js";
import { picard } from "../../../../solvers/grid/index.js";
import { domain, integrate } from "../../../../src/grid/index.js";
import { cloud, empirical } from "../../../../src/measure/index.js";
import { solve } from "../../../../src/solve.js";
import { distances, history } from "../agreement.js";
import { context } from "../slabs.js";

const line = { points: 32, steps: 32 } as const;
const plane = { points: 12, steps: 12 } as const;

describe("picard and newton solve the same discrete game", () => {
  const cases = [
    { name: "P3 in 1-D, ν = 0.3", problem: torusCrowd({ dimension: 1 }), grid: line },
    { name: "the torus in 2-D, ν = 1", problem: torusCrowd({ viscosity: 1 }), grid: plane },
    { name: "the torus in 3-D", problem: torusCrowd({ dimension: 3, viscosity: 1 }), grid: { points: 8, steps: 6 } },
    { name: "P16 with sources", problem: manufacturedTorus(), grid: line },
    { name: "two populations in a box", problem: twoCrowds({ viscosity: 0.1 }), grid: line },
    {
      name: "congestion, doors and a pillar",
      problem: evacuation({ viscosity: 0.2 }),
      grid: { points: 16, steps: 10 },
    },
    { name: "a central scheme, midpoint", problem: torusCrowd({ dimension: 1 }), grid: { ...line, scheme: "central" } },
  ] as const;
  for (const { name, problem, grid } of cases)
    test(name, async () => {
      const reference = await newton({ ...grid, tolerance: 1e-9 }).solve(problem, context());
      expect(reference.status.converged).toBe(true);
      const damped = await picard({ ...grid, exploitability: "final" }).solve(problem, context());
      const mixed = await picard({ ...grid, damping: 1, anderson: 5, exploitability: "final" }).solve(
        problem,
        context(),
      );
      for (const solution of [damped, mixed]) {
        expect(solution.status.converged).toBe(true);
        const apart = distances(solution, reference);
        expect(apart.density).toBeLessThan(1e-7);
        expect(apart.value).toBeLessThan(1e-7);
        expect(solution.counts.equationResidual).toBeLessThan(1e-5);
        for (const gain of solution.exploitability ?? [NaN]) expect(Math.abs(gain)).toBeLessThan(1e-9);
        for (const slabs of solution.fields.density)
          for (const m of slabs) expect(m.reduce((least, v) => Math.min(least, v), Infinity)).toBeGreaterThanOrEqual(0);
      }
      expect(damped.counts.iterations).toBeLessThan(30);
      expect(mixed.counts.iterations).toBeLessThan(damped.counts.iterations);
      if (problem.domain.doors.length === 0 && problem.populations[0].densitySource === null)
        for (const slabs of mixed.fields.density)
          for (const m of slabs) {
            const { grid: g } = mixed.fields.cells;
            expect(integrate(g, m)).toAgree(integrate(g, slabs[0]), { rtol: 1e-13 });
          }
    });
});

describe("residual and exploitability", () => {
  test("the residual is undamped: the first does not depend on θ, and the history starts before the first step", async () => {
    const first = [];
    for (const damping of [0.1, 1]) {
      const solution = await picard({ ...line, damping, maxIterations: 1 }).solve(
        torusCrowd({ dimension: 1 }),
        context(),
      );
      expect(history(solution, "residual")).toHaveLength(2);
      first.push(history(solution, "residual")[0]);
    }
    expect(first[0]).toBe(first[1]);
  });

  test("each iteration's exploitability is ≥ 0 and falls with the square of the residual", async () => {
    const solution = await picard(line).solve(torusCrowd({ dimension: 1 }), context());
    const gains = history(solution, "exploitability");
    const residuals = history(solution, "residual");
    expect(gains).toHaveLength(residuals.length);
    for (const gain of gains) expect(gain).toBeGreaterThan(-1e-12);
    // Quadratic near the equilibrium.
    const slope = Math.log(gains[4] / gains[10]) / Math.log(residuals[4] / residuals[10]);
    expect(residuals[4] / residuals[10]).toBeGreaterThan(30);
    expect(slope).toBeGreaterThan(1.7);
    expect(slope).toBeLessThan(2.7);
    expect(solution.exploitability?.[0]).toBe(gains[gains.length - 1]);
  });

  test("a crowd that does not count is found in one step (P6 about its own mean)", async () => {
    const solution = await picard({ ...line, damping: 1, anderson: 1 }).solve(linearQuadraticMean(), context());
    expect(solution.status.text).toMatch(/^converged: residual \S+ after 1 Picard iteration$/);
  });

  test("from the fields of another solution it starts where that ended", async () => {
    const problem = torusCrowd({ dimension: 1 });
    const first = await picard({ ...line, tolerance: 1e-3 }).solve(problem, context());
    const again = await picard({ ...line, tolerance: 1e-3, start: first.fields }).solve(problem, context());
    expect(again.counts.iterations).toBe(0);
    expect(again.solver.options.start).toBe("fields");
  });
});

describe("where it fails", () => {
  test("it says so, and names the cure: small viscosity on the torus; Anderson's steps still get there", async () => {
    const problem = torusCrowd({ viscosity: 0.1 });
    const options = { ...plane, maxIterations: 60, exploitability: "final" as const };
    const stalled = await picard(options).solve(problem, context());
    expect(stalled.status.converged).toBe(false);
    expect(stalled.status.text).toMatchInlineSnapshot(
      `"stalled: residual 0.92 after 60 Picard iterations; use newton() or raise viscosity"`,
    );
    expect(stalled.exploitability?.[0]).toBeGreaterThan(0.1);
    const mixed = await picard({ ...options, anderson: 5 }).solve(problem, context());
    expect(mixed.status.converged).toBe(true);
  });

  test("a coupling with a capacity that a step exceeds", async () => {
    const problem = meanFieldGame({
      domain: domain({ lower: [0], upper: [1] }),
      populations: { viscosity: 0.02, hamiltonian: hamiltonianQuadratic({ dimension: 1 }), initial: 1 },
      coupling: couplingCapacity({ dimension: 1, capacity: 1.3, weight: 0.1, cost: "4*cos(2*pi*x)" }),
    });
    const solution = await picard({ ...line, damping: 1 }).solve(problem, context());
    expect(solution.status.text).toMatchInlineSnapshot(
      `"stopped after 0 Picard iterations: the crowd leaves the range of the coupling; use newton() or raise viscosity"`,
    );
  });

  test("a first sweep that fails is an error with its place", async () => {
    const problem = meanFieldGame({
      domain: domain({ lower: [0], upper: [1] }),
      populations: {
        viscosity: 0.1,
        hamiltonian: hamiltonianQuadratic({ dimension: 1 }),
        initial: "max(cos(2*pi*x), 0)",
      },
      coupling: couplingLog({ dimension: 1 }),
    });
    await expect(picard(line).solve(problem, context())).rejects.toThrowErrorMatchingInlineSnapshot(
      `[SolveError: picard: the first sweep fails, value of crowd at step 31 (t = 0.969): the residual is Infinity after 0 Newton steps; start from other fields or use newton()]`,
    );
  });

  test("an abort ends it", async () => {
    const stop = new AbortController();
    const work = solve(torusCrowd({ dimension: 1 }), picard(line), {
      signal: stop.signal,
      onProgress: () => stop.abort(new Error("enough")),
    });
    await expect(work).rejects.toThrow("enough");
  });
});

describe("what it refuses", () => {
  const decreasing = meanFieldGame({
    domain: domain({ lower: [0], upper: [1] }),
    populations: { viscosity: 0.3, hamiltonian: hamiltonianQuadratic({ dimension: 1 }), initial: 1 },
    coupling: couplingLocal({ dimension: 1, cost: "-0.1*m" }),
  });
  const planning = meanFieldGame({
    domain: domain({ lower: [0], upper: [1] }),
    mode: "planning",
    populations: {
      viscosity: 0.3,
      hamiltonian: hamiltonianQuadratic({ dimension: 1 }),
      initial: 1,
      final: "1 + 0.5*cos(2*pi*x)",
    },
    coupling: couplingLocal({ dimension: 1, cost: "m" }),
  });
  const sampled = meanFieldGame({
    domain: domain({ lower: [0], upper: [1] }),
    populations: {
      viscosity: 0.3,
      hamiltonian: hamiltonianQuadratic({ dimension: 1 }),
      initial: empirical(cloud([0.2, 0.4], 1), { name: "data" }),
    },
    coupling: couplingLocal({ dimension: 1, cost: "m" }),
  });

  test("full steps where the game is not monotone, but not damped or accelerated ones", async () => {
    expect(decreasing.isMonotone).toBe(false);
    expect(picard({ damping: 1 }).handles(decreasing)).toMatchInlineSnapshot(
      `"damping 1 with a non-monotone coupling need not converge; set damping ≤ 0.5 or use newton()"`,
    );
    expect(picard({ damping: 0.5 }).handles(decreasing)).toBe(true);
    expect(picard({ damping: 1, anderson: 3 }).handles(decreasing)).toBe(true);
    await expect(solve(decreasing, picard({ damping: 1 }))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: solve: solver must handle the problem mean-field-game; picard: damping 1 with a non-monotone coupling need not converge; set damping ≤ 0.5 or use newton()]`,
    );
  });

  test("problems that are not its own, each with what to use instead", async () => {
    expect(picard().handles(planning)).toMatchInlineSnapshot(
      `"picard cannot prescribe both ends: its crowd goes where the agents want; use newton()"`,
    );
    expect(picard().handles(ergodicTorus())).toMatchInlineSnapshot(`"it is for games in time; use ergodic()"`);
    expect(picard().handles(linearQuadraticMean({ dimension: 5 }))).toMatchInlineSnapshot(
      `"grids have at most three dimensions; use neuralGame()"`,
    );
    expect(picard().handles(sampled)).toMatchInlineSnapshot(`"the law data has no density; use particleFixedPoint()"`);
    expect(picard().handles(gaussianShift())).toMatchInlineSnapshot(
      `"it solves mean-field games, not proximal-flow; use a solver of that family"`,
    );
    expect(picard().handles(corridor())).toBe(true);
    await expect(picard().solve(planning, context())).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: picard: problem must be one that this solver handles; got "mean-field-game". picard cannot prescribe both ends: its crowd goes where the agents want; use newton().]`,
    );
  });

  test("options out of range", () => {
    expect(() => picard({ damping: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: picard: damping must lie in (0, 1]; got 0. Use damping: 0.5.]`,
    );
    expect(() => picard({ anderson: 1.5 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: picard: anderson must be an integer ≥ 0; got 1.5. Use anderson: 5.]`,
    );
    expect(() => picard({ tolerance: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: picard: tolerance must be a finite number > 0; got 0. Leave it out.]`,
    );
    expect(() => picard({ maxIterations: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: picard: maxIterations must be an integer ≥ 1; got 0. Use maxIterations: 100.]`,
    );
    expect(() => picard({ start: "random" as "rest" })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: picard: start must be "rest" or fields; got "random". Use the fields of another solution on the same cells and steps.]`,
    );
    expect(() => picard({ exploitability: "never" as "final" })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: picard: exploitability must be "history" or "final"; got "never". Use exploitability: "final" to save best responses.]`,
    );
  });
});
