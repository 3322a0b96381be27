// Numerical Hamiltonians that look at the mean of both sides:
//   G(D) = H(t, x, p̄, m) − Σ_a ½α_a (D_a⁺ − D_a⁻)        p̄_a = w_a⁻D_a⁻ + w_a⁺D_a⁺
// central: α = 0. Second order, not monotone: cell Péclet number |∂ₚH|h/2ν below 1 keeps it stable and the density ≥ 0.
//   w = ½; at a door the value stands on the face, half a cell away, and w = ⅔ there and ⅓ opposite is second order. At a wall
//   D = 0 is the difference to the mirror image, so ½(0 + D⁺) is second order too.
// Lax–Friedrichs: w = ½, α_a constant; monotone while |∂H/∂p_a| ≤ α_a, first order. Constant α makes all derivatives exact.
// Reference: Crandall, Lions 1984 (key crandall1984two).
import { type Hamiltonian, hamiltonianJet } from "../../../problems/terms/index.js";
import type { Cells } from "../../../src/grid/index.js";
import type { NumericalHamiltonian } from "./numerical-hamiltonian.js";
import { clearSolid, numericalJet, pairIndex } from "./numerical-hamiltonian-jet.js";

/**
 * G = H(p̄), p̄ the second-order mean of both sides.
 *
 * *References*: crandall1984two
 */
export function central(h: Hamiltonian, c: Cells): NumericalHamiltonian {
  return fromMean("central", h, c, doorWeights(c), null);
}

/**
 * G = H(½(D⁻ + D⁺)) − Σ_a ½α_a (D_a⁺ − D_a⁻).
 *
 * @param slopeBound α, d numbers ≥ 0: a bound of |∂H/∂p_a| over the momenta met
 *
 * *References*: crandall1984two
 */
export function laxFriedrichs(h: Hamiltonian, c: Cells, slopeBound: readonly number[]): NumericalHamiltonian {
  return fromMean("lax-friedrichs", h, c, null, slopeBound);
}

/** w_j per link and cell, ½ away from doors. */
function doorWeights(c: Cells): readonly Float64Array[] | null {
  const { link, cell } = c.doors;
  if (link.length === 0) return null;
  const weights = Array.from({ length: 2 * c.grid.dimension }, () => new Float64Array(c.grid.size).fill(0.5));
  for (let i = 0; i < link.length; i++) {
    // a cell between two doors gets both shifts and is back at ½
    weights[link[i]][cell[i]] += 1 / 6;
    weights[link[i] ^ 1][cell[i]] -= 1 / 6;
  }
  return weights;
}

function fromMean(
  name: string,
  h: Hamiltonian,
  c: Cells,
  weights: readonly Float64Array[] | null,
  slopeBound: readonly number[] | null,
): NumericalHamiltonian {
  const { size, dimension } = c.grid;
  const links = 2 * dimension;
  const mixed = !(h.structure.kind === "separable" || (h.structure.kind === "radial" && h.structure.isLinear === true));
  const p = Array.from({ length: dimension }, () => new Float64Array(size));
  const inner = hamiltonianJet(dimension, size);
  return Object.freeze({
    name,
    jet: () => numericalJet(c, (i, j) => mixed || i >> 1 === j >> 1, h.dependsOnMass),
    evaluate(t, differences, m, out, order) {
      for (let a = 0; a < dimension; a++)
        mean(differences[2 * a], differences[2 * a + 1], weights?.[2 * a] ?? null, p[a]);
      h.evaluate(t, c.points, p, m, inner, order);
      out.value.set(inner.value);
      for (let j = 0; j < links; j++) {
        const a = j >> 1;
        const alpha = slopeBound === null ? 0 : (j % 2 === 0 ? 0.5 : -0.5) * slopeBound[a];
        const w = weights?.[j] ?? null;
        if (alpha !== 0) addScaled(alpha, differences[j], out.value);
        if (order >= 1) share(w, inner.gradient[a], alpha, out.slope[j]);
        if (order === 2 && out.slopeByMass !== null) share(w, inner.gradientByMass[a], 0, out.slopeByMass[j]);
      }
      if (order >= 1 && out.byMass !== null) out.byMass.set(inner.byMass);
      for (let i = 0, pair = 0; i < links && order === 2; i++)
        for (let j = i; j < links; j++, pair++) {
          const q = out.curvature[pair];
          if (q === null) continue;
          const [a, b] = [i >> 1, j >> 1];
          share(weights?.[i] ?? null, inner.hessian[pairIndex(a, b, dimension)], 0, q);
          share(weights?.[j] ?? null, q, 0, q);
        }
      clearSolid(c, out, order);
    },
  } satisfies NumericalHamiltonian);
}

function mean(lower: Float64Array, upper: Float64Array, w: Float64Array | null, p: Float64Array): void {
  if (w === null) for (let k = 0; k < p.length; k++) p[k] = 0.5 * (lower[k] + upper[k]);
  else for (let k = 0; k < p.length; k++) p[k] = w[k] * lower[k] + (1 - w[k]) * upper[k];
}

function addScaled(scale: number, q: Float64Array, out: Float64Array): void {
  for (let k = 0; k < out.length; k++) out[k] += scale * q[k];
}

/** out ← w·values + shift, w = ½ when null. */
function share(w: Float64Array | null, values: Float64Array, shift: number, out: Float64Array): void {
  if (w === null) for (let k = 0; k < out.length; k++) out[k] = 0.5 * values[k] + shift;
  else for (let k = 0; k < out.length; k++) out[k] = w[k] * values[k] + shift;
}
