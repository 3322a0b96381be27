// Nonlocal coupling by convolution: f_k(x) = Σ_l w_kl (K∗m_l)(x),  (K∗m)(x) = ∫K(x − y) m(y) dy.
//   cells        Σ_j K(x_i − x_j) m_j h^d by FFT, O(N log N): cyclic on periodic axes, where K has its value at the nearest image (Gaussians:
//                summed over images); on walls the field is padded with zeros to twice its length. Solid cells count as empty
//   particles    the sum over the cloud, with the same images
//   monotone ⇔   K̂ w + (K̂ w)* ≥ 0 for every frequency: for even K, K̂ ≥ 0 and the symmetric part of w positive semi-definite
//   potential ⇔  K even and w symmetric: F = ½ Σ_kl w_kl ∫∫K(x − y) m_k(x) m_l(y)
// Reference: Lasry, Lions 2007 (key lasry2007mean); the FFT as in Hockney, Eastwood 1988 (key hockney1988computer).
import { demand } from "../../src/error.js";
import { compile, type Expression } from "../../src/expression/index.js";
import { type Cells, cells, type Domain } from "../../src/grid/index.js";
import { weightOf } from "../../src/measure/index.js";
import { generator } from "../../src/random/index.js";
import { type Convolution, convolutionOn } from "./convolution.js";
import type { Coupling, CouplingDerivative, Crowd, GridCoupling } from "./coupling.js";
import { definiteness } from "./coupling-pointwise.js";
import { coordinateNames } from "./field.js";

export interface CouplingNonlocalOptions {
  /** d ≥ 1. */
  readonly dimension: number;
  /** K(z): an expression of r = |z| and of the displacement x, y, z (x1 … beyond three dimensions); or give `width`. */
  readonly kernel?: string;
  /** σ > 0 of the Gaussian kernel (2πσ²)^{−d/2} e^{−|z|²/2σ²}, of integral 1. */
  readonly width?: number;
  /** w, or the K × K matrix w_kl by rows; default 1. */
  readonly weight?: number | readonly (readonly number[])[];
  /** The game's domain; needed when it has a periodic axis, so that particles wrap as cells do. */
  readonly domain?: Domain | null;
  /** Named numbers of the kernel's expression. */
  readonly parameters?: Readonly<Record<string, number>>;
}

/**
 * Convolution coupling of one or several populations.
 *
 * f_k(x, m) = Σ_l w_kl ∫K(x − y) m_l(y) dy
 *
 * @param options kernel or width, weights, domain
 * @throws UsageError when neither or both kernels are given, a number does not fit, the kernel is not finite at 0; on cells
 * of a periodic domain that was not given here
 *
 * *Notes*: an expression has one image on a periodic axis, the nearest: let it be periodic, or small at half a period. `isMonotone` of an
 * expression is decided by its transform on cells of the given domain (256, 64² or 32³), and `null` without one.
 *
 * *Good values*: width from 4 cells to a quarter of the domain.
 *
 * *References*: lasry2007mean, hockney1988computer
 *
 * @example
 * couplingNonlocal({ dimension: 2, width: 0.1, weight: 2 }).isMonotone // true
 */
export function couplingNonlocal(options: CouplingNonlocalOptions): Coupling {
  const where = "couplingNonlocal";
  const { dimension: d, parameters = {}, width } = options;
  demand(Number.isInteger(d) && d >= 1, where, "dimension", "be an integer ≥ 1", d, "Give the domain's dimension");
  demand(
    (options.kernel === undefined) !== (width === undefined),
    where,
    "kernel and width",
    "be given one without the other",
    [options.kernel, width],
    "Use width: 0.1 for a Gaussian, or kernel: an expression of r",
  );
  demand(
    width === undefined || (width > 0 && Number.isFinite(width)),
    where,
    "width",
    "be finite and > 0",
    width,
    "Use width: 0.1",
  );
  const domain = options.domain ?? null;
  demand(
    domain === null || domain.dimension === d,
    where,
    "domain",
    `have dimension ${d}`,
    domain?.dimension,
    "Give the game's domain",
  );
  const weights = matrixOf(options.weight ?? 1, where);
  const K = weights.length;
  const expression =
    width === undefined ? compile(options.kernel as string, ["r", ...coordinateNames(d)], parameters) : null;
  const periods = domain === null ? new Array<null>(d).fill(null) : periodsOf(domain);
  const value = kernelOf(d, expression, width ?? 0, periods);
  demand(
    Number.isFinite(value(new Float64Array(d))),
    where,
    "kernel",
    "be finite at 0",
    value(new Float64Array(d)),
    "Smooth it, for example 1/sqrt(r^2 + 0.01)",
  );
  const even = expression === null || isEven(expression, d);
  const symmetric = weights.every((row, k) => row.every((w, l) => w === weights[l][k]));
  const zero = weights.every((row) => row.every((w) => w === 0));
  const isPotential = even && symmetric;
  const kernelText = expression === null ? `N(0, ${width}² I)` : expression.text;

  const convolution = (cells: Cells): Convolution => {
    demand(
      cells.grid.dimension === d,
      where,
      "the cells",
      `have the coupling's dimension ${d}`,
      cells.grid.dimension,
      "Make every term in the domain's dimension",
    );
    const own = periodsOf(cells.domain);
    demand(
      own.every((p, a) => p === periods[a]),
      where,
      "domain",
      "be the game's domain when that has a periodic axis",
      domain === null ? "none" : periods.map(String),
      "Give domain: the game's domain, so that the kernel wraps around it",
    );
    return convolutionOn(cells, value);
  };
  const mix = (c: Convolution, transposed: boolean, m: readonly Float64Array[], out: readonly Float64Array[]): void => {
    for (const o of out) o.fill(0);
    const image = new Float64Array(out[0].length);
    for (let l = 0; l < K; l++) {
      c.apply(m[l], image, transposed);
      for (let k = 0; k < K; k++) {
        const w = transposed ? weights[l][k] : weights[k][l];
        if (w !== 0) for (let i = 0; i < image.length; i++) out[k][i] += w * image[i];
      }
    }
  };

  return Object.freeze({
    name: "nonlocal",
    dimension: d,
    populations: K,
    text: weights.map((row) => formula(row, kernelText)),
    isMonotone: monotone(),
    isPotential,
    dependsOnMass: !zero,
    isQuadratic: zero,
    isNonlocal: true,
    isPortable: false,
    massRange: [0, Infinity] as const,
    on(cells: Cells): GridCoupling {
      const c = convolution(cells);
      const derivative: CouplingDerivative = {
        apply: (dm, out) => mix(c, false, dm, out),
        applyTranspose: (w, out) => mix(c, true, w, out),
        local: null,
      };
      return { evaluate: (_t, m, out) => mix(c, false, m, out), linearise: () => derivative };
    },
    potentialOn(cells: Cells) {
      if (!isPotential) return null;
      const c = convolution(cells);
      const f = weights.map(() => new Float64Array(cells.grid.size));
      return (_t: number, m: readonly Float64Array[]): number => {
        mix(c, false, m, f);
        let sum = 0;
        f.forEach((column, k) => {
          for (let i = 0; i < column.length; i++) sum += column[i] * m[k][i];
        });
        return 0.5 * sum * cells.grid.cellVolume;
      };
    },
    at(_t: number, k: number, points: Float64Array, crowd: Crowd): Float64Array {
      const out = new Float64Array(points.length / d);
      const z = new Float64Array(d);
      weights[k].forEach((w, l) => {
        if (w === 0) return;
        const law = crowd.laws[l];
        const mass = w * (crowd.masses?.[l] ?? 1);
        for (let j = 0; j < law.count; j++) {
          const share = mass * weightOf(law, j);
          for (let i = 0; i < out.length; i++) {
            for (let a = 0; a < d; a++) z[a] = points[i * d + a] - law.points[j * d + a];
            out[i] += share * value(z);
          }
        }
      });
      return out;
    },
    expressionText: null,
    description: {
      kind: "nonlocal",
      dimension: d,
      ...(expression === null ? { width } : { kernel: expression.text }),
      weight: weights,
      parameters,
    },
  });

  function monotone(): boolean | null {
    if (zero) return true;
    const part = (sign: number) =>
      Float64Array.from({ length: K * K }, (_, kl) => {
        const [k, l] = [Math.floor(kl / K), kl % K];
        return (sign * (weights[k][l] + weights[l][k])) / 2;
      });
    const [above, below] = [definiteness(part(1), K) > 0, definiteness(part(-1), K) > 0];
    // a kernel that is not even mixes weights and phases: left open
    if (!even) return null;
    if (expression === null) return above;
    if (domain === null || d > 3) return null;
    const least = symbolOn(domain, value);
    if (least === null) return null;
    const [positive, negative] = [least.low >= -1e-9 * least.size, least.high <= 1e-9 * least.size];
    if ((positive && above) || (negative && below)) return true;
    // on a torus each frequency is a perturbation of its own; on a box padding makes the test sufficient only
    return periods.every((p) => p !== null) ? false : null;
  }
}

function matrixOf(weight: number | readonly (readonly number[])[], where: string): readonly (readonly number[])[] {
  if (typeof weight === "number") {
    demand(Number.isFinite(weight), where, "weight", "be finite", weight, "Use weight: 1");
    return [[weight]];
  }
  demand(
    weight.length >= 1 && weight.every((row) => row.length === weight.length && row.every(Number.isFinite)),
    where,
    "weight",
    "be a square matrix of finite numbers by rows",
    weight,
    "Use [[1, 0.5], [0.5, 1]] for two populations",
  );
  return weight;
}

function formula(row: readonly number[], kernel: string): string {
  const terms = row.flatMap((w, l) => {
    if (w === 0) return [];
    const m = row.length === 1 ? "m" : `m${"₁₂₃₄₅₆₇₈₉"[l]}`;
    return [`${w === 1 ? "" : `${w} `}K∗${m}`];
  });
  return terms.length === 0 ? "0" : `${terms.join(" + ")}, K = ${kernel}`;
}

function periodsOf(domain: Domain): (number | null)[] {
  return domain.ends.map((e, a) => (e === "periodic" ? domain.upper[a] - domain.lower[a] : null));
}

/** K(z) with its images. */
function kernelOf(
  d: number,
  expression: Expression | null,
  width: number,
  periods: readonly (number | null)[],
): (z: Float64Array) => number {
  const near = (z: number, period: number | null) => (period === null ? z : z - period * Math.round(z / period));
  if (expression !== null) {
    const args = new Array<number>(d + 1);
    return (z) => {
      let r2 = 0;
      for (let a = 0; a < d; a++) {
        const own = near(z[a], periods[a]);
        args[a + 1] = own;
        r2 += own * own;
      }
      args[0] = Math.sqrt(r2);
      return expression.evaluate(...args);
    };
  }
  // a product of axes, each summed over the images within 9σ
  const scale = 1 / (Math.sqrt(2 * Math.PI) * width);
  const images = periods.map((p) => (p === null ? 0 : Math.ceil((9 * width) / p)));
  return (z) => {
    let product = 1;
    for (let a = 0; a < d; a++) {
      const own = near(z[a], periods[a]);
      let sum = 0;
      for (let i = -images[a]; i <= images[a]; i++)
        sum += Math.exp(-0.5 * ((own + i * (periods[a] ?? 0)) / width) ** 2);
      product *= scale * sum;
    }
    return product;
  };
}

/** K(−z) = K(z) at 64 displacements in [−1, 1]^d. */
function isEven(expression: Expression, d: number): boolean {
  const draw = generator(0).uniform(64 * d);
  for (let i = 0; i < 64; i++) {
    const z = Array.from({ length: d }, (_, a) => 2 * draw[i * d + a] - 1);
    const r = Math.hypot(...z);
    const [a, b] = [expression.evaluate(r, ...z), expression.evaluate(r, ...z.map((v) => -v))];
    if (!(Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b), 1e-300))) return false;
  }
  return true;
}

/** Bounds of the kernel's transform on cells of the domain; `null` when the kernel is not finite there. */
function symbolOn(
  domain: Domain,
  kernel: (z: Float64Array) => number,
): { low: number; high: number; size: number } | null {
  const n = [256, 64, 32][domain.dimension - 1];
  const c = cells(domain, n);
  const { symbol } = convolutionOn(c, kernel);
  let [low, high] = [Infinity, -Infinity];
  for (const s of symbol) {
    if (!Number.isFinite(s)) return null;
    low = Math.min(low, s);
    high = Math.max(high, s);
  }
  return { low, high, size: Math.max(Math.abs(low), Math.abs(high)) };
}
