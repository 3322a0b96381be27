// Evidence for the two solvers of games that need no grid, particles with regression and networks: games with closed forms in 1, 2 and
// 10 dimensions, and the game on the circle with its spectral values. Errors of u (after the mean difference is taken out) and of the
// velocity are relative L² on the solution's own crowd, the law's are those of the variance a coordinate at T.
// Run:  npx tsc --outDir .cache/bench && node .cache/bench/bench/neural-game.js [names, comma-separated] > bench/results/neural-game.json
import {
  linearQuadraticMean,
  logGaussian,
  type MeanFieldGame,
  torusCrowd,
  torusCrowdValues,
} from "../problems/index.js";
import { neuralGame, particleFixedPoint } from "../solvers/index.js";
import { moments } from "../src/measure/index.js";
import type { GameSolution } from "../src/solution/index.js";
import { solve } from "../src/solve.js";
import { machine } from "./machine.js";

interface Case {
  readonly name: string;
  readonly game: MeanFieldGame;
  readonly seeds: number;
}

const cases: Case[] = [
  ...[1, 2, 10].map((dimension) => ({
    name: `own-mean-${dimension}d`,
    game: linearQuadraticMean({ dimension }),
    seeds: dimension < 10 ? 2 : 1,
  })),
  ...[1, 2, 10].map((dimension) => ({
    name: `log-${dimension}d`,
    game: logGaussian({ dimension }),
    seeds: dimension < 10 ? 2 : 1,
  })),
  { name: "circle", game: torusCrowd({ dimension: 1 }), seeds: 2 },
];
const wanted = process.argv[2]?.split(",") ?? null;
const solvers = { particle: particleFixedPoint(), neural: neuralGame() };

function mean(values: Float64Array): number {
  return values.reduce((sum, v) => sum + v, 0) / values.length;
}

function relative(error: Float64Array, size: Float64Array): number {
  return Math.sqrt(mean(error.map((v) => v * v)) / mean(size.map((v) => v * v)));
}

/** ∇u of the closed form by central differences. */
function slope(game: MeanFieldGame, t: number, x: Float64Array): Float64Array {
  const d = game.dimension;
  const h = 1e-4;
  const out = new Float64Array(x.length);
  for (let a = 0; a < d; a++) {
    const moved = (by: number) =>
      game.exact!.value(
        t,
        x.map((v, i) => (i % d === a ? v + by : v)),
      );
    const [up, down] = [moved(h), moved(-h)];
    for (let i = 0; i < up.length; i++) out[i * d + a] = (up[i] - down[i]) / (2 * h);
  }
  return out;
}

function errors(game: MeanFieldGame, s: GameSolution): Record<string, unknown> {
  if (game.exact === null) {
    const x = Float64Array.from(torusCrowdValues.x);
    const gap = (found: Float64Array, known: readonly number[]) =>
      Math.max(...found.map((v, i) => Math.abs(v - known[i])));
    const log = (s as { logDensity?: ((t: number, x: Float64Array) => Float64Array) | null }).logDensity ?? null;
    return {
      value: gap(s.value(0, x), torusCrowdValues.value),
      density: log === null ? null : gap(log(game.horizon, x).map(Math.exp), torusCrowdValues.density),
    };
  }
  return Object.fromEntries(
    [0, 0.5].map((share) => {
      const t = share * game.horizon;
      const law = s.density(t);
      if (law.kind !== "cloud") throw new Error("a crowd was expected");
      const x = law.points;
      const [u, exact] = [s.value(t, x), game.exact!.value(t, x)];
      const level = mean(u) - mean(exact);
      const v = slope(game, t, x).map((p) => -p);
      return [
        `t=${t}`,
        {
          value: relative(
            u.map((y, i) => y - exact[i] - level),
            exact.map((y) => y - mean(exact)),
          ),
          level,
          velocity: relative(
            s.velocity(t, x).map((y, i) => y - v[i]),
            v,
          ),
        },
      ];
    }),
  );
}

const results = [];
for (const { name, game, seeds } of cases) {
  if (wanted !== null && !wanted.includes(name)) continue;
  for (const [family, solver] of Object.entries(solvers)) {
    for (let seed = 0; seed < seeds; seed++) {
      const cpu = process.cpuUsage();
      const s: GameSolution = await solve<MeanFieldGame, GameSolution<MeanFieldGame>>(game, solver, {
        seed,
        device: "cpu",
        onFailure: "return",
      });
      const { user, system } = process.cpuUsage(cpu);
      const { covariance } = moments(s.density(game.horizon));
      const d = game.dimension;
      const variance = covariance.reduce((sum, v, i) => sum + (i % (d + 1) === 0 ? v / d : 0), 0);
      results.push({
        name,
        family,
        seed,
        status: s.status,
        errors: errors(game, s),
        variance,
        seconds: s.seconds,
        cpuSeconds: (user + system) / 1e6,
        options: s.solver.options,
      });
      console.error(name, family, JSON.stringify(results.at(-1)));
    }
  }
}
console.log(JSON.stringify({ machine: await machine(), results }, null, 2));
