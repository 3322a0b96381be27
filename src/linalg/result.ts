// What every iterative algorithm of this room takes and returns: tolerances in, and out a solution with its true
// residual, the history of it, and one sentence that says why the iteration stopped and what to try next.
import { demand } from "../error.js";
import { short } from "../short.js";
import type { History, Status } from "../solution/index.js";

/** When to stop, and whom to tell. */
export interface IterationOptions {
  /** Relative to the right-hand side (or the first residual); ≥ 0. */
  readonly tolerance?: number;
  /** Residual norm that is small enough whatever the scale; ≥ 0. */
  readonly absolute?: number;
  /** Integer ≥ 1. */
  readonly maxIterations?: number;
  /** Stops the iteration between two steps; what was reached is returned with `converged: false`. */
  readonly signal?: AbortSignal | null;
  /** Called after each iteration with the residual norm. */
  readonly onIteration?: (iteration: number, residual: number) => void;
}

/** What came out of an iterative algorithm. */
export interface IterativeResult<V> {
  readonly solution: V;
  readonly status: Status;
  /** Norm of the true, undamped residual at `solution`, evaluated at the end. */
  readonly residual: number;
  readonly iterations: number;
  /** Residual norms by iteration, from iteration 0. */
  readonly history: History;
}

/** Throws unless the stopping rule makes sense. */
export function demandIteration(where: string, tolerance: number, absolute: number, maxIterations: number): void {
  demand(
    tolerance >= 0 && Number.isFinite(tolerance),
    where,
    "tolerance",
    "be a finite number ≥ 0",
    tolerance,
    "Use tolerance: 1e-10 to start",
  );
  demand(
    absolute >= 0 && Number.isFinite(absolute),
    where,
    "absolute",
    "be a finite number ≥ 0",
    absolute,
    "Use absolute: 0 to stop on the relative tolerance alone",
  );
  demand(
    Number.isInteger(maxIterations) && maxIterations >= 1,
    where,
    "maxIterations",
    "be an integer ≥ 1",
    maxIterations,
    "Use maxIterations: 500 to start",
  );
}

/** How an iteration ended: converged unless `failure` says why it stopped. `done` counts its steps, for example "12 iterations". */
export function statusOf(failure: string, residual: number, target: number, done: string): Status {
  if (failure !== "") return { converged: false, text: failure };
  return { converged: true, text: `converged: residual ${short(residual)} ≤ ${short(target)} after ${done}` };
}
