// Network coordinates u = (x − c)/s: c the mean of source and target samples together, s their root-mean-square radius a coordinate.
// Networks see numbers of order one whatever the unit of the data.
import type { Cloud, Distribution } from "../../src/measure/index.js";
import type { Generator } from "../../src/random/index.js";
import type { CriticFrame } from "../../src/tensor/index.js";

/** Uniformly weighted points of a law: its data where there are at most `most` of them, else draws. */
export function pointsOf(law: Distribution, most: number, draws: Generator): Float64Array {
  const data = wholeData(law, most);
  return data === null ? law.sample(most, draws).points : data.points;
}

/** The law's data when they are at most `most` and equally weighted, else `null`. */
export function wholeData(law: Distribution, most: number): Cloud | null {
  return law.data !== null && law.data.weights === null && law.data.count <= most ? law.data : null;
}

/** Centre and radius of several point sets, each set with the same weight. */
export function frameOf(sets: readonly Float64Array[], dimension: number): CriticFrame {
  const center = new Float64Array(dimension);
  for (const points of sets)
    for (let i = 0; i < points.length; i++)
      center[i % dimension] += (points[i] * dimension) / points.length / sets.length;
  let square = 0;
  for (const points of sets)
    for (let i = 0; i < points.length; i++)
      square += (points[i] - center[i % dimension]) ** 2 / points.length / sets.length;
  return { center, scale: square > 0 ? Math.sqrt(square) : 1 };
}

/** u = (x − c)/s in the networks' precision. */
export function toFrame(frame: CriticFrame, points: Float64Array): Float32Array {
  const { center, scale } = frame;
  return Float32Array.from(points, (x, i) => (x - center[i % center.length]) / scale);
}
