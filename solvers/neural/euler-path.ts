// Euler path of a potential flow and its discrete adjoint. Dimensionless (u = (x − c)/s, t/T → t ∈ [0, 1], Û = UT/λs²):
//   u_{k+1} = u_k − Δt_k p_k,   p_k = ∇Û(u_k, t_k),   0 = t₀ < … < t_n = 1 any grid;
//   ℓ = E[κφ(u_n) + Σ_k Δt_k ½|p_k|²]                                      running cost at the node where the velocity acts
//     + α/(n+1) Σ_k ½E|p_k − (u₀ − u_n)|²                                   straightness: the velocity is the chord at every node
//     + β/((n+1)K) Σ_k ½E r_k²,  r = −∂ₜÛ + ½|p|²                           Hamilton–Jacobi residual; K = E Σ Δt ½|p|², frozen
//     + γ ½E|p_n − κ∇φ(u_n)|²                                               terminal condition, κ∇φ frozen.
// All penalties vanish at the solution, so they change the conditioning and not the answer. Since the acceleration along a path is
// −∇r/λ, the first penalty holds ∇r = 0 where the flow goes and the second fixes the remaining function of t.
// Scheme: reverse sweep over the nodes with the network's explicit pull-back: exact gradient of ℓ, no tape.
// Reference: Gu, Katsoulakis, Rey-Bellet, Zhang 2024 (key gu2024proximal); Onken et al. 2021 (key onken2021otflow).
import type { Tensor, Tensor2D } from "@tensorflow/tfjs";
import {
  type PotentialPass,
  type PotentialWeights,
  potentialBackward,
  potentialForward,
  type TensorLibrary,
} from "../../src/tensor/index.js";

/** Nodes of a path and the potential's derivatives there. */
export interface EulerPath {
  /** t₀ = 0 < … < t_n = 1. */
  readonly times: readonly number[];
  /** u₀ … u_n, each [B, d]. */
  readonly points: readonly Tensor2D[];
  readonly passes: readonly PotentialPass[];
}

/**
 * Follows v = −∇Û from the rows of `start`.
 *
 * @param times t₀ = 0 < … < t_n = 1, n ≥ 1
 */
export function eulerPath(
  tf: TensorLibrary,
  weights: PotentialWeights,
  start: Tensor2D,
  times: readonly number[],
): EulerPath {
  const n = times.length - 1;
  const points = [start];
  const passes: PotentialPass[] = [];
  for (let k = 0; k <= n; k++) {
    passes.push(potentialForward(tf, weights, points[k], new Float32Array(start.shape[0]).fill(times[k])));
    if (k < n) points.push(tf.sub(points[k], tf.mul(passes[k].gradient, times[k + 1] - times[k])));
  }
  return { times, points, passes };
}

/** α, β, γ of the penalties, each ≥ 0. */
export interface PathPenalties {
  readonly straightness: number;
  readonly hamiltonJacobi: number;
  readonly terminal: number;
}

/** Gradient of ℓ, and what was measured on the way (scalars). */
export interface PathGradient {
  /** By the potential's parameters, in their order. */
  readonly parameters: Tensor[];
  /** K = E Σ Δt ½|p|². */
  readonly kinetic: Tensor;
  /** √(mean over nodes of E r²)/K. */
  readonly hamiltonJacobi: Tensor;
  /** Mean over nodes of E|p − (u₀ − u_n)|²/E|u₀ − u_n|². */
  readonly straightness: Tensor;
  /** E|p_n − κ∇φ|²/E|κ∇φ|². */
  readonly mismatch: Tensor;
}

/** Added to denominators, so that a flow at rest has finite ratios. */
const TINY = 1e-12;
/** Least kinetic energy by which the Hamilton–Jacobi penalty is divided. */
const LEAST_ENERGY = 1e-3;

/**
 * Gradient of ℓ by the parameters.
 *
 * @param slope κ∇φ at the end points, [B, d]
 */
export function pathGradient(
  tf: TensorLibrary,
  weights: PotentialWeights,
  path: EulerPath,
  slope: Tensor2D,
  penalties: PathPenalties,
): PathGradient {
  const { times, points, passes } = path;
  const n = times.length - 1;
  const [batch, d] = slope.shape;
  const steps = times.map((t, k) => (k < n ? times[k + 1] - t : 0));
  const row = tf.ones([d, 1]) as Tensor2D;

  const energies = passes.map((p) => tf.mul(tf.matMul(tf.square(p.gradient) as Tensor2D, row), 0.5) as Tensor2D);
  const residuals = passes.map((p, k) => tf.sub(energies[k], p.timeDerivative) as Tensor2D);
  const chord = tf.sub(points[0], points[n]) as Tensor2D;
  const bends = passes.map((p) => tf.sub(p.gradient, chord) as Tensor2D);
  const gap = tf.sub(passes[n].gradient, slope) as Tensor2D;
  const kinetic = sum(
    tf,
    energies.map((e, k) => tf.mul(tf.mean(e), steps[k])),
  );

  const bendWeight = penalties.straightness / (n + 1) / batch;
  const residualWeight = tf.div(penalties.hamiltonJacobi / (n + 1) / batch, tf.add(kinetic, LEAST_ENERGY));
  // costate μ = ∂ℓ/∂u at the current node; the chord depends on u_n
  let costate = tf.add(tf.div(slope, batch), tf.mul(sum(tf, bends), bendWeight)) as Tensor2D;
  let parameters: Tensor[] = [];
  for (let k = n; k >= 0; k--) {
    const onResidual = tf.mul(residuals[k], residualWeight) as Tensor2D;
    const own =
      k === n
        ? tf.mul(gap, penalties.terminal / batch)
        : tf.sub(tf.mul(passes[k].gradient, steps[k] / batch), tf.mul(costate, steps[k]));
    const onGradient = tf.add(
      own,
      tf.add(tf.mul(bends[k], bendWeight), tf.mul(passes[k].gradient, onResidual)),
    ) as Tensor2D;
    const back = potentialBackward(tf, weights, passes[k], onGradient, tf.neg(onResidual));
    costate = tf.add(costate, back.point) as Tensor2D;
    parameters = k === n ? back.parameters : parameters.map((p, i) => tf.add(p, back.parameters[i]));
  }
  const meanSquare = (t: Tensor) => tf.mean(tf.square(t));
  const overNodes = (list: readonly Tensor[]) => tf.div(sum(tf, list.map(meanSquare)), n + 1);
  return {
    parameters,
    kinetic,
    hamiltonJacobi: tf.div(tf.sqrt(overNodes(residuals)), tf.add(kinetic, TINY)),
    straightness: tf.div(overNodes(bends), tf.add(meanSquare(chord), TINY)),
    mismatch: tf.div(meanSquare(gap), tf.add(meanSquare(slope), TINY)),
  };
}

function sum(tf: TensorLibrary, list: readonly Tensor[]): Tensor {
  return list.reduce((a, b) => tf.add(a, b));
}
