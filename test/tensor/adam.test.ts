import { beforeAll, expect, test } from "vitest";
import type { TensorLibrary } from "../../src/tensor/index.js";
import { adamState, adamStep, disposeAdam, openTensors } from "../../src/tensor/index.js";

let tf: TensorLibrary;
beforeAll(async () => {
  ({ tf } = await openTensors({ device: "cpu" }));
});

test("follows the recursion of algorithm 1 and leaks nothing", () => {
  const before = tf.memory().numTensors;
  const parameters = [tf.tensor1d([1, -2, 0.5]), tf.scalar(3)];
  const state = adamState(tf, parameters as never);
  let theta = [1, -2, 0.5, 3];
  let m = [0, 0, 0, 0];
  let v = [0, 0, 0, 0];
  for (let k = 1; k <= 7; k++) {
    // gradient of Σ θ⁴/4
    const gradients = tf.tidy(() => parameters.map((p) => tf.mul(p, tf.square(p))));
    adamStep(tf, parameters as never, gradients, state, { rate: 0.1 / k, beta1: 0.8, beta2: 0.95 });
    tf.dispose(gradients);
    const g = theta.map((t) => t ** 3);
    m = m.map((x, i) => 0.8 * x + 0.2 * g[i]);
    v = v.map((x, i) => 0.95 * x + 0.05 * g[i] ** 2);
    theta = theta.map((t, i) => t - ((0.1 / k) * (m[i] / (1 - 0.8 ** k))) / (Math.sqrt(v[i] / (1 - 0.95 ** k)) + 1e-8));
  }
  expect([...parameters[0].dataSync(), ...parameters[1].dataSync()]).toAgree(theta, { rtol: 1e-5, atol: 1e-6 });
  expect(state.step).toBe(7);
  disposeAdam(tf, state);
  tf.dispose(parameters);
  expect(tf.memory().numTensors).toBe(before);
});
