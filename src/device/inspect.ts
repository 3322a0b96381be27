// Facts about the devices of this machine, for `meanfield doctor`: what was seen, what `"auto"` takes, and why not the others.
import { type AdapterFacts, findAdapter, firstLine } from "./adapter.js";
import { GpuDevice, type GpuLimits, limitsOf } from "./gpu.js";
import { openDevice, softwareOnly } from "./open.js";
import { reductions } from "./reductions.js";
import type { DeviceUse } from "./use.js";

/** One adapter and what becomes of it. */
export interface InspectedAdapter extends AdapterFacts {
  readonly limits: GpuLimits;
  readonly features: readonly string[];
  /** Whether `device: "auto"` takes it. */
  readonly chosen: boolean;
  /** One sentence: why it is taken, or why not. */
  readonly reason: string;
  /** Whether a device opened on it and computed a sum rightly; the fault when not. */
  readonly works: boolean;
  readonly fault: string | null;
}

/** Plain data, ready for JSON. */
export interface DeviceInspection {
  readonly node: string | null;
  /** Operating system and processor, for example `"linux x64"`. */
  readonly platform: string | null;
  readonly adapters: readonly InspectedAdapter[];
  /** What `device: "auto"` and `device: "webgpu"` give here; the latter may be refused. */
  readonly auto: DeviceUse;
  readonly webgpu: DeviceUse | { readonly refused: string };
  /** Settings of the dynamic loader and of Vulkan that are in force. */
  readonly environment: Readonly<Record<string, string>>;
}

const requests: readonly GPURequestAdapterOptions[] = [
  { powerPreference: "high-performance" },
  { powerPreference: "low-power" },
  { forceFallbackAdapter: true },
];

/**
 * Looks at every adapter that answers, opens each one for a moment, and says what a solve would take. Never throws.
 *
 * @returns plain data; `adapters` is empty where none answers, and then `auto.reason` says why
 */
export async function inspectDevice(): Promise<DeviceInspection> {
  const adapters: InspectedAdapter[] = [];
  for (const options of requests) {
    const found = await findAdapter(options);
    if (
      typeof found === "string" ||
      adapters.some((a) => a.name === found.facts.name && a.device === found.facts.device)
    ) {
      continue;
    }
    const chosen = adapters.length === 0 && !found.facts.software;
    let fault: string | null = null;
    const limits = limitsOf(found.adapter);
    const features = [...found.adapter.features].sort();
    try {
      const gpu = await GpuDevice.open(found);
      try {
        const sum = await (await reductions(gpu)).sum(gpu.upload(Float64Array.of(1.5, 2, 4)));
        if (sum !== 7.5) fault = `1.5 + 2 + 4 came out as ${sum}`;
      } finally {
        gpu.release();
      }
    } catch (error) {
      fault = firstLine(error);
    }
    const reason = chosen
      ? "a hardware adapter answered"
      : found.facts.software
        ? softwareOnly(found)
        : "another hardware adapter was offered first";
    adapters.push({ ...found.facts, limits, features, chosen, reason, works: fault === null, fault });
  }
  return {
    node: typeof process === "undefined" ? null : (process.versions?.node ?? null),
    platform: typeof process === "undefined" ? null : `${process.platform} ${process.arch}`,
    adapters,
    auto: await useOf("auto"),
    webgpu: await useOf("webgpu").catch((error: unknown) => ({ refused: firstLine(error) })),
    environment: environment(),
  };
}

async function useOf(request: "auto" | "webgpu"): Promise<DeviceUse> {
  const { gpu, use } = await openDevice(request);
  gpu?.release();
  return use;
}

function environment(): Record<string, string> {
  const seen: Record<string, string> = {};
  if (typeof process === "undefined") return seen;
  for (const name of ["LD_LIBRARY_PATH", "VK_ICD_FILENAMES", "VK_DRIVER_FILES"]) {
    const value = process.env?.[name];
    if (value !== undefined) seen[name] = value;
  }
  return seen;
}
