// Geometric multigrid for stencils on cells, A x = b with A = c − νΔ + Σ_j s_j D_j, its transpose, or any M-matrix of that form.
//   coarsening     cells in pairs along the axes with the smallest cells (all axes when they are alike, else some: semi-coarsening)
//   coarse matrix  Galerkin with piecewise constants, Pᵀ A P, but the symmetric part of a coupling is multiplied by the
//                  ratio of the distances between centres, fine to coarse (½ for even pairs): upwind drift and diffusion
//                  then both have the size that they have on a coarse grid. Row and column sums, signs and walls stay.
//   transfers      residuals are summed (mass is kept); corrections are interpolated linearly, never across a wall
//   smoother       Gauss–Seidel in 2ᵈ orders, so that every direction of drift meets one that follows it
//   solve          cycles while they are quick, then GMRES with the cycle on its right; in 1-D elimination along the line
// Linear work and storage. Reference: Mohr, Wienands 2004 (key mohr2004cell); Trottenberg, Oosterlee, Schüller 2001, §5
// (key trottenberg2001multigrid).
import { demand } from "../error.js";
import type { Cells } from "../grid/index.js";
import { short } from "../short.js";
import { historyOf } from "../solution/index.js";
import { gmres } from "./gmres.js";
import { demandIteration, type IterationOptions, type IterativeResult, statusOf } from "./result.js";
import { applyStencil, demandFields, type Stencil } from "./stencil.js";
import { solveCyclicTridiagonal, solveTridiagonal } from "./tridiagonal.js";
import { arraySpace } from "./vector-space.js";

/** Unknowns of the coarsest level, at most; they are eliminated directly. */
const COARSEST = 32;
/** Axes whose cells are at most this much wider than the smallest ones are coarsened with them. */
const ALIKE = 1.5;

/** Orders of the Gauss–Seidel sweeps before and after the coarse correction in 1, 2, 3 dimensions; bit a turns axis a around. */
const ORDERS = [
  { down: [0], up: [1] },
  { down: [0, 3], up: [1, 2] },
  { down: [0, 7, 1, 6], up: [2, 5, 3, 4] },
];

// One level: where its cells lie, how they hang together, and how they sit in the next coarser level.
interface Level {
  /** Padded to three axes from the left; strides likewise. */
  readonly shape: readonly [number, number, number];
  readonly strides: readonly [number, number, number];
  readonly size: number;
  readonly open: Uint8Array;
  readonly neighbour: readonly Int32Array[];
  /** Widths of the cells along each axis. */
  readonly widths: readonly Float64Array[];
  readonly coarser: Transfer | null;
  readonly x: Float64Array;
  readonly b: Float64Array;
  readonly r: Float64Array;
}

interface Transfer {
  /** Coarse cell of each cell. */
  readonly parent: Int32Array;
  /** Fine over coarse distance of the cells i and i + 1 along each axis. */
  readonly ratio: readonly Float64Array[];
  /** Interpolation: Σ weights[p][k] · coarse[sources[p][k]]. */
  readonly sources: readonly Int32Array[];
  readonly weights: readonly Float64Array[];
}

interface Coefficients {
  readonly diagonal: Float64Array;
  /** 1/diagonal. */
  readonly inverse: Float64Array;
  readonly link: readonly Float64Array[];
}

/** The levels of one domain, to be shared by the multigrids of many stencils. They hold scratch: one cycle at a time. */
export interface MultigridLevels {
  readonly cells: Cells;
  /** Cells along each axis, from the finest level to the coarsest. */
  readonly shapes: readonly (readonly number[])[];
  /** @internal */
  readonly levels: readonly Level[];
  /** @internal A field, and vectors of GMRES. */
  readonly kept: Float64Array;
  readonly workspace: Float64Array[];
}

/** What {@link Multigrid.solve} takes. */
export interface MultigridOptions extends IterationOptions {
  /** Basis vectors before GMRES restarts; default 30. */
  readonly restart?: number;
}

/** A multigrid of one stencil. */
export interface Multigrid {
  readonly stencil: Stencil;
  readonly levels: MultigridLevels;
  /** Takes the stencil's coefficients over after they have changed; allocates nothing. */
  update(): void;
  /** out ← M⁻¹ rhs, one V-cycle from 0: linear in rhs and the same at each call. In 1-D, unless A is singular, the exact solution. */
  cycle(rhs: Float64Array, out: Float64Array): void;
  /** One Gauss–Seidel sweep in each order on x. Of an M-matrix it keeps x ≥ 0 while rhs ≥ 0, whatever the rounding. */
  relax(rhs: Float64Array, x: Float64Array): void;
  /**
   * Solves A x = rhs.
   *
   * @param out starting point, and where the solution goes; not `rhs`
   * @param options.tolerance stop at ‖rhs − A x‖ ≤ tolerance · ‖rhs‖; default 1e-10
   * @param options.absolute or at ‖rhs − A x‖ ≤ absolute; default 0
   * @param options.maxIterations cycles altogether; default 200
   * @returns `out`, its true residual, and why it stopped; never throws for lack of convergence
   * @throws UsageError when a length or an option makes no sense
   */
  solve(rhs: Float64Array, out: Float64Array, options?: MultigridOptions): Promise<IterativeResult<Float64Array>>;
}

/**
 * Cuts cells into coarser and coarser ones.
 *
 * @param cells of any size, with walls, doors and obstacles
 */
export function multigridLevels(cells: Cells): MultigridLevels {
  const { grid, domain } = cells;
  const d = grid.dimension;
  const levels: Level[] = [];
  let shape = [1, 1, 1];
  for (let a = 0; a < d; a++) shape[3 - d + a] = grid.shape[a];
  let open = cells.open;
  let neighbour = cells.neighbour;
  let widths: readonly Float64Array[] = grid.axes.map((axis) => new Float64Array(axis.points).fill(axis.spacing));
  for (;;) {
    const size = shape[0] * shape[1] * shape[2];
    const strides = [shape[1] * shape[2], shape[2], 1];
    const means = widths.map((w, a) => (w.length === 1 ? Infinity : (domain.upper[a] - domain.lower[a]) / w.length));
    const least = Math.min(...means);
    let coarser: Transfer | null = null;
    let next: { shape: number[]; open: Uint8Array; neighbour: Int32Array[]; widths: Float64Array[] } | null = null;
    if (size > COARSEST && least < Infinity) {
      const halved = means.map((w) => w <= ALIKE * least);
      const made = coarsen(d, shape, strides, open, neighbour, widths, halved);
      coarser = made.transfer;
      next = made;
    }
    levels.push({
      shape: shape as unknown as Level["shape"],
      strides: strides as unknown as Level["strides"],
      size,
      open,
      neighbour,
      widths,
      coarser,
      x: new Float64Array(size),
      b: new Float64Array(size),
      r: new Float64Array(size),
    });
    if (next === null) break;
    ({ shape, open, neighbour, widths } = next);
  }
  const kept = new Float64Array(grid.size);
  return Object.freeze({ cells, shapes: levels.map((level) => level.shape.slice(3 - d)), levels, kept, workspace: [] });
}

function coarsen(
  d: number,
  shape: readonly number[],
  strides: readonly number[],
  open: Uint8Array,
  neighbour: readonly Int32Array[],
  widths: readonly Float64Array[],
  halved: readonly boolean[],
) {
  const size = open.length;
  const coarse = shape.map((n, i) => (i >= 3 - d && halved[i - 3 + d] ? Math.ceil(n / 2) : n));
  const coarseStrides = [coarse[1] * coarse[2], coarse[2], 1];
  const coarseSize = coarse[0] * coarse[1] * coarse[2];
  const index = (k: number, a: number) => Math.floor(k / strides[3 - d + a]) % shape[3 - d + a];
  const parent = new Int32Array(size);
  for (let k = 0; k < size; k++)
    for (let a = 0; a < d; a++) parent[k] += (index(k, a) >> Number(halved[a])) * coarseStrides[3 - d + a];
  const coarseOpen = new Uint8Array(coarseSize);
  for (let k = 0; k < size; k++) if (open[k] === 1) coarseOpen[parent[k]] = 1;
  const coarseNeighbour = neighbour.map((other) => {
    const list = Int32Array.from({ length: coarseSize }, (_, k) => k);
    for (let k = 0; k < size; k++) if (parent[other[k]] !== parent[k]) list[parent[k]] = parent[other[k]];
    return list;
  });
  const coarseWidths = widths.map((w, a) => {
    if (!halved[a]) return w;
    const sums = new Float64Array(coarse[3 - d + a]);
    for (let i = 0; i < w.length; i++) sums[i >> 1] += w[i];
    return sums;
  });
  // Position of each centre between its coarse cell's centre and that of the coarse neighbour on its side.
  const toward = widths.map((w, a) => {
    const side = new Uint8Array(w.length);
    const part = new Float64Array(w.length);
    if (halved[a]) {
      const W = coarseWidths[a];
      for (let i = 0; i < w.length; i++) {
        if (w[i] === W[i >> 1]) continue;
        side[i] = i % 2;
        const beyond = W[((i >> 1) + (i % 2 === 0 ? W.length - 1 : 1)) % W.length];
        part[i] = (0.5 * (W[i >> 1] - w[i])) / (0.5 * (W[i >> 1] + beyond));
      }
    }
    return { side, part };
  });
  const ratio = widths.map((w, a) => {
    const W = coarseWidths[a];
    return w.map((width, i) => {
      if (!halved[a]) return 1;
      const j = (i + 1) % w.length;
      return (width + w[j]) / (W[i >> 1] + W[j >> 1]);
    });
  });
  let sources = [parent];
  let weights = [new Float64Array(size).fill(1)];
  for (let a = 0; a < d; a++) {
    if (!halved[a]) continue;
    const { side, part } = toward[a];
    const moved = sources.map((from) => from.map((K, k) => coarseNeighbour[2 * a + side[index(k, a)]][K]));
    const far = weights.map((w) => w.map((value, k) => value * part[index(k, a)]));
    const near = weights.map((w) => w.map((value, k) => value * (1 - part[index(k, a)])));
    sources = [...sources, ...moved];
    weights = [...near, ...far];
  }
  return {
    shape: coarse,
    open: coarseOpen,
    neighbour: coarseNeighbour,
    widths: coarseWidths,
    transfer: { parent, ratio, sources, weights },
  };
}

/**
 * Plans the solution of A x = b for one stencil.
 *
 * @param stencil A; filled before, or followed by `update()`
 * @param levels of the stencil's cells; default made anew
 * @throws UsageError when the levels are of other cells
 *
 * *Notes*: for Aᵀ take `multigrid(transposeStencil(A), levels)`. Singular A (c = 0 and no doors: constants in the kernel of A, the
 * stationary density π in that of Aᵀ): b must lie in the range (⟨π, b⟩ = 0 for A, Σb = 0 for Aᵀ), otherwise the residual
 * stalls and the status says so; the solution is fixed up to the kernel. π itself: solve Aᵀδ = −Aᵀ1, π = 1 + δ. Pockets
 * that obstacles close off need c > 0. With c = 0 and ν far below the drift times h, count on tens of iterations, not on ten.
 *
 * *Good values*: one cycle as a preconditioner of steps in time; tolerance 1e-10 for solves. Where `cells.isPlain` and there is no drift,
 * `helmholtz` is exact and as quick as a few cycles.
 *
 * *References*: mohr2004cell, trottenberg2001multigrid
 */
export function multigrid(stencil: Stencil, levels: MultigridLevels = multigridLevels(stencil.cells)): Multigrid {
  demand(
    levels.cells === stencil.cells,
    "multigrid",
    "levels",
    "be made of the stencil's cells",
    "other cells",
    "Use multigridLevels(stencil.cells)",
  );
  const { grid, domain } = stencil.cells;
  const { size, dimension } = grid;
  const list = levels.levels;
  const space = arraySpace(size);
  const coefficients: Coefficients[] = list.map((level, l) => ({
    diagonal: l === 0 ? stencil.diagonal : new Float64Array(level.size),
    inverse: new Float64Array(level.size),
    link: l === 0 ? stencil.link : level.neighbour.map(() => new Float64Array(level.size)),
  }));
  const bottom = list[list.length - 1];
  const factors = new Float64Array(bottom.size ** 2);
  const pivots = new Int32Array(bottom.size);
  const periodicLine = dimension === 1 && domain.ends[0] === "periodic";
  // The finest level has its right-hand side and solution outside, so these two are free.
  const { b: residual, x: correction } = list[0];
  const { kept } = levels;
  let singular = false;

  const cycle = (rhs: Float64Array, out: Float64Array): void => {
    if (dimension === 1 && !singular) {
      const matrix = { lower: stencil.link[0], diagonal: stencil.diagonal, upper: stencil.link[1] };
      if (periodicLine) solveCyclicTridiagonal(matrix, rhs, { points: size }, out);
      else solveTridiagonal(matrix, rhs, { points: size }, out);
      return;
    }
    descend(list, coefficients, 0, rhs, out, factors, pivots);
  };

  const plan: Multigrid = {
    stencil,
    levels,
    update() {
      singular = isSingular(stencil);
      const direct = dimension === 1 && !singular;
      for (let l = 0; l < list.length; l++) {
        const { diagonal, inverse } = coefficients[l];
        for (let k = 0; k < inverse.length; k++) inverse[k] = 1 / diagonal[k];
        if (direct) return;
        if (l + 1 < list.length) restrictMatrix(list[l], coefficients[l], list[l + 1], coefficients[l + 1]);
      }
      factorise(bottom, coefficients[list.length - 1], factors, pivots, singular);
    },
    cycle,
    relax(rhs, x) {
      const { down, up } = ORDERS[dimension - 1];
      for (const order of down) relax(list[0], coefficients[0], rhs, x, order);
      for (const order of up) relax(list[0], coefficients[0], rhs, x, order);
    },
    async solve(rhs, out, options = {}) {
      const where = "multigrid";
      const { tolerance = 1e-10, absolute = 0, maxIterations = 200, restart = 30, signal, onIteration } = options;
      demandIteration(where, tolerance, absolute, maxIterations);
      demandFields(stencil, where, rhs, out);
      const target = Math.max(tolerance * (space.norm(rhs) as number), absolute);
      const measure = (): number => {
        applyStencil(stencil, out, residual);
        for (let k = 0; k < size; k++) residual[k] = rhs[k] - residual[k];
        return space.norm(residual) as number;
      };
      let norm = measure();
      const values = [norm];
      let iterations = 0;
      let quick = true;
      while (norm > target && quick && iterations < maxIterations && !signal?.aborted) {
        cycle(residual, correction);
        kept.set(out);
        for (let k = 0; k < size; k++) out[k] += correction[k];
        const before = norm;
        norm = measure();
        iterations++;
        values.push(norm);
        onIteration?.(iterations, norm);
        quick = norm <= 0.2 * before;
        if (!(norm <= before)) {
          out.set(kept);
          norm = before;
        }
      }
      if (norm <= target || iterations >= maxIterations || signal?.aborted) {
        const done = `${iterations} cycles`;
        const failure =
          norm <= target
            ? ""
            : signal?.aborted
              ? `stopped: aborted after ${done} at residual ${short(norm)}`
              : `stalled: residual ${short(norm)} > ${short(target)} after ${done}; raise maxIterations`;
        return {
          solution: out,
          status: statusOf(failure, norm, target, done),
          residual: norm,
          iterations,
          history: historyOf("residual", values),
        };
      }
      const rest = await gmres({
        space,
        apply: (x, y) => applyStencil(stencil, x, y),
        preconditioner: cycle,
        rhs,
        initial: out,
        tolerance,
        absolute,
        maxIterations: maxIterations - iterations,
        restart,
        workspace: levels.workspace,
        signal,
        onIteration: onIteration === undefined ? undefined : (i, value) => onIteration(iterations + i, value),
      });
      out.set(rest.solution);
      return {
        ...rest,
        solution: out,
        iterations: iterations + rest.iterations,
        history: historyOf("residual", [...values, ...rest.history.values.slice(1)]),
      };
    },
  };
  plan.update();
  return plan;
}

// x ← M⁻¹ b on level l.
function descend(
  list: readonly Level[],
  coefficients: readonly Coefficients[],
  l: number,
  b: Float64Array,
  x: Float64Array,
  factors: Float64Array,
  pivots: Int32Array,
): void {
  const level = list[l];
  const a = coefficients[l];
  if (level.coarser === null) {
    substitute(factors, pivots, b, x);
    return;
  }
  const { parent, sources, weights } = level.coarser;
  const { size, r } = level;
  const next = list[l + 1];
  x.fill(0);
  const { down, up } = ORDERS[(level.neighbour.length >> 1) - 1];
  for (const order of down) relax(level, a, b, x, order);
  residualOf(level, a, b, x, r);
  next.b.fill(0);
  for (let k = 0; k < size; k++) next.b[parent[k]] += r[k];
  descend(list, coefficients, l + 1, next.b, next.x, factors, pivots);
  const e = next.x;
  for (let p = 0; p < sources.length; p++) {
    const from = sources[p];
    const w = weights[p];
    for (let k = 0; k < size; k++) x[k] += w[k] * e[from[k]];
  }
  for (const order of up) relax(level, a, b, x, order);
}

// One Gauss–Seidel sweep; bit a of `order` turns axis a around. Rows of the last axis are walked along; the neighbours of a row lie in
// rows at a fixed distance, over the end as on a periodic axis: where there is a wall the coefficient is 0.
function relax(level: Level, { inverse, link }: Coefficients, b: Float64Array, x: Float64Array, order: number): void {
  const { shape, strides, neighbour } = level;
  const d = neighbour.length >> 1;
  const down0 = d > 2 && (order & 1) === 1;
  const down1 = d > 1 && ((order >> (d - 2)) & 1) === 1;
  const step = ((order >> (d - 1)) & 1) === 1 ? -1 : 1;
  const before = link[step > 0 ? 2 * d - 2 : 2 * d - 1];
  const after = link[step > 0 ? 2 * d - 1 : 2 * d - 2];
  const [n0, n1, n2] = shape;
  const [s0, s1] = strides;
  for (let i0 = 0; i0 < n0; i0++) {
    const i = down0 ? n0 - 1 - i0 : i0;
    const lower0 = i > 0 ? -s0 : (n0 - 1) * s0;
    const upper0 = i < n0 - 1 ? s0 : (1 - n0) * s0;
    for (let i1 = 0; i1 < n1; i1++) {
      const j = down1 ? n1 - 1 - i1 : i1;
      const lower1 = j > 0 ? -s1 : (n1 - 1) * s1;
      const upper1 = j < n1 - 1 ? s1 : (1 - n1) * s1;
      const row = i * s0 + j * s1;
      const start = step > 0 ? row : row + n2 - 1;
      if (d === 2) relaxRow2(inverse, link, before, after, b, x, start, step, n2, lower1, upper1);
      else if (d === 3) relaxRow3(inverse, link, before, after, b, x, start, step, n2, lower0, upper0, lower1, upper1);
      else relaxRow1(inverse, before, after, b, x, start, step, n2);
    }
  }
}

function relaxRow1(
  inverse: Float64Array,
  before: Float64Array,
  after: Float64Array,
  b: Float64Array,
  x: Float64Array,
  start: number,
  step: number,
  count: number,
): void {
  let last = x[start + (count - 1) * step];
  for (let i = 1, k = start; i <= count; i++, k += step) {
    const next = i < count ? k + step : start;
    last = (b[k] - after[k] * x[next] - before[k] * last) * inverse[k];
    x[k] = last;
  }
}

function relaxRow2(
  inverse: Float64Array,
  link: readonly Float64Array[],
  before: Float64Array,
  after: Float64Array,
  b: Float64Array,
  x: Float64Array,
  start: number,
  step: number,
  count: number,
  lower: number,
  upper: number,
): void {
  const l0 = link[0];
  const l1 = link[1];
  let last = x[start + (count - 1) * step];
  for (let i = 1, k = start; i <= count; i++, k += step) {
    const next = i < count ? k + step : start;
    const rest = b[k] - l0[k] * x[k + lower] - l1[k] * x[k + upper] - after[k] * x[next];
    // Only this line waits for the cell before.
    last = (rest - before[k] * last) * inverse[k];
    x[k] = last;
  }
}

function relaxRow3(
  inverse: Float64Array,
  link: readonly Float64Array[],
  before: Float64Array,
  after: Float64Array,
  b: Float64Array,
  x: Float64Array,
  start: number,
  step: number,
  count: number,
  lower0: number,
  upper0: number,
  lower1: number,
  upper1: number,
): void {
  const l0 = link[0];
  const l1 = link[1];
  const l2 = link[2];
  const l3 = link[3];
  let last = x[start + (count - 1) * step];
  for (let i = 1, k = start; i <= count; i++, k += step) {
    const next = i < count ? k + step : start;
    const rest =
      b[k] -
      l0[k] * x[k + lower0] -
      l1[k] * x[k + upper0] -
      l2[k] * x[k + lower1] -
      l3[k] * x[k + upper1] -
      after[k] * x[next];
    last = (rest - before[k] * last) * inverse[k];
    x[k] = last;
  }
}

function residualOf(
  { size, neighbour }: Level,
  { diagonal, link }: Coefficients,
  b: Float64Array,
  x: Float64Array,
  r: Float64Array,
): void {
  for (let k = 0; k < size; k++) r[k] = b[k] - diagonal[k] * x[k];
  for (let a = 0; a < link.length; a += 2) {
    const low = link[a];
    const up = link[a + 1];
    const below = neighbour[a];
    const above = neighbour[a + 1];
    for (let k = 0; k < size; k++) r[k] -= low[k] * x[below[k]] + up[k] * x[above[k]];
  }
}

// The coarse matrix, edge by edge: upper link of k and lower link of its upper neighbour.
function restrictMatrix(level: Level, fine: Coefficients, next: Level, coarse: Coefficients): void {
  const { parent, ratio } = level.coarser!;
  const { size, neighbour, shape, strides, open } = level;
  coarse.diagonal.fill(0);
  for (const row of coarse.link) row.fill(0);
  for (let k = 0; k < size; k++) if (open[k] === 1) coarse.diagonal[parent[k]] += fine.diagonal[k];
  const d = ratio.length;
  for (let a = 0; a < d; a++) {
    const up = fine.link[2 * a + 1];
    const low = fine.link[2 * a];
    const coarseUp = coarse.link[2 * a + 1];
    const coarseLow = coarse.link[2 * a];
    const other = neighbour[2 * a + 1];
    const theta = ratio[a];
    const n = shape[3 - d + a];
    const stride = strides[3 - d + a];
    for (let base = 0; base < size; base += n * stride) {
      for (let i = 0; i < n; i++) {
        const rest = 1 - theta[i];
        for (let k = base + i * stride; k < base + (i + 1) * stride; k++) {
          const l = other[k];
          if (l === k) continue;
          const K = parent[k];
          const L = parent[l];
          if (K === L) coarse.diagonal[K] += up[k] + low[l];
          else {
            const less = rest * Math.min(0, Math.max(up[k], low[l]));
            coarseUp[K] += up[k] - less;
            coarseLow[L] += low[l] - less;
            coarse.diagonal[K] += less;
            coarse.diagonal[L] += less;
          }
        }
      }
    }
  }
  for (let k = 0; k < next.size; k++) if (next.open[k] === 0) coarse.diagonal[k] = 1;
}

// All row sums, or all column sums, are 0 to round-off.
function isSingular({ cells, diagonal, link }: Stencil): boolean {
  const { size } = cells.grid;
  const vanish = (sum: (k: number) => number): boolean => {
    for (let k = 0; k < size; k++) if (cells.open[k] === 1 && Math.abs(sum(k)) > 1e-13 * diagonal[k]) return false;
    return true;
  };
  const rows = (k: number) => {
    let sum = diagonal[k];
    for (let j = 0; j < link.length; j++) sum += link[j][k];
    return sum;
  };
  const columns = (k: number) => {
    let sum = diagonal[k];
    for (let j = 0; j < link.length; j++) {
      const other = cells.neighbour[j][k];
      if (other !== k) sum += link[j ^ 1][other];
    }
    return sum;
  };
  return vanish(rows) || vanish(columns);
}

// P A = L U of the coarsest matrix; of A + α 11ᵀ over open cells when A is singular, which fixes the sum of the solution.
function factorise(
  { size: n, neighbour, open }: Level,
  { diagonal, link }: Coefficients,
  lu: Float64Array,
  pivots: Int32Array,
  singular: boolean,
): void {
  lu.fill(0);
  let largest = 0;
  for (let k = 0; k < n; k++) {
    lu[k * n + k] += diagonal[k];
    largest = Math.max(largest, Math.abs(diagonal[k]));
    for (let j = 0; j < link.length; j++) if (neighbour[j][k] !== k) lu[k * n + neighbour[j][k]] += link[j][k];
  }
  if (singular) {
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) if (open[i] === 1 && open[j] === 1) lu[i * n + j] += largest / n;
  }
  for (let k = 0; k < n; k++) {
    let best = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(lu[i * n + k]) > Math.abs(lu[best * n + k])) best = i;
    pivots[k] = best;
    if (best !== k) {
      for (let j = 0; j < n; j++) {
        const kept = lu[k * n + j];
        lu[k * n + j] = lu[best * n + j];
        lu[best * n + j] = kept;
      }
    }
    // A closed pocket without shift: its equation says nothing, its correction is 0.
    const pivot = lu[k * n + k];
    const regular = Math.abs(pivot) > 1e-13 * largest;
    if (!regular) lu[k * n + k] = Infinity;
    for (let i = k + 1; i < n; i++) {
      const factor = regular ? lu[i * n + k] / pivot : 0;
      lu[i * n + k] = factor;
      if (factor !== 0) for (let j = k + 1; j < n; j++) lu[i * n + j] -= factor * lu[k * n + j];
    }
  }
}

function substitute(lu: Float64Array, pivots: Int32Array, b: Float64Array, x: Float64Array): void {
  const n = pivots.length;
  x.set(b);
  for (let k = 0; k < n; k++) {
    const p = pivots[k];
    const kept = x[p];
    x[p] = x[k];
    x[k] = kept;
  }
  for (let i = 1; i < n; i++) {
    let sum = x[i];
    for (let j = 0; j < i; j++) sum -= lu[i * n + j] * x[j];
    x[i] = sum;
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = x[i];
    for (let j = i + 1; j < n; j++) sum -= lu[i * n + j] * x[j];
    x[i] = sum / lu[i * n + i];
  }
}
