// Banded matrices of half-width w, entry (q, q + k), |k| ≤ w, at `values[q (2w + 1) + w + k]`.
//   solveBanded            A x = b by elimination without pivoting, for diagonally dominant A (M-matrices); 2 n w (2w + 1) operations
//   stationaryMeasure      π Q = 0, Σ π = 1, for a generator Q of a Markov chain (Q_qp ≥ 0 off the diagonal): elimination of states from
//                          the last to the first by Grassmann, Taksar and Heyman. Only positive numbers are added, multiplied and
//                          divided, so every π_q is good to a few ε whatever its size; the diagonal of Q is not read.
// References: Golub, Van Loan 2013, §4.3 (key golub2013matrix); Grassmann, Taksar, Heyman 1985 (key grassmann1985regenerative).
import { demand, usageError } from "../error.js";

/** A banded matrix; `values` may be written. */
export interface Banded {
  /** n. */
  readonly size: number;
  /** w ≥ 0. */
  readonly width: number;
  /** Length n (2w + 1); entries outside the matrix are not read. */
  readonly values: Float64Array;
}

/**
 * Makes a banded matrix of zeros.
 *
 * @param size n ≥ 1
 * @param width half-width w ≥ 0, below n
 */
export function banded(size: number, width: number): Banded {
  demand(
    Number.isInteger(size) && size >= 1,
    "banded",
    "size",
    "be an integer ≥ 1",
    size,
    "Give the number of unknowns",
  );
  demand(
    Number.isInteger(width) && width >= 0 && width < size,
    "banded",
    "width",
    "be an integer from 0 to size − 1",
    width,
    "Count the diagonals on one side",
  );
  return { size, width, values: new Float64Array(size * (2 * width + 1)) };
}

/**
 * Solves A x = b.
 *
 * @param matrix diagonally dominant; it is overwritten by its factors
 * @param rhs b, length n
 * @param out x, may be `rhs`
 * @throws UsageError when lengths differ or a pivot is 0
 *
 * *References*: golub2013matrix
 */
export function solveBanded(
  matrix: Banded,
  rhs: Float64Array,
  out: Float64Array = new Float64Array(rhs.length),
): Float64Array {
  const where = "solveBanded";
  const { size: n, width: w, values: A } = matrix;
  demand(rhs.length === n && out.length === n, where, "rhs", `have length ${n}`, rhs.length, "Give one value a row");
  const row = 2 * w + 1;
  if (out !== rhs) out.set(rhs);
  for (let q = 0; q < n; q++) {
    const pivot = A[q * row + w];
    if (pivot === 0)
      throw usageError(where, `the pivot of row ${q}`, "not be zero", 0, "Make the matrix diagonally dominant");
    const last = Math.min(w, n - 1 - q);
    for (let i = 1; i <= last; i++) {
      const below = (q + i) * row + w;
      const factor = A[below - i] / pivot;
      if (factor === 0) continue;
      for (let k = 1; k <= last; k++) A[below - i + k] -= factor * A[q * row + w + k];
      out[q + i] -= factor * out[q];
    }
  }
  for (let q = n - 1; q >= 0; q--) {
    let sum = out[q];
    for (let k = 1; k <= Math.min(w, n - 1 - q); k++) sum -= A[q * row + w + k] * out[q + k];
    out[q] = sum / A[q * row + w];
  }
  return out;
}

/**
 * The stationary measure of a Markov chain in continuous time.
 *
 * @param generator rates ≥ 0 off the diagonal; from every state but 0 there must be a way to a state with a smaller number. It is overwritten
 * @returns π, length n, sum 1
 * @throws UsageError when a state has no way down
 *
 * *References*: grassmann1985regenerative
 */
export function stationaryMeasure(generator: Banded): Float64Array {
  const where = "stationaryMeasure";
  const { size: n, width: w, values: Q } = generator;
  const row = 2 * w + 1;
  for (let q = n - 1; q >= 1; q--) {
    const first = Math.max(0, q - w);
    const own = q * row + w - q;
    let down = 0;
    for (let k = first; k < q; k++) down += Q[own + k];
    if (!(down > 0))
      throw usageError(where, `state ${q}`, "have a way to a smaller state", down, "Number the recurrent states first");
    for (let i = first; i < q; i++) {
      const to = i * row + w - i;
      const share = (Q[to + q] /= down);
      if (share === 0) continue;
      for (let k = first; k < q; k++) if (k !== i) Q[to + k] += share * Q[own + k];
    }
  }
  const pi = new Float64Array(n);
  pi[0] = 1;
  let total = 1;
  for (let q = 1; q < n; q++) {
    for (let i = Math.max(0, q - w); i < q; i++) pi[q] += pi[i] * Q[i * row + w - i + q];
    total += pi[q];
  }
  for (let q = 0; q < n; q++) pi[q] /= total;
  return pi;
}
