// The pictures of densities that evolve on a domain: energy, dissipation and distances over time, the density itself, the paths of its mass,
// the first variation of the energy. One dimension: profiles, and x over t. Two: the plane, obstacles in grey. Three: the first two coordinates.
import * as Plot from "@observablehq/plot";
import { integrate } from "../grid/index.js";
import { type Cloud, cloud, type Density, type Distribution, densityOfFunction, massOf } from "../measure/index.js";
import { generator } from "../random/index.js";
import { short } from "../short.js";
import type { Solution, Trajectories } from "../solution/index.js";
import { isDescent, keepsSlabs } from "../verify/index.js";
import { descentOf, type EvolvingProblem, endOf, endsEarly, targetOf } from "./density-study.js";
import {
  boxOf,
  high,
  lawStrip,
  midpoints,
  pathsPanel,
  plane,
  planeHeight,
  scenery,
  timePanel,
  wholeBox,
} from "./domain-figures.js";
import {
  colours,
  contourPanels,
  coordinate,
  extent,
  faint,
  ink,
  type Panel,
  panels,
  SIZE,
  type Solved,
  solvedRuns,
  svg,
  title,
} from "./figures.js";
import type { Run, StudyRecord } from "./record.js";

const SHARES = [0, 0.25, 0.5, 0.75, 1];
/** Profiles stand in two rows of three. */
const PROFILE_SHARES = [0, 0.1, 0.25, 0.5, 0.75, 1];
const PATHS = 40;
const DASHED = { stroke: "black", strokeDasharray: "3,3", strokeWidth: 1 };

const timesOf = (problem: EvolvingProblem): number[] => SHARES.map((share) => share * problem.horizon);

interface Curve {
  readonly t: number;
  readonly v: number;
}

/** Ends of an axis for values: from 0 where none is negative, else a little beyond them. */
export function range(values: readonly number[]): [number, number] {
  const low = Math.min(...values);
  const top = Math.max(...values);
  if (low >= 0) return [0, 1.05 * top || 1];
  const margin = 0.05 * (top - low) || Math.abs(low);
  return [low - margin, top + margin];
}

/** A dashed line across a panel. */
interface Limit {
  readonly v: number;
  readonly stroke: string;
}

/** A dashed line in a legend; drawn, as few fonts have one. */
const dash = (stroke: string) => `<i class="dash" style="border-color:${stroke}"></i>`;

/** E, I, largest speed, and distances to the target over time; closed forms dashed. */
export function courseFigure<P extends EvolvingProblem>(
  problem: P,
  runs: readonly Run<P>[],
  study: StudyRecord,
): string {
  const solved = solvedRuns(runs);
  const colour = colours(runs.map((run) => run.solver.name));
  const T = problem.horizon;
  const curve = (times: ArrayLike<number>, values: readonly (number | null)[]): Curve[] =>
    values.flatMap((v, k) => (v === null || !Number.isFinite(v) ? [] : [{ t: times[k], v }]));
  const kept = (of: "energies" | "dissipations" | "speeds") =>
    solved.map((run) => {
      const descent = descentOf(run.solution);
      return { solver: run.solver.name, data: descent === null ? [] : curve(descent.times, descent[of]) };
    });
  const energy = isDescent(problem) ? (problem.exact?.energy ?? null) : null;
  const grid = Array.from({ length: 101 }, (_, k) => (k / 100) * T);
  const eps = T / 1000;
  const slope = (t: number): number => {
    const [a, b] = [Math.max(0, t - eps), Math.min(T, t + eps)];
    return (energy!(a) - energy!(b)) / (b - a);
  };
  const bound = isDescent(problem)
    ? (problem.energy.divergence?.lipschitz ?? (problem.energy.transport?.order === 1 ? 1 : Infinity))
    : Infinity;
  const series = [...new Set(study.runs.flatMap((run) => run.series.map((s) => s.name)))];
  const all: { name: string; data: { solver: string; data: Curve[] }[]; exact: Curve[] | null; limits: Limit[] }[] = [
    {
      name: "E, each solver's own",
      data: kept("energies"),
      exact: energy === null ? null : grid.map((t) => ({ t, v: energy(t) })),
      limits: [],
    },
    {
      name: "I = ∫ρ|v|²",
      data: kept("dissipations"),
      exact: energy === null ? null : grid.map((t) => ({ t, v: slope(t) })),
      limits: [],
    },
    { name: "largest speed", data: kept("speeds"), exact: null, limits: [{ v: bound, stroke: faint }] },
    ...series.map((name) => ({
      name,
      data: study.runs.map((run) => {
        const own = run.series.find((s) => s.name === name);
        return { solver: run.solver, data: own === undefined ? [] : curve(own.times, own.values) };
      }),
      exact: null,
      limits: study.runs.flatMap((run) => {
        const v = run.series.find((s) => s.name === name)?.floor ?? null;
        return v === null ? [] : [{ v, stroke: colour(run.solver) }];
      }),
    })),
  ].filter(({ data }) => data.some((row) => row.data.length > 1));
  const drawn = new Set<Limit>();
  const list = all.map(({ name, data, exact, limits }): Panel => {
    const values = [...data.flatMap((row) => row.data.map((p) => p.v)), ...(exact ?? []).map((p) => p.v)];
    const shown = limits.filter(({ v }) => v < 4 * Math.max(...values));
    for (const limit of shown) drawn.add(limit);
    return {
      title: name,
      svg: svg({
        ...SIZE,
        height: 220,
        marginLeft: 52,
        x: { label: "t", domain: [0, T], type: "linear" },
        y: {
          label: null,
          domain: range([...values, ...shown.map(({ v }) => v)]),
          grid: true,
          tickFormat: short,
          ticks: 5,
        },
        marks: [
          ...shown.map(({ v, stroke }) => Plot.ruleY([v], { stroke, strokeDasharray: "6,3", strokeOpacity: 0.7 })),
          ...data.map(({ solver, data: points }) =>
            Plot.line(points, { x: "t", y: "v", stroke: colour(solver), strokeWidth: 1.5, strokeOpacity: 0.9 }),
          ),
          ...(exact === null ? [] : [Plot.line(exact, { x: "t", y: "v", ...DASHED })]),
        ],
      }),
    };
  });
  if (list.length === 0) return "";
  const legend = solved.map((run) => title(run, colour)).join(" &nbsp; ");
  const has = (what: (limit: Limit) => boolean) => [...drawn].some(what);
  const marks = [
    energy === null ? "" : ` &nbsp; ${dash("black")}closed form`,
    has(({ v }) => v === bound) ? ` &nbsp; ${dash(faint)}bound by L = ${short(bound)}` : "",
    has(({ v }) => v !== bound) ? ` &nbsp; ${dash(ink)}W₂ that chance alone makes` : "",
  ];
  return `<p class="legend">${legend}${marks.join("")}</p>${panels(list, "three")}`;
}

/** Those of the times that a solution has; one that stopped early knows no later law. */
const known = (solution: Solution, times: readonly number[]): number[] =>
  times.filter((t) => !endsEarly(solution) || t <= endOf(solution)).map((t) => Math.min(t, endOf(solution)));

/** ρ at five times: profiles and the (t, x) plane in one dimension, else one row a solver, the target's above. */
export function evolutionFigure<P extends EvolvingProblem>(problem: P, runs: readonly Run<P>[]): string {
  const solved = solvedRuns(runs);
  const colour = colours(runs.map((run) => run.solver.name));
  if (problem.dimension === 1) return profiles(problem, solved, colour) + spaceTime(problem, solved, colour);
  const laws = solved.map((run) =>
    known(run.solution, timesOf(problem)).map((t) => plane(problem, run.solution.density(t))),
  );
  const sampler = targetOf(problem)?.distribution ?? null;
  const goal = sampler === null ? null : pictured(sampler);
  const box = boxOf(problem, [...laws.flat(), ...(goal === null ? [] : [goal])]);
  const captions = timesOf(problem).map((t) => `t = ${short(t)}`);
  const rows = solved.map((run, r) =>
    lawStrip(problem, { title: title(run, colour), colour: colour(run.solver.name), laws: laws[r], captions, box }),
  );
  if (goal !== null)
    rows.push(
      lawStrip(problem, {
        title: "target",
        colour: ink,
        laws: [goal],
        captions: [`${Math.min(600, goal.count)} points of Q`],
        box,
      }),
    );
  return rows.join("");
}

/** Paths of the mass, Ẋ = v (with the equation's noise where it has some). */
export function massPathsFigure<P extends EvolvingProblem>(problem: P, runs: readonly Run<P>[]): string {
  if (problem.dimension === 1) return "";
  const colour = colours(runs.map((run) => run.solver.name));
  const solved = solvedRuns(runs);
  const all = commonPaths(problem, solved, 60);
  const box = boxOf(
    problem,
    all.map((paths) => cloud(paths.positions, paths.dimension)),
  );
  return panels(solved.map((run, r) => pathsPanel(problem, title(run, colour), colour(run.solver.name), all[r], box)));
}

/** Paths of every solver from the first one's starting points. */
function commonPaths<P extends EvolvingProblem>(
  problem: P,
  solved: readonly Solved<P>[],
  steps: number,
): readonly Trajectories[] {
  if (solved.length === 0) return [];
  const d = problem.dimension;
  const first = solved[0].solution.trajectories({ count: PATHS, steps, seed: 0 });
  const start = cloud(first.positions.slice(0, first.count * d), d);
  return solved.map((run, r) => (r === 0 ? first : run.solution.trajectories({ start, steps, seed: 0 })));
}

/** δE/δρ at T/2 up to a constant, curves in one dimension, contours in two. */
export function variationFigure<P extends EvolvingProblem>(problem: P, runs: readonly Run<P>[]): string {
  const solved = solvedRuns(runs).filter((run) => endOf(run.solution) >= problem.horizon / 2);
  const colour = colours(runs.map((run) => run.solver.name));
  const d = problem.dimension;
  if (solved.length === 0) return `<p class="note">No solver came to T/2.</p>`;
  if (d > 2) return `<p class="note">The first variation is pictured in one and two dimensions only.</p>`;
  const n = d === 1 ? 241 : 64;
  const { obstacle } = problem.domain;
  const points = midpoints(problem.domain, n);
  const fields = solved.map((run) => {
    const field = run.solution.value(problem.horizon / 2, points);
    if (obstacle !== null)
      for (let k = 0; k < field.length; k++) if (obstacle(points.subarray(k * d, (k + 1) * d))) field[k] = Number.NaN;
    const finite = field.filter(Number.isFinite);
    const shift = finite.reduce((a, b) => a + b, 0) / finite.length;
    return field.map((v) => v - shift);
  });
  if (d === 2)
    return contourPanels({
      problem,
      titles: solved.map((run) => title(run, colour)),
      fields,
      points: n,
      box: wholeBox(problem),
      height: planeHeight(problem),
      over: scenery(problem),
    });
  const { label, offset, scale } = coordinate(problem, 0);
  return panels([
    {
      title: solved.map((run) => title(run, colour)).join(" &nbsp; "),
      svg: svg({
        ...SIZE,
        width: 560,
        x: { label },
        y: { label: "δE/δρ at T/2", grid: true },
        marks: solved.map((run, r) =>
          Plot.line(
            Array.from(fields[r], (u, i) => ({ x: offset + scale * points[i], u })),
            { x: "x", y: "u", stroke: colour(run.solver.name), strokeWidth: 1.6, strokeOpacity: 0.85 },
          ),
        ),
      }),
    },
  ]);
}

/** Bars of a cloud's histogram. */
interface Bar {
  readonly x1: number;
  readonly x2: number;
  readonly v: number;
}

const BINS = 40;

/** ρ(t, x) at five times, in the solver's unit: lines for densities, histograms for clouds, the closed form dashed, the target grey. */
function profiles<P extends EvolvingProblem>(
  problem: P,
  solved: readonly Solved<P>[],
  colour: (name: string) => string,
): string {
  const { label, offset, scale } = coordinate(problem, 0);
  const x = (v: number) => offset + scale * v;
  const times = PROFILE_SHARES.map((share) => share * problem.horizon);
  const laws = solved.map((run) => known(run.solution, times).map((t) => run.solution.density(t)));
  const reach = (law: Density | Cloud): number[] =>
    law.kind === "cloud"
      ? Array.from(law.points)
      : (law.grid.axes[0].nodes.filter((_, i) => law.values[i] > 1e-3 * high(law)) as unknown as number[]);
  const goal = lawOfTarget(problem);
  const [low, top] = extent(
    [...laws.flat(), ...(goal === null ? [] : [goal])].flatMap((law) => Array.from(reach(law))),
  );
  const inside: [number, number] = [Math.max(low, problem.domain.lower[0]), Math.min(top, problem.domain.upper[0])];
  const total = massOf(problem);
  const bars = (law: Cloud): Bar[] => {
    const width = (inside[1] - inside[0]) / BINS;
    const mass = new Float64Array(BINS);
    for (let i = 0; i < law.count; i++) {
      const k = Math.floor((law.points[i] - inside[0]) / width);
      if (k >= 0 && k < BINS) mass[k] += total * (law.weights === null ? 1 / law.count : law.weights[i]);
    }
    return Array.from(mass, (m, k) => ({
      x1: x(inside[0] + k * width),
      x2: x(inside[0] + (k + 1) * width),
      v: m / width,
    }));
  };
  const fine = Float64Array.from({ length: 401 }, (_, i) => inside[0] + (i / 400) * (inside[1] - inside[0]));
  const along = (values: Float64Array) => Array.from(values, (v, i) => ({ x: x(fine[i]), v }));
  const curve = (law: Density) => {
    const { nodes } = law.grid.axes[0];
    return Array.from(law.values, (v, i) => ({ x: x(nodes[i]), v })).filter(
      (_, i) => nodes[i] >= inside[0] && nodes[i] <= inside[1],
    );
  };
  const exact = problem.exact?.density ?? null;
  // One scale for all times, unless the first profile would flatten the others.
  const peaks = times.flatMap((_, k) => {
    const here = laws.flatMap((row) => (row[k]?.kind === "density" ? [high(row[k])] : []));
    return here.length === 0 ? [] : [Math.max(...here)];
  });
  const common = peaks.length > 0 && Math.max(...peaks) < 3 * Math.min(...peaks);
  const ceiling = common ? 1.25 * Math.max(...peaks) : Infinity;
  const histograms = laws.map((row) => row.map((law) => (law.kind === "cloud" ? bars(law) : null)));
  const tallest = Math.max(0, ...histograms.flat().flatMap((row) => (row ?? []).map((bar) => bar.v)));
  const some = (kind: "density" | "cloud") => laws.flat().some((law) => law.kind === kind);
  const key = [
    ...(some("density") ? ["lines: densities"] : []),
    ...(some("cloud") ? ["bars: how many particles"] : []),
    ...(tallest > ceiling ? [`triangles: bars that go on, up to ${short(tallest)}`] : []),
    ...(goal === null ? [] : ["grey: the target"]),
    ...(exact === null ? [] : ["dashed: the closed form"]),
  ];
  const pictures = panels(
    times.map((t, k) => ({
      title: `t = ${short(t)}`,
      svg: svg({
        ...SIZE,
        height: 230,
        x: { label, domain: [x(inside[0]), x(inside[1])].sort((a, b) => a - b) },
        y: {
          label: "ρ",
          grid: true,
          ...(common ? { domain: [0, ceiling], clamp: true } : { zero: true }),
        },
        marks: [
          ...(goal === null
            ? []
            : goal.kind === "cloud"
              ? [Plot.rectY(bars(goal), { x1: "x1", x2: "x2", y: "v", fill: faint, fillOpacity: 0.22 })]
              : [Plot.areaY(curve(goal), { x: "x", y: "v", fill: faint, fillOpacity: 0.22 })]),
          ...solved.flatMap((run, r) => {
            const law = laws[r].at(k);
            if (law === undefined) return [];
            const stroke = colour(run.solver.name);
            if (law.kind === "cloud") {
              const row = histograms[r][k] as Bar[];
              return [
                Plot.rectY(row, { x1: "x1", x2: "x2", y: "v", fill: stroke, fillOpacity: 0.28 }),
                Plot.dot(
                  row.filter((bar) => bar.v > ceiling),
                  { x: (bar) => (bar.x1 + bar.x2) / 2, y: ceiling, symbol: "triangle", r: 3, fill: stroke, dy: -3 },
                ),
              ];
            }
            return [Plot.line(curve(law), { x: "x", y: "v", stroke, strokeWidth: 1.6, strokeOpacity: 0.9 })];
          }),
          ...(exact === null ? [] : [Plot.line(along(exact(t, fine)), { x: "x", y: "v", ...DASHED })]),
        ],
      }),
    })),
    "three",
  );
  return `<p class="legend">${key.join(" &nbsp; ")}</p>${pictures}`;
}

/** The target as a density of the flow's mass, which one given by a formula need not have, or else as points. */
function lawOfTarget(problem: EvolvingProblem): Density | Cloud | null {
  const target = targetOf(problem);
  if (target === null) return null;
  const { density, distribution } = target;
  if (density !== null) {
    const law = densityOfFunction(problem.domain, (v) => density.evaluate(0, v));
    const mass = integrate(law.grid, law.values);
    if (mass > 0) return { ...law, values: law.values.map((v) => (v * massOf(problem)) / mass) };
  }
  return distribution === null ? null : pictured(distribution);
}

/** Points of a law: its data, or draws. */
function pictured(law: Distribution): Cloud {
  return law.data ?? law.sample(600, generator(1).split("picture"));
}

/** The density over the (t, x) plane with paths of the mass. */
function spaceTime<P extends EvolvingProblem>(
  problem: P,
  solved: readonly Solved<P>[],
  colour: (name: string) => string,
): string {
  const paths = commonPaths(problem, solved, 100);
  return panels(
    solved.map((run, r) => {
      const solution: Solution = run.solution;
      const slabs = keepsSlabs(solution) ? { times: solution.times, values: solution.slabs } : null;
      return timePanel(problem, title(run, colour), colour(run.solver.name), paths[r], slabs);
    }),
  );
}
