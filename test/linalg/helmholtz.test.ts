import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { axis, type Boundary, type Grid, grid, laplacian, nodesOf } from "../../src/grid/index.js";
import { helmholtz } from "../../src/linalg/index.js";
import { messageOf, noise } from "./dense.js";

const numRuns = Number(process.env.LAWS === "thorough" ? 500 : 25);
const anyGrid: fc.Arbitrary<Grid> = fc
  .array(
    fc.record({
      points: fc.integer({ min: 4, max: 11 }),
      width: fc.double({ min: 0.5, max: 3, noNaN: true }),
      boundary: fc.constantFrom<Boundary>("periodic", "no-flux", "dirichlet"),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((list) =>
    grid(list.map(({ points, width, boundary }) => axis({ lower: -1, upper: -1 + width, points, boundary }))),
  );

describe("helmholtz", () => {
  test("the operator applied to the solution gives the right-hand side back, on mixed axes of any size", () => {
    fc.assert(
      fc.property(
        anyGrid,
        fc.integer(),
        fc.constantFrom([1, 0], [0.3, 1], [2, 0.01], [0, 0.7]),
        (g, seed, [shift, viscosity]) => {
          const grounded = g.axes.some(({ boundary }) => boundary === "dirichlet");
          const raw = noise(g.size, seed);
          const mean = shift === 0 && !grounded ? raw.reduce((a, b) => a + b, 0) / g.size : 0;
          const rhs = raw.map((v) => v - mean);
          const u = helmholtz(g).solve(rhs, shift, viscosity);
          const lu = laplacian(g, u);
          const size = u.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
          const scale = shift + viscosity * g.axes.reduce((sum, { spacing }) => sum + 4 / spacing ** 2, 0);
          expect(u.map((v, k) => shift * v - viscosity * lu[k])).toAgree(rhs, {
            rtol: 0,
            atol: 1e-14 * scale * size + 1e-13,
          });
          if (shift === 0 && !grounded) expect(u.reduce((a, b) => a + b, 0) / g.size).toAgree(0, { atol: 1e-13 });
        },
      ),
      { numRuns: 4 * numRuns, seed: 71 },
    );
  });

  test("order 2 with level against a closed form on periodic × no-flux × dirichlet", () => {
    const error = (n: number) => {
      const g = grid(
        (["periodic", "no-flux", "dirichlet"] as const).map((boundary, a) =>
          axis({ lower: 0, upper: 1, points: n + a, boundary }),
        ),
      );
      const x = nodesOf(g);
      const u = Float64Array.from(
        { length: g.size },
        (_, k) =>
          Math.sin(2 * Math.PI * x[3 * k]) * Math.cos(Math.PI * x[3 * k + 1]) * Math.sin(Math.PI * x[3 * k + 2]),
      );
      const rhs = u.map((v) => (1 + 0.5 * 6 * Math.PI ** 2) * v);
      const solved = helmholtz(g).solve(rhs, 1, 0.5);
      return solved.reduce((worst, v, k) => Math.max(worst, Math.abs(v - u[k])), 0);
    };
    expect(Math.log2(error(16) / error(32))).toBeGreaterThan(1.9);
    expect(error(32)).toBeLessThan(3e-3);
  });

  test("works in place and again", () => {
    const g = grid([axis({ lower: 0, upper: 1, points: 8, boundary: "periodic" })]);
    const plan = helmholtz(g);
    const rhs = noise(8, 1);
    const u = plan.solve(rhs, 1, 1);
    const kept = rhs.slice();
    expect(plan.solve(rhs, 1, 1, rhs)).toBe(rhs);
    expect(rhs).toEqual(u);
    expect(plan.solve(kept, 1, 1)).toEqual(u);
  });

  test("errors", async () => {
    const g = grid([axis({ lower: 0, upper: 1, points: 4, boundary: "no-flux" })]);
    const plan = helmholtz(g);
    const ones = new Float64Array(4).fill(1);
    expect(await messageOf(() => plan.solve(ones, -1, 1))).toMatchInlineSnapshot(
      `"helmholtz: shift must be a finite number ≥ 0; got -1. Use gmres() for indefinite systems."`,
    );
    expect(await messageOf(() => plan.solve(ones, 1, Infinity))).toMatchInlineSnapshot(
      `"helmholtz: viscosity must be a finite number ≥ 0; got Infinity. Use gmres() for indefinite systems."`,
    );
    expect(await messageOf(() => plan.solve(ones, 0, 0))).toMatchInlineSnapshot(
      `"helmholtz: shift + viscosity must be > 0; got 0. Set one of the two."`,
    );
    expect(await messageOf(() => plan.solve(new Float64Array(3), 1, 1))).toMatchInlineSnapshot(
      `"helmholtz: rhs must have length 4, one value for each node; got 3. Give a row-major field on this grid."`,
    );
    expect(await messageOf(() => plan.solve(ones, 1, 1, new Float64Array(3)))).toMatchInlineSnapshot(
      `"helmholtz: out must have length 4, one value for each node; got 3. Give a row-major field on this grid."`,
    );
    expect(await messageOf(() => plan.solve(ones, 0, 1))).toMatchInlineSnapshot(
      `"helmholtz: rhs must have mean 0 when shift is 0 and no axis is dirichlet; got 1. Subtract its mean or use a positive shift."`,
    );
  });
});
