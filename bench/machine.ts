// Where a benchmark ran: part of every results file, so that numbers of two machines are never mixed.
import { execFileSync } from "node:child_process";
import { cpus, totalmem } from "node:os";
import { inspectDevice } from "../src/device/index.js";

/** The machine, the software and the moment. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  /** Adapters as `meanfield doctor` sees them. */
  readonly adapters: readonly { readonly name: string; readonly software: boolean; readonly works: boolean }[];
  readonly platform: string;
  readonly node: string;
  /** Commit of the working tree, `null` outside a repository; `dirty` when files differ from it. */
  readonly commit: string | null;
  readonly dirty: boolean | null;
  readonly date: string;
}

/** Reads the facts of this machine. */
export async function machine(): Promise<Machine> {
  const git = (...args: string[]): string | null => {
    try {
      return execFileSync("git", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    } catch {
      return null;
    }
  };
  const changes = git("status", "--porcelain");
  const { adapters } = await inspectDevice();
  return {
    processor: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    adapters: adapters.map(({ name, software, works }) => ({ name, software, works })),
    platform: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    commit: git("rev-parse", "HEAD"),
    dirty: changes === null ? null : changes !== "",
    date: new Date().toISOString(),
  };
}

/** Median seconds of `work` over `runs` after one run that is not counted (it compiles and allocates). */
export async function medianSeconds(work: () => Promise<unknown>, runs = 5): Promise<number> {
  await work();
  const seconds: number[] = [];
  for (let k = 0; k < runs; k++) {
    const start = performance.now();
    await work();
    seconds.push((performance.now() - start) / 1000);
  }
  return seconds.sort((a, b) => a - b)[Math.floor(runs / 2)];
}
