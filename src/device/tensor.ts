// What the tensor library's WebGPU backend needs to run on a device that is already open.
//
// The library reads five names from the global object (GPUBufferUsage, GPUMapMode, GPUTextureUsage, GPUBuffer, GPUTexture) while it works,
// and its constructor asks once whether `navigator.gpu` exists. A browser has them all. In Node they are defined here, where missing, and
// stay for the life of the process: the first three are tables of constants, the other two classes, and `navigator.gpu` becomes an empty
// marker that opens no device (src/device still goes to Dawn by itself).

import { UsageError } from "../error.js";
import { firstLine } from "./adapter.js";
import type { GpuDevice } from "./gpu.js";

/** A raw device to share. It dies with the GpuDevice it came from. */
export interface SharedGpu {
  readonly device: GPUDevice;
  readonly adapterInfo: GPUAdapterInfo;
  /** `false` for a software adapter. */
  readonly hardware: boolean;
}

const names = ["GPUBufferUsage", "GPUMapMode", "GPUTextureUsage", "GPUBuffer", "GPUTexture"] as const;

/**
 * Lends the device to the tensor library; defines the globals that it reads (see the head of this file).
 *
 * @throws UsageError when the WebGPU package cannot give those names
 *
 * *Notes*: tensors and kernels share the queue and the memory; release the tensors' backend before the device.
 */
export async function shareGpu(gpu: GpuDevice): Promise<SharedGpu> {
  const place = globalThis as Record<string, unknown>;
  const missing = names.filter((name) => place[name] === undefined);
  if (missing.length > 0) {
    let globals: Record<string, unknown>;
    try {
      globals = (await import("webgpu")).globals as Record<string, unknown>;
    } catch (error) {
      throw new UsageError(
        `shareGpu: the package "webgpu" must load; got "${firstLine(error)}". Reinstall the packages, or use device: "cpu".`,
      );
    }
    for (const name of missing) place[name] = globals[name];
  }
  const { navigator } = globalThis as { navigator?: { gpu?: unknown } };
  const settings = { configurable: true, writable: true };
  if (navigator === undefined) Object.defineProperty(globalThis, "navigator", { value: { gpu: {} }, ...settings });
  else if (navigator.gpu === undefined) Object.defineProperty(navigator, "gpu", { value: {}, ...settings });
  return { device: gpu.raw, adapterInfo: gpu.info, hardware: !gpu.adapter.software };
}
