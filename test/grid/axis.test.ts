import { describe, expect, test } from "vitest";
import { type AxisOptions, axis, extend, faceCount, facesOf, grid, nodesOf } from "../../src/grid/index.js";
import type { boundaries } from "./fields.js";

const good: AxisOptions = { lower: 0, upper: 1, points: 4, boundary: "periodic" };

describe("axis", () => {
  test("nodes and faces obey the end-point rule", () => {
    const periodic = axis(good);
    expect(periodic.spacing).toBe(0.25);
    expect([...periodic.nodes]).toEqual([0.125, 0.375, 0.625, 0.875]);
    expect([...facesOf(periodic)]).toEqual([0, 0.25, 0.5, 0.75]);
    const box = axis({ ...good, boundary: "no-flux" });
    expect([...box.nodes]).toEqual([...periodic.nodes]);
    expect([...facesOf(box)]).toEqual([0, 0.25, 0.5, 0.75, 1]);
    const walls = axis({ ...good, lower: -1, upper: 4, boundary: "dirichlet" });
    expect(walls.spacing).toBe(1);
    expect([...walls.nodes]).toEqual([0, 1, 2, 3]);
    expect([...facesOf(walls)]).toEqual([-0.5, 0.5, 1.5, 2.5, 3.5]);
    expect([periodic, box, walls].map(faceCount)).toEqual([4, 5, 5]);
  });

  test("a periodic axis holds no repeated end point", () => {
    const { nodes, lower, upper, spacing } = axis({ ...good, points: 17 });
    expect(nodes[16] + spacing - (upper - lower)).toAgree(nodes[0], { atol: 1e-15 });
  });

  test("extension: wrap, even reflection, odd reflection", () => {
    const indices = Array.from({ length: 24 }, (_, i) => i - 10);
    const read = (boundary: (typeof boundaries)[number]) => indices.map((i) => extend(boundary, 4, i));
    expect(read("periodic").join(" ")).toBe("3 4 1 2 3 4 1 2 3 4 1 2 3 4 1 2 3 4 1 2 3 4 1 2");
    expect(read("no-flux").join(" ")).toBe("2 1 1 2 3 4 4 3 2 1 1 2 3 4 4 3 2 1 1 2 3 4 4 3");
    expect(read("dirichlet").join(" ")).toBe("1 2 3 4 0 -4 -3 -2 -1 0 1 2 3 4 0 -4 -3 -2 -1 0 1 2 3 4");
  });

  test("errors", () => {
    const message = (options: Partial<Record<keyof AxisOptions, unknown>>) => {
      try {
        axis({ ...good, ...options } as AxisOptions);
      } catch (error) {
        return (error as Error).message;
      }
      return "nothing was thrown";
    };
    expect(message({ lower: NaN })).toBe("axis: lower must be finite; got NaN. Use lower: 0 to start.");
    expect(message({ upper: 0 })).toBe(
      "axis: upper must be finite and > lower = 0; got 0. Give the right end of the axis.",
    );
    expect(message({ upper: Infinity })).toBe(
      "axis: upper must be finite and > lower = 0; got Infinity. Give the right end of the axis.",
    );
    expect(message({ points: 3.5 })).toBe("axis: points must be an integer ≥ 4; got 3.5. Use points: 64 to start.");
    expect(message({ points: 3 })).toBe("axis: points must be an integer ≥ 4; got 3. Use points: 64 to start.");
    expect(message({ points: 1e12 })).toBe(
      "axis: points must be ≤ 134217728; got 1000000000000. Use points: 64 to start.",
    );
    expect(message({ boundary: "open" })).toBe(
      'axis: boundary must be "periodic", "no-flux" or "dirichlet"; got "open". Use boundary: "no-flux" for a box that mass does not leave.',
    );
  });
});

describe("grid", () => {
  const x = axis(good);
  const y = axis({ lower: 0, upper: 10, points: 5, boundary: "dirichlet" });
  const z = axis({ lower: -3, upper: 3, points: 6, boundary: "no-flux" });

  test("row-major, last axis fastest", () => {
    const g = grid([x, y, z]);
    expect(g.shape).toEqual([4, 5, 6]);
    expect(g.strides).toEqual([30, 6, 1]);
    expect(g.size).toBe(120);
    expect(g.cellVolume).toAgree(0.25 * (10 / 6) * 1);
    const points = nodesOf(g);
    for (let i = 0; i < 4; i++)
      for (let j = 0; j < 5; j++)
        for (let k = 0; k < 6; k++) {
          const at = 3 * (i * 30 + j * 6 + k);
          expect([...points.subarray(at, at + 3)]).toEqual([x.nodes[i], y.nodes[j], z.nodes[k]]);
        }
  });

  test("errors, before anything is allocated", () => {
    expect(() => grid([])).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: grid: axes must be one, two or three axes; got 0. Use a particle or neural solver in higher dimension.]`,
    );
    expect(() => grid([x, x, x, x])).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: grid: axes must be one, two or three axes; got 4. Use a particle or neural solver in higher dimension.]`,
    );
    const long = axis({ ...good, points: 1024 });
    expect(() => grid([long, long, long])).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: grid: the number of nodes must be ≤ 134217728; got 1073741824. Use fewer points on each axis, for example 256 × 256 or 64 × 64 × 64.]`,
    );
  });
});

test("an axis whose spacing overflows or drowns in the rounding of its ends is refused", () => {
  const boundary = "periodic";
  expect(() => axis({ lower: -1e308, upper: 1e308, points: 8, boundary })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: axis: upper − lower must be finite, and not lost in rounding when divided by points; got Infinity. Shift and scale the coordinate.]`,
  );
  expect(() => axis({ lower: 1e16, upper: 1e16 + 2, points: 8, boundary })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: axis: upper − lower must be finite, and not lost in rounding when divided by points; got 2. Shift and scale the coordinate.]`,
  );
  expect(axis({ lower: 1e9, upper: 1e9 + 1, points: 8, boundary }).nodes[0]).toBe(1e9 + 1 / 16);
});
