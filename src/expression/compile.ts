// An expression: text → one syntax tree → a JavaScript function of named variables, scalar and by columns, with its derivatives.
// The whitelisted tree alone is printed as JavaScript (user's names never are) and compiled once by `new Function`; nothing is
// interpreted in a loop. The same tree is what WGSL and tensor ops are printed from.
import { demand, usageError } from "../error.js";
import { differentiate } from "./derivative.js";
import { erf } from "./erf.js";
import { CONSTANTS, FUNCTIONS, heaviside } from "./functions.js";
import { contains, literal, type Node, print } from "./node.js";
import { parse } from "./parse.js";

/** A compiled expression. */
export interface Expression {
  /** The formula, printed from the tree. */
  readonly text: string;
  /** Argument order of `evaluate` and column order of `batch`. */
  readonly variables: readonly string[];
  /** Values of the constants and parameters that the tree may name. */
  readonly constants: Readonly<Record<string, number>>;
  readonly tree: Node;
  /**
   * Value at one point, one number for each variable, in their order.
   *
   * @throws UsageError when the value is NaN
   */
  evaluate(...values: number[]): number;
  /**
   * Values at n points.
   *
   * @param columns one array of length n for each variable, in their order
   * @param out where to write; default a new array of length n
   * @throws UsageError when columns do not fit or a value is NaN
   */
  batch(columns: readonly Float64Array[], out?: Float64Array): Float64Array;
  /**
   * The partial derivative by a variable, as an expression of the same variables.
   *
   * @throws UsageError when the name is not a variable, or the text jumps along it (`sign`, `heaviside`)
   */
  derivative(name: string): Expression;
}

type Scalar = (...values: number[]) => number;
type Batch = (columns: readonly Float64Array[], out: Float64Array) => number;

/**
 * Compiles an expression.
 *
 * Functions: sin cos tan asin acos atan atan2 sinh cosh tanh exp log sqrt abs min max pow sign heaviside erf. Constants: pi, e.
 *
 * @param text the formula, for example `"0.5*p1^2 + a*sin(2*pi*x)"`
 * @param variables names in the order of the arguments: letters and digits, a letter first
 * @param parameters named numbers the text may use
 * @returns the compiled expression
 * @throws UsageError when a name is taken or not allowed, or the text holds anything else than arithmetic on known names
 *
 * *Notes*: `log` is the natural logarithm; products need their `*`; at a kink |·|, min and max have the mean of both slopes, and
 * their second derivative is that of the smooth pieces. `heaviside(0) = ½`.
 *
 * @example
 * const h = compile("0.5*p1^2 + a*sin(2*pi*x)", ["x", "p1"], { a: 2 });
 * h.evaluate(0.25, 3); // 6.5
 * h.derivative("p1").text; // "p1"
 */
export function compile(
  text: string,
  variables: readonly string[],
  parameters: Readonly<Record<string, number>> = {},
): Expression {
  const names = [...variables, ...Object.keys(parameters)];
  names.forEach((name, i) => {
    const rule = "be letters and digits, a letter first, and no function, constant or name used twice";
    const taken = Object.hasOwn(FUNCTIONS, name) || Object.hasOwn(CONSTANTS, name) || name === "pow";
    const good = /^[A-Za-z][A-Za-z0-9]*$/.test(name) && !taken && names.indexOf(name) === i;
    demand(good, "expression", `${i < variables.length ? "variable" : "parameter"} name`, rule, name, "Rename it");
  });
  for (const [name, value] of Object.entries(parameters))
    demand(Number.isFinite(value), "expression", `parameter ${name}`, "be a finite number", value, "Give its value");
  const constants = { ...CONSTANTS, ...parameters };
  return build(parse(text, [...names, ...Object.keys(CONSTANTS)]), [...variables], constants, true);
}

/** `written`: the tree is a user's own text, not a derivative; only there do jumps forbid differentiation. */
function build(
  tree: Node,
  variables: readonly string[],
  constants: Readonly<Record<string, number>>,
  written: boolean,
): Expression {
  const text = print(tree);
  const body = javascript(tree, variables, constants);
  const bound = ["erf", "heaviside"];
  const args = variables.map((_, k) => `v${k}`);
  // body is printed from the whitelisted tree: numbers, v0 v1 …, operators and the functions of FUNCTIONS
  const scalar = new Function(...bound, `"use strict"; return (${args.join(", ")}) => ${body};`)(
    erf,
    heaviside,
  ) as Scalar;
  const columnsOf = args.map((v, k) => `const c${k} = columns[${k}]; let ${v};`).join(" ");
  const load = args.map((v, k) => `${v} = c${k}[i];`).join(" ");
  const loop = `${columnsOf} let bad = -1; for (let i = 0; i < out.length; i++) { ${load} const y = ${body}; out[i] = y; if (y !== y && bad < 0) bad = i; } return bad;`;
  const batch = new Function(...bound, `"use strict"; return (columns, out) => { ${loop} };`)(erf, heaviside) as Batch;
  const refuseNaN = (values: readonly number[]): never => {
    const point = variables.map((name, k) => `${name} = ${values[k]}`).join(", ");
    throw usageError(
      "expression",
      JSON.stringify(text),
      `have a real value at ${point === "" ? "every point" : point}`,
      Number.NaN,
      "Keep the point inside the formula's domain, or change the formula",
    );
  };
  return Object.freeze({
    text,
    variables,
    constants,
    tree,
    evaluate(...values) {
      demand(
        values.length === variables.length,
        "expression",
        "evaluate",
        `get ${variables.length} numbers (${variables.join(", ")})`,
        values.length,
        "Give one number for each variable, in their order",
      );
      const y = scalar(...values);
      return Number.isNaN(y) ? refuseNaN(values) : y;
    },
    batch(columns, out) {
      demand(
        columns.length === variables.length,
        "expression",
        "batch",
        `get ${variables.length} columns (${variables.join(", ")})`,
        columns.length,
        "Give one column for each variable, in their order",
      );
      const n = out?.length ?? columns[0]?.length ?? 0;
      for (const c of columns)
        demand(c.length === n, "expression", "columns", `have length ${n}`, c.length, "Give columns of one length");
      const values = out ?? new Float64Array(n);
      const bad = batch(columns, values);
      return bad < 0 ? values : refuseNaN(columns.map((c) => c[bad]));
    },
    derivative(name) {
      demand(
        variables.includes(name),
        "expression",
        "derivative",
        `be by one of ${variables.join(", ")}`,
        name,
        "Name a variable",
      );
      const jump = written ? jumpAlong(tree, name) : null;
      if (jump !== null)
        throw usageError(
          "expression",
          JSON.stringify(text),
          `be continuous in ${name} to be differentiated`,
          jump,
          "Smooth the jump, for example tanh(x/0.1)",
        );
      return build(differentiate(tree, name, [...variables, ...Object.keys(constants)]), variables, constants, false);
    },
  } satisfies Expression);
}

/** JavaScript of a tree: variable k is `vk`, constants and parameters are their numbers. */
function javascript(n: Node, variables: readonly string[], constants: Readonly<Record<string, number>>): string {
  const write = (a: Node): string => javascript(a, variables, constants);
  switch (n.kind) {
    case "number":
      return String(n.value);
    case "symbol": {
      const k = variables.indexOf(n.name);
      return k >= 0 ? `v${k}` : `(${constants[n.name]})`;
    }
    case "unary":
      return `(-${write(n.argument)})`;
    case "binary":
      if (n.operator !== "^") return `(${write(n.left)} ${n.operator} ${write(n.right)})`;
      // small whole powers of a variable as products: several times faster than pow
      if (n.left.kind === "symbol" && literal(n.right) === 2) return `(${write(n.left)} * ${write(n.left)})`;
      return `Math.pow(${write(n.left)}, ${write(n.right)})`;
    case "call":
      return `${FUNCTIONS[n.name].javascript}(${n.arguments.map(write).join(", ")})`;
  }
}

/** The first jumping call that depends on the variable, as text. */
function jumpAlong(n: Node, name: string): string | null {
  switch (n.kind) {
    case "number":
    case "symbol":
      return null;
    case "unary":
      return jumpAlong(n.argument, name);
    case "binary":
      return jumpAlong(n.left, name) ?? jumpAlong(n.right, name);
    case "call":
      if (FUNCTIONS[n.name].jumps && contains(n, name)) return print(n);
      return n.arguments.reduce<string | null>((found, a) => found ?? jumpAlong(a, name), null);
  }
}
