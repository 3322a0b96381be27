// Manifold target (M3): π = μ ⊗ δ₀, ρ₀ = μ ⊗ N(0, I_k). Only the k normal coordinates y move:
//   U = Huber in |y|,  speed min(L/λ, |y₀|/T),  y_T = y₀(1 − (TL/λ)/|y₀|)₊
//   value      E Huber(|y₀|);  off-manifold residual for k = 1, c = TL/λ:  E|y_T| = 2[pdf(c) − c(1 − Φ(c))]
// Every ρ_T with a density is at infinite divergence from π, so L = ∞ is ill-posed: the W₁ proximal is what makes the game solvable.
// The closed form holds for every f-divergence, for φ* = L|y| vanishes on the target.
// Reference: Gu, Katsoulakis, Rey-Bellet, Zhang 2024 (key gu2024proximal).
import { demand } from "../../src/error.js";
import {
  type Distribution,
  type Divergence,
  embedded,
  gaussian,
  kullbackLeibler,
  product,
} from "../../src/measure/index.js";
import { type ProximalFlow, proximalFlow } from "../proximal-flow.js";
import { demandDimension } from "./dimension.js";
import { normalCollapse } from "./normal-collapse.js";

export interface ManifoldTargetOverrides {
  /** μ on the manifold; default N(0, 1) on the line. */
  readonly tangential?: Distribution;
  /** k ≥ 1; default 1. */
  readonly normalDimensions?: number;
  /** D_f, not plain transport; default Kullback–Leibler. The optimal flow does not depend on it. */
  readonly divergence?: Divergence;
  /** λ; default 1. */
  readonly kineticWeight?: number;
  /** T; default 1. */
  readonly horizon?: number;
  /** L; default 1. Infinity is ill-posed and leaves `exact` null. */
  readonly lipschitz?: number;
}

/**
 * The manifold target with its closed form.
 *
 * @param overrides μ, number of normal coordinates, divergence, λ, T, L; defaults (N(0,1), 1, KL, 1, 1, 1): E|y_T| = 0.16663094
 * @throws UsageError when a value does not fit
 *
 * *Good values*: TL/λ = 2 brings all but 0.017 of the distance in; `tangential: twoMoons()` with 5 or 10 normal coordinates.
 *
 * *References*: gu2024proximal
 */
export function manifoldTarget(overrides: ManifoldTargetOverrides = {}): ProximalFlow {
  const { tangential = gaussian({ mean: [0] }), normalDimensions: k = 1, divergence = kullbackLeibler() } = overrides;
  const { kineticWeight = 1, horizon = 1, lipschitz = 1 } = overrides;
  demandDimension("manifoldTarget", k, "normalDimensions");
  demandSoft("manifoldTarget", divergence);
  const n = tangential.dimension;
  const source = product([tangential, gaussian({ mean: new Float64Array(k) })]);
  const at = new Float64Array(k);
  return proximalFlow({
    name: "manifold-target",
    title: `${tangential.name} on a manifold of codimension ${k}`,
    source,
    target: embedded(tangential, { dimension: n + k }),
    divergence,
    lipschitz,
    kineticWeight,
    horizon,
    exact:
      lipschitz < Infinity
        ? normalCollapse({ dimension: n + k, first: n, at, kineticWeight, horizon, lipschitz }, source)
        : null,
    references: ["gu2024proximal"],
  });
}

/** Plain transport prescribes ρ_T = π and has another solution. */
export function demandSoft(where: string, divergence: Divergence): void {
  const cure = "Use kullbackLeibler() or alphaDivergence(2)";
  demand(!divergence.rigid, where, "divergence", "be a divergence, not plain transport", divergence.name, cure);
}
