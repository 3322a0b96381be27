import { fork } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { demandWritableFile, demandWritableFolder, writeFileAtomic, writeFolderAtomic } from "../../src/io/index.js";

let folder: string;
const home = process.cwd();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "meanfield-io-"));
});
afterEach(async () => {
  process.chdir(home);
  await rm(folder, { recursive: true, force: true });
});

const interrupted = new Error("interrupted");
async function* half(): AsyncGenerator<string> {
  yield "the first half";
  throw interrupted;
}

/** A process number that no longer runs: that of a child which has exited. */
async function deadProcess(): Promise<number> {
  const child = fork(join(folder, "nothing.mjs"), { stdio: "ignore" });
  await new Promise((done) => child.once("exit", done));
  return child.pid!;
}

describe("writeFileAtomic", () => {
  it("writes text, bytes and sequences, makes the folder, replaces the old file, leaves nothing else", async () => {
    const path = join(folder, "a", "b.txt");
    await writeFileAtomic(path, "λ = ½");
    expect(await readFile(path, "utf8")).toBe("λ = ½");
    await writeFileAtomic(path, Uint8Array.of(1, 2, 255));
    expect([...(await readFile(path))]).toEqual([1, 2, 255]);
    await writeFileAtomic(path, ["one ", "two"]);
    expect(await readFile(path, "utf8")).toBe("one two");
    await writeFileAtomic(
      path,
      (async function* () {
        yield "three ";
        yield new TextEncoder().encode("four");
      })(),
    );
    expect(await readFile(path, "utf8")).toBe("three four");
    expect(await readdir(join(folder, "a"))).toEqual(["b.txt"]);
  });

  it("changes nothing when the data fail half-way", async () => {
    const path = join(folder, "kept.txt");
    await expect(writeFileAtomic(path, half())).rejects.toBe(interrupted);
    expect(await readdir(folder)).toEqual([]);
    await writeFileAtomic(path, "old");
    await expect(writeFileAtomic(path, half())).rejects.toBe(interrupted);
    expect(await readFile(path, "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["kept.txt"]);
  });

  it("changes nothing when the rename fails", async () => {
    const path = join(folder, "taken");
    await mkdir(join(path, "inside"), { recursive: true });
    await expect(writeFileAtomic(path, "text")).rejects.toThrow();
    expect(await readdir(folder)).toEqual(["taken"]);
  });

  it("never shows a part to a reader while it writes again and again", async () => {
    const path = join(folder, "busy.txt");
    const texts = ["a".repeat(200_000), "b".repeat(100_000)];
    await writeFileAtomic(path, texts[0]);
    let writing = true;
    const writer = (async () => {
      for (let k = 0; k < 40; k++) await writeFileAtomic(path, texts[k % 2]);
      writing = false;
    })();
    let reads = 0;
    while (writing) {
      expect(texts.includes(await readFile(path, "utf8"))).toBe(true);
      reads++;
    }
    await writer;
    expect(reads).toBeGreaterThan(5);
  });

  it("keeps the old file when the process is killed in the middle, and the next write clears what it left", async () => {
    const path = join(folder, "result.bin");
    await writeFileAtomic(path, "old");
    // The child runs the file's own source, stripped of types by the compiler.
    const { transpileModule, ModuleKind, ScriptTarget } = await import("typescript");
    const compile = async (from: string, to: string) => {
      const source = await readFile(new URL(`../../src/${from}`, import.meta.url), "utf8");
      const { outputText } = transpileModule(source, {
        compilerOptions: { module: ModuleKind.ESNext, target: ScriptTarget.ES2022 },
      });
      await mkdir(join(folder, "code", "io"), { recursive: true });
      await writeFile(join(folder, "code", to), outputText);
    };
    await compile("io/atomic.ts", "io/atomic.js");
    await compile("error.ts", "error.js");
    await writeFile(join(folder, "code", "package.json"), '{"type":"module"}');
    await writeFile(
      join(folder, "code", "child.js"),
      `import { writeFileAtomic } from "./io/atomic.js";
       await writeFileAtomic(${JSON.stringify(path)}, (async function* () {
         for (let k = 0; ; k++) {
           yield "x".repeat(65536);
           if (k === 20) process.send("writing");
           await new Promise((go) => setTimeout(go, 1));
         }
       })());`,
    );
    const child = fork(join(folder, "code", "child.js"));
    await new Promise((ready) => child.once("message", ready));
    child.kill("SIGKILL");
    await new Promise((done) => child.once("exit", done));
    expect(await readFile(path, "utf8")).toBe("old");
    const left = (await readdir(folder)).filter((name) => name.endsWith(".tmp"));
    expect(left.length).toBe(1);
    expect(left[0]).toContain(`.${child.pid}.`);
    await writeFileAtomic(path, "new");
    expect((await readdir(folder)).sort()).toEqual(["code", "result.bin"]);
    expect(await readFile(path, "utf8")).toBe("new");
  });
});

describe("writeFolderAtomic", () => {
  const files = { "results.json": "{}", "data/u.bin": Uint8Array.of(7) };

  it("writes files by name or by a function, and replaces an earlier output as a whole", async () => {
    const path = join(folder, "report");
    await writeFolderAtomic(path, files);
    expect((await readdir(path)).sort()).toEqual(["data", "results.json"]);
    expect([...(await readFile(join(path, "data", "u.bin")))]).toEqual([7]);
    await writeFile(join(path, "data", "stale.bin"), "left over");
    await writeFolderAtomic(path, async (inside) => {
      expect(await readdir(inside)).toEqual([]);
      await mkdir(join(inside, "data"));
      await writeFile(join(inside, "results.json"), "[]");
    });
    expect(await readFile(join(path, "results.json"), "utf8")).toBe("[]");
    expect(await readdir(join(path, "data"))).toEqual([]);
    expect(await readdir(folder)).toEqual(["report"]);
  });

  it("does not take along what somebody has put beside an earlier output", async () => {
    const path = join(folder, "report");
    await writeFolderAtomic(path, files);
    await writeFile(join(path, "analysis.py"), "precious");
    await expect(writeFolderAtomic(path, files)).rejects.toThrow(
      "an earlier output with nothing but data, results.json",
    );
    expect(await readFile(join(path, "analysis.py"), "utf8")).toBe("precious");
    expect(await readdir(folder)).toEqual(["report"]);
  });

  it("can be asked before the work, by name alone", async () => {
    const path = join(folder, "report");
    const names = ["data", "results.json"];
    await demandWritableFolder(join(path, "deeper", "still"), names);
    await writeFolderAtomic(path, files);
    await demandWritableFolder(path, names);
    await demandWritableFile(join(path, "results.json"));
    process.chdir(folder);
    await expect(demandWritableFolder("report", ["other"])).rejects.toThrow(
      'demandWritableFolder: path must be new, empty, or an earlier output with nothing but other; got "report". ' +
        "Choose another folder, or remove this one: nothing that is not ours is replaced.",
    );
    await expect(demandWritableFile("report")).rejects.toThrow(
      'demandWritableFile: path must be a file; got "report". Give the name of a file in it.',
    );
    await expect(demandWritableFile("report/results.json/x/y")).rejects.toThrow(
      'demandWritableFile: path must lie in a writable folder; got "report/results.json/x/y". Choose another place.',
    );
    expect(await readdir(folder)).toEqual(["report"]);
  });

  it("changes nothing when the producer throws", async () => {
    const path = join(folder, "report");
    const fail = async (inside: string) => {
      await writeFile(join(inside, "results.json"), "half");
      throw interrupted;
    };
    await expect(writeFolderAtomic(path, fail)).rejects.toBe(interrupted);
    expect(await readdir(folder)).toEqual([]);
    await writeFolderAtomic(path, files);
    await expect(writeFolderAtomic(path, fail)).rejects.toBe(interrupted);
    expect(await readFile(join(path, "results.json"), "utf8")).toBe("{}");
    expect(await readdir(folder)).toEqual(["report"]);
  });

  it("uses an empty folder, refuses a file and a folder that is not its own", async () => {
    await mkdir(join(folder, "empty"));
    await writeFolderAtomic(join(folder, "empty"), files);
    expect((await readdir(join(folder, "empty"))).length).toBe(2);
    await mkdir(join(folder, "home"));
    await writeFile(join(folder, "home", "thesis.tex"), "precious");
    const refusal = (name: string) =>
      `writeFolderAtomic: path must be new, empty, or an earlier output with nothing but data, results.json; got ${JSON.stringify(name)}. ` +
      "Choose another folder, or remove this one: nothing that is not ours is replaced.";
    process.chdir(folder);
    await expect(writeFolderAtomic("home", files)).rejects.toThrow(refusal("home"));
    await writeFile(join(folder, "plain"), "file");
    await expect(writeFolderAtomic("plain", files)).rejects.toThrow(refusal("plain"));
    expect(await readFile(join(folder, "home", "thesis.tex"), "utf8")).toBe("precious");
    expect((await readdir(folder)).sort()).toEqual(["empty", "home", "plain"]);
  });

  it("puts back an old folder that a killed process left between its two renames, and clears dead temporaries", async () => {
    const path = join(folder, "report");
    const pid = await deadProcess();
    const name = (ending: string) => join(folder, `.report.${hostname()}.${pid}.0123abcd.${ending}`);
    await mkdir(name("old"));
    await writeFile(join(name("old"), "results.json"), "old");
    await mkdir(name("tmp"));
    const alive = join(folder, `.report.${hostname()}.${process.pid}.0123abcd.tmp`);
    await mkdir(alive);
    await expect(
      writeFolderAtomic(path, async () => {
        throw interrupted;
      }),
    ).rejects.toBe(interrupted);
    expect(await readFile(join(path, "results.json"), "utf8")).toBe("old");
    expect((await readdir(folder)).length).toBe(2); // the report, and the temporary of the process that still runs
  });
});
