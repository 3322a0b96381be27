// Expressions: text → one syntax tree → functions and derivatives.
export * from "./compile.js";
export * from "./erf.js";
export type { BinaryOperator, FunctionName, Node } from "./node.js";
export { print } from "./node.js";
