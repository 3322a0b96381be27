// The device: requests, buffers, kernels, limits, errors, memory. Runs on SwiftShader where there is no GPU.
import { afterAll, describe, expect, it } from "vitest";
import { foldBlocks, type GpuDevice, kernelSpec, openDevice } from "../../src/device/index.js";
import { UsageError } from "../../src/error.js";
import { gpuHere } from "./here.js";

const gpu = (await gpuHere()) as GpuDevice;
afterAll(() => gpu?.release());

const fill = kernelSpec({
  name: "fill",
  workgroupSize: 1,
  bindings: { result: "write f32" },
  parameters: { value: "f32", start: "u32" },
  code: `
fn kernel(block: u32, lane: u32) {
  result[block] = parameters.value + f32(block - parameters.start);
}`,
});

describe.skipIf(gpu === null)("openDevice", () => {
  it("says why the CPU is used", async () => {
    expect(await openDevice("cpu")).toEqual({
      gpu: null,
      use: { requested: "cpu", used: "cpu", reason: "the CPU was asked for", adapter: null },
    });
  });

  it("takes the GPU for auto only when it is hardware", async () => {
    const { gpu: automatic, use } = await openDevice("auto");
    expect(use.used).toBe(gpu.adapter.software ? "cpu" : "webgpu");
    expect(automatic === null).toBe(gpu.adapter.software);
    if (gpu.adapter.software) {
      expect(use.reason).toBe(
        `only a software adapter answered (${gpu.adapter.name}), which is slower than the CPU code; device: "webgpu" uses it all the same`,
      );
    }
    automatic?.release();
  });

  it("refuses unknown requests", async () => {
    await expect(openDevice("gpu" as "cpu")).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: device: device must be "auto", "cpu" or "webgpu"; got "gpu". Use device: "auto" to start.]`,
    );
  });

  it("opens two devices side by side", async () => {
    const { gpu: other } = await openDevice("webgpu");
    const one = gpu.upload(Float64Array.of(1));
    const two = other!.upload(Float64Array.of(2));
    expect([(await gpu.take(one))[0], (await other!.take(two))[0]]).toEqual([1, 2]);
    other!.release();
  });
});

describe.skipIf(gpu === null)("buffers", () => {
  it("round to float32 on the way in and come back as float64", async () => {
    const data = Float64Array.of(0.1, -1e-30, 3, 2 ** 24 + 1);
    const back = await gpu.take(gpu.upload(data));
    expect(back).toBeInstanceOf(Float64Array);
    expect(Array.from(back)).toEqual(Array.from(data, Math.fround));
  });

  it("carry integers of both signs", async () => {
    const signed = gpu.uploadIntegers(Int32Array.of(-1, 2 ** 31 - 1));
    const unsigned = gpu.uploadIntegers(Uint32Array.of(2 ** 32 - 1, 7));
    expect(Array.from(await gpu.downloadIntegers(signed))).toEqual([-1, 2 ** 31 - 1]);
    expect(Array.from(await gpu.downloadIntegers(unsigned))).toEqual([2 ** 32 - 1, 7]);
    signed.release();
    unsigned.release();
  });

  it("may be empty, start as zeros, and be copied in part", async () => {
    const empty = gpu.upload(new Float64Array(0));
    expect((await gpu.take(empty)).length).toBe(0);
    const from = gpu.upload(Float64Array.of(1, 2, 3));
    const to = gpu.allocate(4);
    gpu.copy(from, to, 2, 1);
    expect(Array.from(await gpu.take(to))).toEqual([0, 1, 2, 0]);
    from.release();
  });

  it("are counted", async () => {
    const before = gpu.memory();
    const buffer = gpu.allocate(1000);
    expect(gpu.memory().live - before.live).toBe(4000);
    expect(gpu.memory().buffers - before.buffers).toBe(1);
    buffer.release();
    buffer.release();
    expect(gpu.memory().live).toBe(before.live);
    expect(gpu.memory().peak).toBeGreaterThanOrEqual(before.live + 4000);
  });

  it("may exceed the specification's default binding of 128 MiB", async () => {
    expect(gpu.limits.maxStorageBufferBindingSize).toBeGreaterThan(2 ** 27);
    const n = 2 ** 25 + 5;
    const whole = gpu.allocate(n);
    const end = gpu.allocate(5);
    const mark = await gpu.kernel(
      kernelSpec({
        name: "mark the end",
        workgroupSize: 1,
        bindings: { whole: "write f32", end: "write f32" },
        parameters: { start: "u32" },
        code: `
fn kernel(block: u32, lane: u32) {
  whole[parameters.start + block] = f32(block) + 1.0;
  end[block] = whole[parameters.start + block];
}`,
      }),
    );
    mark.run({ whole, end }, { start: n - 5 }, 5);
    expect(Array.from(await gpu.take(end))).toEqual([1, 2, 3, 4, 5]);
    whole.release();
  });

  it("refuse impossible lengths and data that do not fit", () => {
    expect(() => gpu.allocate(1.5)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: allocate: length must be an integer ≥ 0; got 1.5. Give the number of elements.]`,
    );
    expect(() => gpu.allocate(2 ** 50)).toThrow(
      /^allocate: length must be at most \d+ on .*; got 1125899906842624\. Split the array, or use device: "cpu"\.$/,
    );
    const small = gpu.allocate(1);
    expect(() => gpu.write(small, new Float64Array(2))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: write: data must have at most the buffer's length 1; got 2. Allocate a longer buffer.]`,
    );
    expect(() => gpu.copy(gpu.allocate(2, "u32"), small)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: copy: to must hold 2 u32; got "1 f32". Allocate a matching buffer.]`,
    );
    small.release();
  });
});

describe.skipIf(gpu === null)("kernels", () => {
  it("run more than 65535 workgroups, each block once", async () => {
    const kernel = await gpu.kernel(fill);
    const blocks = 2 * 65535 + 77;
    const result = gpu.allocate(blocks);
    kernel.run({ result }, { value: 0.5, start: 0 }, blocks);
    const values = await gpu.take(result);
    expect(values.every((value, i) => value === i + 0.5)).toBe(true);
  });

  it("fold block counts into two axes", () => {
    for (const blocks of [1, 65535, 65536, 131071, 10_000_019]) {
      const [x, y] = foldBlocks(blocks, 65535);
      expect(x).toBeLessThanOrEqual(65535);
      expect(x * y).toBeGreaterThanOrEqual(blocks);
      expect(x * y - blocks).toBeLessThan(y);
    }
  });

  it("keep the order of parameters and runs on one text", async () => {
    const kernel = await gpu.kernel(fill);
    const results = [1, 2, 3].map((value) => {
      const result = gpu.allocate(2);
      kernel.run({ result }, { value, start: 0 }, 2);
      return result;
    });
    const values = await Promise.all(results.map((result) => gpu.take(result)));
    expect(values.map((v) => Array.from(v))).toEqual([
      [1, 2],
      [2, 3],
      [3, 4],
    ]);
  });

  it("name the WGSL line of a compile error", async () => {
    const broken = { ...fill, code: "fn kernel(block: u32, lane: u32) {\n  result[block] = nothing;\n}" };
    await expect(gpu.kernel(broken)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: kernel fill: code must be valid WGSL; got "unresolved value 'nothing'" at line 2, column 19. The line reads: result[block] = nothing;.]`,
    );
    await expect(gpu.kernel({ ...fill, code: "fn other() {}" })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: kernel fill: code must be valid WGSL; got "unresolved call target 'kernel'" in the generated frame. Compare the names of bindings and parameters with the text.]`,
    );
    await expect(gpu.kernel({ ...fill, workgroupSize: 0 })).rejects.toThrow(
      /^kernel fill: workgroupSize must be an integer in 1 … \d+; got 0\. Use workgroupSize: 64 to start\.$/,
    );
    const good = await gpu.kernel(fill);
    const result = gpu.allocate(1);
    good.run({ result }, { value: 4, start: 0 }, 1);
    expect((await gpu.take(result))[0]).toBe(4);
  });

  it("refuse wrong buffers, parameters and counts before they run", async () => {
    const kernel = await gpu.kernel(fill);
    const result = gpu.allocate(1);
    const integers = gpu.allocate(1, "u32");
    const parameters = { value: 1, start: 0 };
    const wrong = (buffers: object, p: object, blocks: number) => () =>
      kernel.run(buffers as { result: typeof result }, p as typeof parameters, blocks);
    expect(wrong({ result: integers }, parameters, 1)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: kernel fill: result must be a live f32 buffer of this device; got "u32". Pass a buffer that this device allocated and that was not released.]`,
    );
    expect(wrong({}, parameters, 1)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: kernel fill: result must be a live f32 buffer of this device; got undefined. Pass a buffer that this device allocated and that was not released.]`,
    );
    expect(wrong({ result }, { value: 1 }, 1)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: kernel fill: start must be a number; got undefined. Pass every parameter of the kernel.]`,
    );
    expect(wrong({ result }, parameters, 0.5)).toThrow(
      /^kernel fill: blocks must be an integer in 0 … \d+; got 0\.5\./,
    );
    result.release();
    expect(wrong({ result }, parameters, 1)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: kernel fill: result must be a live f32 buffer of this device; got "a released or foreign buffer". Pass a buffer that this device allocated and that was not released.]`,
    );
    integers.release();
  });
});

describe.skipIf(gpu === null)("failures", () => {
  it("of the GPU surface at the next await, once and for all", async () => {
    const { gpu: doomed } = await openDevice("webgpu");
    const buffer = doomed!.allocate(4);
    // A buffer bound twice, once for writing, is a fault that only the GPU's own validation sees.
    const kernel = await doomed!.kernel(
      kernelSpec({
        name: "twice",
        workgroupSize: 1,
        bindings: { x: "read f32", y: "write f32" },
        parameters: {},
        code: "fn kernel(block: u32, lane: u32) { y[0] = x[0]; }",
      }),
    );
    kernel.run({ x: buffer, y: buffer }, {}, 1);
    // No number leaves the device after a fault, whichever call comes first.
    await expect(doomed!.download(buffer)).rejects.toThrow(/^device: the GPU refused work: /);
    await expect(doomed!.finish()).rejects.toThrow(/^device: the GPU refused work: /);
    expect(() => doomed!.allocate(1)).toThrow(/^device: the GPU refused work: /);
    doomed!.release();
  });

  it("of a buffer used after its release are caught at once", async () => {
    const buffer = gpu.allocate(1);
    buffer.release();
    await expect(gpu.download(buffer)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: download: buffer must be a live buffer of this device; got "a released or foreign one". Download before you release.]`,
    );
  });

  it("after release say what to do", async () => {
    const { gpu: closed } = await openDevice("webgpu");
    const buffer = closed!.upload(Float64Array.of(1));
    closed!.release();
    closed!.release();
    expect(() => closed!.allocate(1)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: device: the device must be open; got a released one. Open another with openDevice.]`,
    );
    await expect(closed!.download(buffer)).rejects.toBeInstanceOf(UsageError);
    expect(closed!.memory().live).toBe(0);
  });

  it("include a device that the driver takes away", async () => {
    const { gpu: lost } = await openDevice("webgpu");
    const pending = lost!.download(lost!.allocate(8));
    lost!.raw.destroy();
    await expect(pending).rejects.toThrow(/^device: the GPU was lost \(.*\); open it again, or use device: "cpu"\.$/);
    lost!.release();
  });
});
