// The checkpoint of a training run, where its context asks for one: what it belongs to, when it is due, and nothing of what is in it.
import type { Problem } from "../../src/problem.js";
import type { SolverRecord } from "../../src/solution/index.js";
import type { SolveContext } from "../../src/solver.js";
import { type CheckpointState, readCheckpoint, writeCheckpoint } from "../../src/tensor/index.js";

/** A run's checkpoint. */
export interface RunCheckpoint {
  /** The state that an earlier run left; `null` where there is none. */
  saved(): Promise<CheckpointState | null>;
  /** Writes the state after a step when it is due: every so many steps, and after the last. */
  keep(step: number, state: () => Promise<CheckpointState>): Promise<void>;
}

/**
 * @param backend of the tensors: another one gives other digits
 * @param last number of the run's steps
 */
export function runCheckpoint(
  context: SolveContext,
  { name, options }: SolverRecord,
  problem: Problem,
  backend: string,
  last: number,
): RunCheckpoint {
  if (context.checkpoint === null) return { saved: async () => null, keep: async () => {} };
  const { file, every = 100 } = context.checkpoint;
  const fingerprint = { solver: name, options, problem: problem.describe(), seed: context.seed, backend };
  return {
    saved: () => readCheckpoint(file, fingerprint),
    async keep(step, state) {
      if (step % every === 0 || step === last) await writeCheckpoint(file, fingerprint, await state());
    },
  };
}
