// Radial costs: families, their identities, messages; one row of the matrix against a direct formula.
import { describe, expect, it } from "vitest";
import { cloud } from "../../src/measure/index.js";
import { generator } from "../../src/random/index.js";
import {
  costRow,
  huberCost,
  linearCost,
  quadraticCost,
  radialCost,
  transformAt,
  transformGradient,
} from "../../src/transport/index.js";

const own = radialCost({ name: "r^1.5", h: (r) => r ** 1.5, derivative: (r) => 1.5 * Math.sqrt(r) });
const families = [linearCost(2), quadraticCost(0.5, 2), huberCost(0.5, 1, 1), own];

describe("radial costs", () => {
  it("Huber is the inf-convolution of quadratic and linear: min over s of λs²/2T + L(r − s)", () => {
    const [lambda, T, L] = [0.5, 2, 0.7];
    for (const r of [0, 0.3, 2.8, 2.9, 10]) {
      let best = Infinity;
      for (let k = 0; k <= 100000; k++) {
        const s = (r * k) / 100000;
        best = Math.min(best, (lambda * s * s) / (2 * T) + L * (r - s));
      }
      expect(huberCost(lambda, T, L).h(r)).toAgree(best, { rtol: 1e-8, atol: 1e-15 });
    }
    expect(huberCost(0.5, 2, Infinity)).toEqual({
      ...quadraticCost(0.5, 2),
      h: expect.any(Function),
      derivative: expect.any(Function),
    });
  });
  it.each(families)("$name: h′ is the derivative of h", (cost) => {
    for (const r of [0.1, 1, 1.9, 2.1, 7]) {
      const step = 1e-5;
      expect(cost.derivative(r)).toAgree((cost.h(r + step) - cost.h(r - step)) / (2 * step), { rtol: 1e-8 });
    }
  });
  it.each([1, 2, 3, 10])("rows of the matrix in %d-D", (d) => {
    const target = cloud(generator(1).normal(7 * d), d);
    const points = generator(2).normal(3 * d);
    for (const cost of families) {
      const out = new Float64Array(7);
      for (let i = 0; i < 3; i++) {
        costRow(points, i, target, cost, out);
        const direct = Float64Array.from({ length: 7 }, (_, j) =>
          cost.h(Math.hypot(...Array.from({ length: d }, (_, k) => points[i * d + k] - target.points[j * d + k]))),
        );
        expect(out).toAgree(direct, { rtol: 1e-13 });
      }
    }
  });
  it("refuses what is no cost", () => {
    expect(() => linearCost(0)).toThrow(
      "linearCost: lipschitz must be a finite number > 0; got 0. Use linearCost(1) to start.",
    );
    expect(() => quadraticCost(-1, 1)).toThrow(
      "quadraticCost: kineticWeight must be a finite number > 0; got -1. Use kineticWeight 0.5 to start.",
    );
    expect(() => quadraticCost(1, Infinity)).toThrow(
      "quadraticCost: horizon must be a finite number > 0; got Infinity. Use horizon 1 to start.",
    );
    expect(() => huberCost(1, 1, 0)).toThrow(
      "huberCost: lipschitz must be > 0 (Infinity for the quadratic cost); got 0. Use 1 to start.",
    );
    expect(() => huberCost(0, 1, 1)).toThrow(
      "huberCost: kineticWeight must be a finite number > 0; got 0. Use kineticWeight 0.5 to start.",
    );
    expect(() => huberCost(1, 0, 1)).toThrow(
      "huberCost: horizon must be a finite number > 0; got 0. Use horizon 1 to start.",
    );
    expect(() => radialCost({ name: "shifted", h: (r) => r + 1, derivative: () => 1 })).toThrow(
      "radialCost: h must be 0 at r = 0; got 1. Subtract h(0).",
    );
    expect(() => radialCost({ name: "falling", h: (r) => -r, derivative: () => -1 })).toThrow(
      "radialCost: h at r = 0.0009765625 must be finite with h′ ≥ 0; got [-0.0009765625,-1]. Give a nondecreasing cost.",
    );
    expect(() => radialCost({ name: "concave", h: Math.sqrt, derivative: (r) => 0.5 / Math.sqrt(r) })).toThrow(
      "radialCost: h at r = 0.001953125 must be convex; got 0.04419417382415922. Give a convex cost, for example r ** 1.5.",
    );
  });
});

describe("φ-transform", () => {
  const target = cloud([0, 0, 2, 1, -1, 3], 2);
  const psi = new Float64Array([0.3, -0.2, 0.5]);
  it.each(families)("minimises over the atoms, and its gradient is that of the values: $name", (cost) => {
    const points = generator(4).normal(40);
    const { values, argmin } = transformAt(points, psi, target, cost);
    const gradient = transformGradient(points, argmin, target, cost);
    for (let i = 0; i < 20; i++) {
      const direct = [0, 1, 2].map(
        (j) =>
          psi[j] +
          cost.h(Math.hypot(points[2 * i] - target.points[2 * j], points[2 * i + 1] - target.points[2 * j + 1])),
      );
      expect(values[i]).toAgree(Math.min(...direct), { rtol: 1e-13 });
      expect(argmin[i]).toBe(direct.indexOf(Math.min(...direct)));
      for (const a of [0, 1]) {
        const step = 1e-6;
        const shifted = (sign: number) => {
          const p = points.slice(2 * i, 2 * i + 2);
          p[a] += sign * step;
          return transformAt(p, psi, target, cost).values[0];
        };
        expect(gradient[2 * i + a]).toAgree((shifted(1) - shifted(-1)) / (2 * step), { rtol: 1e-6, atol: 1e-7 });
      }
    }
  });
  it("is 0 in gradient at an atom, takes the smallest index on ties, leaves out ψ = ∞", () => {
    const at = transformAt(new Float64Array([0, 0]), new Float64Array([0, 5, 5]), target, linearCost(1));
    expect([...transformGradient(new Float64Array([0, 0]), at.argmin, target, linearCost(1))]).toEqual([0, 0]);
    const nowhere = Float64Array.of(Number.NaN, 1);
    const { values, argmin } = transformAt(nowhere, new Float64Array(3), target, linearCost(1));
    expect([...values, ...transformGradient(nowhere, argmin, target, linearCost(1))]).toEqual(
      Array(3).fill(Number.NaN),
    );
    const twins = cloud([1, 1], 1);
    expect(transformAt(new Float64Array([0]), new Float64Array(2), twins, linearCost(1)).argmin[0]).toBe(0);
    const left = transformAt(new Float64Array([0]), new Float64Array([Infinity, 0]), twins, linearCost(1));
    expect(left.argmin[0]).toBe(1);
  });
  it("refuses lengths that do not fit", () => {
    expect(() => transformAt(new Float64Array(3), psi, target, linearCost(1))).toThrow(
      "transformAt: points must have a length divisible by the dimension 2; got 3. Give the points row by row.",
    );
    expect(() => transformAt(new Float64Array(2), new Float64Array(2), target, linearCost(1))).toThrow(
      "transformAt: potential must have length 3, one value for each target point; got 2. Pass the potential of a transport result with its own target.",
    );
  });
});
