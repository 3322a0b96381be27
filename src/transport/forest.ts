// Exact semi-relaxed transport as a network flow with convex sinks:  min ⟨h, π⟩ + Σⱼ bⱼ f(Rⱼ/bⱼ),  π1 = a,  R = πᵀ1.
// The pairs that carry mass form a forest. Inside a tree the ties φᵢ = ψⱼ + hᵢⱼ fix all prices up to one number y, which follows from
//   Σⱼ bⱼ (f*)′(y − gⱼ) = Σᵢ aᵢ  over the tree,
// and the flows follow from R = b (f*)′(ψ) by eliminating leaves. Scheme, an active-set method in the manner of the network simplex:
//   1. enter a pair with ψⱼ + hᵢⱼ < φᵢ. Between two trees it joins them; inside a tree mass goes round the cycle until a flow is 0;
//   2. go from the present flow towards the flow that balances the changed trees, as far as all flows are ≥ 0 (the objective is
//      convex, so it falls); drop the pairs whose flow is 0, which splits trees; repeat until each tree is balanced;
//   3. pairs are priced from a short list; when it has no violation, one pass over all pairs refills it or ends the method.
// Without rigid marginals every kept flow is > 0, so every pivot lowers the objective and the method is finite. Plain transport is the
// network simplex itself: flows of 0 stay in the tree, and strongly feasible trees (every 0 flow points to the root) exclude cycling.
// Reference: Cunningham 1976 (strongly feasible trees); Bertsekas 1998, Network Optimization, chapters 5 and 9.
import type { Cloud, Divergence } from "../measure/index.js";
import { balance, priceOfFirstMass } from "./balance.js";
import { costRow } from "./cost.js";
import type { RadialCost } from "./problem.js";

/** Where the exact method starts and when it stops. */
export interface ForestOptions {
  /** Warm potential ψ (N) and warm second marginal (N, sum Σa up to round-off). */
  readonly potential: Float64Array;
  readonly marginal: Float64Array;
  /** A pair enters when ψⱼ + hᵢⱼ − φᵢ < −tolerance. */
  readonly tolerance: number;
  readonly maxPivots: number;
  /** Called now and then; may reject to abort. */
  breathe(pivots: number): Promise<void>;
}

export interface ForestResult {
  readonly potential: Float64Array;
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly mass: Float64Array;
  readonly pivots: number;
  /** Passes over all pairs. */
  readonly passes: number;
  /** No pair violates its price by more than the tolerance. */
  readonly finished: boolean;
}

const CANDIDATES_PER_ROW = 8;
const BLOCK = 4096;

/**
 * Solves the unsmoothed problem exactly from a warm start.
 *
 * @param a source weights > 0 (M); @param b target weights > 0 (N)
 */
export async function forestPolish(
  source: Cloud,
  target: Cloud,
  a: Float64Array,
  b: Float64Array,
  cost: RadialCost,
  divergence: Divergence,
  options: ForestOptions,
): Promise<ForestResult> {
  const m = source.count;
  const n = target.count;
  const nodes = m + n;
  const rigid = divergence.rigid;
  const unit = rigid && source.weights === null && target.weights === null ? 1 / leastCommonMultiple(m, n) : 1;
  const supply = a.map((x) => (unit < 1 ? Math.round(x / unit) : x));
  const demanded = (rigid ? b : options.marginal).map((x) => (unit < 1 ? Math.round(x / unit) : x));
  const negligible = rigid && unit === 1 ? 1e-14 * Math.min(a.reduce(min), b.reduce(min)) : 0;
  const floor = rigid ? 0 : priceOfFirstMass(divergence);

  // Prices: φ of sources, then ψ of targets.
  const price = new Float64Array(nodes);
  price.set(options.potential, m);
  const row = new Float64Array(n);

  // Forest: edges with one list per node.
  const edgeFrom = new Int32Array(nodes);
  const edgeTo = new Int32Array(nodes);
  const edgeCost = new Float64Array(nodes);
  const edgeFlow = new Float64Array(nodes);
  const edgeGoal = new Float64Array(nodes);
  const head = new Int32Array(nodes).fill(-1);
  const nextFrom = new Int32Array(nodes);
  const priorFrom = new Int32Array(nodes);
  const nextTo = new Int32Array(nodes);
  const priorTo = new Int32Array(nodes);
  const free = Int32Array.from({ length: nodes }, (_, k) => nodes - 1 - k);
  let freeCount = nodes;

  const addEdge = (i: number, j: number, h: number, flow: number): number => {
    const e = free[--freeCount];
    edgeFrom[e] = i;
    edgeTo[e] = j;
    edgeCost[e] = h;
    edgeFlow[e] = flow;
    nextFrom[e] = head[i];
    priorFrom[e] = -1;
    if (head[i] >= 0) priorFrom[head[i]] = e;
    head[i] = e;
    const t = m + j;
    nextTo[e] = head[t];
    priorTo[e] = -1;
    if (head[t] >= 0) priorTo[head[t]] = e;
    head[t] = e;
    return e;
  };
  const dropEdge = (e: number): void => {
    if (priorFrom[e] >= 0) nextFrom[priorFrom[e]] = nextFrom[e];
    else head[edgeFrom[e]] = nextFrom[e];
    if (nextFrom[e] >= 0) priorFrom[nextFrom[e]] = priorFrom[e];
    if (priorTo[e] >= 0) nextTo[priorTo[e]] = nextTo[e];
    else head[m + edgeTo[e]] = nextTo[e];
    if (nextTo[e] >= 0) priorTo[nextTo[e]] = priorTo[e];
    free[freeCount++] = e;
  };

  // Trees: parent edge, depth and a label that all nodes of a tree share.
  const parent = new Int32Array(nodes).fill(-1);
  const depth = new Int32Array(nodes);
  const tree = new Int32Array(nodes);
  const order = new Int32Array(nodes);
  let lastTree = 0;

  /** Hangs everything that is connected to `top` below it; prices follow from the ties. Returns the number of nodes in order[]. */
  const hang = (top: number, parentEdge: number, topDepth: number, label: number): number => {
    parent[top] = parentEdge;
    depth[top] = topDepth;
    tree[top] = label;
    order[0] = top;
    let count = 1;
    for (let k = 0; k < count; k++) {
      const v = order[k];
      const up = parent[v];
      if (v < m) {
        for (let e = head[v]; e >= 0; e = nextFrom[e]) {
          if (e === up) continue;
          const w = m + edgeTo[e];
          parent[w] = e;
          depth[w] = depth[v] + 1;
          tree[w] = label;
          price[w] = price[v] - edgeCost[e];
          order[count++] = w;
        }
      } else {
        for (let e = head[v]; e >= 0; e = nextTo[e]) {
          if (e === up) continue;
          const w = edgeFrom[e];
          parent[w] = e;
          depth[w] = depth[v] + 1;
          tree[w] = label;
          price[w] = price[v] + edgeCost[e];
          order[count++] = w;
        }
      }
    }
    return count;
  };
  const above = (v: number): number => (v < m ? m + edgeTo[parent[v]] : edgeFrom[parent[v]]);

  // Balancing of trees with convex sinks.
  const excess = new Float64Array(nodes);
  const weights = new Float64Array(n);
  const gaps = new Float64Array(n);
  const isDirty = new Uint8Array(nodes);
  const dirty: number[] = [];
  const touch = (v: number): void => {
    if (isDirty[v] === 0) dirty.push(v);
    isDirty[v] = 1;
  };

  /** Balances the tree of one node, or goes as far as the flows stay ≥ 0 and marks the split trees. */
  const balanceTree = (node: number): void => {
    const top = node < m ? node : head[node] >= 0 ? edgeFrom[head[node]] : -1;
    if (top < 0) {
      price[node] = floor;
      tree[node] = ++lastTree;
      parent[node] = -1;
      depth[node] = 0;
      isDirty[node] = 0;
      return;
    }
    const count = hang(top, -1, 0, ++lastTree);
    let mass = 0;
    let highest = -Infinity;
    for (let k = 0; k < count; k++) {
      const v = order[k];
      isDirty[v] = 0;
      if (v < m) mass += a[v];
      else if (price[v] > highest) highest = price[v];
    }
    let sinks = 0;
    for (let k = 0; k < count; k++) {
      const v = order[k];
      if (v < m) continue;
      weights[sinks] = b[v - m];
      gaps[sinks++] = highest - price[v];
    }
    const y = balance(divergence, weights, gaps, sinks, mass, highest);
    for (let k = 0; k < count; k++) {
      const v = order[k];
      price[v] = y - (highest - price[v]);
      excess[v] = v < m ? a[v] : -b[v - m] * divergence.conjugateDerivative(price[v]);
    }
    let share = 1;
    for (let k = count - 1; k > 0; k--) {
      const v = order[k];
      const e = parent[v];
      const goal = v < m ? excess[v] : -excess[v];
      edgeGoal[e] = goal;
      excess[above(v)] += excess[v];
      if (goal < 0) share = Math.min(share, edgeFlow[e] / (edgeFlow[e] - goal));
    }
    for (let k = count - 1; k > 0; k--) {
      const e = parent[order[k]];
      const flow = edgeFlow[e];
      const goal = edgeGoal[e];
      const blocks = goal < 0 && flow / (flow - goal) <= share;
      edgeFlow[e] = share === 1 && !blocks ? goal : flow + share * (goal - flow);
      if (blocks || (share === 1 && goal === 0)) {
        touch(edgeFrom[e]);
        touch(m + edgeTo[e]);
        dropEdge(e);
      }
    }
    if (share < 1) touch(top);
  };
  const settle = (): void => {
    while (dirty.length > 0) {
      const v = dirty.pop() as number;
      if (isDirty[v] === 1) balanceTree(v);
    }
  };

  /** Sends mass round the cycle that pair (i, j) closes, until an edge of it is empty and leaves. */
  const pivotInside = (i: number, j: number, h: number): void => {
    let u = i;
    let v = m + j;
    let theta = Infinity;
    let leaving = -1;
    let below = -1;
    let onSourceSide = true;
    // The last blocking edge along i → j, from the apex of the cycle: first the top of j's side, then the bottom of i's side.
    while (u !== v) {
      if (depth[u] === 0 && depth[v] === 0) {
        if (theta > 0) {
          theta = 0;
          leaving = -1;
          below = u;
          onSourceSide = true;
        }
        break;
      }
      if (depth[u] >= depth[v]) {
        const e = parent[u];
        if (u < m && edgeFlow[e] < theta) {
          theta = edgeFlow[e];
          leaving = e;
          below = u;
          onSourceSide = true;
        }
        u = above(u);
      } else {
        const e = parent[v];
        if (v >= m && edgeFlow[e] <= theta) {
          theta = edgeFlow[e];
          leaving = e;
          below = v;
          onSourceSide = false;
        }
        v = above(v);
      }
    }
    if (theta > 0) {
      const apex = u;
      for (u = i; u !== apex; u = above(u)) shiftFlow(parent[u], u < m ? -theta : theta);
      for (v = m + j; v !== apex; v = above(v)) shiftFlow(parent[v], v < m ? theta : -theta);
    }
    if (rigid) {
      if (leaving >= 0) dropEdge(leaving);
      const e = addEdge(i, j, h, theta);
      if (onSourceSide) {
        price[i] = price[m + j] + h;
        hang(i, e, depth[m + j] + 1, tree[m + j]);
      } else {
        price[m + j] = price[i] - h;
        hang(m + j, e, depth[i] + 1, tree[i]);
      }
      return;
    }
    // Convex sinks: every edge of the cycle without flow leaves (edges keep their ends while the lists are walked).
    const apex = u;
    touch(below);
    const climb = (start: number): void => {
      let w = start;
      while (w !== apex) {
        const e = parent[w];
        const up = above(w);
        if (edgeFlow[e] === 0 || e === leaving) {
          touch(w);
          touch(up);
          dropEdge(e);
        }
        w = up;
      }
    };
    climb(i);
    climb(m + j);
    addEdge(i, j, h, theta);
    touch(i);
  };
  const shiftFlow = (e: number, change: number): void => {
    const flow = edgeFlow[e] + change;
    edgeFlow[e] = Math.abs(flow) <= negligible ? 0 : flow;
  };

  // Candidate pairs.
  let room = 2 * CANDIDATES_PER_ROW * nodes;
  let pairFrom = new Int32Array(room);
  let pairTo = new Int32Array(room);
  let pairCost = new Float64Array(room);
  let pairs = 0;
  const addPair = (i: number, j: number, h: number): void => {
    if (pairs === room) {
      room *= 2;
      const f = new Int32Array(room);
      f.set(pairFrom);
      pairFrom = f;
      const t = new Int32Array(room);
      t.set(pairTo);
      pairTo = t;
      const c = new Float64Array(room);
      c.set(pairCost);
      pairCost = c;
    }
    pairFrom[pairs] = i;
    pairTo[pairs] = j;
    pairCost[pairs++] = h;
  };
  const keptValue = new Float64Array(CANDIDATES_PER_ROW);
  const keptIndex = new Int32Array(CANDIDATES_PER_ROW);
  const columnValue = new Float64Array(n);
  const columnFrom = new Int32Array(n);
  const columnCost = new Float64Array(n);

  /** One pass over all pairs: lists the best few below `limit` of every row, and the best of every column. Returns how many. */
  const pricePass = (limit: number, first: boolean): number => {
    const before = pairs;
    columnValue.fill(limit);
    for (let i = 0; i < m; i++) {
      costRow(source.points, i, target, cost, row);
      if (first) {
        let least = Infinity;
        for (let j = 0; j < n; j++) least = Math.min(least, price[m + j] + row[j]);
        price[i] = least;
      }
      const phi = price[i];
      let kept = 0;
      let worst = limit;
      for (let j = 0; j < n; j++) {
        const reduced = price[m + j] + row[j] - phi;
        if (reduced < columnValue[j]) {
          columnValue[j] = reduced;
          columnFrom[j] = i;
          columnCost[j] = row[j];
        }
        if (!(reduced < worst)) continue;
        let k = kept < CANDIDATES_PER_ROW ? kept++ : CANDIDATES_PER_ROW - 1;
        for (; k > 0 && keptValue[k - 1] > reduced; k--) {
          keptValue[k] = keptValue[k - 1];
          keptIndex[k] = keptIndex[k - 1];
        }
        keptValue[k] = reduced;
        keptIndex[k] = j;
        if (kept === CANDIDATES_PER_ROW) worst = keptValue[CANDIDATES_PER_ROW - 1];
      }
      for (let k = 0; k < kept; k++) addPair(i, keptIndex[k], row[keptIndex[k]]);
    }
    for (let j = 0; j < n; j++) if (columnValue[j] < limit) addPair(columnFrom[j], j, columnCost[j]);
    return pairs - before;
  };

  // First forest: fill pairs greedily from the cheapest; each filling exhausts a source or a target, so there is no cycle.
  let passes = 1;
  pricePass(Infinity, true);
  const left = supply.slice();
  const lacking = demanded.slice();
  const fill = (i: number, j: number, h: number): void => {
    const flow = Math.min(left[i], lacking[j]);
    if (!(flow > 0)) return;
    addEdge(i, j, h, flow);
    left[i] -= flow;
    lacking[j] -= flow;
  };
  const reducedOf = Float64Array.from({ length: pairs }, (_, k) => {
    return price[m + pairTo[k]] + pairCost[k] - price[pairFrom[k]];
  });
  for (const k of Int32Array.from({ length: pairs }, (_, q) => q).sort((p, q) => reducedOf[p] - reducedOf[q]))
    fill(pairFrom[k], pairTo[k], pairCost[k]);
  for (let i = 0; i < m; i++) {
    if (left[i] <= negligible && head[i] >= 0) continue;
    costRow(source.points, i, target, cost, row);
    while (left[i] > negligible) {
      let at = -1;
      for (let j = 0; j < n; j++)
        if (lacking[j] > 0 && (at < 0 || price[m + j] + row[j] < price[m + at] + row[at])) at = j;
      if (at < 0) break;
      fill(i, at, row[at]);
    }
    if (head[i] < 0) {
      let at = 0;
      for (let j = 1; j < n; j++) if (price[m + j] + row[j] < price[m + at] + row[at]) at = j;
      addEdge(i, at, row[at], supply[i]);
    }
  }
  for (let v = 0; v < nodes; v++) {
    if (rigid) {
      if (tree[v] === 0) hang(v, -1, 0, ++lastTree);
    } else touch(v);
  }
  settle();

  // Pivots.
  let pivots = 0;
  let finished = false;
  let cursor = 0;
  let lastBreath = performance.now();
  const banned = new Set<number>();
  let movedSincePass = true;
  while (pivots < options.maxPivots) {
    let chosen = -1;
    let worst = -options.tolerance;
    for (let seen = 0; seen < pairs; ) {
      const stop = Math.min(pairs, cursor + BLOCK);
      for (let k = cursor; k < stop; k++) {
        const reduced = price[m + pairTo[k]] + pairCost[k] - price[pairFrom[k]];
        if (reduced < worst && !(banned.size > 0 && banned.has(pairFrom[k] * n + pairTo[k]))) {
          worst = reduced;
          chosen = k;
        }
      }
      seen += stop - cursor;
      cursor = stop === pairs ? 0 : stop;
      if (chosen >= 0) break;
    }
    if (chosen < 0) {
      passes++;
      const found = pricePass(-options.tolerance, false);
      if (found === 0) {
        finished = true;
        break;
      }
      if (!movedSincePass) break;
      movedSincePass = false;
      banned.clear();
      continue;
    }
    pivots++;
    const i = pairFrom[chosen];
    const j = pairTo[chosen];
    const h = pairCost[chosen];
    if (rigid || tree[i] === tree[m + j]) {
      pivotInside(i, j, h);
      settle();
      movedSincePass = true;
    } else {
      const e = addEdge(i, j, h, 0);
      touch(i);
      settle();
      // Round-off sent the pair straight back: leave it out, so that the method ends; the gap tells what that costs.
      if (edgeFlow[e] === 0) banned.add(i * n + j);
      else movedSincePass = true;
    }
    if ((pivots & 31) === 0 && performance.now() - lastBreath > 100) {
      await options.breathe(pivots);
      lastBreath = performance.now();
    }
  }

  const from: number[] = [];
  const to: number[] = [];
  const mass: number[] = [];
  for (let i = 0; i < m; i++) {
    for (let e = head[i]; e >= 0; e = nextFrom[e]) {
      if (!(edgeFlow[e] > 0)) continue;
      from.push(i);
      to.push(edgeTo[e]);
      mass.push(edgeFlow[e] * unit);
    }
  }
  return {
    potential: price.slice(m),
    from: Int32Array.from(from),
    to: Int32Array.from(to),
    mass: Float64Array.from(mass),
    pivots,
    passes,
    finished,
  };
}

function min(x: number, y: number): number {
  return Math.min(x, y);
}

function leastCommonMultiple(x: number, y: number): number {
  let p = x;
  let q = y;
  while (q > 0) [p, q] = [q, p % q];
  return (x / p) * y;
}
