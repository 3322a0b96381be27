// A field inside a longer formula: in brackets, its parameters replaced by their numbers.
import type { Field } from "./field.js";

/**
 * A field's formula in brackets, without named parameters, to be put into another expression.
 *
 * @returns for example `"(2*sin(x))"`
 * @throws TypeError when the field is a JavaScript function; ask `field.expression` first
 */
export function fieldText(f: Field): string {
  const { expression } = f;
  if (expression === null) throw new TypeError("fieldText: a function has no formula");
  const { constants } = expression;
  const words = /(?<![A-Za-z0-9.])[A-Za-z][A-Za-z0-9]*/g;
  return `(${expression.text.replace(words, (word) => {
    const named =
      !expression.variables.includes(word) && Object.hasOwn(constants, word) && word !== "pi" && word !== "e";
    return named ? `(${constants[word]})` : word;
  })})`;
}
