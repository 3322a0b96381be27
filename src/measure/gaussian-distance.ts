// Distances and divergences of Gaussians in closed form; A, B the covariances, Δ the difference of the means.
//   W₂² = |Δ|² + tr(A + B − 2(A^{½} B A^{½})^{½})                               (Bures)
//   KL(a‖b) = ½ [tr(B⁻¹A) + Δᵀ B⁻¹ Δ − d + log det B − log det A]
//   entropic cost on the line, cost |x − y|² + ε KL(π|a⊗b):  Δ² + s₀² + s₁² − D + (ε/2)(1 − log ε) + (ε/2) log(D + ε/2),
//   D = √(4 s₀² s₁² + ε²/4)
// The eigenvalues of A^{½}BA^{½} are those of LᵀBL with A = LLᵀ, by cyclic Jacobi rotations.
// References: Dowson and Landau 1982 (key dowson1982frechet); Janati, Muzellec, Peyré, Cuturi 2020 (key janati2020entropic).
import { demand } from "../error.js";

/** Mean (d) and row-major covariance (d × d), for example of a `Distribution` or of `moments()`. */
export interface MeanAndCovariance {
  readonly mean: Float64Array | null;
  readonly covariance: Float64Array | null;
}

interface Known {
  readonly mean: Float64Array;
  readonly covariance: Float64Array;
}

/**
 * W₂ of two Gaussians; of other laws, a lower bound of their W₂ (Gelbrich).
 *
 * @param a mean and covariance, positive semi-definite
 * @param b the same, of equal dimension
 * @throws UsageError when a moment is unknown or dimensions differ
 *
 * *References*: dowson1982frechet
 */
export function wasserstein2Gaussian(a: MeanAndCovariance, b: MeanAndCovariance): number {
  const [p, q] = known(a, b, "wasserstein2Gaussian");
  const d = p.mean.length;
  const lower = cholesky(p.covariance, d);
  const inner = new Float64Array(d * d);
  for (let i = 0; i < d; i++)
    for (let j = 0; j < d; j++) {
      let sum = 0;
      for (let k = i; k < d; k++)
        for (let l = j; l < d; l++) sum += lower[k * d + i] * q.covariance[k * d + l] * lower[l * d + j];
      inner[i * d + j] = sum;
    }
  let square = 0;
  for (let i = 0; i < d; i++)
    square += (p.mean[i] - q.mean[i]) ** 2 + p.covariance[i * d + i] + q.covariance[i * d + i];
  // An eigenvalue that should be 0 may come out as −1e-17; its root is 0 to the same accuracy.
  for (const value of eigenvalues(inner, d)) square -= value > 0 ? 2 * Math.sqrt(value) : 0;
  // The closed form is ≥ 0; equal laws give ±1e-16 by rounding.
  return Math.sqrt(Math.max(0, square));
}

/**
 * KL(a‖b) of two Gaussians.
 *
 * @param a mean and covariance, positive semi-definite (singular: +∞)
 * @param b mean and covariance, positive definite
 * @throws UsageError when a moment is unknown, dimensions differ, or b is singular
 */
export function relativeEntropyGaussian(a: MeanAndCovariance, b: MeanAndCovariance): number {
  const where = "relativeEntropyGaussian";
  const [p, q] = known(a, b, where);
  const d = p.mean.length;
  const lowerA = cholesky(p.covariance, d);
  const lowerB = cholesky(q.covariance, d);
  let sum = -d;
  for (let i = 0; i < d; i++) {
    demand(
      lowerB[i * d + i] > 0,
      where,
      "b",
      "have a positive definite covariance",
      lowerB[i * d + i],
      "Swap the two laws",
    );
    sum += 2 * Math.log(lowerB[i * d + i]) - 2 * Math.log(lowerA[i * d + i]);
  }
  // tr(B⁻¹A) = |M⁻¹L|² with B = MMᵀ; column by column forward substitution, and once more for the mean.
  const column = new Float64Array(d);
  for (let j = 0; j <= d; j++) {
    for (let i = 0; i < d; i++) {
      let r = j === d ? p.mean[i] - q.mean[i] : lowerA[i * d + j];
      for (let k = 0; k < i; k++) r -= lowerB[i * d + k] * column[k];
      column[i] = r / lowerB[i * d + i];
      sum += column[i] ** 2;
    }
  }
  return 0.5 * sum;
}

/**
 * Entropic transport cost of N(m₀, s₀²) and N(m₁, s₁²) on the line: min ∫|x − y|² dπ + ε KL(π | a ⊗ b).
 *
 * @param shift m₁ − m₀
 * @param sd0 s₀ > 0
 * @param sd1 s₁ > 0
 * @param epsilon ε > 0
 *
 * *References*: janati2020entropic
 */
export function entropicCostGaussian(shift: number, sd0: number, sd1: number, epsilon: number): number {
  demand(epsilon > 0, "entropicCostGaussian", "epsilon", "be > 0", epsilon, "Use wasserstein2Gaussian() for ε = 0");
  const root = Math.sqrt(4 * sd0 ** 2 * sd1 ** 2 + epsilon ** 2 / 4);
  return (
    shift ** 2 +
    sd0 ** 2 +
    sd1 ** 2 -
    root +
    (epsilon / 2) * (1 - Math.log(epsilon)) +
    (epsilon / 2) * Math.log(root + epsilon / 2)
  );
}

function known(a: MeanAndCovariance, b: MeanAndCovariance, where: string): [Known, Known] {
  for (const [law, name] of [
    [a, "a"],
    [b, "b"],
  ] as const)
    demand(
      law.mean !== null && law.covariance !== null,
      where,
      name,
      "have a known mean and covariance",
      null,
      "Draw a cloud and give its moments()",
    );
  const [p, q] = [a as Known, b as Known];
  demand(
    p.mean.length === q.mean.length,
    where,
    "b",
    `have the dimension ${p.mean.length} of a`,
    q.mean.length,
    "Give both laws in the same space",
  );
  return [p, q];
}

/** Lower factor of a positive semi-definite matrix; a pivot that is 0 to rounding gives a zero column. */
function cholesky(matrix: Float64Array, d: number): Float64Array {
  const lower = new Float64Array(d * d);
  for (let j = 0; j < d; j++) {
    let pivot = matrix[j * d + j];
    for (let k = 0; k < j; k++) pivot -= lower[j * d + k] ** 2;
    if (pivot <= 1e-14 * matrix[j * d + j]) continue;
    lower[j * d + j] = Math.sqrt(pivot);
    for (let i = j + 1; i < d; i++) {
      let sum = matrix[i * d + j];
      for (let k = 0; k < j; k++) sum -= lower[i * d + k] * lower[j * d + k];
      lower[i * d + j] = sum / lower[j * d + j];
    }
  }
  return lower;
}

/** Eigenvalues of a symmetric matrix by cyclic Jacobi rotations; overwrites it. */
function eigenvalues(m: Float64Array, d: number): Float64Array {
  for (let sweep = 0; sweep < 50; sweep++) {
    let off = 0;
    let all = 0;
    for (let i = 0; i < d; i++)
      for (let j = 0; j < d; j++) {
        all += m[i * d + j] ** 2;
        if (i !== j) off += m[i * d + j] ** 2;
      }
    if (off <= 1e-32 * all) break;
    for (let p = 0; p < d; p++)
      for (let q = p + 1; q < d; q++) {
        if (m[p * d + q] === 0) continue;
        const theta = (m[q * d + q] - m[p * d + p]) / (2 * m[p * d + q]);
        const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        const s = t * c;
        for (let k = 0; k < d; k++) {
          const x = m[k * d + p];
          const y = m[k * d + q];
          m[k * d + p] = c * x - s * y;
          m[k * d + q] = s * x + c * y;
        }
        for (let k = 0; k < d; k++) {
          const x = m[p * d + k];
          const y = m[q * d + k];
          m[p * d + k] = c * x - s * y;
          m[q * d + k] = s * x + c * y;
        }
      }
  }
  return Float64Array.from({ length: d }, (_, i) => m[i * d + i]);
}
