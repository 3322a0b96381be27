// Solver: a value made by a factory with one options object. It says HOW.
import type { DeviceRequest } from "./device/index.js";
import type { Problem } from "./problem.js";
import type { Family, Solution } from "./solution/index.js";

/** One progress line. `fraction` ∈ [0, 1] when known. */
export interface Progress {
  readonly stage: string;
  readonly iteration: number;
  readonly fraction: number | null;
  readonly residual: number | null;
}

/** Where a long solve keeps its state, and how often it writes. */
export interface Checkpointing {
  /** File that is written (atomically) and, when it exists, resumed from. */
  readonly file: string;
  /** Outer iterations between writes; default 100. */
  readonly every?: number;
}

/** What the front door hands a solver. */
export interface SolveContext {
  readonly seed: number;
  readonly device: DeviceRequest;
  readonly signal: AbortSignal | null;
  readonly checkpoint: Checkpointing | null;
  progress(event: Progress): void;
  /** Seconds since the solve began. */
  elapsed(): number;
  /** Package version for the solution's record. */
  readonly version: string;
}

export interface Solver<P extends Problem = Problem, S extends Solution<P> = Solution<P>> {
  readonly name: string;
  readonly family: Family;
  /** Formal order of convergence, or `null` where the notion does not apply. */
  readonly order: number | null;
  readonly references: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  /** `true`, or one sentence that says why not and what to use instead. */
  handles(problem: Problem): true | string;
  /** Does the work. A solve that stalls returns its solution with `status.converged = false`; the front door decides. */
  solve(problem: P, context: SolveContext): Promise<S>;
}
