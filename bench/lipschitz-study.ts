// Study: the Lipschitz-regularised porous medium (α = 2) on the grid, with particles that follow the exact critic between samples, and with
// particles that follow a network's. D and I as each family measures them; W₂ to the target, and D between equal samples by the exact
// engine, with one stick for all. Uniform target with the bound inactive and active (L = 10.1, 2), four modes in the plane. Writes the
// reports with pictures into a folder, and the numbers to standard output.
// Run:  npx tsc --outDir .cache/bench && node .cache/bench/bench/lipschitz-study.js [folder] > bench/results/lipschitz-study.json
import { fourModes, type GradientFlow, uniformTarget } from "../problems/index.js";
import { lipschitzFlow, neuralGradientFlow, particleGradientFlow } from "../solvers/index.js";
import { compare, writeReport } from "../src/report/index.js";
import type { Solver } from "../src/solver.js";
import { descentLaws } from "../src/verify/index.js";
import { machine } from "./machine.js";

const folder = process.argv[2] ?? "out/lipschitz-study";
const COUNT = 400;
const problems: readonly { readonly name: string; readonly problem: GradientFlow; readonly points: number }[] = [
  { name: "uniform-inactive", problem: uniformTarget(), points: 512 },
  { name: "uniform-active", problem: uniformTarget({ lipschitz: 2, horizon: 0.4 }), points: 512 },
  { name: "four-modes", problem: fourModes(), points: 96 },
];

const rows = [];
for (const { name, problem, points } of problems) {
  const solvers = [
    lipschitzFlow({ points, transport: "muscl" }),
    particleGradientFlow({ count: COUNT, targetCount: COUNT }),
    neuralGradientFlow({ count: COUNT, targetCount: COUNT }),
  ] as unknown as readonly Solver<GradientFlow>[];
  const comparison = await compare(problem, { solvers, laws: descentLaws(), count: 256, seed: 1, device: "cpu" });
  await writeReport(comparison, `${folder}/${name}`);
  const [study] = comparison.record.studies;
  for (const [k, run] of study.runs.entries()) {
    const { energies, dissipations, times } = comparison.studies[0].runs[k].solution as unknown as {
      energies: readonly number[];
      dissipations: readonly (number | null)[];
      times: Float64Array;
    };
    // Nine times suffice to draw D and I.
    const looks = Array.from({ length: 9 }, (_, i) => Math.round((i * (times.length - 1)) / 8));
    rows.push({
      problem: name,
      solver: run.solver,
      status: run.status?.text,
      seconds: run.seconds,
      times: looks.map((n) => times[n]),
      energy: looks.map((n) => energies[n]),
      dissipation: looks.map((n) => dissipations[n]),
      closedFormEnergy: problem.exact?.energy ? looks.map((n) => problem.exact?.energy?.(times[n])) : null,
      series: run.series,
      exact: run.exact,
      numbers: run.numbers,
      laws: run.laws.map(({ law, value, holds }) => ({ law, value, holds })),
    });
  }
  rows.push({ problem: name, pairwise: study.pairwise, samplingFloor: study.samplingFloor });
}
console.log(JSON.stringify({ machine: await machine(), count: COUNT, rows }, null, 2));
