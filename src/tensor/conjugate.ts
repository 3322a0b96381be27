// Tensor form of the conjugates f* and of the target's side of the dual objective, −E_Q f*(φ); KL: −log E_Q e^φ.
//   KL: e^y − 1;   α > 1: ((α−1)y₊)^{α/(α−1)}/α + 1/(α(α−1));   0 < α < 1: ((1−α)(−y))^{−α/(1−α)}/α − 1/(α(1−α)), y < 0;
//   reverse KL: −1 − log(−y), y < 0;   Jensen–Shannon: −log(2 − e^y), y < log 2;   plain transport: y.
// Scheme: forward operations for f* and (f*)′, chosen by the divergence's own description and never by a default;
// log-mean-exp shifted by its maximum. First-order tape gradients are right; (f*)′ is explicit for codes without a tape.
// Reference: Birrell, Dupuis, Katsoulakis, Pantazis, Rey-Bellet 2022 (key birrell2022fgamma).
import type { Tensor } from "@tensorflow/tfjs";
import { usageError } from "../error.js";
import type { Divergence } from "../measure/index.js";
import type { TensorLibrary } from "./backend.js";

/** f* and (f*)′ elementwise on the active backend. */
export interface TensorConjugate {
  value(y: Tensor): Tensor;
  derivative(y: Tensor): Tensor;
}

/**
 * The tensor form of a divergence's conjugate.
 *
 * @throws UsageError for a divergence whose description names no known kind
 *
 * *Notes*: outside the domain of f* the values are NaN or ∞, as in the scalar form; {@link belowCeiling} keeps a
 * network inside it.
 *
 * *References*: birrell2022fgamma
 */
export function tensorConjugate(tf: TensorLibrary, divergence: Divergence): TensorConjugate {
  const { kind, alpha } = divergence.description as { kind?: string; alpha?: number };
  switch (kind) {
    case "kullback-leibler":
      return { value: (y) => tf.expm1(y), derivative: (y) => tf.exp(y) };
    case "alpha":
      return alpha! > 1 ? largeAlpha(tf, alpha!) : smallAlpha(tf, alpha!);
    case "reverse-kullback-leibler":
      return { value: (y) => tf.sub(-1, tf.log(tf.neg(y))), derivative: (y) => tf.neg(tf.reciprocal(y)) };
    case "jensen-shannon":
      return {
        value: (y) => tf.neg(tf.log(tf.sub(1, tf.expm1(y)))),
        derivative: (y) => tf.reciprocal(tf.expm1(tf.sub(Math.LN2, y))),
      };
    case "plain-transport":
      return { value: (y) => tf.clone(y), derivative: (y) => tf.onesLike(y) };
    default:
      throw usageError(
        "tensorConjugate",
        "divergence",
        "be one of kullback-leibler, alpha, reverse-kullback-leibler, jensen-shannon, plain-transport",
        divergence.description,
        "Use a divergence of src/measure; others run on the grid and particle solvers",
      );
  }
}

function largeAlpha(tf: TensorLibrary, alpha: number): TensorConjugate {
  const positive = (y: Tensor) => tf.mul(tf.relu(y), alpha - 1);
  return {
    value: (y) => tf.add(tf.div(tf.pow(positive(y), alpha / (alpha - 1)), alpha), 1 / (alpha * (alpha - 1))),
    derivative: (y) => tf.pow(positive(y), 1 / (alpha - 1)),
  };
}

function smallAlpha(tf: TensorLibrary, alpha: number): TensorConjugate {
  const positive = (y: Tensor) => tf.mul(y, alpha - 1);
  return {
    value: (y) => tf.sub(tf.div(tf.pow(positive(y), -alpha / (1 - alpha)), alpha), 1 / (alpha * (1 - alpha))),
    derivative: (y) => tf.pow(positive(y), -1 / (1 - alpha)),
  };
}

/** log mean e^y with the maximum taken out first; differentiable on the tape. */
export function logMeanExp(tf: TensorLibrary, y: Tensor): Tensor {
  return tf.tidy(() => {
    const top = tf.max(y);
    return tf.add(top, tf.log(tf.mean(tf.exp(tf.sub(y, top)))));
  });
}

/**
 * The target's side of the dual objective on equally weighted samples.
 *
 * @returns `value(φ) = −mean f*(φ)` (KL: `−log mean e^φ`) and `derivative(φ)`, its gradient by the values φ
 */
export function targetReward(
  tf: TensorLibrary,
  divergence: Divergence,
): { value(phi: Tensor): Tensor; derivative(phi: Tensor): Tensor } {
  if (divergence.logMeanExp)
    return {
      value: (phi) => tf.neg(logMeanExp(tf, phi)),
      derivative: (phi) =>
        tf.tidy(() => {
          const weight = tf.exp(tf.sub(phi, tf.max(phi)));
          return tf.neg(tf.div(weight, tf.sum(weight)));
        }),
    };
  const conjugate = tensorConjugate(tf, divergence);
  return {
    value: (phi) => tf.tidy(() => tf.neg(tf.mean(conjugate.value(phi)))),
    derivative: (phi) => tf.tidy(() => tf.div(conjugate.derivative(phi), -phi.size)),
  };
}

/**
 * Maps raw network values r below a ceiling c without enlarging slopes: c − softplus(−r), slope σ(−r) ∈ (0, 1).
 * With c = ∞ it is the identity.
 */
export function belowCeiling(tf: TensorLibrary, r: Tensor, ceiling: number): { value: Tensor; slope: Tensor | null } {
  if (ceiling === Infinity) return { value: r, slope: null };
  const minus = tf.neg(r);
  return { value: tf.sub(ceiling, tf.softplus(minus)), slope: tf.sigmoid(minus) };
}
