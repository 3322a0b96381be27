// Gives WebGPU a software Vulkan driver where there is no GPU: unpacks the SwiftShader build that travels in
// @sparticuz/chromium and returns the environment under which Dawn finds it. The variables must be set before
// the process that opens the device starts.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

export function swiftShaderEnvironment() {
  const folder = join(root, "node_modules", ".cache", "swiftshader");
  const packed = join(root, "node_modules", "@sparticuz", "chromium", "bin", "swiftshader.tar.br");
  if (process.platform !== "linux" || process.arch !== "x64" || !existsSync(packed)) return {};
  if (!existsSync(folder)) {
    const fresh = `${folder}.${process.pid}`;
    mkdirSync(fresh, { recursive: true });
    const tar = join(fresh, "packed.tar");
    writeFileSync(tar, brotliDecompressSync(readFileSync(packed)));
    execFileSync("tar", ["-C", fresh, "-xf", tar]);
    rmSync(tar);
    try {
      renameSync(fresh, folder);
    } catch {
      rmSync(fresh, { recursive: true, force: true }); // another process was first
    }
  }
  const earlier = process.env.LD_LIBRARY_PATH;
  return {
    LD_LIBRARY_PATH: earlier ? `${folder}:${earlier}` : folder,
    VK_ICD_FILENAMES: join(folder, "vk_swiftshader_icd.json"),
  };
}
