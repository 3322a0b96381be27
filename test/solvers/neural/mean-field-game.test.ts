// Networks for games against closed forms (own mean, log coupling), a spectral reference on the circle, and the equations themselves.
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { meanFieldGame } from "../../../problems/mean-field-game.js";
import { couplingLocal, couplingMean, hamiltonianQuadratic } from "../../../problems/terms/index.js";
import { gameFeatures } from "../../../solvers/neural/game-features.js";
import { neuralGame } from "../../../solvers/neural/index.js";
import { domain } from "../../../src/grid/index.js";
import { dirac, functionBasis, gaussian, moments } from "../../../src/measure/index.js";
import { solve } from "../../../src/solve.js";
import { gameLaws, judgeAll } from "../../../src/verify/index.js";
import { circle, errorsOf, logGaussian, ownMean } from "../particle/games.js";

const cpu = { device: "cpu" } as const;
const small = { width: 12, iterations: 40, refresh: 10, agents: 256, timeSteps: 16, batch: 96 };

describe("neuralGame", () => {
  it.each([
    [1, 0],
    [2, 1],
  ])("own mean, %i-D, seed %i: curvature, level and law", async (d, seed) => {
    const known = ownMean(d);
    const s = await solve(known.game, neuralGame({ ...small, agents: 512 }), { ...cpu, seed });
    expect(s.residuals.fokkerPlanck).toBeNull();
    expect(s.logDensity).toBeNull();
    for (const t of [0, 0.5]) {
      const at = (z: number) => s.value(t, new Float64Array(d).fill(z))[0];
      const { centre } = known;
      // the curvature does not see the crowd's mean
      expect((at(centre + 1) + at(centre - 1) - 2 * at(centre)) / d).toAgree(known.a(t), { rtol: 0.02 });
      // the mean of four crowds of 512: standard error √(1.5/2048) = 0.027 of a spread of 1.2 … 0.8
      const errors = errorsOf(known, s, t, s.density(t).points);
      expect(errors.velocity).toBeLessThan(4 * (0.027 / Math.sqrt(known.variance(t))));
      expect(Math.abs(errors.level)).toBeLessThan(0.02);
    }
    const { mean, covariance } = moments(s.density(1));
    for (let i = 0; i < d; i++) {
      expect(mean[i]).toAgree(0.5, { atol: 4 * Math.sqrt(0.47 / 512) + 0.03, rtol: 0 });
      // antithetic kicks, and Euler's Δt
      expect(covariance[i * d + i]).toAgree(known.variance(1), {
        atol: 0.47 * (4 * Math.sqrt(4 / 512) + 0.06),
        rtol: 0,
      });
    }
  });

  it.each([
    [1, 0],
    [2, 1],
  ])("log coupling, %i-D, seed %i: u, velocity and log m to single precision's reach", async (d, seed) => {
    const known = logGaussian(d);
    const s = await solve(known.game, neuralGame({ ...small, iterations: 20 }), { ...cpu, seed });
    expect(s.status.text).toMatch(
      /^converged: Hamilton–Jacobi residual .*, Fokker–Planck residual .*, terminal mismatch /,
    );
    for (const t of [0, 0.5, 1]) {
      const { points } = s.density(t);
      const errors = errorsOf(known, s, t, points);
      expect(errors.velocity).toBeLessThan(1e-3);
      expect(errors.value).toBeLessThan(1e-3);
      expect(Math.abs(errors.level)).toBeLessThan(1e-3);
      const law = gaussian({ mean: Array(d).fill(0), sd: Math.sqrt(known.variance(t)) });
      expect(s.logDensity!(t, points)).toAgree(law.logDensity!(points), { atol: 5e-3, rtol: 0 });
    }
  });

  it("circle with f = m² − sin 2πx: u(0, ·) and m(T, ·) against the spectral reference", async () => {
    const { game, value } = circle();
    const s = await solve(game, neuralGame({ ...small, iterations: 20 }), cpu);
    const x = Float64Array.of(0, 0.25, 0.5, 0.75);
    expect(s.value(0, x)).toAgree(value, { atol: 0.01, rtol: 0 });
    expect(s.logDensity!(1, x).map(Math.exp)).toAgree([0.999068397, 1.100594467, 0.999067998, 0.901268758], {
      atol: 0.015,
      rtol: 0,
    });
    // the network is periodic: one value at both ends
    expect(s.value(0.3, Float64Array.of(0))[0]).toAgree(s.value(0.3, Float64Array.of(1))[0], { rtol: 1e-12 });
    // a density: mass 1 at all times, though nothing normalises it
    const nodes = Float64Array.from({ length: 128 }, (_, i) => (i + 0.5) / 128);
    for (const t of [0, 0.4, 1])
      expect(s.logDensity!(t, nodes).reduce((sum, w) => sum + Math.exp(w) / 128, 0)).toAgree(1, {
        atol: 0.02,
        rtol: 0,
      });
  });

  it("reflecting walls and a function as coupling: heat flow of the density, ∂ₙu = 0", async () => {
    const quiet = meanFieldGame({
      domain: domain({ lower: [0], upper: [1], ends: "no-flux" }),
      horizon: 0.5,
      populations: {
        viscosity: 0.2,
        hamiltonian: hamiltonianQuadratic({ dimension: 1 }),
        initial: "1 + 0.5*cos(pi*x)",
      },
      coupling: couplingLocal({ dimension: 1, cost: (_x, m) => m[0] - m[0] }),
    });
    const s = await solve(quiet, neuralGame({ ...small, iterations: 20 }), {
      ...cpu,
      onFailure: "return",
    });
    const x = Float64Array.of(0, 0.3, 1);
    const exact = x.map((y) => 1 + 0.5 * Math.exp(-0.2 * Math.PI ** 2 * 0.5) * Math.cos(Math.PI * y));
    expect(s.logDensity!(0.5, x).map(Math.exp)).toAgree(exact, { atol: 0.02, rtol: 0 });
    expect(s.velocity(0.1, Float64Array.of(0, 1))).toAgree([0, 0], { atol: 1e-9 });
    const far = await solve(quiet, neuralGame({ ...small, iterations: 1, timeDegrees: 4, walls: "far" }), {
      ...cpu,
      onFailure: "return",
    });
    expect(far.status.converged).toBe(false);
    expect(far.status.text).toMatch(
      /^walls are not far: .* of moves met a wall; use walls: "reflecting" or a larger box$/,
    );
  });

  it("a Hamiltonian with drift θx: log m is Ornstein–Uhlenbeck's, div b by differences", async () => {
    const [theta, nu] = [1.5, 0.3];
    const start = gaussian({ mean: [0.4], sd: 0.9 });
    const game = meanFieldGame({
      domain: domain({ lower: [-9], upper: [9], ends: "no-flux" }),
      populations: {
        viscosity: nu,
        hamiltonian: hamiltonianQuadratic({ dimension: 1, drift: [`${theta}*x`] }),
        initial: start,
      },
      coupling: couplingLocal({ dimension: 1, cost: (_x, m) => 0 * m[0] }),
    });
    const s = await solve(game, neuralGame({ ...small, iterations: 30 }), { ...cpu, onFailure: "return" });
    const x = Float64Array.of(-0.5, 0, 0.6);
    for (const t of [0.5, 1]) {
      const variance = nu / theta + (0.81 - nu / theta) * Math.exp(-2 * theta * t);
      const law = gaussian({ mean: [0.4 * Math.exp(-theta * t)], sd: Math.sqrt(variance) });
      expect(s.logDensity!(t, x)).toAgree(law.logDensity!(x), { atol: 0.02, rtol: 0 });
      expect(s.velocity(t, x)).toAgree(
        x.map((y) => -theta * y),
        { atol: 0.02, rtol: 0 },
      );
    }
  });

  it("two populations have two networks", async () => {
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
    const s = await solve(game, neuralGame({ ...small, iterations: 20 }), { ...cpu, onFailure: "return" });
    for (const [k, mean] of [0.5, -1].entries()) {
      const u = s.value(0, Float64Array.of(mean - 1, mean, mean + 1), k);
      expect(u[0] - 2 * u[1] + u[2]).toAgree(one.a(0), { rtol: 0.05 });
      expect(moments(s.density(1, k)).mean[0]).toAgree(mean, { atol: 0.15, rtol: 0 });
    }
    expect(() => s.value(0, Float64Array.of(0), 2)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: neuralGame: population must be an integer 0 … 1; got 2. Name a population of the game by its number.]`,
    );
    expect(() => s.velocity(2, Float64Array.of(0))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: neuralGame: t must be in [0, 1]; got 2. Give a time of the game.]`,
    );
  });

  it("features: derivatives and Laplacians are those of the values; at one time the linear part collapses", () => {
    const basis = functionBasis(
      [
        { kind: "polynomial", centre: 0.2, scale: 1.5 },
        { kind: "fourier", lower: 0, upper: 2 },
        { kind: "cosine", lower: -1, upper: 1 },
      ],
      2,
    );
    const maps = gameFeatures(basis, 0.7, 5);
    const x = Float64Array.of(0.4, 0.9, 0.3);
    const t = Float64Array.of(0.25);
    const h = 1e-3;
    const jet = maps.jets(x, t);
    const value = (a: number, by: number) => {
      const moved = maps.jets(
        x.map((v, i) => (i === a ? v + by : v)),
        t.map((v) => (a === 3 ? v + by : v)),
      );
      return [...moved.stacked.subarray(0, maps.features), ...moved.rows.subarray(0, maps.functions)];
    };
    const all = (block: number) => [
      ...jet.stacked.subarray(block * maps.features, (block + 1) * maps.features),
      ...jet.rows.subarray(block * maps.functions, (block + 1) * maps.functions),
    ];
    const centre = value(0, 0);
    const bend = centre.map(() => 0);
    for (let a = 0; a <= 3; a++) {
      const [up, down] = [value(a, h), value(a, -h)];
      expect(all(1 + a)).toAgree(
        up.map((v, i) => (v - down[i]) / (2 * h)),
        { rtol: 3e-3, atol: 3e-3 },
      );
      if (a < 3) for (let i = 0; i < up.length; i++) bend[i] += (up[i] - 2 * centre[i] + down[i]) / (h * h);
    }
    expect(all(5)).toAgree(bend, { rtol: 0.05, atol: 1 }); // second differences of single precision
    const c = Float64Array.from({ length: maps.functions }, (_, i) => Math.sin(i));
    const direct = jet.rows.subarray(0, maps.functions).reduce((sum, v, i) => sum + v * c[i], 0);
    const { rows } = maps.atTime(x, 0.25);
    const linear = maps.linearAt(c, 0.25);
    expect(linear.reduce((sum, v, j) => sum + v * rows[j], 0)).toAgree(direct, { rtol: 1e-5, atol: 1e-5 });
  });

  it("same seed, same numbers; a checkpoint continues bit for bit; another run's file is refused", async () => {
    const folder = await mkdtemp(join(tmpdir(), "game-"));
    try {
      const file = join(folder, "run.ckpt");
      const { game } = ownMean(1);
      const solver = neuralGame({ ...small, iterations: 15, agents: 64 });
      const options = { ...cpu, onFailure: "return" } as const;
      const whole = await solve(game, solver, options);
      const stop = new AbortController();
      const broken = solve(game, solver, {
        ...options,
        signal: stop.signal,
        checkpoint: { file, every: 7 },
        onProgress: ({ iteration }) => iteration === 9 && stop.abort(new Error("enough")),
      });
      await expect(broken).rejects.toThrow("enough");
      expect(existsSync(file)).toBe(true);
      const again = await solve(game, solver, { ...options, checkpoint: { file, every: 7 } });
      expect(again.value(0.3, Float64Array.of(0, 1))).toEqual(whole.value(0.3, Float64Array.of(0, 1)));
      expect(again.histories[0].values).toEqual(whole.histories[0].values);
      await expect(solve(game, solver, { ...options, seed: 1, checkpoint: { file } })).rejects.toThrow(/seed must be/);
      await writeFile(file, (await readFile(file, "utf8")).slice(0, 100));
      await expect(solve(game, solver, { ...options, checkpoint: { file } })).rejects.toThrow(/must hold a checkpoint/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("obeys the laws of games that a solution without a grid can be asked for", async () => {
    const s = await solve(ownMean(2).game, neuralGame({ ...small, iterations: 20 }), cpu);
    const verdicts = await judgeAll(gameLaws(), s, { seed: 5, count: 256 });
    expect(verdicts.filter((v) => v.holds === false)).toEqual([]);
    expect(verdicts.filter((v) => v.holds).map((v) => v.law)).toEqual([
      "terminal value",
      "feedback",
      "cost of the paths",
    ]);
  });

  it("refuses options that make no sense", () => {
    expect(() => neuralGame({ width: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: neuralGame: width must be an integer ≥ 1; got 0. Use width: 32 to start.]`,
    );
    expect(() => neuralGame({ iterations: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: neuralGame: iterations must be an integer ≥ 1; got 0. Use iterations: 300 to start.]`,
    );
    expect(() => neuralGame({ batch: 4 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: neuralGame: batch must be an integer ≥ 8; got 4. Use batch: 256 to start.]`,
    );
    expect(() => neuralGame({ degree: 0.5 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: neuralGame: degree must be an integer ≥ 1, or null; got 0.5. Leave it out to start.]`,
    );
    expect(() => neuralGame({ learningRate: 2 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: neuralGame: learningRate must be > 0 and < 1; got 2. Use learningRate: 0.01 to start.]`,
    );
    expect(() => neuralGame({ conditionWeight: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: neuralGame: conditionWeight must be a finite number > 0; got 0. Use conditionWeight: 5 to start.]`,
    );
    expect(() => neuralGame({ walls: "soft" as "far" })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: neuralGame: walls must be "far" or "reflecting"; got "soft". Use walls: "far" when the box holds the whole crowd.]`,
    );
  });

  it("refuses games and laws that it cannot play", async () => {
    const hamiltonian = hamiltonianQuadratic({ dimension: 1 });
    const box = { lower: [0], upper: [1], ends: "no-flux" } as const;
    const coupling = couplingLocal({ dimension: 1, cost: "m" });
    const { handles } = neuralGame();
    const solid = domain({ ...box, obstacle: (x) => x[0] > 0.5 });
    const crowd = { viscosity: 0.1, hamiltonian, initial: "1" };
    expect(handles(meanFieldGame({ domain: solid, populations: crowd, coupling }))).toMatchInlineSnapshot(
      `"the domain has an obstacle, which the smooth functions of this method do not see; use newton() on a grid"`,
    );
    const holes = meanFieldGame({
      domain: domain(box),
      populations: { ...crowd, initial: (x: Float64Array) => (Math.sin(1e5 * x[0]) > 0 ? 1 : 0) },
      coupling: couplingLocal({ dimension: 1, cost: "m" }),
    });
    const reflecting = neuralGame({ ...small, walls: "reflecting" });
    await expect(solve(holes, reflecting, cpu)).rejects.toThrow(
      /^neuralGame: the initial density given by a function must be > 0 where agents start; got 0\. Use a density without holes\.$/,
    );
    const atoms = meanFieldGame({ domain: domain(box), populations: { ...crowd, initial: dirac([0.5]) }, coupling });
    await expect(solve(atoms, reflecting, cpu)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: neuralGame: the initial law of crowd must have a density, since a term of the game needs m; got dirac. Use a law with a density, for example gaussian({ mean, sd }).]`,
    );
  });
});
