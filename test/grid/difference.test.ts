import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  axis,
  backwardDifference,
  centralDifference,
  divergence,
  extend,
  faceField,
  faceShape,
  forwardDifference,
  type Grid,
  gradient,
  grid,
  integrate,
  laplacian,
  nodesOf,
} from "../../src/grid/index.js";
import { allGrids, anyGrid, noise, numRuns } from "./fields.js";

const dot = (x: ArrayLike<number>, y: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
};
const size = (x: ArrayLike<number>): number => Math.sqrt(dot(x, x));

// One entry of a field at any multi-index, straight from the extension rule.
function at(g: Grid, u: Float64Array, index: readonly number[]): number {
  let k = 0;
  let sign = 1;
  index.forEach((i, a) => {
    const r = extend(g.axes[a].boundary, g.shape[a], i);
    sign *= Math.sign(r);
    k += (Math.abs(r) - 1) * g.strides[a];
  });
  return sign === 0 ? 0 : sign * u[k];
}
const indicesOf = (shape: readonly number[]): number[][] =>
  shape.reduce<number[][]>(
    (list, n) => list.flatMap((index) => Array.from({ length: n }, (_, i) => [...index, i])),
    [[]],
  );
const shift = (index: readonly number[], a: number, by: number): number[] =>
  index.map((i, b) => (b === a ? i + by : i));

describe("divergence is minus the adjoint of the gradient", () => {
  const check = (g: Grid, seed: number): void => {
    const u = noise(g.size, seed);
    const q = faceField(g).map((part, a) => noise(part.length, seed + 7 * a + 1));
    const gu = gradient(g, u);
    const left = gu.reduce((sum, part, a) => sum + dot(part, q[a]), 0);
    const right = -dot(u, divergence(g, q));
    const scale = gu.reduce((sum, part, a) => sum + size(part) * size(q[a]), 0);
    expect(Math.abs(left - right)).toBeLessThanOrEqual(1e-14 * scale);
  };
  test("on every kind of grid", () => {
    fc.assert(fc.property(anyGrid, fc.integer(), check), { numRuns, seed: 11 });
  });
  test("on all 27 mixed non-square 3-D grids", () => {
    for (const g of allGrids([4, 6, 5])) check(g, 3);
  });
});

describe("laplacian", () => {
  test("is divergence after gradient", () => {
    fc.assert(
      fc.property(anyGrid, fc.integer(), (g, seed) => {
        const u = noise(g.size, seed);
        const expected = divergence(g, gradient(g, u));
        const scale = g.axes.reduce((sum, { spacing }) => sum + 4 / spacing ** 2, 0);
        expect(laplacian(g, u)).toAgree(expected, { rtol: 0, atol: 1e-14 * scale });
      }),
      { numRuns, seed: 12 },
    );
  });
  test("has the eigenfunctions of the Fourier, DCT-II and DST-I bases", () => {
    const n = 12;
    for (const g of allGrids([n], 0, 1)) {
      const { boundary, nodes, spacing: h } = g.axes[0];
      for (let k = 0; k < n; k++) {
        const w = boundary === "periodic" ? 2 * Math.PI * k : Math.PI * (boundary === "dirichlet" ? k + 1 : k);
        const u = nodes.map((x) => (boundary === "dirichlet" ? Math.sin(w * x) : Math.cos(w * x)));
        const lambda = -((2 / h) ** 2) * Math.sin((w * h) / 2) ** 2;
        expect(laplacian(g, u)).toAgree(
          u.map((x) => lambda * x),
          { rtol: 0, atol: 2e-12 * n * n },
        );
      }
    }
  });
  test("order 2 with level, mixed 2-D", () => {
    // u = sin(2πx) cos(πy) on periodic × no-flux: Δu = −5π² u.
    const error = (n: number): number => {
      const g = grid([
        axis({ lower: 0, upper: 1, points: n, boundary: "periodic" }),
        axis({ lower: 0, upper: 1, points: n + 3, boundary: "no-flux" }),
      ]);
      const x = nodesOf(g);
      const u = Float64Array.from(
        { length: g.size },
        (_, k) => Math.sin(2 * Math.PI * x[2 * k]) * Math.cos(Math.PI * x[2 * k + 1]),
      );
      return laplacian(g, u).reduce((worst, v, k) => Math.max(worst, Math.abs(v + 5 * Math.PI ** 2 * u[k])), 0);
    };
    const [coarse, fine] = [error(32), error(64)];
    expect(Math.log2(coarse / fine)).toBeGreaterThan(1.9);
    expect(fine).toBeLessThan(0.04);
  });
});

describe("differences at nodes", () => {
  test("follow the extension rule in every dimension", () => {
    for (const g of [...allGrids([5]), ...allGrids([4, 6]), ...allGrids([4, 5, 6])]) {
      const u = noise(g.size, 5);
      for (let a = 0; a < g.dimension; a++) {
        const h = g.axes[a].spacing;
        const expected = (left: number, right: number) =>
          indicesOf(g.shape).map(
            (index) => (at(g, u, shift(index, a, right)) - at(g, u, shift(index, a, left))) / ((right - left) * h),
          );
        expect(forwardDifference(g, u, a)).toAgree(expected(0, 1), { atol: 1e-13 });
        expect(backwardDifference(g, u, a)).toAgree(expected(-1, 0), { atol: 1e-13 });
        expect(centralDifference(g, u, a)).toAgree(expected(-1, 1), { atol: 1e-13 });
      }
    }
  });
  test("the gradient on faces follows it too", () => {
    for (const g of [...allGrids([5]), ...allGrids([4, 6]), ...allGrids([4, 5, 6])]) {
      const u = noise(g.size, 6);
      const q = gradient(g, u);
      for (let a = 0; a < g.dimension; a++) {
        const h = g.axes[a].spacing;
        const expected = indicesOf(faceShape(g, a)).map(
          (index) => (at(g, u, index) - at(g, u, shift(index, a, -1))) / h,
        );
        expect(q[a]).toAgree(expected, { atol: 1e-13 });
      }
    }
  });
  test("orders 1, 1, 2 with levels on a periodic sine", () => {
    const errors = (n: number): number[] => {
      const g = grid([axis({ lower: 0, upper: 1, points: n, boundary: "periodic" })]);
      const u = g.axes[0].nodes.map((x) => Math.sin(2 * Math.PI * x));
      const exact = g.axes[0].nodes.map((x) => 2 * Math.PI * Math.cos(2 * Math.PI * x));
      return [forwardDifference, backwardDifference, centralDifference].map((difference) =>
        difference(g, u, 0).reduce((worst, v, k) => Math.max(worst, Math.abs(v - exact[k])), 0),
      );
    };
    const coarse = errors(128);
    const fine = errors(256);
    expect(coarse.map((e, k) => Math.log2(e / fine[k]))).toAgree([1, 1, 2], { atol: 0.05 });
    expect(fine).toAgree([0.0771, 0.0771, 6.31e-4], { rtol: 0.02 });
  });
});

describe("conservation", () => {
  test("the divergence sums to zero without dirichlet axes, whatever stands on the wall faces", () => {
    for (const g of allGrids([4, 6, 5]).filter((g) => g.axes.every((ax) => ax.boundary !== "dirichlet"))) {
      const q = faceField(g).map((part, a) => noise(part.length, a + 1));
      expect(integrate(g, divergence(g, q))).toAgree(0, { atol: 1e-13 });
    }
  });
});

test("errors", () => {
  const g = grid([axis({ lower: 0, upper: 1, points: 4, boundary: "no-flux" })]);
  const u = new Float64Array(4);
  const short = new Float64Array(3);
  const faces = faceField(g);
  expect(() => gradient(g, short)).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: gradient: u must have length 4, one value for each node; got 3. Give a row-major field on this grid.]`,
  );
  expect(() => gradient(g, u, [])).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: gradient: out must have 1 components, one for each axis; got 0. Make it with faceField(grid).]`,
  );
  expect(() => divergence(g, [u])).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: divergence: q[0] must have length 5, one value for each face; got 4. Make it with faceField(grid).]`,
  );
  expect(() => divergence(g, faces, short)).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: divergence: out must have length 4, one value for each node; got 3. Give a row-major field on this grid.]`,
  );
  expect(() => laplacian(g, short)).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: laplacian: u must have length 4, one value for each node; got 3. Give a row-major field on this grid.]`,
  );
  expect(() => laplacian(g, u, u)).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: laplacian: out must be another array than u; got Float64Array(4). Give a second array.]`,
  );
  expect(() => forwardDifference(g, u, 1)).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: forwardDifference: axis must be an integer from 0 to 0; got 1. Count the axes from 0.]`,
  );
  expect(() => backwardDifference(g, u, 0, u)).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: backwardDifference: out must be another array than u; got Float64Array(4). Give a second array.]`,
  );
  expect(() => centralDifference(g, short, 0)).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: centralDifference: u must have length 4, one value for each node; got 3. Give a row-major field on this grid.]`,
  );
});
