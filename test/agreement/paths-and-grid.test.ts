// Agents that follow a solved game against the densities of the same solution: moments, histograms, and who has left through doors.
import { describe, expect, test } from "vitest";
import type { MeanFieldGame } from "../../problems/index.js";
import {
  couplingLocal,
  hamiltonianQuadratic,
  linearQuadraticMean,
  logGaussian,
  meanFieldGame,
  torusCrowd,
} from "../../problems/index.js";
import { picard } from "../../solvers/grid/index.js";
import { domain, mass } from "../../src/grid/index.js";
import { moments } from "../../src/measure/index.js";
import { solve } from "../../src/solve.js";

const { sqrt, abs } = Math;

const solved = (problem: MeanFieldGame, points: number | readonly number[], steps: number) =>
  solve(problem, picard({ points, steps, anderson: 5, tolerance: 1e-6, exploitability: "final" }), { device: "cpu" });

describe("agents and the crowd", () => {
  for (const [name, problem, points, count] of [
    ["linear–quadratic, 1-D (P6)", linearQuadraticMean(), 64, 6000],
    ["linear–quadratic, 2-D (P6)", linearQuadraticMean({ dimension: 2 }), 24, 3000],
    ["logarithmic, 1-D (P5)", logGaussian(), 64, 6000],
    ["logarithmic, 2-D (P5)", logGaussian({ dimension: 2 }), 24, 3000],
  ] as const)
    test(`${name}: mean and variance at T/2 and T within 4 standard errors and the scheme's own error`, async () => {
      const steps = 24;
      const solution = await solved(problem, points, steps);
      const paths = solution.trajectories({ count, steps: 48, seed: 3 });
      const d = problem.dimension;
      const h = Math.max(...solution.fields.cells.grid.axes.map((axis) => axis.spacing));
      for (const n of [24, 48]) {
        const law = moments(solution.density((n / 48) * problem.horizon));
        for (let a = 0; a < d; a++) {
          const x = Float64Array.from({ length: count }, (_, i) => paths.positions[(n * count + i) * d + a]);
          const mean = x.reduce((sum, v) => sum + v, 0) / count;
          const variance = x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / count;
          const s = law.covariance[a * d + a];
          expect(abs(mean - law.mean[a])).toBeLessThan(4 * sqrt(s / count));
          // Upwinding adds |v|h/2 of diffusion to the grid's law and none to the paths: 0.4 h √s in the stationary P6.
          expect(abs(variance - s)).toBeLessThan(s * 4 * sqrt(2 / count) + 0.5 * h * sqrt(s));
        }
      }
    });

  test("the solved feedback is that of the closed form (P6), order 1 in the grid", async () => {
    const problem = linearQuadraticMean();
    const k = Math.SQRT2;
    const a = (t: number) => (k * (0.5 + k * Math.tanh(k * (1 - t)))) / (k + 0.5 * Math.tanh(k * (1 - t)));
    const x = Float64Array.from({ length: 41 }, (_, i) => -2 + i / 10);
    const errors = [];
    for (const points of [48, 96]) {
      const solution = await solved(problem, points, points);
      let worst = 0;
      for (const t of [0, 0.3, 0.7])
        solution.velocity(t, x).forEach((v, i) => {
          worst = Math.max(worst, abs(v + a(t) * x[i]));
        });
      errors.push(worst);
    }
    expect(errors[1]).toBeLessThan(0.2);
    expect(Math.log2(errors[0] / errors[1])).toBeGreaterThan(0.8);
  });

  test("on the torus the histogram of agents is the density: χ² of 16 bins", async () => {
    const solution = await solved(torusCrowd({ dimension: 1 }), 128, 64);
    const count = 8000;
    const { positions } = solution.trajectories({ count, steps: 64, seed: 11 });
    const last = positions.subarray(64 * count);
    const m = solution.density(1);
    let square = 0;
    for (let bin = 0; bin < 16; bin++) {
      const expected = m.values.subarray(8 * bin, 8 * bin + 8).reduce((sum, v) => sum + v / 128, 0) * count;
      const found = last.filter((v) => Math.floor(v * 16) === bin).length;
      square += (found - expected) ** 2 / expected;
    }
    // 15 degrees of freedom: mean 15, standard deviation 5.5; the scheme's 1 % of error adds count · 1e-4 ≈ 1.
    expect(square).toBeLessThan(15 + 4 * 5.5 + 1);
  });

  for (const [name, box, points, slack] of [
    ["a line", domain({ lower: [0], upper: [1], ends: [["no-flux", "door"]] }), 128, 0.01],
    [
      "a room with an opening",
      domain({
        lower: [0, 0],
        upper: [1, 1],
        ends: "no-flux",
        doors: [{ axis: 0, side: "upper", from: [0.5], to: [1] }],
      }),
      24,
      0.03,
    ],
  ] as const)
    test(`doors, ${name}: the share of agents that has left is the mass that the grid has lost`, async () => {
      const d = box.dimension;
      const problem = meanFieldGame({
        domain: box,
        populations: { viscosity: 0.3, hamiltonian: hamiltonianQuadratic({ dimension: d }), initial: 1 },
        coupling: couplingLocal({ dimension: d, cost: "1 + m" }),
      });
      const solution = await solved(problem, points, d === 1 ? 128 : 24);
      const count = 4000;
      const steps = 60;
      const paths = solution.trajectories({ count, steps, seed: 1 });
      const first = mass(solution.density(0));
      for (const n of [20, 40, 60]) {
        const lost = 1 - mass(solution.density(n / 60)) / first;
        // Binomial standard error; the rest is of first order in h and in both time steps.
        expect(abs(paths.exited[n] / count - lost)).toBeLessThan(3 * sqrt((lost * (1 - lost)) / count) + slack);
      }
      expect(paths.exited[60]).toBeGreaterThan(0.3 * count);
      expect(paths.exited[60]).toBeLessThan(0.95 * count);
    });
});
