// Conjugates of energies on cells, as the dual of a minimising movement needs them. For E(ρ) = h^d Σ q e(ρ/q) + Vρ with ρ ≤ cap,
//   E*(−φ) = h^d Σ q ê*(y),  y = −φ − V,     ρ_φ = q (ê*)′(y) = min(q (e*)′(y), cap),     ê* = e*, continued linearly where the cap is met
// V may hold an interaction frozen at an earlier density. At the optimum −φ = e′(ρ/q) + V + pressure of the cap: the first variation.
// Reference: Jacobs, Lee, Léger 2021, §2 (key jacobs2021back).
import type { EndCost } from "./dual-ascent.js";
import type { EnergyOnCells } from "./energy-on-cells.js";

/** An energy's conjugate, and the density of a given mass. */
export interface EnergyCost extends EndCost {
  /** out ← ρ_{φ+s} of this mass, to round-off; returns s, or `null` when there is none. */
  fit(potential: Float64Array, mass: number, out: Float64Array): number | null;
}

/**
 * The conjugate of an energy of internal and potential parts with a cap.
 *
 * @param potential V at the centres
 * @param cap on the density; Infinity = none
 */
export function energyCost(energy: EnergyOnCells, potential: Float64Array, cap: number): EnergyCost {
  const { size, cellVolume } = energy.cells.grid;
  const { internal, reference } = energy;
  const { open } = energy.cells;
  const q = (j: number): number => (reference === null ? 1 : reference[j]);
  const at = (j: number, y: number): number => {
    if (open[j] === 0) return 0;
    // Without an internal energy ρ is 0 or the cap, and anything between where y = 0.
    if (internal === null) return y > 0 ? cap : 0;
    return Math.min(q(j) * internal.inverseSlope(y), cap);
  };
  const conjugate = (j: number, y: number): number => {
    if (open[j] === 0) return 0;
    if (internal === null) return y > 0 ? cap * y : 0;
    const free = q(j) * internal.inverseSlope(y);
    if (free <= cap) return q(j) * internal.conjugate(y);
    return cap === Infinity ? Infinity : cap * y - q(j) * internal.value(cap / q(j));
  };
  const total = (phi: Float64Array, s: number): number => {
    let sum = 0;
    let lost = 0;
    for (let j = 0; j < size; j++) {
      const r = at(j, -phi[j] - s - potential[j]);
      const t = sum + r;
      lost += Math.abs(sum) >= r ? sum - t + r : r - t + sum;
      sum = t;
    }
    return cellVolume * (Number.isFinite(sum) ? sum + lost : sum);
  };
  return {
    rigid: false,
    conjugate(phi) {
      let sum = 0;
      for (let j = 0; j < size; j++) sum += conjugate(j, -phi[j] - potential[j]);
      return cellVolume * sum;
    },
    density(phi, out) {
      for (let j = 0; j < size; j++) out[j] = at(j, -phi[j] - potential[j]);
    },
    secant(phi, density, aim, out) {
      for (let j = 0; j < size; j++) {
        const r = density[j];
        const a = Math.min(aim[j], cap);
        const share = q(j);
        if (internal === null) {
          out[j] = 0;
          continue;
        }
        if (a > 0 && Math.abs(a - r) > 1e-6 * (a + r)) {
          const rise = internal.slope(a / share) - (-phi[j] - potential[j]);
          if (rise > 0 === a > r && rise !== 0) {
            out[j] = (a - r) / rise;
            continue;
          }
        }
        // Where ρ stays 0 or at the cap, φ is free.
        const bend = r > 0 && r < cap ? internal.curvature(r / share) : Infinity;
        out[j] = bend > 0 ? share / bend : 0;
      }
    },
    gap(phi, density) {
      let gap = 0;
      let cut = 0;
      for (let j = 0; j < size; j++) {
        const r = Math.min(Math.max(density[j], 0), cap);
        cut += Math.abs(density[j] - r);
        const y = -phi[j] - potential[j];
        gap += (internal === null ? 0 : q(j) * internal.value(r / q(j))) + conjugate(j, y) - y * r;
      }
      return { gap: cellVolume * gap, cut: cellVolume * cut };
    },
    fit(phi, mass, out) {
      // The mass falls in s. A bracket, then halves until nothing lies between its ends.
      let width = 1e-12;
      let low = 0;
      let high = 0;
      let above = total(phi, 0);
      let below = above;
      for (let k = 0; below > mass || above < mass; k++, width *= 2) {
        if (k === 200) return null;
        if (below > mass) {
          [low, above] = [high, below];
          high = width;
          below = total(phi, high);
        } else {
          [high, below] = [low, above];
          low = -width;
          above = total(phi, low);
        }
      }
      while (above !== mass && below !== mass) {
        const middle = 0.5 * (low + high);
        if (middle === low || middle === high) break;
        const t = total(phi, middle);
        if (t > mass) [low, above] = [middle, t];
        else [high, below] = [middle, t];
      }
      // Where e′ is flat the mass jumps between two neighbouring numbers s: ρ is taken between the two.
      const share = above === mass ? 1 : below === mass ? 0 : (mass - below) / (above - below);
      for (let j = 0; j < size; j++) {
        const more = share > 0 ? share * at(j, -phi[j] - low - potential[j]) : 0;
        const less = share < 1 ? (1 - share) * at(j, -phi[j] - high - potential[j]) : 0;
        out[j] = more + less;
      }
      return share > 0.5 ? low : high;
    },
  };
}
