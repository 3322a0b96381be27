// A field that a term needs ≥ 0: a weight, a speed.
import { demand, usageError } from "../../src/error.js";
import { type Field, type FieldInput, field } from "./field.js";

/**
 * Makes a field whose values are refused where they are negative: a constant at once, others when they are evaluated.
 *
 * @param input number, expression or function
 * @param cure what to do, without a full stop
 * @throws UsageError when a constant is negative; from `evaluate`, naming the point and the time, when a value is
 */
export function fieldNonnegative(
  input: FieldInput,
  dimension: number,
  where: string,
  name: string,
  parameters: Readonly<Record<string, number>>,
  cure: string,
): Field {
  const f = field(input, dimension, where, name, parameters);
  demand(f.constant === null || f.constant >= 0, where, name, "be ≥ 0", f.constant, cure);
  if (f.constant !== null) return f;
  return Object.freeze({
    ...f,
    evaluate: (t: number, points: Float64Array, out?: Float64Array) => {
      const values = f.evaluate(t, points, out);
      for (let i = 0; i < values.length; i++)
        if (!(values[i] >= 0)) {
          const x = Array.from(points.subarray(i * dimension, (i + 1) * dimension)).join(", ");
          throw usageError(where, name, `be ≥ 0 at x = (${x}), t = ${t}`, values[i], cure);
        }
      return values;
    },
  });
}
