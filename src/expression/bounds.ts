// Bounds of an expression on a box of its variables, by interval arithmetic on the syntax tree:
//   [a, b] + [c, d] = [a + c, b + d],   [a, b]·[c, d] = [min, max of the four products],   f([a, b]) by the pieces where f is monotone
// Every value of the expression on the box lies within (to rounding of each operation); the bounds may be wider than the values,
// since x − x is taken as [a − b, b − a]. Where an operation is not defined on the whole box the answer is [−∞, ∞].
// Reference: Moore 1966 (key moore1966interval).
import { CONSTANTS } from "./functions.js";
import { literal, type Node } from "./node.js";

/** Lower and upper bound. */
export type Bounds = readonly [number, number];

const ALL: Bounds = [-Infinity, Infinity];

/**
 * Bounds of a tree on a box.
 *
 * @param tree the expression's tree
 * @param box bounds of each symbol; constants and parameters as [v, v]; symbols without an entry are any real number
 * @returns [lower, upper], infinite where nothing is known
 *
 * *Notes*: narrow boxes give narrow bounds; split the box to sharpen them.
 *
 * *References*: moore1966interval
 */
export function bounds(tree: Node, box: Readonly<Record<string, Bounds>>): Bounds {
  const [a, b] = enclose(tree, box);
  return Number.isNaN(a) || Number.isNaN(b) ? ALL : [a, b];
}

function enclose(n: Node, box: Readonly<Record<string, Bounds>>): Bounds {
  switch (n.kind) {
    case "number":
      return [n.value, n.value];
    case "symbol": {
      const constant = Object.hasOwn(CONSTANTS, n.name) ? CONSTANTS[n.name] : null;
      return Object.hasOwn(box, n.name) ? box[n.name] : constant === null ? ALL : [constant, constant];
    }
    case "unary": {
      const [a, b] = bounds(n.argument, box);
      return [-b, -a];
    }
    case "binary": {
      const p = bounds(n.left, box);
      const q = bounds(n.right, box);
      switch (n.operator) {
        case "+":
          return [p[0] + q[0], p[1] + q[1]];
        case "-":
          return [p[0] - q[1], p[1] - q[0]];
        case "*":
          return product(p, q);
        case "/":
          return q[0] > 0 || q[1] < 0
            ? product(p, [1 / q[1], 1 / q[0]])
            : q[0] === 0 && q[1] > 0
              ? product(p, [1 / q[1], Infinity])
              : ALL;
        case "^":
          return power(p, q, literal(n.right));
      }
      return ALL;
    }
    case "call": {
      const p = bounds(n.arguments[0], box);
      const q = n.arguments.length > 1 ? bounds(n.arguments[1], box) : ALL;
      switch (n.name) {
        case "exp":
          return [Math.exp(p[0]), Math.exp(p[1])];
        case "log":
          return p[0] < 0 ? ALL : [Math.log(p[0]), Math.log(p[1])];
        case "sqrt":
          return p[0] < 0 ? ALL : [Math.sqrt(p[0]), Math.sqrt(p[1])];
        case "tanh":
          return [Math.tanh(p[0]), Math.tanh(p[1])];
        case "sinh":
          return [Math.sinh(p[0]), Math.sinh(p[1])];
        case "atan":
          return [Math.atan(p[0]), Math.atan(p[1])];
        case "abs":
          return even(p, Math.abs);
        case "cosh":
          return even(p, Math.cosh);
        case "sin":
        case "cos":
        case "erf":
          return [-1, 1];
        case "sign":
          return [Math.sign(p[0]), Math.sign(p[1])];
        case "heaviside":
          return [p[0] > 0 ? 1 : 0, p[1] < 0 ? 0 : 1];
        case "min":
          return [Math.min(p[0], q[0]), Math.min(p[1], q[1])];
        case "max":
          return [Math.max(p[0], q[0]), Math.max(p[1], q[1])];
        default:
          return ALL;
      }
    }
  }
}

/** 0 · ∞ is 0: a bound that is infinite is never attained. */
function times(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : a * b;
}

function product(p: Bounds, q: Bounds): Bounds {
  const all = [times(p[0], q[0]), times(p[0], q[1]), times(p[1], q[0]), times(p[1], q[1])];
  return [Math.min(...all), Math.max(...all)];
}

/** Of an even function that increases on the right. */
function even(p: Bounds, f: (x: number) => number): Bounds {
  const [a, b] = [f(p[0]), f(p[1])];
  return [p[0] <= 0 && p[1] >= 0 ? f(0) : Math.min(a, b), Math.max(a, b)];
}

function power(p: Bounds, q: Bounds, exponent: number | null): Bounds {
  if (exponent !== null && Number.isInteger(exponent)) {
    const f = (x: number) => x ** Math.abs(exponent);
    const whole: Bounds = exponent % 2 === 0 ? even(p, f) : [f(p[0]), f(p[1])];
    if (exponent >= 0) return whole;
    if (whole[0] > 0 || whole[1] < 0) return [1 / whole[1], 1 / whole[0]];
    return whole[0] === 0 && whole[1] > 0 ? [1 / whole[1], Infinity] : ALL;
  }
  if (p[0] < 0) return ALL;
  // monotone in each of base and exponent with the other fixed, so that corners are extreme
  const all = [p[0] ** q[0], p[0] ** q[1], p[1] ** q[0], p[1] ** q[1]];
  if (all.some(Number.isNaN)) return ALL;
  return [Math.min(...all), Math.max(...all)];
}
