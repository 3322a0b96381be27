import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { solveCyclicTridiagonal, solveTridiagonal } from "../../src/linalg/index.js";
import { eliminate, messageOf, noise } from "./dense.js";

const numRuns = Number(process.env.LAWS === "thorough" ? 500 : 25);

function diagonals(size: number, seed: number) {
  const lower = noise(size, seed);
  const upper = noise(size, seed + 1);
  const sign = noise(size, seed + 2);
  const diagonal = Float64Array.from(
    { length: size },
    (_, i) => Math.sign(sign[i]) * (Math.abs(lower[i]) + Math.abs(upper[i]) + 0.1),
  );
  return { lower, diagonal, upper };
}

describe.each([
  ["plain", false],
  ["cyclic", true],
] as const)("%s tridiagonal systems", (_, cyclic) => {
  const solve = cyclic ? solveCyclicTridiagonal : solveTridiagonal;

  test("against dense elimination, on every line of an array, shared or own diagonals, in place or not", () => {
    fc.assert(
      fc.property(
        fc.record({
          n: fc.integer({ min: cyclic ? 3 : 1, max: 20 }),
          blocks: fc.integer({ min: 1, max: 3 }),
          stride: fc.integer({ min: 1, max: 4 }),
          own: fc.boolean(),
          inPlace: fc.boolean(),
          seed: fc.integer(),
        }),
        ({ n, blocks, stride, own, inPlace, seed }) => {
          const size = n * blocks * stride;
          const matrix = diagonals(own ? size : n, seed);
          const rhs = noise(size, seed + 3);
          const kept = rhs.slice();
          const out = inPlace ? rhs : new Float64Array(size);
          const x = solve(matrix, rhs, { points: n, stride }, out);
          expect(x).toBe(out);
          if (!inPlace) expect(rhs).toEqual(kept);
          for (let b = 0; b < blocks; b++)
            for (let r = 0; r < stride; r++) {
              const place = (i: number) => (b * n + i) * stride + r;
              const at = (i: number) => (matrix.diagonal.length === n ? i : place(i));
              const dense = new Float64Array(n * n);
              for (let i = 0; i < n; i++) {
                dense[i * n + i] += matrix.diagonal[at(i)];
                if (cyclic || i > 0) dense[i * n + ((i + n - 1) % n)] += matrix.lower[at(i)];
                if (cyclic || i < n - 1) dense[i * n + ((i + 1) % n)] += matrix.upper[at(i)];
              }
              const expected = eliminate(
                dense,
                Float64Array.from({ length: n }, (_, i) => kept[place(i)]),
              );
              expect(Float64Array.from({ length: n }, (_, i) => x[place(i)])).toAgree(expected, {
                rtol: 1e-10,
                atol: 1e-11,
              });
            }
        },
      ),
      { numRuns: 4 * numRuns, seed: 51 },
    );
  });

  test("several lines after one another are the default", () => {
    const matrix = diagonals(5, 1);
    const rhs = noise(10, 2);
    const x = solve(matrix, rhs);
    expect(x.slice(5)).toEqual(solve(matrix, rhs.slice(5)));
  });
});

test("errors", async () => {
  const ones = new Float64Array(3).fill(1);
  const zeros = new Float64Array(3);
  const good = { lower: zeros, diagonal: ones, upper: zeros };
  expect(await messageOf(() => solveTridiagonal(good, new Float64Array(4)))).toMatchInlineSnapshot(
    `"solveTridiagonal: rhs must have a positive length divisible by points · stride = 3; got 4. Use shape[a] and strides[a] of the grid."`,
  );
  expect(await messageOf(() => solveTridiagonal(good, ones, { points: 0 }))).toMatchInlineSnapshot(
    `"solveTridiagonal: points must be an integer ≥ 1; got 0. Use shape[a] and strides[a]."`,
  );
  expect(await messageOf(() => solveTridiagonal(good, ones, { points: 3, stride: 0.5 }))).toMatchInlineSnapshot(
    `"solveTridiagonal: stride must be an integer ≥ 1; got 0.5. Use shape[a] and strides[a]."`,
  );
  expect(await messageOf(() => solveTridiagonal({ ...good, upper: new Float64Array(2) }, ones))).toMatchInlineSnapshot(
    `"solveTridiagonal: upper must have length 3 or 3, as the diagonal; got 2. Give all three diagonals the same length."`,
  );
  expect(await messageOf(() => solveTridiagonal(good, ones, { points: 3 }, new Float64Array(2)))).toMatchInlineSnapshot(
    `"solveTridiagonal: out must have length 3; got 2. Leave it out for a new array."`,
  );
  expect(await messageOf(() => solveTridiagonal({ ...good, diagonal: zeros }, ones))).toMatchInlineSnapshot(
    `"solveTridiagonal: the pivot of row 0 must not be zero; got 0. Make the matrix diagonally dominant."`,
  );
  expect(
    await messageOf(() => solveTridiagonal({ lower: ones, diagonal: ones, upper: ones }, ones)),
  ).toMatchInlineSnapshot(
    `"solveTridiagonal: the pivot of row 1 must not be zero; got 0. Make the matrix diagonally dominant."`,
  );
  expect(await messageOf(() => solveCyclicTridiagonal({ ...good, diagonal: zeros }, ones))).toMatchInlineSnapshot(
    `"solveCyclicTridiagonal: the pivot of row 0 must not be zero; got 0. Make the matrix diagonally dominant."`,
  );
  const two = new Float64Array(2).fill(1);
  expect(
    await messageOf(() => solveCyclicTridiagonal({ lower: two, diagonal: two, upper: two }, two)),
  ).toMatchInlineSnapshot(`"solveCyclicTridiagonal: points must be ≥ 3; got 2. Solve smaller systems by hand."`);
  // The periodic second difference: constants are its kernel.
  const minus = ones.map(() => -1);
  expect(
    await messageOf(() => solveCyclicTridiagonal({ lower: minus, diagonal: ones.map(() => 2), upper: minus }, ones)),
  ).toMatchInlineSnapshot(
    `"solveCyclicTridiagonal: 1 + vᵀT⁻¹w must not vanish (the matrix is singular); got 5.551115123125783e-17. Add a positive number to the diagonal."`,
  );
});
