// Circles. Two concentric circles with noise: a target with a hole.
//   π: radii 3 and 1.5, noise 0.24
// No closed form; the exact engine on samples is the reference.
// Reference: parameters: Grathwohl et al. 2019 (key grathwohl2019ffjord).
import { circles as law } from "../../src/measure/index.js";
import type { ProximalFlow } from "../proximal-flow.js";
import { type PlanarOverrides, planarLaw } from "./planar-law.js";

export interface CirclesOverrides extends PlanarOverrides {
  /** Parameters of the law, see `circles` of meanfield. */
  readonly law?: Parameters<typeof law>[0];
}

/**
 * Circles: N(0, I) → the law, with 500 held-out samples.
 *
 * @param overrides parameters of the law, divergence, λ, T, L, held-out count and seed; defaults KL, λ = 0.02, T = 1, L = 1
 * @throws UsageError when a value does not fit
 *
 * *References*: gu2024proximal, grathwohl2019ffjord
 */
export function circles(overrides: CirclesOverrides = {}): ProximalFlow {
  return planarLaw("circles", "Circles", law(overrides.law), ["gu2024proximal", "grathwohl2019ffjord"], overrides);
}
