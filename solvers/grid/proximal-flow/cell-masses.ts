// A law on the cells of a grid, aᵢ = P(cell i) / P(box); what lies outside the box is reported, never folded in.
//   density      midpoint rule on q^d sub-cells of every cell, second order in h/q
//   samples      multilinear deposition (adjoint of linear interpolation): mass and mean exact, variance + O(h²)
//   bandwidth    samples smoothed by a Gaussian of standard deviation b_a along axis a, reflected at the walls
// Silverman's rule: b_a = sd_a (4/((d + 2) n))^{1/(d+4)} with n = 1/Σw² effective samples.
// Reference: Silverman 1986, eq. 4.14 (key silverman1986density).
import { demand } from "../../../src/error.js";
import { deposit, type Grid } from "../../../src/grid/index.js";
import { type Cloud, type Distribution, weightOf } from "../../../src/measure/index.js";

/** Masses of the cells of a grid. */
export interface CellMasses {
  /** aᵢ ≥ 0 at the nodes, sum 1. */
  readonly mass: Float64Array;
  /** 1 − P(box) before normalisation, as the quadrature sees it: a quadrature error below 0 is possible for densities. */
  readonly truncated: number;
}

/** A law split into the sub-cells of every cell: `per` consecutive points for each cell, weights sum 1. */
export interface SubcellMasses extends CellMasses {
  readonly points: Float64Array;
  readonly weights: Float64Array;
}

/**
 * Sub-cell and cell masses of a law with a density.
 *
 * @param law with `logDensity`
 * @param per q ≥ 1, sub-cells of a cell along each axis
 * @throws UsageError when the density is NaN somewhere or the box holds no mass
 */
export function densityMasses(law: Distribution, g: Grid, per: number): SubcellMasses {
  const d = g.dimension;
  const each = per ** d;
  const points = new Float64Array(g.size * each * d);
  for (let k = 0; k < g.size; k++) {
    for (let s = 0; s < each; s++) {
      let rest = s;
      for (let a = d - 1; a >= 0; a--) {
        const { nodes, spacing } = g.axes[a];
        const offset = ((rest % per) + 0.5) / per - 0.5;
        rest = Math.floor(rest / per);
        points[(k * each + s) * d + a] = nodes[Math.floor(k / g.strides[a]) % g.shape[a]] + offset * spacing;
      }
    }
  }
  const log = (law.logDensity as (points: Float64Array) => Float64Array)(points);
  const weights = log.map((v) => (Math.exp(v) * g.cellVolume) / each);
  const mass = new Float64Array(g.size);
  let total = 0;
  for (let k = 0; k < g.size; k++) {
    for (let s = 0; s < each; s++) mass[k] += weights[k * each + s];
    demand(
      !Number.isNaN(mass[k]),
      "gridProximalFlow",
      `logDensity of ${law.name}`,
      "be a number everywhere in the box",
      Array.from(points.subarray(k * each * d, k * each * d + d)),
      "Repair the density there (the value shown is the point), or shrink the box",
    );
    total += mass[k];
  }
  demandMass(law, total);
  for (let k = 0; k < mass.length; k++) mass[k] /= total;
  for (let k = 0; k < weights.length; k++) weights[k] /= total;
  return { mass, truncated: 1 - total, points, weights };
}

/**
 * Cell masses of a cloud, optionally smoothed.
 *
 * @param bandwidth standard deviation along each axis; zeros for none
 * @throws UsageError when no sample lies in the box
 */
export function cloudMasses(law: Distribution, samples: Cloud, g: Grid, bandwidth: readonly number[]): CellMasses {
  const d = g.dimension;
  const points: number[] = [];
  const weights: number[] = [];
  let total = 0;
  for (let i = 0; i < samples.count; i++) {
    let inside = true;
    for (let a = 0; a < d; a++) {
      const x = samples.points[i * d + a];
      if (!(x >= g.axes[a].lower && x <= g.axes[a].upper)) inside = false;
    }
    if (!inside) continue;
    for (let a = 0; a < d; a++) points.push(samples.points[i * d + a]);
    const w = weightOf(samples, i);
    weights.push(w);
    total += w;
  }
  demandMass(law, total);
  const kept: Cloud = {
    kind: "cloud",
    dimension: d,
    count: weights.length,
    points: Float64Array.from(points),
    weights: Float64Array.from(weights),
  };
  let mass = deposit(g, kept).values;
  for (let a = 0; a < d; a++) if (bandwidth[a] > 0) mass = smoothed(mass, g, a, bandwidth[a]);
  let sum = 0;
  for (const m of mass) sum += m;
  // Only round-off is divided out here.
  for (let k = 0; k < mass.length; k++) mass[k] /= sum;
  return { mass, truncated: 1 - total };
}

/** Silverman's bandwidth along each axis. */
export function silvermanBandwidth(samples: Cloud): number[] {
  const d = samples.dimension;
  let squares = 0;
  for (let i = 0; i < samples.count; i++) squares += weightOf(samples, i) ** 2;
  const factor = (4 * squares) ** (1 / (d + 4)) / (d + 2) ** (1 / (d + 4));
  return Array.from({ length: d }, (_, a) => {
    let mean = 0;
    let second = 0;
    for (let i = 0; i < samples.count; i++) mean += weightOf(samples, i) * samples.points[i * d + a];
    for (let i = 0; i < samples.count; i++) second += weightOf(samples, i) * (samples.points[i * d + a] - mean) ** 2;
    return Math.sqrt(second) * factor;
  });
}

// Convolution with a normalised Gaussian along one axis, walls reflect, weights below 1e-8 of the largest left out.
function smoothed(mass: Float64Array, g: Grid, a: number, sd: number): Float64Array {
  const { points: n, spacing: h } = g.axes[a];
  const reach = Math.ceil((6 * sd) / h);
  const kernel = Float64Array.from({ length: 2 * reach + 1 }, (_, k) => Math.exp(-0.5 * (((k - reach) * h) / sd) ** 2));
  let sum = 0;
  for (const w of kernel) sum += w;
  const out = new Float64Array(mass.length);
  const stride = g.strides[a];
  for (let k = 0; k < mass.length; k++) {
    if (mass[k] === 0) continue;
    const i = Math.floor(k / stride) % n;
    for (let s = -reach; s <= reach; s++) {
      const turn = (((i + s) % (2 * n)) + 2 * n) % (2 * n);
      const j = turn < n ? turn : 2 * n - 1 - turn;
      out[k + (j - i) * stride] += (mass[k] * kernel[s + reach]) / sum;
    }
  }
  return out;
}

function demandMass(law: Distribution, total: number): void {
  demand(
    total > 0 && Number.isFinite(total),
    "gridProximalFlow",
    `mass of ${law.name} in the box`,
    "be > 0 and finite",
    total,
    "Give a box that holds both laws, or leave box out",
  );
}
