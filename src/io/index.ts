// Files: npy, npz, csv, json, and writing them so that an interrupted run never leaves half a file.
export * from "./atomic.js";
export * from "./csv.js";
export * from "./json.js";
export * from "./npy.js";
export * from "./npz.js";
export * from "./stacked.js";
