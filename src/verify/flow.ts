// Laws of a flow that minimises λ∫½|v|²: U solves −∂ₜU + |∇U|²/(2λ) = 0 and v = −∇U/λ. With the Hamilton–Jacobi residual
//   r = ∂ₜU − |∇U|²/(2λ)   the acceleration along paths is   v̇ = ∂ₜv + (v·∇)v = −∇r/λ,
// so the gradient of the residual *is* the non-straightness. Both sides are computed here by central differences of
// value(t, x) and velocity(t, x), which are the only things asked of a solution: the laws hold grid, particle and neural
// solutions to the same measure. Reference: Gu, Katsoulakis, Rey-Bellet, Zhang 2024; Zhang, Katsoulakis 2023.
import { cloud, type Distribution, wasserstein2, weightsOf } from "../measure/index.js";
import type { Problem } from "../problem.js";
import { generator } from "../random/index.js";
import type { Solution } from "../solution/index.js";
import type { Law, LawContext, Measurement } from "./law.js";
import { mean } from "./mean.js";
import { steepestSlope } from "./steepest.js";
import { endpoints, eulerPaths, meanDistance, rootMeanSquare, straightness } from "./straightness.js";

/** A problem whose running cost is λ|v|²/2, with an optional Lipschitz bound on its terminal potential. */
export interface KineticProblem extends Problem {
  /** ρ₀. */
  readonly source: Distribution;
  readonly kineticWeight: number;
  readonly lipschitz: number;
}

type Flow = Solution<KineticProblem>;
type Paths = ReturnType<typeof eulerPaths>;

/** Bounds of the laws; `null` reports without judging. Defaults are those of the reference text. */
export interface FlowBounds {
  /** Chord ratio ≥; default 0.98. */
  readonly chordRatio: number | null;
  /** One-step and step-halving errors relative to the displacement ≤; default 0.02. */
  readonly step: number | null;
  /** Terminal-gradient mismatch ≤; default 0.1. */
  readonly terminal: number | null;
  /** E|r| / E(|∇U|²/2λ) ≤; default 0.1. */
  readonly residual: number | null;
  /** |v + ∇U/λ| relative to |v| ≤; default 0.05. */
  readonly gradient: number | null;
  /** Identity v̇ = −∇r/λ, relative to displacement/T² ≤; default 0.05. */
  readonly identity: number | null;
  /** Weak continuity residual ≤; default 0.05. */
  readonly continuity: number | null;
  /** Relative excess of E|x_T − x₀|² over W₂² ≤; default 0.05. */
  readonly pairing: number | null;
  /** Relative duality gap ≤; default 1e-3. */
  readonly gap: number | null;
}

const standard: FlowBounds = {
  chordRatio: 0.98,
  step: 0.02,
  terminal: 0.1,
  residual: 0.1,
  gradient: 0.05,
  identity: 0.05,
  continuity: 0.05,
  pairing: 0.05,
  gap: 1e-3,
};

/** Steps of the paths on which the laws are measured. */
const STEPS = 40;
const COARSE = 5;

/**
 * Starting points: fresh draws of the source, the same for every law and every solution of a seed. (The points that a
 * particle solution was solved with would not do: at an optimum many of them lie exactly on the kinks of U.)
 */
function startingPoints(solution: Flow, context: LawContext): Float64Array {
  return solution.problem.source.sample(context.count, generator(context.seed).split("laws")).points;
}

/** Paths already integrated: a solution does not change, and a dozen laws look at the same paths. */
const integrated = new WeakMap<Flow, Map<string, Paths>>();

function pathsOf(solution: Flow, context: LawContext, steps = STEPS): Paths {
  const key = `${context.seed}/${context.count}/${steps}`;
  const known = integrated.get(solution) ?? new Map<string, Paths>();
  integrated.set(solution, known);
  let paths = known.get(key);
  if (paths === undefined) {
    const { dimension, horizon } = solution.problem;
    const start = startingPoints(solution, context);
    paths = eulerPaths((t, x) => solution.velocity(t, x), start, dimension, horizon, steps);
    known.set(key, paths);
  }
  return paths;
}

const median = (values: Float64Array): number => {
  const sorted = values.slice().sort();
  const n = sorted.length;
  return n % 2 === 1 ? sorted[(n - 1) / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
};

/** Euclidean norms of n row vectors. */
function norms(x: Float64Array, d: number): Float64Array {
  const out = new Float64Array(x.length / d);
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (let a = 0; a < d; a++) sum += x[i * d + a] ** 2;
    out[i] = Math.sqrt(sum);
  }
  return out;
}

/** Copies of x moved by ±δ along each axis: block (2a) is +δeₐ, block (2a + 1) is −δeₐ. */
function moved(x: Float64Array, d: number, delta: number): Float64Array {
  const out = new Float64Array(x.length * 2 * d);
  for (let a = 0; a < d; a++) {
    for (const sign of [0, 1]) {
      const at = (2 * a + sign) * x.length;
      out.set(x, at);
      for (let i = a; i < x.length; i += d) out[at + i] += sign === 0 ? delta : -delta;
    }
  }
  return out;
}

/** Gradient by central differences from the values at {@link moved} points. */
function differences(values: Float64Array, n: number, d: number, delta: number): Float64Array {
  const out = new Float64Array(n * d);
  for (let a = 0; a < d; a++)
    for (let i = 0; i < n; i++) out[i * d + a] = (values[2 * a * n + i] - values[(2 * a + 1) * n + i]) / (2 * delta);
  return out;
}

/**
 * r = ∂ₜU − λ|v|²/2 at n points, with v the solution's own velocity. The step of ∂ₜU shrinks with the way to the nearer
 * end, because Hopf–Lax potentials vary like 1/(T − t), and is small, because a potential of samples has kinks nearby.
 */
function residual(solution: Flow, t: number, x: Float64Array): { r: Float64Array; kinetic: Float64Array } {
  const { kineticWeight: lambda, dimension: d, horizon: T } = solution.problem;
  const h = 2e-3 * Math.min(t, T - t);
  const later = solution.value(t + h, x);
  const earlier = solution.value(t - h, x);
  const speed = norms(solution.velocity(t, x), d);
  const kinetic = speed.map((s) => (lambda * s * s) / 2);
  return { r: kinetic.map((k, i) => (later[i] - earlier[i]) / (2 * h) - k), kinetic };
}

/** Interior times at which the potential is examined, and the points of the paths there. */
function* stations(paths: Paths): Generator<{ t: number; x: Float64Array }> {
  const size = paths.count * paths.dimension;
  const steps = paths.times.length - 1;
  for (const share of [0.1, 0.3, 0.5, 0.7, 0.9]) {
    const k = Math.round(share * steps);
    yield { t: paths.times[k], x: paths.positions.slice(k * size, (k + 1) * size) };
  }
}

/** Finite-difference steps: small against the distance between kinks, large against double-precision rounding. */
function stencil(paths: Paths): { dx: number; dt: number } {
  const size = paths.count * paths.dimension;
  const start = paths.positions.subarray(0, size);
  let spread = 0;
  for (let a = 0; a < paths.dimension; a++) {
    const column = start.filter((_, i) => i % paths.dimension === a);
    const centre = mean(column);
    spread += mean(column.map((v) => (v - centre) ** 2));
  }
  const scale = Math.sqrt(spread / paths.dimension) || 1;
  return { dx: 1e-4 * scale, dt: 1e-3 * (paths.times[paths.times.length - 1] - paths.times[0]) };
}

/**
 * The laws of a kinetic flow: straight and uniform paths, Hamilton–Jacobi residual, v = −∇U/λ, the identity
 * v̇ = −∇r/λ, continuity, optimal pairing, terminal condition, Lipschitz bound, mass, positivity, duality gap.
 *
 * @param bounds replaces single bounds; `null` reports without judging
 */
export function flowLaws(bounds: Partial<FlowBounds> = {}): readonly Law<Flow>[] {
  const b = { ...standard, ...bounds };
  return [
    chordRatio(b.chordRatio),
    oneStep(b.step),
    stepHalving(b.step),
    stepRefinement(b.step),
    relativeStraightness(),
    relativeRoughness(),
    energyChain(),
    optimalPairing(b.pairing),
    pathsAgree(b.step),
    potentialGradient(b.gradient),
    hamiltonJacobi(b.residual),
    accelerationIdentity(b.identity),
    continuity(b.continuity),
    terminalGradient(b.terminal),
    lipschitzAudit(),
    lipschitzCertificate(),
    massKept(),
    positivity(),
    dualityGap(b.gap),
  ];
}

/** C = E|x_T − x₀| / E∫|v|dt. */
export function chordRatio(bound: number | null = standard.chordRatio): Law<Flow> {
  return {
    name: "chord ratio",
    statement: "E|x_T − x₀| / E∫|v|dt",
    relation: "≥",
    bound,
    measure: (solution, context) => {
      const s = straightness(pathsOf(solution, context));
      return moves(s.displacement) ?? { value: s.chordRatio, standardError: s.chordStandardError };
    },
  };
}

/** No displacement, nothing to compare with. */
function moves(displacement: number): string | undefined {
  return displacement > 0 ? undefined : "nothing moves, so there is no displacement to compare with";
}

/** E|x₀ + T v(0, x₀) − x_T| relative to the displacement E|x_T − x₀|; the root mean square is in the note. */
export function oneStep(bound: number | null = standard.step): Law<Flow> {
  return {
    name: "one step",
    statement: "E|x₀ + T v(0,x₀) − x_T| / E|x_T − x₀|",
    relation: "≤",
    bound,
    measure: (solution, context) => {
      const s = straightness(pathsOf(solution, context));
      const note = `root mean square ${s.oneStepRootMeanSquare.toPrecision(2)}`;
      return moves(s.displacement) ?? { value: s.oneStepError, standardError: null, note };
    },
  };
}

function refinement(name: string, statement: string, coarse: number, fine: number, bound: number | null): Law<Flow> {
  return {
    name,
    statement,
    relation: "≤",
    bound,
    measure: (solution, context) => {
      const a = pathsOf(solution, context, coarse);
      const b = pathsOf(solution, context, fine);
      const s = straightness(b);
      const d = solution.problem.dimension;
      const shift = meanDistance(endpoints(a), endpoints(b), d) / s.meanDisplacement;
      const rms = rootMeanSquare(endpoints(a), endpoints(b), d) / s.displacement;
      const note = `root mean square ${rms.toPrecision(2)}`;
      return moves(s.displacement) ?? { value: shift, standardError: null, note };
    },
  };
}

/** Endpoints of 20 Euler steps against 40. */
export function stepHalving(bound: number | null = standard.step): Law<Flow> {
  return refinement("step halving", "E|x_T^{20} − x_T^{40}| / E|x_T − x₀|", STEPS / 2, STEPS, bound);
}

/** Endpoints of 5 Euler steps against 40. */
export function stepRefinement(bound: number | null = standard.step): Law<Flow> {
  return refinement("step 1/5 → 1/40", "E|x_T^{5} − x_T^{40}| / E|x_T − x₀|", COARSE, STEPS, bound);
}

function relativeStraightness(): Law<Flow> {
  return {
    name: "straightness S",
    statement: "∫E|v − (x_T − x₀)/T|²dt / (E|x_T − x₀|²/T)",
    relation: "≤",
    bound: null,
    measure: (solution, context) => {
      const s = straightness(pathsOf(solution, context));
      return moves(s.displacement) ?? { value: s.relativeStraightness, standardError: null };
    },
  };
}

function relativeRoughness(): Law<Flow> {
  return {
    name: "roughness γ₁",
    statement: "T³ ∫E|v̇|²dt / E|x_T − x₀|²",
    relation: "≤",
    bound: null,
    measure: (solution, context) => {
      const s = straightness(pathsOf(solution, context));
      return moves(s.displacement) ?? { value: s.relativeRoughness, standardError: null };
    },
  };
}

function energyChain(): Law<Flow> {
  return {
    name: "energy above chord",
    statement: "∫E|v|²dt / (E|x_T − x₀|²/T) − 1 ≥ 0 (Jensen)",
    relation: "≥",
    bound: -1e-9,
    measure: (solution, context) => {
      const s = straightness(pathsOf(solution, context));
      return moves(s.displacement) ?? { value: s.energy / s.chordEnergy - 1, standardError: null };
    },
  };
}

/** E|x_T − x₀|²/W₂² − 1: an optimal flow pairs each x₀ with its W₂-optimal x_T. */
export function optimalPairing(bound: number | null = standard.pairing): Law<Flow> {
  return {
    name: "optimal pairing",
    statement: "E|x_T − x₀|² / W₂²(ρ₀, ρ_T) − 1, on the sample",
    relation: "≤",
    bound,
    measure: (solution, context) => {
      const d = solution.problem.dimension;
      const paths = pathsOf(solution, context);
      const s = straightness(paths);
      const start = paths.positions.slice(0, paths.count * d);
      const still = moves(s.displacement);
      if (still !== undefined) return still;
      const distance = wasserstein2(cloud(start, d), cloud(endpoints(paths), d));
      return { value: s.displacement ** 2 / distance ** 2 - 1, standardError: null };
    },
  };
}

/** The solution's own trajectories against Euler paths of its velocity. */
export function pathsAgree(bound: number | null = standard.step): Law<Flow> {
  return {
    name: "paths follow v",
    statement: "E|x_T of trajectories() − x_T of ẋ = v| / E|x_T − x₀|",
    relation: "≤",
    bound,
    measure: (solution, context) => {
      const d = solution.problem.dimension;
      const paths = pathsOf(solution, context);
      const start = cloud(paths.positions.slice(0, paths.count * d), d);
      const own = solution.trajectories({ start, steps: STEPS });
      const s = straightness(paths);
      const shift = meanDistance(endpoints(own), endpoints(paths), d);
      return moves(s.displacement) ?? { value: shift / s.meanDisplacement, standardError: null };
    },
  };
}

/** |v + ∇U/λ| with ∇U by differences of value(t, x). The median, because a potential may have kinks. */
export function potentialGradient(bound: number | null = standard.gradient): Law<Flow> {
  return {
    name: "v = −∇U/λ",
    statement: "median |v + ∇U/λ| / √E|v|², ∇U by differences of U",
    relation: "≤",
    bound,
    measure: (solution, context) => {
      const { dimension: d, kineticWeight: lambda } = solution.problem;
      const paths = pathsOf(solution, context);
      const { dx } = stencil(paths);
      const misses: number[] = [];
      let speed2 = 0;
      let stationCount = 0;
      for (const { t, x } of stations(paths)) {
        const gradient = differences(solution.value(t, moved(x, d, dx)), paths.count, d, dx);
        const v = solution.velocity(t, x);
        misses.push(
          ...norms(
            v.map((w, i) => w + gradient[i] / lambda),
            d,
          ),
        );
        speed2 += mean(norms(v, d).map((s) => s * s));
        stationCount++;
      }
      const speed = Math.sqrt(speed2 / stationCount);
      return moves(speed) ?? { value: median(Float64Array.from(misses)) / speed, standardError: null };
    },
  };
}

/** E|r| / E(|∇U|²/2λ). */
export function hamiltonJacobi(bound: number | null = standard.residual): Law<Flow> {
  return {
    name: "Hamilton–Jacobi",
    statement: "E|∂ₜU − |∇U|²/2λ| / E(|∇U|²/2λ) along paths",
    relation: "≤",
    bound,
    measure: (solution, context) => {
      const paths = pathsOf(solution, context);
      let above = 0;
      let below = 0;
      for (const { t, x } of stations(paths)) {
        const { r, kinetic } = residual(solution, t, x);
        above += mean(r.map(Math.abs));
        below += mean(kinetic);
      }
      return moves(below) ?? { value: above / below, standardError: null };
    },
  };
}

/** v̇ = −∇r/λ, both sides by differences. */
export function accelerationIdentity(bound: number | null = standard.identity): Law<Flow> {
  return {
    name: "v̇ = −∇r/λ",
    statement: "median |v̇ + ∇r/λ| · T²/√E|x_T − x₀|²,  r = ∂ₜU − |∇U|²/2λ",
    relation: "≤",
    bound,
    measure: (solution, context) => {
      const { dimension: d, kineticWeight: lambda, horizon: T } = solution.problem;
      const paths = pathsOf(solution, context);
      const displacement = straightness(paths).displacement;
      const { dx, dt } = stencil(paths);
      const n = paths.count;
      const misses: number[] = [];
      const left: number[] = [];
      const right: number[] = [];
      for (const { t, x } of stations(paths)) {
        const v = solution.velocity(t, x);
        const later = solution.velocity(
          t + dt,
          x.map((y, i) => y + dt * v[i]),
        );
        const earlier = solution.velocity(
          t - dt,
          x.map((y, i) => y - dt * v[i]),
        );
        const acceleration = later.map((w, i) => (w - earlier[i]) / (2 * dt));
        const delta = 2 * dx;
        const { r } = residual(solution, t, moved(x, d, delta));
        const force = differences(r, n, d, delta).map((g) => -g / lambda);
        misses.push(
          ...norms(
            acceleration.map((a, i) => a - force[i]),
            d,
          ),
        );
        left.push(...norms(acceleration, d));
        right.push(...norms(force, d));
      }
      const unit = (T * T) / displacement;
      const m = (values: number[]) => median(Float64Array.from(values)) * unit;
      return (
        moves(displacement) ?? {
          value: m(misses),
          standardError: null,
          note: `median |v̇| ${m(left).toPrecision(2)}, median |∇r|/λ ${m(right).toPrecision(2)}, both × T²/displacement`,
        }
      );
    },
  };
}

/** d/dt E ψ(X_t) = E ∇ψ·v for ψ = xₐ, |x|²/2 and cos, sin of each coordinate, from density(t) and velocity(t, x). */
export function continuity(bound: number | null = standard.continuity): Law<Flow> {
  return {
    name: "continuity",
    statement: "max over ψ of |d/dt E ψ − E ∇ψ·v| / √(E|∇ψ|² E|v|²), ψ = xₐ, |x|²/2, cos xₐ, sin xₐ",
    relation: "≤",
    bound,
    measure: (solution) => {
      const { dimension: d, horizon: T } = solution.problem;
      const delta = 0.02 * T;
      let worst = 0;
      for (const t of [0.2 * T, 0.5 * T, 0.8 * T]) {
        const now = pointsAndWeights(solution, t);
        const v = solution.velocity(t, now.points);
        const before = pointsAndWeights(solution, t - delta);
        const after = pointsAndWeights(solution, t + delta);
        for (const { f, df } of testFunctions(d)) {
          const rate = (expectation(after, d, f) - expectation(before, d, f)) / (2 * delta);
          let flux = 0;
          let slope2 = 0;
          let speed2 = 0;
          for (let i = 0; i < now.weights.length; i++) {
            const g = df(now.points, i * d);
            for (let a = 0; a < d; a++) {
              flux += now.weights[i] * g[a] * v[i * d + a];
              slope2 += now.weights[i] * g[a] ** 2;
              speed2 += now.weights[i] * v[i * d + a] ** 2;
            }
          }
          if (speed2 > 0) worst = Math.max(worst, Math.abs(rate - flux) / Math.sqrt(slope2 * speed2));
        }
      }
      return { value: worst, standardError: null };
    },
  };
}

interface Weighted {
  readonly points: Float64Array;
  readonly weights: Float64Array;
}

/** ρ_t as weighted points; grid nodes without mass are left out. */
function pointsAndWeights(solution: Flow, t: number): Weighted {
  const law = solution.density(t);
  if (law.kind === "cloud") {
    return { points: law.points, weights: weightsOf(law) };
  }
  const { grid, values } = law;
  const d = grid.dimension;
  const kept = values.reduce((n, v) => n + (v !== 0 ? 1 : 0), 0);
  const points = new Float64Array(kept * d);
  const weights = new Float64Array(kept);
  let at = 0;
  for (let i = 0; i < grid.size; i++) {
    if (values[i] === 0) continue;
    for (let a = 0; a < d; a++) {
      points[at * d + a] = grid.axes[a].nodes[Math.floor(i / grid.strides[a]) % grid.shape[a]];
    }
    weights[at++] = values[i] * grid.cellVolume;
  }
  return { points, weights };
}

type PointFunction = (x: Float64Array, at: number) => number;

function expectation(law: Weighted, d: number, f: PointFunction): number {
  let sum = 0;
  for (let i = 0; i < law.weights.length; i++) sum += law.weights[i] * f(law.points, i * d);
  return sum;
}

function testFunctions(d: number): { f: PointFunction; df: (x: Float64Array, at: number) => Float64Array }[] {
  const unit = (a: number, value: number) => {
    const g = new Float64Array(d);
    g[a] = value;
    return g;
  };
  const list: ReturnType<typeof testFunctions> = [];
  for (let a = 0; a < d; a++) {
    list.push({ f: (x, at) => x[at + a], df: () => unit(a, 1) });
    list.push({ f: (x, at) => Math.cos(x[at + a]), df: (x, at) => unit(a, -Math.sin(x[at + a])) });
    list.push({ f: (x, at) => Math.sin(x[at + a]), df: (x, at) => unit(a, Math.cos(x[at + a])) });
  }
  list.push({
    f: (x, at) => {
      let sum = 0;
      for (let a = 0; a < d; a++) sum += x[at + a] ** 2 / 2;
      return sum;
    },
    df: (x, at) => x.slice(at, at + d),
  });
  return list;
}

/** E|∇U(T, x_T) − ∇φ(x_T)|² / E|∇φ|²; points where the critic has no gradient (NaN) are left out and counted. */
export function terminalGradient(bound: number | null = standard.terminal): Law<Flow> {
  return {
    name: "terminal gradient",
    statement: "E|∇U(T,x_T) − ∇φ(x_T)|² / E|∇φ(x_T)|²",
    relation: "≤",
    bound,
    measure: (solution, context): Measurement | string => {
      const { dimension: d, kineticWeight: lambda, horizon: T } = solution.problem;
      if (solution.critic === null) return "this family has no critic";
      const x = endpoints(pathsOf(solution, context));
      const slope = solution.critic.gradient(x);
      const v = solution.velocity(T, x);
      const n = x.length / d;
      let miss = 0;
      let size = 0;
      let used = 0;
      for (let i = 0; i < n; i++) {
        const rows = Array.from({ length: d }, (_, a) => i * d + a);
        if (rows.some((j) => Number.isNaN(slope[j]) || Number.isNaN(v[j]))) continue;
        used++;
        for (const j of rows) {
          miss += (-lambda * v[j] - slope[j]) ** 2;
          size += slope[j] ** 2;
        }
      }
      if (used < n / 2) return `the critic has a gradient at only ${used} of ${n} end points (it has kinks there)`;
      if (size === 0) return "the critic is flat at every end point, so there is no slope to compare with";
      const note = used < n ? `${n - used} of ${n} end points on kinks left out` : undefined;
      return { value: miss / size, standardError: null, note };
    },
  };
}

/** max slope of the critic over sample pairs and gradients, relative to L: a spot check; the certificate is the sharp statement. */
export function lipschitzAudit(): Law<Flow> {
  return {
    name: "Lipschitz audit",
    statement: "max(|φ(x) − φ(y)|/|x − y|, |∇φ|) / L on samples and interpolates",
    relation: "≤",
    bound: 1.01,
    measure: (solution, context): Measurement | string => {
      const { dimension: d, lipschitz: L } = solution.problem;
      if (solution.critic === null) return "this family has no critic";
      if (L === Infinity) return "no bound was asked for (L = ∞)";
      const paths = pathsOf(solution, context);
      const ends = endpoints(paths);
      const start = paths.positions.subarray(0, ends.length);
      const mix = generator(context.seed).split("lipschitz-audit").uniform(paths.count);
      const points = new Float64Array(3 * ends.length);
      points.set(start);
      points.set(ends, ends.length);
      for (let i = 0; i < ends.length; i++) {
        const s = mix[Math.floor(i / d)];
        points[2 * ends.length + i] = s * start[i] + (1 - s) * ends[(i + d) % ends.length];
      }
      const steepest = steepestSlope(solution.critic, points, d, [1, 2, 7, paths.count, paths.count + 1], 0.05);
      return { value: steepest / L, standardError: null };
    },
  };
}

function lipschitzCertificate(): Law<Flow> {
  return {
    name: "Lipschitz certificate",
    statement: "certified bound on Lip(φ) / L",
    relation: "≤",
    bound: 1 + 1e-4,
    measure: (solution): Measurement | string => {
      const certified = solution.critic?.certifiedLipschitz ?? null;
      if (certified === null) return "the critic carries no certificate";
      if (solution.problem.lipschitz === Infinity) return "no bound was asked for (L = ∞)";
      return { value: certified / solution.problem.lipschitz, standardError: null };
    },
  };
}

function massOf(solution: Flow, t: number): number {
  const law = solution.density(t);
  if (law.kind === "cloud") return law.weights === null ? 1 : law.weights.reduce((sum, w) => sum + w, 0);
  return law.values.reduce((sum, v) => sum + v, 0) * law.grid.cellVolume;
}

/** |mass(t) − mass(0)| at five times. */
export function massKept(): Law<Flow> {
  return {
    name: "mass",
    statement: "max over t of |∫ρ_t − ∫ρ₀|",
    relation: "≤",
    bound: 1e-10,
    measure: (solution) => {
      const T = solution.problem.horizon;
      const first = massOf(solution, 0);
      const changes = [0.25, 0.5, 0.75, 1].map((s) => Math.abs(massOf(solution, s * T) - first));
      return { value: Math.max(...changes), standardError: null };
    },
  };
}

/** min over t, x of ρ. */
export function positivity(): Law<Flow> {
  return {
    name: "positivity",
    statement: "min over t, x of ρ_t(x)",
    relation: "≥",
    bound: 0,
    measure: (solution) => {
      const T = solution.problem.horizon;
      let least = Infinity;
      for (const share of [0, 0.25, 0.5, 0.75, 1]) {
        const law = solution.density(share * T);
        const values = law.kind === "cloud" ? (law.weights ?? [1 / law.count]) : law.values;
        for (const v of values) if (!(v >= least)) least = v;
      }
      return { value: least, standardError: null };
    },
  };
}

/** |primal − dual| / max(1, |primal|). */
export function dualityGap(bound: number | null = standard.gap): Law<Solution> {
  return {
    name: "duality gap",
    statement: "|primal − dual| / max(1, |primal|)",
    relation: "≤",
    bound,
    measure: (solution): Measurement | string => {
      const { primal, gap } = solution.objective;
      if (primal === null || gap === null) return "no certified pair of primal and dual values";
      return { value: Math.abs(gap) / Math.max(1, Math.abs(primal)), standardError: null };
    },
  };
}
