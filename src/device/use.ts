// Where numbers are crunched, as a request and as a record.

/** What the caller asks for. `"auto"` takes WebGPU when a hardware adapter answers, else the CPU. */
export type DeviceRequest = "auto" | "cpu" | "webgpu";

/** What ran, and why. */
export interface DeviceUse {
  readonly requested: DeviceRequest;
  readonly used: "cpu" | "webgpu";
  /** One sentence, for example "no WebGPU adapter answered". */
  readonly reason: string;
  /** Adapter or tensor-backend name, when there is one. */
  readonly adapter: string | null;
}
