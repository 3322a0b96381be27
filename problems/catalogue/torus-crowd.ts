// Time-dependent game on the torus:  −∂ₜu − νΔu + |∇u|²/2 = m² − V,  ∂ₜm − νΔm − div(m∇u) = 0,  u(T) = 0.
//   1-D (P3)     V = sin 2πx,                          m₀ = 1 + ½ cos 2πx
//   2-D, 3-D     V = sin 2πx + cos 4πx + sin 2πy (+ sin 2πz),   m₀ = 1
// Monotone and potential. Picard iterations fail on the planar game at ν ≤ 0.1: it is the yardstick of Newton's method.
// References: Achdou, Capuzzo-Dolcetta 2010 (key achdou2010mean); Achdou, Perez 2012 (key achdou2012iterative).
import { type MeanFieldGame, meanFieldGame } from "../mean-field-game.js";
import { couplingLocal, hamiltonianQuadratic } from "../terms/index.js";
import { demandPositive } from "./gaussian-equilibrium.js";
import { demandGridDimension, torusPotential, unitTorus } from "./torus.js";

/** The 1-D game at ν = 0.3, T = 1, computed spectrally: u(0, x) and m(1, x) at x, and the mean of u(0, ·). */
export const torusCrowdValues = Object.freeze({
  viscosity: 0.3,
  horizon: 1,
  x: Object.freeze([0, 0.25, 0.5, 0.75]),
  value: Object.freeze([1.028506406, 0.922369289, 0.953595836, 1.057051548]),
  density: Object.freeze([0.999068397, 1.100594467, 0.999067998, 0.901268758]),
  meanValue: 0.990380552,
});

export interface TorusCrowdOverrides {
  /** 1, 2 or 3; default 2. */
  readonly dimension?: number;
  /** ν > 0; default 0.3. */
  readonly viscosity?: number;
  /** T; default 1. */
  readonly horizon?: number;
}

/**
 * The time-dependent game on the torus.
 *
 * @param overrides dimension, ν, T; defaults (2, 0.3, 1)
 * @throws UsageError when a value does not fit
 *
 * *Good values*: ν = 0.3 easy, 0.1 hard for Picard, 0.02 in need of continuation in ν; 64² cells and 64 steps.
 *
 * *References*: achdou2010mean, achdou2012iterative
 */
export function torusCrowd(overrides: TorusCrowdOverrides = {}): MeanFieldGame {
  const { dimension: d = 2, viscosity = 0.3, horizon = 1 } = overrides;
  const where = "torusCrowd";
  demandGridDimension(where, d);
  demandPositive(where, "viscosity", viscosity, "Use viscosity: 0.3");
  return meanFieldGame({
    name: "torus-crowd",
    title: `A crowd on the torus in ${d}-D`,
    domain: unitTorus(d),
    horizon,
    populations: {
      viscosity,
      hamiltonian: hamiltonianQuadratic({ dimension: d }),
      initial: d === 1 ? "1 + 0.5*cos(2*pi*x)" : 1,
    },
    coupling: couplingLocal({ dimension: d, cost: d === 1 ? "m^2 - sin(2*pi*x)" : `m^2 - (${torusPotential(d)})` }),
    references: ["achdou2010mean", "achdou2012iterative"],
  });
}
