import { describe, expect, test } from "vitest";
import { quadraticSpline } from "../../../../solvers/grid/proximal-flow/quadratic-spline.js";
import { axis, type Grid, grid, nodesOf } from "../../../../src/grid/index.js";
import { generator } from "../../../../src/random/index.js";

const plane = (n0: number, n1: number): Grid =>
  grid([
    axis({ lower: -1, upper: 1, points: n0, boundary: "no-flux" }),
    axis({ lower: 0, upper: 3, points: n1, boundary: "no-flux" }),
  ]);

describe("quadraticSpline", () => {
  test("is exact for linear functions inside the box, and h²/8 above a parabola in each axis", () => {
    const g = plane(12, 9);
    const x = nodesOf(g);
    const linear = Float64Array.from({ length: g.size }, (_, k) => 2 - 3 * x[2 * k] + 0.5 * x[2 * k + 1]);
    const square = Float64Array.from({ length: g.size }, (_, k) => x[2 * k] ** 2);
    const out = new Float64Array(6);
    for (const [a, b] of [
      [0.03, 1.4],
      [-0.5, 0.7],
      [0.61, 2.2],
    ]) {
      quadraticSpline(g, linear).evaluate([a, b], 0, out);
      expect(out).toAgree([2 - 3 * a + 0.5 * b, -3, 0.5, 0, 0, 0], { rtol: 1e-12, atol: 1e-12 });
      quadraticSpline(g, square).evaluate([a, b], 0, out);
      const h = g.axes[0].spacing;
      expect(out).toAgree([a * a + (h * h) / 4, 2 * a, 0, 2, 0, 0], { rtol: 1e-11, atol: 1e-11 });
    }
  });

  test("first derivatives are those of the values, second derivatives those of the first; even about walls, constant beyond", () => {
    for (const g of [plane(7, 8), grid([axis({ lower: 0, upper: 1, points: 9, boundary: "no-flux" })])]) {
      const d = g.dimension;
      const spline = quadraticSpline(g, generator(3).normal(g.size));
      const points = generator(4)
        .uniform(40 * d)
        .map((u, i) => g.axes[i % d].lower + u * (g.axes[i % d].upper - g.axes[i % d].lower));
      const [here, up, down] = [new Float64Array(6), new Float64Array(6), new Float64Array(6)];
      for (let i = 0; i < 40; i++) {
        const y = points.slice(i * d, i * d + d);
        spline.evaluate(y, 0, here);
        for (let a = 0; a < d; a++) {
          const delta = 1e-6;
          spline.evaluate(y.with(a, y[a] + delta), 0, up);
          spline.evaluate(y.with(a, y[a] - delta), 0, down);
          expect((up[0] - down[0]) / (2 * delta)).toAgree(here[1 + a], { rtol: 1e-5, atol: 1e-4 });
          for (let b = 0; b < d; b++) {
            const second = here[1 + d + (a + b)];
            expect((up[1 + b] - down[1 + b]) / (2 * delta)).toAgree(second, { rtol: 1e-4, atol: 1e-2 });
          }
        }
      }
      const wall = g.axes.map((ax) => ax.upper);
      spline.evaluate(wall, 0, here);
      spline.evaluate(
        wall.map((w) => w + 0.7),
        0,
        up,
      );
      expect(up[0]).toAgree(here[0], { rtol: 1e-12 });
      expect(here.slice(1, 1 + d)).toAgree(new Float64Array(d), { atol: 1e-12 });
    }
  });
});
