// Pinwheel. Five sheared Gaussian arms, N(0, I) → pinwheel.
//   π: f ~ N((1, 0), diag(0.3², 0.1²)) turned by −(2πk/5 + 0.25 e^{f₁}), ×1.4
// No closed form; the exact engine on samples is the reference.
// Reference: Gu, Katsoulakis, Rey-Bellet, Zhang 2024 (key gu2024proximal).
import { pinwheel as law } from "../../src/measure/index.js";
import type { ProximalFlow } from "../proximal-flow.js";
import { type PlanarOverrides, planarLaw } from "./planar-law.js";

export interface PinwheelOverrides extends PlanarOverrides {
  /** Parameters of the law, see `pinwheel` of meanfield. */
  readonly law?: Parameters<typeof law>[0];
}

/**
 * Pinwheel: N(0, I) → the law, with 500 held-out samples.
 *
 * @param overrides parameters of the law, divergence, λ, T, L, held-out count and seed; defaults KL, λ = 0.02, T = 1, L = 1
 * @throws UsageError when a value does not fit
 *
 * *References*: gu2024proximal
 */
export function pinwheel(overrides: PinwheelOverrides = {}): ProximalFlow {
  return planarLaw("pinwheel", "Pinwheel", law(overrides.law), ["gu2024proximal"], overrides);
}
