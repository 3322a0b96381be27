// Density: values of a Lebesgue density at the nodes of a grid; its mass is the grid quadrature of the values.
import type { Grid } from "../grid/index.js";

/** Density values at the grid's nodes, row-major in the grid's axis order. Mass = Σ value × cell volume. */
export interface Density {
  readonly kind: "density";
  readonly grid: Grid;
  readonly values: Float64Array;
}
