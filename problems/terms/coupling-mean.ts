// Coupling through the mean: f_k = (κ/2)|x − a x̄_k − b|², x̄_k = ∫x m_k/∫m_k: everyone is drawn toward a mixture of the crowd's own
// mean and a fixed place (linear–quadratic games).
//   derivative  δf = −κ a (x − a x̄ − b)·δx̄,  δx̄ = ∫(x − x̄)δm/∫m: of rank d, not local
//   monotone    among laws of one mass: ⟨f(m) − f(m′), m − m′⟩ = −κ a |x̄ − x̄′|² ∫m, so a ≤ 0
//   potential   a = 1, b = 0: F = (κ/2)∫|x − x̄|²m (the spread);  a = 0: F = (κ/2)∫|x − b|²m;  otherwise only up to a function of t
// Reference: Bensoussan, Sung, Yam, Yung 2016 (key bensoussan2016linear).
import { demand, usageError } from "../../src/error.js";
import type { Cells } from "../../src/grid/index.js";
import { weightOf } from "../../src/measure/index.js";
import type { Coupling, Crowd, GridCoupling } from "./coupling.js";

export interface CouplingMeanOptions {
  /** d ≥ 1. */
  readonly dimension: number;
  /** K ≥ 1, each with its own mean; default 1. */
  readonly populations?: number;
  /** κ, finite; default 1. */
  readonly weight?: number;
  /** a, share of the mean in the target; default 1. */
  readonly share?: number;
  /** b, length d; default 0. */
  readonly offset?: readonly number[];
}

/**
 * Attraction to the crowd's mean.
 *
 * f_k(x, m) = (κ/2) |x − a x̄_k − b|²,  x̄_k = ∫x m_k/∫m_k
 *
 * @param options dimension, κ, a and b
 * @throws UsageError when a number does not fit; on cells with a periodic axis, where no mean exists
 *
 * *Notes*: a > 0 is not monotone, yet linear–quadratic games of this kind often have one equilibrium: the mean obeys an equation of its own.
 *
 * *Good values*: κ = 1, a = 1 on a box that holds the crowd.
 *
 * *References*: bensoussan2016linear
 */
export function couplingMean(options: CouplingMeanOptions): Coupling {
  const where = "couplingMean";
  const { dimension: d, populations: K = 1, weight = 1, share = 1 } = options;
  demand(Number.isInteger(d) && d >= 1, where, "dimension", "be an integer ≥ 1", d, "Give the domain's dimension");
  demand(Number.isInteger(K) && K >= 1, where, "populations", "be an integer ≥ 1", K, "Use populations: 1");
  demand(Number.isFinite(weight), where, "weight", "be finite", weight, "Use weight: 1");
  demand(Number.isFinite(share), where, "share", "be finite", share, "Use share: 1 for the crowd's own mean");
  const offset = options.offset ?? new Array<number>(d).fill(0);
  demand(
    offset.length === d && offset.every(Number.isFinite),
    where,
    "offset",
    `hold ${d} finite numbers`,
    offset,
    "Leave it out for 0",
  );
  const dependsOnMass = weight !== 0 && share !== 0;
  const centred = share === 1 && offset.every((b) => b === 0);

  /** (κ/2)|x − target|² at every point. */
  const cost = (points: Float64Array, target: ArrayLike<number>, out: Float64Array): void => {
    for (let i = 0; i < out.length; i++) {
      let sum = 0;
      for (let a = 0; a < d; a++) sum += (points[i * d + a] - target[a]) ** 2;
      out[i] = 0.5 * weight * sum;
    }
  };
  const targetOf = (mean: ArrayLike<number>) => offset.map((b, a) => b + share * mean[a]);

  const momentsOn = (cells: Cells, m: Float64Array): { mass: number; mean: Float64Array } => {
    const mean = new Float64Array(d);
    let sum = 0;
    for (let i = 0; i < m.length; i++) {
      sum += m[i];
      for (let a = 0; a < d; a++) mean[a] += m[i] * cells.points[i * d + a];
    }
    if (!(Math.abs(sum) > 0))
      throw usageError(where, "the crowd", "have mass", sum, "Start from a density that is not zero");
    for (let a = 0; a < d; a++) mean[a] /= sum;
    return { mass: sum * cells.grid.cellVolume, mean };
  };
  const checked = (cells: Cells): void => {
    demand(
      cells.grid.dimension === d,
      where,
      "the cells",
      `have the coupling's dimension ${d}`,
      cells.grid.dimension,
      "Make every term in the domain's dimension",
    );
    const periodic = cells.domain.ends.indexOf("periodic");
    demand(
      periodic < 0,
      where,
      "the domain",
      "have walls on every axis, since a circle has no mean",
      `axis ${periodic}, which is periodic`,
      'Use ends: "no-flux" on a box that holds the crowd',
    );
  };

  return Object.freeze({
    name: "mean",
    dimension: d,
    populations: K,
    text: Array.from({ length: K }, (_, k) => formula(weight, share, offset, K === 1 ? "" : "₁₂₃₄₅₆₇₈₉"[k])),
    isMonotone: weight * share <= 0,
    isPotential: !dependsOnMass || centred,
    dependsOnMass,
    isQuadratic: true,
    isNonlocal: dependsOnMass,
    isPortable: false,
    massRange: [0, Infinity] as const,
    on(cells: Cells): GridCoupling {
      checked(cells);
      const { points, open } = cells;
      const n = cells.grid.size;
      const volume = cells.grid.cellVolume;
      const clear = (out: Float64Array): void => {
        for (let i = 0; i < n; i++) if (open[i] === 0) out[i] = 0;
      };
      return {
        evaluate(_t, m, out) {
          for (let k = 0; k < K; k++) {
            cost(points, dependsOnMass ? targetOf(momentsOn(cells, m[k]).mean) : offset, out[k]);
            clear(out[k]);
          }
        },
        linearise(_t, m) {
          if (!dependsOnMass) {
            const zero = (_: readonly Float64Array[], out: readonly Float64Array[]) => {
              for (const o of out) o.fill(0);
            };
            return {
              apply: zero,
              applyTranspose: zero,
              local: m.flatMap(() => m.map((v) => new Float64Array(v.length))),
            };
          }
          const at = m.map((column) => {
            const { mass, mean } = momentsOn(cells, column);
            return { mean, target: targetOf(mean), factor: (-weight * share * volume) / mass };
          });
          /** out ← factor (x − from)·∫(y − to) v. */
          const outer = (
            v: Float64Array,
            to: ArrayLike<number>,
            from: ArrayLike<number>,
            factor: number,
            out: Float64Array,
          ) => {
            const moment = new Float64Array(d);
            for (let i = 0; i < n; i++)
              if (open[i] === 1) for (let a = 0; a < d; a++) moment[a] += v[i] * (points[i * d + a] - to[a]);
            for (let i = 0; i < n; i++) {
              let sum = 0;
              for (let a = 0; a < d; a++) sum += (points[i * d + a] - from[a]) * moment[a];
              out[i] = factor * sum;
            }
            clear(out);
          };
          return {
            apply(dm, out) {
              for (const [k, p] of at.entries()) outer(dm[k], p.mean, p.target, p.factor, out[k]);
            },
            applyTranspose(w, out) {
              for (const [k, p] of at.entries()) outer(w[k], p.target, p.mean, p.factor, out[k]);
            },
            local: null,
          };
        },
      };
    },
    potentialOn(cells: Cells) {
      if (dependsOnMass && !centred) return null;
      checked(cells);
      const values = new Float64Array(cells.grid.size);
      return (_t: number, m: readonly Float64Array[]): number =>
        m.reduce((sum, column) => {
          cost(cells.points, dependsOnMass ? momentsOn(cells, column).mean : offset, values);
          let part = 0;
          for (let i = 0; i < values.length; i++) part += values[i] * column[i];
          return sum + part * cells.grid.cellVolume;
        }, 0);
    },
    at(_t: number, k: number, points: Float64Array, crowd: Crowd): Float64Array {
      const law = crowd.laws[k];
      const mean = new Float64Array(d);
      for (let i = 0; i < law.count; i++)
        for (let a = 0; a < d; a++) mean[a] += weightOf(law, i) * law.points[i * d + a];
      const out = new Float64Array(points.length / d);
      cost(points, targetOf(mean), out);
      return out;
    },
    expressionText: null,
    description: { kind: "mean", dimension: d, populations: K, weight, share, offset },
  });
}

function formula(weight: number, share: number, offset: readonly number[], index: string): string {
  const mean = share === 0 ? "" : ` − ${share === 1 ? "" : `${share} `}x̄${index}`;
  const place = offset.every((b) => b === 0)
    ? ""
    : offset.length === 1
      ? ` − ${offset[0]}`
      : ` − (${offset.join(", ")})`;
  return `${weight / 2} |x${mean}${place}|²`;
}
