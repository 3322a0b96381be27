// What a comparison measures of mean-field games. All solutions are asked at the same points, drawn from one of them:
//   laws      W₂ between simulated end points of every pair, largest over populations; periodic axes are wound on circles, so that
//             the seam is no distance.  Beside it the sampling floor: W₂ between two simulations of one solution
//   velocity  √E|v_a − v_b|² / √E|v|² along the paths at t = 0, T/4, T/2, 3T/4;  value  √E|u_a − u_b|² at t = 0
//   exact     errors against the closed form;  numbers: exploitability, λ̄, least density, mass that left
import { integrate } from "../grid/index.js";
import { type Cloud, cloud, wasserstein2 } from "../measure/index.js";
import type { Problem } from "../problem.js";
import type { GameSolution, Solution, Trajectories } from "../solution/index.js";
import { type GameLike, spread } from "../verify/index.js";
import { positionsAt, wound } from "./points.js";
import { estimate, nothing, pairs, type Run, type RunMeasures, type StudyMeasures } from "./record.js";

/** Repeats of the sampling floor. */
const REPEATS = 4;
/** Shares of T at which velocities are compared. */
const SHARES = [0, 0.25, 0.5, 0.75];

/** Whether a problem is a mean-field game. */
export function isGame(problem: Problem): problem is GameLike {
  return "populations" in problem && "domain" in problem && "mode" in problem;
}

/** Solutions of games answer for each population. */
export function asGame(solution: Solution): GameSolution<GameLike> {
  return solution as GameSolution<GameLike>;
}

/** The solution that supplies common points: the first on a grid, else the first. */
function referenceOf<P extends Problem>(runs: readonly Run<P>[]): GameSolution<GameLike> | null {
  const solved = runs.flatMap((run) => (run.solution === null ? [] : [run.solution]));
  const first = solved.find((s) => s.family === "grid") ?? solved[0];
  return first === undefined ? null : asGame(first);
}

/** Measures the solved runs of a game: of the study, and of each run in their order. */
export function measureGame<P extends GameLike>(
  problem: P,
  runs: readonly Run<P>[],
  { seed, count }: { readonly seed: number; readonly count: number },
): { readonly study: StudyMeasures; readonly runs: readonly RunMeasures[] } {
  const solved = runs.flatMap((run) => (run.solution === null ? [] : [asGame(run.solution)]));
  const names = runs.flatMap((run) => (run.solution === null ? [] : [run.solver.name]));
  const reference = referenceOf(runs);
  const populations = [...problem.populations.keys()];
  const paths = populations.map(
    (population) => reference?.trajectories({ count, steps: 40, seed, population }) ?? null,
  );
  const ends = (s: GameSolution<GameLike>, with_: number) =>
    populations.map((population) => endsOf(problem, s.trajectories({ count, steps: 100, seed: with_, population })));
  const clouds = solved.map((s) => ends(s, seed));
  const apart = (a: readonly Cloud[], b: readonly Cloud[]) => Math.max(...a.map((c, k) => wasserstein2(c, b[k])));
  const velocities = solved.map((s) =>
    populations.map((k) => SHARES.map((share) => s.velocity(share * problem.horizon, positionsAt(paths[k], share), k))),
  );
  const values = solved.map((s) => populations.map((k) => centred(problem, s.value(0, positionsAt(paths[k], 0), k))));
  const floor =
    reference === null
      ? null
      : {
          ...estimate(
            Array.from({ length: REPEATS }, (_, r) =>
              apart(ends(reference, seed + 101 + r), ends(reference, seed + 201 + r)),
            ),
          ),
          count,
          repeats: REPEATS,
        };
  return {
    study: {
      kind: "game",
      pairwise: {
        names,
        distances: pairs(solved.length, (a, b) => apart(clouds[a], clouds[b]), 0),
        floors: null,
        further: [
          {
            name: "velocity",
            statement: "√E|v_a − v_b|² / √E|v|² on common points",
            values: pairs<number | null>(
              solved.length,
              (a, b) => relative(velocities[a].flat(), velocities[b].flat()),
              0,
            ),
          },
          {
            name: "value",
            statement: `√E|u_a − u_b|² at t = 0${constantIsFree(problem) ? ", up to a constant" : ""}`,
            values: pairs<number | null>(solved.length, (a, b) => rms(values[a], values[b]), 0),
          },
        ],
      },
      samplingFloor: floor,
      heldOutFloor: null,
    },
    runs: runs.map(({ solution, repeats }) => {
      if (solution === null) return nothing;
      return {
        toHeldOut: null,
        exact: exactErrors(problem, asGame(solution), paths),
        spread: repeats.length === 0 ? null : spread([solution, ...repeats], count),
        numbers: numbersOf(problem, asGame(solution)),
        series: [],
      };
    }),
  };
}

/** A constant in u has no meaning in planning and ergodic games. */
function constantIsFree(problem: GameLike): boolean {
  return problem.mode !== "time-dependent";
}

function centred(problem: GameLike, u: Float64Array): Float64Array {
  if (!constantIsFree(problem)) return u;
  const shift = u.reduce((a, b) => a + b, 0) / u.length;
  return u.map((v) => v - shift);
}

/** End points as a cloud, every periodic axis wound on a circle of its length. */
function endsOf(problem: GameLike, paths: Trajectories): Cloud {
  return wound(problem.domain, cloud(positionsAt(paths, 1), paths.dimension));
}

function rms(a: readonly Float64Array[], b: readonly Float64Array[]): number {
  let sum = 0;
  let n = 0;
  a.forEach((x, k) => {
    n += x.length;
    for (let i = 0; i < x.length; i++) sum += (x[i] - b[k][i]) ** 2;
  });
  return Math.sqrt(sum / n);
}

function relative(a: readonly Float64Array[], b: readonly Float64Array[]): number | null {
  const zero = a.map((x) => new Float64Array(x.length));
  const size = (rms(a, zero) + rms(b, zero)) / 2;
  return size === 0 ? null : rms(a, b) / size;
}

function exactErrors(
  problem: GameLike,
  solution: GameSolution<GameLike>,
  paths: readonly (Trajectories | null)[],
): RunMeasures["exact"] {
  const { exact, horizon } = problem;
  if (exact === null) return null;
  const populations = [...problem.populations.keys()];
  const value = populations.map((k) => {
    const x = positionsAt(paths[k], 0);
    return rms([centred(problem, solution.value(0, x, k))], [centred(problem, exact.value(0, x, k))]);
  });
  const density = populations.map((k) => {
    const law = solution.density(horizon, k);
    if (law.kind !== "density" || solution.fields === null) return null;
    const m = exact.density(horizon, solution.fields.cells.points, k);
    const total = integrate(law.grid, m);
    return (
      integrate(
        law.grid,
        law.values.map((v, i) => Math.abs(v - m[i])),
      ) / total
    );
  });
  const lambda = exact.ergodicConstant;
  const found = solution.fields?.ergodicConstant ?? null;
  return {
    "value at 0, root mean square": Math.max(...value),
    "density at T, relative L¹": density.includes(null) ? null : Math.max(...(density as number[])),
    ...(lambda === null
      ? {}
      : { "ergodic constant": found === null ? null : Math.max(...lambda.map((l, k) => Math.abs(l - found[k]))) }),
  };
}

function numbersOf(problem: GameLike, solution: GameSolution<GameLike>): Readonly<Record<string, number | null>> {
  const { fields, exploitability } = solution;
  const least =
    fields === null
      ? null
      : fields.density
          .flat()
          .reduce((low, m) => m.reduce((a, b, i) => (fields.cells.open[i] === 1 ? Math.min(a, b) : a), low), Infinity);
  const numbers: Record<string, number | null> = {
    "exploitability, the solver's own": exploitability === null ? null : Math.max(...exploitability),
    "least density": least,
  };
  if (problem.mode === "ergodic")
    for (const [k, population] of problem.populations.entries())
      numbers[problem.populations.length === 1 ? "λ̄" : `λ̄ of ${population.name}`] =
        fields?.ergodicConstant?.[k] ?? null;
  if (problem.domain.doors.length > 0)
    for (const [k, population] of problem.populations.entries())
      numbers[problem.populations.length === 1 ? "share that has left" : `share of ${population.name} that has left`] =
        fields === null
          ? null
          : 1 -
            integrate(fields.cells.grid, fields.density[k].at(-1)!) /
              integrate(fields.cells.grid, fields.density[k][0]);
  return numbers;
}
