// Oracles: the closed forms of the rectified flow N(0,1) → N(m,s²), and paths whose integrals are elementary.
import { describe, expect, it } from "vitest";
import { endpoints, eulerPaths, meanDistance, rootMeanSquare, straightness } from "../../src/verify/index.js";

/** Gauss–Hermite-like deterministic normal sample: quantiles at (i + ½)/n, symmetric, variance → 1. */
function normalQuantiles(n: number): Float64Array {
  const cdf = (x: number) => {
    // Φ by Simpson's rule on [0, x]; independent of the package
    const m = 200;
    let sum = 0;
    for (let i = 0; i <= m; i++) {
      const t = (x * i) / m;
      sum += (i === 0 || i === m ? 1 : i % 2 ? 4 : 2) * Math.exp((-t * t) / 2);
    }
    return 0.5 + (sum * x) / m / 3 / Math.sqrt(2 * Math.PI);
  };
  return Float64Array.from({ length: n }, (_, i) => {
    const p = (i + 0.5) / n;
    let lower = -8;
    let upper = 8;
    for (let k = 0; k < 60; k++) {
      const middle = (lower + upper) / 2;
      if (cdf(middle) < p) lower = middle;
      else upper = middle;
    }
    return (lower + upper) / 2;
  });
}

// Rectified flow with independent coupling: x(t) = m t + q(t) x₀, q² = (1−t)² + s²t², v = m + (q'/q)(x − m t).
const rectified = (m: number, s: number) => (t: number, x: Float64Array) => {
  const q2 = (1 - t) ** 2 + s * s * t * t;
  const rate = (-(1 - t) + s * s * t) / q2;
  return x.map((y) => m + rate * (y - m * t));
};

describe("straightness", () => {
  it.each([
    [0, 1],
    [2, 1],
    [1, 2],
    [-1, 0.5],
  ])("has S = s(2 − π/2) and γ₁ = ∫s⁴/q⁶ on the rectified flow, m = %d, s = %d", (m, s) => {
    const x0 = normalQuantiles(2000);
    const variance = x0.reduce((sum, x) => sum + x * x, 0) / x0.length;
    const paths = eulerPaths(rectified(m, s), x0, 1, 1, 2000);
    const got = straightness(paths);
    // for a linear flow both are quadratic in x₀ (about the mean): S counts ∫(q' − (q(1) − q(0)))² with q(1) = s, q(0) = 1
    let S = 0;
    let gamma = 0;
    const n = 20000;
    for (let i = 0; i < n; i++) {
      const t = (i + 0.5) / n;
      const q = Math.sqrt((1 - t) ** 2 + s * s * t * t);
      const dq = (-(1 - t) + s * s * t) / q;
      S += (dq - (s - 1)) ** 2 / n;
      gamma += s ** 4 / q ** 6 / n;
    }
    expect(got.straightness / variance).toAgree(S, { rtol: 5e-3 });
    expect(got.roughness / variance).toAgree(gamma, { rtol: 5e-3 });
    expect(S).toAgree(s * (2 - Math.PI / 2), { atol: 1e-6 });
    if (s === 1) {
      expect(S).toAgree(0.4292036732, { atol: 1e-6 }); // 2 − π/2
      expect(gamma).toAgree(4.3561944902, { atol: 1e-6 });
    }
  });

  it("has the Euler multipliers of the rectified flow at s = 1", () => {
    const expected = [0, 0.5, 0.72, 0.8508218, 0.9227042, 0.9606143, 0.9801143];
    const got = [1, 2, 4, 8, 16, 32, 64].map(
      (steps) => endpoints(eulerPaths(rectified(0, 1), new Float64Array([1]), 1, 1, steps))[0],
    );
    expect(got).toAgree(expected, { atol: 5e-8 });
  });

  it("is 1, 0, 0 on straight uniform paths in any dimension", () => {
    const got = straightness(eulerPaths((_, x) => x.map((_, i) => (i % 3) + 1), new Float64Array(30), 3, 2, 7));
    expect(got.chordRatio).toAgree(1, { atol: 1e-14 });
    expect(got.relativeStraightness).toBeLessThan(1e-28);
    expect(got.relativeRoughness).toBeLessThan(1e-26);
    expect(got.oneStepError).toBeLessThan(1e-14);
    expect(got.energy).toAgree(got.chordEnergy, { rtol: 1e-14 });
    expect(got.displacement).toAgree(2 * Math.sqrt(14), { rtol: 1e-14 });
  });

  it("catches acceleration along a straight line, which the chord ratio cannot see", () => {
    const got = straightness(eulerPaths((t, x) => x.map(() => 2 * t), new Float64Array([0, 1]), 1, 1, 4000));
    expect(got.chordRatio).toAgree(1, { atol: 1e-12 });
    expect(got.oneStepError).toAgree(1, { atol: 1e-3 });
    expect(got.oneStepRootMeanSquare).toAgree(1, { atol: 1e-3 });
    expect(got.relativeStraightness).toAgree(1 / 3, { rtol: 2e-3 });
  });

  it("catches small fast wiggles by γ₁ = 2·10⁴π⁴ while S → 0", () => {
    for (const N of [10, 20]) {
      const wiggle = (t: number) => new Float64Array([1, (100 * Math.PI * Math.cos(2 * Math.PI * N * t)) / N]);
      const got = straightness(eulerPaths((t) => wiggle(t), new Float64Array(2), 2, 1, 40000));
      expect(got.straightness).toAgree((100 * Math.PI) ** 2 / 2 / N ** 2, { rtol: 1e-2 });
      expect(got.roughness).toAgree(2e4 * Math.PI ** 4, { rtol: 1e-2 });
    }
  });

  it("measures root-mean-square distances per point, not per coordinate", () => {
    expect(rootMeanSquare(new Float64Array([0, 0, 0, 0]), new Float64Array([3, 4, 3, 4]), 2)).toBe(5);
    expect(meanDistance(new Float64Array([0, 0, 0, 0]), new Float64Array([3, 4, 0, 1]), 2)).toBe(3);
  });

  it("has nothing to compare with when nothing moves", () => {
    expect(straightness(eulerPaths((_, x) => x.map(() => 0), new Float64Array([1, 2]), 1, 1, 3)).chordRatio).toBeNaN();
  });
});
