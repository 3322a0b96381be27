// The engine against independent methods, degenerate input, laws, the entropic option and its messages.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  alphaDivergence,
  assignment,
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
import {
  huberCost,
  linearCost,
  quadraticCost,
  type RadialCost,
  radialCost,
  semiRelaxedTransport,
  type TransportOptions,
  type TransportResult,
  transformAt,
} from "../../src/transport/index.js";
import { exchange } from "./brute-force.js";

const numRuns = Number(process.env.LAWS === "thorough" ? 500 : 25);
const soft = [
  kullbackLeibler(),
  alphaDivergence(2),
  alphaDivergence(5),
  alphaDivergence(0.5),
  reverseKullbackLeibler(),
  jensenShannon(),
];
const slopes: Record<string, (r: number) => number> = {
  KL: (r) => Math.log(r),
  "α = 2": (r) => r,
  "α = 5": (r) => r ** 4 / 4,
  "α = 0.5": (r) => -2 / Math.sqrt(r),
  "reverse KL": (r) => -1 / r,
  "Jensen–Shannon": (r) => Math.log((2 * r) / (1 + r)),
};

function normalCloud(seed: number, count: number, d: number, shift = 0, scale = 1): Cloud {
  return cloud(
    generator(seed)
      .normal(count * d)
      .map((x) => shift + scale * x),
    d,
  );
}
function weighted(seed: number, count: number, d: number, shift = 0): Cloud {
  const w = generator(seed).split("weights").uniform(count);
  const sum = w.reduce((s, x) => s + x, 0);
  return cloud(
    normalCloud(seed, count, d, shift).points,
    d,
    w.map((x) => x / sum),
  );
}
async function run(
  source: Cloud,
  target: Cloud,
  cost: RadialCost,
  divergence: Divergence,
  options: TransportOptions = {},
): Promise<TransportResult> {
  return semiRelaxedTransport({ source, target, cost, divergence }, options);
}
const weight = (c: Cloud, i: number) => c.weights?.[i] ?? 1 / c.count;

/** Everything that an exact result must satisfy. */
function expectExact(result: TransportResult, source: Cloud, target: Cloud, cost: RadialCost, rigid = false): void {
  const { objective, plan, marginal, potential, status } = result;
  expect(status.text).toMatch(/^exact/);
  const primal = objective.primal as number;
  expect(Math.abs(objective.gap as number)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(primal)));
  const rows = new Float64Array(source.count);
  const columns = new Float64Array(target.count);
  const { values } = transformAt(source.points, potential, target, cost);
  const d = source.dimension;
  const size = Math.max(...values.map(Math.abs), 1);
  for (let k = 0; k < plan.mass.length; k++) {
    expect(plan.mass[k]).toBeGreaterThan(0);
    rows[plan.from[k]] += plan.mass[k];
    columns[plan.to[k]] += plan.mass[k];
    const x = source.points.subarray(plan.from[k] * d, (plan.from[k] + 1) * d);
    const r = Math.hypot(...x.map((v, c) => v - target.points[plan.to[k] * d + c]));
    // Mass moves along ties only: complementary slackness.
    const slack = potential[plan.to[k]] + cost.h(r) - values[plan.from[k]];
    expect(Math.abs(slack)).toBeLessThan(1e-11 * Math.max(size, cost.h(r)));
  }
  expect(rows).toAgree(
    Float64Array.from(rows, (_, i) => weight(source, i)),
    { rtol: 1e-9, atol: 1e-15 },
  );
  expect(columns).toAgree(marginal, { atol: 1e-15 });
  if (rigid)
    expect(columns).toAgree(
      Float64Array.from(columns, (_, j) => weight(target, j)),
      { rtol: 1e-9, atol: 1e-15 },
    );
}

describe("against independent methods", () => {
  const costs = [linearCost(0.8), linearCost(6), quadraticCost(1, 0.5), huberCost(0.5, 1, 1)];
  it.each(soft)("equals cyclic exchange on 4 × 5 weighted points, $name", async (divergence) => {
    for (const [k, cost] of costs.entries()) {
      const source = weighted(10 + k, 4, 2, 0.5);
      const target = weighted(20 + k, 5, 2);
      const result = await run(source, target, cost, divergence);
      expectExact(result, source, target, cost);
      const brute = exchange(source, target, cost, divergence.f, slopes[divergence.name]);
      expect(result.objective.primal).toAgree(brute, { rtol: 1e-8, atol: 1e-9 });
    }
  });

  it("plain transport equals the best of all permutations", async () => {
    const n = 6;
    const permutations = (list: number[]): number[][] =>
      list.length === 0 ? [[]] : list.flatMap((x) => permutations(list.filter((y) => y !== x)).map((p) => [x, ...p]));
    for (const cost of costs) {
      const source = normalCloud(5, n, 2);
      const target = normalCloud(6, n, 2, 0.5);
      const h = (i: number, j: number) =>
        cost.h(
          Math.hypot(source.points[2 * i] - target.points[2 * j], source.points[2 * i + 1] - target.points[2 * j + 1]),
        );
      const best = Math.min(...permutations([0, 1, 2, 3, 4, 5]).map((p) => p.reduce((s, j, i) => s + h(i, j) / n, 0)));
      const result = await run(source, target, cost, plainTransport());
      expectExact(result, source, target, cost, true);
      expect(result.objective.primal).toAgree(best);
    }
  });

  it("plain transport of 120 points in 3-D equals the assignment; in 1-D W₁ by sorting, with weights", async () => {
    const source = normalCloud(7, 120, 3);
    const target = normalCloud(8, 120, 3, 1);
    const cost = quadraticCost(2, 1);
    const distance2 = (i: number, j: number) =>
      [0, 1, 2].reduce((s, k) => s + (source.points[3 * i + k] - target.points[3 * j + k]) ** 2, 0);
    const result = await run(source, target, cost, plainTransport());
    expectExact(result, source, target, cost, true);
    expect(result.plan.mass.length).toBe(120);
    expect(result.objective.primal).toAgree(assignment(distance2, 120).cost / 120, { rtol: 1e-12 });
    const a = weighted(9, 70, 1);
    const b = weighted(11, 45, 1, 2);
    const line = await run(a, b, linearCost(1), plainTransport());
    expectExact(line, a, b, linearCost(1), true);
    expect(line.objective.primal).toAgree(wasserstein1(a, b), { rtol: 1e-11 });
  });
});

describe("sizes and degenerate input", () => {
  it.each([...soft, plainTransport()])("500 × 500 points, Huber, 2-D: gap to round-off, $name", async (divergence) => {
    const source = normalCloud(1, 500, 2, 2);
    const target = normalCloud(2, 500, 2);
    const cost = huberCost(0.5, 1, 1);
    const result = await run(source, target, cost, divergence);
    expectExact(result, source, target, cost, divergence.rigid);
    expect(result.device).toMatchObject({ requested: "cpu", used: "cpu" });
  });

  const grid = Array.from({ length: 16 }, (_, k) => [k % 4, Math.floor(k / 4)]).flat();
  const cases: [string, Cloud, Cloud, RadialCost][] = [
    ["all points coincide", cloud([1, 1, 1, 1, 1, 1], 2), cloud([1, 1, 1, 1], 2), linearCost(1)],
    ["one point each", cloud([0, 0], 2), cloud([3, 4], 2), quadraticCost(1, 1)],
    ["one source, many targets", cloud([0], 1), normalCloud(3, 30, 1), huberCost(1, 1, 1)],
    ["many sources, one target", normalCloud(3, 30, 1), cloud([0], 1), linearCost(2)],
    ["duplicates", cloud([0, 0, 0, 1, 1, 2], 1), cloud([0.5, 0.5, 1, 1, 1], 1), linearCost(1)],
    ["same lattice: every cost is tied", cloud(grid, 2), cloud(grid, 2), linearCost(1)],
    [
      "lattice to lattice: full of ties",
      cloud(grid, 2),
      cloud(
        grid.map((x) => x + 0.5),
        2,
      ),
      quadraticCost(1, 1),
    ],
    ["M ≠ N, d = 10", normalCloud(4, 37, 10, 1), normalCloud(5, 53, 10), huberCost(0.5, 1, 1)],
    ["huge coordinates", normalCloud(4, 20, 2, 1e8), normalCloud(5, 25, 2, 1e8), linearCost(1)],
    ["a tiny λ", normalCloud(4, 20, 2, 1), normalCloud(5, 25, 2), huberCost(1e-9, 1, 1)],
    ["L = 10000", normalCloud(4, 20, 2, 1), normalCloud(5, 25, 2), linearCost(10000)],
    ["extreme weights", cloud([0, 1, 2], 1, [1e-12, 1 - 2e-12, 1e-12]), weighted(6, 9, 1), linearCost(1)],
  ];
  for (const divergence of [...soft, plainTransport()])
    it(`${divergence.name}: ${cases.length} degenerate problems`, async () => {
      for (const [, source, target, cost] of cases) {
        const result = await run(source, target, cost, divergence);
        expectExact(result, source, target, cost, divergence.rigid);
        for (const y of result.potential) expect(y).toBeLessThanOrEqual(divergence.conjugateDomain);
      }
    });

  it("a target of weight 0 takes no mass and changes nothing; a source of weight 0 neither", async () => {
    const source = cloud([0, 9, 1], 1, [0.5, 0, 0.5]);
    const target = cloud([0, 1, 0.5], 1, [0.25, 0.75, 0]);
    for (const divergence of [kullbackLeibler(), reverseKullbackLeibler(), plainTransport()]) {
      const result = await run(source, target, linearCost(1), divergence);
      const reduced = await run(cloud([0, 1], 1), cloud([0, 1], 1, [0.25, 0.75]), linearCost(1), divergence);
      expect(result.objective.primal).toAgree(reduced.objective.primal as number, { rtol: 1e-13 });
      expect(result.potential[2]).toBe(Infinity);
      expect(result.marginal[2]).toBe(0);
      expect([...result.plan.from]).not.toContain(1);
    }
  });

  it("takes a cost of the user's own", async () => {
    const own = radialCost({ name: "r^1.5", h: (r) => r ** 1.5, derivative: (r) => 1.5 * Math.sqrt(r) });
    const source = weighted(1, 4, 2);
    const target = weighted(2, 5, 2, 1);
    const result = await run(source, target, own, kullbackLeibler());
    const brute = exchange(source, target, own, kullbackLeibler().f, Math.log);
    expect(result.objective.primal).toAgree(brute, { rtol: 1e-8 });
  });

  it("is invariant under splitting a target into two copies", async () => {
    const source = normalCloud(1, 9, 1, 1);
    const target = cloud([0, 1, 2], 1, [0.5, 0.25, 0.25]);
    const split = cloud([0, 0, 1, 2], 1, [0.2, 0.3, 0.25, 0.25]);
    for (const divergence of [...soft, plainTransport()]) {
      const a = await run(source, target, linearCost(1), divergence);
      const b = await run(source, split, linearCost(1), divergence);
      expect(a.objective.primal).toAgree(b.objective.primal as number, { rtol: 1e-12 });
    }
  });
});

describe("laws", () => {
  const clouds = fc
    .record({
      seed: fc.integer({ min: 0, max: 1e6 }),
      m: fc.integer({ min: 1, max: 9 }),
      n: fc.integer({ min: 1, max: 9 }),
    })
    .map(({ seed, m, n }) => ({ source: weighted(seed, m, 2, 0.7), target: weighted(seed + 1, n, 2) }));
  const divergences = fc.constantFrom(...soft);

  it("D ≤ L W₁; nondecreasing and concave in L; slope W₁(P, R_L)", async () => {
    await fc.assert(
      fc.asyncProperty(clouds, divergences, fc.double({ min: 0.05, max: 5, noNaN: true }), async (c, f, L) => {
        const at = async (slope: number) => run(c.source, c.target, linearCost(slope), f);
        const [low, middle, high] = await Promise.all([at(L), at(1.5 * L), at(2 * L)]);
        const value = (r: TransportResult) => r.objective.primal as number;
        const w1 = (await run(c.source, c.target, linearCost(1), plainTransport())).objective.primal as number;
        const slack = 1e-12 * Math.max(1, value(high));
        expect(value(low)).toBeLessThanOrEqual(L * w1 + slack);
        expect(value(middle)).toBeGreaterThanOrEqual(value(low) - slack);
        expect(value(middle)).toBeGreaterThanOrEqual((value(low) + value(high)) / 2 - slack);
        // The slope at 1.5 L is the transported length, a supergradient of the concave value.
        const transported = (value(middle) - divergencePart(middle, c.target, f)) / (1.5 * L);
        expect(value(low)).toBeLessThanOrEqual(value(middle) - 0.5 * L * transported + slack);
        expect(value(high)).toBeLessThanOrEqual(value(middle) + 0.5 * L * transported + slack);
      }),
      { numRuns, seed: 7 },
    );
  });

  it("D ≤ D_f on a common support, with equality once L is large", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 1e6 }), divergences, async (seed, f) => {
        const target = weighted(seed, 6, 2);
        const source = cloud(target.points, 2, weighted(seed + 1, 6, 2).weights);
        const direct = target.points
          .slice(0, 6)
          .reduce((s, _, j) => s + weight(target, j) * f.f(weight(source, j) / weight(target, j)), 0);
        const finite = (await run(source, target, linearCost(1), f)).objective.primal as number;
        expect(finite).toBeLessThanOrEqual(direct + 1e-12 * Math.max(1, direct));
        const free = (await run(source, target, linearCost(1e9), f)).objective.primal as number;
        expect(free).toAgree(direct, { rtol: 1e-8, atol: 1e-8 });
      }),
      { numRuns, seed: 7 },
    );
  });

  it("scaling of space is scaling of L; data processing by a projection does not increase D", async () => {
    await fc.assert(
      fc.asyncProperty(clouds, divergences, fc.double({ min: 0.1, max: 10, noNaN: true }), async (c, f, factor) => {
        const scale = (x: Cloud) =>
          cloud(
            x.points.map((v) => factor * v),
            2,
            x.weights,
          );
        const project = (x: Cloud) =>
          cloud(
            x.points.filter((_, k) => k % 2 === 0),
            1,
            x.weights,
          );
        const value = async (p: Cloud, q: Cloud, L: number) =>
          (await run(p, q, linearCost(L), f)).objective.primal as number;
        const whole = await value(c.source, c.target, factor);
        expect(await value(scale(c.source), scale(c.target), 1)).toAgree(whole, { rtol: 1e-11, atol: 1e-12 });
        expect(await value(project(c.source), project(c.target), factor)).toBeLessThanOrEqual(whole + 1e-12);
      }),
      { numRuns, seed: 7 },
    );
  });

  it("D = L W₁ − (L²/2) min Var_Q φ₁ + O(L³): the second-order defect falls like L", async () => {
    const source = weighted(3, 6, 1, 1.5);
    const target = weighted(4, 5, 1);
    const w1 = wasserstein1(source, target);
    const defect = async (L: number) =>
      (L * w1 - ((await run(source, target, linearCost(L), kullbackLeibler())).objective.primal as number)) / L ** 2;
    const [a, b, c] = [await defect(0.02), await defect(0.01), await defect(0.005)];
    expect(a).toBeGreaterThan(0);
    expect(Math.log2((a - b) / (b - c))).toAgree(1, { rtol: 0, atol: 0.15 });
  });
});

/** Σ bⱼ f(Rⱼ/bⱼ) of a result. */
function divergencePart(result: TransportResult, target: Cloud, f: Divergence): number {
  return result.marginal.reduce((s, r, j) => s + weight(target, j) * f.f(r / weight(target, j)), 0);
}

describe("the entropic option", () => {
  const source = normalCloud(1, 60, 2, 1);
  const target = normalCloud(2, 50, 2);
  it("satisfies the smoothed optimality conditions, and the gap falls with the smoothing", async () => {
    for (const divergence of [kullbackLeibler(), alphaDivergence(2), reverseKullbackLeibler()]) {
      const exact = await run(source, target, huberCost(0.5, 1, 1), divergence);
      const gaps: number[] = [];
      for (const smoothing of [0.04, 0.02, 0.01]) {
        const r = await run(source, target, huberCost(0.5, 1, 1), divergence, { smoothing, polish: false });
        expect(r.status.converged).toBe(true);
        const wanted = r.potential.map((y) => divergence.conjugateDerivative(y) / 50);
        expect(r.marginal).toAgree(wanted, { rtol: 0, atol: 2e-9 });
        const value = exact.objective.primal as number;
        expect(r.objective.dual).toBeLessThanOrEqual(value + 1e-12);
        expect(r.objective.primal).toBeGreaterThanOrEqual(value - 1e-12);
        gaps.push(r.objective.gap as number);
      }
      expect(gaps[1]).toBeLessThan(0.7 * gaps[0]);
      expect(gaps[2]).toBeLessThan(0.7 * gaps[1]);
    }
  });
  it("leaves the primal of plain transport unmeasured", async () => {
    const r = await run(source, target, linearCost(1), plainTransport(), { polish: false, smoothing: 0.05 });
    expect(r.objective).toMatchObject({ primal: null, gap: null });
    expect(r.marginal).toAgree(new Float64Array(50).fill(1 / 50), { rtol: 0, atol: 2e-9 });
  });
  it("tells when it stalls", async () => {
    const r = await run(source, target, linearCost(1), kullbackLeibler(), { polish: false, maxIterations: 1 });
    expect(r.status.converged).toBe(false);
    expect(r.status.text).toMatch(
      /^stalled: marginal residual .* at smoothing .*; use a larger smoothing or maxIterations, or polish: true$/,
    );
  });
});

describe("options and messages", () => {
  const one = cloud([0], 1);
  const kl = kullbackLeibler();
  it("refuses what does not fit", async () => {
    const empty = { ...one, count: 0, points: new Float64Array(0) };
    await expect(run(empty, one, linearCost(1), kl)).rejects.toThrow(
      "semiRelaxedTransport: source must hold at least one point; got 0. Give a cloud made by cloud().",
    );
    await expect(run(one, empty, linearCost(1), kl)).rejects.toThrow(
      "semiRelaxedTransport: target must hold at least one point; got 0. Give a cloud made by cloud().",
    );
    await expect(run(one, cloud([0, 0], 2), linearCost(1), kl)).rejects.toThrow(
      "semiRelaxedTransport: target must have the source's dimension 1; got 2. Give both clouds in the same space.",
    );
    await expect(run(one, one, linearCost(1), kl, { tolerance: 0 })).rejects.toThrow(
      "semiRelaxedTransport: tolerance must be > 0; got 0. Use tolerance: 1e-9.",
    );
    await expect(run(one, one, linearCost(1), kl, { smoothing: 2 })).rejects.toThrow(
      "semiRelaxedTransport: smoothing must be in (0, 1]; got 2. Use smoothing: 0.01, relative to the largest spread of costs.",
    );
    await expect(run(one, one, linearCost(1), kl, { maxIterations: 0.5 })).rejects.toThrow(
      "semiRelaxedTransport: maxIterations must be an integer ≥ 1; got 0.5. Leave it out for the default 400.",
    );
  });
  it("certifies nothing that is not there: weights that do not match, a tolerance below round-off", async () => {
    const short = { ...cloud([0, 1], 1), weights: Float64Array.of(0.5, 0.4) };
    const unmatched = await run(short, cloud([0, 1], 1), linearCost(1), plainTransport());
    expect(unmatched.status).toEqual({
      converged: false,
      text: "failed: the plan misses the weights by 1.0e-1; see that both weights sum to 1, or scale points and cost to order 1",
    });
    let below = 0;
    for (let seed = 0; seed < 10; seed++) {
      const r = await run(normalCloud(seed, 20, 2), normalCloud(seed + 50, 20, 2), linearCost(1), kl, {
        tolerance: 1e-300,
      });
      if (r.status.converged) expect(r.objective.gap).toBeLessThanOrEqual(1e-300);
      else {
        below++;
        expect(r.status.text).toMatch(
          /^all pairs are priced out but the duality gap is \d\.\de-1\d, the round-off of this data; shift or scale the points, or raise tolerance$/,
        );
      }
    }
    expect(below).toBeGreaterThan(0);
  });
  it("stops when asked to, and reports progress", async () => {
    const stop = AbortSignal.abort(new Error("enough"));
    await expect(run(one, one, linearCost(1), kl, { signal: stop })).rejects.toThrow("enough");
    const abort = new AbortController();
    const big = normalCloud(1, 600, 2);
    const promise = run(big, normalCloud(2, 600, 2, 1), linearCost(1), kl, {
      signal: abort.signal,
      onProgress: () => abort.abort(new Error("midway")),
    });
    await expect(promise).rejects.toThrow("midway");
  });
});

describe("found by random search", () => {
  it("plain transport at costs of 1e-4: the prices stay of the size of the costs", async () => {
    // two targets: after one step of conjugate gradients only the constant is left, in which the smoothed dual is flat
    const source = cloud(
      [
        -0.0006290384359596315, 0.0005705793636100011, -0.000876838709679057, -0.0002337009816393934,
        -0.0005417779712224754,
      ],
      1,
    );
    const target = cloud([0.00017993386395710558, -0.000037999478078912226], 1, [0.16082959019205, 0.83917040980795]);
    const cost = huberCost(3, 1e-4, 0.3);
    const result = await semiRelaxedTransport({ source, target, cost, divergence: plainTransport() });
    expect(result.status.text).toMatch(/^exact/);
    expect(Math.abs(result.objective.gap!)).toBeLessThan(1e-15);
    for (const y of result.potential) expect(Math.abs(y)).toBeLessThan(1e-2);
  });
});
