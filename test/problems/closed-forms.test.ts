import { describe, expect, test } from "vitest";
import { gaussianScale } from "../../problems/catalogue/gaussian-scale.js";
import { gaussianShift } from "../../problems/catalogue/gaussian-shift.js";
import { manifoldTarget } from "../../problems/catalogue/manifold-target.js";
import { normalResidual } from "../../problems/catalogue/normal-collapse.js";
import { pointTarget } from "../../problems/catalogue/point-target.js";
import type { ProximalFlow, ProximalFlowExact } from "../../problems/proximal-flow.js";
import { alphaDivergence, twoMoons } from "../../src/measure/index.js";
import { generator } from "../../src/random/index.js";

function exactOf(problem: ProximalFlow): ProximalFlowExact {
  if (problem.exact === null) throw new Error("a closed form was expected");
  return problem.exact;
}

/** ∫ f over (a, b) by composite Simpson with n intervals. */
function simpson(f: (x: number) => number, a: number, b: number, n = 20_000): number {
  const h = (b - a) / n;
  let sum = f(a) + f(b);
  for (let i = 1; i < n; i++) sum += (i % 2 === 1 ? 4 : 2) * f(a + i * h);
  return (sum * h) / 3;
}

const pdf = (x: number, sd = 1): number => Math.exp((-x * x) / (2 * sd * sd)) / (sd * Math.sqrt(2 * Math.PI));

/** Every closed form of the catalogue, in several dimensions and on both sides of the Lipschitz bound. */
const cases: readonly (readonly [string, ProximalFlow])[] = [
  ["shift", gaussianShift()],
  ["shift, clipped", gaussianShift({ lipschitz: 0.5 })],
  ["shift, free, 3-D", gaussianShift({ dimension: 3, lipschitz: 4, shift: -2, variance: 0.7, horizon: 0.8 })],
  ["scale", gaussianScale()],
  [
    "scale, widening, 2-D",
    gaussianScale({ dimension: 2, sourceSd: 0.6, targetSd: 1.5, kineticWeight: 0.3, horizon: 1.4 }),
  ],
  ["manifold", manifoldTarget()],
  ["manifold, 3 normal", manifoldTarget({ normalDimensions: 3, kineticWeight: 0.6, horizon: 0.9, lipschitz: 1.3 })],
  ["point", pointTarget()],
  ["point, 3-D", pointTarget({ point: [1, -0.5, 2], kineticWeight: 0.4, lipschitz: 0.8 })],
];

describe.each(cases)("%s", (_name, problem) => {
  const exact = exactOf(problem);
  const { dimension: d, horizon: T, kineticWeight: lambda, lipschitz: L } = problem;
  const start = problem.source.sample(40, generator(5)).points;
  const times = [0, 0.3 * T, 0.9 * T];

  test("U solves −∂ₜU + |∇U|²/2λ = 0", () => {
    const h = 1e-5;
    for (const t of times) {
      const ahead = exact.potential(t + h, start);
      const behind = t > 0 ? exact.potential(t - h, start) : null;
      const now = exact.potential(t, start);
      const twoAhead = exact.potential(t + 2 * h, start);
      for (let i = 0; i < start.length / d; i++) {
        const slope =
          behind === null ? (-3 * now[i] + 4 * ahead[i] - twoAhead[i]) / (2 * h) : (ahead[i] - behind[i]) / (2 * h);
        let square = 0;
        for (let a = 0; a < d; a++) square += gradient(exact, t, start, i, a, d) ** 2;
        expect(-slope + square / (2 * lambda)).toAgree(0, { atol: 1e-5 * (1 + square / (2 * lambda)) });
      }
    }
  });

  test("v = −∇U/λ", () => {
    for (const t of times) {
      const v = exact.velocity(t, start);
      for (let i = 0; i < start.length / d; i++)
        for (let a = 0; a < d; a++)
          expect(v[i * d + a]).toAgree(-gradient(exact, t, start, i, a, d) / lambda, { atol: 2e-8, rtol: 1e-6 });
    }
  });

  test("the map follows v: Runge–Kutta from 0 to 0.9 T ends where the map says", () => {
    const steps = 200;
    const dt = (0.9 * T) / steps;
    let x = start.slice();
    for (let n = 0; n < steps; n++) {
      const t = n * dt;
      const k1 = exact.velocity(t, x);
      const k2 = exact.velocity(
        t + dt / 2,
        x.map((y, i) => y + (dt / 2) * k1[i]),
      );
      const k3 = exact.velocity(
        t + dt / 2,
        x.map((y, i) => y + (dt / 2) * k2[i]),
      );
      const k4 = exact.velocity(
        t + dt,
        x.map((y, i) => y + dt * k3[i]),
      );
      x = x.map((y, i) => y + (dt / 6) * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]));
    }
    expect(x).toAgree(exact.map(0.9 * T, start), { atol: 1e-8 });
    expect(exact.map(0, start)).toAgree(start, { atol: 1e-15 });
  });

  test("the critic is L-Lipschitz, and U is its Hopf–Lax transform", () => {
    const x = problem.source.sample(12, generator(6)).points;
    const critic = exact.potential(T, x);
    const n = x.length / d;
    for (let i = 0; i < n; i++)
      for (let j = 0; j < i; j++) {
        const r = Math.hypot(...Array.from({ length: d }, (_, a) => x[i * d + a] - x[j * d + a]));
        expect(Math.abs(critic[i] - critic[j])).toBeLessThanOrEqual(L * r * (1 + 1e-12));
      }
    // U(0, x) = min_y φ*(y) + λ|x − y|²/2T: attained at the map's end, and no other point does better
    const U0 = exact.potential(0, x);
    const end = exact.map(T, x);
    const criticEnd = exact.potential(T, end);
    const others = problem.source.sample(200, generator(7)).points;
    const criticOthers = exact.potential(T, others);
    for (let i = 0; i < n; i++) {
      const cost = (y: Float64Array, j: number): number => {
        let sum = 0;
        for (let a = 0; a < d; a++) sum += (x[i * d + a] - y[j * d + a]) ** 2;
        return (lambda * sum) / (2 * T);
      };
      expect(criticEnd[i] + cost(end, i)).toAgree(U0[i], { rtol: 1e-12, atol: 1e-12 });
      for (let j = 0; j < 200; j++) expect(criticOthers[j] + cost(others, j)).toBeGreaterThanOrEqual(U0[i] - 1e-12);
    }
  });

  test("value = E U(0, x₀) within 4 standard errors of 40000 draws: the dual with E_π f*(φ*) = 0", () => {
    const U0 = exact.potential(0, problem.source.sample(40_000, generator(8)).points);
    const mean = U0.reduce((a, b) => a + b, 0) / U0.length;
    const error = Math.sqrt(U0.reduce((a, b) => a + (b - mean) ** 2, 0)) / U0.length;
    expect(Math.abs(mean - exact.value)).toBeLessThanOrEqual(4 * error);
  });

  test("the law is the law of the map", () => {
    const law = exact.law(0.6 * T);
    if (law === null) {
      expect(exact.law(0)).toBe(problem.source);
      return;
    }
    const n = 40_000;
    const x = exact.map(0.6 * T, problem.source.sample(n, generator(9)).points);
    for (let a = 0; a < d; a++) {
      let mean = 0;
      let square = 0;
      for (let i = 0; i < n; i++) mean += x[i * d + a] / n;
      for (let i = 0; i < n; i++) square += (x[i * d + a] - mean) ** 2 / n;
      const variance = law.covariance![a * d + a];
      expect(Math.abs(mean - law.mean![a])).toBeLessThanOrEqual(4 * Math.sqrt(variance / n));
      expect(Math.abs(square - variance)).toBeLessThanOrEqual(4 * variance * Math.sqrt(2 / n));
    }
  });
});

/** ∂U/∂x_a at point i by central differences. */
function gradient(exact: ProximalFlowExact, t: number, x: Float64Array, i: number, a: number, d: number): number {
  const h = 1e-5;
  const p = x.slice(i * d, (i + 1) * d);
  const m = p.slice();
  p[a] += h;
  m[a] -= h;
  return (exact.potential(t, p)[0] - exact.potential(t, m)[0]) / (2 * h);
}

describe("published numbers and quadrature", () => {
  test("shift: value 1.5, slope 1, gap 1; with L = ½ value 1.125, gap 2", () => {
    const one = exactOf(gaussianShift());
    expect(one.value).toAgree(1.5);
    expect(one.velocity(0, Float64Array.of(0))).toAgree([-2]);
    expect(one.law(1)!.mean!).toAgree([1]);
    const half = exactOf(gaussianShift({ lipschitz: 0.5 }));
    expect(half.value).toAgree(1.125);
    expect(half.law(1)!.mean!).toAgree([2]);
  });

  test("shift: terminal divergence by quadrature of the dual, plus kinetic energy", () => {
    for (const lipschitz of [0.5, 1, 4]) {
      const problem = gaussianShift({ lipschitz, variance: 0.8 });
      const exact = exactOf(problem);
      const end = exact.law(1)!.mean![0];
      const s = Math.sqrt(0.8);
      const phi = (x: number): number => exact.potential(1, Float64Array.of(x))[0];
      const primal =
        simpson((x) => phi(x) * pdf(x - end, s), end - 12, end + 12) -
        Math.log(simpson((x) => Math.exp(phi(x)) * pdf(x, s), -12, 16));
      const v = exact.velocity(0, Float64Array.of(0))[0];
      expect(exact.value).toAgree(primal + 0.25 * v * v, { rtol: 1e-10 });
    }
  });

  test("scale: s_T, a_T, value", () => {
    const exact = exactOf(gaussianScale());
    expect(Math.sqrt(exact.law(1)!.covariance![0])).toAgree(1.3660254, { atol: 5e-9 });
    expect(-exact.velocity(1, Float64Array.of(1))[0]).toAgree(0.46410162, { atol: 5e-9 });
    expect(exact.value).toAgree(0.32206924, { atol: 5e-9 });
    expect(exactOf(gaussianScale({ dimension: 10 })).value).toAgree(10 * exact.value);
  });

  test("scale: critic = log ratio of the end law to the target, E_π e^φ = 1, and value = divergence + kinetic energy", () => {
    const problem = gaussianScale({ sourceSd: 1.7, targetSd: 0.8, kineticWeight: 0.4, horizon: 0.7 });
    const exact = exactOf(problem);
    const sT = Math.sqrt(exact.law(0.7)!.covariance![0]);
    const x = Float64Array.from({ length: 21 }, (_, i) => -3 + 0.3 * i);
    const phi = exact.potential(0.7, x);
    expect(phi).toAgree(
      x.map((y) => Math.log(pdf(y, sT) / pdf(y, 0.8))),
      { atol: 1e-12 },
    );
    expect(simpson((y) => Math.exp(exact.potential(0.7, Float64Array.of(y))[0]) * pdf(y, 0.8), -14, 14)).toAgree(1, {
      rtol: 1e-10,
    });
    const divergence = simpson((y) => pdf(y, sT) * Math.log(pdf(y, sT) / pdf(y, 0.8)), -12, 12);
    // the speed of a path is constant; its mean square by the velocity at t = 0
    const kinetic = simpson(
      (y) => 0.5 * 0.4 * 0.7 * exact.velocity(0, Float64Array.of(y))[0] ** 2 * pdf(y, 1.7),
      -20,
      20,
    );
    expect(exact.value).toAgree(divergence + kinetic, { rtol: 1e-10 });
  });

  test("scale: no other end width does better", () => {
    const exact = exactOf(gaussianScale());
    const value = (s: number): number => Math.log(1 / s) + (s * s) / 2 - 0.5 + 0.5 * (s - 2) ** 2;
    const sT = Math.sqrt(exact.law(1)!.covariance![0]);
    for (const s of [0.5, 1, 1.3, sT - 1e-3, sT + 1e-3, 1.5, 2]) expect(value(s)).toBeGreaterThan(exact.value);
  });

  test("manifold: off-manifold residual", () => {
    const at = new Float64Array(1);
    expect(normalResidual({ at, kineticWeight: 1, horizon: 1, lipschitz: 1 })).toAgree(0.16663094, { atol: 5e-9 });
    expect(normalResidual({ at, kineticWeight: 0.5, horizon: 1, lipschitz: 1 })).toAgree(0.01698141, { atol: 5e-9 });
  });

  test("manifold: value and residual by radial quadrature for k = 1, 2, 3, 7, 12", () => {
    for (const k of [1, 2, 3, 7, 12]) {
      for (const [lambda, T, L] of [
        [1, 1, 1],
        [0.4, 0.7, 1.6],
        [3, 1, 0.5],
      ]) {
        const c = (L * T) / lambda;
        // the density of |y|, normalised by its own quadrature
        const radial = (r: number): number => r ** (k - 1) * Math.exp((-r * r) / 2);
        const integrate = (f: (r: number) => number): number =>
          (c < 14 ? simpson((r) => f(r) * radial(r), 0, c) : 0) + simpson((r) => f(r) * radial(r), Math.min(c, 14), 14);
        const mass = integrate(() => 1);
        const problem = manifoldTarget({ normalDimensions: k, kineticWeight: lambda, horizon: T, lipschitz: L });
        // terminal cost L E|y_T| plus kinetic energy λE|y_T − y₀|²/2T
        const value = integrate((r) => L * Math.max(r - c, 0) + (lambda / (2 * T)) * Math.min(r, c) ** 2) / mass;
        expect(exactOf(problem).value).toAgree(value, { rtol: 1e-10 });
        const residual = integrate((r) => Math.max(r - c, 0)) / mass;
        const at = new Float64Array(k);
        expect(normalResidual({ at, kineticWeight: lambda, horizon: T, lipschitz: L })).toAgree(residual, {
          rtol: 1e-9,
          atol: 1e-14,
        });
      }
    }
  });

  test("point: value off the centre by quadrature over the plane, near and far", () => {
    const huber = (r: number, c: number): number => (r <= c ? (r * r) / (2 * c) : r - c / 2); // λ = 1/c, T = L = 1
    for (const [b, c] of [
      [2, 1],
      [0.3, 2.5],
    ]) {
      const inner = (x: number): number => simpson((y) => huber(Math.hypot(x - b, y), c) * pdf(y), -10, 10, 1000);
      const value = simpson((x) => inner(x) * pdf(x), -10, 10, 1000);
      expect(exactOf(pointTarget({ point: [b, 0], kineticWeight: 1 / c })).value).toAgree(value, { rtol: 1e-6 });
    }
    // far away everything moves at full speed, c = 1: E|x − b| − ½, and E|x − b| = |b| + 1/(2|b|) + 1/(8|b|³) + … in the plane
    expect(exactOf(pointTarget({ point: [60, 0] })).value).toAgree(60 + 1 / 120 + 1 / (8 * 60 ** 3) - 0.5, {
      rtol: 1e-10,
    });
    expect(exactOf(pointTarget({ point: [0, 0, 0] })).value).toAgree(
      exactOf(manifoldTarget({ normalDimensions: 3 })).value,
      { rtol: 1e-14 },
    );
  });
});

describe("what the catalogue leaves open", () => {
  test("the manifold's value does not depend on the tangential law or the divergence", () => {
    const problem = manifoldTarget({ tangential: twoMoons(), normalDimensions: 5, divergence: alphaDivergence(2) });
    expect(problem.dimension).toBe(7);
    expect(problem.exact!.value).toBe(manifoldTarget({ normalDimensions: 5 }).exact!.value);
    const x = problem.source.sample(5, generator(1)).points;
    const y = problem.exact!.map(1, x);
    for (let i = 0; i < 5; i++) expect([...y.subarray(7 * i, 7 * i + 2)]).toEqual([...x.subarray(7 * i, 7 * i + 2)]);
  });

  test("without the W₁ proximal a singular target is ill-posed and has no closed form", () => {
    for (const problem of [manifoldTarget({ lipschitz: Infinity }), pointTarget({ lipschitz: Infinity })]) {
      expect(problem.wellPosedness().wellPosed).toBe(false);
      expect(problem.exact).toBeNull();
    }
    expect(manifoldTarget().wellPosedness().wellPosed).toBe(true);
    expect(gaussianScale().wellPosedness().wellPosed).toBe(true);
  });

  test("a finite bound cuts the slope of the scale problem: no closed form", () => {
    expect(gaussianScale({ lipschitz: 2 }).exact).toBeNull();
  });

  test("a shift of 0 rests", () => {
    const exact = exactOf(gaussianShift({ shift: 0, dimension: 2 }));
    expect(exact.value).toBe(0);
    expect(exact.map(1, Float64Array.of(1, 2))).toAgree([1, 2]);
  });
});

describe("far points", () => {
  test("a target hundreds of standard deviations away has its value at once: L E r − L²T/2λ, E r = |b| + (d − 1)/2|b| + …", () => {
    // Two coordinates, b = (b, 0): E r = b + 1/(2b) + O(b⁻³), and no start lies within LT/λ = 1 of the target.
    for (const b of [100, 500]) {
      const { value } = exactOf(pointTarget({ point: [b, 0] }));
      expect(value).toAgree(b + 1 / (2 * b) - 0.5, { atol: 2 / b ** 3, rtol: 1e-9 });
    }
  });
});
