// The ergodic (stationary) game on cells, for the unknowns (u_k, m_k, λ̄_k) of every population:
//   −ν_kΔu_k + G_k(x, Du_k, m_k) + λ̄_k = f_k(x, m) + s_k       ∫u_k = 0
//   −ν_kΔm_k + Σ_j D_jᵀ(m_k ∂G_k/∂D_j) = q_k                    ∫m_k = mass_k
// Schemes: upwind (monotone G, order 1: m > 0, M-matrices, uniqueness carries over), central (G = H at the mean of both differences,
// order 2), fourth-order (the same with ∂_a = D_c(1 − h²Δ_a/6), Δ_a(1 − h²Δ_a/12), order 4 in plain boxes). In all three the
// Fokker–Planck operator is the exact transpose of the linearised Hamilton–Jacobi–Bellman operator, so mass is exact.
// Newton–GMRES without a matrix on fields of mean 0: λ̄ is minus the mean of the rest of its equation, constants drop out of u, and the
// mass stays what it was. Residuals are measured after (1 − Δ/λ₁)⁻¹, λ₁ the first eigenvalue of −Δ: in that norm full Newton steps pass
// the line search on every grid. Steps of m go along curves of positive densities of one mass. Preconditioner: the system with its
// coefficients replaced by means over the crowd, solved mode by mode with transforms. Where Newton fails, larger viscosities first.
// Reference: Achdou, Capuzzo-Dolcetta 2010, §4 (key achdou2010mean); Lasry, Lions 2007 (key lasry2007mean).
import type { MeanFieldGame } from "../../../problems/mean-field-game.js";
import { type CouplingDerivative, densityOn, type FieldInput, lawOf } from "../../../problems/terms/index.js";
import { breathing } from "../../../src/breathing.js";
import { demand, demandKnown } from "../../../src/error.js";
import {
  addAdjointDifferences,
  addLaplacian,
  type Cells,
  cells as cellsOf,
  differences,
  integrate,
  regions,
} from "../../../src/grid/index.js";
import { type Apply, arraySpace, axisEigenvalues, fieldTransform, newton } from "../../../src/linalg/index.js";
import type { Problem } from "../../../src/problem.js";
import { short } from "../../../src/short.js";
import { historyOf } from "../../../src/solution/index.js";
import type { SolveContext, Solver } from "../../../src/solver.js";
import { type GameReached, type GridGameSolution, gridGameSolver } from "./game-solution.js";
import { type NumericalHamiltonian, type NumericalJet, numericalHamiltonian } from "./numerical-hamiltonian.js";
import { pairIndex } from "./numerical-hamiltonian-jet.js";

/** How the ergodic game is put on cells. */
export type ErgodicScheme = "upwind" | "central" | "fourth-order";

export interface ErgodicOptions {
  /** Cells along each axis, or one number for all; integers ≥ 4; default 256 in 1-D, 64 in 2-D, 24 in 3-D. */
  readonly points?: number | readonly number[];
  /** Default `"upwind"`. */
  readonly scheme?: ErgodicScheme;
  /** Root mean square of the residuals after (1 − Δ/λ₁)⁻¹ at which to stop, > 0; default 1e-10. */
  readonly tolerance?: number;
  /** Newton steps at one viscosity, integer ≥ 1; default 40. */
  readonly maxIterations?: number;
  /**
   * Densities to start from, one for all populations or one each, scaled to the mass. Unless the game is known to be monotone, averaged best
   * responses to them come before Newton, so that of several equilibria a stable one nearby is found, and no larger viscosity is tried.
   * Default: Newton from the uniform density.
   */
  readonly start?: FieldInput | readonly FieldInput[] | null;
}

const ORDER = { upwind: 1, central: 2, "fourth-order": 4 } as const;
// Largest factor on the viscosity that a continuation starts from, and the smallest ratio of two of its viscosities.
const LARGEST_FACTOR = 1024;
const SMALLEST_RATIO = 1.02;

/**
 * Solves an ergodic game by Newton's method on (u, m, λ̄).
 *
 * −νΔu + H(x, ∇u, m) + λ̄ = f(x, m), −νΔm − div(m ∂ₚH) = 0, ∫m = mass, ∫u = 0
 *
 * @param options points, scheme, tolerance, Newton steps, start
 * @returns a solver; its solution has two equal slabs and one λ̄ for each population in `fields.ergodicConstant`
 * @throws UsageError when an option does not fit; from `solve` when the open cells are not connected, or sources do not balance
 *
 * *Notes*: central and fourth-order schemes are not monotone: on grids that do not resolve √ν-thin layers they end with a negative density,
 * which the line search refuses; the status says so. Where ∂ₚₚH is not bounded (|p|^γ, γ < 2, at ∇u = 0) Newton may stall before 1e-10, at
 * coarse grids above all: loosen the tolerance. A game with several equilibria gives the one that the start leads to.
 *
 * *Good values*: upwind for first results and obstacles; fourth-order for smooth data, where 64 cells a side give five digits of λ̄;
 * tolerance 1e-10.
 *
 * *References*: achdou2010mean, lasry2007mean
 */
export function ergodic(options: ErgodicOptions = {}): Solver<MeanFieldGame, GridGameSolution> {
  const where = "ergodic";
  demandKnown(where, options, ["points", "scheme", "tolerance", "maxIterations", "start"]);
  const { points, scheme = "upwind", tolerance = 1e-10, maxIterations = 40, start = null } = options;
  demand(
    Object.hasOwn(ORDER, scheme),
    where,
    "scheme",
    'be "upwind", "central" or "fourth-order"',
    scheme,
    'Use scheme: "upwind"',
  );
  demand(
    tolerance > 0 && Number.isFinite(tolerance),
    where,
    "tolerance",
    "be a finite number > 0",
    tolerance,
    "Use tolerance: 1e-10",
  );
  demand(
    Number.isInteger(maxIterations) && maxIterations >= 1,
    where,
    "maxIterations",
    "be an integer ≥ 1",
    maxIterations,
    "Use maxIterations: 40 to start",
  );
  const references = ["achdou2010mean", "lasry2007mean"];
  const record = {
    name: where,
    order: ORDER[scheme],
    references,
    options: { points, scheme, tolerance, maxIterations, start: start === null ? "uniform" : textOf(start) },
  };
  return gridGameSolver(record, handles, (problem, context) => {
    const c = cellsOf(problem.domain, points ?? [256, 64, 24][problem.dimension - 1]);
    return run(problem, c, { scheme, tolerance, maxIterations, start }, context);
  });
}

function textOf(start: FieldInput | readonly FieldInput[]): unknown {
  if (Array.isArray(start)) return start.map(textOf);
  return typeof start === "function" ? "given by a function" : start;
}

function handles(problem: Problem): true | string {
  if (problem.kind !== "mean-field-game") return "it solves mean-field games only";
  const game = problem as MeanFieldGame;
  if (game.mode !== "ergodic") return `the game is ${game.mode}, not ergodic; use newton()`;
  if (game.dimension > 3) return "it works in one to three dimensions; use a particle or neural solver";
  const still = game.populations.find((p) => !(p.viscosity > 0));
  if (still !== undefined) return `the viscosity of ${still.name} is 0; use a small one, for example viscosity: 0.01`;
  return true;
}

interface Settings {
  readonly scheme: ErgodicScheme;
  readonly tolerance: number;
  readonly maxIterations: number;
  readonly start: FieldInput | readonly FieldInput[] | null;
}

async function run(problem: MeanFieldGame, c: Cells, settings: Settings, context: SolveContext): Promise<GameReached> {
  const K = problem.populations.length;
  const { size } = c.grid;
  demandConnected(c);
  const system = stationarySystem(problem, c, settings.scheme);
  const cold = new Float64Array(2 * K * size);
  startDensities(problem, c, settings.start).forEach((m, k) => {
    cold.set(m, (K + k) * size);
  });

  const residuals: number[] = [];
  const linear: number[] = [];
  const lengths: number[] = [];
  const breathe = breathing(context.signal);
  /** Newton at `factor` times the viscosities of the problem. */
  const attempt = async (factor: number, from: Float64Array, tolerance: number) => {
    system.setViscosity(factor);
    const result = await newton({
      space: arraySpace(2 * K * size, 1 / (2 * K * c.openCount)),
      initial: from,
      tolerance: 0,
      absolute: tolerance,
      maxIterations: settings.maxIterations,
      restart: 60,
      forcing: 1e-3,
      move: system.move,
      maxLinearIterations: 300,
      signal: context.signal,
      admissible: system.admissible,
      async residual(x, out) {
        await breathe();
        system.residual(x, out);
        system.smooth(out);
      },
      async jacobian(_x, v, out) {
        await breathe();
        system.jacobian(v, out);
        system.smooth(out);
      },
      preconditioner: (x) => system.linearise(x),
      onIteration: (iteration, residual) =>
        context.progress({ stage: `viscosity × ${short(factor)}`, iteration, fraction: null, residual }),
    });
    context.signal?.throwIfAborted();
    residuals.push(...result.history.values);
    linear.push(...result.linearIterations.values);
    lengths.push(...result.steps.values);
    return result;
  };

  /** x ← half of it and half the best response to it (values: all of it), until densities change by no more than `change`. */
  const respond = async (x: Float64Array, change: number, tolerance: number, rounds: number): Promise<boolean> => {
    let before = Infinity;
    for (let round = 0; round < rounds; round++) {
      system.freeze(x);
      const response = await attempt(1, x, tolerance);
      system.freeze(null);
      if (!response.status.converged) return false;
      let moved = 0;
      let total = 0;
      for (let i = 0; i < x.length; i++) {
        const next = response.solution[i];
        if (i >= K * size) {
          moved += Math.abs(next - x[i]);
          total += next;
        }
        x[i] = i < K * size ? next : 0.5 * (x[i] + next);
      }
      // what a best response leaves is no residual of the game
      residuals.length = 0;
      if (moved <= change * total) return true;
      if (round >= 20 && moved > 0.95 * before) return false;
      before = moved;
    }
    return false;
  };
  // Newton's method alone is drawn to any equilibrium, stable or not: where there may be several, the crowd first responds to itself.
  const led = settings.start !== null && problem.isMonotone !== true;
  if (led) await respond(cold, 0.02, 1e-4, 20);
  let result = await attempt(1, cold, settings.tolerance);
  if (led && !result.status.converged && (await respond(cold, settings.tolerance, 0.1 * settings.tolerance, 100)))
    result = await attempt(1, cold, settings.tolerance);
  let factor = 1;
  let steps = 0;
  let note = result.status.text;
  if (!result.status.converged && !led) result = await attempt(1, system.bent(cold), settings.tolerance);
  if (!result.status.converged && !led) {
    // Up to a viscosity that is solved from the start, then down.
    const coarse = Math.max(settings.tolerance, 1e-6);
    let reached = result;
    do {
      factor *= 4;
      steps++;
      system.setViscosity(factor);
      reached = await attempt(factor, system.bent(cold), coarse);
    } while (!reached.status.converged && factor < LARGEST_FACTOR);
    let ratio = 2;
    while (reached.status.converged && factor > 1) {
      const next = Math.max(1, factor / ratio);
      const trial = await attempt(next, reached.solution, next === 1 ? settings.tolerance : coarse);
      steps++;
      if (trial.status.converged) {
        reached = trial;
        factor = next;
        ratio = Math.min(4, ratio ** 1.5);
      } else {
        ratio = Math.sqrt(ratio);
        if (ratio < SMALLEST_RATIO) {
          note = trial.status.text;
          break;
        }
      }
    }
    if (!reached.status.converged) {
      note = reached.status.text;
      factor = Infinity;
    }
    result = reached;
  }
  const x = result.solution;
  system.setViscosity(1);
  const raw = new Float64Array(x.length);
  const constants = system.residual(x, raw);
  const largest = raw.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
  const converged = result.status.converged && factor === 1;
  const value = Array.from({ length: K }, (_, k) => x.slice(k * size, (k + 1) * size));
  const density = Array.from({ length: K }, (_, k) => x.slice((K + k) * size, (K + k + 1) * size));
  return {
    fields: {
      cells: c,
      times: Float64Array.of(0, problem.horizon),
      value: value.map((u) => [u, u]),
      density: density.map((m) => [m, m]),
      ergodicConstant: constants,
    },
    status: {
      converged,
      text: converged
        ? `${result.status.text}${steps === 0 ? "" : `, led down from larger viscosities`}; largest residual before smoothing ${short(largest)}`
        : failure(problem, c, settings, density, factor, note),
    },
    histories: [
      historyOf("residual", residuals),
      historyOf("linear iterations", linear),
      historyOf("step length", lengths),
    ],
    counts: {
      newtonIterations: linear.length,
      linearIterations: linear.reduce((sum, n) => sum + n, 0),
      viscositySteps: steps,
    },
  };
}

/** Why, where, and what to try. */
function failure(
  problem: MeanFieldGame,
  c: Cells,
  { scheme, start }: Settings,
  density: readonly Float64Array[],
  factor: number,
  why: string,
): string {
  let least = Infinity;
  let at = 0;
  let whose = 0;
  density.forEach((m, k) => {
    for (let i = 0; i < m.length; i++) {
      if (c.open[i] === 0 || m[i] >= least) continue;
      least = m[i];
      at = i;
      whose = k;
    }
  });
  const d = c.grid.dimension;
  const place = Array.from(c.points.subarray(at * d, (at + 1) * d), short).join(", ");
  const nu = problem.populations.map((p) => short(p.viscosity)).join(", ");
  const of = density.length === 1 ? "" : ` of ${problem.populations[whose].name}`;
  const reached =
    start !== null && problem.isMonotone !== true
      ? `neither best responses nor Newton's method came to rest from the given start at viscosity ${nu}`
      : factor < Infinity
        ? `viscosity ${nu} was approached down to ${short(factor)} times as much, and no further`
        : `no viscosity from ${nu} to ${LARGEST_FACTOR} times as much could be solved`;
  const cure =
    scheme === "upwind"
      ? problem.isMonotone === true
        ? "Use more points or a larger viscosity"
        : "Costs are not known to rise with the crowd, so that solutions may end or branch here: start from another density (start), or use a larger viscosity"
      : 'Use scheme: "upwind", which keeps densities positive on every grid, or more points';
  return `stalled: ${reached}; the smallest density${of} there is ${short(least)} at x = (${place}). ${cure}. Newton's last word: ${why}`;
}

/** The densities that Newton starts from, with the population's mass. */
function startDensities(
  problem: MeanFieldGame,
  c: Cells,
  start: FieldInput | readonly FieldInput[] | null,
): Float64Array[] {
  const where = "ergodic";
  const K = problem.populations.length;
  const list: readonly FieldInput[] =
    start === null ? [1] : Array.isArray(start) ? (start as readonly FieldInput[]) : [start as FieldInput];
  demand(
    list.length === 1 || list.length === K,
    where,
    "start",
    K === 1 ? "be one density" : `hold one density, or ${K}, one a population`,
    list.length,
    "Give one density for all",
  );
  return problem.populations.map((p, k) => {
    const law = lawOf(list[list.length === 1 ? 0 : k], problem.dimension, where, "start");
    const m = densityOn(law, p.mass ?? 1, c, where);
    const [least, most] = problem.coupling.massRange;
    for (let i = 0; i < m.length; i++) {
      if (c.open[i] === 1 && !(m[i] > 0 && m[i] >= least && m[i] < most))
        demand(
          false,
          where,
          "start",
          `be > 0${most < Infinity ? ` and < ${most}` : ""} in every open cell, after scaling to the mass`,
          m[i],
          "Add a constant to it",
        );
    }
    return m;
  });
}

/** Two open regions without a link would have a constant λ̄ each. */
function demandConnected(c: Cells): void {
  const [count] = regions(c).counts;
  demand(
    count === c.openCount,
    "ergodic",
    "the obstacle",
    "leave one connected region",
    `${count} of ${c.openCount} open cells connected`,
    "Open a passage, or solve each region as a game of its own",
  );
}

/** The differences of a scheme: D_j, Σ_j D_jᵀ and Δ on fields without doors. */
interface Stencils {
  differences(u: Float64Array, out: readonly Float64Array[]): void;
  addAdjoint(w: readonly Float64Array[], out: Float64Array): void;
  addLaplacian(u: Float64Array, scale: number, out: Float64Array): void;
  /** What the symbol λ of −Δ_a on one axis becomes, and that of −∂_a². */
  symbols(lambda: number, h: number): { laplacian: number; squared: number };
}

function twoPoint(c: Cells): Stencils {
  return {
    differences: (u, out) => differences(c, u, out, false),
    addAdjoint: (w, out) => addAdjointDifferences(c, w, 1, out),
    addLaplacian: (u, scale, out) => addLaplacian(c, u, scale, out, false),
    symbols: (lambda) => ({ laplacian: lambda, squared: lambda }),
  };
}

// D_j(1 − h²Δ_a/6) for the two j of axis a: their mean is the fourth-order central difference. Δ_a comes first, because it is u that is
// even at walls. Its adjoint is (1 − h²Δ_a/6)D_jᵀ.
function fourPoint(c: Cells): Stencils {
  const d = c.grid.dimension;
  const filtered = new Float64Array(c.grid.size);
  const adjoint = new Float64Array(c.grid.size);
  const none = Array.from({ length: 2 * d }, () => new Float64Array(c.grid.size));
  const unused = Array.from({ length: 2 * d }, () => new Float64Array(c.grid.size));
  /** out ← out + scale·(u − share·h²Δ_a u). */
  const addFiltered = (a: number, u: Float64Array, share: number, scale: number, out: Float64Array): void => {
    const lower = c.neighbour[2 * a];
    const upper = c.neighbour[2 * a + 1];
    for (let k = 0; k < u.length; k++) out[k] += scale * (u[k] - share * (u[lower[k]] + u[upper[k]] - 2 * u[k]));
  };
  return {
    differences(u, out) {
      for (let a = 0; a < d; a++) {
        filtered.fill(0);
        addFiltered(a, u, 1 / 6, 1, filtered);
        differences(
          c,
          filtered,
          unused.map((field, j) => (j >> 1 === a ? out[j] : field)),
          false,
        );
      }
    },
    addAdjoint(w, out) {
      for (let a = 0; a < d; a++) {
        adjoint.fill(0);
        addAdjointDifferences(
          c,
          none.map((zero, j) => (j >> 1 === a ? w[j] : zero)),
          1,
          adjoint,
        );
        addFiltered(a, adjoint, 1 / 6, 1, out);
      }
    },
    addLaplacian(u, scale, out) {
      for (let a = 0; a < d; a++) {
        const weight = scale / c.grid.axes[a].spacing ** 2;
        const lower = c.neighbour[2 * a];
        const upper = c.neighbour[2 * a + 1];
        filtered.fill(0);
        for (let k = 0; k < u.length; k++) filtered[k] = weight * (u[lower[k]] + u[upper[k]] - 2 * u[k]);
        addFiltered(a, filtered, 1 / 12, 1, out);
      }
    },
    symbols: (lambda, h) => ({
      laplacian: lambda * (1 + (h * h * lambda) / 12),
      squared: lambda * (1 + (h * h * lambda) / 6) ** 2,
    }),
  };
}

/** The equations on fields of mean 0. Vectors: u of each population, then m of each. */
interface StationarySystem {
  setViscosity(factor: number): void;
  /** out ← residuals; returns λ̄ of each population. */
  residual(x: Float64Array, out: Float64Array): number[];
  admissible(x: Float64Array): boolean;
  /** out ← x moved by λd: u along a line, m on a curve of positive densities of the same mass that starts along d. */
  move(x: Float64Array, lambda: number, d: Float64Array, out: Float64Array): void;
  /** Fixes the derivative at x and returns a preconditioner of it. */
  linearise(x: Float64Array): Apply<Float64Array>;
  /** out ← derivative · v at the x last linearised at. */
  jacobian(v: Float64Array, out: Float64Array): void;
  /** x with the values of −νΔu = rest of the equation at rest: for Hamiltonians whose second derivative is not finite at ∇u = 0. */
  bent(x: Float64Array): Float64Array;
  /** Costs are those of the densities of x from now on, whatever the crowd does: best response. `null`: the game itself. */
  freeze(x: Float64Array | null): void;
  /** v ← (1 − Δ/λ₁)⁻¹ v on every field, λ₁ the smallest eigenvalue of −Δ: residuals of the size of the errors that they stand for. */
  smooth(v: Float64Array): void;
}

function stationarySystem(problem: MeanFieldGame, c: Cells, scheme: ErgodicScheme): StationarySystem {
  const K = problem.populations.length;
  const { size, dimension: d, axes, strides } = c.grid;
  const links = 2 * d;
  const field = () => new Float64Array(size);
  const fields = (n: number) => Array.from({ length: n }, field);
  const stencils = scheme === "fourth-order" ? fourPoint(c) : twoPoint(c);
  const hamiltonians: NumericalHamiltonian[] = problem.populations.map((p) =>
    numericalHamiltonian(p.hamiltonian, c, { scheme: scheme === "upwind" ? "upwind" : "central" }),
  );
  const jets: NumericalJet[] = hamiltonians.map((h) => h.jet());
  const trialJets: NumericalJet[] = hamiltonians.map((h) => h.jet());
  const coupling = problem.coupling.on(c);
  const valueSources = problem.populations.map((p) => p.valueSource?.evaluate(0, c.points) ?? null);
  const densitySources = problem.populations.map((p) => p.densitySource?.evaluate(0, c.points) ?? null);
  densitySources.forEach((q, k) => {
    if (q === null) return;
    const open = q.map((v, i) => (c.open[i] === 1 ? v : 0));
    const largest = open.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
    const total = integrate(c.grid, open) / (c.openCount * c.grid.cellVolume);
    demand(
      Math.abs(total) <= 1e-12 * Math.max(1, largest),
      "ergodic",
      `the density source of ${problem.populations[k].name}`,
      "have mean 0 over the open cells",
      total,
      "Subtract its mean: what enters must leave, or there is no stationary crowd",
    );
  });
  const viscosity = problem.populations.map((p) => p.viscosity);
  const own = viscosity.slice();
  const D = fields(links);
  const dD = fields(links);
  const w = fields(links);
  const costs = fields(K);
  const { massRange } = problem.coupling;
  let derivative: CouplingDerivative | null = null;
  let frozen: readonly Float64Array[] | null = null;
  const now = new Float64Array(2 * K * size);

  const part = (x: Float64Array, at: number): Float64Array => x.subarray(at * size, (at + 1) * size);
  const values = (x: Float64Array): Float64Array[] => Array.from({ length: K }, (_, k) => part(x, k));
  const densities = (x: Float64Array): Float64Array[] => Array.from({ length: K }, (_, k) => part(x, K + k));
  /** v ← v − mean on open cells, 0 in solid ones; returns the mean. */
  const centre = (v: Float64Array): number => {
    let sum = 0;
    for (let i = 0; i < size; i++) if (c.open[i] === 1) sum += v[i];
    const mean = sum / c.openCount;
    for (let i = 0; i < size; i++) v[i] = c.open[i] === 1 ? v[i] - mean : 0;
    return mean;
  };

  // Symbols of −Δ, and of −∂_a² axis by axis, in the order of the transforms.
  const lambda = field();
  const squares = fields(d);
  axes.forEach((axis, a) => {
    const plain = axisEigenvalues(axis);
    for (let i = 0; i < size; i++) {
      const mode = Math.floor(i / strides[a]) % axis.points;
      const { laplacian, squared } = stencils.symbols(plain[mode], axis.spacing);
      lambda[i] += laplacian;
      squares[a][i] = squared;
    }
  });
  let smallest = Infinity;
  for (let i = 1; i < size; i++) smallest = Math.min(smallest, lambda[i]);
  const transform = fieldTransform(c.grid);
  /** u and m of each population, two fields at a time. */
  const toModes = (v: Float64Array): void => {
    for (let k = 0; k < K; k++) transform.forward(part(v, k), part(v, K + k));
  };
  const fromModes = (v: Float64Array): void => {
    for (let k = 0; k < K; k++) transform.inverse(part(v, k), part(v, K + k));
    for (let p = 0; p < 2 * K; p++) centre(part(v, p));
  };

  return {
    smooth(v) {
      toModes(v);
      for (let i = 0; i < v.length; i++) v[i] /= 1 + lambda[i % size] / smallest;
      fromModes(v);
    },
    bent(x) {
      const out = new Float64Array(x.length);
      this.residual(x, out);
      toModes(out);
      for (let k = 0; k < K; k++) {
        const u = part(out, k);
        for (let i = 0; i < size; i++) u[i] = i === 0 ? 0 : -u[i] / (viscosity[k] * lambda[i]);
      }
      fromModes(out);
      out.set(x.subarray(K * size), K * size);
      return out;
    },
    freeze(x) {
      frozen = x === null ? null : densities(x.slice());
    },
    setViscosity(factor) {
      for (let k = 0; k < K; k++) viscosity[k] = factor * own[k];
    },
    admissible(x) {
      for (let i = K * size; i < x.length; i++)
        if (c.open[i % size] === 1 && !(x[i] > 0 && x[i] >= massRange[0] && x[i] < massRange[1])) return false;
      return true;
    },
    move(x, lambda, d, out) {
      for (let i = 0; i < K * size; i++) out[i] = x[i] + lambda * d[i];
      for (let k = 0; k < K; k++) {
        const m = part(x, K + k);
        const dm = part(d, K + k);
        const moved = part(out, K + k);
        for (let i = 0; i < size; i++) {
          moved[i] = 0;
          if (c.open[i] === 0) continue;
          const share = (lambda * dm[i]) / m[i];
          // 1 + s, and below −½ the hyperbola with the same value and slope there: ¼/(−s)
          moved[i] = m[i] * (share >= -0.5 ? 1 + share : -0.25 / share);
        }
        const scale = (problem.populations[k].mass ?? 1) / integrate(c.grid, moved);
        for (let i = 0; i < size; i++) moved[i] *= scale;
      }
    },
    residual(x, out) {
      const m = densities(x);
      coupling.evaluate(0, frozen ?? m, costs);
      return m.map((mk, k) => {
        const u = part(x, k);
        const jet = trialJets[k];
        stencils.differences(u, D);
        hamiltonians[k].evaluate(0, D, mk, jet, 1);
        const ru = part(out, k);
        const rm = part(out, K + k);
        const s = valueSources[k];
        const q = densitySources[k];
        for (let i = 0; i < size; i++) {
          ru[i] = jet.value[i] - costs[k][i] - (s === null ? 0 : s[i]);
          rm[i] = q === null ? 0 : -q[i];
        }
        stencils.addLaplacian(u, -viscosity[k], ru);
        for (let j = 0; j < links; j++) for (let i = 0; i < size; i++) w[j][i] = mk[i] * jet.slope[j][i];
        stencils.addAdjoint(w, rm);
        stencils.addLaplacian(mk, -viscosity[k], rm);
        for (let i = 0; i < size; i++) if (c.open[i] === 0) rm[i] = 0;
        return -centre(ru);
      });
    },
    linearise(x) {
      now.set(x);
      const m = densities(now);
      values(now).forEach((u, k) => {
        stencils.differences(u, D);
        hamiltonians[k].evaluate(0, D, m[k], jets[k], 2);
      });
      derivative = frozen === null ? coupling.linearise(0, m) : null;
      return modePreconditioner(derivative);
    },
    jacobian(v, out) {
      const dm = densities(v);
      if (derivative === null) for (const cost of costs) cost.fill(0);
      else derivative.apply(dm, costs);
      for (let k = 0; k < K; k++) {
        const du = part(v, k);
        const m = part(now, K + k);
        const { slope, curvature, byMass, slopeByMass } = jets[k];
        stencils.differences(du, dD);
        const ru = part(out, k);
        const rm = part(out, K + k).fill(0);
        for (let i = 0; i < size; i++) ru[i] = (byMass === null ? 0 : byMass[i] * dm[k][i]) - costs[k][i];
        for (let j = 0; j < links; j++) {
          const sj = slope[j];
          const wj = w[j];
          const by = slopeByMass === null ? null : slopeByMass[j];
          for (let i = 0; i < size; i++) {
            ru[i] += sj[i] * dD[j][i];
            wj[i] = (sj[i] + (by === null ? 0 : m[i] * by[i])) * dm[k][i];
          }
        }
        let pair = 0;
        for (let j = 0; j < links; j++) {
          for (let l = j; l < links; l++, pair++) {
            const curve = curvature[pair];
            if (curve === null) continue;
            for (let i = 0; i < size; i++) w[j][i] += m[i] * curve[i] * dD[l][i];
            if (l > j) for (let i = 0; i < size; i++) w[l][i] += m[i] * curve[i] * dD[j][i];
          }
        }
        stencils.addLaplacian(du, -viscosity[k], ru);
        centre(ru);
        stencils.addAdjoint(w, rm);
        stencils.addLaplacian(dm[k], -viscosity[k], rm);
        for (let i = 0; i < size; i++) if (c.open[i] === 0) rm[i] = 0;
      }
    },
  };

  /**
   * Mode by mode  ν_kλ δu_k − Σ_l F_kl δm_l = r_k,  β_k δu_k + ν_kλ δm_k = ρ_k,  with F and β the means of ∂f − ∂H/∂m and of m ∂²G over the crowd.
   */
  function modePreconditioner(f: CouplingDerivative | null): Apply<Float64Array> {
    const m = densities(now);
    const mean = (v: (i: number) => number, weight: Float64Array | null): number => {
      let sum = 0;
      let total = 0;
      for (let i = 0; i < size; i++) {
        if (c.open[i] === 0) continue;
        const share = weight === null ? 1 : weight[i];
        sum += share * v(i);
        total += share;
      }
      return sum / total;
    };
    const F = Array.from({ length: K * K }, (_, kl) => {
      const k = Math.floor(kl / K);
      const l = kl % K;
      const slopes = f?.local ?? null;
      const local = slopes === null ? 0 : mean((i) => slopes[kl][i], m[l]);
      if (k !== l) return problem.isMonotone === true ? local : 0;
      const { byMass } = jets[k];
      return local - (byMass === null ? 0 : mean((i) => byMass[i], m[k]));
    });
    const beta = jets.map(({ curvature }, k) =>
      axes.map((_, a) => {
        // both differences of an axis see the same wave: ΣΣ ∂²G/∂D_i∂D_j over the two
        const [j, l] = [2 * a, 2 * a + 1];
        const pairs: readonly (readonly [Float64Array | null, number])[] = [
          [curvature[pairIndex(j, j, links)], 1],
          [curvature[pairIndex(j, l, links)], 2],
          [curvature[pairIndex(l, l, links)], 1],
        ];
        return pairs.reduce(
          (sum, [curve, times]) => sum + (curve === null ? 0 : times * mean((i) => m[k][i] * curve[i], null)),
          0,
        );
      }),
    );
    const matrix = new Float64Array(K * K);
    const right = new Float64Array(K);
    return (r, out) => {
      out.set(r);
      toModes(out);
      for (let i = 0; i < size; i++) {
        if (i === 0) {
          for (let p = 0; p < 2 * K; p++) out[p * size + i] = 0;
          continue;
        }
        const rough = 1 + lambda[i] / smallest;
        for (let p = 0; p < 2 * K; p++) out[p * size + i] *= rough;
        for (let k = 0; k < K; k++) {
          let b = 0;
          for (let a = 0; a < d; a++) b += beta[k][a] * squares[a][i];
          const stiff = viscosity[k] * lambda[i];
          for (let l = 0; l < K; l++) matrix[k * K + l] = (b / stiff) * F[k * K + l];
          // costs that fall with the crowd may make a mode singular: not here
          matrix[k * K + k] = Math.max(stiff + matrix[k * K + k], 0.2 * stiff);
          right[k] = out[(K + k) * size + i] - (b / stiff) * out[k * size + i];
        }
        eliminate(matrix, right, K);
        for (let k = 0; k < K; k++) {
          let sum = out[k * size + i];
          for (let l = 0; l < K; l++) sum += F[k * K + l] * right[l];
          out[k * size + i] = sum / (viscosity[k] * lambda[i]);
          out[(K + k) * size + i] = right[k];
        }
      }
      fromModes(out);
    };
  }
}

/** Solves the n×n system in place, without pivoting: diagonals are positive and dominate where costs are monotone. */
function eliminate(matrix: Float64Array, right: Float64Array, n: number): void {
  for (let j = 0; j < n; j++) {
    for (let i = j + 1; i < n; i++) {
      const ratio = matrix[i * n + j] / matrix[j * n + j];
      for (let l = j; l < n; l++) matrix[i * n + l] -= ratio * matrix[j * n + l];
      right[i] -= ratio * right[j];
    }
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let l = i + 1; l < n; l++) right[i] -= matrix[i * n + l] * right[l];
    right[i] /= matrix[i * n + i];
  }
}
