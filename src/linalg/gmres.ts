// Restarted GMRES(m) for A x = b, any invertible A, preconditioned from the right: min ‖b − A M⁻¹ u‖ over a Krylov space,
// x = M⁻¹ u. Right preconditioning leaves the residual undamped: the Givens recursion estimates ‖b − A x‖ itself, and it
// is formed anew at each restart and at the end.
// Orthogonalisation: classical Gram–Schmidt twice (Giraud et al. 2005), which is as good as Householder to round-off and
// needs two batched read-backs a step instead of one a basis vector. Memory: m + 1 vectors.
// Reference: Saad & Schultz 1986 (key saad1986gmres); Saad 2003, alg. 9.5 (key saad2003iterative).
import { demand } from "../error.js";
import { demandIteration, historyOf, type IterationOptions, type IterativeResult, short } from "./result.js";
import type { Apply, VectorSpace } from "./vector-space.js";

/** What {@link gmres} takes. */
export interface GmresOptions<V> extends IterationOptions {
  readonly space: VectorSpace<V>;
  /** out ← A x. */
  readonly apply: Apply<V>;
  /** b. */
  readonly rhs: V;
  /** Starting point; default 0. It is not changed. */
  readonly initial?: V;
  /** out ← M⁻¹ x, applied from the right; default the identity. */
  readonly preconditioner?: Apply<V>;
  /** Basis vectors m before a restart, integer ≥ 1; default 30. */
  readonly restart?: number;
}

/**
 * Solves A x = b by restarted GMRES with a right preconditioner.
 *
 * @param options.tolerance stop at ‖b − A x‖ ≤ tolerance · ‖b‖; default 1e-10
 * @param options.absolute or at ‖b − A x‖ ≤ absolute; default 0
 * @param options.maxIterations inner steps altogether; default 1000
 * @returns solution, true residual, history, and why it stopped; never throws for lack of convergence
 * @throws UsageError when a tolerance, maxIterations or restart makes no sense
 *
 * *Notes*: a cycle that lowers the true residual by less than a thousandth counts as stalled.
 *
 * *Good values*: restart 30; 50–100 for convection-dominated systems.
 *
 * *References*: saad1986gmres, saad2003iterative, giraud2005rounding
 */
export async function gmres<V>(options: GmresOptions<V>): Promise<IterativeResult<V>> {
  const { space, apply, rhs, preconditioner, signal, onIteration } = options;
  const { tolerance = 1e-10, absolute = 0, maxIterations = 1000, restart = 30 } = options;
  demandIteration("gmres", tolerance, absolute, maxIterations);
  demand(
    Number.isInteger(restart) && restart >= 1,
    "gmres",
    "restart",
    "be an integer ≥ 1",
    restart,
    "Use restart: 30 to start",
  );
  const x = options.initial === undefined ? space.zeros() : space.copy(options.initial);
  const r = space.zeros();
  const w = space.zeros();
  const target = Math.max(tolerance * (await space.norm(rhs)), absolute);
  const basis: V[] = [];
  const cosine = new Float64Array(restart);
  const sine = new Float64Array(restart);
  const g = new Float64Array(restart + 1);
  const upper: Float64Array[] = [];

  const trueResidual = async (): Promise<number> => {
    await apply(x, r);
    space.scale(-1, r);
    space.axpy(1, rhs, r);
    return space.norm(r);
  };

  let residual = await trueResidual();
  const values = [residual];
  let iterations = 0;
  let text = "";
  while (residual > target || !Number.isFinite(residual)) {
    if (!Number.isFinite(residual)) {
      text = `stopped: residual ${residual} after ${iterations} iterations; check the operator and the right-hand side for NaN`;
      break;
    }
    if (signal?.aborted) {
      text = `stopped: aborted after ${iterations} iterations at residual ${short(residual)}`;
      break;
    }
    const before = residual;
    g.fill(0);
    g[0] = residual;
    let k = 0;
    let estimate = residual;
    let breakdown = false;
    place(space, basis, 0, r, 1 / residual);
    while (k < restart && estimate > target && !breakdown && iterations < maxIterations && !signal?.aborted) {
      if (preconditioner === undefined) await apply(basis[k], r);
      else {
        await preconditioner(basis[k], w);
        await apply(w, r);
      }
      const size = await space.norm(r);
      const column = new Float64Array(k + 2);
      const known = basis.slice(0, k + 1);
      for (let pass = 0; pass < 2; pass++) {
        const h = await space.dots(known, r);
        for (let i = 0; i <= k; i++) {
          space.axpy(-h[i], basis[i], r);
          column[i] += h[i];
        }
      }
      const rest = await space.norm(r);
      column[k + 1] = rest;
      // The Krylov space is invariant: nothing but round-off is left.
      breakdown = !(rest > 1e-14 * size);
      if (!breakdown) place(space, basis, k + 1, r, 1 / rest);
      for (let i = 0; i < k; i++) {
        const a = column[i];
        column[i] = cosine[i] * a + sine[i] * column[i + 1];
        column[i + 1] = cosine[i] * column[i + 1] - sine[i] * a;
      }
      const radius = Math.hypot(column[k], column[k + 1]);
      cosine[k] = radius === 0 ? 1 : column[k] / radius;
      sine[k] = radius === 0 ? 0 : column[k + 1] / radius;
      column[k] = radius;
      g[k + 1] = -sine[k] * g[k];
      g[k] *= cosine[k];
      upper[k] = column;
      k++;
      iterations++;
      estimate = Math.abs(g[k]);
      values.push(estimate);
      onIteration?.(iterations, estimate);
    }
    // x += M⁻¹ Σ yᵢ vᵢ with R y = g; a zero pivot (A singular on the space) leaves its direction out.
    const y = new Float64Array(k);
    for (let i = k - 1; i >= 0; i--) {
      let sum = g[i];
      for (let j = i + 1; j < k; j++) sum -= upper[j][i] * y[j];
      y[i] = Math.abs(upper[i][i]) > 1e-14 * Math.abs(upper[0][0]) ? sum / upper[i][i] : 0;
    }
    space.scale(0, r);
    for (let i = 0; i < k; i++) space.axpy(y[i], basis[i], r);
    if (preconditioner === undefined) space.axpy(1, r, x);
    else {
      await preconditioner(r, w);
      space.axpy(1, w, x);
    }
    residual = await trueResidual();
    values[values.length - 1] = residual;
    if (residual <= target || !Number.isFinite(residual) || signal?.aborted) continue;
    if (iterations >= maxIterations) {
      text = `stalled: residual ${short(residual)} > ${short(target)} after ${iterations} iterations; raise maxIterations or give a preconditioner`;
      break;
    }
    if (!(residual < 0.999 * before)) {
      text = breakdown
        ? `stopped: residual ${short(residual)} and the Krylov space is exhausted after ${iterations} iterations; the operator is singular, check the right-hand side for consistency`
        : `stalled: residual ${short(residual)} > ${short(target)}, a cycle of ${k} steps no longer lowers it; raise restart, give a preconditioner or loosen the tolerance`;
      break;
    }
  }
  const converged = text === "";
  return {
    solution: x,
    status: {
      converged,
      text: converged
        ? `converged: residual ${short(residual)} ≤ ${short(target)} after ${iterations} iterations`
        : text,
    },
    residual,
    iterations,
    history: historyOf("residual", values),
  };
}

// basis[k] ← a v, reusing the vector that stands there from an earlier cycle.
function place<V>(space: VectorSpace<V>, basis: V[], k: number, v: V, a: number): void {
  if (k === basis.length) basis.push(space.copy(v));
  else space.assign(v, basis[k]);
  space.scale(a, basis[k]);
}
