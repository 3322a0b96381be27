// Drift against a wall (P8): on the unit box, d = 1, 2, 3, no flux through any side,
//   ∂ₜρ = Δρ − γ ∂ₓρ,    ρ = e^{−at + γx/2} (π cos πx + (γ/2) sin πx) + π e^{γ(x − ½)},    a = π² + γ²/4.
// The first part carries no mass and decays; the second is the equilibrium. Flux of the first: e^{−at + γx/2} a sin πx, which vanishes
// at x = 0 and 1 and whose divergence is a times it; ρ ≥ 0, and ρ(0) = 0 at x = 1. Mass 2π sinh(γ/2)/γ.
// The drift is given as a field, so that schemes meet it without knowing its potential −γx.
// Reference: Risken 1996, §5 (key risken1996fokker).
import { demand } from "../../src/error.js";
import { domain } from "../../src/grid/index.js";
import { type FokkerPlanck, fokkerPlanckProblem } from "../fokker-planck.js";

export interface WallDriftOverrides {
  /** 1, 2 or 3; default 2. */
  readonly dimension?: number;
  /** γ ≠ 0; default 1. */
  readonly drift?: number;
  /** T; default 0.1. */
  readonly horizon?: number;
}

/**
 * Drift against a wall, with its closed form in time.
 *
 * @param overrides dimension, γ, T
 * @throws UsageError when a value does not fit
 *
 * *Good values*: γ = 1, T = 0.1, where the two parts are of one size.
 *
 * *References*: risken1996fokker
 */
export function wallDrift(overrides: WallDriftOverrides = {}): FokkerPlanck {
  const { dimension: d = 2, drift: gamma = 1, horizon = 0.1 } = overrides;
  demandBox("wallDrift", d);
  demand(
    Number.isFinite(gamma) && gamma !== 0,
    "wallDrift",
    "drift",
    "be finite and not 0",
    gamma,
    "Use drift: 1 to start",
  );
  const a = Math.PI ** 2 + gamma ** 2 / 4;
  const at = (t: number, x: number): number =>
    Math.exp(-a * t + (gamma * x) / 2) * (Math.PI * Math.cos(Math.PI * x) + (gamma / 2) * Math.sin(Math.PI * x)) +
    Math.PI * Math.exp(gamma * (x - 0.5));
  return fokkerPlanckProblem({
    name: "wall-drift",
    title: `Drift against a wall in ${d}-D`,
    domain: domain({ lower: Array(d).fill(0), upper: Array(d).fill(1), ends: Array(d).fill("no-flux") }),
    horizon,
    diffusion: 1,
    drift: [gamma, 0, 0].slice(0, d),
    initial: "exp(g*x/2)*(pi*cos(pi*x) + g/2*sin(pi*x)) + pi*exp(g*(x - 0.5))".replaceAll("g", `(${gamma})`),
    exact: {
      density: (t, x) => Float64Array.from({ length: x.length / d }, (_, i) => at(t, x[i * d])),
    },
    references: ["risken1996fokker"],
  });
}

/** Throws unless a box on which grids work. */
export function demandBox(where: string, d: number): void {
  demand(Number.isInteger(d) && d >= 1 && d <= 3, where, "dimension", "be 1, 2 or 3", d, "Use dimension: 2");
}
