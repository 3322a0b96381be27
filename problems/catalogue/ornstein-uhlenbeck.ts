// Ornstein–Uhlenbeck process dX = −θX dt + σ dW in d = 1, 2, 3: drift −∇φ, φ = θ|x|²/2, diffusion D = σ²/2,
//   ρ(t) = N(e^{−θt} x₀, s²(t) I),    s²(t) = σ² (1 − e^{−2θt})/(2θ) + v₀ e^{−2θt},
// from N(x₀, v₀ I) on a closed box that all but 1e-8 of the mass never leaves.
// Reference: Risken 1996, §5.3 (key risken1996fokker).
import { demand } from "../../src/error.js";
import { domain } from "../../src/grid/index.js";
import { gaussian, gaussianReach } from "../../src/measure/index.js";
import { type FokkerPlanck, fokkerPlanckProblem } from "../fokker-planck.js";
import { coordinateNames } from "../terms/index.js";
import { demandBox } from "./wall-drift.js";

export interface OrnsteinUhlenbeckOverrides {
  /** 1, 2 or 3; default 1. */
  readonly dimension?: number;
  /** θ > 0; default 1. */
  readonly rate?: number;
  /** σ > 0; default 1. */
  readonly volatility?: number;
  /** First coordinate of the initial mean; default 1. */
  readonly start?: number;
  /** v₀ > 0; default 0.25. */
  readonly variance?: number;
  /** T; default 1. */
  readonly horizon?: number;
}

/**
 * The Ornstein–Uhlenbeck process with its closed form.
 *
 * @param overrides dimension, θ, σ, x₀, v₀, T
 * @throws UsageError when a value does not fit
 *
 * *Good values*: the defaults; 64 points an axis.
 *
 * *References*: risken1996fokker
 */
export function ornsteinUhlenbeck(overrides: OrnsteinUhlenbeckOverrides = {}): FokkerPlanck {
  const { dimension: d = 1, rate = 1, volatility = 1, start = 1, variance = 0.25, horizon = 1 } = overrides;
  const where = "ornsteinUhlenbeck";
  demandBox(where, d);
  for (const [name, value] of [
    ["rate", rate],
    ["volatility", volatility],
    ["variance", variance],
  ] as const)
    demand(value > 0 && Number.isFinite(value), where, name, "be finite and > 0", value, `Use ${name}: 1`);
  demand(Number.isFinite(start), where, "start", "be finite", start, "Use start: 1");
  const spread = (t: number): number =>
    (volatility ** 2 * -Math.expm1(-2 * rate * t)) / (2 * rate) + variance * Math.exp(-2 * rate * t);
  const law = (t: number) =>
    gaussian({
      mean: Float64Array.from({ length: d }, (_, a) => (a === 0 ? start * Math.exp(-rate * t) : 0)),
      sd: Math.sqrt(spread(t)),
    });
  const reach = Math.abs(start) + gaussianReach(d) * Math.sqrt(Math.max(variance, volatility ** 2 / (2 * rate)));
  return fokkerPlanckProblem({
    name: "ornstein-uhlenbeck",
    title: `Ornstein–Uhlenbeck process in ${d}-D`,
    domain: domain({ lower: Array(d).fill(-reach), upper: Array(d).fill(reach), ends: Array(d).fill("no-flux") }),
    horizon,
    diffusion: volatility ** 2 / 2,
    potential: `${rate / 2}*(${coordinateNames(d)
      .map((x) => `${x}^2`)
      .join(" + ")})`,
    initial: law(0),
    // A Gaussian has a density, and it is what grids start from.
    mass: null,
    exact: {
      density: (t, x) => (law(t).logDensity as (x: Float64Array) => Float64Array)(x).map(Math.exp),
    },
    references: ["risken1996fokker"],
  });
}
