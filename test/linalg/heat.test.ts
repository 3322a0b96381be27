// The heat semigroup in the log-domain: waves, brute-force sums, mass, semigroup, and dynamic ranges beyond float64.
import { test as property } from "@fast-check/vitest";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { axis, grid, nodesOf } from "../../src/grid/index.js";
import { heatSemigroup, resolvesHeat } from "../../src/linalg/heat.js";
import { generator } from "../../src/random/index.js";

const runs = Number(process.env.LAWS === "thorough" ? 500 : 25);
const line = (points: number, boundary: "periodic" | "no-flux", length = 1) =>
  axis({ lower: 0, upper: length, points, boundary });

describe("waves decay as they should", () => {
  test.each(["periodic", "no-flux"] as const)("in 1-D to 3-D, %s", (boundary) => {
    for (const d of [1, 2, 3]) {
      const g = grid(Array.from({ length: d }, (_, a) => line(12 + 4 * a, boundary)));
      const points = nodesOf(g);
      const wave = boundary === "periodic" ? 2 * Math.PI : Math.PI;
      const s = 0.02;
      const field = (decay: number) =>
        Float64Array.from({ length: g.size }, (_, k) => {
          let product = 1;
          for (let a = 0; a < d; a++) product *= Math.cos(wave * points[k * d + a]);
          return 1 + 0.5 * decay * product;
        });
      const gauss = new Float64Array(g.size);
      heatSemigroup(g, s, "gauss").apply(field(1).map(Math.log), gauss);
      expect(gauss.map(Math.exp)).toAgree(field(Math.exp(-d * s * wave ** 2)), { atol: 1e-13 });
      const walk = new Float64Array(g.size);
      heatSemigroup(g, s, "walk").apply(field(1).map(Math.log), walk);
      const lambda = g.axes.reduce((sum, ax) => sum + ((2 / ax.spacing) * Math.sin((wave * ax.spacing) / 2)) ** 2, 0);
      expect(walk.map(Math.exp)).toAgree(field(Math.exp(-s * lambda)), { atol: 1e-13 });
    }
  });

  test("long lines by transforms agree with sums", () => {
    for (const boundary of ["periodic", "no-flux"] as const)
      for (const kernel of ["gauss", "walk"] as const) {
        const n = 300;
        const g = grid([line(n, boundary)]);
        const w = generator(3)
          .uniform(n)
          .map((v) => 8 * v);
        const steep = w.map((v, i) => (i === 0 ? v - 10 : v));
        const s = kernel === "gauss" ? 4e-5 : 3e-6;
        const heat = heatSemigroup(g, s, kernel);
        const fast = new Float64Array(n);
        heat.apply(w, fast);
        // The same line with one entry far below is summed; by linearity the two differ by that entry's share.
        const slow = new Float64Array(n);
        heat.apply(steep, slow);
        const unit = new Float64Array(n).fill(-Infinity);
        unit[0] = 0;
        const share = new Float64Array(n);
        heat.apply(unit, share);
        const missing = Math.exp(w[0]) - Math.exp(w[0] - 10);
        const whole = slow.map((v, i) => Math.exp(v) + missing * Math.exp(share[i]));
        // The Gaussian sampled at s = 3.6 h² and its exact symbol agree to round-off.
        expect(fast.map(Math.exp)).toAgree(whole, { rtol: 1e-9 });
      }
  });
});

property.prop(
  [
    fc.constantFrom("periodic" as const, "no-flux" as const),
    fc.constantFrom("gauss" as const, "walk" as const),
    fc.double({ min: -4, max: 4, noNaN: true }),
    fc.integer({ min: 0, max: 1e6 }),
  ],
  { numRuns: runs },
)("mass, positivity, semigroup, symmetry", (boundary, kernel, power, seed) => {
  const n = 16;
  const g = grid([line(n, boundary)]);
  const h2 = 1 / n ** 2;
  const s = kernel === "gauss" ? Math.max(h2, h2 * 10 ** power) : h2 * 10 ** power;
  const w = generator(seed)
    .uniform(n)
    .map((v) => 60 * v - 30);
  const once = new Float64Array(n);
  const heat = heatSemigroup(g, s, kernel);
  heat.apply(w, once);
  const total = (v: Float64Array) => v.reduce((sum, x) => sum + Math.exp(x), 0);
  expect(total(once)).toAgree(total(w), { rtol: 1e-12 });
  const twice = new Float64Array(n);
  heat.apply(once, twice);
  const double = new Float64Array(n);
  heatSemigroup(g, 2 * s, kernel).apply(w, double);
  expect(twice).toAgree(double, { atol: 1e-8 });
  const v = generator(seed + 1).uniform(n);
  const other = new Float64Array(n);
  heat.apply(v, other);
  const pair = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, i) => sum + Math.exp(x + b[i]), 0);
  expect(pair(once, v)).toAgree(pair(w, other), { rtol: 1e-11 });
});

test("any dynamic range: a peak spreads far below the smallest number", () => {
  const n = 64;
  const g = grid([line(n, "no-flux", 8)]);
  const h = 8 / n;
  const s = h * h;
  const w = new Float64Array(n).fill(-Infinity);
  w[0] = 5000;
  const out = new Float64Array(n);
  heatSemigroup(g, s, "gauss").apply(w, out);
  // Two images of one peak: log k(i) + log(1 + e^{−(2i+1)h²/4s}).
  const expected = Float64Array.from({ length: n }, (_, i) => {
    const front = Math.log(h) - 0.5 * Math.log(4 * Math.PI * s);
    return 5000 + front - (i * h) ** 2 / (4 * s) + Math.log1p(Math.exp((-(2 * i + 1) * h * h) / (4 * s)));
  });
  expect(out).toAgree(expected, { atol: 1e-9 });
  expect(out[0] - out[n - 1]).toBeGreaterThan(980);
  const walk = new Float64Array(n);
  heatSemigroup(g, 1e-6 * s, "walk").apply(w, walk);
  // m hops of a slow walk, each of probability s/h² = 1e-6: z^m/(2^m m!).
  let hops = 5000 - 2e-6;
  for (let m = 1; m < 6; m++) {
    hops += Math.log(1e-6 / m);
    expect(walk[m]).toAgree(hops, { atol: 2e-6 });
  }
  expect(walk.every(Number.isFinite)).toBe(true);
  heatSemigroup(g, s).apply(new Float64Array(n).fill(-Infinity), out);
  expect(out.every((v) => v === -Infinity)).toBe(true);
});

test("the kernel that fits the step is chosen, and bad input refused", () => {
  const g = grid([line(16, "periodic")]);
  expect(heatSemigroup(g, 1).kernel).toBe("gauss");
  expect(heatSemigroup(g, 1e-3).kernel).toBe("walk");
  expect(resolvesHeat(g, 1 / 256)).toBe(true);
  expect(() => heatSemigroup(g, 0)).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: heatSemigroup: time must be a finite number > 0; got 0. Give ν times a duration.]`,
  );
  expect(() => heatSemigroup(g, 1e-3, "gauss")).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: heatSemigroup: time must be ≥ h² = 0.00391 for the Gaussian kernel; got 0.001. Use kernel: "walk", more points, or a longer step.]`,
  );
  const box = grid([axis({ lower: 0, upper: 1, points: 8, boundary: "dirichlet" })]);
  expect(() => heatSemigroup(box, 1)).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: heatSemigroup: grid must have periodic or no-flux axes; got "dirichlet". Use helmholtz() for dirichlet axes.]`,
  );
  expect(() => heatSemigroup(grid([line(4096, "periodic")]), 1)).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: heatSemigroup: points must be ≤ 2048 an axis; got 4096. Use fewer points.]`,
  );
  expect(() => heatSemigroup(g, 1).apply(new Float64Array(4), new Float64Array(16))).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: heatSemigroup: w must have length 16, one value for each node; got 4. Give a row-major field on this grid.]`,
  );
});
