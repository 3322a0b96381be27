// Paths on cells, of agents of a solved game, of diffusing particles or of the mass of a flow (ν = 0):
//   dX = v*(t, X) dt + √(2ν) dW,  X(0) ~ m(0).
// Scheme: Euler–Maruyama with seeded increments; each step's straight segment is traced through the cells of the domain:
//   periodic axis   goes round (stored coordinates stay inside the box)
//   wall, obstacle  is reflected: the part of the segment behind the face is mirrored, face by face (Lépingle 1995)
//   door            stops the path for good at the point where it crosses the face. A path that ends inside may have been out in
//                   between: it is stopped with the probability exp(−d₀d₁/(νΔt)) of the Brownian bridge, d₀, d₁ the
//                   distances of the ends from the door (Gobet 2000): weak order 1 instead of ½
// Obstacles are the staircase of solid cells that the grid solver saw. Weak order 1 in Δt inside and at doors, ½ at curved or moving
// reflection. References: Lépingle 1995 (key lepingle1995euler); Gobet 2000 (key gobet2000weak).
import type { Population } from "../../problems/mean-field-game.js";
import { demand, usageError } from "../../src/error.js";
import type { Cells } from "../../src/grid/index.js";
import { type Distribution, sampleDensity } from "../../src/measure/index.js";
import { type Generator, generator } from "../../src/random/index.js";
import type { GameFields, GameTrajectoryOptions, Trajectories } from "../../src/solution/index.js";
import { doorCosts } from "./cell-interpolation.js";

/** Paths of agents. */
export interface EquilibriumPaths extends Trajectories {
  /** Number of paths that have left through a door by `times[n]`; they stay where they left. */
  readonly exited: Int32Array;
}

/** What {@link equilibriumPaths} takes. */
export interface EquilibriumPathsOptions {
  readonly problem: { readonly populations: readonly Pick<Population, "viscosity" | "initial">[] };
  readonly fields: Pick<GameFields, "cells" | "times" | "density">;
  /** v* of the population that is followed, at n points; length n·d. */
  readonly velocity: (t: number, x: Float64Array) => Float64Array;
  /** Seed when the options name none. */
  readonly ownSeed: number;
  readonly options: GameTrajectoryOptions;
}

/** Distance from a face, in cells, that a path inside keeps: round-off shall not carry it into solid matter. */
const CLEARANCE = 1e-9;
/** Batches of draws from a law before it is said to have no mass in the domain. */
const MOST_BATCHES = 1000;

/**
 * Simulates agents of one population under the solved feedback.
 *
 * @param options game, slabs, feedback; count (default 256), steps (default 20), seed, start, population, noise
 * @returns paths at steps + 1 equally spaced times in [0, T], with uniform weights unless `start` has its own
 * @throws UsageError when count or steps is no positive integer, the population does not exist, or a start lies outside
 *
 * *Notes*: without `start`, paths begin with draws from the population's law where it can be sampled (draws outside the open part of the
 * domain are drawn again), else from m(0) on the cells. Sources of mass in the Fokker–Planck equation have no paths.
 *
 * *Good values*: steps as many as the solution's own; 1e4 paths for moments to one per cent.
 *
 * *References*: lepingle1995euler, gobet2000weak
 */
export function equilibriumPaths({
  problem,
  fields,
  velocity,
  ownSeed,
  options,
}: EquilibriumPathsOptions): EquilibriumPaths {
  const where = "trajectories";
  const { count = 256, steps = 20, seed = ownSeed, population: k = 0, noise = true } = options;
  const { cells } = fields;
  const d = cells.grid.dimension;
  const K = problem.populations.length;
  demand(Number.isInteger(count) && count >= 1, where, "count", "be an integer ≥ 1", count, "Use count: 256");
  demand(Number.isInteger(steps) && steps >= 1, where, "steps", "be an integer ≥ 1", steps, "Use steps: 20");
  demand(
    Number.isInteger(k) && k >= 0 && k < K,
    where,
    "population",
    `be a population 0 … ${K - 1}`,
    k,
    "Leave it out for the first",
  );
  const random = generator(seed).split("trajectories");
  const { viscosity, initial } = problem.populations[k];
  const start =
    options.start ??
    (initial !== null && initial.distribution !== null
      ? drawInside(initial.distribution, cells, count, random.split("start"))
      : sampleDensity(
          { kind: "density", grid: cells.grid, values: fields.density[k][0] },
          count,
          random.split("start"),
        ));
  demand(
    start.dimension === d,
    where,
    "start",
    `have the problem's dimension ${d}`,
    start.dimension,
    "Give starting points in the problem's space",
  );
  const size = start.count * d;
  const walk = walker(cells, start.count);
  for (let i = 0; i < start.count; i++)
    if (!walk.place(i, start.points))
      throw usageError(
        where,
        `start[${i}]`,
        "lie in the open part of the domain",
        Array.from(start.points.subarray(i * d, (i + 1) * d)),
        "Move it, or leave start out to draw from m(0)",
      );
  const horizon = fields.times[fields.times.length - 1];
  const times = Float64Array.from({ length: steps + 1 }, (_, n) => (n / steps) * horizon);
  const positions = new Float64Array((steps + 1) * size);
  walk.write(positions.subarray(0, size));
  const exited = new Int32Array(steps + 1);
  const noises = random.split("noise");
  const bridges = random.split("doors");
  const bridged = noise && viscosity > 0 && cells.doors.cell.length > 0;
  const nothing = new Float64Array(size);
  for (let n = 0; n < steps; n++) {
    const dt = times[n + 1] - times[n];
    const move = velocity(times[n], positions.subarray(n * size, (n + 1) * size));
    const sigma = Math.sqrt(2 * viscosity * dt);
    const dW = noise && viscosity > 0 ? noises.normal(size) : nothing;
    for (let i = 0; i < size; i++) move[i] = move[i] * dt + sigma * dW[i];
    const chance = bridged ? bridges.uniform(start.count) : null;
    exited[n + 1] = exited[n];
    for (let i = 0; i < start.count; i++)
      if (walk.advance(i, move, chance === null ? null : chance[i], viscosity * dt)) exited[n + 1]++;
    walk.write(positions.subarray((n + 1) * size, (n + 2) * size));
  }
  return { count: start.count, dimension: d, times, positions, weights: start.weights, exited };
}

/** Where paths are: a cell each, and the place in it. */
interface Walker {
  /** Puts path i at its point; `false` when it lies outside the open part. */
  place(i: number, points: Float64Array): boolean;
  /**
   * Moves path i by its row of `move`; `true` when it leaves by a door in this step.
   *
   * @param chance uniform draw for the bridge, `null` for none
   * @param spread νΔt
   */
  advance(i: number, move: Float64Array, chance: number | null, spread: number): boolean;
  /** Writes all positions. */
  write(out: Float64Array): void;
}

function walker(cells: Cells, count: number): Walker {
  const { grid: g, neighbour, open, domain } = cells;
  const d = g.dimension;
  const cost = doorCosts(cells);
  const cell = new Int32Array(count);
  const at = new Int32Array(count * d);
  const local = new Float64Array(count * d);
  const out = new Uint8Array(count);
  const step = new Float64Array(d);
  const before = new Float64Array(d);

  /** Distance of path i's end on axis a from the lower end, in cells. */
  const place = (i: number, points: Float64Array): boolean => {
    cell[i] = 0;
    for (let a = 0; a < d; a++) {
      const { lower, spacing, points: n, boundary } = g.axes[a];
      let s = (points[i * d + a] - lower) / spacing;
      if (boundary === "periodic") s -= Math.floor(s / n) * n;
      if (!(s >= 0 && s <= n)) return false;
      at[i * d + a] = Math.min(Math.floor(s), n - 1);
      local[i * d + a] = s - at[i * d + a];
      cell[i] += at[i * d + a] * g.strides[a];
    }
    return open[cell[i]] === 1;
  };

  /** Path i stopped by the bridge at a door between `before` and where it is now. */
  const bridge = (i: number, chance: number, spread: number): boolean => {
    let missed = 1;
    for (const door of domain.doors) {
      const { axis: a, side } = door;
      const { spacing: h, points: n } = g.axes[a];
      const face = side === "lower" ? 0 : n;
      const first = Math.abs(before[a] - face) * h;
      const last = Math.abs(at[i * d + a] + local[i * d + a] - face) * h;
      // The face where the bridge is taken to touch; only an open door lets it out.
      let exit = 0;
      const share = first / (first + last);
      for (let b = 0; b < d; b++) {
        const { points: m, boundary } = g.axes[b];
        const now = at[i * d + b] + local[i * d + b];
        let gap = now - before[b];
        if (boundary === "periodic") gap -= Math.round(gap / m) * m;
        let s = before[b] + share * gap;
        if (boundary === "periodic") s -= Math.floor(s / m) * m;
        step[b] = b === a ? face : s;
        exit += (b === a ? (side === "lower" ? 0 : n - 1) : Math.min(Math.floor(s), m - 1)) * g.strides[b];
      }
      const j = side === "lower" ? 2 * a : 2 * a + 1;
      if (Number.isNaN(cost[j][exit])) continue;
      missed *= 1 - Math.exp((-first * last) / spread);
      if (chance < missed) continue;
      cell[i] = exit;
      for (let b = 0; b < d; b++) {
        at[i * d + b] = Math.floor(exit / g.strides[b]) % g.shape[b];
        local[i * d + b] = step[b] - at[i * d + b];
      }
      return true;
    }
    return false;
  };

  const advance = (i: number, move: Float64Array, chance: number | null, spread: number): boolean => {
    if (out[i] === 1) return false;
    for (let a = 0; a < d; a++) {
      step[a] = move[i * d + a] / g.axes[a].spacing;
      before[a] = at[i * d + a] + local[i * d + a];
      if (!Number.isFinite(step[a]))
        throw usageError(
          "trajectories",
          "the velocity",
          `be finite at x = (${g.axes.map((x, b) => x.lower + before[b] * x.spacing).join(", ")})`,
          step[a],
          "Check the Hamiltonian's derivative there",
        );
      // A box without doors folds a long step: whole rounds, there and back between walls, change nothing.
      if (cells.isPlain) step[a] %= g.axes[a].boundary === "periodic" ? g.axes[a].points : 2 * g.axes[a].points;
    }
    for (;;) {
      let share = 1;
      let axis = -1;
      for (let a = 0; a < d; a++) {
        const room = step[a] > 0 ? 1 - local[i * d + a] : local[i * d + a];
        const reach = Math.abs(step[a]);
        if (reach > room && room / reach < share) {
          share = room / reach;
          axis = a;
        }
      }
      for (let a = 0; a < d; a++) {
        local[i * d + a] += share * step[a];
        step[a] *= 1 - share;
      }
      if (axis < 0) break;
      const up = step[axis] > 0;
      const j = up ? 2 * axis + 1 : 2 * axis;
      const other = neighbour[j][cell[i]];
      const own = i * d + axis;
      if (other !== cell[i]) {
        cell[i] = other;
        at[own] = Math.floor(other / g.strides[axis]) % g.shape[axis];
        local[own] = up ? 0 : 1;
      } else if (Number.isNaN(cost[j][cell[i]])) {
        step[axis] = -step[axis];
        local[own] = up ? 1 : 0;
      } else {
        local[own] = up ? 1 : 0;
        out[i] = 1;
        return true;
      }
    }
    for (let a = 0; a < d; a++) local[i * d + a] = clear(local[i * d + a]);
    if (chance !== null && bridge(i, chance, spread)) out[i] = 1;
    return out[i] === 1;
  };

  return {
    place,
    advance,
    write(positions) {
      for (let i = 0; i < positions.length; i++) {
        const { lower, spacing } = g.axes[i % d];
        positions[i] = lower + (at[i] + local[i]) * spacing;
      }
    },
  };
}

function clear(local: number): number {
  return Math.min(Math.max(local, CLEARANCE), 1 - CLEARANCE);
}

/** Draws from a law given that they lie in the open part of the domain. */
function drawInside(law: Distribution, cells: Cells, count: number, random: Generator) {
  const d = cells.grid.dimension;
  const points = new Float64Array(count * d);
  const test = walker(cells, count);
  let held = 0;
  for (let batch = 0; batch < MOST_BATCHES && held < count; batch++) {
    const drawn = law.sample(count, random).points;
    for (let i = 0; i < count && held < count; i++) {
      if (!test.place(i, drawn)) continue;
      points.set(drawn.subarray(i * d, (i + 1) * d), held * d);
      held++;
    }
  }
  demand(
    held === count,
    "trajectories",
    `the law ${law.name}`,
    "have mass in the open part of the domain",
    `${held} of ${MOST_BATCHES * count} draws inside`,
    "Give a start, or a law on the domain",
  );
  return { kind: "cloud" as const, dimension: d, count, points, weights: null };
}
