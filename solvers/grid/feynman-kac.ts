// Waves of a quadratic game, H = κ|p|² with constant κ, ν > 0 (Cole–Hopf):  u = −(ν/κ) log φ,  m = φψ,
//   ∂ₜφ + νΔφ = c f φ backward,   ∂ₜψ − νΔψ = −c f ψ forward,   c = κ/ν.
// Strang's splitting with f at the ends of each step, on logarithms a = log φ, b = log ψ:
//   aⁿ = −½Δt c fⁿ + log e^{νΔtΔ} exp(aⁿ⁺¹ − ½Δt c fⁿ⁺¹),    bⁿ⁺¹ = −½Δt c fⁿ⁺¹ + log e^{νΔtΔ} exp(bⁿ − ½Δt c fⁿ):
// the two are each other's adjoint, so Σ φⁿψⁿ is the same for all n: mass is exact, m > 0. Second order in time; in space that of the
// heat kernel (src/linalg/heat.ts: spectral where νΔt ≥ h², else second order).
// References: Cole 1951 (key cole1951quasi); Hopf 1950 (key hopf1950partial); Strang 1968 (key strang1968construction).
import type { Cells } from "../../src/grid/index.js";
import { type HeatKernel, type HeatSemigroup, heatSemigroup } from "../../src/linalg/index.js";

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
 */
export function feynmanKac(cells: Cells, viscosity: number, rate: number, dt: number, kernel?: HeatKernel): FeynmanKac {
  const heat: HeatSemigroup = heatSemigroup(cells.grid, viscosity * dt, kernel);
  const half = (rate * dt) / 2;
  const step = (
    from: Float64Array,
    to: Float64Array,
    before: Float64Array | null,
    after: Float64Array | null,
  ): void => {
    if (before === null) to.set(from);
    else for (let k = 0; k < to.length; k++) to[k] = from[k] - half * before[k];
    heat.apply(to, to);
    if (after !== null) for (let k = 0; k < to.length; k++) to[k] -= half * after[k];
  };
  return {
    kernel: heat.kernel,
    backward(slabs, potential) {
      for (let n = slabs.length - 2; n >= 0; n--)
        step(slabs[n + 1], slabs[n], potential?.[n + 1] ?? null, potential?.[n] ?? null);
    },
    forward(slabs, potential) {
      for (let n = 0; n < slabs.length - 1; n++)
        step(slabs[n], slabs[n + 1], potential?.[n] ?? null, potential?.[n + 1] ?? null);
    },
  };
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
