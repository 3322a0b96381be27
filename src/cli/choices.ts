// Names on the command line → problems and solvers. With index.ts the only place in src that knows them.
import { existsSync } from "node:fs";
import {
  catalogue,
  diffusions,
  economies,
  games,
  gradientFlows,
  type MeanFieldGame,
  readProblem,
} from "../../problems/index.js";
import {
  type ColeHopfOptions,
  coleHopf,
  type ErgodicOptions,
  ergodic,
  exploitabilityLaw,
  type FictitiousPlayOptions,
  type FokkerPlanckSolverOptions,
  fictitiousPlay,
  fokkerPlanck,
  type GridProximalFlowOptions,
  type GroundStateOptions,
  gridProximalFlow,
  groundState,
  type JkoOptions,
  jko,
  type LipschitzFlowOptions,
  lipschitzFlow,
  type NeuralGameOptions,
  type NeuralGradientFlowOptions,
  type NeuralProximalFlowDualOptions,
  type NeuralProximalFlowOptions,
  type NewtonOptions,
  neuralGame,
  neuralGradientFlow,
  neuralProximalFlow,
  neuralProximalFlowDual,
  newton,
  type ParticleFixedPointOptions,
  type ParticleGradientFlowOptions,
  type ParticleProximalFlowOptions,
  type PicardOptions,
  type PolicyIterationOptions,
  type PorousMediumOptions,
  particleFixedPoint,
  particleGradientFlow,
  particleProximalFlow,
  picard,
  policyIteration,
  porousMedium,
  type SavingsEquilibriumOptions,
  type SchroedingerBridgeOptions,
  savingsEquilibrium,
  schroedingerBridge,
  uniquenessOfGame,
} from "../../solvers/index.js";
import { nearest, UsageError } from "../error.js";
import type { Problem } from "../problem.js";
import type { UniquenessRecord } from "../report/index.js";
import type { Solution } from "../solution/index.js";
import type { Solver } from "../solver.js";
import { densityLaws, descentLaws, flowLaws, gameLaws, type Law } from "../verify/index.js";

type Settings = Record<string, unknown>;
type Make = (settings: Settings) => Solver;

/** One solver of the command line. */
export interface Choice {
  readonly title: string;
  /** Kind of problem it is for. */
  readonly kind: "proximal-flow" | "mean-field-game" | "fokker-planck" | "gradient-flow" | "savings-game";
  /** Part of a comparison that names no solvers, where it handles the problem. */
  readonly compared: boolean;
  readonly make: Make;
  /** What --set may name. */
  readonly settings: readonly string[];
}

/** The names of an options type, all of them: the compiler refuses a list with one missing or one too many. */
const namesOf = <Options>(names: Readonly<Record<keyof Options, true>>): readonly string[] => Object.keys(names);

const gridSettings = {
  points: true,
  steps: true,
  scheme: true,
  time: true,
  tolerance: true,
  maxIterations: true,
} as const;

const porousMediumSettings = namesOf<PorousMediumOptions>({
  points: true,
  steps: true,
  adaptive: true,
  scheme: true,
  tolerance: true,
});

/** Solver name → factory. The order is that of the report; the first that handles a problem is its default. */
export const solvers: Readonly<Record<string, Choice>> = {
  grid: {
    title: "concave dual on a grid, Hopf–Lax and Lipschitz envelopes (1-D, 2-D)",
    kind: "proximal-flow",
    compared: true,
    make: gridProximalFlow as unknown as Make,
    settings: namesOf<GridProximalFlowOptions>({
      points: true,
      box: true,
      bandwidth: true,
      samples: true,
      tolerance: true,
      maxIterations: true,
      smoothing: true,
    }),
  },
  particle: {
    title: "exact semi-relaxed transport between samples (any dimension)",
    kind: "proximal-flow",
    compared: true,
    make: particleProximalFlow as unknown as Make,
    settings: namesOf<ParticleProximalFlowOptions>({ count: true, targetCount: true, tolerance: true }),
  },
  neural: {
    title: "potential network and certified critic, adversarial (any dimension)",
    kind: "proximal-flow",
    compared: true,
    make: neuralProximalFlow as unknown as Make,
    settings: namesOf<NeuralProximalFlowOptions>({
      width: true,
      depth: true,
      criticWidth: true,
      criticDepth: true,
      criticActivation: true,
      batch: true,
      targetBatch: true,
      steps: true,
      criticSteps: true,
      proximalSteps: true,
      timeSteps: true,
      learningRate: true,
      criticLearningRate: true,
      straightnessWeight: true,
      hamiltonJacobiWeight: true,
      terminalWeight: true,
      evaluation: true,
    }),
  },
  "neural-dual": {
    title: "certified critic alone, paths by its proximal map (any dimension)",
    kind: "proximal-flow",
    compared: true,
    make: neuralProximalFlowDual as unknown as Make,
    settings: namesOf<NeuralProximalFlowDualOptions>({
      width: true,
      depth: true,
      activation: true,
      batch: true,
      targetBatch: true,
      steps: true,
      learningRate: true,
      innerSteps: true,
      pool: true,
      averaging: true,
      evaluation: true,
    }),
  },
  "schroedinger-bridge": {
    title: "bridge between two laws by Sinkhorn's method (planning games without a crowd cost)",
    kind: "mean-field-game",
    compared: true,
    make: schroedingerBridge as unknown as Make,
    settings: namesOf<SchroedingerBridgeOptions>({
      points: true,
      steps: true,
      tolerance: true,
      maxIterations: true,
      window: true,
      kernel: true,
    }),
  },
  newton: {
    title: "Newton–Krylov on cells (games in 1-D to 3-D, planning, doors, obstacles)",
    kind: "mean-field-game",
    compared: true,
    make: newton as unknown as Make,
    settings: namesOf<NewtonOptions>({
      ...gridSettings,
      start: true,
      continuation: true,
      restart: true,
      preconditioner: true,
    }),
  },
  ergodic: {
    title: "Newton on (u, m, λ̄) (ergodic games in 1-D to 3-D)",
    kind: "mean-field-game",
    compared: true,
    make: ergodic as unknown as Make,
    settings: namesOf<ErgodicOptions>({
      points: true,
      scheme: true,
      tolerance: true,
      maxIterations: true,
      start: true,
    }),
  },
  "ground-state": {
    title: "spectral ground state of a quadratic ergodic game (1-D to 3-D)",
    kind: "mean-field-game",
    compared: true,
    make: groundState as unknown as Make,
    settings: namesOf<GroundStateOptions>({ points: true, tolerance: true, maxIterations: true }),
  },
  "policy-iteration": {
    title: "policy iteration on cells (games in 1-D to 3-D)",
    kind: "mean-field-game",
    compared: false,
    make: policyIteration as unknown as Make,
    settings: namesOf<PolicyIterationOptions>({ ...gridSettings, start: true, exploitability: true, damping: true }),
  },
  picard: {
    title: "damped or Anderson-accelerated fixed point on cells (games in 1-D to 3-D)",
    kind: "mean-field-game",
    compared: false,
    make: picard as unknown as Make,
    settings: namesOf<PicardOptions>({
      ...gridSettings,
      start: true,
      exploitability: true,
      damping: true,
      anderson: true,
    }),
  },
  "fictitious-play": {
    title: "fictitious play on cells (games in 1-D to 3-D)",
    kind: "mean-field-game",
    compared: false,
    make: fictitiousPlay as unknown as Make,
    settings: namesOf<FictitiousPlayOptions>({ ...gridSettings, start: true, rate: true }),
  },
  "particle-game": {
    title: "interacting particles and regression (games of any dimension)",
    kind: "mean-field-game",
    compared: true,
    make: particleFixedPoint as unknown as Make,
    settings: namesOf<ParticleFixedPointOptions>({
      particles: true,
      steps: true,
      iterations: true,
      tolerance: true,
      damping: true,
      memory: true,
      degree: true,
      walls: true,
      density: true,
      bandwidth: true,
    }),
  },
  "neural-game": {
    title: "potential network on agents' paths (games of any dimension)",
    kind: "mean-field-game",
    compared: true,
    make: neuralGame as unknown as Make,
    settings: namesOf<NeuralGameOptions>({
      width: true,
      depth: true,
      iterations: true,
      batch: true,
      agents: true,
      timeSteps: true,
      refresh: true,
      memory: true,
      learningRate: true,
      conditionWeight: true,
      degree: true,
      timeDegrees: true,
      walls: true,
      tolerance: true,
    }),
  },
  "cole-hopf": {
    title: "heat equations of a quadratic game in logarithms (1-D to 3-D)",
    kind: "mean-field-game",
    compared: true,
    make: coleHopf as unknown as Make,
    settings: namesOf<ColeHopfOptions>({
      points: true,
      steps: true,
      order: true,
      tolerance: true,
      maxIterations: true,
      damping: true,
      window: true,
      kernel: true,
    }),
  },
  "fokker-planck": {
    title: "finite volumes for drift and diffusion, and for the flow of an entropy (1-D to 3-D)",
    kind: "fokker-planck",
    compared: true,
    make: fokkerPlanck as unknown as Make,
    settings: namesOf<FokkerPlanckSolverOptions>({
      points: true,
      steps: true,
      flux: true,
      time: true,
      tolerance: true,
    }),
  },
  "lipschitz-flow": {
    title: "exact Lipschitz critic on cells and conservative steps (1-D to 3-D)",
    kind: "gradient-flow",
    compared: true,
    make: lipschitzFlow as unknown as Make,
    settings: namesOf<LipschitzFlowOptions>({
      points: true,
      steps: true,
      cfl: true,
      transport: true,
      tolerance: true,
      maxIterations: true,
      targetSamples: true,
    }),
  },
  "porous-medium": {
    title: "upwind finite volumes with an energy identity (1-D to 3-D)",
    kind: "gradient-flow",
    compared: true,
    make: porousMedium as unknown as Make,
    settings: porousMediumSettings,
  },
  "porous-medium-2": {
    title: "the same in second order: limited faces, SDIRK2 (1-D to 3-D)",
    kind: "gradient-flow",
    compared: true,
    make: ((settings: PorousMediumOptions) => porousMedium({ scheme: "second-order", ...settings })) as unknown as Make,
    settings: porousMediumSettings,
  },
  jko: {
    title: "minimising movements (1-D to 3-D)",
    kind: "gradient-flow",
    compared: true,
    make: jko as unknown as Make,
    settings: namesOf<JkoOptions>({
      points: true,
      step: true,
      method: true,
      variant: true,
      tolerance: true,
      maxIterations: true,
      rounds: true,
      samples: true,
    }),
  },
  "particle-flow": {
    title: "particles driven by the exact empirical critic (any dimension)",
    kind: "gradient-flow",
    compared: true,
    make: particleGradientFlow as unknown as Make,
    settings: namesOf<ParticleGradientFlowOptions>({
      count: true,
      targetCount: true,
      steps: true,
      tolerance: true,
      measureEvery: true,
    }),
  },
  "neural-flow": {
    title: "particles driven by a certified network critic (any dimension)",
    kind: "gradient-flow",
    compared: true,
    make: neuralGradientFlow as unknown as Make,
    settings: namesOf<NeuralGradientFlowOptions>({
      count: true,
      targetCount: true,
      steps: true,
      integrator: true,
      width: true,
      depth: true,
      activation: true,
      criticSteps: true,
      firstCriticSteps: true,
      learningRate: true,
      batch: true,
      measureEvery: true,
      tolerance: true,
    }),
  },
  savings: {
    title: "savings and interest rate in equilibrium (economies)",
    kind: "savings-game",
    compared: true,
    make: savingsEquilibrium as unknown as Make,
    settings: namesOf<SavingsEquilibriumOptions>({ points: true, tolerance: true, maxIterations: true }),
  },
};

/** Every problem of the catalogue by name. */
export const problems: Readonly<Record<string, { readonly title: string; make(): Problem }>> = {
  ...catalogue,
  ...games,
  ...diffusions,
  ...gradientFlows,
  ...economies,
};

/** A catalogue name, or the path of a JSON problem file. */
export async function chooseProblem(name: string): Promise<Problem> {
  if (Object.hasOwn(problems, name)) return problems[name].make();
  if (name.endsWith(".json")) {
    if (!existsSync(name))
      throw new UsageError(`meanfield: problem file must exist; got ${JSON.stringify(name)}. Check the path.`);
    return readProblem(name);
  }
  const names = Object.keys(problems);
  throw new UsageError(
    `meanfield: problem must be a catalogue name or a .json file; got ${JSON.stringify(name)}. Did you mean ${nearest(name, names)}? See meanfield list.`,
  );
}

/** A solver by name with its settings. */
export function chooseSolver(name: string, settings: Settings = {}): Solver {
  if (!Object.hasOwn(solvers, name)) {
    const names = Object.keys(solvers);
    throw new UsageError(
      `meanfield: solver must be one of ${names.join(", ")}; got ${JSON.stringify(name)}. Did you mean ${nearest(name, names)}?`,
    );
  }
  const { make, settings: known } = solvers[name];
  for (const key of Object.keys(settings))
    if (!known.includes(key))
      throw new UsageError(
        `meanfield: --set must name one of ${known.join(", ")}; got ${JSON.stringify(key)}. Did you mean ${nearest(key, known)}?`,
      );
  return make(settings);
}

/** The solver of a problem when none is named: particles for flows, the first that handles it for games. */
export function defaultSolver(problem: Problem): string {
  if (problem.kind === "proximal-flow") return "particle";
  const first = Object.keys(solvers).find((name) => solvers[name].make({}).handles(problem) === true);
  if (first === undefined) {
    const refusals = Object.keys(solvers)
      .filter((name) => solvers[name].kind === problem.kind)
      .map((name) => `${name}: ${solvers[name].make({}).handles(problem)}`);
    throw new UsageError(
      `meanfield: problem must have a solver; got ${JSON.stringify(problem.name)}, which none handles (${refusals.join("; ")}). Change the problem, or name a solver with --solver and fit it with --set.`,
    );
  }
  return first;
}

/**
 * The solvers of a comparison when none are named: independent methods; a game that only one of them handles gets a fixed point on the
 * same cells beside it.
 */
export function defaultSolvers(list: readonly Problem[]): readonly string[] {
  const chosen = new Set<string>();
  for (const problem of list) {
    const candidates = Object.keys(solvers).filter((name) => solvers[name].compared);
    const ofKind = candidates.filter((name) => solvers[name].kind === problem.kind);
    const able = candidates.filter((name) => solvers[name].make({}).handles(problem) === true);
    // A flow goes to all of its solvers, and so does what none of them handles: those that refuse it say why in the report.
    const own = problem.kind === "proximal-flow" || able.length === 0 ? ofKind : able;
    // A bridge is solved to the end by its own method; Newton's is drawn into the thin tails of the prescribed laws.
    const bridge = own.includes("schroedinger-bridge");
    for (const name of own) if (!(bridge && name === "newton")) chosen.add(name);
    if (own.length === 1 && solvers.picard.make({}).handles(problem) === true) chosen.add("picard");
  }
  return Object.keys(solvers).filter((name) => chosen.has(name));
}

/** The laws of games, with exploitability on common cells. */
export function gameMeasures(): readonly Law<Solution>[] {
  return [...gameLaws(), exploitabilityLaw()] as unknown as readonly Law<Solution>[];
}

/** The laws of a problem's kind. */
export function lawsOf(problem: Problem): readonly Law<Solution>[] {
  if (problem.kind === "mean-field-game") return gameMeasures();
  if (problem.kind === "fokker-planck") return densityLaws() as unknown as readonly Law<Solution>[];
  if (problem.kind === "gradient-flow") return descentLaws() as unknown as readonly Law<Solution>[];
  return problem.kind === "proximal-flow" ? (flowLaws() as unknown as readonly Law<Solution>[]) : [];
}

/** Solves a game from several starts on a coarse grid. */
export async function uniquenessOf(problem: Problem, signal: AbortSignal | null): Promise<UniquenessRecord | null> {
  if (problem.kind !== "mean-field-game") return null;
  const found = await uniquenessOfGame(problem as MeanFieldGame, { signal });
  if (typeof found === "string") return { unique: null, density: null, value: null, text: `not asked: ${found}` };
  const { unique, density, value, text } = found;
  return { unique, density, value, text };
}

/** `["points=128", "box=[-4,4]"]` → `{ points: 128, box: [-4, 4] }`; a value that is not JSON is text. */
export function readSettings(pairs: readonly string[]): Settings {
  const settings: Settings = {};
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    if (at < 1)
      throw new UsageError(
        `meanfield: --set must be name=value; got ${JSON.stringify(pair)}. Use for example --set points=128.`,
      );
    const text = pair.slice(at + 1);
    try {
      settings[pair.slice(0, at)] = JSON.parse(text);
    } catch {
      settings[pair.slice(0, at)] = text;
    }
  }
  return settings;
}
