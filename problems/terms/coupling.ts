// A coupling: a cost that depends on the state and on the crowd, f_k(t, x, m₁, …, m_K) for population k. Running costs f and
// terminal costs g are both couplings. On a grid it acts on whole slabs, so that nonlocal couplings can be convolutions; on
// particles and networks it sees the crowd as clouds with density values.
import type { Cells } from "../../src/grid/index.js";
import type { Cloud } from "../../src/measure/index.js";

/** A coupling bound to cells. Slabs are one field for each population. It keeps scratch, so it serves one caller at a time. */
export interface GridCoupling {
  /** out[k] ← f_k(t, ·, m) for every population. */
  evaluate(t: number, m: readonly Float64Array[], out: readonly Float64Array[]): void;
  /** The derivative of f at m; valid until the next call. */
  linearise(t: number, m: readonly Float64Array[]): CouplingDerivative;
}

/** δm ↦ (∂f/∂m) δm on one slab. */
export interface CouplingDerivative {
  /** out[k] ← Σ_l (∂f_k/∂m_l) δm_l. */
  apply(dm: readonly Float64Array[], out: readonly Float64Array[]): void;
  /** out[l] ← Σ_k (∂f_k/∂m_l)ᵀ w_k. */
  applyTranspose(w: readonly Float64Array[], out: readonly Float64Array[]): void;
  /** ∂f_k/∂m_l at every cell, at `[k * K + l]`, when f is local (fresh arrays that the caller may keep); `null` when it is not. */
  readonly local: readonly Float64Array[] | null;
}

/** The crowd as particles see it. */
export interface Crowd {
  /** Law of each population. */
  readonly laws: readonly Cloud[];
  /** Density of each population at the points asked about; `null` when the caller has no density estimate. */
  readonly densities: readonly Float64Array[] | null;
  /** Mass of each population, the laws' weights being shares of it; default 1 each. */
  readonly masses?: readonly number[];
}

/** f_k(t, x, m). */
export interface Coupling {
  readonly name: string;
  readonly dimension: number;
  readonly populations: number;
  /** Formula, one Unicode line a population, without "f =". */
  readonly text: readonly string[];
  /** Lasry–Lions: ∫ Σ_k (f_k(m) − f_k(m′)) (m_k − m′_k) ≥ 0 for all m, m′. `null` = not known. */
  readonly isMonotone: boolean | null;
  /** f = δF/δm for some functional F. `null` = not known. */
  readonly isPotential: boolean | null;
  /** Depends on m at all. */
  readonly dependsOnMass: boolean;
  /** f is a quadratic function of x and of the mean of m only (linear–quadratic games). */
  readonly isQuadratic: boolean;
  /** `false`: f at x depends on m at x alone. */
  readonly isNonlocal: boolean;
  /** `true` when it can run as tensor operations. */
  readonly isPortable: boolean;
  /** Smallest density at which f is defined: f needs m > 0 (log) or m ≥ 0 … < cap. `[0, Infinity]` for most. */
  readonly massRange: readonly [number, number];
  /** Binds to cells; work that depends on the cells alone (transforms of kernels) is done here. */
  on(cells: Cells): GridCoupling;
  /**
   * F(t, m) with f = δF/δm, on cells; `null` when f is not the derivative of a functional that is known in closed form.
   */
  potentialOn(cells: Cells): ((t: number, m: readonly Float64Array[]) => number) | null;
  /**
   * f_k at points of population k.
   *
   * @param t time
   * @param k population
   * @param points row-major, n·d
   * @param crowd laws and densities at these points
   * @returns n values
   * @throws UsageError when a density is needed and not given
   */
  at(t: number, k: number, points: Float64Array, crowd: Crowd): Float64Array;
  /** f_k as expressions of coordinates, t and m1 … mK (m for one population); `null` when it is not local or given by a function. */
  readonly expressionText: readonly string[] | null;
  /** JSON description, enough to make it again. */
  readonly description: Readonly<Record<string, unknown>>;
}
