/** A number in a sentence or at an axis: three digits. */
export function short(x: number): string {
  return String(Number(x.toPrecision(3)));
}
