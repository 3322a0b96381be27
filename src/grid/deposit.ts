// Deposition of a cloud onto a grid: mᵢ = (1/|cell|) Σₖ wₖ ωᵢ(xₖ), ωᵢ the multilinear hat of node i ("cloud in cell").
// It is the adjoint of linear interpolation: ∫ m u dx = Σₖ wₖ u(xₖ) for the linear interpolant of every field u, so mass
// is exact (u = 1), and with it the mean away from walls.
// Reference: Hockney & Eastwood (1988), Computer Simulation Using Particles, §5.2 (key hockney1988computer). Positive.
import { demand } from "../error.js";
import type { Cloud, Density } from "../measure/index.js";
import type { Grid } from "./grid.js";
import { spread } from "./interpolate.js";

/**
 * Density of a cloud on a grid by multilinear deposition.
 *
 * @param cloud points in the grid's dimension
 * @returns density with the cloud's mass to round-off, non-negative
 * @throws UsageError when the dimensions differ
 *
 * *Notes*: a point beyond a periodic or no-flux end is folded back. A dirichlet wall absorbs: what a point between the
 * last node and the wall (or beyond it) gives to the wall is missing from the mass, as in the equation.
 *
 * *References*: hockney1988computer
 */
export function deposit(g: Grid, cloud: Cloud): Density {
  demand(
    cloud.dimension === g.dimension,
    "deposit",
    "cloud",
    `have the grid's dimension ${g.dimension}`,
    cloud.dimension,
    "Project the points first",
  );
  const values = new Float64Array(g.size);
  const scale = 1 / (cloud.weights === null ? cloud.count * g.cellVolume : g.cellVolume);
  spread(g, cloud.points, cloud.weights, scale, values);
  return { kind: "density", grid: g, values };
}
