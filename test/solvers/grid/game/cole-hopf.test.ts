// Cole–Hopf: heat equations behind quadratic games. P3 at ν = 0.3 (reference values of an independent spectral code), laws, and several dimensions.
import { test as property } from "@fast-check/vitest";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  couplingLocal,
  hamiltonianPower,
  hamiltonianQuadratic,
  type MeanFieldGame,
  meanFieldGame,
} from "../../../../problems/index.js";
import { type ColeHopfOptions, coleHopf } from "../../../../solvers/grid/game/cole-hopf.js";
import { valueAndDensity, wavesOf } from "../../../../solvers/grid/game/feynman-kac.js";
import { domain, integrate } from "../../../../src/grid/index.js";
import { fourierTransform } from "../../../../src/linalg/index.js";
import { generator } from "../../../../src/random/index.js";
import { solve } from "../../../../src/solve.js";
import { orderOf } from "../../../../src/verify/index.js";

const runs = Number(process.env.LAWS === "thorough" ? 500 : 25);

const p3 = (viscosity: number): MeanFieldGame =>
  meanFieldGame({
    domain: domain({ lower: [0], upper: [1] }),
    populations: { viscosity, hamiltonian: hamiltonianQuadratic({ dimension: 1 }), initial: "1 + 0.5*cos(2*pi*x)" },
    coupling: couplingLocal({ dimension: 1, cost: "m^2 - sin(2*pi*x)" }),
  });

const run = (problem: MeanFieldGame, options: ColeHopfOptions) =>
  solve(problem, coleHopf(options), { onFailure: "return" });

/** The trigonometric interpolant of values at the centres of cells of (0, 1), at x. */
const wave = (values: Float64Array, x: number): number => {
  const n = values.length;
  const w = values.slice();
  fourierTransform(n).forward(w);
  const y = 2 * Math.PI * (x - 0.5 / n);
  let sum = w[0];
  for (let k = 1; k < n / 2; k++) sum += 2 * (w[k] * Math.cos(k * y) - w[n - k] * Math.sin(k * y));
  return sum / n;
};

const QUARTERS = [0, 0.25, 0.5, 0.75];
const U0 = [1.028506406, 0.922369289, 0.953595836, 1.057051548];
const M1 = [0.999068397, 1.100594467, 0.999067998, 0.901268758];

describe("P3 at ν = 0.3", () => {
  test("second order in time to the reference, and extrapolated to 1e-6; mass to round-off", async () => {
    const steps = [16, 32, 64, 128];
    const found: { u: number[]; m: number[]; mean: number }[] = [];
    for (const N of steps) {
      const s = await run(p3(0.3), { points: 24, steps: N, tolerance: 1e-12 });
      expect(s.status.converged).toBe(true);
      expect(s.status.text).toContain("Gaussian kernel");
      expect(s.counts.massError).toBeLessThan(1e-14);
      const [u, m] = [s.fields.value[0][0], s.fields.density[0][N]];
      found.push({
        u: QUARTERS.map((x) => wave(u, x)),
        m: QUARTERS.map((x) => wave(m, x)),
        mean: u.reduce((a, b) => a + b) / u.length,
      });
    }
    const worst = (a: readonly number[], b: readonly number[]) => Math.max(...a.map((v, i) => Math.abs(v - b[i])));
    const errorsU = found.map((f) => worst(f.u, U0));
    const errorsM = found.map((f) => worst(f.m, M1));
    expect(orderOf(steps, errorsU)).toBeGreaterThan(1.9);
    expect(orderOf(steps, errorsM)).toBeGreaterThan(1.9);
    expect(errorsU[3]).toBeLessThan(2.5e-4);
    expect(errorsM[3]).toBeLessThan(1e-4);
    // Richardson twice, for errors in Δt² and Δt⁴.
    const once = (k: number, of: (f: (typeof found)[0]) => number) => (4 * of(found[k]) - of(found[k - 1])) / 3;
    const twice = (of: (f: (typeof found)[0]) => number) => (16 * once(3, of) - once(2, of)) / 15;
    expect(QUARTERS.map((_, i) => twice((f) => f.u[i]))).toAgree(U0, { atol: 1e-6 });
    expect(QUARTERS.map((_, i) => twice((f) => f.m[i]))).toAgree(M1, { atol: 1e-6 });
    expect(twice((f) => f.mean)).toAgree(0.990380552, { atol: 1e-6 });
  });

  test("fourth order in time: seven digits with 128 steps", async () => {
    const steps = [32, 64, 128];
    const errors: { u: number[]; m: number[] } = { u: [], m: [] };
    for (const N of steps) {
      const s = await run(p3(0.3), { points: 32, steps: N, order: 4, tolerance: 1e-11 });
      expect(s.status.converged).toBe(true);
      expect(s.counts.massError).toBeLessThan(1e-14);
      const [u, m] = [s.fields.value[0][0], s.fields.density[0][N]];
      errors.u.push(Math.max(...QUARTERS.map((x, i) => Math.abs(wave(u, x) - U0[i]))));
      errors.m.push(Math.max(...QUARTERS.map((x, i) => Math.abs(wave(m, x) - M1[i]))));
    }
    expect(orderOf(steps, errors.u)).toBeGreaterThan(3.7);
    expect(errors.u[2]).toBeLessThan(6e-7);
    expect(errors.m[2]).toBeLessThan(2e-8);
  });

  test("spectral in space: 16 cells know what 48 know", async () => {
    const coarse = await run(p3(0.3), { points: 16, steps: 16, tolerance: 1e-12 });
    const fine = await run(p3(0.3), { points: 48, steps: 16, tolerance: 1e-12 });
    const at = (s: typeof fine) => QUARTERS.map((x) => wave(s.fields.value[0][0], x));
    expect(at(coarse)).toAgree(at(fine), { atol: 1e-8 });
  });
});

test("the random walk's kernel is of second order in space", async () => {
  const exact = await run(p3(0.3), { points: 48, steps: 8, tolerance: 1e-11, kernel: "gauss" });
  const target = QUARTERS.map((x) => wave(exact.fields.value[0][0], x));
  const ns = [12, 24, 48];
  const errors: number[] = [];
  for (const points of ns) {
    const s = await run(p3(0.3), { points, steps: 8, tolerance: 1e-11, kernel: "walk" });
    expect(s.status.text).toContain("random walk");
    errors.push(Math.max(...QUARTERS.map((x, i) => Math.abs(wave(s.fields.value[0][0], x) - target[i]))));
  }
  expect(orderOf(ns, errors)).toBeGreaterThan(1.9);
  expect(errors[2]).toBeLessThan(5e-4);
});

test("fourth order between walls, and in 2-D the limit of second order", async () => {
  const gap = (a: Float64Array, b: Float64Array) => Math.max(...a.map((v, i) => Math.abs(v - b[i])));
  const make = (d: number) =>
    meanFieldGame({
      domain: domain({
        lower: [0, 0].slice(0, d),
        upper: [1, 2].slice(0, d),
        ends: d === 1 ? ["no-flux"] : ["no-flux", "periodic"],
      }),
      horizon: 0.5,
      populations: {
        viscosity: 0.3,
        hamiltonian: hamiltonianQuadratic({ dimension: d, weight: 1 }),
        initial: d === 1 ? "1 + 0.4*cos(pi*x)" : "1 + 0.4*cos(pi*x)*sin(pi*y)",
      },
      coupling: couplingLocal({
        dimension: d,
        cost: d === 1 ? "m^2 + cos(2*pi*x + t)" : "m^2 + cos(2*pi*x) + sin(pi*y + t)",
      }),
    });
  const at = async (d: number, order: 2 | 4, steps: number) => {
    const s = await run(make(d), { points: d === 1 ? 40 : [12, 16], steps, order, tolerance: 1e-11 });
    expect(s.status.text).toContain(d === 1 ? "Gaussian kernel" : "converged");
    return s.fields.value[0][0];
  };
  const [coarse, middle, fine] = [await at(1, 4, 20), await at(1, 4, 40), await at(1, 4, 80)];
  expect(Math.log2(gap(coarse, middle) / gap(middle, fine))).toBeGreaterThan(3.2);
  expect(gap(middle, fine)).toBeLessThan(1e-4);
  // The random walk's kernel at both orders: one semidiscrete limit.
  const [rough, smooth, sharp] = [await at(2, 2, 32), await at(2, 2, 64), await at(2, 4, 32)];
  expect(
    gap(
      sharp,
      smooth.map((v, i) => (4 * v - rough[i]) / 3),
    ),
  ).toBeLessThan(2e-4);
});

test("small viscosity: ν = 0.02 from cold, positive where m is 1e-8", async () => {
  const s = await run(p3(0.02), { points: 64, steps: 64 });
  expect(s.status.converged).toBe(true);
  expect(s.counts.massError).toBeLessThan(1e-13);
  for (const slab of s.fields.density[0]) for (const m of slab) expect(m).toBeGreaterThan(0);
});

test("a terminal cost of the crowd, in 1-D to 3-D with walls", async () => {
  // A crowd that pays for density at the end spreads more than one that does not; both keep their mass.
  for (const d of [1, 2, 3]) {
    const make = (weight: number) =>
      meanFieldGame({
        domain: domain({ lower: Array(d).fill(0), upper: Array(d).fill(1), ends: Array(d).fill("no-flux") }),
        horizon: 0.5,
        populations: {
          viscosity: 0.2,
          hamiltonian: hamiltonianQuadratic({ dimension: d, weight: 1 }),
          initial: "1 + 0.8*cos(pi*x)",
        },
        coupling: couplingLocal({ dimension: d, cost: "m" }),
        terminal: couplingLocal({ dimension: d, cost: `${weight}*m` }),
      });
    const points = d === 3 ? 6 : 12;
    const unpaid = await run(make(0), { points, steps: 8 });
    const paid = await run(make(2), { points, steps: 8 });
    expect(paid.status.converged).toBe(true);
    expect(integrate(paid.fields.cells.grid, paid.fields.density[0][8])).toAgree(1, { rtol: 1e-13 });
    expect(Math.max(...paid.fields.density[0][8])).toBeLessThan(Math.max(...unpaid.fields.density[0][8]));
    // u(T) = g(m(T)), and nothing depends on y and z.
    const { value, density } = paid.fields;
    expect(value[0][8]).toAgree(
      density[0][8].map((m) => 2 * m),
      { atol: 1e-8 },
    );
    if (d === 1) continue;
    const line = await run(
      meanFieldGame({
        domain: domain({ lower: [0], upper: [1], ends: ["no-flux"] }),
        horizon: 0.5,
        populations: {
          viscosity: 0.2,
          hamiltonian: hamiltonianQuadratic({ dimension: 1, weight: 1 }),
          initial: "1 + 0.8*cos(pi*x)",
        },
        coupling: couplingLocal({ dimension: 1, cost: "m" }),
        terminal: couplingLocal({ dimension: 1, cost: "2*m" }),
      }),
      { points, steps: 8 },
    );
    const stride = points ** (d - 1);
    for (let i = 0; i < points; i++)
      expect(value[0][0][i * stride + 1]).toAgree(line.fields.value[0][0][i], { atol: 1e-8 });
  }
});

describe("laws", () => {
  property.prop(
    [
      fc.double({ min: 0.01, max: 2, noNaN: true }),
      fc.double({ min: 1e-4, max: 2, noNaN: true }),
      fc.integer({ min: 0, max: 1e6 }),
    ],
    { numRuns: runs },
  )("Cole–Hopf ∘ inverse = id, also where φ leaves float64", (kappa, viscosity, seed) => {
    const u = generator(seed)
      .uniform(40)
      .map((v) => 20 * v - 10);
    const m = generator(seed + 1)
      .uniform(40)
      .map((v) => 4 * v ** 8);
    const back = valueAndDensity(wavesOf(u, m, kappa, viscosity), kappa, viscosity);
    expect(back.u).toAgree(u, { rtol: 1e-14 });
    // A logarithm of size κ|u|/ν is good to its own rounding.
    expect(back.m).toAgree(m, { rtol: 1e-15 * (20 + (40 * kappa) / viscosity) });
  });

  test("the solution's waves solve the heat equations: HJB and FP hold in the continuum's sense", async () => {
    const s = await run(p3(0.3), { points: 32, steps: 128, tolerance: 1e-11 });
    const { value, density, times, cells: cut } = s.fields;
    const h = cut.grid.axes[0].spacing;
    const n = 60;
    const dt = times[1];
    const d1 = (v: Float64Array, i: number) => {
      const at = (j: number) => v[(i + j + 32) % 32];
      return (45 * (at(1) - at(-1)) - 9 * (at(2) - at(-2)) + (at(3) - at(-3))) / (60 * h);
    };
    const d2 = (v: Float64Array, i: number) => {
      const at = (j: number) => v[(i + j + 32) % 32];
      return (270 * (at(1) + at(-1)) - 27 * (at(2) + at(-2)) + 2 * (at(3) + at(-3)) - 490 * at(0)) / (180 * h * h);
    };
    const [u, m] = [value[0], density[0]];
    const flow = m[n].map((v, i) => v * d1(u[n], i));
    let hjb = 0;
    let fp = 0;
    for (let i = 0; i < 32; i++) {
      const x = (i + 0.5) * h;
      const ut = (u[n + 1][i] - u[n - 1][i]) / (2 * dt);
      const mt = (m[n + 1][i] - m[n - 1][i]) / (2 * dt);
      const f = m[n][i] ** 2 - Math.sin(2 * Math.PI * x);
      hjb = Math.max(hjb, Math.abs(-ut - 0.3 * d2(u[n], i) + 0.5 * d1(u[n], i) ** 2 - f));
      fp = Math.max(fp, Math.abs(mt - 0.3 * d2(m[n], i) - d1(flow, i)));
    }
    expect(hjb).toBeLessThan(2e-3);
    expect(fp).toBeLessThan(2e-3);
  });
});

test("bad input and games that do not fit are refused in words", () => {
  const message = (make: () => unknown): string => {
    try {
      make();
    } catch (error) {
      return (error as Error).message;
    }
    return "accepted";
  };
  const game = (over: object, population: object = {}, box: object = {}) =>
    meanFieldGame({
      domain: domain({ lower: [0], upper: [1], ends: ["no-flux"], ...box }),
      populations: {
        viscosity: 0.1,
        hamiltonian: hamiltonianQuadratic({ dimension: 1 }),
        initial: "1",
        ...population,
      },
      coupling: couplingLocal({ dimension: 1, cost: "m" }),
      ...over,
    });
  expect([
    message(() => coleHopf({ points: 2 })),
    message(() => coleHopf({ steps: 0.5 })),
    message(() => coleHopf({ tolerance: 0 })),
    message(() => coleHopf({ maxIterations: 0 })),
    message(() => coleHopf({ damping: 2 })),
    message(() => coleHopf({ window: -1 })),
    message(() => coleHopf({ kernel: "fft" as "walk" })),
    message(() => coleHopf({ order: 3 as 2 })),
    message(() => coleHopf({ order: 4, steps: 3 })),
    coleHopf().handles(game({}, {}, { obstacle: (x: Float64Array) => x[0] > 0.9 })),
    coleHopf().handles(game({}, {}, { ends: ["door"] })),
    coleHopf().handles(game({}, { viscosity: 0 })),
    coleHopf().handles(game({}, { densitySource: "1" })),
    coleHopf().handles(game({}, { hamiltonian: hamiltonianPower({ dimension: 1, exponent: 1.5 }) })),
    coleHopf().handles(game({ mode: "planning" }, { final: "1" })),
    coleHopf().handles({ ...game({}), kind: "proximal-flow" } as unknown as MeanFieldGame),
    coleHopf().handles(game({})),
  ]).toMatchInlineSnapshot(`
    [
      "coleHopf: points must be an integer ≥ 4, or one for each axis; got 2. Use points: 64 to start.",
      "coleHopf: steps must be an integer ≥ 1; got 0.5. Use steps: 64 to start.",
      "coleHopf: tolerance must be a finite number > 0; got 0. Use tolerance: 1e-9 to start.",
      "coleHopf: maxIterations must be an integer ≥ 1; got 0. Use maxIterations: 200 to start.",
      "coleHopf: damping must lie in (0, 1]; got 2. Use damping: 0.5 to start.",
      "coleHopf: window must be an integer ≥ 0; got -1. Use window: 10 to start.",
      "coleHopf: kernel must be "gauss" or "walk"; got "fft". Leave it out to take the one that the step resolves.",
      "coleHopf: order must be 2 or 4; got 3. Use order: 4 for smooth games.",
      "coleHopf: steps must be ≥ 4 for order 4; got 3. Use steps: 16 to start.",
      "heat kernels know no doors and obstacles; use newton()",
      "heat kernels know no doors and obstacles; use newton()",
      "Cole–Hopf needs viscosity > 0, and that of crowd is 0; use newton()",
      "Cole–Hopf knows no source of mass, and crowd has one; use newton()",
      "Cole–Hopf needs H = κ|p|² with one constant κ > 0, and crowd has H = |p|^1.5/1.5; use newton()",
      "it needs a terminal cost, not a prescribed law at T; use schroedingerBridge()",
      "it solves mean-field games, not proximal-flow problems; use a solver of that family",
      true,
    ]
  `);
});

test("points that are no numbers and costs that are not finite are told in one sentence", async () => {
  expect(() => coleHopf({ points: "a" as unknown as number })).toThrow(
    'coleHopf: points must be an integer ≥ 4, or one for each axis; got "a". Use points: 64 to start.',
  );
  const game = meanFieldGame({
    domain: domain({ lower: [0], upper: [1], ends: "no-flux" }),
    populations: {
      viscosity: 0.1,
      hamiltonian: hamiltonianQuadratic({ dimension: 1 }),
      initial: 1,
      valueSource: "1/(x-0.53125)",
    },
    coupling: couplingLocal({ dimension: 1, cost: "m" }),
  });
  await expect(solve(game, coleHopf({ points: 16, steps: 8 }))).rejects.toThrow(
    "coleHopf: the cost must be finite at x = (0.53125), t = 0; got Infinity. Change the formula, or the density where it needs m > 0.",
  );
});
