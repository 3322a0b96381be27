// One minimising movement on cells of any shape by its Benamou–Brenier form with one inner step and upwind mobility,
//   min E(ρ) + Σ_faces h^d c f²/(2ρ_out),  ρ_k + Σⱼ (f_{k→j} − f_{j→k}) = ρⁿ_k,  f ≥ 0,  c = h²/τ
// (f: density that crosses a face, ρ_out: new density of the cell it leaves). It is jointly convex; its minimiser obeys the implicit
// upwind scheme ρ − ρⁿ = τ div(ρ^{up}∇ξ) of first order. With the multiplier y of the balance, f = ρ (y_j − y_k)₊/c and
//   dual  −E*(Y) − ⟨ρⁿ, y⟩,   Y_k = −y_k + Σⱼ (y_j − y_k)₊²/2c,   ρ = (E*)′(Y)
// Primal–dual hybrid gradient; the proximal map of a cell is one monotone equation in ρ. Where E is strictly convex the density returned is
// (E*)′(Y + s) with the s that gives the exact mass: ≥ 0 and ≤ cap whatever the tolerance.
// Reference: Cancès, Gallouët, Todeschi 2020 (key cances2020variational); Carrillo, Craig, Wang, Wei 2022 (key carrillo2022primal).
import { type Cells, integrate } from "../../../src/grid/index.js";
import {
  arraySpace,
  type PrimalDualResult,
  primalDualHybridGradient,
  productSpace,
} from "../../../src/linalg/index.js";
import type { EnergyCost } from "./end-cost.js";
import type { EnergyOnCells } from "./energy-on-cells.js";

export interface PrimalDualMovement {
  readonly density: Float64Array;
  /** −Y + s: minus the first variation, pressure included. */
  readonly potential: Float64Array;
  readonly multiplier: Float64Array;
  readonly result: PrimalDualResult<readonly Float64Array[], Float64Array>;
  /** W² of the discrete distance: τ Σ h^d c f²/ρ. */
  readonly squaredDistance: number;
  readonly dual: number;
  /** E + W²/2τ at the balanced density ρⁿ − div f; `null` where that is not admissible. */
  readonly primal: number | null;
}

/**
 * One movement.
 *
 * @param potential V with the interaction in it
 * @param start multiplier y of the step before; `null` = 0
 */
export async function primalDualMovement(options: {
  readonly cut: Cells;
  readonly energy: EnergyOnCells;
  readonly cost: EnergyCost;
  readonly potential: Float64Array;
  readonly cap: number;
  readonly before: Float64Array;
  readonly tau: number;
  readonly start: Float64Array | null;
  readonly tolerance: number;
  readonly maxIterations: number;
  readonly signal: AbortSignal | null;
}): Promise<PrimalDualMovement> {
  const { cut, energy, cost, potential, cap, before, tau, tolerance, maxIterations, signal } = options;
  const { size, axes, dimension: d, cellVolume } = cut.grid;
  const { internal, reference } = energy;
  const links = 2 * d;
  const weight = axes.flatMap(({ spacing }) => [spacing ** 2 / tau, spacing ** 2 / tau]);
  const cells = arraySpace(size);
  const primal = productSpace(Array.from({ length: 1 + links }, () => cells));

  const divergence = (x: readonly Float64Array[], out: Float64Array): void => {
    out.fill(0);
    for (let j = 0; j < links; j++) {
      const f = x[1 + j];
      const other = cut.neighbour[j];
      for (let k = 0; k < size; k++) {
        if (other[k] === k) continue;
        out[k] += f[k];
        out[other[k]] -= f[k];
      }
    }
  };
  const apply = (x: readonly Float64Array[], out: Float64Array): void => {
    divergence(x, out);
    for (let k = 0; k < size; k++) out[k] += x[0][k];
  };
  const adjoint = (y: Float64Array, out: readonly Float64Array[]): void => {
    out[0].set(y);
    for (let j = 0; j < links; j++) {
      const other = cut.neighbour[j];
      for (let k = 0; k < size; k++) out[1 + j][k] = y[k] - y[other[k]];
    }
  };
  const hat = new Float64Array(links);
  const proxPrimal = (x: readonly Float64Array[], s: number): void => {
    for (let k = 0; k < size; k++) {
      const centre = x[0][k];
      if (cut.open[k] === 0) {
        for (let j = 0; j <= links; j++) x[j][k] = 0;
        continue;
      }
      for (let j = 0; j < links; j++) hat[j] = cut.neighbour[j][k] === k ? 0 : Math.max(0, x[1 + j][k]);
      const q = reference === null ? 1 : reference[k];
      const v = potential[k];
      // Increasing in r.
      const excess = (r: number): number => {
        let sum = (internal === null ? 0 : internal.slope(r / q)) + v + (r - centre) / s;
        for (let j = 0; j < links; j++) sum -= 0.5 * weight[j] * (hat[j] / (r + s * weight[j])) ** 2;
        return sum;
      };
      let r = 0;
      if (excess(0) < 0) {
        if (cap < Infinity && excess(cap) <= 0) r = cap;
        else {
          let low = 0;
          let high = Math.max(centre, 1e-3);
          while (excess(high) < 0) {
            low = high;
            high *= 2;
          }
          r = 0.5 * (low + high);
          for (let step = 0; step < 60; step++) {
            const e = excess(r);
            if (e > 0) high = r;
            else low = r;
            let rise = (internal === null ? 0 : internal.curvature(r / q) / q) + 1 / s;
            for (let j = 0; j < links; j++) rise += (weight[j] * hat[j] ** 2) / (r + s * weight[j]) ** 3;
            const newton = r - e / rise;
            const next = newton > low && newton < high ? newton : 0.5 * (low + high);
            const done = Math.abs(next - r) <= 1e-15 * next || high - low <= 1e-15 * high;
            r = next;
            if (done) break;
          }
        }
      }
      x[0][k] = r;
      for (let j = 0; j < links; j++) x[1 + j][k] = (hat[j] * r) / (r + s * weight[j]);
    }
  };
  const initial = { x: primal.zeros(), y: options.start?.slice() ?? cells.zeros() };
  initial.x[0].set(before);
  const result = await primalDualHybridGradient<readonly Float64Array[], Float64Array>({
    primal,
    dual: cells,
    apply,
    adjoint,
    proxPrimal,
    proxDual: (y, sigma) => {
      for (let k = 0; k < size; k++) y[k] -= sigma * before[k];
    },
    norm: Math.sqrt(1 + 8 * d),
    initial,
    relaxation: 1.8,
    tolerance,
    maxIterations,
    checkEvery: 20,
    signal,
  });
  const { x, y } = result;
  const phi = new Float64Array(size);
  for (let k = 0; k < size; k++) {
    let speed = 0;
    for (let j = 0; j < links; j++) speed += Math.max(0, y[cut.neighbour[j][k]] - y[k]) ** 2 / (2 * weight[j]);
    phi[k] = cut.open[k] === 1 ? y[k] - speed : 0;
  }
  let paired = 0;
  for (let k = 0; k < size; k++) paired += before[k] * y[k];
  const dual = -cost.conjugate(phi) - cellVolume * paired;
  const balanced = new Float64Array(size);
  divergence(x, balanced);
  let squaredDistance = 0;
  let value = 0;
  let carried: number | null = 0;
  for (let k = 0; k < size; k++) {
    balanced[k] = before[k] - balanced[k];
    if (balanced[k] < 0 || balanced[k] > cap) carried = null;
    // The energy of the movement, with the interaction that it sees: W∗ρⁿ is in the potential.
    const q = reference === null ? 1 : reference[k];
    if (cut.open[k] === 1)
      value +=
        cellVolume * ((internal === null ? 0 : q * internal.value(balanced[k] / q)) + potential[k] * balanced[k]);
    for (let j = 0; j < links; j++) {
      const f = x[1 + j][k];
      if (f === 0) continue;
      squaredDistance += tau * cellVolume * weight[j] * (f ** 2 / x[0][k]);
      if (carried !== null) carried += 0.5 * cellVolume * weight[j] * (f ** 2 / balanced[k]);
    }
  }
  let density: Float64Array = x[0].slice();
  if (internal !== null) {
    const s = cost.shift(phi, integrate(cut.grid, before));
    if (s !== null) {
      for (let k = 0; k < size; k++) if (cut.open[k] === 1) phi[k] += s;
      density = new Float64Array(size);
      cost.density(phi, density);
    }
  }
  return {
    density,
    potential: phi,
    multiplier: y,
    result,
    squaredDistance,
    dual,
    primal: carried === null ? null : value + carried,
  };
}
