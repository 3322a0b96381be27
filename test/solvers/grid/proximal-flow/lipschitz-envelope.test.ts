import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { lipschitzEnvelope } from "../../../../solvers/grid/proximal-flow/lipschitz-envelope.js";
import { axis, type Grid, grid, nodesOf } from "../../../../src/grid/index.js";
import { generator } from "../../../../src/random/index.js";

const numRuns = Number(process.env.LAWS === "thorough" ? 500 : 25);
const grids = fc.oneof(
  fc.integer({ min: 4, max: 80 }).map((n) => grid([axis({ lower: -1, upper: 2, points: n, boundary: "no-flux" })])),
  fc
    .tuple(fc.integer({ min: 4, max: 16 }), fc.integer({ min: 4, max: 16 }))
    .map(([a, b]) =>
      grid([
        axis({ lower: 0, upper: 1, points: a, boundary: "no-flux" }),
        axis({ lower: -3, upper: 3, points: b, boundary: "no-flux" }),
      ]),
    ),
);

function distance(g: Grid, x: Float64Array, i: number, j: number): number {
  const d = g.dimension;
  return Math.hypot(...Array.from({ length: d }, (_, a) => x[i * d + a] - x[j * d + a]));
}

describe("lipschitzEnvelope", () => {
  test.prop([grids, fc.integer({ min: 0, max: 1e6 }), fc.double({ min: 0.05, max: 5, noNaN: true })], { numRuns })(
    "is minⱼ ψⱼ + L|xᵢ − xⱼ|: below ψ, L-Lipschitz for every pair, and its own envelope",
    (g, seed, L) => {
      const psi = generator(seed).normal(g.size);
      psi[seed % g.size] = Infinity;
      const x = nodesOf(g);
      const phi = lipschitzEnvelope(g, psi, L);
      let steepest = 0;
      for (let i = 0; i < g.size; i++) {
        let least = Infinity;
        for (let j = 0; j < g.size; j++) {
          const r = distance(g, x, i, j);
          least = Math.min(least, psi[j] + L * r);
          if (i !== j) steepest = Math.max(steepest, (phi[i] - phi[j]) / r);
        }
        expect(phi[i]).toAgree(least, { rtol: 1e-12, atol: 1e-12 });
        expect(phi[i]).toBeLessThanOrEqual(psi[i]);
      }
      expect(steepest).toBeLessThanOrEqual(L * (1 + 1e-12));
      expect(lipschitzEnvelope(g, phi, L)).toAgree(phi, { rtol: 0, atol: 1e-13 });
    },
  );
});
