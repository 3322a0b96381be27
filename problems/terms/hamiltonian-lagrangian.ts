// The running cost of moving at the optimal velocity: with v* = −∂ₚH(x, p, m) the supremum in L(x, v) = sup_p (−p·v − H) is
// attained at p, so that L(x, v*, m) = p·∂ₚH − H.
import type { HamiltonianJet } from "./hamiltonian.js";

/**
 * L at v* = −∂ₚH.
 *
 * @param p d columns
 * @param jet H's jet at p, at least of order 1
 * @param out length n; may be `jet.value`
 */
export function lagrangian(
  p: readonly Float64Array[],
  jet: HamiltonianJet,
  out: Float64Array = new Float64Array(jet.value.length),
): Float64Array {
  for (let i = 0; i < out.length; i++) out[i] = -jet.value[i];
  p.forEach((q, a) => {
    const g = jet.gradient[a];
    for (let i = 0; i < out.length; i++) out[i] += q[i] * g[i];
  });
  return out;
}
