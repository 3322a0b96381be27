// One minimising movement of Barenblatt's solution, m = 2 in the plane: processor seconds, memory and L¹ error by size. One process a row, so
// that the peak memory is the row's own.
// Run:  npx tsc --outDir .cache/bench && node .cache/bench/bench/jko.js [points …] > bench/results/jko.json
import { execFileSync } from "node:child_process";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { energy, gradientFlow, power } from "../problems/index.js";
import { jko } from "../solvers/grid/index.js";
import { domain } from "../src/grid/index.js";
import { solve } from "../src/solve.js";
import { machine } from "./machine.js";

const STEP = 0.01;
const START = 0.1;

/** t^{−½}(C − |x|²/(16 √t))₊, mass not 1. */
const profile = (x: Float64Array, t: number): number =>
  Math.max(0, 0.3 - (x[0] ** 2 + x[1] ** 2) / (16 * Math.sqrt(t))) / Math.sqrt(t);

async function row(points: number): Promise<Record<string, unknown>> {
  const problem = gradientFlow({
    domain: domain({ lower: [-2.5, -2.5], upper: [2.5, 2.5], ends: "no-flux" }),
    energy: energy({ dimension: 2, internal: power(2) }),
    initial: (x) => profile(x, START),
    horizon: STEP,
    mass: null,
  });
  const before = process.cpuUsage();
  const began = performance.now();
  const sol = await solve(problem, jko({ points, step: STEP }), { onFailure: "return" });
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(before);
  let error = 0;
  let mass = 0;
  sol.slabs[1].forEach((v, k) => {
    error += Math.abs(v - profile(sol.cells.points.slice(2 * k, 2 * k + 2), START + STEP));
    mass += v;
  });
  return {
    points,
    seconds,
    processorSeconds: (user + system) / 1e6,
    peakMebibytes: process.resourceUsage().maxRSS / 1024,
    error: error / mass,
    status: sol.status.text,
    counts: sol.counts,
    gap: sol.objective.gap,
  };
}

if (process.argv[2] === "--row") console.log(JSON.stringify(await row(Number(process.argv[3]))));
else {
  const sizes = process.argv.length > 2 ? process.argv.slice(2) : ["64", "128", "256"];
  const rows = sizes.map((n) =>
    JSON.parse(execFileSync(process.execPath, [fileURLToPath(import.meta.url), "--row", n], { encoding: "utf8" })),
  );
  console.log(JSON.stringify({ machine: await machine(), loadAverage: loadavg(), step: STEP, rows }, null, 2));
}
