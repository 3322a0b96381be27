// meanfield compare: several solvers on one problem or more, and the report.
import { basename, resolve } from "node:path";
import { UsageError } from "../error.js";
import { demandWritableFolder, encodeJson } from "../io/index.js";
import {
  type ComparisonRecord,
  compare,
  energyDisagreement,
  floorOfDisagreement,
  largestDisagreement,
  reportFiles,
  type StudyRecord,
  tally,
  writeReport,
} from "../report/index.js";
import { chooseProblem, chooseSolver, defaultSolvers, lawsOf, uniquenessOf } from "./choices.js";
import { type Command, exitCodes, integerOption } from "./command.js";

export const compareCommand: Command = {
  name: "compare",
  summary: "solve problems with several solvers and write a report",
  help: `meanfield compare PROBLEM [PROBLEM …] [--solvers A,B,…]: several solvers, one report

  PROBLEM          a catalogue name or a JSON problem file
  --solvers A,B    default: the independent methods that handle the problem (see meanfield list)
  --repeats N      solves of each stochastic solver, for the seed-to-seed spread (default 1)
  --count N        sample paths of each measurement (default 256)
  --checkpoints F  folder for checkpoints: an interrupted comparison resumes its networks
  --out FOLDER     default out/PROBLEM (a file's name without .json); index.html, results.json, results.csv, fields.npz, references.bib

Exit code 3 when a solver failed or none handles a problem, 1 when a law failed, else 0. The report is written unless nothing was solved.

Example:
  meanfield compare two-moons --solvers grid,particle --out out/moons`,
  options: {
    solvers: { type: "string" },
    repeats: { type: "string" },
    count: { type: "string" },
    checkpoints: { type: "string" },
  },
  takesArguments: true,
  run: async (parsed, streams) => {
    if (parsed.positionals.length === 0) {
      throw new UsageError(
        "meanfield compare: problem must be given; got none. Use for example meanfield compare old-faithful.",
      );
    }
    const problems = [];
    for (const name of parsed.positionals) problems.push(await chooseProblem(name));
    const named = parsed.values.solvers as string | undefined;
    const names = named?.split(",") ?? defaultSolvers(problems);
    const methods = names.map((name) => chooseSolver(name.trim()));
    const folder = resolve(parsed.out ?? `out/${parsed.positionals.map((name) => basename(name, ".json")).join("+")}`);
    await demandWritableFolder(folder, reportFiles);
    const comparison = await compare(problems, {
      solvers: methods,
      laws: lawsOf,
      uniqueness: (problem) => uniquenessOf(problem, streams.signal),
      seed: parsed.seed,
      repeats: integerOption(parsed, "repeats", 1),
      count: integerOption(parsed, "count", 256),
      device: parsed.device,
      signal: streams.signal,
      checkpoints: (parsed.values.checkpoints as string | undefined) ?? null,
      onProgress: (e) =>
        streams.progress?.(
          [e.problem, e.solver, e.stage, e.fraction === null ? "" : `${Math.round(100 * e.fraction)} %`]
            .filter(Boolean)
            .join(" · "),
        ),
    });
    // Where nothing was solved an earlier report stays.
    const solved = comparison.record.studies.some((study) => study.runs.some((run) => run.status !== null));
    const page = solved ? (await writeReport(comparison, folder))[0] : null;
    streams.out(parsed.json ? encodeJson(comparison.record) : summaryText(comparison.record, page));
    return exitCode(comparison.record);
  },
};

function exitCode(record: ComparisonRecord): number {
  const runs = record.studies.flatMap((study) => study.runs);
  if (runs.some((run) => run.failure?.kind === "failed" || run.failure?.kind === "ill-posed"))
    return exitCodes.solverFailed;
  if (record.studies.some((study) => study.runs.every((run) => run.status === null))) return exitCodes.solverFailed;
  return runs.some((run) => run.laws.some((law) => law.holds === false)) ? exitCodes.checkFailed : exitCodes.ok;
}

function summaryText(record: ComparisonRecord, page: string | null): string {
  const end = page === null ? "No solver brought a solution, so no report was written." : `Report: ${page}`;
  return [...record.studies.flatMap(studyLines), "", end].join("\n");
}

function studyLines(study: StudyRecord): string[] {
  const number = (v: number | null) => (v === null ? "–" : v.toPrecision(3));
  const t = tally(study);
  const energy = energyDisagreement(study);
  const rows = study.runs.map((run) => {
    const what = run.failure === null ? "converged" : `${run.failure.kind}: ${run.failure.text}`;
    const value = number(run.objective?.primal ?? run.objective?.dual ?? null);
    const time = run.seconds === null ? "–" : `${run.seconds.toFixed(1)} s`;
    const exploitability = run.laws.find((v) => v.law === "exploitability")?.value ?? null;
    const errors = Object.entries(run.exact ?? {}).filter(([, v]) => v !== null);
    const measure = {
      flow: `value ${value.padEnd(9)} W₂ to held-out ${number(run.toHeldOut?.mean ?? null).padEnd(7)}`,
      game: `exploitability ${number(exploitability).padEnd(9)}`,
      density:
        "E at 0" in run.numbers
          ? `E from ${number(run.numbers["E at 0"]).padEnd(9)} to ${number(run.numbers["E at T"]).padEnd(9)}`
          : errors.length > 0
            ? `error of the ${errors[0][0]} ${number(errors[0][1]).padEnd(9)}`
            : "",
    }[study.kind];
    return `  ${run.solver.padEnd(26)} ${measure} ${time.padEnd(8)} ${what}`;
  });
  return [
    `${study.title}`,
    ...rows,
    ...(study.uniqueness === null ? [] : [`  from several starts: ${study.uniqueness.text}`]),
    `  laws that hold: ${t.held} of ${t.judged} (${t.unmeasured} unmeasured); largest W₂ between solvers ${number(largestDisagreement(study))}; sampling floor ${number(floorOfDisagreement(study)?.mean ?? null)}`,
    ...(energy === null
      ? []
      : [
          `  E(T) differs by up to ${(100 * energy.apart).toPrecision(2)} % of its fall: ${energy.pair.join(" against ")}`,
        ]),
  ];
}
