// Problem files: JSON ⇄ proximal flow.
//   { "kind": "proximal-flow", "source": law, "target": law, "divergence": { "kind": … }, "lipschitz": number | "Infinity",
//     "kineticWeight": λ, "horizon": T, "heldOut": count }            or      { "catalogue": name, "overrides": { … } }
// law = { "kind": … } as a law describes itself, or samples from a file:
//   { "kind": "csv", "file": path, "columns": [names], "standardise": true, "heldOutFraction": 0.2, "seed": 1 }
// A problem's `describe()` is such a file, and reading it gives the problem again, but not its closed form or title (for those name
// the catalogue), nor samples: a law of kind `empirical` says which samples they were and is refused. Paths count from the problem file's folder.
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
import { kebab, law, lawFields, numbers, positive, read, readJson, readText, WHERE } from "./file-schema.js";
import { type ProximalFlow, proximalFlow } from "./proximal-flow.js";
import { heldOutSample, split, standardise } from "./samples.js";

/** Distances to the held-out samples are exact assignments, which take no more. */
const MOST_HELD_OUT = 8192;

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
  name: kebab.optional(),
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
  return problemFrom(readJson(path), dirname(path));
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
