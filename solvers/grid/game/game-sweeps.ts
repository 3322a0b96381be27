// One-way sweeps of a game on a grid: the backward equation under a given crowd, the forward one under given feedback.
//   best response      (uⁿ − uⁿ⁺¹)/Δt − νΔU + G(D U, M) = f(M) + s            Newton (Howard): M-matrix, monotone from the second step on
//   cost of a policy   (wⁿ − wⁿ⁺¹)/Δt − νΔW + Σ_j α_j D_j W − L = f(M) + s     linear;  L = Σ_j α_j D_j U − G(D U) for the feedback of U
//   transport          (mⁿ⁺¹ − mⁿ)/Δt − νΔM + Σ_j D_jᵀ(α_j M) = q              linear, the exact transpose
//   exploitability     h^d Σ (w⁰ − u⁰) m₀ ≥ 0: what one agent gains by leaving the policy while the crowd stays
// U, M at time θ between slabs as in game-scheme.ts. With a monotone G: comparison (u_T ≤ v_T ⇒ u ≤ v), m ≥ 0, mass exact; an error
// ε in a step's equation moves u by at most Δt ε, so T max ε bounds what the tolerance leaves.
// Linear systems: multigrid, in 1-D elimination. Reference: Howard 1960 (key howard1960dynamic); Bokanowski, Maroso, Zidani 2009
// (key bokanowski2009some); Achdou, Capuzzo-Dolcetta 2010 (key achdou2010mean); Cacace, Camilli, Goffi 2021 (key cacace2021policy).
import { breathing } from "../../../src/breathing.js";
import { demand } from "../../../src/error.js";
import { addLaplacian, differences, integrate } from "../../../src/grid/index.js";
import {
  applyStencil,
  assembleStencil,
  multigrid,
  multigridLevels,
  type Stencil,
  stencil,
  transposeStencil,
} from "../../../src/linalg/index.js";
import { short } from "../../../src/short.js";
import type { Status } from "../../../src/solution/index.js";
import type { GameScheme } from "./game-scheme.js";

/** Slabs at all times: `[k][n]`, population k, n = 0 … N. */
export type Path = readonly (readonly Float64Array[])[];

/** Feedback of every population: what an agent does, and what it costs. */
export interface GamePolicy {
  /**
   * Step n of population k; valid until the next call.
   *
   * @returns `slopes`, 2d fields α_j (≥ 0 for even, ≤ 0 for odd j; drift −α), and the running cost `cost` = L
   */
  at(k: number, n: number): { readonly slopes: readonly Float64Array[]; readonly cost: Float64Array };
}

export interface SweepOptions {
  /** Error allowed in each value or density, relative to its size; default 1e-10. Rounding on very fine grids may ask for more. */
  readonly tolerance?: number;
  /** Newton steps for one step in time; default 40. */
  readonly maxIterations?: number;
  /** Ends the sweep between two steps by throwing its reason. */
  readonly signal?: AbortSignal | null;
}

/** What a sweep reached. */
export interface Sweep {
  /** `[k][n]`, n = 0 … N. */
  readonly path: readonly (readonly Float64Array[])[];
  readonly status: Status;
  /** Largest undamped residual of a step's equation, in the maximum norm. */
  readonly residual: number;
  /** Newton steps altogether (linear sweeps: one a step in time). */
  readonly newtonSteps: number;
  /** Multigrid cycles altogether. */
  readonly cycles: number;
}

/** A transport's mass balance, besides its path. */
export interface Transport extends Sweep {
  /** Largest |α − 1| of the factors that close the mass balance of a step to round-off; about the tolerance of its linear solve. */
  readonly balance: number;
}

/** What {@link exploitability} measured. */
export interface Exploitability {
  /** One number a population; ≥ 0 up to the tolerance. */
  readonly values: readonly number[];
  readonly bestResponse: Sweep;
  readonly cost: Sweep;
}

/**
 * The feedback of values u under a crowd m: α_j = ∂G/∂D_j(D U, M), L = Σ_j α_j D_j U − G(D U, M).
 *
 * @param u values `[k][n]`
 * @param m densities `[k][n]`; G may depend on them
 */
export function feedbackPolicy(scheme: GameScheme, u: Path, m: Path): GamePolicy {
  const { cells: c } = scheme;
  demandPath(scheme, "feedbackPolicy", "u", u);
  demandPath(scheme, "feedbackPolicy", "m", m);
  const [U, M, cost] = fields(c.grid.size, 3);
  const D = fields(c.grid.size, 2 * c.grid.dimension);
  return {
    at(k, n) {
      const here = scheme.blend(u[k][n], u[k][n + 1], U);
      const { value, slope } = scheme.jet(k, n, here, scheme.blend(m[k][n + 1], m[k][n], M), 1);
      differences(c, here, D, true);
      for (let i = 0; i < cost.length; i++) cost[i] = -value[i];
      for (let j = 0; j < D.length; j++) addProduct(slope[j], D[j], cost);
      return { slopes: slope, cost };
    },
  };
}

/**
 * The value of one agent under a given crowd: the backward Hamilton–Jacobi–Bellman equation alone.
 *
 * @param m densities `[k][n]` of the crowd
 * @param options.initial values to start Newton's method from, `[k][n]`; default the slab after
 * @returns the path of u, and whether every step reached its tolerance
 * @throws UsageError when a path or an option does not fit
 *
 * *Notes*: with a convex monotone G Newton's method is Howard's policy iteration and converges from anywhere. Lax–Friedrichs with too
 * small a bound, and central differences, have no such guarantee: a step that does not converge is named in the status.
 *
 * *References*: howard1960dynamic, bokanowski2009some
 */
export async function bestResponse(
  scheme: GameScheme,
  m: Path,
  options: SweepOptions & { readonly initial?: Path } = {},
): Promise<Sweep> {
  const where = "bestResponse";
  const { tolerance, maxIterations, signal } = optionsOf(where, options);
  demandPath(scheme, where, "m", m);
  if (options.initial !== undefined) demandPath(scheme, where, "initial", options.initial);
  return backward(scheme, m, signal, async (k, n, M, paid, now, next, solve) => {
    const { dt, theta } = scheme;
    if (options.initial !== undefined) {
      const { open } = scheme.cells;
      for (let i = 0; i < now.length; i++) now[i] = open[i] === 1 ? options.initial[k][n][i] : 0;
    }
    const [F, step] = [solve.rhs, solve.step];
    const U = solve.blend;
    const target = () => enoughFor(scheme, k, tolerance, now);
    let cycles = 0;
    let text = "";
    for (let newton = 0; ; newton++) {
      scheme.valueResidual(k, n, now, next, M, paid, F);
      const residual = most(F);
      const enough = target();
      if (residual <= enough) return { residual, newton, cycles, text };
      if (!Number.isFinite(residual))
        text = `the residual is ${residual} after ${newton} Newton steps; check the Hamiltonian and the costs for NaN`;
      else if (newton >= maxIterations)
        text = `residual ${short(residual)} > ${short(enough)} after ${newton} Newton steps; use a monotone scheme (upwind), more steps in time, or raise tolerance`;
      if (text !== "") return { residual, newton, cycles, text };
      const { slope } = scheme.jet(k, n, scheme.blend(now, next, U), M, 1);
      // F′ = θ (1/(θΔt) − νΔ + Σ α D)
      assembleStencil(solve.stencil, 1 / (theta * dt), scheme.problem.populations[k].viscosity, slope);
      solve.plan.update();
      for (let i = 0; i < F.length; i++) F[i] /= theta;
      const linear = await solve.plan.solve(F, step.fill(0), { tolerance: 1e-4, absolute: 0.2 * enough });
      cycles += linear.iterations;
      for (let i = 0; i < now.length; i++) now[i] -= step[i];
    }
  });
}

/**
 * What a policy costs one agent under a given crowd: the linear backward equation.
 *
 * @param policy slopes and running costs
 * @param m densities `[k][n]` of the crowd, on which f and g depend
 * @returns the path of w, and whether every step reached its tolerance
 * @throws UsageError when a path or an option does not fit
 *
 * *Notes*: w ≥ u, the best response, since G is the largest of all Σ α_j D_j − L.
 *
 * *References*: cacace2021policy
 */
export async function evaluatePolicy(
  scheme: GameScheme,
  policy: GamePolicy,
  m: Path,
  options: SweepOptions = {},
): Promise<Sweep> {
  const where = "evaluatePolicy";
  const { tolerance, signal } = optionsOf(where, options);
  demandPath(scheme, where, "m", m);
  const { cells: c, dt, theta } = scheme;
  const D = fields(c.grid.size, 2 * c.grid.dimension);
  return backward(scheme, m, signal, async (k, n, _M, paid, now, next, solve) => {
    const { slopes, cost } = policy.at(k, n);
    const nu = scheme.problem.populations[k].viscosity;
    assembleStencil(solve.stencil, 1 / (theta * dt), nu, slopes);
    solve.plan.update();
    const F = solve.rhs;
    const measure = (): number => {
      const W = scheme.blend(now, next, solve.blend);
      for (let i = 0; i < F.length; i++) F[i] = (now[i] - next[i]) / dt - cost[i] - paid[i];
      addLaplacian(c, W, -nu, F, true);
      differences(c, W, D, true);
      for (let j = 0; j < D.length; j++) addProduct(slopes[j], D[j], F);
      return most(F);
    };
    let cycles = 0;
    let residual = measure();
    // A second round takes out what the first leaves of the difference between the maximum and the Euclidean norm.
    for (let round = 0; round < 3; round++) {
      const enough = enoughFor(scheme, k, tolerance, now);
      if (residual <= enough) return { residual, newton: 1, cycles, text: "" };
      for (let i = 0; i < F.length; i++) F[i] /= theta;
      const linear = await solve.plan.solve(F, solve.step.fill(0), { tolerance: 1e-13, absolute: 0.5 * enough });
      cycles += linear.iterations;
      for (let i = 0; i < now.length; i++) now[i] -= solve.step[i];
      residual = measure();
    }
    const enough = enoughFor(scheme, k, tolerance, now);
    const text = residual <= enough ? "" : `residual ${short(residual)} > ${short(enough)}; raise tolerance`;
    return { residual, newton: 1, cycles, text };
  });
}

/**
 * Carries the crowd by a policy: the forward Fokker–Planck equation with the exact transpose of the policy's matrix.
 *
 * @param policy slopes; its costs are not read
 * @returns the path of m (its first slab is the scheme's own m₀), the mass balance, and whether every step reached its tolerance
 * @throws UsageError when an option does not fit
 *
 * *Notes*: with upwind slopes, sources q ≥ 0 and implicit Euler m ≥ 0 holds for the numbers returned: elimination and Gauss–Seidel keep
 * signs, and where multigrid's rounding leaves a sign wrong, its positive part is the start of further Gauss–Seidel sweeps. The
 * mass balance of each step is closed to round-off by a Galerkin correction on one aggregate (a factor α, reported).
 *
 * *References*: achdou2010mean, koury1984iterative
 */
export async function transport(
  scheme: GameScheme,
  policy: GamePolicy,
  options: SweepOptions = {},
): Promise<Transport> {
  const where = "transport";
  const { tolerance, signal } = optionsOf(where, options);
  const { cells: c, steps: N, dt, theta, problem } = scheme;
  const { size, dimension } = c.grid;
  const forwards = stencil(c);
  const matrix = stencil(c);
  const levels = multigridLevels(c);
  const plan = multigrid(matrix, levels);
  const [rhs, taken, source] = fields(size, 3);
  const zero = new Float64Array(size);
  const still = scheme.zeroRates();
  const path = problem.populations.map((_, k) => [scheme.initial[k], ...fields(size, N)]);
  const tally = { residual: 0, newton: 0, cycles: 0, balance: 0 };
  const breathe = breathing(signal);
  for (let n = 0; n < N; n++) {
    for (let k = 0; k < path.length; k++) {
      await breathe();
      const [now, next] = [path[k][n], path[k][n + 1]];
      assembleStencil(forwards, 1 / (theta * dt), problem.populations[k].viscosity, policy.at(k, n).slopes);
      transposeStencil(forwards, matrix);
      plan.update();
      // With no rates and no density the residual of the scheme is −q.
      scheme.densityResidual(k, n, zero, zero, still, source);
      for (let i = 0; i < size; i++) {
        source[i] = -source[i];
        rhs[i] = (now[i] / dt + source[i]) / theta;
      }
      if (theta < 1) {
        // The step from M's end at t_n: Aᵀ mⁿ = (matrix − 1/(θΔt)) mⁿ.
        applyStencil(matrix, now, taken);
        const rest = (1 - theta) / theta;
        for (let i = 0; i < size; i++) rhs[i] -= rest * (taken[i] - now[i] / (theta * dt));
      }
      next.set(now);
      // Below the rounding of the matrix's largest terms no residual can fall.
      const rounding = 4 * Number.EPSILON * most(matrix.diagonal);
      const linear = await plan.solve(rhs, next, {
        tolerance: Math.min(1e-2 * tolerance, 1e-12),
        absolute: rounding * most(now),
        maxIterations: 100,
      });
      tally.cycles += linear.iterations;
      tally.newton++;
      // Central slopes may ask for a negative density: then it is no rounding.
      if (dimension > 1 && least(next) < 0 && least(rhs) >= 0 && matrix.link.every((w) => w.every((v) => v <= 0))) {
        for (let i = 0; i < size; i++) next[i] = Math.max(next[i], 0);
        plan.relax(rhs, next);
        plan.relax(rhs, next);
      }
      // Columns of the matrix sum to 1/(θΔt) and what doors take, so both sides of the balance need no cancelling terms.
      const doors = doorRates(forwards, 1 / (theta * dt));
      const atDoors = (m: Float64Array) => {
        let sum = 0;
        for (const [cell, rate] of doors) sum += rate * m[cell];
        return c.grid.cellVolume * sum;
      };
      const before = integrate(c.grid, now) / (theta * dt) - ((1 - theta) / theta) * atDoors(now);
      const given = before + integrate(c.grid, source) / theta;
      const left = integrate(c.grid, next) / (theta * dt) + atDoors(next);
      if (given > 0 && left > 0) {
        const factor = given / left;
        tally.balance = Math.max(tally.balance, Math.abs(factor - 1));
        for (let i = 0; i < size; i++) next[i] *= factor;
      }
      applyStencil(matrix, next, taken);
      let residual = 0;
      for (let i = 0; i < size; i++) residual = Math.max(residual, theta * Math.abs(taken[i] - rhs[i]));
      tally.residual = Math.max(tally.residual, residual);
      const enough = Math.max((tolerance * (1 + most(next))) / dt, 4 * rounding * most(next));
      if (!(residual <= enough)) {
        const name = problem.populations[k].name;
        const text = `transport of ${name} at step ${n} (t = ${short(scheme.times[n])}): residual ${short(residual)} > ${short(enough)}: ${linear.status.text}`;
        return { path, ...summary(tally, text), balance: tally.balance };
      }
    }
  }
  return { path, ...summary(tally, ""), balance: tally.balance };
}

/**
 * What one agent of each population gains by leaving a policy, given the crowd: h^d Σ (w⁰ − u⁰) m₀.
 *
 * @param policy what the agents do
 * @param m densities `[k][n]` of the crowd; those that the policy makes ({@link transport}) for the exploitability of the policy
 * @param options as of {@link bestResponse}
 * @returns a number ≥ 0 for each population, up to tolerance · mass, and both sweeps with their statuses
 * @throws UsageError when a path or an option does not fit
 *
 * *References*: cacace2021policy
 */
export async function exploitability(
  scheme: GameScheme,
  policy: GamePolicy,
  m: Path,
  options: SweepOptions & { readonly initial?: Path } = {},
): Promise<Exploitability> {
  const cost = await evaluatePolicy(scheme, policy, m, options);
  const best = await bestResponse(scheme, m, options);
  const { cellVolume } = scheme.cells.grid;
  const values = scheme.initial.map((m0, k) => {
    const [w, u] = [cost.path[k][0], best.path[k][0]];
    let sum = 0;
    for (let i = 0; i < m0.length; i++) sum += (w[i] - u[i]) * m0[i];
    return cellVolume * sum;
  });
  return { values, bestResponse: best, cost };
}

/** The residual at which a value step is done: tolerance (1 + max|u|)/T, but not below the rounding of the terms of its equation. */
function enoughFor(scheme: GameScheme, k: number, tolerance: number, u: Float64Array): number {
  const { dt, problem, cells } = scheme;
  const size = most(u);
  let terms = 1 / dt;
  for (const { spacing } of cells.grid.axes) terms += (4 * problem.populations[k].viscosity) / spacing ** 2;
  return Math.max((tolerance * (1 + size)) / problem.horizon, 8 * Number.EPSILON * terms * size);
}

interface StepResult {
  readonly residual: number;
  readonly newton: number;
  readonly cycles: number;
  /** Empty when the step converged. */
  readonly text: string;
}

interface StepSolver {
  readonly stencil: ReturnType<typeof stencil>;
  readonly plan: ReturnType<typeof multigrid>;
  readonly rhs: Float64Array;
  readonly step: Float64Array;
  readonly blend: Float64Array;
}

// The loop of both backward equations: from the terminal cost down, all populations in one crowd.
async function backward(
  scheme: GameScheme,
  m: Path,
  signal: AbortSignal | null,
  advance: (
    k: number,
    n: number,
    M: Float64Array,
    paid: Float64Array,
    now: Float64Array,
    next: Float64Array,
    solve: StepSolver,
  ) => Promise<StepResult>,
): Promise<Sweep> {
  const { cells: c, steps: N, problem } = scheme;
  const { size } = c.grid;
  const K = problem.populations.length;
  const path = problem.populations.map(() => fields(size, N + 1));
  scheme.terminalCost(
    m.map((p) => p[N]),
    path.map((p) => p[N]),
  );
  const matrix = stencil(c);
  const [rhs, step, blend] = fields(size, 3);
  const solver: StepSolver = { stencil: matrix, plan: multigrid(matrix, multigridLevels(c)), rhs, step, blend };
  const blends = fields(size, K);
  const costs = fields(size, K);
  const tally = { residual: 0, newton: 0, cycles: 0 };
  const breathe = breathing(signal);
  for (let n = N - 1; n >= 0; n--) {
    const M = m.map((p, k) => scheme.blend(p[n + 1], p[n], blends[k]));
    scheme.cost(n, M, costs);
    for (let k = 0; k < K; k++) {
      await breathe();
      path[k][n].set(path[k][n + 1]);
      const reached = await advance(k, n, M[k], costs[k], path[k][n], path[k][n + 1], solver);
      tally.residual = Math.max(tally.residual, reached.residual);
      tally.newton += reached.newton;
      tally.cycles += reached.cycles;
      if (reached.text !== "" || Number.isNaN(reached.residual)) {
        const name = problem.populations[k].name;
        return {
          path,
          ...summary(tally, `value of ${name} at step ${n} (t = ${short(scheme.times[n])}): ${reached.text}`),
        };
      }
    }
  }
  return { path, ...summary(tally, "") };
}

function summary(tally: { residual: number; newton: number; cycles: number }, failure: string): Omit<Sweep, "path"> {
  const { residual, newton, cycles } = tally;
  return {
    status: {
      converged: failure === "",
      text:
        failure === ""
          ? `converged: largest residual ${short(residual)} of a step, ${newton} Newton steps, ${cycles} cycles`
          : `stopped: ${failure}`,
    },
    residual,
    newtonSteps: newton,
    cycles,
  };
}

function optionsOf(where: string, options: SweepOptions) {
  const { tolerance = 1e-10, maxIterations = 40, signal = null } = options;
  demand(
    tolerance > 0 && tolerance < 1,
    where,
    "tolerance",
    "lie between 0 and 1",
    tolerance,
    "Use tolerance: 1e-10 to start",
  );
  demand(
    Number.isInteger(maxIterations) && maxIterations >= 1,
    where,
    "maxIterations",
    "be an integer ≥ 1",
    maxIterations,
    "Use maxIterations: 40 to start",
  );
  return { tolerance, maxIterations, signal };
}

function demandPath(scheme: GameScheme, where: string, name: string, path: Path): void {
  const { size } = scheme.cells.grid;
  const K = scheme.problem.populations.length;
  demand(
    path.length === K && path.every((p) => p.length === scheme.steps + 1 && p.every((slab) => slab.length === size)),
    where,
    name,
    `hold ${K} population${K > 1 ? "s" : ""} of ${scheme.steps + 1} slabs with ${size} cells`,
    [path.length, path[0]?.length, path[0]?.[0]?.length],
    "Give slabs of the same scheme",
  );
}

function fields(size: number, count: number): Float64Array[] {
  return Array.from({ length: count }, () => new Float64Array(size));
}

function addProduct(x: Float64Array, y: Float64Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) out[i] += x[i] * y[i];
}

/** max |x|; NaN when x has one. */
function most(x: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < x.length; i++) {
    const size = Math.abs(x[i]);
    if (!(size <= largest)) {
      largest = size;
      if (Number.isNaN(size)) return NaN;
    }
  }
  return largest;
}

function least(x: Float64Array): number {
  let smallest = Infinity;
  for (let i = 0; i < x.length; i++) if (x[i] < smallest) smallest = x[i];
  return smallest;
}

/** What each cell loses through doors in unit time, by cell: the row sum of the policy's matrix less its shift. */
function doorRates({ cells, diagonal, link }: Stencil, shift: number): Map<number, number> {
  const rates = new Map<number, number>();
  for (const k of cells.doors.cell)
    rates.set(
      k,
      link.reduce((sum, row) => sum + row[k], diagonal[k] - shift),
    );
  return rates;
}
