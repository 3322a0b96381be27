// What a neural solution may be asked: a time in [0, T], whole rows of points, paths that start in the problem's space.
import type { ProximalFlow } from "../../problems/proximal-flow.js";
import { demand } from "../../src/error.js";
import type { Cloud } from "../../src/measure/index.js";
import { generator } from "../../src/random/index.js";
import type { TrajectoryOptions } from "../../src/solution/index.js";

/** t itself, when it is a time of the problem. */
export function timeIn(where: string, t: number, horizon: number): number {
  demand(t >= 0 && t <= horizon, where, "t", `be in [0, ${horizon}]`, t, "Give a time of the problem");
  return t;
}

/** x itself, when it holds whole points. */
export function pointsIn(where: string, x: Float64Array, d: number): Float64Array {
  demand(
    x.length % d === 0,
    where,
    "points",
    `have a length divisible by ${d}`,
    x.length,
    "Give the coordinates row by row",
  );
  return x;
}

/** Starting points (given, or drawn from the source) and number of steps of `trajectories()`. */
export function startOf(
  where: string,
  problem: ProximalFlow,
  options: TrajectoryOptions,
  ownSeed: number,
): { readonly start: Cloud; readonly steps: number } {
  const { count = 256, steps = 20, seed = ownSeed, start } = options;
  const demandCount = (name: string, value: number, usual: number) =>
    demand(
      Number.isInteger(value) && value >= 1,
      where,
      `trajectories.${name}`,
      "be an integer ≥ 1",
      value,
      `Use ${name}: ${usual} to start`,
    );
  demandCount("steps", steps, 20);
  if (start === undefined) {
    demandCount("count", count, 256);
    return { start: problem.source.sample(count, generator(seed).split("trajectories")), steps };
  }
  demand(
    start.dimension === problem.dimension,
    where,
    "trajectories.start",
    `have the problem's dimension ${problem.dimension}`,
    start.dimension,
    "Give points of the same space",
  );
  return { start, steps };
}
