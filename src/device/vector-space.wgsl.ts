// The two vector updates of a VectorSpace in WGSL: x ← a x (exact zeros for a = 0) and y ← a x + y.
// Twin: arraySpace of src/linalg. A driver may fuse the product into the sum of axpy.
import { kernelSpec } from "./kernel.js";

/** x ← a x. */
export const scaleKernel = kernelSpec({
  name: "scale",
  workgroupSize: 256,
  bindings: { x: "write f32" },
  parameters: { n: "u32", a: "f32" },
  code: `
fn kernel(block: u32, lane: u32) {
  let i = block * workgroupSize + lane;
  if (i < parameters.n) { x[i] = select(parameters.a * x[i], 0.0, parameters.a == 0.0); }
}`,
});

/** y ← a x + y. */
export const axpyKernel = kernelSpec({
  name: "axpy",
  workgroupSize: 256,
  bindings: { x: "read f32", y: "write f32" },
  parameters: { n: "u32", a: "f32" },
  code: `
fn kernel(block: u32, lane: u32) {
  let i = block * workgroupSize + lane;
  if (i < parameters.n) { y[i] += parameters.a * x[i]; }
}`,
});
