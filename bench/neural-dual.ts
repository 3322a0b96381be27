// Evidence for the dual neural flow: Gaussian shift and scale in 1, 2 and 10 dimensions, and planar data with five seeds each.
// For every run: certified bound, laws of the flow, moments against the closed form, W₂ of the end points to held-out samples beside the
// sampling floor, and on data the dual beside the exact engine's value on the same samples (the dual is a lower bound of it).
// One more case compares the activations of the critic on Old Faithful.
// Run:  npx tsc --outDir .cache/bench && node .cache/bench/bench/neural-dual.js [names, comma-separated] [seeds] > bench/results/neural-dual.json
import { gaussianScale, gaussianShift, oldFaithful, type ProximalFlow, pinwheel, twoMoons } from "../problems/index.js";
import {
  type NeuralProximalFlowDualOptions,
  type NeuralProximalFlowDualSolution,
  neuralProximalFlowDual,
} from "../solvers/neural/index.js";
import { anchorsAt, moreau } from "../solvers/neural/moreau.js";
import { type Cloud, cloud, samplingFloor, wasserstein2 } from "../src/measure/index.js";
import { generator } from "../src/random/index.js";
import { solve } from "../src/solve.js";
import type { HostCritic } from "../src/tensor/index.js";
import { huberCost, semiRelaxedTransport } from "../src/transport/index.js";
import { flowLaws, judgeAll, spread } from "../src/verify/index.js";
import { machine } from "./machine.js";

interface Case {
  readonly name: string;
  readonly problem: ProximalFlow;
  readonly options: NeuralProximalFlowDualOptions;
  readonly seeds: number;
  /** Judge the laws of the flow too, on the first seed; left out where the inner minimisation is slow (kinks). */
  readonly judged: boolean;
}

const CASES: readonly Case[] = [
  ...[1, 2].flatMap((dimension): Case[] => [
    { name: `shift-${dimension}d`, problem: gaussianShift({ dimension }), options: {}, seeds: 1, judged: true },
    { name: `scale-${dimension}d`, problem: gaussianScale({ dimension }), options: {}, seeds: 1, judged: true },
  ]),
  { name: "shift-10d", problem: gaussianShift({ dimension: 10 }), options: tenDimensions(), seeds: 1, judged: true },
  { name: "scale-10d", problem: gaussianScale({ dimension: 10 }), options: tenDimensions(), seeds: 1, judged: true },
  { name: "old-faithful", problem: oldFaithful(), options: {}, seeds: 5, judged: true },
  { name: "two-moons", problem: twoMoons(), options: {}, seeds: 5, judged: true },
  { name: "pinwheel", problem: pinwheel(), options: {}, seeds: 5, judged: true },
  ...(["maxmin", "softabs", "softplus", "tanh"] as const).map(
    (activation): Case => ({
      name: `old-faithful ${activation}`,
      problem: oldFaithful(),
      options: { activation },
      seeds: 1,
      judged: false,
    }),
  ),
];

/** In ten dimensions e^φ varies much over the target: more target samples, a narrower network. */
function tenDimensions(): NeuralProximalFlowDualOptions {
  return { width: 32, targetBatch: 2048, pool: 16384, learningRate: 1e-2 };
}

const wanted = process.argv[2]?.split(",") ?? null;
const most = Number(process.argv[3] ?? 5);

/** End points of straight paths from given starts. */
function ends(solution: NeuralProximalFlowDualSolution, start: Cloud): Float64Array {
  const { positions } = solution.trajectories({ start, steps: 1 });
  return positions.slice(start.points.length);
}

/** Mean, standard deviation and map against the closed form, worst coordinate, on common starting points. */
function againstExact(solution: NeuralProximalFlowDualSolution) {
  const { problem } = solution;
  if (problem.exact === null) return null;
  const d = problem.dimension;
  const n = 4000;
  const start = problem.source.sample(n, generator(11).split("moments"));
  const ours = ends(solution, start);
  const truth = problem.exact.map(problem.horizon, start.points);
  let mean = 0;
  let sd = 0;
  for (let a = 0; a < d; a++) {
    const [p, q] = [ours, truth].map((x) => {
      let m = 0;
      let square = 0;
      for (let i = a; i < x.length; i += d) m += x[i] / n;
      for (let i = a; i < x.length; i += d) square += (x[i] - m) ** 2 / n;
      return { m, sd: Math.sqrt(square) };
    });
    mean = Math.max(mean, Math.abs(p.m - q.m) / Math.hypot(q.m, q.sd));
    sd = Math.max(sd, Math.abs(p.sd / q.sd - 1));
  }
  let off = 0;
  let move = 0;
  for (let i = 0; i < ours.length; i++) {
    off += (ours[i] - truth[i]) ** 2;
    move += (truth[i] - start.points[i]) ** 2;
  }
  return {
    relativeMeanError: mean,
    relativeSdError: sd,
    mapError: Math.sqrt(off / move),
    exactValue: problem.exact.value,
  };
}

/** W₂ to the held-out samples by as many end points, and the floor. */
function heldOut(solution: NeuralProximalFlowDualSolution) {
  const { problem } = solution;
  const held = problem.heldOut;
  if (held === null) return null;
  const repeats = held.count > 200 ? 3 : 10;
  const draws = generator(13).split("held-out comparison");
  let mean = 0;
  for (let k = 0; k < repeats; k++) {
    const end = ends(solution, problem.source.sample(held.count, draws));
    mean += wasserstein2(cloud(end, problem.dimension), held) / repeats;
  }
  const law = problem.target.data ?? problem.target;
  const floor = samplingFloor(law, held.count, repeats, generator(7).split("floor"));
  return { count: held.count, repeats, wasserstein2: mean, floor: floor.mean, ratio: mean / floor.mean };
}

/** Share of 200 starts where the inner minimisation from 2048 other target points ends lower: how global the minimum is. */
function notGlobal(solution: NeuralProximalFlowDualSolution): number {
  const { problem } = solution;
  const { critic } = solution;
  if (critic === null) return Number.NaN;
  const host: HostCritic = {
    dimension: problem.dimension,
    certifiedLipschitz: critic.certifiedLipschitz,
    spectralNorms: [],
    evaluate: (points, values, gradients) => {
      values.set(critic.value(points));
      gradients.set(critic.gradient(points));
    },
  };
  const draws = generator(17).split("global check");
  const x = problem.source.sample(200, draws).points;
  const k = problem.kineticWeight / problem.horizon;
  const wide = moreau(host, x, k, anchorsAt(host, problem.target.sample(2048, draws).points)).values;
  const ours = solution.value(0, x);
  return ours.reduce((count, u, i) => count + (wide[i] < u - 1e-3 * (Math.abs(u) + k) ? 1 : 0), 0) / 200;
}

/** The exact engine's value on the very samples of the measured dual; `null` where the target is not data. */
async function engineValue(solution: NeuralProximalFlowDualSolution): Promise<number | null> {
  const { problem } = solution;
  const target = problem.target.data;
  if (target === null) return null;
  const source = cloud(solution.arrays().source.data as Float64Array, problem.dimension);
  const cost = huberCost(problem.kineticWeight, problem.horizon, problem.lipschitz);
  const result = await semiRelaxedTransport(
    { source, target, cost, divergence: problem.divergence },
    { device: "cpu" },
  );
  return result.objective.primal;
}

const results = [];
for (const { name, problem, options, seeds, judged } of CASES) {
  if (wanted !== null && !wanted.includes(name)) continue;
  const solutions = [];
  const runs = [];
  for (let seed = 1; seed <= Math.min(seeds, most); seed++) {
    const cpu = process.cpuUsage();
    const solution = await solve(problem, neuralProximalFlowDual(options), {
      seed,
      device: "cpu",
      onFailure: "return",
    });
    const { user, system } = process.cpuUsage(cpu);
    solutions.push(solution);
    const thorough = judged && seed === 1;
    const laws = thorough ? await judgeAll(flowLaws(), solution, { seed: 5, count: 256 }) : [];
    runs.push({
      seed,
      seconds: solution.seconds,
      cpuSeconds: (user + system) / 1e6,
      backend: solution.device.adapter,
      status: solution.status,
      dual: solution.objective.dual,
      engine: await engineValue(solution),
      certifiedLipschitz: solution.critic?.certifiedLipschitz ?? null,
      counts: solution.counts,
      laws: Object.fromEntries(laws.map((v) => [v.law, v.value ?? v.note])),
      failed: laws.filter((v) => v.holds === false).map((v) => v.law),
      notGlobal: thorough ? notGlobal(solution) : null,
      exact: againstExact(solution),
      heldOut: heldOut(solution),
    });
    console.error(name, JSON.stringify(runs.at(-1)));
  }
  results.push({
    name,
    problem: problem.describe(),
    options: solutions[0].solver.options,
    runs,
    spread: solutions.length > 1 ? spread(solutions, 256) : null,
  });
}
console.log(JSON.stringify({ machine: await machine(), results }, null, 2));
