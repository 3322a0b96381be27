// Are the trajectories straight, and travelled at constant speed?
//   chord ratio     C = E|x_T − x₀| / E∫|v|dt                       (1 = straight; blind to acceleration along the line)
//   straightness    S = ∫E|v − (x_T − x₀)/T|²dt                      (0 = straight and uniform)
//   roughness       γ₁ = ∫E|v̇|²dt                                    (sees small fast wiggles, which S does not)
//   one step        |x₀ + T v(0, x₀) − x_T|,   step halving  |x_T^K − x_T^{2K}|
//   energy chain    ∫E|v|²dt ≥ E|x_T − x₀|²/T ≥ W₂²(ρ₀, ρ_T)/T
// Every number here comes from the velocity field itself, integrated by Euler steps, and not from the solver's own
// trajectories. References: Bansal et al. 2024 (S, γ₁); Liu, Gong, Liu 2023.
import type { Trajectories } from "../solution/index.js";

/** v(t, x) at n points: n·d → n·d. */
export type VelocityField = (t: number, x: Float64Array) => Float64Array;

/**
 * Euler paths of ẋ = v(t, x) on K equal steps.
 *
 * @param start row-major points x₀, n·d
 * @returns positions at the K + 1 times and the velocity used on each of the K steps
 */
export function eulerPaths(
  velocity: VelocityField,
  start: Float64Array,
  dimension: number,
  horizon: number,
  steps: number,
): Trajectories & { readonly velocities: Float64Array } {
  const size = start.length;
  const dt = horizon / steps;
  const times = Float64Array.from({ length: steps + 1 }, (_, k) => (k === steps ? horizon : k * dt));
  const positions = new Float64Array((steps + 1) * size);
  const velocities = new Float64Array(steps * size);
  positions.set(start);
  for (let k = 0; k < steps; k++) {
    const x = positions.slice(k * size, (k + 1) * size);
    const v = velocity(times[k], x);
    velocities.set(v, k * size);
    for (let i = 0; i < size; i++) positions[(k + 1) * size + i] = x[i] + dt * v[i];
  }
  return { count: size / dimension, dimension, times, positions, weights: null, velocities };
}

/** The numbers of §"Are the trajectories straight"; lengths in the unit of x, time in the unit of T. */
export interface Straightness {
  /** C = E|x_T − x₀| / E∫|v|dt, and its standard error. */
  readonly chordRatio: number;
  readonly chordStandardError: number;
  /** S = ∫E|v − (x_T − x₀)/T|²dt. */
  readonly straightness: number;
  /** S / (E|x_T − x₀|²/T). */
  readonly relativeStraightness: number;
  /** γ₁ = ∫E|v̇|²dt by differences of the step velocities. */
  readonly roughness: number;
  /** γ₁ T³ / E|x_T − x₀|². */
  readonly relativeRoughness: number;
  /** ∫E|v|²dt. */
  readonly energy: number;
  /** E|x_T − x₀|²/T. */
  readonly chordEnergy: number;
  /** E|x₀ + T v₀ − x_T| / E|x_T − x₀|. */
  readonly oneStepError: number;
  /** √E|x₀ + T v₀ − x_T|² / √E|x_T − x₀|²: ruled by the few paths that start next to a kink of U. */
  readonly oneStepRootMeanSquare: number;
  /** E|x_T − x₀|. */
  readonly meanDisplacement: number;
  /** √E|x_T − x₀|². */
  readonly displacement: number;
}

/**
 * Straightness of Euler paths (see the head of this file). A cloud that does not move has ratios NaN: there is no
 * displacement to compare with.
 */
export function straightness(paths: ReturnType<typeof eulerPaths>): Straightness {
  const { count: n, dimension: d, times, positions, velocities } = paths;
  const steps = times.length - 1;
  const T = times[steps] - times[0];
  const dt = T / steps;
  const size = n * d;
  let sumChord = 0;
  let sumLength = 0;
  let chordEnergy = 0;
  let energy = 0;
  let S = 0;
  let rough = 0;
  let oneStep = 0;
  let oneStep2 = 0;
  const chords = new Float64Array(n);
  const lengths = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let chord2 = 0;
    let one2 = 0;
    for (let a = 0; a < d; a++) {
      const j = i * d + a;
      const move = positions[steps * size + j] - positions[j];
      chord2 += move * move;
      one2 += (T * velocities[j] - move) ** 2;
    }
    let length = 0;
    for (let k = 0; k < steps; k++) {
      let speed2 = 0;
      for (let a = 0; a < d; a++) {
        const j = i * d + a;
        const v = velocities[k * size + j];
        const move = positions[steps * size + j] - positions[j];
        speed2 += v * v;
        S += ((v - move / T) ** 2 * dt) / n;
        if (k > 0) rough += (v - velocities[(k - 1) * size + j]) ** 2 / dt / n;
      }
      energy += (speed2 * dt) / n;
      length += Math.sqrt(speed2) * dt;
    }
    chords[i] = Math.sqrt(chord2);
    lengths[i] = length;
    sumChord += chords[i] / n;
    sumLength += length / n;
    chordEnergy += chord2 / n / T;
    oneStep += Math.sqrt(one2) / n;
    oneStep2 += one2 / n;
  }
  const chordRatio = sumChord / sumLength;
  // delta method for a ratio of means
  let variance = 0;
  for (let i = 0; i < n; i++) variance += (chords[i] - chordRatio * lengths[i]) ** 2;
  return {
    chordRatio,
    chordStandardError: Math.sqrt(variance / Math.max(1, n - 1) / n) / sumLength,
    straightness: S,
    relativeStraightness: S / chordEnergy,
    roughness: rough,
    relativeRoughness: (rough * T * T) / chordEnergy,
    energy,
    chordEnergy,
    oneStepError: oneStep / sumChord,
    oneStepRootMeanSquare: Math.sqrt(oneStep2 / (chordEnergy * T)),
    meanDisplacement: sumChord,
    displacement: Math.sqrt(chordEnergy * T),
  };
}

/** Root-mean-square distance between corresponding points. */
export function rootMeanSquare(a: Float64Array, b: Float64Array, dimension: number): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return Math.sqrt((sum * dimension) / a.length);
}

/** Mean distance between corresponding points. */
export function meanDistance(a: Float64Array, b: Float64Array, dimension: number): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += dimension) {
    let square = 0;
    for (let k = i; k < i + dimension; k++) square += (a[k] - b[k]) ** 2;
    sum += Math.sqrt(square);
  }
  return (sum * dimension) / a.length;
}

/** The last positions of paths. */
export function endpoints(paths: Trajectories): Float64Array {
  const size = paths.count * paths.dimension;
  return paths.positions.slice((paths.times.length - 1) * size);
}
