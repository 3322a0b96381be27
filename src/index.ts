// The front door of the package: solve, verify, convergence, compare, and the rooms a user builds with. Problems and
// solvers have doors of their own, meanfield/problems and meanfield/solvers.

export { type DeviceRequest, type DeviceUse, inspectDevice, openDevice } from "./device/index.js";
export * from "./error.js";
export * from "./expression/index.js";
export * from "./grid/index.js";
export * from "./io/index.js";
export * from "./linalg/index.js";
export * from "./measure/index.js";
export * from "./problem.js";
export * from "./random/index.js";
export * from "./report/index.js";
export * from "./solution/index.js";
export * from "./solve.js";
export * from "./solver.js";
export * from "./transport/index.js";
export * from "./verify/index.js";
export { version } from "./version.js";
