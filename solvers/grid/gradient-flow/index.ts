// Grid solvers of Wasserstein gradient flows.
export * from "./solution.js";
