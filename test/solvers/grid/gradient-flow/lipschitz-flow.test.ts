// Lipschitz-regularised flows on grids: the rigid translation C9, the porous medium C10, the dissipation identity C12, singular targets, W₁,
// and the laws of every step: mass, positivity, speed ≤ L, energy not increasing.
import { describe, expect, it } from "vitest";
import {
  bimodalTarget,
  energy,
  entropy,
  fokkerPlanckProblem,
  type GradientFlow,
  gradientFlow,
  huberFlow,
  huberGap,
  lipschitzDivergence,
  oldFaithfulFlow,
  singularTarget,
  transportTo,
  uniformTarget,
} from "../../../../problems/index.js";
import { fokkerPlanck, type LipschitzFlowSolution, lipschitzFlow } from "../../../../solvers/index.js";
import { cells, domain, integrate } from "../../../../src/grid/index.js";
import {
  alphaDivergence,
  gaussian,
  jensenShannon,
  kullbackLeibler,
  reverseKullbackLeibler,
} from "../../../../src/measure/index.js";
import { solve } from "../../../../src/solve.js";
import { cellCritic } from "../../../../src/transport/index.js";

/** Mass, positivity, speed and energy at every step; `slack` is what the critics' gap allows the energy. */
function laws(s: LipschitzFlowSolution, lipschitz: number, slack: number): void {
  expect(s.status.text).toMatch(/^converged/);
  const mass = integrate(s.cells.grid, s.slabs[0]);
  s.slabs.forEach((slab, n) => {
    expect(integrate(s.cells.grid, slab)).toAgree(mass, { rtol: 1e-13 });
    expect(slab.every((v) => v >= 0)).toBe(true);
    expect(s.speeds[n] as number).toBeLessThanOrEqual(lipschitz * (1 + 1e-12));
    expect(s.primal[n] - s.dual[n]).toBeGreaterThanOrEqual(-1e-9);
    if (n > 0) expect(s.energies[n]).toBeLessThanOrEqual(s.energies[n - 1] + slack);
  });
}

function mean(s: LipschitzFlowSolution, n: number): number {
  const { nodes, spacing } = s.cells.grid.axes[0];
  return s.slabs[n].reduce((sum, v, k) => sum + v * nodes[k] * spacing, 0);
}

/** L¹ distance to the closed form at the end. */
function error(problem: GradientFlow, s: LipschitzFlowSolution): number {
  const exact = problem.exact!.density!(problem.horizon, s.cells.points);
  return integrate(
    s.cells.grid,
    s.slabs.at(-1)!.map((v, k) => Math.abs(v - exact[k])),
  );
}

it("critics of α = 3 are certified where R hardly reaches into the target's tails", async () => {
  const problem = gradientFlow({
    domain: domain({ lower: [-4], upper: [4], ends: ["no-flux"] }),
    horizon: 0.25,
    energy: lipschitzDivergence({
      dimension: 1,
      divergence: alphaDivergence(3),
      lipschitz: 2.59375,
      target: gaussian({ mean: [0], sd: 0.75 }),
    }),
    initial: gaussian({ mean: [-1.5], sd: 0.53125 }),
  });
  laws(await solve(problem, lipschitzFlow({ points: 24 })), 2.59375, 0);
});

describe("C9: Gaussians of equal variance are translated rigidly", () => {
  it.each([
    [0.5, 6],
    [1, 4],
    [3, 2],
  ])("L = %d", async (L, horizon) => {
    const problem = huberFlow({ lipschitz: L, horizon });
    const s = await solve(problem, lipschitzFlow({ points: 256, transport: "muscl" }));
    laws(s, L, 1e-10);
    // The gap curve, within 0.4 % of the initial gap.
    s.times.forEach((t, n) => {
      expect(mean(s, n)).toAgree(huberGap(t, 3, 1, L), { rtol: 0, atol: 0.01 });
      expect(s.energies[n]).toAgree(problem.exact!.energy!(t), { rtol: 0, atol: 0.03 * problem.exact!.energy!(0) });
    });
    // The switch: the mean falls by L Δt a step before; after k steps by (1 − kΔt/s²) of that. Half a step's worth tells when, within a step.
    const switched = (3 - L) / L;
    const step = s.times[1];
    const fall = (n: number) => (mean(s, n - 1) - mean(s, n)) / (L * step);
    const n = Array.from(s.times.keys()).findIndex((k) => k > 0 && fall(k) < 1 - 0.5 * step);
    expect(Math.abs(s.times[n] - switched)).toBeLessThanOrEqual(step * (1 + 1e-9));
    // Rigid: the variance stays that of the start.
    const variance = (k: number) => {
      const { nodes, spacing } = s.cells.grid.axes[0];
      return s.slabs[k].reduce((sum, v, i) => sum + v * (nodes[i] - mean(s, k)) ** 2 * spacing, 0);
    };
    expect(variance(s.slabs.length - 1)).toAgree(variance(0), { rtol: 1e-3 });
  });
  it("the error falls with the step: order 1, level 6e-3 in L¹ at 256 points", async () => {
    const problem = huberFlow({ horizon: 1.5 });
    const errors = [];
    for (const points of [64, 128, 256])
      errors.push(error(problem, await solve(problem, lipschitzFlow({ points, transport: "muscl" }))));
    expect(errors[2]).toBeLessThan(6e-3);
    expect(Math.log2(errors[0] / errors[2]) / 2).toBeGreaterThan(0.9);
  });
});

describe("C10: α = 2 and a uniform target", () => {
  it("an inactive bound reproduces Barenblatt's profile: L¹ and energy", async () => {
    const problem = uniformTarget();
    const errors = [];
    for (const points of [64, 128, 256]) {
      const s = await solve(problem, lipschitzFlow({ points, transport: "muscl" }));
      const L = problem.energy.divergence!.lipschitz;
      laws(s, L, 1e-9);
      // What is inactive: from the first step on nothing but the front's own cell moves at L.
      expect(s.speeds[1] as number).toBeLessThan(L);
      errors.push(error(problem, s));
      expect(s.energies.at(-1)).toAgree(problem.exact!.energy!(problem.horizon), { rtol: 0.8 / points });
    }
    expect(errors[2]).toBeLessThan(2e-3);
    expect(Math.log2(errors[0] / errors[2]) / 2).toBeGreaterThan(0.9);
  });
  it("a smaller L holds the front: no faster than L", async () => {
    const problem = uniformTarget({ lipschitz: 2 });
    const s = await solve(problem, lipschitzFlow({ points: 256, transport: "muscl" }));
    laws(s, 2, 1e-9);
    const { nodes, spacing } = s.cells.grid.axes[0];
    // Where the last thousandth of the mass begins.
    const front = (slab: Float64Array): number => {
      let tail = 0;
      for (let k = slab.length - 1; k > 0; k--) {
        const before = tail;
        tail += slab[k] * spacing;
        if (tail > 1e-3) return nodes[k] + spacing * (0.5 - (1e-3 - before) / (tail - before));
      }
      return Number.NaN;
    };
    const moved = front(s.slabs.at(-1)!) - front(s.slabs[0]);
    expect(moved).toBeLessThanOrEqual(2 * problem.horizon + spacing);
    expect(moved).toBeGreaterThan(0.9 * 2 * problem.horizon);
  });
});

it("C12: (D(tₙ) − D(tₙ₊₁))/Δt → I, first order in the mean over the steps", async () => {
  const errors: number[] = [];
  for (const points of [64, 128, 256]) {
    const s = await solve(huberFlow({ gap: 1.5, horizon: 1 }), lipschitzFlow({ points, transport: "muscl" }));
    const whole = s.dissipations.slice(1).reduce((sum: number, v) => sum + (v as number), 0);
    errors.push(s.identityErrors.reduce((sum, e) => sum + Math.abs(e), 0) / whole);
    // D is convex: the fall is at least what the new critic says.
    for (const e of s.identityErrors) expect(e).toBeGreaterThanOrEqual(-1e-6);
  }
  expect(errors[2]).toBeLessThan(0.02);
  expect(Math.log2(errors[0] / errors[2]) / 2).toBeGreaterThan(0.9);
});

it("C11: for large L it is the Fokker–Planck flow", async () => {
  const box = domain({ lower: [-5], upper: [5], ends: ["no-flux"] });
  const [target, initial] = [gaussian({ mean: [0] }), gaussian({ mean: [0.5], sd: 0.7 })];
  const limit = await solve(
    fokkerPlanckProblem({ domain: box, horizon: 0.3, diffusion: 1, potential: "x^2/2", initial }),
    fokkerPlanck({ points: 80, steps: 200, time: "crank-nicolson" }),
  );
  const s = await solve(
    gradientFlow({
      domain: box,
      horizon: 0.3,
      initial,
      energy: lipschitzDivergence({ dimension: 1, divergence: kullbackLeibler(), lipschitz: 12, target }),
    }),
    lipschitzFlow({ points: 80, transport: "muscl" }),
  );
  laws(s, 12, 1e-9);
  const apart = integrate(
    s.cells.grid,
    s.slabs.at(-1)!.map((v, k) => Math.abs(v - limit.slabs.at(-1)![k])),
  );
  expect(apart).toBeLessThan(6e-3);
  // The closed form of the variance: C' = 2 − 2C.
  const variance = 1 + (0.49 - 1) * Math.exp(-0.6);
  const m = mean(s, s.slabs.length - 1);
  const { nodes, spacing } = s.cells.grid.axes[0];
  expect(m).toAgree(0.5 * Math.exp(-0.3), { rtol: 5e-3 });
  expect(s.slabs.at(-1)!.reduce((sum, v, k) => sum + v * (nodes[k] - m) ** 2 * spacing, 0)).toAgree(variance, {
    rtol: 1e-2,
  });
});

it("why the critic is that of the moved mass: the critic of the old mass roughens at L Δt = h/2, where nothing regularises", async () => {
  const L = 3;
  const c = cells(domain({ lower: [-6], upper: [7], ends: ["no-flux"] }), 128);
  const h = c.grid.axes[0].spacing;
  const on = (m: number): Float64Array => {
    const w = gaussian({ mean: [m] }).logDensity!(c.points).map((v) => Math.exp(v) * h);
    const sum = w.reduce((s, x) => s + x, 0);
    return w.map((x) => x / sum);
  };
  const plan = cellCritic({ cells: c, target: on(0), divergence: kullbackLeibler(), lipschitz: L });
  const dt = h / (2 * L);
  let p = on(1);
  let rises = 0;
  let last = Infinity;
  for (let t = 0; t < 0.5; t += dt) {
    const { velocity, objective } = await plan.solve(p);
    if ((objective.dual as number) > last + 1e-9) rises++;
    last = objective.dual as number;
    const moved = velocity[0].map((v, k) => (v === 0 ? 0 : (dt / h) * v * (v > 0 ? p[k] : p[k + 1])));
    p = p.map((v, k) => v - moved[k] + (k > 0 ? moved[k - 1] : 0));
  }
  const rough = (m: Float64Array) =>
    m.reduce((sum, v, k) => sum + (k > 0 && k < 127 ? Math.abs(m[k + 1] - 2 * v + m[k - 1]) : 0), 0);
  expect(rises).toBeGreaterThan(0);
  expect(rough(p)).toBeGreaterThan(1);
  const s = await solve(huberFlow({ gap: 1, lipschitz: L, horizon: 0.5 }), lipschitzFlow({ points: 128 }));
  laws(s, L, 1e-9);
  expect(rough(s.slabs.at(-1)!.map((v) => v * h))).toBeLessThan(0.02);
});

describe("positivity", () => {
  it("on the line at cfl 1, also where a cell loses to both sides: the critic of the moved mass sees to it", async () => {
    const s = await solve(
      bimodalTarget({ lipschitz: 4, horizon: 0.3 }),
      lipschitzFlow({ points: 96, cfl: 1, transport: "muscl" }),
    );
    laws(s, 4, 1e-9);
    expect(s.counts.halved).toBe(0);
  });
  it("in the plane a critic that is far from converged would take more than a cell holds: the step is halved, and both are told", async () => {
    const problem = gradientFlow({
      domain: domain({ lower: [-1, -1], upper: [1, 1], ends: "no-flux" }),
      horizon: 1,
      initial: (x) => (Math.hypot(x[0], x[1]) < 0.15 ? 1 : 0),
      energy: lipschitzDivergence({
        dimension: 2,
        divergence: kullbackLeibler(),
        lipschitz: 1,
        target: "0.01 + x^2 + y^2",
      }),
    });
    const s = await solve(problem, lipschitzFlow({ points: 9, cfl: 1, maxIterations: 2 }), { onFailure: "return" });
    expect(s.counts.halved).toBeGreaterThan(0);
    expect(s.status.converged).toBe(false);
    expect(s.status.text).toMatch(/^a critic of the \d+ steps did not converge; stalled/);
    expect(s.times.at(-1)).toBe(1);
    // Halved steps grow back.
    const steps = Array.from(s.times.slice(1), (t, n) => t - s.times[n]);
    expect(steps.some((v, n) => v > 1.5 * steps[n - 1])).toBe(true);
    s.slabs.forEach((slab) => {
      expect(slab.every((v) => v >= 0)).toBe(true);
      expect(integrate(s.cells.grid, slab)).toAgree(1, { rtol: 1e-13 });
    });
  });
});

describe("W₁ flow, the limit of small L", () => {
  const box = domain({ lower: [-1], upper: [4], ends: ["no-flux"] });
  const bump = (a: number) => (x: Float64Array) => (x[0] > a && x[0] < a + 1 ? 1 : 0);
  it("U[0, 1] → U[2, 3]: W₁ = 2 − t", async () => {
    const s = await solve(
      gradientFlow({
        domain: box,
        horizon: 0.8,
        initial: bump(0),
        energy: transportTo({ dimension: 1, order: 1, target: bump(2) }),
      }),
      lipschitzFlow({ points: 200 }),
    );
    laws(s, 1, 1e-9);
    s.times.forEach((t, n) => {
      expect(s.energies[n]).toAgree(2 - t, { rtol: 0, atol: 1e-6 });
    });
  });
  it("D^L/L → W₁ along the flow, in the time t L", async () => {
    const L = 1e-3;
    const flow = (e: GradientFlow["energy"], horizon: number) =>
      solve(
        gradientFlow({ domain: box, horizon, initial: gaussian({ mean: [1], sd: 0.4 }), energy: e }),
        lipschitzFlow({ points: 64 }),
      );
    const target = gaussian({ mean: [2], sd: 0.5 });
    const limit = await flow(transportTo({ dimension: 1, order: 1, target }), 0.5);
    const small = await flow(
      lipschitzDivergence({ dimension: 1, divergence: kullbackLeibler(), lipschitz: L, target }),
      0.5 / L,
    );
    expect((small.energies.at(-1) as number) / L).toAgree(limit.energies.at(-1) as number, { rtol: 2e-3 });
  });
});

describe("other divergences, walls, rings, obstacles", () => {
  it.each([alphaDivergence(5), alphaDivergence(0.5), reverseKullbackLeibler(), jensenShannon()])(
    "bimodal target, $name",
    async (divergence) => {
      const s = await solve(bimodalTarget({ divergence, horizon: 0.6 }), lipschitzFlow({ points: 64 }));
      laws(s, 1, 1e-5);
      expect(s.energies.at(-1) as number).toBeLessThan(0.8 * s.energies[0]);
    },
  );
  it.each([
    ["no-flux", 3, 30],
    ["no-flux", 6, 300],
    ["periodic", 6, 300],
    ["periodic", 6, 1e4],
  ] as const)(
    "every critic converges where α > 2 and L × length are large: %s, α = %d, L = %d",
    async (ends, alpha, L) => {
      const problem = gradientFlow({
        domain: domain({ lower: [-2], upper: [2], ends }),
        horizon: 0.5 / L,
        energy: lipschitzDivergence({
          dimension: 1,
          divergence: alphaDivergence(alpha),
          lipschitz: L,
          target: "exp(-(x - 0.7)^2/0.05) + 0.5*exp(-(x + 0.2)^2/0.02) + 0.001",
        }),
        initial: "exp(-(x + 0.8)^2/0.1)",
      });
      const s = await solve(problem, lipschitzFlow({ points: 64 }));
      laws(s, L, 2e-5);
    },
  );
  it("a ring: across the seam", async () => {
    const ring = domain({ lower: [0], upper: [2], ends: ["periodic"] });
    const problem = gradientFlow({
      domain: ring,
      horizon: 0.5,
      initial: "1 + 0.9*cos(3.141592653589793*(x - 0.1))",
      energy: lipschitzDivergence({
        dimension: 1,
        divergence: kullbackLeibler(),
        lipschitz: 1,
        target: "1 + 0.9*cos(3.141592653589793*(x + 0.1))",
      }),
    });
    const s = await solve(problem, lipschitzFlow({ points: 64 }));
    laws(s, 1, 1e-9);
    expect(s.energies.at(-1) as number).toBeLessThan(0.2 * s.energies[0]);
  });
  it("equilibrium is kept", async () => {
    const target = gaussian({ mean: [0] });
    const problem = gradientFlow({
      domain: domain({ lower: [-5], upper: [5], ends: ["no-flux"] }),
      horizon: 1,
      initial: target,
      energy: lipschitzDivergence({ dimension: 1, divergence: kullbackLeibler(), lipschitz: 1, target }),
    });
    const s = await solve(problem, lipschitzFlow({ points: 64 }));
    expect(s.slabs.at(-1)).toAgree(s.slabs[0], { rtol: 0, atol: 1e-6 });
    expect(s.energies[0]).toAgree(0, { atol: 1e-10 });
  });
});

describe("in the plane", () => {
  it("the Huber flow translates: mean within 1 % of the gap", async () => {
    const problem = huberFlow({ dimension: 2, gap: 2, horizon: 0.5 });
    const s = await solve(problem, lipschitzFlow({ points: [32, 24] }));
    laws(s, 1, 3e-3);
    let first = 0;
    s.slabs.at(-1)!.forEach((v, k) => {
      first += v * s.cells.points[2 * k] * s.cells.grid.cellVolume;
    });
    expect(first).toAgree(huberGap(0.5, 2, 1, 1), { rtol: 0, atol: 0.02 });
  });
  it("… and in space, within the gap", async () => {
    const s = await solve(
      huberFlow({ dimension: 3, gap: 2, horizon: 0.4 }),
      lipschitzFlow({ points: [12, 8, 8], tolerance: 1e-2 }),
    );
    laws(s, 1, 2e-2);
    expect(s.energies.at(-1) as number).toBeLessThan(s.energies[0] - 0.25);
  });
  it.each(["circles", "point"] as const)("singular target, %s: finite, positive, speed ≤ L", async (target) => {
    const s = await solve(singularTarget({ target, horizon: 0.3 }), lipschitzFlow({ points: 24 }));
    laws(s, 1, 3e-3);
    expect(Number.isFinite(s.energies[0])).toBe(true);
    expect(s.slabs.at(-1)!.every((v) => v > 0)).toBe(true);
    expect(s.energies.at(-1) as number).toBeLessThan(0.85 * s.energies[0]);
  });
  it("… and without L it is ill-posed, told before any work", async () => {
    await expect(
      solve(singularTarget({ lipschitz: Infinity }), lipschitzFlow()),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[SolveError: solve: problem singular-target is ill-posed: the target has no density and nothing regularises the divergence: D is infinite; set a finite lipschitz.]`,
    );
  });
  it("Old Faithful, and round an obstacle", async () => {
    const s = await solve(oldFaithfulFlow({ horizon: 0.3 }), lipschitzFlow({ points: 24 }));
    laws(s, 1, 3e-3);
    const walled = gradientFlow({
      domain: domain({
        lower: [-2, -2],
        upper: [2, 2],
        ends: "no-flux",
        obstacle: (x) => Math.abs(x[0]) < 0.4 && Math.abs(x[1]) < 0.8,
      }),
      horizon: 0.3,
      initial: gaussian({ mean: [-1.2, 0], sd: 0.3 }),
      energy: lipschitzDivergence({
        dimension: 2,
        divergence: alphaDivergence(2),
        lipschitz: 1,
        target: gaussian({ mean: [1.2, 0], sd: 0.5 }),
      }),
    });
    laws(await solve(walled, lipschitzFlow({ points: 16, tolerance: 5e-3 })), 1, 1e-2);
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
  it("of options", () => {
    expect(message(() => lipschitzFlow({ points: 3 }))).toMatchInlineSnapshot(
      `"lipschitzFlow: points must be an integer ≥ 4, or one for each axis; got 3. Use points: 64 to start."`,
    );
    expect(message(() => lipschitzFlow({ steps: 0 }))).toMatchInlineSnapshot(
      `"lipschitzFlow: steps must be "cfl" or an integer ≥ 1; got 0. Use steps: "cfl"."`,
    );
    expect(message(() => lipschitzFlow({ cfl: 2 }))).toMatchInlineSnapshot(
      `"lipschitzFlow: cfl must be in (0, 1]; got 2. Use cfl: 0.5."`,
    );
    expect(message(() => lipschitzFlow({ transport: "central" as "muscl" }))).toMatchInlineSnapshot(
      `"lipschitzFlow: transport must be "upwind" or "muscl"; got "central". Use transport: "upwind"."`,
    );
    expect(message(() => lipschitzFlow({ tolerance: 1 }))).toMatchInlineSnapshot(
      `"lipschitzFlow: tolerance must be in (0, 1); got 1. Leave it out."`,
    );
    expect(message(() => lipschitzFlow({ targetSamples: 0 }))).toMatchInlineSnapshot(
      `"lipschitzFlow: targetSamples must be an integer ≥ 1; got 0. Leave it out."`,
    );
  });
  it("of problems it does not handle", () => {
    const box = domain({ lower: [-1], upper: [1], ends: ["no-flux"] });
    const flow = (e: GradientFlow["energy"]) => gradientFlow({ domain: box, initial: 0.5, energy: e });
    const target = gaussian({ mean: [0], sd: 0.2 });
    const solver = lipschitzFlow();
    expect(
      [
        flow(energy({ dimension: 1, internal: entropy() })),
        flow(transportTo({ dimension: 1, order: 2, target })),
        flow(lipschitzDivergence({ dimension: 1, divergence: kullbackLeibler(), lipschitz: Infinity, target })),
      ].map((p) => solver.handles(p)),
    ).toMatchInlineSnapshot(`
      [
        "the energy is no Lipschitz-regularised divergence; use porousMedium() or jko()",
        "the energy is ½W₂²; use jko()",
        "L is ∞, and nothing bounds the speed; use porousMedium(), or write KL as a Fokker–Planck problem for fokkerPlanck()",
      ]
    `);
    expect(solver.handles(singularTarget())).toBe(true);
  });
  it("of steps that break the CFL condition, and targets inside walls", async () => {
    await expect(
      solve(huberFlow(), lipschitzFlow({ points: 64, steps: 5 })),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: lipschitzFlow: steps must be ≥ 18 so that L Δt Σ 1/h ≤ 1; got 5. Use steps: "cfl", or fewer points.]`,
    );
    const blocked = gradientFlow({
      domain: domain({ lower: [-3, -3], upper: [3, 3], ends: "no-flux", obstacle: (x) => x[0] > 0 }),
      initial: 1,
      energy: singularTarget().energy,
    });
    await expect(solve(blocked, lipschitzFlow({ points: 8 }))).rejects.toThrow(
      /^lipschitzFlow: the target must lie in the open part of the domain; got \[/,
    );
  });
});
