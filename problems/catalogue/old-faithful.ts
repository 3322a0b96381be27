// Old Faithful: 272 eruptions, (duration, waiting time). The target is the empirical law of the training samples, standardised by
// the training mean and standard deviation (divided by n); ρ₀ = N(0, I).
// A held-out fifth (54 eruptions) is never in the target. The split is one seeded shuffle: the first 54 places are held out.
// The samples do not say whether their law has a density, so L must be finite to be sure of a well-posed game.
// Data: Azzalini and Bowman 1990 (key azzalini1990look). Problem: Gu, Katsoulakis, Rey-Bellet, Zhang 2024 (key gu2024proximal).
import { cloud, type Divergence, empirical, gaussian, kullbackLeibler } from "../../src/measure/index.js";
import { oldFaithfulMinutes } from "../data/index.js";
import { type ProximalFlow, proximalFlow } from "../proximal-flow.js";
import { split, standardise } from "../samples.js";

export interface OldFaithfulOverrides {
  /** D_f; default Kullback–Leibler. */
  readonly divergence?: Divergence;
  /** λ; default 0.1. */
  readonly kineticWeight?: number;
  /** T; default 1. */
  readonly horizon?: number;
  /** L; default 1. */
  readonly lipschitz?: number;
  /** Seed of the split; default 1. */
  readonly seed?: number;
}

/**
 * The Old Faithful geyser.
 *
 * @param overrides divergence, λ, T, L, seed of the split; defaults KL, 0.1, 1, 1, 1
 * @returns the problem; `coordinates` holds the training mean (offset) and standard deviation (scale), so that
 * minutes = offset + scale × x
 *
 * *References*: azzalini1990look, gu2024proximal
 */
export function oldFaithful(overrides: OldFaithfulOverrides = {}): ProximalFlow {
  const { divergence = kullbackLeibler(), kineticWeight = 0.1, horizon = 1, lipschitz = 1, seed = 1 } = overrides;
  const { training, heldOut } = split(cloud(oldFaithfulMinutes, 2), 1 / 5, seed);
  const { offset, scale, apply } = standardise(training);
  return proximalFlow({
    name: "old-faithful",
    title: "Old Faithful geyser",
    source: gaussian({ mean: [0, 0] }),
    target: empirical(apply(training), { name: "old-faithful" }),
    heldOut: heldOut === null ? null : apply(heldOut),
    divergence,
    lipschitz,
    kineticWeight,
    horizon,
    coordinates: ["duration (min)", "waiting time (min)"].map((label, a) => ({
      label,
      offset: offset[a],
      scale: scale[a],
    })),
    references: ["azzalini1990look", "gu2024proximal"],
  });
}
