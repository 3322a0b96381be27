// Inexact Newton for F(x) = 0, without a matrix:  ‖F(xₖ) + F′(xₖ) dₖ‖ ≤ ηₖ ‖F(xₖ)‖ by GMRES,  xₖ₊₁ = xₖ + λₖ dₖ.
//   forcing      ηₖ = γ (‖Fₖ‖/‖Fₖ₋₁‖)², γ = 0.9, with the safeguards of Eisenstat & Walker 1996 (choice 2): order 2 locally
//   line search  backtracking until ‖F(x + λd)‖ ≤ (1 − 10⁻⁴ λ (1 − η)) ‖F(x)‖, λ from a parabola kept in [0.1, 0.5]λ;
//                a point that the caller does not admit (for example m ≤ 0) is never evaluated;  a full step that buys nothing is
//                halved (kinks);  x + λd may be a curve of the caller's that starts along d
//   Jacobian     F′(x) v given, or by a forward difference with step √ε (1 + ‖x‖)/‖v‖ (Knoll & Keyes 2004)
// References: Eisenstat & Walker 1996 (key eisenstat1996choosing), Knoll & Keyes 2004 (key knoll2004jacobian).
import { demand } from "../error.js";
import { short } from "../short.js";
import { type History, historyOf } from "../solution/index.js";
import { gmres } from "./gmres.js";
import { demandIteration, type IterationOptions, type IterativeResult, statusOf } from "./result.js";
import type { Apply, Eventually, VectorSpace } from "./vector-space.js";

/** What {@link newton} takes. */
export interface NewtonOptions<V> extends IterationOptions {
  readonly space: VectorSpace<V>;
  /** out ← F(x). */
  readonly residual: Apply<V>;
  /** Starting point, admissible. It is not changed. */
  readonly initial: V;
  /** out ← F′(x) v; default a forward difference of F. */
  readonly jacobian?: (x: V, v: V, out: V) => void | Promise<void>;
  /** A right preconditioner of F′(x), made anew at each x; default none. */
  readonly preconditioner?: (x: V) => Eventually<Apply<V>>;
  /** `false` where F must not be evaluated, for example where a density is not positive; default everywhere `true`. */
  readonly admissible?: (x: V) => Eventually<boolean>;
  /**
   * out ← the point that x reaches with step λ along d, equal to x + λd up to O(λ²): for unknowns on a curved set, for example densities
   * that must stay positive. `out` is another vector. Default x + λd.
   */
  readonly move?: (x: V, lambda: number, d: V, out: V) => void;
  /** A fixed η ∈ (0, 1) instead of Eisenstat–Walker forcing. */
  readonly forcing?: number;
  /** Largest η of Eisenstat–Walker forcing; default 0.9. Small where linear solves cost less than evaluations. */
  readonly largestForcing?: number;
  /** The first `steps` steps may raise ‖F‖ up to `factor` times each: far from the solution ‖F‖ is a poor guide. Default none. */
  readonly overshoot?: { readonly steps: number; readonly factor: number };
  /** GMRES restart length; default 30. */
  readonly restart?: number;
  /** What the stopping rule and the history measure of F(x) instead of its norm, for example its largest entry. */
  readonly measure?: (f: V) => Eventually<number>;
  /** GMRES steps for one Newton step; default 300. */
  readonly maxLinearIterations?: number;
}

/** What came out of {@link newton}. */
export interface NewtonResult<V> extends IterativeResult<V> {
  /** GMRES steps of each Newton step. */
  readonly linearIterations: History;
  /** Step lengths λ of each Newton step; 1 is a full step. */
  readonly steps: History;
}

/**
 * Solves F(x) = 0 by a globalised inexact Newton–Krylov method.
 *
 * @param options.tolerance stop at ‖F(x)‖ ≤ tolerance · ‖F(x₀)‖; default 1e-10
 * @param options.absolute or at ‖F(x)‖ ≤ absolute; default 1e-12
 * @param options.maxIterations Newton steps; default 50
 * @returns solution, true residual, histories, and why it stopped; never throws for lack of convergence
 * @throws UsageError when an option makes no sense or the starting point is not admissible
 *
 * *Notes*: a line search that fails mostly means a wrong Jacobian or a starting point too far away. With a differenced
 * Jacobian the residual cannot fall much below √ε times the size of F′(x) x in one linear solve, but the outer
 * iteration still reaches round-off.
 *
 * *Good values*: the defaults; a preconditioner as soon as a grid has more than a few thousand nodes.
 *
 * *References*: eisenstat1996choosing, knoll2004jacobian
 */
export async function newton<V>(options: NewtonOptions<V>): Promise<NewtonResult<V>> {
  const { space, residual: evaluate, signal, onIteration, forcing, restart = 30, maxLinearIterations = 300 } = options;
  const { tolerance = 1e-10, absolute = 1e-12, maxIterations = 50 } = options;
  const { overshoot = { steps: 0, factor: 1 } } = options;
  const admissible = options.admissible ?? (() => true);
  const move =
    options.move ??
    ((x: V, lambda: number, d: V, out: V): void => {
      space.assign(x, out);
      space.axpy(lambda, d, out);
    });
  demandIteration("newton", tolerance, absolute, maxIterations);
  demand(
    forcing === undefined || (forcing > 0 && forcing < 1),
    "newton",
    "forcing",
    "lie between 0 and 1",
    forcing,
    "Leave it out for Eisenstat–Walker forcing",
  );
  const { largestForcing = 0.9 } = options;
  demand(
    largestForcing > 0 && largestForcing < 1,
    "newton",
    "largestForcing",
    "lie between 0 and 1",
    largestForcing,
    "Leave it out for 0.9",
  );
  demand(
    await admissible(options.initial),
    "newton",
    "admissible(initial)",
    "be true",
    false,
    "Start inside the set where the equations make sense",
  );
  const x = space.copy(options.initial);
  const f = space.zeros();
  const trial = space.zeros();
  const fTrial = space.zeros();
  const minusF = space.zeros();
  const workspace: V[] = [];
  const measure = options.measure ?? ((v: V) => space.norm(v));
  const jacobian = options.jacobian ?? differenced(space, evaluate, admissible, f);

  await evaluate(x, f);
  let norm = await space.norm(f);
  let residual = await measure(f);
  const target = Math.max(tolerance * residual, absolute);
  const values = [residual];
  const linear: number[] = [];
  const steps: number[] = [];
  let eta = forcing ?? Math.min(0.5, largestForcing);
  let iterations = 0;
  let text = "";
  while (!(residual <= target)) {
    if (!Number.isFinite(residual)) {
      text = `stopped: ‖F‖ = ${residual} at the starting point; start where F is finite`;
    } else if (iterations >= maxIterations) {
      text = `stalled: residual ${short(residual)} > ${short(target)} after ${iterations} Newton steps; raise maxIterations or start closer`;
    } else if (signal?.aborted) {
      text = `stopped: aborted after ${iterations} Newton steps at residual ${short(residual)}`;
    }
    if (text !== "") break;

    space.assign(f, minusF);
    space.scale(-1, minusF);
    const solve = await gmres({
      space,
      apply: (v, out) => jacobian(x, v, out),
      rhs: minusF,
      preconditioner: await options.preconditioner?.(x),
      tolerance: eta,
      maxIterations: maxLinearIterations,
      restart,
      workspace,
      signal,
    });
    if (signal?.aborted) continue;
    const d = solve.solution;
    // The decrease that was really bought, should GMRES have stalled above η.
    const reached = Math.max(eta, solve.residual / norm);
    let lambda = 1;
    let next = NaN;
    let accepted = false;
    for (let halving = 0; halving < 40 && !accepted; halving++) {
      move(x, lambda, d, trial);
      let shrink = 0.5;
      if (await admissible(trial)) {
        await evaluate(trial, fTrial);
        next = await space.norm(fTrial);
        accepted =
          iterations < overshoot.steps
            ? next <= overshoot.factor * norm
            : next <= (1 - 1e-4 * lambda * Math.max(0, 1 - reached)) * norm && next < norm;
        if (!accepted && Number.isFinite(next)) {
          // Minimum of the parabola through ‖F‖² at 0 (slope −2‖F‖²) and at λ.
          const parabola = norm ** 2 / (next ** 2 - norm ** 2 * (1 - 2 * lambda)) / lambda;
          shrink = Math.min(0.5, Math.max(0.1, lambda * parabola));
        }
      }
      if (!accepted) lambda *= shrink;
    }
    if (!accepted) {
      text = `stalled: no step along the Newton direction lowers the residual ${short(residual)} (${solve.status.converged ? "linear solve converged" : solve.status.text}); check the Jacobian, give a preconditioner or start closer`;
      break;
    }
    // A full step that buys next to nothing may jump from one side of a kink to the other, as it does for sgn x √|x|: try half of it.
    if (lambda === 1 && next > 0.9 * norm) {
      move(x, 0.5, d, minusF);
      if (await admissible(minusF)) {
        const half = space.zeros();
        await evaluate(minusF, half);
        const nearer = await space.norm(half);
        if (nearer < 0.9 * next) {
          space.assign(minusF, trial);
          space.assign(half, fTrial);
          next = nearer;
          lambda = 0.5;
        }
      }
    }
    space.assign(trial, x);
    space.assign(fTrial, f);
    residual = await measure(f);
    if (forcing === undefined) {
      const safeguard = 0.9 * eta ** 2;
      const choice = 0.9 * (next / norm) ** 2;
      eta = Math.min(largestForcing, safeguard > 0.1 ? Math.max(choice, safeguard) : choice);
      // No more accuracy than the last step needs (Kelley 1995, eq. 6.20).
      eta = Math.min(largestForcing, Math.max(eta, (0.5 * target) / residual, 1e-14));
    }
    norm = next;
    iterations++;
    values.push(residual);
    linear.push(solve.iterations);
    steps.push(lambda);
    onIteration?.(iterations, residual);
  }
  return {
    solution: x,
    status: statusOf(text, residual, target, `${iterations} Newton steps`),
    residual,
    iterations,
    history: historyOf("residual", values),
    linearIterations: historyOf("linear iterations", linear),
    steps: historyOf("step length", steps),
  };
}

// F′(x) v ≈ (F(x + εv) − F(x))/ε, with −ε where x + εv is not admitted; `f` holds F(x).
function differenced<V>(
  space: VectorSpace<V>,
  evaluate: Apply<V>,
  admissible: (x: V) => Eventually<boolean>,
  f: V,
): (x: V, v: V, out: V) => Promise<void> {
  const moved = space.zeros();
  return async (x, v, out) => {
    const size = await space.norm(v);
    if (size === 0) {
      space.scale(0, out);
      return;
    }
    let step = (Math.sqrt(Number.EPSILON) * (1 + (await space.norm(x)))) / size;
    space.assign(x, moved);
    space.axpy(step, v, moved);
    if (!(await admissible(moved))) {
      step = -step;
      space.assign(x, moved);
      space.axpy(step, v, moved);
    }
    await evaluate(moved, out);
    space.axpy(-1, f, out);
    space.scale(1 / step, out);
  };
}
