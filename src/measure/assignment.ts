// The linear assignment problem  min over permutations σ of Σᵢ c(i, σ(i)),  with its dual  max Σ uᵢ + Σ vⱼ,  uᵢ + vⱼ ≤ c(i, j).
// Scheme: starting prices v by an auction with ε-scaling, two passes of augmenting row reduction, then one shortest augmenting path
// (Dijkstra on the reduced costs, dense) for each row still free. O(n³) in the worst case, exact up to rounding.
// References: Jonker and Volgenant 1987, "A shortest augmenting path algorithm for dense and sparse linear assignment problems"
// (key jonker1987shortest); Bertsekas 1988, "The auction algorithm" (key bertsekas1988auction).
import { demand } from "../error.js";

/** An optimal assignment with the dual potentials that prove it. */
export interface Assignment {
  /** columnOf[i] = σ(i). */
  readonly columnOf: Int32Array;
  /** Σᵢ c(i, σ(i)). */
  readonly cost: number;
  /** u, length n: c(i, j) − uᵢ − vⱼ ≥ 0 up to rounding, with equality on the assignment. */
  readonly rowPotential: Float64Array;
  /** v, length n. */
  readonly columnPotential: Float64Array;
}

/**
 * Solves the n × n assignment problem exactly.
 *
 * @param costs row-major n × n matrix, or a function c(i, j) that is tabulated once; all finite
 * @param n number of rows and columns, 1 … 8192 (the table takes 8 n² bytes)
 * @returns the optimal permutation, its cost and the dual potentials
 * @throws UsageError when the size does not fit or a cost is not finite
 *
 * *Notes*: Σu + Σv equals the cost up to rounding, which certifies optimality.
 *
 * *References*: jonker1987shortest, bertsekas1988auction
 */
export function assignment(costs: Float64Array | ((i: number, j: number) => number), n: number): Assignment {
  const where = "assignment";
  demand(
    Number.isInteger(n) && n >= 1 && n <= 8192,
    where,
    "n",
    "be an integer in 1 … 8192",
    n,
    "Take a subsample, or use sinkhornDivergence()",
  );
  let c: Float64Array;
  if (typeof costs === "function") {
    c = new Float64Array(n * n);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) c[i * n + j] = costs(i, j);
  } else {
    demand(costs.length === n * n, where, "costs", `have length ${n * n}`, costs.length, "Give the matrix row by row");
    c = costs;
  }
  for (let k = 0; k < c.length; k++)
    if (!Number.isFinite(c[k]))
      demand(
        false,
        where,
        `cost (${Math.floor(k / n)}, ${k % n})`,
        "be finite",
        c[k],
        "Use a large finite cost for a pair that is forbidden",
      );
  const columnOf = new Int32Array(n).fill(-1);
  const rowOf = new Int32Array(n).fill(-1);
  const v = new Float64Array(n);
  const free = new Int32Array(n);
  let freeCount = auction(c, n, v, columnOf, rowOf, free);
  for (let pass = 0; pass < 2; pass++) freeCount = reduceRows(c, n, v, columnOf, rowOf, free, freeCount);
  augment(c, n, v, columnOf, rowOf, free, freeCount);
  const u = new Float64Array(n);
  let cost = 0;
  for (let i = 0; i < n; i++) {
    const paid = c[i * n + columnOf[i]];
    u[i] = paid - v[columnOf[i]];
    cost += paid;
  }
  return { columnOf, cost, rowPotential: u, columnPotential: v };
}

/**
 * Prices by a Gauss–Seidel auction with ε-scaling: a free row takes its best column and lowers v there by the margin to its second
 * best plus ε. Stops when most rows can have their best column, or at ε = 1e-12 of the range of costs (many ties): then few and
 * short augmenting paths are left, also for distant clouds. Returns the number of rows still free.
 */
function auction(
  c: Float64Array,
  n: number,
  v: Float64Array,
  columnOf: Int32Array,
  rowOf: Int32Array,
  free: Int32Array,
): number {
  let least = Infinity;
  let most = -Infinity;
  for (let k = 0; k < c.length; k++) {
    if (c[k] < least) least = c[k];
    if (c[k] > most) most = c[k];
  }
  const range = most - least;
  const queue = new Int32Array(n);
  let freeCount = takeBest(c, n, v, columnOf, rowOf, free);
  const wanted = (epsilon: number): boolean =>
    epsilon > 1e-6 * range || (freeCount > 0.4 * n && epsilon > 1e-12 * range);
  for (let epsilon = range / 4; epsilon > 0 && wanted(epsilon); epsilon /= 4) {
    rowOf.fill(-1);
    for (let i = 0; i < n; i++) queue[i] = i;
    let left = n;
    while (left > 0) {
      const i = queue[--left];
      const row = i * n;
      let best = Infinity;
      let second = Infinity;
      let j1 = 0;
      for (let j = 0; j < n; j++) {
        const reduced = c[row + j] - v[j];
        if (reduced < second) {
          if (reduced < best) {
            second = best;
            best = reduced;
            j1 = j;
          } else second = reduced;
        }
      }
      v[j1] -= (second < Infinity ? second - best : 0) + epsilon;
      if (rowOf[j1] >= 0) queue[left++] = rowOf[j1];
      rowOf[j1] = i;
    }
    freeCount = takeBest(c, n, v, columnOf, rowOf, free);
  }
  return freeCount;
}

/** Each row takes its best column when that column is still free; lists the free rows. */
function takeBest(
  c: Float64Array,
  n: number,
  v: Float64Array,
  columnOf: Int32Array,
  rowOf: Int32Array,
  free: Int32Array,
): number {
  let freeCount = 0;
  columnOf.fill(-1);
  rowOf.fill(-1);
  for (let i = 0; i < n; i++) {
    const row = i * n;
    let best = Infinity;
    let j1 = 0;
    for (let j = 0; j < n; j++) {
      const reduced = c[row + j] - v[j];
      if (reduced < best || (reduced === best && rowOf[j1] >= 0)) {
        best = reduced;
        j1 = j;
      }
    }
    if (rowOf[j1] < 0) {
      rowOf[j1] = i;
      columnOf[i] = j1;
    } else free[freeCount++] = i;
  }
  return freeCount;
}

/** Each free row bids for its best column by the margin to its second best; a displaced row bids at once when the price moved. */
function reduceRows(
  c: Float64Array,
  n: number,
  v: Float64Array,
  columnOf: Int32Array,
  rowOf: Int32Array,
  free: Int32Array,
  freeCount: number,
): number {
  let k = 0;
  let kept = 0;
  // Rounding can make the price creep: bound the bids, the augmenting paths finish whatever is left.
  let bids = 16 * n;
  while (k < freeCount) {
    const i = free[k++];
    const row = i * n;
    let best = c[row] - v[0];
    let second = Infinity;
    let j1 = 0;
    let j2 = -1;
    for (let j = 1; j < n; j++) {
      const reduced = c[row + j] - v[j];
      if (reduced < second) {
        if (reduced >= best) {
          second = reduced;
          j2 = j;
        } else {
          second = best;
          j2 = j1;
          best = reduced;
          j1 = j;
        }
      }
    }
    let displaced = rowOf[j1];
    const price = second < Infinity ? v[j1] - (second - best) : v[j1];
    const moved = price < v[j1];
    if (moved) v[j1] = price;
    else if (displaced >= 0 && j2 >= 0 && second === best) {
      j1 = j2;
      displaced = rowOf[j1];
    }
    columnOf[i] = j1;
    rowOf[j1] = i;
    if (displaced >= 0) {
      columnOf[displaced] = -1;
      if (moved && bids-- > 0) free[--k] = displaced;
      else free[kept++] = displaced;
    }
  }
  return kept;
}

/** One shortest augmenting path for each free row; afterwards the reduced costs of all scanned columns are made consistent. */
function augment(
  c: Float64Array,
  n: number,
  v: Float64Array,
  columnOf: Int32Array,
  rowOf: Int32Array,
  free: Int32Array,
  freeCount: number,
): void {
  const distance = new Float64Array(n);
  const from = new Int32Array(n);
  const columns = Int32Array.from({ length: n }, (_, j) => j);
  for (let f = 0; f < freeCount; f++) {
    const start = free[f];
    for (let j = 0; j < n; j++) {
      distance[j] = c[start * n + j] - v[j];
      from[j] = start;
    }
    // columns[0 … scanned − 1] are final; the rest hold tentative distances.
    let scanned = 0;
    let nearest = 0;
    for (let k = 1; k < n; k++) if (distance[columns[k]] < distance[columns[nearest]]) nearest = k;
    let sink = columns[nearest];
    while (rowOf[sink] >= 0) {
      columns[nearest] = columns[scanned];
      columns[scanned++] = sink;
      const i = rowOf[sink];
      const row = i * n;
      const shortest = distance[sink];
      const shift = c[row + sink] - v[sink] - shortest;
      let least = Infinity;
      nearest = scanned;
      for (let k = scanned; k < n; k++) {
        const j = columns[k];
        const through = c[row + j] - v[j] - shift;
        if (through < distance[j]) {
          distance[j] = through;
          from[j] = i;
        }
        if (distance[j] < least || (distance[j] === least && rowOf[j] < 0)) {
          least = distance[j];
          nearest = k;
        }
      }
      sink = columns[nearest];
    }
    for (let k = 0; k < scanned; k++) {
      const j = columns[k];
      v[j] += distance[j] - distance[sink];
    }
    for (let j = sink, i = -1; i !== start; ) {
      i = from[j];
      rowOf[j] = i;
      const next = columnOf[i];
      columnOf[i] = j;
      j = next;
    }
  }
}
