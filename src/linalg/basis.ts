// Real transforms of one line, in place, that diagonalise second differences under the end-point rules of src/grid:
//   fourierTransform  periodic   half-complex order [re₀ … re_{⌊n/2⌋}, im_{⌈n/2⌉−1} … im₁]
//   cosineTransform   no-flux    DCT-II  C_k = 2 Σ x_j cos(πk(j + ½)/n);  its inverse is DCT-III/(2n)
//   sineTransform     dirichlet  DST-I   S_k = 2 Σ x_j sin(π(k + 1)(j + 1)/(n + 1));  its inverse is DST-I/(2(n + 1))
// (the unnormalised conventions of FFTW). Any length. Cosine: one real transform of length n (Makhoul 1980); sine: one of
// length 2(n + 1), which avoids the recurrence that loses digits. Along any axis of a row-major array: alongAxis.
// References: makhoul1980fast, strang1999discrete.
import { demand } from "../error.js";
import { type ComplexTransform, demandLength, realTransform } from "./fourier.js";

/** A planned transform of one real line, in place; `inverse` undoes `forward` with its factor. */
export interface LineTransform {
  readonly length: number;
  forward(line: Float64Array): void;
  inverse(line: Float64Array): void;
}

/**
 * Plans the real Fourier transform in half-complex order: slot k ≤ n/2 holds re_k, slot n − k holds im_k.
 *
 * @param n length, any integer ≥ 1
 * @throws UsageError when n is not an integer from 1 to 2²⁷
 */
export function fourierTransform(n: number): LineTransform {
  const plan = realTransform(n);
  const re = new Float64Array(plan.bins);
  const im = new Float64Array(plan.bins);
  const pairs = Math.floor((n - 1) / 2);
  return {
    length: n,
    forward(line) {
      plan.forward(line, re, im);
      line.set(re);
      for (let k = 1; k <= pairs; k++) line[n - k] = im[k];
    },
    inverse(line) {
      for (let k = 0; k < plan.bins; k++) re[k] = line[k];
      for (let k = 1; k <= pairs; k++) im[k] = line[n - k];
      plan.inverse(re, im, line);
    },
  };
}

/**
 * Plans DCT-II (`forward`) and its inverse, DCT-III/(2n).
 *
 * @param n length, any integer ≥ 1
 * @throws UsageError when n is not an integer from 1 to 2²⁷
 *
 * *References*: makhoul1980fast
 */
export function cosineTransform(n: number): LineTransform {
  demandLength("cosineTransform", n);
  const plan = realTransform(n);
  const { bins } = plan;
  const re = new Float64Array(bins);
  const im = new Float64Array(bins);
  const folded = new Float64Array(n);
  const cosine = Float64Array.from({ length: bins }, (_, k) => Math.cos((Math.PI * k) / (2 * n)));
  const sine = Float64Array.from({ length: bins }, (_, k) => Math.sin((Math.PI * k) / (2 * n)));
  const half = Math.ceil(n / 2);
  return {
    length: n,
    forward(line) {
      // Even entries upwards, odd entries downwards; then C_k − i C_{n−k} = 2 e^{−iπk/2n} V_k.
      for (let j = 0; j < half; j++) folded[j] = line[2 * j];
      for (let j = half; j < n; j++) folded[j] = line[2 * (n - j) - 1];
      plan.forward(folded, re, im);
      for (let k = 0; k < bins; k++) {
        line[k] = 2 * (cosine[k] * re[k] + sine[k] * im[k]);
        if (k > 0) line[n - k] = 2 * (sine[k] * re[k] - cosine[k] * im[k]);
      }
    },
    inverse(line) {
      for (let k = 0; k < bins; k++) {
        const other = k === 0 ? 0 : line[n - k];
        re[k] = 0.5 * (cosine[k] * line[k] + sine[k] * other);
        im[k] = 0.5 * (sine[k] * line[k] - cosine[k] * other);
      }
      plan.inverse(re, im, folded);
      for (let j = 0; j < half; j++) line[2 * j] = folded[j];
      for (let j = half; j < n; j++) line[2 * (n - j) - 1] = folded[j];
    },
  };
}

/**
 * Plans DST-I (`forward`) and its inverse, DST-I/(2(n + 1)).
 *
 * @param n length, any integer ≥ 1
 * @throws UsageError when n is not an integer from 1 to 2²⁶ − 1
 */
export function sineTransform(n: number): LineTransform {
  demandLength("sineTransform", n);
  const plan = realTransform(2 * (n + 1));
  const odd = new Float64Array(2 * (n + 1));
  const re = new Float64Array(plan.bins);
  const im = new Float64Array(plan.bins);
  const forward = (line: Float64Array): void => {
    for (let j = 0; j < n; j++) {
      odd[j + 1] = line[j];
      odd[2 * n + 1 - j] = -line[j];
    }
    plan.forward(odd, re, im);
    for (let k = 0; k < n; k++) line[k] = -im[k + 1];
  };
  return {
    length: n,
    forward,
    inverse(line) {
      forward(line);
      for (let k = 0; k < n; k++) line[k] /= 2 * (n + 1);
    },
  };
}

/**
 * DCT-II of one vector, C_k = 2 Σ x_j cos(πk(j + ½)/n).
 *
 * @param x length n ≥ 1
 * @throws UsageError when x is empty
 */
export function dct2(x: Float64Array): Float64Array {
  const line = x.slice();
  cosineTransform(x.length).forward(line);
  return line;
}

/**
 * DCT-III of one vector, x_j = C_0 + 2 Σ_{k≥1} C_k cos(πk(j + ½)/n): 2n times the inverse of {@link dct2}.
 *
 * @param x length n ≥ 1
 * @throws UsageError when x is empty
 */
export function dct3(x: Float64Array): Float64Array {
  const line = x.slice();
  cosineTransform(x.length).inverse(line);
  return line.map((value) => 2 * x.length * value);
}

/**
 * DST-I of one vector, S_k = 2 Σ x_j sin(π(k + 1)(j + 1)/(n + 1)); twice applied it multiplies by 2(n + 1).
 *
 * @param x length n ≥ 1
 * @throws UsageError when x is empty
 */
export function dst1(x: Float64Array): Float64Array {
  const line = x.slice();
  sineTransform(x.length).forward(line);
  return line;
}

/**
 * Transforms every line along one axis of a row-major array, in place.
 *
 * @param transform planned for the length n of the axis
 * @param values length a multiple of n·stride
 * @param stride the axis's stride, `strides[a]` of a grid
 * @param direction which way
 * @throws UsageError when the lengths do not fit
 */
export function alongAxis(
  transform: LineTransform,
  values: Float64Array,
  stride: number,
  direction: "forward" | "inverse",
): void {
  const n = transform.length;
  demandLines("alongAxis", n, values.length, stride);
  const line = new Float64Array(n);
  for (let base = 0; base < values.length; base += n * stride) {
    for (let r = base; r < base + stride; r++) {
      for (let i = 0; i < n; i++) line[i] = values[r + i * stride];
      if (direction === "forward") transform.forward(line);
      else transform.inverse(line);
      for (let i = 0; i < n; i++) values[r + i * stride] = line[i];
    }
  }
}

/**
 * Complex transform of every line along one axis of a row-major complex array, in place.
 *
 * @param transform planned for the length n of the axis
 * @param re real parts, length a multiple of n·stride
 * @param im imaginary parts, same length
 * @param stride the axis's stride
 * @param direction which way
 * @throws UsageError when the lengths do not fit
 */
export function complexAlongAxis(
  transform: ComplexTransform,
  re: Float64Array,
  im: Float64Array,
  stride: number,
  direction: "forward" | "inverse",
): void {
  const n = transform.length;
  demandLines("complexAlongAxis", n, re.length, stride);
  demand(
    im.length === re.length,
    "complexAlongAxis",
    "im",
    `have length ${re.length}, as re`,
    im.length,
    "Give both parts of every entry",
  );
  const lineR = new Float64Array(n);
  const lineI = new Float64Array(n);
  for (let base = 0; base < re.length; base += n * stride) {
    for (let r = base; r < base + stride; r++) {
      for (let i = 0; i < n; i++) {
        lineR[i] = re[r + i * stride];
        lineI[i] = im[r + i * stride];
      }
      if (direction === "forward") transform.forward(lineR, lineI);
      else transform.inverse(lineR, lineI);
      for (let i = 0; i < n; i++) {
        re[r + i * stride] = lineR[i];
        im[r + i * stride] = lineI[i];
      }
    }
  }
}

function demandLines(where: string, n: number, length: number, stride: number): void {
  demand(
    Number.isInteger(stride) && stride >= 1 && length % (n * stride) === 0,
    where,
    "values",
    `have a length divisible by length · stride = ${n * stride}`,
    length,
    "Use shape[a] for the plan and strides[a] for the stride",
  );
}
