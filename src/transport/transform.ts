// The φ-transform of a potential on atoms: φ(y) = minⱼ (ψⱼ + h(|y − Xⱼ|)) at any y, one row of costs at a time (memory O(N)).
//   gradient  ∇φ(y) = h′(r) (y − Xⱼ)/r at the minimising j, r = |y − Xⱼ|; 0 at r = 0; ties take the smallest j (an element of the superdifferential)
// φ is semiconcave, and Lipschitz with the constant sup h′. Reference: Villani 2009, chapter 5 (c-concave functions).
import { demand } from "../error.js";
import type { Cloud } from "../measure/index.js";
import { costRow } from "./cost.js";
import { argminRow } from "./kernels.cpu.js";
import type { RadialCost } from "./problem.js";

/** Values and smallest minimisers of the φ-transform. */
export interface TransformedPotential {
  readonly values: Float64Array;
  readonly argmin: Int32Array;
}

/**
 * φ(y) = minⱼ (ψⱼ + h(|y − Xⱼ|)) at n points.
 *
 * @param points row-major, length n·d
 * @param potential ψ, length N; +∞ excludes a target
 * @param target X, N points
 * @param cost h
 * @returns values (n) and the smallest minimising index (n)
 * @throws UsageError when the lengths do not fit
 */
export function transformAt(
  points: Float64Array,
  potential: Float64Array,
  target: Cloud,
  cost: RadialCost,
): TransformedPotential {
  const d = target.dimension;
  const rule = `have a length divisible by the dimension ${d}`;
  demand(points.length % d === 0, "transformAt", "points", rule, points.length, "Give the points row by row");
  demand(
    potential.length === target.count,
    "transformAt",
    "potential",
    `have length ${target.count}, one value for each target point`,
    potential.length,
    "Pass the potential of a transport result with its own target",
  );
  const n = points.length / d;
  const values = new Float64Array(n);
  const argmin = new Int32Array(n);
  const row = new Float64Array(target.count);
  for (let i = 0; i < n; i++) {
    costRow(points, i, target, cost, row);
    const j = argminRow(potential, row, 0);
    argmin[i] = j;
    values[i] = potential[j] + row[j];
  }
  return { values, argmin };
}

/**
 * ∇φ at n points, for known minimisers.
 *
 * @param points row-major, length n·d
 * @param argmin minimising j of each point, from {@link transformAt}
 * @returns row-major gradients, length n·d
 */
export function transformGradient(
  points: Float64Array,
  argmin: Int32Array,
  target: Cloud,
  cost: RadialCost,
): Float64Array {
  const d = target.dimension;
  const out = new Float64Array(points.length);
  for (let i = 0; i < argmin.length; i++) {
    const j = argmin[i];
    let squared = 0;
    for (let k = 0; k < d; k++) {
      const difference = points[i * d + k] - target.points[j * d + k];
      out[i * d + k] = difference;
      squared += difference * difference;
    }
    const r = Math.sqrt(squared);
    const factor = r === 0 ? 0 : cost.derivative(r) / r;
    for (let k = 0; k < d; k++) out[i * d + k] *= factor;
  }
  return out;
}
