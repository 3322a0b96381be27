// Policy iteration for mean-field games on grids (Cacace, Camilli, Goffi): with a feedback π = (α, L), slopes and running costs,
//   1  crowd     (mⁿ⁺¹ − mⁿ)/Δt − νΔM + Σ_j D_jᵀ(α_j M) = q             linear, forward
//   2  cost      (wⁿ − wⁿ⁺¹)/Δt − νΔW + Σ_j α_j D_j W − L = f(M) + s       linear, backward
//   3  policy    α⁺_j = ∂G/∂D_j(D W, M),  L⁺ = Σ_j α⁺_j D_j W − G(D W, M),   π ← (1 − θ) π + θ π⁺
// Each sweep is linear: no nonlinear equation is solved. Where nothing depends on the crowd this is Newton's method for the
// Hamilton–Jacobi–Bellman equation (quadratic); with a coupling it converges linearly, for short horizons or weak couplings.
// θ < 1 mixes slopes and costs, as if a share of the agents changed over: steadier, with the same fixed points.
// Stops at the largest residual of the discrete game's equations at (w, m), undamped: G(D W) − Σ α D W + L and its like in m, as newton() does.
// Mass exact, m ≥ 0 (monotone scheme). References: Cacace, Camilli, Goffi 2021 (key cacace2021policy).
import type { MeanFieldGame } from "../../../problems/index.js";
import { demand } from "../../../src/error.js";
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
  recorded,
  recordedHistory,
  report,
  type Tally,
  tallied,
  total,
  unlessOverdrawn,
} from "./game-fixed-point.js";
import type { GameScheme } from "./game-scheme.js";
import { gameOrder } from "./game-scheme.js";
import { type GridGameSolution, gridGameSolver } from "./game-solution.js";
import { evaluatePolicy, feedbackPolicy, type GamePolicy, type Path, transport } from "./game-sweeps.js";

export interface PolicyIterationOptions extends FixedPointOptions {
  /** θ ∈ (0, 1]; default 1. */
  readonly damping?: number;
  /** Largest residual of the discrete equations; default 1e-6. */
  readonly tolerance?: number;
  /** Default 100. */
  readonly maxIterations?: number;
}

const NAME = "policyIteration";
/** Growth of the residual over its least value that ends the iteration. */
const BLOWN = 1e6;
const DAMP = "set damping ≤ 0.5, use newton() or raise viscosity";

/**
 * Policy iteration: transport by a policy, its cost, and the better policy.
 *
 * @param options see {@link PolicyIterationOptions}
 * @returns a solver for time-dependent games
 * @throws UsageError when an option is out of range
 *
 * *Notes*: begins with the feedback of u = 0, or of the values of `start`. The solution is the cost w of the last policy with the crowd that it
 * makes; its exploitability is that of this policy.
 *
 * *Good values*: damping 1; ½ where the residual does not fall; newton() for small viscosities or long horizons.
 *
 * *References*: cacace2021policy
 */
export function policyIteration(options: PolicyIterationOptions = {}): Solver<MeanFieldGame, GridGameSolution> {
  const settings = {
    damping: 1,
    tolerance: 1e-6,
    maxIterations: 100,
    start: "rest" as const,
    exploitability: "history" as const,
    ...options,
  };
  checkFixedPoint(NAME, settings, ["damping"]);
  const { damping } = settings;
  demand(damping > 0 && damping <= 1, NAME, "damping", "lie in (0, 1]", damping, "Use damping: 1");
  const record = {
    name: NAME,
    order: gameOrder(settings),
    references: ["cacace2021policy"],
    options: recorded(settings),
  };
  return gridGameSolver(
    record,
    (problem) => fixedPointHandles("policy iteration", problem),
    (problem, context) => improve(problem, settings, context),
  );
}

async function improve(
  problem: MeanFieldGame,
  s: FixedPointSettings & { readonly damping: number },
  context: SolveContext,
) {
  const { scheme, start, path, admits } = crowdSpace(problem, s);
  const { signal } = context;
  const tally: Tally = { newtonSteps: 0, cycles: 0, failure: "" };
  const residuals = recordedHistory("residual");
  const gains = recordedHistory("exploitability");
  const still = path(start);
  let policy =
    s.start === "rest"
      ? feedbackPolicy(
          scheme,
          still.map((slabs) => slabs.map((slab) => new Float64Array(slab.length))),
          still,
        )
      : feedbackPolicy(scheme, s.start.value, still);
  if (s.damping < 1) policy = stored(scheme, policy);
  let reached: { value: Path; crowd: Path; policy: GamePolicy } | null = null;
  let gain: readonly number[] | null = null;
  let residual = Infinity;
  let least = Infinity;
  let iteration = 0;
  for (; ; iteration++) {
    const moved = await transport(scheme, policy, { signal });
    signal?.throwIfAborted();
    if (!tallied(tally, moved)) break;
    if (!admits(moved.path)) {
      tally.failure = LEFT_RANGE;
      break;
    }
    const cost = await evaluatePolicy(scheme, policy, moved.path, { signal });
    signal?.throwIfAborted();
    if (!tallied(tally, cost)) break;
    reached = { value: cost.path, crowd: moved.path, policy };
    residual = equationResidual(scheme, finish(scheme, cost.path, moved.path));
    residuals.push(iteration, residual);
    report(context, NAME, iteration, residual);
    least = Math.min(least, residual);
    if (!(residual <= BLOWN * least)) tally.failure = `the residual grew to ${residual.toPrecision(2)}`;
    const ends = residual <= s.tolerance || iteration >= s.maxIterations || tally.failure !== "";
    if (s.exploitability === "history" || ends) {
      gain = await exploitabilityOf(scheme, reached, tally, signal);
      if (gain !== null) gains.push(iteration, total(gain));
    }
    if (ends) break;
    const better = feedbackPolicy(scheme, cost.path, moved.path);
    policy = s.damping < 1 ? stored(scheme, better, policy, s.damping) : better;
  }
  if (reached === null) throw noStart(NAME, tally.failure);
  return {
    fields: finish(scheme, reached.value, reached.crowd),
    status: unlessOverdrawn(
      fixedPointStatus("policy", residual, s.tolerance, iteration, tally.failure, s.damping > 0.5 ? DAMP : undefined),
      scheme,
      reached.crowd,
    ),
    histories: [residuals, ...(gains.values.length > 0 ? [gains] : [])],
    exploitability: gain,
    counts: {
      iterations: iteration,
      newtonSteps: tally.newtonSteps,
      cycles: tally.cycles,
      equationResidual: residual,
      cells: scheme.cells.openCount,
      timeSteps: scheme.steps,
    },
  };
}

/** A policy kept in arrays; with an older one, (1 − θ) older + θ policy. */
function stored(scheme: GameScheme, policy: GamePolicy, older: GamePolicy | null = null, theta = 1): GamePolicy {
  const kept = scheme.initial.map((_, k) =>
    Array.from({ length: scheme.steps }, (_, n) => {
      const { slopes, cost } = policy.at(k, n);
      const now = { slopes: slopes.map((a) => a.slice()), cost: cost.slice() };
      if (older !== null) {
        const before = older.at(k, n);
        now.slopes.forEach((a, j) => {
          mix(before.slopes[j], theta, a);
        });
        mix(before.cost, theta, now.cost);
      }
      return now;
    }),
  );
  return { at: (k, n) => kept[k][n] };
}

/** out ← (1 − θ) older + θ out. */
function mix(older: Float64Array, theta: number, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) out[i] = older[i] + theta * (out[i] - older[i]);
}
