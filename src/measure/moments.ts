// Moments of clouds and densities:  mean m = ∫x dμ,  covariance C = ∫(x − m)(x − m)ᵀ dμ (divided by the mass, not by n − 1).
import { demand } from "../error.js";
import { nodesOf } from "../grid/index.js";
import { type Cloud, weightOf } from "./cloud.js";
import type { Density } from "./density.js";

export interface Moments {
  /** Total mass: 1 for a cloud, Σ value × cell volume for a density. */
  readonly mass: number;
  /** Length d. */
  readonly mean: Float64Array;
  /** Row-major d × d. */
  readonly covariance: Float64Array;
}

/**
 * Mass, mean and covariance.
 *
 * @param law a cloud, or a density (as point masses at its nodes; on a periodic axis in the coordinates of the axis)
 * @returns mean and covariance of the normalised law, and its mass
 * @throws UsageError when a density has no positive mass
 */
export function moments(law: Cloud | Density): Moments {
  const d = law.kind === "cloud" ? law.dimension : law.grid.dimension;
  const points = law.kind === "cloud" ? law.points : nodesOf(law.grid);
  const weight =
    law.kind === "cloud"
      ? (i: number): number => weightOf(law, i)
      : (i: number): number => law.values[i] * law.grid.cellVolume;
  const count = points.length / d;
  const mean = new Float64Array(d);
  const covariance = new Float64Array(d * d);
  let mass = 0;
  for (let i = 0; i < count; i++) {
    const w = weight(i);
    mass += w;
    for (let a = 0; a < d; a++) mean[a] += w * points[i * d + a];
  }
  demand(mass > 0, "moments", "mass", "be > 0", mass, "Give a density with positive values");
  for (let a = 0; a < d; a++) mean[a] /= mass;
  for (let i = 0; i < count; i++) {
    const w = weight(i) / mass;
    for (let a = 0; a < d; a++)
      for (let b = 0; b < d; b++)
        covariance[a * d + b] += w * (points[i * d + a] - mean[a]) * (points[i * d + b] - mean[b]);
  }
  return { mass, mean, covariance };
}
