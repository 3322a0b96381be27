// A network with its first derivatives and its Laplacian as explicit forward operations, and one explicit backward sweep.
// Rows are stacked in D + 2 blocks of n points: value | ∂₁ … ∂_D | Δ, where Δ sums over the first d directions (space) and not over time:
//   input    S₀ = (φ | ∂ⱼφ | Δφ)(t, x) of given features φ, and rows B of given functions for the linear part
//   layer    z = hW + b, ∂ⱼz = ∂ⱼh W, Δz = Δh W;   h = tanh z, s = 1 − h²:  ∂ⱼh = s ∂ⱼz,  Δh = s Δz − 2hs Σ_{j≤d} (∂ⱼz)²
//   output   (u | ∂ⱼu | Δu) = S_K w + B c
// The pull-back of cotangents on all of these is written out (with d(−2hs)/dz = −2s(1 − 3h²)), so that no tape and none of the library's
// second-order gradients is needed. Tested against finite differences, and by parameters at third order.
// Reference: Li, Han, E and others 2024, "forward Laplacian" (key li2024computational).
import type { Tensor, Tensor2D } from "@tensorflow/tfjs";
import { demand } from "../error.js";
import type { Generator } from "../random/index.js";
import type { TensorLibrary } from "./backend.js";

/** What a jet network looks like; JSON. */
export interface JetShape {
  /** Features φ, F ≥ 1. */
  readonly features: number;
  /** Functions of the linear part, M ≥ 1. */
  readonly functions: number;
  /** Space directions d ≥ 1, over which Δ sums. */
  readonly dimension: number;
  /** Directions D ≥ d in which derivatives are carried; d + 1 with time. */
  readonly directions: number;
  /** Units of a hidden layer. */
  readonly width: number;
  /** Hidden layers. */
  readonly depth: number;
}

/**
 * Checks width and depth.
 *
 * @throws UsageError
 */
export function checkJetShape(shape: Pick<JetShape, "width" | "depth">, where: string): void {
  const { width, depth } = shape;
  demand(Number.isInteger(width) && width >= 1, where, "width", "be an integer ≥ 1", width, "Use width: 32 to start");
  demand(Number.isInteger(depth) && depth >= 1, where, "depth", "be an integer ≥ 1", depth, "Use depth: 2 to start");
}

/** Shapes of the parameters, in their order: W_k [in, width] and b_k [1, width] for each layer, w [width, 1], c [M, 1]. */
export function jetParameterShapes(shape: JetShape): [number, number][] {
  const { features, functions, width, depth } = shape;
  const shapes: [number, number][] = [];
  for (let k = 0; k < depth; k++) shapes.push([k === 0 ? features : width, width], [1, width]);
  shapes.push([width, 1], [functions, 1]);
  return shapes;
}

/** Starting parameters: W_k normal with variance 1/in (first layer 9/in, so that units resolve a third of a feature's unit), b_k uniform on ±1, w small (u ≈ 0), c zero. */
export function jetParameters(shape: JetShape, generator: Generator): Float32Array[] {
  return jetParameterShapes(shape).map(([rows, columns], i) => {
    const n = rows * columns;
    if (i < 2 * shape.depth && i % 2 === 0) {
      const size = Math.sqrt((i === 0 ? 9 : 1) / rows);
      return Float32Array.from(generator.normal(n), (z) => size * z);
    }
    if (i < 2 * shape.depth) return Float32Array.from(generator.uniform(n), (u) => 2 * u - 1);
    if (i === 2 * shape.depth) return Float32Array.from(generator.normal(n), (z) => (0.1 * z) / Math.sqrt(n));
    return new Float32Array(n);
  });
}

interface JetLayer {
  readonly input: Tensor2D;
  readonly h: Tensor2D;
  readonly s: Tensor2D;
  /** s repeated for every direction, [D, n·width]. */
  readonly wide: Tensor2D;
  /** ∂ⱼz, [D, n·width]; Δz and Σ(∂ⱼz)², [n, width]. */
  readonly slopes: Tensor2D;
  readonly bend: Tensor2D;
  readonly squares: Tensor2D;
}

/** Outputs, with what the pull-back needs. */
export interface JetPass {
  /** (u | ∂ⱼu | Δu), [(D + 2)n, 1]. */
  readonly output: Tensor2D;
  readonly rows: Tensor2D;
  readonly last: Tensor2D;
  readonly layers: readonly JetLayer[];
}

/**
 * u, its derivatives and its Laplacian.
 *
 * @param parameters as {@link jetParameterShapes}
 * @param stacked features and their derivatives, [(D + 2)n, F]
 * @param rows functions of the linear part and their derivatives, [(D + 2)n, M]
 */
export function jetForward(
  tf: TensorLibrary,
  shape: JetShape,
  parameters: readonly Tensor[],
  stacked: Tensor2D,
  rows: Tensor2D,
): JetPass {
  const { dimension: d, directions: D, width, depth } = shape;
  const n = stacked.shape[0] / (D + 2);
  const spread = tf.ones([D, 1]) as Tensor2D;
  const sum = tf.ones([1, d]) as Tensor2D;
  const layers: JetLayer[] = [];
  let input = stacked;
  for (let k = 0; k < depth; k++) {
    const z = tf.matMul(input, parameters[2 * k] as Tensor2D) as Tensor2D;
    const own = tf.add(tf.slice(z, [0, 0], [n, width]), parameters[2 * k + 1]);
    const h = tf.sub(tf.mul(tf.sigmoid(tf.mul(own, 2)), 2), 1) as Tensor2D; // tanh, as in the potential network
    const s = tf.sub(1, tf.square(h)) as Tensor2D;
    const slopes = tf.reshape(tf.slice(z, [n, 0], [D * n, width]), [D, n * width]) as Tensor2D;
    const bend = tf.slice(z, [(D + 1) * n, 0], [n, width]) as Tensor2D;
    // products with ones are the fast sums and repetitions
    const squares = tf.reshape(tf.matMul(sum, tf.square(tf.slice(slopes, [0, 0], [d, n * width]))), [n, width]);
    const wide = tf.matMul(spread, tf.reshape(s, [1, n * width])) as Tensor2D;
    const curve = tf.sub(tf.mul(s, bend), tf.mul(tf.mul(tf.mul(h, s), squares), 2));
    layers.push({ input, h, s, wide, slopes, bend, squares: squares as Tensor2D });
    input = tf.concat([h, tf.reshape(tf.mul(wide, slopes), [D * n, width]), curve], 0) as Tensor2D;
  }
  const network = tf.matMul(input, parameters[2 * depth] as Tensor2D);
  const output = tf.add(network, tf.matMul(rows, parameters[2 * depth + 1] as Tensor2D)) as Tensor2D;
  return { output, rows, last: input, layers };
}

/**
 * Gradient of ⟨cotangent, output⟩ by the parameters, in their order.
 *
 * @param cotangent [(D + 2)n, 1]
 */
export function jetBackward(
  tf: TensorLibrary,
  shape: JetShape,
  parameters: readonly Tensor[],
  pass: JetPass,
  cotangent: Tensor2D,
): Tensor[] {
  const { dimension: d, directions: D, width, depth } = shape;
  const n = cotangent.shape[0] / (D + 2);
  const out: Tensor[] = new Array(2 * depth + 2);
  out[2 * depth + 1] = tf.matMul(pass.rows, cotangent, true);
  out[2 * depth] = tf.matMul(pass.last, cotangent, true);
  const sum = tf.ones([1, D]) as Tensor2D;
  const spread = tf.ones([d, 1]) as Tensor2D;
  const ones = tf.ones([1, n]) as Tensor2D;
  let back = tf.matMul(cotangent, parameters[2 * depth] as Tensor2D, false, true) as Tensor2D;
  for (let k = depth - 1; k >= 0; k--) {
    const { input, h, s, wide, slopes, bend, squares } = pass.layers[k];
    const onH = tf.slice(back, [0, 0], [n, width]);
    const onSlopes = tf.reshape(tf.slice(back, [n, 0], [D * n, width]), [D, n * width]) as Tensor2D;
    const onBend = tf.slice(back, [(D + 1) * n, 0], [n, width]);
    const hs2 = tf.mul(tf.mul(h, s), -2);
    const along = tf.reshape(tf.matMul(sum, tf.mul(onSlopes, slopes)), [n, width]);
    // tanh‴ = −2s(1 − 3h²) = −2s(3s − 2)
    const third = tf.mul(tf.mul(s, -2), tf.sub(tf.mul(s, 3), 2));
    const onZ = tf.add(
      tf.add(tf.mul(onH, s), tf.mul(hs2, tf.add(along, tf.mul(onBend, bend)))),
      tf.mul(tf.mul(onBend, third), squares),
    );
    const twice = tf.reshape(tf.mul(tf.mul(onBend, hs2), 2), [1, n * width]) as Tensor2D;
    const inSpace = tf.mul(tf.matMul(spread, twice), tf.slice(slopes, [0, 0], [d, n * width]));
    const padded =
      D > d
        ? tf.pad(inSpace as Tensor2D, [
            [0, D - d],
            [0, 0],
          ])
        : inSpace;
    const onZSlopes = tf.reshape(tf.add(tf.mul(onSlopes, wide), padded), [D * n, width]);
    const onStack = tf.concat([onZ, onZSlopes, tf.mul(onBend, s)], 0) as Tensor2D;
    out[2 * k] = tf.matMul(input, onStack, true);
    out[2 * k + 1] = tf.matMul(ones, onZ as Tensor2D);
    if (k > 0) back = tf.matMul(onStack, parameters[2 * k] as Tensor2D, false, true) as Tensor2D;
  }
  return out;
}

/**
 * Value and first derivatives in float64 on the host, linear part included.
 *
 * @param parameters as {@link jetParameterShapes}
 * @param stacked features and their first derivatives, (D + 1)n rows of length F: value | ∂₁ … ∂_D
 * @param rows the same of the linear part's functions, rows of length M
 * @returns (u | ∂₁u … ∂_Du), length (D + 1)n
 */
export function hostJet(
  shape: JetShape,
  parameters: readonly ArrayLike<number>[],
  stacked: Float64Array,
  rows: Float64Array,
): Float64Array {
  const { features: F, functions: M, directions: D, width, depth } = shape;
  const n = stacked.length / F / (D + 1);
  const out = new Float64Array((D + 1) * n);
  const linear = parameters[2 * depth + 1];
  for (let r = 0, at = 0; r < out.length; r++) {
    let sum = 0;
    for (let j = 0; j < M; j++) sum += rows[at++] * linear[j];
    out[r] = sum;
  }
  const weights = parameters.map((p) => Float64Array.from(p));
  const last = weights[2 * depth];
  const h = Array.from({ length: depth }, () => new Float64Array(width));
  const delta = new Float64Array(width);
  const next = new Float64Array(width);
  const onInput = new Float64Array(F);
  for (let i = 0; i < n; i++) {
    const point = stacked.subarray(i * F, (i + 1) * F);
    for (let k = 0; k < depth; k++) {
      const from = k === 0 ? point : h[k - 1];
      const w = weights[2 * k];
      h[k].set(weights[2 * k + 1]);
      for (let a = 0; a < from.length; a++)
        for (let j = 0, row = a * width; j < width; j++) h[k][j] += from[a] * w[row + j];
      for (let j = 0; j < width; j++) h[k][j] = Math.tanh(h[k][j]);
    }
    for (let j = 0; j < width; j++) {
      const v = h[depth - 1][j];
      out[i] += last[j] * v;
      delta[j] = last[j] * (1 - v * v);
    }
    for (let k = depth - 1; k > 0; k--) {
      const w = weights[2 * k];
      for (let a = 0; a < width; a++) {
        let sum = 0;
        for (let j = 0, row = a * width; j < width; j++) sum += delta[j] * w[row + j];
        const v = h[k - 1][a];
        next[a] = sum * (1 - v * v);
      }
      delta.set(next);
    }
    for (let a = 0; a < F; a++) {
      let sum = 0;
      for (let j = 0, row = a * width; j < width; j++) sum += delta[j] * weights[0][row + j];
      onInput[a] = sum;
    }
    for (let b = 1; b <= D; b++) {
      let sum = 0;
      for (let a = 0, at = (b * n + i) * F; a < F; a++) sum += onInput[a] * stacked[at + a];
      out[b * n + i] += sum;
    }
  }
  return out;
}
