import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { meanFieldGame } from "../../../problems/mean-field-game.js";
import {
  columnsOf,
  couplingLocal,
  type Hamiltonian,
  type HamiltonianJet,
  hamiltonianBounded,
  hamiltonianCongestion,
  hamiltonianExpression,
  hamiltonianFunction,
  hamiltonianJet,
  hamiltonianPower,
  hamiltonianQuadratic,
  lagrangian,
} from "../../../problems/terms/index.js";
import { domain } from "../../../src/grid/index.js";
import { generator } from "../../../src/random/index.js";

const numRuns = Number(process.env.LAWS === "thorough" ? 500 : 25);
const COUNT = 24;

interface Arguments {
  readonly t: number;
  readonly points: Float64Array;
  readonly p: Float64Array[];
  readonly m: Float64Array;
}

function draw(d: number, seed: number): Arguments {
  const g = generator(seed);
  return {
    t: g.uniform(1)[0],
    points: g.uniform(COUNT * d),
    p: Array.from({ length: d }, () => g.normal(COUNT)),
    m: g.uniform(COUNT).map((u) => 3 * u),
  };
}

function jetOf(h: Hamiltonian, { t, points, p, m }: Arguments, order: 0 | 1 | 2 = 2): HamiltonianJet {
  const out = hamiltonianJet(h.dimension, m.length);
  h.evaluate(t, points, p, m, out, order);
  return out;
}

const FAMILIES: Record<string, (d: number) => Hamiltonian> = {
  quadratic: (d) => hamiltonianQuadratic({ dimension: d, weight: 0.7 }),
  "quadratic with drift and diagonal metric": (d) =>
    hamiltonianQuadratic({
      dimension: d,
      weight: "k + 0.5*t",
      drift: ["cos(x)", 0, -1].slice(0, d),
      metric: ["1 + x^2", 0.3, 2].slice(0, d),
      parameters: { k: 0.4 },
    }),
  "quadratic with a drift and a full metric": (d) =>
    hamiltonianQuadratic({ dimension: d, drift: [0.1, "t", 1].slice(0, d), metric: matrix(d) }),
  "cubic power": (d) => hamiltonianPower({ dimension: d, exponent: 3, weight: "1 + a*x", parameters: { a: 0.5 } }),
  "power 1.5": (d) => hamiltonianPower({ dimension: d, exponent: 1.5, weight: 2 }),
  ball: (d) => hamiltonianBounded({ dimension: d, speed: "r + 0.2*x", parameters: { r: 0.9 } }),
  box: (d) => hamiltonianBounded({ dimension: d, speed: 0.8, set: "box" }),
  congestion: (d) => hamiltonianCongestion({ dimension: d, exponent: 1.5, weight: "1 + x^2*exp(-t)" }),
};

function matrix(d: number): number[][] {
  return Array.from({ length: d }, (_, a) => Array.from({ length: d }, (_, b) => (a === b ? 1 + 0.5 * a : 0.3)));
}

const CASES = Object.keys(FAMILIES).flatMap((name) => [1, 2, 3].map((d) => ({ name, d })));

describe.each(CASES)("$name in dimension $d", ({ name, d }) => {
  const h = FAMILIES[name](d);
  const byText = hamiltonianExpression({ dimension: d, text: h.expressionText as string });

  property.prop([fc.integer({ min: 0, max: 1e6 })], { numRuns, seed: 46 })(
    "has the derivatives of its formula",
    (seed) => {
      const at = draw(d, seed);
      const [a, b] = [jetOf(h, at), jetOf(byText, at)];
      const flat = (j: HamiltonianJet) => [j.value, ...j.gradient, ...j.hessian, j.byMass, ...j.gradientByMass];
      flat(a).forEach((column, i) => {
        expect(column).toAgree(flat(b)[i], { rtol: 1e-11, atol: 1e-12 });
      });
      expect([byText.dependsOnMass, byText.dependsOnTime]).toEqual([h.dependsOnMass, h.dependsOnTime]);
      expect(byText.quadraticWeight).toBe(h.quadraticWeight);
    },
  );

  test("its gradient is that of its values", () => {
    const at = draw(d, 4);
    const jet = jetOf(h, at, 1);
    for (let a = 0; a < d; a++) {
      const moved = (eps: number) =>
        jetOf(h, { ...at, p: at.p.map((q, b) => (a === b ? q.map((v) => v + eps) : q)) }, 0).value;
      const [up, down] = [moved(1e-6), moved(-1e-6)];
      expect(up.map((v, i) => (v - down[i]) / 2e-6)).toAgree(jet.gradient[a], { rtol: 1e-6, atol: 1e-6 });
    }
  });

  test("describes itself", () => {
    expect(JSON.parse(JSON.stringify(h.description))).toEqual(h.description);
    expect(h.isPortable).toBe(true);
  });
});

describe("the Lagrangian p·∂ₚH − H is the running cost of v = −∂ₚH", () => {
  const d = 2;
  const at = draw(d, 11);
  const [x, y] = columnsOf(at.points, d);
  const velocities = (h: Hamiltonian) => jetOf(h, at, 1).gradient.map((g) => g.map((v) => -v));
  const agree = (h: Hamiltonian, cost: (v: number, w: number, i: number) => number) => {
    const [v, w] = velocities(h);
    expect(lagrangian(at.p, jetOf(h, at, 1))).toAgree(
      v.map((_, i) => cost(v[i], w[i], i)),
      { rtol: 1e-11, atol: 1e-13 },
    );
  };

  test("quadratic: (v + b)ᵀA⁻¹(v + b)/(4κ)", () => {
    agree(
      hamiltonianQuadratic({
        dimension: d,
        weight: 0.8,
        drift: ["x", 1],
        metric: [
          [2, 0.5],
          [0.5, 1],
        ],
      }),
      (v, w, i) => {
        const [a, b] = [v + x[i], w + 1];
        return (a * a - a * b + 2 * b * b) / 1.75 / 3.2;
      },
    );
  });

  test("power: w(|v|/w)^γ′/γ′", () => {
    agree(hamiltonianPower({ dimension: d, exponent: 1.5, weight: "1 + y" }), (v, w, i) => {
      const k = 1 + y[i];
      return (k * (Math.hypot(v, w) / k) ** 3) / 3;
    });
  });

  test("bounded: ½|v|² with |v| ≤ R, in a ball and in a box", () => {
    for (const set of ["ball", "box"] as const) {
      const h = hamiltonianBounded({ dimension: d, speed: 0.6, set });
      agree(h, (v, w) => 0.5 * (v * v + w * w));
      const [v, w] = velocities(h);
      const largest = v.reduce((s, a, i) => Math.max(s, set === "ball" ? Math.hypot(a, w[i]) : Math.abs(a)), 0);
      expect(largest).toAgree(0.6);
    }
  });

  test("congestion: (1 + m)^a|v|²/(2w)", () => {
    agree(
      hamiltonianCongestion({ dimension: d, exponent: 1.2, weight: 1.5 }),
      (v, w, i) => ((1 + at.m[i]) ** 1.2 * (v * v + w * w)) / 3,
    );
  });

  test("no velocity does better: −p·v − L(v) ≤ H for the power", () => {
    const h = hamiltonianPower({ dimension: 1, exponent: 3 });
    for (const q of [-2, -0.3, 0.1, 1.7]) {
      const out = jetOf(h, { t: 0, points: new Float64Array(1), p: [Float64Array.of(q)], m: new Float64Array(1) }, 1);
      let best = -Infinity;
      for (let v = -6; v <= 6; v += 1e-4) best = Math.max(best, -q * v - Math.abs(v) ** 1.5 / 1.5);
      expect(out.value[0]).toAgree(best, { rtol: 1e-6 });
    }
  });
});

describe("what a Hamiltonian knows of itself", () => {
  test("Cole–Hopf's weight", () => {
    expect(hamiltonianQuadratic({ dimension: 2 }).quadraticWeight).toBe(0.5);
    expect(hamiltonianQuadratic({ dimension: 2, drift: [0, 0], metric: [1, 1] }).quadraticWeight).toBe(0.5);
    expect(hamiltonianQuadratic({ dimension: 2, drift: [0, 1] }).quadraticWeight).toBeNull();
    expect(hamiltonianQuadratic({ dimension: 2, metric: [1, 2] }).quadraticWeight).toBeNull();
    expect(hamiltonianQuadratic({ dimension: 2, weight: "1 + x" }).quadraticWeight).toBeNull();
    expect(hamiltonianPower({ dimension: 2, exponent: 2, weight: 3 }).quadraticWeight).toBe(1.5);
    expect(hamiltonianCongestion({ dimension: 2, exponent: 0 }).quadraticWeight).toBe(0.5);
    const weight = (text: string, dimension = 2) => hamiltonianExpression({ dimension, text }).quadraticWeight;
    expect(weight("0.5*p1^2 + p2*p2/2")).toBe(0.5);
    expect(weight("(p1^2 + p2^2 + p3^2)*3", 3)).toBe(3);
    expect(weight("0.5*p1^2 + p2^2")).toBeNull();
    expect(weight("p1^2 + p2^2 + p1")).toBeNull();
    expect(weight("p1^2 + p2^2 + x")).toBeNull();
    expect(weight("p1^2 + p2^2 + 1")).toBeNull();
    expect(weight("p1^2 + p2^2 + 0.1*p1*p2")).toBeNull();
    expect(weight("(p1^2 + p2^2)*(1 + m)")).toBeNull();
  });

  test("structure", () => {
    const kind = (text: string) => hamiltonianExpression({ dimension: 2, text }).structure.kind;
    expect(kind("p1^2 + exp(p2) + x*p1 + m")).toBe("separable");
    expect(kind("(p1^2 + p2^2)^1.5")).toBe("radial");
    expect(kind("(p1^2 + p2^2)^1.5 + p1")).toBe("general");
    expect(kind("(p1 + p2)^2 + p1^2")).toBe("general");
    expect(hamiltonianQuadratic({ dimension: 2, metric: matrix(2) }).structure.kind).toBe("general");
    expect(hamiltonianQuadratic({ dimension: 1, metric: [[3]] }).structure.kind).toBe("separable");
    expect(hamiltonianBounded({ dimension: 2, speed: 1, set: "box" }).structure.kind).toBe("separable");
  });

  test("formulas for people", () => {
    expect(hamiltonianQuadratic({ dimension: 2 }).text).toBe("½|p|²");
    expect(hamiltonianQuadratic({ dimension: 2, weight: 1, drift: ["-y", "x"] }).text).toBe("|p|² + (-y, x)·p");
    expect(hamiltonianQuadratic({ dimension: 2, metric: [1, "x"] }).text).toBe("½(p1² + (x) p2²)");
    expect(hamiltonianPower({ dimension: 2, exponent: 1.5 }).text).toBe("|p|^1.5/1.5");
    expect(hamiltonianBounded({ dimension: 2, speed: 1 }).text).toBe("sup over |v| ≤ 1 of −p·v − ½|v|²");
    expect(hamiltonianCongestion({ dimension: 2, exponent: 1 }).text).toBe("|p|²/(2(1 + m)^1)");
    expect(hamiltonianFunction({ dimension: 1, value: (_x, p) => p[0] ** 2 }).text).toBe("given by a function");
  });

  test("congestion is monotone iff a ≤ 2, by the matrix itself", () => {
    const least = (a: number) => {
      const h = hamiltonianCongestion({ dimension: 1, exponent: a });
      const m = Float64Array.from({ length: 400 }, (_, i) => 0.05 * (i + 1));
      const jet = jetOf(h, { t: 0, points: new Float64Array(400), p: [new Float64Array(400).fill(1)], m });
      return m.reduce((worst, r, i) => {
        const determinant = -r * jet.hessian[0][i] * jet.byMass[i] - (0.5 * r * jet.gradientByMass[0][i]) ** 2;
        return Math.min(worst, determinant);
      }, Infinity);
    };
    expect(hamiltonianCongestion({ dimension: 1, exponent: 2 }).isMonotone).toBe(true);
    expect(least(2)).toBeGreaterThan(0);
    expect(hamiltonianCongestion({ dimension: 1, exponent: 2.5 }).isMonotone).toBeNull();
    expect(least(2.5)).toBeLessThan(0);
    const game = (exponent: number) =>
      meanFieldGame({
        domain: domain({ lower: [0], upper: [1] }),
        populations: { viscosity: 1, hamiltonian: hamiltonianCongestion({ dimension: 1, exponent }), initial: 1 },
        coupling: couplingLocal({ dimension: 1, cost: "m" }),
      });
    expect([game(2).isMonotone, game(2).isPotential, game(2.5).isMonotone]).toEqual([true, false, null]);
  });
});

describe("at p = 0", () => {
  const origin = (d: number): Arguments => ({
    t: 0,
    points: new Float64Array(d).fill(0.5),
    p: Array.from({ length: d }, () => new Float64Array(1)),
    m: Float64Array.of(1),
  });

  test.each([
    ["power", hamiltonianPower({ dimension: 2, exponent: 1.5 })],
    ["expression", hamiltonianExpression({ dimension: 2, text: "(p1^2 + p2^2)^0.75/1.5" })],
    ["separable expression", hamiltonianExpression({ dimension: 2, text: "(abs(p1)^1.5 + abs(p2)^1.5)/(1 + m)" })],
  ])("a power below 2 has gradient 0, and 0 for its infinite Hessian: %s", (_name, h) => {
    const jet = jetOf(h, origin(2));
    for (const g of jet.gradient) expect(Math.abs(g[0])).toBeLessThan(1e-70);
    for (const q of jet.hessian) expect(q[0]).toBe(0);
    for (const q of jet.gradientByMass) expect(Math.abs(q[0])).toBeLessThan(1e-70);
  });

  test("tiny momenta have finite derivatives", () => {
    const h = hamiltonianPower({ dimension: 1, exponent: 1.1 });
    for (const q of [1e-170, 1e-80, 1e-20]) {
      const jet = jetOf(h, { ...origin(1), p: [Float64Array.of(q)] });
      expect(jet.gradient[0][0]).toAgree(q > 1e-150 ? q ** 0.1 : 0, { rtol: 1e-10 });
      expect(Number.isFinite(jet.hessian[0][0])).toBe(true);
    }
  });
});

describe("functions", () => {
  const value = (x: Float64Array, p: Float64Array, t: number, m: number) =>
    Math.cosh(p[0] - p[1]) + ((1 + x[0] + t) * (p[0] ** 2 + p[1] ** 2)) / (1 + m);
  const gradient = (x: Float64Array, p: Float64Array, t: number, m: number) => {
    const [s, k] = [Math.sinh(p[0] - p[1]), (2 * (1 + x[0] + t)) / (1 + m)];
    return [s + k * p[0], k * p[1] - s];
  };
  const hessian = (x: Float64Array, p: Float64Array, t: number, m: number) => {
    const [c, k] = [Math.cosh(p[0] - p[1]), (2 * (1 + x[0] + t)) / (1 + m)];
    return [
      [c + k, -c],
      [-c, c + k],
    ];
  };
  const byMass = (x: Float64Array, p: Float64Array, t: number, m: number) =>
    (-(1 + x[0] + t) * (p[0] ** 2 + p[1] ** 2)) / (1 + m) ** 2;
  const gradientByMass = (x: Float64Array, p: Float64Array, t: number, m: number) =>
    [0, 1].map((a) => (-2 * (1 + x[0] + t) * p[a]) / (1 + m) ** 2);
  const exact = hamiltonianExpression({
    dimension: 2,
    text: "cosh(p1 - p2) + (1 + x + t)*(p1^2 + p2^2)/(1 + m)",
  });
  const at = draw(2, 3);
  at.m[0] = 0; // differences by m are one-sided here

  test.each([
    ["all derivatives given", { gradient, hessian, byMass, gradientByMass }, 1e-12, 1e-12],
    ["gradient given", { gradient }, 1e-8, 1e-8],
    ["by differences", {}, 1e-8, 1e-5],
  ])("%s", (_name, given, first, second) => {
    const h = hamiltonianFunction({ dimension: 2, value, ...given });
    const [a, b] = [jetOf(h, at), jetOf(exact, at)];
    expect(a.value).toAgree(b.value);
    for (let i = 0; i < 2; i++) expect(a.gradient[i]).toAgree(b.gradient[i], { rtol: first, atol: first });
    expect(a.byMass).toAgree(b.byMass, { rtol: first, atol: first });
    for (let i = 0; i < 3; i++) expect(a.hessian[i]).toAgree(b.hessian[i], { rtol: second, atol: second });
    for (let i = 0; i < 2; i++)
      expect(a.gradientByMass[i]).toAgree(b.gradientByMass[i], { rtol: second, atol: second });
    expect([h.dependsOnMass, h.structure.kind, h.isPortable, h.expressionText]).toEqual([true, "general", false, null]);
  });

  test("a wrong derivative is named, with the point and both numbers", () => {
    const make = (wrong: object) => () => hamiltonianFunction({ dimension: 2, value, ...wrong });
    const twice = (x: Float64Array, p: Float64Array, t: number, m: number) => [gradient(x, p, t, m)[0], 7];
    expect(make({ gradient: twice })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: hamiltonianFunction: gradient[1] must be the derivative of value at x = (0.926583, 0.389466), p = (-0.00103963, 0.0106732), t = 0.703944, m = 0.173145, where differences give 0.0595779; got 7. Correct it, or leave it out to have it by differences.]`,
    );
    expect(
      make({
        gradient,
        hessian: () => [
          [1, 0],
          [0, 1],
        ],
      }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: hamiltonianFunction: hessian[0][0] must be the derivative of gradient at x = (0.926583, 0.389466), p = (-0.00103963, 0.0106732), t = 0.703944, m = 0.173145, where differences give 5.48464; got 1. Correct it, or leave it out to have it by differences.]`,
    );
    expect(make({ byMass: () => 0.5 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: hamiltonianFunction: byMass must be the derivative of value at x = (0.926583, 0.389466), p = (-0.00103963, 0.0106732), t = 0.703944, m = 0.173145, where differences give -0.000219802; got 0.5. Correct it, or leave it out to have it by differences.]`,
    );
    expect(make({ gradient, gradientByMass: () => [0, 0] })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: hamiltonianFunction: gradientByMass[0] must be the derivative of gradient at x = (0.926583, 0.389466), p = (-0.00103963, 0.0106732), t = 0.703944, m = 0.173145, where differences give 0.00397418; got 0. Correct it, or leave it out to have it by differences.]`,
    );
  });

  test("refusals", () => {
    const make = (options: object) => () => hamiltonianFunction({ dimension: 2, value, ...options });
    expect(make({ dimension: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: hamiltonianFunction: dimension must be an integer ≥ 1; got 0. Use dimension: 2.]`,
    );
    expect(make({ value: "p1" })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: hamiltonianFunction: value must be a function of (x, p, t, m); got "p1". Use for example (x, p) => 0.5 * p[0] ** 2.]`,
    );
    expect(make({ gradient: [1, 2] })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: hamiltonianFunction: gradient must be a function of (x, p, t, m); got [1,2]. Leave it out to have it by differences.]`,
    );
    expect(make({ value: (_x: Float64Array, p: Float64Array) => -p[0] })).not.toThrow();
    expect(make({ value: (_x: Float64Array, p: Float64Array) => -(p[0] ** 2) })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: hamiltonianFunction: value must be convex in p, so not above the mean -1.20175 of its values at p ± (-1.09624, -1.18052) in p = (-0.00103963, 0.0106732), x = (0.926583, 0.389466), t = 0.703944, m = 0.173145; got -0.00000108083. Change the sign, or the part that bends down.]`,
    );
    expect(make({ value: () => Number.NaN })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: hamiltonianFunction: value must have real values in the box of samples; got NaN. Give the game's domain as box.]`,
    );
    expect(make({ dependsOnMass: false })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: hamiltonianFunction: dependsOnMass must be true, for value changes with m; got false. Leave it out.]`,
    );
    expect(make({ structure: "separable" })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: hamiltonianFunction: structure must be "separable", "radial" or "general", and hold at the samples; got "separable". Leave it out to have it found out.]`,
    );
    expect(make({ box: { lower: [0], upper: [1, 1] } })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: hamiltonianFunction: box must be two corners of 2 numbers each, lower ≤ upper; got {"lower":[0],"upper":[1,1]}. Give the game's domain.]`,
    );
  });

  test("a structure that is stated is taken when it holds", () => {
    const square = (_x: Float64Array, p: Float64Array) => p[0] ** 2 + p[1] ** 2;
    expect(hamiltonianFunction({ dimension: 2, value: square, structure: "radial" }).structure.kind).toBe("radial");
    expect(hamiltonianFunction({ dimension: 2, value: square, structure: "general" }).structure.kind).toBe("general");
  });

  test("NaN names the function, the point and the time", () => {
    const h = hamiltonianFunction({
      dimension: 1,
      value: (x, p) => p[0] ** 2 + Math.sqrt(2 - x[0]),
      gradient: (_x, p) => [2 * p[0]],
    });
    const far = { t: 0.25, points: Float64Array.of(3), p: [Float64Array.of(1)], m: Float64Array.of(0.5) };
    expect(() => jetOf(h, far)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: hamiltonianFunction: value must have a real value at x = (3), p = (1), t = 0.25, m = 0.5; got NaN. Change the function.]`,
    );
    const holes = hamiltonianFunction({
      dimension: 1,
      value: (_x, p) => p[0] ** 2,
      gradient: (x, p) => [x[0] > 2 ? Number.NaN : 2 * p[0]],
    });
    expect(() => jetOf(holes, far)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: hamiltonianFunction: gradient[0] must have a real value at x = (3), p = (1), t = 0.25, m = 0.5; got NaN. Change the function.]`,
    );
  });
});

test("refusals of families", () => {
  const d = { dimension: 2 };
  expect(() => hamiltonianQuadratic({ dimension: 1.5 })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: hamiltonianQuadratic: dimension must be an integer ≥ 1; got 1.5. Use dimension: 2.]`,
  );
  expect(() => hamiltonianQuadratic({ ...d, weight: -1 })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: hamiltonianQuadratic: weight must be ≥ 0; got -1. A Hamiltonian is convex in p: change the sign.]`,
  );
  expect(() => hamiltonianQuadratic({ ...d, drift: [1] })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: hamiltonianQuadratic: drift must have 2 components, one an axis; got 1. Give every component, 0 where there is none.]`,
  );
  expect(() => hamiltonianQuadratic({ ...d, metric: [1] })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: hamiltonianQuadratic: metric must be 2 diagonal entries or a 2×2 matrix; got [1]. Leave it out for the identity.]`,
  );
  expect(() => hamiltonianQuadratic({ ...d, metric: [1, -1] })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: hamiltonianQuadratic: metric[1] must be ≥ 0; got -1. A Hamiltonian is convex in p: change the sign.]`,
  );
  const indefinite = [
    [1, 2],
    [2, 1],
  ];
  expect(() => hamiltonianQuadratic({ ...d, metric: indefinite })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: hamiltonianQuadratic: metric must be symmetric and positive definite; got [[1,2],[2,1]]. Use for example [[1, 0.2], [0.2, 1]].]`,
  );
  expect(() =>
    jetOf(hamiltonianQuadratic({ ...d, weight: "x - 2*t" }), { ...draw(2, 1), t: 1 }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: hamiltonianQuadratic: weight must be ≥ 0 at x = (0.057714956668156625, 0.010115228604225313), t = 1; got -1.9422850433318435. A Hamiltonian is convex in p: change the sign.]`,
  );
  expect(() => hamiltonianPower({ dimension: 0, exponent: 2 })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: hamiltonianPower: dimension must be an integer ≥ 1; got 0. Use dimension: 2.]`,
  );
  expect(() => hamiltonianPower({ ...d, exponent: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: hamiltonianPower: exponent must be a finite number > 1; got 1. Use exponent: 2 for ½|p|², or hamiltonianBounded for a bounded speed.]`,
  );
  expect(() => hamiltonianPower({ ...d, exponent: 2, weight: -1 })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: hamiltonianPower: weight must be ≥ 0; got -1. A Hamiltonian is convex in p: change the sign.]`,
  );
  expect(() => hamiltonianBounded({ dimension: -1, speed: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: hamiltonianBounded: dimension must be an integer ≥ 1; got -1. Use dimension: 2.]`,
  );
  expect(() => hamiltonianBounded({ ...d, speed: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: hamiltonianBounded: speed must be > 0; got 0. Give the greatest |v|, for example 1.]`,
  );
  expect(() => hamiltonianBounded({ ...d, speed: -1 })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: hamiltonianBounded: speed must be ≥ 0; got -1. Give the greatest |v|, for example 1.]`,
  );
  // @ts-expect-error: no such set
  expect(() => hamiltonianBounded({ ...d, speed: 1, set: "cube" })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: hamiltonianBounded: set must be "ball" or "box"; got "cube". Use set: "ball".]`,
  );
  expect(() => hamiltonianCongestion({ dimension: 0, exponent: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: hamiltonianCongestion: dimension must be an integer ≥ 1; got 0. Use dimension: 2.]`,
  );
  expect(() => hamiltonianCongestion({ ...d, exponent: -1 })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: hamiltonianCongestion: exponent must be a finite number ≥ 0; got -1. Use exponent: 1.]`,
  );
  expect(() => hamiltonianExpression({ dimension: 0, text: "p1^2" })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: hamiltonianExpression: dimension must be an integer ≥ 1; got 0. Use dimension: 2.]`,
  );
  // @ts-expect-error: not a text
  expect(() => hamiltonianExpression({ ...d, text: 3 })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: hamiltonianExpression: text must be an expression; got 3. Use for example "0.5*p1^2".]`,
  );
  expect(() => hamiltonianExpression({ ...d, text: "-p1^2 + p2" })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: hamiltonianExpression: "-p1^2 + p2" must be convex in p, so not above the mean -1.19108 of its values at p ± (-1.09624, -1.18052) in p = (-0.00103963, 0.0106732), x = (0.926583, 0.389466), t = 0.703944, m = 0.173145; got 0.0106721. Change the sign, or the part that bends down.]`,
  );
  expect(() => hamiltonianExpression({ ...d, text: "p1^2 + log(x - 5)" })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: hamiltonianExpression: "p1^2 + log(x - 5)" must have real values in the box of samples; got NaN. Give the game's domain as box.]`,
  );
  expect(() => hamiltonianExpression({ ...d, text: "p1^2 + p3" })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: expression: "p1^2 + p3" must hold only arithmetic and known functions; got "p3". Allowed are x, y, t, p1, p2, m, pi, e; did you mean p1.]`,
  );
  expect(() => hamiltonianExpression({ ...d, text: "sign(p1)*p1" })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: expression: "sign(p1) * p1" must be continuous in p1 to be differentiated; got "sign(p1)". Smooth the jump, for example tanh(x/0.1).]`,
  );
  const elsewhere = { lower: [6, 0], upper: [7, 1] };
  expect(hamiltonianExpression({ ...d, text: "p1^2 + log(x - 5)", box: elsewhere }).dependsOnMass).toBe(false);
});
