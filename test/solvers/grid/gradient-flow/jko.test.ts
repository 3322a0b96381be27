import { describe, expect, test } from "vitest";
import {
  divergenceTo,
  type EnergyOptions,
  energy,
  entropy,
  fokkerPlanckProblem,
  type GradientFlow,
  gradientFlow,
  lipschitzDivergence,
  power,
  transportTo,
} from "../../../../problems/index.js";
import {
  type GradientFlowSolution,
  gridTransport,
  type JkoOptions,
  jko,
  porousMedium,
} from "../../../../solvers/grid/index.js";
import { cells, type DomainOptions, domain } from "../../../../src/grid/index.js";
import { alphaDivergence, gaussian, kullbackLeibler, reverseKullbackLeibler } from "../../../../src/measure/index.js";
import { solve } from "../../../../src/solve.js";

const box = (half: number, d = 1, more: Partial<DomainOptions> = {}) =>
  domain({ lower: Array(d).fill(-half), upper: Array(d).fill(half), ends: "no-flux", ...more });
const history = (sol: GradientFlowSolution, name: string): readonly number[] =>
  sol.histories.find((h) => h.name === name)?.values ?? [];
const massOf = (sol: GradientFlowSolution, n: number): number =>
  sol.slabs[n].reduce((sum, v) => sum + v, 0) * sol.cells.grid.cellVolume;
const moments = (sol: GradientFlowSolution, n: number): readonly [number, number] => {
  const { points, grid } = sol.cells;
  const r = sol.slabs[n];
  const mean = r.reduce((sum, v, k) => sum + v * points[k], 0) * grid.cellVolume;
  return [mean, Math.sqrt(r.reduce((sum, v, k) => sum + v * (points[k] - mean) ** 2, 0) * grid.cellVolume)];
};

/** E falls by W₂²/2τ at each step, up to the gap and to the mass that was left unmatched. */
const expectDescent = (sol: GradientFlowSolution, slack: number): void => {
  const distances = history(sol, "squared distance");
  expect(distances.length).toBe(sol.slabs.length - 1);
  distances.forEach((square, n) => {
    const tau = sol.times[n + 1] - sol.times[n];
    expect(sol.energies[n + 1] + square / (2 * tau)).toBeLessThanOrEqual(sol.energies[n] + slack);
    expect(sol.energies[n + 1]).toBeLessThan(sol.energies[n]);
  });
};

/** A movement of N(a, s²) by the energy ρ log ρ + ρx²/2 is a Gaussian: its mean a/(1 + τ), its width the root of (σ − s)/τ = 1/σ − σ. */
const implicitStep = ([a, s]: readonly [number, number], tau: number): readonly [number, number] => {
  let width = s;
  for (let k = 0; k < 60; k++) width -= ((width - s) / tau - 1 / width + width) / (1 / tau + 1 / width ** 2 + 1);
  return [a / (1 + tau), width];
};

const diffusion = (options: Partial<EnergyOptions> = {}, initial = "exp(-(x - 1.5)^2/0.5)") =>
  gradientFlow({
    domain: box(6),
    energy: energy({ dimension: 1, internal: entropy(), potential: "x^2/2", convexity: 1, ...options }),
    initial,
  });

describe("minimising movements of Gaussians (C11)", () => {
  const errorsOf = async (variant: "jko" | "crank-nicolson", steps: number, points: number) => {
    const sol = await solve(diffusion(), jko({ points, step: 1 / steps, variant, tolerance: 1e-7 }));
    let law: readonly [number, number] = [1.5, 0.5];
    for (let n = 0; n < steps; n++) {
      if (variant === "jko" || n === 0) law = implicitStep(law, 1 / steps);
      else {
        const half = 0.5 / steps;
        law = implicitStep([law[0] * (1 - half), law[1] + half * (1 / law[1] - law[1])], half);
      }
    }
    const [mean, sd] = moments(sol, steps);
    const flow = [1.5 * Math.exp(-1), Math.sqrt(1 - 0.75 * Math.exp(-2))];
    return { sol, map: [mean - law[0], sd - law[1]], flow: Math.hypot(mean - flow[0], sd - flow[1]) };
  };

  test("every step is the exact movement, to second order in the cell; order 1 in τ; energy, mass, gap", async () => {
    const coarse = await errorsOf("jko", 16, 64);
    const fine = await errorsOf("jko", 16, 128);
    expect(Math.abs(fine.map[0])).toBeLessThan(5e-6);
    expect(Math.abs(fine.map[1])).toBeLessThan(1.5e-4);
    expect(coarse.map[1] / fine.map[1]).toBeGreaterThan(3.5);
    const finer = await errorsOf("jko", 32, 128);
    expect(Math.log2(fine.flow / finer.flow)).toBeGreaterThan(0.9);
    expect(finer.flow).toBeLessThan(0.011);
    expectDescent(fine.sol, 1e-6);
    fine.sol.slabs.forEach((slab, n) => {
      expect(Math.abs(massOf(fine.sol, n) - 1)).toBeLessThan(1e-13);
      expect(slab.every((v) => v >= 0)).toBe(true);
    });
    for (const gap of history(fine.sol, "gap")) {
      expect(gap).toBeGreaterThanOrEqual(0);
      expect(gap).toBeLessThan(1e-6);
    }
  });

  test("Crank–Nicolson: order 2 in τ", async () => {
    const coarse = await errorsOf("crank-nicolson", 8, 128);
    const fine = await errorsOf("crank-nicolson", 16, 256);
    expect(Math.abs(fine.map[0])).toBeLessThan(1e-5);
    expect(Math.abs(fine.map[1])).toBeLessThan(3e-5);
    expect(Math.log2(coarse.flow / fine.flow)).toBeGreaterThan(1.7);
    expect(fine.flow).toBeLessThan(1.1e-3);
  });

  test("two flows of a 1-convex energy come together like (1 + τ)^{−n} or faster", async () => {
    const settings: JkoOptions = { points: 128, step: 1 / 16, tolerance: 1e-6 };
    const one = await solve(diffusion(), jko(settings));
    const other = await solve(diffusion({}, "exp(-(x + 1)^2/0.4) + exp(-(x - 0.5)^2/0.2)"), jko(settings));
    const h = one.cells.grid.axes[0].spacing;
    const distance = (n: number): number => {
      // ∫|F⁻¹ − G⁻¹|² from both cumulated densities.
      const place = (r: Float64Array) => {
        let [at, below] = [0, 0];
        return (u: number) => {
          while (at < r.length - 1 && below + r[at] * h < u) below += r[at++] * h;
          return (at + (u - below) / (r[at] * h)) * h;
        };
      };
      const [a, b] = [place(one.slabs[n]), place(other.slabs[n])];
      let sum = 0;
      for (let i = 0; i < 20_000; i++) sum += (a((i + 0.5) / 20_000) - b((i + 0.5) / 20_000)) ** 2 / 20_000;
      return Math.sqrt(sum);
    };
    const start = distance(0);
    for (const n of [4, 8, 16]) expect(distance(n)).toBeLessThan(start * (1 + 1 / 16) ** -n * (1 + 1e-3));
  });

  test("an equilibrium is kept, that of a divergence to a target too", async () => {
    for (const problem of [
      diffusion({}, "exp(-x^2/2)"),
      gradientFlow({
        domain: box(4),
        energy: energy({ dimension: 1, internal: divergenceTo(kullbackLeibler(), "exp(-x^4/4)/2.563", 1) }),
        initial: "exp(-x^4/4)",
      }),
    ]) {
      const sol = await solve(problem, jko({ points: 64, step: 0.25 }));
      expect(sol.slabs.at(-1)).toAgree(sol.slabs[0], { rtol: 1e-10, atol: 1e-14 });
    }
  });
});

describe("porous medium (P9)", () => {
  const barenblatt = (d: number, m: number) => {
    const alpha = d / (d * (m - 1) + 2);
    const k = (alpha * (m - 1)) / (2 * m * d);
    return (x: Float64Array, t: number): number => {
      const square = x.reduce((sum, v) => sum + v * v, 0);
      return t ** -alpha * Math.max(0, 0.3 - k * square * t ** ((-2 * alpha) / d)) ** (1 / (m - 1));
    };
  };
  const run = async (d: number, m: number, options: JkoOptions) => {
    const exact = barenblatt(d, m);
    const problem = gradientFlow({
      domain: box(2.5, d),
      energy: energy({ dimension: d, internal: power(m) }),
      initial: (x) => exact(x, 0.1),
      horizon: 0.2,
      mass: null,
    });
    const sol = await solve(problem, jko(options));
    const last = sol.slabs[sol.slabs.length - 1];
    const { points, grid } = sol.cells;
    let error = 0;
    for (let j = 0; j < grid.size; j++)
      error += Math.abs(last[j] - exact(points.slice(j * d, (j + 1) * d), 0.3)) * grid.cellVolume;
    return { sol, error: error / massOf(sol, 0) };
  };

  test("m = 2 on a line: orders in L¹, exact mass, descent", async () => {
    const coarse = await run(1, 2, { points: 128, step: 0.025 });
    const fine = await run(1, 2, { points: 128, step: 0.0125 });
    expect(Math.log2(coarse.error / fine.error)).toBeGreaterThan(0.8);
    expect(fine.error).toBeLessThan(0.012);
    expectDescent(fine.sol, 1e-5);
    const second = await run(1, 2, { points: 128, step: 0.05, variant: "crank-nicolson" });
    const half = await run(1, 2, { points: 256, step: 0.025, variant: "crank-nicolson" });
    expect(Math.log2(second.error / half.error)).toBeGreaterThan(1.7);
    expect(half.error).toBeLessThan(2e-3);
    for (const { sol } of [fine, half])
      sol.slabs.forEach((slab, n) => {
        expect(Math.abs(massOf(sol, n) / massOf(sol, 0) - 1)).toBeLessThan(1e-13);
        expect(slab.every((v) => v >= 0)).toBe(true);
      });
  });

  test("m = 3 on a line and m = 2 in the plane", async () => {
    const cubic = await run(1, 3, { points: 128, step: 0.0125, variant: "crank-nicolson" });
    expect(cubic.error).toBeLessThan(4e-3);
    const plane = await run(2, 2, { points: 32, step: 0.05, variant: "crank-nicolson", tolerance: 5e-4 });
    expect(plane.error).toBeLessThan(0.02);
  });
});

describe("other energies and domains", () => {
  test("½W₂²(·, Q): energy (1 + τ)^{−2n}, and the densities are that far from Q", async () => {
    const gaussian = (mean: number, sd: number) => `exp(-(x - ${mean})^2/(2*${sd}^2))`;
    const problem = gradientFlow({
      domain: domain({ lower: [0], upper: [1], ends: "no-flux" }),
      energy: transportTo({ dimension: 1, order: 2, target: gaussian(0.6, 0.06) }),
      initial: gaussian(0.35, 0.08),
    });
    const sol = await solve(problem, jko({ points: 128, step: 0.25 }));
    const cut = cells(problem.domain, 128);
    const raw = Float64Array.from(cut.points, (x) => Math.exp(-((x - 0.6) ** 2) / (2 * 0.06 ** 2)));
    const mass = raw.reduce((sum, v) => sum + v, 0) / 128;
    const target = raw.map((v) => v / mass);
    const first = (await gridTransport(cut, sol.slabs[0], target)).distance;
    const third = (await gridTransport(cut, sol.slabs[2], target)).distance;
    expect(first).toBeCloseTo(Math.hypot(0.25, 0.02), 3);
    expect(Math.abs(third / (first * 1.25 ** -2) - 1)).toBeLessThan(5e-3);
    sol.energies.forEach((e, n) => {
      expect(e / sol.energies[0]).toBeCloseTo(1.25 ** (-2 * n), 13);
      expect(Math.abs(massOf(sol, n) - 1)).toBeLessThan(1e-12);
    });
    expect(sol.slabs.every((slab) => slab.every((v) => v >= 0))).toBe(true);
  });

  test("a crowd with cap 1 fills the interval around the minimum of V", async () => {
    // Equilibrium: ρ = 1 where |x| ≤ half the mass; 2·∫₀^{½} 2x² = 1/6 for mass 1.
    const problem = gradientFlow({
      domain: box(2),
      energy: energy({ dimension: 1, potential: "2*x^2", cap: 1 }),
      initial: "0.5 + 0*x",
      mass: 1,
      horizon: 3,
    });
    const sol = await solve(problem, jko({ points: 32, step: 0.3, method: "primal-dual", tolerance: 1e-4 }));
    const last = sol.slabs[sol.slabs.length - 1];
    expect(Math.max(...sol.slabs.map((slab) => Math.max(...slab)))).toBeLessThanOrEqual(1);
    expect(sol.slabs.every((slab) => slab.every((v) => v >= 0))).toBe(true);
    expect(Math.abs(massOf(sol, 10) - 1)).toBeLessThan(2e-4);
    const saturated = last.reduce((sum, v) => sum + (v > 0.99 ? 1 / 8 : 0), 0);
    expect(saturated).toBe(1);
    expect(sol.energies[10]).toBeCloseTo(1 / 6, 2);
    expectDescent(sol, 1e-4);
  });

  test("a diffusing crowd: back and forth and primal–dual agree, both below the cap", async () => {
    const problem = gradientFlow({
      domain: box(2),
      energy: energy({ dimension: 1, internal: entropy(0.2), potential: "x^2", cap: 1 }),
      initial: "exp(-(x/0.8)^4)/2",
      mass: 1.4,
      horizon: 0.1,
    });
    const settings = { points: 32, step: 0.05 };
    const one = await solve(problem, jko(settings));
    const other = await solve(problem, jko({ ...settings, method: "primal-dual", tolerance: 1e-4 }));
    for (const sol of [one, other]) {
      expect(Math.max(...sol.slabs[2])).toBe(1);
      expect(Math.abs(massOf(sol, 2) - 1.4)).toBeLessThan(1e-12);
      expectDescent(sol, 1e-4);
    }
    const apart = one.slabs[2].reduce((sum, v, k) => sum + Math.abs(v - other.slabs[2][k]) / 8, 0);
    expect(apart).toBeLessThan(0.05);
  });

  test("primal–dual movements with an interaction certify the energy that they see: the gap is that of the tolerance", async () => {
    const problem = gradientFlow({
      domain: box(0.5),
      horizon: 0.25,
      energy: energy({ dimension: 1, internal: power(2), interaction: "0.8*cos(2*pi*x)" }),
      initial: "1 + 0.5*cos(2*pi*x)",
    });
    const sol = await solve(problem, jko({ points: 16, step: 0.05, method: "primal-dual", tolerance: 1e-6 }));
    for (const gap of history(sol, "gap")) {
      expect(gap).toBeGreaterThan(-1e-12);
      expect(gap).toBeLessThan(1e-9);
    }
  });

  test("round an obstacle and on a circle by primal–dual: gap, mass, energy", async () => {
    const walled = gradientFlow({
      domain: domain({
        lower: [0, 0],
        upper: [1, 1],
        ends: "no-flux",
        obstacle: (x) => Math.hypot(x[0] - 0.5, x[1] - 0.5) < 0.2,
      }),
      energy: energy({ dimension: 2, internal: power(2) }),
      initial: "exp(-((x - 0.2)^2 + (y - 0.5)^2)/0.02)",
      horizon: 0.04,
    });
    const sol = await solve(walled, jko({ points: 12, step: 0.02, method: "primal-dual" }));
    expectDescent(sol, 1e-6);
    for (const gap of history(sol, "gap")) expect(Math.abs(gap)).toBeLessThan(1e-6);
    expect(Math.abs(massOf(sol, 2) - 1)).toBeLessThan(1e-13);
    sol.slabs[2].forEach((v, k) => {
      if (sol.cells.open[k] === 0) expect(v).toBe(0);
      else expect(v).toBeGreaterThanOrEqual(0);
    });
    const circle = gradientFlow({
      domain: domain({ lower: [0], upper: [1] }),
      energy: energy({ dimension: 1, internal: entropy() }),
      initial: "1 + 0.5*cos(2*pi*x)",
      horizon: 0.02,
    });
    const { slabs } = await solve(circle, jko({ points: 32, step: 0.005, method: "primal-dual" }));
    const amplitude = slabs[4].reduce((sum, v, k) => sum + (v * Math.cos((2 * Math.PI * (k + 0.5)) / 32)) / 16, 0);
    const phase = slabs[4].reduce((sum, v, k) => sum + (v * Math.sin((2 * Math.PI * (k + 0.5)) / 32)) / 16, 0);
    expect(Math.abs(Math.hypot(amplitude, phase) - 0.5 / (1 + 4 * Math.PI ** 2 * 0.005) ** 4)).toBeLessThan(0.01);
  });

  test("attraction frozen at the start of each step keeps the centre and lets the energy fall", async () => {
    const problem = gradientFlow({
      domain: box(4),
      energy: energy({ dimension: 1, internal: entropy(0.3), interaction: "x^2/2" }),
      initial: "exp(-(x - 0.5)^2)",
      horizon: 0.5,
    });
    const sol = await solve(problem, jko({ points: 64, step: 0.0625 }));
    // With W = x²/2 a Gaussian stays one: its variance obeys σ̇ = 2·0.3 − 2σ.
    const [mean, sd] = moments(sol, 8);
    expect(mean).toBeCloseTo(0.5, 4);
    expect(sd ** 2).toBeCloseTo(0.3 + 0.2 * Math.exp(-1), 2);
    sol.energies.slice(1).forEach((e, n) => {
      expect(e).toBeLessThan(sol.energies[n]);
    });
  });
});

describe("the far corners", () => {
  /** Lengths in units of L, times of T, masses of M: the energies that give the same flow are in units of M L²/T. */
  const inUnits = (L: number, T: number, M: number) =>
    gradientFlow({
      domain: box(L),
      energy: energy({
        dimension: 1,
        internal: power(2, (0.2 * L ** 3) / (T * M)),
        potential: `${1 / T}*(x^2/2 + 7*${L ** 2})`,
      }),
      initial: `exp(-(x - ${0.2 * L})^2/${0.1 * L ** 2})`,
      horizon: 0.2 * T,
      mass: M,
    });

  test.each(["back-and-forth", "primal-dual"] as const)(
    "%s: the numbers do not depend on the units",
    async (method) => {
      const run = (L: number, T: number, M: number) =>
        solve(inUnits(L, T, M), jko({ points: 24, step: 0.05 * T, method }));
      const one = await run(1, 1, 1);
      for (const [L, T, M] of [
        [1e6, 1, 1],
        [1e-6, 1, 1],
        [1, 1e6, 1],
        [1, 1e-6, 1],
        [1, 1, 1e6],
        [1, 1, 1e-6],
      ] as const) {
        const other = await run(L, T, M);
        other.slabs.forEach((slab, n) => {
          expect(slab.map((v) => (v * L) / M)).toAgree(one.slabs[n], { atol: 1e-4 });
          expect(Math.abs(massOf(other, n) / M - 1)).toBeLessThan(1e-14);
        });
      }
    },
  );

  test("mass is exact where e′ is so flat that the dual potential cannot tell densities apart", async () => {
    for (const method of ["back-and-forth", "primal-dual"] as const) {
      const problem = gradientFlow({
        domain: box(1),
        energy: energy({ dimension: 1, internal: power(10) }),
        initial: "max(0, 1 - 4*x^2)^(1/9)",
        horizon: 0.01,
      });
      const sol = await solve(problem, jko({ points: 32, step: 0.0025, method, samples: 8 }));
      sol.slabs.forEach((_, n) => {
        expect(Math.abs(massOf(sol, n) - 1)).toBeLessThan(1e-14);
      });
    }
  });

  test("primal–dual with an interaction: the gap is that of the movement, ≥ 0", async () => {
    const problem = gradientFlow({
      domain: box(1),
      energy: energy({ dimension: 1, internal: power(2, 0.1), interaction: "abs(x)" }),
      initial: "exp(-x^2/0.18)",
      horizon: 0.1,
    });
    const sol = await solve(problem, jko({ points: 24, step: 0.05, method: "primal-dual" }));
    expect(history(sol, "gap").length).toBe(2);
    for (const gap of history(sol, "gap")) expect(Math.abs(gap - 5e-6)).toBeLessThanOrEqual(5e-6);
  });

  test.each(["back-and-forth", "primal-dual"] as const)("%s: a movement can be interrupted", async (method) => {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), 20);
    const problem = gradientFlow({
      domain: box(1, 2),
      energy: energy({ dimension: 2, internal: power(2) }),
      initial: "max(0, 0.2 - x^2 - y^2)",
      horizon: 0.5,
    });
    const settings = { points: 48, step: 0.5, method, tolerance: 1e-14, maxIterations: 10_000_000 };
    await expect(solve(problem, jko(settings), { signal: stop.signal })).rejects.toThrow("aborted");
    clearTimeout(timer);
  });

  test("reverse KL from a start with vacuum, E = ∞: both methods fill it", async () => {
    const problem = gradientFlow({
      domain: box(1),
      energy: energy({ dimension: 1, internal: divergenceTo(reverseKullbackLeibler(), 0.5, 1) }),
      initial: "heaviside(0.5 - abs(x))",
      horizon: 0.01,
    });
    for (const method of ["back-and-forth", "primal-dual"] as const) {
      const sol = await solve(problem, jko({ points: 16, step: 0.005, method }));
      expect(sol.energies[0]).toBe(Infinity);
      expect(sol.energies[2]).toBeLessThan(sol.energies[1] as number);
      for (const gap of history(sol, "gap")) expect(Math.abs(gap)).toBeLessThan(1e-6);
      expect(Math.abs(massOf(sol, 2) - 1)).toBeLessThan(1e-14);
    }
  });

  test("steps so long that E alone decides end in its minimum", async () => {
    for (const weight of [100, 1e6]) {
      const problem = gradientFlow({
        domain: box(1),
        energy: energy({ dimension: 1, internal: entropy(weight), potential: "x^2/2" }),
        initial: "exp(-x^2/0.08)",
        horizon: 0.1,
      });
      const { slabs, cells: cut } = await solve(problem, jko({ points: 32, step: 0.05 }));
      const weights = Float64Array.from(cut.points, (x) => Math.exp(-(x * x) / (2 * weight)));
      const z = weights.reduce((sum, v) => sum + v, 0) / 16;
      expect(slabs[2]).toAgree(
        weights.map((v) => v / z),
        { atol: 1e-3 },
      );
    }
  });
});

describe("mass that is torn apart", () => {
  const line = (lower: number, upper: number) => domain({ lower: [lower], upper: [upper], ends: "no-flux" });
  const falls = (sol: GradientFlowSolution): void => {
    for (let n = 1; n < sol.energies.length; n++) expect(sol.energies[n]).toBeLessThan(sol.energies[n - 1] as number);
  };

  test("heat from a box: energy and gap of every step, order 1 in τ against the cosine series", async () => {
    const [low, high] = [0.2, 0.4];
    const horizon = 0.02;
    const n = 80;
    const problem = gradientFlow({
      domain: line(0, 1),
      initial: (x) => (x[0] > low && x[0] < high ? 1 / (high - low) : 0),
      energy: energy({ dimension: 1, internal: entropy() }),
      horizon,
    });
    const exact = (x: number): number => {
      let sum = 1;
      for (let m = 1; m < 60; m++) {
        const w = m * Math.PI;
        const coefficient = (2 * (Math.sin(w * high) - Math.sin(w * low))) / (w * (high - low));
        sum += coefficient * Math.exp(-w * w * horizon) * Math.cos(w * x);
      }
      return sum;
    };
    const errors: number[] = [];
    for (const steps of [8, 16, 32]) {
      const solution = await solve(problem, jko({ points: n, step: horizon / steps }));
      expect(solution.status.converged).toBe(true);
      falls(solution);
      for (const gap of history(solution, "gap")) expect(Math.abs(gap)).toBeLessThan(1e-3);
      const last = solution.slabs[steps];
      errors.push(last.reduce((sum, r, j) => sum + Math.abs(r - exact((j + 0.5) / n)) / n, 0));
    }
    expect(errors[0]).toBeLessThan(0.035);
    for (let i = 1; i < 3; i++) expect(Math.log2(errors[i - 1] / errors[i])).toBeGreaterThan(0.85);
  });

  test("porous medium from a box in the plane: energy, gap, symmetry, and porousMedium's density", async () => {
    const problem = gradientFlow({
      domain: box(0.5, 2),
      initial: (x) => (Math.max(Math.abs(x[0]), Math.abs(x[1])) < 0.2 ? 1 / 0.16 : 0),
      mass: null,
      energy: energy({ dimension: 2, internal: power(2) }),
      horizon: 0.004,
    });
    const n = 16;
    const last: Float64Array[] = [];
    for (const steps of [2, 4]) {
      const solution = await solve(problem, jko({ points: n, step: problem.horizon / steps }));
      falls(solution);
      // Of energies from 6.25 down to 2.
      for (const gap of history(solution, "gap")) expect(Math.abs(gap)).toBeLessThan(1e-3);
      last.push(solution.slabs[steps]);
    }
    const reference = await solve(problem, porousMedium({ points: n, steps: 32, scheme: "second-order" }));
    const off = (u: Float64Array, v: Float64Array): number =>
      u.reduce((sum, r, j) => sum + Math.abs(r - v[j]) / n ** 2, 0);
    const errors = last.map((slab) => off(slab, reference.slabs[32]));
    expect(errors[0]).toBeLessThan(0.13);
    expect(Math.log2(errors[0] / errors[1])).toBeGreaterThan(0.6);
    // Twice the tolerance.
    for (const slab of last) expect(off(slab, slab.toReversed())).toBeLessThan(2e-4);
  });

  test("a target wider than the start, α = ½, and a step that crosses the box", async () => {
    const wide = await solve(
      gradientFlow({
        domain: line(-4, 4),
        initial: gaussian({ mean: [1], sd: 0.75 }),
        energy: energy({
          dimension: 1,
          internal: divergenceTo(alphaDivergence(0.5), gaussian({ mean: [0], sd: 1.25 }), 1),
        }),
        horizon: 0.25,
      }),
      jko(),
    );
    falls(wide);
    const fine = await solve(wide.problem as GradientFlow, porousMedium({ points: 512, steps: 256 }));
    expect(Math.abs((wide.energies[64] as number) / (fine.energies[256] as number) - 1)).toBeLessThan(0.03);
    const long = await solve(
      gradientFlow({
        domain: line(-4, 4),
        initial: gaussian({ mean: [2], sd: 0.3 }),
        energy: energy({ dimension: 1, internal: power(2), potential: "x^2/2" }),
        horizon: 10,
      }),
      jko({ points: 128, step: 10 }),
    );
    falls(long);
    // The gap is all that is left to be gained of a movement that lets 2.98 fall to 0.64.
    for (const gap of history(long, "gap")) expect(Math.abs(gap)).toBeLessThan(1e-3);
  });
});

describe("what it says", () => {
  test("options", () => {
    const cases: JkoOptions[] = [
      { points: 3 },
      { step: 0 },
      { method: "sinkhorn" as never },
      { variant: "bdf2" as never },
      { method: "primal-dual", variant: "crank-nicolson" },
      { tolerance: 0 },
      { maxIterations: 0 },
      { rounds: -1 },
      { samples: 0 },
    ];
    const said = cases.map((options) => {
      try {
        jko(options);
        return "nothing";
      } catch (error) {
        return (error as Error).message;
      }
    });
    expect(said).toMatchInlineSnapshot(`
      [
        "jko: points must be an integer ≥ 4, or one for each axis; got 3. Use points: 64 to start.",
        "jko: step must be a finite number > 0; got 0. Leave it out for a 64th of the horizon.",
        "jko: method must be one of back-and-forth, primal-dual; got "sinkhorn". Use method: "back-and-forth" on a box with walls.",
        "jko: variant must be one of jko, crank-nicolson; got "bdf2". Use variant: "jko".",
        "jko: variant must be jko with method primal-dual, which is of first order in space and time; got "crank-nicolson". Use method: "back-and-forth" for second order.",
        "jko: tolerance must lie between 0 and 1; got 0. Leave it out to start.",
        "jko: maxIterations must be an integer ≥ 1; got 0. Leave it out to start.",
        "jko: rounds must be an integer ≥ 0; got -1. Leave it out to start.",
        "jko: samples must be an integer ≥ 1; got 0. Leave it out to start.",
      ]
    `);
  });

  test("problems", () => {
    const flow = (options: Parameters<typeof gradientFlow>[0]) => gradientFlow(options);
    const common = { domain: box(1), initial: "1 + 0*x" };
    const gas = energy({ dimension: 1, internal: entropy() });
    const solver = jko();
    const dual = jko({ method: "primal-dual" });
    const said = [
      solver.handles(fokkerPlanckProblem({ domain: box(1), diffusion: 1, potential: "x", initial: "1 + 0*x" })),
      solver.handles(flow({ ...common, domain: domain({ lower: [0], upper: [1] }), energy: gas })),
      solver.handles(flow({ ...common, energy: energy({ dimension: 1, potential: "x^2", cap: 1 }) })),
      solver.handles(
        flow({
          ...common,
          energy: lipschitzDivergence({ dimension: 1, divergence: kullbackLeibler(), lipschitz: 1, target: "1 + 0*x" }),
        }),
      ),
      solver.handles(flow({ ...common, energy: transportTo({ dimension: 1, order: 1, target: "1 + 0*x" }) })),
      dual.handles(flow({ ...common, energy: transportTo({ dimension: 1, order: 2, target: "1 + 0*x" }) })),
      jko({ variant: "crank-nicolson" }).handles(
        flow({ ...common, energy: transportTo({ dimension: 1, order: 2, target: "1 + 0*x" }) }),
      ),
      solver.handles(flow({ domain: box(1, 4), initial: "1", energy: energy({ dimension: 4, internal: entropy() }) })),
    ];
    expect(said).toMatchInlineSnapshot(`
      [
        "it solves gradient flows, not fokker-planck; use a solver of that family",
        "back and forth needs a convex box with walls, where straight lines stay inside; use method: "primal-dual" for obstacles and periodic axes",
        "back and forth needs a strictly convex internal energy, because without one the potential does not determine the density; use method: "primal-dual", or add entropy(1e-2)",
        "a Lipschitz-regularised divergence has no cell-wise conjugate; use lipschitzFlow(), or divergenceTo() for L = ∞",
        "W₁(·, Q) moves mass at speed 1 along rays: its movements are not unique; use ½W₂²: order: 2",
        "movements of ½W₂²(·, Q) are points of a geodesic, found on a box; use method: "back-and-forth"",
        "movements of ½W₂²(·, Q) are exact points of a geodesic; use variant: "jko"",
        "a grid in 4 dimensions is too large; use particles instead",
      ]
    `);
    expect(dual.handles(flow({ ...common, energy: gas }))).toBe(true);
  });

  test("caps that do not fit, and steps that do not converge", async () => {
    const capped = (cap: number, initial: string) =>
      solve(
        gradientFlow({
          domain: box(1),
          initial,
          mass: null,
          energy: energy({ dimension: 1, internal: entropy(), cap }),
        }),
        jko({ points: 8 }),
      );
    await expect(capped(1, "1.5 + x/2")).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: jko: the initial density must be at most the cap 1; got 1.9375. Spread it, or raise the cap.]`,
    );
    await expect(capped(1, "1 + 0*x")).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: jko: the cap must leave room for the mass; got 1. Raise the cap or the box.]`,
    );
    await expect(
      solve(diffusion(), jko({ points: 64, step: 0.1, maxIterations: 1, rounds: 0, tolerance: 1e-8 })),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[SolveError: jko on gradient-flow: stopped: step 1: stalled: residual 0.0706 after 6 rounds and Newton steps; raise maxIterations, use a smaller step, or method: "primal-dual"]`,
    );
    await expect(
      solve(diffusion(), jko({ points: 64, step: 0.1, maxIterations: 1, method: "primal-dual" })),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[SolveError: jko on gradient-flow: stopped: step 1: stalled: residual 0.753 after 1 iterations; raise maxIterations, or use a smaller step]`,
    );
  });
});
