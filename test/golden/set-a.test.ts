// Golden set A: Lipschitz-regularised divergences between P = {0,1,3,6} and Q = {2,2.5,5}, published to 8 decimals; W₁ = 4/3.
import { describe, expect, it } from "vitest";
import { alphaDivergence, cloud, kullbackLeibler, plainTransport } from "../../src/measure/index.js";
import { linearCost, semiRelaxedTransport } from "../../src/transport/index.js";

const source = cloud([0, 1, 3, 6], 1);
const target = cloud([2, 2.5, 5], 1);
const table = [
  [0.01, 0.01329728, 0.01329722, 0.01329706],
  [0.1, 0.12977934, 0.12972222, 0.12955189],
  [0.5, 0.60432258, 0.60416667, 0.60412585],
  [1, 1.1807194, 1.18229167, 1.18706102],
  [2, 2.30889152, 2.3125, 2.33291163],
  [10, 11.30889151, 11.3125, 11.33447265],
] as const;
const divergences = [kullbackLeibler(), alphaDivergence(2), alphaDivergence(5)];

describe("golden set A", () => {
  for (const [lipschitz, ...values] of table) {
    divergences.forEach((divergence, k) => {
      it(`L = ${lipschitz}, ${divergence.name}`, async () => {
        const { objective, status } = await semiRelaxedTransport({
          source,
          target,
          cost: linearCost(lipschitz),
          divergence,
        });
        expect(status.converged).toBe(true);
        expect(objective.primal).toAgree(values[k], { rtol: 0, atol: 1e-7 });
        expect(objective.dual).toAgree(values[k], { rtol: 0, atol: 1e-7 });
      });
    });
  }
  it("W₁ = 4/3, and D/L → W₁ from below as L → 0", async () => {
    const rigid = await semiRelaxedTransport({ source, target, cost: linearCost(1), divergence: plainTransport() });
    expect(rigid.objective.primal).toAgree(4 / 3, { rtol: 1e-14 });
    for (const divergence of divergences) {
      const lipschitz = 1e-6;
      const { objective } = await semiRelaxedTransport({ source, target, cost: linearCost(lipschitz), divergence });
      const ratio = (objective.primal as number) / lipschitz;
      expect(ratio).toBeLessThan(4 / 3);
      expect(ratio).toAgree(4 / 3, { rtol: 0, atol: 1e-6 });
    }
  });
});
