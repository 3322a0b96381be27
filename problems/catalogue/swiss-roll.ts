// Swiss roll. A planar spiral band.
//   π: (θ cos θ, θ sin θ)/5 with θ ~ U(1.5π, 4.5π) and noise 0.2
// No closed form; the exact engine on samples is the reference.
// Reference: parameters: Grathwohl et al. 2019 (key grathwohl2019ffjord).
import { swissRoll as law } from "../../src/measure/index.js";
import type { ProximalFlow } from "../proximal-flow.js";
import { type PlanarOverrides, planarLaw } from "./planar-law.js";

export interface SwissRollOverrides extends PlanarOverrides {
  /** Parameters of the law, see `swissRoll` of meanfield. */
  readonly law?: Parameters<typeof law>[0];
}

/**
 * Swiss roll: N(0, I) → the law, with 500 held-out samples.
 *
 * @param overrides parameters of the law, divergence, λ, T, L, held-out count and seed; defaults KL, λ = 0.02, T = 1, L = 1
 * @throws UsageError when a value does not fit
 *
 * *References*: gu2024proximal, grathwohl2019ffjord
 */
export function swissRoll(overrides: SwissRollOverrides = {}): ProximalFlow {
  return planarLaw(
    "swiss-roll",
    "Swiss roll",
    law(overrides.law),
    ["gu2024proximal", "grathwohl2019ffjord"],
    overrides,
  );
}
