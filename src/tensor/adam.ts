// Adam: m ← β₁m + (1−β₁)g,  v ← β₂v + (1−β₂)g²,  θ ← θ − η (m/(1−β₁ᵏ)) / (√(v/(1−β₂ᵏ)) + ε).
// Scheme: plain tensor operations; the bias corrections 1 − βᵏ are computed from k in float64 on the host, so that a
// run resumed from (k, m, v) equals an uninterrupted one bit for bit. (The library's own optimiser multiplies the
// powers up in float32 and restores them by another formula, so that a resumed run drifts.)
// Reference: Kingma and Ba 2015, algorithm 1 (key kingma2015adam).
import type { Tensor } from "@tensorflow/tfjs";
import type { TensorLibrary } from "./backend.js";

/** Everything Adam remembers; `first` and `second` are the moments, one tensor a parameter. */
export interface AdamState {
  step: number;
  first: Tensor[];
  second: Tensor[];
}

export interface AdamOptions {
  /** η of this step. */
  readonly rate: number;
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
}

/** Zero moments for parameters of the given shapes. The caller disposes them with {@link disposeAdam}. */
export function adamState(tf: TensorLibrary, parameters: readonly Tensor[]): AdamState {
  const zeros = () => parameters.map((p) => tf.keep(tf.zerosLike(p)));
  return { step: 0, first: zeros(), second: zeros() };
}

/**
 * One descent step: replaces `parameters[i]` and the moments in place and disposes what they replace.
 *
 * @param gradients of the loss, same shapes; not disposed
 */
export function adamStep(
  tf: TensorLibrary,
  parameters: Tensor[],
  gradients: readonly Tensor[],
  state: AdamState,
  options: AdamOptions,
): void {
  const { rate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  state.step += 1;
  const scale = rate / (1 - beta1 ** state.step);
  const root = 1 / (1 - beta2 ** state.step);
  for (let i = 0; i < parameters.length; i++) {
    const [p, m, v] = tf.tidy(() => {
      const g = gradients[i];
      const m = tf.add(tf.mul(state.first[i], beta1), tf.mul(g, 1 - beta1));
      const v = tf.add(tf.mul(state.second[i], beta2), tf.mul(tf.square(g), 1 - beta2));
      const change = tf.div(tf.mul(m, scale), tf.add(tf.sqrt(tf.mul(v, root)), epsilon));
      return [tf.keep(tf.sub(parameters[i], change)), tf.keep(m), tf.keep(v)];
    });
    tf.dispose([parameters[i], state.first[i], state.second[i]]);
    parameters[i] = p;
    state.first[i] = m;
    state.second[i] = v;
  }
}

/** Frees the moments. */
export function disposeAdam(tf: TensorLibrary, state: AdamState): void {
  tf.dispose([...state.first, ...state.second]);
}
