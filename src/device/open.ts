// The one way to a device: a request in, a GPU (or null for the CPU) and the reason out.
import { demand, UsageError } from "../error.js";
import { type FoundAdapter, findAdapter, firstLine } from "./adapter.js";
import { GpuDevice } from "./gpu.js";
import type { DeviceRequest, DeviceUse } from "./use.js";

/** A device ready for work. `gpu: null` means the CPU. Whoever opens releases: `gpu?.release()`. */
export interface OpenDevice {
  readonly gpu: GpuDevice | null;
  readonly use: DeviceUse;
}

const cure = 'Install a GPU driver with Vulkan (Linux), Metal or D3D12 support, or use device: "cpu"';

/**
 * Opens the device that a solve asks for.
 *
 * @param request `"cpu"`: no GPU is looked for. `"auto"`: the GPU when a hardware adapter answers and opens, else the CPU, with the
 *   reason. `"webgpu"`: any adapter, software ones (SwiftShader) too
 * @throws UsageError when the request is none of the three, or is `"webgpu"` and no adapter answers or opens
 *
 * *Notes*: opening takes some tens of milliseconds; open once for a solve. The process exits normally even when
 * `release` was forgotten, but the GPU's memory stays taken until then.
 */
export async function openDevice(request: DeviceRequest): Promise<OpenDevice> {
  demand(
    request === "auto" || request === "cpu" || request === "webgpu",
    "device",
    "device",
    'be "auto", "cpu" or "webgpu"',
    request,
    'Use device: "auto" to start',
  );
  const cpu = (reason: string): OpenDevice => ({
    gpu: null,
    use: { requested: request, used: "cpu", reason, adapter: null },
  });
  if (request === "cpu") return cpu("the CPU was asked for");
  const found = await findAdapter();
  if (typeof found === "string") {
    if (request === "webgpu") throw noAdapter(found);
    return cpu(found);
  }
  if (request === "auto" && found.facts.software) return cpu(softwareOnly(found));
  let gpu: GpuDevice;
  try {
    gpu = await GpuDevice.open(found);
  } catch (error) {
    const reason = `the adapter ${found.facts.name} gave no device: ${firstLine(error)}`;
    if (request === "webgpu") throw noAdapter(reason);
    return cpu(reason);
  }
  const kind = found.facts.software ? "software" : "hardware";
  const reason =
    request === "webgpu" ? `WebGPU was asked for; a ${kind} adapter answered` : "a hardware adapter answered";
  return { gpu, use: { requested: request, used: "webgpu", reason, adapter: found.facts.name } };
}

/** Why `"auto"` passes a software adapter by. */
export function softwareOnly(found: Pick<FoundAdapter, "facts">): string {
  return `only a software adapter answered (${found.facts.name}), which is slower than the CPU code; device: "webgpu" uses it all the same`;
}

function noAdapter(reason: string): UsageError {
  return new UsageError(`device: device must be "auto" or "cpu" here; got "webgpu", but ${reason}. ${cure}.`);
}
