// Uniform grids in one to three dimensions. This room owns the end-point rule of every kind of axis.

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

/** A tensor grid of 1–3 axes; fields are row-major Float64Arrays, last axis fastest. */
export interface Grid {
  readonly dimension: number;
  readonly axes: readonly Axis[];
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  /** Number of nodes. */
  readonly size: number;
  /** Π spacing. */
  readonly cellVolume: number;
}
