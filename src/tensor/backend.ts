// Choice of the tensor backend, in this order:
//   tensorflow (CUDA, @tensorflow/tfjs-node-gpu, optional) → webgpu (on the shared GPU device) → wasm (SIMD) → cpu.
// Every candidate is loaded by dynamic import, then proved by a small product whose result is known; what fails is
// passed over and its reason kept. `tfjs-core` alone has no gradients under Node, so the union package is loaded.
// The library keeps one active backend per process; `openTensors` switches it. All arithmetic is float32.

import type * as tfjs from "@tensorflow/tfjs";
import { type DeviceRequest, type DeviceUse, openDevice, shareGpu } from "../device/index.js";
import { UsageError, usageError } from "../error.js";

/** The tensor library. */
export type TensorLibrary = typeof tfjs;

/** `"tensorflow"` is the native CUDA library behind @tensorflow/tfjs-node-gpu. */
export type TensorBackend = "tensorflow" | "webgpu" | "wasm" | "cpu";

/** The raw GPU device that the tensor library shares with the kernels of src/device. */
export interface TensorGpu {
  readonly device: GPUDevice;
  readonly adapterInfo?: GPUAdapterInfo;
  /** `false` for a software adapter, which `"auto"` passes over. */
  readonly hardware: boolean;
}

/** One candidate that was looked at. */
export interface TensorAttempt {
  readonly backend: TensorBackend;
  readonly works: boolean;
  /** One sentence. */
  readonly reason: string;
}

export interface TensorOptions {
  /** Default `"auto"`. `"cpu"` tries wasm, then cpu; `"webgpu"` takes that or throws. */
  readonly device?: DeviceRequest;
  /** The shared GPU device; without one the webgpu backend is not tried. */
  readonly gpu?: TensorGpu | null;
  /** Takes exactly this backend or throws. */
  readonly backend?: TensorBackend;
}

/** The library with its chosen backend active. */
export interface Tensors {
  readonly tf: TensorLibrary;
  readonly backend: TensorBackend;
  /** Why this backend and not an earlier one. */
  readonly reason: string;
  readonly tried: readonly TensorAttempt[];
  /** The record for a solution. */
  readonly use: DeviceUse;
}

/**
 * Loads the tensor library and activates the first backend that works.
 *
 * @returns the library, the backend, and what was tried before it
 * @throws UsageError when the one backend that was asked for does not work
 *
 * *Notes*: the backend is global to the process; a second call switches it. Synchronous reads (`dataSync`) do not work
 * on webgpu: use `await tensor.data()`.
 */
export async function openTensors(options: TensorOptions = {}): Promise<Tensors> {
  const requested = options.device ?? "auto";
  const tf = await loadLibrary();
  const tried: TensorAttempt[] = [];
  for (const backend of candidates(options)) {
    const attempt = await tryBackend(tf, backend, options.gpu ?? null, requested === "auto" && !options.backend);
    tried.push(attempt);
    if (!attempt.works) continue;
    const reason = [...tried.slice(0, -1).map((t) => `${t.backend} not used: ${t.reason}`), attempt.reason].join("; ");
    const used = backend === "webgpu" ? "webgpu" : "cpu";
    return { tf, backend, reason, tried, use: { requested, used, reason, adapter: `tensor backend ${backend}` } };
  }
  const got = tried.map((t) => `${t.backend}: ${t.reason}`).join("; ");
  if (options.backend || requested === "webgpu")
    throw new UsageError(
      `openTensors: ${options.backend ? "backend" : "device"} must name a tensor backend that works here; got ${options.backend ?? requested} (${got}). Use device: "auto".`,
    );
  throw usageError("openTensors", "device", "have at least one working tensor backend", got, "Reinstall the packages");
}

/** A backend that is given back with `release()`, GPU device included. */
export interface AcquiredTensors extends Tensors {
  release(): void;
}

/**
 * What a neural solver calls: opens the device of the request, shares it with the tensor library, and picks a backend.
 *
 * @throws UsageError when `"webgpu"` is asked for and does not work
 */
export async function acquireTensors(request: DeviceRequest): Promise<AcquiredTensors> {
  const { gpu, use } = await openDevice(request);
  try {
    const tensors = await openTensors({ device: request, gpu: gpu === null ? null : await shareGpu(gpu) });
    const onGpu = tensors.backend === "webgpu";
    if (!onGpu) gpu?.release();
    return {
      ...tensors,
      use: onGpu ? { ...use, adapter: `${use.adapter}, ${tensors.use.adapter}` } : tensors.use,
      release: () => {
        if (!onGpu) return;
        tensors.tf.removeBackend("webgpu");
        gpu?.release();
      },
    };
  } catch (error) {
    gpu?.release();
    throw error;
  }
}

/**
 * Looks at every backend without throwing, for `meanfield doctor`. Leaves the last working one of wasm and cpu active.
 */
export async function inspectTensors(gpu: TensorGpu | null = null): Promise<readonly TensorAttempt[]> {
  let tf: TensorLibrary;
  try {
    tf = await loadLibrary();
  } catch (error) {
    const reason = `the tensor library did not load: ${firstLine(error)}`;
    return ORDER.map((backend) => ({ backend, works: false, reason }));
  }
  const found: TensorAttempt[] = [];
  for (const backend of ORDER) found.push(await tryBackend(tf, backend, gpu, false));
  const wasm = found.find((a) => a.backend === "wasm");
  await tf.setBackend(wasm?.works ? "wasm" : "cpu");
  return found;
}

const ORDER: readonly TensorBackend[] = ["tensorflow", "webgpu", "wasm", "cpu"];

function candidates(options: TensorOptions): readonly TensorBackend[] {
  if (options.backend) return [options.backend];
  if (options.device === "cpu") return ["wasm", "cpu"];
  if (options.device === "webgpu") return ["webgpu"];
  return ORDER;
}

async function loadLibrary(): Promise<TensorLibrary> {
  const module = (await import("@tensorflow/tfjs")) as TensorLibrary & { default?: TensorLibrary };
  const tf = module.default ?? module;
  tf.env().set("PROD", true); // no banner on stderr, no NaN scans
  return tf;
}

/** Activates `backend` and proves it; never throws. `auto` passes over software adapters and CPU-only native builds. */
async function tryBackend(
  tf: TensorLibrary,
  backend: TensorBackend,
  gpu: TensorGpu | null,
  auto: boolean,
): Promise<TensorAttempt> {
  const before = tf.getBackend();
  try {
    const refusal = await PREPARE[backend](tf, gpu, auto);
    if (refusal) return { backend, works: false, reason: refusal };
    if (!(await tf.setBackend(backend))) throw new Error("the library refused to start it");
    await prove(tf);
    return { backend, works: true, reason: FOUND[backend] };
  } catch (error) {
    if (before) await tf.setBackend(before);
    return { backend, works: false, reason: firstLine(error) };
  }
}

const FOUND: Readonly<Record<TensorBackend, string>> = {
  tensorflow: "the native TensorFlow library answered",
  webgpu: "the shared WebGPU device answered",
  wasm: "WebAssembly runs on every machine",
  cpu: "plain JavaScript runs everywhere (slow)",
};

/** Makes a backend known to the library; returns why not, or `null`. */
const PREPARE: Readonly<
  Record<TensorBackend, (tf: TensorLibrary, gpu: TensorGpu | null, auto: boolean) => Promise<string | null>>
> = {
  tensorflow: async (tf, _gpu, auto) => {
    const optional: string = "@tensorflow/tfjs-node-gpu";
    const before = tf.getBackend();
    try {
      await import(optional);
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND";
      return missing ? `${optional} is not installed` : `${optional} did not load: ${firstLine(error)}`;
    }
    if (auto && !(tf.findBackend("tensorflow") as { isUsingGpuDevice?: boolean } | null)?.isUsingGpuDevice) {
      if (before) await tf.setBackend(before); // the import has made itself active
      return `${optional} found no CUDA device`;
    }
    return null;
  },
  webgpu: async (tf, gpu, auto) => {
    if (gpu === null) return "no WebGPU device was given";
    if (auto && !gpu.hardware) return "the WebGPU adapter is software";
    const known = tf.findBackend("webgpu") as { device?: GPUDevice } | null;
    if (known?.device === gpu.device) return null;
    if (known) tf.removeBackend("webgpu");
    const { WebGPUBackend } = await import("@tensorflow/tfjs-backend-webgpu");
    tf.removeBackend("webgpu"); // the import may have registered a factory that opens a device of its own
    tf.registerBackend("webgpu", () => new WebGPUBackend(gpu.device, gpu.adapterInfo as GPUAdapterInfo));
    return null;
  },
  wasm: async (tf) => {
    if (tf.findBackend("wasm")) return null;
    const { setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm");
    if (typeof process === "undefined" || !process.versions?.node) return null;
    const [{ createRequire }, { dirname }] = await Promise.all([import("node:module"), import("node:path")]);
    const entry = createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm");
    setWasmPaths(`${dirname(entry)}/`);
    // Starting the module installs process-wide exception listeners that rethrow; the process is not ours to change.
    const names = ["uncaughtException", "unhandledRejection"] as const;
    const before = names.map((name) => new Set(process.listeners(name as "uncaughtException")));
    await tf.setBackend("wasm");
    names.forEach((name, i) => {
      for (const listener of process.listeners(name as "uncaughtException"))
        if (!before[i].has(listener)) process.removeListener(name, listener);
    });
    return null;
  },
  cpu: async () => null,
};

/** [[1,2],[3,4]]² and the gradient of its sum of squares, against the numbers by hand. */
async function prove(tf: TensorLibrary): Promise<void> {
  const [product, gradient] = tf.tidy(() => {
    const a = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    return [tf.matMul(a, a), tf.grad((x: tfjs.Tensor) => tf.sum(tf.square(x)))(a)];
  });
  try {
    const values = [...(await product.data()), ...(await gradient.data())];
    const expected = [7, 10, 15, 22, 2, 4, 6, 8];
    if (values.some((v, i) => v !== expected[i])) throw new Error(`a 2 × 2 product came out as ${values.join(", ")}`);
  } finally {
    tf.dispose([product, gradient]);
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().split("\n")[0];
}
