import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { axis, deposit, grid, integrate, interpolate, mass, nodesOf } from "../../src/grid/index.js";
import { cloud } from "../../src/measure/index.js";
import { allGrids, anyGrid, noise, numRuns } from "./fields.js";

describe("quadrature", () => {
  test("exact for constants on periodic and no-flux axes, trapezoidal on dirichlet axes", () => {
    for (const g of allGrids([6, 5, 4])) {
      const ones = new Float64Array(g.size).fill(1);
      const expected = g.axes.reduce(
        (product, ax) => product * (ax.upper - ax.lower - (ax.boundary === "dirichlet" ? ax.spacing : 0)),
        1,
      );
      expect(integrate(g, ones)).toAgree(expected, { rtol: 1e-14 });
    }
  });
  test("order 2 with level, exact to round-off for a periodic function", () => {
    const error = (n: number) => {
      const g = grid([axis({ lower: 0, upper: 1, points: n, boundary: "no-flux" })]);
      return Math.abs(integrate(g, g.axes[0].nodes.map(Math.exp)) - (Math.E - 1));
    };
    expect(Math.log2(error(64) / error(128))).toAgree(2, { atol: 0.01 });
    expect(error(128)).toAgree((Math.E - 1) / 24 / 128 ** 2, { rtol: 1e-3 });
    // ∫ exp(cos 2πx) dx = I₀(1).
    const g = grid([axis({ lower: 0, upper: 1, points: 32, boundary: "periodic" })]);
    const value = integrate(
      g,
      g.axes[0].nodes.map((x) => Math.exp(Math.cos(2 * Math.PI * x))),
    );
    expect(value).toAgree(1.2660658777520084, { rtol: 1e-14 });
  });
  test("sums are compensated", () => {
    const g = grid([axis({ lower: 0, upper: 4, points: 4, boundary: "periodic" })]);
    expect(integrate(g, Float64Array.of(1, 1e100, 1, -1e100))).toBe(2);
    expect(integrate(g, Float64Array.of(1, NaN, 1, 1))).toBeNaN();
    expect(integrate(g, Float64Array.of(Infinity, 1, 1, 1))).toBe(Infinity);
  });
  test("errors", () => {
    expect(() => integrate(allGrids([4])[0], new Float64Array(3))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: integrate: u must have length 4, one value for each node; got 3. Give a row-major field on this grid.]`,
    );
  });
});

describe("deposition", () => {
  const scene = fc.tuple(anyGrid, fc.integer(), fc.boolean()).map(([g, seed, weighted]) => {
    const count = 13;
    const points = noise(count * g.dimension, seed).map((v, k) => {
      const { lower, upper } = g.axes[k % g.dimension];
      return (lower + upper) / 2 + v * 0.7 * (upper - lower);
    });
    const raw = noise(count, seed + 1).map(Math.abs);
    const total = raw.reduce((a, b) => a + b, 0);
    return { g, seed, cloud: cloud(points, g.dimension, weighted ? raw.map((w) => w / total) : null) };
  });

  test("is the adjoint of linear interpolation, and non-negative", () => {
    fc.assert(
      fc.property(scene, ({ g, seed, cloud: c }) => {
        const u = noise(g.size, seed + 2);
        const density = deposit(g, c);
        const left = integrate(
          g,
          density.values.map((m, k) => m * u[k]),
        );
        const right = interpolate(g, u, c.points).reduce((sum, v, k) => sum + v * (c.weights?.[k] ?? 1 / c.count), 0);
        expect(left).toAgree(right, { atol: 1e-13 });
        expect(density.values.every((m) => m >= 0)).toBe(true);
      }),
      { numRuns, seed: 31 },
    );
  });

  test("mass is exact without dirichlet axes; a dirichlet wall absorbs its share", () => {
    fc.assert(
      fc.property(scene, ({ g, cloud: c }) => {
        const m = mass(deposit(g, c));
        if (g.axes.every((ax) => ax.boundary !== "dirichlet")) expect(m).toAgree(1, { rtol: 1e-14 });
        else expect(m).toBeLessThanOrEqual(1 + 1e-14);
      }),
      { numRuns, seed: 32 },
    );
    const g = grid([axis({ lower: 0, upper: 5, points: 4, boundary: "dirichlet" })]);
    expect(mass(deposit(g, cloud([0.25, 2.5], 1)))).toAgree(0.5 * 0.25 + 0.5, { rtol: 1e-14 });
  });

  test("keeps the mean away from the walls", () => {
    const g = allGrids([16, 12])[4];
    const c = cloud([0.31, 0.92, 0.55, 1.01, 0.44, 0.71], 2, [0.5, 0.2, 0.3]);
    const x = nodesOf(g);
    const { values } = deposit(g, c);
    for (const a of [0, 1]) {
      const mean = integrate(
        g,
        values.map((m, k) => m * x[2 * k + a]),
      );
      const expected = [0, 1, 2].reduce((sum, k) => sum + c.points[2 * k + a] * (c.weights as Float64Array)[k], 0);
      expect(mean).toAgree(expected, { rtol: 1e-13 });
    }
  });

  test("errors", () => {
    expect(() => deposit(allGrids([4])[0], cloud([0, 0], 2))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: deposit: cloud must have the grid's dimension 1; got 2. Project the points first.]`,
    );
  });
});
