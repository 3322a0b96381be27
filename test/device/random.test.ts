// Threefry on the GPU: the integers of Random123 and of src/random, the same uniforms to 2⁻²⁴ and the same normals to round-off.
import { afterAll, describe, expect, it } from "vitest";
import { type GpuDevice, gpuRandom } from "../../src/device/index.js";
import { type GeneratorState, generator, restore, threefry2x32 } from "../../src/random/index.js";
import { gpuHere } from "./here.js";

const gpu = (await gpuHere()) as GpuDevice;
afterAll(() => gpu?.release());

const at = (key: [number, number], counter: number): GeneratorState => ({ seed: 0, stream: key, counter });

describe.skipIf(gpu === null)("random numbers on the GPU", () => {
  it("give the known answers of Random123", async () => {
    const random = await gpuRandom(gpu);
    const first = random.words(at([0, 0], 0), 1);
    expect(Array.from(await gpu.downloadIntegers(first))).toEqual([0x6b200159, 0x99ba4efe]);
    // Counter 0x85a308d3 243f6a88 is beyond 2⁵³, so only its low word fits a state; the twin covers the rest.
    const words = new Uint32Array(2);
    threefry2x32(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3, words);
    expect(Array.from(words)).toEqual([0xc4923a9c, 0x483df7a0]);
    first.release();
  });

  it.each([1, 3, 63, 64, 65, 257, 1000])("n = %i: the same integers as the CPU", async (n) => {
    const random = await gpuRandom(gpu);
    for (const state of [
      generator(12345).state(),
      generator(7).split("noise").state(),
      at([0xffffffff, 0x80000001], 2 ** 32 - 30), // the low word of the counter overflows on the way
    ]) {
      const result = random.words(state, n);
      const expected = new Uint32Array(2 * n);
      for (let i = 0; i < n; i++) {
        const counter = state.counter + i;
        const pair = expected.subarray(2 * i, 2 * i + 2);
        threefry2x32(state.stream[0], state.stream[1], counter >>> 0, Math.floor(counter / 2 ** 32), pair);
      }
      expect(Array.from(await gpu.downloadIntegers(result))).toEqual(Array.from(expected));
      result.release();
    }
  });

  it("draws the CPU's uniforms at 23 bits, never 0 and never 1", async () => {
    const random = await gpuRandom(gpu);
    const state = generator(3).state();
    const n = 100_001;
    const values = await gpu.take(random.uniform(state, n));
    expect(values).toAgree(restore(state).uniform(n), { rtol: 0, atol: 2 ** -24 });
    expect(Math.min(...values)).toBeGreaterThan(0);
    expect(Math.max(...values)).toBeLessThan(1);
  });

  it("draws the CPU's normals to float32 round-off", async () => {
    const random = await gpuRandom(gpu);
    const state = generator(4).state();
    const n = 100_001;
    const values = await gpu.take(random.normal(state, n));
    // The seven-digit formula is good to 1e-7 relative; ½ − tail is rounded at 3e-8, and Φ⁻¹ has slope ≤ 2.6 where it is used.
    expect(values).toAgree(restore(state).normal(n), { rtol: 2e-6, atol: 3e-7 });
  });

  it("refuses an impossible count", async () => {
    const random = await gpuRandom(gpu);
    expect(() => random.normal(generator(1).state(), -1)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: gpuRandom: n must be an integer in 0 … 2³² − 1; got -1. Give the number of draws.]`,
    );
  });
});
