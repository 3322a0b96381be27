// Semi-relaxed transport of a few points by cyclic exchange of mass inside a row, each exchange an exact line search by bisection of
// the derivative: nothing in common with the engine but the problem.
import { type Cloud, weightOf } from "../../src/measure/index.js";
import type { RadialCost } from "../../src/transport/index.js";

/** Minimal ⟨h, π⟩ + Σ bⱼ f(Rⱼ/bⱼ), with f and f′ given. */
export function exchange(
  source: Cloud,
  target: Cloud,
  cost: RadialCost,
  f: (r: number) => number,
  slope: (r: number) => number,
  sweeps = 300,
): number {
  const m = source.count;
  const n = target.count;
  const d = source.dimension;
  const distance = (i: number, j: number) =>
    Math.hypot(...Array.from({ length: d }, (_, k) => source.points[i * d + k] - target.points[j * d + k]));
  const h = Array.from({ length: m }, (_, i) => Array.from({ length: n }, (_, j) => cost.h(distance(i, j))));
  const b = Array.from({ length: n }, (_, j) => weightOf(target, j));
  const plan = Array.from({ length: m }, (_, i) => b.map((w) => w * weightOf(source, i)));
  const R = b.map((_, j) => plan.reduce((s, row) => s + row[j], 0));
  for (let sweep = 0; sweep < sweeps; sweep++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        for (let k = 0; k < n; k++) {
          if (j === k) continue;
          const derivative = (x: number) => h[i][k] - h[i][j] + slope((R[k] + x) / b[k]) - slope((R[j] - x) / b[j]);
          let low = 0;
          let high = plan[i][j];
          if (!(derivative(0) < 0)) continue;
          for (let s = 0; s < 60; s++) {
            const middle = (low + high) / 2;
            if (derivative(middle) < 0) low = middle;
            else high = middle;
          }
          const x = derivative(plan[i][j]) < 0 ? plan[i][j] : low;
          plan[i][j] -= x;
          plan[i][k] += x;
          R[j] = plan.reduce((s, row) => s + row[j], 0);
          R[k] = plan.reduce((s, row) => s + row[k], 0);
        }
      }
    }
  }
  let value = 0;
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) value += plan[i][j] * h[i][j];
  return R.reduce((s, r, j) => s + b[j] * f(r / b[j]), value);
}
