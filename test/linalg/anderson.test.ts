import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { anderson, arraySpace, gmres } from "../../src/linalg/index.js";
import { eliminate, length, messageOf, noise, times } from "./dense.js";

const runs = Number(process.env.LAWS === "thorough" ? 500 : 25);

/** g(x) = B x + b with ‖B‖ about 0.7, and its fixed point by elimination. */
function linear(n: number, seed: number) {
  const b = noise(n * n, seed).map((v) => (1.2 * v) / Math.sqrt(n));
  const rhs = noise(n, seed + 1);
  const identityMinus = b.map((v, k) => (k % (n + 1) === 0 ? 1 : 0) - v);
  return {
    map: (x: Float64Array, out: Float64Array): void => {
      times(b, x, out);
      for (let i = 0; i < n; i++) out[i] += rhs[i];
    },
    apply: (x: Float64Array, out: Float64Array): void => void times(identityMinus, x, out),
    rhs,
    fixed: eliminate(identityMinus, rhs),
  };
}

describe("anderson on linear maps", () => {
  test("its step k + 1 is g of the kth GMRES iterate (Walker & Ni, theorem 2.2)", async () => {
    const n = 30;
    const space = arraySpace(n);
    const { map, apply, rhs } = linear(n, 3);
    for (const k of [1, 2, 4, 7]) {
      const krylov = await gmres({ space, apply, rhs, tolerance: 0, maxIterations: k, restart: 40 });
      const expected = new Float64Array(n);
      map(krylov.solution, expected);
      const mixed = await anderson({
        space,
        map,
        initial: new Float64Array(n),
        window: 40,
        growth: Infinity,
        tolerance: 0,
        maxIterations: k + 1,
      });
      expect(mixed.solution).toAgree(expected, { atol: 1e-10 });
    }
  });

  property.prop([fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 2, max: 12 })], { numRuns: runs })(
    "n + 1 steps with a full window solve n equations",
    async (seed, n) => {
      const { map, fixed } = linear(n, seed);
      const space = arraySpace(n);
      const result = await anderson({
        space,
        map,
        initial: noise(n, seed + 2),
        window: n + 1,
        growth: Infinity,
        tolerance: 1e-8,
        maxIterations: 2 * n + 4,
      });
      expect(result.status.converged).toBe(true);
      expect(result.residual).toBeLessThanOrEqual(1e-8 * result.history.values[0]);
      const error = length(result.solution.map((v, i) => v - fixed[i]));
      // The error is (I − B)⁻¹ times the residual; elimination tells how much that can be on this matrix.
      expect(error).toBeLessThan(1e-3 * (1 + length(fixed)));
    },
  );

  test("window 0 is the damped iteration, to round-off", async () => {
    const n = 6;
    const { map } = linear(n, 11);
    const x = noise(n, 5);
    const result = await anderson({
      space: arraySpace(n),
      map,
      initial: x,
      window: 0,
      damping: 0.3,
      tolerance: 0,
      maxIterations: 5,
    });
    const expected = x.slice();
    const g = new Float64Array(n);
    for (let k = 0; k < 5; k++) {
      map(expected, g);
      for (let i = 0; i < n; i++) expected[i] += 0.3 * (g[i] - expected[i]);
    }
    expect(result.solution).toAgree(expected, { rtol: 1e-14, atol: 1e-15 });
    expect(result.history.values).toHaveLength(6);
  });

  test("affine combinations keep what every iterate shares: the sum of the entries", async () => {
    const n = 8;
    // Both parts only carry entries round: Σ g(x) = Σ x.
    const map = (x: Float64Array, out: Float64Array): void => {
      for (let i = 0; i < n; i++) out[i] = 0.5 * x[(i + 1) % n] + 0.5 * x[i] + 0.1 * (x[i] ** 2 - x[(i + 3) % n] ** 2);
    };
    const initial = Float64Array.from({ length: n }, (_, i) => 1 + 0.3 * Math.sin(i));
    const before = initial.reduce((a, b) => a + b, 0);
    const result = await anderson({
      space: arraySpace(n),
      map,
      initial,
      window: 4,
      maxIterations: 12,
      tolerance: 1e-13,
    });
    expect(result.solution.reduce((a, b) => a + b, 0)).toAgree(before, { rtol: 1e-13 });
  });
});

describe("anderson on nonlinear maps", () => {
  // Chandrasekhar's H-equation, a standard test: H(μ) = (1 − (c/2) ∫ μ H(ν)/(μ + ν) dν)⁻¹, midpoint rule.
  const n = 100;
  const chandrasekhar = (c: number) => (x: Float64Array, out: Float64Array) => {
    for (let i = 0; i < n; i++) {
      const mu = (i + 0.5) / n;
      let sum = 0;
      for (let j = 0; j < n; j++) sum += (mu * x[j]) / (mu + (j + 0.5) / n);
      out[i] = 1 / (1 - (c / (2 * n)) * sum);
    }
  };
  const one = new Float64Array(n).fill(1);

  test("takes fewer evaluations than plain iteration on Chandrasekhar's equation, and finds the same root", async () => {
    const space = arraySpace(n, 1 / n);
    const solveWith = (window: number) =>
      anderson({ space, map: chandrasekhar(0.99), initial: one, window, tolerance: 1e-9, maxIterations: 200 });
    const [plain, mixed] = [await solveWith(0), await solveWith(4)];
    expect(plain.status.converged && mixed.status.converged).toBe(true);
    expect(plain.iterations).toBeGreaterThan(40);
    expect(mixed.iterations).toBeLessThan(16);
    // Discrete moment identity of the midpoint rule: ½c α₀² − α₀ + 1 = 0 at the least root, α₀ the mean of H.
    const mean = mixed.solution.reduce((a, b) => a + b, 0) / n;
    expect(mean).toAgree((1 - Math.sqrt(1 - 0.99)) / (0.99 / 2), { rtol: 1e-7 });
    expect(mixed.solution).toAgree(plain.solution, { atol: 1e-6 });
  });

  test("a map that repels under plain iteration is solved with a window; damping alone does it too", async () => {
    // x = −3 x + 4, x = 1: |g′| = 3.
    const space = arraySpace(1);
    const map = (x: Float64Array, out: Float64Array) => void (out[0] = -3 * Math.atan(x[0]) + 3 * Math.atan(1) + 1);
    const plain = await anderson({ space, map, initial: Float64Array.of(1.5), window: 0, maxIterations: 50 });
    expect(plain.status.converged).toBe(false);
    for (const [window, damping] of [
      [1, 1],
      [0, 0.3],
    ]) {
      const result = await anderson({ space, map, initial: Float64Array.of(1.5), window, damping, tolerance: 1e-12 });
      expect(result.status.converged).toBe(true);
      expect(result.solution[0]).toAgree(1, { rtol: 1e-11 });
    }
  });

  test("a point that is not admitted is never evaluated", async () => {
    const seen: number[] = [];
    const result = await anderson({
      space: arraySpace(1),
      map: (x, out) => {
        seen.push(x[0]);
        out[0] = Math.sqrt(x[0]) * 0.9;
      },
      initial: Float64Array.of(40),
      window: 2,
      tolerance: 1e-10,
      admissible: (x) => x[0] >= 0.5,
    });
    expect(result.status.converged).toBe(true);
    expect(result.solution[0]).toAgree(0.81, { rtol: 1e-8 });
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(0.5);
  });

  test("a residual that grows drops the history, and is counted", async () => {
    // x = x − φ(x), φ = 0.02(x² − 25) from 0: the first secant is nearly flat and leads to about x = 50.
    const run = (growth: number) =>
      anderson({
        space: arraySpace(1),
        map: (x, out) => void (out[0] = x[0] - 0.02 * (x[0] ** 2 - 25)),
        initial: Float64Array.of(0),
        window: 1,
        tolerance: 1e-10,
        growth,
        maxIterations: 30,
      });
    const result = await run(4);
    expect((await run(Infinity)).restarts).toBe(0);
    expect(result.restarts).toBeGreaterThan(0);
  });

  test("says why it stopped", async () => {
    const space = arraySpace(1);
    const run = (more: object) =>
      anderson({
        space,
        map: (x, out) => void (out[0] = 2 * x[0] + 1),
        initial: Float64Array.of(1),
        window: 0,
        maxIterations: 3,
        ...more,
      });
    expect((await run({})).status.text).toMatchInlineSnapshot(
      `"stalled: residual 16 > 2e-10 after 3 iterations; raise maxIterations, lower the damping or start closer"`,
    );
    expect((await run({ window: 2, tolerance: 1e-8 })).status.text).toMatchInlineSnapshot(
      `"converged: residual 7.82e-14 ≤ 2e-8 after 2 iterations"`,
    );
    expect((await run({ admissible: (x: Float64Array) => x[0] < 10 })).status.text).toMatchInlineSnapshot(
      `"stopped: the damped step from residual 8 after 2 iterations leaves the set where the map makes sense; lower the damping"`,
    );
    expect(
      (await run({ map: (_: Float64Array, out: Float64Array) => void (out[0] = NaN) })).status.text,
    ).toMatchInlineSnapshot(`"stopped: residual NaN after 0 iterations; lower the damping or start closer"`);
    expect((await run({ signal: AbortSignal.abort() })).status.text).toMatchInlineSnapshot(
      `"stopped: aborted after 0 iterations at residual 2"`,
    );
  });

  test("refuses options that make no sense", async () => {
    const refusal = (more: object) =>
      messageOf(() =>
        anderson({ space: arraySpace(1), map: (x, out) => out.set(x), initial: new Float64Array(1), ...more }),
      );
    expect(await refusal({ window: -1 })).toMatchInlineSnapshot(
      `"anderson: window must be an integer ≥ 0; got -1. Use window: 5 to start."`,
    );
    expect(await refusal({ damping: 0 })).toMatchInlineSnapshot(
      `"anderson: damping must lie in (0, 1]; got 0. Use damping: 1 to start."`,
    );
    expect(await refusal({ ridge: -1 })).toMatchInlineSnapshot(
      `"anderson: ridge must be a finite number ≥ 0; got -1. Use ridge: 1e-14."`,
    );
    expect(await refusal({ growth: 1 })).toMatchInlineSnapshot(
      `"anderson: growth must be > 1; got 1. Use growth: 4, or Infinity for no safeguard."`,
    );
    expect(await refusal({ maxIterations: 0 })).toMatchInlineSnapshot(
      `"anderson: maxIterations must be an integer ≥ 1; got 0. Use maxIterations: 500 to start."`,
    );
    expect(await refusal({ admissible: () => false })).toMatchInlineSnapshot(
      `"anderson: admissible(initial) must be true; got false. Start inside the set where the map makes sense."`,
    );
  });
});
