// Evidence for the primal neural flow: Gaussian shift and scale in 1, 2 and 10 dimensions, and planar data with five seeds each.
// For every run: laws of the flow (root-mean-square errors), W₂ of the end points to held-out samples beside the sampling floor, training time.
// Run:  npx tsc --outDir .cache/bench && node .cache/bench/bench/neural-primal.js [names, comma-separated] [seeds] > bench/results/neural-primal.json
import { gaussianScale, gaussianShift, oldFaithful, type ProximalFlow, pinwheel, twoMoons } from "../problems/index.js";
import { type NeuralProximalFlowOptions, neuralProximalFlow } from "../solvers/neural/index.js";
import { type Cloud, cloud, samplingFloor, wasserstein2 } from "../src/measure/index.js";
import { generator } from "../src/random/index.js";
import { solve } from "../src/solve.js";
import { flowLaws, judgeAll, spread } from "../src/verify/index.js";
import { machine } from "./machine.js";

interface Case {
  readonly name: string;
  readonly problem: ProximalFlow;
  readonly options: NeuralProximalFlowOptions;
  readonly seeds: number;
}

const gaussians = [1, 2, 10].flatMap((dimension): Case[] => [
  { name: `shift-${dimension}d`, problem: gaussianShift({ dimension }), options: { steps: 800 }, seeds: 1 },
  { name: `scale-${dimension}d`, problem: gaussianScale({ dimension }), options: { steps: 800 }, seeds: 1 },
]);
const planar: Case[] = [
  { name: "old-faithful", problem: oldFaithful(), options: {}, seeds: 5 },
  { name: "two-moons", problem: twoMoons(), options: {}, seeds: 5 },
  { name: "pinwheel", problem: pinwheel(), options: {}, seeds: 5 },
];
const wanted = process.argv[2]?.split(",") ?? null;
const most = Number(process.argv[3] ?? 5);
const overrides = JSON.parse(process.env.NEURAL_PRIMAL_OPTIONS ?? "{}") as NeuralProximalFlowOptions;

/** Mean and standard deviation (all coordinates about their exact means) of the end points against the closed form's. */
function moments(problem: ProximalFlow, start: Cloud, end: Float64Array) {
  if (problem.exact === null) return null;
  const d = problem.dimension;
  const exact = problem.exact.map(problem.horizon, start.points);
  const mean = (x: Float64Array, a: number) => x.reduce((s, v, i) => (i % d === a ? s + v : s), 0) / (x.length / d);
  const sd = (x: Float64Array) => {
    const means = Array.from({ length: d }, (_, a) => mean(x, a));
    return Math.sqrt(x.reduce((s, v, i) => s + (v - means[i % d]) ** 2, 0) / x.length);
  };
  let off = 0;
  for (let a = 0; a < d; a++) off += (mean(end, a) - mean(exact, a)) ** 2;
  let map = 0;
  let move = 0;
  for (let i = 0; i < end.length; i++) {
    map += (end[i] - exact[i]) ** 2;
    move += (exact[i] - start.points[i]) ** 2;
  }
  return {
    exactValue: problem.exact.value,
    meanError: Math.sqrt(off),
    exactMean: mean(exact, 0),
    sd: sd(end),
    exactSd: sd(exact),
    mapError: Math.sqrt(map / move),
  };
}

/** W₂ to the held-out samples by as many end points, mean over 10 draws, and the floor. */
function distances(problem: ProximalFlow, ends: (count: number, seed: number) => Float64Array) {
  const held = problem.heldOut;
  if (held === null) return null;
  const repeats = held.count > 200 ? 3 : 10;
  const all = Array.from({ length: repeats }, (_, k) =>
    wasserstein2(cloud(ends(held.count, 100 + k), problem.dimension), held),
  );
  const mean = all.reduce((s, x) => s + x, 0) / repeats;
  const data = problem.target.data;
  const draws = generator(7).split("floor");
  const floor = samplingFloor(data ?? problem.target, held.count, repeats, draws);
  return { heldOut: held.count, wasserstein2: mean, floor: floor.mean, ratio: mean / floor.mean, all };
}

const results = [];
for (const { name, problem, options, seeds } of [...gaussians, ...planar]) {
  if (wanted !== null && !wanted.includes(name)) continue;
  const solutions = [];
  const runs = [];
  for (let seed = 1; seed <= Math.min(seeds, most); seed++) {
    const cpu = process.cpuUsage();
    const solution = await solve(problem, neuralProximalFlow({ ...options, ...overrides }), {
      seed,
      device: "cpu",
      onFailure: "return",
    });
    const { user, system } = process.cpuUsage(cpu);
    solutions.push(solution);
    const start = problem.source.sample(4000, generator(11).split("moments"));
    const last = (c: { readonly start: Cloud }) => {
      const p = solution.trajectories({ ...c, steps: 40 });
      return p.positions.slice(40 * p.count * p.dimension);
    };
    const laws = await judgeAll(flowLaws(), solution, { seed: 5, count: 512 });
    runs.push({
      seed,
      seconds: solution.seconds,
      cpuSeconds: (user + system) / 1e6,
      backend: solution.device.adapter,
      status: solution.status,
      objective: solution.objective.primal,
      laws: Object.fromEntries(laws.map((v) => [v.law, v.value ?? v.note])),
      failed: laws.filter((v) => v.holds === false).map((v) => v.law),
      moments: moments(problem, start, last({ start })),
      distances: distances(problem, (count, s) =>
        last({ start: problem.source.sample(count, generator(s).split("held-out comparison")) }),
      ),
    });
    console.error(name, JSON.stringify(runs.at(-1)));
  }
  results.push({
    name,
    problem: problem.describe(),
    options: solutions[0].solver.options,
    runs,
    spread: solutions.length > 1 ? spread(solutions, 512) : null,
  });
}
console.log(JSON.stringify({ machine: await machine(), results }, null, 2));
