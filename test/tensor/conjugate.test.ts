import type { Tensor } from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import {
  alphaDivergence,
  type Divergence,
  jensenShannon,
  kullbackLeibler,
  plainTransport,
  reverseKullbackLeibler,
} from "../../src/measure/index.js";
import type { TensorLibrary } from "../../src/tensor/index.js";
import { belowCeiling, logMeanExp, openTensors, targetReward, tensorConjugate } from "../../src/tensor/index.js";

let tf: TensorLibrary;
beforeAll(async () => {
  ({ tf } = await openTensors({ device: "cpu" }));
});

const ALL: [string, Divergence][] = [
  kullbackLeibler(),
  alphaDivergence(2),
  alphaDivergence(5),
  alphaDivergence(0.5),
  reverseKullbackLeibler(),
  jensenShannon(),
  plainTransport(),
].map((d) => [d.name, d]);

const everywhere = [-2.5, -1, -0.3, -0.01, 0.2, 0.6, 1.7];

describe.each(ALL)("f* of %s", (_name, divergence) => {
  const points = Float32Array.from(everywhere.filter((y) => y < divergence.conjugateDomain));

  test("equals the scalar form, with its derivative", () => {
    const conjugate = tensorConjugate(tf, divergence);
    const [value, derivative, taped] = tf.tidy(() => {
      const y = tf.tensor1d(points);
      const grad = tf.grad((x: Tensor) => tf.sum(conjugate.value(x)))(y);
      return [conjugate.value(y), conjugate.derivative(y), grad].map((t) => t.dataSync());
    });
    const at = (f: (y: number) => number) => Float64Array.from(points, f);
    expect(value).toAgree(at(divergence.conjugate), { rtol: 1e-5, atol: 1e-6 });
    expect(derivative).toAgree(at(divergence.conjugateDerivative), { rtol: 1e-5, atol: 1e-6 });
    expect(taped).toAgree(at(divergence.conjugateDerivative), { rtol: 1e-5, atol: 1e-6 });
  });

  test("the reward and its gradient are those of the dual objective", () => {
    const reward = targetReward(tf, divergence);
    const scalar = (y: ArrayLike<number>) => {
      const values = Array.from(y);
      const mean = (f: (v: number) => number) => values.reduce((s, v) => s + f(v), 0) / values.length;
      return divergence.logMeanExp ? -Math.log(mean(Math.exp)) : -mean(divergence.conjugate);
    };
    const [value, gradient] = tf.tidy(() => {
      const y = tf.tensor1d(points);
      return [reward.value(y).dataSync(), reward.derivative(y).dataSync()];
    });
    expect(value[0]).toAgree(scalar(points), { rtol: 1e-5 });
    const h = 1e-5;
    const expected = Array.from(points, (_, i) => {
      const moved = (d: number) => scalar(Float64Array.from(points, (v, j) => v + (i === j ? d : 0)));
      return (moved(h) - moved(-h)) / (2 * h);
    });
    expect(gradient).toAgree(expected, { rtol: 2e-5, atol: 1e-6 });
  });
});

test("the divergences really differ", () => {
  const values = ALL.map(([, d]) =>
    tf.tidy(
      () =>
        targetReward(tf, d)
          .value(tf.tensor1d([-0.4, -0.9]))
          .dataSync()[0],
    ),
  );
  expect(new Set(values.map((v) => v.toFixed(4))).size).toBe(ALL.length);
});

test("log-mean-exp is shifted", () => {
  const value = tf.tidy(() => logMeanExp(tf, tf.tensor1d([1000, 1000 + Math.log(3)])).dataSync()[0]);
  expect(value).toAgree(1000 + Math.log(2), { rtol: 1e-6 });
});

test("a ceiling bounds values and never enlarges slopes", () => {
  const raw = Float32Array.from([-8, -1, 0, 1, 8]);
  const [value, slope] = tf.tidy(() => {
    const below = belowCeiling(tf, tf.tensor1d(raw), 0);
    return [below.value.dataSync(), below.slope!.dataSync()];
  });
  expect(value).toAgree(
    raw.map((r) => -Math.log1p(Math.exp(-r))),
    { rtol: 1e-5 },
  );
  expect(slope).toAgree(
    raw.map((r) => 1 / (1 + Math.exp(r))),
    { rtol: 1e-5 },
  );
  expect(Math.max(...value)).toBeLessThan(0);
});

test("a divergence of unknown kind is refused", () => {
  const own = { ...kullbackLeibler(), description: { kind: "mine" } };
  expect(() => tensorConjugate(tf, own)).toThrow(
    'tensorConjugate: divergence must be one of kullback-leibler, alpha, reverse-kullback-leibler, jensen-shannon, plain-transport; got {"kind":"mine"}. Use a divergence of src/measure; others run on the grid and particle solvers.',
  );
});
