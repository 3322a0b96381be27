// What solutions on cells store beside their fields.
import ndarray, { type NdArray } from "ndarray";
import type { Cells } from "../../src/grid/index.js";

/** times; open, 1 in open cells and 0 in solid ones; axis0 …, the centres along each axis. */
export function cellArrays({ grid, open }: Cells, times: Float64Array): Record<string, NdArray<Float64Array>> {
  return {
    times: ndarray(times.slice(), [times.length]),
    open: ndarray(Float64Array.from(open), [...grid.shape]),
    ...Object.fromEntries(grid.axes.map(({ nodes, points }, a) => [`axis${a}`, ndarray(nodes.slice(), [points])])),
  };
}
