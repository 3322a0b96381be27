import { expect, test } from "vitest";
import { anchorsAt, moreau } from "../../../solvers/neural/moreau.js";
import { generator } from "../../../src/random/index.js";
import { type CriticShape, criticParameters, type HostCritic, hostCritic } from "../../../src/tensor/index.js";

/** A critic given by a formula, for oracles. */
function formula(dimension: number, f: (y: Float64Array, gradient: Float64Array) => number): HostCritic {
  return {
    dimension,
    certifiedLipschitz: null,
    spectralNorms: [],
    evaluate: (points, values, gradients) => {
      for (let i = 0; i < values.length; i++)
        values[i] = f(
          points.subarray(i * dimension, (i + 1) * dimension),
          gradients.subarray(i * dimension, (i + 1) * dimension),
        );
    },
  };
}

test("a quadratic: y* = kx/(k + a), U = a k|x|²/2(a + k) in each coordinate", () => {
  const a = [0.4, 3, 40];
  const critic = formula(3, (y, g) => {
    let value = 0;
    for (let c = 0; c < 3; c++) {
      g[c] = a[c] * y[c];
      value += 0.5 * a[c] * y[c] ** 2;
    }
    return value;
  });
  const x = generator(1).normal(30);
  const k = 1.3;
  const anchors = anchorsAt(critic, generator(2).normal(60));
  const result = moreau(critic, x, k, anchors);
  const expected = x.map((v, i) => (k * v) / (k + a[i % 3]));
  expect(result.minimisers).toAgree(expected, { rtol: 1e-6, atol: 1e-6 });
  for (let i = 0; i < 10; i++) {
    const value = a.reduce((sum, c, j) => sum + (c * k * x[3 * i + j] ** 2) / (2 * (c + k)), 0);
    expect(result.values[i]).toAgree(value, { rtol: 1e-10, atol: 1e-12 });
  }
  expect(result.disagreements).toBe(0);
  expect(result.missed).toBe(0);
});

test("a double well: the lower basin is found, and the disagreement is counted", () => {
  // φ = (y² − 1)²/4 − y/10, k = 0.02: from x = −1 descent alone stays in the left well
  const phi = (y: number) => (y * y - 1) ** 2 / 4 - y / 10;
  const critic = formula(1, (y, g) => {
    g[0] = y[0] * (y[0] * y[0] - 1) - 0.1;
    return phi(y[0]);
  });
  const x = Float64Array.from([-1, 1, -0.2]);
  const k = 0.02;
  const result = moreau(critic, x, k, anchorsAt(critic, Float64Array.from([-1.2, 1.2])));
  const brute = x.map((from) => {
    let lowest = Infinity;
    for (let y = -3; y <= 3; y += 1e-4) lowest = Math.min(lowest, phi(y) + 0.5 * k * (from - y) ** 2);
    return lowest;
  });
  expect(result.values).toAgree(brute, { atol: 1e-8 });
  expect(Math.min(...result.minimisers)).toBeGreaterThan(0.9);
  expect(result.disagreements).toBeGreaterThan(0);
  expect(result.missed).toBeGreaterThan(0);
});

test("a network's envelope against a grid search, envelope theorem, residual", () => {
  const shape: CriticShape = {
    dimension: 2,
    width: 16,
    depth: 2,
    activation: "smooth-maxmin",
    lipschitz: 2,
    ceiling: Infinity,
  };
  const draws = generator(4);
  const critic = hostCritic(shape, criticParameters(shape, draws, 1), { center: new Float64Array(2), scale: 1 });
  const anchors = anchorsAt(
    critic,
    draws.normal(128).map((v) => 2 * v),
  );
  const x = draws.normal(12);
  const k = 0.8;
  const result = moreau(critic, x, k, anchors);
  for (let i = 0; i < 6; i++) expect(result.residuals[i]).toBeLessThan(1e-5);
  const n = 160;
  const grid = Float64Array.from({ length: n * n * 2 }, (_, l) => {
    const at = l % 2 === 0 ? Math.floor(l / 2 / n) : Math.floor(l / 2) % n;
    return -6 + (12 * at) / (n - 1);
  });
  const { values } = anchorsAt(critic, grid);
  for (let i = 0; i < 6; i++) {
    let lowest = Infinity;
    for (let j = 0; j < n * n; j++) {
      const distance = (grid[2 * j] - x[2 * i]) ** 2 + (grid[2 * j + 1] - x[2 * i + 1]) ** 2;
      lowest = Math.min(lowest, values[j] + 0.5 * k * distance);
    }
    expect(result.values[i]).toBeLessThanOrEqual(lowest + 1e-12);
    expect(result.values[i]).toBeGreaterThan(lowest - 0.02);
  }
  // ∇U = k(x − y*)
  const h = 1e-5;
  const moved = (step: number) =>
    moreau(
      critic,
      x.map((v, i) => v + (i % 2 === 0 ? step : 0)),
      k,
      anchors,
    ).values;
  const [up, down] = [moved(h), moved(-h)];
  for (let i = 0; i < 6; i++)
    expect((up[i] - down[i]) / (2 * h)).toAgree(k * (x[2 * i] - result.minimisers[2 * i]), { rtol: 1e-4, atol: 1e-5 });
});

test("the unit of length does not matter: data of size 1e-9 and 1e6 give the same map", () => {
  const x = generator(5).normal(40);
  const anchorPoints = generator(6).normal(80);
  const scaled = (unit: number) => {
    // φ(y) = ψ(y/unit), k = 1.3/unit²: values are free of the unit, minimisers scale with it
    const critic = formula(2, (y, g) => {
      const [p, q] = [y[0] / unit, y[1] / unit];
      g[0] = (p * (p * p - 1) - 0.1) / unit;
      g[1] = (0.7 * q) / unit;
      return (p * p - 1) ** 2 / 4 - 0.1 * p + 0.35 * q * q;
    });
    const anchors = anchorsAt(
      critic,
      anchorPoints.map((v) => unit * v),
    );
    const found = moreau(
      critic,
      x.map((v) => unit * v),
      1.3 / unit ** 2,
      anchors,
    );
    return { ...found, minimisers: found.minimisers.map((v) => v / unit) };
  };
  const one = scaled(1);
  for (const unit of [1e-9, 1e6]) {
    const other = scaled(unit);
    expect(other.minimisers).toAgree(one.minimisers, { rtol: 0, atol: 1e-5 });
    expect(other.values).toAgree(one.values, { rtol: 0, atol: 1e-9 });
    expect([other.disagreements, other.missed]).toEqual([one.disagreements, one.missed]);
  }
});

test("a point that is NaN has no value and no minimiser, and leaves its neighbours alone", () => {
  const critic = formula(2, (y, g) => {
    g.set(y);
    return 0.5 * (y[0] ** 2 + y[1] ** 2);
  });
  const anchors = anchorsAt(critic, generator(2).normal(8));
  const { values, minimisers } = moreau(critic, Float64Array.of(1, 2, Number.NaN, 1, 2, 1), 1, anchors);
  expect([values[1], minimisers[2], minimisers[3]]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  expect([values[0], values[2]]).toAgree([1.25, 1.25], { rtol: 1e-9 });
  expect([...minimisers.slice(0, 2), ...minimisers.slice(4)]).toAgree([0.5, 1, 1, 0.5], { rtol: 1e-5 });
});
