// The particle solver against the closed forms M1, M2, M3 within sampling error, and against the exact structure of its own flow.
// Standard errors: first variation of the value, Var_ρ₀ U(0)/M + Var_π (f*(φ*))/N (KL: e^{φ*} with mean 1), from the closed form's own
// potentials; for maps, the scatter over seeds. The divergence of samples is biased upwards by O(1/N): its critic is freer than that of the laws.
import { describe, expect, it } from "vitest";
import { gaussianScale, gaussianShift, manifoldTarget, oldFaithful, pointTarget } from "../../../problems/index.js";
import { type ProximalFlow, proximalFlow } from "../../../problems/proximal-flow.js";
import { type ParticleSolution, particleProximalFlow } from "../../../solvers/particle/index.js";
import { SolveError } from "../../../src/error.js";
import {
  alphaDivergence,
  type Cloud,
  cloud,
  empirical,
  kullbackLeibler,
  plainTransport,
  weightOf,
} from "../../../src/measure/index.js";
import { generator } from "../../../src/random/index.js";
import { solve } from "../../../src/solve.js";
import { linearCost, semiRelaxedTransport } from "../../../src/transport/index.js";

const run = (problem: ProximalFlow, count: number, seed = 0): Promise<ParticleSolution> =>
  solve(problem, particleProximalFlow({ count, targetCount: count }), { seed, device: "cpu" });

const mean = (x: ArrayLike<number>): number => Array.from(x).reduce((s, v) => s + v, 0) / x.length;
function variance(x: ArrayLike<number>): number {
  const centre = mean(x);
  return mean(Array.from(x, (v) => (v - centre) ** 2));
}

/** Standard error of the value of a sampled KL flow, from the exact potentials on many draws. */
function standardError(problem: ProximalFlow, count: number): number {
  const { exact, source, target, horizon } = problem;
  if (exact === null) throw new Error("closed form expected");
  const draws = generator(99);
  const u = exact.potential(0, source.sample(20000, draws).points);
  const phi = exact.potential(horizon, target.sample(20000, draws).points);
  return Math.sqrt((variance(u) + variance(phi.map(Math.exp))) / count);
}

/** Displacement along the first coordinate, averaged over the mass. */
function drift(c: Cloud, d: number): number {
  let sum = 0;
  for (let i = 0; i < c.count; i++) sum += weightOf(c, i) * c.points[i * d];
  return sum;
}

describe("closed forms", () => {
  it.each([
    { dimension: 1, lipschitz: 1 },
    { dimension: 1, lipschitz: 0.5 },
    { dimension: 2, lipschitz: 0.5 },
  ])("M1 Gaussian shift in $dimension-D, L = $lipschitz: value and mean motion within 4 s.e.", async (overrides) => {
    const problem = gaussianShift(overrides);
    const d = overrides.dimension;
    const count = 300;
    const values: number[] = [];
    const ends: number[] = [];
    for (const seed of [1, 2, 3, 4]) {
      const solution = await run(problem, count, seed);
      values.push(solution.objective.primal as number);
      ends.push(drift(solution.density(1), d) - drift(solution.source, d));
    }
    const error = standardError(problem, count);
    const exact = problem.exact?.value as number;
    // Four independent runs: the mean has half the standard error; what is left over is the bias.
    expect(Math.abs(mean(values) - exact)).toBeLessThan(4 * (error / 2));
    const moved = -problem.exact!.velocity(0, new Float64Array(d))[0];
    // Speed is at most L/λ; a particle falls short of it only where its target sample is nearer than LT/λ.
    expect(Math.abs(-mean(ends) - moved)).toBeLessThan(4 * Math.sqrt(2 / count));
  });

  it.each([1, 2])("M2 Gaussian scale in %d-D, L = ∞: value, spread at T and map within 4 s.e.", async (dimension) => {
    const problem = gaussianScale({ dimension });
    const count = 300;
    const values: number[] = [];
    const slopes: number[] = [];
    for (const seed of [1, 2, 3, 4]) {
      const solution = await run(problem, count, seed);
      values.push(solution.objective.primal as number);
      const paths = solution.trajectories({ steps: 1 });
      const n = paths.count * dimension;
      let xy = 0;
      let xx = 0;
      for (let k = 0; k < n; k++) {
        const w = paths.weights?.[Math.floor(k / dimension)] as number;
        xy += w * paths.positions[k] * paths.positions[n + k];
        xx += w * paths.positions[k] ** 2;
      }
      slopes.push(xy / xx);
    }
    expect(Math.abs(mean(values) - (problem.exact?.value as number))).toBeLessThan(
      4 * (standardError(problem, count) / 2),
    );
    // The map x ↦ 0.683 x by regression; a sampled Gaussian's standard deviation has relative error 1/√(2 count d).
    const factor = problem.exact?.map(1, new Float64Array(dimension).fill(1))[0] as number;
    expect(Math.abs(mean(slopes) - factor)).toBeLessThan(4 * factor * Math.sqrt(1 / (2 * count * dimension)));
  });

  it("M3 manifold target: off-manifold residual 0.16663094 within 4 s.e., each normal distance by the closed map", async () => {
    const problem = manifoldTarget();
    const count = 400;
    const solution = await run(problem, count, 5);
    const end = solution.density(1);
    let residual = 0;
    const normal = new Float64Array(end.count);
    for (let i = 0; i < end.count; i++) {
      normal[i] = Math.abs(end.points[2 * i + 1]);
      residual += weightOf(end, i) * normal[i];
    }
    // Tangential moves shorten the reach in the normal direction a little: a bias of the sampling towards larger residuals.
    const error = Math.sqrt(variance(normal) / count);
    expect(Math.abs(residual - 0.16663094)).toBeLessThan(4 * error);
    const value = problem.exact?.value as number;
    expect(Math.abs((solution.objective.primal as number) - value)).toBeLessThan(4 * standardError(problem, count));
  });

  it("point target: exact for every cloud, not only in the mean", async () => {
    const problem = pointTarget({ point: [1, -1, 0.5] });
    const solution = await run(problem, 50, 2);
    const paths = solution.trajectories({ steps: 4, start: solution.source });
    for (let k = 0; k <= 4; k++) {
      const exact = problem.exact?.map(paths.times[k], solution.source.points) as Float64Array;
      expect(paths.positions.slice(k * 150, (k + 1) * 150)).toAgree(exact, { rtol: 1e-12, atol: 1e-14 });
    }
    const x = generator(1).normal(30);
    for (const t of [0, 0.3, 1]) {
      expect(solution.value(t, x)).toAgree(problem.exact?.potential(t, x) as Float64Array, { rtol: 0, atol: 1e-12 });
      if (t < 1)
        expect(solution.velocity(t, x)).toAgree(problem.exact?.velocity(t, x) as Float64Array, { atol: 1e-13 });
    }
  });
});

describe("structure of the flow", () => {
  const problem = gaussianShift({ dimension: 2, lipschitz: 1 });
  const solved = run(problem, 200, 3);
  const [lambda, T, L, d] = [problem.kineticWeight, problem.horizon, problem.lipschitz, 2];

  it("is exact: gap at round-off, status, device, record", async () => {
    const s = await solved;
    expect(Math.abs(s.objective.gap as number)).toBeLessThan(1e-9);
    expect(s.status.text).toMatch(/^exact/);
    expect(s).toMatchObject({ family: "particle", seed: 3, device: { used: "cpu" }, solver: { order: null } });
    expect(s.critic?.certifiedLipschitz).toBe(L);
    expect(Object.keys(s.arrays())).toEqual([
      "source",
      "target",
      "potential",
      "marginal",
      "plan_from",
      "plan_to",
      "plan_mass",
    ]);
    expect(s.arrays().source.shape).toEqual([200, 2]);
  });

  it("gives the same numbers for the same seed and others for another", async () => {
    const s = await solved;
    expect((await run(problem, 200, 3)).transport.potential).toEqual(s.transport.potential);
    expect((await run(problem, 200, 4)).transport.potential).not.toEqual(s.transport.potential);
  });

  it("moves on straight lines at constant speed: chord ratio 1 to round-off", async () => {
    const { positions, count, weights, times } = (await solved).trajectories({ steps: 10 });
    const at = (k: number, i: number) => positions.subarray((k * count + i) * d, (k * count + i + 1) * d);
    const distance = (p: Float64Array, q: Float64Array) => Math.hypot(p[0] - q[0], p[1] - q[1]);
    expect(times).toAgree(Array.from({ length: 11 }, (_, k) => k / 10));
    expect(weights?.reduce((s, w) => s + w, 0)).toAgree(1, { rtol: 1e-12 });
    let chord = 0;
    let path = 0;
    for (let i = 0; i < count; i++) {
      chord += distance(at(0, i), at(10, i));
      for (let k = 0; k < 10; k++) {
        path += distance(at(k, i), at(k + 1, i));
        expect(distance(at(k, i), at(k + 1, i))).toAgree(distance(at(0, i), at(10, i)) / 10, {
          rtol: 1e-11,
          atol: 1e-14,
        });
      }
    }
    expect(chord / path).toAgree(1, { rtol: 1e-13 });
  });

  it("speed is that of the velocity field along the path, and at most L/λ", async () => {
    const s = await solved;
    const start = cloud(generator(8).normal(60), d);
    const { positions } = s.trajectories({ steps: 4, start });
    const end = positions.slice(4 * 60);
    for (let k = 0; k < 4; k++) {
      const v = s.velocity(k / 4, positions.slice(k * 60, (k + 1) * 60));
      expect(v).toAgree(
        end.map((x, q) => (x - start.points[q]) / T),
        { rtol: 0, atol: 1e-12 },
      );
      for (let i = 0; i < 30; i++) expect(Math.hypot(v[2 * i], v[2 * i + 1])).toBeLessThan((L / lambda) * (1 + 1e-12));
    }
  });

  it("value = D_f^L(ρ_T‖π) + kinetic energy, each computed by itself", async () => {
    const s = await solved;
    const { positions, count, weights } = s.trajectories({ steps: 1 });
    let kinetic = 0;
    for (let i = 0; i < count; i++) {
      const dx = positions[(count + i) * 2] - positions[i * 2];
      const dy = positions[(count + i) * 2 + 1] - positions[i * 2 + 1];
      kinetic += (weights?.[i] as number) * ((lambda * (dx * dx + dy * dy)) / (2 * T));
    }
    const terminal = await semiRelaxedTransport({
      source: s.density(T),
      target: s.target,
      cost: linearCost(L),
      divergence: problem.divergence,
    });
    expect(s.objective.primal).toAgree(kinetic + (terminal.objective.primal as number), { rtol: 1e-10 });
    expect(kinetic).toBeGreaterThan(0.1);
  });

  it("U solves −∂ₜU + |∇U|²/2λ = 0 away from ties, with v = −∇U/λ", async () => {
    const s = await solved;
    const x = generator(5).normal(80);
    const t = 0.4;
    const h = 1e-5;
    const [u, up, down] = [s.value(t, x), s.value(t + h, x), s.value(t - h, x)];
    const v = s.velocity(t, x);
    let checked = 0;
    for (let i = 0; i < 40; i++) {
      const at = (a: number, sign: number) => {
        const p = x.slice(2 * i, 2 * i + 2);
        p[a] += sign * h;
        return s.value(t, p)[0];
      };
      const gradient = [0, 1].map((a) => (at(a, 1) - at(a, -1)) / (2 * h));
      const second = [0, 1].map((a) => Math.abs(at(a, 1) + at(a, -1) - 2 * u[i]) / (h * h));
      if (Math.max(...second) > 100) continue; // a kink: two minimisers within h
      checked++;
      expect(v.slice(2 * i, 2 * i + 2)).toAgree(
        gradient.map((g) => -g / lambda),
        { rtol: 1e-6, atol: 1e-6 },
      );
      const speed2 = gradient[0] ** 2 + gradient[1] ** 2;
      expect(-(up[i] - down[i]) / (2 * h) + speed2 / (2 * lambda)).toAgree(0, { atol: 1e-6 });
    }
    expect(checked).toBeGreaterThan(30);
  });

  it("U(T) is the critic, L-Lipschitz; U(t, x) ≤ U(T, y) + λ|x − y|²/2(T − t) with equality at the end point", async () => {
    const s = await solved;
    const start = cloud(generator(6).normal(40), d);
    const ends = s.trajectories({ steps: 1, start }).positions.slice(40);
    const atEnd = s.critic?.value(ends) as Float64Array;
    expect(s.value(T, ends)).toEqual(atEnd);
    const u = s.value(0, start.points);
    const other = generator(7).normal(40);
    const elsewhere = s.value(T, other);
    for (let i = 0; i < 20; i++) {
      const cost = (y: Float64Array) =>
        (lambda * ((start.points[2 * i] - y[2 * i]) ** 2 + (start.points[2 * i + 1] - y[2 * i + 1]) ** 2)) / (2 * T);
      expect(u[i]).toAgree(atEnd[i] + cost(ends), { rtol: 1e-12, atol: 1e-12 });
      expect(u[i]).toBeLessThanOrEqual(elsewhere[i] + cost(other) + 1e-12);
      const r = Math.hypot(ends[2 * i] - other[2 * i], ends[2 * i + 1] - other[2 * i + 1]);
      expect(Math.abs(elsewhere[i] - atEnd[i])).toBeLessThanOrEqual(L * r + 1e-12);
    }
    const slopes = s.critic?.gradient(other) as Float64Array;
    for (let i = 0; i < 20; i++) expect(Math.hypot(slopes[2 * i], slopes[2 * i + 1])).toAgree(L, { rtol: 1e-12 });
  });

  it("density starts as the source cloud, split paths merged, and samples of paths keep its mean", async () => {
    const s = await solved;
    expect(drift(s.density(0), d)).toAgree(drift(s.source, d), { rtol: 1e-11 });
    const some = s.trajectories({ count: 1000, seed: 1 });
    expect([some.count, some.weights]).toEqual([1000, null]);
    const end = some.positions.slice(20 * 2000);
    // Systematic sampling has at most about the variance of independent draws: 4 standard errors.
    const first = end.filter((_, k) => k % 2 === 0);
    const error = Math.sqrt(variance(first) / 1000);
    expect(Math.abs(mean(first) - drift(s.density(T), d))).toBeLessThan(4 * error);
    expect(s.trajectories({ count: 7, seed: 1 })).toEqual(s.trajectories({ count: 7, seed: 1 }));
  });

  it("L = ∞: paths end on samples, no critic is certified, the terminal potential lives on the atoms", async () => {
    const s = await run(gaussianScale(), 40, 1);
    expect(s.critic).toBeNull();
    const end = s.density(1);
    for (const x of end.points) expect([...s.target.points]).toContain(x);
    expect(s.value(1, s.target.points)).toAgree(s.transport.potential);
    expect([...s.value(1, new Float64Array([0.123]))]).toEqual([Infinity]);
    expect([...s.velocity(1, new Float64Array([0.123]))]).toEqual([Number.NaN]);
    expect([...s.velocity(1, s.target.points.slice(0, 1))]).toEqual([0]);
    const plane = await run(gaussianScale({ dimension: 2 }), 10, 1);
    for (const t of [0, 1])
      for (const ask of [plane.value, plane.velocity])
        expect(() => ask(t, new Float64Array(3))).toThrow(
          /points must have a length divisible by (the dimension )?2; got 3\./,
        );
  });
});

describe("data, divergences and refusals", () => {
  it("takes all data of an empirical target, a part when asked", async () => {
    const problem = oldFaithful();
    const count = problem.target.data?.count as number;
    const s = await solve(problem, particleProximalFlow({ count: 60 }), { seed: 1, device: "cpu" });
    expect(s.target).toBe(problem.target.data);
    expect(s.source.count).toBe(60);
    expect(count).toBeGreaterThan(100);
    const part = await solve(problem, particleProximalFlow({ count: 60, targetCount: 30 }), { seed: 1, device: "cpu" });
    expect(part.target.count).toBe(30);
  });
  it("takes every divergence, plain transport too", async () => {
    const g = generator(3);
    const source = empirical(cloud(g.normal(30), 1));
    const target = empirical(cloud(g.normal(30), 1));
    for (const divergence of [kullbackLeibler(), alphaDivergence(2), plainTransport()]) {
      const problem = proximalFlow({ source, target, divergence, lipschitz: 1, kineticWeight: 1, horizon: 1 });
      const s = await solve(problem, particleProximalFlow(), { device: "cpu" });
      expect(s.status.converged).toBe(true);
      if (divergence.rigid) expect(s.transport.marginal).toAgree(new Float64Array(30).fill(1 / 30), { rtol: 1e-12 });
    }
  });
  it("refuses an ill-posed problem before any work", async () => {
    const problem = manifoldTarget({ lipschitz: Infinity });
    const solver = particleProximalFlow();
    const reasons = problem.wellPosedness().reasons.join("; ");
    expect(solver.handles(problem)).toBe(`the problem is ill-posed: ${reasons}`);
    const context = {
      seed: 0,
      device: "cpu" as const,
      signal: null,
      checkpoint: null,
      progress: () => {
        throw new Error("work was done");
      },
      elapsed: () => 0,
      version: "0",
    };
    const attempt = solver.solve(problem, context);
    await expect(attempt).rejects.toThrow(SolveError);
    await expect(attempt).rejects.toThrow(`particleProximalFlow: problem manifold-target is ill-posed: ${reasons}.`);
    expect(solver.handles({ ...problem, kind: "other" })).toBe("solves proximal flows, not other");
  });
  it("refuses options and questions that do not fit", async () => {
    expect(() => particleProximalFlow({ count: 0 })).toThrow(
      "particleProximalFlow: count must be an integer ≥ 1; got 0. Use count: 500 to start.",
    );
    expect(() => particleProximalFlow({ targetCount: 1.5 })).toThrow(
      "particleProximalFlow: targetCount must be an integer ≥ 1; got 1.5. Use targetCount: 500 to start.",
    );
    expect(() => particleProximalFlow({ tolerance: 0 })).toThrow(
      "particleProximalFlow: tolerance must be in (0, 1); got 0. Use tolerance: 1e-9.",
    );
    const s = await run(gaussianShift(), 10);
    expect(() => s.density(2)).toThrow("particleProximalFlow: t must be in [0, 1]; got 2. Ask within the horizon.");
    expect(() => s.trajectories({ steps: 0 })).toThrow(
      "particleProximalFlow: steps must be an integer ≥ 1; got 0. Use steps: 20.",
    );
    expect(() => s.trajectories({ count: 0 })).toThrow(
      "particleProximalFlow: count must be an integer ≥ 1; got 0. Leave it out for the whole cloud.",
    );
    expect(() => s.trajectories({ start: cloud([0, 0], 2) })).toThrow(
      "particleProximalFlow: start must have the problem's dimension 1; got 2. Give points of the same space.",
    );
  });
});
