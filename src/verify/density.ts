// Laws of a density that evolves on cells (Fokker–Planck equations, gradient flows):
//   mass       ∫ρ(t) = ∫ρ(0);  with doors it never grows;      created mass  ∫ρ⁻ is nothing
//   exact      ∫|ρ(T) − exact| / ∫ρ, where the problem has a closed form: reported
import { type Cells, type Domain, type Grid, integrate } from "../grid/index.js";
import type { Problem } from "../problem.js";
import type { Solution } from "../solution/index.js";
import type { Law } from "./law.js";

/** A problem whose unknown is one density. */
export interface DensityProblem extends Problem {
  readonly domain: Domain;
  readonly exact: { readonly density: ((t: number, x: Float64Array) => Float64Array) | null } | null;
}

/** A solution that keeps its density as slabs on cells. */
export interface SlabSolution<P extends DensityProblem = DensityProblem> extends Solution<P> {
  readonly cells: Cells;
  readonly times: Float64Array;
  readonly slabs: readonly Float64Array[];
}

/** Whether a solution is one. */
export function keepsSlabs(solution: Solution): solution is SlabSolution {
  return "slabs" in solution && "cells" in solution && "times" in solution;
}

export interface DensityBounds {
  /** Relative change of the mass ≤; default 1e-12. */
  readonly mass: number | null;
  /** ∫ρ⁻ / ∫ρ ≤; default 1e-8. */
  readonly created: number | null;
}

const NO_SLABS = "this family keeps no density on a grid";

/** The laws of a density that evolves on cells; see the head of this file. */
export function densityLaws(bounds: Partial<DensityBounds> = {}): readonly Law<Solution<DensityProblem>>[] {
  const { mass = 1e-12, created = 1e-8 } = bounds;
  return [slabMass(mass), slabCreated(created), closedForm()];
}

/** Largest |∫ρⁿ − ∫ρ⁰| / ∫ρ⁰ of slabs; where mass may leave (`open`), the largest growth in one step. */
export function massChange(grid: Grid, slabs: readonly Float64Array[], open: boolean): number {
  const masses = slabs.map((rho) => integrate(grid, rho));
  let worst = 0;
  for (let n = 1; n < masses.length; n++)
    worst = Math.max(worst, open ? (masses[n] - masses[n - 1]) / masses[0] : Math.abs(masses[n] / masses[0] - 1));
  return worst;
}

/** Largest ∫ρ⁻ of slabs, relative to the mass of the first. */
export function createdShare(grid: Grid, slabs: readonly Float64Array[]): number {
  const mass = integrate(grid, slabs[0]);
  let worst = 0;
  for (const rho of slabs) {
    let negative = 0;
    for (const v of rho) negative -= Math.min(0, v);
    worst = Math.max(worst, (negative * grid.cellVolume) / mass);
  }
  return worst;
}

function slabMass(bound: number | null): Law<Solution<DensityProblem>> {
  return {
    name: "mass",
    statement: "max over t of |∫ρ(t) − ∫ρ(0)| / ∫ρ(0); with doors, its largest growth",
    relation: "≤",
    bound,
    measure: (solution) => {
      if (!keepsSlabs(solution)) return NO_SLABS;
      if ("source" in solution.problem && solution.problem.source !== null) return "a source adds mass";
      const open = solution.problem.domain.doors.length > 0;
      return { value: massChange(solution.cells.grid, solution.slabs, open), standardError: null };
    },
  };
}

function slabCreated(bound: number | null): Law<Solution<DensityProblem>> {
  return {
    name: "created mass",
    statement: "max over t of ∫ρ⁻(t) / ∫ρ(0)",
    relation: "≤",
    bound,
    measure: (solution) => {
      if (!keepsSlabs(solution)) return NO_SLABS;
      return { value: createdShare(solution.cells.grid, solution.slabs), standardError: null };
    },
  };
}

function closedForm(): Law<Solution<DensityProblem>> {
  return {
    name: "closed form",
    statement: "∫|ρ(T) − exact| / ∫ρ(T)",
    relation: "≤",
    bound: null,
    measure: (solution) => {
      if (!keepsSlabs(solution)) return NO_SLABS;
      const { problem, cells, slabs, times } = solution;
      const exact = problem.exact?.density ?? null;
      if (exact === null) return "no closed form is known";
      const last = slabs.length - 1;
      const wanted = exact(times[last], cells.points);
      let distance = 0;
      let total = 0;
      for (let i = 0; i < wanted.length; i++) {
        if (cells.open[i] === 0) continue;
        distance += Math.abs(slabs[last][i] - wanted[i]);
        total += wanted[i];
      }
      return { value: distance / total, standardError: null };
    },
  };
}
