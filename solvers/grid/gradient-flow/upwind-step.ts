// One implicit stage of ∂ₜρ = div(ρ∇ξ) on cells, finite volumes upwind in ρ (Bailo, Carrillo, Hu 2020, scheme S1):
//   ρ_k − b_k + τ Σ_faces ±F/h = 0,   F = u ρ_face,   u = −(ξ_o − ξ_k)/h,   ξ = e′(ρ/q) + V + θ W∗ρ + field,
//   ρ_face = min(ρ_up + ½φ(ρ_down − ρ_up), 2ρ_up),   φ = 0: upwind, first order;   φ frozen in [0, 1]: limited, second order.
// Newton in ρ. For φ = 0 and without W the Jacobian I + τ∂(div F) has columns of sum 1 and links ≤ 0 whatever ρ ≥ 0: an M-matrix, so the
// scheme has a comparison principle and contracts in L¹. Its columns are scaled by 1/(1 + κe″) (κ = τ max ρ/h²), which makes
// ∂ξ the unknown where diffusion rules, so that multigrid works; 1-D: elimination; W in the matrix: GMRES around the multigrid.
// Positivity: a step of Newton takes at most nine tenths out of a cell. Mass: the linear residual's sum is given to δ in proportion
// to ρ, so that Σδ is exact. Reference: Bailo, Carrillo, Hu 2020 (key bailo2020fully).
import { UsageError } from "../../../src/error.js";
import { type Cells, integrate } from "../../../src/grid/index.js";
import {
  applyStencil,
  arraySpace,
  gmres,
  type MultigridLevels,
  multigrid,
  multigridLevels,
  stencil,
} from "../../../src/linalg/index.js";
import { type EnergyOnCells, SEEN } from "./energy-on-cells.js";

/** What one stage is about. */
export interface StageOptions {
  /** b: what the density would be without the stage's flux. */
  readonly base: Float64Array;
  /** τ > 0. */
  readonly step: number;
  /** Share θ of W∗ρ that is implicit. */
  readonly share: number;
  /** The rest of ξ; `null` = 0. */
  readonly field: Float64Array | null;
  /** φ by axis, for u ≥ 0 and u < 0; `null`: upwind. */
  readonly limiter: readonly (readonly [Float64Array, Float64Array])[] | null;
  /** Stop at ‖R‖₁ ≤ tolerance · mass, or at what rounding leaves of R. */
  readonly tolerance: number;
  readonly maxIterations: number;
  readonly signal: AbortSignal | null;
}

/** How a stage ended. */
export interface StageResult {
  readonly converged: boolean;
  readonly iterations: number;
  readonly linearIterations: number;
  /** ‖R‖₁ over the mass. */
  readonly residual: number;
}

/** Stages on one set of cells; it keeps scratch, so it serves one caller at a time. */
export interface UpwindStages {
  /** ξ of the last solve at its solution. */
  readonly variation: Float64Array;
  /** Solves a stage. `density` holds the starting guess, and then the solution. */
  solve(density: Float64Array, options: StageOptions): Promise<StageResult>;
  /**
   * out ← old − τ div F of a density and its ξ. A cell that would fall below 0 gives only what it has in `old`, in proportion over its faces
   * (a limiter of outflow as Zalesak's), so that out ≥ 0 to round-off and the mass is kept.
   *
   * @returns the mass that was held back
   */
  carry(
    old: Float64Array,
    step: number,
    density: Float64Array,
    variation: Float64Array,
    limiter: StageOptions["limiter"],
    out: Float64Array,
  ): number;
  /**
   * Dissipation h^d Σ_faces u² ρ_face and largest |u| where mass is, of any ξ; `null` where ξ is not finite beside mass.
   */
  measure(
    density: Float64Array,
    variation: Float64Array,
    limiter: StageOptions["limiter"],
  ): { dissipation: number | null; speed: number | null };
}

/** Density below which an entropy's curvature is not followed in a starting guess, relative to the largest. */
const FLOOR = 1e-14;
/** Most that one Newton step leaves of a cell when it would take more. */
const LEAST = 0.1;

/**
 * Makes the stages of an energy on cells.
 *
 * *References*: bailo2020fully
 */
export function upwindStages(energy: EnergyOnCells): UpwindStages {
  const { cells } = energy;
  const { grid: g, neighbour, open } = cells;
  const { size, axes, dimension: d } = g;
  const matrix = stencil(cells);
  const levels: MultigridLevels = multigridLevels(cells);
  const inverse = multigrid(matrix, levels);
  const space = arraySpace(size);
  const local = new Float64Array(size);
  const variation = new Float64Array(size);
  const image = new Float64Array(size);
  const curvature = new Float64Array(size);
  const scale = new Float64Array(size);
  const residual = new Float64Array(size);
  const increment = new Float64Array(size);
  const trial = new Float64Array(size);
  const applied = new Float64Array(size);
  const workspace: Float64Array[] = [];

  const vary = (density: Float64Array, { share, field }: StageOptions): void => {
    energy.local(density, local);
    variation.set(local);
    if (field !== null) for (let k = 0; k < size; k++) variation[k] += field[k];
    if (energy.interaction !== null && share > 0) {
      energy.interaction(density, image);
      for (let k = 0; k < size; k++) variation[k] += share * image[k];
    }
  };

  /** R, and its norm ‖R‖₁. */
  const residualOf = (density: Float64Array, options: StageOptions): number => {
    vary(density, options);
    const { base, step, limiter } = options;
    for (let k = 0; k < size; k++) residual[k] = density[k] - base[k];
    for (let a = 0; a < d; a++) {
      const other = neighbour[2 * a + 1];
      const h = axes[a].spacing;
      const w = step / (h * h);
      const limit = limiter === null ? null : limiter[a];
      for (let k = 0; k < size; k++) {
        const o = other[k];
        if (o === k) continue;
        const p = density[k];
        const q = density[o];
        if (p === 0 && q === 0) continue;
        const u = variation[k] - variation[o];
        let face = u >= 0 ? p : q;
        if (limit !== null) {
          const down = u >= 0 ? q : p;
          face = Math.min(face + 0.5 * limit[u >= 0 ? 0 : 1][k] * (down - face), 2 * face);
        }
        const flow = w * u * face;
        residual[k] += flow;
        residual[o] -= flow;
      }
    }
    let sum = 0;
    for (let k = 0; k < size; k++) sum += Math.abs(residual[k]);
    return sum * g.cellVolume;
  };

  /**
   * What rounding leaves of ‖R‖₁ whatever ρ: over long steps a flow at rest has no smaller one. ξ carries the round-off of its parts, of
   * which V and W∗ρ may cancel e′, and of ρ.
   */
  const roundOff = (density: Float64Array, { step }: StageOptions): number => {
    energy.curvature(density, curvature);
    const part = trial;
    for (let k = 0; k < size; k++) {
      part[k] = Math.abs(local[k]) + density[k] * curvature[k];
      if (energy.potential !== null) part[k] += 2 * Math.abs(energy.potential[k]);
      part[k] += Math.abs(variation[k] - local[k]);
    }
    let sum = 0;
    for (let a = 0; a < d; a++) {
      const other = neighbour[2 * a + 1];
      const w = step / axes[a].spacing ** 2;
      for (let k = 0; k < size; k++) {
        const o = other[k];
        const face = variation[k] >= variation[o] ? density[k] : density[o];
        if (o !== k && face > 0) sum += w * face * (part[k] + part[o]);
      }
    }
    return Number.isFinite(sum) ? 2 * Number.EPSILON * sum * g.cellVolume : 0;
  };

  /** Puts back what rounding took from the sum of fluxes far larger than ρ: `most` of it. More is an error, and is left to be seen. */
  const keepMass = (density: Float64Array, mass: number, most: number): void => {
    const left = integrate(g, density);
    if (!(Math.abs(mass - left) <= most)) return;
    for (let k = 0; k < size; k++) density[k] *= mass / left;
  };

  /** The Jacobian without W, columns scaled. */
  const assemble = (density: Float64Array, { step, limiter }: StageOptions): void => {
    let most = 0;
    for (let k = 0; k < size; k++) most = Math.max(most, density[k]);
    if (energy.singular) {
      const least = FLOOR * most;
      for (let k = 0; k < size; k++) trial[k] = Math.max(density[k], least);
      energy.curvature(trial, curvature);
    } else energy.curvature(density, curvature);
    let kappa = 0;
    for (const { spacing } of axes) kappa = Math.max(kappa, (step * most) / spacing ** 2);
    for (let k = 0; k < size; k++) scale[k] = open[k] === 1 ? 1 / (1 + kappa * curvature[k]) : 1;
    const { diagonal, link } = matrix;
    diagonal.fill(1);
    for (let a = 0; a < d; a++) {
      const other = neighbour[2 * a + 1];
      const h = axes[a].spacing;
      const w = step / (h * h);
      const up = link[2 * a + 1];
      const low = link[2 * a];
      up.fill(0);
      low.fill(0);
      const limit = limiter === null ? null : limiter[a];
      for (let k = 0; k < size; k++) {
        const o = other[k];
        if (o === k) continue;
        const p = density[k];
        const q = density[o];
        if (p === 0 && q === 0) continue;
        const u = variation[k] - variation[o];
        let face = u >= 0 ? p : q;
        let own = 1;
        let far = 0;
        if (limit !== null) {
          const phi = limit[u >= 0 ? 0 : 1][k];
          const down = u >= 0 ? q : p;
          const mean = face + 0.5 * phi * (down - face);
          if (mean <= 2 * face) {
            own = 1 - 0.5 * phi;
            far = 0.5 * phi;
            face = mean;
          } else {
            own = 2;
            face *= 2;
          }
        }
        // ∂F/∂ρ_k ≥ 0 and ∂F/∂ρ_o ≤ 0 for φ = 0.
        const byK = w * (curvature[k] * face + u * (u >= 0 ? own : far));
        const byO = w * (-curvature[o] * face + u * (u >= 0 ? far : own));
        diagonal[k] += byK;
        up[k] = byO * scale[o];
        diagonal[o] -= byO;
        low[o] = -byK * scale[k];
      }
    }
    for (let k = 0; k < size; k++) diagonal[k] *= scale[k];
  };

  /** image ← J y, y = δ/scale, W included. */
  const applyAll = (density: Float64Array, options: StageOptions, y: Float64Array, out: Float64Array): void => {
    applyStencil(matrix, y, out);
    const { step, share, limiter } = options;
    for (let k = 0; k < size; k++) trial[k] = y[k] * scale[k];
    (energy.interaction as NonNullable<EnergyOnCells["interaction"]>)(trial, image);
    for (let a = 0; a < d; a++) {
      const other = neighbour[2 * a + 1];
      const w = (share * step) / axes[a].spacing ** 2;
      const limit = limiter === null ? null : limiter[a];
      for (let k = 0; k < size; k++) {
        const o = other[k];
        if (o === k) continue;
        const u = variation[k] - variation[o];
        const up = u >= 0 ? density[k] : density[o];
        let face = up;
        if (limit !== null) {
          const down = u >= 0 ? density[o] : density[k];
          face = Math.min(up + 0.5 * limit[u >= 0 ? 0 : 1][k] * (down - up), 2 * up);
        }
        const flow = w * face * (image[k] - image[o]);
        out[k] += flow;
        out[o] -= flow;
      }
    }
  };

  /** increment ← −J⁻¹ R; the number of linear iterations. */
  const linear = async (
    density: Float64Array,
    options: StageOptions,
    tolerance: number,
    absolute: number,
  ): Promise<number> => {
    inverse.update();
    for (let k = 0; k < size; k++) residual[k] = -residual[k];
    increment.fill(0);
    const coupled = energy.interaction !== null && options.share > 0;
    let iterations = 1;
    if (coupled) {
      const solved = await gmres({
        space,
        apply: (y, out) => applyAll(density, options, y, out),
        preconditioner: (x, out) => inverse.cycle(x, out),
        rhs: residual,
        tolerance,
        absolute,
        maxIterations: 100,
        workspace,
        signal: options.signal,
      });
      increment.set(solved.solution);
      iterations = solved.iterations;
    } else if (d === 1) inverse.cycle(residual, increment);
    else {
      const solved = await inverse.solve(residual, increment, {
        tolerance,
        absolute,
        maxIterations: 60,
        signal: options.signal,
      });
      iterations = solved.iterations;
    }
    if (coupled) applyAll(density, options, increment, applied);
    else applyStencil(matrix, increment, applied);
    // What the linear solve left over, as mass.
    let left = 0;
    let mass = 0;
    for (let k = 0; k < size; k++) {
      left += residual[k] - applied[k];
      mass += density[k];
    }
    for (let k = 0; k < size; k++) increment[k] = increment[k] * scale[k] + (left * density[k]) / mass;
    return iterations;
  };

  return {
    variation,
    async solve(density, options) {
      const { tolerance, maxIterations } = options;
      const mass = integrate(g, options.base);
      if (energy.singular) {
        let most = 0;
        for (let k = 0; k < size; k++) most = Math.max(most, density[k]);
        for (let k = 0; k < size; k++) if (open[k] === 1 && density[k] === 0) density[k] = FLOOR * most;
      }
      let norm = residualOf(density, options);
      let iterations = 0;
      let linearIterations = 0;
      const kept = new Float64Array(size);
      while (!(norm <= tolerance * mass)) {
        if (iterations >= maxIterations || !Number.isFinite(norm) || options.signal?.aborted)
          return { converged: false, iterations, linearIterations, residual: norm / mass };
        if (norm <= roundOff(density, options)) break;
        assemble(density, options);
        // Loose at first, so that the last step alone is paid for in full.
        const forcing = Math.min(0.05, Math.max((0.1 * tolerance * mass) / norm, 1e-10));
        try {
          linearIterations += await linear(density, options, forcing, 0);
        } catch (error) {
          // On a line a stage too long for the digits has a pivot that cancels: a shorter one may have none.
          if (!(error instanceof UsageError)) throw error;
          return { converged: false, iterations, linearIterations, residual: norm / mass };
        }
        iterations++;
        kept.set(density);
        let share = 1;
        let next = Infinity;
        for (let cut = 0; cut < 8; cut++) {
          // What the bound leaves in cells comes from all, in proportion: iterates have the mass that Newton gives them.
          let extra = 0;
          let total = 0;
          for (let k = 0; k < size; k++) {
            const moved = kept[k] + share * increment[k];
            density[k] = Math.max(moved, LEAST * kept[k]);
            extra += density[k] - moved;
            total += density[k];
          }
          if (extra > 0) for (let k = 0; k < size; k++) density[k] -= (extra / total) * density[k];
          next = residualOf(density, options);
          if (next <= 2 * norm) break;
          share /= 2;
        }
        norm = next;
      }
      keepMass(density, mass, roundOff(density, options));
      return { converged: true, iterations, linearIterations, residual: norm / mass };
    },
    carry(old, step, density, xi, limiter, out) {
      const leaving = applied;
      const held = trial.fill(1);
      leaving.fill(0);
      let short = true;
      for (let pass = 0; short; pass++) {
        out.set(old);
        for (let a = 0; a < d; a++) {
          const other = neighbour[2 * a + 1];
          const w = step / axes[a].spacing ** 2;
          for (let k = 0; k < size; k++) {
            const o = other[k];
            if (o === k || (density[k] === 0 && density[o] === 0)) continue;
            const u = xi[k] - xi[o];
            const donor = u >= 0 ? k : o;
            const taker = u >= 0 ? o : k;
            let face = density[donor];
            if (limiter !== null)
              face = Math.min(face + 0.5 * limiter[a][u >= 0 ? 0 : 1][k] * (density[taker] - face), 2 * face);
            const flow = w * Math.abs(u) * face;
            if (pass === 0) leaving[donor] += flow;
            const moved = flow * held[donor];
            out[donor] -= moved;
            out[taker] += moved;
          }
        }
        // A cell that would fall short gives what it had alone; its takers may then fall short in their turn.
        short = false;
        for (let k = 0; k < size; k++)
          if (out[k] < 0 && held[k] === 1) {
            held[k] = old[k] / leaving[k];
            short = true;
          }
      }
      let kept = 0;
      let gross = 0;
      for (let k = 0; k < size; k++) {
        kept += (1 - held[k]) * leaving[k];
        gross += held[k] * leaving[k];
      }
      // Each flux is rounded where it leaves and where it arrives.
      keepMass(out, integrate(g, old), 4 * Number.EPSILON * gross * g.cellVolume);
      return kept * g.cellVolume;
    },
    measure(density, xi, limiter) {
      let dissipation = 0;
      let speed = 0;
      let largest = 0;
      for (let k = 0; k < size; k++) largest = Math.max(largest, density[k]);
      for (let a = 0; a < d; a++) {
        const other = neighbour[2 * a + 1];
        const h = axes[a].spacing;
        for (let k = 0; k < size; k++) {
          const o = other[k];
          if (o === k || (density[k] === 0 && density[o] === 0)) continue;
          const u = (xi[k] - xi[o]) / h;
          let face = u >= 0 ? density[k] : density[o];
          if (limiter !== null) {
            const down = u >= 0 ? density[o] : density[k];
            face = Math.min(face + 0.5 * limiter[a][u >= 0 ? 0 : 1][k] * (down - face), 2 * face);
          }
          if (face === 0) continue;
          dissipation += u * u * face;
          if (face > SEEN * largest) speed = Math.max(speed, Math.abs(u));
        }
      }
      dissipation *= g.cellVolume;
      return Number.isFinite(dissipation) ? { dissipation, speed } : { dissipation: null, speed: null };
    },
  };
}

/**
 * φ(r) = max(0, min(1, 2r)) of the slopes' ratio r behind and across each face: the central value where it is monotone, upwind at extrema;
 * 1 where a wall stands behind, beyond which ρ is even. It lies in Sweby's region of second order.
 *
 * *References*: sweby1984high
 */
export function faceLimiter(cells: Cells, density: Float64Array): (readonly [Float64Array, Float64Array])[] {
  const { neighbour, grid } = cells;
  const phi = (up: number, down: number, behind: number): number => {
    if (behind === up) return 1;
    const across = density[down] - density[up];
    if (across === 0) return 1;
    return Math.max(0, Math.min(1, (2 * (density[up] - density[behind])) / across));
  };
  return grid.axes.map((_, a) => {
    const before = neighbour[2 * a];
    const after = neighbour[2 * a + 1];
    const forward = new Float64Array(grid.size);
    const backward = new Float64Array(grid.size);
    for (let k = 0; k < grid.size; k++) {
      const o = after[k];
      if (o === k) continue;
      forward[k] = phi(k, o, before[k]);
      backward[k] = phi(o, k, after[o]);
    }
    return [forward, backward] as const;
  });
}
