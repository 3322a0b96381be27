import type { Tensor, Tensor2D } from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { kullbackLeibler } from "../../src/measure/index.js";
import { generator } from "../../src/random/index.js";
import {
  adamState,
  adamStep,
  type CriticActivation,
  type CriticShape,
  checkCriticShape,
  criticBackward,
  criticDirections,
  criticForward,
  criticParameterGradient,
  criticParameterShapes,
  criticParameters,
  criticWeights,
  disposeAdam,
  hostCritic,
  openTensors,
  orthonormalise,
  spectralNormBound,
  type TensorLibrary,
  targetReward,
} from "../../src/tensor/index.js";

let tf: TensorLibrary;
beforeAll(async () => {
  ({ tf } = await openTensors({ device: "cpu" }));
});

const base: CriticShape = {
  dimension: 3,
  width: 8,
  depth: 2,
  activation: "smooth-maxmin",
  lipschitz: 1.7,
  ceiling: Infinity,
};

/** Parameters moved off their start, so that norms exceed 1 and every normalisation is active. */
function randomParameters(shape: CriticShape, seed = 3): Float32Array[] {
  const draws = generator(seed);
  return criticParameters(shape, draws, 1).map((p) => {
    const noise = draws.normal(p.length);
    return p.map((x, i) => x + 0.4 * noise[i]);
  });
}

const frame = { center: Float64Array.from([0.3, -0.2, 0.1]), scale: 1.6 };

const ACTIVATIONS: CriticActivation[] = ["maxmin", "smooth-maxmin", "softabs", "softplus", "tanh", "relu"];
const CASES: [string, CriticShape][] = [
  ...ACTIVATIONS.map((a): [string, CriticShape] => [a, { ...base, activation: a }]),
  ["free weights with quadratic head", { ...base, lipschitz: Infinity }],
  ["below a ceiling", { ...base, ceiling: Math.LN2 }],
];

describe.each(CASES)("%s", (_name, shape) => {
  const parameters = randomParameters(shape);
  const points = generator(5).normal(7 * 3);
  const host = hostCritic(shape, parameters, frame);

  test("host gradient against differences of host values", () => {
    const values = new Float64Array(7);
    const gradients = new Float64Array(21);
    host.evaluate(points, values, gradients);
    const h = 1e-6;
    const expected = Float64Array.from({ length: 21 }, (_, at) => {
      const moved = (step: number) => {
        const v = new Float64Array(7);
        host.evaluate(
          points.map((x, i) => x + (i === at ? step : 0)),
          v,
          new Float64Array(21),
        );
        return v[Math.floor(at / 3)];
      };
      return (moved(h) - moved(-h)) / (2 * h);
    });
    expect(gradients).toAgree(expected, { rtol: 1e-6, atol: 1e-8 });
  });

  test("tensor values and gradients equal the float64 twin", () => {
    const values = new Float64Array(7);
    const gradients = new Float64Array(21);
    host.evaluate(points, values, gradients);
    const u = Float32Array.from(points, (x, i) => (x - frame.center[i % 3]) / frame.scale);
    const before = tf.memory().numTensors;
    const [phi, grad] = tf.tidy(() => {
      const weights = criticWeights(tf, shape, tensors(parameters, shape), directions(shape), 200);
      const pass = criticForward(tf, weights, tf.tensor2d(u, [7, 3]));
      return [pass.value.dataSync(), criticBackward(tf, weights, pass).gradient.dataSync()];
    });
    expect(phi).toAgree(values, { rtol: 2e-5, atol: 2e-5 });
    expect(Float64Array.from(grad, (g) => g / frame.scale)).toAgree(gradients, { rtol: 1e-4, atol: 2e-5 });
    expect(tf.memory().numTensors).toBe(before);
  });

  test("parameter gradient against differences of the float64 twin", () => {
    const u = Float32Array.from(points, (x, i) => (x - frame.center[i % 3]) / frame.scale);
    const c = generator(8).normal(7);
    const gradient = tf.tidy(() => {
      const weights = criticWeights(tf, shape, tensors(parameters, shape), directions(shape), 200);
      const pass = criticForward(tf, weights, tf.tensor2d(u, [7, 3]));
      const { deltas } = criticBackward(tf, weights, pass, tf.tensor2d(Float32Array.from(c), [7, 1]));
      return criticParameterGradient(tf, weights, pass, deltas).map((t) => t.dataSync());
    });
    const objective = (p: ArrayLike<number>[]) => {
      const values = new Float64Array(7);
      hostCritic(shape, p, frame).evaluate(points, values, new Float64Array(21));
      return values.reduce((sum, v, i) => sum + c[i] * v, 0);
    };
    const h = 1e-5;
    const double = parameters.map((p) => Float64Array.from(p));
    gradient.forEach((g, k) => {
      for (const at of [0, Math.floor(g.length / 2), g.length - 1]) {
        const moved = (step: number) =>
          objective(double.map((p, l) => (l === k ? p.map((x, i) => x + (i === at ? step : 0)) : p)));
        expect(g[at]).toAgree((moved(h) - moved(-h)) / (2 * h), { rtol: 2e-3, atol: 2e-4 });
      }
    });
  });

  test("the certificate holds on random pairs", () => {
    if (shape.lipschitz === Infinity) {
      expect(host.certifiedLipschitz).toBeNull();
      return;
    }
    expect(host.certifiedLipschitz).toBeLessThanOrEqual(shape.lipschitz / frame.scale);
    const draws = generator(11);
    const a = draws.normal(3000).map((x) => 2 * x);
    const b = a.map((x, i) => x + 0.3 * draws.normal(1)[0] * (1 + (i % 5)));
    const [va, vb] = [a, b].map((p) => {
      const v = new Float64Array(1000);
      host.evaluate(p, v, new Float64Array(3000));
      return v;
    });
    let steepest = 0;
    for (let i = 0; i < 1000; i++) {
      const distance = Math.hypot(...[0, 1, 2].map((k) => a[3 * i + k] - b[3 * i + k]));
      steepest = Math.max(steepest, Math.abs(va[i] - vb[i]) / distance);
    }
    expect(steepest).toBeLessThanOrEqual(host.certifiedLipschitz! * (1 + 1e-9));
    expect(steepest).toBeGreaterThan(0.02 * host.certifiedLipschitz!);
    if (shape.ceiling < Infinity) expect(Math.max(...va)).toBeLessThan(shape.ceiling);
  });
});

function tensors(parameters: readonly Float32Array[], shape: CriticShape): Tensor[] {
  const shapes = criticParameterShapes(shape);
  return parameters.map((p, i) => tf.tensor(p, shapes[i]));
}

function directions(shape: CriticShape): Tensor[] {
  return criticDirections(shape, generator(9)).map((u) => tf.tensor2d(u, [u.length, 1]));
}

describe("orthonormalise", () => {
  test("hidden singular values 1 + δ become 1 − 3δ²/2 + O(δ³); biases and the last layer stay", async () => {
    // W = (1 + δ) Q for a matrix Q with orthonormal rows or columns
    const delta = 0.01;
    const start = criticParameters(base, generator(7), 1);
    const shapes = criticParameterShapes(base);
    const parameters = start.map((p, i) => tf.tensor(i % 2 === 0 ? p.map((x) => x * (1 + delta)) : p, shapes[i]));
    const kept = [1, 3, 4, 5].map((i) => parameters[i]);
    orthonormalise(tf, base, parameters);
    expect([1, 3, 4, 5].map((i) => parameters[i])).toEqual(kept);
    for (const i of [0, 2]) {
      const w = (await parameters[i].data()) as Float32Array;
      expect(w).toAgree(
        start[i].map((x) => x * (1 - 1.5 * delta ** 2 - 0.5 * delta ** 3)),
        { rtol: 0, atol: 1e-6 },
      );
    }
    tf.dispose(parameters);
  });
});

describe("spectralNormBound", () => {
  test.each([
    [5, 5],
    [3, 9],
    [12, 4],
  ])("%i × %i: above, and within 1e-6 of, a known norm", (rows, columns) => {
    // W = Q₁ diag(s) Q₂ᵀ with the two largest singular values equal, where power iteration has no gap to use
    const few = Math.min(rows, columns);
    const s = Float64Array.from({ length: few }, (_, i) => (i < 2 ? 2.5 : 1 / (i + 1)));
    const [q1] = criticParameters(
      { ...base, dimension: few, width: rows % 2 ? rows + 1 : rows, depth: 1 },
      generator(1),
    );
    const [q2] = criticParameters(
      { ...base, dimension: few, width: columns % 2 ? columns + 1 : columns, depth: 1 },
      generator(2),
    );
    const [m, n] = [q1.length / few, q2.length / few];
    const w = Float64Array.from({ length: m * n }, (_, at) => {
      let sum = 0;
      for (let l = 0; l < few; l++) sum += q1[l * m + Math.floor(at / n)] * s[l] * q2[l * n + (at % n)];
      return sum;
    });
    const bound = spectralNormBound(w, m, n);
    expect(bound).toBeGreaterThan(2.5 * (1 - 1e-6)); // orthogonality itself holds to float32
    expect(bound).toBeLessThan(2.5 * (1 + 1e-6));
  });

  test("never below the Rayleigh quotient, not the Frobenius norm", () => {
    for (let seed = 0; seed < 20; seed++) {
      const w = generator(seed).normal(6 * 10);
      const bound = spectralNormBound(w, 6, 10);
      let v = generator(seed + 100).normal(10);
      let sigma = 0;
      for (let k = 0; k < 3000; k++) {
        const u = new Float64Array(6);
        for (let i = 0; i < 6; i++) for (let j = 0; j < 10; j++) u[i] += w[i * 10 + j] * v[j];
        sigma = Math.hypot(...u) / Math.hypot(...v);
        v = new Float64Array(10);
        for (let i = 0; i < 6; i++) for (let j = 0; j < 10; j++) v[j] += w[i * 10 + j] * u[i];
        const norm = Math.hypot(...v);
        v = v.map((x) => x / norm);
      }
      expect(bound).toBeGreaterThanOrEqual(sigma);
      expect(bound).toBeLessThan(sigma * (1 + 1e-6));
      expect(bound).toBeLessThan(0.95 * Math.hypot(...w));
    }
  });

  test("a zero matrix has norm zero", () => {
    expect(spectralNormBound(new Float64Array(12), 3, 4)).toBe(0);
  });
});

test("the starting weights are orthogonal", () => {
  const [w0, , w1] = criticParameters(base, generator(1));
  expect(spectralNormBound(Float64Array.from(w0), 3, 8)).toAgree(1, { rtol: 1e-6 });
  expect(Math.hypot(...w0)).toAgree(Math.sqrt(3), { rtol: 1e-6 });
  expect(Math.hypot(...w1)).toAgree(Math.sqrt(8), { rtol: 1e-6 });
});

/** max E_P φ − log E_Q e^φ for P = ½N(−2,¼) + ½N(2,¼), Q = N(0,1), then measured by quadrature. */
function bimodal(activation: CriticActivation, steps: number): { value: number; lipschitz: number } {
  const shape: CriticShape = { dimension: 1, width: 16, depth: 2, activation, lipschitz: 1, ceiling: Infinity };
  const draws = generator(1);
  const parameters = tensors(criticParameters(shape, draws, 1), shape);
  let sides = directions(shape);
  const adam = adamState(tf, parameters);
  const reward = targetReward(tf, kullbackLeibler());
  const b = 256;
  for (let k = 0; k < steps; k++) {
    const side = draws.integer(b, 2);
    const z = draws.normal(2 * b);
    const u = Float32Array.from(z, (x, i) => (i < b ? (side[i] ? 2 : -2) + 0.5 * x : x));
    const out = tf.tidy(() => {
      const weights = criticWeights(tf, shape, parameters, sides);
      const pass = criticForward(tf, weights, tf.tensor2d(u, [2 * b, 1]));
      const byQ = reward.derivative(tf.slice(pass.value, b, b));
      const c = tf.neg(tf.concat([tf.fill([b], 1 / b), byQ]));
      const { deltas } = criticBackward(tf, weights, pass, tf.reshape(c, [2 * b, 1]) as Tensor2D);
      return { gradients: criticParameterGradient(tf, weights, pass, deltas), right: weights.right };
    });
    tf.dispose(sides);
    sides = out.right;
    adamStep(tf, parameters, out.gradients, adam, { rate: 5e-3 * Math.min(1, 2 * (1 - k / steps)), beta2: 0.99 });
    tf.dispose(out.gradients);
  }
  const trained = parameters.map((p) => p.dataSync());
  tf.dispose([...parameters, ...sides]);
  disposeAdam(tf, adam);
  const host = hostCritic(shape, trained, { center: new Float64Array(1), scale: 1 });
  const n = 4001;
  const h = 18 / (n - 1);
  const x = Float64Array.from({ length: n }, (_, i) => -9 + i * h);
  const phi = new Float64Array(n);
  host.evaluate(x, phi, new Float64Array(n));
  const normal = (t: number, m: number, s: number) =>
    Math.exp(-0.5 * ((t - m) / s) ** 2) / (s * Math.sqrt(2 * Math.PI));
  let byP = 0;
  let byQ = 0;
  for (let i = 0; i < n; i++) {
    byP += h * phi[i] * 0.5 * (normal(x[i], -2, 0.5) + normal(x[i], 2, 0.5));
    byQ += h * Math.exp(phi[i]) * normal(x[i], 0, 1);
  }
  return { value: byP - Math.log(byQ), lipschitz: host.certifiedLipschitz! };
}

describe("D_KL^1 of the bimodal pair, exactly 0.983987", () => {
  test("a certified MaxMin critic reaches 0.97 and never exceeds the supremum", () => {
    const before = tf.memory().numTensors;
    const { value, lipschitz } = bimodal("maxmin", 600);
    expect(value).toBeGreaterThan(0.97);
    expect(value).toBeLessThan(0.983987 + 1e-6);
    expect(lipschitz).toBeLessThanOrEqual(1);
    expect(tf.memory().numTensors).toBe(before);
  });

  test("the certified ReLU baseline stays far below", () => {
    expect(bimodal("relu", 300).value).toBeLessThan(0.85);
  });
});

test("bad shapes are refused", () => {
  const check = (change: Partial<CriticShape>) => () => checkCriticShape({ ...base, ...change }, "critic");
  expect(check({ width: 7 })).toThrow("critic: width must be an even integer ≥ 2; got 7. Use width: 64 to start.");
  expect(check({ depth: 0 })).toThrow("critic: depth must be an integer ≥ 1; got 0. Use depth: 3 to start.");
  expect(check({ lipschitz: -1 })).toThrow(
    "critic: lipschitz must be > 0 (Infinity for none); got -1. Use lipschitz: 1 to start.",
  );
  expect(check({ activation: "elu" as CriticActivation })).toThrow(
    'critic: activation must be one of maxmin, smooth-maxmin, softabs, softplus, tanh, relu; got "elu". Use activation: "smooth-maxmin" to start.',
  );
});
