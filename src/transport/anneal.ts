// Dual ascent on the entropically smoothed objective, ε falling geometrically:
//   G_ε(ψ) = Σᵢ aᵢ φᵢ^ε(ψ) − Σⱼ bⱼ f*(ψⱼ),   φᵢ^ε = −ε log Σⱼ bⱼ e^{−(ψⱼ + hᵢⱼ)/ε}
//   ∇G = m − b (f*)′(ψ),   −∇²G = K + diag(b (f*)″(ψ)) ⪰ 0      (m and K: kernels.ts)
// Newton with conjugate gradients and backtracking. A target that attracts too little mass, m < w = b(f*)′, has too little curvature of
// its own and would step without bound; its curvature is raised to that of the step s = −ε log(w/m) of a Sinkhorn update, from m/ε to
// (w − m)/(ε log(w/m)), the logarithmic mean of m and w over ε. The surplus vanishes at the optimum.
// The constant direction, in which K vanishes, is maximised exactly after every step (balance.ts); this also keeps ψ in the domain of f*.
// Reference: Cuturi, Peyré 2018 (semi-dual); Nocedal, Wright 2006, algorithm 7.1.
import type { Divergence } from "../measure/index.js";
import { balance } from "./balance.js";
import type { TransportKernels } from "./kernels.js";

export interface AnnealOptions {
  readonly firstSmoothing: number;
  readonly lastSmoothing: number;
  /** Stop a level when ‖∇G‖₁ is below; the last level has its own. */
  readonly levelTolerance: number;
  readonly lastTolerance: number;
  readonly maxIterations: number;
  /** Newton steps on one level; Infinity when each level must converge. */
  readonly maxLevelIterations: number;
  breathe(iteration: number, residual: number): Promise<void>;
}

export interface AnnealResult {
  readonly potential: Float64Array;
  /** Soft marginal m at ψ. */
  readonly marginal: Float64Array;
  /** ‖m − b(f*)′(ψ)‖₁ at the last smoothing, undamped. */
  readonly residual: number;
  readonly residuals: readonly number[];
  readonly iterations: number;
  readonly hessianProducts: number;
  readonly converged: boolean;
}

const FALL = 0.35;
const MAX_CG = 60;
const MAX_BACKTRACKS = 30;
/** Curvature along a direction, relative to the diagonal's, below which only round-off is left (plain transport: the constant). */
const FLAT = 1e-15;
const ONE_GAP = new Float64Array(1);

/**
 * Maximises the smoothed dual from `start` through falling ε.
 *
 * @param a source weights (M); @param b target weights (N)
 */
export async function anneal(
  kernels: TransportKernels,
  divergence: Divergence,
  a: Float64Array,
  b: Float64Array,
  start: Float64Array,
  options: AnnealOptions,
): Promise<AnnealResult> {
  const n = b.length;
  const gradient = new Float64Array(n);
  const curvature = new Float64Array(n);
  const residuals: number[] = [];
  const mass = a.reduce((s, x) => s + x, 0);
  let psi = start.slice();
  recentre(divergence, b, mass, psi);
  let epsilon = options.firstSmoothing;
  let iterations = 0;
  let hessianProducts = 0;
  let residual = Infinity;
  let converged = false;
  let soft = await kernels.softTransform(psi, epsilon);
  let objective = smoothedDual(divergence, a, b, psi, soft.values);

  for (;;) {
    const isLast = epsilon <= options.lastSmoothing;
    const goal = isLast ? options.lastTolerance : options.levelTolerance;
    for (let levelIterations = 0; ; levelIterations++) {
      residual = 0;
      for (let j = 0; j < n; j++) {
        const wanted = b[j] * divergence.conjugateDerivative(psi[j]);
        gradient[j] = soft.marginal[j] - wanted;
        residual += Math.abs(gradient[j]);
        curvature[j] = sinkCurvature(divergence, b[j], psi[j], wanted, soft.marginal[j], epsilon);
        curvature[j] += surplus(soft.marginal[j], wanted) / epsilon;
      }
      residuals.push(residual);
      await options.breathe(iterations, residual);
      if (residual <= goal || levelIterations >= options.maxLevelIterations) break;
      if (iterations >= options.maxIterations) break;
      iterations++;
      const direction = new Float64Array(n);
      const forcing = Math.min(0.3, Math.sqrt(residual) * 0.5);
      hessianProducts += await newtonDirection(
        (vector) => kernels.hessianApply(psi, epsilon, vector),
        curvature,
        gradient,
        soft.marginal,
        epsilon,
        forcing,
        direction,
      );
      let slope = 0;
      for (let j = 0; j < n; j++) slope += gradient[j] * direction[j];
      let step = 1;
      let moved = false;
      for (let k = 0; k < MAX_BACKTRACKS && slope > 0; k++, step *= 0.4) {
        const trial = psi.map((value, j) => value + step * direction[j]);
        recentre(divergence, b, mass, trial);
        const trialSoft = await kernels.softTransform(trial, epsilon);
        const trialObjective = smoothedDual(divergence, a, b, trial, trialSoft.values);
        const roundOff = 8 * kernels.precision * Math.max(1, Math.abs(objective));
        if (trialObjective >= objective + 1e-4 * step * slope - roundOff) {
          psi = trial;
          soft = trialSoft;
          objective = trialObjective;
          moved = true;
          break;
        }
      }
      if (!moved) break;
    }
    if (isLast) {
      converged = residual <= goal;
      break;
    }
    epsilon = Math.max(options.lastSmoothing, epsilon * FALL);
    soft = await kernels.softTransform(psi, epsilon);
    objective = smoothedDual(divergence, a, b, psi, soft.values);
  }
  return {
    potential: psi,
    marginal: soft.marginal,
    residual,
    residuals,
    iterations,
    hessianProducts,
    converged,
  };
}

/**
 * b(f*)″(ψ), capped where it is unbounded; for a target with more than twice the mass w that it wants, at least the secant (m − w)/(y − ψ)
 * with b(f*)′(y) = m: where (f*)″ is small or 0 (α > 1, ψ ≤ 0) the Newton step would overshoot without bound.
 */
function sinkCurvature(
  divergence: Divergence,
  weight: number,
  psi: number,
  wanted: number,
  marginal: number,
  epsilon: number,
): number {
  const own = weight * divergence.conjugateSecondDerivative(psi);
  const cap = 1e6 * (wanted + marginal + Number.MIN_VALUE) * (1 + 1 / epsilon);
  if (divergence.rigid || !(marginal > 2 * wanted)) return Math.min(own, cap);
  const y = balance(divergence, Float64Array.of(weight), ONE_GAP, 1, marginal, psi);
  return Math.min(Math.max(own, (marginal - wanted) / (y - psi)), cap);
}

/** Adds the constant that maximises −Σ bⱼ f*(ψⱼ + c) + c Σa, in place; plain transport does not depend on it. */
function recentre(divergence: Divergence, b: Float64Array, mass: number, psi: Float64Array): void {
  if (divergence.rigid) return;
  const top = psi.reduce((x, y) => Math.max(x, y));
  const gaps = psi.map((y) => top - y);
  const y = balance(divergence, b, gaps, b.length, mass, top);
  for (let j = 0; j < psi.length; j++) psi[j] = y - gaps[j];
}

/** max(0, logarithmic mean of m and w − m) where m < w; an m that underflowed counts as e⁻⁷⁰⁰ w. */
function surplus(marginal: number, wanted: number): number {
  if (!(wanted > marginal)) return 0;
  return Math.max(0, (wanted - marginal) / Math.min(700, Math.log(wanted / marginal)) - marginal);
}

function smoothedDual(
  divergence: Divergence,
  a: Float64Array,
  b: Float64Array,
  psi: Float64Array,
  phi: Float64Array,
): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * phi[i];
  for (let j = 0; j < b.length; j++) sum -= b[j] * divergence.conjugate(psi[j]);
  return sum;
}

/** Conjugate gradients for (K + diag(curvature)) x = gradient, preconditioned by the diagonal; returns the number of products. */
async function newtonDirection(
  hessian: (vector: Float64Array) => Promise<Float64Array>,
  curvature: Float64Array,
  gradient: Float64Array,
  marginal: Float64Array,
  epsilon: number,
  forcing: number,
  x: Float64Array,
): Promise<number> {
  const n = gradient.length;
  const diagonal = new Float64Array(n);
  for (let j = 0; j < n; j++) diagonal[j] = marginal[j] / epsilon + curvature[j] + Number.MIN_VALUE;
  const r = gradient.slice();
  const z = new Float64Array(n);
  let rz = 0;
  for (let j = 0; j < n; j++) {
    z[j] = r[j] / diagonal[j];
    rz += r[j] * z[j];
  }
  const p = z.slice();
  const stop = forcing * forcing * rz;
  let products = 0;
  while (products < MAX_CG && rz > stop && rz > 0) {
    const q = await hessian(p);
    products++;
    let pq = 0;
    let own = 0;
    for (let j = 0; j < n; j++) {
      q[j] += curvature[j] * p[j];
      pq += p[j] * q[j];
      own += diagonal[j] * p[j] * p[j];
    }
    if (!(pq > FLAT * own)) break;
    const alpha = rz / pq;
    let next = 0;
    for (let j = 0; j < n; j++) {
      x[j] += alpha * p[j];
      r[j] -= alpha * q[j];
      z[j] = r[j] / diagonal[j];
      next += r[j] * z[j];
    }
    const beta = next / rz;
    rz = next;
    for (let j = 0; j < n; j++) p[j] = z[j] + beta * p[j];
  }
  if (products === 0) x.set(z);
  return products;
}
