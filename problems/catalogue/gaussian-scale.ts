// Gaussian scale (M2): ρ₀ = N(0, s₀²I), π = N(0, s²I), Kullback–Leibler, L = ∞, any dimension (the coordinates do not interact).
//   A = 1/s² + λ/T,  B = λs₀/T,  s_T = (B + √(B² + 4A))/2A: the positive root of A s_T² = B s_T + 1   (d/ds_T of the value)
//   a_T = 1/s² − 1/s_T²,  a(t) = a_T/(1 + (T − t)a_T/λ): the Riccati equation a' = a²/λ
//   critic     φ* = ½a_T|x|² + (d/2) log(1 − a_T s²)   (E_π e^{φ*} = 1)
//   potential  U = ½a(t)|x|² + (d/2) log(1 − a_T s²),   velocity  v = −a(t)x/λ
//   map        x(t) = x₀(1 + (s_T/s₀ − 1)t/T),   law  N(0, (s₀ + (s_T − s₀)t/T)² I)
//   value      d [log(s/s_T) + s_T²/2s² − ½ + λ(s_T − s₀)²/2T]
// No ½d log term in U(t): without noise the potential has no Laplacian. With a finite L the slope a_T|x| is cut far out and no
// closed form is known: then `exact` is null.
// Reference: Gu, Katsoulakis, Rey-Bellet, Zhang 2024 (key gu2024proximal).
import { demand } from "../../src/error.js";
import { type Distribution, gaussian, kullbackLeibler } from "../../src/measure/index.js";
import { type ProximalFlow, type ProximalFlowExact, proximalFlow } from "../proximal-flow.js";
import { demandDimension } from "./dimension.js";

export interface GaussianScaleOverrides {
  /** d ≥ 1; default 1. */
  readonly dimension?: number;
  /** s₀ > 0; default 2. */
  readonly sourceSd?: number;
  /** s > 0; default 1. */
  readonly targetSd?: number;
  /** λ; default 1. */
  readonly kineticWeight?: number;
  /** T; default 1. */
  readonly horizon?: number;
  /** L; default Infinity. A finite value leaves `exact` null. */
  readonly lipschitz?: number;
}

/**
 * The Gaussian scale with its closed form.
 *
 * @param overrides dimension, s₀, s, λ, T, L; defaults (1, 2, 1, 1, 1, ∞): s_T = 1.36602540, a_T = 0.46410162, value 0.32206924
 * @throws UsageError when a value does not fit
 *
 * *References*: gu2024proximal
 */
export function gaussianScale(overrides: GaussianScaleOverrides = {}): ProximalFlow {
  const {
    dimension: d = 1,
    sourceSd = 2,
    targetSd = 1,
    kineticWeight = 1,
    horizon = 1,
    lipschitz = Infinity,
  } = overrides;
  const where = "gaussianScale";
  demandDimension(where, d);
  for (const [name, sd] of Object.entries({ sourceSd, targetSd }))
    demand(sd > 0 && Number.isFinite(sd), where, name, "be finite and > 0", sd, `Use ${name}: 1 to start`);
  const law = (sd: number): Distribution => gaussian({ mean: new Float64Array(d), sd });
  return proximalFlow({
    name: "gaussian-scale",
    title: `Gaussian scale in ${d}-D`,
    source: law(sourceSd),
    target: law(targetSd),
    divergence: kullbackLeibler(),
    lipschitz,
    kineticWeight,
    horizon,
    exact: lipschitz === Infinity ? closedForm(d, sourceSd, targetSd, kineticWeight, horizon, law) : null,
    references: ["gu2024proximal"],
  });
}

function closedForm(
  d: number,
  s0: number,
  s: number,
  lambda: number,
  T: number,
  law: (sd: number) => Distribution,
): ProximalFlowExact {
  const A = 1 / (s * s) + lambda / T;
  const B = (lambda * s0) / T;
  const sT = (B + Math.sqrt(B * B + 4 * A)) / (2 * A);
  const aT = 1 / (s * s) - 1 / (sT * sT);
  const a = (t: number): number => aT / (1 + ((T - t) * aT) / lambda);
  const constant = (d / 2) * Math.log(1 - aT * s * s);
  const shrink = (t: number): number => 1 + ((sT / s0 - 1) * t) / T;
  return {
    value: d * (Math.log(s / sT) + (sT * sT) / (2 * s * s) - 0.5 + (lambda * (sT - s0) ** 2) / (2 * T)),
    potential: (t, x) => {
      const half = a(t) / 2;
      const out = new Float64Array(x.length / d).fill(constant);
      for (let i = 0; i < x.length; i++) out[(i / d) | 0] += half * x[i] * x[i];
      return out;
    },
    velocity: (t, x) => {
      const rate = -a(t) / lambda;
      return x.map((y) => rate * y);
    },
    map: (t, x0) => {
      const factor = shrink(t);
      return x0.map((y) => factor * y);
    },
    law: (t) => law(s0 * shrink(t)),
  };
}
