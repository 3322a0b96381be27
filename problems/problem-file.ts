// Problem files: JSON ⇄ proximal flow.
//   { "kind": "proximal-flow", "source": law, "target": law, "divergence": { "kind": … }, "lipschitz": number | "Infinity",
//     "kineticWeight": λ, "horizon": T, "heldOut": count }            or      { "catalogue": name, "overrides": { … } }
// law = { "kind": … } as a law describes itself; a problem's `describe()` is such a file, and reading it gives the problem again
// (but not its closed form: for that name the catalogue).
import { readFileSync } from "node:fs";
import { z } from "zod";
import { usageError } from "../src/error.js";
import { type Distribution, distributionFrom, divergenceFrom } from "../src/measure/index.js";
import { catalogue } from "./catalogue/index.js";
import { type ProximalFlow, proximalFlow } from "./proximal-flow.js";
import { heldOutSample } from "./samples.js";

const WHERE = "problem file";

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
type LawDescription = z.infer<typeof law>;

const flow = z.strictObject({
  kind: z.literal("proximal-flow"),
  name: z.string().optional(),
  title: z.string().optional(),
  source: law,
  target: law,
  divergence,
  lipschitz,
  kineticWeight: positive,
  horizon: positive,
  heldOut: z.int().min(0).nullable().optional(),
});

const weights = {
  kineticWeight: positive.optional(),
  horizon: positive.optional(),
  lipschitz: lipschitz.optional(),
};
const soft = { ...weights, divergence: divergence.optional() };
const planar = { ...soft, heldOut: z.int().min(1).optional(), heldOutSeed: z.int().min(0).optional() };

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
 * @throws UsageError that names the field when the value does not fit
 *
 * *Notes*: `heldOut` counts fresh draws of the target.
 *
 * @example
 * problemFrom({ catalogue: "two-moons", overrides: { lipschitz: 2 } }).lipschitz // 2
 */
export function problemFrom(json: unknown): ProximalFlow {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw usageError(WHERE, "content", "be an object", json, 'Start from { "catalogue": "two-moons" }');
  if ("catalogue" in json) return fromCatalogue(json);
  const f = read(flow, json, json, []);
  const target = lawFrom(f.target);
  return proximalFlow({
    name: f.name,
    title: f.title,
    source: lawFrom(f.source),
    target,
    heldOut: f.heldOut ? heldOutSample(target, f.heldOut) : null,
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
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw usageError(WHERE, "path", "be a readable file", path, (error as Error).message);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw usageError(WHERE, path, "hold JSON", text, (error as Error).message);
  }
  return problemFrom(json);
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

function lawFrom(description: LawDescription): Distribution {
  return distributionFrom(description);
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
  else if (issue.code === "invalid_type") rule = `be ${ARTICLE[issue.expected] ?? issue.expected}`;
  else if (issue.code === "too_small")
    rule =
      issue.origin === "array"
        ? `have at least ${issue.minimum} entries`
        : `be ${issue.inclusive ? "≥" : ">"} ${issue.minimum}`;
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
  kind: "Choose one of them",
  source: 'Give a law, for example { "kind": "gaussian", "mean": [0, 0] }',
  target: 'Give a law, for example { "kind": "two-moons" }',
  divergence: 'Use { "kind": "kullback-leibler" } to start',
  lipschitz: 'Use 1 to start, "Infinity" for no W₁ regularisation',
  kineticWeight: "Use 0.5 to start",
  horizon: "Use 1 to start",
  heldOut: "Give the number of fresh draws of the target, or leave it out",
  catalogue: "See meanfield list",
};
