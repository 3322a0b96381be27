// The pictures of mean-field games: the crowd over time, agents on their way (with their noise), and the value at t = 0. One
// dimension: x over t. Two: the plane, obstacles in grey, doors in green. More: the first two coordinates.
import * as Plot from "@observablehq/plot";
import { short } from "../short.js";
import type { GameLike } from "../verify/index.js";
import { lawStrip, midpoints, pathsPanel, plane, planeHeight, scenery, timePanel, wholeBox } from "./domain-figures.js";
import {
  colours,
  contourPanels,
  coordinate,
  densityCurves,
  escapeHtml,
  type Panel,
  panels,
  SIZE,
  type Solved,
  solvedRuns,
  svg,
  title,
} from "./figures.js";
import { asGame } from "./game-study.js";
import type { Run } from "./record.js";

const PATHS = 30;

/** Times that are pictured. */
function times(problem: GameLike): number[] {
  return problem.mode === "ergodic" ? [0] : [0, 0.25, 0.5, 0.75, 1].map((share) => share * problem.horizon);
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
      const stationary = problem.mode === "ergodic";
      return lawStrip(problem, {
        title: label(problem, run, k, colour),
        colour: colour(run.solver.name),
        laws: times(problem).map((t) => plane(problem, solution.density(t, k))),
        captions: times(problem).map((t) => (stationary ? "stationary" : `t = ${short(t)}`)),
        width: stationary ? 330 : 190,
      });
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
      return pathsPanel(problem, label(problem, run, k, colour), colour(run.solver.name), paths);
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
  const points = midpoints(problem.domain, n);
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
      return contourPanels({
        problem,
        titles: solved.map((run) => label(problem, run, k, colour)),
        fields,
        points: n,
        box: wholeBox(problem),
        height: planeHeight(problem),
        over: scenery(problem),
      });
    })
    .join("");
}

/** One dimension: the density over the (t, x) plane, with a few agents. */
function spaceTime<P extends GameLike>(
  problem: P,
  solved: readonly Solved<P>[],
  colour: (name: string) => string,
): string {
  if (problem.mode === "ergodic") return "";
  const list: Panel[] = solved.flatMap((run) =>
    [...problem.populations.keys()].map((k) => {
      const solution = asGame(run.solution);
      const paths = solution.trajectories({ count: 24, steps: 100, seed: 0, population: k });
      const { fields } = solution;
      const slabs = fields === null ? null : { times: fields.times, values: fields.density[k] };
      return timePanel(problem, label(problem, run, k, colour), colour(run.solver.name), paths, slabs);
    }),
  );
  return panels(list);
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
