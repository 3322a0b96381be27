import { describe, expect, test } from "vitest";
import {
  couplingCapacity,
  couplingLocal,
  ergodicTorus,
  evacuation,
  hamiltonianQuadratic,
  manufacturedTorus,
  meanFieldGame,
  torusCrowd,
  twoCrowds,
} from "../../../../problems/index.js";
import { newton } from "../../../../solvers/grid/game/newton.js";
import { fictitiousPlay, picard } from "../../../../solvers/grid/index.js";
import { domain, integrate } from "../../../../src/grid/index.js";
import { distances, history } from "../agreement.js";
import { context } from "../slabs.js";

const line = { points: 32, steps: 32 } as const;
const plane = { points: 12, steps: 12 } as const;

describe("rates of convergence", () => {
  test("the mean of all answers: exploitability falls like 1/k, and at every step", async () => {
    for (const viscosity of [0.3, 0.1]) {
      const solution = await fictitiousPlay({ ...line, tolerance: 1e-6, maxIterations: 60 }).solve(
        torusCrowd({ dimension: 1, viscosity }),
        context(),
      );
      const gains = history(solution, "exploitability");
      // gains[j] belongs to iteration j + 1: the start is nobody's answer.
      const late = gains.map((e, j) => [Math.log(j + 1), Math.log(e)]).filter((_, j) => j >= 9);
      const mean = (a: number) => late.reduce((sum, p) => sum + p[a], 0) / late.length;
      const [mx, my] = [mean(0), mean(1)];
      const slope =
        late.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0) / late.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
      expect(slope).toBeGreaterThan(-1.15);
      expect(slope).toBeLessThan(-0.85);
      for (let j = 1; j < gains.length; j++) expect(gains[j]).toBeLessThan(gains[j - 1]);
      expect(gains[59]).toBeLessThan(viscosity === 0.3 ? 2e-3 : 2e-2);
      expect(solution.status.converged).toBe(false);
      const rates = history(solution, "rate");
      expect(rates.slice(0, 4)).toAgree([1, 1 / 2, 1 / 3, 1 / 4], { rtol: 1e-14 });
    }
  });

  test("the line search beats it by orders of magnitude, and a constant rate is geometric until it stalls in itself", async () => {
    const problem = torusCrowd({ dimension: 1 });
    const options = { ...line, tolerance: 1e-6, maxIterations: 25 };
    const [harmonic, searched, constant] = await Promise.all(
      (["harmonic", "line-search", 0.4] as const).map((rate) =>
        fictitiousPlay({ ...options, rate }).solve(problem, context()),
      ),
    );
    expect(searched.status.converged).toBe(true);
    expect(searched.exploitability?.[0]).toBeLessThan(1e-9);
    expect(harmonic.exploitability?.[0]).toBeGreaterThan(1e-3);
    const residuals = history(constant, "residual");
    expect(residuals[12] / residuals[6]).toBeLessThan(0.05);
    const objective = history(searched, "exploitability");
    for (let j = 1; j < objective.length; j++) expect(objective[j]).toBeLessThan(1.05 * objective[j - 1] + 1e-10);
  });

  test("exploitability from the books is that of the linear cost equation", async () => {
    // After one full step the mixture is the first answer alone, whose exploitability picard measures by evaluating the policy.
    for (const [problem, grid] of [
      [torusCrowd({ dimension: 1 }), line],
      [torusCrowd(), plane],
      [twoCrowds({ viscosity: 0.1 }), line],
    ] as const) {
      const booked = await fictitiousPlay({ ...grid, maxIterations: 1 }).solve(problem, context());
      const measured = await picard({ ...grid, damping: 1, anderson: 1, maxIterations: 1 }).solve(problem, context());
      expect(history(booked, "exploitability")[0]).toAgree(history(measured, "exploitability")[0], {
        rtol: 1e-7,
        atol: 1e-9,
      });
      expect(booked.exploitability).toHaveLength(problem.populations.length);
    }
  });
});

describe("agreement with newton", () => {
  const cases = [
    {
      name: "P3 in 1-D",
      problem: torusCrowd({ dimension: 1 }),
      options: { ...line, rate: "line-search" },
      bound: 1e-5,
    },
    {
      name: "2-D, ν = 1",
      problem: torusCrowd({ viscosity: 1 }),
      options: { ...plane, rate: "line-search" },
      bound: 1e-5,
    },
    { name: "P16, sources", problem: manufacturedTorus(), options: { ...line, rate: 0.5 }, bound: 1e-5 },
    {
      name: "two populations",
      problem: twoCrowds({ viscosity: 0.1 }),
      options: { ...line, rate: "line-search" },
      bound: 1e-5,
    },
    {
      name: "congestion with doors",
      problem: evacuation({ viscosity: 0.2 }),
      options: { points: 16, steps: 10, rate: 0.5 },
      bound: 2e-5,
    },
  ] as const;
  for (const { name, problem, options, bound } of cases)
    test(name, async () => {
      const { rate: _, ...grid } = options;
      const reference = await newton({ ...grid, tolerance: 1e-9 }).solve(problem, context());
      const solution = await fictitiousPlay({ ...options, tolerance: 1e-6 }).solve(problem, context());
      expect(solution.status.converged).toBe(true);
      expect(distances(solution, reference).density).toBeLessThan(bound);
      expect(distances(solution, reference).value).toBeLessThan(bound);
      const counted =
        problem.populations[0].densitySource === null && !problem.populations[0].hamiltonian.dependsOnMass;
      if (counted) for (const gain of solution.exploitability ?? [NaN]) expect(Math.abs(gain)).toBeLessThan(1e-8);
      else expect(solution.exploitability).toBeNull();
      for (const slabs of solution.fields.density)
        for (const m of slabs) {
          expect(m.reduce((least, v) => Math.min(least, v), Infinity)).toBeGreaterThanOrEqual(0);
          if (counted)
            expect(integrate(solution.fields.cells.grid, m)).toAgree(integrate(solution.fields.cells.grid, slabs[0]), {
              rtol: 1e-13,
            });
        }
    });
});

describe("what it says and refuses", () => {
  const curled = meanFieldGame({
    domain: domain({ lower: [0], upper: [1] }),
    populations: [1, 2].map((n) => ({
      name: `crowd-${n}`,
      viscosity: 0.3,
      hamiltonian: hamiltonianQuadratic({ dimension: 1 }),
      initial: 1,
    })),
    coupling: couplingLocal({ dimension: 1, populations: 2, cost: ["m1 + m2", "m2 - m1"] }),
  });

  test("stalls with advice", async () => {
    const run = async (rate: "harmonic" | number) =>
      (await fictitiousPlay({ ...line, rate, maxIterations: 2 }).solve(torusCrowd({ dimension: 1 }), context())).status
        .text;
    expect(await run("harmonic")).toMatchInlineSnapshot(
      `"stalled: residual 0.058 after 2 fictitious play iterations; it falls like 1/k: use rate: "line-search" or newton()"`,
    );
    expect(await run(0.5)).toMatchInlineSnapshot(
      `"stalled: residual 0.058 after 2 fictitious play iterations; use newton() or raise viscosity"`,
    );
  });

  test("stops where the crowd leaves the range of the coupling", async () => {
    const problem = meanFieldGame({
      domain: domain({ lower: [0], upper: [1] }),
      populations: { viscosity: 0.02, hamiltonian: hamiltonianQuadratic({ dimension: 1 }), initial: 1 },
      coupling: couplingCapacity({ dimension: 1, capacity: 1.3, weight: 0.1, cost: "4*cos(2*pi*x)" }),
    });
    const solution = await fictitiousPlay(line).solve(problem, context());
    expect(solution.status.text).toMatchInlineSnapshot(
      `"stopped after 1 fictitious play iteration: the crowd leaves the range of the coupling; use newton() or raise viscosity"`,
    );
    expect(solution.counts.equationResidual).toBeUndefined();
  });

  test("a line search on a game without a potential, or with sources; both ends; ergodic games", () => {
    expect(curled.isPotential).toBe(false);
    expect(fictitiousPlay({ rate: "line-search" }).handles(curled)).toMatchInlineSnapshot(
      `"the line search needs a potential game; use rate: "harmonic""`,
    );
    expect(fictitiousPlay({ rate: "line-search" }).handles(manufacturedTorus())).toMatchInlineSnapshot(
      `"the line search needs games without sources of mass; use rate: "harmonic""`,
    );
    expect(fictitiousPlay().handles(curled)).toBe(true);
    const planning = meanFieldGame({
      domain: domain({ lower: [0], upper: [1] }),
      mode: "planning",
      populations: { viscosity: 1, hamiltonian: hamiltonianQuadratic({ dimension: 1 }), initial: 1, final: 1 },
      coupling: couplingLocal({ dimension: 1, cost: "m" }),
    });
    expect(fictitiousPlay().handles(planning)).toMatchInlineSnapshot(
      `"fictitious play cannot prescribe both ends: its crowd goes where the agents want; use newton()"`,
    );
    expect(fictitiousPlay().handles(ergodicTorus())).toMatchInlineSnapshot(`"it is for games in time; use ergodic()"`);
  });

  test("options out of range", async () => {
    expect(() => fictitiousPlay({ rate: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: fictitiousPlay: rate must be "harmonic", "line-search" or a number in (0, 1]; got 0. Use rate: "harmonic".]`,
    );
    expect(() => fictitiousPlay({ rate: "fast" as "harmonic" })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: fictitiousPlay: rate must be "harmonic", "line-search" or a number in (0, 1]; got "fast". Use rate: "harmonic".]`,
    );
    await expect(
      fictitiousPlay({ rate: "line-search" }).solve(curled, context()),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: fictitiousPlay: problem must be one that this solver handles; got "mean-field-game". the line search needs a potential game; use rate: "harmonic".]`,
    );
  });
});
