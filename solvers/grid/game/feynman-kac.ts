// Waves of a quadratic game, H = κ|p|² with constant κ, ν > 0 (Cole–Hopf):  u = −(ν/κ) log φ,  m = φψ,
//   ∂ₜφ + νΔφ = c f φ backward,   ∂ₜψ − νΔψ = −c f ψ forward,   c = κ/ν.
// Symmetric splittings on logarithms a = log φ, b = log ψ, with f at the ends of each step:
//   order 2 (Strang)  aⁿ = −½Δt c fⁿ + log e^{νΔtΔ} exp(aⁿ⁺¹ − ½Δt c fⁿ⁺¹),    bⁿ⁺¹ = −½Δt c fⁿ⁺¹ + log e^{νΔtΔ} exp(bⁿ − ½Δt c fⁿ)
//   order 4 (Suzuki, Chin: the only one with positive times)   e^{−ΔtV₀/6} e^{½νΔtΔ} e^{−⅔ΔtṼ} e^{½νΔtΔ} e^{−ΔtV₁/6},   V = cf,
//                     Ṽ = V(t + ½Δt) + (Δt²/24) ν|∇V|²; f at the middle by cubic interpolation in time, ∇ by differences of order 4
// φ's and ψ's are each other's adjoint, so Σ φⁿψⁿ is the same for all n: mass is exact, m > 0. In space the order is that of the heat
// kernel (src/linalg/heat.ts: spectral where its step is ≥ h², else second order).
// References: Cole 1951 (key cole1951quasi); Hopf 1950 (key hopf1950partial); Strang 1968 (key strang1968construction); Chin 1997 (key
// chin1997symplectic).
import { type Cells, extend, type Grid } from "../../../src/grid/index.js";
import { type HeatKernel, type HeatSemigroup, heatSemigroup } from "../../../src/linalg/index.js";

/** Values and densities from waves, and back. */
export interface Waves {
  /** log φ. */
  readonly backward: Float64Array;
  /** log ψ. */
  readonly forward: Float64Array;
}

/**
 * Cole–Hopf: log φ = −(κ/ν) u, log ψ = log m − log φ.
 *
 * @param u value function
 * @param m density ≥ 0; where it is 0, log ψ = −∞
 *
 * *References*: cole1951quasi, hopf1950partial
 */
export function wavesOf(u: Float64Array, m: Float64Array, kappa: number, viscosity: number): Waves {
  const backward = u.map((v) => (-kappa / viscosity) * v);
  return { backward, forward: m.map((v, k) => Math.log(v) - backward[k]) };
}

/** The inverse of {@link wavesOf}: u = −(ν/κ) log φ, m = φψ. */
export function valueAndDensity(
  { backward, forward }: Waves,
  kappa: number,
  viscosity: number,
): { u: Float64Array; m: Float64Array } {
  return {
    u: backward.map((v) => (-viscosity / kappa) * v),
    m: forward.map((v, k) => Math.exp(v + backward[k])),
  };
}

/** Both equations on the slabs of one population. It keeps scratch, so it serves one caller at a time. */
export interface FeynmanKac {
  readonly kernel: HeatKernel;
  /** slabs[n] ← log φ(t_n) from slabs[N] as it stands; `potential[n]` = f(t_n), `null` = 0. */
  backward(slabs: readonly Float64Array[], potential: readonly Float64Array[] | null): void;
  /** slabs[n] ← log ψ(t_n) from slabs[0] as it stands. */
  forward(slabs: readonly Float64Array[], potential: readonly Float64Array[] | null): void;
}

/**
 * Plans the two equations.
 *
 * @param cells without doors and obstacles
 * @param viscosity ν > 0
 * @param rate c = κ/ν
 * @param dt Δt > 0
 * @param kernel default: the Gaussian where it is resolved, else the walk
 * @param order 2 or 4 in time; 4 takes two kernels a step and at least 4 slabs
 *
 * *References*: strang1968construction, chin1997symplectic
 */
export function feynmanKac(
  cells: Cells,
  viscosity: number,
  rate: number,
  dt: number,
  kernel?: HeatKernel,
  order: 2 | 4 = 2,
): FeynmanKac {
  const { grid: g } = cells;
  const heat: HeatSemigroup = heatSemigroup(g, (viscosity * dt) / (order / 2), kernel);
  const ends = (rate * dt) / (order === 2 ? 2 : 6);
  const middle = new Float64Array(order === 2 ? 0 : g.size);
  const square = new Float64Array(middle.length);
  /** One step from slab `from` to slab `to` between the times n and n + 1. */
  const step = (
    slabs: readonly Float64Array[],
    potential: readonly Float64Array[] | null,
    from: number,
    to: number,
  ): void => {
    const out = slabs[to];
    const n = Math.min(from, to);
    out.set(slabs[from]);
    if (potential !== null) for (let k = 0; k < out.length; k++) out[k] -= ends * potential[from][k];
    heat.apply(out, out);
    if (order === 4) {
      if (potential !== null) {
        between(potential, n, middle);
        slopeSquare(g, middle, square);
        const one = (2 / 3) * rate * dt;
        const two = (one * rate * viscosity * dt * dt) / 24;
        for (let k = 0; k < out.length; k++) out[k] -= one * middle[k] + two * square[k];
      }
      heat.apply(out, out);
    }
    if (potential !== null) for (let k = 0; k < out.length; k++) out[k] -= ends * potential[to][k];
  };
  return {
    kernel: heat.kernel,
    backward(slabs, potential) {
      for (let n = slabs.length - 2; n >= 0; n--) step(slabs, potential, n + 1, n);
    },
    forward(slabs, potential) {
      for (let n = 0; n < slabs.length - 1; n++) step(slabs, potential, n, n + 1);
    },
  };
}

/** The cubic in time through four slabs, halfway from slab n to slab n + 1. */
function between(slabs: readonly Float64Array[], n: number, out: Float64Array): void {
  const first = Math.min(Math.max(n - 1, 0), slabs.length - 4);
  const weights = n === 0 ? [5, 15, -5, 1] : n === slabs.length - 2 ? [1, -5, 15, 5] : [-1, 9, 9, -1];
  const [a, b, c, d] = slabs.slice(first, first + 4);
  for (let k = 0; k < out.length; k++)
    out[k] = (weights[0] * a[k] + weights[1] * b[k] + weights[2] * c[k] + weights[3] * d[k]) / 16;
}

/** |∇f|² at the nodes, differences of fourth order; fields go on evenly behind walls. */
function slopeSquare(g: Grid, f: Float64Array, out: Float64Array): void {
  out.fill(0);
  for (let a = 0; a < g.dimension; a++) {
    const { points: n, spacing: h, boundary } = g.axes[a];
    const stride = g.strides[a];
    // Extension is even, so that its one-based index is > 0.
    const at = Int32Array.from({ length: n + 4 }, (_, i) => (extend(boundary, n, i - 2) - 1) * stride);
    for (let base = 0; base < f.length; base += n * stride)
      for (let r = base; r < base + stride; r++)
        for (let i = 0; i < n; i++) {
          const slope = (8 * (f[r + at[i + 3]] - f[r + at[i + 1]]) - (f[r + at[i + 4]] - f[r + at[i]])) / (12 * h);
          out[r + i * stride] += slope * slope;
        }
  }
}

/** Why waves do not fit a game's populations or domain; `null` when they do. */
export function whyNoWaves(
  populations: readonly {
    readonly name: string;
    readonly viscosity: number;
    readonly hamiltonian: { readonly quadraticWeight: number | null; readonly text: string };
    readonly densitySource: unknown;
    readonly initial: { readonly density: unknown; readonly text: string } | null;
  }[],
  domain: { readonly dimension: number; readonly isPlain: boolean },
): string | null {
  if (domain.dimension > 3) return `a grid in ${domain.dimension} dimensions is too large; use neuralGame()`;
  if (!domain.isPlain) return "heat kernels know no doors and obstacles; use newton()";
  for (const p of populations) {
    if (p.hamiltonian.quadraticWeight === null || p.hamiltonian.quadraticWeight === 0)
      return `Cole–Hopf needs H = κ|p|² with one constant κ > 0, and ${p.name} has H = ${p.hamiltonian.text}; use newton()`;
    if (p.viscosity === 0) return `Cole–Hopf needs viscosity > 0, and that of ${p.name} is 0; use newton()`;
    if (p.densitySource !== null) return `Cole–Hopf knows no source of mass, and ${p.name} has one; use newton()`;
    if (p.initial !== null && p.initial.density === null)
      return `the law ${p.initial.text} has no density on a grid; give a density, or use a particle solver`;
  }
  return null;
}
