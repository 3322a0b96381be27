// Entropic transport and the debiased Sinkhorn divergence.
//   OT_ε(a, b) = min over plans π of ⟨c, π⟩ + ε KL(π | a ⊗ b),   S_ε = OT_ε(a, b) − ½ OT_ε(a, a) − ½ OT_ε(b, b),  c = |x − y|² or |x − y|.
//   f_i = −ε log Σ_j b_j exp((g_j − c_ij)/ε) and the same for g, in the log domain with a shift; ε halves from the largest cost to its end.
//   There Newton on the concave semi-dual ⟨a, f(g)⟩ + ⟨b, g⟩: (diag π₂ − πᵀ diag(1/a) π) δg = ε (b − π₂), π₂ the second marginal, by
//   preconditioned conjugate gradients, with backtracking; a plain sweep when a step fails. One table of costs and one of the plan.
// S_ε ≥ 0, = 0 iff a = b; → W₂² or W₁ as ε → 0. Quadratic convergence at the end, where plain sweeps need O(largest cost/ε).
// References: Cuturi 2013 (key cuturi2013sinkhorn); Feydy et al. 2019 (key feydy2019interpolating); Brauer, Clason, Lorenz, Wirth 2017,
// "A Sinkhorn–Newton method for entropic optimal transport" (key brauer2017sinkhorn).
import { demand } from "../error.js";
import { arraySpace, conjugateGradient } from "../linalg/index.js";
import { type Cloud, demandSameSpace, weightOf } from "./cloud.js";

export interface SinkhornOptions {
  /** `"squared"`: |x − y|² (default); `"euclidean"`: |x − y|. */
  readonly cost?: "squared" | "euclidean";
  /** ε > 0 in units of the cost; default 1/100 of the mean cost between the clouds. */
  readonly epsilon?: number;
  /** Stop when the ℓ¹ error of the free marginal is below; default 1e-9. */
  readonly tolerance?: number;
  /** Sweeps and Newton steps at the final ε; default 200. */
  readonly maxIterations?: number;
}

/** OT_ε with what certifies it. */
export interface EntropicTransport {
  /** ⟨c, π⟩ + ε KL(π | a ⊗ b), as the dual value. */
  readonly value: number;
  readonly epsilon: number;
  /** f on the points of a and g on the points of b. */
  readonly potentials: readonly [Float64Array, Float64Array];
  /** ℓ¹ error of the plan's second marginal; the first is exact. */
  readonly marginalError: number;
  readonly converged: boolean;
  /** Sweeps and Newton steps at the final ε. */
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
 * *Notes*: two m × n tables at a time. Below about 1/1000 of the mean cost the plan is nearly sparse, the Newton systems are nearly
 * singular, and it may stop before the tolerance and say so: use wasserstein1() or wasserstein2().
 *
 * *Good values*: ε between 1/100 and 1/10 of the mean cost.
 *
 * *References*: feydy2019interpolating
 */
export async function sinkhornDivergence(
  a: Cloud,
  b: Cloud,
  options: SinkhornOptions = {},
): Promise<SinkhornDivergence> {
  const across = await entropicTransport(a, b, options);
  const own = { ...options, epsilon: across.epsilon };
  const parts = [across, await entropicTransport(a, a, own), await entropicTransport(b, b, own)];
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
 * Entropic transport OT_ε(a, b) in the log domain: ε-scaling, then Newton on the semi-dual.
 *
 * @param a first cloud
 * @param b second cloud of the same dimension
 * @param options cost, ε, tolerance, maximal number of iterations
 * @throws UsageError when dimensions differ or an option is out of range
 *
 * *References*: cuturi2013sinkhorn, brauer2017sinkhorn
 */
export async function entropicTransport(a: Cloud, b: Cloud, options: SinkhornOptions = {}): Promise<EntropicTransport> {
  const { epsilon: end, tolerance, maxIterations } = checked(a, b, options);
  const { costs, largest, mean } = table(a, b, options.cost ?? "squared");
  const epsilon = end ?? (mean > 0 ? 0.01 * mean : 1);
  const m = a.count;
  const n = b.count;
  const weightsA = Float64Array.from({ length: m }, (_, i) => weightOf(a, i));
  const weightsB = Float64Array.from({ length: n }, (_, j) => weightOf(b, j));
  const logA = weightsA.map(Math.log);
  const logB = weightsB.map(Math.log);
  const f = new Float64Array(m);
  const g = new Float64Array(n);
  const scratch = new Float64Array(n);
  for (let e = Math.max(largest, epsilon); e > epsilon; e = Math.max(e / 2, epsilon)) {
    softMinRows(costs, m, n, logB, g, e, f);
    softMinColumns(costs, m, n, logA, f, e, g, scratch);
  }
  const plan = new Float64Array(m * n);
  const second = new Float64Array(n);
  const residual = new Float64Array(n);
  const trial = new Float64Array(n);
  const rows = new Float64Array(m);
  // With f the soft minimum of g the first marginal is exact and ⟨a, f⟩ + ⟨b, g⟩ is concave in g with gradient b − πᵀ1.
  const space = arraySpace(n);
  const inverse = weightsA.map((w) => (w > 0 ? 1 / w : 0));
  const hessian = (x: Float64Array, out: Float64Array): void => {
    for (let j = 0; j < n; j++) out[j] = (second[j] > 0 ? second[j] : 1) * x[j];
    for (let i = 0; i < m; i++) {
      const row = i * n;
      let sum = 0;
      for (let j = 0; j < n; j++) sum += plan[row + j] * x[j];
      sum *= inverse[i];
      for (let j = 0; j < n; j++) out[j] -= sum * plan[row + j];
    }
  };
  const precondition = (x: Float64Array, out: Float64Array): void => {
    for (let j = 0; j < n; j++) out[j] = second[j] > 0 ? x[j] / second[j] : x[j];
  };
  let iterations = 0;
  let marginalError = Infinity;
  softMinRows(costs, m, n, logB, g, epsilon, f);
  for (;;) {
    fillPlan(costs, m, n, logA, logB, f, g, epsilon, plan, second);
    marginalError = 0;
    for (let j = 0; j < n; j++) {
      residual[j] = weightsB[j] - second[j];
      marginalError += Math.abs(residual[j]);
    }
    if (marginalError <= tolerance || iterations === maxIterations) break;
    iterations++;
    let step = 0;
    if (iterations > SWEEPS) {
      const solved = await conjugateGradient({
        space,
        apply: hessian,
        rhs: residual.map((r) => epsilon * r),
        preconditioner: precondition,
        tolerance: Math.min(1e-2, Math.max(1e-4, marginalError)),
        maxIterations: 200,
      });
      // Constants are the operator's null space: rounding must not drive g and f apart along it.
      const drift = dot(weightsB, solved.solution);
      const direction = solved.solution.map((x) => x - drift);
      const slope = dot(residual, direction);
      const before = dot(weightsA, f) + dot(weightsB, g);
      for (step = slope > 0 ? 1 : 0; step > 1e-3; step /= 2) {
        for (let j = 0; j < n; j++) trial[j] = g[j] + step * direction[j];
        softMinRows(costs, m, n, logB, trial, epsilon, rows);
        // Near the end the gain drowns in rounding: accept a step that is not worse by more than that.
        const gain = dot(weightsA, rows) + dot(weightsB, trial) - before;
        if (gain >= 0.1 * step * slope - 1e-13 * (Math.abs(before) + epsilon)) break;
      }
    }
    if (step > 1e-3) {
      g.set(trial);
      f.set(rows);
    } else {
      softMinColumns(costs, m, n, logA, f, epsilon, g, scratch);
      softMinRows(costs, m, n, logB, g, epsilon, f);
    }
  }
  return {
    value: dot(weightsA, f) + dot(weightsB, g),
    epsilon,
    potentials: [f, g],
    marginalError,
    converged: marginalError <= tolerance,
    iterations,
  };
}

/** Plain sweeps at the final ε before the first Newton step. */
const SWEEPS = 10;

/** π_ij = a_i b_j exp((f_i + g_j − c_ij)/ε) and its second marginal. */
function fillPlan(
  costs: Float64Array,
  m: number,
  n: number,
  logA: Float64Array,
  logB: Float64Array,
  f: Float64Array,
  g: Float64Array,
  epsilon: number,
  plan: Float64Array,
  second: Float64Array,
): void {
  second.fill(0);
  for (let i = 0; i < m; i++) {
    const row = i * n;
    for (let j = 0; j < n; j++) {
      const mass = Math.exp(logA[i] + logB[j] + (f[i] + g[j] - costs[row + j]) / epsilon);
      plan[row + j] = mass;
      second[j] += mass;
    }
  }
}

function checked(a: Cloud, b: Cloud, options: SinkhornOptions) {
  const where = "sinkhorn";
  const { cost = "squared", epsilon, tolerance = 1e-9, maxIterations = 200 } = options;
  demandSameSpace(a, b, where);
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
    "Use maxIterations: 200",
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
