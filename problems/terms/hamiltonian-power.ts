// Power Hamiltonian:
//   H(t, x, p) = w(t, x) |p|^γ/γ,  γ > 1        L(x, v) = w (|v|/w)^γ′/γ′,  1/γ + 1/γ′ = 1
// ∂ₚH = w|p|^(γ−2) p;  ∂ₚₚH = w|p|^(γ−2) (I + (γ−2) p pᵀ/|p|²). At p = 0 the gradient is 0. For γ < 2 the Hessian is infinite
// there, and 0 is written; for γ > 2 it is 0: Newton's method sees no curvature and needs viscosity.
// Reference: Lasry, Lions 2007 (key lasry2007mean).
import { demand } from "../../src/error.js";
import type { FieldInput } from "./field.js";
import { fieldNonnegative } from "./field-nonnegative.js";
import { fieldText } from "./field-text.js";
import type { Hamiltonian, HamiltonianStructure } from "./hamiltonian.js";
import { evaluateRadial } from "./hamiltonian-structure.js";

export interface HamiltonianPowerOptions {
  /** d ≥ 1. */
  readonly dimension: number;
  /** γ > 1. */
  readonly exponent: number;
  /** w ≥ 0; default 1. */
  readonly weight?: FieldInput;
  /** Named numbers of the weight's expression. */
  readonly parameters?: Readonly<Record<string, number>>;
}

/**
 * H = w |p|^γ/γ.
 *
 * @param options dimension, exponent γ, weight w
 * @returns a frozen radial Hamiltonian that does not depend on m
 * @throws UsageError when a number does not fit; from `evaluate` when w is negative at a point
 *
 * *Good values*: γ from 1.5 to 3. γ near 1 makes the speed nearly independent of the gradient.
 *
 * *References*: lasry2007mean
 */
export function hamiltonianPower(options: HamiltonianPowerOptions): Hamiltonian {
  const where = "hamiltonianPower";
  const { dimension: d, exponent: gamma, parameters = {} } = options;
  demand(Number.isInteger(d) && d >= 1, where, "dimension", "be an integer ≥ 1", d, "Use dimension: 2");
  demand(
    gamma > 1 && Number.isFinite(gamma),
    where,
    "exponent",
    "be a finite number > 1",
    gamma,
    "Use exponent: 2 for ½|p|², or hamiltonianBounded for a bounded speed",
  );
  const cure = "A Hamiltonian is convex in p: change the sign";
  const weight = fieldNonnegative(options.weight ?? 1, d, where, "weight", parameters, cure);
  const structure: HamiltonianStructure & { readonly kind: "radial" } = {
    kind: "radial",
    isLinear: gamma === 2,
    drift: null,
    profile(t, points, s, _m, out) {
      weight.evaluate(t, points, out.byMass); // scratch until it is cleared below
      for (let i = 0; i < s.length; i++) {
        const w = out.byMass[i];
        // below |p| = 1e-50 the second derivative is that at 1e-50: its products with p stay finite
        const c = Math.max(s[i], 1e-100);
        out.value[i] = (w / gamma) * s[i] ** (gamma / 2);
        out.slope[i] = s[i] > 0 || gamma === 2 ? 0.5 * w * s[i] ** (gamma / 2 - 1) : 0;
        out.curvature[i] = s[i] > 0 && gamma !== 2 ? (gamma / 4 - 0.5) * w * c ** (gamma / 2 - 2) : 0;
      }
      out.byMass.fill(0);
      out.slopeByMass.fill(0);
    },
  };
  const square = Array.from({ length: d }, (_, a) => `p${a + 1}^2`).join(" + ");
  const name = weight.constant === 1 ? "" : weight.constant === null ? `(${weight.text}) ` : `${weight.text} `;
  return Object.freeze({
    name: "power",
    dimension: d,
    text: `${name}|p|^${gamma}/${gamma}`,
    dependsOnMass: false,
    dependsOnTime: weight.dependsOnTime,
    quadraticWeight: gamma === 2 && weight.constant !== null && weight.constant > 0 ? weight.constant / 2 : null,
    isPortable: weight.expression !== null,
    structure,
    evaluate: evaluateRadial(structure, d),
    expressionText: weight.expression === null ? null : `${fieldText(weight)}/${gamma}*(${square})^${gamma / 2}`,
    description: { kind: "power", dimension: d, exponent: gamma, weight: weight.constant ?? weight.text, parameters },
  } satisfies Hamiltonian);
}
