// Quadrature on a grid: ∫ u dx ≈ h₁…h_d Σ u at the nodes.
// It is the midpoint rule on periodic and no-flux axes and the trapezoidal rule with zero wall values on dirichlet axes:
// second order, and spectrally accurate on periodic axes. It is the sum that the divergence conserves.
// Sums are compensated (Neumaier 1974), so that mass is exact to round-off at any size.
import type { Density } from "../measure/index.js";
import { demandField, type Grid } from "./grid.js";

/**
 * Integral of a field, `cellVolume · Σ u`.
 *
 * @param u field at the nodes
 * @throws UsageError when the length does not fit the grid
 */
export function integrate(g: Grid, u: Float64Array): number {
  demandField(g, u, "integrate", "u");
  let sum = 0;
  let lost = 0;
  for (let k = 0; k < u.length; k++) {
    const x = u[k];
    const t = sum + x;
    lost += Math.abs(sum) >= Math.abs(x) ? sum - t + x : x - t + sum;
    sum = t;
  }
  // An overflow or NaN makes the correction NaN; the plain sum then says more.
  return g.cellVolume * (Number.isFinite(sum) ? sum + lost : sum);
}

/** Mass of a density, the integral of its values; never renormalised. */
export function mass(density: Density): number {
  return integrate(density.grid, density.values);
}
