// f-divergences D_f(R‖Q) = E_Q f(dR/dQ), f convex, f(1) = 0, with the conjugates f*(y) = sup_{r ≥ 0} (r y − f(r)) that the dual problems use.
//   KL               f = r log r − r + 1                  f* = e^y − 1
//   α > 1            f = (r^α − 1)/(α(α−1))               f* = ((α−1) y₊)^{α/(α−1)}/α + 1/(α(α−1))
//   0 < α < 1        same f                               f* = ((1−α)(−y))^{−α/(1−α)}/α − 1/(α(1−α)),  y < 0
//   reverse KL       f = −log r                           f* = −1 − log(−y),  y < 0
//   Jensen–Shannon   f = r log r − (1+r) log((1+r)/2)     f* = −log(2 − e^y),  y < log 2
//   plain transport  f = 0 at 1, else ∞                   f* = y
// KL and Jensen–Shannon have f′(1) = 0 as written; α and reverse KL differ from that choice by c(r − 1), which changes neither
// D_f between probability measures nor the dual value, only the constant by which the optimal potential is fixed.
// Jensen–Shannon is un-halved: KL(R‖M) + KL(Q‖M), M = (R + Q)/2, at most 2 log 2.
// Reference: Birrell, Dupuis, Katsoulakis, Pantazis, Rey-Bellet 2022, "(f, Γ)-divergences" (key birrell2022fgamma).
import { demand, usageError } from "../error.js";

/** One f-divergence as plain functions; y is a dual potential value. */
export interface Divergence {
  /** Report name, for example `"KL"`, `"α = 2"`. */
  readonly name: string;
  /** JSON description, for example `{ kind: "alpha", alpha: 2 }`. */
  readonly description: Readonly<Record<string, unknown>>;
  /** f(r) for r ≥ 0; +∞ outside the domain. */
  f(r: number): number;
  /** f*(y) = sup_r (r y − f(r)); +∞ outside the domain. */
  conjugate(y: number): number;
  /** (f*)′(y) ≥ 0: the optimal ratio dR/dQ; +∞ outside the domain of f*. */
  conjugateDerivative(y: number): number;
  /** (f*)″(y) ≥ 0; +∞ outside the domain of f*. */
  conjugateSecondDerivative(y: number): number;
  /** f* is finite for y < conjugateDomain (Infinity when everywhere). */
  readonly conjugateDomain: number;
  /** `true` for KL only: the objective may use log-mean-exp, which removes the free constant. */
  readonly logMeanExp: boolean;
  /** `true` for plain transport (f = 0 at 1, ∞ elsewhere): both marginals are prescribed. */
  readonly rigid: boolean;
}

/**
 * Kullback–Leibler divergence, f(r) = r log r − r + 1, f*(y) = e^y − 1.
 *
 * @returns the divergence, named `"KL"`
 *
 * *Good values*: the default choice; use α > 1 for heavy tails.
 *
 * *References*: birrell2022fgamma
 */
export function kullbackLeibler(): Divergence {
  return {
    name: "KL",
    description: { kind: "kullback-leibler" },
    f: (r) => (r > 0 ? r * Math.log(r) - r + 1 : r === 0 ? 1 : Infinity),
    conjugate: Math.expm1,
    conjugateDerivative: Math.exp,
    conjugateSecondDerivative: Math.exp,
    conjugateDomain: Infinity,
    logMeanExp: true,
    rigid: false,
  };
}

/**
 * α-divergence, f(r) = (r^α − 1)/(α(α−1)).
 *
 * @param alpha α > 0, α ≠ 1, finite; α > 1: f* is finite everywhere and flat for y ≤ 0; α < 1: f* is finite for y < 0 only
 * @returns the divergence, named `"α = …"`
 * @throws UsageError when α is 1 (Kullback–Leibler), 0 (reverse Kullback–Leibler), negative or not finite
 *
 * *Notes*: for α > 2 the second derivative of f* is unbounded as y ↓ 0, and for 1 < α it is 0 for y ≤ 0.
 *
 * *Good values*: α = 2 for heavy-tailed targets.
 *
 * *References*: birrell2022fgamma
 */
export function alphaDivergence(alpha: number): Divergence {
  demand(
    Number.isFinite(alpha) && alpha > 0 && alpha !== 1,
    "alphaDivergence",
    "alpha",
    "be finite, > 0 and not 1",
    alpha,
    "Use kullbackLeibler() for α = 1 and reverseKullbackLeibler() for α = 0",
  );
  const scale = alpha * (alpha - 1);
  const described = {
    name: `α = ${alpha}`,
    description: { kind: "alpha", alpha },
    f: (r: number) => (r >= 0 ? (r ** alpha - 1) / scale : Infinity),
    logMeanExp: false,
    rigid: false,
  };
  if (alpha > 1) {
    const power = 1 / (alpha - 1);
    return {
      ...described,
      conjugate: (y) => (y > 0 ? ((alpha - 1) * y) ** (alpha * power) / alpha : 0) + 1 / scale,
      conjugateDerivative: (y) => (y > 0 ? ((alpha - 1) * y) ** power : 0),
      conjugateSecondDerivative: (y) => (y > 0 ? ((alpha - 1) * y) ** (power - 1) : 0),
      conjugateDomain: Infinity,
    };
  }
  const power = 1 / (1 - alpha);
  return {
    ...described,
    conjugate: (y) => (y < 0 ? ((1 - alpha) * -y) ** (-alpha * power) / alpha + 1 / scale : Infinity),
    conjugateDerivative: (y) => (y < 0 ? ((1 - alpha) * -y) ** -power : Infinity),
    conjugateSecondDerivative: (y) => (y < 0 ? ((1 - alpha) * -y) ** (-power - 1) : Infinity),
    conjugateDomain: 0,
  };
}

/**
 * Reverse Kullback–Leibler divergence, D_f(R‖Q) = KL(Q‖R): f(r) = −log r, f*(y) = −1 − log(−y) for y < 0.
 *
 * @returns the divergence, named `"reverse KL"`
 *
 * *References*: birrell2022fgamma
 */
export function reverseKullbackLeibler(): Divergence {
  return {
    name: "reverse KL",
    description: { kind: "reverse-kullback-leibler" },
    f: (r) => (r >= 0 ? -Math.log(r) : Infinity),
    conjugate: (y) => (y < 0 ? -1 - Math.log(-y) : Infinity),
    conjugateDerivative: (y) => (y < 0 ? -1 / y : Infinity),
    conjugateSecondDerivative: (y) => (y < 0 ? 1 / (y * y) : Infinity),
    conjugateDomain: 0,
    logMeanExp: false,
    rigid: false,
  };
}

/**
 * Jensen–Shannon divergence, un-halved: KL(R‖M) + KL(Q‖M) with M = (R + Q)/2; f*(y) = −log(2 − e^y) for y < log 2.
 *
 * @returns the divergence, named `"Jensen–Shannon"`
 *
 * *References*: birrell2022fgamma
 */
export function jensenShannon(): Divergence {
  return {
    name: "Jensen–Shannon",
    description: { kind: "jensen-shannon" },
    f: (r) => (r >= 0 ? (r > 0 ? r * Math.log(r) : 0) - (1 + r) * Math.log((1 + r) / 2) : Infinity),
    conjugate: (y) => (y < Math.LN2 ? -Math.log(2 - Math.exp(y)) : Infinity),
    conjugateDerivative: (y) => (y < Math.LN2 ? Math.exp(y) / (2 - Math.exp(y)) : Infinity),
    conjugateSecondDerivative: (y) => (y < Math.LN2 ? (2 * Math.exp(y)) / (2 - Math.exp(y)) ** 2 : Infinity),
    conjugateDomain: Math.LN2,
    logMeanExp: false,
    rigid: false,
  };
}

/**
 * Plain transport: f = 0 at 1 and ∞ elsewhere, f*(y) = y, so both marginals are prescribed.
 *
 * @returns the divergence, named `"plain transport"`, with `rigid: true`
 */
export function plainTransport(): Divergence {
  return {
    name: "plain transport",
    description: { kind: "plain-transport" },
    f: (r) => (r === 1 ? 0 : Infinity),
    conjugate: (y) => y,
    conjugateDerivative: () => 1,
    conjugateSecondDerivative: () => 0,
    conjugateDomain: Infinity,
    logMeanExp: false,
    rigid: true,
  };
}

/**
 * Rebuilds a divergence from its JSON description.
 *
 * @param description `{ kind }` with kind one of `"kullback-leibler"`, `"alpha"` (with `alpha`), `"reverse-kullback-leibler"`,
 * `"jensen-shannon"`, `"plain-transport"`
 * @throws UsageError when the kind is unknown or α does not fit
 */
export function divergenceFrom(description: Readonly<Record<string, unknown>>): Divergence {
  switch (description.kind) {
    case "kullback-leibler":
      return kullbackLeibler();
    case "alpha":
      return alphaDivergence(description.alpha as number);
    case "reverse-kullback-leibler":
      return reverseKullbackLeibler();
    case "jensen-shannon":
      return jensenShannon();
    case "plain-transport":
      return plainTransport();
    default:
      throw usageError(
        "divergenceFrom",
        "kind",
        "be one of kullback-leibler, alpha, reverse-kullback-leibler, jensen-shannon, plain-transport",
        description.kind,
        'Use { kind: "kullback-leibler" } to start',
      );
  }
}
