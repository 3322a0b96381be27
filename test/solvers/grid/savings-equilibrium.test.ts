// Huggett's and Aiyagari's economies: refinement, exact balances of the scheme, optimality, the point mass at the borrowing limit against the
// stationary law in closed form, and comparative statics.
import { describe, expect, test } from "vitest";
import { aiyagari, huggett, type SavingsGame, type SavingsGameOptions, savingsGame } from "../../../problems/index.js";
import {
  type SavingsSolution,
  savingsEquilibrium,
  savingsNodes,
  savingsPolicy,
} from "../../../solvers/grid/savings-equilibrium.js";
import { mass } from "../../../src/grid/index.js";
import { banded, solveBanded } from "../../../src/linalg/index.js";
import { solve } from "../../../src/solve.js";

const run = (problem: SavingsGame, intervals: number): Promise<SavingsSolution> =>
  solve(problem, savingsEquilibrium({ points: intervals + 1 }));

const nodes = (p: SavingsGame, intervals: number): Float64Array => savingsNodes(p, intervals + 1);

describe("Huggett", () => {
  test("the interest rate converges with order 1 to 0.0361", async () => {
    // On 1000 equal intervals this scheme gives 0.0339, which is often quoted; nodes close to the limit tell that it is the grid's.
    const rates: number[] = [];
    for (const n of [125, 250, 500, 1000]) {
      const s = await run(huggett(), n);
      expect(s.status.converged).toBe(true);
      rates.push(s.interestRate);
    }
    const steps = rates.slice(1).map((r, k) => r - rates[k]);
    for (const k of [1, 2]) {
      const order = Math.log2(steps[k - 1] / steps[k]);
      expect(order).toBeGreaterThan(0.9);
      expect(order).toBeLessThan(1.05);
    }
    const once = rates.slice(1).map((r, k) => 2 * r - rates[k]);
    const twice = once.slice(1).map((r, k) => (4 * r - once[k]) / 3);
    expect(twice[1]).toAgree(0.0361, { atol: 2e-5 });
    expect(twice[0]).toAgree(twice[1], { atol: 2e-5 });
    const equal = savingsPolicy(
      huggett(),
      Float64Array.from({ length: 1001 }, (_, i) => -0.15 + (5.15 * i) / 1000),
      0.0339369,
      1,
    );
    expect(equal.meanWealth).toAgree(0, { atol: 1e-4 });
  });

  test("masses, incomes, savings and the goods market balance to round-off", async () => {
    const s = await run(huggett(), 400);
    const total = (of: (i: number, j: number) => number) =>
      s.masses.reduce((sum, g, j) => sum + g.reduce((part, m, i) => part + m * of(i, j), 0), 0);
    expect(total(() => 1)).toAgree(1, { rtol: 1e-13 });
    for (const [j, share] of s.problem.incomeShares.entries())
      expect(s.masses[j].reduce((a, b) => a + b)).toAgree(share, { rtol: 1e-11 });
    for (const g of s.masses) for (const m of g) expect(m).toBeGreaterThanOrEqual(0);
    // Nobody's wealth grows on average, so that what is consumed is what is earned.
    expect(total((i, j) => s.savings[j][i])).toAgree(0, { atol: 1e-12 });
    expect(total((i, j) => s.consumption[j][i])).toAgree(0.15 + s.interestRate * s.meanWealth, { rtol: 1e-11 });
    expect(s.meanWealth).toAgree(0, { atol: 1e-9 });
    expect(mass(s.density(0))).toAgree(1, { rtol: 1e-12 });
    expect(mass(s.density(0, 1))).toAgree(0.5, { rtol: 1e-11 });
  });

  test("values rise and are concave; the poor at the limit consume their income, the rich save", async () => {
    const s = await run(huggett(), 400);
    for (const j of [0, 1])
      for (let i = 1; i < 400; i++) {
        const [a, b, c] = [s.values[j][i - 1], s.values[j][i], s.values[j][i + 1]];
        expect(b).toBeGreaterThan(a);
        expect((c - b) / (s.wealth[i + 1] - s.wealth[i])).toBeLessThan((b - a) / (s.wealth[i] - s.wealth[i - 1]));
        expect(s.consumption[j][i]).toBeGreaterThanOrEqual(s.consumption[j][i - 1]);
        expect(s.consumption[1][i]).toBeGreaterThan(s.consumption[0][i]);
        expect(s.savings[0][i]).toBeLessThan(0);
      }
    expect(s.savings[0][0]).toBe(0);
    expect(s.consumption[0][0]).toAgree(0.1 - 0.15 * s.interestRate, { rtol: 1e-14 });
    expect(s.savings[1][0]).toBeGreaterThan(0);
    expect(s.velocity(0, Float64Array.of(-1, 0.3), 0)[0]).toAgree(0, { atol: 1e-15 });
    expect(s.value(0, Float64Array.of(s.wealth[7]), 1)[0]).toAgree(s.values[1][7], { rtol: 1e-12 });
  });

  test("the Euler equation holds, and savings leave the limit like a square root", () => {
    const p = huggett();
    const r = 0.03;
    const errors = [500, 1000, 2000].map((n) => {
      const wealth = nodes(p, n);
      const { consumption: c, savings: s } = savingsPolicy(p, wealth, r, 1);
      let worst = 0;
      for (const a of [0.1, 0.3, 0.8, 1.5]) {
        const i = wealth.findIndex((x) => x >= a);
        for (const j of [0, 1]) {
          const slope = (c[j][i + 1] - c[j][i - 1]) / (wealth[i + 1] - wealth[i - 1]);
          const ratio = (c[1 - j][i] / c[j][i]) ** -2;
          // c′σ = (c/s) (r − ρ + λ (U′(c_other)/U′(c) − 1)).
          worst = Math.max(worst, Math.abs(slope * s[j][i] - (c[j][i] / 2) * (r - 0.05 + 1.2 * (ratio - 1))));
        }
      }
      return worst;
    });
    expect(errors[2]).toBeLessThan(2e-4);
    expect(Math.log2(errors[0] / errors[2]) / 2).toBeGreaterThan(0.8);
    // σ₁ ≈ −√(2ν₁ (a − a̲)), ν₁ = ((ρ − r)U′(c₁) + λ(U′(c₁) − U′(c₂)))/(−U″(c₁)).
    const gaps = [500, 1000, 2000].map((n) => {
      const wealth = nodes(p, n);
      const { consumption: c, savings: s } = savingsPolicy(p, wealth, r, 1);
      const [c1, c2] = [c[0][0], c[1][0]];
      const nu = ((0.05 - r) * c1 ** -2 + 1.2 * (c1 ** -2 - c2 ** -2)) / (2 * c1 ** -3);
      return 1 + s[0][10] / Math.sqrt(2 * nu * (wealth[10] - wealth[0]));
    });
    expect(gaps[2]).toBeLessThan(0.02);
    expect(Math.log2(gaps[0] / gaps[2]) / 2).toBeGreaterThan(0.9);
  });

  test("no other policy is better", () => {
    const p = huggett();
    const n = 300;
    const wealth = nodes(p, n);
    const best = savingsPolicy(p, wealth, 0.03, 1);
    const deviations: ((a: number, j: number) => number)[] = [
      () => 1.05,
      () => 0.95,
      (a) => 1 + 0.1 * Math.sin(5 * a),
      (_a, j) => (j === 0 ? 0.9 : 1.02),
    ];
    for (const deviate of deviations) {
      const matrix = banded(2 * (n + 1), 2);
      const rhs = new Float64Array(2 * (n + 1));
      for (let i = 0; i <= n; i++)
        for (const j of [0, 1]) {
          const y = p.incomes[j] + 0.03 * wealth[i];
          let c = best.consumption[j][i] * deviate(wealth[i], j);
          if (i === 0) c = Math.min(c, y);
          if (i === n) c = Math.max(c, y);
          const q = 2 * i + j;
          const up = Math.max(y - c, 0) / ((wealth[i + 1] ?? Infinity) - wealth[i]);
          const down = Math.max(c - y, 0) / (wealth[i] - (wealth[i - 1] ?? -Infinity));
          matrix.values[q * 5 + 2] = 0.05 + up + down + 1.2;
          matrix.values[q * 5 + 4] -= up;
          matrix.values[q * 5] -= down;
          matrix.values[q * 5 + (j === 0 ? 3 : 1)] -= 1.2;
          rhs[q] = -1 / c;
        }
      const v = solveBanded(matrix, rhs);
      for (let i = 0; i <= n; i++)
        for (const j of [0, 1]) expect(v[2 * i + j]).toBeLessThanOrEqual(best.values[j][i] + 1e-9);
      expect(best.values[0][50] - v[100]).toBeGreaterThan(1e-4);
    }
  });

  test("the point mass at the limit agrees with the stationary law in closed form", () => {
    // σ₁g₁ + σ₂g₂ = 0 and σ₂g₂ = C exp(−∫(λ/σ₁ + λ/σ₂)); the point mass feeds the flux at a̲: λ M₁ = C.
    const p = huggett();
    const found = [500, 1000, 2000].map((n) => {
      const wealth = nodes(p, n);
      const { savings: s, masses } = savingsPolicy(p, wealth, 0.03, 1);
      let exponent = 0;
      let flux = 1;
      let inside = 0;
      // The law ends where σ₂ = 0.
      for (let i = 0; i < n && s[1][i + 1] > 0; i++) {
        const h = wealth[i + 1] - wealth[i];
        const rich = (2 * h) / (s[1][i] + s[1][i + 1]);
        // ∫ da/σ₁ over an interval on which σ₁² is linear.
        const poor = (2 * h) / (s[0][i] + s[0][i + 1]);
        const before = flux;
        exponent += 1.2 * (poor + rich);
        flux = Math.exp(-exponent);
        inside += 0.5 * (before + flux) * (rich - poor);
      }
      // With C = 1 the point mass is 1/λ.
      return { mass: masses[0][0], closed: 1 / (1 + 1.2 * inside) };
    });
    const limit = (of: (f: (typeof found)[0]) => number) => {
      const once = [1, 2].map((k) => 2 * of(found[k]) - of(found[k - 1]));
      return (4 * once[1] - once[0]) / 3;
    };
    expect(limit((f) => f.mass)).toAgree(
      limit((f) => f.closed),
      { rtol: 1e-2 },
    );
    expect(limit((f) => f.closed)).toAgree(0.0154, { atol: 1e-4 });
  });

  test("agents who follow the policy end in the stationary law", async () => {
    const s = await run(huggett({ horizon: 60 }), 1000);
    const paths = s.trajectories({ count: 1500, steps: 6, seed: 11 });
    const mean = (k: number) => paths.positions.subarray(k * 1500, (k + 1) * 1500).reduce((a, b) => a + b) / 1500;
    let variance = 0;
    for (let i = 0; i < s.wealth.length; i++) variance += (s.masses[0][i] + s.masses[1][i]) * s.wealth[i] ** 2;
    const error = Math.sqrt(variance / 1500);
    // Four standard errors at the start; later also the scheme's own diffusion, of first order in its spacing.
    expect(Math.abs(mean(0) - s.meanWealth)).toBeLessThan(4 * error);
    expect(Math.abs(mean(6) - s.meanWealth)).toBeLessThan(4 * error + 0.02);
    for (const a of paths.positions) expect(a).toBeGreaterThanOrEqual(-0.15);
    expect(paths.positions).toEqual(s.trajectories({ count: 1500, steps: 6, seed: 11 }).positions);
  });

  test("comparative statics: looser credit raises r, more risk lowers it, with little risk r is next to ρ", async () => {
    const base = (await run(huggett(), 300)).interestRate;
    expect((await run(huggett({ borrowingLimit: -0.3 }), 300)).interestRate).toBeGreaterThan(base);
    expect((await run(huggett({ incomes: [0.05, 0.25] }), 300)).interestRate).toBeLessThan(base);
    const safe = (await run(huggett({ incomes: [0.14, 0.16] }), 300)).interestRate;
    expect(safe).toBeGreaterThan(0.048);
    expect(safe).toBeLessThan(0.05);
    const logarithmic = await run(huggett({ riskAversion: 1 }), 300);
    expect(logarithmic.interestRate).toBeGreaterThan(base);
  });
});

describe("Aiyagari", () => {
  test("capital clears, prices are marginal products, r < ρ, order 1", async () => {
    const rates: number[] = [];
    for (const n of [250, 500, 1000]) {
      const s = await run(aiyagari(), n);
      const perHead = s.meanWealth;
      expect(s.interestRate).toAgree(0.35 * perHead ** -0.65 - 0.1, { atol: 1e-8 });
      expect(s.wage).toAgree(0.65 * perHead ** 0.35, { rtol: 1e-8 });
      rates.push(s.interestRate);
    }
    expect(rates[2]).toBeLessThan(0.05);
    const order = Math.log2((rates[1] - rates[0]) / (rates[2] - rates[1]));
    expect(order).toBeGreaterThan(0.8);
    expect(order).toBeLessThan(1.2);
    expect(2 * rates[2] - rates[1]).toAgree(2 * rates[1] - rates[0], { atol: 1e-4 });
  });

  test("three incomes", async () => {
    const s = await run(
      aiyagari({
        incomes: [0.5, 1, 1.5],
        rates: [
          [0, 0.4, 0],
          [0.2, 0, 0.2],
          [0, 0.4, 0],
        ],
      }),
      300,
    );
    expect(s.problem.incomeShares).toAgree([0.25, 0.5, 0.25], { rtol: 1e-14 });
    expect(s.status.converged).toBe(true);
    expect(s.masses[1].reduce((a, b) => a + b)).toAgree(0.5, { rtol: 1e-10 });
  });
});

test("bad input is refused in words, and a cap that binds is reported", async () => {
  const message = (make: () => unknown): string => {
    try {
      make();
    } catch (error) {
      return (error as Error).message;
    }
    return "accepted";
  };
  const base: SavingsGameOptions = {
    riskAversion: 2,
    discount: 0.05,
    incomes: [1, 2],
    rates: [
      [0, 1],
      [1, 0],
    ],
    borrowingLimit: 0,
    largestWealth: 10,
  };
  const market = { kind: "capital", share: 0.3, depreciation: 0.1, productivity: 1 } as const;
  expect([
    message(() => savingsGame({ ...base, riskAversion: 0 })),
    message(() => savingsGame({ ...base, incomes: [2, 1] })),
    message(() => savingsGame({ ...base, rates: [[0, 1]] })),
    message(() =>
      savingsGame({
        ...base,
        rates: [
          [0, 1],
          [0, 0],
        ],
      }),
    ),
    message(() => savingsGame({ ...base, largestWealth: 0 })),
    message(() => savingsGame({ ...base, market: { kind: "bonds", supply: 20 } })),
    message(() => savingsGame({ ...base, market: { ...market, share: 1 } })),
    message(() => savingsGame({ ...base, market: { ...market, depreciation: 0 } })),
    message(() => savingsEquilibrium({ points: 4 })),
    message(() => savingsEquilibrium({ tolerance: 0 })),
    message(() => savingsEquilibrium({ maxIterations: 0 })),
    message(() => savingsPolicy(huggett({ borrowingLimit: -4 }), nodes(huggett({ borrowingLimit: -4 }), 20), 0.03, 1)),
    savingsEquilibrium().handles({ ...huggett(), kind: "proximal-flow" } as unknown as SavingsGame),
  ]).toMatchInlineSnapshot(`
    [
      "savingsGame: riskAversion must be finite and > 0; got 0. Use riskAversion: 2.",
      "savingsGame: incomes must be two or more increasing numbers > 0; got [2,1]. Use incomes: [0.1, 0.2].",
      "savingsGame: rates must be 2 rows of 2 finite rates ≥ 0; got [[0,1]]. Use rates: [[0, 1.2], [1.2, 0]].",
      "savingsGame: rates must lead from every income to every other; got [[0,1],[0,0]]. Raise a rate above 0.",
      "savingsGame: borrowingLimit must be finite and below largestWealth; got [0,0]. Use borrowingLimit: −0.15, largestWealth: 5.",
      "savingsGame: market.supply must lie between the borrowing limit and the largest wealth; got 20. Use supply: 0.",
      "savingsGame: market.share must lie between 0 and 1; got 1. Use share: 0.35.",
      "savingsGame: market.depreciation must be finite and > 0; got 0. Use depreciation: 0.1.",
      "savingsEquilibrium: points must be an integer ≥ 10; got 4. Use points: 500 to start.",
      "savingsEquilibrium: tolerance must lie between 0 and 1; got 0. Use tolerance: 1e-10 to start.",
      "savingsEquilibrium: maxIterations must be an integer ≥ 1; got 0. Use maxIterations: 100.",
      "savingsEquilibrium: the lowest income at the borrowing limit must be > 0 at r = 0.03; got -0.01999999999999999. Raise the borrowing limit above the natural one, −w z₁/r.",
      "it solves savings games, not proximal-flow problems; use a solver of that family",
    ]
  `);
  const s = await run(huggett(), 100);
  expect([message(() => s.density(60)), message(() => s.density(0, 2))]).toMatchInlineSnapshot(`
    [
      "solution: t must lie in [0, 50]; got 60. Ask for a time between start and horizon.",
      "solution: k must be an income 0 … 1; got 2. Leave it out for the first.",
    ]
  `);
  const capped = await solve(huggett({ largestWealth: 0.3 }), savingsEquilibrium({ points: 100 }), {
    onFailure: "return",
  });
  expect(capped.status.converged).toBe(false);
  expect(capped.status.text).toMatch(/^[\d.e-]+ of the agents stand at the largest wealth; raise largestWealth$/);
  const short = await solve(huggett(), savingsEquilibrium({ points: 100, maxIterations: 3 }), { onFailure: "return" });
  expect(short.status.text).toMatch(
    /^stalled: excess demand -?[\d.e-]+ at r = [\d.]+ after 3 interest rates; raise maxIterations or points$/,
  );
});
