// Checkpoints: everything a training run needs to continue bit for bit, in one JSON file that is written atomically.
// Float arrays travel as base64 of their little-endian bytes, so that no digit is lost. A fingerprint (solver, options,
// problem, seed, backend) is kept beside them; a run that differs in any of it is refused instead of being mixed in.
// SHA-256 over all of it tells a damaged file.
import { UsageError } from "../error.js";
import { writeFileAtomic } from "../io/index.js";

/** A named array of a checkpoint. */
export type CheckpointArray = Float32Array | Float64Array | Int32Array;

/** What goes into a checkpoint: arrays, and a JSON record of everything else. */
export interface CheckpointState {
  readonly arrays: Readonly<Record<string, CheckpointArray>>;
  /** JSON values only. */
  readonly record: Readonly<Record<string, unknown>>;
}

/** What a checkpoint belongs to; JSON. */
export type Fingerprint = Readonly<Record<string, unknown>>;

const FORMAT = "meanfield-checkpoint-2";
const KINDS = { Float32Array, Float64Array, Int32Array } as const;

interface StoredArray {
  readonly kind: keyof typeof KINDS;
  readonly base64: string;
}

/** Writes a checkpoint: a temporary file that is renamed, so that an interruption never leaves half of one. */
export async function writeCheckpoint(file: string, fingerprint: Fingerprint, state: CheckpointState): Promise<void> {
  const arrays: Record<string, StoredArray> = {};
  for (const [name, a] of Object.entries(state.arrays)) {
    const bytes = Buffer.from(a.buffer, a.byteOffset, a.byteLength);
    arrays[name] = { kind: a.constructor.name as keyof typeof KINDS, base64: bytes.toString("base64") };
  }
  const content = { fingerprint, record: state.record, arrays };
  await writeFileAtomic(file, JSON.stringify({ format: FORMAT, sha256: await digest(content), ...content }));
}

interface Content {
  readonly fingerprint: Fingerprint;
  readonly record: Readonly<Record<string, unknown>>;
  readonly arrays: Readonly<Record<string, StoredArray>>;
}

/** JSON text survives a round trip, so what was read has the digest of what was written. */
async function digest({ fingerprint, record, arrays }: Content): Promise<string> {
  const { createHash } = await import("node:crypto");
  return createHash("sha256")
    .update(JSON.stringify([fingerprint, record, arrays]))
    .digest("hex");
}

/**
 * Reads a checkpoint back.
 *
 * @returns `null` when there is no such file
 * @throws UsageError when the file is no checkpoint or damaged, or belongs to another run
 */
export async function readCheckpoint(file: string, fingerprint: Fingerprint): Promise<CheckpointState | null> {
  const { readFile } = await import("node:fs/promises");
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  let stored: (Content & { readonly format: unknown; readonly sha256: unknown }) | null = null;
  try {
    stored = JSON.parse(text);
  } catch {
    // refused below
  }
  if (stored?.format !== FORMAT || stored.sha256 !== (await digest(stored)))
    throw new UsageError(
      `checkpoint: file must hold a checkpoint of this program; got ${file}. Name another file, or delete this one.`,
    );
  const wanted = JSON.parse(JSON.stringify(fingerprint)) as Record<string, unknown>;
  for (const key of Object.keys({ ...wanted, ...stored.fingerprint })) {
    const [is, was] = [JSON.stringify(wanted[key]), JSON.stringify(stored.fingerprint[key])];
    if (is !== was)
      throw new UsageError(
        `checkpoint: ${key} must be that of the run that wrote ${file} (${was}); got ${is}. Repeat that run's settings, or name another file.`,
      );
  }
  const arrays: Record<string, CheckpointArray> = {};
  for (const [name, a] of Object.entries(stored.arrays)) {
    const bytes = Uint8Array.from(Buffer.from(a.base64, "base64"));
    arrays[name] = new KINDS[a.kind](bytes.buffer);
  }
  return { arrays, record: stored.record };
}
