// Evidence for games: grids, particles and networks on the torus crowd (P3), the logarithmic Gaussian (P5) and the linear–quadratic
// game (P6) in one and two dimensions, and network, particles and closed form of P5 and P6 in ten.
// Run:  npx tsc --outDir .cache/bench && node .cache/bench/bench/games.js FOLDER > bench/results/games.json
// FOLDER gets the report page. Optional second argument: cases by name, comma-separated.
import { linearQuadraticMean, logGaussian, type MeanFieldGame, torusCrowd } from "../problems/index.js";
import {
  coleHopf,
  exploitabilityLaw,
  neuralGame,
  newton,
  particleFixedPoint,
  uniquenessOfGame,
} from "../solvers/index.js";
import { compare, writeReport } from "../src/report/index.js";
import type { Solver } from "../src/solver.js";
import { gameLaws } from "../src/verify/index.js";
import { machine } from "./machine.js";

const named = (game: MeanFieldGame, name: string): MeanFieldGame => ({ ...game, name });
const CASES: readonly MeanFieldGame[] = [
  named(torusCrowd({ dimension: 1, viscosity: 0.3 }), "torus-crowd-1d"),
  named(torusCrowd({ dimension: 2, viscosity: 0.3 }), "torus-crowd-2d"),
  ...[1, 2, 10].map((dimension) => named(logGaussian({ dimension }), `log-gaussian-${dimension}d`)),
  ...[1, 2, 10].map((dimension) => named(linearQuadraticMean({ dimension }), `linear-quadratic-mean-${dimension}d`)),
];

const folder = process.argv[2] ?? "out/games";
const wanted = process.argv[3]?.split(",") ?? null;
const cases = CASES.filter((game) => wanted === null || wanted.includes(game.name));

const comparison = await compare(cases, {
  solvers: [newton(), coleHopf(), particleFixedPoint(), neuralGame()] as unknown as readonly Solver<MeanFieldGame>[],
  laws: [...gameLaws(), exploitabilityLaw()] as never,
  uniqueness: async (game) => {
    const found = await uniquenessOfGame(game);
    if (typeof found === "string") return { unique: null, density: null, value: null, text: `not asked: ${found}` };
    const { unique, density, value, text } = found;
    return { unique, density, value, text };
  },
  onProgress: ({ problem, solver, stage }) => process.stderr.write(`\r\x1b[K${problem} ${solver ?? ""} ${stage}`),
});
await writeReport(comparison, folder);

process.stdout.write(
  `${JSON.stringify(
    {
      benchmark: "games: grid, particles, network",
      machine: await machine(),
      studies: comparison.record.studies.map((study) => ({
        name: study.name,
        uniqueness: study.uniqueness?.text ?? null,
        samplingFloor: study.samplingFloor?.mean ?? null,
        pairwise: study.pairwise,
        runs: study.runs.map((run) => ({
          solver: run.solver,
          failure: run.failure,
          status: run.status?.text ?? null,
          seconds: run.seconds,
          exact: run.exact,
          numbers: run.numbers,
          laws: run.laws.map(({ law, value, standardError, holds, note }) => ({
            law,
            value,
            standardError,
            holds,
            note,
          })),
        })),
      })),
    },
    null,
    2,
  )}\n`,
);
