// The Lipschitz-regularised porous medium in the plane: under the α = 2 divergence N(0, I) splits into four modes N((±2, ±2), ¼I), at speed ≤ L;
// without the bound ∂ₜρ = div(ρ∇(ρ/q)). Reference: Gu et al. 2024 (key gu2024lipschitz).
import { domain } from "../../src/grid/index.js";
import { alphaDivergence, type Divergence, gaussian, gaussianMixture } from "../../src/measure/index.js";
import { type GradientFlow, gradientFlow } from "../gradient-flow.js";
import { lipschitzDivergence } from "../terms/index.js";

export interface FourModesOverrides {
  /** D_f; default α = 2. */
  readonly divergence?: Divergence;
  /** L > 0; default 1. */
  readonly lipschitz?: number;
  /** T; default 4. */
  readonly horizon?: number;
}

/**
 * The flow to four modes on [−5, 5]².
 *
 * @param overrides divergence, L, T
 *
 * *Good values*: the defaults; 64² points.
 *
 * *References*: gu2024lipschitz
 */
export function fourModes(overrides: FourModesOverrides = {}): GradientFlow {
  const { divergence = alphaDivergence(2), lipschitz = 1, horizon = 4 } = overrides;
  const signs = [-2, 2];
  const target = gaussianMixture({
    components: signs.flatMap((x) => signs.map((y) => ({ weight: 0.25, mean: [x, y], sd: 0.5 }))),
  });
  return gradientFlow({
    name: "four-modes",
    title: `Four modes in the plane, ${divergence.name}, L = ${lipschitz}`,
    domain: domain({ lower: [-5, -5], upper: [5, 5], ends: "no-flux" }),
    horizon,
    energy: lipschitzDivergence({ dimension: 2, divergence, lipschitz, target }),
    initial: gaussian({ mean: [0, 0] }),
    references: ["gu2024lipschitz"],
  });
}
