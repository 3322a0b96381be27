// A process that uses the device: it survives a machine without any driver, stays quiet, and exits by itself.
// The rooms that src/device needs at run time are compiled into a scratch folder, so that plain Node runs them with another environment.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DeviceInspection } from "../../src/device/index.js";
import { gpuHere } from "./here.js";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const here = await gpuHere();
here?.release();

let folder = "";
beforeAll(() => {
  const cache = join(root, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  folder = mkdtempSync(join(cache, "device-test-"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const device = readdirSync(join(root, "src", "device")).map((file) => join("device", file));
  for (const file of ["error.ts", ...device]) {
    const { outputText } = ts.transpileModule(readFileSync(join(root, "src", file), "utf8"), {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, verbatimModuleSyntax: true },
    });
    const out = join(folder, file.replace(/\.ts$/, ".js"));
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, outputText);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  readonly code: number | string | null;
  readonly out: string;
  readonly err: string;
}

let runs = 0;
function run(body: string, environment: Record<string, string | undefined> = {}): Promise<Run> {
  const script = join(folder, `run-${++runs}.mjs`);
  writeFileSync(script, `import { openDevice, inspectDevice, reductions } from "./device/index.js";\n${body}`);
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [script],
      { env: { ...process.env, ...environment }, timeout: 20_000 },
      (error, out, err) => {
        resolve({ code: error === null ? 0 : (error.code ?? error.signal ?? null), out, err });
      },
    );
  });
}

// Only Linux finds its driver through variables that a test can take away; a machine with its own GPU would still find it.
const canHide = process.platform === "linux" && here?.adapter.software === true;

describe.skipIf(!canHide)("without a Vulkan loader", () => {
  const bare = { LD_LIBRARY_PATH: undefined, VK_ICD_FILENAMES: undefined };

  it("auto takes the CPU quietly and says why", async () => {
    const { code, out, err } = await run("console.log(JSON.stringify(await openDevice('auto')));", bare);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(JSON.parse(out)).toEqual({
      gpu: null,
      use: {
        requested: "auto",
        used: "cpu",
        reason:
          "no WebGPU adapter answered: the Vulkan loader libvulkan.so.1 is not installed or not on the loader's path",
        adapter: null,
      },
    });
  });

  it("webgpu is refused with the cure, and the inspection does not throw", async () => {
    const { code, out } = await run(
      "await openDevice('webgpu').catch((e) => console.log(e.name + ': ' + e.message)); console.log(JSON.stringify(await inspectDevice()));",
      bare,
    );
    expect(code).toBe(0);
    const [message, facts] = out.split("\n");
    expect(message).toMatchInlineSnapshot(
      `"UsageError: device: device must be "auto" or "cpu" here; got "webgpu", but no WebGPU adapter answered: the Vulkan loader libvulkan.so.1 is not installed or not on the loader's path. Install a GPU driver with Vulkan (Linux), Metal or D3D12 support, or use device: "cpu"."`,
    );
    const inspection = JSON.parse(facts) as DeviceInspection;
    expect(inspection.adapters).toEqual([]);
    expect(inspection.auto.used).toBe("cpu");
    expect(inspection.node).toBe(process.versions.node);
  });

  it("a loader without a driver is told apart from no loader", async () => {
    const { code, out } = await run("console.log((await openDevice('auto')).use.reason);", {
      VK_ICD_FILENAMES: "/nonexistent.json",
    });
    expect(code).toBe(0);
    expect(out.trim()).toBe("no WebGPU adapter answered: Dawn found no driver for a GPU");
  });
});

describe.skipIf(here === null)("a process with an open device", () => {
  const work = "const { gpu } = await openDevice('webgpu'); const x = gpu.upload(new Float64Array(1000).fill(2));";

  it.each([
    ["released", `${work} console.log(await (await reductions(gpu)).sum(x)); gpu.release();`],
    ["forgotten", `${work} console.log(await (await reductions(gpu)).sum(x));`],
    ["forgotten on a global", `${work} globalThis.kept = gpu; console.log(await (await reductions(gpu)).sum(x));`],
    [
      "left at process.exit",
      `${work} console.log(await (await reductions(gpu)).sum(x)); gpu.download(x); process.exit(0);`,
    ],
  ])("%s, ends by itself with code 0", async (_, body) => {
    const { code, out, err } = await run(body);
    expect({ code, out, err }).toEqual({ code: 0, out: "2000\n", err: "" });
  });

  it("opens and releases many devices, used or not, while memory is collected", async () => {
    const body = `
for (let k = 0; k < 20; k++) {
  const { gpu } = await openDevice("webgpu");
  if (k % 2 === 1) await (await reductions(gpu)).sum(gpu.upload(new Float64Array(10)));
  gpu.release();
  if (k % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
  globalThis.gc();
}
console.log("done");`;
    const { code, out, err } = await run(body, { NODE_OPTIONS: "--expose-gc" });
    expect({ code, out, err }).toEqual({ code: 0, out: "done\n", err: "" });
  });

  it("ends with its error when one is thrown", async () => {
    const { code, err } = await run(`${work} throw new Error("on purpose");`);
    expect(code).toBe(1);
    expect(err).toContain("on purpose");
  });
});
