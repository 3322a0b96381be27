// Matrices of nearest-neighbour couplings on cells:  (A u)_k = diagonal_k u_k + Σ_j link_jk u_{neighbour_j(k)},  j = 0 … 2d − 1.
//   advection–diffusion   A = c − νΔ + Σ_j s_j D_j    with the differences D_j of src/grid (doors at cost 0)
//   its transpose         Aᵀ m = c m − νΔm + Σ_j D_jᵀ(s_j m), the Fokker–Planck operator
// For upwind slopes (s_j ≥ 0 backward, s_j ≤ 0 forward) and c > 0, A is a non-singular M-matrix: diagonal > 0, links ≤ 0, row sums
// c (more next to doors), hence A⁻¹ ≥ 0 and A⁻ᵀ ≥ 0: a comparison principle, and densities that stay ≥ 0. Columns of A sum to
// c + (what doors take), so Aᵀ moves mass and makes none. Solid cells have c alone (1 for c = 0): fields stay 0 there.
// Reference: Achdou, Capuzzo-Dolcetta 2010 (key achdou2010mean); Berman, Plemmons 1994 (key berman1994nonnegative).
import { demand } from "../error.js";
import { type Cells, demandField } from "../grid/index.js";

/** A matrix of nearest-neighbour couplings on cells; the arrays may be written. */
export interface Stencil {
  readonly cells: Cells;
  /** Length size. */
  readonly diagonal: Float64Array;
  /** Coefficient of the cell at the other end of link j at `link[j][k]`, 2d arrays; 0 at walls, doors and in solid cells. */
  readonly link: readonly Float64Array[];
}

/**
 * Makes the identity as a stencil, to be filled by {@link assembleStencil}.
 *
 * @param cells of any kind
 */
export function stencil(cells: Cells): Stencil {
  const { size, dimension } = cells.grid;
  return Object.freeze({
    cells,
    diagonal: new Float64Array(size).fill(1),
    link: Object.freeze(Array.from({ length: 2 * dimension }, () => new Float64Array(size))),
  });
}

/**
 * Fills a stencil with c − νΔ + Σ_j s_j D_j; allocates nothing.
 *
 * @param out written
 * @param shift c, any finite number
 * @param viscosity ν ≥ 0
 * @param slopes s, 2d fields; `null` = 0
 * @throws UsageError when shift, viscosity or the number of slopes is wrong
 *
 * *Notes*: doors enter with cost 0, as for increments and densities; what their costs add belongs to the right-hand side.
 *
 * *References*: achdou2010mean
 */
export function assembleStencil(
  out: Stencil,
  shift: number,
  viscosity: number,
  slopes: readonly Float64Array[] | null,
): void {
  const where = "assembleStencil";
  const { cells, link } = out;
  const { size, axes } = cells.grid;
  demand(Number.isFinite(shift), where, "shift", "be finite", shift, "Use 1/Δt for a step in time");
  demand(
    viscosity >= 0 && Number.isFinite(viscosity),
    where,
    "viscosity",
    "be a finite number ≥ 0",
    viscosity,
    "Use viscosity: 0.1 to start",
  );
  demand(
    slopes === null || slopes.length === link.length,
    where,
    "slopes",
    `be ${link.length} fields, one for each link`,
    slopes?.length,
    "Give the slopes of a numerical Hamiltonian, or null",
  );
  for (let j = 0; j < link.length; j++) {
    const h = axes[j >> 1].spacing;
    const diffusion = viscosity / h ** 2;
    const row = link[j];
    if (slopes === null) row.fill(diffusion);
    else {
      const sign = (j % 2 === 0 ? 1 : -1) / h;
      const s = slopes[j];
      for (let k = 0; k < size; k++) row[k] = diffusion + sign * s[k];
    }
  }
  assembleGenerator(out, shift, link, 1);
}

/**
 * Fills a stencil with c + scale · A, (A v)_k = Σ_j r_j(k) (v_k − v_{neighbour j}): A generates a Markov chain of jump rates r.
 *
 * @param out written
 * @param shift c
 * @param rates r, 2d fields, may be `out.link`; walls and solid cells do not count, a door, half a cell away, counts twice
 * @param scale default 1
 */
export function assembleGenerator(out: Stencil, shift: number, rates: readonly Float64Array[], scale = 1): void {
  const { cells, diagonal, link } = out;
  const { size } = cells.grid;
  diagonal.fill(shift);
  const { link: doorLink, cell } = cells.doors;
  for (let i = 0; i < cell.length; i++) diagonal[cell[i]] += 2 * scale * rates[doorLink[i]][cell[i]];
  for (let j = 0; j < link.length; j++) {
    const other = cells.neighbour[j];
    const row = link[j];
    const rate = rates[j];
    for (let k = 0; k < size; k++) {
      if (other[k] === k) row[k] = 0;
      else {
        const weight = scale * rate[k];
        row[k] = -weight;
        diagonal[k] += weight;
      }
    }
  }
  if (cells.openCount < size)
    for (let k = 0; k < size; k++) if (cells.open[k] === 0) diagonal[k] = shift === 0 ? 1 : shift;
}

/** out ← A x; `out` is another array. */
export function applyStencil({ cells, diagonal, link }: Stencil, x: Float64Array, out: Float64Array): void {
  const { size } = cells.grid;
  for (let k = 0; k < size; k++) out[k] = diagonal[k] * x[k];
  for (let j = 0; j < link.length; j += 2) {
    const low = link[j];
    const up = link[j + 1];
    const below = cells.neighbour[j];
    const above = cells.neighbour[j + 1];
    for (let k = 0; k < size; k++) out[k] += low[k] * x[below[k]] + up[k] * x[above[k]];
  }
}

/** out ← Aᵀ x; `out` is another array. */
export function applyStencilTranspose({ cells, diagonal, link }: Stencil, x: Float64Array, out: Float64Array): void {
  const { size } = cells.grid;
  for (let k = 0; k < size; k++) out[k] = diagonal[k] * x[k];
  for (let j = 0; j < link.length; j++) {
    const row = link[j];
    const other = cells.neighbour[j];
    for (let k = 0; k < size; k++) out[other[k]] += row[k] * x[k];
  }
}

/**
 * Aᵀ as a stencil.
 *
 * @param a on the same cells as `out`
 * @param out written; not `a`
 * @throws UsageError when the cells differ or `out` is `a`
 */
export function transposeStencil(a: Stencil, out: Stencil = stencil(a.cells)): Stencil {
  demand(
    out !== a && out.cells === a.cells,
    "transposeStencil",
    "out",
    "be another stencil on the same cells",
    out === a ? "the stencil itself" : "other cells",
    "Leave it out for a new stencil",
  );
  const { size } = a.cells.grid;
  out.diagonal.set(a.diagonal);
  for (let j = 0; j < a.link.length; j++) {
    const back = a.link[j ^ 1];
    const other = a.cells.neighbour[j];
    const row = out.link[j];
    for (let k = 0; k < size; k++) row[k] = other[k] === k ? 0 : back[other[k]];
  }
  return out;
}

/** Throws unless both are fields on the stencil's cells. */
export function demandFields(a: Stencil, where: string, rhs: Float64Array, out: Float64Array): void {
  demandField(a.cells.grid, rhs, where, "rhs");
  demandField(a.cells.grid, out, where, "out");
}
