// Newton's method on the planar torus game, f = m² − V: time, memory and counts by viscosity and size; 20 × 20 cells with 20 steps and 20³ cells
// with 20 steps. One process a row, so that the peak memory is the row's own. `seconds` is the clock, `processorSeconds` what the
// processor spent (compiler and collector threads included): the number to compare when other work ran beside. Medians after a first solve that
// compiles; the first solve of the process stands apart.
// Run:  npx tsc --outDir .cache/bench && node .cache/bench/bench/newton.js [runs] [rows, by number] > bench/results/newton.json
import { execFileSync } from "node:child_process";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { torusCrowd } from "../problems/index.js";
import { newton } from "../solvers/grid/index.js";
import { solve } from "../src/solve.js";
import { machine } from "./machine.js";

interface Row {
  readonly viscosity: number;
  readonly dimension: number;
  readonly points: number;
  readonly steps: number;
  readonly runs?: number;
  /** Newton and GMRES steps of a numpy prototype with a block-triangular preconditioner, and its seconds on one thread. */
  readonly reference?: readonly [number, number, number];
}

const ROWS: readonly Row[] = [
  { viscosity: 0.3, dimension: 2, points: 64, steps: 64, reference: [4, 19, 1.2] },
  { viscosity: 0.1, dimension: 2, points: 32, steps: 32, reference: [6, 55, 0.3] },
  { viscosity: 0.1, dimension: 2, points: 64, steps: 64, reference: [6, 59, 2.9] },
  { viscosity: 0.1, dimension: 2, points: 128, steps: 64, reference: [6, 64, 12.7] },
  { viscosity: 0.05, dimension: 2, points: 32, steps: 32, reference: [8, 147, 0.6] },
  { viscosity: 0.02, dimension: 2, points: 64, steps: 64, reference: [4, 221, 15.5] },
  { viscosity: 0.1, dimension: 2, points: 16, steps: 16 },
  { viscosity: 0.1, dimension: 2, points: 128, steps: 128, runs: 1 },
  { viscosity: 0.1, dimension: 2, points: 20, steps: 20, runs: 15 },
  { viscosity: 0.1, dimension: 3, points: 20, steps: 20 },
];

const median = (x: readonly number[]): number => x.toSorted((a, b) => a - b)[Math.floor(x.length / 2)];

/** Compensated, so that its own round-off does not count as lost mass. */
function sum(x: Float64Array): number {
  let total = 0;
  let lost = 0;
  for (const v of x) {
    const next = total + (v - lost);
    lost = next - total - (v - lost);
    total = next;
  }
  return total;
}

async function measure(row: Row, runs: number): Promise<Record<string, unknown>> {
  const game = torusCrowd({ viscosity: row.viscosity, dimension: row.dimension });
  const clock: number[] = [];
  const processor: number[] = [];
  let last = null;
  for (let run = 0; run <= runs; run++) {
    const before = process.cpuUsage();
    const start = performance.now();
    const s = await solve(game, newton({ points: row.points, steps: row.steps }));
    clock.push((performance.now() - start) / 1000);
    const { user, system } = process.cpuUsage(before);
    processor.push((user + system) / 1e6);
    last = s;
  }
  const density = last?.fields.density[0] ?? [];
  const mass = density.map((m) => Math.abs(sum(m) / m.length - 1));
  return {
    ...row,
    runs,
    unknowns: 2 * row.points ** row.dimension * row.steps,
    newtonSteps: last?.counts.newtonSteps,
    linearSteps: last?.counts.linearSteps,
    continuationNewtonSteps: last?.counts.continuationNewtonSteps,
    residual: last?.histories[0].values.at(-1),
    massError: mass.reduce((a, b) => Math.max(a, b), 0),
    leastDensity: density.reduce((least, m) => m.reduce((a, b) => Math.min(a, b), least), Infinity),
    firstSeconds: clock[0],
    seconds: median(clock.slice(1)),
    firstProcessorSeconds: processor[0],
    processorSeconds: median(processor.slice(1)),
    peakMebibytes: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

if (process.argv[2] === "row") {
  console.log(JSON.stringify(await measure(ROWS[Number(process.argv[3])], Number(process.argv[4]))));
} else {
  const runs = Number(process.argv[2] ?? 3);
  const wanted = process.argv[3]?.split(",").map(Number) ?? ROWS.map((_, k) => k);
  const rows = wanted.map((k) => {
    const args = [fileURLToPath(import.meta.url), "row", String(k), String(ROWS[k].runs ?? runs)];
    return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as Record<string, unknown>;
  });
  console.log(JSON.stringify({ machine: await machine(), loadAverage: loadavg()[2], rows }, null, 2));
}
