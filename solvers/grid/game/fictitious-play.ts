// Fictitious play for mean-field games on grids: everybody answers the average of the past,
//   m̄₁ = Φ(m̄₀),   m̄_{k+1} = m̄_k + ρ_k (Φ(m̄_k) − m̄_k),   Φ(m) = transport by the best response to m,
// with ρ_k = 1/(k + 1) (m̄_k is the mean of all answers), a constant, or for potential games the line search
//   ρ_k = argmin over [0, 1] of  Σ_j ρ (K(answer) − K̄_k) + ∫ F((1 − ρ) m̄_k + ρ Φ(m̄_k)):  generalised Frank–Wolfe.
// m̄_k is the crowd of the mixture of the answers so far, each with its cost of moving K. Since the discrete equations are exact transposes,
//   K(answer) = ∫ u⁰ m₀ − ∫∫ f(m̄) Φ(m̄) − ∫ g(m̄ᴺ) Φ(m̄)ᴺ   and   exploitability = K̄ + ∫∫ f(m̄) m̄ + ∫ g(m̄ᴺ) m̄ᴺ − ∫ u⁰ m₀ ≥ 0
// come for free; it decays like 1/k for 1/(k + 1), faster with the line search. Converges for potential and for monotone games, from
// anywhere. Mass exact, m̄ ≥ 0. Stops at the undamped residual ‖Φ(m̄) − m̄‖, relative to m₀ at rest in L²(0, T; L²).
// References: Cardaliaguet, Hadikhanloo 2017 (key cardaliaguet2017learning); Lavigne, Pfeiffer 2023 (key lavigne2023generalized).
import type { MeanFieldGame } from "../../../problems/index.js";
import { demand } from "../../../src/error.js";
import type { Problem } from "../../../src/problem.js";
import type { SolveContext, Solver } from "../../../src/solver.js";
import {
  checkFixedPoint,
  crowdSpace,
  equationResidual,
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
import type { GameScheme } from "./game-scheme.js";
import { gameOrder } from "./game-scheme.js";
import { type GridGameSolution, gridGameSolver } from "./game-solution.js";
import type { Path } from "./game-sweeps.js";

/** ρ_k: `"harmonic"` = 1/(k + 1), a constant in (0, 1], or `"line-search"` for potential games. */
export type FictitiousPlayRate = "harmonic" | "line-search" | number;

export interface FictitiousPlayOptions extends Omit<FixedPointOptions, "exploitability"> {
  /** Default `"harmonic"`. */
  readonly rate?: FictitiousPlayRate;
  /** Default 1e-3. */
  readonly tolerance?: number;
  /** Default 200. */
  readonly maxIterations?: number;
}

const NAME = "fictitiousPlay";
const CREEPS = 'it falls like 1/k: use rate: "line-search" or newton()';

/**
 * Fictitious play: best responses to the average of the past.
 *
 * @param options see {@link FictitiousPlayOptions}
 * @returns a solver for time-dependent games; with `rate: "line-search"` for potential ones
 * @throws UsageError when an option is out of range
 *
 * *Notes*: the solution is the average crowd m̄ with the best response to it. The exploitability is that of the mixture of the answers, `null`
 * where it does not follow from them: a Hamiltonian that depends on m, or a source of mass.
 *
 * *Good values*: `"line-search"` where it applies; a tolerance not below 1e-3 for `"harmonic"`, which creeps; then newton() from its fields.
 *
 * *References*: cardaliaguet2017learning, lavigne2023generalized
 */
export function fictitiousPlay(options: FictitiousPlayOptions = {}): Solver<MeanFieldGame, GridGameSolution> {
  const settings = {
    rate: "harmonic" as FictitiousPlayRate,
    tolerance: 1e-3,
    maxIterations: 200,
    start: "rest" as const,
    ...options,
    exploitability: "history" as const,
  };
  checkFixedPoint(NAME, settings, ["rate"]);
  const { rate } = settings;
  demand(
    rate === "harmonic" || rate === "line-search" || (typeof rate === "number" && rate > 0 && rate <= 1),
    NAME,
    "rate",
    'be "harmonic", "line-search" or a number in (0, 1]',
    rate,
    'Use rate: "harmonic"',
  );
  const record = {
    name: NAME,
    order: gameOrder(settings),
    references: ["cardaliaguet2017learning", ...(rate === "line-search" ? ["lavigne2023generalized"] : [])],
    options: recorded(settings),
  };
  const handles = (problem: Problem): true | string => {
    const fit = fixedPointHandles("fictitious play", problem);
    if (fit === true && rate === "line-search") {
      if (!problem.isPotential) return 'the line search needs a potential game; use rate: "harmonic"';
      const sourced = (problem as MeanFieldGame).populations.some((p) => p.densitySource !== null);
      if (sourced) return 'the line search needs games without sources of mass; use rate: "harmonic"';
    }
    return fit;
  };
  return gridGameSolver(record, handles, (problem, context) => play(problem, settings, context));
}

async function play(
  problem: MeanFieldGame,
  s: FixedPointSettings & { readonly rate: FictitiousPlayRate },
  context: SolveContext,
) {
  const { scheme, space, start, path, flatten, admits } = crowdSpace(problem, s);
  const tally: Tally = { newtonSteps: 0, cycles: 0, failure: "" };
  const residuals = recordedHistory("residual");
  const gains = recordedHistory("exploitability");
  const rates = recordedHistory("rate");
  const accountable = problem.populations.every((p) => !p.hamiltonian.dependsOnMass && p.densitySource === null);
  const mean = start.slice();
  const step = space.zeros();
  const crowd = path(mean);
  let moving: number[] | null = null;
  let gain: readonly number[] | null = null;
  let last: Response | null = null;
  let residual = Infinity;
  let iteration = 0;
  for (; ; iteration++) {
    if (!admits(crowd)) {
      tally.failure = LEFT_RANGE;
      break;
    }
    const response = await respond(scheme, crowd, last?.value, tally, context.signal);
    if (response === null) break;
    last = response;
    flatten(response.crowd, step);
    space.axpy(-1, mean, step);
    residual = await space.norm(step);
    residuals.push(iteration, residual);
    report(context, NAME, iteration, residual);
    const prices = accountable ? pricesOf(scheme, crowd) : null;
    const value = startValue(scheme, response.value);
    const answer = prices === null ? null : paid(scheme, prices, response.crowd).map((p, k) => value[k] - p);
    if (moving !== null && prices !== null) {
      const held = moving;
      gain = paid(scheme, prices, crowd).map((p, k) => held[k] + p - value[k]);
      gains.push(iteration, total(gain));
    }
    if (residual <= s.tolerance || iteration >= s.maxIterations || !Number.isFinite(residual)) break;
    // The start is no mixture of answers: the first step replaces it.
    const rate: number =
      iteration === 0
        ? 1
        : s.rate === "line-search" && moving !== null && answer !== null
          ? lineSearch(scheme, admits, crowd, response.crowd, total(answer) - total(moving))
          : s.rate === "harmonic"
            ? 1 / (iteration + 1)
            : (s.rate as number);
    rates.push(iteration, rate);
    moving = answer === null ? null : answer.map((a, k) => (moving === null ? a : moving[k] + rate * (a - moving[k])));
    space.axpy(rate, step, mean);
  }
  if (last === null) throw noStart(NAME, tally.failure);
  const fields = finish(scheme, last.value, crowd);
  return {
    fields,
    status: unlessOverdrawn(
      fixedPointStatus(
        "fictitious play",
        residual,
        s.tolerance,
        iteration,
        tally.failure,
        s.rate === "harmonic" && tally.failure === "" && problem.isPotential && accountable ? CREEPS : undefined,
      ),
      scheme,
      crowd,
    ),
    histories: [residuals, ...(gains.values.length > 0 ? [gains] : []), rates],
    exploitability: gain,
    counts: {
      iterations: iteration,
      newtonSteps: tally.newtonSteps,
      cycles: tally.cycles,
      ...(admits(crowd) ? { equationResidual: equationResidual(scheme, fields) } : {}),
      cells: scheme.cells.openCount,
      timeSteps: scheme.steps,
    },
  };
}

/** f + s at every step and g at the end under a crowd: `[n][k]`, g last. */
function pricesOf(scheme: GameScheme, crowd: Path): Float64Array[][] {
  const { steps: N } = scheme;
  const slab = () => crowd.map((p) => new Float64Array(p[0].length));
  const blends = slab();
  return Array.from({ length: N + 1 }, (_, n) => {
    const out = slab();
    if (n === N)
      scheme.terminalCost(
        crowd.map((p) => p[N]),
        out,
      );
    else
      scheme.cost(
        n,
        crowd.map((p, k) => scheme.blend(p[n + 1], p[n], blends[k])),
        out,
      );
    return out;
  });
}

/** Σ_n Δt ∫ price M_n + ∫ price mᴺ for each population. */
function paid(scheme: GameScheme, prices: readonly (readonly Float64Array[])[], m: Path): number[] {
  const { steps: N, dt, cells } = scheme;
  const blend = new Float64Array(cells.grid.size);
  return m.map((slabs, k) => {
    let sum = 0;
    for (let n = 0; n <= N; n++) {
      const mass = n === N ? slabs[N] : scheme.blend(slabs[n + 1], slabs[n], blend);
      let part = 0;
      for (let i = 0; i < mass.length; i++) part += prices[n][k][i] * mass[i];
      sum += (n === N ? 1 : dt) * part;
    }
    return cells.grid.cellVolume * sum;
  });
}

/** ∫ u⁰ m₀ for each population. */
function startValue(scheme: GameScheme, value: Path): number[] {
  return scheme.initial.map((m0, k) => {
    let sum = 0;
    for (let i = 0; i < m0.length; i++) sum += value[k][0][i] * m0[i];
    return scheme.cells.grid.cellVolume * sum;
  });
}

/**
 * The zero in [0, 1], or in the part of it where densities lie in the coupling's range, of the slope ρ ↦ change of K + Σ ∫ f(m_ρ) (answer − m̄) + ∫ g (…), which grows for monotone games (Illinois).
 *
 * @param change K(answer) − K̄ of all populations
 */
function lineSearch(
  scheme: GameScheme,
  admits: (crowd: Path) => boolean,
  mean: Path,
  answer: Path,
  change: number,
): number {
  const mixed = (rho: number): Path =>
    mean.map((slabs, k) =>
      slabs.map((slab, n) => (n === 0 ? slab : slab.map((v, i) => v + rho * (answer[k][n][i] - v)))),
    );
  const slopeAt = (rho: number): number => {
    const prices = pricesOf(scheme, mixed(rho));
    return change + total(paid(scheme, prices, answer)) - total(paid(scheme, prices, mean));
  };
  let [low, high] = [0, 1];
  while (high > 1e-6 && !admits(mixed(high))) high /= 2;
  if (high <= 1e-6) return 0;
  let atLow = slopeAt(low);
  let atHigh = slopeAt(high);
  if (!(atHigh > 0)) return high;
  if (!(atLow < 0)) return 0;
  let side = 0;
  for (let trial = 0; trial < 30 && high - low > 1e-4 * high; trial++) {
    const rho = (low * atHigh - high * atLow) / (atHigh - atLow);
    const at = slopeAt(rho);
    if (at < 0) {
      [low, atLow] = [rho, at];
      if (side === -1) atHigh /= 2;
      side = -1;
    } else {
      [high, atHigh] = [rho, at];
      if (side === 1) atLow /= 2;
      side = 1;
    }
    if (Math.abs(at) < 1e-6 * Math.abs(change)) break;
  }
  return (low * atHigh - high * atLow) / (atHigh - atLow);
}
