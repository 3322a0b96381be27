// Every solver of the package: a factory with one options object each.
export * from "./grid/index.js";
export * from "./neural/index.js";
export * from "./particle/index.js";
