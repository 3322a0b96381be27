// A domain: a box with something at each side, and solid obstacles inside.
//   periodic   the two ends of the axis are one point
//   no-flux    a wall: ∂ₙu = 0 and no mass passes
//   door       an open side: u = cost, m = 0; what reaches it has left
// A door may also be a part of a side. An obstacle is the set where a function is true; its surface is a wall. It says where,
// not how finely: `cells` cuts it. Any number of axes, since particles and networks live there too.
import { demand, usageError } from "../error.js";

/** What stands at one side of an axis. */
export type Side = "no-flux" | "door";

/** What stands at the ends of an axis: one word for both, or [lower, upper]. */
export type Ends = "periodic" | Side | readonly [Side, Side];

/** An opening in one side of the box. */
export interface Door {
  /** Axis that the side is perpendicular to, from 0. */
  readonly axis: number;
  readonly side: "lower" | "upper";
  /** Corner of the opening with the smaller coordinates, one number for each *other* axis, in their order; default the whole side. */
  readonly from?: readonly number[];
  /** Corner with the larger coordinates; default the whole side. */
  readonly to?: readonly number[];
  /** Value of u at the door; default 0. */
  readonly cost?: number;
}

/** What {@link domain} takes. */
export interface DomainOptions {
  /** Lower corner, length d. */
  readonly lower: readonly number[];
  /** Upper corner, length d. */
  readonly upper: readonly number[];
  /** One entry for all axes, or one an axis; default `"periodic"`. */
  readonly ends?: Ends | readonly Ends[];
  readonly doors?: readonly Door[];
  /** `true` inside solid matter; `x` has length d. Default none. */
  readonly obstacle?: ((x: Float64Array) => boolean) | null;
  /** Text that names the obstacle in reports; default `"given by a function"`. */
  readonly obstacleText?: string;
}

/** A box with walls, doors and obstacles. */
export interface Domain {
  readonly dimension: number;
  readonly lower: readonly number[];
  readonly upper: readonly number[];
  /** One an axis: `"periodic"`, or the two sides. */
  readonly ends: readonly ("periodic" | readonly [Side, Side])[];
  /** Openings in walls, all fields filled in. A whole side that is a door stands here too. */
  readonly doors: readonly Required<Door>[];
  readonly obstacle: ((x: Float64Array) => boolean) | null;
  /** No doors and no obstacle: constant coefficients are diagonal in cosines and complex exponentials. */
  readonly isPlain: boolean;
  /** JSON description. */
  readonly description: Readonly<Record<string, unknown>>;
}

/**
 * Makes a domain.
 *
 * @param options box, ends, doors and obstacle
 * @returns a frozen domain of dimension d ≥ 1
 * @throws UsageError when corners, ends or doors do not fit each other
 *
 * *Notes*: to cut R^d off, take a no-flux box that holds all but 1e-8 of the mass.
 *
 * @example
 * domain({ lower: [-2, -0.5], upper: [2, 0.5], ends: "no-flux", doors: [{ axis: 0, side: "upper", from: [-0.2], to: [0.2] }] });
 */
export function domain(options: DomainOptions): Domain {
  const where = "domain";
  const lower = [...options.lower];
  const upper = [...options.upper];
  const d = lower.length;
  demand(
    d >= 1 && upper.length === d,
    where,
    "lower and upper",
    "be corners of one box, one number or more each",
    [d, upper.length],
    "Use lower: [0, 0], upper: [1, 1] for a unit square",
  );
  demand(
    lower.every((a, i) => Number.isFinite(a) && Number.isFinite(upper[i]) && a < upper[i]),
    where,
    "lower",
    "be finite and below upper on every axis",
    { lower, upper },
    "Swap the corners, or cut the box off where the mass is small",
  );
  const given = options.ends ?? "periodic";
  const perAxis: readonly Ends[] = isListOfEnds(given, d) ? given : lower.map(() => given as Ends);
  demand(
    perAxis.length === d && perAxis.every(isEnds),
    where,
    "ends",
    'be "periodic", "no-flux", "door" or [lower, upper] of the last two, once or one an axis',
    given,
    'Use ends: "no-flux" for a closed box',
  );
  const ends = perAxis.map((e) => (e === "periodic" ? e : typeof e === "string" ? ([e, e] as const) : e));
  const doors: Required<Door>[] = [];
  ends.forEach((e, axis) => {
    if (e === "periodic") return;
    e.forEach((side, s) => {
      if (side === "door") doors.push(whole({ axis, side: s === 0 ? "lower" : "upper" }, lower, upper));
    });
  });
  for (const door of options.doors ?? []) {
    demand(
      Number.isInteger(door.axis) && door.axis >= 0 && door.axis < d,
      where,
      "door.axis",
      `be an axis 0 … ${d - 1}`,
      door.axis,
      "Name the axis that the door's side is perpendicular to",
    );
    demand(
      door.side === "lower" || door.side === "upper",
      where,
      "door.side",
      'be "lower" or "upper"',
      door.side,
      'Use side: "upper"',
    );
    demand(
      ends[door.axis] !== "periodic",
      where,
      "a door",
      "stand in a wall",
      `axis ${door.axis}, which is periodic`,
      'Set ends: "no-flux" on that axis',
    );
    const full = whole(door, lower, upper);
    const others = lower.map((_, a) => a).filter((a) => a !== door.axis);
    demand(
      full.from.length === d - 1 &&
        full.to.length === d - 1 &&
        full.from.every((a, i) => a < full.to[i] && a >= lower[others[i]] && full.to[i] <= upper[others[i]]),
      where,
      "a door's from and to",
      `be ${d - 1} coordinates each, from < to, within the side`,
      { from: door.from, to: door.to },
      "Give the opening's corners along the other axes",
    );
    demand(Number.isFinite(full.cost), where, "door.cost", "be finite", door.cost, "Use cost: 0");
    doors.push(full);
  }
  const obstacle = options.obstacle ?? null;
  if (obstacle !== null && typeof obstacle !== "function")
    throw usageError(
      where,
      "obstacle",
      "be a function of a point",
      obstacle,
      "Use obstacle: (x) => x[0] ** 2 + x[1] ** 2 < 0.1",
    );
  return Object.freeze({
    dimension: d,
    lower,
    upper,
    ends,
    doors,
    obstacle,
    isPlain: doors.length === 0 && obstacle === null,
    description: {
      lower,
      upper,
      ends,
      doors,
      obstacle: obstacle === null ? null : (options.obstacleText ?? "given by a function"),
    },
  });
}

function isEnds(e: unknown): e is Ends {
  if (Array.isArray(e)) return e.length === 2 && e.every((s) => s === "no-flux" || s === "door");
  return e === "periodic" || e === "no-flux" || e === "door";
}

/** A list of two sides for one axis reads as a pair unless d = 2, where a list is one entry an axis. */
function isListOfEnds(given: Ends | readonly Ends[], d: number): given is readonly Ends[] {
  if (!Array.isArray(given)) return false;
  return d !== 1 || given.length === 1;
}

function whole(door: Door, lower: readonly number[], upper: readonly number[]): Required<Door> {
  return {
    axis: door.axis,
    side: door.side,
    from: door.from ?? lower.filter((_, a) => a !== door.axis),
    to: door.to ?? upper.filter((_, a) => a !== door.axis),
    cost: door.cost ?? 0,
  };
}
