// Real transforms of whole fields that diagonalise −Δ_h of src/grid, axis by axis, two fields at a time:
//   periodic  Hartley  H_k = Σ_j x_j (cos 2πjk/n + sin 2πjk/n) = ½[(1 + i) Z_k + (1 − i) Z_{n−k}]      (its own inverse, up to 1/n)
//   no-flux   DCT-II   C_k = 2 Σ_j x_j cos(πk(j + ½)/n) = e^{−iθ} V_k + e^{iθ} V_{n−k}, θ = πk/2n      (Makhoul's folded V)
// Both are linear over the complex numbers in the data, so fields a and b go through one complex transform as a + ib and come out
// apart. All lines of an axis are transformed at once while it is the leading one; the pass that forms H or C rotates the axes, so
// that after d axes the order is the old one and every inner loop runs over neighbours in memory. O(N log N), no allocation.
// References: bracewell1983discrete, makhoul1980fast, temperton1983self.

import { demand } from "../error.js";
import type { Grid } from "../grid/index.js";
import { complexTransform } from "./fourier.js";
import { axisEigenvalues } from "./helmholtz.js";

/** A planned transform of real fields, in place; `inverse` undoes `forward`. It keeps scratch, so it serves one caller at a time. */
export interface FieldTransform {
  /** Eigenvalue λ ≥ 0 of −Δ_h for each entry of a transformed field. */
  readonly eigenvalues: Float64Array;
  /** Transforms a and b; b = `null`: a alone (at the price of two). */
  forward(a: Float64Array, b: Float64Array | null): void;
  inverse(a: Float64Array, b: Float64Array | null): void;
}

/**
 * Plans the transform of fields on a grid.
 *
 * @param g one to three axes, periodic or no-flux
 * @throws UsageError for a dirichlet axis
 *
 * *Good values*: points a product of 2, 3 and 5.
 *
 * *References*: bracewell1983discrete, makhoul1980fast
 */
export function fieldTransform(g: Grid): FieldTransform {
  for (const { boundary } of g.axes)
    demand(
      boundary !== "dirichlet",
      "fieldTransform",
      "every axis",
      "be periodic or no-flux",
      boundary,
      "Use helmholtz() for dirichlet axes",
    );
  const { size } = g;
  const parts = g.axes.map(axisEigenvalues);
  const eigenvalues = Float64Array.from({ length: size }, (_, k) =>
    parts.reduce((sum, part, a) => sum + part[Math.floor(k / g.strides[a]) % g.shape[a]], 0),
  );
  const plans = g.axes.map(({ points, boundary }) => ({
    transform: complexTransform(points, size / points),
    cosine: boundary === "no-flux" ? quarterWave(points, Math.cos) : null,
    sine: boundary === "no-flux" ? quarterWave(points, Math.sin) : null,
  }));
  const zero = new Float64Array(size);
  const spareR = new Float64Array(size);
  const spareI = new Float64Array(size);
  const through = (a: Float64Array, b: Float64Array | null, forward: boolean): void => {
    if (b === null) zero.fill(0);
    let [re, im, re2, im2]: Float64Array[] = [a, b ?? zero, spareR, spareI];
    for (const { transform, cosine, sine } of plans) {
      const n = transform.length;
      const rest = transform.lines;
      if (cosine === null || sine === null) {
        transform.forward(re, im);
        hartley(n, rest, forward ? 0.5 : 0.5 / n, re, im, re2, im2);
      } else if (forward) {
        fold(n, rest, re, re2);
        fold(n, rest, im, im2);
        transform.forward(re2, im2);
        cosines(n, rest, cosine, sine, re2, im2, re, im);
        rotate(n, rest, re, re2);
        rotate(n, rest, im, im2);
      } else {
        foldedSpectrum(n, rest, cosine, sine, re, im, re2, im2);
        transform.inverse(re2, im2);
        unfold(n, rest, re2, re);
        unfold(n, rest, im2, im);
        rotate(n, rest, re, re2);
        rotate(n, rest, im, im2);
      }
      [re, im, re2, im2] = [re2, im2, re, im];
    }
    if (re !== a) {
      a.set(re);
      b?.set(im);
    }
  };
  return {
    eigenvalues,
    forward: (a, b) => through(a, b, true),
    inverse: (a, b) => through(a, b, false),
  };
}

function quarterWave(n: number, of: (angle: number) => number): Float64Array {
  return Float64Array.from({ length: n }, (_, k) => of((Math.PI * k) / (2 * n)));
}

// out[r][k] ← scale [(1 + i) Z_k + (1 − i) Z_{n−k}] of line r.
function hartley(
  n: number,
  rest: number,
  scale: number,
  re: Float64Array,
  im: Float64Array,
  outR: Float64Array,
  outI: Float64Array,
): void {
  for (let k = 0; k <= n >> 1; k++) {
    const mirror = k === 0 ? 0 : n - k;
    for (let r = 0; r < rest; r++) {
      const at = k * rest + r;
      const other = mirror * rest + r;
      const zr = scale * re[at];
      const zi = scale * im[at];
      const yr = scale * re[other];
      const yi = scale * im[other];
      const o = r * n + k;
      const p = r * n + mirror;
      outR[o] = zr - zi + yr + yi;
      outI[o] = zr + zi + yi - yr;
      outR[p] = yr - yi + zr + zi;
      outI[p] = yr + yi + zi - zr;
    }
  }
}

// Even entries upwards, odd entries downwards.
function fold(n: number, rest: number, x: Float64Array, out: Float64Array): void {
  const half = (n + 1) >> 1;
  for (let j = 0; j < n; j++) {
    const from = (j < half ? 2 * j : 2 * (n - j) - 1) * rest;
    for (let r = 0; r < rest; r++) out[j * rest + r] = x[from + r];
  }
}

function unfold(n: number, rest: number, x: Float64Array, out: Float64Array): void {
  const half = (n + 1) >> 1;
  for (let j = 0; j < n; j++) {
    const to = (j < half ? 2 * j : 2 * (n - j) - 1) * rest;
    for (let r = 0; r < rest; r++) out[to + r] = x[j * rest + r];
  }
}

// C_k = cos θ (V_k + V_{n−k}) − i sin θ (V_k − V_{n−k}).
function cosines(
  n: number,
  rest: number,
  cosine: Float64Array,
  sine: Float64Array,
  re: Float64Array,
  im: Float64Array,
  outR: Float64Array,
  outI: Float64Array,
): void {
  for (let k = 0; k < n; k++) {
    const c = cosine[k];
    const s = sine[k];
    const mirror = k === 0 ? 0 : n - k;
    for (let r = 0; r < rest; r++) {
      const at = k * rest + r;
      const other = mirror * rest + r;
      outR[at] = c * (re[at] + re[other]) + s * (im[at] - im[other]);
      outI[at] = c * (im[at] + im[other]) - s * (re[at] - re[other]);
    }
  }
}

// V_k = ½ e^{iθ} (C_k − i C_{n−k}), C_n = 0.
function foldedSpectrum(
  n: number,
  rest: number,
  cosine: Float64Array,
  sine: Float64Array,
  re: Float64Array,
  im: Float64Array,
  outR: Float64Array,
  outI: Float64Array,
): void {
  for (let k = 0; k < n; k++) {
    const c = 0.5 * cosine[k];
    const s = 0.5 * sine[k];
    const weight = k === 0 ? 0 : 1;
    const mirror = k === 0 ? 0 : n - k;
    for (let r = 0; r < rest; r++) {
      const at = k * rest + r;
      const other = mirror * rest + r;
      const x = re[at] + weight * im[other];
      const y = im[at] - weight * re[other];
      outR[at] = c * x - s * y;
      outI[at] = c * y + s * x;
    }
  }
}

// out[r][k] ← x[k][r].
function rotate(n: number, rest: number, x: Float64Array, out: Float64Array): void {
  for (let k = 0; k < n; k++) for (let r = 0; r < rest; r++) out[r * n + k] = x[k * rest + r];
}
