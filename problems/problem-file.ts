// Problem files: JSON ⇄ proximal flow.
//   { "kind": "proximal-flow", "source": law, "target": law, "divergence": { "kind": … }, "lipschitz": number | "Infinity",
//     "kineticWeight": λ, "horizon": T, "heldOut": count }            or      { "catalogue": name, "overrides": { … } }
// law = { "kind": … } as a law describes itself, or samples from a file:
//   { "kind": "csv", "file": path, "columns": [names], "standardise": true, "heldOutFraction": 0.2, "seed": 1 }
// A problem's `describe()` is such a file, and reading it gives the problem again, but not its closed form or title (for those name
// the catalogue), nor samples: a law of kind `empirical` says which samples they were and is refused. Paths count from the problem file's folder.
import { dirname } from "node:path";
import { z } from "zod";
import { demand } from "../src/error.js";
import { distributionFrom } from "../src/measure/index.js";
import { catalogue } from "./catalogue/index.js";
import {
  demandObject,
  divergence,
  fromCatalogue,
  kebab,
  law,
  lawFields,
  lawFrom,
  lawOrData,
  lipschitz,
  numbers,
  positive,
  read,
  readJson,
  WHERE,
} from "./file-schema.js";
import { type ProximalFlow, proximalFlow } from "./proximal-flow.js";
import { heldOutSample } from "./samples.js";

/** Distances to the held-out samples are exact assignments, which take no more. */
const MOST_HELD_OUT = 8192;

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
  demandObject(json, "two-moons");
  if ("catalogue" in json) return fromCatalogue(json, catalogue, overrides);
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
