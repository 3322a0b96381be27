// Wasserstein gradient flows of internal, potential and interaction energies on cells: ∂ₜρ = div(ρ∇ξ), ξ = e′(ρ/q) + V + W∗ρ.
//   implicit       Bailo–Carrillo–Hu: upwind in ρ, ξ at the new time, W∗ρ at the mean of old and new. Order 1; ρ ≥ 0; for every Δt
//                  E(ρⁿ⁺¹) − E(ρⁿ) = −Δt h^d Σ_faces u² ρ_face − B,  B ≥ 0 the Bregman distance of ρⁿ from ρⁿ⁺¹
//   second-order   limited face values (φ of Sweby's region, frozen at ρⁿ) and SDIRK2 (γ = 1 − 1/√2, L-stable); a cell that the explicit
//                  part would empty gives only what it has (limiter of outflow); a step that holds back more than 1e-4 of the mass so, or raises E,
//                  is done again with half the length
//   rkl2           explicit super-time-stepping for ∂ₜρ = cΔρ^m (super-time-stepping.ts), order 2
// Steps of Newton that fail are halved too. Under a kernel that is infinite at 0 a cell that gathers a tenth of the mass is reported as concentration
// (blow-up), with its time and density; so are cells that hold a tenth together, each denser than twice its neighbours: no density on these cells
// has such peaks, and clumps that keep apart may stay small. Nothing is clipped; only what rounding takes of
// the mass is put back.
// References: Bailo, Carrillo, Hu 2020 (key bailo2020fully); Alexander 1977 (key alexander1977diagonally); Sweby 1984 (key sweby1984high);
// Meyer, Balsara, Aslam 2014 (key meyer2014stabilized).
import { type GradientFlow, startOn } from "../../../problems/index.js";
import { breathing } from "../../../src/breathing.js";
import { demand, demandKnown } from "../../../src/error.js";
import { type CellCounts, type Cells, cells, demandPoints, integrate } from "../../../src/grid/index.js";
import { historyOf } from "../../../src/solution/index.js";
import type { SolveContext, Solver } from "../../../src/solver.js";
import { type EnergyOnCells, energyOnCells, internalOf } from "./energy-on-cells.js";
import { demandRoom, type GradientFlowSolution, gradientFlowSolution, lackOfRoom } from "./solution.js";
import { superSteps } from "./super-time-stepping.js";
import { faceLimiter, type UpwindStages, upwindStages } from "./upwind-step.js";

/** Schemes by name. */
export type PorousMediumScheme = "implicit" | "second-order" | "rkl2";

export interface PorousMediumOptions {
  /** Cells along each axis, or one number for all; default `null`: 256, 64, 32 in one, two, three dimensions. */
  readonly points?: CellCounts;
  /** Time steps N, all of length T/N unless they must be halved; with `adaptive`, the first one has length T/N. Default 64. */
  readonly steps?: number;
  /** Largest relative L¹ error of a step, for steps that adapt; default `null`: equal steps. */
  readonly adaptive?: number | null;
  /** Default `"implicit"`. */
  readonly scheme?: PorousMediumScheme;
  /** Newton stops at ‖residual‖₁ ≤ tolerance · mass; default 1e-10. */
  readonly tolerance?: number;
}

/** Largest share of the mass that may lie below 0. */
const CREATED = 1e-8;
/** Share of the mass in one cell, or in clumps of one cell, that counts as concentration. */
const CONCENTRATED = 0.1;
/** Halvings of a step before the solve stops. */
const MOST_HALVINGS = 20;
const MOST_NEWTON = 60;
/** Largest share of the mass that the limiter of outflow may hold back in one step of second order. */
const HELD_BACK = 1e-4;
/** Most stages of one super-step: a step that wants more is halved, so that a signal is heard and no number of stages is endless. */
const MOST_STAGES = 999;
/** γ of SDIRK2. */
const GAMMA = 1 - Math.SQRT1_2;

/**
 * Finite volumes for porous-medium, fast-diffusion and aggregation–diffusion equations in one to three dimensions, with walls, periodic axes
 * and obstacles.
 *
 * ∂ₜρ = div(ρ∇(e′(ρ/q) + V + W∗ρ)),   ρ ≥ 0,   ∫ρ = const,   E(ρ) falls
 *
 * @param options points, steps, adaptive, scheme, tolerance
 * @returns a solver of gradient flows; `order` is 1 for `"implicit"`, else 2 (away from fronts)
 * @throws UsageError when an option is out of range
 *
 * *Notes*: histories beside the solution's own: `energy identity`, for each step |E(ρⁿ⁺¹) − E(ρⁿ) + Δt I + B| relative to the largest |E| so far
 * (for `"implicit"` the size of Newton's tolerance; for `"second-order"` Δt I is SDIRK's quadrature and B = 0, so it is the error in time;
 * not measured for `"rkl2"`), and `newton` iterations of each step. W(0) that is infinite is replaced by the mean of W over a cell.
 * `"implicit"` obeys the comparison principle when there is no interaction. A concentration stops the solve: `status` names time and density.
 * ρ and δE/δρ of every step are kept, 16 bytes a cell and step: 4 GB for 512² cells and 1000 steps; more than 8 GiB is refused, and a march whose
 * halved steps would need more stops.
 *
 * *Good values*: `"implicit"` with Δt max|v| of a few cells; `"second-order"` with about one cell; `"rkl2"` with 16 steps where it applies: it is the fastest.
 *
 * *References*: bailo2020fully, alexander1977diagonally, sweby1984high, meyer2014stabilized
 */
export function porousMedium(options: PorousMediumOptions = {}): Solver<GradientFlow, GradientFlowSolution> {
  const where = "porousMedium";
  demandKnown(where, options, ["points", "steps", "adaptive", "scheme", "tolerance"]);
  const { points = null, steps = 64, adaptive = null, scheme = "implicit", tolerance = 1e-10 } = options;
  demandPoints(where, points);
  demand(Number.isInteger(steps) && steps >= 1, where, "steps", "be an integer ≥ 1", steps, "Use steps: 64 to start");
  demand(
    adaptive === null || (adaptive > 0 && adaptive < 1),
    where,
    "adaptive",
    "lie between 0 and 1, or be null for equal steps",
    adaptive,
    "Use adaptive: 1e-3 to start",
  );
  demand(
    scheme === "implicit" || scheme === "second-order" || scheme === "rkl2",
    where,
    "scheme",
    "be one of implicit, second-order, rkl2",
    scheme,
    'Use scheme: "implicit"',
  );
  demand(tolerance > 0 && tolerance < 1, where, "tolerance", "lie between 0 and 1", tolerance, "Use tolerance: 1e-10");
  const settings = { points, steps, adaptive, scheme, tolerance };
  const record = {
    // Schemes compared with each other have names of their own.
    name: scheme === "implicit" ? where : `${where}-${scheme}`,
    order: scheme === "implicit" ? 1 : 2,
    references:
      scheme === "implicit"
        ? ["bailo2020fully"]
        : scheme === "rkl2"
          ? ["meyer2014stabilized"]
          : ["bailo2020fully", "alexander1977diagonally", "sweby1984high"],
    options: settings,
  };
  return {
    ...record,
    family: "grid",
    handles(problem) {
      if (problem.kind !== "gradient-flow")
        return `it solves gradient-flow problems, not ${problem.kind}; use a solver of that family`;
      const p = problem as GradientFlow;
      const { energy } = p;
      if (p.dimension > 3) return `a grid in ${p.dimension} dimensions is too large; use particles instead`;
      if (p.initial.density === null)
        return `the initial law ${p.initial.text} has no density on a grid; give a density, or use particles`;
      if (energy.transport !== null) return "the energy is a transport distance; use jko() or lipschitzFlow()";
      if (energy.divergence !== null && energy.divergence.lipschitz < Infinity)
        return "the energy is a Lipschitz-regularised divergence; use lipschitzFlow()";
      if (energy.cap < Infinity) return "the density is capped; use jko()";
      if (scheme === "rkl2") {
        const internal = internalOf(energy);
        const exponent = internal?.exponent ?? null;
        if (energy.potential !== null || energy.interaction !== null || exponent === null || exponent < 1)
          return 'scheme "rkl2" solves ∂ₜρ = cΔρ^m with m ≥ 1 alone; use scheme: "implicit"';
      }
      return true;
    },
    solve: (problem, context) => march(problem, context, record, settings),
  };
}

/** What one step gives: the new density and what it cost, or `null` when it must be shorter. */
interface Step {
  readonly density: Float64Array;
  readonly newton: number;
  readonly linear: number;
  /** |E′ − E + Δt I + B|; `null` when not measured. */
  readonly defect: number | null;
}

/** `energyScale`: the largest finite |E| so far, by which E's round-off is measured. */
type Stepper = (density: Float64Array, step: number, energyBefore: number, energyScale: number) => Promise<Step | null>;

async function march(
  problem: GradientFlow,
  context: SolveContext,
  record: Omit<GradientFlowSolution["solver"], "family">,
  { points, steps, adaptive, scheme, tolerance }: Required<PorousMediumOptions>,
): Promise<GradientFlowSolution> {
  const began = context.elapsed();
  const cut = cells(problem.domain, points);
  const { size, cellVolume } = cut.grid;
  if (adaptive === null) demandRoom("porousMedium", steps, size);
  const start = startOn(problem, cut, "porousMedium");
  const mass = integrate(cut.grid, start);
  const energy = energyOnCells(problem.energy, cut, mass);
  const stages = upwindStages(energy);
  const take: Stepper =
    scheme === "implicit"
      ? implicit(energy, stages, tolerance, context.signal)
      : scheme === "second-order"
        ? secondOrder(energy, stages, tolerance, context.signal)
        : explicit(energy, cut);
  const T = problem.horizon;
  const nominal = T / steps;
  const times = [0];
  const slabs = [start];
  const energies = [energy.value(slabs[0])];
  const potentials: Float64Array[] = [];
  const dissipations: (number | null)[] = [];
  const speeds: (number | null)[] = [];
  const look = (density: Float64Array): void => {
    const xi = new Float64Array(size);
    energy.variation(density, xi);
    const { dissipation, speed } = stages.measure(
      density,
      xi,
      scheme === "implicit" ? null : faceLimiter(cut, density),
    );
    potentials.push(xi);
    dissipations.push(dissipation);
    speeds.push(speed);
  };
  look(slabs[0]);
  const defects: (number | null)[] = [];
  const newtons: number[] = [];
  const concentrated = Math.max(CONCENTRATED * mass, 4 * cellVolume * largestOf(slabs[0]).value);
  // A start may be as rough.
  const clumped = Math.max(CONCENTRATED * mass, 2 * inClumps(slabs[0], cut));
  const breathe = breathing(context.signal);
  let t = 0;
  let dt = nominal;
  let halvings = 0;
  let rejected = 0;
  let linearIterations = 0;
  let negativeCells = 0;
  let negativeMass = 0;
  let smallest = smallestOf(slabs[0], cut);
  let energyScale = 0;
  const grow = (value: number): void => {
    if (Number.isFinite(value)) energyScale = Math.max(energyScale, Math.abs(value));
  };
  grow(energies[0]);
  let failure: string | null = null;
  while (t < T && failure === null) {
    const n = slabs.length - 1;
    // Equal steps land on n T/N; a last sliver of round-off is not a step.
    const goal = adaptive === null ? Math.min(T, (Math.floor(t / nominal + 1e-9) + 1) * nominal) : T;
    const step = goal - t <= dt * (1 + 1e-9) ? goal - t : dt;
    const tried = await take(slabs[n], step, energies[n], energyScale);
    await breathe();
    let error = 0;
    if (tried !== null && adaptive !== null && n > 0) {
      const ratio = step / (times[n] - times[n - 1]);
      for (let k = 0; k < size; k++)
        error += Math.abs(tried.density[k] - slabs[n][k] - ratio * (slabs[n][k] - slabs[n - 1][k]));
      error = (0.5 * cellVolume * error) / mass / adaptive;
    }
    if (tried === null || error > 2) {
      rejected++;
      halvings++;
      if (halvings > MOST_HALVINGS)
        failure = `no step of length ${step.toPrecision(2)} from t = ${t.toPrecision(6)} succeeds${remedy(cut, speeds[n], T, scheme)}`;
      dt = step / 2;
      continue;
    }
    halvings = 0;
    const { density, newton, linear, defect } = tried;
    slabs.push(density);
    t = step === goal - t ? goal : t + step;
    if (T - t < 1e-12 * T) t = T;
    times.push(t);
    energies.push(energy.value(density));
    look(density);
    newtons.push(newton);
    linearIterations += linear;
    grow(energies[n + 1]);
    defects.push(defect === null || energyScale === 0 ? null : defect / energyScale);
    let below = 0;
    for (let k = 0; k < size; k++)
      if (density[k] < 0) {
        below -= density[k];
        negativeCells++;
      }
    negativeMass = Math.max(negativeMass, (below * cellVolume) / mass);
    smallest = Math.min(smallest, smallestOf(density, cut));
    const peak = largestOf(density);
    if (!Number.isFinite(energies[n + 1]) && scheme !== "rkl2")
      failure = `the energy is not finite after t = ${t.toPrecision(6)}; check the potential and the interaction`;
    else if (!Number.isFinite(peak.value))
      failure = `the density is not finite at t = ${t.toPrecision(6)}; use more steps`;
    else if (energy.mayConcentrate && peak.value * cellVolume > concentrated)
      failure =
        `the mass concentrates: at t = ${t.toPrecision(6)} one cell near x = (${pointOf(cut, peak.at)}) has the density ` +
        `${peak.value.toPrecision(4)}, ${((100 * peak.value * cellVolume) / mass).toPrecision(2)} % of the mass; ` +
        "blow-up, or too few points to tell: use more, or less mass";
    else if (energy.mayConcentrate && inClumps(density, cut) > clumped)
      failure =
        `the mass concentrates: at t = ${t.toPrecision(6)} cells denser than twice their neighbours hold ` +
        `${((100 * inClumps(density, cut)) / mass).toPrecision(2)} % of it, the fullest near x = (${pointOf(cut, peak.at)}); ` +
        "blow-up, or too few points to tell: use more, or less mass";
    else failure = lackOfRoom(times, T, size, adaptive === null ? nominal : null);
    if (adaptive === null) dt = Math.min(nominal, 2 * dt);
    else dt = step * Math.min(2, Math.max(0.3, 0.9 / Math.sqrt(Math.max(error, 1e-12))));
    context.progress({ stage: "time", iteration: n + 1, fraction: t / T, residual: null });
  }
  const reached = slabs.length - 1;
  const massError = slabs.reduce((most, slab) => Math.max(most, Math.abs(integrate(cut.grid, slab) - mass)), 0) / mass;
  const below = negativeMass > CREATED;
  return gradientFlowSolution({
    problem,
    solver: record,
    context,
    cells: cut,
    times: Float64Array.from(times),
    slabs,
    potentials,
    energies,
    dissipations,
    speeds,
    status: {
      converged: failure === null && !below,
      text:
        failure !== null
          ? `stopped: ${failure}`
          : below
            ? `the density is negative in ${negativeCells} cells over all times, ${negativeMass.toPrecision(2)} of the mass; use more steps, or scheme: "implicit"`
            : `converged: ${reached} steps, mass error ${massError.toPrecision(2)}`,
    },
    histories: [
      ...(defects.some((defect) => defect !== null) ? [historyOf("energy identity", [null, ...defects])] : []),
      ...(scheme === "rkl2" ? [] : [{ name: "newton", iterations: newtons.map((_, i) => i + 1), values: newtons }]),
    ],
    counts: {
      steps: reached,
      rejected,
      cells: cut.openCount,
      [scheme === "rkl2" ? "stages" : "newtonIterations"]: newtons.reduce((sum, v) => sum + v, 0),
      linearIterations,
      negativeCells,
      negativeMass,
      smallestDensity: smallest,
    },
    began,
  });
}

function implicit(energy: EnergyOnCells, stages: UpwindStages, tolerance: number, signal: AbortSignal | null): Stepper {
  const { size } = energy.cells.grid;
  const field = energy.interaction === null ? null : new Float64Array(size);
  return async (old, step, before) => {
    const density = old.slice();
    if (field !== null) {
      energy.interaction?.(old, field);
      for (let k = 0; k < size; k++) field[k] *= 0.5;
    }
    const { converged, iterations, linearIterations } = await stages.solve(density, {
      base: old,
      step,
      share: 0.5,
      field,
      limiter: null,
      tolerance,
      maxIterations: MOST_NEWTON,
      signal,
    });
    if (!converged) return null;
    const { dissipation } = stages.measure(density, stages.variation, null);
    const defect =
      dissipation === null
        ? null
        : Math.abs(energy.value(density) - before + step * dissipation + energy.bregman(old, density));
    return {
      density,
      newton: iterations,
      linear: linearIterations,
      defect: defect === null || !Number.isFinite(defect) ? null : defect,
    };
  };
}

function secondOrder(
  energy: EnergyOnCells,
  stages: UpwindStages,
  tolerance: number,
  signal: AbortSignal | null,
): Stepper {
  const { cells: cut } = energy;
  const { size } = cut.grid;
  const base = new Float64Array(size);
  return async (old, step, before, scale) => {
    const limiter = faceLimiter(cut, old);
    const common = {
      step: GAMMA * step,
      share: 1,
      field: null,
      limiter,
      tolerance,
      maxIterations: MOST_NEWTON,
      signal,
    };
    const middle = old.slice();
    const first = await stages.solve(middle, { ...common, base: old });
    if (!first.converged) return null;
    const early = stages.measure(middle, stages.variation, limiter).dissipation;
    const held = stages.carry(old, (1 - GAMMA) * step, middle, stages.variation, limiter, base);
    if (held > HELD_BACK * integrate(cut.grid, old)) return null;
    const density = middle;
    const second = await stages.solve(density, { ...common, base });
    if (!second.converged) return null;
    const after = energy.value(density);
    if (after > before + (1e-12 + tolerance) * scale) return null;
    const late = stages.measure(density, stages.variation, limiter).dissipation;
    return {
      density,
      newton: first.iterations + second.iterations,
      linear: first.linearIterations + second.linearIterations,
      defect:
        early === null || late === null ? null : Math.abs(after - before + step * ((1 - GAMMA) * early + GAMMA * late)),
    };
  };
}

function explicit(energy: EnergyOnCells, cut: Cells): Stepper {
  const { exponent, weight } = energy.internal as NonNullable<EnergyOnCells["internal"]>;
  const plan = superSteps(cut, exponent as number, weight);
  return async (old, step) => {
    const stages = plan.stages(old, step);
    if (!(stages <= MOST_STAGES)) return null;
    const density = old.slice();
    plan.advance(density, step, stages);
    return { density, newton: stages, linear: 0, defect: null };
  };
}

/** Cells that mass may cross before more steps are no answer. */
const MOST_CROSSED = 1e6;

/** What to do where the shortest step fails, by how far the mass goes. */
function remedy({ grid }: Cells, speed: number | null, T: number, scheme: PorousMediumScheme): string {
  const h = grid.axes.reduce((least, { spacing }) => Math.min(least, spacing), Infinity);
  const crossed = ((speed ?? Infinity) * T) / h;
  const other = scheme === "second-order" ? ', or scheme: "implicit", which bears steep tails and long steps' : "";
  if (crossed <= MOST_CROSSED) return `; use more steps${other}`;
  const rescale = "units in which lengths, masses and coefficients are of order 1";
  if (Number.isFinite(crossed))
    return `: mass would cross ${crossed.toPrecision(2)} cells within T; use a shorter horizon, or ${rescale}${other}`;
  return scheme === "second-order"
    ? ': there is no bound on its speeds, as where the start has vacuum or tails of round-off; use scheme: "implicit"'
    : `; use ${rescale}`;
}

function largestOf(density: Float64Array): { value: number; at: number } {
  let at = 0;
  for (let k = 0; k < density.length; k++) if (!(density[k] <= density[at])) at = k;
  return { value: density[at], at };
}

/** Mass in cells denser than twice every neighbour. */
function inClumps(density: Float64Array, { neighbour, grid }: Cells): number {
  let sum = 0;
  for (let k = 0; k < density.length; k++) {
    let beside = -1;
    for (const other of neighbour) if (other[k] !== k) beside = Math.max(beside, density[other[k]]);
    if (beside >= 0 && density[k] > 2 * beside) sum += density[k];
  }
  return sum * grid.cellVolume;
}

function smallestOf(density: Float64Array, { open }: Cells): number {
  let least = Infinity;
  for (let k = 0; k < density.length; k++) if (open[k] === 1 && density[k] < least) least = density[k];
  return least;
}

function pointOf({ points, grid }: Cells, k: number): string {
  const d = grid.dimension;
  return Array.from(points.subarray(k * d, (k + 1) * d), (x) => Number(x.toPrecision(4))).join(", ");
}
