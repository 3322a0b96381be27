// A cost of the place alone: f_k = V_k(t, x), whatever the crowd does. It is the derivative of F = Σ_k ∫V_k m_k, and with nothing else
// in the game every agent solves a control problem of its own.
import { demand } from "../../src/error.js";
import type { Coupling } from "./coupling.js";
import { isQuadratic, pointwiseCoupling } from "./coupling-pointwise.js";
import { coordinateNames, type FieldInput, field } from "./field.js";
import { fieldText } from "./field-text.js";

export interface CouplingFieldOptions {
  /** d ≥ 1. */
  readonly dimension: number;
  /** V: a number, an expression of x, y, z (x1 … beyond three dimensions) and t, or a function; a list has one a population. */
  readonly cost: FieldInput | readonly FieldInput[];
  /** Named numbers of the expressions. */
  readonly parameters?: Readonly<Record<string, number>>;
}

/**
 * A cost of place and time alone, f_k = V_k(t, x).
 *
 * @param options one field a population
 * @throws UsageError when a formula does not parse
 *
 * *Good values*: terminal costs such as `"(x - 1)^2"`.
 *
 * @example
 * couplingField({ dimension: 2, cost: "x^2 + y^2" }).isQuadratic // true
 */
export function couplingField(options: CouplingFieldOptions): Coupling {
  const where = "couplingField";
  const { dimension: d, parameters = {} } = options;
  demand(Number.isInteger(d) && d >= 1, where, "dimension", "be an integer ≥ 1", d, "Give the domain's dimension");
  const inputs: readonly FieldInput[] = isList(options.cost) ? options.cost : [options.cost];
  const K = inputs.length;
  demand(K >= 1, where, "cost", "hold at least one field", K, "Give one a population");
  const fields = inputs.map((input, k) => field(input, d, where, K === 1 ? "cost" : `cost[${k}]`, parameters));
  const portable = fields.every((f) => f.expression !== null);
  const coordinates = coordinateNames(d);
  return pointwiseCoupling({
    where,
    name: "field",
    dimension: d,
    populations: K,
    text: fields.map((f) => f.text),
    isMonotone: true,
    isPotential: true,
    dependsOnMass: false,
    isQuadratic: fields.every(({ expression }) => expression !== null && isQuadratic(expression, coordinates)),
    isPortable: portable,
    massRange: [0, Infinity],
    expressionText: portable ? fields.map(fieldText) : null,
    description: { kind: "field", dimension: d, cost: fields.map((f) => f.constant ?? f.text), parameters },
    bind(points) {
      const still = fields.map((f) => (f.dependsOnTime ? null : f.evaluate(0, points)));
      return {
        value(k, t, _m, out) {
          const known = still[k];
          if (known === null) fields[k].evaluate(t, points, out);
          else out.set(known);
        },
        slope: (_k, _l, _t, _m, out) => {
          out.fill(0);
        },
      };
    },
  });
}

function isList(cost: FieldInput | readonly FieldInput[]): cost is readonly FieldInput[] {
  return Array.isArray(cost);
}
