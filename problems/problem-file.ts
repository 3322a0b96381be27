// Problem files: JSON ⇄ proximal flow.
//   { "kind": "proximal-flow", "source": law, "target": law, "divergence": { "kind": … }, "lipschitz": number | "Infinity",
//     "kineticWeight": λ, "horizon": T, "heldOut": count }            or      { "catalogue": name, "overrides": { … } }
// law = { "kind": … } as a law describes itself, or samples from a file:
//   { "kind": "csv", "file": path, "columns": [names], "standardise": true, "heldOutFraction": 0.2, "seed": 1 }
// A problem's `describe()` is such a file, and reading it gives the problem again, but not its closed form or title (for those name
// the catalogue), nor samples: a law of kind `empirical` says which samples they were and is refused. Paths count from the problem file's folder.
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { demand, usageError } from "../src/error.js";
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
import { catalogue } from "./catalogue/index.js";
import { type ProximalFlow, proximalFlow } from "./proximal-flow.js";
import { heldOutSample, split, standardise } from "./samples.js";

const WHERE = "problem file";

/** Distances to the held-out samples are exact assignments, which take no more. */
const MOST_HELD_OUT = 8192;

const positive = z.number().positive();
const numbers = z.array(z.number()).min(1);
const pair = z.tuple([z.number(), z.number()]);
const lipschitz = z
  .custom<number | "Infinity">((v) => v === "Infinity" || (typeof v === "number" && v > 0), {
    error: 'be a number > 0 or "Infinity"',
  })
  .transform((v) => (v === "Infinity" ? Infinity : v));

const divergence = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("kullback-leibler") }),
    z.strictObject({ kind: z.literal("alpha"), alpha: positive }),
    z.strictObject({ kind: z.literal("reverse-kullback-leibler") }),
    z.strictObject({ kind: z.literal("jensen-shannon") }),
    z.strictObject({ kind: z.literal("plain-transport") }),
  ])
  .transform(divergenceFrom);

const gaussianFields = { mean: numbers, covariance: numbers.optional(), sd: z.union([positive, numbers]).optional() };
const lawFields = {
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

const law = z.discriminatedUnion("kind", [
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
const lawOrData = z.discriminatedUnion("kind", [...law.options, csv]);

const flow = z.strictObject({
  kind: z.literal("proximal-flow"),
  // A file or folder is named after the problem.
  name: z.stringFormat("kebab-case", /^[A-Za-z0-9]+([-_.][A-Za-z0-9]+)*$/).optional(),
  title: z.string().optional(),
  source: lawOrData,
  target: lawOrData,
  divergence,
  lipschitz,
  kineticWeight: positive,
  horizon: positive,
  heldOut: z.int().min(0).max(MOST_HELD_OUT).nullable().optional(),
});

const weights = {
  kineticWeight: positive.optional(),
  horizon: positive.optional(),
  lipschitz: lipschitz.optional(),
};
const soft = { ...weights, divergence: divergence.optional() };
const planar = {
  ...soft,
  heldOut: z.int().min(1).max(MOST_HELD_OUT).optional(),
  heldOutSeed: z.int().min(0).optional(),
};

/** What each catalogue problem lets a file override. */
const overrides: Readonly<Record<string, z.ZodType<object>>> = {
  "gaussian-shift": z.strictObject({
    ...weights,
    dimension: z.int().min(1).optional(),
    shift: z.number().optional(),
    variance: positive.optional(),
  }),
  "gaussian-scale": z.strictObject({
    ...weights,
    dimension: z.int().min(1).optional(),
    sourceSd: positive.optional(),
    targetSd: positive.optional(),
  }),
  "manifold-target": z.strictObject({
    ...soft,
    tangential: law.transform((l) => distributionFrom(l)).optional(),
    normalDimensions: z.int().min(1).optional(),
  }),
  "point-target": z.strictObject({ ...soft, point: numbers.optional() }),
  "old-faithful": z.strictObject({ ...soft, seed: z.int().min(0).optional() }),
  ...Object.fromEntries(
    Object.entries(lawFields).map(([name, fields]) => [
      name,
      z.strictObject({ ...planar, law: z.strictObject(fields).optional() }),
    ]),
  ),
};

/**
 * Makes the problem that a JSON value describes.
 *
 * @param json the parsed file: a proximal flow, or `{ catalogue, overrides }`
 * @param folder where relative paths of data files begin; default the working directory
 * @throws UsageError that names the field when the value does not fit
 *
 * *Notes*: with a law as target `heldOut` counts fresh draws of it; with a csv file the held-out samples are `heldOutFraction` of its rows,
 * and a `count` and `checksum` in the description must be those of the rows that are left.
 *
 * @example
 * problemFrom({ catalogue: "two-moons", overrides: { lipschitz: 2 } }).lipschitz // 2
 */
export function problemFrom(json: unknown, folder = "."): ProximalFlow {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw usageError(WHERE, "content", "be an object", json, 'Start from { "catalogue": "two-moons" }');
  if ("catalogue" in json) return fromCatalogue(json);
  const f = read(flow, json, json, []);
  const source = lawFrom(f.source, folder, "source");
  demand(
    source.heldOut === null,
    WHERE,
    "source.heldOutFraction",
    "be 0",
    source.heldOut?.count,
    "Hold out samples of the target only",
  );
  const target = lawFrom(f.target, folder, "target");
  const count = f.heldOut ?? 0;
  demand(
    f.target.kind !== "csv" || count === 0 || count === (target.heldOut?.count ?? 0),
    WHERE,
    "heldOut",
    `be the ${target.heldOut?.count ?? 0} rows that target.heldOutFraction holds out`,
    count,
    "Leave it out",
  );
  return proximalFlow({
    name: f.name,
    title: f.title,
    source: source.law,
    target: target.law,
    heldOut: target.heldOut ?? (count > 0 ? heldOutSample(target.law, count) : null),
    coordinates: target.coordinates,
    divergence: f.divergence,
    lipschitz: f.lipschitz,
    kineticWeight: f.kineticWeight,
    horizon: f.horizon,
  });
}

/**
 * Reads a problem file.
 *
 * @param path of a JSON file, see {@link problemFrom}
 * @throws UsageError when the file cannot be read, is no JSON, or does not describe a problem
 */
export function readProblemFile(path: string): ProximalFlow {
  const text = readText(path, "path");
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw usageError(WHERE, path, "hold JSON", text, (error as Error).message);
  }
  return problemFrom(json, dirname(path));
}

function readText(path: string, name: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw usageError(WHERE, name, "be a readable file", path, "Check the path");
  }
}

function fromCatalogue(json: object): ProximalFlow {
  const entry = read(
    z.strictObject({ catalogue: z.enum(Object.keys(catalogue)), overrides: z.unknown().optional() }),
    json,
    json,
    [],
  );
  return catalogue[entry.catalogue].make(read(overrides[entry.catalogue], entry.overrides ?? {}, json, ["overrides"]));
}

interface Described {
  readonly law: Distribution;
  readonly heldOut: Cloud | null;
  readonly coordinates: readonly Coordinate[] | null;
}

function lawFrom(description: z.infer<typeof lawOrData>, folder: string, name: string): Described {
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

/** Parses with zod; the first issue becomes a message in the house's form. `base` is the schema's place in `whole`. */
function read<T>(schema: z.ZodType<T>, value: unknown, whole: unknown, base: readonly PropertyKey[]): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  let path = [...base, ...issue.path];
  let rule = issue.message;
  if (issue.code === "unrecognized_keys") {
    path = [...path, issue.keys[0]];
    rule = "be a known field";
  } else if (issue.code === "invalid_union" && issue.discriminator !== undefined) {
    rule = `be one of ${(issue as { options?: readonly string[] }).options?.join(", ")}`;
  } else if (issue.code === "invalid_union") rule = "be a number > 0 or an array of numbers";
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
      : (CURES[String(path.at(-1))] ?? (got === undefined ? "Add the field" : "Change the value"));
  throw usageError(WHERE, path.map(String).join("."), rule, got, cure);
}

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
};
