// What the networks of a game see of (t, x), with derivatives, by blocks value | ∂₁ … ∂_d | ∂ₜ | Δ:
//   features φ    far walls: (x − centre)/scale;  periodic axes: cos, sin of 2πx/length;  reflecting walls: cos of πx/length;  2t/T − 1
//   functions     ψ_j(x) P_p(t): a stated basis times Legendre polynomials of t, the linear part of each network
// Periodicity and ∂ₙu = 0 at reflecting walls then hold exactly. A quadratic game is linear in the parameters.
// Reference: Dong, Ni 2021, networks with exact periodicity (key dong2021method).
import type { FunctionBasis } from "../../src/measure/index.js";

/** P_p(2τ − 1) and its derivative by τ for p < count: (p + 1)P_{p+1} = (2p + 1)zP_p − pP_{p−1}, P′_{p+1} = P′_{p−1} + (2p + 1)P_p. */
function legendre(tau: number, count: number): readonly [Float64Array, Float64Array] {
  const z = 2 * tau - 1;
  const P = new Float64Array(count);
  const slope = new Float64Array(count);
  for (let p = 0; p < count; p++) {
    P[p] = p === 0 ? 1 : p === 1 ? z : ((2 * p - 1) * z * P[p - 1] - (p - 1) * P[p - 2]) / p;
    slope[p] = p === 0 ? 0 : 2 * (2 * p - 1) * P[p - 1] + (p > 1 ? slope[p - 2] : 0);
  }
  return [P, slope];
}

/** The maps, for one basis and one horizon. */
export interface GameFeatures {
  readonly basis: FunctionBasis;
  /** F. */
  readonly features: number;
  /** M = size of the basis × number of Legendre polynomials. */
  readonly functions: number;
  /**
   * All d + 3 blocks at n points with a time each: φ by rows of F, functions by rows of M (index p·size + j).
   */
  jets(x: Float64Array, t: Float64Array): { readonly stacked: Float32Array; readonly rows: Float32Array };
  /** Blocks value | ∂₁ … ∂_d at n points of one time, functions ψ_j by rows of `size`. */
  atTime(x: Float64Array, t: number): { readonly stacked: Float64Array; readonly rows: Float64Array };
  /** Coefficients of ψ_j at one time from those of ψ_j P_p. */
  linearAt(coefficients: ArrayLike<number>, t: number): Float64Array;
}

/**
 * Makes the maps.
 *
 * @param basis of x; its axes say which features each coordinate has
 * @param horizon T
 * @param degrees number of Legendre polynomials, ≥ 1
 *
 * *References*: dong2021method
 */
export function gameFeatures(basis: FunctionBasis, horizon: number, degrees: number): GameFeatures {
  const { axes, dimension: d, size } = basis;
  const wide: number[] = axes.map((ax) => (ax.kind === "fourier" ? 2 : 1));
  const F = wide.reduce((sum, w) => sum + w, 1);
  const M = degrees * size;
  /** Features of point i into blocks of n rows; `time` and `laplacian` are block numbers, or −1. */
  const place = (
    x: Float64Array,
    i: number,
    n: number,
    t: number,
    out: Float64Array | Float32Array,
    time: number,
    laplacian: number,
  ): void => {
    const at = (block: number) => (block * n + i) * F;
    let j = 0;
    axes.forEach((ax, a) => {
      const y = x[i * d + a];
      if (ax.kind === "polynomial") {
        out[at(0) + j] = (y - ax.centre) / ax.scale;
        out[at(1 + a) + j] = 1 / ax.scale;
      } else {
        const w = (ax.kind === "fourier" ? 2 * Math.PI : Math.PI) / (ax.upper - ax.lower);
        const [c, s] = [Math.cos(w * (y - ax.lower)), Math.sin(w * (y - ax.lower))];
        out[at(0) + j] = c;
        out[at(1 + a) + j] = -w * s;
        if (laplacian >= 0) out[at(laplacian) + j] = -w * w * c;
        if (ax.kind === "fourier") {
          out[at(0) + j + 1] = s;
          out[at(1 + a) + j + 1] = w * c;
          if (laplacian >= 0) out[at(laplacian) + j + 1] = -w * w * s;
        }
      }
      j += wide[a];
    });
    out[at(0) + j] = (2 * t) / horizon - 1;
    if (time >= 0) out[at(time) + j] = 2 / horizon;
  };
  return Object.freeze({
    basis,
    features: F,
    functions: M,
    jets(x: Float64Array, t: Float64Array) {
      const n = t.length;
      const stacked = new Float32Array((d + 3) * n * F);
      const rows = new Float32Array((d + 3) * n * M);
      const { values, gradients, laplacians } = basis.evaluate(x);
      const spatial = [values, ...gradients, null, laplacians];
      for (let i = 0; i < n; i++) {
        place(x, i, n, t[i], stacked, d + 1, d + 2);
        const [P, slope] = legendre(t[i] / horizon, degrees);
        for (let block = 0; block < d + 3; block++) {
          const source = spatial[block] ?? values;
          for (let p = 0; p < degrees; p++) {
            const factor = block === d + 1 ? slope[p] / horizon : P[p];
            const to = (block * n + i) * M + p * size;
            for (let j = 0; j < size; j++) rows[to + j] = factor * source[i * size + j];
          }
        }
      }
      return { stacked, rows };
    },
    atTime(x: Float64Array, t: number) {
      const n = x.length / d;
      const stacked = new Float64Array((d + 1) * n * F);
      for (let i = 0; i < n; i++) place(x, i, n, t, stacked, -1, -1);
      const { values, gradients } = basis.evaluate(x);
      const rows = new Float64Array((d + 1) * n * size);
      [values, ...gradients].forEach((block, b) => {
        rows.set(block, b * n * size);
      });
      return { stacked, rows };
    },
    linearAt(coefficients: ArrayLike<number>, t: number) {
      const [P] = legendre(t / horizon, degrees);
      return Float64Array.from({ length: size }, (_, j) => {
        let sum = 0;
        for (let p = 0; p < degrees; p++) sum += P[p] * coefficients[p * size + j];
        return sum;
      });
    },
  });
}
