// Checkpoints come back bit for bit; a damaged file is refused by name.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type CheckpointState, readCheckpoint, writeCheckpoint } from "../../src/tensor/index.js";

const folder = mkdtempSync(join(tmpdir(), "meanfield-checkpoint-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fingerprint = { solver: "mine", seed: 3, options: { steps: 2 } };
const state: CheckpointState = {
  arrays: {
    a: Float32Array.of(1 / 3, -0, Number.NaN),
    b: Float64Array.of(1 / 3, 1e-320, -Infinity),
    c: Int32Array.of(-7, 2 ** 31 - 1),
  },
  record: { step: 2, list: [1, 2.5], draws: { key: [1, 2] } },
};

test("arrays and record come back bit for bit; no file is null", async () => {
  const file = join(folder, "whole.json");
  expect(await readCheckpoint(file, fingerprint)).toBeNull();
  await writeCheckpoint(file, fingerprint, state);
  const back = await readCheckpoint(file, fingerprint);
  expect(back!.record).toEqual(state.record);
  for (const [name, array] of Object.entries(state.arrays)) {
    expect(back!.arrays[name].constructor).toBe(array.constructor);
    expect(Buffer.from(back!.arrays[name].buffer)).toEqual(Buffer.from(array.buffer));
  }
});

test("another run's checkpoint is refused with what differs", async () => {
  const file = join(folder, "other.json");
  await writeCheckpoint(file, fingerprint, state);
  await expect(readCheckpoint(file, { ...fingerprint, seed: 4 })).rejects.toThrow(
    `checkpoint: seed must be that of the run that wrote ${file} (3); got 4. Repeat that run's settings, or name another file.`,
  );
});

type Stored = Record<string, Record<string, unknown>> & { arrays: Record<string, Record<string, string>> };
test.each<[string, (stored: Stored) => unknown]>([
  ["half a file", () => null],
  ["no fingerprint", ({ fingerprint: _, ...rest }) => rest],
  ["no arrays", ({ arrays: _, ...rest }) => rest],
  ["no record", ({ record: _, ...rest }) => rest],
  ["an array that lost its end", (s) => ({ ...s, arrays: { ...s.arrays, a: { ...s.arrays.a, base64: "AAAA" } } })],
  ["an array of no kind", (s) => ({ ...s, arrays: { ...s.arrays, a: { ...s.arrays.a, kind: "Foo" } } })],
  ["another step", (s) => ({ ...s, record: { ...s.record, step: 2.5 } })],
  ["another format", (s) => ({ ...s, format: "meanfield-checkpoint-0" })],
])("a damaged file is refused: %s", async (name, damage) => {
  const file = join(folder, `${name}.json`);
  await writeCheckpoint(file, fingerprint, state);
  const text = readFileSync(file, "utf8");
  const damaged = damage(JSON.parse(text));
  writeFileSync(file, damaged === null ? text.slice(0, text.length / 2) : JSON.stringify(damaged));
  await expect(readCheckpoint(file, fingerprint)).rejects.toThrow(
    `checkpoint: file must hold a checkpoint of this program; got ${file}. Name another file, or delete this one.`,
  );
});
