// Names on the command line → problems and solvers. With index.ts the only place in src that knows them.
import { existsSync } from "node:fs";
import { catalogue, type ProximalFlow, readProblemFile } from "../../problems/index.js";
import {
  type GridProximalFlowOptions,
  gridProximalFlow,
  type NeuralProximalFlowDualOptions,
  type NeuralProximalFlowOptions,
  neuralProximalFlow,
  neuralProximalFlowDual,
  type ParticleProximalFlowOptions,
  particleProximalFlow,
} from "../../solvers/index.js";
import { nearest, UsageError } from "../error.js";
import type { Solver } from "../solver.js";

type Settings = Record<string, unknown>;
type Make = (settings: Settings) => Solver<ProximalFlow>;

/** The names of an options type, all of them: the compiler refuses a list with one missing or one too many. */
const namesOf = <Options>(names: Readonly<Record<keyof Options, true>>): readonly string[] => Object.keys(names);

/** Solver name → factory, one line, and what --set may name. The order is that of the report. */
export const solvers: Readonly<
  Record<string, { readonly title: string; readonly make: Make; readonly settings: readonly string[] }>
> = {
  grid: {
    title: "concave dual on a grid, Hopf–Lax and Lipschitz envelopes (1-D, 2-D)",
    make: gridProximalFlow as Make,
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
    make: particleProximalFlow as Make,
    settings: namesOf<ParticleProximalFlowOptions>({ count: true, targetCount: true, tolerance: true }),
  },
  neural: {
    title: "potential network and certified critic, adversarial (any dimension)",
    make: neuralProximalFlow as Make,
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
    make: neuralProximalFlowDual as Make,
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
};

/** A catalogue name, or the path of a JSON problem file. */
export async function chooseProblem(name: string): Promise<ProximalFlow> {
  if (Object.hasOwn(catalogue, name)) return catalogue[name].make();
  if (name.endsWith(".json")) {
    if (!existsSync(name))
      throw new UsageError(`meanfield: problem file must exist; got ${JSON.stringify(name)}. Check the path.`);
    return readProblemFile(name);
  }
  const names = Object.keys(catalogue);
  throw new UsageError(
    `meanfield: problem must be a catalogue name or a .json file; got ${JSON.stringify(name)}. Did you mean ${nearest(name, names)}? See meanfield list.`,
  );
}

/** A solver by name with its settings. */
export function chooseSolver(name: string, settings: Settings = {}): Solver<ProximalFlow> {
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
