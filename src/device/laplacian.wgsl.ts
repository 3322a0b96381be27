// The (2d + 1)-point Laplacian in WGSL, d ≤ 3; twin of `laplacian` in src/grid.
//   (Δu)ᵢ = Σ_axes (uᵢ₊₁ − 2uᵢ + uᵢ₋₁)/h²,  beyond the ends by the rule of src/grid/axis.ts:
//   periodic (0) u(−1) = u(n−1);  no-flux (1) u(−1) = u(0);  dirichlet (2) u(−1) = 0. A missing axis has one node and weight 0.
// Second order, symmetric, ≤ 0; float32.
import { kernelSpec } from "./kernel.js";

/** out ← Δu. */
export const laplacianKernel = kernelSpec({
  name: "laplacian",
  workgroupSize: 64,
  bindings: { u: "read f32", result: "write f32" },
  parameters: {
    n0: "u32",
    n1: "u32",
    n2: "u32",
    boundary0: "u32",
    boundary1: "u32",
    boundary2: "u32",
    weight0: "f32",
    weight1: "f32",
    weight2: "f32",
  },
  code: `
fn second(k: u32, i: u32, n: u32, stride: u32, boundary: u32) -> f32 {
  let centre = u[k];
  var left = 0.0;
  var right = 0.0;
  if (i > 0u) { left = u[k - stride]; }
  else if (boundary == 0u) { left = u[k + (n - 1u) * stride]; }
  else if (boundary == 1u) { left = centre; }
  if (i + 1u < n) { right = u[k + stride]; }
  else if (boundary == 0u) { right = u[k - (n - 1u) * stride]; }
  else if (boundary == 1u) { right = centre; }
  return (right - centre) - (centre - left);
}
fn kernel(block: u32, lane: u32) {
  let k = block * workgroupSize + lane;
  let p = parameters;
  if (k >= p.n0 * p.n1 * p.n2) { return; }
  let i2 = k % p.n2;
  let i1 = (k / p.n2) % p.n1;
  let i0 = k / (p.n2 * p.n1);
  result[k] = p.weight0 * second(k, i0, p.n0, p.n1 * p.n2, p.boundary0)
    + p.weight1 * second(k, i1, p.n1, p.n2, p.boundary1)
    + p.weight2 * second(k, i2, p.n2, 1u, p.boundary2);
}`,
});
