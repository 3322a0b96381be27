// Cells of a domain, and the few operators that know its shape. Unknowns sit at cell centres; every cell has 2d links,
// link 2a toward the lower and 2a + 1 toward the upper neighbour on axis a, and d one-sided differences a side:
//   D₂ₐ u   = (u_k − u_lower)/h     (backward)        D₂ₐ₊₁ u = (u_upper − u_k)/h     (forward)
//   wall     difference 0: ∂ₙu = 0, and nothing passes
//   door     the value stands on the face, half a cell away: (u_k − cost)/(h/2) or (cost − u_k)/(h/2)
//   solid    cells inside an obstacle carry 0 and no link; their surface is a wall
// Laplacian Δu = Σ_a (D₂ₐ₊₁ − D₂ₐ)u/h (two-point fluxes: symmetric, ≤ 0, an M-matrix); adjoint of the differences for
// the transported density: Σ_k D_j u_k w_k = Σ_k u_k (D_jᵀ w)_k, at cost 0. Cells are all of one volume.
// Reference: Achdou, Capuzzo-Dolcetta 2010 (key achdou2010mean); Eymard, Gallouët, Herbin 2000 (key eymard2000finite).
import { demand } from "../error.js";
import { axis } from "./axis.js";
import type { Domain } from "./domain.js";
import { type Grid, grid, nodesOf } from "./grid.js";

/** Faces of doors: `link[i]` of cell `cell[i]`, where u = `cost[i]`. */
export interface DoorFaces {
  readonly link: Int32Array;
  readonly cell: Int32Array;
  readonly cost: Float64Array;
}

/** A domain cut into cells. Fields have one value for each cell of the box; solid cells hold 0. */
export interface Cells {
  readonly domain: Domain;
  /** Cell centres; periodic axes where the domain is, no-flux axes elsewhere. */
  readonly grid: Grid;
  /** 1 in open cells, 0 in solid ones; length size. */
  readonly open: Uint8Array;
  readonly openCount: number;
  /** Cell at the other end of link j of cell k at `neighbour[j][k]`; k itself at walls, doors and in solid cells. */
  readonly neighbour: readonly Int32Array[];
  readonly doors: DoorFaces;
  /** No door and no solid cell. */
  readonly isPlain: boolean;
  /** Row-major centres, length size·d. */
  readonly points: Float64Array;
}

/** Cells along each axis, one number for all, or `null` for the usual: 256, 64, 32 in one, two, three dimensions. */
export type CellCounts = number | readonly number[] | null;

const USUAL = [256, 64, 32];

/**
 * Throws unless `points` can be cells along the axes of some domain: for solvers, which learn the domain later.
 *
 * @param points integers ≥ 4, or one for all axes
 */
export function demandPoints(where: string, points: CellCounts): void {
  if (points === null) return;
  const counts: readonly number[] = Array.isArray(points) ? points : [points];
  demand(
    counts.length >= 1 && counts.every((n) => Number.isInteger(n) && n >= 4),
    where,
    "points",
    "be an integer ≥ 4, or one for each axis",
    points,
    "Use points: 64 to start",
  );
}

/**
 * Cuts a domain into cells.
 *
 * @param domain in one to three dimensions
 * @param points cells along each axis, or one number for all, integers ≥ 4; or `null` for the usual
 * @throws UsageError when the dimension is above 3, a number does not fit, no cell is open, or a door has no cell face
 *
 * *Good values*: 64 a side; openings and obstacles at least four cells wide.
 */
export function cells(domain: Domain, points: CellCounts): Cells {
  const where = "cells";
  const d = domain.dimension;
  demand(d <= 3, where, "dimension", "be 1, 2 or 3", d, "Use a particle or neural solver in higher dimension");
  const every = points ?? USUAL[d - 1];
  const counts: readonly number[] = typeof every === "number" ? Array(d).fill(every) : every;
  demand(
    Array.isArray(counts) && counts.length === d,
    where,
    "points",
    `have ${d} entries, one an axis`,
    points,
    "Use one number for all axes",
  );
  const g = grid(
    counts.map((n, a) =>
      axis({
        lower: domain.lower[a],
        upper: domain.upper[a],
        points: n,
        boundary: domain.ends[a] === "periodic" ? "periodic" : "no-flux",
      }),
    ),
  );
  const centres = nodesOf(g);
  const open = new Uint8Array(g.size).fill(1);
  if (domain.obstacle !== null) {
    const x = new Float64Array(d);
    for (let k = 0; k < g.size; k++) {
      for (let a = 0; a < d; a++) x[a] = centres[k * d + a];
      if (domain.obstacle(x)) open[k] = 0;
    }
  }
  const openCount = open.reduce((sum, o) => sum + o, 0);
  demand(openCount > 0, where, "obstacle", "leave cells open", "a solid box", "Turn the obstacle inside out");
  const link: number[] = [];
  const cell: number[] = [];
  const cost: number[] = [];
  const met = new Set<number>();
  const neighbour = Array.from({ length: 2 * d }, (_, j) => {
    const a = j >> 1;
    const step = j % 2 === 0 ? -1 : 1;
    const n = g.shape[a];
    const s = g.strides[a];
    return Int32Array.from({ length: g.size }, (_, k) => {
      if (open[k] === 0) return k;
      const i = Math.floor(k / s) % n;
      const inside = i + step >= 0 && i + step < n;
      if (inside || domain.ends[a] === "periodic") {
        const other = k + (inside ? step : -step * (n - 1)) * s;
        return open[other] === 1 ? other : k;
      }
      const side = step < 0 ? "lower" : "upper";
      const index = domain.doors.findIndex((door) => {
        if (door.axis !== a || door.side !== side) return false;
        let at = 0;
        for (let b = 0; b < d; b++) {
          if (b === a) continue;
          const x = centres[k * d + b];
          if (x < door.from[at] || x > door.to[at]) return false;
          at++;
        }
        return true;
      });
      if (index >= 0) {
        met.add(index);
        link.push(j);
        cell.push(k);
        cost.push(domain.doors[index].cost);
      }
      return k;
    });
  });
  domain.doors.forEach((door, i) => {
    demand(
      met.has(i),
      where,
      `door ${i}`,
      "be at least one cell wide and not behind an obstacle",
      { axis: door.axis, side: door.side, from: door.from, to: door.to },
      "Use more points or a wider door",
    );
  });
  return Object.freeze({
    domain,
    grid: g,
    open,
    openCount,
    neighbour,
    doors: { link: Int32Array.from(link), cell: Int32Array.from(cell), cost: Float64Array.from(cost) },
    isPlain: openCount === g.size && cell.length === 0,
    points: centres,
  });
}

/**
 * The connected regions of the open cells.
 *
 * @returns `label[k]`, the region of cell k from 0, −1 in solid cells; `counts`, the cells of each region
 */
export function regions(c: Cells): { readonly label: Int32Array; readonly counts: readonly number[] } {
  const label = new Int32Array(c.grid.size).fill(-1);
  const counts: number[] = [];
  for (let first = 0; first < label.length; first++) {
    if (c.open[first] === 0 || label[first] >= 0) continue;
    const queue = [first];
    label[first] = counts.length;
    let count = 0;
    while (queue.length > 0) {
      const k = queue.pop() as number;
      count++;
      for (const link of c.neighbour) {
        if (label[link[k]] >= 0) continue;
        label[link[k]] = counts.length;
        queue.push(link[k]);
      }
    }
    counts.push(count);
  }
  return { label, counts };
}

/**
 * The 2d one-sided differences of a field.
 *
 * @param u field, length size
 * @param out 2d arrays of length size
 * @param costs `true`: doors have their cost; `false`: 0, the linear part (for increments)
 */
export function differences(c: Cells, u: Float64Array, out: readonly Float64Array[], costs: boolean): void {
  const { size, axes } = c.grid;
  for (let j = 0; j < out.length; j++) {
    const scale = (j % 2 === 0 ? 1 : -1) / axes[j >> 1].spacing;
    const other = c.neighbour[j];
    const q = out[j];
    for (let k = 0; k < size; k++) q[k] = scale * (u[k] - u[other[k]]);
  }
  const { link, cell, cost } = c.doors;
  for (let i = 0; i < link.length; i++) {
    const j = link[i];
    const scale = (j % 2 === 0 ? 2 : -2) / axes[j >> 1].spacing;
    out[j][cell[i]] = scale * (u[cell[i]] - (costs ? cost[i] : 0));
  }
}

/**
 * Adds the adjoint of the differences: out ← out + scale Σ_j D_jᵀ w_j, with D_j at door cost 0.
 *
 * @param w 2d fields
 * @param out field, length size; not one of w
 */
export function addAdjointDifferences(c: Cells, w: readonly Float64Array[], scale: number, out: Float64Array): void {
  const { size, axes } = c.grid;
  for (let j = 0; j < w.length; j++) {
    const weight = ((j % 2 === 0 ? 1 : -1) * scale) / axes[j >> 1].spacing;
    const other = c.neighbour[j];
    const q = w[j];
    for (let k = 0; k < size; k++) {
      const flow = weight * q[k];
      out[k] += flow;
      out[other[k]] -= flow;
    }
  }
  const { link, cell } = c.doors;
  for (let i = 0; i < link.length; i++) {
    const j = link[i];
    out[cell[i]] += (((j % 2 === 0 ? 2 : -2) * scale) / axes[j >> 1].spacing) * w[j][cell[i]];
  }
}

/**
 * Adds the two-point-flux Laplacian: out ← out + scale Δu.
 *
 * @param costs `true`: doors have their cost; `false`: 0 (the density, and increments)
 */
export function addLaplacian(c: Cells, u: Float64Array, scale: number, out: Float64Array, costs: boolean): void {
  const { size, axes, dimension } = c.grid;
  for (let a = 0; a < dimension; a++) {
    const weight = scale / axes[a].spacing ** 2;
    const lower = c.neighbour[2 * a];
    const upper = c.neighbour[2 * a + 1];
    for (let k = 0; k < size; k++) out[k] += weight * (u[lower[k]] + u[upper[k]] - 2 * u[k]);
  }
  const { link, cell, cost } = c.doors;
  for (let i = 0; i < link.length; i++) {
    const weight = (2 * scale) / axes[link[i] >> 1].spacing ** 2;
    out[cell[i]] += weight * ((costs ? cost[i] : 0) - u[cell[i]]);
  }
}
