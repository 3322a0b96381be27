// Finding a WebGPU adapter: the browser's own (navigator.gpu), elsewhere Dawn through the package "webgpu".
//
// Dawn's life in Node (webgpu 0.6, measured): the object made by `create` must never be collected. When it is, soon after a device was opened and
// with or without destroying that first, the process aborts in a mutex or hangs. So a process makes one and keeps it, on the global object under
// a symbol, where a second copy of this module finds it too. It opens nothing by itself and does not keep Node from ending: with a device
// released, forgotten, or busy at process.exit(), the process ends by itself with its own exit code. GpuDevice.release() frees a device.
// Dawn writes a warning to stderr when the Vulkan loader is missing; asking the dynamic loader first keeps that quiet
// and names the missing part. An adapter gives one device only, so each opening looks for a fresh one.
// Reference: W3C WebGPU, §4.3 (requestAdapter), §3.6.2 (limits).

/** What is known about one adapter; plain data. */
export interface AdapterFacts {
  /** For people: vendor, architecture and description. */
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  /** Driver text as the adapter gives it. */
  readonly driver: string;
  /** `true` when a CPU plays the GPU (SwiftShader, llvmpipe, WARP). */
  readonly software: boolean;
}

/** An adapter that answered, and what keeps it alive. */
export interface FoundAdapter {
  readonly adapter: GPUAdapter;
  readonly facts: AdapterFacts;
}

/** Where WebGPU comes from, or one sentence that says why there is none. */
export type Runtime =
  | { readonly gpu: GPU; readonly name: string; readonly missing: null }
  | { readonly gpu: null; readonly name: string; readonly missing: string };

// Dawn zeroes workgroup memory by a loop of its own instead of a Vulkan extension, which SwiftShader unrolls into one store an element:
// compiling a tiled kernel takes 50 ms instead of 3 s there, and hardware does not mind.
const ownZeroing = "disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension";

const dawnKey = Symbol.for("meanfield: the one Dawn of this process");

/** Loads WebGPU: the browser's, else Dawn. Never throws. */
export async function loadRuntime(): Promise<Runtime> {
  const browser = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  if (browser !== undefined && typeof browser.requestAdapter === "function") {
    return { gpu: browser, name: "the browser's WebGPU", missing: null };
  }
  if (typeof process === "undefined" || process.versions?.node === undefined) {
    return { gpu: null, name: "none", missing: "this browser has no navigator.gpu" };
  }
  const loader = await missingVulkanLoader();
  if (loader !== null) return { gpu: null, name: "Dawn", missing: loader };
  try {
    const { create } = await import("webgpu");
    const place = globalThis as { [dawnKey]?: GPU };
    return { gpu: (place[dawnKey] ??= create([ownZeroing])), name: "Dawn", missing: null };
  } catch (error) {
    return { gpu: null, name: "Dawn", missing: `the package "webgpu" did not load (${firstLine(error)})` };
  }
}

// On Linux Dawn speaks Vulkan only. Opening the loader as an add-on must fail either way; the message tells the two failures apart.
async function missingVulkanLoader(): Promise<string | null> {
  if (process.platform !== "linux") return null;
  const { constants } = await import("node:os");
  try {
    process.dlopen({ exports: {} }, "libvulkan.so.1", constants.dlopen.RTLD_LAZY);
    return null;
  } catch (error) {
    return /did not self-register/.test(firstLine(error))
      ? null
      : "the Vulkan loader libvulkan.so.1 is not installed or not on the loader's path";
  }
}

/**
 * Asks for one adapter. Never throws.
 *
 * @param options WebGPU's own request options; default `{ powerPreference: "high-performance" }`
 * @returns the adapter, or one sentence that says why none answered
 */
export async function findAdapter(
  options: GPURequestAdapterOptions = { powerPreference: "high-performance" },
): Promise<FoundAdapter | string> {
  const runtime = await loadRuntime();
  if (runtime.gpu === null) return `no WebGPU adapter answered: ${runtime.missing}`;
  try {
    const adapter = await runtime.gpu.requestAdapter(options);
    if (adapter === null) return `no WebGPU adapter answered: ${runtime.name} found no driver for a GPU`;
    return { adapter, facts: factsOf(adapter.info) };
  } catch (error) {
    return `no WebGPU adapter answered: ${firstLine(error)}`;
  }
}

/** Plain facts of an adapter's info. */
export function factsOf(info: GPUAdapterInfo): AdapterFacts {
  const text = [info.vendor, info.architecture, info.device, info.description].join(" ");
  const parts = [info.vendor, info.architecture].filter((part) => part !== "");
  const driver = info.description ?? "";
  return {
    name: [parts.join(" "), driver === "" ? "" : `(${driver})`].filter((part) => part !== "").join(" ") || "unnamed",
    vendor: info.vendor ?? "",
    architecture: info.architecture ?? "",
    device: info.device ?? "",
    driver,
    // Not every driver sets the flag, so the known names count too.
    software:
      info.isFallbackAdapter === true || /swiftshader|llvmpipe|lavapipe|basic render|software|\bcpu\b/i.test(text),
  };
}

/** First line of an error's message. */
export function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0];
}
