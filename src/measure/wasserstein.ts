// Wasserstein distances of clouds:  W_p(μ, ν) = (min over plans π of ∫|x − y|^p dπ)^{1/p},  p = 1, 2, un-squared and un-halved. Exact:
//   on the line   W_p^p = ∫₀¹ |F⁻¹(u) − G⁻¹(u)|^p du by sorting, any weights and counts;
//   in R^d        the assignment problem, for equal counts with uniform weights; other clouds are refused with the cure.
// On 1-D grids  W₁ = Σ h |F − G| over the faces; on a periodic axis F − G minus its median.
// References: Villani 2003 (key villani2003topics); the circle: Werman, Peleg, Melter, Kong 1986 (key werman1986bipartite).
import { demand } from "../error.js";
import type { Generator } from "../random/index.js";
import { assignment } from "./assignment.js";
import { type Cloud, cloud, demandSameSpace, weightOf, weightsOf } from "./cloud.js";
import type { Density } from "./density.js";
import type { Distribution } from "./distribution.js";

/**
 * W₁(μ, ν) = min ∫|x − y| dπ, exact.
 *
 * @param a cloud μ
 * @param b cloud ν of the same dimension
 * @throws UsageError when dimensions differ, or in d ≥ 2 when counts differ or weights are not uniform
 *
 * *Notes*: the line takes any weights and counts at n log n. In d ≥ 2 time is up to n³ and memory 8 n²: seconds for 2000 points.
 */
export function wasserstein1(a: Cloud, b: Cloud): number {
  return distance(a, b, 1, "wasserstein1");
}

/**
 * W₂(μ, ν) = (min ∫|x − y|² dπ)^{1/2}, exact.
 *
 * @param a cloud μ
 * @param b cloud ν of the same dimension
 * @throws UsageError when dimensions differ, or in d ≥ 2 when counts differ or weights are not uniform
 *
 * *Notes*: as {@link wasserstein1}.
 */
export function wasserstein2(a: Cloud, b: Cloud): number {
  return distance(a, b, 2, "wasserstein2");
}

function distance(a: Cloud, b: Cloud, p: 1 | 2, where: string): number {
  demandSameSpace(a, b, where);
  if (a.dimension === 1) return onTheLine(a, b, p);
  const cure =
    "Draw as many points as the other cloud has (the law's sample(), or a random subset), or use sinkhornDivergence() or semiRelaxedTransport() with plainTransport()";
  demand(a.count === b.count, where, "b", `have ${a.count} points, as a, in dimension ≥ 2`, b.count, cure);
  demand(isUniform(a) && isUniform(b), where, "weights", "be uniform in dimension ≥ 2", "weighted points", cure);
  const n = a.count;
  const d = a.dimension;
  const x = a.points;
  const y = b.points;
  const { cost } = assignment((i, j) => {
    let square = 0;
    for (let k = 0; k < d; k++) square += (x[i * d + k] - y[j * d + k]) ** 2;
    return p === 2 ? square : Math.sqrt(square);
  }, n);
  return p === 2 ? Math.sqrt(cost / n) : cost / n;
}

function isUniform(c: Cloud): boolean {
  return c.weights === null || c.weights.every((w) => Math.abs(w * c.count - 1) <= 1e-12);
}

function onTheLine(a: Cloud, b: Cloud, p: 1 | 2): number {
  const x = sorted(a);
  const y = sorted(b);
  // Walk both quantile functions; `left` is what the current point still holds. Weights sum to 1 within 1e-9, so the tail is below that.
  let i = 0;
  let j = 0;
  let leftX = x.weights[0];
  let leftY = y.weights[0];
  let sum = 0;
  while (i < a.count && j < b.count) {
    const mass = Math.min(leftX, leftY);
    const gap = Math.abs(x.values[i] - y.values[j]);
    sum += mass * (p === 2 ? gap * gap : gap);
    leftX -= mass;
    leftY -= mass;
    // Equal counts with uniform weights meet exactly; rounding elsewhere leaves slivers of mass that cost nothing.
    if (leftX <= 0) leftX = x.weights[++i];
    if (leftY <= 0) leftY = y.weights[++j];
  }
  return p === 2 ? Math.sqrt(sum) : sum;
}

function sorted(c: Cloud): { readonly values: Float64Array; readonly weights: Float64Array } {
  if (c.weights === null) return { values: c.points.slice().sort(), weights: weightsOf(c) };
  const order = Uint32Array.from({ length: c.count }, (_, i) => i).sort((i, j) => c.points[i] - c.points[j]);
  return {
    values: Float64Array.from(order, (i) => c.points[i]),
    weights: Float64Array.from(order, (i) => weightOf(c, i)),
  };
}

/**
 * W₁ of two densities on one 1-D grid, as point masses at the nodes: Σ h |F − G|; on a periodic axis the distance along the circle,
 * min over s of Σ h |F − G − s|.
 *
 * @param a first density
 * @param b second density, on an equal grid, of equal mass within 1e-9 of the mass
 * @returns the cost of moving a to b (for probability densities W₁)
 * @throws UsageError when the grids differ or are not 1-D, or the masses differ
 *
 * *References*: werman1986bipartite
 */
export function wasserstein1OnGrid(a: Density, b: Density): number {
  const where = "wasserstein1OnGrid";
  demand(
    a.grid.dimension === 1 && b.grid.dimension === 1,
    where,
    "grid",
    "have one axis",
    a.grid.dimension,
    "Use sampleDensity() and wasserstein1() in more dimensions",
  );
  const [axis] = a.grid.axes;
  const [other] = b.grid.axes;
  demand(
    axis.points === other.points &&
      axis.lower === other.lower &&
      axis.upper === other.upper &&
      axis.boundary === other.boundary,
    where,
    "b",
    "lie on the grid of a",
    [other.lower, other.upper, other.points, other.boundary],
    "Interpolate one density to the grid of the other",
  );
  const n = axis.points;
  const flow = new Float64Array(n);
  let running = 0;
  let mass = 0;
  for (let i = 0; i < n; i++) {
    running += (a.values[i] - b.values[i]) * axis.spacing;
    mass += Math.abs(a.values[i]) * axis.spacing;
    flow[i] = running;
  }
  demand(Math.abs(running) <= 1e-9 * mass, where, "b", "have the mass of a", -running, "Give densities of equal mass");
  const periodic = axis.boundary === "periodic";
  const shift = periodic ? flow.slice().sort()[n >> 1] : 0;
  let sum = 0;
  for (let i = 0; i < (periodic ? n : n - 1); i++) sum += Math.abs(flow[i] - shift);
  return sum * axis.spacing;
}

/** What two independent samples of one law differ by. */
export interface SamplingFloor {
  /** Mean of W₂ over the repeats. */
  readonly mean: number;
  /** Standard error of that mean: sample sd/√repeats. */
  readonly standardError: number;
  readonly points: number;
  readonly repeats: number;
  /** Each W₂. */
  readonly values: Float64Array;
}

/**
 * The sampling floor: W₂ between two independent n-samples of the same law. No generator can be expected below it.
 *
 * @param law a law to draw from, or a cloud with uniform weights, from which disjoint halves of n points are drawn at random
 * @param n points in each sample; for a cloud 2n ≤ its count
 * @param repeats number of pairs ≥ 2
 * @param generator source of randomness
 * @returns mean, standard error and all values
 * @throws UsageError when repeats < 2, or the cloud is weighted or too small for two disjoint samples
 *
 * *Notes*: pairs from one cloud share points between repeats, so their standard error is of the draw, not of the data.
 *
 * *Good values*: repeats 10.
 */
export function samplingFloor(
  law: Distribution | Cloud,
  n: number,
  repeats: number,
  generator: Generator,
): SamplingFloor {
  const where = "samplingFloor";
  demand(Number.isInteger(n) && n >= 1, where, "n", "be an integer ≥ 1", n, "Use the number of points you compare");
  demand(Number.isInteger(repeats) && repeats >= 2, where, "repeats", "be an integer ≥ 2", repeats, "Use repeats: 10");
  const isCloud = "kind" in law;
  if (isCloud) {
    demand(
      2 * n <= law.count,
      where,
      "n",
      `be at most ${Math.floor(law.count / 2)}, half the cloud's points`,
      n,
      "Lower n, or give the law itself",
    );
    demand(
      isUniform(law),
      where,
      "law",
      "have uniform weights",
      "weighted points",
      "Give empirical(cloud) to draw by weight",
    );
  }
  const values = new Float64Array(repeats);
  let mean = 0;
  for (let r = 0; r < repeats; r++) {
    if (isCloud) {
      const order = generator.permutation(law.count);
      values[r] = wasserstein2(subset(law, order.subarray(0, n)), subset(law, order.subarray(n, 2 * n)));
    } else values[r] = wasserstein2(law.sample(n, generator), law.sample(n, generator));
    mean += values[r] / repeats;
  }
  let square = 0;
  for (const value of values) square += (value - mean) ** 2 / (repeats - 1);
  return { mean, standardError: Math.sqrt(square / repeats), points: n, repeats, values };
}

function subset(c: Cloud, chosen: Int32Array): Cloud {
  const d = c.dimension;
  const points = new Float64Array(chosen.length * d);
  for (let i = 0; i < chosen.length; i++) for (let a = 0; a < d; a++) points[i * d + a] = c.points[chosen[i] * d + a];
  return cloud(points, d);
}
