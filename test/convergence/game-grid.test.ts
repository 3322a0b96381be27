// Orders of the grid schemes for games on manufactured solutions (P16): slope and level.
import { describe, expect, test } from "vitest";
import type { MeanFieldGame } from "../../problems/index.js";
import { manufacturedTorus } from "../../problems/index.js";
import type { GridGameSolution } from "../../solvers/grid/index.js";
import { newton } from "../../solvers/grid/index.js";
import { convergence } from "../../src/verify/index.js";

/** Largest errors of u(0, ·) and m(T, ·) at the cell centres. */
const errors = (problem: MeanFieldGame) => (s: GridGameSolution) => {
  const { cells, value, density, times } = s.fields;
  const [u, m] = [problem.exact?.value(0, cells.points), problem.exact?.density(problem.horizon, cells.points)];
  const farthest = (a: Float64Array, b?: Float64Array) =>
    a.reduce((most, v, i) => Math.max(most, Math.abs(v - (b?.[i] ?? Number.NaN))), 0);
  return { value: farthest(value[0][0], u), density: farthest(density[0][times.length - 1], m) };
};

describe("order on manufactured games", () => {
  test.each([
    { dimension: 1, scheme: "upwind", resolutions: [32, 64, 128], least: 0.9, most: 1.05, levels: [2.2e-2, 1.4e-3] },
    { dimension: 1, scheme: "central", resolutions: [16, 32, 64], least: 1.95, most: 2.05, levels: [1.3e-3, 1.9e-3] },
    { dimension: 2, scheme: "central", resolutions: [12, 24], least: 1.85, most: 2.05, levels: [1.2e-2, 1.5e-2] },
    // before the asymptotic range, which starts near 64: only better with each grid
    { dimension: 2, scheme: "upwind", resolutions: [12, 24], least: 0.6, most: 2, levels: [1.1e-1, 3.5e-3] },
    { dimension: 3, scheme: "central", resolutions: [6, 12], least: 1.4, most: 2.1, levels: [4.2e-2, 5.5e-2] },
  ] as const)("$dimension-D, $scheme", async ({ dimension, scheme, resolutions, least, most, levels }) => {
    const problem = manufacturedTorus({ dimension });
    const table = await convergence((points) => newton({ points, steps: points, scheme, tolerance: 1e-7 }), problem, {
      resolutions,
      errors: errors(problem),
    });
    table.columns.forEach((column, k) => {
      expect(column.order).toBeGreaterThan(least);
      expect(column.order).toBeLessThan(most);
      expect(column.level).toBeLessThan(levels[k]);
    });
  });

  test("the order that the solver states is that of its scheme", () => {
    expect(newton().order).toBe(1);
    expect(newton({ scheme: "central" }).order).toBe(2);
  });
});
