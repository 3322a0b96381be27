// Schrödinger bridge of two Gaussians (P11): planning with H = κ|p|², no running cost, N(m₀, s₀² I) → N(m₁, s₁² I) in time T, any dimension.
//   law      N(m₀ + r(m₁ − m₀), s²(r) I),   r = t/T,   s² = (1 − r)²s₀² + r²s₁² + r(1 − r)D,   D = √(4s₀²s₁² + 4ν²T²)
//   velocity v = ṁ + α y,   y = x − m(t),   α = ṡ/s − ν/s²;   v = −2κ∇u
//   value    u = −(ṁ·y + ½α|y|²)/(2κ) − |ṁ|²t/(4κ) + (νd/4κ)(log(s²/s₀²) − log ℓ),
//            ℓ = (2s₀² + (B + 2νT) r)/(2s₀² + (B − 2νT) r),  B = D − 2s₀²   (2ν∫dt/s² = log ℓ);  u is fixed up to a constant
// As ν → 0 it is the W₂ geodesic. On a box it is cut off where 1e-8 of the mass is left.
// Reference: Janati, Muzellec, Peyré, Cuturi 2020 (key janati2020entropic); Léonard 2014 (key leonard2014survey).
import { demand } from "../../src/error.js";
import { domain } from "../../src/grid/index.js";
import { gaussian, gaussianReach } from "../../src/measure/index.js";
import { type MeanFieldGame, meanFieldGame } from "../mean-field-game.js";
import { couplingField, hamiltonianQuadratic } from "../terms/index.js";
import { demandDimension } from "./dimension.js";

export interface GaussianBridgeOverrides {
  /** d ≥ 1; default 1. */
  readonly dimension?: number;
  /** ν > 0; default 0.1. */
  readonly viscosity?: number;
  /** κ > 0; default ½. */
  readonly weight?: number;
  /** T; default 1. */
  readonly horizon?: number;
  /** First coordinate of m₁ = −m₀; default 1. */
  readonly shift?: number;
  /** s₀ > 0; default 0.6. */
  readonly sd0?: number;
  /** s₁ > 0; default 0.4. */
  readonly sd1?: number;
}

/**
 * The Schrödinger bridge of two Gaussians, with its closed form.
 *
 * @param overrides dimension, ν, κ, T, shift, s₀, s₁
 * @throws UsageError when a value does not fit
 *
 * *Good values*: ν from 0.02 to 1.
 *
 * *References*: janati2020entropic, leonard2014survey
 */
export function gaussianBridge(overrides: GaussianBridgeOverrides = {}): MeanFieldGame {
  const where = "gaussianBridge";
  const { dimension: d = 1, viscosity: nu = 0.1, weight: kappa = 0.5, horizon: T = 1 } = overrides;
  const { shift = 1, sd0 = 0.6, sd1 = 0.4 } = overrides;
  demandDimension(where, d);
  for (const [name, value] of [
    ["viscosity", nu],
    ["weight", kappa],
    ["horizon", T],
    ["sd0", sd0],
    ["sd1", sd1],
  ] as const)
    demand(value > 0 && Number.isFinite(value), where, name, "be finite and > 0", value, `Use ${name}: 0.5`);
  demand(Number.isFinite(shift), where, "shift", "be finite", shift, "Use shift: 1");
  const [a, b] = [sd0 ** 2, sd1 ** 2];
  const root = Math.sqrt(4 * a * b + 4 * (nu * T) ** 2);
  const speed = (2 * shift) / T;
  const centre = (t: number): number => -shift + speed * t;
  const variance = (r: number): number => (1 - r) ** 2 * a + r ** 2 * b + r * (1 - r) * root;
  const law = (t: number) =>
    gaussian({
      mean: Float64Array.from({ length: d }, (_, i) => (i === 0 ? centre(t) : 0)),
      sd: Math.sqrt(variance(t / T)),
    });
  const widest = Math.sqrt(Math.max(...[0, 0.25, 0.5, 0.75, 1].map(variance)));
  const reach = Math.abs(shift) + gaussianReach(d) * widest;
  return meanFieldGame({
    name: "gaussian-bridge",
    title: `Schrödinger bridge of two Gaussians in ${d}-D`,
    mode: "planning",
    horizon: T,
    domain: domain({ lower: Array(d).fill(-reach), upper: Array(d).fill(reach), ends: Array(d).fill("no-flux") }),
    populations: {
      viscosity: nu,
      hamiltonian: hamiltonianQuadratic({ dimension: d, weight: kappa }),
      initial: law(0),
      final: law(T),
    },
    coupling: couplingField({ dimension: d, cost: 0 }),
    exact: {
      density: (t, x) => (law(t).logDensity as (x: Float64Array) => Float64Array)(x).map(Math.exp),
      value: (t, x) => {
        const r = t / T;
        const s2 = variance(r);
        const alpha = ((2 * r * b - 2 * (1 - r) * a + (1 - 2 * r) * root) / (2 * T) - nu) / s2;
        const slope = root - 2 * a;
        const ratio = (2 * a + (slope + 2 * nu * T) * r) / (2 * a + (slope - 2 * nu * T) * r);
        const constant =
          (-(speed ** 2) * t) / (4 * kappa) + ((nu * d) / (4 * kappa)) * (Math.log(s2 / a) - Math.log(ratio));
        return Float64Array.from({ length: x.length / d }, (_, i) => {
          const along = x[i * d] - centre(t);
          let square = along ** 2;
          for (let c = 1; c < d; c++) square += x[i * d + c] ** 2;
          return constant - (speed * along + 0.5 * alpha * square) / (2 * kappa);
        });
      },
      ergodicConstant: null,
    },
    references: ["janati2020entropic", "leonard2014survey"],
  });
}
