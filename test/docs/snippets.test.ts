// Every ```ts block of README.md and docs/*.md runs as it is printed. A block may print; it must not throw.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";

const pages = [
  "README.md",
  ...readdirSync("docs")
    .filter((f) => f.endsWith(".md"))
    .map((f) => join("docs", f)),
];
const folder = join(".cache", "snippets");

function blocks(page: string): string[] {
  return [...readFileSync(page, "utf8").matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((match) => match[1]);
}

describe("documentation", () => {
  it("has a runnable example in the README", () => {
    expect(blocks("README.md").length).toBeGreaterThan(0);
  });

  for (const page of pages) {
    blocks(page).forEach((code, k) => {
      it(`${page}, block ${k + 1} runs`, async () => {
        mkdirSync(folder, { recursive: true });
        const file = join(folder, `${page.replace(/\W/g, "-")}-${k + 1}.ts`);
        writeFileSync(file, code);
        await import(pathToFileURL(file).href);
      });
    });
  }

  it("links only to files that are there", () => {
    for (const page of pages) {
      const text = readFileSync(page, "utf8");
      for (const [, target] of text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
        if (/^https?:/.test(target)) continue;
        const path = join(page.includes("/") ? "docs" : ".", target);
        expect(() => readFileSync(path), `${page} links to ${target}`).not.toThrow();
      }
    }
  });
});
