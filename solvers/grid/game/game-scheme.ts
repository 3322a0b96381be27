// A mean-field game on cells and time steps. With A(U, M) v = −νΔv + Σ_j ∂G/∂D_j(τ, DU, M) D_j v, for n = 0 … N − 1:
//   (uⁿ − uⁿ⁺¹)/Δt − νΔU + G(τ, D U, M) = f(t, M) + s          uᴺ = g(T, mᴺ)     (planning: mᴺ prescribed, uᴺ unknown)
//   (mⁿ⁺¹ − mⁿ)/Δt + A(U, M)ᵀ M = q                            m⁰ = m₀
//   U = θuⁿ + (1 − θ)uⁿ⁺¹,  M = θmⁿ⁺¹ + (1 − θ)mⁿ
//   θ = 1  implicit Euler, τ = t_n, t = t_{n+1} (f, s and q are paid on arrival): order 1; with a monotone G the matrix 1/Δt + A is
//          an M-matrix: m ≥ 0 for every Δt, discrete comparison, and uniqueness carried over from the continuum
//   θ = ½  implicit midpoint, τ = t = t_{n+½}: order 2, symplectic; m ≥ 0 only while Δt and h resolve the solution
// For both the Fokker–Planck operator is the exact transpose of the linearised Hamilton–Jacobi–Bellman operator: A1 = 0 off doors,
// so mass is exact. A acts by rates: (Av)_k = Σ_j r_j(k) (v_k − v_{neighbour j}), r ≥ 0: the generator of a Markov chain.
// Reference: Achdou, Capuzzo-Dolcetta 2010 (key achdou2010mean).
import { densityOn, type MeanFieldGame } from "../../../problems/index.js";
import type { CouplingDerivative, Field, GridCoupling, Hamiltonian } from "../../../problems/terms/index.js";
import { demand } from "../../../src/error.js";
import {
  addAdjointDifferences,
  addLaplacian,
  type Cells,
  cells as cellsOf,
  differences,
  regions,
} from "../../../src/grid/index.js";
import type { GameFields } from "../../../src/solution/index.js";
import {
  type NumericalHamiltonian,
  type NumericalHamiltonianScheme,
  type NumericalJet,
  numericalHamiltonian,
} from "./numerical-hamiltonian.js";

/** One field on the cells for each population. */
export type Slab = readonly Float64Array[];

export interface GameSchemeOptions {
  /** Cells an axis, one number or one for each axis. */
  readonly points: number | readonly number[];
  /** Time steps N, an integer ≥ 1. */
  readonly steps: number;
  /** Numerical Hamiltonian: `"upwind"` (default) and `"lax-friedrichs"` monotone, order 1; `"central"` order 2; or a function that makes one. */
  readonly scheme?: NumericalHamiltonianScheme | ((hamiltonian: Hamiltonian, cells: Cells) => NumericalHamiltonian);
  /** Default `"midpoint"` with `scheme: "central"`, else `"implicit-euler"`. */
  readonly time?: "implicit-euler" | "midpoint";
}

/** Formal order of a scheme, the lower of space and time; 1 for a numerical Hamiltonian of the user's own. */
export function gameOrder({ scheme, time }: Pick<Partial<GameSchemeOptions>, "scheme" | "time">): 1 | 2 {
  return scheme === "central" && time !== "implicit-euler" ? 2 : 1;
}

/** A(U, M) of one step and population, by jump rates. */
export interface Rates {
  /** r_j(k) ≥ 0 when G is monotone; 2d fields. Links that lead nowhere (walls, doors) have k itself as neighbour and do not count. */
  readonly link: readonly Float64Array[];
}

/** The discrete game. It keeps scratch, so it serves one caller at a time. */
export interface GameScheme {
  readonly problem: MeanFieldGame;
  readonly cells: Cells;
  readonly steps: number;
  /** Δt. */
  readonly dt: number;
  /** t_0 … t_N. */
  readonly times: Float64Array;
  /** 1 or ½. */
  readonly theta: number;
  readonly hamiltonians: readonly NumericalHamiltonian[];
  readonly running: GridCoupling;
  /** `null`: g = 0. */
  readonly terminal: GridCoupling | null;
  /** m₀ of each population. */
  readonly initial: Slab;
  /** m(T) of a planning game; `null` otherwise. */
  readonly final: Slab | null;
  /** Unknowns: 2·K·N·size, u⁰ … uᴺ⁻¹ of each population, then m¹ … mᴺ of each; in a planning game uᴺ stands in the place of mᴺ. */
  readonly length: number;
  /** Time at which G and its rates of step n are taken. */
  driftTime(n: number): number;
  /** Time at which f, s and q of step n are taken. */
  costTime(n: number): number;
  /** out[k] ← f_k(t, M) + s_k of step n. */
  cost(n: number, m: Slab, out: Slab): void;
  /** out[k] ← g_k(T, mᴺ), 0 without terminal cost. */
  terminalCost(m: Slab, out: Slab): void;
  /**
   * Residual of the Hamilton–Jacobi–Bellman step n of population k.
   *
   * @param now uⁿ
   * @param next uⁿ⁺¹
   * @param m M
   * @param cost f + s as made by {@link GameScheme.cost}
   */
  valueResidual(
    k: number,
    n: number,
    now: Float64Array,
    next: Float64Array,
    m: Float64Array,
    cost: Float64Array,
    out: Float64Array,
  ): void;
  /** Residual of the Fokker–Planck step n of population k under given rates; `now` = mⁿ, `next` = mⁿ⁺¹. */
  densityResidual(k: number, n: number, now: Float64Array, next: Float64Array, rates: Rates, out: Float64Array): void;
  /** G and derivatives of step n of population k at U and M; valid until the next call for this population. */
  jet(k: number, n: number, u: Float64Array, m: Float64Array, order: 0 | 1 | 2): NumericalJet;
  /** Fills the rates of A(U, M) for step n of population k. */
  rates(k: number, n: number, u: Float64Array, m: Float64Array, out: Rates): void;
  /** Rates of zeros. */
  zeroRates(): Rates;
  /** θ·here + (1 − θ)·there: U from (uⁿ, uⁿ⁺¹), M from (mⁿ⁺¹, mⁿ). For θ = 1 it is `here` itself, else `out` filled. */
  blend(here: Float64Array, there: Float64Array, out: Float64Array): Float64Array;
  /** u, m at all N + 1 times as views into x (and g(mᴺ), m₀ …, computed or kept). */
  slabs(x: Float64Array): {
    readonly u: readonly (readonly Float64Array[])[];
    readonly m: readonly (readonly Float64Array[])[];
  };
  /** Fields of a vector of unknowns, copied. */
  fields(x: Float64Array): GameFields;
  /** Unknowns of fields on the same cells and steps, copied. */
  unknowns(fields: GameFields): Float64Array;
  /** out ← F(x), the residuals of all steps in the order of the unknowns: value steps 0 … N − 1 of each population, then density steps. */
  residual(x: Float64Array, out: Float64Array): void;
  /** F′(x), matrix-free; valid until the next call. */
  linearise(x: Float64Array): GameLinearisation;
}

/** F′(x) and its coefficients: `[k][n]` is population k, step n. */
export interface GameLinearisation {
  /** out ← F′(x) v. */
  apply(v: Float64Array, out: Float64Array): void;
  /** A(U, M). */
  readonly rates: readonly (readonly Rates[])[];
  /** ∂f_k/∂m_l at `[k][l][n]`; `null` where it is nonlocal. */
  readonly coupling: readonly (readonly (readonly Float64Array[])[])[] | null;
  /** M ∂²G/∂D_j² summed over the two sides of the face above cell i on axis a and divided by h²: `[k][n][a]`. */
  readonly curvature: readonly (readonly (readonly Float64Array[])[])[];
  /**
   * Mean under m_k of ∂(f_k − G_k)/∂m_k of step n, and of ∂g_k/∂m_k for n = N; of a nonlocal coupling its answer to the constant 1.
   */
  crowding(k: number, n: number): number;
}

/**
 * out ← out + scale · A v, with doors at cost 0.
 *
 * @param v field
 */
export function addGenerator(c: Cells, rates: Rates, v: Float64Array, scale: number, out: Float64Array): void {
  const { size, dimension } = c.grid;
  for (let a = 0; a < dimension; a++) {
    const other = c.neighbour[2 * a + 1];
    const up = rates.link[2 * a + 1];
    const down = rates.link[2 * a];
    for (let k = 0; k < size; k++) {
      const p = other[k];
      const fall = scale * (v[k] - v[p]);
      out[k] += up[k] * fall;
      out[p] -= down[p] * fall;
    }
  }
  const { link, cell } = c.doors;
  for (let i = 0; i < link.length; i++) out[cell[i]] += 2 * scale * rates.link[link[i]][cell[i]] * v[cell[i]];
}

/** out ← out + scale · Aᵀ m: what the chain's jumps take from each cell less what they bring. */
export function addGeneratorTranspose(c: Cells, rates: Rates, m: Float64Array, scale: number, out: Float64Array): void {
  const { size, dimension } = c.grid;
  for (let a = 0; a < dimension; a++) {
    const other = c.neighbour[2 * a + 1];
    const up = rates.link[2 * a + 1];
    const down = rates.link[2 * a];
    for (let k = 0; k < size; k++) {
      const p = other[k];
      const flow = scale * (up[k] * m[k] - down[p] * m[p]);
      out[k] += flow;
      out[p] -= flow;
    }
  }
  const { link, cell } = c.doors;
  for (let i = 0; i < link.length; i++) out[cell[i]] += 2 * scale * rates.link[link[i]][cell[i]] * m[cell[i]];
}

/**
 * Discretises a time-dependent or planning game.
 *
 * @param problem a game with laws that have densities
 * @param options cells, steps, numerical Hamiltonian, time stepping
 * @throws UsageError when the game is ergodic, steps is no integer ≥ 1, the cells do not fit, or a law has no density
 *
 * *Good values*: as many steps as cells an axis.
 *
 * *References*: achdou2010mean
 */
export function gameScheme(problem: MeanFieldGame, options: GameSchemeOptions): GameScheme {
  const where = "gameScheme";
  const { steps: N, scheme = "upwind", time = scheme === "central" ? "midpoint" : "implicit-euler" } = options;
  demand(
    problem.mode !== "ergodic",
    where,
    "problem",
    "be time-dependent or planning",
    problem.mode,
    "Use ergodic() for stationary games",
  );
  demand(Number.isInteger(N) && N >= 1, where, "steps", "be an integer ≥ 1", N, "Use steps: 64 to start");
  demand(
    time === "implicit-euler" || time === "midpoint",
    where,
    "time",
    'be "implicit-euler" or "midpoint"',
    time,
    'Use time: "implicit-euler"',
  );
  const c = cellsOf(problem.domain, options.points);
  const { size, dimension: d, axes } = c.grid;
  const K = problem.populations.length;
  const T = problem.horizon;
  const dt = T / N;
  const theta = time === "midpoint" ? 0.5 : 1;
  const times = Float64Array.from({ length: N + 1 }, (_, n) => (n === N ? T : n * dt));
  const hamiltonians = problem.populations.map((p) =>
    typeof scheme === "function" ? scheme(p.hamiltonian, c) : numericalHamiltonian(p.hamiltonian, c, { scheme }),
  );
  const jets = hamiltonians.map((h) => h.jet());
  const running = problem.coupling.on(c);
  const terminal = problem.terminal?.on(c) ?? null;
  const lawOn = (which: "initial" | "final"): Slab =>
    problem.populations.map((p) => {
      const law = p[which];
      demand(law !== null, where, which, "be given", law, "Give every population its law");
      return densityOn(law, p.mass, c, `${where}: ${which} density of ${p.name}`);
    });
  const initial = lawOn("initial");
  const final = problem.mode === "planning" ? lawOn("final") : null;
  const half = K * N * size;
  const fieldsFor = (count: number) => Array.from({ length: count }, () => new Float64Array(size));
  const differencesOf = fieldsFor(2 * d);
  const flows = fieldsFor(2 * d);
  const costs = fieldsFor(K);
  const blendU = fieldsFor(K);
  const blendM = fieldsFor(K);
  const terminalU = fieldsFor(K);

  const driftTime = (n: number) => (theta === 1 ? times[n] : 0.5 * (times[n] + times[n + 1]));
  const costTime = (n: number) => (theta === 1 ? times[n + 1] : 0.5 * (times[n] + times[n + 1]));
  const sources = (of: "valueSource" | "densitySource") =>
    problem.populations.map((p) => {
      const s: Field | null = p[of];
      if (s === null) return null;
      const slabs = Array.from({ length: s.dependsOnTime ? N : 1 }, (_, n) => {
        const values = s.evaluate(costTime(n), c.points);
        for (let i = 0; i < size; i++) if (c.open[i] === 0) values[i] = 0;
        return values;
      });
      return (n: number) => slabs[s.dependsOnTime ? n : 0];
    });
  const valueSources = sources("valueSource");
  const densitySources = sources("densitySource");

  if (final !== null) {
    const one = new Float64Array(size).fill(1);
    problem.populations.forEach((p, k) => {
      const given = initial[k].slice();
      const q = densitySources[k];
      for (let n = 0; q !== null && n < N; n++) addProduct(dt, q(n), one, given);
      demandBalance(c, given, final[k], `${where}: ${p.name}`);
    });
  }

  const blend = (here: Float64Array, there: Float64Array, out: Float64Array): Float64Array => {
    if (theta === 1) return here;
    for (let i = 0; i < size; i++) out[i] = theta * here[i] + (1 - theta) * there[i];
    return out;
  };
  const jet = (k: number, n: number, u: Float64Array, m: Float64Array, order: 0 | 1 | 2): NumericalJet => {
    differences(c, u, differencesOf, true);
    hamiltonians[k].evaluate(driftTime(n), differencesOf, m, jets[k], order);
    return jets[k];
  };
  const fillRates = (k: number, slope: readonly Float64Array[], out: Rates): void => {
    const nu = problem.populations[k].viscosity;
    for (let j = 0; j < 2 * d; j++) {
      const { spacing: h } = axes[j >> 1];
      const drift = (j % 2 === 0 ? 1 : -1) / h;
      const spread = nu / h ** 2;
      const g = slope[j];
      const r = out.link[j];
      for (let i = 0; i < size; i++) r[i] = spread + drift * g[i];
    }
  };
  const cost: GameScheme["cost"] = (n, m, out) => {
    running.evaluate(costTime(n), m, out);
    for (let k = 0; k < K; k++) {
      const o = out[k];
      const s = valueSources[k]?.(n);
      if (s !== undefined) for (let i = 0; i < size; i++) o[i] += s[i];
      for (let i = 0; i < size; i++) if (c.open[i] === 0) o[i] = 0;
    }
  };
  const terminalCost: GameScheme["terminalCost"] = (m, out) => {
    if (terminal === null) for (const o of out) o.fill(0);
    else {
      terminal.evaluate(T, m, out);
      for (const o of out) for (let i = 0; i < size; i++) if (c.open[i] === 0) o[i] = 0;
    }
  };
  // The part of a value residual that G does not give.
  const valueRest = (
    k: number,
    u: Float64Array,
    now: Float64Array,
    next: Float64Array,
    paid: Float64Array,
    g: Float64Array,
    out: Float64Array,
  ): void => {
    for (let i = 0; i < size; i++) out[i] = (now[i] - next[i]) / dt + g[i] - paid[i];
    addLaplacian(c, u, -problem.populations[k].viscosity, out, true);
  };
  const densityRest = (
    k: number,
    n: number,
    now: Float64Array,
    next: Float64Array,
    m: Float64Array,
    rates: Rates,
    out: Float64Array,
  ): void => {
    for (let i = 0; i < size; i++) out[i] = (next[i] - now[i]) / dt;
    addGeneratorTranspose(c, rates, m, 1, out);
    const q = densitySources[k]?.(n);
    if (q !== undefined) for (let i = 0; i < size; i++) out[i] -= q[i];
  };
  const slabs: GameScheme["slabs"] = (x) => {
    const at = (index: number) => x.subarray(index * size, (index + 1) * size);
    const m = Array.from({ length: K }, (_, k) => [
      initial[k],
      ...Array.from({ length: N }, (_, n) => (final !== null && n === N - 1 ? final[k] : at((K + k) * N + n))),
    ]);
    if (final === null)
      terminalCost(
        m.map((p) => p[N]),
        terminalU,
      );
    const u = Array.from({ length: K }, (_, k) => [
      ...Array.from({ length: N }, (_, n) => at(k * N + n)),
      final === null ? terminalU[k] : at((K + k) * N + N - 1),
    ]);
    return { u, m };
  };
  const weighted = (x: Float64Array, m: Float64Array): number => {
    let sum = 0;
    let mass = 0;
    for (let i = 0; i < size; i++) {
      sum += m[i] * x[i];
      mass += m[i];
    }
    return mass > 0 ? sum / mass : 0;
  };
  const zeroRates = (): Rates => ({ link: fieldsFor(2 * d) });
  const ownRates = zeroRates();

  const residual: GameScheme["residual"] = (x, out) => {
    const { u, m } = slabs(x);
    for (let n = 0; n < N; n++) {
      const M = m.map((p, k) => blend(p[n + 1], p[n], blendM[k]));
      cost(n, M, costs);
      for (let k = 0; k < K; k++) {
        const U = blend(u[k][n], u[k][n + 1], blendU[k]);
        const { value, slope } = jet(k, n, U, M[k], 1);
        const valueAt = (k * N + n) * size;
        valueRest(k, U, u[k][n], u[k][n + 1], costs[k], value, out.subarray(valueAt, valueAt + size));
        fillRates(k, slope, ownRates);
        const densityAt = half + valueAt;
        densityRest(k, n, m[k][n], m[k][n + 1], M[k], ownRates, out.subarray(densityAt, densityAt + size));
      }
    }
  };

  // Coefficients of F′, one set a step; filled anew by each linearise.
  interface StepCoefficients {
    readonly rates: Rates;
    /** Rates with M ∂²G/∂D_j∂m added, which carry δM; the rates themselves when H does not depend on m. */
    readonly carried: Rates;
    readonly byMass: Float64Array | null;
    readonly curvature: readonly Float64Array[];
    /** M ∂²G/∂D_i∂D_j, i < j, where not always 0. */
    readonly mixed: readonly { readonly i: number; readonly j: number; readonly weight: Float64Array }[];
    /** M ∂²G/∂D_j² at doors, for each door face. */
    readonly doorCurvature: Float64Array;
  }
  const coefficientsOf = (k: number): StepCoefficients => {
    const j = jets[k];
    const rates = zeroRates();
    const mixed: { i: number; j: number; weight: Float64Array }[] = [];
    eachPair(d, (a, b, at) => {
      if (a < b && j.curvature[at] !== null) mixed.push({ i: a, j: b, weight: new Float64Array(size) });
    });
    return {
      rates,
      carried: j.slopeByMass === null ? rates : zeroRates(),
      byMass: j.byMass === null ? null : new Float64Array(size),
      curvature: fieldsFor(d),
      mixed,
      doorCurvature: new Float64Array(c.doors.link.length),
    };
  };
  let held: StepCoefficients[][] | null = null;
  const fill = (s: StepCoefficients, k: number, n: number, U: Float64Array, M: Float64Array): void => {
    const j = jet(k, n, U, M, 2);
    fillRates(k, j.slope, s.rates);
    if (j.slopeByMass !== null && j.byMass !== null && s.byMass !== null) {
      s.byMass.set(j.byMass);
      for (let l = 0; l < 2 * d; l++) {
        const scale = (l % 2 === 0 ? 1 : -1) / axes[l >> 1].spacing;
        const [more, base, r] = [j.slopeByMass[l], s.rates.link[l], s.carried.link[l]];
        for (let i = 0; i < size; i++) r[i] = base[i] + scale * M[i] * more[i];
      }
    }
    const diagonal: (Float64Array | null)[] = [];
    let pair = 0;
    eachPair(d, (a, b, at) => {
      const w = j.curvature[at];
      if (a === b) diagonal[a] = w;
      else if (w !== null) {
        const { weight } = s.mixed[pair++];
        for (let i = 0; i < size; i++) weight[i] = M[i] * w[i];
      }
    });
    for (let a = 0; a < d; a++) {
      const scale = 1 / axes[a].spacing ** 2;
      const other = c.neighbour[2 * a + 1];
      const e = s.curvature[a];
      const [down, up] = [diagonal[2 * a], diagonal[2 * a + 1]];
      e.fill(0);
      if (up !== null) for (let i = 0; i < size; i++) e[i] += scale * M[i] * up[i];
      if (down !== null) for (let i = 0; i < size; i++) e[i] += scale * M[other[i]] * down[other[i]];
    }
    const { link, cell } = c.doors;
    for (let i = 0; i < link.length; i++) {
      const w = diagonal[link[i]];
      s.doorCurvature[i] = w === null ? 0 : (4 * M[cell[i]] * w[cell[i]]) / axes[link[i] >> 1].spacing ** 2;
    }
  };

  const linearise: GameScheme["linearise"] = (x) => {
    const { u, m } = slabs(x);
    held ??= Array.from({ length: K }, (_, k) => Array.from({ length: N }, () => coefficientsOf(k)));
    const steps = held;
    const densities: Slab[] = [];
    const local: Float64Array[][][] = Array.from({ length: K }, () => Array.from({ length: K }, () => []));
    let isLocal = true;
    for (let n = 0; n < N; n++) {
      const M = m.map((p, k) => blend(p[n + 1], p[n], theta === 1 ? blendM[k] : new Float64Array(size)));
      densities.push(M);
      for (let k = 0; k < K; k++) fill(steps[k][n], k, n, blend(u[k][n], u[k][n + 1], blendU[k]), M[k]);
      const { local: blocks } = running.linearise(costTime(n), M);
      isLocal &&= blocks !== null;
      blocks?.forEach((block, at) => {
        for (let i = 0; i < size; i++) if (c.open[i] === 0) block[i] = 0;
        local[Math.floor(at / K)][at % K].push(block);
      });
    }
    const atEnd = m.map((p) => p[N]);
    const couplingAt = (n: number): CouplingDerivative => running.linearise(costTime(n), densities[n]);
    const dU = fieldsFor(K);
    const dM = fieldsFor(K);
    const dCost = fieldsFor(K);
    const dEnd = fieldsFor(K);
    const zero = new Float64Array(size);
    const apply = (v: Float64Array, out: Float64Array): void => {
      const at = (index: number) => v.subarray(index * size, (index + 1) * size);
      const du = Array.from({ length: K }, (_, k) => Array.from({ length: N }, (_, n) => at(k * N + n)));
      const dm = Array.from({ length: K }, (_, k) => [
        zero,
        ...Array.from({ length: N }, (_, n) => at((K + k) * N + n)),
      ]);
      if (final !== null) {
        for (let k = 0; k < K; k++) {
          du[k].push(dm[k][N]);
          dm[k][N] = zero;
        }
      } else {
        for (const e of dEnd) e.fill(0);
        terminal?.linearise(T, atEnd).apply(
          dm.map((p) => p[N]),
          dEnd,
        );
        for (let k = 0; k < K; k++) {
          for (let i = 0; i < size; i++) if (c.open[i] === 0) dEnd[k][i] = 0;
          du[k].push(dEnd[k]);
        }
      }
      for (let n = 0; n < N; n++) {
        const M = dm.map((p, k) => blend(p[n + 1], p[n], dM[k]));
        if (!isLocal) couplingAt(n).apply(M, dCost);
        for (let k = 0; k < K; k++) {
          const s = steps[k][n];
          const U = blend(du[k][n], du[k][n + 1], dU[k]);
          const valueAt = (k * N + n) * size;
          const value = out.subarray(valueAt, valueAt + size);
          const density = out.subarray(half + valueAt, half + valueAt + size);
          differenceOver(dt, du[k][n], du[k][n + 1], value);
          differenceOver(dt, dm[k][n + 1], dm[k][n], density);
          if (s.byMass !== null) addProduct(1, s.byMass, M[k], value);
          if (isLocal) for (let l = 0; l < K; l++) addProduct(-1, local[k][l][n], M[l], value);
          else for (let i = 0; i < size; i++) if (c.open[i] === 1) value[i] -= dCost[k][i];
          for (let a = 0; a < d; a++)
            addFaces(
              c.neighbour[2 * a + 1],
              s.rates.link[2 * a + 1],
              s.rates.link[2 * a],
              s.carried.link[2 * a + 1],
              s.carried.link[2 * a],
              s.curvature[a],
              U,
              M[k],
              value,
              density,
            );
          const { link, cell } = c.doors;
          for (let i = 0; i < link.length; i++) {
            const o = cell[i];
            value[o] += 2 * s.rates.link[link[i]][o] * U[o];
            density[o] += 2 * s.carried.link[link[i]][o] * M[k][o] + s.doorCurvature[i] * U[o];
          }
          if (s.mixed.length > 0) {
            differences(c, U, differencesOf, false);
            for (const f of flows) f.fill(0);
            for (const { i, j, weight } of s.mixed) {
              addProduct(1, weight, differencesOf[j], flows[i]);
              addProduct(1, weight, differencesOf[i], flows[j]);
            }
            addAdjointDifferences(c, flows, 1, density);
          }
        }
      }
    };
    return {
      apply,
      rates: steps.map((p) => p.map((s) => s.rates)),
      coupling: isLocal ? local : null,
      curvature: steps.map((p) => p.map((s) => s.curvature)),
      crowding: (k, n) => {
        const byMass = n < N ? steps[k][n].byMass : null;
        const m = n < N ? densities[n] : atEnd;
        const own = byMass === null ? 0 : -weighted(byMass, m[k]);
        if (n < N && isLocal) return own + weighted(local[k][k][n], m[k]);
        const derivative = n < N ? couplingAt(n) : terminal?.linearise(T, atEnd);
        if (derivative === undefined) return own;
        for (let l = 0; l < K; l++) dM[l].fill(l === k ? 1 : 0);
        derivative.apply(dM, dCost);
        return own + weighted(dCost[k], m[k]);
      },
    };
  };

  return Object.freeze({
    problem,
    cells: c,
    steps: N,
    dt,
    times,
    theta,
    hamiltonians,
    running,
    terminal,
    initial,
    final,
    length: 2 * half,
    driftTime,
    costTime,
    cost,
    terminalCost,
    valueResidual: (k, n, now, next, m, paid, out) => {
      const U = blend(now, next, blendU[k]);
      valueRest(k, U, now, next, paid, jet(k, n, U, m, 0).value, out);
    },
    densityResidual: (k, n, now, next, rates, out) =>
      densityRest(k, n, now, next, blend(next, now, blendM[k]), rates, out),
    jet,
    rates: (k, n, u, m, out) => fillRates(k, jet(k, n, u, m, 1).slope, out),
    zeroRates,
    blend,
    slabs,
    fields: (x) => {
      const { u, m } = slabs(x);
      return {
        cells: c,
        times,
        value: u.map((p) => p.map((slab) => slab.slice())),
        density: m.map((p) => p.map((slab) => slab.slice())),
        ergodicConstant: null,
      };
    },
    unknowns: (fields) => {
      demand(
        Array.isArray(fields?.value) && fields.cells?.grid !== undefined,
        where,
        "fields",
        "be slabs of value and density on cells",
        fields,
        "Give the fields of a solution: solution.fields",
      );
      demand(
        fields.cells.grid.size === size && fields.times.length === N + 1 && fields.value.length === K,
        where,
        "fields",
        `have ${size} cells, ${N + 1} times and ${K} population${K > 1 ? "s" : ""}`,
        [fields.cells.grid.size, fields.times.length, fields.value.length],
        "Give fields of the same points and steps",
      );
      demand(
        fields.cells.grid.shape.every((n, a) => n === c.grid.shape[a]),
        where,
        "fields",
        `have ${c.grid.shape.join(" × ")} cells`,
        fields.cells.grid.shape.join(" × "),
        "Give fields of the same points and steps",
      );
      const x = new Float64Array(2 * half);
      for (let k = 0; k < K; k++) {
        for (let n = 0; n < N; n++) {
          x.set(fields.value[k][n], (k * N + n) * size);
          x.set(
            final !== null && n === N - 1 ? fields.value[k][N] : fields.density[k][n + 1],
            ((K + k) * N + n) * size,
          );
        }
      }
      return x;
    },
    residual,
    linearise,
  } satisfies GameScheme);
}

/** No mass passes from one region to another, so each must end with what it has and gets. */
function demandBalance(c: Cells, given: Float64Array, wanted: Float64Array, where: string): void {
  const { label, counts } = regions(c);
  const sum = (m: Float64Array, r: number): number =>
    c.grid.cellVolume * m.reduce((total, v, i) => (label[i] === r ? total + v : total), 0);
  counts.forEach((_, r) => {
    const [before, after] = [sum(given, r), sum(wanted, r)];
    demand(
      Math.abs(after - before) <= 1e-6 * Math.max(before, after),
      where,
      counts.length === 1 ? "the laws at 0 and at T" : `the laws at 0 and at T in region ${r + 1} of ${counts.length}`,
      "have one mass, sources counted with the first",
      [before, after],
      counts.length === 1
        ? "Set mass: 1 for the population, and let sources sum to 0"
        : "Open a passage between the regions, or move mass to where it can get",
    );
  });
}

/** Pairs a ≤ b of the 2d differences in the order of a jet's curvature. */
function eachPair(d: number, visit: (a: number, b: number, at: number) => void): void {
  let at = 0;
  for (let a = 0; a < 2 * d; a++) for (let b = a; b < 2 * d; b++) visit(a, b, at++);
}

function differenceOver(dt: number, x: Float64Array, y: Float64Array, out: Float64Array): void {
  const scale = 1 / dt;
  for (let i = 0; i < out.length; i++) out[i] = scale * (x[i] - y[i]);
}

function addProduct(scale: number, x: Float64Array, y: Float64Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) out[i] += scale * x[i] * y[i];
}

/** Rows of F′ on the faces of one axis: A U into the value rows, Aᵀ M + Dᵀ(m ∂²G D U) into the density rows. */
function addFaces(
  other: Int32Array,
  up: Float64Array,
  down: Float64Array,
  carriedUp: Float64Array,
  carriedDown: Float64Array,
  curvature: Float64Array,
  u: Float64Array,
  m: Float64Array,
  value: Float64Array,
  density: Float64Array,
): void {
  for (let k = 0; k < value.length; k++) {
    const p = other[k];
    const fall = u[k] - u[p];
    const flow = carriedUp[k] * m[k] - carriedDown[p] * m[p] + curvature[k] * fall;
    value[k] += up[k] * fall;
    value[p] -= down[p] * fall;
    density[k] += flow;
    density[p] -= flow;
  }
}
