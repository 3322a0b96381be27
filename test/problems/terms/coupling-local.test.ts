import { describe, expect, test } from "vitest";
import { couplingLocal } from "../../../problems/index.js";
import { cells, domain } from "../../../src/grid/index.js";
import { cloud } from "../../../src/measure/index.js";
import { expectDerivative, expectPotential, message, positive } from "./check.js";

const disk = (x: Float64Array) => x[0] ** 2 + x[1] ** 2 < 0.1;
const plain = cells(domain({ lower: [0, 0], upper: [1, 1] }), [6, 8]);
const solid = cells(domain({ lower: [-1, -1], upper: [1, 1], ends: "no-flux", obstacle: disk }), 10);

describe("values and derivatives", () => {
  const one = couplingLocal({ dimension: 2, cost: "a*m^2 + x*m - sin(2*pi*y) + t", parameters: { a: 2 } });
  test("f is the formula at every open cell, 0 in solid ones", () => {
    for (const c of [plain, solid]) {
      const m = positive(c, 1, 1);
      const out = [new Float64Array(c.grid.size)];
      one.on(c).evaluate(0.25, m, out);
      for (let i = 0; i < c.grid.size; i++) {
        const [x, y] = [c.points[2 * i], c.points[2 * i + 1]];
        const f = 2 * m[0][i] ** 2 + x * m[0][i] - Math.sin(2 * Math.PI * y) + 0.25;
        expect(out[0][i]).toBeCloseTo(c.open[i] === 1 ? f : 0, 13);
      }
    }
  });

  test("the derivative is that of differences, and its transpose is its adjoint", () => {
    for (const c of [plain, solid]) {
      expectDerivative(one, c, 0.5);
      expectDerivative(couplingLocal({ dimension: 2, populations: 2, cost: ["m1*m2^2 + x", "exp(-m1) + 3*m2"] }), c, 0);
    }
  });

  test("f = δF/δm", () => {
    for (const c of [plain, solid]) {
      expectPotential(one, c, 0.5);
      expectPotential(couplingLocal({ dimension: 2, populations: 2, cost: ["m1*m2^2 + x", "m1^2*m2 + m2"] }), c, 0);
      expectPotential(couplingLocal({ dimension: 2, cost: "log(m) + sqrt(m)" }), c, 0);
    }
    expect(couplingLocal({ dimension: 2, populations: 2, cost: ["m2", "2*m1"] }).potentialOn(plain)).toBeNull();
  });

  test("a function gives what its expression gives, with its own derivative or by differences", () => {
    const text = couplingLocal({ dimension: 2, cost: "m^3 + x*m" });
    const cost = (x: Float64Array, m: Float64Array) => m[0] ** 3 + x[0] * m[0];
    const m = positive(plain, 1, 2);
    m[0][3] = 0;
    const slope = text.on(plain).linearise(0, m).local![0];
    const own = couplingLocal({ dimension: 2, cost, derivative: [[(x, [a]) => 3 * a * a + x[0]]] });
    expect(own.on(plain).linearise(0, m).local![0]).toAgree(slope, { rtol: 1e-14 });
    expect(couplingLocal({ dimension: 2, cost }).on(plain).linearise(0, m).local![0]).toAgree(slope, { atol: 2e-8 });
    expect([own.isPortable, own.isMonotone, own.isPotential, own.expressionText]).toEqual([false, null, true, null]);
  });

  test("particles: f with the density that the caller estimated", () => {
    const f = couplingLocal({ dimension: 1, populations: 2, cost: ["m1 + 10*m2", "x"] });
    const laws = [cloud([0], 1), cloud([0], 1)];
    const densities = [Float64Array.of(1, 2), Float64Array.of(3, 4)];
    expect(f.at(0, 0, Float64Array.of(5, 6), { laws, densities })).toAgree([31, 42]);
    expect(f.at(0, 1, Float64Array.of(5, 6), { laws, densities })).toAgree([5, 6]);
  });
});

describe("what is known before any work", () => {
  const monotone = (cost: string | string[], massRange?: [number, number]) =>
    couplingLocal({ dimension: 1, populations: Array.isArray(cost) ? cost.length : 1, cost, massRange }).isMonotone;
  test.each([
    ["m", undefined, true],
    ["m^2 - sin(2*pi*x)", undefined, true],
    ["log(m)", undefined, true],
    ["-log(m)", undefined, false],
    ["(m - 1)^2", undefined, false],
    ["(m - 1)^2", [1, 9], true],
    ["m/(1 + m)", [0, 10], true],
    ["m/(1 + m)", undefined, null], // the interval test is blind to (1 + m) − m at ∞
    ["sin(2*pi*x)*m", undefined, null], // false on the torus, but true where the sine is ≥ 0
    ["(1 + x^2)*m", undefined, true],
    ["-(1 + x^2)*m", undefined, false],
    ["exp(-x)*m^3 + tanh(m)", undefined, true],
  ] as const)("%s on %s: monotone %s", (cost, range, answer) => {
    expect(monotone(cost, range as [number, number] | undefined)).toBe(answer);
  });

  test("several populations: the symmetric part of the Jacobian decides", () => {
    expect(monotone(["2*m1 + m2", "m1 + 2*m2"])).toBe(true);
    expect(monotone(["m1 + 2*m2", "2*m1 + m2"])).toBe(false);
    expect(monotone(["m1 + m2", "-m1 + m2"])).toBe(true); // antisymmetric part does not matter
    expect(monotone(["m1 + m2", "m1 + m2"])).toBe(true); // singular
    expect(monotone(["4*m1 + 3*m2", "m1 + m2"])).toBe(true); // positive definite, not dominant
    expect(monotone(["m1*m2", "m1*m2"])).toBe(false);
  });

  test("potential: always for one population, else when the Jacobian is symmetric", () => {
    const potential = (cost: string[]) => couplingLocal({ dimension: 1, populations: 2, cost }).isPotential;
    expect(couplingLocal({ dimension: 1, cost: "x*m" }).isPotential).toBe(true);
    expect(potential(["m1 + 2*m2", "2*m1 + m2"])).toBe(true);
    expect(potential(["m1 + 2*m2", "m1 + m2"])).toBe(false);
    expect(potential(["2*m1*m2 + x", "m1^2"])).toBe(true);
  });

  test("quadratic in x and free of m", () => {
    const quadratic = (cost: string) => couplingLocal({ dimension: 2, cost }).isQuadratic;
    expect(quadratic("x^2 + x*y - 3*t*y")).toBe(true);
    expect(quadratic("x^3")).toBe(false);
    expect(quadratic("x*y*x")).toBe(false);
    expect(quadratic("x^2 + m")).toBe(false);
  });

  test("text and description hold the formula", () => {
    const f = couplingLocal({ dimension: 1, cost: "a*m^2", parameters: { a: 3 } });
    expect(f.expressionText).toEqual(["a * m^2"]);
    expect(f.description).toEqual({
      kind: "local",
      name: "local",
      dimension: 1,
      populations: 1,
      cost: ["a * m^2"],
      parameters: { a: 3 },
      massRange: [0, "Infinity"],
      isMonotone: true,
    });
  });
});

test("what cannot be is refused", () => {
  expect(message(() => couplingLocal({ dimension: 0, cost: "m" }))).toMatchInlineSnapshot(
    `"couplingLocal: dimension must be an integer ≥ 1; got 0. Give the domain's dimension."`,
  );
  expect(message(() => couplingLocal({ dimension: 1, populations: 0, cost: "m" }))).toMatchInlineSnapshot(
    `"couplingLocal: populations must be an integer ≥ 1; got 0. Use populations: 2 for two crowds."`,
  );
  expect(message(() => couplingLocal({ dimension: 1, populations: 2, cost: "m1" }))).toMatchInlineSnapshot(
    `"couplingLocal: cost must hold 2 formulas, one a population; got 1. Set populations to the number of formulas."`,
  );
  expect(message(() => couplingLocal({ dimension: 1, cost: 3 as never }))).toMatchInlineSnapshot(
    `"couplingLocal: cost[0] must be an expression or a function; got 3. Use for example "m^2"."`,
  );
  expect(message(() => couplingLocal({ dimension: 1, cost: "m", massRange: [2, 1] }))).toMatchInlineSnapshot(
    `"couplingLocal: massRange must be [lower, upper] with 0 ≤ lower < upper; got [2,1]. Use massRange: [0, 10] to start."`,
  );
  expect(message(() => couplingLocal({ dimension: 1, cost: "-m", isMonotone: true }))).toMatchInlineSnapshot(
    `"couplingLocal: isMonotone must be false, as the formula has a counterexample on the mass range; got true. Leave it out, or narrow massRange."`,
  );
  expect(
    message(() => couplingLocal({ dimension: 1, cost: (_x, [m]) => m * m, derivative: [[(_x, [m]) => m]] })),
  ).toMatchInlineSnapshot(
    `"couplingLocal: derivative[0][0] must agree with differences of the cost: 1.9992812882325284 at x = (0.41845711470393965), m = (0.9996406441056174), t = 0.39316028333766917; got 0.9996406441056174. Repair the derivative, or leave it out."`,
  );
  expect(
    message(() => couplingLocal({ dimension: 1, cost: (_x, [m]) => m * m, derivative: [[]] })),
  ).toMatchInlineSnapshot(
    `"couplingLocal: derivative[0] must hold 1 function, one a density; got 0. Give ∂f_k/∂m_l for every l."`,
  );
  const f = couplingLocal({ dimension: 2, cost: (_x, [m]) => (m > 2 ? Number.NaN : m) });
  const m = [new Float64Array(plain.grid.size).fill(3)];
  expect(message(() => f.on(plain).evaluate(0, m, [new Float64Array(plain.grid.size)]))).toMatchInlineSnapshot(
    `"couplingLocal: the cost given by a function must have a real value at x = (0.08333333333333333, 0.0625), t = 0, m = 3; got NaN. Change the formula."`,
  );
  const line = cells(domain({ lower: [0], upper: [1] }), 4);
  expect(message(() => f.on(line))).toMatchInlineSnapshot(
    `"couplingLocal: the cells must have the coupling's dimension 2; got 1. Make every term in the domain's dimension."`,
  );
  const crowd = { laws: [cloud([0, 0], 2)], densities: null };
  expect(message(() => f.at(0, 0, Float64Array.of(0, 0), crowd))).toMatchInlineSnapshot(
    `"couplingLocal: crowd.densities must be given for a local cost that depends on the density; got null. Estimate the density at the points, or smooth the cost with couplingNonlocal."`,
  );
});
