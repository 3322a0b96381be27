// Where numbers are crunched. WebGPU is loaded by dynamic import here and nowhere else.

export * from "./adapter.js";
export * from "./gpu.js";
export * from "./inspect.js";
export * from "./kernel.js";
export * from "./laplacian.js";
export * from "./open.js";
export * from "./random.js";
export * from "./reductions.cpu.js";
export * from "./reductions.js";
export * from "./tensor.js";
export * from "./use.js";
export * from "./vector-space.js";
