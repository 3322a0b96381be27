// Restarted GMRES(m) for A x = b, any invertible A, preconditioned from the right: min ‖b − A M⁻¹ u‖ over a Krylov space,
// x = M⁻¹ u. Right preconditioning leaves the residual undamped: the Givens recursion estimates ‖b − A x‖ itself, and it
// is formed anew at each restart and at the end.
// Orthogonalisation: classical Gram–Schmidt, a second time where the first left less than a tenth of the vector (Daniel et al.
// 1976; twice is enough, Giraud et al. 2005): batched read-backs instead of one a basis vector. Memory: m + 4 vectors.
// Reference: Saad & Schultz 1986 (key saad1986gmres); Saad 2003, alg. 9.5 (key saad2003iterative).
import { demand } from "../error.js";
import { short } from "../short.js";
import { historyOf } from "../solution/index.js";
import { demandIteration, type IterationOptions, type IterativeResult, statusOf } from "./result.js";
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
  /** Vectors to work in, added to as needed: solves that share the list allocate once. Their contents are lost. */
  readonly workspace?: V[];
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
 * *References*: saad1986gmres, saad2003iterative, giraud2005rounding, daniel1976reorthogonalization
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
  const workspace = options.workspace ?? [];
  while (workspace.length < 2) workspace.push(space.zeros());
  const [r, w] = workspace;
  const target = Math.max(tolerance * (await space.norm(rhs)), absolute);
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

  if (options.initial === undefined) space.assign(rhs, r);
  let residual = options.initial === undefined ? await space.norm(r) : await trueResidual();
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
    place(space, workspace, 0, r, 1 / residual);
    while (k < restart && estimate > target && !breakdown && iterations < maxIterations && !signal?.aborted) {
      const known = workspace.slice(2, k + 3);
      if (preconditioner === undefined) await apply(known[k], r);
      else {
        await preconditioner(known[k], w);
        await apply(w, r);
      }
      const size = await space.norm(r);
      const column = new Float64Array(k + 2);
      let rest = size;
      for (let pass = 0; pass < 2; pass++) {
        const h = await space.dots(known, r);
        addAll(
          space,
          h.map((value) => -value),
          known,
          r,
        );
        for (let i = 0; i <= k; i++) column[i] += h[i];
        rest = await space.norm(r);
        if (rest > 0.1 * size) break;
      }
      column[k + 1] = rest;
      // The Krylov space is invariant: nothing but round-off is left.
      breakdown = !(rest > 1e-14 * size);
      if (!breakdown) place(space, workspace, k + 1, r, 1 / rest);
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
    addAll(space, y, workspace.slice(2, k + 2), r);
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
  return {
    solution: x,
    status: statusOf(text, residual, target, `${iterations} iterations`),
    residual,
    iterations,
    history: historyOf("residual", values),
  };
}

// Basis vector k ← a v, in the place where one stands from an earlier cycle or solve.
function place<V>(space: VectorSpace<V>, workspace: V[], k: number, v: V, a: number): void {
  if (k + 2 === workspace.length) workspace.push(space.copy(v));
  else space.assign(v, workspace[k + 2]);
  space.scale(a, workspace[k + 2]);
}

function addAll<V>(space: VectorSpace<V>, a: ArrayLike<number>, xs: readonly V[], y: V): void {
  if (space.axpys !== undefined) space.axpys(a, xs, y);
  else for (let i = 0; i < xs.length; i++) space.axpy(a[i], xs[i], y);
}
