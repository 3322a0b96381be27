// JSON with a policy for what JSON cannot say:
//   NaN, Infinity, −Infinity  ↔  "NaN", "Infinity", "-Infinity"    (null stays null: unmeasured is null, never NaN)
//   typed arrays              →  arrays of numbers
//   functions, symbols, big integers, undefined in an array, cycles: refused; undefined properties are left out, as JSON does
// A text that is exactly one of the three words therefore reads back as a number. −0 is written 0.
import { demand } from "../error.js";

const WORDS = new Map([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
]);

/**
 * JSON text of a value, with numbers that JSON lacks as words.
 *
 * @param value plain data; typed arrays are written as arrays
 * @param options indent: spaces a level, default 2; 0 for one line
 * @throws UsageError when something in it has no JSON form; the message names its path
 */
export function encodeJson(value: unknown, options: { readonly indent?: number } = {}): string {
  return `${JSON.stringify(plain(value, "value", []), null, options.indent ?? 2)}\n`;
}

/**
 * Reads JSON text; the words NaN, Infinity and -Infinity become numbers.
 *
 * @throws SyntaxError when it is no JSON
 */
export function decodeJson(text: string): unknown {
  return JSON.parse(text, (_, value) => (typeof value === "string" ? (WORDS.get(value) ?? value) : value));
}

function plain(value: unknown, path: string, above: readonly object[]): unknown {
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  demand(
    typeof value === "object",
    "encodeJson",
    path,
    "be plain data",
    typeof value === "bigint" ? `${value}n` : value,
    "Describe it by numbers and text",
  );
  demand(
    !above.includes(value as object),
    "encodeJson",
    path,
    "hold no cycle",
    "itself",
    "Write the inner object once",
  );
  const inside = [...above, value as object];
  if (ArrayBuffer.isView(value)) return Array.from(value as Float64Array, (x, k) => plain(x, `${path}[${k}]`, inside));
  if (Array.isArray(value)) return value.map((x, k) => plain(x, `${path}[${k}]`, inside));
  const out: Record<string, unknown> = {};
  for (const [key, x] of Object.entries(value as object))
    if (x !== undefined) out[key] = plain(x, `${path}.${key}`, inside);
  return out;
}
