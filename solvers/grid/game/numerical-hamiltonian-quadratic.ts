// Upwind numerical Hamiltonian of H = κ|p|², κ constant: the inner loop of Newton's method.
//   G(D) = κ Σ_a (max(D_a⁻, 0)² + min(D_a⁺, 0)²)
//   ∂G/∂D_a⁻ = 2κ max(D_a⁻, 0)   ∂G/∂D_a⁺ = 2κ min(D_a⁺, 0)   second derivatives 2κ where the branch is active, else 0
// At D = 0 the second derivative is the mean κ of both sides, an element of the generalised Hessian: so at u = 0 backward and
// forward together give ∂ₚₚH = 2κ, and Newton's first step is the linearised game. G is C¹, convex, monotone; first order.
// Reference: Achdou, Capuzzo-Dolcetta 2010 (key achdou2010mean).
import type { Cells } from "../../../src/grid/index.js";
import type { NumericalHamiltonian } from "./numerical-hamiltonian.js";
import { clearSolid, numericalJet } from "./numerical-hamiltonian-jet.js";

/**
 * G = κ Σ_a (max(D_a⁻, 0)² + min(D_a⁺, 0)²).
 *
 * @param weight κ > 0
 *
 * *References*: achdou2010mean
 */
export function upwindQuadratic(weight: number, c: Cells): NumericalHamiltonian {
  const links = 2 * c.grid.dimension;
  return Object.freeze({
    name: "upwind",
    jet: () => numericalJet(c, (i, j) => i === j, false),
    evaluate(_t, differences, _m, out, order) {
      for (let j = 0, pair = 0; j < links; pair += links - j, j++) {
        const sign = j % 2 === 0 ? 1 : -1;
        if (order === 0) square(weight, sign, differences[j], out.value, j === 0);
        else {
          squareAndSlope(weight, sign, differences[j], out.value, out.slope[j], j === 0);
          if (order === 2) branch(weight, sign, differences[j], out.curvature[pair] as Float64Array);
        }
      }
      clearSolid(c, out, order);
    },
  } satisfies NumericalHamiltonian);
}

function square(weight: number, sign: number, q: Float64Array, value: Float64Array, first: boolean): void {
  if (first) value.fill(0);
  for (let k = 0; k < q.length; k++) {
    const x = sign * q[k];
    const up = Math.max(x, 0);
    value[k] += weight * up * up;
  }
}

function squareAndSlope(
  weight: number,
  sign: number,
  q: Float64Array,
  value: Float64Array,
  slope: Float64Array,
  first: boolean,
): void {
  if (first) value.fill(0);
  const twice = 2 * weight * sign;
  for (let k = 0; k < q.length; k++) {
    const x = sign * q[k];
    const up = Math.max(x, 0);
    value[k] += weight * up * up;
    slope[k] = twice * up;
  }
}

function branch(weight: number, sign: number, q: Float64Array, curvature: Float64Array): void {
  const twice = 2 * weight;
  for (let k = 0; k < q.length; k++) {
    const x = sign * q[k];
    curvature[k] = x > 0 ? twice : x === 0 ? weight : 0;
  }
}
