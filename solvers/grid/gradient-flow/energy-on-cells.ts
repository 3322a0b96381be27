// An energy on cells of volume h^d:  E(ρ) = h^d Σ_k [q_k e(ρ_k/q_k) + V_k ρ_k + ½ ρ_k (W∗ρ)_k],
//   its first variation              ξ_k = e′(ρ_k/q_k) + V_k + (W∗ρ)_k,       (W∗ρ)_k = h^d Σ_j W(x_k − x_j) ρ_j
// which is the exact gradient of the sum. W(0) that is not finite is replaced by the mean of W over a cell, by midpoints on dyadic shells
// (48 levels of 8^d points, half the size each, and the rest as a geometric series), for log |x| in the plane to 6e-6, for |x|^{−a}, a < d, to
// one or two per cent. W that is not integrable, a ≥ d, is refused.
// On periodic axes W is taken at the nearest image, so it should be periodic or short. Solid cells count as empty.
// Reference: Bailo, Carrillo, Hu 2020 (key bailo2020fully).
import { convolutionOn, divergenceTo, type Energy, type InternalEnergy } from "../../../problems/index.js";
import { demand } from "../../../src/error.js";
import type { Cells } from "../../../src/grid/index.js";

/** Density below which nothing is said to move, relative to the largest: there an entropy's log ρ is a scheme's round-off, and moves nobody. */
export const SEEN = 1e-8;

/** E on one set of cells. */
export interface EnergyOnCells {
  readonly cells: Cells;
  /** e; `null` = 0. */
  readonly internal: InternalEnergy | null;
  /** q at the centres; `null` = 1. */
  readonly reference: Float64Array | null;
  /** V at the centres; `null` = 0. */
  readonly potential: Float64Array | null;
  /** out ← W∗ρ; `null` = 0. */
  readonly interaction: ((density: Float64Array, out: Float64Array) => void) | null;
  /** W is not finite at 0: the mass may gather in one point in finite time. */
  readonly mayConcentrate: boolean;
  /** e′(0) = −∞ or e″(0) = ∞: nothing can be linearised at ρ = 0. */
  readonly singular: boolean;
  /** E(ρ). */
  value(density: Float64Array): number;
  /** out ← e′(ρ/q) + V: ξ without its interaction; 0 in solid cells. */
  local(density: Float64Array, out: Float64Array): void;
  /** out ← e″(ρ/q)/q. */
  curvature(density: Float64Array, out: Float64Array): void;
  /** out ← ξ. */
  variation(density: Float64Array, out: Float64Array): void;
  /** h^d Σ q [e(r) − e(s) − e′(s)(r − s)], r = ρ/q and s = σ/q: the Bregman distance of the internal energy, ≥ 0. */
  bregman(density: Float64Array, at: Float64Array): number;
}

/** The internal part of an energy: its own, or that of a divergence with L = ∞ to a target with a density. */
export function internalOf(energy: Energy): InternalEnergy | null {
  const { internal, divergence, dimension } = energy;
  if (internal !== null || divergence === null || divergence.lipschitz < Infinity) return internal;
  const { density, distribution } = divergence.target;
  if (density === null) return null;
  const { constant, expression } = density;
  return divergenceTo(
    divergence.divergence,
    distribution ?? constant ?? expression?.text ?? ((x: Float64Array, t: number) => density.evaluate(t, x)[0]),
    dimension,
  );
}

/**
 * Puts an energy of internal, potential and interaction parts on cells.
 *
 * @param mass the mass of ρ on the cells: the target of a divergence, a law, is scaled to it; `null`: taken as it is
 * @throws UsageError when q is not finite and > 0, or V or W not finite at a centre
 *
 * *Notes*: a kernel that is infinite at 0 must be an expression; a function's value there is refused where it is made.
 *
 * *References*: bailo2020fully
 */
export function energyOnCells(energy: Energy, cells: Cells, mass: number | null = null): EnergyOnCells {
  const where = "energyOnCells";
  const { size, cellVolume, dimension: d } = cells.grid;
  const { open, points } = cells;
  const internal = internalOf(energy);
  const at = (k: number): string => `x = (${Array.from(points.subarray(k * d, (k + 1) * d)).join(", ")})`;
  const potential = energy.potential === null ? null : energy.potential.evaluate(0, points);
  const reference = internal?.reference?.density?.evaluate(0, points) ?? null;
  for (let k = 0; k < size; k++) {
    if (open[k] === 0) {
      if (potential !== null) potential[k] = 0;
      if (reference !== null) reference[k] = 1;
      continue;
    }
    if (potential !== null)
      demand(
        Number.isFinite(potential[k]),
        where,
        `the potential at ${at(k)}`,
        "be finite",
        potential[k],
        "Shrink the box",
      );
    if (reference !== null)
      demand(
        reference[k] > 0 && reference[k] < Infinity,
        where,
        `the target density at ${at(k)}`,
        "be finite and > 0",
        reference[k],
        "Shrink the box to where the target has mass, or use lipschitzDivergence()",
      );
  }
  if (energy.divergence !== null && reference !== null && mass !== null) {
    let total = 0;
    for (let k = 0; k < size; k++) if (open[k] === 1) total += cellVolume * reference[k];
    for (let k = 0; k < size; k++) if (open[k] === 1) reference[k] *= mass / total;
  }
  const kernel = energy.interaction?.kernel ?? null;
  let interaction: EnergyOnCells["interaction"] = null;
  const mayConcentrate = kernel !== null && !Number.isFinite(kernel.evaluate(0, new Float64Array(d))[0]);
  if (kernel !== null) {
    const period = cells.domain.ends.map((e, a) =>
      e === "periodic" ? cells.domain.upper[a] - cells.domain.lower[a] : Infinity,
    );
    const near = new Float64Array(d);
    const value = (z: Float64Array): number => {
      for (let a = 0; a < d; a++)
        near[a] = period[a] === Infinity ? z[a] : z[a] - period[a] * Math.round(z[a] / period[a]);
      const w = kernel.evaluate(0, near)[0];
      if (Number.isFinite(w)) return w;
      const mean = z.every((v) => v === 0) ? meanOverCell(cells, (x) => kernel.evaluate(0, x)) : w;
      demand(
        Number.isFinite(mean),
        where,
        `the interaction at displacement (${Array.from(z).join(", ")})`,
        "be finite, or integrable at 0",
        mean,
        "Smooth it, for example log(x^2 + y^2 + 1e-4)",
      );
      return mean;
    };
    const plan = convolutionOn(cells, value);
    interaction = (density, out) => plan.apply(density, out, false);
  }
  const field = new Float64Array(size);
  const singular = internal !== null && !(Number.isFinite(internal.slope(0)) && Number.isFinite(internal.curvature(0)));
  const local = (density: Float64Array, out: Float64Array): void => {
    if (internal === null) out.fill(0);
    else if (internal.exponent === 2) {
      const c = internal.slope(1);
      for (let k = 0; k < size; k++) out[k] = c * density[k];
    } else if (reference === null) for (let k = 0; k < size; k++) out[k] = internal.slope(density[k]);
    else for (let k = 0; k < size; k++) out[k] = internal.slope(density[k] / reference[k]);
    if (potential !== null) for (let k = 0; k < size; k++) out[k] += potential[k];
    for (let k = 0; k < size; k++) if (open[k] === 0) out[k] = 0;
  };
  return {
    cells,
    internal,
    reference,
    potential,
    interaction,
    mayConcentrate,
    singular,
    local,
    value(density) {
      let sum = 0;
      if (interaction !== null) interaction(density, field);
      else field.fill(0);
      for (let k = 0; k < size; k++) {
        if (open[k] === 0) continue;
        const q = reference === null ? 1 : reference[k];
        if (internal !== null) sum += q * internal.value(density[k] / q);
        if (potential !== null) sum += potential[k] * density[k];
        sum += 0.5 * density[k] * field[k];
      }
      return cellVolume * sum;
    },
    curvature(density, out) {
      if (internal === null) out.fill(0);
      else if (internal.exponent === 2) out.fill(internal.curvature(1));
      else if (reference === null) for (let k = 0; k < size; k++) out[k] = internal.curvature(density[k]);
      else for (let k = 0; k < size; k++) out[k] = internal.curvature(density[k] / reference[k]) / reference[k];
    },
    variation(density, out) {
      local(density, out);
      if (interaction === null) return;
      interaction(density, field);
      for (let k = 0; k < size; k++) out[k] += field[k];
    },
    bregman(density, atDensity) {
      if (internal === null) return 0;
      let sum = 0;
      for (let k = 0; k < size; k++) {
        if (open[k] === 0 || density[k] === atDensity[k]) continue;
        const q = reference === null ? 1 : reference[k];
        const [r, s] = [density[k] / q, atDensity[k] / q];
        sum += q * (internal.value(r) - internal.value(s) - (s === 0 ? 0 : internal.slope(s) * (r - s)));
      }
      return cellVolume * sum;
    },
  };
}

/** Mean of a kernel over the cell around 0, by midpoints on shells [2^{−j−1}, 2^{−j}] of the cell; ∞ where shells do not shrink. */
function meanOverCell(cells: Cells, kernel: (x: Float64Array) => Float64Array): number {
  const { axes, dimension: d } = cells.grid;
  const per = 8;
  const count = per ** d;
  let mean = 0;
  let shell = 0;
  let before = 0;
  const x = new Float64Array(count * d);
  const inner = new Uint8Array(count);
  for (let level = 0; level < 48; level++) {
    const scale = 0.5 ** level;
    for (let i = 0; i < count; i++) {
      inner[i] = 1;
      for (let a = 0; a < d; a++) {
        const s = ((Math.floor(i / per ** a) % per) + 0.5) / per - 0.5;
        if (Math.abs(s) > 0.25) inner[i] = 0;
        x[i * d + a] = s * scale * axes[a].spacing;
      }
    }
    const w = kernel(x);
    let sum = 0;
    for (let i = 0; i < count; i++) if (inner[i] === 0) sum += w[i];
    before = shell;
    shell = (sum / count) * scale ** d;
    mean += shell;
  }
  // The shells beyond fall like these two: |x|^{−a} is a geometric series, of ratio 2^{a − d}.
  const ratio = shell === 0 ? 0 : shell / before;
  return ratio < 1 - 1e-9 ? mean + (shell * ratio) / (1 - ratio) : Infinity;
}
