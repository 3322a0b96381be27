// Difference operators on a grid, one code for 1-D to 3-D. Face i of an axis lies to the left of node i.
//   gradient   (∇u)ᵢ = (uᵢ − uᵢ₋₁)/h           on faces, second order; 0 on the two walls of a no-flux axis
//   divergence (div q)ᵢ = Σ_axes (qᵢ₊₁ − qᵢ)/h  at nodes = −∇ᵀ exactly; wall faces of a no-flux axis carry no flux
//   laplacian  Δu = div ∇u                      symmetric, ≤ 0, second order
//   forward, backward (first order) and central (second order) differences at nodes
// With ⟨u,v⟩ = Σ uv · cell volume at nodes and on faces:  ⟨∇u, q⟩ = −⟨u, div q⟩ to round-off, on every kind of axis; so
// Σ div q = 0 without dirichlet axes (conservation). Beyond the ends the field follows `extend` of axis.ts.
// Reference: Samarskii (2001), The Theory of Difference Schemes, ch. 4 (key samarskii2001theory).
import { demand } from "../error.js";
import { extend, faceCount } from "./axis.js";
import { demandField, type Grid } from "./grid.js";

/** One array a axis: component a at the faces of axis a, row-major with {@link faceShape}. */
export type FaceField = readonly Float64Array[];

/** Shape of component a of a face field: the grid's shape with `faceCount` in place a. */
export function faceShape(g: Grid, a: number): number[] {
  return g.shape.map((n, b) => (b === a ? faceCount(g.axes[b]) : n));
}

/** A face field of zeros. */
export function faceField(g: Grid): FaceField {
  return g.axes.map((_, a) => new Float64Array(faceShape(g, a).reduce((product, n) => product * n, 1)));
}

/**
 * Gradient on faces: component a is `(uᵢ − uᵢ₋₁)/h` along axis a.
 *
 * @param u field at the nodes
 * @param out where to write; default a new face field
 * @throws UsageError when a length does not fit the grid
 *
 * *Notes*: dirichlet walls have the value 0; a field with other wall values must be lifted first.
 */
export function gradient(g: Grid, u: Float64Array, out: FaceField = faceField(g)): FaceField {
  demandField(g, u, "gradient", "u");
  demandFaces(g, out, "gradient", "out");
  for (let a = 0; a < g.dimension; a++) {
    const { boundary, points: n, spacing: h } = g.axes[a];
    const s = g.strides[a];
    const q = out[a];
    const blocks = g.size / (n * s);
    const faces = faceCount(g.axes[a]);
    for (let b = 0; b < blocks; b++) {
      const u0 = b * n * s;
      const q0 = b * faces * s;
      for (let i = 1; i < n; i++) {
        for (let r = 0; r < s; r++) q[q0 + i * s + r] = (u[u0 + i * s + r] - u[u0 + (i - 1) * s + r]) / h;
      }
      const end = u0 + (n - 1) * s;
      for (let r = 0; r < s; r++) {
        if (boundary === "periodic") q[q0 + r] = (u[u0 + r] - u[end + r]) / h;
        else {
          q[q0 + r] = boundary === "dirichlet" ? u[u0 + r] / h : 0;
          q[q0 + n * s + r] = boundary === "dirichlet" ? -u[end + r] / h : 0;
        }
      }
    }
  }
  return out;
}

/**
 * Divergence of a face field at the nodes: minus the adjoint of {@link gradient}.
 *
 * @param q one array an axis, see {@link faceShape}
 * @param out where to write; default a new field
 * @throws UsageError when a length does not fit the grid
 *
 * *Notes*: what stands on the wall faces of a no-flux axis is not read: no mass passes there.
 */
export function divergence(g: Grid, q: FaceField, out: Float64Array = new Float64Array(g.size)): Float64Array {
  demandFaces(g, q, "divergence", "q");
  demandField(g, out, "divergence", "out");
  out.fill(0);
  for (let a = 0; a < g.dimension; a++) {
    const { boundary, points: n, spacing: h } = g.axes[a];
    const s = g.strides[a];
    const p = q[a];
    const blocks = g.size / (n * s);
    const faces = faceCount(g.axes[a]);
    const wall = boundary === "no-flux" ? 0 : 1;
    const last = boundary === "periodic" ? 0 : n * s;
    for (let b = 0; b < blocks; b++) {
      const u0 = b * n * s;
      const q0 = b * faces * s;
      for (let r = 0; r < s; r++) out[u0 + r] += (p[q0 + s + r] - wall * p[q0 + r]) / h;
      for (let i = 1; i < n - 1; i++) {
        for (let r = 0; r < s; r++) out[u0 + i * s + r] += (p[q0 + (i + 1) * s + r] - p[q0 + i * s + r]) / h;
      }
      const end = (n - 1) * s;
      for (let r = 0; r < s; r++) out[u0 + end + r] += (wall * p[q0 + last + r] - p[q0 + end + r]) / h;
    }
  }
  return out;
}

/**
 * Laplacian at the nodes, `div ∇u`: the (2d + 1)-point stencil, without a face field in between.
 *
 * @param out where to write, not `u` itself; default a new field
 * @throws UsageError when a length does not fit the grid
 */
export function laplacian(g: Grid, u: Float64Array, out: Float64Array = new Float64Array(g.size)): Float64Array {
  demandField(g, u, "laplacian", "u");
  demandField(g, out, "laplacian", "out");
  demand(out !== u, "laplacian", "out", "be another array than u", out, "Give a second array");
  out.fill(0);
  for (let a = 0; a < g.dimension; a++) {
    const { boundary, points: n, spacing: h } = g.axes[a];
    const s = g.strides[a];
    const weight = 1 / (h * h);
    const blocks = g.size / (n * s);
    const before = extend(boundary, n, -1);
    const after = extend(boundary, n, n);
    for (let b = 0; b < blocks; b++) {
      const u0 = b * n * s;
      const end = u0 + (n - 1) * s;
      for (let r = 0; r < s; r++) {
        const left = before === 0 ? 0 : u[u0 + (before - 1) * s + r];
        const right = after === 0 ? 0 : u[u0 + (after - 1) * s + r];
        out[u0 + r] += weight * (u[u0 + s + r] - 2 * u[u0 + r] + left);
        out[end + r] += weight * (right - 2 * u[end + r] + u[end - s + r]);
      }
      for (let i = 1; i < n - 1; i++) {
        const k0 = u0 + i * s;
        for (let r = 0; r < s; r++) out[k0 + r] += weight * (u[k0 + s + r] - 2 * u[k0 + r] + u[k0 - s + r]);
      }
    }
  }
  return out;
}

/**
 * Forward difference at the nodes along one axis, `(uᵢ₊₁ − uᵢ)/h`; first order.
 *
 * @param a axis number, from 0
 * @param out where to write, not `u` itself; default a new field
 * @throws UsageError when a length or the axis does not fit the grid
 */
export function forwardDifference(
  g: Grid,
  u: Float64Array,
  a: number,
  out: Float64Array = new Float64Array(g.size),
): Float64Array {
  return difference("forwardDifference", g, u, a, 0, 1, out);
}

/**
 * Backward difference at the nodes along one axis, `(uᵢ − uᵢ₋₁)/h`; first order.
 *
 * @param a axis number, from 0
 * @param out where to write, not `u` itself; default a new field
 * @throws UsageError when a length or the axis does not fit the grid
 */
export function backwardDifference(
  g: Grid,
  u: Float64Array,
  a: number,
  out: Float64Array = new Float64Array(g.size),
): Float64Array {
  return difference("backwardDifference", g, u, a, -1, 0, out);
}

/**
 * Central difference at the nodes along one axis, `(uᵢ₊₁ − uᵢ₋₁)/(2h)`; second order where the field obeys the axis's
 * boundary condition.
 *
 * @param a axis number, from 0
 * @param out where to write, not `u` itself; default a new field
 * @throws UsageError when a length or the axis does not fit the grid
 */
export function centralDifference(
  g: Grid,
  u: Float64Array,
  a: number,
  out: Float64Array = new Float64Array(g.size),
): Float64Array {
  return difference("centralDifference", g, u, a, -1, 1, out);
}

// (u[i + right] − u[i + left]) / ((right − left) h), left and right in {−1, 0, 1}.
function difference(
  where: string,
  g: Grid,
  u: Float64Array,
  a: number,
  left: number,
  right: number,
  out: Float64Array,
): Float64Array {
  demandField(g, u, where, "u");
  demandField(g, out, where, "out");
  demand(out !== u, where, "out", "be another array than u", out, "Give a second array");
  demand(
    Number.isInteger(a) && a >= 0 && a < g.dimension,
    where,
    "axis",
    `be an integer from 0 to ${g.dimension - 1}`,
    a,
    "Count the axes from 0",
  );
  const { boundary, points: n, spacing: h } = g.axes[a];
  const s = g.strides[a];
  const scale = 1 / ((right - left) * h);
  for (let u0 = 0; u0 < g.size; u0 += n * s) {
    for (let i = 0; i < n; i++) {
      const k0 = u0 + i * s;
      // No sign is needed: one step beyond a wall the field is a neighbour or 0.
      const l = extend(boundary, n, i + left);
      const r = extend(boundary, n, i + right);
      const l0 = u0 + (l - 1) * s;
      const r0 = u0 + (r - 1) * s;
      for (let t = 0; t < s; t++) out[k0 + t] = scale * ((r === 0 ? 0 : u[r0 + t]) - (l === 0 ? 0 : u[l0 + t]));
    }
  }
  return out;
}

function demandFaces(g: Grid, q: FaceField, where: string, name: string): void {
  demand(
    q.length === g.dimension,
    where,
    name,
    `have ${g.dimension} components, one for each axis`,
    q.length,
    "Make it with faceField(grid)",
  );
  for (let a = 0; a < g.dimension; a++) {
    const length = (g.size / g.shape[a]) * faceCount(g.axes[a]);
    demand(
      q[a].length === length,
      where,
      `${name}[${a}]`,
      `have length ${length}, one value for each face`,
      q[a].length,
      "Make it with faceField(grid)",
    );
  }
}
