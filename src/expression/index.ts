// Expressions: text → one syntax tree → functions and derivatives.
export * from "./bounds.js";
export * from "./compile.js";
export * from "./erf.js";
export type { BinaryOperator, FunctionName, Node as ExpressionNode } from "./node.js";
