// Entropic transport and the debiased Sinkhorn divergence.
//   OT_ε(a, b) = min over plans π of ⟨c, π⟩ + ε KL(π | a ⊗ b),   S_ε = OT_ε(a, b) − ½ OT_ε(a, a) − ½ OT_ε(b, b),  c = |x − y|² or |x − y|.
//   f_i = −ε log Σ_j b_j exp((g_j − c_ij)/ε) and the same for g, in the log domain with a shift; ε halves from the largest cost to its end;
//   then over-relaxation by the contraction seen; for (a, a) the averaged symmetric update f ← ½(f + T f).
//   Value ⟨a, f⟩ + ⟨b, g⟩ (the plan has mass 1 after a plain update of g).
// S_ε ≥ 0, = 0 iff a = b; → W₂² or W₁ as ε → 0. Linear convergence, slower as ε falls.
// References: Cuturi 2013 (key cuturi2013sinkhorn); Feydy et al. 2019 (key feydy2019interpolating);
// Thibault, Chizat, Dossal, Papadakis 2021 (key thibault2021overrelaxed).
import { demand } from "../error.js";
import { type Cloud, weightOf } from "./cloud.js";

export interface SinkhornOptions {
  /** `"squared"`: |x − y|² (default); `"euclidean"`: |x − y|. */
  readonly cost?: "squared" | "euclidean";
  /** ε > 0 in units of the cost; default 1/100 of the mean cost between the clouds. */
  readonly epsilon?: number;
  /** Stop when the ℓ¹ error of the free marginal is below; default 1e-9. */
  readonly tolerance?: number;
  /** Iterations at the final ε; default 2000. */
  readonly maxIterations?: number;
}

/** OT_ε with what certifies it. */
export interface EntropicTransport {
  /** ⟨c, π⟩ + ε KL(π | a ⊗ b), as the dual value. */
  readonly value: number;
  readonly epsilon: number;
  /** f on the points of a and g on the points of b. */
  readonly potentials: readonly [Float64Array, Float64Array];
  /** ℓ¹ error of the plan's first marginal; the second is exact. */
  readonly marginalError: number;
  readonly converged: boolean;
  /** Iterations at all ε together. */
  readonly iterations: number;
}

/** S_ε with the worst marginal error of its three problems. */
export interface SinkhornDivergence {
  /** S_ε, in units of the cost. */
  readonly divergence: number;
  /** A length: sign(S)·√|S| for the squared cost, S for the Euclidean cost. Negative only by round-off or when not converged. */
  readonly distance: number;
  readonly epsilon: number;
  readonly marginalError: number;
  readonly converged: boolean;
  readonly iterations: number;
}

/**
 * Debiased Sinkhorn divergence of two weighted clouds.
 *
 * @param a first cloud
 * @param b second cloud of the same dimension
 * @param options cost, ε, tolerance, maximal number of iterations
 * @returns divergence, distance, the largest marginal error of the three problems, and whether all converged
 * @throws UsageError when dimensions differ or an option is out of range
 *
 * *Notes*: three m × n tables of costs, one at a time; iterations needed grow like (largest cost)/ε.
 *
 * *Good values*: ε between 1/100 and 1/10 of the mean cost.
 *
 * *References*: feydy2019interpolating
 */
export function sinkhornDivergence(a: Cloud, b: Cloud, options: SinkhornOptions = {}): SinkhornDivergence {
  const across = entropicTransport(a, b, options);
  const own = { ...options, epsilon: across.epsilon };
  const parts = [across, selfTransport(a, own), selfTransport(b, own)];
  const divergence = across.value - 0.5 * parts[1].value - 0.5 * parts[2].value;
  return {
    divergence,
    distance: options.cost === "euclidean" ? divergence : Math.sign(divergence) * Math.sqrt(Math.abs(divergence)),
    epsilon: across.epsilon,
    marginalError: Math.max(...parts.map((p) => p.marginalError)),
    converged: parts.every((p) => p.converged),
    iterations: parts.reduce((sum, p) => sum + p.iterations, 0),
  };
}

/**
 * Entropic transport OT_ε(a, b) in the log domain with ε-scaling.
 *
 * @param a first cloud
 * @param b second cloud of the same dimension
 * @param options cost, ε, tolerance, maximal number of iterations
 * @throws UsageError when dimensions differ or an option is out of range
 *
 * *References*: cuturi2013sinkhorn
 */
export function entropicTransport(a: Cloud, b: Cloud, options: SinkhornOptions = {}): EntropicTransport {
  const { epsilon: end, tolerance, maxIterations } = checked(a, b, options);
  const { costs, largest, mean } = table(a, b, options.cost ?? "squared");
  const epsilon = end ?? (mean > 0 ? 0.01 * mean : 1);
  const m = a.count;
  const n = b.count;
  const weightsA = Float64Array.from({ length: m }, (_, i) => weightOf(a, i));
  const logA = weightsA.map(Math.log);
  const logB = Float64Array.from({ length: n }, (_, j) => Math.log(weightOf(b, j)));
  const f = new Float64Array(m);
  const g = new Float64Array(n);
  const next = new Float64Array(m);
  const scratch = new Float64Array(n);
  let iterations = 0;
  for (let e = Math.max(largest, epsilon); e > epsilon; e = Math.max(e / 2, epsilon)) {
    softMinRows(costs, m, n, logB, g, e, f);
    softMinColumns(costs, m, n, logA, f, e, g, scratch);
    iterations++;
  }
  softMinRows(costs, m, n, logB, g, epsilon, f);
  const target = new Float64Array(n);
  const errors: number[] = [];
  let marginalError = Infinity;
  let omega = 1;
  for (let k = 0; k < maxIterations; k++) {
    softMinColumns(costs, m, n, logA, f, epsilon, target, scratch);
    // The last iteration, and one that looks converged, is plain: then the second marginal is exact and the error is a certificate.
    const plain = omega === 1 || k + 1 === maxIterations || marginalError <= tolerance;
    for (let j = 0; j < n; j++) g[j] = plain ? target[j] : g[j] + omega * (target[j] - g[j]);
    softMinRows(costs, m, n, logB, g, epsilon, next);
    // The new f tells the first marginal of the plan of (f, g): a_i exp((f_i − next_i)/ε).
    marginalError = 0;
    for (let i = 0; i < m; i++) marginalError += weightsA[i] * Math.abs(Math.expm1((f[i] - next[i]) / epsilon));
    iterations++;
    if (plain && marginalError <= tolerance) break;
    if (k + 1 < maxIterations) for (let i = 0; i < m; i++) f[i] = plain ? next[i] : f[i] + omega * (next[i] - f[i]);
    errors.push(marginalError);
    omega = relaxation(errors, omega);
  }
  return {
    value: dot(weightsA, f) + dot(logB.map(Math.exp), g),
    epsilon,
    potentials: [f, g],
    marginalError,
    converged: marginalError <= tolerance,
    iterations,
  };
}

/**
 * The over-relaxation for the next iteration: 2/(1 + √(1 − θ)), θ the contraction seen over ten plain iterations; back to 1 (and a
 * fresh look) when the error has grown over the last twenty. `errors` is emptied whenever ω changes.
 */
function relaxation(errors: number[], omega: number): number {
  const k = errors.length - 1;
  if (omega === 1) {
    if (k < 20) return 1;
    const theta = (errors[k] / errors[k - 10]) ** 0.1;
    if (!(theta > 0.5 && theta < 1)) return 1;
    errors.length = 0;
    return 2 / (1 + Math.sqrt(1 - theta));
  }
  if (k < 40 || errors[k] < errors[k - 20]) return omega;
  errors.length = 0;
  return 1;
}

/** OT_ε(a, a): one symmetric potential, averaged update. */
function selfTransport(a: Cloud, options: SinkhornOptions & { readonly epsilon: number }): EntropicTransport {
  const { tolerance, maxIterations } = checked(a, a, options);
  const { epsilon } = options;
  const { costs, largest } = table(a, a, options.cost ?? "squared");
  const m = a.count;
  const weights = Float64Array.from({ length: m }, (_, i) => weightOf(a, i));
  const logA = weights.map(Math.log);
  const f = new Float64Array(m);
  const next = new Float64Array(m);
  let iterations = 0;
  for (let e = Math.max(largest, epsilon); e > epsilon; e = Math.max(e / 2, epsilon)) {
    softMinRows(costs, m, m, logA, f, e, next);
    for (let i = 0; i < m; i++) f[i] = 0.5 * (f[i] + next[i]);
    iterations++;
  }
  let marginalError = Infinity;
  for (let k = 0; k < maxIterations && marginalError > tolerance; k++) {
    softMinRows(costs, m, m, logA, f, epsilon, next);
    marginalError = 0;
    for (let i = 0; i < m; i++) marginalError += weights[i] * Math.abs(Math.expm1((f[i] - next[i]) / epsilon));
    iterations++;
    if (marginalError > tolerance && k + 1 < maxIterations) for (let i = 0; i < m; i++) f[i] = 0.5 * (f[i] + next[i]);
  }
  return {
    value: dot(weights, f) + dot(weights, next),
    epsilon,
    potentials: [f, next],
    marginalError,
    converged: marginalError <= tolerance,
    iterations,
  };
}

function checked(a: Cloud, b: Cloud, options: SinkhornOptions) {
  const where = "sinkhorn";
  const { cost = "squared", epsilon, tolerance = 1e-9, maxIterations = 2000 } = options;
  demand(
    a.dimension === b.dimension,
    where,
    "b",
    `have the dimension ${a.dimension} of a`,
    b.dimension,
    "Give both clouds in the same space",
  );
  demand(
    cost === "squared" || cost === "euclidean",
    where,
    "cost",
    'be "squared" or "euclidean"',
    cost,
    'Use cost: "squared" for W₂',
  );
  demand(
    epsilon === undefined || (epsilon > 0 && Number.isFinite(epsilon)),
    where,
    "epsilon",
    "be finite and > 0",
    epsilon,
    "Leave it out for 1/100 of the mean cost",
  );
  demand(tolerance > 0, where, "tolerance", "be > 0", tolerance, "Use tolerance: 1e-9");
  demand(
    Number.isInteger(maxIterations) && maxIterations >= 1,
    where,
    "maxIterations",
    "be an integer ≥ 1",
    maxIterations,
    "Use maxIterations: 2000",
  );
  return { epsilon, tolerance, maxIterations };
}

function table(a: Cloud, b: Cloud, cost: "squared" | "euclidean") {
  const d = a.dimension;
  const costs = new Float64Array(a.count * b.count);
  let largest = 0;
  let mean = 0;
  for (let i = 0; i < a.count; i++) {
    for (let j = 0; j < b.count; j++) {
      let square = 0;
      for (let k = 0; k < d; k++) square += (a.points[i * d + k] - b.points[j * d + k]) ** 2;
      const c = cost === "squared" ? square : Math.sqrt(square);
      costs[i * b.count + j] = c;
      mean += weightOf(a, i) * weightOf(b, j) * c;
      if (c > largest) largest = c;
    }
  }
  return { costs, largest, mean };
}

/** out_i = −ε log Σ_j exp(logB_j + (g_j − c_ij)/ε). */
function softMinRows(
  costs: Float64Array,
  m: number,
  n: number,
  logB: Float64Array,
  g: Float64Array,
  epsilon: number,
  out: Float64Array,
): void {
  for (let i = 0; i < m; i++) {
    const row = i * n;
    let top = -Infinity;
    for (let j = 0; j < n; j++) {
      const t = logB[j] + (g[j] - costs[row + j]) / epsilon;
      if (t > top) top = t;
    }
    let sum = 0;
    for (let j = 0; j < n; j++) sum += Math.exp(logB[j] + (g[j] - costs[row + j]) / epsilon - top);
    out[i] = -epsilon * (top + Math.log(sum));
  }
}

/** out_j = −ε log Σ_i exp(logA_i + (f_i − c_ij)/ε), row by row: `top` holds the running maxima. */
function softMinColumns(
  costs: Float64Array,
  m: number,
  n: number,
  logA: Float64Array,
  f: Float64Array,
  epsilon: number,
  out: Float64Array,
  top: Float64Array,
): void {
  top.fill(-Infinity);
  for (let i = 0; i < m; i++) {
    const row = i * n;
    for (let j = 0; j < n; j++) {
      const t = logA[i] + (f[i] - costs[row + j]) / epsilon;
      if (t > top[j]) top[j] = t;
    }
  }
  out.fill(0);
  for (let i = 0; i < m; i++) {
    const row = i * n;
    for (let j = 0; j < n; j++) out[j] += Math.exp(logA[i] + (f[i] - costs[row + j]) / epsilon - top[j]);
  }
  for (let j = 0; j < n; j++) out[j] = -epsilon * (top[j] + Math.log(out[j]));
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== 0) sum += a[i] * b[i];
  return sum;
}
