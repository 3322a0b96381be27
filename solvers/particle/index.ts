// Particle solvers: clouds that move along characteristics.
export * from "./proximal-flow.js";
