// A place that fills up: f = h(m) + V(t, x) with h increasing to ∞ at the capacity c,
//   quotient   h = w m/(1 − m/c)        about w m while there is room
//   log        h = −w c ln(1 − m/c)     about w m too, and gentler near c
// so that an equilibrium with m < c everywhere keeps the density below the capacity without a constraint of its own.
// Reference: Santambrogio 2012 (key santambrogio2012modest), who treats the hard constraint m ≤ c.
import { demand } from "../../src/error.js";
import type { Coupling } from "./coupling.js";
import { ownDensityCoupling } from "./coupling-own.js";
import type { FieldInput } from "./field.js";

export interface CouplingCapacityOptions {
  /** d ≥ 1. */
  readonly dimension: number;
  /** c > 0, mass per volume. */
  readonly capacity: number;
  /** w > 0; default 1. */
  readonly weight?: number;
  /** Default `"quotient"`. */
  readonly barrier?: "quotient" | "log";
  /** V; default 0. */
  readonly cost?: FieldInput;
  /** Named numbers of V's expression. */
  readonly parameters?: Readonly<Record<string, number>>;
}

/**
 * Congestion cost with a capacity, one population.
 *
 * f(t, x, m) = w m/(1 − m/c) + V(t, x)   or   −w c ln(1 − m/c) + V(t, x)
 *
 * @param options capacity c, weight w, barrier and running cost
 * @throws UsageError when a number does not fit; from evaluation where m ≥ c
 *
 * *Notes*: the laws at 0 and T must stay below c; a solver must keep its iterates in `massRange`.
 *
 * *Good values*: c two to five times the mean density.
 *
 * *References*: santambrogio2012modest
 */
export function couplingCapacity(options: CouplingCapacityOptions): Coupling {
  const where = "couplingCapacity";
  const { dimension, capacity: c, weight: w = 1, barrier = "quotient", cost = 0, parameters = {} } = options;
  demand(c > 0 && Number.isFinite(c), where, "capacity", "be finite and > 0", c, "Use twice the mean density to start");
  demand(w > 0 && Number.isFinite(w), where, "weight", "be finite and > 0", w, "Use weight: 1");
  demand(
    barrier === "quotient" || barrier === "log",
    where,
    "barrier",
    'be "quotient" or "log"',
    barrier,
    'Use barrier: "quotient"',
  );
  const quotient = barrier === "quotient";
  return ownDensityCoupling({
    where,
    name: "capacity",
    dimension,
    cost,
    parameters,
    text: quotient ? `${w} m/(1 − m/${c})` : `−${w * c} ln(1 − m/${c})`,
    expressionText: quotient ? `${w} * m/(1 - m/${c})` : `-${w * c} * log(1 - m/${c})`,
    isMonotone: true,
    // the largest number below c: f is not defined at c
    massRange: [0, c * (1 - Number.EPSILON / 2)],
    description: { kind: "capacity", capacity: c, weight: w, barrier },
    value: (m) => (m >= c ? Number.NaN : quotient ? (w * m) / (1 - m / c) : -w * c * Math.log1p(-m / c)),
    slope: (m) => (m >= c ? Number.NaN : quotient ? w / (1 - m / c) ** 2 : w / (1 - m / c)),
  });
}
