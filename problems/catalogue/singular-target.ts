// A target without a density: the uniform law on two circles, or a point, from N(0, 0.36 I) in the plane. D_f is infinite for every density,
// D_f^L ≤ L W₁ is not: with L < ∞ the flow is finite, positive and moves at speed ≤ L; with L = ∞ it is ill-posed, and says so.
// Reference: Gu et al. 2024 (key gu2024lipschitz).
import { usageError } from "../../src/error.js";
import { domain } from "../../src/grid/index.js";
import { circles, type Divergence, dirac, gaussian, kullbackLeibler } from "../../src/measure/index.js";
import { type GradientFlow, gradientFlow } from "../gradient-flow.js";
import { lipschitzDivergence } from "../terms/index.js";

export interface SingularTargetOverrides {
  /** `"circles"` of radius 1 and 2 about 0, or `"point"`, (1, 0); default `"circles"`. */
  readonly target?: "circles" | "point";
  /** D_f; default Kullback–Leibler. */
  readonly divergence?: Divergence;
  /** L > 0; default 1. */
  readonly lipschitz?: number;
  /** T; default 1. */
  readonly horizon?: number;
}

/**
 * The flow to a curve, or to a point, in the plane.
 *
 * @param overrides target, divergence, L, T
 * @throws UsageError when the target is neither of the two
 *
 * *Good values*: the defaults; 48² points.
 *
 * *References*: gu2024lipschitz
 */
export function singularTarget(overrides: SingularTargetOverrides = {}): GradientFlow {
  const { target = "circles", divergence = kullbackLeibler(), lipschitz = 1, horizon = 1 } = overrides;
  if (target !== "circles" && target !== "point")
    throw usageError("singularTarget", "target", 'be "circles" or "point"', target, 'Use target: "circles"');
  return gradientFlow({
    name: "singular-target",
    title: target === "circles" ? "Singular target: two circles in the plane" : "Singular target: a point in the plane",
    domain: domain({ lower: [-4, -4], upper: [4, 4], ends: "no-flux" }),
    horizon,
    energy: lipschitzDivergence({
      dimension: 2,
      divergence,
      lipschitz,
      target: target === "circles" ? circles({ noise: 0, scale: 2 }) : dirac([1, 0]),
    }),
    initial: gaussian({ mean: [0, 0], sd: 0.6 }),
    references: ["gu2024lipschitz"],
  });
}
