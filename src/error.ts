// Errors of one form: `where: name must <rule>; got <value>. <what to do>.`
// A UsageError is thrown at construction, before any work; a SolveError after work, and it carries what was reached.
import type { Solution } from "./solution/index.js";

/** Bad input. Thrown before any work is done. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A solve that did not succeed; `partial` holds what was reached, when there is anything. */
export class SolveError extends Error {
  override readonly name = "SolveError";
  declare readonly partial: Solution | null;
  constructor(message: string, partial: Solution | null = null) {
    super(message);
    // Not enumerable: an uncaught error prints its message and not the whole solution.
    Object.defineProperty(this, "partial", { value: partial });
  }
}

/** Prints a value the way a message shows it: short, on one line. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}…` : value);
  if (typeof value === "function") return `function ${value.name || "(anonymous)"}`;
  if (ArrayBuffer.isView(value)) return `${value.constructor.name}(${(value as Float64Array).length})`;
  if (typeof value === "object" && value !== null) {
    // item by item, because JSON has no NaN and no Infinity
    const text = Array.isArray(value) ? `[${value.map(show).join(",")}]` : (JSON.stringify(value) ?? String(value));
    return text.length > 60 ? `${text.slice(0, 57)}…` : text;
  }
  return String(value);
}

/**
 * The one error form: `where: name must rule; got value. cure.`
 *
 * @example
 * usageError("grid", "points", "be an integer ≥ 4", 3.5, "Use points: 64 to start").message
 * // "grid: points must be an integer ≥ 4; got 3.5. Use points: 64 to start."
 */
export function usageError(where: string, name: string, rule: string, got: unknown, cure: string): UsageError {
  return new UsageError(`${where}: ${name} must ${rule}; got ${show(got)}. ${cure}.`);
}

/** Throws {@link usageError} unless `holds`. */
export function demand(
  holds: boolean,
  where: string,
  name: string,
  rule: string,
  got: unknown,
  cure: string,
): asserts holds {
  if (!holds) throw usageError(where, name, rule, got, cure);
}

/**
 * Refuses options that a factory does not have: plain JavaScript would pass a misspelt one over in silence.
 *
 * @example
 * demandKnown("picard", { pointz: 64 }, ["points", "steps"]);
 * // "picard: options must have no "pointz"; got 64. Did you mean points."
 */
export function demandKnown(where: string, options: object, known: readonly string[]): void {
  for (const [name, value] of Object.entries(options))
    if (!known.includes(name))
      throw usageError(where, "options", `have no ${show(name)}`, value, `Did you mean ${nearest(name, known)}`);
}

/** The allowed name with the fewest edits (Levenshtein) from `name`, for "did you mean"; `undefined` when none is allowed. */
export function nearest(name: string, allowed: readonly string[]): string | undefined {
  const edits = (other: string): number => {
    let row = Array.from({ length: other.length + 1 }, (_, j) => j);
    for (let i = 1; i <= name.length; i++) {
      const next = [i];
      for (let j = 1; j <= other.length; j++)
        next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (name[i - 1] === other[j - 1] ? 0 : 1)));
      row = next;
    }
    return row[other.length];
  };
  return [...allowed].sort((a, b) => edits(a) - edits(b))[0];
}
