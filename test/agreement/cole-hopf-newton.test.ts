// Two methods that share nothing but the game: heat equations in the log-domain, and Newton on the finite-difference scheme.
import { expect, test } from "vitest";
import { torusCrowd } from "../../problems/index.js";
import { coleHopf, newton } from "../../solvers/index.js";
import { solve } from "../../src/solve.js";
import { orderOf } from "../../src/verify/index.js";

test.each([
  ["upwind", 0.8, 1.1, 4e-3, 5e-3],
  ["central", 1.85, 2.1, 1.2e-3, 6e-4],
] as const)("P3 at ν = 0.3: they agree as grids refine, %s scheme", async (scheme, least, most, levelU, levelM) => {
  const game = torusCrowd({ dimension: 1, viscosity: 0.3 });
  const ns = scheme === "upwind" ? [32, 64, 128] : [16, 32, 64];
  const gaps: { u: number[]; m: number[] } = { u: [], m: [] };
  const largest = (x: Float64Array, y: Float64Array) => Math.max(...x.map((v, i) => Math.abs(v - y[i])));
  for (const n of ns) {
    const a = await solve(game, newton({ points: n, steps: n, scheme, tolerance: 1e-9 }));
    const b = await solve(game, coleHopf({ points: n, steps: n }));
    gaps.u.push(largest(a.fields.value[0][0], b.fields.value[0][0]));
    gaps.m.push(largest(a.fields.density[0][n], b.fields.density[0][n]));
  }
  for (const gap of [gaps.u, gaps.m]) {
    expect(orderOf(ns, gap)).toBeGreaterThan(least);
    expect(orderOf(ns, gap)).toBeLessThan(most);
  }
  expect(gaps.u[2]).toBeLessThan(levelU);
  expect(gaps.m[2]).toBeLessThan(levelM);
});
