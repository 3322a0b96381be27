// docs/problem-files.md against the readers: its examples and the README's make problems, every field that its tables name is a field of
// the file, and every field that a problem of the catalogue describes itself by stands in a table.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { catalogue, diffusions, games, gradientFlows, readProblem } from "../../problems/index.js";

const page = readFileSync("docs/problem-files.md", "utf8");
type Json = { [field: string]: unknown };

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "meanfield-"));
  copyFileSync("problems/data/old-faithful.csv", join(folder, "old-faithful.csv"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function made(file: unknown) {
  const path = join(folder, "problem.json");
  writeFileSync(path, JSON.stringify(file));
  return readProblem(path);
}

/** What the reader says of a file; empty when it is content. */
function complaint(file: unknown): string {
  try {
    made(file);
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}

const blocksOf = (text: string): Json[] =>
  [...text.matchAll(/^```json\n([\s\S]*?)^```/gm)].map((m) => JSON.parse(m[1])).filter((b) => b.kind ?? b.catalogue);
const examples = blocksOf(page);

describe("examples", () => {
  const all = [...examples, ...blocksOf(readFileSync("README.md", "utf8"))];
  test("there is one of every kind", () => {
    const kinds = ["proximal-flow", "mean-field-game", "gradient-flow", "fokker-planck", undefined];
    for (const kind of kinds) expect(examples.map((b) => b.kind)).toContain(kind);
  });
  for (const [k, file] of all.entries())
    test(`${k + 1}: ${file.kind ?? file.catalogue} makes a problem, which describes itself by a file`, () => {
      const problem = made(file);
      expect(problem.name).toBe(file.name ?? file.kind ?? file.catalogue);
      expect(complaint(JSON.parse(JSON.stringify(problem.describe())))).toBe("");
    });
});

/** Rows of the tables: the text of the first header cell, and the first and second cell of a row. */
const rows = [...page.matchAll(/^(\|.*\|\n)\|[ :|-]+\|\n((?:\|.*\|\n)+)/gm)].flatMap(([, head, body]) => {
  const cells = (line: string) => line.split(/(?<!\\)\|/).map((cell) => cell.trim());
  return body
    .trim()
    .split("\n")
    .map((line) => ({ table: cells(head)[1].replaceAll("`", ""), first: cells(line)[1], second: cells(line)[2] }));
});
const named = (cell: string): string[] => [...cell.matchAll(/`([\w-]+)`/g)].map((m) => m[1]);

describe("tables", () => {
  const start = (kind: string): Json => structuredClone(examples.find((b) => b.kind === kind) as Json);
  const game = start("mean-field-game");
  const person = game.populations as Json;
  const flow = start("gradient-flow");
  const soft = start("proximal-flow");
  const kl = { kind: "kullback-leibler" };
  const target = { kind: "gaussian", mean: [0] };

  /** By the first word of a table's header, the file that holds an object of the second. */
  const places: Record<string, (part: Json, kind: string) => unknown> = {
    catalogue: (part) => ({ catalogue: "two-moons", ...part }),
    "field of a proximal flow": (part) => ({ ...soft, ...part }),
    "field of a game": (part) => ({ ...game, ...part }),
    "field of a population": (part) => ({ ...game, populations: { ...person, ...part } }),
    "field of a gradient flow": (part) => ({ ...flow, ...part }),
    "field of a Fokker–Planck problem": (part) => ({ ...start("fokker-planck"), ...part }),
    "field of a domain": (part) => ({ ...game, domain: { ...(game.domain as Json), ...part } }),
    "field of a door": (part) => ({
      ...game,
      domain: { ...(game.domain as Json), doors: [{ axis: 0, side: "lower", ...part }] },
    }),
    "component of a mixture": (part) => ({
      ...soft,
      source: { kind: "gaussian-mixture", components: [{ weight: 1, mean: [0, 0], ...part }] },
    }),
    Hamiltonian: (part, kind) => ({
      ...game,
      populations: { ...person, hamiltonian: { kind, ...whole[kind], ...part } },
    }),
    coupling: (part, kind) => ({ ...game, coupling: { kind, ...whole[kind], ...part } }),
    energy: (part, kind) => ({ ...flow, energy: { kind, ...whole[kind], ...part } }),
    internal: (part, kind) => ({
      ...flow,
      energy: { kind: "energy", internal: { kind, ...whole[kind], ...part } },
    }),
    law: (part, kind) => ({ ...soft, target: { kind, ...whole[kind], ...part } }),
  };
  /** What objects of a kind must have. */
  const whole: Record<string, Json> = {
    power: { exponent: 2 },
    bounded: { speed: 1 },
    congestion: { exponent: 1 },
    expression: { text: "0.5*p1^2" },
    local: { cost: "m" },
    field: { cost: "x" },
    capacity: { capacity: 2 },
    nonlocal: {},
    sum: { parts: [{ kind: "mean" }] },
    "lipschitz-divergence": { divergence: kl, lipschitz: 1, target },
    transport: { order: 1, target },
    divergence: { divergence: kl, target },
    gaussian: { mean: [0, 0] },
    "gaussian-mixture": { components: [{ weight: 1, mean: [0, 0] }] },
    "uniform-box": { lower: [0, 0], upper: [1, 1] },
    dirac: { point: [0, 0] },
    product: { factors: [{ kind: "dirac", point: [0, 0] }] },
    csv: { file: "old-faithful.csv" },
  };
  const unknown = /must be a known field/;
  const overridden = ["proximal flow", "game", "gradient flow", "Fokker–Planck problem"];

  test("the fields they name are fields of the file", () => {
    let checked = 0;
    for (const { table, first } of rows) {
      if (overridden.includes(table) || table === "divergence") continue;
      const [head, kind] = Object.hasOwn(places, table) ? [table, ""] : table.split(" ");
      const place = places[table === "catalogue entry" ? "catalogue" : head];
      expect(place, table).toBeDefined();
      for (const name of named(first)) {
        expect(complaint(place({ [name]: true }, kind)), `${table}: ${name}`).not.toMatch(unknown);
        if (table !== "catalogue entry") expect(complaint(place({ colour: true }, kind)), table).toMatch(unknown);
        checked++;
      }
    }
    expect(checked).toBeGreaterThan(100);
  });

  test("the overrides they name are overrides of every entry of the catalogue", () => {
    const entries = rows.filter(({ table }) => overridden.includes(table));
    const names = entries.flatMap(({ first }) => named(first));
    const every = [catalogue, games, gradientFlows, diffusions].flatMap((c) => Object.keys(c));
    expect(names.toSorted()).toEqual(every.toSorted());
    for (const { first, second } of entries)
      for (const name of named(first))
        for (const [, field] of second.matchAll(/(?:^|, )`(\w+)`/g))
          expect(complaint({ catalogue: name, overrides: { [field]: {} } }), `${name}: ${field}`).not.toMatch(unknown);
  });

  test("what problems of the catalogue describe themselves by stands in a table", () => {
    const known = new Set(rows.flatMap(({ first }) => named(first)));
    const walk = (value: unknown, path: string): void => {
      if (typeof value !== "object" || value === null) return;
      if ((value as Json).kind === "empirical" || path.endsWith(".parameters")) return; // no file has them; names of the user
      for (const [key, inner] of Object.entries(value)) {
        if (!Array.isArray(value) && !["kind", "alpha"].includes(key))
          expect([...known], `${path}.${key}`).toContain(key);
        walk(inner, `${path}.${key}`);
      }
    };
    for (const entries of [catalogue, games, gradientFlows, diffusions])
      for (const [name, entry] of Object.entries(entries))
        walk(JSON.parse(JSON.stringify((entry as { make(): { describe(): unknown } }).make().describe())), name);
  });
});
