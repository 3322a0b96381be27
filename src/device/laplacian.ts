// The grid Laplacian on the GPU, as an `Apply` for the iterative methods of src/linalg.
import { demand } from "../error.js";
import type { Grid } from "../grid/index.js";
import type { GpuBuffer, GpuDevice } from "./gpu.js";
import { laplacianKernel } from "./laplacian.wgsl.js";

const codes = { periodic: 0, "no-flux": 1, dirichlet: 2 } as const;

/**
 * Compiles out ← Δu on a grid of one to three axes.
 *
 * @returns a function of two different buffers of the grid's size; it queues the work and returns at once
 */
export async function gpuLaplacian(
  gpu: GpuDevice,
  grid: Grid,
): Promise<(u: GpuBuffer<"f32">, out: GpuBuffer<"f32">) => void> {
  const kernel = await gpu.kernel(laplacianKernel);
  const [a, b, c] = [0, 1, 2].map((at) => {
    const axis = grid.axes[at - (3 - grid.dimension)];
    return axis === undefined
      ? { n: 1, boundary: codes["no-flux"], weight: 0 }
      : { n: axis.points, boundary: codes[axis.boundary], weight: 1 / axis.spacing ** 2 };
  });
  const parameters = {
    n0: a.n,
    n1: b.n,
    n2: c.n,
    boundary0: a.boundary,
    boundary1: b.boundary,
    boundary2: c.boundary,
    weight0: a.weight,
    weight1: b.weight,
    weight2: c.weight,
  };
  const blocks = Math.ceil(grid.size / laplacianKernel.workgroupSize);
  return (u, out) => {
    demand(
      u !== out && u.length === grid.size && out.length === grid.size,
      "gpuLaplacian",
      "u and out",
      `be two buffers of length ${grid.size}`,
      u === out ? "one buffer" : `${u.length} and ${out.length}`,
      "Make them with gpuSpace",
    );
    kernel.run({ u, result: out }, parameters, blocks);
  };
}
