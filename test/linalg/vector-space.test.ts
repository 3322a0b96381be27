import { describe, expect, test } from "vitest";
import { arraySpace, conjugateGradient, productSpace, type VectorSpace } from "../../src/linalg/index.js";
import { messageOf, noise } from "./dense.js";

/** A space whose read-backs are promises, as on a GPU. */
function later(length: number): VectorSpace<Float64Array> {
  const now = arraySpace(length);
  return {
    ...now,
    dot: async (x, y) => now.dot(x, y),
    dots: async (xs, y) => now.dots(xs, y),
    norm: async (x) => now.norm(x),
  };
}

describe("vector spaces", () => {
  test("array space", () => {
    const space = arraySpace(3, 0.5);
    const x = Float64Array.of(1, 2, 3);
    const y = Float64Array.of(1, 0, -1);
    expect(space.dot(x, y)).toBe(-1);
    expect(space.dots([x, y], x)).toEqual([7, -1]);
    expect(space.norm(y)).toBe(1);
    const z = space.copy(x);
    space.axpy(2, y, z);
    expect([...z]).toEqual([3, 2, 1]);
    space.assign(y, z);
    space.scale(3, z);
    expect([...z]).toEqual([3, 0, -3]);
    space.scale(0, z.fill(NaN));
    expect([...z]).toEqual([0, 0, 0]);
    expect([...x, ...space.zeros()]).toEqual([1, 2, 3, 0, 0, 0]);
  });

  test("dots and sums of many vectors are those of each", () => {
    const space = arraySpace(7, 0.5);
    for (const count of [0, 1, 3, 4, 5, 9]) {
      const xs = Array.from({ length: count }, (_, k) => noise(7, k + 3));
      const y = noise(7, 1);
      expect(space.dots(xs, y)).toAgree(
        xs.map((x) => space.dot(x, y) as number),
        { atol: 1e-15 },
      );
      const a = noise(count, 2);
      const [together, apart] = [y.slice(), y.slice()];
      space.axpys?.(a, xs, together);
      xs.forEach((x, k) => void space.axpy(a[k], x, apart));
      expect(together).toAgree(apart, { atol: 1e-15 });
    }
  });

  test("product space equals one long array, at once and later", async () => {
    const long = arraySpace(5);
    const x = noise(5, 1);
    const y = noise(5, 2);
    const cut = (v: Float64Array) => [v.slice(0, 2), v.slice(2)];
    for (const [a, b] of [
      [arraySpace(2), arraySpace(3)],
      [later(2), arraySpace(3)],
    ]) {
      const space = productSpace([a, b]);
      expect(await space.dot(cut(x), cut(y))).toAgree(long.dot(x, y) as number, { atol: 1e-15 });
      expect(await space.norm(cut(x))).toAgree(long.norm(x) as number, { rtol: 1e-14 });
      expect(await space.dots([cut(x), cut(y)], cut(x))).toAgree(long.dots([x, y], x) as number[], { atol: 1e-15 });
      const z = space.copy(cut(x));
      space.axpy(-2, cut(y), z);
      space.scale(0.5, z);
      expect(z.flatMap((part) => [...part])).toAgree(
        x.map((v, k) => 0.5 * v - y[k]),
        { atol: 1e-15 },
      );
      space.assign(cut(y), z);
      expect(z.flatMap((part) => [...part])).toEqual([...y]);
      expect(space.zeros().map((part) => part.length)).toEqual([2, 3]);
    }
  });

  test("an algorithm gives the same numbers over both kinds of space", async () => {
    const diagonal = noise(20, 3).map((v) => 2 + v);
    const rhs = noise(20, 4);
    const apply = (x: Float64Array, out: Float64Array) => out.forEach((_, k) => void (out[k] = diagonal[k] * x[k]));
    const now = await conjugateGradient({ space: arraySpace(20), apply, rhs });
    const then = await conjugateGradient({ space: later(20), apply: async (x, out) => apply(x, out), rhs });
    expect([...then.solution]).toEqual([...now.solution]);
    expect(then.history).toEqual(now.history);
  });

  test("errors", async () => {
    expect(await messageOf(() => arraySpace(0))).toMatchInlineSnapshot(
      `"arraySpace: length must be an integer ≥ 1; got 0. Give the number of unknowns."`,
    );
    expect(await messageOf(() => arraySpace(3, -1))).toMatchInlineSnapshot(
      `"arraySpace: weight must be a finite number > 0; got -1. Use 1 or the grid's cellVolume."`,
    );
    expect(await messageOf(() => productSpace([]))).toMatchInlineSnapshot(
      `"productSpace: parts must hold at least one space; got 0. Give one a component."`,
    );
  });
});
