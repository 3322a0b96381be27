// The W₁⊕W₂ proximal flow on a no-flux box in one or two dimensions, through its concave dual over the terminal potential:
//   max_ψ  ∫ρ₀ (Aψ) − ∫π f*(ψ)   (Kullback–Leibler: − log ∫π e^ψ),   (Aψ)(x) = min_y ψ(y) + h(|x − y|),
//   h(r) = λr²/2T if r ≤ LT/λ, else Lr − L²T/2λ   (Huber: Hopf–Lax and the Lipschitz bound in one transform)
// Scheme: cell masses of ρ₀ and π on the nodes; smoothed dual, level ε ∝ h², by Newton's method (smoothed-dual.ts), from coarse grids
// to fine; φ = L-Lipschitz envelope of ψ (lipschitz-envelope.ts); U(t, ·) = Hopf–Lax of a spline of φ (hopf-lax.ts), so that
// the Hamilton–Jacobi equation, v = −∇U/λ and straight paths hold exactly for every h; ρ_t = ρ₀ carried along the paths and deposited.
// Certificate: primal and dual of the node problem, gap = primal − dual ≥ 0.
// Order: 2 in h for value, U, ρ_t where φ is smooth; 1 where π is singular and φ has a kink on it. Positive, mass exact.
// References: Gu, Katsoulakis, Rey-Bellet, Zhang 2024 (key gu2024proximal); Jacobs, Léger 2020 (key jacobs2020fast) for the dual ascent on
// grids; Cuturi, Peyré 2018 (key cuturi2018semidual); Schmitzer 2019 (key schmitzer2019stabilized).

import ndarray, { type NdArray } from "ndarray";
import type { ProximalFlow } from "../../../problems/proximal-flow.js";
import { breathing } from "../../../src/breathing.js";
import { demand, usageError } from "../../../src/error.js";
import { axis, deposit, type Grid, grid, interpolate, nodesOf } from "../../../src/grid/index.js";
import { stacked } from "../../../src/io/index.js";
import type { Cloud, Density } from "../../../src/measure/index.js";
import type { Problem } from "../../../src/problem.js";
import { generator } from "../../../src/random/index.js";
import type {
  Critic,
  History,
  Objective,
  Solution,
  Trajectories,
  TrajectoryOptions,
} from "../../../src/solution/index.js";
import type { SolveContext, Solver } from "../../../src/solver.js";
import { huberCost } from "../../../src/transport/index.js";
import { cloudMasses, densityMasses, type SubcellMasses, silvermanBandwidth } from "./cell-masses.js";
import { type HopfLax, hopfLax } from "./hopf-lax.js";
import { lipschitzEnvelope } from "./lipschitz-envelope.js";
import { latticeCost, minPlus, tiling } from "./min-plus.js";
import { quadraticSpline } from "./quadratic-spline.js";
import { ascend, certificate, type NodeTransport, nodeTransport, startFrom } from "./smoothed-dual.js";

export interface GridProximalFlowOptions {
  /** Nodes an axis, one number or one for each axis, integers ≥ 8; default 256 in 1-D, 96 in 2-D. */
  readonly points?: number | readonly number[];
  /**
   * The box; default: both laws' own boxes with a margin of 2 % (at least one cell), moved by less than one cell so that a node lies
   * on the target's mean. Mass outside is left out, the rest normalised, and the loss reported in `counts`.
   */
  readonly box?: { readonly lower: ArrayLike<number>; readonly upper: ArrayLike<number> };
  /**
   * Standard deviation of the Gaussian that smooths a target known by samples; `"silverman"` for Silverman's rule. Default 0 (the
   * atoms themselves, each spread over its 2^d nearest nodes) for a finite L, where atoms are well-posed, and `"silverman"` for L = ∞, where they
   * are not. The value used is in `counts`.
   */
  readonly bandwidth?: number | "silverman";
  /** Draws from a target that has neither density nor data; default 262144. */
  readonly samples?: number;
  /** Converged when gap ≤ tolerance · max(1, |primal|); default 1e-3. */
  readonly tolerance?: number;
  /** Newton steps over all grids; default 1000. */
  readonly maxIterations?: number;
  /**
   * Smoothing ε of the dual from which potential, densities and velocities are made, in units of λh²/T (or Lh where that is less); default 0.1 in
   * 1-D, 0.4 in 2-D. Where the gap is then still above the tolerance, the certificate alone is taken at a smaller ε.
   */
  readonly smoothing?: number;
}

type Settings = Required<Pick<GridProximalFlowOptions, "samples" | "tolerance" | "maxIterations">> &
  Pick<GridProximalFlowOptions, "points" | "box" | "bandwidth" | "smoothing">;

/** Solution on a grid: densities at all times live on `grid`. */
export interface GridProximalFlowSolution extends Solution<ProximalFlow> {
  readonly family: "grid";
  readonly grid: Grid;
  /** φ at the nodes: L-Lipschitz for every pair of nodes. */
  readonly phi: Float64Array;
  /** Law of the state on the grid, mass 1 to round-off, non-negative. */
  density(t: number): Density;
}

const NAME = "gridProximalFlow";
/** Coarsest grid of the hierarchy, nodes an axis. */
const COARSEST = 16;
/** Times whose Hopf–Lax feet are kept. */
const KEPT_TIMES = 48;

/**
 * The proximal flow on a grid in one or two dimensions, with a certified duality gap.
 *
 * @param options see {@link GridProximalFlowOptions}
 * @returns a solver for problems of kind `"proximal-flow"` with a source that has a density
 * @throws UsageError when an option is out of range
 *
 * *Notes*: `objective` holds certified primal and dual values of the problem on the nodes, which differ from the continuum's by O(h²). A
 * tolerance far below λh²/T is met, but the potential then follows the nodes (its error stays O(h²), its slope's O(h)). Convergence is of order
 * 1 for atoms. `critic` is the L-Lipschitz envelope of a C¹ spline of φ: its bound L is certified between the nodes too.
 *
 * *Good values*: the defaults; `points: 192` in 2-D for pictures.
 *
 * *References*: gu2024proximal, jacobs2020fast, cuturi2018semidual, schmitzer2019stabilized, felzenszwalb2012distance
 */
export function gridProximalFlow(
  options: GridProximalFlowOptions = {},
): Solver<ProximalFlow, GridProximalFlowSolution> {
  const settings: Settings = { samples: 2 ** 18, tolerance: 1e-3, maxIterations: 1000, ...options };
  check(settings);
  const record = {
    name: NAME,
    family: "grid" as const,
    order: 2,
    references: ["gu2024proximal", "jacobs2020fast", "cuturi2018semidual", "schmitzer2019stabilized"],
    options: Object.freeze({ ...settings }) as Readonly<Record<string, unknown>>,
  };
  return Object.freeze({
    ...record,
    handles,
    solve: async (problem: ProximalFlow, context: SolveContext) => {
      const began = context.elapsed();
      const fit = handles(problem);
      if (fit !== true) throw usageError(NAME, "problem", "be one that this solver handles", problem.name, fit);
      const { settings: resolved, ...work } = prepare(problem, settings, context);
      const reached = await maximise(problem, resolved, work, context);
      return solutionOf(problem, { ...record, options: record.options }, work, reached, context, began);
    },
  });
}

function check(s: Settings): void {
  const counts = typeof s.points === "number" ? [s.points] : (s.points ?? []);
  for (const n of counts)
    demand(
      Number.isInteger(n) && n >= 8,
      NAME,
      "points",
      "be an integer ≥ 8 for each axis",
      n,
      "Use points: 96 to start",
    );
  if (s.box !== undefined) {
    const { lower, upper } = s.box;
    demand(
      lower.length === upper.length,
      NAME,
      "box",
      "have as many lower as upper bounds",
      [lower.length, upper.length],
      "Give lower and upper with one number for each axis",
    );
    for (let a = 0; a < lower.length; a++)
      demand(
        Number.isFinite(lower[a]) && Number.isFinite(upper[a]) && lower[a] < upper[a],
        NAME,
        "box",
        "have finite lower < upper on each axis",
        [lower[a], upper[a]],
        "Give the corners of a box that holds both laws",
      );
  }
  demand(
    s.bandwidth === undefined || s.bandwidth === "silverman" || (s.bandwidth >= 0 && Number.isFinite(s.bandwidth)),
    NAME,
    "bandwidth",
    'be a finite number ≥ 0 or "silverman"',
    s.bandwidth,
    "Use bandwidth: 0 for the samples themselves",
  );
  demand(
    Number.isInteger(s.samples) && s.samples >= 1,
    NAME,
    "samples",
    "be an integer ≥ 1",
    s.samples,
    "Use samples: 262144 to start",
  );
  demand(
    s.tolerance > 0 && Number.isFinite(s.tolerance),
    NAME,
    "tolerance",
    "be finite and > 0",
    s.tolerance,
    "Use tolerance: 1e-3 to start",
  );
  demand(
    Number.isInteger(s.maxIterations) && s.maxIterations >= 1,
    NAME,
    "maxIterations",
    "be an integer ≥ 1",
    s.maxIterations,
    "Use maxIterations: 1000 to start",
  );
  demand(
    s.smoothing === undefined || (s.smoothing > 0 && Number.isFinite(s.smoothing)),
    NAME,
    "smoothing",
    "be finite and > 0",
    s.smoothing,
    "Use smoothing: 0.25 to start",
  );
}

function handles(problem: Problem): true | string {
  if (problem.kind !== "proximal-flow") return `it solves proximal flows, not ${problem.kind}`;
  const flow = problem as ProximalFlow;
  if (flow.dimension > 2)
    return `a grid in ${flow.dimension} dimensions is too large; use the particle or the neural solver`;
  if (flow.divergence.rigid)
    return "plain transport prescribes ρ_T, which a grid meets only up to its gap; use the particle solver";
  if (flow.source.logDensity === null)
    return `the source ${flow.source.name} has no density to put on cells; use the particle solver`;
  const verdict = flow.wellPosedness();
  if (verdict.wellPosed === false) return `the problem is ill-posed: ${verdict.reasons.join("; ")}`;
  return true;
}

/** Everything that is fixed before the ascent. */
interface Work {
  /** From coarse to fine. */
  readonly grids: readonly Grid[];
  readonly source: SubcellMasses;
  readonly target: (g: Grid) => { mass: Float64Array; truncated: number };
  readonly bandwidth: readonly number[];
  /** Draws made from a target without density and data; 0 for none. */
  readonly drawn: number;
}

function prepare(problem: ProximalFlow, s: Settings, context: SolveContext): Work & { settings: Settings } {
  const d = problem.dimension;
  const { source, target } = problem;
  const counts =
    typeof s.points === "object" ? [...s.points] : new Array<number>(d).fill(s.points ?? (d === 1 ? 256 : 96));
  demand(
    counts.length === d,
    NAME,
    "points",
    `be one number or ${d}, one for each axis`,
    counts,
    "Give as many numbers as the problem has dimensions",
  );
  let samples: Cloud | null = null;
  if (target.logDensity === null)
    samples = target.data ?? target.sample(s.samples, generator(context.seed).split(NAME).split("target"));
  const drawn = samples !== null && target.data === null ? samples.count : 0;
  const rule = s.bandwidth ?? (problem.lipschitz === Infinity ? "silverman" : 0);
  const bandwidth =
    samples === null ? [] : rule === "silverman" ? silvermanBandwidth(samples) : new Array<number>(d).fill(rule);
  const finest = boxGrid(problem, s, counts, bandwidth);
  const grids = [finest];
  for (let shape = counts; Math.max(...shape) > COARSEST; ) {
    shape = shape.map((n) => (n > 8 ? Math.ceil(n / 2) : n));
    grids.unshift(regrid(finest, shape));
  }
  return {
    settings: s,
    grids,
    source: densityMasses(source, finest, subcells(d)),
    target: (g) =>
      samples === null ? densityMasses(target, g, subcells(d)) : cloudMasses(target, samples, g, bandwidth),
    bandwidth,
    drawn,
  };
}

/** Sub-cells of a cell along each axis: the deposit of their images then has no visible ripple. */
function subcells(dimension: number): number {
  return dimension === 1 ? 9 : 4;
}

/**
 * Source points of the node problem in each cell along each axis. Five on a line: then many sources share one node, R is smooth without
 * much smoothing. Odd, so that the nodes are among the lattice points. In the plane 25 times the work would not pay.
 */
function sourcesPerCell(dimension: number): number {
  return dimension === 1 ? 5 : 1;
}

function boxGrid(problem: ProximalFlow, s: Settings, counts: readonly number[], bandwidth: readonly number[]): Grid {
  const { source, target } = problem;
  if (s.box !== undefined) {
    const { lower, upper } = s.box;
    demand(
      lower.length === problem.dimension,
      NAME,
      "box",
      `have ${problem.dimension} lower and upper bounds`,
      lower.length,
      "Give one number for each axis of the problem",
    );
    return grid(counts.map((points, a) => axis({ lower: lower[a], upper: upper[a], points, boundary: "no-flux" })));
  }
  return grid(
    counts.map((points, a) => {
      const reach = bandwidth.length > 0 ? 4 * bandwidth[a] : 0;
      const low = Math.min(source.box.lower[a], target.box.lower[a] - reach);
      const high = Math.max(source.box.upper[a], target.box.upper[a] + reach);
      const margin = Math.max(0.02, 1.5 / points) * (high - low);
      const [lower, upper] = [low - margin, high + margin];
      const h = (upper - lower) / points;
      // A node on the mean: a point or a flat manifold then lies on nodes exactly.
      const place = target.mean === null ? 0 : (target.mean[a] - lower) / h - 0.5;
      const shift = (place - Math.round(place)) * h;
      return axis({ lower: lower + shift, upper: upper + shift, points, boundary: "no-flux" });
    }),
  );
}

function regrid(g: Grid, shape: readonly number[]): Grid {
  return grid(g.axes.map((ax, a) => axis({ lower: ax.lower, upper: ax.upper, points: shape[a], boundary: "no-flux" })));
}

/** What the ascent reached on the finest grid. */
interface Reached {
  /** The node problem; its lattice is `sourcesPerCell` times finer than the grid. */
  readonly transport: NodeTransport;
  /** ψ on the lattice at the smoothing of the fields. */
  readonly potential: Float64Array;
  /** Smoothing of the fields and of the certificate. */
  readonly epsilon: number;
  readonly certificateEpsilon: number;
  readonly planEntries: number;
  readonly objective: Objective;
  readonly converged: boolean;
  readonly iterations: number;
  readonly linearIterations: number;
  readonly histories: readonly History[];
  readonly targetTruncated: number;
}

async function maximise(problem: ProximalFlow, s: Settings, work: Work, context: SolveContext): Promise<Reached> {
  const { lipschitz, kineticWeight, horizon, divergence, dimension } = problem;
  const cost = huberCost(kineticWeight, horizon, lipschitz);
  const stiffness = kineticWeight / horizon;
  const smoothing = s.smoothing ?? (dimension === 1 ? 0.1 : 0.4);
  const per = sourcesPerCell(dimension);
  let iterations = 0;
  let linearIterations = 0;
  const breathe = breathing(context.signal);
  const gaps = { iterations: [] as number[], values: [] as number[] };
  const decrements = { iterations: [] as number[], values: [] as number[] };
  const climb = async (
    transport: NodeTransport,
    transform: Float64Array,
    epsilon: number,
    tolerance: number,
    g: Grid,
  ) => {
    const state = startFrom(transport, transform, epsilon);
    const begun = iterations;
    const result = await ascend(transport, state, {
      epsilon,
      tolerance,
      maxIterations: Math.max(1, s.maxIterations - iterations),
      onIteration: async (decrement) => {
        if (decrement !== null) {
          decrements.iterations.push(iterations);
          decrements.values.push(decrement);
        }
        iterations++;
        context.progress({
          stage: `${g.shape.join(" × ")} nodes, ε = ${epsilon.toPrecision(2)}`,
          iteration: iterations,
          fraction: null,
          residual: decrement,
        });
        await breathe();
      },
    });
    iterations = begun + result.iterations;
    linearIterations += result.linearIterations;
    return state;
  };
  const setUp = (g: Grid) => {
    const lattice = regrid(
      g,
      g.shape.map((n) => n * per),
    );
    const target = work.target(g);
    const source = densityMasses(problem.source, lattice, Math.ceil(subcells(dimension) / per)).mass;
    const onLattice = per === 1 ? target.mass : spacedOut(target.mass, per);
    const square = g.axes.reduce((sum, ax) => sum + ax.spacing ** 2, 0) / dimension;
    return {
      lattice,
      transport: nodeTransport(latticeCost(lattice, cost.h), source, onLattice, divergence),
      unit: smoothing * Math.min(stiffness * square, lipschitz * Math.sqrt(square)),
      truncated: target.truncated,
    };
  };
  let guess: { g: Grid; transform: Float64Array } | null = null;
  for (const g of work.grids.slice(0, -1)) {
    const { lattice, transport, unit } = setUp(g);
    let transform: Float64Array = guess === null ? new Float64Array(lattice.size) : refined(guess, lattice);
    for (const times of guess === null ? [16, 4, 1] : [2, 1])
      transform = (await climb(transport, transform, times * unit, 1e-3 * times * unit, g)).transform;
    guess = { g: lattice, transform };
  }
  const g = work.grids[work.grids.length - 1];
  const { lattice, transport, unit, truncated } = setUp(g);
  let transform: Float64Array = guess === null ? new Float64Array(lattice.size) : refined(guess, lattice);
  for (const times of guess === null ? [16, 4] : [2])
    transform = (await climb(transport, transform, times * unit, 1e-3 * times * unit, g)).transform;
  let epsilon = unit;
  let potential: Float64Array | null = null;
  let precision = 1e-8;
  for (;;) {
    // The fields need their tails right; a certificate needs the bulk.
    const state = await climb(transport, transform, epsilon, Math.max(precision * epsilon, 1e-14), g);
    transform = state.transform;
    potential ??= state.potential.slice();
    const { primal, dual } = certificate(transport, state);
    const gap = primal - dual;
    gaps.iterations.push(iterations);
    gaps.values.push(gap);
    const scale = Math.max(1, Math.abs(primal));
    const converged = gap <= s.tolerance * scale;
    if (converged || iterations >= s.maxIterations || !(gap > 1e-13 * scale)) {
      return {
        transport,
        potential,
        epsilon: unit,
        certificateEpsilon: epsilon,
        planEntries: state.plan.count,
        objective: { primal, dual, gap },
        converged,
        iterations,
        linearIterations,
        histories: [
          { name: "gap", ...gaps },
          { name: "half Newton decrement", ...decrements },
        ],
        targetTruncated: truncated,
      };
    }
    // At the maximum of J_ε the gap is about ε/2 a dimension: a much larger one says that the maximum is not reached yet.
    if (gap > 3 * dimension * epsilon && precision > 1e-14) precision *= 1e-3;
    else {
      epsilon *= Math.max(0.25, Math.min(0.8, (0.9 * s.tolerance * scale) / gap));
      precision = 1e-5;
    }
  }
}

/** Q of a coarser lattice on a finer one. */
function refined(guess: { g: Grid; transform: Float64Array }, lattice: Grid): Float64Array {
  return interpolate(guess.g, guess.transform, nodesOf(lattice), "cubic");
}

/** Node values of a line on a lattice `per` times finer, zeros between. */
function spacedOut(values: Float64Array, per: number): Float64Array {
  const out = new Float64Array(values.length * per);
  for (let j = 0; j < values.length; j++) out[latticeIndex(j, per)] = values[j];
  return out;
}

/** Node j of a line as a point of a lattice `per` times finer, `per` odd. */
function latticeIndex(j: number, per: number): number {
  return per * j + (per - 1) / 2;
}

/** φ at the nodes: the Lipschitz envelope of ψ, with constants so that the value of the game is E U(0, x₀). */
function terminalPotential(problem: ProximalFlow, g: Grid, { transport, potential }: Reached): Float64Array {
  const { cost, from, onto, target, divergence } = transport;
  const per = sourcesPerCell(problem.dimension);
  const full = potential.slice();
  const bare = full.map((v) => (v < Infinity ? 0 : 1));
  if (problem.lipschitz === Infinity && bare.some((v) => v > 0)) {
    // Nodes without target mass are unconstrained: the lowest potential that leaves Aψ as it is.
    const hard = minPlus(cost, from, onto, potential, new Float64Array(full.length));
    const raised = hard.map((v) => -v);
    const hull = minPlus(cost, tiling(cost, bare), from, raised, new Float64Array(full.length));
    for (let k = 0; k < full.length; k++) if (bare[k] > 0) full[k] = -hull[k];
  }
  const psi = per === 1 ? full : Float64Array.from({ length: g.size }, (_, j) => full[latticeIndex(j, per)]);
  const phi = problem.lipschitz < Infinity ? lipschitzEnvelope(g, psi, problem.lipschitz) : psi;
  let conjugate = 0;
  for (const k of onto.nodes) if (target[k] > 0) conjugate += target[k] * divergence.conjugate(potential[k]);
  return phi.map((v) => v - conjugate);
}

function solutionOf(
  problem: ProximalFlow,
  record: GridProximalFlowSolution["solver"],
  work: Work,
  reached: Reached,
  context: SolveContext,
  began: number,
): GridProximalFlowSolution {
  const { dimension: d, horizon: T, kineticWeight: lambda, lipschitz } = problem;
  const g = work.grids[work.grids.length - 1];
  const phi = terminalPotential(problem, g, reached);
  const potential = quadraticSpline(g, phi);
  const kept = new Map<number, HopfLax>();

  // U and ∇U at points.
  const at = (t: number, x: Float64Array): { value: Float64Array; slope: Float64Array } => {
    const n = countOf(x, d);
    const out = { value: new Float64Array(n), slope: new Float64Array(n * d) };
    let flow = kept.get(timeIn(t, T));
    if (flow === undefined) {
      flow = hopfLax(potential, t === T ? Infinity : lambda / (T - t), lipschitz);
      if (kept.size >= KEPT_TIMES) kept.delete(kept.keys().next().value as number);
      kept.set(t, flow);
    }
    flow.evaluate(x, out.value, out.slope);
    return out;
  };

  // Sub-cells of the source that hold mass, and where they end.
  let carried: { points: Float64Array; feet: Float64Array; weights: Float64Array } | null = null;
  const carry = () => {
    if (carried === null) {
      const { points, weights } = work.source;
      let held = 0;
      for (const w of weights) if (w > 0) held++;
      const own = {
        points: new Float64Array(held * d),
        feet: new Float64Array(held * d),
        weights: new Float64Array(held),
      };
      let k = 0;
      for (let i = 0; i < weights.length; i++) {
        if (!(weights[i] > 0)) continue;
        for (let a = 0; a < d; a++) own.points[k * d + a] = points[i * d + a];
        own.weights[k++] = weights[i];
      }
      const { slope } = at(0, own.points);
      for (let i = 0; i < own.feet.length; i++) own.feet[i] = own.points[i] - (T / lambda) * slope[i];
      carried = own;
    }
    return carried;
  };

  const density = (t: number): Density => {
    const share = timeIn(t, T) / T;
    const { points, feet, weights } = carry();
    const moved = points.map((x, i) => x + share * (feet[i] - x));
    return deposit(g, { kind: "cloud", dimension: d, count: weights.length, points: moved, weights });
  };
  const velocity = (t: number, x: Float64Array): Float64Array => at(t, x).slope.map((p) => -p / lambda);
  const value = (t: number, x: Float64Array): Float64Array => at(t, x).value;
  const critic: Critic = {
    value: (x) => value(T, x),
    gradient: (x) => at(T, x).slope,
    // L holds at the nodes and for the gradient; between nodes φ is found by local descent, which proves nothing.
    certifiedLipschitz: null,
  };
  const { primal, gap } = reached.objective as { primal: number; gap: number };
  const relative = gap / Math.max(1, Math.abs(primal));
  const counts: Record<string, number> = {
    newtonIterations: reached.iterations,
    linearIterations: reached.linearIterations,
    grids: work.grids.length,
    nodes: g.size,
    planEntries: reached.planEntries,
    smoothing: reached.epsilon,
    certificateSmoothing: reached.certificateEpsilon,
    sourceMassOutside: work.source.truncated,
    targetMassOutside: reached.targetTruncated,
    targetSamplesDrawn: work.drawn,
  };
  work.bandwidth.forEach((b, a) => {
    counts[`bandwidth${a}`] = b;
  });
  return {
    family: "grid",
    problem,
    solver: record,
    grid: g,
    phi,
    status: {
      converged: reached.converged,
      text: reached.converged
        ? `converged: relative gap ${relative.toPrecision(3)} after ${reached.iterations} Newton steps`
        : `stalled: relative gap ${relative.toPrecision(3)} after ${reached.iterations} Newton steps; raise maxIterations or loosen the tolerance`,
    },
    histories: reached.histories,
    objective: reached.objective,
    counts,
    seconds: context.elapsed() - began,
    seed: context.seed,
    device: { requested: context.device, used: "cpu", reason: "the grid solver runs on the CPU", adapter: null },
    version: context.version,
    density,
    value,
    velocity,
    critic,
    trajectories: (options: TrajectoryOptions = {}) => paths(problem, velocity, context.seed, options),
    arrays: () => fields(problem, g, phi, { value, velocity, density }),
  };
}

function paths(
  problem: ProximalFlow,
  velocity: (t: number, x: Float64Array) => Float64Array,
  ownSeed: number,
  { count = 256, steps = 20, seed = ownSeed, start }: TrajectoryOptions,
): Trajectories {
  const { dimension: d, horizon: T, source } = problem;
  demand(Number.isInteger(count) && count >= 1, "trajectories", "count", "be an integer ≥ 1", count, "Use count: 256");
  demand(Number.isInteger(steps) && steps >= 1, "trajectories", "steps", "be an integer ≥ 1", steps, "Use steps: 20");
  const from = start ?? source.sample(count, generator(seed).split("trajectories"));
  demand(
    from.dimension === d,
    "trajectories",
    "start",
    `have the problem's dimension ${d}`,
    from.dimension,
    "Give starting points in the problem's space",
  );
  const size = from.count * d;
  const times = Float64Array.from({ length: steps + 1 }, (_, k) => (k / steps) * T);
  const positions = new Float64Array((steps + 1) * size);
  positions.set(from.points);
  for (let k = 0; k < steps; k++) {
    const x = positions.slice(k * size, (k + 1) * size);
    const v = velocity(times[k], x);
    for (let i = 0; i < size; i++) positions[(k + 1) * size + i] = x[i] + (times[k + 1] - times[k]) * v[i];
  }
  return { count: from.count, dimension: d, times, positions, weights: from.weights };
}

function fields(
  problem: ProximalFlow,
  g: Grid,
  phi: Float64Array,
  { value, velocity, density }: Pick<GridProximalFlowSolution, "value" | "velocity" | "density">,
): Record<string, NdArray<Float64Array>> {
  const T = problem.horizon;
  const d = g.dimension;
  const times = [0, 0.25, 0.5, 0.75, 1].map((s) => s * T);
  const nodes = nodesOf(g);
  const named: Record<string, NdArray<Float64Array>> = {
    times: ndarray(Float64Array.from(times), [times.length]),
    phi: ndarray(phi.slice(), [...g.shape]),
    potential: stacked(
      times.map((t) => value(t, nodes)),
      g.shape,
    ),
    density: stacked(
      times.map((t) => density(t).values),
      g.shape,
    ),
    velocity: stacked(
      times.map((t) => velocity(t, nodes)),
      [...g.shape, d],
    ),
  };
  g.axes.forEach((ax, a) => {
    named[`axis${a}`] = ndarray(ax.nodes.slice(), [ax.points]);
  });
  return named;
}

function timeIn(t: number, T: number): number {
  demand(t >= 0 && t <= T, "solution", "t", `lie in [0, ${T}]`, t, "Ask for a time between start and horizon");
  return t;
}

function countOf(x: Float64Array, d: number): number {
  demand(
    x.length % d === 0,
    "solution",
    "x",
    `have a length divisible by the dimension ${d}`,
    x.length,
    "Give the coordinates row by row, one point after the other",
  );
  return x.length / d;
}
