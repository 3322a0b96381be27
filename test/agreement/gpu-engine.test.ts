// The exact transport engine with its smoothing on the GPU: float32 before polishing, float64 after.
import { describe, expect, it } from "vitest";
import { alphaDivergence, cloud, kullbackLeibler, plainTransport } from "../../src/measure/index.js";
import { generator } from "../../src/random/index.js";
import { huberCost, linearCost, quadraticCost, radialCost, semiRelaxedTransport } from "../../src/transport/index.js";
import { gpuHere } from "../device/here.js";

const here = await gpuHere();
here?.release();

const problem = (m: number, n: number, d: number) => {
  const g = generator(m + n);
  return {
    source: cloud(g.normal(m * d), d),
    target: cloud(
      g.normal(n * d).map((x) => 1.5 + x),
      d,
    ),
  };
};

const cases = [
  { label: "Huber, KL, 2-D", clouds: problem(65, 50, 2), cost: huberCost(0.5, 1, 1), divergence: kullbackLeibler() },
  {
    label: "quadratic, α = 2, 1-D",
    clouds: problem(64, 63, 1),
    cost: quadraticCost(1, 1),
    divergence: alphaDivergence(2),
  },
  {
    label: "linear, plain transport, 10-D",
    clouds: problem(40, 40, 10),
    cost: linearCost(1),
    divergence: plainTransport(),
  },
];

describe.skipIf(here === null)("semiRelaxedTransport on the GPU", () => {
  it.each(cases)("$label: 1e-5 before polishing, 1e-9 after", async ({ clouds, cost, divergence }) => {
    for (const [polish, rtol] of [
      [false, 1e-5],
      [true, 1e-9],
    ] as const) {
      const cpu = await semiRelaxedTransport({ ...clouds, cost, divergence }, { device: "cpu", polish });
      const gpu = await semiRelaxedTransport({ ...clouds, cost, divergence }, { device: "webgpu", polish });
      expect(gpu.device).toMatchObject({ requested: "webgpu", used: "webgpu", adapter: here?.adapter.name });
      expect([cpu.status.converged, gpu.status.converged]).toEqual([true, true]);
      expect(gpu.objective.dual).toAgree(cpu.objective.dual as number, { rtol });
      if (cpu.objective.primal !== null) expect(gpu.objective.primal).toAgree(cpu.objective.primal, { rtol });
    }
  });

  it("refuses a cost of the user's own, and auto leaves it to the CPU", async () => {
    const own = radialCost({ name: "r^1.5", h: (r) => r ** 1.5, derivative: (r) => 1.5 * Math.sqrt(r) });
    const { clouds, divergence } = cases[0];
    await expect(semiRelaxedTransport({ ...clouds, cost: own, divergence }, { device: "webgpu" })).rejects.toThrow(
      'webgpuKernels: cost must be linear, quadratic or Huber; got r^1.5. Use device: "cpu" for a cost of your own.',
    );
    const { device, status } = await semiRelaxedTransport({ ...clouds, cost: own, divergence }, { device: "auto" });
    expect([device.requested, device.used, status.converged]).toEqual(["auto", "cpu", true]);
  });
});
