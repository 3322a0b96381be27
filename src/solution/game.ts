// What a game's grid solution holds: values and densities on slabs of time. Pairing of the staggered scheme: the HJB step from
// t_{n+1} back to t_n uses m at t_{n+1}; the Fokker–Planck step from t_n to t_{n+1} uses u at t_n. So u has a meaning at all
// N + 1 times, and the feedback that carries [t_n, t_{n+1}] is that of u at t_n.
import type { Cells } from "../grid/index.js";
import type { Cloud, Density } from "../measure/index.js";
import type { Problem } from "../problem.js";
import type { Solution, Trajectories, TrajectoryOptions } from "./index.js";

/** Slabs of a game on cells. */
export interface GameFields {
  readonly cells: Cells;
  /** t_0 = 0 … t_N = T, equally spaced; two equal slabs at 0 and T for an ergodic game. */
  readonly times: Float64Array;
  /** u_k at time n: `value[k][n]`, length of a field on the cells. */
  readonly value: readonly (readonly Float64Array[])[];
  /** m_k at time n: `density[k][n]`. */
  readonly density: readonly (readonly Float64Array[])[];
  /** λ̄_k of an ergodic game; `null` otherwise. */
  readonly ergodicConstant: readonly number[] | null;
}

export interface GameTrajectoryOptions extends TrajectoryOptions {
  /** Population whose agents are followed; default 0. */
  readonly population?: number;
  /** `false`: follow the drift alone, without noise; default `true`. */
  readonly noise?: boolean;
}

/** Solution of a mean-field game, by any family. `k` is the population, default 0. */
export interface GameSolution<P extends Problem = Problem> extends Solution<P> {
  /** Slabs; `null` for particle and neural solutions. */
  readonly fields: GameFields | null;
  /**
   * What one agent gains by deviating, given the crowd: J(policy) − inf J, integrated against m(0), for each population; ≥ 0, and 0
   * at an equilibrium. `null` = not measured.
   */
  readonly exploitability: readonly number[] | null;
  density(t: number, k?: number): Density | Cloud;
  value(t: number, x: Float64Array, k?: number): Float64Array;
  velocity(t: number, x: Float64Array, k?: number): Float64Array;
  trajectories(options?: GameTrajectoryOptions): Trajectories;
}
