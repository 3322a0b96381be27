// Gradient flows of an entropy and a potential solved as Fokker–Planck equations: the Gaussian flow (C11), equilibria, the energy's identity,
// and the same numbers as the equation itself.
import { describe, expect, test, vi } from "vitest";
import {
  divergenceTo,
  doubleWell,
  energy,
  entropy,
  fokkerPlanckProblem,
  gaussianFlow,
  gradientFlow,
  kellerSegel,
  lipschitzDivergence,
  power,
} from "../../../../problems/index.js";
import { type FokkerPlanckSolverOptions, fokkerPlanck } from "../../../../solvers/grid/fokker-planck/fokker-planck.js";
import { porousMedium } from "../../../../solvers/grid/gradient-flow/index.js";
import { domain } from "../../../../src/grid/index.js";
import { gaussian, kullbackLeibler } from "../../../../src/measure/index.js";
import { solve } from "../../../../src/solve.js";
import { orderOf } from "../../../../src/verify/index.js";

const last = <T>(list: ArrayLike<T>): T => list[list.length - 1];

describe("Gaussian flow (C11)", () => {
  test("density and energy, order 2 with Crank–Nicolson", async () => {
    const problem = gaussianFlow();
    const counts = [40, 80, 160];
    const errors: number[] = [];
    for (const points of counts) {
      const s = await solve(problem, fokkerPlanck({ points, steps: points / 4, time: "crank-nicolson" }), {
        onFailure: "return",
      });
      const exact = problem.exact?.density?.(1, s.cells.points) as Float64Array;
      errors.push(exact.reduce((sum, v, k) => sum + Math.abs(v - last(s.slabs)[k]), 0) * s.cells.grid.cellVolume);
      if (points === 160) {
        const E = problem.exact?.energy as (t: number) => number;
        for (const n of [0, 20, 40]) expect(s.energies?.[n]).toAgree(E(s.times[n]), { rtol: 3e-3 });
        // dE/dt = −I
        const slope = (E(0.501) - E(0.499)) / 0.002;
        expect(s.dissipations?.[20]).toAgree(-slope, { rtol: 5e-3 });
      }
    }
    expect(orderOf(counts, errors)).toBeGreaterThan(1.9);
    expect(last(errors)).toBeLessThan(1e-3);
  });

  test.each([2, 3])("%d-D, implicit Euler: the identity of the energy, mass", async (dimension) => {
    const problem = gaussianFlow({ dimension, horizon: 0.5 });
    const s = await solve(problem, fokkerPlanck({ points: dimension === 2 ? 48 : 24, steps: 8 }));
    const identity = s.histories.find((h) => h.name === "energy identity")?.values as number[];
    expect(identity.length).toBe(8);
    expect(Math.max(...identity)).toBeLessThan(1e-9);
    const energies = s.energies as number[];
    for (let n = 1; n < energies.length; n++) expect(energies[n]).toBeLessThan(energies[n - 1]);
    const mass = s.histories.find((h) => h.name === "mass")?.values as number[];
    for (const m of mass) expect(Math.abs(m - 1)).toBeLessThan(1e-13);
    expect(last(energies)).toAgree(problem.exact?.energy?.(0.5) as number, { rtol: 0.25 });
  });
});

test.each(["implicit-euler", "crank-nicolson", "bdf2"] as const)("%s keeps the equilibrium", async (time) => {
  const s = await solve(
    gradientFlow({
      domain: domain({ lower: [-2, -1], upper: [2, 1], ends: ["no-flux", "no-flux"] }),
      energy: energy({ dimension: 2, internal: entropy(0.3), potential: "x^4/4 - x^2/2 + x*y + y^2" }),
      initial: "exp(-(x^4/4 - x^2/2 + x*y + y^2)/0.3)",
    }),
    fokkerPlanck({ points: 24, steps: 8, time }),
  );
  expect(last(s.slabs)).toAgree(s.slabs[0], { rtol: 0, atol: 1e-14 });
  for (const I of s.dissipations ?? []) expect(Math.abs(I ?? 1)).toBeLessThan(1e-12);
});

test("the numbers are those of the equation, and δE/δρ is flat at the end", async () => {
  const options: FokkerPlanckSolverOptions = { points: 96, steps: 40 };
  const flow = doubleWell({ diffusion: 0.3, horizon: 40 });
  const s = await solve(flow, fokkerPlanck(options));
  const same = await solve(
    fokkerPlanckProblem({
      domain: flow.domain,
      horizon: 40,
      diffusion: 0.3,
      potential: "(x^2 - 1)^2/4",
      initial: gaussian({ mean: [-1], sd: 0.2 }),
    }),
    fokkerPlanck(options),
  );
  expect(last(s.slabs)).toEqual(last(same.slabs));
  expect(same.energies).toBeNull();
  const x = Float64Array.from([-1.5, -1, 0, 1, 1.5]);
  const xi = s.value(40, x);
  for (const v of xi) expect(v).toAgree(xi[0], { rtol: 0, atol: 2e-3 });
  for (const v of s.velocity(40, x)) expect(Math.abs(v)).toBeLessThan(0.01);
});

test("a target or a potential that cannot be used is named before any step", async () => {
  const box = domain({ lower: [-5], upper: [5], ends: "no-flux" });
  const flow = (e: ReturnType<typeof energy>) => gradientFlow({ domain: box, energy: e, initial: 1 });
  const steps = vi.fn();
  const refusal = (e: ReturnType<typeof energy>): Promise<string> =>
    solve(flow(e), fokkerPlanck({ points: 64, steps: 4 }), { onProgress: steps }).then(
      () => "solved",
      (error: Error) => error.message,
    );
  expect([
    // Its logarithm is finite everywhere, the density itself is not > 0.
    await refusal(
      lipschitzDivergence({
        dimension: 1,
        divergence: kullbackLeibler(),
        lipschitz: Infinity,
        target: gaussian({ mean: [0], sd: 0.1 }),
      }),
    ),
    await refusal(energy({ dimension: 1, internal: divergenceTo(kullbackLeibler(), (x) => Math.max(0, x[0]), 1) })),
    await refusal(energy({ dimension: 1, internal: entropy(), potential: "1/(x + 4.921875)" })),
  ]).toMatchInlineSnapshot(`
    [
      "energyOnCells: the target density at x = (-4.921875) must be finite and > 0; got 0. Shrink the box to where the target has mass, or use lipschitzDivergence().",
      "energyOnCells: the target density at x = (-4.921875) must be finite and > 0; got 0. Shrink the box to where the target has mass, or use lipschitzDivergence().",
      "energyOnCells: the potential at x = (-4.921875) must be finite; got Infinity. Shrink the box.",
    ]
  `);
  expect(steps).not.toHaveBeenCalled();
});

test("the centred flux without diffusion is refused for a flow too", () => {
  const flow = gradientFlow({
    domain: domain({ lower: [-1], upper: [1], ends: "no-flux" }),
    energy: energy({ dimension: 1, potential: "x^2/2" }),
    initial: 1,
  });
  expect(fokkerPlanck({ flux: "central" }).handles(flow)).toBe(
    "the centred flux without diffusion is unstable; use flux: upwind or scharfetter-gummel",
  );
  expect(fokkerPlanck({ flux: "upwind" }).handles(flow)).toBe(true);
});

test("empty cells count in the dissipation: ∞ for an entropy, which is not measured, V for a potential", async () => {
  const flow = (e: ReturnType<typeof energy>) =>
    gradientFlow({
      domain: domain({ lower: [-1], upper: [1], ends: "no-flux" }),
      horizon: 0.1,
      energy: e,
      initial: (x) => (Math.abs(x[0] - 0.3) < 0.25 ? 2 : 0),
    });
  const heat = await solve(flow(energy({ dimension: 1, internal: entropy() })), fokkerPlanck({ points: 32, steps: 4 }));
  expect(heat.dissipations?.[0]).toBeNull();
  expect(heat.dissipations?.[1]).toBeGreaterThan(0);
  const fall = flow(energy({ dimension: 1, potential: "x" }));
  const s = await solve(fall, fokkerPlanck({ points: 32, steps: 4 }));
  // Speed 1 everywhere: I is the mass, and the energy falls by it.
  for (const I of s.dissipations ?? []) expect(I).toAgree(1, { rtol: 1e-6 });
  expect(Math.max(...(s.histories.find((h) => h.name === "energy identity")?.values ?? [1]))).toBeLessThan(1e-14);
});

test("as many steps as a call stack is deep", async () => {
  const flow = gradientFlow({
    domain: domain({ lower: [0], upper: [1], ends: "no-flux" }),
    energy: energy({ dimension: 1, internal: entropy() }),
    initial: "1 + x",
  });
  const options = { points: 4, steps: 140_000 };
  expect((await solve(flow, fokkerPlanck(options))).counts.steps).toBe(options.steps);
  expect((await solve(flow, porousMedium({ ...options, scheme: "rkl2" }))).counts.steps).toBe(options.steps);
});

test("flows that are not linear are refused with a cure", () => {
  const flow = (e: ReturnType<typeof energy>) =>
    gradientFlow({ domain: domain({ lower: [0], upper: [1], ends: "no-flux" }), energy: e, initial: 1 });
  const solver = fokkerPlanck();
  const target = gaussian({ mean: [0.5], sd: 0.1 });
  expect([
    solver.handles(flow(energy({ dimension: 1, internal: power(2) }))),
    solver.handles(kellerSegel()),
    solver.handles(flow(energy({ dimension: 1, internal: entropy(), cap: 2 }))),
    solver.handles(flow(lipschitzDivergence({ dimension: 1, divergence: kullbackLeibler(), lipschitz: 1, target }))),
    solver.handles(
      flow(lipschitzDivergence({ dimension: 1, divergence: kullbackLeibler(), lipschitz: Infinity, target })),
    ),
  ]).toMatchInlineSnapshot(`
    [
      "the flow is no linear equation: its energy is more than an entropy and a potential; use porousMedium()",
      "the flow is no linear equation: its energy is more than an entropy and a potential; use porousMedium()",
      "the density is capped; use jko()",
      "the energy is regularised by transport; use lipschitzFlow() or jko()",
      true,
    ]
  `);
});
