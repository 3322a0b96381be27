// Fokker–Planck files: JSON ⇄ Fokker–Planck problem.
//   { "kind": "fokker-planck", "domain": { "lower": [..], "upper": [..], "ends": …, "doors": [..], "obstacle": "expression > 0" },
//     "horizon": T, "diffusion": D, "drift": [expressions] | "potential": expression, "initial": expression | law, "mass": 1, "source": q }
// or { "catalogue": name, "overrides": { … } }. A problem's `describe()` is such a file, and reading it gives the problem again, but not
// its closed form or title (for those name the catalogue). What was given by a JavaScript function cannot be stored, and is refused by name.
import { z } from "zod";
import { diffusions } from "./catalogue/index.js";
import {
  demandObject,
  density,
  densityFrom,
  domainFrom,
  each,
  field,
  fromCatalogue,
  onDomain,
  positive,
  read,
  readJson,
  refuseFunctions,
} from "./file-schema.js";
import { type FokkerPlanck, fokkerPlanckProblem } from "./fokker-planck.js";

const problem = z.strictObject({
  kind: z.literal("fokker-planck"),
  ...onDomain,
  diffusion: z.number(),
  drift: z.array(field).nullable().optional(),
  potential: field.nullable().optional(),
  initial: density,
  mass: positive.nullable().optional(),
  source: field.nullable().optional(),
});

const n = z.number();

/** What each catalogue problem lets a file override; the constructors check the values. */
const overrides: Readonly<Record<string, z.ZodType<object>>> = {
  "wall-drift": z.strictObject(each(n, "dimension drift horizon")),
  "wall-equilibrium": z.strictObject(each(n, "dimension horizon")),
  "ornstein-uhlenbeck": z.strictObject(each(n, "dimension rate volatility start variance horizon")),
};

/**
 * Makes the Fokker–Planck problem that a JSON value describes.
 *
 * @param json the parsed file: a Fokker–Planck problem, or `{ catalogue, overrides }`
 * @throws UsageError that names the field when the value does not fit
 *
 * @example
 * fokkerPlanckFrom({
 *   kind: "fokker-planck",
 *   domain: { lower: [-4], upper: [4], ends: "no-flux" },
 *   diffusion: 0.5,
 *   potential: "x^4/4 - x^2/2",
 *   initial: { kind: "gaussian", mean: [0], sd: 0.3 },
 * }).isPotential // true
 */
export function fokkerPlanckFrom(json: unknown): FokkerPlanck {
  demandObject(json, "wall-drift");
  if ("catalogue" in json) return fromCatalogue(json, diffusions, overrides);
  refuseFunctions(json, []);
  const { kind: _, ...p } = read(problem, json, json, []);
  return fokkerPlanckProblem({
    ...p,
    domain: domainFrom(p.domain),
    drift: p.drift ?? undefined,
    potential: p.potential ?? undefined,
    initial: densityFrom(p.initial),
  });
}

/**
 * Reads a Fokker–Planck file.
 *
 * @param path of a JSON file, see {@link fokkerPlanckFrom}
 * @throws UsageError when the file cannot be read, is no JSON, or does not describe a Fokker–Planck problem
 */
export function readFokkerPlanckFile(path: string): FokkerPlanck {
  return fokkerPlanckFrom(readJson(path));
}
