// The game's linearisation without its upper right block, inverted by two sweeps with the true variable coefficients:
//   ( L_u   0  ) (u)   (r)      (L_u u)ⁿ = (uⁿ − uⁿ⁺¹)/Δt + A_n(θuⁿ + (1−θ)uⁿ⁺¹),   n = N − 1 … 0,  uᴺ = 0
//   (  W   L_m ) (m) = (s)      (L_m m)ⁿ⁺¹ = (mⁿ⁺¹ − mⁿ)/Δt + A_nᵀ(θmⁿ⁺¹ + (1−θ)mⁿ),  n = 0 … N − 1,  m⁰ = 0
//   A = −νΔ + Σ_j α_j D_j with doors, walls and obstacles,   W u = Σ_j D_jᵀ(M ∂²G/∂D_j² D_j u): what a change of feedback does to the crowd
// What is left out, −∂f/∂m, makes the preconditioned matrix 1 + L_m⁻¹W L_u⁻¹∂f/∂m: a second-kind operator, whose spectrum stays away
// from 0 for monotone f and does not grow with the grid. Each step in time: a multigrid cycle or more (in 1-D the exact
// solution) of the change from the slab before. For doors, obstacles, small ν, where mean coefficients are far from the true ones.
// Reference: Achdou, Perez 2012 (key achdou2012iterative).
import { demand, UsageError } from "../../../src/error.js";
import {
  applyStencil,
  assembleGenerator,
  type Multigrid,
  multigrid,
  multigridLevels,
  type Stencil,
  stencil,
  transposeStencil,
} from "../../../src/linalg/index.js";
import type { GamePreconditioner } from "./game-preconditioner.js";
import { addGenerator, addGeneratorTranspose, type GameLinearisation, type GameScheme } from "./game-scheme.js";

export interface SweepPreconditionerOptions {
  /** Multigrid cycles a step in time, an integer ≥ 1; default 1. */
  readonly cycles?: number;
}

/**
 * Plans the sweep preconditioner of a scheme.
 *
 * @throws UsageError when the game is a planning game or cycles is no integer ≥ 1
 *
 * *Notes*: holds the matrices of all steps, 16 (2-D) or 19 (3-D) fields for each step and population. How H depends on m, cross
 * terms of ∂²G/∂D² and the change of feedback at doors are left to the Krylov method.
 *
 * *Good values*: cycles 1.
 *
 * *References*: achdou2012iterative
 */
export function sweepPreconditioner(scheme: GameScheme, options: SweepPreconditionerOptions = {}): GamePreconditioner {
  const where = "sweepPreconditioner";
  const { cycles = 1 } = options;
  demand(Number.isInteger(cycles) && cycles >= 1, where, "cycles", "be an integer ≥ 1", cycles, "Use cycles: 1");
  demand(
    scheme.final === null,
    where,
    "problem",
    "have its values given at T, as planning games do not",
    scheme.problem.mode,
    'Use preconditioner: "transform"',
  );
  const { cells: c, steps: N, dt, theta, problem } = scheme;
  const { size, dimension } = c.grid;
  const K = problem.populations.length;
  const levels = multigridLevels(c);
  let steps: { readonly value: Multigrid; readonly density: Multigrid }[][] | null = null;
  let current: GameLinearisation | null = null;
  const [rhs, residual, correction, blend] = Array.from({ length: 4 }, () => new Float64Array(size));

  // x ← x + (cycles of M⁻¹)(rhs − A x)
  const improve = (plan: Multigrid, x: Float64Array): void => {
    for (let cycle = 0; cycle < cycles; cycle++) {
      applyStencil(plan.stencil, x, residual);
      for (let i = 0; i < size; i++) residual[i] = rhs[i] - residual[i];
      plan.cycle(residual, correction);
      for (let i = 0; i < size; i++) x[i] += correction[i];
      if (dimension === 1) break;
    }
  };

  return {
    keepsMass: false,
    update(linearisation) {
      current = linearisation;
      const fill = (a: Stencil, k: number, n: number) =>
        assembleGenerator(a, 1 / dt, linearisation.rates[k][n].link, theta);
      if (steps === null) {
        steps = Array.from({ length: K }, (_, k) =>
          Array.from({ length: N }, (_, n) => {
            const a = stencil(c);
            fill(a, k, n);
            return { value: multigrid(a, levels), density: multigrid(transposeStencil(a), levels) };
          }),
        );
        return;
      }
      for (let k = 0; k < K; k++) {
        for (let n = 0; n < N; n++) {
          const { value, density } = steps[k][n];
          fill(value.stencil, k, n);
          transposeStencil(value.stencil, density.stencil);
          value.update();
          density.update();
        }
      }
    },
    apply(v, out) {
      if (steps === null || current === null)
        throw new UsageError(
          `${where}: update must come before apply; got no linearisation. Call update with one first.`,
        );
      const { rates, curvature } = current;
      const half = v.length / 2;
      const slab = (x: Float64Array, index: number) => x.subarray(index * size, (index + 1) * size);
      for (let k = 0; k < K; k++) {
        for (let n = N - 1; n >= 0; n--) {
          const u = slab(out, k * N + n);
          rhs.set(slab(v, k * N + n));
          if (n === N - 1) u.fill(0);
          else {
            const next = slab(out, k * N + n + 1);
            for (let i = 0; i < size; i++) rhs[i] += next[i] / dt;
            if (theta < 1) addGenerator(c, rates[k][n], next, theta - 1, rhs);
            u.set(next);
          }
          improve(steps[k][n].value, u);
        }
        for (let n = 0; n < N; n++) {
          const u = slab(out, k * N + n);
          const m = slab(out, half / size + k * N + n);
          rhs.set(slab(v, half / size + k * N + n));
          if (theta === 1) blend.set(u);
          else {
            // A terminal cost that depends on the crowd is left out: uᴺ = 0.
            for (let i = 0; i < size; i++) blend[i] = theta * u[i];
            if (n < N - 1) addScaled(1 - theta, slab(out, k * N + n + 1), blend);
          }
          for (let a = 0; a < dimension; a++) subtractControl(c.neighbour[2 * a + 1], curvature[k][n][a], blend, rhs);
          if (n === 0) m.fill(0);
          else {
            const before = slab(out, half / size + k * N + n - 1);
            addScaled(1 / dt, before, rhs);
            if (theta < 1) addGeneratorTranspose(c, rates[k][n], before, theta - 1, rhs);
            m.set(before);
          }
          improve(steps[k][n].density, m);
        }
      }
    },
  };
}

function addScaled(scale: number, x: Float64Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) out[i] += scale * x[i];
}

/** out ← out − W u on the faces of one axis. */
function subtractControl(other: Int32Array, curvature: Float64Array, u: Float64Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) {
    const p = other[i];
    const flow = curvature[i] * (u[i] - u[p]);
    out[i] -= flow;
    out[p] += flow;
  }
}
