// The arrays that a numerical Hamiltonian fills, and what all of them do in solid cells: nothing moves there, all is 0.
import type { Cells } from "../../../src/grid/index.js";
import type { NumericalJet } from "./numerical-hamiltonian.js";

/** Place of the pair i ≤ j among the pairs of n things, row by row. */
export function pairIndex(i: number, j: number, n: number): number {
  return i * n - (i * (i - 1)) / 2 + (j - i);
}

/**
 * Makes a jet of zeros.
 *
 * @param curved whether ∂²G/∂D_i∂D_j (i ≤ j) can be other than 0
 * @param byMass H depends on m
 */
export function numericalJet(c: Cells, curved: (i: number, j: number) => boolean, byMass: boolean): NumericalJet {
  const { dimension, size } = c.grid;
  const links = 2 * dimension;
  const curvature: (Float64Array | null)[] = [];
  for (let i = 0; i < links; i++)
    for (let j = i; j < links; j++) curvature.push(curved(i, j) ? new Float64Array(size) : null);
  const columns = () => Array.from({ length: links }, () => new Float64Array(size));
  return {
    value: new Float64Array(size),
    slope: columns(),
    curvature,
    byMass: byMass ? new Float64Array(size) : null,
    slopeByMass: byMass ? columns() : null,
  };
}

/** Sets the jet to 0 in solid cells. */
export function clearSolid(c: Cells, out: NumericalJet, order: 0 | 1 | 2): void {
  if (c.openCount === c.grid.size) return;
  const { open } = c;
  clear(open, out.value);
  if (order >= 1) {
    for (const s of out.slope) clear(open, s);
    if (out.byMass !== null) clear(open, out.byMass);
  }
  if (order < 2) return;
  for (const q of out.curvature) if (q !== null) clear(open, q);
  if (out.slopeByMass !== null) for (const s of out.slopeByMass) clear(open, s);
}

function clear(open: Uint8Array, field: Float64Array): void {
  for (let k = 0; k < field.length; k++) if (open[k] === 0) field[k] = 0;
}
