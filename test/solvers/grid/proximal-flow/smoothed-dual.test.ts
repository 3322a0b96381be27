import { describe, expect, test } from "vitest";
import { latticeCost } from "../../../../solvers/grid/proximal-flow/min-plus.js";
import {
  ascend,
  certificate,
  type DualState,
  nodeTransport,
  startFrom,
} from "../../../../solvers/grid/proximal-flow/smoothed-dual.js";
import { axis, type Grid, grid, nodesOf } from "../../../../src/grid/index.js";
import {
  alphaDivergence,
  cloud,
  type Divergence,
  jensenShannon,
  kullbackLeibler,
  reverseKullbackLeibler,
} from "../../../../src/measure/index.js";
import { generator } from "../../../../src/random/index.js";
import { huberCost, type RadialCost, semiRelaxedTransport } from "../../../../src/transport/index.js";

const line = grid([axis({ lower: -3, upper: 4, points: 20, boundary: "no-flux" })]);
const plane = grid([
  axis({ lower: -3, upper: 3, points: 7, boundary: "no-flux" }),
  axis({ lower: -2, upper: 2, points: 6, boundary: "no-flux" }),
]);

/** Weights of a rough bump at `mean`: no symmetry, a third of the nodes empty. */
function masses(g: Grid, mean: number, sd: number, seed: number): Float64Array {
  const x = nodesOf(g);
  const d = g.dimension;
  const noise = generator(seed).uniform(g.size);
  const out = noise.map((u, k) => (u < 0.33 ? 0 : (0.5 + u) * Math.exp(-0.5 * ((x[k * d] - mean) / sd) ** 2)));
  const total = out.reduce((a, b) => a + b, 0);
  return out.map((v) => v / total);
}

async function reach(g: Grid, cost: RadialCost, f: Divergence, epsilons: readonly number[]) {
  const problem = nodeTransport(latticeCost(g, cost.h), masses(g, 1.5, 1, 1), masses(g, -0.5, 0.8, 2), f);
  let state: DualState | null = null;
  for (const epsilon of epsilons) {
    state = startFrom(problem, state?.transform ?? new Float64Array(g.size), epsilon);
    await ascend(problem, state, { epsilon, tolerance: 1e-10 * epsilon, maxIterations: 300, onIteration: () => {} });
  }
  return { problem, state: state as DualState };
}

async function exact(g: Grid, cost: RadialCost, f: Divergence): Promise<number> {
  const nodes = nodesOf(g);
  const of = (m: Float64Array) => {
    const kept = Array.from(m.keys()).filter((k) => m[k] > 0);
    const points = kept.flatMap((k) => Array.from(nodes.slice(k * g.dimension, (k + 1) * g.dimension)));
    return cloud(
      points,
      g.dimension,
      kept.map((k) => m[k]),
    );
  };
  const result = await semiRelaxedTransport(
    { source: of(masses(g, 1.5, 1, 1)), target: of(masses(g, -0.5, 0.8, 2)), cost, divergence: f },
    { device: "cpu", tolerance: 1e-9 },
  );
  expect(result.status.converged).toBe(true);
  return result.objective.dual as number;
}

const ladder = Array.from({ length: 15 }, (_, k) => 4 ** -k);
const divergences = [
  kullbackLeibler(),
  alphaDivergence(2),
  alphaDivergence(0.5),
  reverseKullbackLeibler(),
  jensenShannon(),
];

describe("the node problem", () => {
  test.each(divergences.map((f) => [f.name, f] as const))(
    "%s: primal and dual meet at the value of the exact engine, on a line and in the plane",
    async (_name, f) => {
      for (const [g, L] of [
        [line, 1],
        [line, 0.4],
        [plane, 0.8],
        [plane, Infinity],
      ] as const) {
        const cost = huberCost(0.5, 1, L);
        const { problem, state } = await reach(g, cost, f, ladder);
        const { primal, dual } = certificate(problem, state);
        const value = await exact(g, cost, f);
        expect(primal - dual).toBeGreaterThanOrEqual(-1e-13);
        expect(dual).toAgree(value, { atol: 1e-6 });
        expect(primal).toAgree(value, { atol: 1e-6 });
      }
    },
  );

  test("the marginal of the plan is the gradient's: R = b f*′(ψ) at the maximum, rows carry a", async () => {
    const { problem, state } = await reach(line, huberCost(0.5, 1, 1), kullbackLeibler(), [1, 0.2, 0.05]);
    const wanted = problem.target.map((b, j) => (b > 0 ? b * Math.exp(state.potential[j]) : 0));
    expect(state.marginal).toAgree(wanted, { atol: 1e-9 });
    expect(state.marginal.reduce((a, b) => a + b, 0)).toAgree(1, { rtol: 1e-13 });
  });

  test("the gap is positive and falls with ε", async () => {
    const gaps: number[] = [];
    for (const steps of [4, 7, 10]) {
      const { problem, state } = await reach(plane, huberCost(1, 1, 1), kullbackLeibler(), ladder.slice(0, steps));
      const { primal, dual } = certificate(problem, state);
      gaps.push(primal - dual);
    }
    expect(Math.min(...gaps)).toBeGreaterThan(0);
    expect(gaps[1]).toBeLessThan(gaps[0] / 10);
    expect(gaps[2]).toBeLessThan(gaps[1] / 10);
  });

  test("an iteration may stop the ascent", async () => {
    const problem = nodeTransport(
      latticeCost(line, huberCost(1, 1, 1).h),
      masses(line, 1, 1, 3),
      masses(line, 0, 1, 4),
      kullbackLeibler(),
    );
    const state = startFrom(problem, new Float64Array(line.size), 0.1);
    const stop = () => {
      throw new Error("enough");
    };
    await expect(
      ascend(problem, state, { epsilon: 0.1, tolerance: 1e-9, maxIterations: 9, onIteration: stop }),
    ).rejects.toThrow("enough");
  });
});
