// From a density on a grid to points: the nodes with their masses, or random draws. And from a function to such a density.
//   cloudOf:        Σ_k (value_k · cell volume) δ_{node k}
//   sampleDensity:  cell k with probability value_k / Σ values, then uniform in the cell (inverse of the piecewise linear distribution function)
import { demand } from "../error.js";
import { cells, type Domain, integrate, nodesOf } from "../grid/index.js";
import type { Generator } from "../random/index.js";
import { type Cloud, cloud } from "./cloud.js";
import type { Density } from "./density.js";
import type { Distribution } from "./distribution.js";

/**
 * The nodes of a density with weights value × cell volume; nodes of value 0 are left out.
 *
 * @param density values ≥ 0; its mass must be 1 within 1e-9
 * @param options normalise: divide by the mass (default false: a mass that is not 1 is refused)
 * @throws UsageError when a value is negative or the mass is not 1
 */
export function cloudOf(density: Density, options: { readonly normalise?: boolean } = {}): Cloud {
  const total = demandMass(density, "cloudOf");
  const { grid, values } = density;
  const mass = total * grid.cellVolume;
  demand(
    options.normalise === true || Math.abs(mass - 1) <= 1e-9,
    "cloudOf",
    "mass",
    "be 1",
    mass,
    "Pass { normalise: true } to divide by the mass",
  );
  const scale = options.normalise === true ? 1 / total : grid.cellVolume;
  const d = grid.dimension;
  const nodes = nodesOf(grid);
  const points: number[] = [];
  const weights: number[] = [];
  for (let k = 0; k < values.length; k++) {
    if (values[k] === 0) continue;
    for (let a = 0; a < d; a++) points.push(nodes[k * d + a]);
    weights.push(values[k] * scale);
  }
  return cloud(points, d, weights);
}

/**
 * Draws from a density: piecewise constant on the cells, node ± half a spacing.
 *
 * @param density values ≥ 0 with positive mass; draws are from value/mass, whatever the mass
 * @param count number of draws ≥ 1
 * @param generator source of randomness: `count` uniforms for the cells, then count·d for the places
 * @param how `"independent"`, or `"systematic"`: draw i falls in the i-th of `count` equal shares of the mass, the cells taken along Morton's
 * curve, so that every quarter of a quarter … of the grid gets its mass to within two draws
 * @throws UsageError when a value is negative or the mass is 0
 */
export function sampleDensity(
  density: Density,
  count: number,
  generator: Generator,
  how: "independent" | "systematic" = "independent",
): Cloud {
  const total = demandMass(density, "sampleDensity");
  const { grid, values } = density;
  const d = grid.dimension;
  const nodes = nodesOf(grid);
  const cumulative = new Float64Array(values.length);
  let sum = 0;
  const order = how === "systematic" && d > 1 ? mortonOrder(grid) : null;
  for (let k = 0; k < values.length; k++) cumulative[k] = sum += values[order === null ? k : order[k]];
  const which = generator.uniform(count);
  if (how === "systematic") for (let i = 0; i < count; i++) which[i] = (i + which[i]) / count;
  const out = generator.uniform(count * d);
  for (let i = 0; i < count; i++) {
    // First cell whose cumulative value exceeds the target: never a cell of value 0.
    const target = which[i] * total;
    let low = 0;
    let high = values.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulative[middle] > target) high = middle;
      else low = middle + 1;
    }
    const k = order === null ? low : order[low];
    for (let a = 0; a < d; a++) out[i * d + a] = nodes[k * d + a] + grid.axes[a].spacing * (out[i * d + a] - 0.5);
  }
  return cloud(out, d);
}

/** Cells along each axis of {@link densityOfFunction}, by dimension. */
const FINE = [2048, 192, 40];

/**
 * A function on fine cells of a domain (2048, 192² or 40³), as the density that laws without a sampler are drawn from; 0 in solid cells.
 *
 * @param f values at row-major points
 * @throws UsageError in more than three dimensions
 */
export function densityOfFunction(domain: Domain, f: (points: Float64Array) => Float64Array): Density {
  const { dimension } = domain;
  demand(dimension <= 3, "densityOfFunction", "dimension", "be at most 3", dimension, "Give a law that can be sampled");
  const { grid, points, open } = cells(domain, FINE[dimension - 1]);
  return { kind: "density", grid, values: f(points).map((v, k) => (open[k] === 1 ? v : 0)) };
}

/**
 * Mass of the unknown of a problem at its start: where the problem sets none, 1 of a distribution, and of a density alone its integral over
 * the open part of the domain, on the cells of {@link densityOfFunction}.
 */
export function massOf(problem: {
  readonly domain: Domain;
  readonly initial: {
    readonly distribution: Distribution | null;
    readonly density: { evaluate(t: number, points: Float64Array): Float64Array } | null;
  };
  readonly mass: number | null;
}): number {
  const { domain, initial, mass } = problem;
  const { distribution, density } = initial;
  if (mass !== null) return mass;
  if (distribution !== null || density === null) return 1;
  const { grid, values } = densityOfFunction(domain, (x) => density.evaluate(0, x));
  return integrate(grid, values);
}

/** Cells along Morton's curve: by the interleaved bits of their indices, so that neighbours on the curve are neighbours on the grid. */
function mortonOrder({ shape, size, dimension: d }: Density["grid"]): Uint32Array {
  const bits = Math.ceil(Math.log2(Math.max(...shape)));
  const codes = new Float64Array(size);
  const index = new Int32Array(d);
  for (let k = 0; k < size; k++) {
    let rest = k;
    for (let a = d - 1; a >= 0; a--) {
      index[a] = rest % shape[a];
      rest = Math.floor(rest / shape[a]);
    }
    let code = 0;
    for (let bit = bits - 1; bit >= 0; bit--) for (let a = 0; a < d; a++) code = 2 * code + ((index[a] >> bit) & 1);
    codes[k] = code;
  }
  return Uint32Array.from(codes.keys()).sort((i, j) => codes[i] - codes[j]);
}

function demandMass(density: Density, where: string): number {
  const { values } = density;
  let total = 0;
  for (let k = 0; k < values.length; k++) {
    if (!(values[k] >= 0))
      demand(
        false,
        where,
        `values[${k}]`,
        "be non-negative",
        values[k],
        "Repair the density first: nothing is clipped here",
      );
    total += values[k];
  }
  demand(
    total > 0 && total < Infinity,
    where,
    "mass",
    "be finite and > 0",
    total,
    "Give a density with positive values",
  );
  return total;
}
