// What every coupling owes: its derivative is that of its values, its transpose is the adjoint, and f = δF/δm.
import { expect } from "vitest";
import type { Coupling } from "../../../problems/index.js";
import type { Cells } from "../../../src/grid/index.js";
import { generator } from "../../../src/random/index.js";

export function message(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("nothing was thrown");
}

/** K fields in [0.5, 1.5] on open cells, 0 in solid ones. */
export function positive(c: Cells, K: number, seed: number): Float64Array[] {
  return fields(c, K, seed).map((f) => f.map((v, i) => (c.open[i] === 1 ? v + 1 : 0)));
}

/** K fields in [−½, ½], 0 in solid cells. */
export function fields(c: Cells, K: number, seed: number): Float64Array[] {
  const draw = generator(seed);
  return Array.from({ length: K }, () => draw.uniform(c.grid.size).map((v, i) => (c.open[i] === 1 ? v - 0.5 : 0)));
}

const blank = (c: Cells, K: number) => Array.from({ length: K }, () => new Float64Array(c.grid.size).fill(7));
const dot = (a: readonly Float64Array[], b: readonly Float64Array[]) =>
  a.reduce((sum, column, k) => sum + column.reduce((s, v, i) => s + v * b[k][i], 0), 0);
const moved = (m: readonly Float64Array[], dm: readonly Float64Array[], s: number) =>
  m.map((column, k) => column.map((v, i) => v + s * dm[k][i]));

/** linearise(m) against central differences; its transpose against the adjoint; its matrix, where it is local. */
export function expectDerivative(f: Coupling, c: Cells, t: number): void {
  const K = f.populations;
  const m = positive(c, K, 11);
  const dm = fields(c, K, 12);
  const w = fields(c, K, 13);
  const g = f.on(c);
  const [up, down, df, dfT] = [blank(c, K), blank(c, K), blank(c, K), blank(c, K)];
  const h = 1e-5;
  g.evaluate(t, moved(m, dm, h), up);
  g.evaluate(t, moved(m, dm, -h), down);
  const derivative = g.linearise(t, m);
  derivative.apply(dm, df);
  derivative.applyTranspose(w, dfT);
  for (let k = 0; k < K; k++)
    expect(df[k]).toAgree(
      up[k].map((v, i) => (v - down[k][i]) / (2 * h)),
      { atol: 1e-8, rtol: 1e-8 },
    );
  expect(dot(w, df)).toAgree(dot(dfT, dm), { atol: 1e-12, rtol: 1e-12 });
  expect(derivative.local === null).toBe(f.isNonlocal);
}

/** (F(m + h δ) − F(m − h δ))/2h = ∫ Σ f_k δ_k. */
export function expectPotential(f: Coupling, c: Cells, t: number): void {
  const K = f.populations;
  const m = positive(c, K, 21);
  const dm = fields(c, K, 22);
  const out = blank(c, K);
  const F = f.potentialOn(c)!;
  f.on(c).evaluate(t, m, out);
  const h = 1e-4;
  const slope = (F(t, moved(m, dm, h)) - F(t, moved(m, dm, -h))) / (2 * h);
  expect(slope).toAgree(dot(out, dm) * c.grid.cellVolume, { atol: 1e-8, rtol: 1e-7 });
}
