// Discrete convolution on cells, (K∗m)_i = h^d Σ_j K(x_i − x_j) m_j, by FFT in O(N log N):
//   periodic axes   cyclic: K is asked at the displacement of at most half a period
//   walls           the field is padded with zeros to twice its length
//   solid cells     count as empty and get 0
// Reference: Hockney, Eastwood 1988 (key hockney1988computer).
import type { Cells } from "../../src/grid/index.js";
import { complexAlongAxis, complexTransform } from "../../src/linalg/index.js";

/** A planned convolution; it keeps scratch, so it serves one caller at a time. */
export interface Convolution {
  /** out ← K∗m; `transposed`: with K(−z). */
  apply(m: Float64Array, out: Float64Array, transposed: boolean): void;
  /** Real parts of the kernel's transform. */
  readonly symbol: Float64Array;
}

/**
 * Plans the convolution with a kernel.
 *
 * @param cells of any domain
 * @param kernel K at a displacement of length d, which it must not change; finite
 *
 * *References*: hockney1988computer
 */
export function convolutionOn(
  cells: Pick<Cells, "grid" | "domain" | "open">,
  kernel: (z: Float64Array) => number,
): Convolution {
  const { grid, domain, open } = cells;
  const d = grid.dimension;
  const periodic = domain.ends.map((e) => e === "periodic");
  const shape = grid.shape.map((n, a) => (periodic[a] ? n : fastLength(2 * n - 1)));
  const size = shape.reduce((product, n) => product * n, 1);
  const strides = shape.map((_, a) => shape.slice(a + 1).reduce((product, n) => product * n, 1));
  const transforms = shape.map((n) => complexTransform(n));
  const transform = (re: Float64Array, im: Float64Array, direction: "forward" | "inverse"): void => {
    for (let a = 0; a < d; a++) complexAlongAxis(transforms[a], re, im, strides[a], direction);
  };
  const symbol = new Float64Array(size);
  const imaginary = new Float64Array(size);
  const z = new Float64Array(d);
  for (let i = 0; i < size; i++) {
    let used = true;
    for (let a = 0; a < d; a++) {
      const j = Math.floor(i / strides[a]) % shape[a];
      const signed = j <= shape[a] / 2 ? j : j - shape[a];
      // displacements beyond the box fall on padding alone
      if (!periodic[a] && Math.abs(signed) >= grid.shape[a]) used = false;
      z[a] = signed * grid.axes[a].spacing;
    }
    symbol[i] = used ? kernel(z) * grid.cellVolume : 0;
  }
  transform(symbol, imaginary, "forward");
  const place = Int32Array.from({ length: grid.size }, (_, i) => {
    let at = 0;
    for (let a = 0; a < d; a++) at += (Math.floor(i / grid.strides[a]) % grid.shape[a]) * strides[a];
    return at;
  });
  const re = new Float64Array(size);
  const im = new Float64Array(size);
  return {
    symbol,
    apply(m, out, transposed) {
      re.fill(0);
      im.fill(0);
      for (let i = 0; i < place.length; i++) if (open[i] === 1) re[place[i]] = m[i];
      transform(re, im, "forward");
      const sign = transposed ? -1 : 1;
      for (let i = 0; i < size; i++) {
        const [a, b] = [re[i], im[i]];
        const s = sign * imaginary[i];
        re[i] = a * symbol[i] - b * s;
        im[i] = a * s + b * symbol[i];
      }
      transform(re, im, "inverse");
      for (let i = 0; i < place.length; i++) out[i] = open[i] === 1 ? re[place[i]] : 0;
    },
  };
}

/** Smallest product of 2, 3 and 5 that is ≥ n. */
function fastLength(n: number): number {
  for (let length = n; ; length++) {
    let rest = length;
    for (const p of [2, 3, 5]) while (rest % p === 0) rest /= p;
    if (rest === 1) return length;
  }
}
