// Game files: JSON ⇄ mean-field game.
//   { "kind": "mean-field-game", "mode": "time-dependent" | "planning" | "ergodic", "horizon": T,
//     "domain": { "lower": [..], "upper": [..], "ends": …, "doors": [..], "obstacle": "expression > 0" },
//     "populations": { "viscosity": ν, "hamiltonian": "0.5*p1^2" | { "kind": … }, "initial": expression | law, "final": …, "mass": 1 } | [..],
//     "coupling": "m^2 - sin(2*pi*x)" | ["…", "…"] | { "kind": … }, "terminal": the same | null }
// or { "catalogue": name, "overrides": { … } }. Hamiltonians and couplings of a kind are written as they describe themselves, the dimension
// and the number of populations left out where they follow from the rest; laws as in proximal-flow files. A game's `describe()` is
// such a file, and reading it gives the game again, but not its closed form or title (for those name the catalogue). What was given by a
// JavaScript function cannot be stored, and is refused by name.
import { z } from "zod";
import type { Domain } from "../src/grid/index.js";
import { games } from "./catalogue/index.js";
import {
  demandObject,
  density,
  densityFrom,
  domainFrom,
  each,
  field,
  fromCatalogue,
  numbers,
  onDomain,
  positive,
  read,
  readJson,
  refuseFunctions,
} from "./file-schema.js";
import { type MeanFieldGame, meanFieldGame } from "./mean-field-game.js";
import {
  type Coupling,
  couplingCapacity,
  couplingField,
  couplingLocal,
  couplingLog,
  couplingMean,
  couplingNonlocal,
  couplingSum,
  type Hamiltonian,
  hamiltonianBounded,
  hamiltonianCongestion,
  hamiltonianExpression,
  hamiltonianPower,
  hamiltonianQuadratic,
} from "./terms/index.js";

const count = z.int().min(1);
const common = { dimension: count.optional(), parameters: z.record(z.string(), z.number()).optional() };

const hamiltonian = z.union([
  z.string(),
  z.discriminatedUnion("kind", [
    z.strictObject({
      ...common,
      kind: z.literal("quadratic"),
      weight: field.optional(),
      drift: z.array(field).nullable().optional(),
      metric: z
        .union([z.array(z.array(z.number())), z.array(field)])
        .nullable()
        .optional(),
    }),
    z.strictObject({ ...common, kind: z.literal("power"), exponent: z.number(), weight: field.optional() }),
    z.strictObject({ ...common, kind: z.literal("bounded"), speed: field, set: z.enum(["ball", "box"]).optional() }),
    z.strictObject({ ...common, kind: z.literal("congestion"), exponent: z.number(), weight: field.optional() }),
    z.strictObject({ ...common, kind: z.literal("expression"), text: z.string() }),
  ]),
]);

const own = { ...common, cost: field.optional() };
const part = z.discriminatedUnion("kind", [
  z.strictObject({
    ...common,
    kind: z.literal("local"),
    name: z.string().optional(),
    populations: count.optional(),
    cost: z.union([z.string(), z.array(z.string())]),
    massRange: z.tuple([z.number(), z.union([z.number(), z.literal("Infinity").transform(() => Infinity)])]).optional(),
    isMonotone: z.boolean().nullable().optional(),
  }),
  z.strictObject({ ...common, kind: z.literal("field"), cost: z.union([field, z.array(field)]) }),
  z.strictObject({ ...own, kind: z.literal("log"), weight: z.number().optional() }),
  z.strictObject({
    ...own,
    kind: z.literal("capacity"),
    capacity: positive,
    weight: positive.optional(),
    barrier: z.enum(["quotient", "log"]).optional(),
  }),
  z.strictObject({
    ...common,
    kind: z.literal("nonlocal"),
    kernel: z.string().optional(),
    width: positive.optional(),
    weight: z.union([z.number(), z.array(z.array(z.number()))]).optional(),
  }),
  z.strictObject({
    kind: z.literal("mean"),
    dimension: count.optional(),
    populations: count.optional(),
    weight: z.number().optional(),
    share: z.number().optional(),
    offset: z.array(z.number()).optional(),
  }),
  z.strictObject({
    kind: z.literal("sum"),
    get parts() {
      return z.array(part).min(1);
    },
  }),
]);
type Part = z.infer<typeof part>;
const coupling = z.union([z.string(), z.array(z.string()).min(1), part]);

const population = z.strictObject({
  name: z.string().optional(),
  viscosity: z.number(),
  hamiltonian,
  initial: density.nullable().optional(),
  final: density.nullable().optional(),
  mass: positive.nullable().optional(),
  valueSource: field.nullable().optional(),
  densitySource: field.nullable().optional(),
});

const game = z.strictObject({
  kind: z.literal("mean-field-game"),
  ...onDomain,
  mode: z.enum(["time-dependent", "planning", "ergodic"]).optional(),
  populations: z.union([population, z.array(population).min(1)]),
  coupling,
  terminal: coupling.nullable().optional(),
});

const n = z.number();

/** What each catalogue game lets a file override; the constructors check the values. */
const overrides: Readonly<Record<string, z.ZodType<object>>> = {
  "torus-crowd": z.strictObject(each(n, "dimension viscosity horizon")),
  "ergodic-torus": z.strictObject(each(n, "dimension viscosity weight")),
  "log-gaussian": z.strictObject({
    ...each(n, "dimension viscosity stiffness weight horizon halfWidth"),
    mode: z.enum(["time-dependent", "ergodic"]).optional(),
  }),
  "linear-quadratic-mean": z.strictObject({
    ...each(n, "dimension viscosity attraction terminalWeight variance horizon halfWidth"),
    mean: numbers.optional(),
  }),
  "gaussian-bridge": z.strictObject(each(n, "dimension viscosity weight horizon shift sd0 sd1")),
  "first-order-torus": z.strictObject({
    ...each(n, "meanDrift drift potential viscosity"),
    coupling: z.enum(["increasing", "decreasing"]).optional(),
  }),
  "obstacle-crowd": z.strictObject({
    ...each(n, "viscosity hill entropy terminalWeight horizon"),
    end: z.enum(["soft", "planning"]).optional(),
  }),
  corridor: z.strictObject(each(n, "viscosity congestion stay start horizon")),
  "manufactured-torus": z.strictObject(each(n, "dimension viscosity coupling densityAmplitude valueAmplitude horizon")),
  "systemic-risk": z.strictObject(
    each(n, "reversion incentive penalty terminalPenalty volatility mean variance horizon"),
  ),
  "two-crowds": z.strictObject(each(n, "dimension viscosity own other pull horizon")),
  evacuation: z.strictObject(each(n, "viscosity congestion urgency stay pillar horizon")),
};

/**
 * Makes the mean-field game that a JSON value describes.
 *
 * @param json the parsed file: a game, or `{ catalogue, overrides }`
 * @throws UsageError that names the field when the value does not fit
 *
 * @example
 * gameFrom({
 *   kind: "mean-field-game",
 *   domain: { lower: [0], upper: [1] },
 *   populations: { viscosity: 0.3, hamiltonian: "0.5*p1^2", initial: "1 + 0.5*cos(2*pi*x)" },
 *   coupling: "m^2 - sin(2*pi*x)",
 * }).isMonotone // true
 */
export function gameFrom(json: unknown): MeanFieldGame {
  demandObject(json, "torus-crowd");
  if ("catalogue" in json) return fromCatalogue(json, games, overrides);
  refuseFunctions(json, []);
  const g = read(game, json, json, []);
  const space = domainFrom(g.domain);
  const d = space.dimension;
  const list = Array.isArray(g.populations) ? g.populations : [g.populations];
  return meanFieldGame({
    name: g.name,
    title: g.title,
    mode: g.mode,
    horizon: g.horizon,
    domain: space,
    populations: list.map((p) => ({
      ...p,
      hamiltonian: hamiltonianFrom(p.hamiltonian, d),
      initial: p.initial === null || p.initial === undefined ? undefined : densityFrom(p.initial),
      final: p.final === null || p.final === undefined ? undefined : densityFrom(p.final),
    })),
    coupling: couplingFrom(g.coupling, space, list.length),
    terminal: g.terminal === null || g.terminal === undefined ? null : couplingFrom(g.terminal, space, list.length),
  });
}

/**
 * Reads a game file.
 *
 * @param path of a JSON file, see {@link gameFrom}
 * @throws UsageError when the file cannot be read, is no JSON, or does not describe a game
 */
export function readGameFile(path: string): MeanFieldGame {
  return gameFrom(readJson(path));
}

function hamiltonianFrom(h: z.infer<typeof hamiltonian>, d: number): Hamiltonian {
  if (typeof h === "string") return hamiltonianExpression({ dimension: d, text: h });
  switch (h.kind) {
    case "quadratic": {
      const { kind: _, ...options } = h;
      return hamiltonianQuadratic({ dimension: d, ...options });
    }
    case "power": {
      const { kind: _, ...options } = h;
      return hamiltonianPower({ dimension: d, ...options });
    }
    case "bounded": {
      const { kind: _, ...options } = h;
      return hamiltonianBounded({ dimension: d, ...options });
    }
    case "congestion": {
      const { kind: _, ...options } = h;
      return hamiltonianCongestion({ dimension: d, ...options });
    }
    case "expression": {
      const { kind: _, ...options } = h;
      return hamiltonianExpression({ dimension: d, ...options });
    }
  }
}

function couplingFrom(c: z.infer<typeof coupling>, space: Domain, K: number): Coupling {
  const d = space.dimension;
  if (typeof c === "string" || Array.isArray(c)) return couplingLocal({ dimension: d, populations: K, cost: c });
  return partFrom(c, space, K);
}

function partFrom(c: Part, space: Domain, K: number): Coupling {
  const d = space.dimension;
  switch (c.kind) {
    case "local": {
      const { kind: _, ...options } = c;
      return couplingLocal({ dimension: d, populations: K, ...options });
    }
    case "field": {
      const { kind: _, ...options } = c;
      return couplingField({ dimension: d, ...options });
    }
    case "log": {
      const { kind: _, ...options } = c;
      return couplingLog({ dimension: d, ...options });
    }
    case "capacity": {
      const { kind: _, ...options } = c;
      return couplingCapacity({ dimension: d, ...options });
    }
    case "nonlocal": {
      const { kind: _, ...options } = c;
      return couplingNonlocal({ dimension: d, ...options, domain: space });
    }
    case "mean": {
      const { kind: _, ...options } = c;
      return couplingMean({ dimension: d, populations: K, ...options });
    }
    case "sum":
      return couplingSum(c.parts.map((p) => partFrom(p, space, K)));
  }
}
