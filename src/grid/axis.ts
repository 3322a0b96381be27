// One axis of a uniform grid, and THE end-point rule: where the nodes lie, where the faces lie, and what a field is
// beyond its last node. Every operator, interpolation and transform of the house asks this file.
//
//   periodic    nodes lower + (i + ½) h,  h = (upper − lower)/n        u(−1) = u(n−1)
//   no-flux     nodes lower + (i + ½) h,  h = (upper − lower)/n        u(−1) = u(0)          (even about the wall)
//   dirichlet   nodes lower + (i + 1) h,  h = (upper − lower)/(n + 1)  u(−1) = 0, u(−2) = −u(0)  (odd about the wall)
//
// These extensions are the symmetries of the discrete Fourier, DCT-II and DST-I bases (Strang 1999), which therefore
// diagonalise the difference operators of difference.ts exactly.
import { demand } from "../error.js";

/** What happens at the two ends of an axis. */
export type Boundary = "periodic" | "no-flux" | "dirichlet";

/**
 * One axis. Nodes by boundary (h = spacing, n = points):
 * periodic and no-flux: cell centres `lower + (i + ½) h`, h = (upper − lower)/n (a periodic axis holds no repeated end point);
 * dirichlet: interior nodes `lower + (i + 1) h`, h = (upper − lower)/(n + 1) (the end values are data, not unknowns).
 */
export interface Axis {
  readonly lower: number;
  readonly upper: number;
  readonly points: number;
  readonly boundary: Boundary;
  readonly spacing: number;
  /** Node coordinates, length points. */
  readonly nodes: Float64Array;
}

/** Most nodes a grid may have: 2²⁷, one GiB for each float64 field. */
export const MOST_NODES = 2 ** 27;

/** What {@link axis} takes. */
export interface AxisOptions {
  /** Left end; finite. */
  readonly lower: number;
  /** Right end; finite, > lower. */
  readonly upper: number;
  /** Number of nodes n, an integer from 4 to 2²⁷. */
  readonly points: number;
  /** What happens at both ends. */
  readonly boundary: Boundary;
}

/**
 * Makes one uniform axis.
 *
 * @returns the axis with its spacing and node coordinates
 * @throws UsageError when an end is not finite, the ends are out of order, `points` is not an integer from 4 to 2²⁷,
 * the boundary is unknown, or the spacing is not finite or below the rounding of the ends
 *
 * *Good values*: points 64 to start; a box that holds all but 1e-8 of the mass.
 */
export function axis({ lower, upper, points, boundary }: AxisOptions): Axis {
  demand(Number.isFinite(lower), "axis", "lower", "be finite", lower, "Use lower: 0 to start");
  demand(
    Number.isFinite(upper) && upper > lower,
    "axis",
    "upper",
    `be finite and > lower = ${lower}`,
    upper,
    "Give the right end of the axis",
  );
  demand(
    Number.isInteger(points) && points >= 4,
    "axis",
    "points",
    "be an integer ≥ 4",
    points,
    "Use points: 64 to start",
  );
  demand(points <= MOST_NODES, "axis", "points", `be ≤ ${MOST_NODES}`, points, "Use points: 64 to start");
  demand(
    boundary === "periodic" || boundary === "no-flux" || boundary === "dirichlet",
    "axis",
    "boundary",
    'be "periodic", "no-flux" or "dirichlet"',
    boundary,
    'Use boundary: "no-flux" for a box that mass does not leave',
  );
  const spacing = (upper - lower) / (boundary === "dirichlet" ? points + 1 : points);
  demand(
    Number.isFinite(spacing) && lower + spacing > lower && upper - spacing < upper,
    "axis",
    "upper − lower",
    "be finite, and not lost in rounding when divided by points",
    upper - lower,
    "Shift and scale the coordinate",
  );
  const offset = nodeOffset(boundary);
  const nodes = Float64Array.from({ length: points }, (_, i) => lower + (i + offset) * spacing);
  return Object.freeze({ lower, upper, points, boundary, spacing, nodes });
}

/** Distance of node 0 from the lower end in spacings: 1 for dirichlet, ½ otherwise. */
export function nodeOffset(boundary: Boundary): number {
  return boundary === "dirichlet" ? 1 : 0.5;
}

/**
 * The value of a field at any integer index, as a signed one-based node: `u(i) = sign(r) u[|r| − 1]` with
 * `r = extend(…)`, and `r = 0` means the value 0 (a dirichlet wall).
 *
 * @param boundary end-point rule
 * @param n nodes of the axis
 * @param i any integer
 */
export function extend(boundary: Boundary, n: number, i: number): number {
  if (i >= 0 && i < n) return i + 1;
  if (boundary === "periodic") return i - Math.floor(i / n) * n + 1;
  if (boundary === "no-flux") {
    const k = i - Math.floor(i / (2 * n)) * 2 * n;
    return k < n ? k + 1 : 2 * n - k;
  }
  // Odd about both walls at −1 and n: period 2(n + 1), counted from the left wall.
  const period = 2 * (n + 1);
  const k = i + 1 - Math.floor((i + 1) / period) * period;
  if (k === 0 || k === n + 1) return 0;
  return k <= n ? k : -(period - k);
}

/**
 * Number of faces of an axis. Face i lies to the left of node i, between nodes i − 1 and i: periodic n (face 0 joins
 * the last node to the first), no-flux and dirichlet n + 1 (the first and the last lie at, or next to, the walls).
 */
export function faceCount(ax: Axis): number {
  return ax.boundary === "periodic" ? ax.points : ax.points + 1;
}

/**
 * Coordinates of the faces of an axis: face i half a spacing to the left of node i.
 *
 * @returns length {@link faceCount}
 */
export function facesOf(ax: Axis): Float64Array {
  const offset = nodeOffset(ax.boundary) - 0.5;
  return Float64Array.from({ length: faceCount(ax) }, (_, i) => ax.lower + (i + offset) * ax.spacing);
}
