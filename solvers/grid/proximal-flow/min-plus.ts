// Min-plus convolution on a lattice with a radial cost, hard or smoothed:
//   (Aψ)ᵢ = minⱼ ψⱼ + h(|xᵢ − xⱼ|),      (A_ε ψ)ᵢ = −ε log Σⱼ exp(−(ψⱼ + h(|xᵢ − xⱼ|))/ε).
// Scheme: h is tabulated once for all lattice offsets; nodes are grouped in tiles, and a pair of tiles is skipped when
// min ψ + h(nearest distance) exceeds what the row already attains: branch and bound, so the hard minimum is exact.
// The pairs that a smoothed minimum sees, those within a slack of the minimum, form a sparse pattern on which it is then cheap.
// Cost: O(N^{3/2}) in practice for smooth ψ (O(N²) at worst), any radial nondecreasing h, one or two dimensions.
// Reference: Schmitzer 2019, "Stabilized sparse scaling algorithms", §3 (kernel truncation) (key schmitzer2019stabilized).
import type { Grid } from "../../../src/grid/index.js";

/** A radial cost tabulated on the offsets of one grid; a line is treated as a lattice of one row. */
export interface LatticeCost {
  /** Nodes along the first and the second axis (1 × n on a line). */
  readonly rows: number;
  readonly columns: number;
  readonly spacing: readonly [number, number];
  readonly h: (r: number) => number;
  /** h(|xᵢ − xⱼ|) at offset (Δ₀ + rows − 1)(2 columns − 1) + Δ₁ + columns − 1. */
  readonly table: Float64Array;
}

/** Some nodes of the lattice, grouped in tiles. */
export interface Tiling {
  /** Node indices, tile by tile. */
  readonly nodes: Int32Array;
  /** Tile k holds nodes[start[k]] … nodes[start[k + 1] − 1]. */
  readonly start: Int32Array;
  /** Smallest and largest lattice coordinates of each tile: [low₀, high₀, low₁, high₁]. */
  readonly bounds: Int32Array;
  /** Offset of each node in the cost table, in the order of `nodes`. */
  readonly offset: Int32Array;
}

/** A sparse row-stochastic plan in compressed rows: row r belongs to node `to.nodes[r]`. */
export interface SparsePlan {
  /** Entries of row r: start[r] … start[r + 1] − 1. */
  start: Int32Array;
  /** Node index of each entry. */
  column: Int32Array;
  /** Share of the row that goes there; every row sums to 1. */
  share: Float64Array;
  /** Cost h of each entry. */
  cost: Float64Array;
  /** Entries in use; the arrays may be longer. */
  count: number;
}

/** Tabulates a radial cost on the offsets of a one- or two-dimensional grid. */
export function latticeCost(g: Grid, h: (r: number) => number): LatticeCost {
  const [rows, columns] = g.dimension === 1 ? [1, g.shape[0]] : g.shape;
  const [d0, d1] = g.dimension === 1 ? [1, g.axes[0].spacing] : g.axes.map((ax) => ax.spacing);
  const width = 2 * columns - 1;
  const table = new Float64Array((2 * rows - 1) * width);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const value = h(Math.hypot(i * d0, j * d1));
      table[(rows - 1 + i) * width + columns - 1 + j] = value;
      table[(rows - 1 - i) * width + columns - 1 + j] = value;
      table[(rows - 1 + i) * width + columns - 1 - j] = value;
      table[(rows - 1 - i) * width + columns - 1 - j] = value;
    }
  }
  return { rows, columns, spacing: [d0, d1], h, table };
}

/** Most nodes of a tile. */
const TILE = 64;

/** Groups the nodes where `keep` is > 0 in tiles of at most 8 × 8 (1 × 32 on a line). */
export function tiling(cost: LatticeCost, keep: ArrayLike<number>): Tiling {
  const { rows, columns } = cost;
  const [side0, side1] = rows === 1 ? [1, 32] : [8, 8];
  const width = 2 * columns - 1;
  const nodes: number[] = [];
  const start: number[] = [0];
  const bounds: number[] = [];
  for (let i0 = 0; i0 < rows; i0 += side0) {
    for (let j0 = 0; j0 < columns; j0 += side1) {
      let [low0, high0, low1, high1] = [rows, -1, columns, -1];
      for (let i = i0; i < Math.min(rows, i0 + side0); i++) {
        for (let j = j0; j < Math.min(columns, j0 + side1); j++) {
          if (!(keep[i * columns + j] > 0)) continue;
          nodes.push(i * columns + j);
          if (i < low0) low0 = i;
          if (i > high0) high0 = i;
          if (j < low1) low1 = j;
          if (j > high1) high1 = j;
        }
      }
      if (high0 < 0) continue;
      start.push(nodes.length);
      bounds.push(low0, high0, low1, high1);
    }
  }
  return {
    nodes: Int32Array.from(nodes),
    start: Int32Array.from(start),
    bounds: Int32Array.from(bounds),
    offset: Int32Array.from(nodes, (k) => Math.floor(k / columns) * width + (k % columns)),
  };
}

/** An empty plan to be filled by {@link minPlus}; its arrays grow and are kept between calls. */
export function sparsePlan(): SparsePlan {
  return {
    start: new Int32Array(1),
    column: new Int32Array(0),
    share: new Float64Array(0),
    cost: new Float64Array(0),
    count: 0,
  };
}

function reserve(plan: SparsePlan, room: number): void {
  if (plan.column.length >= room) return;
  const size = Math.max(room, Math.ceil(1.5 * plan.column.length), 1 << 12);
  const grow = <A extends Int32Array | Float64Array>(old: A, fresh: A): A => {
    fresh.set(old);
    return fresh;
  };
  plan.column = grow(plan.column, new Int32Array(size));
  plan.share = grow(plan.share, new Float64Array(size));
  plan.cost = grow(plan.cost, new Float64Array(size));
}

/**
 * The hard minimum (Aψ)ᵢ at the nodes of `to`, over the nodes of `from`.
 *
 * @param potential ψ at all lattice nodes (read at the nodes of `from` only)
 * @param out written at the nodes of `to`, other entries are left alone; length rows·columns
 * @param plan when given, its pattern is set to all pairs within `slack` of their row's minimum (shares are not set)
 * @param slack ≥ 0; default 0
 */
export function minPlus(
  cost: LatticeCost,
  to: Tiling,
  from: Tiling,
  potential: Float64Array,
  out: Float64Array,
  plan: SparsePlan | null = null,
  slack = 0,
): Float64Array {
  const { rows, columns, spacing, h, table } = cost;
  const [d0, d1] = spacing;
  const shift = (rows - 1) * (2 * columns - 1) + columns - 1;
  const sources = from.start.length - 1;
  const gathered = new Float64Array(from.nodes.length);
  const lowest = new Float64Array(sources).fill(Infinity);
  for (let k = 0; k < sources; k++) {
    for (let s = from.start[k]; s < from.start[k + 1]; s++) {
      gathered[s] = potential[from.nodes[s]];
      if (gathered[s] < lowest[k]) lowest[k] = gathered[s];
    }
  }
  const bound = new Float64Array(sources);
  const least = new Float64Array(TILE);
  if (plan !== null) {
    plan.count = 0;
    if (plan.start.length !== to.nodes.length + 1) plan.start = new Int32Array(to.nodes.length + 1);
  }
  for (let tile = 0; tile + 1 < to.start.length; tile++) {
    const first = to.start[tile];
    const last = to.start[tile + 1];
    const [low0, high0, low1, high1] = [0, 1, 2, 3].map((a) => to.bounds[4 * tile + a]);
    let attained = Infinity;
    for (let k = 0; k < sources; k++) {
      const b = 4 * k;
      const gap0 = Math.max(0, from.bounds[b] - high0, low0 - from.bounds[b + 1]);
      const gap1 = Math.max(0, from.bounds[b + 2] - high1, low1 - from.bounds[b + 3]);
      const far0 = Math.max(high0 - from.bounds[b], from.bounds[b + 1] - low0);
      const far1 = Math.max(high1 - from.bounds[b + 2], from.bounds[b + 3] - low1);
      bound[k] = lowest[k] + h(Math.sqrt((gap0 * d0) ** 2 + (gap1 * d1) ** 2));
      const reach = lowest[k] + h(Math.sqrt((far0 * d0) ** 2 + (far1 * d1) ** 2));
      if (reach < attained) attained = reach;
    }
    const candidates: number[] = [];
    for (let k = 0; k < sources; k++) if (bound[k] <= attained + slack) candidates.push(k);
    candidates.sort((a, b) => bound[a] - bound[b]);
    for (let r = first; r < last; r++) least[r - first] = Infinity;
    let used = 0;
    let worst = Infinity;
    for (; used < candidates.length && bound[candidates[used]] <= worst + slack; used++) {
      const k = candidates[used];
      const end = from.start[k + 1];
      worst = -Infinity;
      for (let r = first; r < last; r++) {
        const base = shift + to.offset[r];
        let m = least[r - first];
        for (let s = from.start[k]; s < end; s++) {
          const value = gathered[s] + table[base - from.offset[s]];
          if (value < m) m = value;
        }
        least[r - first] = m;
        if (m > worst) worst = m;
      }
    }
    for (let r = first; r < last; r++) {
      const m = least[r - first];
      out[to.nodes[r]] = m;
      if (plan === null) continue;
      const base = shift + to.offset[r];
      plan.start[r] = plan.count;
      for (let c = 0; c < used; c++) {
        const k = candidates[c];
        if (bound[k] > m + slack) break;
        const end = from.start[k + 1];
        reserve(plan, plan.count + end - from.start[k]);
        const { column, cost: paid } = plan;
        for (let s = from.start[k]; s < end; s++) {
          const h = table[base - from.offset[s]];
          if (gathered[s] + h - m > slack) continue;
          column[plan.count] = from.nodes[s];
          paid[plan.count++] = h;
        }
      }
    }
  }
  if (plan !== null) plan.start[to.nodes.length] = plan.count;
  return out;
}

/**
 * The smoothed minimum over the entries of a plan's pattern alone, (A_ε ψ)ᵢ = −ε log Σ_{j in row i} exp(−(ψⱼ + hᵢⱼ)/ε), and the
 * shares exp((A_εψ)ᵢ − ψⱼ − hᵢⱼ)/ε) of the plan.
 *
 * @param out written at the nodes of `to`
 */
export function softMinimum(
  plan: SparsePlan,
  to: Tiling,
  potential: Float64Array,
  epsilon: number,
  out: Float64Array,
): void {
  const { start, column, share, cost } = plan;
  for (let r = 0; r < to.nodes.length; r++) {
    const begin = start[r];
    const end = start[r + 1];
    let m = Infinity;
    for (let e = begin; e < end; e++) {
      const value = potential[column[e]] + cost[e];
      share[e] = value;
      if (value < m) m = value;
    }
    let sum = 0;
    for (let e = begin; e < end; e++) sum += share[e] = Math.exp((m - share[e]) / epsilon);
    for (let e = begin; e < end; e++) share[e] /= sum;
    out[to.nodes[r]] = m - epsilon * Math.log(sum);
  }
}

/**
 * The transposed smoothed minimum over a plan's pattern, −ε log Σ_{i: (i, j) in the pattern} exp(−(rowᵢ + hᵢⱼ)/ε); +∞ at nodes
 * that no row reaches.
 *
 * @param row rowᵢ at the nodes of `to`
 * @param out overwritten at all nodes
 */
export function softMinimumOfColumns(
  plan: SparsePlan,
  to: Tiling,
  row: Float64Array,
  epsilon: number,
  out: Float64Array,
): void {
  const { start, column, cost } = plan;
  const sum = new Float64Array(out.length);
  out.fill(Infinity);
  for (let r = 0; r < to.nodes.length; r++) {
    const value = row[to.nodes[r]];
    for (let e = start[r]; e < start[r + 1]; e++) {
      const total = value + cost[e];
      if (total < out[column[e]]) out[column[e]] = total;
    }
  }
  for (let r = 0; r < to.nodes.length; r++) {
    const value = row[to.nodes[r]];
    for (let e = start[r]; e < start[r + 1]; e++)
      sum[column[e]] += Math.exp((out[column[e]] - value - cost[e]) / epsilon);
  }
  for (let j = 0; j < out.length; j++) if (sum[j] > 0) out[j] -= epsilon * Math.log(sum[j]);
}
