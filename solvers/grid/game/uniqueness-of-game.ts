// The two-start probe for a game, with the solvers that can be started anywhere: a time-dependent game by newton() from a crowd that
// stands at a start density and the best response to it; an ergodic game by ergodic() from the density.
import type { MeanFieldGame } from "../../../problems/index.js";
import type { GameFields } from "../../../src/solution/index.js";
import { solve } from "../../../src/solve.js";
import { type StartDensity, type Uniqueness, uniquenessProbe } from "../../../src/verify/index.js";
import { ergodic } from "./ergodic.js";
import { gameScheme } from "./game-scheme.js";
import { bestResponse } from "./game-sweeps.js";
import { newton } from "./newton.js";

export interface UniquenessOfGameOptions {
  /** Cells an axis; default 64, 24, 12 in 1-D, 2-D, 3-D. */
  readonly points?: number | readonly number[];
  /** Time steps; default 32, in 3-D 12. */
  readonly steps?: number;
  /** Distance of densities above which two equilibria are not the same; default 0.01. */
  readonly tolerance?: number;
  readonly signal?: AbortSignal | null;
}

/**
 * Solves a game from three crowds, spread and gathered, on a coarse grid and compares what comes out.
 *
 * @returns the verdict of {@link uniquenessProbe}, or one sentence that says why it cannot be asked
 *
 * *Notes*: a probe. Agreement is evidence; two equilibria are a proof, on that grid.
 *
 * *References*: lasry2007mean
 */
export async function uniquenessOfGame(
  problem: MeanFieldGame,
  options: UniquenessOfGameOptions = {},
): Promise<Uniqueness | string> {
  const d = problem.dimension;
  if (d > 3) return "no grid in more than three dimensions";
  if (problem.mode === "planning") return "planning games prescribe both ends";
  const points = options.points ?? [64, 24, 12][d - 1];
  const steps = options.steps ?? (d === 3 ? 12 : 32);
  const signal = options.signal ?? null;
  const { tolerance } = options;
  const settings = { domain: problem.domain, ...(tolerance === undefined ? {} : { tolerance }) };
  if (problem.mode === "ergodic") {
    const solver = ergodic({ points });
    const fit = solver.handles(problem);
    if (fit !== true) return fit;
    return uniquenessProbe({
      ...settings,
      solve: (start) =>
        solve(
          problem,
          ergodic({ points, start: problem.populations.map((_, k) => (x: Float64Array) => start(x, k)) }),
          {
            signal,
          },
        ),
    });
  }
  const solver = newton({ points, steps });
  const fit = solver.handles(problem);
  if (fit !== true) return fit;
  return uniquenessProbe({
    ...settings,
    solve: async (start) =>
      solve(problem, newton({ points, steps, start: await crowdAt(problem, points, steps, start, signal) }), {
        signal,
      }),
  });
}

/** Fields of a crowd that goes to the start density at once and stays, with the best response of one agent to it. */
async function crowdAt(
  problem: MeanFieldGame,
  points: number | readonly number[],
  steps: number,
  start: StartDensity,
  signal: AbortSignal | null,
): Promise<GameFields> {
  const scheme = gameScheme(problem, { points, steps });
  const { cells, times } = scheme;
  const density = scheme.initial.map((m0, k) => {
    const m = Float64Array.from({ length: cells.grid.size }, (_, i) =>
      cells.open[i] === 1 ? start(cells.points.subarray(i * problem.dimension, (i + 1) * problem.dimension), k) : 0,
    );
    const scale = m0.reduce((a, b) => a + b, 0) / m.reduce((a, b) => a + b, 0);
    const gathered = m.map((v) => v * scale);
    return Array.from(times, (_, n) => (n === 0 ? m0.slice() : gathered.slice()));
  });
  const { path } = await bestResponse(scheme, density, { signal });
  return { cells, times, value: path, density, ergodicConstant: null };
}
