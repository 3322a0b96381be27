// Barenblatt's solution (P9) of ∂ₜρ = Δρ^m in d = 1, 2, 3, the gradient flow of ∫ρ^m/(m − 1):
//   ρ = τ^{−α} (C − k|x|² τ^{−2β})₊^{1/(m−1)},   τ = t₀ + t,   α = d/(d(m − 1) + 2),   β = α/d,   k = α(m − 1)/(2md)
// m > 1: a front |x| = √(C/k) τ^β, flat behind for m < 2, with a corner for m = 2, steep for m > 2;  (d − 2)/d < m < 1: k < 0, tails |x|^{−2/(1−m)}.
// Mass M fixes C:  m > 1: M = π^{d/2} Γ(p + 1)/Γ(p + 1 + d/2) · C^{p + d/2} k^{−d/2}, p = 1/(m − 1);
//                  m < 1: M = π^{d/2} Γ(p − d/2)/Γ(p) · C^{d/2 − p} |k|^{−d/2}, p = 1/(1 − m).
// Energy for m > 1, from dE/dt = −I, I = ∫ρ|v|², v = βx/τ: E = β²/(1 − 2β) S τ^{2β − 1}, S = ∫|x|²ρ at τ = 1 = M (C/k) d/(2p + 2 + d). A box cuts
// the energy of the tails of m < 1 off, so none is given. Reference: Vázquez 2007, §4.4 (key vazquez2007porous).
import { demand } from "../../src/error.js";
import { domain } from "../../src/grid/index.js";
import { type GradientFlow, gradientFlow } from "../gradient-flow.js";
import { coordinateNames, energy, power } from "../terms/index.js";
import { demandBox } from "./wall-drift.js";

export interface BarenblattOverrides {
  /** d: 1, 2 or 3; default 1. */
  readonly dimension?: number;
  /** m > (d − 2)₊/d, m ≠ 1; default 2. */
  readonly exponent?: number;
  /** M > 0; default 1. */
  readonly mass?: number;
  /** t₀ > 0, the age of the solution at t = 0; default 1. */
  readonly age?: number;
  /** T; default 1. */
  readonly horizon?: number;
  /** Half the side of the box around 0; default 1.2 times the last front for m > 1; for m < 1, √(C/|k|) τ^β at the end times 6, or less where all but 1e-10 fits in. */
  readonly halfWidth?: number;
}

/**
 * Barenblatt's self-similar solution of the porous-medium and the fast-diffusion equation.
 *
 * @param overrides d, m, mass, t₀, T, half width of the box
 * @returns a gradient flow with exact density; ρ₀ is taken as it is, so that its mass on a grid has the quadrature's error
 * @throws UsageError when a value does not fit, or the front of m > 1 would leave the box
 *
 * *Notes*: for m < 1 the tails reach the walls; the closed form is that of the whole space, and the box takes the share (R/√(C/|k|)τ^β)^{d − 2/(1−m)} of the mass off, R its half width.
 *
 * *Good values*: m = 2, 3 with 128 points an axis; m = 0.75 in 1-D and 2-D.
 *
 * *References*: vazquez2007porous
 */
export function barenblatt(overrides: BarenblattOverrides = {}): GradientFlow {
  const where = "barenblatt";
  const { dimension: d = 1, exponent: m = 2, mass = 1, age = 1, horizon = 1 } = overrides;
  demandBox(where, d);
  demand(
    Number.isFinite(m) && m > Math.max(0, d - 2) / d && m !== 1,
    where,
    "exponent",
    `be > ${d > 2 ? `${d - 2}/${d}` : 0} and not 1`,
    m,
    "Use exponent: 2",
  );
  for (const [name, value] of [
    ["mass", mass],
    ["age", age],
    ["horizon", horizon],
  ] as const)
    demand(value > 0 && Number.isFinite(value), where, name, "be finite and > 0", value, `Use ${name}: 1`);
  const { front, density, secondMoment, beta, level, k } = barenblattProfile(d, m, mass);
  const slow = m > 1;
  const last = front(age + horizon);
  // (1 + s²)^{d/2 − 1/(1−m)}, about the mass beyond s: towards m = 1 the tails are Gaussian, and √(C/|k|) is many deviations
  const tail = Math.min(6, Math.sqrt(1e10 ** (1 / (1 / (1 - m) - d / 2)) - 1));
  const halfWidth = overrides.halfWidth ?? (slow ? 1.2 * last : tail * Math.sqrt(level / -k) * (age + horizon) ** beta);
  demand(
    halfWidth > (slow ? last : 0) && Number.isFinite(halfWidth),
    where,
    "halfWidth",
    slow ? `be finite and > ${last.toPrecision(4)}, where the front ends` : "be finite and > 0",
    halfWidth,
    "Leave it out",
  );
  return gradientFlow({
    name: "barenblatt",
    title: `Barenblatt's solution in ${d}-D, m = ${m}`,
    domain: domain({
      lower: Array(d).fill(-halfWidth),
      upper: Array(d).fill(halfWidth),
      ends: Array(d).fill("no-flux"),
    }),
    horizon,
    energy: energy({ dimension: d, internal: power(m), convexity: m >= 1 - 1 / d ? 0 : null }),
    initial: barenblattText(d, m, mass, age),
    mass: null,
    exact: {
      density(t, x) {
        const out = new Float64Array(x.length / d);
        for (let i = 0; i < out.length; i++) out[i] = density(age + t, x.subarray(i * d, (i + 1) * d));
        return out;
      },
      energy: slow ? (t) => ((beta * beta) / (1 - 2 * beta)) * secondMoment * (age + t) ** (2 * beta - 1) : null,
    },
    references: ["vazquez2007porous"],
  });
}

/** The numbers behind {@link barenblatt}. */
export interface BarenblattProfile {
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;
  /** C. */
  readonly level: number;
  /** √(C/k) τ^β; Infinity for m < 1. */
  front(tau: number): number;
  /** ρ(τ, x). */
  density(tau: number, x: Float64Array): number;
  /** ∫|x|²ρ at τ = 1; Infinity where the tails are too heavy. */
  readonly secondMoment: number;
}

/**
 * Constants and density of Barenblatt's solution of mass M.
 *
 * @param d dimension
 * @param m exponent
 * @param mass M
 *
 * *References*: vazquez2007porous
 */
export function barenblattProfile(d: number, m: number, mass: number): BarenblattProfile {
  const alpha = d / (d * (m - 1) + 2);
  const beta = alpha / d;
  const k = (alpha * (m - 1)) / (2 * m * d);
  const p = 1 / Math.abs(m - 1);
  const slow = m > 1;
  const unit = slow
    ? Math.PI ** (d / 2) * Math.exp(logGamma(p + 1) - logGamma(p + 1 + d / 2)) * k ** (-d / 2)
    : Math.PI ** (d / 2) * Math.exp(logGamma(p - d / 2) - logGamma(p)) * (-k) ** (-d / 2);
  const level = (mass / unit) ** (1 / (slow ? p + d / 2 : d / 2 - p));
  // ⟨|x|²⟩ of (C − k r²)^{±p} from the ratio of two beta integrals.
  const secondMoment = slow
    ? (mass * (level / k) * (d / 2)) / (p + 1 + d / 2)
    : p - d / 2 - 1 > 0
      ? (mass * (level / -k) * (d / 2)) / (p - d / 2 - 1)
      : Infinity;
  return {
    alpha,
    beta,
    k,
    level,
    secondMoment,
    front: (tau) => (slow ? Math.sqrt(level / k) * tau ** beta : Infinity),
    density(tau, x) {
      let r2 = 0;
      for (let a = 0; a < d; a++) r2 += x[a] * x[a];
      const inner = level - k * r2 * tau ** (-2 * beta);
      return inner > 0 ? tau ** -alpha * inner ** (1 / (m - 1)) : 0;
    },
  };
}

/** ρ(τ, ·) as an expression. */
function barenblattText(d: number, m: number, mass: number, tau: number): string {
  const { alpha, beta, k, level } = barenblattProfile(d, m, mass);
  const squares = coordinateNames(d).map((x) => `${x}^2`);
  return `${tau ** -alpha}*max(0, ${level} - (${k * tau ** (-2 * beta)})*(${squares.join(" + ")}))^(${1 / (m - 1)})`;
}

/** log Γ(x), x > 0: Stirling's series after shifting to x ≥ 12, to round-off. */
function logGamma(x: number): number {
  let shift = 0;
  let z = x;
  while (z < 12) shift += Math.log(z++);
  const w = 1 / (z * z);
  const series = (1 / 12 - w * (1 / 360 - w * (1 / 1260 - w * (1 / 1680 - w / 1188)))) / z;
  return (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series - shift;
}
