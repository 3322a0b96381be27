// Time and peak memory of the exact engine at 500², 2000² and 5000² pairs on each device: 2-D Gaussians two apart, Huber cost, KL, to a duality
// gap of 1e-9. Every measurement is a process of its own, so that its peak memory is its own; the median of several runs is reported.
// Run:  npx tsc --outDir .cache/bench && node .cache/bench/bench/transport.js [largest size] [runs] > bench/results/transport.json
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { openDevice } from "../src/device/index.js";
import { cloud, kullbackLeibler } from "../src/measure/index.js";
import { generator } from "../src/random/index.js";
import { huberCost, semiRelaxedTransport } from "../src/transport/index.js";
import { machine } from "./machine.js";

interface Run {
  readonly seconds: number;
  readonly processorSeconds: number;
  readonly peakMebibytes: number;
  readonly value: number | null;
  readonly gap: number | null;
  readonly counts: Readonly<Record<string, number>>;
}

async function once(device: "cpu" | "webgpu", n: number): Promise<Run> {
  const g = generator(n);
  const source = cloud(
    g.normal(2 * n).map((x) => x + 2),
    2,
  );
  const target = cloud(g.normal(2 * n), 2);
  const problem = { source, target, cost: huberCost(0.5, 1, 1), divergence: kullbackLeibler() };
  const { seconds, objective, counts } = await semiRelaxedTransport(problem, { device });
  const usage = process.resourceUsage();
  return {
    seconds,
    processorSeconds: usage.userCPUTime / 1e6,
    peakMebibytes: Math.round(usage.maxRSS / 1024),
    value: objective.primal,
    gap: objective.gap,
    counts,
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((x, y) => x - y)[Math.floor(values.length / 2)];
}

async function main(): Promise<void> {
  const largest = Number(process.argv[2] ?? 5000);
  const runs = Number(process.argv[3] ?? 3);
  const { gpu, use } = await openDevice("webgpu").catch((error: Error) => ({
    gpu: null,
    use: { reason: error.message },
  }));
  const adapter = gpu?.adapter.name ?? null;
  gpu?.release();
  const rows = [];
  for (const device of adapter === null ? (["cpu"] as const) : (["cpu", "webgpu"] as const)) {
    for (const n of [500, 2000, 5000].filter((size) => size <= largest)) {
      const all = Array.from({ length: runs }, () => {
        const text = execFileSync(process.execPath, [fileURLToPath(import.meta.url), "once", device, String(n)], {
          encoding: "utf8",
        });
        return JSON.parse(text) as Run;
      });
      rows.push({
        device: device === "cpu" ? "cpu" : adapter,
        pairs: `${n}²`,
        runs,
        medianSeconds: median(all.map((r) => r.seconds)),
        medianProcessorSeconds: median(all.map((r) => r.processorSeconds)),
        peakMebibytes: Math.max(...all.map((r) => r.peakMebibytes)),
        value: all[0].value,
        gap: all[0].gap,
        counts: all[0].counts,
      });
    }
  }
  const webgpu = adapter === null ? `unmeasured: ${use.reason}` : use.reason;
  console.log(JSON.stringify({ machine: await machine(), webgpu, rows }, null, 2));
}

if (process.argv[2] === "once") {
  console.log(JSON.stringify(await once(process.argv[3] as "cpu" | "webgpu", Number(process.argv[4]))));
} else {
  await main();
}
