// Cloud: finitely many weighted points in R^d.
import { demand } from "../error.js";

/** Points (row-major, count × dimension) with weights that sum to 1; `weights: null` means uniform 1/count. */
export interface Cloud {
  readonly kind: "cloud";
  readonly dimension: number;
  readonly count: number;
  readonly points: Float64Array;
  readonly weights: Float64Array | null;
}

/**
 * Makes a cloud.
 *
 * @param points row-major coordinates, length count·dimension, finite
 * @param dimension d ≥ 1
 * @param weights length count, non-negative, sum 1 within 1e-9; default uniform
 * @throws UsageError when lengths do not fit or a value is not finite
 */
export function cloud(points: ArrayLike<number>, dimension: number, weights: ArrayLike<number> | null = null): Cloud {
  demand(
    Number.isInteger(dimension) && dimension >= 1,
    "cloud",
    "dimension",
    "be an integer ≥ 1",
    dimension,
    "Give the number of coordinates of one point",
  );
  demand(
    points.length > 0 && points.length % dimension === 0,
    "cloud",
    "points",
    `have a positive length divisible by the dimension ${dimension}`,
    points.length,
    "Give the coordinates row by row, one point after the other",
  );
  const count = points.length / dimension;
  const p = Float64Array.from(points);
  for (let i = 0; i < p.length; i++)
    demand(Number.isFinite(p[i]), "cloud", `points[${i}]`, "be finite", p[i], "Remove or repair the point");
  let w: Float64Array | null = null;
  if (weights !== null) {
    demand(
      weights.length === count,
      "cloud",
      "weights",
      `have length ${count}, one for each point`,
      weights.length,
      "Give one weight a point, or null for uniform weights",
    );
    w = Float64Array.from(weights);
    let sum = 0;
    for (const x of w) {
      demand(x >= 0, "cloud", "weights", "be non-negative and finite", x, "Remove the point or set its weight to 0");
      sum += x;
    }
    demand(Math.abs(sum - 1) <= 1e-9, "cloud", "weights", "sum to 1", sum, "Divide the weights by their sum");
  }
  return { kind: "cloud", dimension, count, points: p, weights: w };
}

/** Weight of point i. */
export function weightOf(c: Cloud, i: number): number {
  return c.weights === null ? 1 / c.count : c.weights[i];
}

/** Weights of all points, of a cloud or of paths. */
export function weightsOf({ count, weights }: Pick<Cloud, "count" | "weights">): Float64Array {
  return weights ?? new Float64Array(count).fill(1 / count);
}

/** Diagonal of the box round both clouds: no two of their points are farther apart. */
export function diagonalOf(a: Cloud, b: Cloud): number {
  const d = a.dimension;
  let square = 0;
  for (let k = 0; k < d; k++) {
    let [low, high] = [Infinity, -Infinity];
    for (const { points } of [a, b])
      for (let i = k; i < points.length; i += d) {
        low = Math.min(low, points[i]);
        high = Math.max(high, points[i]);
      }
    square += (high - low) ** 2;
  }
  return Math.sqrt(square);
}

/** Throws unless both clouds have one dimension. */
export function demandSameSpace(a: Cloud, b: Cloud, where: string): void {
  demand(
    a.dimension === b.dimension,
    where,
    "b",
    `have the dimension ${a.dimension} of a`,
    b.dimension,
    "Give both clouds in the same space",
  );
}
