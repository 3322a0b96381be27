export * from "./arbitraries.js";
export * from "./convergence.js";
export * from "./flow.js";
export * from "./game.js";
export * from "./law.js";
export * from "./straightness.js";
export * from "./verify.js";
export * from "./well-posedness.js";
