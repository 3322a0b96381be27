// The tensor library on the shared device: its WebGPU backend through Dawn equals its CPU backend.
import { afterAll, describe, expect, it } from "vitest";
import { type GpuDevice, shareGpu } from "../../src/device/index.js";
import { generator } from "../../src/random/index.js";
import { openTensors } from "../../src/tensor/index.js";
import { gpuHere } from "./here.js";

const gpu = (await gpuHere()) as GpuDevice;
afterAll(() => gpu?.release());

describe.skipIf(gpu === null)("shareGpu", () => {
  it("lets the tensor library multiply, differentiate and reduce on the device", async () => {
    const shared = await shareGpu(gpu);
    expect(shared.hardware).toBe(!gpu.adapter.software);
    const [m, k, n] = [37, 65, 129];
    const g = generator(1);
    const [a, b] = [Float32Array.from(g.normal(m * k)), Float32Array.from(g.normal(k * n))];
    const compute = async (backend: "cpu" | "webgpu"): Promise<Float64Array[]> => {
      const { tf } = await openTensors({ backend, gpu: shared });
      expect(tf.getBackend()).toBe(backend);
      const [x, y] = [tf.tensor2d(a, [m, k]), tf.tensor2d(b, [k, n])];
      const product = tf.matMul(x, y);
      const gradient = tf.grad((z) => tf.sum(tf.square(tf.matMul(z, y))))(x);
      const mean = tf.mean(product);
      const tensors = [product, gradient, mean];
      const values = await Promise.all(tensors.map(async (t) => Float64Array.from(await t.data())));
      tf.dispose([x, y, ...tensors]);
      return values;
    };
    const cpu = await compute("cpu");
    const single = await compute("webgpu");
    // Sums of k = 65 products of unit normals, then of n = 129 products of those with normals: √k and √(kn) in size, a few roundings each.
    expect(single[0]).toAgree(cpu[0], { rtol: 1e-5, atol: 1e-5 });
    expect(single[1]).toAgree(cpu[1], { rtol: 1e-5, atol: 2e-3 });
    expect(single[2]).toAgree(cpu[2], { rtol: 1e-4, atol: 1e-6 });
  });

  it("leaves kernels and tensors to share one queue", async () => {
    const { tf } = await openTensors({ backend: "webgpu", gpu: await shareGpu(gpu) });
    const t = tf.square(tf.tensor1d([1, 2, 3]));
    const buffer = gpu.upload(Float64Array.of(4, 5));
    expect(Array.from(await t.data())).toEqual([1, 4, 9]);
    expect(Array.from(await gpu.take(buffer))).toEqual([4, 5]);
    t.dispose();
  });

  it("adds only the names that were missing, and nothing that opens a device", async () => {
    await shareGpu(gpu);
    const { navigator } = globalThis as { navigator?: { gpu?: { requestAdapter?: unknown } } };
    expect(navigator?.gpu?.requestAdapter).toBeUndefined();
    expect((globalThis as { GPUDevice?: unknown }).GPUDevice).toBeUndefined();
    expect(GPUBufferUsage.STORAGE).toBe(128);
  });
});
