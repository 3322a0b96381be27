// Dense positive systems and least squares against residuals computed here.
import { describe, expect, it } from "vitest";
import { leastSquares, solvePositive } from "../../src/linalg/index.js";
import { generator } from "../../src/random/index.js";

describe("solvePositive", () => {
  it("solves A x = b for A = BᵀB + I", () => {
    const n = 7;
    const g = generator(1);
    const b = g.normal(n * n);
    const a = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        a[i * n + j] = i === j ? 1 : 0;
        for (let k = 0; k < n; k++) a[i * n + j] += b[k * n + i] * b[k * n + j];
      }
    const x = g.normal(n);
    const right = Float64Array.from({ length: n }, (_, i) => x.reduce((sum, v, j) => sum + a[i * n + j] * v, 0));
    expect(solvePositive(a, right)).toAgree(x, { rtol: 1e-10, atol: 1e-11 });
  });

  it("refuses what is not positive definite", () => {
    expect(() => solvePositive(Float64Array.of(1, 2, 2, 1), new Float64Array(2))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: solvePositive: a must be positive definite; got -3. Add a ridge, or remove dependent columns.]`,
    );
    expect(() => solvePositive(new Float64Array(3), new Float64Array(2))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: solvePositive: a must have length 4, row-major 2 × 2; got 3. Give all rows.]`,
    );
  });
});

describe("leastSquares", () => {
  const m = 40;
  const n = 5;
  const rows = generator(2).normal(m * n);
  const b = generator(3).normal(m);

  it("leaves a residual orthogonal to the columns", () => {
    const x = leastSquares(rows, b, n);
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let i = 0; i < m; i++) {
        let r = -b[i];
        for (let k = 0; k < n; k++) r += rows[i * n + k] * x[k];
        sum += r * rows[i * n + j];
      }
      expect(Math.abs(sum)).toBeLessThan(1e-9);
    }
  });

  it("gives 0 to a column that is 0", () => {
    const gap = rows.map((v, i) => (i % n === 2 ? 0 : v));
    const x = leastSquares(gap, b, n);
    expect(x[2]).toBe(0);
    expect(x.every(Number.isFinite)).toBe(true);
  });
});
