// Conjugate gradients for A x = b, A symmetric positive definite in the space's inner product.
//   α = ⟨r,z⟩/⟨p,Ap⟩,  x += α p,  r −= α A p,  z = M⁻¹ r,  β = ⟨r,z⟩₊/⟨r,z⟩,  p = z + β p
// Error in the A-norm falls by (√κ − 1)/(√κ + 1) a step; n steps suffice in exact arithmetic.
// The recursive r drifts from b − A x; when it claims success the true residual is formed, and the iteration goes on
// from it if the claim was wrong. Semidefinite A with a consistent b works too (started at 0: the minimum-norm solution).
// Reference: Hestenes & Stiefel 1952 (key hestenes1952methods); preconditioned: Saad 2003, alg. 9.1 (key saad2003iterative).
import { short } from "../short.js";
import { historyOf } from "../solution/index.js";
import { demandIteration, type IterationOptions, type IterativeResult, statusOf } from "./result.js";
import type { Apply, VectorSpace } from "./vector-space.js";

/** What {@link conjugateGradient} takes. */
export interface ConjugateGradientOptions<V> extends IterationOptions {
  readonly space: VectorSpace<V>;
  /** out ← A x. */
  readonly apply: Apply<V>;
  /** b. */
  readonly rhs: V;
  /** Starting point; default 0. It is not changed. */
  readonly initial?: V;
  /** out ← M⁻¹ x, symmetric positive definite; default the identity. */
  readonly preconditioner?: Apply<V>;
}

/**
 * Solves A x = b by preconditioned conjugate gradients.
 *
 * @param options.tolerance stop at ‖b − A x‖ ≤ tolerance · ‖b‖; default 1e-10
 * @param options.absolute or at ‖b − A x‖ ≤ absolute; default 0
 * @param options.maxIterations default 1000
 * @returns solution, true residual, history, and why it stopped; never throws for lack of convergence
 * @throws UsageError when a tolerance or maxIterations makes no sense
 *
 * *Notes*: stops with advice when ⟨p, Ap⟩ ≤ 0, which proves that A is not positive definite.
 *
 * *Good values*: tolerance 1e-10 alone, 1e-2 to 1e-4 inside Newton; a Helmholtz solve is a good preconditioner of
 * variable-coefficient diffusion.
 *
 * *References*: hestenes1952methods, saad2003iterative
 */
export async function conjugateGradient<V>(options: ConjugateGradientOptions<V>): Promise<IterativeResult<V>> {
  const { space, apply, rhs, preconditioner, signal, onIteration } = options;
  const { tolerance = 1e-10, absolute = 0, maxIterations = 1000 } = options;
  demandIteration("conjugateGradient", tolerance, absolute, maxIterations);
  const x = options.initial === undefined ? space.zeros() : space.copy(options.initial);
  const r = space.zeros();
  const q = space.zeros();
  const z = preconditioner === undefined ? r : space.zeros();
  const target = Math.max(tolerance * (await space.norm(rhs)), absolute);

  const trueResidual = async (): Promise<number> => {
    await apply(x, r);
    space.scale(-1, r);
    space.axpy(1, rhs, r);
    return space.norm(r);
  };

  let residual = await trueResidual();
  let proven = residual;
  const values = [residual];
  let iterations = 0;
  let p: V | null = null;
  let rz = 0;
  let text = "";
  while (text === "") {
    if (residual <= target) {
      // A claim of the recursion, unless nothing was done since the residual was last formed.
      const claim = residual;
      residual = iterations === 0 ? residual : await trueResidual();
      values[values.length - 1] = residual;
      if (residual <= target) break;
      if (!(residual < 0.5 * proven)) {
        text = `stalled at round-off: true residual ${short(residual)} while the recursion says ${short(claim)}; loosen the tolerance or precondition`;
        break;
      }
      proven = residual;
      p = null;
    }
    if (!Number.isFinite(residual)) {
      text = `stopped: residual ${residual} after ${iterations} iterations; check the operator and the right-hand side for NaN`;
    } else if (iterations >= maxIterations) {
      residual = await trueResidual();
      values[values.length - 1] = residual;
      if (residual <= target) break;
      text = `stalled: residual ${short(residual)} > ${short(target)} after ${iterations} iterations; raise maxIterations or give a preconditioner`;
    } else if (signal?.aborted) {
      text = `stopped: aborted after ${iterations} iterations at residual ${short(residual)}`;
    }
    if (text !== "") break;

    if (preconditioner !== undefined) await preconditioner(r, z);
    const rzNew = await space.dot(r, z);
    if (p === null) p = space.copy(z);
    else {
      space.scale(rzNew / rz, p);
      space.axpy(1, z, p);
    }
    rz = rzNew;
    await apply(p, q);
    const curvature = await space.dot(p, q);
    if (!(curvature > 0) || !(rz > 0)) {
      text = Number.isNaN(curvature + rz)
        ? `stopped: NaN after ${iterations} iterations; check the operator and the preconditioner`
        : !(rz > 0)
          ? `stopped: the preconditioner is not positive definite (⟨r, M⁻¹r⟩ = ${short(rz)}); use another one or none`
          : `stopped: the operator is not positive definite (⟨p, Ap⟩ = ${short(curvature)}); use gmres()`;
      break;
    }
    const alpha = rz / curvature;
    space.axpy(alpha, p, x);
    space.axpy(-alpha, q, r);
    residual = await space.norm(r);
    iterations++;
    values.push(residual);
    onIteration?.(iterations, residual);
  }
  if (text !== "") residual = await trueResidual();
  return {
    solution: x,
    status: statusOf(text, residual, target, `${iterations} iterations`),
    residual,
    iterations,
    history: historyOf("residual", values),
  };
}
