// The ground-state oracle against a manufactured state and itself on finer nodes; λ̄ of P1 is in test/golden/ergodic.test.ts.
import { describe, expect, it } from "vitest";
import { type MeanFieldGameOptions, meanFieldGame } from "../../../../problems/index.js";
import { couplingLocal, hamiltonianPower, hamiltonianQuadratic } from "../../../../problems/terms/index.js";
import { groundState } from "../../../../solvers/grid/game/ground-state.js";
import { domain, integrate } from "../../../../src/grid/index.js";
import { solve } from "../../../../src/solve.js";

const game = (options: Partial<MeanFieldGameOptions> = {}) =>
  meanFieldGame({
    mode: "ergodic",
    domain: domain({ lower: [0], upper: [1] }),
    populations: { viscosity: 0.2, hamiltonian: hamiltonianQuadratic({ dimension: 1, weight: 0.7 }) },
    coupling: couplingLocal({ dimension: 1, cost: "m" }),
    ...options,
  });

describe("φ given", () => {
  // −c φ″ + (m + s) φ = λ̄ φ with φ = 1 + a cos ωx gives s = λ̄ − φ² + c φ″/φ
  const [a, nu, kappa, lambda] = [0.3, 0.2, 0.7, 1.25];
  for (const [ends, omega, L] of [
    ["periodic", 2 * Math.PI, 1],
    ["no-flux", Math.PI / 2, 2],
  ] as const) {
    it(`${ends}: to round-off`, async () => {
      const phi = (x: number) => 1 + a * Math.cos(omega * x);
      const curved = (x: number) => -a * omega ** 2 * Math.cos(omega * x);
      const mass = L * (1 + a ** 2 / 2);
      const s = await solve(
        game({
          domain: domain({ lower: [0], upper: [L], ends }),
          populations: {
            viscosity: nu,
            mass,
            hamiltonian: hamiltonianQuadratic({ dimension: 1, weight: kappa }),
            valueSource: ([x]) => lambda - phi(x) ** 2 + ((nu ** 2 / kappa) * curved(x)) / phi(x),
          },
        }),
        groundState({ points: 48 }),
      );
      const { points, grid } = s.fields.cells;
      expect(s.fields.ergodicConstant).toAgree([lambda], { atol: 1e-11 });
      expect(s.density(0).values).toAgree(
        points.map((x) => phi(x) ** 2),
        { atol: 1e-11 },
      );
      const u = points.map((x) => (-nu / kappa) * Math.log(phi(x)));
      const mean = integrate(grid, u) / L;
      expect(s.fields.value[0][0]).toAgree(
        u.map((v) => v - mean),
        { atol: 1e-11 },
      );
      expect(integrate(grid, s.density(0).values)).toAgree(mass, { rtol: 1e-11 });
    });
  }
});

it("3-D is the sum of its axes for a log cost", async () => {
  // f = ln m − V₁(x) − V₂(y): m and φ are products, λ̄ a sum
  const along = async (d: number, cost: string) =>
    solve(
      game({
        domain: domain({ lower: Array(d).fill(0), upper: Array(d).fill(1) }),
        populations: { viscosity: 0.3, hamiltonian: hamiltonianQuadratic({ dimension: d }) },
        coupling: couplingLocal({ dimension: d, cost }),
      }),
      groundState({ points: 12 }),
    );
  const constants = await Promise.all([
    along(1, "log(m) - sin(2*pi*x)"),
    along(1, "log(m) - 0.5*cos(2*pi*x)"),
    along(1, "log(m) + cos(2*pi*x)"),
    along(3, "log(m) - sin(2*pi*x) - 0.5*cos(2*pi*y) + cos(2*pi*z)"),
  ]);
  const [x, y, z, all] = constants.map((s) => (s.fields.ergodicConstant as readonly number[])[0]);
  expect(all).toAgree(x + y + z, { atol: 1e-11 });
});

describe("messages", () => {
  const message = async (run: () => unknown): Promise<string> => {
    try {
      await run();
    } catch (error) {
      return (error as Error).message;
    }
    return "no error";
  };

  it("options", async () => {
    expect(await message(() => groundState({ tolerance: -1 }))).toMatchInlineSnapshot(
      `"groundState: tolerance must be a finite number > 0; got -1. Use tolerance: 1e-12."`,
    );
    expect(await message(() => groundState({ maxIterations: 0 }))).toMatchInlineSnapshot(
      `"groundState: maxIterations must be an integer ≥ 1; got 0. Use maxIterations: 60 to start."`,
    );
  });

  it("games that it does not take", async () => {
    const population = { viscosity: 0.2, hamiltonian: hamiltonianQuadratic({ dimension: 1 }) };
    const refused = [
      game({ populations: { ...population, viscosity: 0 } }),
      game({ populations: { ...population, hamiltonian: hamiltonianPower({ dimension: 1, exponent: 3 }) } }),
      game({ populations: { ...population, densitySource: "sin(2*pi*x)" } }),
      game({ domain: domain({ lower: [0], upper: [1], ends: "no-flux", obstacle: (x) => x[0] < 0.2 }) }),
      game({
        populations: [population, population],
        coupling: couplingLocal({ dimension: 1, populations: 2, cost: ["m1", "m2"] }),
      }),
      game({ mode: "time-dependent", populations: { ...population, initial: 1 } }),
    ];
    const texts = [];
    for (const g of refused) texts.push(await message(() => solve(g, groundState())));
    expect(
      texts.map((t) => t.replace("solve: solver must handle the problem mean-field-game; ", "")),
    ).toMatchInlineSnapshot(`
      [
        "groundState: the viscosity must be > 0; use for example viscosity: 0.01",
        "groundState: the Hamiltonian must be κ|p|² with constant κ; use ergodic()",
        "groundState: the density has a source; use ergodic()",
        "groundState: the domain has an obstacle or doors; use ergodic()",
        "groundState: it takes one population; use ergodic()",
        "groundState: the game is time-dependent, not ergodic; use coleHopf() or newton()",
      ]
    `);
  });

  it("too few points for the layers", async () => {
    const thin = game({
      populations: { viscosity: 0.004, hamiltonian: hamiltonianQuadratic({ dimension: 1 }) },
      coupling: couplingLocal({ dimension: 1, cost: "m^2 - 4*sin(2*pi*x) - cos(6*pi*x)" }),
    });
    const text = await message(() => solve(thin, groundState({ points: 12 })));
    expect(text.replace(/\d+(\.\d+)?(e-?\d+)?/g, "#")).toMatchInlineSnapshot(
      `"groundState on mean-field-game: stalled: no step along the Newton direction lowers the residual # (linear solve converged); check the Jacobian, give a preconditioner or start closer. Try more points (a density this concentrated needs them), a larger viscosity first, or ergodic()"`,
    );
  });
});

describe("a long solve", () => {
  it("lets timers run, and an abort by one of them ends it", async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error("enough")), 1);
    const problem = game({
      domain: domain({ lower: [0, 0], upper: [1, 1] }),
      populations: { viscosity: 0.05, hamiltonian: hamiltonianQuadratic({ dimension: 2 }) },
      coupling: couplingLocal({ dimension: 2, cost: "m^2 + 2*cos(2*pi*x)*sin(2*pi*y)" }),
    });
    await expect(solve(problem, groundState({ points: 192 }), { signal: stop.signal })).rejects.toThrow("enough");
  });
});
