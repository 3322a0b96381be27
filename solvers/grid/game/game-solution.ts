// The solution of a mean-field game that was found on a grid: slabs u_k(t_n, ·), m_k(t_n, ·) on cells, made into functions of (t, x).
//   density    m(t) = (1 − s) mⁿ + s mⁿ⁺¹ for t = (1 − s) t_n + s t_{n+1}: linear in time, mass and positivity kept
//   value      linear in time, multilinear in space (cell-interpolation.ts says what happens at walls, doors and obstacles)
//   velocity   v* = −∂ₚH(t, x, ∇u, m) with ∇u and m interpolated the same way, ∇u by second-order differences at the centres
//   paths      dX = v* dt + √(2ν) dW (equilibrium-paths.ts)
// The staggered scheme carries [t_n, t_{n+1}] by the feedback of u at t_n; v* here is linear in time between slabs, which differs by O(Δt).
// Order: that of the slabs, at most 2 in space. Reference: Achdou, Capuzzo-Dolcetta 2010 (key achdou2010mean).
import type { NdArray } from "ndarray";
import type { MeanFieldGame } from "../../../problems/mean-field-game.js";
import { hamiltonianJet } from "../../../problems/terms/index.js";
import { demand, usageError } from "../../../src/error.js";
import { stacked } from "../../../src/io/index.js";
import type { Density } from "../../../src/measure/index.js";
import type { Problem } from "../../../src/problem.js";
import type {
  GameFields,
  GameSolution,
  GameTrajectoryOptions,
  History,
  Objective,
  Solution,
  Status,
} from "../../../src/solution/index.js";
import type { SolveContext, Solver } from "../../../src/solver.js";
import { cellArrays } from "../cell-arrays.js";
import { cellInterpolation } from "../cell-interpolation.js";
import { type EquilibriumPaths, equilibriumPaths } from "../equilibrium-paths.js";

/** What a grid solver of games hands in. */
export interface GameSolutionParts {
  readonly problem: MeanFieldGame;
  /** The solver's record without its family, which is "grid". */
  readonly solver: Omit<Solution["solver"], "family">;
  readonly context: SolveContext;
  readonly fields: GameFields;
  readonly status: Status;
  /** Undamped residuals. */
  readonly histories: readonly History[];
  readonly counts: Readonly<Record<string, number>>;
  /** One number a population; default `null` = not measured. */
  readonly exploitability?: readonly number[] | null;
  /** Default: all `null`. */
  readonly objective?: Objective;
  /** `context.elapsed()` when the solve began; default 0. */
  readonly began?: number;
}

/** Solution of a game on a grid. `k` is the population, default 0. */
export interface GridGameSolution extends GameSolution<MeanFieldGame> {
  readonly family: "grid";
  readonly fields: GameFields;
  density(t: number, k?: number): Density;
  /** Paths of agents under the solved feedback, and how many have left through doors. */
  trajectories(options?: GameTrajectoryOptions): EquilibriumPaths;
}

/** What a solve reached, without what its solver knows. */
export type GameReached = Omit<GameSolutionParts, "problem" | "solver" | "context" | "began">;

/**
 * A solver of the discrete game from its record, what it handles and what it does.
 *
 * @param run the work on a problem that the solver handles
 */
export function gridGameSolver(
  record: GameSolutionParts["solver"],
  handles: (problem: Problem) => true | string,
  run: (problem: MeanFieldGame, context: SolveContext) => Promise<GameReached>,
): Solver<MeanFieldGame, GridGameSolution> {
  return Object.freeze({
    ...record,
    family: "grid" as const,
    handles,
    solve: async (problem: MeanFieldGame, context: SolveContext) => {
      const began = context.elapsed();
      const fit = handles(problem);
      if (fit !== true) throw usageError(record.name, "problem", "be one that this solver handles", problem.name, fit);
      return gameSolution({ problem, solver: record, context, began, ...(await run(problem, context)) });
    },
  });
}

/**
 * Makes the solution object of a game from its slabs.
 *
 * @param parts slabs with status, histories, counts and what was measured
 * @returns the solution; its functions take t ∈ [0, T], row-major points and the population k (default 0)
 * @throws UsageError (from its functions) when t or k is out of range or the points do not fit the dimension
 *
 * *Notes*: inside an obstacle `value` and `velocity` are NaN and `density` is 0. `arrays()` has times, axis0 …, open (1 in open cells, 0 in
 * solid ones) and value, density, velocity on all slabs with axes [t, x, y, …] (velocity: and a last one for its coordinates); with several
 * populations their names follow a dot: `density.population-1`.
 *
 * *References*: achdou2010mean
 */
export function gameSolution(parts: GameSolutionParts): GridGameSolution {
  const { problem, context, fields } = parts;
  const { cells, times } = fields;
  const d = cells.grid.dimension;
  const K = problem.populations.length;
  const T = times[times.length - 1];
  const between = cellInterpolation(cells);

  /** The slab before t and the share s of the way to the next. */
  const slabAt = (t: number): { n: number; s: number } => {
    demand(t >= 0 && t <= T, "solution", "t", `lie in [0, ${T}]`, t, "Ask for a time between start and horizon");
    const n = Math.min(Math.floor((t / T) * (times.length - 1)), times.length - 2);
    return { n, s: Math.min(Math.max((t - times[n]) / (times[n + 1] - times[n]), 0), 1) };
  };
  const population = (k: number): number => {
    demand(
      Number.isInteger(k) && k >= 0 && k < K,
      "solution",
      "k",
      `be a population 0 … ${K - 1}`,
      k,
      "Leave it out for the first",
    );
    return k;
  };
  /** (1 − s) aₙ + s aₙ₊₁, in the first. */
  const blend = (s: number, first: Float64Array, second: () => Float64Array): Float64Array => {
    if (s === 0) return first;
    const b = second();
    for (let i = 0; i < first.length; i++) first[i] += s * (b[i] - first[i]);
    return first;
  };

  const density = (t: number, k = 0): Density => {
    const { n, s } = slabAt(t);
    const slabs = fields.density[population(k)];
    return { kind: "density", grid: cells.grid, values: blend(s, slabs[n].slice(), () => slabs[n + 1]) };
  };
  const value = (t: number, x: Float64Array, k = 0): Float64Array => {
    const { n, s } = slabAt(t);
    const slabs = fields.value[population(k)];
    return blend(s, between.value(slabs[n], x), () => between.value(slabs[n + 1], x));
  };
  const velocity = (t: number, x: Float64Array, k = 0): Float64Array => {
    const { n, s } = slabAt(t);
    const u = fields.value[population(k)];
    const m = fields.density[k];
    const p = between.gradient(u[n], x);
    if (s > 0) {
      const next = between.gradient(u[n + 1], x);
      for (let a = 0; a < d; a++) blend(s, p[a], () => next[a]);
    }
    const count = p[0].length;
    // Inside an obstacle there is no slope to hand to a formula.
    const solid = p[0].map((v) => (Number.isNaN(v) ? 1 : 0));
    for (const column of p)
      column.forEach((v, i) => {
        if (Number.isNaN(v)) column[i] = 0;
      });
    const crowd = blend(s, between.density(m[n], x), () => between.density(m[n + 1], x));
    const jet = hamiltonianJet(d, count);
    problem.populations[k].hamiltonian.evaluate(t, x, p, crowd, jet, 1);
    const out = new Float64Array(count * d);
    for (let i = 0; i < count; i++)
      for (let a = 0; a < d; a++) out[i * d + a] = solid[i] === 1 ? NaN : -jet.gradient[a][i];
    return out;
  };

  return {
    family: "grid",
    problem,
    solver: { ...parts.solver, family: "grid" },
    status: parts.status,
    histories: parts.histories.map(({ name, iterations, values }) => ({ name, iterations, values })),
    objective: parts.objective ?? { primal: null, dual: null, gap: null },
    counts: parts.counts,
    seconds: context.elapsed() - (parts.began ?? 0),
    seed: context.seed,
    device: { requested: context.device, used: "cpu", reason: "grid solvers of games run on the CPU", adapter: null },
    version: context.version,
    fields,
    exploitability: parts.exploitability ?? null,
    density,
    value,
    velocity,
    critic: null,
    trajectories: (options = {}) =>
      equilibriumPaths({
        problem,
        fields,
        velocity: (t, x) => velocity(t, x, population(options.population ?? 0)),
        ownSeed: context.seed,
        options,
      }),
    arrays: () => arraysOf(problem, fields, velocity),
  };
}

function arraysOf(
  problem: MeanFieldGame,
  { cells, times, value, density }: GameFields,
  velocity: (t: number, x: Float64Array, k: number) => Float64Array,
): Record<string, NdArray<Float64Array>> {
  const { shape, dimension } = cells.grid;
  const named = cellArrays(cells, times);
  problem.populations.forEach((p, k) => {
    const suffix = problem.populations.length === 1 ? "" : `.${p.name}`;
    named[`value${suffix}`] = stacked(value[k], shape);
    named[`density${suffix}`] = stacked(density[k], shape);
    named[`velocity${suffix}`] = stacked(
      Array.from(times, (t) => velocity(t, cells.points, k)),
      [...shape, dimension],
    );
  });
  return named;
}
