// Numerical Hamiltonians G(t, x, D, m) of the 2d one-sided differences D = (D₁⁻, D₁⁺, D₂⁻, …) of src/grid/cells.ts: consistent
// with H, non-decreasing in the backward (even) and non-increasing in the forward (odd) differences, convex where H is.
// Their derivatives by D are the upwind velocities of the adjoint Fokker–Planck scheme.
// Schemes: upwind (radial: of |p|²; separable: Engquist–Osher; else Lax–Friedrichs), central (second order), Lax–Friedrichs.
// Reference: Achdou, Capuzzo-Dolcetta 2010 (key achdou2010mean).
import { type Hamiltonian, hamiltonianJet } from "../../../problems/terms/index.js";
import { demand } from "../../../src/error.js";
import type { Cells } from "../../../src/grid/index.js";
import { generator } from "../../../src/random/index.js";
import { central, laxFriedrichs } from "./numerical-hamiltonian-mean.js";
import { upwindQuadratic } from "./numerical-hamiltonian-quadratic.js";
import { upwindRadial } from "./numerical-hamiltonian-radial.js";
import { upwindSeparable } from "./numerical-hamiltonian-separable.js";

/** G and its derivatives on one slab. */
export interface NumericalJet {
  /** G. */
  readonly value: Float64Array;
  /** ∂G/∂D_j, 2d fields: ≥ 0 for even j, ≤ 0 for odd j. */
  readonly slope: readonly Float64Array[];
  /** ∂²G/∂D_i∂D_j for i ≤ j, row by row: d(2d + 1) fields; `null` where it is 0 for every argument. */
  readonly curvature: readonly (Float64Array | null)[];
  /** ∂G/∂m; `null` when H does not depend on m. */
  readonly byMass: Float64Array | null;
  /** ∂²G/∂D_j∂m, 2d fields; `null` when H does not depend on m. */
  readonly slopeByMass: readonly Float64Array[] | null;
}

/** A numerical Hamiltonian bound to cells. It keeps scratch, so it serves one caller at a time. */
export interface NumericalHamiltonian {
  readonly name: string;
  /** A jet with the arrays that this Hamiltonian fills. */
  jet(): NumericalJet;
  /**
   * G and derivatives on a slab; solid cells get 0.
   *
   * @param differences 2d fields
   * @param m density on the slab
   * @param order 0: value; 1: also slope and byMass; 2: everything
   */
  evaluate(t: number, differences: readonly Float64Array[], m: Float64Array, out: NumericalJet, order: 0 | 1 | 2): void;
}

/** How H is put on one-sided differences. */
export type NumericalHamiltonianScheme = "upwind" | "lax-friedrichs" | "central";

export interface NumericalHamiltonianOptions {
  /** Default `"upwind"`; for a Hamiltonian of structure `general` that is Lax–Friedrichs. */
  readonly scheme?: NumericalHamiltonianScheme;
  /**
   * α of Lax–Friedrichs: a bound of |∂H/∂p_a|, one number or one an axis. Default: the largest |∂H/∂p_a| found at 4096 seeded points
   * with |p_b| ≤ 4 and m = 1.
   */
  readonly slopeBound?: number | readonly number[];
}

/**
 * Puts a Hamiltonian on cells.
 *
 * @returns G with exact derivatives; its `name` is the scheme in use, `"lax-friedrichs"` where upwind falls back to it
 * @throws UsageError when dimensions differ or an option does not fit
 *
 * *Notes*: upwind and Lax–Friedrichs are of first order and monotone, Lax–Friedrichs only while |∂H/∂p_a| ≤ α_a: ask
 * {@link monotonicityDefect} of the jet reached. Central is of second order and not monotone.
 *
 * *Good values*: upwind; central where |∂ₚH| h < 2ν.
 *
 * *References*: achdou2010mean, engquist1981one, crandall1984two
 */
export function numericalHamiltonian(
  h: Hamiltonian,
  c: Cells,
  options: NumericalHamiltonianOptions = {},
): NumericalHamiltonian {
  const where = "numericalHamiltonian";
  const { scheme = "upwind", slopeBound } = options;
  const d = c.grid.dimension;
  demand(
    h.dimension === d,
    where,
    "hamiltonian",
    `live in the cells' dimension ${d}`,
    h.dimension,
    "Give every term in the same dimension",
  );
  demand(
    scheme === "upwind" || scheme === "central" || scheme === "lax-friedrichs",
    where,
    "scheme",
    'be "upwind", "lax-friedrichs" or "central"',
    scheme,
    'Use scheme: "upwind"',
  );
  const bounds = typeof slopeBound === "number" ? Array<number>(d).fill(slopeBound) : slopeBound;
  demand(
    bounds === undefined || (bounds.length === d && bounds.every((b) => b >= 0 && Number.isFinite(b))),
    where,
    "slopeBound",
    `be a number ≥ 0, or ${d} of them`,
    slopeBound,
    "Bound |∂H/∂p_a| over the momenta that you expect",
  );
  if (scheme === "central") return central(h, c);
  if (scheme === "upwind" && h.quadraticWeight !== null) return upwindQuadratic(h.quadraticWeight, c);
  const { structure } = h;
  if (scheme === "upwind" && structure.kind === "radial") return upwindRadial(h, structure, c);
  if (scheme === "upwind" && structure.kind === "separable") return upwindSeparable(h, structure, c);
  return laxFriedrichs(h, c, bounds ?? sampledSlopeBound(h, c));
}

/**
 * How far slopes have the wrong sign: max over cells and links of (−∂G/∂D_j for backward, ∂G/∂D_j for forward j), at least 0.
 * 0 = the scheme is monotone at this jet.
 */
export function monotonicityDefect(jet: NumericalJet): number {
  let worst = 0;
  jet.slope.forEach((s, j) => {
    const sign = j % 2 === 0 ? -1 : 1;
    for (let k = 0; k < s.length; k++) worst = Math.max(worst, sign * s[k]);
  });
  return worst;
}

/** Largest |∂H/∂p_a| at seeded cells and momenta in [−4, 4]^d. */
function sampledSlopeBound(h: Hamiltonian, c: Cells): number[] {
  const n = 4096;
  const d = h.dimension;
  const draw = generator(1);
  const cell = draw.integer(n, c.grid.size);
  const points = Float64Array.from({ length: n * d }, (_, i) => c.points[cell[Math.floor(i / d)] * d + (i % d)]);
  const p = Array.from({ length: d }, () => draw.uniform(n).map((u) => 8 * u - 4));
  // corners of the box of momenta: a convex H has its largest slopes there
  for (let i = 0; i < n / 2; i++) for (let a = 0; a < d; a++) p[a][i] = (i >> a) % 2 === 0 ? 4 : -4;
  const jet = hamiltonianJet(d, n);
  h.evaluate(0, points, p, new Float64Array(n).fill(1), jet, 1);
  return jet.gradient.map((g) => g.reduce((max, x) => Math.max(max, Math.abs(x)), 0));
}
