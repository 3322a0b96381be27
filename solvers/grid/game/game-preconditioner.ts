// The game's linearisation with every coefficient replaced by its mean over space, inverted exactly: mode by mode of −Δ_h a two-point
// boundary value problem in time,
//   (uⁿ − uⁿ⁺¹)/Δt + λ_n(θuⁿ + (1−θ)uⁿ⁺¹) − c_n(θmⁿ⁺¹ + (1−θ)mⁿ) = r_n       uᴺ = g mᴺ    (planning: mᴺ = 0)
//   (mⁿ⁺¹ − mⁿ)/Δt + λ_n(θmⁿ⁺¹ + (1−θ)mⁿ) + w_n(θuⁿ + (1−θ)uⁿ⁺¹) = s_n       m⁰ = 0
//   λ_n: viscosity with the mean upwind viscosity, c_n: mean ∂f/∂m − ∂G/∂m, w_n: mean m ∂²G/∂p²
// by the Riccati sweep mⁿ = ρ_n − R_n uⁿ forward, then u and m backward. With w = 0 it is the block-triangular preconditioner;
// with w the first-order effect of the control on the crowd is inverted too, and planning games, which have no other, are solved.
// Slabs r_n and s_n go through one complex transform together (src/linalg/field-transform.ts). O(N log N) for each application.
// Populations are taken apart: couplings between them are left to the Krylov method.
// References: Achdou, Perez 2012 (key achdou2012iterative); Achdou, Capuzzo-Dolcetta 2010 (key achdou2010mean).
import { type Apply, axisEigenvalues, type FieldTransform, fieldTransform } from "../../../src/linalg/index.js";
import type { GameLinearisation, GameScheme } from "./game-scheme.js";

/** A preconditioner that is refreshed at each linearisation. */
export interface GamePreconditioner {
  /** The masses of M⁻¹v follow the sums of v as F′ has it, to round-off, where neither doors nor obstacles are. */
  readonly keepsMass: boolean;
  /** Takes over the coefficients of F′(x). */
  update(linearisation: GameLinearisation): void;
  /** out ← M⁻¹ v. */
  readonly apply: Apply<Float64Array>;
}

/**
 * Plans the mean-coefficient preconditioner of a scheme.
 *
 * *Notes*: for boxes without doors and obstacles; elsewhere it still works as the preconditioner of the box around.
 *
 * *References*: achdou2012iterative
 */
export function transformPreconditioner(scheme: GameScheme): GamePreconditioner {
  const { cells: c, steps: N, dt, theta, problem } = scheme;
  const { grid } = c;
  const { size, dimension: d } = grid;
  const K = problem.populations.length;
  const transform: FieldTransform = fieldTransform(grid);
  const eigenvalues = grid.axes.map(axisEigenvalues);
  const half = K * N * size;
  // R_n, n = 0 … N, and the coefficients of each mode: one population after the other.
  const modes = Array.from({ length: K }, () => ({
    riccati: Array.from({ length: N + 1 }, () => new Float64Array(size)),
    spread: new Float64Array(N * d),
    control: new Float64Array(N * d),
    crowd: new Float64Array(N),
    end: 0,
  }));
  const lambda = new Float64Array(size);
  const w = new Float64Array(size);
  const planning = scheme.final !== null;

  return {
    keepsMass: c.isPlain,
    update(linearisation) {
      for (let k = 0; k < K; k++) {
        const mode = modes[k];
        const mean = (x: Float64Array) => x.reduce((sum, value) => sum + value, 0) / c.openCount;
        for (let n = 0; n < N; n++) {
          const { link } = linearisation.rates[k][n];
          for (let a = 0; a < d; a++) {
            const square = grid.axes[a].spacing ** 2;
            mode.spread[n * d + a] = 0.5 * square * (mean(link[2 * a]) + mean(link[2 * a + 1]));
            mode.control[n * d + a] = square * mean(linearisation.curvature[k][n][a]);
          }
          mode.crowd[n] = Math.max(0, linearisation.crowding(k, n));
        }
        mode.end = Math.max(0, linearisation.crowding(k, N));
        const { riccati } = mode;
        riccati[0].fill(0);
        for (let n = 0; n < N; n++) {
          modesOf(mode.spread, n, eigenvalues, lambda);
          modesOf(mode.control, n, eigenvalues, w);
          riccatiStep(dt, theta, mode.crowd[n], lambda, w, riccati[n], riccati[n + 1]);
        }
      }
    },
    apply(v, out) {
      out.set(v);
      for (let k = 0; k < K; k++) {
        const { riccati, spread, control, crowd, end } = modes[k];
        const u = Array.from({ length: N }, (_, n) => slab(out, k * N + n, size));
        const m = Array.from({ length: N }, (_, n) => slab(out, half / size + k * N + n, size));
        for (let n = 0; n < N; n++) {
          transform.forward(u[n], m[n]);
          modesOf(spread, n, eigenvalues, lambda);
          modesOf(control, n, eigenvalues, w);
          forwardStep(dt, theta, crowd[n], lambda, w, riccati[n], n === 0 ? null : m[n - 1], u[n], m[n]);
        }
        // Here m[n] is ρ_{n+1}. At the end uᴺ is found and, in the place of mᴺ, stands what the unknowns have there.
        const last = m[N - 1];
        const atEnd = new Float64Array(size);
        const R = riccati[N];
        for (let i = 0; i < size; i++) {
          const rho = last[i];
          if (planning) atEnd[i] = R[i] > 0 ? rho / R[i] : 0;
          else atEnd[i] = (end * rho) / (1 + end * R[i]);
        }
        for (let n = N - 1; n >= 0; n--) {
          modesOf(spread, n, eigenvalues, lambda);
          const next = n === N - 1 ? atEnd : u[n + 1];
          backwardStep(
            dt,
            theta,
            crowd[n],
            lambda,
            riccati[n],
            riccati[n + 1],
            next,
            n === 0 ? null : m[n - 1],
            u[n],
            m[n],
          );
        }
        if (planning) last.set(atEnd);
        for (let n = 0; n < N; n++) transform.inverse(u[n], m[n]);
      }
    },
  };
}

function slab(x: Float64Array, index: number, size: number): Float64Array {
  return x.subarray(index * size, (index + 1) * size);
}

/** out ← Σ_a weight_a λ_a, the eigenvalues of −Σ_a weight_a ∂²_a. */
function modesOf(weight: Float64Array, n: number, eigenvalues: readonly Float64Array[], out: Float64Array): void {
  const d = eigenvalues.length;
  const none = NOTHING;
  const l2 = eigenvalues[d - 1];
  const l1 = d > 1 ? eigenvalues[d - 2] : none;
  const l0 = d > 2 ? eigenvalues[d - 3] : none;
  const w2 = weight[n * d + d - 1];
  const w1 = d > 1 ? weight[n * d + d - 2] : 0;
  const w0 = d > 2 ? weight[n * d + d - 3] : 0;
  let at = 0;
  for (let i = 0; i < l0.length; i++)
    for (let j = 0; j < l1.length; j++) {
      const base = w0 * l0[i] + w1 * l1[j];
      for (let k = 0; k < l2.length; k++) out[at++] = base + w2 * l2[k];
    }
}

const NOTHING = new Float64Array(1);

function riccatiStep(
  dt: number,
  theta: number,
  c: number,
  lambda: Float64Array,
  w: Float64Array,
  R: Float64Array,
  out: Float64Array,
): void {
  const phi = 1 - theta;
  for (let i = 0; i < R.length; i++) {
    const d = 1 / dt + theta * lambda[i];
    const b = 1 / dt - phi * lambda[i];
    const E = d + c * phi * R[i];
    const W = b * R[i] + theta * w[i];
    out[i] = ((W * b) / E + phi * w[i]) / (d + (W * c * theta) / E);
  }
}

/** s ← ρ_{n+1} from r, s and ρ_n (`null`: 0). */
function forwardStep(
  dt: number,
  theta: number,
  c: number,
  lambda: Float64Array,
  w: Float64Array,
  R: Float64Array,
  rho: Float64Array | null,
  r: Float64Array,
  s: Float64Array,
): void {
  const phi = 1 - theta;
  for (let i = 0; i < R.length; i++) {
    const before = rho === null ? 0 : rho[i];
    const d = 1 / dt + theta * lambda[i];
    const b = 1 / dt - phi * lambda[i];
    const E = d + c * phi * R[i];
    const W = b * R[i] + theta * w[i];
    s[i] = (b * before + s[i] - (W / E) * (r[i] + c * phi * before)) / (d + (W * c * theta) / E);
  }
}

/** ρ_{n+1} ← mⁿ⁺¹, r ← uⁿ from uⁿ⁺¹ and ρ_n. */
function backwardStep(
  dt: number,
  theta: number,
  c: number,
  lambda: Float64Array,
  R: Float64Array,
  nextR: Float64Array,
  next: Float64Array,
  rho: Float64Array | null,
  r: Float64Array,
  m: Float64Array,
): void {
  const phi = 1 - theta;
  for (let i = 0; i < R.length; i++) {
    const before = rho === null ? 0 : rho[i];
    const d = 1 / dt + theta * lambda[i];
    const b = 1 / dt - phi * lambda[i];
    const here = m[i] - nextR[i] * next[i];
    m[i] = here;
    r[i] = (b * next[i] + c * theta * here + r[i] + c * phi * before) / (d + c * phi * R[i]);
  }
}
