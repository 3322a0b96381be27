// Cells of a domain: links, one-sided differences and their adjoints against brute force, walls, doors and obstacles.
import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import {
  addAdjointDifferences,
  addLaplacian,
  type Cells,
  cells,
  differences,
  domain,
  laplacian,
} from "../../src/grid/index.js";
import { generator } from "../../src/random/index.js";

const numRuns = Number(process.env.LAWS === "thorough" ? 500 : 25);

function random(n: number, seed: number): Float64Array {
  return generator(seed).normal(n);
}

/** A room with a door, an obstacle and one periodic axis where it fits. */
function room(d: number, seed: number): Cells {
  const draws = generator(seed).uniform(d);
  const lower = [-1, 0, 2].slice(0, d);
  const upper = [1, 1.5, 3].slice(0, d);
  const kinds = ["periodic", "no-flux", ["no-flux", "door"], "door"] as const;
  const centre = lower.map((a, i) => a + (upper[i] - a) * 0.5);
  const box = domain({
    lower,
    upper,
    ends: lower.map((_, a) => kinds[Math.floor(4 * draws[a])]) as never,
    obstacle: (x) => x.every((v, a) => Math.abs(v - centre[a]) < 0.2 * (upper[a] - lower[a])),
  });
  return cells(box, [7, 6, 5].slice(0, d));
}

const fields = (c: Cells) => Array.from({ length: 2 * c.grid.dimension }, () => new Float64Array(c.grid.size));

/** A field that is 0 in solid cells. */
function openField(c: Cells, seed: number): Float64Array {
  return random(c.grid.size, seed).map((v, k) => (c.open[k] === 1 ? v : 0));
}

describe("cells", () => {
  property.prop([fc.integer({ min: 1, max: 3 }), fc.nat(1000)], { numRuns, seed: 5 })(
    "the adjoint is the transpose: Σ_j ⟨D_j u, w_j⟩ = ⟨u, Σ_j D_jᵀ w_j⟩",
    (d, seed) => {
      const c = room(d, seed);
      const u = openField(c, seed + 1);
      const w = Array.from({ length: 2 * d }, (_, j) => random(c.grid.size, seed + 2 + j));
      const du = fields(c);
      differences(c, u, du, false);
      const back = new Float64Array(c.grid.size);
      addAdjointDifferences(c, w, 1, back);
      let left = 0;
      let right = 0;
      let scale = 0;
      for (let k = 0; k < c.grid.size; k++) {
        right += u[k] * back[k];
        for (let j = 0; j < 2 * d; j++) {
          left += du[j][k] * w[j][k];
          scale += Math.abs(du[j][k] * w[j][k]);
        }
      }
      expect(Math.abs(left - right)).toBeLessThan(1e-13 * scale);
    },
  );

  property.prop([fc.integer({ min: 1, max: 3 }), fc.nat(1000)], { numRuns, seed: 6 })(
    "Δu = Σ_a (D⁺ − D⁻)u/h, symmetric, and no flow through walls or solids",
    (d, seed) => {
      const c = room(d, seed);
      const u = openField(c, seed + 1);
      const v = openField(c, seed + 2);
      const du = fields(c);
      differences(c, u, du, true);
      const out = new Float64Array(c.grid.size);
      addLaplacian(c, u, 1, out, true);
      for (let k = 0; k < c.grid.size; k++) {
        let sum = 0;
        for (let a = 0; a < d; a++) sum += (du[2 * a + 1][k] - du[2 * a][k]) / c.grid.axes[a].spacing;
        expect(out[k]).toBeCloseTo(sum, 9);
        if (c.open[k] === 0) expect(out[k]).toBe(0);
      }
      const [lu, lv] = [u, v].map((w) => {
        const l = new Float64Array(c.grid.size);
        addLaplacian(c, w, 1, l, false);
        return l;
      });
      const dot = (a: Float64Array, b: Float64Array) => a.reduce((s, x, k) => s + x * b[k], 0);
      expect(dot(u, lv)).toBeCloseTo(dot(v, lu), 8);
      expect(dot(u, lu)).toBeLessThanOrEqual(1e-9);
      if (c.doors.cell.length === 0) {
        const all = lu.reduce((s, x) => s + x, 0);
        expect(Math.abs(all)).toBeLessThan(1e-9);
      }
    },
  );

  test("plain domains agree with the grid's own Laplacian", () => {
    const c = cells(domain({ lower: [0, 0], upper: [1, 2], ends: ["periodic", "no-flux"] }), [8, 12]);
    expect(c.isPlain).toBe(true);
    const u = random(c.grid.size, 3);
    const out = new Float64Array(c.grid.size);
    addLaplacian(c, u, 1, out, true);
    expect(out).toAgree(laplacian(c.grid, u), { rtol: 0, atol: 1e-10 });
  });

  test("a linear field has its slope everywhere but at walls; a door with the right cost keeps it", () => {
    const line = (x: number) => 2 * x + 1;
    const c = cells(
      domain({ lower: [0], upper: [1], ends: "no-flux", doors: [{ axis: 0, side: "upper", cost: line(1) }] }),
      10,
    );
    const u = c.points.map(line);
    const du = fields(c);
    differences(c, u, du, true);
    expect(Array.from(du[0].subarray(1))).toEqual(Array(9).fill(expect.closeTo(2, 10)));
    expect(du[0][0]).toBe(0);
    expect(Array.from(du[1])).toEqual(Array(10).fill(expect.closeTo(2, 10)));
  });

  test("doors are found by their opening, obstacles close cells", () => {
    const c = cells(
      domain({
        lower: [-2, -0.5],
        upper: [2, 0.5],
        ends: "no-flux",
        doors: [{ axis: 0, side: "upper", from: [-0.25], to: [0.25], cost: 3 }],
        obstacle: (x) => x[0] ** 2 + x[1] ** 2 < 0.04,
      }),
      [40, 20],
    );
    expect(c.doors.cell.length).toBe(10);
    expect(Array.from(c.doors.cost)).toEqual(Array(10).fill(3));
    // area π 0.2² over cells of 0.1 × 0.05, within the cells that the circle cuts
    expect(Math.abs(800 - c.openCount - (Math.PI * 0.04) / 0.005)).toBeLessThan(5);
    expect(c.isPlain).toBe(false);
  });
});

describe("bad domains are refused in one sentence", () => {
  const unit = { lower: [0, 0], upper: [1, 1] };
  const message = (f: () => unknown): string => {
    try {
      f();
    } catch (e) {
      return (e as Error).message;
    }
    return "nothing";
  };
  test("messages", () => {
    expect([
      message(() => domain({ lower: [], upper: [] })),
      message(() => domain({ lower: [0, 1], upper: [1, 1] })),
      message(() => domain({ ...unit, ends: "open" as never })),
      message(() => domain({ ...unit, ends: ["periodic", ["door", "wall"]] as never })),
      message(() => domain({ ...unit, doors: [{ axis: 0, side: "upper" }] })),
      message(() => domain({ ...unit, ends: "no-flux", doors: [{ axis: 2, side: "upper" }] })),
      message(() => domain({ ...unit, ends: "no-flux", doors: [{ axis: 0, side: "up" as never }] })),
      message(() => domain({ ...unit, ends: "no-flux", doors: [{ axis: 0, side: "upper", from: [0.5], to: [0.2] }] })),
      message(() => domain({ ...unit, ends: "no-flux", doors: [{ axis: 0, side: "upper", cost: NaN }] })),
      message(() => domain({ ...unit, obstacle: "x < 0" as never })),
      message(() => cells(domain({ lower: [0, 0, 0, 0], upper: [1, 1, 1, 1] }), 8)),
      message(() => cells(domain(unit), [8])),
      message(() => cells(domain({ ...unit, obstacle: () => true }), 8)),
      message(() =>
        cells(domain({ ...unit, ends: "no-flux", doors: [{ axis: 0, side: "upper", from: [0.5], to: [0.51] }] }), 8),
      ),
    ]).toMatchInlineSnapshot(`
      [
        "domain: lower and upper must be corners of one box, one number or more each; got [0,0]. Use lower: [0, 0], upper: [1, 1] for a unit square.",
        "domain: lower must be finite and below upper on every axis; got {"lower":[0,1],"upper":[1,1]}. Swap the corners, or cut the box off where the mass is small.",
        "domain: ends must be "periodic", "no-flux", "door" or [lower, upper] of the last two, once or one an axis; got "open". Use ends: "no-flux" for a closed box.",
        "domain: ends must be "periodic", "no-flux", "door" or [lower, upper] of the last two, once or one an axis; got ["periodic",["door","wall"]]. Use ends: "no-flux" for a closed box.",
        "domain: a door must stand in a wall; got "axis 0, which is periodic". Set ends: "no-flux" on that axis.",
        "domain: door.axis must be an axis 0 … 1; got 2. Name the axis that the door's side is perpendicular to.",
        "domain: door.side must be "lower" or "upper"; got "up". Use side: "upper".",
        "domain: a door's from and to must be 1 coordinates each, from < to, within the side; got {"from":[0.5],"to":[0.2]}. Give the opening's corners along the other axes.",
        "domain: door.cost must be finite; got NaN. Use cost: 0.",
        "domain: obstacle must be a function of a point; got "x < 0". Use obstacle: (x) => x[0] ** 2 + x[1] ** 2 < 0.1.",
        "cells: dimension must be 1, 2 or 3; got 4. Use a particle or neural solver in higher dimension.",
        "cells: points must have 2 entries, one an axis; got [8]. Use one number for all axes.",
        "cells: obstacle must leave cells open; got "a solid box". Turn the obstacle inside out.",
        "cells: door 0 must be at least one cell wide and not behind an obstacle; got {"axis":0,"side":"upper","from":[0.5],"to":[0.51]}. Use more points or a wider door.",
      ]
    `);
  });
});
