// Mean-field games, one or several populations k = 1 … K on one domain:
//   −∂ₜu_k − ν_kΔu_k + H_k(x, ∇u_k, m_k) = f_k(t, x, m) + s_k        u_k(T) = g_k(x, m(T))
//    ∂ₜm_k − ν_kΔm_k − div(m_k ∂ₚH_k(x, ∇u_k, m_k)) = q_k             m_k(0) = m_k,₀
// planning: m_k(T) prescribed, u_k(T) free;  ergodic: −ν_kΔu_k + H_k + λ̄_k = f_k, the stationary equation for m_k, ∫u_k = 0.
// Reference: Lasry, Lions 2007 (key lasry2007mean); Achdou, Capuzzo-Dolcetta 2010 (key achdou2010mean).
import { demand, demandKnown } from "../src/error.js";
import type { Domain } from "../src/grid/index.js";
import type { Coordinate, Problem, WellPosedness } from "../src/problem.js";
import { demandCoordinates, demandDomain, demandHorizon } from "./demand.js";
import {
  type Coupling,
  describeLaw,
  type Field,
  type FieldInput,
  field,
  type Hamiltonian,
  isDistribution,
  type Law,
  type LawInput,
  lawOf,
} from "./terms/index.js";

export { densityOn, type Law, type LawInput } from "./terms/index.js";

/** What is prescribed. */
export type GameMode = "time-dependent" | "planning" | "ergodic";

/** Closed form or reference solution; functions take row-major points and the population's number. */
export interface MeanFieldGameExact {
  /** u_k(t, x). */
  value(t: number, x: Float64Array, k?: number): Float64Array;
  /** m_k(t, x). */
  density(t: number, x: Float64Array, k?: number): Float64Array;
  /** λ̄_k of an ergodic game; `null` otherwise. */
  readonly ergodicConstant: readonly number[] | null;
}

export interface PopulationOptions {
  /** Kebab-case; default `"crowd"`, or `"population-1"` … with several. */
  readonly name?: string;
  /** ν ≥ 0. */
  readonly viscosity: number;
  readonly hamiltonian: Hamiltonian;
  /** m(0); not for ergodic games. */
  readonly initial?: LawInput;
  /** m(T) of a planning problem. */
  readonly final?: LawInput;
  /**
   * A number: densities are scaled so that their quadrature on the solver's cells is this mass. `null`: taken as they
   * are. Default 1 for densities in planning and ergodic games and for distributions, else `null`.
   */
  readonly mass?: number | null;
  /** s, added to the right of the HJB equation (manufactured solutions); default none. */
  readonly valueSource?: FieldInput | null;
  /** q, added to the right of the Fokker–Planck equation; default none. */
  readonly densitySource?: FieldInput | null;
}

/** One population of a game. */
export interface Population {
  readonly name: string;
  readonly viscosity: number;
  readonly hamiltonian: Hamiltonian;
  readonly initial: Law | null;
  readonly final: Law | null;
  readonly mass: number | null;
  readonly valueSource: Field | null;
  readonly densitySource: Field | null;
}

export interface MeanFieldGameOptions {
  /** Kebab-case; default `"mean-field-game"`. */
  readonly name?: string;
  readonly title?: string;
  readonly domain: Domain;
  /** Default `"time-dependent"`. */
  readonly mode?: GameMode;
  /** T > 0; of an ergodic game the time over which trajectories are shown, default 1. */
  readonly horizon?: number;
  /** One population, or several. */
  readonly populations: PopulationOptions | readonly PopulationOptions[];
  /** f. */
  readonly coupling: Coupling;
  /** g; default 0. Only for time-dependent games. */
  readonly terminal?: Coupling | null;
  readonly exact?: MeanFieldGameExact | null;
  readonly coordinates?: readonly Coordinate[] | null;
  readonly references?: readonly string[];
}

export interface MeanFieldGame extends Problem {
  readonly kind: "mean-field-game";
  readonly mode: GameMode;
  readonly domain: Domain;
  readonly populations: readonly Population[];
  readonly coupling: Coupling;
  readonly terminal: Coupling | null;
  /** Linear dynamics and quadratic costs: Riccati equations solve it. */
  readonly isLinearQuadratic: boolean;
  readonly exact: MeanFieldGameExact | null;
}

/**
 * Makes a mean-field game.
 *
 * @throws UsageError when a term does not fit the domain, the mode, or the number of populations
 *
 * *Notes*: the answers `isMonotone` and `isPotential` follow from the terms: f and g both monotone (potential) and H free of m. With an H
 * that depends on m the game is not potential, and monotone when H says so of itself, as congestion with exponent ≤ 2 does;
 * else `null` (not known).
 *
 * *Good values*: ν from 0.02 to 1 on a unit torus; T = 1.
 *
 * *References*: lasry2007mean, achdou2010mean
 */
export function meanFieldGame(options: MeanFieldGameOptions): MeanFieldGame {
  const where = "meanFieldGame";
  demandKnown(where, options, [
    "name",
    "title",
    "domain",
    "mode",
    "horizon",
    "populations",
    "coupling",
    "terminal",
    "exact",
    "coordinates",
    "references",
  ]);
  const { domain, coupling } = options;
  demandDomain(where, domain);
  const mode = options.mode ?? "time-dependent";
  demand(
    mode === "time-dependent" || mode === "planning" || mode === "ergodic",
    where,
    "mode",
    'be "time-dependent", "planning" or "ergodic"',
    mode,
    'Use mode: "time-dependent"',
  );
  const horizon = options.horizon ?? 1;
  demandHorizon(where, horizon);
  const list: readonly PopulationOptions[] = isList(options.populations) ? options.populations : [options.populations];
  demand(list.length >= 1, where, "populations", "hold at least one", list.length, "Give one population");
  demand(
    coupling.populations === list.length,
    where,
    "coupling",
    `be a cost for ${list.length} population${list.length > 1 ? "s" : ""}, as many as the game has`,
    coupling.populations,
    "Make the coupling with populations: the number of the game's populations",
  );
  demand(
    coupling.dimension === domain.dimension,
    where,
    "coupling",
    `live in the domain's dimension ${domain.dimension}`,
    coupling.dimension,
    "Give every term in the same dimension",
  );
  const terminal = options.terminal ?? null;
  demand(
    terminal === null || mode === "time-dependent",
    where,
    "terminal",
    `be left out of ${mode === "planning" ? "a planning" : "an ergodic"} game`,
    terminal?.name,
    'Leave it out, or use mode: "time-dependent"',
  );
  demand(
    terminal === null || (terminal.populations === list.length && terminal.dimension === domain.dimension),
    where,
    "terminal",
    "have the game's dimension and number of populations",
    terminal === null ? null : [terminal.dimension, terminal.populations],
    "Make it like the coupling",
  );
  demand(
    mode !== "ergodic" || domain.doors.length === 0,
    where,
    "domain",
    "have no doors in an ergodic game",
    `${domain.doors.length} doors`,
    "Close the doors: with them no mass stays for ever",
  );
  demand(
    mode !== "planning" || domain.doors.length === 0,
    where,
    "domain",
    "have no doors in a planning game",
    `${domain.doors.length} doors`,
    "Close the doors, so that the mass at 0 and at T can agree",
  );
  const populations = list.map((p, k) => population(p, k, list.length, mode, domain));
  const names = populations.map((p) => p.name);
  demand(
    new Set(names).size === names.length,
    where,
    "population names",
    "differ",
    names,
    "Give each population its own name",
  );
  const exact = options.exact ?? null;
  const coordinates = options.coordinates ?? null;
  demandCoordinates(where, coordinates, domain.dimension);
  const separable = populations.every((p) => !p.hamiltonian.dependsOnMass);
  const both = (of: (c: Coupling) => boolean | null): boolean | null => {
    const answers = [of(coupling), terminal === null ? true : of(terminal)];
    if (answers.includes(false)) return false;
    return answers.includes(null) ? null : true;
  };
  const monotoneHamiltonians = populations.every(({ hamiltonian: h }) => !h.dependsOnMass || h.isMonotone === true);
  const isMonotone = monotoneHamiltonians ? both((c) => (c.dependsOnMass ? c.isMonotone : true)) : null;
  const isPotential = separable && both((c) => (c.dependsOnMass ? c.isPotential : true)) === true;
  const name = options.name ?? "mean-field-game";
  return Object.freeze({
    kind: "mean-field-game",
    name,
    title: options.title ?? name,
    dimension: domain.dimension,
    horizon,
    references: options.references ?? ["lasry2007mean"],
    isPotential,
    isMonotone,
    isLinearQuadratic:
      populations.every((p) => p.hamiltonian.quadraticWeight !== null) &&
      coupling.isQuadratic &&
      (terminal === null || terminal.isQuadratic),
    hasExact: exact !== null,
    mode,
    domain,
    populations,
    coupling,
    terminal,
    exact,
    coordinates,
    equations: equations(populations, coupling, terminal, mode),
    wellPosedness: (): WellPosedness => wellPosedness(populations, isMonotone, mode),
    describe: () => ({
      kind: "mean-field-game",
      name,
      mode,
      horizon,
      domain: domain.description,
      populations: populations.map((p) => ({
        name: p.name,
        viscosity: p.viscosity,
        hamiltonian: p.hamiltonian.description,
        initial: p.initial === null ? null : describeLaw(p.initial),
        final: p.final === null ? null : describeLaw(p.final),
        mass: p.mass,
        valueSource: p.valueSource?.text ?? null,
        densitySource: p.densitySource?.text ?? null,
      })),
      coupling: coupling.description,
      terminal: terminal?.description ?? null,
    }),
  } as const);
}

function isList(p: PopulationOptions | readonly PopulationOptions[]): p is readonly PopulationOptions[] {
  return Array.isArray(p);
}

function population(p: PopulationOptions, k: number, count: number, mode: GameMode, domain: Domain): Population {
  const where = "meanFieldGame";
  const label = count === 1 ? "" : `populations[${k}].`;
  const d = domain.dimension;
  demandKnown(`${where}: ${count === 1 ? "populations" : `populations[${k}]`}`, p, [
    "name",
    "viscosity",
    "hamiltonian",
    "initial",
    "final",
    "mass",
    "valueSource",
    "densitySource",
  ]);
  demand(
    p.viscosity >= 0 && Number.isFinite(p.viscosity),
    where,
    `${label}viscosity`,
    "be a finite number ≥ 0",
    p.viscosity,
    "Use viscosity: 0.1 to start",
  );
  demand(
    p.hamiltonian.dimension === d,
    where,
    `${label}hamiltonian`,
    `live in the domain's dimension ${d}`,
    p.hamiltonian.dimension,
    "Give every term in the same dimension",
  );
  demand(
    mode === "ergodic" ? p.initial === undefined : p.initial !== undefined,
    where,
    `${label}initial`,
    mode === "ergodic" ? "be left out of an ergodic game" : "be given",
    p.initial,
    mode === "ergodic" ? "Leave it out" : 'Use for example initial: "1 + 0.5*cos(2*pi*x)"',
  );
  demand(
    (p.final !== undefined) === (mode === "planning"),
    where,
    `${label}final`,
    mode === "planning" ? "be given in a planning game" : "be given in planning games only",
    p.final,
    mode === "planning" ? "Give the law at time T" : 'Leave it out, or use mode: "planning"',
  );
  const drawn = p.initial !== undefined && isDistribution(p.initial);
  const mass = p.mass === undefined ? (mode === "time-dependent" && !drawn ? null : 1) : p.mass;
  demand(
    mass === null || (mass > 0 && Number.isFinite(mass)),
    where,
    `${label}mass`,
    "be > 0, or null to take densities as they are",
    mass,
    "Use mass: 1",
  );
  const source = (input: FieldInput | null | undefined, name: string): Field | null =>
    input === null || input === undefined ? null : field(input, d, where, `${label}${name}`);
  return Object.freeze({
    name: p.name ?? (count === 1 ? "crowd" : `population-${k + 1}`),
    viscosity: p.viscosity,
    hamiltonian: p.hamiltonian,
    initial: p.initial === undefined ? null : lawOf(p.initial, d, "meanFieldGame", `${label}initial`),
    final: p.final === undefined ? null : lawOf(p.final, d, "meanFieldGame", `${label}final`),
    mass,
    valueSource: source(p.valueSource, "valueSource"),
    densitySource: source(p.densitySource, "densitySource"),
  });
}

function equations(
  populations: readonly Population[],
  coupling: Coupling,
  terminal: Coupling | null,
  mode: GameMode,
): string[] {
  return populations.flatMap((p, k) => {
    const i = populations.length === 1 ? "" : "₁₂₃₄₅₆₇₈₉"[k];
    const [u, m, l] = [`u${i}`, `m${i}`, `λ̄${i}`];
    const f = coupling.text[k] + (p.valueSource === null ? "" : " + s");
    const q = p.densitySource === null ? "0" : "q";
    const nu = p.viscosity === 0 ? "" : p.viscosity === 1 ? "Δ" : `${p.viscosity} Δ`;
    const diffusion = (of: string) => (nu === "" ? "" : ` − ${nu}${of}`);
    if (mode === "ergodic") {
      return [
        `${diffusion(u).replace(" − ", "−")} + H + ${l} = ${f},   H = ${p.hamiltonian.text},  p = ∇${u}`,
        `${diffusion(m).replace(" − ", "−")} − div(${m} ∂ₚH) = ${q},   ∫${m} = ${p.mass ?? 1},  ∫${u} = 0`,
      ];
    }
    const end = mode === "planning" ? `${m}(T) = ${p.final?.text}` : `${u}(T) = ${terminal?.text[k] ?? "0"}`;
    return [
      `−∂ₜ${u}${diffusion(u)} + H = ${f},   ${end},   H = ${p.hamiltonian.text},  p = ∇${u}`,
      `∂ₜ${m}${diffusion(m)} − div(${m} ∂ₚH) = ${q},   ${m}(0) = ${p.initial?.text}`,
    ];
  });
}

function wellPosedness(populations: readonly Population[], isMonotone: boolean | null, mode: GameMode): WellPosedness {
  const reasons: string[] = [];
  if (isMonotone === true) {
    reasons.push("costs increase with the crowd (Lasry–Lions): at most one equilibrium");
    if (populations.some((p) => p.viscosity === 0))
      reasons.push("viscosity 0: solutions are weak, and the density may be a measure");
    return { wellPosed: populations.every((p) => p.viscosity > 0) ? true : null, reasons };
  }
  if (isMonotone === false)
    reasons.push(
      "costs decrease with the crowd somewhere: several equilibria are possible; solve from two starts and compare",
    );
  else reasons.push("monotonicity is not known: uniqueness must be probed from two starts");
  if (mode === "ergodic" && isMonotone === false) reasons.push("an ergodic game of this kind may concentrate");
  return { wellPosed: null, reasons };
}
