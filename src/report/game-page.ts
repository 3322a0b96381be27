// The part of the page that only mean-field games have: the crowd, its agents, agreement, value, numbers.
import type { GameLike } from "../verify/index.js";
import { escapeHtml } from "./figures.js";
import { agentsFigure, crowdFigure, valueFigure } from "./game-figures.js";
import type { Run, StudyRecord } from "./record.js";
import { exactTable, format, named, table } from "./tables.js";

/** Pictures and tables of a game with at least one solution. */
export function gamePictures<P extends GameLike>(record: StudyRecord, problem: P, runs: readonly Run<P>[]): string {
  const agents = agentsFigure(problem, runs);
  const heading =
    problem.mode === "ergodic"
      ? "The stationary crowd"
      : problem.dimension === 1
        ? "The crowd over time, and some of its agents"
        : "The crowd over time";
  return `
<h3>${heading}</h3>
${crowdFigure(problem, runs)}
${agents === "" ? "" : `<h3>Agents on their way</h3><p>Each line is one agent, noise included, from its start (small, dark) to its end (coloured). A path that leaves through a door ends there.</p>${agents}`}
<h3>Do the solvers agree?</h3>
${agreement(record)}
${exactTable(record)}
${numbers(record)}
<h3>The value u(0, x)</h3>
<p>The cost that an agent at x expects under equilibrium play. It moves with velocity −∂ₚH(x, ∇u, m).</p>
${valueFigure(problem, runs)}`;
}

function agreement(record: StudyRecord): string {
  const { names, distances, further } = record.pairwise;
  if (names.length < 2) return `<p class="note">One solution: nothing to compare it with.</p>`;
  const matrix = (head: string, values: readonly (readonly (number | null)[])[]) =>
    table(
      [head, ...names.map((n) => escapeHtml(n))],
      names.map((name, i) => [named(record, name), ...values[i].map((v, j) => (i === j ? "" : format(v)))]),
      "numbers",
    );
  const floor = record.samplingFloor;
  const note =
    floor === null
      ? ""
      : `<p class="note">W₂ is measured between ${floor.count} simulated agents of each solution. Two simulations of one and the same solution are ${format(floor.mean)} apart (sampling floor, mean of ${floor.repeats}): smaller distances say nothing. The other two tables use common points and have no such floor.</p>`;
  return (
    matrix("W₂ between laws at T", distances) +
    note +
    further.map((m) => matrix(`${escapeHtml(m.name)}: ${escapeHtml(m.statement)}`, m.values)).join("")
  );
}

function numbers(record: StudyRecord): string {
  const columns = [...new Set(record.runs.flatMap((run) => Object.keys(run.numbers)))];
  if (columns.length === 0) return "";
  const rows = record.runs
    .filter((run) => run.status !== null)
    .map((run) => [named(record, run.solver), ...columns.map((c) => format(run.numbers[c] ?? null, 7))]);
  return `<h3>Equilibrium in numbers</h3><p>Exploitability: what one agent gains by leaving the crowd's policy while the crowd stays; 0 at an equilibrium.</p>${table(["solver", ...columns.map(escapeHtml)], rows, "numbers")}`;
}
