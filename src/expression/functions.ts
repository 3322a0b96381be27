// The functions an expression may call: number of arguments, JavaScript, and partial derivatives where mathjs has no rule or a
// worse one.
//   |a|′ = sign a (0 at the kink)      min(a, b): ∂a = H(b − a), ∂b = H(a − b)      max: ∂a = H(a − b), ∂b = H(b − a)
//   H(0) = ½, so that at a tie min and max have the mean of the two slopes.   atan2(y, x): ∂y = x/(x² + y²), ∂x = −y/(x² + y²)
//   erf′ a = (2/√π) e^{−a²}      sign and H jump: their derivative is 0 away from the jump and a measure on it.
import { binary, call, type FunctionName, type Node, negate, number, symbol } from "./node.js";

/** One allowed function. */
export interface FunctionRule {
  /** Number of arguments; min and max take two or more in text, and are nested pairs in the tree. */
  readonly arity: 1 | 2;
  /** JavaScript that names the function: a member of Math, or a name bound by the compiler. */
  readonly javascript: string;
  /** ∂/∂(argument k) as trees; `null`: mathjs knows the derivative. */
  readonly partials: ((args: readonly Node[]) => readonly Node[]) | null;
  /** Discontinuous: refused where a user's own text is differentiated through it. */
  readonly jumps: boolean;
}

const step = (a: Node, b: Node): Node => call("heaviside", binary("-", a, b));
const square = (a: Node): Node => binary("^", a, number(2));

function plain(javascript: string): FunctionRule {
  return { arity: 1, javascript, partials: null, jumps: false };
}

/** The whitelist. */
export const FUNCTIONS: Readonly<Record<FunctionName, FunctionRule>> = {
  sin: plain("Math.sin"),
  cos: plain("Math.cos"),
  tan: { ...plain("Math.tan"), partials: ([a]) => [binary("/", number(1), square(call("cos", a)))] },
  asin: plain("Math.asin"),
  acos: plain("Math.acos"),
  atan: plain("Math.atan"),
  atan2: {
    arity: 2,
    javascript: "Math.atan2",
    partials: ([y, x]) => {
      const r2 = binary("+", square(x), square(y));
      return [binary("/", x, r2), negate(binary("/", y, r2))];
    },
    jumps: false,
  },
  sinh: plain("Math.sinh"),
  cosh: plain("Math.cosh"),
  tanh: { ...plain("Math.tanh"), partials: ([a]) => [binary("/", number(1), square(call("cosh", a)))] },
  exp: plain("Math.exp"),
  log: plain("Math.log"),
  sqrt: plain("Math.sqrt"),
  abs: { ...plain("Math.abs"), partials: ([a]) => [call("sign", a)] },
  min: { arity: 2, javascript: "Math.min", partials: ([a, b]) => [step(b, a), step(a, b)], jumps: false },
  max: { arity: 2, javascript: "Math.max", partials: ([a, b]) => [step(a, b), step(b, a)], jumps: false },
  sign: { ...plain("Math.sign"), partials: () => [number(0)], jumps: true },
  heaviside: { ...plain("heaviside"), partials: () => [number(0)], jumps: true },
  erf: {
    ...plain("erf"),
    partials: ([a]) => [
      binary("*", binary("/", number(2), call("sqrt", symbol("pi"))), call("exp", negate(square(a)))),
    ],
  },
};

/** H(a): 0 for a < 0, ½ at 0, 1 for a > 0. */
export function heaviside(a: number): number {
  return a > 0 ? 1 : a < 0 ? 0 : a === 0 ? 0.5 : Number.NaN;
}

/** Constants an expression may name. */
export const CONSTANTS: Readonly<Record<string, number>> = { pi: Math.PI, e: Math.E };
