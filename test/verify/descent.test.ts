// Laws of gradient flows: they hold for good solutions, each catches a solution that was tampered with, and what cannot be measured says why.
import { describe, expect, it } from "vitest";
import {
  barenblatt,
  energy,
  entropy,
  type GradientFlow,
  gaussianFlow,
  gradientFlow,
  huberFlow,
  type LawInput,
  lipschitzDivergence,
  power,
  transportTo,
  wallDrift,
} from "../../problems/index.js";
import { fokkerPlanck, jko, lipschitzFlow, particleGradientFlow, porousMedium } from "../../solvers/index.js";
import { domain } from "../../src/grid/index.js";
import { gaussian, kullbackLeibler } from "../../src/measure/index.js";
import type { DescentSolution } from "../../src/solution/index.js";
import { solve } from "../../src/solve.js";
import {
  comparisonLaw,
  contractionLaw,
  type DescentLike,
  descentLaws,
  equilibriumKept,
  judge,
  judgeAll,
} from "../../src/verify/index.js";

type Descent = DescentSolution<DescentLike>;

/** A solution with some of its fields replaced. */
const tampered = (solution: Descent, fields: object): Descent => ({ ...solution, ...fields });

const held = async (solution: Descent) => {
  const verdicts = await judgeAll(descentLaws(), solution, { seed: 1, count: 256 });
  const by = (holds: boolean | null) => verdicts.filter((v) => v.holds === holds).map((v) => v.law);
  return { failed: by(false), passed: by(true), verdicts };
};
const failed = async (solution: Descent) => (await held(solution)).failed;
const note = async (solution: Descent, law: string) => (await held(solution)).verdicts.find((v) => v.law === law)?.note;

const heat = gradientFlow({
  domain: domain({ lower: [0], upper: [1], ends: ["no-flux"] }),
  horizon: 0.1,
  energy: energy({ dimension: 1, internal: entropy(), convexity: 0 }),
  initial: "1 + 0.5*cos(2*pi*x)",
});
const grid = (await solve(heat, porousMedium({ points: 32, steps: 40 }))) as unknown as Descent;
const regular = (await solve(huberFlow({ horizon: 1 }), lipschitzFlow({ points: 64 }))) as unknown as Descent;
const particles = (await solve(
  huberFlow({ horizon: 1 }),
  particleGradientFlow({ count: 60, steps: 20 }),
)) as unknown as Descent;

describe("good solutions", () => {
  it.each([
    ["porous medium", grid],
    ["Lipschitz flow", regular],
    ["particles", particles],
  ])("every law that can be asked holds: %s", async (_, solution) => {
    const { failed, passed } = await held(solution);
    expect(failed).toEqual([]);
    expect(passed.length).toBeGreaterThanOrEqual(6);
  });
  it("Fokker–Planck and minimising movements, ½W₂² among them", async () => {
    const ou = gaussianFlow({ horizon: 0.5 });
    const toTarget = gradientFlow({
      domain: domain({ lower: [-5], upper: [5], ends: ["no-flux"] }),
      energy: transportTo({ dimension: 1, order: 2, target: gaussian({ mean: [0] }) }),
      initial: gaussian({ mean: [1], sd: 0.5 }),
    });
    for (const s of [
      await solve(ou, fokkerPlanck({ points: 64, steps: 40 })),
      await solve(ou, jko({ points: 64 })),
      await solve(toTarget, jko({ points: 48 })),
    ]) {
      const { failed, verdicts } = await held(s as unknown as Descent);
      expect(failed).toEqual([]);
      for (const law of ["energy falls", "dissipation identity", "v = −∇U", "paths follow the density"])
        expect(verdicts.find((v) => v.law === law)?.holds, law).toBe(true);
    }
  });
  it("two paths may happen to lie close together: that is no fault", async () => {
    const s = await solve(barenblatt(), porousMedium({ points: 64, steps: 32 }));
    const law = descentLaws().find(({ name }) => name === "paths follow the density")!;
    for (let seed = 0; seed < 40; seed++)
      expect((await judge(law, s as unknown as Descent, { seed, count: 2 })).holds, `seed ${seed}`).toBe(true);
  });
  it("closed forms are reported: Barenblatt and Huber", async () => {
    const s = await solve(barenblatt(), porousMedium({ points: 64, steps: 32 }));
    const verdicts = await judgeAll(descentLaws(), s as unknown as Descent);
    expect(verdicts.find((v) => v.law === "closed form")?.value).toBeLessThan(0.1);
    const energies = (await held(regular)).verdicts.find((v) => v.law === "energy, closed form");
    expect(energies?.holds).toBeNull();
    expect(energies?.value).toBeLessThan(0.05);
  });
});

describe("each law catches its own fault", () => {
  const slabs = (grid as unknown as { slabs: readonly Float64Array[] }).slabs;

  it("mass that is lost, and mass below 0", async () => {
    expect(await failed(tampered(grid, { slabs: slabs.map((s, n) => s.map((v) => v * (1 - 1e-6 * n))) }))).toEqual([
      "mass",
    ]);
    const below = slabs.map((s, n) => (n === 3 ? s.map((v, k) => v + (k === 0 ? -3 : k === 1 ? 3 : 0)) : s));
    expect(await failed(tampered(grid, { slabs: below }))).toEqual(["created mass"]);
  });
  it("an energy that rises", async () => {
    const { energies } = grid;
    const risen = energies.map((e, n) => (n === 30 ? energies[29] + 1e-4 * (energies[0] - energies[29]) : e));
    expect(await failed(tampered(grid, { energies: risen }))).toContain("energy falls");
    expect(await failed(tampered(particles, { energies: particles.energies.map((_, n) => n) }))).toEqual([]);
  });
  it("a dissipation that is not the energy's: twice, half, an energy with a factor", async () => {
    for (const factor of [0.5, 2])
      for (const s of [grid, regular])
        expect(
          await failed(tampered(s, { dissipations: s.dissipations.map((I) => (I === null ? null : factor * I)) })),
        ).toContain("dissipation identity");
  });
  it("a speed above L", async () => {
    for (const s of [regular, particles])
      expect(await failed(tampered(s, { speeds: s.speeds.map((v) => (v === null ? null : 1.01 * v)) }))).toEqual([
        "speed ≤ L",
      ]);
  });
  it("a critic that is too steep, or says so", async () => {
    const critic = particles.critic!;
    const steep = {
      value: (x: Float64Array) => critic.value(x).map((v) => 1.1 * v),
      gradient: critic.gradient,
      certifiedLipschitz: 1,
    };
    expect(await failed(tampered(particles, { critic: steep }))).toEqual(["Lipschitz audit"]);
    expect(await failed(tampered(particles, { critic: { ...critic, certifiedLipschitz: 1.1 } }))).toEqual([
      "Lipschitz certificate",
    ]);
  });
  it("a velocity that is not −∇U", async () => {
    for (const s of [grid, regular, particles]) {
      const velocity = (t: number, x: Float64Array) => s.velocity(t, x).map((v) => 1.2 * v);
      expect(await failed(tampered(s, { velocity }))).toEqual(["v = −∇U"]);
    }
  });
  it("paths that stay behind the density", async () => {
    const trajectories = (options: object) => {
      const paths = regular.trajectories(options);
      const size = paths.count * paths.dimension;
      return { ...paths, positions: paths.positions.map((_, i) => paths.positions[i % size]) };
    };
    expect(await failed(tampered(regular, { trajectories }))).toEqual(["paths follow the density"]);
  });
  it("a gap that is left open", async () => {
    expect(await failed(tampered(regular, { objective: { primal: 1, dual: 0.9, gap: 0.1 } }))).toEqual(["duality gap"]);
  });
  it("an equilibrium that moves", async () => {
    const target = gaussian({ mean: [0] });
    const still = gradientFlow({
      domain: domain({ lower: [-5], upper: [5], ends: ["no-flux"] }),
      energy: lipschitzDivergence({ dimension: 1, divergence: kullbackLeibler(), lipschitz: 1, target }),
      initial: target,
    });
    const s = await solve(still, lipschitzFlow({ points: 48, steps: 20 }));
    expect(await judge(equilibriumKept(), s as unknown as Descent)).toMatchObject({ holds: true });
    const moved = s.slabs.map((slab, n) =>
      n === 0 ? slab : Float64Array.from(slab, (_, k) => slab[Math.max(0, k - 1)]),
    );
    expect(await judge(equilibriumKept(), tampered(s as unknown as Descent, { slabs: moved }))).toMatchObject({
      holds: false,
    });
    // The same for an energy whose equilibrium is told: entropy in a well.
    const well = gradientFlow({
      domain: domain({ lower: [-3], upper: [3], ends: ["no-flux"] }),
      energy: energy({ dimension: 1, internal: entropy(), potential: "x^2/2" }),
      initial: "exp(-x^2/2)",
    });
    const gibbs = equilibriumKept((x) => x.map((v) => Math.exp(-0.5 * v * v)), 1e-9);
    const rest = await solve(well, porousMedium({ points: 32, steps: 10 }));
    expect(await judge(gibbs, rest as unknown as Descent)).toMatchObject({ holds: true });
    expect(await judge(gibbs, grid)).toMatchObject({ value: null, note: "the flow does not start at its equilibrium" });
  });
});

describe("what cannot be measured says why", () => {
  it("in a sentence", async () => {
    expect(await note(grid, "speed ≤ L")).toBe("nothing bounds the speed of this flow");
    expect(await note(grid, "energy rise")).toBe("grid schemes are judged by energy falls");
    expect(await note(grid, "equilibrium kept")).toBe("no equilibrium of this flow is given");
    expect(await note(grid, "energy, closed form")).toBe("no closed form of the energy is known");
    expect(await note(particles, "mass")).toBe("this family keeps no density on a grid");
    expect(await note(particles, "energy falls")).toBe(
      "the critic is frozen over a step, so a rise of O(Δt) is legitimate; it is reported as energy rise",
    );
    expect(await note(particles, "dissipation identity")).toBe(
      "E and I are those of samples; see dissipation, trapezoids",
    );
    expect(await note(particles, "equilibrium kept")).toBe("samples of an equilibrium are not one");
    expect(await note(regular, "equilibrium kept")).toBe("the flow does not start at its equilibrium");
    expect(await note(tampered(grid, { dissipations: grid.energies.map(() => null) }), "dissipation identity")).toBe(
      "this solution measures no dissipation",
    );
    expect(await note(tampered(grid, { energies: grid.energies.map(() => 1) }), "dissipation identity")).toBe(
      "the energy does not change",
    );
    expect(await note(tampered(regular, { speeds: regular.speeds.map(() => null) }), "speed ≤ L")).toBe(
      "this solution measures no speeds",
    );
    expect(await note(tampered(regular, { critic: null }), "Lipschitz audit")).toBe("this family has no critic");
    const uncertified = tampered(regular, { critic: { ...regular.critic, certifiedLipschitz: null } });
    expect(await note(uncertified, "Lipschitz certificate")).toBe("the critic carries no certificate");
    expect(await note(uncertified, "Lipschitz audit")).toBe(
      "the critic carries no certificate; see Lipschitz audit, between cells",
    );
    const between = (await judgeAll(descentLaws(), uncertified)).find(
      (v) => v.law === "Lipschitz audit, between cells",
    );
    expect([between?.holds, (between?.value ?? 0) > 0.5]).toEqual([null, true]);
    expect(await note(regular, "Lipschitz audit, between cells")).toBe(
      "a certified critic is judged by Lipschitz audit",
    );
  });
});

describe("pairs", () => {
  const well = (initial: LawInput, mass: number | null = 1): GradientFlow =>
    gradientFlow({
      domain: domain({ lower: [-4], upper: [4], ends: ["no-flux"] }),
      horizon: 1,
      energy: energy({ dimension: 1, internal: power(2), potential: "x^2", convexity: 2 }),
      initial,
      mass,
    });
  const run = async (initial: LawInput, mass: number | null = 1) =>
    (await solve(well(initial, mass), porousMedium({ points: 64, steps: 40 }))) as unknown as Descent;

  it("a 2-convex energy contracts by e^{−2t}; a solution that stays where it was does not", async () => {
    const pair = [await run("exp(-4*(x + 1)^2)"), await run("exp(-2*(x - 1.5)^2)")] as const;
    const verdict = await judge(contractionLaw(), pair);
    expect(verdict).toMatchObject({ holds: true });
    expect(verdict.value).toBeGreaterThan(0.5);
    const lazy = tampered(pair[1], { density: () => pair[1].density(0) });
    expect(await judge(contractionLaw(), [pair[0], lazy])).toMatchObject({ holds: false });
    expect(await judge(contractionLaw(), [grid, regular])).toMatchObject({
      note: "the two solutions have different energies",
    });
    expect(await judge(contractionLaw(), [pair[0], pair[0]])).toMatchObject({ note: "the two flows start at one law" });
    expect(await judge(contractionLaw(), [regular, regular])).toMatchObject({
      note: "the energy is not known to be λ-convex",
    });
  });
  it("in the plane, by the transport engine", async () => {
    const flow = (x: number) =>
      gradientFlow({
        domain: domain({ lower: [-2, -2], upper: [2, 2], ends: "no-flux" }),
        horizon: 0.5,
        energy: energy({ dimension: 2, internal: power(2), potential: "(x^2 + y^2)/2", convexity: 1 }),
        initial: `exp(-4*(x - ${x})^2 - 4*y^2)`,
      });
    const solver = porousMedium({ points: 14, steps: 20 });
    const pair = [await solve(flow(0.7), solver), await solve(flow(-0.7), solver)] as unknown as [Descent, Descent];
    const verdict = await judge(contractionLaw(), pair);
    expect(verdict).toMatchObject({ holds: true });
    expect(verdict.value).toBeGreaterThan(0.6);
  });
  it("ordered starts stay ordered; crossed ones are told", async () => {
    const [low, high] = [await run("0.5*exp(-4*x^2)", null), await run("exp(-2*x^2)", null)];
    expect(await judge(comparisonLaw(), [low, high])).toMatchObject({ holds: true });
    expect(await judge(comparisonLaw(), [high, low])).toMatchObject({ note: "the starts are not ordered" });
    const { slabs } = high as unknown as { slabs: readonly Float64Array[] };
    const sunk = tampered(high, { slabs: slabs.map((s, n) => (n < 5 ? s : s.map((v) => 0.3 * v))) });
    expect(await judge(comparisonLaw(), [low, sunk])).toMatchObject({ holds: false });
    expect(await judge(comparisonLaw(), [regular, regular])).toMatchObject({
      note: "a distance to a target compares laws of one mass only",
    });
  });
});

it("laws of gradient flows say of another solution what they need, and measure what every density has", async () => {
  const solution = await solve(wallDrift(), fokkerPlanck({ points: 16, steps: 4 }));
  const verdicts = await judgeAll(descentLaws(), solution as unknown as Descent);
  const of = (name: string) => verdicts.find((v) => v.law === name)!;
  expect(of("mass").holds).toBe(true);
  expect(of("closed form").value).toBeGreaterThan(0);
  for (const name of ["energy falls", "v = −∇U", "equilibrium kept"]) expect(of(name).value).toBe(null);
  expect(of("energy falls").note).toMatchInlineSnapshot(
    `"descentLaws: solution must solve a gradient flow; got "fokker-planck". Use densityLaws() for this one."`,
  );
});
