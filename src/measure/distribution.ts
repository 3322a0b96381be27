// Probability laws that can be sampled; they know their density, moments and extent where these exist.
//   gaussian          N(m, C), C = AAᵀ by Cholesky; log density −½|A⁻¹(x − m)|² − log det A − (d/2) log 2π
//   gaussianMixture   Σ w_k N(m_k, C_k), log density by a shifted log-sum-exp
//   uniformBox        uniform on Π [a_i, b_i]
//   empirical         Σ w_i δ_{x_i}: samples of an unknown law, drawn with replacement
//   dirac, product, embedded   δ_p, μ ⊗ ν, and μ ⊗ δ in more dimensions: targets that have no density
import { demand } from "../error.js";
import type { Generator } from "../random/index.js";
import { normalQuantile } from "../random/index.js";
import { type Cloud, cloud, weightOf } from "./cloud.js";

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

/** A Gaussian: give `covariance` or `sd`, not both; neither means the identity. */
export interface GaussianParameters {
  /** Length d. */
  readonly mean: ArrayLike<number>;
  /** Row-major d × d, symmetric positive definite. */
  readonly covariance?: ArrayLike<number>;
  /** Standard deviation > 0 of every coordinate, or one for each. */
  readonly sd?: number | ArrayLike<number>;
}

/** One component of a mixture; `weight` > 0 (weights sum to 1). */
export interface MixtureComponent extends GaussianParameters {
  readonly weight: number;
}

/** Half-width, in standard deviations, of a symmetric interval in each of d coordinates that together miss 1e-8 of a Gaussian's mass. */
export function gaussianReach(dimension: number): number {
  return -normalQuantile(5e-9 / dimension);
}

interface Factor {
  readonly mean: Float64Array;
  readonly covariance: Float64Array;
  /** Lower-triangular Cholesky factor, row-major. */
  readonly lower: Float64Array;
  readonly logNorm: number;
}

function factor(where: string, p: GaussianParameters): Factor {
  const mean = Float64Array.from(p.mean);
  const d = mean.length;
  demand(d >= 1, where, "mean", "have at least one coordinate", d, "Use mean: [0] for a law on the line");
  demandFinite(where, "mean", mean);
  demand(
    p.covariance === undefined || p.sd === undefined,
    where,
    "sd",
    "be left out when covariance is given",
    p.sd,
    "Give one of the two",
  );
  const covariance = new Float64Array(d * d);
  if (p.covariance !== undefined) {
    demand(
      p.covariance.length === d * d,
      where,
      "covariance",
      `have length ${d * d}, row-major ${d} × ${d}`,
      p.covariance.length,
      "Give the matrix row by row, or sd",
    );
    covariance.set(Float64Array.from(p.covariance));
    for (let i = 0; i < d; i++) {
      for (let j = 0; j < i; j++) {
        const a = covariance[i * d + j];
        const b = covariance[j * d + i];
        demand(
          Math.abs(a - b) <= 1e-12 * (Math.abs(a) + Math.abs(b)),
          where,
          "covariance",
          "be symmetric",
          [b, a],
          `Make the entries (${j}, ${i}) and (${i}, ${j}) equal`,
        );
      }
    }
  } else {
    const sd = typeof p.sd === "number" || p.sd === undefined ? new Float64Array(d).fill(p.sd ?? 1) : p.sd;
    demand(sd.length === d, where, "sd", `be a number or have length ${d}`, sd.length, "Give one value a coordinate");
    for (let i = 0; i < d; i++) {
      demand(
        sd[i] > 0 && Number.isFinite(sd[i]),
        where,
        "sd",
        "be finite and > 0",
        sd[i],
        "Use dirac() or embedded() for a coordinate without spread",
      );
      covariance[i * d + i] = sd[i] * sd[i];
    }
  }
  const lower = new Float64Array(d * d);
  let logNorm = -0.5 * d * Math.log(2 * Math.PI);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = covariance[i * d + j];
      for (let k = 0; k < j; k++) sum -= lower[i * d + k] * lower[j * d + k];
      if (i === j) {
        demand(
          sum > 0 && Number.isFinite(sum),
          where,
          "covariance",
          "be positive definite",
          sum,
          `Raise the variance of coordinate ${i}, or use embedded() for a singular law`,
        );
        lower[i * d + i] = Math.sqrt(sum);
        logNorm -= Math.log(lower[i * d + i]);
      } else lower[i * d + j] = sum / lower[j * d + j];
    }
  }
  return { mean, covariance, lower, logNorm };
}

function factorLogDensity(f: Factor, points: Float64Array, i: number, scratch: Float64Array): number {
  const d = f.mean.length;
  let square = 0;
  for (let a = 0; a < d; a++) {
    let r = points[i * d + a] - f.mean[a];
    for (let b = 0; b < a; b++) r -= f.lower[a * d + b] * scratch[b];
    scratch[a] = r / f.lower[a * d + a];
    square += scratch[a] * scratch[a];
  }
  return f.logNorm - 0.5 * square;
}

function factorPlace(f: Factor, z: Float64Array, out: Float64Array, i: number): void {
  const d = f.mean.length;
  for (let a = 0; a < d; a++) {
    let x = f.mean[a];
    for (let b = 0; b <= a; b++) x += f.lower[a * d + b] * z[i * d + b];
    out[i * d + a] = x;
  }
}

/**
 * The Gaussian N(m, C).
 *
 * @param parameters mean (length d) and covariance (row-major d × d) or sd (number or length d, default 1)
 * @returns the law; `logDensity`, mean and covariance are exact
 * @throws UsageError when the mean is not finite, lengths do not fit, or the covariance is not symmetric positive definite
 *
 * @example
 * gaussian({ mean: [0, 0], covariance: [1, 0.8, 0.8, 0.89] }).dimension // 2
 */
export function gaussian(parameters: GaussianParameters): Distribution {
  const f = factor("gaussian", parameters);
  const d = f.mean.length;
  return {
    name: "gaussian",
    dimension: d,
    singular: false,
    mean: f.mean,
    covariance: f.covariance,
    box: reachBox([f]),
    sample(count, generator) {
      const z = generator.normal(count * d);
      const out = new Float64Array(count * d);
      for (let i = 0; i < count; i++) factorPlace(f, z, out, i);
      return cloud(out, d);
    },
    logDensity: onPoints(d, (points, i, scratch) => factorLogDensity(f, points, i, scratch)),
    data: null,
    description: { kind: "gaussian", mean: [...f.mean], covariance: [...f.covariance] },
  };
}

/**
 * The mixture Σ w_k N(m_k, C_k).
 *
 * @param parameters components, each with weight > 0 (sum 1 within 1e-9), mean and covariance or sd; optional kebab-case name
 * @returns the law; `logDensity`, mean and covariance are exact
 * @throws UsageError when a component is no Gaussian, dimensions differ, or the weights do not sum to 1
 */
export function gaussianMixture(parameters: {
  readonly components: readonly MixtureComponent[];
  readonly name?: string;
}): Distribution {
  const where = "gaussianMixture";
  const { components } = parameters;
  demand(components.length >= 1, where, "components", "hold at least one Gaussian", components.length, "Add one");
  const factors = components.map((c, k) => factor(`${where}: components[${k}]`, c));
  const weights = Float64Array.from(components, (c) => c.weight);
  const d = factors[0].mean.length;
  let total = 0;
  for (let k = 0; k < factors.length; k++) {
    demand(
      factors[k].mean.length === d,
      where,
      `components[${k}].mean`,
      `have length ${d}, as the first`,
      factors[k].mean.length,
      "Give all components in the same space",
    );
    demand(weights[k] > 0, where, `components[${k}].weight`, "be > 0", weights[k], "Remove the component");
    total += weights[k];
  }
  demand(Math.abs(total - 1) <= 1e-9, where, "weights", "sum to 1", total, "Divide the weights by their sum");
  const cumulative = runningSum(weights);
  const logWeights = weights.map(Math.log);
  const mean = new Float64Array(d);
  const covariance = new Float64Array(d * d);
  for (let k = 0; k < factors.length; k++)
    for (let a = 0; a < d; a++) mean[a] += (weights[k] / total) * factors[k].mean[a];
  for (let k = 0; k < factors.length; k++) {
    const f = factors[k];
    for (let a = 0; a < d; a++)
      for (let b = 0; b < d; b++)
        covariance[a * d + b] +=
          (weights[k] / total) * (f.covariance[a * d + b] + (f.mean[a] - mean[a]) * (f.mean[b] - mean[b]));
  }
  const terms = new Float64Array(factors.length);
  return {
    name: parameters.name ?? "gaussian-mixture",
    dimension: d,
    singular: false,
    mean,
    covariance,
    box: reachBox(factors),
    sample(count, generator) {
      const choice = generator.uniform(count);
      const z = generator.normal(count * d);
      const out = new Float64Array(count * d);
      for (let i = 0; i < count; i++) factorPlace(factors[indexOf(cumulative, choice[i])], z, out, i);
      return cloud(out, d);
    },
    logDensity: onPoints(d, (points, i, scratch) => {
      for (let k = 0; k < factors.length; k++)
        terms[k] = logWeights[k] + factorLogDensity(factors[k], points, i, scratch);
      return logSumExp(terms);
    }),
    data: null,
    description: {
      kind: "gaussian-mixture",
      name: parameters.name ?? "gaussian-mixture",
      components: factors.map((f, k) => ({
        weight: weights[k],
        mean: [...f.mean],
        covariance: [...f.covariance],
      })),
    },
  };
}

/**
 * The uniform law on the box Π [lower_i, upper_i].
 *
 * @param parameters lower and upper corners, length d, lower < upper
 * @throws UsageError when the corners do not fit
 */
export function uniformBox(parameters: {
  readonly lower: ArrayLike<number>;
  readonly upper: ArrayLike<number>;
}): Distribution {
  const where = "uniformBox";
  const lower = Float64Array.from(parameters.lower);
  const upper = Float64Array.from(parameters.upper);
  const d = lower.length;
  demand(d >= 1, where, "lower", "have at least one coordinate", d, "Use lower: [0], upper: [1] for the unit interval");
  demand(upper.length === d, where, "upper", `have length ${d}, as lower`, upper.length, "Give one bound a coordinate");
  demandFinite(where, "lower", lower);
  demandFinite(where, "upper", upper);
  let logVolume = 0;
  for (let a = 0; a < d; a++) {
    demand(
      lower[a] < upper[a],
      where,
      `upper[${a}]`,
      `be > lower[${a}] = ${lower[a]}`,
      upper[a],
      "Swap the two bounds",
    );
    logVolume += Math.log(upper[a] - lower[a]);
  }
  const covariance = new Float64Array(d * d);
  for (let a = 0; a < d; a++) covariance[a * d + a] = (upper[a] - lower[a]) ** 2 / 12;
  return {
    name: "uniform-box",
    dimension: d,
    singular: false,
    mean: lower.map((x, a) => 0.5 * (x + upper[a])),
    covariance,
    box: { lower, upper },
    sample(count, generator) {
      const u = generator.uniform(count * d);
      for (let i = 0; i < u.length; i++) u[i] = lower[i % d] + (upper[i % d] - lower[i % d]) * u[i];
      return cloud(u, d);
    },
    logDensity: onPoints(d, (points, i) => {
      for (let a = 0; a < d; a++) {
        const x = points[i * d + a];
        if (!(x >= lower[a] && x <= upper[a])) return -Infinity;
      }
      return -logVolume;
    }),
    data: null,
    description: { kind: "uniform-box", lower: [...lower], upper: [...upper] },
  };
}

/**
 * The law of given samples: Σ w_i δ_{x_i}, drawn with replacement.
 *
 * @param data the samples, weights kept
 * @param options name (kebab-case, default `"empirical"`); singular: what is known of the law behind the samples, default `null` (unknown)
 * @returns the law; mean and covariance are those of the samples (divided by n, not n − 1), `data` holds them
 */
export function empirical(
  data: Cloud,
  options: { readonly name?: string; readonly singular?: boolean | null } = {},
): Distribution {
  const { dimension: d, count, points } = data;
  const name = options.name ?? "empirical";
  const singular = options.singular ?? null;
  const weights = Float64Array.from({ length: count }, (_, i) => weightOf(data, i));
  const cumulative = runningSum(weights);
  const mean = new Float64Array(d);
  const covariance = new Float64Array(d * d);
  const lower = new Float64Array(d).fill(Infinity);
  const upper = new Float64Array(d).fill(-Infinity);
  for (let i = 0; i < count; i++) {
    for (let a = 0; a < d; a++) {
      const x = points[i * d + a];
      mean[a] += weights[i] * x;
      if (x < lower[a]) lower[a] = x;
      if (x > upper[a]) upper[a] = x;
    }
  }
  for (let i = 0; i < count; i++)
    for (let a = 0; a < d; a++)
      for (let b = 0; b < d; b++)
        covariance[a * d + b] += weights[i] * (points[i * d + a] - mean[a]) * (points[i * d + b] - mean[b]);
  return {
    name,
    dimension: d,
    singular,
    mean,
    covariance,
    box: { lower, upper },
    sample(n, generator) {
      const u = generator.uniform(n);
      const out = new Float64Array(n * d);
      for (let i = 0; i < n; i++) {
        const j = indexOf(cumulative, u[i]);
        for (let a = 0; a < d; a++) out[i * d + a] = points[j * d + a];
      }
      return cloud(out, d);
    },
    logDensity: null,
    data,
    description: { kind: "empirical", name, count, dimension: d, singular, checksum: checksum(points, data.weights) },
  };
}

/**
 * The point mass δ_p.
 *
 * @param point p, length d ≥ 1, finite
 */
export function dirac(point: ArrayLike<number>): Distribution {
  const p = Float64Array.from(point);
  const d = p.length;
  demand(d >= 1, "dirac", "point", "have at least one coordinate", d, "Use dirac([0]) for a point on the line");
  demandFinite("dirac", "point", p);
  return {
    name: "dirac",
    dimension: d,
    singular: true,
    mean: p,
    covariance: new Float64Array(d * d),
    box: { lower: p, upper: p },
    sample: (count) =>
      cloud(
        Float64Array.from({ length: count * d }, (_, i) => p[i % d]),
        d,
      ),
    logDensity: null,
    data: null,
    description: { kind: "dirac", point: [...p] },
  };
}

/**
 * The product law μ₁ ⊗ μ₂ ⊗ …: independent blocks of coordinates.
 *
 * @param factors the laws, in the order of their coordinates; at least one
 * @param options name, default the factors' names joined by `-x-`
 * @returns the law; singular when a factor is, `logDensity` the sum where every factor has one
 *
 * *Notes*: the factors draw one after the other from the same generator.
 */
export function product(factors: readonly Distribution[], options: { readonly name?: string } = {}): Distribution {
  demand(factors.length >= 1, "product", "factors", "hold at least one law", factors.length, "Give the laws in order");
  const name = options.name ?? factors.map((f) => f.name).join("-x-");
  const d = factors.reduce((sum, f) => sum + f.dimension, 0);
  const offsets = factors.map((_, k) => factors.slice(0, k).reduce((sum, f) => sum + f.dimension, 0));
  const join = (part: (f: Distribution) => Float64Array): Float64Array => {
    const out = new Float64Array(d);
    for (let k = 0; k < factors.length; k++) out.set(part(factors[k]), offsets[k]);
    return out;
  };
  const singular = factors.some((f) => f.singular === true)
    ? true
    : factors.some((f) => f.singular === null)
      ? null
      : false;
  let covariance: Float64Array | null = null;
  if (factors.every((f) => f.covariance !== null)) {
    covariance = new Float64Array(d * d);
    for (let k = 0; k < factors.length; k++) {
      const n = factors[k].dimension;
      for (let a = 0; a < n; a++)
        for (let b = 0; b < n; b++)
          covariance[(offsets[k] + a) * d + offsets[k] + b] = (factors[k].covariance as Float64Array)[a * n + b];
    }
  }
  return {
    name,
    dimension: d,
    singular,
    mean: factors.every((f) => f.mean !== null) ? join((f) => f.mean as Float64Array) : null,
    covariance,
    box: { lower: join((f) => f.box.lower), upper: join((f) => f.box.upper) },
    sample(count, generator) {
      const out = new Float64Array(count * d);
      for (let k = 0; k < factors.length; k++) {
        const n = factors[k].dimension;
        const block = factors[k].sample(count, generator).points;
        for (let i = 0; i < count; i++) for (let a = 0; a < n; a++) out[i * d + offsets[k] + a] = block[i * n + a];
      }
      return cloud(out, d);
    },
    logDensity: factors.every((f) => f.logDensity !== null)
      ? (points) => {
          const count = points.length / d;
          const out = new Float64Array(count);
          for (let k = 0; k < factors.length; k++) {
            const n = factors[k].dimension;
            const block = new Float64Array(count * n);
            for (let i = 0; i < count; i++)
              for (let a = 0; a < n; a++) block[i * n + a] = points[i * d + offsets[k] + a];
            const part = (factors[k].logDensity as (p: Float64Array) => Float64Array)(block);
            for (let i = 0; i < count; i++) out[i] += part[i];
          }
          return out;
        }
      : null,
    data: null,
    description: { kind: "product", name, factors: factors.map((f) => f.description) },
  };
}

/**
 * A manifold target μ ⊗ δ₀: the law's coordinates first, the rest fixed.
 *
 * @param law μ on R^k
 * @param options dimension d > k of the space; at: the fixed values of the other d − k coordinates, default 0; name
 * @returns the law on R^d, singular; for data, `data` holds the embedded samples
 * @throws UsageError when the dimension is not larger than the law's or `at` does not fit
 */
export function embedded(
  law: Distribution,
  options: { readonly dimension: number; readonly at?: ArrayLike<number>; readonly name?: string },
): Distribution {
  const { dimension } = options;
  const k = law.dimension;
  demand(
    Number.isInteger(dimension) && dimension > k,
    "embedded",
    "dimension",
    `be an integer > ${k}, the law's own`,
    dimension,
    `Use dimension: ${k + 1} or more`,
  );
  const at = Float64Array.from(options.at ?? new Float64Array(dimension - k));
  demand(
    at.length === dimension - k,
    "embedded",
    "at",
    `have length ${dimension - k}, one value for each added coordinate`,
    at.length,
    "Leave it out for zeros",
  );
  const whole = product([law, dirac(at)], { name: options.name ?? `${law.name}-in-${dimension}d` });
  if (law.data === null) return whole;
  const { count, points, weights } = law.data;
  const lifted = new Float64Array(count * dimension);
  for (let i = 0; i < count; i++)
    for (let a = 0; a < dimension; a++) lifted[i * dimension + a] = a < k ? points[i * k + a] : at[a - k];
  return { ...whole, data: cloud(lifted, dimension, weights) };
}

/** Cumulative sums of weights; the last entry is set to Infinity so that a uniform draw always finds a place. */
function runningSum(weights: Float64Array): Float64Array {
  const out = new Float64Array(weights.length);
  let sum = 0;
  for (let i = 0; i < weights.length; i++) out[i] = sum += weights[i];
  let last = weights.length - 1;
  while (last > 0 && weights[last] === 0) last--;
  out.fill(Infinity, last);
  return out;
}

/** First index whose cumulative weight exceeds u. */
function indexOf(cumulative: Float64Array, u: number): number {
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulative[middle] > u) high = middle;
    else low = middle + 1;
  }
  return low;
}

function logSumExp(terms: Float64Array): number {
  let top = -Infinity;
  for (let k = 0; k < terms.length; k++) if (terms[k] > top) top = terms[k];
  if (top === -Infinity) return -Infinity;
  let sum = 0;
  for (let k = 0; k < terms.length; k++) sum += Math.exp(terms[k] - top);
  return top + Math.log(sum);
}

function onPoints(
  d: number,
  at: (points: Float64Array, i: number, scratch: Float64Array) => number,
): (points: Float64Array) => Float64Array {
  return (points) => {
    const count = points.length / d;
    demand(
      Number.isInteger(count),
      "logDensity",
      "points",
      `have a length divisible by the dimension ${d}`,
      points.length,
      "Give the coordinates row by row, one point after the other",
    );
    const scratch = new Float64Array(d);
    const out = new Float64Array(count);
    for (let i = 0; i < count; i++) out[i] = at(points, i, scratch);
    return out;
  };
}

function reachBox(factors: readonly Factor[]): Distribution["box"] {
  const d = factors[0].mean.length;
  const reach = gaussianReach(d);
  const lower = new Float64Array(d).fill(Infinity);
  const upper = new Float64Array(d).fill(-Infinity);
  for (const f of factors) {
    for (let a = 0; a < d; a++) {
      const width = reach * Math.sqrt(f.covariance[a * d + a]);
      lower[a] = Math.min(lower[a], f.mean[a] - width);
      upper[a] = Math.max(upper[a], f.mean[a] + width);
    }
  }
  return { lower, upper };
}

function demandFinite(where: string, name: string, values: Float64Array): void {
  for (let i = 0; i < values.length; i++)
    demand(Number.isFinite(values[i]), where, `${name}[${i}]`, "be finite", values[i], "Remove or repair the value");
}

/** FNV-1a over the bytes of the points and, where there are any, the weights; eight hexadecimal digits. */
function checksum(points: Float64Array, weights: Float64Array | null): string {
  let hash = 0x811c9dc5;
  for (const values of weights === null ? [points] : [points, weights]) {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}
