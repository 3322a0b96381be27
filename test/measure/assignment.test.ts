import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assignment } from "../../src/measure/index.js";
import { generator } from "../../src/random/index.js";

const numRuns = Number(process.env.LAWS === "thorough" ? 500 : 25);

/** Least Σ c(i, σ(i)) over all permutations: n! terms. */
function bruteForce(c: Float64Array, n: number): number {
  const used = new Array<boolean>(n).fill(false);
  const walk = (i: number): number => {
    if (i === n) return 0;
    let best = Infinity;
    for (let j = 0; j < n; j++) {
      if (used[j]) continue;
      used[j] = true;
      best = Math.min(best, c[i * n + j] + walk(i + 1));
      used[j] = false;
    }
    return best;
  };
  return walk(0);
}

function certify(c: Float64Array, n: number): number {
  const { columnOf, cost, rowPotential, columnPotential } = assignment(c, n);
  expect(Int32Array.from(columnOf).sort()).toEqual(Int32Array.from({ length: n }, (_, i) => i));
  let paid = 0;
  let dual = 0;
  let worst = 0;
  let scale = 0;
  for (let i = 0; i < n; i++) {
    paid += c[i * n + columnOf[i]];
    dual += rowPotential[i] + columnPotential[i];
    for (let j = 0; j < n; j++) {
      worst = Math.min(worst, c[i * n + j] - rowPotential[i] - columnPotential[j]);
      scale = Math.max(scale, Math.abs(c[i * n + j]));
    }
  }
  expect(cost).toBe(paid);
  expect(worst).toBeGreaterThanOrEqual(-1e-13 * scale);
  expect(dual).toAgree(cost, { atol: 1e-13 * n * scale, rtol: 0 });
  return cost;
}

describe("assignment", () => {
  it("equals brute force for n ≤ 7, real costs of any sign", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7 }), fc.maxSafeNat(), (n, seed) => {
        const c = generator(seed).normal(n * n);
        expect(certify(c, n)).toAgree(bruteForce(c, n), { atol: 1e-13, rtol: 1e-13 });
      }),
      { numRuns, seed: 1 },
    );
  });

  it("equals brute force for small integer costs, full of ties", () => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 1, max: 6 })
          .chain((n) =>
            fc.tuple(fc.constant(n), fc.array(fc.integer({ min: -2, max: 3 }), { minLength: n * n, maxLength: n * n })),
          ),
        ([n, costs]) => {
          expect(certify(Float64Array.from(costs), n)).toBe(bruteForce(Float64Array.from(costs), n));
        },
      ),
      { numRuns: 4 * numRuns, seed: 2 },
    );
  });

  it("is optimal, by its dual, on clouds near, far, tied and with an outlier", () => {
    const n = 150;
    const g = generator(5);
    const x = g.normal(2 * n);
    const y = g.normal(2 * n);
    const squared = (shift: number, p: Float64Array, q: Float64Array) =>
      Float64Array.from({ length: n * n }, (_, k) => {
        const [i, j] = [Math.floor(k / n), k % n];
        return (p[2 * i] - q[2 * j] - shift) ** 2 + (p[2 * i + 1] - q[2 * j + 1]) ** 2;
      });
    certify(squared(0, x, y), n);
    certify(squared(40, x, y), n);
    certify(squared(3, x, y).map(Math.sqrt), n);
    certify(
      squared(0, x, y).map((c) => Math.round(4 * c)),
      n,
    );
    const far = y.slice();
    far[0] = 1e5;
    certify(squared(0, x, far), n);
    certify(new Float64Array(n * n).fill(2), n);
    certify(squared(0, x, x), n);
    expect(assignment(squared(0, x, x), n).cost).toBe(0);
  });

  it("knows the closed form of the product cost: sorted against reversed", () => {
    const n = 60;
    // Σ i·σ(i) is least for the reversal: Σ i(n + 1 − i) = n(n+1)(n+2)/6
    const { columnOf, cost } = assignment((i, j) => (i + 1) * (j + 1), n);
    expect(cost).toBe((n * (n + 1) * (n + 2)) / 6);
    expect([...columnOf]).toEqual(Array.from({ length: n }, (_, i) => n - 1 - i));
  });

  it("refuses bad input", () => {
    expect(() => assignment(new Float64Array(0), 0)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: assignment: n must be an integer in 1 … 8192; got 0. Take a subsample, or use sinkhornDivergence().]`,
    );
    expect(() => assignment(new Float64Array(3), 2)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: assignment: costs must have length 4; got 3. Give the matrix row by row.]`,
    );
    expect(() => assignment((i, j) => (i === 1 && j === 0 ? NaN : 0), 2)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: assignment: cost (1, 0) must be finite; got NaN. Use a large finite cost for a pair that is forbidden.]`,
    );
  });
});
