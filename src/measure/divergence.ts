// f-divergences D_f(R‖Q) = E_Q f(dR/dQ), f convex, f(1) = 0, with the conjugates f* that the dual problems use.

/** One f-divergence as plain functions; y is a dual potential value. */
export interface Divergence {
  /** Report name, for example `"KL"`, `"α = 2"`. */
  readonly name: string;
  /** JSON description, for example `{ kind: "alpha", alpha: 2 }`. */
  readonly description: Readonly<Record<string, unknown>>;
  /** f(r) for r ≥ 0; +∞ outside the domain. */
  f(r: number): number;
  /** f*(y) = sup_r (r y − f(r)); +∞ outside the domain. */
  conjugate(y: number): number;
  /** (f*)′(y) ≥ 0: the optimal ratio dR/dQ. */
  conjugateDerivative(y: number): number;
  /** (f*)″(y) ≥ 0. */
  conjugateSecondDerivative(y: number): number;
  /** f* is finite for y < conjugateDomain (Infinity when everywhere). */
  readonly conjugateDomain: number;
  /** `true` for KL only: the objective may use log-mean-exp, which removes the free constant. */
  readonly logMeanExp: boolean;
  /** `true` for plain transport (f = 0 at 1, ∞ elsewhere): both marginals are prescribed. */
  readonly rigid: boolean;
}
