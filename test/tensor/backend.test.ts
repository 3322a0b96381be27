import { describe, expect, test, vi } from "vitest";
import { inspectTensors, openTensors } from "../../src/tensor/index.js";

describe("openTensors", () => {
  test("nothing is printed on start", async () => {
    const spies = (["log", "warn", "error", "info"] as const).map((name) => vi.spyOn(console, name));
    const { tf } = await openTensors({ backend: "cpu" });
    tf.tidy(() => tf.scalar(1).dataSync());
    for (const spy of spies) {
      expect(spy).not.toHaveBeenCalled();
      spy.mockRestore();
    }
  });

  test("cpu requests take wasm, with float32 products right", async () => {
    const { tf, backend, tried, use, reason } = await openTensors({ device: "cpu" });
    expect(backend).toBe("wasm");
    expect(tf.getBackend()).toBe("wasm");
    expect(tried.map((t) => t.backend)).toEqual(["wasm"]);
    expect(use).toEqual({ requested: "cpu", used: "cpu", reason, adapter: "tensor backend wasm" });
    const n = 37;
    const a = Float32Array.from({ length: n * n }, (_, i) => Math.sin(i));
    const product = tf.tidy(() => tf.matMul(tf.tensor2d(a, [n, n]), tf.tensor2d(a, [n, n])).dataSync());
    const expected = Float64Array.from({ length: n * n }, (_, k) => {
      let s = 0;
      for (let l = 0; l < n; l++) s += a[Math.floor(k / n) * n + l] * a[l * n + (k % n)];
      return s;
    });
    expect(product).toAgree(expected, { rtol: 0, atol: 1e-5 });
  });

  test("auto without a GPU passes over the first two and says why", async () => {
    const { tried, reason } = await openTensors();
    expect(tried.slice(0, 2).map((t) => [t.backend, t.works])).toEqual([
      ["tensorflow", false],
      ["webgpu", false],
    ]);
    expect(reason).toMatch(/tensorflow not used: .+; webgpu not used: no WebGPU device was given; WebAssembly runs/);
  });

  test("a software adapter is not taken by auto", async () => {
    const gpu = { device: {} as GPUDevice, hardware: false };
    const { tried } = await openTensors({ gpu });
    expect(tried[1]).toEqual({ backend: "webgpu", works: false, reason: "the WebGPU adapter is software" });
  });

  test("a broken GPU device is survived", async () => {
    const gpu = { device: {} as GPUDevice, hardware: true };
    const { tf, backend, tried } = await openTensors({ gpu });
    expect(backend).toBe("wasm");
    expect(tried[1].works).toBe(false);
    expect(tried[1].reason.length).toBeGreaterThan(5);
    expect(tf.getBackend()).toBe("wasm");
  });

  test("webgpu or nothing", async () => {
    await expect(openTensors({ device: "webgpu" })).rejects.toThrow(
      'openTensors: device must name a tensor backend that works here; got webgpu (webgpu: no WebGPU device was given). Use device: "auto".',
    );
    await expect(openTensors({ backend: "webgpu" })).rejects.toThrow(
      'openTensors: backend must name a tensor backend that works here; got webgpu (webgpu: no WebGPU device was given). Use device: "auto".',
    );
  });

  test("the plain backend agrees and no tensors leak", async () => {
    const { tf } = await openTensors({ backend: "cpu" });
    expect(tf.getBackend()).toBe("cpu");
    const before = tf.memory().numTensors;
    await openTensors({ device: "cpu" });
    await openTensors({ backend: "cpu" });
    expect(tf.memory().numTensors).toBe(before);
  });

  test("process-wide exception listeners stay as they were", async () => {
    await openTensors({ device: "cpu" });
    for (const listener of process.listeners("unhandledRejection"))
      expect(String(listener).replace(/\s/g, "")).not.toMatch(/throwreason/);
  });
});

test("inspectTensors reports all four", async () => {
  const found = await inspectTensors();
  expect(found.map((a) => a.backend)).toEqual(["tensorflow", "webgpu", "wasm", "cpu"]);
  expect(found[2].works && found[3].works).toBe(true);
  for (const a of found) expect(a.reason.length).toBeGreaterThan(5);
});
