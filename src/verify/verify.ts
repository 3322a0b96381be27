// Property-based verification of a solver: random problems, every law on each solution, and when one fails the simplest
// failing problem that shrinking finds, with the seed and path that replay it.
import fc, { type Arbitrary } from "fast-check";
import { demand, UsageError } from "../error.js";
import type { Problem } from "../problem.js";
import type { Solution } from "../solution/index.js";
import { type SolveOptions, solve } from "../solve.js";
import type { Solver } from "../solver.js";
import { judgeAll, type Law, type Verdict } from "./law.js";

export interface VerifyOptions<S> extends SolveOptions {
  /** Laws held against every solution. */
  readonly laws: readonly Law<S>[];
  /** Random problems to try; default 25. */
  readonly runs?: number;
  /** Sample paths a law uses; default 128. */
  readonly count?: number;
  /** fast-check path of an earlier failure, to replay it. */
  readonly path?: string;
}

export interface LawSummary {
  readonly law: string;
  readonly statement: string;
  readonly relation: "≤" | "≥";
  readonly bound: number | null;
  /** Worst value met over all problems; `null` = never measured. */
  readonly worst: number | null;
  readonly held: number;
  readonly failed: number;
  readonly unmeasured: number;
}

export interface VerifyReport {
  readonly solver: string;
  readonly passed: boolean;
  readonly runs: number;
  readonly seed: number;
  readonly laws: readonly LawSummary[];
  /** The simplest failing problem found, or `null`. */
  readonly counterexample: {
    readonly problem: Record<string, unknown>;
    readonly failure: string;
    readonly shrinks: number;
    /** Pass `seed` and `path` to run just this case again. */
    readonly path: string;
  } | null;
}

/**
 * Holds a solver to its laws on random problems.
 *
 * @param solver the solver under test
 * @param problems an arbitrary of problems, for example `arbitraryProximalFlow(proximalFlow)`
 * @returns a summary of each law and, when one fails, the shrunk counterexample with its replay path
 * @throws UsageError when an option does not fit or the solver does not handle a problem; the signal's reason when aborted
 */
export async function verify<P extends Problem, S extends Solution<P>>(
  solver: Solver<P, S>,
  problems: Arbitrary<P>,
  options: VerifyOptions<S>,
): Promise<VerifyReport> {
  const { laws, runs = 25, count = 128, seed = 0, path } = options;
  demand(laws.length > 0, "verify", "laws", "hold at least one law", laws.length, "Use laws: flowLaws()");
  demand(Number.isInteger(runs) && runs >= 1, "verify", "runs", "be an integer ≥ 1", runs, "Use runs: 25 to start");
  demand(
    path === undefined || /^(\d+(:\d+)*)?$/.test(path),
    "verify",
    "path",
    "be numbers joined by colons",
    path,
    "Give the path of an earlier report",
  );
  const seen: Verdict[] = [];
  let tried = 0;
  let stopped: unknown = null;
  const property = fc.asyncProperty(problems, async (problem) => {
    if (stopped !== null) return; // shrinking has nothing to find
    tried++;
    let solution: S;
    try {
      solution = await solve(problem, solver, { ...options, seed });
    } catch (error) {
      // Bad usage or an abort says nothing about the solver.
      if (options.signal?.aborted || error instanceof UsageError) stopped = error;
      throw error;
    }
    const verdicts = await judgeAll(laws, solution, { seed, count });
    seen.push(...verdicts);
    const broken = verdicts.filter((v) => v.holds === false);
    if (broken.length > 0) {
      throw new Error(broken.map((v) => `${v.law}: ${v.value} must be ${v.relation} ${v.bound}`).join("; "));
    }
  });
  const result = await fc.check(property, { seed, numRuns: runs, ...(path === undefined ? {} : { path }) });
  if (stopped !== null) throw stopped;
  const counterexample = result.counterexample;
  return {
    solver: solver.name,
    passed: !result.failed,
    runs: tried,
    seed,
    laws: laws.map((law) => summary(law, seen)),
    counterexample:
      counterexample === null
        ? null
        : {
            problem: counterexample[0].describe(),
            failure:
              result.errorInstance instanceof Error ? result.errorInstance.message : String(result.errorInstance),
            shrinks: result.numShrinks,
            path: result.counterexamplePath ?? "",
          },
  };
}

function summary<S>(law: Law<S>, seen: readonly Verdict[]): LawSummary {
  const own = seen.filter((v) => v.law === law.name);
  const values = own.flatMap((v) => (v.value === null ? [] : [v.value]));
  const worst = law.relation === "≤" ? Math.max : Math.min;
  return {
    law: law.name,
    statement: law.statement,
    relation: law.relation,
    bound: law.bound,
    worst: values.length === 0 ? null : worst(...values),
    held: own.filter((v) => v.holds === true).length,
    failed: own.filter((v) => v.holds === false).length,
    unmeasured: own.filter((v) => v.value === null).length,
  };
}
