// Laws, densities, clouds, and how far apart they are.
export * from "./assignment.js";
export * from "./cloud.js";
export * from "./convert.js";
export * from "./density.js";
export * from "./density-estimate.js";
export * from "./description.js";
export * from "./discrepancy.js";
export * from "./distribution.js";
export * from "./divergence.js";
export * from "./function-basis.js";
export * from "./gaussian-distance.js";
export * from "./moments.js";
export * from "./relative-entropy.js";
export * from "./sinkhorn.js";
export * from "./toy.js";
export * from "./wasserstein.js";
