// Oracles: mass balance and positivity, counts of Newton and GMRES steps of the reference table, the same game solved by both
// preconditioners, from two starts, mirrored and moved; messages.
import { describe, expect, test } from "vitest";
import {
  couplingLocal,
  couplingLog,
  ergodicTorus,
  gaussianBridge,
  gaussianShift,
  hamiltonianQuadratic,
  logGaussian,
  type MeanFieldGame,
  type MeanFieldGameOptions,
  meanFieldGame,
  obstacleCrowd,
  torusCrowd,
  twoCrowds,
} from "../../../../problems/index.js";
import { gameScheme } from "../../../../solvers/grid/game/game-scheme.js";
import { type NewtonOptions, newton } from "../../../../solvers/grid/game/newton.js";
import { domain } from "../../../../src/grid/index.js";
import type { GameFields } from "../../../../src/solution/index.js";
import { solve } from "../../../../src/solve.js";

const quadratic = (dimension: number) => hamiltonianQuadratic({ dimension });
const gaussian = (x: number, y: number) => `exp(-30*((x-${x})^2+(y-${y})^2)) + 0.01`;

/** ∫m at every time over ∫m(0), less 1; the largest. */
function massError({ cells, density }: GameFields): number {
  const sum = (m: Float64Array) => m.reduce((total, v) => total + v, 0);
  expect(cells.doors.link.length).toBe(0);
  return Math.max(...density.flatMap((p) => p.map((m) => Math.abs(sum(m) / sum(p[0]) - 1))));
}

/** Smallest density in an open cell. */
function lowest({ cells, density }: GameFields): number {
  let least = Infinity;
  for (const p of density)
    for (const m of p) for (let i = 0; i < m.length; i++) if (cells.open[i] === 1) least = Math.min(least, m[i]);
  return least;
}

/** The largest residual, by the scheme itself. */
function residual(game: MeanFieldGame, fields: GameFields, options: NewtonOptions): number {
  const s = gameScheme(game, { points: 16, steps: 16, ...options });
  const f = new Float64Array(s.length);
  s.residual(s.unknowns(fields), f);
  return f.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
}

describe("newton", () => {
  // 32 × 32² stand for the reference's larger grids: counts hardly depend on the grid.
  test.each([
    { viscosity: 0.3, newtonSteps: 4, linearSteps: 19 },
    { viscosity: 0.1, newtonSteps: 6, linearSteps: 55 },
    { viscosity: 0.05, newtonSteps: 8, linearSteps: 147 },
    { viscosity: 0.02, newtonSteps: 8, linearSteps: 221 },
  ])("the planar torus at ν = $viscosity: half the reference's GMRES steps, mass and positivity", async (row) => {
    const game = torusCrowd({ viscosity: row.viscosity });
    const s = await solve(game, newton({ points: 32, steps: 32 }));
    expect(s.counts.newtonSteps).toBeLessThanOrEqual(row.newtonSteps);
    expect(s.counts.linearSteps).toBeLessThanOrEqual(row.linearSteps / 2);
    expect(s.counts.continuationNewtonSteps).toBe(0);
    expect(residual(game, s.fields, { points: 32, steps: 32 })).toBeLessThanOrEqual(1e-6);
    expect(massError(s.fields)).toBeLessThan(1e-14);
    expect(lowest(s.fields)).toBeGreaterThan(0);
  });

  test("counts do not grow with the grid", async () => {
    const counts: number[] = [];
    for (const points of [16, 32, 48]) {
      const s = await solve(torusCrowd({ viscosity: 0.1 }), newton({ points, steps: points }));
      counts.push(s.counts.linearSteps);
    }
    expect(Math.max(...counts)).toBeLessThanOrEqual(Math.min(...counts) + 6);
  });

  test("without viscosity: continuation leads there", async () => {
    const game: MeanFieldGameOptions = {
      domain: domain({ lower: [0], upper: [1], ends: "no-flux" }),
      populations: { viscosity: 0, hamiltonian: quadratic(1), initial: "exp(-30*(x-0.3)^2) + 0.01", mass: 1 },
      coupling: couplingLocal({ dimension: 1, cost: "m" }),
      terminal: couplingLocal({ dimension: 1, cost: "3*(x-0.8)^2" }),
    };
    const s = await solve(meanFieldGame(game), newton({ points: 32, steps: 32 }));
    expect(s.counts.continuationNewtonSteps).toBeGreaterThan(0);
    expect(massError(s.fields)).toBeLessThan(1e-14);
    expect(lowest(s.fields)).toBeGreaterThan(0);
  });

  test("planning: the crowd arrives at the prescribed law", async () => {
    const game = meanFieldGame({
      domain: domain({ lower: [0, 0], upper: [1, 1], ends: "no-flux" }),
      mode: "planning",
      populations: {
        viscosity: 0.1,
        hamiltonian: quadratic(2),
        initial: gaussian(0.3, 0.3),
        final: gaussian(0.6, 0.7),
      },
      coupling: couplingLocal({ dimension: 2, cost: "m" }),
    });
    const s = await solve(game, newton({ points: 16, steps: 16 }));
    expect(residual(game, s.fields, {})).toBeLessThanOrEqual(1e-6);
    expect(massError(s.fields)).toBeLessThan(1e-14);
    expect(lowest(s.fields)).toBeGreaterThan(0);
    const scheme = gameScheme(game, { points: 16, steps: 16 });
    expect(s.fields.density[0][16]).toEqual(scheme.final?.[0]);
  });

  test("obstacle and door: both preconditioners reach one solution, and what leaves has left through the door", async () => {
    const game = meanFieldGame({
      domain: domain({
        lower: [0, 0],
        upper: [1, 1],
        ends: "no-flux",
        doors: [{ axis: 0, side: "upper", from: [0.3], to: [0.7] }],
        obstacle: (x) => (x[0] - 0.6) ** 2 + (x[1] - 0.5) ** 2 < 0.02,
      }),
      populations: { viscosity: 0.1, hamiltonian: quadratic(2), initial: gaussian(0.2, 0.5), mass: 1 },
      coupling: couplingLocal({ dimension: 2, cost: "m + 1" }),
      terminal: couplingLocal({ dimension: 2, cost: "3" }),
    });
    const a = await solve(game, newton({ points: 12, steps: 8, tolerance: 1e-9 }));
    const b = await solve(game, newton({ points: 12, steps: 8, tolerance: 1e-9, preconditioner: "transform" }));
    expect(a.counts.linearSteps).toBeLessThan(b.counts.linearSteps / 3);
    expect(a.fields.value[0][0]).toAgree(b.fields.value[0][0], { atol: 1e-8 });
    expect(a.fields.density[0][8]).toAgree(b.fields.density[0][8], { atol: 1e-8 });
    expect(lowest(a.fields)).toBeGreaterThan(0);
  });

  test("an obstacle without doors keeps mass to round-off", async () => {
    const game = meanFieldGame({
      domain: domain({
        lower: [0, 0],
        upper: [1, 1],
        ends: "no-flux",
        obstacle: (x) => (x[0] - 0.6) ** 2 + (x[1] - 0.5) ** 2 < 0.02,
      }),
      populations: { viscosity: 0.1, hamiltonian: quadratic(2), initial: gaussian(0.2, 0.5), mass: 1 },
      coupling: couplingLocal({ dimension: 2, cost: "m" }),
      terminal: couplingLocal({ dimension: 2, cost: "3*((x-0.8)^2+(y-0.5)^2)" }),
    });
    const s = await solve(game, newton({ points: 16, steps: 16 }));
    expect(massError(s.fields)).toBeLessThan(1e-14);
  });

  test("two populations, each keeps its mass; a warm start is at its end at once", async () => {
    const game = twoCrowds();
    const s = await solve(game, newton({ points: 24, steps: 16, tolerance: 1e-8 }));
    expect(massError(s.fields)).toBeLessThan(1e-14);
    const again = await solve(game, newton({ points: 24, steps: 16, tolerance: 1e-8, start: s.fields }));
    expect(again.counts.newtonSteps).toBe(0);
    expect(again.fields.value).toEqual(s.fields.value);
  });

  test("a mirrored game has the mirrored solution", async () => {
    const made = (sign: string) =>
      meanFieldGame({
        domain: domain({ lower: [-1], upper: [1], ends: "no-flux" }),
        populations: { viscosity: 0.1, hamiltonian: quadratic(1), initial: `1 + 0.5*sin(${sign}2*x)` },
        coupling: couplingLocal({ dimension: 1, cost: `m + (${sign}x)^3` }),
        terminal: couplingLocal({ dimension: 1, cost: `m*(2 + (${sign}x))` }),
      });
    const [a, b] = [
      await solve(made(""), newton({ points: 20, steps: 10, tolerance: 1e-10 })),
      await solve(made("-"), newton({ points: 20, steps: 10, tolerance: 1e-10 })),
    ];
    expect(b.fields.value[0][0].toReversed()).toAgree(a.fields.value[0][0], { atol: 1e-10 });
    expect(b.fields.density[0][10].toReversed()).toAgree(a.fields.density[0][10], { atol: 1e-10 });
  });

  test("failures say why, where and what to try", async () => {
    const text = async (game: MeanFieldGame, options: NewtonOptions) =>
      (await solve(game, newton({ points: 16, steps: 16, ...options }), { onFailure: "return" })).status.text;
    expect(await text(torusCrowd({ viscosity: 0.1 }), { maxIterations: 2, continuation: false })).toMatchInlineSnapshot(
      `"stalled: largest residual 2.39 > 0.000001 after 2 Newton and 4 GMRES steps, in the Fokker–Planck equation at t = 0.5, x = (0.719, 0.719): maxIterations is reached; raise maxIterations, set continuation: "auto", raise the viscosity, use more steps, start from the fields of a solved easier game"`,
    );
    expect(await text(torusCrowd({ viscosity: 0.1 }), { maxIterations: 1 })).toMatchInlineSnapshot(
      `"stalled: largest residual 2.21 > 0.000001 after 1 Newton and 1 GMRES steps, in the Hamilton–Jacobi–Bellman equation at t = 0.563, x = (0.719, 0.719): maxIterations is reached; raise maxIterations, raise the viscosity, use more steps, start from the fields of a solved easier game"`,
    );
    const steep = meanFieldGame({
      domain: domain({ lower: [0, 0], upper: [1, 1], ends: "no-flux" }),
      populations: { viscosity: 0.02, hamiltonian: quadratic(2), initial: gaussian(0.3, 0.3), mass: 1 },
      coupling: couplingLocal({ dimension: 2, cost: "m" }),
      terminal: couplingLocal({ dimension: 2, cost: "3*((x-0.8)^2+(y-0.8)^2)" }),
    });
    expect(await text(steep, { scheme: "central" })).toMatchInlineSnapshot(
      `"stopped: the density is -0.222 < 0 at t = 1, x = (0.531, 0.219): this scheme does not resolve it; use scheme: "upwind", which keeps it positive, or more points and steps"`,
    );
    const unknown = meanFieldGame({
      domain: domain({ lower: [0], upper: [1] }),
      populations: { viscosity: 0.1, hamiltonian: quadratic(1), initial: 1 },
      coupling: couplingLocal({ dimension: 1, cost: "-30*m" }),
      terminal: couplingLocal({ dimension: 1, cost: "cos(2*pi*x)" }),
    });
    // far from any solution the numbers follow the rounding: only the words are kept
    const words = (await text(unknown, { maxIterations: 3 }))
      .replace(/[\d.]+/g, "#")
      .replace(/in the .* equation/, "in");
    expect(words).toMatchInlineSnapshot(
      `"stalled: largest residual # > # after # Newton and # GMRES steps, in at t = #, x = (#): maxIterations is reached; raise maxIterations, raise the viscosity, use more steps, start from the fields of fictitiousPlay(): the cost falls with the crowd somewhere, and there may be several equilibria"`,
    );
  });

  test("costs that need m > 0: true coefficients from the start, and densities of many orders of magnitude", async () => {
    const game = obstacleCrowd();
    const s = await solve(game, newton({ points: [16, 24], steps: 8 }));
    expect(residual(game, s.fields, { points: [16, 24], steps: 8 })).toBeLessThanOrEqual(1e-6);
    expect(massError(s.fields)).toBeLessThan(1e-14);
    // ρ₁ is e^−90 and less where the crowd begins
    expect(lowest(s.fields)).toBeGreaterThan(0);
    expect(lowest(s.fields)).toBeLessThan(1e-20);
    expect(s.counts.linearSteps).toBeLessThanOrEqual(25 * s.counts.newtonSteps);
    const gaussian = await solve(logGaussian({ dimension: 2 }), newton({ points: 16, steps: 8 }));
    expect(gaussian.counts.linearSteps).toBeLessThanOrEqual(10);
  });

  test("a trial step where a cost has no value is shortened, and a scheme that may go below 0 stays above for ln m", async () => {
    const made = (cost: string | null) =>
      meanFieldGame({
        domain: domain({ lower: [0], upper: [1], ends: "no-flux" }),
        populations: { viscosity: 0.01, hamiltonian: quadratic(1), initial: "exp(-200*(x-0.2)^2)", mass: 1 },
        coupling: cost === null ? couplingLog({ dimension: 1 }) : couplingLocal({ dimension: 1, cost }),
        terminal: couplingLocal({ dimension: 1, cost: "30*(x-0.9)^2" }),
      });
    const text = async (game: MeanFieldGame, options: NewtonOptions) =>
      (await solve(game, newton({ points: 16, steps: 8, ...options }), { onFailure: "return" })).status.text;
    expect(await text(made("sqrt(m)"), { scheme: "central" })).toMatch(
      /^stalled: .* Keep the point inside the formula/,
    );
    const logarithm = await solve(made(null), newton({ points: 16, steps: 8, scheme: "central" }), {
      onFailure: "return",
    });
    // the mid-time means are > 0
    expect(lowest(logarithm.fields)).toBeGreaterThanOrEqual(0);
    // where Newton starts it is the cost that is wrong
    await expect(solve(made("log(m - 20)"), newton({ points: 16, steps: 8 }))).rejects.toThrow(
      /^expression: "log\(m - 20\)" must have a real value at x = /,
    );
  });

  test("planning with thin tails names the bridge", async () => {
    const s = await solve(gaussianBridge(), newton({ points: 16, steps: 8, maxIterations: 8 }), {
      onFailure: "return",
    });
    expect(s.status.text).toMatch(
      /; raise maxIterations, use schroedingerBridge\(\): nobody pays for the crowd here, /,
    );
  });

  test("an infinite cost is told with its place", async () => {
    const game = meanFieldGame({
      domain: domain({ lower: [0], upper: [1], ends: "no-flux" }),
      populations: { viscosity: 0.1, hamiltonian: quadratic(1), initial: 1, valueSource: "1/(x-0.53125)" },
      coupling: couplingLocal({ dimension: 1, cost: "m" }),
    });
    const s = await solve(game, newton({ points: 16, steps: 8 }), { onFailure: "return" });
    expect(s.status.text).toMatchInlineSnapshot(
      `"stopped: the costs or the Hamiltonian are not finite at t = 0, x = (0.531); keep the game's formulas finite there"`,
    );
  });

  test("a small crowd is solved as well as a large one", async () => {
    const grid = { points: 16, steps: 8 };
    const game = (cost: string, mass: number, source: string | null = null) =>
      meanFieldGame({
        domain: domain({ lower: [0], upper: [1], ends: "no-flux" }),
        populations: {
          viscosity: 0.1,
          hamiltonian: quadratic(1),
          initial: "1+0.5*cos(pi*x)",
          mass,
          densitySource: source,
        },
        coupling: couplingLocal({ dimension: 1, cost }),
      });
    // nobody meets anybody: the crowd follows the gradient that x² makes, and the game is linear in m
    const few = await solve(game("m + x^2", 1e-9), newton(grid));
    const alone = await solve(game("x^2", 1), newton({ ...grid, tolerance: 1e-9 }));
    expect(few.counts.newtonSteps).toBeGreaterThan(0);
    for (let n = 0; n <= 8; n++) {
      const scaled = few.fields.density[0][n].map((m) => 1e9 * m);
      expect(scaled).toAgree(alone.fields.density[0][n], { rtol: 1e-6 });
    }
    // with a source of mass the equations are measured by what it brings, which no tolerance of 1e-6 m₀ could follow
    const filled = await solve(game("m + x^2", 1e-12, "1"), newton(grid));
    expect(residual(filled.problem, filled.fields, grid)).toBeLessThanOrEqual(1e-6);
  });

  test("at round-off a larger tolerance is the cure, not a larger viscosity", async () => {
    const game = meanFieldGame({
      domain: domain({ lower: [0], upper: [1], ends: "no-flux" }),
      populations: { viscosity: 1e8, hamiltonian: quadratic(1), initial: "1+0.5*cos(pi*x)" },
      coupling: couplingLocal({ dimension: 1, cost: "m+x^2" }),
    });
    const s = await solve(game, newton({ points: 16, steps: 8 }), { onFailure: "return" });
    expect(
      s.status.text.replace(/residual \S+|after \d+|and \d+/g, (v) => v.replace(/[\d.]+/, "#")),
    ).toMatchInlineSnapshot(
      `"stalled: largest residual # > 0.000001 after # Newton and # GMRES steps: this is round-off, which ε·ν/h²·max(|u|, m) puts at 0.00000758; use tolerance: 1e-4"`,
    );
    const [, tolerance] = s.status.text.match(/use tolerance: (\S+)$/) ?? [];
    expect((await solve(game, newton({ points: 16, steps: 8, tolerance: Number(tolerance) }))).status.converged).toBe(
      true,
    );
  });

  test("an abort from outside ends it", async () => {
    const controller = new AbortController();
    const done = solve(torusCrowd({ viscosity: 0.1 }), newton({ points: 32, steps: 32 }), {
      signal: controller.signal,
      onProgress: () => controller.abort(new Error("enough")),
    });
    await expect(done).rejects.toThrow("enough");
  });

  test("messages", async () => {
    const told = [
      { tolerance: 0 },
      { maxIterations: 0.5 },
      { restart: 0 },
      { continuation: "yes" as "auto" },
      { start: 1 as unknown as "uniform" },
      { start: {} as "uniform" },
      { preconditioner: "none" as "auto" },
    ].map((options) => {
      try {
        newton(options);
        return "nothing";
      } catch (error) {
        return String(error);
      }
    });
    expect(told).toMatchInlineSnapshot(`
      [
        "UsageError: newton: tolerance must be a finite number > 0; got 0. Use tolerance: 1e-6.",
        "UsageError: newton: maxIterations must be an integer ≥ 1; got 0.5. Leave it out.",
        "UsageError: newton: restart must be an integer ≥ 1; got 0. Leave it out.",
        "UsageError: newton: continuation must be "auto" or false; got "yes". Use continuation: "auto".",
        "UsageError: newton: start must be "uniform" or fields; got 1. Use the fields of another solution on the same cells and steps.",
        "UsageError: newton: start must be "uniform" or fields; got {}. Use the fields of another solution on the same cells and steps.",
        "UsageError: newton: preconditioner must be "auto", "transform" or "sweeps"; got "none". Use preconditioner: "auto".",
      ]
    `);
    expect(newton().handles(gaussianShift())).toMatchInlineSnapshot(
      `"it solves mean-field games, not proximal-flow; use a solver of that family"`,
    );
    expect(newton().handles(ergodicTorus())).toMatchInlineSnapshot(`"it is for games in time; use ergodic()"`);
    const high = meanFieldGame({
      domain: domain({ lower: [0, 0, 0, 0], upper: [1, 1, 1, 1] }),
      populations: { viscosity: 0.1, hamiltonian: quadratic(4), initial: 1 },
      coupling: couplingLocal({ dimension: 4, cost: "m" }),
    });
    expect(newton().handles(high)).toMatchInlineSnapshot(`"grids have at most three dimensions; use neuralGame()"`);
  });
});
