import { describe, expect, test } from "vitest";
import { semiDual } from "../../../../solvers/grid/gradient-flow/semi-dual.js";
import { axis, cells, domain, grid, integrate, nodesOf } from "../../../../src/grid/index.js";

const box = (d: number, n: number) =>
  cells(domain({ lower: Array(d).fill(0), upper: Array(d).fill(1), ends: "no-flux" }), n).grid;
const waves = (seed: number) => (x: Float64Array) =>
  x.reduce((sum, v, a) => sum + Math.sin(2 * (a + 1) * v + seed) * Math.cos(seed * v + a), 0);
const on = (g: ReturnType<typeof box>, f: (x: Float64Array) => number) => {
  const points = nodesOf(g);
  return Float64Array.from({ length: g.size }, (_, k) => f(points.slice(k * g.dimension, (k + 1) * g.dimension)));
};

describe("semi-dual of quadratic transport", () => {
  for (const [d, n, samples] of [
    [1, 16, 1],
    [1, 16, 2],
    [2, 9, 2],
    [2, 8, 3],
    [3, 5, 2],
  ] as const) {
    test(`${d}-D, ${samples} atoms a side: nothing moves under constants, and the deposit gives μ back`, () => {
      const g = box(d, n);
      const plan = semiDual(g, samples);
      const atoms = plan.lattice();
      const mu = on(g, (x) => 1.5 + waves(1)(x) / 3);
      plan.load(mu, atoms);
      const images = plan.images(atoms);
      plan.transform(atoms, new Float64Array(g.size).fill(0.7), 3, images);
      for (let a = 0; a < d; a++) expect(images.positions[a]).toAgree(atoms.positions[a], { rtol: 0, atol: 1e-14 });
      const out = new Float64Array(g.size);
      plan.deposit(images, atoms.masses, out);
      expect(out).toAgree(mu, { rtol: 1e-13, atol: 1e-13 });
    });

    test(`${d}-D, ${samples} atoms a side: first and second derivatives against differences, mass`, () => {
      const g = box(d, n);
      const plan = semiDual(g, samples);
      const atoms = plan.lattice();
      plan.load(
        on(g, (x) => 1.5 + waves(1)(x) / 3),
        atoms,
      );
      const images = plan.images(atoms);
      const phi = on(g, (x) => 0.1 * waves(2)(x));
      const v = on(g, waves(3));
      const k = 6;
      const value = (t: number, deposited: Float64Array): number => {
        const moved = phi.map((p, j) => p + t * v[j]);
        plan.transform(atoms, moved, k, images);
        plan.deposit(images, atoms.masses, deposited);
        return atoms.masses.reduce((sum, m, i) => sum + m * images.values[i], 0);
      };
      const [before, after, here] = [0, 0, 0].map(() => new Float64Array(g.size));
      const t = 1e-5;
      const low = value(-t, before);
      const high = value(t, after);
      value(0, here);
      expect(integrate(g, here)).toBeCloseTo(
        atoms.masses.reduce((sum, m) => sum + m, 0),
        13,
      );
      const slope = -g.cellVolume * here.reduce((sum, r, j) => sum + r * v[j], 0);
      expect(Math.abs((high - low) / (2 * t) - slope)).toBeLessThan(1e-8);
      const bend = new Float64Array(g.size);
      plan.curvature(atoms, images, v, bend);
      const difference = after.map((r, j) => (r - before[j]) / (2 * t));
      // S has jumps in its second derivative: an atom that changes cell leaves an error of order t.
      expect(bend).toAgree(difference, { rtol: 1e-4, atol: 1e-3 });
    });
  }

  for (const [d, n] of [
    [1, 32],
    [2, 16],
    [3, 9],
  ] as const) {
    test(`${d}-D, torn atoms: spread over what they may reach, mass and both derivatives against differences`, () => {
      const g = box(d, n);
      const plan = semiDual(g, 2);
      const atoms = plan.lattice();
      plan.load(
        on(g, (x) => 1.5 + waves(1)(x) / 3),
        atoms,
      );
      // Two hills: what lies between goes to either.
      const phi = on(g, (x) => 0.6 * (Math.exp(-40 * (x[0] - 0.15) ** 2) + Math.exp(-40 * (x[0] - 0.85) ** 2)));
      const v = on(g, waves(3));
      const k = 2;
      const images = plan.images(atoms);
      const tear = plan.tear(atoms, phi, k, null);
      expect(tear?.atoms.length).toBeGreaterThan(0);
      if (d < 3) expect(tear?.atoms.length).toBeLessThan(atoms.masses.length);
      const value = (t: number, deposited: Float64Array): number => {
        const moved = phi.map((p, j) => p + t * v[j]);
        plan.transform(atoms, moved, k, images, tear);
        plan.deposit(images, atoms.masses, deposited);
        return atoms.masses.reduce((sum, m, i) => sum + m * images.values[i], 0);
      };
      const [before, after, here] = [0, 0, 0].map(() => new Float64Array(g.size));
      const t = 1e-6;
      const low = value(-t, before);
      const high = value(t, after);
      value(0, here);
      const mass = atoms.masses.reduce((sum, m) => sum + m, 0);
      expect(Math.abs(integrate(g, here) - mass)).toBeLessThan(1e-12 * mass);
      const slope = -g.cellVolume * here.reduce((sum, r, j) => sum + r * v[j], 0);
      expect(Math.abs((high - low) / (2 * t) - slope)).toBeLessThan(1e-7);
      const bend = new Float64Array(g.size);
      plan.curvature(atoms, images, v, bend);
      const difference = after.map((r, j) => (r - before[j]) / (2 * t));
      expect(bend).toAgree(difference, { rtol: 1e-3, atol: 1e-2 });
      // Of an atom half-way one half goes each way, where a single image takes all.
      const home = Int32Array.of(g.strides.reduce((sum, stride) => sum + Math.floor(n / 2) * stride, 0));
      const middle = { positions: g.axes.map(() => Float64Array.of(0.5)), masses: Float64Array.of(1), home };
      const split = plan.images(middle);
      plan.transform(middle, phi, k, split, plan.tear(middle, phi, k, null));
      expect(split.positions[0][0]).toBeCloseTo(0.5, 6);
      const { node, share } = split.shares as NonNullable<typeof split.shares>;
      const left = share.reduce((sum, w, e) => sum + (Math.floor(node[e] / g.strides[0]) < (n - 1) / 2 ? w : 0), 0);
      expect(left).toBeCloseTo(0.5, 6);
      expect(split.squares[0]).toBeGreaterThan(0.04);
      plan.transform(middle, phi, k, split);
      expect(Math.abs(split.positions[0][0] - 0.5)).toBeGreaterThan(0.2);
    });
  }

  test("a parabola moves atoms by its slope: φ = −cx²/2, T = x/(1 + c)", () => {
    const g = grid([axis({ lower: -1, upper: 1, points: 40, boundary: "no-flux" })]);
    const plan = semiDual(g, 2);
    const atoms = plan.lattice();
    const images = plan.images(atoms);
    const c = 0.5;
    plan.transform(
      atoms,
      on(g, (x) => (-c * x[0] ** 2) / 2),
      1,
      images,
    );
    const x = atoms.positions[0];
    x.forEach((p, i) => {
      // Splines of a parabola are exact away from the walls.
      if (Math.abs(p) > 0.8) return;
      expect(images.positions[0][i]).toBeCloseTo(p / (1 + c), 5);
      expect(images.mobility[0][i]).toBeCloseTo(1 / (1 + c), 3);
    });
  });

  test("says what it needs", () => {
    const g = grid([axis({ lower: 0, upper: 1, points: 8, boundary: "periodic" })]);
    expect(() => semiDual(g, 2)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: semiDual: every axis must be no-flux: only a box with walls is convex; got ["periodic"]. Use method: "primal-dual".]`,
    );
    expect(() => semiDual(box(1, 8), 1.5)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: semiDual: samples must be an integer ≥ 1; got 1.5. Use samples: 2 to start.]`,
    );
  });
});
