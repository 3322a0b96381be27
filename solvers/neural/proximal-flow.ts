// W₁⊕W₂ proximal flow, primal form: potential network U_θ(x, t), critic network φ_η,
//   inf_θ sup_η  E φ(x_T) − E_π f*(φ) + λ∫₀ᵀ E ½|v|² dt   (KL: − log E_π e^φ),   ẋ = v = −∇U_θ/λ, x(0) ~ ρ₀,   Lip(φ) ≤ L certified.
// Generator step: exact gradient of the objective through an Euler path on a random time grid (1 … timeSteps steps, so that
// refinement at sampling time meets nothing new), with penalties that vanish at the solution: straightness, the
// Hamilton–Jacobi residual −∂ₜU + |∇U|²/2λ, and the terminal condition ∇U(x_T, T) = ∇φ(x_T). The first two harden while the
// rate falls.
// Critic step: ascent on the proximally regularised objective. Plain descent–ascent oscillates, because the kinetic
// energy that damps it is weak (frequency/damping ~ √(T/λ)/s): a critic trained at x_T itself chases the generator. Here it
// is trained at x̂, a few descent steps of y ↦ φ(y) + λ|y − x₀|²/2T from the generator's x_T: an extra-gradient step
// on the generator's side, which makes the critic's problem the smooth concave one. At a saddle point x̂ = x_T.
// Order: none (statistical). Conditions: λ, T > 0; L = ∞ needs a target with a density.
// References: Gu, Katsoulakis, Rey-Bellet, Zhang 2024 (key gu2024proximal); Onken et al. 2021 (key onken2021otflow);
// Anil et al. 2019 (key anil2019sorting).
import type { Tensor, Tensor2D } from "@tensorflow/tfjs";
import ndarray, { type NdArray } from "ndarray";
import type { ProximalFlow } from "../../problems/proximal-flow.js";
import { breathing } from "../../src/breathing.js";
import type { DeviceUse } from "../../src/device/index.js";
import { demand, SolveError, UsageError } from "../../src/error.js";
import { type Cloud, cloud, divergenceFrom } from "../../src/measure/index.js";
import type { Problem } from "../../src/problem.js";
import { type Generator, generator } from "../../src/random/index.js";
import type {
  History,
  Solution,
  SolverRecord,
  Status,
  Trajectories,
  TrajectoryOptions,
} from "../../src/solution/index.js";
import type { SolveContext, Solver } from "../../src/solver.js";
import {
  type AdamState,
  acquireTensors,
  adamState,
  adamStep,
  type CheckpointState,
  type CriticActivation,
  type CriticFrame,
  type CriticShape,
  checkCriticShape,
  checkPotentialShape,
  criticAt,
  criticBackward,
  criticDirections,
  criticForward,
  criticParameterGradient,
  criticParameterShapes,
  criticParameters,
  criticWeights,
  disposeAdam,
  hostCritic,
  hostPotential,
  type PotentialShape,
  potentialParameterShapes,
  potentialParameters,
  potentialWeights,
  type TensorLibrary,
  targetReward,
} from "../../src/tensor/index.js";
import { pointsIn, startOf, timeIn } from "./arguments.js";
import { eulerPath, type PathPenalties, pathGradient } from "./euler-path.js";
import { frameOf, pointsOf, toFrame, wholeData } from "./frame.js";
import { runCheckpoint } from "./run-checkpoint.js";
import { demandCounts, demandShares } from "./settings.js";
import { normalisedCritic, terminalReward } from "./terminal-reward.js";

export interface NeuralProximalFlowOptions {
  /** Units of a hidden layer of U; default 48. */
  readonly width?: number;
  /** Hidden layers of U; default 3. */
  readonly depth?: number;
  /** Units of a hidden layer of the critic, even; default 32. A critic richer than U asks for what U cannot follow. */
  readonly criticWidth?: number;
  /** Hidden layers of the critic; default 2. */
  readonly criticDepth?: number;
  /** Default `"smooth-maxmin"`. */
  readonly criticActivation?: CriticActivation;
  /** Source samples a step; default 256. */
  readonly batch?: number;
  /** Target samples a step; data of at most this size are used whole; default 512. */
  readonly targetBatch?: number;
  /** Generator steps; default 2000. */
  readonly steps?: number;
  /** Critic steps a generator step; default 2. */
  readonly criticSteps?: number;
  /** Descent steps of the proximal problem a critic step; 0 trains the critic at x_T itself; default 3. */
  readonly proximalSteps?: number;
  /** Most Euler steps of a training path; default 4. */
  readonly timeSteps?: number;
  /** Adam's rate for U: constant for half the steps, then a half cosine to 1 % of it; default 5e-3. */
  readonly learningRate?: number;
  /** Adam's rate for the critic, with the same schedule; default 2e-3. */
  readonly criticLearningRate?: number;
  /** α ≥ 0 of the straightness penalty; α and β grow tenfold in the second half of the steps; default 5. */
  readonly straightnessWeight?: number;
  /** β ≥ 0 of the Hamilton–Jacobi penalty; default 1. */
  readonly hamiltonJacobiWeight?: number;
  /** γ ≥ 0 of the terminal penalty; default 1. */
  readonly terminalWeight?: number;
  /** Samples for the probes and `density(t)`, an eighth of those for the measured objective; default 1024. */
  readonly evaluation?: number;
}

type Settings = Required<NeuralProximalFlowOptions>;

const DEFAULTS: Settings = {
  width: 48,
  depth: 3,
  criticWidth: 32,
  criticDepth: 2,
  criticActivation: "smooth-maxmin",
  batch: 256,
  targetBatch: 512,
  steps: 2000,
  criticSteps: 2,
  proximalSteps: 3,
  timeSteps: 4,
  learningRate: 5e-3,
  criticLearningRate: 2e-3,
  straightnessWeight: 5,
  hamiltonJacobiWeight: 1,
  terminalWeight: 1,
  evaluation: 1024,
};

const NAME = "neuralProximalFlow";

/** Solution of the primal form. `objective.primal` is an estimate; the critic's bound is certified. */
export interface NeuralProximalFlowSolution extends Solution<ProximalFlow> {
  readonly family: "neural";
  density(t: number): Cloud;
}

/**
 * The W₁⊕W₂ proximal flow as a game of two networks: a potential whose gradient drives the flow, and a certified critic.
 *
 * inf_θ sup_φ E φ(x_T) − E_π f*(φ) + λ∫₀ᵀ E ½|v|² dt, v = −∇U_θ/λ
 *
 * @param options see {@link NeuralProximalFlowOptions}
 * @returns a solver for problems of kind `"proximal-flow"`
 * @throws UsageError when an option is out of range
 *
 * *Notes*: any dimension. `objective.primal` is the objective measured on a fixed sample with the trained critic: the kinetic
 * part errs only by sampling, the divergence is bounded below by the critic's value, so it is an estimate and no bound.
 * `converged` says that chord ratio ≥ 0.98, refinement 1/5 → 1/40 ≤ 2 % and terminal mismatch ≤ 10 %, measured after
 * training. It stands apart from the dual form: no map of another solver is used.
 *
 * *Good values*: the defaults for planar data; `steps: 800` for Gaussians.
 *
 * *References*: gu2024proximal, onken2021otflow, anil2019sorting, miyato2018spectral, kingma2015adam
 */
export function neuralProximalFlow(
  options: NeuralProximalFlowOptions = {},
): Solver<ProximalFlow, NeuralProximalFlowSolution> {
  const settings: Settings = { ...DEFAULTS, ...options };
  checkSettings(settings);
  const record: SolverRecord = {
    name: NAME,
    family: "neural",
    order: null,
    references: ["gu2024proximal", "onken2021otflow", "anil2019sorting", "miyato2018spectral", "kingma2015adam"],
    options: { ...settings },
  };
  return { ...record, handles, solve: (problem, context) => train(problem, context, settings, record) };
}

function checkSettings(s: Settings): void {
  checkPotentialShape({ dimension: 1, width: s.width, depth: s.depth }, NAME);
  checkCriticShape({ ...criticShapeOf(s), dimension: 1, lipschitz: 1, ceiling: Infinity }, `${NAME} (critic)`);
  demandCounts(NAME, s, DEFAULTS, ["batch", "targetBatch", "steps", "criticSteps", "timeSteps", "evaluation"]);
  demandCounts(NAME, s, DEFAULTS, ["proximalSteps"], 0);
  demandShares(NAME, s, DEFAULTS, ["learningRate", "criticLearningRate"]);
  for (const name of ["straightnessWeight", "hamiltonJacobiWeight", "terminalWeight"] as const)
    demand(
      s[name] >= 0 && Number.isFinite(s[name]),
      NAME,
      name,
      "be a finite number ≥ 0",
      s[name],
      `Use ${name}: ${DEFAULTS[name]} to start`,
    );
}

function criticShapeOf(s: Settings): Pick<CriticShape, "width" | "depth" | "activation"> {
  return { width: s.criticWidth, depth: s.criticDepth, activation: s.criticActivation };
}

function handles(problem: Problem): true | string {
  if (problem.kind !== "proximal-flow")
    return `it solves proximal-flow problems, not ${problem.kind}; use a solver of that family`;
  const { wellPosed, reasons } = problem.wellPosedness();
  if (wellPosed === false) return `the problem is ill-posed: ${reasons.join("; ")}`;
  const { divergence } = problem as ProximalFlow;
  try {
    divergenceFrom(divergence.description);
  } catch {
    return `the divergence ${divergence.name} is given by JavaScript functions, which run on no tensor backend; use a built-in divergence, or a grid or particle solver`;
  }
  return true;
}

/** Fixed data of a run. Networks live in u = (x − c)/s, t/T and Û = UT/λs². */
interface Arena {
  readonly tf: TensorLibrary;
  readonly problem: ProximalFlow;
  readonly settings: Settings;
  readonly root: Generator;
  readonly frame: CriticFrame;
  /** κ = T/(λs²). */
  readonly stiffness: number;
  readonly potentialShape: PotentialShape;
  readonly criticShape: CriticShape;
  /** The whole target when it is small enough, in network coordinates. */
  readonly wholeTarget: Float32Array | null;
}

/** Names of the histories, in the order in which a step reports them. */
const MEASURES = [
  "objective (batch)",
  "critic objective (batch)",
  "kinetic energy (batch)",
  "Hamilton–Jacobi residual √E r²/E(|∇U|²/2λ)",
  "straightness S/(E|x_T − x₀|²/T)",
  "terminal mismatch E|∇U − ∇φ|²/E|∇φ|²",
] as const;

/** What training carries from step to step; all of it goes into a checkpoint. Draws depend on seed and step alone. */
interface TrainingState {
  step: number;
  readonly potential: Tensor[];
  readonly critic: Tensor[];
  directions: Tensor[];
  readonly potentialAdam: AdamState;
  readonly criticAdam: AdamState;
  /** One row of {@link MEASURES} a step. */
  readonly measured: number[][];
}

/** Parameters on the host. */
interface Snapshot {
  readonly step: number;
  readonly potential: readonly Float32Array[];
  readonly critic: readonly Float32Array[];
}

/** Which measure is named when several are not finite: paths first, since whatever follows them inherits their NaN. */
const BLAME = [2, 3, 4, 1, 5, 0] as const;

/** Steps between host copies that a failed run falls back on. */
const SNAPSHOT_EVERY = 50;

async function train(
  problem: ProximalFlow,
  context: SolveContext,
  settings: Settings,
  record: SolverRecord,
): Promise<NeuralProximalFlowSolution> {
  const fit = handles(problem);
  if (fit !== true) throw new UsageError(`${NAME}: problem must be one it handles; got ${problem.name}: ${fit}.`);
  const began = context.elapsed();
  const tensors = await acquireTensors(context.device);
  const { tf } = tensors;
  try {
    const arena = makeArena(tf, problem, settings, context.seed);
    const checkpoint = runCheckpoint(context, record, problem, tensors.backend, settings.steps);
    const saved = await checkpoint.saved();
    const state = saved === null ? freshState(arena) : restoredState(arena, saved);
    const finish = (reached: Snapshot, failure: string | null) =>
      makeSolution({ arena, context, record, reached, failure, measured: state.measured, use: tensors.use, began });
    try {
      let good = await snapshot(state);
      const breathe = breathing(context.signal);
      while (state.step < settings.steps) {
        await breathe();
        const measures = await trainingStep(arena, state);
        const bad = BLAME.find((k) => !Number.isFinite(measures[k]));
        if (bad !== undefined) {
          const text = failureText(MEASURES[bad], measures[bad], state.step, good.step);
          throw new SolveError(`${NAME} on ${problem.name}: ${text}`, finish(good, text));
        }
        state.measured.push(measures);
        context.progress({
          stage: `training (objective ${measures[0].toPrecision(4)})`,
          iteration: state.step,
          fraction: state.step / settings.steps,
          residual: measures[5],
        });
        if (state.step % SNAPSHOT_EVERY === 0) good = await snapshot(state);
        await checkpoint.keep(state.step, () => stored(state));
      }
      context.progress({ stage: "evaluation", iteration: state.step, fraction: 1, residual: null });
      return finish(await snapshot(state), null);
    } finally {
      tf.dispose([...state.potential, ...state.critic, ...state.directions]);
      disposeAdam(tf, state.potentialAdam);
      disposeAdam(tf, state.criticAdam);
    }
  } finally {
    tensors.release();
  }
}

function failureText(quantity: string, value: number, step: number, kept: number): string {
  const cure =
    quantity.startsWith("critic") || quantity.startsWith("objective")
      ? "lower criticLearningRate, check the samples of source and target, or set a finite lipschitz"
      : "lower learningRate or the penalty weights, or check the samples of the source";
  return `${quantity} is ${value} at step ${step}; ${cure}. The state of step ${kept} is kept`;
}

/** Samples by which the frame is chosen. */
const FRAME_SAMPLES = 2048;

function makeArena(tf: TensorLibrary, problem: ProximalFlow, settings: Settings, seed: number): Arena {
  const root = generator(seed).split(NAME);
  const frame = frameOf(
    [
      pointsOf(problem.source, FRAME_SAMPLES, root.split("frame source")),
      pointsOf(problem.target, FRAME_SAMPLES, root.split("frame target")),
    ],
    problem.dimension,
  );
  const whole = wholeData(problem.target, settings.targetBatch);
  return {
    tf,
    problem,
    settings,
    root,
    frame,
    stiffness: problem.horizon / (problem.kineticWeight * frame.scale ** 2),
    potentialShape: { dimension: problem.dimension, width: settings.width, depth: settings.depth },
    criticShape: {
      ...criticShapeOf(settings),
      dimension: problem.dimension,
      lipschitz: problem.lipschitz * frame.scale,
      ceiling: problem.divergence.conjugateDomain,
    },
    wholeTarget: whole === null ? null : toFrame(frame, whole.points),
  };
}

function freshState(arena: Arena): TrainingState {
  const { tf, root, potentialShape, criticShape } = arena;
  const tensors = (values: readonly Float32Array[], shapes: readonly number[][]) =>
    values.map((p, i) => tf.tensor(p, shapes[i]));
  const potential = tensors(
    potentialParameters(potentialShape, root.split("potential")),
    potentialParameterShapes(potentialShape),
  );
  const critic = tensors(criticParameters(criticShape, root.split("critic")), criticParameterShapes(criticShape));
  return {
    step: 0,
    potential,
    critic,
    directions: criticDirections(criticShape, root.split("directions")).map((u) => tf.tensor2d(u, [u.length, 1])),
    potentialAdam: adamState(tf, potential),
    criticAdam: adamState(tf, critic),
    measured: [],
  };
}

/** 0 = t₀ < … < t_n = 1 with n uniform on 1 … most and each inner node within 0.45/n of the uniform grid's. */
function randomGrid(draws: Generator, most: number): number[] {
  const n = 1 + draws.integer(1, most)[0];
  const u = draws.uniform(n);
  return Array.from({ length: n + 1 }, (_, k) => (k === 0 || k === n ? k / n : (k + 0.9 * (u[k] - 0.5)) / n));
}

/** Factor by which α and β grow, geometrically, while the rate falls: loose while the map is found, tight while it is polished. */
const HARDENING = 10;

/** Share of the steps with the full rate; steps of linear warm-up of the potential's rate. */
const FLAT = 0.5;
const WARM_UP = 50;

function schedule(step: number, steps: number): number {
  const part = (step / steps - FLAT) / (1 - FLAT);
  return part <= 0 ? 1 : 0.01 + 0.495 * (1 + Math.cos(Math.PI * part));
}

/** One step of each player. Returns the row of {@link MEASURES}. */
async function trainingStep(arena: Arena, state: TrainingState): Promise<number[]> {
  const { tf, problem, settings, root, frame, stiffness, potentialShape, criticShape } = arena;
  const d = problem.dimension;
  const draws = root.split(`step ${state.step}`);
  const grid = randomGrid(draws.split("times"), settings.timeSteps);
  const source = toFrame(frame, problem.source.sample(settings.batch, draws.split("source")).points);
  const target =
    arena.wholeTarget ?? toFrame(frame, problem.target.sample(settings.targetBatch, draws.split("target")).points);
  const decay = schedule(state.step, settings.steps);
  const hardened = HARDENING ** Math.max(0, (state.step / settings.steps - FLAT) / (1 - FLAT));
  const penalties: PathPenalties = {
    straightness: settings.straightnessWeight * hardened,
    hamiltonJacobi: settings.hamiltonJacobiWeight * hardened,
    terminal: settings.terminalWeight,
  };
  const facts = tf.tidy(() => {
    const start = tf.tensor2d(source, [settings.batch, d]);
    const points = tf.tensor2d(target, [target.length / d, d]);
    const weights = potentialWeights(tf, potentialShape, state.potential);
    const path = eulerPath(tf, weights, start, grid);
    const end = path.points[grid.length - 1];

    const proximal: ProximalPoints = { points: end, lengths: tf.fill([settings.batch, 1], FIRST_LENGTH) };
    for (let j = 0; j < settings.criticSteps; j++)
      criticStep(arena, state, start, points, proximal, settings.criticLearningRate * decay);

    const critic = criticWeights(tf, criticShape, state.critic, state.directions);
    const pass = criticForward(tf, critic, tf.concat([end, points], 0) as Tensor2D);
    const atEnd = criticForward(tf, critic, end);
    const slope = tf.mul(criticBackward(tf, critic, atEnd).gradient, stiffness) as Tensor2D;
    const reward = targetReward(tf, problem.divergence).value(tf.slice(pass.value, settings.batch));
    const played = tf.add(tf.mean(atEnd.value), reward);
    const step = pathGradient(tf, weights, path, slope, penalties);
    adamStep(tf, state.potential, step.parameters, state.potentialAdam, {
      rate: settings.learningRate * decay * Math.min(1, (state.step + 1) / WARM_UP),
      beta1: 0.8,
      beta2: 0.95,
    });
    const kinetic = tf.div(step.kinetic, stiffness);
    return tf.stack([tf.add(played, kinetic), played, kinetic, step.hamiltonJacobi, step.straightness, step.mismatch]);
  });
  const measures = Array.from(await facts.data());
  facts.dispose();
  state.step++;
  return measures;
}

/** End points on their way to the proximal points of the source samples, and each one's step length [B, 1]. */
interface ProximalPoints {
  points: Tensor2D;
  lengths: Tensor;
}

/** First step length of the proximal descent; a step that does not descend is refused and the length cut, else it grows. */
const FIRST_LENGTH = 0.3;
const SHRINK = 0.4;
const GROW = 1.5;

/** Moves `proximal` by a few descent steps of κφ(y) + ½|y − u₀|², then the critic by one ascent step there. */
function criticStep(
  arena: Arena,
  state: TrainingState,
  start: Tensor2D,
  target: Tensor2D,
  proximal: ProximalPoints,
  rate: number,
): void {
  const { tf, problem, settings, stiffness, criticShape } = arena;
  const { batch } = settings;
  const [gradients, directions, points, lengths] = tf.tidy(() => {
    const weights = criticWeights(tf, criticShape, state.critic, state.directions);
    let { points, lengths } = proximal;
    const evaluate = (y: Tensor2D): [Tensor, Tensor] => {
      const pass = criticForward(tf, weights, y);
      const { gradient } = criticBackward(tf, weights, pass);
      const move = tf.sub(y, start);
      const energy = tf.add(tf.mul(pass.value, stiffness), tf.mul(tf.sum(tf.square(move), 1), 0.5));
      return [tf.reshape(energy, [batch, 1]), tf.add(tf.mul(gradient, stiffness), move)];
    };
    if (settings.proximalSteps > 0) {
      let [energy, gradient] = evaluate(points);
      for (let k = 0; k < settings.proximalSteps; k++) {
        const trial = tf.sub(points, tf.mul(lengths, gradient)) as Tensor2D;
        const [trialEnergy, trialGradient] = evaluate(trial);
        const taken = tf.step(tf.sub(energy, trialEnergy));
        const choose = (old: Tensor, fresh: Tensor) => tf.add(old, tf.mul(taken, tf.sub(fresh, old)));
        points = choose(points, trial) as Tensor2D;
        gradient = choose(gradient, trialGradient);
        energy = choose(energy, trialEnergy);
        lengths = tf.mul(lengths, tf.add(tf.mul(taken, GROW - SHRINK), SHRINK));
      }
    }
    const pass = criticForward(tf, weights, tf.concat([points, target], 0) as Tensor2D);
    const reward = targetReward(tf, problem.divergence).derivative(tf.slice(pass.value, batch));
    const descent = tf.neg(tf.concat([tf.fill([batch], 1 / batch), reward], 0)); // Adam descends, the critic ascends
    const { deltas } = criticBackward(tf, weights, pass, tf.reshape(descent, [-1, 1]) as Tensor2D);
    const gradients = criticParameterGradient(tf, weights, pass, deltas);
    return [gradients, weights.right, points, lengths] as [Tensor[], Tensor[], Tensor2D, Tensor];
  });
  proximal.points = points;
  proximal.lengths = lengths;
  adamStep(tf, state.critic, gradients, state.criticAdam, { rate, beta1: 0.5, beta2: 0.99 });
  if (directions.length > 0) {
    tf.dispose(state.directions);
    state.directions = directions.map((u) => tf.keep(u));
  }
}

async function read(tensors: readonly Tensor[]): Promise<Float32Array[]> {
  return Promise.all(tensors.map(async (t) => Float32Array.from(await t.data())));
}

async function snapshot(state: TrainingState): Promise<Snapshot> {
  return { step: state.step, potential: await read(state.potential), critic: await read(state.critic) };
}

function tensorsOf(state: TrainingState): Record<string, Tensor[]> {
  const { potential, critic, directions, potentialAdam, criticAdam } = state;
  return {
    potential,
    critic,
    directions,
    potentialFirst: potentialAdam.first,
    potentialSecond: potentialAdam.second,
    criticFirst: criticAdam.first,
    criticSecond: criticAdam.second,
  };
}

async function stored(state: TrainingState): Promise<CheckpointState> {
  const arrays: Record<string, Float32Array | Float64Array> = { measured: Float64Array.from(state.measured.flat()) };
  for (const [name, tensors] of Object.entries(tensorsOf(state)))
    (await read(tensors)).forEach((values, i) => {
      arrays[`${name}.${i}`] = values;
    });
  const record = { step: state.step, potentialAdam: state.potentialAdam.step, criticAdam: state.criticAdam.step };
  return { arrays, record };
}

function restoredState(arena: Arena, saved: CheckpointState): TrainingState {
  const state = freshState(arena);
  const { tf } = arena;
  const record = saved.record as { step: number; potentialAdam: number; criticAdam: number };
  for (const [name, tensors] of Object.entries(tensorsOf(state)))
    for (let i = 0; i < tensors.length; i++) {
      const shape = tensors[i].shape;
      tensors[i].dispose();
      tensors[i] = tf.tensor(saved.arrays[`${name}.${i}`], shape);
    }
  state.step = record.step;
  state.potentialAdam.step = record.potentialAdam;
  state.criticAdam.step = record.criticAdam;
  const { measured } = saved.arrays;
  for (let i = 0; i < measured.length; i += MEASURES.length)
    state.measured.push([...measured.subarray(i, i + MEASURES.length)]);
  return state;
}

interface Trained {
  readonly arena: Arena;
  readonly context: SolveContext;
  readonly record: SolverRecord;
  readonly reached: Snapshot;
  /** Why training stopped early, or `null`. */
  readonly failure: string | null;
  readonly measured: readonly (readonly number[])[];
  readonly use: DeviceUse;
  readonly began: number;
}

/** Euler steps of the solution's own cloud, and of the larger one on which the objective is measured. */
const CLOUD_STEPS = 40;
const OBJECTIVE_STEPS = 10;

function makeSolution(trained: Trained): NeuralProximalFlowSolution {
  const { arena, context, reached } = trained;
  const { problem, settings, frame, potentialShape, criticShape } = arena;
  const { dimension: d, horizon: T, kineticWeight: lambda, divergence } = problem;
  const { center, scale } = frame;
  const root = generator(context.seed).split(NAME);
  const sources = pointsOf(problem.source, settings.evaluation, root.split("evaluation source"));
  const targets = pointsOf(problem.target, 16 * settings.evaluation, root.split("evaluation target"));
  const critic = normalisedCritic(hostCritic(criticShape, reached.critic, frame), divergence, targets);
  const network = hostPotential(potentialShape, reached.potential);

  const evaluate = (t: number, x: Float64Array) => {
    const u = pointsIn(NAME, x, d).map((v, i) => (v - center[i % d]) / scale);
    const values = new Float64Array(x.length / d);
    const gradients = new Float64Array(x.length);
    const rates = new Float64Array(x.length / d);
    network.evaluate(u, timeIn(NAME, t, T) / T, values, gradients, rates);
    return { values, gradients, rates };
  };
  const velocity = (t: number, x: Float64Array) => evaluate(t, x).gradients.map((p) => (-p * scale) / T);
  const judged = (x: Float64Array) => criticAt(critic, pointsIn(NAME, x, d));
  const follow = (start: Cloud, steps: number): Trajectories => {
    const size = start.points.length;
    const times = Float64Array.from({ length: steps + 1 }, (_, k) => (k / steps) * T);
    const positions = new Float64Array((steps + 1) * size);
    positions.set(start.points);
    for (let k = 0; k < steps; k++) {
      const x = positions.subarray(k * size, (k + 1) * size);
      const v = velocity(times[k], x);
      for (let i = 0; i < size; i++) positions[(k + 1) * size + i] = x[i] + (times[k + 1] - times[k]) * v[i];
    }
    return { count: start.count, dimension: d, times, positions, weights: start.weights };
  };

  const paths = follow(cloud(sources, d), CLOUD_STEPS);
  const probes = probe(paths, (steps) => endOf(follow(cloud(sources, d), steps)));
  const end = endOf(paths);
  const atEnd = judged(end);
  const last = evaluate(T, end);
  const unit = (lambda * scale ** 2) / T; // U = unit Û + shift, with U(T) = φ on average over the end points
  const shift = mean(atEnd.values) - unit * mean(last.values);
  const terminal = last.gradients.map((p) => (p * unit) / scale);
  const mismatch = meanSquare(terminal.map((p, i) => p - atEnd.gradients[i])) / meanSquare(atEnd.gradients);
  const measuredObjective = () => {
    const many = cloud(pointsOf(problem.source, 8 * settings.evaluation, root.split("objective source")), d);
    const coarse = follow(many, OBJECTIVE_STEPS);
    const reward = terminalReward(critic, divergence, targets);
    return mean(judged(endOf(coarse)).values) + reward + lambda * kineticEnergy(coarse);
  };
  const n = sources.length / d;

  return {
    family: "neural",
    problem,
    solver: trained.record,
    status: trained.failure === null ? judge(probes, mismatch, settings) : { converged: false, text: trained.failure },
    histories: histories(trained.measured),
    objective: { primal: trained.failure === null ? measuredObjective() : null, dual: null, gap: null },
    counts: {
      steps: reached.step,
      criticSteps: reached.step * settings.criticSteps,
      parameters: parameterCount(reached.potential),
      criticParameters: parameterCount(reached.critic),
      evaluationPoints: n,
    },
    seconds: context.elapsed() - trained.began,
    seed: context.seed,
    device: trained.use,
    version: context.version,
    density: (t) => {
      timeIn(NAME, t, T);
      const k = Math.min(CLOUD_STEPS - 1, Math.floor((t / T) * CLOUD_STEPS));
      const part = (t / T) * CLOUD_STEPS - k;
      const { positions } = paths;
      const size = n * d;
      const at = sources.map((_, i) => (1 - part) * positions[k * size + i] + part * positions[(k + 1) * size + i]);
      return cloud(at, d);
    },
    value: (t, x) => evaluate(t, x).values.map((u) => unit * u + shift),
    velocity,
    trajectories: (options: TrajectoryOptions = {}): Trajectories => {
      const { start, steps } = startOf(NAME, problem, options, context.seed);
      return follow(start, steps);
    },
    critic: {
      value: (x) => judged(x).values,
      gradient: (x) => judged(x).gradients,
      certifiedLipschitz: critic.certifiedLipschitz,
    },
    arrays: () => {
      const named: Record<string, NdArray<Float64Array>> = {
        source: ndarray(sources, [n, d]),
        terminal: ndarray(end, [n, d]),
        times: ndarray(paths.times, [CLOUD_STEPS + 1]),
        paths: ndarray(paths.positions, [CLOUD_STEPS + 1, n, d]),
        potential_start: ndarray(
          evaluate(0, sources).values.map((u) => unit * u + shift),
          [n],
        ),
        center: ndarray(center, [d]),
        scale: ndarray(Float64Array.of(scale), [1]),
      };
      const network = potentialParameterShapes(potentialShape);
      reached.potential.forEach((p, i) => {
        named[`potential_parameter_${i}`] = ndarray(Float64Array.from(p), network[i]);
      });
      const certified = criticParameterShapes(criticShape);
      reached.critic.forEach((p, i) => {
        named[`critic_parameter_${i}`] = ndarray(Float64Array.from(p), certified[i]);
      });
      return named;
    },
  };
}

function parameterCount(parameters: readonly Float32Array[]): number {
  return parameters.reduce((sum, p) => sum + p.length, 0);
}

function endOf(paths: Trajectories): Float64Array {
  return paths.positions.slice((paths.times.length - 1) * paths.count * paths.dimension);
}

/** ∫E ½|v|²dt of Euler paths. */
function kineticEnergy(paths: Trajectories): number {
  const { count, dimension, times, positions } = paths;
  const size = count * dimension;
  let energy = 0;
  for (let k = 0; k + 1 < times.length; k++) {
    let square = 0;
    for (let i = k * size; i < (k + 1) * size; i++) square += (positions[i + size] - positions[i]) ** 2;
    energy += (0.5 * square) / count / (times[k + 1] - times[k]);
  }
  return energy;
}

/** How straight the trained flow is, relative to its mean displacement. */
interface Probes {
  readonly chord: number;
  readonly oneStep: number;
  readonly halving: number;
  readonly refinement: number;
}

function probe(paths: Trajectories, endAfter: (steps: number) => Float64Array): Probes {
  const { count: n, dimension: d, times, positions } = paths;
  const steps = times.length - 1;
  const size = n * d;
  const distance = (a: Float64Array, b: Float64Array) => {
    let sum = 0;
    for (let i = 0; i < n; i++) {
      let square = 0;
      for (let j = i * d; j < (i + 1) * d; j++) square += (a[j] - b[j]) ** 2;
      sum += Math.sqrt(square);
    }
    return sum / n;
  };
  const node = (k: number) => positions.subarray(k * size, (k + 1) * size);
  let length = 0;
  for (let k = 0; k < steps; k++) length += distance(node(k), node(k + 1));
  const displacement = distance(node(0), node(steps));
  const error = (after: number) => distance(endAfter(after), node(steps)) / displacement;
  return {
    chord: displacement / length,
    oneStep: error(1),
    halving: error(steps / 2),
    refinement: error(steps / 8),
  };
}

function mean(values: Float64Array): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}

function meanSquare(values: Float64Array): number {
  return values.reduce((sum, x) => sum + x * x, 0) / values.length;
}

function histories(measured: readonly (readonly number[])[]): readonly History[] {
  const iterations = measured.map((_, k) => k + 1);
  return MEASURES.map((name, i) => ({ name, iterations, values: measured.map((row) => row[i]) }));
}

/** Converged: straight, insensitive to the step, and the terminal condition holds. The text says what to change otherwise. */
function judge(probes: Probes, mismatch: number, settings: Settings): Status {
  const { chord, oneStep, halving, refinement } = probes;
  const percent = (x: number) => `${(100 * x).toPrecision(2)} %`;
  const facts = `chord ratio ${chord.toFixed(4)}, one step ${percent(oneStep)}, step halving ${percent(halving)}, refinement 1/5 → 1/40 ${percent(refinement)}, terminal mismatch ${percent(mismatch)}`;
  if (!Number.isFinite(chord)) return { converged: false, text: `the flow does not move: ${facts}` };
  if (!(chord >= 0.98 && refinement <= 0.02))
    return {
      converged: false,
      text: `not straight: ${facts}; use more steps than ${settings.steps} or a larger straightnessWeight`,
    };
  if (!(mismatch <= 0.1))
    return {
      converged: false,
      text: `terminal condition not met: ${facts}; use more steps than ${settings.steps} or a smaller criticWidth`,
    };
  return { converged: true, text: `converged: ${facts}` };
}
