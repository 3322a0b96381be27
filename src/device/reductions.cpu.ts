// Fixed-tree reductions on the CPU: twin of reductions.wgsl.ts, the same tree in the precision of the array.
//   Float64Array: float64 reference;  Float32Array: every ∘ rounded to float32, bit for bit what the GPU computes
//   (a float64 sum or product of two float32 numbers, rounded once more to float32, equals the float32 operation).
// Reference: Higham 2002, §4.2 (pairwise summation); Figueroa 1995 (innocuous double rounding).
import { demand } from "../error.js";
import { reductionItems, reductionLanes } from "./reductions.wgsl.js";

type Values = Float64Array | Float32Array;

/** Σ xᵢ over the fixed tree, in the precision of `x`; 0 for an empty array. */
export function treeSum(x: Values): number {
  return fold(x, 0, (a, b) => a + b);
}

/**
 * max xᵢ.
 *
 * @throws UsageError when `x` is empty
 */
export function treeMax(x: Values): number {
  demandItems(x.length);
  return fold(x, -Infinity, Math.max);
}

/**
 * Σ xᵢ yᵢ over the fixed tree, in the precision of `x`.
 *
 * @throws UsageError when the lengths differ
 */
export function treeDot(x: Values, y: Values): number {
  demandSameLength(x.length, y.length);
  const products = x instanceof Float32Array ? new Float32Array(x.length) : new Float64Array(x.length);
  for (let i = 0; i < x.length; i++) products[i] = x[i] * y[i];
  return treeSum(products);
}

/** √(x·x) over the fixed tree. */
export function treeNorm(x: Values): number {
  return Math.sqrt(treeDot(x, x));
}

/** Refuses the maximum of nothing. */
export function demandItems(length: number): void {
  demand(length > 0, "max", "x", "have at least one item", length, "Guard the call");
}

/** Refuses a product of unequal lengths. */
export function demandSameLength(x: number, y: number): void {
  demand(x === y, "dot", "y", `have the length ${x} of x`, y, "Pass vectors of one length");
}

function fold(x: Values, start: number, combine: (a: number, b: number) => number): number {
  const Precision = x instanceof Float32Array ? Float32Array : Float64Array;
  const tile = new Precision(reductionLanes);
  let level: Values = x;
  do {
    const blocks = Math.max(1, Math.ceil(level.length / reductionItems));
    const next = new Precision(blocks);
    for (let block = 0; block < blocks; block++) {
      const end = Math.min(level.length, (block + 1) * reductionItems);
      tile.fill(start);
      for (let i = block * reductionItems; i < end; i++) {
        const lane = i % reductionLanes;
        tile[lane] = combine(tile[lane], level[i]);
      }
      for (let half = reductionLanes / 2; half >= 1; half /= 2) {
        for (let lane = 0; lane < half; lane++) tile[lane] = combine(tile[lane], tile[lane + half]);
      }
      next[block] = tile[0];
    }
    level = next;
  } while (level.length > 1);
  return level[0];
}
