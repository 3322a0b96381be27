// What can be learnt of H from its values at seeded arguments: that it is not convex in p, and how it depends on p.
//   convex      H(p) ≤ ½(H(p + q) + H(p − q)) at every sample: a breach refutes, no breach is no proof
//   separable   H(p) − H(0) = Σ_a (H(p_a e_a) − H(0)) at every sample
//   radial      H(p) = H(|p| e₁) at every sample
// Momenta have lengths from 0.01 to 10, so that a formula with pieces shows more than one of them. The structure's derivatives
// are H's own at p_a e_a and |p| e₁; p* is found by bracketing and the Illinois form of false position.
// Reference: Dahlquist, Björck 2008, section 6.2.2 (key dahlquist2008numerical).
import { demand, usageError } from "../../src/error.js";
import { generator } from "../../src/random/index.js";
import { type Hamiltonian, type HamiltonianStructure, hamiltonianJet } from "./hamiltonian.js";

/** Where samples are taken: the box of x, default the unit cube; t is in [0, 1] and m in (0, 3). */
export interface SampleBox {
  readonly lower: readonly number[];
  readonly upper: readonly number[];
}

/** One argument of H. */
export interface HamiltonianSample {
  readonly t: number;
  readonly x: Float64Array;
  readonly p: Float64Array;
  readonly m: number;
}

/** H at one argument; NaN where it has no value. */
export type HamiltonianValue = (t: number, x: Float64Array, p: Float64Array, m: number) => number;

/** Checks a box given by a user. */
export function sampleBox(box: SampleBox | undefined, dimension: number, where: string): SampleBox {
  const { lower, upper } = box ?? { lower: Array(dimension).fill(0), upper: Array(dimension).fill(1) };
  demand(
    lower.length === dimension && upper.length === dimension && lower.every((a, i) => a <= upper[i]),
    where,
    "box",
    `be two corners of ${dimension} numbers each, lower ≤ upper`,
    box,
    "Give the game's domain",
  );
  return { lower, upper };
}

/** Seeded arguments of H. */
export function hamiltonianSamples(box: SampleBox, count: number, seed: number): HamiltonianSample[] {
  const draw = generator(seed);
  const d = box.lower.length;
  return Array.from({ length: count }, () => {
    const [t, u, length] = draw.uniform(3);
    const x = draw.uniform(d).map((v, a) => box.lower[a] + v * (box.upper[a] - box.lower[a]));
    return { t, x, p: momentum(draw.normal(d), 10 ** (3 * length - 2)), m: 3 * u };
  });
}

function momentum(direction: Float64Array, length: number): Float64Array {
  const norm = Math.hypot(...direction);
  return direction.map((v) => (v / norm) * length);
}

/**
 * Refuses an H that is not convex in p at some sample.
 *
 * @throws UsageError that names the point, and when no sample has a value
 */
export function demandConvex(where: string, name: string, value: HamiltonianValue, samples: HamiltonianSample[]): void {
  let met = 0;
  samples.forEach(({ t, x, p, m }, i) => {
    const q = samples[(i + 1) % samples.length].p;
    const at = (s: number) =>
      value(
        t,
        x,
        p.map((v, a) => v + s * q[a]),
        m,
      );
    const [left, middle, right] = [at(-1), at(0), at(1)];
    const size = Math.abs(left) + Math.abs(middle) + Math.abs(right);
    if (!Number.isFinite(size)) return;
    met++;
    if (middle - 0.5 * (left + right) <= 1e-10 * size) return;
    throw usageError(
      where,
      name,
      `be convex in p, so not above the mean ${short(0.5 * (left + right))} of its values at p ± ${point(q)}` +
        ` in p = ${point(p)}, x = ${point(x)}, t = ${short(t)}, m = ${short(m)}`,
      Number(short(middle)),
      "Change the sign, or the part that bends down",
    );
  });
  demand(met > 0, where, name, "have real values in the box of samples", NaN, "Give the game's domain as box");
}

/** Numbers of a point, short enough for a sentence. */
export function point(values: ArrayLike<number>): string {
  return `(${Array.from(values, short).join(", ")})`;
}

/** Six digits. */
export function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}

/** How H depends on p, by its values at samples. */
export function sampledKind(value: HamiltonianValue, samples: HamiltonianSample[]): HamiltonianStructure["kind"] {
  if (isSeparable(value, samples)) return "separable";
  return isRadial(value, samples) ? "radial" : "general";
}

/** H(p) − H(0) = Σ_a (H(p_a e_a) − H(0)) at every sample. */
export function isSeparable(value: HamiltonianValue, samples: HamiltonianSample[]): boolean {
  return samples.every(({ t, x, p, m }) => {
    const d = p.length;
    const origin = value(t, x, new Float64Array(d), m);
    let sum = origin;
    let size = Math.abs(origin);
    for (let a = 0; a < d; a++) {
      const part = value(t, x, unit(d, a, p[a]), m) - origin;
      sum += part;
      size += Math.abs(part);
    }
    return d === 1 || differsLittle(value(t, x, p, m), sum, size);
  });
}

/** H(p) = H(|p| e₁) at every sample. */
export function isRadial(value: HamiltonianValue, samples: HamiltonianSample[]): boolean {
  return samples.every(({ t, x, p, m }) => {
    const turned = value(t, x, unit(p.length, 0, Math.hypot(...p)), m);
    return differsLittle(value(t, x, p, m), turned, Math.abs(turned));
  });
}

/** Also true where H has no value: such samples say nothing. */
function differsLittle(a: number, b: number, size: number): boolean {
  return !(Math.abs(a - b) > 1e-11 * size);
}

function unit(d: number, a: number, length: number): Float64Array {
  const p = new Float64Array(d);
  p[a] = length;
  return p;
}

/** The structure of an H that is known to be of this kind, from its own derivatives. It keeps scratch. */
export function structureFrom(
  kind: HamiltonianStructure["kind"],
  dimension: number,
  evaluate: Hamiltonian["evaluate"],
): HamiltonianStructure {
  if (kind === "general") return { kind };
  let p: Float64Array[] = [];
  let jet = hamiltonianJet(dimension, 0);
  /** H at q along axis a. */
  const along = (a: number, t: number, points: Float64Array, q: Float64Array, m: Float64Array, order: 0 | 1 | 2) => {
    if (jet.value.length !== q.length) {
      p = Array.from({ length: dimension }, () => new Float64Array(q.length));
      jet = hamiltonianJet(dimension, q.length);
    }
    p.forEach((c, b) => {
      if (b === a) c.set(q);
      else c.fill(0);
    });
    evaluate(t, points, p, m, jet, order);
    return jet;
  };
  const diagonal = (a: number) => a * dimension - (a * (a - 1)) / 2;
  if (kind === "separable")
    return {
      kind,
      part(a, t, points, q, m, out) {
        const zero = new Float64Array(q.length);
        const origin = a === 0 ? null : along(a, t, points, zero, m, 1);
        for (let i = 0; i < q.length; i++) {
          // H(0) belongs to the first part
          out.value[i] = origin === null ? 0 : -origin.value[i];
          out.byMass[i] = origin === null ? 0 : -origin.byMass[i];
        }
        const { value, gradient, hessian, byMass, gradientByMass } = along(a, t, points, q, m, 2);
        for (let i = 0; i < q.length; i++) {
          out.value[i] += value[i];
          out.byMass[i] += byMass[i];
        }
        out.slope.set(gradient[a]);
        out.curvature.set(hessian[diagonal(a)]);
        out.slopeByMass.set(gradientByMass[a]);
      },
      least(a, t, points, m, out) {
        findLeast((q, slope) => slope.set(along(a, t, points, q, m, 1).gradient[a]), out);
      },
    };
  return {
    kind,
    drift: null,
    profile(t, points, s, m, out) {
      const r = s.map(Math.sqrt);
      const { value, gradient, hessian, byMass, gradientByMass } = along(0, t, points, r, m, 2);
      out.value.set(value);
      out.byMass.set(byMass);
      for (let i = 0; i < s.length; i++) {
        out.slope[i] = r[i] > 0 ? gradient[0][i] / (2 * r[i]) : 0.5 * hessian[0][i];
        // φ_ss s is finite at 0, and meets p_a p_b ≤ s
        out.curvature[i] = r[i] > 1e-100 ? (hessian[0][i] - gradient[0][i] / r[i]) / r[i] / r[i] / 4 : 0;
        out.slopeByMass[i] = r[i] > 0 ? gradientByMass[0][i] / (2 * r[i]) : 0;
      }
    },
  };
}

/**
 * Zeros of non-decreasing slopes, one at each point: ∓Infinity where the slope is positive down to −1e8, or negative up to 1e8.
 *
 * @param slopeAt writes the slopes at q
 * @param out the zeros
 */
export function findLeast(slopeAt: (q: Float64Array, slope: Float64Array) => void, out: Float64Array): void {
  const n = out.length;
  const at = new Float64Array(n);
  const slope = new Float64Array(n);
  slopeAt(at, slope);
  out.set(at);
  if (slope.every((v) => v === 0)) return;
  // [a, b] with slopes A ≤ 0 ≤ B, from 0 outward by factors of 4
  const [a, b, A, B] = [at.slice(), at.slice(), slope.slice(), slope.slice()];
  for (let step = 1; step <= 1e8; step *= 4) {
    if (A.every((v, i) => v <= 0 && B[i] >= 0)) break;
    for (let i = 0; i < n; i++) at[i] = A[i] > 0 ? a[i] - step : B[i] < 0 ? b[i] + step : a[i];
    slopeAt(at, slope);
    for (let i = 0; i < n; i++) {
      if (A[i] > 0) [b[i], B[i], a[i], A[i]] = [a[i], A[i], at[i], slope[i]];
      else if (B[i] < 0) [a[i], A[i], b[i], B[i]] = [b[i], B[i], at[i], slope[i]];
    }
  }
  const side = new Int8Array(n);
  for (let iteration = 0; iteration < 200; iteration++) {
    let open = false;
    for (let i = 0; i < n; i++) {
      const width = b[i] - a[i];
      const bracketed = A[i] < 0 && B[i] > 0 && width > 2e-16 * Math.max(Math.abs(a[i]), Math.abs(b[i]), 1e-300);
      at[i] = bracketed ? a[i] - (A[i] * width) / (B[i] - A[i]) : a[i];
      if (bracketed && (iteration % 4 === 3 || !(at[i] > a[i] && at[i] < b[i]))) at[i] = a[i] + 0.5 * width;
      open ||= bracketed && at[i] > a[i] && at[i] < b[i];
    }
    if (!open) break;
    slopeAt(at, slope);
    for (let i = 0; i < n; i++) {
      if (!(A[i] < 0 && B[i] > 0 && at[i] > a[i] && at[i] < b[i])) continue;
      if (slope[i] < 0) {
        [a[i], A[i]] = [at[i], slope[i]];
        if (side[i] === -1) B[i] *= 0.5;
        side[i] = -1;
      } else if (slope[i] > 0) {
        [b[i], B[i]] = [at[i], slope[i]];
        if (side[i] === 1) A[i] *= 0.5;
        side[i] = 1;
      } else [a[i], A[i], b[i], B[i]] = [at[i], 0, at[i], 0];
    }
  }
  for (let i = 0; i < n; i++) {
    if (A[i] > 0) out[i] = -Infinity;
    else if (B[i] < 0) out[i] = Infinity;
    else out[i] = A[i] === 0 ? a[i] : B[i] === 0 ? b[i] : -A[i] < B[i] ? a[i] : b[i];
  }
}
