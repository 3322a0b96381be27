// The record of a comparison: plain JSON, the same shape for every kind of problem. What only one kind can be asked stands
// under names of its own; what was not measured is null.
import type { DeviceUse } from "../device/index.js";
import type { Problem, WellPosedness } from "../problem.js";
import type { Family, History, Objective, Solution, Status } from "../solution/index.js";
import type { Solver } from "../solver.js";
import type { Spread, Verdict } from "../verify/index.js";

/** What a kind of problem is measured by, over all runs. */
export interface StudyMeasures {
  readonly kind: "flow" | "game" | "density";
  readonly pairwise: {
    /** Solved runs; rows and columns of the tables. */
    readonly names: readonly string[];
    /** W₂ between the laws of x_T of each pair. */
    readonly distances: readonly (readonly number[])[];
    /** W₂ that chance alone makes between points drawn as those of each pair; `null` of studies with one floor for all, in `samplingFloor`. */
    readonly floors: readonly (readonly (Floor | null)[])[] | null;
    /** Further distances of each pair. */
    readonly further: readonly {
      readonly name: string;
      readonly statement: string;
      readonly values: readonly (readonly (number | null)[])[];
    }[];
  };
  /** W₂ that chance alone makes between two samples of one law; `null` when it cannot be measured. */
  readonly samplingFloor: Floor | null;
  /** W₂ of the held-out points to fresh points of the target itself; `null` when it cannot be measured. */
  readonly heldOutFloor: Floor | null;
}

/** What a kind of problem is measured by, for one run. */
export interface RunMeasures {
  /** W₂ of n end points to the held-out points. */
  readonly toHeldOut: Estimate | null;
  /** Errors against the closed form by name; `null` without one. */
  readonly exact: Readonly<Record<string, number | null>> | null;
  readonly spread: Spread | null;
  /** Further numbers by name. */
  readonly numbers: Readonly<Record<string, number | null>>;
  /** Numbers that the comparison measured over time. */
  readonly series: readonly Series[];
}

/** `values[k]` at `times[k]`. */
export interface Series {
  readonly name: string;
  readonly times: readonly number[];
  readonly values: readonly number[];
  /** What chance alone makes of such a value; `null` where there is none, or it is not known. */
  readonly floor: number | null;
}

/** One solver on one problem. */
export interface Run<P extends Problem = Problem> {
  readonly solver: Solver<P>;
  /** `null` when nothing came out; `failure` says why. An unconverged solution is kept and has a failure too. */
  readonly solution: Solution<P> | null;
  readonly failure: Failure | null;
  /** Solutions of the further seeds. */
  readonly repeats: readonly Solution<P>[];
}

export interface Failure {
  readonly kind: "ill-posed" | "not applicable" | "failed";
  readonly text: string;
}

/** Verdict of a probe from several starts. */
export interface UniquenessRecord {
  readonly unique: boolean | null;
  /** Largest distance of densities and of values between the solutions; `null` = not measured. */
  readonly density: number | null;
  readonly value: number | null;
  readonly text: string;
}

/** A mean over repeats with its standard error. */
export interface Estimate {
  readonly mean: number;
  readonly standardError: number | null;
}

/** W₂ between two samples of one law, as a mean over repeats; `count` points a side. */
export type Floor = Estimate & { readonly count: number; readonly repeats: number };

/** The record of one run, plain JSON. */
export interface RunRecord extends RunMeasures {
  readonly solver: string;
  readonly family: Family;
  readonly order: number | null;
  readonly references: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly failure: Failure | null;
  readonly status: Status | null;
  readonly objective: Objective | null;
  readonly seconds: number | null;
  readonly counts: Readonly<Record<string, number>> | null;
  readonly device: DeviceUse | null;
  readonly histories: readonly History[];
  readonly laws: readonly Verdict[];
}

export interface StudyRecord extends StudyMeasures {
  readonly problem: Readonly<Record<string, unknown>>;
  readonly name: string;
  readonly title: string;
  readonly dimension: number;
  readonly equations: readonly string[];
  readonly wellPosedness: WellPosedness;
  /** What solving from several starts showed; `null` when nobody asked, a sentence in `text` when it could not be asked. */
  readonly uniqueness: UniquenessRecord | null;
  readonly references: readonly string[];
  readonly runs: readonly RunRecord[];
}
export interface ComparisonRecord {
  readonly title: string;
  readonly date: string;
  readonly version: string;
  readonly seed: number;
  readonly count: number;
  readonly machine: Readonly<Record<string, string | number>>;
  readonly seconds: number;
  readonly studies: readonly StudyRecord[];
}

/** What {@link compare} gives: the record (JSON) and the live solutions behind it. */
export interface Comparison<P extends Problem = Problem> {
  readonly record: ComparisonRecord;
  readonly studies: readonly { readonly problem: P; readonly runs: readonly Run<P>[] }[];
}

/** Measures of a run without a solution. */
export const nothing: RunMeasures = { toHeldOut: null, exact: null, spread: null, numbers: {}, series: [] };

/** A table of every pair of `count` solutions; `same` on its diagonal. */
export function pairs<T>(count: number, of: (a: number, b: number) => T, same: T): T[][] {
  const all = Array.from({ length: count }, (_, k) => k);
  return all.map((a) => all.map((b) => (a === b ? same : of(a, b))));
}

/** Mean and standard error of values. */
export function estimate(values: readonly number[]): Estimate {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  if (values.length < 2) return { mean, standardError: null };
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1);
  return { mean, standardError: Math.sqrt(variance / values.length) };
}
