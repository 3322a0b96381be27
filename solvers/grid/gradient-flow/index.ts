// Grid solvers of Wasserstein gradient flows.
export * from "./energy-on-cells.js";
export * from "./grid-transport.js";
export * from "./jko.js";
export * from "./lipschitz-flow.js";
export * from "./porous-medium.js";
export { type GradientFlowSolution, type GradientFlowSolutionParts, gradientFlowSolution } from "./solution.js";
export * from "./super-time-stepping.js";
export * from "./upwind-step.js";
