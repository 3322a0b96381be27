// Counter-based random numbers: one seed gives one sequence, on every machine and device.
export * from "./generator.js";
export * from "./normal.js";
export * from "./threefry.js";
