// What the pictures of all kinds of problems share, as inline SVG: panels, colours, coordinates, heat maps, histories. One
// panel a solver, every panel with the same axes, so that the eye compares like with like.
import domino from "@mixmark-io/domino";
import * as Plot from "@observablehq/plot";
import type { Cloud, Density } from "../measure/index.js";
import type { Coordinate, Problem } from "../problem.js";
import { short } from "../short.js";
import type { Family, Solution, Trajectories } from "../solution/index.js";
import { encodePng } from "./png.js";
import type { Run, StudyRecord } from "./record.js";

const document = domino.createDocument("<html></html>");

/** One colour a family member; chosen to stay apart for colour-blind readers (Okabe–Ito). */
const palette = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

export const ink = "#334155";

export const faint = "#94a3b8";

/** Solver name → colour, in the order of the runs. */
export function colours(names: readonly string[]): (name: string) => string {
  return (name) => palette[Math.max(0, names.indexOf(name)) % palette.length];
}

export type Solved<P extends Problem> = Run<P> & { readonly solution: Solution<P> };

/** The runs that brought a solution. */
export function solvedRuns<P extends Problem>(runs: readonly Run<P>[]): readonly Solved<P>[] {
  return runs.filter((run): run is Solved<P> => run.solution !== null);
}

/** Axis label, and the map from the solver's coordinate to the person's. */
export function coordinate(problem: Problem, a: number): Coordinate {
  return (
    problem.coordinates?.[a] ?? {
      label: problem.dimension === 1 ? "x" : `x${"₁₂₃₄₅₆₇₈₉"[a] ?? a + 1}`,
      offset: 0,
      scale: 1,
    }
  );
}

export function svg(options: Plot.PlotOptions): string {
  const figure = Plot.plot({ ...options, document });
  return figure.outerHTML;
}

export interface Panel {
  readonly title: string;
  readonly svg: string;
}

/** Panels side by side, as many as fit, or three where they are to be read from. */
export function panels(list: readonly Panel[], across: "fit" | "three" = "fit"): string {
  const items = list.map((p) => `<figure class="panel"><figcaption>${p.title}</figcaption>${p.svg}</figure>`);
  return `<div class="panels${across === "three" ? " three" : ""}">${items.join("")}</div>`;
}

/** The plane of the pictures: first two coordinates, or t and x. */
export interface Frame {
  readonly x: { label: string; domain: [number, number] };
  readonly y: { label: string; domain: [number, number] };
}

export function extent(values: Iterable<number>): [number, number] {
  let lower = Infinity;
  let upper = -Infinity;
  for (const v of values) {
    if (v < lower) lower = v;
    if (v > upper) upper = v;
  }
  const margin = 0.04 * (upper - lower || 1);
  return [lower - margin, upper + margin];
}

export interface Place {
  readonly x: number;
  readonly y: number;
}

/** Points of a cloud in the person's coordinates. */
export function places(problem: Problem, points: Float64Array, most: number): Place[] {
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

export function frameOf(problem: Problem, all: readonly Place[]): Frame {
  return {
    x: { label: coordinate(problem, 0).label, domain: extent(all.map((p) => p.x)) },
    y: { label: coordinate(problem, Math.min(1, problem.dimension - 1)).label, domain: extent(all.map((p) => p.y)) },
  };
}

export const SIZE = { width: 330, height: 300, marginLeft: 42, marginBottom: 34, marginTop: 24, marginRight: 14 };

export function title<P extends Problem>(run: Solved<P>, colour: (name: string) => string): string {
  const family: Family = run.solution.family;
  return `<span class="dot" style="background:${colour(run.solver.name)}"></span>${escapeHtml(run.solver.name)} <small>${family}</small>`;
}

/** Text made safe inside HTML, in attributes too. */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

export function lineData(problem: Problem, paths: Trajectories): (Place & { path: number })[] {
  const size = paths.count * paths.dimension;
  const out: (Place & { path: number })[] = [];
  for (let k = 0; k < paths.times.length; k++) {
    for (const [path, p] of places(problem, paths.positions.subarray(k * size, (k + 1) * size), Infinity).entries()) {
      out.push({ ...p, path });
    }
  }
  return out;
}

/** A density as an image in the colour of its solver; the darkest is `darkest`, by default the 99.5 % quantile of the positive values. */
export function heat(problem: Problem, law: Density, colour: string, darkest?: number): Plot.Markish {
  const [nx, ny] = law.grid.shape;
  const positive = law.values.filter((v) => v > 0).sort();
  const top = darkest ?? (positive[Math.floor(0.995 * (positive.length - 1))] || 1);
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
export function image(box: { x1: number; x2: number; y1: number; y2: number }, href: string): Plot.Markish {
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

/** Fields on n × n points of a box (first coordinate fastest), one panel each, common colours and contours. */
export function contourPanels(options: {
  readonly problem: Problem;
  readonly titles: readonly string[];
  readonly fields: readonly Float64Array[];
  /** n. */
  readonly points: number;
  /** The box in the person's coordinates. */
  readonly box: readonly [readonly [number, number], readonly [number, number]];
  readonly height: number;
  /** Drawn on top. */
  readonly over?: readonly Plot.Markish[];
}): string {
  const { problem, titles, fields, points, box, height, over = [] } = options;
  const [[x1, x2], [y1, y2]] = box;
  const [low, top] = extent(fields.flatMap((f) => Array.from(f).filter(Number.isFinite)));
  const thresholds = Array.from({ length: 14 }, (_, i) => low + (i * (top - low)) / 14); // the first fills the bottom
  return panels(
    fields.map((field, k) => ({
      title: titles[k],
      svg: svg({
        ...SIZE,
        height,
        x: { label: coordinate(problem, 0).label },
        y: { label: coordinate(problem, 1).label },
        color: { scheme: "YlGnBu", domain: [low, top], type: "linear" },
        marks: [
          Plot.contour(Array.from(field), {
            width: points,
            height: points,
            x1,
            x2,
            y1,
            y2,
            thresholds,
            fill: Plot.identity,
            stroke: "white",
            strokeWidth: 0.6,
          } as Plot.ContourOptions),
          ...over,
        ],
      }),
    })),
  );
}

export function densityCurves<P extends Problem>(
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
      title: `t = ${short(t)}`,
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

/** W₂ to the held-out points with two standard errors, and the sampling floor as a band. */
export function heldOutFigure(study: StudyRecord): string {
  const floor = study.heldOutFloor;
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

/** Changes below this share of the values, and values below this size, are round-off. */
const ROUND_OFF = { share: 1e-6, size: 1e-12 };

/** The one value of a history without information: constant, or nothing but round-off; `null` of others. */
function still(values: readonly number[]): number | null {
  const finite = values.filter(Number.isFinite);
  const [low, top] = [Math.min(...finite), Math.max(...finite)];
  const size = Math.max(Math.abs(low), Math.abs(top));
  if (size <= ROUND_OFF.size) return 0;
  return top - low <= ROUND_OFF.share * size ? top : null;
}

/** Curves nearer than this share of their range are one to the eye. */
const SAME_PICTURE = 5e-3;

function isSameCurve(a: readonly number[], b: readonly (number | null)[]): boolean {
  const range = Math.max(...a) - Math.min(...a);
  return a.length === b.length && a.every((v, k) => b[k] === null || Math.abs(v - b[k]) <= SAME_PICTURE * range);
}

/**
 * Histories of each solver, on a logarithmic axis where they fall far; values that are not positive have no place on it and are left out.
 * Those that the page has already drawn are not drawn again, and those that stand still are a sentence.
 *
 * @param drawn the curves of a solver that the page shows elsewhere
 */
export function historyFigure(
  study: StudyRecord,
  drawn: (solver: string) => readonly (readonly (number | null)[])[],
): string {
  const flat: string[] = [];
  const list = study.runs.flatMap((run) =>
    run.histories
      .filter((history) => history.values.length > 1)
      .filter((history) => {
        const value = still(history.values);
        if (value === null) return !drawn(run.solver).some((curve) => isSameCurve(history.values, curve));
        flat.push(`${escapeHtml(run.solver)}: ${escapeHtml(history.name)} ${short(value)}`);
        return false;
      })
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
            y: {
              label: null,
              grid: true,
              ticks: 5,
              ...(log ? { type: "log", tickFormat: "~e" } : { type: "linear", tickFormat: short }),
            },
            marks: [Plot.line(shown, { x: "k", y: "value", stroke: colour, strokeWidth: 1.3 })],
          }),
        };
      }),
  );
  const note =
    flat.length === 0 ? "" : `<p class="note">Constant to round-off, and so not drawn: ${flat.join("; ")}.</p>`;
  if (list.length > 0) return panels(list) + note;
  return note === "" ? `<p class="note">No history that the page has not shown above.</p>` : note;
}
