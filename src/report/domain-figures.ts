// Pictures of problems that live on a domain, whatever their kind: the plane with its obstacles and doors, paths that cross seams,
// density over the (t, x) plane.
import * as Plot from "@observablehq/plot";
import type { Domain } from "../grid/index.js";
import type { Cloud, Density } from "../measure/index.js";
import type { Problem } from "../problem.js";
import type { Trajectories } from "../solution/index.js";
import { coordinate, faint, heat, image, ink, type Panel, places, SIZE, svg } from "./figures.js";
import { encodePng } from "./png.js";

/** A problem on a domain. */
export interface OnDomain extends Problem {
  readonly domain: Domain;
}

type Edges = [number, number];

/** Ends of an axis in the person's coordinates. */
function edges(problem: OnDomain, a: number): Edges {
  const { offset, scale } = coordinate(problem, a);
  const ends = [problem.domain.lower[a], problem.domain.upper[a]].map((v) => offset + scale * v);
  return [Math.min(...ends), Math.max(...ends)];
}

/** A part of the plane in the person's coordinates: first two axes. */
export type Box = readonly [Edges, Edges];

/** The whole domain. */
export function wholeBox(problem: OnDomain): Box {
  return [edges(problem, 0), edges(problem, 1)];
}

/**
 * The part of the domain where the laws of several solutions have mass, with a margin; the whole domain where obstacles, doors or seams
 * belong to the picture.
 */
export function boxOf(problem: OnDomain, laws: readonly (Density | Cloud)[]): Box {
  const { domain } = problem;
  if (!domain.isPlain || domain.ends.includes("periodic")) return wholeBox(problem);
  const side = (a: number): Edges => {
    let low = Infinity;
    let top = -Infinity;
    const take = (v: number): void => {
      low = Math.min(low, v);
      top = Math.max(top, v);
    };
    for (const law of laws) {
      if (law.kind === "cloud") {
        for (let i = 0; i < law.count; i++) take(law.points[i * problem.dimension + a]);
        continue;
      }
      const { shape, strides, axes } = law.grid;
      const most = high(law);
      for (let k = 0; k < law.values.length; k++)
        if (law.values[k] > VISIBLE * most) take(axes[a].nodes[Math.floor(k / strides[a]) % shape[a]]);
    }
    if (!(top > low)) return [domain.lower[a], domain.upper[a]];
    const margin = 0.06 * (top - low);
    return [Math.max(domain.lower[a], low - margin), Math.min(domain.upper[a], top + margin)];
  };
  return [0, 1].map((a) => {
    const { offset, scale } = coordinate(problem, a);
    const ends = side(a).map((v) => offset + scale * v);
    return [Math.min(...ends), Math.max(...ends)] as Edges;
  }) as unknown as Box;
}

/** Share of the largest density that the eye still sees. */
const VISIBLE = 2e-3;

/** Height over width in the solver's coordinates, whose axes have one unit. */
function proportion(problem: OnDomain, box: Box): number {
  const [width, height] = box.map(([low, top], a) => (top - low) / Math.abs(coordinate(problem, a).scale));
  return height / width;
}

/** Height of a large panel with the box's proportions. */
export function planeHeight(problem: OnDomain, box = wholeBox(problem)): number {
  return Math.max(130, Math.min(420, 60 + 270 * proportion(problem, box)));
}

/** Size and axes of a small plane picture with the box's proportions. */
function planeFrame(problem: OnDomain, width: number, box = wholeBox(problem)): Plot.PlotOptions {
  const height = Math.max(60, Math.min(1.9 * width, width * proportion(problem, box)));
  return {
    width,
    height,
    margin: 3,
    x: { domain: box[0], axis: null },
    y: { domain: box[1], axis: null },
  };
}

/** Points, row-major, at which a function of one or two coordinates is pictured: midpoints of n cells a side, rows along the first. */
export function midpoints({ dimension, lower, upper }: Domain, n: number): Float64Array {
  const at = (a: number, i: number) => lower[a] + ((i + 0.5) / n) * (upper[a] - lower[a]);
  if (dimension === 1) return Float64Array.from({ length: n }, (_, i) => at(0, i));
  return Float64Array.from({ length: 2 * n * n }, (_, k) => {
    const cell = k >> 1;
    return k % 2 === 0 ? at(0, cell % n) : at(1, Math.floor(cell / n));
  });
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
export function high(law: Density): number {
  const positive = law.values.filter((v) => v > 0).sort();
  return positive[Math.floor(0.995 * (positive.length - 1))] || 1;
}

/** A density of three coordinates, summed over the third. */
export function plane(problem: OnDomain, law: Density | Cloud): Density | Cloud {
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
export function scenery(problem: OnDomain): Plot.Markish[] {
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

function raster(problem: OnDomain, domain: Domain): Plot.Markish {
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
function lines(problem: OnDomain, paths: Trajectories): { x: number; y: number; line: string }[] {
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

/** One row of laws in the plane: heat maps on one scale, or points, under captions. */
export function lawStrip(
  problem: OnDomain,
  row: {
    readonly title: string;
    readonly colour: string;
    readonly laws: readonly (Density | Cloud)[];
    readonly captions: readonly string[];
    /** Of a picture; default 190. */
    readonly width?: number;
    readonly box?: Box;
  },
): string {
  const { title, colour, laws, captions, width = 190, box } = row;
  // One scale for the row: the crowd thins out, spreads or gathers visibly.
  const top = Math.max(...laws.map((law) => (law.kind === "density" ? high(law) : 0)));
  const cells = laws.map((law, k) => {
    const marks =
      law.kind === "density"
        ? [heat(problem, law, colour, top)]
        : [
            Plot.dot(places(problem, everyFew(law.points, problem.dimension, 600), 600), {
              x: "x",
              y: "y",
              r: 1.2,
              fill: colour,
              fillOpacity: 0.5,
            }),
          ];
    return `<figure class="cell"><figcaption>${captions[k]}</figcaption>${svg({
      ...planeFrame(problem, width, box),
      marks: [Plot.frame({ stroke: "#e2e8f0" }), ...marks, ...scenery(problem)],
    })}</figure>`;
  });
  return `<div class="strip"><h4>${title}</h4><div class="cells">${cells.join("")}</div></div>`;
}

/** Paths in the plane, from their starts (small, dark) to their ends. */
export function pathsPanel(
  problem: OnDomain,
  title: string,
  colour: string,
  paths: Trajectories,
  box = wholeBox(problem),
): Panel {
  const size = paths.count * paths.dimension;
  const at = (k: number) => places(problem, paths.positions.slice(k * size, (k + 1) * size), Infinity);
  return {
    title,
    svg: svg({
      ...SIZE,
      height: planeHeight(problem, box),
      x: { label: coordinate(problem, 0).label, domain: box[0] },
      y: { label: coordinate(problem, 1).label, domain: box[1] },
      marks: [
        Plot.frame({ stroke: "#e2e8f0" }),
        ...scenery(problem),
        Plot.line(lines(problem, paths), {
          x: "x",
          y: "y",
          z: "line",
          stroke: colour,
          strokeOpacity: 0.45,
          strokeWidth: 0.85,
        }),
        Plot.dot(at(0), { x: "x", y: "y", r: 1.2, fill: ink }),
        Plot.dot(at(paths.times.length - 1), { x: "x", y: "y", r: 2.2, fill: colour }),
      ],
    }),
  };
}

/** One dimension: paths over the (t, x) plane, on the density where there are slabs. */
export function timePanel(
  problem: OnDomain,
  title: string,
  colour: string,
  paths: Trajectories,
  slabs: { readonly times: Float64Array; readonly values: readonly Float64Array[] } | null,
): Panel {
  const { label, offset, scale } = coordinate(problem, 0);
  const half = (problem.domain.upper[0] - problem.domain.lower[0]) / 2;
  const wraps = problem.domain.ends[0] === "periodic";
  const piece = new Int32Array(paths.count);
  const data = Array.from(paths.positions, (x, j) => {
    const i = j % paths.count;
    if (wraps && j >= paths.count && Math.abs(x - paths.positions[j - paths.count]) > half) piece[i]++;
    return { t: paths.times[Math.floor(j / paths.count)], x: offset + scale * x, line: `${i}/${piece[i]}` };
  });
  return {
    title,
    svg: svg({
      ...SIZE,
      x: { label: "t", domain: [0, problem.horizon], type: "linear" },
      y: { label, domain: edges(problem, 0) },
      marks: [
        ...(slabs === null ? [] : [timeHeat(problem, slabs.times, slabs.values, colour)]),
        Plot.line(data, {
          x: "t",
          y: "x",
          z: "line",
          stroke: slabs === null ? colour : ink,
          strokeOpacity: 0.5,
          strokeWidth: 0.65,
        }),
        Plot.frame({ stroke: faint }),
      ],
    }),
  };
}

/** Most columns of a picture over time. */
const COLUMNS = 240;

/** Slabs ρ(t_n) of one dimension over the (t, x) plane: equal columns, each the slabs around its middle. */
function timeHeat(
  problem: OnDomain,
  times: Float64Array,
  slabs: readonly Float64Array[],
  colour: string,
): Plot.Markish {
  const n = slabs[0].length;
  const last = times[times.length - 1];
  const columns = Math.min(slabs.length - 1, COLUMNS);
  const top = Math.max(...slabs.map((m) => m.reduce((a, b) => Math.max(a, b), 0))) || 1;
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  const rgba = new Uint8Array(4 * columns * n);
  let s = 0;
  for (let c = 0; c < columns; c++) {
    const t = ((c + 0.5) / columns) * last;
    while (s < slabs.length - 2 && times[s + 1] < t) s++;
    for (let i = 0; i < n; i++) {
      const strength = Math.sqrt(Math.min(1, Math.max(0, (slabs[s][i] + slabs[s + 1][i]) / 2 / top)));
      rgba.set([r, g, b, Math.round(230 * strength)], 4 * ((n - 1 - i) * columns + c));
    }
  }
  const [y1, y2] = edges(problem, 0);
  return image({ x1: 0, x2: last, y1, y2 }, `data:image/png;base64,${encodePng(columns, n, rgba).toString("base64")}`);
}
