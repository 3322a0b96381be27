// Symmetric positive (semi-)definite systems by Cholesky: A = LLᵀ, and the normal equations of dense least squares.
// A relative ridge ε·max A_jj is added where it is asked for: in directions that A does not see the solution is then 0 and not noise.
// Reference: Golub, Van Loan 2013, algorithm 4.2.2 (key golub2013matrix). Order n³/6 multiplications.
import { demand } from "../error.js";

/**
 * Solves (A + ε max_j A_jj I) x = b.
 *
 * @param a row-major n × n, symmetric; the lower triangle is read and overwritten with L
 * @param b length n; overwritten with x
 * @param ridge ε ≥ 0; default 0
 * @returns b
 * @throws UsageError when lengths do not fit, or a pivot is not > 0
 *
 * *References*: golub2013matrix
 */
export function solvePositive(a: Float64Array, b: Float64Array, ridge = 0): Float64Array {
  const where = "solvePositive";
  const n = b.length;
  demand(a.length === n * n, where, "a", `have length ${n * n}, row-major ${n} × ${n}`, a.length, "Give all rows");
  let top = 0;
  for (let j = 0; j < n; j++) top = Math.max(top, a[j * n + j]);
  for (let j = 0; j < n; j++) a[j * n + j] += ridge * top;
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = a[i * n + j];
      for (let k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
      if (i === j) {
        demand(sum > 0, where, "a", "be positive definite", sum, "Add a ridge, or remove dependent columns");
        a[j * n + j] = Math.sqrt(sum);
      } else a[i * n + j] = sum / a[j * n + j];
    }
  }
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) b[i] -= a[i * n + k] * b[k];
    b[i] /= a[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) b[i] -= a[k * n + i] * b[k];
    b[i] /= a[i * n + i];
  }
  return b;
}

/**
 * min_x Σ_i (Σ_j A_ij x_j − b_i)²: the normal equations, with a relative ridge.
 *
 * @param rows row-major m × n
 * @param b length m
 * @param n number of unknowns
 * @param ridge ε ≥ 0; default 1e-13
 * @returns x, length n
 *
 * *Notes*: the condition number is squared; columns should be of one size and far from dependent.
 *
 * *References*: golub2013matrix
 */
export function leastSquares(rows: Float64Array, b: Float64Array, n: number, ridge = 1e-13): Float64Array {
  const normal = new Float64Array(n * n);
  const right = new Float64Array(n);
  for (let i = 0, r = 0; i < b.length; i++, r += n)
    for (let j = 0; j < n; j++) {
      const v = rows[r + j];
      if (v === 0) continue;
      right[j] += v * b[i];
      for (let k = 0, at = j * n; k <= j; k++) normal[at + k] += v * rows[r + k];
    }
  return solvePositive(normal, right, ridge);
}
