// Names on the command line → problems and solvers. With index.ts the only place in src that knows them.
import { existsSync } from "node:fs";
import { catalogue, type ProximalFlow, readProblemFile } from "../../problems/index.js";
import {
  gridProximalFlow,
  neuralProximalFlow,
  neuralProximalFlowDual,
  particleProximalFlow,
} from "../../solvers/index.js";
import { nearest, UsageError } from "../error.js";
import type { Solver } from "../solver.js";

type Settings = Record<string, unknown>;
type Make = (settings: Settings) => Solver<ProximalFlow>;

/** Solver name → factory and one line. The order is that of the report. */
export const solvers: Readonly<Record<string, { readonly title: string; readonly make: Make }>> = {
  grid: {
    title: "concave dual on a grid, Hopf–Lax and Lipschitz envelopes (1-D, 2-D)",
    make: gridProximalFlow as Make,
  },
  particle: {
    title: "exact semi-relaxed transport between samples (any dimension)",
    make: particleProximalFlow as Make,
  },
  neural: {
    title: "potential network and certified critic, adversarial (any dimension)",
    make: neuralProximalFlow as Make,
  },
  "neural-dual": {
    title: "certified critic alone, paths by its proximal map (any dimension)",
    make: neuralProximalFlowDual as Make,
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
  return solvers[name].make(settings);
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
