// Fixed points x = g(x), damped and Anderson-accelerated: f_k = g(x_k) − x_k, differences ΔF = (f_{k−m+1} − f_{k−m}, …), ΔX alike,
//   γ = argmin ‖f_k − ΔF γ‖² + ridge Σ ‖ΔF_i‖² γ_i²,     x_{k+1} = x_k + β f_k − (ΔX + β ΔF) γ.
// Window m = 0 is the damped Picard iteration x ← x + β f. On linear g with β = 1 and a window that is never full, x_{k+1} = g(kth GMRES iterate
// for x − g(x) = 0) (Walker & Ni 2011, th. 2.2). The combination is affine: what is linear in x and equal in all iterates (mass) is kept.
// Least squares by normal equations with columns of length 1: γ is good to the square of their condition number, f_k is always true.
// Safeguards: history is dropped when ‖f‖ grows beyond `growth` times the least since the last drop; a step to a point that is not
// admitted (a negative density) is drawn back towards the damped step.
// References: Anderson 1965 (key anderson1965iterative); Walker, Ni 2011 (key walker2011anderson).
import { demand } from "../error.js";
import { short } from "../short.js";
import { historyOf } from "../solution/index.js";
import { demandIteration, type IterationOptions, type IterativeResult, statusOf } from "./result.js";
import type { Apply, Eventually, VectorSpace } from "./vector-space.js";

/** What {@link anderson} takes. */
export interface AndersonOptions<V> extends Omit<IterationOptions, "onIteration"> {
  readonly space: VectorSpace<V>;
  /** out ← g(x). */
  readonly map: Apply<V>;
  /** Starting point, admissible. It is not changed. */
  readonly initial: V;
  /** Differences kept, integer ≥ 0; 0 = damped Picard. Default 5. */
  readonly window?: number;
  /** β ∈ (0, 1]; default 1. */
  readonly damping?: number;
  /** Tikhonov weight ≥ 0, relative to the columns; default 1e-14. */
  readonly ridge?: number;
  /** Factor > 1 by which the residual may grow before the history is dropped; default 4. */
  readonly growth?: number;
  /** `false` where g must not be evaluated; default everywhere `true`. */
  readonly admissible?: (x: V) => Eventually<boolean>;
  /** Called with x and ‖g(x) − x‖ after each evaluation of g; a promise is awaited, what it throws ends the iteration. `x` must not be changed. */
  readonly onIteration?: (iteration: number, residual: number, x: V) => Eventually<void>;
}

/** What came out of {@link anderson}. */
export interface AndersonResult<V> extends IterativeResult<V> {
  /** Times that the history was dropped. */
  readonly restarts: number;
  /** Steps that were drawn back to be admitted. */
  readonly shortened: number;
}

/**
 * Solves x = g(x) by damped, Anderson-accelerated iteration.
 *
 * @param options.tolerance stop at ‖g(x) − x‖ ≤ tolerance · ‖g(x₀) − x₀‖; default 1e-10
 * @param options.absolute or at ‖g(x) − x‖ ≤ absolute; default 0
 * @param options.maxIterations steps; default 200
 * @returns x, its undamped residual ‖g(x) − x‖, its history, and why it stopped; never throws for lack of convergence
 * @throws UsageError when an option makes no sense or the starting point is not admitted
 *
 * *Notes*: memory is 2 · window + 5 vectors. A window larger than a tenth of the unknowns, or than the iterations left, is wasted.
 *
 * *Good values*: window 5 with damping 1 for contractions; damping 0.5 and window 5–10 where plain iteration oscillates.
 *
 * *References*: anderson1965iterative, walker2011anderson
 */
export async function anderson<V>(options: AndersonOptions<V>): Promise<AndersonResult<V>> {
  const where = "anderson";
  const { space, map, window = 5, damping = 1, ridge = 1e-14, growth = 4, signal } = options;
  const { tolerance = 1e-10, absolute = 0, maxIterations = 200 } = options;
  const admissible = options.admissible ?? (() => true);
  demandIteration(where, tolerance, absolute, maxIterations);
  demand(
    Number.isInteger(window) && window >= 0,
    where,
    "window",
    "be an integer ≥ 0",
    window,
    "Use window: 5 to start",
  );
  demand(damping > 0 && damping <= 1, where, "damping", "lie in (0, 1]", damping, "Use damping: 1 to start");
  demand(ridge >= 0 && Number.isFinite(ridge), where, "ridge", "be a finite number ≥ 0", ridge, "Use ridge: 1e-14");
  demand(growth > 1, where, "growth", "be > 1", growth, "Use growth: 4, or Infinity for no safeguard");
  demand(
    await admissible(options.initial),
    where,
    "admissible(initial)",
    "be true",
    false,
    "Start inside the set where the map makes sense",
  );
  const x = space.copy(options.initial);
  const f = space.zeros();
  const last = space.zeros();
  const lastF = space.zeros();
  const step = space.zeros();
  // Newest last. Gram matrix of ΔF, in the same order.
  let dX: V[] = [];
  let dF: V[] = [];
  let gram: number[][] = [];
  const spare: V[] = [];
  const drop = (count: number): void => {
    spare.push(...dX.slice(0, count), ...dF.slice(0, count));
    dX = dX.slice(count);
    dF = dF.slice(count);
    gram = gram.slice(count).map((row) => row.slice(count));
  };
  const difference = (a: V, b: V): V => {
    const out = spare.pop() ?? space.zeros();
    space.assign(a, out);
    space.axpy(-1, b, out);
    return out;
  };

  const values: number[] = [];
  let target = Infinity;
  let least = Infinity;
  let restarts = 0;
  let shortened = 0;
  let iterations = 0;
  let text = "";
  for (;;) {
    await map(x, f);
    space.axpy(-1, x, f);
    const residual = await space.norm(f);
    values.push(residual);
    await options.onIteration?.(iterations, residual, x);
    if (iterations === 0) target = Math.max(tolerance * residual, absolute);
    if (residual <= target) break;
    if (!Number.isFinite(residual))
      text = `stopped: residual ${residual} after ${iterations} iterations; lower the damping or start closer`;
    else if (iterations >= maxIterations)
      text = `stalled: residual ${short(residual)} > ${short(target)} after ${iterations} iterations; raise maxIterations, lower the damping or start closer`;
    else if (signal?.aborted) text = `stopped: aborted after ${iterations} iterations at residual ${short(residual)}`;
    if (text !== "") break;

    if (iterations > 0 && window > 0) {
      if (residual > growth * least) {
        drop(dX.length);
        restarts++;
        least = residual;
      } else {
        if (dX.length === window) drop(1);
        dX.push(difference(x, last));
        dF.push(difference(f, lastF));
        const row = await space.dots(dF, dF[dF.length - 1]);
        gram.forEach((r, i) => {
          r.push(row[i]);
        });
        gram.push(row);
      }
    }
    least = Math.min(least, residual);
    space.assign(x, last);
    space.assign(f, lastF);

    // The correction −(ΔX + βΔF)γ on top of the damped step.
    space.scale(0, step);
    if (dX.length > 0) {
      const gamma = leastSquares(gram, await space.dots(dF, f), ridge);
      for (let i = 0; i < gamma.length; i++) {
        space.axpy(-gamma[i], dX[i], step);
        space.axpy(-damping * gamma[i], dF[i], step);
      }
    }
    space.axpy(damping, f, x);
    if (dX.length > 0) {
      let share = 1;
      space.axpy(1, step, x);
      while (!(await admissible(x)) && share > 0) {
        if (share === 1) shortened++;
        const next = share > 0.1 ? share / 2 : 0;
        space.axpy(next - share, step, x);
        share = next;
      }
    }
    if (!(await admissible(x))) {
      space.assign(last, x);
      text = `stopped: the damped step from residual ${short(residual)} after ${iterations} iterations leaves the set where the map makes sense; lower the damping`;
      break;
    }
    iterations++;
  }
  const residual = values[values.length - 1];
  return {
    solution: x,
    status: statusOf(text, residual, target, `${iterations} iterations`),
    residual,
    iterations,
    history: historyOf("residual", values),
    restarts,
    shortened,
  };
}

/**
 * γ = argmin ‖f − Σ γᵢ aᵢ‖² + ridge Σ ‖aᵢ‖² γᵢ² from the Gram matrix ⟨aᵢ, aⱼ⟩ and ⟨aᵢ, f⟩, by Cholesky's method from the newest column
 * back; a column that depends on newer ones to round-off gets 0.
 */
function leastSquares(gram: readonly (readonly number[])[], rhs: readonly number[], ridge: number): Float64Array {
  const n = rhs.length;
  const size = gram.map((row, i) => Math.sqrt(row[i]));
  const used: number[] = [];
  const lower: Float64Array[] = [];
  const y: number[] = [];
  for (let i = n - 1; i >= 0; i--) {
    if (!(size[i] > 0)) continue;
    const row = new Float64Array(used.length + 1);
    let pivot = 1 + ridge;
    let right = rhs[i] / size[i];
    for (let j = 0; j < used.length; j++) {
      let sum = gram[i][used[j]] / (size[i] * size[used[j]]);
      for (let l = 0; l < j; l++) sum -= row[l] * lower[j][l];
      row[j] = sum / lower[j][j];
      pivot -= row[j] ** 2;
      right -= row[j] * y[j];
    }
    if (!(pivot > 4 * Number.EPSILON)) continue;
    row[used.length] = Math.sqrt(pivot);
    y.push(right / row[used.length]);
    used.push(i);
    lower.push(row);
  }
  const gamma = new Float64Array(n);
  for (let j = used.length - 1; j >= 0; j--) {
    let sum = y[j];
    for (let l = j + 1; l < used.length; l++) sum -= lower[l][j] * gamma[used[l]] * size[used[l]];
    gamma[used[j]] = sum / lower[j][j] / size[used[j]];
  }
  return gamma;
}
