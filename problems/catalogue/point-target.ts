// Point target (C2, M3 without a manifold): ρ₀ = N(0, I_d), π = δ_b.
//   U(t, x) = Huber(|x − b|) over the remaining time,  v towards b at speed min(L/λ, |x₀ − b|/T)
//   D_f^L(P‖δ_b) = L E_P|x − b| for every f;   value E Huber(|x₀ − b|), |x₀ − b|² non-central χ²_d(|b|²)
// L = ∞ is ill-posed, as for every singular target.
// Reference: Gu, Katsoulakis, Rey-Bellet, Zhang 2024 (key gu2024proximal).
import { type Divergence, dirac, gaussian, kullbackLeibler } from "../../src/measure/index.js";
import { type ProximalFlow, proximalFlow } from "../proximal-flow.js";
import { demandSoft } from "./manifold-target.js";
import { normalCollapse } from "./normal-collapse.js";

export interface PointTargetOverrides {
  /** b, length d ≥ 1; default (2, 0). */
  readonly point?: ArrayLike<number>;
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
 * The point target with its closed form.
 *
 * @param overrides point b, divergence, λ, T, L; defaults ((2, 0), KL, 1, 1, 1)
 * @throws UsageError when a value does not fit
 *
 * *References*: gu2024proximal
 */
export function pointTarget(overrides: PointTargetOverrides = {}): ProximalFlow {
  const { point = [2, 0], divergence = kullbackLeibler(), kineticWeight = 1, horizon = 1, lipschitz = 1 } = overrides;
  const at = Float64Array.from(point);
  demandSoft("pointTarget", divergence);
  const target = dirac(at);
  const source = gaussian({ mean: new Float64Array(at.length) });
  return proximalFlow({
    name: "point-target",
    title: `Gaussian to a point in ${at.length}-D`,
    source,
    target,
    divergence,
    lipschitz,
    kineticWeight,
    horizon,
    exact:
      lipschitz < Infinity
        ? normalCollapse({ dimension: at.length, first: 0, at, kineticWeight, horizon, lipschitz }, source)
        : null,
    references: ["gu2024proximal"],
  });
}
