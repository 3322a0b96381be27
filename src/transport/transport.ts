// Semi-relaxed transport, exactly:  min over π ≥ 0 with π1 = a of ⟨h, π⟩ + D_f(πᵀ1 ‖ b),  dual  max Σᵢ aᵢ minⱼ(ψⱼ + hᵢⱼ) − Σⱼ bⱼ f*(ψⱼ).
// Scheme: 1. smoothed dual ascent with falling ε (anneal.ts) on the CPU in float64 or on WebGPU in float32;
//         2. the unsmoothed problem by an active-set method on forests, float64 on the CPU (forest.ts);
//         3. certificate: primal from the plan, dual from a full pass over all pairs, gap = primal − dual, all in float64.
// One engine for Lipschitz-regularised divergences (linear cost), Wasserstein proximals (quadratic), W₁⊕W₂ proximal flows (Huber) and
// plain transport. Conditions: h as in cost.ts; targets of weight 0 take no mass (R ≪ Q), whatever f.
// Reference: Gu, Katsoulakis, Rey-Bellet, Zhang 2024 (key gu2024proximal); Birrell et al. 2022 (key birrell2022fgamma).
import { breathing } from "../breathing.js";
import { type DeviceRequest, type DeviceUse, openDevice } from "../device/index.js";
import { demand } from "../error.js";
import { type Cloud, type Divergence, weightOf } from "../measure/index.js";
import { historyOf } from "../solution/index.js";
import { anneal } from "./anneal.js";
import { costRow } from "./cost.js";
import { forestPolish } from "./forest.js";
import { argminRow, cpuKernels } from "./kernels.cpu.js";
import type { TransportKernels } from "./kernels.js";
import { webgpuKernels } from "./kernels.wgsl.js";
import type { RadialCost, TransportOptions, TransportPlan, TransportProblem, TransportResult } from "./problem.js";

const WHERE = "semiRelaxedTransport";
/** Entries of a soft plan below this share of their row are left out of the reported plan. */
const SOFT_SHARE = 1e-14;
/** A plan counts as complete when its marginals that are prescribed are off by at most this in all (weights sum to 1 within 1e-9). */
const COMPLETE = 2e-9;
/** Newton steps on one smoothing level before polishing: a warm start need not be exact. */
const LEVEL_ITERATIONS = 4;

/**
 * Solves semi-relaxed transport between two clouds.
 *
 * @param problem source P (M points, weights a), target Q (N points, weights b), radial cost, divergence
 * @param options see {@link TransportOptions}
 * @returns ψ, sparse plan, second marginal, primal, dual, gap, status, histories
 * @throws UsageError when the clouds do not fit or an option is out of range; SolveError never: a stall is told in `status`
 *
 * *Notes*: with `polish: false` the result is the entropic solution: `potential` maximises the smoothed dual, `plan` is its soft plan,
 * and the gap measures the smoothing. For plain transport the primal of a soft plan is `null`, because its second marginal is not exactly b.
 * With plain transport both weights must have the same sum; the error of the second marginal is their difference.
 *
 * *Good values*: the defaults. 2000 × 2000 pairs take seconds, memory stays below 0.5 GB at any size.
 *
 * *References*: gu2024proximal, birrell2022fgamma
 */
export async function semiRelaxedTransport(
  problem: TransportProblem,
  options: TransportOptions = {},
): Promise<TransportResult> {
  const began = performance.now();
  checkProblem(problem);
  const { tolerance = 1e-9, polish = true, maxIterations = 400, signal = null } = options;
  demand(tolerance > 0, WHERE, "tolerance", "be > 0", tolerance, "Use tolerance: 1e-9");
  demand(
    options.smoothing === undefined || (options.smoothing > 0 && options.smoothing <= 1),
    WHERE,
    "smoothing",
    "be in (0, 1]",
    options.smoothing,
    "Use smoothing: 0.01, relative to the largest spread of costs",
  );
  demand(
    Number.isInteger(maxIterations) && maxIterations >= 1,
    WHERE,
    "maxIterations",
    "be an integer ≥ 1",
    maxIterations,
    "Leave it out for the default 400",
  );
  signal?.throwIfAborted();

  const { cost, divergence } = problem;
  const [source] = withoutEmpty(problem.source);
  const [target, targetIndex] = withoutEmpty(problem.target);
  const a = weightsOf(source);
  const b = weightsOf(target);
  const scale = costSpread(source, target, cost);

  const { kernels, use, release } = await chooseKernels(source, target, cost, options.device ?? "cpu");
  const breathe = breathing(signal);

  const relative = options.smoothing ?? (polish ? 0.2 / Math.max(20, target.count) : 0.01);
  const floorOfDevice = kernels.precision * 2 ** 10;
  const lastSmoothing = scale * (polish ? Math.max(relative, floorOfDevice) : relative);
  const softTolerance = polish ? 1e-2 : Math.max(tolerance, 64 * kernels.precision);
  const smooth = await anneal(kernels, divergence, a, b, new Float64Array(target.count), {
    firstSmoothing: Math.max(lastSmoothing, scale / 4),
    lastSmoothing,
    levelTolerance: 0.1,
    lastTolerance: softTolerance,
    maxIterations,
    maxLevelIterations: polish ? LEVEL_ITERATIONS : Infinity,
    breathe: async (iteration) => {
      options.onProgress?.(iteration, Number.NaN);
      await breathe();
    },
  }).finally(release);

  let potential = smooth.potential;
  let plan: TransportPlan;
  let pivots = 0;
  let passes = 0;
  let finished = true;
  if (polish) {
    const magnitude = scale + potential.reduce((top, y) => Math.max(top, Math.abs(y)), 0);
    const exact = await forestPolish(source, target, a, b, cost, divergence, {
      potential,
      marginal: smooth.marginal,
      tolerance: 1e-14 * Math.max(1e-300, magnitude),
      maxPivots: 200 * (source.count + target.count) + 1000,
      breathe,
    });
    potential = exact.potential;
    plan = { from: exact.from, to: exact.to, mass: exact.mass };
    pivots = exact.pivots;
    passes = exact.passes;
    finished = exact.finished;
  } else {
    plan = softPlan(source, target, a, b, cost, potential, lastSmoothing);
  }

  const certificate = certify(source, target, a, b, cost, divergence, potential, plan, polish);
  const { primal, dual, marginal, missing } = certificate;
  const gap = primal === null ? null : primal - dual;
  const small = gap !== null && gap <= tolerance * Math.max(1, Math.abs(primal as number));
  options.onProgress?.(smooth.iterations + pivots, gap ?? Number.NaN);
  const isComplete = missing <= COMPLETE;
  const converged = isComplete && (polish ? small : smooth.converged);
  const counts = {
    iterations: smooth.iterations,
    hessianProducts: smooth.hessianProducts,
    pivots,
    passes,
    sources: source.count,
    targets: target.count,
  };
  return {
    potential: spread(potential, targetIndex, problem.target.count, Infinity),
    plan: restore(plan, problem),
    marginal: spread(marginal, targetIndex, problem.target.count, 0),
    objective: { primal, dual, gap },
    status: {
      converged,
      text: isComplete
        ? advice(converged, polish, finished, gap, pivots, smooth.residual, lastSmoothing)
        : `failed: the plan misses the weights by ${missing.toExponential(1)}; see that both weights sum to 1, or scale points and cost to order 1`,
    },
    histories: [historyOf("smoothed marginal residual", smooth.residuals)],
    counts,
    seconds: (performance.now() - began) / 1000,
    device: use,
  };
}

function advice(
  converged: boolean,
  polish: boolean,
  finished: boolean,
  gap: number | null,
  pivots: number,
  residual: number,
  smoothing: number,
): string {
  if (!polish) {
    return converged
      ? `entropic solution at smoothing ${smoothing.toExponential(2)}, marginal residual ${residual.toExponential(1)}`
      : `stalled: marginal residual ${residual.toExponential(1)} at smoothing ${smoothing.toExponential(2)}; use a larger smoothing or maxIterations, or polish: true`;
  }
  if (converged) return `exact: duality gap ${(gap as number).toExponential(1)}`;
  return finished
    ? `all pairs are priced out but the duality gap is ${(gap ?? Number.NaN).toExponential(1)}, the round-off of this data; shift or scale the points, or raise tolerance`
    : `stalled: duality gap ${(gap ?? Number.NaN).toExponential(1)} after ${pivots} pivots; raise tolerance, scale points and cost to order 1, or remove duplicate points`;
}

function checkProblem(problem: TransportProblem): void {
  const { source, target } = problem;
  for (const [name, c] of [
    ["source", source],
    ["target", target],
  ] as const)
    demand(c.count >= 1, WHERE, name, "hold at least one point", c.count, "Give a cloud made by cloud()");
  demand(
    source.dimension === target.dimension,
    WHERE,
    "target",
    `have the source's dimension ${source.dimension}`,
    target.dimension,
    "Give both clouds in the same space",
  );
}

/** The cloud without its points of weight 0, and where its points were. */
function withoutEmpty(c: Cloud): [Cloud, Int32Array] {
  const keep = Int32Array.from({ length: c.count }, (_, i) => i).filter((i) => weightOf(c, i) > 0);
  if (keep.length === c.count) return [c, keep];
  const d = c.dimension;
  const points = new Float64Array(keep.length * d);
  keep.forEach((i, k) => {
    points.set(c.points.subarray(i * d, (i + 1) * d), k * d);
  });
  return [{ ...c, count: keep.length, points, weights: Float64Array.from(keep, (i) => weightOf(c, i)) }, keep];
}

function weightsOf(c: Cloud): Float64Array {
  return Float64Array.from({ length: c.count }, (_, i) => weightOf(c, i));
}

function spread(values: Float64Array, index: Int32Array, count: number, rest: number): Float64Array {
  if (index.length === count) return values;
  const out = new Float64Array(count).fill(rest);
  index.forEach((j, k) => {
    out[j] = values[k];
  });
  return out;
}

function restore(plan: TransportPlan, problem: TransportProblem): TransportPlan {
  const [, sourceIndex] = withoutEmpty(problem.source);
  const [, targetIndex] = withoutEmpty(problem.target);
  return {
    from: plan.from.map((i) => sourceIndex[i]),
    to: plan.to.map((j) => targetIndex[j]),
    mass: plan.mass,
  };
}

/** The largest spread of costs seen from (up to 64 evenly chosen) source points: the unit of ε. 1 where all costs are equal. */
function costSpread(source: Cloud, target: Cloud, cost: RadialCost): number {
  const row = new Float64Array(target.count);
  const every = Math.max(1, Math.floor(source.count / 64));
  let spreadOfCosts = 0;
  for (let i = 0; i < source.count; i += every) {
    costRow(source.points, i, target, cost, row);
    spreadOfCosts = Math.max(
      spreadOfCosts,
      row.reduce((x, y) => Math.max(x, y)) - row.reduce((x, y) => Math.min(x, y)),
    );
  }
  return spreadOfCosts > 0 ? spreadOfCosts : 1;
}

/** The twin that the request leads to, and how to free it. */
async function chooseKernels(
  source: Cloud,
  target: Cloud,
  cost: RadialCost,
  requested: DeviceRequest,
): Promise<{ kernels: TransportKernels; use: DeviceUse; release(): void }> {
  const isUserCost = cost.kernel === null && requested === "auto";
  const { gpu, use } = await openDevice(isUserCost ? "cpu" : requested);
  if (gpu === null) {
    const kernels = await cpuKernels(source, target, cost);
    const reason = isUserCost ? "the cost is a JavaScript function" : use.reason;
    return { kernels, use: { ...use, requested, reason }, release: () => kernels.release() };
  }
  let kernels: TransportKernels;
  try {
    kernels = await webgpuKernels(gpu)(source, target, cost);
  } catch (error) {
    gpu.release();
    throw error;
  }
  return {
    kernels,
    use,
    release: () => {
      kernels.release();
      gpu.release();
    },
  };
}

/** The soft plan at (ψ, ε), entries of at least SOFT_SHARE of their row. */
function softPlan(
  source: Cloud,
  target: Cloud,
  a: Float64Array,
  b: Float64Array,
  cost: RadialCost,
  potential: Float64Array,
  epsilon: number,
): TransportPlan {
  const from: number[] = [];
  const to: number[] = [];
  const mass: number[] = [];
  const row = new Float64Array(target.count);
  const shifted = potential.map((y, j) => y - epsilon * Math.log(b[j]));
  for (let i = 0; i < source.count; i++) {
    costRow(source.points, i, target, cost, row);
    const at = argminRow(shifted, row, 0);
    const least = shifted[at] + row[at];
    let sum = 0;
    for (let j = 0; j < row.length; j++) {
      row[j] = Math.exp((least - shifted[j] - row[j]) / epsilon);
      sum += row[j];
    }
    for (let j = 0; j < row.length; j++) {
      const share = row[j] / sum;
      if (share < SOFT_SHARE) continue;
      from.push(i);
      to.push(j);
      mass.push(a[i] * share);
    }
  }
  return { from: Int32Array.from(from), to: Int32Array.from(to), mass: Float64Array.from(mass) };
}

/** Primal of the plan and dual of the potential, both from their definitions. */
function certify(
  source: Cloud,
  target: Cloud,
  a: Float64Array,
  b: Float64Array,
  cost: RadialCost,
  divergence: Divergence,
  potential: Float64Array,
  plan: TransportPlan,
  isExact: boolean,
): { primal: number | null; dual: number; marginal: Float64Array; missing: number } {
  const d = source.dimension;
  const rows = new Float64Array(a.length);
  const marginal = new Float64Array(b.length);
  let primal: number | null = 0;
  for (let k = 0; k < plan.mass.length; k++) {
    let squared = 0;
    for (let c = 0; c < d; c++) {
      const difference = source.points[plan.from[k] * d + c] - target.points[plan.to[k] * d + c];
      squared += difference * difference;
    }
    primal += plan.mass[k] * cost.h(Math.sqrt(squared));
    marginal[plan.to[k]] += plan.mass[k];
    rows[plan.from[k]] += plan.mass[k];
  }
  let missing = a.reduce((sum, x, i) => sum + Math.abs(rows[i] - x), 0);
  if (divergence.rigid && isExact) missing += b.reduce((sum, x, j) => sum + Math.abs(marginal[j] - x), 0);
  if (!divergence.rigid) {
    for (let j = 0; j < b.length; j++) primal += b[j] * divergence.f(marginal[j] / b[j]);
  } else if (!isExact) {
    primal = null;
  }
  const row = new Float64Array(target.count);
  let dual = 0;
  for (let i = 0; i < a.length; i++) {
    costRow(source.points, i, target, cost, row);
    const j = argminRow(potential, row, 0);
    dual += a[i] * (potential[j] + row[j]);
  }
  if (divergence.logMeanExp) {
    const top = potential.reduce((x, y) => Math.max(x, y));
    let sum = 0;
    for (let j = 0; j < b.length; j++) sum += b[j] * Math.exp(potential[j] - top);
    dual -= top + Math.log(sum);
  } else {
    for (let j = 0; j < b.length; j++) dual -= b[j] * divergence.conjugate(potential[j]);
  }
  return { primal, dual, marginal, missing };
}
