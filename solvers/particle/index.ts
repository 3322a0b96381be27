// Particle solvers: clouds that move along characteristics.
export * from "./agents.js";
export * from "./cloud-descent.js";
export * from "./gradient-flow.js";
export * from "./mean-field-game.js";
export * from "./proximal-flow.js";
