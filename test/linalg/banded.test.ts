// Banded systems and stationary measures against dense brute force.
import { test as property } from "@fast-check/vitest";
import fc from "fast-check";
import { expect, test } from "vitest";
import { banded, solveBanded, stationaryMeasure } from "../../src/linalg/banded.js";
import { generator } from "../../src/random/index.js";

const runs = Number(process.env.LAWS === "thorough" ? 500 : 25);

property.prop([fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 1e6 })], {
  numRuns: runs,
})("A x = b for dominant bands", (n, w, seed) => {
  const width = Math.min(w, n - 1);
  const A = banded(n, width);
  const random = generator(seed);
  const x = random.uniform(n);
  const b = new Float64Array(n);
  for (let q = 0; q < n; q++)
    for (let k = -width; k <= width; k++) {
      if (q + k < 0 || q + k >= n) continue;
      const value = k === 0 ? 2 * width + 1 : random.uniform(1)[0] * 2 - 1;
      A.values[q * (2 * width + 1) + width + k] = value;
      b[q] += value * x[q + k];
    }
  expect(solveBanded(A, b)).toAgree(x, { atol: 1e-13 });
});

property.prop([fc.integer({ min: 2, max: 12 }), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 1e6 })], {
  numRuns: runs,
})("π Q = 0 entry by entry, whatever the sizes", (n, w, seed) => {
  const width = Math.min(w, n - 1);
  const Q = banded(n, width);
  const random = generator(seed);
  for (let q = 0; q < n; q++)
    for (let k = -width; k <= width; k++)
      if (k !== 0 && q + k >= 0 && q + k < n)
        // Rates over twelve orders of magnitude.
        Q.values[q * (2 * width + 1) + width + k] = 10 ** (12 * random.uniform(1)[0] - 6);
  const rates = Q.values.slice();
  const pi = stationaryMeasure(Q);
  expect(pi.reduce((a, b) => a + b)).toAgree(1, { rtol: 1e-14 });
  for (let q = 0; q < n; q++) {
    let inflow = 0;
    let outflow = 0;
    for (let k = -width; k <= width; k++) {
      if (k === 0 || q + k < 0 || q + k >= n) continue;
      inflow += pi[q + k] * rates[(q + k) * (2 * width + 1) + width - k];
      outflow += pi[q] * rates[q * (2 * width + 1) + width + k];
    }
    expect(pi[q]).toBeGreaterThan(0);
    expect(inflow).toAgree(outflow, { rtol: 1e-11 });
  }
});

test("what cannot be eliminated is refused", () => {
  expect(() => banded(0, 0)).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: banded: size must be an integer ≥ 1; got 0. Give the number of unknowns.]`,
  );
  expect(() => banded(3, 3)).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: banded: width must be an integer from 0 to size − 1; got 3. Count the diagonals on one side.]`,
  );
  expect(() => solveBanded(banded(3, 1), new Float64Array(2))).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: solveBanded: rhs must have length 3; got 2. Give one value a row.]`,
  );
  expect(() => solveBanded(banded(3, 1), new Float64Array(3))).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: solveBanded: the pivot of row 0 must not be zero; got 0. Make the matrix diagonally dominant.]`,
  );
  expect(() => stationaryMeasure(banded(3, 1))).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: stationaryMeasure: state 2 must have a way to a smaller state; got 0. Number the recurrent states first.]`,
  );
});
