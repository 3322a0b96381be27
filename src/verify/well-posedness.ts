// Is the problem well-posed, as far as solving it several times can tell? One problem solved from several seeds must give
// one map; a small change of the data must give a small change of the solution. A flow whose optimum is not unique (a
// CNF without kinetic energy, say) shows spread; an OT-flow or a W₁⊕W₂ flow must not.
// Reference: Zhang, Katsoulakis 2023, §well-posedness.

import { demand } from "../error.js";
import { cloud, wasserstein2 } from "../measure/index.js";
import type { Solution } from "../solution/index.js";
import { endpoints, eulerPaths, rootMeanSquare } from "./straightness.js";

const STEPS = 40;

/** How far several solutions of one problem are from each other. */
export interface Spread {
  /** Number of solutions. */
  readonly solutions: number;
  /** Mean over pairs of √E|x_T − x_T'|² from the same x₀, divided by the displacement: do the *maps* agree? */
  readonly maps: number;
  /** Mean over pairs of W₂(law of x_T, law of x_T'), divided by the displacement: do the *laws* agree? */
  readonly laws: number;
  /** √E|x_T − x₀|², the mean over solutions. */
  readonly displacement: number;
}

/**
 * Spread of the maps x₀ ↦ x_T of several solutions of one problem, all started from the same points.
 *
 * @param solutions two or more solutions of the same problem, typically from different seeds
 * @param count number of starting points; default 256
 * @throws UsageError with fewer than two solutions or different dimensions
 *
 * *References*: zhang2023laboratory
 */
export function spread(solutions: readonly Solution[], count = 256): Spread {
  demand(solutions.length >= 2, "spread", "solutions", "be two or more", solutions.length, "Solve from several seeds");
  const { dimension: d, horizon: T } = solutions[0].problem;
  demand(
    solutions.every((s) => s.problem.dimension === d && s.problem.horizon === T),
    "spread",
    "solutions",
    "be of one problem",
    solutions.map((s) => s.problem.name),
    "Compare solutions of the same problem",
  );
  const first = solutions[0].trajectories({ count, steps: 1, seed: 0 });
  const start = first.positions.slice(0, first.count * d);
  const ends = solutions.map((s) => endpoints(eulerPaths((t, x) => s.velocity(t, x), start, d, T, STEPS)));
  let maps = 0;
  let laws = 0;
  let pairs = 0;
  for (let i = 0; i < ends.length; i++) {
    for (let j = i + 1; j < ends.length; j++) {
      maps += rootMeanSquare(ends[i], ends[j], d);
      laws += wasserstein2(cloud(ends[i], d), cloud(ends[j], d));
      pairs++;
    }
  }
  const displacement = ends.reduce((sum, e) => sum + rootMeanSquare(start, e, d), 0) / ends.length;
  return {
    solutions: ends.length,
    maps: maps / pairs / displacement,
    laws: laws / pairs / displacement,
    displacement,
  };
}
