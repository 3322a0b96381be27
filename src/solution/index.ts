// Solution: what came out, one shape for every family.
import type { NdArray } from "ndarray";
import type { DeviceUse } from "../device/index.js";
import type { Cloud, Density } from "../measure/index.js";
import type { Problem } from "../problem.js";

export * from "./descent.js";
export * from "./game.js";
export * from "./history.js";

export type Family = "grid" | "particle" | "neural";

/** Why an iteration ended. `text` is advice, for example what to try when not converged. */
export interface Status {
  readonly converged: boolean;
  readonly text: string;
}

/** One recorded history: `values[k]` at outer iteration `iterations[k]`. Undamped residuals only. */
export interface History {
  readonly name: string;
  readonly iterations: readonly number[];
  readonly values: readonly number[];
}

/** Primal and dual objective; `null` = not measured. `gap = primal − dual ≥ 0` up to round-off when both are certified. */
export interface Objective {
  readonly primal: number | null;
  readonly dual: number | null;
  readonly gap: number | null;
}

/** Sampled paths. `positions[(k * count + i) * dimension + a]` is coordinate a of path i at `times[k]`. */
export interface Trajectories {
  readonly count: number;
  readonly dimension: number;
  readonly times: Float64Array;
  readonly positions: Float64Array;
  /** Weights of the paths, sum 1; `null` = uniform. */
  readonly weights: Float64Array | null;
}

export interface TrajectoryOptions {
  /** Number of paths; default 256 (or the whole cloud of a particle solution). Ignored when `start` is given. */
  readonly count?: number;
  /** Number of Euler steps and of stored intervals over [0, T]; default 20. */
  readonly steps?: number;
  /** Seed of the starting points; default the solution's seed. */
  readonly seed?: number;
  /** Starting points at t = 0 instead of draws from the source. */
  readonly start?: Cloud;
}

export interface SolverRecord {
  readonly name: string;
  readonly family: Family;
  readonly order: number | null;
  readonly references: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * What came out of a solver.
 *
 * Points are row-major `Float64Array`s of length n·d. Every function of time accepts any t ∈ [0, T].
 */
export interface Solution<P extends Problem = Problem> {
  readonly family: Family;
  readonly problem: P;
  readonly solver: SolverRecord;
  readonly status: Status;
  readonly histories: readonly History[];
  readonly objective: Objective;
  /** Iterations, evaluations, network steps, … */
  readonly counts: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly seed: number;
  readonly device: DeviceUse;
  readonly version: string;
  /** Law of the state at time t: a density on a grid, or a cloud. */
  density(t: number): Density | Cloud;
  /** Potential U(t, x) at n points; length n. */
  value(t: number, x: Float64Array): Float64Array;
  /** Optimal velocity v*(t, x) = −∂ₚH(∇U) at n points; length n·d. */
  velocity(t: number, x: Float64Array): Float64Array;
  /** Paths of dX = v dt (+ √(2ν) dW). */
  trajectories(options?: TrajectoryOptions): Trajectories;
  /** Terminal cost's first variation φ* (critic) at n points and its gradient; `null` where the family has none. */
  readonly critic: Critic | null;
  /** Named arrays for fields.npz. */
  arrays(): Record<string, NdArray<Float64Array>>;
}

/** The dual potential φ* of the terminal divergence. */
export interface Critic {
  value(x: Float64Array): Float64Array;
  gradient(x: Float64Array): Float64Array;
  /** Certified Lipschitz bound, or `null` when none is certified. */
  readonly certifiedLipschitz: number | null;
}
