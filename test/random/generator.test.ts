import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { generator, normalQuantile, restore, threefry2x32 } from "../../src/random/index.js";

const numRuns = Number(process.env.LAWS === "thorough" ? 500 : 25);

describe("threefry2x32", () => {
  // Random123 known-answer vectors, threefry 2x32, 20 rounds: [c0, c1, k0, k1, w0, w1].
  it.each([
    [0, 0, 0, 0, 0x6b200159, 0x99ba4efe],
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x1cb996fc, 0xbb002be7],
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xc4923a9c, 0x483df7a0],
  ])("gives the published words for counter %i %i", (c0, c1, k0, k1, w0, w1) => {
    const out = new Uint32Array(2);
    threefry2x32(k0, k1, c0, c1, out);
    expect([...out]).toEqual([w0, w1]);
  });

  it("takes signed words as the same bits", () => {
    const a = new Uint32Array(2);
    const b = new Uint32Array(2);
    threefry2x32(0xdeadbeef, 0x80000000, 0xffffffff, 7, a);
    threefry2x32(0xdeadbeef | 0, 0x80000000 | 0, -1, 7, b);
    expect([...a]).toEqual([...b]);
  });
});

describe("normalQuantile", () => {
  it("gives tabulated quantiles", () => {
    // Published to 16 digits; the last two lie in the two tail branches.
    expect(normalQuantile(0.5)).toBe(0);
    expect([normalQuantile(0.975), normalQuantile(0.25), normalQuantile(1e-9), normalQuantile(1e-15)]).toAgree(
      [1.959963984540054, -0.6744897501960817, -5.9978070150076865, -7.941345326170997],
      { rtol: 4e-15 },
    );
    expect([normalQuantile(0), normalQuantile(1)]).toEqual([-Infinity, Infinity]);
    expect([normalQuantile(-0.1), normalQuantile(1.1)]).toEqual([NaN, NaN]);
  });

  it("inverts Φ computed by Simpson's rule", () => {
    const phi = (z: number): number => {
      const n = 2000;
      let sum = 0;
      for (let i = 0; i <= n; i++) {
        const x = (z * i) / n;
        sum += (i === 0 || i === n ? 1 : i % 2 === 1 ? 4 : 2) * Math.exp(-0.5 * x * x);
      }
      return 0.5 + ((z / n / 3) * sum) / Math.sqrt(2 * Math.PI);
    };
    for (const z of [-5, -2.1, -1.4395, -1.44, -0.3, 0.01, 1, 1.5, 3.9, 5])
      expect(normalQuantile(phi(z))).toAgree(z, { atol: 1e-14 / Math.exp(-0.5 * z * z), rtol: 0 });
  });
});

describe("generator", () => {
  it("is fixed for ever: first numbers of seed 1", () => {
    const words = new Uint32Array(2);
    threefry2x32(1, 0, 0, 0, words);
    const u = ((words[0] >>> 6) * 2 ** 26 + (words[1] >>> 6) + 0.5) / 2 ** 52;
    expect(generator(1).uniform(1)[0]).toBe(u);
    expect(generator(1).normal(1)[0]).toBe(normalQuantile(u));
    threefry2x32(1, 2 ** 20, 0, 0, words);
    expect(generator(1 + 2 ** 52).uniform(1)[0]).toBe(((words[0] >>> 6) * 2 ** 26 + (words[1] >>> 6) + 0.5) / 2 ** 52);
  });

  it("does not depend on how draws are batched, and a restored state continues exactly", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(20), fc.nat(20), (seed, a, b) => {
        const whole = generator(seed);
        const parts = generator(seed);
        const u = whole.uniform(a + b);
        expect([...parts.uniform(a), ...parts.uniform(b)]).toEqual([...u]);
        const state = JSON.parse(JSON.stringify(parts.state()));
        expect(state.counter).toBe(a + b);
        const again = restore(state);
        expect(again.normal(5)).toEqual(whole.normal(5));
        expect(again.integer(5, 10)).toEqual(whole.integer(5, 10));
        expect(again.permutation(6)).toEqual(whole.permutation(6));
        expect(again.state()).toEqual(whole.state());
      }),
      { numRuns, seed: 11 },
    );
  });

  it("crosses 2³² blocks without a repeat", () => {
    const at = (counter: number) => restore({ seed: 3, stream: [3, 0], counter });
    const across = at(2 ** 32 - 2).uniform(4);
    expect(across[2]).toBe(at(2 ** 32).uniform(1)[0]);
    expect(across[2]).not.toBe(generator(3).uniform(1)[0]);
    expect(at(2 ** 32 - 2).state().counter).toBe(2 ** 32 - 2);
  });

  it("splits by name, whatever was drawn before, and differently for different names", () => {
    const g = generator(5);
    const before = g.split("noise").uniform(4);
    g.uniform(17);
    expect(g.split("noise").uniform(4)).toEqual(before);
    expect(g.split(7).uniform(4)).toEqual(g.split("7").uniform(4));
    const firsts = [g, g.split("noise"), g.split("nois"), g.split("").split("noise"), g.split("n").split("oise")].map(
      (s) => restore({ ...s.state(), counter: 0 }).uniform(1)[0],
    );
    expect(new Set(firsts).size).toBe(firsts.length);
    expect(g.split("noise").state().seed).toBe(5);
  });

  it("draws uniforms that pass Kolmogorov–Smirnov, with the moments of U(0,1)", () => {
    const n = 100_000;
    const u = generator(2024).uniform(n);
    expect(Math.min(...u.subarray(0, 1000))).toBeGreaterThan(0);
    // s.e. of the mean 1/√(12n), of the variance √(1/180n): four of each
    let mean = 0;
    let square = 0;
    for (const x of u) {
      mean += x / n;
      square += (x - 0.5) ** 2 / n;
    }
    expect(mean).toAgree(0.5, { atol: 4 / Math.sqrt(12 * n), rtol: 0 });
    expect(square).toAgree(1 / 12, { atol: 4 / Math.sqrt(180 * n), rtol: 0 });
    // √n D > 1.95 has probability 0.001
    expect(Math.sqrt(n) * kolmogorov(u.slice().sort(), (x) => x)).toBeLessThan(1.95);
  });

  it("draws normals with the moments of N(0,1) and uncorrelated neighbours", () => {
    const n = 100_000;
    const z = generator(77).normal(n);
    const moment = [0, 0, 0, 0];
    let lag = 0;
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < 4; k++) moment[k] += z[i] ** (k + 1) / n;
      if (i > 0) lag += (z[i] * z[i - 1]) / n;
    }
    // four standard errors: √(1, 2, 15, 96)/√n
    expect(moment[0]).toAgree(0, { atol: 4 / Math.sqrt(n), rtol: 0 });
    expect(moment[1]).toAgree(1, { atol: 4 * Math.sqrt(2 / n), rtol: 0 });
    expect(moment[2]).toAgree(0, { atol: 4 * Math.sqrt(15 / n), rtol: 0 });
    expect(moment[3]).toAgree(3, { atol: 4 * Math.sqrt(96 / n), rtol: 0 });
    expect(lag).toAgree(0, { atol: 4 / Math.sqrt(n), rtol: 0 });
  });

  it("gives split streams and neighbouring seeds that are uncorrelated", () => {
    const n = 50_000;
    const g = generator(9);
    const streams = [g, g.split("a"), g.split("b"), g.split(0), g.split(1), generator(10)].map((s) => s.normal(n));
    for (let i = 0; i < streams.length; i++)
      for (let j = 0; j < i; j++) {
        let correlation = 0;
        for (let k = 0; k < n; k++) correlation += (streams[i][k] * streams[j][k]) / n;
        expect(Math.abs(correlation)).toBeLessThan(4.5 / Math.sqrt(n)); // s.e. 1/√n, 15 pairs
      }
  });

  it("draws integers without bias, also where 2³² mod bound is large", () => {
    const n = 60_000;
    // 3·2²⁹ values: a plain remainder would give the first 2²⁹ the share 3/8 instead of 1/3
    const bound = 3 * 2 ** 29;
    const low =
      generator(4)
        .integer(n, bound)
        .filter((k) => k < 2 ** 29).length / n;
    expect(low).toAgree(1 / 3, { atol: 4 * Math.sqrt(2 / 9 / n), rtol: 0 });
    const counts = new Float64Array(7);
    for (const k of generator(8).integer(n, 7)) counts[k]++;
    const chi2 = counts.reduce((sum, c) => sum + (c - n / 7) ** 2 / (n / 7), 0);
    expect(chi2).toBeLessThan(22.46); // 6 degrees of freedom, probability 0.001
    expect([...generator(1).integer(3, 1)]).toEqual([0, 0, 0]);
    expect(Math.min(...generator(1).integer(1000, 2 ** 31))).toBeGreaterThanOrEqual(0);
  });

  it("shuffles uniformly: all 24 orders of four", () => {
    const g = generator(12);
    const n = 24_000;
    const counts = new Map<string, number>();
    for (let i = 0; i < n; i++) {
      const p = g.permutation(4);
      expect([...p].sort()).toEqual([0, 1, 2, 3]);
      counts.set(p.join(""), (counts.get(p.join("")) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    let chi2 = 0;
    for (const c of counts.values()) chi2 += (c - 1000) ** 2 / 1000;
    expect(chi2).toBeLessThan(49.73); // 23 degrees of freedom, probability 0.001
    expect(g.permutation(0).length).toBe(0);
  });

  it("refuses bad input", () => {
    expect(() => generator(1.5)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: generator: seed must be an integer in 0 … 2⁵³ − 1; got 1.5. Use seed: 1 to start.]`,
    );
    expect(() => restore({ seed: 1, stream: [1, -1], counter: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: restore: stream must be two integers in 0 … 2³² − 1; got [1,-1]. Give the object that state() returned.]`,
    );
    expect(() => restore({ seed: 1, stream: [1, 1], counter: -1 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: restore: counter must be an integer ≥ 0; got -1. Give the object that state() returned.]`,
    );
    expect(() => generator(1).uniform(-1)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: uniform: n must be an integer ≥ 0; got -1. Give the number of draws.]`,
    );
    expect(() => generator(1).integer(1, 0)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: integer: bound must be an integer in 1 … 2³¹; got 0. Give the number of values, 0 … bound − 1.]`,
    );
  });
});

function kolmogorov(sorted: Float64Array, cdf: (x: number) => number): number {
  let worst = 0;
  for (let i = 0; i < sorted.length; i++)
    worst = Math.max(worst, (i + 1) / sorted.length - cdf(sorted[i]), cdf(sorted[i]) - i / sorted.length);
  return worst;
}
