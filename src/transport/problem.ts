// Semi-relaxed transport, the terms of the problem and of its result.
//   primal   min over π ≥ 0 with π1 = a of  ⟨h, π⟩ + D_f(πᵀ1 ‖ b),        h(r) a radial cost, r = |xᵢ − Xⱼ|
//   dual     max over ψ of  Σᵢ aᵢ minⱼ(ψⱼ + hᵢⱼ) − Σⱼ bⱼ f*(ψⱼ)           (KL: − log Σⱼ bⱼ e^{ψⱼ}, which removes the free constant)
// Plain transport (rigid) prescribes πᵀ1 = b. Optimality: π lives on minimising pairs and πᵀ1 = b (f*)′(ψ).
import type { DeviceRequest, DeviceUse } from "../device/index.js";
import type { Cloud, Divergence } from "../measure/index.js";
import type { History, Objective, Status } from "../solution/index.js";

/** A radial cost h(r), r = |x − y| ≥ 0, convex and nondecreasing, h(0) = 0. */
export interface RadialCost {
  readonly name: string;
  readonly description: Readonly<Record<string, unknown>>;
  h(r: number): number;
  /** h′(r) */
  derivative(r: number): number;
  /** Parameters by which the kernels recognise the built-in families; `null` for a user-given function (CPU only). */
  readonly kernel: {
    readonly kind: "linear" | "quadratic" | "huber";
    readonly stiffness: number;
    readonly slope: number;
  } | null;
}

export interface TransportProblem {
  /** P with weights a, M points. */
  readonly source: Cloud;
  /** Q with weights b, N points. */
  readonly target: Cloud;
  readonly cost: RadialCost;
  readonly divergence: Divergence;
}

export interface TransportOptions {
  /** Where the smoothed ascent runs; default `"cpu"`. Polishing and the certificate are always float64 on the CPU. */
  readonly device?: DeviceRequest;
  /** Converged when gap ≤ tolerance × max(1, |primal|); without polishing: when ‖m − b(f*)′(ψ)‖₁ ≤ tolerance. Default 1e-9. */
  readonly tolerance?: number;
  /**
   * Smallest entropic smoothing ε in (0, 1], relative to the largest spread of costs seen from a source point;
   * default 0.2/N before polishing, 0.01 without.
   */
  readonly smoothing?: number;
  /** Solve the unsmoothed problem exactly after annealing; default true. */
  readonly polish?: boolean;
  /** Newton steps of the smoothed ascent in all; default 400. */
  readonly maxIterations?: number;
  readonly signal?: AbortSignal | null;
  /** Called at every step of the smoothed ascent with gap NaN, and once at the end with the certified gap (NaN when unmeasured). */
  readonly onProgress?: (iteration: number, gap: number) => void;
}

/** A sparse plan: mass[k] goes from source point from[k] to target point to[k]. */
export interface TransportPlan {
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly mass: Float64Array;
}

export interface TransportResult {
  /** ψ, length N: φ*(y) = minⱼ(ψⱼ + h(|y − Xⱼ|)). +∞ at a target of weight 0, which takes no mass. */
  readonly potential: Float64Array;
  readonly plan: TransportPlan;
  /** Second marginal R of the plan, length N. */
  readonly marginal: Float64Array;
  readonly objective: Objective;
  readonly status: Status;
  readonly histories: readonly History[];
  readonly counts: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly device: DeviceUse;
}
