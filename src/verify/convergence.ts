// Order of convergence, measured: errors at several resolutions, slope of log error against log resolution by least
// squares, local orders between neighbours. A slope without a level says nothing: both are in the table.
import { demand } from "../error.js";
import type { Problem } from "../problem.js";
import type { Solution } from "../solution/index.js";
import { type SolveOptions, solve } from "../solve.js";
import type { Solver } from "../solver.js";

export interface ConvergenceOptions<S> extends SolveOptions {
  /** Resolutions (points an axis, particles, steps …), increasing, at least two. */
  readonly resolutions: readonly number[];
  /** Named errors of a solution, each ≥ 0. */
  readonly errors: (solution: S) => Readonly<Record<string, number>>;
}

export interface ConvergenceColumn {
  readonly name: string;
  /** Error at each resolution. */
  readonly errors: readonly number[];
  /** log(e_{k−1}/e_k) / log(n_k/n_{k−1}); the first is `null`. */
  readonly localOrders: readonly (number | null)[];
  /** −slope of log e against log n. */
  readonly order: number;
  /** Error at the finest resolution. */
  readonly level: number;
}

export interface ConvergenceTable {
  readonly solver: string;
  readonly problem: string;
  /** The solver's formal order. */
  readonly formalOrder: number | null;
  readonly resolutions: readonly number[];
  readonly columns: readonly ConvergenceColumn[];
}

/**
 * Least-squares order of errors e_k at resolutions n_k: −slope of log e against log n. Zero errors have no logarithm
 * and give NaN, which fails every comparison.
 */
export function orderOf(resolutions: readonly number[], errors: readonly number[]): number {
  const x = resolutions.map(Math.log);
  const y = errors.map((e) => (e > 0 ? Math.log(e) : Number.NaN));
  const mx = x.reduce((a, b) => a + b, 0) / x.length;
  const my = y.reduce((a, b) => a + b, 0) / y.length;
  const above = x.reduce((sum, v, k) => sum + (v - mx) * (y[k] - my), 0);
  const below = x.reduce((sum, v) => sum + (v - mx) ** 2, 0);
  return -above / below;
}

/**
 * Solves one problem at several resolutions and tabulates errors and orders.
 *
 * @param make resolution → solver
 * @param problem a problem whose error can be measured, typically one with a closed form
 * @returns one column for each named error
 * @throws UsageError for fewer than two or non-increasing resolutions; SolveError when a solve does not converge (an
 * order of unconverged solutions would be meaningless)
 */
export async function convergence<P extends Problem, S extends Solution<P>>(
  make: (resolution: number) => Solver<P, S>,
  problem: P,
  options: ConvergenceOptions<S>,
): Promise<ConvergenceTable> {
  const { resolutions, errors } = options;
  demand(
    resolutions.length >= 2 && resolutions.every((n, k) => n > 0 && (k === 0 || n > resolutions[k - 1])),
    "convergence",
    "resolutions",
    "be two or more increasing positive numbers",
    resolutions,
    "Use resolutions: [32, 64, 128]",
  );
  const rows: Readonly<Record<string, number>>[] = [];
  let formalOrder: number | null = null;
  let name = "";
  for (const n of resolutions) {
    const solver = make(n);
    ({ order: formalOrder, name } = solver);
    rows.push(errors(await solve(problem, solver, { ...options, onFailure: "throw" })));
  }
  const columns = Object.keys(rows[0]).map((column): ConvergenceColumn => {
    const e = rows.map((row) => row[column]);
    return {
      name: column,
      errors: e,
      localOrders: e.map((v, k) =>
        k === 0 ? null : Math.log(e[k - 1] / v) / Math.log(resolutions[k] / resolutions[k - 1]),
      ),
      order: orderOf(resolutions, e),
      level: e[e.length - 1],
    };
  });
  return { solver: name, problem: problem.name, formalOrder, resolutions, columns };
}

/** The table as text, one row a resolution: error and local order of each column. */
export function formatConvergence(table: ConvergenceTable): string {
  const head = ["n", ...table.columns.flatMap((c) => [c.name, "order"])];
  const body = table.resolutions.map((n, k) => [
    String(n),
    ...table.columns.flatMap((c) => [c.errors[k].toExponential(2), c.localOrders[k]?.toFixed(2) ?? "–"]),
  ]);
  const foot = ["slope", ...table.columns.flatMap((c) => ["", c.order.toFixed(2)])];
  const rows = [head, ...body, foot];
  const widths = head.map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows.map((row) => row.map((cell, i) => cell.padStart(widths[i])).join("  ")).join("\n");
}
