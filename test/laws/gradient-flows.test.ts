// The laws of gradient flows on random problems, solver by solver, of pairs of flows, and of the exact discriminators on random clouds.
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { energy, type GradientFlow, gradientFlow, power, randomGradientFlow } from "../../problems/index.js";
import { jko, lipschitzFlow, particleGradientFlow, porousMedium } from "../../solvers/index.js";
import { UsageError } from "../../src/error.js";
import { cells, domain } from "../../src/grid/index.js";
import {
  alphaDivergence,
  type Cloud,
  cloud,
  jensenShannon,
  kullbackLeibler,
  reverseKullbackLeibler,
} from "../../src/measure/index.js";
import type { DescentSolution, Solution } from "../../src/solution/index.js";
import { solve } from "../../src/solve.js";
import type { Solver } from "../../src/solver.js";
import { cellCritic, linearCost, lipschitzDivergenceOnLine, semiRelaxedTransport } from "../../src/transport/index.js";
import {
  arbitraryCloud,
  arbitraryGradientFlow,
  arbitraryNumber,
  comparisonLaw,
  contractionLaw,
  type DescentLike,
  type DescentPair,
  type Discriminator,
  type DiscriminatorBounds,
  type DiscriminatorCase,
  descentLaws,
  discriminatorLaws,
  flowFamilies,
  type GradientFlowChoice,
  judge,
  judgeAll,
  type RandomGradientFlow,
} from "../../src/verify/index.js";

const thorough = process.env.LAWS === "thorough";
const numRuns = thorough ? 500 : 25;
const seed = 6;
/** An hour for five hundred runs. */
const timeout = thorough ? 3_600_000 : 60_000;

const simplest: RandomGradientFlow = {
  name: "simplest",
  family: "energy",
  dimension: 1,
  ends: "no-flux",
  horizon: 0.25,
  exponent: 2,
  potential: 0,
  interaction: 0,
  start: 0.5,
  alpha: 1,
  lipschitz: 1,
  shift: 1,
  spread: 0.75,
};

describe("random gradient flows", () => {
  it("come in every family, with a description in JSON, and none is ill-posed", () => {
    for (const family of flowFamilies)
      for (const dimension of [1, 2]) {
        const problem = randomGradientFlow({ ...simplest, family, dimension });
        expect(problem.wellPosedness().wellPosed).not.toBe(false);
        expect(JSON.parse(JSON.stringify(problem.describe())).kind).toBe("gradient-flow");
      }
  });
  it("shrink to the heat flow of one wave on a circle", async () => {
    const anything = arbitraryGradientFlow((o) => o);
    const { counterexample } = await fc.check(
      fc.property(anything, () => false),
      { seed },
    );
    expect(counterexample?.[0]).toMatchObject({
      ...simplest,
      name: "random-gradient-flow",
      ends: "periodic",
      exponent: 1,
    });
  });
});

describe("solvers of gradient flows keep their laws", () => {
  const table: readonly [string, Solver<GradientFlow>, GradientFlowChoice][] = [
    ["porous medium, implicit", porousMedium({ points: 16, steps: 32 }), { families: ["energy", "relative"] }],
    [
      "porous medium, second order",
      porousMedium({ points: 16, steps: 32, scheme: "second-order" }),
      { families: ["energy"], dimensions: [1] },
    ],
    ["Lipschitz flow", lipschitzFlow({ points: 16 }), { families: ["divergence", "w1"] }],
    [
      "minimising movements",
      jko({ points: 16, tolerance: 1e-6 }),
      { families: ["energy", "w2"], dimensions: [1], ends: ["no-flux"] },
    ],
    ["particles", particleGradientFlow({ count: 40, targetCount: 30, steps: 10 }), { families: ["divergence", "w1"] }],
  ];
  for (const [name, solver, choice] of table)
    test.prop([arbitraryGradientFlow(randomGradientFlow, choice)], { numRuns, seed })(
      name,
      async (problem) => {
        const solution = (await solve(problem, solver, { seed: 1 })) as Solution as DescentSolution<DescentLike>;
        const verdicts = await judgeAll(descentLaws(), solution, { seed: 1, count: 128 });
        expect(verdicts.filter((v) => v.holds === false)).toEqual([]);
      },
      timeout,
    );
});

describe("pairs of porous-medium flows", () => {
  const two = async (make: (k: 0 | 1) => GradientFlow): Promise<DescentPair> => {
    const solver = porousMedium({ points: 32, steps: 10, tolerance: 1e-12 });
    return [await solve(make(0), solver), await solve(make(1), solver)] as unknown as DescentPair;
  };
  const common = { domain: domain({ lower: [-3], upper: [3], ends: ["no-flux"] }), horizon: 0.5 };
  const wells = fc.record({
    m: arbitraryNumber(1.25, 3, 2),
    lambda: arbitraryNumber(0.25, 3, 1),
    left: arbitraryNumber(-1.5, 0, -1),
    right: arbitraryNumber(0, 1.5, 1),
    width: arbitraryNumber(0.25, 1, 0.5),
  });
  test.prop([wells], { numRuns, seed })(
    "λ-convex energies contract",
    async ({ m, lambda, left, right, width }) => {
      const pair = await two((k) =>
        gradientFlow({
          ...common,
          energy: energy({ dimension: 1, internal: power(m), potential: `${lambda}*x^2/2`, convexity: lambda }),
          initial: `exp(-((x - ${k === 0 ? left : right})/${k === 0 ? width : 0.5})^2)`,
        }),
      );
      expect((await judge(contractionLaw(), pair)).holds).not.toBe(false);
    },
    timeout,
  );
  const slopes = fc.record({
    m: arbitraryNumber(1.25, 4, 2),
    tilt: arbitraryNumber(-2, 2, 0),
    more: arbitraryNumber(0, 2, 1),
  });
  test.prop([slopes], { numRuns, seed })(
    "ordered starts stay ordered",
    async ({ m, tilt, more }) => {
      const pair = await two((k) =>
        gradientFlow({
          ...common,
          energy: energy({ dimension: 1, internal: power(m), potential: `${tilt}*x` }),
          initial: `0.1 + exp(-4*x^2) + ${k * more}*exp(-9*(x - 1)^2)`,
          mass: null,
        }),
      );
      expect(await judge(comparisonLaw(), pair)).toMatchObject({ holds: true });
    },
    timeout,
  );
});

describe("discriminators keep their laws", () => {
  const divergence = fc.constantFrom(
    kullbackLeibler(),
    alphaDivergence(2),
    alphaDivergence(0.5),
    reverseKullbackLeibler(),
    jensenShannon(),
    alphaDivergence(5),
  );
  const lipschitz = arbitraryNumber(0.0625, 4, 1);
  const byEngine: Discriminator = async (source, target, f, L) => {
    const { objective } = await semiRelaxedTransport({ source, target, cost: linearCost(L), divergence: f });
    return objective.dual as number;
  };
  const bySlopes: Discriminator = (source, target, f, L) =>
    lipschitzDivergenceOnLine(source, target, f, L, { tolerance: 1e-8 }).objective.dual as number;
  const hold = async (subject: DiscriminatorCase, bounds: Partial<DiscriminatorBounds> = {}) => {
    const verdicts = await judgeAll(discriminatorLaws(bounds), subject);
    expect(verdicts.filter((v) => v.holds === false)).toEqual([]);
  };

  for (const [name, discriminator, dimension] of [
    ["engine on the line", byEngine, 1],
    ["engine in the plane", byEngine, 2],
    ["slopes", bySlopes, 1],
  ] as const) {
    const aCloud = arbitraryCloud({ dimensions: [dimension], count: [2, 8] });
    test.prop([aCloud, aCloud, divergence, lipschitz], { numRuns, seed })(
      `${name}, any two clouds`,
      (source, target, f, L) => hold({ discriminator, source, target, divergence: f, lipschitz: L }),
      timeout,
    );
    const uneven = fc.array(arbitraryNumber(0.125, 1, 1), { minLength: 8, maxLength: 8 });
    test.prop([aCloud, uneven, divergence, lipschitz], { numRuns, seed })(
      `${name}, common support`,
      (target, raw, f, L) => {
        const masses = raw.slice(0, target.count);
        const sum = masses.reduce((s, v) => s + v, 0);
        const source = cloud(
          target.points,
          dimension,
          masses.map((v) => v / sum),
        );
        return hold({ discriminator, source, target, divergence: f, lipschitz: L });
      },
      timeout,
    );
  }

  const cut = cells(domain({ lower: [-2], upper: [2], ends: ["no-flux"] }), 12);
  const massesOf = (c: Cloud): Float64Array => {
    const out = new Float64Array(cut.grid.size);
    for (let i = 0; i < c.count; i++) {
      const k = cut.points.findIndex((x) => Math.abs(x - c.points[i]) < 1e-9);
      if (k < 0) throw new UsageError("the cloud must lie on the centres of the cells");
      out[k] += (c.weights as Float64Array)[i];
    }
    return out;
  };
  const onCells: Discriminator = async (source, target, f, L) => {
    const plan = cellCritic({
      cells: cut,
      target: massesOf(target),
      divergence: f,
      lipschitz: L,
      method: "primal-dual",
      tolerance: 1e-5,
      maxIterations: 20_000,
    });
    return (await plan.solve(massesOf(source))).objective.dual as number;
  };
  const weights = fc.array(arbitraryNumber(0.125, 1, 1), { minLength: 12, maxLength: 12 }).map((raw) => {
    const sum = raw.reduce((s, v) => s + v, 0);
    return raw.map((w) => w / sum);
  });
  test.prop([weights, weights, divergence, arbitraryNumber(0.25, 2, 1)], { numRuns: Math.ceil(numRuns / 2), seed })(
    "primal–dual method on cells, common support",
    (p, q, f, L) =>
      hold(
        {
          discriminator: onCells,
          source: cloud(cut.points, 1, p),
          target: cloud(cut.points, 1, q),
          divergence: f,
          lipschitz: L,
        },
        // What small L tells apart is below the gap of this method.
        { accuracy: 1e-4, smallSlope: null, secondOrder: null },
      ),
    timeout,
  );
});
