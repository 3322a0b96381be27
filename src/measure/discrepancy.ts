// Maximum mean discrepancy:  MMD² = E k(X, X′) + E k(Y, Y′) − 2 E k(X, Y).
//   gaussian  k = exp(−|x − y|²/2h²);   energy  k = −|x − y|, so MMD² is the energy distance 2E|X − Y| − E|X − X′| − E|Y − Y′|.
//   V-statistic: all pairs, MMD² ≥ 0;   U-statistic: without the pairs i = i, unbiased, may be negative.
// Reference: Gretton, Borgwardt, Rasch, Schölkopf, Smola 2012 (key gretton2012kernel).
import { demand } from "../error.js";
import { type Cloud, demandSameSpace, weightOf } from "./cloud.js";

/** Gaussian kernel with its bandwidth h > 0 (unit of length), or the energy kernel. */
export type Kernel = { readonly kind: "gaussian"; readonly bandwidth: number } | { readonly kind: "energy" };

export interface Discrepancy {
  /** MMD² as estimated. */
  readonly squared: number;
  /** MMD with the sign of its square: sign(MMD²) √|MMD²|. A negative value is sampling noise (U) or round-off (V), shown as it is. */
  readonly distance: number;
}

/**
 * Maximum mean discrepancy of two clouds, O(mn d).
 *
 * @param a first cloud
 * @param b second cloud of the same dimension
 * @param options kernel (default energy, which has no parameter); statistic `"V"` (default) or `"U"`
 * @throws UsageError when dimensions differ, the bandwidth is not positive, or U is asked of a single point
 *
 * *Notes*: with weights, U divides by 1 − Σwᵢ².
 *
 * *Good values*: a bandwidth near the median distance of the pooled points.
 *
 * *References*: gretton2012kernel
 */
export function maximumMeanDiscrepancy(
  a: Cloud,
  b: Cloud,
  options: { readonly kernel?: Kernel; readonly statistic?: "V" | "U" } = {},
): Discrepancy {
  const where = "maximumMeanDiscrepancy";
  const { kernel = { kind: "energy" }, statistic = "V" } = options;
  demandSameSpace(a, b, where);
  demand(
    kernel.kind === "energy" || (kernel.kind === "gaussian" && kernel.bandwidth > 0),
    where,
    "kernel",
    'be { kind: "energy" } or { kind: "gaussian", bandwidth > 0 }',
    kernel,
    "Use the median distance of the points as bandwidth",
  );
  demand(
    statistic === "V" || (statistic === "U" && spreadOut(a) && spreadOut(b)),
    where,
    "statistic",
    'be "V", or "U" with at least two points of positive weight in each cloud',
    statistic,
    'Use statistic: "V"',
  );
  const value =
    kernel.kind === "energy"
      ? (square: number): number => -Math.sqrt(square)
      : (square: number): number => Math.exp((-0.5 * square) / kernel.bandwidth ** 2);
  const within = (c: Cloud): number => {
    let sum = 0;
    let diagonal = 0;
    for (let i = 0; i < c.count; i++) {
      const w = weightOf(c, i);
      diagonal += w * w;
      for (let j = 0; j < i; j++) sum += 2 * w * weightOf(c, j) * value(squaredDistance(c, i, c, j));
    }
    return statistic === "U" ? sum / (1 - diagonal) : sum + diagonal * value(0);
  };
  let across = 0;
  for (let i = 0; i < a.count; i++) {
    const w = weightOf(a, i);
    for (let j = 0; j < b.count; j++) across += w * weightOf(b, j) * value(squaredDistance(a, i, b, j));
  }
  const squared = within(a) + within(b) - 2 * across;
  return { squared, distance: Math.sign(squared) * Math.sqrt(Math.abs(squared)) };
}

function spreadOut(c: Cloud): boolean {
  return c.weights === null ? c.count > 1 : c.weights.filter((w) => w > 0).length > 1;
}

function squaredDistance(a: Cloud, i: number, b: Cloud, j: number): number {
  const d = a.dimension;
  let sum = 0;
  for (let k = 0; k < d; k++) {
    const r = a.points[i * d + k] - b.points[j * d + k];
    sum += r * r;
  }
  return sum;
}
