// The steepest slope of a critic that a set of points shows: a spot check from below of its Lipschitz constant,
//   max( |∇φ(x)|,  |φ(x) − φ(y)|/|x − y| )   over the points and some of their pairs.
import type { Critic } from "../solution/index.js";

/**
 * @param points row-major, n·d
 * @param strides pairs (i, i + stride) that are looked at
 * @param least pairs closer than this measure how exactly φ was minimised or rounded, and not its slope
 */
export function steepestSlope(
  critic: Critic,
  points: Float64Array,
  d: number,
  strides: readonly number[],
  least: number,
): number {
  let steepest = 0;
  const gradient = critic.gradient(points);
  const values = critic.value(points);
  const n = values.length;
  for (let i = 0; i < n; i++) {
    let square = 0;
    for (let a = 0; a < d; a++) square += gradient[i * d + a] ** 2;
    if (square > steepest * steepest) steepest = Math.sqrt(square);
  }
  for (const stride of strides)
    for (let i = 0; i < n; i++) {
      const j = (i + stride) % n;
      let square = 0;
      for (let a = 0; a < d; a++) square += (points[i * d + a] - points[j * d + a]) ** 2;
      const distance = Math.sqrt(square);
      if (distance > least) steepest = Math.max(steepest, Math.abs(values[i] - values[j]) / distance);
    }
  return steepest;
}
