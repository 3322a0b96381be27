import { describe, expect, test } from "vitest";
import {
  type Coupling,
  couplingCapacity,
  couplingField,
  couplingLocal,
  couplingLog,
  couplingMean,
  couplingNonlocal,
  couplingSum,
} from "../../../problems/index.js";
import { cells, domain } from "../../../src/grid/index.js";
import { cloud, weightOf } from "../../../src/measure/index.js";
import { expectDerivative, expectPotential, fields, message, positive } from "./check.js";

const torus = domain({ lower: [0, 0], upper: [1, 2] });
const box = domain({
  lower: [-1, -1],
  upper: [1, 2],
  ends: "no-flux",
  obstacle: (x) => x[0] ** 2 + x[1] ** 2 < 0.1,
});
const mixed = domain({ lower: [0, 0], upper: [1, 2], ends: ["periodic", "no-flux"] });

const nonlocal = (options: object, of: typeof torus) => couplingNonlocal({ dimension: 2, domain: of, ...options });
const all: readonly (readonly [string, Coupling, typeof torus])[] = [
  ["log", couplingLog({ dimension: 2, weight: 0.3, cost: "x^2 + t" }), torus],
  ["log around an obstacle", couplingLog({ dimension: 2, weight: -2 }), box],
  ["capacity", couplingCapacity({ dimension: 2, capacity: 2, weight: 3, cost: (x) => x[1] }), torus],
  ["capacity, log barrier", couplingCapacity({ dimension: 2, capacity: 2, barrier: "log" }), box],
  ["field", couplingField({ dimension: 2, cost: ["x*y", 3] }), box],
  ["mean", couplingMean({ dimension: 2, weight: 2 }), box],
  ["mean of each of two", couplingMean({ dimension: 2, populations: 2, weight: 2 }), box],
  ["mean, fixed target", couplingMean({ dimension: 2, weight: 2, share: 0, offset: [1, 2] }), box],
  ["mean, mixed target", couplingMean({ dimension: 2, weight: -1, share: 0.4, offset: [1, 2] }), box],
  ["nonlocal Gaussian", nonlocal({ width: 0.3, weight: 2 }, torus), torus],
  ["nonlocal Gaussian on walls", nonlocal({ width: 0.3 }, box), box],
  [
    "nonlocal, two populations",
    nonlocal(
      {
        kernel: "exp(-4*r)",
        weight: [
          [1, 2],
          [2, 0],
        ],
      },
      mixed,
    ),
    mixed,
  ],
  [
    "nonlocal, ahead only",
    nonlocal(
      {
        kernel: "exp(-r^2 + 2*y)",
        weight: [
          [1, 2],
          [3, 0],
        ],
      },
      mixed,
    ),
    mixed,
  ],
  ["sum", couplingSum([couplingLog({ dimension: 2 }), couplingMean({ dimension: 2 })]), box],
  [
    "sum of local ones",
    couplingSum([couplingLog({ dimension: 2 }), couplingLocal({ dimension: 2, cost: "m*x" })]),
    torus,
  ],
];

describe.each(all)("%s", (_, f, of) => {
  const c = cells(of, [9, 8]);
  test("derivative and its transpose", () => expectDerivative(f, c, 0.3));
  test("f = δF/δm, or no functional", () => {
    if (f.isPotential === true) expectPotential(f, c, 0.3);
    else expect(f.potentialOn(c)).toBeNull();
  });
  test("description is JSON, text has a line a population", () => {
    expect(JSON.parse(JSON.stringify(f.description))).toEqual(f.description);
    expect(f.text.length).toBe(f.populations);
  });
  test("the expression says what the coupling does", () => {
    if (f.expressionText === null) return;
    const g = couplingLocal({ dimension: 2, populations: f.populations, cost: f.expressionText });
    const m = positive(c, f.populations, 3);
    const [a, b] = [0, 1].map(() => m.map((column) => new Float64Array(column.length)));
    f.on(c).evaluate(0.7, m, a);
    g.on(c).evaluate(0.7, m, b);
    for (const [k, column] of a.entries()) expect(column).toAgree(b[k], { rtol: 1e-13, atol: 1e-13 });
  });
});

describe("monotone: the pairing of differences has the sign that the coupling claims", () => {
  test.each(all.filter(([, f]) => f.isMonotone !== null))("%s", (_, f, of) => {
    const c = cells(of, [9, 8]);
    let least = Infinity;
    for (let seed = 0; seed < 40; seed++) {
      const m = positive(c, f.populations, seed);
      const other = positive(c, f.populations, 1000 + seed);
      // laws of one mass
      other.forEach((column, k) => {
        const ratio = m[k].reduce((s, v) => s + v) / column.reduce((s, v) => s + v);
        for (let i = 0; i < column.length; i++) column[i] *= ratio;
      });
      const [a, b] = [0, 1].map(() => m.map((column) => new Float64Array(column.length)));
      const g = f.on(c);
      g.evaluate(0, m, a);
      g.evaluate(0, other, b);
      let pairing = 0;
      m.forEach((column, k) => {
        for (let i = 0; i < column.length; i++) pairing += (a[k][i] - b[k][i]) * (column[i] - other[k][i]);
      });
      least = Math.min(least, pairing);
    }
    if (f.isMonotone) expect(least).toBeGreaterThanOrEqual(-1e-12);
    else expect(least).toBeLessThan(0);
  });
});

describe("nonlocal", () => {
  test("cells: the convolution is the double sum, with images on periodic axes and none across walls", () => {
    for (const [, f, of] of all.filter(([name]) => name.startsWith("nonlocal"))) {
      const c = cells(of, [5, 6]);
      const m = positive(c, f.populations, 5);
      const out = m.map((column) => new Float64Array(column.length));
      f.on(c).evaluate(0, m, out);
      const masses = m.map((column) => c.grid.cellVolume * column.reduce((s, v) => s + v));
      const laws = m.map((column, l) => {
        const weights = column.map((v) => (v * c.grid.cellVolume) / masses[l]);
        return cloud(c.points, 2, weights);
      });
      for (let k = 0; k < f.populations; k++) {
        const sum = f.at(0, k, c.points, { laws, densities: null, masses });
        for (let i = 0; i < sum.length; i++) expect(out[k][i]).toBeCloseTo(c.open[i] === 1 ? sum[i] : 0, 11);
      }
    }
  });

  test("Gaussian: K∗cos = e^{−(2πσ)²/2} cos on the circle, also when wider than it", () => {
    const circle = domain({ lower: [0], upper: [1] });
    const c = cells(circle, 64);
    for (const width of [0.1, 0.4, 2]) {
      const f = couplingNonlocal({ dimension: 1, width, domain: circle });
      const m = [c.points.map((x) => 1 + 0.5 * Math.cos(2 * Math.PI * x))];
      const out = [new Float64Array(64)];
      f.on(c).evaluate(0, m, out);
      const factor = Math.exp(-0.5 * (2 * Math.PI * width) ** 2);
      expect(out[0]).toAgree(
        c.points.map((x) => 1 + 0.5 * factor * Math.cos(2 * Math.PI * x)),
        { atol: 1e-13 },
      );
    }
  });

  test("what is known: the kernel's transform and the weights decide", () => {
    const circle = domain({ lower: [0], upper: [1] });
    const of = (kernel: string, weight: number | number[][] = 1, on: typeof circle | null = circle) => {
      const f = couplingNonlocal({ dimension: 1, kernel, weight, domain: on });
      return [f.isMonotone, f.isPotential];
    };
    expect(of("cos(2*pi*x)")).toEqual([true, true]);
    expect(of("-cos(2*pi*x)")).toEqual([false, true]);
    expect(of("-cos(2*pi*x)", -2)).toEqual([true, true]);
    expect(of("1 + cos(2*pi*x) - cos(4*pi*x)")).toEqual([false, true]);
    expect(of("sin(2*pi*x)")).toEqual([null, false]);
    expect(
      of("cos(2*pi*x)", [
        [2, 1],
        [1, 2],
      ]),
    ).toEqual([true, true]);
    expect(
      of("cos(2*pi*x)", [
        [1, 2],
        [2, 1],
      ]),
    ).toEqual([false, true]);
    expect(
      of("cos(2*pi*x)", [
        [1, 1],
        [-1, 1],
      ]),
    ).toEqual([true, false]);
    expect(of("exp(-r)", 1, null)).toEqual([null, true]);
    const walls = domain({ lower: [0], upper: [1], ends: "no-flux" });
    expect(of("exp(-10*r)", 1, walls)[0]).toBe(true);
    expect(of("1 - r", 1, walls)[0]).toBe(true); // a triangle
    expect(of("r^2", 1, walls)[0]).toBeNull();
    expect(couplingNonlocal({ dimension: 7, width: 1, weight: -1 }).isMonotone).toBe(false);
  });
});

test("mean: f is (κ/2)|x − a x̄ − b|² on cells and particles", () => {
  const f = couplingMean({ dimension: 2, weight: 3, share: 0.5, offset: [1, -1] });
  const c = cells(box, 10);
  const m = positive(c, 1, 8);
  const law = cloud(
    c.points,
    2,
    m[0].map((v) => v / m[0].reduce((s, w) => s + w)),
  );
  const mean = [0, 1].map((a) => m[0].reduce((s, _, i) => s + weightOf(law, i) * c.points[2 * i + a], 0));
  const out = [new Float64Array(c.grid.size)];
  f.on(c).evaluate(0, m, out);
  const expected = m[0].map((_, i) =>
    c.open[i] === 0
      ? 0
      : 1.5 * ((c.points[2 * i] - 0.5 * mean[0] - 1) ** 2 + (c.points[2 * i + 1] - 0.5 * mean[1] + 1) ** 2),
  );
  expect(out[0]).toAgree(expected, { rtol: 1e-12 });
  const sum = f.at(0, 0, c.points, { laws: [law], densities: null }).map((v, i) => (c.open[i] === 1 ? v : 0));
  expect(sum).toAgree(expected, { rtol: 1e-12 });
  expect([f.isQuadratic, f.isMonotone, f.isPotential]).toEqual([true, false, false]);
  expect(f.text).toEqual(["1.5 |x − 0.5 x̄ − (1, -1)|²"]);
});

test("log: γ ln m + V, potential γ(m ln m − m) + V m; capacity: f grows to ∞ at the cap", () => {
  const c = cells(torus, 6);
  const m = positive(c, 1, 4);
  const F = couplingLog({ dimension: 2, weight: 0.7, cost: "x" }).potentialOn(c)!(0, m);
  const exact = m[0].reduce((s, v, i) => s + 0.7 * (v * Math.log(v) - v) + c.points[2 * i] * v, 0);
  expect(F).toAgree(exact * c.grid.cellVolume, { rtol: 1e-10 });
  m[0][5] = 0;
  expect(Number.isFinite(couplingLog({ dimension: 2 }).potentialOn(c)!(0, m))).toBe(true);

  for (const barrier of ["quotient", "log"] as const) {
    const f = couplingCapacity({ dimension: 1, capacity: 2, barrier });
    const crowd = (v: number) => ({ laws: [cloud([0], 1)], densities: [Float64Array.of(v)] });
    const at = (v: number) => f.at(0, 0, Float64Array.of(0), crowd(v))[0];
    expect(at(1)).toAgree(barrier === "quotient" ? 2 : 2 * Math.log(2));
    expect(at(f.massRange[1])).toBeGreaterThan(barrier === "quotient" ? 1e15 : 70);
    expect(at(1e-3)).toAgree(1e-3, { rtol: 1e-3 });
  }
});

test("sum: flags, ranges and local derivatives follow from the parts", () => {
  const log = couplingLog({ dimension: 1 });
  const down = couplingLocal({ dimension: 1, cost: "-m" });
  const place = couplingField({ dimension: 1, cost: "x" });
  const cap = couplingCapacity({ dimension: 1, capacity: 3 });
  const answers = (...parts: Coupling[]) => {
    const f = couplingSum(parts);
    return [f.isMonotone, f.isPotential, f.isNonlocal, f.dependsOnMass];
  };
  expect(answers(log, place)).toEqual([true, true, false, true]);
  expect(answers(down, place)).toEqual([false, true, false, true]);
  expect(answers(log, down)).toEqual([null, true, false, true]);
  expect(answers(place, place)).toEqual([true, true, false, false]);
  expect(answers(log, couplingNonlocal({ dimension: 1, kernel: "sin(x)" }))).toEqual([null, null, true, true]);
  expect(couplingSum([log, cap]).massRange).toEqual([Number.MIN_VALUE, cap.massRange[1]]);
  expect(couplingSum([log, place]).text).toEqual(["ln m + x"]);
});

test("solid cells carry no cost whatever the density there", () => {
  const c = cells(box, 12);
  const m = fields(c, 1, 2).map((f) => f.map((v) => v + 1));
  for (const f of [
    couplingLog({ dimension: 2 }),
    couplingMean({ dimension: 2 }),
    couplingNonlocal({ dimension: 2, width: 1 }),
  ]) {
    const out = [new Float64Array(c.grid.size)];
    f.on(c).evaluate(0, positive(c, 1, 2), out);
    for (let i = 0; i < m[0].length; i++) if (c.open[i] === 0) expect(out[0][i]).toBe(0);
  }
});

test("what cannot be is refused", () => {
  const crowd = (v: number) => ({ laws: [cloud([0], 1)], densities: [Float64Array.of(v)] });
  const origin = Float64Array.of(0);
  const c = cells(torus, 4);
  const messages = [
    () => couplingLog({ dimension: 0 }),
    () => couplingLog({ dimension: 1, weight: 0 }),
    () => couplingLog({ dimension: 1 }).at(0, 0, origin, crowd(-1)),
    () => couplingCapacity({ dimension: 1, capacity: 0 }),
    () => couplingCapacity({ dimension: 1, capacity: 1, weight: -1 }),
    () => couplingCapacity({ dimension: 1, capacity: 1, barrier: "wall" as never }),
    () => couplingCapacity({ dimension: 1, capacity: 2 }).at(0, 0, origin, crowd(2)),
    () => couplingField({ dimension: 0, cost: 1 }),
    () => couplingField({ dimension: 1, cost: [] }),
    () => couplingMean({ dimension: 0 }),
    () => couplingMean({ dimension: 1, populations: 0 }),
    () => couplingMean({ dimension: 1, weight: Number.NaN }),
    () => couplingMean({ dimension: 1, share: Infinity }),
    () => couplingMean({ dimension: 1, offset: [1, 2] }),
    () => couplingMean({ dimension: 2 }).on(c),
    () => couplingMean({ dimension: 1 }).on(c),
    () =>
      couplingMean({ dimension: 2 })
        .on(cells(box, 8))
        .evaluate(0, [new Float64Array(64)], [new Float64Array(64)]),
    () => couplingNonlocal({ dimension: 0, width: 1 }),
    () => couplingNonlocal({ dimension: 1 }),
    () => couplingNonlocal({ dimension: 1, width: 0 }),
    () => couplingNonlocal({ dimension: 1, width: 1, domain: torus }),
    () => couplingNonlocal({ dimension: 1, width: 1, weight: Number.NaN }),
    () => couplingNonlocal({ dimension: 1, width: 1, weight: [[1, 2]] }),
    () => couplingNonlocal({ dimension: 1, kernel: "1/r" }),
    () => couplingNonlocal({ dimension: 1, width: 1 }).on(c),
    () => couplingNonlocal({ dimension: 2, width: 1 }).on(c),
    () => couplingSum([]),
    () => couplingSum([couplingLog({ dimension: 1 }), couplingLog({ dimension: 2 })]),
    () =>
      couplingSum([
        couplingLocal({ dimension: 1, cost: "m", massRange: [3, 4] }),
        couplingCapacity({ dimension: 1, capacity: 2 }),
      ]),
  ].map(message);
  expect(messages).toMatchInlineSnapshot(`
    [
      "couplingLog: dimension must be an integer ≥ 1; got 0. Give the domain's dimension.",
      "couplingLog: weight must be finite and not 0; got 0. Use weight: 1, or couplingField for a cost without crowd.",
      "couplingLog: the cost ln m must have a real value at x = (0), t = 0, m = -1; got NaN. Keep the density > 0, or change the formula.",
      "couplingCapacity: capacity must be finite and > 0; got 0. Use twice the mean density to start.",
      "couplingCapacity: weight must be finite and > 0; got -1. Use weight: 1.",
      "couplingCapacity: barrier must be "quotient" or "log"; got "wall". Use barrier: "quotient".",
      "couplingCapacity: the cost 1 m/(1 − m/2) must have a real value at x = (0), t = 0, m = 2; got NaN. Keep the density ≤ 1.9999999999999998, or change the formula.",
      "couplingField: dimension must be an integer ≥ 1; got 0. Give the domain's dimension.",
      "couplingField: cost must hold at least one field; got 0. Give one a population.",
      "couplingMean: dimension must be an integer ≥ 1; got 0. Give the domain's dimension.",
      "couplingMean: populations must be an integer ≥ 1; got 0. Use populations: 1.",
      "couplingMean: weight must be finite; got NaN. Use weight: 1.",
      "couplingMean: share must be finite; got Infinity. Use share: 1 for the crowd's own mean.",
      "couplingMean: offset must hold 1 finite numbers; got [1,2]. Leave it out for 0.",
      "couplingMean: the domain must have walls on every axis, since a circle has no mean; got "axis 0, which is periodic". Use ends: "no-flux" on a box that holds the crowd.",
      "couplingMean: the cells must have the coupling's dimension 1; got 2. Make every term in the domain's dimension.",
      "couplingMean: the crowd must have mass; got 0. Start from a density that is not zero.",
      "couplingNonlocal: dimension must be an integer ≥ 1; got 0. Give the domain's dimension.",
      "couplingNonlocal: kernel and width must be given one without the other; got [undefined,undefined]. Use width: 0.1 for a Gaussian, or kernel: an expression of r.",
      "couplingNonlocal: width must be finite and > 0; got 0. Use width: 0.1.",
      "couplingNonlocal: domain must have dimension 1; got 2. Give the game's domain.",
      "couplingNonlocal: weight must be finite; got NaN. Use weight: 1.",
      "couplingNonlocal: weight must be a square matrix of finite numbers by rows; got [[1,2]]. Use [[1, 0.5], [0.5, 1]] for two populations.",
      "couplingNonlocal: kernel must be finite at 0; got Infinity. Smooth it, for example 1/sqrt(r^2 + 0.01).",
      "couplingNonlocal: the cells must have the coupling's dimension 1; got 2. Make every term in the domain's dimension.",
      "couplingNonlocal: domain must be the game's domain when that has a periodic axis; got "none". Give domain: the game's domain, so that the kernel wraps around it.",
      "couplingSum: parts must hold at least one coupling; got 0. Give the couplings to add.",
      "couplingSum: parts must have one dimension and one number of populations; got [[1,1],[2,1]]. Make them alike.",
      "couplingSum: parts must share densities at which all are defined; got [3,1.9999999999999998]. Change a mass range.",
    ]
  `);
});
