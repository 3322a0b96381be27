// Wasserstein gradient flows on a domain: steepest descent of an energy E in the space of densities,
//   ∂ₜρ = div(ρ ∇ δE/δρ),   v = −∇ δE/δρ,   no flux through walls,   ρ(0) = ρ₀
//   dissipation  dE/dt = −I,  I = ∫ρ|∇ δE/δρ|²
// Reference: Jordan, Kinderlehrer, Otto 1998 (key jordan1998variational); Ambrosio, Gigli, Savaré 2008 (key ambrosio2008gradient).
import { demand, demandKnown } from "../src/error.js";
import { type Cells, type Domain, integrate } from "../src/grid/index.js";
import type { Cloud } from "../src/measure/index.js";
import type { Coordinate, Problem, WellPosedness } from "../src/problem.js";
import { demandCoordinates, demandDomain, demandHorizon, demandInside, demandMass, demandPeriodic } from "./demand.js";
import { densityOn, describeLaw, type Energy, type Law, type LawInput, lawOf } from "./terms/index.js";

/** Closed form of a gradient flow. */
export interface GradientFlowExact {
  /** ρ(t, x) at row-major points; `null` where only other facts are known. */
  readonly density: ((t: number, x: Float64Array) => Float64Array) | null;
  /** E(ρ(t)); `null` when not known. */
  readonly energy: ((t: number) => number) | null;
}

export interface GradientFlowOptions {
  /** Kebab-case; default `"gradient-flow"`. */
  readonly name?: string;
  readonly title?: string;
  readonly domain: Domain;
  /** T > 0; default 1. */
  readonly horizon?: number;
  readonly energy: Energy;
  readonly initial: LawInput;
  /** A number: ρ₀ is scaled to this mass on the solver's cells; `null`: taken as it is. Default 1. */
  readonly mass?: number | null;
  readonly exact?: GradientFlowExact | null;
  /** Samples of the target that no solver sees; default none. */
  readonly heldOut?: Cloud | null;
  readonly coordinates?: readonly Coordinate[] | null;
  readonly references?: readonly string[];
}

export interface GradientFlow extends Problem {
  readonly kind: "gradient-flow";
  readonly domain: Domain;
  readonly energy: Energy;
  readonly initial: Law;
  readonly mass: number | null;
  readonly exact: GradientFlowExact | null;
  readonly heldOut: Cloud | null;
}

/**
 * Makes a gradient flow.
 *
 * @throws UsageError when a term does not fit the domain, more than a tenth of a law lies outside it, or the domain has doors
 *
 * *Notes*: an unregularised divergence to a singular target is ill-posed, and `wellPosedness()` says so before any work.
 *
 * *Good values*: a box that holds all but 1e-8 of the mass for all times.
 *
 * *References*: jordan1998variational, ambrosio2008gradient
 */
export function gradientFlow(options: GradientFlowOptions): GradientFlow {
  const where = "gradientFlow";
  demandKnown(where, options, [
    "name",
    "title",
    "domain",
    "horizon",
    "energy",
    "initial",
    "mass",
    "exact",
    "heldOut",
    "coordinates",
    "references",
  ]);
  const { domain, energy } = options;
  const horizon = options.horizon ?? 1;
  demandHorizon(where, horizon);
  demandDomain(where, domain);
  demand(
    typeof energy?.dimension === "number",
    where,
    "energy",
    "be an energy made by energy(), lipschitzDivergence() or transportTo()",
    energy,
    "Use energy: energy({ dimension: 1, internal: entropy() }) to start",
  );
  demand(
    energy.dimension === domain.dimension,
    where,
    "energy",
    `live in the domain's dimension ${domain.dimension}`,
    energy.dimension,
    "Give every term in the same dimension",
  );
  demand(
    domain.doors.length === 0,
    where,
    "domain",
    "have no doors",
    `${domain.doors.length} doors`,
    "A gradient flow keeps its mass: close them, or solve a Fokker–Planck problem",
  );
  const initial = lawOf(options.initial, domain.dimension, where, "initial");
  demandInside(where, "initial", initial, domain);
  const target = (energy.divergence ?? energy.transport)?.target ?? null;
  if (target !== null) demandInside(where, "target", target, domain);
  if (energy.potential !== null) demandPeriodic(where, "the potential", "potential", energy.potential, domain);
  const mass = options.mass === undefined ? 1 : options.mass;
  demandMass(where, mass);
  const coordinates = options.coordinates ?? null;
  demandCoordinates(where, coordinates, domain.dimension);
  const exact = options.exact ?? null;
  const heldOut = options.heldOut ?? null;
  demand(
    heldOut === null || heldOut.dimension === domain.dimension,
    where,
    "heldOut",
    `live in the domain's dimension ${domain.dimension}`,
    heldOut?.dimension,
    "Give samples of the target's space",
  );
  const name = options.name ?? "gradient-flow";
  return Object.freeze({
    kind: "gradient-flow",
    name,
    title: options.title ?? name,
    dimension: domain.dimension,
    horizon,
    references: options.references ?? ["jordan1998variational"],
    isPotential: true,
    isMonotone: energy.convexity === null ? null : energy.convexity >= 0,
    hasExact: exact !== null,
    domain,
    energy,
    initial,
    mass,
    exact,
    heldOut,
    coordinates,
    equations: [
      "∂ₜρ = div(ρ ∇ δE/δρ),   v = −∇ δE/δρ",
      `E(ρ) = ${energy.text}`,
      `ρ(0) = ${initial.text}`,
      ...(energy.cap === Infinity ? [] : [`ρ ≤ ${energy.cap}`]),
    ],
    wellPosedness: (): WellPosedness => wellPosedness(energy),
    describe: () => ({
      kind: "gradient-flow",
      name,
      horizon,
      domain: domain.description,
      energy: energy.description,
      initial: describeLaw(initial),
      mass,
    }),
  } as const);
}

/**
 * ρ₀ as a density on cells.
 *
 * @throws UsageError when a value is negative or not finite, or ρ₀ has no mass there
 */
export function startOn(flow: Pick<GradientFlow, "initial" | "mass">, cells: Cells, where: string): Float64Array {
  const density = densityOn(flow.initial, flow.mass, cells, where);
  const mass = integrate(cells.grid, density);
  demand(
    mass > 0 && mass < Infinity,
    where,
    "the initial density",
    "have a finite mass > 0 on the solver's cells",
    mass,
    "Use more points, or move it into the open part of the domain",
  );
  return density;
}

function wellPosedness(energy: Energy): WellPosedness {
  const regular = energy.divergence;
  if (regular !== null) {
    if (regular.lipschitz < Infinity)
      return {
        wellPosed: true,
        reasons: [
          `speed is at most L = ${Number(regular.lipschitz.toPrecision(6))}: finite for every target, singular ones too`,
        ],
      };
    const singular = regular.target.density === null;
    return singular
      ? {
          wellPosed: false,
          reasons: [
            "the target has no density and nothing regularises the divergence: D is infinite; set a finite lipschitz",
          ],
        }
      : { wellPosed: true, reasons: ["the target has a density: a Fokker–Planck or porous-medium flow"] };
  }
  if (energy.convexity !== null)
    return {
      wellPosed: true,
      reasons: [
        `E is ${energy.convexity}-convex along geodesics: two flows ${
          energy.convexity > 0
            ? `come together like e^{−${energy.convexity} t}`
            : energy.convexity === 0
              ? "do not part"
              : `part no faster than e^{${-energy.convexity} t}`
        }`,
      ],
    };
  if (energy.transport !== null)
    return energy.transport.order === 2
      ? { wellPosed: true, reasons: ["½W₂²: the flow is the geodesic to the target, run down like e^{−t}"] }
      : { wellPosed: null, reasons: ["W₁: mass moves at speed 1 along rays to the target, which need not be unique"] };
  if (energy.interaction !== null)
    return {
      wellPosed: null,
      reasons: ["an interaction may concentrate the mass in finite time: watch the largest density"],
    };
  if (energy.internal === null)
    return {
      wellPosed: null,
      reasons: [
        "a potential without internal energy: mass may concentrate, and parts at maxima of V unless ∇V is Lipschitz",
      ],
    };
  return { wellPosed: true, reasons: ["internal and potential energy: one flow from every start"] };
}
