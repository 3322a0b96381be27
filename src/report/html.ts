// The report page: one self-contained HTML file, no script, no network, readable on paper. It says first what was found,
// then shows it, then gives every number with its bound; what was not measured is written as unmeasured.
import type { Problem } from "../problem.js";
import type { Verdict } from "../verify/index.js";
import { bibliography, citationText } from "./citations.js";
import type { Comparison, Estimate, Run, RunRecord, StudyRecord, TransportLikeProblem } from "./compare.js";
import {
  colours,
  densityFigure,
  escapeHtml,
  heldOutFigure,
  historyFigure,
  potentialFigure,
  speedFigure,
  trajectoryFigure,
} from "./figures.js";

const unmeasured = `<span class="none" title="not measured">–</span>`;

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

function table(head: readonly string[], rows: readonly (readonly string[])[], kind = ""): string {
  const cells = (row: readonly string[], tag: string) =>
    row.map((cell, k) => `<${k === 0 ? "th" : tag}>${cell}</${k === 0 ? "th" : tag}>`).join("");
  return `<div class="scroll"><table class="${kind}"><thead><tr>${cells(head, "th")}</tr></thead><tbody>${rows
    .map((row) => `<tr>${cells(row, "td")}</tr>`)
    .join("")}</tbody></table></div>`;
}

function named(study: StudyRecord, solver: string): string {
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

/** Largest W₂ between two solutions. */
export function largestDisagreement(study: StudyRecord): number | null {
  const all = study.pairwise.distances.flat();
  return study.pairwise.names.length < 2 ? null : Math.max(...all);
}

function summary(study: StudyRecord): string {
  const t = tally(study);
  const apart = largestDisagreement(study);
  const floor = study.samplingFloor;
  const posed = study.wellPosedness.wellPosed;
  const cards: [string, string, string, boolean | null][] = [
    ["well-posed", posed === null ? "unknown" : posed ? "yes" : "no", study.wellPosedness.reasons[0] ?? "", posed],
    ["solved", `${t.solved} of ${t.runs}`, "solvers that converged to their tolerance", t.solved === t.runs],
    [
      "laws that hold",
      `${t.held} of ${t.judged}`,
      `${t.unmeasured} more could not be measured and count for nothing`,
      t.held === t.judged,
    ],
    [
      "largest disagreement",
      format(apart),
      floor === null
        ? "W₂ between the end laws of two solvers"
        : `W₂ between two solvers; chance alone gives ${format(floor.mean)} (sampling floor)`,
      apart === null || floor === null ? null : apart <= floor.mean,
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

function lawTable(study: StudyRecord): string {
  const measured = study.runs.filter((run) => run.laws.length > 0);
  if (measured.length === 0) return `<p class="note">No solver brought a solution to hold the laws against.</p>`;
  const rows = measured[0].laws.map((law) => [
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
  return table(["law", "bound", ...measured.map((run) => named(study, run.solver))], rows, "laws") + notes;
}

function distanceTable(study: StudyRecord): string {
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
  const floor = study.samplingFloor;
  if (floor !== null) rows.push(["sampling floor", ...names.map(() => ""), formatEstimate(floor)]);
  const caption =
    floor === null
      ? ""
      : `<p class="note">Sampling floor: W₂ between the ${floor.count} held-out points and ${floor.count} fresh points of the target itself (mean ± standard error of ${floor.repeats} draws). No method can be expected to come below it; within twice the floor (dashed line) is good.</p>`;
  return (
    table(["W₂ between end laws", ...names.map((n) => escapeHtml(n)), "held-out"], rows, "numbers") +
    caption +
    heldOutFigure(study)
  );
}

function exactTable(study: StudyRecord): string {
  const rows = study.runs.flatMap((run) =>
    run.exact === null
      ? []
      : [[named(study, run.solver), format(run.exact.value), format(run.exact.potential), format(run.exact.map)]],
  );
  if (rows.length === 0) return "";
  return `<h3>Against the closed form</h3>${table(["solver", "|value − exact|", "√E|U(0,·) − exact|², up to a constant", "√E|x<sub>T</sub> − exact|²"], rows, "numbers")}`;
}

function spreadTable(study: StudyRecord): string {
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

function objectiveTable(study: StudyRecord): string {
  const rows = study.runs.map((run) => [
    named(study, run.solver),
    run.failure === null ? "converged" : `<i class="no">${run.failure.kind}</i>`,
    format(run.objective?.primal ?? null),
    format(run.objective?.dual ?? null),
    format(run.objective?.gap ?? null),
    run.seconds === null ? unmeasured : `${format(run.seconds)} s`,
    run.device === null ? unmeasured : escapeHtml([run.device.used, run.device.adapter].filter(Boolean).join(", ")),
  ]);
  const texts = study.runs.flatMap((run) => {
    const text = run.failure?.text ?? run.status?.text;
    return text === undefined ? [] : [`<li><b>${escapeHtml(run.solver)}</b>: ${escapeHtml(text)}</li>`];
  });
  return `${table(["solver", "status", "primal", "dual", "gap", "time", "device"], rows, "numbers")}<ul class="note">${texts.join("")}</ul>`;
}

function provenance(run: RunRecord): string {
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

function parameters(problem: Problem): string {
  const rows = Object.entries(problem.describe()).map(
    ([name, value]) =>
      `<tr><th>${escapeHtml(name)}</th><td>${escapeHtml(typeof value === "object" ? JSON.stringify(value) : String(value))}</td></tr>`,
  );
  return `<details><summary>Parameters</summary><table>${rows.join("")}</table></details>`;
}

function study<P extends TransportLikeProblem>(
  record: StudyRecord,
  problem: P,
  runs: readonly Run<P>[],
  alone: boolean,
): string {
  const projected =
    record.dimension > 2 ? " Only the first two coordinates are pictured; every number uses all of them." : "";
  const pictured = runs.some((run) => run.solution !== null);
  const figures = !pictured
    ? ""
    : `
<h3>The trajectories</h3>
<p>Each line carries one point x₀ (small, dark) to x<sub>T</sub> (coloured). All panels start from the same points. Grey rings: points of the target that no solver has seen.${projected}</p>
${trajectoryFigure(problem, runs)}
<h3>The densities over time</h3>
${densityFigure(problem, runs)}
<h3>Do the solvers agree?</h3>
${distanceTable(record)}
${exactTable(record)}
<h3>The potential U(0, x)</h3>
<p>Minus its mean over the source: a constant in U has no meaning here. The velocity is −∇U/λ.</p>
${potentialFigure(problem, runs)}
<h3>Are the trajectories straight?</h3>
<p>Speed along each path relative to the path's mean speed: median (line) and 5–95 % of paths (band). Optimal paths are straight and uniform, a horizontal line at 1.</p>
${speedFigure(problem, runs)}`;
  return `
<section>
${alone ? "" : `<h2>${escapeHtml(record.title)}</h2>`}
${summary(record)}
<div class="equations">${record.equations.map((e) => `<div>${escapeHtml(e)}</div>`).join("")}</div>
${parameters(problem)}
<h3>What each solver reports</h3>
${objectiveTable(record)}
${figures}
<h3>Every law, every solver</h3>
<p>Measured from each solution's own velocity and potential by the same code. ✓ holds, ✗ fails, no mark: reported without a bound.</p>
${lawTable(record)}
<h3>Is the solution unique?</h3>
<ul>${record.wellPosedness.reasons.map((r) => `<li>${escapeHtml(r)}</li>`).join("")}</ul>
${spreadTable(record)}
<h3>Convergence</h3>
${historyFigure(record)}
<details><summary>Options, counts and devices</summary><div class="scroll"><table><thead><tr><th>solver</th><th>options</th><th>counts</th><th>device</th></tr></thead><tbody>${record.runs.map(provenance).join("")}</tbody></table></div></details>
</section>`;
}

const style = `
:root{--ink:#0f172a;--soft:#475569;--line:#e2e8f0;--good:#15803d;--bad:#b91c1c;font-family:"Source Sans 3","Segoe UI",system-ui,"DejaVu Sans",sans-serif;color:var(--ink);line-height:1.5}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1120px;padding:36px 28px 80px;background:#fff}
h1{font-size:2.05rem;line-height:1.15;margin:0 0 .2em;letter-spacing:-.01em}
h2{font-size:1.5rem;margin:2em 0 .6em}
h3{font-size:1.13rem;margin:2.1em 0 .5em;padding-top:.7em;border-top:1px solid var(--line)}
h4{margin:.6em 0 .2em;font-weight:600;font-size:.95rem}
p{max-width:78ch}
small{color:var(--soft);font-size:.82em;font-weight:400}
.lead{color:var(--soft);margin:0}
.cards{display:grid;grid-template-columns:repeat(4,1fr);gap:12px;margin:1.2em 0}
.card{border:1px solid var(--line);border-left:4px solid var(--soft);border-radius:6px;padding:12px 14px;display:flex;flex-direction:column}
.card b{font-size:1.55rem;line-height:1.2}.card span{font-weight:600;font-size:.9rem}
.card.good{border-left-color:var(--good)}.card.bad{border-left-color:var(--bad)}
.equations{font-family:"STIX Two Math","Cambria Math",Georgia,serif;font-size:1.12rem;background:#f8fafc;border-radius:6px;padding:14px 20px;margin:1em 0}
.panels{display:grid;grid-template-columns:repeat(auto-fit,minmax(245px,1fr));gap:12px 18px;align-items:end}
.panel,.cell{margin:0}.panel figcaption{font-weight:600;font-size:.92rem;margin-bottom:2px}
.panel svg{width:100%;max-width:720px;height:auto}
.strip{margin-bottom:10px}.cells{display:grid;grid-template-columns:repeat(5,1fr);gap:8px}
.cell figcaption{font-size:.78rem;color:var(--soft)}.cell svg{width:100%;height:auto}
.dot{display:inline-block;width:.72em;height:.72em;border-radius:50%;margin-right:.4em}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums;margin:.6em 0}
th,td{text-align:left;padding:5px 14px 5px 0;border-bottom:1px solid var(--line);vertical-align:top}
thead th{color:var(--soft);font-weight:600;border-bottom:2px solid var(--line)}
tbody th{font-weight:600}thead th{white-space:nowrap}
table.numbers td,table.laws td{white-space:nowrap}
.scroll{overflow-x:auto}
.note{color:var(--soft);font-size:.9rem}
.none{color:#94a3b8}
.ok{color:var(--good);font-style:normal}.no{color:var(--bad);font-style:normal;font-weight:600}
details{margin:.8em 0}summary{cursor:pointer;color:var(--soft)}
details td,details th{white-space:normal;overflow-wrap:anywhere}
footer{margin-top:3em;border-top:1px solid var(--line);padding-top:1em;color:var(--soft);font-size:.88rem}
ol.references{padding-left:1.4em}ol.references li{margin:.25em 0}
@media (max-width:760px){.cards{grid-template-columns:repeat(2,1fr)}.cells{grid-template-columns:repeat(3,1fr)}}
@media print{body{max-width:none;padding:0}h3,.panel,.strip,tr{break-inside:avoid}}
`;

/** Keys of everything a comparison used: problems and the solvers that ran, in order of appearance. */
export function citedKeys(comparison: Comparison): readonly string[] {
  const keys = comparison.record.studies.flatMap((s) => [
    ...s.references,
    ...s.runs.filter((run) => run.status !== null).flatMap((run) => run.references),
  ]);
  return [...new Set(keys)];
}

/**
 * The page of a comparison, as one HTML document with inline pictures.
 */
export function renderHtml<P extends TransportLikeProblem>(comparison: Comparison<P>): string {
  const { record, studies } = comparison;
  const entries = bibliography();
  const references = citedKeys(comparison as unknown as Comparison).map(
    (key) => `<li id="${escapeHtml(key)}">${escapeHtml(citationText(key, entries))}</li>`,
  );
  const m = record.machine;
  const solvers = [...new Set(record.studies.flatMap((s) => s.runs.map((run) => run.solver)))];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeHtml(record.title)}: comparison</title><style>${style}</style></head><body>
<header><h1>${escapeHtml(record.title)}</h1>
<p class="lead">${studies.length === 1 ? "One problem" : `${studies.length} problems`}, ${solvers.length} independent solver${solvers.length === 1 ? "" : "s"}: ${escapeHtml(solvers.join(", "))}. Is it well-posed, do they agree, and are the optimal trajectories straight?</p></header>
${record.studies.map((s, k) => study(s, studies[k].problem, studies[k].runs, studies.length === 1)).join("\n")}
<section><h3>References</h3><ol class="references">${references.join("")}</ol></section>
<footer>meanfield ${record.version} · ${escapeHtml(record.date.slice(0, 16).replace("T", " "))} UTC · seed ${record.seed} · ${record.count} sample paths ·
${escapeHtml(String(m.processor))}, ${m.cores} cores, ${m.memoryGiB} GiB, Node ${escapeHtml(String(m.node).replace(/^v/, ""))} · ${format(record.seconds)} s in all.
The numbers are in results.json and results.csv, the fields in fields.npz (readable by numpy), the references in references.bib.</footer>
</body></html>
`;
}
