// Sums, maxima, products and norms of GPU arrays: the passes of reductions.wgsl.ts, queued until one value is left.
//   n items → ⌈n/2048⌉ → … → 1, then one download of four bytes. Deterministic: the tree depends on n alone.
import type { GpuBuffer, GpuDevice, Kernel } from "./gpu.js";
import { demandItems, demandSameLength } from "./reductions.cpu.js";
import { dotKernel, maxKernel, reductionItems, sumKernel } from "./reductions.wgsl.js";

/** Reductions on one device; each waits for the work queued before it. */
export interface Reductions {
  /** Σ xᵢ; 0 for an empty array. */
  sum(x: GpuBuffer<"f32">): Promise<number>;
  /** max xᵢ. @throws UsageError when `x` is empty */
  max(x: GpuBuffer<"f32">): Promise<number>;
  /** Σ xᵢ yᵢ. @throws UsageError when the lengths differ */
  dot(x: GpuBuffer<"f32">, y: GpuBuffer<"f32">): Promise<number>;
  /** All xᵢ·y with one read-back. @throws UsageError when lengths differ */
  dots(xs: readonly GpuBuffer<"f32">[], y: GpuBuffer<"f32">): Promise<number[]>;
  /** √(x·x); overflows float32 beyond |x| ≈ 1e19. */
  norm(x: GpuBuffer<"f32">): Promise<number>;
  /** Frees the scratch memory. */
  release(): void;
}

type OneArray = Kernel<typeof sumKernel.bindings, typeof sumKernel.parameters>;

/** Compiles the reductions for a device. */
export async function reductions(gpu: GpuDevice): Promise<Reductions> {
  const [sum, max, dot] = await Promise.all([gpu.kernel(sumKernel), gpu.kernel(maxKernel), gpu.kernel(dotKernel)]);
  const blocksOf = (n: number): number => Math.max(1, Math.ceil(n / reductionItems));
  let scratch: [GpuBuffer<"f32">, GpuBuffer<"f32">] | null = null;
  const ensure = (n: number): [GpuBuffer<"f32">, GpuBuffer<"f32">] => {
    const blocks = blocksOf(n);
    if (scratch === null || scratch[0].length < blocks) {
      scratch?.forEach((buffer) => void buffer.release());
      scratch = [gpu.allocate(blocks), gpu.allocate(blocksOf(blocks))];
    }
    return scratch;
  };
  // Queues the remaining passes and returns the buffer whose first item is the result. All is queued before the first await of
  // a caller, so that calls may overlap on one scratch.
  const collapse = (kernel: OneArray, blocks: number, buffers: [GpuBuffer<"f32">, GpuBuffer<"f32">]) => {
    let [from, to] = buffers;
    for (let n = blocks; n > 1; n = blocksOf(n)) {
      kernel.run({ x: from, result: to }, { n }, blocksOf(n));
      [from, to] = [to, from];
    }
    return from;
  };
  const reduce = async (kernel: OneArray, x: GpuBuffer<"f32">): Promise<number> => {
    const buffers = ensure(x.length);
    const blocks = blocksOf(x.length);
    kernel.run({ x, result: buffers[0] }, { n: x.length }, blocks);
    const results = gpu.allocate(1);
    gpu.copy(collapse(kernel, blocks, buffers), results, 1);
    return (await gpu.take(results))[0];
  };
  const dots = async (xs: readonly GpuBuffer<"f32">[], y: GpuBuffer<"f32">): Promise<number[]> => {
    const blocks = blocksOf(y.length);
    const results = gpu.allocate(xs.length);
    xs.forEach((x, at) => {
      demandSameLength(x.length, y.length);
      const buffers = ensure(y.length);
      dot.run({ x, y, result: buffers[0] }, { n: y.length }, blocks);
      gpu.copy(collapse(sum, blocks, buffers), results, 1, at);
    });
    return Array.from(await gpu.take(results));
  };
  const product = async (x: GpuBuffer<"f32">, y: GpuBuffer<"f32">): Promise<number> => (await dots([x], y))[0];
  return {
    sum: (x) => reduce(sum, x),
    max: async (x) => {
      demandItems(x.length);
      return reduce(max, x);
    },
    dot: product,
    dots,
    norm: async (x) => Math.sqrt(await product(x, x)),
    release: () => {
      scratch?.forEach((buffer) => void buffer.release());
      scratch = null;
    },
  };
}
