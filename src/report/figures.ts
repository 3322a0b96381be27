// The pictures of a comparison, as inline SVG. One panel a solver, every panel with the same axes, so that the eye compares
// like with like. One dimension: x over t. Two: the plane. More: the first two coordinates, and the caption says so.
import domino from "@mixmark-io/domino";
import * as Plot from "@observablehq/plot";
import type { Cloud, Density } from "../measure/index.js";
import type { Coordinate } from "../problem.js";
import { generator } from "../random/index.js";
import type { Family, Solution, Trajectories } from "../solution/index.js";
import type { Run, StudyRecord, TransportLikeProblem } from "./compare.js";
import { encodePng } from "./png.js";

const document = domino.createDocument("<html></html>");

/** One colour a family member; chosen to stay apart for colour-blind readers (Okabe–Ito). */
const palette = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const ink = "#334155";
const faint = "#94a3b8";

/** Solver name → colour, in the order of the runs. */
export function colours(names: readonly string[]): (name: string) => string {
  return (name) => palette[Math.max(0, names.indexOf(name)) % palette.length];
}

type Solved<P extends TransportLikeProblem> = Run<P> & { readonly solution: Solution<P> };

/** The runs that brought a solution. */
export function solvedRuns<P extends TransportLikeProblem>(runs: readonly Run<P>[]): readonly Solved<P>[] {
  return runs.filter((run): run is Solved<P> => run.solution !== null);
}

/** Axis label, and the map from the solver's coordinate to the person's. */
function coordinate(problem: TransportLikeProblem, a: number): Coordinate {
  return (
    problem.coordinates?.[a] ?? {
      label: problem.dimension === 1 ? "x" : `x${"₁₂₃₄₅₆₇₈₉"[a] ?? a + 1}`,
      offset: 0,
      scale: 1,
    }
  );
}

function svg(options: Plot.PlotOptions): string {
  const figure = Plot.plot({ ...options, document });
  return figure.outerHTML;
}

interface Panel {
  readonly title: string;
  readonly svg: string;
}

function panels(list: readonly Panel[]): string {
  const items = list.map((p) => `<figure class="panel"><figcaption>${p.title}</figcaption>${p.svg}</figure>`);
  return `<div class="panels">${items.join("")}</div>`;
}

/** The plane of the pictures: first two coordinates, or t and x. */
interface Frame {
  readonly x: { label: string; domain: [number, number] };
  readonly y: { label: string; domain: [number, number] };
}

function extent(values: Iterable<number>): [number, number] {
  let lower = Infinity;
  let upper = -Infinity;
  for (const v of values) {
    if (v < lower) lower = v;
    if (v > upper) upper = v;
  }
  const margin = 0.04 * (upper - lower || 1);
  return [lower - margin, upper + margin];
}

interface Place {
  readonly x: number;
  readonly y: number;
}

/** Points of a cloud in the person's coordinates. */
function places(problem: TransportLikeProblem, points: Float64Array, most: number): Place[] {
  const d = problem.dimension;
  const first = coordinate(problem, 0);
  const second = coordinate(problem, Math.min(1, d - 1));
  const out: Place[] = [];
  const n = Math.min(most, points.length / d);
  for (let i = 0; i < n; i++)
    out.push({
      x: first.offset + first.scale * points[i * d],
      y: second.offset + second.scale * points[i * d + Math.min(1, d - 1)],
    });
  return out;
}

/** Points of the target that nobody trained on, else fresh draws from it. */
function targetPoints(problem: TransportLikeProblem, most: number): Float64Array {
  return (problem.heldOut ?? problem.target.sample(most, generator(1).split("picture"))).points;
}

function frameOf(problem: TransportLikeProblem, all: readonly Place[]): Frame {
  return {
    x: { label: coordinate(problem, 0).label, domain: extent(all.map((p) => p.x)) },
    y: { label: coordinate(problem, Math.min(1, problem.dimension - 1)).label, domain: extent(all.map((p) => p.y)) },
  };
}

const SIZE = { width: 330, height: 300, marginLeft: 42, marginBottom: 34, marginTop: 24, marginRight: 8 };

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

function title<P extends TransportLikeProblem>(run: Solved<P>, colour: (name: string) => string): string {
  const family: Family = run.solution.family;
  return `<span class="dot" style="background:${colour(run.solver.name)}"></span>${escapeHtml(run.solver.name)} <small>${family}</small>`;
}

/** Text made safe inside HTML, in attributes too. */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

function lineData(problem: TransportLikeProblem, paths: Trajectories): (Place & { path: number })[] {
  const size = paths.count * paths.dimension;
  const out: (Place & { path: number })[] = [];
  for (let k = 0; k < paths.times.length; k++) {
    for (const [path, p] of places(problem, paths.positions.subarray(k * size, (k + 1) * size), Infinity).entries()) {
      out.push({ ...p, path });
    }
  }
  return out;
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
      return `<figure class="cell"><figcaption>t = ${Number(t.toPrecision(3))}</figcaption>${picture}</figure>`;
    });
    return `<div class="strip"><h4>${title(run, colour)}</h4><div class="cells">${cells.join("")}</div></div>`;
  });
  return rows.join("");
}

/** A density as an image in the colour of its solver; the darkest cell is the 99.5 % quantile of the positive values. */
function heat(problem: TransportLikeProblem, law: Density, colour: string): Plot.Markish {
  const [nx, ny] = law.grid.shape;
  const positive = law.values.filter((v) => v > 0).sort();
  const top = positive[Math.floor(0.995 * (positive.length - 1))] || 1;
  const [r, g, b] = [1, 3, 5].map((k) => Number.parseInt(colour.slice(k, k + 2), 16));
  const rgba = new Uint8Array(nx * ny * 4);
  for (let i = 0; i < nx; i++)
    for (let j = 0; j < ny; j++) {
      const at = ((ny - 1 - j) * nx + i) * 4;
      const strength = Math.sqrt(Math.min(1, Math.max(0, law.values[i * ny + j] / top)));
      rgba.set([r, g, b, Math.round(255 * strength)], at);
    }
  const [first, second] = [coordinate(problem, 0), coordinate(problem, 1)];
  const [ax, ay] = law.grid.axes;
  const corner = (c: Coordinate, v: number) => c.offset + c.scale * v;
  const box = {
    x1: corner(first, ax.lower),
    x2: corner(first, ax.upper),
    y1: corner(second, ay.lower),
    y2: corner(second, ay.upper),
  };
  const href = `data:image/png;base64,${encodePng(nx, ny, rgba).toString("base64")}`;
  return image(box, href);
}

/** An image stretched over a box of data coordinates (Plot's own image mark has a fixed pixel size). */
function image(box: { x1: number; x2: number; y1: number; y2: number }, href: string): Plot.Markish {
  return (_index, scales) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", "image");
    const x = scales.x as unknown as (v: number) => number;
    const y = scales.y as unknown as (v: number) => number;
    node.setAttribute("x", String(x(box.x1)));
    node.setAttribute("y", String(y(box.y2)));
    node.setAttribute("width", String(x(box.x2) - x(box.x1)));
    node.setAttribute("height", String(y(box.y1) - y(box.y2)));
    node.setAttribute("preserveAspectRatio", "none");
    node.setAttribute("href", href);
    return node as unknown as SVGElement;
  };
}

function densityCurves<P extends TransportLikeProblem>(
  problem: P,
  solved: readonly Solved<P>[],
  times: readonly number[],
  laws: readonly (readonly (Density | Cloud)[])[],
  colour: (name: string) => string,
): string {
  const { label, offset, scale } = coordinate(problem, 0);
  const curves = laws.map((row) =>
    row.map((law) => distributionCurve(law).map((p) => ({ x: offset + scale * p.x, p: p.p }))),
  );
  const middle = curves.flat().flatMap((curve) => curve.filter((p) => p.p > 1e-3 && p.p < 1 - 1e-3).map((p) => p.x));
  const domain = extent(middle);
  return panels(
    times.map((t, k) => ({
      title: `t = ${Number(t.toPrecision(3))}`,
      svg: svg({
        ...SIZE,
        height: 220,
        x: { label, domain },
        y: { label: "P(X ≤ x)", domain: [0, 1], grid: true },
        marks: solved.map((run, r) =>
          Plot.line(curves[r][k], {
            x: "x",
            y: "p",
            clip: true,
            stroke: colour(run.solver.name),
            strokeOpacity: 0.85,
            strokeWidth: 1.4,
          }),
        ),
      }),
    })),
  );
}

/** Distribution function of a one-dimensional law: the same object for densities and clouds, with no bandwidth to choose. */
function distributionCurve(law: Density | Cloud): { x: number; p: number }[] {
  if (law.kind === "density") {
    const axis = law.grid.axes[0];
    let p = 0;
    return Array.from(law.values, (v, i) => {
      p += v * axis.spacing;
      return { x: axis.nodes[i] + axis.spacing / 2, p };
    });
  }
  const order = Array.from(law.points.keys()).sort((i, j) => law.points[i] - law.points[j]);
  let p = 0;
  return order.map((i) => {
    p += law.weights === null ? 1 / law.count : law.weights[i];
    return { x: law.points[i], p };
  });
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
  const [lower, upper] = extent(fields.flatMap((f) => Array.from(f)));
  const thresholds = Array.from({ length: 14 }, (_, k) => lower + (k * (upper - lower)) / 14); // the first fills the bottom
  const [first, second] = [coordinate(problem, 0), coordinate(problem, 1)];
  const edge = (c: Coordinate, v: number) => c.offset + c.scale * v;
  return panels(
    solved.map((run, k) => ({
      title: title(run, colour),
      svg: svg({
        ...SIZE,
        x: { label: first.label },
        y: { label: second.label },
        color: { scheme: "YlGnBu", domain: [lower, upper], type: "linear" },
        marks: [
          Plot.contour(Array.from(fields[k]), {
            width: n,
            height: n,
            x1: edge(first, box[0][0]),
            x2: edge(first, box[0][1]),
            y1: edge(second, box[1][0]),
            y2: edge(second, box[1][1]),
            thresholds,
            fill: Plot.identity,
            stroke: "white",
            strokeWidth: 0.6,
          } as Plot.ContourOptions),
        ],
      }),
    })),
  );
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

/** W₂ to the held-out points with two standard errors, and the sampling floor as a band. */
export function heldOutFigure(study: StudyRecord): string {
  const floor = study.samplingFloor;
  if (floor === null) return "";
  const colour = colours(study.runs.map((run) => run.solver));
  const rows = study.runs.flatMap((run) =>
    run.toHeldOut === null
      ? []
      : [{ solver: run.solver, mean: run.toHeldOut.mean, error: 2 * (run.toHeldOut.standardError ?? 0) }],
  );
  const spread = 2 * (floor.standardError ?? 0);
  return svg({
    width: 700,
    height: 46 + 30 * rows.length,
    marginLeft: 190,
    marginBottom: 34,
    x: {
      label: "W₂ to the held-out points",
      domain: [0, Math.max(2.15 * floor.mean, ...rows.map((r) => r.mean + r.error)) * 1.03],
      grid: true,
    },
    y: { label: null, domain: rows.map((r) => r.solver) },
    marks: [
      Plot.rect([{ x1: floor.mean - spread, x2: floor.mean + spread }], {
        x1: "x1",
        x2: "x2",
        fill: faint,
        fillOpacity: 0.35,
      }),
      Plot.ruleX([floor.mean], { stroke: ink }),
      Plot.ruleX([2 * floor.mean], { stroke: ink, strokeDasharray: "4,3" }),
      Plot.ruleY(rows, {
        y: "solver",
        x1: (r) => r.mean - r.error,
        x2: (r) => r.mean + r.error,
        stroke: (r) => colour(r.solver),
        strokeWidth: 2,
      }),
      Plot.dot(rows, { y: "solver", x: "mean", fill: (r) => colour(r.solver), r: 5 }),
    ],
  });
}

/** Histories of each solver on a logarithmic axis; values that are not positive have no place on it and are left out. */
export function historyFigure(study: StudyRecord): string {
  const list = study.runs.flatMap((run) =>
    run.histories
      .filter((history) => history.values.length > 1)
      .map((history): Panel => {
        const data = history.values.map((value, k) => ({ k: history.iterations[k], value: Math.abs(value) }));
        const positive = data.filter((p) => p.value > 0 && Number.isFinite(p.value));
        const ratio = Math.max(...positive.map((p) => p.value)) / Math.min(...positive.map((p) => p.value));
        const log = history.values.every((v) => v >= 0) && ratio > 20;
        const shown = log ? positive : history.values.map((value, k) => ({ k: history.iterations[k], value }));
        const colour = colours(study.runs.map((r) => r.solver))(run.solver);
        return {
          title: `<span class="dot" style="background:${colour}"></span>${escapeHtml(run.solver)}: ${escapeHtml(history.name)}`,
          svg: svg({
            width: 330,
            height: 170,
            marginLeft: 52,
            x: { label: "iteration" },
            y: { label: null, type: log ? "log" : "linear", grid: true, tickFormat: log ? "~e" : "~g", ticks: 5 },
            marks: [Plot.line(shown, { x: "k", y: "value", stroke: colour, strokeWidth: 1.3 })],
          }),
        };
      }),
  );
  return list.length === 0 ? `<p class="note">No solver recorded a history.</p>` : panels(list);
}
