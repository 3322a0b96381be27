import ndarray, { type NdArray } from "ndarray";

/**
 * Arrays of one length, one after the other, as one array of a file.
 *
 * @param shape of each of them
 * @returns an array of shape [how many, …shape]
 */
export function stacked(fields: readonly ArrayLike<number>[], shape: readonly number[]): NdArray<Float64Array> {
  const out = new Float64Array(fields.length * fields[0].length);
  fields.forEach((field, n) => {
    out.set(field, n * field.length);
  });
  return ndarray(out, [fields.length, ...shape]);
}
