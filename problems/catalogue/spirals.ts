// Spirals. Two spiral arms.
//   π: ±θ(−cos θ, sin θ)/3 with θ = 3π√u, u ~ U(0, 1), noise 0.1
// No closed form; the exact engine on samples is the reference.
// Reference: parameters: Grathwohl et al. 2019 (key grathwohl2019ffjord).
import { spirals as law } from "../../src/measure/index.js";
import type { ProximalFlow } from "../proximal-flow.js";
import { type PlanarOverrides, planarLaw } from "./planar-law.js";

export interface SpiralsOverrides extends PlanarOverrides {
  /** Parameters of the law, see `spirals` of meanfield. */
  readonly law?: Parameters<typeof law>[0];
}

/**
 * Spirals: N(0, I) → the law, with 500 held-out samples.
 *
 * @param overrides parameters of the law, divergence, λ, T, L, held-out count and seed; defaults KL, λ = 0.02, T = 1, L = 1
 * @throws UsageError when a value does not fit
 *
 * *References*: gu2024proximal, grathwohl2019ffjord
 */
export function spirals(overrides: SpiralsOverrides = {}): ProximalFlow {
  return planarLaw("spirals", "Spirals", law(overrides.law), ["gu2024proximal", "grathwohl2019ffjord"], overrides);
}
