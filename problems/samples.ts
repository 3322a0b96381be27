// Samples of a target: fresh held-out draws of a law; for data a seeded split into training and held-out samples, and
// standardisation by the training moments alone. No solver sees what is held out: it is the ruler of generalisation.
//   x̃ = (x − mean)/sd,  mean and sd (divided by n) of the training samples; the held-out samples use the same two.
import { demand } from "../src/error.js";
import { type Cloud, cloud, type Distribution } from "../src/measure/index.js";
import { generator } from "../src/random/index.js";

/**
 * Fresh draws of a law, on a random stream that no solver uses.
 *
 * @param law the target
 * @param count number of draws
 * @param seed default 0; the same seed gives the same draws
 */
export function heldOutSample(law: Distribution, count: number, seed = 0): Cloud {
  return law.sample(count, generator(seed).split("held-out"));
}

/**
 * Splits samples by one seeded shuffle: its first round-down(fraction × n) places are held out.
 *
 * @param data uniform weights
 * @param fraction held-out part in [0, 1)
 * @param seed of the shuffle
 * @throws UsageError when the fraction does not fit, or weights are given
 */
export function split(
  data: Cloud,
  fraction: number,
  seed: number,
): { readonly training: Cloud; readonly heldOut: Cloud | null } {
  const where = "split";
  demand(fraction >= 0 && fraction < 1, where, "fraction", "be in [0, 1)", fraction, "Use 0.2 to hold out a fifth");
  demand(data.weights === null, where, "data", "have uniform weights", data.weights, "Split before weighting");
  const order = generator(seed).permutation(data.count);
  const held = Math.floor(fraction * data.count);
  const pick = (places: Int32Array): Cloud => {
    const d = data.dimension;
    const points = new Float64Array(places.length * d);
    places.forEach((place, i) => {
      points.set(data.points.subarray(place * d, (place + 1) * d), i * d);
    });
    return cloud(points, d);
  };
  return { training: pick(order.subarray(held)), heldOut: held === 0 ? null : pick(order.subarray(0, held)) };
}

/** The affine map that gives samples mean 0 and standard deviation 1. */
export interface Standardisation {
  /** Mean, length d. */
  readonly offset: Float64Array;
  /** Standard deviation (divided by n), length d. */
  readonly scale: Float64Array;
  /** (x − offset)/scale. */
  apply(data: Cloud): Cloud;
}

/**
 * The standardisation of a cloud, in each coordinate.
 *
 * @throws UsageError when a coordinate is constant
 */
export function standardise(data: Cloud): Standardisation {
  const { dimension: d, count, points } = data;
  const offset = new Float64Array(d);
  const scale = new Float64Array(d);
  for (let i = 0; i < points.length; i++) offset[i % d] += points[i] / count;
  for (let i = 0; i < points.length; i++) scale[i % d] += (points[i] - offset[i % d]) ** 2 / count;
  for (let a = 0; a < d; a++) {
    // Not by the variance, which rounding of the mean makes positive for a constant such as 0.1.
    let varies = false;
    for (let i = a; i < points.length; i += d) varies ||= points[i] !== points[a];
    demand(
      varies && scale[a] > 0,
      "standardise",
      `coordinate ${a}`,
      "vary",
      points[a],
      "Leave out the constant column",
    );
    scale[a] = Math.sqrt(scale[a]);
  }
  return {
    offset,
    scale,
    apply: (c) =>
      cloud(
        c.points.map((x, i) => (x - offset[i % d]) / scale[i % d]),
        d,
        c.weights,
      ),
  };
}
