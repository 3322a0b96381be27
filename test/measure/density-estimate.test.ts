// Function bases against finite differences; density estimates against the laws that the clouds were drawn from.
import { describe, expect, it } from "vitest";
import { integrate } from "../../src/grid/index.js";
import { cloud, functionBasis, gaussian, kernelDensity, scoreDensity } from "../../src/measure/index.js";
import { generator } from "../../src/random/index.js";

describe("functionBasis", () => {
  const basis = functionBasis(
    [
      { kind: "polynomial", centre: 0.3, scale: 1.7 },
      { kind: "fourier", lower: -1, upper: 2 },
      { kind: "cosine", lower: 0, upper: 2 },
    ],
    3,
  );

  it("has all products of total degree ≤ 3: gradients and Laplacians are those of the values", () => {
    // degrees (i, j, k) with i + j + k ≤ 3, functions with j ≥ 1 twice
    let size = 0;
    for (let i = 0; i <= 3; i++)
      for (let j = 0; i + j <= 3; j++) for (let k = 0; i + j + k <= 3; k++) size += j === 0 ? 1 : 2;
    expect(basis.size).toBe(size);
    const x = Float64Array.of(0.4, 0.7, 1.1, -2, -0.3, 0.2);
    const h = 1e-3;
    const { values, gradients, laplacians } = basis.evaluate(x);
    const bend = new Float64Array(values.length);
    for (let a = 0; a < 3; a++) {
      const up = basis.evaluate(x.map((v, i) => (i % 3 === a ? v + h : v)));
      const down = basis.evaluate(x.map((v, i) => (i % 3 === a ? v - h : v)));
      expect(gradients[a]).toAgree(
        up.values.map((v, i) => (v - down.values[i]) / (2 * h)),
        { rtol: 1e-4, atol: 1e-4 },
      );
      for (let i = 0; i < bend.length; i++) bend[i] += (up.gradients[a][i] - down.gradients[a][i]) / (2 * h);
    }
    expect(laplacians).toAgree(bend, { rtol: 1e-3, atol: 1e-3 });
    expect(values[0]).toBe(1);
  });

  it("polynomials are orthonormal for their Gaussian; periodic and wall functions obey their ends", () => {
    const line = functionBasis([{ kind: "polynomial", centre: 2, scale: 0.5 }], 4);
    const n = 40_000; // midpoints of equal masses up to 8 standard deviations
    const x = Float64Array.from({ length: n }, (_, i) => 2 + 0.5 * (((i + 0.5) / n) * 16 - 8));
    const { values } = line.evaluate(x);
    for (let j = 0; j <= 4; j++)
      for (let k = 0; k <= j; k++) {
        let sum = 0;
        for (let i = 0; i < n; i++) {
          const z = (x[i] - 2) / 0.5;
          sum += ((values[i * 5 + j] * values[i * 5 + k] * Math.exp(-0.5 * z * z)) / Math.sqrt(2 * Math.PI)) * (16 / n);
        }
        expect(sum).toAgree(j === k ? 1 : 0, { atol: 1e-9, rtol: 1e-9 });
      }
    const ends = basis.evaluate(Float64Array.of(0, -1, 0, 0, 2, 2));
    for (let j = 0; j < basis.size; j++) {
      expect(ends.gradients[2][j]).toAgree(0, { atol: 1e-12 });
      expect(ends.gradients[2][basis.size + j]).toAgree(0, { atol: 1e-12 });
    }
  });

  it("refuses what makes no basis", () => {
    expect(() => functionBasis([], 2)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: functionBasis: axes must hold at least one; got 0. Give one entry a coordinate.]`,
    );
    expect(() => functionBasis([{ kind: "cosine", lower: 0, upper: 1 }], -1)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: functionBasis: degree must be an integer ≥ 0; got -1. Use degree: 2 to start.]`,
    );
    expect(() => functionBasis([{ kind: "cosine", lower: 1, upper: 1 }], 1)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: functionBasis: axes[0] must have a finite length > 0; got {"kind":"cosine","lower":1,"upper":1}. Give the ends, or centre and scale.]`,
    );
    const many = Array.from({ length: 20 }, () => ({ kind: "polynomial", centre: 0, scale: 1 }) as const);
    expect(() => functionBasis(many, 4)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: functionBasis: degree must give at most 2000 functions; got 4. Use a lower degree in this dimension.]`,
    );
  });
});

describe("kernelDensity", () => {
  it("is the mirrored and wrapped sum of Gaussians (brute force), with mass 1", () => {
    const points = Float64Array.of(0.1, 0.2, 0.9, 0.95, 0.5, 0.02);
    const h = 0.08;
    const c = cloud(points, 2);
    const est = kernelDensity(c, { lower: [0, 0], upper: [1, 1], ends: ["no-flux", "periodic"], bandwidth: h });
    expect(integrate(est.density.grid, est.density.values)).toAgree(1, { rtol: 1e-12 });
    const K = (z: number) => Math.exp(-0.5 * (z / h) ** 2) / (h * Math.sqrt(2 * Math.PI));
    const brute = (x: number, y: number) => {
      let sum = 0;
      for (let i = 0; i < 3; i++) {
        const [a, b] = [points[2 * i], points[2 * i + 1]];
        let wall = 0;
        let ring = 0;
        for (let k = -2; k <= 2; k++) {
          wall += K(x - a - 2 * k) + K(x + a - 2 * k);
          ring += K(y - b - k);
        }
        sum += (wall * ring) / 3;
      }
      return sum;
    };
    const at = [0, 0.5, 0.1, 0.2, 0.93, 0.97, 0.4, 0.1];
    const exact = [0, 1, 2, 3].map((i) => brute(at[2 * i], at[2 * i + 1]));
    // deposition widens the kernel by 1/54 and linear interpolation lowers peaks by as much
    expect(est.evaluate(Float64Array.from(at))).toAgree(exact, { rtol: 0.1, atol: 0.05 * Math.max(...exact) });
  });

  it("order 4 has less bias on a smooth periodic law than order 2 (20 000 points, standard error of a mode 0.005)", () => {
    const n = 20_000;
    const u = generator(4).uniform(n);
    // stratified draws of 1 + ½ sin 2πx by bisection of its distribution function
    const x = u.map((v, i) => {
      const level = (i + v) / n;
      let [low, high] = [0, 1];
      for (let k = 0; k < 40; k++) {
        const mid = (low + high) / 2;
        if (mid + (1 - Math.cos(2 * Math.PI * mid)) / (4 * Math.PI) < level) low = mid;
        else high = mid;
      }
      return low;
    });
    const box = { lower: [0], upper: [1], ends: "periodic", bandwidth: 0.06 } as const;
    const top = Float64Array.of(0.25);
    const second = 1.5 - kernelDensity(cloud(x, 1), box).evaluate(top)[0];
    const fourth = 1.5 - kernelDensity(cloud(x, 1), { ...box, order: 4 }).evaluate(top)[0];
    expect(second).toAgree(0.5 * (1 - Math.exp(-0.5 * (2 * Math.PI * 0.06) ** 2)), { atol: 0.005, rtol: 0 });
    expect(Math.abs(fourth)).toBeLessThan(0.006);
  });

  it("refuses boxes and bandwidths that do not fit", () => {
    const c = cloud([0.5, 0.6], 1);
    const box = { lower: [0], upper: [1], ends: "periodic" } as const;
    expect(() => kernelDensity(c, { ...box, bandwidth: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: kernelDensity: bandwidth must be finite and > 0 on every axis; got 0. Give a number, or spread the points.]`,
    );
    expect(() => kernelDensity(c, { ...box, bandwidth: 1e-6 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: kernelDensity: bandwidth[0] must be at least 0.000732 on this box; got 0.000001. Use a larger bandwidth, or a smaller box.]`,
    );
    expect(() => kernelDensity(c, { ...box, lower: [0, 0] })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: kernelDensity: lower and upper must have the cloud's dimension 1; got [2,1]. Give the corners of the box.]`,
    );
    expect(() => kernelDensity(c, { ...box, order: 3 as 2 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: kernelDensity: order must be 2 or 4; got 3. Use order: 2 for a positive estimate.]`,
    );
    expect(() =>
      kernelDensity(cloud([0, 0, 0, 0], 4), { lower: [0, 0, 0, 0], upper: [1, 1, 1, 1], ends: "periodic" }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: kernelDensity: dimension must be at most 3; got 4. Use scoreDensity in higher dimension.]`,
    );
  });
});

describe("scoreDensity", () => {
  it.each([1, 2, 10])(
    "recovers a Gaussian in %i dimensions with degree 2: score exact for the sample, level to sampling error",
    (d) => {
      const law = gaussian({ mean: Array(d).fill(0.5), sd: Array.from({ length: d }, (_, a) => 1 + 0.1 * a) });
      const n = 4000;
      const c = law.sample(n, generator(7));
      const basis = functionBasis(
        Array.from({ length: d }, () => ({ kind: "polynomial", centre: 0, scale: 1 }) as const),
        2,
      );
      const found = scoreDensity(c, basis).logDensity(c.points);
      const exact = law.logDensity!(c.points);
      let mean = 0;
      let square = 0;
      for (let i = 0; i < n; i++) {
        mean += (found[i] - exact[i]) / n;
        square += (found[i] - exact[i]) ** 2 / n;
      }
      // Kullback–Leibler of the fit has expectation (parameters)/2n = (d + d(d + 1)/2)/2n, its normaliser a few 1/√n
      const parameters = d + (d * (d + 1)) / 2;
      expect(Math.abs(mean)).toBeLessThan(parameters / n + 4 * Math.sqrt(1.2 ** d / n));
      expect(Math.sqrt(square)).toBeLessThan(3 * Math.sqrt(parameters / n) + 4 * Math.sqrt(1.2 ** d / n));
    },
  );

  it("is uniform for a uniform grid of points on a circle and integrates to 1 for an uneven one", () => {
    const basis = functionBasis([{ kind: "fourier", lower: 0, upper: 2 }], 5);
    const even = cloud(
      Float64Array.from({ length: 64 }, (_, i) => i / 32),
      1,
    );
    expect(scoreDensity(even, basis).evaluate(Float64Array.of(0.1, 1.3))).toAgree([0.5, 0.5], { rtol: 1e-10 });
    const x = generator(1)
      .normal(2000)
      .map((z) => (((0.3 * z + 1) % 2) + 2) % 2);
    const est = scoreDensity(cloud(x, 1), basis);
    const nodes = Float64Array.from({ length: 256 }, (_, i) => (i + 0.5) / 128);
    const mass = est.evaluate(nodes).reduce((sum, m) => sum + m / 128, 0);
    expect(mass).toAgree(1, { atol: 0.12, rtol: 0 }); // q = ½ has E(q/m)² ≈ 4 here: standard error 0.04
  });

  it("refuses a cloud in another space, or one that does not spread", () => {
    const basis = functionBasis([{ kind: "polynomial", centre: 0, scale: 1 }], 2);
    expect(() => scoreDensity(cloud([0, 1], 2), basis)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: scoreDensity: cloud must have the basis's dimension 1; got 2. Give both in one space.]`,
    );
    expect(() => scoreDensity(cloud([1, 1, 1], 1), basis)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: scoreDensity: cloud must spread along coordinate 0; got 0. Give points that differ, or no density.]`,
    );
  });
});
