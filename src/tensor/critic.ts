// Certified Lipschitz critic: an MLP u ↦ φ(u) with
//   Lip(φ) ≤ L · Π_k ‖Ŵ_k‖₂ ≤ L,   Ŵ = W / max(1, ‖W‖₂),   activations with Jacobian norm ≤ 1.
// Activations: MaxMin (GroupSort-2: pairs are sorted). In the rotated pair (z_a ± z_b)/√2, MaxMin is (m, δ) ↦ (m, |δ|), and
// the rotation is absorbed by orthogonal factors of the neighbouring weights; smooth MaxMin is (m, δ) ↦ (m, √(δ² + ε²)):
// half of the units linear, half curved, 1-Lipschitz, C^∞, and MaxMin's class for ε → 0. Softabs, softplus, tanh, ReLU too.
// Scheme: values, ∇φ and parameter gradients are explicit forward operations (back-propagation written out), so that no
// tape and no second-order derivative is needed. ‖W‖₂ in training by warm-started power iteration; in the certificate
// as an upper bound in float64, ‖W‖₂ ≤ ‖(WᵀW)^{2^k}‖_F^{1/2^{k+1}}, within w^{1/2^{k+2}} of equality.
// References: Anil, Lucas, Grosse 2019 (key anil2019sorting); Miyato et al. 2018 (key miyato2018spectral);
// quadratic head for L = ∞: Onken, Wu Fung, Li, Ruthotto 2021 (key onken2021otflow).
import type { Tensor, Tensor2D } from "@tensorflow/tfjs";
import { demand } from "../error.js";
import type { Generator } from "../random/index.js";
import { activation, scalarActivation } from "./activation.js";
import type { TensorLibrary } from "./backend.js";
import { belowCeiling } from "./conjugate.js";

/** Activations whose Jacobian has norm ≤ 1 everywhere. */
export type CriticActivation = "maxmin" | "smooth-maxmin" | "softabs" | "softplus" | "tanh" | "relu";

/** What a critic looks like; JSON. */
export interface CriticShape {
  readonly dimension: number;
  /** Units of a hidden layer; even for the MaxMin family. */
  readonly width: number;
  /** Number of hidden layers, ≥ 1. */
  readonly depth: number;
  readonly activation: CriticActivation;
  /** L > 0; `Infinity` leaves the weights free and adds the quadratic head ½uᵀAu. */
  readonly lipschitz: number;
  /** Values stay below this (f* is finite there); `Infinity` = no ceiling. */
  readonly ceiling: number;
}

/**
 * Checks a shape.
 *
 * @throws UsageError
 */
export function checkCriticShape(shape: CriticShape, where: string): void {
  const { width, depth, lipschitz } = shape;
  demand(
    Number.isInteger(width) && width >= 2 && width % 2 === 0,
    where,
    "width",
    "be an even integer ≥ 2",
    width,
    "Use width: 64 to start",
  );
  demand(Number.isInteger(depth) && depth >= 1, where, "depth", "be an integer ≥ 1", depth, "Use depth: 3 to start");
  demand(lipschitz > 0, where, "lipschitz", "be > 0 (Infinity for none)", lipschitz, "Use lipschitz: 1 to start");
  demand(
    CRITIC_ACTIVATIONS.includes(shape.activation),
    where,
    "activation",
    `be one of ${CRITIC_ACTIVATIONS.join(", ")}`,
    shape.activation,
    'Use activation: "smooth-maxmin" to start',
  );
}

const CRITIC_ACTIVATIONS: readonly CriticActivation[] = [
  "maxmin",
  "smooth-maxmin",
  "softabs",
  "softplus",
  "tanh",
  "relu",
];

/** ε of the smooth MaxMin. */
const PAIR_WIDTH = 0.1;

/** Sizes [in, out] of the layers. */
function layers(shape: CriticShape): [number, number][] {
  const sizes = [shape.dimension, ...new Array<number>(shape.depth).fill(shape.width), 1];
  return sizes.slice(1).map((out, k) => [sizes[k], out]);
}

/**
 * Starting parameters W₀, b₀, W₁, b₁, …: orthogonal weights (all singular values 1; the last layer `outputGain`),
 * biases uniform in ±½; for L = ∞ a zero d × d matrix follows.
 */
export function criticParameters(shape: CriticShape, generator: Generator, outputGain = 0.1): Float32Array[] {
  const parameters: Float32Array[] = [];
  const sizes = layers(shape);
  sizes.forEach(([rows, columns], k) => {
    const w = orthogonal(rows, columns, generator);
    const last = k === sizes.length - 1;
    parameters.push(Float32Array.from(w, (x) => (last ? outputGain * x : x)));
    parameters.push(last ? new Float32Array(1) : Float32Array.from(generator.uniform(columns), (x) => x - 0.5));
  });
  if (shape.lipschitz === Infinity) parameters.push(new Float32Array(shape.dimension ** 2));
  return parameters;
}

/** Shapes of {@link criticParameters}. */
export function criticParameterShapes(shape: CriticShape): number[][] {
  const shapes = layers(shape).flatMap(([rows, columns]) => [[rows, columns], [columns]]);
  if (shape.lipschitz === Infinity) shapes.push([shape.dimension, shape.dimension]);
  return shapes;
}

/** Gram–Schmidt on the rows or columns of a Gaussian matrix, whichever are fewer. */
function orthogonal(rows: number, columns: number, generator: Generator): Float64Array {
  const few = Math.min(rows, columns);
  const many = Math.max(rows, columns);
  const q = generator.normal(few * many);
  for (let i = 0; i < few; i++) {
    const row = q.subarray(i * many, (i + 1) * many);
    for (let j = 0; j < i; j++) {
      let dot = 0;
      for (let l = 0; l < many; l++) dot += row[l] * q[j * many + l];
      for (let l = 0; l < many; l++) row[l] -= dot * q[j * many + l];
    }
    const norm = Math.hypot(...row);
    for (let l = 0; l < many; l++) row[l] /= norm;
  }
  if (rows === few) return q;
  const w = new Float64Array(rows * columns);
  for (let i = 0; i < few; i++) for (let l = 0; l < many; l++) w[l * few + i] = q[i * many + l];
  return w;
}

/** One layer's activation with the product by its (symmetric or pairwise) Jacobian. */
interface Layer {
  forward(z: Tensor): { h: Tensor; back: (dh: Tensor) => Tensor };
}

function layerActivation(tf: TensorLibrary, name: CriticActivation, width: number): Layer {
  if (name === "maxmin") return maxMin(tf);
  if (name === "smooth-maxmin") return smoothMaxMin(tf, width);
  if (name === "relu")
    return {
      forward: (z) => {
        const on = tf.step(z);
        return { h: tf.relu(z), back: (dh) => tf.mul(dh, on) };
      },
    };
  const s = activation(tf, name);
  return {
    forward: (z) => {
      const { value, derivative } = s.jet(z);
      return { h: value, back: (dh) => tf.mul(dh, derivative) };
    },
  };
}

/** Sorts the pairs (i, i + w/2). The Jacobian of a pair is symmetric. */
function maxMin(tf: TensorLibrary): Layer {
  return {
    forward: (z) => {
      const [a, b] = tf.split(z, 2, 1);
      const first = tf.step(tf.sub(a, b)); // 1 where a is the larger
      const second = tf.sub(1, first);
      return {
        h: tf.concat([tf.maximum(a, b), tf.minimum(a, b)], 1),
        back: (dh) => {
          const [p, q] = tf.split(dh, 2, 1);
          const da = tf.add(tf.mul(first, p), tf.mul(second, q));
          return tf.concat([da, tf.sub(tf.add(p, q), da)], 1);
        },
      };
    },
  };
}

/** First half linear, second half √(z² + ε²): full-width operations with 0/1 rows, for slicing is slow. */
function smoothMaxMin(tf: TensorLibrary, width: number): Layer {
  const linear = tf.concat([tf.ones([1, width / 2]), tf.zeros([1, width / 2])], 1);
  const curved = tf.sub(1, linear);
  return {
    forward: (z) => {
      const root = tf.sqrt(tf.add(tf.square(z), PAIR_WIDTH ** 2));
      const slope = tf.add(tf.mul(tf.div(z, root), curved), linear);
      const h = tf.add(tf.mul(root, curved), tf.mul(z, linear));
      return { h, back: (dh) => tf.mul(dh, slope) };
    },
  };
}

/** The weights that act, L-Lipschitz up to the power iteration's error; made once a training step. */
export interface CriticWeights {
  readonly shape: CriticShape;
  /** Ŵ_k [in, out] (the last one times L) and their transposes, biases, and ½(A + Aᵀ) for L = ∞. */
  readonly matrices: Tensor2D[];
  readonly transposes: Tensor2D[];
  readonly biases: Tensor[];
  readonly quadratic: Tensor2D | null;
  /** max(1, σ), and 1 where σ > 1 else 0. */
  readonly divisors: Tensor[];
  readonly active: Tensor[];
  /** Right and left singular directions [in, 1], [out, 1]. */
  readonly left: Tensor2D[];
  readonly right: Tensor2D[];
}

/** Starting directions of the power iteration, one [out, 1] unit vector a layer. */
export function criticDirections(shape: CriticShape, generator: Generator): Float32Array[] {
  if (shape.lipschitz === Infinity) return [];
  return layers(shape).map(([, out]) => {
    const u = generator.normal(out);
    const norm = Math.hypot(...u);
    return Float32Array.from(u, (x) => x / norm);
  });
}

/**
 * Normalises the weights: Ŵ = W / max(1, σ), σ from `rounds` power iterations that start at `directions`.
 *
 * @param parameters tensors of {@link criticParameterShapes}
 * @param directions [out, 1] unit vectors; `right` of the result continues them
 */
export function criticWeights(
  tf: TensorLibrary,
  shape: CriticShape,
  parameters: readonly Tensor[],
  directions: readonly Tensor[],
  rounds = 1,
): CriticWeights {
  const count = shape.depth + 1;
  const free = shape.lipschitz === Infinity;
  const w: { -readonly [K in keyof CriticWeights]: CriticWeights[K] } = {
    shape,
    matrices: [],
    transposes: [],
    biases: [],
    quadratic: null,
    divisors: [],
    active: [],
    left: [],
    right: [],
  };
  for (let k = 0; k < count; k++) {
    const raw = parameters[2 * k] as Tensor2D;
    w.biases.push(parameters[2 * k + 1]);
    if (free) {
      w.matrices.push(raw);
    } else {
      const turned = tf.transpose(raw);
      let right = directions[k] as Tensor2D;
      let left = tf.zeros([raw.shape[0], 1]) as Tensor2D;
      let sigma = tf.scalar(0) as Tensor;
      const unit = (v: Tensor2D): [Tensor2D, Tensor] => {
        const norm = tf.add(tf.sqrt(tf.sum(tf.square(v))), 1e-30);
        return [tf.div(v, norm), norm];
      };
      for (let r = 0; r < rounds; r++) {
        [left] = unit(tf.matMul(raw, right));
        [right, sigma] = unit(tf.matMul(turned, left));
      }
      const divisor = tf.maximum(sigma, 1);
      w.left.push(left);
      w.right.push(right);
      w.divisors.push(divisor);
      w.active.push(tf.step(tf.sub(sigma, 1)));
      const scale = k === count - 1 ? tf.div(shape.lipschitz, divisor) : tf.reciprocal(divisor);
      w.matrices.push(tf.mul(raw, scale));
    }
    w.transposes.push(tf.transpose(w.matrices[k]));
  }
  if (free) {
    const a = parameters[2 * count] as Tensor2D;
    w.quadratic = tf.mul(tf.add(a, tf.transpose(a)), 0.5);
  }
  return w;
}

/**
 * Björck's step W ← ½(3W − WWᵀW) on the hidden weights, in place: singular values near 1 come quadratically nearer. After each ascent
 * step it keeps the layers orthonormal, as they started: dividing by ‖W‖₂ alone lets one direction grow and starves the others.
 *
 * @param parameters tensors of {@link criticParameterShapes}; replaced ones are disposed
 *
 * *References*: anil2019sorting
 */
export function orthonormalise(tf: TensorLibrary, shape: CriticShape, parameters: Tensor[]): void {
  for (let k = 0; k < shape.depth; k++) {
    const w = parameters[2 * k] as Tensor2D;
    parameters[2 * k] = tf.tidy(() => {
      const turned = tf.transpose(w);
      const [rows, columns] = w.shape;
      const cube = rows <= columns ? tf.matMul(tf.matMul(w, turned), w) : tf.matMul(w, tf.matMul(turned, w));
      return tf.sub(tf.mul(w, 1.5), tf.mul(cube, 0.5));
    });
    w.dispose();
  }
}

/** A forward pass, with what the backward pass needs. */
export interface CriticPass {
  /** φ(u), shape [n]. */
  readonly value: Tensor;
  readonly inputs: readonly Tensor2D[];
  readonly backs: readonly ((dh: Tensor) => Tensor)[];
  readonly slope: Tensor | null;
}

/** φ at the rows of u, shape [n, d]. */
export function criticForward(tf: TensorLibrary, weights: CriticWeights, u: Tensor2D): CriticPass {
  const { shape, matrices, biases } = weights;
  const layer = layerActivation(tf, shape.activation, shape.width);
  const inputs: Tensor2D[] = [u];
  const backs: ((dh: Tensor) => Tensor)[] = [];
  for (let k = 0; k < shape.depth; k++) {
    const { h, back } = layer.forward(tf.add(tf.matMul(inputs[k], matrices[k]), biases[k]));
    inputs.push(h as Tensor2D);
    backs.push(back);
  }
  let out = tf.add(tf.matMul(inputs[shape.depth], matrices[shape.depth]), biases[shape.depth]) as Tensor;
  if (weights.quadratic) out = tf.add(out, tf.mul(tf.sum(tf.mul(tf.matMul(u, weights.quadratic), u), 1, true), 0.5));
  const { value, slope } = belowCeiling(tf, out, shape.ceiling);
  return { value: tf.reshape(value, [-1]), inputs, backs, slope };
}

/**
 * Back-propagates row weights c [n, 1] (default ones).
 *
 * @returns `gradient` = c ∇φ, shape [n, d], and the layers' sensitivities for {@link criticParameterGradient}
 */
export function criticBackward(
  tf: TensorLibrary,
  weights: CriticWeights,
  pass: CriticPass,
  cotangent?: Tensor2D,
): { gradient: Tensor2D; deltas: Tensor2D[] } {
  const { shape, transposes, quadratic } = weights;
  const c = cotangent ?? (tf.ones([pass.inputs[0].shape[0], 1]) as Tensor2D);
  const top = (pass.slope ? tf.mul(c, pass.slope) : c) as Tensor2D;
  const deltas: Tensor2D[] = new Array(shape.depth + 1);
  deltas[shape.depth] = top;
  for (let k = shape.depth; k > 0; k--)
    deltas[k - 1] = pass.backs[k - 1](tf.matMul(deltas[k], transposes[k])) as Tensor2D;
  let gradient = tf.matMul(deltas[0], transposes[0]) as Tensor2D;
  if (quadratic) gradient = tf.add(gradient, tf.mul(top, tf.matMul(pass.inputs[0], quadratic)));
  return { gradient, deltas };
}

/** Gradient of Σᵢ cᵢ φ(uᵢ) by the parameters, in their order; normalisation included. */
export function criticParameterGradient(
  tf: TensorLibrary,
  weights: CriticWeights,
  pass: CriticPass,
  deltas: readonly Tensor2D[],
): Tensor[] {
  const { shape, matrices } = weights;
  const gradients: Tensor[] = [];
  for (let k = 0; k <= shape.depth; k++) {
    // a transposed copy and a plain product are several times faster here than a product with a transposed operand
    const raw = tf.matMul(tf.transpose(pass.inputs[k]), deltas[k]);
    gradients.push(weights.quadratic ? raw : throughNormalisation(tf, weights, k, raw, matrices[k]));
    gradients.push(tf.sum(deltas[k], 0));
  }
  if (weights.quadratic) {
    const u = pass.inputs[0];
    gradients.push(tf.mul(tf.matMul(tf.transpose(u), tf.mul(u, deltas[shape.depth])), 0.5));
  }
  return gradients;
}

/** Ŵ = s W/max(1, σ), dσ = uᵀdW v:  dW = (s dŴ − [σ > 1] ⟨dŴ, Ŵ⟩ u vᵀ)/max(1, σ). */
function throughNormalisation(tf: TensorLibrary, weights: CriticWeights, k: number, raw: Tensor, hat: Tensor): Tensor {
  const scaled = k === weights.shape.depth ? tf.mul(raw, weights.shape.lipschitz) : raw;
  const along = tf.mul(tf.sum(tf.mul(raw, hat)), weights.active[k]);
  const rankOne = tf.mul(tf.matMul(weights.left[k], weights.right[k], false, true), along);
  return tf.div(tf.sub(scaled, rankOne), weights.divisors[k]);
}

/** Coordinates of the network: u = (x − centre)/scale. */
export interface CriticFrame {
  readonly center: Float64Array;
  readonly scale: number;
}

/** A critic in float64 on the host: x ↦ φ(x), ∇φ(x), with its certificate. */
export interface HostCritic {
  readonly dimension: number;
  /** Upper bound on Lip(φ), `null` for the quadratic head. */
  readonly certifiedLipschitz: number | null;
  /** Upper bounds on the spectral norms of the layers as they act. */
  readonly spectralNorms: readonly number[];
  /** Writes φ (n) and ∇φ (n·d) at n row-major points. */
  evaluate(points: Float64Array, values: Float64Array, gradients: Float64Array): void;
}

/** φ (n) and ∇φ (n·d) at n row-major points. */
export function criticAt(critic: HostCritic, points: Float64Array): { values: Float64Array; gradients: Float64Array } {
  const values = new Float64Array(points.length / critic.dimension);
  const gradients = new Float64Array(points.length);
  critic.evaluate(points, values, gradients);
  return { values, gradients };
}

/**
 * The float64 twin of a trained critic; the weights are normalised again by certified bounds on their norms.
 *
 * @param parameters as {@link criticParameters}
 * @param frame input coordinates; `shape.lipschitz` is the bound in u, so Lip by x is that over the scale
 */
export function hostCritic(
  shape: CriticShape,
  parameters: readonly ArrayLike<number>[],
  frame: CriticFrame,
): HostCritic {
  const d = shape.dimension;
  const sizes = layers(shape);
  const free = shape.lipschitz === Infinity;
  const norms: number[] = [];
  const matrices = sizes.map(([rows, columns], k) => {
    const w = Float64Array.from(parameters[2 * k]);
    const bound = spectralNormBound(w, rows, columns);
    // the margin keeps the product of the norms at or below L in floating point
    const factor = free ? 1 : (k === shape.depth ? shape.lipschitz : 1) / Math.max(1, bound * (1 + 1e-12));
    norms.push(bound * factor);
    return w.map((x) => x * factor);
  });
  const biases = sizes.map((_, k) => Float64Array.from(parameters[2 * k + 1]));
  const quadratic = free ? Float64Array.from(parameters[2 * shape.depth + 2]) : null;
  const act = hostLayer(shape.activation);
  const w = shape.width;
  const hidden = sizes.slice(0, -1).map(() => new Float64Array(w));
  const slopes = sizes.slice(0, -1).map(() => new Float64Array(w));
  const u = new Float64Array(d);
  const delta = new Float64Array(w);
  const next = new Float64Array(w);

  const evaluate = (points: Float64Array, values: Float64Array, gradients: Float64Array): void => {
    const n = points.length / d;
    for (let i = 0; i < n; i++) {
      for (let a = 0; a < d; a++) u[a] = (points[i * d + a] - frame.center[a]) / frame.scale;
      let input = u;
      for (let k = 0; k < shape.depth; k++) {
        affine(input, matrices[k], biases[k], hidden[k]);
        act.forward(hidden[k], slopes[k]);
        input = hidden[k];
      }
      const last = matrices[shape.depth];
      let raw = biases[shape.depth][0];
      for (let j = 0; j < w; j++) raw += input[j] * last[j];
      const g = gradients.subarray(i * d, (i + 1) * d);
      g.fill(0);
      if (quadratic)
        for (let a = 0; a < d; a++)
          for (let b = 0; b < d; b++) {
            const q = 0.5 * (quadratic[a * d + b] + quadratic[b * d + a]);
            raw += 0.5 * u[a] * q * u[b];
            g[a] += q * u[b];
          }
      delta.set(last);
      for (let k = shape.depth - 1; k >= 0; k--) {
        act.back(delta, slopes[k]);
        if (k > 0) {
          applyTransposed(delta, matrices[k], next);
          delta.set(next);
        }
      }
      for (let a = 0; a < d; a++) for (let j = 0; j < w; j++) g[a] += matrices[0][a * w + j] * delta[j];
      let top = 1 / frame.scale;
      values[i] = raw;
      if (shape.ceiling < Infinity) {
        values[i] = shape.ceiling - Math.max(-raw, 0) - Math.log1p(Math.exp(-Math.abs(raw)));
        top /= 1 + Math.exp(raw);
      }
      for (let a = 0; a < d; a++) g[a] *= top;
    }
  };
  const certifiedLipschitz = free ? null : norms.reduce((product, s) => product * s, 1 / frame.scale);
  return { dimension: d, certifiedLipschitz, spectralNorms: norms, evaluate };
}

/** z = b + xᵀW, W row-major [in, out]. */
function affine(x: Float64Array, w: Float64Array, b: Float64Array, z: Float64Array): void {
  const columns = z.length;
  z.set(b);
  for (let k = 0; k < x.length; k++) {
    const a = x[k];
    const row = k * columns;
    for (let j = 0; j < columns; j++) z[j] += a * w[row + j];
  }
}

/** out = W δ. */
function applyTransposed(delta: Float64Array, w: Float64Array, out: Float64Array): void {
  const columns = delta.length;
  for (let k = 0; k < out.length; k++) {
    let sum = 0;
    const row = k * columns;
    for (let j = 0; j < columns; j++) sum += w[row + j] * delta[j];
    out[k] = sum;
  }
}

/** Activation on one row, in place; `slopes` holds what `back` needs. */
interface HostLayer {
  forward(z: Float64Array, slopes: Float64Array): void;
  back(delta: Float64Array, slopes: Float64Array): void;
}

function hostLayer(name: CriticActivation): HostLayer {
  if (name === "maxmin") return HOST_MAXMIN;
  if (name === "smooth-maxmin") return HOST_SMOOTH_MAXMIN;
  if (name === "relu") return HOST_RELU;
  const { value, derivative } = scalarActivation(name);
  return {
    forward: (z, slopes) => {
      for (let j = 0; j < z.length; j++) {
        slopes[j] = derivative(z[j]);
        z[j] = value(z[j]);
      }
    },
    back: multiply,
  };
}

function multiply(delta: Float64Array, slopes: Float64Array): void {
  for (let j = 0; j < delta.length; j++) delta[j] *= slopes[j];
}

const HOST_MAXMIN: HostLayer = {
  forward: (z, slopes) => {
    const m = z.length / 2;
    for (let j = 0; j < m; j++) {
      const [a, b] = [z[j], z[j + m]];
      slopes[j] = a > b ? 1 : 0;
      z[j] = Math.max(a, b);
      z[j + m] = Math.min(a, b);
    }
  },
  back: (delta, slopes) => {
    const m = delta.length / 2;
    for (let j = 0; j < m; j++) {
      if (slopes[j] === 1) continue;
      const p = delta[j];
      delta[j] = delta[j + m];
      delta[j + m] = p;
    }
  },
};

const HOST_SMOOTH_MAXMIN: HostLayer = {
  forward: (z, slopes) => {
    const m = z.length / 2;
    slopes.fill(1, 0, m);
    for (let j = m; j < z.length; j++) {
      const root = Math.sqrt(z[j] * z[j] + PAIR_WIDTH ** 2);
      slopes[j] = z[j] / root;
      z[j] = root;
    }
  },
  back: multiply,
};

const HOST_RELU: HostLayer = {
  forward: (z, slopes) => {
    for (let j = 0; j < z.length; j++) {
      slopes[j] = z[j] > 0 ? 1 : 0;
      z[j] = Math.max(z[j], 0);
    }
  },
  back: multiply,
};

/**
 * Certified upper bound on ‖W‖₂: ‖M‖_F^{1/2^{k+1}} with M = (WᵀW)^{2^k} (or WWᵀ), k = 24.
 *
 * @param w row-major, rows × columns
 * @returns σ ≤ bound ≤ σ · n^{1/2^{26}}(1 + 1e-12), n the smaller side; the last factor covers round-off
 */
export function spectralNormBound(w: Float64Array, rows: number, columns: number): number {
  const n = Math.min(rows, columns);
  const at =
    rows <= columns ? (i: number, l: number) => w[i * columns + l] : (i: number, l: number) => w[l * columns + i];
  const length = Math.max(rows, columns);
  let m = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let l = 0; l < length; l++) sum += at(i, l) * at(j, l);
      m[i * n + j] = sum;
    }
  // log of the bound on σ² accumulates; M is rescaled to Frobenius norm 1 before every squaring
  let log = 0;
  let share = 1;
  for (let k = 0; k <= 24; k++) {
    let norm = 0;
    for (const x of m) norm += x * x;
    norm = Math.sqrt(norm);
    if (norm === 0) return 0;
    log += share * Math.log(norm);
    if (k === 24) break;
    for (let i = 0; i < m.length; i++) m[i] /= norm;
    m = squared(m, n);
    share /= 2;
  }
  return Math.exp(log / 2) * (1 + 1e-12);
}

function squared(m: Float64Array, n: number): Float64Array<ArrayBuffer> {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let l = 0; l < n; l++) {
      const a = m[i * n + l];
      if (a === 0) continue;
      for (let j = 0; j < n; j++) out[i * n + j] += a * m[l * n + j];
    }
  return out;
}
