// The W₁⊕W₂ proximal flow between a source ρ₀ and a target π:
//   inf_v  D_f^L(ρ_T ‖ π) + λ ∫₀ᵀ ∫ ½|v|² ρ dx dt,   ∂ₜρ + div(ρ v) = 0,  ρ(0) = ρ₀.
// Optimality: −∂ₜU + |∇U|²/(2λ) = 0,  U(T) = φ*,  v = −∇U/λ;  φ* maximises E_{ρ_T} φ − E_π f*(φ) over L-Lipschitz φ.
// Reference: Gu, Katsoulakis, Rey-Bellet, Zhang 2024 (key gu2024proximal).
import { demand } from "../src/error.js";
import type { Cloud, Distribution, Divergence } from "../src/measure/index.js";
import type { Coordinate, Problem, WellPosedness } from "../src/problem.js";
import { demandCoordinates, demandHorizon } from "./demand.js";

/** Closed form of a proximal flow; every function takes row-major points. */
export interface ProximalFlowExact {
  /** Optimal value D_f^L(ρ_T‖π) + λ∫∫½|v|²ρ. */
  readonly value: number;
  /** U(t, x). */
  potential(t: number, x: Float64Array): Float64Array;
  /** v(t, x) = −∇U/λ. */
  velocity(t: number, x: Float64Array): Float64Array;
  /** x(t) from x(0). */
  map(t: number, x0: Float64Array): Float64Array;
  /** Law at time t where it is a known distribution. */
  law(t: number): Distribution | null;
}

export interface ProximalFlowOptions {
  /** Kebab-case; default `"proximal-flow"`. */
  readonly name?: string;
  readonly title?: string;
  /** ρ₀. */
  readonly source: Distribution;
  /** π. */
  readonly target: Distribution;
  /** Samples of π that no solver may see; distances to them are the generalisation measure. */
  readonly heldOut?: Cloud | null;
  /** D_f of the terminal cost. */
  readonly divergence: Divergence;
  /** L > 0, the Lipschitz bound on the critic (1/length × nats); Infinity = no W₁ regularisation. */
  readonly lipschitz: number;
  /** λ > 0. */
  readonly kineticWeight: number;
  /** T > 0. */
  readonly horizon: number;
  readonly exact?: ProximalFlowExact | null;
  /** What the coordinates mean, one entry each; default none. */
  readonly coordinates?: readonly Coordinate[] | null;
  readonly references?: readonly string[];
}

export interface ProximalFlow extends Problem {
  readonly kind: "proximal-flow";
  readonly source: Distribution;
  readonly target: Distribution;
  readonly heldOut: Cloud | null;
  readonly divergence: Divergence;
  readonly lipschitz: number;
  readonly kineticWeight: number;
  readonly exact: ProximalFlowExact | null;
}

/**
 * Makes a W₁⊕W₂ proximal flow problem.
 *
 * @throws UsageError when λ, T or L is not positive, or the dimensions differ
 *
 * *Good values*: T = 1; λ between 0.02 and 1; L a few times the slope that the data need (Gaussians: Δ/s²).
 *
 * *References*: gu2024proximal
 */
export function proximalFlow(options: ProximalFlowOptions): ProximalFlow {
  const { source, target, divergence, lipschitz, kineticWeight, horizon } = options;
  const where = "proximalFlow";
  demand(
    kineticWeight > 0 && Number.isFinite(kineticWeight),
    where,
    "kineticWeight",
    "be a finite number > 0",
    kineticWeight,
    "Use kineticWeight: 0.5 to start",
  );
  demandHorizon(where, horizon);
  demand(lipschitz > 0, where, "lipschitz", "be > 0 (Infinity for none)", lipschitz, "Use lipschitz: 1 to start");
  demand(
    source.dimension === target.dimension,
    where,
    "target",
    `have the source's dimension ${source.dimension}`,
    target.dimension,
    "Give both laws in the same space",
  );
  const heldOut = options.heldOut ?? null;
  demand(
    heldOut === null || heldOut.dimension === target.dimension,
    where,
    "heldOut",
    `have the target's dimension ${target.dimension}`,
    heldOut?.dimension,
    "Hold out points of the target itself",
  );
  const exact = options.exact ?? null;
  const coordinates = options.coordinates ?? null;
  demandCoordinates(where, coordinates, source.dimension);
  const bound = lipschitz === Infinity ? "∞" : String(lipschitz);
  return Object.freeze({
    kind: "proximal-flow",
    name: options.name ?? "proximal-flow",
    title: options.title ?? `${source.name} → ${target.name}`,
    dimension: source.dimension,
    horizon,
    references: options.references ?? ["gu2024proximal"],
    isPotential: true,
    isMonotone: true,
    hasExact: exact !== null,
    source,
    target,
    heldOut,
    divergence,
    lipschitz,
    kineticWeight,
    exact,
    coordinates,
    equations: [
      "−∂ₜU + |∇U|²/(2λ) = 0,  U(T) = φ*",
      "∂ₜρ + div(ρ v) = 0,  v = −∇U/λ,  ρ(0) = ρ₀",
      `φ* = argmax E_ρ(T) φ − E_π f*(φ) over Lip(φ) ≤ ${bound}   (${divergence.name})`,
    ],
    wellPosedness: (): WellPosedness => wellPosedness(source, target, lipschitz, divergence),
    describe: () => ({
      kind: "proximal-flow",
      name: options.name ?? "proximal-flow",
      source: source.description,
      target: target.description,
      divergence: divergence.description,
      lipschitz: lipschitz === Infinity ? "Infinity" : lipschitz,
      kineticWeight,
      horizon,
      heldOut: heldOut === null ? null : heldOut.count,
    }),
  } as const);
}

function wellPosedness(
  source: Distribution,
  target: Distribution,
  lipschitz: number,
  divergence: Divergence,
): WellPosedness {
  const convex = "λ > 0 makes the kinetic energy strictly convex, so the optimal velocity is unique where ρ > 0";
  if (lipschitz < Infinity) {
    return {
      wellPosed: true,
      reasons: [convex, `L = ${lipschitz} is finite, so D_f^L ≤ L W₁ is finite even for a singular target`],
    };
  }
  if (target.singular === true && source.singular !== true) {
    return {
      wellPosed: false,
      reasons: [
        `lipschitz is Infinity and the target ${target.name} has no density: ${divergence.name}(ρ_T ‖ π) = +∞ for every ρ_T with a density`,
        "the critic is unbounded; set a finite lipschitz (the W₁ proximal) to make the problem well-posed",
      ],
    };
  }
  if (target.singular === null) {
    return {
      wellPosed: null,
      reasons: [
        "lipschitz is Infinity and it is unknown whether the target has a density; set a finite lipschitz to be safe",
      ],
    };
  }
  return {
    wellPosed: true,
    reasons: [convex, "the target has a density, so the divergence is finite for suitable ρ_T"],
  };
}
