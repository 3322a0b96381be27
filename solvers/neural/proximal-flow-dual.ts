// Dual form of the W₁⊕W₂ proximal flow: only the critic φ_θ is a network, and the flow is its proximal map,
//   max_θ  E_{x~ρ₀} min_y [φ_θ(y) + λ|x−y|²/2T] − E_π f*(φ_θ)      (KL: − log E_π e^{φ_θ}),   Lip(φ_θ) ≤ L certified.
// In function space this is a concave maximisation. y*(x) minimises, x(t) = x + (t/T)(y*(x) − x): straight by construction;
// U(t,x) = min_y φ(y) + λ|x−y|²/2(T−t), v = (y* − x)/(T−t) = −∇U/λ.
// Scheme: Adam on θ with explicit gradients; envelope theorem, so only ∂_θφ at y* is needed; inner minimisation by
// Barzilai–Borwein steps on minimisers that persist in a pool of source samples, restarted from the target batch by its
// c-transform where that is lower. Afterwards everything is evaluated in float64 on the host with tight minimisation.
// Order: none (statistical). Conditions: λ, T > 0; L = ∞ needs a target with a density.
// References: Gu, Katsoulakis, Rey-Bellet, Zhang 2024 (key gu2024proximal); Anil et al. 2019 (key anil2019sorting).
import type { Tensor, Tensor2D } from "@tensorflow/tfjs";
import ndarray, { type NdArray } from "ndarray";
import type { ProximalFlow } from "../../problems/proximal-flow.js";
import { breathing } from "../../src/breathing.js";
import type { DeviceUse } from "../../src/device/index.js";
import { demand } from "../../src/error.js";
import { type Cloud, cloud } from "../../src/measure/index.js";
import type { Problem } from "../../src/problem.js";
import { type Generator, type GeneratorState, generator, restore } from "../../src/random/index.js";
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
  criticAt,
  criticBackward,
  criticDirections,
  criticForward,
  criticParameterGradient,
  criticParameterShapes,
  criticParameters,
  criticWeights,
  disposeAdam,
  type HostCritic,
  hostCritic,
  type TensorLibrary,
  targetReward,
  tensorConjugate,
} from "../../src/tensor/index.js";
import { pointsIn, startOf, timeIn } from "./arguments.js";
import { frameOf, pointsOf, toFrame, wholeData } from "./frame.js";
import { anchorsAt, moreau } from "./moreau.js";
import { runCheckpoint } from "./run-checkpoint.js";
import { demandCounts, demandShares } from "./settings.js";
import { normalisedCritic, terminalReward } from "./terminal-reward.js";

export interface NeuralProximalFlowDualOptions {
  /** Units of a hidden layer, even; default 64. */
  readonly width?: number;
  /** Hidden layers; default 3. */
  readonly depth?: number;
  /** Default `"smooth-maxmin"`. */
  readonly activation?: CriticActivation;
  /** Source samples a step; default 256. */
  readonly batch?: number;
  /** Target samples a step; data of at most this size are used whole; default 512. */
  readonly targetBatch?: number;
  /** Training steps; default 1000. */
  readonly steps?: number;
  /** Adam's rate: constant for the first half of the steps, then falling linearly to 0; default 6e-3. */
  readonly learningRate?: number;
  /** Barzilai–Borwein steps of the inner minimisation a visit; default 4. */
  readonly innerSteps?: number;
  /** Source samples that keep their minimisers; default 8192. */
  readonly pool?: number;
  /** Decay of the exponential average of the parameters, in [0, 1); default 0.99. */
  readonly averaging?: number;
  /** Samples for the measured dual value and for `density(t)`; default 1024. */
  readonly evaluation?: number;
}

type Settings = Required<NeuralProximalFlowDualOptions>;

const DEFAULTS: Settings = {
  width: 64,
  depth: 3,
  activation: "smooth-maxmin",
  batch: 256,
  targetBatch: 512,
  steps: 1000,
  learningRate: 6e-3,
  innerSteps: 4,
  pool: 8192,
  averaging: 0.99,
  evaluation: 1024,
};

const NAME = "neuralProximalFlowDual";

/** Solution of the dual form; `critic` is certified, and every path is a straight line. */
export interface NeuralProximalFlowDualSolution extends Solution<ProximalFlow> {
  readonly family: "neural";
  density(t: number): Cloud;
}

/**
 * The W₁⊕W₂ proximal flow by its dual: a certified Lipschitz critic whose proximal map is the flow.
 *
 * max_θ E_{ρ₀} min_y [φ_θ(y) + λ|x−y|²/2T] − E_π f*(φ_θ)
 *
 * @param options see {@link NeuralProximalFlowDualOptions}
 * @returns a solver for problems of kind `"proximal-flow"`
 * @throws UsageError when an option is out of range
 *
 * *Notes*: any dimension; `objective.dual` is measured on a fixed sample in float64, `primal` is not measured. The
 * inner minimum is global only as far as the starts reach; `counts.minimaMissed` says how often the start x alone
 * would have missed the lowest value, `counts.minimaDisagree` how often the starts differ.
 *
 * *Good values*: the defaults for 2-D data. In 10 dimensions e^φ varies much over the target: `targetBatch: 2048`,
 * `width: 32`, `learningRate: 1e-2`. `"maxmin"` is the piecewise linear reference: it reaches a higher Lipschitz
 * divergence where the bound is active, but its proximal map collapses onto kinks, and on data its dual is far lower.
 *
 * *References*: gu2024proximal, anil2019sorting, miyato2018spectral
 */
export function neuralProximalFlowDual(
  options: NeuralProximalFlowDualOptions = {},
): Solver<ProximalFlow, NeuralProximalFlowDualSolution> {
  const settings: Settings = { ...DEFAULTS, ...options };
  checkSettings(settings);
  const record: SolverRecord = {
    name: NAME,
    family: "neural",
    order: null,
    references: ["gu2024proximal", "anil2019sorting", "miyato2018spectral", "kingma2015adam"],
    options: { ...settings },
  };
  return { ...record, handles, solve: (problem, context) => train(problem, context, settings, record) };
}

function checkSettings(s: Settings): void {
  checkCriticShape({ ...s, dimension: 1, lipschitz: 1, ceiling: Infinity }, NAME);
  demandCounts(NAME, s, DEFAULTS, ["batch", "targetBatch", "steps", "innerSteps", "pool", "evaluation"]);
  demandShares(NAME, s, DEFAULTS, ["learningRate"]);
  demand(
    s.averaging >= 0 && s.averaging < 1,
    NAME,
    "averaging",
    "be ≥ 0 and < 1",
    s.averaging,
    "Use averaging: 0 for none",
  );
}

function handles(problem: Problem): true | string {
  if (problem.kind !== "proximal-flow")
    return `it solves proximal-flow problems, not ${problem.kind}; use a solver of that family`;
  return true;
}

/** What training carries from step to step; all of it goes into a checkpoint. */
interface TrainingState {
  step: number;
  parameters: Tensor[];
  average: Tensor[];
  directions: Tensor[];
  adam: AdamState;
  draws: Generator;
  /** Minimisers of the pool in network coordinates, and their last Barzilai–Borwein step lengths. */
  readonly minimisers: Float32Array;
  readonly lengths: Float32Array;
  restarts: number;
  readonly history: { iterations: number[]; dual: number[]; residual: number[] };
}

/** Fixed data of a run, in network coordinates u = (x − c)/s. */
interface Arena {
  readonly tf: TensorLibrary;
  readonly problem: ProximalFlow;
  readonly settings: Settings;
  readonly shape: CriticShape;
  readonly frame: CriticFrame;
  /** λs²/T: the kinetic stiffness by u. */
  readonly stiffness: number;
  readonly pool: Float32Array;
  readonly poolCount: number;
  /** The whole target when it is small enough. */
  readonly wholeTarget: Float32Array | null;
}

async function train(
  problem: ProximalFlow,
  context: SolveContext,
  settings: Settings,
  record: SolverRecord,
): Promise<NeuralProximalFlowDualSolution> {
  const began = context.elapsed();
  const tensors = await acquireTensors(context.device);
  const { tf } = tensors;
  try {
    tensorConjugate(tf, problem.divergence); // refuses an unknown divergence before any work
    const root = generator(context.seed).split(NAME);
    const arena = makeArena(tf, problem, settings, root);
    const checkpoint = runCheckpoint(context, record, problem, tensors.backend, settings.steps);
    const saved = await checkpoint.saved();
    const state = saved === null ? freshState(arena, root) : restoredState(arena, saved);
    try {
      const breathe = breathing(context.signal);
      while (state.step < settings.steps) {
        await breathe();
        await trainingStep(arena, state);
        const { dual, residual } = state.history;
        context.progress({
          stage: `training (dual ${dual[dual.length - 1].toPrecision(4)})`,
          iteration: state.step,
          fraction: state.step / settings.steps,
          residual: residual[residual.length - 1],
        });
        await checkpoint.keep(state.step, () => stored(state));
      }
      const parameters = await Promise.all(state.average.map((p) => p.data() as Promise<Float32Array>));
      const critic = hostCritic(arena.shape, parameters, arena.frame);
      context.progress({ stage: "evaluation", iteration: state.step, fraction: 1, residual: null });
      return makeSolution({
        problem,
        context,
        settings,
        record,
        critic,
        parameters,
        arena,
        state,
        use: tensors.use,
        began,
      });
    } finally {
      tf.dispose([...state.parameters, ...state.average, ...state.directions]);
      disposeAdam(tf, state.adam);
    }
  } finally {
    tensors.release();
  }
}

function makeArena(tf: TensorLibrary, problem: ProximalFlow, settings: Settings, root: Generator): Arena {
  const d = problem.dimension;
  const poolPoints = pointsOf(problem.source, settings.pool, root.split("pool"));
  const targetPoints = pointsOf(problem.target, Math.max(1024, settings.targetBatch), root.split("frame"));
  const frame = frameOf([poolPoints, targetPoints], d);
  const { scale } = frame;
  const whole = wholeData(problem.target, settings.targetBatch);
  return {
    tf,
    problem,
    settings,
    shape: {
      dimension: d,
      width: settings.width,
      depth: settings.depth,
      activation: settings.activation,
      lipschitz: problem.lipschitz * scale,
      ceiling: problem.divergence.conjugateDomain,
    },
    frame,
    stiffness: (problem.kineticWeight * scale * scale) / problem.horizon,
    pool: toFrame(frame, poolPoints),
    poolCount: poolPoints.length / d,
    wholeTarget: whole === null ? null : toFrame(frame, whole.points),
  };
}

function freshState(arena: Arena, root: Generator): TrainingState {
  const { tf, shape, pool, poolCount, stiffness } = arena;
  const shapes = criticParameterShapes(shape);
  const start = criticParameters(shape, root.split("parameters"));
  const parameters = start.map((p, i) => tf.tensor(p, shapes[i]));
  return {
    step: 0,
    parameters,
    average: start.map((p, i) => tf.tensor(p, shapes[i])),
    directions: criticDirections(shape, root.split("directions")).map((u) => tf.tensor2d(u, [u.length, 1])),
    adam: adamState(tf, parameters),
    draws: root.split("batches"),
    minimisers: pool.slice(),
    lengths: new Float32Array(poolCount).fill(0.5 / stiffness),
    restarts: 0,
    history: { iterations: [], dual: [], residual: [] },
  };
}

/** Target points of one step. */
function targetBatch(arena: Arena, draws: Generator): Float32Array {
  if (arena.wholeTarget !== null) return arena.wholeTarget;
  return toFrame(arena.frame, arena.problem.target.sample(arena.settings.targetBatch, draws).points);
}

/** One ascent step: inner minimisation on the next stretch of the pool, then Adam on θ. */
async function trainingStep(arena: Arena, state: TrainingState): Promise<void> {
  const { tf, settings, shape, pool, poolCount, stiffness: k } = arena;
  const d = shape.dimension;
  const b = Math.min(settings.batch, poolCount);
  const rows = Int32Array.from({ length: b }, (_, i) => (state.step * b + i) % poolCount);
  const gather = (from: Float32Array, size: number) => {
    const out = new Float32Array(b * size);
    for (let i = 0; i < b; i++) out.set(from.subarray(rows[i] * size, (rows[i] + 1) * size), i * size);
    return out;
  };
  const target = targetBatch(arena, state.draws);
  const out = tf.tidy(() => {
    const x = tf.tensor2d(gather(pool, d), [b, d]);
    const points = tf.tensor2d(target, [target.length / d, d]);
    const warm = tf.tensor2d(gather(state.minimisers, d), [b, d]);
    const lengths = tf.tensor2d(gather(state.lengths, 1), [b, 1]);
    const weights = criticWeights(tf, shape, state.parameters, state.directions);
    const reward = targetReward(tf, arena.problem.divergence);

    const onTarget = criticForward(tf, weights, points);
    const energy = (phi: Tensor, y: Tensor2D) =>
      tf.add(phi, tf.mul(tf.sum(tf.square(tf.sub(y, x)), 1), 0.5 * k)) as Tensor;

    // restart where a target point is lower than the kept minimiser
    const few = Math.min(CANDIDATES, points.shape[0]);
    const candidates = tf.slice(points, [0, 0], [few, d]) as Tensor2D;
    const cross = tf.matMul(x, tf.transpose(candidates));
    const level = tf.add(tf.slice(onTarget.value, [0], [few]), tf.mul(tf.sum(tf.square(candidates), 1), 0.5 * k));
    const nearest = tf.argMin(tf.sub(level, tf.mul(cross, k)), 1);
    const jump = tf.gather(candidates, nearest) as Tensor2D;
    const jumpEnergy = energy(tf.gather(onTarget.value, nearest), jump);
    const lower = tf.less(jumpEnergy, energy(criticForward(tf, weights, warm).value, warm));
    let y = tf.where(tf.reshape(lower, [b, 1]), jump, warm) as Tensor2D;

    // Barzilai–Borwein: τ = |Δy|²/(Δy·Δg), kept within [1/50k, 4/k]
    const gradientAt = (at: Tensor2D) => {
      const pass = criticForward(tf, weights, at);
      const { gradient, deltas } = criticBackward(tf, weights, pass);
      return { pass, deltas, g: tf.add(gradient, tf.mul(tf.sub(at, x), k)) as Tensor2D };
    };
    let tau = lengths as Tensor;
    let now = gradientAt(y);
    for (let inner = 0; inner < settings.innerSteps; inner++) {
      const move = tf.neg(tf.mul(tau, now.g));
      y = tf.add(y, move) as Tensor2D;
      const next = gradientAt(y);
      const along = tf.sum(tf.mul(move, tf.sub(next.g, now.g)), 1, true);
      const length = tf.div(tf.sum(tf.square(move), 1, true), tf.maximum(along, 1e-20));
      tau = tf.clipByValue(tf.where(tf.greater(along, 0), length, tf.mul(tau, 2)), 0.02 / k, 4 / k);
      now = next;
    }

    // ascent direction by the envelope theorem; Adam descends, hence the minus
    const cotangent = tf.neg(tf.reshape(reward.derivative(onTarget.value), [points.shape[0], 1])) as Tensor2D;
    const targetSide = criticBackward(tf, weights, onTarget, cotangent);
    const byTarget = criticParameterGradient(tf, weights, onTarget, targetSide.deltas);
    const bySource = criticParameterGradient(tf, weights, now.pass, now.deltas);
    const gradients = byTarget.map((g, i) => tf.sub(g, tf.div(bySource[i], b)));

    const dual = tf.add(tf.mean(energy(now.pass.value, y)), reward.value(onTarget.value));
    const residual = tf.sqrt(tf.mean(tf.sum(tf.square(now.g), 1)));
    const pull = tf.mul(tf.sqrt(tf.mean(tf.sum(tf.square(tf.sub(y, x)), 1))), k);
    const restarts = tf.sum(tf.cast(lower, "float32"));
    const facts = tf.stack([dual, residual, pull, restarts].map((t) => tf.reshape(t, [])));
    return {
      gradients,
      directions: weights.right,
      read: tf.concat([tf.reshape(y, [-1]), tf.reshape(tau, [-1]), facts]),
    };
  });
  const read = (await out.read.data()) as Float32Array;
  out.read.dispose();
  for (let i = 0; i < b; i++) {
    state.minimisers.set(read.subarray(i * d, (i + 1) * d), rows[i] * d);
    state.lengths[rows[i]] = read[b * d + i];
  }
  const [dual, residual, pull, restarts] = read.subarray(b * d + b);
  if (out.directions.length > 0) {
    tf.dispose(state.directions);
    state.directions = out.directions;
  }
  const fraction = state.step / settings.steps;
  const rate = settings.learningRate * Math.min(1, 2 * (1 - fraction));
  adamStep(tf, state.parameters, out.gradients, state.adam, { rate, beta1: 0.9, beta2: 0.99 });
  tf.dispose(out.gradients);
  state.step++;
  average(tf, state, Math.min(settings.averaging, 1 - 1 / state.step));
  state.restarts += restarts;
  state.history.iterations.push(state.step);
  state.history.dual.push(dual);
  state.history.residual.push(pull > 0 ? residual / pull : residual);
}

/** Target points that compete as restarts in one step. */
const CANDIDATES = 128;

function average(tf: TensorLibrary, state: TrainingState, decay: number): void {
  state.average = state.average.map((old, i) => {
    const next = tf.tidy(() => tf.add(tf.mul(old, decay), tf.mul(state.parameters[i], 1 - decay)));
    old.dispose();
    return next;
  });
}

async function stored(state: TrainingState): Promise<CheckpointState> {
  const arrays: Record<string, Float32Array | Float64Array> = { minimisers: state.minimisers, lengths: state.lengths };
  for (const [name, tensors] of Object.entries(tensorsOf(state)))
    for (let i = 0; i < tensors.length; i++) arrays[`${name}.${i}`] = (await tensors[i].data()) as Float32Array;
  for (const [name, values] of Object.entries(state.history)) arrays[`history.${name}`] = Float64Array.from(values);
  const { step, adam, restarts } = state;
  const record = { step, adamStep: adam.step, restarts, draws: state.draws.state() };
  return { arrays, record };
}

function tensorsOf(state: TrainingState): Record<string, Tensor[]> {
  const { parameters, average, directions, adam } = state;
  return { parameters, average, directions, first: adam.first, second: adam.second };
}

function restoredState(arena: Arena, saved: CheckpointState): TrainingState {
  const { tf, shape } = arena;
  const { arrays } = saved;
  const record = saved.record as { step: number; adamStep: number; restarts: number; draws: GeneratorState };
  const shapes = criticParameterShapes(shape);
  const read = (name: string) => shapes.map((s, i) => tf.tensor(arrays[`${name}.${i}`], s));
  const sides = shape.lipschitz === Infinity ? [] : shapes.filter((s) => s.length === 2).map((s) => s[1]);
  return {
    step: record.step,
    parameters: read("parameters"),
    average: read("average"),
    directions: sides.map((n, i) => tf.tensor(arrays[`directions.${i}`], [n, 1])),
    adam: { step: record.adamStep, first: read("first"), second: read("second") },
    draws: restore(record.draws),
    minimisers: arrays.minimisers as Float32Array,
    lengths: arrays.lengths as Float32Array,
    restarts: record.restarts,
    history: {
      iterations: [...arrays["history.iterations"]],
      dual: [...arrays["history.dual"]],
      residual: [...arrays["history.residual"]],
    },
  };
}

interface Trained {
  readonly problem: ProximalFlow;
  readonly context: SolveContext;
  readonly settings: Settings;
  readonly record: SolverRecord;
  readonly critic: HostCritic;
  readonly parameters: readonly Float32Array[];
  readonly arena: Arena;
  readonly state: TrainingState;
  readonly use: DeviceUse;
  readonly began: number;
}

function makeSolution(trained: Trained): NeuralProximalFlowDualSolution {
  const { problem, context, settings, arena, state } = trained;
  const { dimension: d, horizon: T, kineticWeight: lambda } = problem;
  const root = generator(context.seed).split(NAME);
  const sources = pointsOf(problem.source, settings.evaluation, root.split("evaluation source"));
  const targets = pointsOf(problem.target, 4 * settings.evaluation, root.split("evaluation target"));
  const critic = normalisedCritic(trained.critic, problem.divergence, targets);
  const anchors = anchorsAt(critic, pointsOf(problem.target, ANCHORS, root.split("anchors")));
  const terminal = moreau(critic, sources, lambda / T, anchors);
  const dual = mean(terminal.values) + terminalReward(critic, problem.divergence, targets);
  const residual = rms(terminal.residuals) / Math.max(rms(terminal.slopes), Number.MIN_VALUE);
  const n = terminal.values.length;

  const envelope = (t: number, x: Float64Array) => moreau(critic, pointsIn(NAME, x, d), lambda / (T - t), anchors);
  const evaluate = (x: Float64Array) => criticAt(critic, pointsIn(NAME, x, d));
  const along = (t: number, from: Float64Array, to: Float64Array) => from.map((x, i) => x + (t / T) * (to[i] - x));

  return {
    family: "neural",
    problem,
    solver: trained.record,
    status: judge(state.history.dual, residual, dual),
    histories: histories(state),
    objective: { primal: null, dual, gap: null },
    counts: {
      steps: state.step,
      parameters: trained.parameters.reduce((sum, p) => sum + p.length, 0),
      restarts: state.restarts,
      evaluationPoints: n,
      criticEvaluations: terminal.evaluations,
      minimaDisagree: terminal.disagreements,
      minimaMissed: terminal.missed,
    },
    seconds: context.elapsed() - trained.began,
    seed: context.seed,
    device: trained.use,
    version: context.version,
    density: (t) => cloud(along(timeIn(NAME, t, T), sources, terminal.minimisers), d),
    value: (t, x) => (timeIn(NAME, t, T) === T ? evaluate(x).values : envelope(t, x).values),
    velocity: (t, x) => {
      if (timeIn(NAME, t, T) === T) return evaluate(x).gradients.map((g) => -g / lambda);
      const { minimisers } = envelope(t, x);
      return minimisers.map((y, i) => (y - x[i]) / (T - t));
    },
    trajectories: (options: TrajectoryOptions = {}): Trajectories => {
      const { start, steps } = startOf(NAME, problem, options, context.seed);
      const { minimisers } = moreau(critic, start.points, lambda / T, anchors);
      const times = Float64Array.from({ length: steps + 1 }, (_, k) => (k / steps) * T);
      const positions = new Float64Array((steps + 1) * start.points.length);
      times.forEach((t, k) => {
        positions.set(along(t, start.points, minimisers), k * start.points.length);
      });
      return { count: start.count, dimension: d, times, positions, weights: start.weights };
    },
    critic: {
      value: (x) => evaluate(x).values,
      gradient: (x) => evaluate(x).gradients,
      certifiedLipschitz: critic.certifiedLipschitz,
    },
    arrays: () => {
      const shapes = criticParameterShapes(arena.shape);
      const named: Record<string, NdArray<Float64Array>> = {
        source: ndarray(sources, [n, d]),
        terminal: ndarray(terminal.minimisers, [n, d]),
        potential: ndarray(terminal.values, [n]),
        center: ndarray(arena.frame.center, [d]),
        scale: ndarray(Float64Array.of(arena.frame.scale), [1]),
      };
      trained.parameters.forEach((p, i) => {
        named[`parameter_${i}`] = ndarray(Float64Array.from(p), shapes[i]);
      });
      return named;
    },
  };
}

/** Target points from which the inner minimisation may start after training. */
const ANCHORS = 256;

function mean(values: Float64Array): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}

function rms(values: Float64Array): number {
  return Math.sqrt(mean(values.map((x) => x * x)));
}

function histories(state: TrainingState): readonly History[] {
  const { iterations, dual, residual } = state.history;
  return [
    { name: "dual value (batch)", iterations, values: dual },
    { name: "inner residual |∇φ + λ(y − x)/T| / (λ|y − x|/T) (batch)", iterations, values: residual },
  ];
}

/** Fewer steps are never called converged: the rate falls too soon for the drift to tell, and the average still holds its start. */
const LEAST_STEPS = 200;

/** Converged: the last tenth's mean dual value is that of the tenth before within 3 standard errors or 1 %; residual ≤ 1 %. */
/** `measured` is the dual on the evaluation sample. */
function judge(dual: readonly number[], residual: number, measured: number): Status {
  if (!dual.every(Number.isFinite) || !Number.isFinite(residual))
    return { converged: false, text: "failed: the dual value is not finite; lower learningRate" };
  const tenth = Math.max(1, Math.floor(dual.length / 10));
  const [last, before] = [dual.slice(-tenth), dual.slice(-2 * tenth, -tenth)].map((part) => {
    const m = mean(Float64Array.from(part));
    return { mean: m, variance: mean(Float64Array.from(part, (x) => (x - m) ** 2)) / part.length };
  });
  const drift = Math.abs(last.mean - before.mean);
  const allowed = Math.max(3 * Math.sqrt(last.variance + before.variance), 0.01 * Math.abs(last.mean));
  const facts = `dual ${last.mean.toPrecision(4)}, drift ${drift.toExponential(1)} over the last fifth, inner residual ${residual.toExponential(1)}`;
  // A constant critic reaches 0, so a dual well below it says that the critic fits its batches only.
  if (measured < -0.05)
    return {
      converged: false,
      text: `the critic does not carry over: dual ${measured.toPrecision(4)} on fresh samples; ${facts}; lower learningRate or set a smaller lipschitz`,
    };
  if (dual.length < LEAST_STEPS) return { converged: false, text: `stopped early: ${facts}; use steps ≥ 500` };
  if (drift > allowed) return { converged: false, text: `still rising: ${facts}; use more steps` };
  if (residual > 0.01)
    return {
      converged: false,
      text: `inner minimisation inexact: ${facts}; use a smooth activation such as "smooth-maxmin"`,
    };
  return { converged: true, text: `converged: ${facts}` };
}
