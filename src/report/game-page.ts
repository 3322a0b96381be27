// The part of the page that only mean-field games have: the crowd, its agents, agreement, value, numbers.
import type { GameLike } from "../verify/index.js";
import { agentsFigure, crowdFigure, valueFigure } from "./game-figures.js";
import type { Run, StudyRecord } from "./record.js";
import { agreement, exactTable, format, numberTable } from "./tables.js";

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
${agreement(record, floorNote(record))}
${exactTable(record)}
${numberTable(record, "Equilibrium in numbers", "Exploitability: what one agent gains by leaving the crowd's policy while the crowd stays; 0 at an equilibrium.")}
<h3>The value u(0, x)</h3>
<p>The cost that an agent at x expects under equilibrium play. It moves with velocity −∂ₚH(x, ∇u, m).</p>
${valueFigure(problem, runs)}`;
}

function floorNote({ samplingFloor: floor }: StudyRecord): string {
  if (floor === null) return "";
  return `<p class="note">W₂ is measured between ${floor.count} points of each solution. Two simulations of one and the same solution are ${format(floor.mean)} apart (sampling floor, mean of ${floor.repeats}): smaller distances say nothing. The other two tables use common points and have no such floor.</p>`;
}
