// The ergodic solver against: the ground-state oracle, manufactured solutions of three Hamiltonians, the explicit first-order game, the
// discrete equations written out, and symmetry.
import { describe, expect, it } from "vitest";
import { firstOrderTorus, type MeanFieldGameOptions, meanFieldGame } from "../../../../problems/index.js";
import {
  couplingLocal,
  couplingNonlocal,
  couplingSum,
  type Hamiltonian,
  hamiltonianCongestion,
  hamiltonianPower,
  hamiltonianQuadratic,
} from "../../../../problems/terms/index.js";
import { type ErgodicOptions, type ErgodicScheme, ergodic } from "../../../../solvers/grid/game/ergodic.js";
import type { GridGameSolution } from "../../../../solvers/grid/game/game-solution.js";
import { groundState } from "../../../../solvers/grid/game/ground-state.js";
import { domain, integrate } from "../../../../src/grid/index.js";
import { solve } from "../../../../src/solve.js";

const tau = 2 * Math.PI;
const circle = domain({ lower: [0], upper: [1] });
const room = domain({ lower: [0, 0], upper: [1, 1], ends: "no-flux" });
const half = (dimension: number) => hamiltonianQuadratic({ dimension, weight: 0.5 });
const game = (options: Omit<MeanFieldGameOptions, "mode">) => meanFieldGame({ mode: "ergodic", ...options });

function constantsOf(s: GridGameSolution): readonly number[] {
  return s.fields.ergodicConstant as readonly number[];
}

function largest(a: Float64Array, b: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]));
  return most;
}

/** Largest residual of both equations for H = |p|²/2, upwind, cell by cell on the neighbours' table; `f` at every cell. */
function upwindResiduals(
  s: GridGameSolution,
  nu: number,
  f: (m: Float64Array) => Float64Array,
  k = 0,
): [number, number] {
  const { cells, value, density } = s.fields;
  const [u, m] = [value[k][0], density[k][0]];
  const cost = f(m);
  const values = new Float64Array(u.length);
  const densities = new Float64Array(u.length);
  for (let i = 0; i < u.length; i++) {
    if (cells.open[i] === 0) continue;
    cells.neighbour.forEach((other, j) => {
      const h = cells.grid.axes[j >> 1].spacing;
      const up = (u[i] - u[other[i]]) / h;
      values[i] += (nu * (u[i] - u[other[i]])) / h ** 2 + 0.5 * Math.max(up, 0) ** 2;
      densities[i] += (nu * (m[i] - m[other[i]])) / h ** 2;
      // agents leave towards smaller u, at speed up
      densities[i] += (m[i] * Math.max(up, 0)) / h;
      densities[other[i]] -= (m[i] * Math.max(up, 0)) / h;
    });
    values[i] += constantsOf(s)[k] - cost[i];
  }
  return [largest(values, new Float64Array(u.length)), largest(densities, new Float64Array(u.length))];
}

describe("the discrete equations", () => {
  const V = (x: number, y: number) => Math.sin(tau * x) + Math.cos(tau * y);

  it("hold cell by cell around an obstacle, with exact mass and ∫u = 0", async () => {
    const d = domain({
      lower: [0, 0],
      upper: [1, 1],
      ends: ["no-flux", "periodic"],
      obstacle: (x) => Math.hypot(x[0] - 0.5, x[1] - 0.4) < 0.2,
    });
    const s = await solve(
      game({
        domain: d,
        populations: { viscosity: 0.05, hamiltonian: half(2), mass: 2 },
        coupling: couplingLocal({ dimension: 2, cost: "m^2 - sin(2*pi*x) - cos(2*pi*y)" }),
      }),
      ergodic({ points: [24, 20] }),
    );
    const { grid, points, open } = s.fields.cells;
    const residuals = upwindResiduals(s, 0.05, (m) => m.map((v, i) => v * v - V(points[2 * i], points[2 * i + 1])));
    expect(Math.max(...residuals)).toBeLessThan(1e-7);
    const m = s.density(0).values;
    expect(integrate(grid, m)).toAgree(2, { atol: 1e-13 });
    expect(integrate(grid, s.fields.value[0][0])).toAgree(0, { atol: 1e-14 });
    for (let i = 0; i < m.length; i++) expect(m[i] > 0).toBe(open[i] === 1);
    expect(s.fields.value[0][0]).toBe(s.fields.value[0][1]);
    expect(s.counts.newtonIterations).toBeLessThanOrEqual(8);
  });

  it("hold with a convolution, whose derivative is dense", async () => {
    const coupling = couplingNonlocal({ dimension: 1, width: 0.1, weight: 4, domain: circle });
    const cost = couplingLocal({ dimension: 1, cost: "m - sin(2*pi*x)" });
    const sum = couplingSum([coupling, cost]);
    const s = await solve(
      game({ domain: circle, populations: { viscosity: 0.05, hamiltonian: half(1) }, coupling: sum }),
      ergodic({ points: 64 }),
    );
    const f = (m: Float64Array) => {
      const { points, grid } = s.fields.cells;
      return m.map((v, i) => {
        let total = v - Math.sin(tau * points[i]);
        for (let j = 0; j < m.length; j++)
          for (let image = -2; image <= 2; image++) {
            const z = points[i] - points[j] + image;
            total += (4 * m[j] * grid.cellVolume * Math.exp(-((z / 0.1) ** 2) / 2)) / (0.1 * Math.sqrt(tau));
          }
        return total;
      });
    };
    expect(Math.max(...upwindResiduals(s, 0.05, f))).toBeLessThan(1e-7);
    expect(s.counts.newtonIterations).toBeLessThanOrEqual(8);
  });

  it("hold in 3-D", async () => {
    const s = await solve(
      game({
        domain: domain({ lower: [0, 0, 0], upper: [1, 2, 1], ends: ["periodic", "no-flux", "periodic"] }),
        populations: { viscosity: 0.1, hamiltonian: half(3) },
        coupling: couplingLocal({ dimension: 3, cost: "log(m) - sin(2*pi*x) - cos(pi*y) - sin(2*pi*z)" }),
      }),
      ergodic({ points: [10, 12, 9] }),
    );
    const { points } = s.fields.cells;
    const f = (m: Float64Array) =>
      m.map(
        (v, i) =>
          Math.log(v) -
          Math.sin(tau * points[3 * i]) -
          Math.cos(Math.PI * points[3 * i + 1]) -
          Math.sin(tau * points[3 * i + 2]),
      );
    expect(Math.max(...upwindResiduals(s, 0.1, f))).toBeLessThan(1e-7);
    expect(integrate(s.fields.cells.grid, s.density(0).values)).toAgree(1, { atol: 1e-14 });
  });
});

it("moves and mirrors with the game", async () => {
  const shifted = async (cost: string) =>
    solve(
      game({
        domain: domain({ lower: [0, 0], upper: [1, 1] }),
        populations: { viscosity: 0.1, hamiltonian: half(2) },
        coupling: couplingLocal({ dimension: 2, cost }),
      }),
      ergodic({ points: 16 }),
    );
  const s = await shifted("m^2 - sin(2*pi*x) - cos(4*pi*x) - sin(2*pi*y)");
  // three cells along x, mirrored in y
  const other = await shifted("m^2 - sin(2*pi*(x - 3/16)) - cos(4*pi*(x - 3/16)) + sin(2*pi*y)");
  expect(constantsOf(other)).toAgree(constantsOf(s), { rtol: 1e-10 });
  const [m, n] = [s.density(0).values, other.density(0).values];
  for (let i = 0; i < 16; i++)
    for (let j = 0; j < 16; j++) expect(n[((i + 3) % 16) * 16 + 15 - j]).toAgree(m[i * 16 + j], { atol: 1e-9 });
});

describe("orders", () => {
  // u = b sin 2πx, m = 1 + a cos 2πx, λ̄ = 0.3 with sources that make them solve f = m and the Hamiltonian at hand
  const [a, b, nu] = [0.4, 0.15, 0.2];
  const m = (x: number) => 1 + a * Math.cos(tau * x);
  const dm = (x: number) => -a * tau * Math.sin(tau * x);
  const p = (x: number) => b * tau * Math.cos(tau * x);
  const dp = (x: number) => -b * tau ** 2 * Math.sin(tau * x);
  const cases: readonly [string, Hamiltonian, (x: number) => number, (x: number) => number][] = [
    [
      "drift",
      hamiltonianQuadratic({ dimension: 1, weight: 0.5, drift: ["sin(2*pi*x)"] }),
      (x) => p(x) ** 2 / 2 + Math.sin(tau * x) * p(x),
      (x) => dm(x) * (p(x) + Math.sin(tau * x)) + m(x) * (dp(x) + tau * Math.cos(tau * x)),
    ],
    [
      "power 4",
      hamiltonianPower({ dimension: 1, exponent: 4 }),
      (x) => p(x) ** 4 / 4,
      (x) => dm(x) * p(x) ** 3 + 3 * m(x) * p(x) ** 2 * dp(x),
    ],
    [
      "congestion",
      hamiltonianCongestion({ dimension: 1, exponent: 1 }),
      (x) => p(x) ** 2 / (2 * (1 + m(x))),
      (x) => (dm(x) * p(x) + m(x) * dp(x)) / (1 + m(x)) - (m(x) * p(x) * dm(x)) / (1 + m(x)) ** 2,
    ],
  ];
  const levels: Record<ErgodicScheme, readonly [number, number, number]> = {
    // least and largest slope, and the level at 128 cells
    upwind: [0.85, 1.1, 2.5e-2],
    central: [1.9, 2.1, 1.5e-3],
    "fourth-order": [3.7, 4.2, 4e-6],
  };
  for (const [name, hamiltonian, H, divergence] of cases) {
    for (const scheme of ["upwind", "central", "fourth-order"] as const) {
      it(`${name}, ${scheme}`, async () => {
        const made = game({
          domain: circle,
          populations: {
            viscosity: nu,
            hamiltonian,
            valueSource: ([x]) => -nu * dp(x) + H(x) + 0.3 - m(x),
            densitySource: ([x]) => nu * a * tau ** 2 * Math.cos(tau * x) - divergence(x),
          },
          coupling: couplingLocal({ dimension: 1, cost: "m" }),
        });
        const errors = [];
        for (const points of [64, 128]) {
          const s = await solve(made, ergodic({ points, scheme }));
          const x = s.fields.cells.points;
          errors.push(
            Math.max(
              Math.abs(constantsOf(s)[0] - 0.3),
              largest(s.density(0).values, x.map(m)),
              largest(
                s.fields.value[0][0],
                x.map((v) => b * Math.sin(tau * v)),
              ),
            ),
          );
        }
        const slope = Math.log2(errors[0] / errors[1]);
        const [least, most, level] = levels[scheme];
        expect(slope).toBeGreaterThan(least);
        expect(slope).toBeLessThan(most);
        expect(errors[1]).toBeLessThan(level);
      });
    }
  }

  it("walls and a log cost: fourth order towards the ground state", async () => {
    const made = game({
      domain: room,
      populations: { viscosity: 0.1, hamiltonian: half(2) },
      coupling: couplingLocal({ dimension: 2, cost: "log(m) - cos(pi*x) - cos(2*pi*y)" }),
    });
    const [lambda] = constantsOf(await solve(made, groundState({ points: 48 })));
    const [coarse, fine] = [
      constantsOf(await solve(made, ergodic({ points: 16, scheme: "fourth-order" })))[0] - lambda,
      constantsOf(await solve(made, ergodic({ points: 32, scheme: "fourth-order" })))[0] - lambda,
    ];
    expect(Math.log2(coarse / fine)).toBeGreaterThan(3.7);
    expect(Math.abs(fine)).toBeLessThan(2e-4);
  });
});

describe("the explicit first-order game, u_x²/2 + cos(2πx) u_x + sin 2πx = ln m + H̄", () => {
  // u_x = −cos 2πx, m = exp(sin 2πx − ½cos² 2πx)/Z, λ̄ = −ln Z
  const bare = (x: number) => Math.exp(Math.sin(tau * x) - Math.cos(tau * x) ** 2 / 2);
  const Z = Array.from({ length: 512 }, (_, i) => bare(i / 512) / 512).reduce((sum, v) => sum + v, 0);

  it("as ν → 0: first order in ν", async () => {
    const errors: number[][] = [];
    for (const [viscosity, points] of [
      [0.003, 512],
      [0.001, 1024],
    ]) {
      const s = await solve(
        game({
          domain: circle,
          populations: {
            viscosity,
            hamiltonian: hamiltonianQuadratic({ dimension: 1, weight: 0.5, drift: ["cos(2*pi*x)"] }),
          },
          coupling: couplingLocal({ dimension: 1, cost: "log(m) - sin(2*pi*x)" }),
        }),
        ergodic({ points, scheme: "fourth-order" }),
      );
      const x = s.fields.cells.points;
      errors.push([
        Math.abs(constantsOf(s)[0] + Math.log(Z)),
        largest(
          s.density(0).values,
          x.map((v) => bare(v) / Z),
        ),
        largest(
          s.fields.value[0][0],
          x.map((v) => -Math.sin(tau * v) / tau),
        ),
      ]);
    }
    const levels = [3.2e-3, 9e-3, 1.3e-3];
    errors[1].forEach((fine, i) => {
      const slope = Math.log(errors[0][i] / fine) / Math.log(3);
      expect(slope).toBeGreaterThan(0.95);
      expect(slope).toBeLessThan(1.1);
      expect(fine).toBeLessThan(levels[i]);
    });
  });

  it("with its potential corrected for ν: to the catalogue's closed form", async () => {
    for (const viscosity of [0.1, 0.003]) {
      const made = firstOrderTorus({ viscosity });
      const s = await solve(made, ergodic({ points: 512, scheme: "fourth-order" }));
      const x = s.fields.cells.points;
      const { exact } = made;
      if (exact === null) throw new Error("a closed form is needed");
      expect(constantsOf(s)).toAgree(exact.ergodicConstant as readonly number[], { atol: 1e-8 });
      expect(s.density(0).values).toAgree(exact.density(0, x), { atol: 1e-7 });
      expect(s.fields.value[0][0]).toAgree(exact.value(0, x), { atol: 1e-7 });
    }
  });
});

describe("several populations", () => {
  const apart = (options: ErgodicOptions) =>
    solve(
      game({
        domain: domain({ lower: [0], upper: [1], ends: "no-flux" }),
        populations: [
          { viscosity: 0.05, hamiltonian: half(1) },
          { viscosity: 0.05, hamiltonian: half(1) },
        ],
        coupling: couplingLocal({ dimension: 1, populations: 2, cost: ["m1 + 2*m2", "2*m1 + m2"] }),
      }),
      ergodic({ points: 64, ...options }),
    );

  it("that dislike each other: mixed from a uniform start, apart and mirrored from a start that is apart", async () => {
    const mixed = await apart({});
    expect(constantsOf(mixed)).toAgree([3, 3], { atol: 1e-9 });
    const s = await apart({ start: ["1 + 0.5*cos(pi*x)", "1 - 0.5*cos(pi*x)"] });
    const [one, two] = constantsOf(s);
    expect(one).toBeLessThan(2.5);
    expect(two).toAgree(one, { rtol: 1e-8 });
    expect(s.density(0, 1).values.slice().reverse()).toAgree(s.density(0, 0).values, { atol: 1e-7 });
    const residuals = upwindResiduals(s, 0.05, (m) => m.map((v, i) => v + 2 * s.density(0, 1).values[i]));
    expect(Math.max(...residuals)).toBeLessThan(1e-6);
  });
});

describe("small viscosity", () => {
  it("P1's cost in 1-D at ν = 0.002, cold, without a larger viscosity first", async () => {
    const s = await solve(
      game({
        domain: circle,
        populations: { viscosity: 0.002, hamiltonian: half(1) },
        coupling: couplingLocal({ dimension: 1, cost: "m^2 - 2*sin(2*pi*x)" }),
      }),
      ergodic({ points: 256 }),
    );
    expect(s.counts.viscositySteps).toBe(0);
    expect(integrate(s.fields.cells.grid, s.density(0).values)).toAgree(1, { atol: 1e-13 });
    expect(Math.min(...s.density(0).values)).toBeGreaterThan(0);
  });

  it("a Hamiltonian whose slope is not Lipschitz", async () => {
    const s = await solve(
      game({
        domain: domain({ lower: [0, 0], upper: [1, 1] }),
        populations: { viscosity: 0.1, hamiltonian: hamiltonianPower({ dimension: 2, exponent: 1.5 }) },
        coupling: couplingLocal({ dimension: 2, cost: "m - sin(2*pi*x) - sin(2*pi*y) - cos(4*pi*x)" }),
      }),
      ergodic({ points: 64 }),
    );
    expect(s.status.converged).toBe(true);
    expect(integrate(s.fields.cells.grid, s.density(0).values)).toAgree(1, { atol: 1e-13 });
  });
});

describe("failures and messages", () => {
  const message = async (run: () => unknown): Promise<string> => {
    try {
      await run();
    } catch (error) {
      return (error as Error).message;
    }
    return "no error";
  };
  const torus = (more: Partial<MeanFieldGameOptions["populations"]> = {}) =>
    game({
      domain: domain({ lower: [0, 0], upper: [1, 1] }),
      populations: { viscosity: 0.02, hamiltonian: hamiltonianQuadratic({ dimension: 2, weight: 1 }), ...more },
      coupling: couplingLocal({ dimension: 2, cost: "m^2 - sin(2*pi*x) - sin(2*pi*y) - cos(4*pi*x)" }),
    });

  it("options", async () => {
    expect(await message(() => ergodic({ scheme: "weno" as ErgodicScheme }))).toMatchInlineSnapshot(
      `"ergodic: scheme must be "upwind", "central" or "fourth-order"; got "weno". Use scheme: "upwind"."`,
    );
    expect(await message(() => ergodic({ tolerance: 0 }))).toMatchInlineSnapshot(
      `"ergodic: tolerance must be a finite number > 0; got 0. Use tolerance: 1e-10."`,
    );
    expect(await message(() => ergodic({ maxIterations: 1.5 }))).toMatchInlineSnapshot(
      `"ergodic: maxIterations must be an integer ≥ 1; got 1.5. Use maxIterations: 40 to start."`,
    );
    expect(await message(() => solve(torus(), ergodic({ points: 8, start: ["1", "1"] })))).toMatchInlineSnapshot(
      `"ergodic: start must be one density; got 2. Give one density for all."`,
    );
    expect(await message(() => solve(torus(), ergodic({ points: 8, start: "max(x - 0.5, 0)" })))).toMatchInlineSnapshot(
      `"ergodic: start must be > 0 in every open cell, after scaling to the mass; got 0. Add a constant to it."`,
    );
    expect(
      await message(() => solve(torus({ densitySource: 1 } as never), ergodic({ points: 8 }))),
    ).toMatchInlineSnapshot(
      `"ergodic: the density source of crowd must have mean 0 over the open cells; got 1. Subtract its mean: what enters must leave, or there is no stationary crowd."`,
    );
  });

  it("problems", async () => {
    expect(await message(() => solve(torus({ viscosity: 0 } as never), ergodic({ points: 8 })))).toMatchInlineSnapshot(
      `"solve: solver must handle the problem mean-field-game; ergodic: the viscosity of crowd is 0; use a small one, for example viscosity: 0.01"`,
    );
    const timed = meanFieldGame({
      domain: circle,
      populations: { viscosity: 0.1, hamiltonian: half(1), initial: 1 },
      coupling: couplingLocal({ dimension: 1, cost: "m" }),
    });
    expect(await message(() => solve(timed, ergodic()))).toMatchInlineSnapshot(
      `"solve: solver must handle the problem mean-field-game; ergodic: the game is time-dependent, not ergodic; use newton()"`,
    );
    const split = game({
      domain: domain({ lower: [0, 0], upper: [1, 1], ends: "no-flux", obstacle: (x) => Math.abs(x[0] - 0.5) < 0.2 }),
      populations: { viscosity: 0.1, hamiltonian: half(2) },
      coupling: couplingLocal({ dimension: 2, cost: "m" }),
    });
    expect(await message(() => solve(split, ergodic({ points: 8 })))).toMatchInlineSnapshot(
      `"ergodic: the obstacle must leave one connected region; got "16 of 32 open cells connected". Open a passage, or solve each region as a game of its own."`,
    );
  });

  it("a scheme that is not monotone on a grid that does not resolve the layers", async () => {
    const text = await message(() => solve(torus(), ergodic({ points: 8, scheme: "fourth-order" })));
    expect(text.replace(/\d+(\.\d+)?(e-?\d+)?/g, "#")).toMatchInlineSnapshot(
      `"ergodic on mean-field-game: stalled: viscosity # was approached down to # times as much, and no further; the smallest density there is # at x = (#, #). Use scheme: "upwind", which keeps densities positive on every grid, or more points. Newton's last word: stalled: no step along the Newton direction lowers the residual # (linear solve converged); check the Jacobian, give a preconditioner or start closer"`,
    );
  });

  it("costs that fall with a crowd which gathers without end", async () => {
    const made = firstOrderTorus({ coupling: "decreasing", meanDrift: 0, drift: 0, viscosity: 0.05 });
    const text = await message(() =>
      solve(made, ergodic({ points: 32, maxIterations: 10, start: "1.1 + cos(2*pi*x)" })),
    );
    expect(text.replace(/\d+(\.\d+)?(e-?\d+)?/g, "#")).toMatchInlineSnapshot(
      `"ergodic on first-order-torus: stalled: neither best responses nor Newton's method came to rest from the given start at viscosity #; the smallest density there is # at x = (#). Costs are not known to rise with the crowd, so that solutions may end or branch here: start from another density (start), or use a larger viscosity. Newton's last word: stalled: residual # > # after # Newton steps; raise maxIterations or start closer"`,
    );
  });

  it("abort", async () => {
    const stop = new AbortController();
    stop.abort(new Error("enough"));
    await expect(solve(torus(), ergodic({ points: 8 }), { signal: stop.signal })).rejects.toThrow("enough");
  });
});
