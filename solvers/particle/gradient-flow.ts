// Lipschitz-regularised gradient flow by particles with the exact empirical critic: Ẏ = −∇φ*(Y), φ* of D_f^L between the particles and N
// samples of the target, from the semi-discrete engine:
//   φ*(y) = minⱼ (ψⱼ + L|y − Xⱼ|),   speed L straight towards the minimising sample Xⱼ, 0 on it
// Step: the critic of the particles is frozen for Δt and followed exactly (a particle stops at its Xⱼ; where that is farther than L Δt this is
// Euler's step). While nobody has arrived −dD/dt = I = L²: all smoothing between samples would have to come from the critic.
// W₁ flow: plain transport with L = 1. Order 1 in Δt; exact for the clouds at each step (gap reported). Any dimension.
// Reference: Gu et al. 2024 (key gu2024lipschitz).
import ndarray from "ndarray";
import { criticTerms, type GradientFlow, type Law } from "../../problems/index.js";
import { breathing } from "../../src/breathing.js";
import { demand, demandKnown, usageError } from "../../src/error.js";
import { type Cloud, cloud, wasserstein2, weightOf } from "../../src/measure/index.js";
import { type Generator, generator } from "../../src/random/index.js";
import type { DescentSolution, Trajectories, TrajectoryOptions } from "../../src/solution/index.js";
import type { SolveContext, Solver } from "../../src/solver.js";
import { linearCost, semiRelaxedTransport, transformAt, transformGradient } from "../../src/transport/index.js";

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
    options: { count, targetCount: options.targetCount ?? null, steps, tolerance, measureEvery },
  };
  return {
    ...record,
    handles(problem) {
      if (problem.kind !== "gradient-flow")
        return `it solves gradient flows, not ${problem.kind}; use a solver of that family`;
      const { energy, initial, domain } = problem as GradientFlow;
      if (energy.divergence === null && energy.transport?.order !== 1)
        return "the energy is neither a Lipschitz-regularised divergence nor W₁; use a grid solver";
      if (energy.divergence?.lipschitz === Infinity)
        return "L is ∞, and the divergence between two clouds is infinite; set a finite lipschitz";
      if (!domain.isPlain || domain.ends.some((e) => e === "periodic"))
        return "particles go straight to their samples, through obstacles and not round periodic axes; use lipschitzFlow()";
      if (initial.distribution === null)
        return `the initial law ${initial.text} cannot be sampled; give a distribution, or use lipschitzFlow()`;
      const target = (energy.divergence ?? energy.transport)?.target;
      if (target?.distribution === null)
        return `the target ${target.text} cannot be sampled; give a distribution, or use lipschitzFlow()`;
      return true;
    },
    solve: (problem, context) =>
      march(problem, context, record, {
        count,
        targetCount: options.targetCount ?? null,
        steps,
        tolerance,
        measureEvery,
      }),
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
  // Clouds have mass 1; E and I are proportional to the mass.
  const mass = problem.mass ?? 1;
  const random = generator(context.seed).split(WHERE);
  const target = draw(law, targetCount, random.split("target"));
  const first = draw(problem.initial, count, random.split("particles"));
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
  const comparable = d === 1 || (first.count === target.count && first.weights === null && target.weights === null);
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
    let mean = 0;
    let most = 0;
    for (let i = 0; i < here.count; i++) {
      let square = 0;
      for (let a = 0; a < d; a++) square += gradient[i * d + a] ** 2;
      mean += weightOf(here, i) * square;
      most = Math.max(most, Math.sqrt(square));
    }
    dissipations.push(mass * mean);
    speeds.push(most);
    if (comparable && (n % measureEvery === 0 || n === steps)) {
      measured.push(n);
      distances.push(wasserstein2(here, target));
    }
    context.progress({ stage: "time", iteration: n, fraction: n / steps, residual: result.objective.gap });
    await breathe();
    if (n < steps)
      clouds.push(cloud(follow(here.points, argmin, target, lipschitz * (times[n + 1] - times[n])), d, here.weights));
  }
  const reached = potentials.length - 1;
  const numbers = Array.from({ length: reached + 1 }, (_, n) => n);
  const stepAt = (t: number): { n: number; s: number } => {
    const last = times[reached];
    demand(t >= 0 && t <= last, "solution", "t", `lie in [0, ${last}]`, t, "Ask for a time between start and horizon");
    const n = Math.min(Math.floor((t / T) * steps), reached);
    return { n, s: n === reached ? 0 : (t - times[n]) / (times[n + 1] - times[n]) };
  };
  const at = (n: number, x: Float64Array) => transformAt(x, potentials[n], target, cost);
  const gradientAt = (n: number, x: Float64Array) => transformGradient(x, at(n, x).argmin, target, cost);
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
      { name: "energy", iterations: numbers, values: energies },
      { name: "dissipation", iterations: numbers, values: dissipations },
      { name: "speed", iterations: numbers, values: speeds },
      { name: "gap", iterations: numbers, values: gaps },
      ...(comparable ? [{ name: "W₂", iterations: measured, values: distances }] : []),
    ],
    objective: { primal: energies[reached] + gaps[reached], dual: energies[reached], gap: gaps[reached] },
    counts: { steps: reached, pivots },
    seconds: context.elapsed() - began,
    seed: context.seed,
    device: { requested: context.device, used: "cpu", reason: "particles follow critics on the CPU", adapter: null },
    version: context.version,
    times: times.slice(0, reached + 1),
    clouds: clouds.slice(0, reached + 1),
    target,
    potentials,
    energies,
    dissipations,
    speeds,
    density(t) {
      const { n, s } = stepAt(t);
      const { points, weights } = clouds[n];
      return s === 0
        ? clouds[n]
        : cloud(
            points.map((x, i) => x + s * (clouds[n + 1].points[i] - x)),
            d,
            weights,
          );
    },
    value: (t, x) => at(stepAt(t).n, x).values,
    velocity: (t, x) => gradientAt(stepAt(t).n, x).map((g) => -g),
    trajectories(request: TrajectoryOptions = {}): Trajectories {
      const { steps: stored = 20, start } = request;
      demand(Number.isInteger(stored) && stored >= 1, WHERE, "steps", "be an integer ≥ 1", stored, "Use steps: 20");
      const own = request.count ?? first.count;
      demand(
        Number.isInteger(own) && own >= 1 && own <= first.count,
        WHERE,
        "count",
        `be an integer from 1 to ${first.count}, the particles there are`,
        own,
        "Leave it out for the whole cloud",
      );
      const n = start?.count ?? own;
      demand(
        start === undefined || start.dimension === d,
        WHERE,
        "start",
        `have the problem's dimension ${d}`,
        start?.dimension,
        "Give points of the same space",
      );
      // New points follow the same critics with the solver's own steps; particles are where they were.
      let path: readonly Float64Array[];
      if (start === undefined) path = clouds.map((c) => c.points.slice(0, n * d));
      else {
        const places = [start.points];
        for (let k = 0; k < reached; k++)
          places.push(follow(places[k], at(k, places[k]).argmin, target, lipschitz * (times[k + 1] - times[k])));
        path = places;
      }
      const out = Float64Array.from({ length: stored + 1 }, (_, k) =>
        k === stored ? times[reached] : (k * times[reached]) / stored,
      );
      const positions = new Float64Array((stored + 1) * n * d);
      out.forEach((t, k) => {
        const { n: m, s } = stepAt(t);
        for (let i = 0; i < n * d; i++)
          positions[k * n * d + i] = s === 0 ? path[m][i] : (1 - s) * path[m][i] + s * path[m + 1][i];
      });
      const weights = start === undefined ? (first.weights?.slice(0, n) ?? null) : start.weights;
      return { count: n, dimension: d, times: out, positions, weights };
    },
    critic: {
      value: (x) => at(reached, x).values,
      gradient: (x) => gradientAt(reached, x),
      certifiedLipschitz: lipschitz,
    },
    arrays() {
      const stack = (fields: readonly Float64Array[], shape: number[]) => {
        const out = new Float64Array(fields.length * fields[0].length);
        fields.forEach((field, n) => {
          out.set(field, n * field.length);
        });
        return ndarray(out, [fields.length, ...shape]);
      };
      return {
        times: ndarray(times.slice(0, reached + 1), [reached + 1]),
        energy: ndarray(Float64Array.from(energies), [reached + 1]),
        dissipation: ndarray(Float64Array.from(dissipations), [reached + 1]),
        particles: stack(
          clouds.slice(0, reached + 1).map((c) => c.points),
          [first.count, d],
        ),
        target: ndarray(target.points.slice(), [target.count, d]),
        potential: stack(potentials, [target.count]),
      };
    },
  };
}

/** All data, or draws. */
function draw(law: Law, count: number | null, random: Generator): Cloud {
  const { distribution } = law;
  if (distribution === null)
    throw usageError(WHERE, "the law", "be one that can be sampled", law.text, "Give a distribution");
  const { data } = distribution;
  if (data !== null && (count === null || count === data.count)) return data;
  return distribution.sample(count ?? 200, random);
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
