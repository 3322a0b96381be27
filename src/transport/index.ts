export * from "./cost.js";
export * from "./kernels.cpu.js";
export * from "./kernels.js";
export * from "./problem.js";
export * from "./transform.js";
export * from "./transport.js";
