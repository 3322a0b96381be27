// For tests of game solvers against each other: how far two solutions on the same cells and times are apart.
import type { GridGameSolution } from "../../../solvers/grid/index.js";

/** max over populations, times and cells of |difference| of values and of densities. */
export function distances(a: GridGameSolution, b: GridGameSolution): { value: number; density: number } {
  const largest = (which: "value" | "density"): number => {
    let worst = 0;
    a.fields[which].forEach((slabs, k) => {
      slabs.forEach((slab, n) => {
        slab.forEach((v, i) => {
          const gap = Math.abs(v - b.fields[which][k][n][i]);
          if (!(gap <= worst)) worst = gap;
        });
      });
    });
    return worst;
  };
  return { value: largest("value"), density: largest("density") };
}

/** Values of a history by name. */
export function history(solution: GridGameSolution, name: string): readonly number[] {
  const found = solution.histories.find((h) => h.name === name);
  if (found === undefined) throw new Error(`no history ${name}`);
  return found.values;
}
