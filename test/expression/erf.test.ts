import { describe, expect, test } from "vitest";
import { erf, erfc } from "../../src/expression/index.js";

/** ∫₀ˣ by composite Simpson with 4000 intervals. */
function simpson(f: (t: number) => number, x: number): number {
  const n = 4000;
  const h = x / n;
  let sum = f(0) + f(x);
  for (let i = 1; i < n; i++) sum += (i % 2 === 1 ? 4 : 2) * f(i * h);
  return (sum * h) / 3;
}

describe("erf", () => {
  test("is the integral of the Gaussian, on both sides of the switch", () => {
    for (const x of [-4, -2.6, -1, -1e-9, 0, 0.3, 1, 2.49, 2.51, 3, 5])
      expect(erf(x)).toAgree((2 / Math.sqrt(Math.PI)) * simpson((t) => Math.exp(-t * t), x), {
        rtol: 1e-13,
        atol: 1e-22,
      });
  });

  test("erfc keeps its relative accuracy in the tail", () => {
    // erfc(2), erfc(3), erfc(5), erfc(10): Abramowitz and Stegun 1964 and high-precision series
    expect([2, 3, 5, 10].map(erfc)).toAgree(
      [4.677734981047266e-3, 2.209049699858544e-5, 1.5374597944280349e-12, 2.088487583762545e-45],
      { rtol: 2e-14 },
    );
    expect(erfc(-1) + erfc(1)).toAgree(2, { rtol: 1e-15 });
    expect(erfc(-3)).toAgree(2 - erfc(3), { rtol: 1e-15 });
    expect(erfc(40)).toBe(0);
  });

  test("values at infinity and for NaN", () => {
    expect([erf(Infinity), erf(-Infinity), erfc(-Infinity)]).toEqual([1, -1, 2]);
    expect(erf(Number.NaN)).toBeNaN();
  });
});
