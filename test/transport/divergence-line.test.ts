// Lipschitz-regularised divergences on the line by the programme of slopes: golden set A, closed forms, limits, laws.
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import {
  alphaDivergence,
  type Cloud,
  cloud,
  type Divergence,
  jensenShannon,
  kullbackLeibler,
  plainTransport,
  reverseKullbackLeibler,
  wasserstein1,
} from "../../src/measure/index.js";
import { generator } from "../../src/random/index.js";
import { chainCritic, lipschitzDivergenceOnLine } from "../../src/transport/index.js";

const numRuns = Number(process.env.LAWS === "thorough" ? 500 : 25);
const seed = 4;
const all = [
  kullbackLeibler(),
  alphaDivergence(2),
  alphaDivergence(5),
  alphaDivergence(0.5),
  reverseKullbackLeibler(),
  jensenShannon(),
];
const smooth = all.filter((f) => f.description.alpha !== 5);

function value(p: Cloud, q: Cloud, lipschitz: number, f: Divergence): number {
  const { objective, status } = lipschitzDivergenceOnLine(p, q, f, lipschitz, { tolerance: 1e-7 });
  expect(status.converged).toBe(true);
  return objective.dual as number;
}

describe("golden set A, published to 8 decimals", () => {
  const source = cloud([0, 1, 3, 6], 1);
  const target = cloud([2, 2.5, 5], 1);
  const table = [
    [0.01, 0.01329728, 0.01329722, 0.01329706],
    [0.1, 0.12977934, 0.12972222, 0.12955189],
    [0.5, 0.60432258, 0.60416667, 0.60412585],
    [1, 1.1807194, 1.18229167, 1.18706102],
    [2, 2.30889152, 2.3125, 2.33291163],
    [10, 11.30889151, 11.3125, 11.33447265],
  ] as const;
  it.each(table)("L = %d", (lipschitz, ...values) => {
    [kullbackLeibler(), alphaDivergence(2), alphaDivergence(5)].forEach((f, k) => {
      const { objective } = lipschitzDivergenceOnLine(source, target, f, lipschitz, { tolerance: 1e-8 });
      expect(objective.dual).toAgree(values[k], { rtol: 0, atol: 1e-7 });
      expect(objective.primal).toAgree(values[k], { rtol: 0, atol: 1e-7 });
    });
  });
});

describe("closed forms", () => {
  it.each(all)("C1 Diracs and C2 Dirac target, $name", (f) => {
    for (const L of [0.01, 1, 100])
      expect(value(cloud([-1], 1), cloud([1.5], 1), L, f)).toAgree(2.5 * L, { rtol: 1e-7 });
    expect(value(cloud([-1, 0, 4], 1), cloud([1], 1), 0.7, f)).toAgree((0.7 * 6) / 3, { rtol: 1e-7 });
  });
  it("C3 source δ_a, KL: −log E_Q e^{−L|x − a|}", () => {
    const points = generator(3).normal(40);
    for (const L of [0.1, 1, 10])
      expect(value(cloud([0.3], 1), cloud(points, 1), L, kullbackLeibler())).toAgree(
        -Math.log(points.reduce((s, x) => s + Math.exp(-L * Math.abs(x - 0.3)) / 40, 0)),
        { rtol: 1e-8 },
      );
  });
  it("C4 two atoms, KL", () => {
    const d = 1.7;
    for (const [p, q] of [
      [0.3, 0.6],
      [0.9, 0.2],
      [1e-6, 0.4],
    ])
      for (const L of [0.1, 0.5, 3]) {
        const c = Math.max(-L * d, Math.min(L * d, Math.log((p * (1 - q)) / (q * (1 - p)))));
        const got = value(cloud([0, d], 1, [1 - p, p]), cloud([0, d], 1, [1 - q, q]), L, kullbackLeibler());
        expect(got).toAgree(p * c - Math.log(1 - q + q * Math.exp(c)), { rtol: 1e-8, atol: 1e-9 });
      }
  });
  it("friction makes φ the critic of the moved masses: the divergence of what was moved, without friction, is the same", () => {
    const source = new Float64Array([0.7, 0.2, 0.1, 0]);
    const target = new Float64Array([0.1, 0.2, 0.3, 0.4]);
    const bounds = new Float64Array([1, 1, 1, Infinity]);
    const half = new Float64Array(4).fill(0.1);
    for (const divergence of all) {
      const tolerance = 1e-6;
      const one = chainCritic(
        { source, target, bounds, divergence, friction: { forward: half, backward: half } },
        { tolerance },
      );
      const moved = source.map((p, i) => p - one.moved[i] + (i > 0 ? one.moved[i - 1] : 0));
      expect(one.moved[0]).toBeGreaterThan(0.01);
      const two = chainCritic({ source: moved, target, bounds, divergence }, { tolerance });
      expect(two.objective.dual).toAgree(one.objective.dual as number, { rtol: 0, atol: 3e-6 });
    }
  });
  it("on a ring mass takes the shorter way: W₁ of neighbours across the seam is one link", () => {
    const n = 8;
    const source = new Float64Array(n);
    const target = new Float64Array(n);
    source[0] = 1;
    target[n - 1] = 1;
    const bounds = new Float64Array(n).fill(0.5);
    const ring = chainCritic({ source, target, bounds, divergence: plainTransport() });
    expect(ring.objective.primal).toAgree(0.5, { rtol: 1e-9 });
    expect(ring.objective.dual).toAgree(0.5, { rtol: 1e-7 });
    const line = chainCritic({
      source,
      target,
      bounds: bounds.map((b, e) => (e === n - 1 ? Infinity : b)),
      divergence: plainTransport(),
    });
    expect(line.objective.dual).toAgree(3.5, { rtol: 1e-7 });
  });
  it.each(all)("a symmetric ring with tails below round-off is the line it folds to, $name", (divergence) => {
    // Mirrored at −20 and 20, where the two laws sit: 64 cells of [−40, 40] fold to 32 of [−20, 20], twice as heavy.
    const bump = (centre: number): Float64Array => {
      const w = Float64Array.from({ length: 64 }, (_, i) => Math.exp(-((-40 + 1.25 * (i + 0.5) - centre) ** 2) / 4.5));
      const sum = w.reduce((s, v) => s + v, 0);
      return w.map((v) => v / sum);
    };
    const [source, target] = [bump(-20), bump(20)];
    // Tails are those of one image: the mean of a law and its mirror image about −20, which moves cell i to cell 31 − i.
    const even = (w: Float64Array) => w.map((v, i) => 0.5 * (v + w[(95 - i) % 64]));
    const fold = (w: Float64Array) => w.slice(16, 48).map((v) => 2 * v);
    for (const L of [1, 30, 300]) {
      const bounds = new Float64Array(64).fill(1.25 * L);
      const ring = chainCritic({ source: even(source), target: even(target), bounds, divergence });
      expect(ring.status.text).toMatch(/^converged/);
      const line = chainCritic({
        source: fold(even(source)),
        target: fold(even(target)),
        bounds: bounds.slice(0, 32).fill(Infinity, 31),
        divergence,
      });
      expect(ring.objective.dual).toAgree(line.objective.dual as number, { rtol: 1e-6 });
    }
  });
});

describe("limits", () => {
  const g = generator(11);
  const p = cloud(g.normal(30), 1);
  const q = cloud(
    g.normal(30).map((x) => 0.5 + x),
    1,
  );
  it.each(smooth)("D/L → W₁ from below, with an error of first order in L, $name", (f) => {
    const w = wasserstein1(p, q);
    const error = (L: number) => w - value(p, q, L, f) / L;
    const [coarse, fine] = [error(2e-2), error(1e-2)];
    expect(fine).toBeGreaterThan(0);
    expect(coarse / fine).toAgree(2, { rtol: 0.1 });
  });
  it.each(smooth)("D → D_f as L → ∞ on common atoms, $name", (f) => {
    const weights = [
      [0.2, 0.5, 0.3],
      [0.4, 0.4, 0.2],
    ];
    const on = (w: number[]) => cloud([0, 1, 2], 1, w);
    const limit = weights[1].reduce((s, b, i) => s + b * f.f(weights[0][i] / b), 0);
    expect(value(on(weights[0]), on(weights[1]), 100, f)).toAgree(limit, { rtol: 1e-7 });
    expect(value(on(weights[0]), on(weights[1]), 0.1, f)).toBeLessThan(limit);
  });
});

describe("laws", () => {
  const pair = fc.record({
    p: fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 1, maxLength: 8 }),
    q: fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 1, maxLength: 8 }),
    L: fc.double({ min: 0.05, max: 5, noNaN: true }),
    f: fc.constantFrom(...smooth),
  });
  test.prop({ it: pair }, { numRuns, seed })("monotone and concave in L, and ≤ L W₁", ({ it: { p, q, L, f } }) => {
    const [P, Q] = [cloud(p, 1), cloud(q, 1)];
    const [one, two, three] = [L, 1.5 * L, 2 * L].map((l) => value(P, Q, l, f));
    const slack = 1e-6;
    expect(two).toBeGreaterThanOrEqual(one - slack);
    expect(two).toBeGreaterThanOrEqual((one + three) / 2 - slack);
    expect(one).toBeLessThanOrEqual(L * wasserstein1(P, Q) + slack);
    expect(one).toBeGreaterThanOrEqual(-slack);
  });
  test.prop({ it: pair, a: fc.double({ min: 0.2, max: 4, noNaN: true }) }, { numRuns, seed })(
    "dilation: D^L(aP‖aQ) = D^{aL}(P‖Q)",
    ({ it: { p, q, L, f }, a }) => {
      const scaled = value(
        cloud(
          p.map((x) => a * x),
          1,
        ),
        cloud(
          q.map((x) => a * x),
          1,
        ),
        L,
        f,
      );
      expect(scaled).toAgree(value(cloud(p, 1), cloud(q, 1), a * L, f), { rtol: 0, atol: 1e-6 });
    },
  );
  test.prop({ it: pair }, { numRuns, seed })("data processing: sin has constant 1", ({ it: { p, q, L, f } }) => {
    const after = value(cloud(p.map(Math.sin), 1), cloud(q.map(Math.sin), 1), L, f);
    expect(after).toBeLessThanOrEqual(value(cloud(p, 1), cloud(q, 1), L, f) + 1e-6);
  });
});

describe("messages", () => {
  const message = (work: () => unknown): string => {
    try {
      work();
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error("nothing was thrown");
  };
  const dot = cloud([0], 1);
  it("names what does not fit", () => {
    expect(message(() => lipschitzDivergenceOnLine(cloud([0, 0], 2), dot, kullbackLeibler(), 1))).toMatchInlineSnapshot(
      `"lipschitzDivergenceOnLine: source must lie on the line; got "dimension 2". Use semiRelaxedTransport()."`,
    );
    expect(message(() => lipschitzDivergenceOnLine(dot, dot, kullbackLeibler(), Infinity))).toMatchInlineSnapshot(
      `"lipschitzDivergenceOnLine: lipschitz must be a finite number > 0; got Infinity. Use lipschitz: 1 to start."`,
    );
    const three = new Float64Array(3).fill(1);
    expect(
      message(() => chainCritic({ source: three, target: three, bounds: dot.points, divergence: kullbackLeibler() })),
    ).toMatchInlineSnapshot(`"chainCritic: bounds must have length 3; got 1. Give one entry a node."`);
    const cut = {
      source: new Float64Array([1, 0]),
      target: new Float64Array([0, 1]),
      bounds: new Float64Array([Infinity, Infinity]),
    };
    expect(message(() => chainCritic({ ...cut, divergence: kullbackLeibler() }))).toMatchInlineSnapshot(
      `"chainCritic: every connected piece must hold mass of the target where it holds mass of the source; got [1,0]. Open the wall between, or choose a target that reaches there."`,
    );
    expect(message(() => chainCritic({ ...cut, divergence: plainTransport() }))).toMatchInlineSnapshot(
      `"chainCritic: every connected piece must hold the same mass of both laws; got [1,0]. Open the wall between, or choose a target that reaches there."`,
    );
  });
  it("says why it stalled", () => {
    const stalled = lipschitzDivergenceOnLine(cloud([0, 1, 3], 1), cloud([1, 2], 1), kullbackLeibler(), 1, {
      maxIterations: 2,
    });
    expect(stalled.status.converged).toBe(false);
    expect(stalled.status.text).toMatch(
      /^stalled: gap .* after 2 Newton steps; raise tolerance, or scale lengths and L/,
    );
  });
});

describe("the gap that counts as converged", () => {
  it.each([
    [64, 46, 1, 10],
    [128, 48, 0.3, 20],
    [256, 40, 3, 28],
  ])("%d nodes, N(%d, %d²) ‖ N(0, 1), L = %d: D of hundreds has the digits of hundreds", (n, centre, sd, L) => {
    const h = 60 / n;
    const on = (at: number, width: number) => {
      const masses = Float64Array.from({ length: n }, (_, k) =>
        Math.exp(-0.5 * (((k + 0.5) * h - 10 - at) / width) ** 2),
      );
      const sum = masses.reduce((s, v) => s + v, 0);
      return masses.map((v) => v / sum);
    };
    const bounds = Float64Array.from({ length: n }, (_, k) => (k === n - 1 ? Infinity : L * h));
    const { objective, status } = chainCritic({
      source: on(centre, sd),
      target: on(0, 1),
      bounds,
      divergence: kullbackLeibler(),
    });
    expect(status.text).toMatch(/^converged/);
    // Huber's: what lies farther than L from the middle moves at L.
    expect(objective.dual).toAgree(L * centre - L ** 2 / 2, { rtol: 1e-3 });
    expect(objective.gap).toBeLessThan(1e-7 * (objective.dual as number));
  });
});
