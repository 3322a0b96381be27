// Oracles: elimination with pivoting on the dense matrix; the transform solver; Gibbs densities.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Cells, cells, type DomainOptions, domain } from "../../src/grid/index.js";
import {
  applyStencil,
  assembleStencil,
  helmholtz,
  multigrid,
  multigridLevels,
  type Stencil,
  stencil,
  transposeStencil,
} from "../../src/linalg/index.js";
import { anyCells, fieldOn, upwindSlopes } from "./any-cells.js";
import { eliminate, length, messageOf } from "./dense.js";

const numRuns = Number(process.env.LAWS === "thorough" ? 500 : 25);

function dense(a: Stencil): Float64Array {
  const n = a.diagonal.length;
  const matrix = new Float64Array(n * n);
  const [unit, column] = [new Float64Array(n), new Float64Array(n)];
  for (let k = 0; k < n; k++) {
    unit[k] = 1;
    applyStencil(a, unit, column);
    for (let i = 0; i < n; i++) matrix[i * n + k] = column[i];
    unit[k] = 0;
  }
  return matrix;
}

type Drift = (x: Float64Array) => number[];
function upwind(c: Cells, v: Drift): Float64Array[] {
  const d = c.grid.dimension;
  const slopes = c.neighbour.map(() => new Float64Array(c.grid.size));
  for (let k = 0; k < c.grid.size; k++)
    v(c.points.subarray(k * d, (k + 1) * d)).forEach((w, a) => {
      slopes[2 * a + (w > 0 ? 0 : 1)][k] = w;
    });
  return slopes;
}

function made(c: Cells, shift: number, nu: number, v: Drift | null = null): Stencil {
  const a = stencil(c);
  assembleStencil(a, shift, nu, v === null ? null : upwind(c, v));
  return a;
}

const unit = (n: number | number[], options: Partial<DomainOptions> = {}): Cells => {
  const d = typeof n === "number" ? 2 : n.length;
  return cells(domain({ lower: Array(d).fill(0), upper: Array(d).fill(1), ...options }), n);
};
const disk = (x: Float64Array) => (x[0] - 0.5) ** 2 + (x[1] - 0.5) ** 2 < 0.04;
const cellular: Drift = (x) => [
  Math.sin(2 * Math.PI * x[0]) * Math.cos(2 * Math.PI * x[1]),
  -Math.cos(2 * Math.PI * x[0]) * Math.sin(2 * Math.PI * x[1]),
];

/** Residual after each of `count` cycles, over the one before. */
function factors(a: Stencil, count: number): number[] {
  const plan = multigrid(a);
  const n = a.diagonal.length;
  const [x, e, ax] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)];
  const b = fieldOn(a.cells, 5);
  const r = b.slice();
  const list: number[] = [];
  for (let i = 0; i < count; i++) {
    const before = length(r);
    plan.cycle(r, e);
    for (let k = 0; k < n; k++) x[k] += e[k];
    applyStencil(a, x, ax);
    for (let k = 0; k < n; k++) r[k] = b[k] - ax[k];
    list.push(length(r) / before);
  }
  return list;
}

async function count(a: Stencil, tolerance = 1e-10): Promise<number> {
  const rhs = fieldOn(a.cells, 8);
  const { status, iterations, residual, solution } = await multigrid(a).solve(rhs, new Float64Array(rhs.length), {
    tolerance,
  });
  expect(status.converged).toBe(true);
  const ax = rhs.slice();
  applyStencil(a, solution, ax);
  expect(length(ax.map((v, k) => rhs[k] - v))).toAgree(residual, { rtol: 1e-12, atol: 0 });
  expect(residual).toBeLessThanOrEqual(tolerance * length(rhs));
  return iterations;
}

describe("multigrid", () => {
  test("agrees with elimination on any cells, upwind drift, A and Aᵀ; solid cells stay 0", async () => {
    await fc.assert(
      fc.asyncProperty(anyCells(7), fc.integer(), fc.constantFrom(0.02, 1), async (c, seed, nu) => {
        const a = stencil(c);
        assembleStencil(a, 0.5, nu, upwindSlopes(c, seed));
        const b = fieldOn(c, seed + 3);
        const levels = multigridLevels(c);
        for (const s of [a, transposeStencil(a)]) {
          const x = new Float64Array(b.length);
          const { status } = await multigrid(s, levels).solve(b, x, { tolerance: 1e-12 });
          expect(status.text).toMatch(/^converged/);
          expect(x).toAgree(eliminate(dense(s), b), { rtol: 0, atol: 1e-9 * Math.max(1, length(x)) });
          x.forEach((v, k) => void (c.open[k] === 0 && expect(v).toBe(0)));
        }
      }),
      { numRuns, seed: 21 },
    );
  });

  test("agrees with the transform solver on plain cells, and without shift up to a constant", async () => {
    const c = unit([20, 36], { ends: ["periodic", "no-flux"] });
    const rhs = fieldOn(c, 2);
    const mean = rhs.reduce((sum, v) => sum + v, 0) / rhs.length;
    const x = new Float64Array(rhs.length);
    await multigrid(made(c, 3, 0.4)).solve(rhs, x, { tolerance: 1e-13 });
    expect(x).toAgree(helmholtz(c.grid).solve(rhs, 3, 0.4), { rtol: 0, atol: 1e-12 });
    const balanced = rhs.map((v) => v - mean);
    const { status } = await multigrid(made(c, 0, 0.4)).solve(balanced, x.fill(0), { tolerance: 1e-12 });
    expect(status.converged).toBe(true);
    const shift = x.reduce((sum, v) => sum + v, 0) / x.length;
    expect(x.map((v) => v - shift)).toAgree(helmholtz(c.grid).solve(balanced, 0, 0.4), { rtol: 0, atol: 1e-10 });
  });

  test("one cycle shrinks the residual of a step in time to a tenth, at every size, odd or even", () => {
    for (const n of [32, 63, 64])
      for (const c of [unit(n), unit(n, { ends: "no-flux", obstacle: disk })])
        for (const f of factors(made(c, n, 0.1, cellular), 4)) expect(f).toBeLessThan(0.15);
  });

  test("counts do not grow with the grid: 32², 64², 128²", async () => {
    const doors: DomainOptions["doors"] = [{ axis: 0, side: "upper", from: [0.3], to: [0.7] }];
    const cases: readonly [string, number, (n: number) => Stencil][] = [
      ["Poisson with doors all around", 13, (n) => made(unit(n, { ends: "door" }), 0, 1)],
      ["obstacle and one door", 14, (n) => made(unit(n, { ends: "no-flux", doors, obstacle: disk }), 0, 1)],
      ["whirls, drift dominates", 16, (n) => made(unit(n), 0.1, 0.01, cellular)],
      [
        "whirls, transposed, obstacle",
        22,
        (n) => transposeStencil(made(unit(n, { ends: "no-flux", doors, obstacle: disk }), 0.1, 0.01, cellular)),
      ],
    ];
    for (const [name, most, make] of cases) {
      const counts = [await count(make(32)), await count(make(64)), await count(make(128))];
      expect(counts[2], `${name}: ${counts}`).toBeLessThanOrEqual(most);
      expect(counts[2], `${name}: ${counts}`).toBeLessThanOrEqual(1.5 * counts[0]);
    }
  });

  test("narrow cells are coarsened first, and the count stays", async () => {
    const c = cells(domain({ lower: [0, 0], upper: [1, 16], ends: "no-flux" }), 64);
    expect(multigridLevels(c).shapes.slice(0, 5)).toEqual([
      [64, 64],
      [32, 64],
      [16, 64],
      [8, 64],
      [4, 64],
    ]);
    expect(await count(made(c, 1, 1))).toBeLessThanOrEqual(10);
    expect(await count(made(unit([127, 33], { ends: "door" }), 0, 1))).toBeLessThanOrEqual(13);
  });

  test("three dimensions, odd sizes, drift", async () => {
    expect(await count(made(unit([16, 16, 16], { ends: "door" }), 0, 1))).toBeLessThanOrEqual(11);
    expect(
      await count(made(unit([33, 21, 10], { ends: "no-flux" }), 1, 0.05, (x) => [1, -x[0], 0.3])),
    ).toBeLessThanOrEqual(11);
  });

  test("singular generators: stationary density from Aᵀ, in one and two dimensions", async () => {
    // The reversible rates e^{(φ_k − φ_l)/2}/h² have the stationary density e^{−φ} exactly.
    for (const c of [unit([40]), unit([19, 24], { ends: "no-flux", obstacle: disk })]) {
      const d = c.grid.dimension;
      const phi = fieldOn(c, 4).map(
        (_, k) => Math.sin(5 * c.points[k * d]) + 0.5 * Math.cos(3 * c.points[k * d + d - 1]),
      );
      const a = stencil(c);
      c.neighbour.forEach((other, j) => {
        for (let k = 0; k < phi.length; k++) {
          if (other[k] === k) continue;
          const rate = Math.exp((phi[k] - phi[other[k]]) / 2) * c.grid.shape[j >> 1] ** 2;
          a.link[j][k] = -rate;
          a.diagonal[k] += rate - (a.diagonal[k] === 1 ? 1 : 0);
        }
      });
      const t = transposeStencil(a);
      const one = phi.map((_, k) => c.open[k]);
      const flow = phi.slice();
      applyStencil(t, one, flow);
      const rhs = flow.map((v) => -v);
      const delta = new Float64Array(phi.length);
      const { status } = await multigrid(t).solve(rhs, delta, { tolerance: 1e-12 });
      expect(status.converged).toBe(true);
      const density = one.map((v, k) => v + delta[k]);
      const total = density.reduce((sum, v) => sum + v, 0);
      const gibbs = phi.map((v, k) => (c.open[k] === 1 ? Math.exp(-v) : 0));
      const z = gibbs.reduce((sum, v) => sum + v, 0);
      expect(density.map((v) => v / total)).toAgree(
        gibbs.map((v) => v / z),
        { rtol: 1e-9, atol: 0 },
      );
      // A right-hand side with a mean has no solution: the status says so.
      const failed = await multigrid(t).solve(one, new Float64Array(phi.length));
      expect(failed.status.converged).toBe(false);
      expect(failed.status.text).toMatch(/^(stalled|stopped)/);
    }
  });

  test("one line is solved exactly by one cycle; update() takes new coefficients over; the cycle is linear", () => {
    const c = cells(domain({ lower: [0], upper: [1], ends: ["no-flux", "door"] }), 33);
    const a = made(c, 1, 0.01, () => [1]);
    const plan = multigrid(a);
    assembleStencil(a, 2, 0.02, upwindSlopes(c, 3));
    plan.update();
    const b = fieldOn(c, 1);
    const x = b.slice();
    plan.cycle(b, x);
    expect(x).toAgree(eliminate(dense(a), b), { rtol: 1e-12, atol: 1e-14 });
    const square = made(unit(24), 1, 1);
    const second = multigrid(square);
    assembleStencil(square, 5, 0.01, upwindSlopes(square.cells, 3));
    second.update();
    const fresh = multigrid(square);
    const [p, q] = [fieldOn(square.cells, 1), fieldOn(square.cells, 2)];
    const [mp, mq, ms, mf] = [p.slice(), p.slice(), p.slice(), p.slice()];
    second.cycle(p, mp);
    fresh.cycle(p, mf);
    expect(mp).toEqual(mf);
    second.cycle(q, mq);
    second.cycle(
      p.map((v, k) => v - 3 * q[k]),
      ms,
    );
    expect(ms).toAgree(
      mp.map((v, k) => v - 3 * mq[k]),
      { rtol: 0, atol: 1e-14 },
    );
  });

  test("a limit on cycles and an abort are obeyed and told; levels of other cells are refused", async () => {
    const a = made(unit(32, { ends: "door" }), 0, 1);
    const rhs = fieldOn(a.cells, 1);
    const two = await multigrid(a).solve(rhs, new Float64Array(rhs.length), { maxIterations: 2 });
    expect(two.iterations).toBe(2);
    expect(two.status.text).toMatch(/^stalled: residual .* after 2 (cycles|iterations); raise maxIterations/);
    const stop = await multigrid(a).solve(rhs, new Float64Array(rhs.length), { signal: AbortSignal.abort() });
    expect(stop.status.text).toMatch(/^stopped: aborted after 0 cycles at residual/);
    expect(await messageOf(() => multigrid(a, multigridLevels(unit(8))))).toBe(
      'multigrid: levels must be made of the stencil\'s cells; got "other cells". Use multigridLevels(stencil.cells).',
    );
    expect(await messageOf(() => multigrid(a).solve(new Float64Array(3), rhs))).toBe(
      "multigrid: rhs must have length 1024, one value for each node; got 3. Give a row-major field on this grid.",
    );
  });
});
