// The import law of the house, read from the import lines themselves:
//   src ← problems ← solvers; in src only src/index.ts and src/cli import problems/ or solvers/;
//   a room (a folder of src, problems or solvers) is entered from outside by its index.js;
//   tfjs and webgpu are loaded by dynamic import() in src/tensor and src/device and nowhere else;
//   no cycles; no default exports; no folder called utils, helpers, core or common.
// Type-only imports leave nothing behind at run time: they are free of the rules on cycles and on heavy packages.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, test } from "vitest";

interface Import {
  /** As written. */
  readonly from: string;
  readonly kind: "static" | "dynamic" | "type";
}

interface SourceFile {
  readonly imports: readonly Import[];
  readonly exportsDefault: boolean;
}

const HEAVY = /^(@tensorflow\/|webgpu($|\/))/;
const FORBIDDEN_FOLDERS = ["utils", "helpers", "core", "common"];
const LAYERS = ["src", "problems", "solvers"];

function read(path: string, text: string): SourceFile {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
  const imports: Import[] = [];
  let exportsDefault = false;
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      // Under verbatimModuleSyntax only `import type` vanishes; `import { type A }` still loads the module.
      const typeOnly = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
      imports.push({ from: node.moduleSpecifier.text, kind: typeOnly ? "type" : "static" });
    } else if (ts.isExportDeclaration(node)) {
      if (node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier))
        imports.push({ from: node.moduleSpecifier.text, kind: node.isTypeOnly ? "type" : "static" });
      if (node.exportClause !== undefined && ts.isNamedExports(node.exportClause))
        exportsDefault ||= node.exportClause.elements.some((element) => element.name.text === "default");
    } else if (ts.isImportTypeNode(node)) {
      if (ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal))
        imports.push({ from: node.argument.literal.text, kind: "type" });
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument !== undefined && ts.isStringLiteralLike(argument))
        imports.push({ from: argument.text, kind: "dynamic" });
    } else if (ts.isExportAssignment(node)) exportsDefault = true;
    else if (ts.canHaveModifiers(node))
      exportsDefault ||= ts.getModifiers(node)?.some((m) => m.kind === ts.SyntaxKind.DefaultKeyword) ?? false;
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return { imports, exportsDefault };
}

/** Every breach of the law in a set of files, path → text. */
function breaches(files: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  const sources = new Map([...files].map(([path, text]) => [path, read(path, text)]));
  const graph = new Map<string, string[]>();
  for (const [path, { imports, exportsDefault }] of sources) {
    const folders = path.split("/").slice(0, -1);
    for (const folder of folders)
      if (FORBIDDEN_FOLDERS.includes(folder)) found.push(`${path}: no folder may be called ${folder}`);
    if (exportsDefault) found.push(`${path}: no default exports`);
    const layer = LAYERS.indexOf(folders[0]);
    const edges: string[] = [];
    graph.set(path, edges);
    for (const { from, kind } of imports) {
      if (HEAVY.test(from)) {
        const home = /^src\/(tensor|device)\//.test(path);
        if (kind === "static" || (kind === "dynamic" && !home))
          found.push(`${path}: ${from} is loaded by dynamic import() in src/tensor and src/device only`);
      }
      if (!from.startsWith(".")) continue;
      const target = posix.join(posix.dirname(path), from);
      const targetFolders = target.split("/").slice(0, -1);
      const targetLayer = LAYERS.indexOf(targetFolders[0]);
      const file = target.replace(/\.js$/, ".ts");
      if (kind !== "type" && sources.has(file)) edges.push(file);
      if (targetLayer < 0) {
        if (!target.endsWith(".json")) found.push(`${path}: ${from} lies outside src, problems and solvers`);
        continue;
      }
      if (targetLayer > layer && path !== "src/index.ts" && !path.startsWith("src/cli/"))
        found.push(`${path}: ${LAYERS[layer]} must not import ${LAYERS[targetLayer]} (${from})`);
      const room = targetFolders.length > 1 ? targetFolders.slice(0, 2).join("/") : null;
      if (room !== null && folders.slice(0, 2).join("/") !== room && target !== `${room}/index.js`)
        found.push(`${path}: ${room} is entered by its index.js (${from})`);
    }
  }
  return [...found, ...cycles(graph)];
}

// One line for each edge that closes a cycle in a depth-first walk.
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      found.push(`cycle: ${[...trail.slice(at), path].join(" → ")}`);
      return;
    }
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) walk(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) walk(path, []);
  return found;
}

function house(): Map<string, string> {
  const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
  const files = new Map<string, string>();
  for (const layer of LAYERS.filter((name) => existsSync(join(root, name)))) {
    for (const entry of readdirSync(join(root, layer), { recursive: true, withFileTypes: true })) {
      // Declarations of foreign packages say how those export.
      if (!entry.isFile() || !entry.name.endsWith(".ts") || entry.name.endsWith(".d.ts")) continue;
      const path = join(entry.parentPath, entry.name);
      files.set(relative(root, path).split(sep).join("/"), readFileSync(path, "utf8"));
    }
  }
  return files;
}

test("the house obeys its import law", () => {
  const files = house();
  expect(files.has("src/error.ts")).toBe(true);
  expect(files.size).toBeGreaterThan(20);
  expect(breaches(files)).toEqual([]);
});

describe("the checker finds a planted breach", () => {
  const lawful: Record<string, string> = {
    "src/error.ts": "export const a = 1;",
    "src/grid/index.ts": 'export * from "./axis.js";',
    "src/grid/axis.ts": 'import { a } from "../error.js"; export const b = a;',
    "src/tensor/index.ts":
      'import type * as tf from "@tensorflow/tfjs"; export const load = async () => await import("@tensorflow/tfjs");',
    "src/index.ts": 'export * from "../solvers/grid/index.js";',
    "src/cli/main.ts": 'import { d } from "../../problems/flow.js"; d;',
    "problems/flow.ts": 'import { b } from "../src/grid/index.js"; export const d = b;',
    "solvers/grid/index.ts": 'import { d } from "../../problems/flow.js"; export const e = d;',
  };
  const check = (planted: Record<string, string>) => breaches(new Map(Object.entries({ ...lawful, ...planted })));

  test("none in a lawful house", () => {
    expect(check({})).toEqual([]);
  });

  test.each([
    ["src/a.ts", 'import { d } from "../problems/flow.js";', "src must not import problems (../problems/flow.js)"],
    [
      "src/report/page.ts",
      'import { e } from "../../solvers/grid/index.js";',
      "src must not import solvers (../../solvers/grid/index.js)",
    ],
    [
      "src/verify/a.ts",
      'import type { D } from "../../problems/flow.js";',
      "src must not import problems (../../problems/flow.js)",
    ],
    [
      "src/verify/b.ts",
      'const e = await import("../../solvers/grid/index.js");',
      "src must not import solvers (../../solvers/grid/index.js)",
    ],
    [
      "problems/b.ts",
      'export { e } from "../solvers/grid/index.js";',
      "problems must not import solvers (../solvers/grid/index.js)",
    ],
    ["src/a.ts", 'import "../test/setup.js";', "../test/setup.js lies outside src, problems and solvers"],
    [
      "problems/flow.ts",
      'export { b as d } from "../src/grid/axis.js";',
      "src/grid is entered by its index.js (../src/grid/axis.js)",
    ],
    ["src/a.ts", 'export type B = import("./grid/axis.js").B;', "src/grid is entered by its index.js (./grid/axis.js)"],
    [
      "src/tensor/a.ts",
      'import * as tf from "@tensorflow/tfjs-core";',
      "@tensorflow/tfjs-core is loaded by dynamic import() in src/tensor and src/device only",
    ],
    [
      "src/device/a.ts",
      'import { type GPU } from "webgpu";',
      "webgpu is loaded by dynamic import() in src/tensor and src/device only",
    ],
    [
      "solvers/a.ts",
      'const gpu = await import("webgpu");',
      "webgpu is loaded by dynamic import() in src/tensor and src/device only",
    ],
    ["src/a.ts", "export default 1;", "no default exports"],
    ["src/a.ts", "export default function f() {}", "no default exports"],
    ["src/a.ts", "const f = 1; export { f as default };", "no default exports"],
    ["src/utils/a.ts", "export const a = 1;", "no folder may be called utils"],
  ])("%s: %s", (path, text, expected) => {
    expect(check({ [path]: text })).toEqual([`${path}: ${expected}`]);
  });

  test("cycles, also of one file and through dynamic imports", () => {
    expect(check({ "src/error.ts": 'import { b } from "./grid/index.js"; export const a = b;' })).toEqual([
      "cycle: src/error.ts → src/grid/index.ts → src/grid/axis.ts → src/error.ts",
    ]);
    expect(check({ "src/a.ts": 'import "./a.js";' })).toEqual(["cycle: src/a.ts → src/a.ts"]);
    expect(check({ "src/a.ts": 'await import("./b.js");', "src/b.ts": 'export * from "./a.js";' })).toEqual([
      "cycle: src/a.ts → src/b.ts → src/a.ts",
    ]);
  });

  test("type-only imports close no cycle and load no package", () => {
    expect(check({ "src/error.ts": 'import type { b } from "./grid/index.js"; export type B = typeof b;' })).toEqual(
      [],
    );
    expect(check({ "solvers/a.ts": 'export type T = typeof import("@tensorflow/tfjs");' })).toEqual([]);
  });

  test("import lines in comments and strings are not imports", () => {
    expect(
      check({ "src/a.ts": '// import "../solvers/x.js"\nexport const a = \'import "../solvers/x.js"\';' }),
    ).toEqual([]);
  });
});
