// The checks that every family of problems makes of its options.
import { demand, usageError } from "../src/error.js";
import type { Domain } from "../src/grid/index.js";
import { weightOf } from "../src/measure/index.js";
import type { Coordinate } from "../src/problem.js";
import { generator } from "../src/random/index.js";
import type { Field, Law } from "./terms/index.js";

/** Throws unless a domain was given: plain JavaScript may leave it out. */
export function demandDomain(where: string, domain: Domain | undefined): void {
  demand(
    typeof domain?.dimension === "number" && Array.isArray(domain.ends),
    where,
    "domain",
    "be a box made by domain()",
    domain,
    "Use domain({ lower: [0], upper: [1] }) to start",
  );
}

/** Throws unless T is a finite number > 0. */
export function demandHorizon(where: string, horizon: number): void {
  demand(
    horizon > 0 && Number.isFinite(horizon),
    where,
    "horizon",
    "be a finite number > 0",
    horizon,
    "Use horizon: 1 to start",
  );
}

/** Throws unless the mass of a density is > 0, or `null`. */
export function demandMass(where: string, mass: number | null): void {
  demand(
    mass === null || (mass > 0 && Number.isFinite(mass)),
    where,
    "mass",
    "be > 0, or null to take the density as it is",
    mass,
    "Use mass: 1",
  );
}

/** Throws unless every coordinate is described, or none. */
export function demandCoordinates(where: string, coordinates: readonly Coordinate[] | null, dimension: number): void {
  demand(
    coordinates === null || coordinates.length === dimension,
    where,
    "coordinates",
    `have ${dimension} entries, one for each coordinate`,
    coordinates?.length,
    "Describe every coordinate, or none",
  );
}

/** Largest share of a law that a box may cut off. */
const CUT_OFF = 0.1;
const DRAWS = 512;

/**
 * Refuses a law whose mass lies outside the box: solvers would scale what is left of it, and solve another problem. A tail may be cut off.
 * Laws that are densities alone have no mass outside; periodic axes have no outside.
 */
export function demandInside(where: string, name: string, { distribution }: Law, domain: Domain): void {
  if (distribution === null) return;
  const { dimension: d, lower, upper, ends } = domain;
  const points = distribution.data ?? distribution.sample(DRAWS, generator(0).split(name));
  let outside = 0;
  for (let i = 0; i < points.count; i++) {
    const isOut = (_: unknown, a: number): boolean => {
      const x = points.points[i * d + a];
      return ends[a] !== "periodic" && (x < lower[a] || x > upper[a]);
    };
    if (ends.some(isOut)) outside += weightOf(points, i);
  }
  demand(
    outside <= CUT_OFF,
    where,
    name,
    `have at most ${CUT_OFF} of its mass outside the domain`,
    Number(outside.toPrecision(2)),
    "Enlarge the box, or move the law",
  );
}

const LINES = 32;
/** Distance of the looks from the seam, in sides of the box. */
const NEAR = 1e-4;
/** Jumps of a field's values (of a potential's slopes) at the seam that tails of periodic and short ones may have, in parts of their range. */
const JUMP = 1e-3;
const KINK = 0.1;

/**
 * Refuses a field that does not close over a periodic axis: a force without bound at the seam that nobody meant, as of x² where `ends` was
 * left out. A potential has no kink there either. Looks along lines beside the seam at t = 0.
 */
export function demandPeriodic(
  where: string,
  name: string,
  kind: "potential" | "drift",
  field: Field,
  { dimension: d, lower, upper, ends }: Domain,
): void {
  if (field.constant !== null || !ends.includes("periodic")) return;
  const random = generator(0)
    .split(name)
    .uniform(LINES * d);
  ends.forEach((end, axis) => {
    if (end !== "periodic") return;
    /** Values a share of the way along all lines. */
    const look = (share: number): Float64Array =>
      field.evaluate(
        0,
        random.map((u, i) => lower[i % d] + (upper[i % d] - lower[i % d]) * (i % d === axis ? share : u)),
      );
    const after = [look(NEAR), look(2 * NEAR)];
    const before = [look(1 - 2 * NEAR), look(1 - NEAR)];
    const along = Array.from({ length: 8 }, (_, j) => look((j + 0.5) / 8));
    const [first, last] = [after, before].map(([p, q]) => p.map((v, i) => q[i] - v));
    const values = rangeOf([...after, ...before, ...along]);
    const slopes = rangeOf([
      first,
      last,
      ...along.slice(1).map((column, j) => column.map((v, i) => 8 * NEAR * (v - along[j][i]))),
    ]);
    for (let i = 0; i < LINES; i++) {
      // Less what the two looks differ by without a jump.
      const jump = Math.abs(after[0][i] - before[1][i]) - 2 * (Math.abs(first[i]) + Math.abs(last[i]));
      const isOpen = jump > JUMP * values;
      const isKinked = kind === "potential" && Math.abs(first[i] - last[i]) > KINK * slopes;
      if (isOpen || isKinked)
        throw usageError(
          where,
          name,
          `be periodic along axis ${axis}, with the same ${isOpen ? "values" : "slopes"} at its ends, which are one point`,
          field.text,
          'Use ends: "no-flux", or a periodic formula',
        );
    }
  });
}

function rangeOf(columns: readonly Float64Array[]): number {
  let [low, high] = [Infinity, -Infinity];
  for (const column of columns)
    for (const v of column) {
      low = Math.min(low, v);
      high = Math.max(high, v);
    }
  return high - low;
}
