// Symbolic partial derivatives. mathjs differentiates the smooth elementary part; what it has no rule for is first replaced by a
// symbol of its own and joined again by the chain rule:
//   a(x) = F(x, c₁(x), c₂(x), …),  cₖ = gₖ(b₁(x), …)   ⇒   a′ = ∂F/∂x + Σₖ ∂F/∂cₖ Σⱼ ∂ⱼgₖ bⱼ′
// mathjs' own simplification is not used: it takes (x²)^½ for x, which is wrong for x < 0. The builders of node.ts fold instead.
import { derivative as derivativeMath, parse as parseMath } from "mathjs/number";
import { FUNCTIONS } from "./functions.js";
import { binary, call, contains, type Node, negate, number, print, substitute, symbol } from "./node.js";
import { convert } from "./parse.js";

/**
 * ∂a/∂name.
 *
 * @param a the tree
 * @param name the symbol to differentiate by
 * @param symbols every symbol that may occur
 * @returns the derivative's tree
 *
 * *Notes*: |·|, min and max have the derivative of their smooth pieces, the mean of both at a kink.
 */
export function differentiate(a: Node, name: string, symbols: readonly string[]): Node {
  if (!contains(a, name)) return number(0);
  const replaced = new Map<string, Node & { kind: "call" }>();
  const outer = lift(a, replaced);
  const names = [...symbols, ...replaced.keys()];
  let sum = elementary(outer, name, names);
  const back = new Map<string, Node>(replaced);
  for (const [k, c] of replaced) {
    if (!contains(c, name)) continue;
    const partials = FUNCTIONS[c.name].partials as (args: readonly Node[]) => readonly Node[];
    const slopes = partials(c.arguments);
    const inner = c.arguments
      .map((b, j) => binary("*", slopes[j], differentiate(b, name, symbols)))
      .reduce((x, y) => binary("+", x, y));
    sum = binary("+", sum, binary("*", elementary(outer, k, names), inner));
  }
  return substitute(sum, back);
}

/** Replaces every outermost call without a mathjs rule by a symbol. */
function lift(a: Node, replaced: Map<string, Node & { kind: "call" }>): Node {
  switch (a.kind) {
    case "number":
    case "symbol":
      return a;
    case "unary":
      return negate(lift(a.argument, replaced));
    case "binary":
      return binary(a.operator, lift(a.left, replaced), lift(a.right, replaced));
    case "call": {
      if (FUNCTIONS[a.name].partials === null) return call(a.name, ...a.arguments.map((b) => lift(b, replaced)));
      const name = `call_${replaced.size + 1}`; // no user name holds an underscore
      replaced.set(name, a);
      return symbol(name);
    }
  }
}

function elementary(a: Node, name: string, symbols: readonly string[]): Node {
  const text = print(a);
  return convert(derivativeMath(parseMath(text), name, { simplify: false }), text, symbols);
}
