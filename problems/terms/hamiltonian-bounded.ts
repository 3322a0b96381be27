// Bounded speed: the Hamiltonian of agents who pay ½|v|² and cannot be faster than R(t, x),
//   H(t, x, p) = sup over v ∈ V of (−p·v − ½|v|²)
//   ball V = {|v| ≤ R}:       H = h(|p|)         box V = {|v_a| ≤ R for all a}:   H = Σ_a h(|p_a|)
//   h(r) = ½r² for r ≤ R,  Rr − ½R² beyond: C¹, with a jump of h″ from 1 to 0 at R, where 1 is written.
// Reference: Evans 2010, chapter 10 (key evans2010partial).
import { demand } from "../../src/error.js";
import type { FieldInput } from "./field.js";
import { fieldNonnegative } from "./field-nonnegative.js";
import { fieldText } from "./field-text.js";
import type { Hamiltonian, HamiltonianStructure } from "./hamiltonian.js";
import { evaluateRadial, evaluateSeparable } from "./hamiltonian-structure.js";

export interface HamiltonianBoundedOptions {
  /** d ≥ 1. */
  readonly dimension: number;
  /** R > 0 (0 where nobody can move). */
  readonly speed: FieldInput;
  /** V; default `"ball"`. */
  readonly set?: "ball" | "box";
  /** Named numbers of the speed's expression. */
  readonly parameters?: Readonly<Record<string, number>>;
}

/**
 * H = sup over |v| ≤ R of (−p·v − ½|v|²).
 *
 * @param options dimension, greatest speed R, shape of the set of velocities
 * @returns a frozen Hamiltonian that does not depend on m: radial for a ball, separable for a box
 * @throws UsageError when a number does not fit; from `evaluate` when R is negative at a point
 *
 * *Notes*: R above every |∇u| gives ½|p|².
 *
 * *References*: evans2010partial
 *
 * @example
 * hamiltonianBounded({ dimension: 2, speed: "1 - 0.5*exp(-x^2 - y^2)" });
 */
export function hamiltonianBounded(options: HamiltonianBoundedOptions): Hamiltonian {
  const where = "hamiltonianBounded";
  const { dimension: d, set = "ball", parameters = {} } = options;
  demand(Number.isInteger(d) && d >= 1, where, "dimension", "be an integer ≥ 1", d, "Use dimension: 2");
  demand(set === "ball" || set === "box", where, "set", 'be "ball" or "box"', set, 'Use set: "ball"');
  const speed = fieldNonnegative(options.speed, d, where, "speed", parameters, "Give the greatest |v|, for example 1");
  demand(speed.constant !== 0, where, "speed", "be > 0", 0, "Give the greatest |v|, for example 1");

  const radial: HamiltonianStructure & { readonly kind: "radial" } = {
    kind: "radial",
    drift: null,
    profile(t, points, s, _m, out) {
      speed.evaluate(t, points, out.byMass); // scratch until it is cleared below
      for (let i = 0; i < s.length; i++) {
        const R = out.byMass[i];
        const r = Math.sqrt(s[i]);
        const free = r <= R;
        out.value[i] = free ? 0.5 * s[i] : R * (r - 0.5 * R);
        out.slope[i] = free ? 0.5 : (0.5 * R) / r;
        out.curvature[i] = free ? 0 : (-0.25 * R) / (r * s[i]);
      }
      out.byMass.fill(0);
      out.slopeByMass.fill(0);
    },
  };
  const separable: HamiltonianStructure & { readonly kind: "separable" } = {
    kind: "separable",
    part(_a, t, points, p, _m, out) {
      speed.evaluate(t, points, out.byMass); // scratch until it is cleared below
      for (let i = 0; i < p.length; i++) {
        const R = out.byMass[i];
        const r = Math.abs(p[i]);
        const free = r <= R;
        out.value[i] = free ? 0.5 * r * r : R * (r - 0.5 * R);
        out.slope[i] = free ? p[i] : Math.sign(p[i]) * R;
        out.curvature[i] = free ? 1 : 0;
      }
      out.byMass.fill(0);
      out.slopeByMass.fill(0);
    },
    least: (_a, _t, _points, _m, out) => {
      out.fill(0);
    },
  };
  const R = speed.expression === null ? null : fieldText(speed);
  const norm = (s: string) => `0.5*min(${s}, ${R}^2) + ${R}*(sqrt(max(${s}, ${R}^2)) - ${R})`;
  const squares = Array.from({ length: d }, (_, a) => `p${a + 1}^2`);
  return Object.freeze({
    name: "bounded",
    dimension: d,
    text: `sup over ${set === "ball" ? "|v|" : "|vₐ|"} ≤ ${speed.text} of −p·v − ½|v|²`,
    dependsOnMass: false,
    dependsOnTime: speed.dependsOnTime,
    quadraticWeight: null,
    isPortable: R !== null,
    structure: set === "ball" ? radial : separable,
    evaluate: set === "ball" ? evaluateRadial(radial, d) : evaluateSeparable(separable, d),
    expressionText: R === null ? null : set === "ball" ? norm(squares.join(" + ")) : squares.map(norm).join(" + "),
    description: { kind: "bounded", dimension: d, speed: speed.constant ?? speed.text, set, parameters },
  } satisfies Hamiltonian);
}
