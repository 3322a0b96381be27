// Games at the edge of what has a solution: the solvers must find it, or say in words of the game why there is none.
import { describe, expect, test } from "vitest";
import {
  couplingCapacity,
  couplingField,
  couplingLocal,
  hamiltonianQuadratic,
  type MeanFieldGameOptions,
  meanFieldGame,
} from "../../../../problems/index.js";
import { gameScheme } from "../../../../solvers/grid/game/game-scheme.js";
import { newton } from "../../../../solvers/grid/game/newton.js";
import { feedbackPolicy, fictitiousPlay, picard, policyIteration, transport } from "../../../../solvers/grid/index.js";
import { domain, integrate } from "../../../../src/grid/index.js";
import { distances } from "../agreement.js";
import { context } from "../slabs.js";

const box = domain({ lower: [0], upper: [1], ends: "no-flux" });
const person = { viscosity: 0.3, hamiltonian: hamiltonianQuadratic({ dimension: 1 }), initial: "1 + 0.5*cos(pi*x)" };
const game = (options: Partial<MeanFieldGameOptions> = {}) =>
  meanFieldGame({
    domain: box,
    horizon: 0.5,
    populations: person,
    coupling: couplingLocal({ dimension: 1, cost: "m" }),
    terminal: couplingField({ dimension: 1, cost: "x^2" }),
    ...options,
  });
const grid = { points: 8, steps: 4 } as const;

describe("sources", () => {
  test("an empty room that a source fills: picard and policy iteration find newton's equilibrium", async () => {
    const problem = game({ populations: { ...person, initial: 0, mass: null, densitySource: "2*sin(pi*x)" } });
    const reference = await newton({ ...grid, tolerance: 1e-10 }).solve(problem, context());
    for (const solver of [picard({ ...grid, tolerance: 1e-10 }), policyIteration({ ...grid, tolerance: 1e-9 })]) {
      const solution = await solver.solve(problem, context());
      expect(solution.status.converged).toBe(true);
      expect(distances(solution, reference).density).toBeLessThan(1e-8);
      const last = solution.fields.density[0][4];
      expect(integrate(solution.fields.cells.grid, last)).toBeCloseTo(0.5 * (2 / 8) * (1 / Math.sin(Math.PI / 16)), 12);
    }
  });

  test("a sink that takes more than there is: no solver calls a negative density a solution", async () => {
    const problem = game({ populations: { ...person, densitySource: -10 } });
    const texts = [];
    for (const solver of [picard(grid), policyIteration(grid), fictitiousPlay(grid)]) {
      const { status } = await solver.solve(problem, context());
      expect(status.converged).toBe(false);
      texts.push(status.text);
    }
    expect(texts).toMatchInlineSnapshot(`
      [
        "stopped: the density of crowd is -6.4 < 0 at t = 0.5, where densitySource takes more than there is; weaken it, or use points and steps that resolve it",
        "stopped: the density of crowd is -6.4 < 0 at t = 0.5, where densitySource takes more than there is; weaken it, or use points and steps that resolve it",
        "stalled: residual 0.024 after 200 fictitious play iterations; use newton() or raise viscosity",
      ]
    `);
  });
});

describe("capacities", () => {
  test("a start beyond the capacity is said of the game, not of Anderson's method", async () => {
    const problem = game({ coupling: couplingCapacity({ dimension: 1, capacity: 1.2 }) });
    await expect(picard(grid).solve(problem, context())).rejects.toThrowErrorMatchingInlineSnapshot(
      `[SolveError: picard: the first sweep fails, the crowd leaves the range of the coupling; start from other fields or use newton()]`,
    );
  });

  test("the line search stays below the capacity though the answer is beyond it", async () => {
    const problem = game({
      domain: domain({ lower: [0], upper: [1] }),
      populations: { ...person, viscosity: 0.1, initial: 1 },
      coupling: couplingCapacity({ dimension: 1, capacity: 1.8, cost: "0.5*cos(2*pi*x)" }),
      terminal: null,
    });
    const options = { points: 16, steps: 8 };
    const solution = await fictitiousPlay({ ...options, rate: "line-search", tolerance: 1e-4 }).solve(
      problem,
      context(),
    );
    expect(solution.status.converged).toBe(true);
    const reference = await newton({ ...options, tolerance: 1e-9 }).solve(problem, context());
    expect(distances(solution, reference).density).toBeLessThan(1e-2);
  });
});

describe("central slopes that ask for a negative density", () => {
  test("in two dimensions transport solves its equations and leaves the sign, as in one", async () => {
    const problem = meanFieldGame({
      domain: domain({ lower: [0, 0], upper: [1, 1] }),
      populations: {
        viscosity: 0.02,
        hamiltonian: hamiltonianQuadratic({ dimension: 2 }),
        initial: "exp(-40*((x - 0.5)^2 + (y - 0.5)^2))",
        mass: 1,
      },
      coupling: couplingLocal({ dimension: 2, cost: "m" }),
      terminal: couplingField({ dimension: 2, cost: "sin(2*pi*x)" }),
    });
    const scheme = gameScheme(problem, { points: 8, steps: 4, scheme: "central", time: "implicit-euler" });
    const still = scheme.initial.map((m) => Array.from({ length: 5 }, () => m));
    const u = [
      Array.from({ length: 5 }, () =>
        Float64Array.from({ length: 64 }, (_, i) => 0.2 * Math.sin(2 * Math.PI * scheme.cells.points[2 * i])),
      ),
    ];
    const moved = await transport(scheme, feedbackPolicy(scheme, u, still));
    expect(moved.status.converged).toBe(true);
    expect(Math.min(...moved.path[0][4])).toBeLessThan(-1e-3);
    expect(integrate(scheme.cells.grid, moved.path[0][4])).toBeCloseTo(1, 12);
  });
});

describe("both ends prescribed", () => {
  const planning = (population: Partial<typeof person> & Record<string, unknown>, d = box) =>
    game({ domain: d, mode: "planning", terminal: null, populations: { ...person, ...population } });

  test("masses that cannot agree are refused before any work", () => {
    const refused = (problem: ReturnType<typeof game>) => {
      try {
        gameScheme(problem, grid);
      } catch (e) {
        return (e as Error).message;
      }
      return "not refused";
    };
    const cut = domain({ lower: [0], upper: [1], ends: "no-flux", obstacle: (x) => Math.abs(x[0] - 0.5) < 0.1 });
    expect([
      refused(planning({ initial: "1", final: "2", mass: null })),
      refused(planning({ initial: "1", final: "1 + 0.2*cos(pi*x)", densitySource: 1 })),
      refused(planning({ final: "1 - 0.5*cos(pi*x)" }, cut)),
      refused(planning({ initial: "1", final: "1 + 0.2*cos(pi*x)", densitySource: "cos(pi*x)" })),
      refused(planning({ final: "1 + 0.5*cos(pi*x)" }, cut)),
    ]).toMatchInlineSnapshot(`
      [
        "gameScheme: crowd: the laws at 0 and at T must have one mass, sources counted with the first; got [1,2]. Set mass: 1 for the population, and let sources sum to 0.",
        "gameScheme: crowd: the laws at 0 and at T must have one mass, sources counted with the first; got [1.5,1]. Set mass: 1 for the population, and let sources sum to 0.",
        "gameScheme: crowd: the laws at 0 and at T in region 1 of 2 must have one mass, sources counted with the first; got [0.6973187604771148,0.30268123952288517]. Open a passage between the regions, or move mass to where it can get.",
        "not refused",
        "not refused",
      ]
    `);
  });
});

describe("starts", () => {
  test("a solution in the place of its fields, or fields of another shape", async () => {
    const problem = meanFieldGame({
      domain: domain({ lower: [0, 0], upper: [1, 1] }),
      populations: { viscosity: 0.3, hamiltonian: hamiltonianQuadratic({ dimension: 2 }), initial: 1 },
      coupling: couplingLocal({ dimension: 2, cost: "m" }),
    });
    const wide = await newton({ points: [8, 4], steps: 2 }).solve(problem, context());
    for (const start of [wide as never, wide.fields])
      await expect(picard({ points: [4, 8], steps: 2, start }).solve(problem, context())).rejects.toThrow(
        start === wide.fields
          ? 'gameScheme: fields must have 4 × 8 cells; got "8 × 4". Give fields of the same points and steps.'
          : /^gameScheme: fields must be slabs of value and density on cells; got .*\. Give the fields of a solution: solution\.fields\.$/,
      );
  });

  test("an option that is misspelt", () => {
    const message = (make: (options: never) => unknown) => {
      try {
        make({ pointz: 64 } as never);
      } catch (e) {
        return (e as Error).message;
      }
      return "not refused";
    };
    expect([picard, policyIteration, fictitiousPlay].map(message)).toEqual(
      ["picard", "policyIteration", "fictitiousPlay"].map(
        (name) => `${name}: options must have no "pointz"; got 64. Did you mean points.`,
      ),
    );
  });

  test("a number of cells that is text", () => {
    expect(() => gameScheme(game(), { points: "8" as never, steps: 4 })).toThrow(
      'cells: points must have 1 entries, one an axis; got "8". Use one number for all axes.',
    );
  });

  test("a cost that is infinite somewhere names the place", () => {
    const problem = game({ terminal: couplingField({ dimension: 1, cost: (x) => (x[0] > 0.5 ? Infinity : 0) }) });
    return expect(picard(grid).solve(problem, context())).rejects.toThrow(
      "couplingField: cost must have a finite value at x = (0.5625), t = 0.5; got Infinity. Change the function.",
    );
  });
});
