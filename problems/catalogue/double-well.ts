// A law that escapes from one well of V = (x² − 1)²/4 + ½Σ_{a>1} x_a² to both: the flow of E = D∫(ρ log ρ − ρ) + ∫Vρ,
//   ∂ₜρ = DΔρ + div(ρ∇V),   equilibrium e^{−V/D}/Z on the box;  escape over the barrier ¼ takes ~ π√2 e^{1/(4D)} (Kramers)
// Reference: Risken 1996, §5.10 (key risken1996fokker).
import { demand } from "../../src/error.js";
import { domain } from "../../src/grid/index.js";
import { gaussian, gaussianReach } from "../../src/measure/index.js";
import { type GradientFlow, gradientFlow } from "../gradient-flow.js";
import { coordinateNames, energy, entropy } from "../terms/index.js";
import { demandBox } from "./wall-drift.js";

export interface DoubleWellOverrides {
  /** d: 1, 2 or 3; default 1. */
  readonly dimension?: number;
  /** D > 0; default 0.1. */
  readonly diffusion?: number;
  /** T; default 4. */
  readonly horizon?: number;
}

/** Standard deviation of ρ₀. */
const SD = 0.2;

/**
 * The double well as a gradient flow, from a Gaussian in its left well.
 *
 * @param overrides d, D, T
 * @throws UsageError when a value does not fit
 *
 * *Good values*: D from 0.05 to 0.5; 128 points in 1-D, 64 an axis in 2-D.
 *
 * *References*: risken1996fokker
 */
export function doubleWell(overrides: DoubleWellOverrides = {}): GradientFlow {
  const { dimension: d = 1, diffusion = 0.1, horizon = 4 } = overrides;
  const where = "doubleWell";
  demandBox(where, d);
  demand(
    diffusion > 0 && Number.isFinite(diffusion),
    where,
    "diffusion",
    "be finite and > 0",
    diffusion,
    "Use diffusion: 0.1",
  );
  const others = coordinateNames(d)
    .slice(1)
    .map((x) => ` + ${x}^2/2`)
    .join("");
  // V/D ≥ 20 on the walls, e^{−20} of the density, and ρ₀ fits in.
  const start = gaussianReach(d) * SD;
  const reach = Math.max(1 + start, Math.sqrt(1 + Math.sqrt(80 * diffusion)));
  const side = Math.max(start, Math.sqrt(40 * diffusion));
  return gradientFlow({
    name: "double-well",
    title: `Double well in ${d}-D`,
    domain: domain({
      lower: Array.from({ length: d }, (_, a) => (a === 0 ? -reach : -side)),
      upper: Array.from({ length: d }, (_, a) => (a === 0 ? reach : side)),
      ends: Array(d).fill("no-flux"),
    }),
    horizon,
    energy: energy({ dimension: d, internal: entropy(diffusion), potential: `(x^2 - 1)^2/4${others}`, convexity: -1 }),
    initial: gaussian({ mean: Float64Array.from({ length: d }, (_, a) => (a === 0 ? -1 : 0)), sd: SD }),
    references: ["risken1996fokker"],
  });
}
