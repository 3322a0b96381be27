// The syntax tree of an expression: five kinds of node, plain data, shared by every target (JavaScript, WGSL, tensor ops).
//   node = number | symbol | −node | node (+ − * / ^) node | function(node, …)
// The builders fold constants and drop neutral elements (0 + a, 1 · a, a⁰, …): identities that hold for every real a, so that a
// tree and its folded form agree wherever both are finite. Nothing is cancelled (a/a stays) and no power is merged ((a²)^½ ≠ a).

/** Functions an expression may call. */
export type FunctionName =
  | "sin"
  | "cos"
  | "tan"
  | "asin"
  | "acos"
  | "atan"
  | "atan2"
  | "sinh"
  | "cosh"
  | "tanh"
  | "exp"
  | "log"
  | "sqrt"
  | "abs"
  | "min"
  | "max"
  | "sign"
  | "heaviside"
  | "erf";

export type BinaryOperator = "+" | "-" | "*" | "/" | "^";

/** A syntax tree. */
export type Node =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "symbol"; readonly name: string }
  | { readonly kind: "unary"; readonly operator: "-"; readonly argument: Node }
  | { readonly kind: "binary"; readonly operator: BinaryOperator; readonly left: Node; readonly right: Node }
  | { readonly kind: "call"; readonly name: FunctionName; readonly arguments: readonly Node[] };

/** A literal. */
export function number(value: number): Node {
  return value < 0 ? { kind: "unary", operator: "-", argument: number(-value) } : { kind: "number", value };
}

/** A variable, parameter or constant. */
export function symbol(name: string): Node {
  return { kind: "symbol", name };
}

/** f(a, …). */
export function call(name: FunctionName, ...args: readonly Node[]): Node {
  return { kind: "call", name, arguments: args };
}

/** The literal's value, with its sign; `null` when the node is not a literal. */
export function literal(n: Node): number | null {
  if (n.kind === "number") return n.value;
  if (n.kind !== "unary") return null;
  const inner = literal(n.argument);
  return inner === null ? null : -inner;
}

/** −a, folded. */
export function negate(a: Node): Node {
  if (a.kind === "unary") return a.argument;
  if (literal(a) === 0) return number(0);
  return { kind: "unary", operator: "-", argument: a };
}

/** a (op) b, folded. */
export function binary(operator: BinaryOperator, a: Node, b: Node): Node {
  const p = literal(a);
  const q = literal(b);
  if (p !== null && q !== null) {
    const value = fold(operator, p, q);
    if (value !== null) return number(value);
  }
  switch (operator) {
    case "+":
      if (p === 0) return b;
      if (q === 0) return a;
      if (b.kind === "unary") return binary("-", a, b.argument);
      break;
    case "-":
      if (q === 0) return a;
      if (p === 0) return negate(b);
      if (b.kind === "unary") return binary("+", a, b.argument);
      break;
    case "*":
      if (p === 0 || q === 0) return number(0);
      if (p === 1) return b;
      if (q === 1) return a;
      if (a.kind === "unary") return negate(binary("*", a.argument, b));
      if (b.kind === "unary") return negate(binary("*", a, b.argument));
      if (p !== null && b.kind === "binary" && b.operator === "*" && b.left.kind === "number")
        return binary("*", number(p * b.left.value), b.right);
      break;
    case "/":
      if (p === 0 && q !== 0) return number(0);
      if (q === 1) return a;
      if (a.kind === "unary") return negate(binary("/", a.argument, b));
      if (b.kind === "unary") return negate(binary("/", a, b.argument));
      break;
    case "^":
      if (q === 1) return a;
      if (q === 0) return number(1);
      break;
  }
  return { kind: "binary", operator, left: a, right: b };
}

/** Arithmetic on two literals; `null` keeps the operation: a quotient such as 1/3, or a result that is not finite. */
function fold(operator: BinaryOperator, p: number, q: number): number | null {
  const value =
    operator === "+" ? p + q : operator === "-" ? p - q : operator === "*" ? p * q : operator === "/" ? p / q : p ** q;
  if (operator === "/" && !Number.isInteger(value)) return null;
  return Number.isFinite(value) ? value : null;
}

/** Whether the symbol occurs in the tree. */
export function contains(n: Node, name: string): boolean {
  switch (n.kind) {
    case "number":
      return false;
    case "symbol":
      return n.name === name;
    case "unary":
      return contains(n.argument, name);
    case "binary":
      return contains(n.left, name) || contains(n.right, name);
    case "call":
      return n.arguments.some((a) => contains(a, name));
  }
}

/** Replaces symbols by trees. */
export function substitute(n: Node, values: ReadonlyMap<string, Node>): Node {
  switch (n.kind) {
    case "number":
      return n;
    case "symbol":
      return values.get(n.name) ?? n;
    case "unary":
      return negate(substitute(n.argument, values));
    case "binary":
      return binary(n.operator, substitute(n.left, values), substitute(n.right, values));
    case "call":
      return call(n.name, ...n.arguments.map((a) => substitute(a, values)));
  }
}

const RANK = { "+": 1, "-": 1, "*": 2, "/": 2, "^": 4 } as const;

/** The tree as text that parses back to it, with few parentheses. */
export function print(n: Node): string {
  switch (n.kind) {
    case "number":
      return String(n.value);
    case "symbol":
      return n.name;
    case "unary":
      return `-${wrap(n.argument, rank(n.argument) < 3)}`;
    case "binary": {
      const own = RANK[n.operator];
      // a − (b − c), a/(b c), (aᵇ)ᶜ and (−a)ᵇ need theirs; a·−b reads badly without
      const left = wrap(n.left, rank(n.left) < own || (n.operator === "^" && rank(n.left) <= 4));
      const right = wrap(n.right, n.right.kind === "unary" || rank(n.right) <= (n.operator === "^" ? 3 : own));
      return n.operator === "^" ? `${left}^${right}` : `${left} ${n.operator} ${right}`;
    }
    case "call":
      return `${n.name}(${n.arguments.map(print).join(", ")})`;
  }
}

function rank(n: Node): number {
  return n.kind === "binary" ? RANK[n.operator] : n.kind === "unary" ? 3 : 5;
}

function wrap(n: Node, needed: boolean): string {
  return needed ? `(${print(n)})` : print(n);
}
