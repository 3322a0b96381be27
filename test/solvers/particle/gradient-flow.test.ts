// Particles with the exact empirical critic: unit-speed transport to samples, −dD/dt = L² before anyone arrives, agreement with the grid.
import { describe, expect, it } from "vitest";
import {
  gradientFlow,
  huberFlow,
  huberGap,
  lipschitzDivergence,
  singularTarget,
  transportTo,
} from "../../../problems/index.js";
import { lipschitzFlow, particleGradientFlow } from "../../../solvers/index.js";
import { domain } from "../../../src/grid/index.js";
import {
  cloud,
  dirac,
  empirical,
  gaussian,
  kullbackLeibler,
  uniformBox,
  wasserstein1,
} from "../../../src/measure/index.js";
import { solve } from "../../../src/solve.js";

const wide = domain({ lower: [-10], upper: [10], ends: ["no-flux"] });

describe("closed forms", () => {
  it("one atom to another: straight, at speed L, D = L × distance, and it stops there", async () => {
    const problem = gradientFlow({
      domain: domain({ lower: [-5, -5], upper: [5, 5], ends: "no-flux" }),
      horizon: 4,
      initial: dirac([0, 0]),
      energy: lipschitzDivergence({
        dimension: 2,
        divergence: kullbackLeibler(),
        lipschitz: 1.5,
        target: dirac([3, 4]),
      }),
    });
    const s = await solve(problem, particleGradientFlow({ count: 3, targetCount: 3, steps: 40 }));
    s.times.forEach((t, n) => {
      const way = Math.min(5, 1.5 * t);
      expect(s.clouds[n].points.slice(0, 2)).toAgree([0.6 * way, 0.8 * way], { rtol: 0, atol: 1e-9 });
      expect(s.energies[n]).toAgree(1.5 * (5 - way), { rtol: 0, atol: 1e-7 });
    });
    expect(s.velocity(1, new Float64Array([0, 0]))).toAgree([0.9, 1.2], { rtol: 1e-12 });
    expect(s.critic!.certifiedLipschitz).toBe(1.5);
  });
  it("while nobody has arrived, −dD/dt = I = L²", async () => {
    const problem = gradientFlow({
      domain: wide,
      horizon: 1,
      initial: uniformBox({ lower: [-4], upper: [-3] }),
      energy: lipschitzDivergence({
        dimension: 1,
        divergence: kullbackLeibler(),
        lipschitz: 1.5,
        target: uniformBox({ lower: [0], upper: [1] }),
      }),
    });
    const s = await solve(problem, particleGradientFlow({ count: 30, targetCount: 40, steps: 10 }));
    s.energies.forEach((D, n) => {
      expect(D).toAgree(s.energies[0] - 2.25 * s.times[n], { rtol: 0, atol: 1e-7 });
      expect(s.dissipations[n]).toAgree(2.25, { rtol: 1e-12 });
    });
  });
  it("W₁ flow: the distance falls at unit rate", async () => {
    const problem = gradientFlow({
      domain: wide,
      horizon: 1,
      initial: uniformBox({ lower: [0], upper: [1] }),
      energy: transportTo({ dimension: 1, order: 1, target: uniformBox({ lower: [2], upper: [3] }) }),
    });
    const s = await solve(problem, particleGradientFlow({ count: 25, targetCount: 25, steps: 5 }));
    s.clouds.forEach((c, n) => {
      expect(wasserstein1(c, s.target)).toAgree(wasserstein1(s.clouds[0], s.target) - s.times[n], {
        rtol: 0,
        atol: 1e-9,
      });
      expect(s.energies[n]).toAgree(wasserstein1(c, s.target), { rtol: 0, atol: 1e-7 });
    });
  });
});

describe("study: grid and particles", () => {
  it("the Huber flow translates, within the sampling error", async () => {
    const problem = huberFlow({ gap: 3, horizon: 1.5 });
    const s = await solve(problem, particleGradientFlow({ count: 200, targetCount: 200, steps: 15 }), { seed: 3 });
    const grid = await solve(problem, lipschitzFlow({ points: 128, transport: "muscl" }));
    // The mean of 200 draws has a standard error of 0.07; critic and particles move with it.
    const mean = (t: number) => s.density(t).points.reduce((sum, x) => sum + x / 200, 0);
    for (const t of [0, 0.5, 1, 1.5]) expect(mean(t)).toAgree(huberGap(t, 3, 1, 1), { rtol: 0, atol: 0.2 });
    // A difference of Ds has a standard error of L √(2/200) = 0.1.
    [0, 5, 10].forEach((n) => {
      const at = s.times[n];
      const g = grid.times.findIndex((t) => t >= at - 1e-12);
      expect(s.energies[n]).toAgree(grid.energies[g], { rtol: 0, atol: 0.3 });
    });
    s.energies.forEach((D, n) => {
      if (n > 0) expect(D).toBeLessThan(s.energies[n - 1] + 1e-8);
    });
    const w2 = s.histories.find((h) => h.name === "W₂")!;
    expect(w2.iterations).toEqual([0, 5, 10, 15]);
    expect(w2.values[3]).toBeLessThan(w2.values[0] - 1);
  });
  it("a singular target in the plane: D falls at every step", async () => {
    const s = await solve(
      singularTarget({ horizon: 1 }),
      particleGradientFlow({ count: 60, targetCount: 60, steps: 10, measureEvery: 10 }),
      { seed: 1 },
    );
    expect(s.status.text).toMatch(/^converged: 10 steps, largest gap/);
    s.energies.forEach((D, n) => {
      if (n > 0) expect(D).toBeLessThanOrEqual(s.energies[n - 1] + 1e-8);
    });
    const w2 = s.histories.find((h) => h.name === "W₂")!.values;
    expect(w2[1]).toBeLessThan(w2[0]);
  });
});

describe("the solution", () => {
  const data = cloud([1, 2, 4], 1);
  const problem = gradientFlow({
    domain: wide,
    horizon: 1,
    initial: gaussian({ mean: [-2], sd: 0.1 }),
    energy: lipschitzDivergence({
      dimension: 1,
      divergence: kullbackLeibler(),
      lipschitz: 1,
      target: empirical(data, { name: "three" }),
    }),
  });
  it("takes all data, interpolates, and moves new points by the same critics", async () => {
    const s = await solve(problem, particleGradientFlow({ count: 5, steps: 4 }));
    expect(s.target.points).toEqual(data.points);
    const between = s.density(0.125).points;
    between.forEach((x, i) => {
      expect(x).toAgree((s.clouds[0].points[i] + s.clouds[1].points[i]) / 2, { rtol: 1e-12 });
    });
    const paths = s.trajectories({ steps: 4 });
    expect(paths.count).toBe(5);
    expect(paths.positions.slice(-5)).toAgree(s.clouds[4].points, { rtol: 1e-12 });
    const other = s.trajectories({ steps: 2, start: cloud([-2, 0.9], 1) });
    expect(other.positions).toAgree([-2, 0.9, -1.5, 1, -1, 1], { rtol: 0, atol: 1e-12 });
    expect(s.value(0, new Float64Array([-2])).length).toBe(1);
    expect(s.arrays().particles.shape).toEqual([5, 5, 1]);
  });
});

it("laws that are densities are drawn from; more paths than particles start at new draws", async () => {
  const problem = gradientFlow({
    domain: domain({ lower: [0], upper: [4], ends: "no-flux" }),
    horizon: 0.5,
    initial: "heaviside(1 - x)",
    energy: lipschitzDivergence({
      dimension: 1,
      divergence: kullbackLeibler(),
      lipschitz: 1,
      target: "heaviside(x - 2) * heaviside(3 - x)",
    }),
  });
  const s = await solve(problem, particleGradientFlow({ count: 100, targetCount: 100, steps: 5 }), { seed: 3 });
  const mean = (x: Float64Array) => x.reduce((a, b) => a + b, 0) / x.length;
  // uniform on [0, 1] and [2, 3]: standard error of a mean of 100 is 0.029
  expect(Math.abs(mean(s.clouds[0].points) - 0.5)).toBeLessThan(4 * 0.029);
  expect(Math.abs(mean(s.target.points) - 2.5)).toBeLessThan(4 * 0.029);
  expect(s.clouds[0].points.every((x) => x >= 0 && x <= 1)).toBe(true);
  const paths = s.trajectories({ count: 300, steps: 5 });
  expect(paths.count).toBe(300);
  // nobody has arrived: all have moved by L t
  const [first, last] = [paths.positions.slice(0, 300), paths.positions.slice(-300)];
  expect(last.map((x, i) => x - first[i])).toAgree(new Float64Array(300).fill(0.5), { rtol: 1e-12 });
  expect(s.trajectories({ count: 300, steps: 5, seed: 4 }).positions).not.toEqual(paths.positions);
});

it("without a mass, E and I are those of the start's own", async () => {
  const problem = gradientFlow({
    domain: wide,
    initial: "2*exp(-(x + 1)^2/2)/sqrt(2*pi)",
    energy: lipschitzDivergence({
      dimension: 1,
      divergence: kullbackLeibler(),
      lipschitz: 0.5,
      target: gaussian({ mean: [1] }),
    }),
    horizon: 0.1,
    mass: null,
  });
  const cells = await solve(problem, lipschitzFlow({ points: 200 }));
  const clouds = await solve(problem, particleGradientFlow({ count: 400, targetCount: 400, steps: 2 }));
  expect(clouds.dissipations[0]).toAgree(2 * 0.25, { rtol: 1e-5 });
  // E of the continuum is 2 (1 − 1/8); the means of 400 draws differ by √(2/400) from theirs, times 2 L
  expect(cells.energies[0]).toAgree(1.75, { rtol: 1e-3 });
  expect(Math.abs(clouds.energies[0] - 1.75)).toBeLessThan(4 * 0.0708);
});

it("E and I are those of the problem's mass", async () => {
  const of = (mass: number) =>
    solve(
      gradientFlow({
        domain: wide,
        initial: gaussian({ mean: [-1] }),
        energy: lipschitzDivergence({
          dimension: 1,
          divergence: kullbackLeibler(),
          lipschitz: 0.5,
          target: gaussian({ mean: [1], sd: 0.5 }),
        }),
        mass,
      }),
      particleGradientFlow({ count: 8, targetCount: 5, steps: 3 }),
    );
  const [one, three] = [await of(1), await of(3)];
  expect(three.energies).toAgree(
    one.energies.map((e) => 3 * e),
    { rtol: 1e-14 },
  );
  expect(three.dissipations[0]).toBeCloseTo(0.75, 12);
  expect(three.clouds[3].points).toEqual(one.clouds[3].points);
});

it("paths of some of a weighted cloud keep their weights; a flow that stopped has no later times", async () => {
  const weighted = empirical(cloud([-1, 0, 1], 1, [0.1, 0.2, 0.7]));
  const problem = gradientFlow({
    domain: wide,
    initial: weighted,
    energy: lipschitzDivergence({
      dimension: 1,
      divergence: kullbackLeibler(),
      lipschitz: 1,
      target: gaussian({ mean: [2] }),
    }),
  });
  const s = await solve(problem, particleGradientFlow({ count: 3, targetCount: 7, steps: 2 }));
  expect(s.trajectories({ count: 2 }).weights).toAgree([1 / 3, 2 / 3], { rtol: 1e-14 });
  const stopped = await solve(
    problem,
    particleGradientFlow({ count: 3, targetCount: 7, steps: 2, tolerance: 1e-300 }),
    {
      onFailure: "return",
    },
  );
  expect(stopped.status.converged).toBe(false);
  expect(stopped.times.at(-1)).toBeLessThan(1);
  expect(() => stopped.density(1)).toThrow("solution: t must lie in");
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
  it("of options and problems", async () => {
    expect(message(() => particleGradientFlow({ count: 0 }))).toMatchInlineSnapshot(
      `"particleGradientFlow: count must be an integer ≥ 1; got 0. Leave it out."`,
    );
    expect(message(() => particleGradientFlow({ tolerance: 0 }))).toMatchInlineSnapshot(
      `"particleGradientFlow: tolerance must be in (0, 1); got 0. Use tolerance: 1e-8."`,
    );
    const target = gaussian({ mean: [0] });
    const flow = (
      initial: Parameters<typeof gradientFlow>[0]["initial"],
      energy: Parameters<typeof gradientFlow>[0]["energy"],
    ) => gradientFlow({ domain: wide, initial, energy });
    const good = lipschitzDivergence({ dimension: 1, divergence: kullbackLeibler(), lipschitz: 1, target });
    const inFour = (initial: Parameters<typeof gradientFlow>[0]["initial"], law: typeof initial) =>
      gradientFlow({
        domain: domain({ lower: [0, 0, 0, 0], upper: [1, 1, 1, 1], ends: "no-flux" }),
        initial,
        energy: lipschitzDivergence({ dimension: 4, divergence: kullbackLeibler(), lipschitz: 1, target: law }),
      });
    const solver = particleGradientFlow();
    expect(
      [
        inFour("exp(-x1^2)", dirac([0.5, 0.5, 0.5, 0.5])),
        inFour(dirac([0.5, 0.5, 0.5, 0.5]), "exp(-x1^2)"),
        flow(target, lipschitzDivergence({ dimension: 1, divergence: kullbackLeibler(), lipschitz: Infinity, target })),
        flow(target, transportTo({ dimension: 1, order: 2, target })),
        gradientFlow({ domain: domain({ lower: [-5], upper: [5] }), initial: target, energy: good }),
        gradientFlow({
          domain: domain({ lower: [-5], upper: [5], ends: "no-flux", obstacle: (x) => x[0] > 4.9 }),
          initial: target,
          energy: good,
        }),
      ].map((p) => solver.handles(p)),
    ).toMatchInlineSnapshot(`
      [
        "the initial law exp(-x1^2) cannot be sampled; give a distribution",
        "the target exp(-x1^2) cannot be sampled; give a distribution",
        "L is ∞, and the divergence between two clouds is infinite; set a finite lipschitz",
        "the energy is neither a Lipschitz-regularised divergence nor W₁; use a grid solver",
        "particles go through obstacles and not round periodic axes; use lipschitzFlow()",
        "particles go through obstacles and not round periodic axes; use lipschitzFlow()",
      ]
    `);
    const s = await solve(flow(target, good), particleGradientFlow({ count: 2, targetCount: 2, steps: 1 }));
    expect(message(() => s.density(2))).toMatchInlineSnapshot(
      `"solution: t must lie in [0, 1]; got 2. Ask for a time between start and horizon."`,
    );
    expect(message(() => s.trajectories({ count: 0 }))).toMatchInlineSnapshot(
      `"particleGradientFlow: count must be an integer ≥ 1; got 0. Leave it out for the whole cloud."`,
    );
    expect(message(() => s.trajectories({ steps: 0 }))).toMatchInlineSnapshot(
      `"particleGradientFlow: steps must be an integer ≥ 1; got 0. Use steps: 20."`,
    );
    expect(message(() => s.trajectories({ start: cloud([0, 0], 2) }))).toMatchInlineSnapshot(
      `"particleGradientFlow: start must have the problem's dimension 1; got 2. Give points of the same space."`,
    );
  });
});
