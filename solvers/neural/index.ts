// Neural solvers: potentials and critics as networks.
export * from "./proximal-flow.js";
export * from "./proximal-flow-dual.js";
