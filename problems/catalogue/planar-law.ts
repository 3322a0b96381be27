// A planar law as target: ρ₀ = N(0, I), π given by its sampler, held-out samples fresh. What the planar catalogue problems share.
import { type Distribution, type Divergence, gaussian, kullbackLeibler } from "../../src/measure/index.js";
import { type ProximalFlow, proximalFlow } from "../proximal-flow.js";
import { heldOutSample } from "../samples.js";

export interface PlanarOverrides {
  /** D_f; default Kullback–Leibler. */
  readonly divergence?: Divergence;
  /** λ; default 0.02: at 0.05 the kinetic cost holds the optimal moons 1.7 sampling floors off held-out data, at 0.02 one. */
  readonly kineticWeight?: number;
  /** T; default 1. */
  readonly horizon?: number;
  /** L; default 1. */
  readonly lipschitz?: number;
  /** Number of held-out samples; default 500. */
  readonly heldOut?: number;
  /** Seed of the held-out samples; default 0. */
  readonly heldOutSeed?: number;
}

/** N(0, I) → the law, with held-out samples. */
export function planarLaw(
  name: string,
  title: string,
  target: Distribution,
  references: readonly string[],
  overrides: PlanarOverrides,
): ProximalFlow {
  const { divergence = kullbackLeibler(), kineticWeight = 0.02, horizon = 1, lipschitz = 1 } = overrides;
  return proximalFlow({
    name,
    title,
    source: gaussian({ mean: new Float64Array(target.dimension) }),
    target,
    heldOut: heldOutSample(target, overrides.heldOut ?? 500, overrides.heldOutSeed),
    divergence,
    lipschitz,
    kineticWeight,
    horizon,
    references,
  });
}
