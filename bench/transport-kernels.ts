// Time and memory of the transport kernels on each device: hard and soft c-transform and Hessian product at 500², 2000², 5000² pairs, 2-D, Huber
// cost, ε = 0.05. Each time includes the way to the device and back, as a solve pays it.
// Run:  npx tsc --outDir .cache/bench && node .cache/bench/bench/transport-kernels.js [largest size] > bench/results/transport-kernels.json
import { openDevice } from "../src/device/index.js";
import { cloud } from "../src/measure/index.js";
import { generator } from "../src/random/index.js";
import { cpuKernels, huberCost } from "../src/transport/index.js";
import { webgpuKernels } from "../src/transport/kernels.wgsl.js";
import { machine, medianSeconds } from "./machine.js";

interface Row {
  readonly device: string;
  readonly pairs: string;
  readonly hardSeconds: number;
  readonly softSeconds: number;
  readonly hessianSeconds: number;
  /** Resident growth of the process on the CPU, device buffers on the GPU. */
  readonly mebibytes: number;
}

const largest = Number(process.argv[2] ?? 5000);
const sizes = [500, 2000, 5000].filter((n) => n <= largest);
const { gpu, use } = await openDevice("webgpu").catch((error: Error) => ({
  gpu: null,
  use: { reason: error.message },
}));
const rows: Row[] = [];
for (const n of sizes) {
  const g = generator(n);
  const source = cloud(g.normal(2 * n), 2);
  const target = cloud(
    g.normal(2 * n).map((x) => x + 1),
    2,
  );
  const [psi, vector] = [g.normal(n), g.normal(n)];
  let step = 0; // a new ψ each time, so that nothing kept from the last call helps
  const makers = [{ device: "cpu", make: cpuKernels, used: () => process.memoryUsage().rss }];
  if (gpu !== null) makers.push({ device: gpu.adapter.name, make: webgpuKernels(gpu), used: () => gpu.memory().live });
  for (const { device, make, used } of makers) {
    const before = used();
    const kernels = await make(source, target, huberCost(0.5, 1, 1));
    const hardSeconds = await medianSeconds(() => kernels.hardTransform(psi));
    const softSeconds = await medianSeconds(() => kernels.softTransform(psi.with(0, psi[0] + 1e-3 * ++step), 0.05));
    const hessianSeconds = await medianSeconds(() => kernels.hessianApply(psi, 0.05, vector));
    rows.push({
      device,
      pairs: `${n}²`,
      hardSeconds,
      softSeconds,
      hessianSeconds,
      mebibytes: Math.round(((used() - before) / 2 ** 20) * 10) / 10,
    });
    kernels.release();
  }
}
gpu?.release();
console.log(JSON.stringify({ machine: await machine(), gpu: use.reason, rows }, null, 2));
