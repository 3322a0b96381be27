// Has the game more than one equilibrium? One game is solved from two or more densities; equilibria that are far from each other refute
// uniqueness for good, equilibria that agree are evidence and no proof. Between two solutions, the largest over populations and times of
//   density   ½∫|m − m′| / ½∫(m + m′) ∈ [0, 1] on one grid;  W₂(m, m′)/diameter of the domain between clouds
//   value     sup|u − u′ − mean(u − u′)| / (sup u − inf u), where there are cells
// Games whose costs rise with the crowd (Lasry–Lions) have one equilibrium; where costs fall, crowds may gather in several places.
// Reference: Lasry, Lions 2007 (key lasry2007mean); Zhang, Katsoulakis 2023 (key zhang2023laboratory).
import { demand, SolveError } from "../error.js";
import type { Domain } from "../grid/index.js";
import { type Cloud, type Density, wasserstein2 } from "../measure/index.js";
import { short } from "../short.js";
import type { GameSolution } from "../solution/index.js";

/** A density to start from: its value at a point for population k; ≥ 0, of any mass. */
export type StartDensity = (x: Float64Array, k: number) => number;

export interface UniquenessOptions {
  /** Solves the game from a start, for example `(start) => solve(game, ergodic({ start: (x) => start(x, 0) }))`. */
  readonly solve: (start: StartDensity) => Promise<GameSolution>;
  /** The game's domain; the default starts are made from it. */
  readonly domain: Domain;
  /** Two or more; default {@link spreadStarts}: uniform and two crowds apart. */
  readonly starts?: readonly StartDensity[];
  /** Distance of densities above which two equilibria are not the same, in (0, 1); default 0.01. */
  readonly tolerance?: number;
  /** Times in [0, T] at which solutions are compared; default 0, T/2 and T. */
  readonly times?: readonly number[];
}

/** What the probe found. */
export interface Uniqueness {
  /** `false`: two equilibria were found; `true`: every start led to the same one; `null`: too few solves succeeded to tell. */
  readonly unique: boolean | null;
  /** Largest distance of densities over all pairs; `null` with fewer than two solutions. */
  readonly density: number | null;
  /** Largest distance of values over all pairs; `null` where it cannot be measured. */
  readonly value: number | null;
  readonly tolerance: number;
  /** Starts tried. */
  readonly starts: number;
  /** Converged solutions, in the order of the starts. */
  readonly solutions: readonly GameSolution[];
  /** Why solves failed. */
  readonly failures: readonly string[];
  /** One sentence. */
  readonly text: string;
}

/**
 * Probes whether a game has one equilibrium, by solving it from different densities.
 *
 * @param options how to solve from a start, the domain, starts, tolerance and times
 * @returns verdict with the distances that were measured; solves that fail are counted, not thrown
 * @throws UsageError with fewer than two starts, or when solutions are not of one kind (one grid, or clouds); what `solve` throws besides SolveError
 *
 * *Notes*: the solver decides how faithful it is to a start: Newton's method from a density alone may be drawn to an unstable equilibrium;
 * best responses stay near. Between clouds the sampling error of W₂ must be below the tolerance.
 *
 * *Good values*: tolerance 0.01 on grids, 0.1 for a few hundred particles.
 *
 * *References*: lasry2007mean, zhang2023laboratory
 */
export async function uniquenessProbe(options: UniquenessOptions): Promise<Uniqueness> {
  const where = "uniquenessProbe";
  const { domain, solve, tolerance = 0.01 } = options;
  const starts = options.starts ?? spreadStarts(domain);
  demand(
    starts.length >= 2,
    where,
    "starts",
    "hold two densities or more",
    starts.length,
    "Leave them out for a uniform crowd and two gathered ones",
  );
  demand(
    tolerance > 0 && tolerance < 1,
    where,
    "tolerance",
    "lie between 0 and 1",
    tolerance,
    "Use tolerance: 0.01 on grids",
  );
  const solutions: GameSolution[] = [];
  const failures: string[] = [];
  for (const start of starts) {
    try {
      const solution = await solve(start);
      if (solution.status.converged) solutions.push(solution);
      else failures.push(solution.status.text);
    } catch (error) {
      if (!(error instanceof SolveError)) throw error;
      failures.push(error.message);
    }
  }
  let density: number | null = null;
  let value: number | null = null;
  for (let i = 0; i < solutions.length; i++) {
    for (let j = i + 1; j < solutions.length; j++) {
      const apart = distances(solutions[i], solutions[j], domain, options.times ?? null);
      density = Math.max(density ?? 0, apart.density);
      if (apart.value !== null) value = Math.max(value ?? 0, apart.value);
    }
  }
  const differ = density !== null && density > tolerance;
  const unique = differ ? false : failures.length > 0 || density === null ? null : true;
  const shown = density === null ? "" : short(density);
  const text =
    unique === false
      ? `not unique: equilibria from ${solutions.length} starts are up to ${shown} apart (tolerance ${tolerance})`
      : unique === true
        ? `no second equilibrium found: ${solutions.length} starts agree to ${shown} (tolerance ${tolerance})`
        : `not known: ${failures.length} of ${starts.length} solves failed; raise the viscosity or give other starts. First failure: ${failures[0]}`;
  return { unique, density, value, tolerance, starts: starts.length, solutions, failures, text };
}

/**
 * A uniform crowd, and two that are gathered a quarter of the way from either end of the domain's diagonal. Every other population
 * gathers at the other end.
 *
 * @param domain the game's domain
 * @param width of the gathered crowds, relative to each side; default 0.12
 */
export function spreadStarts(domain: Domain, width = 0.12): readonly StartDensity[] {
  const gathered =
    (place: number): StartDensity =>
    (x, k) => {
      let square = 0;
      for (let a = 0; a < x.length; a++) {
        const side = domain.upper[a] - domain.lower[a];
        let z = Math.abs((x[a] - domain.lower[a]) / side - (k % 2 === 0 ? place : 1 - place));
        if (domain.ends[a] === "periodic") z = Math.min(z, 1 - z);
        square += (z / width) ** 2;
      }
      return 0.05 + Math.exp(-square / 2);
    };
  return [() => 1, gathered(0.25), gathered(0.75)];
}

function distances(
  a: GameSolution,
  b: GameSolution,
  domain: Domain,
  times: readonly number[] | null,
): { density: number; value: number | null } {
  const T = a.problem.horizon;
  const populations = a.fields?.density.length ?? populationsOf(a);
  let density = 0;
  let value: number | null = null;
  for (const t of times ?? [0, T / 2, T]) {
    for (let k = 0; k < populations; k++) {
      const [m, other] = [a.density(t, k), b.density(t, k)];
      density = Math.max(density, between(m, other, domain));
      if (a.fields !== null && b.fields !== null) {
        const { points, open } = a.fields.cells;
        const apart = ofValues(a.value(t, points, k), b.value(t, points, k), open);
        value = Math.max(value ?? 0, apart);
      }
    }
  }
  return { density, value };
}

/** Particle and neural solutions name their populations in the problem alone. */
function populationsOf({ problem }: GameSolution): number {
  const { populations } = problem.describe();
  return Array.isArray(populations) ? populations.length : 1;
}

function between(a: Density | Cloud, b: Density | Cloud, domain: Domain): number {
  if (a.kind === "cloud" && b.kind === "cloud")
    return wasserstein2(a, b) / Math.hypot(...domain.upper.map((u, i) => u - domain.lower[i]));
  const sameGrid = a.kind === "density" && b.kind === "density" && a.values.length === b.values.length;
  demand(
    sameGrid,
    "uniquenessProbe",
    "solutions",
    "be densities on one grid, or clouds",
    [a.kind, b.kind],
    "Solve from every start with the same solver and options",
  );
  let apart = 0;
  let total = 0;
  for (let i = 0; i < a.values.length; i++) {
    apart += Math.abs(a.values[i] - b.values[i]);
    total += a.values[i] + b.values[i];
  }
  return total === 0 ? 0 : apart / total;
}

/** sup|u − v − mean| on open cells, relative to the range of u and v; 0 between constants. */
function ofValues(u: Float64Array, v: Float64Array, open: Uint8Array): number {
  let mean = 0;
  let count = 0;
  for (let i = 0; i < u.length; i++) {
    if (open[i] === 0) continue;
    mean += u[i] - v[i];
    count++;
  }
  mean /= count;
  let apart = 0;
  const range = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < u.length; i++) {
    if (open[i] === 0) continue;
    apart = Math.max(apart, Math.abs(u[i] - v[i] - mean));
    range[0] = Math.min(range[0], u[i]);
    range[1] = Math.max(range[1], u[i]);
    range[2] = Math.min(range[2], v[i]);
    range[3] = Math.max(range[3], v[i]);
  }
  const widest = Math.max(range[1] - range[0], range[3] - range[2]);
  // values of one constant differ by rounding alone
  return widest <= 1e-9 ? 0 : apart / widest;
}
