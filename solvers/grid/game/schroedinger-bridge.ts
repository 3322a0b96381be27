// Schrödinger bridges: planning games with H = κ|p|², constant κ, ν > 0, and a running cost f(t, x) that does not see the crowd,
//   m = φψ,   φ(0)ψ(0) = m₀,   φ(T)ψ(T) = m_T,   φ and ψ the Feynman–Kac waves of f (feynman-kac.ts).
// It is entropic transport with the kernel of νΔ − cf over T: for f = 0, ε = 4νT at the cost |x − y|², ε = 2νT at ½|x − y|².
// Sinkhorn in the log-domain, α = log φ(T):   α ← log m_T − log Ψ(m₀/Φ(α))   with the two half-steps of T, accelerated by Anderson in
// L²(m_T). Residual: the ℓ¹ error of m(T) before the update, exactly what the plan is off by; m(0) holds at every iterate, mass too.
// u = −(ν/κ) log φ is fixed up to a constant. Least cost of the plan: ∫u(0)m₀ − ∫u(T)m_T, the dual objective.
// Kernels are separable; f = 0 takes one kernel over T, else N Strang steps. Order 2 in time with f, exact in time without; in space that of
// the heat kernel. References: Léonard 2014 (key leonard2014survey); Peyré, Cuturi 2019, §4 (key peyre2019computational).
import { densityOn, type MeanFieldGame } from "../../../problems/index.js";
import { breathing } from "../../../src/breathing.js";
import { demand, demandKnown } from "../../../src/error.js";
import { type Cells, cells, integrate } from "../../../src/grid/index.js";
import { anderson, arraySpace, type HeatKernel, heatSemigroup, resolvesHeat } from "../../../src/linalg/index.js";
import type { Problem } from "../../../src/problem.js";
import { historyOf } from "../../../src/solution/index.js";
import type { SolveContext, Solver } from "../../../src/solver.js";
import { demandCosts, demandKernel, demandSlabs } from "./cole-hopf.js";
import { feynmanKac, whyNoWaves } from "./feynman-kac.js";
import { type GameReached, type GridGameSolution, gridGameSolver } from "./game-solution.js";

export interface SchroedingerBridgeOptions {
  /** Cells along each axis, or one number for all; default 64. */
  readonly points?: number | readonly number[];
  /** Time steps N, the slabs of the solution; default as many as the Gaussian kernel resolves, νT/h², from 4 to 32. */
  readonly steps?: number;
  /** ℓ¹ error of m(T), relative to the mass; default 1e-9. */
  readonly tolerance?: number;
  /** Iterations of Sinkhorn, each of two kernels; default 2000. */
  readonly maxIterations?: number;
  /** Differences that Anderson's iteration keeps; 0 = plain Sinkhorn. Default 5. */
  readonly window?: number;
  /** Default `"gauss"` where νΔt ≥ h², else `"walk"`. */
  readonly kernel?: HeatKernel;
}

/**
 * Sinkhorn for Schrödinger bridges.
 *
 * @param options points, steps, tolerance, maxIterations, window, kernel
 * @returns a solver of planning games with H = κ|p|², ν > 0 and a cost that does not depend on m, on boxes without doors and obstacles
 * @throws UsageError when an option is out of range
 *
 * *Notes*: as ν → 0 the bridge tends to the W₂ geodesic and the number of iterations grows like 1/ν. The random walk's kernel keeps mass for
 * every ν, but its far tails are those of a walk: where |v|h > ν use more points.
 *
 * *Good values*: the default steps; points such that h² ≤ νT/8.
 *
 * *References*: leonard2014survey, peyre2019computational, cuturi2013sinkhorn
 */
export function schroedingerBridge(options: SchroedingerBridgeOptions = {}): Solver<MeanFieldGame, GridGameSolution> {
  const where = "schroedingerBridge";
  demandKnown(where, options, ["points", "steps", "tolerance", "maxIterations", "window", "kernel"]);
  const { points = 64, tolerance = 1e-9, maxIterations = 2000, window = 5 } = options;
  const settings = {
    points,
    steps: options.steps ?? null,
    tolerance,
    maxIterations,
    window,
    kernel: options.kernel ?? null,
  };
  demandSlabs(where, points, options.steps ?? 4, tolerance, maxIterations);
  demand(
    Number.isInteger(window) && window >= 0,
    where,
    "window",
    "be an integer ≥ 0",
    window,
    "Use window: 5 to start",
  );
  demandKernel(where, settings.kernel);
  const record = {
    name: where,
    order: 2,
    references: ["leonard2014survey", "peyre2019computational", "cuturi2013sinkhorn", "strang1968construction"],
    options: settings,
  };
  return gridGameSolver(record, handles, (problem, context) => bridge(problem, context, settings));
}

function handles(problem: Problem): true | string {
  if (problem.kind !== "mean-field-game")
    return `it solves planning games, not ${problem.kind} problems; use a solver of that family`;
  const game = problem as MeanFieldGame;
  if (game.mode !== "planning")
    return `it needs a prescribed law at T, and the game is ${game.mode}; use ${game.mode === "ergodic" ? "ergodic()" : "coleHopf() or newton()"}`;
  if (game.coupling.dependsOnMass)
    return `a bridge has no interaction, and the cost ${game.coupling.text.join("; ")} depends on m; use newton()`;
  const final = game.populations.find((p) => p.final?.density === null)?.final;
  if (final !== undefined && final !== null)
    return `the law ${final.text} has no density on a grid; give a density, or use a particle solver`;
  return whyNoWaves(game.populations, game.domain) ?? true;
}

type Settings = Required<Omit<SchroedingerBridgeOptions, "kernel" | "steps">> & {
  readonly kernel: HeatKernel | null;
  readonly steps: number | null;
};

/** Steps whose Gaussian kernel the cells resolve, from 4 to 32. */
function resolvedSteps({ populations, horizon }: MeanFieldGame, cut: Cells): number {
  const least = Math.min(...populations.map((p) => p.viscosity));
  const widest = Math.max(...cut.grid.axes.map((axis) => axis.spacing));
  return Math.min(Math.max(Math.floor((least * horizon) / widest ** 2), 4), 32);
}

async function bridge(problem: MeanFieldGame, context: SolveContext, settings: Settings): Promise<GameReached> {
  const cut = cells(problem.domain, settings.points);
  const T = problem.horizon;
  const N = settings.steps ?? resolvedSteps(problem, cut);
  const times = Float64Array.from({ length: N + 1 }, (_, n) => (n === N ? T : (n * T) / N));
  const costs = potentials(problem, cut, times);
  const plans: Plan[] = [];
  for (let k = 0; k < problem.populations.length; k++)
    plans.push(await plan(problem, k, cut, times, costs[k], settings, context));
  const worst = plans.reduce((a, b) => (b.marginalError > a.marginalError ? b : a));
  const massError = Math.max(
    ...plans.flatMap(({ density }) => {
      const first = integrate(cut.grid, density[0]);
      return density.map((m) => Math.abs(integrate(cut.grid, m) / first - 1));
    }),
  );
  const iterations = plans.reduce((sum, p) => sum + p.iterations, 0);
  const converged = plans.every((p) => p.marginalError <= settings.tolerance);
  const reached = `the marginal at T is off by ${worst.marginalError.toPrecision(3)} after ${iterations} iterations`;
  return {
    fields: {
      cells: cut,
      times,
      value: plans.map((p) => p.value),
      density: plans.map((p) => p.density),
      ergodicConstant: null,
    },
    status: {
      converged,
      text: converged
        ? `converged: ${reached} (${worst.kernel === "gauss" ? "Gaussian kernel" : "kernel of the grid's random walk, of second order: fewer steps or more points resolve the Gaussian"})`
        : `stalled: ${reached}; raise maxIterations, or raise viscosity`,
    },
    histories: plans.map((p, k) =>
      historyOf(plans.length === 1 ? "marginal error" : `marginal error of ${problem.populations[k].name}`, p.history),
    ),
    objective: { primal: null, dual: plans.reduce((sum, p) => sum + p.dual, 0), gap: null },
    counts: { iterations, massError },
  };
}

interface Plan {
  readonly value: readonly Float64Array[];
  readonly density: readonly Float64Array[];
  readonly kernel: HeatKernel;
  readonly marginalError: number;
  readonly dual: number;
  readonly iterations: number;
  readonly history: readonly number[];
}

async function plan(
  problem: MeanFieldGame,
  k: number,
  cut: Cells,
  times: Float64Array,
  potential: readonly Float64Array[] | null,
  { tolerance, maxIterations, window, kernel: wanted }: Settings,
  context: SolveContext,
): Promise<Plan> {
  const where = "schroedingerBridge";
  const p = problem.populations[k];
  const { size } = cut.grid;
  const N = times.length - 1;
  const T = times[N];
  const nu = p.viscosity;
  const rate = (p.hamiltonian.quadraticWeight as number) / nu;
  const kernel = wanted ?? (resolvesHeat(cut.grid, (nu * T) / N) ? "gauss" : "walk");
  const waves = feynmanKac(cut, nu, rate, T / N, kernel);
  const start = densityOn(p.initial as NonNullable<typeof p.initial>, p.mass, cut, where);
  const end = densityOn(p.final as NonNullable<typeof p.final>, p.mass, cut, where);
  const [m0, m1] = [integrate(cut.grid, start), integrate(cut.grid, end)];
  demand(
    Math.abs(m1 - m0) <= 1e-9 * m0,
    where,
    "the laws at 0 and at T",
    "have one mass",
    [m0, m1],
    "Set mass: 1 for the population",
  );
  const logStart = start.map(Math.log);
  const logEnd = end.map(Math.log);
  const slabs = () => Array.from({ length: N + 1 }, () => new Float64Array(size));
  const a = slabs();
  const b = slabs();
  const whole = potential === null ? heatSemigroup(cut.grid, nu * T, kernel) : null;
  /** a[0] and b[N] of the φ(T) that stands in a[N]. */
  const halfSteps = (): void => {
    if (whole === null) waves.backward(a, potential);
    else whole.apply(a[N], a[0]);
    for (let i = 0; i < size; i++) b[0][i] = logStart[i] - a[0][i];
    if (whole === null) waves.forward(b, potential);
    else whole.apply(b[0], b[N]);
  };
  const error = (): number => {
    let sum = 0;
    for (let i = 0; i < size; i++) if (end[i] > 0) sum += end[i] * Math.abs(Math.expm1(a[N][i] + b[N][i] - logEnd[i]));
    return (sum * cut.grid.cellVolume) / m1;
  };
  // y = √m_T α: its norm is that of L²(m_T), and α does not matter where m_T = 0.
  const root = end.map(Math.sqrt);
  const place = (y: Float64Array): void => {
    for (let i = 0; i < size; i++) a[N][i] = end[i] > 0 ? y[i] / root[i] : -Infinity;
  };
  const history: number[] = [];
  const breathe = breathing(context.signal);
  let marginalError = Infinity;
  let iterations = 0;
  let y: Float64Array = new Float64Array(size);
  // The norm bounds the ℓ¹ error (Cauchy–Schwarz), and is asked for in rounds until that is met or round-off says no.
  for (let goal = tolerance; ; goal /= 10) {
    const result = await anderson({
      space: arraySpace(size, cut.grid.cellVolume / m1),
      map(x, out) {
        place(x);
        halfSteps();
        history.push((marginalError = error()));
        for (let i = 0; i < size; i++) out[i] = end[i] > 0 ? root[i] * (logEnd[i] - b[N][i]) : 0;
      },
      initial: y,
      tolerance: 0,
      absolute: goal,
      maxIterations: Math.max(1, maxIterations - iterations),
      window,
      growth: 2,
      signal: context.signal,
      async onIteration(iteration) {
        context.progress({
          stage: `bridge of ${p.name}`,
          iteration: iterations + iteration,
          fraction: null,
          residual: marginalError,
        });
        await breathe();
      },
    });
    context.signal?.throwIfAborted();
    iterations += result.iterations;
    y = result.solution;
    const exhausted = iterations >= maxIterations || goal <= Number.EPSILON * tolerance;
    if (marginalError <= tolerance || !result.status.converged || exhausted) break;
  }
  place(y);
  waves.backward(a, potential);
  for (let i = 0; i < size; i++) b[0][i] = logStart[i] - a[0][i];
  waves.forward(b, potential);
  marginalError = error();
  const value = a.map((slab) => slab.map((v) => -v / rate));
  const density = a.map((slab, n) => (n === 0 ? start : slab.map((v, i) => Math.exp(v + b[n][i]))));
  return { value, density, kernel, marginalError, dual: dualOf(cut, value, start, end), iterations, history };
}

/** ∫u(0)m₀ − ∫u(T)m_T; cells without mass do not count. */
function dualOf(cut: Cells, value: readonly Float64Array[], start: Float64Array, end: Float64Array): number {
  const last = value[value.length - 1];
  return integrate(
    cut.grid,
    start.map((m, i) => (m > 0 ? m * value[0][i] : 0) - (end[i] > 0 ? end[i] * last[i] : 0)),
  );
}

/** f on all slabs, one list a population; `null` where it is 0. */
function potentials(problem: MeanFieldGame, cut: Cells, times: Float64Array): (readonly Float64Array[] | null)[] {
  const { populations, coupling } = problem;
  const bound = coupling.on(cut);
  const nobody = populations.map(() => new Float64Array(cut.grid.size));
  const slabs = populations.map(() => Array.from(times, () => new Float64Array(cut.grid.size)));
  times.forEach((t, n) => {
    bound.evaluate(
      t,
      nobody,
      slabs.map((s) => s[n]),
    );
  });
  return slabs.map((s, k) => {
    const { valueSource } = populations[k];
    if (valueSource !== null)
      times.forEach((t, n) => {
        const f = valueSource.evaluate(t, cut.points);
        for (let i = 0; i < f.length; i++) s[n][i] += f[i];
      });
    times.forEach((t, n) => {
      demandCosts("schroedingerBridge", cut, t, s[n]);
    });
    return s.every((slab) => slab.every((v) => v === 0)) ? null : s;
  });
}
