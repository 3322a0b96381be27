// One GPU device: float32 buffers, typed kernels, memory accounting, and errors that surface at the next await.
//
// WebGPU reports most failures late. Here they are gathered (uncaptured errors, out-of-memory scopes around allocations, device loss)
// and thrown by the next asynchronous call, so that no wrong number leaves the device: `download` and `finish` look first and last.
// Numbers go in as float64 or float32 and are rounded to float32 on the way; they come out as float64.
// The queue runs everything in order, so a kernel sees what earlier kernels and writes left.
// Reference: W3C WebGPU, §6 (buffers), §10 (compute pipelines), §22 (errors).
import { demand, SolveError, UsageError } from "../error.js";
import type { AdapterFacts, FoundAdapter } from "./adapter.js";
import { type Binding, compileError, foldBlocks, type KernelSpec, type Scalar, shaderText } from "./kernel.js";

// The specification fixes these numbers; naming them here saves a global.
const MAP_READ = 1;
const COPY_SOURCE = 4;
const COPY_TARGET = 8;
const UNIFORM = 64;
const STORAGE = 128;

/** An array in GPU memory. */
export interface GpuBuffer<S extends Scalar = Scalar> {
  readonly scalar: S;
  /** Number of elements, ≥ 0. */
  readonly length: number;
  /** Bytes taken, a multiple of 4 and at least 4. */
  readonly bytes: number;
  /** The WebGPU buffer, for interoperation. */
  readonly raw: GPUBuffer;
  /** Frees the memory; harmless when repeated. */
  release(): void;
}

type ScalarOf<B extends Binding> = B extends `${string} ${infer S extends Scalar}` ? S : never;

/** The buffers that a kernel with bindings `B` wants. One buffer may stand for two `read` names, never beside a `write`. */
export type KernelBuffers<B extends Readonly<Record<string, Binding>>> = {
  readonly [K in keyof B]: GpuBuffer<ScalarOf<B[K]>>;
};

/** A compiled kernel. */
export interface Kernel<B extends Readonly<Record<string, Binding>>, P extends Readonly<Record<string, Scalar>>> {
  readonly name: string;
  readonly workgroupSize: number;
  /**
   * Queues one run of `blocks` workgroups.
   *
   * @throws UsageError when a buffer has been released or has another element type, or `blocks` is not a count
   */
  run(buffers: KernelBuffers<B>, parameters: { readonly [K in keyof P]: number }, blocks: number): void;
}

/** What is in GPU memory. */
export interface GpuMemory {
  /** Bytes of buffers not yet released. */
  readonly live: number;
  /** Largest `live` so far. */
  readonly peak: number;
  /** Number of buffers not yet released. */
  readonly buffers: number;
}

// Everything a kernel or the tensor library may need beyond the specification's small defaults.
const wantedLimits = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxUniformBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
  "maxComputeWorkgroupsPerDimension",
] as const;

/** The limits of a device that matter here, by WebGPU name. */
export type GpuLimits = Readonly<Record<(typeof wantedLimits)[number], number>>;

/** Reads the limits that matter off an adapter or device. */
export function limitsOf(from: { readonly limits: GPUSupportedLimits }): GpuLimits {
  return Object.fromEntries(wantedLimits.map((name) => [name, from.limits[name]])) as GpuLimits;
}

/**
 * A GPU with a life: opened by `openDevice`, ended by `release()`.
 *
 * *Notes*: all methods but `release` throw after `release`, and after the driver has lost the device.
 */
export class GpuDevice {
  readonly #device: GPUDevice;
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();
  readonly #parameterBuffers = new Map<string, GPUBuffer>();
  readonly #live = new Set<GPUBuffer>();
  #open = true;
  #pending: Promise<void>[] = [];
  #failure: Error | null = null;
  #bytes = 0;
  #peak = 0;

  private constructor(
    device: GPUDevice,
    readonly adapter: AdapterFacts,
    readonly info: GPUAdapterInfo,
  ) {
    this.#device = device;
    this.limits = limitsOf(device);
    device.addEventListener("uncapturederror", (event) => {
      event.preventDefault();
      this.#failure ??= new SolveError(`device: the GPU refused work: ${event.error.message.trim()}`);
    });
    device.lost.then((lost) => {
      if (lost.reason === "destroyed" && !this.#open) return;
      this.#failure = new SolveError(
        `device: the GPU was lost (${lost.message.trim() || lost.reason}); open it again, or use device: "cpu".`,
      );
    });
  }

  readonly limits: GpuLimits;

  /** Opens a device on an adapter, with the adapter's own limits. */
  static async open(found: FoundAdapter): Promise<GpuDevice> {
    const { adapter } = found;
    const requiredFeatures: GPUFeatureName[] = adapter.features.has("timestamp-query") ? ["timestamp-query"] : [];
    const device = await adapter.requestDevice({ requiredLimits: limitsOf(adapter), requiredFeatures });
    return new GpuDevice(device, found.facts, adapter.info);
  }

  /** The WebGPU device itself, for the tensor library. It dies with this object. */
  get raw(): GPUDevice {
    this.#check();
    return this.#device;
  }

  /** Puts an array on the device as float32. Values beyond ±3.4e38 become infinite. */
  upload(data: Float64Array | Float32Array): GpuBuffer<"f32"> {
    const buffer = this.allocate(data.length);
    this.write(buffer, data);
    return buffer;
  }

  /** Puts integers on the device; Int32Array as `i32`, Uint32Array as `u32`. */
  uploadIntegers(data: Int32Array): GpuBuffer<"i32">;
  uploadIntegers(data: Uint32Array): GpuBuffer<"u32">;
  uploadIntegers(data: Int32Array | Uint32Array): GpuBuffer<"i32"> | GpuBuffer<"u32"> {
    const buffer = data instanceof Int32Array ? this.allocate(data.length, "i32") : this.allocate(data.length, "u32");
    this.#device.queue.writeBuffer(buffer.raw, 0, data as GPUAllowSharedBufferSource);
    return buffer;
  }

  /** Overwrites a float32 buffer from the start. */
  write(buffer: GpuBuffer<"f32">, data: Float64Array | Float32Array): void {
    this.#check();
    demand(
      data.length <= buffer.length,
      "write",
      "data",
      `have at most the buffer's length ${buffer.length}`,
      data.length,
      "Allocate a longer buffer",
    );
    const single = data instanceof Float32Array ? data : new Float32Array(data);
    if (single.length > 0) this.#device.queue.writeBuffer(buffer.raw, 0, single as GPUAllowSharedBufferSource);
  }

  /** A buffer of zeros; `f32` unless told otherwise. */
  allocate(length: number): GpuBuffer<"f32">;
  allocate<S extends Scalar>(length: number, scalar: S): GpuBuffer<S>;
  allocate(length: number, scalar: Scalar = "f32"): GpuBuffer {
    this.#check();
    demand(
      Number.isInteger(length) && length >= 0,
      "allocate",
      "length",
      "be an integer ≥ 0",
      length,
      "Give the number of elements",
    );
    const bytes = Math.max(4, 4 * length);
    const most = Math.min(this.limits.maxBufferSize, this.limits.maxStorageBufferBindingSize);
    demand(
      bytes <= most,
      "allocate",
      "length",
      `be at most ${Math.floor(most / 4)} on ${this.adapter.name}`,
      length,
      'Split the array, or use device: "cpu"',
    );
    const usage = STORAGE | COPY_SOURCE | COPY_TARGET;
    const raw = this.#guarded("out-of-memory", `allocating ${bytes} bytes`, () =>
      this.#device.createBuffer({ size: bytes, usage }),
    );
    this.#live.add(raw);
    this.#bytes += bytes;
    this.#peak = Math.max(this.#peak, this.#bytes);
    const release = (): void => {
      if (!this.#live.delete(raw)) return;
      this.#bytes -= bytes;
      raw.destroy();
    };
    return { scalar, length, bytes, raw, release };
  }

  /**
   * Copies the first `count` items of one buffer into another of the same element type.
   *
   * @param count default the whole of `from`
   * @param at where in `to` the first item lands; default 0
   */
  copy(from: GpuBuffer, to: GpuBuffer, count = from.length, at = 0): void {
    this.#check();
    demand(
      from.scalar === to.scalar && count <= from.length && at + count <= to.length,
      "copy",
      "to",
      `hold ${at + count} ${from.scalar}`,
      `${to.length} ${to.scalar}`,
      "Allocate a matching buffer",
    );
    if (count === 0) return;
    const encoder = this.#device.createCommandEncoder();
    encoder.copyBufferToBuffer(from.raw, 0, to.raw, 4 * at, 4 * count);
    this.#device.queue.submit([encoder.finish()]);
  }

  /** Waits for all queued work and brings a buffer home as float64. */
  async download(buffer: GpuBuffer<"f32">): Promise<Float64Array> {
    return new Float64Array(new Float32Array(await this.#bytesOf(buffer), 0, buffer.length));
  }

  /** Downloads a buffer and releases it. */
  async take(buffer: GpuBuffer<"f32">): Promise<Float64Array> {
    try {
      return await this.download(buffer);
    } finally {
      buffer.release();
    }
  }

  /** Waits for all queued work and brings integers home. */
  downloadIntegers(buffer: GpuBuffer<"i32">): Promise<Int32Array>;
  downloadIntegers(buffer: GpuBuffer<"u32">): Promise<Uint32Array>;
  async downloadIntegers(buffer: GpuBuffer<"i32"> | GpuBuffer<"u32">): Promise<Int32Array | Uint32Array> {
    const bytes = await this.#bytesOf(buffer);
    return buffer.scalar === "i32" ? new Int32Array(bytes, 0, buffer.length) : new Uint32Array(bytes, 0, buffer.length);
  }

  /**
   * Compiles a kernel; the same text is compiled once for a device.
   *
   * @throws UsageError with the WGSL line when the text does not compile, or when the workgroup is larger than the device allows
   */
  async kernel<B extends Readonly<Record<string, Binding>>, P extends Readonly<Record<string, Scalar>>>(
    spec: KernelSpec<B, P>,
  ): Promise<Kernel<B, P>> {
    this.#check();
    const most = this.limits.maxComputeInvocationsPerWorkgroup;
    demand(
      Number.isInteger(spec.workgroupSize) && spec.workgroupSize >= 1 && spec.workgroupSize <= most,
      `kernel ${spec.name}`,
      "workgroupSize",
      `be an integer in 1 … ${most}`,
      spec.workgroupSize,
      "Use workgroupSize: 64 to start",
    );
    const { text, linesBefore } = shaderText(spec);
    let pipeline = this.#pipelines.get(text);
    if (pipeline === undefined) this.#pipelines.set(text, (pipeline = this.#compile(spec, text, linesBefore)));
    const compiled = await pipeline;
    return {
      name: spec.name,
      workgroupSize: spec.workgroupSize,
      run: (buffers, parameters, blocks) => this.#run(spec, text, compiled, buffers, parameters, blocks),
    };
  }

  /** Waits until all queued work is done; throws what went wrong on the way. */
  async finish(): Promise<void> {
    this.#check();
    await this.#device.queue.onSubmittedWorkDone();
    await this.#settle();
  }

  memory(): GpuMemory {
    return { live: this.#bytes, peak: this.#peak, buffers: this.#live.size };
  }

  /** Frees everything and ends the device; harmless when repeated. */
  release(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const raw of this.#live) raw.destroy();
    for (const raw of this.#parameterBuffers.values()) raw.destroy();
    this.#live.clear();
    this.#parameterBuffers.clear();
    this.#pipelines.clear();
    this.#bytes = 0;
    this.#device.destroy();
  }

  #check(): void {
    if (!this.#open) {
      throw new UsageError("device: the device must be open; got a released one. Open another with openDevice.");
    }
    if (this.#failure !== null) throw this.#failure;
  }

  // Runs `make` inside an error scope whose verdict is looked at by the next asynchronous call.
  #guarded<T>(filter: GPUErrorFilter, what: string, make: () => T): T {
    this.#device.pushErrorScope(filter);
    const made = make();
    const verdict = this.#device.popErrorScope().then(
      (error) => {
        if (error !== null) this.#failure ??= new SolveError(`device: ${what} failed: ${error.message.trim()}`);
      },
      () => {}, // the device went away; `lost` tells why
    );
    this.#pending.push(verdict);
    return made;
  }

  async #settle(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    await Promise.all(pending);
    this.#check();
  }

  async #bytesOf(buffer: GpuBuffer): Promise<ArrayBuffer> {
    this.#check();
    demand(
      this.#live.has(buffer.raw),
      "download",
      "buffer",
      "be a live buffer of this device",
      "a released or foreign one",
      "Download before you release",
    );
    const staging = this.#device.createBuffer({ size: buffer.bytes, usage: MAP_READ | COPY_TARGET });
    try {
      const encoder = this.#device.createCommandEncoder();
      encoder.copyBufferToBuffer(buffer.raw, 0, staging, 0, buffer.bytes);
      this.#device.queue.submit([encoder.finish()]);
      let refused: unknown = null;
      await staging.mapAsync(MAP_READ).catch((error: unknown) => {
        refused = error; // the gathered failure says more, when there is one
      });
      await this.#settle();
      if (refused !== null) throw new SolveError(`device: reading back failed: ${String(refused)}`);
      return staging.getMappedRange().slice(0);
    } finally {
      staging.destroy();
    }
  }

  async #compile(spec: KernelSpec, text: string, linesBefore: number): Promise<GPUComputePipeline> {
    this.#device.pushErrorScope("validation");
    const module = this.#device.createShaderModule({ code: text, label: spec.name });
    const scope = this.#device.popErrorScope();
    const first = (await module.getCompilationInfo()).messages.find((message) => message.type === "error");
    const refused = await scope;
    if (first !== undefined) throw compileError(spec, linesBefore, first);
    if (refused !== null) throw compileError(spec, linesBefore, { lineNum: 0, linePos: 0, message: refused.message });
    try {
      return await this.#device.createComputePipelineAsync({
        layout: "auto",
        compute: { module, entryPoint: "main" },
        label: spec.name,
      });
    } catch (error) {
      const message = (error as Error).message.split("\n")[0];
      throw compileError(spec, linesBefore, { lineNum: 0, linePos: 0, message });
    }
  }

  #run(
    spec: KernelSpec,
    text: string,
    pipeline: GPUComputePipeline,
    buffers: Readonly<Record<string, GpuBuffer>>,
    parameters: Readonly<Record<string, number>>,
    blocks: number,
  ): void {
    this.#check();
    const where = `kernel ${spec.name}`;
    const most = this.limits.maxComputeWorkgroupsPerDimension;
    demand(
      Number.isInteger(blocks) && blocks >= 0 && blocks <= most * most,
      where,
      "blocks",
      `be an integer in 0 … ${most * most}`,
      blocks,
      "Give the number of workgroups",
    );
    if (blocks === 0) return;
    const entries: GPUBindGroupEntry[] = [];
    for (const [name, binding] of Object.entries(spec.bindings)) {
      const buffer = buffers[name];
      const scalar = binding.split(" ")[1];
      demand(
        buffer !== undefined && this.#live.has(buffer.raw) && buffer.scalar === scalar,
        where,
        name,
        `be a live ${scalar} buffer of this device`,
        buffer === undefined ? undefined : this.#live.has(buffer.raw) ? buffer.scalar : "a released or foreign buffer",
        "Pass a buffer that this device allocated and that was not released",
      );
      entries.push({ binding: entries.length, resource: { buffer: buffer.raw } });
    }
    const names = Object.entries(spec.parameters);
    const words = new ArrayBuffer(16 * Math.ceil((names.length + 1) / 4));
    const view = new DataView(words);
    names.forEach(([name, scalar], at) => {
      const value = parameters[name];
      demand(typeof value === "number", where, name, "be a number", value, "Pass every parameter of the kernel");
      if (scalar === "f32") view.setFloat32(4 * at, value, true);
      else if (scalar === "i32") view.setInt32(4 * at, value, true);
      else view.setUint32(4 * at, value, true);
    });
    view.setUint32(4 * names.length, blocks, true);
    // One parameter block for each text: the queue keeps write, run, write, run in order.
    let uniform = this.#parameterBuffers.get(text);
    if (uniform === undefined) {
      uniform = this.#device.createBuffer({ size: words.byteLength, usage: UNIFORM | COPY_TARGET });
      this.#parameterBuffers.set(text, uniform);
    }
    this.#device.queue.writeBuffer(uniform, 0, words);
    entries.push({ binding: entries.length, resource: { buffer: uniform } });
    const group = this.#device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    const encoder = this.#device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(...foldBlocks(blocks, most));
    pass.end();
    this.#device.queue.submit([encoder.finish()]);
  }
}
