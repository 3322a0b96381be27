// Minimising movements (Jordan, Kinderlehrer, Otto): implicit Euler steps in the Wasserstein space,
//   ρⁿ⁺¹ = argmin_ρ E(ρ) + W₂²(ρ, ρⁿ)/2τ,      E = ∫ q e(ρ/q) + ∫Vρ (+ ρ ≤ cap),   interactions as V = W∗ρⁿ
//   back-and-forth   the dual of the step on a box with walls: back-and-forth ascent until the residual is small, then Newton's method
//   primal-dual      Benamou–Brenier with one inner step and upwind mobility: any domain; first order in space as well
// crank-nicolson: ρ̃ = (id − ½τ∇ξⁿ)#ρⁿ (atoms, no grid between), then a movement of ½τ from ρ̃. In Lagrangian coordinates it is the
// trapezoidal rule; ρ̃ ↦ ρ̃ is the variational implicit midpoint rule, a half movement and its geodesic continuation. The first step is plain.
// ½W₂²(·, Q): every movement is a point of the geodesic to Q, W₂(tₙ) = (1 + τ)^{−n} W₂(0); one transport problem for all steps.
// Order 1 (jko) or 2 (crank-nicolson) in τ, 2 in space (1 with primal-dual). Unconditionally stable; energy falls by W₂²/2τ a step (jko).
// Mass is exact and 0 ≤ ρ ≤ cap, because ρ is the conjugate's derivative at the dual potential with the free constant fitted; without an
// internal energy (primal-dual only) the potential does not determine ρ, and its mass is kept to the tolerance.
// References: Jordan, Kinderlehrer, Otto 1998 (key jordan1998variational); Jacobs, Lee, Léger 2021 (key jacobs2021back); Legendre, Turinici
// 2017 (key legendre2017second); Cancès, Gallouët, Todeschi 2020 (key cances2020variational).
import { densityOn, type GradientFlow } from "../../../problems/index.js";
import { breathing } from "../../../src/breathing.js";
import { demand, demandKnown } from "../../../src/error.js";
import { type CellCounts, type Cells, cells, demandPoints, integrate } from "../../../src/grid/index.js";
import { short } from "../../../src/short.js";
import type { SolveContext, Solver } from "../../../src/solver.js";
import { type Ascent, type AscentOptions, dualAscent } from "./dual-ascent.js";
import { type EnergyCost, energyCost } from "./end-cost.js";
import { type EnergyOnCells, energyOnCells, SEEN } from "./energy-on-cells.js";
import { geodesicFlow, stepsOf } from "./geodesic-flow.js";
import { primalDualMovement } from "./jko-primal-dual.js";
import { semiDual } from "./semi-dual.js";
import { type GradientFlowSolution, gradientFlowSolution } from "./solution.js";

export interface JkoOptions {
  /** Cells along each axis, or one number for all; default `null`: 256, 64, 32 in one, two, three dimensions. */
  readonly points?: CellCounts;
  /** τ > 0; shortened so that a whole number of steps fits the horizon. Default horizon/64. */
  readonly step?: number;
  /** Default `"back-and-forth"`. */
  readonly method?: "back-and-forth" | "primal-dual";
  /** Default `"jko"`. */
  readonly variant?: "jko" | "crank-nicolson";
  /**
   * Back-and-forth: ∫|ρ_φ − T#ρⁿ|/mass at which a step may end; lowered by itself until the gap is a thousandth of what E loses.
   * Primal–dual: its relative residual. Default 1e-4, 1e-5.
   */
  readonly tolerance?: number;
  /** Newton steps from each start of a movement at most (default 80), or primal–dual iterations (default 20 000). */
  readonly maxIterations?: number;
  /** Rounds of back and forth before Newton's method, at most; default 20. */
  readonly rounds?: number;
  /** Atoms in a cell along each axis; default 4, 3, 2 in one, two, three dimensions. */
  readonly samples?: number;
}

/** Newton's method takes over from back and forth at this residual. */
const HANDOVER = 0.25;
/** Largest gap of a movement, over the fall of the energy; the tolerance is lowered for it. */
const LEFT = 1e-3;
/** Atoms in a cell along each axis, by dimension. */
const SAMPLES: readonly number[] = [4, 3, 2];
/** Largest distance from convergence, over the tolerance, at which a stalled movement still counts. */
const CLOSE = 10;

/**
 * Minimising movements for energies of internal, potential and interaction parts with or without a cap, and for ½W₂²(·, Q).
 *
 * @param options points, step, method, variant, tolerance
 * @returns a solver; histories `residual`, `gap` (of each movement's primal and dual value), `cut` (mass of T#ρⁿ that no density can have, which
 * the gap leaves out), `iterations`, `squared distance` (W₂² of each jko step), by step
 * @throws UsageError when an option is out of range
 *
 * *Notes*: steps that stretch the mass by more than samples/1.5 lose accuracy. Where a step would not converge because mass is torn apart (at
 * a jump of ρⁿ beside a vacuum, in thin tails that fill) that mass is spread by h/√2. Energy falls every step with `jko` (to round-off of the
 * gap); with `crank-nicolson`, and with interactions that are not concave, it is measured, not guaranteed. Speeds and dissipations are those of
 * the movement, ∇ξ = −(y − x)/τ.
 *
 * *Good values*: τ such that mass moves one to a few cells a step.
 *
 * *References*: jordan1998variational, jacobs2021back, legendre2017second, cances2020variational
 */
export function jko(options: JkoOptions = {}): Solver<GradientFlow, GradientFlowSolution> {
  const where = "jko";
  demandKnown(where, options, [
    "points",
    "step",
    "method",
    "variant",
    "tolerance",
    "maxIterations",
    "rounds",
    "samples",
  ]);
  const {
    points = null,
    step = null,
    method = "back-and-forth",
    variant = "jko",
    rounds = 20,
    samples = null,
  } = options;
  const dual = method === "primal-dual";
  const { tolerance = dual ? 1e-5 : 1e-4, maxIterations = dual ? 20_000 : 80 } = options;
  demandPoints(where, points);
  demand(
    step === null || (step > 0 && Number.isFinite(step)),
    where,
    "step",
    "be a finite number > 0",
    step,
    "Leave it out for a 64th of the horizon",
  );
  demand(
    method === "back-and-forth" || method === "primal-dual",
    where,
    "method",
    "be one of back-and-forth, primal-dual",
    method,
    'Use method: "back-and-forth" on a box with walls',
  );
  demand(
    variant === "jko" || variant === "crank-nicolson",
    where,
    "variant",
    "be one of jko, crank-nicolson",
    variant,
    'Use variant: "jko"',
  );
  demand(
    !(dual && variant === "crank-nicolson"),
    where,
    "variant",
    "be jko with method primal-dual, which is of first order in space and time",
    variant,
    'Use method: "back-and-forth" for second order',
  );
  demand(tolerance > 0 && tolerance < 1, where, "tolerance", "lie between 0 and 1", tolerance, "Leave it out to start");
  for (const [name, value, least] of [
    ["maxIterations", maxIterations, 1],
    ["rounds", rounds, 0],
    ["samples", samples ?? 1, 1],
  ] as const)
    demand(
      Number.isInteger(value) && value >= least,
      where,
      name,
      `be an integer ≥ ${least}`,
      value,
      "Leave it out to start",
    );
  const settings: Settings = { points, step, method, variant, tolerance, maxIterations, rounds, samples };
  const record = {
    name: where,
    order: variant === "jko" ? 1 : 2,
    references: [
      "jordan1998variational",
      ...(dual ? ["cances2020variational", "chambolle2011first"] : ["jacobs2020fast", "jacobs2021back"]),
      ...(variant === "jko" ? [] : ["legendre2017second"]),
    ],
    options: { ...settings },
  };
  return {
    ...record,
    family: "grid",
    handles(problem) {
      if (problem.kind !== "gradient-flow")
        return `it solves gradient flows, not ${problem.kind}; use a solver of that family`;
      const p = problem as GradientFlow;
      const { energy, domain } = p;
      if (p.dimension > 3) return `a grid in ${p.dimension} dimensions is too large; use particles instead`;
      if (p.initial.density === null)
        return `the initial law ${p.initial.text} has no density on a grid; give a density, or use particles`;
      if (energy.divergence !== null)
        return "a Lipschitz-regularised divergence has no cell-wise conjugate; use lipschitzFlow(), or divergenceTo() for L = ∞";
      if (energy.transport !== null && energy.transport.order === 1)
        return "W₁(·, Q) moves mass at speed 1 along rays: its movements are not unique; use ½W₂²: order: 2";
      if (energy.transport !== null && energy.transport.target.density === null)
        return `the target ${energy.transport.target.text} has no density on a grid; use particles`;
      if (energy.transport !== null && dual)
        return 'movements of ½W₂²(·, Q) are points of a geodesic, found on a box; use method: "back-and-forth"';
      if (energy.transport !== null && variant !== "jko")
        return 'movements of ½W₂²(·, Q) are exact points of a geodesic; use variant: "jko"';
      if (!dual && (!domain.isPlain || domain.ends.some((e) => e === "periodic")))
        return 'back and forth needs a convex box with walls, where straight lines stay inside; use method: "primal-dual" for obstacles and periodic axes';
      if (!dual && energy.transport === null && energy.internal === null)
        return 'back and forth needs a strictly convex internal energy, because without one the potential does not determine the density; use method: "primal-dual", or add entropy(1e-2)';
      return true;
    },
    solve: (problem, context) =>
      problem.energy.transport === null
        ? march(problem, context, record, settings)
        : geodesicFlow(problem, context, record, settings),
  };
}

interface Settings {
  readonly points: CellCounts;
  readonly step: number | null;
  readonly method: "back-and-forth" | "primal-dual";
  readonly variant: "jko" | "crank-nicolson";
  readonly tolerance: number;
  readonly maxIterations: number;
  readonly rounds: number;
  readonly samples: number | null;
}

/** What a method has found in one step. */
interface Movement {
  readonly density: Float64Array;
  /** −φ: the first variation. */
  readonly variation: Float64Array;
  /** ∫ρ|∇ξ|². */
  readonly dissipation: number;
  readonly speed: number;
  /** W₂² of the step; `null` where the movement did not start at ρⁿ. */
  readonly squaredDistance: number | null;
  readonly residual: number;
  readonly primal: number | null;
  readonly dual: number;
  readonly gap: number | null;
  readonly cut: number;
  readonly iterations: number;
  readonly linearIterations: number;
  readonly converged: boolean;
  readonly text: string;
}

type Mover = (
  before: Float64Array,
  potential: Float64Array,
  cost: EnergyCost,
  tau: number,
  first: boolean,
) => Promise<Movement>;

async function march(
  problem: GradientFlow,
  context: SolveContext,
  record: Parameters<typeof gradientFlowSolution>[0]["solver"],
  settings: Settings,
): Promise<GradientFlowSolution> {
  const began = context.elapsed();
  const cut = cells(problem.domain, settings.points);
  const { size } = cut.grid;
  const energy = energyOnCells(problem.energy, cut);
  const { cap } = problem.energy;
  const { count, tau } = stepsOf(problem.horizon, settings.step);
  const start = densityOn(problem.initial, problem.mass, cut, "jko");
  const top = start.reduce((most, v) => Math.max(most, v), 0);
  demand(
    top <= cap * (1 + 1e-12),
    "jko",
    "the initial density",
    `be at most the cap ${cap}`,
    top,
    "Spread it, or raise the cap",
  );
  demand(
    cap * cut.openCount * cut.grid.cellVolume > integrate(cut.grid, start),
    "jko",
    "the cap",
    "leave room for the mass",
    cap,
    "Raise the cap or the box",
  );
  const breathe = breathing(context.signal);
  const mover =
    settings.method === "primal-dual"
      ? byPrimalDual(cut, energy, cap, settings, breathe)
      : byBackAndForth(cut, energy, settings, breathe);
  const slabs: Float64Array[] = [start];
  const variation = new Float64Array(size);
  energy.variation(start, variation);
  const potentials: Float64Array[] = [variation];
  const moves: Movement[] = [];
  const potential = new Float64Array(size);
  const convolved = new Float64Array(size);
  let failure: string | null = null;
  let slack: string | null = null;
  for (let n = 0; n < count && failure === null; n++) {
    if (energy.potential === null) potential.fill(0);
    else potential.set(energy.potential);
    if (energy.interaction !== null) {
      // Second order needs W∗ρ at the end of the step: extrapolated.
      const seen = settings.variant === "jko" || n === 0 ? slabs[n] : slabs[n].map((v, k) => 2 * v - slabs[n - 1][k]);
      energy.interaction(seen, convolved);
      for (let k = 0; k < size; k++) potential[k] += convolved[k];
    }
    const cost = energyCost(energy, potential, cap);
    const move = await mover(slabs[n], potential, cost, tau, n === 0);
    context.signal?.throwIfAborted();
    if (!move.density.every(Number.isFinite)) {
      failure = `step ${n + 1}: the density is not finite; use a smaller step`;
      break;
    }
    slabs.push(move.density);
    potentials.push(move.variation);
    moves.push(move);
    if (!move.converged) {
      if (move.residual <= CLOSE * settings.tolerance)
        slack ??= `step ${n + 1} ended at residual ${short(move.residual)}`;
      else failure = `step ${n + 1}: ${move.text}`;
    }
    context.progress({ stage: "time", iteration: n + 1, fraction: (n + 1) / count, residual: move.residual });
    await breathe();
  }
  const reached = slabs.length - 1;
  const iterations = moves.map((_, n) => n + 1);
  const known = (name: string, of: (m: Movement) => number | null) => {
    const at = iterations.filter((n) => of(moves[n - 1]) !== null);
    return { name, iterations: at, values: at.map((n) => of(moves[n - 1]) as number) };
  };
  const worst = moves.reduce((most, m) => Math.max(most, m.residual), 0);
  const last = moves.at(-1);
  return gradientFlowSolution({
    problem,
    solver: record,
    context,
    cells: cut,
    times: Float64Array.from({ length: reached + 1 }, (_, n) => (n === count ? problem.horizon : n * tau)),
    slabs,
    potentials,
    energies: slabs.map((slab) => energy.value(slab)),
    dissipations: [null, ...moves.map((m) => m.dissipation)],
    speeds: [null, ...moves.map((m) => m.speed)],
    status: {
      converged: failure === null,
      text:
        failure !== null
          ? `stopped: ${failure}`
          : `converged: ${reached} steps, largest residual ${short(worst)}${slack === null ? "" : ` (${slack})`}`,
    },
    histories: [
      known("residual", (m) => m.residual),
      known("gap", (m) => m.gap),
      known("cut", (m) => m.cut),
      known("iterations", (m) => m.iterations),
      known("squared distance", (m) => m.squaredDistance),
    ],
    counts: {
      steps: reached,
      cells: cut.openCount,
      iterations: moves.reduce((sum, m) => sum + m.iterations, 0),
      linearIterations: moves.reduce((sum, m) => sum + m.linearIterations, 0),
    },
    objective: { primal: last?.primal ?? null, dual: last?.dual ?? null, gap: last?.gap ?? null },
    began,
  });
}

function byBackAndForth(cut: Cells, energy: EnergyOnCells, settings: Settings, breathe: () => Promise<void>): Mover {
  const { grid } = cut;
  const { size, dimension: d } = grid;
  const diagonal = grid.axes.reduce((sum, { points, spacing }) => sum + (points * spacing) ** 2, 0);
  const plan = semiDual(grid, settings.samples ?? SAMPLES[d - 1]);
  const ascent = dualAscent(cut, plan);
  const atoms = plan.lattice();
  const moved = plan.lattice();
  const slopes = atoms.positions.map((p) => new Float64Array(p.length));
  let phi: Float64Array | null = null;
  return async (before, potential, cost, tau, first) => {
    plan.load(before, atoms);
    const half = settings.variant === "crank-nicolson" && !first;
    let from = atoms;
    if (half) {
      plan.slopes(atoms, phi as Float64Array, slopes);
      moved.masses.set(atoms.masses);
      for (let a = 0; a < d; a++) {
        const { lower, upper } = { lower: cut.domain.lower[a], upper: cut.domain.upper[a] };
        for (let i = 0; i < moved.masses.length; i++) {
          // What would pass a wall is sent back by it.
          let x = atoms.positions[a][i] + 0.5 * tau * slopes[a][i];
          if (x < lower) x = 2 * lower - x;
          if (x > upper) x = 2 * upper - x;
          moved.positions[a][i] = x;
        }
      }
      from = moved;
    }
    const k = (half ? 2 : 1) / tau;
    const mass = integrate(grid, before);
    const density = new Float64Array(size);
    let iterations = 0;
    let linearIterations = 0;
    type Spread = NonNullable<AscentOptions["spread"]>;
    const attempt = async (
      guess: Float64Array,
      spreading: Spread,
      tolerance: number,
      rounds: number,
    ): Promise<Ascent> => {
      const reached = await ascent.maximise(from, half ? null : before, cost, k, guess, {
        tolerance,
        rounds,
        handover: HANDOVER,
        newtonSteps: settings.maxIterations,
        spread: spreading,
        breathe,
      });
      iterations += reached.rounds + reached.newtonSteps;
      linearIterations += reached.linearIterations;
      return reached;
    };
    // From the last potential; else from what would start the flow or from the minimum of E, where the potential is flat, the higher dual
    // value first. Where images jump as φ changes nothing gains; then atoms are spread.
    const ways = function* (last: Float64Array | null): Generator<readonly [Float64Array, Spread]> {
      if (last !== null) yield* [[last, "none"] as const, [last, "torn"] as const];
      const fresh = startingPotential(energy, potential, before, 0.5 * k * diagonal);
      const flat = new Float64Array(size);
      flat.fill(cost.fit(flat, mass, density) ?? 0);
      const values = [fresh, flat].map((guess) => ascent.dual(from, cost, k, guess));
      const starts = values[0] >= values[1] ? [fresh, flat] : [flat, fresh];
      for (const guess of starts) yield* [[guess, "none"] as const, [guess, "torn"] as const];
      for (const guess of starts) yield [guess, "all"];
    };
    // What is left to gain must be little beside the fall of the energy, which may hang on thin tails, and the energy must not rise.
    const start = energy.value(before);
    const isCertified = ({ potential, gap }: Ascent): boolean => {
      cost.fit(potential, mass, density);
      const fall = start - energy.value(density);
      return (fall >= 0 || settings.variant !== "jko") && Math.abs(gap) <= LEFT * Math.abs(fall);
    };
    const { tolerance } = settings;
    let found: Ascent | null = null;
    let spread: Spread = "none";
    for (const [guess, spreading] of ways(phi)) {
      const reached = await attempt(guess, spreading, tolerance, settings.rounds);
      if (found !== null && reached.residual >= found.residual) continue;
      [found, spread] = [reached, spreading];
      if (found.residual <= tolerance || (found.residual <= CLOSE * tolerance && isCertified(found))) break;
    }
    if (found === null) throw new Error("jko: no movement was tried");
    for (const share of [1e-1, 1e-2, 1e-3, 1e-4]) {
      if (found.residual > tolerance || isCertified(found)) break;
      const reached = await attempt(found.potential, spread, share * tolerance, 0);
      if (reached.residual < found.residual) found = reached;
    }
    const { potential: next } = found;
    const s = cost.fit(next, mass, density);
    if (s === null) cost.density(next, density);
    else for (let j = 0; j < size; j++) next[j] += s;
    phi = next;
    const most = from.masses.reduce((top, m) => Math.max(top, m), 0);
    let fastest = 0;
    for (let i = 0; i < from.masses.length; i++) {
      if (from.masses[i] > SEEN * most) fastest = Math.max(fastest, found.images.squares[i]);
    }
    const converged = found.residual <= settings.tolerance;
    return {
      density,
      variation: next.map((v) => -v),
      dissipation: found.squaredDistance * k * k,
      speed: Math.sqrt(fastest) * k,
      squaredDistance: half ? null : found.squaredDistance,
      residual: found.residual,
      primal: found.dual + found.gap,
      dual: found.dual,
      gap: found.gap,
      cut: found.cut / mass,
      iterations,
      linearIterations,
      converged,
      text: converged
        ? "converged"
        : `stalled: residual ${short(found.residual)} after ${iterations} rounds and Newton steps; raise maxIterations, use a smaller step, or method: "primal-dual"`,
    };
  };
}

/**
 * −ξ(ρ) where that is finite; in the vacuum of an entropy, −ξ at a density that no sum shows. It exceeds that of cells with mass by no more
 * than `reach`, what it costs to cross the box.
 */
function startingPotential(
  energy: EnergyOnCells,
  potential: Float64Array,
  density: Float64Array,
  reach: number,
): Float64Array {
  const top = density.reduce((most, v) => Math.max(most, v), 0);
  const raised = energy.singular ? density.map((v) => Math.max(v, 1e-30 * top)) : density;
  const out = new Float64Array(density.length);
  const { internal, reference } = energy;
  for (let j = 0; j < out.length; j++) {
    const q = reference === null ? 1 : reference[j];
    out[j] = -potential[j] - (internal === null ? 0 : internal.slope(raised[j] / q));
  }
  const most = reach + out.reduce((high, v, j) => (density[j] >= 1e-3 * top ? Math.max(high, v) : high), -Infinity);
  for (let j = 0; j < out.length; j++) out[j] = Math.min(out[j], most);
  return out;
}

function byPrimalDual(
  cut: Cells,
  energy: EnergyOnCells,
  cap: number,
  settings: Settings,
  breathe: () => Promise<void>,
): Mover {
  let multiplier: Float64Array | null = null;
  const { size, axes, dimension: d } = cut.grid;
  return async (before, potential, cost, tau) => {
    const found = await primalDualMovement({
      cut,
      energy,
      cost,
      potential,
      cap,
      before,
      tau,
      start: multiplier,
      tolerance: settings.tolerance,
      maxIterations: settings.maxIterations,
      breathe,
    });
    multiplier = found.multiplier;
    const { converged, text } = found.result.status;
    const { iterations, residual } = found.result;
    const most = found.density.reduce((top, r) => Math.max(top, r), 0);
    let fastest = 0;
    for (let j = 0; j < 2 * d; j++) {
      const other = cut.neighbour[j];
      for (let k = 0; k < size; k++)
        if (found.density[k] > SEEN * most)
          fastest = Math.max(fastest, (multiplier[other[k]] - multiplier[k]) / axes[j >> 1].spacing);
    }
    return {
      density: found.density,
      variation: found.potential.map((v, k) => (cut.open[k] === 1 ? -v : 0)),
      dissipation: found.squaredDistance / tau ** 2,
      speed: fastest,
      squaredDistance: found.squaredDistance,
      residual,
      primal: found.primal,
      dual: found.dual,
      gap: found.primal === null ? null : found.primal - found.dual,
      cut: 0,
      iterations,
      linearIterations: 0,
      converged,
      text:
        !converged && iterations >= settings.maxIterations
          ? `stalled: residual ${short(residual)} after ${iterations} iterations; raise maxIterations, or use a smaller step`
          : text,
    };
  };
}
