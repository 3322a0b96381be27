// Old Faithful as the target of a Lipschitz-regularised flow: N(0, I) moves onto the 218 training eruptions of the proximal flow's problem
// (old-faithful.ts), standardised, which stay a sum of atoms: D_f^L is finite for them. Data: Azzalini and Bowman 1990 (key azzalini1990look).
import { domain } from "../../src/grid/index.js";
import { gaussian } from "../../src/measure/index.js";
import { type GradientFlow, gradientFlow } from "../gradient-flow.js";
import { lipschitzDivergence } from "../terms/index.js";
import { oldFaithful } from "./old-faithful.js";

export interface OldFaithfulFlowOverrides {
  /** L > 0; default 1. */
  readonly lipschitz?: number;
  /** T; default 2. */
  readonly horizon?: number;
  /** Seed of the split into training and held-out eruptions; default 1. */
  readonly seed?: number;
}

/**
 * The flow to the Old Faithful data on [−5, 5]².
 *
 * @param overrides L, T, seed of the split
 * @returns the flow, with the coordinates' meaning in minutes
 *
 * *Good values*: the defaults; 64² points.
 *
 * *References*: azzalini1990look, gu2024lipschitz
 */
export function oldFaithfulFlow(overrides: OldFaithfulFlowOverrides = {}): GradientFlow {
  const { lipschitz = 1, horizon = 2, seed = 1 } = overrides;
  const { target, divergence, heldOut, coordinates } = oldFaithful({ seed });
  return gradientFlow({
    name: "old-faithful-flow",
    title: "Old Faithful geyser as the target of a flow",
    domain: domain({ lower: [-5, -5], upper: [5, 5], ends: "no-flux" }),
    horizon,
    energy: lipschitzDivergence({ dimension: 2, divergence, lipschitz, target }),
    initial: gaussian({ mean: [0, 0] }),
    heldOut,
    coordinates,
    references: ["azzalini1990look", "gu2024lipschitz"],
  });
}
