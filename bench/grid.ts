// Time and memory of the grid solver: two moons at 96² and 256² nodes, default settings; and of what is asked of a solution afterwards
// (density at T, value at all nodes at T/2). Medians; memory is the peak resident size of the process so far, smallest grid first.
// Run:  npx tsc --outDir .cache/bench && node .cache/bench/bench/grid.js [largest points an axis] [runs] > bench/results/grid.json
import { twoMoons } from "../problems/index.js";
import { type GridProximalFlowSolution, gridProximalFlow } from "../solvers/grid/index.js";
import { nodesOf } from "../src/grid/index.js";
import { solve } from "../src/solve.js";
import { machine, medianSeconds } from "./machine.js";

const largest = Number(process.argv[2] ?? 256);
const runs = Number(process.argv[3] ?? 3);
const problem = twoMoons();
const rows = [];
for (const points of [96, 256].filter((n) => n <= largest)) {
  const solved: GridProximalFlowSolution[] = [];
  const work = async () => {
    solved[0] = await solve(problem, gridProximalFlow({ points }), { seed: 0 });
  };
  const before = process.cpuUsage();
  const solveSeconds = await medianSeconds(work, runs);
  const { user, system } = process.cpuUsage(before);
  const [s] = solved;
  const densitySeconds: number[] = [];
  for (let k = 0; k < runs; k++) {
    // A new solution each time: the first density carries the source, later ones only deposit it.
    await work();
    const start = performance.now();
    solved[0].density(problem.horizon);
    densitySeconds.push((performance.now() - start) / 1000);
  }
  const nodes = nodesOf(s.grid);
  const start = performance.now();
  s.value(problem.horizon / 2, nodes);
  rows.push({
    problem: problem.name,
    nodes: `${points}²`,
    runs,
    solveSeconds,
    processorSecondsASolve: (user + system) / 1e6 / (runs + 1),
    firstDensitySeconds: densitySeconds.sort((a, b) => a - b)[Math.floor(runs / 2)],
    valueAtAllNodesSeconds: (performance.now() - start) / 1000,
    peakMebibytes: Math.round(process.resourceUsage().maxRSS / 1024),
    newtonIterations: s.counts.newtonIterations,
    linearIterations: s.counts.linearIterations,
    planEntries: s.counts.planEntries,
    primal: s.objective.primal,
    dual: s.objective.dual,
    gap: s.objective.gap,
  });
}
console.log(JSON.stringify({ machine: await machine(), rows }, null, 2));
