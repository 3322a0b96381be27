// Value, derivatives and Laplacian of a jet network against finite differences, and the pull-back against differences of a functional of
// all of them (third order in the network).
import type { Tensor2D } from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { generator } from "../../src/random/index.js";
import {
  checkJetShape,
  hostJet,
  jetBackward,
  jetForward,
  jetParameterShapes,
  jetParameters,
  openTensors,
} from "../../src/tensor/index.js";

const d = 2;
const shape = { features: 4, functions: 3, dimension: d, directions: d + 1, width: 9, depth: 3 };
const n = 5;

/** Features (x, y, sin x, t) and functions (1, x² + t, xy), with derivatives: blocks value | x | y | t | Δ. */
function inputs(x: Float64Array, t: Float64Array) {
  const stacked: number[][] = [[], [], [], [], []];
  const rows: number[][] = [[], [], [], [], []];
  for (let i = 0; i < t.length; i++) {
    const [a, b] = [x[2 * i], x[2 * i + 1]];
    stacked[0].push(a, b, Math.sin(a), t[i]);
    stacked[1].push(1, 0, Math.cos(a), 0);
    stacked[2].push(0, 1, 0, 0);
    stacked[3].push(0, 0, 0, 1);
    stacked[4].push(0, 0, -Math.sin(a), 0);
    rows[0].push(1, a * a + t[i], a * b);
    rows[1].push(0, 2 * a, b);
    rows[2].push(0, 0, a);
    rows[3].push(0, 1, 0);
    rows[4].push(0, 2, 0);
  }
  return { stacked: Float64Array.from(stacked.flat()), rows: Float64Array.from(rows.flat()) };
}

const parameters = jetParameterShapes(shape).map(([r, c], k) =>
  generator(3)
    .split(k)
    .normal(r * c)
    .map((z) => z / Math.sqrt(r)),
);
const x = generator(4).normal(n * d);
const t = generator(5).uniform(n);

function host(p: readonly Float64Array[], points: Float64Array, times: Float64Array): Float64Array {
  const { stacked, rows } = inputs(points, times);
  const first = (a: Float64Array) => a.subarray(0, (a.length / (d + 3)) * (d + 2));
  return hostJet(shape, p, first(stacked), first(rows));
}

const moved = (a: Float64Array, i: number, h: number) => a.map((v, j) => (j === i ? v + h : v));

/** Value, derivatives, and Δ by second differences of the host's derivatives. */
function jetByDifferences(p: readonly Float64Array[]): Float64Array {
  const out = new Float64Array((d + 3) * n);
  out.set(host(p, x, t));
  const h = 1e-4;
  for (let i = 0; i < n; i++)
    for (let a = 0; a < d; a++) {
      const [up, down] = [h, -h].map((e) => host(p, moved(x, i * d + a, e), t)[(1 + a) * n + i]);
      out[(d + 2) * n + i] += (up - down) / (2 * h);
    }
  return out;
}

describe("jet network", () => {
  it("host: derivatives are those of the value", () => {
    const all = host(parameters, x, t);
    const h = 1e-5;
    for (let i = 0; i < n; i++) {
      for (let a = 0; a < d; a++) {
        const [up, down] = [h, -h].map((e) => host(parameters, moved(x, i * d + a, e), t)[i]);
        expect(all[(1 + a) * n + i]).toAgree((up - down) / (2 * h), { rtol: 1e-7, atol: 1e-8 });
      }
      const [up, down] = [h, -h].map((e) => host(parameters, x, moved(t, i, e))[i]);
      expect(all[(d + 1) * n + i]).toAgree((up - down) / (2 * h), { rtol: 1e-7, atol: 1e-8 });
    }
  });

  it("tensor: value, derivatives and Laplacian, and the gradient of a functional of them by every parameter", async () => {
    const { tf } = await openTensors({ device: "cpu" });
    const { stacked, rows } = inputs(x, t);
    const weights = generator(6).normal((d + 3) * n); // F = Σ wᵢ outᵢ + ½ Σ outᵢ²
    const before = tf.memory().numTensors;
    const [output, ...gradients] = tf.tidy(() => {
      const p = parameters.map((v, k) => tf.tensor2d(Float32Array.from(v), jetParameterShapes(shape)[k]));
      const pass = jetForward(
        tf,
        shape,
        p,
        tf.tensor2d(Float32Array.from(stacked), [(d + 3) * n, shape.features]),
        tf.tensor2d(Float32Array.from(rows), [(d + 3) * n, shape.functions]),
      );
      const cotangent = tf.add(pass.output, tf.tensor2d(Float32Array.from(weights), [weights.length, 1])) as Tensor2D;
      return [pass.output.dataSync(), ...jetBackward(tf, shape, p, pass, cotangent).map((g) => g.dataSync())];
    });
    expect(tf.memory().numTensors).toBe(before);
    expect(output).toAgree(jetByDifferences(parameters), { rtol: 2e-5, atol: 2e-5 });
    const functional = (p: readonly Float64Array[]) =>
      jetByDifferences(p).reduce((sum, v, i) => sum + weights[i] * v + 0.5 * v * v, 0);
    parameters.forEach((v, k) => {
      const numeric = Float64Array.from(v, (_, i) => {
        const h = 1e-3;
        const f = (e: number) => functional(parameters.with(k, moved(v, i, e)));
        return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h);
      });
      expect(gradients[k]).toAgree(numeric, { rtol: 3e-4, atol: 3e-3 });
    });
  });

  it("starts near 0 with the stated shapes", () => {
    const start = jetParameters(shape, generator(1));
    expect(start.map((p) => p.length)).toEqual(jetParameterShapes(shape).map(([r, c]) => r * c));
    const all = host(
      start.map((p) => Float64Array.from(p)),
      x,
      t,
    );
    expect(Math.max(...all.map(Math.abs))).toBeLessThan(0.5);
  });

  it("refuses a useless shape", () => {
    expect(() => checkJetShape({ width: 0, depth: 2 }, "solver")).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: solver: width must be an integer ≥ 1; got 0. Use width: 32 to start.]`,
    );
    expect(() => checkJetShape({ width: 8, depth: 0.5 }, "solver")).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: solver: depth must be an integer ≥ 1; got 0.5. Use depth: 2 to start.]`,
    );
  });
});
