// Closed forms of Lipschitz-regularised divergences (linear cost): Diracs, a Dirac target, a Dirac source, two atoms, Gaussians.
import { describe, expect, it } from "vitest";
import {
  alphaDivergence,
  type Cloud,
  cloud,
  type Divergence,
  jensenShannon,
  kullbackLeibler,
  reverseKullbackLeibler,
} from "../../src/measure/index.js";
import { generator } from "../../src/random/index.js";
import { linearCost, semiRelaxedTransport } from "../../src/transport/index.js";

const all = [
  kullbackLeibler(),
  alphaDivergence(2),
  alphaDivergence(5),
  alphaDivergence(0.5),
  reverseKullbackLeibler(),
  jensenShannon(),
];

async function value(source: Cloud, target: Cloud, lipschitz: number, divergence: Divergence): Promise<number> {
  const result = await semiRelaxedTransport({ source, target, cost: linearCost(lipschitz), divergence });
  expect(result.status.text).toMatch(/^exact/);
  expect(Math.abs(result.objective.gap as number)).toBeLessThan(1e-9 * Math.max(1, result.objective.primal as number));
  return result.objective.primal as number;
}

describe("closed forms", () => {
  it.each(all)("C1 two Diracs: L|a − b|, $name", async (divergence) => {
    const b = [1.5, -2, 0.25];
    const r = Math.hypot(0.5, -3, 0.25);
    for (const L of [0.01, 1, 100]) expect(await value(cloud([1, 1, 0], 3), cloud(b, 3), L, divergence)).toAgree(L * r);
  });

  it.each(all)("C2 target δ_b: L E|x − b|, $name", async (divergence) => {
    const points = generator(1).normal(40);
    const weights = generator(2).uniform(20);
    const sum = weights.reduce((s, w) => s + w, 0);
    const source = cloud(
      points,
      2,
      weights.map((w) => w / sum),
    );
    let mean = 0;
    for (let i = 0; i < 20; i++) mean += (weights[i] / sum) * Math.hypot(points[2 * i] - 1, points[2 * i + 1] + 1);
    expect(await value(source, cloud([1, -1], 2), 0.7, divergence)).toAgree(0.7 * mean);
  });

  it("C3 source δ_a, KL: −log E_Q e^{−L|x − a|}, on samples to round-off and on a fine grid to its quadrature", async () => {
    const points = generator(3).normal(60);
    for (const L of [0.1, 1, 10]) {
      let mean = 0;
      for (let j = 0; j < 20; j++)
        mean += Math.exp(-L * Math.hypot(points[3 * j] - 1, points[3 * j + 1], points[3 * j + 2])) / 20;
      const d = await value(cloud([1, 0, 0], 3), cloud(points, 3), L, kullbackLeibler());
      expect(d).toAgree(-Math.log(mean));
      // Midpoints: the rule integrates e^{−Lx} with relative error (L/n)²/24.
      const n = 400;
      const grid = cloud(
        Array.from({ length: n }, (_, j) => (j + 0.5) / n),
        1,
      );
      const uniform = await value(cloud([0], 1), grid, L, kullbackLeibler());
      expect(uniform).toAgree(-Math.log(-Math.expm1(-L) / L), { rtol: 0, atol: (1.1 * (L / n) ** 2) / 24 });
    }
  });

  it("C4 two atoms, KL: c = clip(log[p(1−q)/(q(1−p))], ±Ld), D = pc − log(1 − q + q e^c)", async () => {
    const d = 1.7;
    for (const [p, q] of [
      [0.3, 0.6],
      [0.9, 0.2],
      [0.5, 0.5],
      [1e-6, 0.4],
    ]) {
      for (const L of [0.1, 0.5, 3]) {
        const free = Math.log((p * (1 - q)) / (q * (1 - p)));
        const c = Math.max(-L * d, Math.min(L * d, free));
        const got = await value(cloud([0, d], 1, [1 - p, p]), cloud([0, d], 1, [1 - q, q]), L, kullbackLeibler());
        expect(got).toAgree(p * c - Math.log(1 - q + q * Math.exp(c)), { rtol: 1e-11, atol: 1e-14 });
      }
    }
  });

  it.each([0.5, 1, 2])("C5 equal-variance Gaussians by quadrature weights, KL, L = %d: Huber of the gap", async (L) => {
    // Same nodes for both laws: the cost of a cell is O(h) in the plan and O(h²) in the value.
    const gap = 1.5;
    const s = 1;
    const n = 240;
    const nodes = Array.from({ length: n }, (_, k) => -6 + (13.5 * (k + 0.5)) / n);
    const law = (mean: number) => {
      const w = nodes.map((x) => Math.exp(-((x - mean) ** 2) / (2 * s * s)));
      const sum = w.reduce((t, x) => t + x, 0);
      return cloud(
        nodes,
        1,
        w.map((x) => x / sum),
      );
    };
    const huber = gap <= L * s * s ? gap ** 2 / (2 * s * s) : L * gap - (L * L * s * s) / 2;
    expect(await value(law(gap), law(0), L, kullbackLeibler())).toAgree(huber, { rtol: 1e-3 });
  });
});
