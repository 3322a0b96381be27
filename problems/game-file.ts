// Game files: JSON ⇄ mean-field game.
//   { "kind": "mean-field-game", "mode": "time-dependent" | "planning" | "ergodic", "horizon": T,
//     "domain": { "lower": [..], "upper": [..], "ends": …, "doors": [..], "obstacle": "expression > 0" },
//     "populations": { "viscosity": ν, "hamiltonian": "0.5*p1^2" | { "kind": … }, "initial": expression | law, "final": …, "mass": 1 } | [..],
//     "coupling": "m^2 - sin(2*pi*x)" | ["…", "…"] | { "kind": … }, "terminal": the same | null }
// or { "catalogue": name, "overrides": { … } }. Hamiltonians and couplings of a kind are written as they describe themselves, the dimension
// and the number of populations left out where they follow from the rest; laws as in proximal-flow files. A game's `describe()` is
// such a file, and reading it gives the game again, but not its closed form or title (for those name the catalogue). What was given by a
// JavaScript function cannot be stored, and is refused by name.
import { dirname } from "node:path";
import { z } from "zod";
import { demand, usageError } from "../src/error.js";
import { compile } from "../src/expression/index.js";
import { type Domain, domain } from "../src/grid/index.js";
import { distributionFrom } from "../src/measure/index.js";
import { games } from "./catalogue/index.js";
import { kebab, law, numbers, positive, read, readJson, WHERE } from "./file-schema.js";
import { type MeanFieldGame, meanFieldGame } from "./mean-field-game.js";
import { problemFrom } from "./problem-file.js";
import type { ProximalFlow } from "./proximal-flow.js";
import {
  type Coupling,
  coordinateNames,
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
const field = z.union([z.number(), z.string()]);
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

const side = z.enum(["no-flux", "door"]);
const ends = z.union([z.enum(["periodic", "no-flux", "door"]), z.tuple([side, side])]);
const box = z.strictObject({
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

const density = z.union([field, law]);
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
  name: kebab.optional(),
  title: z.string().optional(),
  mode: z.enum(["time-dependent", "planning", "ergodic"]).optional(),
  horizon: positive.optional(),
  domain: box,
  populations: z.union([population, z.array(population).min(1)]),
  coupling,
  terminal: coupling.nullable().optional(),
});

const each = <T extends z.ZodType>(type: T, names: string) =>
  Object.fromEntries(names.split(" ").map((name) => [name, type.optional()]));
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
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw usageError(WHERE, "content", "be an object", json, 'Start from { "catalogue": "torus-crowd" }');
  if ("catalogue" in json) return fromCatalogue(json);
  refuseFunctions(json, []);
  const g = read(game, json, json, []);
  const space = domainFrom(g.domain);
  const d = space.dimension;
  const list = Array.isArray(g.populations) ? g.populations : [g.populations];
  const law = (input: z.infer<typeof density>) => (typeof input === "object" ? distributionFrom(input) : input);
  return meanFieldGame({
    name: g.name,
    title: g.title,
    mode: g.mode,
    horizon: g.horizon,
    domain: space,
    populations: list.map((p) => ({
      ...p,
      hamiltonian: hamiltonianFrom(p.hamiltonian, d),
      initial: p.initial === null || p.initial === undefined ? undefined : law(p.initial),
      final: p.final === null || p.final === undefined ? undefined : law(p.final),
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

/**
 * Reads a problem file of either kind.
 *
 * @param path of a JSON file: a game (see {@link gameFrom}) or a proximal flow (see {@link problemFrom})
 * @throws UsageError when the file cannot be read, is no JSON, or does not describe a problem
 */
export function readProblem(path: string): MeanFieldGame | ProximalFlow {
  const json = readJson(path);
  const { kind, catalogue } = (typeof json === "object" && json !== null ? json : {}) as Record<string, unknown>;
  const isGame = kind === "mean-field-game" || (typeof catalogue === "string" && Object.hasOwn(games, catalogue));
  return isGame ? gameFrom(json) : problemFrom(json, dirname(path));
}

function fromCatalogue(json: object): MeanFieldGame {
  const entry = read(
    z.strictObject({ catalogue: z.enum(Object.keys(games)), overrides: z.unknown().optional() }),
    json,
    json,
    [],
  );
  return games[entry.catalogue].make(read(overrides[entry.catalogue], entry.overrides ?? {}, json, ["overrides"]));
}

function domainFrom(b: z.infer<typeof box>): Domain {
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
  const solid = compile(text, coordinateNames(b.lower.length));
  return domain({
    ...b,
    doors,
    obstacle: (x) => solid.evaluate(...x) > 0,
    obstacleText: `${text} > 0`,
  });
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

/** Names the first field that a description could only call a function. */
function refuseFunctions(value: unknown, path: readonly string[]): void {
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
