// Test functions of one coordinate by which the laws compare paths with densities: x and x² about the centre of the box, and on a
// circle the first harmonics; each with its derivative.
import type { Domain } from "../grid/index.js";

/** φ and φ′. */
export interface CoordinateMoment {
  value(x: number): number;
  slope(x: number): number;
}

/** Test functions on axis a. */
export function coordinateMoments(domain: Domain, a: number): readonly CoordinateMoment[] {
  const { lower, upper, ends } = domain;
  if (ends[a] !== "periodic") {
    const centre = (lower[a] + upper[a]) / 2;
    return [
      { value: (x) => x - centre, slope: () => 1 },
      { value: (x) => (x - centre) ** 2, slope: (x) => 2 * (x - centre) },
    ];
  }
  const k = (2 * Math.PI) / (upper[a] - lower[a]);
  const angle = (x: number) => k * (x - lower[a]);
  return [
    { value: (x) => Math.cos(angle(x)), slope: (x) => -k * Math.sin(angle(x)) },
    { value: (x) => Math.sin(angle(x)), slope: (x) => k * Math.cos(angle(x)) },
  ];
}
