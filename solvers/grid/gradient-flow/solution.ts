// The solution of a Wasserstein gradient flow on a grid: slabs ρⁿ and δE/δρⁿ at times t_n, made into functions of (t, x).
//   density    ρ(t) = (1 − s) ρⁿ + s ρⁿ⁺¹ for t = (1 − s) t_n + s t_{n+1}: linear in time, mass and positivity kept
//   value      ξ = δE/δρ, linear in time, multilinear in space
//   velocity   v = −∇ξ with second-order differences at the centres, 0 through walls
//   paths      Ẋ = v(t, X): the mass itself, no noise; where ξ is −∞ beside vacuum, with the v of the next time
//   energies   E(ρⁿ);  dissipations Iⁿ = ∫ρ|∇ξ|² (no ½), dE/dt = −I;  speeds max |v| at the faces where there is mass
// Order: that of the slabs, at most 2 in space and time. Reference: Ambrosio, Gigli, Savaré 2008 (key ambrosio2008gradient).
import ndarray from "ndarray";
import type { GradientFlow } from "../../../problems/index.js";
import { demand } from "../../../src/error.js";
import { type Cells, integrate } from "../../../src/grid/index.js";
import { stacked } from "../../../src/io/index.js";
import type { Density } from "../../../src/measure/index.js";
import {
  type Critic,
  type DescentSolution,
  type History,
  historyOf,
  type Objective,
  type Solution,
  type Status,
  type TrajectoryOptions,
} from "../../../src/solution/index.js";
import type { SolveContext } from "../../../src/solver.js";
import { cellArrays } from "../cell-arrays.js";
import { cellInterpolation } from "../cell-interpolation.js";
import { type EquilibriumPaths, equilibriumPaths } from "../equilibrium-paths.js";

/** What a grid solver of gradient flows hands in. */
export interface GradientFlowSolutionParts {
  readonly problem: GradientFlow;
  /** The solver's record without its family, which is "grid". */
  readonly solver: Omit<Solution["solver"], "family">;
  readonly context: SolveContext;
  readonly cells: Cells;
  /** t_0 = 0 < … < t_N, any steps; t_N < T when the solve stopped early. */
  readonly times: Float64Array;
  /** ρ at the centres at each time. */
  readonly slabs: readonly Float64Array[];
  /** δE/δρ at the centres at each time. */
  readonly potentials: readonly Float64Array[];
  /** E at each time. */
  readonly energies: readonly number[];
  /** I at each time; `null` where not measured. */
  readonly dissipations: readonly (number | null)[];
  /** Largest |v| at each time; `null` where not measured. */
  readonly speeds: readonly (number | null)[];
  readonly status: Status;
  /** Beside `energy`, `dissipation`, `speed`, `mass` and `largest density`, which are added here. */
  readonly histories?: readonly History[];
  readonly counts: Readonly<Record<string, number>>;
  /** Default: all `null`. */
  readonly objective?: Objective;
  /** Default `null`. */
  readonly critic?: Critic | null;
  /** `context.elapsed()` when the solve began; default 0. */
  readonly began?: number;
}

/** Solution of a gradient flow on a grid. */
export interface GradientFlowSolution extends DescentSolution<GradientFlow> {
  readonly family: "grid";
  readonly cells: Cells;
  readonly slabs: readonly Float64Array[];
  readonly potentials: readonly Float64Array[];
  density(t: number): Density;
  /** δE/δρ at points. */
  value(t: number, x: Float64Array): Float64Array;
  /** −∇ δE/δρ at points. */
  velocity(t: number, x: Float64Array): Float64Array;
  /** Paths of the mass, Ẋ = v(t, X). */
  trajectories(options?: TrajectoryOptions): EquilibriumPaths;
}

/**
 * Makes the solution object of a gradient flow from its slabs.
 *
 * @param parts slabs, potentials, energies, with status, histories and counts
 * @returns the solution; its functions take t between the first and the last time, and row-major points
 * @throws UsageError (from its functions) when t is out of range or the points do not fit the dimension
 *
 * *Notes*: the histories hold only the times at which a number was measured. Inside an obstacle `value` and `velocity` are NaN and `density`
 * is 0; where an entropy meets ρ = 0 the potential is −∞ and the velocity NaN. `arrays()` has times, energy, axis0 …, open, density,
 * potential and velocity with axes [t, x, y, …] (velocity: and a last one for its coordinates).
 *
 * *References*: ambrosio2008gradient
 */
export function gradientFlowSolution(parts: GradientFlowSolutionParts): GradientFlowSolution {
  const { problem, context, cells, times, slabs, potentials, energies, dissipations, speeds } = parts;
  const d = cells.grid.dimension;
  const last = times.length - 1;
  const between = cellInterpolation(cells);

  /** The slab before t and the share s of the way to the next. */
  const slabAt = (t: number): { n: number; s: number } => {
    demand(
      t >= 0 && t <= times[last],
      "solution",
      "t",
      `lie in [0, ${times[last]}]`,
      t,
      "Ask for a time between start and horizon",
    );
    let low = 0;
    let high = last;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (times[middle] <= t) low = middle;
      else high = middle;
    }
    if (high === low) return { n: low, s: 0 };
    return { n: low, s: (t - times[low]) / (times[high] - times[low]) };
  };
  /** (1 − s) aₙ + s aₙ₊₁, in the first. */
  const blend = (s: number, first: Float64Array, second: () => Float64Array): Float64Array => {
    if (s === 0) return first;
    const b = second();
    for (let i = 0; i < first.length; i++) first[i] = (1 - s) * first[i] + s * b[i];
    return first;
  };
  const density = (t: number): Density => {
    const { n, s } = slabAt(t);
    return { kind: "density", grid: cells.grid, values: blend(s, slabs[n].slice(), () => slabs[n + 1]) };
  };
  const value = (t: number, x: Float64Array): Float64Array => {
    const { n, s } = slabAt(t);
    return blend(s, between.value(potentials[n], x), () => between.value(potentials[n + 1], x));
  };
  const velocity = (t: number, x: Float64Array): Float64Array => {
    const { n, s } = slabAt(t);
    const slope = between.gradient(potentials[n], x);
    if (s > 0) {
      const next = between.gradient(potentials[n + 1], x);
      for (let a = 0; a < d; a++) blend(s, slope[a], () => next[a]);
    }
    const out = new Float64Array(x.length);
    for (let a = 0; a < d; a++) for (let i = 0; i < slope[a].length; i++) out[i * d + a] = -slope[a][i];
    return out;
  };

  /** v for paths: where ξ is −∞ beside vacuum, that of the next time, which moved the mass there. */
  const pathVelocity = (t: number, x: Float64Array): Float64Array => {
    const v = velocity(t, x);
    if (v.every(Number.isFinite)) return v;
    const next = velocity(times[Math.min(slabAt(t).n + 1, last)], x);
    return v.map((u, i) => (Number.isFinite(u) ? u : next[i]));
  };

  return {
    family: "grid",
    problem,
    solver: { ...parts.solver, family: "grid" },
    status: parts.status,
    histories: [
      historyOf("energy", energies),
      historyOf("dissipation", dissipations),
      historyOf("speed", speeds),
      historyOf(
        "mass",
        slabs.map((slab) => integrate(cells.grid, slab)),
      ),
      historyOf("largest density", slabs.map(largest)),
      ...(parts.histories ?? []),
    ],
    objective: parts.objective ?? { primal: null, dual: null, gap: null },
    counts: parts.counts,
    seconds: context.elapsed() - (parts.began ?? 0),
    seed: context.seed,
    device: {
      requested: context.device,
      used: "cpu",
      reason: "grid solvers of gradient flows run on the CPU",
      adapter: null,
    },
    version: context.version,
    cells,
    times,
    slabs,
    potentials,
    energies,
    dissipations,
    speeds,
    density,
    value,
    velocity,
    critic: parts.critic ?? null,
    trajectories: (options: TrajectoryOptions = {}) =>
      equilibriumPaths({
        problem: { populations: [{ viscosity: 0, initial: problem.initial }] },
        fields: { cells, times, density: [slabs] },
        velocity: pathVelocity,
        ownSeed: context.seed,
        options,
      }),
    arrays: () => ({
      ...cellArrays(cells, times),
      energy: ndarray(Float64Array.from(energies), [energies.length]),
      density: stacked(slabs, cells.grid.shape),
      potential: stacked(potentials, cells.grid.shape),
      velocity: stacked(
        Array.from(times, (t) => velocity(t, cells.points)),
        [...cells.grid.shape, d],
      ),
    }),
  };
}

/** Most bytes of slabs and potentials that one solution keeps. */
const ROOM = 2 ** 33;
const mostSteps = (size: number): number => Math.floor(ROOM / 16 / size);

/**
 * Throws when the slabs and potentials of equal steps would not fit into memory: before any work, where the machine would fail late and mute.
 *
 * @param steps number of steps
 * @param size cells, solid ones too
 */
export function demandRoom(where: string, steps: number, size: number): void {
  demand(
    steps <= mostSteps(size),
    where,
    "steps × cells",
    `be at most ${Math.floor(ROOM / 16)}, since ρ and δE/δρ of every step are kept (16 bytes a cell, ${ROOM / 2 ** 30} GiB in all)`,
    steps * size,
    "Use fewer steps or points, or a shorter horizon",
  );
}

/** Steps by whose mean length a march that had to halve them is judged: a stiff start alone takes fewer. */
const PACE = 1000;

/**
 * Why a march that shortens its steps would not fit into memory; `null` when it does.
 *
 * @param times t_0 … t_n so far
 * @param horizon T
 * @param size cells, solid ones too
 * @param nominal length of equal steps: those of the last thousand then tell how many are to come; `null`: they may grow at will, and only
 * steps made count
 */
export function lackOfRoom(
  times: readonly number[],
  horizon: number,
  size: number,
  nominal: number | null,
): string | null {
  const n = times.length - 1;
  const left = horizon - times[n];
  const most = mostSteps(size);
  const mean = (times[n] - times[n - PACE]) / PACE;
  const needed = n + (nominal === null || n < PACE || mean > 0.5 * nominal ? (left > 0 ? 1 : 0) : left / mean);
  if (needed <= most) return null;
  return (
    `steps of length ${(times[n] - times[n - 1]).toPrecision(2)} at t = ${times[n].toPrecision(6)}: more than ${most} of them are needed, and ` +
    `${ROOM / 2 ** 30} GiB hold no more (ρ and δE/δρ of every step are kept); use a shorter horizon, or fewer points`
  );
}

function largest(slab: Float64Array): number {
  let most = 0;
  for (const v of slab) if (v > most) most = v;
  return most;
}
