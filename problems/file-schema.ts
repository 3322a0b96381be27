// What problem files of every kind share: schemas of numbers, laws, divergences and domains, the laws and domains themselves, and zod's
// first complaint as a message in the house's form.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import { demand, usageError } from "../src/error.js";
import { type Domain, domain } from "../src/grid/index.js";
import { decodeCsvNumbers } from "../src/io/index.js";
import {
  type Cloud,
  cloud,
  type Distribution,
  distributionFrom,
  divergenceFrom,
  empirical,
} from "../src/measure/index.js";
import type { Coordinate } from "../src/problem.js";
import { split, standardise } from "./samples.js";
import { coordinateNames, formula } from "./terms/index.js";

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

/** L, with "Infinity" for none. */
export const lipschitz = z
  .custom<number | "Infinity">((v) => v === "Infinity" || (typeof v === "number" && v > 0), {
    error: 'be a number > 0 or "Infinity"',
  })
  .transform((v) => (v === "Infinity" ? Infinity : v));

/** D_f as it describes itself. */
export const divergence = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("kullback-leibler") }),
    z.strictObject({ kind: z.literal("alpha"), alpha: positive }),
    z.strictObject({ kind: z.literal("reverse-kullback-leibler") }),
    z.strictObject({ kind: z.literal("jensen-shannon") }),
    z.strictObject({ kind: z.literal("plain-transport") }),
  ])
  .transform(divergenceFrom);

const csv = z.strictObject({
  kind: z.literal("csv"),
  file: z.string().min(1),
  name: z.string().default("csv"),
  columns: z.array(z.string()).min(1).optional(),
  standardise: z.boolean().default(false),
  heldOutFraction: z.number().min(0).lt(1).default(0),
  seed: z.int().min(0).default(1),
  count: z.int().optional(),
  checksum: z.string().optional(),
});
/** A law, or samples in a file. */
export const lawOrData = z.discriminatedUnion("kind", [...law.options, csv]);

/** A function of the point as a number or an expression. */
export const field = z.union([z.number(), z.string()]);
const side = z.enum(["no-flux", "door"]);
const ends = z.union([z.enum(["periodic", "no-flux", "door"]), z.tuple([side, side])]);
/** A domain as it describes itself. */
export const box = z.strictObject({
  lower: numbers,
  upper: numbers,
  ends: z.union([ends, z.array(ends)]).optional(),
  doors: z
    .array(
      z.strictObject({
        axis: z.int().min(0),
        side: z.enum(["lower", "upper"]),
        from: z.array(z.number()).optional(),
        to: z.array(z.number()).optional(),
        cost: z.number().optional(),
      }),
    )
    .optional(),
  obstacle: z.string().nullable().optional(),
});

/** A density as a number, an expression or a law. */
export const density = z.union([field, law]);

/** Optional fields of one type. */
export const each = <T extends z.ZodType>(type: T, names: string) =>
  Object.fromEntries(names.split(" ").map((name) => [name, type.optional()]));

/** A file or folder is named after the problem. */
export const kebab = z.stringFormat("kebab-case", /^[A-Za-z0-9]+([-_.][A-Za-z0-9]+)*$/);

/** What problems on a domain have in common. */
export const onDomain = {
  name: kebab.optional(),
  title: z.string().optional(),
  horizon: positive.optional(),
  domain: box,
};

/** The text of a file; `name` is the field or argument that gave its path. */
function readText(path: string, name: string): string {
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

/** A law as a file describes it; samples come with what was held out and what their coordinates mean. */
export interface Described {
  readonly law: Distribution;
  readonly heldOut: Cloud | null;
  readonly coordinates: readonly Coordinate[] | null;
}

/**
 * The law that a description names.
 *
 * @param folder where relative paths of data files begin
 * @param name the field, for errors
 */
export function lawFrom(description: z.infer<typeof lawOrData>, folder: string, name: string): Described {
  if (description.kind !== "csv") return { law: distributionFrom(description), heldOut: null, coordinates: null };
  const { file, columns, seed, heldOutFraction } = description;
  const table = decodeCsvNumbers(readText(resolve(folder, file), `${name}.file`), columns);
  demand(table.count > 0, WHERE, `${name}.file`, "hold at least one row of numbers", table.count, "Check the file");
  const d = table.columns.length;
  const { training, heldOut } = split(cloud(table.values, d), heldOutFraction, seed);
  const map = description.standardise ? standardise(training) : null;
  const place = (c: Cloud): Cloud => map?.apply(c) ?? c;
  const law = empirical(place(training), { name: description.name });
  for (const key of ["count", "checksum"] as const) {
    const was = description[key];
    const is = law.description[key];
    const cure = "The numbers in the file have changed; remove count and checksum to take it as it is";
    demand(was === undefined || was === is, WHERE, `${name}.${key}`, `be ${is}, as in ${file}`, was, cure);
  }
  const { count, checksum } = law.description;
  return {
    law: { ...law, description: { ...description, columns: table.columns, count, checksum } },
    heldOut: heldOut === null ? null : place(heldOut),
    coordinates: table.columns.map((label, a) => ({ label, offset: map?.offset[a] ?? 0, scale: map?.scale[a] ?? 1 })),
  };
}

/** The density, or law, that a description names. */
export function densityFrom(description: z.infer<typeof density>): number | string | Distribution {
  return typeof description === "object" ? distributionFrom(description) : description;
}

/** The domain that a description names. */
export function domainFrom(b: z.infer<typeof box>): Domain {
  const whole = (side: "lower" | "upper", axis: number): boolean => {
    const given = b.ends;
    if (given === undefined || typeof given === "string") return given === "door";
    const pair = given.length === 2 && given.every((e) => e === "no-flux" || e === "door") && b.lower.length === 1;
    const end = pair ? given : given[axis];
    return end === "door" || (Array.isArray(end) && end[side === "lower" ? 0 : 1] === "door");
  };
  // a description lists whole sides that are doors among the doors too
  const doors = (b.doors ?? []).filter((door) => !whole(door.side, door.axis));
  if (b.obstacle === null || b.obstacle === undefined) return domain({ ...b, doors, obstacle: null });
  const text = b.obstacle.replace(/>\s*0\s*$/, "").trim();
  const solid = formula(text, coordinateNames(b.lower.length), WHERE, "domain.obstacle");
  return domain({
    ...b,
    doors,
    obstacle: (x) => solid.evaluate(...x) > 0,
    obstacleText: `${text} > 0`,
  });
}

/** Names the first field that a description could only call a function. */
export function refuseFunctions(value: unknown, path: readonly string[]): void {
  demand(
    value !== "given by a function",
    WHERE,
    path.join("."),
    "be a formula",
    value,
    "A JavaScript function cannot be stored in a file; write it as an expression",
  );
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) refuseFunctions(inner, [...path, key]);
}

/** Refuses what is no JSON object; `start` is a name of the catalogue to start from. */
export function demandObject(json: unknown, start: string): asserts json is object {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw usageError(WHERE, "content", "be an object", json, `Start from { "catalogue": "${start}" }`);
}

/**
 * The catalogue's problem that `{ catalogue, overrides }` names.
 *
 * @param entries the problems of one kind by name
 * @param overrides what each of them lets a file override
 */
export function fromCatalogue<P>(
  json: object,
  entries: Readonly<Record<string, { make(overrides?: object): P }>>,
  overrides: Readonly<Record<string, z.ZodType<object>>>,
): P {
  const entry = read(
    z.strictObject({ catalogue: z.enum(Object.keys(entries)), overrides: z.unknown().optional() }),
    json,
    json,
    [],
  );
  return entries[entry.catalogue].make(read(overrides[entry.catalogue], entry.overrides ?? {}, json, ["overrides"]));
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
  throw usageError(WHERE, path.map(String).join("."), rule, got, cureOf(issue, String(path.at(-1)), rule, got));
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

/** What to do about a complaint of one field. */
function cureOf(issue: z.core.$ZodIssue, name: string, rule: string, got: unknown): string {
  if (issue.code === "unrecognized_keys") return "Remove it, or check its spelling";
  // a word out of a list, where the field of that name is a law elsewhere
  if (issue.code === "invalid_value" && name === "target") return "Choose one of them";
  if (rule === FIELD) return 'Use for example "sin(2*pi*x)"';
  const known = name === "kind" ? kindCure(issue) : CURES[name];
  return known ?? (got === undefined ? "Add the field" : "Change the value");
}

/** Samples may stand where a flow's law is asked for. */
function kindCure(issue: z.core.$ZodIssue): string {
  const { options } = issue as { options?: readonly string[] };
  return options?.includes("csv") ? CURES.kind : "Choose one of them";
}

const FIELD = "be a number or an expression";

/** What a field that may have several types must be. */
const UNIONS: Readonly<Record<string, string>> = {
  sd: "be a number > 0 or an array of numbers",
  ends: 'be "periodic", "no-flux", "door" or [lower, upper], once or one an axis',
  hamiltonian: 'be an expression or { "kind": … }',
  coupling: 'be an expression, a list of expressions or { "kind": … }',
  terminal: 'be an expression, a list of expressions, { "kind": … } or null',
  initial: 'be a number, an expression or a law { "kind": … }',
  final: 'be a number, an expression or a law { "kind": … }',
  target: 'be a number, an expression or a law { "kind": … }',
  order: "be 1 or 2",
  potential: FIELD,
  interaction: FIELD,
  drift: "be a list of numbers and expressions",
  source: FIELD,
  populations: "be a population or a list of them",
  weight: "be a number, an expression or a matrix, as its kind asks for",
  cost: "be a number, an expression or a list, as its kind asks for",
  metric: "be a list of fields or a matrix by rows",
  valueSource: FIELD,
  densitySource: FIELD,
  speed: FIELD,
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
