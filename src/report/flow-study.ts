// What a comparison measures of flows, problems that carry one law into another:
//   distances  W₂ between the laws of x_T of every pair of solutions, common starting points
//   held-out   W₂ between n end points and the n held-out points, mean ± s.e. over repeats; beside it the sampling floor:
//              the same W₂ for n fresh points of the target itself
//   exact      errors against the closed form, where the problem has one
import { type Cloud, cloud, type Distribution, wasserstein2 } from "../measure/index.js";
import type { Problem } from "../problem.js";
import { type Generator, generator } from "../random/index.js";
import type { Solution } from "../solution/index.js";
import { rootMeanSquare, spread } from "../verify/index.js";
import {
  type Estimate,
  estimate,
  type Floor,
  nothing,
  pairs,
  type Run,
  type RunMeasures,
  type StudyMeasures,
} from "./record.js";

/** A problem that carries one law into another, as far as a comparison needs to know it. */
export interface TransportLikeProblem extends Problem {
  readonly source: Distribution;
  readonly target: Distribution;
  readonly heldOut: Cloud | null;
  readonly exact: {
    readonly value: number;
    potential(t: number, x: Float64Array): Float64Array;
    map(t: number, x0: Float64Array): Float64Array;
  } | null;
}

/** Whether a problem is one. */
export function isFlow(problem: Problem): problem is TransportLikeProblem {
  return "source" in problem && "target" in problem && "heldOut" in problem;
}

/** Repeats of the held-out distance. */
const REPEATS = 8;

/** Measures the solved runs of a flow: of the study, and of each run in their order. */
export function measureFlow<P extends TransportLikeProblem>(
  problem: P,
  runs: readonly Run<P>[],
  { seed, count }: { readonly seed: number; readonly count: number },
): { readonly study: StudyMeasures; readonly runs: readonly RunMeasures[] } {
  const draws = generator(seed).split("compare");
  const start = problem.source.sample(count, draws.split("start"));
  const solved = runs.filter((run) => run.solution !== null);
  const ends = solved.map((run) => terminal(run.solution!, start));
  const distances = pairs(ends.length, (a, b) => wasserstein2(ends[a], ends[b]), 0);
  const { heldOut } = problem;
  const floor = heldOut === null ? null : floorOfHeldOut(heldOut, problem.target, draws);
  return {
    study: {
      kind: "flow",
      pairwise: { names: solved.map((run) => run.solver.name), distances, floors: null, further: [] },
      samplingFloor: floor,
      heldOutFloor: floor,
    },
    runs: runs.map(({ solution, repeats }) => {
      if (solution === null) return nothing;
      const draw = (n: number, gen: Generator) => terminal(solution, problem.source.sample(n, gen));
      return {
        toHeldOut: heldOut === null ? null : againstHeldOut(heldOut, draw, draws.split("held-out")),
        exact: exactErrors(problem, solution, start),
        spread: repeats.length === 0 ? null : spread([solution, ...repeats], count),
        numbers: {},
        series: [],
      };
    }),
  };
}

/** Law of x_T from given starting points. */
function terminal(solution: Solution, start: Cloud): Cloud {
  const paths = solution.trajectories({ start, steps: 40 });
  const size = paths.count * paths.dimension;
  return cloud(paths.positions.slice((paths.times.length - 1) * size), paths.dimension, paths.weights);
}

/** W₂ between the held-out points and as many fresh points, made by `draw`. */
export function againstHeldOut(heldOut: Cloud, draw: (n: number, gen: Generator) => Cloud, gen: Generator): Estimate {
  return estimate(Array.from({ length: REPEATS }, (_, k) => wasserstein2(draw(heldOut.count, gen.split(k)), heldOut)));
}

/** The same for the target itself; `null` where it has fewer samples than were held out. */
export function floorOfHeldOut(heldOut: Cloud, target: Distribution, draws: Generator): Floor | null {
  // No second sample of that size can be drawn without replacement.
  if (target.data !== null && target.data.count < heldOut.count) return null;
  const draw = (n: number, gen: Generator) => {
    if (target.data === null) return target.sample(n, gen);
    const { points, dimension: d, count } = target.data;
    const chosen = gen.permutation(count).subarray(0, n); // without replacement, as a second sample of the law would be
    return cloud(
      Float64Array.from({ length: chosen.length * d }, (_, j) => points[chosen[Math.floor(j / d)] * d + (j % d)]),
      d,
    );
  };
  return { ...againstHeldOut(heldOut, draw, draws.split("floor")), count: heldOut.count, repeats: REPEATS };
}

/** |value − exact|, √E|U(0,·) − exact|² up to a constant, √E|x_T − exact|². */
function exactErrors<P extends TransportLikeProblem>(
  problem: P,
  solution: Solution<P>,
  start: Cloud,
): RunMeasures["exact"] {
  const { exact, dimension, horizon } = problem;
  if (exact === null) return null;
  const u = solution.value(0, start.points);
  const v = exact.potential(0, start.points);
  const difference = u.map((a, i) => a - v[i]);
  const shift = difference.reduce((a, b) => a + b, 0) / difference.length;
  const value = solution.objective.primal ?? solution.objective.dual;
  return {
    value: value === null ? null : Math.abs(value - exact.value),
    potential: Math.sqrt(difference.reduce((sum, e) => sum + (e - shift) ** 2, 0) / difference.length),
    map: rootMeanSquare(terminal(solution, start).points, exact.map(horizon, start.points), dimension),
  };
}
