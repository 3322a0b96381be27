// RKL2 against the exact decay of one cosine mode, its stability at the largest step, and the limits of its stages.
import { expect, test } from "vitest";
import { superSteps } from "../../../../solvers/grid/gradient-flow/index.js";
import { cells, domain, integrate } from "../../../../src/grid/index.js";
import { orderOf } from "../../../../src/verify/index.js";

const n = 32;
const line = cells(domain({ lower: [0], upper: [1], ends: "no-flux" }), n);
const mode = (k: number) => line.points.map((x) => 1 + 0.5 * Math.cos(k * Math.PI * x));
/** Eigenvalue of −Δ_h. */
const lambda = (k: number) => 4 * n * n * Math.sin((k * Math.PI) / (2 * n)) ** 2;

test("one mode of the heat equation decays like e^{−λt}, order 2", () => {
  const plan = superSteps(line, 1, 1);
  const counts = [4, 8, 16];
  const errors = counts.map((steps) => {
    const density = mode(1);
    const stages = plan.stages(density, 0.2 / steps);
    for (let i = 0; i < steps; i++) plan.advance(density, 0.2 / steps, stages);
    return Math.abs((density[0] - 1) / (mode(1)[0] - 1) - Math.exp(-lambda(1) * 0.2));
  });
  expect(orderOf(counts, errors)).toBeGreaterThan(1.9);
  expect(errors[2]).toBeLessThan(1e-3);
});

test("the roughest mode does not grow at the largest step of every number of stages, and mass is kept", () => {
  const plan = superSteps(line, 1, 1);
  for (const stages of [3, 5, 9, 21, 45]) {
    const density = mode(n - 1);
    const mass = integrate(line.grid, density);
    const step = (plan.euler(density) * (stages * stages + stages - 2)) / 4;
    expect(plan.stages(density, step * (1 - 1e-12))).toBe(stages);
    plan.advance(density, step, stages);
    for (const v of density) expect(Math.abs(v - 1)).toBeLessThan(0.5);
    expect(Math.abs(integrate(line.grid, density) - mass)).toBeLessThan(1e-13);
  }
});

test("Euler's step is that of the steepest cell", () => {
  const plan = superSteps(line, 3, 0.5);
  expect(plan.euler(Float64Array.from({ length: n }, (_, k) => (k === 3 ? 2 : 0.1)))).toAgree(
    1 / (2 * 0.5 * 3 * 2 ** 2 * n * n),
    { rtol: 1e-14 },
  );
});

test("fast diffusion is refused", () => {
  expect(() => superSteps(line, 0.5, 1)).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: superSteps: exponent must be ≥ 1; got 0.5. Use scheme: "implicit" for fast diffusion.]`,
  );
});
