// Gradient-flow files: JSON ⇄ Wasserstein gradient flow.
//   { "kind": "gradient-flow", "domain": { "lower": [..], "upper": [..], "ends": …, "obstacle": "expression > 0" }, "horizon": T,
//     "energy": energy, "initial": expression | law, "mass": 1 }            or      { "catalogue": name, "overrides": { … } }
// energy = { "kind": "energy", "internal": internal, "potential": expression, "interaction": expression, "cap": number, "convexity": λ }
//        | { "kind": "lipschitz-divergence", "divergence": { "kind": … }, "lipschitz": number | "Infinity", "target": expression | law }
//        | { "kind": "transport", "order": 1 | 2, "target": expression | law }
// internal = { "kind": "entropy", "weight": ν } | { "kind": "power", "exponent": m, "weight": c }
//          | { "kind": "divergence", "divergence": { "kind": … }, "target": expression | law }
// Laws as in proximal-flow files, samples from a csv file too, but for the target of an internal energy, which needs a density. A flow's
// `describe()` is such a file, and reading it gives the flow again, but not its closed form or title (for those name the catalogue).
// What was given by a JavaScript function cannot be stored, and is refused by name; so are samples, unless they came from a csv file.
import { dirname } from "node:path";
import { z } from "zod";
import { demand } from "../src/error.js";
import type { Cloud } from "../src/measure/index.js";
import type { Coordinate } from "../src/problem.js";
import { gradientFlows } from "./catalogue/index.js";
import {
  demandObject,
  density,
  densityFrom,
  divergence,
  domainFrom,
  each,
  field,
  fromCatalogue,
  lawFrom,
  lawOrData,
  lipschitz,
  numbers,
  onDomain,
  positive,
  read,
  readJson,
  refuseFunctions,
  WHERE,
} from "./file-schema.js";
import { type GradientFlow, gradientFlow } from "./gradient-flow.js";
import {
  divergenceTo,
  type Energy,
  energy,
  entropy,
  type InternalEnergy,
  type LawInput,
  lipschitzDivergence,
  power,
  transportTo,
} from "./terms/index.js";

const lawField = z.union([field, lawOrData]);
type LawField = z.infer<typeof lawField>;

const internalPart = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("entropy"), weight: z.number().optional() }),
  z.strictObject({ kind: z.literal("power"), exponent: z.number(), weight: z.number().optional() }),
  z.strictObject({ kind: z.literal("divergence"), divergence, target: density }),
]);

const energyParts = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("energy"),
    internal: internalPart.nullable().optional(),
    potential: field.nullable().optional(),
    interaction: field.nullable().optional(),
    cap: positive.nullable().optional(),
    convexity: z.number().nullable().optional(),
  }),
  z.strictObject({ kind: z.literal("lipschitz-divergence"), divergence, lipschitz, target: lawField }),
  z.strictObject({
    kind: z.literal("transport"),
    order: z.union([z.literal(1), z.literal(2)]),
    target: lawField,
  }),
]);

const flow = z.strictObject({
  kind: z.literal("gradient-flow"),
  ...onDomain,
  energy: energyParts,
  initial: lawField,
  mass: positive.nullable().optional(),
});

const n = z.number();
const soft = { lipschitz: lipschitz.optional(), divergence: divergence.optional(), horizon: n.optional() };

/** What each catalogue flow lets a file override; the constructors check the values. */
const overrides: Readonly<Record<string, z.ZodType<object>>> = {
  barenblatt: z.strictObject(each(n, "dimension exponent mass age horizon halfWidth")),
  "gaussian-flow": z.strictObject({
    ...each(n, "dimension horizon"),
    ...each(numbers, "targetMean targetVariance mean variance"),
  }),
  "double-well": z.strictObject(each(n, "dimension diffusion horizon")),
  "merging-bumps": z.strictObject(each(n, "exponent waiting gap horizon")),
  "porous-obstacle": z.strictObject(each(n, "exponent drift radius horizon")),
  "keller-segel": z.strictObject(each(n, "share sensitivity sd horizon halfWidth")),
  "huber-flow": z.strictObject({ ...each(n, "dimension gap sd horizon"), lipschitz: lipschitz.optional() }),
  "uniform-target": z.strictObject({ ...each(n, "volume age horizon"), lipschitz: lipschitz.optional() }),
  "four-modes": z.strictObject(soft),
  "bimodal-target": z.strictObject(soft),
  "singular-target": z.strictObject({ ...soft, target: z.enum(["circles", "point"]).optional() }),
  "old-faithful-flow": z.strictObject({
    lipschitz: lipschitz.optional(),
    horizon: n.optional(),
    seed: z.int().min(0).optional(),
  }),
};

/**
 * Makes the gradient flow that a JSON value describes.
 *
 * @param json the parsed file: a gradient flow, or `{ catalogue, overrides }`
 * @param folder where relative paths of data files begin; default the working directory
 * @throws UsageError that names the field when the value does not fit
 *
 * *Notes*: samples of a target in a csv file give the coordinates their names and units; `heldOutFraction` of its rows are seen by no solver.
 *
 * @example
 * gradientFlowFrom({
 *   kind: "gradient-flow",
 *   domain: { lower: [-3], upper: [3], ends: "no-flux" },
 *   energy: { kind: "energy", internal: { kind: "power", exponent: 2 }, potential: "x^2/2", convexity: 1 },
 *   initial: { kind: "gaussian", mean: [1], sd: 0.3 },
 * }).isMonotone // true
 */
export function gradientFlowFrom(json: unknown, folder = "."): GradientFlow {
  demandObject(json, "gaussian-flow");
  if ("catalogue" in json) return fromCatalogue(json, gradientFlows, overrides);
  refuseFunctions(json, []);
  const f = read(flow, json, json, []);
  const space = domainFrom(f.domain);
  const { energy, coordinates, heldOut } = energyFrom(f.energy, space.dimension, folder);
  return gradientFlow({
    name: f.name,
    title: f.title,
    horizon: f.horizon,
    domain: space,
    energy,
    initial: startInput(f.initial, folder),
    mass: f.mass,
    heldOut,
    coordinates,
  });
}

/**
 * Reads a gradient-flow file.
 *
 * @param path of a JSON file, see {@link gradientFlowFrom}
 * @throws UsageError when the file cannot be read, is no JSON, or does not describe a gradient flow
 */
export function readGradientFlowFile(path: string): GradientFlow {
  return gradientFlowFrom(readJson(path), dirname(path));
}

interface DescribedEnergy {
  readonly energy: Energy;
  readonly coordinates: readonly Coordinate[] | null;
  readonly heldOut: Cloud | null;
}

function energyFrom(e: z.infer<typeof energyParts>, dimension: number, folder: string): DescribedEnergy {
  if (e.kind === "energy") {
    const internal = e.internal === null || e.internal === undefined ? null : internalFrom(e.internal, dimension);
    const { potential, interaction, convexity } = e;
    const made = energy({ dimension, internal, potential, interaction, convexity, cap: e.cap ?? undefined });
    return { energy: made, coordinates: null, heldOut: null };
  }
  const { law: target, coordinates, heldOut } = lawInput(e.target, folder, "energy.target");
  const made =
    e.kind === "transport"
      ? transportTo({ dimension, order: e.order, target })
      : lipschitzDivergence({ dimension, divergence: e.divergence, lipschitz: e.lipschitz, target });
  return { energy: made, coordinates, heldOut };
}

function internalFrom(e: z.infer<typeof internalPart>, dimension: number): InternalEnergy {
  if (e.kind === "entropy") return entropy(e.weight);
  if (e.kind === "power") return power(e.exponent, e.weight);
  return divergenceTo(e.divergence, densityFrom(e.target), dimension);
}

interface DescribedLaw {
  readonly law: LawInput;
  readonly coordinates: readonly Coordinate[] | null;
  readonly heldOut: Cloud | null;
}

function lawInput(description: LawField, folder: string, name: string): DescribedLaw {
  if (typeof description !== "object") return { law: description, coordinates: null, heldOut: null };
  return lawFrom(description, folder, name);
}

function startInput(description: LawField, folder: string): LawInput {
  const { law, heldOut } = lawInput(description, folder, "initial");
  demand(
    heldOut === null,
    WHERE,
    "initial.heldOutFraction",
    "be 0",
    heldOut?.count,
    "Hold out samples of the target only",
  );
  return law;
}
