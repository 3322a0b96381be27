// Random numbers made on the GPU: the kernels of random.wgsl.ts, driven by the state of a generator of src/random.
//   same stream and counter → the same integers as on the CPU; uniforms agree to 2⁻²⁴, normals to float32 round-off.
import { demand } from "../error.js";
import type { GeneratorState } from "../random/index.js";
import type { GpuBuffer, GpuDevice } from "./gpu.js";
import { normalKernel, uniformKernel, wordsKernel } from "./random.wgsl.js";

/** Draws on one device. Draw i uses block `state.counter + i` of the stream, as on the CPU; the state is not advanced. */
export interface GpuRandom {
  /** The two 32-bit words of n blocks, interleaved; length 2n. */
  words(state: GeneratorState, n: number): GpuBuffer<"u32">;
  /** n draws from U(0, 1), never 0 and never 1. */
  uniform(state: GeneratorState, n: number): GpuBuffer<"f32">;
  /** n draws from N(0, 1). */
  normal(state: GeneratorState, n: number): GpuBuffer<"f32">;
}

/** Compiles the random kernels for a device. */
export async function gpuRandom(gpu: GpuDevice): Promise<GpuRandom> {
  const [words, uniform, normal] = await Promise.all([
    gpu.kernel(wordsKernel),
    gpu.kernel(uniformKernel),
    gpu.kernel(normalKernel),
  ]);
  const start = (state: GeneratorState, n: number) => {
    demand(
      Number.isInteger(n) && n >= 0 && n < 2 ** 32,
      "gpuRandom",
      "n",
      "be an integer in 0 … 2³² − 1",
      n,
      "Give the number of draws",
    );
    const [key0, key1] = state.stream;
    return { key0, key1, counter0: state.counter >>> 0, counter1: Math.floor(state.counter / 2 ** 32), n };
  };
  const blocks = (n: number): number => Math.ceil(n / wordsKernel.workgroupSize);
  return {
    words(state, n) {
      const parameters = start(state, n);
      const result = gpu.allocate(2 * n, "u32");
      words.run({ result }, parameters, blocks(n));
      return result;
    },
    uniform(state, n) {
      const parameters = start(state, n);
      const result = gpu.allocate(n);
      uniform.run({ result }, parameters, blocks(n));
      return result;
    },
    normal(state, n) {
      const parameters = start(state, n);
      const result = gpu.allocate(n);
      normal.run({ result }, parameters, blocks(n));
      return result;
    },
  };
}
