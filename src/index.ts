export * from "./error.js";
