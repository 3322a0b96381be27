// For tests of what solutions do with slabs: a game with H = ½|p|² on any domain, and slabs filled from functions.
import { meanFieldGame, type PopulationOptions } from "../../../problems/mean-field-game.js";
import { couplingLocal, hamiltonianQuadratic } from "../../../problems/terms/index.js";
import { type GridGameSolution, gameSolution } from "../../../solvers/grid/index.js";
import { cells, type Domain, nodesOf } from "../../../src/grid/index.js";
import type { GameFields } from "../../../src/solution/index.js";
import type { SolveContext } from "../../../src/solver.js";

/** What the front door hands a solver, without a front door. */
export function context(seed = 0): SolveContext {
  return {
    seed,
    device: "cpu",
    signal: null,
    checkpoint: null,
    progress: () => {},
    elapsed: () => 0,
    version: "test",
  };
}

/** A solution whose slabs are the given functions at the centres of the cells. */
export function solutionFrom(options: {
  readonly domain: Domain;
  readonly points: number | readonly number[];
  readonly steps?: number;
  readonly horizon?: number;
  readonly viscosity?: number;
  readonly u: (t: number, x: ArrayLike<number>) => number;
  readonly m: (t: number, x: ArrayLike<number>) => number;
  readonly initial?: PopulationOptions["initial"];
  readonly seed?: number;
}): GridGameSolution {
  const { domain, steps = 8, horizon = 1, viscosity = 0.3, u, m } = options;
  const d = domain.dimension;
  const c = cells(domain, options.points);
  const nodes = nodesOf(c.grid);
  const times = Float64Array.from({ length: steps + 1 }, (_, n) => (n / steps) * horizon);
  const slabs = (f: typeof u) =>
    Array.from(times, (t) =>
      Float64Array.from({ length: c.grid.size }, (_, k) =>
        c.open[k] === 1 ? f(t, nodes.subarray(k * d, (k + 1) * d)) : 0,
      ),
    );
  const problem = meanFieldGame({
    domain,
    horizon,
    populations: {
      viscosity,
      hamiltonian: hamiltonianQuadratic({ dimension: d }),
      initial: options.initial ?? ((x) => m(0, x)),
    },
    coupling: couplingLocal({ dimension: d, cost: "m" }),
  });
  const fields: GameFields = { cells: c, times, value: [slabs(u)], density: [slabs(m)], ergodicConstant: null };
  return gameSolution({
    problem,
    solver: { name: "slabs", order: null, references: [], options: {} },
    context: context(options.seed),
    fields,
    status: { converged: true, text: "converged" },
    histories: [],
    counts: {},
  });
}
