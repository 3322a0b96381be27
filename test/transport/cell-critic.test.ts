// The critic on cells by the primal–dual method: Gaussians (C5, C6) on 1024 cells, agreement with the chain, periodic axes, obstacles, the plane.
import { describe, expect, it } from "vitest";
import { type Cells, cells, domain } from "../../src/grid/index.js";
import {
  alphaDivergence,
  type Distribution,
  type Divergence,
  gaussian,
  gaussianMixture,
  jensenShannon,
  kullbackLeibler,
  plainTransport,
  reverseKullbackLeibler,
} from "../../src/measure/index.js";
import { type CellCritic, cellCritic } from "../../src/transport/index.js";

const line = cells(domain({ lower: [-10], upper: [10], ends: ["no-flux"] }), 1024);
function on(c: Cells, law: Distribution): Float64Array {
  const w = law.logDensity!(c.points).map((v, k) => (c.open[k] === 1 ? Math.exp(v) * c.grid.cellVolume : 0));
  const sum = w.reduce((s, x) => s + x, 0);
  return w.map((x) => x / sum);
}
const normal = (mean: number, sd = 1) => gaussian({ mean: [mean], sd });
const bimodal = gaussianMixture({
  components: [
    { weight: 0.5, mean: [-2], sd: 0.5 },
    { weight: 0.5, mean: [2], sd: 0.5 },
  ],
});
/** The certified bounds are on both sides and no farther apart than they say. */
function bracket(c: CellCritic, expected: number, atol: number): void {
  expect(c.status.text).toMatch(/^converged/);
  expect(c.objective.primal as number).toBeGreaterThanOrEqual(expected - atol);
  expect(c.objective.dual as number).toBeLessThanOrEqual(expected + atol);
  expect(c.objective.primal).toAgree(expected, { rtol: 0, atol });
  expect(c.objective.dual).toAgree(expected, { rtol: 0, atol });
}

describe("C5 and C6 on 1024 cells, to 1e-3", () => {
  it.each([0.5, 1, 2])("C5 Huber of the gap 1.5, KL, L = %d", async (L) => {
    const plan = cellCritic({
      cells: line,
      target: on(line, normal(0)),
      divergence: kullbackLeibler(),
      lipschitz: L,
      method: "primal-dual",
      tolerance: 5e-4,
    });
    bracket(await plan.solve(on(line, normal(1.5))), 1.5 <= L ? 1.125 : L * 1.5 - (L * L) / 2, 1e-3);
  });
  it.each([
    [0.05, 0.038114],
    [0.25, 0.158295],
    [0.5, 0.248933],
    [1, 0.308292],
    [2, 0.318058],
  ])("C6 N(0, 1) to N(0, 4), KL, L = %d", async (L, expected) => {
    const wide = { cells: cells(domain({ lower: [-16], upper: [16], ends: ["no-flux"] }), 1024) };
    const problem = { ...wide, target: on(wide.cells, normal(0, 2)), divergence: kullbackLeibler(), lipschitz: L };
    const p = on(wide.cells, normal(0));
    bracket(await cellCritic({ ...problem, method: "primal-dual", tolerance: 5e-4 }).solve(p), expected, 1e-3);
    bracket(await cellCritic(problem).solve(p), expected, 1e-4);
  });
  it.each([
    [0.1, 0.118366],
    [0.5, 0.551059],
    [1, 0.983987],
    [2, 1.459742],
  ])("C6 bimodal to N(0, 1), KL, L = %d", async (L, expected) => {
    const problem = { cells: line, target: on(line, normal(0)), divergence: kullbackLeibler(), lipschitz: L };
    bracket(
      await cellCritic({ ...problem, method: "primal-dual", tolerance: 5e-4 }).solve(on(line, bimodal)),
      expected,
      1e-3,
    );
    bracket(await cellCritic(problem).solve(on(line, bimodal)), expected, 1e-4);
  });
});

it("D_f^L → D_f: C6 at L = 5 and at L so large that the bound is inactive, on the chain", async () => {
  const divergence = kullbackLeibler();
  const wide = cells(domain({ lower: [-16], upper: [16], ends: ["no-flux"] }), 1024);
  for (const [c, p, q, L, expected] of [
    [line, bimodal, normal(0), 5, 1.62471],
    [line, bimodal, normal(0), 1e3, 1.625094],
    [wide, normal(0), normal(0, 2), 1e3, 0.318147],
  ] as const)
    bracket(await cellCritic({ cells: c, target: on(c, q), divergence, lipschitz: L }).solve(on(c, p)), expected, 1e-4);
});

describe("against the chain", () => {
  const divergences = [
    kullbackLeibler(),
    alphaDivergence(2),
    alphaDivergence(1.5),
    alphaDivergence(0.5),
    reverseKullbackLeibler(),
    jensenShannon(),
    plainTransport(),
  ];
  it.each(divergences)("ring with friction, $name", async (divergence) => {
    const ring = cells(domain({ lower: [0], upper: [4], ends: ["periodic"] }), 48);
    const p = on(ring, normal(0.5, 0.5));
    const target = on(ring, normal(3.2, 0.7));
    const friction = { forward: [p.map((v) => 2 * v)], backward: [p.map((v) => 3 * v)] };
    const [exact, iterative] = await Promise.all(
      (["chain", "primal-dual"] as const).map((method) =>
        cellCritic({
          cells: ring,
          target,
          divergence,
          lipschitz: 0.8,
          method,
          ...(method === "chain" ? {} : { tolerance: 3e-4, maxIterations: 4000 }),
        }).solve(p, friction),
      ),
    );
    bracket(iterative, exact.objective.dual as number, 2e-3);
    expect(exact.moved[0].reduce((s, v) => s + Math.abs(v), 0)).toBeGreaterThan(0.1);
  });
  it("an obstacle cuts the line: each side keeps its own", async () => {
    const c = cells(
      domain({ lower: [0], upper: [4], ends: ["no-flux"], obstacle: (x) => Math.abs(x[0] - 2) < 0.3 }),
      40,
    );
    const half = (law: Distribution) =>
      on(c, law).map((v, k, w) => v / (2 * w.reduce((s, u, j) => s + (j < 20 === k < 20 ? u : 0), 0)));
    const [p, target] = [half(normal(1, 0.8)), half(normal(3, 0.8))];
    const problem = { cells: c, target, divergence: kullbackLeibler(), lipschitz: 1 };
    const exact = await cellCritic(problem).solve(p);
    bracket(
      await cellCritic({ ...problem, method: "primal-dual", tolerance: 1e-3 }).solve(p),
      exact.objective.dual as number,
      1e-3,
    );
  });
});

describe("in the plane", () => {
  it("equal Gaussians on a box: Huber; speed ≤ L; warm starts cost less", async () => {
    const c = cells(domain({ lower: [-4, -4], upper: [5, 4], ends: "no-flux" }), [36, 32]);
    const law = (m: number) => on(c, gaussian({ mean: [m, 0] }));
    const plan = cellCritic({
      cells: c,
      target: law(0),
      divergence: kullbackLeibler(),
      lipschitz: 0.6,
      tolerance: 1e-3,
    });
    const first = await plan.solve(law(1));
    bracket(first, 0.6 - 0.18, 1.5e-3);
    for (let k = 0; k < c.grid.size; k++)
      expect(Math.hypot(first.velocity[0][k], first.velocity[1][k])).toBeLessThanOrEqual(0.6 * (1 + 1e-14));
    const again = await plan.solve(law(0.98));
    bracket(again, 0.6 * 0.98 - 0.18, 1.5e-3);
    expect(again.iterations).toBeLessThan(first.iterations);
  });
  it("a point target: L × the mean distance, for every f, in the metric of forward differences (within h)", async () => {
    const c = cells(domain({ lower: [-1, -1], upper: [1, 1], ends: "no-flux" }), 17);
    const target = new Float64Array(c.grid.size);
    target[(c.grid.size - 1) / 2] = 1;
    const p = new Float64Array(c.grid.size).fill(1 / c.grid.size);
    let mean = 0;
    for (let k = 0; k < c.grid.size; k++) mean += Math.hypot(c.points[2 * k], c.points[2 * k + 1]) / c.grid.size;
    for (const divergence of [kullbackLeibler(), alphaDivergence(2)]) {
      const got = await cellCritic({ cells: c, target, divergence, lipschitz: 0.5, tolerance: 1e-3 }).solve(p);
      bracket(got, 0.5 * mean, 0.5 * (2 / 17));
    }
  });
  it("mass goes round an obstacle: W₁ with a wall between is longer than without", async () => {
    const box = { lower: [-1, -1], upper: [1, 1], ends: "no-flux" } as const;
    const walled = cells(domain({ ...box, obstacle: (x) => Math.abs(x[0]) < 0.13 && x[1] < 0.5 }), 16);
    const plain = cells(domain(box), 16);
    const value = async (c: Cells) => {
      const at = (x: number) => on(c, gaussian({ mean: [x, -0.5], sd: 0.1 }));
      const got = await cellCritic({
        cells: c,
        target: at(0.6),
        divergence: plainTransport(),
        lipschitz: 1,
        tolerance: 5e-3,
      }).solve(at(-0.6));
      expect(got.status.text).toMatch(/^converged/);
      return got.objective.dual as number;
    };
    expect(await value(plain)).toAgree(1.2, { rtol: 0.02 });
    // Round the upper corners (∓⅛, ½): 2 √(0.475² + 1²) + ¼ = 2.46; forward differences count a slanted way a little longer.
    expect(await value(walled)).toAgree(2.46, { rtol: 0.12 });
  });
});

describe("an obstacle that cuts the plane", () => {
  // Nothing depends on y, so that each line of cells is the chain's problem.
  const wall = (x: Float64Array) => Math.abs(x[0]) < 0.2;
  const plane = cells(domain({ lower: [-1, -1], upper: [1, 1], ends: "no-flux", obstacle: wall }), [20, 6]);
  const line = cells(domain({ lower: [-1], upper: [1], ends: "no-flux", obstacle: wall }), 20);
  const law = (c: typeof plane, f: (x: number) => number): Float64Array => {
    const d = c.grid.dimension;
    const m = Float64Array.from({ length: c.grid.size }, (_, k) => (c.open[k] === 1 ? f(c.points[k * d]) : 0));
    const total = m.reduce((sum, v) => sum + v, 0);
    return m.map((v) => v / total);
  };
  const p = (x: number) => 1 - x / 2;
  it.each([
    ["KL", kullbackLeibler(), (x: number) => 1 + x / 2],
    ["α = 2", alphaDivergence(2), (x: number) => 1 + x / 2],
    ["Jensen–Shannon", jensenShannon(), (x: number) => 1 + x / 2],
  ] as const)(
    "%s: each side keeps its mass, as on the line; primal ≥ the line's value ≥ dual",
    async (_n, divergence, q) => {
      const options = { divergence, lipschitz: 1 };
      const exact = await cellCritic({ cells: line, target: law(line, q), ...options }).solve(law(line, p));
      const got = await cellCritic({ cells: plane, target: law(plane, q), ...options }).solve(law(plane, p));
      expect(got.status.text).toMatch(/^converged/);
      expect(got.objective.dual as number).toBeLessThanOrEqual((exact.objective.primal as number) + 1e-9);
      expect(got.objective.primal as number).toBeGreaterThanOrEqual((exact.objective.dual as number) - 1e-9);
      expect(got.objective.dual).toAgree(exact.objective.dual as number, { rtol: 0, atol: 2e-4 });
      const left = (m: Float64Array) => m.reduce((sum, v, k) => sum + (plane.points[2 * k] < 0 ? v : 0), 0);
      expect(left(got.marginal)).toAgree(left(law(plane, p)), { rtol: 1e-12 });
    },
  );
  it("a side without mass of p is left alone", async () => {
    const side = (x: number) => (x < 0 ? 1 + x / 2 : 0);
    const options = { divergence: kullbackLeibler(), lipschitz: 1 };
    const exact = await cellCritic({ cells: line, target: law(line, p), ...options }).solve(law(line, side));
    const got = await cellCritic({ cells: plane, target: law(plane, p), ...options }).solve(law(plane, side));
    expect(got.status.text).toMatch(/^converged/);
    expect(got.objective.primal).toAgree(exact.objective.dual as number, { rtol: 0, atol: 2e-4 });
    got.marginal.forEach((v, k) => {
      if (plane.points[2 * k] > 0) expect(v).toBe(0);
    });
  });
  it("mass that cannot get there is refused before any work", async () => {
    const refusal = (divergence: Divergence, q: (x: number) => number): Promise<string> =>
      cellCritic({ cells: plane, target: law(plane, q), divergence, lipschitz: 1 })
        .solve(law(plane, p))
        .then(
          () => "solved",
          (error: Error) => error.message,
        );
    expect([
      await refusal(kullbackLeibler(), (x) => (x > 0 ? 1 : 0)),
      await refusal(plainTransport(), (x) => 1 + x / 2),
    ]).toMatchInlineSnapshot(`
      [
        "cellCritic: every connected region must hold mass of the target where it holds mass of the source; got [0.6499999999999998,0]. Open the wall between, or choose a target that reaches there.",
        "cellCritic: every connected region must hold the same mass of both laws; got [0.6499999999999998,0.35000000000000026]. Open the wall between, or choose a target that reaches there.",
      ]
    `);
  });
});

describe("targets with the tails of a narrow Gaussian, far below round-off", () => {
  const c = cells(domain({ lower: [-1.5], upper: [1.5], ends: "no-flux" }), 60);
  const target = on(c, gaussian({ mean: [-0.6], sd: 0.12 }));
  const block = target.map((_, k) => (Math.abs(c.points[k] - 0.5) < 0.4 ? 1 / 16 : 0));
  it.each([
    kullbackLeibler(),
    alphaDivergence(2),
    alphaDivergence(5),
    alphaDivergence(0.5),
    reverseKullbackLeibler(),
    jensenShannon(),
  ])("$name: certified, and as the primal–dual method says", async (divergence) => {
    expect(Math.min(...target)).toBeLessThan(1e-50);
    for (const lipschitz of [1, 4, 20]) {
      const problem = { cells: c, target, divergence, lipschitz };
      const got = await cellCritic(problem).solve(block);
      expect(got.status.text).toMatch(/^converged/);
      expect(got.objective.gap as number).toBeGreaterThan(-1e-12);
      if (lipschitz > 1) continue;
      const other = await cellCritic({
        ...problem,
        method: "primal-dual",
        tolerance: 1e-3,
        maxIterations: 20_000,
      }).solve(block);
      expect(other.objective.dual as number).toBeLessThanOrEqual(got.objective.primal as number);
      expect(other.objective.primal as number).toBeGreaterThanOrEqual(got.objective.dual as number);
    }
  });
});

describe("small L, and small domains: the gap is measured by L W₁, not by the mass", () => {
  const divergences = [
    kullbackLeibler(),
    alphaDivergence(2),
    alphaDivergence(5),
    reverseKullbackLeibler(),
    jensenShannon(),
  ];
  const scaled = (dimension: number, side: number) => {
    const c = cells(
      domain({ lower: Array(dimension).fill(-side), upper: Array(dimension).fill(side), ends: "no-flux" }),
      dimension === 1 ? 64 : 16,
    );
    const at = (x: number) =>
      on(c, gaussian({ mean: Array.from({ length: dimension }, (_, a) => (a === 0 ? x * side : 0)), sd: 0.25 * side }));
    return { cells: c, p: at(-0.3), target: at(0.3) };
  };
  it.each(divergences)("$name: D/L → W₁ in the plane", async (divergence) => {
    const { p, ...given } = scaled(2, 1);
    const plain = await cellCritic({ ...given, divergence: plainTransport(), lipschitz: 1 }).solve(p);
    for (const lipschitz of [1e-3, 1e-6]) {
      const got = await cellCritic({ ...given, divergence, lipschitz, tolerance: 1e-3 }).solve(p);
      expect(got.status.text).toMatch(/^converged/);
      expect((got.objective.dual as number) / lipschitz).toAgree(plain.objective.dual as number, { rtol: 5e-3 });
      expect((got.objective.primal as number) / lipschitz).toAgree(plain.objective.dual as number, { rtol: 5e-3 });
    }
  });
  it.each(divergences)("$name: lengths × 1e6 with L × 1e-6 is the same problem", async (divergence) => {
    const values = [];
    for (const side of [1e-6, 1, 1e6]) {
      const { p, ...given } = scaled(2, side);
      const got = await cellCritic({ ...given, divergence, lipschitz: 1 / side, tolerance: 1e-3 }).solve(p);
      expect(got.status.text).toMatch(/^converged/);
      values.push(got.objective.dual as number);
    }
    expect(values[0]).toAgree(values[1], { rtol: 1e-6 });
    expect(values[2]).toAgree(values[1], { rtol: 1e-6 });
  });
  it("on the chain, and what the digits cannot resolve is not called converged", async () => {
    const { p, ...given } = scaled(1, 1);
    const plain = await cellCritic({ ...given, divergence: plainTransport(), lipschitz: 1 }).solve(p);
    for (const divergence of divergences) {
      const got = await cellCritic({ ...given, divergence, lipschitz: 1e-6 }).solve(p);
      expect(got.status.text).toMatch(/^converged/);
      expect((got.objective.dual as number) * 1e6).toAgree(plain.objective.dual as number, { rtol: 2e-6 });
    }
    const lost = await cellCritic({ ...given, divergence: alphaDivergence(5), lipschitz: 1e-12 }).solve(p);
    expect(lost.status.text).toMatch(/^stalled: gap .* scale lengths and L/);
  });
});

describe("messages", () => {
  const message = (work: () => unknown): string => {
    try {
      work();
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error("nothing was thrown");
  };
  const square = cells(domain({ lower: [0, 0], upper: [1, 1], ends: "no-flux" }), 4);
  const target = new Float64Array(16).fill(1 / 16);
  const good = { cells: square, target, divergence: kullbackLeibler(), lipschitz: 1 };
  it("names what does not fit", () => {
    expect(message(() => cellCritic({ ...good, lipschitz: Infinity }))).toMatchInlineSnapshot(
      `"cellCritic: lipschitz must be a finite number > 0; got Infinity. Use lipschitz: 1 to start."`,
    );
    expect(message(() => cellCritic({ ...good, method: "chain" }))).toMatchInlineSnapshot(
      `"cellCritic: method must be "primal-dual", or "chain" in 1-D; got "chain". Leave it out."`,
    );
    expect(message(() => cellCritic({ ...good, target: target.slice(1) }))).toMatchInlineSnapshot(
      `"cellCritic: target must have length 16; got 15. Give one mass a cell."`,
    );
  });
});
