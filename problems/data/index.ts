// Data that catalogue problems are made of.
export * from "./old-faithful.js";
