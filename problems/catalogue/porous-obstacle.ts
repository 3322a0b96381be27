// Porous flow round an obstacle: a drop of porous medium slides down V = −gx past a disc in a closed channel,
//   ∂ₜρ = Δρ^m − g ∂ₓρ,   no flux through the walls and the disc;   E = ∫ρ^m/(m − 1) − g∫xρ
//   equilibrium behind:  m/(m − 1) ρ^{m−1} = (gx + const)₊, which is flat across the channel
// Reference: Vázquez 2007 (key vazquez2007porous).
import { demand } from "../../src/error.js";
import { domain } from "../../src/grid/index.js";
import { type GradientFlow, gradientFlow } from "../gradient-flow.js";
import { energy, power } from "../terms/index.js";

export interface PorousObstacleOverrides {
  /** m > 1; default 2. */
  readonly exponent?: number;
  /** g ≥ 0; default 2. */
  readonly drift?: number;
  /** Radius of the disc at 0, 0 < r < 0.9; default 0.35. */
  readonly radius?: number;
  /** T; default 1. */
  readonly horizon?: number;
}

/**
 * A drop of porous medium that flows round a disc in the channel [−2, 2] × [−1, 1].
 *
 * @param overrides m, g, radius, T
 * @throws UsageError when a value does not fit
 *
 * *Good values*: 96 × 48 points; at least four cells between disc and walls.
 *
 * *References*: vazquez2007porous
 */
export function porousObstacle(overrides: PorousObstacleOverrides = {}): GradientFlow {
  const { exponent: m = 2, drift = 2, radius = 0.35, horizon = 1 } = overrides;
  const where = "porousObstacle";
  demand(m > 1 && Number.isFinite(m), where, "exponent", "be finite and > 1", m, "Use exponent: 2");
  demand(drift >= 0 && Number.isFinite(drift), where, "drift", "be finite and ≥ 0", drift, "Use drift: 2");
  demand(radius > 0 && radius < 0.9, where, "radius", "lie between 0 and 0.9", radius, "Use radius: 0.35");
  return gradientFlow({
    name: "porous-obstacle",
    title: "Porous flow round an obstacle",
    domain: domain({
      lower: [-2, -1],
      upper: [2, 1],
      ends: ["no-flux", "no-flux"],
      obstacle: (x) => x[0] ** 2 + x[1] ** 2 < radius ** 2,
      obstacleText: `${radius ** 2} - x^2 - y^2 > 0`,
    }),
    horizon,
    energy: energy({ dimension: 2, internal: power(m), potential: `-${drift}*x` }),
    initial: "max(0, 0.36 - (x + 1.2)^2 - y^2)",
    references: ["vazquez2007porous"],
  });
}
