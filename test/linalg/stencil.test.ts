import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addAdjointDifferences, addLaplacian, type Cells, cells, differences, domain } from "../../src/grid/index.js";
import {
  applyStencil,
  applyStencilTranspose,
  assembleGenerator,
  assembleStencil,
  stencil,
  transposeStencil,
} from "../../src/linalg/index.js";
import { anyCells, fieldOn, upwindSlopes } from "./any-cells.js";
import { messageOf, noise } from "./dense.js";

const numRuns = Number(process.env.LAWS === "thorough" ? 500 : 25);
const coefficients = fc.constantFrom<readonly [number, number]>([0, 1], [3, 0.2], [1, 0], [0, 0.01]);

// Size of the terms that cancel in a row.
const scaleOf = (c: Cells, shift: number, nu: number) =>
  shift + c.grid.axes.reduce((sum, { spacing: h }) => sum + (8 * nu) / h ** 2 + 8 / h, 0);

describe("stencil", () => {
  test("A u is c u − νΔu + Σ s_j D_j u, and Aᵀ m is c m − νΔm + Σ D_jᵀ(s_j m), on any cells and slopes of any sign", () => {
    fc.assert(
      fc.property(anyCells(), coefficients, fc.integer(), (c, [shift, nu], seed) => {
        const slopes = c.neighbour.map((_, j) => fieldOn(c, seed + j));
        const u = fieldOn(c, seed + 99);
        const a = stencil(c);
        assembleStencil(a, shift, nu, slopes);
        const d = slopes.map(() => new Float64Array(u.length));
        differences(c, u, d, false);
        const forward = u.map((v, k) => shift * v + slopes.reduce((sum, s, j) => sum + s[k] * d[j][k], 0));
        addLaplacian(c, u, -nu, forward, false);
        const backward = u.map((v) => shift * v);
        addAdjointDifferences(
          c,
          slopes.map((s) => s.map((v, k) => v * u[k])),
          1,
          backward,
        );
        addLaplacian(c, u, -nu, backward, false);
        const atol = 4e-15 * scaleOf(c, shift, nu);
        const out = new Float64Array(u.length);
        applyStencil(a, u, out);
        expect(out).toAgree(forward, { rtol: 0, atol });
        applyStencilTranspose(a, u, out);
        expect(out).toAgree(backward, { rtol: 0, atol });
        applyStencil(transposeStencil(a), u, out);
        expect(out).toAgree(backward, { rtol: 0, atol });
      }),
      { numRuns: 4 * numRuns, seed: 11 },
    );
  });

  test("transposing twice gives the stencil back, and ⟨w, A u⟩ = ⟨Aᵀ w, u⟩", () => {
    fc.assert(
      fc.property(anyCells(), fc.integer(), (c, seed) => {
        const a = stencil(c);
        assembleStencil(a, 1, 0.3, upwindSlopes(c, seed));
        const back = transposeStencil(transposeStencil(a));
        expect(back.diagonal).toEqual(a.diagonal);
        expect(back.link).toEqual(a.link);
        const [u, w] = [fieldOn(c, seed + 1), fieldOn(c, seed + 2)];
        const [au, aw] = [new Float64Array(u.length), new Float64Array(u.length)];
        applyStencil(a, u, au);
        applyStencilTranspose(a, w, aw);
        const dot = (x: Float64Array, y: Float64Array) => x.reduce((sum, v, k) => sum + v * y[k], 0);
        expect(dot(w, au)).toAgree(dot(aw, u), { rtol: 0, atol: 1e-14 * scaleOf(c, 1, 0.3) * u.length });
      }),
      { numRuns, seed: 12 },
    );
  });

  test("upwind slopes give an M-matrix whose rows and columns sum to c off the doors", () => {
    fc.assert(
      fc.property(anyCells(), coefficients, fc.integer(), (c, [shift, nu], seed) => {
        const a = stencil(c);
        assembleStencil(a, shift, nu, upwindSlopes(c, seed));
        for (const row of a.link) for (const v of row) expect(v).toBeLessThanOrEqual(0);
        const one = new Float64Array(c.grid.size).fill(1);
        const rows = one.slice();
        applyStencil(a, one, rows);
        const atDoor = new Set(c.doors.cell);
        const atol = 4e-15 * scaleOf(c, shift, nu);
        for (let k = 0; k < one.length; k++) {
          const sum = c.open[k] === 1 || shift > 0 ? shift : 1;
          if (atDoor.has(k)) expect(rows[k]).toBeGreaterThanOrEqual(sum - atol);
          else expect(rows[k]).toAgree(sum, { rtol: 0, atol });
        }
        // Aᵀ moves mass: what it takes in all is c times the mass and what stands at doors.
        const m = fieldOn(c, seed + 5);
        const taken = m.slice();
        applyStencilTranspose(a, m, taken);
        const total = (x: Float64Array) => x.reduce((sum, v) => sum + v, 0);
        const atDoors = m.reduce((sum, v, k) => (atDoor.has(k) ? sum + (rows[k] - shift) * v : sum), 0);
        expect(total(taken)).toAgree(shift * total(m) + atDoors, {
          rtol: 0,
          atol: atol * m.length,
        });
      }),
      { numRuns, seed: 13 },
    );
  });

  test("jump rates give the same matrix as the slopes they are made of, scaled", () => {
    fc.assert(
      fc.property(anyCells(), fc.integer(), (c, seed) => {
        const slopes = upwindSlopes(c, seed);
        const [a, b] = [stencil(c), stencil(c)];
        assembleStencil(a, 0, 0.7, slopes);
        assembleGenerator(
          b,
          2,
          slopes.map((s, j) => {
            const h = c.grid.axes[j >> 1].spacing;
            return s.map((v) => 0.7 / h ** 2 + Math.abs(v) / h);
          }),
          0.5,
        );
        const u = fieldOn(c, seed + 7);
        const [au, bu] = [u.slice(), u.slice()];
        applyStencil(a, u, au);
        applyStencil(b, u, bu);
        expect(bu).toAgree(
          au.map((v, k) => (c.open[k] === 1 ? 0.5 * v + 2 * u[k] : 0)),
          { rtol: 0, atol: 4e-15 * scaleOf(c, 2, 0.7) },
        );
      }),
      { numRuns, seed: 14 },
    );
  });

  test("messages", async () => {
    const c = cells(domain({ lower: [0], upper: [1] }), 4);
    const a = stencil(c);
    const slopes = [noise(4, 1)];
    expect(await messageOf(() => assembleStencil(a, NaN, 1, null))).toBe(
      "assembleStencil: shift must be finite; got NaN. Use 1/Δt for a step in time.",
    );
    expect(await messageOf(() => assembleStencil(a, 1, -1, null))).toBe(
      "assembleStencil: viscosity must be a finite number ≥ 0; got -1. Use viscosity: 0.1 to start.",
    );
    expect(await messageOf(() => assembleStencil(a, 1, 1, slopes))).toBe(
      "assembleStencil: slopes must be 2 fields, one for each link; got 1. Give the slopes of a numerical Hamiltonian, or null.",
    );
    expect(await messageOf(() => transposeStencil(a, a))).toBe(
      'transposeStencil: out must be another stencil on the same cells; got "the stencil itself". Leave it out for a new stencil.',
    );
  });
});
