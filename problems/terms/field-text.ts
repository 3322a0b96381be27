// A formula inside a longer one: named parameters replaced by their numbers, a field in brackets.
import type { Expression } from "../../src/expression/index.js";
import type { Field } from "./field.js";

/** An expression's text without named parameters: it compiles with its variables alone. */
export function expressionText(expression: Expression): string {
  const { constants, variables } = expression;
  // words that are not the exponent of a number such as 1e5
  return expression.text.replace(/(?<![A-Za-z0-9.])[A-Za-z][A-Za-z0-9]*/g, (word) => {
    const named = !variables.includes(word) && Object.hasOwn(constants, word) && word !== "pi" && word !== "e";
    return named ? `(${constants[word]})` : word;
  });
}

/**
 * A field's formula in brackets, without named parameters, to be put into another expression.
 *
 * @returns for example `"(2*sin(x))"`
 * @throws TypeError when the field is a JavaScript function; ask `field.expression` first
 */
export function fieldText(f: Field): string {
  if (f.expression === null) throw new TypeError("fieldText: a function has no formula");
  return `(${expressionText(f.expression)})`;
}
