// The part of the page that only flows have: paths, densities, agreement, potential, straightness.
import { densityFigure, potentialFigure, speedFigure, trajectoryFigure } from "./flow-figures.js";
import type { TransportLikeProblem } from "./flow-study.js";
import type { Run, StudyRecord } from "./record.js";
import { distanceTable, exactTable, unitNote } from "./tables.js";

/** Pictures and tables of a flow with at least one solution. */
export function flowPictures<P extends TransportLikeProblem>(
  record: StudyRecord,
  problem: P,
  runs: readonly Run<P>[],
): string {
  const projected =
    record.dimension > 2 ? " Only the first two coordinates are pictured; every number uses all of them." : "";
  return `
<h3>The trajectories</h3>
<p>Each line carries one point x₀ (small, dark) to x<sub>T</sub> (coloured). All panels start from the same points. Grey rings: points of the target that no solver has seen.${projected}</p>
${trajectoryFigure(problem, runs)}
<h3>The densities over time</h3>
${densityFigure(problem, runs)}
<h3>Do the solvers agree?</h3>
${distanceTable(record)}
${unitNote(problem)}
${exactTable(record)}
<h3>The potential U(0, x)</h3>
<p>Minus its mean over the source: a constant in U has no meaning here. The velocity is −∇U/λ.</p>
${potentialFigure(problem, runs)}
<h3>Are the trajectories straight?</h3>
<p>Speed along each path relative to the path's mean speed: median (line) and 5–95 % of paths (band). Optimal paths are straight and uniform, a horizontal line at 1.</p>
${speedFigure(problem, runs)}`;
}
