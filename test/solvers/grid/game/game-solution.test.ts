import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { meanFieldGame } from "../../../../problems/mean-field-game.js";
import { couplingLocal, hamiltonianQuadratic } from "../../../../problems/terms/index.js";
import { cellInterpolation, gameSolution } from "../../../../solvers/grid/index.js";
import { cells, domain, mass } from "../../../../src/grid/index.js";
import { generator } from "../../../../src/random/index.js";
import { context, solutionFrom } from "../slabs.js";

const runs = Number(process.env.LAWS === "thorough" ? 500 : 25);
const { sin, cos, PI } = Math;

/** Uniform points in a box. */
function scattered(count: number, lower: readonly number[], upper: readonly number[], seed = 1): Float64Array {
  const d = lower.length;
  return generator(seed)
    .uniform(count * d)
    .map((u, i) => lower[i % d] + (upper[i % d] - lower[i % d]) * u);
}

function largest(a: Float64Array, b: (i: number) => number): number {
  return a.reduce((worst, v, i) => Math.max(worst, Math.abs(v - b(i))), 0);
}

describe("interpolation on cells, order and level", () => {
  const square = (ends: "periodic" | "no-flux" | "door") =>
    domain({ lower: [0, 0], upper: [1, 1], ends: [ends, ends] });
  const cases = [
    // Each u fits its boundary: periodic; ∂ₙu = 0; u = 0 at the doors. Levels at h = 1/64; linear interpolation alone errs by h²|Δu|/8.
    {
      ends: "periodic" as const,
      u: (x: ArrayLike<number>) => sin(2 * PI * x[0]) * cos(2 * PI * x[1]),
      p: [
        (x: ArrayLike<number>) => 2 * PI * cos(2 * PI * x[0]) * cos(2 * PI * x[1]),
        (x: ArrayLike<number>) => -2 * PI * sin(2 * PI * x[0]) * sin(2 * PI * x[1]),
      ],
      level: [2.5e-3, 0.03],
      slope: 1.9,
    },
    {
      ends: "no-flux" as const,
      u: (x: ArrayLike<number>) => cos(PI * x[0]) * cos(2 * PI * x[1]),
      p: [
        (x: ArrayLike<number>) => -PI * sin(PI * x[0]) * cos(2 * PI * x[1]),
        (x: ArrayLike<number>) => -2 * PI * cos(PI * x[0]) * sin(2 * PI * x[1]),
      ],
      level: [2e-3, 0.02],
      slope: 1.9,
    },
    {
      ends: "door" as const,
      u: (x: ArrayLike<number>) => sin(PI * x[0]) * sin(PI * x[1]) * (1 + x[0]),
      p: [
        (x: ArrayLike<number>) => (PI * cos(PI * x[0]) * (1 + x[0]) + sin(PI * x[0])) * sin(PI * x[1]),
        (x: ArrayLike<number>) => PI * sin(PI * x[0]) * cos(PI * x[1]) * (1 + x[0]),
      ],
      level: [2e-3, 0.06],
      // The normal slope is constant between a door and the nearest centre.
      slope: 0.9,
    },
  ];
  for (const { ends, u, p, level, slope } of cases)
    test(`${ends}: value of order 2, gradient of order ${slope > 1 ? 2 : "1 at the doors"}`, () => {
      const x = scattered(4000, [0, 0], [1, 1]);
      const errors = [32, 64].map((points) => {
        const c = cells(square(ends), points);
        const field = Float64Array.from({ length: c.grid.size }, (_, k) => u(c.points.subarray(2 * k, 2 * k + 2)));
        const between = cellInterpolation(c);
        const value = largest(between.value(field, x), (i) => u(x.subarray(2 * i, 2 * i + 2)));
        const gradient = between
          .gradient(field, x)
          .map((column, a) => largest(column, (i) => p[a](x.subarray(2 * i, 2 * i + 2))));
        return [value, Math.max(...gradient)];
      });
      expect(errors[1][0]).toBeLessThan(level[0]);
      expect(errors[1][1]).toBeLessThan(level[1]);
      expect(Math.log2(errors[0][0] / errors[1][0])).toBeGreaterThan(1.9);
      expect(Math.log2(errors[0][1] / errors[1][1])).toBeGreaterThan(slope);
    });

  test("the door's cost is met on its face, from the inside and beyond; the density is 0 there", () => {
    const c = cells(
      domain({ lower: [0], upper: [1], doors: [{ axis: 0, side: "upper", cost: 3 }], ends: ["no-flux"] }),
      8,
    );
    const between = cellInterpolation(c);
    const u = c.points.map((x) => 3 + 2 * (x - 1));
    expect(between.value(u, Float64Array.of(1, 2, 1 - 1e-9, 0.7))).toAgree([3, 3, 3, 2.4], { rtol: 1e-8 });
    expect(between.gradient(u, Float64Array.of(0.7, 0.99))[0]).toAgree([2, 2], { rtol: 1e-12 });
    const m = new Float64Array(8).fill(1);
    expect(between.density(m, Float64Array.of(0.2, 1 - 1 / 16, 1 - 1 / 32, 1))).toAgree([1, 1, 0.5, 0], {
      atol: 1e-12,
    });
  });

  test("across a periodic seam nothing is seen of the seam", () => {
    const c = cells(domain({ lower: [0], upper: [1] }), 16);
    const between = cellInterpolation(c);
    const u = c.points.map((x) => cos(2 * PI * x));
    const x = scattered(50, [-0.1], [0.1]);
    for (const shift of [1, -2])
      expect(between.value(u, x)).toAgree(
        between.value(
          u,
          x.map((v) => v + shift),
        ),
        { rtol: 1e-12, atol: 1e-13 },
      );
  });

  test("a centre gives back its own value in one, two and three dimensions, at any boundary", () => {
    for (const ends of ["periodic", "no-flux", "door"] as const)
      for (const d of [1, 2, 3]) {
        const box = domain({ lower: Array(d).fill(-1), upper: Array(d).fill(2), ends: Array(d).fill(ends) });
        const c = cells(box, [5, 6, 4].slice(0, d));
        const u = generator(d).normal(c.grid.size);
        const between = cellInterpolation(c);
        expect(between.value(u, c.points)).toAgree(u, { rtol: 1e-11, atol: 1e-11 });
        expect(between.density(u, c.points)).toAgree(u, { rtol: 1e-11, atol: 1e-11 });
      }
  });
});

describe("near obstacles", () => {
  const room = domain({
    lower: [0, 0],
    upper: [1, 1],
    ends: "no-flux",
    obstacle: (x) => Math.abs(x[0] - 0.5) < 0.2 && Math.abs(x[1] - 0.5) < 0.2,
    obstacleText: "a block",
  });

  property.prop([fc.integer({ min: 0, max: 1e6 })], { numRuns: runs })(
    "no value is taken from solid cells or from behind them: a poisoned inside changes nothing",
    (seed) => {
      const c = cells(room, 20);
      const between = cellInterpolation(c);
      const u = generator(seed).normal(c.grid.size);
      const poisoned = u.map((v, k) => (c.open[k] === 1 ? v : 1e9));
      const x = scattered(200, [0, 0], [1, 1], seed);
      const value = between.value(poisoned, x);
      const least = Math.min(...u);
      const most = Math.max(...u);
      const slope = between.gradient(poisoned, x)[0];
      let solid = 0;
      for (let i = 0; i < value.length; i++) {
        const inside = Math.abs(x[2 * i] - 0.5) < 0.2 && Math.abs(x[2 * i + 1] - 0.5) < 0.2;
        if (inside) solid++;
        else expect(value[i] >= least - 1e-12 && value[i] <= most + 1e-12).toBe(true);
        expect(Number.isNaN(value[i])).toBe(inside);
        expect(Number.isNaN(slope[i])).toBe(inside);
      }
      expect(solid).toBeGreaterThan(0);
      expect(between.density(poisoned, Float64Array.of(0.5, 0.5))[0]).toBe(0);
    },
  );

  test("reflecting the field in the diagonal reflects its interpolant, at re-entrant corners too", () => {
    const c = cells(room, 20);
    const between = cellInterpolation(c);
    const u = generator(5).normal(c.grid.size);
    const flipped = u.map((_, k) => u[(k % 20) * 20 + Math.floor(k / 20)]);
    const x = scattered(2000, [0.2, 0.2], [0.8, 0.8]);
    const y = x.map((_, i) => x[i % 2 === 0 ? i + 1 : i - 1]);
    const known = (values: Float64Array) => values.filter((v) => !Number.isNaN(v));
    expect(known(between.value(u, x)).length).toBeGreaterThan(1000);
    expect(known(between.value(u, x))).toAgree(known(between.value(flipped, y)), { rtol: 1e-12, atol: 1e-13 });
    const p = between.gradient(u, x);
    const q = between.gradient(flipped, y);
    expect(known(p[0])).toAgree(known(q[1]), { rtol: 1e-12, atol: 1e-11 });
    expect(known(p[1])).toAgree(known(q[0]), { rtol: 1e-12, atol: 1e-11 });
  });

  test("constants stay constants, with slope 0", () => {
    const c = cells(room, 20);
    const between = cellInterpolation(c);
    const u = new Float64Array(c.grid.size).fill(7);
    const x = scattered(500, [0, 0], [0.29, 1]);
    expect(between.value(u, x)).toAgree(new Float64Array(500).fill(7), { rtol: 1e-14 });
    for (const column of between.gradient(u, x)) expect(column).toAgree(new Float64Array(500));
  });
});

describe("a game's solution", () => {
  // Linear-quadratic game with its own mean (P6), κ = 2, c = 0.5, T = 1, ν = 0.3: u = a(t)|x|²/2 + r(t).
  const k = Math.SQRT2;
  const riccati = (t: number): number => (k * (0.5 + k * Math.tanh(k * (1 - t)))) / (k + 0.5 * Math.tanh(k * (1 - t)));
  const variance = 0.8;
  const lq = (steps: number) =>
    solutionFrom({
      domain: domain({ lower: [-4, -4], upper: [4, 4], ends: "no-flux" }),
      points: 40,
      steps,
      u: (t, x) => (riccati(t) * (x[0] ** 2 + x[1] ** 2)) / 2,
      m: (_, x) => Math.exp(-(x[0] ** 2 + x[1] ** 2) / (2 * variance)) / (2 * PI * variance),
    });

  test("velocity is −a(t) x of the linear-quadratic game: exact in space, order 2 in time between slabs", () => {
    expect(riccati(0)).toAgree(1.3365634, { rtol: 1e-8 });
    const x = scattered(300, [-3, -3], [3, 3]);
    const errors = [8, 16].map((steps) => {
      const solution = lq(steps);
      expect(solution.velocity(0.5, x)).toAgree(
        x.map((v) => -riccati(0.5) * v),
        { rtol: 1e-9, atol: 1e-9 },
      );
      let worst = 0;
      for (let n = 0; n < steps; n++) {
        const t = (n + 0.5) / steps;
        worst = Math.max(
          worst,
          largest(solution.velocity(t, x), (i) => -riccati(t) * x[i]),
        );
      }
      return worst;
    });
    expect(errors[1]).toBeLessThan(5e-3);
    expect(Math.log2(errors[0] / errors[1])).toBeGreaterThan(1.9);
  });

  test("density keeps mass and sign between slabs, and meets them at their times", () => {
    const solution = solutionFrom({
      domain: domain({ lower: [0], upper: [1] }),
      points: 16,
      steps: 5,
      u: () => 0,
      m: (t, x) => 1 + Math.exp(-t) * cos(2 * PI * x[0]),
    });
    for (const t of [0, 0.13, 0.2, 0.77, 1]) {
      const density = solution.density(t);
      expect(mass(density)).toAgree(1, { rtol: 1e-13 });
      expect(Math.min(...density.values)).toBeGreaterThanOrEqual(0);
    }
    for (let n = 0; n <= 5; n++)
      expect(solution.density(n / 5).values).toAgree(solution.fields.density[0][n], { rtol: 1e-12, atol: 1e-15 });
    solution.density(0).values.fill(0);
    expect(mass(solution.density(0))).toAgree(1, { rtol: 1e-13 });
  });

  test("arrays carry all slabs with axes [t, x, y, …]", () => {
    const solution = lq(4);
    const arrays = solution.arrays();
    expect(Object.fromEntries(Object.entries(arrays).map(([name, a]) => [name, a.shape]))).toEqual({
      times: [5],
      open: [40, 40],
      axis0: [40],
      axis1: [40],
      value: [5, 40, 40],
      density: [5, 40, 40],
      velocity: [5, 40, 40, 2],
    });
    expect(arrays.value.get(3, 7, 11)).toBe(solution.fields.value[0][3][7 * 40 + 11]);
    const at = Float64Array.of(arrays.axis0.get(7), arrays.axis1.get(11));
    expect(arrays.velocity.get(3, 7, 11, 1)).toAgree(solution.velocity(0.75, at)[1], { rtol: 1e-9 });
  });

  test("populations are told apart by number, and by name in arrays", () => {
    const box = domain({ lower: [0], upper: [1] });
    const c = cells(box, 8);
    const population = { viscosity: 0.1, hamiltonian: hamiltonianQuadratic({ dimension: 1 }), initial: "1" };
    const problem = meanFieldGame({
      domain: box,
      populations: [
        { ...population, name: "cars" },
        { ...population, name: "bikes" },
      ],
      coupling: couplingLocal({ dimension: 1, populations: 2, cost: ["m1", "m2"] }),
    });
    const flat = (value: number) => [0, 1].map(() => new Float64Array(8).fill(value));
    const solution = gameSolution({
      problem,
      solver: { name: "slabs", order: 1, references: [], options: {} },
      context: context(),
      fields: {
        cells: c,
        times: Float64Array.of(0, 1),
        value: [flat(2), flat(3)],
        density: [flat(1), flat(0.5)],
        ergodicConstant: null,
      },
      status: { converged: true, text: "" },
      histories: [],
      counts: {},
      exploitability: [0.1, 0.2],
    });
    expect(solution.value(0.3, Float64Array.of(0.4), 1)[0]).toAgree(3, { rtol: 1e-14 });
    expect(mass(solution.density(1, 1))).toAgree(0.5, { rtol: 1e-14 });
    expect(Object.keys(solution.arrays())).toContain("density.bikes");
    expect(solution.exploitability).toEqual([0.1, 0.2]);
    expect(() => solution.density(0, 2)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: solution: k must be a population 0 … 1; got 2. Leave it out for the first.]`,
    );
  });

  test("refuses times and points that do not fit", () => {
    const solution = lq(4);
    expect(() => solution.density(1.1)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: solution: t must lie in [0, 1]; got 1.1. Ask for a time between start and horizon.]`,
    );
    expect(() => solution.value(0, new Float64Array(3))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: solution: x must have a length divisible by the dimension 2; got 3. Give the coordinates row by row, one point after the other.]`,
    );
    expect(() => solution.velocity(0, new Float64Array(2), -1)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: solution: k must be a population 0 … 0; got -1. Leave it out for the first.]`,
    );
  });
});
