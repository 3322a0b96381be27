// Interpolation of grid fields at arbitrary points, tensor products of one-dimensional kernels, one code for 1-D to 3-D.
//   linear: u(x) = Σ wᵢ uᵢ over 2^d nodes, continuous, monotone, second order
//   cubic:  cubic convolution over 4^d nodes (Keys 1981, a = −½, eq. 15), C¹, third order; gradient second order
// and the exact gradient of either interpolant. Beyond the ends: a periodic axis wraps, a no-flux axis reflects, and on a
// dirichlet axis the field is 0 on and beyond the walls; between the last node and a dirichlet wall the cubic stencil
// uses the odd extension, which keeps its order when u″ = 0 on the wall (else second order in that cell).
import { demand } from "../error.js";
import { type Boundary, extend, nodeOffset } from "./axis.js";
import { demandField, type Grid } from "./grid.js";

/** Which kernel: `"linear"` (second order, monotone) or `"cubic"` (third order, C¹, may overshoot). */
export type Interpolation = "linear" | "cubic";

// The stencil of one point: for each of three axes up to four field offsets with weights and derivative weights. Missing
// axes have one tap of weight 1, so that three nested loops serve every dimension.
interface Stencil {
  readonly taps: Int32Array;
  readonly offset: Int32Array;
  readonly weight: Float64Array;
  readonly slope: Float64Array;
}

function stencil(): Stencil {
  const weight = new Float64Array(12);
  weight[0] = weight[4] = weight[8] = 1;
  return { taps: new Int32Array([1, 1, 1]), offset: new Int32Array(12), weight, slope: new Float64Array(12) };
}

// Fills the stencil of axis a at coordinate x. A tap on a dirichlet wall keeps offset 0 with weight 0.
function place(st: Stencil, g: Grid, a: number, x: number, method: Interpolation): void {
  const { lower, upper, points: n, boundary, spacing: h } = g.axes[a];
  const s = g.strides[a];
  const base = 4 * a;
  const taps = method === "linear" ? 2 : 4;
  st.taps[a] = taps;
  if (boundary === "dirichlet" && !(x > lower && x < upper)) {
    for (let j = 0; j < taps; j++) {
      st.offset[base + j] = 0;
      st.weight[base + j] = st.slope[base + j] = Number.isNaN(x) ? NaN : 0;
    }
    return;
  }
  const xi = (x - lower) / h - nodeOffset(boundary);
  const i = Math.floor(xi);
  const t = xi - i;
  if (method === "linear") {
    tap(st, base, boundary, n, s, i, 1 - t, -1 / h);
    tap(st, base + 1, boundary, n, s, i + 1, t, 1 / h);
    return;
  }
  tap(st, base, boundary, n, s, i - 1, t * (t * (1 - t / 2) - 0.5), (t * (2 - 1.5 * t) - 0.5) / h);
  tap(st, base + 1, boundary, n, s, i, 1 + t * t * (1.5 * t - 2.5), (t * (4.5 * t - 5)) / h);
  tap(st, base + 2, boundary, n, s, i + 1, t * (0.5 + t * (2 - 1.5 * t)), (0.5 + t * (4 - 4.5 * t)) / h);
  tap(st, base + 3, boundary, n, s, i + 2, t * t * (t / 2 - 0.5), (t * (1.5 * t - 1)) / h);
}

function tap(
  st: Stencil,
  at: number,
  boundary: Boundary,
  n: number,
  stride: number,
  i: number,
  weight: number,
  slope: number,
): void {
  const r = extend(boundary, n, i);
  const sign = r > 0 ? 1 : r < 0 ? -1 : r;
  st.offset[at] = r === 0 ? 0 : (Math.abs(r) - 1) * stride;
  st.weight[at] = sign * weight;
  st.slope[at] = sign * slope;
}

// Σ over the stencil, with derivative weights on axis `along` (−1: none).
function contract(st: Stencil, u: Float64Array, along: number): number {
  const { taps, offset, weight, slope } = st;
  const w0 = along === 0 ? slope : weight;
  const w1 = along === 1 ? slope : weight;
  const w2 = along === 2 ? slope : weight;
  let sum = 0;
  for (let i = 0; i < taps[0]; i++) {
    let plane = 0;
    for (let j = 4; j < 4 + taps[1]; j++) {
      let line = 0;
      for (let k = 8; k < 8 + taps[2]; k++) line += w2[k] * u[offset[i] + offset[j] + offset[k]];
      plane += w1[j] * line;
    }
    sum += w0[i] * plane;
  }
  return sum;
}

/**
 * Values of the interpolant of a grid field at n points.
 *
 * @param u field at the nodes
 * @param points row-major coordinates, length n·dimension; anywhere (see the boundary rule above)
 * @param method default `"linear"`
 * @param out where to write, length n; default a new array
 * @returns length n; NaN at a NaN coordinate, and at an infinite one on a periodic or no-flux axis
 * @throws UsageError when a length does not fit or the method is unknown
 *
 * *Notes*: a point outside a no-flux or periodic axis is folded back without a word.
 *
 * *Good values*: linear for densities, cubic for smooth potentials.
 *
 * *References*: keys1981cubic
 */
export function interpolate(
  g: Grid,
  u: Float64Array,
  points: Float64Array,
  method: Interpolation = "linear",
  out: Float64Array = new Float64Array(points.length / g.dimension),
): Float64Array {
  demandArguments("interpolate", g, u, points, method, out, 1);
  const st = stencil();
  const d = g.dimension;
  for (let k = 0; k < out.length; k++) {
    for (let a = 0; a < d; a++) place(st, g, a, points[k * d + a], method);
    out[k] = contract(st, u, -1);
  }
  return out;
}

/**
 * Gradient of the interpolant of a grid field at n points: the exact derivative of what {@link interpolate} returns.
 *
 * @param u field at the nodes
 * @param points row-major coordinates, length n·dimension
 * @param method default `"linear"` (piecewise constant along each axis; the right limit at a node)
 * @param out where to write, length n·dimension; default a new array
 * @returns length n·dimension; 0 beyond dirichlet walls, reflected beyond no-flux walls
 * @throws UsageError when a length does not fit or the method is unknown
 *
 * *References*: keys1981cubic
 */
export function interpolateGradient(
  g: Grid,
  u: Float64Array,
  points: Float64Array,
  method: Interpolation = "linear",
  out: Float64Array = new Float64Array(points.length),
): Float64Array {
  demandArguments("interpolateGradient", g, u, points, method, out, g.dimension);
  const st = stencil();
  const d = g.dimension;
  for (let k = 0; k < points.length / d; k++) {
    for (let a = 0; a < d; a++) place(st, g, a, points[k * d + a], method);
    for (let a = 0; a < d; a++) out[k * d + a] = contract(st, u, a);
  }
  return out;
}

/**
 * Adds the adjoint of linear interpolation, applied to `scale · weights`, to a field: what is added, summed against any
 * field u, is scale · Σₖ weightsₖ u(xₖ).
 *
 * @param points row-major coordinates, length n·dimension
 * @param weights length n; `null` means all 1
 * @param scale common factor
 * @param out field that is added to
 */
export function spread(
  g: Grid,
  points: Float64Array,
  weights: Float64Array | null,
  scale: number,
  out: Float64Array,
): void {
  const st = stencil();
  const { taps, offset, weight: w } = st;
  const d = g.dimension;
  for (let k = 0; k < points.length / d; k++) {
    for (let a = 0; a < d; a++) place(st, g, a, points[k * d + a], "linear");
    const wk = weights === null ? scale : scale * weights[k];
    for (let i = 0; i < taps[0]; i++) {
      for (let j = 4; j < 4 + taps[1]; j++) {
        const wij = wk * w[i] * w[j];
        for (let l = 8; l < 8 + taps[2]; l++) out[offset[i] + offset[j] + offset[l]] += wij * w[l];
      }
    }
  }
}

function demandArguments(
  where: string,
  g: Grid,
  u: Float64Array,
  points: Float64Array,
  method: string,
  out: Float64Array,
  width: number,
): void {
  const d = g.dimension;
  demandField(g, u, where, "u");
  demand(
    points.length % d === 0,
    where,
    "points",
    `have a length divisible by the dimension ${d}`,
    points.length,
    "Give the coordinates row by row, one point after the other",
  );
  demand(
    method === "linear" || method === "cubic",
    where,
    "method",
    'be "linear" or "cubic"',
    method,
    'Use "linear" for densities and "cubic" for smooth potentials',
  );
  const length = (points.length / d) * width;
  demand(
    out.length === length,
    where,
    "out",
    `have length ${length}`,
    out.length,
    "Leave it out to get a new array of the right length",
  );
}
