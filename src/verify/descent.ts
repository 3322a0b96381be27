// Laws of Wasserstein gradient flows, ∂ₜρ = div(ρ ∇ δE/δρ), whatever family the solution comes from:
//   mass, created mass, closed form (density.ts);   energy against its closed form: reported
//   energy falls     E(ρⁿ⁺¹) ≤ E(ρⁿ), beyond what the gaps of its critics leave open; judged on grids. Particles and networks freeze the
//                    critic over a step, so that a rise of O(Δt) is legitimate: their `energy rise` is reported
//   dissipation      dE/dt = −I over each step, with I between its values at the two ends of the step: a scheme may take it at either
//                    (implicit: the later), and where E is convex along the step the drop of E lies between. By trapezoids: reported
//   speed            |v| ≤ L of D_f^L and ≤ 1 of W₁;   the critic's certificate and a spot check of its slopes
//   v = −∇U          U = δE/δρ, by central differences at random points
//   paths            moments of Ẋ = v(t, X) at T/2 and T against those of ρ
//   equilibrium      a flow that starts at its target stays
// Reference: Ambrosio, Gigli, Savaré 2008 (key ambrosio2008gradient); Gu et al. 2024 (key gu2024lipschitz).
import { usageError } from "../error.js";
import { integrate } from "../grid/index.js";
import {
  type Cloud,
  cloudOf,
  type Density,
  type Distribution,
  type Divergence,
  sampleDensity,
  weightsOf,
} from "../measure/index.js";
import type { Problem } from "../problem.js";
import { generator } from "../random/index.js";
import type { DescentSolution, Solution, Trajectories } from "../solution/index.js";
import { coordinateMoments } from "./coordinate-moments.js";
import { type DensityProblem, densityLaws, keepsSlabs } from "./density.js";
import { dualityGap } from "./flow.js";
import type { Law, LawContext, Measurement } from "./law.js";
import { mean } from "./mean.js";
import { steepestSlope } from "./steepest.js";

interface LawLike {
  readonly text: string;
  readonly density: { evaluate(t: number, points: Float64Array): Float64Array } | null;
  readonly distribution: Distribution | null;
}

/** A gradient flow, as far as laws and reports need to know it. */
export interface DescentLike extends DensityProblem {
  readonly kind: "gradient-flow";
  readonly initial: LawLike;
  readonly mass: number | null;
  /** Samples of the target that no solver sees. */
  readonly heldOut: Cloud | null;
  readonly energy: {
    readonly text: string;
    /** λ of λ-convexity along geodesics; `null` = not known. */
    readonly convexity: number | null;
    /** ∫ q e(ρ/q): q, `null` = 1. */
    readonly internal: { readonly reference: LawLike | null } | null;
    /** ½∬Wρρ; `null` = none. */
    readonly interaction: { readonly text: string } | null;
    /** D_f^L(·‖Q). */
    readonly divergence: {
      readonly divergence: Divergence;
      readonly lipschitz: number;
      readonly target: LawLike;
    } | null;
    /** W₁ or ½W₂². */
    readonly transport: { readonly order: 1 | 2; readonly target: LawLike } | null;
  };
  readonly exact: {
    readonly density: ((t: number, x: Float64Array) => Float64Array) | null;
    readonly energy: ((t: number) => number) | null;
  } | null;
}

/** Whether a problem is one. */
export function isDescent(problem: Problem): problem is DescentLike {
  return problem.kind === "gradient-flow";
}

type Descent = DescentSolution<DescentLike>;

/** Bounds of the laws; `null` reports without judging. */
export interface DescentBounds {
  /** Relative change of the mass ≤; default 1e-12. */
  readonly mass: number | null;
  /** ∫ρ⁻ / ∫ρ ≤; default 1e-8. */
  readonly created: number | null;
  /** Largest growth of E in one step of a grid scheme, relative to its range ≤; default 1e-8. */
  readonly energy: number | null;
  /** Σ of what the drops of E miss Δt I by, relative to E(0) − E(T) ≤; default 0.1: first order, where E is not convex. */
  readonly dissipation: number | null;
  /** max|v|/L ≤; default 1 + 1e-4, what certificates of networks leave. */
  readonly speed: number | null;
  /** Slope of the critic over L at points and pairs ≤; default 1.01. */
  readonly slope: number | null;
  /** Median |v + ∇U| relative to √E|v|² ≤; default 0.05. */
  readonly gradient: number | null;
  /** Moments of paths against those of ρ, relative to four standard errors and what cells and steps change ≤; default 1. */
  readonly paths: number | null;
  /** ∫|ρ(t) − ρ(0)| / ∫ρ of a flow that starts at its equilibrium ≤; default 1e-4. */
  readonly equilibrium: number | null;
  /** Duality gap of the last step relative to max(1, primal) ≤; default 2e-3. */
  readonly gap: number | null;
}

const standard: DescentBounds = {
  mass: 1e-12,
  created: 1e-8,
  energy: 1e-8,
  dissipation: 0.1,
  speed: 1 + 1e-4,
  slope: 1.01,
  gradient: 0.05,
  paths: 1,
  equilibrium: 1e-4,
  gap: 2e-3,
};

/**
 * The laws of a gradient flow's solution; see the head of this file.
 *
 * @param bounds replaces single bounds; `null` reports without judging
 *
 * *References*: ambrosio2008gradient, gu2024lipschitz
 */
export function descentLaws(bounds: Partial<DescentBounds> = {}): readonly Law<Solution<DescentLike>>[] {
  const b = { ...standard, ...bounds };
  const [mass, created, exact] = densityLaws({ mass: b.mass, created: b.created });
  const own = [
    energyFalls(b.energy),
    energyRise(),
    dissipationIdentity(b.dissipation),
    dissipationByTrapezoids(),
    speedBound(b.speed),
    criticCertificate(b.speed),
    criticSlopes(b.slope),
    slopesBetweenCells(),
    velocityIsGradient(b.gradient),
    pathsAgainstDensity(b.paths),
    equilibriumKept(null, b.equilibrium),
    dualityGap(b.gap),
  ].map(ofDescents);
  return [mass, created, ...own, exact, ofDescents(energyAgainstClosedForm())];
}

/** Says of any other solution, which only the compiler would refuse, why it has no such number. */
function ofDescents(law: Law<Solution<DescentLike>>): Law<Solution<DescentLike>> {
  return {
    ...law,
    measure: (solution, context) => {
      if (!isDescent(solution.problem)) {
        const { kind } = solution.problem as Problem;
        throw usageError("descentLaws", "solution", "solve a gradient flow", kind, "Use densityLaws() for this one");
      }
      return law.measure(solution, context);
    },
  };
}

const FROZEN = "the critic is frozen over a step, so a rise of O(Δt) is legitimate; it is reported as energy rise";
const STILL = "the energy does not change";

/** E's range where it is more than round-off of E itself. */
function rangeOf(energies: readonly number[]): number {
  const range = Math.max(...energies) - Math.min(...energies);
  return Math.max(range, 1e-6 * (1 + Math.abs(energies[0])));
}

/** What the critics at both ends of each step leave open of E: their certified gaps; 0 where the family has none. */
function openGaps(solution: Descent): Float64Array {
  const steps = solution.energies.length - 1;
  const gap = new Float64Array(steps + 1);
  const history = solution.histories.find((h) => h.name === "gap");
  history?.iterations.forEach((n, k) => {
    if (n <= steps) gap[n] = Math.max(0, history.values[k]);
  });
  return Float64Array.from({ length: steps }, (_, n) => gap[n] + gap[n + 1]);
}

/** E(ρⁿ⁺¹) ≤ E(ρⁿ) for grid schemes. */
export function energyFalls(bound: number | null = standard.energy): Law<Solution<DescentLike>> {
  return {
    name: "energy falls",
    statement: "max over steps of (E(ρⁿ⁺¹) − E(ρⁿ) − gaps) / (max E − min E)",
    relation: "≤",
    bound,
    measure: (solution: Descent) => {
      const { energies } = solution;
      if (solution.family !== "grid") return FROZEN;
      if (energies.length < 2) return "no step was taken";
      const open = openGaps(solution);
      if (open.some((gap) => gap === Infinity)) return "a critic has no finite gap, so E is not known";
      let growth = -Infinity;
      for (let n = 0; n < open.length; n++) growth = Math.max(growth, energies[n + 1] - energies[n] - open[n]);
      return { value: growth / rangeOf(energies), standardError: null };
    },
  };
}

/** The largest rise of E of families that freeze the critic over a step. */
export function energyRise(): Law<Solution<DescentLike>> {
  return {
    name: "energy rise",
    statement: "max over steps of (E(ρⁿ⁺¹) − E(ρⁿ)) / (max E − min E), critics frozen over each step",
    relation: "≤",
    bound: null,
    measure: ({ energies, family }: Descent) => {
      if (family === "grid") return "grid schemes are judged by energy falls";
      if (energies.length < 2) return "no step was taken";
      let growth = -Infinity;
      for (let n = 1; n < energies.length; n++) growth = Math.max(growth, energies[n] - energies[n - 1]);
      return { value: growth / rangeOf(energies), standardError: null };
    },
  };
}

/** Σ over steps of what `missed` says of the drop of E and Δt I at both ends (`null` where not measured), relative to E(0) − E(T). */
function dissipated(
  solution: Descent,
  missed: (drop: number, early: number | null, late: number | null, open: number) => number | null,
): Measurement | string {
  const { times, energies, dissipations } = solution;
  const steps = energies.length - 1;
  if (steps < 1) return "no step was taken";
  const fall = energies[0] - energies[steps];
  if (!(fall > 1e-6 * (1 + Math.abs(energies[0])))) return STILL;
  const open = openGaps(solution);
  let sum = 0;
  let left = 0;
  for (let n = 0; n < steps; n++) {
    const dt = times[n + 1] - times[n];
    const [early, late] = [n, n + 1].map((k) => (dissipations[k] === null ? null : dt * (dissipations[k] as number)));
    const miss = open[n] === Infinity ? null : missed(energies[n] - energies[n + 1], early, late, open[n]);
    if (miss === null) left++;
    else sum += miss;
  }
  if (left === steps) return "this solution measures no dissipation";
  return {
    value: sum / fall,
    standardError: null,
    ...(left > 0 ? { note: `${left} of ${steps} steps are not measured` } : {}),
  };
}

/** The drop of E in each step lies between Δt Iⁿ and Δt Iⁿ⁺¹. */
export function dissipationIdentity(bound: number | null = standard.dissipation): Law<Solution<DescentLike>> {
  return {
    name: "dissipation identity",
    statement: "Σ over steps of dist(E(ρⁿ) − E(ρⁿ⁺¹), Δt [Iⁿ, Iⁿ⁺¹] ± gaps) / (E(0) − E(T))",
    relation: "≤",
    bound,
    measure: (solution: Descent) => {
      if (solution.family !== "grid") return "E and I are those of samples; see dissipation, trapezoids";
      return dissipated(solution, (drop, early, late, open) => {
        if (early === null && late === null) return null;
        // An end that is not measured leaves its side open: I falls, so the earlier one is the larger.
        const low = Math.min(early ?? Infinity, late ?? 0);
        const high = Math.max(early ?? Infinity, late ?? 0);
        return Math.max(0, low - drop - open, drop - high - open);
      });
    },
  };
}

/** The drop of E in each step against ½Δt (Iⁿ + Iⁿ⁺¹): reported. */
export function dissipationByTrapezoids(): Law<Solution<DescentLike>> {
  return {
    name: "dissipation, trapezoids",
    statement: "Σ over steps of |E(ρⁿ) − E(ρⁿ⁺¹) − ½Δt(Iⁿ + Iⁿ⁺¹)| / (E(0) − E(T))",
    relation: "≤",
    bound: null,
    measure: (solution: Descent) =>
      dissipated(solution, (drop, early, late) =>
        early === null || late === null ? null : Math.abs(drop - 0.5 * (early + late)),
      ),
  };
}

/** L of the flow's speed: of D_f^L, or 1 for W₁; a sentence where nothing bounds it. */
function lipschitzOf({ energy }: DescentLike): number | string {
  if (energy.divergence !== null && energy.divergence.lipschitz < Infinity) return energy.divergence.lipschitz;
  if (energy.transport?.order === 1) return 1;
  return "nothing bounds the speed of this flow";
}

/** |v| ≤ L. */
export function speedBound(bound: number | null = standard.speed): Law<Solution<DescentLike>> {
  return {
    name: "speed ≤ L",
    statement: "max over t of max|v| / L;  L = 1 for W₁",
    relation: "≤",
    bound,
    measure: ({ problem, speeds }: Descent) => {
      const L = lipschitzOf(problem);
      if (typeof L === "string") return L;
      const known = speeds.filter((s) => s !== null);
      if (known.length === 0) return "this solution measures no speeds";
      return { value: Math.max(...known) / L, standardError: null };
    },
  };
}

/** The certificate of Lip(φ). */
export function criticCertificate(bound: number | null = standard.speed): Law<Solution<DescentLike>> {
  return {
    name: "Lipschitz certificate",
    statement: "certified bound on Lip(φ) / L",
    relation: "≤",
    bound,
    measure: ({ problem, critic }: Descent) => {
      const L = lipschitzOf(problem);
      if (typeof L === "string") return L;
      const certified = critic?.certifiedLipschitz ?? null;
      return certified === null ? "the critic carries no certificate" : { value: certified / L, standardError: null };
    },
  };
}

/** Slopes of a certified critic at the points of ρ(0) and ρ(T), between them, and over pairs. */
export function criticSlopes(bound: number | null = standard.slope): Law<Solution<DescentLike>> {
  return {
    name: "Lipschitz audit",
    statement: "max(|φ(x) − φ(y)|/|x − y|, |∇φ|) / L at points of ρ(0), ρ(T) and between",
    relation: "≤",
    bound,
    measure: (solution: Descent, context) =>
      solution.critic?.certifiedLipschitz === null
        ? "the critic carries no certificate; see Lipschitz audit, between cells"
        : slopesOf(solution, context),
  };
}

/** The same of a critic on cells in d ≥ 2: |∇φ| ≤ L holds there for forward differences, which φ exceeds between cells where it has kinks. */
export function slopesBetweenCells(): Law<Solution<DescentLike>> {
  return {
    name: "Lipschitz audit, between cells",
    statement: "max(|φ(x) − φ(y)|/|x − y|, |∇φ|) / L of a critic that is bounded at cells",
    relation: "≤",
    bound: null,
    measure: (solution: Descent, context) =>
      solution.critic?.certifiedLipschitz === null
        ? slopesOf(solution, context)
        : "a certified critic is judged by Lipschitz audit",
  };
}

function slopesOf(solution: Descent, context: LawContext): Measurement | string {
  const L = lipschitzOf(solution.problem);
  if (typeof L === "string") return L;
  const { critic, times } = solution;
  if (critic === null) return "this family has no critic";
  const d = solution.problem.dimension;
  const start = pointsAt(solution, times[0], context);
  const end = pointsAt(solution, times[times.length - 1], context);
  const size = Math.min(start.length, end.length);
  const mix = generator(context.seed).split("Lipschitz audit").uniform(size);
  const points = new Float64Array(3 * size);
  points.set(start.subarray(0, size));
  points.set(end.subarray(0, size), size);
  for (let i = 0; i < size; i++)
    points[2 * size + i] = start[i] + mix[Math.floor(i / d)] * (end[(i + d) % size] - start[i]);
  const n = size / d;
  return { value: steepestSlope(critic, points, d, [1, 2, 7, n, n + 1], 0.05) / L, standardError: null };
}

/** Random points of ρ(t): draws from cells, or the cloud's own moved by a twentieth of its spread, away from kinks at samples. */
function pointsAt(solution: Descent, t: number, context: LawContext): Float64Array {
  const law = solution.density(t);
  const random = generator(context.seed).split(`laws ${t}`);
  if (law.kind === "density") return sampleDensity(law, context.count, random).points;
  const shift = 0.05 * spreadOf(law);
  const kicks = random.normal(law.points.length);
  return law.points.map((x, i) => x + shift * kicks[i]);
}

function spreadOf({ points, dimension: d }: Cloud): number {
  let sum = 0;
  for (let a = 0; a < d; a++) sum += deviation(points.filter((_, i) => i % d === a)) ** 2;
  return Math.sqrt(sum / d) || 1;
}

function deviation(values: Float64Array): number {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((v) => (v - centre) ** 2)));
}

/** v = −∇U at random points of ρ; the median, because a critic has kinks. */
export function velocityIsGradient(bound: number | null = standard.gradient): Law<Solution<DescentLike>> {
  return {
    name: "v = −∇U",
    statement: "median |v + ∇U| / √E|v|², ∇U by differences of U = δE/δρ at points of ρ(t)",
    relation: "≤",
    bound,
    measure: (solution: Descent, context) => {
      const d = solution.problem.dimension;
      const { times } = solution;
      const misses: number[] = [];
      let square = 0;
      let asked = 0;
      for (const share of [0.1, 0.5, 0.9]) {
        const t = share * times[times.length - 1];
        const x = pointsAt(solution, t, context);
        const n = x.length / d;
        const law = solution.density(t);
        // A cell's width is where interpolated values have their differences; clouds have kinks at any distance.
        const step = (a: number) => (law.kind === "density" ? law.grid.axes[a].spacing : 1e-4 * spreadOf(law));
        const v = solution.velocity(t, x);
        const miss = new Float64Array(n);
        const speed = new Float64Array(n);
        for (let a = 0; a < d; a++) {
          const h = step(a);
          const moved = (sign: number) =>
            solution.value(
              t,
              x.map((y, i) => (i % d === a ? y + sign * h : y)),
            );
          const [up, down] = [moved(1), moved(-1)];
          for (let i = 0; i < n; i++) {
            miss[i] += (v[i * d + a] + (up[i] - down[i]) / (2 * h)) ** 2;
            speed[i] += v[i * d + a] ** 2;
          }
        }
        asked += n;
        for (let i = 0; i < n; i++) {
          if (!Number.isFinite(miss[i])) continue;
          misses.push(Math.sqrt(miss[i]));
          square += speed[i];
        }
      }
      if (misses.length < asked / 2)
        return `U has a finite gradient at only ${misses.length} of ${asked} points (an entropy meets ρ = 0)`;
      const scale = Math.sqrt(square / misses.length);
      if (scale === 0) return "nothing moves";
      misses.sort((a, b) => a - b);
      return { value: misses[misses.length >> 1] / scale, standardError: null };
    },
  };
}

/** Paths of the flow; several laws and reports may look at the same ones. */
const followed = new WeakMap<Descent, Map<string, Trajectories>>();

function pathsOf(solution: Descent, context: LawContext): Trajectories {
  const known = followed.get(solution) ?? new Map<string, Trajectories>();
  followed.set(solution, known);
  const key = `${context.seed}/${context.count}`;
  let paths = known.get(key);
  if (paths === undefined) {
    // Particles are as many as they are.
    const count = solution.family === "particle" ? {} : { count: context.count };
    paths = solution.trajectories({ ...count, steps: PATH_STEPS, seed: context.seed });
    known.set(key, paths);
  }
  return paths;
}

/** Even, so that T/2 is among the times. */
const PATH_STEPS = 100;

/**
 * Moments of paths at T/2 and T against those of ρ: coordinates and their squares, on circles the first harmonics. The unit is four standard
 * errors plus what a cell's width and one step of the solver change.
 */
export function pathsAgainstDensity(bound: number | null = standard.paths): Law<Solution<DescentLike>> {
  return {
    name: "paths follow the density",
    statement: "max over moments φ and t = T/2, T of |E φ(X_t) − ∫φρ(t)| / (4 standard errors + E|φ′| (h + Δt √E|v|²))",
    relation: "≤",
    bound,
    measure: (solution: Descent, context) => {
      const { problem, times, dissipations } = solution;
      const d = problem.dimension;
      const paths = pathsOf(solution, context);
      const size = paths.count * d;
      const weights = weightsOf(paths);
      const mass = keepsSlabs(solution) ? integrate(solution.cells.grid, solution.slabs[0]) : 1;
      const squares = dissipations.flatMap((I) => (I === null ? [] : [I / mass]));
      let dt = 0;
      for (let n = 1; n < times.length; n++) dt = Math.max(dt, times[n] - times[n - 1]);
      // Some schemes measure no I at t = 0, where it is largest.
      const first = mean(solution.velocity(0, paths.positions.slice(0, size)).map((v) => v * v)) * d;
      const fastest = Math.sqrt(Math.max(0, Number.isFinite(first) ? first : 0, ...squares));
      if (!paths.positions.every(Number.isFinite))
        return "a path runs to where U has no gradient (an entropy meets ρ = 0)";
      let worst = 0;
      for (const n of [PATH_STEPS / 2, PATH_STEPS]) {
        const now = paths.positions.subarray(n * size, (n + 1) * size);
        const law = solution.density(paths.times[n]);
        const { points, weights: masses, resolution, draws } = weighted(law);
        for (let a = 0; a < d; a++)
          for (const { value, slope } of coordinateMoments(problem.domain, a)) {
            const onPaths = momentsOf(now, weights, d, a, value);
            const onLaw = momentsOf(points, masses, d, a, value);
            // The deviation of a few paths may be far too small by chance.
            const deviation = Math.max(onPaths.deviation, onLaw.deviation);
            const error = Math.hypot(deviation / Math.sqrt(paths.count), onLaw.deviation / Math.sqrt(draws));
            const reach = momentsOf(points, masses, d, a, (x) => Math.abs(slope(x))).mean;
            const allowed = 4 * error + reach * (resolution + dt * fastest);
            const miss = Math.abs(onPaths.mean - onLaw.mean);
            if (miss > 0) worst = Math.max(worst, miss / allowed);
          }
      }
      return { value: worst, standardError: null, note: `${paths.count} paths` };
    },
  };
}

/** A law as weighted points of weight 1 in all; how fine it is, and how many draws it is made of. */
function weighted(law: Density | Cloud): {
  readonly points: Float64Array;
  readonly weights: Float64Array;
  readonly resolution: number;
  readonly draws: number;
} {
  const isCloud = law.kind === "cloud";
  const c = isCloud ? law : cloudOf(law, { normalise: true });
  return {
    points: c.points,
    weights: weightsOf(c),
    resolution: isCloud ? 0 : Math.max(...law.grid.axes.map(({ spacing }) => spacing)),
    draws: isCloud ? c.count : Infinity,
  };
}

function momentsOf(
  points: Float64Array,
  weights: Float64Array,
  d: number,
  a: number,
  phi: (x: number) => number,
): { readonly mean: number; readonly deviation: number } {
  let first = 0;
  let second = 0;
  for (let i = 0; i < weights.length; i++) {
    const v = phi(points[i * d + a]);
    first += weights[i] * v;
    second += weights[i] * v * v;
  }
  return { mean: first, deviation: Math.sqrt(Math.max(0, second - first * first)) };
}

/**
 * A flow that starts at its equilibrium stays there.
 *
 * @param equilibrium density of the equilibrium at row-major points, up to a factor; `null`: the target of D_f^L, W₁ or ½W₂²
 */
export function equilibriumKept(
  equilibrium: ((x: Float64Array) => Float64Array) | null = null,
  bound: number | null = standard.equilibrium,
): Law<Solution<DescentLike>> {
  return {
    name: "equilibrium kept",
    statement: "max over t of ∫|ρ(t) − ρ(0)| / ∫ρ(0), where ρ(0) is the equilibrium",
    relation: "≤",
    bound,
    measure: (solution: Descent) => {
      if (!keepsSlabs(solution)) return "samples of an equilibrium are not one";
      const { energy } = solution.problem as DescentLike;
      const target = (energy.divergence ?? energy.transport)?.target.density ?? null;
      const given = equilibrium ?? (target === null ? null : (x: Float64Array) => target.evaluate(0, x));
      if (given === null) return "no equilibrium of this flow is given";
      const { cells, slabs } = solution;
      const wanted = given(cells.points).map((v, k) => (cells.open[k] === 1 ? v : 0));
      const scale = integrate(cells.grid, slabs[0]) / integrate(cells.grid, wanted);
      const apart = (a: Float64Array, b: Float64Array, factor: number) => {
        let sum = 0;
        let mass = 0;
        for (let k = 0; k < a.length; k++) {
          sum += Math.abs(a[k] - factor * b[k]);
          mass += Math.abs(factor * b[k]);
        }
        return sum / mass;
      };
      if (!(apart(slabs[0], wanted, scale) <= 1e-9)) return "the flow does not start at its equilibrium";
      return { value: Math.max(...slabs.map((slab) => apart(slab, slabs[0], 1))), standardError: null };
    },
  };
}

/** E at the solution's times against its closed form: reported. */
export function energyAgainstClosedForm(): Law<Solution<DescentLike>> {
  return {
    name: "energy, closed form",
    statement: "max over t of |E(ρ(t)) − exact| / (exact(0) − exact(T))",
    relation: "≤",
    bound: null,
    measure: ({ problem, times, energies }: Descent) => {
      const exact = problem.exact?.energy ?? null;
      if (exact === null) return "no closed form of the energy is known";
      const wanted = Array.from(times, (t) => exact(t));
      const fall = wanted[0] - wanted[wanted.length - 1];
      if (!(fall > 0)) return STILL;
      return { value: Math.max(...wanted.map((e, n) => Math.abs(energies[n] - e))) / fall, standardError: null };
    },
  };
}
