// Gaussian equilibrium under a logarithmic coupling (P5), any dimension:
//   −∂ₜu − νΔu + |∇u|²/2 = β|x|²/2 + γ ln m,   u(T) = a|x|²/2 − cT
//   m = N(0, (ν/a) I) for all t,   u = a|x|²/2 − ct,   a = (−γ + √(γ² + 4ν²β))/(2ν),   c = νda + (γd/2) ln(a/2πν)
// Ergodic: u = a|x|²/2 − mean, λ̄ = c. The formula is for R^d; on the box walls change u where there is next to nobody.
// Reference: Gomes, Pimentel, Voskanyan 2016 (key gomes2016regularity).
import { demand } from "../../src/error.js";
import { domain } from "../../src/grid/index.js";
import { gaussian } from "../../src/measure/index.js";
import { type MeanFieldGame, meanFieldGame } from "../mean-field-game.js";
import { coordinateNames, couplingField, couplingLog, hamiltonianQuadratic } from "../terms/index.js";
import { demandDimension } from "./dimension.js";
import { demandPositive, isotropicGaussian, REACH, squareDistance } from "./gaussian-equilibrium.js";

export interface LogGaussianOverrides {
  /** d ≥ 1; default 1. */
  readonly dimension?: number;
  /** ν > 0; default 0.5. */
  readonly viscosity?: number;
  /** β > 0; default 1. */
  readonly stiffness?: number;
  /** γ > 0; default 1. */
  readonly weight?: number;
  /** T; default 1. */
  readonly horizon?: number;
  /** Default `"time-dependent"`. */
  readonly mode?: "time-dependent" | "ergodic";
  /** Half side of the box around 0; default 4 standard deviations. */
  readonly halfWidth?: number;
}

/**
 * The Gaussian equilibrium with a logarithmic coupling, and its closed form.
 *
 * @param overrides dimension, ν, β, γ, T, mode and box
 * @throws UsageError when a value does not fit
 *
 * *Notes*: compare on the bulk of m: near the walls ∂ₙu = 0 replaces ∂ₙu = a|x|, in a layer that m hardly sees. The box misses
 * 6e-5 of the mass on each axis; widen it for errors below that, with a scheme that resolves the tails of ln m.
 *
 * *Good values*: the defaults, with standard deviation 0.9.
 *
 * *References*: gomes2016regularity
 */
export function logGaussian(overrides: LogGaussianOverrides = {}): MeanFieldGame {
  const { dimension: d = 1, viscosity: nu = 0.5, stiffness: beta = 1, weight: gamma = 1, horizon = 1 } = overrides;
  const { mode = "time-dependent" } = overrides;
  const where = "logGaussian";
  demandDimension(where, d);
  demandPositive(where, "viscosity", nu, "Use viscosity: 0.5");
  demandPositive(where, "stiffness", beta, "Use stiffness: 1");
  demandPositive(where, "weight", gamma, "Use weight: 1");
  demand(
    mode === "time-dependent" || mode === "ergodic",
    where,
    "mode",
    'be "time-dependent" or "ergodic"',
    mode,
    "Leave it out",
  );
  const a = (-gamma + Math.sqrt(gamma ** 2 + 4 * nu ** 2 * beta)) / (2 * nu);
  const c = nu * d * a + ((gamma * d) / 2) * Math.log(a / (2 * Math.PI * nu));
  const variance = nu / a;
  const half = overrides.halfWidth ?? REACH * Math.sqrt(variance);
  demandPositive(where, "halfWidth", half, "Leave it out");
  const squares = coordinateNames(d)
    .map((x) => `${x}^2`)
    .join(" + ");
  const origin = new Array<number>(d).fill(0);
  const ergodic = mode === "ergodic";
  const shift = (t: number) => (ergodic ? (a * d * half ** 2) / 6 : c * t);
  return meanFieldGame({
    name: "log-gaussian",
    title: `Gaussian equilibrium with a logarithmic coupling in ${d}-D`,
    mode,
    domain: domain({ lower: origin.map(() => -half), upper: origin.map(() => half), ends: "no-flux" }),
    horizon,
    populations: {
      viscosity: nu,
      hamiltonian: hamiltonianQuadratic({ dimension: d }),
      ...(ergodic ? {} : { initial: gaussian({ mean: origin, sd: Math.sqrt(variance) }) }),
    },
    coupling: couplingLog({ dimension: d, weight: gamma, cost: `b*(${squares})`, parameters: { b: beta / 2 } }),
    terminal: ergodic
      ? null
      : couplingField({ dimension: d, cost: `a*(${squares})/2 - shift`, parameters: { a, shift: c * horizon } }),
    exact: {
      value: (t, x) => squareDistance(x, origin).map((r2) => (a * r2) / 2 - shift(t)),
      density: (_t, x) => isotropicGaussian(x, origin, variance),
      ergodicConstant: ergodic ? [c] : null,
    },
    references: ["gomes2016regularity"],
  });
}
