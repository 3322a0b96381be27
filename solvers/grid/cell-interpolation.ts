// Fields of games, diffusions and flows between the centres of cells: multilinear over the 2^d nearest centres, found by walking the links of
// src/grid/cells.ts, so that the shape of the domain is known to the walk and to nothing else:
//   periodic   the walk goes round
//   wall       u, m even about the face; ∂u/∂n odd (0 on the wall), the other parts of ∇u even. The surface of an obstacle is a
//              staircase of such walls: no value is taken from solid cells or from behind them
//   door       u ↦ 2 cost − u and m ↦ −m about the face (u = cost, m = 0 on it); ∂u/∂n even, the other parts of ∇u odd
//   ∇u at a centre: (b h_f + f h_b)/(h_b + h_f) from the backward and forward differences b, f over the distances h_b, h_f
//   (h, or h/2 at a door): second order, 0 at walls by the even extension
// Where a corner can be reached by several walks round solid cells, the mean of all orders of the axes is taken.
// Order 2 where the field is smooth; ∂u/∂n between the last centre and a door of order 1. Beyond a wall or door: the value on it.
// In solid cells: u and ∇u are NaN, m is 0. Reference: Eymard, Gallouët, Herbin 2000 (key eymard2000finite) for the cells.
import { demand } from "../../src/error.js";
import type { Cells } from "../../src/grid/index.js";

/** Interpolation of fields on one set of cells. It keeps scratch, so it serves one caller at a time. */
export interface CellInterpolation {
  /**
   * A value function at n points; NaN in solid cells.
   *
   * @param u field on the cells
   * @param points row-major, length n·d
   * @param out length n
   */
  value(u: Float64Array, points: Float64Array, out?: Float64Array): Float64Array;
  /** A density at n points; 0 in solid cells and on doors. */
  density(m: Float64Array, points: Float64Array, out?: Float64Array): Float64Array;
  /** ∇u at n points as d columns of length n; NaN in solid cells. */
  gradient(u: Float64Array, points: Float64Array, out?: readonly Float64Array[]): readonly Float64Array[];
}

/**
 * Plans interpolation on cells.
 *
 * @throws UsageError (from its functions) when the number of coordinates does not divide by the dimension
 *
 * *Good values*: any points inside the box.
 *
 * *References*: eymard2000finite
 */
export function cellInterpolation(cells: Cells): CellInterpolation {
  const { grid: g, neighbour, open } = cells;
  const d = g.dimension;
  const corners = 2 ** d;
  // Only solid cells make the order of the axes matter.
  const orders = cells.openCount === g.size ? [g.axes.map((_, a) => a)] : permutations(d);
  const most = corners * orders.length;
  const tapCell = new Int32Array(most);
  const tapWeight = new Float64Array(most);
  const tapSign = new Float64Array(most);
  const tapShift = new Float64Array(most);
  const tapWalls = new Uint8Array(most);
  const tapDoors = new Uint8Array(most);
  const link = new Int32Array(d);
  const reach = new Float64Array(d);
  const doorCost = doorCosts(cells);

  /** Fills the taps of point i: their number, 0 in a solid cell, −1 where a coordinate is not a number. */
  const place = (points: Float64Array, i: number): number => {
    let home = 0;
    for (let a = 0; a < d; a++) {
      const { lower, spacing, points: n, boundary } = g.axes[a];
      let s = (points[i * d + a] - lower) / spacing;
      if (!Number.isFinite(s)) return -1;
      s = boundary === "periodic" ? s - Math.floor(s / n) * n : Math.min(Math.max(s, 0), n);
      const at = Math.min(Math.floor(s), n - 1);
      const offset = s - at - 0.5;
      home += at * g.strides[a];
      link[a] = offset >= 0 ? 2 * a + 1 : 2 * a;
      reach[a] = Math.abs(offset);
    }
    if (open[home] === 0) return 0;
    let taps = 0;
    for (let o = 0; o < orders.length; o++) {
      const order = orders[o];
      for (let corner = 0; corner < corners; corner++) {
        let cell = home;
        let weight = 1 / orders.length;
        let sign = 1;
        let shift = 0;
        let walls = 0;
        let doors = 0;
        for (let b = 0; b < d; b++) {
          const a = order[b];
          if (((corner >> a) & 1) === 0) {
            weight *= 1 - reach[a];
            continue;
          }
          weight *= reach[a];
          const other = neighbour[link[a]][cell];
          if (other !== cell) cell = other;
          else if (Number.isNaN(doorCost[link[a]][cell])) walls |= 1 << a;
          else {
            shift += 2 * sign * doorCost[link[a]][cell];
            sign = -sign;
            doors |= 1 << a;
          }
        }
        if (weight === 0) continue;
        tapCell[taps] = cell;
        tapWeight[taps] = weight;
        tapSign[taps] = sign;
        tapShift[taps] = shift;
        tapWalls[taps] = walls;
        tapDoors[taps] = doors;
        taps++;
      }
    }
    return taps;
  };

  const slope = (u: Float64Array, k: number, a: number): number => {
    const h = g.axes[a].spacing;
    const below = doorCost[2 * a][k];
    const above = doorCost[2 * a + 1][k];
    const hb = Number.isNaN(below) ? h : h / 2;
    const hf = Number.isNaN(above) ? h : h / 2;
    const b = (u[k] - (Number.isNaN(below) ? u[neighbour[2 * a][k]] : below)) / hb;
    const f = ((Number.isNaN(above) ? u[neighbour[2 * a + 1][k]] : above) - u[k]) / hf;
    return (b * hf + f * hb) / (hb + hf);
  };

  const countOf = (points: Float64Array): number => {
    demand(
      points.length % d === 0,
      "solution",
      "x",
      `have a length divisible by the dimension ${d}`,
      points.length,
      "Give the coordinates row by row, one point after the other",
    );
    return points.length / d;
  };

  return {
    value(u, points, out = new Float64Array(countOf(points))) {
      for (let i = 0; i < out.length; i++) {
        const taps = place(points, i);
        let sum = taps > 0 ? 0 : NaN;
        for (let c = 0; c < taps; c++) sum += tapWeight[c] * (tapSign[c] * u[tapCell[c]] + tapShift[c]);
        out[i] = sum;
      }
      return out;
    },
    density(m, points, out = new Float64Array(countOf(points))) {
      for (let i = 0; i < out.length; i++) {
        const taps = place(points, i);
        let sum = taps < 0 ? NaN : 0;
        for (let c = 0; c < taps; c++) sum += tapWeight[c] * tapSign[c] * m[tapCell[c]];
        out[i] = sum;
      }
      return out;
    },
    gradient(u, points, out = columns(d, countOf(points))) {
      const n = countOf(points);
      for (let i = 0; i < n; i++) {
        const taps = place(points, i);
        for (let a = 0; a < d; a++) {
          let sum = taps > 0 ? 0 : NaN;
          for (let c = 0; c < taps; c++) {
            const odd = ((tapWalls[c] >> a) & 1) + bits(tapDoors[c] & ~(1 << a));
            sum += (odd % 2 === 0 ? tapWeight[c] : -tapWeight[c]) * slope(u, tapCell[c], a);
          }
          out[a][i] = sum;
        }
      }
      return out;
    },
  };
}

/**
 * The cost of the door at link j of cell k, at `[j][k]`; NaN where there is none.
 */
export function doorCosts(cells: Cells): readonly Float64Array[] {
  const none = new Float64Array(cells.grid.size).fill(NaN);
  const out = cells.neighbour.map(() => none);
  const { link, cell, cost } = cells.doors;
  for (let i = 0; i < link.length; i++) {
    if (out[link[i]] === none) out[link[i]] = none.slice();
    out[link[i]][cell[i]] = cost[i];
  }
  return out;
}

function columns(d: number, n: number): Float64Array[] {
  return Array.from({ length: d }, () => new Float64Array(n));
}

function bits(mask: number): number {
  return (mask & 1) + ((mask >> 1) & 1) + ((mask >> 2) & 1);
}

function permutations(d: number): number[][] {
  if (d === 1) return [[0]];
  return permutations(d - 1).flatMap((p) => Array.from({ length: d }, (_, at) => p.toSpliced(at, 0, d - 1)));
}
