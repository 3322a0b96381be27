// Laws of a mean-field game's solution, whatever family it comes from:
//   mass        ∫m(t) = ∫m(0) (with doors: it never grows);  created mass ∫m⁻ is nothing
//   feedback    v = −∂ₚH(x, ∇u, m): the velocity that the paths follow is that of the value
//   terminal    u(T) = g(x, m(T));   initial  m(0) = m₀;   planning  m(T) = prescribed
//   paths       simulated paths dX = v dt + √(2ν) dW have the moments of m(T/2) and m(T)
//   cost        u(0, X₀) = ∫(L + f + s) dt + g(X_T) − ∫√(2ν) ∇u·dW on paths with the problem's own ν (Itô): on average, with the
//               stochastic integral as control variate, so that little but discretisation errors is left
//   HJB         −∂ₜu − νΔu + H − f on the paths, by central differences of value(t, x): reported
// Σ over two solutions: the Lasry–Lions energy  ∫∫ (f(m₁) − f(m₂))(m₁ − m₂) + ∫ (g(m₁) − g(m₂))(m₁ − m₂)(T) ≥ 0 of monotone costs.
// Reference: Lasry, Lions 2007 (key lasry2007mean).
import { type Domain, type Grid, integrate, interpolate } from "../grid/index.js";
import { type Cloud, type Density, sampleDensity } from "../measure/index.js";
import type { Problem } from "../problem.js";
import { generator } from "../random/index.js";
import type { GameSolution, Solution, Trajectories } from "../solution/index.js";
import { coordinateMoments } from "./coordinate-moments.js";
import { createdShare, massChange } from "./density.js";
import type { Law, LawContext, Measurement } from "./law.js";
import { mean } from "./mean.js";
import { eulerPaths, straightness } from "./straightness.js";

interface FieldLike {
  readonly dependsOnTime: boolean;
  evaluate(t: number, points: Float64Array): Float64Array;
}

interface LawLike {
  readonly text: string;
  readonly density: FieldLike | null;
}

interface CostLike {
  readonly dependsOnMass: boolean;
  readonly isNonlocal: boolean;
  at(
    t: number,
    k: number,
    points: Float64Array,
    crowd: { readonly laws: readonly Cloud[]; readonly densities: readonly Float64Array[] | null },
  ): Float64Array;
}

interface HamiltonianLike {
  readonly dependsOnMass: boolean;
  evaluate(
    t: number,
    points: Float64Array,
    p: readonly Float64Array[],
    m: Float64Array,
    out: {
      readonly value: Float64Array;
      readonly gradient: readonly Float64Array[];
      readonly hessian: readonly Float64Array[];
      readonly byMass: Float64Array;
      readonly gradientByMass: readonly Float64Array[];
    },
    order: 0 | 1 | 2,
  ): void;
}

/** A mean-field game, as far as laws and reports need to know it. */
export interface GameLike extends Problem {
  readonly mode: "time-dependent" | "planning" | "ergodic";
  readonly domain: Domain;
  readonly populations: readonly {
    readonly name: string;
    readonly viscosity: number;
    readonly mass: number | null;
    readonly initial: LawLike | null;
    readonly final: LawLike | null;
    readonly hamiltonian: HamiltonianLike;
    readonly valueSource: FieldLike | null;
    readonly densitySource: FieldLike | null;
  }[];
  readonly coupling: CostLike;
  readonly terminal: CostLike | null;
  readonly exact: {
    value(t: number, x: Float64Array, k?: number): Float64Array;
    density(t: number, x: Float64Array, k?: number): Float64Array;
    readonly ergodicConstant: readonly number[] | null;
  } | null;
}

type Game = GameSolution<GameLike>;

/** Bounds of the laws; `null` reports without judging. */
export interface GameBounds {
  /** Relative change of the mass ≤; default 1e-12. */
  readonly mass: number | null;
  /** Created mass ∫m⁻ / ∫m ≤; default 1e-8. */
  readonly created: number | null;
  /** E|v + ∂ₚH(∇u)| / E|v| ≤; default 0.1. */
  readonly feedback: number | null;
  /** ∫|u(T) − g(m(T))| m / scale ≤; default 0.05. */
  readonly terminal: number | null;
  /** L¹ distance of m(0), and in planning games of m(T), to what was prescribed ≤; default 0.02. */
  readonly ends: number | null;
  /** |E[u(0, X₀) − cost of the path]| relative to the size of its terms ≤; default 0.1. */
  readonly cost: number | null;
  /** Largest moment of the paths at T/2 and T against that of m, in standard errors ≤; default 5. */
  readonly paths: number | null;
}

const standard: GameBounds = {
  mass: 1e-12,
  created: 1e-8,
  feedback: 0.1,
  terminal: 0.05,
  ends: 0.02,
  cost: 0.1,
  paths: 5,
};

/** The laws of a game's solution; see the head of this file. */
export function gameLaws(bounds: Partial<GameBounds> = {}): readonly Law<Solution<GameLike>>[] {
  const b = { ...standard, ...bounds };
  return [
    gameMass(b.mass),
    createdMass(b.created),
    initialLaw(b.ends),
    finalLaw(b.ends),
    terminalValue(b.terminal),
    feedbackIsOptimal(b.feedback),
    pathsFollowDensity(b.paths),
    costOfPaths(b.cost),
    hamiltonJacobiResidual(),
    driftStraightness(),
  ];
}

const NO_GRID = "this family keeps no density on a grid";

/** Mass of every slab relative to the first. */
export function gameMass(bound: number | null = standard.mass): Law<Solution<GameLike>> {
  return {
    name: "mass",
    statement: "max over t of |∫m(t) − ∫m(0)| / ∫m(0); with doors, its largest growth",
    relation: "≤",
    bound,
    measure: ({ fields, problem }: Game) => {
      if (fields === null) return NO_GRID;
      if (problem.populations.some((p) => p.densitySource !== null)) return "a source adds mass";
      const open = problem.domain.doors.length > 0;
      const { grid } = fields.cells;
      return exactly(Math.max(...fields.density.map((slabs) => massChange(grid, slabs, open))));
    },
  };
}

/** Negative part of the density: what clipping would have made out of nothing. */
export function createdMass(bound: number | null = standard.created): Law<Solution<GameLike>> {
  return {
    name: "created mass",
    statement: "max over t of ∫m⁻(t) / ∫m(0)",
    relation: "≤",
    bound,
    measure: ({ fields }: Game) => {
      if (fields === null) return NO_GRID;
      const { grid } = fields.cells;
      return exactly(Math.max(...fields.density.map((slabs) => createdShare(grid, slabs))));
    },
  };
}

function prescribed(name: string, which: "initial" | "final", bound: number | null): Law<Solution<GameLike>> {
  const at = which === "initial" ? "0" : "T";
  return {
    name,
    statement: `∫|m(${at}) − prescribed| / ∫m`,
    relation: "≤",
    bound,
    measure: ({ fields, problem }: Game) => {
      if (fields === null) return NO_GRID;
      let worst = 0;
      for (const [k, population] of problem.populations.entries()) {
        const law = population[which];
        if (law === null)
          return which === "final" ? "only planning games prescribe it" : "an ergodic game starts nowhere";
        if (law.density === null) return `${law.text} has no density`;
        const { cells } = fields;
        const wanted = law.density.evaluate(0, cells.points).map((v, i) => (cells.open[i] === 1 ? v : 0));
        const slabs = fields.density[k];
        const m = slabs[which === "initial" ? 0 : slabs.length - 1];
        const total = integrate(cells.grid, wanted);
        const scale = population.mass === null ? 1 : population.mass / total;
        let distance = 0;
        for (let i = 0; i < m.length; i++) distance += Math.abs(m[i] - scale * wanted[i]);
        worst = Math.max(worst, (distance * cells.grid.cellVolume) / (scale * total));
      }
      return exactly(worst);
    },
  };
}

/** m(0) = m₀. */
export function initialLaw(bound: number | null = standard.ends): Law<Solution<GameLike>> {
  return prescribed("initial law", "initial", bound);
}

/** m(T) of a planning game. */
export function finalLaw(bound: number | null = standard.ends): Law<Solution<GameLike>> {
  return prescribed("final law", "final", bound);
}

/** u(T) = g(x, m(T)) on the paths' end points, relative to the spread of u. */
export function terminalValue(bound: number | null = standard.terminal): Law<Solution<GameLike>> {
  return {
    name: "terminal value",
    statement: "E|u(T, X_T) − g(X_T, m(T))| / (1 + sd u(T, X_T))",
    relation: "≤",
    bound,
    measure: (solution: Game, context) => {
      const { problem } = solution;
      if (problem.mode !== "time-dependent") return "only time-dependent games prescribe u(T)";
      const T = problem.horizon;
      let worst = 0;
      for (const k of problem.populations.keys()) {
        const x = alive(solution, context, k, 1);
        if (x.length === 0) return "nobody is left at T away from the doors";
        const u = solution.value(T, x, k);
        let g = new Float64Array(u.length);
        if (problem.terminal !== null) {
          const crowd = crowdAt(solution, context, T, x, problem.terminal);
          if (typeof crowd === "string") return crowd;
          g = Float64Array.from(problem.terminal.at(T, k, x, crowd));
        }
        const error = mean(u.map((v, i) => Math.abs(v - g[i])));
        worst = Math.max(worst, error / (1 + deviation(u)));
      }
      return exactly(worst);
    },
  };
}

/** v = −∂ₚH(x, ∇u, m), ∇u by central differences of value(t, x). */
export function feedbackIsOptimal(bound: number | null = standard.feedback): Law<Solution<GameLike>> {
  return {
    name: "feedback",
    statement: "E|v + ∂ₚH(x, ∇u, m)| / E|v| on the paths",
    relation: "≤",
    bound,
    measure: (solution: Game, context) => {
      const { problem } = solution;
      let worst = 0;
      for (const [k, population] of problem.populations.entries()) {
        let error = 0;
        let size = 0;
        for (const share of shares(problem)) {
          const t = share * problem.horizon;
          const x = alive(solution, context, k, share);
          const jet = jetAt(solution, k, t, x, 1);
          if (typeof jet === "string") return jet;
          const v = solution.velocity(t, x, k);
          const d = problem.dimension;
          for (let i = 0; i < x.length / d; i++) {
            let e = 0;
            let s = 0;
            for (let a = 0; a < d; a++) {
              e += (v[i * d + a] + jet.gradient[a][i]) ** 2;
              s += v[i * d + a] ** 2;
            }
            error += Math.sqrt(e);
            size += Math.sqrt(s);
          }
        }
        if (size === 0) return `nothing moves in ${population.name}`;
        worst = Math.max(worst, error / size);
      }
      return exactly(worst);
    },
  };
}

/** Moments of simulated paths at T/2 and T against those of the density: coordinates and their squares, or first harmonics on a torus. */
export function pathsFollowDensity(bound: number | null = standard.paths): Law<Solution<GameLike>> {
  return {
    name: "paths follow the density",
    statement: "max over moments φ and t = T/2, T of |E φ(X_t) − ∫φ m(t)| / standard error",
    relation: "≤",
    bound,
    measure: (solution: Game, context) => {
      const { problem } = solution;
      if (problem.domain.doors.length > 0) return "paths that left through a door have no place any more";
      if (problem.populations.some((p) => p.densitySource !== null)) return "a source adds mass that no path carries";
      if (solution.fields === null) return NO_GRID;
      let worst = 0;
      for (const k of problem.populations.keys()) {
        const paths = gamePaths(solution, context, k);
        const size = paths.count * paths.dimension;
        for (const share of [0.5, 1]) {
          const n = Math.round(share * (paths.times.length - 1));
          const now = paths.positions.subarray(n * size, (n + 1) * size);
          const density = solution.density(paths.times[n], k);
          if (density.kind !== "density") return NO_GRID;
          const total = integrate(density.grid, density.values);
          for (let a = 0; a < problem.dimension; a++)
            for (const { value: phi } of coordinateMoments(problem.domain, a)) {
              const onPaths = Float64Array.from({ length: paths.count }, (_, i) => phi(now[i * problem.dimension + a]));
              const { nodes } = density.grid.axes[a];
              const stride = density.grid.strides[a];
              const onGrid = density.values.map((m, i) => m * phi(nodes[Math.floor(i / stride) % nodes.length]));
              const expected = integrate(density.grid, onGrid) / total;
              const error = deviation(onPaths) / Math.sqrt(paths.count);
              if (error > 0) worst = Math.max(worst, Math.abs(mean(onPaths) - expected) / error);
            }
        }
      }
      return { value: worst, standardError: null, note: `${context.count} paths; Euler steps add their own bias` };
    },
  };
}

/**
 * u(0, X₀) is what a path costs on average: dX = −∂ₚH dt + √(2ν) dW, simulated here with the problem's ν, L = p·∂ₚH − H at p = ∇u. Ergodic
 * games pay f − λ̄ and end with u; so do planning games, with λ̄ = 0.
 */
export function costOfPaths(bound: number | null = standard.cost): Law<Solution<GameLike>> {
  return {
    name: "cost of the paths",
    statement: "|E[u(0,X₀) − ∫(L + f + s)dt − g(X_T) + ∫√(2ν)∇u·dW]| / (E∫(|L| + |f + s|)dt + E|g| + sd u(0,X₀))",
    relation: "≤",
    bound,
    measure: (solution: Game, context) => {
      const { problem } = solution;
      const { domain, dimension: d, horizon: T } = problem;
      if (domain.doors.length > 0 || domain.obstacle !== null) return "doors and obstacles end or turn the paths";
      const dt = T / COST_STEPS;
      let worst = 0;
      for (const [k, population] of problem.populations.entries()) {
        const noise = generator(context.seed).split(`cost ${k}`);
        const sigma = Math.sqrt(2 * population.viscosity * dt);
        const lambda = solution.fields?.ergodicConstant?.[k] ?? 0;
        const x = alive(solution, context, k, 0);
        const n = x.length / d;
        const start = solution.value(0, x, k);
        const rest = start.slice();
        let size = 0;
        for (let step = 0; step < COST_STEPS; step++) {
          const t = step * dt;
          const jet = jetAt(solution, k, t, x, 1);
          if (typeof jet === "string") return jet;
          const crowd = crowdAt(solution, context, t, x, problem.coupling);
          if (typeof crowd === "string") return crowd;
          const f = problem.coupling.at(t, k, x, crowd);
          const source = population.valueSource?.evaluate(t, x);
          const kicks = noise.split(step).normal(n * d);
          for (let i = 0; i < n; i++) {
            let moving = -jet.value[i];
            for (let a = 0; a < d; a++) {
              const kick = sigma * kicks[i * d + a];
              moving += jet.slope[a][i] * jet.gradient[a][i];
              rest[i] += jet.slope[a][i] * kick;
              x[i * d + a] = folded(domain, a, x[i * d + a] - jet.gradient[a][i] * dt + kick);
            }
            const cost = f[i] + (source?.[i] ?? 0) - lambda;
            rest[i] -= (moving + cost) * dt;
            size += ((Math.abs(moving) + Math.abs(cost)) * dt) / n;
          }
        }
        let end = solution.value(T, x, k);
        if (problem.mode === "time-dependent") {
          end = new Float64Array(n);
          if (problem.terminal !== null) {
            const crowd = crowdAt(solution, context, T, x, problem.terminal);
            if (typeof crowd === "string") return crowd;
            end = Float64Array.from(problem.terminal.at(T, k, x, crowd));
          }
        }
        const left = rest.map((r, i) => r - end[i]);
        const scale = size + mean(end.map(Math.abs)) + deviation(start);
        if (scale === 0) return "nothing costs anything";
        worst = Math.max(worst, Math.abs(mean(left)) / scale);
      }
      return { value: worst, standardError: null, note: `${COST_STEPS} Euler steps` };
    },
  };
}

/** Euler steps of the paths whose cost is added up. */
const COST_STEPS = 64;

/** A coordinate folded back into the domain: around a circle, or at a wall. */
function folded(domain: Domain, a: number, v: number): number {
  const [low, high] = [domain.lower[a], domain.upper[a]];
  const side = high - low;
  if (domain.ends[a] === "periodic") return v - Math.floor((v - low) / side) * side;
  const z = (v - low) / side - 2 * Math.floor((v - low) / (2 * side));
  return low + side * (z <= 1 ? z : 2 - z);
}

/** −∂ₜu − νΔu + H − f − s on the paths at interior times, relative to the size of its terms; by differences, so reported only. */
export function hamiltonJacobiResidual(): Law<Solution<GameLike>> {
  return {
    name: "HJB residual",
    statement: "E|−∂ₜu − νΔu + H + λ̄ − f − s| / E(|∂ₜu| + ν|Δu| + |H| + |f + s|)",
    relation: "≤",
    bound: null,
    measure: (solution: Game, context) => {
      const { problem } = solution;
      const d = problem.dimension;
      let error = 0;
      let size = 0;
      for (const [k, population] of problem.populations.entries()) {
        for (const share of shares(problem)) {
          const t = share * problem.horizon;
          const x = alive(solution, context, k, share);
          const jet = jetAt(solution, k, t, x, 0);
          if (typeof jet === "string") return jet;
          const crowd = crowdAt(solution, context, t, x, problem.coupling);
          if (typeof crowd === "string") return crowd;
          const f = problem.coupling.at(t, k, x, crowd);
          const source = population.valueSource?.evaluate(t, x);
          const lambda = solution.fields?.ergodicConstant?.[k] ?? 0;
          const dt = 0.05 * problem.horizon;
          const later = solution.value(Math.min(problem.horizon, t + dt), x, k);
          const earlier = solution.value(Math.max(0, t - dt), x, k);
          for (let i = 0; i < x.length / d; i++) {
            const ut = problem.mode === "ergodic" ? 0 : (later[i] - earlier[i]) / (2 * dt);
            const cost = f[i] + (source?.[i] ?? 0);
            error += Math.abs(-ut - population.viscosity * jet.laplacian[i] + jet.value[i] + lambda - cost);
            size +=
              Math.abs(ut) +
              population.viscosity * Math.abs(jet.laplacian[i]) +
              Math.abs(jet.value[i]) +
              Math.abs(cost - lambda);
          }
        }
      }
      return size === 0 ? "every term is 0" : exactly(error / size);
    },
  };
}

/** C = E|x_T − x₀| / E∫|v|dt along the drift alone: games need not be straight, so it is reported. */
export function driftStraightness(): Law<Solution<GameLike>> {
  return {
    name: "straightness of the drift",
    statement: "E|x_T − x₀| / E∫|v|dt along ẋ = v, without noise",
    relation: "≥",
    bound: null,
    measure: (solution: Game, context) => {
      const { problem } = solution;
      if (problem.domain.doors.length > 0 || problem.domain.obstacle !== null)
        return "doors and obstacles bend or end the paths";
      if (problem.domain.ends.includes("periodic")) return "on a torus a path's end says little about its way";
      const { positions, count } = gamePaths(solution, context, 0);
      const start = positions.slice(0, count * problem.dimension);
      const paths = eulerPaths((t, x) => solution.velocity(t, x), start, problem.dimension, problem.horizon, 40);
      const s = straightness(paths);
      return s.displacement > 0
        ? { value: s.chordRatio, standardError: s.chordStandardError }
        : "nothing moves, so there is no displacement to compare with";
    },
  };
}

/**
 * The Lasry–Lions energy of two densities under one monotone cost, ∫(f(m₁) − f(m₂))(m₁ − m₂).
 *
 * @param f values of f on m₁ and on m₂, one slab
 * @param m the two densities
 */
export function lasryLionsEnergy(
  grid: Grid,
  f: readonly [Float64Array, Float64Array],
  m: readonly [Float64Array, Float64Array],
): number {
  return integrate(
    grid,
    f[0].map((v, i) => (v - f[1][i]) * (m[0][i] - m[1][i])),
  );
}

function exactly(value: number): Measurement {
  return { value, standardError: null };
}

function deviation(values: Float64Array): number {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((v) => (v - centre) ** 2)));
}

/** Times at which equations are examined, as shares of T. */
function shares(problem: GameLike): readonly number[] {
  return problem.mode === "ergodic" ? [0] : [0.2, 0.5, 0.8];
}

const simulated = new WeakMap<Game, Map<string, Trajectories>>();

/** Simulated paths; several laws look at the same ones. */
function gamePaths(solution: Game, context: LawContext, population: number): Trajectories {
  const known = simulated.get(solution) ?? new Map<string, Trajectories>();
  simulated.set(solution, known);
  const key = `${context.seed}/${context.count}/${population}`;
  let paths = known.get(key);
  if (paths === undefined) {
    paths = solution.trajectories({ count: context.count, steps: 100, seed: context.seed, population });
    known.set(key, paths);
  }
  return paths;
}

/** Positions of population k at a share of T, away from doors and obstacles; possibly none. */
function alive(solution: Game, context: LawContext, k: number, share: number): Float64Array {
  const { times, positions, count, dimension } = gamePaths(solution, context, k);
  const n = Math.round(share * (times.length - 1));
  const now = positions.slice(n * count * dimension, (n + 1) * count * dimension);
  const { lower, upper, doors, obstacle } = solution.problem.domain;
  if (doors.length === 0 && obstacle === null) return now;
  const h = steps(solution);
  const kept: number[] = [];
  for (let i = 0; i < count; i++) {
    const x = now.slice(i * dimension, (i + 1) * dimension);
    // Differences across a door's face or an obstacle's surface are not those of u.
    const clear = doors.every(({ axis: a, side }) =>
      side === "lower" ? x[a] > lower[a] + 1.5 * h[a] : x[a] < upper[a] - 1.5 * h[a],
    );
    if (clear && !touches(obstacle, x, h)) kept.push(...x);
  }
  return Float64Array.from(kept);
}

/** Whether an obstacle is within two steps of x along the axes. */
function touches(obstacle: Domain["obstacle"], x: Float64Array, h: Float64Array): boolean {
  if (obstacle === null) return false;
  if (obstacle(x)) return true;
  for (let a = 0; a < x.length; a++)
    for (const step of [-2, -1, 1, 2]) {
      const y = x.slice();
      y[a] += step * h[a];
      if (obstacle(y)) return true;
    }
  return false;
}

/** Step for differences of u: the cells' own width where there is a grid. */
function steps(solution: Game): Float64Array {
  const { domain, dimension } = solution.problem;
  return Float64Array.from(
    { length: dimension },
    (_, a) => solution.fields?.cells.grid.axes[a].spacing ?? 0.01 * (domain.upper[a] - domain.lower[a]),
  );
}

/** ∇u (`slope`) and Δu by central differences of value(t, x), then H and ∂ₚH (`gradient`) there. */
function jetAt(
  solution: Game,
  k: number,
  t: number,
  x: Float64Array,
  order: 0 | 1,
): { value: Float64Array; gradient: Float64Array[]; slope: Float64Array[]; laplacian: Float64Array } | string {
  const { problem } = solution;
  const { hamiltonian } = problem.populations[k];
  const d = problem.dimension;
  const n = x.length / d;
  const h = steps(solution);
  const u = solution.value(t, x, k);
  const laplacian = new Float64Array(n);
  const p = Array.from({ length: d }, (_, a) => {
    const shifted = (sign: number) => {
      const y = x.slice();
      for (let i = a; i < y.length; i += d) y[i] += sign * h[a];
      return solution.value(t, y, k);
    };
    const [up, down] = [shifted(1), shifted(-1)];
    for (let i = 0; i < n; i++) laplacian[i] += (up[i] - 2 * u[i] + down[i]) / h[a] ** 2;
    return up.map((v, i) => (v - down[i]) / (2 * h[a]));
  });
  const columns = (count: number) => Array.from({ length: count }, () => new Float64Array(n));
  const jet = {
    value: new Float64Array(n),
    gradient: columns(d),
    hessian: columns((d * (d + 1)) / 2),
    byMass: new Float64Array(n),
    gradientByMass: columns(d),
  };
  let m: Float64Array = new Float64Array(n);
  if (hamiltonian.dependsOnMass) {
    const density = solution.density(t, k);
    if (density.kind !== "density") return "H depends on the density, and this family keeps none on a grid";
    m = densityAt(density, x);
  }
  hamiltonian.evaluate(t, x, p, m, jet, order);
  return { value: jet.value, gradient: jet.gradient, slope: p, laplacian };
}

function densityAt(density: Density, x: Float64Array): Float64Array {
  return interpolate(density.grid, density.values, x, "linear");
}

/** The crowd that a cost sees at time t, or why it cannot be told. */
function crowdAt(
  solution: Game,
  context: LawContext,
  t: number,
  x: Float64Array,
  cost: CostLike,
): { laws: readonly Cloud[]; densities: readonly Float64Array[] | null } | string {
  const populations = [...solution.problem.populations.keys()];
  const laws = populations.map((k) => solution.density(t, k));
  const clouds = laws.map((law, k) =>
    law.kind === "cloud" ? law : sampleDensity(law, context.count * 8, generator(context.seed).split(`crowd ${k}`)),
  );
  if (!cost.dependsOnMass) return { laws: clouds, densities: null };
  if (laws.every((law): law is Density => law.kind === "density"))
    return { laws: clouds, densities: laws.map((law) => densityAt(law, x)) };
  return cost.isNonlocal
    ? { laws: clouds, densities: null }
    : "the cost needs the density at a point, and this family keeps none on a grid";
}
