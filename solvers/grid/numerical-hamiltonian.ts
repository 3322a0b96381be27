// Numerical Hamiltonians G(t, x, D, m) of the 2d one-sided differences D = (D₁⁻, D₁⁺, D₂⁻, …) of src/grid/cells.ts: consistent
// with H, non-decreasing in the backward (even) and non-increasing in the forward (odd) differences, convex where H is.
// Their derivatives by D are the upwind velocities of the adjoint Fokker–Planck scheme.
// Reference: Achdou, Capuzzo-Dolcetta 2010 (key achdou2010mean).

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
