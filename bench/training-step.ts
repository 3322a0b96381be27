// One generator step of the primal neural flow on each tensor backend: Euler path of 4 steps, exact adjoint, Adam.
// Batch 256, d = 2, potential network of 3 hidden layers of 48. Median of 15 steps after one that is not counted.
// Run:  npx tsc --outDir .cache/bench && node .cache/bench/bench/training-step.js > bench/results/training-step.json
import { eulerPath, pathGradient } from "../solvers/neural/euler-path.js";
import { openDevice, shareGpu } from "../src/device/index.js";
import { generator } from "../src/random/index.js";
import {
  adamState,
  adamStep,
  disposeAdam,
  openTensors,
  potentialParameterShapes,
  potentialParameters,
  potentialWeights,
  type TensorBackend,
} from "../src/tensor/index.js";
import { machine, medianSeconds } from "./machine.js";

const BATCH = 256;
const shape = { dimension: 2, width: 48, depth: 3 };
const grid = [0, 0.25, 0.5, 0.75, 1];
const penalties = { straightness: 5, hamiltonJacobi: 1, terminal: 1 };

async function measure(backend: TensorBackend): Promise<Record<string, unknown>> {
  const { gpu } = backend === "webgpu" ? await openDevice("webgpu").catch(() => ({ gpu: null })) : { gpu: null };
  try {
    const { tf, reason } = await openTensors({ backend, gpu: gpu === null ? null : await shareGpu(gpu) });
    const draws = generator(0);
    const shapes = potentialParameterShapes(shape);
    const parameters = potentialParameters(shape, draws.split("potential")).map((p, i) => tf.tensor(p, shapes[i]));
    const adam = adamState(tf, parameters);
    const start = tf.tensor2d(Float32Array.from(draws.normal(BATCH * 2)), [BATCH, 2]);
    const slope = tf.tensor2d(Float32Array.from(draws.normal(BATCH * 2)), [BATCH, 2]);
    const seconds = await medianSeconds(async () => {
      const kinetic = tf.tidy(() => {
        const weights = potentialWeights(tf, shape, parameters);
        const step = pathGradient(tf, weights, eulerPath(tf, weights, start, grid), slope, penalties);
        adamStep(tf, parameters, step.parameters, adam, { rate: 1e-3, beta1: 0.8, beta2: 0.95 });
        return step.kinetic;
      });
      await kinetic.data();
      kinetic.dispose();
    }, 15);
    const { numBytes } = tf.memory();
    tf.dispose([...parameters, start, slope]);
    disposeAdam(tf, adam);
    return { backend, seconds, tensorBytes: numBytes, adapter: gpu?.adapter ?? null, reason };
  } catch (error) {
    return { backend, seconds: null, reason: error instanceof Error ? error.message : String(error) };
  } finally {
    if (backend !== "webgpu") gpu?.release();
  }
}

const results: Record<string, unknown>[] = [];
for (const backend of ["tensorflow", "webgpu", "wasm", "cpu"] as const) results.push(await measure(backend));
console.log(
  JSON.stringify(
    { bench: "training-step", batch: BATCH, shape, eulerSteps: grid.length - 1, results, machine: await machine() },
    null,
    2,
  ),
);
process.exit(0);
