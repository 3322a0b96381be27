// Time-dependent games with H = κ|p|² by Cole–Hopf: two heat equations with the potential c f(m), c = κ/ν, and m = φψ (feynman-kac.ts).
// Unknown: the potential F ≈ f(m) + s on all slabs and G ≈ g(m(T)). The map
//   (F, G) ↦ φ backward from e^{−cG} ↦ ψ forward from m₀/φ(0) ↦ m = φψ ↦ (f(m) + s, g(m(T)))
// is iterated with Anderson's acceleration; its fixed point is an equilibrium, its residual is what the crowd's cost is off by.
// Mass and positivity hold at every iterate. Order 2 (Strang) or 4 (Chin)
// in time, spectral in space for smooth data where the kernel's step, νΔt or ½νΔt, is ≥ h², else 2.
// Best for moderate κT f′/ν; where the iteration stalls, newton() does not.
// References: Guéant 2012 (key gueant2012mean); Anderson 1965 (key anderson1965iterative); Strang 1968 (key strang1968construction).
import { densityOn, type MeanFieldGame } from "../../../problems/index.js";
import { breathing } from "../../../src/breathing.js";
import { demand, demandKnown, usageError } from "../../../src/error.js";
import { type Cells, cells, demandPoints, integrate } from "../../../src/grid/index.js";
import { anderson, arraySpace, type HeatKernel } from "../../../src/linalg/index.js";
import type { Problem } from "../../../src/problem.js";
import { historyOf } from "../../../src/solution/index.js";
import type { SolveContext, Solver } from "../../../src/solver.js";
import { feynmanKac, whyNoWaves } from "./feynman-kac.js";
import { type GameReached, type GridGameSolution, gridGameSolver } from "./game-solution.js";

export interface ColeHopfOptions {
  /** Cells along each axis, or one number for all; default 64. */
  readonly points?: number | readonly number[];
  /** Time steps N; default 64. */
  readonly steps?: number;
  /** Order in time, 2 or 4; 4 costs twice as much a step, and needs steps ≥ 4. Default 2. */
  readonly order?: 2 | 4;
  /** Largest error of the potential, relative to max(1, max|f|); default 1e-9. */
  readonly tolerance?: number;
  /** Iterations; default 400. */
  readonly maxIterations?: number;
  /** First β ∈ (0, 1] of Anderson's iteration, halved after 60 iterations without gain; default 0.5. */
  readonly damping?: number;
  /** Differences that Anderson's iteration keeps; 0 = damped iteration. Default 10. */
  readonly window?: number;
  /** Default `"gauss"` where νΔt ≥ h², else `"walk"`. */
  readonly kernel?: HeatKernel;
}

/** Iterations after which a damping is judged. */
const ROUND = 60;

/**
 * Cole–Hopf for quadratic Hamiltonians.
 *
 * @param options points, steps, order, tolerance, maxIterations, damping, window, kernel
 * @returns a solver of time-dependent games with H = κ|p|², ν > 0, on boxes without doors and obstacles
 * @throws UsageError when an option is out of range
 *
 * *Notes*: u and m at the same times belong together here (no staggering). `walk` kernels are of second order in space; the status says which
 * kernel was used. For viscosities below about 0.05 on a unit torus the potential's map is stiff: expect 100 iterations and more, or use newton().
 *
 * *Good values*: points and steps alike, damping 0.5; damping 1 for weak couplings; order 4 with 32 steps and more for six digits.
 *
 * *References*: gueant2012mean, cole1951quasi, hopf1950partial, strang1968construction, chin1997symplectic, anderson1965iterative
 */
export function coleHopf(options: ColeHopfOptions = {}): Solver<MeanFieldGame, GridGameSolution> {
  const where = "coleHopf";
  demandKnown(where, options, [
    "points",
    "steps",
    "order",
    "tolerance",
    "maxIterations",
    "damping",
    "window",
    "kernel",
  ]);
  const { points = 64, steps = 64, tolerance = 1e-9, maxIterations = 400, damping = 0.5, window = 10 } = options;
  const { order = 2 } = options;
  const settings = { points, steps, order, tolerance, maxIterations, damping, window, kernel: options.kernel ?? null };
  demandSlabs(where, points, steps, tolerance, maxIterations);
  demand(damping > 0 && damping <= 1, where, "damping", "lie in (0, 1]", damping, "Use damping: 0.5 to start");
  demand(
    Number.isInteger(window) && window >= 0,
    where,
    "window",
    "be an integer ≥ 0",
    window,
    "Use window: 10 to start",
  );
  demandKernel(where, settings.kernel);
  demand(order === 2 || order === 4, where, "order", "be 2 or 4", order, "Use order: 4 for smooth games");
  demand(order === 2 || steps >= 4, where, "steps", "be ≥ 4 for order 4", steps, "Use steps: 16 to start");
  const record = {
    name: where,
    order,
    references: [
      "gueant2012mean",
      "cole1951quasi",
      order === 2 ? "strang1968construction" : "chin1997symplectic",
      "anderson1965iterative",
    ],
    options: settings,
  };
  return gridGameSolver(record, handles, (problem, context) => iterate(problem, context, settings));
}

function handles(problem: Problem): true | string {
  if (problem.kind !== "mean-field-game")
    return `it solves mean-field games, not ${problem.kind} problems; use a solver of that family`;
  const game = problem as MeanFieldGame;
  if (game.mode !== "time-dependent")
    return game.mode === "planning"
      ? "it needs a terminal cost, not a prescribed law at T; use schroedingerBridge()"
      : "it is for games with a horizon; use ergodic()";
  return whyNoWaves(game.populations, game.domain) ?? true;
}

type Settings = Required<Omit<ColeHopfOptions, "kernel">> & { readonly kernel: HeatKernel | null };

async function iterate(
  problem: MeanFieldGame,
  context: SolveContext,
  { points, steps, order, tolerance, maxIterations, damping, window, kernel }: Settings,
): Promise<GameReached> {
  const where = "coleHopf";
  const cut = cells(problem.domain, points);
  const { size } = cut.grid;
  const T = problem.horizon;
  const dt = T / steps;
  const N = steps;
  const times = Float64Array.from({ length: N + 1 }, (_, n) => (n === N ? T : n * dt));
  const { populations } = problem;
  const K = populations.length;
  const rate = populations.map((p) => (p.hamiltonian.quadraticWeight as number) / p.viscosity);
  const planned = populations.map((p, k) => feynmanKac(cut, p.viscosity, rate[k], dt, kernel ?? undefined, order));
  const initial = populations.map((p) => densityOn(p.initial as NonNullable<typeof p.initial>, p.mass, cut, where));
  const logInitial = initial.map((m) => m.map(Math.log));
  const slabs = () => populations.map(() => Array.from({ length: N + 1 }, () => new Float64Array(size)));
  const a = slabs();
  const b = slabs();
  const m = slabs();
  const sources = populations.map((p) =>
    p.valueSource === null
      ? null
      : Array.from(times, (t) => (p.valueSource as NonNullable<typeof p.valueSource>).evaluate(t, cut.points)),
  );
  const coupling = problem.coupling.on(cut);
  const terminal = problem.terminal?.on(cut) ?? null;
  // Potential of population k at time n, then the terminal costs, in one vector.
  const cost = (x: Float64Array, k: number, n: number): Float64Array =>
    x.subarray((k * (N + 1) + n) * size, (k * (N + 1) + n + 1) * size);
  const final = (x: Float64Array, k: number): Float64Array =>
    x.subarray((K * (N + 1) + k) * size, (K * (N + 1) + k + 1) * size);
  const length = (K * (N + 1) + (terminal === null ? 0 : K)) * size;

  /** Waves and densities of a potential. */
  const propagate = (x: Float64Array): void => {
    for (let k = 0; k < K; k++) {
      const potential = Array.from({ length: N + 1 }, (_, n) => cost(x, k, n));
      if (terminal === null) a[k][N].fill(0);
      else {
        const g = final(x, k);
        for (let i = 0; i < size; i++) a[k][N][i] = -rate[k] * g[i];
      }
      planned[k].backward(a[k], potential);
      for (let i = 0; i < size; i++) b[k][0][i] = logInitial[k][i] - a[k][0][i];
      planned[k].forward(b[k], potential);
      m[k][0].set(initial[k]);
      for (let n = 1; n <= N; n++) for (let i = 0; i < size; i++) m[k][n][i] = Math.exp(a[k][n][i] + b[k][n][i]);
    }
  };
  /** Costs of the crowd. */
  const costs = (out: Float64Array): void => {
    for (let n = 0; n <= N; n++) {
      coupling.evaluate(
        times[n],
        m.map((slab) => slab[n]),
        populations.map((_, k) => cost(out, k, n)),
      );
      sources.forEach((s, k) => {
        if (s === null) return;
        const f = cost(out, k, n);
        for (let i = 0; i < size; i++) f[i] += s[n][i];
      });
    }
    terminal?.evaluate(
      T,
      m.map((slab) => slab[N]),
      populations.map((_, k) => final(out, k)),
    );
  };

  const start = new Float64Array(length);
  for (const slab of m.flatMap((slabsOf, k) => slabsOf.map((s) => [s, k] as const))) slab[0].set(initial[slab[1]]);
  costs(start);
  for (let k = 0; k < K; k++) {
    for (let n = 0; n <= N; n++) demandCosts(where, cut, times[n], cost(start, k, n));
    if (terminal !== null) demandCosts(where, cut, T, final(start, k));
  }
  const breathe = breathing(context.signal);
  let worst = Infinity;
  let scale = 1;
  const residuals: number[] = [];
  const space = arraySpace(length, 1 / length);
  let beta = damping;
  let iterations = 0;
  let restarts = 0;
  let x: Float64Array = start;
  let met = false;
  for (;;) {
    const from = residuals.length;
    const result = await anderson({
      space,
      map(potential, out) {
        propagate(potential);
        costs(out);
        worst = 0;
        scale = 1;
        for (let i = 0; i < length; i++) {
          const error = Math.abs(out[i] - potential[i]);
          if (!(error <= worst)) worst = error;
          if (Math.abs(potential[i]) > scale) scale = Math.abs(potential[i]);
        }
        residuals.push(worst);
      },
      initial: x,
      tolerance: 0,
      // The mean square is below the largest error: what is asked of the largest is checked below.
      absolute: 0.1 * tolerance,
      maxIterations: Math.min(ROUND, maxIterations - iterations),
      damping: beta,
      window,
      signal: context.signal,
      async onIteration(iteration) {
        context.progress({ stage: "potential", iteration: iterations + iteration, fraction: null, residual: worst });
        await breathe();
      },
    });
    context.signal?.throwIfAborted();
    iterations += result.iterations;
    restarts += result.restarts;
    met = result.status.converged;
    const gained = worst < 0.5 * residuals[from];
    if (met || iterations >= maxIterations || beta < 0.01) {
      x = result.solution;
      break;
    }
    // A round that gained nothing begins anew with half the damping.
    if (gained) x = result.solution;
    else {
      x = start;
      beta /= 2;
    }
  }
  propagate(x);
  const converged = met && worst <= tolerance * scale;
  const kernels = [...new Set(planned.map((p) => p.kernel))].join(" and ");
  const u = a.map((slabsOf, k) => slabsOf.map((s) => s.map((v) => -v / rate[k])));
  const massError = Math.max(
    ...m.flatMap((slabsOf) => {
      const first = integrate(cut.grid, slabsOf[0]);
      return slabsOf.map((s) => Math.abs(integrate(cut.grid, s) / first - 1));
    }),
  );
  const reached = `the potential's error is ${worst.toPrecision(3)} after ${iterations} iterations`;
  return {
    fields: { cells: cut, times, value: u, density: m, ergodicConstant: null },
    status: {
      converged,
      text: converged
        ? `converged: ${reached} (${kernels === "gauss" ? "Gaussian kernel" : "kernel of the grid's random walk, of second order: fewer steps or more points resolve the Gaussian"})`
        : `stalled: ${reached}; use newton(), or raise viscosity or maxIterations`,
    },
    histories: [historyOf("residual", residuals)],
    counts: { iterations, restarts, damping: beta, massError },
  };
}

/** Throws unless slabs and stopping rule make sense. */
export function demandSlabs(
  where: string,
  points: number | readonly number[],
  steps: number,
  tolerance: number,
  maxIterations: number,
): void {
  demandPoints(where, points);
  demand(Number.isInteger(steps) && steps >= 1, where, "steps", "be an integer ≥ 1", steps, "Use steps: 64 to start");
  demand(
    tolerance > 0 && Number.isFinite(tolerance),
    where,
    "tolerance",
    "be a finite number > 0",
    tolerance,
    "Use tolerance: 1e-9 to start",
  );
  demand(
    Number.isInteger(maxIterations) && maxIterations >= 1,
    where,
    "maxIterations",
    "be an integer ≥ 1",
    maxIterations,
    "Use maxIterations: 200 to start",
  );
}

/** Throws unless a cost is finite on all cells. */
export function demandCosts(where: string, { grid, points }: Cells, t: number, cost: Float64Array): void {
  const at = cost.findIndex((v) => !Number.isFinite(v));
  if (at < 0) return;
  const x = Array.from(points.subarray(at * grid.dimension, (at + 1) * grid.dimension)).join(", ");
  throw usageError(
    where,
    "the cost",
    `be finite at x = (${x}), t = ${t}`,
    cost[at],
    "Change the formula, or the density where it needs m > 0",
  );
}

/** Throws unless a kernel's name, or none. */
export function demandKernel(where: string, kernel: HeatKernel | null): void {
  demand(
    kernel === null || kernel === "gauss" || kernel === "walk",
    where,
    "kernel",
    'be "gauss" or "walk"',
    kernel,
    "Leave it out to take the one that the step resolves",
  );
}
