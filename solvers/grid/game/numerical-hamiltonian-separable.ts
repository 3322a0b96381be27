// Engquist–Osher numerical Hamiltonian of H = Σ_a φ_a(t, x, p_a, m), each φ_a convex in p_a with its least value at p*_a(t, x, m):
//   G(D) = Σ_a φ_a(max(D_a⁻, p*_a)) + φ_a(min(D_a⁺, p*_a)) − φ_a(p*_a)
//   ∂G/∂D_a⁻ = φ_a′(D_a⁻) where D_a⁻ > p*_a, else 0       ∂G/∂D_a⁺ = φ_a′(D_a⁺) where D_a⁺ < p*_a, else 0
// Where φ_a is monotone (p*_a = ∓∞) only its upwind side remains. C¹, convex, monotone, first order. At D_j = p*_a the second
// derivative counts one half. p* moves with m, but φ_a′(p*) = 0, so ∂G/∂m has no term of it.
// Reference: Engquist, Osher 1981 (key engquist1981one); Achdou, Capuzzo-Dolcetta 2010 (key achdou2010mean).
import type { Hamiltonian, HamiltonianStructure } from "../../../problems/terms/index.js";
import type { Cells } from "../../../src/grid/index.js";
import type { NumericalHamiltonian } from "./numerical-hamiltonian.js";
import { clearSolid, numericalJet, pairIndex } from "./numerical-hamiltonian-jet.js";

/**
 * The Engquist–Osher numerical Hamiltonian of a separable H.
 *
 * @param structure H's structure
 *
 * *References*: engquist1981one, achdou2010mean
 */
export function upwindSeparable(
  h: Hamiltonian,
  structure: HamiltonianStructure & { readonly kind: "separable" },
  c: Cells,
): NumericalHamiltonian {
  const { size, dimension } = c.grid;
  const links = 2 * dimension;
  const column = () => new Float64Array(size);
  const part = { value: column(), slope: column(), curvature: column(), byMass: column(), slopeByMass: column() };
  const leasts = Array.from({ length: dimension }, column);
  // p* of an H without t and m is found once
  const fixed = !h.dependsOnMass && !h.dependsOnTime;
  if (fixed) for (let a = 0; a < dimension; a++) structure.least(a, 0, c.points, new Float64Array(size), leasts[a]);
  const at = column();
  return Object.freeze({
    name: "upwind",
    jet: () => numericalJet(c, (i, j) => i === j, h.dependsOnMass),
    evaluate(t, differences, m, out, order) {
      out.value.fill(0);
      if (order >= 1) out.byMass?.fill(0);
      for (let a = 0; a < dimension; a++) {
        const least = leasts[a];
        if (!fixed) structure.least(a, t, c.points, m, least);
        const [lower, upper] = [differences[2 * a], differences[2 * a + 1]];
        // φ_a(p*) leaves once; where p* is infinite the idle side's argument stands in for it and cancels
        for (let k = 0; k < size; k++)
          at[k] = least[k] === -Infinity ? upper[k] : least[k] === Infinity ? lower[k] : least[k];
        structure.part(a, t, c.points, at, m, part);
        addTo(part.value, -1, out.value);
        if (order >= 1 && out.byMass !== null) addTo(part.byMass, -1, out.byMass);
        for (let j = 2 * a; j <= 2 * a + 1; j++) {
          const sign = j === 2 * a ? 1 : -1;
          const q = differences[j];
          for (let k = 0; k < size; k++) {
            const idle = !(sign * (q[k] - least[k]) > 0);
            at[k] = !idle || !Number.isFinite(least[k]) ? q[k] : least[k];
          }
          structure.part(a, t, c.points, at, m, part);
          addTo(part.value, 1, out.value);
          if (order >= 1) active(sign, q, least, part.slope, 0, out.slope[j]);
          if (order >= 1 && out.byMass !== null) addTo(part.byMass, 1, out.byMass);
          if (order < 2) continue;
          active(sign, q, least, part.curvature, 0.5, out.curvature[pairIndex(j, j, links)] as Float64Array);
          if (out.slopeByMass !== null) active(sign, q, least, part.slopeByMass, 0, out.slopeByMass[j]);
        }
      }
      clearSolid(c, out, order);
    },
  } satisfies NumericalHamiltonian);
}

function addTo(values: Float64Array, scale: number, out: Float64Array): void {
  for (let k = 0; k < out.length; k++) out[k] += scale * values[k];
}

/** Copies values where the side is upwind, their `half` where it stands exactly at p*, 0 elsewhere. */
function active(
  sign: number,
  q: Float64Array,
  least: Float64Array,
  values: Float64Array,
  half: number,
  out: Float64Array,
): void {
  for (let k = 0; k < out.length; k++) {
    const x = sign * (q[k] - least[k]);
    out[k] = x > 0 ? values[k] : x === 0 ? half * values[k] : 0;
  }
}
