// Logarithmic coupling: f = γ ln m + V(t, x), the derivative of F = ∫ γ(m ln m − m) + V m: the crowd's entropy as a cost.
// With γ > 0 it pushes agents out of crowds and keeps m > 0; Gaussian equilibria in a quadratic V are explicit.
// Reference: Gomes, Pimentel, Voskanyan 2016, §3 (key gomes2016regularity).
import { demand } from "../../src/error.js";
import type { Coupling } from "./coupling.js";
import { ownDensityCoupling } from "./coupling-own.js";
import type { FieldInput } from "./field.js";

export interface CouplingLogOptions {
  /** d ≥ 1. */
  readonly dimension: number;
  /** γ, finite, not 0; default 1. Negative: agents seek crowds. */
  readonly weight?: number;
  /** V; default 0. */
  readonly cost?: FieldInput;
  /** Named numbers of V's expression. */
  readonly parameters?: Readonly<Record<string, number>>;
}

/**
 * Logarithmic coupling of one population.
 *
 * f(t, x, m) = γ ln m + V(t, x)
 *
 * @param options weight γ and running cost V
 * @throws UsageError when γ is 0 or not finite; from evaluation where m < 0
 *
 * *Notes*: needs m > 0, so viscosity > 0 or an initial density without holes; f is −∞ where m is 0.
 *
 * *Good values*: γ from 0.01 to 1.
 *
 * *References*: gomes2016regularity
 */
export function couplingLog(options: CouplingLogOptions): Coupling {
  const { dimension, weight = 1, cost = 0, parameters = {} } = options;
  demand(
    Number.isFinite(weight) && weight !== 0,
    "couplingLog",
    "weight",
    "be finite and not 0",
    weight,
    "Use weight: 1, or couplingField for a cost without crowd",
  );
  return ownDensityCoupling({
    where: "couplingLog",
    name: "log",
    dimension,
    cost,
    parameters,
    text: `${weight === 1 ? "" : weight === -1 ? "−" : `${weight} `}ln m`,
    expressionText: weight < 0 ? `-${-weight} * log(m)` : `${weight} * log(m)`,
    isMonotone: weight > 0,
    massRange: [Number.MIN_VALUE, Infinity],
    description: { kind: "log", weight },
    value: (m) => weight * Math.log(m),
    slope: (m) => weight / m,
  });
}
