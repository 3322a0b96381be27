import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { axis, grid } from "../../src/grid/index.js";
import {
  type Cloud,
  cloud,
  cloudOf,
  type Density,
  eightGaussians,
  empirical,
  entropicCostGaussian,
  entropicTransport,
  gaussian,
  maximumMeanDiscrepancy,
  moments,
  relativeEntropy,
  relativeEntropyGaussian,
  sampleDensity,
  samplingFloor,
  sinkhornDivergence,
  twoMoons,
  wasserstein1,
  wasserstein1OnGrid,
  wasserstein2,
  wasserstein2Gaussian,
} from "../../src/measure/index.js";
import { generator } from "../../src/random/index.js";

const numRuns = Number(process.env.LAWS === "thorough" ? 500 : 25);

const coordinate = fc.double({ min: -10, max: 10, noNaN: true });
const cloudIn = (d: number, n: number): fc.Arbitrary<Cloud> =>
  fc.array(coordinate, { minLength: n * d, maxLength: n * d }).map((p) => cloud(p, d));
const weightedLine: fc.Arbitrary<Cloud> = fc
  .array(fc.tuple(coordinate, fc.integer({ min: 0, max: 9 })), { minLength: 1, maxLength: 8 })
  .filter((rows) => rows.some(([, w]) => w > 0))
  .map((rows) => {
    const total = rows.reduce((sum, [, w]) => sum + w, 0);
    return cloud(
      rows.map(([x]) => x),
      1,
      rows.map(([, w]) => w / total),
    );
  });

const densityOn = (
  boundary: "periodic" | "no-flux" | "dirichlet",
  n: number,
  lower: number,
  upper: number,
  f: (x: number) => number,
): Density => {
  const g = grid([axis({ lower, upper, points: n, boundary })]);
  return { kind: "density", grid: g, values: g.axes[0].nodes.map(f) };
};

describe("Wasserstein distances on the line", () => {
  it("agree with the quantile integral, weights and unequal counts", () => {
    const quantile = (c: Cloud, u: number): number => {
      const order = Array.from({ length: c.count }, (_, i) => i).sort((i, j) => c.points[i] - c.points[j]);
      let sum = 0;
      for (const i of order) {
        sum += c.weights === null ? 1 / c.count : c.weights[i];
        if (sum > u) return c.points[i];
      }
      return c.points[order[order.length - 1]];
    };
    fc.assert(
      fc.property(weightedLine, weightedLine, (a, b) => {
        const n = 20_000;
        let first = 0;
        let second = 0;
        for (let k = 0; k < n; k++) {
          const gap = Math.abs(quantile(a, (k + 0.5) / n) - quantile(b, (k + 0.5) / n));
          first += gap / n;
          second += gap ** 2 / n;
        }
        // midpoint rule: at most 16 jumps, each wrong on half a cell by at most 20 (20²)
        expect(wasserstein1(a, b)).toAgree(first, { atol: (16 * 20) / (2 * n) });
        expect(wasserstein2(a, b) ** 2).toAgree(second, { atol: (16 * 400) / (2 * n) });
      }),
      { numRuns: Math.min(numRuns, 50), seed: 3 },
    );
  });

  it("has the closed forms: δ to uniform weights, unequal counts", () => {
    const a = cloud([0, 1, 3, 6], 1);
    const b = cloud([5, 2, 2.5], 1);
    expect(wasserstein1(a, b)).toAgree(4 / 3, { rtol: 1e-15 }); // golden set A of the Lipschitz-regularised divergences
    expect(wasserstein2(cloud([7], 1), cloud([1, 4], 1, [0.25, 0.75]))).toAgree(Math.sqrt(0.25 * 36 + 0.75 * 9), {
      rtol: 1e-15,
    });
  });

  it("is the assignment's answer in one dimension", () => {
    // The same points as (x, 0) go through the assignment.
    const g = generator(10);
    const x = g.normal(40);
    const y = g.normal(40);
    const flat = (p: Float64Array) =>
      cloud(
        Float64Array.from({ length: 80 }, (_, k) => (k % 2 === 0 ? p[k / 2] : 0)),
        2,
      );
    expect(wasserstein1(cloud(x, 1), cloud(y, 1))).toAgree(wasserstein1(flat(x), flat(y)), { rtol: 1e-12 });
    expect(wasserstein2(cloud(x, 1), cloud(y, 1))).toAgree(wasserstein2(flat(x), flat(y)), { rtol: 1e-12 });
  });
});

describe.each([
  ["wasserstein1", wasserstein1],
  ["wasserstein2", wasserstein2],
] as const)("%s is a metric on clouds", (_, distance) => {
  it.each([1, 2, 3])("in dimension %i: symmetry, triangle, translation, scaling, identity", (d) => {
    fc.assert(
      fc.property(
        cloudIn(d, 6),
        cloudIn(d, 6),
        cloudIn(d, 6),
        fc.array(coordinate, { minLength: d, maxLength: d }),
        fc.double({ min: 0.1, max: 5, noNaN: true }),
        (a, b, c, shift, scale) => {
          const ab = distance(a, b);
          // costs are up to 1e3 with rounding 1e-13, of which W₂ takes the root
          const atol = 1e-6;
          expect(distance(b, a)).toAgree(ab, { rtol: 1e-9, atol });
          expect(distance(a, c)).toBeLessThanOrEqual(ab + distance(b, c) + atol);
          const move = (x: Cloud) =>
            cloud(
              x.points.map((p, k) => scale * p + shift[k % d]),
              d,
            );
          expect(distance(move(a), move(b))).toAgree(scale * ab, { rtol: 1e-9, atol });
          expect(distance(a, cloud(reversed(a), d))).toAgree(0, { atol, rtol: 0 });
          const translated = cloud(
            a.points.map((p, k) => p + shift[k % d]),
            d,
          );
          expect(distance(a, translated)).toAgree(Math.hypot(...shift), { rtol: 1e-9, atol });
        },
      ),
      { numRuns, seed: 4 },
    );
  });
});

/** The same points in reverse order. */
function reversed(c: Cloud): Float64Array {
  const out = new Float64Array(c.points.length);
  for (let i = 0; i < c.count; i++)
    for (let a = 0; a < c.dimension; a++) out[i * c.dimension + a] = c.points[(c.count - 1 - i) * c.dimension + a];
  return out;
}

describe("Gaussians in closed form", () => {
  const a = gaussian({ mean: [0, 1], covariance: [2, 0.5, 0.5, 1] });
  const b = gaussian({ mean: [3, -1], covariance: [1, -0.3, -0.3, 0.5] });

  it("Bures distance: 2 × 2 by tr √M = √(tr M + 2√det M)", () => {
    // M = AB has the eigenvalues of A^½BA^½.
    const [A, B] = [a.covariance!, b.covariance!];
    const trace = A[0] * B[0] + 2 * A[1] * B[1] + A[3] * B[3];
    const det = (A[0] * A[3] - A[1] ** 2) * (B[0] * B[3] - B[1] ** 2);
    const square = 9 + 4 + 2 + 1 + 1 + 0.5 - 2 * Math.sqrt(trace + 2 * Math.sqrt(det));
    expect(wasserstein2Gaussian(a, b)).toAgree(Math.sqrt(square), { rtol: 1e-13 });
    expect(wasserstein2Gaussian(b, a)).toAgree(Math.sqrt(square), { rtol: 1e-13 });
    expect(wasserstein2Gaussian(a, a)).toAgree(0, { atol: 1e-7 });
  });

  it("Bures distance: commuting covariances in 5-D, a singular one, and the line", () => {
    const s = [1, 2, 0.5, 3, 0.1];
    const t = [2, 1, 1.5, 0.2, 0.7];
    const p = gaussian({ mean: [0, 0, 0, 0, 0], sd: s });
    const q = gaussian({ mean: [1, 0, 2, 0, 0], sd: t });
    const square = 5 + s.reduce((sum, x, k) => sum + (x - t[k]) ** 2, 0);
    expect(wasserstein2Gaussian(p, q)).toAgree(Math.sqrt(square), { rtol: 1e-13 });
    const dirac = { mean: new Float64Array(5), covariance: new Float64Array(25) };
    expect(wasserstein2Gaussian(p, dirac)).toAgree(Math.sqrt(s.reduce((sum, x) => sum + x * x, 0)), { rtol: 1e-14 });
  });

  it("agrees with exact W₂ of linear images in 3-D: x ↦ Tx, T symmetric positive definite, is optimal", () => {
    const n = 60;
    const x = generator(3).normal(3 * n);
    const T = [2, 0.4, 0, 0.4, 1, 0.2, 0, 0.2, 0.5];
    const y = new Float64Array(3 * n);
    for (let i = 0; i < n; i++)
      for (let r = 0; r < 3; r++) for (let k = 0; k < 3; k++) y[3 * i + r] += T[3 * r + k] * x[3 * i + k];
    const [p, q] = [cloud(x, 3), cloud(y, 3)];
    // With the clouds' own moments the Gaussian bound is attained.
    expect(wasserstein2(p, q)).toAgree(wasserstein2Gaussian(moments(p), moments(q)), { rtol: 1e-9 });
  });

  it("KL: the line, a full 2 × 2 case, and +∞ for a singular first law", () => {
    const [p, q] = [gaussian({ mean: [1], sd: 2 }), gaussian({ mean: [0], sd: 0.5 })];
    expect(relativeEntropyGaussian(p, q)).toAgree(0.5 * (16 + 4 - 1 - Math.log(16)), { rtol: 1e-14 });
    // B⁻¹ = [[.5, .3], [.3, 1]]/.41
    const trace = (2 * 0.5 + 2 * 0.5 * 0.3 + 1) / 0.41;
    const square = (9 * 0.5 + 2 * -3 * 2 * 0.3 + 4) / 0.41;
    expect(relativeEntropyGaussian(a, b)).toAgree(0.5 * (trace + square - 2 + Math.log(0.41 / 1.75)), { rtol: 1e-13 });
    expect(relativeEntropyGaussian(a, a)).toAgree(0, { atol: 1e-15 });
    const point = { mean: new Float64Array(1), covariance: new Float64Array(1) };
    expect(relativeEntropyGaussian(point, p)).toBe(Infinity);
  });

  it("samples approach the closed form within the sampling floor", () => {
    const g = generator(21);
    const n = 400;
    const floor = samplingFloor(a, n, 5, g);
    const measured = wasserstein2(a.sample(n, g), b.sample(n, g));
    const exact = wasserstein2Gaussian(a, b);
    // |W₂(aₙ, bₙ) − W₂(a, b)| ≤ W₂(aₙ, a) + W₂(bₙ, b), each below the two-sample floor
    expect(Math.abs(measured - exact)).toBeLessThan(2 * floor.mean);
  });
});

describe("Sinkhorn", () => {
  it("gives the entropic cost of Gaussians on the line (discretised, 200 nodes)", async () => {
    const on = (m: number, s: number) => {
      const n = 200;
      const x = Float64Array.from({ length: n }, (_, i) => m + s * (-6.5 + (13 * (i + 0.5)) / n));
      const w = x.map((t) => Math.exp(-0.5 * ((t - m) / s) ** 2));
      const total = w.reduce((sum, t) => sum + t, 0);
      return cloud(
        x,
        1,
        w.map((t) => t / total),
      );
    };
    for (const epsilon of [0.3, 2]) {
      const result = await entropicTransport(on(0, 1), on(1.5, 0.6), { epsilon });
      expect(result.converged).toBe(true);
      expect(result.marginalError).toBeLessThan(1e-9);
      expect(result.value).toAgree(entropicCostGaussian(1.5, 1, 0.6, epsilon), { rtol: 1e-8 });
    }
    // debiased: entropies of the marginals cancel
    const epsilon = 0.5;
    const debiased =
      entropicCostGaussian(1.5, 1, 0.6, epsilon) -
      0.5 * (entropicCostGaussian(0, 1, 1, epsilon) + entropicCostGaussian(0, 0.6, 0.6, epsilon));
    const s = await sinkhornDivergence(on(0, 1), on(1.5, 0.6), { epsilon });
    expect(s.divergence).toAgree(debiased, { rtol: 1e-7 });
    expect(s.distance).toBe(Math.sqrt(s.divergence));
  });

  it("the entropic cost tends to W₂² as ε → 0", async () => {
    expect(entropicCostGaussian(1.5, 1, 0.6, 1e-9)).toAgree(1.5 ** 2 + 0.4 ** 2, { rtol: 1e-7 });
  });

  it("solves two atoms against two atoms: the 2 × 2 plan in closed form", async () => {
    // a = (p, 1 − p), b = (½, ½), costs 0 and 1: the plan (x, p − x; ½ − x, ½ − p + x) with x(½ − p + x) = e^{2/ε}(p − x)(½ − x).
    const p = 0.3;
    const epsilon = 0.4;
    const k = Math.exp(2 / epsilon);
    const A = k - 1;
    const B = -(k * (p + 0.5) + 0.5 - p);
    const x = (-B - Math.sqrt(B * B - 4 * A * k * p * 0.5)) / (2 * A);
    const plan = [x, p - x, 0.5 - x, 0.5 - p + x];
    const reference = [0.5 * p, 0.5 * p, 0.5 * (1 - p), 0.5 * (1 - p)];
    const value = plan[1] + plan[2] + epsilon * plan.reduce((sum, m, i) => sum + m * Math.log(m / reference[i]), 0);
    const result = await entropicTransport(cloud([0, 1], 1, [p, 1 - p]), cloud([0, 1], 1), {
      cost: "euclidean",
      epsilon,
      tolerance: 1e-13,
    });
    expect(result.converged).toBe(true);
    expect(result.value).toAgree(value, { rtol: 1e-12 });
  });

  it("is 0 for equal clouds, symmetric, exact for translations, close to W₁ and W₂ for small ε", async () => {
    const g = generator(14);
    const a = twoMoons().sample(40, g);
    const b = eightGaussians().sample(40, g);
    const same = await sinkhornDivergence(a, a, { epsilon: 1 });
    expect(same.divergence).toAgree(0, { atol: 1e-7 });
    const ab = await sinkhornDivergence(a, b, { epsilon: 1 });
    expect(ab.converged).toBe(true);
    expect((await sinkhornDivergence(b, a, { epsilon: 1 })).divergence).toAgree(ab.divergence, { rtol: 1e-6 });
    const shifted = cloud(
      a.points.map((x, k) => x + (k % 2 === 0 ? 3 : 4)),
      2,
    );
    expect((await sinkhornDivergence(a, shifted, { epsilon: 1 })).distance).toAgree(5, { rtol: 1e-7 });
    // The bias falls with ε: measured 0.2 % for W₂ and 3 % for W₁ at the smaller ε.
    const error = async (cost: "squared" | "euclidean", epsilon: number, exact: number): Promise<number> => {
      const s = await sinkhornDivergence(a, b, { epsilon, cost });
      expect(s.converged).toBe(true);
      return Math.abs(s.distance - exact);
    };
    const two = wasserstein2(a, b);
    const fine2 = await error("squared", 0.2, two);
    expect(fine2).toBeLessThan(0.5 * (await error("squared", 2, two)));
    expect(fine2).toBeLessThan(0.005 * two);
    const first = wasserstein1(a, b);
    const fine1 = await error("euclidean", 0.06, first);
    expect(fine1).toBeLessThan(0.5 * (await error("euclidean", 0.4, first)));
    expect(fine1).toBeLessThan(0.04 * first);
    const one = await sinkhornDivergence(a, b, { epsilon: 0.4, cost: "euclidean" });
    expect(one.distance).toBe(one.divergence);
  });

  it("says when it has not converged", async () => {
    const g = generator(15);
    const result = await sinkhornDivergence(twoMoons().sample(30, g), eightGaussians().sample(30, g), {
      epsilon: 0.01,
      maxIterations: 3,
    });
    expect(result.converged).toBe(false);
    expect(result.marginalError).toBeGreaterThan(1e-9);
  });

  it("never counts a point of weight 0", async () => {
    const b = cloud([1, 2], 1);
    const with0 = await sinkhornDivergence(cloud([0, 99, 1], 1, [0.5, 0, 0.5]), b, { epsilon: 0.5 });
    const without = await sinkhornDivergence(cloud([0, 1], 1), b, { epsilon: 0.5 });
    expect(with0.divergence).toAgree(without.divergence, { rtol: 1e-8 });
    expect((await sinkhornDivergence(b, cloud([0, 99, 1], 1, [0.5, 0, 0.5]), { epsilon: 0.5 })).divergence).toAgree(
      without.divergence,
      { rtol: 1e-8 },
    );
  });
});

describe("maximum mean discrepancy", () => {
  it("equals the double sums written out, both kernels, V and U, weights", () => {
    const a = cloud([0, 1, 3], 1, [0.2, 0.3, 0.5]);
    const b = cloud([2, -1], 1);
    const wa = [0.2, 0.3, 0.5];
    const wb = [0.5, 0.5];
    for (const kernel of [{ kind: "gaussian", bandwidth: 1.3 }, { kind: "energy" }] as const) {
      const k = (x: number, y: number) =>
        kernel.kind === "energy" ? -Math.abs(x - y) : Math.exp(-((x - y) ** 2) / (2 * 1.3 ** 2));
      const sum = (p: number[], wp: number[], q: number[], wq: number[], skip: boolean) =>
        p.reduce((s, x, i) => s + q.reduce((t, y, j) => t + (skip && i === j ? 0 : wp[i] * wq[j] * k(x, y)), 0), 0);
      const [x, y] = [
        [0, 1, 3],
        [2, -1],
      ];
      const cross = 2 * sum(x, wa, y, wb, false);
      const V = sum(x, wa, x, wa, false) + sum(y, wb, y, wb, false) - cross;
      const U = sum(x, wa, x, wa, true) / (1 - 0.04 - 0.09 - 0.25) + sum(y, wb, y, wb, true) / 0.5 - cross;
      expect(maximumMeanDiscrepancy(a, b, { kernel }).squared).toAgree(V, { rtol: 1e-13 });
      const u = maximumMeanDiscrepancy(a, b, { kernel, statistic: "U" });
      expect(u.squared).toAgree(U, { rtol: 1e-13, atol: 1e-15 });
      expect(u.distance).toBe(Math.sign(u.squared) * Math.sqrt(Math.abs(u.squared)));
    }
  });

  it("is 0 for equal clouds, and on the line the energy kernel gives 2∫(F − G)²", () => {
    const g = generator(2);
    const a = cloud(g.normal(20), 1);
    expect(maximumMeanDiscrepancy(a, a).squared).toAgree(0, { atol: 1e-14 });
    // 2·∫ over [0, 2] of ¼ for δ₁ against ½δ₀ + ½δ₂
    expect(maximumMeanDiscrepancy(cloud([1], 1), cloud([0, 2], 1)).squared).toAgree(1, { rtol: 1e-15 });
  });

  it("has a U-statistic with mean 0 for equal laws (four standard errors) and the closed form for Gaussians", () => {
    const g = generator(55);
    const law = gaussian({ mean: [0, 0] });
    const kernel = { kind: "gaussian", bandwidth: 1 } as const;
    const values = Array.from(
      { length: 100 },
      () => maximumMeanDiscrepancy(law.sample(40, g), law.sample(40, g), { kernel, statistic: "U" }).squared,
    );
    const mean = values.reduce((s, x) => s + x, 0) / 100;
    const se = Math.sqrt(values.reduce((s, x) => s + (x - mean) ** 2, 0) / 99 / 100);
    expect(Math.abs(mean)).toBeLessThan(4 * se);
    // N(0,1) and N(1,1), h = 1: E k = (1/√3) e^{−m²/6}
    const exact = (2 / Math.sqrt(3)) * (1 - Math.exp(-1 / 6));
    const shifted = Array.from(
      { length: 60 },
      () =>
        maximumMeanDiscrepancy(
          cloud(g.normal(100), 1),
          cloud(
            g.normal(100).map((x) => x + 1),
            1,
          ),
          {
            kernel,
            statistic: "U",
          },
        ).squared,
    );
    const average = shifted.reduce((s, x) => s + x, 0) / 60;
    const error = Math.sqrt(shifted.reduce((s, x) => s + (x - average) ** 2, 0) / 59 / 60);
    expect(Math.abs(average - exact)).toBeLessThan(4 * error);
  });
});

describe("densities on grids", () => {
  const normal = (m: number, s: number) => (x: number) =>
    Math.exp(-0.5 * ((x - m) / s) ** 2) / (s * Math.sqrt(2 * Math.PI));

  it("KL on a grid is the closed form of Gaussians, ≥ 0, and ∞ without support", () => {
    const p = densityOn("no-flux", 400, -12, 12, normal(0, 1));
    const q = densityOn("no-flux", 400, -12, 12, normal(1, 1.5));
    expect(relativeEntropy(p, q)).toAgree(
      relativeEntropyGaussian(gaussian({ mean: [0] }), gaussian({ mean: [1], sd: 1.5 })),
      { rtol: 1e-10 },
    );
    expect(relativeEntropy(p, p)).toBe(0);
    const half = densityOn("no-flux", 400, -12, 12, (x) => (x > 0 ? 2 * normal(0, 1)(x) : 0));
    expect(relativeEntropy(p, half)).toBe(Infinity);
    expect(relativeEntropy(half, p)).toAgree(Math.LN2, { rtol: 1e-10 });
  });

  it("W₁ on a grid: a translation, agreement with the clouds of the nodes, and the short way round a circle", () => {
    for (const boundary of ["no-flux", "dirichlet"] as const) {
      const a = densityOn(boundary, 300, -10, 14, normal(0, 1));
      const b = densityOn(boundary, 300, -10, 14, normal(2.5, 1));
      expect(wasserstein1OnGrid(a, b)).toAgree(2.5, { rtol: 1e-10 });
      expect(wasserstein1OnGrid(a, b)).toAgree(
        wasserstein1(cloudOf(a, { normalise: true }), cloudOf(b, { normalise: true })),
        { rtol: 1e-9 },
      );
    }
    const bump = (at: number) => densityOn("periodic", 100, 0, 1, (x) => (Math.abs(x - at) < 0.005 ? 100 : 0));
    expect(wasserstein1OnGrid(bump(0.055), bump(0.945))).toAgree(0.11, { rtol: 1e-12 });
    expect(wasserstein1OnGrid(bump(0.255), bump(0.645))).toAgree(0.39, { rtol: 1e-12 });
  });

  it("W₁ on the circle is the least over all places to cut it", () => {
    const n = 12;
    const u = generator(8).uniform(2 * n);
    const make = (k: number) => {
      const part = u.subarray(k * n, (k + 1) * n);
      const total = part.reduce((s, x) => s + x, 0);
      return densityOn("periodic", n, 0, 3, (x) => (part[Math.floor(x * 4)] / total) * 4);
    };
    const [a, b] = [make(0), make(1)];
    let best = Infinity;
    for (let cut = 0; cut < n; cut++) {
      let flow = 0;
      let sum = 0;
      for (let i = 0; i < n; i++) {
        flow += (a.values[(cut + i) % n] - b.values[(cut + i) % n]) / 4;
        sum += Math.abs(flow) / 4;
      }
      best = Math.min(best, sum);
    }
    expect(wasserstein1OnGrid(a, b)).toAgree(best, { rtol: 1e-12 });
  });

  it("moments of a density are those of the law, mass included", () => {
    const p = densityOn("no-flux", 400, -12, 12, (x) => 0.5 * normal(1, 1.5)(x));
    const { mass, mean, covariance } = moments(p);
    expect([mass, mean[0], covariance[0]]).toAgree([0.5, 1, 2.25], { rtol: 1e-9 });
    const c = moments(cloud([0, 0, 2, 4], 2, [0.75, 0.25]));
    expect([...c.mean, ...c.covariance]).toAgree([0.5, 1, 0.75, 1.5, 1.5, 3], { rtol: 1e-15 });
  });

  it("becomes a cloud without changing its moments, and leaves out empty nodes", () => {
    const p = densityOn("no-flux", 200, -8, 8, (x) => (Math.abs(x) < 1 ? 0.5 : 0));
    const c = cloudOf(p, { normalise: true });
    expect(c.count).toBeLessThan(30);
    expect(moments(c).covariance).toAgree(moments(p).covariance, { rtol: 1e-12 });
  });

  it("systematic draws give every run of cells its mass to within two draws", () => {
    const g = grid([axis({ lower: 0, upper: 1, points: 50, boundary: "no-flux" })]);
    const values = Float64Array.from({ length: 50 }, (_, k) => (k % 7 === 3 ? 0 : 1 + Math.sin(k)));
    const total = values.reduce((a, b) => a + b, 0);
    const n = 137;
    const { points } = sampleDensity({ kind: "density", grid: g, values }, n, generator(9), "systematic");
    for (const [from, to] of [
      [0, 10],
      [7, 31],
      [30, 50],
    ]) {
      const inside = points.filter((x) => x >= from / 50 && x < to / 50).length;
      const wanted = (n * values.subarray(from, to).reduce((a, b) => a + b, 0)) / total;
      expect(Math.abs(inside - wanted)).toBeLessThanOrEqual(2);
    }
    expect(points.every((x) => values[Math.floor(50 * x)] > 0)).toBe(true);
  });

  it("… in the plane every quarter and every quarter of one", () => {
    const side = 16;
    const g = grid([0, 1].map(() => axis({ lower: 0, upper: 1, points: side, boundary: "no-flux" })));
    const values = Float64Array.from({ length: side * side }, (_, k) => 1 + Math.sin(k) ** 2);
    const total = values.reduce((a, b) => a + b, 0);
    const n = 200;
    const { points } = sampleDensity({ kind: "density", grid: g, values }, n, generator(3), "systematic");
    for (const parts of [2, 4]) {
      const mass = new Float64Array(parts * parts);
      const found = new Float64Array(parts * parts);
      const at = (x: number, y: number) => Math.floor(x * parts) * parts + Math.floor(y * parts);
      values.forEach((v, k) => {
        mass[at((Math.floor(k / side) + 0.5) / side, ((k % side) + 0.5) / side)] += (n * v) / total;
      });
      for (let i = 0; i < n; i++) found[at(points[2 * i], points[2 * i + 1])]++;
      for (const [k, m] of mass.entries()) expect(Math.abs(found[k] - m)).toBeLessThanOrEqual(2);
    }
  });

  it("draws samples with the density: 2-D, χ² over the cells, inside the box, never from an empty cell", () => {
    const g = grid([
      axis({ lower: 0, upper: 1, points: 4, boundary: "periodic" }),
      axis({ lower: -1, upper: 3, points: 4, boundary: "no-flux" }),
    ]);
    const values = Float64Array.of(1, 2, 0, 3, 1, 1, 0, 5, 2, 4, 0, 1, 2, 2, 3, 3);
    const n = 40_000;
    const { points } = sampleDensity({ kind: "density", grid: g, values }, n, generator(44));
    const counts = new Float64Array(16);
    const inCell = new Float64Array(2);
    for (let i = 0; i < n; i++) {
      const a = points[2 * i] * 4;
      const b = points[2 * i + 1] + 1;
      counts[Math.floor(a) * 4 + Math.floor(b)]++;
      inCell[0] += (a - Math.floor(a)) / n;
      inCell[1] += (b - Math.floor(b)) / n;
    }
    expect([counts[2], counts[6], counts[10]]).toEqual([0, 0, 0]);
    let chi2 = 0;
    for (let k = 0; k < 16; k++)
      if (values[k] > 0) chi2 += (counts[k] - (n * values[k]) / 30) ** 2 / ((n * values[k]) / 30);
    expect(chi2).toBeLessThan(12 + 4 * Math.sqrt(24)); // 12 degrees of freedom, s.e. √24
    expect([...inCell]).toAgree([0.5, 0.5], { atol: 4 / Math.sqrt(12 * n), rtol: 0 });
  });
});

describe("sampling floor", () => {
  it("is the mean of independent distances with its standard error: the line, in closed form", () => {
    // n = 1: W₂ = |X − Y|, X − Y ~ N(0, 2s²): mean 2s/√π
    const floor = samplingFloor(gaussian({ mean: [3], sd: 2 }), 1, 4000, generator(7));
    expect(Math.abs(floor.mean - 4 / Math.sqrt(Math.PI))).toBeLessThan(4 * floor.standardError);
    expect(floor.standardError).toAgree(Math.sqrt((8 - 16 / Math.PI) / 4000), { rtol: 0.05 });
    expect(floor.values.length).toBe(4000);
  });

  it("draws disjoint halves from a cloud", () => {
    const data = cloud([1, 2, 3, 4], 1);
    const floor = samplingFloor(data, 2, 50, generator(3));
    // {1,2}|{3,4}: 2; {1,3}|{2,4}: 1; {1,4}|{2,3}: 1
    for (const value of floor.values) expect([1, 2]).toContain(value);
    expect(Math.min(...floor.values)).toBeGreaterThan(0);
    expect(samplingFloor(empirical(data), 2, 5, generator(3)).values.length).toBe(5);
  });

  it("falls with n", () => {
    const g = generator(19);
    const law = twoMoons();
    const few = samplingFloor(law, 40, 4, g);
    const many = samplingFloor(law, 320, 4, g);
    expect(many.mean + 4 * many.standardError).toBeLessThan(few.mean);
  });
});

describe("bad input", () => {
  const line = cloud([0, 1], 1);
  const plane = cloud([0, 0, 1, 1], 2);
  const g = generator(1);

  it("is refused by the distances of clouds", async () => {
    expect(() => wasserstein1(line, plane)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: wasserstein1: b must have the dimension 1 of a; got 2. Give both clouds in the same space.]`,
    );
    expect(() => wasserstein2(plane, cloud([0, 0], 2))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: wasserstein2: b must have 2 points, as a, in dimension ≥ 2; got 1. Draw as many points as the other cloud has (the law's sample(), or a random subset), or use sinkhornDivergence() or semiRelaxedTransport() with plainTransport().]`,
    );
    expect(() => wasserstein2(plane, cloud([0, 0, 1, 1], 2, [0.4, 0.6]))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: wasserstein2: weights must be uniform in dimension ≥ 2; got "weighted points". Draw as many points as the other cloud has (the law's sample(), or a random subset), or use sinkhornDivergence() or semiRelaxedTransport() with plainTransport().]`,
    );
    await expect(sinkhornDivergence(line, plane)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: sinkhorn: b must have the dimension 1 of a; got 2. Give both clouds in the same space.]`,
    );
    await expect(
      sinkhornDivergence(line, line, { cost: "l1" as "squared" }),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: sinkhorn: cost must be "squared" or "euclidean"; got "l1". Use cost: "squared" for W₂.]`,
    );
    await expect(sinkhornDivergence(line, line, { epsilon: 0 })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: sinkhorn: epsilon must be finite and > 0; got 0. Leave it out for 1/100 of the mean cost.]`,
    );
    await expect(sinkhornDivergence(line, line, { tolerance: 0 })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: sinkhorn: tolerance must be > 0; got 0. Use tolerance: 1e-9.]`,
    );
    await expect(sinkhornDivergence(line, line, { maxIterations: 0 })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: sinkhorn: maxIterations must be an integer ≥ 1; got 0. Use maxIterations: 200.]`,
    );
    expect(() => maximumMeanDiscrepancy(line, plane)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: maximumMeanDiscrepancy: b must have the dimension 1 of a; got 2. Give both clouds in the same space.]`,
    );
    expect(() =>
      maximumMeanDiscrepancy(line, line, { kernel: { kind: "gaussian", bandwidth: 0 } }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: maximumMeanDiscrepancy: kernel must be { kind: "energy" } or { kind: "gaussian", bandwidth > 0 }; got {"kind":"gaussian","bandwidth":0}. Use the median distance of the points as bandwidth.]`,
    );
    expect(() => maximumMeanDiscrepancy(line, cloud([0], 1), { statistic: "U" })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: maximumMeanDiscrepancy: statistic must be "V", or "U" with at least two points of positive weight in each cloud; got "U". Use statistic: "V".]`,
    );
    expect(() => samplingFloor(line, 0, 5, g)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: samplingFloor: n must be an integer ≥ 1; got 0. Use the number of points you compare.]`,
    );
    expect(() => samplingFloor(line, 1, 1, g)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: samplingFloor: repeats must be an integer ≥ 2; got 1. Use repeats: 10.]`,
    );
    expect(() => samplingFloor(line, 2, 5, g)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: samplingFloor: n must be at most 1, half the cloud's points; got 2. Lower n, or give the law itself.]`,
    );
    expect(() => samplingFloor(cloud([0, 1], 1, [0.1, 0.9]), 1, 5, g)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: samplingFloor: law must have uniform weights; got "weighted points". Give empirical(cloud) to draw by weight.]`,
    );
  });

  it("is refused by the Gaussian forms", () => {
    const a = gaussian({ mean: [0] });
    expect(() => wasserstein2Gaussian(a, gaussian({ mean: [0, 0] }))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: wasserstein2Gaussian: b must have the dimension 1 of a; got 2. Give both laws in the same space.]`,
    );
    expect(() => wasserstein2Gaussian(a, { mean: null, covariance: null })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: wasserstein2Gaussian: b must have a known mean and covariance; got null. Draw a cloud and give its moments().]`,
    );
    expect(() =>
      relativeEntropyGaussian(a, { mean: new Float64Array(1), covariance: new Float64Array(1) }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: relativeEntropyGaussian: b must have a positive definite covariance; got 0. Swap the two laws.]`,
    );
    expect(() => entropicCostGaussian(0, 1, 1, 0)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: entropicCostGaussian: epsilon must be > 0; got 0. Use wasserstein2Gaussian() for ε = 0.]`,
    );
  });

  it("is refused by the densities", () => {
    const flat = (n: number, height: number) => densityOn("no-flux", n, 0, 1, () => height);
    expect(() => wasserstein1OnGrid(flat(4, 1), flat(5, 1))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: wasserstein1OnGrid: b must lie on the grid of a; got [0,1,5,"no-flux"]. Interpolate one density to the grid of the other.]`,
    );
    expect(() => wasserstein1OnGrid(flat(4, 1), flat(4, 2))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: wasserstein1OnGrid: b must have the mass of a; got 1. Give densities of equal mass.]`,
    );
    const square = grid([0, 1].map(() => axis({ lower: 0, upper: 1, points: 4, boundary: "no-flux" })));
    const planar: Density = { kind: "density", grid: square, values: new Float64Array(16).fill(1) };
    expect(() => wasserstein1OnGrid(planar, planar)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: wasserstein1OnGrid: grid must have one axis; got 2. Use sampleDensity() and wasserstein1() in more dimensions.]`,
    );
    expect(() => relativeEntropy(flat(4, 1), flat(5, 1))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: relativeEntropy: q must lie on the grid of p; got [5]. Interpolate one density to the grid of the other.]`,
    );
    expect(() => relativeEntropy(flat(4, -1), flat(4, 1))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: relativeEntropy: values[0] must be non-negative; got -1. Repair the density first: nothing is clipped here.]`,
    );
    expect(() => cloudOf(flat(4, 2))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: cloudOf: mass must be 1; got 2. Pass { normalise: true } to divide by the mass.]`,
    );
    expect(() => cloudOf(flat(4, -1))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: cloudOf: values[0] must be non-negative; got -1. Repair the density first: nothing is clipped here.]`,
    );
    expect(() => sampleDensity(flat(4, 0), 3, g)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: sampleDensity: mass must be finite and > 0; got 0. Give a density with positive values.]`,
    );
    expect(() => moments(flat(4, 0))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: moments: mass must be > 0; got 0. Give a density with positive values.]`,
    );
  });
});

it("refuses the U-statistic of a cloud whose weight sits on one point", () => {
  const atom = cloud([0, 1], 1, [1, 0]);
  expect(() => maximumMeanDiscrepancy(atom, cloud([0, 1], 1), { statistic: "U" })).toThrow(
    "at least two points of positive weight",
  );
});
