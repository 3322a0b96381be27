import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  alongAxis,
  complexAlongAxis,
  complexTransform,
  cosineTransform,
  dct2,
  dct3,
  dst1,
  fft,
  fourierTransform,
  ifft,
  irfft,
  realTransform,
  rfft,
  sineTransform,
} from "../../src/linalg/index.js";
import { length, messageOf, noise } from "./dense.js";

const numRuns = Number(process.env.LAWS === "thorough" ? 500 : 25);
// All of 1–64; products of 2, 3, 5; a prime of each kind: below and above the largest radix, with small cofactors.
const lengths = [...Array.from({ length: 64 }, (_, k) => k + 1), 75, 100, 127, 128, 210, 254, 289, 323, 360, 1009];

// Σ_j x_j e^{−2πi jk/n}, angles reduced exactly.
function slowly(re: Float64Array, im: Float64Array): { re: Float64Array; im: Float64Array } {
  const n = re.length;
  const cosine = re.map((_, k) => Math.cos((2 * Math.PI * k) / n));
  const sine = re.map((_, k) => -Math.sin((2 * Math.PI * k) / n));
  const out = { re: new Float64Array(n), im: new Float64Array(n) };
  for (let k = 0; k < n; k++)
    for (let j = 0; j < n; j++) {
      const w = (j * k) % n;
      out.re[k] += re[j] * cosine[w] - im[j] * sine[w];
      out.im[k] += re[j] * sine[w] + im[j] * cosine[w];
    }
  return out;
}
// Σ_j x_j w(j, k)
const sums = (x: Float64Array, w: (j: number, k: number) => number): Float64Array =>
  x.map((_, k) => x.reduce((sum, v, j) => sum + v * w(j, k), 0));
// cos and sin of π p/q with the integers reduced first.
const cosPi = (p: number, q: number) => Math.cos((Math.PI * (p % (2 * q))) / q);
const sinPi = (p: number, q: number) => Math.sin((Math.PI * (p % (2 * q))) / q);

describe("transforms of every length", () => {
  test("complex, against the sum", () => {
    for (const n of lengths) {
      const re = noise(n, n);
      const im = noise(n, n + 1);
      const expected = slowly(re, im);
      const atol = 4e-15 * Math.sqrt(n) * Math.max(1, length(re));
      const x = fft(re, im);
      expect(x.re).toAgree(expected.re, { rtol: 0, atol });
      expect(x.im).toAgree(expected.im, { rtol: 0, atol });
      const back = ifft(x.re, x.im);
      expect(back.re).toAgree(re, { rtol: 0, atol: 4e-15 });
      expect(back.im).toAgree(im, { rtol: 0, atol: 4e-15 });
    }
  });

  test("real, against the complex sum", () => {
    for (const n of lengths) {
      const x = noise(n, n);
      const expected = slowly(x, new Float64Array(n));
      const { re, im } = rfft(x);
      const bins = Math.floor(n / 2) + 1;
      const atol = 4e-15 * Math.sqrt(n) * Math.max(1, length(x));
      expect(re).toAgree(expected.re.slice(0, bins), { rtol: 0, atol });
      expect(im).toAgree(expected.im.slice(0, bins), { rtol: 0, atol });
      expect(irfft(re, im, n)).toAgree(x, { rtol: 0, atol: 4e-15 });
    }
  });

  test("cosine and sine, against their sums", () => {
    for (const n of lengths) {
      const x = noise(n, n);
      const atol = 1e-14 * Math.sqrt(n) * Math.max(1, length(x));
      expect(dct2(x)).toAgree(
        sums(x, (j, k) => 2 * cosPi(k * (2 * j + 1), 2 * n)),
        { rtol: 0, atol },
      );
      expect(dct3(x)).toAgree(
        sums(x, (j, k) => (j === 0 ? 1 : 2) * cosPi(j * (2 * k + 1), 2 * n)),
        { rtol: 0, atol },
      );
      expect(dst1(x)).toAgree(
        sums(x, (j, k) => 2 * sinPi((k + 1) * (j + 1), n + 1)),
        { rtol: 0, atol },
      );
      expect(dct3(dct2(x))).toAgree(
        x.map((v) => 2 * n * v),
        { rtol: 0, atol: 1e-14 * n },
      );
      for (const plan of [cosineTransform(n), sineTransform(n), fourierTransform(n)]) {
        const line = x.slice();
        plan.forward(line);
        plan.inverse(line);
        expect(line).toAgree(x, { rtol: 0, atol: 6e-15 });
      }
    }
  });

  test("half-complex order", () => {
    for (const n of [1, 2, 5, 6]) {
      const x = noise(n, 3);
      const { re, im } = rfft(x);
      const line = x.slice();
      fourierTransform(n).forward(line);
      const expected = [...re, ...[...im].slice(1, Math.floor((n - 1) / 2) + 1).reverse()];
      expect([...line]).toEqual(expected);
    }
  });

  test("Parseval and the shift theorem", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 700 }), fc.integer(), fc.nat(), (n, seed, by) => {
        const x = noise(n, seed);
        const { re, im } = fft(x);
        expect(length(re) ** 2 + length(im) ** 2).toAgree(n * length(x) ** 2, { rtol: 1e-13 });
        const s = by % n;
        const moved = fft(x.map((_, j) => x[(j + s) % n]));
        const turned = re.map((v, k) => v * cosPi(2 * ((s * k) % n), n) - im[k] * sinPi(2 * ((s * k) % n), n));
        expect(moved.re).toAgree(turned, { rtol: 0, atol: 1e-14 * n });
      }),
      { numRuns, seed: 61 },
    );
  });

  test("large lengths, a power of two, smooth and prime: a pure tone has one line", () => {
    for (const n of [65536, 60000, 65537]) {
      const k = 1234;
      const re = Float64Array.from({ length: n }, (_, j) => cosPi(2 * ((j * k) % n), n));
      const im = Float64Array.from({ length: n }, (_, j) => sinPi(2 * ((j * k) % n), n));
      const x = fft(re, im);
      x.re[k] -= n;
      expect(length(x.re) + length(x.im)).toBeLessThan(2e-14 * n);
    }
  });

  test("plans are used many times and leave the inputs of real transforms alone", () => {
    for (const n of [12, 13, 37]) {
      const plan = realTransform(n);
      const first = noise(n, 1);
      const kept = first.slice();
      const [re, im, x] = [new Float64Array(plan.bins), new Float64Array(plan.bins), new Float64Array(n)];
      plan.forward(first, re, im);
      expect(first).toEqual(kept);
      plan.forward(noise(n, 2), re, im);
      plan.forward(first, re, im);
      const kept2 = re.slice();
      plan.inverse(re, im, x);
      expect(re).toEqual(kept2);
      expect(x).toAgree(first, { rtol: 0, atol: 4e-15 });
    }
  });
});

describe("along the axes of an array", () => {
  test("2-D complex transform against the double sum", () => {
    const [n, m] = [6, 7];
    const re = noise(n * m, 1);
    const im = noise(n * m, 2);
    const expected = { re: new Float64Array(n * m), im: new Float64Array(n * m) };
    for (let k = 0; k < n; k++)
      for (let l = 0; l < m; l++)
        for (let i = 0; i < n; i++)
          for (let j = 0; j < m; j++) {
            const angle = -2 * Math.PI * ((i * k) / n + (j * l) / m);
            const [a, b] = [re[i * m + j], im[i * m + j]];
            expected.re[k * m + l] += a * Math.cos(angle) - b * Math.sin(angle);
            expected.im[k * m + l] += a * Math.sin(angle) + b * Math.cos(angle);
          }
    const x = { re: re.slice(), im: im.slice() };
    complexAlongAxis(complexTransform(n), x.re, x.im, m, "forward");
    complexAlongAxis(complexTransform(m), x.re, x.im, 1, "forward");
    expect(x.re).toAgree(expected.re, { rtol: 0, atol: 1e-13 });
    expect(x.im).toAgree(expected.im, { rtol: 0, atol: 1e-13 });
    complexAlongAxis(complexTransform(n), x.re, x.im, m, "inverse");
    complexAlongAxis(complexTransform(m), x.re, x.im, 1, "inverse");
    expect(x.re).toAgree(re, { rtol: 0, atol: 1e-14 });
  });

  test("3-D: every line is its own transform, there and back", () => {
    const shape = [4, 5, 6];
    const strides = [30, 6, 1];
    const x = noise(120, 3);
    for (const plan of [fourierTransform, cosineTransform, sineTransform]) {
      for (let a = 0; a < 3; a++) {
        const y = x.slice();
        alongAxis(plan(shape[a]), y, strides[a], "forward");
        for (let base = 0; base < 120; base++) {
          if (Math.floor(base / strides[a]) % shape[a] !== 0) continue;
          const line = Float64Array.from({ length: shape[a] }, (_, i) => x[base + i * strides[a]]);
          plan(shape[a]).forward(line);
          line.forEach((v, i) => void expect(y[base + i * strides[a]]).toBe(v));
        }
        alongAxis(plan(shape[a]), y, strides[a], "inverse");
        expect(y).toAgree(x, { rtol: 0, atol: 4e-15 });
      }
    }
  });
});

test("errors", async () => {
  const four = new Float64Array(4);
  expect(await messageOf(() => complexTransform(0))).toMatchInlineSnapshot(
    `"complexTransform: the length must be an integer from 1 to 134217728; got 0. Give the number of entries of one line."`,
  );
  expect(await messageOf(() => realTransform(2.5))).toMatchInlineSnapshot(
    `"realTransform: the length must be an integer from 1 to 134217728; got 2.5. Give the number of entries of one line."`,
  );
  expect(await messageOf(() => cosineTransform(-1))).toMatchInlineSnapshot(
    `"cosineTransform: the length must be an integer from 1 to 134217728; got -1. Give the number of entries of one line."`,
  );
  expect(await messageOf(() => sineTransform(NaN))).toMatchInlineSnapshot(
    `"sineTransform: the length must be an integer from 1 to 134217728; got NaN. Give the number of entries of one line."`,
  );
  expect(await messageOf(() => fft(four, new Float64Array(3)))).toMatchInlineSnapshot(
    `"fft: re and im must have length 4; got 3. Give both parts of every entry."`,
  );
  expect(await messageOf(() => ifft(four, new Float64Array(3)))).toMatchInlineSnapshot(
    `"ifft: re and im must have length 4; got 3. Give both parts of every entry."`,
  );
  expect(await messageOf(() => irfft(four, four, 4))).toMatchInlineSnapshot(
    `"irfft: re and im must have length 3; got 4. Give both parts of every entry."`,
  );
  expect(await messageOf(() => alongAxis(cosineTransform(3), four, 1, "forward"))).toMatchInlineSnapshot(
    `"alongAxis: values must have a length divisible by length · stride = 3; got 4. Use shape[a] for the plan and strides[a] for the stride."`,
  );
  expect(
    await messageOf(() => complexAlongAxis(complexTransform(4), four, new Float64Array(2), 1, "forward")),
  ).toMatchInlineSnapshot(`"complexAlongAxis: im must have length 4, as re; got 2. Give both parts of every entry."`);
});
