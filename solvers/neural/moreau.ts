// Moreau envelope of a critic: U(x) = min_y φ(y) + k|x − y|²/2, with a minimiser y*(x); k = λ/(T − t) gives Hopf–Lax.
// Scheme: float64 BFGS with Armijo backtracking from several starts: x itself, the best of a set of anchors by
// φ(Xⱼ) + k|x − Xⱼ|²/2, and the best anchor on another side (at least a quarter of the spread away from it); the lowest
// value wins. φ need not be convex: how often the starts end in different basins is counted.
// Envelope theorem: ∇U(x) = k(x − y*) = ∇φ(y*), where y* is unique.
// References: Moreau 1965 (key moreau1965proximite); Nocedal and Wright 2006, algorithm 6.1 (key nocedal2006numerical).
import { criticAt, type HostCritic } from "../../src/tensor/index.js";

/** Fixed points with known critic values, from which a minimisation may start. */
export interface Anchors {
  readonly points: Float64Array;
  readonly values: Float64Array;
  readonly count: number;
}

export interface MoreauResult {
  /** U(x), length n; NaN, like its minimiser, where no start has a finite value (x is NaN). */
  readonly values: Float64Array;
  /** y*(x), row-major n·d. */
  readonly minimisers: Float64Array;
  /** |∇φ(y*) + k(y* − x)| and |∇φ(y*)|, length n. */
  readonly residuals: Float64Array;
  readonly slopes: Float64Array;
  /** Points where two starts ended at different minimisers, and where the start x alone would have missed the lowest. */
  readonly disagreements: number;
  readonly missed: number;
  readonly evaluations: number;
}

/** Critic values at given points. */
export function anchorsAt(critic: HostCritic, points: Float64Array): Anchors {
  return { points, values: criticAt(critic, points).values, count: points.length / critic.dimension };
}

/**
 * Minimises φ(y) + k|x − y|²/2 at every row of x.
 *
 * @param x row-major points, n·d
 * @param k > 0
 * @param anchors further starting points
 * @param tolerance stop when the residual is below tolerance × (|∇φ| + k·spread)
 */
export function moreau(
  critic: HostCritic,
  x: Float64Array,
  k: number,
  anchors: Anchors,
  tolerance = 1e-7,
): MoreauResult {
  const d = critic.dimension;
  const n = x.length / d;
  const values = new Float64Array(n);
  const minimisers = new Float64Array(n * d);
  const residuals = new Float64Array(n);
  const slopes = new Float64Array(n);
  let disagreements = 0;
  let missed = 0;
  const extent = spread(anchors, d); // squared
  const descent = new Descent(critic, k, tolerance, k * Math.sqrt(extent));
  const apart = 0.0625 * extent;
  const start = new Float64Array(d);
  for (let i = 0; i < n; i++) {
    const here = x.subarray(i * d, (i + 1) * d);
    const first = bestAnchor(anchors, here, k, -1, 0);
    const second = bestAnchor(anchors, here, k, first, apart);
    const same = (energy: number) => 1e-6 * (Math.abs(energy) + k * extent);
    let lowest = Infinity;
    let differ = false;
    let own = Infinity;
    for (const from of [-1, first, second]) {
      if (from === -2) continue;
      start.set(from === -1 ? here : anchors.points.subarray(from * d, (from + 1) * d));
      const value = descent.run(here, start);
      if (from === -1) own = value;
      if (lowest < Infinity && Math.abs(value - lowest) > same(lowest)) differ = true;
      if (value < lowest) {
        lowest = value;
        minimisers.set(descent.y, i * d);
        residuals[i] = descent.residual;
        slopes[i] = descent.slope;
      }
    }
    values[i] = lowest < Infinity ? lowest : Number.NaN;
    if (!(lowest < Infinity)) minimisers.fill(Number.NaN, i * d, (i + 1) * d);
    if (differ) disagreements++;
    if (own > lowest + same(lowest)) missed++;
  }
  return { values, minimisers, residuals, slopes, disagreements, missed, evaluations: descent.evaluations };
}

/** Largest squared distance of an anchor from the first one. */
function spread(anchors: Anchors, d: number): number {
  let most = 0;
  for (let j = 1; j < anchors.count; j++)
    most = Math.max(most, squaredDistance(anchors.points, j * d, anchors.points, 0, d));
  return most;
}

function squaredDistance(a: Float64Array, i: number, b: Float64Array, j: number, d: number): number {
  let sum = 0;
  for (let c = 0; c < d; c++) sum += (a[i + c] - b[j + c]) ** 2;
  return sum;
}

/** argmin φ(Xⱼ) + k|x − Xⱼ|²/2 over anchors at squared distance ≥ `apart` from anchor `other`; −2 when there is none. */
function bestAnchor(anchors: Anchors, x: Float64Array, k: number, other: number, apart: number): number {
  const { points, values, count } = anchors;
  const d = x.length;
  let best = -2;
  let lowest = Infinity;
  for (let j = 0; j < count; j++) {
    const value = values[j] + 0.5 * k * squaredDistance(points, j * d, x, 0, d);
    if (value < lowest && (other < 0 || squaredDistance(points, j * d, points, other * d, d) >= apart)) {
      lowest = value;
      best = j;
    }
  }
  return best;
}

/** BFGS on E(y) = φ(y) + k|x − y|²/2, with its work space. */
class Descent {
  readonly y: Float64Array;
  residual = 0;
  slope = 0;
  evaluations = 0;
  private readonly d: number;
  private readonly value = new Float64Array(1);
  private readonly phi: Float64Array;
  private readonly g: Float64Array;
  private readonly trial: Float64Array;
  private readonly trialG: Float64Array;
  private readonly direction: Float64Array;
  private readonly change: Float64Array;
  private readonly hy: Float64Array;
  private readonly inverse: Float64Array;

  constructor(
    private readonly critic: HostCritic,
    private readonly k: number,
    private readonly tolerance: number,
    /** A gradient of the size that the data give. */
    private readonly unit: number,
  ) {
    const d = critic.dimension;
    this.d = d;
    const row = () => new Float64Array(d);
    this.y = row();
    this.phi = row();
    this.g = row();
    this.trial = row();
    this.trialG = row();
    this.direction = row();
    this.change = row();
    this.hy = row();
    this.inverse = new Float64Array(d * d);
  }

  /** E and its gradient at y; |∇φ| goes to `slope`. */
  private at(x: Float64Array, y: Float64Array, gradient: Float64Array): number {
    this.critic.evaluate(y, this.value, this.phi);
    this.evaluations++;
    let energy = this.value[0];
    let slope = 0;
    for (let a = 0; a < this.d; a++) {
      const shift = y[a] - x[a];
      slope += this.phi[a] ** 2;
      gradient[a] = this.phi[a] + this.k * shift;
      energy += 0.5 * this.k * shift * shift;
    }
    this.lastSlope = Math.sqrt(slope);
    return energy;
  }
  private lastSlope = 0;

  run(x: Float64Array, start: Float64Array): number {
    const { d, y, g, trial, trialG, direction, change, hy, inverse } = this;
    y.set(start);
    let energy = this.at(x, y, g);
    this.slope = this.lastSlope;
    this.residual = norm(g);
    inverse.fill(0);
    for (let a = 0; a < d; a++) inverse[a * d + a] = 1 / this.k;
    for (let iteration = 0; iteration < 60; iteration++) {
      if (this.residual <= this.tolerance * (this.slope + this.unit)) break;
      let descent = 0;
      for (let a = 0; a < d; a++) {
        let sum = 0;
        for (let b = 0; b < d; b++) sum -= inverse[a * d + b] * g[b];
        direction[a] = sum;
        descent += sum * g[a];
      }
      let step = 1;
      let next = energy;
      for (let halving = 0; ; halving++) {
        for (let a = 0; a < d; a++) trial[a] = y[a] + step * direction[a];
        next = this.at(x, trial, trialG);
        if (next <= energy + 1e-4 * step * descent) break;
        if (halving === 30) return energy; // no descent to be had in float64, or a kink
        step *= 0.5;
      }
      let sy = 0;
      for (let a = 0; a < d; a++) {
        change[a] = trialG[a] - g[a];
        sy += change[a] * step * direction[a];
      }
      if (sy > 1e-12 * norm(change) * step * norm(direction)) {
        let yhy = 0;
        for (let a = 0; a < d; a++) {
          let sum = 0;
          for (let b = 0; b < d; b++) sum += inverse[a * d + b] * change[b];
          hy[a] = sum;
          yhy += sum * change[a];
        }
        // the first update also sets the scale
        const scale = iteration === 0 && d > 1 ? sy / dot(change, change) / (1 / this.k) : 1;
        if (scale !== 1) {
          for (let a = 0; a < d * d; a++) inverse[a] *= scale;
          for (let a = 0; a < d; a++) hy[a] *= scale;
          yhy *= scale;
        }
        for (let a = 0; a < d; a++)
          for (let b = 0; b < d; b++) {
            const sa = step * direction[a];
            const sb = step * direction[b];
            inverse[a * d + b] += ((1 + yhy / sy) * sa * sb - hy[a] * sb - sa * hy[b]) / sy;
          }
      }
      y.set(trial);
      g.set(trialG);
      energy = next;
      this.slope = this.lastSlope;
      this.residual = norm(g);
    }
    return energy;
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function norm(a: Float64Array): number {
  return Math.sqrt(dot(a, a));
}
