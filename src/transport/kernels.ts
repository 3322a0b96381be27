// The numerical kernels of semi-relaxed transport: one interface, a float64 twin on the CPU and a float32 twin on WebGPU.
//   hard min      φᵢ = minⱼ (ψⱼ + h(|xᵢ − Xⱼ|)),   argmin = the smallest j that attains it
//   soft min      φᵢ = −ε log Σⱼ bⱼ exp(−(ψⱼ + hᵢⱼ)/ε)          (reference measure b, the target weights)
//   soft plan     pᵢⱼ = bⱼ exp((φᵢ − ψⱼ − hᵢⱼ)/ε),  Σⱼ pᵢⱼ = 1,   marginal mⱼ = Σᵢ aᵢ pᵢⱼ
//   Hessian       (Kv)ⱼ = (mⱼ vⱼ − Σᵢ aᵢ pᵢⱼ (pᵢ·v)) / ε  ⪰ 0,  minus the second derivative of Σᵢ aᵢ φᵢ in ψ
// The reference b makes the soft min invariant under splitting a target into two copies. A twin may fold it into the potential:
// ψ̃ⱼ = ψⱼ − ε log bⱼ is then smoothed with the counting measure. Every soft min is shifted by its smallest entry, so that no
// exponential overflows. Distances are computed from coordinate differences (never from |x|² + |X|² − 2x·X), which keeps huge offsets exact.
// Reference: Cuturi, Peyré 2018 (semi-dual entropic transport).
import type { Cloud } from "../measure/index.js";
import type { RadialCost } from "./problem.js";

/** φᵢ and the smallest minimising j, for every source point. */
export interface HardTransform {
  readonly values: Float64Array;
  readonly argmin: Int32Array;
}

/** Soft minima φᵢ (length M) and the second marginal of the soft plan (length N, sum Σ aᵢ). */
export interface SoftTransform {
  readonly values: Float64Array;
  readonly marginal: Float64Array;
}

/**
 * Kernels bound to one source (M points, weights a), one target (N points, weights b > 0) and one cost.
 *
 * Arrays that go in are read only and not kept; arrays that come out belong to the caller. ε > 0 in units of the cost.
 * All methods take ψ as float64; a float32 twin should subtract a common shift from ψ before it rounds.
 */
export interface TransportKernels {
  /** M */
  readonly sourceCount: number;
  /** N */
  readonly targetCount: number;
  /** Which twin this is. */
  readonly device: "cpu" | "webgpu";
  /** Adapter name, `null` on the CPU. */
  readonly adapter: string | null;
  /** Relative round-off of the results: 1.1e-16 for float64, 6e-8 for float32. Annealing stops where smoothing meets it. */
  readonly precision: number;
  hardTransform(potential: Float64Array): Promise<HardTransform>;
  softTransform(potential: Float64Array, epsilon: number): Promise<SoftTransform>;
  /** K v at (ψ, ε), length N. The same (ψ, ε) is used for many v in a row: a twin may keep what it can reuse. */
  hessianApply(potential: Float64Array, epsilon: number, vector: Float64Array): Promise<Float64Array>;
  /** Frees device memory; the kernels may not be used afterwards. */
  release(): void;
}

/** What each twin exports: `cpuKernels` in kernels.cpu.ts; the WebGPU twin refuses costs whose `kernel` is `null`. */
export type CreateKernels = (source: Cloud, target: Cloud, cost: RadialCost) => Promise<TransportKernels>;
