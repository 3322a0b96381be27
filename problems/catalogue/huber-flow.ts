// Gaussians of equal covariance under the Lipschitz-regularised KL divergence (C5, C9), in d = 1, 2, 3: a rigid translation,
//   ρ(t) = N(δ(t) e₁, s²I) → Q = N(0, s²I),   δ' = −L while δ > Ls², then δ' = −δ/s²;   switch at t* = (δ₀ − Ls²)₊/L
//   D(t) = Huber's function of the gap: δ²/2s² if δ ≤ Ls², else Lδ − L²s²/2;   φ* is linear, slope min(L, δ/s²)
// on a closed box that all but 1e-8 of both laws fits in. Reference: Gu et al. 2024 (key gu2024lipschitz).
import { demand } from "../../src/error.js";
import { domain } from "../../src/grid/index.js";
import { gaussian, gaussianReach, kullbackLeibler } from "../../src/measure/index.js";
import { type GradientFlow, gradientFlow } from "../gradient-flow.js";
import { lipschitzDivergence } from "../terms/index.js";
import { demandBox } from "./wall-drift.js";

export interface HuberFlowOverrides {
  /** d: 1, 2 or 3; default 1. */
  readonly dimension?: number;
  /** δ₀ > 0; default 3. */
  readonly gap?: number;
  /** s > 0; default 1. */
  readonly sd?: number;
  /** L > 0, finite; default 1. */
  readonly lipschitz?: number;
  /** T; default 4. */
  readonly horizon?: number;
}

/**
 * The gap δ(t) of the rigid translation.
 *
 * @param t time ≥ 0
 */
export function huberGap(t: number, gap: number, sd: number, lipschitz: number): number {
  const knee = lipschitz * sd * sd;
  const until = Math.max(0, gap - knee) / lipschitz;
  return t < until ? gap - lipschitz * t : Math.min(gap, knee) * Math.exp(-(t - until) / (sd * sd));
}

/**
 * The Gaussian Huber flow with its closed form.
 *
 * @param overrides dimension, δ₀, s, L, T
 * @throws UsageError when a value does not fit
 *
 * *Good values*: the defaults with L = 0.5, 1, 3; 256 points.
 *
 * *References*: gu2024lipschitz
 */
export function huberFlow(overrides: HuberFlowOverrides = {}): GradientFlow {
  const where = "huberFlow";
  const { dimension: d = 1, gap = 3, sd = 1, lipschitz = 1, horizon = 4 } = overrides;
  demandBox(where, d);
  for (const [name, value] of [
    ["gap", gap],
    ["sd", sd],
    ["lipschitz", lipschitz],
  ] as const)
    demand(value > 0 && Number.isFinite(value), where, name, "be finite and > 0", value, `Use ${name}: 1`);
  const law = (delta: number) => gaussian({ mean: Array.from({ length: d }, (_, a) => (a === 0 ? delta : 0)), sd });
  const reach = gaussianReach(d) * sd;
  return gradientFlow({
    name: "huber-flow",
    title: `Gaussian Huber flow in ${d}-D, L = ${lipschitz}`,
    domain: domain({
      lower: Array(d).fill(-reach),
      upper: Array.from({ length: d }, (_, a) => (a === 0 ? gap + reach : reach)),
      ends: Array(d).fill("no-flux"),
    }),
    horizon,
    energy: lipschitzDivergence({ dimension: d, divergence: kullbackLeibler(), lipschitz, target: law(0) }),
    initial: law(gap),
    exact: {
      density: (t, x) =>
        (law(huberGap(t, gap, sd, lipschitz)).logDensity as (x: Float64Array) => Float64Array)(x).map(Math.exp),
      energy(t) {
        const delta = huberGap(t, gap, sd, lipschitz);
        return delta <= lipschitz * sd * sd
          ? delta ** 2 / (2 * sd * sd)
          : lipschitz * delta - (lipschitz * sd) ** 2 / 2;
      },
    },
    references: ["gu2024lipschitz"],
  });
}
