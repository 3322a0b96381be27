// Two bumps of porous medium whose inner fronts wait and then merge, ∂ₜρ = ∂ₓ²ρ^m in 1-D:
//   ρ₀^{m−1} = H cos²(π(x ∓ c)/2w) for |x ∓ c| < w:  near a front A s² with A = H(π/2w)², and never above it
//   until t* = (m − 1)/(2m(m + 1)A) all four fronts stand still: A s²/(1 − t/t*) to the power 1/(m − 1) is a solution above ρ, and ρ grows behind
//   the front; then they move, and the inner two meet
// References: Aronson 1970 (key aronson1970regularity); Vázquez 2007, §14.2 (key vazquez2007porous).
import { demand } from "../../src/error.js";
import { domain } from "../../src/grid/index.js";
import { type GradientFlow, gradientFlow } from "../gradient-flow.js";
import { energy, power } from "../terms/index.js";

export interface MergingBumpsOverrides {
  /** m > 1; default 2. */
  readonly exponent?: number;
  /** t* > 0; default 0.25. */
  readonly waiting?: number;
  /** Gap between the inner fronts, > 0; default 0.4. */
  readonly gap?: number;
  /** T; default 1. */
  readonly horizon?: number;
}

/**
 * Two bumps with a waiting time, of half width 1.
 *
 * @param overrides m, t*, gap, T
 * @returns a gradient flow whose mass is that of ρ₀; fronts at ±gap/2 and ±(gap/2 + 2) until t*
 * @throws UsageError when a value does not fit
 *
 * *Good values*: 400 points.
 *
 * *References*: aronson1970regularity, vazquez2007porous
 */
export function mergingBumps(overrides: MergingBumpsOverrides = {}): GradientFlow {
  const { exponent: m = 2, waiting = 0.25, gap = 0.4, horizon = 1 } = overrides;
  const where = "mergingBumps";
  demand(m > 1 && Number.isFinite(m), where, "exponent", "be finite and > 1", m, "Use exponent: 2");
  for (const [name, value] of [
    ["waiting", waiting],
    ["gap", gap],
    ["horizon", horizon],
  ] as const)
    demand(value > 0 && Number.isFinite(value), where, name, "be finite and > 0", value, `Use ${name}: 0.4`);
  const curvature = (m - 1) / (2 * m * (m + 1) * waiting);
  const height = curvature * (2 / Math.PI) ** 2;
  const centre = gap / 2 + 1;
  const reach = centre + 2.5;
  return gradientFlow({
    name: "merging-bumps",
    title: `Two bumps that wait until t = ${waiting} and merge, m = ${m}`,
    domain: domain({ lower: [-reach], upper: [reach], ends: "no-flux" }),
    horizon,
    energy: energy({ dimension: 1, internal: power(m), convexity: 0 }),
    initial: `(${height}*sin(pi/2*max(0, 1 - abs(abs(x) - ${centre})))^2)^(${1 / (m - 1)})`,
    mass: null,
    references: ["aronson1970regularity", "vazquez2007porous"],
  });
}
