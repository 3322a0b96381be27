// Laws, densities, clouds, and how far apart they are.
export * from "./cloud.js";
export * from "./density.js";
export * from "./description.js";
export * from "./distribution.js";
export * from "./divergence.js";
export * from "./toy.js";
