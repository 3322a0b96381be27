// Writes a comparison as one folder: index.html, results.json, results.csv, fields.npz, references.bib. The folder appears
// whole or not at all.
import type { NdArray } from "ndarray";
import ndarray from "ndarray";
import { encodeCsv, encodeJson, encodeNpz, writeFolderAtomic } from "../io/index.js";
import type { Problem } from "../problem.js";
import { bibliography } from "./citations.js";
import { citedKeys, renderHtml } from "./html.js";
import type { Comparison, ComparisonRecord } from "./record.js";

/** The files of a report. */
export const reportFiles = ["index.html", "results.json", "results.csv", "fields.npz", "references.bib"] as const;

/** One row a measured number: problem, solver, kind, name, value, standard error, bound, verdict. */
export function resultRows(record: ComparisonRecord): (string | number | null)[][] {
  const rows: (string | number | null)[][] = [];
  for (const study of record.studies) {
    const add = (
      solver: string,
      kind: string,
      name: string,
      value: number | null,
      more: (string | number | null)[] = [null, null, null, null],
    ) => rows.push([study.name, solver, kind, name, value, ...more]);
    for (const run of study.runs) {
      add(run.solver, "objective", "primal", run.objective?.primal ?? null);
      add(run.solver, "objective", "dual", run.objective?.dual ?? null);
      add(run.solver, "objective", "gap", run.objective?.gap ?? null);
      add(run.solver, "time", "seconds", run.seconds);
      add(run.solver, "distance", "W2 to held-out", run.toHeldOut?.mean ?? null, [
        run.toHeldOut?.standardError ?? null,
        null,
        null,
        null,
      ]);
      if (run.exact !== null)
        for (const [name, value] of Object.entries(run.exact)) add(run.solver, "exact", `${name} error`, value);
      for (const [name, value] of Object.entries(run.numbers)) add(run.solver, "number", name, value);
      for (const { name, times, values } of run.series)
        times.forEach((t, k) => {
          add(run.solver, "series", `${name} at t = ${Number(t.toPrecision(6))}`, values[k]);
        });
      if (run.spread !== null) {
        add(run.solver, "spread", "maps", run.spread.maps);
        add(run.solver, "spread", "laws", run.spread.laws);
      }
      for (const v of run.laws) {
        const verdict = v.holds === null ? null : v.holds ? "holds" : "fails";
        add(run.solver, "law", v.law, v.value, [v.standardError, v.relation, v.bound, verdict]);
      }
    }
    const { names, distances, floors, further } = study.pairwise;
    names.forEach((a, i) => {
      names.slice(i + 1).forEach((b, j) => {
        add(a, "distance", `W2 to ${b}`, distances[i][i + 1 + j]);
        const floor = floors?.[i][i + 1 + j] ?? null;
        if (floor !== null)
          add(a, "distance", `sampling floor to ${b}`, floor.mean, [floor.standardError, null, null, null]);
        for (const { name, values } of further) add(a, "distance", `${name} to ${b}`, values[i][i + 1 + j]);
      });
    });
    if (study.heldOutFloor !== null && study.heldOutFloor !== study.samplingFloor)
      add("", "distance", "sampling floor of held-out", study.heldOutFloor.mean, [
        study.heldOutFloor.standardError,
        null,
        null,
        null,
      ]);
    if (study.samplingFloor !== null) {
      add("", "distance", "sampling floor", study.samplingFloor.mean, [
        study.samplingFloor.standardError,
        null,
        null,
        null,
      ]);
    }
  }
  return rows;
}

const columns = ["problem", "solver", "kind", "name", "value", "standard error", "relation", "bound", "verdict"];

/** Every solution's arrays under problem/solver/name, with paths of all solvers at the same times under names that no solution has. */
function fields<P extends Problem>(comparison: Comparison<P>): Record<string, NdArray<Float64Array>> {
  const arrays: Record<string, NdArray<Float64Array>> = {};
  for (const { problem, runs } of comparison.studies) {
    for (const { solver, solution } of runs) {
      if (solution === null) continue;
      for (const [name, array] of Object.entries(solution.arrays()))
        arrays[`${problem.name}/${solver.name}/${name}`] = array;
      const paths = solution.trajectories({ count: comparison.record.count, seed: comparison.record.seed, steps: 20 });
      arrays[`${problem.name}/${solver.name}/report_paths`] = ndarray(paths.positions, [
        paths.times.length,
        paths.count,
        paths.dimension,
      ]);
      arrays[`${problem.name}/${solver.name}/report_times`] = ndarray(paths.times, [paths.times.length]);
    }
  }
  return arrays;
}

/**
 * Writes the report folder.
 *
 * @param folder its path; an earlier report there is replaced as a whole
 * @returns the paths of the files
 * @throws UsageError when something else lies there
 */
export async function writeReport<P extends Problem>(
  comparison: Comparison<P>,
  folder: string,
): Promise<readonly string[]> {
  const entries = bibliography();
  const cited = citedKeys(comparison as unknown as Comparison).flatMap((key) => entries.get(key)?.text ?? []);
  const files: Record<(typeof reportFiles)[number], string | Uint8Array> = {
    "index.html": renderHtml(comparison),
    "results.json": encodeJson(comparison.record),
    "results.csv": encodeCsv(columns, resultRows(comparison.record)),
    "fields.npz": encodeNpz(fields(comparison)),
    "references.bib": `${cited.join("\n\n")}\n`,
  };
  await writeFolderAtomic(folder, files);
  return Object.keys(files).map((name) => `${folder}/${name}`);
}
