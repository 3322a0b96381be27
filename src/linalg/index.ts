// Linear and nonlinear systems: iterative methods over a VectorSpace, direct line solves, transforms.
export * from "./anderson.js";
export * from "./banded.js";
export * from "./basis.js";
export * from "./cholesky.js";
export * from "./conjugate-gradient.js";
export * from "./field-transform.js";
export * from "./fourier.js";
export * from "./gmres.js";
export * from "./heat.js";
export * from "./helmholtz.js";
export * from "./multigrid.js";
export * from "./newton.js";
export * from "./primal-dual.js";
export type { IterationOptions, IterativeResult } from "./result.js";
export * from "./stencil.js";
export * from "./tridiagonal.js";
export * from "./vector-space.js";
