import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Problem } from "../../src/problem.js";
import type { Solution } from "../../src/solution/index.js";
import type { Solver } from "../../src/solver.js";
import { convergence, formatConvergence, judge, type Law, orderOf, verify } from "../../src/verify/index.js";

const law = (over: Partial<Law<number>>): Law<number> => ({
  name: "size",
  statement: "x ≤ 1",
  relation: "≤",
  bound: 1,
  measure: (x) => ({ value: x, standardError: null }),
  ...over,
});

describe("judge", () => {
  it("holds up to the bound, fails above it and on NaN", async () => {
    expect((await judge(law({}), 1)).holds).toBe(true);
    expect((await judge(law({}), 1.0001)).holds).toBe(false);
    expect((await judge(law({}), Number.NaN)).holds).toBe(false);
    expect((await judge(law({ relation: "≥" }), 0.5)).holds).toBe(false);
    expect((await judge(law({ bound: null }), Infinity)).holds).toBe(false);
  });
  it("does not judge without a bound, nor what could not be measured", async () => {
    expect(await judge(law({ bound: null }), 3)).toMatchObject({ value: 3, holds: null });
    expect(await judge(law({ measure: () => "no critic" }), 3)).toMatchObject({
      value: null,
      holds: null,
      note: "no critic",
    });
  });
});

const toy = (size: number): Problem =>
  ({
    kind: "toy",
    name: "toy",
    dimension: 1,
    horizon: 1,
    wellPosedness: () => ({ wellPosed: true, reasons: [] }),
    describe: () => ({ size }),
    size,
  }) as unknown as Problem;

const solver = (error: (n: number) => number, n: number): Solver<Problem, Solution> => ({
  name: "toy",
  family: "grid",
  order: 2,
  references: [],
  options: {},
  handles: () => true,
  solve: async (problem) =>
    ({ problem, error: error(n), status: { converged: true, text: "" } }) as unknown as Solution,
});

describe("convergence", () => {
  it("finds the order and level of a known error", async () => {
    const table = await convergence((n) => solver((m) => 3 / m ** 2, n), toy(1), {
      resolutions: [8, 16, 32],
      errors: (s) => ({ u: (s as unknown as { error: number }).error }),
    });
    expect(table.columns[0].order).toAgree(2, { atol: 1e-12 });
    expect(table.columns[0].localOrders[2]).toAgree(2, { atol: 1e-12 });
    expect(table.columns[0].level).toAgree(3 / 1024, { rtol: 1e-12 });
    expect(formatConvergence(table)).toMatchInlineSnapshot(`
      "    n        u  order
          8  4.69e-2      –
         16  1.17e-2   2.00
         32  2.93e-3   2.00
      slope            2.00"
    `);
  });
  it("has no order for an error of zero, and refuses one resolution", async () => {
    expect(orderOf([1, 2], [0, 0])).toBeNaN();
    await expect(
      convergence((n) => solver(() => 1, n), toy(1), { resolutions: [8], errors: () => ({}) }),
    ).rejects.toThrow(
      "convergence: resolutions must be two or more increasing positive numbers; got [8]. Use resolutions: [32, 64, 128].",
    );
  });
});

describe("verify", () => {
  const sizes = fc.integer({ min: 0, max: 1000 }).map(toy);
  const size: Law<Solution> = {
    name: "size",
    statement: "size ≤ 100",
    relation: "≤",
    bound: 100,
    measure: (s) => ({ value: (s.problem as unknown as { size: number }).size, standardError: null }),
  };

  it("shrinks to the simplest failing problem and replays it by seed and path", async () => {
    const report = await verify(
      solver(() => 0, 1),
      sizes,
      { laws: [size], seed: 1, runs: 50 },
    );
    expect(report.passed).toBe(false);
    expect(report.counterexample?.problem).toEqual({ size: 101 });
    expect(report.counterexample?.failure).toBe("size: 101 must be ≤ 100");
    const again = await verify(
      solver(() => 0, 1),
      sizes,
      { laws: [size], seed: 1, path: report.counterexample!.path, runs: 50 },
    );
    expect(again.counterexample?.problem).toEqual({ size: 101 });
    expect(again.runs).toBeLessThan(report.runs);
  });

  it("passes when every law holds, and counts what it measured", async () => {
    const report = await verify(
      solver(() => 0, 1),
      sizes,
      { laws: [{ ...size, bound: 1000 }], seed: 1, runs: 20 },
    );
    expect(report).toMatchObject({ passed: true, runs: 20, counterexample: null });
    expect(report.laws[0]).toMatchObject({ held: 20, failed: 0, unmeasured: 0 });
  });

  it("refuses no laws and no runs", async () => {
    await expect(
      verify(
        solver(() => 0, 1),
        sizes,
        { laws: [] },
      ),
    ).rejects.toThrow("verify: laws must hold at least one law; got 0. Use laws: flowLaws().");
    await expect(
      verify(
        solver(() => 0, 1),
        sizes,
        { laws: [size], runs: 0 },
      ),
    ).rejects.toThrow("verify: runs must be an integer ≥ 1; got 0. Use runs: 25 to start.");
  });
});
