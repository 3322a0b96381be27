// An abort that comes from a timer or an interrupt, and not from the progress callback, must reach a training run.
import { expect, test } from "vitest";
import { gaussianShift } from "../../../problems/index.js";
import { neuralProximalFlow, neuralProximalFlowDual } from "../../../solvers/neural/index.js";
import { solve } from "../../../src/solve.js";

test.each([
  neuralProximalFlow({ steps: 100_000, batch: 32, targetBatch: 32 }),
  neuralProximalFlowDual({ steps: 100_000, batch: 32, targetBatch: 32, pool: 64 }),
])("$name stops when a timer aborts it", async (solver) => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("stopped by a timer")), 300);
  await expect(solve(gaussianShift(), solver, { device: "cpu", signal: controller.signal })).rejects.toThrow(
    "stopped by a timer",
  );
});
