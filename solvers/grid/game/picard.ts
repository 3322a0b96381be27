// Picard iteration for mean-field games on grids: the crowd answers itself,
//   Φ(m) = transport by the best response to m,     m ← (1 − θ) m + θ Φ(m),
// damped by θ and, with a window, Anderson-accelerated (src/linalg/anderson.ts). Each Φ is one backward Hamilton–Jacobi–Bellman sweep and
// one forward Fokker–Planck sweep of the discrete game (game-sweeps.ts): its fixed points are exactly those that newton() finds.
// Stops at the undamped residual ‖Φ(m) − m‖ ≤ tolerance, relative to m₀ at rest in L²(0, T; L²).
// Converges where Φ contracts after damping: short horizons, large ν, weak couplings. Measured on the planar torus, f = m² − V, T = 1, 32² × 32:
//   θ = ½  20 iterations at ν = 0.3, a cycle without end at ν ≤ 0.1;  θ = 0.1  a factor 0.9 an iteration down to ν = 0.05
//   window 5, θ = ½  9, 21, 52 iterations at ν = 0.3, 0.1, 0.05;  at ν = 0.02 nothing helps: newton()
// Mass is exact and m ≥ 0 (monotone scheme): θ ≤ 1 makes convex combinations, Anderson's steps are drawn back to the coupling's range.
// References: Achdou, Capuzzo-Dolcetta 2010 (key achdou2010mean); Walker, Ni 2011 (key walker2011anderson).
import type { MeanFieldGame } from "../../../problems/index.js";
import { demand } from "../../../src/error.js";
import { anderson } from "../../../src/linalg/index.js";
import type { Problem } from "../../../src/problem.js";
import type { SolveContext, Solver } from "../../../src/solver.js";
import {
  checkFixedPoint,
  crowdSpace,
  equationResidual,
  exploitabilityOf,
  type FixedPointOptions,
  type FixedPointSettings,
  finish,
  fixedPointHandles,
  fixedPointStatus,
  LEFT_RANGE,
  noStart,
  type Response,
  recorded,
  recordedHistory,
  report,
  respond,
  type Tally,
  total,
  unlessOverdrawn,
} from "./game-fixed-point.js";
import { gameOrder } from "./game-scheme.js";
import { type GridGameSolution, gridGameSolver } from "./game-solution.js";

export interface PicardOptions extends FixedPointOptions {
  /** θ ∈ (0, 1]; default ½. */
  readonly damping?: number;
  /** Anderson window, an integer ≥ 0; default 0 = plain damping. */
  readonly anderson?: number;
  /** Default 1e-8. */
  readonly tolerance?: number;
  /** Default 100. */
  readonly maxIterations?: number;
}

const NAME = "picard";

/**
 * Damped Picard iteration, with Anderson acceleration when a window is given.
 *
 * @param options see {@link PicardOptions}
 * @returns a solver for time-dependent games; it refuses damping 1 without a window on games known not to be monotone
 * @throws UsageError when an option is out of range
 *
 * *Notes*: the solution is the last best response u with the crowd Φ(m) that it makes, and the exploitability is that of this policy.
 * `counts.equationResidual` is the largest residual of the discrete equations, as newton() measures it.
 *
 * *Good values*: damping ½; `anderson: 5` with damping 1 where plain iteration converges slowly; newton() for small viscosities.
 *
 * *References*: achdou2010mean, walker2011anderson
 */
export function picard(options: PicardOptions = {}): Solver<MeanFieldGame, GridGameSolution> {
  const settings = {
    damping: 0.5,
    anderson: 0,
    tolerance: 1e-8,
    maxIterations: 100,
    start: "rest" as const,
    exploitability: "history" as const,
    ...options,
  };
  checkFixedPoint(NAME, settings, ["damping", "anderson"]);
  const { damping, anderson: window } = settings;
  demand(damping > 0 && damping <= 1, NAME, "damping", "lie in (0, 1]", damping, "Use damping: 0.5");
  demand(Number.isInteger(window) && window >= 0, NAME, "anderson", "be an integer ≥ 0", window, "Use anderson: 5");
  const record = {
    name: NAME,
    order: gameOrder(settings),
    references: ["achdou2010mean", ...(window > 0 ? ["walker2011anderson"] : [])],
    options: recorded(settings),
  };
  const handles = (problem: Problem): true | string => {
    const fit = fixedPointHandles(NAME, problem);
    if (fit === true && problem.isMonotone === false && damping === 1 && window === 0)
      return "damping 1 with a non-monotone coupling need not converge; set damping ≤ 0.5 or use newton()";
    return fit;
  };
  return gridGameSolver(record, handles, (problem, context) => iterate(problem, settings, context));
}

async function iterate(
  problem: MeanFieldGame,
  s: FixedPointSettings & { readonly damping: number; readonly anderson: number },
  context: SolveContext,
) {
  const crowds = crowdSpace(problem, s);
  const { scheme, space, start, path, flatten, admits } = crowds;
  const { signal } = context;
  if (!admits(path(start))) throw noStart(NAME, LEFT_RANGE);
  const tally: Tally = { newtonSteps: 0, cycles: 0, failure: "" };
  const gains = recordedHistory("exploitability");
  let last: Response | null = null;
  let gain: readonly number[] | null = null;
  let iteration = 0;

  const result = await anderson({
    space,
    initial: start,
    window: s.anderson,
    damping: s.damping,
    tolerance: 0,
    absolute: s.tolerance,
    maxIterations: s.maxIterations,
    admissible: (x) => admits(path(x)),
    map: async (x, out) => {
      const response = await respond(scheme, path(x), last?.value, tally, signal);
      if (response === null) {
        // A NaN residual ends the iteration; the tally says why.
        out.fill(NaN);
        return;
      }
      last = response;
      flatten(response.crowd, out);
      if (s.exploitability === "history") {
        gain = admits(response.crowd) ? await exploitabilityOf(scheme, response, tally, signal) : null;
        if (gain !== null) gains.push(iteration, total(gain));
      }
    },
    onIteration: (n, residual) => {
      iteration = n + 1;
      report(context, NAME, n, residual);
    },
  });
  const reached = last as Response | null;
  if (reached === null) throw noStart(NAME, tally.failure);
  if (s.exploitability === "final" && admits(reached.crowd))
    gain = await exploitabilityOf(scheme, reached, tally, signal);
  const fields = finish(scheme, reached.value, reached.crowd);
  const { residual, iterations } = result;
  // Stopped before its time with a finite residual: the damped step itself was not admitted.
  const left = residual > s.tolerance && iterations < s.maxIterations ? LEFT_RANGE : "";
  return {
    fields,
    status: unlessOverdrawn(
      fixedPointStatus("Picard", residual, s.tolerance, iterations, tally.failure || left),
      scheme,
      reached.crowd,
    ),
    histories: [result.history, ...(gains.values.length > 0 ? [gains] : [])],
    exploitability: gain,
    counts: {
      iterations,
      newtonSteps: tally.newtonSteps,
      cycles: tally.cycles,
      restarts: result.restarts,
      shortened: result.shortened,
      ...(admits(reached.crowd) ? { equationResidual: equationResidual(scheme, fields) } : {}),
      cells: scheme.cells.openCount,
      timeSteps: scheme.steps,
    },
  };
}
