// Primal–dual hybrid gradient (Chambolle–Pock) for  min_x F(x) + G(K x) = min_x max_y F(x) + ⟨K x, y⟩ − G*(y):
//   x̂ = prox_{τF}(x − τ Kᵀ y),  ŷ = prox_{σG*}(y + σ K(2x̂ − x)),  (x, y) += ρ ((x̂, ŷ) − (x, y)),  τσ‖K‖² ≤ 1, 0 < ρ < 2.
// Ergodic rate O(1/k); linear for strongly convex or polyhedral problems.
// Residuals, undamped: p = (x − x̂)/τ − Kᵀ(y − ŷ) ∈ ∂F(x̂) + Kᵀŷ,  d = (y − ŷ)/σ − K(x − x̂) ∈ ∂G*(ŷ) − K x̂; both 0 iff optimal.
// Adaptive steps: the bound ‖x* − x₀‖²/τ + ‖y* − y₀‖²/σ is least at √(τ/σ) = ‖x* − x₀‖/‖y* − y₀‖; at iterations 10, 20, 40, …
// the ratio moves half-way (in logarithms) to the distances covered so far, at constant τσ (Applegate et al. 2021, §3.3).
// One K and one Kᵀ an iteration: K x and Kᵀ y of the relaxed iterate follow by linearity.
// References: Chambolle & Pock 2011 and 2016 (keys chambolle2011first, chambolle2016ergodic), Condat 2013 (key
// condat2013primal, over-relaxation), applegate2021practical.
import { demand } from "../error.js";
import { short } from "../short.js";
import type { History, Objective, Status } from "../solution/index.js";
import { demandIteration } from "./result.js";
import type { Apply, Eventually, VectorSpace } from "./vector-space.js";

/** What {@link primalDualHybridGradient} takes. */
export interface PrimalDualOptions<X, Y> {
  readonly primal: VectorSpace<X>;
  readonly dual: VectorSpace<Y>;
  /** out ← K x. */
  readonly apply: Apply<X, Y>;
  /** out ← Kᵀ y, the adjoint in the two inner products. */
  readonly adjoint: Apply<Y, X>;
  /** x ← prox_{τF}(x), in place. */
  readonly proxPrimal: (x: X, tau: number) => void | Promise<void>;
  /** y ← prox_{σG*}(y), in place. */
  readonly proxDual: (y: Y, sigma: number) => void | Promise<void>;
  /** An upper bound on ‖K‖; see {@link operatorNorm}. Grid gradient: 2 √(Σ 1/h²). */
  readonly norm: number;
  /** Starting point; default 0. It is not changed. */
  readonly initial?: { readonly x: X; readonly y: Y };
  /** √(τ/σ) at the start, > 0: about ‖x*‖/‖y*‖; default 1. */
  readonly ratio?: number;
  /** ρ, 0 < ρ < 2; default 1.5. */
  readonly relaxation?: number;
  /** Fit √(τ/σ) to the distances covered; default true. */
  readonly adaptive?: boolean;
  /** Objectives at (x̂, ŷ); `null` or an infinite value where none is known. Without it no gap is measured. */
  readonly objective?: (x: X, y: Y) => Eventually<{ readonly primal: number | null; readonly dual: number | null }>;
  /** Stop needs ‖p‖ ≤ tolerance (1 + ‖Kᵀŷ‖) and ‖d‖ ≤ tolerance (1 + ‖K x̂‖); default 1e-8. */
  readonly tolerance?: number;
  /** With an objective it also needs |gap| ≤ gapTolerance · max(1, |primal|); default = tolerance. */
  readonly gapTolerance?: number;
  /** Default 10 000. */
  readonly maxIterations?: number;
  /** Iterations between two looks at residuals, gap, steps and signal; default 10. */
  readonly checkEvery?: number;
  readonly signal?: AbortSignal | null;
  /** Called at each look. */
  readonly onCheck?: (look: PrimalDualLook) => void;
}

/** What is known at one look. */
export interface PrimalDualLook {
  readonly iteration: number;
  /** max(‖p‖/(1 + ‖Kᵀŷ‖), ‖d‖/(1 + ‖K x̂‖)). */
  readonly residual: number;
  readonly objective: Objective;
  readonly tau: number;
  readonly sigma: number;
}

/** What came out of {@link primalDualHybridGradient}. */
export interface PrimalDualResult<X, Y> {
  /** x̂ and ŷ, the outputs of the two proximal maps (feasible for their indicators). */
  readonly x: X;
  readonly y: Y;
  readonly status: Status;
  /** Relative residual at (x̂, ŷ). */
  readonly residual: number;
  readonly objective: Objective;
  readonly iterations: number;
  /** `residual` always; `primal`, `dual` and `gap` where they were measured. */
  readonly histories: readonly History[];
}

/**
 * Minimises F(x) + G(K x) by the over-relaxed primal–dual hybrid gradient method with adaptive steps.
 *
 * @returns x̂, ŷ, relative residual, objectives, histories, and why it stopped; never throws for lack of convergence
 * @throws UsageError when an option makes no sense
 *
 * *Notes*: `norm` is checked on the way at no cost: ‖K(x − x̂)‖ > norm · ‖x − x̂‖ stops the iteration with that
 * message, because convergence is not certain then.
 *
 * *Good values*: relaxation 1.8 for strongly convex F or G (total variation), 1 for linear programmes, whose iterates
 * spiral; ratio near ‖x* − x₀‖/‖y* − y₀‖ when a guess exists.
 *
 * *References*: chambolle2011first, chambolle2016ergodic, condat2013primal, applegate2021practical
 */
export async function primalDualHybridGradient<X, Y>(
  options: PrimalDualOptions<X, Y>,
): Promise<PrimalDualResult<X, Y>> {
  const { primal, dual, apply, adjoint, proxPrimal, proxDual, norm, initial, signal, onCheck } = options;
  const { ratio = 1, relaxation = 1.5, adaptive = true, tolerance = 1e-8, maxIterations = 10_000 } = options;
  const { gapTolerance = tolerance, checkEvery = 10 } = options;
  const where = "primalDualHybridGradient";
  const positive = (value: number, name: string, cure: string) =>
    demand(value > 0 && Number.isFinite(value), where, name, "be a finite number > 0", value, cure);
  demandIteration(where, tolerance, 0, maxIterations);
  demand(
    gapTolerance >= 0,
    where,
    "gapTolerance",
    "be ≥ 0 (Infinity for none)",
    gapTolerance,
    "Leave it out to use the tolerance",
  );
  positive(norm, "norm", "Give an upper bound on ‖K‖, for example 1.01 * (await operatorNorm(…))");
  positive(ratio, "ratio", "Use ratio: 1 to start");
  demand(
    relaxation > 0 && relaxation < 2,
    where,
    "relaxation",
    "lie between 0 and 2",
    relaxation,
    "Use relaxation: 1.5, or 1 for the plain method",
  );
  demand(
    Number.isInteger(checkEvery) && checkEvery >= 1,
    where,
    "checkEvery",
    "be an integer ≥ 1",
    checkEvery,
    "Use checkEvery: 10 to start",
  );

  const x = initial === undefined ? primal.zeros() : primal.copy(initial.x);
  const y = initial === undefined ? dual.zeros() : dual.copy(initial.y);
  const [xHat, kty, ktyHat, p] = [primal.zeros(), primal.zeros(), primal.zeros(), primal.zeros()];
  const [yHat, kx, kxHat, d] = [dual.zeros(), dual.zeros(), dual.zeros(), dual.zeros()];
  await apply(x, kx);
  await adjoint(y, kty);
  let tau = ratio / norm;
  let sigma = 1 / (ratio * norm);
  let nextChange = 10;
  const xStart = primal.copy(x);
  const yStart = dual.copy(y);
  const looks: PrimalDualLook[] = [];
  let iterations = 0;
  let converged = false;
  let text = "";
  while (text === "") {
    primal.assign(x, xHat);
    primal.axpy(-tau, kty, xHat);
    await proxPrimal(xHat, tau);
    await apply(xHat, kxHat);
    dual.assign(y, yHat);
    dual.axpy(2 * sigma, kxHat, yHat);
    dual.axpy(-sigma, kx, yHat);
    await proxDual(yHat, sigma);
    await adjoint(yHat, ktyHat);
    iterations++;

    if (iterations % checkEvery === 0 || iterations === maxIterations || iterations === 1) {
      primal.assign(x, p);
      primal.axpy(-1, xHat, p);
      const moved = await primal.norm(p);
      primal.scale(1 / tau, p);
      primal.axpy(-1, kty, p);
      primal.axpy(1, ktyHat, p);
      dual.assign(kx, d);
      dual.axpy(-1, kxHat, d);
      const movedImage = await dual.norm(d);
      dual.scale(-1, d);
      dual.axpy(1 / sigma, y, d);
      dual.axpy(-1 / sigma, yHat, d);
      const pNorm = await primal.norm(p);
      const dNorm = await dual.norm(d);
      const imageNorm = await dual.norm(kxHat);
      const residual = Math.max(pNorm / (1 + (await primal.norm(ktyHat))), dNorm / (1 + imageNorm));
      const objective = gapOf(await options.objective?.(xHat, yHat));
      const look = { iteration: iterations, residual, objective, tau, sigma };
      looks.push(look);
      onCheck?.(look);
      const gapHolds =
        options.objective === undefined ||
        (objective.gap !== null &&
          Math.abs(objective.gap) <= gapTolerance * Math.max(1, Math.abs(objective.primal ?? 0)));
      const state = `residual ${short(residual)}${objective.gap === null ? "" : `, gap ${short(objective.gap)}`}`;
      if (residual <= tolerance && gapHolds) {
        converged = true;
        text = `converged: ${state} after ${iterations} iterations`;
      } else if (Number.isNaN(residual)) {
        text = `stopped: NaN after ${iterations} iterations; check the proximal maps and the operator`;
      } else if (movedImage > norm * moved * (1 + 1e-9) + 1e-12 * imageNorm) {
        text = `stopped: norm ${short(norm)} is no bound, ‖K‖ ≥ ${short(movedImage / moved)}; raise norm`;
      } else if (iterations >= maxIterations) {
        text = `stalled: ${state} after ${iterations} iterations; raise maxIterations, or set ratio near ‖x‖/‖y‖`;
      } else if (signal?.aborted) {
        text = `stopped: aborted after ${iterations} iterations at ${state}`;
      }
      if (text !== "") break;
    }
    if (adaptive && iterations === nextChange) {
      nextChange *= 2;
      primal.assign(xHat, p);
      primal.axpy(-1, xStart, p);
      dual.assign(yHat, d);
      dual.axpy(-1, yStart, d);
      const wanted = (await primal.norm(p)) / (await dual.norm(d));
      // Nothing is learnt while one of the two has not moved.
      if (wanted > 0 && wanted < Infinity) {
        const current = Math.sqrt(tau / sigma);
        tau = Math.sqrt(current * wanted) / norm;
        sigma = 1 / (Math.sqrt(current * wanted) * norm);
      }
    }
    relax(primal, relaxation, xHat, x);
    relax(primal, relaxation, ktyHat, kty);
    relax(dual, relaxation, yHat, y);
    relax(dual, relaxation, kxHat, kx);
  }
  const last = looks[looks.length - 1];
  const history = (name: string, value: (look: PrimalDualLook) => number | null): History[] => {
    const known = looks.filter((look) => value(look) !== null);
    if (known.length === 0) return [];
    return [{ name, iterations: known.map((l) => l.iteration), values: known.map((l) => value(l) as number) }];
  };
  return {
    x: xHat,
    y: yHat,
    status: { converged, text },
    residual: last.residual,
    objective: last.objective,
    iterations,
    histories: [
      ...history("residual", (look) => look.residual),
      ...history("primal", (look) => look.objective.primal),
      ...history("dual", (look) => look.objective.dual),
      ...history("gap", (look) => look.objective.gap),
    ],
  };
}

// y ← (1 − ρ) y + ρ x.
function relax<V>(space: VectorSpace<V>, rho: number, x: V, y: V): void {
  space.scale(1 - rho, y);
  space.axpy(rho, x, y);
}

function gapOf(value: { readonly primal: number | null; readonly dual: number | null } | undefined): Objective {
  const primal = value?.primal ?? null;
  const dual = value?.dual ?? null;
  return { primal, dual, gap: primal === null || dual === null ? null : primal - dual };
}

/**
 * Estimates ‖K‖ from below by power iteration on KᵀK.
 *
 * @param options.start a vector with a part along the top singular vector: random entries do
 * @param options.iterations default 100
 * @returns the estimate; at most ‖K‖, within about a percent when the top singular values are apart by as much
 * @throws UsageError when K maps the starting vector to 0
 *
 * *Good values*: give 1.01 times the estimate to {@link primalDualHybridGradient}.
 */
export async function operatorNorm<X, Y>(options: {
  readonly primal: VectorSpace<X>;
  readonly dual: VectorSpace<Y>;
  readonly apply: Apply<X, Y>;
  readonly adjoint: Apply<Y, X>;
  readonly start: X;
  readonly iterations?: number;
}): Promise<number> {
  const { primal, dual, apply, adjoint, start, iterations = 100 } = options;
  const v = primal.copy(start);
  const image = dual.zeros();
  let estimate = 0;
  for (let k = 0; k < iterations; k++) {
    primal.scale(1 / (await primal.norm(v)), v);
    await apply(v, image);
    estimate = await dual.norm(image);
    demand(
      estimate > 0,
      "operatorNorm",
      "start",
      "have a non-zero image under K",
      estimate,
      "Start from random entries",
    );
    await adjoint(image, v);
  }
  return estimate;
}
