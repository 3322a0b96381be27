// Fixed-tree reductions: the GPU against its twins, bit for bit in float32 where no product can be fused.
import { afterAll, describe, expect, it } from "vitest";
import { type GpuDevice, reductions, treeDot, treeMax, treeNorm, treeSum } from "../../src/device/index.js";
import { generator } from "../../src/random/index.js";
import { gpuHere } from "./here.js";

const gpu = (await gpuHere()) as GpuDevice;
afterAll(() => gpu?.release());

// Around the lanes (256) and the items of a block (2048).
const lengths = [1, 3, 63, 64, 65, 255, 256, 257, 1000, 2047, 2048, 2049, 100_003];

describe("CPU trees", () => {
  it("agree with exact sums of integers and with plain loops", () => {
    for (const n of lengths) {
      const integers = Float64Array.from({ length: n }, (_, i) => (i * 7919) % 1013);
      expect(treeSum(integers)).toBe(integers.reduce((a, b) => a + b, 0));
      expect(treeDot(integers, integers)).toBe(integers.reduce((a, b) => a + b * b, 0));
      expect(treeMax(integers)).toBe(integers.reduce((a, b) => Math.max(a, b)));
      expect(treeNorm(integers)).toBe(Math.sqrt(treeDot(integers, integers)));
    }
    expect(treeSum(new Float64Array(0))).toBe(0);
    expect(treeMax(Float64Array.of(-3, -2))).toBe(-2);
  });

  it("lose far less than a running sum in float32", () => {
    const tenths = new Float32Array(10 ** 6).fill(0.1);
    const exact = 10 ** 6 * Math.fround(0.1);
    let running = 0;
    for (const x of tenths) running = Math.fround(running + x);
    expect(Math.abs(running - exact) / exact).toBeGreaterThan(1e-3);
    expect(treeSum(tenths)).toAgree(exact, { rtol: 1e-6 });
  });

  it("refuse the maximum of nothing and unequal lengths", () => {
    expect(() => treeMax(new Float64Array(0))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: max: x must have at least one item; got 0. Guard the call.]`,
    );
    expect(() => treeDot(new Float64Array(2), new Float64Array(3))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: dot: y must have the length 2 of x; got 3. Pass vectors of one length.]`,
    );
  });
});

describe.skipIf(gpu === null)("GPU trees", () => {
  it.each(lengths)("n = %i: sum and max equal the float32 twin, dot agrees with it", async (n) => {
    const fold = await reductions(gpu);
    const scattered = (factor: number) =>
      Float32Array.from({ length: n }, (_, i) => (Math.imul(i + 1, factor) >>> 0) / 2 ** 32 - 0.4);
    const [x, y] = [scattered(2654435761), scattered(2246822519)];
    const [onX, onY] = [gpu.upload(x), gpu.upload(y)];
    expect(await fold.sum(onX)).toBe(treeSum(x));
    expect(await fold.max(onX)).toBe(treeMax(x));
    // A driver may fuse x·y into the sum, so the product is held to round-off: (8 + 8 + 1) roundings of Σ|xᵢyᵢ| a pass.
    const size = treeDot(Float64Array.from(x, Math.abs), Float64Array.from(y, Math.abs));
    const exact = treeDot(Float64Array.from(x), Float64Array.from(y));
    expect(await fold.dot(onX, onY)).toAgree(exact, { atol: 3 * 17 * 2 ** -24 * size });
    expect(await fold.norm(onX)).toAgree(treeNorm(Float64Array.from(x)), { rtol: 3 * 17 * 2 ** -24 });
    fold.release();
    onX.release();
    onY.release();
  });

  it("take a third pass where two do not suffice", async () => {
    const x = new Float32Array(2048 * 2048 + 17);
    for (let i = 0; i < x.length; i++) x[i] = (Math.imul(i, 2654435761) >>> 0) / 2 ** 32 - 0.4;
    const fold = await reductions(gpu);
    const onX = gpu.upload(x);
    expect(await fold.sum(onX)).toBe(treeSum(x));
    fold.release();
    onX.release();
  });

  it("give the same bits every run, also when calls overlap", async () => {
    const fold = await reductions(gpu);
    const x = gpu.upload(generator(1).normal(5000));
    const y = gpu.upload(generator(2).normal(70_000));
    const alone = [await fold.sum(x), await fold.sum(y), await fold.dot(x, x), await fold.max(y)];
    const together = await Promise.all([fold.sum(x), fold.sum(y), fold.dot(x, x), fold.max(y)]);
    expect(together).toEqual(alone);
    expect(await fold.dots([x, x], x)).toEqual([alone[2], alone[2]]);
    fold.release();
    x.release();
    y.release();
  });

  it("refuse the maximum of nothing and unequal lengths", async () => {
    const fold = await reductions(gpu);
    const [none, one] = [gpu.allocate(0), gpu.allocate(1)];
    expect(await fold.sum(none)).toBe(0);
    await expect(fold.max(none)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: max: x must have at least one item; got 0. Guard the call.]`,
    );
    await expect(fold.dot(one, none)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: dot: y must have the length 1 of x; got 0. Pass vectors of one length.]`,
    );
    fold.release();
    none.release();
    one.release();
  });
});
