// Uniform grids in one to three dimensions. This room owns the end-point rule of every kind of axis.
export * from "./axis.js";
export * from "./cells.js";
export * from "./deposit.js";
export * from "./difference.js";
export * from "./domain.js";
export * from "./grid.js";
export { type Interpolation, interpolate, interpolateGradient } from "./interpolate.js";
export * from "./quadrature.js";
