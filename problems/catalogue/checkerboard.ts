// Checkerboard. Uniform on the black squares of a board: jumps of the density that no smooth network meets exactly.
//   π: uniform on eight squares of [−4, 4]²
// No closed form; the exact engine on samples is the reference.
// Reference: parameters: Grathwohl et al. 2019 (key grathwohl2019ffjord).
import { checkerboard as law } from "../../src/measure/index.js";
import type { ProximalFlow } from "../proximal-flow.js";
import { type PlanarOverrides, planarLaw } from "./planar-law.js";

export interface CheckerboardOverrides extends PlanarOverrides {
  /** Parameters of the law, see `checkerboard` of meanfield. */
  readonly law?: Parameters<typeof law>[0];
}

/**
 * Checkerboard: N(0, I) → the law, with 500 held-out samples.
 *
 * @param overrides parameters of the law, divergence, λ, T, L, held-out count and seed; defaults KL, λ = 0.02, T = 1, L = 1
 * @throws UsageError when a value does not fit
 *
 * *References*: gu2024proximal, grathwohl2019ffjord
 */
export function checkerboard(overrides: CheckerboardOverrides = {}): ProximalFlow {
  return planarLaw(
    "checkerboard",
    "Checkerboard",
    law(overrides.law),
    ["gu2024proximal", "grathwohl2019ffjord"],
    overrides,
  );
}
