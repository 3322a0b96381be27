// A potential between the nodes: the quadratic B-spline with the node values as coefficients,
//   S(y) = Σⱼ φⱼ B((y − xⱼ)/h),   B ≥ 0, ΣB = 1, tensor products, even about the walls
// (no-flux: zero normal slope there) and constant beyond them, so that it is bounded.
// C¹, second order (S = φ + h²φ″/8 + …, exact for linear φ), and monotone: φ₁ ≤ φ₂ ⇒ S₁ ≤ S₂. Each partial derivative is a
// convex combination of edge slopes.
// Reference: de Boor 2001, ch. IX (key deboor2001splines).
import type { Grid } from "../../../src/grid/index.js";

/** A C¹ potential with explicit derivatives. */
export interface QuadraticSpline {
  readonly grid: Grid;
  /**
   * Value and derivatives at one point: out = [S, ∂₀S, ∂₀₀S] on a line, [S, ∂₀S, ∂₁S, ∂₀₀S, ∂₀₁S, ∂₁₁S] in the plane.
   *
   * @param at position of the point in `points`
   */
  evaluate(points: ArrayLike<number>, at: number, out: Float64Array): void;
}

/**
 * Makes the spline of node values on a one- or two-dimensional grid.
 *
 * @param values coefficients = node values, finite
 */
export function quadraticSpline(g: Grid, values: Float64Array): QuadraticSpline {
  const [n0, n1] = g.dimension === 1 ? [1, g.shape[0]] : g.shape;
  const along = g.axes[g.dimension - 1];
  const h0 = g.axes[0].spacing;
  const h1 = along.spacing;
  const x0 = g.axes[0].nodes[0];
  const x1 = along.nodes[0];
  const w = new Float64Array(9);
  const v = new Float64Array(9);

  const onLine = (points: ArrayLike<number>, at: number, out: Float64Array): void => {
    const j = basis((points[at] - x1) / h1, n1, h1, v);
    const left = values[j > 0 ? j - 1 : 0];
    const mid = values[j];
    const right = values[j < n1 - 1 ? j + 1 : j];
    out[0] = v[0] * left + v[1] * mid + v[2] * right;
    out[1] = v[3] * left + v[4] * mid + v[5] * right;
    out[2] = v[6] * left + v[7] * mid + v[8] * right;
  };

  const inPlane = (points: ArrayLike<number>, at: number, out: Float64Array): void => {
    const i = basis((points[at] - x0) / h0, n0, h0, w);
    const j = basis((points[at + 1] - x1) / h1, n1, h1, v);
    const before = j > 0 ? j - 1 : 0;
    const after = j < n1 - 1 ? j + 1 : j;
    let s = 0;
    let s0 = 0;
    let s1 = 0;
    let s00 = 0;
    let s01 = 0;
    let s11 = 0;
    for (let a = 0; a < 3; a++) {
      const row = Math.max(0, Math.min(n0 - 1, i - 1 + a)) * n1;
      const p = values[row + before];
      const q = values[row + j];
      const r = values[row + after];
      const value = v[0] * p + v[1] * q + v[2] * r;
      const slope = v[3] * p + v[4] * q + v[5] * r;
      s += w[a] * value;
      s0 += w[3 + a] * value;
      s00 += w[6 + a] * value;
      s1 += w[a] * slope;
      s01 += w[3 + a] * slope;
      s11 += w[a] * (v[6] * p + v[7] * q + v[8] * r);
    }
    out[0] = s;
    out[1] = s0;
    out[2] = s1;
    out[3] = s00;
    out[4] = s01;
    out[5] = s11;
  };

  return { grid: g, evaluate: g.dimension === 1 ? onLine : inPlane };
}

// The node nearest to u (in spacings from node 0), and the weights of it and its two neighbours with their first and second
// derivatives. Beyond a wall the point moves to the wall, where the even ghost makes the slope 0.
function basis(u: number, n: number, h: number, out: Float64Array): number {
  const inside = Math.max(-0.5, Math.min(n - 0.5, u));
  const j = Math.max(0, Math.min(n - 1, Math.round(inside)));
  const t = inside - j;
  out[0] = 0.5 * (0.5 - t) * (0.5 - t);
  out[1] = 0.75 - t * t;
  out[2] = 0.5 * (0.5 + t) * (0.5 + t);
  out[3] = (t - 0.5) / h;
  out[4] = (-2 * t) / h;
  out[5] = (t + 0.5) / h;
  const bend = inside === u ? 1 / (h * h) : 0;
  out[6] = out[8] = bend;
  out[7] = -2 * bend;
  return j;
}
