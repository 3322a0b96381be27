// The semi-dual of quadratic transport from atoms to cells. For a potential φ on cells and a stiffness k = 1/τ,
//   φᶜ(x) = min_y k|x − y|²/2 − S(y),   x − y = −∇S(y)/k,   S = Σⱼ cⱼ B((y − xⱼ)/h)  the quadratic spline of φ
//   ½k W²(Σ mᵢδ_{xᵢ}, ρ) = sup_φ Σ mᵢ φᶜ(xᵢ) + h^d Σⱼ φⱼ ρⱼ
// Every cell holds n^d atoms, and c is chosen such that the mean of S over the atoms of cell j is φⱼ. Hence
//   the derivative of φ ↦ Σ mᵢ φᶜ(xᵢ) is minus the mass that arrives, T#μ, deposited by the adjoint of φ ↦ S: exact, mass kept,
//   no numerical diffusion; nothing moves under constants, and then T#μ = μ: W(ρ, ρ) = 0;
//   the second derivative is −∇ᵀ m (k − D²S)⁻¹ ∇, symmetric and ≤ 0, because a minimum of affine functions is concave.
// Minima over all y: lower envelope of parabolas over the nodes, O(N), then Newton's method on the piecewise quadratic S.
// Where neighbours go far apart, one image an atom jumps with φ; a soft minimum over the nodes between spreads such atoms (`Tear`).
// Deposits are signed, so T#μ may dip below 0 by what a spline cannot resolve. Second order in h.
// Reference: Jacobs, Léger 2020 (key jacobs2020fast); de Boor 2001, ch. IX (key deboor2001splines).
import { demand } from "../../../src/error.js";
import type { Grid } from "../../../src/grid/index.js";
import { solveTridiagonal } from "../../../src/linalg/index.js";
import { hopfLaxOnNodes } from "../proximal-flow/hopf-lax.js";

/** Point masses, `positions[a][i]`. */
export interface Atoms {
  readonly positions: readonly Float64Array[];
  readonly masses: Float64Array;
  /** The cell from which the search of atom i starts. */
  readonly home: Int32Array;
}

/** Where atoms go under a potential. */
export interface Images {
  /** y, `[a][i]`; of torn atoms the mean. */
  readonly positions: readonly Float64Array[];
  /** φᶜ at each atom. */
  readonly values: Float64Array;
  /** |y − x|²; of torn atoms the mean. */
  readonly squares: Float64Array;
  /** (k − D²S(y))⁻¹: entries 00 | 00 01 11 | 00 01 02 11 12 22, each of the atoms' length; 0 of torn atoms. */
  readonly mobility: readonly Float64Array[];
  /** Where torn atoms go. */
  shares: Shares | null;
}

/**
 * Atoms whose neighbours go far apart, and nodes among which each is spread. A single image would jump from place to place with φ:
 *   φᶜ(x) = −ε log Σ_n exp((S(xₙ) − k|x − xₙ|²/2)/ε),   shares wₙ of that sum,   ε = ½kh²: spread by h/√2 where the map is smooth
 */
export interface Tear {
  readonly width: number;
  readonly atoms: Int32Array;
  /** 1 at torn atoms. */
  readonly torn: Uint8Array;
  /** The first and the last node of a box, `[row][2a], [row][2a + 1]`, padded to three axes. */
  readonly boxes: Int32Array;
}

/** Rows of nodes with shares that sum to 1, one for each torn atom. */
export interface Shares {
  readonly tear: Tear;
  readonly start: Int32Array;
  readonly node: Int32Array;
  readonly share: Float64Array;
}

/** The semi-dual on one grid. It keeps scratch: one caller at a time. */
export interface SemiDual {
  readonly grid: Grid;
  readonly samples: number;
  /** samples^d atoms in every cell, of mass 0. */
  lattice(): Atoms;
  /** One atom at every centre, of mass 0. */
  centres(): Atoms;
  /** Shares the mass h^d ρ of each cell out among its atoms on the lattice. */
  load(density: Float64Array, atoms: Atoms): void;
  images(atoms: Atoms): Images;
  /** Atoms with mass that a potential tears apart, and those that were torn before; or all. */
  tear(atoms: Atoms, potential: Float64Array, stiffness: number, before: Tear | "all" | null): Tear | null;
  /** φᶜ, its minimisers and its mobilities at the atoms. */
  transform(atoms: Atoms, potential: Float64Array, stiffness: number, out: Images, tear?: Tear | null): void;
  /** out ← density on cells of the masses at the images. */
  deposit(images: Images, masses: Float64Array, out: Float64Array): void;
  /** Σ mᵢ S(xᵢ). */
  integral(atoms: Atoms, potential: Float64Array): number;
  /** out ← ∇S at the atoms, `[a][i]`. */
  slopes(atoms: Atoms, potential: Float64Array, out: readonly Float64Array[]): void;
  /** out ← −(second derivative of Σ mᵢφᶜ(xᵢ)) v / h^d. */
  curvature(atoms: Atoms, images: Images, v: Float64Array, out: Float64Array): void;
}

/** Cells between the images of neighbours beyond which an atom is torn, and those added around them. */
const TORN = 2.5;
const MARGIN = 4;
/** Shares below this are left out. */
const LEAST = 1e-14;

/** Entry of (a, b), a ≤ b, in the list of mobilities. */
const PAIR = [
  [0, 1, 2],
  [1, 3, 4],
  [2, 4, 5],
] as const;

/**
 * Plans the semi-dual.
 *
 * @param g one to three axes, all no-flux
 * @param samples atoms in a cell along each axis, integer ≥ 1
 * @throws UsageError for other axes
 *
 * *Notes*: atoms that the map spreads to about h apart are seen as single ones by the spline: a stretch of s needs samples ≥ 1.5 s.
 * With one sample alternating potentials have slope 0 at the atoms, and nothing damps them.
 *
 * *Good values*: 2 for steps of a flow; the largest stretch of the map, times two, for plain transport.
 *
 * *References*: jacobs2020fast
 */
export function semiDual(g: Grid, samples: number): SemiDual {
  const where = "semiDual";
  const d = g.dimension;
  demand(
    g.axes.every((a) => a.boundary === "no-flux"),
    where,
    "every axis",
    "be no-flux: only a box with walls is convex",
    g.axes.map((a) => a.boundary),
    'Use method: "primal-dual"',
  );
  demand(
    Number.isInteger(samples) && samples >= 1,
    where,
    "samples",
    "be an integer ≥ 1",
    samples,
    "Use samples: 2 to start",
  );
  const { size, cellVolume } = g;
  const per = samples ** d;
  const offsets = Array.from({ length: samples }, (_, s) => (2 * s + 1 - samples) / (2 * samples));
  const spread = offsets.reduce((sum, t) => sum + t * t, 0) / samples;
  const filters = g.axes.map(({ points: n }) => {
    const middle = 0.75 - spread;
    const side = 0.5 * (0.25 + spread);
    const diagonal = new Float64Array(n).fill(middle);
    diagonal[0] += side;
    diagonal[n - 1] += side;
    return { lower: new Float64Array(n).fill(side), diagonal, upper: new Float64Array(n).fill(side) };
  });
  /** u ← F⁻¹ u, symmetric: from cell means to coefficients, and from deposits on coefficients to deposits on cells. */
  const filter = (u: Float64Array): void => {
    for (let a = 0; a < d; a++) solveTridiagonal(filters[a], u, { points: g.shape[a], stride: g.strides[a] }, u);
  };
  const coefficients = new Float64Array(size);
  const scatter = new Float64Array(size);

  // Padded to three axes from the left.
  const n = [1, 1, 1];
  const h = [1, 1, 1];
  const low = [0, 0, 0];
  for (let a = 0; a < d; a++) {
    n[3 - d + a] = g.shape[a];
    h[3 - d + a] = g.axes[a].spacing;
    low[3 - d + a] = g.axes[a].nodes[0];
  }
  const [, n1, n2] = n;
  const c0 = d === 3 ? 3 : 1;
  const c1 = d >= 2 ? 3 : 1;
  // Rows of nodes around a point, and weights with their derivatives, by axis.
  const node = new Int32Array(9);
  const w = new Float64Array(9).fill(1);
  const w1 = new Float64Array(9);
  const w2 = new Float64Array(9);
  const basis = (a: number, y: number): void => {
    const u = (y - low[a]) / h[a];
    const last = n[a] - 1;
    const inside = Math.max(-0.5, Math.min(last + 0.5, u));
    const j = Math.max(0, Math.min(last, Math.round(inside)));
    const t = inside - j;
    const at = 3 * a;
    node[at] = j > 0 ? j - 1 : 0;
    node[at + 1] = j;
    node[at + 2] = j < last ? j + 1 : j;
    w[at] = 0.5 * (0.5 - t) * (0.5 - t);
    w[at + 1] = 0.75 - t * t;
    w[at + 2] = 0.5 * (0.5 + t) * (0.5 + t);
    const r = 1 / h[a];
    w1[at] = (t - 0.5) * r;
    w1[at + 1] = -2 * t * r;
    w1[at + 2] = (t + 0.5) * r;
    const bend = inside === u ? r * r : 0;
    w2[at] = bend;
    w2[at + 1] = -2 * bend;
    w2[at + 2] = bend;
  };
  const place = (y: Float64Array): void => {
    if (d === 3) basis(0, y[0]);
    if (d >= 2) basis(1, y[1]);
    basis(2, y[2]);
  };
  // S, ∂₀ ∂₁ ∂₂, ∂₀₀ ∂₀₁ ∂₀₂ ∂₁₁ ∂₁₂ ∂₂₂ of the padded axes.
  const s = new Float64Array(10);
  const evaluate = (y: Float64Array): void => {
    place(y);
    s.fill(0);
    for (let i = 0; i < c0; i++) {
      for (let j = 0; j < c1; j++) {
        const row = (node[i] * n1 + node[3 + j]) * n2;
        const p = coefficients[row + node[6]];
        const q = coefficients[row + node[7]];
        const r = coefficients[row + node[8]];
        const value = w[6] * p + w[7] * q + w[8] * r;
        const slope = w1[6] * p + w1[7] * q + w1[8] * r;
        const b = w[3 + j];
        const a = w[i];
        const b1 = w1[3 + j];
        s[0] += a * b * value;
        s[3] += a * b * slope;
        s[9] += a * b * (w2[6] * p + w2[7] * q + w2[8] * r);
        if (c1 === 1) continue;
        s[2] += a * b1 * value;
        s[8] += a * b1 * slope;
        s[7] += a * w2[3 + j] * value;
        if (c0 === 1) continue;
        const a1 = w1[i];
        s[1] += a1 * b * value;
        s[4] += w2[i] * b * value;
        s[5] += a1 * b1 * value;
        s[6] += a1 * b * slope;
      }
    }
  };
  const gradient = new Float64Array(3);
  const gather = (y: Float64Array): void => {
    place(y);
    gradient.fill(0);
    for (let i = 0; i < c0; i++) {
      for (let j = 0; j < c1; j++) {
        const row = (node[i] * n1 + node[3 + j]) * n2;
        const p = coefficients[row + node[6]];
        const q = coefficients[row + node[7]];
        const r = coefficients[row + node[8]];
        const value = w[6] * p + w[7] * q + w[8] * r;
        gradient[2] += w[i] * w[3 + j] * (w1[6] * p + w1[7] * q + w1[8] * r);
        if (c1 === 1) continue;
        gradient[1] += w[i] * w1[3 + j] * value;
        if (c0 === 3) gradient[0] += w1[i] * w[3 + j] * value;
      }
    }
  };

  const x = new Float64Array(3);
  const y = new Float64Array(3);
  const probe = new Float64Array(3);
  const slope = new Float64Array(3);
  const step = new Float64Array(3);
  const inverse = new Float64Array(6);
  // Inverse of kI − D²S + lift·I; false when that is not positive definite. The padded axes have the entry k, and no slope.
  const invert = (k: number, lift: number): boolean => {
    const [a, b, c] = [k + lift - s[4], -s[5], -s[6]];
    const [e, f, i] = [k + lift - s[7], -s[8], k + lift - s[9]];
    const minor = a * e - b * b;
    const [c00, c01, c02] = [e * i - f * f, c * f - b * i, b * f - c * e];
    const determinant = a * c00 + b * c01 + c * c02;
    if (!(a > 1e-8 * k && minor > 1e-8 * k * a && determinant > 1e-8 * k * minor)) return false;
    inverse[0] = c00 / determinant;
    inverse[1] = c01 / determinant;
    inverse[2] = c02 / determinant;
    inverse[3] = (a * i - c * c) / determinant;
    inverse[4] = (b * c - a * f) / determinant;
    inverse[5] = minor / determinant;
    return true;
  };
  const invertLifted = (k: number): void => {
    for (let lift = 0; !invert(k, lift); lift = lift === 0 ? 0.5 * k : 2 * lift);
  };
  /** f(y) = k|x − y|²/2 − S(y), derivatives in `s`, ∇f in `slope`. */
  const objective = (k: number, z: Float64Array): number => {
    evaluate(z);
    const [r0, r1, r2] = [z[0] - x[0], z[1] - x[1], z[2] - x[2]];
    slope[0] = k * r0 - s[1];
    slope[1] = k * r1 - s[2];
    slope[2] = k * r2 - s[3];
    return 0.5 * k * (r0 * r0 + r1 * r1 + r2 * r2) - s[0];
  };
  /** Minimises f from `y`; leaves the minimiser there and derivatives in `s`. */
  const descend = (k: number, flat: number, noise: number): number => {
    let f = objective(k, y);
    for (let iteration = 0; iteration < 40; iteration++) {
      if (Math.abs(slope[0]) + Math.abs(slope[1]) + Math.abs(slope[2]) <= flat) break;
      invertLifted(k);
      step[0] = -(inverse[0] * slope[0] + inverse[1] * slope[1] + inverse[2] * slope[2]);
      step[1] = -(inverse[1] * slope[0] + inverse[3] * slope[1] + inverse[4] * slope[2]);
      step[2] = -(inverse[2] * slope[0] + inverse[4] * slope[1] + inverse[5] * slope[2]);
      const reach = Math.max(Math.abs(step[0]) / h[0], Math.abs(step[1]) / h[1], Math.abs(step[2]) / h[2]);
      // A step of many cells leaves the basin in which the start is lowest.
      let length = reach > 2 ? 2 / reach : 1;
      const fall = step[0] * slope[0] + step[1] * slope[1] + step[2] * slope[2];
      let next = Infinity;
      for (; length > 1e-6; length /= 2) {
        for (let a = 0; a < 3; a++) probe[a] = y[a] + length * step[a];
        next = objective(k, probe);
        if (next <= f + 1e-4 * length * fall + noise) break;
      }
      y.set(probe);
      f = next;
      if (-fall <= noise) break;
    }
    return f;
  };

  const lattice = (count: number): Atoms => {
    const each = count ** d;
    const shifts = count === samples ? offsets : [0];
    const positions = g.axes.map((axis, a) =>
      Float64Array.from({ length: size * each }, (_, i) => {
        const cell = Math.floor(i / each);
        const t = shifts[Math.floor((i % each) / count ** (d - 1 - a)) % count];
        return axis.nodes[Math.floor(cell / g.strides[a]) % g.shape[a]] + t * axis.spacing;
      }),
    );
    return {
      positions,
      masses: new Float64Array(size * each),
      home: Int32Array.from({ length: size * each }, (_, i) => Math.floor(i / each)),
    };
  };
  const pad = 3 - d;
  const spots = g.axes.map(({ nodes }, a) =>
    Float64Array.from({ length: size }, (_, k) => nodes[Math.floor(k / g.strides[a]) % g.shape[a]]),
  );
  const negative = new Float64Array(size);
  const line = new Float64Array(Math.max(...g.shape));
  /** u ← values at the nodes of the spline with these coefficients; symmetric. */
  const toNodes = (u: Float64Array): void => {
    for (let a = 0; a < d; a++) {
      const [count, stride] = [g.shape[a], g.strides[a]];
      for (let block = 0; block < size; block += count * stride) {
        for (let first = block; first < block + stride; first++) {
          for (let i = 0; i < count; i++) line[i] = u[first + i * stride];
          for (let i = 0; i < count; i++) {
            const sides = line[i > 0 ? i - 1 : 0] + line[i < count - 1 ? i + 1 : i];
            u[first + i * stride] = 0.75 * line[i] + 0.125 * sides;
          }
        }
      }
    }
  };
  const atNodes = new Float64Array(size);
  /** The index along a padded axis of a node. */
  const along = (node: number, a: number): number => (a < pad ? 0 : Math.floor(node / g.strides[a - pad]) % n[a]);
  /** Visits the nodes of the cube around one. */
  const around = (node: number, reach: number, visit: (other: number) => void): void => {
    const [i0, i1, i2] = [along(node, 0), along(node, 1), along(node, 2)];
    for (let q0 = Math.max(0, i0 - reach); q0 <= Math.min(n[0] - 1, i0 + reach); q0++)
      for (let q1 = Math.max(0, i1 - reach); q1 <= Math.min(n[1] - 1, i1 + reach); q1++)
        for (let q2 = Math.max(0, i2 - reach); q2 <= Math.min(n[2] - 1, i2 + reach); q2++)
          visit((q0 * n1 + q1) * n2 + q2);
  };

  return {
    grid: g,
    samples,
    lattice: () => lattice(samples),
    centres: () => lattice(1),
    load(density, { masses }) {
      const share = cellVolume / per;
      for (let i = 0; i < masses.length; i++) masses[i] = share * density[Math.floor(i / per)];
    },
    images({ masses }) {
      const field = () => new Float64Array(masses.length);
      return {
        positions: Array.from({ length: d }, field),
        values: field(),
        squares: field(),
        mobility: Array.from({ length: (d * (d + 1)) / 2 }, field),
        shares: null,
      };
    },
    tear({ masses, home }, potential, k, before) {
      for (let j = 0; j < size; j++) negative[j] = -potential[j];
      const { foot } = hopfLaxOnNodes(g, negative, k);
      const feet = new Int32Array(6 * size);
      const apart = new Uint8Array(size);
      for (let j = 0; j < size; j++) {
        const box = feet.subarray(6 * j, 6 * j + 6);
        for (let a = 0; a < 3; a++) box[2 * a] = n[a];
        around(j, 1, (o) => {
          for (let a = 0; a < 3; a++) {
            const index = along(foot[o], a);
            box[2 * a] = Math.min(box[2 * a], index);
            box[2 * a + 1] = Math.max(box[2 * a + 1], index);
          }
        });
        for (let a = 0; a < 3; a++) {
          if (box[2 * a + 1] - box[2 * a] > 2 * TORN) apart[j] = 1;
          box[2 * a] = Math.max(0, box[2 * a] - MARGIN);
          box[2 * a + 1] = Math.min(n[a] - 1, box[2 * a + 1] + MARGIN);
        }
      }
      const near = new Uint8Array(size);
      for (let j = 0; j < size; j++) {
        if (apart[j] === 0) continue;
        around(j, MARGIN, (o) => {
          near[o] = 1;
        });
      }
      const torn = new Uint8Array(masses.length);
      for (let i = 0; i < home.length; i++)
        if (masses[i] > 0 && (near[home[i]] === 1 || before === "all" || before?.torn[i] === 1)) torn[i] = 1;
      const rows = Int32Array.from([...torn.keys()].filter((i) => torn[i] === 1));
      if (rows.length === 0) return null;
      const boxes = new Int32Array(6 * rows.length);
      for (let row = 0; row < rows.length; row++) {
        const at = 6 * home[rows[row]];
        boxes.set(feet.subarray(at, at + 6), 6 * row);
      }
      const width = 0.5 * k * Math.min(...g.axes.map((a) => a.spacing)) ** 2;
      return { width, torn, atoms: rows, boxes };
    },
    transform({ positions, home }, potential, k, out, tear = null) {
      let largest = 0;
      for (let j = 0; j < size; j++) {
        negative[j] = -potential[j];
        largest = Math.max(largest, Math.abs(potential[j]));
      }
      const { foot } = hopfLaxOnNodes(g, negative, k);
      coefficients.set(potential);
      filter(coefficients);
      const least = Math.min(...g.axes.map((a) => a.spacing));
      const flat = 1e-12 * k * least + (1e-15 * largest) / least;
      const noise = 2e-16 * largest;
      x.fill(0);
      y.fill(0);
      out.shares = null;
      for (let i = 0; i < home.length; i++) {
        if (tear !== null && tear.torn[i] === 1) continue;
        for (let a = 0; a < d; a++) {
          x[pad + a] = positions[a][i];
          y[pad + a] = x[pad + a] + spots[a][foot[home[i]]] - spots[a][home[i]];
        }
        out.values[i] = descend(k, flat, noise);
        let square = 0;
        for (let a = 0; a < d; a++) {
          out.positions[a][i] = y[pad + a];
          square += (y[pad + a] - x[pad + a]) ** 2;
        }
        out.squares[i] = square;
        invertLifted(k);
        let m = 0;
        for (let a = 0; a < d; a++) for (let b = a; b < d; b++) out.mobility[m++][i] = inverse[PAIR[pad + a][pad + b]];
      }
      if (tear === null) return;
      atNodes.set(coefficients);
      toNodes(atNodes);
      const { width, atoms, boxes } = tear;
      const start = new Int32Array(atoms.length + 1);
      const node: number[] = [];
      const share: number[] = [];
      const parts = [new Float64Array(n[0]), new Float64Array(n[1]), new Float64Array(n[2])];
      for (let row = 0; row < atoms.length; row++) {
        const i = atoms[row];
        const box = boxes.subarray(6 * row, 6 * row + 6);
        for (let a = 0; a < 3; a++) {
          const at = a < pad ? 0 : positions[a - pad][i];
          for (let q = box[2 * a]; q <= box[2 * a + 1]; q++) parts[a][q] = a < pad ? 0 : (at - low[a] - q * h[a]) ** 2;
        }
        let most = -Infinity;
        for (let q0 = box[0]; q0 <= box[1]; q0++)
          for (let q1 = box[2]; q1 <= box[3]; q1++)
            for (let q2 = box[4]; q2 <= box[5]; q2++)
              most = Math.max(
                most,
                atNodes[(q0 * n1 + q1) * n2 + q2] - 0.5 * k * (parts[0][q0] + parts[1][q1] + parts[2][q2]),
              );
        let sum = 0;
        let square = 0;
        gradient.fill(0);
        const first = node.length;
        for (let q0 = box[0]; q0 <= box[1]; q0++) {
          for (let q1 = box[2]; q1 <= box[3]; q1++) {
            for (let q2 = box[4]; q2 <= box[5]; q2++) {
              const j = (q0 * n1 + q1) * n2 + q2;
              const away = parts[0][q0] + parts[1][q1] + parts[2][q2];
              const part = Math.exp((atNodes[j] - 0.5 * k * away - most) / width);
              if (part < LEAST) continue;
              node.push(j);
              share.push(part);
              sum += part;
              square += part * away;
              gradient[0] += part * (low[0] + q0 * h[0]);
              gradient[1] += part * (low[1] + q1 * h[1]);
              gradient[2] += part * (low[2] + q2 * h[2]);
            }
          }
        }
        for (let e = first; e < share.length; e++) share[e] /= sum;
        start[row + 1] = node.length;
        out.values[i] = -most - width * Math.log(sum);
        out.squares[i] = square / sum;
        for (let a = 0; a < d; a++) out.positions[a][i] = gradient[pad + a] / sum;
        for (const entry of out.mobility) entry[i] = 0;
      }
      out.shares = { tear, start, node: Int32Array.from(node), share: Float64Array.from(share) };
    },
    deposit({ positions, shares }, masses, out) {
      out.fill(0);
      const density = 1 / cellVolume;
      if (shares !== null) {
        const { tear, start, node, share } = shares;
        for (let row = 0; row < tear.atoms.length; row++) {
          const m = masses[tear.atoms[row]] * density;
          for (let e = start[row]; e < start[row + 1]; e++) out[node[e]] += m * share[e];
        }
        toNodes(out);
      }
      for (let i = 0; i < masses.length; i++) {
        const m = masses[i] * density;
        if (m === 0 || (shares !== null && shares.tear.torn[i] === 1)) continue;
        for (let a = 0; a < d; a++) y[pad + a] = positions[a][i];
        place(y);
        for (let p = 0; p < c0; p++) {
          for (let q = 0; q < c1; q++) {
            const row = (node[p] * n1 + node[3 + q]) * n2;
            const weight = m * w[p] * w[3 + q];
            out[row + node[6]] += weight * w[6];
            out[row + node[7]] += weight * w[7];
            out[row + node[8]] += weight * w[8];
          }
        }
      }
      filter(out);
    },
    integral({ positions, masses }, potential) {
      coefficients.set(potential);
      filter(coefficients);
      let sum = 0;
      for (let i = 0; i < masses.length; i++) {
        if (masses[i] === 0) continue;
        for (let a = 0; a < d; a++) y[pad + a] = positions[a][i];
        evaluate(y);
        sum += masses[i] * s[0];
      }
      return sum;
    },
    slopes({ positions, masses }, potential, out) {
      coefficients.set(potential);
      filter(coefficients);
      for (let i = 0; i < masses.length; i++) {
        for (let a = 0; a < d; a++) y[pad + a] = positions[a][i];
        gather(y);
        for (let a = 0; a < d; a++) out[a][i] = gradient[pad + a];
      }
    },
    curvature({ masses }, images, v, out) {
      coefficients.set(v);
      filter(coefficients);
      scatter.fill(0);
      const density = 1 / cellVolume;
      const { shares } = images;
      if (shares !== null) {
        // m/ε times the variance of v among the shares.
        const { tear, start, node, share } = shares;
        atNodes.set(coefficients);
        toNodes(atNodes);
        for (let row = 0; row < tear.atoms.length; row++) {
          const m = (masses[tear.atoms[row]] * density) / tear.width;
          let mean = 0;
          for (let e = start[row]; e < start[row + 1]; e++) mean += share[e] * atNodes[node[e]];
          for (let e = start[row]; e < start[row + 1]; e++)
            scatter[node[e]] += m * share[e] * (atNodes[node[e]] - mean);
        }
        toNodes(scatter);
      }
      for (let i = 0; i < masses.length; i++) {
        if (masses[i] === 0 || (shares !== null && shares.tear.torn[i] === 1)) continue;
        for (let a = 0; a < d; a++) y[pad + a] = images.positions[a][i];
        gather(y);
        const m = masses[i] * density;
        step.fill(0);
        for (let a = 0, at = 0; a < d; a++) {
          for (let b = a; b < d; b++, at++) {
            const mobility = m * images.mobility[at][i];
            step[pad + a] += mobility * gradient[pad + b];
            if (b > a) step[pad + b] += mobility * gradient[pad + a];
          }
        }
        for (let p = 0; p < c0; p++) {
          for (let q = 0; q < c1; q++) {
            const row = (node[p] * n1 + node[3 + q]) * n2;
            const both = w[p] * w[3 + q];
            const across = (c1 === 3 ? w[p] * w1[3 + q] * step[1] : 0) + (c0 === 3 ? w1[p] * w[3 + q] * step[0] : 0);
            const along = both * step[2];
            scatter[row + node[6]] += across * w[6] + along * w1[6];
            scatter[row + node[7]] += across * w[7] + along * w1[7];
            scatter[row + node[8]] += across * w[8] + along * w1[8];
          }
        }
      }
      filter(scatter);
      out.set(scatter);
    },
  };
}
