// The checks that every family of problems makes of its options.
import { demand } from "../src/error.js";
import type { Coordinate } from "../src/problem.js";

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
