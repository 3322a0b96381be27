import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  axis,
  type Boundary,
  type Grid,
  grid,
  type Interpolation,
  interpolate,
  interpolateGradient,
  nodesOf,
} from "../../src/grid/index.js";
import { allGrids, anyGrid, boundaries, noise, numRuns } from "./fields.js";

const methods: readonly Interpolation[] = ["linear", "cubic"];

/** Points spread over the box blown up by `reach` on each side. */
function scatter(g: Grid, count: number, seed: number, reach = 0): Float64Array {
  const x = noise(count * g.dimension, seed);
  return x.map((v, k) => {
    const { lower, upper } = g.axes[k % g.dimension];
    return (lower + upper) / 2 + v * (0.5 + reach) * (upper - lower);
  });
}

describe("interpolation", () => {
  test("returns the field at the nodes", () => {
    fc.assert(
      fc.property(anyGrid, fc.integer(), fc.constantFrom(...methods), (g, seed, method) => {
        const u = noise(g.size, seed);
        expect(interpolate(g, u, nodesOf(g), method)).toAgree(u, { atol: 1e-12 });
      }),
      { numRuns, seed: 21 },
    );
  });

  test("reproduces polynomials away from the walls: multilinear, and quadratic in each variable", () => {
    for (const g of allGrids([9, 8, 10])) {
      const nodes = nodesOf(g);
      for (const method of methods) {
        const p = (x: number) => (method === "linear" ? 1 - 2 * x : 1 - 2 * x + 3 * x * x);
        const dp = (x: number) => (method === "linear" ? -2 : -2 + 6 * x);
        const product = (x: Float64Array, k: number, along: number) =>
          [0, 1, 2].reduce((value, a) => value * (a === along ? dp : p)(x[3 * k + a]), 1);
        const u = Float64Array.from({ length: g.size }, (_, k) => product(nodes, k, -1));
        const x = scatter(g, 50, 4).map((v, k) => {
          const { lower, upper, spacing } = g.axes[k % 3];
          return Math.min(Math.max(v, lower + 2.5 * spacing), upper - 2.5 * spacing);
        });
        expect(interpolate(g, u, x, method)).toAgree(
          Float64Array.from({ length: 50 }, (_, k) => product(x, k, -1)),
          { rtol: 1e-11, atol: 1e-11 },
        );
        expect(interpolateGradient(g, u, x, method)).toAgree(
          Float64Array.from({ length: 150 }, (_, k) => product(x, Math.floor(k / 3), k % 3)),
          { rtol: 1e-10, atol: 1e-10 },
        );
      }
    }
  });

  test("the gradient is the derivative of the interpolant, inside and outside", () => {
    for (const g of [...allGrids([6]), ...allGrids([5, 7]), ...allGrids([4, 6, 5])]) {
      const u = noise(g.size, 9);
      const d = g.dimension;
      const x = scatter(g, 20, 10, 0.4);
      for (const method of methods) {
        const slope = interpolateGradient(g, u, x, method);
        const step = 1e-6;
        for (let a = 0; a < d; a++) {
          const moved = (by: number) => x.map((v, k) => (k % d === a ? v + by : v));
          const [above, below] = [interpolate(g, u, moved(step), method), interpolate(g, u, moved(-step), method)];
          for (let k = 0; k < 20; k++)
            expect(slope[k * d + a]).toAgree((above[k] - below[k]) / (2 * step), { rtol: 1e-5, atol: 1e-5 });
        }
      }
    }
  });

  test("obeys the boundary rule", () => {
    for (const boundary of boundaries) {
      const g = grid([axis({ lower: -1, upper: 3, points: 7, boundary })]);
      const u = noise(7, 2);
      const x = scatter(g, 40, 3, 1);
      for (const method of methods) {
        const value = interpolate(g, u, x, method);
        const fold = (v: number) => {
          if (boundary === "periodic") return v - 4 * Math.floor((v + 1) / 4);
          const s = (((v + 1) % 8) + 8) % 8;
          return -1 + (s <= 4 ? s : 8 - s);
        };
        const folded = interpolate(g, u, x.map(fold), method);
        const expected = folded.map((v, k) => (boundary === "dirichlet" && (x[k] <= -1 || x[k] >= 3) ? 0 : v));
        expect(value).toAgree(expected, { atol: 1e-12 });
      }
    }
  });

  test("linear interpolation on a dirichlet axis falls to 0 at the wall", () => {
    const g = grid([axis({ lower: 0, upper: 5, points: 4, boundary: "dirichlet" })]);
    const u = Float64Array.of(8, 1, 1, 4);
    const x = Float64Array.of(0, 0.25, 0.5, 1, 4.5, 5, 6, -1);
    expect(interpolate(g, u, x)).toAgree([0, 2, 4, 8, 2, 0, 0, 0], { atol: 1e-15 });
  });

  test("linear is monotone: values stay between those of the nodes", () => {
    fc.assert(
      fc.property(anyGrid, fc.integer(), (g, seed) => {
        const u = noise(g.size, seed).map(Math.abs);
        const value = interpolate(g, u, scatter(g, 30, seed + 1, 0.5));
        const top = u.reduce((a, b) => Math.max(a, b), 0);
        for (const v of value) expect(v >= 0 && v <= top * (1 + 1e-14)).toBe(true);
      }),
      { numRuns, seed: 22 },
    );
  });

  test("orders 2 and 3 (values), 1 and 2 (gradients), with levels, on every boundary", () => {
    // A smooth field obeying each axis's condition (dirichlet with u″ = 0 at the walls).
    const shape: Record<Boundary, (x: number) => number> = {
      periodic: (x) => Math.exp(Math.sin(2 * Math.PI * x)),
      "no-flux": (x) => Math.exp(Math.cos(Math.PI * x)),
      dirichlet: (x) => Math.sin(Math.PI * x) + 0.5 * Math.sin(3 * Math.PI * x),
    };
    const slope: Record<Boundary, (x: number) => number> = {
      periodic: (x) => 2 * Math.PI * Math.cos(2 * Math.PI * x) * Math.exp(Math.sin(2 * Math.PI * x)),
      "no-flux": (x) => -Math.PI * Math.sin(Math.PI * x) * Math.exp(Math.cos(Math.PI * x)),
      dirichlet: (x) => Math.PI * (Math.cos(Math.PI * x) + 1.5 * Math.cos(3 * Math.PI * x)),
    };
    for (const boundary of boundaries) {
      const errors = (n: number, method: Interpolation): [number, number] => {
        const g = grid([axis({ lower: 0, upper: 1, points: n, boundary })]);
        const u = g.axes[0].nodes.map(shape[boundary]);
        const x = Float64Array.from({ length: 1500 }, (_, k) => (k + 0.37) / 1500);
        const worst = (a: Float64Array, b: Float64Array) => a.reduce((m, v, k) => Math.max(m, Math.abs(v - b[k])), 0);
        return [
          worst(interpolate(g, u, x, method), x.map(shape[boundary])),
          worst(interpolateGradient(g, u, x, method), x.map(slope[boundary])),
        ];
      };
      for (const method of methods) {
        const [coarse, fine] = [errors(64, method), errors(128, method)];
        const order = coarse.map((e, k) => Math.log2(e / fine[k]));
        const formal = method === "linear" ? [2, 1] : [3, 2];
        expect(order[0]).toBeGreaterThan(formal[0] - 0.15);
        expect(order[1]).toBeGreaterThan(formal[1] - 0.15);
        expect(fine[0]).toBeLessThan(method === "linear" ? 1e-3 : 1.5e-5);
        expect(fine[1]).toBeLessThan(method === "linear" ? 0.45 : 0.01);
      }
    }
  });

  test("NaN in, NaN out", () => {
    for (const g of allGrids([5])) {
      expect(interpolate(g, noise(5, 1), Float64Array.of(NaN))[0]).toBeNaN();
      expect(interpolateGradient(g, noise(5, 1), Float64Array.of(NaN), "cubic")[0]).toBeNaN();
    }
  });

  test("errors", () => {
    const g = allGrids([5, 5])[0];
    const u = noise(25, 1);
    const x = new Float64Array(4);
    expect(() => interpolate(g, noise(24, 1), x)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: interpolate: u must have length 25, one value for each node; got 24. Give a row-major field on this grid.]`,
    );
    expect(() =>
      interpolate(g, u, new Float64Array(3), "linear", new Float64Array(1)),
    ).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: interpolate: points must have a length divisible by the dimension 2; got 3. Give the coordinates row by row, one point after the other.]`,
    );
    expect(() => interpolate(g, u, x, "spline" as Interpolation)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: interpolate: method must be "linear" or "cubic"; got "spline". Use "linear" for densities and "cubic" for smooth potentials.]`,
    );
    expect(() => interpolateGradient(g, u, x, "cubic", new Float64Array(2))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: interpolateGradient: out must have length 4; got 2. Leave it out to get a new array of the right length.]`,
    );
  });
});
