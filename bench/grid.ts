// Time and memory of the grid solver: two moons at 96² and 256² nodes, default settings; and of what is asked of a solution afterwards
// (density at T, value at all nodes at T/2). Medians; memory is the peak resident size of the process so far, smallest grid first.
// Run:  npx tsc --outDir .cache/bench && node .cache/bench/bench/grid.js [largest points an axis] [runs] > bench/results/grid.json
import { loadavg } from "node:os";
import { twoMoons } from "../problems/index.js";
import { gridProximalFlow } from "../solvers/grid/index.js";
import { nodesOf } from "../src/grid/index.js";
import { solve } from "../src/solve.js";
import { machine } from "./machine.js";

const largest = Number(process.argv[2] ?? 256);
const runs = Number(process.argv[3] ?? 3);
const problem = twoMoons();
const median = (x: number[]): number => x.sort((a, b) => a - b)[Math.floor(x.length / 2)];
const seconds = (start: number): number => (performance.now() - start) / 1000;

// Compiled before anything is timed.
await solve(problem, gridProximalFlow({ points: 32 }));
const rows = [];
for (const points of [96, 256].filter((n) => n <= largest)) {
  const times = { solve: [] as number[], processor: [] as number[], density: [] as number[], value: [] as number[] };
  let last = null;
  for (let run = 0; run < runs; run++) {
    const before = process.cpuUsage();
    let start = performance.now();
    const s = await solve(problem, gridProximalFlow({ points }));
    times.solve.push(seconds(start));
    const { user, system } = process.cpuUsage(before);
    times.processor.push((user + system) / 1e6);
    // The first density carries the source along the paths, later ones only deposit it.
    start = performance.now();
    s.density(problem.horizon);
    times.density.push(seconds(start));
    start = performance.now();
    s.value(problem.horizon / 2, nodesOf(s.grid));
    times.value.push(seconds(start));
    last = s;
  }
  rows.push({
    problem: problem.name,
    nodes: `${points}²`,
    runs,
    solveSeconds: median(times.solve),
    processorSeconds: median(times.processor),
    firstDensitySeconds: median(times.density),
    valueAtAllNodesSeconds: median(times.value),
    peakMebibytes: Math.round(process.resourceUsage().maxRSS / 1024),
    counts: last?.counts,
    objective: last?.objective,
  });
}
// Above the number of cores other work competed: then processorSeconds is the number to compare.
const loadAverage = loadavg()[2];
console.log(JSON.stringify({ machine: await machine(), loadAverage, rows }, null, 2));
