// A law on a domain, as problems hold it: a density (any field) or a distribution that can be sampled. Solvers on grids ask for
// its values at cell centres, scaled to a mass only where the problem says so; particles ask for draws.
import { demand, usageError } from "../../src/error.js";
import { type Cells, integrate } from "../../src/grid/index.js";
import type { Distribution } from "../../src/measure/index.js";
import { type Field, type FieldInput, field } from "./field.js";

/** A law on the domain: a density (any field; it is not normalised unless `mass` says so) or a distribution that can be sampled. */
export type LawInput = FieldInput | Distribution;

/** A law as a field or as a distribution. */
export interface Law {
  readonly text: string;
  /** Density; `null` for a distribution without one. */
  readonly density: Field | null;
  /** Sampler; `null` when only a density is given. */
  readonly distribution: Distribution | null;
}

/**
 * A law as a density on cells: point values at the centres, scaled to the population's mass where one is set.
 *
 * @returns values ≥ 0; 0 in solid cells
 * @throws UsageError when a value is negative or not finite, or the mass is 0
 */
export function densityOn(law: Law, mass: number | null, cells: Cells, where: string): Float64Array {
  if (law.density === null)
    throw usageError(
      where,
      "the law",
      "have a density on a grid",
      law.text,
      "Give a density, or use a particle solver",
    );
  const values = law.density.evaluate(0, cells.points);
  const d = cells.grid.dimension;
  for (let k = 0; k < values.length; k++) {
    if (cells.open[k] === 0) values[k] = 0;
    else if (!(values[k] >= 0 && values[k] < Infinity))
      throw usageError(
        where,
        `the density ${law.text}`,
        `be finite and ≥ 0 at x = (${Array.from(cells.points.subarray(k * d, (k + 1) * d)).join(", ")})`,
        values[k],
        "Change the formula",
      );
  }
  if (mass === null) return values;
  const total = integrate(cells.grid, values);
  demand(
    total > 0,
    where,
    `the density ${law.text}`,
    "have mass on the solver's cells",
    total,
    "Use more points, or move it into the open part of the domain",
  );
  for (let k = 0; k < values.length; k++) values[k] *= mass / total;
  return values;
}

/** A distribution by its description, a density by its formula. */
export function describeLaw(law: Law): unknown {
  return law.distribution?.description ?? law.density?.constant ?? law.text;
}

/** Tells a distribution from a field. */
export function isDistribution(law: LawInput): law is Distribution {
  return typeof law === "object" && law !== null && "sample" in law;
}

/**
 * Makes a law from what the user gave.
 *
 * @param law a field (its density) or a distribution
 * @param d dimension
 * @param where constructor that errors name
 * @param name the law's name in errors
 * @throws UsageError when the dimension or the formula is wrong
 */
export function lawOf(law: LawInput, d: number, where: string, name: string): Law {
  if (!isDistribution(law)) {
    const density = field(law, d, where, name);
    return Object.freeze({ text: density.text, density, distribution: null });
  }
  demand(law.dimension === d, where, name, `live in dimension ${d}`, law.dimension, "Use a law on the domain");
  const { logDensity } = law;
  const text = textOf(law);
  const density =
    logDensity === null
      ? null
      : Object.freeze({
          text,
          dimension: d,
          constant: null,
          dependsOnTime: false,
          expression: null,
          evaluate: (_t: number, points: Float64Array, out = new Float64Array(points.length / d)) => {
            const values = logDensity(points);
            for (let i = 0; i < out.length; i++) out[i] = Math.exp(values[i]);
            return out;
          },
        });
  return Object.freeze({ text, density, distribution: law });
}

/** A distribution as a formula names it: a Gaussian by its moments, others by their name. */
function textOf({ name, description, dimension: d }: Distribution): string {
  const { kind, mean, covariance: c } = description as { kind?: string; mean?: number[]; covariance?: number[] };
  if (kind !== "gaussian" || name !== "gaussian" || mean === undefined || c === undefined || d > 3) return name;
  const short = (v: number) => String(Number(v.toPrecision(4)));
  const centre = mean.map(short).join(", ");
  if (d === 1) return `N(${centre}, ${short(c[0])})`;
  if (c.every((v, k) => v === (k % (d + 1) === 0 ? c[0] : 0)))
    return `N((${centre}), ${c[0] === 1 ? "" : `${short(c[0])} `}I)`;
  const rows = Array.from({ length: d }, (_, i) =>
    c
      .slice(i * d, (i + 1) * d)
      .map(short)
      .join(", "),
  );
  return `N((${centre}), (${rows.join("; ")}))`;
}
