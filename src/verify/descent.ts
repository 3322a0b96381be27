// Laws of Wasserstein gradient flows, ∂ₜρ = div(ρ ∇ δE/δρ).
// Reference: Ambrosio, Gigli, Savaré 2008 (key ambrosio2008gradient); Gu et al. 2024 (key gu2024lipschitz).
import type { Cloud, Distribution, Divergence } from "../measure/index.js";
import type { Problem } from "../problem.js";
import type { DensityProblem } from "./density.js";

interface LawLike {
  readonly text: string;
  readonly density: { evaluate(t: number, points: Float64Array): Float64Array } | null;
  readonly distribution: Distribution | null;
}

/** A gradient flow, as far as laws and reports need to know it. */
export interface DescentLike extends DensityProblem {
  readonly kind: "gradient-flow";
  readonly initial: LawLike;
  readonly mass: number | null;
  /** Samples of the target that no solver sees. */
  readonly heldOut: Cloud | null;
  readonly energy: {
    readonly text: string;
    /** λ of λ-convexity along geodesics; `null` = not known. */
    readonly convexity: number | null;
    /** ∫ q e(ρ/q): q, `null` = 1. */
    readonly internal: { readonly reference: LawLike | null } | null;
    /** D_f^L(·‖Q). */
    readonly divergence: {
      readonly divergence: Divergence;
      readonly lipschitz: number;
      readonly target: LawLike;
    } | null;
    /** W₁ or ½W₂². */
    readonly transport: { readonly order: 1 | 2; readonly target: LawLike } | null;
  };
  readonly exact: {
    readonly density: ((t: number, x: Float64Array) => Float64Array) | null;
    readonly energy: ((t: number) => number) | null;
  } | null;
}

/** Whether a problem is one. */
export function isDescent(problem: Problem): problem is DescentLike {
  return problem.kind === "gradient-flow";
}
