// Upwind numerical Hamiltonian of H = φ(t, x, |p|², m) + b(t, x)·p, φ non-decreasing in s = |p|²:
//   G(D) = φ(t, x, s(D), m) + Σ_a (max(b_a, 0) D_a⁻ + min(b_a, 0) D_a⁺)
//   s(D) = Σ_j c_j²,   c_j = max(D_j, 0) for backward, min(D_j, 0) for forward differences
//   ∂G/∂D_j = 2φ_s c_j + b_a^±        ∂²G/∂D_i∂D_j = 4φ_ss c_i c_j + 2φ_s [c_j active] δ_ij
// At D_j = 0 the branch counts one half, as at |p|² itself (see the quadratic case). Monotone, convex, first order.
// Reference: Achdou, Capuzzo-Dolcetta 2010 (key achdou2010mean).
import type { Hamiltonian, HamiltonianStructure } from "../../../problems/terms/index.js";
import type { Cells } from "../../../src/grid/index.js";
import type { NumericalHamiltonian } from "./numerical-hamiltonian.js";
import { clearSolid, numericalJet } from "./numerical-hamiltonian-jet.js";

/**
 * The upwind numerical Hamiltonian of a radial H with drift.
 *
 * @param structure H's structure
 *
 * *References*: achdou2010mean
 */
export function upwindRadial(
  h: Hamiltonian,
  structure: HamiltonianStructure & { readonly kind: "radial" },
  c: Cells,
): NumericalHamiltonian {
  const { size, dimension } = c.grid;
  const links = 2 * dimension;
  const linear = structure.isLinear === true;
  const column = () => new Float64Array(size);
  const s = column();
  const profile = { value: column(), slope: column(), curvature: column(), byMass: column(), slopeByMass: column() };
  const drift = structure.drift === null ? null : Array.from({ length: dimension }, column);
  return Object.freeze({
    name: "upwind",
    jet: () => numericalJet(c, (i, j) => i === j || !linear, h.dependsOnMass),
    evaluate(t, differences, m, out, order) {
      s.fill(0);
      for (let j = 0; j < links; j++) addSquare(j % 2 === 0 ? 1 : -1, differences[j], s);
      structure.profile(t, c.points, s, m, profile);
      out.value.set(profile.value);
      for (let j = 0; j < links && order >= 1; j++) {
        const sign = j % 2 === 0 ? 1 : -1;
        slopeOf(sign, differences[j], profile.slope, out.slope[j]);
        if (order === 2 && out.slopeByMass !== null)
          slopeOf(sign, differences[j], profile.slopeByMass, out.slopeByMass[j]);
      }
      for (let i = 0, pair = 0; i < links && order === 2; i++)
        for (let j = i; j < links; j++, pair++) {
          const q = out.curvature[pair];
          if (q === null) continue;
          if (linear) q.fill(0);
          else bend(i % 2 === 0 ? 1 : -1, j % 2 === 0 ? 1 : -1, differences[i], differences[j], profile.curvature, q);
          if (i === j) addBranch(i % 2 === 0 ? 1 : -1, differences[i], profile.slope, q);
        }
      if (order >= 1 && out.byMass !== null) out.byMass.set(profile.byMass);
      if (structure.drift !== null && drift !== null) {
        structure.drift(t, c.points, drift);
        for (let a = 0; a < dimension; a++) {
          addDrift(1, drift[a], differences[2 * a], out.value, out.slope[2 * a], order);
          addDrift(-1, drift[a], differences[2 * a + 1], out.value, out.slope[2 * a + 1], order);
        }
      }
      clearSolid(c, out, order);
    },
  } satisfies NumericalHamiltonian);
}

function addSquare(sign: number, q: Float64Array, s: Float64Array): void {
  for (let k = 0; k < q.length; k++) {
    const x = sign * q[k];
    const up = Math.max(x, 0);
    s[k] += up * up;
  }
}

function slopeOf(sign: number, q: Float64Array, bySquare: Float64Array, slope: Float64Array): void {
  for (let k = 0; k < q.length; k++) {
    const x = sign * q[k];
    slope[k] = x > 0 ? 2 * bySquare[k] * q[k] : 0;
  }
}

function bend(
  signI: number,
  signJ: number,
  qi: Float64Array,
  qj: Float64Array,
  curvature: Float64Array,
  out: Float64Array,
): void {
  for (let k = 0; k < out.length; k++) {
    const x = signI * qi[k];
    const y = signJ * qj[k];
    out[k] = x > 0 && y > 0 ? 4 * curvature[k] * qi[k] * qj[k] : 0;
  }
}

function addBranch(sign: number, q: Float64Array, bySquare: Float64Array, out: Float64Array): void {
  for (let k = 0; k < q.length; k++) {
    const x = sign * q[k];
    out[k] += x > 0 ? 2 * bySquare[k] : x === 0 ? bySquare[k] : 0;
  }
}

/** Adds the part of b·p that looks at this side: b with the side's sign. */
function addDrift(
  sign: number,
  b: Float64Array,
  q: Float64Array,
  value: Float64Array,
  slope: Float64Array,
  order: 0 | 1 | 2,
): void {
  for (let k = 0; k < q.length; k++) {
    if (!(sign * b[k] > 0)) continue;
    value[k] += b[k] * q[k];
    if (order >= 1) slope[k] += b[k];
  }
}
