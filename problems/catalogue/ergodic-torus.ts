// Ergodic game on the torus (P1):  −νΔu + κ|∇u|² + V + λ̄ = m²,  −νΔm − 2κ div(m∇u) = 0,  ∫m = 1, ∫u = 0,
//   V = sin 2πx + cos 4πx in 1-D, + sin 2πy in 2-D, + sin 2πz in 3-D (Achdou and Capuzzo-Dolcetta's test in 2-D).
// Monotone and potential: one equilibrium. λ̄ in 2-D to 12 digits stands in ergodicTorusConstants; no closed form of u and m.
// Reference: Achdou, Capuzzo-Dolcetta 2010 (key achdou2010mean).
import { type MeanFieldGame, meanFieldGame } from "../mean-field-game.js";
import { couplingLocal, hamiltonianQuadratic } from "../terms/index.js";
import { demandPositive } from "./gaussian-equilibrium.js";
import { demandGridDimension, torusPotential, unitTorus } from "./torus.js";

/** λ̄ of the planar game, computed spectrally to about 1e-12. */
export const ergodicTorusConstants: readonly {
  readonly viscosity: number;
  readonly weight: number;
  readonly ergodicConstant: number;
}[] = Object.freeze([
  { viscosity: 1, weight: 0.5, ergodicConstant: 0.987624488056 },
  { viscosity: 1, weight: 1, ergodicConstant: 0.978402507071 },
  { viscosity: 0.1, weight: 0.5, ergodicConstant: 1.066652923892 },
  { viscosity: 0.1, weight: 1, ergodicConstant: 1.107293523858 },
]);

export interface ErgodicTorusOverrides {
  /** 1, 2 or 3; default 2. */
  readonly dimension?: number;
  /** ν > 0; default 0.1. */
  readonly viscosity?: number;
  /** κ > 0; default 1. */
  readonly weight?: number;
}

/**
 * The ergodic game on the torus.
 *
 * @param overrides dimension, ν, κ; defaults (2, 0.1, 1)
 * @throws UsageError when a value does not fit
 *
 * *Good values*: ν = 0.1 for order tables (at ν = 1 errors change sign), ν = 1 for quick ones.
 *
 * *References*: achdou2010mean
 */
export function ergodicTorus(overrides: ErgodicTorusOverrides = {}): MeanFieldGame {
  const { dimension: d = 2, viscosity = 0.1, weight = 1 } = overrides;
  const where = "ergodicTorus";
  demandGridDimension(where, d);
  demandPositive(where, "viscosity", viscosity, "Use viscosity: 0.1");
  demandPositive(where, "weight", weight, "Use weight: 1");
  return meanFieldGame({
    name: "ergodic-torus",
    title: `Ergodic game on the torus in ${d}-D`,
    mode: "ergodic",
    domain: unitTorus(d),
    populations: { viscosity, hamiltonian: hamiltonianQuadratic({ dimension: d, weight }) },
    coupling: couplingLocal({ dimension: d, cost: `m^2 - (${torusPotential(d)})` }),
    references: ["achdou2010mean"],
  });
}
