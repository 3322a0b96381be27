// P3: the 1-D game on the torus against values computed spectrally, and the published error table of the monotone scheme: largest error
// over the nodes i/n (a torus from −h/2 has its centres there) of u(0, ·) and m(1, ·), N = steps. The reference at all nodes is the second-
// order scheme at 512, itself held to the spectral values.
import { beforeAll, describe, expect, test } from "vitest";
import {
  couplingLocal,
  hamiltonianQuadratic,
  torusCrowdValues as known,
  meanFieldGame,
  torusCrowd,
} from "../../problems/index.js";
import { newton } from "../../solvers/grid/index.js";
import { domain } from "../../src/grid/index.js";
import { solve } from "../../src/solve.js";

/** u(0, i/n) and m(1, i/n). */
async function atNodes(n: number, scheme: "upwind" | "central") {
  const game = meanFieldGame({
    domain: domain({ lower: [-0.5 / n], upper: [1 - 0.5 / n] }),
    populations: {
      viscosity: known.viscosity,
      hamiltonian: hamiltonianQuadratic({ dimension: 1 }),
      initial: "1 + 0.5*cos(2*pi*x)",
    },
    coupling: couplingLocal({ dimension: 1, cost: "m^2 - sin(2*pi*x)" }),
  });
  const s = await solve(game, newton({ points: n, steps: n, scheme, tolerance: 1e-8 }));
  const mass = s.fields.density[0].map((m) => Math.abs(m.reduce((a, b) => a + b, 0) / n - 1));
  return {
    u: s.fields.value[0][0],
    m: s.fields.density[0][n],
    newtonSteps: s.counts.newtonSteps,
    mass: Math.max(...mass),
  };
}
const pick = (x: Float64Array) => known.x.map((p) => x[Math.round(p * x.length)]);
const farthest = (a: ArrayLike<number>, b: ArrayLike<number>, stride = 1) =>
  Array.from(a, (v, i) => Math.abs(v - b[i * stride])).reduce((x, y) => Math.max(x, y), 0);

describe("P3", () => {
  let fine: Awaited<ReturnType<typeof atNodes>>;
  beforeAll(async () => {
    fine = await atNodes(512, "central");
  });

  test("the second-order scheme at 512: spectral values to 3e-6", () => {
    expect(pick(fine.u)).toAgree(known.value, { rtol: 0, atol: 2e-6 });
    expect(pick(fine.m)).toAgree(known.density, { rtol: 0, atol: 3e-6 });
    expect(fine.u.reduce((a, b) => a + b, 0) / 512).toAgree(known.meanValue, { rtol: 0, atol: 2e-7 });
  });

  test.each([
    [32, "1.01e-2", "1.50e-2"],
    [64, "5.71e-3", "8.28e-3"],
    [128, "3.04e-3", "4.36e-3"],
    [256, "1.57e-3", "2.24e-3"],
  ] as const)(
    "the monotone scheme at %i: errors %s in u(0), %s in m(1), at most four Newton steps, exact mass",
    async (n, u, m) => {
      const s = await atNodes(n, "upwind");
      // half a unit of the last printed digit, and the reference's own 2e-6
      const unit = (text: string) => 0.5 * 10 ** (Number(text.slice(-2)) - 2) + 2e-6;
      expect(Math.abs(farthest(s.u, fine.u, 512 / n) - Number(u))).toBeLessThan(unit(u));
      expect(Math.abs(farthest(s.m, fine.m, 512 / n) - Number(m))).toBeLessThan(unit(m));
      expect(s.newtonSteps).toBeLessThanOrEqual(4);
      expect(s.mass).toBeLessThan(2e-15);
    },
  );

  test("second order: thirty times closer at 64, order 2", async () => {
    const errors = await Promise.all(
      [32, 64, 128].map(async (n) => {
        const s = await atNodes(n, "central");
        return [farthest(pick(s.u), known.value), farthest(pick(s.m), known.density)];
      }),
    );
    for (const k of [0, 1]) {
      expect(Math.log2(errors[0][k] / errors[2][k]) / 2).toBeGreaterThan(1.95);
      expect(Math.log2(errors[0][k] / errors[2][k]) / 2).toBeLessThan(2.05);
    }
    expect(errors[1][0]).toBeLessThan(8e-5);
    expect(errors[1][1]).toBeLessThan(1.3e-4);
  });

  test("the catalogue's game is this one", () => {
    const game = torusCrowd({ dimension: 1 });
    expect(game.coupling.text).toEqual(["m^2 - sin(2 * pi * x)"]);
    expect(game.populations[0].viscosity).toBe(known.viscosity);
  });
});
