// RKL2 against the exact decay of one cosine mode, its stability at the largest step, and the limits of its stages.
import { expect, test } from "vitest";
import { superSteps } from "../../../../solvers/grid/gradient-flow/index.js";
import { cells, domain, integrate } from "../../../../src/grid/index.js";
import { generator } from "../../../../src/random/index.js";
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

test.each([
  ["1-D periodic", ["periodic"], null],
  ["2-D", ["no-flux", "periodic"], null],
  ["3-D", ["periodic", "no-flux", "periodic"], null],
  ["2-D with an obstacle", ["no-flux", "no-flux"], (x: Float64Array) => x[0] < 0.3 && x[1] > 0.6],
] as const)(
  "%s: three stages are those of the formulas, written out over lists of neighbours",
  (_name, ends, obstacle) => {
    const d = ends.length;
    const box = cells(
      domain({ lower: Array(d).fill(0), upper: Array(d).fill(1), ends: d === 1 ? ends[0] : ends, obstacle }),
      [7, 5, 4].slice(0, d),
    );
    const { size, axes } = box.grid;
    const first = generator(3)
      .uniform(size)
      .map((v, k) => (box.open[k] === 1 ? v : 0));
    const M = (y: Float64Array): Float64Array =>
      y.map((_, k) =>
        box.neighbour.reduce((sum, other, j) => sum + (y[other[k]] ** 2 - y[k] ** 2) / axes[j >> 1].spacing ** 2, 0),
      );
    const step = 1e-3;
    const b = [1 / 3, 1 / 3, 1 / 3, 10 / 24];
    const w = 4 / (9 + 3 - 2);
    const M0 = M(first);
    let [before, now] = [first, first.map((v, k) => v + (step * w * M0[k]) / 3)];
    for (const j of [2, 3]) {
      const mu = ((2 * j - 1) * b[j]) / (j * b[j - 1]);
      const nu = (-(j - 1) * b[j]) / (j * b[j - 2]);
      const Mj = M(now);
      const next = now.map(
        (v, k) =>
          mu * v +
          nu * before[k] +
          (1 - mu - nu) * first[k] +
          mu * w * step * Mj[k] -
          (1 - b[j - 1]) * mu * w * step * M0[k],
      );
      [before, now] = [now, next];
    }
    const density = first.slice();
    superSteps(box, 2, 1).advance(density, step, 3);
    expect(density).toAgree(now, { rtol: 1e-12, atol: 1e-14 });
  },
);
