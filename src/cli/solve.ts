// meanfield solve: one problem, one solver.
import ndarray from "ndarray";
import { UsageError } from "../error.js";
import { demandWritableFolder, encodeJson, encodeNpz, writeFolderAtomic } from "../io/index.js";
import type { DescentSolution, GameSolution, Solution } from "../solution/index.js";
import { solve } from "../solve.js";
import { judgeAll, keepsSlabs } from "../verify/index.js";
import { chooseProblem, chooseSolver, defaultSolver, lawsOf, readSettings } from "./choices.js";
import { type Command, exitCodes } from "./command.js";

export const solveCommand: Command = {
  name: "solve",
  summary: "solve one problem with one solver",
  help: `meanfield solve PROBLEM [--solver NAME] [--set NAME=VALUE …]: solve one problem with one solver

  PROBLEM          a catalogue name or a JSON problem file
  --solver NAME    see meanfield list (default: particle for flows, else the first listed that handles the problem)
  --set NAME=VALUE an option of the solver, VALUE as JSON; may be repeated
  --checkpoint F   write state to F now and then, and resume from it when it exists
  --out FOLDER     write solution.json and fields.npz there

Example:
  meanfield solve gaussian-shift --solver grid --set points=128 --out out/shift`,
  options: {
    solver: { type: "string" },
    set: { type: "string", multiple: true },
    checkpoint: { type: "string" },
  },
  takesArguments: true,
  run: async (parsed, streams) => {
    if (parsed.positionals.length !== 1) {
      throw new UsageError(
        `meanfield solve: problem must be exactly one name or file; got ${parsed.positionals.length}. Use for example meanfield solve old-faithful.`,
      );
    }
    const problem = await chooseProblem(parsed.positionals[0]);
    const solver = chooseSolver(
      (parsed.values.solver as string | undefined) ?? defaultSolver(problem),
      readSettings((parsed.values.set ?? []) as string[]),
    );
    if (parsed.out !== null) await demandWritableFolder(parsed.out, ["solution.json", "fields.npz"]);
    const solution = await solve(problem, solver, {
      seed: parsed.seed,
      device: parsed.device,
      signal: streams.signal,
      onFailure: "return",
      checkpoint: parsed.values.checkpoint === undefined ? null : { file: parsed.values.checkpoint as string },
      onProgress: (p) =>
        streams.progress?.(
          `${solver.name}: ${p.stage} ${p.iteration}${p.fraction === null ? "" : ` (${Math.round(100 * p.fraction)} %)`}`,
        ),
    });
    const laws = await judgeAll(lawsOf(problem), solution, { seed: parsed.seed, count: 256 });
    const record = { ...describe(solution), laws };
    if (parsed.out !== null) {
      const paths = solution.trajectories({ steps: 20, seed: parsed.seed });
      const arrays = {
        ...solution.arrays(),
        paths: ndarray(paths.positions, [paths.times.length, paths.count, paths.dimension]),
        times: ndarray(paths.times, [paths.times.length]),
      };
      await writeFolderAtomic(parsed.out, { "solution.json": encodeJson(record), "fields.npz": encodeNpz(arrays) });
    }
    streams.out(parsed.json ? encodeJson(record) : summaryText(solution, record.laws));
    if (!solution.status.converged) {
      streams.error(`${solver.name} on ${problem.name}: ${solution.status.text}`);
      return exitCodes.solverFailed;
    }
    return laws.some((law) => law.holds === false) ? exitCodes.checkFailed : exitCodes.ok;
  },
};

/** The JSON record of a solution. */
function describe(solution: Solution) {
  const { family, solver, status, objective, counts, seconds, seed, device, version, histories } = solution;
  return {
    problem: solution.problem.describe(),
    family,
    solver,
    status,
    objective,
    counts,
    seconds,
    seed,
    device,
    version,
    histories,
    ...("fields" in solution ? equilibrium(solution as GameSolution) : {}),
  };
}

/** What only a game's solution has to tell. */
function equilibrium({ exploitability, fields }: GameSolution) {
  return {
    exploitability,
    ergodicConstant: fields?.ergodicConstant ?? null,
    cells: fields?.cells.grid.shape ?? null,
    timeSteps: fields === null ? null : fields.times.length - 1,
  };
}

function summaryText(solution: Solution, laws: Awaited<ReturnType<typeof judgeAll>>): string {
  const number = (v: number | null) => (v === null ? "unmeasured" : v.toPrecision(7));
  const { primal, dual, gap } = solution.objective;
  return [
    `${solution.problem.title}: ${solution.status.text}`,
    ...(primal === null && dual === null
      ? []
      : [
          `  value    primal ${number(primal)}   dual ${number(dual)}   gap ${gap === null ? "unmeasured" : gap.toExponential(2)}`,
        ]),
    `  solver   ${solution.solver.name}`,
    ...("fields" in solution ? gameLines(solution as GameSolution) : []),
    ...("energies" in solution ? descentLines(solution as DescentSolution) : []),
    `  time     ${solution.seconds.toFixed(2)} s on ${solution.device.used}: ${solution.device.reason}`,
    "  laws",
    ...laws.map((law) => {
      const sign = law.holds === null ? " " : law.holds ? "✓" : "✗";
      const value = law.value === null ? `unmeasured: ${law.note}` : law.value.toPrecision(3);
      return `    ${sign} ${law.law.padEnd(24)} ${value}${law.bound === null || law.value === null ? "" : `  (${law.relation} ${law.bound})`}`;
    }),
  ].join("\n");
}

function descentLines(solution: DescentSolution): string[] {
  const { energies, times } = solution;
  const shape = keepsSlabs(solution) ? [`  grid     ${solution.cells.grid.shape.join(" × ")} cells`] : [];
  if (!Array.isArray(energies)) return shape;
  return [
    ...shape,
    `  E        ${energies[0].toPrecision(7)} at 0, ${energies[energies.length - 1].toPrecision(7)} at ${Number(times[times.length - 1].toPrecision(6))}, ${times.length - 1} steps`,
  ];
}

function gameLines(solution: GameSolution): string[] {
  const { cells, exploitability, ergodicConstant, timeSteps } = equilibrium(solution);
  const list = (values: readonly number[] | null, digits: number) =>
    values?.map((v) => v.toPrecision(digits)).join(", ");
  return [
    ...(cells === null
      ? []
      : [`  grid     ${cells.join(" × ")} cells${timeSteps === 1 ? "" : `, ${timeSteps} steps`}`]),
    ...(ergodicConstant === null ? [] : [`  λ̄        ${list(ergodicConstant, 10)}`]),
    ...(exploitability === null ? [] : [`  gain     ${list(exploitability, 3)} by leaving the crowd's policy`]),
  ];
}
