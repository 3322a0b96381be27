// The checks that every family of problems makes of its options.
import { demand } from "../src/error.js";
import type { Domain } from "../src/grid/index.js";
import { weightOf } from "../src/measure/index.js";
import type { Coordinate } from "../src/problem.js";
import { generator } from "../src/random/index.js";
import type { Law } from "./terms/index.js";

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
