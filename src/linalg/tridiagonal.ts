// Tridiagonal systems  lᵢ xᵢ₋₁ + dᵢ xᵢ + uᵢ xᵢ₊₁ = bᵢ, i = 0 … n−1, on many lines of one array.
//   plain:  l₀ and uₙ₋₁ are not read.  Elimination without pivoting (Thomas 1949), 8n operations.
//   cyclic: l₀ multiplies xₙ₋₁ and uₙ₋₁ multiplies x₀.  A = T + w vᵀ with T tridiagonal (Sherman & Morrison 1950):
//           x = z − (vᵀz)/(1 + vᵀq) q,  T z = b,  T q = w,  w = (γ, 0, …, uₙ₋₁),  v = (1, 0, …, l₀/γ),  γ = −d₀.
// Stable when |dᵢ| ≥ |lᵢ| + |uᵢ| (implicit diffusion and upwind steps); a zero pivot is reported, not pivoted away.
// Reference: Golub & Van Loan 2013, §4.3 (key golub2013matrix); Sherman & Morrison 1950 (key sherman1950adjustment).
import { demand, usageError } from "../error.js";

/** The three diagonals: length n, the same for every line, or the length of the right-hand side, each line its own. */
export interface Tridiagonal {
  readonly lower: Float64Array;
  readonly diagonal: Float64Array;
  readonly upper: Float64Array;
}

/**
 * How lines lie in an array: line (b, r) holds the entries `(b n + i) stride + r`, i = 0 … n−1. For axis a of a grid:
 * n = `shape[a]`, stride = `strides[a]`.
 */
export interface Lines {
  /** n, unknowns on a line. */
  readonly points: number;
  /** Distance of neighbours on a line; default 1. */
  readonly stride?: number;
}

/**
 * Solves a tridiagonal system on every line of `rhs`.
 *
 * @param matrix the three diagonals
 * @param rhs right-hand sides, length a multiple of points·stride
 * @param lines default one line or several, one after the other, of the diagonal's length
 * @param out where to write, may be `rhs`; default a new array
 * @throws UsageError when lengths do not fit or a pivot is zero
 *
 * *References*: golub2013matrix
 */
export function solveTridiagonal(
  matrix: Tridiagonal,
  rhs: Float64Array,
  lines: Lines = { points: matrix.diagonal.length },
  out: Float64Array = new Float64Array(rhs.length),
): Float64Array {
  const { points: n, stride, own } = layout("solveTridiagonal", matrix, rhs, lines, out);
  const { lower, diagonal, upper } = matrix;
  const ratio = new Float64Array(n);
  for (let base = 0; base < rhs.length; base += n * stride) {
    for (let r = base; r < base + stride; r++) {
      eliminate(
        "solveTridiagonal",
        lower,
        diagonal,
        upper,
        own ? r : 0,
        own ? stride : 1,
        0,
        0,
        rhs,
        r,
        stride,
        ratio,
        out,
      );
    }
  }
  return out;
}

/**
 * Solves a cyclic tridiagonal system on every line of `rhs`, as on a periodic axis.
 *
 * @param matrix the three diagonals; `lower[0]` couples to the last unknown and `upper[n−1]` to the first
 * @param rhs right-hand sides, length a multiple of points·stride
 * @param lines default one line or several, one after the other, of the diagonal's length; points ≥ 3
 * @param out where to write, may be `rhs`; default a new array
 * @throws UsageError when lengths do not fit, points < 3, a pivot is zero or the matrix is singular
 *
 * *References*: sherman1950adjustment
 */
export function solveCyclicTridiagonal(
  matrix: Tridiagonal,
  rhs: Float64Array,
  lines: Lines = { points: matrix.diagonal.length },
  out: Float64Array = new Float64Array(rhs.length),
): Float64Array {
  const where = "solveCyclicTridiagonal";
  const { points: n, stride, own } = layout(where, matrix, rhs, lines, out);
  demand(n >= 3, where, "points", "be ≥ 3", n, "Solve smaller systems by hand");
  const { lower, diagonal, upper } = matrix;
  const ratio = new Float64Array(n);
  const q = new Float64Array(n);
  const w = new Float64Array(n);
  const step = own ? stride : 1;
  for (let base = 0; base < rhs.length; base += n * stride) {
    for (let r = base; r < base + stride; r++) {
      const c = own ? r : 0;
      const first = lower[c];
      const last = upper[c + (n - 1) * step];
      const gamma = -diagonal[c];
      if (gamma === 0) throw zeroPivot(where, 0);
      const corner = first / gamma;
      // T = A − w vᵀ differs from A in its first and last diagonal entry.
      if (own || r === 0) {
        w[0] = gamma;
        w[n - 1] = last;
        eliminate(where, lower, diagonal, upper, c, step, gamma, last * corner, w, 0, 1, ratio, q);
      }
      eliminate(where, lower, diagonal, upper, c, step, gamma, last * corner, rhs, r, stride, ratio, out);
      const denominator = 1 + q[0] + corner * q[n - 1];
      if (!(Math.abs(denominator) > 1e-14 * (1 + Math.abs(q[0]) + Math.abs(corner * q[n - 1])))) {
        throw usageError(
          where,
          "1 + vᵀT⁻¹w",
          "not vanish (the matrix is singular)",
          denominator,
          "Add a positive number to the diagonal",
        );
      }
      const factor = (out[r] + corner * out[r + (n - 1) * stride]) / denominator;
      for (let i = 0; i < n; i++) out[r + i * stride] -= factor * q[i];
    }
  }
  return out;
}

// Thomas elimination on one line; the first diagonal entry is lowered by `less0` and the last one by `lessN`.
function eliminate(
  where: string,
  lower: Float64Array,
  diagonal: Float64Array,
  upper: Float64Array,
  c: number,
  cStep: number,
  less0: number,
  lessN: number,
  rhs: Float64Array,
  r: number,
  rStep: number,
  ratio: Float64Array,
  out: Float64Array,
): void {
  const n = ratio.length;
  let pivot = diagonal[c] - less0 - (n === 1 ? lessN : 0);
  if (pivot === 0) throw zeroPivot(where, 0);
  out[r] = rhs[r] / pivot;
  for (let i = 1; i < n; i++) {
    const k = c + i * cStep;
    const l = lower[k];
    ratio[i - 1] = upper[k - cStep] / pivot;
    pivot = diagonal[k] - (i === n - 1 ? lessN : 0) - l * ratio[i - 1];
    if (pivot === 0) throw zeroPivot(where, i);
    const at = r + i * rStep;
    out[at] = (rhs[at] - l * out[at - rStep]) / pivot;
  }
  for (let i = n - 2; i >= 0; i--) out[r + i * rStep] -= ratio[i] * out[r + (i + 1) * rStep];
}

function zeroPivot(where: string, row: number): Error {
  return usageError(where, `the pivot of row ${row}`, "not be zero", 0, "Make the matrix diagonally dominant");
}

function layout(
  where: string,
  { lower, diagonal, upper }: Tridiagonal,
  rhs: Float64Array,
  { points, stride = 1 }: Lines,
  out: Float64Array,
): { points: number; stride: number; own: boolean } {
  for (const [name, value] of [
    ["points", points],
    ["stride", stride],
  ] as const)
    demand(
      Number.isInteger(value) && value >= 1,
      where,
      name,
      "be an integer ≥ 1",
      value,
      "Use shape[a] and strides[a]",
    );
  demand(
    rhs.length > 0 && rhs.length % (points * stride) === 0,
    where,
    "rhs",
    `have a positive length divisible by points · stride = ${points * stride}`,
    rhs.length,
    "Use shape[a] and strides[a] of the grid",
  );
  for (const [name, part] of [
    ["lower", lower],
    ["diagonal", diagonal],
    ["upper", upper],
  ] as const) {
    demand(
      part.length === diagonal.length && (part.length === points || part.length === rhs.length),
      where,
      name,
      `have length ${points} or ${rhs.length}, as the diagonal`,
      part.length,
      "Give all three diagonals the same length",
    );
  }
  demand(
    out.length === rhs.length,
    where,
    "out",
    `have length ${rhs.length}`,
    out.length,
    "Leave it out for a new array",
  );
  return { points, stride, own: diagonal.length !== points };
}
