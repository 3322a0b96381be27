// Mean-field game by networks: u_θ(t, x), and w_η(t, x) = log m where a term needs the density; any dimension, no grid.
//   Hamilton–Jacobi   r = −∂ₜu − νΔu + H(x, ∇u, m) − f(t, x, m) − s           → ½E r²,  m = e^w and the crowd's laws held fixed
//   terminal          u(T, x) − g(x, m(T))                                     → ½λE|·|²
//   Fokker–Planck     r = ∂ₜw − νΔw − ν|∇w|² − b·∇w − div b,  b = ∂ₚH(x, ∇u, m) → ½E r²,  b held fixed
//   initial           w(0, x) − log m₀(x)                                       → ½λE|·|²
// at points of agents that follow dX = −∂ₚH dt + √(2ν) dW, simulated anew as training goes on; laws in f are those of the last few crowds.
// Hybrid descent: Adam on all parameters; at each new crowd, and alone at the end, Gauss–Newton steps of what the outputs are linear in
// (last layer, linear part), both equations together. Adam descends each player's own equation: every solution has gradient 0. H, f, g run
// on the host in float64, hence any term will do; networks, their Laplacians and the pull-backs run on the tensor backend.
// No order (statistical). References: Sirignano, Spiliopoulos 2018 (key sirignano2018dgm); Carmona, Laurière 2021 (key
// carmona2021convergence); Cyr and others 2020 (key cyr2020robust); Ruthotto, Osher, Li, Nurbekyan, Wu Fung 2020 (key ruthotto2020machine).
import type { Tensor } from "@tensorflow/tfjs";
import ndarray, { type NdArray } from "ndarray";
import type { MeanFieldGame, Population } from "../../problems/mean-field-game.js";
import { type Coupling, hamiltonianJet } from "../../problems/terms/index.js";
import { breathing } from "../../src/breathing.js";
import type { DeviceUse } from "../../src/device/index.js";
import { demand, demandKnown, SolveError, UsageError } from "../../src/error.js";
import { leastSquares } from "../../src/linalg/index.js";
import { type BasisAxis, type Cloud, cloud, functionBasis, moments, scoreDensity } from "../../src/measure/index.js";
import type { Problem } from "../../src/problem.js";
import { type Generator, generator } from "../../src/random/index.js";
import type { GameSolution, GameTrajectoryOptions, SolverRecord, Status } from "../../src/solution/index.js";
import type { SolveContext, Solver } from "../../src/solver.js";
import {
  type AdamState,
  acquireTensors,
  adamState,
  adamStep,
  type CheckpointState,
  checkJetShape,
  disposeAdam,
  hostJet,
  type JetPass,
  type JetShape,
  jetBackward,
  jetForward,
  jetParameterShapes,
  jetParameters,
  type TensorLibrary,
} from "../../src/tensor/index.js";
import {
  between,
  foldInto,
  followAgents,
  gamePopulation,
  gameTime,
  needsDensity,
  refusalForAgents,
  startingAgents,
  type Walls,
  wallsOf,
} from "../particle/index.js";
import { pointsIn } from "./arguments.js";
import { type GameFeatures, gameFeatures } from "./game-features.js";
import { runCheckpoint } from "./run-checkpoint.js";
import { demandCounts, demandShares } from "./settings.js";

const NAME = "neuralGame";

export interface NeuralGameOptions {
  /** Units of a hidden layer; default 32. */
  readonly width?: number;
  /** Hidden layers; default 2. */
  readonly depth?: number;
  /** Adam steps; default 300. */
  readonly iterations?: number;
  /** Points of the equations in a step; default 256, with a quarter as many at t = 0 and at t = T. */
  readonly batch?: number;
  /** Agents of a crowd; default 1024. */
  readonly agents?: number;
  /** Euler steps of a crowd, at whose times the equations are asked; default 32. */
  readonly timeSteps?: number;
  /** Training steps between crowds; default 50. */
  readonly refresh?: number;
  /** Crowds that the laws in f and g are made of; default 4. */
  readonly memory?: number;
  /** Adam's rate, constant for 40 % of the steps, then a half cosine to 0.2 % of it; default 1e-2. */
  readonly learningRate?: number;
  /** λ > 0 of the terminal and initial conditions; default 5. */
  readonly conditionWeight?: number;
  /** Total degree of the linear part's functions of x; default 2 where an axis has far walls, else 4 in one dimension and 3 beyond. */
  readonly degree?: number | null;
  /** Legendre polynomials of t in the linear part; default as many as give 300 functions, from 4 to 12. */
  readonly timeDegrees?: number | null;
  /** As in `particleFixedPoint`: `"far"` or `"reflecting"`; default by the initial laws. */
  readonly walls?: Walls | null;
  /** Relative residual and mismatch on fresh points at which the solution counts as converged; default 0.05. */
  readonly tolerance?: number;
}

type Settings = Required<NeuralGameOptions>;

const DEFAULTS: Settings = {
  width: 32,
  depth: 2,
  iterations: 300,
  batch: 256,
  agents: 1024,
  timeSteps: 32,
  refresh: 50,
  memory: 4,
  learningRate: 1e-2,
  conditionWeight: 5,
  degree: null,
  timeDegrees: null,
  walls: null,
  tolerance: 0.05,
};

/** Share of a crowd's moves that met a wall above which walls are not far. */
const CONTACT = 1e-3;
/** Functions of the linear part that the number of Legendre polynomials aims at. */
const FUNCTIONS = 300;
/** Times that one batch asks at. */
const GROUPS = 8;

/** Solution by networks. `density(t)` is a crowd; `logDensity` the second network's, where the game needs one. */
export interface NeuralGameSolution extends GameSolution<MeanFieldGame> {
  readonly family: "neural";
  readonly fields: null;
  density(t: number, k?: number): Cloud;
  /** log m(t, x) of population k; `null` when no term needs the density. */
  readonly logDensity: ((t: number, x: Float64Array, k?: number) => Float64Array) | null;
  /** Measured on fresh points after training; `null` = does not apply. */
  readonly residuals: {
    /** √(E r²/E(|∂ₜu|² + |νΔu|² + H² + f²)). */
    readonly hamiltonJacobi: number;
    /** √(E r²/E of the squared terms of the equation of log m). */
    readonly fokkerPlanck: number | null;
    /** √(E|u(T) − g|²) over the size of the costs. */
    readonly terminal: number;
    /** √(E|log m(0) − log m₀|²). */
    readonly initial: number | null;
  };
}

/**
 * A mean-field game by a network for u and, where a term needs the density, one for log m.
 *
 * −∂ₜu − νΔu + H(x, ∇u, m) = f(x, m), ∂ₜm − νΔm − div(m ∂ₚH) = 0, by least squares of the residuals on agents' paths
 *
 * @param options see {@link NeuralGameOptions}
 * @returns a solver for time-dependent games on boxes and tori, of any dimension and number of populations; `order` is `null`
 * @throws UsageError when an option is out of range
 *
 * *Notes*: terms run on the host in float64, so JavaScript functions are as good as expressions. Each network has a linear part,
 * ψ_j(x) P_p(t), that holds quadratic games almost exactly. Reflecting walls and periodicity hold exactly. `converged` says that the
 * equations' relative residuals and the mismatches at both ends, on fresh points, are below the tolerance; it does not bound the error.
 * A Hamiltonian that is not κ|p|² has div b by central differences on the host: slow above a few dimensions. `objective` is not
 * measured. Time-dependent games only; no obstacles and doors.
 *
 * *Good values*: the defaults for smooth games in 1 to 10 dimensions; agents 4096 where a law enters through its mean alone in high dimension.
 *
 * *References*: sirignano2018dgm, carmona2021convergence, cyr2020robust, ruthotto2020machine, li2024computational, dong2021method, kingma2015adam
 */
export function neuralGame(options: NeuralGameOptions = {}): Solver<MeanFieldGame, NeuralGameSolution> {
  demandKnown(NAME, options, Object.keys(DEFAULTS));
  const settings: Settings = { ...DEFAULTS, ...options };
  checkSettings(settings);
  const record: SolverRecord = {
    name: NAME,
    family: "neural",
    order: null,
    references: [
      "sirignano2018dgm",
      "carmona2021convergence",
      "cyr2020robust",
      "ruthotto2020machine",
      "li2024computational",
      "dong2021method",
      "kingma2015adam",
    ],
    options: { ...settings },
  };
  return { ...record, handles, solve: (problem, context) => train(problem, context, settings, record) };
}

function checkSettings(s: Settings): void {
  checkJetShape(s, NAME);
  for (const [name, least] of [
    ["iterations", 1],
    ["batch", GROUPS],
    ["agents", 16],
    ["timeSteps", 1],
    ["refresh", 1],
    ["memory", 1],
  ] as const)
    demandCounts(NAME, s, DEFAULTS, [name], least);
  for (const name of ["degree", "timeDegrees"] as const)
    demand(
      s[name] === null || (Number.isInteger(s[name]) && s[name] >= 1),
      NAME,
      name,
      "be an integer ≥ 1, or null",
      s[name],
      "Leave it out to start",
    );
  demandShares(NAME, s, DEFAULTS, ["learningRate", "tolerance"]);
  demand(
    s.conditionWeight > 0 && s.conditionWeight < Infinity,
    NAME,
    "conditionWeight",
    "be a finite number > 0",
    s.conditionWeight,
    "Use conditionWeight: 5 to start",
  );
  demand(
    s.walls === null || s.walls === "far" || s.walls === "reflecting",
    NAME,
    "walls",
    'be "far" or "reflecting"',
    s.walls,
    'Use walls: "far" when the box holds the whole crowd',
  );
}

function handles(problem: Problem): true | string {
  return refusalForAgents(problem) ?? true;
}

/** Fixed data of a run. */
interface Arena {
  readonly tf: TensorLibrary;
  readonly game: MeanFieldGame;
  readonly settings: Settings;
  readonly root: Generator;
  readonly features: GameFeatures;
  readonly shape: JetShape;
  readonly times: Float64Array;
  /** Mass of each population, and the factor from its law's density to its own. */
  readonly masses: readonly number[];
  readonly scales: readonly number[];
  readonly needsDensity: boolean;
  /** Size of the costs: residuals of u are divided by it. */
  readonly unit: number;
}

interface Network {
  readonly parameters: Tensor[];
  readonly adam: AdamState;
  /** Copy of the parameters on the host. */
  host: Float32Array[];
}

/** One crowd: positions of population k at time n. */
interface Crowd {
  readonly points: readonly (readonly Float64Array[])[];
  readonly contact: number;
}

/** What training carries; all of it goes into a checkpoint. Draws depend on seed and step alone. */
interface TrainingState {
  step: number;
  readonly values: readonly Network[];
  /** log m; empty when no term needs it. */
  readonly logs: readonly Network[];
  /** The last crowds, newest last. */
  crowds: Crowd[];
  /** laws[k][n] of all of them. */
  laws: readonly (readonly Cloud[])[];
  /** One row of {@link MEASURES} a step. */
  readonly measured: number[][];
}

/** Names of the histories, in the order in which a step reports them. */
const MEASURES = [
  "Hamilton–Jacobi residual (batch)",
  "Fokker–Planck residual (batch)",
  "terminal mismatch (batch)",
  "initial mismatch (batch)",
] as const;

async function train(
  game: MeanFieldGame,
  context: SolveContext,
  settings: Settings,
  record: SolverRecord,
): Promise<NeuralGameSolution> {
  const fit = handles(game);
  if (fit !== true) throw new UsageError(`${NAME}: problem must be one it handles; got ${game.name}: ${fit}.`);
  const began = context.elapsed();
  const tensors = await acquireTensors(context.device);
  const { tf } = tensors;
  try {
    const arena = makeArena(tf, game, settings, context.seed);
    const checkpoint = runCheckpoint(context, record, game, tensors.backend, settings.iterations);
    const breathe = breathing(context.signal);
    const state = freshState(arena);
    const all = () => [...state.values, ...state.logs];
    try {
      const saved = await checkpoint.saved();
      if (saved !== null) resume(arena, state, saved);
      while (state.step < settings.iterations) {
        await breathe();
        if (state.step % settings.refresh === 0 || state.crowds.length === 0)
          await refresh(arena, state, `crowd ${state.step}`, breathe);
        const measures = await trainingStep(arena, state);
        const bad = measures.findIndex((v) => !Number.isFinite(v));
        if (bad >= 0) {
          const text = `${MEASURES[bad]} is ${measures[bad]} at step ${state.step}; lower learningRate, or check the terms near the crowd`;
          throw new SolveError(`${NAME} on ${game.name}: ${text}`);
        }
        state.measured.push(measures);
        context.progress({
          stage: "training",
          iteration: state.step,
          fraction: state.step / settings.iterations,
          residual: Math.max(measures[0], measures[1]),
        });
        await checkpoint.keep(state.step, () => stored(state));
      }
      for (let j = 0; j < POLISH; j++) {
        await refresh(arena, state, `polish ${j}`, breathe);
        const newest = state.crowds[state.crowds.length - 1];
        for (let i = 0; i < NEWTON; i++)
          await play(arena, state, newest, arena.root.split(`polish ${j} ${i}`), { kind: "newton" });
      }
      context.progress({ stage: "evaluation", iteration: state.step, fraction: 1, residual: null });
      const crowd = await simulate(arena, state, arena.root.split("evaluation"), breathe);
      const residuals = await audit(arena, state, crowd);
      return makeSolution({ arena, context, record, state, crowd, residuals, use: tensors.use, began });
    } finally {
      for (const network of all()) {
        tf.dispose(network.parameters);
        disposeAdam(tf, network.adam);
      }
    }
  } finally {
    tensors.release();
  }
}

function makeArena(tf: TensorLibrary, game: MeanFieldGame, settings: Settings, seed: number): Arena {
  const root = generator(seed).split(NAME);
  const { dimension: d, domain } = game;
  const starts = game.populations.map((p, k) => {
    const start = startingAgents(p, domain, settings.agents, root.split(`arena ${k}`));
    foldInto(domain, start.points);
    return start;
  });
  const clouds = starts.map((s) => cloud(s.points, d));
  const dense = needsDensity(game, clouds);
  if (dense)
    for (const p of game.populations)
      if (p.initial!.density === null)
        throw new UsageError(
          `${NAME}: the initial law of ${p.name} must have a density, since a term of the game needs m; got ${p.initial!.text}. Use a law with a density, for example gaussian({ mean, sd }).`,
        );
  const all = new Float64Array(clouds.length * settings.agents * d);
  clouds.forEach((c, k) => {
    all.set(c.points, k * settings.agents * d);
  });
  const { mean, covariance } = moments(cloud(all, d));
  const axes = domain.ends.map((end, a): BasisAxis => {
    const box = { lower: domain.lower[a], upper: domain.upper[a] };
    if (end === "periodic") return { kind: "fourier", ...box };
    if (wallsOf(game, settings.walls) === "reflecting") return { kind: "cosine", ...box };
    const sd = Math.sqrt(covariance[a * d + a]);
    return { kind: "polynomial", centre: mean[a], scale: sd > 0 ? sd : box.upper - box.lower };
  });
  const far = axes.some((ax) => ax.kind === "polynomial");
  const basis = functionBasis(axes, settings.degree ?? (far ? 2 : d === 1 ? 4 : 3));
  const degrees = settings.timeDegrees ?? Math.min(12, Math.max(4, Math.floor(FUNCTIONS / basis.size)));
  const features = gameFeatures(basis, game.horizon, degrees);
  // how much the costs vary over the first crowd
  let unit = 0;
  game.populations.forEach((p, k) => {
    const x = clouds[k].points;
    const densities = dense ? game.populations.map((q, l) => startingDensity(q, starts[l].scale, x)) : null;
    const vary = (c: Coupling, t: number, weight: number) => {
      const f = c.at(t, k, x, { laws: clouds, densities });
      const s = p.valueSource?.evaluate(t, x);
      unit = Math.max(unit, weight * deviation(s === undefined ? f : f.map((v, i) => v + s[i])));
    };
    vary(game.coupling, 0, game.horizon);
    if (game.terminal !== null) vary(game.terminal, game.horizon, 1);
  });
  return {
    tf,
    game,
    settings,
    root,
    features,
    shape: {
      features: features.features,
      functions: features.functions,
      dimension: d,
      directions: d + 1,
      width: settings.width,
      depth: settings.depth,
    },
    times: Float64Array.from({ length: settings.timeSteps + 1 }, (_, n) => (n / settings.timeSteps) * game.horizon),
    masses: starts.map((s) => s.mass),
    scales: starts.map((s) => s.scale),
    needsDensity: dense,
    unit: unit > 0 && Number.isFinite(unit) ? unit : 1,
  };
}

/** m₀ with its mass. */
function startingDensity(p: Population, scale: number, x: Float64Array): Float64Array {
  return p.initial!.density!.evaluate(0, x).map((v) => scale * v);
}

function deviation(values: Float64Array): number {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length);
}

function freshState(arena: Arena): TrainingState {
  const { tf, game, root, shape, settings } = arena;
  const network = (start: Float32Array[]): Network => {
    const parameters: Tensor[] = start.map((p, i) => tf.tensor(p, jetParameterShapes(shape)[i]));
    return { parameters, adam: adamState(tf, parameters), host: start };
  };
  return {
    step: 0,
    values: game.populations.map((_, k) => network(jetParameters(shape, root.split(`value ${k}`)))),
    logs: arena.needsDensity
      ? game.populations.map((p, k) => {
          const start = jetParameters(shape, root.split(`log-density ${k}`));
          // the linear part starts at the law of the first agents, constant in time
          const agents = startingAgents(p, game.domain, 16 * settings.agents, root.split(`fit ${k}`)).points;
          foldInto(game.domain, agents);
          const fit = scoreDensity(cloud(agents, game.dimension), arena.features.basis);
          const linear = start[start.length - 1];
          linear.set(Float32Array.from(fit.coefficients));
          linear[0] += fit.logConstant + Math.log(arena.masses[k]);
          return network(start);
        })
      : [],
    crowds: [],
    laws: [],
    measured: [],
  };
}

/** Value and gradient columns of a network at one time, in float64. */
function at(arena: Arena, host: readonly Float32Array[], t: number, x: Float64Array): Float64Array[] {
  const { features, shape } = arena;
  const d = shape.dimension;
  const { stacked, rows } = features.atTime(x, t);
  const linear = features.linearAt(host[host.length - 1], t);
  const narrow = { ...shape, directions: d, functions: features.basis.size };
  const out = hostJet(narrow, [...host.slice(0, -1), linear], stacked, rows);
  const n = x.length / d;
  return Array.from({ length: d + 1 }, (_, b) => out.subarray(b * n, (b + 1) * n));
}

/** ∂ₚH of population k at row-major points, d columns. */
function carrier(arena: Arena, state: TrainingState, k: number, t: number, x: Float64Array): readonly Float64Array[] {
  const { hamiltonian: H } = arena.game.populations[k];
  const [, ...p] = at(arena, state.values[k].host, t, x);
  const n = p[0].length;
  const m = H.dependsOnMass ? at(arena, state.logs[k].host, t, x)[0].map(Math.exp) : new Float64Array(n);
  const jet = hamiltonianJet(p.length, n);
  H.evaluate(t, x, p, m, jet, 1);
  return jet.gradient;
}

/** −∂ₚH, row-major. */
function feedback(arena: Arena, state: TrainingState, k: number, t: number, x: Float64Array): Float64Array {
  const b = carrier(arena, state, k, t, x);
  const d = b.length;
  return x.map((_, i) => -b[i % d][Math.floor(i / d)]);
}

/** A new crowd under the present feedback: Euler, antithetic kicks. */
async function simulate(
  arena: Arena,
  state: TrainingState,
  draws: Generator,
  breathe: () => Promise<void>,
): Promise<Crowd> {
  const { game, settings, times } = arena;
  const { dimension: d, domain } = game;
  const dt = times[1] - times[0];
  let hits = 0;
  const points: Float64Array[][] = [];
  for (let k = 0; k < game.populations.length; k++) {
    const p = game.populations[k];
    let x: Float64Array = startingAgents(p, domain, settings.agents, draws.split(`start ${k}`)).points;
    foldInto(domain, x);
    const list = [x];
    const kicks = draws.split(`noise ${k}`);
    const sigma = Math.sqrt(2 * p.viscosity * dt);
    const half = Math.ceil(settings.agents / 2) * d;
    for (let n = 0; n < settings.timeSteps; n++) {
      await breathe();
      const v = feedback(arena, state, k, times[n], x);
      const xi = kicks.normal(half);
      x = x.map((y, i) => y + dt * v[i] + sigma * (i < half ? xi[i] : -xi[i - half]));
      hits += foldInto(domain, x);
      list.push(x);
    }
    points.push(list);
  }
  return { points, contact: hits / (settings.agents * d * settings.timeSteps * points.length) };
}

async function refresh(arena: Arena, state: TrainingState, name: string, breathe: () => Promise<void>): Promise<void> {
  const crowd = await simulate(arena, state, arena.root.split(name), breathe);
  state.crowds = [...state.crowds, crowd].slice(-arena.settings.memory);
  state.laws = lawsOf(arena, state.crowds);
}

function lawsOf(arena: Arena, crowds: readonly Crowd[]): Cloud[][] {
  const { game, times } = arena;
  return game.populations.map((_, k) =>
    Array.from(times, (_, n) => {
      const size = crowds[0].points[k][n].length;
      const all = new Float64Array(crowds.length * size);
      crowds.forEach((c, j) => {
        all.set(c.points[k][n], j * size);
      });
      return cloud(all, game.dimension);
    }),
  );
}

/** Points of one population: groups of one time each; the last group but one stands at t = 0, the last at T. */
interface Batch {
  readonly x: Float64Array;
  readonly t: Float64Array;
  readonly groups: readonly { readonly from: number; readonly to: number; readonly node: number }[];
}

function drawBatch(arena: Arena, crowd: Crowd, k: number, draws: Generator, batch: number): Batch {
  const { settings, game, times } = arena;
  const { dimension: d } = game;
  const { agents, timeSteps } = settings;
  const count = timeSteps < GROUPS ? timeSteps + 1 : batch < 4 * GROUPS * GROUPS ? GROUPS : timeSteps + 1;
  const each = Math.max(1, Math.floor(batch / count));
  const edge = Math.max(1, Math.floor(batch / 4));
  const offsets = draws.uniform(count);
  // stratified times, so that every part of [0, T] is asked in every step
  const nodes = Array.from(offsets, (u, g) => Math.min(timeSteps, Math.floor(((g + u) / count) * (timeSteps + 1))));
  const sizes = [...nodes.map(() => each), edge, edge];
  const where = [...nodes, 0, timeSteps];
  const total = sizes.reduce((sum, n) => sum + n, 0);
  const x = new Float64Array(total * d);
  const t = new Float64Array(total);
  const chosen = draws.integer(total, agents);
  const groups: { from: number; to: number; node: number }[] = [];
  let from = 0;
  where.forEach((node, g) => {
    const to = from + sizes[g];
    groups.push({ from, to, node });
    for (let i = from; i < to; i++) {
      t[i] = times[node];
      for (let a = 0; a < d; a++) x[i * d + a] = crowd.points[k][node][chosen[i] * d + a];
    }
    from = to;
  });
  return { x, t, groups };
}

/** An equation at n points, linear in the jets at hand: r + δr, δr = c₀ δu + Σ c_a ∂_aδu + c_t ∂ₜδu + c_Δ Δδu, counted with weight² in the loss. */
interface Linearised {
  readonly residual: Float64Array;
  readonly weight: Float64Array;
  /** c₀ | c₁ … c_d | c_t | c_Δ, blocks of n. */
  readonly by: Float64Array;
  /** The same by the jets of the population's other network, as far as they are known. */
  readonly byOther: Float64Array;
}

/** Both equations of one population, and sums from which the measures are made. */
interface Equations {
  readonly value: Linearised;
  readonly log: Linearised | null;
  /** [Σr², Σ terms²] of both equations; [Σ mismatch², count] of both conditions. */
  readonly sums: Record<"hamiltonJacobi" | "fokkerPlanck" | "terminal" | "initial", [number, number]>;
}

/**
 * The equations of population k on a batch, linearised.
 *
 * @param u (u | ∂ⱼu | ∂ₜu | Δu) of population k
 * @param logs the same of log m of every population at the points of population k
 */
function equationsOf(
  arena: Arena,
  state: TrainingState,
  k: number,
  batch: Batch,
  u: Float32Array,
  logs: readonly Float32Array[],
): Equations {
  const { game, settings, times, unit, scales } = arena;
  const d = game.dimension;
  const { viscosity: nu, hamiltonian: H, valueSource, initial } = game.populations[k];
  const n = batch.t.length;
  const T = game.horizon;
  const blank = (): Linearised => ({
    residual: new Float64Array(n),
    weight: new Float64Array(n),
    by: new Float64Array((d + 3) * n),
    byOther: new Float64Array((d + 3) * n),
  });
  const kappa = H.quadraticWeight;
  const value = blank();
  const w = logs.length === 0 ? null : logs[k];
  const log = w === null ? null : blank();
  const sums: Equations["sums"] = { hamiltonJacobi: [0, 0], fokkerPlanck: [0, 0], terminal: [0, 0], initial: [0, 0] };
  const rate = (d + 1) * n;
  const bend = (d + 2) * n;
  const first = batch.groups.length - 2;
  const inside = 1 / Math.sqrt(batch.groups[first].from);
  const edge = Math.sqrt(settings.conditionWeight / (n - batch.groups[first + 1].from));
  batch.groups.forEach(({ from, to, node }, g) => {
    const count = to - from;
    const t = times[node];
    const x = batch.x.subarray(from * d, to * d);
    const column = (all: Float32Array, block: number) =>
      Float64Array.from(all.subarray(block * n + from, block * n + to));
    if (g === first) {
      if (w === null || log === null) return;
      const exact = startingDensity(game.populations[k], scales[k], x);
      for (let i = 0, j = from; i < count; i++, j++) {
        if (!(exact[i] > 0))
          throw new UsageError(
            `${NAME}: the initial density ${initial!.text} must be > 0 where agents start; got ${exact[i]}. Use a density without holes.`,
          );
        log.residual[j] = w[j] - Math.log(exact[i]);
        log.weight[j] = edge;
        log.by[j] = 1;
        sums.initial[0] += log.residual[j] ** 2;
        sums.initial[1]++;
      }
      return;
    }
    const densities = logs.length === 0 ? null : logs.map((l) => column(l, 0).map(Math.exp));
    const crowd = { laws: state.laws.map((list) => list[node]), densities };
    const byLog = (c: Coupling) => (densities === null ? null : slopeByLog(c, t, k, x, crowd.laws, densities));
    if (g === first + 1) {
      const goal = game.terminal === null ? new Float64Array(count) : game.terminal.at(t, k, x, crowd);
      const slope = game.terminal === null ? null : byLog(game.terminal);
      for (let i = 0, j = from; i < count; i++, j++) {
        value.residual[j] = u[j] - goal[i];
        value.weight[j] = edge / unit;
        value.by[j] = 1;
        value.byOther[j] = -(slope?.[i] ?? 0);
        sums.terminal[0] += (value.residual[j] / unit) ** 2;
        sums.terminal[1]++;
      }
      return;
    }
    const f = game.coupling.at(t, k, x, crowd);
    const slope = byLog(game.coupling);
    const source = valueSource?.evaluate(t, x);
    const p = Array.from({ length: d }, (_, a) => column(u, 1 + a));
    const m = densities === null ? new Float64Array(count) : densities[k];
    const jet = hamiltonianJet(d, count);
    H.evaluate(t, x, p, m, jet, 1);
    const spread = w === null ? null : divergence(arena, state, k, t, x, column(u, d + 2));
    for (let i = 0, j = from; i < count; i++, j++) {
      const cost = f[i] + (source?.[i] ?? 0);
      const diffusion = nu * u[bend + j];
      value.residual[j] = -u[rate + j] - diffusion + jet.value[i] - cost;
      value.weight[j] = (inside * T) / unit;
      value.by[rate + j] = -1;
      value.by[bend + j] = -nu;
      value.byOther[j] = jet.byMass[i] * m[i] - (slope?.[i] ?? 0);
      sums.hamiltonJacobi[0] += value.residual[j] ** 2;
      sums.hamiltonJacobi[1] += u[rate + j] ** 2 + diffusion ** 2 + jet.value[i] ** 2 + cost ** 2;
      for (let a = 0; a < d; a++) value.by[(1 + a) * n + j] = jet.gradient[a][i];
      if (w === null || log === null || spread === null) continue;
      let square = 0;
      let carried = 0;
      for (let a = 0; a < d; a++) {
        const s = w[(1 + a) * n + j];
        square += s * s;
        carried += jet.gradient[a][i] * s;
        log.by[(1 + a) * n + j] = -2 * nu * s - jet.gradient[a][i];
        // b = 2κ∇u: δb·∇w + div δb; of other Hamiltonians the answer of m to u is left to the iteration
        if (kappa !== null) log.byOther[(1 + a) * n + j] = -2 * kappa * s;
      }
      if (kappa !== null) log.byOther[bend + j] = -2 * kappa;
      log.residual[j] = w[rate + j] - nu * w[bend + j] - nu * square - carried - spread[i];
      log.weight[j] = inside * T;
      log.by[rate + j] = 1;
      log.by[bend + j] = -nu;
      sums.fokkerPlanck[0] += log.residual[j] ** 2;
      sums.fokkerPlanck[1] +=
        w[rate + j] ** 2 + (nu * w[bend + j]) ** 2 + (nu * square) ** 2 + carried ** 2 + spread[i] ** 2;
    }
  });
  return { value, log, sums };
}

/** Gradient of ½Σ weight² r² by the network's outputs. */
function cotangentOf({ residual, weight, by }: Linearised): Float32Array {
  const n = residual.length;
  return Float32Array.from(by, (c, i) => c * weight[i % n] ** 2 * residual[i % n]);
}

/** Relative ridge of the least squares: outputs come in single precision, and units of the last layer may nearly agree. */
const RIDGE = 1e-9;

/**
 * Gauss–Newton increment of what the outputs are linear in: min_δ Σ weight²(r + δr)² over all equations, δ on last layer and linear part of
 * each network.
 *
 * @param equations one a network; with two, each knows the other's jets in `byOther`
 * @param last jets of each network's last layer, (d + 3)n rows
 * @param rows jets of the linear part's functions, (d + 3)n rows
 * @returns one increment a network
 */
function increments(
  equations: readonly Linearised[],
  last: readonly Float32Array[],
  rows: Float32Array,
): Float64Array[] {
  const n = equations[0].residual.length;
  const height = equations[0].by.length;
  const [W, M] = [last[0].length / height, rows.length / height];
  const own = W + M;
  const size = equations.length * own;
  const matrix = new Float64Array(equations.length * n * size);
  const right = new Float64Array(equations.length * n);
  equations.forEach(({ residual, weight, by, byOther }, e) => {
    for (let i = 0; i < n; i++) right[e * n + i] = -weight[i] * residual[i];
    last.forEach((units, l) => {
      const coefficients = l === e ? by : byOther;
      for (let row = 0; row < height; row++) {
        const i = row % n;
        const c = weight[i] * coefficients[row];
        if (c === 0) continue;
        const to = (e * n + i) * size + l * own;
        for (let j = 0; j < W; j++) matrix[to + j] += c * units[row * W + j];
        for (let j = 0; j < M; j++) matrix[to + W + j] += c * rows[row * M + j];
      }
    });
  });
  const all = leastSquares(matrix, right, size, RIDGE);
  return equations.map((_, e) => all.subarray(e * own, (e + 1) * own));
}

/** Step of the central difference by log m. */
const LOG_STEP = 1e-4;

/** ∂f_k/∂(log m_k) at the points, laws held fixed. */
function slopeByLog(
  c: Coupling,
  t: number,
  k: number,
  x: Float64Array,
  laws: readonly Cloud[],
  densities: readonly Float64Array[],
): Float64Array {
  const moved = (by: number) =>
    c.at(t, k, x, { laws, densities: densities.map((m, l) => (l === k ? m.map((v) => v * Math.exp(by)) : m)) });
  const [up, down] = [moved(LOG_STEP), moved(-LOG_STEP)];
  return up.map((v, i) => (v - down[i]) / (2 * LOG_STEP));
}

/** Step of the central differences of div b, as a share of the features' unit of length. */
const DIFFERENCE = 1e-4;

/** div ∂ₚH(x, ∇u(t, x), m(t, x)): 2κΔu for H = κ|p|², else central differences of the float64 twin. */
function divergence(
  arena: Arena,
  state: TrainingState,
  k: number,
  t: number,
  x: Float64Array,
  laplacian: Float64Array,
): Float64Array {
  const { game, features } = arena;
  const kappa = game.populations[k].hamiltonian.quadraticWeight;
  if (kappa !== null) return laplacian.map((v) => 2 * kappa * v);
  const d = game.dimension;
  const out = new Float64Array(laplacian.length);
  features.basis.axes.forEach((ax, a) => {
    const h = DIFFERENCE * (ax.kind === "polynomial" ? ax.scale : ax.upper - ax.lower);
    const moved = (by: number) => x.map((v, i) => (i % d === a ? v + by : v));
    const [up, down] = [h, -h].map((by) => carrier(arena, state, k, t, moved(by))[a]);
    for (let i = 0; i < out.length; i++) out[i] += (up[i] - down[i]) / (2 * h);
  });
  return out;
}

/** What is done with the residuals: nothing, an Adam step of all parameters, or a Gauss–Newton step of the linear ones. */
type Move = { readonly kind: "none" } | { readonly kind: "adam"; readonly rate: number } | { readonly kind: "newton" };

/** Asks the equations of every population on a crowd, and moves every network; all moves are made at once, at the end. */
async function play(
  arena: Arena,
  state: TrainingState,
  crowd: Crowd,
  draws: Generator,
  move: Move,
): Promise<Equations["sums"][]> {
  const { tf, game, features, shape, settings } = arena;
  const all: Equations["sums"][] = [];
  const updates: (() => Promise<void>)[] = [];
  for (let k = 0; k < game.populations.length; k++) {
    const size =
      move.kind === "newton" ? Math.max(4 * settings.batch, 4 * (shape.width + shape.functions)) : settings.batch;
    const batch = drawBatch(arena, crowd, k, draws.split(k), size);
    const { stacked, rows } = features.jets(batch.x, batch.t);
    const height = (shape.directions + 2) * batch.t.length;
    const S = tf.tensor2d(stacked, [height, shape.features]);
    const B = tf.tensor2d(rows, [height, shape.functions]);
    const kept = new Set<Tensor>([S, B]);
    const forward = (network: Network) => {
      // the pass lives until the pull-back, across a read that is not synchronous
      const passes: JetPass[] = [];
      tf.tidy(() => {
        const pass = jetForward(tf, shape, network.parameters, S, B);
        passes.push(pass);
        for (const tensor of [pass.output, pass.last, ...pass.layers.flatMap((l) => Object.values(l) as Tensor[])])
          if (!kept.has(tensor)) kept.add(tf.keep(tensor));
      });
      return passes[0];
    };
    try {
      const pass = forward(state.values[k]);
      const logs = state.logs.map(forward);
      const u = Float32Array.from(await pass.output.data());
      const w: Float32Array[] = [];
      for (const l of logs) w.push(Float32Array.from(await l.output.data()));
      const { value, log, sums } = equationsOf(arena, state, k, batch, u, w);
      all.push(sums);
      const answer = async (network: Network, from: JetPass, equation: Linearised): Promise<void> => {
        if (move.kind === "adam") {
          const gradients = tf.tidy(() => {
            const cotangent = tf.tensor2d(cotangentOf(equation), [height, 1]);
            return jetBackward(tf, shape, network.parameters, from, cotangent);
          });
          updates.push(async () => {
            adamStep(tf, network.parameters, gradients, network.adam, { rate: move.rate, beta2: 0.99 });
            tf.dispose(gradients);
            network.host = await read(network.parameters);
          });
        }
      };
      await answer(state.values[k], pass, value);
      if (log !== null) await answer(state.logs[k], logs[k], log);
      if (move.kind === "newton") {
        const last = [Float32Array.from(await pass.last.data())];
        if (log !== null) last.push(Float32Array.from(await logs[k].last.data()));
        const [onValue, onLog] = increments(log === null ? [value] : [value, log], last, rows);
        // with both equations solved together for one population, nothing is left to damp but laws that are held fixed
        const share = log !== null && game.populations.length === 1 ? 1 : SHARE;
        updates.push(async () => addLinear(tf, state.values[k], onValue, share));
        if (log !== null) updates.push(async () => addLinear(tf, state.logs[k], onLog, share));
      }
    } finally {
      tf.dispose([...kept]);
    }
  }
  for (const update of updates) await update();
  return all;
}

/** Adds a share of an increment of last layer and linear part, on the host and on the device. */
function addLinear(tf: TensorLibrary, network: Network, delta: Float64Array, share: number): void {
  const count = network.host.length;
  let from = 0;
  for (const i of [count - 2, count - 1]) {
    const next = network.host[i].map((v, j) => v + share * delta[from + j]);
    from += next.length;
    network.host[i] = next;
    const old = network.parameters[i];
    network.parameters[i] = tf.tensor(next, old.shape);
    old.dispose();
  }
}

async function read(tensors: readonly Tensor[]): Promise<Float32Array[]> {
  return Promise.all(tensors.map(async (t) => Float32Array.from(await t.data())));
}

/** Gauss–Newton steps of the linear parameters for each crowd, and the share taken where crowd and value answer each other. */
const NEWTON = 2;
const SHARE = 0.5;
/** Crowds and such steps after training, all of the Gauss–Newton kind. */
const POLISH = 8;

/** Share of the steps with the full rate, and what of it is left at the end. */
const FLAT = 0.4;
const LEFT = 0.002;

async function trainingStep(arena: Arena, state: TrainingState): Promise<number[]> {
  const { settings, root } = arena;
  const part = (state.step / settings.iterations - FLAT) / (1 - FLAT);
  const decay = part <= 0 ? 1 : LEFT + (1 - LEFT) * 0.5 * (1 + Math.cos(Math.PI * part));
  const crowd = state.crowds[state.crowds.length - 1];
  const draws = root.split(`step ${state.step}`);
  if (state.step % settings.refresh === 0)
    for (let j = 0; j < NEWTON; j++) await play(arena, state, crowd, draws.split(`newton ${j}`), { kind: "newton" });
  const sums = await play(arena, state, crowd, draws, { kind: "adam", rate: settings.learningRate * decay });
  state.step++;
  return measuresOf(sums);
}

/** The worst of the populations. */
function measuresOf(sums: readonly Equations["sums"][]): number[] {
  const worst = (name: keyof Equations["sums"]) =>
    Math.max(...sums.map((s) => (s[name][1] > 0 ? Math.sqrt(s[name][0] / s[name][1]) : 0)));
  return [worst("hamiltonJacobi"), worst("fokkerPlanck"), worst("terminal"), worst("initial")];
}

/** Batches of the final measurement. */
const AUDIT = 8;

async function audit(arena: Arena, state: TrainingState, crowd: Crowd): Promise<NeuralGameSolution["residuals"]> {
  const total: Equations["sums"][] = [];
  for (let j = 0; j < AUDIT; j++) {
    const sums = await play(arena, state, crowd, arena.root.split(`audit ${j}`), { kind: "none" });
    sums.forEach((s, k) => {
      if (total[k] === undefined) total[k] = s;
      else
        for (const name of Object.keys(s) as (keyof typeof s)[])
          for (const i of [0, 1]) total[k][name][i] += s[name][i];
    });
  }
  const [hamiltonJacobi, fokkerPlanck, terminal, initial] = measuresOf(total);
  const dense = arena.needsDensity;
  return { hamiltonJacobi, fokkerPlanck: dense ? fokkerPlanck : null, terminal, initial: dense ? initial : null };
}

async function stored(state: TrainingState): Promise<CheckpointState> {
  const arrays: Record<string, Float32Array | Float64Array> = { measured: Float64Array.from(state.measured.flat()) };
  for (const [name, network] of named(state)) {
    network.host.forEach((values, i) => {
      arrays[`${name}.${i}`] = values;
    });
    for (const moment of ["first", "second"] as const)
      (await read(network.adam[moment])).forEach((values, i) => {
        arrays[`${name}.${moment}.${i}`] = values;
      });
  }
  state.crowds.forEach((crowd, j) => {
    crowd.points.forEach((list, k) => {
      list.forEach((x, n) => {
        arrays[`crowd.${j}.${k}.${n}`] = x;
      });
    });
  });
  const record = { step: state.step, contacts: state.crowds.map((c) => c.contact) };
  return { arrays, record };
}

function resume(arena: Arena, state: TrainingState, saved: CheckpointState): void {
  const { tf, game, times } = arena;
  const record = saved.record as { step: number; contacts: number[] };
  const put = (list: Tensor[], name: string) => {
    for (let i = 0; i < list.length; i++) {
      const { shape } = list[i];
      list[i].dispose();
      list[i] = tf.tensor(saved.arrays[`${name}.${i}`], shape);
    }
  };
  for (const [name, network] of named(state)) {
    put(network.parameters, name);
    put(network.adam.first, `${name}.first`);
    put(network.adam.second, `${name}.second`);
    network.adam.step = record.step;
    network.host = network.parameters.map((_, i) => saved.arrays[`${name}.${i}`] as Float32Array);
  }
  state.step = record.step;
  state.crowds = record.contacts.map((contact, j) => ({
    contact,
    points: game.populations.map((_, k) =>
      Array.from(times, (_t, n) => saved.arrays[`crowd.${j}.${k}.${n}`] as Float64Array),
    ),
  }));
  state.laws = lawsOf(arena, state.crowds);
  const { measured } = saved.arrays;
  for (let i = 0; i < measured.length; i += MEASURES.length)
    state.measured.push([...measured.subarray(i, i + MEASURES.length)]);
}

function named(state: TrainingState): [string, Network][] {
  return [
    ...state.values.map((network, k): [string, Network] => [`value.${k}`, network]),
    ...state.logs.map((network, k): [string, Network] => [`log-density.${k}`, network]),
  ];
}

interface Trained {
  readonly arena: Arena;
  readonly context: SolveContext;
  readonly record: SolverRecord;
  readonly state: TrainingState;
  /** Fresh crowd under the final feedback. */
  readonly crowd: Crowd;
  readonly residuals: NeuralGameSolution["residuals"];
  readonly use: DeviceUse;
  readonly began: number;
}

/** Converged: both equations and both conditions hold on fresh points. The text says what to change otherwise. */
function judge(residuals: NeuralGameSolution["residuals"], contact: number, walls: Walls, settings: Settings): Status {
  const { hamiltonJacobi, fokkerPlanck, terminal, initial } = residuals;
  const percent = (x: number) => `${(100 * x).toPrecision(2)} %`;
  const facts = [
    `Hamilton–Jacobi residual ${percent(hamiltonJacobi)}`,
    ...(fokkerPlanck === null ? [] : [`Fokker–Planck residual ${percent(fokkerPlanck)}`]),
    `terminal mismatch ${percent(terminal)}`,
    ...(initial === null ? [] : [`initial mismatch of log m ${initial.toPrecision(2)}`]),
  ].join(", ");
  if (walls === "far" && contact > CONTACT)
    return {
      converged: false,
      text: `walls are not far: ${facts}, but ${percent(contact)} of moves met a wall; use walls: "reflecting" or a larger box`,
    };
  const { tolerance } = settings;
  const met = [hamiltonJacobi, fokkerPlanck ?? 0, terminal, initial ?? 0].every((v) => v <= tolerance);
  return met
    ? { converged: true, text: `converged: ${facts}` }
    : {
        converged: false,
        text: `equations not met to ${percent(tolerance)}: ${facts}; use more iterations than ${settings.iterations} or a larger width`,
      };
}

function makeSolution(trained: Trained): NeuralGameSolution {
  const { arena, context, crowd, residuals } = trained;
  const { game, settings, times, shape } = arena;
  const { dimension: d, horizon: T, domain } = game;
  const K = game.populations.length;
  // the tensors are gone after this call; host copies stay
  const state = trained.state;
  const population = (k: number) => gamePopulation(NAME, k, K);
  const points = (x: Float64Array) => pointsIn(NAME, x, d);
  const time = (t: number) => gameTime(NAME, t, T);
  const velocity = (t: number, x: Float64Array, k = 0): Float64Array =>
    feedback(arena, state, population(k), time(t), points(x));
  return {
    family: "neural",
    problem: game,
    solver: trained.record,
    status: judge(residuals, crowd.contact, wallsOf(game, settings.walls), settings),
    histories: MEASURES.flatMap((name, i) => {
      if (!arena.needsDensity && i % 2 === 1) return [];
      return [{ name, iterations: state.measured.map((_, j) => j + 1), values: state.measured.map((row) => row[i]) }];
    }),
    objective: { primal: null, dual: null, gap: null },
    counts: {
      steps: state.step,
      parameters: [...state.values, ...state.logs].reduce(
        (sum, network) => sum + network.host.reduce((n, p) => n + p.length, 0),
        0,
      ),
      agents: settings.agents,
    },
    seconds: context.elapsed() - trained.began,
    seed: context.seed,
    device: trained.use,
    version: context.version,
    fields: null,
    exploitability: null,
    residuals,
    density: (t, k = 0) => {
      const list = crowd.points[population(k)];
      const place = (time(t) / T) * settings.timeSteps;
      const n = Math.min(settings.timeSteps - 1, Math.floor(place));
      const s = place - n;
      const bridge = generator(context.seed).split(`${NAME} bridge ${k} ${n}`);
      return cloud(
        between(domain, list[n], list[n + 1], s, game.populations[k].viscosity * (times[1] - times[0]), bridge),
        d,
      );
    },
    value: (t, x, k = 0) => at(arena, state.values[population(k)].host, time(t), points(x))[0],
    velocity,
    logDensity: arena.needsDensity
      ? (t, x, k = 0) => at(arena, state.logs[population(k)].host, time(t), points(x))[0]
      : null,
    trajectories: (options: GameTrajectoryOptions = {}) => followAgents(NAME, game, velocity, options, context.seed),
    critic: null,
    arrays: () => {
      const out: Record<string, NdArray<Float64Array>> = { times: ndarray(times.slice(), [times.length]) };
      for (const [name, network] of named(state))
        network.host.forEach((p, i) => {
          out[`${name}.${i}`] = ndarray(Float64Array.from(p), jetParameterShapes(shape)[i]);
        });
      crowd.points.forEach((list, k) => {
        const all = new Float64Array(list.length * list[0].length);
        list.forEach((x, n) => {
          all.set(x, n * x.length);
        });
        out[`paths.${k}`] = ndarray(all, [list.length, settings.agents, d]);
      });
      return out;
    },
  };
}
