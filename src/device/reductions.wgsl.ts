// Fixed-tree reductions: sum, max, dot. Twin of reductions.cpu.ts; the tree depends on the length alone, never on timing.
//   one pass: block B takes items 2048 B … 2048 B + 2047; lane l folds items l, l + 256, … in turn (8 of them); then halves meet:
//   tile[l] ← tile[l] ∘ tile[l + 128], 64, … 1.  Passes repeat on the block results until one value is left.
// Round-off grows like (8 + log₂ 256) per pass, not like the length. No float atomics, so every run gives the same bits.
// Reference: Harris 2007, "Optimizing parallel reduction in CUDA" (sequential addressing); Higham 2002, §4.2 (pairwise summation).
import { kernelSpec } from "./kernel.js";

/** Lanes of a block, and items that one block folds: part of the tree, hence of the result. */
export const reductionLanes = 256;
export const reductionItems = 2048;

const tree = (start: string, combine: string, item: string): string => `
var<workgroup> tile: array<f32, ${reductionLanes}>;
fn combine(a: f32, b: f32) -> f32 { return ${combine}; }
fn kernel(block: u32, lane: u32) {
  var folded = ${start};
  for (var k = 0u; k < ${reductionItems / reductionLanes}u; k++) {
    let i = block * ${reductionItems}u + k * workgroupSize + lane;
    if (i < parameters.n) { folded = combine(folded, ${item}); }
  }
  tile[lane] = folded;
  workgroupBarrier();
  for (var half = workgroupSize / 2u; half > 0u; half /= 2u) {
    if (lane < half) { tile[lane] = combine(tile[lane], tile[lane + half]); }
    workgroupBarrier();
  }
  if (lane == 0u) { result[block] = tile[0]; }
}`;

/** Σ xᵢ, one pass. */
export const sumKernel = kernelSpec({
  name: "sum",
  workgroupSize: reductionLanes,
  bindings: { x: "read f32", result: "write f32" },
  parameters: { n: "u32" },
  code: tree("0.0", "a + b", "x[i]"),
});

/** max xᵢ, one pass; WGSL leaves the result open when an xᵢ is NaN. */
export const maxKernel = kernelSpec({
  name: "max",
  workgroupSize: reductionLanes,
  bindings: { x: "read f32", result: "write f32" },
  parameters: { n: "u32" },
  code: tree("-0x1.fffffep+127f", "max(a, b)", "x[i]"),
});

/** Σ xᵢ yᵢ, first pass; `sumKernel` does the others. A driver may fuse the product into the sum. */
export const dotKernel = kernelSpec({
  name: "dot",
  workgroupSize: reductionLanes,
  bindings: { x: "read f32", y: "read f32", result: "write f32" },
  parameters: { n: "u32" },
  code: tree("0.0", "a + b", "x[i] * y[i]"),
});
