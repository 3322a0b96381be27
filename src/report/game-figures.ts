// The pictures of mean-field games: the crowd over time, agents on their way (with their noise), and the value at t = 0. One
// dimension: x over t. Two: the plane, obstacles in grey, doors in green. More: the first two coordinates.
import * as Plot from "@observablehq/plot";
import type { Domain } from "../grid/index.js";
import type { Cloud, Density } from "../measure/index.js";
import type { Problem } from "../problem.js";
import type { GameSolution } from "../solution/index.js";
import type { GameLike } from "../verify/index.js";
import {
  colours,
  coordinate,
  densityCurves,
  escapeHtml,
  extent,
  faint,
  heat,
  image,
  ink,
  type Panel,
  panels,
  places,
  SIZE,
  type Solved,
  solvedRuns,
  svg,
  title,
} from "./figures.js";
import { asGame } from "./game-study.js";
import { encodePng } from "./png.js";
import type { Run } from "./record.js";

type Edges = [number, number];
const PATHS = 30;

/** Times that are pictured. */
function times(problem: GameLike): number[] {
  return problem.mode === "ergodic" ? [0] : [0, 0.25, 0.5, 0.75, 1].map((share) => share * problem.horizon);
}

/** Ends of an axis in the person's coordinates. */
function edges(problem: GameLike, a: number): Edges {
  const { offset, scale } = coordinate(problem as Problem, a);
  const ends = [problem.domain.lower[a], problem.domain.upper[a]].map((v) => offset + scale * v);
  return [Math.min(...ends), Math.max(...ends)];
}

/** Solver and, where there are several, population. */
function label(problem: GameLike, run: Solved<GameLike>, k: number, colour: (name: string) => string): string {
  const name = problem.populations.length === 1 ? "" : ` · ${escapeHtml(problem.populations[k].name)}`;
  return title(run, colour) + name;
}

/** m(t) at five times, one row for each solver and population; in one dimension over the (t, x) plane with some paths. */
export function crowdFigure<P extends GameLike>(problem: P, runs: readonly Run<P>[]): string {
  const solved = solvedRuns(runs);
  const colour = colours(runs.map((run) => run.solver.name));
  if (problem.dimension === 1) return spaceTime(problem, solved, colour) + curves(problem, solved, colour);
  const rows = solved.flatMap((run) =>
    [...problem.populations.keys()].map((k) => {
      const solution = asGame(run.solution);
      const laws = times(problem).map((t) => plane(problem, solution.density(t, k)));
      // One scale for the row: the crowd thins out visibly.
      const top = Math.max(...laws.map((law) => (law.kind === "density" ? high(law) : 0)));
      const cells = laws.map((law, n) => {
        const marks =
          law.kind === "density"
            ? [heat(problem, law, colour(run.solver.name), top)]
            : [
                Plot.dot(places(problem, everyFew(law.points, problem.dimension, 600), 600), {
                  x: "x",
                  y: "y",
                  r: 1.2,
                  fill: colour(run.solver.name),
                  fillOpacity: 0.5,
                }),
              ];
        return `<figure class="cell"><figcaption>${problem.mode === "ergodic" ? "stationary" : `t = ${Number(times(problem)[n].toPrecision(3))}`}</figcaption>${svg(
          {
            ...planeFrame(problem, problem.mode === "ergodic" ? 330 : 190),
            marks: [Plot.frame({ stroke: "#e2e8f0" }), ...marks, ...scenery(problem)],
          },
        )}</figure>`;
      });
      return `<div class="strip"><h4>${label(problem, run, k, colour)}</h4><div class="cells">${cells.join("")}</div></div>`;
    }),
  );
  return rows.join("");
}

/** Agents on their way, with their noise. */
export function agentsFigure<P extends GameLike>(problem: P, runs: readonly Run<P>[]): string {
  if (problem.dimension === 1) return "";
  const solved = solvedRuns(runs);
  const colour = colours(runs.map((run) => run.solver.name));
  const list: Panel[] = solved.flatMap((run) =>
    [...problem.populations.keys()].map((k) => {
      const paths = asGame(run.solution).trajectories({ count: PATHS, steps: 60, seed: 0, population: k });
      const size = paths.count * paths.dimension;
      const last = (paths.times.length - 1) * size;
      return {
        title: label(problem, run, k, colour),
        svg: svg({
          ...SIZE,
          height: Math.max(130, Math.min(420, 60 + (270 * span(problem, 1)) / span(problem, 0))),
          x: { label: coordinate(problem, 0).label, domain: edges(problem, 0) },
          y: { label: coordinate(problem, 1).label, domain: edges(problem, 1) },
          marks: [
            Plot.frame({ stroke: "#e2e8f0" }),
            ...scenery(problem),
            Plot.line(lines(problem, paths), {
              x: "x",
              y: "y",
              z: "line",
              stroke: colour(run.solver.name),
              strokeOpacity: 0.4,
              strokeWidth: 0.8,
            }),
            Plot.dot(places(problem, paths.positions.subarray(0, size), PATHS), { x: "x", y: "y", r: 1.2, fill: ink }),
            Plot.dot(places(problem, paths.positions.slice(last), PATHS), {
              x: "x",
              y: "y",
              r: 2.2,
              fill: colour(run.solver.name),
            }),
          ],
        }),
      };
    }),
  );
  return panels(list);
}

/** u(0, ·), one panel for each solver and population, common colours; curves in one dimension. */
export function valueFigure<P extends GameLike>(problem: P, runs: readonly Run<P>[]): string {
  const solved = solvedRuns(runs);
  const colour = colours(runs.map((run) => run.solver.name));
  const d = problem.dimension;
  if (d > 2) return `<p class="note">The value is pictured in one and two dimensions only.</p>`;
  const n = d === 1 ? 201 : 64;
  const { lower, upper } = problem.domain;
  const at = (a: number, i: number) => lower[a] + ((i + 0.5) / n) * (upper[a] - lower[a]);
  const points = new Float64Array(d === 1 ? n : 2 * n * n);
  if (d === 1) for (let i = 0; i < n; i++) points[i] = at(0, i);
  else
    for (let j = 0; j < n; j++)
      for (let i = 0; i < n; i++) {
        points[2 * (j * n + i)] = at(0, i);
        points[2 * (j * n + i) + 1] = at(1, j);
      }
  const free = problem.mode !== "time-dependent";
  const centred = (u: Float64Array) => {
    const shift = free ? u.reduce((a, b) => a + b, 0) / u.length : 0;
    return u.map((v) => v - shift);
  };
  return [...problem.populations.keys()]
    .map((k) => {
      const fields = solved.map((run) => centred(asGame(run.solution).value(0, points, k)));
      const of = problem.populations.length === 1 ? "" : ` of ${problem.populations[k].name}`;
      if (d === 1) {
        const { label: name, offset, scale } = coordinate(problem, 0);
        const row = (u: Float64Array) => Array.from(u, (v, i) => ({ x: offset + scale * points[i], u: v }));
        const marks: Plot.Markish[] = solved.map((run, r) =>
          Plot.line(row(fields[r]), {
            x: "x",
            y: "u",
            stroke: colour(run.solver.name),
            strokeWidth: 1.6,
            strokeOpacity: 0.85,
          }),
        );
        if (problem.exact !== null)
          marks.push(
            Plot.line(row(centred(problem.exact.value(0, points, k))), {
              x: "x",
              y: "u",
              stroke: "black",
              strokeDasharray: "3,3",
              strokeWidth: 1,
            }),
          );
        const legend =
          solved.map((run) => title(run, colour)).join(" &nbsp; ") + (problem.exact ? " &nbsp; ┄ closed form" : "");
        return panels([
          {
            title: legend,
            svg: svg({ ...SIZE, width: 560, x: { label: name }, y: { label: `u(0, x)${of}`, grid: true }, marks }),
          },
        ]);
      }
      const [low, top] = extent(fields.flatMap((f) => Array.from(f).filter(Number.isFinite)));
      return panels(
        solved.map((run, r) => ({
          title: label(problem, run, k, colour),
          svg: svg({
            ...SIZE,
            height: Math.max(130, Math.min(420, 60 + (270 * span(problem, 1)) / span(problem, 0))),
            x: { label: coordinate(problem, 0).label, domain: edges(problem, 0) },
            y: { label: coordinate(problem, 1).label, domain: edges(problem, 1) },
            color: { scheme: "YlGnBu", domain: [low, top], type: "linear" },
            marks: [
              Plot.contour(Array.from(fields[r]), {
                width: n,
                height: n,
                x1: edges(problem, 0)[0],
                x2: edges(problem, 0)[1],
                y1: edges(problem, 1)[0],
                y2: edges(problem, 1)[1],
                thresholds: Array.from({ length: 14 }, (_, i) => low + (i * (top - low)) / 14),
                fill: Plot.identity,
                stroke: "white",
                strokeWidth: 0.6,
              } as Plot.ContourOptions),
              ...scenery(problem),
            ],
          }),
        })),
      );
    })
    .join("");
}

function span(problem: GameLike, a: number): number {
  const [low, top] = edges(problem, a);
  return top - low;
}

/** Size and axes of a small plane picture with the domain's proportions. */
function planeFrame(problem: GameLike, width: number): Plot.PlotOptions {
  const height = Math.max(60, Math.min(1.9 * width, (width * span(problem, 1)) / span(problem, 0)));
  return {
    width,
    height,
    margin: 3,
    x: { domain: edges(problem, 0), axis: null },
    y: { domain: edges(problem, 1), axis: null },
  };
}

/** At most `most` points, evenly from the whole cloud: the first ones may be those of one corner. */
function everyFew(points: Float64Array, d: number, most: number): Float64Array {
  const n = points.length / d;
  const stride = Math.max(1, n / most);
  const count = Math.floor(n / stride);
  const out = new Float64Array(count * d);
  for (let i = 0; i < count; i++) {
    const from = Math.floor(i * stride) * d;
    out.set(points.subarray(from, from + d), i * d);
  }
  return out;
}

/** 99.5 % quantile of the positive values. */
function high(law: Density): number {
  const positive = law.values.filter((v) => v > 0).sort();
  return positive[Math.floor(0.995 * (positive.length - 1))] || 1;
}

/** A density of three coordinates, summed over the third. */
function plane(problem: GameLike, law: Density | Cloud): Density | Cloud {
  if (law.kind === "cloud" || problem.dimension === 2) return law;
  const { grid: g, values } = law;
  const [nx, ny, nz] = g.shape;
  const h = g.axes[2].spacing;
  const marginal = new Float64Array(nx * ny);
  for (let i = 0; i < values.length; i++) marginal[Math.floor(i / nz)] += h * values[i];
  return {
    kind: "density",
    grid: {
      ...g,
      dimension: 2,
      axes: g.axes.slice(0, 2),
      shape: [nx, ny],
      strides: [ny, 1],
      size: nx * ny,
      cellVolume: g.cellVolume / h,
    },
    values: marginal,
  };
}

/** Obstacles as a grey raster, doors as green lines. */
function scenery(problem: GameLike): Plot.Markish[] {
  const { domain } = problem;
  if (problem.dimension !== 2) return [];
  const marks: Plot.Markish[] = [];
  if (domain.obstacle !== null) marks.push(raster(problem, domain));
  const [c0, c1] = [coordinate(problem, 0), coordinate(problem, 1)];
  for (const door of domain.doors) {
    const wall = door.side === "lower" ? domain.lower[door.axis] : domain.upper[door.axis];
    const corners = [door.from[0], door.to[0]].map((v) => (door.axis === 0 ? [wall, v] : [v, wall]));
    marks.push(
      Plot.line(
        corners.map(([x, y]) => ({ x: c0.offset + c0.scale * x, y: c1.offset + c1.scale * y })),
        { x: "x", y: "y", stroke: "#16a34a", strokeWidth: 4 },
      ),
    );
  }
  return marks;
}

function raster(problem: GameLike, domain: Domain): Plot.Markish {
  const n = 160;
  const rgba = new Uint8Array(4 * n * n);
  const x = new Float64Array(2);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      x[0] = domain.lower[0] + ((i + 0.5) / n) * (domain.upper[0] - domain.lower[0]);
      x[1] = domain.lower[1] + ((j + 0.5) / n) * (domain.upper[1] - domain.lower[1]);
      if (domain.obstacle?.(x)) rgba.set([100, 116, 139, 255], 4 * ((n - 1 - j) * n + i));
    }
  const [x1, x2] = edges(problem, 0);
  const [y1, y2] = edges(problem, 1);
  return image({ x1, x2, y1, y2 }, `data:image/png;base64,${encodePng(n, n, rgba).toString("base64")}`);
}

/** Paths as polylines in the person's coordinates; a path that crosses a seam is a new line. */
function lines(
  problem: GameLike,
  paths: ReturnType<GameSolution["trajectories"]>,
): { x: number; y: number; line: string }[] {
  const { count, dimension: d, times: t, positions } = paths;
  const { domain } = problem;
  const piece = new Int32Array(count);
  const out: { x: number; y: number; line: string }[] = [];
  for (let n = 0; n < t.length; n++) {
    const now = places(problem, positions.subarray(n * count * d, (n + 1) * count * d), count);
    now.forEach((p, i) => {
      for (let a = 0; n > 0 && a < Math.min(2, d); a++) {
        const step = positions[(n * count + i) * d + a] - positions[((n - 1) * count + i) * d + a];
        if (domain.ends[a] === "periodic" && Math.abs(step) > (domain.upper[a] - domain.lower[a]) / 2) piece[i]++;
      }
      out.push({ ...p, line: `${i}/${piece[i]}` });
    });
  }
  return out;
}

/** One dimension: the density over the (t, x) plane, with a few agents. */
function spaceTime<P extends GameLike>(
  problem: P,
  solved: readonly Solved<P>[],
  colour: (name: string) => string,
): string {
  if (problem.mode === "ergodic") return "";
  const { label: name, offset, scale } = coordinate(problem, 0);
  const T = problem.horizon;
  const list: Panel[] = solved.flatMap((run) =>
    [...problem.populations.keys()].map((k) => {
      const solution = asGame(run.solution);
      const paths = solution.trajectories({ count: 24, steps: 100, seed: 0, population: k });
      const piece = new Int32Array(paths.count);
      const half = (problem.domain.upper[0] - problem.domain.lower[0]) / 2;
      const wraps = problem.domain.ends[0] === "periodic";
      const agents = Array.from(paths.positions, (x, j) => {
        const i = j % paths.count;
        if (wraps && j >= paths.count && Math.abs(x - paths.positions[j - paths.count]) > half) piece[i]++;
        return { t: paths.times[Math.floor(j / paths.count)], x: offset + scale * x, line: `${i}/${piece[i]}` };
      });
      const { fields } = solution;
      const background = fields === null ? [] : [timeHeat(problem, fields.density[k], colour(run.solver.name))];
      return {
        title: label(problem, run, k, colour),
        svg: svg({
          ...SIZE,
          x: { label: "t", domain: [0, T], type: "linear" },
          y: { label: name, domain: edges(problem, 0) },
          marks: [
            ...background,
            Plot.line(agents, { x: "t", y: "x", z: "line", stroke: ink, strokeOpacity: 0.5, strokeWidth: 0.6 }),
            Plot.frame({ stroke: faint }),
          ],
        }),
      };
    }),
  );
  return panels(list);
}

function timeHeat(problem: GameLike, slabs: readonly Float64Array[], colour: string): Plot.Markish {
  const n = slabs[0].length;
  const steps = slabs.length - 1;
  const all = slabs.map((m) => Math.max(...m));
  const top = Math.max(...all) || 1;
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  const rgba = new Uint8Array(4 * steps * n);
  for (let s = 0; s < steps; s++)
    for (let i = 0; i < n; i++) {
      const strength = Math.sqrt(Math.min(1, Math.max(0, (slabs[s][i] + slabs[s + 1][i]) / 2 / top)));
      rgba.set([r, g, b, Math.round(230 * strength)], 4 * ((n - 1 - i) * steps + s));
    }
  const [y1, y2] = edges(problem, 0);
  return image(
    { x1: 0, x2: problem.horizon, y1, y2 },
    `data:image/png;base64,${encodePng(steps, n, rgba).toString("base64")}`,
  );
}

function curves<P extends GameLike>(
  problem: P,
  solved: readonly Solved<P>[],
  colour: (name: string) => string,
): string {
  return [...problem.populations.keys()]
    .map((k) => {
      const laws = solved.map((run) => times(problem).map((t) => asGame(run.solution).density(t, k)));
      const of = problem.populations.length === 1 ? "" : `<h4>${escapeHtml(problem.populations[k].name)}</h4>`;
      return of + densityCurves(problem, solved, times(problem), laws, colour);
    })
    .join("");
}
