import { afterAll, beforeAll, expect, test } from "vitest";
import { generator } from "../../src/random/index.js";
import {
  type AcquiredTensors,
  acquireTensors,
  type CriticShape,
  criticBackward,
  criticDirections,
  criticForward,
  criticParameterGradient,
  criticParameterShapes,
  criticParameters,
  criticWeights,
  openTensors,
} from "../../src/tensor/index.js";

// SwiftShader is configured by vitest.config.ts where it can run; a real GPU is named by MEANFIELD_REAL_GPU.
const configured = process.env.VK_ICD_FILENAMES !== undefined || process.env.MEANFIELD_REAL_GPU !== undefined;

let gpu: AcquiredTensors;
beforeAll(async () => {
  if (configured) gpu = await acquireTensors("webgpu");
});
afterAll(() => gpu?.release());

const shape: CriticShape = {
  dimension: 2,
  width: 16,
  depth: 2,
  activation: "smooth-maxmin",
  lipschitz: 1.5,
  ceiling: Infinity,
};

/** Value, ∇φ and the parameter gradient of one critic on the active backend. */
async function pass({ tf }: Pick<AcquiredTensors, "tf">): Promise<number[]> {
  const draws = generator(2);
  const u = Float32Array.from(draws.normal(2 * 33));
  const out = tf.tidy(() => {
    const shapes = criticParameterShapes(shape);
    // off the starting weights, whose norm is 1: the normalisation has a kink there
    const parameters = criticParameters(shape, draws, 1).map((p, i) =>
      tf.tensor(
        p.map((x) => 1.3 * x),
        shapes[i],
      ),
    );
    const sides = criticDirections(shape, draws).map((s) => tf.tensor2d(s, [s.length, 1]));
    const weights = criticWeights(tf, shape, parameters, sides, 5);
    const forward = criticForward(tf, weights, tf.tensor2d(u, [33, 2]));
    const { gradient, deltas } = criticBackward(tf, weights, forward);
    return tf.concat(
      [forward.value, gradient, ...criticParameterGradient(tf, weights, forward, deltas)].map((t) =>
        tf.reshape(t, [-1]),
      ),
    );
  });
  const values = Array.from(await out.data());
  out.dispose();
  return values;
}

test.skipIf(!configured)("the tensor library runs on the shared WebGPU device and agrees with wasm", async () => {
  expect(gpu.backend).toBe("webgpu");
  expect(gpu.use.used).toBe("webgpu");
  expect(gpu.use.adapter).toMatch(/, tensor backend webgpu$/);
  const onGpu = await pass(gpu);
  const onCpu = await pass(await openTensors({ device: "cpu" }));
  expect(onGpu).toAgree(onCpu, { rtol: 1e-4, atol: 1e-4 });
});
