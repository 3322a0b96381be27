// The plain mean of values, as every law that averages over paths needs it.

/** Σ values / n. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}
