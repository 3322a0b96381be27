import { fc, test as property } from "@fast-check/vitest";
import { beforeAll, describe, expect, test } from "vitest";
import {
  gaussianScale,
  gaussianShift,
  manifoldTarget,
  oldFaithful,
  pointTarget,
  twoMoons,
} from "../../../../problems/catalogue/index.js";
import { type ProximalFlow, proximalFlow } from "../../../../problems/proximal-flow.js";
import {
  type GridProximalFlowSolution,
  gridProximalFlow,
} from "../../../../solvers/grid/proximal-flow/proximal-flow.js";
import { integrate, mass, nodesOf } from "../../../../src/grid/index.js";
import {
  alphaDivergence,
  cloud,
  empirical,
  gaussian,
  gaussianMixture,
  kullbackLeibler,
  plainTransport,
  reverseKullbackLeibler,
} from "../../../../src/measure/index.js";
import { solve } from "../../../../src/solve.js";
import { flowLaws, judgeAll } from "../../../../src/verify/index.js";

const numRuns = Number(process.env.LAWS === "thorough" ? 500 : 25);

describe("options are checked at construction", () => {
  test.each([
    [{ points: 3.5 }, "points must be an integer ≥ 8 for each axis; got 3.5. Use points: 96 to start."],
    [{ points: [32, 4] }, "points must be an integer ≥ 8 for each axis; got 4. Use points: 96 to start."],
    [
      { box: { lower: [0, 0], upper: [1] } },
      "box must have as many lower as upper bounds; got [2,1]. Give lower and upper with one number for each axis.",
    ],
    [
      { box: { lower: [1], upper: [0] } },
      "box must have finite lower < upper on each axis; got [1,0]. Give the corners of a box that holds both laws.",
    ],
    [
      { bandwidth: -1 },
      'bandwidth must be a finite number ≥ 0 or "silverman"; got -1. Use bandwidth: 0 for the samples themselves.',
    ],
    [{ samples: 0 }, "samples must be an integer ≥ 1; got 0. Use samples: 262144 to start."],
    [{ tolerance: 0 }, "tolerance must be finite and > 0; got 0. Use tolerance: 1e-3 to start."],
    [{ maxIterations: 0 }, "maxIterations must be an integer ≥ 1; got 0. Use maxIterations: 1000 to start."],
    [{ smoothing: Number.NaN }, "smoothing must be finite and > 0; got NaN. Use smoothing: 0.25 to start."],
  ])("%j", (options, message) => {
    expect(() => gridProximalFlow(options)).toThrow(`gridProximalFlow: ${message}`);
  });

  test("what depends on the problem is checked before work", async () => {
    await expect(solve(gaussianShift(), gridProximalFlow({ points: [32, 32] }))).rejects.toThrow(
      "gridProximalFlow: points must be one number or 1, one for each axis; got [32,32]. Give as many numbers as the problem has dimensions.",
    );
    await expect(solve(gaussianShift(), gridProximalFlow({ box: { lower: [0, 0], upper: [1, 1] } }))).rejects.toThrow(
      "gridProximalFlow: box must have 1 lower and upper bounds; got 2. Give one number for each axis of the problem.",
    );
  });
});

describe("handles", () => {
  const solver = gridProximalFlow();
  test("one and two dimensions with a source density", () => {
    expect(solver.handles(gaussianShift())).toBe(true);
    expect(solver.handles(oldFaithful())).toBe(true);
  });
  test("says what to use instead", () => {
    expect(solver.handles(gaussianShift({ dimension: 3 }))).toBe(
      "a grid in 3 dimensions is too large; use the particle or the neural solver",
    );
    const [source, target] = [gaussian({ mean: [0] }), gaussian({ mean: [1] })];
    const common = { target, lipschitz: 1, kineticWeight: 1, horizon: 1 };
    expect(solver.handles(proximalFlow({ ...common, source, divergence: plainTransport() }))).toBe(
      "plain transport prescribes ρ_T, which a grid meets only up to its gap; use the particle solver",
    );
    const atoms = empirical(cloud([0, 1], 1), { name: "atoms" });
    expect(solver.handles(proximalFlow({ ...common, source: atoms, divergence: kullbackLeibler() }))).toBe(
      "the source atoms has no density to put on cells; use the particle solver",
    );
    expect(solver.handles({ ...gaussianShift(), kind: "game" } as never)).toBe("it solves proximal flows, not game");
  });
  test("refuses an ill-posed problem with its reasons", async () => {
    const problem = pointTarget({ point: [0], lipschitz: Infinity });
    expect(solver.handles(problem)).toContain(
      "the problem is ill-posed: lipschitz is Infinity and the target dirac has no density",
    );
    await expect(solve(problem, solver)).rejects.toThrow("is ill-posed");
  });
});

describe("a solve can be watched and stopped", () => {
  test("progress tells the grid and ε; abort rejects with the signal's reason", async () => {
    const stages: string[] = [];
    const controller = new AbortController();
    const run = solve(gaussianShift({ dimension: 2 }), gridProximalFlow({ points: 64 }), {
      signal: controller.signal,
      onProgress: ({ stage, iteration }) => {
        stages.push(stage);
        if (iteration === 5) controller.abort(new Error("that will do"));
      },
    });
    await expect(run).rejects.toThrow("that will do");
    expect(stages[0]).toMatch(/^16 × 16 nodes, ε = /);
    expect(stages.length).toBe(5);
  });

  test("an exhausted budget is told, with the partial solution", async () => {
    const solver = gridProximalFlow({ points: 64, maxIterations: 2 });
    const s = await solve(gaussianShift(), solver, { onFailure: "return" });
    expect(s.status.converged).toBe(false);
    expect(s.status.text).toMatch(
      /^stalled: relative gap .* Newton steps; raise maxIterations or loosen the tolerance$/,
    );
    expect(s.objective.gap).toBeGreaterThan(0);
    await expect(solve(gaussianShift(), solver)).rejects.toThrow("stalled");
  });
});

describe("laws of the flow", () => {
  const cases: [string, () => ProximalFlow, object][] = [
    ["Gaussian shift, bound active", () => gaussianShift({ lipschitz: 0.5 }), { points: 96 }],
    ["Gaussian scale, no bound", () => gaussianScale(), { points: 128 }],
    ["point in the plane", () => pointTarget(), { points: 40 }],
    ["two moons", () => twoMoons(), { points: 40 }],
    ["Old Faithful", () => oldFaithful(), { points: 56 }],
  ];
  test.each(cases)("%s: every law of the verification room holds", async (_name, make, options) => {
    const s = await solve(make(), gridProximalFlow(options));
    for (const verdict of await judgeAll(flowLaws(), s, { seed: 3, count: 64 }))
      expect([verdict.law, verdict.value, verdict.holds]).not.toContain(false);
  });

  const mixture = (means: readonly number[]) =>
    gaussianMixture({
      components: means.map((mean, k) => ({ weight: 1 / means.length, mean: [mean], sd: 0.4 + 0.2 * k })),
    });
  const problems = fc
    .record({
      means: fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 1, maxLength: 3 }),
      start: fc.double({ min: -1, max: 1, noNaN: true }),
      lipschitz: fc.oneof(fc.double({ min: 0.2, max: 5, noNaN: true }), fc.constant(Infinity)),
      kineticWeight: fc.double({ min: 0.05, max: 5, noNaN: true }),
      horizon: fc.double({ min: 0.3, max: 2, noNaN: true }),
      divergence: fc.constantFrom(kullbackLeibler(), alphaDivergence(2), reverseKullbackLeibler()),
    })
    .map(({ means, start, ...rest }) =>
      proximalFlow({ ...rest, source: gaussian({ mean: [start], sd: 0.8 }), target: mixture(means) }),
    );

  property.prop([problems], { numRuns })(
    "mass 1 to 1e-12, ρ ≥ 0, gap ≥ 0, value ≥ 0, |∇φ| ≤ L on edges and between",
    async (problem) => {
      const s = await solve(problem, gridProximalFlow({ points: 40, tolerance: 0.05 }));
      for (const t of [0, 0.37, 1]) {
        const rho = s.density(t * problem.horizon);
        expect(mass(rho)).toAgree(1, { rtol: 1e-12 });
        expect(Math.min(...rho.values)).toBeGreaterThanOrEqual(0);
      }
      const { primal, dual, gap } = s.objective;
      expect(gap).toBeGreaterThanOrEqual(-1e-13);
      expect(gap).toBe((primal as number) - (dual as number));
      expect(primal).toBeGreaterThanOrEqual(0);
      const L = problem.lipschitz;
      const h = s.grid.axes[0].spacing;
      for (let i = 1; i < s.phi.length; i++)
        expect(Math.abs(s.phi[i] - s.phi[i - 1])).toBeLessThanOrEqual(L * h * (1 + 1e-12) + 1e-13);
      expect(s.critic?.certifiedLipschitz).toBeNull();
      if (L < Infinity)
        for (const g of s.critic!.gradient(nodesOf(s.grid))) expect(Math.abs(g)).toBeLessThanOrEqual(L * (1 + 1e-12));
    },
  );

  property.prop([problems, fc.double({ min: -5, max: 5, noNaN: true })], { numRuns: Math.ceil(numRuns / 4) })(
    "translation and reflection of the problem move the solution and change nothing else",
    async (problem, by) => {
      const half = 7;
      const moved = (sign: number, shift: number) => {
        const push = (law: typeof problem.source) => ({
          ...law,
          logDensity: (x: Float64Array) => law.logDensity!(x.map((y) => sign * (y - shift))),
        });
        const box = { lower: [shift - half], upper: [shift + half] };
        const flow = proximalFlow({
          ...problem,
          exact: null,
          source: push(problem.source),
          target: push(problem.target),
        });
        return solve(flow, gridProximalFlow({ points: 48, tolerance: 0.05, box }));
      };
      const [here, there, mirrored] = [await moved(1, 0), await moved(1, by), await moved(-1, 0)];
      const at = [0, 0.6].map((t) => t * problem.horizon);
      expect(there.objective.dual).toAgree(here.objective.dual as number, { rtol: 1e-6, atol: 1e-7 });
      expect(mirrored.objective.dual).toAgree(here.objective.dual as number, { rtol: 1e-6, atol: 1e-7 });
      for (const t of at) {
        const rho = here.density(t).values;
        const distance = (other: Float64Array): number =>
          integrate(
            here.grid,
            other.map((v, i) => Math.abs(v - rho[i])),
          );
        expect(distance(there.density(t).values)).toBeLessThan(1e-4);
        expect(distance(mirrored.density(t).values.toReversed())).toBeLessThan(1e-4);
      }
    },
  );
});

describe("targets known by samples", () => {
  const points = [-1.3, -0.9, -1.1, 1.4, 1.2, 0.9, 1.1, -1.2];
  const problem = (lipschitz: number) =>
    proximalFlow({
      source: gaussian({ mean: [0] }),
      target: empirical(cloud(points, 1)),
      divergence: kullbackLeibler(),
      lipschitz,
      kineticWeight: 0.5,
      horizon: 1,
    });
  test("atoms for a finite L, Silverman's bandwidth for L = ∞; the value used is reported", async () => {
    const atoms = await solve(problem(2), gridProximalFlow({ points: 64 }));
    expect(atoms.counts.bandwidth0).toBe(0);
    const smooth = await solve(problem(Infinity), gridProximalFlow({ points: 64 }));
    const mean = points.reduce((a, b) => a + b, 0) / 8;
    const sd = Math.sqrt(points.reduce((a, x) => a + (x - mean) ** 2, 0) / 8);
    expect(smooth.counts.bandwidth0).toAgree(sd * (4 / 24) ** 0.2, { rtol: 1e-12 });
    expect(smooth.phi.every(Number.isFinite)).toBe(true);
    const given = await solve(problem(2), gridProximalFlow({ points: 64, bandwidth: 0.3 }));
    expect(given.counts.bandwidth0).toBe(0.3);
    expect(given.counts.targetSamplesDrawn).toBe(0);
  });

  test("a law that can only be sampled is drawn from the seed, and the draws are counted", async () => {
    const solver = gridProximalFlow({ points: 24, samples: 5000, tolerance: 0.1 });
    const [a, b, c] = await Promise.all([1, 1, 2].map((seed) => solve(manifoldTarget(), solver, { seed })));
    expect(a.counts.targetSamplesDrawn).toBe(5000);
    expect(a.phi).toEqual(b.phi);
    expect(a.phi).not.toEqual(c.phi);
  });

  test("mass outside the box is reported", async () => {
    const box = { lower: [-1], upper: [8] };
    const s = await solve(gaussianShift({ shift: 1 }), gridProximalFlow({ points: 64, box, tolerance: 0.1 }));
    // Φ(−2) and Φ(−1)
    expect(s.counts.sourceMassOutside).toAgree(0.0227501319481792, { atol: 1e-4 });
    expect(s.counts.targetMassOutside).toAgree(0.158655253931457, { atol: 1e-3 });
    expect(mass(s.density(0))).toAgree(1, { rtol: 1e-12 });
  });
});

describe("the solution", () => {
  let s: GridProximalFlowSolution;
  beforeAll(async () => {
    s = await solve(
      gaussianShift({ dimension: 2 }),
      gridProximalFlow({ points: [24, 20], box: { lower: [-5, -5], upper: [8, 5] }, tolerance: 0.2 }),
    );
  });

  test("arrays have the shapes of the grid", () => {
    const arrays = s.arrays();
    const shapes = Object.fromEntries(Object.entries(arrays).map(([name, a]) => [name, a.shape]));
    expect(shapes).toEqual({
      times: [5],
      phi: [24, 20],
      potential: [5, 24, 20],
      density: [5, 24, 20],
      velocity: [5, 24, 20, 2],
      axis0: [24],
      axis1: [20],
    });
    expect(arrays.density.data.slice(480, 960)).toEqual(s.density(0.25).values);
  });

  test("trajectories: straight, from given or drawn starts, with their weights", () => {
    const start = cloud([3, 0, 2, 1], 2, [0.25, 0.75]);
    const paths = s.trajectories({ start, steps: 4 });
    expect(paths.times).toAgree([0, 0.25, 0.5, 0.75, 1]);
    expect(paths.weights).toEqual(start.weights);
    const end = paths.positions.slice(16);
    const v = s.velocity(0, start.points);
    expect(end).toAgree(
      start.points.map((x, i) => x + v[i]),
      { atol: 1e-6 },
    );
    const drawn = s.trajectories({ count: 7, steps: 2, seed: 5 });
    expect([drawn.count, drawn.positions.length]).toEqual([7, 42]);
    expect(drawn.positions).toEqual(s.trajectories({ count: 7, steps: 2, seed: 5 }).positions);
  });

  test("records what was done", () => {
    expect(s.solver.name).toBe("gridProximalFlow");
    expect(s.family).toBe("grid");
    expect(s.device.used).toBe("cpu");
    expect(s.histories.map((h) => h.name)).toEqual(["gap", "half Newton decrement"]);
    expect(s.histories[0].values.at(-1)).toBe(s.objective.gap);
  });

  test("E U(0, x₀) is the value of the game", () => {
    const rho = s.density(0);
    const u = s.value(0, nodesOf(s.grid));
    const mean = integrate(
      s.grid,
      rho.values.map((r, k) => r * u[k]),
    );
    expect(mean).toAgree(s.objective.dual as number, { atol: 0.1 });
  });

  test("refuses what it cannot answer", () => {
    expect(() => s.value(1.5, new Float64Array(2))).toThrow(
      "solution: t must lie in [0, 1]; got 1.5. Ask for a time between start and horizon.",
    );
    expect(() => s.velocity(0, new Float64Array(3))).toThrow(
      "solution: x must have a length divisible by the dimension 2; got 3. Give the coordinates row by row, one point after the other.",
    );
    expect(() => s.trajectories({ count: 0 })).toThrow(
      "trajectories: count must be an integer ≥ 1; got 0. Use count: 256.",
    );
    expect(() => s.trajectories({ steps: 0.5 })).toThrow(
      "trajectories: steps must be an integer ≥ 1; got 0.5. Use steps: 20.",
    );
    expect(() => s.trajectories({ start: cloud([1], 1) })).toThrow(
      "trajectories: start must have the problem's dimension 2; got 1. Give starting points in the problem's space.",
    );
  });
});
