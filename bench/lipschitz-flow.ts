// Time and memory of Lipschitz-regularised flows: one step of 256² cells (the first critic apart from a warm-started step), and whole flows
// on the line; N(−e₁, I) to N(e₁, I), KL and α = 2, L = 1, MUSCL. Every measurement is a process of its own.
// Run:  npx tsc --outDir .cache/bench && node .cache/bench/bench/lipschitz-flow.js [largest side] > bench/results/lipschitz-flow.json
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { gradientFlow, lipschitzDivergence } from "../problems/index.js";
import { lipschitzFlow } from "../solvers/index.js";
import { domain } from "../src/grid/index.js";
import { alphaDivergence, gaussian, kullbackLeibler } from "../src/measure/index.js";
import { solve } from "../src/solve.js";
import { machine } from "./machine.js";

const divergences = { KL: kullbackLeibler(), "α = 2": alphaDivergence(2) };

async function once(name: keyof typeof divergences, dimension: number, points: number, tolerance: number) {
  const mean = (x: number) => Array.from({ length: dimension }, (_, a) => (a === 0 ? x : 0));
  // Two steps of the CFL condition in the plane, half a unit of time on the line.
  const horizon = dimension === 1 ? 0.5 : (0.99 * (10 / points)) / 2;
  const problem = gradientFlow({
    domain: domain({
      lower: Array(dimension).fill(-5),
      upper: Array(dimension).fill(5),
      ends: dimension === 1 ? ["no-flux"] : "no-flux",
    }),
    horizon,
    initial: gaussian({ mean: mean(-1) }),
    energy: lipschitzDivergence({
      dimension,
      divergence: divergences[name],
      lipschitz: 1,
      target: gaussian({ mean: mean(1) }),
    }),
  });
  const marks: number[] = [];
  const began = performance.now();
  const solution = await solve(
    problem,
    lipschitzFlow({
      points,
      transport: "muscl",
      tolerance,
      ...(dimension === 1 ? {} : { steps: 2, maxIterations: 4000 }),
    }),
    { onFailure: "return", onProgress: () => marks.push((performance.now() - began) / 1000) },
  );
  const steps = solution.times.length - 1;
  return {
    divergence: name,
    dimension,
    points,
    tolerance,
    steps,
    seconds: solution.seconds,
    lastStepSeconds: marks[marks.length - 1] - marks[marks.length - 2],
    criticIterations: solution.counts.criticIterations,
    largestGap: Math.max(...solution.primal.map((v, n) => v - solution.dual[n])),
    energy: solution.energies.at(-1),
    peakMebibytes: Math.round(process.resourceUsage().maxRSS / 1024),
    status: solution.status.text,
  };
}

if (process.argv[2] === "once") {
  const [, , , name, dimension, points, tolerance] = process.argv;
  console.log(
    JSON.stringify(await once(name as keyof typeof divergences, Number(dimension), Number(points), Number(tolerance))),
  );
} else {
  const largest = Number(process.argv[2] ?? 256);
  const rows = [];
  for (const name of Object.keys(divergences))
    for (const [dimension, points, tolerance] of [
      [1, 256, 1e-7],
      [1, 1024, 1e-7],
      [2, 64, 1e-3],
      [2, 128, 1e-3],
      [2, 256, 1e-3],
    ]) {
      if (dimension === 2 && points > largest) continue;
      const args = [fileURLToPath(import.meta.url), "once", name, dimension, points, tolerance].map(String);
      rows.push(JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })));
    }
  console.log(JSON.stringify({ machine: await machine(), rows }, null, 2));
}
