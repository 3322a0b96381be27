// The Fokker–Planck operator on cells, L ρ = div J: two-point fluxes at the faces between open cells and at doors,
//   (L ρ)_k = (1/h) Σ_a (J_{a,upper}(k) − J_{a,lower}(k)),   J = left ρ_left − right ρ_right,
// walls and the surface of obstacles: J = 0;  doors: the value 0 stands on the face, half a cell away.
// Face velocities: b at the middle of the face, or −(φ_right − φ_left)/h of the potential at the centres, so that fluxes which know
// e^{−φ/D} keep it. Σ_k (L ρ)_k = what leaves through doors: mass is exact. Columns of L sum to 0, its links are ≤ 0 for monotone fluxes.
// Reference: Eymard, Gallouët, Herbin 2000 (key eymard2000finite).
import type { Field } from "../../../problems/terms/index.js";
import { usageError } from "../../../src/error.js";
import type { Cells } from "../../../src/grid/index.js";
import type { Stencil } from "../../../src/linalg/index.js";
import type { Flux } from "./flux.js";

/** What drives the density. */
export interface Drift {
  /** D ≥ 0. */
  readonly diffusion: number;
  /** b by coordinate; `null` when a potential is given. */
  readonly drift: readonly Field[] | null;
  /** φ with b = −∇φ; `null` when fields are given. */
  readonly potential: Field | null;
}

/** L at one time, kept as the weights of its faces. */
export interface DriftOperator {
  readonly cells: Cells;
  /** The weights change with time. */
  readonly dependsOnTime: boolean;
  /** Sets the weights to those of time t. */
  at(t: number): void;
  /** out ← out + scale L ρ, face by face: what one cell loses the other gains, to round-off of the flux itself. */
  add(density: Float64Array, scale: number, out: Float64Array): void;
  /** out ← shift + L; solid cells get the identity. */
  assemble(out: Stencil, shift: number): void;
  /** What leaves through doors in unit time: h^d Σ (L ρ). */
  outflow(density: Float64Array): number;
  /** Largest |b|h/D over faces, the cell Péclet number; Infinity for D = 0 and b ≠ 0. */
  peclet(): number;
}

/**
 * Makes the operator on cells.
 *
 * @param cells any domain in one to three dimensions
 * @param drift D with b or φ
 * @param flux weights of a face from its velocity
 *
 * *References*: eymard2000finite
 */
export function driftOperator(cells: Cells, drift: Drift, flux: Flux): DriftOperator {
  const { grid: g, neighbour } = cells;
  const { size, dimension: d } = g;
  const { diffusion } = drift;
  // Face (a, k) is the upper face of cell k on axis a.
  const velocity = g.axes.map(() => new Float64Array(size));
  const left = g.axes.map(() => new Float64Array(size));
  const right = g.axes.map(() => new Float64Array(size));
  const faces = g.axes.map((axis, a) => shifted(cells.points, d, a, axis.spacing / 2));
  const { link: doorLink, cell: doorCell } = cells.doors;
  const doors = doorCell.length;
  const doorPoints = new Float64Array(doors * d);
  for (let i = 0; i < doors; i++) {
    for (let a = 0; a < d; a++) doorPoints[i * d + a] = cells.points[doorCell[i] * d + a];
    const j = doorLink[i];
    doorPoints[i * d + (j >> 1)] += ((j % 2 === 0 ? -1 : 1) * g.axes[j >> 1].spacing) / 2;
  }
  // Weight of the cell's value in the outward flux of a door.
  const doorWeight = new Float64Array(doors);
  const doorPeclet = new Float64Array(doors);
  const fields = drift.potential === null ? (drift.drift ?? []) : [drift.potential];
  const one = [new Float64Array(1), new Float64Array(1), new Float64Array(1)];
  let current = Number.NaN;

  const setDoor = (i: number, outward: number): void => {
    const h = g.axes[doorLink[i] >> 1].spacing / 2;
    one[0][0] = outward;
    flux(one[0], diffusion, h, one[1], one[2]);
    doorWeight[i] = one[1][0];
    doorPeclet[i] = outward === 0 ? 0 : (Math.abs(outward) * h) / diffusion;
  };
  const dependsOnTime = fields.some((f) => f.dependsOnTime);
  return {
    cells,
    dependsOnTime,
    at(t) {
      if (t === current || (!dependsOnTime && !Number.isNaN(current))) return;
      current = t;
      if (drift.potential !== null) {
        const phi = drift.potential.evaluate(t, cells.points);
        const atDoors = doors === 0 ? doorPoints : drift.potential.evaluate(t, doorPoints);
        for (let a = 0; a < d; a++) {
          const h = g.axes[a].spacing;
          const other = neighbour[2 * a + 1];
          for (let k = 0; k < size; k++) velocity[a][k] = (phi[k] - phi[other[k]]) / h;
        }
        for (let i = 0; i < doors; i++)
          setDoor(i, (2 * (phi[doorCell[i]] - atDoors[i])) / g.axes[doorLink[i] >> 1].spacing);
      } else {
        for (let a = 0; a < d; a++) (drift.drift as readonly Field[])[a].evaluate(t, faces[a], velocity[a]);
        for (let i = 0; i < doors; i++) {
          const j = doorLink[i];
          const b = (drift.drift as readonly Field[])[j >> 1].evaluate(t, doorPoints.subarray(i * d, (i + 1) * d))[0];
          setDoor(i, j % 2 === 0 ? -b : b);
        }
      }
      for (let a = 0; a < d; a++) {
        const other = neighbour[2 * a + 1];
        for (let k = 0; k < size; k++)
          if (other[k] !== k && !Number.isFinite(velocity[a][k]))
            throw usageError(
              "fokkerPlanck",
              "the drift",
              `be finite at x = (${Array.from(faces[a].subarray(k * d, (k + 1) * d)).join(", ")}), t = ${t}`,
              velocity[a][k],
              "Change the formula there",
            );
      }
      for (let a = 0; a < d; a++) {
        flux(velocity[a], diffusion, g.axes[a].spacing, left[a], right[a]);
        const other = neighbour[2 * a + 1];
        for (let k = 0; k < size; k++) if (other[k] === k) left[a][k] = right[a][k] = velocity[a][k] = 0;
      }
    },
    add(density, scale, out) {
      for (let a = 0; a < d; a++) {
        const w = scale / g.axes[a].spacing;
        const other = neighbour[2 * a + 1];
        const l = left[a];
        const r = right[a];
        for (let k = 0; k < size; k++) {
          const flow = w * (l[k] * density[k] - r[k] * density[other[k]]);
          out[k] += flow;
          out[other[k]] -= flow;
        }
      }
      for (let i = 0; i < doors; i++)
        out[doorCell[i]] += (scale / g.axes[doorLink[i] >> 1].spacing) * doorWeight[i] * density[doorCell[i]];
    },
    assemble(out, shift) {
      const { diagonal, link } = out;
      diagonal.fill(shift);
      for (let a = 0; a < d; a++) {
        const w = 1 / g.axes[a].spacing;
        const below = neighbour[2 * a];
        const above = neighbour[2 * a + 1];
        for (let k = 0; k < size; k++) {
          const lower = below[k] === k ? -1 : below[k];
          link[2 * a + 1][k] = above[k] === k ? 0 : -w * right[a][k];
          link[2 * a][k] = lower < 0 ? 0 : -w * left[a][lower];
          diagonal[k] += w * (left[a][k] + (lower < 0 ? 0 : right[a][lower]));
        }
      }
      for (let i = 0; i < doors; i++) diagonal[doorCell[i]] += doorWeight[i] / g.axes[doorLink[i] >> 1].spacing;
      if (cells.openCount < size) for (let k = 0; k < size; k++) if (cells.open[k] === 0) diagonal[k] = 1;
    },
    outflow(density) {
      let sum = 0;
      for (let i = 0; i < doors; i++)
        sum += (doorWeight[i] * density[doorCell[i]] * g.cellVolume) / g.axes[doorLink[i] >> 1].spacing;
      return sum;
    },
    peclet() {
      let most = 0;
      for (let a = 0; a < d; a++)
        for (const b of velocity[a]) if (b !== 0) most = Math.max(most, (Math.abs(b) * g.axes[a].spacing) / diffusion);
      for (const p of doorPeclet) most = Math.max(most, p);
      return most;
    },
  };
}

/** Points moved along one axis. */
function shifted(points: Float64Array, d: number, a: number, by: number): Float64Array {
  const out = points.slice();
  for (let i = a; i < out.length; i += d) out[i] += by;
  return out;
}
