// Eight Gaussians. Eight equal Gaussians on a circle: modes that a generator likes to drop.
//   π: ⅛ Σ_k N(2√2 (cos kπ/4, sin kπ/4), ⅛ I)
// No closed form; the exact engine on samples is the reference.
// Reference: parameters: Grathwohl et al. 2019 (key grathwohl2019ffjord).
import { eightGaussians as law } from "../../src/measure/index.js";
import type { ProximalFlow } from "../proximal-flow.js";
import { type PlanarOverrides, planarLaw } from "./planar-law.js";

export interface EightGaussiansOverrides extends PlanarOverrides {
  /** Parameters of the law, see `eightGaussians` of meanfield. */
  readonly law?: Parameters<typeof law>[0];
}

/**
 * Eight Gaussians: N(0, I) → the law, with 500 held-out samples.
 *
 * @param overrides parameters of the law, divergence, λ, T, L, held-out count and seed; defaults KL, λ = 0.02, T = 1, L = 1
 * @throws UsageError when a value does not fit
 *
 * *References*: gu2024proximal, grathwohl2019ffjord
 */
export function eightGaussians(overrides: EightGaussiansOverrides = {}): ProximalFlow {
  return planarLaw(
    "eight-gaussians",
    "Eight Gaussians",
    law(overrides.law),
    ["gu2024proximal", "grathwohl2019ffjord"],
    overrides,
  );
}
