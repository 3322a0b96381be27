// Arbitrary grids and fields for the property tests of this folder.
import fc from "fast-check";
import { type Axis, axis, type Boundary, type Grid, grid } from "../../src/grid/index.js";

export const boundaries: readonly Boundary[] = ["periodic", "no-flux", "dirichlet"];
export const numRuns = Number(process.env.LAWS === "thorough" ? 500 : 25);

/** Axes of 4–9 nodes with any boundary, so that three of them make a non-square 3-D grid. */
export const anyAxis: fc.Arbitrary<Axis> = fc
  .record({
    lower: fc.double({ min: -3, max: 3, noNaN: true }),
    width: fc.double({ min: 0.5, max: 4, noNaN: true }),
    points: fc.integer({ min: 4, max: 9 }),
    boundary: fc.constantFrom(...boundaries),
  })
  .map(({ lower, width, points, boundary }) => axis({ lower, upper: lower + width, points, boundary }));

export const anyGrid: fc.Arbitrary<Grid> = fc.array(anyAxis, { minLength: 1, maxLength: 3 }).map((axes) => grid(axes));

/** Entries in [−1, 1] from a seed (xorshift), any length. */
export function noise(length: number, seed: number): Float64Array {
  let state = (seed | 0) ^ 0x9e3779b9 || 1;
  return Float64Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 2 ** 31;
  });
}

/** Every grid of the given sizes with every combination of boundaries. */
export function allGrids(points: readonly number[], lower = 0, upper = 1): Grid[] {
  let lists: Axis[][] = [[]];
  points.forEach((n, a) => {
    lists = lists.flatMap((list) =>
      boundaries.map((boundary) => [...list, axis({ lower, upper: upper + a, points: n, boundary })]),
    );
  });
  return lists.map((axes) => grid(axes));
}
