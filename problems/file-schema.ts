// What problem files of every kind share: schemas of numbers and laws, and zod's first complaint as a message in the house's form.
import { readFileSync } from "node:fs";
import { z } from "zod";
import { usageError } from "../src/error.js";

export const WHERE = "problem file";

export const positive = z.number().positive();
export const numbers = z.array(z.number()).min(1);
const pair = z.tuple([z.number(), z.number()]);

const gaussianFields = { mean: numbers, covariance: numbers.optional(), sd: z.union([positive, numbers]).optional() };
export const lawFields = {
  "two-moons": { noise: z.number().optional(), shift: pair.optional(), scale: positive.optional() },
  pinwheel: {
    arms: z.int().optional(),
    radialSd: positive.optional(),
    tangentialSd: positive.optional(),
    rate: z.number().optional(),
    scale: positive.optional(),
  },
  "eight-gaussians": { radius: positive.optional(), sd: positive.optional() },
  checkerboard: { squares: z.int().optional(), halfWidth: positive.optional() },
  "swiss-roll": { noise: z.number().optional(), scale: positive.optional() },
  circles: { noise: z.number().optional(), factor: positive.optional(), scale: positive.optional() },
  spirals: { noise: z.number().optional(), turns: positive.optional() },
} as const;

export const law = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("gaussian"), ...gaussianFields }),
  z.strictObject({
    kind: z.literal("gaussian-mixture"),
    name: z.string().optional(),
    components: z.array(z.strictObject({ weight: positive, ...gaussianFields })).min(1),
  }),
  z.strictObject({ kind: z.literal("uniform-box"), lower: numbers, upper: numbers }),
  z.strictObject({ kind: z.literal("dirac"), point: numbers }),
  z.strictObject({
    kind: z.literal("product"),
    name: z.string().optional(),
    get factors() {
      return z.array(law).min(1);
    },
  }),
  z.strictObject({ kind: z.literal("two-moons"), ...lawFields["two-moons"] }),
  z.strictObject({ kind: z.literal("pinwheel"), ...lawFields.pinwheel }),
  z.strictObject({ kind: z.literal("eight-gaussians"), ...lawFields["eight-gaussians"] }),
  z.strictObject({ kind: z.literal("checkerboard"), ...lawFields.checkerboard }),
  z.strictObject({ kind: z.literal("swiss-roll"), ...lawFields["swiss-roll"] }),
  z.strictObject({ kind: z.literal("circles"), ...lawFields.circles }),
  z.strictObject({ kind: z.literal("spirals"), ...lawFields.spirals }),
]);

/** A file or folder is named after the problem. */
export const kebab = z.stringFormat("kebab-case", /^[A-Za-z0-9]+([-_.][A-Za-z0-9]+)*$/);

/** The text of a file; `name` is the field or argument that gave its path. */
export function readText(path: string, name: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw usageError(WHERE, name, "be a readable file", path, "Check the path");
  }
}

/** The JSON in a file. */
export function readJson(path: string): unknown {
  const text = readText(path, "path");
  try {
    return JSON.parse(text);
  } catch (error) {
    throw usageError(WHERE, path, "hold JSON", text, (error as Error).message);
  }
}

/** Parses with zod; the first issue becomes a message in the house's form. `base` is the schema's place in `whole`. */
export function read<T>(schema: z.ZodType<T>, value: unknown, whole: unknown, base: readonly PropertyKey[]): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { issue, path: inner } = innermost(parsed.error.issues[0], []);
  let path = [...base, ...inner];
  let rule = issue.message;
  if (issue.code === "unrecognized_keys") {
    path = [...path, issue.keys[0]];
    rule = "be a known field";
  } else if (issue.code === "invalid_union" && issue.discriminator !== undefined) {
    rule = `be one of ${(issue as { options?: readonly string[] }).options?.join(", ")}`;
  } else if (issue.code === "invalid_union") rule = UNIONS[String(path.at(-1))] ?? "have one of its forms";
  else if (issue.code === "invalid_value") rule = `be one of ${issue.values.join(", ")}`;
  else if (issue.code === "invalid_format")
    rule = "be letters and digits, joined by single hyphens, points or underscores";
  else if (issue.code === "invalid_type") rule = `be ${ARTICLE[issue.expected] ?? issue.expected}`;
  else if (issue.code === "too_small")
    rule =
      issue.origin === "array"
        ? `have at least ${issue.minimum} entries`
        : `be ${issue.inclusive ? "≥" : ">"} ${issue.minimum}`;
  else if (issue.code === "too_big" && issue.origin !== "array")
    rule = `be ${issue.inclusive ? "≤" : "<"} ${issue.maximum}`;
  const got = path.reduce<unknown>((v, key) => (v as Record<PropertyKey, unknown> | undefined)?.[key], whole);
  const cure =
    issue.code === "unrecognized_keys"
      ? "Remove it, or check its spelling"
      : ((path.at(-1) === "kind" ? kindCure(issue) : CURES[String(path.at(-1))]) ??
        (got === undefined ? "Add the field" : "Change the value"));
  throw usageError(WHERE, path.map(String).join("."), rule, got, cure);
}

/**
 * The complaint inside a union whose value has the shape of one member: the member that got beyond the value itself.
 */
function innermost(
  issue: z.core.$ZodIssue,
  base: readonly PropertyKey[],
): { issue: z.core.$ZodIssue; path: PropertyKey[] } {
  const path = [...base, ...issue.path];
  if (issue.code !== "invalid_union") return { issue, path };
  const inside = issue.errors.find(
    ([first]) => first !== undefined && (first.path.length > 0 || first.code === "unrecognized_keys"),
  );
  return inside === undefined ? { issue, path } : innermost(inside[0], path);
}

/** Samples may stand where a flow's law is asked for. */
function kindCure(issue: z.core.$ZodIssue): string {
  const { options } = issue as { options?: readonly string[] };
  return options?.includes("csv") ? CURES.kind : "Choose one of them";
}

/** What a field that may have several types must be. */
const UNIONS: Readonly<Record<string, string>> = {
  sd: "be a number > 0 or an array of numbers",
  ends: 'be "periodic", "no-flux", "door" or [lower, upper], once or one an axis',
  hamiltonian: 'be an expression or { "kind": … }',
  coupling: 'be an expression, a list of expressions or { "kind": … }',
  terminal: 'be an expression, a list of expressions, { "kind": … } or null',
  initial: 'be a number, an expression or a law { "kind": … }',
  final: 'be a number, an expression or a law { "kind": … }',
  populations: "be a population or a list of them",
  weight: "be a number, an expression or a matrix, as its kind asks for",
  cost: "be a number, an expression or a list, as its kind asks for",
  metric: "be a list of fields or a matrix by rows",
  valueSource: "be a number or an expression",
  densitySource: "be a number or an expression",
  speed: "be a number or an expression",
};

const ARTICLE: Readonly<Record<string, string>> = {
  number: "a finite number",
  int: "an integer",
  string: "a text in quotes",
  array: "an array",
  object: "an object",
  tuple: "an array of two numbers",
};

const CURES: Readonly<Record<string, string>> = {
  name: 'Use for example "my-problem"',
  kind: 'Choose one of them; samples come from { "kind": "csv", "file": … }',
  file: "Give the path of a csv file with a header line",
  heldOutFraction: "Use 0.2 to hold out a fifth",
  source: 'Give a law, for example { "kind": "gaussian", "mean": [0, 0] }',
  target: 'Give a law, for example { "kind": "two-moons" }',
  divergence: 'Use { "kind": "kullback-leibler" } to start',
  lipschitz: 'Use 1 to start, "Infinity" for no W₁ regularisation',
  kineticWeight: "Use 0.5 to start",
  horizon: "Use 1 to start",
  heldOut: "Give the number of fresh draws of the target, or leave it out",
  catalogue: "See meanfield list",
  ends: 'Use "no-flux" for a closed box',
  hamiltonian: 'Use "0.5*p1^2" to start',
  coupling: 'Use "m" to start',
  terminal: "Use null for none",
  initial: 'Use "1 + 0.5*cos(2*pi*x)" to start',
};
