// Two moons. Two interleaving half circles with noise, N(0, I) → moons: the standard picture of a flow that must split and bend.
//   π: γ₁(θ) = (cos θ, sin θ),  γ₂(θ) = (1 − cos θ, ½ − sin θ),  θ ~ U(0, π), noise 0.05, −(0.5, 0.2), ×4.2
// No closed form; the exact engine on samples is the reference.
// Reference: Gu, Katsoulakis, Rey-Bellet, Zhang 2024 (key gu2024proximal).
import { twoMoons as law } from "../../src/measure/index.js";
import type { ProximalFlow } from "../proximal-flow.js";
import { type PlanarOverrides, planarLaw } from "./planar-law.js";

export interface TwoMoonsOverrides extends PlanarOverrides {
  /** Parameters of the law, see `twoMoons` of meanfield. */
  readonly law?: Parameters<typeof law>[0];
}

/**
 * Two moons: N(0, I) → the law, with 500 held-out samples.
 *
 * @param overrides parameters of the law, divergence, λ, T, L, held-out count and seed; defaults KL, λ = 0.02, T = 1, L = 1
 * @throws UsageError when a value does not fit
 *
 * *References*: gu2024proximal
 */
export function twoMoons(overrides: TwoMoonsOverrides = {}): ProximalFlow {
  return planarLaw("two-moons", "Two moons", law(overrides.law), ["gu2024proximal"], overrides);
}
