import { describe, expect, test } from "vitest";
import { cloudMasses, densityMasses, silvermanBandwidth } from "../../../../solvers/grid/proximal-flow/cell-masses.js";
import { axis, type Grid, grid, nodesOf } from "../../../../src/grid/index.js";
import { cloud, empirical, gaussian, uniformBox } from "../../../../src/measure/index.js";

const line = (n: number, lower = -6, upper = 6): Grid => grid([axis({ lower, upper, points: n, boundary: "no-flux" })]);
const sum = (x: Float64Array): number => x.reduce((a, b) => a + b, 0);

// Φ(1) − Φ(−1)
const ONE_SIGMA = 0.6826894921370859;

describe("masses of cells", () => {
  test("a density: mass 1, cells by quadrature of second order, sub-cells sum to their cell", () => {
    const law = gaussian({ mean: [0] });
    const errors = [1, 2, 4].map((per) => {
      const { mass } = densityMasses(law, line(12), per);
      expect(sum(mass)).toAgree(1, { rtol: 1e-14 });
      return Math.abs(mass[5] + mass[6] - ONE_SIGMA);
    });
    expect(errors[2]).toBeLessThan(2e-3);
    expect(Math.log2(errors[0] / errors[2]) / 2).toBeGreaterThan(1.8);
    const split = densityMasses(law, line(12), 4);
    expect(sum(split.weights.slice(20, 24))).toAgree(split.mass[5], { rtol: 1e-13 });
    expect(split.points.slice(20, 24)).toAgree([-0.875, -0.625, -0.375, -0.125], { atol: 1e-14 });
  });

  test("what a box leaves out is told", () => {
    const { mass, truncated } = densityMasses(gaussian({ mean: [0] }), line(400, -1, 1), 4);
    expect(truncated).toAgree(1 - ONE_SIGMA, { atol: 1e-6 });
    expect(sum(mass)).toAgree(1, { rtol: 1e-13 });
    const data = empirical(cloud([-3, 0.5, 0.25, 9], 1, [0.1, 0.4, 0.3, 0.2]));
    const kept = cloudMasses(data, data.data!, line(4, 0, 1), [0]);
    expect(kept.truncated).toAgree(0.3, { atol: 1e-14 });
    // Nodes 0.125, 0.375, 0.625, 0.875: 0.5 lies midway between the second and third, 0.25 between the first and second.
    expect(kept.mass).toAgree([0.15 / 0.7, 0.35 / 0.7, 0.2 / 0.7, 0], { atol: 1e-14 });
  });

  test("a cloud keeps mass and mean; the bandwidth adds its square to the variance", () => {
    const g = grid([
      axis({ lower: -5, upper: 5, points: 50, boundary: "no-flux" }),
      axis({ lower: -4, upper: 4, points: 64, boundary: "no-flux" }),
    ]);
    const data = cloud([0.31, -0.2, 1.07, 0.4], 2, [0.25, 0.75]);
    const law = empirical(data);
    const x = nodesOf(g);
    const moment = (mass: Float64Array, f: (k: number) => number): number => mass.reduce((s, m, k) => s + m * f(k), 0);
    const bare = cloudMasses(law, data, g, [0, 0]).mass;
    const soft = cloudMasses(law, data, g, [0.3, 0.5]).mass;
    for (const mass of [bare, soft]) {
      expect(sum(mass)).toAgree(1, { rtol: 1e-13 });
      expect(Math.min(...mass)).toBeGreaterThanOrEqual(0);
      expect(moment(mass, (k) => x[2 * k])).toAgree(0.25 * 0.31 + 0.75 * 1.07, { atol: 1e-12 });
      expect(moment(mass, (k) => x[2 * k + 1])).toAgree(0.25 * -0.2 + 0.75 * 0.4, { atol: 1e-12 });
    }
    for (const [a, b] of [
      [0, 0.3],
      [1, 0.5],
    ]) {
      const spread = (mass: Float64Array) =>
        moment(mass, (k) => x[2 * k + a] ** 2) - moment(mass, (k) => x[2 * k + a]) ** 2;
      expect(spread(soft) - spread(bare)).toAgree(b * b, { rtol: 1e-6 });
    }
  });

  test("a wall reflects the smoothing", () => {
    const law = empirical(cloud([0.125], 1));
    const { mass } = cloudMasses(law, law.data!, line(4, 0, 1), [0.6]);
    expect(sum(mass)).toAgree(1, { rtol: 1e-14 });
    expect(mass[0]).toBeGreaterThan(mass[3]);
  });

  test("Silverman's rule: sd (4/3n)^{1/5} on a line", () => {
    const data = cloud([-1, 1, -1, 1], 1);
    expect(silvermanBandwidth(data)).toAgree([(4 / (3 * 4)) ** 0.2], { rtol: 1e-14 });
  });

  test("refuses a box without mass and a density that is NaN", () => {
    const law = uniformBox({ lower: [10], upper: [11] });
    expect(() => densityMasses(law, line(8), 1)).toThrow(
      "gridProximalFlow: mass of uniform-box in the box must be > 0 and finite; got 0. Give a box that holds both laws, or leave box out.",
    );
    const broken = { ...gaussian({ mean: [0] }), logDensity: (p: Float64Array) => p.map(() => Number.NaN) };
    expect(() => densityMasses(broken, line(8), 1)).toThrow(
      "gridProximalFlow: logDensity of gaussian must be a number everywhere in the box; got [-5.25]. Repair the density there (the value shown is the point), or shrink the box.",
    );
  });
});
