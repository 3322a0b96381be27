// A comparison: problems × solvers × measures. Every solver gets the same problem, seed and starting points; every number
// that could not be measured is null and is printed as unmeasured.
//   distances  W₂ between the laws of x_T of every pair of solutions, common starting points
//   held-out   W₂ between n end points and the n held-out points, mean ± s.e. over repeats; beside it the sampling floor:
//              the same W₂ for n fresh points of the target itself
//   laws       straightness and well-posedness probes with pass or fail against their bounds
//   exact      errors against the closed form, where the problem has one
import { availableParallelism, cpus, platform, release, totalmem } from "node:os";
import type { DeviceUse } from "../device/index.js";
import { demand, SolveError } from "../error.js";
import { type Cloud, cloud, type Distribution, wasserstein2 } from "../measure/index.js";
import type { Problem, WellPosedness } from "../problem.js";
import { type Generator, generator } from "../random/index.js";
import type { Family, History, Objective, Solution, Status } from "../solution/index.js";
import { type SolveOptions, solve } from "../solve.js";
import type { Solver } from "../solver.js";
import { judgeAll, type Law, rootMeanSquare, type Spread, spread, type Verdict } from "../verify/index.js";
import { version } from "../version.js";

/** A problem that carries one law into another, as far as a comparison needs to know it. */
export interface TransportLikeProblem extends Problem {
  readonly source: Distribution;
  readonly target: Distribution;
  readonly heldOut: Cloud | null;
  readonly exact: {
    readonly value: number;
    potential(t: number, x: Float64Array): Float64Array;
    map(t: number, x0: Float64Array): Float64Array;
  } | null;
}

export interface CompareOptions<P extends Problem> {
  readonly solvers: readonly Solver<NoInfer<P>>[];
  /** Laws held against every solution. */
  readonly laws: readonly Law<Solution<NoInfer<P>>>[];
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

/** One solver on one problem. */
export interface Run<P extends Problem = Problem> {
  readonly solver: Solver<P>;
  /** `null` when nothing came out; `failure` says why. An unconverged solution is kept and has a failure too. */
  readonly solution: Solution<P> | null;
  readonly failure: Failure | null;
  /** Solutions of the further seeds. */
  readonly repeats: readonly Solution<P>[];
}

export interface Failure {
  readonly kind: "ill-posed" | "not applicable" | "failed";
  readonly text: string;
}

/** A mean over repeats with its standard error. */
export interface Estimate {
  readonly mean: number;
  readonly standardError: number | null;
}

/** The record of one run, plain JSON. */
export interface RunRecord {
  readonly solver: string;
  readonly family: Family;
  readonly order: number | null;
  readonly references: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly failure: Failure | null;
  readonly status: Status | null;
  readonly objective: Objective | null;
  readonly seconds: number | null;
  readonly counts: Readonly<Record<string, number>> | null;
  readonly device: DeviceUse | null;
  readonly histories: readonly History[];
  readonly laws: readonly Verdict[];
  /** W₂ of n end points to the held-out points. */
  readonly toHeldOut: Estimate | null;
  /** Errors against the closed form; `null` without one. */
  readonly exact: { readonly value: number | null; readonly potential: number; readonly map: number } | null;
  readonly spread: Spread | null;
}

export interface StudyRecord {
  readonly problem: Readonly<Record<string, unknown>>;
  readonly name: string;
  readonly title: string;
  readonly dimension: number;
  readonly equations: readonly string[];
  readonly wellPosedness: WellPosedness;
  readonly references: readonly string[];
  readonly runs: readonly RunRecord[];
  /** Names of the solved runs, and W₂ between the laws of x_T of each pair. */
  readonly pairwise: { readonly names: readonly string[]; readonly distances: readonly (readonly number[])[] };
  /** W₂ between n fresh points of the target and the held-out points, n = their number; `null` without them, or with fewer samples than n. */
  readonly samplingFloor: (Estimate & { readonly count: number; readonly repeats: number }) | null;
}

export interface ComparisonRecord {
  readonly title: string;
  readonly date: string;
  readonly version: string;
  readonly seed: number;
  readonly count: number;
  readonly machine: Readonly<Record<string, string | number>>;
  readonly seconds: number;
  readonly studies: readonly StudyRecord[];
}

/** What {@link compare} gives: the record (JSON) and the live solutions behind it. */
export interface Comparison<P extends Problem = Problem> {
  readonly record: ComparisonRecord;
  readonly studies: readonly { readonly problem: P; readonly runs: readonly Run<P>[] }[];
}

/** Repeats of the held-out distance. */
const REPEATS = 8;

/**
 * Solves each problem with each solver and measures everything that can be measured.
 *
 * A solver that does not handle a problem, fails, or stalls does not stop the comparison: its row says so.
 *
 * @throws UsageError when two problems or two solvers share a name, or `count` or `repeats` does not fit; the signal's reason when
 * aborted; nothing is written by this function
 */
export async function compare<P extends TransportLikeProblem>(
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

async function runOne<P extends TransportLikeProblem>(
  problem: P,
  solver: Solver<P>,
  options: CompareOptions<P>,
): Promise<Run<P>> {
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
      if (signal?.aborted || !(error instanceof SolveError)) throw error;
      return { solution: error.partial as Solution<P> | null, failure: { kind: "failed", text: error.message } };
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

async function measure<P extends TransportLikeProblem>(
  problem: P,
  runs: readonly Run<P>[],
  options: CompareOptions<P>,
): Promise<StudyRecord> {
  const { seed = 0, count = 256 } = options;
  const draws = generator(seed).split("compare");
  const start = problem.source.sample(count, draws.split("start"));
  const solved = runs.filter((run) => run.solution !== null);
  const ends = solved.map((run) => terminal(run.solution!, start));
  const distances = ends.map((a) => ends.map((b) => (a === b ? 0 : wasserstein2(a, b))));
  const records: RunRecord[] = [];
  for (const run of runs) records.push(await recordOf(problem, run, start, draws, options));
  return {
    problem: problem.describe(),
    name: problem.name,
    title: problem.title,
    dimension: problem.dimension,
    equations: problem.equations,
    wellPosedness: problem.wellPosedness(),
    references: problem.references,
    runs: records,
    pairwise: { names: solved.map((run) => run.solver.name), distances },
    samplingFloor: floor(problem, draws),
  };
}

/** Law of x_T from given starting points. */
function terminal(solution: Solution, start: Cloud): Cloud {
  const paths = solution.trajectories({ start, steps: 40 });
  const size = paths.count * paths.dimension;
  return cloud(paths.positions.slice((paths.times.length - 1) * size), paths.dimension, paths.weights);
}

function estimate(values: readonly number[]): Estimate {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  if (values.length < 2) return { mean, standardError: null };
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1);
  return { mean, standardError: Math.sqrt(variance / values.length) };
}

/** W₂ between the held-out points and as many fresh points, made by `draw`. */
function againstHeldOut(heldOut: Cloud, draw: (n: number, gen: Generator) => Cloud, gen: Generator): Estimate {
  return estimate(Array.from({ length: REPEATS }, (_, k) => wasserstein2(draw(heldOut.count, gen.split(k)), heldOut)));
}

function floor<P extends TransportLikeProblem>(problem: P, draws: Generator): StudyRecord["samplingFloor"] {
  const { heldOut, target } = problem;
  if (heldOut === null) return null;
  // No second sample of that size can be drawn without replacement.
  if (target.data !== null && target.data.count < heldOut.count) return null;
  const draw = (n: number, gen: Generator) => {
    if (target.data === null) return target.sample(n, gen);
    const { points, dimension: d, count } = target.data;
    const chosen = gen.permutation(count).subarray(0, n); // without replacement, as a second sample of the law would be
    return cloud(
      Float64Array.from({ length: chosen.length * d }, (_, j) => points[chosen[Math.floor(j / d)] * d + (j % d)]),
      d,
    );
  };
  return { ...againstHeldOut(heldOut, draw, draws.split("floor")), count: heldOut.count, repeats: REPEATS };
}

async function recordOf<P extends TransportLikeProblem>(
  problem: P,
  run: Run<P>,
  start: Cloud,
  draws: Generator,
  options: CompareOptions<P>,
): Promise<RunRecord> {
  const { solver, solution, failure } = run;
  const base = {
    solver: solver.name,
    family: solver.family,
    order: solver.order,
    references: solver.references,
    options: solver.options,
    failure,
  };
  if (solution === null) {
    return {
      ...base,
      status: null,
      objective: null,
      seconds: null,
      counts: null,
      device: null,
      histories: [],
      laws: [],
      toHeldOut: null,
      exact: null,
      spread: null,
    };
  }
  const { seed = 0, count = 256, laws } = options;
  const { heldOut } = problem;
  const draw = (n: number, gen: Generator) => terminal(solution, problem.source.sample(n, gen));
  return {
    ...base,
    status: solution.status,
    objective: solution.objective,
    seconds: solution.seconds,
    counts: solution.counts,
    device: solution.device,
    histories: solution.histories,
    laws: await judgeAll(laws, solution, { seed, count }),
    toHeldOut: heldOut === null ? null : againstHeldOut(heldOut, draw, draws.split("held-out")),
    exact: exactErrors(problem, solution, start),
    spread: run.repeats.length === 0 ? null : spread([solution, ...run.repeats], count),
  };
}

/** |value − exact|, √E|U(0,·) − exact|² up to a constant, √E|x_T − exact|². */
function exactErrors<P extends TransportLikeProblem>(
  problem: P,
  solution: Solution<P>,
  start: Cloud,
): RunRecord["exact"] {
  const { exact, dimension, horizon } = problem;
  if (exact === null) return null;
  const u = solution.value(0, start.points);
  const v = exact.potential(0, start.points);
  const difference = u.map((a, i) => a - v[i]);
  const shift = difference.reduce((a, b) => a + b, 0) / difference.length;
  const value = solution.objective.primal ?? solution.objective.dual;
  return {
    value: value === null ? null : Math.abs(value - exact.value),
    potential: Math.sqrt(difference.reduce((sum, e) => sum + (e - shift) ** 2, 0) / difference.length),
    map: rootMeanSquare(terminal(solution, start).points, exact.map(horizon, start.points), dimension),
  };
}
