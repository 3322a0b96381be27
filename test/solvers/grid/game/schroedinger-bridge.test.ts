// Schrödinger bridges of Gaussians in closed form, 1-D to 3-D; W₂ as ν → 0; Feynman–Kac with a cost; laws.
import { describe, expect, test } from "vitest";
import {
  couplingField,
  couplingLocal,
  gaussianBridge,
  hamiltonianQuadratic,
  type MeanFieldGame,
  meanFieldGame,
} from "../../../../problems/index.js";
import { schroedingerBridge } from "../../../../solvers/grid/game/schroedinger-bridge.js";
import { domain, integrate } from "../../../../src/grid/index.js";
import { entropicCostGaussian, gaussian, moments } from "../../../../src/measure/index.js";
import { solve } from "../../../../src/solve.js";
import { orderOf } from "../../../../src/verify/index.js";

const S0 = 0.6;
const S1 = 0.4;

interface Case {
  readonly d?: number;
  readonly nu: number;
  readonly kappa?: number;
  readonly horizon?: number;
  readonly reach?: number;
  readonly s1?: number;
  readonly cost?: string;
}

/** N(−e₁, S0²) → N(e₁, s₁²) in a closed box. */
const between = ({ d = 1, nu, kappa = 0.5, horizon = 1, reach = 4.5, s1 = S1, cost = "0" }: Case): MeanFieldGame => {
  const at = (x: number) => Array.from({ length: d }, (_, a) => (a === 0 ? x : 0));
  return meanFieldGame({
    mode: "planning",
    horizon,
    domain: domain({ lower: Array(d).fill(-reach), upper: Array(d).fill(reach), ends: Array(d).fill("no-flux") }),
    populations: {
      viscosity: nu,
      hamiltonian: hamiltonianQuadratic({ dimension: d, weight: kappa }),
      initial: gaussian({ mean: at(-1), sd: S0 }),
      final: gaussian({ mean: at(1), sd: s1 }),
    },
    coupling: couplingField({ dimension: d, cost }),
  });
};

/** min ∫∫ |v|²/(4κ) m = (ν/κ) [OT_ε/ε + ∫m_T log m_T + (d/2) log 4πνT], ε = 4νT. */
const leastCost = (nu: number, kappa: number, T: number, d: number, s1: number): number => {
  const eps = 4 * nu * T;
  let sum = 0;
  for (let a = 0; a < d; a++)
    sum +=
      entropicCostGaussian(a === 0 ? 2 : 0, S0, s1, eps) / eps -
      0.5 * Math.log(2 * Math.PI * Math.E * s1 ** 2) +
      0.5 * Math.log(4 * Math.PI * nu * T);
  return (nu / kappa) * sum;
};

/** Variance of the Gaussian bridge at the share r of the time. */
const bridgeVariance = (nu: number, T: number, r: number, s1: number): number =>
  (1 - r) ** 2 * S0 ** 2 + r ** 2 * s1 ** 2 + r * (1 - r) * Math.sqrt(4 * S0 ** 2 * s1 ** 2 + 4 * (nu * T) ** 2);

describe("Gaussians", () => {
  test.each([
    [{ nu: 0.5 }, 64],
    [{ nu: 0.1, kappa: 1 }, 128],
    [{ nu: 0.02, horizon: 2 }, 160],
    [{ d: 2, nu: 0.2, reach: 4.5 }, 48],
    [{ d: 3, nu: 0.5, reach: 4 }, 24],
  ] as const)("law, cost and feedback of %o on %i cells a side", async (shape, points) => {
    const { d = 1, nu, kappa = 0.5, horizon: T = 1 } = shape as Case;
    const s = await solve(between(shape), schroedingerBridge({ points }));
    expect(s.status.text).toContain("Gaussian kernel");
    expect(s.counts.massError).toBeLessThan(1e-9);
    // The smallest Gaussian is cut off at 3.5 / 0.6 = 5.8 standard deviations.
    const level = d === 3 ? 2e-3 : 2e-5;
    for (const r of [0.25, 0.5]) {
      const { mean, covariance } = moments(s.density(r * T));
      expect(mean[0]).toAgree(2 * r - 1, { atol: level });
      for (let a = 0; a < d; a++)
        // Between two slabs the density is interpolated: only slabs are compared.
        if ((r * (s.fields.times.length - 1)) % 1 === 0)
          expect(covariance[a * d + a]).toAgree(bridgeVariance(nu, T, r, S1), { atol: level });
    }
    expect(s.objective.dual as number).toAgree(leastCost(nu, kappa, T, d, S1), { atol: 5 * level });
    // v = current velocity + ν∇log m = ṁ + (ṡ/s − ν/s²)(x − mean); on the grid from differences of second order.
    const middle = s.fields.times[(s.fields.times.length - 1) >> 1];
    const r = middle / T;
    const variance = bridgeVariance(nu, T, r, S1);
    const change =
      (-2 * (1 - r) * S0 ** 2 + 2 * r * S1 ** 2 + (1 - 2 * r) * Math.sqrt(4 * S0 ** 2 * S1 ** 2 + 4 * (nu * T) ** 2)) /
      T;
    const offset = 0.3;
    const x = Float64Array.from({ length: d }, (_, a) => (a === 0 ? 2 * r - 1 + offset : 0));
    const expected = 2 / T + ((change / 2 - nu) / variance) * offset;
    expect(s.velocity(middle, x)[0]).toAgree(expected, { atol: d === 3 ? 5e-2 : 5e-3 });
  });

  test.each([1, 2])(
    "the catalogue's closed form in %i-D: value, law, and the equation of the value",
    async (dimension) => {
      const game = gaussianBridge({ dimension, viscosity: 0.2, weight: 0.7, horizon: 1.5 });
      const exact = game.exact as NonNullable<MeanFieldGame["exact"]>;
      const s = await solve(game, schroedingerBridge({ points: dimension === 1 ? 128 : 48 }));
      const { times, cells: cut, value, density } = s.fields;
      const n = times.length >> 1;
      expect(density[0][n]).toAgree(exact.density(times[n], cut.points), { atol: 1e-5 });
      // One constant for all times; compared where there is mass.
      let shift = Number.NaN;
      for (const k of [0, n]) {
        const u = exact.value(times[k], cut.points);
        const law = exact.density(times[k], cut.points);
        for (let i = 0; i < u.length; i++) {
          if (law[i] < 1e-3) continue;
          if (Number.isNaN(shift)) shift = value[0][k][i] - u[i];
          expect(value[0][k][i] - u[i]).toAgree(shift, { atol: 2e-4 });
        }
      }
      const at = (t: number, x: number) =>
        exact.value(
          t,
          Float64Array.from({ length: dimension }, (_, a) => (a ? 0.2 : x)),
        )[0];
      const e = 1e-3;
      for (const [t, x] of [
        [0.3, 0.1],
        [1.2, 1.5],
      ]) {
        // Along y and z only |y|² counts: its part of Δu is that of x, whose third differences vanish.
        const ut = (at(t + e, x) - at(t - e, x)) / (2 * e);
        const ux = (at(t, x + e) - at(t, x - e)) / (2 * e);
        const uxx = (at(t, x + e) - 2 * at(t, x) + at(t, x - e)) / (e * e);
        const uy = dimension === 1 ? 0 : uxx * 0.2;
        expect(-ut - 0.2 * dimension * uxx + 0.7 * (ux ** 2 + uy ** 2)).toAgree(0, { atol: 1e-5 });
      }
    },
  );

  test("tends to W₂² as ν → 0, at the rate of the entropies", async () => {
    // Cost = W₂²/(4κT) + (ν/2κ)(Ent m_T − Ent m_0) + O(ν²).
    const wasserstein = (4 + (S0 - S1) ** 2) / 2;
    const slope = Math.log(S0 / S1);
    const nus = [0.16, 0.08, 0.04];
    const rests: number[] = [];
    for (const nu of nus) {
      const s = await solve(between({ nu }), schroedingerBridge({ points: 128 }));
      rests.push((s.objective.dual as number) - wasserstein - nu * slope);
    }
    expect(rests[2]).toBeLessThan(0.02);
    expect(rests.every((r) => r > 0)).toBe(true);
    // Second order in ν: the inverse is the resolution.
    expect(
      orderOf(
        nus.map((nu) => 1 / nu),
        rests,
      ),
    ).toBeGreaterThan(1.8);
    expect((rests[2] + wasserstein + 0.04 * slope) / wasserstein).toAgree(1, { atol: 0.02 });
  });

  test("the random walk's bridge keeps mass and both ends, and is of second order", async () => {
    const ns = [48, 96, 192];
    const exact = leastCost(0.4, 0.5, 1, 1, S1);
    const errors: number[] = [];
    for (const points of ns) {
      const s = await solve(between({ nu: 0.4 }), schroedingerBridge({ points, steps: 4, kernel: "walk" }));
      expect(s.status.text).toContain("random walk");
      expect(s.counts.massError).toBeLessThan(1e-9);
      errors.push(Math.abs((s.objective.dual as number) - exact));
    }
    expect(orderOf(ns, errors)).toBeGreaterThan(1.85);
    expect(errors[2]).toBeLessThan(2e-3);
  });
});

describe("laws", () => {
  test("both ends are met, paths arrive, Anderson changes nothing but the count", async () => {
    const game = between({ nu: 0.1 });
    const quick = await solve(game, schroedingerBridge({ points: 96 }));
    const plain = await solve(game, schroedingerBridge({ points: 96, window: 0 }));
    expect(quick.counts.iterations).toBeLessThan(plain.counts.iterations);
    const N = quick.fields.times.length - 1;
    expect(quick.fields.density[0][N]).toAgree(plain.fields.density[0][N], { atol: 1e-7 });
    const v0 = quick.fields.value[0][0];
    const w0 = plain.fields.value[0][0];
    const shift = v0[48] - w0[48];
    for (let i = 20; i < 76; i++) expect(v0[i] - w0[i]).toAgree(shift, { atol: 1e-6 });
    const { cells: cut } = quick.fields;
    const last = quick.fields.density[0][N];
    const law = gaussian({ mean: [1], sd: S1 }).logDensity as (x: Float64Array) => Float64Array;
    const want = law(cut.points).map(Math.exp);
    expect(
      integrate(
        cut.grid,
        last.map((m, i) => Math.abs(m - want[i])),
      ),
    ).toBeLessThan(2e-8);
    const paths = quick.trajectories({ count: 2000, steps: 64, seed: 3 });
    const end = paths.positions.subarray(64 * 2000);
    const mean = end.reduce((a, b) => a + b) / 2000;
    // Standard error 0.4/√2000 = 0.009; Euler's and the grid's bias are below 0.03.
    expect(Math.abs(mean - 1)).toBeLessThan(4 * 0.009 + 0.03);
  });

  test("swapping the ends turns time round", async () => {
    const there = await solve(between({ nu: 0.3 }), schroedingerBridge({ points: 64, steps: 8 }));
    const base = between({ nu: 0.3 });
    const back = meanFieldGame({
      mode: "planning",
      domain: base.domain,
      populations: {
        viscosity: 0.3,
        hamiltonian: hamiltonianQuadratic({ dimension: 1 }),
        initial: gaussian({ mean: [1], sd: S1 }),
        final: gaussian({ mean: [-1], sd: S0 }),
      },
      coupling: base.coupling,
    });
    const home = await solve(back, schroedingerBridge({ points: 64, steps: 8 }));
    for (let n = 0; n <= 8; n++)
      expect(there.fields.density[0][n]).toAgree(home.fields.density[0][8 - n], { atol: 1e-8 });
  });

  test("a hill in the way is avoided: less time on it, at a higher cost", async () => {
    const free = await solve(between({ nu: 0.3 }), schroedingerBridge({ points: 64, steps: 12 }));
    const hill = await solve(
      between({ nu: 0.3, cost: "3*exp(-8*x^2)" }),
      schroedingerBridge({ points: 64, steps: 12 }),
    );
    const onHill = (s: typeof free) =>
      s.fields.density[0].reduce((sum, m) => sum + m[31] + m[32], 0) / s.fields.density[0].length;
    expect(onHill(hill)).toBeLessThan(onHill(free));
    expect(hill.objective.dual as number).toBeGreaterThan(free.objective.dual as number);
    expect(hill.counts.massError).toBeLessThan(1e-9);
    // A constant cost changes nothing but the value.
    const taxed = await solve(between({ nu: 0.3, cost: "2" }), schroedingerBridge({ points: 64, steps: 12 }));
    expect((taxed.objective.dual as number) - (free.objective.dual as number)).toAgree(2, { atol: 1e-6 });
    expect(taxed.fields.density[0][6]).toAgree(free.fields.density[0][6], { atol: 1e-7 });
  });

  test("laws that vanish somewhere", async () => {
    const game = meanFieldGame({
      mode: "planning",
      domain: domain({ lower: [0], upper: [1] }),
      populations: {
        viscosity: 0.02,
        hamiltonian: hamiltonianQuadratic({ dimension: 1 }),
        initial: "heaviside(0.3 - x)",
        final: "heaviside(x - 0.6)",
      },
      coupling: couplingField({ dimension: 1, cost: "0" }),
    });
    const s = await solve(game, schroedingerBridge({ points: 50 }));
    expect(s.counts.massError).toBeLessThan(1e-9);
    const N = s.fields.times.length - 1;
    expect(s.fields.density[0][N].subarray(0, 30).every((m) => m === 0)).toBe(true);
    expect(Math.min(...s.fields.density[0][N >> 1])).toBeGreaterThan(0);
  });
});

test("a viscosity so small that round-off is above the tolerance ends as stalled", async () => {
  const game = meanFieldGame({
    domain: domain({ lower: [0], upper: [1], ends: "no-flux" }),
    mode: "planning",
    populations: {
      viscosity: 1e-9,
      hamiltonian: hamiltonianQuadratic({ dimension: 1 }),
      initial: "1+0.5*cos(pi*x)",
      final: "1-0.5*cos(pi*x)",
    },
    coupling: couplingField({ dimension: 1, cost: 0 }),
  });
  const s = await solve(game, schroedingerBridge({ points: 32, maxIterations: 200 }), { onFailure: "return" });
  expect(s.status.text).toMatch(/^stalled: the marginal at T is off by /);
});

test("too few iterations are reported; bad input and other games are refused in words", async () => {
  const short = await solve(between({ nu: 0.05 }), schroedingerBridge({ points: 96, maxIterations: 2 }), {
    onFailure: "return",
  });
  expect(short.status.converged).toBe(false);
  expect(short.status.text).toMatch(
    /^stalled: the marginal at T is off by [\d.e-]+ after 2 iterations; raise maxIterations, or raise viscosity$/,
  );
  const message = (make: () => unknown): string => {
    try {
      make();
    } catch (error) {
      return (error as Error).message;
    }
    return "accepted";
  };
  const unequal = meanFieldGame({
    mode: "planning",
    domain: domain({ lower: [0], upper: [1] }),
    populations: {
      viscosity: 0.1,
      hamiltonian: hamiltonianQuadratic({ dimension: 1 }),
      initial: "1",
      final: "2",
      mass: null,
    },
    coupling: couplingField({ dimension: 1, cost: "0" }),
  });
  const refused = await solve(unequal, schroedingerBridge()).catch((e: Error) => e.message);
  const crowd = meanFieldGame({
    mode: "planning",
    domain: domain({ lower: [0], upper: [1] }),
    populations: { viscosity: 0.1, hamiltonian: hamiltonianQuadratic({ dimension: 1 }), initial: "1", final: "1" },
    coupling: couplingLocal({ dimension: 1, cost: "m" }),
  });
  expect([
    message(() => schroedingerBridge({ points: 3 })),
    message(() => schroedingerBridge({ steps: 0 })),
    message(() => schroedingerBridge({ window: 0.5 })),
    message(() => schroedingerBridge({ kernel: "heat" as "walk" })),
    refused,
    schroedingerBridge().handles(crowd),
    schroedingerBridge().handles({ ...crowd, mode: "time-dependent" } as MeanFieldGame),
    schroedingerBridge().handles({ ...crowd, kind: "proximal-flow" } as unknown as MeanFieldGame),
  ]).toMatchInlineSnapshot(`
    [
      "schroedingerBridge: points must be an integer ≥ 4, or one for each axis; got 3. Use points: 64 to start.",
      "schroedingerBridge: steps must be an integer ≥ 1; got 0. Use steps: 64 to start.",
      "schroedingerBridge: window must be an integer ≥ 0; got 0.5. Use window: 5 to start.",
      "schroedingerBridge: kernel must be "gauss" or "walk"; got "heat". Leave it out to take the one that the step resolves.",
      "schroedingerBridge: the laws at 0 and at T must have one mass; got [1,2]. Set mass: 1 for the population.",
      "a bridge has no interaction, and the cost m depends on m; use newton()",
      "it needs a prescribed law at T, and the game is time-dependent; use coleHopf() or newton()",
      "it solves planning games, not proximal-flow problems; use a solver of that family",
    ]
  `);
});
