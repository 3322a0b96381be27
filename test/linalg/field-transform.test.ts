// Oracle: the sums that define Hartley and DCT-II, axis by axis; the five-point Laplacian of src/grid.
import { describe, expect, test } from "vitest";
import { addLaplacian, axis, cells, domain, type Grid, grid } from "../../src/grid/index.js";
import { complexTransform, fieldTransform } from "../../src/linalg/index.js";
import { generator } from "../../src/random/index.js";

type Kind = "periodic" | "no-flux";
const made = (shape: readonly number[], kinds: readonly Kind[]): Grid =>
  grid(shape.map((points, a) => axis({ lower: 0, upper: 1 + a, points, boundary: kinds[a] })));
const noise = (n: number, seed: number): Float64Array =>
  generator(seed)
    .uniform(n)
    .map((x) => x - 0.5);

// One axis by the definition.
function bySum(g: Grid, a: number, x: Float64Array): Float64Array {
  const n = g.shape[a];
  const s = g.strides[a];
  return x.map((_, at) => {
    const k = Math.floor(at / s) % n;
    let sum = 0;
    for (let j = 0; j < n; j++) {
      const angle = (2 * Math.PI * j * k) / n;
      const kernel =
        g.axes[a].boundary === "periodic"
          ? Math.cos(angle) + Math.sin(angle)
          : 2 * Math.cos((Math.PI * k * (j + 0.5)) / n);
      sum += kernel * x[at + (j - k) * s];
    }
    return sum;
  });
}

const CASES: readonly (readonly [readonly number[], readonly Kind[]])[] = [
  [[8], ["periodic"]],
  [[9], ["no-flux"]],
  [
    [4, 6],
    ["periodic", "periodic"],
  ],
  [
    [5, 8],
    ["no-flux", "periodic"],
  ],
  [
    [6, 7],
    ["no-flux", "no-flux"],
  ],
  [
    [37, 4],
    ["periodic", "no-flux"],
  ],
  [
    [4, 5, 6],
    ["periodic", "no-flux", "periodic"],
  ],
];

describe("fields through real transforms", () => {
  test.each(CASES)("%j %j: the defining sums, apart for both fields, and back", (shape, kinds) => {
    const g = made(shape, kinds);
    const t = fieldTransform(g);
    const [a, b] = [noise(g.size, 1), noise(g.size, 2)];
    const [u, v, alone] = [a.slice(), b.slice(), a.slice()];
    t.forward(u, v);
    t.forward(alone, null);
    const expected = (x: Float64Array) => shape.reduce((y, _, axis) => bySum(g, axis, y), x);
    expect(u).toAgree(expected(a), { atol: 1e-12 * g.size });
    expect(v).toAgree(expected(b), { atol: 1e-12 * g.size });
    expect(alone).toAgree(u, { atol: 1e-13 * g.size });
    t.inverse(u, v);
    t.inverse(alone, null);
    expect(u).toAgree(a, { atol: 1e-14 });
    expect(v).toAgree(b, { atol: 1e-14 });
    expect(alone).toAgree(a, { atol: 1e-14 });
  });

  test.each(CASES)("%j %j: −Δ is multiplication by the eigenvalues", (shape, kinds) => {
    const c = cells(domain({ lower: shape.map(() => 0), upper: shape.map((_, a) => 1 + a), ends: [...kinds] }), shape);
    const t = fieldTransform(c.grid);
    const x = noise(c.grid.size, 3);
    const image = new Float64Array(x.length);
    addLaplacian(c, x, -1, image, false);
    t.forward(x, image);
    expect(image).toAgree(
      x.map((value, k) => t.eigenvalues[k] * value),
      { atol: 1e-10 * Math.max(...t.eigenvalues) },
    );
  });

  test("interleaved lines are transformed as each alone", () => {
    for (const n of [8, 15, 37]) {
      const lines = 3;
      const [re, im] = [noise(n * lines, 4), noise(n * lines, 5)];
      const [u, v] = [re.slice(), im.slice()];
      complexTransform(n, lines).forward(u, v);
      for (let q = 0; q < lines; q++) {
        const pick = (x: Float64Array) => Float64Array.from({ length: n }, (_, j) => x[j * lines + q]);
        const [r, i] = [pick(re), pick(im)];
        complexTransform(n).forward(r, i);
        expect(pick(u)).toAgree(r, { atol: 1e-13 });
        expect(pick(v)).toAgree(i, { atol: 1e-13 });
      }
    }
  });

  test("messages", () => {
    const dirichlet = grid([axis({ lower: 0, upper: 1, points: 8, boundary: "dirichlet" })]);
    expect(() => fieldTransform(dirichlet)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: fieldTransform: every axis must be periodic or no-flux; got "dirichlet". Use helmholtz() for dirichlet axes.]`,
    );
    expect(() => complexTransform(8, 0)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: complexTransform: lines must be an integer ≥ 1; got 0. Leave it out for one line.]`,
    );
  });
});
