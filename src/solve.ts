// The front door: checks that problem and solver fit, hands over seed, device, clock, progress, abort and checkpoint,
// and applies the failure policy. It knows no algorithm.
import type { DeviceRequest } from "./device/index.js";
import { demand, SolveError, UsageError } from "./error.js";
import type { Problem } from "./problem.js";
import type { Solution } from "./solution/index.js";
import type { Checkpointing, Progress, Solver } from "./solver.js";
import { version } from "./version.js";

export interface SolveOptions {
  /** Seed of everything stochastic, an integer 0 … 2³² − 1; default 0. */
  readonly seed?: number;
  /** Default `"auto"`: WebGPU when a hardware adapter answers, else the CPU. */
  readonly device?: DeviceRequest;
  /** Stops the solve at its next iteration; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | null;
  /** File to write state to and to resume from; only solvers with state to keep use it. */
  readonly checkpoint?: Checkpointing | null;
  readonly onProgress?: (event: Progress) => void;
  /** `"throw"` (default): an unconverged solve throws a SolveError that carries the solution; `"return"`: it is returned. */
  readonly onFailure?: "throw" | "return";
}

/** The options' own checks, before any work. */
export function checkSolveOptions(options: SolveOptions): void {
  const { seed = 0, device = "auto", onFailure = "throw", checkpoint = null } = options;
  const where = "solve";
  demand(
    Number.isInteger(seed) && seed >= 0 && seed <= 0xffffffff,
    where,
    "seed",
    "be an integer from 0 to 4294967295",
    seed,
    "Use seed: 0 to start",
  );
  demand(
    device === "auto" || device === "cpu" || device === "webgpu",
    where,
    "device",
    'be "auto", "cpu" or "webgpu"',
    device,
    'Use device: "auto"',
  );
  demand(
    onFailure === "throw" || onFailure === "return",
    where,
    "onFailure",
    'be "throw" or "return"',
    onFailure,
    'Use onFailure: "return" to get the partial solution back',
  );
  if (checkpoint !== null) {
    demand(
      typeof checkpoint.file === "string" && checkpoint.file !== "",
      where,
      "checkpoint.file",
      "be a path",
      checkpoint.file,
      'Use checkpoint: { file: "run.ckpt" }',
    );
    const every = checkpoint.every ?? 100;
    demand(
      Number.isInteger(every) && every >= 1,
      where,
      "checkpoint.every",
      "be an integer ≥ 1",
      every,
      "Use every: 100 to start",
    );
  }
}

/**
 * Solves a problem with a solver.
 *
 * @param problem what is solved (a value of `problems/`)
 * @param solver how (a value of `solvers/`)
 * @param options seed, device, abort signal, checkpoint, progress, failure policy
 * @returns the solution, in one shape for every family
 * @throws UsageError before any work when an option is wrong or the solver does not handle the problem;
 * SolveError when the problem is ill-posed (before any work) or the solve did not converge (carries the solution)
 *
 * *Notes*: an ill-posed problem is refused here for every solver, so that nothing trains on it.
 */
export async function solve<P extends Problem, S extends Solution<P>>(
  problem: P,
  solver: Solver<P, S>,
  options: SolveOptions = {},
): Promise<S> {
  checkSolveOptions(options);
  refuseIllPosed(problem);
  const fit = solver.handles(problem);
  if (fit !== true)
    throw new UsageError(`solve: solver must handle the problem ${problem.name}; ${solver.name}: ${fit}`);
  const signal = options.signal ?? null;
  signal?.throwIfAborted();
  const began = performance.now();
  const solution = await solver.solve(problem, {
    seed: options.seed ?? 0,
    device: options.device ?? "auto",
    signal,
    checkpoint: options.checkpoint ?? null,
    progress: options.onProgress ?? (() => {}),
    elapsed: () => (performance.now() - began) / 1000,
    version,
  });
  if (!solution.status.converged && (options.onFailure ?? "throw") === "throw") {
    throw new SolveError(`${solver.name} on ${problem.name}: ${solution.status.text}`, solution);
  }
  return solution;
}

/** Throws when the problem is known to be ill-posed. */
function refuseIllPosed(problem: Problem): void {
  const verdict = problem.wellPosedness();
  if (verdict.wellPosed === false) {
    throw new SolveError(`solve: problem ${problem.name} is ill-posed: ${verdict.reasons.join("; ")}.`);
  }
}
