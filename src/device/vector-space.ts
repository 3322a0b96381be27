// A VectorSpace of GPU arrays, so that the Krylov, Newton and primal–dual files of src/linalg drive the GPU unchanged.
//   ⟨x, y⟩ = w Σ xᵢ yᵢ in float32 over a fixed tree; updates are queued, only inner products wait.
// A float32 Krylov method stalls near 1e-6 relative; compute residuals in float64 on the host where more is wanted.
import { demand } from "../error.js";
import type { VectorSpace } from "../linalg/index.js";
import type { GpuBuffer, GpuDevice } from "./gpu.js";
import { reductions } from "./reductions.js";
import { axpyKernel, scaleKernel } from "./vector-space.wgsl.js";

/** A space of float32 GPU arrays. It owns every vector that it makes. */
export interface GpuSpace extends VectorSpace<GpuBuffer<"f32">> {
  /** A new vector with these values. */
  from(values: Float64Array): GpuBuffer<"f32">;
  /** Frees every vector of this space and its scratch; algorithms do not release their work vectors, the space does. */
  release(): void;
}

/**
 * The space of float32 arrays of length n on a GPU.
 *
 * @param gpu the device
 * @param length n ≥ 1
 * @param weight w > 0, for example a grid's cell volume; default 1
 * @throws UsageError when the length is not a positive integer or the weight not a finite number > 0
 */
export async function gpuSpace(gpu: GpuDevice, length: number, weight = 1): Promise<GpuSpace> {
  demand(
    Number.isInteger(length) && length >= 1,
    "gpuSpace",
    "length",
    "be an integer ≥ 1",
    length,
    "Give the number of unknowns",
  );
  demand(
    weight > 0 && Number.isFinite(weight),
    "gpuSpace",
    "weight",
    "be a finite number > 0",
    weight,
    "Use 1 or the grid's cellVolume",
  );
  const [fold, scale, axpy] = await Promise.all([reductions(gpu), gpu.kernel(scaleKernel), gpu.kernel(axpyKernel)]);
  const owned: GpuBuffer<"f32">[] = [];
  const blocks = Math.ceil(length / scaleKernel.workgroupSize);
  const zeros = (): GpuBuffer<"f32"> => {
    const vector = gpu.allocate(length);
    owned.push(vector);
    return vector;
  };
  const dots = async (xs: readonly GpuBuffer<"f32">[], y: GpuBuffer<"f32">): Promise<number[]> =>
    (await fold.dots(xs, y)).map((value) => weight * value);
  const dot = async (x: GpuBuffer<"f32">, y: GpuBuffer<"f32">): Promise<number> => weight * (await fold.dot(x, y));
  return {
    zeros,
    from(values) {
      demand(
        values.length === length,
        "gpuSpace",
        "values",
        `have length ${length}`,
        values.length,
        "Give one value for each unknown",
      );
      const vector = zeros();
      gpu.write(vector, values);
      return vector;
    },
    copy(x) {
      const vector = zeros();
      gpu.copy(x, vector);
      return vector;
    },
    assign: (x, y) => gpu.copy(x, y),
    scale: (a, x) => scale.run({ x }, { n: length, a }, blocks),
    axpy: (a, x, y) => axpy.run({ x, y }, { n: length, a }, blocks),
    dot,
    dots,
    norm: async (x) => Math.sqrt(await dot(x, x)),
    release() {
      for (const vector of owned) vector.release();
      owned.length = 0;
      fold.release();
    },
  };
}
