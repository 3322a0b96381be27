// Discrete Fourier transforms of any length n, float64, planned once:
//   forward X_k = Σ_j x_j e^{−2πi jk/n},   inverse x_j = (1/n) Σ_k X_k e^{+2πi jk/n}.
// Lengths whose primes are ≤ 31: Stockham autosort, mixed radix 4, 3, 5, 2 and general odd (Temperton 1983; Van Loan 1992,
// §1.7), O(n Σ primes). Other lengths: Bluestein's chirp convolution at a power of two ≥ 2n − 1 (Bluestein 1970), O(n log n).
// Real data of even length go through one complex transform of half the length (Van Loan 1992, §4.4).
// Error about ε log n in the 2-norm. Twiddles are computed each from its own angle and kept in the plan; plans hold scratch,
// so one plan serves one caller at a time.
// References: temperton1983self, bluestein1970linear, vanloan1992computational.
import { demand } from "../error.js";

/** A planned complex transform; both directions overwrite their two arguments (real and imaginary parts, length n · lines). */
export interface ComplexTransform {
  readonly length: number;
  /** Interleaved lines that are transformed at once: entry j of line q stands at j · lines + q. */
  readonly lines: number;
  forward(re: Float64Array, im: Float64Array): void;
  inverse(re: Float64Array, im: Float64Array): void;
}

/** A planned transform of real data; the ⌊n/2⌋ + 1 bins k = 0 … ⌊n/2⌋ hold all there is, X_{n−k} = conj X_k. */
export interface RealTransform {
  readonly length: number;
  /** ⌊n/2⌋ + 1. */
  readonly bins: number;
  /** x (length n) → re, im (length bins). x is not changed. */
  forward(x: Float64Array, re: Float64Array, im: Float64Array): void;
  /** re, im (length bins) → x (length n). re and im are not changed; imaginary parts of bin 0 and of bin n/2 are not read. */
  inverse(re: Float64Array, im: Float64Array, x: Float64Array): void;
}

const LARGEST_RADIX = 31;

/**
 * Plans a complex Fourier transform.
 *
 * @param n length, any integer ≥ 1
 * @param lines interleaved lines, an integer ≥ 1; default 1. A row-major field is its first axis with one line for each entry of the rest
 * @returns a plan; `inverse` includes the factor 1/n
 * @throws UsageError when n is not an integer from 1 to 2²⁷ or lines no integer ≥ 1
 *
 * *Good values*: any n; products of 2, 3 and 5 are fastest.
 *
 * *References*: temperton1983self, bluestein1970linear
 */
export function complexTransform(n: number, lines = 1): ComplexTransform {
  demandLength("complexTransform", n);
  demand(
    Number.isInteger(lines) && lines >= 1,
    "complexTransform",
    "lines",
    "be an integer ≥ 1",
    lines,
    "Leave it out for one line",
  );
  const radices = factors(n);
  const forward = radices === null ? lineByLine(bluestein(n), n, lines) : stockham(n, radices, lines);
  return {
    length: n,
    lines,
    forward,
    inverse(re, im) {
      // Swapping the parts conjugates: IDFT(x) = swap(DFT(swap(x)))/n.
      forward(im, re);
      const scale = 1 / n;
      for (let k = 0; k < n * lines; k++) {
        re[k] *= scale;
        im[k] *= scale;
      }
    },
  };
}

function lineByLine(forward: ComplexTransform["forward"], n: number, lines: number): ComplexTransform["forward"] {
  if (lines === 1) return forward;
  const lineR = new Float64Array(n);
  const lineI = new Float64Array(n);
  return (re, im) => {
    for (let q = 0; q < lines; q++) {
      for (let j = 0; j < n; j++) {
        lineR[j] = re[q + j * lines];
        lineI[j] = im[q + j * lines];
      }
      forward(lineR, lineI);
      for (let j = 0; j < n; j++) {
        re[q + j * lines] = lineR[j];
        im[q + j * lines] = lineI[j];
      }
    }
  };
}

/** Throws unless n is a transform length. */
export function demandLength(where: string, n: number): void {
  demand(
    Number.isInteger(n) && n >= 1 && n <= 2 ** 27,
    where,
    "the length",
    "be an integer from 1 to 134217728",
    n,
    "Give the number of entries of one line",
  );
}

// Radices of n, 4s first; null when a prime factor is too large.
function factors(n: number): number[] | null {
  const list: number[] = [];
  let rest = n;
  for (const radix of [4, 2, 3, 5]) {
    while (rest % radix === 0) {
      list.push(radix);
      rest /= radix;
    }
  }
  for (let radix = 7; radix <= LARGEST_RADIX; radix += 2) {
    while (rest % radix === 0) {
      list.push(radix);
      rest /= radix;
    }
  }
  return rest === 1 ? list : null;
}

function stockham(n: number, radices: readonly number[], lines: number): ComplexTransform["forward"] {
  const cosine = Float64Array.from({ length: n }, (_, k) => Math.cos((2 * Math.PI * k) / n));
  const sine = Float64Array.from({ length: n }, (_, k) => -Math.sin((2 * Math.PI * k) / n));
  const re2 = new Float64Array(n * lines);
  const im2 = new Float64Array(n * lines);
  const tr = new Float64Array(LARGEST_RADIX);
  const ti = new Float64Array(LARGEST_RADIX);
  return (re, im) => {
    let ar: Float64Array = re;
    let ai: Float64Array = im;
    let br: Float64Array = re2;
    let bi: Float64Array = im2;
    let s = 1;
    let length = n;
    for (const radix of radices) {
      const m = length / radix;
      const w = s * lines;
      if (radix === 4) pass4(m, s, w, ar, ai, br, bi, cosine, sine);
      else if (radix === 2) pass2(m, s, w, ar, ai, br, bi, cosine, sine);
      else if (radix === 3) pass3(m, s, w, ar, ai, br, bi, cosine, sine);
      else if (radix === 5) pass5(m, s, w, ar, ai, br, bi, cosine, sine);
      else passOdd(radix, n, m, s, w, ar, ai, br, bi, cosine, sine, tr, ti);
      s *= radix;
      length = m;
      [ar, ai, br, bi] = [br, bi, ar, ai];
    }
    if (ar !== re) {
      re.set(ar);
      im.set(ai);
    }
  };
}

// One pass: y[q + w(rp + k)] = ω^{pk} Σ_j x[q + w(p + mj)] ω_r^{jk}, ω = e^{−2πi s/n}: its power pk is table entry spk;
// w = s · lines, since interleaved lines are carried along by every butterfly.
function pass2(
  m: number,
  s: number,
  w: number,
  ar: Float64Array,
  ai: Float64Array,
  br: Float64Array,
  bi: Float64Array,
  cosine: Float64Array,
  sine: Float64Array,
): void {
  for (let p = 0; p < m; p++) {
    const c = cosine[s * p];
    const d = sine[s * p];
    for (let q = 0; q < w; q++) {
      const i0 = q + w * p;
      const i1 = i0 + w * m;
      const o = q + 2 * w * p;
      const xr = ar[i0] - ar[i1];
      const xi = ai[i0] - ai[i1];
      br[o] = ar[i0] + ar[i1];
      bi[o] = ai[i0] + ai[i1];
      br[o + w] = c * xr - d * xi;
      bi[o + w] = c * xi + d * xr;
    }
  }
}

function pass3(
  m: number,
  s: number,
  w: number,
  ar: Float64Array,
  ai: Float64Array,
  br: Float64Array,
  bi: Float64Array,
  cosine: Float64Array,
  sine: Float64Array,
): void {
  const half = Math.sqrt(3) / 2;
  for (let p = 0; p < m; p++) {
    const c1 = cosine[s * p];
    const d1 = sine[s * p];
    const c2 = cosine[2 * s * p];
    const d2 = sine[2 * s * p];
    for (let q = 0; q < w; q++) {
      const i0 = q + w * p;
      const i1 = i0 + w * m;
      const i2 = i1 + w * m;
      const o = q + 3 * w * p;
      const sumR = ar[i1] + ar[i2];
      const sumI = ai[i1] + ai[i2];
      const baseR = ar[i0] - 0.5 * sumR;
      const baseI = ai[i0] - 0.5 * sumI;
      const turnR = half * (ai[i1] - ai[i2]);
      const turnI = half * (ar[i2] - ar[i1]);
      br[o] = ar[i0] + sumR;
      bi[o] = ai[i0] + sumI;
      const xr = baseR + turnR;
      const xi = baseI + turnI;
      const yr = baseR - turnR;
      const yi = baseI - turnI;
      br[o + w] = c1 * xr - d1 * xi;
      bi[o + w] = c1 * xi + d1 * xr;
      br[o + 2 * w] = c2 * yr - d2 * yi;
      bi[o + 2 * w] = c2 * yi + d2 * yr;
    }
  }
}

function pass4(
  m: number,
  s: number,
  w: number,
  ar: Float64Array,
  ai: Float64Array,
  br: Float64Array,
  bi: Float64Array,
  cosine: Float64Array,
  sine: Float64Array,
): void {
  for (let p = 0; p < m; p++) {
    const c1 = cosine[s * p];
    const d1 = sine[s * p];
    const c2 = cosine[2 * s * p];
    const d2 = sine[2 * s * p];
    const c3 = cosine[3 * s * p];
    const d3 = sine[3 * s * p];
    for (let q = 0; q < w; q++) {
      const i0 = q + w * p;
      const i1 = i0 + w * m;
      const i2 = i1 + w * m;
      const i3 = i2 + w * m;
      const o = q + 4 * w * p;
      const evenR = ar[i0] + ar[i2];
      const evenI = ai[i0] + ai[i2];
      const oddR = ar[i1] + ar[i3];
      const oddI = ai[i1] + ai[i3];
      const downR = ar[i0] - ar[i2];
      const downI = ai[i0] - ai[i2];
      const turnR = ai[i1] - ai[i3];
      const turnI = ar[i3] - ar[i1];
      br[o] = evenR + oddR;
      bi[o] = evenI + oddI;
      const xr = downR + turnR;
      const xi = downI + turnI;
      const yr = evenR - oddR;
      const yi = evenI - oddI;
      const zr = downR - turnR;
      const zi = downI - turnI;
      br[o + w] = c1 * xr - d1 * xi;
      bi[o + w] = c1 * xi + d1 * xr;
      br[o + 2 * w] = c2 * yr - d2 * yi;
      bi[o + 2 * w] = c2 * yi + d2 * yr;
      br[o + 3 * w] = c3 * zr - d3 * zi;
      bi[o + 3 * w] = c3 * zi + d3 * zr;
    }
  }
}

function pass5(
  m: number,
  s: number,
  w: number,
  ar: Float64Array,
  ai: Float64Array,
  br: Float64Array,
  bi: Float64Array,
  cosine: Float64Array,
  sine: Float64Array,
): void {
  const cA = Math.cos((2 * Math.PI) / 5);
  const cB = Math.cos((4 * Math.PI) / 5);
  const sA = Math.sin((2 * Math.PI) / 5);
  const sB = Math.sin((4 * Math.PI) / 5);
  for (let p = 0; p < m; p++) {
    const c1 = cosine[s * p];
    const d1 = sine[s * p];
    const c2 = cosine[2 * s * p];
    const d2 = sine[2 * s * p];
    const c3 = cosine[3 * s * p];
    const d3 = sine[3 * s * p];
    const c4 = cosine[4 * s * p];
    const d4 = sine[4 * s * p];
    for (let q = 0; q < w; q++) {
      const i0 = q + w * p;
      const i1 = i0 + w * m;
      const i2 = i1 + w * m;
      const i3 = i2 + w * m;
      const i4 = i3 + w * m;
      const o = q + 5 * w * p;
      const a1r = ar[i1] + ar[i4];
      const a1i = ai[i1] + ai[i4];
      const a2r = ar[i2] + ar[i3];
      const a2i = ai[i2] + ai[i3];
      const b1r = ar[i1] - ar[i4];
      const b1i = ai[i1] - ai[i4];
      const b2r = ar[i2] - ar[i3];
      const b2i = ai[i2] - ai[i3];
      const zr = ar[i0];
      const zi = ai[i0];
      br[o] = zr + a1r + a2r;
      bi[o] = zi + a1i + a2i;
      const er = zr + cA * a1r + cB * a2r;
      const ei = zi + cA * a1i + cB * a2i;
      const fr = zr + cB * a1r + cA * a2r;
      const fi = zi + cB * a1i + cA * a2i;
      const gr = sA * b1i + sB * b2i;
      const gi = -(sA * b1r + sB * b2r);
      const hr = sB * b1i - sA * b2i;
      const hi = -(sB * b1r - sA * b2r);
      const y1r = er + gr;
      const y1i = ei + gi;
      const y4r = er - gr;
      const y4i = ei - gi;
      const y2r = fr + hr;
      const y2i = fi + hi;
      const y3r = fr - hr;
      const y3i = fi - hi;
      br[o + w] = c1 * y1r - d1 * y1i;
      bi[o + w] = c1 * y1i + d1 * y1r;
      br[o + 2 * w] = c2 * y2r - d2 * y2i;
      bi[o + 2 * w] = c2 * y2i + d2 * y2r;
      br[o + 3 * w] = c3 * y3r - d3 * y3i;
      bi[o + 3 * w] = c3 * y3i + d3 * y3r;
      br[o + 4 * w] = c4 * y4r - d4 * y4i;
      bi[o + 4 * w] = c4 * y4i + d4 * y4r;
    }
  }
}

function passOdd(
  radix: number,
  n: number,
  m: number,
  s: number,
  w: number,
  ar: Float64Array,
  ai: Float64Array,
  br: Float64Array,
  bi: Float64Array,
  cosine: Float64Array,
  sine: Float64Array,
  tr: Float64Array,
  ti: Float64Array,
): void {
  const root = n / radix;
  const half = (radix - 1) / 2;
  for (let p = 0; p < m; p++) {
    for (let q = 0; q < w; q++) {
      const i0 = q + w * p;
      const o = q + radix * w * p;
      // t_j = x_j + x_{r−j}, t_{r−j} = x_j − x_{r−j}: halves the work and keeps the symmetry of real data.
      let sumR = ar[i0];
      let sumI = ai[i0];
      for (let j = 1; j <= half; j++) {
        const left = i0 + w * m * j;
        const right = i0 + w * m * (radix - j);
        tr[j] = ar[left] + ar[right];
        ti[j] = ai[left] + ai[right];
        tr[radix - j] = ar[left] - ar[right];
        ti[radix - j] = ai[left] - ai[right];
        sumR += tr[j];
        sumI += ti[j];
      }
      br[o] = sumR;
      bi[o] = sumI;
      for (let k = 1; k <= half; k++) {
        let evenR = ar[i0];
        let evenI = ai[i0];
        let oddR = 0;
        let oddI = 0;
        for (let j = 1; j <= half; j++) {
          const w = root * ((j * k) % radix);
          evenR += cosine[w] * tr[j];
          evenI += cosine[w] * ti[j];
          oddR -= sine[w] * ti[radix - j];
          oddI += sine[w] * tr[radix - j];
        }
        const xr = evenR + oddR;
        const xi = evenI + oddI;
        const yr = evenR - oddR;
        const yi = evenI - oddI;
        const f = s * p * k;
        const g = s * p * (radix - k);
        br[o + w * k] = cosine[f] * xr - sine[f] * xi;
        bi[o + w * k] = cosine[f] * xi + sine[f] * xr;
        br[o + w * (radix - k)] = cosine[g] * yr - sine[g] * yi;
        bi[o + w * (radix - k)] = cosine[g] * yi + sine[g] * yr;
      }
    }
  }
}

// X_k = c_k Σ_j (x_j c_j) conj(c_{k−j}), c_j = e^{−iπ j²/n}: a cyclic convolution of length N = 2^p ≥ 2n − 1.
function bluestein(n: number): ComplexTransform["forward"] {
  let size = 4;
  while (size < 2 * n - 1) size *= 2;
  const inner = complexTransform(size);
  // j² mod 2n keeps the angle exact for large j.
  const angle = (j: number) => (Math.PI * Number((BigInt(j) * BigInt(j)) % BigInt(2 * n))) / n;
  const cosine = Float64Array.from({ length: n }, (_, j) => Math.cos(angle(j)));
  const sine = Float64Array.from({ length: n }, (_, j) => -Math.sin(angle(j)));
  const kernelR = new Float64Array(size);
  const kernelI = new Float64Array(size);
  for (let j = 0; j < n; j++) {
    const mirror = j === 0 ? 0 : size - j;
    kernelR[j] = kernelR[mirror] = cosine[j];
    kernelI[j] = kernelI[mirror] = -sine[j];
  }
  inner.forward(kernelR, kernelI);
  const wr = new Float64Array(size);
  const wi = new Float64Array(size);
  return (re, im) => {
    wr.fill(0, n);
    wi.fill(0, n);
    for (let j = 0; j < n; j++) {
      wr[j] = re[j] * cosine[j] - im[j] * sine[j];
      wi[j] = re[j] * sine[j] + im[j] * cosine[j];
    }
    inner.forward(wr, wi);
    for (let k = 0; k < size; k++) {
      const a = wr[k];
      wr[k] = a * kernelR[k] - wi[k] * kernelI[k];
      wi[k] = a * kernelI[k] + wi[k] * kernelR[k];
    }
    inner.inverse(wr, wi);
    for (let k = 0; k < n; k++) {
      re[k] = wr[k] * cosine[k] - wi[k] * sine[k];
      im[k] = wr[k] * sine[k] + wi[k] * cosine[k];
    }
  };
}

/**
 * Plans a Fourier transform of real data.
 *
 * @param n length, any integer ≥ 1; even lengths cost half
 * @returns a plan; `inverse` includes the factor 1/n
 * @throws UsageError when n is not an integer from 1 to 2²⁷
 *
 * *References*: vanloan1992computational
 */
export function realTransform(n: number): RealTransform {
  demandLength("realTransform", n);
  const bins = Math.floor(n / 2) + 1;
  return { length: n, bins, ...(n % 2 === 0 ? evenReal(n) : oddReal(n)) };
}

function oddReal(n: number): Pick<RealTransform, "forward" | "inverse"> {
  const plan = complexTransform(n);
  const zr = new Float64Array(n);
  const zi = new Float64Array(n);
  const bins = (n + 1) / 2;
  return {
    forward(x, re, im) {
      zr.set(x);
      zi.fill(0);
      plan.forward(zr, zi);
      for (let k = 0; k < bins; k++) {
        re[k] = zr[k];
        im[k] = zi[k];
      }
      im[0] = 0;
    },
    inverse(re, im, x) {
      zr[0] = re[0];
      zi[0] = 0;
      for (let k = 1; k < bins; k++) {
        zr[k] = zr[n - k] = re[k];
        zi[k] = im[k];
        zi[n - k] = -im[k];
      }
      plan.inverse(zr, zi);
      x.set(zr);
    },
  };
}

// z_j = x_{2j} + i x_{2j+1}, h = n/2: X_k = (Z_k + Z̄_{h−k})/2 − (i/2) e^{−2πik/n} (Z_k − Z̄_{h−k}).
function evenReal(n: number): Pick<RealTransform, "forward" | "inverse"> {
  const h = n / 2;
  const plan = complexTransform(h);
  const zr = new Float64Array(h);
  const zi = new Float64Array(h);
  const cosine = Float64Array.from({ length: h + 1 }, (_, k) => Math.cos((2 * Math.PI * k) / n));
  const sine = Float64Array.from({ length: h + 1 }, (_, k) => -Math.sin((2 * Math.PI * k) / n));
  return {
    forward(x, re, im) {
      for (let j = 0; j < h; j++) {
        zr[j] = x[2 * j];
        zi[j] = x[2 * j + 1];
      }
      plan.forward(zr, zi);
      for (let k = 0; k <= h; k++) {
        const a = k === h ? 0 : k;
        const b = k === 0 ? 0 : h - k;
        const sumR = 0.5 * (zr[a] + zr[b]);
        const sumI = 0.5 * (zi[a] - zi[b]);
        const oddR = 0.5 * (zi[a] + zi[b]);
        const oddI = 0.5 * (zr[b] - zr[a]);
        re[k] = sumR + cosine[k] * oddR - sine[k] * oddI;
        im[k] = sumI + cosine[k] * oddI + sine[k] * oddR;
      }
      im[0] = im[h] = 0;
    },
    inverse(re, im, x) {
      for (let k = 0; k < h; k++) {
        const b = h - k;
        const ai = k === 0 ? 0 : im[k];
        const bi = k === 0 ? 0 : im[b];
        // Z_k = (X_k + X̄_{h−k})/2 + (i/2) e^{+2πik/n} (X_k − X̄_{h−k}).
        const sumR = 0.5 * (re[k] + re[b]);
        const sumI = 0.5 * (ai - bi);
        const diffR = 0.5 * (re[k] - re[b]);
        const diffI = 0.5 * (ai + bi);
        const turnR = cosine[k] * diffR + sine[k] * diffI;
        const turnI = cosine[k] * diffI - sine[k] * diffR;
        zr[k] = sumR - turnI;
        zi[k] = sumI + turnR;
      }
      plan.inverse(zr, zi);
      for (let j = 0; j < h; j++) {
        x[2 * j] = zr[j];
        x[2 * j + 1] = zi[j];
      }
    },
  };
}

/**
 * Fourier transform of one complex vector; for repeated use keep a {@link complexTransform}.
 *
 * @param re real parts, length n ≥ 1
 * @param im imaginary parts, length n; default 0
 * @throws UsageError when the lengths differ or are 0
 */
export function fft(re: Float64Array, im?: Float64Array): { re: Float64Array; im: Float64Array } {
  const part = im ?? new Float64Array(re.length);
  demandParts("fft", re, part, re.length);
  const out = { re: re.slice(), im: part.slice() };
  complexTransform(re.length).forward(out.re, out.im);
  return out;
}

/**
 * Inverse Fourier transform of one complex vector, with the factor 1/n.
 *
 * @param re real parts, length n ≥ 1
 * @param im imaginary parts, length n
 * @throws UsageError when the lengths differ or are 0
 */
export function ifft(re: Float64Array, im: Float64Array): { re: Float64Array; im: Float64Array } {
  demandParts("ifft", re, im, re.length);
  const out = { re: re.slice(), im: im.slice() };
  complexTransform(re.length).inverse(out.re, out.im);
  return out;
}

/**
 * Fourier transform of one real vector; for repeated use keep a {@link realTransform}.
 *
 * @param x length n ≥ 1
 * @returns bins 0 … ⌊n/2⌋
 * @throws UsageError when x is empty
 */
export function rfft(x: Float64Array): { re: Float64Array; im: Float64Array } {
  const plan = realTransform(x.length);
  const out = { re: new Float64Array(plan.bins), im: new Float64Array(plan.bins) };
  plan.forward(x, out.re, out.im);
  return out;
}

/**
 * Inverse of {@link rfft}.
 *
 * @param re real parts of bins 0 … ⌊n/2⌋
 * @param im imaginary parts
 * @param n length of the result: the bins alone do not say whether it is even
 * @throws UsageError when the lengths do not fit n
 */
export function irfft(re: Float64Array, im: Float64Array, n: number): Float64Array {
  const plan = realTransform(n);
  demandParts("irfft", re, im, plan.bins);
  const x = new Float64Array(n);
  plan.inverse(re, im, x);
  return x;
}

function demandParts(where: string, re: Float64Array, im: Float64Array, length: number): void {
  const got = re.length === length ? im.length : re.length;
  demand(
    re.length === length && im.length === length,
    where,
    "re and im",
    `have length ${length}`,
    got,
    "Give both parts of every entry",
  );
}
