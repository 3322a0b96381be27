// Atomic output: a file or a folder appears whole or not at all.
//   file:    write to `.name.<host>.<pid>.<n>.tmp` in the same folder, flush to disk, rename over the target (rename is atomic on one volume);
//   folder:  fill a folder of such a name beside the target; an existing target is renamed away, the new one renamed in, the old one removed.
// On failure the temporary is removed. A process that was killed leaves its temporary behind; the next write to the same target on the
// same machine removes what dead processes left, and puts back an old folder that was caught between the two renames.
import { mkdir, open, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { demand } from "../error.js";

/** What a file is made of: text, bytes, or a sequence of both (possibly asynchronous). */
export type FileData = string | Uint8Array | Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;

/**
 * Writes a file so that it is whole or absent: a reader sees the old content or the new, never a part.
 *
 * @param path target; its folder is made when missing
 * @param data text (UTF-8), bytes, or a sequence of chunks; when the sequence throws, nothing is changed
 * @throws what the data or the file system throws; the target is then as before
 */
export async function writeFileAtomic(path: string, data: FileData): Promise<void> {
  const target = resolve(path);
  await mkdir(dirname(target), { recursive: true });
  await removeLeftovers(target);
  const temporary = temporaryName(target, "tmp");
  try {
    const handle = await open(temporary, "wx");
    try {
      await writeFile(handle, data);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Writes a folder so that it is whole or absent.
 *
 * @param path target folder; when it exists it is replaced as a whole, provided that it is empty or an earlier output: it holds
 * every name that the new folder holds
 * @param content file name → text or bytes (a name may lie in a subfolder), or a function that fills the empty folder it is given;
 * when that throws, nothing is changed
 * @throws UsageError when the target exists and is something else; what `content` throws
 *
 * *Notes*: between the two renames of a replacement the target is missing for an instant; a process killed right there leaves the old
 * folder beside it, and the next write puts it back first.
 */
export async function writeFolderAtomic(
  path: string,
  content: Readonly<Record<string, string | Uint8Array>> | ((folder: string) => Promise<void>),
): Promise<void> {
  const target = resolve(path);
  await mkdir(dirname(target), { recursive: true });
  await removeLeftovers(target);
  const temporary = temporaryName(target, "tmp");
  try {
    await mkdir(temporary);
    if (typeof content === "function") await content(temporary);
    else for (const [name, data] of Object.entries(content)) await writeFileAtomic(join(temporary, name), data);
    const existing = await entriesOf(target);
    const names = await readdir(temporary);
    demand(
      existing === null ||
        (existing !== "file" && (existing.length === 0 || names.every((name) => existing.includes(name)))),
      "writeFolderAtomic",
      "path",
      `be new, empty, or an earlier output with ${names.join(", ")}`,
      path,
      "Choose another folder, or remove this one: nothing that is not ours is replaced",
    );
    if (existing === null) await rename(temporary, target);
    else {
      const old = temporaryName(target, "old");
      await rename(target, old);
      try {
        await rename(temporary, target);
      } catch (error) {
        await rename(old, target);
        throw error;
      }
      await rm(old, { recursive: true, force: true });
    }
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

async function entriesOf(path: string): Promise<string[] | "file" | null> {
  try {
    return (await stat(path)).isDirectory() ? await readdir(path) : "file";
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

function temporaryName(target: string, ending: "tmp" | "old"): string {
  const unique = crypto.randomUUID().slice(0, 8);
  return join(dirname(target), `.${basename(target)}.${hostname()}.${process.pid}.${unique}.${ending}`);
}

/** Removes what processes of this machine that no longer run left beside the target; an old folder without its target is put back. */
async function removeLeftovers(target: string): Promise<void> {
  const folder = dirname(target);
  const start = `.${basename(target)}.${hostname()}.`;
  for (const name of await readdir(folder)) {
    if (!name.startsWith(start)) continue;
    const match = /^(\d+)\.[0-9a-f]{8}\.(tmp|old)$/.exec(name.slice(start.length));
    if (match === null || isRunning(Number(match[1]))) continue;
    if (match[2] === "old" && (await entriesOf(target)) === null) await rename(join(folder, name), target);
    else await rm(join(folder, name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
