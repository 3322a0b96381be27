// Kullback–Leibler divergence of two densities on one grid:  KL(p‖q) = ∫ p log(p/q) − p + q dx  by the grid's quadrature.
// For equal masses this is ∫ p log(p/q); it is ≥ 0 for any masses, and +∞ where q = 0 < p.
import { demand } from "../error.js";
import type { Density } from "./density.js";

/**
 * KL(p‖q) on a common grid.
 *
 * @param p values ≥ 0
 * @param q values ≥ 0 on an equal grid
 * @returns the divergence in nats, ≥ 0, possibly Infinity
 * @throws UsageError when the grids differ or a value is negative
 */
export function relativeEntropy(p: Density, q: Density): number {
  const where = "relativeEntropy";
  const same =
    p.grid.dimension === q.grid.dimension &&
    p.grid.axes.every((axis, a) => {
      const other = q.grid.axes[a];
      return (
        axis.lower === other.lower &&
        axis.upper === other.upper &&
        axis.points === other.points &&
        axis.boundary === other.boundary
      );
    });
  demand(same, where, "q", "lie on the grid of p", q.grid.shape, "Interpolate one density to the grid of the other");
  let sum = 0;
  for (let k = 0; k < p.values.length; k++) {
    const x = p.values[k];
    const y = q.values[k];
    if (!(x >= 0 && y >= 0))
      demand(
        false,
        where,
        `values[${k}]`,
        "be non-negative",
        x >= 0 ? y : x,
        "Repair the density first: nothing is clipped here",
      );
    sum += x === 0 ? y : x * Math.log(x / y) - x + y;
  }
  return sum * p.grid.cellVolume;
}
