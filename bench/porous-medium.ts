// Time, memory and error of the porous-medium solvers: Barenblatt's solution, m = 2, mass 1, in the plane from age 1 to age 2 on the box
// [−R, R]², R = 1.2 times the last front (2.125), 512² cells, one thread. L¹ errors at the end, relative to the mass. Medians over runs.
// Run:  npx tsc --outDir .cache/bench && node .cache/bench/bench/porous-medium.js [points an axis] [runs] > bench/results/porous-medium.json
import { loadavg } from "node:os";
import { barenblatt } from "../problems/index.js";
import { type PorousMediumOptions, porousMedium } from "../solvers/grid/index.js";
import { solve } from "../src/solve.js";
import { machine } from "./machine.js";

const points = Number(process.argv[2] ?? 512);
const runs = Number(process.argv[3] ?? 3);
const problem = barenblatt({ dimension: 2 });
const median = (x: number[]): number => x.sort((a, b) => a - b)[Math.floor(x.length / 2)];

const cases: readonly PorousMediumOptions[] = [
  { scheme: "rkl2", steps: 2 },
  { scheme: "rkl2", steps: 4 },
  { scheme: "rkl2", steps: 16 },
  { scheme: "second-order", steps: 4, tolerance: 1e-6 },
  { scheme: "second-order", steps: 16, tolerance: 1e-8 },
  { scheme: "implicit", steps: 16, tolerance: 1e-6 },
  { scheme: "implicit", steps: 64, tolerance: 1e-8 },
];

const rows = [];
for (const options of cases) {
  // Compiled before anything is timed.
  await solve(problem, porousMedium({ ...options, points: 32 }), { onFailure: "return" });
  const seconds: number[] = [];
  const processor: number[] = [];
  let row = {};
  for (let run = 0; run < runs; run++) {
    const before = process.cpuUsage();
    const start = performance.now();
    const s = await solve(problem, porousMedium({ ...options, points }), { onFailure: "return" });
    seconds.push((performance.now() - start) / 1000);
    const { user, system } = process.cpuUsage(before);
    processor.push((user + system) / 1e6);
    const exact = problem.exact?.density?.(problem.horizon, s.cells.points) as Float64Array;
    const end = s.slabs[s.slabs.length - 1];
    let error = 0;
    let mass = 0;
    exact.forEach((v, k) => {
      error += Math.abs(v - end[k]);
      mass += v;
    });
    row = { l1: error / mass, status: s.status.text, counts: s.counts };
  }
  rows.push({
    ...options,
    cells: `${points}²`,
    runs,
    seconds: median(seconds),
    processorSeconds: median(processor),
    peakMebibytes: Math.round(process.resourceUsage().maxRSS / 1024),
    ...row,
  });
  console.error(JSON.stringify(rows[rows.length - 1]));
}
// Above the number of cores other work competed: then processorSeconds is the number to compare.
const loadAverage = loadavg()[2];
console.log(
  JSON.stringify(
    { machine: await machine(), loadAverage, problem: problem.describe(), from: "age 1", to: "age 2", mass: 1, rows },
    null,
    2,
  ),
);
