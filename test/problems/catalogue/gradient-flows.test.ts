// The catalogue's diffusive flows: closed forms satisfy their equations, masses and energies against quadrature, fronts, refusals.
import { describe, expect, test } from "vitest";
import {
  barenblatt,
  barenblattProfile,
  densityOn,
  doubleWell,
  gaussianFlow,
  gradientFlows,
  kellerSegel,
  mergingBumps,
  porousObstacle,
} from "../../../problems/index.js";
import { cells, integrate } from "../../../src/grid/index.js";

describe("Barenblatt", () => {
  test.each([
    [1, 2],
    [1, 3],
    [2, 2],
    [2, 3],
    [3, 2],
    [1, 0.75],
    [2, 0.75],
    [3, 0.8],
  ])("%d-D, m = %d satisfies ∂ₜρ = Δρ^m and has its mass", (d, m) => {
    const profile = barenblattProfile(d, m, 1.7);
    const u = (t: number, ...x: number[]) => profile.density(t, Float64Array.from(x));
    const at = Array.from({ length: d }, (_, a) => 0.3 + 0.2 * a);
    const h = 1e-3;
    const rate = (u(1 + h, ...at) - u(1 - h, ...at)) / (2 * h);
    let laplacian = 0;
    for (let a = 0; a < d; a++) {
      const moved = (by: number) => u(1, ...at.map((v, b) => (a === b ? v + by : v))) ** m;
      laplacian += (moved(h) - 2 * moved(0) + moved(-h)) / h ** 2;
    }
    expect(rate).toAgree(laplacian, { rtol: 1e-5, atol: 1e-7 });
    // Mass by the radial integral.
    const shell = [2, 2 * Math.PI, 4 * Math.PI][d - 1];
    const reach = m > 1 ? profile.front(1) : 400;
    const n = 200000;
    let mass = 0;
    for (let i = 0; i < n; i++) {
      const r = ((i + 0.5) / n) * reach;
      mass += shell * r ** (d - 1) * u(1, r, ...Array(d - 1).fill(0)) * (reach / n);
    }
    expect(mass).toAgree(1.7, { rtol: 2e-3 });
  });

  test("the energy falls by the dissipation and is ∫ρ^m/(m − 1)", () => {
    for (const m of [2, 3]) {
      const problem = barenblatt({ exponent: m });
      const cut = cells(problem.domain, 4000);
      const E = problem.exact?.energy as (t: number) => number;
      for (const t of [0, 1]) {
        const rho = problem.exact?.density?.(t, cut.points) as Float64Array;
        expect(
          integrate(
            cut.grid,
            rho.map((v) => v ** m / (m - 1)),
          ),
        ).toAgree(E(t), { rtol: 1e-4 });
      }
    }
  });
});

test("the Gaussian flow satisfies ∂ₜρ = Δρ − div(ρ∇log q), and its energy is KL", () => {
  const problem = gaussianFlow({ targetMean: [0.5], targetVariance: [0.8] });
  const density = problem.exact?.density as (t: number, x: Float64Array) => Float64Array;
  const rho = (t: number, x: number) => density(t, Float64Array.of(x))[0];
  const h = 1e-3;
  for (const x of [-0.5, 0.3, 1.1]) {
    const rate = (rho(0.5 + h, x) - rho(0.5 - h, x)) / (2 * h);
    const flux = (y: number) => (rho(0.5, y + h) - rho(0.5, y - h)) / (2 * h) + (rho(0.5, y) * (y - 0.5)) / 0.8;
    expect(rate).toAgree((flux(x + h) - flux(x - h)) / (2 * h), { rtol: 1e-4, atol: 1e-5 });
  }
  const cut = cells(problem.domain, 2000);
  const p = problem.exact?.density?.(0.5, cut.points) as Float64Array;
  const q = problem.energy.internal?.reference?.density?.evaluate(0, cut.points) as Float64Array;
  expect(
    integrate(
      cut.grid,
      p.map((v, k) => (v > 0 ? v * Math.log(v / q[k]) : 0)),
    ),
  ).toAgree(problem.exact?.energy?.(0.5) as number, { rtol: 1e-6 });
});

test("the bumps lie below A s² behind their fronts, with equality as s → 0", () => {
  for (const m of [1.5, 2, 3]) {
    const problem = mergingBumps({ exponent: m, waiting: 0.3, gap: 0.4 });
    const A = (m - 1) / (2 * m * (m + 1) * 0.3);
    const line = cells(problem.domain, 4);
    const rho = (s: number) =>
      densityOn(problem.initial, null, { ...line, points: line.points.map(() => 0.2 + s) }, "test")[0] ** (m - 1);
    for (const s of [0.1, 0.5, 0.9]) expect(rho(s)).toBeLessThanOrEqual(A * s * s);
    expect(rho(1e-3)).toAgree(A * 1e-6, { rtol: 1e-5 });
  }
});

test("every flow can be made, and says whether it is well-posed", () => {
  for (const name of [
    "barenblatt",
    "gaussian-flow",
    "double-well",
    "merging-bumps",
    "porous-obstacle",
    "keller-segel",
  ]) {
    const problem = gradientFlows[name].make();
    expect(problem.name).toBe(name);
    expect(problem.wellPosedness().wellPosed).not.toBe(false);
    expect(integrate(cells(problem.domain, 16).grid, new Float64Array(16 ** problem.dimension))).toBe(0);
  }
  expect(kellerSegel({ share: 0.25, sensitivity: 2 }).mass).toAgree(Math.PI, { rtol: 1e-14 });
});

test("values that do not fit are refused", () => {
  const message = (f: () => unknown): string => {
    try {
      f();
    } catch (e) {
      return (e as Error).message;
    }
    return "none";
  };
  expect([
    message(() => barenblatt({ dimension: 4 })),
    message(() => barenblatt({ exponent: 1 })),
    message(() => barenblatt({ dimension: 3, exponent: 0.3 })),
    message(() => barenblatt({ mass: 0 })),
    message(() => barenblatt({ halfWidth: 1 })),
    message(() => gaussianFlow({ variance: [0] })),
    message(() => gaussianFlow({ dimension: 2, mean: [1] })),
    message(() => doubleWell({ diffusion: 0 })),
    message(() => mergingBumps({ exponent: 1 })),
    message(() => mergingBumps({ gap: -1 })),
    message(() => porousObstacle({ exponent: 0.5 })),
    message(() => porousObstacle({ drift: -1 })),
    message(() => porousObstacle({ radius: 1 })),
    message(() => kellerSegel({ share: 0 })),
  ]).toMatchInlineSnapshot(`
    [
      "barenblatt: dimension must be 1, 2 or 3; got 4. Use dimension: 2.",
      "barenblatt: exponent must be > 0/1 and not 1; got 1. Use exponent: 2.",
      "barenblatt: exponent must be > 1/3 and not 1; got 0.3. Use exponent: 2.",
      "barenblatt: mass must be finite and > 0; got 0. Use mass: 1.",
      "barenblatt: halfWidth must be finite and > 2.621, where the front ends; got 1. Leave it out.",
      "gaussianFlow: variance must be 1 finite numbers > 0; got [0]. Give one number for each coordinate.",
      "gaussianFlow: mean must be 2 finite numbers; got [1]. Give one number for each coordinate.",
      "doubleWell: diffusion must be finite and > 0; got 0. Use diffusion: 0.1.",
      "mergingBumps: exponent must be finite and > 1; got 1. Use exponent: 2.",
      "mergingBumps: gap must be finite and > 0; got -1. Use gap: 0.4.",
      "porousObstacle: exponent must be finite and > 1; got 0.5. Use exponent: 2.",
      "porousObstacle: drift must be finite and ≥ 0; got -1. Use drift: 2.",
      "porousObstacle: radius must lie between 0 and 0.9; got 1. Use radius: 0.35.",
      "kellerSegel: share must be finite and > 0; got 0. Use share: 0.5.",
    ]
  `);
});
