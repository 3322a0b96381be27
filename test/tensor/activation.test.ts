import type { Tensor } from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import {
  type ActivationName,
  activation,
  openTensors,
  SOFTABS_WIDTH,
  scalarActivation,
  type TensorLibrary,
} from "../../src/tensor/index.js";

let tf: TensorLibrary;
beforeAll(async () => {
  ({ tf } = await openTensors({ device: "cpu" }));
});

const POINTS = Float64Array.from([-2.7, -1.3, -0.6, -0.11, 0.2, 0.7, 1.4, 2.9]);

// Independent float64 oracles of the functions themselves (not of their derivatives).
const ORACLE: Record<ActivationName, (x: number) => number> = {
  tanh: (x) => (Math.exp(2 * x) - 1) / (Math.exp(2 * x) + 1),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  softplus: (x) => Math.log(1 + Math.exp(x)),
  sin: (x) => Math.sin(x),
  silu: (x) => x / (1 + Math.exp(-x)),
  gelu: (x) => x * (0.5 + simpson((s) => Math.exp(-0.5 * s * s) / Math.sqrt(2 * Math.PI), x)),
  exp: (x) => Math.exp(x),
  softabs: (x) => Math.hypot(x, SOFTABS_WIDTH) - SOFTABS_WIDTH,
};

function simpson(f: (s: number) => number, x: number): number {
  const n = 400;
  let sum = f(0) + f(x);
  for (let i = 1; i < n; i++) sum += f((x * i) / n) * (i % 2 ? 4 : 2);
  return (sum * x) / (3 * n);
}

/** Central differences of order 6 in float64: derivative `order` of f at x. */
function difference(f: (x: number) => number, x: number, order: number): number {
  if (order === 0) return f(x);
  const h = 0.01;
  const g = (y: number) => difference(f, y, order - 1);
  return (45 * (g(x + h) - g(x - h)) - 9 * (g(x + 2 * h) - g(x - 2 * h)) + g(x + 3 * h) - g(x - 3 * h)) / (60 * h);
}

/** Derivative `order` of s by the tape, at all points. */
function byTape(s: (x: Tensor) => Tensor, order: number): Float32Array {
  let f = s;
  for (let k = 0; k < order; k++) {
    const inner = f;
    f = (x) => tf.grad((y: Tensor) => tf.sum(inner(y)))(x);
  }
  return tf.tidy(() => f(tf.tensor1d(Float32Array.from(POINTS))).dataSync()) as Float32Array;
}

const NAMES: ActivationName[] = ["tanh", "sigmoid", "softplus", "sin", "silu", "gelu", "exp", "softabs"];

describe.each(NAMES)("%s", (name) => {
  test.each([0, 1, 2, 3])("derivative %i agrees with finite differences", (order) => {
    const values = byTape(activation(tf, name).value, order);
    const expected = POINTS.map((x) => difference(ORACLE[name], Math.fround(x), order));
    expect(values).toAgree(expected, { rtol: 5e-5, atol: 3e-5 });
  });

  test("the explicit derivative is the derivative, and differentiable twice", () => {
    for (const order of [0, 1, 2]) {
      const expected = POINTS.map((x) => difference(ORACLE[name], Math.fround(x), order + 1));
      expect(byTape(activation(tf, name).derivative, order)).toAgree(expected, { rtol: 5e-5, atol: 3e-5 });
    }
  });

  test("float64 twins", () => {
    const s = scalarActivation(name);
    expect(POINTS.map(s.value)).toAgree(POINTS.map(ORACLE[name]), { rtol: 1e-9, atol: 1e-12 });
    const slopes = POINTS.map((x) => difference(ORACLE[name], x, 1));
    expect(POINTS.map(s.derivative)).toAgree(slopes, { rtol: 1e-6, atol: 1e-6 });
    let largest = 0;
    for (let x = -9; x <= 9; x += 1e-3) largest = Math.max(largest, Math.abs(s.derivative(x)));
    expect(largest).toBeLessThanOrEqual(s.lipschitz * (1 + 1e-9));
    if (s.lipschitz < Infinity) expect(largest).toBeGreaterThan(0.995 * s.lipschitz);
  });

  test("the jet is the value and the derivative", () => {
    const s = activation(tf, name);
    const read = (pair: Tensor[]) => pair.flatMap((t) => Array.from(t.dataSync()));
    const [together, apart] = tf.tidy(() => {
      const x = tf.tensor1d(Float32Array.from(POINTS));
      const jet = s.jet(x);
      return [read([jet.value, jet.derivative]), read([s.value(x), s.derivative(x)])];
    });
    expect(together).toAgree(apart, { rtol: 1e-6, atol: 1e-7 });
  });

  test("no tensors leak", () => {
    const before = tf.memory().numTensors;
    byTape(activation(tf, name).value, 3);
    expect(tf.memory().numTensors).toBe(before);
  });
});

test("gelu and softplus keep their precision in the far tails", () => {
  const gelu = scalarActivation("gelu");
  expect(gelu.value(-6)).toAgree(-6 * 9.865876450376946e-10, { rtol: 1e-12 });
  expect(gelu.value(6)).toAgree(6 * (1 - 9.865876450376946e-10), { rtol: 1e-14 });
  expect(scalarActivation("softplus").value(-40)).toAgree(Math.exp(-40), { rtol: 1e-12 });
});

test("inside a network, whose inputs are temporary, third derivatives are right", () => {
  // y(x) = Σ_k c_k s(w_k x + b_k), one point at a time; three nested tapes.
  const w = [0.7, -1.1, 0.4];
  const b = [0.1, 0.3, -0.5];
  const c = [1.2, 0.5, -0.8];
  for (const name of NAMES) {
    const s = activation(tf, name);
    const net = (x: Tensor) =>
      tf.sum(
        tf.mul(s.value(tf.add(tf.mul(tf.reshape(x, [-1, 1]), tf.tensor1d(w)), tf.tensor1d(b))), tf.tensor1d(c)),
        1,
      );
    const oracle = (x: number) => w.reduce((sum, wk, k) => sum + c[k] * ORACLE[name](wk * x + b[k]), 0);
    const before = tf.memory().numTensors;
    for (const order of [1, 2, 3]) {
      const expected = POINTS.map((x) => difference(oracle, Math.fround(x), order));
      expect(byTape(net, order)).toAgree(expected, { rtol: 5e-5, atol: 3e-5 });
    }
    expect(tf.memory().numTensors).toBe(before);
  }
});

// The reason for this file. When one of these fails, the library has been repaired.
describe("the library's own second derivatives", () => {
  test.each(["tanh", "sigmoid", "exp"] as const)("%s vanishes silently from a sum", (name) => {
    const own = byTape((x) => tf.add(tf[name](x), tf.square(x)), 2);
    expect(own).toAgree(new Float64Array(POINTS.length).fill(2), { atol: 1e-6 }); // the truth is 2 + s″
    expect(() => byTape((x) => tf[name](x), 2)).toThrow("Cannot compute gradient of y=f(x)");
  });

  test.each(["elu", "selu", "leakyRelu"] as const)("%s throws", (name) => {
    expect(() => byTape((x) => tf[name](x), 2)).toThrow();
  });

  test.each(["softplus", "sin", "square", "sqrt"] as const)("%s is right", (name) => {
    const f = (x: number) =>
      ({ softplus: Math.log1p(Math.exp(x)), sin: Math.sin(x), square: x * x, sqrt: Math.sqrt(x) })[name];
    const shifted = (x: Tensor) => tf[name](tf.add(x, 4));
    const expected = POINTS.map((x) => difference((y) => f(y + 4), x, 2));
    expect(byTape(shifted, 2)).toAgree(expected, { rtol: 1e-4, atol: 1e-5 });
  });
});

test("an unknown name is refused", () => {
  expect(() => activation(tf, "relu6" as ActivationName)).toThrow(
    'activation: name must be one of tanh, sigmoid, softplus, sin, silu, gelu, exp, softabs; got "relu6". Use "softplus" to start.',
  );
});
