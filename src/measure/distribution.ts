// Distribution: a probability law that can be sampled; knows its density, moments and extent where they exist.
import type { Generator } from "../random/index.js";
import type { Cloud } from "./cloud.js";

/** A probability law on R^d. */
export interface Distribution {
  /** Short kebab-case name, for example `"gaussian"`. */
  readonly name: string;
  readonly dimension: number;
  /**
   * `true`: no density with respect to Lebesgue measure (a manifold, atoms); `false`: has a density;
   * `null`: unknown (samples of an unknown law).
   */
  readonly singular: boolean | null;
  /** Mean (d) and row-major covariance (d × d); `null` = not known in closed form. */
  readonly mean: Float64Array | null;
  readonly covariance: Float64Array | null;
  /** A box that holds all but about 1e-8 of the mass (or all samples). */
  readonly box: { readonly lower: Float64Array; readonly upper: Float64Array };
  /** `count` independent draws with uniform weights. For data: draws with replacement. */
  sample(count: number, generator: Generator): Cloud;
  /** log density at n points (length n·d → n); `null` where the law is singular or unknown. */
  readonly logDensity: ((points: Float64Array) => Float64Array) | null;
  /** The samples themselves when the law is given by data, else `null`. */
  readonly data: Cloud | null;
  /** JSON description from which the law can be rebuilt (data: name, count and a checksum). */
  readonly description: Record<string, unknown>;
}
