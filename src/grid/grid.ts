// Tensor grids of one to three axes: x_{ijk} = (x_i, y_j, z_k), fields row-major, last axis fastest:
//   u[i·s₀ + j·s₁ + k·s₂],  s_{d−1} = 1,  s_a = s_{a+1} n_{a+1}.
// Sizes are checked before anything is allocated.
import { demand } from "../error.js";
import { type Axis, MOST_NODES } from "./axis.js";

/** A tensor grid of 1–3 axes; fields are row-major Float64Arrays, last axis fastest. */
export interface Grid {
  readonly dimension: number;
  readonly axes: readonly Axis[];
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  /** Number of nodes. */
  readonly size: number;
  /** Π spacing. */
  readonly cellVolume: number;
}

/**
 * Makes a tensor grid.
 *
 * @param axes one to three axes, each made by `axis(…)`
 * @throws UsageError when there are no or more than three axes, or more than 2²⁷ nodes
 *
 * *Good values*: up to 4096 nodes in 1-D, 256² in 2-D, 64³ in 3-D for quick work.
 */
export function grid(axes: readonly Axis[]): Grid {
  demand(
    axes.length >= 1 && axes.length <= 3,
    "grid",
    "axes",
    "be one, two or three axes",
    axes.length,
    "Use a particle or neural solver in higher dimension",
  );
  const shape = axes.map((ax) => ax.points);
  const size = shape.reduce((product, n) => product * n, 1);
  demand(
    size <= MOST_NODES,
    "grid",
    "the number of nodes",
    `be ≤ ${MOST_NODES}`,
    size,
    "Use fewer points on each axis, for example 256 × 256 or 64 × 64 × 64",
  );
  const strides = shape.map((_, a) => shape.slice(a + 1).reduce((product, n) => product * n, 1));
  return Object.freeze({
    dimension: axes.length,
    axes: Object.freeze([...axes]),
    shape: Object.freeze(shape),
    strides: Object.freeze(strides),
    size,
    cellVolume: axes.reduce((product, ax) => product * ax.spacing, 1),
  });
}

/**
 * Coordinates of all nodes as row-major points, in the order of the fields.
 *
 * @returns length size·dimension; coordinate a of node k at `[k * dimension + a]`
 */
export function nodesOf(g: Grid): Float64Array {
  const points = new Float64Array(g.size * g.dimension);
  for (let a = 0; a < g.dimension; a++) {
    const { nodes } = g.axes[a];
    const n = g.shape[a];
    const stride = g.strides[a];
    for (let k = 0; k < g.size; k++) points[k * g.dimension + a] = nodes[Math.floor(k / stride) % n];
  }
  return points;
}

/** Throws unless `values` is a field on the grid. */
export function demandField(g: Grid, values: ArrayLike<number>, where: string, name: string): void {
  demand(
    values.length === g.size,
    where,
    name,
    `have length ${g.size}, one value for each node`,
    values.length,
    "Give a row-major field on this grid",
  );
}
