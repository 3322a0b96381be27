// The tables of the report: cards, laws, distances, errors, objectives, provenance. What was not measured is written as such.
import type { Problem } from "../problem.js";
import type { Verdict } from "../verify/index.js";
import { colours, escapeHtml, heldOutFigure } from "./figures.js";
import type { Estimate, Floor, RunRecord, StudyRecord } from "./record.js";

export const unmeasured = `<span class="none" title="not measured">–</span>`;

/** A few significant digits, the way a table shows a number. */
export function format(value: number | null, digits = 3): string {
  if (value === null) return unmeasured;
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size >= 1e-3 && size < 1e5 ? String(Number(value.toPrecision(digits))) : value.toExponential(1);
  return text.replaceAll("-", "−");
}

function formatEstimate(e: Estimate | null): string {
  if (e === null) return unmeasured;
  return e.standardError === null ? format(e.mean) : `${format(e.mean)} <small>± ${format(e.standardError)}</small>`;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[], kind = ""): string {
  const cells = (row: readonly string[], tag: string) =>
    row.map((cell, k) => `<${k === 0 ? "th" : tag}>${cell}</${k === 0 ? "th" : tag}>`).join("");
  return `<div class="scroll"><table class="${kind}"><thead><tr>${cells(head, "th")}</tr></thead><tbody>${rows
    .map((row) => `<tr>${cells(row, "td")}</tr>`)
    .join("")}</tbody></table></div>`;
}

export function named(study: StudyRecord, solver: string): string {
  const colour = colours(study.runs.map((run) => run.solver))(solver);
  return `<span class="dot" style="background:${colour}"></span>${escapeHtml(solver)}`;
}

/** Counts over all runs of a study. */
export interface Tally {
  readonly solved: number;
  readonly runs: number;
  readonly held: number;
  readonly judged: number;
  readonly unmeasured: number;
}

export function tally(study: StudyRecord): Tally {
  const verdicts = study.runs.flatMap((run) => run.laws);
  return {
    solved: study.runs.filter((run) => run.status?.converged === true).length,
    runs: study.runs.length,
    held: verdicts.filter((v) => v.holds === true).length,
    judged: verdicts.filter((v) => v.holds !== null).length,
    unmeasured: verdicts.filter((v) => v.value === null).length,
  };
}

/** The floor of the pair of solutions that is furthest apart, or that of the whole study. */
export function floorOfDisagreement({ samplingFloor, pairwise: { distances, floors } }: StudyRecord): Floor | null {
  if (floors === null) return samplingFloor;
  const all = distances.flat();
  return floors.flat()[all.indexOf(Math.max(...all))] ?? null;
}

/**
 * Whether solutions are no further apart than chance puts them; `null` = no floor is known. One W₂ of two samples scatters about the floor:
 * pairs with a floor of their own may exceed it by twice that scatter.
 */
function withinChance({ samplingFloor, pairwise: { distances, floors } }: StudyRecord): boolean | null {
  const all = distances.flat();
  if (floors === null) return samplingFloor === null ? null : Math.max(...all) <= samplingFloor.mean;
  const own = floors.flat();
  if (!own.some((floor) => floor !== null)) return null;
  return own.every((floor, k) => floor === null || all[k] <= floor.mean + 2 * scatter(floor));
}

/** Standard deviation of one W₂ about a floor. */
function scatter({ standardError, repeats }: Floor): number {
  return (standardError ?? 0) * Math.sqrt(repeats);
}

/** Largest W₂ between two solutions. */
export function largestDisagreement(study: StudyRecord): number | null {
  const all = study.pairwise.distances.flat();
  return study.pairwise.names.length < 2 ? null : Math.max(...all);
}

/** Share of the fall of E by which E(T) of two solvers may differ: the bound of the dissipation identity too, what a first order leaves. */
export const ENERGY_APART = 0.1;

/** The two solvers whose E(T) are furthest apart, and how far, over the fall of E; `null` where not all report one. */
export function energyDisagreement(
  study: StudyRecord,
): { readonly apart: number; readonly pair: [string, string] } | null {
  const { names, further } = study.pairwise;
  const values = further.find(({ name }) => name === "energy")?.values.flat() ?? [];
  const apart = Math.max(0, ...values.map((v) => v ?? 0));
  if (apart === 0) return null;
  const at = values.indexOf(apart);
  return { apart, pair: [names[Math.floor(at / names.length)], names[at % names.length]] };
}

/** Whether solvers agree: as far as chance lets W₂ say, and in E(T). */
function agree(study: StudyRecord): boolean | null {
  const energy = energyDisagreement(study);
  return energy !== null && energy.apart > ENERGY_APART ? false : withinChance(study);
}

export function percent(share: number): string {
  return `${format(100 * share, 2)} %`;
}

export function summary(study: StudyRecord): string {
  const t = tally(study);
  const apart = largestDisagreement(study);
  const floor = floorOfDisagreement(study);
  const energy = energyDisagreement(study);
  const energies = energy === null ? "" : `; E(T) differs by up to ${percent(energy.apart)} of its fall`;
  const posed = study.wellPosedness.wellPosed;
  const cards: [string, string, string, boolean | null][] = [
    study.uniqueness?.unique === false
      ? ["well-posed", "not unique", study.uniqueness.text, false]
      : [
          "well-posed",
          posed === null ? "unknown" : posed ? "yes" : "no",
          (posed === null ? study.uniqueness?.text : undefined) ?? study.wellPosedness.reasons[0] ?? "",
          posed,
        ],
    ["solved", `${t.solved} of ${t.runs}`, "solvers that converged to their tolerance", t.solved === t.runs],
    [
      "laws that hold",
      `${t.held} of ${t.judged}`,
      t.unmeasured === 0
        ? "every law was measured"
        : `${t.unmeasured} more do not apply or could not be measured: they count for nothing`,
      t.held === t.judged,
    ],
    [
      "largest disagreement",
      format(apart),
      apart === null
        ? "fewer than two solutions: nothing to compare"
        : floor === null
          ? `W₂ between the end laws of two solvers${energies}`
          : `W₂ between two solvers; chance alone gives ${format(floor.mean)}${study.pairwise.floors === null ? "" : ` ± ${format(scatter(floor), 1)}`} (sampling floor)${energies}`,
      apart === null ? null : agree(study),
    ],
  ];
  const mark = (ok: boolean | null) => (ok === null ? "plain" : ok ? "good" : "bad");
  return `<div class="cards">${cards
    .map(
      ([name, value, note, ok]) =>
        `<div class="card ${mark(ok)}"><b>${value}</b><span>${name}</span><small>${escapeHtml(note)}</small></div>`,
    )
    .join("")}</div>`;
}

function verdictCell(v: Verdict | undefined): string {
  if (v === undefined) return unmeasured;
  if (v.value === null) return `<span class="none" title="${escapeHtml(v.note ?? "")}">unmeasured</span>`;
  const sign = v.holds === null ? "" : v.holds ? `<i class="ok">✓</i>` : `<i class="no">✗</i>`;
  const title = v.note === null ? "" : ` title="${escapeHtml(v.note)}"`;
  return `<span${title}>${format(v.value)}${v.standardError === null ? "" : ` <small>± ${format(v.standardError)}</small>`} ${sign}</span>`;
}

export function lawTable(study: StudyRecord): string {
  const measured = study.runs.filter((run) => run.laws.length > 0);
  if (measured.length === 0) return `<p class="note">No solver brought a solution to hold the laws against.</p>`;
  const known = (law: Verdict) => measured.some((run) => run.laws.some((v) => v.law === law.law && v.value !== null));
  const rows = measured[0].laws
    .filter(known)
    .map((law) => [
      `${escapeHtml(law.law)}<br><small>${escapeHtml(law.statement)}</small>`,
      law.bound === null ? "reported" : `${law.relation} ${format(law.bound, 5)}`,
      ...measured.map((run) => verdictCell(run.laws.find((v) => v.law === law.law))),
    ]);
  const reasons = new Map<string, string[]>();
  for (const run of measured)
    for (const v of run.laws)
      if (v.value === null && v.note !== null)
        reasons.set(`${v.law}: ${v.note}`, [...(reasons.get(`${v.law}: ${v.note}`) ?? []), run.solver]);
  const list = [...reasons].map(
    ([why, who]) => `<li>${escapeHtml(why)} <small>(${escapeHtml(who.join(", "))})</small></li>`,
  );
  const notes =
    list.length === 0 ? "" : `<p class="note">Unmeasured, and why:</p><ul class="note">${list.join("")}</ul>`;
  return rows.length === 0
    ? notes
    : table(["law", "bound", ...measured.map((run) => named(study, run.solver))], rows, "laws") + notes;
}

export function distanceTable(study: StudyRecord): string {
  const { names, distances } = study.pairwise;
  if (names.length === 0) return `<p class="note">No solution, so no distances.</p>`;
  const rows = names.map((name, i) => {
    const run = study.runs.find((r) => r.solver === name)!;
    return [
      named(study, name),
      ...distances[i].map((d, j) => (i === j ? "" : format(d))),
      formatEstimate(run.toHeldOut),
    ];
  });
  const floor = study.heldOutFloor;
  if (floor !== null) rows.push(["sampling floor", ...names.map(() => ""), formatEstimate(floor)]);
  return (
    table(["W₂ between end laws", ...names.map((n) => escapeHtml(n)), "held-out"], rows, "numbers") +
    heldOutNote(study) +
    heldOutFigure(study)
  );
}

function floorBeside(floor: Floor | null): string {
  return floor === null ? "" : ` <small>floor ${format(floor.mean)} ± ${format(scatter(floor), 1)}</small>`;
}

/** Distances of every pair of solutions, with the floor of each pair where it has its own, and a note on floors. */
export function agreement(record: StudyRecord, note: string): string {
  const { names, distances, floors, further: others } = record.pairwise;
  if (names.length < 2) return `<p class="note">One solution: nothing to compare it with.</p>`;
  const matrix = (
    head: string,
    values: readonly (readonly (number | null)[])[],
    floors: readonly (readonly (Floor | null)[])[] | null = null,
  ) =>
    table(
      [head, ...names.map((n) => escapeHtml(n))],
      names.map((name, i) => [
        named(record, name),
        ...values[i].map((v, j) => (i === j ? "" : `${format(v)}${floorBeside(floors?.[i][j] ?? null)}`)),
      ]),
      "numbers",
    );
  return (
    matrix("W₂ between laws at T", distances, floors) +
    note +
    others.map((m) => matrix(`${escapeHtml(m.name)}: ${escapeHtml(m.statement)}`, m.values)).join("")
  );
}

function heldOutNote({ heldOutFloor: floor }: StudyRecord): string {
  if (floor === null) return "";
  return `<p class="note">Sampling floor: W₂ between the ${floor.count} held-out points and ${floor.count} fresh points of the target itself (mean ± standard error of ${floor.repeats} draws). No method can be expected to come below it but by chance; within twice the floor (dashed line) is good.</p>`;
}

/** W₂ to the held-out points, a row a solver, with the floor; "" where none were held out. */
export function heldOutTable(study: StudyRecord): string {
  const known = study.runs.filter((run) => run.toHeldOut !== null);
  if (known.length === 0) return "";
  const rows = known.map((run) => [named(study, run.solver), formatEstimate(run.toHeldOut)]);
  if (study.heldOutFloor !== null) rows.push(["sampling floor", formatEstimate(study.heldOutFloor)]);
  return `<h3>Points that no solver has seen</h3>${table(["solver", "W₂ to held-out"], rows, "numbers")}${heldOutNote(study)}${heldOutFigure(study)}`;
}

/** The unit of distances, where it is not the one of the axes. */
export function unitNote(problem: Problem): string {
  const { coordinates } = problem;
  if (coordinates === null || coordinates.every((c) => Math.abs(c.scale) === 1)) return "";
  const units = coordinates.map((c) => `${format(Math.abs(c.scale))} along ${escapeHtml(c.label)}`);
  return `<p class="note">Distances, speeds and energies are in the solvers' own, standardised coordinates, axes of pictures in those of the data: one unit of distance is ${units.join(", ")}.</p>`;
}

/** The runs' further numbers. */
export function numberTable(record: StudyRecord, heading: string, text: string): string {
  const columns = [...new Set(record.runs.flatMap((run) => Object.keys(run.numbers)))];
  if (columns.length === 0) return "";
  const rows = record.runs
    .filter((run) => run.status !== null)
    .map((run) => [named(record, run.solver), ...columns.map((c) => format(run.numbers[c] ?? null, 7))]);
  const head = ["solver", ...columns.map(escapeHtml)];
  return `<h3>${heading}</h3><p>${text}</p>${table(head, rows, "numbers")}`;
}

export function exactTable(study: StudyRecord): string {
  const known = study.runs.filter((run) => run.exact !== null);
  if (known.length === 0) return "";
  const columns = Object.keys(known[0].exact!);
  const rows = known.map((run) => [named(study, run.solver), ...columns.map((c) => format(run.exact![c]))]);
  const head = columns.map((c) => flowErrors[c] ?? escapeHtml(c));
  return `<h3>Against the closed form</h3>${table(["solver", ...head], rows, "numbers")}`;
}

/** What the short names of a flow's errors mean. */
const flowErrors: Readonly<Record<string, string>> = {
  value: "|value − exact|",
  potential: "√E|U(0,·) − exact|², up to a constant",
  map: "√E|x<sub>T</sub> − exact|²",
};

export function spreadTable(study: StudyRecord): string {
  const rows = study.runs.flatMap((run) =>
    run.spread === null
      ? []
      : [[named(study, run.solver), String(run.spread.solutions), format(run.spread.maps), format(run.spread.laws)]],
  );
  if (rows.length === 0) {
    return `<p class="note">Seed-to-seed spread: unmeasured here; run the comparison with <code>--repeats 5</code>.</p>`;
  }
  return table(
    ["seed-to-seed spread", "solutions", "maps (relative to displacement)", "laws, W₂ (relative)"],
    rows,
    "numbers",
  );
}

export function objectiveTable(study: StudyRecord): string {
  const objectives = study.runs.some(
    (run) => run.objective !== null && Object.values(run.objective).some((v) => v !== null),
  );
  const rows = study.runs.map((run) => [
    named(study, run.solver),
    run.failure === null ? "converged" : `<i class="no">${run.failure.kind}</i>`,
    ...(objectives
      ? [format(run.objective?.primal ?? null), format(run.objective?.dual ?? null), format(run.objective?.gap ?? null)]
      : []),
    run.seconds === null ? unmeasured : `${format(run.seconds)} s`,
    run.device === null ? unmeasured : escapeHtml([run.device.used, run.device.adapter].filter(Boolean).join(", ")),
  ]);
  const head = ["solver", "status", ...(objectives ? ["primal", "dual", "gap"] : []), "time", "device"];
  const texts = study.runs.flatMap((run) => {
    const text = run.failure?.text ?? run.status?.text;
    return text === undefined ? [] : [`<li><b>${escapeHtml(run.solver)}</b>: ${escapeHtml(text)}</li>`];
  });
  return `${table(head, rows, "numbers")}<ul class="note">${texts.join("")}</ul>`;
}

export function provenance(run: RunRecord): string {
  const list = (record: Readonly<Record<string, unknown>> | null) =>
    record === null
      ? unmeasured
      : escapeHtml(
          Object.entries(record)
            .map(([k, v]) => `${k} ${typeof v === "object" ? JSON.stringify(v) : v}`)
            .join(", "),
        ) || "none";
  return `<tr><th>${escapeHtml(run.solver)}</th><td>${list(run.options)}</td><td>${list(run.counts)}</td><td>${escapeHtml(run.device?.reason ?? "")}</td></tr>`;
}

export function parameters(problem: Problem): string {
  const rows = Object.entries(problem.describe()).map(
    ([name, value]) =>
      `<tr><th>${escapeHtml(name)}</th><td>${escapeHtml(typeof value === "object" ? JSON.stringify(value) : String(value))}</td></tr>`,
  );
  return `<details><summary>Parameters</summary><table>${rows.join("")}</table></details>`;
}
