// Neural solvers: potentials and critics as networks.
export * from "./gradient-flow.js";
export * from "./mean-field-game.js";
export * from "./proximal-flow.js";
export * from "./proximal-flow-dual.js";
