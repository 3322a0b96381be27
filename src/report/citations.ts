// References cited by a report: entries of docs/references.bib, one source for the page, the .bib file and the docs.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** One BibTeX entry. */
export interface Citation {
  readonly key: string;
  readonly type: string;
  readonly fields: Readonly<Record<string, string>>;
  /** The entry as written. */
  readonly text: string;
}

/**
 * Reads BibTeX: `@type{key, name = {value}, …}` with balanced braces.
 */
export function parseBibliography(text: string): ReadonlyMap<string, Citation> {
  const entries = new Map<string, Citation>();
  const head = /@(\w+)\s*\{\s*([^,\s]+)\s*,/g;
  for (let match = head.exec(text); match !== null; match = head.exec(text)) {
    let depth = 1;
    let at = head.lastIndex;
    while (at < text.length && depth > 0) {
      if (text[at] === "{") depth++;
      else if (text[at] === "}") depth--;
      at++;
    }
    const body = text.slice(head.lastIndex, at - 1);
    entries.set(match[2], {
      key: match[2],
      type: match[1].toLowerCase(),
      fields: fieldsOf(body),
      text: text.slice(match.index, at),
    });
    head.lastIndex = at;
  }
  return entries;
}

function fieldsOf(body: string): Record<string, string> {
  const fields: Record<string, string> = {};
  const name = /(\w+)\s*=\s*/g;
  for (let match = name.exec(body); match !== null; match = name.exec(body)) {
    let at = name.lastIndex;
    let value: string;
    if (body[at] === "{") {
      let depth = 0;
      const from = at + 1;
      do {
        if (body[at] === "{") depth++;
        else if (body[at] === "}") depth--;
        at++;
      } while (at < body.length && depth > 0);
      value = body.slice(from, at - 1);
    } else {
      const quoted = body[at] === '"';
      const from = quoted ? at + 1 : at;
      const end = body.indexOf(quoted ? '"' : ",", from);
      at = end < 0 ? body.length : end;
      value = body.slice(from, at);
    }
    fields[match[1].toLowerCase()] = value.replace(/[{}]/g, "").replace(/\s+/g, " ").trim();
    name.lastIndex = at;
  }
  return fields;
}

/** The package's bibliography. */
export function bibliography(): ReadonlyMap<string, Citation> {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const path = join(folder, "docs", "references.bib");
    if (existsSync(path)) return parseBibliography(readFileSync(path, "utf8"));
    if (dirname(folder) === folder) return new Map();
  }
}

/** "Authors (year). Title. Venue." as plain text; a key that is not in the bibliography is shown as it is. */
export function citationText(key: string, entries: ReadonlyMap<string, Citation>): string {
  const entry = entries.get(key);
  if (entry === undefined) return key;
  const f = entry.fields;
  const eprint = f.eprint === undefined ? undefined : `arXiv ${f.eprint}`;
  const venue = [f.journal ?? f.booktitle ?? f.publisher, eprint, f.note].filter((x) => x !== undefined).join(", ");
  const authors = (f.author ?? f.editor ?? "").split(" and ").map(initials).join(", ");
  return `${authors} (${f.year ?? "n.d."}). ${f.title ?? ""}. ${venue}`
    .replaceAll("--", "–")
    .replace(/\s+/g, " ")
    .trim();
}

/** "Gu, Hyemin" → "H. Gu". */
function initials(name: string): string {
  const [family, given] = name.includes(",") ? name.split(",").map((s) => s.trim()) : [name.trim(), ""];
  const letters = given
    .split(/[\s-]+/)
    .filter(Boolean)
    .map((word) => `${word[0]}.`);
  return [...letters, family].join(" ");
}
