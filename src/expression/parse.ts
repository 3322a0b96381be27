// Text → syntax tree. mathjs reads the text once; only what the whitelist names is let through, and the result is our own tree.
//   precedence: −x² = −(x²),  2^3^2 = 2^(3²),  a/b/c = (a/b)/c;  pow(a, b) = a^b;  min(a, b, c) = min(min(a, b), c)
// Refused: every other symbol and function, implicit products (1/2x is ambiguous), assignments, function definitions, strings,
// arrays, ranges, conditionals, property access, several statements.
import { type MathNode, parse as parseMath } from "mathjs/number";
import { nearest, usageError } from "../error.js";
import { FUNCTIONS } from "./functions.js";
import { type BinaryOperator, binary, call, type FunctionName, type Node, negate, number, symbol } from "./node.js";

const BINARY = new Map<string, BinaryOperator>([
  ["add", "+"],
  ["subtract", "-"],
  ["multiply", "*"],
  ["divide", "/"],
  ["pow", "^"],
]);

/** How a refused piece of syntax is called in a message. */
const SYNTAX: Readonly<Record<string, string>> = {
  AssignmentNode: "an assignment",
  FunctionAssignmentNode: "a function definition",
  ArrayNode: "an array",
  ObjectNode: "an object",
  RangeNode: "a range",
  AccessorNode: "a property or index",
  IndexNode: "an index",
  ConditionalNode: "a condition",
  RelationalNode: "a comparison",
  BlockNode: "several statements",
};

/**
 * Parses an expression over the named symbols.
 *
 * @param text for example `"0.5*p1^2 + sin(2*pi*x)"`
 * @param symbols the names the text may use besides the functions
 * @returns the syntax tree, constants folded
 * @throws UsageError when the text is not an expression or uses anything outside the whitelist
 */
export function parse(text: string, symbols: readonly string[]): Node {
  if (typeof text !== "string" || text.trim() === "")
    throw usageError("expression", "text", "be a non-empty string", text, 'Write for example "0.5*p1^2"');
  let tree: MathNode;
  try {
    tree = parseMath(text);
  } catch (error) {
    const where = (error as Error).message;
    throw usageError("expression", "text", "be an expression", text, `Repair it: ${where}`);
  }
  return convert(tree, text, symbols);
}

/** The fields of mathjs nodes that are read here; the declared union is wider than what a parsed text yields. */
interface Parsed {
  readonly type: string;
  readonly value?: unknown;
  readonly name?: string;
  readonly fn?: string | Parsed;
  readonly implicit?: boolean;
  readonly args?: readonly MathNode[];
  readonly content?: MathNode;
}

/** Turns a mathjs tree into ours; `text` is what a message shows. */
export function convert(tree: MathNode, text: string, symbols: readonly string[]): Node {
  const n = tree as unknown as Parsed;
  const refuse = (what: string, cure: string): never => {
    throw usageError("expression", `${JSON.stringify(text)}`, "hold only arithmetic and known functions", what, cure);
  };
  const inner = (a: MathNode): Node => convert(a, text, symbols);
  const args = n.args ?? [];
  switch (n.type) {
    case "ParenthesisNode":
      return inner(n.content as MathNode);
    case "ConstantNode":
      if (typeof n.value !== "number" || !Number.isFinite(n.value))
        return refuse(String(n.value), "Use finite decimal numbers, without quotes");
      return number(n.value);
    case "SymbolNode": {
      const name = n.name as string;
      if (symbols.includes(name)) return symbol(name);
      if (isFunction(name)) return refuse(name, `Give ${name} its argument: ${name}(…)`);
      return refuse(name, cureFor(name, symbols, "Allowed are"));
    }
    case "OperatorNode": {
      const fn = n.fn as string;
      if (n.implicit) return refuse(tree.toString(), "Write every product with *, for example 2*x");
      if (fn === "unaryMinus") return negate(inner(args[0]));
      if (fn === "unaryPlus") return inner(args[0]);
      const operator = BINARY.get(fn);
      if (operator === undefined) return refuse(fn, "Use + - * / ^");
      return binary(operator, inner(args[0]), inner(args[1]));
    }
    case "FunctionNode": {
      const callee = n.fn as Parsed;
      if (callee.type !== "SymbolNode") return refuse(tree.toString(), "Call functions by their plain name");
      const name = callee.name as string;
      if (name === "pow" && args.length === 2) return binary("^", inner(args[0]), inner(args[1]));
      if (name !== "pow" && !isFunction(name)) {
        if (symbols.includes(name)) return refuse(`${name}(…)`, `Write ${name}*(…) for a product`);
        return refuse(`${name}(…)`, cureFor(name, [...Object.keys(FUNCTIONS), "pow"], "Functions are"));
      }
      const arity = name === "pow" ? 2 : FUNCTIONS[name as FunctionName].arity;
      const many = name === "min" || name === "max";
      if (many ? args.length < 2 : args.length !== arity)
        return refuse(
          `${name} of ${args.length} arguments`,
          `Give ${name} ${many ? "two or more arguments" : arity === 1 ? "one argument" : "two arguments"}`,
        );
      const parts = args.map(inner);
      return many ? parts.reduce((a, b) => call(name, a, b)) : call(name as FunctionName, ...parts);
    }
    default:
      return refuse(SYNTAX[n.type] ?? n.type, "Write one formula of numbers, names, + - * / ^ and functions");
  }
}

function isFunction(name: string): name is FunctionName {
  return Object.hasOwn(FUNCTIONS, name);
}

function cureFor(name: string, allowed: readonly string[], list: string): string {
  const meant = nearest(name, allowed);
  return `${list} ${allowed.join(", ")}${meant === undefined ? "none" : `; did you mean ${meant}`}`;
}
