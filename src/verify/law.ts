// A law: a named property of a subject (a solution, an operator, a cloud …) with a measured value and a bound.
import { UsageError } from "../error.js";

/** One measured number. `standardError` is `null` where the number is not a statistic. */
export interface Measurement {
  readonly value: number;
  readonly standardError: number | null;
  /** One short sentence when the number needs one, for example how many points were left out. */
  readonly note?: string;
}

/** What a law may use besides its subject. */
export interface LawContext {
  /** Seed of every draw a law makes. */
  readonly seed: number;
  /** Number of sample paths or points; default 256. */
  readonly count: number;
}

/** A named property with a bound. `bound: null` means that the number is reported and not judged. */
export interface Law<Subject> {
  readonly name: string;
  /** The formula, in Unicode. */
  readonly statement: string;
  readonly relation: "≤" | "≥";
  readonly bound: number | null;
  /** The value, or a sentence that says why there is none (unmeasured is never 0). */
  measure(subject: Subject, context: LawContext): Measurement | string | Promise<Measurement | string>;
}

/** A law held against one subject. */
export interface Verdict {
  readonly law: string;
  readonly statement: string;
  readonly relation: "≤" | "≥";
  readonly bound: number | null;
  /** `null` = unmeasured; `note` says why. */
  readonly value: number | null;
  readonly standardError: number | null;
  /** `null` = not judged (no bound, or unmeasured). */
  readonly holds: boolean | null;
  readonly note: string | null;
}

/**
 * Holds one law against one subject. A value that is not finite fails; a law that cannot be measured is not judged.
 */
export async function judge<S>(law: Law<S>, subject: S, context: Partial<LawContext> = {}): Promise<Verdict> {
  const { name, statement, relation, bound } = law;
  const got = await measured(law, subject, { seed: context.seed ?? 0, count: context.count ?? 256 });
  const base = { law: name, statement, relation, bound };
  if (typeof got === "string") return { ...base, value: null, standardError: null, holds: null, note: got };
  const within = relation === "≤" ? got.value <= (bound ?? Infinity) : got.value >= (bound ?? -Infinity);
  return {
    ...base,
    value: got.value,
    standardError: got.standardError,
    holds: bound === null && Number.isFinite(got.value) ? null : within && Number.isFinite(got.value),
    note: got.note ?? null,
  };
}

/** What a law says of a subject; a subject that cannot be asked (an unconverged solution with a negative density, say) leaves it unmeasured. */
async function measured<S>(law: Law<S>, subject: S, context: LawContext): Promise<Measurement | string> {
  try {
    return await law.measure(subject, context);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
}

/** Holds several laws against one subject, in order. */
export async function judgeAll<S>(
  laws: readonly Law<S>[],
  subject: S,
  context: Partial<LawContext> = {},
): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const law of laws) verdicts.push(await judge(law, subject, context));
  return verdicts;
}
