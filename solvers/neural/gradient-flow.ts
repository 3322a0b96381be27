// Generative particles: the Lipschitz-regularised gradient flow Ẏ = −∇φ*(Y), or the W₁ flow, with a network critic,
//   φ* = argmax over Lip(φ) ≤ L of  E_Y φ − E_X f*(φ)   (KL: − log E_X e^φ;  W₁: f* = identity, L = 1),   X samples of the target
// Step: a few ascent steps on the critic, warm-started, then Y ← Y − Δt ∇φ(Y) (Euler), or Heun's two stages, each refined again.
// Critic: MLP with certified Lipschitz bound, Adam; its free constant c solves E_X (f*)′(φ + c) = 1 in float64 at every ascent step, which for
// KL is log-mean-exp and for the others keeps φ + c inside the domain of f*. Particles follow the float64 twin, so that |v| ≤ L for certain,
// and energies are lower bounds of D between the clouds. A smooth critic cannot follow every sample, as the exact empirical one does: that is
// what generalises, and the deficit beside the exact D is measured. L = ∞: free weights, no bound; stopped before damage.
// No order (statistical). References: Gu et al. 2024 (key gu2024lipschitz); Anil, Lucas, Grosse 2019 (key anil2019sorting).
import type { Tensor, TensorContainer } from "@tensorflow/tfjs";
import ndarray, { type NdArray } from "ndarray";
import { criticTerms, type GradientFlow } from "../../problems/index.js";
import { breathing } from "../../src/breathing.js";
import { demand, demandKnown } from "../../src/error.js";
import { stacked } from "../../src/io/index.js";
import {
  type Cloud,
  cloud,
  type Divergence,
  diagonalOf,
  massOf,
  wasserstein2,
  weightOf,
  weightsOf,
} from "../../src/measure/index.js";
import type { Problem } from "../../src/problem.js";
import { type Generator, generator } from "../../src/random/index.js";
import { short } from "../../src/short.js";
import { type DescentSolution, historyOf, type SolverRecord, type Status } from "../../src/solution/index.js";
import type { SolveContext, Solver } from "../../src/solver.js";
import {
  type AdamState,
  acquireTensors,
  adamState,
  adamStep,
  type CriticActivation,
  type CriticFrame,
  type CriticShape,
  type CriticWeights,
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
  orthonormalise,
  type TensorLibrary,
} from "../../src/tensor/index.js";
import { balance, linearCost, semiRelaxedTransport } from "../../src/transport/index.js";
import { areComparable, cloudCourse, drawCloud, freshDraws, refusalForClouds, speedsOf } from "../particle/index.js";
import { pointsIn } from "./arguments.js";
import { frameOf, toFrame } from "./frame.js";
import { demandCounts, demandShares } from "./settings.js";

const NAME = "neuralGradientFlow";

/** What {@link neuralGradientFlow} takes. */
export interface NeuralGradientFlowOptions {
  /** Particles drawn from ρ₀; default 200. */
  readonly count?: number;
  /** Samples of the target; default `null`: all of data, else 200. */
  readonly targetCount?: number | null;
  /** Time steps; default 40. */
  readonly steps?: number;
  /** `"euler"` (default), or `"heun"`: two stages, each with a refined critic. */
  readonly integrator?: "euler" | "heun";
  /** Units of a hidden layer, even; default 32. */
  readonly width?: number;
  /** Hidden layers; default 3. */
  readonly depth?: number;
  /** Default `"maxmin"`. */
  readonly activation?: CriticActivation;
  /** Ascent steps before each stage; default 20. */
  readonly criticSteps?: number;
  /** Ascent steps before the first; default 500. */
  readonly firstCriticSteps?: number;
  /** Adam's rate at the start of each refinement, in which it falls to a tenth; default 2e-2. */
  readonly learningRate?: number;
  /** Particles, and as many samples, in an ascent step; default `null`: all. */
  readonly batch?: number | null;
  /** Steps between two measurements of the exact D, and of W₂, which costs count³ in d ≥ 2; default 5. */
  readonly measureEvery?: number;
  /**
   * The flow counts as converged when exact D − D ≤ tolerance × the largest exact D + the exact D between two samples of the target, at
   * every measured time, and D nowhere rises above its start by more than as much; default 0.1.
   */
  readonly tolerance?: number;
}

type Settings = Required<NeuralGradientFlowOptions>;

const DEFAULTS: Settings = {
  count: 200,
  targetCount: null,
  steps: 40,
  integrator: "euler",
  width: 32,
  depth: 3,
  activation: "maxmin",
  criticSteps: 20,
  firstCriticSteps: 500,
  learningRate: 2e-2,
  batch: null,
  measureEvery: 5,
  tolerance: 0.1,
};

/** Without a Lipschitz bound: speeds above this many diameters of the data per unit time are damage. */
const DIAMETERS = 5;

/** Björck steps after an ascent step; without them the critic misses up to twice as much. */
const ORTHONORMAL_ROUNDS = 2;

/** Solution of a gradient flow by particles and a network critic. */
export interface NeuralGradientFlowSolution extends DescentSolution<GradientFlow> {
  readonly family: "neural";
  /** The particles at each time. */
  readonly clouds: readonly Cloud[];
  /** The samples of the target. */
  readonly target: Cloud;
  /** The critic's parameters at each time, and its coordinates (x − centre)/scale. */
  readonly critics: readonly (readonly Float32Array[])[];
  readonly frame: CriticFrame;
  /** The largest exact D − D of the measured times; `null` for L = ∞. */
  readonly deficit: number | null;
  /** Exact D between the samples and as many draws from the target as there are particles: what a smooth critic should not see. */
  readonly samplingNoise: number | null;
  density(t: number): Cloud;
}

/**
 * Gradient flow of a Lipschitz-regularised divergence, or of W₁, by particles that follow a network critic.
 *
 * Ẏ = −∇φ(Y), φ = argmax over Lip(φ) ≤ L of E_Y φ − E_X f*(φ)
 *
 * @param options see {@link NeuralGradientFlowOptions}
 * @returns a solver of the neural family, any dimension; `energies` are lower bounds of D between the clouds, in float64; histories `energy`,
 * `dissipation`, `speed`, `mean speed`, `exact energy` (D between the same clouds by the exact engine) and, where counts agree or d = 1, `W₂`
 * @throws UsageError when an option is out of range or misspelt
 *
 * *Notes*: `converged` says that the critic misses no more of the exact D than the tolerance and the noise of sampling allow; it does not
 * bound the error against the continuum. L = ∞ is the divergent baseline: D between clouds is infinite, nothing is certified, `converged`
 * is false, and the flow stops, with its last good state, once a speed exceeds 5 diameters of the data per unit time; the front door
 * refuses it where the target has no density. Few ascent steps hide the divergence for a while. Weighted data keep their weights.
 *
 * *Good values*: the defaults, about 6 s for 200 particles and samples; `"heun"` takes twice as long. `criticSteps: 10` is enough where a step
 * is short beside the data. In three dimensions and more the exact D of a few hundred samples is mostly noise near the end.
 *
 * *References*: gu2024lipschitz, anil2019sorting, miyato2018spectral, kingma2015adam
 */
export function neuralGradientFlow(
  options: NeuralGradientFlowOptions = {},
): Solver<GradientFlow, NeuralGradientFlowSolution> {
  demandKnown(NAME, options, Object.keys(DEFAULTS));
  const settings: Settings = { ...DEFAULTS, ...options };
  checkSettings(settings);
  const record: SolverRecord = {
    name: NAME,
    family: "neural",
    order: null,
    references: ["gu2024lipschitz", "anil2019sorting", "miyato2018spectral", "kingma2015adam"],
    options: { ...settings },
  };
  return { ...record, handles, solve: (problem, context) => flow(problem, context, settings, record) };
}

function checkSettings(s: Settings): void {
  checkCriticShape({ ...s, dimension: 1, lipschitz: 1, ceiling: Infinity }, NAME);
  demandCounts(NAME, s, DEFAULTS, ["count", "steps", "criticSteps", "firstCriticSteps", "measureEvery"]);
  for (const name of ["targetCount", "batch"] as const)
    demand(
      s[name] === null || (Number.isInteger(s[name]) && s[name] >= 1),
      NAME,
      name,
      "be an integer ≥ 1, or null for all",
      s[name],
      "Leave it out",
    );
  demand(
    s.integrator === "euler" || s.integrator === "heun",
    NAME,
    "integrator",
    'be "euler" or "heun"',
    s.integrator,
    'Use integrator: "euler"',
  );
  demandShares(NAME, s, DEFAULTS, ["learningRate", "tolerance"]);
}

function handles(problem: Problem): true | string {
  return refusalForClouds(problem) ?? true;
}

/** What the ascent needs beside the clouds, and what it carries from step to step. */
interface Trainer {
  readonly tf: TensorLibrary;
  readonly shape: CriticShape;
  readonly frame: CriticFrame;
  readonly divergence: Divergence;
  readonly target: Cloud;
  readonly settings: Settings;
  readonly draws: Generator;
  readonly untrained: readonly Float32Array[];
  parameters: Tensor[];
  directions: Tensor[];
  readonly adam: AdamState;
  ascents: number;
}

function makeTrainer(
  tf: TensorLibrary,
  problem: GradientFlow,
  settings: Settings,
  root: Generator,
  first: Cloud,
  target: Cloud,
): Trainer {
  const { lipschitz, divergence } = criticTerms(problem.energy);
  const frame = frameOf([first.points, target.points], first.dimension);
  const shape: CriticShape = {
    dimension: first.dimension,
    width: settings.width,
    depth: settings.depth,
    activation: settings.activation,
    lipschitz: lipschitz * frame.scale, // by u = (x − c)/s
    ceiling: Infinity,
  };
  const shapes = criticParameterShapes(shape);
  const untrained = criticParameters(shape, root.split("parameters"));
  const parameters = untrained.map((p, i) => tf.tensor(p, shapes[i]));
  return {
    tf,
    shape,
    frame,
    divergence,
    target,
    settings,
    draws: root.split("batches"),
    untrained,
    parameters,
    directions: criticDirections(shape, root.split("directions")).map((u) => tf.tensor2d(u, [u.length, 1])),
    adam: adamState(tf, parameters),
    ascents: 0,
  };
}

/** `rounds` ascent steps on E_Y φ − E_X f*(φ + c) + c, c solved for; then the parameters on the host. */
async function refine(
  trainer: Trainer,
  here: Cloud,
  rounds: number,
  breathe: () => Promise<void>,
): Promise<readonly Float32Array[]> {
  const { frame, settings, target, draws } = trainer;
  for (let round = 0; round < rounds; round++) {
    const [particles, samples] = [here, target].map((c) =>
      settings.batch === null || settings.batch >= c.count ? c : rowsOf(c, draws.integer(settings.batch, c.count)),
    );
    await ascend(
      trainer,
      toFrame(frame, particles.points),
      weightsOf(particles),
      toFrame(frame, samples.points),
      weightsOf(samples),
      settings.learningRate * (1 - 0.9 * (round / rounds)), // a constant rate leaves linear critics oscillating
    );
    trainer.ascents++;
    await breathe();
  }
  return Promise.all(trainer.parameters.map((p) => p.data() as Promise<Float32Array>));
}

/** One ascent step on points in network coordinates. */
async function ascend(
  trainer: Trainer,
  particles: Float32Array,
  a: Float64Array,
  samples: Float32Array,
  b: Float64Array,
  rate: number,
): Promise<void> {
  const { tf, shape, divergence } = trainer;
  const d = shape.dimension;
  // The library's type of a container has no room for interfaces.
  const held = tf.tidy(
    () => criticWeights(tf, shape, trainer.parameters, trainer.directions) as object as TensorContainer,
  );
  const weights = held as object as CriticWeights;
  // The ratios (f*)′(φ + c) of the samples are found on the host; a graph cannot wait for a read, so the samples pass twice.
  const read = tf.tidy(() => criticForward(tf, weights, tf.tensor2d(samples, [b.length, d])).value);
  const values = Float64Array.from(await read.data());
  const shift = constantOf(divergence, values, b);
  // Adam descends, hence the sign.
  const cotangents = Float32Array.from([
    ...a.map((w) => -w),
    ...b.map((w, j) => w * divergence.conjugateDerivative(values[j] + shift)),
  ]);
  const points = new Float32Array(particles.length + samples.length);
  points.set(particles);
  points.set(samples, particles.length);
  const gradients = tf.tidy(() => {
    const pass = criticForward(tf, weights, tf.tensor2d(points, [cotangents.length, d]));
    const { deltas } = criticBackward(tf, weights, pass, tf.tensor2d(cotangents, [cotangents.length, 1]));
    return criticParameterGradient(tf, weights, pass, deltas);
  });
  adamStep(tf, trainer.parameters, gradients, trainer.adam, { rate, beta2: 0.99 });
  tf.dispose([read, ...gradients, ...trainer.directions]);
  trainer.directions = weights.right.map((u) => tf.clone(u));
  tf.dispose(held); // with it go parameters that Adam has replaced
  if (shape.lipschitz < Infinity)
    for (let round = 0; round < ORTHONORMAL_ROUNDS; round++) orthonormalise(tf, shape, trainer.parameters);
}

/** c with Σⱼ bⱼ (f*)′(φⱼ + c) = 1, where φ + c is best; 0 for plain transport, which does not see it. */
function constantOf(divergence: Divergence, values: Float64Array, b: Float64Array): number {
  const top = values.reduce((most, y) => Math.max(most, y), -Infinity);
  if (!Number.isFinite(top)) return 0;
  const gaps = values.map((y) => top - y);
  return balance(divergence, b, gaps, b.length, 1, top) - top;
}

/** The critic as it drives a stage, in float64, with its constant; and D's lower bound on all particles and samples. */
interface Stage {
  readonly parameters: readonly Float32Array[];
  readonly critic: HostCritic;
  readonly shift: number;
  readonly energy: number;
  /** ∇φ at the particles. */
  readonly gradient: Float64Array;
  readonly dissipation: number;
  readonly mean: number;
  readonly largest: number;
}

function stageOf(trainer: Trainer, parameters: readonly Float32Array[], here: Cloud): Stage {
  const { shape, frame, divergence, target } = trainer;
  const critic = hostCritic(shape, parameters, frame);
  const { values: onTarget } = criticAt(critic, target.points);
  const { values, gradients: gradient } = criticAt(critic, here.points);
  const shift = constantOf(divergence, onTarget, weightsOf(target));
  let energy = 0;
  for (let i = 0; i < values.length; i++) energy += weightOf(here, i) * (values[i] + shift);
  for (let j = 0; j < onTarget.length; j++) energy -= weightOf(target, j) * divergence.conjugate(onTarget[j] + shift);
  return { parameters, critic, shift, energy, gradient, ...speedsOf(here, gradient) };
}

/** Why a stage is damaged; `null` where it is not. */
function damage(stage: Stage, most: number): string | null {
  const { energy, dissipation, largest } = stage;
  if (![energy, dissipation, largest].every(Number.isFinite))
    return "the critic is not finite; set a smaller learningRate";
  if (largest > most)
    return `a speed of ${largest.toPrecision(3)} exceeds ${most.toPrecision(3)}, ${DIAMETERS} diameters of the data per unit time, and nothing bounds the critic; set a finite lipschitz`;
  return null;
}

async function flow(
  problem: GradientFlow,
  context: SolveContext,
  settings: Settings,
  record: SolverRecord,
): Promise<NeuralGradientFlowSolution> {
  const began = context.elapsed();
  const tensors = await acquireTensors(context.device);
  const { tf } = tensors;
  const { steps, measureEvery } = settings;
  const { dimension: d, horizon: T } = problem;
  const { lipschitz, divergence, target: law } = criticTerms(problem.energy);
  const root = generator(context.seed).split(NAME);
  try {
    const mass = massOf(problem);
    const target = drawCloud(law, problem.domain, settings.targetCount, root.split("target"));
    const first = drawCloud(problem.initial, problem.domain, settings.count, root.split("particles"));
    const most = lipschitz === Infinity ? DIAMETERS * diagonalOf(first, target) : Infinity;
    const times = Float64Array.from({ length: steps + 1 }, (_, n) => (n === steps ? T : (n * T) / steps));
    const breathe = breathing(context.signal);
    const clouds: Cloud[] = [];
    const stages: Stage[] = [];
    const middles: Stage[] = [];
    const exactly = async (source: Cloud) =>
      lipschitz === Infinity
        ? null
        : (
            await semiRelaxedTransport(
              { source, target, cost: linearCost(lipschitz), divergence },
              { tolerance: 1e-8, signal: context.signal },
            )
          ).objective;
    // for data these are draws with replacement, which lie closer to the data than new ones would
    const between = await exactly(freshDraws(law, problem.domain, first.count, root.split("noise")));
    const noise = between?.dual == null ? null : mass * between.dual;
    // from here on tensors are held
    const trainer = makeTrainer(tf, problem, settings, root, first, target);
    const { shape, frame } = trainer;
    const exact = { iterations: [] as number[], values: [] as number[] };
    const distances = { iterations: [] as number[], values: [] as number[] };
    let failure: string | null = null;
    try {
      let here = first;
      for (let n = 0; n <= steps; n++) {
        const rounds = n === 0 ? settings.firstCriticSteps : settings.criticSteps;
        const stage = stageOf(trainer, await refine(trainer, here, rounds, breathe), here);
        failure = damage(stage, most);
        if (failure !== null) break;
        clouds.push(here);
        stages.push(stage);
        if (n % measureEvery === 0 || n === steps) {
          const objective = await exactly(here);
          if (objective !== null) {
            exact.iterations.push(n);
            exact.values.push(mass * (objective.dual as number));
          }
          if (areComparable(here, target)) {
            distances.iterations.push(n);
            distances.values.push(wasserstein2(here, target));
          }
        }
        context.progress({
          stage: `time (D ${stage.energy.toPrecision(4)})`,
          iteration: n,
          fraction: n / steps,
          residual: null,
        });
        if (n === steps) break;
        const dt = times[n + 1] - times[n];
        let slope = stage.gradient;
        if (settings.integrator === "heun") {
          const tried = cloud(moved(here.points, slope, dt), d, here.weights);
          const middle = stageOf(trainer, await refine(trainer, tried, settings.criticSteps, breathe), tried);
          failure = damage(middle, most);
          if (failure !== null) break;
          middles.push(middle);
          slope = slope.map((g, i) => 0.5 * (g + middle.gradient[i]));
        }
        here = cloud(moved(here.points, slope, dt), d, here.weights);
      }
    } finally {
      tf.dispose([...trainer.parameters, ...trainer.directions]);
      disposeAdam(tf, trainer.adam);
    }
    if (stages.length === 0) {
      clouds.push(first);
      stages.push(stageOf(trainer, trainer.untrained, first));
    }

    const reached = stages.length - 1;
    const made = times.slice(0, reached + 1);
    const energies = stages.map((s) => mass * s.energy);
    const dissipations = stages.map((s) => mass * s.dissipation);
    const speeds = stages.map((s) => s.largest);
    const deficit = deficitOf(exact, energies);
    const gradientAt = (stage: Stage, x: Float64Array) => criticAt(stage.critic, pointsIn(NAME, x, d)).gradients;
    const valueAt = (stage: Stage, x: Float64Array) =>
      criticAt(stage.critic, pointsIn(NAME, x, d)).values.map((v) => v + stage.shift);
    const course = cloudCourse(NAME, {
      times: made,
      clouds,
      draw: (n, seed) => freshDraws(problem.initial, problem.domain, n, generator(seed).split(NAME).split("paths")),
      seed: context.seed,
      advance(k, x) {
        const dt = made[k + 1] - made[k];
        const slope = gradientAt(stages[k], x);
        if (settings.integrator === "euler") return moved(x, slope, dt);
        const second = gradientAt(middles[k], moved(x, slope, dt));
        return moved(
          x,
          slope.map((g, i) => 0.5 * (g + second[i])),
          dt,
        );
      },
    });
    const last = stages[reached];
    return {
      family: "neural",
      problem,
      solver: record,
      status: judge(failure, made, deficit, noise, settings.tolerance, energies, lipschitz * times[1]),
      histories: [
        historyOf("energy", energies),
        historyOf("dissipation", dissipations),
        historyOf("speed", speeds),
        historyOf(
          "mean speed",
          stages.map((s) => s.mean),
        ),
        ...(exact.values.length > 0 ? [{ name: "exact energy", ...exact }] : []),
        ...(distances.values.length > 0 ? [{ name: "W₂", ...distances }] : []),
      ],
      // What the critic misses of D is told by the status and by `exact energy`: no duality gap of its own.
      objective: { primal: null, dual: energies[reached], gap: null },
      counts: {
        steps: reached,
        criticSteps: trainer.ascents,
        parameters: last.parameters.reduce((sum, p) => sum + p.length, 0),
      },
      seconds: context.elapsed() - began,
      seed: context.seed,
      device: tensors.use,
      version: context.version,
      times: made,
      clouds,
      target,
      critics: stages.map((s) => s.parameters),
      frame,
      deficit: deficit?.absolute ?? null,
      samplingNoise: noise,
      energies,
      dissipations,
      speeds,
      density: course.density,
      value: (t, x) => valueAt(stages[course.stepAt(t).n], x),
      velocity: (t, x) => gradientAt(stages[course.stepAt(t).n], x).map((g) => -g),
      trajectories: course.trajectories,
      critic: {
        value: (x) => valueAt(last, x),
        gradient: (x) => gradientAt(last, x),
        certifiedLipschitz: last.critic.certifiedLipschitz,
      },
      arrays() {
        const named: Record<string, NdArray<Float64Array>> = {
          times: ndarray(made.slice(), [reached + 1]),
          energy: ndarray(Float64Array.from(energies), [reached + 1]),
          dissipation: ndarray(Float64Array.from(dissipations), [reached + 1]),
          particles: stacked(
            clouds.map((c) => c.points),
            [first.count, d],
          ),
          target: ndarray(target.points.slice(), [target.count, d]),
          constant: ndarray(
            Float64Array.from(stages, (s) => s.shift),
            [reached + 1],
          ),
          center: ndarray(frame.center.slice(), [d]),
          scale: ndarray(Float64Array.of(frame.scale), [1]),
        };
        criticParameterShapes(shape).forEach((size, i) => {
          named[`parameter_${i}`] = stacked(
            stages.map((s) => s.parameters[i]),
            size,
          );
        });
        return named;
      },
    };
  } finally {
    tensors.release();
  }
}

/** Y − Δt ∇φ. */
function moved(points: Float64Array, gradient: Float64Array, dt: number): Float64Array {
  return points.map((x, i) => x - dt * gradient[i]);
}

interface Deficit {
  readonly absolute: number;
  /** The largest exact D. */
  readonly scale: number;
  /** Step at which the deficit was largest. */
  readonly step: number;
  /** How often it was measured. */
  readonly count: number;
}

/** The largest of exact D − D over the measured steps. */
function deficitOf(
  exact: { readonly iterations: readonly number[]; readonly values: readonly number[] },
  energies: readonly number[],
): Deficit | null {
  const { iterations, values } = exact;
  if (values.length === 0) return null;
  const missing = values.map((D, k) => D - energies[iterations[k]]);
  const absolute = Math.max(...missing);
  return {
    absolute,
    scale: Math.max(...values),
    step: iterations[missing.indexOf(absolute)],
    count: values.length,
  };
}

function judge(
  failure: string | null,
  times: Float64Array,
  deficit: Deficit | null,
  noise: number | null,
  tolerance: number,
  energies: readonly number[],
  reach: number,
): Status {
  const reached = times.length - 1;
  const at = (n: number) => `t = ${short(times[n])}`;
  if (failure !== null)
    return { converged: false, text: `stopped before damage after step ${reached}, ${at(reached)}: ${failure}` };
  if (deficit === null || noise === null)
    return {
      converged: false,
      text: `not certified: ${reached} steps, but L is ∞ and D between clouds is infinite; set a finite lipschitz`,
    };
  const { absolute, scale, step, count } = deficit;
  const facts = `its D stays at most ${absolute.toPrecision(2)} below the exact D between the same points (${at(step)}; ${((100 * absolute) / scale).toPrecision(2)} % of the largest D; measured ${count} times), where two samples of the target itself have D = ${noise.toPrecision(2)}`;
  const top = Math.max(...energies);
  if (top - energies[0] > tolerance * Math.max(0, energies[0]) + noise + absolute)
    return {
      converged: false,
      text: `the steps are too long: D rises from ${energies[0].toPrecision(2)} to ${top.toPrecision(2)} (${at(energies.indexOf(top))}), particles overshoot by up to L Δt = ${reach.toPrecision(2)}; use more steps`,
    };
  if (absolute > tolerance * scale + noise)
    return {
      converged: false,
      text: `the critic is too weak: ${facts}; use more criticSteps, more steps or a larger width`,
    };
  return { converged: true, text: `converged: ${reached} steps; ${facts}` };
}

/** Some points of a cloud, their weights scaled to sum 1. */
function rowsOf(c: Cloud, rows: Int32Array): Cloud {
  const d = c.dimension;
  const points = new Float64Array(rows.length * d);
  rows.forEach((i, k) => {
    points.set(c.points.subarray(i * d, (i + 1) * d), k * d);
  });
  if (c.weights === null) return cloud(points, d);
  const total = rows.reduce((sum, i) => sum + weightOf(c, i), 0);
  return cloud(
    points,
    d,
    Float64Array.from(rows, (i) => weightOf(c, i) / total),
  );
}
