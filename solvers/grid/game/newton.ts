// Newton–Krylov for mean-field games on grids: all slabs of value and density are one vector x, F(x) = 0 is the discrete game
// (game-scheme.ts), and
//   ‖F(xₖ) + F′(xₖ) dₖ‖ ≤ ηₖ ‖F(xₖ)‖ by GMRES,   xₖ₊₁ = xₖ ⊕ λₖ dₖ
//   F′            analytic, matrix-free, exact transposes
//   preconditioner mean coefficients, both equations coupled, inverted by fast transforms and a Riccati sweep (game-preconditioner.ts)
//                 (doors, obstacles: the true coefficients, by multigrid sweeps backward and forward, sweep-preconditioner.ts)
//   ⊕             x + λd, except that a density which would lose more than four fifths approaches its lower bound from above instead,
//                 and its slab keeps the mass of x + λd: an O(λ²) change, so that densities stay positive and mass exact on the way
//   continuation  where the viscosity is small or Newton stalls: from a larger viscosity downwards, each start the solution before
// Near mesh-independent: the numbers of Newton and GMRES steps hardly depend on the grid. Mass is exact to round-off without doors.
// Order: that of the scheme, 1 (monotone) or 2 (central, midpoint).
// References: Achdou, Capuzzo-Dolcetta 2010 (key achdou2010mean); Achdou, Perez 2012 (key achdou2012iterative);
// Eisenstat, Walker 1996 (key eisenstat1996choosing); Knoll, Keyes 2004 (key knoll2004jacobian).
import type { MeanFieldGame } from "../../../problems/index.js";
import { breathing } from "../../../src/breathing.js";
import { demand, demandKnown, UsageError } from "../../../src/error.js";
import { arraySpace, newton as newtonKrylov } from "../../../src/linalg/index.js";
import type { Problem } from "../../../src/problem.js";
import { short } from "../../../src/short.js";
import type { GameFields, History } from "../../../src/solution/index.js";
import type { SolveContext, Solver } from "../../../src/solver.js";
import { whyNoWaves } from "./feynman-kac.js";
import { type GamePreconditioner, transformPreconditioner } from "./game-preconditioner.js";
import { type GameScheme, type GameSchemeOptions, gameOrder, gameScheme } from "./game-scheme.js";
import { type GridGameSolution, gridGameSolver } from "./game-solution.js";
import { sweepPreconditioner } from "./sweep-preconditioner.js";

export interface NewtonOptions extends Partial<GameSchemeOptions> {
  /** Cells an axis, one number or one for each axis; default 128, 64, 24 in 1-D, 2-D, 3-D. */
  readonly points?: number | readonly number[];
  /** Time steps; default 64, in 3-D 24. */
  readonly steps?: number;
  /**
   * Converged when the largest undamped residual of all equations is at most this, those of the density relative to min(1, m̄), m̄ the
   * largest of the population's m₀ and T|q| (1 where both are 0); default 1e-6.
   */
  readonly tolerance?: number;
  /** Newton steps at one viscosity; default 50. */
  readonly maxIterations?: number;
  /** `"uniform"` (default): u = 0 and the initial mass spread evenly; or fields of the same points and steps. */
  readonly start?: "uniform" | GameFields;
  /** `"auto"` (default): a larger viscosity first where ν is small or Newton fails; `false`: never. */
  readonly continuation?: "auto" | false;
  /** GMRES basis vectors before a restart; default 60. */
  readonly restart?: number;
  /**
   * `"transform"`: mean coefficients, both equations together; `"sweeps"`: true coefficients, one equation after the other; not for
   * planning games. Default `"auto"`: sweeps where there are doors or obstacles or a cost needs m > 0 (ln m, whose slope has no mean to
   * speak of), else transform, and sweeps from the start again where a Newton step takes more than 80 GMRES steps.
   */
  readonly preconditioner?: "auto" | "transform" | "sweeps";
}

const NAME = "newton";
/** Viscosities of the continuation, in units of (longest side)²/T; the first ones only where Newton failed without. */
const LADDER = [
  1, 0.5, 0.3, 0.2, 0.14, 0.1, 0.05, 0.03, 0.02, 0.014, 0.01, 0.007, 0.005, 0.0035, 0.0025, 0.0018, 0.00125,
];
/** Below this viscosity, in the same units, continuation begins at once. */
const SMALL = 0.015;
/** Newton steps up to which a stage of the continuation is easy. */
const EASY = 7;
/** Largest residual at which a step of the continuation hands over. */
const HANDOVER = 1e-2;

/** Largest fall of ln m in one Newton step. */
const LARGEST_FALL = -30;

/** Multiples of the round-off of one equation up to which a residual is nothing else. */
const AT_FLOOR = 10;

/** GMRES steps within one Newton step above which mean coefficients give way to the true ones. */
const PATIENCE = 80;

/** Names of the options. */
const KNOWN = [
  "points",
  "steps",
  "scheme",
  "time",
  "tolerance",
  "maxIterations",
  "start",
  "continuation",
  "restart",
  "preconditioner",
] as const satisfies readonly (keyof NewtonOptions)[];

type Settings = Required<Omit<NewtonOptions, "points" | "steps" | "time">> &
  Pick<NewtonOptions, "points" | "steps" | "time">;

/**
 * Newton's method for time-dependent and planning games.
 *
 * @param options see {@link NewtonOptions}
 * @returns a solver for problems of kind `"mean-field-game"`
 * @throws UsageError when an option is out of range
 *
 * *Notes*: `counts` has the Newton and GMRES steps at the problem's own viscosity, and those of the continuation apart. A central scheme
 * whose density falls below 0 is not called converged.
 *
 * *Good values*: the defaults; as many steps as cells an axis for balanced errors; `scheme: "central"` for smooth solutions with ν of 0.1 and more.
 *
 * *References*: achdou2010mean, achdou2012iterative, eisenstat1996choosing, knoll2004jacobian
 */
export function newton(options: NewtonOptions = {}): Solver<MeanFieldGame, GridGameSolution> {
  demandKnown(NAME, options, KNOWN);
  const settings: Settings = {
    scheme: "upwind",
    tolerance: 1e-6,
    maxIterations: 50,
    start: "uniform",
    continuation: "auto",
    restart: 60,
    preconditioner: "auto",
    ...options,
  };
  check(settings);
  const record = {
    name: NAME,
    order: gameOrder(settings),
    references: ["achdou2010mean", "achdou2012iterative", "eisenstat1996choosing", "knoll2004jacobian"],
    options: Object.freeze({
      ...settings,
      scheme: typeof settings.scheme === "function" ? settings.scheme.name : settings.scheme,
      start: settings.start === "uniform" ? "uniform" : "fields",
    }) as Readonly<Record<string, unknown>>,
  };
  return gridGameSolver(record, handles, (problem, context) => descend(problem, settings, context));
}

function check(s: Settings): void {
  demand(
    s.tolerance > 0 && Number.isFinite(s.tolerance),
    NAME,
    "tolerance",
    "be a finite number > 0",
    s.tolerance,
    "Use tolerance: 1e-6",
  );
  for (const name of ["maxIterations", "restart"] as const)
    demand(Number.isInteger(s[name]) && s[name] >= 1, NAME, name, "be an integer ≥ 1", s[name], "Leave it out");
  demand(
    s.continuation === "auto" || s.continuation === false,
    NAME,
    "continuation",
    'be "auto" or false',
    s.continuation,
    'Use continuation: "auto"',
  );
  demand(
    ["auto", "transform", "sweeps"].includes(s.preconditioner),
    NAME,
    "preconditioner",
    'be "auto", "transform" or "sweeps"',
    s.preconditioner,
    'Use preconditioner: "auto"',
  );
  demand(
    s.start === "uniform" ||
      (typeof s.start === "object" && s.start !== null && "value" in s.start && "density" in s.start),
    NAME,
    "start",
    'be "uniform" or fields',
    s.start,
    "Use the fields of another solution on the same cells and steps",
  );
}

function handles(problem: Problem): true | string {
  if (problem.kind !== "mean-field-game")
    return `it solves mean-field games, not ${problem.kind}; use a solver of that family`;
  const game = problem as MeanFieldGame;
  if (game.mode === "ergodic") return "it is for games in time; use ergodic()";
  if (game.dimension > 3) return "grids have at most three dimensions; use neuralGame()";
  for (const p of game.populations)
    for (const law of [p.initial, p.final])
      if (law !== null && law.density === null) return `the law ${law.text} has no density; use particleFixedPoint()`;
  return true;
}

interface Reached {
  readonly fields: GameFields;
  readonly status: { readonly converged: boolean; readonly text: string };
  readonly histories: readonly History[];
  readonly counts: Readonly<Record<string, number>>;
}

async function descend(problem: MeanFieldGame, s: Settings, context: SolveContext): Promise<Reached> {
  const { lower, upper } = problem.domain;
  const unit = Math.max(...upper.map((b, a) => b - lower[a])) ** 2 / problem.horizon;
  const least = Math.min(...problem.populations.map((p) => p.viscosity)) / unit;
  const own = schemeOf(problem, s);
  let x = s.start === "uniform" ? uniform(own) : own.unknowns(s.start);
  const earlier = { newtonSteps: 0, linearSteps: 0 };
  const climb = async (from: number): Promise<boolean> => {
    x = uniform(own);
    const rungs = LADDER.filter((v) => v <= from && v > least * 1.0001);
    // A stage that was easy lets the next viscosity be left out; one that fails after that goes back to it.
    for (let at = 0, next = 1; at < rungs.length; at += next) {
      const nu = rungs[at];
      const eased = schemeOf(atLeast(problem, nu * unit), s);
      const stage = await solveAt(
        eased,
        x,
        { ...s, tolerance: Math.max(s.tolerance, HANDOVER) },
        context,
        `ν ≥ ${nu * unit}`,
      );
      earlier.newtonSteps += stage.result.iterations;
      earlier.linearSteps += stage.linear;
      if (!stage.result.status.converged && next === 2) {
        at -= 2;
        next = 1;
        continue;
      }
      x = stage.result.solution;
      if (!stage.result.status.converged) return false;
      next = stage.result.iterations <= EASY && at + 2 < rungs.length ? 2 : 1;
    }
    return true;
  };
  const mayClimb = s.continuation === "auto" && s.start === "uniform";
  let climbed = mayClimb && least < SMALL;
  if (climbed) await climb(0.1);
  let last = await solveAt(own, x, s, context, "newton");
  if (!last.result.status.converged && mayClimb && !climbed && least < LADDER[0]) {
    climbed = true;
    if (await climb(Math.max(0.1, 10 * least))) {
      earlier.newtonSteps += last.result.iterations;
      earlier.linearSteps += last.linear;
      last = await solveAt(own, x, s, context, "newton");
    }
  }
  const { result } = last;
  return {
    fields: own.fields(result.solution),
    status: statusOf(own, last, s, climbed),
    histories: [result.history, result.linearIterations, result.steps],
    counts: {
      newtonSteps: result.iterations,
      linearSteps: last.linear,
      continuationNewtonSteps: earlier.newtonSteps,
      continuationLinearSteps: earlier.linearSteps,
      cells: own.cells.openCount,
      timeSteps: own.steps,
    },
  };
}

function schemeOf(problem: MeanFieldGame, s: Settings): GameScheme {
  const d = problem.dimension;
  return gameScheme(problem, {
    points: s.points ?? [128, 64, 24][d - 1],
    steps: s.steps ?? (d === 3 ? 24 : 64),
    scheme: s.scheme,
    time: s.time,
  });
}

function atLeast(problem: MeanFieldGame, viscosity: number): MeanFieldGame {
  return {
    ...problem,
    populations: problem.populations.map((p) => ({ ...p, viscosity: Math.max(p.viscosity, viscosity) })),
  };
}

/** u = 0, and the mass of m₀ spread evenly over the open cells at all times. */
function uniform(scheme: GameScheme): Float64Array {
  const { cells, steps, length } = scheme;
  const { size } = cells.grid;
  const x = new Float64Array(length);
  scheme.initial.forEach((m, k) => {
    const mean = m.reduce((sum, v) => sum + v, 0) / cells.openCount;
    for (let n = 0; n < steps - (scheme.final === null ? 0 : 1); n++) {
      const at = length / 2 + (k * steps + n) * size;
      for (let i = 0; i < size; i++) x[at + i] = cells.open[i] * mean;
    }
  });
  return x;
}

interface Stage {
  readonly result: Awaited<ReturnType<typeof newtonKrylov<Float64Array>>>;
  readonly linear: number;
  /** What a term said of the last trial step that it does not bear; `null` when there was none. */
  readonly refusal: string | null;
}

async function solveAt(
  scheme: GameScheme,
  initial: Float64Array,
  s: Settings,
  context: SolveContext,
  stage: string,
): Promise<Stage> {
  const maySweep = s.preconditioner !== "transform" && scheme.final === null;
  if (maySweep && (s.preconditioner === "sweeps" || !scheme.cells.isPlain || leastDensity(scheme) > 0))
    return attempt(scheme, sweepPreconditioner(scheme), initial, s, context, stage, null);
  const impatience = maySweep ? new AbortController() : null;
  const first = await attempt(scheme, transformPreconditioner(scheme), initial, s, context, stage, impatience);
  if (impatience === null || !impatience.signal.aborted) return first;
  const second = await attempt(scheme, sweepPreconditioner(scheme), initial, s, context, stage, null);
  return { ...second, linear: first.linear + second.linear };
}

/** One run of Newton's method; `impatience` is aborted when a Newton step takes more than {@link PATIENCE} GMRES steps. */
async function attempt(
  scheme: GameScheme,
  preconditioner: GamePreconditioner,
  initial: Float64Array,
  s: Settings,
  context: SolveContext,
  stage: string,
  impatience: AbortController | null,
): Promise<Stage> {
  const breathe = breathing(context.signal);
  let started = false;
  let refusal: string | null = null;
  let jacobian: ReturnType<GameScheme["linearise"]> | null = null;
  let linear = 0;
  const sizes = densitySizes(scheme);
  const unscaled = sizes.every((m) => m === 1) ? null : new Float64Array(scheme.length);
  const result = await newtonKrylov<Float64Array>({
    space: arraySpace(scheme.length),
    residual: async (x, out) => {
      await breathe();
      try {
        scheme.residual(x, out);
        divideDensities(scheme, sizes, out);
        started = true;
      } catch (error) {
        // Nothing is wrong with the terms where Newton starts: a trial step went where they have no value, and is shortened.
        if (!(error instanceof UsageError) || !started) throw error;
        refusal = error.message;
        out.fill(Number.NaN);
      }
    },
    initial,
    preconditioner: (x) => {
      jacobian = scheme.linearise(x);
      preconditioner.update(jacobian);
      let applied = 0;
      return async (measured, out) => {
        const v = unscaled ?? measured;
        if (unscaled !== null) {
          unscaled.set(measured);
          multiplyDensities(scheme, sizes, unscaled);
        }
        linear++;
        if (++applied > PATIENCE) impatience?.abort();
        await preconditioner.apply(v, out);
        if (!scheme.cells.isPlain) clearSolid(scheme, out);
        if (!preconditioner.keepsMass) closeMass(scheme, x, v, out);
        await breathe();
      };
    },
    jacobian: (_x, v, out) => {
      jacobian?.apply(v, out);
      divideDensities(scheme, sizes, out);
    },
    // A central scheme's density may be negative: then that is its answer, unless a cost needs m > 0.
    move:
      leastDensity(scheme) > 0 || scheme.hamiltonians.every((h) => h.name !== "central")
        ? retraction(scheme)
        : undefined,
    measure: largest,
    tolerance: 0,
    absolute: s.tolerance,
    maxIterations: s.maxIterations,
    restart: s.restart,
    largestForcing: 0.1,
    overshoot: { steps: 12, factor: 3 },
    maxLinearIterations: 200,
    signal: impatience?.signal,
    onIteration: (iteration, residual) => context.progress({ stage, iteration, fraction: null, residual }),
  });
  const counted = result.linearIterations.values.reduce((sum, v) => sum + v, 0);
  return { result, linear: impatience?.signal.aborted === true ? linear : counted, refusal };
}

/** min(1, max(m₀, T|q|)) of each population, 1 where that is 0: what residuals of its density are relative to, so that small crowds count. */
function densitySizes(scheme: GameScheme): readonly number[] {
  const { steps, initial, problem } = scheme;
  return problem.populations.map((p, k) => {
    let size = largest(initial[k]);
    if (p.densitySource !== null) {
      // at rest the residual is −q
      const [rest, rates] = [new Float64Array(initial[k].length), scheme.zeroRates()];
      const q = new Float64Array(rest.length);
      for (let n = 0; n < steps; n++) {
        scheme.densityResidual(k, n, rest, rest, rates, q);
        size = Math.max(size, problem.horizon * largest(q));
      }
    }
    return size > 0 ? Math.min(1, size) : 1;
  });
}

/** Divides the density equations of a vector of residuals by the sizes of {@link densitySizes}. */
function divideDensities({ length }: GameScheme, sizes: readonly number[], f: Float64Array): void {
  const each = length / 2 / sizes.length;
  sizes.forEach((size, k) => {
    if (size !== 1) for (let i = length / 2 + k * each, to = i + each; i < to; i++) f[i] /= size;
  });
}

/** Undoes {@link divideDensities}. */
function multiplyDensities(scheme: GameScheme, sizes: readonly number[], f: Float64Array): void {
  divideDensities(
    scheme,
    sizes.map((size) => 1 / size),
    f,
  );
}

/** The density that running and terminal costs need at least. */
function leastDensity({ problem: { coupling, terminal } }: GameScheme): number {
  return Math.max(coupling.massRange[0], terminal?.massRange[0] ?? 0);
}

/** Solid cells hold 0, whatever a preconditioner that does not know them says. */
function clearSolid({ cells: { open } }: GameScheme, x: Float64Array): void {
  for (let at = 0; at < x.length; at += open.length)
    for (let i = 0; i < open.length; i++) if (open[i] === 0) x[at + i] = 0;
}

/**
 * Shifts each slab of densities, by a share of the density at x, so that the masses of M⁻¹v follow the sums of v exactly, as F′ has it where no doors are:
 * then residuals of Krylov vectors have no mass, and Newton's steps keep it to round-off whatever the accuracy of the sweeps.
 */
function closeMass(scheme: GameScheme, x: Float64Array, v: Float64Array, out: Float64Array): void {
  const { cells: c, steps, dt, problem } = scheme;
  const { size } = c.grid;
  if (c.doors.link.length > 0) return;
  for (let k = 0; k < problem.populations.length; k++) {
    let mass = 0;
    for (let n = 0; n < steps - (scheme.final === null ? 0 : 1); n++) {
      const at = v.length / 2 + (k * steps + n) * size;
      let has = 0;
      let crowd = 0;
      for (let i = at; i < at + size; i++) {
        mass += dt * v[i];
        has += out[i];
        crowd += x[i];
      }
      const share = (mass - has) / crowd;
      for (let i = at; i < at + size; i++) out[i] += share * x[i];
    }
  }
}

function largest(f: Float64Array): number {
  let worst = 0;
  for (let i = 0; i < f.length; i++) {
    const size = Math.abs(f[i]);
    if (!(size <= worst)) worst = size;
  }
  return worst;
}

/**
 * x ⊕ λd. Densities go along ℓ + (m − ℓ) φ(λd/(m − ℓ)) with φ(r) = 1 + r for r ≥ −0.8 and 0.1 + 0.01/(−0.7 − r) below: C¹, above
 * 0.1, so that no density is lost in one step. Where a cost needs m > 0, as ln m does, φ(r) = eʳ for r < 0: a full Newton step of ln m,
 * with which tails of many orders of magnitude are reached. A slab that was bent is scaled to the mass of its straight step.
 */
function retraction(scheme: GameScheme): (x: Float64Array, lambda: number, d: Float64Array, out: Float64Array) => void {
  const { problem, cells, steps, length } = scheme;
  const { size } = cells.grid;
  const least = leastDensity(scheme);
  const logarithmic = least > 0;
  const slabs = problem.populations.length * steps;
  return (x, lambda, d, out) => {
    for (let i = 0; i < length; i++) out[i] = x[i] + lambda * d[i];
    for (let n = 0; n < slabs; n++) {
      // In a planning game the last slab of densities is u at T.
      if (scheme.final !== null && n % steps === steps - 1) continue;
      const at = length / 2 + n * size;
      let straight = 0;
      let bent = 0;
      for (let i = at; i < at + size; i++) {
        const above = x[i] - least;
        const change = lambda * d[i];
        straight += out[i];
        if (logarithmic && change < 0)
          out[i] = above > 0 ? least + above * Math.exp(Math.max(change / above, LARGEST_FALL)) : x[i];
        else if (above > 0 && change < -0.8 * above) out[i] = least + above * (0.1 + 0.01 / (-0.7 - change / above));
        bent += out[i];
      }
      if (bent > straight && straight > 0) {
        const scale = straight / bent;
        for (let i = at; i < at + size; i++) out[i] *= scale;
      }
    }
  };
}

function statusOf(
  scheme: GameScheme,
  { result, linear, refusal }: Stage,
  s: Settings,
  climbed: boolean,
): { converged: boolean; text: string } {
  const below = lowestDensity(scheme, result.solution);
  if (result.status.converged && below === null)
    return {
      converged: true,
      text: `converged: largest residual ${short(result.residual)} ≤ ${short(s.tolerance)} after ${result.iterations} Newton and ${linear} GMRES steps`,
    };
  if (result.status.converged && below !== null)
    return {
      converged: false,
      text: `stopped: the density is ${short(below.value)} < 0 at ${below.place}: this scheme does not resolve it; use scheme: "upwind", which keeps it positive, or more points and steps`,
    };
  const f = new Float64Array(scheme.length);
  scheme.residual(result.solution, f);
  divideDensities(scheme, densitySizes(scheme), f);
  const at = f.reduce((worst, v, i) => (!(Math.abs(v) <= Math.abs(f[worst])) ? i : worst), 0);
  if (!Number.isFinite(f[at]))
    return {
      converged: false,
      text: `stopped: the ${at < scheme.length / 2 ? "costs or the Hamiltonian are" : "source of mass or the Hamiltonian's slope is"} not finite at ${placeOf(scheme, at)}; keep the game's formulas finite there`,
    };
  const floor = roundOff(scheme, result.solution);
  if (result.residual <= AT_FLOOR * floor) {
    const enough = `1e${Math.ceil(Math.log10(2 * result.residual))}`;
    return {
      converged: false,
      text: `stalled: largest residual ${short(result.residual)} > ${short(s.tolerance)} after ${result.iterations} Newton and ${linear} GMRES steps: this is round-off, which ε·ν/h²·max(|u|, m) puts at ${short(floor)}; use tolerance: ${enough}`,
    };
  }
  const equation = at < scheme.length / 2 ? "Hamilton–Jacobi–Bellman" : "Fokker–Planck";
  const why = /after \d+ Newton/.test(result.status.text) ? "maxIterations is reached" : "no step lowers the residuals";
  const told = why === "maxIterations is reached" || refusal === null ? "" : ` (${refusal.replace(/\.$/, "")})`;
  const cures = [
    ...(why === "maxIterations is reached" ? ["raise maxIterations"] : []),
    ...(bridges(scheme.problem) ? ["use schroedingerBridge(): nobody pays for the crowd here"] : []),
    ...(climbed || s.continuation === false || s.start === "uniform"
      ? []
      : ["leave start out, so that continuation in the viscosity can help"]),
    ...(s.continuation === false ? ['set continuation: "auto"'] : []),
    "raise the viscosity",
    "use more steps",
    scheme.problem.isMonotone === false
      ? "start from the fields of fictitiousPlay(): the cost falls with the crowd somewhere, and there may be several equilibria"
      : "start from the fields of a solved easier game",
  ];
  return {
    converged: false,
    text: `stalled: largest residual ${short(result.residual)} > ${short(s.tolerance)} after ${result.iterations} Newton and ${linear} GMRES steps, in the ${equation} equation at ${placeOf(scheme, at)}: ${why}${told}; ${cures.join(", ")}`,
  };
}

/** ε Σ_a ν/h_a² times the largest |u|, or density in units of {@link densitySizes}: what rounding alone leaves of the residuals. */
function roundOff(scheme: GameScheme, x: Float64Array): number {
  const { cells, problem, length, steps } = scheme;
  const each = length / 2 / problem.populations.length;
  const sizes = densitySizes(scheme);
  const { u } = scheme.slabs(x);
  const stiffness = cells.grid.axes.reduce((sum, { spacing }) => sum + 1 / spacing ** 2, 0);
  const floors = problem.populations.map(({ viscosity }, k) => {
    const at = length / 2 + k * each;
    const densities = x.subarray(at, at + each - (scheme.final === null ? 0 : each / steps));
    const top = Math.max(...u[k].map(largest), largest(densities) / sizes[k]);
    return Number.EPSILON * viscosity * stiffness * top;
  });
  return Math.max(...floors);
}

/** Whether a game is one that schroedingerBridge() solves. */
function bridges({ mode, coupling, populations, domain }: MeanFieldGame): boolean {
  return mode === "planning" && !coupling.dependsOnMass && whyNoWaves(populations, domain) === null;
}

/** "t = 0.5, x = (0.1, 0.2)", with the population's name where there are several, of entry `at` of a vector of unknowns. */
function placeOf(scheme: GameScheme, at: number): string {
  const { problem, cells, steps, times, length } = scheme;
  const { size, dimension: d } = cells.grid;
  const index = Math.floor((at % (length / 2)) / size);
  const n = (index % steps) + (at < length / 2 ? 0 : 1);
  const cell = at % size;
  const x = Array.from(cells.points.subarray(cell * d, (cell + 1) * d), short).join(", ");
  const { populations } = problem;
  const who = populations.length === 1 ? "" : ` of ${populations[Math.floor(index / steps)].name}`;
  return `t = ${short(times[n])}, x = (${x})${who}`;
}

/** The lowest density where one is below 0 by more than round-off; `null` elsewhere. */
function lowestDensity(scheme: GameScheme, x: Float64Array): { value: number; place: string } | null {
  const { problem, steps, length } = scheme;
  const { size } = scheme.cells.grid;
  let [at, top] = [-1, 0];
  for (let k = 0; k < problem.populations.length; k++)
    for (let n = 0; n < steps - (scheme.final === null ? 0 : 1); n++)
      for (let i = 0; i < size; i++) {
        const j = length / 2 + (k * steps + n) * size + i;
        if (x[j] < 0 && (at < 0 || x[j] < x[at])) at = j;
        if (x[j] > top) top = x[j];
      }
  return at < 0 || x[at] > -1e-14 * top ? null : { value: x[at], place: placeOf(scheme, at) };
}
