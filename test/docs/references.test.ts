// Every key that a file cites is in docs/references.bib, once, with author, title and year.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const text = readFileSync(join(root, "docs/references.bib"), "utf8");
const keys = [...text.matchAll(/^@\w+\{([^,]+),$/gm)].map((m) => m[1]);

/** Keys cited in comments (`key …`, `keys …`, `*References*: …`) and in `references: […]`. */
function cited(source: string): string[] {
  const places = [
    ...source.matchAll(/\(keys? ([^)]*)\)/g),
    ...source.matchAll(/\*References\*: (.*)/g),
    ...source.matchAll(/references: \[([^\]]*)\]/g),
    ...source.matchAll(/References?: (.*)/g),
  ];
  return places.flatMap((m) => m[1].match(/\b[a-z]+(1[89]|20)\d\d[a-z][a-z0-9]*\b/g) ?? []);
}

const files = ["src", "problems", "solvers"].flatMap((room) =>
  readdirSync(join(root, room), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(room, name)),
);

test("cited keys exist", () => {
  const missing = files.flatMap((file) =>
    cited(readFileSync(join(root, file), "utf8"))
      .filter((key) => !keys.includes(key))
      .map((key) => `${file}: ${key}`),
  );
  expect(missing).toEqual([]);
  expect(cited("// Reference: Doe 2001 (key doe2001some, roe1999other).")).toContain("doe2001some");
});

test("entries are unique and complete", () => {
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys.length).toBeGreaterThan(40);
  for (const entry of text.split(/^@/m).slice(1))
    for (const field of ["author", "title", "year"]) expect(entry, entry.slice(0, 40)).toContain(`${field} = {`);
});
