// Particle fixed point against closed forms (own mean, log coupling), a spectral reference on the circle, and laws of its own.
import { describe, expect, it } from "vitest";
import { meanFieldGame } from "../../../problems/mean-field-game.js";
import { couplingLocal, couplingMean, hamiltonianQuadratic } from "../../../problems/terms/index.js";
import { type ParticleFixedPointOptions, particleFixedPoint } from "../../../solvers/particle/index.js";
import { domain } from "../../../src/grid/index.js";
import { cloud, gaussian, moments } from "../../../src/measure/index.js";
import { solve } from "../../../src/solve.js";
import { gameLaws, judgeAll } from "../../../src/verify/index.js";
import { circle, errorsOf, logGaussian, ownMean } from "./games.js";

const small = { particles: 1000, steps: 20 };

describe("particleFixedPoint", () => {
  it.each([
    [1, 0],
    [1, 1],
    [2, 0],
    [2, 1],
    [10, 0],
  ])("own mean, %i-D, seed %i: feedback up to the mean's standard error, law to its own", async (d, seed) => {
    const known = ownMean(d);
    const s = await solve(known.game, particleFixedPoint(d < 10 ? small : { ...small, steps: 16 }), { seed });
    expect(s.status.text).toMatch(/^converged: feedback changes by /);
    const { a, game, centre, r } = known;
    const { mean, covariance } = moments(s.density(1));
    for (const t of [0, 0.5]) {
      // the curvature has no sampling error: the basis holds u, and f enters through x̄ alone
      const at = (z: number) => s.value(t, new Float64Array(d).fill(z))[0];
      expect((at(centre + 1) + at(centre - 1) - 2 * at(centre)) / d).toAgree(a(t), { rtol: 1e-3 });
      // x̄ differs from the law's by at most √(Var/n): 4 standard errors, and Δt² for the rest
      const se = Math.sqrt(known.variance(0) / small.particles);
      const errors = errorsOf(known, s, t, s.density(t).points);
      expect(errors.velocity).toBeLessThan((4 * se) / Math.sqrt(known.variance(t)) + 1e-3);
      expect(at(centre)).toAgree(r(t), { atol: 1e-3 + 2 * d * se * se * a(t), rtol: 0 });
    }
    // antithetic kicks: variance of an even function as of half the particles
    const spread = known.variance(1) * Math.sqrt(4 / small.particles);
    for (let i = 0; i < d; i++) {
      expect(mean[i]).toAgree(centre, { atol: 4 * Math.sqrt(1.5 / small.particles), rtol: 0 });
      expect(covariance[i * d + i]).toAgree(known.variance(1), { atol: 4 * spread, rtol: 0 });
    }
    expect(s.exploitability![0]).toBeLessThan(1e-2 * d * game.horizon);
  });

  it("is of second order in Δt: curvature at 0 with 5, 10, 20 steps", async () => {
    const { game, a, centre } = ownMean(1);
    const errors: number[] = [];
    for (const steps of [5, 10, 20]) {
      const s = await solve(game, particleFixedPoint({ particles: 200, steps, tolerance: 1e-10 }));
      const u = s.value(0, Float64Array.of(centre - 1, centre, centre + 1));
      errors.push(Math.abs(u[0] - 2 * u[1] + u[2] - a(0)));
    }
    expect(Math.log2(errors[0] / errors[1])).toBeGreaterThan(1.9);
    expect(Math.log2(errors[1] / errors[2])).toBeGreaterThan(1.9);
    expect(errors[2]).toBeLessThan(5e-4);
  });

  it.each([
    [1, 0],
    [1, 1],
    [2, 0],
    [2, 1],
  ])("log coupling, %i-D, seed %i: within 4 times its own sampling error", async (d, seed) => {
    const known = logGaussian(d);
    const s = await solve(known.game, particleFixedPoint({ particles: 2000, steps: 20 }), { seed });
    // ln m̂ of n points: Fisher information n/2 a coordinate's variance, √(2/n) = 3.2 % once; averaging in time gives less
    expect(s.samplingError).toBeLessThan(0.05);
    for (const t of [0, 0.5]) {
      const errors = errorsOf(known, s, t, s.density(t).points);
      expect(errors.velocity).toBeLessThan(0.032 * Math.sqrt(d));
      expect(errors.value).toBeLessThan(0.032 * Math.sqrt(d));
      expect(Math.abs(errors.level)).toBeLessThan(0.01 * d);
    }
    expect(moments(s.density(1)).covariance[0]).toAgree(known.variance(1), {
      atol: 4 * known.variance(1) * Math.sqrt(4 / 2000),
      rtol: 0,
    });
  });

  it.each([0, 1])("circle with f = m² − sin 2πx, seed %i: u(0, ·) to 4 standard errors of 0.003", async (seed) => {
    const { game, value } = circle();
    const s = await solve(game, particleFixedPoint({ particles: 4000, steps: 20, tolerance: 1e-4 }), { seed });
    expect(s.value(0, Float64Array.of(0, 0.25, 0.5, 0.75))).toAgree(value, { atol: 0.012, rtol: 0 });
    // E cos 2πX and E sin 2πX at T from the reference's four values of m(T): its Fourier modes beyond the first are below 1e-3
    const { points } = s.density(1);
    const sine = points.reduce((sum, x) => sum + Math.sin(2 * Math.PI * x), 0) / points.length;
    expect(sine).toAgree(0.5 * ((1.100594467 - 0.901268758) / 2), { atol: 4 * Math.sqrt(1 / points.length), rtol: 0 });
  });

  it("a kernel estimate gives the circle too, with the bias of its bandwidth", async () => {
    const { game, value } = circle();
    const solver = particleFixedPoint({
      particles: 2000,
      steps: 20,
      tolerance: 1e-4,
      density: "kernel",
      bandwidth: 0.06,
    });
    const s = await solve(game, solver);
    // ∫m² loses about (2πh)²·½·∫(m − 1)² over the first tenth of the time; noise as above at half the particles
    expect(s.value(0, Float64Array.of(0, 0.25, 0.5, 0.75))).toAgree(value, { atol: 0.025, rtol: 0 });
  });

  it("agents between reflecting walls diffuse as the heat equation says", async () => {
    const game = meanFieldGame({
      domain: domain({ lower: [0], upper: [1], ends: "no-flux" }),
      horizon: 0.5,
      populations: {
        viscosity: 0.2,
        hamiltonian: hamiltonianQuadratic({ dimension: 1 }),
        initial: "1 + 0.9*cos(pi*x)",
      },
      coupling: couplingLocal({ dimension: 1, cost: "0" }),
    });
    const s = await solve(game, particleFixedPoint({ particles: 4000, steps: 50 }));
    const { points } = s.density(0.5);
    const mode = points.reduce((sum, x) => sum + Math.cos(Math.PI * x), 0) / points.length;
    // standard error √(½/n) = 0.011
    expect(mode).toAgree(0.45 * Math.exp(-0.2 * Math.PI ** 2 * 0.5), { atol: 0.045, rtol: 0 });
    expect(s.velocity(0.2, Float64Array.of(0.1, 0.9))).toAgree([0, 0], { atol: 1e-12 });
    // the same walls taken for far ones are reported
    const far = await solve(game, particleFixedPoint({ particles: 1000, steps: 50, walls: "far" }), {
      onFailure: "return",
    });
    expect(far.status.converged).toBe(false);
    expect(far.status.text).toMatch(
      /^walls are not far: .* % of moves met a wall; use walls: "reflecting" or a larger box$/,
    );
  });

  it("exploitability of agents that do not move is the closed-form gain of those who do", async () => {
    const known = ownMean(1);
    const s = await solve(known.game, particleFixedPoint({ particles: 4000, steps: 40, iterations: 1 }), {
      onFailure: "return",
    });
    expect(s.status.text).toMatch(/^stalled: .*; allow more iterations than 1 or lower damping$/);
    // J(0) = ½κ∫s dt + ½c s(T) with s = v₀ + 2νt;  inf J = ½a(0)v₀ + r(0)
    const rest = 0.5 * 2 * (1.5 + 0.3) + 0.5 * 0.5 * (1.5 + 0.6);
    const best = 0.5 * known.a(0) * 1.5 + known.r(0);
    // E x² of 4000 points, antithetic: standard error 2.2 √2 %
    expect(s.exploitability![0]).toAgree(rest - best, { rtol: 4 * 0.032 });
  });

  it("two populations, each with its own mean, are two games", async () => {
    const one = ownMean(1);
    const hamiltonian = hamiltonianQuadratic({ dimension: 1 });
    const game = meanFieldGame({
      domain: one.game.domain,
      populations: [0.5, -1].map((mean) => ({
        viscosity: 0.3,
        hamiltonian,
        initial: gaussian({ mean: [mean], sd: Math.sqrt(1.5) }),
      })),
      coupling: couplingMean({ dimension: 1, populations: 2, weight: 2 }),
      terminal: couplingMean({ dimension: 1, populations: 2, weight: 0.5 }),
    });
    const s = await solve(game, particleFixedPoint(small));
    for (const [k, mean] of [0.5, -1].entries()) {
      const u = s.value(0, Float64Array.of(mean - 1, mean, mean + 1), k);
      expect(u[0] - 2 * u[1] + u[2]).toAgree(one.a(0), { rtol: 1e-3 });
      expect(moments(s.density(1, k)).mean[0]).toAgree(mean, { atol: 4 * Math.sqrt(1.5 / 1000), rtol: 0 });
    }
    expect(s.exploitability).toHaveLength(2);
    expect(Object.keys(s.arrays())).toContain("paths.population-2");
    expect(() => s.velocity(0, Float64Array.of(0), 2)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: particleFixedPoint: population must be an integer 0 … 1; got 2. Name a population of the game by its number.]`,
    );
    expect(() => s.value(1.5, Float64Array.of(0))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: particleFixedPoint: t must be in [0, 1]; got 1.5. Give a time of the game.]`,
    );
  });

  it("densities between steps keep the variance; paths repeat by seed and start where they are told", async () => {
    const known = ownMean(1);
    const s = await solve(known.game, particleFixedPoint({ particles: 4000, steps: 4 }));
    // a bridge between steps of ¼: without its noise the variance would lack 2ν·Δt/4 = 0.0375, twice the standard error
    expect(moments(s.density(0.125)).covariance[0]).toAgree(known.variance(0.125), { atol: 0.08, rtol: 0 });
    const paths = s.trajectories({ count: 8, steps: 10, seed: 3 });
    expect(paths.positions).toEqual(s.trajectories({ count: 8, steps: 10, seed: 3 }).positions);
    expect(paths.times).toAgree(
      Array.from({ length: 11 }, (_, k) => k / 10),
      { rtol: 1e-12 },
    );
    const quiet = s.trajectories({ start: cloud([1.5], 1), noise: false, steps: 40 });
    // without noise x − ½ shrinks by exp(−∫a)
    let area = 0;
    for (let i = 0; i < 400; i++) area += known.a((i + 0.5) / 400) / 400;
    expect(quiet.positions[40]).toAgree(0.5 + Math.exp(-area), { atol: 0.02, rtol: 0 });
    expect(() => s.trajectories({ steps: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: particleFixedPoint: trajectories.steps must be an integer ≥ 1; got 0. Use steps: 20 to start.]`,
    );
    expect(() => s.trajectories({ start: cloud([0, 0], 2) })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: particleFixedPoint: trajectories.start must have the game's dimension 1; got 2. Give points of the same space.]`,
    );
  });

  it("a term that fails in a later crowd names the iteration; one that fails at the start speaks for itself", async () => {
    let calls = 0;
    const breaking = (after: number) =>
      meanFieldGame({
        name: "breaking",
        domain: domain({ lower: [0], upper: [1] }),
        populations: {
          viscosity: 0.3,
          hamiltonian: hamiltonianQuadratic({ dimension: 1 }),
          initial: "1 + 0.5*cos(2*pi*x)",
        },
        coupling: couplingLocal({ dimension: 1, cost: (_x, m) => (calls++ > after ? Number.NaN : m[0]) }),
      });
    const solver = particleFixedPoint({ particles: 100, steps: 2 });
    const early = breaking(0); // construction has looked at the function already
    await expect(solve(early, solver)).rejects.toThrow(/^couplingLocal: .* must have a real value/);
    calls = 0;
    const late = breaking(1500);
    calls = 0;
    await expect(solve(late, solver)).rejects.toThrow(
      /^particleFixedPoint on breaking: the crowd of iteration [2-9] cannot be played \(couplingLocal: .*\) Lower damping, set density: "kernel" where crowds leave parts of the domain empty, or use a grid solver\.$/,
    );
  });

  it("too few particles for the basis are refused before work, and crowds that gather are told", async () => {
    const game = (viscosity: number, ends: "periodic" | "no-flux") =>
      meanFieldGame({
        name: "gathering",
        domain: domain({ lower: [0], upper: [1], ends }),
        populations: {
          viscosity,
          hamiltonian: hamiltonianQuadratic({ dimension: 1 }),
          initial: "1 + 0.5*cos(2*pi*x)",
        },
        coupling: couplingLocal({ dimension: 1, cost: "m + cos(2*pi*x)" }),
      });
    const said = async (viscosity: number, own: ParticleFixedPointOptions, ends: "periodic" | "no-flux" = "periodic") =>
      String(
        await solve(game(viscosity, ends), particleFixedPoint({ particles: 500, steps: 10, ...own })).catch((e) => e),
      );
    expect([
      await said(0.2, { particles: 20 }),
      await said(0, {}),
      await said(0, { density: "kernel" }),
      await said(0, {}, "no-flux"),
    ]).toMatchInlineSnapshot(`
      [
        "UsageError: particleFixedPoint: particles must be at least 90, 10 for each of the 9 functions of the basis; got 20. Raise particles, or lower degree from 4.",
        "SolveError: particleFixedPoint on gathering: iteration 2 failed: the feedback of crowd at t = 0.8 has grown beyond all numbers. Viscosity is 0 and spreads nobody: give one > 0, or use a grid solver.",
        "SolveError: particleFixedPoint on gathering: iteration 3 failed: the particles of crowd at t = 0.1 have gathered so closely that no fit tells them apart. Viscosity is 0 and spreads nobody: give one > 0, or use a grid solver.",
        "SolveError: particleFixedPoint on gathering: iteration 2 failed: the feedback of crowd at t = 0.8 has grown beyond all numbers. Viscosity is 0 and spreads nobody: give one > 0, or use a grid solver.",
      ]
    `);
  });

  it("same seed, same numbers", async () => {
    const { game } = ownMean(1);
    const solver = particleFixedPoint({ particles: 100, steps: 5 });
    const [a, b] = [await solve(game, solver, { seed: 5 }), await solve(game, solver, { seed: 5 })];
    expect(a.density(1).points).toEqual(b.density(1).points);
  });

  it("an abort stops it", async () => {
    const stop = new AbortController();
    const solver = particleFixedPoint({ particles: 100, steps: 5 });
    const run = solve(ownMean(1).game, solver, {
      signal: stop.signal,
      onProgress: () => stop.abort(new Error("enough")),
    });
    await expect(run).rejects.toThrow("enough");
  });

  it("obeys the laws of games that a solution without a grid can be asked for", async () => {
    const s = await solve(ownMean(2).game, particleFixedPoint(small));
    const verdicts = await judgeAll(gameLaws(), s, { seed: 5, count: 256 });
    expect(verdicts.filter((v) => v.holds === false)).toEqual([]);
    expect(verdicts.filter((v) => v.holds).map((v) => v.law)).toEqual([
      "terminal value",
      "feedback",
      "cost of the paths",
    ]);
  });

  it("refuses options that make no sense", () => {
    expect(() => particleFixedPoint({ particles: 5 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: particleFixedPoint: particles must be an integer ≥ 10; got 5. Use particles: 4000 to start.]`,
    );
    expect(() => particleFixedPoint({ steps: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: particleFixedPoint: steps must be an integer ≥ 1; got 0. Use steps: 40 to start.]`,
    );
    expect(() => particleFixedPoint({ tolerance: 1 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: particleFixedPoint: tolerance must be in (0, 1); got 1. Use tolerance: 1e-6.]`,
    );
    expect(() => particleFixedPoint({ damping: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: particleFixedPoint: damping must be in (0, 1]; got 0. Use damping: 0.7 to start.]`,
    );
    expect(() => particleFixedPoint({ degree: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: particleFixedPoint: degree must be an integer ≥ 1; got 0. Use degree: 2 to start.]`,
    );
    expect(() => particleFixedPoint({ walls: "soft" as "far" })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: particleFixedPoint: walls must be "far" or "reflecting"; got "soft". Use walls: "far" when the box holds the whole crowd.]`,
    );
    expect(() => particleFixedPoint({ density: "grid" as "score" })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: particleFixedPoint: density must be "score" or "kernel"; got "grid". Use density: "score" to start.]`,
    );
    expect(() => particleFixedPoint({ bandwidth: -1 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: particleFixedPoint: bandwidth must be a finite number > 0, or null for the normal-scale rule; got -1. Leave it out to start.]`,
    );
  });

  it("says which games it does not play", () => {
    const hamiltonian = hamiltonianQuadratic({ dimension: 1 });
    const coupling = couplingLocal({ dimension: 1, cost: "m" });
    const box = { lower: [0], upper: [1], ends: "no-flux" } as const;
    const open = domain(box);
    const crowd = { viscosity: 0.1, hamiltonian, initial: "1" };
    const { handles } = particleFixedPoint();
    expect(handles(meanFieldGame({ domain: open, populations: crowd, coupling }))).toBe(true);
    const ergodic = meanFieldGame({
      mode: "ergodic",
      domain: open,
      populations: { viscosity: 0.1, hamiltonian },
      coupling,
    });
    expect(handles(ergodic)).toMatchInlineSnapshot(
      `"the game is ergodic and has no initial law to draw agents from; use ergodic(), or a long time-dependent game"`,
    );
    const planning = meanFieldGame({ mode: "planning", domain: open, populations: { ...crowd, final: "1" }, coupling });
    expect(handles(planning)).toMatchInlineSnapshot(
      `"the final law is prescribed, which agents cannot be made to meet; use schroedingerBridge() or newton()"`,
    );
    const solid = domain({ ...box, obstacle: (x) => x[0] > 0.5 });
    expect(handles(meanFieldGame({ domain: solid, populations: crowd, coupling }))).toMatchInlineSnapshot(
      `"the domain has an obstacle, which the smooth functions of this method do not see; use newton() on a grid"`,
    );
    const door = domain({ ...box, doors: [{ axis: 0, side: "upper" }] });
    expect(handles(meanFieldGame({ domain: door, populations: crowd, coupling }))).toMatchInlineSnapshot(
      `"the domain has doors, through which agents would leave; use newton() on a grid"`,
    );
    const source = { ...crowd, densitySource: "1" };
    expect(handles(meanFieldGame({ domain: open, populations: source, coupling }))).toMatchInlineSnapshot(
      `"the density source of population crowd makes and removes mass, which agents cannot follow; leave densitySource out, or use newton() on a grid"`,
    );
    const high = meanFieldGame({
      domain: domain({ lower: [0, 0, 0, 0], upper: [1, 1, 1, 1], ends: "no-flux" }),
      populations: { viscosity: 0.1, hamiltonian: hamiltonianQuadratic({ dimension: 4 }), initial: "1" },
      coupling: couplingLocal({ dimension: 4, cost: "m" }),
    });
    expect(handles(high)).toMatchInlineSnapshot(
      `"the initial law of population crowd is a density in 4 dimensions, which is not sampled; give a distribution, for example gaussian({ mean, sd })"`,
    );
    const far = particleFixedPoint({ density: "kernel" }).handles(logGaussian(10).game);
    expect(far).toMatchInlineSnapshot(`"a kernel density estimate takes at most 3 dimensions; use density: "score""`);
    expect(handles({ ...high, kind: "proximal-flow" } as never)).toMatchInlineSnapshot(
      `"it solves mean-field-game problems, not proximal-flow; use a solver of that family"`,
    );
  });
});
