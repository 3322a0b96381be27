// Potential network U_θ(x, t) with ∇ₓU and ∂ₜU as explicit forward operations. With s = (x, t):
//   U(s) = w·h_D + q(s),   h_k = tanh(h_{k−1} W_k + b_k), h₀ = s,   q(x, t) = Σ_{j=0..2} tʲ(½ x·A_j x + b_j·x + c_j), A_j symmetric;
//   forward sweep h_k, backward sweep a_D = w, δ_k = a_k ⊙ (1 − h_k²), a_{k−1} = δ_k W_kᵀ:  (∇ₓU, ∂ₜU) = δ₁W₁ᵀ + (∇ₓq, ∂ₜq).
// The pull-back of a cotangent c on (∇ₓU, ∂ₜU) is written out as well: ⟨c, ∇U⟩ is the derivative of U along c, so its
// gradient is one tangent sweep (ḣ₀ = c, ḣ_k = (1 − h_k²) ⊙ ḣ_{k−1}W_k) and one more backward sweep. No tape is needed, and
// so none of the library's second-order gradients.
// The quadratic part makes Gaussian problems linear in θ; the tanh part starts near zero, so that training starts near v = 0.
// Reference: Onken, Wu Fung, Li, Ruthotto 2021 (key onken2021otflow).
import type { Tensor, Tensor2D } from "@tensorflow/tfjs";
import { demand } from "../error.js";
import type { Generator } from "../random/index.js";
import type { TensorLibrary } from "./backend.js";

/** What a potential network looks like; JSON. */
export interface PotentialShape {
  readonly dimension: number;
  /** Units of a hidden layer, ≥ 1. */
  readonly width: number;
  /** Hidden layers, ≥ 1. */
  readonly depth: number;
}

/**
 * Checks a shape.
 *
 * @throws UsageError
 */
export function checkPotentialShape(shape: PotentialShape, where: string): void {
  const { width, depth } = shape;
  demand(Number.isInteger(width) && width >= 1, where, "width", "be an integer ≥ 1", width, "Use width: 48 to start");
  demand(Number.isInteger(depth) && depth >= 1, where, "depth", "be an integer ≥ 1", depth, "Use depth: 3 to start");
}

/** Powers of t in the quadratic part: 1, t, t². */
const POWERS = 3;

/**
 * Shapes of the parameters, in their order: W_k [in, width], b_k [1, width] for each layer, w [1, width], then the quadratic
 * part: its matrices side by side [d, 3d], vectors [1, 3d], constants [1, 3].
 */
export function potentialParameterShapes(shape: PotentialShape): [number, number][] {
  const { dimension: d, width, depth } = shape;
  const shapes: [number, number][] = [];
  for (let k = 0; k < depth; k++) shapes.push([k === 0 ? d + 1 : width, width], [1, width]);
  shapes.push([1, width], [d, POWERS * d], [1, POWERS * d], [1, POWERS]);
  return shapes;
}

/**
 * Starting parameters: W₁ normal with variance 9/in (so that units resolve a third of the unit of x), the other W_k with variance 1/in, b_k uniform on ±1, w normal with variance 1e-4/width (so that U ≈ 0), quadratic part zero.
 *
 * *Good values*: x centred and scaled to unit size, t ∈ [0, 1].
 */
export function potentialParameters(shape: PotentialShape, generator: Generator): Float32Array[] {
  return potentialParameterShapes(shape).map(([rows, columns], i) => {
    const n = rows * columns;
    const layer = i < 2 * shape.depth;
    if (layer && i % 2 === 0)
      return Float32Array.from(generator.normal(n), (z) => ((i === 0 ? 3 : 1) * z) / Math.sqrt(rows));
    if (layer) return Float32Array.from(generator.uniform(n), (u) => 2 * u - 1);
    if (i === 2 * shape.depth) return Float32Array.from(generator.normal(n), (z) => (0.01 * z) / Math.sqrt(n));
    return new Float32Array(n);
  });
}

/** The parameters by name, and what several passes share. Made once a training step. */
export interface PotentialWeights {
  readonly shape: PotentialShape;
  readonly matrices: readonly Tensor2D[];
  readonly transposes: readonly Tensor2D[];
  readonly biases: readonly Tensor2D[];
  readonly output: Tensor2D;
  /** (A₀ | A₁ | A₂) and its transpose, (b₀ | b₁ | b₂), (c₀, c₁, c₂). */
  readonly quadratic: Tensor2D;
  readonly quadraticTransposed: Tensor2D;
  readonly linear: Tensor2D;
  readonly constants: Tensor2D;
  /** Three unit matrices, one on the other [3d, d], and its transpose. */
  readonly stack: Tensor2D;
  readonly stackTransposed: Tensor2D;
}

/** Names the parameter tensors and forms their transposes once. */
export function potentialWeights(
  tf: TensorLibrary,
  shape: PotentialShape,
  parameters: readonly Tensor[],
): PotentialWeights {
  const p = parameters as readonly Tensor2D[];
  const { dimension: d, depth } = shape;
  const matrices = Array.from({ length: depth }, (_, k) => p[2 * k]);
  const quadratic = symmetrised(tf, p[2 * depth + 1], d);
  const stack = tf.concat(Array.from({ length: POWERS }, () => tf.eye(d))) as Tensor2D;
  return {
    shape,
    matrices,
    transposes: matrices.map((w) => tf.transpose(w)),
    biases: Array.from({ length: depth }, (_, k) => p[2 * k + 1]),
    output: p[2 * depth],
    quadratic,
    quadraticTransposed: tf.transpose(quadratic),
    linear: p[2 * depth + 2],
    constants: p[2 * depth + 3],
    stack,
    stackTransposed: tf.transpose(stack),
  };
}

/** Each d × d block of [d, 3d] replaced by its symmetric part. */
function symmetrised(tf: TensorLibrary, blocks: Tensor2D, d: number): Tensor2D {
  const turned = tf.reshape(tf.transpose(tf.reshape(blocks, [d, POWERS, d]), [2, 1, 0]), [d, POWERS * d]);
  return tf.mul(tf.add(blocks, turned), 0.5);
}

/** (1, t, t²) and (0, 1, 2t), each entry repeated d times, [n, 3d]; and as they are, [n, 3]. */
interface TimePowers {
  readonly powers: Tensor2D;
  readonly slopes: Tensor2D;
  readonly widePowers: Tensor2D;
  readonly wideSlopes: Tensor2D;
}

function timePowers(tf: TensorLibrary, t: ArrayLike<number>, d: number): TimePowers {
  const n = t.length;
  const narrow = [new Float32Array(n * POWERS), new Float32Array(n * POWERS)];
  const wide = [new Float32Array(n * POWERS * d), new Float32Array(n * POWERS * d)];
  for (let i = 0; i < n; i++)
    for (let j = 0; j < POWERS; j++) {
      const values = [t[i] ** j, j === 0 ? 0 : j * t[i] ** (j - 1)];
      for (let k = 0; k < 2; k++) {
        narrow[k][i * POWERS + j] = values[k];
        wide[k].fill(values[k], (i * POWERS + j) * d, (i * POWERS + j + 1) * d);
      }
    }
  const [powers, slopes] = narrow.map((a) => tf.tensor2d(a, [n, POWERS]));
  const [widePowers, wideSlopes] = wide.map((a) => tf.tensor2d(a, [n, POWERS * d]));
  return { powers, slopes, widePowers, wideSlopes };
}

/** ∇ₓU and ∂ₜU at n points, with what the pull-back needs. */
export interface PotentialPass {
  /** ∇ₓU, [n, d]. */
  readonly gradient: Tensor2D;
  /** ∂ₜU, [n, 1]. */
  readonly timeDerivative: Tensor2D;
  readonly point: Tensor2D;
  readonly times: TimePowers;
  /** x repeated three times [n, 3d], and xA + b side by side [n, 3d]. */
  readonly tiled: Tensor2D;
  readonly affine: Tensor2D;
  readonly activations: readonly Tensor2D[];
  readonly slopes: readonly Tensor2D[];
  readonly deltas: readonly Tensor2D[];
}

/**
 * ∇ₓU and ∂ₜU at the rows of x.
 *
 * @param x [n, d]
 * @param t n times, one a row
 */
export function potentialForward(
  tf: TensorLibrary,
  weights: PotentialWeights,
  x: Tensor2D,
  t: ArrayLike<number>,
): PotentialPass {
  const { shape, matrices, transposes, biases, output } = weights;
  const { dimension: d, depth } = shape;
  const n = t.length;
  const activations: Tensor2D[] = [tf.concat([x, tf.tensor2d(Float32Array.from(t), [n, 1])], 1)];
  const slopes: Tensor2D[] = [];
  for (let k = 0; k < depth; k++) {
    // tanh z = 2σ(2z) − 1: four times as fast on WebAssembly, and it never overflows
    const z = tf.add(tf.matMul(activations[k], matrices[k]), biases[k]);
    const h = tf.sub(tf.mul(tf.sigmoid(tf.mul(z, 2)), 2), 1) as Tensor2D;
    activations.push(h);
    slopes.push(tf.sub(1, tf.square(h)));
  }
  const deltas: Tensor2D[] = new Array(depth);
  deltas[depth - 1] = tf.mul(slopes[depth - 1], output);
  for (let k = depth - 1; k > 0; k--) deltas[k - 1] = tf.mul(tf.matMul(deltas[k], transposes[k]), slopes[k - 1]);
  const network = tf.matMul(deltas[0], transposes[0]) as Tensor2D;

  const times = timePowers(tf, t, d);
  const tiled = tf.matMul(x, weights.stackTransposed) as Tensor2D;
  const affine = tf.add(tf.matMul(x, weights.quadratic), weights.linear) as Tensor2D;
  const gradient = tf.matMul(tf.mul(affine, times.widePowers), weights.stack);
  // ½ x·Ax + b·x = ½ x·(Ax + b) + ½ b·x
  const form = tf.mul(tf.mul(tf.add(affine, weights.linear), tiled), times.wideSlopes);
  const timeDerivative = tf.add(
    tf.mul(tf.sum(form, 1, true), 0.5),
    tf.matMul(times.slopes, tf.transpose(weights.constants)),
  );
  return {
    gradient: tf.add(tf.slice(network, [0, 0], [n, d]), gradient),
    timeDerivative: tf.add(tf.slice(network, [0, d], [n, 1]), timeDerivative),
    point: x,
    times,
    tiled,
    affine,
    activations,
    slopes,
    deltas,
  };
}

/** Gradients of ⟨c, ∇ₓU⟩ + ⟨e, ∂ₜU⟩. */
export interface PotentialPullback {
  /** By the rows of x, [n, d]: D²U c + ∇ₓ∂ₜU e. */
  readonly point: Tensor2D;
  /** By the parameters, in their order. */
  readonly parameters: Tensor[];
}

/**
 * Pulls cotangents c on ∇ₓU and e on ∂ₜU back to the points and the parameters.
 *
 * @param c [n, d]
 * @param e [n, 1]
 */
export function potentialBackward(
  tf: TensorLibrary,
  weights: PotentialWeights,
  pass: PotentialPass,
  c: Tensor2D,
  e: Tensor2D,
): PotentialPullback {
  const { shape, matrices, transposes, quadraticTransposed, stack, stackTransposed } = weights;
  const { activations, slopes, deltas, times, tiled, affine, point } = pass;
  const { dimension: d, depth } = shape;
  const n = point.shape[0];
  const ones = tf.ones([1, n]) as Tensor2D; // ones·A is the fast sum over the rows

  const directions: Tensor2D[] = [tf.concat([c, e], 1)];
  const tangents: Tensor2D[] = [];
  for (let k = 0; k < depth; k++) {
    tangents.push(tf.matMul(directions[k], matrices[k]));
    directions.push(tf.mul(slopes[k], tangents[k]));
  }
  const parameters: Tensor[] = new Array(2 * depth);
  let beta: Tensor2D | null = null;
  for (let k = depth - 1; k >= 0; k--) {
    const curvature = tf.mul(tf.mul(tangents[k], -2), tf.mul(activations[k + 1], deltas[k])) as Tensor2D;
    beta =
      beta === null
        ? curvature
        : tf.add(curvature, tf.mul(tf.matMul(beta, transposes[k + 1]) as Tensor2D, slopes[k]) as Tensor2D);
    parameters[2 * k] = tf.add(
      tf.matMul(tf.transpose(directions[k]), deltas[k]),
      tf.matMul(tf.transpose(activations[k]), beta),
    );
    parameters[2 * k + 1] = tf.matMul(ones, beta);
  }
  parameters.push(tf.matMul(ones, directions[depth]));
  const network = tf.slice(tf.matMul(beta!, transposes[0]), [0, 0], [n, d]);

  const rate = tf.mul(tf.mul(times.wideSlopes, e), 0.5);
  const onLinear = tf.mul(rate, tiled);
  const onAffine = tf.add(tf.mul(tf.matMul(c, stackTransposed), times.widePowers), onLinear) as Tensor2D;
  parameters.push(
    symmetrised(tf, tf.matMul(tf.transpose(point), onAffine), d),
    tf.matMul(ones, tf.add(onAffine, onLinear)),
    tf.matMul(ones, tf.mul(times.slopes, e)),
  );
  const onTiled = tf.matMul(tf.mul(rate, tf.add(affine, weights.linear)), stack);
  return { point: tf.add(network, tf.add(tf.matMul(onAffine, quadraticTransposed), onTiled)), parameters };
}

/** A potential in float64 on the host. */
export interface HostPotential {
  readonly dimension: number;
  /** Writes U (n), ∇ₓU (n·d) and ∂ₜU (n) at n row-major points and one time. */
  evaluate(
    points: Float64Array,
    t: number,
    values: Float64Array,
    gradients: Float64Array,
    timeDerivatives: Float64Array,
  ): void;
}

/**
 * The float64 twin of a trained potential network.
 *
 * @param parameters as {@link potentialParameters}
 */
export function hostPotential(shape: PotentialShape, parameters: readonly ArrayLike<number>[]): HostPotential {
  const { dimension: d, width, depth } = shape;
  const p = parameters.map((a) => Float64Array.from(a));
  const output = p[2 * depth];
  const [blocks, linear, constants] = p.slice(2 * depth + 1);
  const input = new Float64Array(d + 1);
  const hidden = Array.from({ length: depth }, () => new Float64Array(width));
  const delta = new Float64Array(width);
  const next = new Float64Array(width);
  const evaluate: HostPotential["evaluate"] = (points, t, values, gradients, timeDerivatives) => {
    const n = points.length / d;
    input[d] = t;
    for (let i = 0; i < n; i++) {
      for (let a = 0; a < d; a++) input[a] = points[i * d + a];
      for (let k = 0; k < depth; k++) {
        const from = k === 0 ? input : hidden[k - 1];
        const w = p[2 * k];
        const h = hidden[k];
        h.set(p[2 * k + 1]);
        for (let r = 0; r < from.length; r++)
          for (let j = 0, row = r * width; j < width; j++) h[j] += from[r] * w[row + j];
        for (let j = 0; j < width; j++) h[j] = Math.tanh(h[j]);
      }
      let value = 0;
      for (let j = 0; j < width; j++) {
        const h = hidden[depth - 1][j];
        value += output[j] * h;
        delta[j] = output[j] * (1 - h * h);
      }
      for (let k = depth - 1; k > 0; k--) {
        const w = p[2 * k];
        for (let r = 0; r < width; r++) {
          let sum = 0;
          for (let j = 0, row = r * width; j < width; j++) sum += delta[j] * w[row + j];
          const h = hidden[k - 1][r];
          next[r] = sum * (1 - h * h);
        }
        delta.set(next);
      }
      for (let a = 0; a <= d; a++) {
        let sum = 0;
        for (let j = 0; j < width; j++) sum += delta[j] * p[0][a * width + j];
        if (a < d) gradients[i * d + a] = sum;
        else timeDerivatives[i] = sum;
      }
      for (let power = 0; power < POWERS; power++) {
        const scale = t ** power;
        const rate = power === 0 ? 0 : power * t ** (power - 1);
        let q = constants[power];
        for (let a = 0; a < d; a++) {
          let ax = 0;
          for (let b = 0; b < d; b++) {
            const mean = 0.5 * (blocks[a * POWERS * d + power * d + b] + blocks[b * POWERS * d + power * d + a]);
            ax += mean * input[b];
          }
          q += input[a] * (0.5 * ax + linear[power * d + a]);
          gradients[i * d + a] += scale * (ax + linear[power * d + a]);
        }
        value += scale * q;
        timeDerivatives[i] += rate * q;
      }
      values[i] = value;
    }
  };
  return { dimension: d, evaluate };
}
