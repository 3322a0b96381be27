// From N(0, 1) to the bimodal ½N(−2, ¼) + ½N(2, ¼) under a Lipschitz-regularised divergence: the middle splits, and half of the mass
// moves to either side at speed ≤ L. Reference: Gu et al. 2024 (key gu2024lipschitz).
import { domain } from "../../src/grid/index.js";
import { type Divergence, gaussian, gaussianMixture, kullbackLeibler } from "../../src/measure/index.js";
import { type GradientFlow, gradientFlow } from "../gradient-flow.js";
import { lipschitzDivergence } from "../terms/index.js";

export interface BimodalTargetOverrides {
  /** D_f; default Kullback–Leibler. */
  readonly divergence?: Divergence;
  /** L > 0; default 1. */
  readonly lipschitz?: number;
  /** T; default 4. */
  readonly horizon?: number;
}

/**
 * The flow to a bimodal target on [−6, 6].
 *
 * @param overrides divergence, L, T
 *
 * *Good values*: the defaults; 256 points.
 *
 * *References*: gu2024lipschitz
 */
export function bimodalTarget(overrides: BimodalTargetOverrides = {}): GradientFlow {
  const { divergence = kullbackLeibler(), lipschitz = 1, horizon = 4 } = overrides;
  const target = gaussianMixture({
    components: [
      { weight: 0.5, mean: [-2], sd: 0.5 },
      { weight: 0.5, mean: [2], sd: 0.5 },
    ],
  });
  return gradientFlow({
    name: "bimodal-target",
    title: "Bimodal target on the line",
    domain: domain({ lower: [-6], upper: [6], ends: ["no-flux"] }),
    horizon,
    energy: lipschitzDivergence({ dimension: 1, divergence, lipschitz, target }),
    initial: gaussian({ mean: [0] }),
    references: ["gu2024lipschitz"],
  });
}
