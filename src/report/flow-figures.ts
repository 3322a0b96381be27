// The pictures of flows. One dimension: x over t. Two: the plane. More: the first two coordinates, and the caption says so.
import * as Plot from "@observablehq/plot";
import { generator } from "../random/index.js";
import { short } from "../short.js";
import type { Solution, Trajectories } from "../solution/index.js";
import {
  colours,
  contourPanels,
  coordinate,
  densityCurves,
  extent,
  faint,
  frameOf,
  heat,
  ink,
  lineData,
  panels,
  places,
  SIZE,
  type Solved,
  solvedRuns,
  svg,
  title,
} from "./figures.js";
import type { TransportLikeProblem } from "./flow-study.js";
import type { Run } from "./record.js";

/** Points of the target that nobody trained on, else fresh draws from it. */
function targetPoints(problem: TransportLikeProblem, most: number): Float64Array {
  return (problem.heldOut ?? problem.target.sample(most, generator(1).split("picture"))).points;
}

/** Paths of x₀ ↦ x_T, one panel a solver, over the held-out points. */
export function trajectoryFigure<P extends TransportLikeProblem>(problem: P, runs: readonly Run<P>[]): string {
  const solved = solvedRuns(runs);
  const start = problem.source.sample(96, generator(0).split("figure"));
  const all = solved.map((run) => run.solution.trajectories({ start, steps: 40 }));
  const colour = colours(runs.map((run) => run.solver.name));
  if (problem.dimension === 1) return timePanels(problem, solved, all, colour);
  const goal = places(problem, targetPoints(problem, 500), 500);
  const seen = [...goal, ...all.flatMap((paths) => places(problem, paths.positions, Infinity))];
  const frame = frameOf(problem, seen);
  return panels(
    solved.map((run, k) => {
      const paths = all[k];
      const lines = lineData(problem, paths);
      const size = paths.count * paths.dimension;
      const first = places(problem, paths.positions.subarray(0, size), Infinity);
      const last = places(problem, paths.positions.slice((paths.times.length - 1) * size), Infinity);
      return {
        title: title(run, colour),
        svg: svg({
          ...SIZE,
          x: { ...frame.x, grid: true },
          y: { ...frame.y, grid: true },
          marks: [
            Plot.dot(goal, { x: "x", y: "y", r: 2.6, stroke: faint, strokeOpacity: 0.8, strokeWidth: 0.8 }),
            Plot.line(lines, {
              x: "x",
              y: "y",
              z: "path",
              stroke: colour(run.solver.name),
              strokeOpacity: 0.45,
              strokeWidth: 0.9,
            }),
            Plot.dot(first, { x: "x", y: "y", r: 1.1, fill: ink, fillOpacity: 0.7 }),
            Plot.dot(last, { x: "x", y: "y", r: 2, fill: colour(run.solver.name) }),
          ],
        }),
      };
    }),
  );
}

function timePanels<P extends TransportLikeProblem>(
  problem: P,
  solved: readonly Solved<P>[],
  all: readonly Trajectories[],
  colour: (name: string) => string,
): string {
  const { label, offset, scale } = coordinate(problem, 0);
  const lines = all.map((paths) =>
    Array.from(paths.positions, (x, j) => ({
      t: paths.times[Math.floor(j / paths.count)],
      x: offset + scale * x,
      path: j % paths.count,
    })),
  );
  const goal = places(problem, targetPoints(problem, 300), 300).map((p) => ({ t: problem.horizon, x: p.x }));
  const domain = extent([...lines.flat().map((p) => p.x), ...goal.map((p) => p.x)]);
  return panels(
    solved.map((run, k) => ({
      title: title(run, colour),
      svg: svg({
        ...SIZE,
        x: { label: "t", domain: [0, problem.horizon * 1.04], type: "linear" },
        y: { label, domain, grid: true },
        marks: [
          Plot.line(lines[k], {
            x: "t",
            y: "x",
            z: "path",
            stroke: colour(run.solver.name),
            strokeOpacity: 0.45,
            strokeWidth: 0.9,
          }),
          Plot.dot(goal, { x: (p: { t: number }) => p.t * 1.025, y: "x", r: 1.6, stroke: faint, strokeOpacity: 0.6 }),
        ],
      }),
    })),
  );
}

/** ρ_t at five times, one row a solver: heat map for a density, points for a cloud. */
export function densityFigure<P extends TransportLikeProblem>(problem: P, runs: readonly Run<P>[]): string {
  const solved = solvedRuns(runs);
  const colour = colours(runs.map((run) => run.solver.name));
  const times = [0, 0.25, 0.5, 0.75, 1].map((share) => share * problem.horizon);
  const laws = solved.map((run) => times.map((t) => run.solution.density(t)));
  if (problem.dimension === 1) return densityCurves(problem, solved, times, laws, colour);
  const goal = places(problem, targetPoints(problem, 400), 400);
  const clouds = laws.flat().flatMap((law) => (law.kind === "cloud" ? places(problem, law.points, 400) : []));
  const start = places(problem, problem.source.sample(400, generator(0).split("figure")).points, 400);
  const frame = frameOf(problem, [...goal, ...clouds, ...start]);
  const rows = solved.map((run, r) => {
    const cells = times.map((t, k) => {
      const law = laws[r][k];
      const marks =
        law.kind === "density"
          ? [heat(problem, law, colour(run.solver.name))]
          : [
              Plot.dot(places(problem, law.points, 500), {
                x: "x",
                y: "y",
                r: 1.2,
                fill: colour(run.solver.name),
                fillOpacity: 0.55,
              }),
            ];
      const picture = svg({
        width: 190,
        height: 176,
        margin: 6,
        marginLeft: 6,
        marginBottom: 6,
        x: { domain: frame.x.domain, axis: null },
        y: { domain: frame.y.domain, axis: null },
        marks: [Plot.frame({ stroke: "#e2e8f0" }), ...marks],
      });
      return `<figure class="cell"><figcaption>t = ${short(t)}</figcaption>${picture}</figure>`;
    });
    return `<div class="strip"><h4>${title(run, colour)}</h4><div class="cells">${cells.join("")}</div></div>`;
  });
  return rows.join("");
}

/** U(0, ·) minus its mean over the source, one panel a solver, common colours and contours. */
export function potentialFigure<P extends TransportLikeProblem>(problem: P, runs: readonly Run<P>[]): string {
  const solved = solvedRuns(runs);
  const colour = colours(runs.map((run) => run.solver.name));
  const start = problem.source.sample(256, generator(0).split("figure")).points;
  const centre = (solution: Solution<P>) =>
    solution.value(0, start).reduce((sum, v) => sum + v / (start.length / problem.dimension), 0);
  if (problem.dimension === 1) return potentialCurves(problem, solved, centre, start, colour);
  if (problem.dimension > 2) return `<p class="note">The potential is pictured in one and two dimensions only.</p>`;
  const n = 56;
  const box = [0, 1].map((a) => extent(start.filter((_, i) => i % 2 === a)));
  const points = new Float64Array(2 * n * n);
  for (let j = 0; j < n; j++)
    for (let i = 0; i < n; i++) {
      points[2 * (j * n + i)] = box[0][0] + ((i + 0.5) / n) * (box[0][1] - box[0][0]);
      points[2 * (j * n + i) + 1] = box[1][0] + ((j + 0.5) / n) * (box[1][1] - box[1][0]);
    }
  const fields = solved.map((run) => {
    const shift = centre(run.solution);
    return run.solution.value(0, points).map((u) => u - shift);
  });
  const edge = (a: number): [number, number] => {
    const { offset, scale } = coordinate(problem, a);
    return [offset + scale * box[a][0], offset + scale * box[a][1]];
  };
  return contourPanels({
    problem,
    titles: solved.map((run) => title(run, colour)),
    fields,
    points: n,
    box: [edge(0), edge(1)],
    height: SIZE.height,
  });
}

function potentialCurves<P extends TransportLikeProblem>(
  problem: P,
  solved: readonly Solved<P>[],
  centre: (solution: Solution<P>) => number,
  start: Float64Array,
  colour: (name: string) => string,
): string {
  const { label, offset, scale } = coordinate(problem, 0);
  const [lower, upper] = extent(start);
  const x = Float64Array.from({ length: 200 }, (_, i) => lower + ((upper - lower) * i) / 199);
  const curves = solved.map((run) => {
    const shift = centre(run.solution);
    return Array.from(run.solution.value(0, x), (u, i) => ({ x: offset + scale * x[i], u: u - shift }));
  });
  const marks: Plot.Markish[] = solved.map((run, k) =>
    Plot.line(curves[k], { x: "x", y: "u", stroke: colour(run.solver.name), strokeWidth: 1.6, strokeOpacity: 0.85 }),
  );
  if (problem.exact !== null) {
    const at = problem.exact.potential(0, start);
    const shift = at.reduce((sum, v) => sum + v / at.length, 0);
    const exact = Array.from(problem.exact.potential(0, x), (u, i) => ({ x: offset + scale * x[i], u: u - shift }));
    marks.push(Plot.line(exact, { x: "x", y: "u", stroke: "black", strokeDasharray: "3,3", strokeWidth: 1 }));
  }
  const legend =
    solved.map((run) => title(run, colour)).join(" &nbsp; ") + (problem.exact ? " &nbsp; ┄ closed form" : "");
  return panels([
    { title: legend, svg: svg({ ...SIZE, width: 560, x: { label }, y: { label: "U(0, x)", grid: true }, marks }) },
  ]);
}

/** |v| along the paths divided by its mean over time: a straight uniform path is a horizontal line at 1. */
export function speedFigure<P extends TransportLikeProblem>(problem: P, runs: readonly Run<P>[]): string {
  const solved = solvedRuns(runs);
  const colour = colours(runs.map((run) => run.solver.name));
  const start = problem.source.sample(128, generator(0).split("figure"));
  const data = solved.flatMap((run) => {
    const paths = run.solution.trajectories({ start, steps: 40 });
    return relativeSpeeds(paths).map((row) => ({ ...row, solver: run.solver.name }));
  });
  const top = Math.max(1.2, ...data.map((row) => row.upper)) * 1.02;
  return panels([
    {
      title: solved.map((run) => title(run, colour)).join(" &nbsp; "),
      svg: svg({
        width: 700,
        height: 230,
        marginLeft: 46,
        x: { label: "t", domain: [0, problem.horizon] },
        y: { label: "|v| / mean |v| of its path", domain: [0, top], grid: true },
        marks: [
          Plot.ruleY([1], { stroke: faint, strokeDasharray: "3,3" }),
          Plot.areaY(data, {
            x: "t",
            y1: "lower",
            y2: "upper",
            z: "solver",
            fill: (row) => colour(row.solver),
            fillOpacity: 0.16,
          }),
          Plot.line(data, { x: "t", y: "middle", z: "solver", stroke: (row) => colour(row.solver), strokeWidth: 1.6 }),
        ],
      }),
    },
  ]);
}

/** 5 %, 50 % and 95 % quantiles over paths of the speed relative to the path's own mean. */
function relativeSpeeds(paths: Trajectories): { t: number; lower: number; middle: number; upper: number }[] {
  const { count: n, dimension: d, times, positions } = paths;
  const steps = times.length - 1;
  const speeds = Array.from({ length: n }, (_, i) => {
    const own = Array.from({ length: steps }, (_, k) => {
      let sum = 0;
      for (let a = 0; a < d; a++) sum += (positions[((k + 1) * n + i) * d + a] - positions[(k * n + i) * d + a]) ** 2;
      return Math.sqrt(sum) / (times[k + 1] - times[k]);
    });
    const mean = own.reduce((a, b) => a + b, 0) / steps;
    return own.map((s) => s / mean);
  }).filter((own) => own.every(Number.isFinite)); // a path at rest has no relative speed
  if (speeds.length === 0) return [];
  return Array.from({ length: steps }, (_, k) => {
    const sorted = speeds.map((own) => own[k]).sort((a, b) => a - b);
    const at = (q: number) => sorted[Math.round(q * (sorted.length - 1))];
    return { t: (times[k] + times[k + 1]) / 2, lower: at(0.05), middle: at(0.5), upper: at(0.95) };
  });
}
