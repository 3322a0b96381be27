// Atomic output: a file or a folder appears whole or not at all.
//   file:    write to `.name.<host>.<pid>.<n>.tmp` in the same folder, flush to disk, rename over the target (rename is atomic on one volume);
//   folder:  fill a folder of such a name beside the target; an existing target is renamed away, the new one renamed in, the old one removed.
// On failure the temporary is removed. A process that was killed leaves its temporary behind; the next write to the same target on the
// same machine removes what dead processes left, and puts back an old folder that was caught between the two renames.
import { access, constants, mkdir, open, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
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
 * the names that the new folder holds, and no other
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
    demandOurs(existing, await readdir(temporary), path, "writeFolderAtomic");
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

/**
 * Refuses, before any work, a folder that {@link writeFolderAtomic} would refuse after it.
 *
 * @param path target folder
 * @param names the files that it will hold
 * @throws UsageError when the target exists and is neither empty nor an earlier output, or no folder can be made there
 */
export async function demandWritableFolder(path: string, names: readonly string[]): Promise<void> {
  await demandPlace(path, "demandWritableFolder");
  demandOurs(await entriesOf(resolve(path)), names, path, "demandWritableFolder");
}

/**
 * Refuses, before any work, a file that {@link writeFileAtomic} could not write after it.
 *
 * @param path target file
 * @throws UsageError when the target is a folder, or no file can be made there
 */
export async function demandWritableFile(path: string): Promise<void> {
  await demandPlace(path, "demandWritableFile");
  const existing = await entriesOf(resolve(path));
  demand(!Array.isArray(existing), "demandWritableFile", "path", "be a file", path, "Give the name of a file in it");
}

function demandOurs(existing: string[] | "file" | null, names: readonly string[], path: string, where: string): void {
  demand(
    existing === null ||
      (existing !== "file" && (existing.length === 0 || existing.sort().join("/") === [...names].sort().join("/"))),
    where,
    "path",
    `be new, empty, or an earlier output with nothing but ${[...names].sort().join(", ")}`,
    path,
    "Choose another folder, or remove this one: nothing that is not ours is replaced",
  );
}

/** The nearest folder above the target that exists must be one, and writable. */
async function demandPlace(path: string, where: string): Promise<void> {
  let folder = dirname(resolve(path));
  while ((await entriesOf(folder)) === null && dirname(folder) !== folder) folder = dirname(folder);
  const writable = await access(folder, constants.W_OK).then(
    () => true,
    () => false,
  );
  const good = writable && (await entriesOf(folder)) !== "file";
  demand(good, where, "path", "lie in a writable folder", path, "Choose another place");
}

async function entriesOf(path: string): Promise<string[] | "file" | null> {
  try {
    return (await stat(path)).isDirectory() ? await readdir(path) : "file";
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return null;
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
