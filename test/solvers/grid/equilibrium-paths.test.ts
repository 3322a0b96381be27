import { describe, expect, test } from "vitest";
import { domain } from "../../../src/grid/index.js";
import { cloud, gaussian } from "../../../src/measure/index.js";
import { solutionFrom } from "./slabs.js";

const { abs, sqrt, exp, sin, cos, tanh, PI } = Math;

/** Mean and variance of one coordinate at stored time n. */
function momentsAt(paths: { count: number; dimension: number; positions: Float64Array }, n: number, a: number) {
  const { count, dimension: d, positions } = paths;
  let mean = 0;
  for (let i = 0; i < count; i++) mean += positions[(n * count + i) * d + a] / count;
  let variance = 0;
  for (let i = 0; i < count; i++) variance += (positions[(n * count + i) * d + a] - mean) ** 2 / count;
  return { mean, variance };
}

const start = (count: number, point: readonly number[]) =>
  cloud(
    Array.from({ length: count * point.length }, (_, i) => point[i % point.length]),
    point.length,
  );

describe("paths of agents against laws in closed form", () => {
  // P6: κ = 2, c = ½, T = 1, ν = 0.3: v* = −a(t) x, Var(T) = 0.46990597 from Var(0) = 1.5.
  const k = Math.SQRT2;
  const a = (t: number): number => (k * (0.5 + k * tanh(k * (1 - t)))) / (k + 0.5 * tanh(k * (1 - t)));
  const lq = (d: number, points: number) =>
    solutionFrom({
      domain: domain({ lower: Array(d).fill(-7), upper: Array(d).fill(7), ends: Array(d).fill("no-flux") }),
      points,
      steps: 100,
      u: (t, x) => (a(t) * Array.from(x).reduce((sum, v) => sum + v * v, 0)) / 2,
      m: () => 1,
      initial: gaussian({ mean: Array(d).fill(0), sd: sqrt(1.5) }),
    });

  test("linear-quadratic game (P6) in one and two dimensions: moments within 4 standard errors", () => {
    for (const [d, count] of [
      [1, 4000],
      [2, 2000],
    ]) {
      const paths = lq(d, 28).trajectories({ count, steps: 100, seed: 7 });
      for (let axis = 0; axis < d; axis++) {
        const first = momentsAt(paths, 0, axis);
        const last = momentsAt(paths, 100, axis);
        // Standard error of a Gaussian's variance: s √(2/n); Euler's bias at Δt = 0.01 is below 1 % (next test).
        expect(abs(first.variance - 1.5)).toBeLessThan(4 * 1.5 * sqrt(2 / count));
        expect(abs(last.variance - 0.46990597)).toBeLessThan(0.47 * (4 * sqrt(2 / count) + 0.01));
        expect(abs(last.mean)).toBeLessThan(4 * sqrt(0.47 / count));
      }
    }
  });

  test("without noise a path follows x(T) = x(0) exp(−∫a), order 1 in the step", () => {
    let integral = 0;
    for (let i = 0; i < 4000; i++) integral += a((i + 0.5) / 4000) / 4000;
    const solution = lq(1, 28);
    const errors = [25, 50].map((steps) => {
      const { positions, exited } = solution.trajectories({ start: start(1, [2]), steps, noise: false });
      expect(exited[steps]).toBe(0);
      return abs(positions[steps] - 2 * exp(-integral));
    });
    expect(errors[1]).toBeLessThan(0.02);
    expect(Math.log2(errors[0] / errors[1])).toBeGreaterThan(0.85);
  });

  test("reflected Brownian motion: E cos πX(t) = cos(πx) exp(−νπ²t), with no bias at flat walls", () => {
    const solution = solutionFrom({
      domain: domain({ lower: [0], upper: [1], ends: ["no-flux"] }),
      points: 8,
      horizon: 0.3,
      viscosity: 0.4,
      u: () => 0,
      m: () => 1,
    });
    const count = 20000;
    const { positions } = solution.trajectories({ start: start(count, [0.1]), steps: 3, seed: 2 });
    for (const n of [1, 2, 3]) {
      let mean = 0;
      for (let i = 0; i < count; i++) mean += cos(PI * positions[n * count + i]) / count;
      // Var cos ≤ ½ + ½ E cos 2πX ≤ 1: three standard errors are below 3/√n.
      expect(abs(mean - cos(0.1 * PI) * exp(-0.4 * PI ** 2 * 0.1 * n))).toBeLessThan(3 / sqrt(count));
      expect(Math.min(...positions.subarray(n * count))).toBeGreaterThanOrEqual(0);
      expect(Math.max(...positions.subarray(n * count))).toBeLessThanOrEqual(1);
    }
  });

  test("in three dimensions: round a torus, between walls, and drifting out through a door", () => {
    const solution = solutionFrom({
      domain: domain({ lower: [0, 0, 0], upper: [1, 1, 1], ends: ["periodic", "no-flux", ["no-flux", "door"]] }),
      points: [8, 12, 10],
      horizon: 0.2,
      viscosity: 0.1,
      u: (_, x) => -0.5 * (x[2] - 1),
      m: () => 1,
    });
    expect(solution.velocity(0.1, Float64Array.of(0.3, 0.4, 0.5))).toAgree([0, 0, 0.5], { rtol: 1e-10, atol: 1e-12 });
    const count = 4000;
    const { positions, exited } = solution.trajectories({ start: start(count, [0.3, 0.4, 0.5]), steps: 20, seed: 1 });
    const last = positions.subarray(20 * 3 * count);
    // Those inside: the first two coordinates know nothing of the third.
    const sums = [0, 0, 0];
    for (let i = 0; i < count; i++) {
      const [x, y, z] = last.subarray(3 * i, 3 * i + 3);
      expect(x >= 0 && x <= 1 && y >= 0 && y <= 1 && z >= 0 && z <= 1).toBe(true);
      if (z === 1) continue;
      sums[0] += cos(2 * PI * (x - 0.3));
      sums[1] += cos(PI * y);
      sums[2]++;
    }
    expect(sums[2]).toBe(count - exited[20]);
    expect(abs(sums[0] / sums[2] - exp(-4 * PI ** 2 * 0.02))).toBeLessThan(3 / sqrt(2 * count));
    expect(abs(sums[1] / sums[2] - cos(0.4 * PI) * exp(-(PI ** 2) * 0.02))).toBeLessThan(3 / sqrt(count));
    // Reached: P = Φ(−(b − vt)/σ) + e^{vb/ν} Φ(−(b + vt)/σ), b = v = ½, t = σ = 0.2: Φ(−2) + e^{2.5} Φ(−3).
    const expected = 0.02275 + exp(2.5) * 0.00135;
    expect(abs(exited[20] / count - expected)).toBeLessThan(3 * sqrt(expected / count) + 2e-3);
  });

  test("doors: the share that has not left is the survival of killed Brownian motion, at 15 steps as at 60", () => {
    const nu = 0.3;
    const solution = solutionFrom({
      domain: domain({ lower: [0], upper: [1], ends: ["door"] }),
      points: 16,
      horizon: 0.3,
      viscosity: nu,
      u: () => 0,
      m: () => 1,
    });
    const survival = (t: number): number => {
      let sum = 0;
      for (let n = 1; n < 60; n += 2) sum += (4 / (n * PI)) * sin(n * PI * 0.4) * exp(-nu * n * n * PI ** 2 * t);
      return sum;
    };
    const count = 10000;
    for (const steps of [15, 60]) {
      const { exited, positions, times } = solution.trajectories({ start: start(count, [0.4]), steps, seed: 5 });
      for (const share of [1 / 3, 2 / 3, 1]) {
        const n = Math.round(share * steps);
        const s = survival(times[n]);
        // Binomial: √(s(1 − s)/n); the bridge leaves 2e-3 of bias near two doors.
        expect(abs(1 - exited[n] / count - s)).toBeLessThan(3 * sqrt((s * (1 - s)) / count) + 2e-3);
      }
      const ends = positions.subarray(steps * count);
      expect(ends.filter((x) => x === 0 || x === 1)).toHaveLength(exited[steps]);
      expect(exited.every((e, n) => n === 0 || e >= exited[n - 1])).toBe(true);
    }
  });

  test("periodic: E cos 2πX(t) decays by exp(−4νπ²t), and coordinates stay in the box", () => {
    const solution = solutionFrom({
      domain: domain({ lower: [0], upper: [1] }),
      points: 8,
      horizon: 0.1,
      viscosity: 0.5,
      u: () => 0,
      m: () => 1,
    });
    const count = 20000;
    const { positions } = solution.trajectories({ start: start(count, [0.9]), steps: 2, seed: 3 });
    const last = positions.subarray(2 * count);
    const mean = last.reduce((sum, x) => sum + cos(2 * PI * (x - 0.9)) / count, 0);
    expect(abs(mean - exp(-4 * 0.5 * PI ** 2 * 0.1))).toBeLessThan(3 / sqrt(2 * count));
    expect(Math.min(...last)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...last)).toBeLessThanOrEqual(1);
  });
});

describe("obstacles and doors in the plane", () => {
  const block = domain({
    lower: [0, 0],
    upper: [1, 1],
    ends: "no-flux",
    obstacle: (x) => x[0] > 0.25 && x[0] < 0.5 && x[1] > 0.5,
  });

  test("no path ever stands in solid matter, and the uniform law stays uniform", () => {
    const solution = solutionFrom({ domain: block, points: 16, viscosity: 0.2, u: () => 0, m: () => 1 });
    const count = 4000;
    const steps = 25;
    const { positions, dimension } = solution.trajectories({ count, steps, seed: 4 });
    expect(dimension).toBe(2);
    for (let i = 0; i < positions.length; i += 2)
      expect(positions[i] > 0.25 && positions[i] < 0.5 && positions[i + 1] > 0.5).toBe(false);
    // Open volume 7/8; the corner left of the block is (¼ × ½)/(7/8) = 1/7 of it.
    let corner = 0;
    for (let i = 0; i < count; i++) {
      const at = 2 * (steps * count + i);
      if (positions[at] <= 0.25 && positions[at + 1] > 0.5) corner++;
    }
    expect(abs(corner / count - 1 / 7)).toBeLessThan(3 * sqrt(((1 / 7) * (6 / 7)) / count));
  });

  test("a path bounces off the wall beside a door and leaves through the door where it meets it", () => {
    const solution = solutionFrom({
      domain: domain({
        lower: [0, 0],
        upper: [1, 1],
        ends: "no-flux",
        doors: [{ axis: 0, side: "upper", from: [0.5], to: [1] }],
      }),
      points: 8,
      viscosity: 0,
      // v = −∇u = (1, 0), but for the cells next to the wall
      u: (_, x) => 1 - x[0],
      m: () => 1,
    });
    const paths = solution.trajectories({ start: cloud([0.3, 0.7, 0.3, 0.2], 2), steps: 20 });
    const last = paths.positions.subarray(80);
    expect(last[0]).toBe(1);
    expect(last[1]).toAgree(0.7, { rtol: 1e-12 });
    expect(last[2]).toBeLessThan(1);
    expect([...paths.exited.subarray(0, 10)]).toEqual(new Array(10).fill(0));
    expect(paths.exited[20]).toBe(1);
    // It stays where it left.
    const left = paths.exited.indexOf(1);
    for (let n = left; n <= 20; n++) expect(paths.positions[4 * n]).toBe(1);
  });
});

describe("starts and seeds", () => {
  const wave = solutionFrom({
    domain: domain({ lower: [0], upper: [1] }),
    points: 32,
    u: (t, x) => sin(2 * PI * (x[0] - t)),
    m: (_, x) => 1 + 0.8 * cos(2 * PI * x[0]),
    seed: 9,
  });

  test("one seed gives one result; the solution's seed is the default; the first paths do not depend on later noise", () => {
    const first = wave.trajectories({ count: 50 });
    expect(first.positions).toEqual(wave.trajectories({ count: 50, seed: 9 }).positions);
    expect(first.positions).not.toEqual(wave.trajectories({ count: 50, seed: 10 }).positions);
    expect(first.positions).toHaveLength(21 * 50);
    expect(first.times).toAgree(
      Float64Array.from({ length: 21 }, (_, n) => n / 20),
      { rtol: 1e-12 },
    );
    expect(wave.trajectories({ count: 50, noise: false }).positions.subarray(0, 50)).toEqual(
      first.positions.subarray(0, 50),
    );
  });

  test("without a start, paths begin with draws from m(0) on the cells", () => {
    const count = 20000;
    const { positions } = wave.trajectories({ count, steps: 1 });
    let mean = 0;
    for (let i = 0; i < count; i++) mean += cos(2 * PI * positions[i]) / count;
    expect(abs(mean - 0.4)).toBeLessThan(3 / sqrt(2 * count) + 2e-3);
  });

  test("draws from a law that is cut off by the domain are drawn again", () => {
    const solution = solutionFrom({
      domain: domain({ lower: [0], upper: [1], ends: ["no-flux"] }),
      points: 8,
      u: () => 0,
      m: () => 1,
      initial: gaussian({ mean: [0], sd: 0.3 }),
    });
    const count = 10000;
    const { positions } = solution.trajectories({ count, steps: 1 });
    const starts = positions.subarray(0, count);
    expect(Math.min(...starts)).toBeGreaterThan(0);
    // Half of a Gaussian, cut at 3.3 sd: mean 0.3 √(2/π) (1 − exp(−x²/2))/(erf) with x = 1/0.3.
    const expected = (0.3 * sqrt(2 / PI) * (1 - exp(-0.5 / 0.09))) / 0.999142;
    expect(abs(starts.reduce((sum, x) => sum + x, 0) / count - expected)).toBeLessThan((3 * 0.18) / sqrt(count));
  });

  test("weights of a start go with its paths", () => {
    const given = cloud([0.2, 0.6], 1, [0.25, 0.75]);
    expect(wave.trajectories({ start: given, steps: 2 }).weights).toEqual(Float64Array.of(0.25, 0.75));
  });

  test("refuses what makes no sense", () => {
    const box = domain({ lower: [0, 0], upper: [1, 1], ends: "no-flux", obstacle: (x) => x[0] < 0.5 && x[1] < 0.5 });
    const solution = solutionFrom({ domain: box, points: 8, u: () => 0, m: () => 1 });
    const far = solutionFrom({
      domain: box,
      points: 8,
      u: () => 0,
      m: () => 1,
      initial: gaussian({ mean: [9, 9], sd: 0.01 }),
    });
    expect(() => solution.trajectories({ count: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: trajectories: count must be an integer ≥ 1; got 0. Use count: 256.]`,
    );
    expect(() => solution.trajectories({ steps: 1.5 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: trajectories: steps must be an integer ≥ 1; got 1.5. Use steps: 20.]`,
    );
    expect(() => solution.trajectories({ population: 1 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: trajectories: population must be a population 0 … 0; got 1. Leave it out for the first.]`,
    );
    expect(() => solution.trajectories({ start: cloud([0.2, 0.2], 2) })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: trajectories: start[0] must lie in the open part of the domain; got [0.2,0.2]. Move it, or leave start out to draw from m(0).]`,
    );
    expect(() => solution.trajectories({ start: cloud([0.2, 1.2], 2) })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: trajectories: start[0] must lie in the open part of the domain; got [0.2,1.2]. Move it, or leave start out to draw from m(0).]`,
    );
    expect(() => solution.trajectories({ start: cloud([0.2], 1) })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: trajectories: start must have the problem's dimension 2; got 1. Give starting points in the problem's space.]`,
    );
    const broken = solutionFrom({ domain: domain({ lower: [0], upper: [1] }), points: 8, u: () => NaN, m: () => 1 });
    expect(() => broken.trajectories({ start: cloud([0.5], 1) })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: trajectories: the velocity must be finite at x = (0.5); got NaN. Check the Hamiltonian's derivative there.]`,
    );
    expect(() => far.trajectories({ count: 2 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: trajectories: the law gaussian must have mass in the open part of the domain; got "0 of 2000 draws inside". Give a start, or a law on the domain.]`,
    );
  });
});
