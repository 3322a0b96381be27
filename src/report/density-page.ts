// The part of the page that only evolving densities have: energy over time, the density, the paths of its mass, agreement, first variation.
import { isDescent } from "../verify/index.js";
import { courseFigure, evolutionFigure, massPathsFigure, variationFigure } from "./density-figures.js";
import { type EvolvingProblem, endOf, endsEarly, RELATIVE_ENERGY } from "./density-study.js";
import { escapeHtml, solvedRuns } from "./figures.js";
import type { Run, StudyRecord } from "./record.js";
import {
  agreement,
  ENERGY_APART,
  energyDisagreement,
  exactTable,
  format,
  heldOutTable,
  numberTable,
  percent,
  unitNote,
} from "./tables.js";

/** Who ends far from the closed form of E or, where there is none, from another solver, for the head of the page; "" where nobody does. */
export function energyFindings(record: StudyRecord, problem: EvolvingProblem): string {
  if (!isDescent(problem)) return "";
  const exact = problem.exact?.energy ?? null;
  const at = (solver: string) => format(record.runs.find((run) => run.solver === solver)?.numbers["E at T"] ?? null);
  const far = record.runs.filter((run) => (run.exact?.[RELATIVE_ENERGY] ?? 0) > ENERGY_APART);
  const said = far.map(
    (run) =>
      `<b>${escapeHtml(run.solver)}</b> ends far from the closed form: E(T) = ${at(run.solver)} against ${format(exact!(problem.horizon))}, a difference of ${percent(run.exact![RELATIVE_ENERGY]!)} of the fall of E.`,
  );
  const disagreement = energyDisagreement(record);
  const pair = exact === null && disagreement !== null && disagreement.apart > ENERGY_APART ? disagreement.pair : [];
  if (pair.length > 0)
    said.push(
      `<b>${escapeHtml(pair[0])}</b> and <b>${escapeHtml(pair[1])}</b> disagree: E(T) = ${at(pair[0])} against ${at(pair[1])}, a difference of ${percent(disagreement!.apart)} of the fall of E. No closed form says who is nearer; refine until they meet.`,
    );
  const sampled = [...far.map((run) => run.solver), ...pair].some(
    (solver) => record.runs.find((run) => run.solver === solver)!.family === "particle",
  );
  if (sampled && problem.energy.divergence !== null)
    said.push(
      "Particles that follow an exact critic see samples of the target and not its law: each heads for a sample and stays about it, and E between the samples stops falling. This is so however well every step is solved, and no law forbids it.",
    );
  return said.length === 0 ? "" : `<p class="finding">${said.join(" ")}</p>`;
}

/** Pictures and tables of an evolving density with at least one solution. */
export function densityPictures<P extends EvolvingProblem>(
  record: StudyRecord,
  problem: P,
  runs: readonly Run<P>[],
): string {
  const course = courseFigure(problem, runs, record);
  const paths = massPathsFigure(problem, runs);
  const descends = isDescent(problem);
  const early = solvedRuns(runs)
    .filter((run) => endsEarly(run.solution))
    .map((run) => `${run.solver.name} stopped at t = ${format(endOf(run.solution))}`);
  const stopped =
    early.length === 0
      ? ""
      : `<p class="note">${early.join("; ")}: laws and velocities are compared where the first of two stopped, ends of paths only at one time.</p>`;
  const chords = problem.domain.ends.includes("periodic")
    ? `<p class="note">For W₂ periodic axes are wound on circles of their length: distances round them are chords, up to π/2 shorter than arcs.</p>`
    : "";
  const goal = record.runs.some((run) => run.series.length > 0);
  return `
${course === "" ? "" : `<h3>${goal ? "Energy, dissipation and the way to the target" : "Energy and dissipation"}</h3><p>Along the flow dE/dt = −I. A grid measures E between densities, particles and networks between samples: their values differ by what sampling adds.${goal ? " The distances to the target are measured by the same code for every solver." : ""}</p>${course}`}
<h3>The density over time</h3>
${evolutionFigure(problem, runs)}
${paths === "" ? "" : `<h3>${descends ? "The mass on its way" : "Particles on their way"}</h3><p>Each line is one path from its start (small, dark) to its end (coloured)${descends ? ", Ẋ = v(t, X)" : ", noise included"}.</p>${paths}`}
<h3>Do the solvers agree?</h3>
${agreement(record, floorNote(record))}
${stopped}${chords}${unitNote(problem)}
${heldOutTable(record)}
${exactTable(record)}${closedEnergy(problem)}
${numberTable(record, "The flow in numbers", "E and I as each solver measures them; the chord ratio is E|X_T − X₀| / E(length of the path), 1 for straight paths.")}
${descends ? `<h3>The first variation δE/δρ at T/2</h3><p>Up to a constant. The mass moves with v = −∇ δE/δρ${problem.dimension === 2 ? ", from dark to light; one scale of colours for all solvers" : ""}.</p>${variationFigure(problem, runs)}` : ""}`;
}

/** The closed form's own E, to read errors by. */
function closedEnergy(problem: EvolvingProblem): string {
  const energy = isDescent(problem) ? (problem.exact?.energy ?? null) : null;
  if (energy === null) return "";
  return `<p class="note">Errors are absolute unless called relative. The closed form has E(0) = ${format(energy(0), 4)} and E(T) = ${format(energy(problem.horizon), 4)}.</p>`;
}

/** What the floors beside W₂ are. */
function floorNote({ pairwise }: StudyRecord): string {
  const floor = pairwise.floors?.flat().find((f) => f !== null) ?? null;
  if (floor === null) return "";
  return `<p class="note">W₂ is measured between ${floor.count} points of each solution. Its sampling floor is the W₂ of two draws of as many points from one and the same density, each drawn as that side of the pair is: a density as evenly as draws can be, for particles independently (mean ± scatter of one distance, ${floor.repeats} repeats). A distance up to two scatters above its floor is what chance makes, and does not say that the laws differ. The other tables use common points and have no such floor.</p>`;
}
