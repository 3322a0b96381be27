import { describe, expect, test } from "vitest";
import { axis, divergence, faceField, gradient, grid } from "../../src/grid/index.js";
import {
  arraySpace,
  operatorNorm,
  type PrimalDualLook,
  type PrimalDualOptions,
  primalDualHybridGradient,
  productSpace,
} from "../../src/linalg/index.js";
import { messageOf, noise } from "./dense.js";

// A transport plan of least cost, 3 × 3, uniform marginals a = (½, ¼, ¼), b = (¼, ¼, ½), cost |i − j|: W₁ = ½·|cdf gap| sum.
// W₁ = Σ |A_k − B_k| = |½ − ¼| + |¾ − ½| = ½.
const cost = Float64Array.of(0, 1, 2, 1, 0, 1, 2, 1, 0);
const marginals = Float64Array.of(0.5, 0.25, 0.25, 0.25, 0.25, 0.5);
const transport: PrimalDualOptions<Float64Array, Float64Array> = {
  primal: arraySpace(9),
  dual: arraySpace(6),
  apply: (x, out) => {
    out.fill(0);
    for (let i = 0; i < 3; i++)
      for (let j = 0; j < 3; j++) {
        out[i] += x[3 * i + j];
        out[3 + j] += x[3 * i + j];
      }
  },
  adjoint: (y, out) => {
    for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) out[3 * i + j] = y[i] + y[3 + j];
  },
  // F = ⟨c, x⟩ + [x ≥ 0];  G = [K x = marginals].
  proxPrimal: (x, tau) => x.forEach((v, k) => void (x[k] = Math.max(0, v - tau * cost[k]))),
  proxDual: (y, sigma) => y.forEach((_, k) => void (y[k] -= sigma * marginals[k])),
  norm: Math.sqrt(6),
  tolerance: 1e-10,
};
const transportObjective = (x: Float64Array, y: Float64Array) => ({
  primal: x.reduce((sum, v, k) => sum + v * cost[k], 0),
  dual: -y.reduce((sum, v, k) => sum + v * marginals[k], 0),
});

describe("primalDualHybridGradient", () => {
  test("a linear programme with a known value: W₁ of two laws on three points", async () => {
    for (const adaptive of [true, false]) {
      for (const relaxation of [1, 1.8]) {
        const looks: PrimalDualLook[] = [];
        const result = await primalDualHybridGradient({
          ...transport,
          objective: transportObjective,
          adaptive,
          relaxation,
          onCheck: (look) => looks.push(look),
        });
        expect(result.status.converged).toBe(true);
        expect(result.objective.primal).toAgree(0.5, { atol: 1e-8 });
        expect(result.objective.dual).toAgree(0.5, { atol: 1e-8 });
        expect(result.x.every((v) => v >= 0)).toBe(true);
        const sums = new Float64Array(6);
        transport.apply(result.x, sums);
        expect(sums).toAgree(marginals, { atol: 1e-8 });
        // Dual feasible: −(y_i + y_j) ≤ c_ij.
        const pulled = new Float64Array(9);
        transport.adjoint(result.y, pulled);
        pulled.forEach((v, k) => void expect(-v).toBeLessThanOrEqual(cost[k] + 1e-8));
        expect(result.histories.map((h) => h.name)).toEqual(["residual", "primal", "dual", "gap"]);
        expect(result.histories[3].values).toEqual(looks.map((look) => look.objective.gap));
        // τσ stays at 1/norm².
        for (const look of looks) expect(look.tau * look.sigma).toAgree(1 / 6, { rtol: 1e-12 });
      }
    }
  });

  test("total variation of a step: the closed form", async () => {
    // min ½ h Σ (u − f)² + α Σ |uᵢ − uᵢ₋₁|, f = 1 on the left half and 0 on the right half of (0, 1), no-flux:
    // the two plateaus move towards each other by α/½ = 2α each. Over-relaxation saves a quarter of the steps at least.
    const n = 16;
    const alpha = 0.05;
    const g = grid([axis({ lower: 0, upper: 1, points: n, boundary: "no-flux" })]);
    const h = g.cellVolume;
    const f = Float64Array.from({ length: n }, (_, k) => (k < n / 2 ? 1 : 0));
    const problem: PrimalDualOptions<Float64Array, readonly Float64Array[]> = {
      primal: arraySpace(n, h),
      dual: productSpace(faceField(g).map((part) => arraySpace(part.length, h))),
      apply: (u, out) => void gradient(g, u, out as Float64Array[]),
      adjoint: (q, out) => {
        divergence(g, q, out);
        out.forEach((v, k) => void (out[k] = -v));
      },
      proxPrimal: (u, tau) => u.forEach((v, k) => void (u[k] = (v + tau * f[k]) / (1 + tau))),
      // G*(q) = [|q| ≤ α], for G(p) = α h Σ |p| = α Σ |uᵢ − uᵢ₋₁|.
      proxDual: (q) => q[0].forEach((v, k) => void (q[0][k] = Math.max(-alpha, Math.min(alpha, v)))),
      norm: 2 / h,
      tolerance: 1e-9,
    };
    const iterations: number[] = [];
    for (const relaxation of [1, 1.8]) {
      const result = await primalDualHybridGradient({ ...problem, relaxation });
      expect(result.status.converged).toBe(true);
      expect(result.x).toAgree(
        f.map((v) => (v === 1 ? 1 - 2 * alpha : 2 * alpha)),
        { rtol: 0, atol: 1e-8 },
      );
      iterations.push(result.iterations);
    }
    expect(iterations[1]).toBeLessThan(0.75 * iterations[0]);
  });

  test("adaptive steps forgive a bad ratio", async () => {
    const run = async (ratio: number, adaptive: boolean) => {
      const result = await primalDualHybridGradient({ ...transport, ratio, adaptive, maxIterations: 40_000 });
      expect(result.status.converged).toBe(true);
      return result.iterations;
    };
    expect(await run(1000, true)).toBeLessThan((await run(1000, false)) / 8);
    expect(await run(1e-3, true)).toBeLessThan(1000);
  });

  test("without an objective no gap is measured", async () => {
    const { objective, histories } = await primalDualHybridGradient(transport);
    expect(objective).toEqual({ primal: null, dual: null, gap: null });
    expect(histories.map((h) => h.name)).toEqual(["residual"]);
  });

  test("a start at the solution stops at once", async () => {
    const { x, y } = await primalDualHybridGradient(transport);
    const again = await primalDualHybridGradient({ ...transport, initial: { x, y }, tolerance: 1e-8 });
    expect(again.iterations).toBe(1);
  });

  test("says why it stopped", async () => {
    const text = async (options: Partial<typeof transport>) => {
      const { status } = await primalDualHybridGradient({ ...transport, ...options });
      expect(status.converged).toBe(false);
      return status.text;
    };
    expect(await text({ maxIterations: 3 })).toMatchInlineSnapshot(
      `"stalled: residual 0.331 after 3 iterations; raise maxIterations, or set ratio near ‖x‖/‖y‖"`,
    );
    expect(await text({ maxIterations: 3, objective: transportObjective })).toMatchInlineSnapshot(
      `"stalled: residual 0.331, gap -0.313 after 3 iterations; raise maxIterations, or set ratio near ‖x‖/‖y‖"`,
    );
    expect(await text({ signal: AbortSignal.abort() })).toMatchInlineSnapshot(
      `"stopped: aborted after 1 iterations at residual 0.866"`,
    );
    expect(await text({ norm: 1 })).toMatchInlineSnapshot(`"stopped: norm 1 is no bound, ‖K‖ ≥ 2.05; raise norm"`);
    expect(await text({ proxPrimal: (x) => void x.fill(NaN) })).toMatchInlineSnapshot(
      `"stopped: NaN after 1 iterations; check the proximal maps and the operator"`,
    );
  });

  test("errors", async () => {
    const bad = (options: Partial<typeof transport>) =>
      messageOf(() => primalDualHybridGradient({ ...transport, ...options }));
    expect(await bad({ norm: 0 })).toMatchInlineSnapshot(
      `"primalDualHybridGradient: norm must be a finite number > 0; got 0. Give an upper bound on ‖K‖, for example 1.01 * (await operatorNorm(…))."`,
    );
    expect(await bad({ ratio: -1 })).toMatchInlineSnapshot(
      `"primalDualHybridGradient: ratio must be a finite number > 0; got -1. Use ratio: 1 to start."`,
    );
    expect(await bad({ relaxation: 2 })).toMatchInlineSnapshot(
      `"primalDualHybridGradient: relaxation must lie between 0 and 2; got 2. Use relaxation: 1.5, or 1 for the plain method."`,
    );
    expect(await bad({ checkEvery: 0 })).toMatchInlineSnapshot(
      `"primalDualHybridGradient: checkEvery must be an integer ≥ 1; got 0. Use checkEvery: 10 to start."`,
    );
    expect(await bad({ gapTolerance: -1 })).toMatchInlineSnapshot(
      `"primalDualHybridGradient: gapTolerance must be ≥ 0 (Infinity for none); got -1. Leave it out to use the tolerance."`,
    );
  });
});

describe("operatorNorm", () => {
  test("of the marginal operator, and of a grid gradient", async () => {
    expect(await operatorNorm({ ...transport, start: noise(9, 1) })).toAgree(Math.sqrt(6), { rtol: 1e-12 });
    const n = 10;
    const g = grid([axis({ lower: 0, upper: 1, points: n, boundary: "periodic" })]);
    const estimate = await operatorNorm({
      primal: arraySpace(n),
      dual: productSpace([arraySpace(n)]),
      apply: (u, out) => void gradient(g, u, out as Float64Array[]),
      adjoint: (q, out) => {
        divergence(g, q, out);
        out.forEach((v, k) => void (out[k] = -v));
      },
      start: noise(n, 2),
      iterations: 300,
    });
    expect(estimate).toAgree(2 * n, { rtol: 1e-6 });
    expect(estimate).toBeLessThanOrEqual(2 * n * (1 + 1e-14));
  });
  test("errors", async () => {
    const zero = (_: Float64Array, out: Float64Array) => void out.fill(0);
    expect(
      await messageOf(() => operatorNorm({ ...transport, apply: zero, start: noise(9, 1) })),
    ).toMatchInlineSnapshot(
      `"operatorNorm: start must have a non-zero image under K; got 0. Start from random entries."`,
    );
  });
});
