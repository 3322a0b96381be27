// The Fokker–Planck equation on a domain: the law of dX = b(t, X) dt + √(2D) dW, reflected at walls and gone through doors,
//   ∂ₜρ + div(ρ b) = D Δρ + q        ρ(0) = ρ₀
//   walls  (ρ b − D∇ρ)·n = 0;        doors  ρ = 0.
// The drift is given as fields b, or as a potential: b = −∇φ, whose equilibrium with walls and D > 0 is e^{−φ/D}/Z.
// It is also the Wasserstein gradient flow of ∫ρφ + D∫ρ log ρ. D is the diffusion coefficient: the ν of a game.
// Reference: Risken 1996 (key risken1996fokker); Jordan, Kinderlehrer, Otto 1998 (key jordan1998variational).
import { demand, demandKnown } from "../src/error.js";
import type { Domain } from "../src/grid/index.js";
import type { Coordinate, Problem, WellPosedness } from "../src/problem.js";
import { demandCoordinates, demandDomain, demandHorizon, demandMass, demandPeriodic } from "./demand.js";
import {
  describeField,
  describeLaw,
  type Field,
  type FieldInput,
  field,
  type Law,
  type LawInput,
  lawOf,
} from "./terms/index.js";

/** Closed form of a Fokker–Planck problem. */
export interface FokkerPlanckExact {
  /** ρ(t, x) at row-major points. */
  density(t: number, x: Float64Array): Float64Array;
}

export interface FokkerPlanckOptions {
  /** Kebab-case; default `"fokker-planck"`. */
  readonly name?: string;
  readonly title?: string;
  readonly domain: Domain;
  /** T > 0; default 1. */
  readonly horizon?: number;
  /** D ≥ 0. */
  readonly diffusion: number;
  /** b, one field a coordinate; give this or `potential`, or neither for b = 0. */
  readonly drift?: readonly FieldInput[];
  /** φ with b = −∇φ. On periodic axes it must be periodic. */
  readonly potential?: FieldInput;
  readonly initial: LawInput;
  /** A number: ρ₀ is scaled so that its quadrature on the solver's cells is this mass; `null`: as it is. Default 1 for distributions, else `null`. */
  readonly mass?: number | null;
  /** q; default none. */
  readonly source?: FieldInput | null;
  readonly exact?: FokkerPlanckExact | null;
  readonly coordinates?: readonly Coordinate[] | null;
  readonly references?: readonly string[];
}

export interface FokkerPlanck extends Problem {
  readonly kind: "fokker-planck";
  readonly domain: Domain;
  readonly diffusion: number;
  /** b by coordinate; `null` when it is given by a potential. */
  readonly drift: readonly Field[] | null;
  /** φ; `null` when the drift is given by fields. */
  readonly potential: Field | null;
  readonly initial: Law;
  readonly mass: number | null;
  readonly source: Field | null;
  readonly exact: FokkerPlanckExact | null;
}

/**
 * Makes a Fokker–Planck problem.
 *
 * @throws UsageError when a term does not fit the domain, D is negative, or both a drift and a potential are given
 *
 * *Notes*: a potential lets solvers keep its equilibrium to round-off; a drift that is a gradient should be given that way.
 *
 * *Good values*: D from 0.01 to 1 on a unit box; T = 1.
 *
 * *References*: risken1996fokker, jordan1998variational
 *
 * @example
 * fokkerPlanckProblem({
 *   domain: domain({ lower: [-4], upper: [4], ends: "no-flux" }),
 *   diffusion: 0.5,
 *   potential: "x^4/4 - x^2/2",
 *   initial: gaussian({ mean: [0], sd: 0.3 }),
 * });
 */
export function fokkerPlanckProblem(options: FokkerPlanckOptions): FokkerPlanck {
  const where = "fokkerPlanckProblem";
  demandKnown(where, options, [
    "name",
    "title",
    "domain",
    "horizon",
    "diffusion",
    "drift",
    "potential",
    "initial",
    "mass",
    "source",
    "exact",
    "coordinates",
    "references",
  ]);
  const { domain, diffusion } = options;
  demandDomain(where, domain);
  const d = domain.dimension;
  const horizon = options.horizon ?? 1;
  demandHorizon(where, horizon);
  demand(
    diffusion >= 0 && Number.isFinite(diffusion),
    where,
    "diffusion",
    "be a finite number ≥ 0",
    diffusion,
    "Use diffusion: 0.1 to start",
  );
  demand(
    options.drift === undefined || options.potential === undefined,
    where,
    "drift",
    "be left out when a potential is given",
    options.drift?.length,
    "Give one of the two: b, or φ with b = −∇φ",
  );
  demand(
    options.drift === undefined || (Array.isArray(options.drift) && options.drift.length === d),
    where,
    "drift",
    `have ${d} fields, one for each coordinate`,
    Array.isArray(options.drift) ? options.drift.length : options.drift,
    "Give every component of b",
  );
  const initial = lawOf(options.initial, d, where, "initial");
  const mass = options.mass === undefined ? (initial.distribution === null ? null : 1) : options.mass;
  demandMass(where, mass);
  const potential = options.potential === undefined ? null : field(options.potential, d, where, "potential");
  const drift =
    potential === null
      ? (options.drift ?? Array<number>(d).fill(0)).map((b, a) => field(b, d, where, `drift[${a}]`))
      : null;
  if (potential !== null) demandPeriodic(where, "potential", "potential", potential, domain);
  for (const [a, b] of (drift ?? []).entries()) demandPeriodic(where, `drift[${a}]`, "drift", b, domain);
  const given = options.source ?? null;
  const source = given === null ? null : field(given, d, where, "source");
  const exact = options.exact ?? null;
  const coordinates = options.coordinates ?? null;
  demandCoordinates(where, coordinates, d);
  const name = options.name ?? "fokker-planck";
  const diffusive = diffusion === 0 ? "0" : diffusion === 1 ? "Δρ" : `${diffusion} Δρ`;
  const right = source === null ? diffusive : `${diffusive === "0" ? "" : `${diffusive} + `}q,   q = ${source.text}`;
  const b = potential !== null ? `−∇φ,  φ = ${potential.text}` : `(${(drift ?? []).map((f) => f.text).join(", ")})`;
  return Object.freeze({
    kind: "fokker-planck",
    name,
    title: options.title ?? name,
    dimension: d,
    horizon,
    references: options.references ?? ["risken1996fokker"],
    // A linear flow of one law: as a game it has no coupling.
    isPotential: potential !== null,
    isMonotone: true,
    hasExact: exact !== null,
    domain,
    diffusion,
    drift,
    potential,
    initial,
    mass,
    source,
    exact,
    coordinates,
    equations: [`∂ₜρ + div(ρ b) = ${right},   ρ(0) = ${initial.text}`, `b = ${b}`],
    wellPosedness: (): WellPosedness => wellPosedness(diffusion, source),
    describe: () => ({
      kind: "fokker-planck",
      name,
      horizon,
      domain: domain.description,
      diffusion,
      drift: drift?.map(describeField) ?? null,
      potential: potential === null ? null : describeField(potential),
      initial: describeLaw(initial),
      mass,
      source: source === null ? null : describeField(source),
    }),
  } as const);
}

function wellPosedness(diffusion: number, source: Field | null): WellPosedness {
  const reasons: string[] = [];
  if (diffusion > 0) reasons.push("D > 0: a linear parabolic equation, one solution for every initial law");
  else
    reasons.push(
      "D = 0: the law is carried along the characteristics of b; unique for Lipschitz b, and a measure where they meet",
    );
  if (source !== null) reasons.push("a source makes mass and may make the density negative where q < 0");
  return { wellPosed: diffusion > 0 ? true : null, reasons };
}
