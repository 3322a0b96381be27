// Porous medium, fast diffusion and aggregation on cells against closed forms (Barenblatt, waiting times, the virial identity), and their laws.
import { test as property } from "@fast-check/vitest";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  barenblatt,
  barenblattProfile,
  divergenceTo,
  type Energy,
  energy,
  entropy,
  type GradientFlow,
  gradientFlow,
  type InternalEnergy,
  kellerSegel,
  kellerSegelMoment,
  lipschitzDivergence,
  mergingBumps,
  porousObstacle,
  power,
  transportTo,
} from "../../../../problems/index.js";
import {
  fokkerPlanck,
  type GradientFlowSolution,
  lipschitzFlow,
  type PorousMediumOptions,
  porousMedium,
} from "../../../../solvers/grid/index.js";
import { domain, integrate } from "../../../../src/grid/index.js";
import { alphaDivergence, gaussian, kullbackLeibler, reverseKullbackLeibler } from "../../../../src/measure/index.js";
import { solve } from "../../../../src/solve.js";
import { orderOf } from "../../../../src/verify/index.js";

const runs = Number(process.env.LAWS === "thorough" ? 500 : 25);

const run = (problem: GradientFlow, options: PorousMediumOptions): Promise<GradientFlowSolution> =>
  solve(problem, porousMedium(options), { onFailure: "return" });

const last = <T>(list: readonly T[]): T => list[list.length - 1];

const history = (s: GradientFlowSolution, name: string): readonly number[] =>
  s.histories.find((h) => h.name === name)?.values ?? [];

/** Relative L¹ error at T, everywhere and where |x| < within. */
function errorsOf(s: GradientFlowSolution, within = Infinity): { all: number; near: number } {
  const { points, grid } = s.cells;
  const d = grid.dimension;
  const exact = s.problem.exact?.density?.(s.problem.horizon, points) as Float64Array;
  let [all, near, mass] = [0, 0, 0];
  exact.forEach((v, k) => {
    const e = Math.abs(v - last(s.slabs)[k]);
    all += e;
    mass += v;
    if (Math.hypot(...points.subarray(k * d, (k + 1) * d)) < within) near += e;
  });
  return { all: all / mass, near: near / mass };
}

/** Mass to 1e-13 at every time, no value below 0, and the energy falls at every step. */
function expectLaws(s: GradientFlowSolution, rise = 1e-12): void {
  expect(s.status.text).toMatch(/^converged/);
  const mass = history(s, "mass");
  for (const m of mass) expect(Math.abs(m - mass[0])).toBeLessThanOrEqual(1e-13 * mass[0]);
  for (const slab of s.slabs) expect(slab.every((v) => v >= 0)).toBe(true);
  const size = Math.max(...s.energies.map(Math.abs));
  for (let n = 1; n < s.energies.length; n++)
    expect(s.energies[n]).toBeLessThanOrEqual(s.energies[n - 1] + rise * size);
}

/** Where the density falls to a share of its largest value on the positive half of a line, linearly between centres. */
function edge(density: Float64Array, nodes: Float64Array, share: number): number {
  const level = share * Math.max(...density);
  let k = density.length - 1;
  while (density[k] < level) k--;
  return nodes[k] + ((density[k] - level) / (density[k] - density[k + 1])) * (nodes[k + 1] - nodes[k]);
}

describe("Barenblatt's solution", () => {
  test("implicit: order 1 in L¹, the energy's identity to Newton's tolerance, mass to round-off", async () => {
    const errors: number[] = [];
    const counts = [100, 200, 400];
    for (const points of counts) {
      const s = await run(barenblatt(), { points, steps: points / 2 });
      expectLaws(s);
      expect(Math.max(...history(s, "energy identity"))).toBeLessThan(1e-10);
      errors.push(errorsOf(s).all);
    }
    expect(orderOf(counts, errors)).toBeGreaterThan(0.9);
    expect(last(errors)).toBeLessThan(2.5e-3);
  });

  test.each(["second-order", "rkl2"] as const)("%s: order 2 away from the front", async (scheme) => {
    const within = 0.8 * barenblattProfile(1, 2, 1).front(2);
    const counts = [50, 100, 200];
    const all: number[] = [];
    const near: number[] = [];
    for (const points of counts) {
      const s = await run(barenblatt(), { points, steps: points / 2, scheme });
      expectLaws(s);
      const e = errorsOf(s, within);
      all.push(e.all);
      near.push(e.near);
    }
    expect(orderOf(counts, near)).toBeGreaterThan(1.9);
    expect(last(near)).toBeLessThan(2e-5);
    expect(orderOf(counts, all)).toBeGreaterThan(1.7);
    expect(last(all)).toBeLessThan(1e-4);
  });

  test.each([
    ["implicit", 2, 1.25],
    ["second-order", 2, 0.2],
    ["second-order", 3, 1],
    ["rkl2", 2, 0.2],
    ["rkl2", 3, 1],
  ] as const)("%s, m = %d: the front lies within %d cells", async (scheme, exponent, most) => {
    const s = await run(barenblatt({ exponent }), { points: 200, steps: 100, scheme });
    const { nodes, spacing } = s.cells.grid.axes[0];
    const exact = s.problem.exact?.density?.(1, s.cells.points) as Float64Array;
    for (const share of [0.02, 0.05])
      expect(Math.abs(edge(last(s.slabs), nodes, share) - edge(exact, nodes, share))).toBeLessThan(most * spacing);
  });

  test("the energy is the closed form's", async () => {
    for (const [d, m] of [
      [1, 2],
      [1, 3],
      [2, 2],
    ]) {
      const problem = barenblatt({ dimension: d, exponent: m });
      const s = await run(problem, { points: d === 1 ? 200 : 48, steps: 20, scheme: "second-order" });
      const exact = problem.exact?.energy as (t: number) => number;
      expect(s.energies[0]).toAgree(exact(0), { rtol: 2e-3 });
      expect(last(s.energies)).toAgree(exact(1), { rtol: 3e-3 });
    }
  });

  test.each([
    [2, 2, "implicit", 0.06],
    [2, 3, "second-order", 0.02],
    [2, 2, "rkl2", 0.01],
    [3, 2, "implicit", 0.09],
    [3, 3, "rkl2", 0.05],
    [3, 2, "second-order", 0.03],
  ] as const)("%d-D, m = %d, %s", async (dimension, exponent, scheme, most) => {
    const s = await run(barenblatt({ dimension, exponent }), { points: dimension === 2 ? 24 : 16, steps: 6, scheme });
    expectLaws(s);
    expect(errorsOf(s).all).toBeLessThan(most);
  });

  test("fast diffusion: order 1 and 2 in the tails' company", async () => {
    const problem = barenblatt({ exponent: 0.75 });
    for (const [scheme, order, level] of [
      ["implicit", 0.85, 0.03],
      ["second-order", 1.7, 2e-3],
    ] as const) {
      const counts = [100, 200];
      const errors: number[] = [];
      for (const points of counts) {
        const s = await run(problem, { points, steps: points / 4, scheme });
        expectLaws(s);
        errors.push(errorsOf(s).all);
      }
      expect(orderOf(counts, errors)).toBeGreaterThan(order);
      expect(last(errors)).toBeLessThan(level);
    }
  });
});

describe("degenerate and singular starts", () => {
  test.each([0.5, 1, 1.5, 3])("m = %d from a block of mass between vacuum", async (m) => {
    const flow = gradientFlow({
      domain: domain({ lower: [-2], upper: [2], ends: "no-flux" }),
      horizon: 0.1,
      energy: energy({ dimension: 1, internal: m === 1 ? entropy() : power(m) }),
      initial: (x) => (Math.abs(x[0]) < 0.5 ? 1 : 0),
    });
    for (const scheme of ["implicit", "second-order"] as const) {
      const s = await run(flow, { points: 64, steps: 8, scheme });
      expectLaws(s, 1e-10);
      // Even data stay even.
      last(s.slabs).forEach((v, k, slab) => {
        expect(Math.abs(v - slab[63 - k])).toBeLessThan(1e-8);
      });
    }
  });

  test("a stage too long for the digits is taken again, shorter, not thrown", async () => {
    const flow = gradientFlow({
      domain: domain({ lower: [-2], upper: [2], ends: "no-flux" }),
      horizon: 0.5,
      energy: energy({ dimension: 1, internal: divergenceTo(reverseKullbackLeibler(), "exp(-x^2)", 1) }),
      initial: (x) => (Math.abs(x[0]) < 0.5 ? 1 : 0),
    });
    const s = await run(flow, { points: 64, steps: 16, scheme: "second-order" });
    expectLaws(s, 1e-10);
    expect(s.counts.rejected).toBeGreaterThan(0);
  });

  test.each([entropy(), power(0.5)])(
    "paths leave a block between vacuum, where ξ is −∞ at first: $text",
    async (internal) => {
      const s = await run(
        gradientFlow({
          domain: domain({ lower: [-2], upper: [2], ends: "no-flux" }),
          horizon: 0.1,
          energy: energy({ dimension: 1, internal }),
          initial: (x) => (Math.abs(x[0]) < 0.5 ? 1 : 0),
        }),
        { points: 64, steps: 40 },
      );
      expect(s.velocity(0, Float64Array.from([0.49]))[0]).not.toAgree(0, { atol: 1e6 });
      const { positions } = s.trajectories({ count: 400, steps: 40 });
      const spread = (cloud: ArrayLike<number>) => Array.from(cloud).reduce((sum, x) => sum + x * x, 0) / 400;
      const moment = last(s.slabs).reduce((sum, v, k) => sum + v * s.cells.points[k] ** 2, 0) * s.cells.grid.cellVolume;
      expect(positions.every(Number.isFinite)).toBe(true);
      // 400 draws: the variance to a standard error of 5 to 10 %; the tails of m = ½ hold upwind's numerical diffusion, which paths have none of.
      expect(spread(positions.subarray(positions.length - 400))).toAgree(moment, { rtol: 0.3 });
    },
  );

  test("rkl2 takes shorter steps rather than thousands of stages, and says when none is short enough", async () => {
    const flow = (weight: number) =>
      gradientFlow({
        domain: domain({ lower: [-2], upper: [2], ends: "no-flux" }),
        horizon: 0.1,
        energy: energy({ dimension: 1, internal: power(2, weight) }),
        initial: (x) => (Math.abs(x[0]) < 0.5 ? 1 : 0),
      });
    const stiff = await run(flow(1e5), { points: 64, steps: 1, scheme: "rkl2" });
    expect(stiff.status.converged).toBe(true);
    for (const m of history(stiff, "mass")) expect(m).toAgree(1, { rtol: 1e-12 });
    expect(stiff.counts.rejected).toBeGreaterThan(0);
    expect(stiff.counts.stages / stiff.counts.steps).toBeLessThan(1000);
    const hopeless = await run(flow(1e30), { points: 64, steps: 1, scheme: "rkl2" });
    expect(hopeless.status.text).toMatchInlineSnapshot(
      `"stopped: no step of length 9.5e-8 from t = 0.00000 succeeds: mass would cross 5.1e+31 cells within T; use a shorter horizon, or units in which lengths, masses and coefficients are of order 1"`,
    );
  });

  test("fronts wait, then move and merge", async () => {
    const problem = mergingBumps({ waiting: 0.25, gap: 0.4 });
    const s = await run(problem, { points: 400, steps: 200, scheme: "second-order" });
    expectLaws(s);
    const { nodes, spacing } = s.cells.grid.axes[0];
    const mass = history(s, "mass")[0];
    /** Share of the mass farther than two cells outside the first support. */
    const outside = (t: number): number =>
      s.density(t).values.reduce((sum, v, k) => {
        const x = Math.abs(nodes[k]);
        return sum + (x < 0.2 - 2 * spacing || x > 2.2 + 2 * spacing ? v * spacing : 0);
      }, 0) / mass;
    expect(outside(0.2)).toBeLessThan(1e-6);
    expect(outside(0.5)).toBeGreaterThan(5e-4);
    // Merged: the middle is wet at the end, and dry while they wait.
    expect(s.density(0.2).values[200]).toBeLessThan(1e-12);
    expect(s.density(1).values[200]).toBeGreaterThan(1e-3);
  });
});

describe("the energy's round-off is measured by the energies so far", () => {
  test("second order: an energy that falls to 0 halves no step at the equilibrium", async () => {
    const flow = gradientFlow({
      domain: domain({ lower: [-4], upper: [4], ends: "no-flux" }),
      horizon: 40,
      energy: energy({
        dimension: 1,
        internal: divergenceTo(kullbackLeibler(), "exp(-x^2/2)/sqrt(2*pi)", 1),
      }),
      initial: "exp(-(x - 1)^2/2)",
    });
    const s = await run(flow, { points: 64, steps: 80, scheme: "second-order" });
    expectLaws(s, 1e-9);
    expect(last(s.energies)).toBeLessThan(1e-8);
    expect(s.counts.rejected).toBeLessThan(10);
  });

  test("implicit: a flow at rest takes steps of any length, for its residual ends at round-off", async () => {
    for (const internal of [entropy(), power(2), power(0.5)]) {
      const flow = gradientFlow({
        domain: domain({ lower: [-4], upper: [4], ends: "no-flux" }),
        horizon: 1e9,
        energy: energy({ dimension: 1, internal, potential: "x^2/2" }),
        initial: "exp(-(x - 1)^2)",
      });
      const s = await run(flow, { points: 256, steps: 64 });
      expectLaws(s);
      expect(s.counts.steps).toBeLessThan(80);
      // At rest: v = 0 where mass is, to the round-off of ξ over a cell.
      expect(last(s.speeds)).toBeLessThan(1e-11);
    }
  });

  test("second order: fluxes in tails of round-off, far larger than ρ, stop no step and take no mass", async () => {
    const flow = gradientFlow({
      domain: domain({ lower: [-8], upper: [8], ends: "no-flux" }),
      energy: energy({ dimension: 1, internal: divergenceTo(reverseKullbackLeibler(), "exp(-x^2/2)", 1) }),
      initial: "exp(-x^2)",
    });
    const s = await run(flow, { points: 256, steps: 16, scheme: "second-order" });
    expectLaws(s, 1e-10);
    const reference = await run(flow, { points: 256, steps: 256 });
    expect(last(s.energies)).toAgree(last(reference.energies), { rtol: 1e-2 });
  });

  test("an energy that begins at ∞ or is 0 leaves the identity measured where it can be, at its step", async () => {
    const flow = (initial: (x: Float64Array) => number, target: string) =>
      gradientFlow({
        domain: domain({ lower: [-1], upper: [1], ends: "no-flux" }),
        horizon: 0.5,
        energy: energy({ dimension: 1, internal: divergenceTo(reverseKullbackLeibler(), target, 1) }),
        initial,
        mass: 2,
      });
    const infinite = await run(
      flow((x) => (Math.abs(x[0]) < 0.5 ? 1 : 0), "1 + x^2"),
      { points: 32, steps: 6 },
    );
    const identity = infinite.histories.find((h) => h.name === "energy identity");
    expect(infinite.energies[0]).toBe(Infinity);
    expect(identity?.iterations).toEqual([2, 3, 4, 5, 6]);
    for (const v of identity?.values ?? []) {
      expect(v).toBeGreaterThan(0);
      expect(v).toBeLessThan(1e-9);
    }
    const zero = await run(
      flow(() => 1, "1"),
      { points: 32, steps: 6 },
    );
    expect(zero.energies.every((e) => e === 0)).toBe(true);
    expect(zero.histories.find((h) => h.name === "energy identity")).toBeUndefined();
  });
});

describe("an unregularised divergence is the limit of regularised ones", () => {
  test.each([kullbackLeibler(), alphaDivergence(2)])("$name, a target and a start of any mass", async (divergence) => {
    const flow = (lipschitz: number, target: string) =>
      gradientFlow({
        domain: domain({ lower: [-2], upper: [2], ends: "no-flux" }),
        horizon: 0.1,
        energy: lipschitzDivergence({ dimension: 1, divergence, lipschitz, target }),
        initial: "1 + 0.5*cos(x)",
        mass: 3,
      });
    const bound = await solve(flow(4, "3 + x"), lipschitzFlow({ points: 32 }));
    // The bound never acts.
    expect(Math.max(...bound.speeds.map(Number))).toBeLessThan(2);
    for (const scheme of ["implicit", "second-order"] as const) {
      const free = await run(flow(Infinity, "3 + x"), { points: 32, steps: bound.counts.steps, scheme });
      expect(free.energies[0]).toAgree(bound.energies[0], { rtol: 1e-6 });
      expect(last(free.energies)).toAgree(last(bound.energies), { rtol: 0.05 });
      const apart = last(free.slabs).reduce((sum, v, k) => sum + Math.abs(v - last(bound.slabs)[k]), 0) / 8;
      expect(apart).toBeLessThan(0.02);
      const scaled = await run(flow(Infinity, "(3 + x)/70"), { points: 32, steps: bound.counts.steps, scheme });
      expect(last(scaled.slabs)).toAgree(last(free.slabs), { rtol: 1e-8 });
    }
  });
});

describe("laws", () => {
  const anEnergy = fc.record({
    exponent: fc.constantFrom(0.6, 1, 1.5, 2, 3),
    stiffness: fc.double({ min: -2, max: 4, noNaN: true }),
    tilt: fc.double({ min: -2, max: 2, noNaN: true }),
    attraction: fc.double({ min: -2, max: 2, noNaN: true }),
    periodic: fc.boolean(),
    centre: fc.double({ min: -0.5, max: 0.5, noNaN: true }),
  });
  const flowOf = (r: typeof anEnergy extends fc.Arbitrary<infer R> ? R : never): GradientFlow =>
    gradientFlow({
      domain: domain({ lower: [-1], upper: [1], ends: r.periodic ? "periodic" : "no-flux" }),
      horizon: 0.2,
      energy: energy({
        dimension: 1,
        internal: r.exponent === 1 ? entropy(0.5) : power(r.exponent, 0.5),
        potential: r.periodic
          ? `${r.tilt}*sin(pi*x) + ${r.stiffness}*cos(2*pi*x)/4`
          : `${r.stiffness}*x^2/2 + ${r.tilt}*x`,
        interaction: r.periodic ? `${r.attraction}*cos(pi*x)` : `${r.attraction}*exp(-4*x^2)`,
      }),
      initial: (x) => 0.2 + Math.exp(-8 * (x[0] - r.centre) ** 2),
    });

  property.prop([anEnergy], { numRuns: runs, seed: 1 })(
    "implicit: mass, sign, and the energy's identity for any energy",
    async (r) => {
      const s = await run(flowOf(r), { points: 32, steps: 5 });
      expectLaws(s);
      expect(Math.max(...history(s, "energy identity"))).toBeLessThan(1e-9);
    },
  );

  property.prop([anEnergy], { numRuns: Math.ceil(runs / 2), seed: 2 })(
    "second order: mass, sign, falling energy for any energy",
    async (r) => {
      expectLaws(await run(flowOf(r), { points: 32, steps: 5, scheme: "second-order" }), 1e-9);
    },
  );

  property.prop([fc.constantFrom(0.6, 1, 2, 3), fc.double({ min: -3, max: 3, noNaN: true })], {
    numRuns: runs,
    seed: 3,
  })("comparison: ordered starts of the implicit scheme stay ordered", async (m, tilt) => {
    const start = (add: number, x: number) => 0.1 + Math.max(0, 0.5 - x * x) + add * Math.exp(-20 * (x - 0.3) ** 2);
    const flow = (add: number) =>
      gradientFlow({
        domain: domain({ lower: [-1], upper: [1], ends: "no-flux" }),
        horizon: 0.2,
        energy: energy({ dimension: 1, internal: m === 1 ? entropy() : power(m), potential: `${tilt}*x` }),
        initial: (x) => start(add, x[0]),
        mass: null,
      });
    const [low, high] = [
      await run(flow(0), { points: 40, steps: 5, tolerance: 1e-13 }),
      await run(flow(0.4), { points: 40, steps: 5, tolerance: 1e-13 }),
    ];
    low.slabs.forEach((slab, n) => {
      expect(Math.max(...slab.map((v, k) => v - high.slabs[n][k]))).toBeLessThanOrEqual(1e-11);
    });
  });

  test.each(["implicit", "second-order"] as const)("%s: equilibria are kept to round-off", async (scheme) => {
    const V = (x: number) => x ** 4 - x * x + 0.3 * x;
    for (const [internal, density] of [
      [power(2), (x: number) => Math.max(0, 0.6 - V(x)) / 2],
      [entropy(0.5), (x: number) => Math.exp(-2 * V(x))],
      [power(0.5), (x: number) => (V(x) + 2) ** -2],
    ] as const) {
      const s = await run(
        gradientFlow({
          domain: domain({ lower: [-1.5], upper: [1.5], ends: "no-flux" }),
          energy: energy({ dimension: 1, internal, potential: "x^4 - x^2 + 0.3*x" }),
          initial: (x) => density(x[0]),
          mass: null,
        }),
        { points: 64, steps: 4, scheme },
      );
      expect(s.status.converged).toBe(true);
      expect(last(s.slabs)).toAgree(s.slabs[0], { rtol: 0, atol: 1e-13 });
    }
  });

  test("W₂ contracts like e^{−λt} for a λ-convex energy", async () => {
    const lambda = 2;
    const flow = (centre: number, width: number) =>
      gradientFlow({
        domain: domain({ lower: [-3], upper: [3], ends: "no-flux" }),
        horizon: 0.5,
        energy: energy({ dimension: 1, internal: power(2), potential: `${lambda / 2}*x^2`, convexity: lambda }),
        initial: (x) => Math.max(0, width ** 2 - (x[0] - centre) ** 2),
      });
    const options: PorousMediumOptions = { points: 300, steps: 40, scheme: "second-order" };
    const [a, b] = [await run(flow(-1, 0.6), options), await run(flow(1.2, 0.9), options)];
    const nodes = a.cells.grid.axes[0].nodes;
    const h = a.cells.grid.axes[0].spacing;
    /** W₂ on the line from quantiles of piecewise constant densities. */
    const distance = (p: Float64Array, q: Float64Array): number => {
      const quantiles = (density: Float64Array): Float64Array => {
        const out = new Float64Array(4000);
        let k = 0;
        let below = 0;
        for (let i = 0; i < out.length; i++) {
          const u = (i + 0.5) / out.length;
          while (k < density.length - 1 && below + density[k] * h < u) below += density[k++] * h;
          out[i] = nodes[k] - h / 2 + (u - below) / density[k];
        }
        return out;
      };
      const [x, y] = [quantiles(p), quantiles(q)];
      return Math.sqrt(x.reduce((sum, v, i) => sum + (v - y[i]) ** 2, 0) / x.length);
    };
    const first = distance(a.slabs[0], b.slabs[0]);
    for (const n of [10, 20, 40])
      expect(distance(a.slabs[n], b.slabs[n])).toBeLessThanOrEqual(1.01 * first * Math.exp(-lambda * a.times[n]));
  });

  test("an obstacle stays dry, and the flow goes round it", async () => {
    const s = await run(porousObstacle(), { points: [48, 24], steps: 12 });
    expectLaws(s);
    const { open, points, grid } = s.cells;
    let solid = 0;
    let beyond = 0;
    last(s.slabs).forEach((v, k) => {
      if (open[k] === 0) {
        solid++;
        expect(v).toBe(0);
      }
      if (points[2 * k] > 0.4) beyond += v * grid.cellVolume;
    });
    expect(solid).toBeGreaterThan(40);
    expect(beyond).toBeGreaterThan(0.3);
    // The domain is even in y.
    last(s.slabs).forEach((v, k, slab) => {
      const [i, j] = [Math.floor(k / 24), k % 24];
      expect(Math.abs(v - slab[i * 24 + 23 - j])).toBeLessThan(1e-8);
    });
  });

  test("steps that adapt grow as the flow slows down", async () => {
    const s = await run(barenblatt({ age: 0.05, horizon: 1 }), { points: 100, steps: 400, adaptive: 2e-3 });
    expectLaws(s);
    expect(s.counts.steps).toBeLessThan(200);
    const step = (n: number) => s.times[n + 1] - s.times[n];
    expect(step(s.counts.steps - 2)).toBeGreaterThan(5 * step(1));
    expect(last(Array.from(s.times))).toBe(1);
    expect(errorsOf(s).all).toBeLessThan(0.02);
  });
});

describe("Keller–Segel", () => {
  test("below the critical mass the second moment obeys the virial identity", async () => {
    const problem = kellerSegel({ share: 0.5, horizon: 0.1 });
    const errors: number[] = [];
    const counts = [24, 48];
    for (const points of counts) {
      const s = await run(problem, { points, steps: points / 6, scheme: "second-order" });
      expect(s.status.converged).toBe(true);
      const moment = (slab: Float64Array): number =>
        integrate(
          s.cells.grid,
          slab.map((v, k) => v * (s.cells.points[2 * k] ** 2 + s.cells.points[2 * k + 1] ** 2)),
        );
      const M = history(s, "mass")[0];
      expect(M).toAgree(4 * Math.PI, { rtol: 1e-12 });
      const [first, end] = [moment(s.slabs[0]), moment(last(s.slabs))];
      const exact = kellerSegelMoment(first, M, 1, 0.1);
      expect(exact - first).toAgree(0.4 * M * 0.5, { rtol: 1e-12 });
      errors.push(Math.abs(end - exact) / (exact - first));
    }
    expect(orderOf(counts, errors)).toBeGreaterThan(1.7);
    expect(last(errors)).toBeLessThan(0.06);
  });

  test("the largest speed is that of mass, not of round-off in the tails", async () => {
    const s = await run(kellerSegel({ share: 0.5, horizon: 0.1 }), { points: 32, steps: 16, scheme: "second-order" });
    const speeds = s.speeds as number[];
    // a Gaussian of variance ¼ has |∇ log ρ| = 4r, and 1e-8 of its peak stands at r = 3
    expect(speeds[0]).toBeLessThan(12);
    for (const v of speeds) expect(v).toBeLessThan(1.05 * speeds[0]);
  });

  test("implicit: identity with an interaction, mass, sign", async () => {
    const s = await run(kellerSegel({ share: 0.9, horizon: 0.1 }), { points: 24, steps: 4 });
    expectLaws(s);
    expect(Math.max(...history(s, "energy identity"))).toBeLessThan(1e-9);
  });

  test.each([
    ["implicit", 32, 1],
    ["second-order", 32, 0.1],
    ["second-order", 64, 0.01],
  ] as const)(
    "clumps of one cell that keep apart are no solution: %s on %d points",
    async (scheme, points, horizon) => {
      const flow = gradientFlow({
        domain: domain({ lower: [-1], upper: [1], ends: "no-flux" }),
        horizon,
        energy: energy({ dimension: 1, internal: entropy(), interaction: "-50*abs(x)^(-0.5)" }),
        initial: "exp(-8*x^2)",
      });
      const s = await run(flow, { points, steps: 64, scheme });
      expect(s.status.converged).toBe(false);
      expect(s.status.text).toMatch(
        /^stopped: the mass concentrates: at t = \d\.[\de-]+ cells denser than twice their neighbours hold \d+ % of it, the fullest near x = \(.*\); blow-up, or too few points to tell: use more, or less mass$/,
      );
    },
  );

  test.each(["implicit", "second-order"] as const)(
    "%s: a start of single cells that spreads is no alarm",
    async (scheme) => {
      const flow = gradientFlow({
        domain: domain({ lower: [-1], upper: [1], ends: "no-flux" }),
        horizon: 0.1,
        energy: energy({ dimension: 1, internal: entropy(), interaction: "-0.01*abs(x)^(-0.5)" }),
        initial: (x) => (Math.abs(x[0] - 0.0156) < 0.015 || Math.abs(x[0] - 0.516) < 0.015 ? 1 : 0),
      });
      expect((await run(flow, { points: 64, steps: 64, scheme })).status.text).toMatch(/^converged/);
    },
  );

  test("above it the concentration is reported with time and density", async () => {
    const s = await run(kellerSegel({ share: 3, sd: 0.3, horizon: 1, halfWidth: 2 }), { points: 32, steps: 50 });
    expect(s.status.converged).toBe(false);
    expect(s.status.text).toMatch(
      /^stopped: the mass concentrates: at t = 0\.\d+ one cell near x = \(.*\) has the density \d+(\.\d+)?, \d+ % of the mass; blow-up, or too few points to tell: use more, or less mass$/,
    );
    expect(last(Array.from(s.times))).toBeLessThan(0.5);
    const mass = history(s, "mass");
    expect(last(mass)).toAgree(mass[0], { rtol: 1e-12 });
  });
});

describe("messages", () => {
  const message = (f: () => unknown): string => {
    try {
      f();
    } catch (e) {
      return (e as Error).message;
    }
    return "none";
  };

  test("options", () => {
    expect(message(() => porousMedium({ points: 2 }))).toMatchInlineSnapshot(
      `"porousMedium: points must be an integer ≥ 4, or one for each axis; got 2. Use points: 64 to start."`,
    );
    expect(message(() => porousMedium({ steps: 0.5 }))).toMatchInlineSnapshot(
      `"porousMedium: steps must be an integer ≥ 1; got 0.5. Use steps: 64 to start."`,
    );
    expect(message(() => porousMedium({ adaptive: 2 }))).toMatchInlineSnapshot(
      `"porousMedium: adaptive must lie between 0 and 1, or be null for equal steps; got 2. Use adaptive: 1e-3 to start."`,
    );
    expect(message(() => porousMedium({ scheme: "explicit" as "rkl2" }))).toMatchInlineSnapshot(
      `"porousMedium: scheme must be one of implicit, second-order, rkl2; got "explicit". Use scheme: "implicit"."`,
    );
    expect(message(() => porousMedium({ tolerance: 0 }))).toMatchInlineSnapshot(
      `"porousMedium: tolerance must lie between 0 and 1; got 0. Use tolerance: 1e-10."`,
    );
  });

  test("a start without mass, whichever solver", async () => {
    const box = domain({ lower: [-1], upper: [1], ends: "no-flux" });
    const empty = (e: Energy) => gradientFlow({ domain: box, energy: e, initial: 0, mass: null });
    const heat = empty(energy({ dimension: 1, internal: entropy() }));
    const regular = empty(
      lipschitzDivergence({ dimension: 1, divergence: kullbackLeibler(), lipschitz: 1, target: "1" }),
    );
    const refusal = (solved: Promise<unknown>): Promise<string> =>
      solved.then(
        () => "solved",
        (error: Error) => error.message,
      );
    expect([
      await refusal(solve(heat, porousMedium())),
      await refusal(solve(heat, fokkerPlanck())),
      await refusal(solve(regular, lipschitzFlow())),
    ]).toMatchInlineSnapshot(`
      [
        "porousMedium: the initial density must have a finite mass > 0 on the solver's cells; got 0. Use more points, or move it into the open part of the domain.",
        "fokkerPlanck: the initial density must have a finite mass > 0 on the solver's cells; got 0. Use more points, or move it into the open part of the domain.",
        "lipschitzFlow: the initial density must have a finite mass > 0 on the solver's cells; got 0. Use more points, or move it into the open part of the domain.",
      ]
    `);
  });

  test("more steps than memory holds, also those that a CFL condition asks for", async () => {
    const square = domain({ lower: [-1, -1], upper: [1, 1], ends: "no-flux" });
    const flow = (e: Energy) => gradientFlow({ domain: square, energy: e, initial: 1 });
    const heat = flow(energy({ dimension: 2, internal: entropy() }));
    const steep = (lipschitz: number) =>
      flow(lipschitzDivergence({ dimension: 2, divergence: alphaDivergence(2), lipschitz, target: "1 + x^2" }));
    const refusal = (solved: Promise<unknown>): Promise<string> =>
      solved.then(
        () => "solved",
        (error: Error) => error.message,
      );
    expect([
      await refusal(solve(heat, porousMedium({ points: 512, steps: 4000 }))),
      await refusal(solve(heat, fokkerPlanck({ points: 512, steps: 4000 }))),
      await refusal(solve(steep(1e5), lipschitzFlow())),
      await refusal(solve(steep(1e308), lipschitzFlow())),
    ]).toMatchInlineSnapshot(`
      [
        "porousMedium: steps × cells must be at most 536870912, since ρ and δE/δρ of every step are kept (16 bytes a cell, 8 GiB in all); got 1048576000. Use fewer steps or points, or a shorter horizon.",
        "fokkerPlanck: steps × cells must be at most 536870912, since ρ and δE/δρ of every step are kept (16 bytes a cell, 8 GiB in all); got 1048576000. Use fewer steps or points, or a shorter horizon.",
        "lipschitzFlow: steps × cells must be at most 536870912, since ρ and δE/δρ of every step are kept (16 bytes a cell, 8 GiB in all); got 52428800000. Use fewer steps or points, or a shorter horizon.",
        "lipschitzFlow: steps × cells must be at most 536870912, since ρ and δE/δρ of every step are kept (16 bytes a cell, 8 GiB in all); got Infinity. Use fewer steps or points, or a shorter horizon.",
      ]
    `);
  });

  test("more steps than memory holds, once they are halved: said before they are made", async () => {
    const flow = gradientFlow({
      domain: domain({ lower: [-1], upper: [1], ends: "no-flux" }),
      horizon: 1e12,
      energy: energy({ dimension: 1, internal: power(2) }),
      initial: 1,
    });
    const s = await run(flow, { points: 8, steps: 10_000, scheme: "rkl2" });
    expect(s.counts.steps).toBeLessThan(2000);
    expect(s.status.text).toMatchInlineSnapshot(
      `"stopped: steps of length 6.1e+3 at t = 6.10352e+6: more than 67108864 of them are needed, and 8 GiB hold no more (ρ and δE/δρ of every step are kept); use a shorter horizon, or fewer points"`,
    );
  });

  test("where no step succeeds the cure fits the cause", async () => {
    const ended = async (internal: InternalEnergy, terms: { mass?: number; horizon?: number }, initial: string) => {
      const flow = gradientFlow({
        domain: domain({ lower: [-8], upper: [8], ends: "no-flux" }),
        energy: energy({ dimension: 1, internal, potential: "x^2/2" }),
        initial,
        ...terms,
      });
      return (await run(flow, { points: 256, steps: 16, scheme: "second-order" })).status.text;
    };
    expect([
      await ended(power(2), { mass: 1e200 }, "exp(-x^2)"),
      await ended(entropy(1e12), {}, "exp(-x^2)"),
      await ended(entropy(), { horizon: 1e9 }, "exp(-(x - 1)^2)"),
    ]).toMatchInlineSnapshot(`
      [
        "stopped: no step of length 6.0e-8 from t = 0.00000 succeeds: there is no bound on its speeds, as where the start has vacuum or tails of round-off; use scheme: "implicit"",
        "stopped: no step of length 6.0e-8 from t = 0.00000 succeeds: mass would cross 1.4e+14 cells within T; use a shorter horizon, or units in which lengths, masses and coefficients are of order 1, or scheme: "implicit", which bears steep tails and long steps",
        "stopped: no step of length 60 from t = 0.00000 succeeds: mass would cross 8.4e+10 cells within T; use a shorter horizon, or units in which lengths, masses and coefficients are of order 1, or scheme: "implicit", which bears steep tails and long steps",
      ]
    `);
  });

  test("problems that are not for it", () => {
    const flow = (e: Energy) =>
      gradientFlow({
        domain: domain({ lower: [0], upper: [1], ends: "no-flux" }),
        energy: e,
        initial: 1,
      });
    const target = gaussian({ mean: [0.5], sd: 0.1 });
    const solver = porousMedium();
    expect([
      solver.handles({ ...flow(energy({ dimension: 1, internal: power(2) })), kind: "other" } as never),
      solver.handles(flow(transportTo({ dimension: 1, order: 2, target }))),
      solver.handles(flow(lipschitzDivergence({ dimension: 1, divergence: kullbackLeibler(), lipschitz: 1, target }))),
      solver.handles(flow(energy({ dimension: 1, internal: power(2), cap: 2 }))),
      porousMedium({ scheme: "rkl2" }).handles(flow(energy({ dimension: 1, internal: power(0.5) }))),
      solver.handles(flow(energy({ dimension: 1, internal: power(2) }))),
    ]).toMatchInlineSnapshot(`
      [
        "it solves gradient-flow problems, not other; use a solver of that family",
        "the energy is a transport distance; use jko() or lipschitzFlow()",
        "the energy is a Lipschitz-regularised divergence; use lipschitzFlow()",
        "the density is capped; use jko()",
        "scheme "rkl2" solves ∂ₜρ = cΔρ^m with m ≥ 1 alone; use scheme: "implicit"",
        true,
      ]
    `);
  });
});

test("under a bounded kernel mass may gather in a cell: no blow-up", async () => {
  const problem = gradientFlow({
    domain: domain({ lower: [-1], upper: [1], ends: "no-flux" }),
    horizon: 2,
    energy: energy({ dimension: 1, internal: entropy(1e-3), interaction: "-exp(-x^2)" }),
    initial: gaussian({ mean: [0], sd: 0.2 }),
  });
  const s = await solve(problem, porousMedium({ points: 16, steps: 32 }));
  expect(s.status.converged).toBe(true);
  expect(Math.max(...s.slabs[32]) * s.cells.grid.cellVolume).toBeGreaterThan(0.1);
  for (let n = 1; n < s.energies.length; n++) expect(s.energies[n]).toBeLessThanOrEqual(s.energies[n - 1] + 1e-12);
});
