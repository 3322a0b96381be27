// A field: a real function of (t, x) that a problem's term needs: a potential, a weight, an initial density.
// A number, an expression in the coordinates, or a JavaScript function. Expressions run on every device and can be stored
// in a problem file; a function stays on the CPU.
import { demand, UsageError, usageError } from "../../src/error.js";
import { compile, type Expression } from "../../src/expression/index.js";

/** What may be given: a constant, an expression of {@link coordinateNames} and t, or a function of the point and t. */
export type FieldInput = number | string | ((x: Float64Array, t: number) => number);

/** A function of (t, x), by columns. */
export interface Field {
  readonly text: string;
  readonly dimension: number;
  /** A constant's value; `null` otherwise. */
  readonly constant: number | null;
  /** `true` when the value may change with t. */
  readonly dependsOnTime: boolean;
  /** The expression in coordinates and t; `null` for a function. */
  readonly expression: Expression | null;
  /**
   * Values at n points.
   *
   * @param t time
   * @param points row-major, length n·d
   * @param out length n
   * @throws UsageError that names the field and the point when a function's value is not finite, or an expression's is NaN
   */
  evaluate(t: number, points: Float64Array, out?: Float64Array): Float64Array;
}

/** Names of the coordinates in expressions: x, y, z up to three dimensions, x1, x2, … beyond. */
export function coordinateNames(dimension: number): readonly string[] {
  return dimension <= 3
    ? ["x", "y", "z"].slice(0, dimension)
    : Array.from({ length: dimension }, (_, a) => `x${a + 1}`);
}

/** Row-major points as one column a coordinate. */
export function columnsOf(points: Float64Array, dimension: number): Float64Array[] {
  const n = points.length / dimension;
  return Array.from({ length: dimension }, (_, a) => {
    const column = new Float64Array(n);
    for (let i = 0; i < n; i++) column[i] = points[i * dimension + a];
    return column;
  });
}

/** A constant as its number, another field by its formula. */
export function describeField(f: Field): number | string {
  return f.constant ?? f.text;
}

/** An expression whose errors name the field that holds it. */
export function formula(
  text: string,
  variables: readonly string[],
  where: string,
  name: string,
  parameters: Readonly<Record<string, number>> = {},
): Expression {
  try {
    return compile(text, variables, parameters);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(error.message.replace(/^expression: (text )?/, () => `${where}: ${name} `));
  }
}

/**
 * Makes a field.
 *
 * @param input number, expression in x, y, z (x1, x2, … beyond three dimensions) and t, or function of (x, t)
 * @param dimension d
 * @param where constructor that errors name
 * @param name the field's name in errors
 * @param parameters named numbers of the expression
 * @throws UsageError when a number is not finite or the expression is wrong
 */
export function field(
  input: FieldInput,
  dimension: number,
  where: string,
  name: string,
  parameters: Readonly<Record<string, number>> = {},
): Field {
  if (typeof input === "number") {
    demand(Number.isFinite(input), where, name, "be finite", input, "Give a finite number");
    return Object.freeze({
      text: String(input),
      dimension,
      constant: input,
      dependsOnTime: false,
      expression: compile(String(input), [...coordinateNames(dimension), "t"]),
      evaluate: (_t: number, points: Float64Array, out = new Float64Array(points.length / dimension)) =>
        out.fill(input),
    });
  }
  if (typeof input === "string") {
    const expression = formula(input, [...coordinateNames(dimension), "t"], where, name, parameters);
    return Object.freeze({
      text: expression.text,
      dimension,
      constant: null,
      dependsOnTime: expression.derivative("t").text !== "0",
      expression,
      evaluate: (t: number, points: Float64Array, out = new Float64Array(points.length / dimension)) =>
        expression.batch([...columnsOf(points, dimension), new Float64Array(out.length).fill(t)], out),
    });
  }
  if (typeof input !== "function")
    throw usageError(where, name, "be a number, an expression or a function", input, 'Use for example "sin(2*pi*x)"');
  return Object.freeze({
    text: "given by a function",
    dimension,
    constant: null,
    dependsOnTime: true,
    expression: null,
    evaluate: (t: number, points: Float64Array, out = new Float64Array(points.length / dimension)) => {
      const x = new Float64Array(dimension);
      for (let i = 0; i < out.length; i++) {
        for (let a = 0; a < dimension; a++) x[a] = points[i * dimension + a];
        out[i] = input(x, t);
        if (!Number.isFinite(out[i]))
          throw usageError(
            where,
            name,
            `have a ${Number.isNaN(out[i]) ? "real" : "finite"} value at x = (${x.join(", ")}), t = ${t}`,
            out[i],
            "Change the function",
          );
      }
      return out;
    },
  });
}
