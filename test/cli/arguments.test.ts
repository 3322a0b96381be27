// Arguments that a tired person types: each is refused before any work, in one sentence, with exit code 2.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { run } from "../../src/cli/run.js";

const folder = mkdtempSync(join(tmpdir(), "meanfield-arguments-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const user = join(folder, "user");
const file = join(folder, "file.txt");
mkdirSync(user);
writeFileSync(join(user, "notes.txt"), "mine");
writeFileSync(file, "mine");

async function cli(args: readonly string[]) {
  const text = { out: "", error: "" };
  const stages: string[] = [];
  const code = await run(args, {
    out: (t) => (text.out += t),
    error: (t) => (text.error += t),
    progress: (t) => stages.push(t),
    signal: null,
  });
  return { code, ...text, stages };
}

describe("arguments", () => {
  it.each([
    [["list", "extra"], 'meanfield list: argument must not be given; got "extra". See meanfield list --help.'],
    [["doctor", "extra"], 'meanfield doctor: argument must not be given; got "extra". See meanfield doctor --help.'],
    [
      ["compare", "gaussian-shift", "--out="],
      'meanfield: --out must not be empty; got "". See meanfield compare --help.',
    ],
    [
      ["verify", "--runs", "-1"],
      "meanfield verify: Option '--runs' argument is ambiguous. See meanfield verify --help.",
    ],
    [
      ["verify", "--path", "foo"],
      'verify: path must be numbers joined by colons; got "foo". Give the path of an earlier report.',
    ],
    [
      ["solve", "gaussian-shift", "--solver", "grid", "--set", "pionts=50"],
      'meanfield: --set must name one of points, box, bandwidth, samples, tolerance, maxIterations, smoothing; got "pionts". Did you mean points?',
    ],
    [
      ["compare", "gaussian-shift", "--solvers", "grid,grid", "--out", join(folder, "new")],
      'compare: solvers must be one or more, each with a name of its own; got ["gridProximalFlow","gridProximalFlow"]. Fields, checkpoints and colours go by the name: leave out or rename the second.',
    ],
    [
      ["compare", "gaussian-shift", "--count", "1", "--out", join(folder, "new")],
      "compare: count must be an integer in 2 … 8192; got 1. Use count: 256.",
    ],
    [
      ["compare", "gaussian-shift", "--repeats", "0", "--out", join(folder, "new")],
      "compare: repeats must be an integer ≥ 1; got 0. Use repeats: 5.",
    ],
  ])("%j", async (args, message) => {
    const got = await cli(args);
    expect(got).toEqual({ code: 2, out: "", error: message, stages: [] });
  });

  it.each([
    ["compare", "gaussian-shift", "--out", user],
    ["compare", "gaussian-shift", "--out", file],
    ["solve", "gaussian-shift", "--out", join(file, "below")],
    ["solve", "gaussian-shift", "--out", user],
    ["verify", "--out", user],
    ["verify", "--out", join(file, "below", "report.json")],
  ])("an --out that cannot be written is refused before the work: %s %s %s %s", async (...args) => {
    const got = await cli(args);
    expect(got.error).toMatch(/^demandWritable(File|Folder): path must [^;]*; got ".*"\. (Choose|Give) [^.]*\.$/);
    expect({ code: got.code, out: got.out, stages: got.stages }).toEqual({ code: 2, out: "", stages: [] });
    expect(readdirSync(user)).toEqual(["notes.txt"]);
  });

  it("what the file system refuses only at the end is bad usage in one sentence too, not a crash", async () => {
    const got = await cli(["solve", "gaussian-shift", "--set", "count=20", "--device", "cpu", "--out", "/proc/none"]);
    expect(got.code).toBe(2);
    expect(got.error).toMatch(
      /^(meanfield: files must be readable and writable|demandWritableFolder: path must)[^\n]*$/,
    );
  });
});
