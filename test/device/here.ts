// The GPU that the tests run on: a real one, or SwiftShader where the test configuration has unpacked it.
import { type GpuDevice, openDevice } from "../../src/device/index.js";

/**
 * Opens the device, or gives `null` on a machine for which no software driver is packed (then GPU tests are skipped, by name).
 * Where a driver is configured, silence is a fault and throws.
 */
export async function gpuHere(): Promise<GpuDevice | null> {
  const expected = process.env.VK_ICD_FILENAMES !== undefined || process.env.MEANFIELD_REAL_GPU !== undefined;
  try {
    return (await openDevice("webgpu")).gpu;
  } catch (error) {
    if (expected) throw error;
    return null;
  }
}
