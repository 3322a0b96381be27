// Fokker–Planck equation ∂ₜρ + div(ρ b) = DΔρ + q on cells, finite volumes in conservation form, implicit in time:
//   flux      Scharfetter–Gummel (keeps e^{−φ/D}), upwind, or centred (flux-*.ts)
//   time      implicit Euler (order 1, ρ ≥ 0 with a monotone flux), Crank–Nicolson or BDF2 (order 2, ρ ≥ 0 not guaranteed)
// Every step solves for the increment, (c + L) δ = −(what the flux says), with c = 1/Δt, 2/Δt, 3/2Δt: at an equilibrium nothing
// moves, and errors of the linear solve scale with δ. Its last residual r is put back by δ ← δ + r/c, after which Σ r = 0, and what rounding
// takes of the sums of long steps goes back in proportion to ρ: mass is kept to round-off whatever the tolerance. Linear systems: elimination in 1-D, multigrid with GMRES in 2-D and 3-D.
// Gradient flows of E = D∫(ρ log ρ − ρ) + ∫Vρ, or of KL(ρ‖q) (φ = V − D log q), are the same equation: their energy, its dissipation
// I = h^d Σ ξ Lρ ≥ 0 and, with implicit Euler, the identity E(ρⁿ⁺¹) − E(ρⁿ) + Δt I + B = 0, B ≥ 0 Bregman's distance, are measured.
// Nothing is clipped: cells with ρ < 0 are counted, and more than 1e-8 of the mass below 0 is a failure.
// References: Scharfetter, Gummel 1969 (key scharfetter1969large); Chang, Cooper 1970 (key chang1970practical); Eymard, Gallouët,
// Herbin 2000 (key eymard2000finite).
import { densityOn, type Field, type FokkerPlanck, type GradientFlow, startOn } from "../../../problems/index.js";
import { breathing } from "../../../src/breathing.js";
import { demand, demandKnown, usageError } from "../../../src/error.js";
import { type CellCounts, type Cells, cells, demandPoints, integrate } from "../../../src/grid/index.js";
import { stacked } from "../../../src/io/index.js";
import { multigrid, type Stencil, stencil } from "../../../src/linalg/index.js";
import type { Density } from "../../../src/measure/index.js";
import { historyOf, type Solution, type TrajectoryOptions } from "../../../src/solution/index.js";
import type { SolveContext, Solver } from "../../../src/solver.js";
import { cellArrays } from "../cell-arrays.js";
import { cellInterpolation } from "../cell-interpolation.js";
import { type EquilibriumPaths, equilibriumPaths } from "../equilibrium-paths.js";
import { type EnergyOnCells, energyOnCells, internalOf } from "../gradient-flow/energy-on-cells.js";
import { demandRoom, gradientFlowSolution } from "../gradient-flow/solution.js";
import { type DriftOperator, driftOperator } from "./drift-operator.js";
import type { Flux } from "./flux.js";
import { fluxCentral } from "./flux-central.js";
import { fluxScharfetterGummel } from "./flux-scharfetter-gummel.js";
import { fluxUpwind } from "./flux-upwind.js";

/** Fluxes by name; Chang and Cooper's is Scharfetter and Gummel's, since D is constant. */
export type FluxName = "scharfetter-gummel" | "chang-cooper" | "upwind" | "central";

/** Time steps by name. */
export type TimeStep = "implicit-euler" | "crank-nicolson" | "bdf2";

export interface FokkerPlanckSolverOptions {
  /** Cells along each axis, or one number for all; default `null`: 256, 64, 32 in one, two, three dimensions. */
  readonly points?: CellCounts;
  /** Time steps N; default 64. */
  readonly steps?: number;
  /** Default `"scharfetter-gummel"`. */
  readonly flux?: FluxName;
  /** Default `"implicit-euler"`. */
  readonly time?: TimeStep;
  /** Relative residual of the linear solves in 2-D and 3-D; default 1e-11. */
  readonly tolerance?: number;
}

/** Solution of a Fokker–Planck problem, or of a gradient flow that is one, on a grid. */
export interface FokkerPlanckSolution<P extends FokkerPlanck | GradientFlow = FokkerPlanck | GradientFlow>
  extends Solution<P> {
  readonly family: "grid";
  readonly cells: Cells;
  /** t_0 = 0 … t_N = T. */
  readonly times: Float64Array;
  /** ρ at the cell centres at each time. */
  readonly slabs: readonly Float64Array[];
  /** E at each time; `null` when the problem is no gradient flow. */
  readonly energies: readonly number[] | null;
  /** I at each time; `null` when the problem is no gradient flow. */
  readonly dissipations: readonly (number | null)[] | null;
  density(t: number): Density;
  /** φ at points where the drift is −∇φ; δE/δρ of a gradient flow. Throws a UsageError when the problem has no potential. */
  value(t: number, x: Float64Array): Float64Array;
  /** b at points; −∇ δE/δρ of a gradient flow. */
  velocity(t: number, x: Float64Array): Float64Array;
  /** Paths with noise; of a gradient flow those of the mass, which have none. */
  trajectories(options?: TrajectoryOptions & { readonly noise?: boolean }): EquilibriumPaths;
}

const FLUXES: Readonly<Record<FluxName, Flux>> = {
  "scharfetter-gummel": fluxScharfetterGummel,
  "chang-cooper": fluxScharfetterGummel,
  upwind: fluxUpwind,
  central: fluxCentral,
};

/** Largest share of the mass that may lie below 0. */
const CREATED = 1e-8;

/**
 * Finite volumes for Fokker–Planck equations in one to three dimensions, with walls, doors and obstacles; and for gradient flows of an
 * entropy and a potential, or of the relative entropy to a target with a density.
 *
 * @param options points, steps, flux, time, tolerance
 * @returns a solver; `order` is the smaller of the orders in space and time
 * @throws UsageError when an option is out of range
 *
 * *Notes*: the histories `mass` (at every time) and `mass error` (against what sources and doors account for, relative to the
 * largest mass) are measured, not assumed. Counts: `negativeCells` over all times, `linearIterations`; the cell Péclet number |b|h/D of the last time
 * stands in `peclet`. Every step is kept: 8 bytes a cell, 16 with the δE/δρ of a flow. Fluxes `upwind` and `scharfetter-gummel` with implicit Euler keep ρ ≥ 0 (to the linear tolerance in 2-D and 3-D).
 *
 * *Good values*: Scharfetter–Gummel with implicit Euler to be safe, with Crank–Nicolson for smooth laws and accuracy.
 *
 * *References*: scharfetter1969large, chang1970practical, eymard2000finite
 */
export function fokkerPlanck<P extends FokkerPlanck | GradientFlow = FokkerPlanck>(
  options: FokkerPlanckSolverOptions = {},
): Solver<P, FokkerPlanckSolution<P>> {
  const where = "fokkerPlanck";
  demandKnown(where, options, ["points", "steps", "flux", "time", "tolerance"]);
  const {
    points = null,
    steps = 64,
    flux = "scharfetter-gummel",
    time = "implicit-euler",
    tolerance = 1e-11,
  } = options;
  demandPoints(where, points);
  demand(Number.isInteger(steps) && steps >= 1, where, "steps", "be an integer ≥ 1", steps, "Use steps: 64 to start");
  demand(
    Object.hasOwn(FLUXES, flux),
    where,
    "flux",
    `be one of ${Object.keys(FLUXES).join(", ")}`,
    flux,
    'Use flux: "scharfetter-gummel"',
  );
  demand(
    time === "implicit-euler" || time === "crank-nicolson" || time === "bdf2",
    where,
    "time",
    "be one of implicit-euler, crank-nicolson, bdf2",
    time,
    'Use time: "implicit-euler"',
  );
  demand(tolerance > 0 && tolerance < 1, where, "tolerance", "lie between 0 and 1", tolerance, "Use tolerance: 1e-11");
  const record = {
    name: where,
    family: "grid" as const,
    order: Math.min(flux === "upwind" ? 1 : 2, time === "implicit-euler" ? 1 : 2),
    references: [
      "eymard2000finite",
      ...(flux === "scharfetter-gummel"
        ? ["scharfetter1969large"]
        : flux === "chang-cooper"
          ? ["chang1970practical"]
          : []),
    ],
    options: { points, steps, flux, time, tolerance },
  };
  return {
    ...record,
    handles(problem) {
      if (problem.kind !== "fokker-planck" && problem.kind !== "gradient-flow")
        return `it solves fokker-planck problems, not ${problem.kind}; use a solver of that family`;
      const p = problem as FokkerPlanck | GradientFlow;
      if (p.kind === "gradient-flow") {
        const { energy } = p;
        if (energy.transport !== null || (energy.divergence?.lipschitz ?? Infinity) < Infinity)
          return "the energy is regularised by transport; use lipschitzFlow() or jko()";
        if (energy.cap < Infinity) return "the density is capped; use jko()";
        if (energy.interaction !== null || diffusionOf(p) === null)
          return "the flow is no linear equation: its energy is more than an entropy and a potential; use porousMedium()";
      }
      if (p.dimension > 3) return `a grid in ${p.dimension} dimensions is too large; simulate particles instead`;
      if (p.initial.density === null)
        return `the initial law ${p.initial.text} has no density on a grid; give a density, or simulate particles`;
      if ((p.kind === "fokker-planck" ? p.diffusion : diffusionOf(p)) === 0 && flux === "central")
        return "the centred flux without diffusion is unstable; use flux: upwind or scharfetter-gummel";
      return true;
    },
    // The solution's problem is the one that was given.
    solve: (problem, context) =>
      march(problem, context, record, { points, steps, flux, time, tolerance }) as Promise<FokkerPlanckSolution<P>>,
  };
}

/** What is marched in time. */
type Equation = Pick<
  FokkerPlanck,
  "domain" | "horizon" | "diffusion" | "drift" | "potential" | "initial" | "mass" | "source"
>;

/** D of an energy whose internal part has e″(r) = D/r; `null` for others. */
function diffusionOf({ energy }: GradientFlow): number | null {
  const internal = internalOf(energy);
  if (internal === null) return 0;
  const D = internal.curvature(1);
  return [0.25, 4].every((r) => Math.abs(r * internal.curvature(r) - D) <= 1e-12 * D) ? D : null;
}

/** A gradient flow as a Fokker–Planck equation: φ = V − D log q. */
function equationOf(flow: GradientFlow): Equation {
  const { domain, horizon, initial, mass, dimension, energy } = flow;
  const diffusion = diffusionOf(flow) as number;
  const target = internalOf(energy)?.reference ?? null;
  const potential: Field = {
    text: "V − D log q",
    dimension,
    constant: null,
    dependsOnTime: false,
    expression: null,
    evaluate(_t, points, out = new Float64Array(points.length / dimension)) {
      if (energy.potential === null) out.fill(0);
      else energy.potential.evaluate(0, points, out);
      if (target === null) return out;
      const logs =
        target.distribution?.logDensity?.(points) ?? (target.density as Field).evaluate(0, points).map(Math.log);
      for (let i = 0; i < out.length; i++) out[i] -= diffusion * logs[i];
      return out;
    },
  };
  return { domain, horizon, diffusion, drift: null, potential, initial, mass, source: null };
}

async function march(
  given: FokkerPlanck | GradientFlow,
  context: SolveContext,
  record: FokkerPlanckSolution["solver"],
  { points, steps, flux, time, tolerance }: Required<FokkerPlanckSolverOptions>,
): Promise<FokkerPlanckSolution> {
  const where = "fokkerPlanck";
  const began = context.elapsed();
  const problem: Equation = given.kind === "gradient-flow" ? equationOf(given) : given;
  const cut = cells(problem.domain, points);
  const start =
    given.kind === "gradient-flow" ? startOn(given, cut, where) : densityOn(given.initial, given.mass, cut, where);
  // Here, so that a term that cannot be used is named before any step.
  const energy = given.kind === "gradient-flow" ? energyOnCells(given.energy, cut, integrate(cut.grid, start)) : null;
  const { size, cellVolume } = cut.grid;
  if (given.kind === "gradient-flow") demandRoom(where, steps, size);
  const T = problem.horizon;
  const dt = T / steps;
  const operator = driftOperator(cut, problem, FLUXES[flux]);
  const matrix: Stencil = stencil(cut);
  const inverse = multigrid(matrix);
  const times = Float64Array.from({ length: steps + 1 }, (_, n) => (n === steps ? T : n * dt));
  const slabs = [start];
  const rhs = new Float64Array(size);
  const source = new Float64Array(size);
  const oldSource = new Float64Array(size);
  const breathe = breathing(context.signal);
  const sourceAt = (t: number): void => {
    if (problem.source === null) return;
    problem.source.evaluate(t, cut.points, source);
    for (let k = 0; k < size; k++) if (cut.open[k] === 0) source[k] = 0;
  };
  const masses = [integrate(cut.grid, slabs[0])];
  const errors = [0];
  let expected = masses[0];
  let linearIterations = 0;
  let worstResidual = 0;
  let failure: string | null = null;
  let shift = Number.NaN;
  sourceAt(0);
  for (let n = 0; n < steps && failure === null; n++) {
    const old = slabs[n];
    // BDF2 starts with one step of Crank–Nicolson.
    const step = time === "bdf2" && n === 0 ? "crank-nicolson" : time;
    const c = (step === "implicit-euler" ? 1 : step === "crank-nicolson" ? 2 : 1.5) / dt;
    rhs.fill(0);
    oldSource.set(source);
    if (step === "crank-nicolson") {
      operator.at(times[n]);
      operator.add(old, -1, rhs);
      for (let k = 0; k < size; k++) rhs[k] += oldSource[k];
    } else if (step === "bdf2") {
      const older = slabs[n - 1];
      for (let k = 0; k < size; k++) rhs[k] += (old[k] - older[k]) / (2 * dt);
    }
    operator.at(times[n + 1]);
    if (operator.dependsOnTime || c !== shift) {
      operator.assemble(matrix, c);
      inverse.update();
      shift = c;
    }
    operator.add(old, -1, rhs);
    sourceAt(times[n + 1]);
    for (let k = 0; k < size; k++) rhs[k] += source[k];
    const next = new Float64Array(size);
    // At an equilibrium the right-hand side is round-off of the fluxes, and needs no smaller residual than that.
    const { status, residual, iterations } = await inverse.solve(rhs, next, {
      tolerance,
      absolute: 1e-15 * c * Math.sqrt(size) * (Math.abs(masses[n]) / (cellVolume * cut.openCount)),
      signal: context.signal,
    });
    context.signal?.throwIfAborted();
    linearIterations += iterations;
    worstResidual = Math.max(worstResidual, residual / c);
    if (!status.converged) failure = `step ${n + 1}: ${status.text}`;
    putBack(operator, rhs, next, c);
    for (let k = 0; k < size; k++) next[k] += old[k];
    slabs.push(next);
    // What the scheme itself says should be there: its sources, less what passed its doors.
    const gain = (q: Float64Array) => (problem.source === null ? 0 : integrate(cut.grid, q));
    let kept = masses[n];
    if (step === "crank-nicolson") {
      operator.at(times[n]);
      kept += (gain(oldSource) - operator.outflow(old)) / c;
      operator.at(times[n + 1]);
    } else if (step === "bdf2") kept += (masses[n] - masses[n - 1]) / 3;
    kept += gain(source) / c;
    keepMass(operator, matrix, old, next, c, kept);
    expected = kept - operator.outflow(next) / c;
    masses.push(integrate(cut.grid, next));
    errors.push(errors[n] + (masses[n + 1] - expected));
    if (!Number.isFinite(masses[n + 1]))
      failure = `the density is not finite after step ${n + 1} of ${steps}; check the drift, or use more steps`;
    context.progress({ stage: "time", iteration: n + 1, fraction: (n + 1) / steps, residual: residual / c });
    await breathe();
  }
  // A source may start from nothing.
  const scale = masses.reduce((most, mass) => Math.max(most, mass), 0) || 1;
  const marched: Marched = {
    cut,
    times: times.slice(0, slabs.length),
    slabs,
    masses,
    scale,
    errors: errors.map((error) => error / scale),
    failure,
    linearIterations,
    worstResidual,
    peclet: operator.peclet(),
    began,
  };
  return given.kind === "gradient-flow"
    ? flowSolution(given, energy as EnergyOnCells, context, record, marched, operator, time)
    : solutionOf(given, context, record, marched);
}

/** The solution of a gradient flow: its energy and dissipation are measured on the slabs. */
function flowSolution(
  flow: GradientFlow,
  energy: EnergyOnCells,
  context: SolveContext,
  record: FokkerPlanckSolution["solver"],
  m: Marched,
  operator: DriftOperator,
  time: TimeStep,
): FokkerPlanckSolution {
  const { cut, times, slabs } = m;
  const { size, cellVolume } = cut.grid;
  const flux = new Float64Array(size);
  // An entropy has no value below 0: the energy is that of the cells with ρ > 0, and `negativeMass` says what that leaves out.
  const positive = slabs.map((slab) => (slab.some((v) => v < 0) ? slab.map((v) => Math.max(v, 0)) : slab));
  const potentials = positive.map((slab) => {
    const xi = new Float64Array(size);
    energy.variation(slab, xi);
    return xi;
  });
  const energies = positive.map((slab) => energy.value(slab));
  const dissipations = slabs.map((slab, n) => {
    flux.fill(0);
    operator.add(slab, 1, flux);
    let sum = 0;
    for (let k = 0; k < size; k++) if (slab[k] >= 0 && flux[k] !== 0) sum += potentials[n][k] * flux[k];
    return Number.isFinite(sum) ? sum * cellVolume : null;
  });
  const scale = energies.reduce((most, E) => (Number.isFinite(E) ? Math.max(most, Math.abs(E)) : most), 0);
  const defects = dissipations.map((I, n) => {
    if (n === 0 || I === null || scale === 0) return null;
    const left =
      energies[n] - energies[n - 1] + (times[n] - times[n - 1]) * I + energy.bregman(positive[n - 1], positive[n]);
    return Number.isFinite(left) ? Math.abs(left) / scale : null;
  });
  const { status, counts } = verdict(m, record);
  return gradientFlowSolution({
    problem: flow,
    solver: record,
    context,
    cells: cut,
    times,
    slabs,
    potentials,
    energies,
    dissipations,
    speeds: slabs.map(() => null),
    status,
    histories: [
      historyOf("mass error", m.errors),
      ...(time === "implicit-euler" && defects.some((defect) => defect !== null)
        ? [historyOf("energy identity", defects)]
        : []),
    ],
    counts,
    began: m.began,
  });
}

/** δ ← δ + r/c with r the residual of (c + L) δ = rhs: the new one has Σ r = 0. */
function putBack(operator: DriftOperator, rhs: Float64Array, delta: Float64Array, c: number): void {
  const residual = rhs;
  for (let k = 0; k < rhs.length; k++) residual[k] -= c * delta[k];
  operator.add(delta, -1, residual);
  for (let k = 0; k < rhs.length; k++) delta[k] += residual[k] / c;
}

/**
 * Sums of fluxes that nearly cancel lose mass by their round-off, which grows with Δt × stiffness. It goes back in proportion to ρ, the direction
 * in which L does not move: mass(ρ) + outflow(ρ)/c = kept. More than round-off is left to be seen.
 */
function keepMass(
  operator: DriftOperator,
  { diagonal }: Stencil,
  old: Float64Array,
  next: Float64Array,
  c: number,
  kept: number,
): void {
  const { grid, open } = operator.cells;
  let gross = 0;
  for (let k = 0; k < next.length; k++)
    if (open[k] === 1) gross += (diagonal[k] / c) * (Math.abs(old[k]) + Math.abs(next[k]));
  const size = next.map(Math.abs);
  const total = integrate(grid, size);
  const balance = (density: Float64Array) => integrate(grid, density) + operator.outflow(density) / c;
  const share = (kept - balance(next)) / balance(size);
  if (!(Math.abs(share) * total <= 4 * Number.EPSILON * gross * grid.cellVolume)) return;
  for (let k = 0; k < next.length; k++) next[k] += share * size[k];
}

interface Marched {
  readonly cut: Cells;
  readonly times: Float64Array;
  readonly slabs: readonly Float64Array[];
  readonly masses: readonly number[];
  /** The largest of them. */
  readonly scale: number;
  readonly errors: readonly number[];
  readonly failure: string | null;
  readonly linearIterations: number;
  readonly worstResidual: number;
  readonly peclet: number;
  readonly began: number;
}

/** What the densities say about themselves. */
function verdict(
  m: Marched,
  { options }: FokkerPlanckSolution["solver"],
): Pick<FokkerPlanckSolution, "status" | "counts"> {
  const volume = m.cut.grid.cellVolume;
  let negativeCells = 0;
  let smallest = Infinity;
  let below = 0;
  for (const slab of m.slabs) {
    let here = 0;
    for (const v of slab) {
      if (v < smallest) smallest = v;
      if (v < 0) {
        negativeCells++;
        here -= v;
      }
    }
    below = Math.max(below, (here * volume) / m.scale);
  }
  const reached = m.slabs.length - 1;
  const text =
    m.failure !== null
      ? `stopped: ${m.failure}`
      : below > CREATED
        ? `the density is negative in ${negativeCells} cells over all times, ${below.toPrecision(3)} of the mass; ${
            options.time === "implicit-euler" && options.flux !== "central"
              ? "let sources take no more than there is"
              : 'use flux: "scharfetter-gummel" with time: "implicit-euler", or more points and steps'
          }`
        : `converged: ${reached} steps, mass error ${m.errors.reduce((most, e) => Math.max(most, Math.abs(e)), 0).toPrecision(2)}`;
  return {
    status: { converged: m.failure === null && below <= CREATED, text },
    counts: {
      steps: reached,
      cells: m.cut.openCount,
      linearIterations: m.linearIterations,
      negativeCells,
      smallestDensity: smallest,
      negativeMass: below,
      peclet: m.peclet,
    },
  };
}

function solutionOf(
  problem: FokkerPlanck,
  context: SolveContext,
  record: FokkerPlanckSolution["solver"],
  m: Marched,
): FokkerPlanckSolution {
  const { cut, times, slabs } = m;
  const d = problem.dimension;
  const T = problem.horizon;
  const { status, counts } = verdict(m, record);
  const between = cellInterpolation(cut);
  const slabAt = (t: number): { n: number; s: number } => {
    demand(t >= 0 && t <= T, "solution", "t", `lie in [0, ${T}]`, t, "Ask for a time between start and horizon");
    const n = Math.min(Math.floor((t / T) * (record.options.steps as number)), slabs.length - 2);
    return { n, s: Math.min(Math.max((t - times[n]) / (times[n + 1] - times[n]), 0), 1) };
  };
  const density = (t: number): Density => {
    const { n, s } = slabAt(t);
    const values = slabs[n].slice();
    if (s > 0) for (let k = 0; k < values.length; k++) values[k] += s * (slabs[n + 1][k] - values[k]);
    return { kind: "density", grid: cut.grid, values };
  };
  const { potential, drift } = problem;
  const velocity = (t: number, x: Float64Array): Float64Array => {
    const n = x.length / d;
    const out = new Float64Array(x.length);
    if (potential === null) {
      (drift ?? []).forEach((b, a) => {
        const column = b.evaluate(t, x);
        for (let i = 0; i < n; i++) out[i * d + a] = column[i];
      });
    } else {
      const slope = between.gradient(potential.evaluate(t, cut.points), x);
      for (let a = 0; a < d; a++) for (let i = 0; i < n; i++) out[i * d + a] = -slope[a][i];
    }
    return out;
  };
  return {
    family: "grid",
    problem,
    solver: record,
    cells: cut,
    times,
    slabs,
    energies: null,
    dissipations: null,
    status,
    histories: [historyOf("mass", m.masses), historyOf("mass error", m.errors)],
    objective: { primal: null, dual: null, gap: null },
    counts,
    seconds: context.elapsed() - m.began,
    seed: context.seed,
    device: { requested: context.device, used: "cpu", reason: "the finite volumes run on the CPU", adapter: null },
    version: context.version,
    density,
    value(t, x) {
      if (potential === null)
        throw usageError(
          "solution",
          "the drift",
          "have a potential to be asked for its value",
          "fields",
          "Give the problem a potential, or ask for the velocity",
        );
      return potential.evaluate(t, x);
    },
    velocity,
    critic: null,
    trajectories: (options = {}) =>
      equilibriumPaths({
        problem: { populations: [{ viscosity: problem.diffusion, initial: problem.initial }] },
        fields: { cells: cut, times, density: [slabs] },
        velocity,
        ownSeed: context.seed,
        options,
      }),
    arrays: () => ({ ...cellArrays(cut, times), density: stacked(slabs, cut.grid.shape) }),
  };
}
