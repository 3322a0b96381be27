// Congestion: moving costs more in a crowd,
//   H(t, x, p, m) = w(t, x) |p|²/(2(1 + m)^a),  a ≥ 0        L(x, v, m) = (1 + m)^a |v|²/(2w)
// Equilibria are unique, beside a monotone coupling, when for all p and m the matrix (m ∂ₚₚH, ½m ∂ₚ∂ₘH; ·, −∂ₘH) is ≥ 0. Here it is
// iff a m ≤ 2(1 + m): always for a ≤ 2, and as long as m ≤ 2/(a − 2) for a > 2. (For |p|^β: a ≤ 4(β − 1)/β.)
// Reference: Achdou, Porretta 2018 (key achdou2018congestion); Lasry, Lions 2007 (key lasry2007mean).
import { demand } from "../../src/error.js";
import type { FieldInput } from "./field.js";
import { fieldNonnegative } from "./field-nonnegative.js";
import { fieldText } from "./field-text.js";
import type { Hamiltonian, HamiltonianStructure } from "./hamiltonian.js";
import { evaluateRadial } from "./hamiltonian-structure.js";

export interface HamiltonianCongestionOptions {
  /** d ≥ 1. */
  readonly dimension: number;
  /** a ≥ 0. */
  readonly exponent: number;
  /** w ≥ 0; default 1. */
  readonly weight?: FieldInput;
  /** Named numbers of the weight's expression. */
  readonly parameters?: Readonly<Record<string, number>>;
}

/**
 * H = w |p|²/(2(1 + m)^a).
 *
 * @param options dimension, exponent a, weight w
 * @returns a frozen radial Hamiltonian; `isMonotone` is true for a ≤ 2 and `null` above, where it holds up to m = 2/(a − 2)
 * @throws UsageError when a number does not fit; from `evaluate` when w is negative at a point
 *
 * *Notes*: such a game is not potential for a > 0.
 *
 * *Good values*: a from 0.5 to 2.
 *
 * *References*: achdou2018congestion, lasry2007mean
 */
export function hamiltonianCongestion(options: HamiltonianCongestionOptions): Hamiltonian {
  const where = "hamiltonianCongestion";
  const { dimension: d, exponent: a, parameters = {} } = options;
  demand(Number.isInteger(d) && d >= 1, where, "dimension", "be an integer ≥ 1", d, "Use dimension: 2");
  demand(a >= 0 && Number.isFinite(a), where, "exponent", "be a finite number ≥ 0", a, "Use exponent: 1");
  const cure = "A Hamiltonian is convex in p: change the sign";
  const weight = fieldNonnegative(options.weight ?? 1, d, where, "weight", parameters, cure);
  const structure: HamiltonianStructure & { readonly kind: "radial" } = {
    kind: "radial",
    isLinear: true,
    drift: null,
    profile(t, points, s, m, out) {
      weight.evaluate(t, points, out.slope);
      for (let i = 0; i < s.length; i++) {
        const slope = 0.5 * out.slope[i] * (1 + m[i]) ** -a;
        const slopeByMass = (-a * slope) / (1 + m[i]);
        out.value[i] = slope * s[i];
        out.slope[i] = slope;
        out.byMass[i] = slopeByMass * s[i];
        out.slopeByMass[i] = slopeByMass;
      }
      out.curvature.fill(0);
    },
  };
  const square = Array.from({ length: d }, (_, i) => `p${i + 1}^2`).join(" + ");
  const name = weight.constant === 1 ? "" : weight.constant === null ? `(${weight.text}) ` : `${weight.text} `;
  return Object.freeze({
    name: "congestion",
    dimension: d,
    text: a === 0 ? `${name}½|p|²` : `${name}|p|²/(2(1 + m)^${a})`,
    dependsOnMass: a > 0,
    isMonotone: a <= 2 ? true : null,
    dependsOnTime: weight.dependsOnTime,
    quadraticWeight: a === 0 && weight.constant !== null && weight.constant > 0 ? weight.constant / 2 : null,
    isPortable: weight.expression !== null,
    structure,
    evaluate: evaluateRadial(structure, d),
    expressionText: weight.expression === null ? null : `${fieldText(weight)}*(${square})/(2*(1 + m)^${a})`,
    description: { kind: "congestion", dimension: d, exponent: a, weight: weight.constant ?? weight.text, parameters },
  } satisfies Hamiltonian);
}
