// A comparison: problems × solvers × measures. Every solver gets the same problem, seed and starting points; every number
// that could not be measured is null and is printed as unmeasured. What is measured beside the laws depends on the kind of
// problem: flow-study.ts, game-study.ts, density-study.ts.
import { availableParallelism, cpus, platform, release, totalmem } from "node:os";
import { demand, SolveError, UsageError, usageError } from "../error.js";
import type { Problem } from "../problem.js";
import type { Solution } from "../solution/index.js";
import { checkSolveOptions, type SolveOptions, solve } from "../solve.js";
import type { Solver } from "../solver.js";
import { judgeAll, type Law } from "../verify/index.js";
import { version } from "../version.js";
import { isEvolving, measureDensities } from "./density-study.js";
import { isFlow, measureFlow } from "./flow-study.js";
import { isGame, measureGame } from "./game-study.js";
import type {
  Comparison,
  ComparisonRecord,
  Failure,
  Run,
  RunMeasures,
  RunRecord,
  StudyMeasures,
  StudyRecord,
  UniquenessRecord,
} from "./record.js";

export interface CompareOptions<P extends Problem> {
  readonly solvers: readonly Solver<NoInfer<P>>[];
  /** Laws held against every solution, or the laws of a problem. */
  readonly laws: readonly Law<Solution<NoInfer<P>>>[] | ((problem: NoInfer<P>) => readonly Law<Solution<NoInfer<P>>>[]);
  /** Probes a problem from several starts; default: nobody asks. */
  readonly uniqueness?: (problem: NoInfer<P>) => Promise<UniquenessRecord | null>;
  readonly seed?: number;
  /** Solves of each stochastic (neural or particle) solver, seeds seed, seed + 1, …, for the spread; default 1. */
  readonly repeats?: number;
  readonly device?: SolveOptions["device"];
  readonly signal?: AbortSignal | null;
  /** Folder for checkpoints of solvers that keep state; `null` = none. */
  readonly checkpoints?: string | null;
  /** Paths and points of each measurement; default 256. */
  readonly count?: number;
  readonly onProgress?: (event: CompareProgress) => void;
}

export interface CompareProgress {
  readonly problem: string;
  readonly solver: string | null;
  readonly stage: string;
  readonly fraction: number | null;
}

/**
 * Solves each problem with each solver and measures everything that can be measured.
 *
 * A solver that does not handle a problem, fails, or stalls does not stop the comparison: its row says so.
 *
 * @throws UsageError when two problems or two solvers share a name, or `count` or `repeats` does not fit; the signal's reason when
 * aborted; nothing is written by this function
 */
export async function compare<P extends Problem>(
  problems: P | readonly P[],
  options: CompareOptions<P>,
): Promise<Comparison<P>> {
  const list: readonly P[] = Array.isArray(problems) ? problems : [problems as P];
  const { seed = 0, count = 256, repeats = 1 } = options;
  const where = "compare";
  for (const [name, names] of [
    ["problems", list.map((p) => p.name)],
    ["solvers", options.solvers.map((s) => s.name)],
  ] as const)
    demand(
      names.length > 0 && new Set(names).size === names.length,
      where,
      name,
      "be one or more, each with a name of its own",
      names,
      "Fields, checkpoints and colours go by the name: leave out or rename the second",
    );
  demand(
    Number.isInteger(count) && count >= 2 && count <= 8192,
    where,
    "count",
    "be an integer in 2 … 8192",
    count,
    "Use count: 256",
  );
  demand(Number.isInteger(repeats) && repeats >= 1, where, "repeats", "be an integer ≥ 1", repeats, "Use repeats: 5");
  checkSolveOptions({ seed, device: options.device, signal: options.signal });
  const began = performance.now();
  const studies: { problem: P; runs: Run<P>[] }[] = [];
  const records: StudyRecord[] = [];
  for (const problem of list) {
    const runs: Run<P>[] = [];
    for (const solver of options.solvers) runs.push(await runOne(problem, solver, options));
    studies.push({ problem, runs });
    options.onProgress?.({ problem: problem.name, solver: null, stage: "measuring", fraction: null });
    records.push(await measure(problem, runs, options));
  }
  const record: ComparisonRecord = {
    title: list.map((p) => p.title).join("; "),
    date: new Date().toISOString(),
    version,
    seed,
    count,
    machine: machine(),
    seconds: (performance.now() - began) / 1000,
    studies: records,
  };
  return { record, studies };
}

/** The machine the numbers were made on. */
export function machine(): Record<string, string | number> {
  return {
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
    node: process.version,
  };
}

async function runOne<P extends Problem>(problem: P, solver: Solver<P>, options: CompareOptions<P>): Promise<Run<P>> {
  const { seed = 0, device = "auto", signal = null, checkpoints = null, repeats = 1 } = options;
  const nothing = { solver, solution: null, repeats: [] };
  if (problem.wellPosedness().wellPosed === false) {
    const text = problem.wellPosedness().reasons.join("; ");
    return { ...nothing, failure: { kind: "ill-posed", text } };
  }
  const fit = solver.handles(problem);
  if (fit !== true) return { ...nothing, failure: { kind: "not applicable", text: fit } };
  const again = async (s: number) =>
    solve(problem, solver, {
      seed: s,
      device,
      signal,
      onFailure: "return",
      checkpoint: checkpoints === null ? null : { file: `${checkpoints}/${problem.name}-${solver.name}-${s}.ckpt` },
      onProgress: (p) =>
        options.onProgress?.({ problem: problem.name, solver: solver.name, stage: p.stage, fraction: p.fraction }),
    });
  const attempt = async (s: number): Promise<{ solution: Solution<P> | null; failure: Failure | null }> => {
    try {
      const solution = await again(s);
      const { converged, text } = solution.status;
      return { solution, failure: converged ? null : { kind: "failed", text } };
    } catch (error) {
      // a solver may only see when it starts that its options do not fit the problem
      if (signal?.aborted || !(error instanceof SolveError || error instanceof UsageError)) throw error;
      const solution = error instanceof SolveError ? (error.partial as Solution<P> | null) : null;
      return { solution, failure: { kind: "failed", text: error.message } };
    }
  };
  const first = await attempt(seed);
  const others: Solution<P>[] = [];
  let { failure } = first;
  if (solver.family !== "grid" && first.solution !== null)
    for (let k = 1; k < repeats; k++) {
      const next = await attempt(seed + k);
      if (next.solution !== null) others.push(next.solution);
      if (next.failure !== null) failure ??= { kind: "failed", text: `seed ${seed + k}: ${next.failure.text}` };
    }
  return { solver, solution: first.solution, repeats: others, failure };
}

/** The measures of a problem's kind. */
async function measuresOf<P extends Problem>(
  problem: P,
  runs: readonly Run<P>[],
  context: { readonly seed: number; readonly count: number },
): Promise<{ readonly study: StudyMeasures; readonly runs: readonly RunMeasures[] }> {
  if (isFlow(problem)) return measureFlow(problem, runs as readonly Run<typeof problem>[], context);
  if (isGame(problem)) return measureGame(problem, runs as readonly Run<typeof problem>[], context);
  if (isEvolving(problem)) return measureDensities(problem, runs as readonly Run<typeof problem>[], context);
  const cure = "Solve other problems one by one, and hold them to their laws";
  throw usageError("compare", "problem", "be a flow, a game, a gradient flow or a diffusion", problem.kind, cure);
}

async function measure<P extends Problem>(
  problem: P,
  runs: readonly Run<P>[],
  { seed = 0, count = 256, laws, uniqueness }: CompareOptions<P>,
): Promise<StudyRecord> {
  const measures = await measuresOf(problem, runs, { seed, count });
  const own = typeof laws === "function" ? laws(problem) : laws;
  const records: RunRecord[] = [];
  for (const [r, { solver, solution, failure }] of runs.entries()) {
    records.push({
      solver: solver.name,
      family: solver.family,
      order: solver.order,
      references: solver.references,
      options: solver.options,
      failure,
      status: solution?.status ?? null,
      objective: solution?.objective ?? null,
      seconds: solution?.seconds ?? null,
      counts: solution?.counts ?? null,
      device: solution?.device ?? null,
      histories: solution?.histories ?? [],
      laws: solution === null ? [] : await judgeAll(own, solution, { seed, count }),
      ...measures.runs[r],
    });
  }
  return {
    problem: problem.describe(),
    name: problem.name,
    title: problem.title,
    dimension: problem.dimension,
    equations: problem.equations,
    wellPosedness: problem.wellPosedness(),
    uniqueness: runs.some((run) => run.solution !== null) ? ((await uniqueness?.(problem)) ?? null) : null,
    references: problem.references,
    runs: records,
    ...measures.study,
  };
}
