// The Lipschitz-regularised porous medium (C10): α = 2, Q uniform on [−V/2, V/2]. Without the bound ∂ₜp = (V/2)(p²)″, so from Barenblatt's
// profile of age τ₀ the solution is, until it meets the walls,
//   p = τ^{−1/3} (C − x²τ^{−2/3}/12)₊,  τ = τ₀ + Vt/2,  C³ = 3/64 (mass 1),  front x_f = √(12C) τ^{1/3},  |∇φ| = V|x|/(6τ)
//   D = ½(V ∫p² − 1),  ∫p² = (16/15) √12 C^{5/2} τ^{−1/3}
// The bound never acts iff L ≥ V x_f(τ₀)/(6τ₀); with smaller L no closed form is known, and the front moves at speed ≤ L.
// Reference: Gu et al. 2024 (key gu2024lipschitz); Vázquez 2007 (key vazquez2007porous).
import { demand } from "../../src/error.js";
import { domain } from "../../src/grid/index.js";
import { alphaDivergence } from "../../src/measure/index.js";
import { type GradientFlow, gradientFlow } from "../gradient-flow.js";
import { lipschitzDivergence } from "../terms/index.js";

export interface UniformTargetOverrides {
  /** V > 0, length of the box; default 6. */
  readonly volume?: number;
  /** τ₀ > 0; default 0.1. */
  readonly age?: number;
  /** L > 0; default: 5 % above where the bound never acts. */
  readonly lipschitz?: number;
  /** T; default 0.2. */
  readonly horizon?: number;
}

const C = Math.cbrt(3 / 64);

/** x_f(τ) of Barenblatt's profile of mass 1. */
export function uniformTargetFront(age: number): number {
  return Math.sqrt(12 * C) * Math.cbrt(age);
}

/**
 * The α = 2 flow to a uniform target on the line.
 *
 * @param overrides V, τ₀, L, T
 * @returns the flow; `exact` is `null` when L is so small that the bound acts
 * @throws UsageError when a value does not fit, or the front would meet the walls
 *
 * *Good values*: the defaults, and `lipschitz: 2`, where the bound acts from the start; 256 points.
 *
 * *References*: gu2024lipschitz, vazquez2007porous
 */
export function uniformTarget(overrides: UniformTargetOverrides = {}): GradientFlow {
  const where = "uniformTarget";
  const { volume = 6, age = 0.1, horizon = 0.2 } = overrides;
  for (const [name, value] of [
    ["volume", volume],
    ["age", age],
    ["horizon", horizon],
  ] as const)
    demand(value > 0 && Number.isFinite(value), where, name, "be finite and > 0", value, `Leave ${name} out`);
  const front = uniformTargetFront(age + 0.5 * volume * horizon);
  demand(
    2 * front < volume,
    where,
    "volume",
    `be > ${(2 * front).toPrecision(4)}, where the fronts end`,
    volume,
    "Use a shorter horizon",
  );
  const steepest = (volume * uniformTargetFront(age)) / (6 * age);
  const { lipschitz = 1.05 * steepest } = overrides;
  const isFree = lipschitz >= steepest;
  const density = (tau: number, x: number): number =>
    Math.max(0, C - (x * x) / (12 * Math.cbrt(tau * tau))) / Math.cbrt(tau);
  return gradientFlow({
    name: "uniform-target",
    title: `Lipschitz-regularised porous medium to a uniform target, L = ${Number(lipschitz.toPrecision(4))}`,
    domain: domain({ lower: [-volume / 2], upper: [volume / 2], ends: ["no-flux"] }),
    horizon,
    energy: lipschitzDivergence({ dimension: 1, divergence: alphaDivergence(2), lipschitz, target: 1 / volume }),
    initial: `max(0, ${C} - x^2/${12 * Math.cbrt(age * age)})/${Math.cbrt(age)}`,
    exact: isFree
      ? {
          density: (t, x) => x.map((v) => density(age + 0.5 * volume * t, v)),
          energy: (t) =>
            0.5 * ((volume * (16 / 15) * Math.sqrt(12) * C ** 2.5) / Math.cbrt(age + 0.5 * volume * t) - 1),
        }
      : null,
    references: ["gu2024lipschitz", "vazquez2007porous"],
  });
}
