// The report page: one self-contained HTML file, no script, no network, readable on paper. It says first what was found,
// then shows it, then gives every number with its bound.
import type { Problem } from "../problem.js";
import { bibliography, citationText } from "./citations.js";
import { densityPictures, energyFindings } from "./density-page.js";
import { descentOf, isEvolving } from "./density-study.js";
import { escapeHtml, historyFigure } from "./figures.js";
import { flowPictures } from "./flow-page.js";
import { isFlow } from "./flow-study.js";
import { gamePictures } from "./game-page.js";
import { isGame } from "./game-study.js";
import type { Comparison, Run, StudyRecord } from "./record.js";
import { format, lawTable, objectiveTable, parameters, provenance, spreadTable, summary } from "./tables.js";

function study<P extends Problem>(record: StudyRecord, problem: P, runs: readonly Run<P>[], alone: boolean): string {
  const pictures = !runs.some((run) => run.solution !== null)
    ? ""
    : isFlow(problem)
      ? flowPictures(record, problem, runs as readonly Run<typeof problem>[])
      : isGame(problem)
        ? gamePictures(record, problem, runs as readonly Run<typeof problem>[])
        : isEvolving(problem)
          ? densityPictures(record, problem, runs as readonly Run<typeof problem>[])
          : "";
  return `
<section>
${alone ? "" : `<h2>${escapeHtml(record.title)}</h2>`}
${summary(record)}${isEvolving(problem) ? energyFindings(record, problem) : ""}
<div class="equations">${record.equations.map((e) => `<div>${escapeHtml(rounded(e))}</div>`).join("")}</div>
${parameters(problem)}
<h3>What each solver reports</h3>
${objectiveTable(record)}
${pictures}
<h3>Every law, every solver</h3>
<p>Measured from each solution's own velocity and potential by the same code. ✓ holds, ✗ fails, no mark: reported without a bound.</p>
${lawTable(record)}
<h3>${record.kind === "density" ? "Is the problem well-posed?" : "Is the solution unique?"}</h3>
<ul>${[...record.wellPosedness.reasons, ...(record.uniqueness === null ? [] : [`solved from several starts: ${record.uniqueness.text}`])].map((r) => `<li>${escapeHtml(r)}</li>`).join("")}</ul>
${spreadTable(record)}
<h3>Convergence</h3>
${historyFigure(record, drawnCurves(problem, runs))}
<details><summary>Options, counts and devices</summary><div class="scroll"><table><thead><tr><th>solver</th><th>options</th><th>counts</th><th>device</th></tr></thead><tbody>${record.runs.map(provenance).join("")}</tbody></table></div></details>
</section>`;
}

/** The curves of a solver that the page draws before its histories. */
function drawnCurves<P extends Problem>(problem: P, runs: readonly Run<P>[]) {
  return (solver: string): readonly (readonly (number | null)[])[] => {
    const solution = runs.find((run) => run.solver.name === solver)?.solution ?? null;
    const descent = solution === null || !isEvolving(problem) ? null : descentOf(solution);
    return descent === null ? [] : [descent.energies, descent.dissipations, descent.speeds];
  };
}

/** What the page answers. */
function question(studies: readonly StudyRecord[]): string {
  const agree = studies.some((s) => s.runs.length > 1) ? ", do they agree" : "";
  return studies.some((s) => s.kind !== "density")
    ? `Is it well-posed${agree}, and are the optimal trajectories straight?`
    : `Is it well-posed${agree}, and does everything hold that must hold along the flow?`;
}

/** A formula as it is read: numbers of many digits cut to six. What is exact stands under the parameters. */
function rounded(text: string): string {
  return text.replaceAll(/\d+\.\d{7,}/g, (digits) => String(Number(Number(digits).toPrecision(6))));
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
.panels.three{grid-template-columns:repeat(3,1fr)}
.panel,.cell{margin:0}.panel figcaption{font-weight:600;font-size:.92rem;margin-bottom:2px}
.panel svg{width:100%;max-width:720px;height:auto}.panel:only-child svg{max-width:520px}
.strip{margin-bottom:10px}.cells{display:grid;grid-template-columns:repeat(5,1fr);gap:8px}
.cell figcaption{font-size:.78rem;color:var(--soft)}.cell svg{width:100%;height:auto}
.legend{font-weight:600;font-size:.92rem;max-width:none}.legend .none,.legend small{white-space:nowrap}
tbody th .dot{margin-right:.35em}tbody th{white-space:nowrap}table.laws tbody th{white-space:normal}
.dot{display:inline-block;width:.72em;height:.72em;border-radius:50%;margin-right:.4em}
.finding{border-left:4px solid var(--bad);padding-left:12px;max-width:none}
.dash{display:inline-block;width:1.5em;border-top:2px dashed;vertical-align:.28em;margin-right:.4em}
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
@media (max-width:760px){.panels.three{grid-template-columns:1fr}.cards{grid-template-columns:repeat(2,1fr)}.cells{grid-template-columns:repeat(3,1fr)}}
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
export function renderHtml<P extends Problem>(comparison: Comparison<P>): string {
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
<p class="lead">${studies.length === 1 ? "One problem" : `${studies.length} problems`}, ${solvers.length === 1 ? "one solver" : `${solvers.length} independent solvers`}: ${escapeHtml(solvers.join(", "))}. ${question(record.studies)}</p></header>
${record.studies.map((s, k) => study(s, studies[k].problem, studies[k].runs, studies.length === 1)).join("\n")}
<section><h3>References</h3><ol class="references">${references.join("")}</ol></section>
<footer>meanfield ${record.version} · ${escapeHtml(record.date.slice(0, 16).replace("T", " "))} UTC · seed ${record.seed} · ${record.count} sample paths ·
${escapeHtml(String(m.processor))}, ${m.cores} cores, ${m.memoryGiB} GiB, Node ${escapeHtml(String(m.node).replace(/^v/, ""))} · ${format(record.seconds)} s in all.
The numbers are in results.json and results.csv, the fields in fields.npz (readable by numpy), the references in references.bib.</footer>
</body></html>
`;
}
