import type { History } from "./index.js";

/** The history of a number that was measured at iterations, or times, 0, 1, 2, …: `null` where it was not. */
export function historyOf(name: string, values: readonly (number | null)[]): History {
  const iterations: number[] = [];
  const kept: number[] = [];
  values.forEach((value, n) => {
    if (value === null) return;
    iterations.push(n);
    kept.push(value);
  });
  return { name, iterations, values: kept };
}
