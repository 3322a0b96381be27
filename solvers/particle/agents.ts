// Agents of a game: where they start, how walls and periodic axes hold them, how they follow a feedback.
//   start   stratified draws from a density: u_i = (i + U_i)/n through the inverse of the cells' distribution function (1-D, 2-D);
//           independent draws from a distribution otherwise
//   step    X ← X + Δt v + √(2νΔt) ξ, then folded: wrapped on periodic axes, mirrored at walls (Skorokhod reflection to order ½)
// Reference: Gobet 2001, reflected Euler schemes (key gobet2001euler). Doors and obstacles are not known here.
import type { MeanFieldGame, Population } from "../../problems/mean-field-game.js";
import { densityOn } from "../../problems/terms/index.js";
import { demand, UsageError } from "../../src/error.js";
import { cells, type Domain } from "../../src/grid/index.js";
import type { Cloud } from "../../src/measure/index.js";
import type { Problem } from "../../src/problem.js";
import { type Generator, generator } from "../../src/random/index.js";
import type { GameTrajectoryOptions, Trajectories } from "../../src/solution/index.js";

/** Why agents cannot play this problem, in one sentence; `null` when they can. */
export function refusalForAgents(problem: Problem): string | null {
  if (problem.kind !== "mean-field-game")
    return `it solves mean-field-game problems, not ${problem.kind}; use a solver of that family`;
  const game = problem as MeanFieldGame;
  if (game.mode === "ergodic")
    return "the game is ergodic and has no initial law to draw agents from; use ergodic(), or a long time-dependent game";
  if (game.mode === "planning")
    return "the final law is prescribed, which agents cannot be made to meet; use schroedingerBridge() or newton()";
  if (game.domain.obstacle !== null)
    return "the domain has an obstacle, which the smooth functions of this method do not see; use newton() on a grid";
  if (game.domain.doors.length > 0)
    return "the domain has doors, through which agents would leave; use newton() on a grid";
  for (const p of game.populations) {
    if (p.densitySource !== null)
      return `the density source of population ${p.name} makes and removes mass, which agents cannot follow; leave densitySource out, or use newton() on a grid`;
    if (p.initial?.distribution === null && game.dimension > 3)
      return `the initial law of population ${p.name} is a density in ${game.dimension} dimensions, which is not sampled; give a distribution, for example gaussian({ mean, sd })`;
  }
  return null;
}

/** Whether a term of the game asks for densities at points, beyond what the clouds themselves tell. */
export function needsDensity(game: MeanFieldGame, laws: readonly Cloud[]): boolean {
  if (game.populations.some((p) => p.hamiltonian.dependsOnMass)) return true;
  return [game.coupling, game.terminal].some((c) => {
    if (c === null || !c.dependsOnMass) return false;
    try {
      for (let k = 0; k < laws.length; k++) c.at(0, k, laws[k].points, { laws, densities: null });
      return false;
    } catch (error) {
      if (error instanceof UsageError) return true; // what a coupling says that cannot do without
      throw error;
    }
  });
}

/** What walls are to functions of x: ends of a box that the crowd does not reach, or walls that it leans on. */
export type Walls = "far" | "reflecting";

/** The choice, or by the laws: a distribution lives on R^d and its box is a cut, a density is given on the box itself. */
export function wallsOf(game: MeanFieldGame, choice: Walls | null): Walls {
  return choice ?? (game.populations.every((p) => p.initial!.distribution !== null) ? "far" : "reflecting");
}

/** Cells an axis for draws from a density, by dimension. */
const FINE = [4096, 384, 64];

/** Agents at t = 0. */
export interface StartingAgents {
  /** Row-major. */
  readonly points: Float64Array;
  /** What they stand for together. */
  readonly mass: number;
  /** Factor from the law's density to the population's, mass included. */
  readonly scale: number;
}

/** Agents drawn from a population's initial law. */
export function startingAgents(
  population: Population,
  domain: Domain,
  count: number,
  draws: Generator,
): StartingAgents {
  const law = population.initial!;
  const d = domain.dimension;
  if (law.density === null || (d > 2 && law.distribution !== null)) {
    const mass = population.mass ?? 1;
    return { points: law.distribution!.sample(count, draws).points, mass, scale: mass };
  }
  const c = cells(domain, FINE[d - 1]);
  const values = densityOn(law, null, c, "initial law");
  let sum = 0;
  for (let k = 0; k < values.length; k++) sum += values[k];
  const total = sum * c.grid.cellVolume;
  demand(total > 0, "initial law", law.text, "have mass on the domain", total, "Move it into the box");
  const inCell = draws.uniform(count);
  const places = draws.uniform(count * d);
  let k = 0;
  let below = 0;
  for (let i = 0; i < count; i++) {
    const level = ((i + inCell[i]) / count) * sum;
    while (below + values[k] <= level && k < values.length - 1) below += values[k++];
    for (let a = 0; a < d; a++)
      places[i * d + a] = c.points[k * d + a] + c.grid.axes[a].spacing * (places[i * d + a] - 0.5);
  }
  const mass = population.mass ?? total;
  return { points: places, mass, scale: mass / total };
}

/** Folds points back into the box, in place; returns how many coordinates met a wall. */
export function foldInto(domain: Domain, points: Float64Array): number {
  const { dimension: d, lower, upper, ends } = domain;
  let hits = 0;
  for (let i = 0; i < points.length; i++) {
    const a = i % d;
    const x = points[i];
    if (x >= lower[a] && x <= upper[a]) continue;
    const length = upper[a] - lower[a];
    if (ends[a] === "periodic") points[i] = x - length * Math.floor((x - lower[a]) / length);
    else {
      const r = x - lower[a] - 2 * length * Math.floor((x - lower[a]) / (2 * length));
      points[i] = lower[a] + (r <= length ? r : 2 * length - r);
      hits++;
    }
  }
  return hits;
}

/**
 * Positions at the share s of a step: a Brownian bridge between both ends, so that the variance between nodes is right. At s = 0 and 1
 * the ends themselves.
 *
 * @param spread ν Δt of the step
 */
export function between(
  domain: Domain,
  start: Float64Array,
  end: Float64Array,
  s: number,
  spread: number,
  draws: Generator,
): Float64Array {
  if (s === 0 || s === 1) return s === 0 ? start : end;
  const { dimension: d, lower, upper, ends } = domain;
  const sd = Math.sqrt(2 * spread * s * (1 - s));
  const xi = draws.normal(start.length);
  const out = start.map((x, i) => {
    const a = i % d;
    const length = upper[a] - lower[a];
    const move = end[i] - x;
    const shortest = ends[a] === "periodic" ? move - length * Math.round(move / length) : move;
    return x + s * shortest + sd * xi[i];
  });
  foldInto(domain, out);
  return out;
}

/** t itself, when it is a time of the game. */
export function gameTime(where: string, t: number, horizon: number): number {
  demand(t >= 0 && t <= horizon, where, "t", `be in [0, ${horizon}]`, t, "Give a time of the game");
  return t;
}

/** k itself, when it is a population of the game. */
export function gamePopulation(where: string, k: number, count: number): number {
  demand(
    Number.isInteger(k) && k >= 0 && k < count,
    where,
    "population",
    `be an integer 0 … ${count - 1}`,
    k,
    "Name a population of the game by its number",
  );
  return k;
}

/**
 * Paths of agents under a feedback: Heun's scheme with one noise for both stages (weak order 2 for smooth feedback away from walls).
 *
 * @param velocity v*(t, x) of population k at row-major points
 * @param ownSeed seed of starts and noise when the options name none
 * @throws UsageError when an option is out of range
 */
export function followAgents(
  where: string,
  game: MeanFieldGame,
  velocity: (t: number, x: Float64Array, k: number) => Float64Array,
  options: GameTrajectoryOptions,
  ownSeed: number,
): Trajectories {
  const { count = 256, steps = 20, seed = ownSeed, start, noise = true } = options;
  const k = gamePopulation(where, options.population ?? 0, game.populations.length);
  const d = game.dimension;
  for (const [name, value, usual] of [
    ["count", count, 256],
    ["steps", steps, 20],
  ] as const)
    demand(
      Number.isInteger(value) && value >= 1,
      where,
      `trajectories.${name}`,
      "be an integer ≥ 1",
      value,
      `Use ${name}: ${usual} to start`,
    );
  demand(
    start === undefined || start.dimension === d,
    where,
    "trajectories.start",
    `have the game's dimension ${d}`,
    start?.dimension,
    "Give points of the same space",
  );
  const draws = generator(seed).split(`trajectories ${k}`);
  const population = game.populations[k];
  const first =
    start === undefined
      ? startingAgents(population, game.domain, count, draws.split("start")).points
      : start.points.slice();
  foldInto(game.domain, first);
  const size = first.length;
  const times = Float64Array.from({ length: steps + 1 }, (_, n) => (n / steps) * game.horizon);
  const positions = new Float64Array((steps + 1) * size);
  positions.set(first);
  const kicks = draws.split("noise");
  for (let n = 0; n < steps; n++) {
    const dt = times[n + 1] - times[n];
    const xi = noise && population.viscosity > 0 ? kicks.normal(size) : new Float64Array(size);
    const next = heunStep(
      game.domain,
      positions.subarray(n * size, (n + 1) * size),
      xi,
      Math.sqrt(2 * population.viscosity * dt),
      dt,
      (x) => velocity(times[n], x, k),
      (x) => velocity(times[n + 1], x, k),
    );
    positions.set(next.points, (n + 1) * size);
  }
  return { count: size / d, dimension: d, times, positions, weights: start?.weights ?? null };
}

/** X + ½Δt(v(X) + v⁺(X + Δt v(X) + σξ)) + σξ, folded; and how many coordinates met a wall. */
export function heunStep(
  domain: Domain,
  x: Float64Array,
  xi: Float64Array,
  sigma: number,
  dt: number,
  before: (x: Float64Array) => Float64Array,
  after: (x: Float64Array) => Float64Array,
): { readonly points: Float64Array; readonly hits: number } {
  const v = before(x);
  const points = new Float64Array(x.length);
  for (let i = 0; i < x.length; i++) points[i] = x[i] + dt * v[i] + sigma * xi[i];
  foldInto(domain, points);
  const w = after(points);
  for (let i = 0; i < x.length; i++) points[i] = x[i] + 0.5 * dt * (v[i] + w[i]) + sigma * xi[i];
  return { points, hits: foldInto(domain, points) };
}
