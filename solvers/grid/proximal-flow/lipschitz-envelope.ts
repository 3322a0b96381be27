// Largest L-Lipschitz function below ψ on the nodes: the inf-convolution with a cone,
//   φᵢ = minⱼ ψⱼ + L|xᵢ − xⱼ|,   |φᵢ − φₖ| ≤ L|xᵢ − xₖ| for every pair of nodes (triangle inequality).
// Scheme: on a line one sweep to the right and one to the left, O(n); in the plane the exact Euclidean minimum by branch and
// bound over tiles (min-plus.ts). No eikonal stencil, hence no error of its own: on the nodes it is exact.
// Reference: McShane 1934 (key mcshane1934extension).
import type { Grid } from "../../../src/grid/index.js";
import { latticeCost, minPlus, tiling } from "./min-plus.js";

/**
 * The L-Lipschitz envelope of node values.
 *
 * @param g grid in one or two dimensions
 * @param psi values at the nodes; +∞ is allowed, but not everywhere
 * @param lipschitz L > 0, finite
 * @returns φ ≤ ψ at the nodes
 *
 * *References*: mcshane1934extension
 */
export function lipschitzEnvelope(g: Grid, psi: Float64Array, lipschitz: number): Float64Array {
  if (g.dimension === 1) {
    const phi = psi.slice();
    const rise = lipschitz * g.axes[0].spacing;
    for (let i = 1; i < phi.length; i++) phi[i] = Math.min(phi[i], phi[i - 1] + rise);
    for (let i = phi.length - 2; i >= 0; i--) phi[i] = Math.min(phi[i], phi[i + 1] + rise);
    return phi;
  }
  const cone = latticeCost(g, (r) => lipschitz * r);
  const everywhere = tiling(cone, new Uint8Array(g.size).fill(1));
  const finite = tiling(
    cone,
    psi.map((v) => (v < Infinity ? 1 : 0)),
  );
  return minPlus(cone, everywhere, finite, psi, new Float64Array(g.size));
}
