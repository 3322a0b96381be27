// Activations s with derivatives of every order on the gradient tape.
//   tanh′ = 1 − tanh²,  σ′ = σ(1 − σ),  softplus′ = σ,  exp′ = exp,  sin″ = −sin,
//   silu = x σ(x),  gelu = x Φ(x) with Φ′(x) = exp(−x²/2)/√(2π),  softabs = √(x² + ε²) − ε.
// Scheme: a custom gradient whose gradient function calls the activation again, so that it is itself on the tape.
// Why: the library differentiates tanh, sigmoid, exp and softmax through their saved output, which is off the tape;
// first order is right, second order is silently wrong, and elu, selu, leakyRelu, logSumExp throw at second order.
// Each activation also offers s′ as a forward operation and scalar float64 twins for evaluation on the host.

import type { Tensor } from "@tensorflow/tfjs";
import { demand } from "../error.js";
import type { TensorLibrary } from "./backend.js";

/** The smooth activations; MaxMin, which acts on pairs, belongs to the critic. */
export type ActivationName = "tanh" | "sigmoid" | "softplus" | "sin" | "silu" | "gelu" | "exp" | "softabs";

/** One activation on the active tensor backend. */
export interface Activation {
  readonly name: ActivationName;
  /** s(x), elementwise; differentiable to any order. */
  value(x: Tensor): Tensor;
  /** s′(x) as a forward operation; itself differentiable to any order. */
  derivative(x: Tensor): Tensor;
  /** Both at once, sharing work; first-order use only. */
  jet(x: Tensor): { value: Tensor; derivative: Tensor };
}

/** One activation in float64 on the host. */
export interface ScalarActivation {
  value(x: number): number;
  derivative(x: number): number;
  /** sup |s′|; `Infinity` where unbounded. */
  readonly lipschitz: number;
}

/** ε of softabs: |softabs(x) − |x|| ≤ ε and |softabs″| ≤ 1/ε. */
export const SOFTABS_WIDTH = 0.25;

/**
 * Binds a named activation to the tensor library.
 *
 * @throws UsageError for an unknown name
 */
export function activation(tf: TensorLibrary, name: ActivationName): Activation {
  const s = known(BUILDERS, name)(tf);
  return { name, ...s, jet: s.jet ?? ((x) => ({ value: s.value(x), derivative: s.derivative(x) })) };
}

/**
 * The same activation as plain float64 functions.
 *
 * @throws UsageError for an unknown name
 *
 * *Notes*: sup |s′| is 1 for tanh, softplus, sin and softabs, ¼ for sigmoid, 1.0998 for silu, 1.1289 for gelu.
 */
export function scalarActivation(name: ActivationName): ScalarActivation {
  return known(SCALARS, name);
}

function known<V>(table: Readonly<Record<ActivationName, V>>, name: ActivationName): V {
  demand(
    Object.hasOwn(table, name),
    "activation",
    "name",
    `be one of ${Object.keys(table).join(", ")}`,
    name,
    'Use "softplus" to start',
  );
  return table[name];
}

/**
 * Wraps `value` so that its gradient is dy · derivative(x), with `derivative` on the tape. By the time of an outer
 * gradient x may have been disposed, and what `save` keeps is alive but off the tape: `relinked` joins the two.
 */
function smooth(
  tf: TensorLibrary,
  value: (x: Tensor) => Tensor,
  derivative: (x: Tensor) => Tensor,
): (x: Tensor) => Tensor {
  return (x) => {
    const relinked = (kept: Tensor) =>
      tf.customGrad(() => ({ value: tf.clone(kept), gradFunc: (dy: Tensor) => dy }))(x);
    return tf.customGrad((input, save) => {
      (save as (tensors: Tensor[]) => void)([input as Tensor]);
      return {
        value: value(input as Tensor),
        gradFunc: (dy: Tensor, saved: Tensor[]) => tf.mul(dy, derivative(relinked(saved[0]))),
      };
    })(x);
  };
}

function sigmoidOf(tf: TensorLibrary): { value(x: Tensor): Tensor; derivative(x: Tensor): Tensor } {
  const value: (x: Tensor) => Tensor = smooth(
    tf,
    (x) => tf.sigmoid(x),
    (x) => derivative(x),
  );
  const derivative = (x: Tensor): Tensor => {
    const s = value(x);
    return tf.sub(s, tf.square(s));
  };
  return { value, derivative };
}

function exponential(tf: TensorLibrary): (x: Tensor) => Tensor {
  const value: (x: Tensor) => Tensor = smooth(
    tf,
    (x) => tf.exp(x),
    (x) => value(x),
  );
  return value;
}

type Draft = Omit<Activation, "name" | "jet"> & Partial<Pick<Activation, "jet">>;

const BUILDERS: Readonly<Record<ActivationName, (tf: TensorLibrary) => Draft>> = {
  tanh: (tf) => {
    const value: (x: Tensor) => Tensor = smooth(
      tf,
      (x) => tf.tanh(x),
      (x) => derivative(x),
    );
    const derivative = (x: Tensor): Tensor => tf.sub(1, tf.square(value(x)));
    const jet = (x: Tensor) => {
      const t = tf.tanh(x);
      return { value: t, derivative: tf.sub(1, tf.square(t)) };
    };
    return { value, derivative, jet };
  },
  sigmoid: sigmoidOf,
  softplus: (tf) => {
    const derivative = sigmoidOf(tf).value;
    return { value: smooth(tf, (x) => tf.softplus(x), derivative), derivative };
  },
  sin: (tf) => ({ value: (x) => tf.sin(x), derivative: (x) => tf.cos(x) }),
  silu: (tf) => {
    const { value: sigma, derivative: slope } = sigmoidOf(tf);
    return { value: (x) => tf.mul(x, sigma(x)), derivative: (x) => tf.add(sigma(x), tf.mul(x, slope(x))) };
  },
  gelu: (tf) => {
    const exp = exponential(tf);
    const pdf = (x: Tensor): Tensor => tf.mul(exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    const cdf = smooth(tf, (x) => tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5), pdf);
    return { value: (x) => tf.mul(x, cdf(x)), derivative: (x) => tf.add(cdf(x), tf.mul(x, pdf(x))) };
  },
  exp: (tf) => {
    const value = exponential(tf);
    return { value, derivative: value };
  },
  softabs: (tf) => {
    const root = (x: Tensor): Tensor => tf.sqrt(tf.add(tf.square(x), SOFTABS_WIDTH ** 2));
    return {
      value: (x) => tf.sub(root(x), SOFTABS_WIDTH),
      derivative: (x) => tf.div(x, root(x)),
      jet: (x) => {
        const r = root(x);
        return { value: tf.sub(r, SOFTABS_WIDTH), derivative: tf.div(x, r) };
      },
    };
  },
};

const sigmoidScalar = (x: number) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));
const softabsRoot = (x: number) => Math.sqrt(x * x + SOFTABS_WIDTH ** 2);

const SCALARS: Readonly<Record<ActivationName, ScalarActivation>> = {
  tanh: { value: Math.tanh, derivative: (x) => 1 - Math.tanh(x) ** 2, lipschitz: 1 },
  sigmoid: { value: sigmoidScalar, derivative: (x) => sigmoidScalar(x) * sigmoidScalar(-x), lipschitz: 0.25 },
  softplus: {
    value: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    derivative: sigmoidScalar,
    lipschitz: 1,
  },
  sin: { value: Math.sin, derivative: Math.cos, lipschitz: 1 },
  silu: {
    value: (x) => x * sigmoidScalar(x),
    derivative: (x) => sigmoidScalar(x) * (1 + x * sigmoidScalar(-x)),
    lipschitz: 1.0998393194792844,
  },
  gelu: {
    value: (x) => x * normalCdf(x),
    derivative: (x) => normalCdf(x) + (x * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI),
    lipschitz: 1.128904145066,
  },
  exp: { value: Math.exp, derivative: Math.exp, lipschitz: Number.POSITIVE_INFINITY },
  softabs: { value: (x) => softabsRoot(x) - SOFTABS_WIDTH, derivative: (x) => x / softabsRoot(x), lipschitz: 1 },
};

/** Φ(x): Maclaurin series of erf for |x| < 3, Lentz's continued fraction of erfc beyond; relative error ≤ 1e-14. */
function normalCdf(x: number): number {
  const z = Math.abs(x) * Math.SQRT1_2;
  let upper: number;
  if (z < 2.2) {
    let term = z;
    let sum = z;
    for (let n = 1; Math.abs(term) > 1e-17 * sum && n < 80; n++) {
      term *= (2 * z * z) / (2 * n + 1);
      sum += term;
    }
    upper = 0.5 - (sum * Math.exp(-z * z)) / Math.sqrt(Math.PI);
  } else {
    let tail = z;
    for (let n = 60; n >= 1; n--) tail = z + n / 2 / tail;
    upper = Math.exp(-z * z) / (2 * Math.sqrt(Math.PI) * tail);
  }
  return x > 0 ? 1 - upper : upper;
}
