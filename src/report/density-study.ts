// What a comparison measures of densities that evolve on a domain: gradient flows and Fokker–Planck equations.
//   laws      W₂ between ρ_T of every pair. On a line exactly, by quantiles; else between n points of each, periodic axes wound on circles.
//             Beside it the sampling floor: W₂ between two draws from one density, each drawn as its side of the pair is: a density evenly,
//             for a cloud independently
//   paths     √E|X_a − X_b|² at T from common starts;   velocity  √E|v_a − v_b|² / √E|v|² along the paths of one solution
//   target    W₂(ρ_t, Q) over time, and D_f^L between n points of ρ_t and n of Q, by the exact engine: one stick for all families, whose
//             own D is between densities here and between samples there
//   energy    |E_a(T) − E_b(T)| over the fall E(0) − E(T): E itself is known up to a constant only
//   exact     errors against the closed form;   numbers: E, I, largest speed, how straight the paths are
import type { Domain } from "../grid/index.js";
import {
  type Cloud,
  cloud,
  type Density,
  type Distribution,
  densityOfFunction,
  empirical,
  sampleDensity,
  wasserstein2,
} from "../measure/index.js";
import type { Problem } from "../problem.js";
import { type Generator, generator } from "../random/index.js";
import type { DescentSolution, Solution, Trajectories } from "../solution/index.js";
import { linearCost, semiRelaxedTransport } from "../transport/index.js";
import {
  type DensityProblem,
  type DescentLike,
  isDescent,
  keepsSlabs,
  rootMeanSquare,
  spread,
} from "../verify/index.js";
import { againstHeldOut, floorOfHeldOut } from "./flow-study.js";
import { positionsAt, wound } from "./points.js";
import {
  estimate,
  type Floor,
  nothing,
  pairs,
  type Run,
  type RunMeasures,
  type Series,
  type StudyMeasures,
} from "./record.js";

/** A problem whose unknown is one density, from a law on. */
export interface EvolvingProblem extends DensityProblem {
  readonly initial: DescentLike["initial"];
  readonly mass: number | null;
}

/** Whether a problem is one. */
export function isEvolving(problem: Problem): problem is EvolvingProblem {
  return problem.kind === "gradient-flow" || problem.kind === "fokker-planck";
}

/** The target of a gradient flow that has one. */
export function targetOf(problem: EvolvingProblem): DescentLike["initial"] | null {
  if (!isDescent(problem)) return null;
  const { divergence, transport, internal } = problem.energy;
  return divergence?.target ?? transport?.target ?? internal?.reference ?? null;
}

/** E, I and speeds over time, where a solution keeps them. */
export function descentOf(solution: Solution): DescentSolution | null {
  return "energies" in solution && Array.isArray(solution.energies) ? (solution as DescentSolution) : null;
}

/** Name of the error of E(T) over the fall E(0) − E(T). */
export const RELATIVE_ENERGY = "energy at T, relative to its fall";
/** Repeats of the sampling floor. */
const REPEATS = 8;
/** Shares of T at which velocities are compared. */
const SHARES = [0, 0.25, 0.5, 0.75];
/** Intervals of the distance over time. */
const LOOKS = 8;
/** Points a side of the divergence between samples. */
const STICK = 128;
/** Times closer than this share of T are one. */
const SAME = 1e-9;

/** Measures the solved runs: of the study, and of each run in their order. */
export async function measureDensities<P extends EvolvingProblem>(
  problem: P,
  runs: readonly Run<P>[],
  { seed, count }: { readonly seed: number; readonly count: number },
): Promise<{ readonly study: StudyMeasures; readonly runs: readonly RunMeasures[] }> {
  const T = problem.horizon;
  const draws = generator(seed).split("compare");
  const solved = runs.flatMap((run) => (run.solution === null ? [] : [run.solution]));
  const names = runs.flatMap((run) => (run.solution === null ? [] : [run.solver.name]));
  const reference = solved.find((s) => s.family === "grid") ?? solved[0] ?? null;
  const n = Math.min(count, ...solved.flatMap((s) => sizeOf(s.density(0))));
  const at = (s: Solution, t: number, gen: Generator) => points(problem.domain, s.density(t), n, gen);
  // T, or where the first of two stopped
  const common = (a: number, b: number) => Math.min(endOf(solved[a]), endOf(solved[b]));
  const lawAt = (k: number, t: number) => at(solved[k], t, draws.split("end").split(k));
  const paths = reference?.trajectories({ count, steps: 40, seed }) ?? null;
  const start =
    paths === null ? null : cloud(paths.positions.slice(0, paths.count * problem.dimension), problem.dimension);
  const carried = solved.map((s) => (start === null ? null : positionsAt(s.trajectories({ start, steps: 40 }), 1)));
  const velocities = (k: number, end: number) =>
    SHARES.map((share) => {
      const t = share * end;
      return solved[k].velocity(t, positionsAt(paths, reference === null ? 0 : Math.min(1, t / endOf(reference))));
    });
  const noise = isDescent(problem) ? null : "paths carry noise";
  const floorOf =
    reference === null || onLine(problem.domain) ? () => null : floors(reference, draws.split("floor"), n);
  const target = targetOf(problem);
  const goal = target === null ? null : (gen: Generator, size = n) => lawPoints(problem.domain, target, size, gen);
  const heldOut = isDescent(problem) ? problem.heldOut : null;
  const measured: RunMeasures[] = [];
  for (const { solution, repeats } of runs) {
    if (solution === null) {
      measured.push(nothing);
      continue;
    }
    const own = draws.split("run").split(measured.length);
    const floor = target === null ? null : floorOf(drawingOf(solution), drawingOfTarget(problem.domain, target));
    const series = goal === null ? [] : await overTime(problem, solution, at, goal, floor, own);
    measured.push({
      toHeldOut: heldOutOf(problem, solution, own.split("held-out")),
      exact: exactErrors(problem, solution, at, own.split("exact")),
      spread: repeats.length === 0 || !isDescent(problem) ? null : spread([solution, ...repeats], count),
      numbers: numbersOf(
        problem.domain,
        solution,
        noise === null ? solution.trajectories({ count, steps: 40, seed }) : null,
      ),
      series,
    });
  }
  const distances = pairs(solved.length, (a, b) => wasserstein2(lawAt(a, common(a, b)), lawAt(b, common(a, b))), 0);
  return {
    study: {
      kind: "density",
      pairwise: {
        names,
        distances,
        floors: pairs<Floor | null>(solved.length, (a, b) => floorOf(drawingOf(solved[a]), drawingOf(solved[b])), null),
        further: [
          ...(noise === null
            ? [
                {
                  name: "paths",
                  statement: "√E|X_a − X_b|² at T from common starts",
                  values: pairs<number | null>(
                    solved.length,
                    (a, b) =>
                      Math.abs(endOf(solved[a]) - endOf(solved[b])) <= SAME * T
                        ? apart(problem.domain, carried[a], carried[b])
                        : null,
                    0,
                  ),
                },
              ]
            : []),
          {
            name: "velocity",
            statement: "√E|v_a − v_b|² / √E|v|² on common points",
            values: pairs<number | null>(
              solved.length,
              (a, b) => relative(velocities(a, common(a, b)), velocities(b, common(a, b))),
              0,
            ),
          },
          ...energiesApart(problem, solved),
        ],
      },
      samplingFloor: null,
      heldOutFloor:
        heldOut === null || target === null || target.distribution === null
          ? null
          : floorOfHeldOut(heldOut, target.distribution, draws.split("held-out")),
    },
    runs: measured,
  };
}

/** Last time that a solution knows. */
export function endOf(solution: Solution): number {
  return "times" in solution ? (solution.times as Float64Array).at(-1)! : solution.problem.horizon;
}

/** Whether a solution ends before T. */
export function endsEarly(solution: Solution): boolean {
  return endOf(solution) < (1 - SAME) * solution.problem.horizon;
}

function sizeOf(law: Density | Cloud): number[] {
  return law.kind === "cloud" ? [law.count] : [];
}

/** A line has exact quantiles; a circle has none. */
function onLine(domain: Domain): boolean {
  return domain.dimension === 1 && domain.ends[0] !== "periodic";
}

/** Points that stand for a cell of a line: at its centre alone, W₂ to any other law would be at least h/√12. */
const PARTS = 16;

/** A density on a line, even within each cell, as weighted points. */
function inParts({ grid, values }: Density): Cloud {
  const { nodes, spacing } = grid.axes[0];
  const total = values.reduce((sum, v) => sum + v, 0);
  const points: number[] = [];
  const weights: number[] = [];
  values.forEach((v, k) => {
    for (let j = 0; v > 0 && j < PARTS; j++) {
      points.push(nodes[k] + spacing * ((j + 0.5) / PARTS - 0.5));
      weights.push(v / (PARTS * total));
    }
  });
  return cloud(Float64Array.from(points), 1, Float64Array.from(weights));
}

/** A law as points for W₂: on a line all of it with its weights, else n equal points, of a density as even as draws can be. */
function points(domain: Domain, law: Density | Cloud, n: number, gen: Generator): Cloud {
  if (onLine(domain)) return law.kind === "cloud" ? law : inParts(positive(law));
  return wound(domain, drawn(law, n, gen, "systematic"));
}

/** How points of a law are drawn; those of a cloud are a solver's own, as independent as it drew them. */
type Drawing = "independent" | "systematic";

function drawingOf(solution: Solution): Drawing {
  return solution.density(endOf(solution)).kind === "density" ? "systematic" : "independent";
}

/** n equal points of a law. */
function drawn(law: Density | Cloud, n: number, gen: Generator, how: Drawing): Cloud {
  return law.kind === "density" ? sampleDensity(positive(law), n, gen, how) : someOf(law, n, gen);
}

/** What lies below 0 (second-order steps may leave round-off there) has no points. */
function positive(law: Density): Density {
  return law.values.every((v) => v >= 0) ? law : { ...law, values: law.values.map((v) => Math.max(0, v)) };
}

/** n points of a cloud: a subset without replacement, or draws by weight. */
function someOf(law: Cloud, n: number, gen: Generator): Cloud {
  if (law.weights !== null) return empirical(law).sample(n, gen);
  const d = law.dimension;
  const chosen = gen.permutation(law.count);
  return cloud(
    Float64Array.from({ length: n * d }, (_, j) => law.points[chosen[Math.floor(j / d)] * d + (j % d)]),
    d,
  );
}

/** A law of the problem on fine cells; `null` of data, above three dimensions, and where the cells miss a narrow law. */
function onCells(domain: Domain, { density, distribution }: DescentLike["initial"]): Density | null {
  if (density === null || (distribution?.data ?? null) !== null || domain.dimension > 3) return null;
  const fine = densityOfFunction(domain, density.evaluate.bind(density, 0));
  return distribution === null || fine.values.some((v) => v > 0) ? fine : null;
}

/** Data are one fixed sample: `null`. */
function drawingOfTarget(domain: Domain, law: DescentLike["initial"]): Drawing | null {
  if ((law.distribution?.data ?? null) !== null) return null;
  return onCells(domain, law) === null ? "independent" : "systematic";
}

/** A law of the problem as points. */
function lawPoints(domain: Domain, law: DescentLike["initial"], n: number, gen: Generator): Cloud {
  const { data } = law.distribution ?? { data: null };
  if (onLine(domain) && data !== null) return data;
  const fine = onCells(domain, law);
  if (fine !== null) return points(domain, fine, n, gen);
  const distribution = law.distribution as Distribution;
  return points(domain, data !== null && data.count >= n ? data : distribution.sample(n, gen), n, gen);
}

function apart(domain: Domain, a: Float64Array | null, b: Float64Array | null): number | null {
  if (a === null || b === null) return null;
  const d = domain.dimension;
  return rootMeanSquare(
    a.map((x, j) => shortest(domain, j % d, x - b[j])),
    new Float64Array(b.length),
    d,
  );
}

/** A difference of coordinates, the short way round where the axis is periodic. */
function shortest({ ends, lower, upper }: Domain, axis: number, difference: number): number {
  const side = upper[axis] - lower[axis];
  return ends[axis] === "periodic" ? difference - side * Math.round(difference / side) : difference;
}

/** Where one of two velocities is not defined (an empty cell under an entropy) the point is left out. */
function relative(a: readonly Float64Array[], b: readonly Float64Array[]): number | null {
  let difference = 0;
  let size = 0;
  a.forEach((x, k) => {
    for (let i = 0; i < x.length; i++) {
      if (!(Number.isFinite(x[i]) && Number.isFinite(b[k][i]))) continue;
      difference += (x[i] - b[k][i]) ** 2;
      size += (x[i] ** 2 + b[k][i] ** 2) / 2;
    }
  });
  return size === 0 ? null : Math.sqrt(difference / size);
}

/** W₂ that chance makes between n points of one law, the reference's at its end, by how each side is drawn; each kind measured once. */
function floors(reference: Solution, gen: Generator, n: number): (a: Drawing, b: Drawing | null) => Floor | null {
  const law = reference.density(endOf(reference));
  const { domain } = reference.problem as EvolvingProblem;
  const measured = new Map<string, Floor>();
  return (a, b) => {
    // a cloud of n points has no second sample
    if (b === null || (law.kind === "cloud" && law.count <= n)) return null;
    const kind = [a, b].sort().join(" ");
    const known = measured.get(kind);
    if (known !== undefined) return known;
    const draw = (how: Drawing, g: Generator) => wound(domain, drawn(law, n, g, how));
    const values = Array.from({ length: REPEATS }, (_, r) => {
      const g = gen.split(kind).split(r);
      return wasserstein2(draw(a, g.split(0)), draw(b, g.split(1)));
    });
    const floor = { ...estimate(values), count: n, repeats: REPEATS };
    measured.set(kind, floor);
    return floor;
  };
}

/** Distances to the target over time. */
async function overTime(
  problem: EvolvingProblem,
  solution: Solution,
  at: (s: Solution, t: number, gen: Generator) => Cloud,
  goal: (gen: Generator, size?: number) => Cloud,
  floor: Floor | null,
  gen: Generator,
): Promise<Series[]> {
  const T = endOf(solution);
  const times = Array.from({ length: LOOKS + 1 }, (_, k) => (k / LOOKS) * T);
  const distances = times.map((t, k) =>
    wasserstein2(at(solution, t, gen.split(k)), goal(gen.split("target").split(k))),
  );
  const series: Series[] = [{ name: "W₂ to the target", times, values: distances, floor: floor?.mean ?? null }];
  if (!isDescent(problem)) return series;
  const { divergence } = problem.energy;
  if (
    divergence === null ||
    divergence.lipschitz === Infinity ||
    problem.mass !== 1 ||
    !problem.domain.isPlain || // the critic of samples goes straight, that of cells round obstacles
    problem.domain.ends.includes("periodic")
  )
    return series;
  const values: number[] = [];
  const looks = times.filter((_, k) => k % 2 === 0);
  for (const [k, t] of looks.entries()) {
    const law = solution.density(t);
    const size = Math.min(STICK, ...sizeOf(law));
    const source = drawn(law, size, gen.split("stick").split(k), "systematic");
    const target = equal(goal(gen.split("stick target").split(k), STICK), STICK, gen.split("stick subset").split(k));
    const found = await semiRelaxedTransport({
      source,
      target,
      cost: linearCost(divergence.lipschitz),
      divergence: divergence.divergence,
    });
    values.push(found.objective.dual as number);
  }
  series.push({ name: `D between ${STICK} samples`, times: looks, values, floor: null });
  return series;
}

/** n equal points of a cloud that may have weights. */
function equal(law: Cloud, n: number, gen: Generator): Cloud {
  return law.weights === null && law.count <= n ? law : someOf(law, Math.min(n, law.count), gen);
}

function heldOutOf(problem: EvolvingProblem, solution: Solution, gen: Generator): RunMeasures["toHeldOut"] {
  const heldOut = isDescent(problem) ? problem.heldOut : null;
  if (heldOut === null) return null;
  const law = solution.density(endOf(solution));
  if (law.kind === "cloud" && law.count < heldOut.count) return null;
  return againstHeldOut(heldOut, (n, g) => drawn(law, n, g, "independent"), gen);
}

function exactErrors(
  problem: EvolvingProblem,
  solution: Solution,
  at: (s: Solution, t: number, gen: Generator) => Cloud,
  gen: Generator,
): RunMeasures["exact"] {
  const { exact } = problem;
  if (exact === null) return null;
  const T = problem.horizon;
  const { density } = exact;
  const reached = !endsEarly(solution);
  let difference: number | null = null;
  if (reached && density !== null && keepsSlabs(solution)) {
    const { cells: cut, slabs } = solution;
    const wanted = density(T, cut.points);
    let sum = 0;
    let total = 0;
    for (let k = 0; k < wanted.length; k++) {
      sum += Math.abs(slabs[slabs.length - 1][k] - wanted[k]);
      total += wanted[k];
    }
    difference = sum / total;
  }
  const energy = isDescent(problem) ? (problem.exact?.energy ?? null) : null;
  const found = reached ? (descentOf(solution)?.energies.at(-1) ?? null) : null;
  const known = (x: Float64Array) => density?.(T, x) ?? x;
  const here = at(solution, endOf(solution), gen.split("solution"));
  return {
    "density at T, relative L¹": difference,
    "law at T, W₂":
      density === null || !reached
        ? null
        : wasserstein2(
            here,
            points(problem.domain, densityOfFunction(problem.domain, known), here.count, gen.split("law")),
          ),
    ...(energy === null
      ? {}
      : energyErrors(found === null ? null : Math.abs(found - energy(T)), fallOfEnergy(problem, []))),
  };
}

function energyErrors(error: number | null, fall: number | null): Readonly<Record<string, number | null>> {
  return { "energy at T": error, [RELATIVE_ENERGY]: error === null || fall === null ? null : error / fall };
}

/** E(0) − E(T) by the closed form, or else the largest that a solution reports; `null` where E stands still to round-off. */
function fallOfEnergy(problem: EvolvingProblem, solved: readonly Solution[]): number | null {
  const exact = isDescent(problem) ? (problem.exact?.energy ?? null) : null;
  const ends =
    exact !== null
      ? [[exact(0), exact(problem.horizon)]]
      : solved.flatMap((s) => {
          const descent = descentOf(s);
          return descent === null ? [] : [[descent.energies[0], descent.energies.at(-1)!]];
        });
  const fall = Math.max(...ends.map(([first, last]) => first - last));
  return fall > 1e-6 * (1 + Math.abs(ends[0]?.[0] ?? 0)) ? fall : null;
}

/** Where every solution reports E: how far E(T) of each pair is apart. */
function energiesApart(problem: EvolvingProblem, solved: readonly Solution[]): StudyMeasures["pairwise"]["further"] {
  const fall = fallOfEnergy(problem, solved);
  const last = solved.map((s) => descentOf(s)?.energies.at(-1) ?? null);
  if (fall === null || last.includes(null)) return [];
  const values = pairs<number | null>(
    solved.length,
    (a, b) => (endsEarly(solved[a]) || endsEarly(solved[b]) ? null : Math.abs(last[a]! - last[b]!) / fall),
    0,
  );
  return [{ name: "energy", statement: "|E_a(T) − E_b(T)| / (E(0) − E(T))", values }];
}

function numbersOf(
  domain: Domain,
  solution: Solution,
  paths: Trajectories | null,
): Readonly<Record<string, number | null>> {
  const descent = descentOf(solution);
  const reached = !endsEarly(solution);
  const finite = (values: readonly (number | null)[]) => values.filter((v): v is number => v !== null);
  return {
    ...(descent === null
      ? {}
      : {
          "E at 0": descent.energies[0],
          "E at T": reached ? descent.energies.at(-1)! : null,
          "I at 0": descent.dissipations[0],
          "I at T": reached ? descent.dissipations.at(-1)! : null,
          ...(reached ? {} : { "stopped at t": endOf(solution), "E there": descent.energies.at(-1)! }),
          "largest speed": finite(descent.speeds).length === 0 ? null : Math.max(...finite(descent.speeds)),
        }),
    ...(paths === null ? {} : { "chord ratio of paths": chordRatio(domain, paths) }),
  };
}

/** E|X_T − X₀| / E(length of the path), round periodic axes as far as the path goes; `null` where nothing moves. */
function chordRatio(domain: Domain, { count, dimension: d, times, positions }: Trajectories): number | null {
  const size = count * d;
  let chord = 0;
  let length = 0;
  const whole = new Float64Array(d);
  for (let i = 0; i < count; i++) {
    whole.fill(0);
    for (let k = 1; k < times.length; k++) {
      let square = 0;
      for (let a = 0; a < d; a++) {
        const at = k * size + i * d + a;
        const step = shortest(domain, a, positions[at] - positions[at - size]);
        whole[a] += step;
        square += step * step;
      }
      length += Math.sqrt(square);
    }
    chord += Math.hypot(...whole);
  }
  return length === 0 ? null : chord / length;
}
