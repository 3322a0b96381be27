// Cells of every kind for property tests: one to three axes, periodic, walls, doors, obstacles.
import fc from "fast-check";
import { type Cells, cells, domain, type Ends } from "../../src/grid/index.js";
import { noise } from "./dense.js";

/** Random cells, `most` at most along each axis. */
export const anyCells = (most = 9): fc.Arbitrary<Cells> =>
  fc
    .record({
      axes: fc.array(
        fc.record({
          points: fc.integer({ min: 4, max: most }),
          width: fc.double({ min: 0.5, max: 3, noNaN: true }),
          ends: fc.constantFrom<Ends>("periodic", "no-flux", "door", ["no-flux", "door"]),
        }),
        { minLength: 1, maxLength: 3 },
      ),
      solid: fc.option(fc.integer(), { nil: null }),
      cost: fc.double({ min: -1, max: 1, noNaN: true }),
    })
    .map(({ axes, solid, cost }) => {
      const lower = axes.map(() => -1);
      const upper = axes.map(({ width }) => width - 1);
      const size = axes.reduce((n, { points }) => n * points, 1);
      const matter = solid === null ? null : noise(size, solid).map((v) => (v > 0.6 ? 1 : 0));
      // The first cell stays open, and every door keeps a face.
      const obstacle = (x: Float64Array): boolean => {
        const index = axes.map(({ points, width }, a) => Math.floor(((x[a] + 1) / width) * points));
        if (index.some((i, a) => i === 0 || i === axes[a].points - 1)) return false;
        return matter![index.reduce((k, i, a) => k * axes[a].points + i, 0)] === 1;
      };
      return cells(
        domain({
          lower,
          upper,
          ends: axes.map(({ ends }) => ends),
          doors: axes[0].ends === "no-flux" && axes.length > 1 ? [{ axis: 0, side: "lower", cost }] : [],
          obstacle: matter === null ? null : obstacle,
        }),
        axes.map(({ points }) => points),
      );
    });

/** A random field, 0 in solid cells. */
export function fieldOn(c: Cells, seed: number): Float64Array {
  return noise(c.grid.size, seed).map((v, k) => (c.open[k] === 1 ? v : 0));
}

/** Random upwind slopes: ≥ 0 on even links, ≤ 0 on odd ones, 0 in solid cells. */
export function upwindSlopes(c: Cells, seed: number): Float64Array[] {
  return c.neighbour.map((_, j) =>
    fieldOn(c, seed + 31 * j).map((v) => (j % 2 === 0 ? Math.max(v, 0) : Math.min(v, 0))),
  );
}
