// Lipschitz-regularised gradient flow by particles with the exact empirical critic: Ẏ = −∇φ*(Y), φ* of D_f^L between the particles and N
// samples of the target, from the semi-discrete engine:
//   φ*(y) = minⱼ (ψⱼ + L|y − Xⱼ|),   speed L straight towards the minimising sample Xⱼ, 0 on it
// Step: the critic of the particles is frozen for Δt and followed exactly (a particle stops at its Xⱼ; where that is farther than L Δt this is
// Euler's step). While nobody has arrived −dD/dt = I = L²: all smoothing between samples would have to come from the critic.
// W₁ flow: plain transport with L = 1. Order 1 in Δt; exact for the clouds at each step (gap reported). Any dimension.
// Reference: Gu et al. 2024 (key gu2024lipschitz).
import ndarray from "ndarray";
import { criticTerms, type GradientFlow } from "../../problems/index.js";
import { breathing } from "../../src/breathing.js";
import { demand, demandKnown } from "../../src/error.js";
import { stacked } from "../../src/io/index.js";
import { type Cloud, cloud, massOf, wasserstein2 } from "../../src/measure/index.js";
import { generator } from "../../src/random/index.js";
import { type DescentSolution, historyOf } from "../../src/solution/index.js";
import type { SolveContext, Solver } from "../../src/solver.js";
import { linearCost, semiRelaxedTransport, transformAt, transformGradient } from "../../src/transport/index.js";
import { areComparable, cloudCourse, drawCloud, freshDraws, refusalForClouds, speedsOf } from "./cloud-descent.js";

const WHERE = "particleGradientFlow";

/** What {@link particleGradientFlow} takes. */
export interface ParticleGradientFlowOptions {
  /** Particles drawn from ρ₀; default 200. */
  readonly count?: number;
  /** Samples of the target; default: all of data, else 200. */
  readonly targetCount?: number;
  /** Time steps; default 40. */
  readonly steps?: number;
  /** Gap of each critic, relative to max(1, D); default 1e-8. */
  readonly tolerance?: number;
  /** Steps between two measurements of W₂ to the samples, which costs count³ in d ≥ 2; default 5. */
  readonly measureEvery?: number;
}

/** Solution of a gradient flow by particles. */
export interface ParticleGradientFlowSolution extends DescentSolution<GradientFlow> {
  readonly family: "particle";
  /** The particles at each time. */
  readonly clouds: readonly Cloud[];
  /** The samples of the target. */
  readonly target: Cloud;
  /** ψ of the critic at each time, one entry a sample. */
  readonly potentials: readonly Float64Array[];
  density(t: number): Cloud;
}

/**
 * Gradient flow of a Lipschitz-regularised divergence, or of W₁, by particles that follow the exact empirical critic.
 *
 * @param options count, targetCount, steps, tolerance, measureEvery
 * @returns a solver of the particle family; histories `energy`, `dissipation`, `speed`, `gap` and, where counts agree or d = 1, `W₂`
 * @throws UsageError when an option is out of range, or a law cannot be sampled
 *
 * *Notes*: a particle that ties between samples follows the first. With as many particles as samples the particles end on the data; what
 * generalises in such methods is the smoothness of a learnt critic, and this one has none. The critic is that of the step's start: once
 * particles arrive, D may rise by O(Δt) and stay above 0, where samples hold more or fewer particles than their share.
 *
 * *Good values*: 200 particles and samples take a tenth of a second a step.
 *
 * *References*: gu2024lipschitz
 */
export function particleGradientFlow(
  options: ParticleGradientFlowOptions = {},
): Solver<GradientFlow, ParticleGradientFlowSolution> {
  demandKnown(WHERE, options, ["count", "targetCount", "steps", "tolerance", "measureEvery"]);
  const { count = 200, steps = 40, tolerance = 1e-8, measureEvery = 5 } = options;
  const settings: Settings = { count, targetCount: options.targetCount ?? null, steps, tolerance, measureEvery };
  for (const [name, value] of [
    ["count", count],
    ["targetCount", options.targetCount ?? 1],
    ["steps", steps],
    ["measureEvery", measureEvery],
  ] as const)
    demand(Number.isInteger(value) && value >= 1, WHERE, name, "be an integer ≥ 1", value, "Leave it out");
  demand(tolerance > 0 && tolerance < 1, WHERE, "tolerance", "be in (0, 1)", tolerance, "Use tolerance: 1e-8");
  const record = {
    name: WHERE,
    family: "particle" as const,
    order: 1,
    references: ["gu2024lipschitz"],
    options: { ...settings },
  };
  return {
    ...record,
    handles(problem) {
      const refusal = refusalForClouds(problem);
      if (refusal !== null) return refusal;
      if ((problem as GradientFlow).energy.divergence?.lipschitz === Infinity)
        return "L is ∞, and the divergence between two clouds is infinite; set a finite lipschitz";
      return true;
    },
    solve: (problem, context) => march(problem, context, record, settings),
  };
}

interface Settings {
  readonly count: number;
  readonly targetCount: number | null;
  readonly steps: number;
  readonly tolerance: number;
  readonly measureEvery: number;
}

async function march(
  problem: GradientFlow,
  context: SolveContext,
  record: ParticleGradientFlowSolution["solver"],
  { count, targetCount, steps, tolerance, measureEvery }: Settings,
): Promise<ParticleGradientFlowSolution> {
  const began = context.elapsed();
  const { dimension: d, horizon: T, energy } = problem;
  const { lipschitz, divergence, target: law } = criticTerms(energy);
  const random = generator(context.seed).split(WHERE);
  const mass = massOf(problem);
  const target = drawCloud(law, problem.domain, targetCount, random.split("target"));
  const first = drawCloud(problem.initial, problem.domain, count, random.split("particles"));
  const cost = linearCost(lipschitz);
  const times = Float64Array.from({ length: steps + 1 }, (_, n) => (n === steps ? T : (n * T) / steps));
  const clouds = [first];
  const potentials: Float64Array[] = [];
  const energies: number[] = [];
  const gaps: number[] = [];
  const dissipations: number[] = [];
  const speeds: number[] = [];
  const measured: number[] = [];
  const distances: number[] = [];
  const comparable = areComparable(first, target);
  const breathe = breathing(context.signal);
  let failure: string | null = null;
  let pivots = 0;
  for (let n = 0; n <= steps && failure === null; n++) {
    const here = clouds[n];
    const result = await semiRelaxedTransport(
      { source: here, target, cost, divergence },
      { tolerance, signal: context.signal },
    );
    if (!result.status.converged) failure = `critic ${n}: ${result.status.text}`;
    pivots += result.counts.pivots;
    potentials.push(result.potential);
    energies.push(mass * (result.objective.dual as number));
    gaps.push(mass * (result.objective.gap as number));
    const { argmin } = transformAt(here.points, result.potential, target, cost);
    const gradient = transformGradient(here.points, argmin, target, cost);
    const { dissipation, largest } = speedsOf(here, gradient);
    dissipations.push(mass * dissipation);
    speeds.push(largest);
    if (comparable && (n % measureEvery === 0 || n === steps)) {
      measured.push(n);
      distances.push(wasserstein2(here, target));
    }
    context.progress({ stage: "time", iteration: n, fraction: n / steps, residual: result.objective.gap });
    await breathe();
    if (n < steps && failure === null)
      clouds.push(cloud(follow(here.points, argmin, target, lipschitz * (times[n + 1] - times[n])), d, here.weights));
  }
  const reached = potentials.length - 1;
  const at = (n: number, x: Float64Array) => transformAt(x, potentials[n], target, cost);
  const gradientAt = (n: number, x: Float64Array) => transformGradient(x, at(n, x).argmin, target, cost);
  const made = times.slice(0, reached + 1);
  const course = cloudCourse(WHERE, {
    times: made,
    clouds,
    draw: (n, seed) => freshDraws(problem.initial, problem.domain, n, generator(seed).split(WHERE).split("paths")),
    seed: context.seed,
    advance: (k, x) => follow(x, at(k, x).argmin, target, lipschitz * (times[k + 1] - times[k])),
  });
  return {
    family: "particle",
    problem,
    solver: record,
    status: {
      converged: failure === null,
      text:
        failure === null
          ? `converged: ${reached} steps, largest gap ${Math.max(...gaps).toExponential(1)}`
          : `stopped: ${failure}`,
    },
    histories: [
      historyOf("energy", energies),
      historyOf("dissipation", dissipations),
      historyOf("speed", speeds),
      historyOf("gap", gaps),
      ...(comparable ? [{ name: "W₂", iterations: measured, values: distances }] : []),
    ],
    objective: { primal: energies[reached] + gaps[reached], dual: energies[reached], gap: gaps[reached] },
    counts: { steps: reached, pivots },
    seconds: context.elapsed() - began,
    seed: context.seed,
    device: { requested: context.device, used: "cpu", reason: "particles follow critics on the CPU", adapter: null },
    version: context.version,
    times: made,
    clouds,
    target,
    potentials,
    energies,
    dissipations,
    speeds,
    density: course.density,
    value: (t, x) => at(course.stepAt(t).n, x).values,
    velocity: (t, x) => gradientAt(course.stepAt(t).n, x).map((g) => -g),
    trajectories: course.trajectories,
    critic: {
      value: (x) => at(reached, x).values,
      gradient: (x) => gradientAt(reached, x),
      certifiedLipschitz: lipschitz,
    },
    arrays: () => ({
      times: ndarray(made.slice(), [reached + 1]),
      energy: ndarray(Float64Array.from(energies), [reached + 1]),
      dissipation: ndarray(Float64Array.from(dissipations), [reached + 1]),
      particles: stacked(
        clouds.map((c) => c.points),
        [first.count, d],
      ),
      target: ndarray(target.points.slice(), [target.count, d]),
      potential: stacked(potentials, [target.count]),
    }),
  };
}

/** Each point by `reach` straight towards its sample, and no farther than that. */
function follow(points: Float64Array, argmin: Int32Array, target: Cloud, reach: number): Float64Array {
  const d = target.dimension;
  const out = points.slice();
  for (let i = 0; i < argmin.length; i++) {
    let square = 0;
    for (let a = 0; a < d; a++) square += (target.points[argmin[i] * d + a] - points[i * d + a]) ** 2;
    const r = Math.sqrt(square);
    for (let a = 0; a < d; a++) {
      const there = target.points[argmin[i] * d + a];
      out[i * d + a] = r <= reach ? there : points[i * d + a] + (reach / r) * (there - points[i * d + a]);
    }
  }
  return out;
}
