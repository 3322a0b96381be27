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
  /** sup |s′|; `Infinity` where unbounded. */
  readonly lipschitz: number;
  /** s(x) in float64 on the host. */
  scalar(x: number): number;
  /** s′(x) in float64 on the host. */
  scalarDerivative(x: number): number;
}

/** ε of softabs: |softabs(x) − |x|| ≤ ε and |softabs″| ≤ 1/ε. */
export const SOFTABS_WIDTH = 0.25;

/**
 * Binds a named activation to the tensor library.
 *
 * @throws UsageError for an unknown name
 *
 * *Notes*: sup |s′| is 1 for tanh, softplus, sin and softabs, ¼ for sigmoid, 1.0999 for silu, 1.129 for gelu.
 */
export function activation(tf: TensorLibrary, name: ActivationName): Activation {
  const make = BUILDERS[name];
  demand(
    make !== undefined,
    "activation",
    "name",
    `be one of ${Object.keys(BUILDERS).join(", ")}`,
    name,
    'Use "softplus" to start',
  );
  return make(tf);
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

const sigmoidScalar = (x: number) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));

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

const BUILDERS: Readonly<Record<ActivationName, (tf: TensorLibrary) => Activation>> = {
  tanh: (tf) => {
    const value: (x: Tensor) => Tensor = smooth(
      tf,
      (x) => tf.tanh(x),
      (x) => derivative(x),
    );
    const derivative = (x: Tensor): Tensor => tf.sub(1, tf.square(value(x)));
    const scalarDerivative = (x: number) => 1 - Math.tanh(x) ** 2;
    return { name: "tanh", value, derivative, lipschitz: 1, scalar: Math.tanh, scalarDerivative };
  },
  sigmoid: (tf) => {
    const scalarDerivative = (x: number) => sigmoidScalar(x) * sigmoidScalar(-x);
    return { name: "sigmoid", ...sigmoidOf(tf), lipschitz: 0.25, scalar: sigmoidScalar, scalarDerivative };
  },
  softplus: (tf) => {
    const derivative = sigmoidOf(tf).value;
    const value = smooth(tf, (x) => tf.softplus(x), derivative);
    const scalar = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
    return { name: "softplus", value, derivative, lipschitz: 1, scalar, scalarDerivative: sigmoidScalar };
  },
  sin: (tf) => ({
    name: "sin",
    value: (x) => tf.sin(x),
    derivative: (x) => tf.cos(x),
    lipschitz: 1,
    scalar: Math.sin,
    scalarDerivative: Math.cos,
  }),
  silu: (tf) => {
    const { value: sigma, derivative: slope } = sigmoidOf(tf);
    return {
      name: "silu",
      value: (x) => tf.mul(x, sigma(x)),
      derivative: (x) => tf.add(sigma(x), tf.mul(x, slope(x))),
      lipschitz: 1.0998393194792844,
      scalar: (x) => x * sigmoidScalar(x),
      scalarDerivative: (x) => sigmoidScalar(x) * (1 + x * sigmoidScalar(-x)),
    };
  },
  gelu: (tf) => {
    const exp = exponential(tf);
    const pdf = (x: Tensor): Tensor => tf.mul(exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    const cdf = smooth(tf, (x) => tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5), pdf);
    return {
      name: "gelu",
      value: (x) => tf.mul(x, cdf(x)),
      derivative: (x) => tf.add(cdf(x), tf.mul(x, pdf(x))),
      lipschitz: 1.128904145066,
      scalar: (x) => x * normalCdf(x),
      scalarDerivative: (x) => normalCdf(x) + (x * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI),
    };
  },
  exp: (tf) => {
    const value = exponential(tf);
    return {
      name: "exp",
      value,
      derivative: value,
      lipschitz: Number.POSITIVE_INFINITY,
      scalar: Math.exp,
      scalarDerivative: Math.exp,
    };
  },
  softabs: (tf) => {
    const root = (x: Tensor): Tensor => tf.sqrt(tf.add(tf.square(x), SOFTABS_WIDTH ** 2));
    const scalarRoot = (x: number) => Math.sqrt(x * x + SOFTABS_WIDTH ** 2);
    return {
      name: "softabs",
      value: (x) => tf.sub(root(x), SOFTABS_WIDTH),
      derivative: (x) => tf.div(x, root(x)),
      lipschitz: 1,
      scalar: (x) => scalarRoot(x) - SOFTABS_WIDTH,
      scalarDerivative: (x) => x / scalarRoot(x),
    };
  },
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
