export * from "./cloud.js";
export * from "./density.js";
export * from "./distribution.js";
export * from "./divergence.js";
