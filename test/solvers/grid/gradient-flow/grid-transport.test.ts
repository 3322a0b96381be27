import { describe, expect, test } from "vitest";
import { gridTransport } from "../../../../solvers/grid/index.js";
import { type Cells, cells, domain } from "../../../../src/grid/index.js";

const scaled = (cut: Cells, f: (x: number, y: number) => number): Float64Array => {
  const d = cut.grid.dimension;
  const raw = Float64Array.from({ length: cut.grid.size }, (_, k) => f(cut.points[k * d], cut.points[k * d + d - 1]));
  const mass = raw.reduce((sum, v) => sum + v, 0) * cut.grid.cellVolume;
  return raw.map((v) => v / mass);
};

/** W₂ of histograms, by their quantiles. */
const quantileDistance = (cut: Cells, p: Float64Array, q: Float64Array): number => {
  const { lower, upper } = cut.domain;
  const n = cut.grid.size;
  const h = (upper[0] - lower[0]) / n;
  const quantile = (r: Float64Array) => {
    let at = 0;
    let below = 0;
    return (u: number) => {
      while (at < n - 1 && below + r[at] * h < u) below += r[at++] * h;
      return lower[0] + (at + (r[at] > 0 ? Math.min(1, (u - below) / (r[at] * h)) : 0)) * h;
    };
  };
  const [a, b] = [quantile(p), quantile(q)];
  const count = 200_000;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += (a((i + 0.5) / count) - b((i + 0.5) / count)) ** 2 / count;
  return Math.sqrt(sum);
};

describe("quadratic transport on a grid", () => {
  test("P12, a translated disk: ½W₂² = 0.25", async () => {
    for (const points of [32, 64]) {
      const cut = cells(domain({ lower: [0, 0], upper: [1, 1], ends: "no-flux" }), points);
      const disk = (c: number) => scaled(cut, (x, y) => ((x - c) ** 2 + (y - c) ** 2 < 0.04 ? 1 : 0));
      const { objective, status, distance } = await gridTransport(cut, disk(0.25), disk(0.75));
      expect(status.converged).toBe(true);
      expect(distance).toBeCloseTo(Math.sqrt(2 * (objective.dual as number)), 14);
      expect(objective.primal).toBeCloseTo(0.25, 4);
      expect(objective.dual).toBeCloseTo(0.25, 4);
    }
  });

  test("P11, Gaussians on a line, against their quantiles", async () => {
    const cut = cells(domain({ lower: [0], upper: [1], ends: "no-flux" }), 128);
    const gaussian = (mean: number, sd: number) => scaled(cut, (x) => Math.exp(-((x - mean) ** 2) / (2 * sd ** 2)));
    const [p, q] = [gaussian(0.35, 0.08), gaussian(0.6, 0.06)];
    const exact = quantileDistance(cut, p, q);
    expect(exact).toBeCloseTo(Math.hypot(0.25, 0.02), 3);
    const { distance, residual } = await gridTransport(cut, p, q);
    expect(Math.abs(distance / exact - 1)).toBeLessThan(1e-5);
    expect(residual).toBeLessThan(1e-3);
  });

  test("Gaussians in the plane, against their moments: the tails arrive too", async () => {
    const cut = cells(domain({ lower: [-4, -4], upper: [4, 4], ends: "no-flux" }), 48);
    const gaussian = (mean: number, sd: number) =>
      scaled(cut, (x, y) => Math.exp(-((x - mean) ** 2 + y ** 2) / (2 * sd ** 2)));
    for (const [mean, sd] of [
      [-0.1, 0.92],
      [1, 0.66],
    ]) {
      const { distance, residual, status } = await gridTransport(cut, gaussian(mean, sd), gaussian(0, 0.75));
      expect(status.converged).toBe(true);
      expect(Math.abs(distance / Math.hypot(mean, Math.SQRT2 * (sd - 0.75)) - 1)).toBeLessThan(3e-3);
      expect(residual).toBeLessThan(1e-3);
    }
  });

  test("says what it needs, and that it has not settled", async () => {
    const cut = cells(domain({ lower: [0], upper: [1], ends: "no-flux" }), 16);
    const one = new Float64Array(16).fill(1);
    const ramp = Float64Array.from(one, (_, k) => (k + 0.5) / 8);
    await expect(gridTransport(cut, one, ramp, { tolerance: 0 })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: gridTransport: tolerance must lie between 0 and 1; got 0. Use tolerance: 1e-4.]`,
    );
    await expect(gridTransport(cut, one, ramp, { maxIterations: 0 })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: gridTransport: maxIterations must be an integer ≥ 1; got 0. Use maxIterations: 100.]`,
    );
    await expect(
      gridTransport(
        cut,
        one,
        ramp.map((v) => 2 * v),
      ),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: gridTransport: source and target must have one mass > 0; got [1,2]. Scale one of them.]`,
    );
    await expect(
      gridTransport(
        cut,
        one,
        ramp.map((v) => v - 0.5),
      ),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: gridTransport: target must be finite and ≥ 0; got -0.4375. Give densities.]`,
    );
    const walled = cells(domain({ lower: [0], upper: [1], ends: "no-flux", obstacle: (x) => x[0] > 0.9 }), 16);
    await expect(gridTransport(walled, one, ramp)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: gridTransport: the domain must be a box without obstacles; got "obstacles or doors". Leave them out.]`,
    );
    const { status } = await gridTransport(cut, one, ramp, { maxIterations: 1 });
    expect(status).toMatchInlineSnapshot(`
      {
        "converged": false,
        "text": "stalled: the dual value still grows after 1 rounds and Newton steps; raise maxIterations or the tolerance",
      }
    `);
  });
});
