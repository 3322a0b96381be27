// Grid solvers: what is solved on the nodes of a uniform grid.
export * from "./hopf-lax.js";
export * from "./lipschitz-envelope.js";
export * from "./proximal-flow.js";
export * from "./quadratic-spline.js";
