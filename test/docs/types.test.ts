// Every ```ts block of README.md and docs/*.md passes the type checker under the repository's own options, as a user's editor would run it.
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

const pages = [
  "README.md",
  ...readdirSync("docs")
    .filter((f) => f.endsWith(".md"))
    .map((f) => `docs/${f}`),
];

/** Blocks as files beside the repository's own, by their absolute paths; nothing is written. */
function blocks(): Map<string, string> {
  const files = new Map<string, string>();
  for (const page of pages)
    [...readFileSync(page, "utf8").matchAll(/^```ts\n([\s\S]*?)^```/gm)].forEach(([, code], k) => {
      files.set(resolve(`${page.replace(/\W/g, "-")}-${k + 1}.ts`), code);
    });
  return files;
}

/** What the type checker says of the files, one line each. */
function complaints(files: ReadonlyMap<string, string>): string[] {
  const { config } = ts.readConfigFile("tsconfig.json", ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [], include: [] }, ts.sys, resolve("."));
  const checked: ts.CompilerOptions = {
    ...options,
    noEmit: true,
    paths: {
      meanfield: [resolve("src/index.ts")],
      "meanfield/*": [resolve("*/index.ts")],
    },
  };
  const host = ts.createCompilerHost(checked);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.readFile = (name) => files.get(name) ?? readFile(name);
  host.getSourceFile = (name, language, ...rest) => {
    const code = files.get(name);
    return code === undefined ? getSourceFile(name, language, ...rest) : ts.createSourceFile(name, code, language);
  };
  const program = ts.createProgram([...files.keys()], checked, host);
  return [...files.keys()].flatMap((name) => {
    const file = program.getSourceFile(name);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
      (d) => `${name.slice(join(resolve("."), "/").length)}: ${ts.flattenDiagnosticMessageText(d.messageText, " ")}`,
    );
  });
}

test("the blocks have no type errors, and a wrong one would", { timeout: 120_000 }, () => {
  const files = blocks();
  expect(files.size).toBeGreaterThan(3);
  const wrong =
    'import { solve } from "meanfield";\nimport { twoMoons } from "meanfield/problems";\nawait solve(twoMoons(), 1);\n';
  const found = complaints(new Map([...files, [resolve("wrong.ts"), wrong]]));
  expect(found).toEqual([expect.stringMatching(/^wrong\.ts: Argument of type 'number'/)]);
});
