// A Gaussian that flows to a Gaussian (C11): the flow of KL(ρ‖q), q = N(μ, diag c), from N(a, diag b):
//   ∂ₜρ = Δρ − div(ρ ∇log q),   mean_i(t) = μ_i + e^{−t/c_i}(a_i − μ_i),   variance_i(t) = c_i + e^{−2t/c_i}(b_i − c_i)
//   E(t) = ½ Σ_i [s − 1 − log s + (mean_i − μ_i)²/c_i],  s = variance_i/c_i
// Ornstein–Uhlenbeck in other words; E is λ-convex with λ = 1/max c. On a closed box that all but 1e-8 of the mass never leaves.
// Reference: Risken 1996, §5.3 (key risken1996fokker); Jordan, Kinderlehrer, Otto 1998 (key jordan1998variational).
import { demand } from "../../src/error.js";
import { domain } from "../../src/grid/index.js";
import { gaussian, gaussianReach, kullbackLeibler } from "../../src/measure/index.js";
import { type GradientFlow, gradientFlow } from "../gradient-flow.js";
import { divergenceTo, energy } from "../terms/index.js";
import { demandBox } from "./wall-drift.js";

export interface GaussianFlowOverrides {
  /** d: 1, 2 or 3; default 1. */
  readonly dimension?: number;
  /** μ; default 0. */
  readonly targetMean?: readonly number[];
  /** c_i > 0; default 1, 1/2, 1/3. */
  readonly targetVariance?: readonly number[];
  /** a; default 1.5 in every coordinate. */
  readonly mean?: readonly number[];
  /** b_i > 0; default 1/4. */
  readonly variance?: readonly number[];
  /** T; default 1. */
  readonly horizon?: number;
}

/**
 * The flow of the relative entropy from a Gaussian to a Gaussian, with its closed form.
 *
 * @param overrides d, means and variances by coordinate, T
 * @returns a gradient flow with exact density and energy
 * @throws UsageError when a value does not fit
 *
 * *Good values*: the defaults; 64 points an axis.
 *
 * *References*: risken1996fokker, jordan1998variational
 */
export function gaussianFlow(overrides: GaussianFlowOverrides = {}): GradientFlow {
  const { dimension: d = 1, horizon = 1 } = overrides;
  const where = "gaussianFlow";
  demandBox(where, d);
  const list = (
    values: readonly number[] | undefined,
    name: string,
    fallback: (a: number) => number,
    least: number,
  ) => {
    const out = values ?? Array.from({ length: d }, (_, a) => fallback(a));
    demand(
      out.length === d && out.every((v) => Number.isFinite(v) && v > least),
      where,
      name,
      `be ${d} finite numbers${least === 0 ? " > 0" : ""}`,
      values,
      "Give one number for each coordinate",
    );
    return out;
  };
  const mu = list(overrides.targetMean, "targetMean", () => 0, -Infinity);
  const c = list(overrides.targetVariance, "targetVariance", (a) => 1 / (a + 1), 0);
  const a0 = list(overrides.mean, "mean", () => 1.5, -Infinity);
  const b = list(overrides.variance, "variance", () => 0.25, 0);
  const meanAt = (t: number) => mu.map((m, i) => m + Math.exp(-t / c[i]) * (a0[i] - m));
  const varianceAt = (t: number) => c.map((v, i) => v + Math.exp((-2 * t) / v) * (b[i] - v));
  const law = (mean: readonly number[], variance: readonly number[]) =>
    gaussian({
      mean: Float64Array.from(mean),
      covariance: Float64Array.from({ length: d * d }, (_, i) => (i % (d + 1) === 0 ? variance[i / (d + 1)] : 0)),
    });
  const reach = gaussianReach(d);
  const spread = c.map((v, i) => reach * Math.sqrt(Math.max(v, b[i])));
  return gradientFlow({
    name: "gaussian-flow",
    title: `A Gaussian that flows to a Gaussian in ${d}-D`,
    domain: domain({
      lower: mu.map((m, i) => Math.min(m, a0[i]) - spread[i]),
      upper: mu.map((m, i) => Math.max(m, a0[i]) + spread[i]),
      ends: Array(d).fill("no-flux"),
    }),
    horizon,
    energy: energy({
      dimension: d,
      internal: divergenceTo(kullbackLeibler(), law(mu, c), d),
      convexity: 1 / Math.max(...c),
    }),
    initial: law(a0, b),
    exact: {
      density: (t, x) =>
        (law(meanAt(t), varianceAt(t)).logDensity as (x: Float64Array) => Float64Array)(x).map(Math.exp),
      energy: (t) => {
        const mean = meanAt(t);
        return varianceAt(t).reduce((sum, v, i) => {
          const s = v / c[i];
          return sum + 0.5 * (s - 1 - Math.log(s) + (mean[i] - mu[i]) ** 2 / c[i]);
        }, 0);
      },
    },
    references: ["risken1996fokker", "jordan1998variational"],
  });
}
