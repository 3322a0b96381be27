import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { hopfLax, hopfLaxOnNodes } from "../../../../solvers/grid/proximal-flow/hopf-lax.js";
import { lipschitzEnvelope } from "../../../../solvers/grid/proximal-flow/lipschitz-envelope.js";
import { quadraticSpline } from "../../../../solvers/grid/proximal-flow/quadratic-spline.js";
import { axis, type Grid, grid, nodesOf } from "../../../../src/grid/index.js";
import { generator } from "../../../../src/random/index.js";

const numRuns = Number(process.env.LAWS === "thorough" ? 500 : 25);
const plane = (n0: number, n1: number): Grid =>
  grid([
    axis({ lower: -2, upper: 2, points: n0, boundary: "no-flux" }),
    axis({ lower: -1, upper: 2, points: n1, boundary: "no-flux" }),
  ]);
const line = (n: number): Grid => grid([axis({ lower: -2, upper: 2, points: n, boundary: "no-flux" })]);
const grids = fc.oneof(
  fc.integer({ min: 4, max: 60 }).map(line),
  fc.tuple(fc.integer({ min: 4, max: 14 }), fc.integer({ min: 4, max: 14 })).map(([a, b]) => plane(a, b)),
);
const stiffness = fc.double({ min: 1e-3, max: 1e3, noNaN: true });

function at(g: Grid, values: Float64Array, k: number, L: number, x: Float64Array) {
  const n = x.length / g.dimension;
  const out = { value: new Float64Array(n), slope: new Float64Array(x.length) };
  hopfLax(quadraticSpline(g, values), k, L).evaluate(x, out.value, out.slope);
  return out;
}

describe("hopfLaxOnNodes", () => {
  test.prop([grids, fc.integer({ min: 0, max: 1e6 }), stiffness], { numRuns })(
    "equals the minimum over all pairs of nodes, which its feet attain",
    (g, seed, k) => {
      const phi = generator(seed).normal(g.size);
      const x = nodesOf(g);
      const d = g.dimension;
      const cost = (i: number, j: number): number => {
        let square = 0;
        for (let a = 0; a < d; a++) square += (x[i * d + a] - x[j * d + a]) ** 2;
        return phi[j] + 0.5 * k * square;
      };
      const { values, foot } = hopfLaxOnNodes(g, phi, k);
      for (let i = 0; i < g.size; i++) {
        let least = Infinity;
        for (let j = 0; j < g.size; j++) least = Math.min(least, cost(i, j));
        expect(values[i]).toAgree(least, { rtol: 1e-10, atol: 1e-10 });
        expect(cost(i, foot[i])).toAgree(least, { rtol: 1e-10, atol: 1e-10 });
      }
    },
  );

  test.prop([grids, fc.integer({ min: 0, max: 1e6 }), stiffness], { numRuns })(
    "comparison: φ₁ ≤ φ₂ ⇒ U₁ ≤ U₂; a constant passes through; reflection commutes",
    (g, seed, k) => {
      const low = generator(seed).normal(g.size);
      const high = generator(seed + 1)
        .uniform(g.size)
        .map((u, i) => low[i] + u);
      const [a, b] = [hopfLaxOnNodes(g, low, k).values, hopfLaxOnNodes(g, high, k).values];
      a.forEach((v, i) => {
        expect(v).toBeLessThanOrEqual(b[i] + 1e-12);
      });
      const shifted = hopfLaxOnNodes(
        g,
        low.map((v) => v + 3),
        k,
      ).values;
      expect(shifted).toAgree(
        a.map((v) => v + 3),
        { rtol: 1e-10, atol: 1e-10 },
      );
      // Reversing the row-major order reflects every axis.
      expect(hopfLaxOnNodes(g, low.toReversed(), k).values).toAgree(a.toReversed(), { rtol: 1e-10, atol: 1e-10 });
    },
  );
});

describe("hopfLax between the nodes", () => {
  test("linear and quadratic potentials have their closed forms", () => {
    const g = plane(40, 30);
    const x = nodesOf(g);
    const points = Float64Array.of(0.1, 0.33, -0.4, 0.8, 0.52, 0.21);
    const k = 3;
    const linear = Float64Array.from({ length: g.size }, (_, i) => 0.5 * x[2 * i] - 0.3 * x[2 * i + 1]);
    const { value, slope } = at(g, linear, k, Infinity, points);
    const exact = [0, 1, 2].map((i) => 0.5 * points[2 * i] - 0.3 * points[2 * i + 1] - 0.34 / (2 * k));
    expect(value).toAgree(exact, { rtol: 1e-12, atol: 1e-12 });
    expect(slope).toAgree([0.5, -0.3, 0.5, -0.3, 0.5, -0.3], { rtol: 1e-10 });
    // ½a|x|² → ½a|x|²/(1 + a/k), plus the spline's constant a(h₀² + h₁²)/8.
    const a = 0.7;
    const bowl = Float64Array.from({ length: g.size }, (_, i) => 0.5 * a * (x[2 * i] ** 2 + x[2 * i + 1] ** 2));
    const rise = (a * (g.axes[0].spacing ** 2 + g.axes[1].spacing ** 2)) / 8;
    const curved = at(g, bowl, k, Infinity, points);
    const shrink = a / (1 + a / k);
    for (let i = 0; i < 3; i++) {
      const square = points[2 * i] ** 2 + points[2 * i + 1] ** 2;
      expect(curved.value[i]).toAgree(0.5 * shrink * square + rise, { rtol: 1e-10, atol: 1e-12 });
      expect(curved.slope[2 * i]).toAgree(shrink * points[2 * i], { rtol: 1e-8, atol: 1e-10 });
    }
  });

  test.prop(
    [
      grids,
      fc.integer({ min: 0, max: 1e6 }),
      fc.double({ min: 0.1, max: 30, noNaN: true }),
      fc.double({ min: 0.2, max: 3, noNaN: true }),
    ],
    { numRuns },
  )("|∇U| ≤ L, U lies below every candidate, and U at t = T below S", (g, seed, k, L) => {
    const d = g.dimension;
    const phi = lipschitzEnvelope(g, generator(seed).normal(g.size), L);
    const points = generator(seed + 1)
      .uniform(20 * d)
      .map((u, i) => g.axes[i % d].lower + u * (g.axes[i % d].upper - g.axes[i % d].lower));
    const spline = quadraticSpline(g, phi);
    const { value, slope } = at(g, phi, k, L, points);
    const end = at(g, phi, Infinity, L, points);
    const out = new Float64Array(6);
    for (let i = 0; i < 20; i++) {
      for (const s of [slope, end.slope])
        expect(Math.hypot(...s.slice(i * d, i * d + d))).toBeLessThanOrEqual(L * (1 + 1e-12));
      spline.evaluate(points, i * d, out);
      expect(end.value[i]).toBeLessThanOrEqual(out[0] + 1e-13);
      expect(value[i]).toBeLessThanOrEqual(end.value[i] + 1e-12);
    }
  });

  test("semigroup: T → t → 0 through the nodes differs from T → 0 by O(h), U solves the equation along its rays", () => {
    const errors = [32, 64, 128].map((n) => {
      const g = line(n);
      const x = nodesOf(g);
      const phi = x.map((y) => Math.abs(y - 0.3) - 0.5 * Math.cos(2 * y));
      const [lambda, T, t] = [1, 0.8, 0.3];
      const whole = at(g, phi, lambda / T, Infinity, x).value;
      const half = at(g, phi, lambda / (T - t), Infinity, x).value;
      const twice = at(g, half, lambda / t, Infinity, x).value;
      return Math.max(...whole.map((u, i) => Math.abs(u - twice[i])));
    });
    expect(errors[2]).toBeLessThan(2e-3);
    expect(Math.log2(errors[0] / errors[2]) / 2).toBeGreaterThan(0.9);
    const g = plane(30, 30);
    const phi = lipschitzEnvelope(
      g,
      generator(8)
        .normal(g.size)
        .map((v) => 0.3 * v),
      1,
    );
    const start = Float64Array.of(0.31, 0.42, -0.7, 1.1, 0.9, -0.2);
    const [lambda, T] = [2, 1];
    const first = at(g, phi, lambda / T, 1, start);
    for (const t of [0.2, 0.5, 0.9]) {
      const moved = start.map((y, i) => y - (t / lambda) * first.slope[i]);
      const { value, slope } = at(g, phi, lambda / (T - t), 1, moved);
      for (let i = 0; i < 3; i++) {
        const speed = first.slope[2 * i] ** 2 + first.slope[2 * i + 1] ** 2;
        expect(value[i]).toAgree(first.value[i] - (t * speed) / (2 * lambda), { atol: 1e-10 });
      }
      expect(slope).toAgree(first.slope, { atol: 1e-6 });
    }
  });
});
