// What a solution of a gradient flow says between its slabs: unequal times, ξ and −∇ξ, paths, histories that hold what was measured.
import { describe, expect, test } from "vitest";
import { energy, gradientFlow, power } from "../../../../problems/index.js";
import { gradientFlowSolution } from "../../../../solvers/grid/gradient-flow/index.js";
import { cells, domain } from "../../../../src/grid/index.js";
import { cloud } from "../../../../src/measure/index.js";
import { context } from "../slabs.js";

const flow = gradientFlow({
  domain: domain({ lower: [-1, 0], upper: [1, 2], ends: ["no-flux", "no-flux"] }),
  horizon: 2,
  energy: energy({ dimension: 2, internal: power(2) }),
  initial: 1,
});
const cut = cells(flow.domain, [20, 16]);
const field = (f: (x: number, y: number) => number) =>
  Float64Array.from({ length: cut.grid.size }, (_, k) => f(cut.points[2 * k], cut.points[2 * k + 1]));
const s = gradientFlowSolution({
  problem: flow,
  solver: { name: "made", order: 1, references: [], options: {} },
  context: context(7),
  cells: cut,
  times: Float64Array.from([0, 0.25, 2]),
  slabs: [1, 2, 9].map((v) => field(() => v)),
  potentials: [1, 2, 9].map((v) => field((x, y) => v * (x + 2 * y))),
  energies: [3, 2, 1],
  dissipations: [4, null, 0],
  speeds: [null, null, 5],
  status: { converged: true, text: "made" },
  histories: [{ name: "own", iterations: [1], values: [0.5] }],
  counts: { steps: 2 },
});
const inside = Float64Array.from([0.1, 1, -0.3, 0.7]);

describe("between slabs", () => {
  test("linear in time for steps of any length", () => {
    expect(s.density(0).values[0]).toBe(1);
    expect(s.density(0.125).values[5]).toAgree(1.5, { rtol: 1e-14 });
    expect(s.density(1.125).values[5]).toAgree(5.5, { rtol: 1e-14 });
    expect(s.density(2).values[5]).toBe(9);
  });
  test("ξ and v = −∇ξ", () => {
    expect(s.value(0.25, inside)).toAgree(Float64Array.from([4.2, 2.2]), { rtol: 1e-12 });
    expect(s.velocity(1.125, inside)).toAgree(Float64Array.from([-5.5, -11, -5.5, -11]), { rtol: 1e-12 });
  });
  test("paths are carried by v without noise", () => {
    const start = {
      kind: "cloud" as const,
      dimension: 2,
      count: 1,
      points: Float64Array.from([0.5, 1.5]),
      weights: null,
    };
    const paths = s.trajectories({ start, steps: 200 });
    // ∫ v dt up to 0.25 is 0.375 (−1, −2).
    const at = 25;
    expect(paths.times[at]).toAgree(0.25, { rtol: 1e-14 });
    expect(paths.positions.subarray(2 * at, 2 * at + 2)).toAgree(Float64Array.from([0.125, 0.75]), {
      atol: 0.01,
      rtol: 0,
    });
    expect(s.trajectories({ seed: 3, count: 5 }).positions).toEqual(s.trajectories({ seed: 3, count: 5 }).positions);
  });
});

test("histories hold the times at which a number was measured", () => {
  expect(s.histories).toEqual([
    { name: "energy", iterations: [0, 1, 2], values: [3, 2, 1] },
    { name: "dissipation", iterations: [0, 2], values: [4, 0] },
    { name: "speed", iterations: [2], values: [5] },
    { name: "mass", iterations: [0, 1, 2], values: [4, 8, 36].map((v) => expect.closeTo(v, 12)) },
    { name: "largest density", iterations: [0, 1, 2], values: [1, 2, 9] },
    { name: "own", iterations: [1], values: [0.5] },
  ]);
});

test("arrays are stacked by time", () => {
  const { density, velocity, energy: E, open } = s.arrays();
  expect(density.shape).toEqual([3, 20, 16]);
  expect(velocity.shape).toEqual([3, 20, 16, 2]);
  expect(velocity.get(2, 10, 8, 1)).toAgree(-18, { rtol: 1e-12 });
  expect(Array.from(E.data)).toEqual([3, 2, 1]);
  expect(open.get(0, 0)).toBe(1);
});

test("a time outside is refused", () => {
  expect(() => s.density(2.5)).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: solution: t must lie in [0, 2]; got 2.5. Ask for a time between start and horizon.]`,
  );
});

test("a step of 1e10 cells between walls ends where it would after whole rounds", () => {
  const T = 4e9 + 0.25;
  const slab = field(() => 1);
  const slope = field((x, y) => x + 2 * y);
  const long = gradientFlowSolution({
    problem: flow,
    solver: { name: "made", order: 1, references: [], options: {} },
    context: context(7),
    cells: cut,
    times: Float64Array.from([0, T]),
    slabs: [slab, slab],
    potentials: [slope, slope],
    energies: [1, 0],
    dissipations: [null, null],
    speeds: [null, null],
    status: { converged: true, text: "made" },
    counts: { steps: 1 },
  });
  const { positions } = long.trajectories({ start: cloud([0.1, 1], 2), steps: 1 });
  expect(positions.slice(2)).toAgree(Float64Array.from([-0.15, 0.5]), { rtol: 0, atol: 1e-4 });
});
