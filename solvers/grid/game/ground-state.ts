// Ground state: the ergodic game with H = κ|p|² and a local cost, through its Cole–Hopf form. With u = −(ν/κ) ln φ,
//   −νΔu + κ|∇u|² + λ̄ = f(x, m),  −νΔm − div(2κ m∇u) = 0   ⇔   −(ν²/κ) Δφ + f(x, φ²) φ = λ̄ φ,   m = φ²,   ∫φ² = mass
// a nonlinear eigenproblem for φ > 0. Space: Fourier collocation on periodic axes, cosine collocation between walls, so that −Δ has
// the exact symbol (2πk/L)² or (πk/L)² and errors fall faster than any power of h for smooth f: an oracle for schemes of finite order.
// Solved by Newton–GMRES on (φ, λ̄), the residual smoothed by (1 − (ν²/κ)Δ)⁻¹ so that its size is that of an error in φ and round-off
// stays round-off on fine grids; preconditioner: (σ − (ν²/κ)Δ)⁻¹ by transforms, bordered with φ.
// Conditions: ν > 0, plain box (no obstacle), one population. φ > 0 is kept by moving along positive curves, never by clipping.
// References: Lasry, Lions 2007 (key lasry2007mean); Achdou, Capuzzo-Dolcetta 2010 (key achdou2010mean).
import type { MeanFieldGame } from "../../../problems/mean-field-game.js";
import { breathing } from "../../../src/breathing.js";
import { demand, demandKnown } from "../../../src/error.js";
import { type CellCounts, cells, integrate } from "../../../src/grid/index.js";
import {
  alongAxis,
  arraySpace,
  cosineTransform,
  fourierTransform,
  type LineTransform,
  newton,
} from "../../../src/linalg/index.js";
import type { Problem } from "../../../src/problem.js";
import type { SolveContext, Solver } from "../../../src/solver.js";
import { type GameReached, type GridGameSolution, gridGameSolver } from "./game-solution.js";

export interface GroundStateOptions {
  /** Cells along each axis, or one number for all, integers ≥ 4; default `null`: 256, 64, 32 in one, two, three dimensions. */
  readonly points?: CellCounts;
  /** Root mean square of the smoothed residual, an error in φ, at which to stop, > 0; default 1e-12. */
  readonly tolerance?: number;
  /** Newton steps, integer ≥ 1; default 60. */
  readonly maxIterations?: number;
}

/**
 * Solves an ergodic game with quadratic Hamiltonian and local cost to spectral accuracy, as a nonlinear ground state.
 *
 * −(ν²/κ) Δφ + f(x, φ²) φ = λ̄ φ, m = φ², u = −(ν/κ) ln φ
 *
 * @param options points, tolerance, Newton steps
 * @returns a solver; its solution has two equal slabs and `fields.ergodicConstant`
 * @throws UsageError when an option does not fit
 *
 * *Notes*: nodes are cell centres; the slabs are accurate to the digits of the collocation, but values between nodes are
 * interpolated to second order. A cost that falls with the density may have several ground states: one is found.
 *
 * *Good values*: 64 a side for ν ≥ 0.1 and data of a few Fourier modes; about 1/√(ν²/κ) times more for small ν.
 *
 * *References*: lasry2007mean, achdou2010mean
 */
export function groundState(options: GroundStateOptions = {}): Solver<MeanFieldGame, GridGameSolution> {
  const where = "groundState";
  demandKnown(where, options, ["points", "tolerance", "maxIterations"]);
  const { points = null, tolerance = 1e-12, maxIterations = 60 } = options;
  demand(
    tolerance > 0 && Number.isFinite(tolerance),
    where,
    "tolerance",
    "be a finite number > 0",
    tolerance,
    "Use tolerance: 1e-12",
  );
  demand(
    Number.isInteger(maxIterations) && maxIterations >= 1,
    where,
    "maxIterations",
    "be an integer ≥ 1",
    maxIterations,
    "Use maxIterations: 60 to start",
  );
  const references = ["lasry2007mean", "achdou2010mean"];
  const record = { name: where, order: null, references, options: { points, tolerance, maxIterations } };
  return gridGameSolver(record, handles, (problem, context) => run(problem, points, tolerance, maxIterations, context));
}

function handles(problem: Problem): true | string {
  if (problem.kind !== "mean-field-game") return "it solves mean-field games only";
  const game = problem as MeanFieldGame;
  if (game.mode !== "ergodic") return `the game is ${game.mode}, not ergodic; use coleHopf() or newton()`;
  if (game.dimension > 3) return "it works in one to three dimensions; use a particle or neural solver";
  if (game.populations.length > 1) return "it takes one population; use ergodic()";
  const [{ hamiltonian, viscosity, densitySource }] = game.populations;
  if (hamiltonian.quadraticWeight === null) return "the Hamiltonian must be κ|p|² with constant κ; use ergodic()";
  if (!(viscosity > 0)) return "the viscosity must be > 0; use for example viscosity: 0.01";
  if (!game.domain.isPlain) return "the domain has an obstacle or doors; use ergodic()";
  if (game.coupling.isNonlocal) return "the cost is nonlocal; use ergodic()";
  if (densitySource !== null) return "the density has a source; use ergodic()";
  return true;
}

async function run(
  problem: MeanFieldGame,
  points: CellCounts,
  tolerance: number,
  maxIterations: number,
  context: SolveContext,
): Promise<GameReached> {
  const c = cells(problem.domain, points);
  const { size, cellVolume } = c.grid;
  const [{ viscosity: nu, hamiltonian, valueSource }] = problem.populations;
  const kappa = hamiltonian.quadraticWeight as number;
  const stiffness = nu ** 2 / kappa;
  const mass = problem.populations[0].mass ?? 1;
  const cost = problem.coupling.on(c);
  const source = valueSource === null ? null : valueSource.evaluate(0, c.points);
  const transforms = c.grid.axes.map(
    (a): LineTransform => (a.boundary === "periodic" ? fourierTransform(a.points) : cosineTransform(a.points)),
  );
  // The exact symbol of −Δ, in the order of the transforms.
  const symbol = new Float64Array(size);
  c.grid.axes.forEach(({ points: n, lower, upper, boundary }, a) => {
    for (let k = 0; k < size; k++) {
      const slot = Math.floor(k / c.grid.strides[a]) % n;
      const wave = boundary === "periodic" ? 2 * Math.min(slot, n - slot) : slot;
      symbol[k] += ((Math.PI * wave) / (upper - lower)) ** 2;
    }
  });
  const transform = (v: Float64Array, direction: "forward" | "inverse"): void => {
    transforms.forEach((line, a) => {
      alongAxis(line, v, c.grid.strides[a], direction);
    });
  };

  const m = new Float64Array(size);
  const f = new Float64Array(size);
  const work = new Float64Array(size);
  const density = (phi: Float64Array): void => {
    for (let k = 0; k < size; k++) m[k] = phi[k] * phi[k];
  };
  /** f(x, φ²) of the φ in m. */
  const costOf = (): void => {
    cost.evaluate(0, [m], [f]);
    if (source !== null) for (let k = 0; k < size; k++) f[k] += source[k];
  };
  /** out ← (1 − cΔ)⁻¹(−cΔv + w), c = ν²/κ. Transforms w. */
  const smoothed = (v: Float64Array, w: Float64Array, out: Float64Array): void => {
    out.set(v.subarray(0, size));
    transform(out, "forward");
    transform(w, "forward");
    for (let k = 0; k < size; k++) out[k] = (stiffness * symbol[k] * out[k] + w[k]) / (1 + stiffness * symbol[k]);
    transform(out, "inverse");
  };

  // Unknowns φ and, last, λ̄ scaled so that it weighs as much as a field.
  const scale = Math.sqrt(size);
  const space = arraySpace(size + 1, 1 / size);
  const slope = new Float64Array(size);
  const phiNow = new Float64Array(size);
  const average = new Float64Array(size).fill(mass / (size * cellVolume));
  m.set(average);
  costOf();
  const initial = new Float64Array(size + 1);
  for (let k = 0; k < size; k++) initial[k] = Math.sqrt(average[k]);
  initial[size] = scale * (f.reduce((sum, v) => sum + v, 0) / size);
  const range = problem.coupling.massRange;
  const breathe = breathing(context.signal);
  const result = await newton({
    space,
    initial,
    tolerance: 0,
    absolute: tolerance,
    maxIterations,
    restart: 60,
    signal: context.signal,
    onIteration: (iteration, residual) => context.progress({ stage: "Newton", iteration, fraction: null, residual }),
    // φ stays positive: 1 + s, and below −½ the hyperbola with the same value and slope there
    move(x, lambda, d, out) {
      for (let k = 0; k < size; k++) {
        const share = (lambda * d[k]) / x[k];
        out[k] = x[k] * (share >= -0.5 ? 1 + share : -0.25 / share);
      }
      out[size] = x[size] + lambda * d[size];
    },
    admissible: (x) => {
      for (let k = 0; k < size; k++) if (!(x[k] > 0 && x[k] * x[k] < range[1])) return false;
      return true;
    },
    residual(x, out) {
      density(x);
      costOf();
      let total = 0;
      for (let k = 0; k < size; k++) {
        work[k] = (f[k] - x[size] / scale) * x[k];
        total += m[k];
      }
      smoothed(x, work, out.subarray(0, size));
      out[size] = scale * (total / size - mass / (size * cellVolume)) * 0.5;
    },
    jacobian(x, v, out) {
      let along = 0;
      for (let k = 0; k < size; k++) {
        work[k] = slope[k] * v[k] - (v[size] / scale) * x[k];
        along += x[k] * v[k];
      }
      smoothed(v, work, out.subarray(0, size));
      out[size] = (scale * along) / size;
    },
    preconditioner(x) {
      density(x);
      costOf();
      const derivative = cost.linearise(0, [m]);
      for (let k = 0; k < size; k++) phiNow[k] = 2 * m[k];
      derivative.apply([phiNow], [slope]);
      let mean = 0;
      for (let k = 0; k < size; k++) {
        slope[k] += f[k] - x[size] / scale;
        mean += slope[k] / size;
      }
      phiNow.set(x.subarray(0, size));
      const sigma = Math.max(mean, stiffness);
      // From the smoothed residual, hence 1 − cΔ above; φ itself has not been smoothed.
      const solveShifted = (v: Float64Array, out: Float64Array, own: number): void => {
        out.set(v.subarray(0, size));
        transform(out, "forward");
        for (let k = 0; k < size; k++) out[k] *= (1 + own * stiffness * symbol[k]) / (sigma + stiffness * symbol[k]);
        transform(out, "inverse");
      };
      const border = new Float64Array(size);
      solveShifted(phiNow, border, 0);
      let pivot = 0;
      for (let k = 0; k < size; k++) pivot += (phiNow[k] * border[k]) / size;
      return async (r, out) => {
        await breathe();
        const z = out.subarray(0, size);
        solveShifted(r, z, 1);
        let along = 0;
        for (let k = 0; k < size; k++) along += (phiNow[k] * z[k]) / size;
        const change = (r[size] / scale - along) / pivot;
        for (let k = 0; k < size; k++) z[k] += change * border[k];
        out[size] = scale * change;
      };
    },
  });
  context.signal?.throwIfAborted();

  const phi = result.solution;
  const found = new Float64Array(size);
  const u = new Float64Array(size);
  for (let k = 0; k < size; k++) {
    found[k] = phi[k] * phi[k];
    u[k] = (-nu / kappa) * Math.log(phi[k]);
  }
  const mean = integrate(c.grid, u) / (size * cellVolume);
  for (let k = 0; k < size; k++) u[k] -= mean;
  return {
    fields: {
      cells: c,
      times: Float64Array.of(0, problem.horizon),
      value: [[u, u]],
      density: [[found, found]],
      ergodicConstant: [phi[size] / scale],
    },
    status: {
      converged: result.status.converged,
      text: result.status.converged
        ? result.status.text
        : `${result.status.text}. Try more points (a density this concentrated needs them), a larger viscosity first, or ergodic()`,
    },
    histories: [result.history, result.linearIterations, result.steps],
    counts: {
      newtonIterations: result.iterations,
      linearIterations: result.linearIterations.values.reduce((sum, n) => sum + n, 0),
    },
  };
}
