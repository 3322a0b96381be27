// ∇ₓU, ∂ₜU and the pull-back of cotangents on them, against finite differences of U up to third order.
import type { Tensor2D } from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { generator } from "../../src/random/index.js";
import { openTensors } from "../../src/tensor/backend.js";
import {
  checkPotentialShape,
  hostPotential,
  potentialBackward,
  potentialForward,
  potentialParameterShapes,
  potentialParameters,
  potentialWeights,
} from "../../src/tensor/potential-network.js";

const shape = { dimension: 3, width: 10, depth: 3 };
const n = 7;

/** Parameters of order one everywhere, the quadratic part included. */
function someParameters(seed: number): Float64Array[] {
  const g = generator(seed);
  return potentialParameterShapes(shape).map(([r, c]) =>
    g.normal(r * c).map((z) => (r === 1 ? 0.7 * z : z / Math.sqrt(r))),
  );
}

function potentialAt(parameters: readonly ArrayLike<number>[], x: Float64Array, t: number) {
  const count = x.length / shape.dimension;
  const value = new Float64Array(count);
  const gradient = new Float64Array(x.length);
  const rate = new Float64Array(count);
  hostPotential(shape, parameters).evaluate(x, t, value, gradient, rate);
  return { value, gradient, rate };
}

/** Fourth-order central difference. */
const difference = (f: (h: number) => number, h: number) => (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h);

const shifted = (a: Float64Array, i: number, h: number) => a.map((v, j) => (j === i ? v + h : v));

describe("potential network", () => {
  const parameters = someParameters(1);
  const x = generator(2).normal(n * shape.dimension);

  it("host: ∇ₓU and ∂ₜU are the derivatives of U", () => {
    const { gradient, rate } = potentialAt(parameters, x, 0.3);
    const numeric = Float64Array.from(x, (_, i) =>
      difference((h) => potentialAt(parameters, shifted(x, i, h), 0.3).value[Math.floor(i / 3)], 1e-3),
    );
    expect(gradient).toAgree(numeric, { rtol: 1e-8, atol: 1e-8 });
    for (let i = 0; i < n; i++)
      expect(rate[i]).toAgree(
        difference((h) => potentialAt(parameters, x, 0.3 + h).value[i], 1e-3),
        { rtol: 1e-8, atol: 1e-8 },
      );
  });

  it("tensor: the forward pass is the host's, rows with their own times", async () => {
    const { tf } = await openTensors({ device: "cpu" });
    const times = Float64Array.from({ length: n }, (_, i) => i / n);
    const before = tf.memory().numTensors;
    const [g, r] = tf.tidy(() => {
      const tensors = parameters.map((p, i) => tf.tensor2d(Float32Array.from(p), potentialParameterShapes(shape)[i]));
      const pass = potentialForward(
        tf,
        potentialWeights(tf, shape, tensors),
        tf.tensor2d(Float32Array.from(x), [n, 3]),
        times,
      );
      return [pass.gradient.dataSync(), pass.timeDerivative.dataSync()];
    });
    expect(tf.memory().numTensors).toBe(before);
    for (let i = 0; i < n; i++) {
      const host = potentialAt(parameters, x.slice(3 * i, 3 * i + 3), times[i]);
      expect(g.slice(3 * i, 3 * i + 3)).toAgree(host.gradient, { rtol: 1e-5, atol: 2e-5 });
      expect(r[i]).toAgree(host.rate[0], { rtol: 1e-5, atol: 2e-5 });
    }
  });

  it("pull-back: gradient of a functional of ∇ₓU and ∂ₜU by every parameter and by x (third-order differences)", async () => {
    const { tf } = await openTensors({ device: "cpu" });
    const t = 0.6;
    // F = Σᵢ ½|∇U|² + ½(½|∇U|² − ∂ₜU)²: nonlinear in both, the form of the Hamilton–Jacobi penalty
    const functional = (p: readonly ArrayLike<number>[], points: Float64Array) => {
      const { gradient, rate } = potentialAt(p, points, t);
      let sum = 0;
      for (let i = 0; i < n; i++) {
        let e = 0;
        for (let a = 0; a < 3; a++) e += 0.5 * gradient[3 * i + a] ** 2;
        sum += e + 0.5 * (e - rate[i]) ** 2;
      }
      return sum;
    };
    const [point, ...byParameter] = tf.tidy(() => {
      const tensors = parameters.map((p, i) => tf.tensor2d(Float32Array.from(p), potentialParameterShapes(shape)[i]));
      const weights = potentialWeights(tf, shape, tensors);
      const pass = potentialForward(tf, weights, tf.tensor2d(Float32Array.from(x), [n, 3]), new Array(n).fill(t));
      const energy = tf.mul(tf.sum(tf.square(pass.gradient), 1, true), 0.5);
      const residual = tf.sub(energy, pass.timeDerivative) as Tensor2D;
      const c = tf.mul(pass.gradient, tf.add(residual, 1)) as Tensor2D;
      const back = potentialBackward(tf, weights, pass, c, tf.neg(residual));
      return [back.point.dataSync(), ...back.parameters.map((g) => g.dataSync())];
    });
    const numericPoint = Float64Array.from(x, (_, i) =>
      difference((h) => functional(parameters, shifted(x, i, h)), 1e-3),
    );
    expect(point).toAgree(numericPoint, { rtol: 2e-4, atol: 2e-3 });
    parameters.forEach((p, k) => {
      const numeric = Float64Array.from(p, (_, i) =>
        difference((h) => functional(parameters.with(k, shifted(p, i, h)), x), 1e-3),
      );
      expect(byParameter[k]).toAgree(numeric, { rtol: 2e-4, atol: 2e-3 });
    });
  });

  it("starts near U = 0 with the stated shapes", () => {
    const start = potentialParameters(shape, generator(5));
    expect(start.map((p) => p.length)).toEqual(potentialParameterShapes(shape).map(([r, c]) => r * c));
    const { value, gradient } = potentialAt(start, x, 0);
    expect(Math.max(...value.map(Math.abs), ...gradient.map(Math.abs))).toBeLessThan(0.1);
    expect(Math.max(...gradient.map(Math.abs))).toBeGreaterThan(0);
  });

  it("refuses a useless shape", () => {
    expect(() =>
      checkPotentialShape({ dimension: 2, width: 0, depth: 3 }, "solver"),
    ).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: solver: width must be an integer ≥ 1; got 0. Use width: 48 to start.]`,
    );
    expect(() =>
      checkPotentialShape({ dimension: 2, width: 8, depth: 1.5 }, "solver"),
    ).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: solver: depth must be an integer ≥ 1; got 1.5. Use depth: 3 to start.]`,
    );
  });
});
