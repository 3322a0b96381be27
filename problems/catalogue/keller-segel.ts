// Keller–Segel's model of chemotaxis in the plane, ∂ₜρ = Δρ − χ div(ρ∇c), −Δc = ρ: the flow of
//   E = ∫(ρ log ρ − ρ) + ½∬W(x − y)ρρ,   W = (χ/2π) log |x|:  c = −(1/2π) log|x| ∗ ρ, and −∇W∗ρ = χ∇c
// Virial identity: with ξ = log ρ + W∗ρ,  d/dt ∫|x|²ρ = −2∫ρ x·∇ξ = 4M − 2·½∬(x − y)·∇W ρρ, and z·∇W = χ/2π, so that
//   ∫|x|²ρ(t) = ∫|x|²ρ₀ + 4M(1 − χM/8π) t   in the whole plane: mass above 8π/χ must blow up, mass below spreads.
// Reference: Blanchet, Dolbeault, Perthame 2006 (key blanchet2006two).
import { demand } from "../../src/error.js";
import { domain } from "../../src/grid/index.js";
import { gaussian } from "../../src/measure/index.js";
import { type GradientFlow, gradientFlow } from "../gradient-flow.js";
import { energy, entropy } from "../terms/index.js";

export interface KellerSegelOverrides {
  /** Mass in units of the critical one, 8π/χ; default 0.5. Above 1 the solution blows up. */
  readonly share?: number;
  /** χ > 0; default 1. */
  readonly sensitivity?: number;
  /** Standard deviation of ρ₀, > 0; default 0.5. */
  readonly sd?: number;
  /** T; default 0.25. */
  readonly horizon?: number;
  /** Half the side of the square; default 6 √(sd² + 2T). */
  readonly halfWidth?: number;
}

/**
 * Keller–Segel's model from a Gaussian of a given share of the critical mass.
 *
 * @param overrides share, χ, sd, T, half width
 * @throws UsageError when a value does not fit
 *
 * *Notes*: solvers take the mean of log|x| over a cell at 0. The second moment's law is {@link kellerSegelMoment}.
 *
 * *Good values*: share 0.5 with 64 points an axis.
 *
 * *References*: blanchet2006two
 */
export function kellerSegel(overrides: KellerSegelOverrides = {}): GradientFlow {
  const { share = 0.5, sensitivity = 1, sd = 0.5, horizon = 0.25 } = overrides;
  const halfWidth = overrides.halfWidth ?? 6 * Math.sqrt(sd * sd + 2 * horizon);
  for (const [name, value] of [
    ["share", share],
    ["sensitivity", sensitivity],
    ["sd", sd],
    ["horizon", horizon],
    ["halfWidth", halfWidth],
  ] as const)
    demand(value > 0 && Number.isFinite(value), "kellerSegel", name, "be finite and > 0", value, `Use ${name}: 0.5`);
  return gradientFlow({
    name: "keller-segel",
    title: `Keller–Segel's chemotaxis at ${share} of the critical mass`,
    domain: domain({
      lower: [-halfWidth, -halfWidth],
      upper: [halfWidth, halfWidth],
      ends: ["no-flux", "no-flux"],
    }),
    horizon,
    energy: energy({
      dimension: 2,
      internal: entropy(),
      interaction: `${sensitivity / (4 * Math.PI)}*log(x^2 + y^2)`,
    }),
    initial: gaussian({ mean: new Float64Array(2), sd }),
    mass: (share * 8 * Math.PI) / sensitivity,
    references: ["blanchet2006two"],
  });
}

/**
 * ∫|x|²ρ(t) of Keller–Segel's model in the whole plane.
 *
 * @param start ∫|x|²ρ₀
 * @param mass M
 * @param sensitivity χ
 *
 * *References*: blanchet2006two
 */
export function kellerSegelMoment(start: number, mass: number, sensitivity: number, t: number): number {
  return start + 4 * mass * (1 - (sensitivity * mass) / (8 * Math.PI)) * t;
}
