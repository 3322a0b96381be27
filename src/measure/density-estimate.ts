// Density of the law that a cloud was drawn from, two ways.
//   kernel    m̂ = Σ wᵢ K_h(x − xᵢ), Gaussian, by cloud-in-cell deposition and a transform (periodic: Fourier; wall: cosine = mirror images):
//             m̂_ω = e^{−½|hω|²} m_ω (order 2, ≥ 0) or (2 − e^{−½|hω|²}) e^{−½|hω|²} m_ω (order 4, may be negative). Error O(h^order + (nh^d)^{−½}).
//             Bandwidth by the normal-scale rule h_a = σ_a (4/((d + 2)n))^{1/(d+4)}.
//   score     m̂ = C e^{b·ψ(x)} in a stated basis ψ, b from score matching: min_b E[½|∇(b·ψ)|² + Δ(b·ψ)], one linear system, no normaliser;
//             then C = E[q e^{−b·ψ}] with a light-tailed q of mass 1 (so ∫q = 1 holds for m̂ on the cloud). Positive, any dimension, gives ∇ log m̂;
//             error that of log m outside the basis plus O(n^{−½}). Exact family for Gaussians with degree 2.
// References: Silverman 1986, §3.5 and §4.3 (key silverman1986density); Hyvärinen 2005 (key hyvarinen2005estimation).
import { demand } from "../error.js";
import { axis, deposit, grid, interpolate } from "../grid/index.js";
import { alongAxis, cosineTransform, fourierTransform, solvePositive } from "../linalg/index.js";
import { type Cloud, weightOf } from "./cloud.js";
import type { Density } from "./density.js";
import { type Distribution, gaussian } from "./distribution.js";
import type { FunctionBasis } from "./function-basis.js";
import { moments } from "./moments.js";

/** A density made from a cloud. */
export interface DensityEstimate {
  /** m̂ at n row-major points. */
  evaluate(points: Float64Array): Float64Array;
}

/** Estimate on a box, with what it was made with. */
export interface KernelDensity extends DensityEstimate {
  /** h of each axis. */
  readonly bandwidth: readonly number[];
  /** m̂ on the transform's grid. */
  readonly density: Density;
}

export interface KernelDensityOptions {
  readonly lower: readonly number[];
  readonly upper: readonly number[];
  /** One word for all axes, or one an axis; a wall mirrors. */
  readonly ends: "periodic" | "no-flux" | readonly ("periodic" | "no-flux")[];
  /** h > 0, one number or one an axis; default the normal-scale rule. */
  readonly bandwidth?: number | readonly number[];
  /** Default 2. */
  readonly order?: 2 | 4;
}

/** Grid spacings to a bandwidth, and most nodes of an axis by dimension. */
const RESOLUTION = 3;
const MOST = [4096, 512, 96];

/** σ_a (4/((d + 2)n))^{1/(d+4)} for each axis, n the number of points. */
export function normalScaleBandwidth(c: Cloud): number[] {
  const { covariance } = moments(c);
  const d = c.dimension;
  return Array.from({ length: d }, (_, a) => {
    return Math.sqrt(covariance[a * d + a]) * (4 / ((d + 2) * c.count)) ** (1 / (d + 4));
  });
}

/**
 * Gaussian kernel estimate on a box of one to three dimensions.
 *
 * @param c points; those outside are folded back (mirrored at walls, wrapped on periodic axes)
 * @returns m̂ with the cloud's mass to round-off
 * @throws UsageError when the dimension is above 3 or an option is out of range
 *
 * *Notes*: deposition adds ⅙ of the squared spacing to h², a relative 1/54 at the resolution used. Peaks are lowered by O(h²); tails are noisy:
 * use {@link scoreDensity} where a logarithm is taken.
 *
 * *Good values*: the default bandwidth for one hump; a third of it for several.
 *
 * *References*: silverman1986density
 */
export function kernelDensity(c: Cloud, options: KernelDensityOptions): KernelDensity {
  const where = "kernelDensity";
  const { lower, upper, order = 2 } = options;
  const d = c.dimension;
  demand(d <= 3, where, "dimension", "be at most 3", d, "Use scoreDensity in higher dimension");
  demand(
    lower.length === d && upper.length === d,
    where,
    "lower and upper",
    `have the cloud's dimension ${d}`,
    [lower.length, upper.length],
    "Give the corners of the box",
  );
  demand(order === 2 || order === 4, where, "order", "be 2 or 4", order, "Use order: 2 for a positive estimate");
  const given = options.bandwidth ?? normalScaleBandwidth(c);
  const bandwidth: readonly number[] = typeof given === "number" ? Array(d).fill(given) : given;
  demand(
    bandwidth.length === d && bandwidth.every((h) => h > 0 && h < Infinity),
    where,
    "bandwidth",
    "be finite and > 0 on every axis",
    given,
    "Give a number, or spread the points",
  );
  const ends = (a: number) => (typeof options.ends === "string" ? options.ends : options.ends[a]);
  const g = grid(
    bandwidth.map((h, a) => {
      const points = Math.max(8, Math.ceil((RESOLUTION * (upper[a] - lower[a])) / h));
      demand(
        points <= MOST[d - 1],
        where,
        `bandwidth[${a}]`,
        `be at least ${((RESOLUTION * (upper[a] - lower[a])) / MOST[d - 1]).toPrecision(3)} on this box`,
        h,
        "Use a larger bandwidth, or a smaller box",
      );
      return axis({ lower: lower[a], upper: upper[a], points, boundary: ends(a) });
    }),
  );
  const density = deposit(g, c);
  const { values } = density;
  const transforms = g.axes.map((ax) =>
    ax.boundary === "periodic" ? fourierTransform(ax.points) : cosineTransform(ax.points),
  );
  transforms.forEach((transform, a) => {
    alongAxis(transform, values, g.strides[a], "forward");
  });
  const exponents = g.axes.map((ax, a) =>
    Float64Array.from({ length: ax.points }, (_, k) => {
      const wave =
        ax.boundary === "periodic"
          ? (2 * Math.PI * Math.min(k, ax.points - k)) / (ax.upper - ax.lower)
          : (Math.PI * k) / (ax.upper - ax.lower);
      return 0.5 * (bandwidth[a] * wave) ** 2;
    }),
  );
  for (let k = 0; k < values.length; k++) {
    let exponent = 0;
    for (let a = 0; a < d; a++) exponent += exponents[a][Math.floor(k / g.strides[a]) % g.shape[a]];
    const damped = Math.exp(-exponent);
    values[k] *= order === 2 ? damped : (2 - damped) * damped;
  }
  transforms.forEach((transform, a) => {
    alongAxis(transform, values, g.strides[a], "inverse");
  });
  return Object.freeze({
    bandwidth,
    density,
    evaluate: (points: Float64Array) => interpolate(g, values, points),
  });
}

/** m̂ = C e^{b·ψ}. */
export interface ScoreDensity extends DensityEstimate {
  /** b, one number a function of the basis; the constant's is 0. */
  readonly coefficients: Float64Array;
  readonly logConstant: number;
  /** log m̂ at n row-major points. */
  logDensity(points: Float64Array): Float64Array;
}

/** Variance of the comparison law q on open axes, as a share of the cloud's. */
const LIGHT = 0.7;

/**
 * Density of exponential form by score matching.
 *
 * @param c at least as many points as the basis has functions
 * @param basis fourier on periodic axes, cosine at walls that reflect, polynomial where mass does not reach the end
 * @throws UsageError when the dimensions differ, or the cloud does not spread over the basis
 *
 * *Notes*: the part of log m outside the basis is lost. A polynomial of degree above 2 may grow in the tails, beyond the points.
 *
 * *Good values*: degree 2 for one hump on the line, 4 to 8 on a circle; n ≥ 100 points a function.
 *
 * *References*: hyvarinen2005estimation
 */
export function scoreDensity(c: Cloud, basis: FunctionBasis): ScoreDensity {
  const where = "scoreDensity";
  const { dimension: d, size, axes } = basis;
  demand(c.dimension === d, where, "cloud", `have the basis's dimension ${d}`, c.dimension, "Give both in one space");
  const { values, gradients, laplacians } = basis.evaluate(c.points);
  const { mean, covariance } = moments(c);
  axes.forEach((ax, a) => {
    const variance = covariance[a * d + a];
    demand(
      ax.kind !== "polynomial" || variance > 0,
      where,
      "cloud",
      `spread along coordinate ${a}`,
      variance,
      "Give points that differ, or no density",
    );
  });
  const B = size - 1; // without the constant
  const gram = new Float64Array(B * B);
  const b = new Float64Array(B);
  for (let i = 0; i < c.count; i++) {
    const w = weightOf(c, i);
    const at = i * size + 1;
    for (let j = 0; j < B; j++) b[j] -= w * laplacians[at + j];
    for (let a = 0; a < d; a++) {
      const row = gradients[a];
      for (let j = 0; j < B; j++) {
        const v = w * row[at + j];
        if (v === 0) continue;
        for (let k = 0; k <= j; k++) gram[j * B + k] += v * row[at + k];
      }
    }
  }
  if (B > 0) solvePositive(gram, b);
  const coefficients = new Float64Array(size);
  coefficients.set(b, 1);

  const open = axes.flatMap((ax, a) => (ax.kind === "polynomial" ? [a] : []));
  const logBox = axes.reduce((sum, ax) => sum - (ax.kind === "polynomial" ? 0 : Math.log(ax.upper - ax.lower)), 0);
  const logQ = open.length === 0 ? null : lightLaw(mean, covariance, open).logDensity;
  const light = logQ === null ? null : logQ(pick(c.points, d, open));
  // C = Σ wᵢ q(xᵢ) e^{−b·ψ(xᵢ)}, with the largest exponent taken out
  const exponents = new Float64Array(c.count);
  let top = -Infinity;
  for (let i = 0; i < c.count; i++) {
    exponents[i] = logBox + (light === null ? 0 : light[i]) - dot(values, i * size, coefficients);
    top = Math.max(top, exponents[i]);
  }
  let sum = 0;
  for (let i = 0; i < c.count; i++) sum += weightOf(c, i) * Math.exp(exponents[i] - top);
  const logConstant = top + Math.log(sum);
  const logDensity = (points: Float64Array): Float64Array => {
    const at = basis.evaluate(points).values;
    return Float64Array.from({ length: points.length / d }, (_, i) => logConstant + dot(at, i * size, coefficients));
  };
  return Object.freeze({
    coefficients,
    logConstant,
    logDensity,
    evaluate: (points: Float64Array) => logDensity(points).map(Math.exp),
  });
}

function dot(rows: Float64Array, at: number, x: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < x.length; j++) sum += rows[at + j] * x[j];
  return sum;
}

/** The Gaussian with the given mean and LIGHT times the covariance in the chosen coordinates. */
function lightLaw(mean: Float64Array, covariance: Float64Array, chosen: readonly number[]): Distribution {
  const d = mean.length;
  return gaussian({
    mean: chosen.map((a) => mean[a]),
    covariance: chosen.flatMap((a) => chosen.map((b) => LIGHT * covariance[a * d + b])),
  });
}

function pick(points: Float64Array, d: number, chosen: readonly number[]): Float64Array {
  const n = points.length / d;
  const out = new Float64Array(n * chosen.length);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < chosen.length; j++) out[i * chosen.length + j] = points[i * d + chosen[j]];
  return out;
}
