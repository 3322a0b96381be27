// Oracles: Cole–Hopf heat solutions, the residuals of the discrete game, conservation, comparison, brute-force policies.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  couplingLocal,
  hamiltonianCongestion,
  hamiltonianQuadratic,
  type MeanFieldGameOptions,
  meanFieldGame,
} from "../../../../problems/index.js";
import { type GameScheme, gameScheme } from "../../../../solvers/grid/game/game-scheme.js";
import {
  bestResponse,
  evaluatePolicy,
  exploitability,
  feedbackPolicy,
  type GamePolicy,
  numericalHamiltonian,
  type Path,
  transport,
} from "../../../../solvers/grid/index.js";
import { type Cells, domain, integrate } from "../../../../src/grid/index.js";
import { anyCells, fieldOn, upwindSlopes } from "../../../linalg/any-cells.js";
import { messageOf } from "../../../linalg/dense.js";

const numRuns = Number(process.env.LAWS === "thorough" ? 500 : 25);

interface Setting {
  readonly nu?: number;
  readonly cost?: string;
  readonly terminal?: MeanFieldGameOptions["terminal"];
  readonly T?: number;
  readonly steps?: number;
  readonly time?: "implicit-euler" | "midpoint";
}

function schemeOn(c: Pick<Cells, "domain" | "grid">, s: Setting = {}): GameScheme {
  const d = c.grid.dimension;
  const problem = meanFieldGame({
    domain: c.domain,
    horizon: s.T ?? 1,
    populations: {
      viscosity: s.nu ?? 0.1,
      hamiltonian: hamiltonianQuadratic({ dimension: d }),
      initial: (x) => 1.5 + Math.sin(3 * x[0]),
    },
    coupling: couplingLocal({ dimension: d, cost: s.cost ?? "m^2" }),
    terminal: s.terminal ?? null,
  });
  return gameScheme(problem, { points: c.grid.shape, steps: s.steps ?? 4, scheme: "upwind", time: s.time });
}

const line = (points: number, ends: "periodic" | "no-flux" = "periodic") => ({
  domain: domain({ lower: [0], upper: [1], ends }),
  grid: { dimension: 1, shape: [points] } as unknown as Cells["grid"],
});

/** A random crowd, > 0 in open cells. */
const crowdOn = (s: GameScheme, seed: number) =>
  s.initial.map((m0) =>
    Array.from({ length: s.steps + 1 }, (_, n) =>
      n === 0 ? m0 : fieldOn(s.cells, seed + n).map((v, i) => s.cells.open[i] * (1.2 + v)),
    ),
  );

const massOf = (s: GameScheme, m: Float64Array) => integrate(s.cells.grid, m);

function policyOf(s: GameScheme, slopes: (n: number) => readonly Float64Array[]): GamePolicy {
  const cost = new Float64Array(s.cells.grid.size);
  return { at: (_k, n) => ({ slopes: slopes(n), cost }) };
}

describe("bestResponse", () => {
  test("Hamilton–Jacobi without crowd against Cole–Hopf: order 1 with level", async () => {
    const nu = 0.3;
    const error = async (n: number) => {
      const terminal = couplingLocal({ dimension: 1, cost: `-2*${nu}*log(1.5 + cos(2*pi*x))` });
      const s = schemeOn(line(n), { nu, cost: "0", terminal, steps: n, T: 0.2 });
      const { path, status } = await bestResponse(s, crowdOn(s, 1));
      expect(status.converged).toBe(true);
      const decay = Math.exp(-nu * (2 * Math.PI) ** 2 * 0.2);
      return Math.max(
        ...path[0][0].map((u, i) =>
          Math.abs(u + 2 * nu * Math.log(1.5 + decay * Math.cos(2 * Math.PI * s.cells.points[i]))),
        ),
      );
    };
    const errors = [await error(32), await error(64), await error(128)];
    const slope = Math.log2(errors[0] / errors[2]) / 2;
    expect(slope).toBeGreaterThan(0.9);
    expect(slope).toBeLessThan(1.15);
    expect(errors[2]).toBeLessThan(5e-3);
  });

  test("every step's equation holds on any cells, to the tolerance, in a few Newton steps", async () => {
    await fc.assert(
      fc.asyncProperty(
        anyCells(7),
        fc.integer(),
        fc.constantFrom(0.01, 0.3),
        fc.constantFrom("implicit-euler" as const, "midpoint" as const),
        async (c, seed, nu, time) => {
          const s = schemeOn(c, { nu, time, cost: "m^2 + cos(5*x)" });
          const m = crowdOn(s, seed);
          // A start with values in solid cells: they are taken out.
          const initial = time === "midpoint" ? undefined : m.map((p) => p.map((slab) => slab.map((v) => v + 0.1)));
          const { path, status, residual, newtonSteps } = await bestResponse(s, m, { initial });
          path[0].forEach((u) => {
            u.forEach((v, i) => {
              if (c.open[i] === 0) expect(v).toBe(0);
            });
          });
          expect(status.text).toMatch(/^converged: largest residual \S+ of a step, \d+ Newton steps, \d+ cycles$/);
          expect(newtonSteps).toBeLessThanOrEqual(15 * s.steps);
          const out = new Float64Array(c.grid.size);
          let worst = 0;
          for (let n = 0; n < s.steps; n++) {
            const M = s.blend(m[0][n + 1], m[0][n], new Float64Array(c.grid.size));
            const cost = [new Float64Array(c.grid.size)];
            s.cost(n, [M], cost);
            s.valueResidual(0, n, path[0][n], path[0][n + 1], M, cost[0], out);
            worst = Math.max(worst, ...out.map(Math.abs));
          }
          expect(worst).toBe(residual);
          expect(worst).toBeLessThanOrEqual(
            1e-10 * (1 + Math.max(...path[0].map((u) => Math.max(...u.map(Math.abs))))),
          );
        },
      ),
      { numRuns, seed: 31 },
    );
  });

  test("on very fine grids rounding is not called a failure", async () => {
    const s = schemeOn(line(2048), { nu: 1, cost: "100*cos(2*pi*x)", steps: 4 });
    const m = crowdOn(s, 2);
    const u = await bestResponse(s, m);
    expect(u.status.text).toMatch(/^converged/);
    const w = await evaluatePolicy(s, feedbackPolicy(s, u.path, m), m);
    expect(w.status.text).toMatch(/^converged/);
    expect(w.path[0][0]).toAgree(u.path[0][0], { rtol: 0, atol: 1e-7 });
    expect((await transport(s, feedbackPolicy(s, u.path, m))).status.text).toMatch(/^converged/);
  });

  test("discrete comparison: a larger terminal or running cost never lowers the value", async () => {
    await fc.assert(
      fc.asyncProperty(anyCells(7), fc.integer(), fc.constantFrom(0.02, 0.5), async (c, seed, nu) => {
        const d = c.grid.dimension;
        const ends = [fieldOn(c, seed), fieldOn(c, seed + 1).map((v) => Math.max(v, 0))];
        const cellAt = new Map(
          Array.from({ length: c.grid.size }, (_, k) => [c.points.slice(k * d, k * d + d).join(), k]),
        );
        const at = (x: Float64Array) => cellAt.get(x.join()) ?? 0;
        const terminal = (sum: boolean) =>
          couplingLocal({ dimension: d, cost: (x) => ends[0][at(x)] + (sum ? ends[1][at(x)] : 0) });
        const [low, high] = [false, true].map((more) => schemeOn(c, { nu, terminal: terminal(more) }));
        const m = crowdOn(low, seed);
        const richer = m.map((p) => p.map((slab, n) => (n === 0 ? slab : slab.map((v) => 1.5 * v))));
        const [u, v, w] = [await bestResponse(low, m), await bestResponse(high, m), await bestResponse(low, richer)];
        for (let n = 0; n <= low.steps; n++) {
          for (let i = 0; i < c.grid.size; i++) {
            expect(v.path[0][n][i] - u.path[0][n][i]).toBeGreaterThanOrEqual(-1e-8);
            expect(w.path[0][n][i] - u.path[0][n][i]).toBeGreaterThanOrEqual(-1e-8);
          }
        }
      }),
      { numRuns, seed: 32 },
    );
  });

  test("a step that does not converge is named, with what to try", async () => {
    const s = schemeOn(line(32), { nu: 0.01, cost: "40*sin(2*pi*x)", steps: 2 });
    const failed = await bestResponse(s, crowdOn(s, 1), { maxIterations: 1 });
    expect(failed.status.converged).toBe(false);
    expect(failed.status.text).toMatch(
      /^stopped: value of crowd at step 1 \(t = 0\.5\): residual \S+ > \S+ after 1 Newton steps; use a monotone scheme \(upwind\), more steps in time, or raise tolerance$/,
    );
    const broken = gameScheme(s.problem, {
      points: 32,
      steps: 4,
      scheme: (h, c) => {
        const g = numericalHamiltonian(h, c);
        return {
          ...g,
          evaluate: (t, differences, m, out, order) => {
            g.evaluate(t, differences, m, out, order);
            out.value[5] = NaN;
          },
        };
      },
    });
    const nan = await bestResponse(broken, crowdOn(broken, 1));
    expect(nan.status.text).toBe(
      "stopped: value of crowd at step 3 (t = 0.75): the residual is NaN after 0 Newton steps; check the Hamiltonian and the costs for NaN",
    );
  });
});

describe("transport", () => {
  test("any cells, any upwind feedback: m ≥ 0, the step's equation, and without doors mass to 1e-14", async () => {
    await fc.assert(
      fc.asyncProperty(anyCells(7), fc.integer(), fc.constantFrom(0, 0.01, 0.5), async (c, seed, nu) => {
        const s = schemeOn(c, { nu });
        const slopes = Array.from({ length: s.steps }, (_, n) =>
          upwindSlopes(c, seed + 7 * n).map((a) => a.map((v) => 5 * v)),
        );
        const { path, status, balance } = await transport(
          s,
          policyOf(s, (n) => slopes[n]),
        );
        expect(status.converged).toBe(true);
        expect(balance).toBeLessThan(1e-11);
        const out = new Float64Array(c.grid.size);
        const rates = s.zeroRates();
        for (let n = 0; n < s.steps; n++) {
          slopes[n].forEach((a, j) => {
            const h = c.grid.axes[j >> 1].spacing;
            a.forEach((v, i) => {
              rates.link[j][i] = nu / h ** 2 + Math.abs(v) / h;
            });
          });
          const next = path[0][n + 1];
          s.densityResidual(0, n, path[0][n], next, rates, out);
          for (let i = 0; i < out.length; i++) {
            expect(next[i]).toBeGreaterThanOrEqual(0);
            expect(Math.abs(out[i])).toBeLessThan(1e-9);
          }
          if (c.doors.cell.length === 0) {
            const mass = massOf(s, s.initial[0]);
            expect(Math.abs(massOf(s, next) - mass)).toBeLessThanOrEqual(1e-14 * mass);
          }
        }
      }),
      { numRuns: 2 * numRuns, seed: 33 },
    );
  });

  test("tails stay positive where rounding of the large cells would drown them", async () => {
    const box = domain({ lower: [0, 0], upper: [1, 1], ends: "no-flux" });
    const problem = meanFieldGame({
      domain: box,
      horizon: 0.02,
      populations: {
        viscosity: 0.002,
        hamiltonian: hamiltonianQuadratic({ dimension: 2 }),
        initial: (x) => Math.exp(-200 * (x[0] ** 2 + x[1] ** 2)),
      },
      coupling: couplingLocal({ dimension: 2, cost: "0" }),
    });
    const s = gameScheme(problem, { points: 40, steps: 4, scheme: "upwind" });
    const none = s.cells.neighbour.map(() => new Float64Array(1600));
    const { path } = await transport(
      s,
      policyOf(s, () => none),
    );
    for (const slab of path[0]) for (const v of slab) expect(v).toBeGreaterThan(0);
    expect(Math.min(...path[0][4])).toBeLessThan(1e-17);
    expect(Math.abs(massOf(s, path[0][4]) / massOf(s, path[0][0]) - 1)).toBeLessThanOrEqual(1e-14);
  });
});

describe("mass", () => {
  test("is kept to 1e-14 over many steps on a large grid, at walls and obstacles", async () => {
    const room = domain({
      lower: [0, 0],
      upper: [1, 1],
      ends: ["no-flux", "periodic"],
      obstacle: (x) => Math.hypot(x[0] - 0.5, x[1] - 0.5) < 0.2,
    });
    const s = schemeOn(
      { domain: room, grid: { dimension: 2, shape: [64, 65] } as unknown as Cells["grid"] },
      { steps: 24 },
    );
    const slopes = upwindSlopes(s.cells, 5).map((a) => a.map((v) => 4 * v));
    const { path } = await transport(
      s,
      policyOf(s, () => slopes),
    );
    const mass = massOf(s, s.initial[0]);
    for (const m of path[0]) expect(Math.abs(massOf(s, m) - mass)).toBeLessThanOrEqual(1e-14 * mass);
  });
});

describe("policies", () => {
  test("the feedback of the best response costs what the best response says", async () => {
    await fc.assert(
      fc.asyncProperty(
        anyCells(6),
        fc.integer(),
        fc.constantFrom("implicit-euler" as const, "midpoint" as const),
        async (c, seed, time) => {
          const s = schemeOn(c, { nu: 0.2, time });
          const m = crowdOn(s, seed);
          const u = await bestResponse(s, m);
          const w = await evaluatePolicy(s, feedbackPolicy(s, u.path, m), m);
          expect(w.status.converged).toBe(true);
          u.path[0].forEach((slab, n) => {
            expect(w.path[0][n]).toAgree(slab, { rtol: 1e-8, atol: 1e-8 });
          });
        },
      ),
      { numRuns, seed: 34 },
    );
  });

  test("no policy beats the best response: exploitability ≥ 0, and > 0 for a poor one", async () => {
    await fc.assert(
      fc.asyncProperty(anyCells(6), fc.integer(), async (c, seed) => {
        const s = schemeOn(c, { nu: 0.1, cost: "m + 3*cos(4*x)" });
        const m = crowdOn(s, seed);
        const wrong = m.map((p, k) => p.map((_, n) => fieldOn(c, seed + 50 * k + n)));
        const policy = feedbackPolicy(s, wrong, m);
        const { values, bestResponse: best, cost } = await exploitability(s, policy, m);
        expect(values.length).toBe(1);
        expect(values[0]).toBeGreaterThan(1e-6);
        best.path[0].forEach((u, n) => {
          u.forEach((v, i) => {
            expect(cost.path[0][n][i] - v).toBeGreaterThanOrEqual(-1e-8);
          });
        });
      }),
      { numRuns, seed: 35 },
    );
  });

  test("at a discrete equilibrium exploitability is 0 and the game's residual vanishes: doors, two crowds with congestion, sources", async () => {
    const gated = meanFieldGame({
      domain: domain({
        lower: [0, 0],
        upper: [1, 1],
        ends: "no-flux",
        doors: [{ axis: 0, side: "upper", from: [0.2], to: [0.8], cost: -0.3 }],
        obstacle: (x) => Math.hypot(x[0] - 0.5, x[1] - 0.5) < 0.2,
      }),
      horizon: 0.5,
      populations: {
        viscosity: 0.5,
        hamiltonian: hamiltonianQuadratic({ dimension: 2 }),
        initial: "1.5 + sin(3*x)",
        densitySource: "0.3 + t*x",
        valueSource: "x*t",
      },
      coupling: couplingLocal({ dimension: 2, cost: "0.2*m + sin(3*y)" }),
    });
    const crowd = { viscosity: 0.3, hamiltonian: hamiltonianCongestion({ dimension: 1, exponent: 1 }) };
    const pair = meanFieldGame({
      domain: domain({ lower: [0], upper: [1] }),
      horizon: 0.5,
      populations: [
        { ...crowd, initial: "1 + 0.5*sin(2*pi*x)" },
        { ...crowd, initial: "1", viscosity: 0.4 },
      ],
      coupling: couplingLocal({ dimension: 1, populations: 2, cost: ["0.1*m1 + 0.2*m2", "0.2*m1 + cos(2*pi*x)"] }),
      terminal: couplingLocal({ dimension: 1, populations: 2, cost: ["0.1*m2", "sin(2*pi*x)"] }),
    });
    for (const [problem, points, time] of [
      [gated, [10, 12], "implicit-euler"],
      [pair, [24], "implicit-euler"],
      [pair, [24], "midpoint"],
    ] as const) {
      const s = gameScheme(problem, { points, steps: 5, scheme: "upwind", time });
      const N = s.steps;
      let m: Path = s.initial.map((m0) => Array.from({ length: N + 1 }, () => m0));
      let u = await bestResponse(s, m);
      const none = (await exploitability(s, feedbackPolicy(s, u.path, m), m)).values;
      for (const v of none) expect(Math.abs(v)).toBeLessThan(1e-9);
      let moved = Infinity;
      for (let i = 0; i < 60 && moved > 1e-12; i++) {
        const next = await transport(s, feedbackPolicy(s, u.path, m));
        expect(next.status.converged).toBe(true);
        moved = Math.max(
          ...next.path.flatMap((p, k) => p.flatMap((slab, n) => [...slab].map((v, i) => Math.abs(v - m[k][n][i])))),
        );
        m = next.path;
        u = await bestResponse(s, m, { initial: u.path, tolerance: 1e-12 });
      }
      expect(moved).toBeLessThanOrEqual(1e-12);
      const { values } = await exploitability(s, feedbackPolicy(s, u.path, m), m);
      expect(values.length).toBe(problem.populations.length);
      for (const v of values) expect(Math.abs(v)).toBeLessThan(1e-9);
      const x = s.unknowns({ cells: s.cells, times: s.times, value: u.path, density: m, ergodicConstant: null });
      const out = x.slice();
      s.residual(x, out);
      expect(Math.max(...out.map(Math.abs))).toBeLessThan(1e-9);
    }
  });

  test("what does not fit is refused", async () => {
    const s = schemeOn(line(8));
    const m = crowdOn(s, 1);
    const u = (await bestResponse(s, m)).path;
    expect(
      await messageOf(() =>
        bestResponse(
          s,
          m.map((p) => p.slice(1)),
        ),
      ),
    ).toBe(
      "bestResponse: m must hold 1 population of 5 slabs with 8 cells; got [1,4,8]. Give slabs of the same scheme.",
    );
    expect(await messageOf(() => transport(s, feedbackPolicy(s, u, m), { tolerance: 0 }))).toBe(
      "transport: tolerance must lie between 0 and 1; got 0. Use tolerance: 1e-10 to start.",
    );
    expect(await messageOf(() => bestResponse(s, m, { maxIterations: 0 }))).toBe(
      "bestResponse: maxIterations must be an integer ≥ 1; got 0. Use maxIterations: 40 to start.",
    );
    const stop = AbortSignal.abort(new Error("enough"));
    expect(await messageOf(() => bestResponse(s, m, { signal: stop }))).toBe("enough");
    expect(await messageOf(() => transport(s, feedbackPolicy(s, u, m), { signal: stop }))).toBe("enough");
  });
});
