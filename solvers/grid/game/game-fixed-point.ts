// What the fixed-point solvers of a discrete game share (picard, fictitious play, policy iteration): options, what they handle, the crowd
//   m = (m¹, …, mᴺ) of every population as one vector,  ‖m‖² = Σ_k Σ_n Δt ∫ |m_kⁿ|² / Σ_k T ∫ |m_k⁰|²   (relative to m₀ at rest),
// the response  Φ(m) = transport by the best response to m,  and what a solution says at the end.
// Exploitability of a policy π: J(π; m^π) − inf J(·; m^π) with the crowd m^π that it makes: the yardstick of all three.
// Reference: Achdou, Capuzzo-Dolcetta 2010 (key achdou2010mean); Cacace, Camilli, Goffi 2021 (key cacace2021policy).
import type { MeanFieldGame } from "../../../problems/index.js";
import { demand, demandKnown, SolveError } from "../../../src/error.js";
import { arraySpace, type VectorSpace } from "../../../src/linalg/index.js";
import type { Problem } from "../../../src/problem.js";
import { short } from "../../../src/short.js";
import type { GameFields, History, Status } from "../../../src/solution/index.js";
import type { SolveContext } from "../../../src/solver.js";
import { type GameScheme, type GameSchemeOptions, gameScheme } from "./game-scheme.js";
import {
  bestResponse,
  exploitability,
  feedbackPolicy,
  type GamePolicy,
  type Path,
  type Sweep,
  transport,
} from "./game-sweeps.js";

export interface FixedPointOptions extends Partial<GameSchemeOptions> {
  /** Cells an axis, one number or one for each axis; default 128, 64, 24 in 1-D, 2-D, 3-D. */
  readonly points?: number | readonly number[];
  /** Time steps; default 64, in 3-D 24. */
  readonly steps?: number;
  /** Converged when the undamped residual is at most this. */
  readonly tolerance?: number;
  readonly maxIterations?: number;
  /** `"rest"` (default): the crowd stays at m₀; or fields of the same points and steps. */
  readonly start?: "rest" | GameFields;
  /**
   * `"history"` (default): exploitability is measured at every iteration, which costs another best response where it does not come for
   * free; `"final"`: at the end only.
   */
  readonly exploitability?: "history" | "final";
}

export type FixedPointSettings = FixedPointOptions &
  Required<Pick<FixedPointOptions, "tolerance" | "maxIterations" | "start" | "exploitability">>;

const SHARED = ["points", "steps", "scheme", "time", "tolerance", "maxIterations", "start", "exploitability"] as const;

/** Checks the shared options; `own` are the names of the others. */
export function checkFixedPoint(where: string, s: FixedPointSettings, own: readonly string[]): void {
  demandKnown(where, s, [...SHARED, ...own]);
  demand(
    s.tolerance > 0 && Number.isFinite(s.tolerance),
    where,
    "tolerance",
    "be a finite number > 0",
    s.tolerance,
    "Leave it out",
  );
  demand(
    Number.isInteger(s.maxIterations) && s.maxIterations >= 1,
    where,
    "maxIterations",
    "be an integer ≥ 1",
    s.maxIterations,
    "Use maxIterations: 100",
  );
  demand(
    s.start === "rest" || (typeof s.start === "object" && s.start !== null),
    where,
    "start",
    'be "rest" or fields',
    s.start,
    "Use the fields of another solution on the same cells and steps",
  );
  demand(
    s.exploitability === "history" || s.exploitability === "final",
    where,
    "exploitability",
    'be "history" or "final"',
    s.exploitability,
    'Use exploitability: "final" to save best responses',
  );
}

/** Options as a solver's record keeps them. */
export function recorded(s: FixedPointSettings): Readonly<Record<string, unknown>> {
  return Object.freeze({
    ...s,
    ...(s.scheme === undefined ? {} : { scheme: typeof s.scheme === "function" ? s.scheme.name : s.scheme }),
    start: s.start === "rest" ? "rest" : "fields",
  });
}

/** `true`, or why a fixed-point solver does not take a problem. */
export function fixedPointHandles(name: string, problem: Problem): true | string {
  if (problem.kind !== "mean-field-game")
    return `it solves mean-field games, not ${problem.kind}; use a solver of that family`;
  const game = problem as MeanFieldGame;
  if (game.mode === "ergodic") return "it is for games in time; use ergodic()";
  if (game.mode === "planning")
    return `${name} cannot prescribe both ends: its crowd goes where the agents want; use newton()`;
  if (game.dimension > 3) return "grids have at most three dimensions; use neuralGame()";
  for (const p of game.populations)
    if (p.initial !== null && p.initial.density === null)
      return `the law ${p.initial.text} has no density; use particleFixedPoint()`;
  return true;
}

/** The discrete game with crowds as vectors. */
export interface CrowdSpace {
  readonly scheme: GameScheme;
  /** Vectors (m_kⁿ), n = 1 … N, k by k; the norm is relative to m₀ at rest. */
  readonly space: VectorSpace<Float64Array>;
  /** Where the iteration starts. */
  readonly start: Float64Array;
  /** Slabs `[k][n]`, n = 0 … N, as views into a vector. */
  path(x: Float64Array): Path;
  /** out ← slabs 1 … N of a path. */
  flatten(path: Path, out: Float64Array): void;
  /** Every density of a crowd lies in the coupling's range, up to round-off; with sources of mass it may fall below 0. */
  admits(crowd: Path): boolean;
}

/** Discretises a game for fixed-point solvers. */
export function crowdSpace(problem: MeanFieldGame, s: FixedPointSettings): CrowdSpace {
  const d = problem.dimension;
  const scheme = gameScheme(problem, {
    points: s.points ?? [128, 64, 24][d - 1],
    steps: s.steps ?? (d === 3 ? 24 : 64),
    scheme: s.scheme,
    time: s.time,
  });
  const { cells, steps: N, initial } = scheme;
  const { size } = cells.grid;
  const K = initial.length;
  let square = 0;
  let largest = 0;
  for (const m of initial) {
    for (let i = 0; i < size; i++) {
      square += m[i] ** 2;
      largest = Math.max(largest, m[i]);
    }
  }
  const path = (x: Float64Array): Path =>
    initial.map((m0, k) => [
      m0,
      ...Array.from({ length: N }, (_, n) => x.subarray((k * N + n) * size, (k * N + n + 1) * size)),
    ]);
  const flatten = (slabs: Path, out: Float64Array): void =>
    slabs.forEach((population, k) => {
      for (let n = 0; n < N; n++) out.set(population[n + 1], (k * N + n) * size);
    });
  const start = new Float64Array(K * N * size);
  if (s.start === "rest")
    flatten(
      initial.map((m0) => new Array<Float64Array>(N + 1).fill(m0)),
      start,
    );
  else {
    // The scheme's own check that the fields fit.
    scheme.unknowns(s.start);
    flatten(s.start.density, start);
  }
  const { massRange: range } = problem.coupling;
  // Sources may take more than there is before the equilibrium is found.
  const sourced = problem.populations.some((p) => p.densitySource !== null);
  const lower = sourced && range[0] === 0 ? -Infinity : range[0] - 1e-12 * largest;
  return {
    scheme,
    // Where everybody comes from a source, there is no m₀ to be relative to.
    space: arraySpace(K * N * size, scheme.dt / (problem.horizon * (square > 0 ? square : size))),
    start,
    path,
    flatten,
    admits: (crowd) =>
      crowd.every((slabs) =>
        slabs.every((m) => m.every((v, i) => (v >= lower && v <= range[1]) || cells.open[i] === 0)),
      ),
  };
}

/** A status of an iteration that ended; it does not stay converged where sources took more than there was. */
export function unlessOverdrawn(status: Status, scheme: GameScheme, crowd: Path): Status {
  if (!status.converged || scheme.problem.populations.every((p) => p.densitySource === null)) return status;
  let worst = { m: 0, k: 0, n: 0 };
  let largest = 0;
  crowd.forEach((slabs, k) => {
    slabs.forEach((m, n) => {
      for (const v of m) {
        if (v < worst.m) worst = { m: v, k, n };
        largest = Math.max(largest, Math.abs(v));
      }
    });
  });
  if (worst.m >= -1e-8 * largest) return status;
  const { name } = scheme.problem.populations[worst.k];
  const t = short(scheme.times[worst.n]);
  return {
    converged: false,
    text: `stopped: the density of ${name} is ${brief(worst.m)} < 0 at t = ${t}, where densitySource takes more than there is; weaken it, or use points and steps that resolve it`,
  };
}

/** Why an iteration cannot go on where {@link CrowdSpace.admits} says no. */
export const LEFT_RANGE = "the crowd leaves the range of the coupling";

/** A policy, its value, and the crowd that it makes. */
export interface Response {
  /** Best response to the crowd before, or the cost of the policy. */
  readonly value: Path;
  readonly policy: GamePolicy;
  /** Transport of m₀ by the policy. */
  readonly crowd: Path;
}

/** Work done, and where it failed. */
export interface Tally {
  newtonSteps: number;
  cycles: number;
  /** Why a sweep gave up; `""` while none has. */
  failure: string;
}

/** Adds a sweep to the tally. @returns whether it converged */
export function tallied(tally: Tally, sweep: Sweep): boolean {
  tally.newtonSteps += sweep.newtonSteps;
  tally.cycles += sweep.cycles;
  if (!sweep.status.converged) tally.failure = sweep.status.text;
  return sweep.status.converged;
}

/**
 * The best response to a crowd and the crowd that it makes; `null` where a sweep fails, which the tally then says.
 *
 * @param m crowd
 * @param guess values to start from
 */
export async function respond(
  scheme: GameScheme,
  m: Path,
  guess: Path | undefined,
  tally: Tally,
  signal: AbortSignal | null,
): Promise<Response | null> {
  const best = await bestResponse(scheme, m, { initial: guess, signal });
  signal?.throwIfAborted();
  if (!tallied(tally, best)) return null;
  const policy = feedbackPolicy(scheme, best.path, m);
  const moved = await transport(scheme, policy, { signal });
  signal?.throwIfAborted();
  if (!tallied(tally, moved)) return null;
  return { value: best.path, policy, crowd: moved.path };
}

/**
 * What one agent of each population gains by leaving the policy of a response while its crowd stays; `null` where a sweep fails. Where H
 * depends on m a policy's running cost is known only together with a value and a crowd: there the feedback of the value under the crowd
 * is measured.
 */
export async function exploitabilityOf(
  scheme: GameScheme,
  { policy, crowd, value }: Response,
  tally: Tally,
  signal: AbortSignal | null,
): Promise<readonly number[] | null> {
  const rooted = scheme.problem.populations.some((p) => p.hamiltonian.dependsOnMass);
  const measured = rooted ? feedbackPolicy(scheme, value, crowd) : policy;
  const {
    values,
    bestResponse: best,
    cost,
  } = await exploitability(scheme, measured, crowd, {
    initial: value,
    signal,
  });
  signal?.throwIfAborted();
  for (const sweep of [best, cost]) {
    tally.newtonSteps += sweep.newtonSteps;
    tally.cycles += sweep.cycles;
  }
  return best.status.converged && cost.status.converged ? values : null;
}

/** Sum over populations. */
export function total(values: readonly number[]): number {
  return values.reduce((sum, v) => sum + v, 0);
}

/** Slabs as a solution holds them, copied. */
export function finish(scheme: GameScheme, value: Path, crowd: Path): GameFields {
  const copied = (path: Path) => path.map((slabs) => slabs.map((slab) => slab.slice()));
  return {
    cells: scheme.cells,
    times: scheme.times,
    value: copied(value),
    density: copied(crowd),
    ergodicConstant: null,
  };
}

/** max |F| of the discrete game at given fields. */
export function equationResidual(scheme: GameScheme, fields: GameFields): number {
  const out = new Float64Array(scheme.length);
  scheme.residual(scheme.unknowns(fields), out);
  let worst = 0;
  for (let i = 0; i < out.length; i++) {
    const size = Math.abs(out[i]);
    if (!(size <= worst)) worst = size;
  }
  return worst;
}

/**
 * Why an iteration ended, as advice.
 *
 * @param cure what to try
 */
export function fixedPointStatus(
  iterationName: string,
  residual: number,
  tolerance: number,
  iterations: number,
  failure: string,
  cure = "use newton() or raise viscosity",
): Status {
  const converged = failure === "" && residual <= tolerance;
  const count = `${iterations} ${iterationName} iteration${iterations === 1 ? "" : "s"}`;
  if (converged) return { converged, text: `converged: residual ${brief(residual)} after ${count}` };
  const why = bare(failure);
  return {
    converged,
    text:
      why === ""
        ? `stalled: residual ${brief(residual)} after ${count}; ${cure}`
        : `stopped after ${count}: ${why}; ${cure}`,
  };
}

/** An error for an iteration whose first sweep fails. */
export function noStart(where: string, failure: string): SolveError {
  return new SolveError(`${where}: the first sweep fails, ${bare(failure)}; start from other fields or use newton()`);
}

/** Why a sweep gave up, without its own cures, which are about the sweep. */
function bare(failure: string): string {
  return failure.replace(/^stopped: /, "").split(";")[0];
}

/** A history with its own iteration numbers. */
export function recordedHistory(name: string): History & { push(iteration: number, value: number): void } {
  const iterations: number[] = [];
  const values: number[] = [];
  return {
    name,
    iterations,
    values,
    push: (iteration, value) => {
      iterations.push(iteration);
      values.push(value);
    },
  };
}

/** Tells the front door of an iteration. */
export function report(context: SolveContext, stage: string, iteration: number, residual: number): void {
  context.progress({ stage, iteration, fraction: null, residual });
}

function brief(x: number): string {
  if (!Number.isFinite(x)) return String(x);
  const digits = Number(x.toPrecision(2));
  return x !== 0 && Math.abs(x) < 1e-2 ? digits.toExponential() : String(digits);
}
