// Local couplings of one population of the form f = h(m) + V(t, x), with h given in closed form: what log and capacity share.
import { demand } from "../../src/error.js";
import type { Coupling } from "./coupling.js";
import { pointwiseCoupling } from "./coupling-pointwise.js";
import { type FieldInput, field } from "./field.js";
import { fieldText } from "./field-text.js";

/** h and its derivative; NaN where they are not defined. */
export interface OwnDensityCost {
  readonly where: string;
  readonly name: string;
  readonly dimension: number;
  /** V. */
  readonly cost: FieldInput;
  readonly parameters: Readonly<Record<string, number>>;
  /** h as a person reads it, and as an expression of m. */
  readonly text: string;
  readonly expressionText: string;
  readonly isMonotone: boolean;
  readonly massRange: readonly [number, number];
  readonly description: Readonly<Record<string, unknown>>;
  value(m: number): number;
  slope(m: number): number;
}

/** f = h(m) + V(t, x). */
export function ownDensityCoupling(own: OwnDensityCost): Coupling {
  const { where, dimension: d, value, slope } = own;
  demand(Number.isInteger(d) && d >= 1, where, "dimension", "be an integer ≥ 1", d, "Give the domain's dimension");
  const V = field(own.cost, d, where, "cost", own.parameters);
  const bare = V.constant === 0;
  return pointwiseCoupling({
    where,
    name: own.name,
    dimension: d,
    populations: 1,
    text: [bare ? own.text : `${own.text} + ${V.text}`],
    isMonotone: own.isMonotone,
    isPotential: true,
    dependsOnMass: true,
    isQuadratic: false,
    isPortable: V.expression !== null,
    massRange: own.massRange,
    expressionText:
      V.expression === null ? null : [bare ? own.expressionText : `${own.expressionText} + ${fieldText(V)}`],
    description: { ...own.description, dimension: d, cost: V.constant ?? V.text, parameters: own.parameters },
    bind(points) {
      const still = V.dependsOnTime ? null : V.evaluate(0, points);
      return {
        value(_k, t, [m], out) {
          if (still === null) V.evaluate(t, points, out);
          else out.set(still);
          for (let i = 0; i < out.length; i++) out[i] += value(m[i]);
        },
        slope(_k, _l, _t, [m], out) {
          for (let i = 0; i < out.length; i++) out[i] = slope(m[i]);
        },
      };
    },
  });
}
