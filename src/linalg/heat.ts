// The heat semigroup in the log-domain, w ↦ log(e^{sΔ} e^w), on grids with periodic and no-flux axes, s = ντ. Separable: axis by axis
//   out_i = log Σ_j K_ij e^{w_j},   K_ij = Σ_p ℓ(|i − j + p n|)  (periodic),   Σ_p ℓ(|i − j + 2pn|) + ℓ(|i + j + 1 + 2pn|)  (no-flux: images),
//   gauss   ℓ(m) = h (4πs)^{−½} e^{−(mh)²/4s}: the continuum's kernel, spectral for smooth data; needs s ≥ h² (then
//           Σ_j K_ij = 1 to 1e-17 and K(s)K(s) = K(2s), entry by entry, to 5e-9: Poisson summation)
//   walk    ℓ(m) = e^{−z} I_m(z), z = 2s/h²: the semigroup of the grid's own Laplacian, order 2; positive, mass exact for every s > 0.
//           Ratios I_{m+1}/I_m by their continued fraction from above (Miller; Gautschi 1967), normalised by Σ ℓ = 1.
// Stability: each line is shifted by its largest entry and summed with the positive kernel in linear scale, so that nothing cancels; a sum that
// comes near underflow is done again as log Σ exp with the logarithm of the kernel: any dynamic range, −∞ included. Lines of more than 256 cells
// go through FFT/DCT instead when their range is at most e⁹: round-off 1e-16 of the largest entry is 1e-12 of the smallest.
// References: Peyré, Cuturi 2019, §4.3–4.4 (key peyre2019computational); Gautschi 1967 (key gautschi1967computational).
import { demand } from "../error.js";
import { type Axis, demandField, type Grid } from "../grid/index.js";
import { cosineTransform, fourierTransform, type LineTransform } from "./basis.js";

/** Which kernel: the continuum's, or that of the random walk on the grid. */
export type HeatKernel = "gauss" | "walk";

/** e^{sΔ} on the logarithms of fields. It keeps scratch, so it serves one caller at a time. */
export interface HeatSemigroup {
  readonly grid: Grid;
  readonly time: number;
  readonly kernel: HeatKernel;
  /**
   * out ← log(e^{sΔ} e^w).
   *
   * @param w field of logarithms; −Infinity stands for 0
   * @param out may be `w`
   */
  apply(w: Float64Array, out: Float64Array): void;
}

/** Range of the logarithms in a line that a transform may carry. */
const TRANSFORM_RANGE = 9;
/** Cells of a line from which transforms are quicker than sums. */
const LONG_LINE = 256;
/** Sums below e^{−600} are done again in the log-domain. */
const NEAR_UNDERFLOW = 1e-260;

/** `true` when the sampled Gaussian is a semigroup on this grid: s ≥ h² on every axis. */
export function resolvesHeat(grid: Grid, time: number): boolean {
  return grid.axes.every((axis) => time >= axis.spacing ** 2);
}

/**
 * Plans e^{sΔ} in the log-domain.
 *
 * @param grid periodic and no-flux axes, up to 2048 cells each
 * @param time s = ντ > 0
 * @param kernel default `"gauss"` where s ≥ h² on every axis, else `"walk"`
 * @throws UsageError when an axis is dirichlet or too long, the time is not positive, or `"gauss"` is not resolved
 *
 * *Notes*: memory 16 n² bytes an axis; time O(n) an entry and axis.
 *
 * *Good values*: s between h² and the square of the box.
 *
 * *References*: peyre2019computational, gautschi1967computational
 */
export function heatSemigroup(
  grid: Grid,
  time: number,
  kernel: HeatKernel = resolvesHeat(grid, time) ? "gauss" : "walk",
): HeatSemigroup {
  const where = "heatSemigroup";
  demand(time > 0 && Number.isFinite(time), where, "time", "be a finite number > 0", time, "Give ν times a duration");
  demand(
    kernel === "walk" || resolvesHeat(grid, time),
    where,
    "time",
    `be ≥ h² = ${Math.max(...grid.axes.map((a) => a.spacing ** 2)).toPrecision(3)} for the Gaussian kernel`,
    time,
    'Use kernel: "walk", more points, or a longer step',
  );
  for (const axis of grid.axes) {
    demand(
      axis.boundary !== "dirichlet",
      where,
      "grid",
      "have periodic or no-flux axes",
      axis.boundary,
      "Use helmholtz() for dirichlet axes",
    );
    demand(axis.points <= 2048, where, "points", "be ≤ 2048 an axis", axis.points, "Use fewer points");
  }
  const lines = grid.axes.map((axis) => lineKernel(axis, time, kernel));
  return {
    grid,
    time,
    kernel,
    apply(w, out) {
      demandField(grid, w, where, "w");
      demandField(grid, out, where, "out");
      if (out !== w) out.set(w);
      for (let a = 0; a < grid.dimension; a++) {
        const n = grid.shape[a];
        const stride = grid.strides[a];
        for (let base = 0; base < out.length; base += n * stride)
          for (let r = base; r < base + stride; r++) lines[a](out, r, stride);
      }
    },
  };
}

/** One axis: replaces the line that starts at `from`. */
type LineKernel = (w: Float64Array, from: number, stride: number) => void;

function lineKernel(axis: Axis, s: number, kernel: HeatKernel): LineKernel {
  const { points: n, boundary } = axis;
  const periodic = boundary === "periodic";
  const table = imageTable(axis, s, kernel);
  const log = new Float64Array(n * n);
  const linear = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      const direct = table[Math.abs(i - j)];
      log[i * n + j] = periodic ? direct : logSum(direct, table[i + j + 1]);
      linear[i * n + j] = Math.exp(log[i * n + j]);
    }
  const line = new Float64Array(n);
  const scaled = new Float64Array(n);
  const transform = n > LONG_LINE ? symbol(axis, s, kernel) : null;
  return (w, from, stride) => {
    let most = -Infinity;
    let least = Infinity;
    for (let i = 0; i < n; i++) {
      const v = w[from + i * stride];
      line[i] = v;
      if (v > most) most = v;
      if (v < least) least = v;
    }
    if (most === -Infinity) return;
    for (let i = 0; i < n; i++) scaled[i] = Math.exp(line[i] - most);
    if (transform !== null && most - least <= TRANSFORM_RANGE) {
      transform(scaled);
      for (let i = 0; i < n; i++) w[from + i * stride] = Math.log(scaled[i]) + most;
      return;
    }
    for (let i = 0; i < n; i++) {
      const row = i * n;
      let sum = 0;
      for (let j = 0; j < n; j++) sum += linear[row + j] * scaled[j];
      w[from + i * stride] = sum > NEAR_UNDERFLOW ? Math.log(sum) + most : logSumOf(log, row, line, n);
    }
  };
}

/** Multiplication by e^{−sλ} in the basis of the axis. */
function symbol(axis: Axis, s: number, kernel: HeatKernel): (line: Float64Array) => void {
  const { points: n, spacing: h, boundary } = axis;
  const periodic = boundary === "periodic";
  const basis: LineTransform = periodic ? fourierTransform(n) : cosineTransform(n);
  const factor = Float64Array.from({ length: n }, (_, k) => {
    // Half-complex order: slots k and n − k belong to one wave.
    const angle = periodic ? (2 * Math.PI * Math.min(k, n - k)) / n : (Math.PI * k) / n;
    return Math.exp(-s * (kernel === "gauss" ? angle / h : (2 / h) * Math.sin(angle / 2)) ** 2);
  });
  return (line) => {
    basis.forward(line);
    for (let k = 0; k < n; k++) line[k] *= factor[k];
    basis.inverse(line);
  };
}

/** log of the kernel with all images of period n (periodic) or 2n (no-flux), at distances 0 … period. */
function imageTable(axis: Axis, s: number, kernel: HeatKernel): Float64Array {
  const { points: n, spacing: h, boundary } = axis;
  const period = boundary === "periodic" ? n : 2 * n;
  const table = new Float64Array(period + 1);
  // The slowest wave has gone below round-off: the kernel is flat.
  if (s * ((2 * Math.PI) / (period * h)) ** 2 > 40) return table.fill(-Math.log(period));
  const images = 2 + Math.ceil(Math.sqrt(3000 * s) / (period * h));
  const bare = kernel === "gauss" ? gaussTable(h, s, images * period) : walkTable((2 * s) / h ** 2, images * period);
  for (let m = 0; m <= period; m++) {
    let sum = bare[m];
    for (let p = 1; p < images; p++) {
      sum = logSum(sum, bare[p * period - m]);
      sum = logSum(sum, bare[Math.min(p * period + m, bare.length - 1)]);
    }
    table[m] = sum;
  }
  return table;
}

function gaussTable(h: number, s: number, last: number): Float64Array {
  const front = Math.log(h) - 0.5 * Math.log(4 * Math.PI * s);
  return Float64Array.from({ length: last + 1 }, (_, m) => front - (m * h) ** 2 / (4 * s));
}

/** log(e^{−z} I_m(z)), m = 0 … last. */
function walkTable(z: number, last: number): Float64Array {
  const top = last + 40;
  const ratio = new Float64Array(top + 1);
  // I_{m+1}/I_m = 1/(2(m + 1)/z + I_{m+2}/I_{m+1}), begun with a bound that is sharp for large m.
  let r = z / (top + 2 + Math.hypot(top + 2, z));
  for (let m = top; m >= 0; m--) ratio[m] = r = 1 / ((2 * (m + 1)) / z + r);
  let sum = 1;
  let product = 1;
  for (let m = 0; m <= top; m++) {
    product *= ratio[m];
    sum += 2 * product;
  }
  const out = new Float64Array(last + 1);
  out[0] = -Math.log(sum);
  for (let m = 0; m < last; m++) out[m + 1] = out[m] + Math.log(ratio[m]);
  return out;
}

function logSum(a: number, b: number): number {
  const most = Math.max(a, b);
  return most === -Infinity ? most : most + Math.log1p(Math.exp(Math.min(a, b) - most));
}

function logSumOf(log: Float64Array, row: number, line: Float64Array, n: number): number {
  let most = -Infinity;
  for (let j = 0; j < n; j++) most = Math.max(most, log[row + j] + line[j]);
  if (most === -Infinity) return most;
  let sum = 0;
  for (let j = 0; j < n; j++) sum += Math.exp(log[row + j] + line[j] - most);
  return most + Math.log(sum);
}
