// The Hamiltonian of a game: H(x, p, m), convex in p, with the derivatives that solvers need. The optimal velocity is
// v* = −∂ₚH; the running cost of moving is the Legendre transform L(x, v, m) = sup_p (−p·v − H), which at v = −∂ₚH is
// p·∂ₚH − H. Families are made by the files beside this one.

/** H and its derivatives at n points. Columns have length n; what a family knows to be 0 must still be written. */
export interface HamiltonianJet {
  /** H. */
  readonly value: Float64Array;
  /** ∂H/∂p_a, d columns. */
  readonly gradient: readonly Float64Array[];
  /** ∂²H/∂p_a∂p_b for a ≤ b, row by row (11, 12, …, 22, …): d(d + 1)/2 columns. */
  readonly hessian: readonly Float64Array[];
  /** ∂H/∂m. */
  readonly byMass: Float64Array;
  /** ∂²H/∂p_a∂m, d columns. */
  readonly gradientByMass: readonly Float64Array[];
}

/** Makes a jet of zeros. */
export function hamiltonianJet(dimension: number, count: number): HamiltonianJet {
  const columns = (n: number) => Array.from({ length: n }, () => new Float64Array(count));
  return {
    value: new Float64Array(count),
    gradient: columns(dimension),
    hessian: columns((dimension * (dimension + 1)) / 2),
    byMass: new Float64Array(count),
    gradientByMass: columns(dimension),
  };
}

/**
 * How H depends on p: a monotone scheme is exact about the first two and must add viscosity to the third.
 *
 * * `radial`: H = φ(t, x, |p|², m) + b(t, x)·p with φ non-decreasing in s = |p|². Upwind: s ↦ Σ_a (D⁺_a)₋² + (D⁻_a)₊², drift by its sign.
 * * `separable`: H = Σ_a φ_a(t, x, p_a, m), each φ_a convex. Upwind by Engquist–Osher (Godunov for convex φ_a).
 * * `general`: anything else; local Lax–Friedrichs.
 */
export type HamiltonianStructure =
  | {
      readonly kind: "radial";
      /** φ is linear in s: ∂²φ/∂s² = 0 for every argument. Default `false`. */
      readonly isLinear?: boolean;
      /** φ, ∂φ/∂s, ∂²φ/∂s², ∂φ/∂m, ∂²φ/∂s∂m at n points: `s` and `m` are columns; all outputs are written. */
      profile(
        t: number,
        points: Float64Array,
        s: Float64Array,
        m: Float64Array,
        out: {
          readonly value: Float64Array;
          readonly slope: Float64Array;
          readonly curvature: Float64Array;
          readonly byMass: Float64Array;
          readonly slopeByMass: Float64Array;
        },
      ): void;
      /** b at n points, d columns; `null` = no drift. */
      readonly drift: ((t: number, points: Float64Array, out: readonly Float64Array[]) => void) | null;
    }
  | {
      readonly kind: "separable";
      /** φ_a, φ_a′, φ_a″, ∂φ_a/∂m, ∂φ_a′/∂m at n points for axis a. */
      part(
        a: number,
        t: number,
        points: Float64Array,
        p: Float64Array,
        m: Float64Array,
        out: {
          readonly value: Float64Array;
          readonly slope: Float64Array;
          readonly curvature: Float64Array;
          readonly byMass: Float64Array;
          readonly slopeByMass: Float64Array;
        },
      ): void;
      /** The p_a at which φ_a is least, n values (±Infinity where it is monotone). */
      least(a: number, t: number, points: Float64Array, m: Float64Array, out: Float64Array): void;
    }
  | { readonly kind: "general" };

/** H(x, p, m). */
export interface Hamiltonian {
  readonly name: string;
  readonly dimension: number;
  /** Formula, one Unicode line without "H =", for example `"½|p|²"`. */
  readonly text: string;
  /** H depends on m. */
  readonly dependsOnMass: boolean;
  /**
   * The matrix (m ∂ₚₚH, ½m ∂ₚ∂ₘH; ·, −∂ₘH) is ≥ 0 for all p and m ≥ 0: beside a monotone coupling the game has at most one
   * equilibrium. `null` = not known, or only up to some m; left out: true where H does not depend on m, else not known.
   */
  readonly isMonotone?: boolean | null;
  /** H depends on t beyond its arguments. */
  readonly dependsOnTime: boolean;
  /** κ when H = κ|p|² exactly, with constant κ and no drift (Cole–Hopf applies); else `null`. */
  readonly quadraticWeight: number | null;
  /** `true` when it can run as tensor operations (a family or an expression, no JavaScript function). */
  readonly isPortable: boolean;
  readonly structure: HamiltonianStructure;
  /**
   * H and derivatives at n points.
   *
   * @param t time
   * @param points row-major, length n·d
   * @param p d columns of length n
   * @param m length n; own density (a value ≥ 0)
   * @param order 0: value only; 1: also gradient and byMass; 2: everything
   */
  evaluate(
    t: number,
    points: Float64Array,
    p: readonly Float64Array[],
    m: Float64Array,
    out: HamiltonianJet,
    order: 0 | 1 | 2,
  ): void;
  /**
   * The formula as an expression of coordinates, t, p1 … pd and m (problem files, tensor ops); `null` for functions.
   */
  readonly expressionText: string | null;
  /** JSON description, enough to make it again. */
  readonly description: Readonly<Record<string, unknown>>;
}
