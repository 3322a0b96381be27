// Order and level of the grid solver against closed forms. Errors:
//   value    |dual − exact|
//   U        √E_ρ₀ (U(0, x) − exact)² after the mean difference (the critic's free constant) is taken out
//   rho      ∫|ρ_T − exact|
//   residual |E|y_T| − exact|, the distance that remains to a singular target
import { describe, expect, test } from "vitest";
import { gaussianScale, gaussianShift, manifoldTarget, pointTarget } from "../../problems/catalogue/index.js";
import { type ProximalFlow, proximalFlow } from "../../problems/proximal-flow.js";
import {
  type GridProximalFlowOptions,
  type GridProximalFlowSolution,
  gridProximalFlow,
} from "../../solvers/grid/index.js";
import { integrate, nodesOf } from "../../src/grid/index.js";
import { gaussian, kullbackLeibler } from "../../src/measure/index.js";
import { type ConvergenceTable, convergence } from "../../src/verify/index.js";

/** E|y_T| for c = TL/λ = 1: 2(pdf(1) − (1 − Φ(1))). */
const RESIDUAL = 0.16663094;

function errors(s: GridProximalFlowSolution): Record<string, number> {
  const exact = s.problem.exact!;
  const T = s.problem.horizon;
  const g = s.grid;
  const x = nodesOf(g);
  const rho = s.density(0).values;
  const [u, e] = [s.value(0, x), exact.potential(0, x)];
  const mean = integrate(
    g,
    rho.map((r, k) => r * (u[k] - e[k])),
  );
  const out: Record<string, number> = {
    value: Math.abs((s.objective.dual as number) - exact.value),
    U: Math.sqrt(
      integrate(
        g,
        rho.map((r, k) => r * (u[k] - e[k] - mean) ** 2),
      ),
    ),
  };
  const end = s.density(T).values;
  const law = exact.law(T);
  if (law?.logDensity) {
    const density = law.logDensity(x).map(Math.exp);
    out.rho = integrate(
      g,
      end.map((r, k) => Math.abs(r - density[k])),
    );
  } else {
    const d = g.dimension;
    out.residual = Math.abs(
      integrate(
        g,
        end.map((r, k) => r * Math.abs(x[k * d + d - 1])),
      ) - RESIDUAL,
    );
  }
  return out;
}

const run = (problem: ProximalFlow, resolutions: readonly number[], options: GridProximalFlowOptions = {}) =>
  convergence((points) => gridProximalFlow({ ...options, points }), problem, { resolutions, errors });

function hold(table: ConvergenceTable, bounds: Readonly<Record<string, readonly [number, number]>>): void {
  expect(table.columns.map((c) => c.name)).toEqual(Object.keys(bounds));
  for (const { name, order, level } of table.columns) {
    const [slope, most] = bounds[name];
    expect(order, `order of ${name}`).toBeGreaterThanOrEqual(slope);
    expect(level, `level of ${name}`).toBeLessThanOrEqual(most);
  }
}

describe("on a line, 32 … 256 points", () => {
  const points = [32, 64, 128, 256];
  test("M1, (Δ,s²,λ,T,L) = (3,1,½,1,1): value 1.5, bound just active", async () => {
    expect(gaussianShift().exact?.value).toBe(1.5);
    hold(await run(gaussianShift(), points), { value: [1.8, 5e-4], U: [0.9, 1e-2], rho: [0.9, 1e-2] });
  });
  test("M1, L = ½: value 1.125, bound active", async () => {
    expect(gaussianShift({ lipschitz: 0.5 }).exact?.value).toBe(1.125);
    hold(await run(gaussianShift({ lipschitz: 0.5 }), points), {
      value: [1.3, 2e-4],
      U: [1.3, 1e-4],
      rho: [1.8, 1e-3],
    });
  });
  test("M1, L = 2: bound inactive", async () => {
    hold(await run(gaussianShift({ lipschitz: 2 }), points), { value: [1.7, 3e-4], U: [1.8, 1e-3], rho: [1.7, 1e-3] });
  });
  test("M2: value .32206924", async () => {
    expect(gaussianScale().exact?.value).toAgree(0.32206924, { atol: 1e-8 });
    hold(await run(gaussianScale(), points), { value: [1.8, 1e-3], U: [1.8, 1e-3], rho: [1.8, 1e-3] });
  });
  test("M3, a point: value and residual .16663094", async () => {
    const table = await run(pointTarget({ point: [0] }), points, { samples: 64 });
    hold(table, { value: [1.8, 1e-3], U: [0.9, 1e-2], residual: [0.9, 1e-2] });
  });
});

describe("in the plane", () => {
  // The certificate is taken at the smoothing of the fields, so that one ε ∝ h² governs a table.
  const options = { tolerance: 0.1 };
  test("M1, bound inactive", async () => {
    const table = await run(gaussianShift({ dimension: 2, lipschitz: 2 }), [32, 44, 60], options);
    hold(table, { value: [1.8, 5e-3], U: [1.8, 6e-3], rho: [1.8, 8e-3] });
  });
  test("M1, bound just active: error √ε, hence order 1 for ε ∝ h²", async () => {
    const table = await run(gaussianShift({ dimension: 2 }), [32, 40, 48], options);
    hold(table, { value: [0.9, 8e-3], U: [0.9, 6e-2], rho: [0.9, 9e-2] });
  });
  test("M2", async () => {
    const table = await run(gaussianScale({ dimension: 2 }), [32, 48, 72], options);
    hold(table, { value: [1.8, 1e-2], U: [1.8, 3e-3], rho: [1.8, 1e-2] });
  });
  test("M3: the manifold ℝ × {0}, target by draws", async () => {
    const table = await run(manifoldTarget(), [32, 44, 60], { ...options, samples: 2 ** 16 });
    hold(table, { value: [1.5, 2e-3], U: [0.9, 2.5e-2], residual: [0.9, 3.5e-2] });
  });

  test("anisotropic Gaussians on an oblong box with different points an axis: the tensor product of two closed forms", async () => {
    const [wide, narrow] = [gaussianScale({ sourceSd: 2 }), gaussianScale({ sourceSd: 0.7, targetSd: 1.2 })];
    const problem = proximalFlow({
      source: gaussian({ mean: [0, 0], sd: [2, 0.7] }),
      target: gaussian({ mean: [0, 0], sd: [1, 1.2] }),
      divergence: kullbackLeibler(),
      lipschitz: Infinity,
      kineticWeight: 1,
      horizon: 1,
    });
    const [a, b] = [wide.exact!, narrow.exact!];
    const measure = (s: GridProximalFlowSolution): Record<string, number> => {
      const g = s.grid;
      const x = nodesOf(g);
      const rho = s.density(0).values;
      const column = (axis: number) => x.filter((_, i) => i % 2 === axis);
      const [x0, x1] = [column(0), column(1)];
      const [ua, ub] = [a.potential(0, x0), b.potential(0, x1)];
      const [va, vb] = [a.velocity(0, x0), b.velocity(0, x1)];
      const u = s.value(0, x);
      const v = s.velocity(0, x);
      const mean = integrate(
        g,
        rho.map((r, k) => r * (u[k] - ua[k] - ub[k])),
      );
      const [la, lb] = [a.law(1)!.logDensity!(x0), b.law(1)!.logDensity!(x1)];
      const end = s.density(1).values;
      return {
        value: Math.abs((s.objective.dual as number) - a.value - b.value),
        U: Math.sqrt(
          integrate(
            g,
            rho.map((r, k) => r * (u[k] - ua[k] - ub[k] - mean) ** 2),
          ),
        ),
        velocity: Math.sqrt(
          integrate(
            g,
            rho.map((r, k) => r * ((v[2 * k] - va[k]) ** 2 + (v[2 * k + 1] - vb[k]) ** 2)),
          ),
        ),
        rho: integrate(
          g,
          end.map((r, k) => Math.abs(r - Math.exp(la[k] + lb[k]))),
        ),
      };
    };
    const box = { lower: [-12, -7.5], upper: [12, 7.5] };
    const table = await convergence(
      (n) => gridProximalFlow({ points: [n, (3 * n) / 4], box, tolerance: 0.1 }),
      problem,
      { resolutions: [32, 48, 72], errors: measure },
    );
    hold(table, { value: [1.8, 1e-2], U: [1.8, 1.5e-2], velocity: [1.8, 3e-2], rho: [1.6, 2e-2] });
  });
});
