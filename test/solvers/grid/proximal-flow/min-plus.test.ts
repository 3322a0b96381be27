import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import {
  latticeCost,
  minPlus,
  softMinimum,
  softMinimumOfColumns,
  sparsePlan,
  tiling,
} from "../../../../solvers/grid/proximal-flow/min-plus.js";
import { axis, type Grid, grid, nodesOf } from "../../../../src/grid/index.js";
import { generator } from "../../../../src/random/index.js";
import { huberCost, linearCost, quadraticCost } from "../../../../src/transport/index.js";

const numRuns = Number(process.env.LAWS === "thorough" ? 500 : 25);
const plane = (n0: number, n1: number): Grid =>
  grid([
    axis({ lower: -2, upper: 3, points: n0, boundary: "no-flux" }),
    axis({ lower: 0, upper: 2, points: n1, boundary: "no-flux" }),
  ]);
const line = (n: number): Grid => grid([axis({ lower: -2, upper: 3, points: n, boundary: "no-flux" })]);

function distances(g: Grid): (i: number, j: number) => number {
  const x = nodesOf(g);
  const d = g.dimension;
  return (i, j) => Math.hypot(...Array.from({ length: d }, (_, a) => x[i * d + a] - x[j * d + a]));
}

describe("min-plus on a lattice", () => {
  const grids = fc.oneof(
    fc.integer({ min: 4, max: 90 }).map(line),
    fc.tuple(fc.integer({ min: 4, max: 21 }), fc.integer({ min: 4, max: 19 })).map(([a, b]) => plane(a, b)),
  );
  const costs = fc.constantFrom(huberCost(0.5, 1, 1), huberCost(20, 1, 0.3), quadraticCost(2, 1), linearCost(1.5));

  test.prop([grids, costs, fc.integer({ min: 0, max: 1e6 }), fc.double({ min: 0, max: 1, noNaN: true })], { numRuns })(
    "equals the minimum over all pairs, and its pattern holds every pair within the slack",
    (g, cost, seed, slack) => {
      const psi = generator(seed).normal(g.size);
      const source = generator(seed + 1)
        .uniform(g.size)
        .map((u) => (u < 0.7 ? 1 : 0));
      source[0] = 1;
      const target = generator(seed + 2)
        .uniform(g.size)
        .map((u) => (u < 0.7 ? 1 : 0));
      target[g.size - 1] = 1;
      const lattice = latticeCost(g, cost.h);
      const [to, from] = [tiling(lattice, target), tiling(lattice, source)];
      const plan = sparsePlan();
      const values = minPlus(lattice, to, from, psi, new Float64Array(g.size), plan, slack);
      const distance = distances(g);
      for (let r = 0; r < to.nodes.length; r++) {
        const i = to.nodes[r];
        const all = Array.from(source, (m, j) => (m > 0 ? psi[j] + cost.h(distance(i, j)) : Infinity));
        const least = Math.min(...all);
        expect(values[i]).toAgree(least, { rtol: 1e-13, atol: 1e-13 });
        const row = new Set(plan.column.subarray(plan.start[r], plan.start[r + 1]));
        expect(row.size).toBe(plan.start[r + 1] - plan.start[r]);
        const missed = all.filter((value, j) => value < least + slack - 1e-12 && !row.has(j));
        const excess = all.filter((value, j) => value > least + slack + 1e-12 && row.has(j));
        expect([...missed, ...excess]).toEqual([]);
      }
    },
  );

  test("the smoothed minimum and its transpose are log-sum-exps over the pattern", () => {
    const g = plane(9, 7);
    const cost = huberCost(1, 1, 1);
    const psi = generator(5).normal(g.size);
    const lattice = latticeCost(g, cost.h);
    const all = tiling(lattice, new Float64Array(g.size).fill(1));
    const plan = sparsePlan();
    const out = minPlus(lattice, all, all, psi, new Float64Array(g.size), plan, 1e3);
    expect(plan.count).toBe(g.size ** 2);
    const epsilon = 0.37;
    softMinimum(plan, all, psi, epsilon, out);
    const distance = distances(g);
    for (let i = 0; i < g.size; i++) {
      let sum = 0;
      for (let j = 0; j < g.size; j++) sum += Math.exp(-(psi[j] + cost.h(distance(i, j))) / epsilon);
      expect(out[i]).toAgree(-epsilon * Math.log(sum), { rtol: 1e-12, atol: 1e-12 });
    }
    for (let r = 0; r < g.size; r++) {
      const share = plan.share.subarray(plan.start[r], plan.start[r + 1]);
      expect(share.reduce((a, b) => a + b, 0)).toAgree(1, { rtol: 1e-13 });
    }
    const columns = new Float64Array(g.size);
    softMinimumOfColumns(plan, all, psi, epsilon, columns);
    // Every pair is in the pattern and the cost is symmetric: the transpose is the same function.
    expect(columns).toAgree(out, { rtol: 1e-12, atol: 1e-12 });
  });
});
