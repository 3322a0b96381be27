import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import {
  type Hamiltonian,
  hamiltonianBounded,
  hamiltonianCongestion,
  hamiltonianExpression,
  hamiltonianFunction,
  hamiltonianJet,
  hamiltonianPower,
  hamiltonianQuadratic,
} from "../../../../problems/terms/index.js";
import {
  monotonicityDefect,
  type NumericalHamiltonianScheme,
  type NumericalJet,
  numericalHamiltonian,
} from "../../../../solvers/grid/index.js";
import { type Cells, cells, differences, domain } from "../../../../src/grid/index.js";
import { generator } from "../../../../src/random/index.js";

const numRuns = Number(process.env.LAWS === "thorough" ? 500 : 25);

const SHAPES: Record<number, Cells> = {
  1: cells(domain({ lower: [0], upper: [1] }), 6),
  2: cells(domain({ lower: [0, -1], upper: [1, 1] }), [5, 4]),
  3: cells(domain({ lower: [0, 0, 0], upper: [1, 2, 1] }), [4, 4, 4]),
};

const FAMILIES: Record<string, (d: number) => Hamiltonian> = {
  quadratic: (d) => hamiltonianQuadratic({ dimension: d }),
  "quadratic with a drift": (d) =>
    hamiltonianQuadratic({
      dimension: d,
      weight: "1 + 0.5*sin(2*pi*x)*cos(t)",
      drift: ["cos(x)", "-0.7", "sin(x)"].slice(0, d),
    }),
  "quadratic with a diagonal metric": (d) =>
    hamiltonianQuadratic({
      dimension: d,
      weight: 0.5,
      metric: ["1 + x^2", 0.3, 2].slice(0, d),
      drift: [0.4, "x", -1].slice(0, d),
    }),
  "quadratic with a full metric": (d) =>
    hamiltonianQuadratic({
      dimension: d,
      metric: Array.from({ length: d }, (_, a) => Array.from({ length: d }, (_, b) => (a === b ? 1.5 : 0.3))),
    }),
  power: (d) => hamiltonianPower({ dimension: d, exponent: 3, weight: "1 + 0.3*sin(x + t)" }),
  "power below 2": (d) => hamiltonianPower({ dimension: d, exponent: 1.5 }),
  "bounded by a ball": (d) => hamiltonianBounded({ dimension: d, speed: "1 + 0.2*x" }),
  "bounded by a box": (d) => hamiltonianBounded({ dimension: d, speed: 0.8, set: "box" }),
  congestion: (d) => hamiltonianCongestion({ dimension: d, exponent: 1.5, weight: "1 + x^2" }),
  "separable expression": (d) =>
    hamiltonianExpression({
      dimension: d,
      text: ["cosh(p1 - 0.3*m*x)", "sqrt(1 + m + p2^2) + p2", "exp(p3)"].slice(0, d).join(" + "),
    }),
  "radial expression": (d) =>
    hamiltonianExpression({
      dimension: d,
      text: `sqrt(1 + m + (${["p1^2", "p2^2", "p3^2"].slice(0, d).join(" + ")}))`,
    }),
  "general expression": (d) =>
    hamiltonianExpression({
      dimension: d,
      text: `(1 + m)*log(1 + exp(${["p1", "2*p2", "p3"].slice(0, d).join(" - ")})) + 0.1*p1^2`,
    }),
  function: (d) =>
    hamiltonianFunction({
      dimension: d,
      value: (x, p, _t, m) =>
        Math.cosh(0.3 * p.reduce((sum, q) => sum + q, m)) + 0.5 * (1 + x[0]) * p.reduce((sum, q) => sum + q * q, 0),
      gradient: (x, p, _t, m) => {
        const s = 0.3 * Math.sinh(0.3 * p.reduce((sum, q) => sum + q, m));
        return p.map((q) => s + (1 + x[0]) * q);
      },
    }),
};

const CASES = Object.keys(FAMILIES).flatMap((name) => [1, 2, 3].map((d) => ({ name, d })));
const SCHEMES: NumericalHamiltonianScheme[] = ["upwind", "lax-friedrichs", "central"];

/** Normal differences, one draw a link. */
function randomDifferences(c: Cells, seed: number, size = 1.3): Float64Array[] {
  const g = generator(seed);
  return Array.from({ length: 2 * c.grid.dimension }, () => g.normal(c.grid.size).map((x) => size * x));
}

function randomMass(c: Cells, seed: number): Float64Array {
  return generator(seed).split("mass").uniform(c.grid.size);
}

function pair(i: number, j: number, links: number): number {
  return i <= j ? i * links - (i * (i - 1)) / 2 + (j - i) : pair(j, i, links);
}

/** The jet at D + εE, m + εμ. */
function along(
  g: ReturnType<typeof numericalHamiltonian>,
  t: number,
  D: Float64Array[],
  m: Float64Array,
  E: Float64Array[],
  mu: Float64Array,
  eps: number,
): NumericalJet {
  const out = g.jet();
  g.evaluate(
    t,
    D.map((q, j) => q.map((x, k) => x + eps * E[j][k])),
    m.map((x, k) => x + eps * mu[k]),
    out,
    2,
  );
  return out;
}

describe.each(CASES)("$name in dimension $d", ({ name, d }) => {
  const c = SHAPES[d];
  const h = FAMILIES[name](d);
  const t = 0.3;
  property.prop([fc.integer({ min: 0, max: 1e6 }), fc.constantFrom(...SCHEMES)], { numRuns, seed: 41 })(
    "is consistent: G(p, p) = H(p)",
    (seed, scheme) => {
      const g = numericalHamiltonian(h, c, { scheme });
      const p = randomDifferences(c, seed).slice(0, d);
      const m = randomMass(c, seed);
      const exact = hamiltonianJet(d, c.grid.size);
      h.evaluate(t, c.points, p, m, exact, 2);
      const out = g.jet();
      g.evaluate(
        t,
        p.flatMap((q) => [q, q]),
        m,
        out,
        2,
      );
      expect(out.value).toAgree(exact.value, { rtol: 1e-12, atol: 1e-13 });
      for (let a = 0; a < d; a++) {
        const sum = out.slope[2 * a].map((x, k) => x + out.slope[2 * a + 1][k]);
        expect(sum).toAgree(exact.gradient[a], { rtol: 1e-12, atol: 1e-13 });
      }
      if (out.byMass !== null) expect(out.byMass).toAgree(exact.byMass, { rtol: 1e-12, atol: 1e-13 });
    },
  );

  property.prop([fc.integer({ min: 0, max: 1e6 })], { numRuns, seed: 42 })("upwind is monotone", (seed) => {
    const g = numericalHamiltonian(h, c);
    const out = g.jet();
    g.evaluate(t, randomDifferences(c, seed, g.name === "upwind" ? 3 : 1), randomMass(c, seed), out, 1);
    expect(monotonicityDefect(out)).toBe(0);
  });

  property.prop([fc.integer({ min: 0, max: 1e6 }), fc.constantFrom(...SCHEMES)], { numRuns, seed: 43 })(
    "has exact slopes, curvatures and mass derivatives",
    (seed, scheme) => {
      const g = numericalHamiltonian(h, c, { scheme });
      const D = randomDifferences(c, seed);
      const m = randomMass(c, seed);
      const E = randomDifferences(c, seed + 1, 1);
      const mu = generator(seed).split("mu").normal(c.grid.size);
      const eps = 1e-6;
      const at = along(g, t, D, m, E, mu, 0);
      const up = along(g, t, D, m, E, mu, eps);
      const down = along(g, t, D, m, E, mu, -eps);
      const links = 2 * d;
      const [measured, said, bent, bend]: number[][] = [[], [], [], []];
      for (let k = 0; k < c.grid.size; k++) {
        let slope = at.byMass === null ? 0 : at.byMass[k] * mu[k];
        for (let j = 0; j < links; j++) slope += at.slope[j][k] * E[j][k];
        measured.push((up.value[k] - down.value[k]) / (2 * eps));
        said.push(slope);
        for (let i = 0; i < links; i++) {
          // a branch that flips between the two points has no derivative there
          if (kinked(up, at, i, k) || kinked(down, at, i, k)) continue;
          let row = at.slopeByMass === null ? 0 : at.slopeByMass[i][k] * mu[k];
          for (let j = 0; j < links; j++) row += (at.curvature[pair(i, j, links)]?.[k] ?? 0) * E[j][k];
          bent.push((up.slope[i][k] - down.slope[i][k]) / (2 * eps));
          bend.push(row);
        }
      }
      expect(measured).toAgree(said, { rtol: 2e-5, atol: 2e-5 });
      expect(bent.length).toBeGreaterThan(0.9 * links * c.grid.size);
      expect(bent).toAgree(bend, { rtol: 1e-4, atol: 1e-4 });
    },
  );

  property.prop([fc.integer({ min: 0, max: 1e6 }), fc.constantFrom(...SCHEMES)], { numRuns, seed: 44 })(
    "is convex in the differences",
    (seed, scheme) => {
      const g = numericalHamiltonian(h, c, { scheme });
      const m = randomMass(c, seed);
      const zero = new Float64Array(c.grid.size);
      const [D, E] = [randomDifferences(c, seed), randomDifferences(c, seed + 7)];
      const value = (s: number) => along(g, t, D, m, E, zero, s).value;
      const [left, middle, right] = [value(-1), value(0), value(1)];
      const bends = middle.map((v, k) => (left[k] + right[k] - 2 * v) / (1 + Math.abs(v)));
      expect(Math.min(...bends)).toBeGreaterThanOrEqual(-1e-10);
    },
  );

  test("an order below 2 gives the same numbers", () => {
    const D = randomDifferences(c, 5);
    const m = randomMass(c, 5);
    for (const scheme of SCHEMES) {
      const g = numericalHamiltonian(h, c, { scheme });
      const [full, first, zeroth] = [g.jet(), g.jet(), g.jet()];
      g.evaluate(t, D, m, full, 2);
      g.evaluate(t, D, m, first, 1);
      g.evaluate(t, D, m, zeroth, 0);
      expect(zeroth.value).toAgree(full.value, { rtol: 0 });
      expect(first.value).toAgree(full.value, { rtol: 0 });
      full.slope.forEach((s, j) => {
        expect(first.slope[j]).toAgree(s, { rtol: 0 });
      });
    }
  });
});

/** A curvature or slope by mass of row i changed by a jump between two close jets. */
function kinked(a: NumericalJet, b: NumericalJet, i: number, k: number): boolean {
  const links = a.slope.length;
  for (let j = 0; j < links; j++) {
    const [x, y] = [a.curvature[pair(i, j, links)]?.[k] ?? 0, b.curvature[pair(i, j, links)]?.[k] ?? 0];
    if (Math.abs(x - y) > 1e-2 * (1 + Math.abs(y))) return true;
  }
  return false;
}

describe("the quadratic scheme", () => {
  test("is the formula of Achdou and Capuzzo-Dolcetta", () => {
    const c = SHAPES[2];
    const D = randomDifferences(c, 3);
    const g = numericalHamiltonian(hamiltonianQuadratic({ dimension: 2, weight: 0.7 }), c);
    const out = g.jet();
    g.evaluate(0, D, new Float64Array(c.grid.size), out, 2);
    const expected = Float64Array.from(
      { length: c.grid.size },
      (_, k) => 0.7 * [0, 1].reduce((s, a) => s + Math.max(D[2 * a][k], 0) ** 2 + Math.min(D[2 * a + 1][k], 0) ** 2, 0),
    );
    expect(out.value).toAgree(expected);
    expect(out.byMass).toBeNull();
    expect(out.curvature.map((q) => q !== null)).toEqual([
      true,
      false,
      false,
      false,
      true,
      false,
      false,
      true,
      false,
      true,
    ]);
  });

  test("at u = 0 both sides together have the curvature of H", () => {
    const c = SHAPES[2];
    const zero = () => new Float64Array(c.grid.size);
    for (const h of [hamiltonianQuadratic({ dimension: 2 }), hamiltonianQuadratic({ dimension: 2, weight: "0.5" })]) {
      const g = numericalHamiltonian(h, c);
      const out = g.jet();
      g.evaluate(0, [zero(), zero(), zero(), zero()], zero(), out, 2);
      expect(out.curvature[pair(0, 0, 4)]?.[3]).toBe(0.5);
      expect(out.curvature[pair(1, 1, 4)]?.[3]).toBe(0.5);
    }
  });
});

describe("Lax–Friedrichs", () => {
  const c = SHAPES[2];
  const h = FAMILIES["quadratic with a full metric"](2);

  test("adds ½α(D⁺ − D⁻), is what upwind falls back to, and says so", () => {
    const D = randomDifferences(c, 4);
    const m = randomMass(c, 4);
    const [g, bare] = [
      numericalHamiltonian(h, c, { slopeBound: [2, 3] }),
      numericalHamiltonian(h, c, { scheme: "central" }),
    ];
    expect(g.name).toBe("lax-friedrichs");
    const [out, middle] = [g.jet(), bare.jet()];
    g.evaluate(0, D, m, out, 2);
    bare.evaluate(0, D, m, middle, 2);
    const added = D[0].map((_, k) => -(D[1][k] - D[0][k]) - 1.5 * (D[3][k] - D[2][k]));
    expect(out.value.map((v, k) => v - middle.value[k])).toAgree(added, { rtol: 1e-10, atol: 1e-13 });
  });

  test("its default bound holds for momenta up to 4, and the defect tells when it does not", () => {
    const g = numericalHamiltonian(h, c);
    const out = g.jet();
    const m = randomMass(c, 1);
    g.evaluate(
      0,
      [4, 4, -4, -4].map((v) => new Float64Array(c.grid.size).fill(v)),
      m,
      out,
      1,
    );
    expect(monotonicityDefect(out)).toBe(0);
    // ∂H/∂p₁ = 1.5 p₁ + 0.3 p₂ ≤ 7.2 in the box, and is 14.4 here: half of each meets half of α
    g.evaluate(
      0,
      [8, 8, 8, 8].map((v) => new Float64Array(c.grid.size).fill(v)),
      m,
      out,
      1,
    );
    expect(monotonicityDefect(out)).toAgree(0.5 * (14.4 - 7.2), { rtol: 1e-12 });
  });
});

describe("the central scheme", () => {
  const errorAt = (n: number, ends: "no-flux" | "door"): number => {
    const c = cells(domain({ lower: [0], upper: [1], ends }), n);
    // u′ = 0 at walls, with u‴ ≠ 0, so that the mirror image is no smooth extension; u = 0 at doors
    const u = c.points.map((x) => (ends === "no-flux" ? x ** 2 * (1 - x) ** 2 : Math.sin(Math.PI * x) / Math.PI));
    const slope = (x: number) => (ends === "no-flux" ? 2 * x * (1 - x) * (1 - 2 * x) : Math.cos(Math.PI * x));
    const D = [new Float64Array(n), new Float64Array(n)];
    differences(c, u, D, true);
    const g = numericalHamiltonian(hamiltonianExpression({ dimension: 1, text: "exp(p1)" }), c, { scheme: "central" });
    const out = g.jet();
    g.evaluate(0, D, new Float64Array(n), out, 0);
    return c.points.reduce((worst, x, k) => Math.max(worst, Math.abs(out.value[k] - Math.exp(slope(x)))), 0);
  };

  test.each([
    ["no-flux", 6e-4],
    ["door", 1.3e-3],
  ] as const)("is of second order up to %s ends", (ends, level) => {
    const [coarse, fine] = [errorAt(32, ends), errorAt(64, ends)];
    expect(Math.log2(coarse / fine)).toBeGreaterThan(1.9);
    expect(fine).toBeLessThan(level);
  });
});

test("solid cells hold 0", () => {
  const c = cells(
    domain({ lower: [0, 0], upper: [1, 1], obstacle: (x) => Math.hypot(x[0] - 0.5, x[1] - 0.5) < 0.2 }),
    8,
  );
  const h = hamiltonianExpression({ dimension: 2, text: "1 + m + exp(p1 + p2)" });
  for (const scheme of SCHEMES) {
    const g = numericalHamiltonian(h, c, { scheme });
    const out = g.jet();
    g.evaluate(0, randomDifferences(c, 2), randomMass(c, 2), out, 2);
    const all = [out.value, ...out.slope, ...out.curvature, out.byMass, ...(out.slopeByMass ?? [])];
    for (const field of all)
      if (field !== null) for (let k = 0; k < c.grid.size; k++) if (c.open[k] === 0) expect(field[k]).toBe(0);
  }
});

test("a part without a least value is upwinded from one side", () => {
  const c = SHAPES[1];
  const D = randomDifferences(c, 8);
  const m = randomMass(c, 8);
  for (const [text, side] of [
    ["exp(p1)", 0],
    ["exp(-p1)", 1],
  ] as const) {
    const g = numericalHamiltonian(hamiltonianExpression({ dimension: 1, text }), c);
    const out = g.jet();
    g.evaluate(0, D, m, out, 2);
    expect(out.value).toAgree(
      D[side].map((q) => Math.exp(side === 0 ? q : -q)),
      { rtol: 1e-12 },
    );
    expect(out.slope[1 - side]).toAgree(new Float64Array(c.grid.size));
  }
});

test("refusals", () => {
  const c = SHAPES[2];
  const h = hamiltonianQuadratic({ dimension: 2 });
  expect(() => numericalHamiltonian(hamiltonianQuadratic({ dimension: 1 }), c)).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: numericalHamiltonian: hamiltonian must live in the cells' dimension 2; got 1. Give every term in the same dimension.]`,
  );
  // @ts-expect-error: no such scheme
  expect(() => numericalHamiltonian(h, c, { scheme: "godunov" })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: numericalHamiltonian: scheme must be "upwind", "lax-friedrichs" or "central"; got "godunov". Use scheme: "upwind".]`,
  );
  expect(() => numericalHamiltonian(h, c, { slopeBound: [1] })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: numericalHamiltonian: slopeBound must be a number ≥ 0, or 2 of them; got [1]. Bound |∂H/∂p_a| over the momenta that you expect.]`,
  );
});
