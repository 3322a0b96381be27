// Particle fixed point of a mean-field game: clouds for the law, a stated basis for the value, no grid.
//   forward    dX = v dt + √(2ν) dW,  v = −∂ₚH(t, X, ∇u, m̂): Heun with one noise, walls mirror; m̂ from the cloud (scoreDensity or kernelDensity)
//   backward   u(t_n, ·) = c_n·ψ by least squares over the cloud at t_n, Crank–Nicolson in time, policy iteration in H:
//              Σ_i | (u_n − u_{n+1})(X_i) − ½Δt[(νΔu − H(∇u) + f)_n + (νΔu − H(∇u) + f)_{n+1}](X_i) |² → min
//   outer      c ↦ Φ(c) with the same noise in every iteration, so that it has a fixed point; damping θ and Anderson mixing.
// Independent of the grid solvers: the law is a cloud and the HJB equation holds in L² of that cloud. Order 2 in Δt; statistical error
// O(particles^{−½}), measured by one more pass with fresh noise; what the basis does not hold is lost.
// References: Gobet, Lemor, Warin 2005 (key gobet2005regression); Lasry, Lions 2007 (key lasry2007mean); Walker, Ni 2011 (key walker2011anderson).
import ndarray, { type NdArray } from "ndarray";
import type { MeanFieldGame } from "../../problems/mean-field-game.js";
import { type Coupling, type Hamiltonian, hamiltonianJet } from "../../problems/terms/index.js";
import { breathing } from "../../src/breathing.js";
import { demand, demandKnown, SolveError, UsageError } from "../../src/error.js";
import { stacked } from "../../src/io/index.js";
import { anderson, arraySpace, leastSquares } from "../../src/linalg/index.js";
import {
  type BasisAxis,
  type BasisJet,
  type Cloud,
  cloud,
  type DensityEstimate,
  type FunctionBasis,
  functionBasis,
  kernelDensity,
  moments,
  scoreDensity,
} from "../../src/measure/index.js";
import type { Problem } from "../../src/problem.js";
import { generator } from "../../src/random/index.js";
import { short } from "../../src/short.js";
import type { GameSolution, GameTrajectoryOptions, SolverRecord, Status } from "../../src/solution/index.js";
import type { SolveContext, Solver } from "../../src/solver.js";
import {
  between,
  foldInto,
  followAgents,
  gamePopulation,
  gameTime,
  heunStep,
  needsDensity,
  refusalForAgents,
  type StartingAgents,
  startingAgents,
  type Walls,
  wallsOf,
} from "./agents.js";

const NAME = "particleFixedPoint";

export interface ParticleFixedPointOptions {
  /** Particles of each population, at least 10 for each function of the basis; default 4000. */
  readonly particles?: number;
  /** Time steps N; default 40. */
  readonly steps?: number;
  /** Most outer iterations; default 60. */
  readonly iterations?: number;
  /** Stop when the feedback changes by less than this, relative to its root mean square; default 1e-6. */
  readonly tolerance?: number;
  /** θ ∈ (0, 1], share of the new value function taken; default 0.7. */
  readonly damping?: number;
  /** Depth of Anderson mixing; 0 is damping alone; default 5. */
  readonly memory?: number;
  /** Total degree of the basis; default 2 where an axis has far walls, else 4. */
  readonly degree?: number;
  /**
   * What walls are: `"far"`: ends of a box that the crowd does not reach, polynomials; `"reflecting"`: the crowd leans on them,
   * cosines with ∂ₙu = 0. Default `"far"` when every initial law is a distribution, else `"reflecting"`. Periodic axes have sines and
   * cosines either way.
   */
  readonly walls?: Walls | null;
  /** Density estimate where a term needs one: `"score"` (default; exponential of the basis) or `"kernel"` (up to 3 dimensions). */
  readonly density?: "score" | "kernel";
  /** Bandwidth of the kernel, one number; default the normal-scale rule. */
  readonly bandwidth?: number | null;
}

type Settings = Required<Omit<ParticleFixedPointOptions, "degree">> & { readonly degree: number | null };

/** Share of steps that met a wall above which walls are not far. */
const CONTACT = 1e-3;
/** Particles for each function of the basis, at least: fewer do not tell the functions apart. */
const PER_FUNCTION = 10;
/** Policy iterations of one backward step, at most, and when they stop. */
const INNER = 8;
const INNER_TOLERANCE = 1e-10;

/** Solution by particles: the feedback in a basis, the law as clouds at the time steps. */
export interface ParticleGameSolution extends GameSolution<MeanFieldGame> {
  readonly family: "particle";
  readonly fields: null;
  density(t: number, k?: number): Cloud;
  /** Basis of u. */
  readonly basis: FunctionBasis;
  /** Root mean square difference of the feedback of a fresh cloud of the same size, relative to the feedback: about √2 standard errors; `null` when not measured. */
  readonly samplingError: number | null;
}

/**
 * A mean-field game by interacting particles and regression, without a grid.
 *
 * −∂ₜu − νΔu + H(x, ∇u, m) = f(x, m),  dX = −∂ₚH dt + √(2ν) dW,  m = law of X
 *
 * @param options see {@link ParticleFixedPointOptions}
 * @returns a solver for time-dependent games on boxes and tori, of any dimension and any number of populations; `order` is 2 (in Δt)
 * @throws UsageError when an option is out of range; from `solve` when there are fewer than 10 particles for each function of the basis;
 * SolveError when a crowd on the way cannot be played, or has gathered so closely that no fit tells its particles apart
 *
 * *Notes*: `converged` says that the undamped change of the feedback is below the tolerance for the cloud at hand; the sampling error stands
 * in `samplingError`. `value` holds where the crowd is and extrapolates the basis elsewhere. `exploitability` is what an agent gains within
 * the basis against the crowd of a fresh cloud, E∫ H(q) − H(p) − ∂ₚH(p)·(q − p) dt with p the feedback's and q the fresh gradient: it
 * contains the sampling error squared. Time-dependent games only; no obstacles and doors. The score estimate writes log m in
 * the basis: a crowd that leaves parts of a box empty needs `density: "kernel"` (up to 3 dimensions). Terminal costs of m itself at small
 * viscosity answer too strongly for a fixed-point iteration: use newton().
 *
 * *Good values*: the defaults; particles 16000 halves the statistical error; degree 2 in high dimension.
 *
 * *References*: gobet2005regression, hyvarinen2005estimation, walker2011anderson, lasry2007mean
 */
export function particleFixedPoint(
  options: ParticleFixedPointOptions = {},
): Solver<MeanFieldGame, ParticleGameSolution> {
  demandKnown(NAME, options, [
    "particles",
    "steps",
    "iterations",
    "tolerance",
    "damping",
    "memory",
    "degree",
    "walls",
    "density",
    "bandwidth",
  ]);
  const settings: Settings = {
    particles: options.particles ?? 4000,
    steps: options.steps ?? 40,
    iterations: options.iterations ?? 60,
    tolerance: options.tolerance ?? 1e-6,
    damping: options.damping ?? 0.7,
    memory: options.memory ?? 5,
    degree: options.degree ?? null,
    walls: options.walls ?? null,
    density: options.density ?? "score",
    bandwidth: options.bandwidth ?? null,
  };
  checkSettings(settings);
  const record: SolverRecord = {
    name: NAME,
    family: "particle",
    order: 2,
    references: ["gobet2005regression", "hyvarinen2005estimation", "walker2011anderson", "lasry2007mean"],
    options: { ...settings },
  };
  const handles = (problem: Problem): true | string => {
    const refusal = refusalForAgents(problem);
    if (refusal !== null) return refusal;
    if (settings.density === "kernel" && problem.dimension > 3)
      return 'a kernel density estimate takes at most 3 dimensions; use density: "score"';
    return true;
  };
  return { ...record, handles, solve: (problem, context) => run(problem, context, settings, record, handles) };
}

function checkSettings(s: Settings): void {
  for (const [name, least, usual] of [
    ["particles", 10, 4000],
    ["steps", 1, 40],
    ["iterations", 1, 60],
    ["memory", 0, 5],
  ] as const)
    demand(
      Number.isInteger(s[name]) && s[name] >= least,
      NAME,
      name,
      `be an integer ≥ ${least}`,
      s[name],
      `Use ${name}: ${usual} to start`,
    );
  demand(s.tolerance > 0 && s.tolerance < 1, NAME, "tolerance", "be in (0, 1)", s.tolerance, "Use tolerance: 1e-6");
  demand(s.damping > 0 && s.damping <= 1, NAME, "damping", "be in (0, 1]", s.damping, "Use damping: 0.7 to start");
  demand(
    s.degree === null || (Number.isInteger(s.degree) && s.degree >= 1),
    NAME,
    "degree",
    "be an integer ≥ 1",
    s.degree,
    "Use degree: 2 to start",
  );
  demand(
    s.walls === null || s.walls === "far" || s.walls === "reflecting",
    NAME,
    "walls",
    'be "far" or "reflecting"',
    s.walls,
    'Use walls: "far" when the box holds the whole crowd',
  );
  demand(
    s.density === "score" || s.density === "kernel",
    NAME,
    "density",
    'be "score" or "kernel"',
    s.density,
    'Use density: "score" to start',
  );
  demand(
    s.bandwidth === null || (s.bandwidth > 0 && s.bandwidth < Infinity),
    NAME,
    "bandwidth",
    "be a finite number > 0, or null for the normal-scale rule",
    s.bandwidth,
    "Leave it out to start",
  );
}

/** Fixed data of a run. */
interface Arena {
  readonly game: MeanFieldGame;
  readonly settings: Settings;
  readonly basis: FunctionBasis;
  readonly times: Float64Array;
  readonly dt: number;
  readonly needsDensity: boolean;
}

/** Everything that is drawn: starts and kicks of each population. */
interface Draws {
  readonly starts: readonly StartingAgents[];
  /** kicks[k][n]: n·d standard normals of step n. */
  readonly kicks: readonly (readonly Float64Array[])[];
}

/** The crowd under one feedback. */
interface CrowdPath {
  /** clouds[k][n]. */
  readonly clouds: readonly (readonly Cloud[])[];
  /** m̂_k(t_n, ·) with the population's mass; empty lists when no term needs it. */
  readonly estimates: readonly (readonly DensityEstimate[])[];
  /** Share of coordinates that met a wall in a step. */
  readonly contact: number;
}

/** The answer to a crowd, and how far the feedback that made the crowd is from it. */
interface Answer {
  readonly coefficients: Float64Array;
  /** Root mean square of v′ − v over clouds, times and populations; and of v′. */
  readonly change: number;
  readonly speed: number;
  /** E∫ H(q) − H(p) − ∂ₚH(p)(q − p) dt times the mass, for each population. */
  readonly gain: readonly number[];
}

async function run(
  game: MeanFieldGame,
  context: SolveContext,
  settings: Settings,
  solver: SolverRecord,
  handles: (problem: Problem) => true | string,
): Promise<ParticleGameSolution> {
  const fit = handles(game);
  if (fit !== true) throw new UsageError(`${NAME}: problem must be one it handles; got ${game.name}: ${fit}.`);
  const began = context.elapsed();
  const { steps, iterations, tolerance } = settings;
  const root = generator(context.seed).split(NAME);
  const drawn = draw(game, settings, (name) => root.split(name));
  const basis = basisFor(game, settings, drawn);
  const fewest = PER_FUNCTION * basis.size;
  demand(
    settings.particles >= fewest,
    NAME,
    "particles",
    `be at least ${fewest}, ${PER_FUNCTION} for each of the ${basis.size} functions of the basis`,
    settings.particles,
    `Raise particles, or lower degree from ${degreeFor(game, settings)}`,
  );
  const arena: Arena = {
    game,
    settings,
    basis,
    times: Float64Array.from({ length: steps + 1 }, (_, n) => (n / steps) * game.horizon),
    dt: game.horizon / steps,
    needsDensity: needsDensity(
      game,
      drawn.starts.map((start) => cloud(start.points, game.dimension)),
    ),
  };
  const breathe = breathing(context.signal);
  const residuals: number[] = [];
  const reached = new AbortController();
  let path: CrowdPath | null = null;
  const named = (error: SolveError, when: string): SolveError =>
    new SolveError(`${NAME} on ${game.name}: ${when} failed: ${error.message}`);
  const answerTo = async (x: Float64Array): Promise<Answer> => {
    try {
      path = await simulate(arena, x, drawn, breathe);
      return await respond(arena, x, path, breathe);
    } catch (error) {
      if (error instanceof SolveError) throw named(error, `iteration ${residuals.length + 1}`);
      // of the terms at the start nothing is wrong: the iteration has led to a crowd that they do not bear
      if (!(error instanceof UsageError) || residuals.length === 0) throw error;
      throw new SolveError(
        `${NAME} on ${game.name}: the crowd of iteration ${residuals.length + 1} cannot be played (${error.message}) Lower damping, set density: "kernel" where crowds leave parts of the domain empty, or use a grid solver.`,
      );
    }
  };
  const { solution: coefficients } = await anderson<Float64Array>({
    space: arraySpace(game.populations.length * (steps + 1) * arena.basis.size),
    initial: new Float64Array(game.populations.length * (steps + 1) * arena.basis.size),
    map: async (x, out) => {
      const answer = await answerTo(x);
      out.set(answer.coefficients);
      const residual = relative(answer);
      residuals.push(residual);
      const iteration = residuals.length;
      context.progress({ stage: "fixed point", iteration, fraction: iteration / iterations, residual });
      if (residual <= tolerance || iteration === iterations) reached.abort(); // the last point is kept, with its own cloud
    },
    window: settings.memory,
    damping: settings.damping,
    tolerance: Number.MIN_VALUE,
    maxIterations: iterations,
    signal: reached.signal,
  });
  const residual = residuals[residuals.length - 1];
  const sound = Number.isFinite(residual);
  const auditOf = async (): Promise<Answer> => {
    const again = draw(game, settings, (name) => root.split(`fresh ${name}`));
    try {
      return await respond(arena, coefficients, await simulate(arena, coefficients, again, breathe), breathe);
    } catch (error) {
      throw error instanceof SolveError ? named(error, "the fresh cloud") : error;
    }
  };
  const audit = sound ? await auditOf() : null;
  const samplingError = audit === null ? null : relative(audit);
  const status = judge(
    residual,
    residuals.length,
    samplingError,
    path!.contact,
    wallsOf(game, settings.walls),
    settings,
  );
  return makeSolution({
    arena,
    context,
    solver,
    coefficients,
    path: path!,
    residuals,
    audit,
    samplingError,
    status,
    began,
  });
}

function relative({ change, speed }: Answer): number {
  return speed > 0 ? change / speed : change;
}

function judge(
  residual: number,
  count: number,
  sampling: number | null,
  contact: number,
  walls: Walls,
  settings: Settings,
): Status {
  const facts = `feedback changes by ${residual.toExponential(2)} after ${count} iterations; a fresh cloud changes it by ${sampling === null ? "an unmeasured amount" : sampling.toExponential(2)}`;
  if (!Number.isFinite(residual))
    return {
      converged: false,
      text: `diverged: ${facts}; lower damping, raise steps, or lower degree`,
    };
  if (residual > settings.tolerance)
    return {
      converged: false,
      text: `stalled: ${facts}; allow more iterations than ${settings.iterations} or lower damping`,
    };
  if (walls === "far" && contact > CONTACT)
    return {
      converged: false,
      text: `walls are not far: ${facts}, but ${(100 * contact).toPrecision(2)} % of moves met a wall; use walls: "reflecting" or a larger box`,
    };
  return { converged: true, text: `converged: ${facts}` };
}

function draw(game: MeanFieldGame, s: Settings, split: (name: string) => ReturnType<typeof generator>): Draws {
  const d = game.dimension;
  const starts = game.populations.map((p, k) => {
    const start = startingAgents(p, game.domain, s.particles, split(`start ${k}`));
    foldInto(game.domain, start.points);
    return start;
  });
  const kicks = game.populations.map((_, k) => {
    const noise = split(`noise ${k}`);
    return Array.from({ length: s.steps }, () =>
      antithetic(noise.normal(Math.ceil(s.particles / 2) * d), s.particles * d),
    );
  });
  return { starts, kicks };
}

/** ξ and then −ξ, to the length asked for: each path has the right law, and their mean has no noise where the feedback is linear. */
function antithetic(xi: Float64Array, length: number): Float64Array {
  const out = new Float64Array(length);
  for (let i = 0; i < length; i++) out[i] = i < xi.length ? xi[i] : -xi[i - xi.length];
  return out;
}

/** Degree of the basis when none is asked for. */
function degreeFor(game: MeanFieldGame, s: Settings): number {
  if (s.degree !== null) return s.degree;
  return wallsOf(game, s.walls) === "far" && game.domain.ends.some((e) => e !== "periodic") ? 2 : 4;
}

function basisFor(game: MeanFieldGame, s: Settings, drawn: Draws): FunctionBasis {
  const { lower, upper, ends, dimension: d } = game.domain;
  const all = new Float64Array(drawn.starts.length * s.particles * d);
  drawn.starts.forEach((start, k) => {
    all.set(start.points, k * s.particles * d);
  });
  const { mean, covariance } = moments(cloud(all, d));
  const axes = ends.map((end, a): BasisAxis => {
    if (end === "periodic") return { kind: "fourier", lower: lower[a], upper: upper[a] };
    if (wallsOf(game, s.walls) === "reflecting") return { kind: "cosine", lower: lower[a], upper: upper[a] };
    const sd = Math.sqrt(covariance[a * d + a]);
    return { kind: "polynomial", centre: mean[a], scale: sd > 0 ? sd : upper[a] - lower[a] };
  });
  return functionBasis(axes, degreeFor(game, s));
}

/** Coefficients of population k at time n. */
function slot({ basis, settings }: Arena, coefficients: Float64Array, k: number, n: number): Float64Array {
  const at = (k * (settings.steps + 1) + n) * basis.size;
  return coefficients.subarray(at, at + basis.size);
}

/** ∇u by columns. */
function slopes(jet: BasisJet, c: Float64Array): Float64Array[] {
  return jet.gradients.map((rows) => product(rows, c));
}

function product(rows: Float64Array, c: Float64Array): Float64Array {
  const out = new Float64Array(rows.length / c.length);
  for (let i = 0, at = 0; i < out.length; i++) {
    let sum = 0;
    for (let j = 0; j < c.length; j++) sum += rows[at++] * c[j];
    out[i] = sum;
  }
  return out;
}

/** −∂ₚH, row-major. */
function feedback(
  H: Hamiltonian,
  t: number,
  x: Float64Array,
  p: readonly Float64Array[],
  m: Float64Array,
): Float64Array {
  const d = p.length;
  const jet = hamiltonianJet(d, m.length);
  H.evaluate(t, x, p, m, jet, 1);
  const out = new Float64Array(x.length);
  for (let a = 0; a < d; a++) for (let i = 0; i < m.length; i++) out[i * d + a] = -jet.gradient[a][i];
  return out;
}

/**
 * What a fit gives; where there is none, population k's crowd at step n has gathered, or `rows`, the matrix, has
 * numbers that are not finite.
 */
function fitted<T>({ game, settings, times }: Arena, k: number, n: number, rows: Float64Array, solved: () => T): T {
  try {
    return solved();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const { name, viscosity } = game.populations[k];
    const when = `${name} at t = ${short(times[n])}`;
    const what = rows.every((v) => Number.isFinite(v))
      ? `the particles of ${when} have gathered so closely that no fit tells them apart`
      : `the feedback of ${when} has grown beyond all numbers`;
    const cures =
      viscosity === 0
        ? ["Viscosity is 0 and spreads nobody: give one > 0"]
        : [
            "Raise particles",
            "lower damping or degree",
            ...(settings.density === "score" && game.dimension <= 3 ? ['set density: "kernel"'] : []),
          ];
    throw new SolveError(`${what}. ${cures.join(", ")}, or use a grid solver.`);
  }
}

function estimate(arena: Arena, k: number, n: number, c: Cloud, mass: number): DensityEstimate {
  const { game, settings, basis } = arena;
  const { lower, upper, ends } = game.domain;
  const found =
    settings.density === "score"
      ? fitted(arena, k, n, c.points, () => scoreDensity(c, basis))
      : fitted(arena, k, n, c.points, () =>
          kernelDensity(c, {
            lower,
            upper,
            ends: ends.map((e) => (e === "periodic" ? "periodic" : "no-flux")),
            ...(settings.bandwidth === null ? {} : { bandwidth: settings.bandwidth }),
          }),
        );
  return { evaluate: (points) => found.evaluate(points).map((m) => mass * m) };
}

/** The crowd that follows a feedback. */
async function simulate(arena: Arena, c: Float64Array, drawn: Draws, breathe: () => Promise<void>): Promise<CrowdPath> {
  const { game, settings, basis, times, dt } = arena;
  const { dimension: d, domain } = game;
  const estimates: DensityEstimate[][] = game.populations.map(() => []);
  let hits = 0;
  const clouds: Cloud[][] = [];
  for (let k = 0; k < game.populations.length; k++) {
    const { viscosity, hamiltonian: H } = game.populations[k];
    let x = drawn.starts[k].points;
    const list: Cloud[] = [];
    for (let n = 0; n <= settings.steps; n++) {
      await breathe();
      const now = cloud(x, d);
      list.push(now);
      if (arena.needsDensity) estimates[k].push(estimate(arena, k, n, now, drawn.starts[k].mass));
      if (n === settings.steps) break;
      const own = H.dependsOnMass ? estimates[k][n] : null;
      const drift = (step: number) => (at: Float64Array) => {
        const p = slopes(basis.evaluate(at), slot(arena, c, k, step));
        return feedback(H, times[step], at, p, own?.evaluate(at) ?? new Float64Array(at.length / d));
      };
      const sigma = Math.sqrt(2 * viscosity * dt);
      const next = heunStep(domain, x, drawn.kicks[k][n], sigma, dt, drift(n), drift(n + 1));
      hits += next.hits;
      x = next.points;
    }
    clouds.push(list);
  }
  return { clouds, estimates, contact: hits / (settings.particles * d * settings.steps * clouds.length) };
}

/** f_k + s or g_k at points, as the crowd at time n makes them. */
function cost(arena: Arena, of: Coupling, path: CrowdPath, k: number, n: number, x: Float64Array): Float64Array {
  const t = arena.times[n];
  const densities = arena.needsDensity ? path.estimates.map((list) => list[n].evaluate(x)) : null;
  return of.at(t, k, x, { laws: path.clouds.map((list) => list[n]), densities });
}

/** HJB backward over a crowd, in the basis; and the distance to the feedback that made the crowd. */
async function respond(
  arena: Arena,
  old: Float64Array,
  path: CrowdPath,
  breathe: () => Promise<void>,
): Promise<Answer> {
  const { game, settings, basis, times, dt } = arena;
  const { steps } = settings;
  const B = basis.size;
  const d = game.dimension;
  const coefficients = new Float64Array(old.length);
  const gain: number[] = [];
  let change = 0;
  let speed = 0;
  for (let k = 0; k < game.populations.length; k++) {
    const { viscosity: nu, hamiltonian: H, valueSource } = game.populations[k];
    let gained = 0;
    const running = (n: number, x: Float64Array): Float64Array => {
      const f = cost(arena, game.coupling, path, k, n, x);
      const s = valueSource?.evaluate(times[n], x);
      return s === undefined ? f : f.map((v, i) => v + s[i]);
    };
    for (let n = steps; n >= 0; n--) {
      await breathe();
      const { points: x, count } = path.clouds[k][n];
      const jet = basis.evaluate(x);
      const mine = slot(arena, coefficients, k, n);
      const zero = new Float64Array(count);
      const m = H.dependsOnMass ? path.estimates[k][n].evaluate(x) : zero;
      const value = hamiltonianJet(d, count);
      if (n === steps) {
        if (game.terminal !== null) {
          const ends = cost(arena, game.terminal, path, k, n, x);
          mine.set(fitted(arena, k, n, jet.values, () => leastSquares(jet.values, ends, B)));
        }
      } else {
        const after = slot(arena, coefficients, k, n + 1);
        const later = H.dependsOnMass ? path.estimates[k][n + 1].evaluate(x) : zero;
        H.evaluate(times[n + 1], x, slopes(jet, after), later, value, 0);
        // what is known: u_{n+1} + ½Δt((νΔu − H + f)_{n+1} + f_n), less what c_{n+1} itself would give on the left
        const known = product(jet.values, after);
        const bend = product(jet.laplacians, after);
        const f1 = running(n + 1, x);
        const f0 = running(n, x);
        for (let i = 0; i < count; i++) known[i] += 0.5 * dt * (nu * bend[i] - value.value[i] + f1[i] + f0[i]);
        mine.set(after);
        const rows = new Float64Array(count * B);
        const right = new Float64Array(count);
        for (let inner = 0; inner < INNER; inner++) {
          const p = slopes(jet, mine);
          H.evaluate(times[n], x, p, m, value, 1);
          for (let i = 0; i < count; i++) {
            let linear = value.value[i];
            for (let a = 0; a < d; a++) linear -= value.gradient[a][i] * p[a][i];
            right[i] = known[i] - 0.5 * dt * linear;
            for (let j = 0, at = i * B; j < B; j++, at++) {
              let transport = -nu * jet.laplacians[at];
              for (let a = 0; a < d; a++) transport += value.gradient[a][i] * jet.gradients[a][at];
              rows[at] = jet.values[at] + 0.5 * dt * transport;
              right[i] -= rows[at] * mine[j];
            }
          }
          // solved for the increment: directions that the cloud does not see keep the value they had
          const increment = fitted(arena, k, n, rows, () => leastSquares(rows, right, B));
          let moved = 0;
          let size = 0;
          for (let j = 0; j < B; j++) {
            mine[j] += increment[j];
            moved = Math.max(moved, Math.abs(increment[j]));
            size = Math.max(size, Math.abs(mine[j]));
          }
          if (!(moved > INNER_TOLERANCE * size)) break;
        }
      }
      const p = slopes(jet, slot(arena, old, k, n));
      const q = slopes(jet, mine);
      const fromOld = value;
      H.evaluate(times[n], x, p, m, fromOld, 1);
      const fromNew = hamiltonianJet(d, count);
      H.evaluate(times[n], x, q, m, fromNew, 1);
      const share = (n === 0 || n === steps ? 0.5 : 1) * dt;
      for (let i = 0; i < count; i++) {
        let bregman = fromNew.value[i] - fromOld.value[i];
        for (let a = 0; a < d; a++) {
          change += (fromNew.gradient[a][i] - fromOld.gradient[a][i]) ** 2;
          speed += fromNew.gradient[a][i] ** 2;
          bregman -= fromOld.gradient[a][i] * (q[a][i] - p[a][i]);
        }
        gained += (share / count) * bregman;
      }
    }
    gain.push(gained);
  }
  const number = game.populations.length * (steps + 1) * settings.particles;
  return { coefficients, change: Math.sqrt(change / number), speed: Math.sqrt(speed / number), gain };
}

interface Reached {
  readonly arena: Arena;
  readonly context: SolveContext;
  readonly solver: SolverRecord;
  readonly coefficients: Float64Array;
  readonly path: CrowdPath;
  readonly residuals: readonly number[];
  readonly audit: Answer | null;
  readonly samplingError: number | null;
  readonly status: Status;
  readonly began: number;
}

function makeSolution(reached: Reached): ParticleGameSolution {
  const { arena, context, coefficients, path, residuals, audit } = reached;
  const { game, basis, times, settings } = arena;
  const { dimension: d, horizon: T, domain } = game;
  const K = game.populations.length;

  /** Step before t and the share s of the way to the next. */
  const stepAt = (t: number): { n: number; s: number } => {
    const at = (gameTime(NAME, t, T) / T) * settings.steps;
    const n = Math.min(settings.steps - 1, Math.floor(at));
    return { n, s: at - n };
  };
  const population = (k: number) => gamePopulation(NAME, k, K);
  const pointsOf = (x: Float64Array): Float64Array => {
    demand(x.length % d === 0, NAME, "points", `have a length divisible by ${d}`, x.length, "Give them row by row");
    return x;
  };
  const coefficientsAt = (t: number, k: number): Float64Array => {
    const { n, s } = stepAt(t);
    const later = slot(arena, coefficients, k, n + 1);
    return slot(arena, coefficients, k, n).map((c, j) => (1 - s) * c + s * later[j]);
  };
  const density = (t: number, k = 0): Cloud => {
    const { n, s } = stepAt(t);
    const list = path.clouds[population(k)];
    if (s === 0) return list[n];
    if (s === 1) return list[n + 1];
    const bridge = generator(context.seed).split(`${NAME} bridge ${k} ${n}`);
    const { viscosity } = game.populations[k];
    return cloud(between(domain, list[n].points, list[n + 1].points, s, viscosity * arena.dt, bridge), d);
  };
  const ownDensity = (t: number, x: Float64Array, k: number): Float64Array => {
    if (!game.populations[k].hamiltonian.dependsOnMass) return new Float64Array(x.length / d);
    const { n, s } = stepAt(t);
    const [before, after] = [n, n + 1].map((j) => path.estimates[k][j].evaluate(x));
    return before.map((m, i) => (1 - s) * m + s * after[i]);
  };
  const velocity = (t: number, x: Float64Array, k = 0): Float64Array => {
    const p = slopes(basis.evaluate(pointsOf(x)), coefficientsAt(t, population(k)));
    return feedback(game.populations[k].hamiltonian, t, x, p, ownDensity(t, x, k));
  };
  return {
    family: "particle",
    problem: game,
    solver: reached.solver,
    status: reached.status,
    histories: [
      {
        name: "relative change of the feedback",
        iterations: residuals.map((_, i) => i + 1),
        values: residuals,
      },
    ],
    objective: { primal: null, dual: null, gap: null },
    counts: {
      iterations: residuals.length,
      particles: settings.particles,
      steps: settings.steps,
      functions: basis.size,
    },
    seconds: context.elapsed() - reached.began,
    seed: context.seed,
    device: {
      requested: context.device,
      used: "cpu",
      reason: "particle games run on the CPU in float64",
      adapter: null,
    },
    version: context.version,
    fields: null,
    exploitability: audit === null ? null : audit.gain,
    basis,
    samplingError: reached.samplingError,
    density,
    value: (t, x, k = 0) => product(basis.evaluate(pointsOf(x)).values, coefficientsAt(t, population(k))),
    velocity,
    trajectories: (options: GameTrajectoryOptions = {}) => followAgents(NAME, game, velocity, options, context.seed),
    critic: null,
    arrays: () => {
      const named: Record<string, NdArray<Float64Array>> = { times: ndarray(times.slice(), [settings.steps + 1]) };
      for (let k = 0; k < K; k++) {
        const suffix = K === 1 ? "" : `.${game.populations[k].name}`;
        named[`paths${suffix}`] = stacked(
          path.clouds[k].map((c) => c.points),
          [settings.particles, d],
        );
        const size = (settings.steps + 1) * basis.size;
        named[`coefficients${suffix}`] = ndarray(coefficients.slice(k * size, (k + 1) * size), [
          settings.steps + 1,
          basis.size,
        ]);
      }
      return named;
    },
  };
}
