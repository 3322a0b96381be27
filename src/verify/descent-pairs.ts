// Laws of two solutions of one gradient flow from two starts:
//   contraction   E λ-convex along geodesics:  W₂(ρ_t, σ_t) ≤ e^{−λt} W₂(ρ_0, σ_0), by implicit steps (1 + λΔt)^{−n}
//   comparison    no interaction:  ρ_0 ≤ σ_0 implies ρ_t ≤ σ_t, cell by cell where the scheme is monotone
// Reference: Ambrosio, Gigli, Savaré 2008, §11.2 (key ambrosio2008gradient); Vázquez 2007 (key vazquez2007porous).
import { type Cloud, cloudOf, type Density, plainTransport, wasserstein2 } from "../measure/index.js";
import type { DescentSolution } from "../solution/index.js";
import { quadraticCost, semiRelaxedTransport } from "../transport/index.js";
import { keepsSlabs } from "./density.js";
import type { DescentLike } from "./descent.js";
import type { Law } from "./law.js";

/** Solutions of one problem from two starts; for the comparison principle the lower one first. */
export type DescentPair = readonly [DescentSolution<DescentLike>, DescentSolution<DescentLike>];

/** Why two solutions are no pair. */
function different([a, b]: DescentPair): string | null {
  if (a.problem.energy.text !== b.problem.energy.text) return "the two solutions have different energies";
  return a.problem.horizon === b.problem.horizon ? null : "the two solutions have different horizons";
}

/** W₂, exact: of densities between the centres of their cells. On the line by quantiles, else by the transport engine. */
async function distance(a: Density | Cloud, b: Density | Cloud): Promise<number> {
  const [source, target] = [a, b].map((law) => (law.kind === "cloud" ? law : cloudOf(law, { normalise: true })));
  if (source.dimension === 1) return wasserstein2(source, target);
  const { objective } = await semiRelaxedTransport({
    source,
    target,
    cost: quadraticCost(2, 1),
    divergence: plainTransport(),
  });
  return Math.sqrt(Math.max(0, objective.primal ?? Number.NaN));
}

/** Π (1 + λΔt)^{−1} over steps up to t: what e^{−λt} is to implicit steps, and never less. */
function contracted(times: Float64Array, lambda: number, t: number): number {
  let factor = 1;
  for (let n = 1; n < times.length && times[n - 1] < t; n++)
    factor /= Math.max(0, 1 + lambda * (Math.min(times[n], t) - times[n - 1]));
  return factor;
}

/**
 * Two flows of one λ-convex energy come together no slower, and part no faster, than λ says.
 *
 * @param bound default 1.02, for what schemes of first order add
 *
 * *References*: ambrosio2008gradient
 */
export function contractionLaw(bound: number | null = 1.02): Law<DescentPair> {
  return {
    name: "contraction",
    statement:
      "max over t = T/4, T/2, 3T/4, T of (W₂(ρ_t, σ_t) − h)⁺ / (Π(1 + λΔt)^{−1} W₂(ρ_0, σ_0));  e^{−λt} as h, Δt → 0",
    relation: "≤",
    bound,
    measure: async (pair) => {
      const unlike = different(pair);
      if (unlike !== null) return unlike;
      const { convexity: lambda } = pair[0].problem.energy;
      if (lambda === null) return "the energy is not known to be λ-convex";
      const T = Math.min(...pair.map(({ times }) => times[times.length - 1]));
      // Upwind fluxes are those of mass half a cell away: what they keep apart is a part of a cell.
      const h = Math.max(
        ...pair.map((s) => (keepsSlabs(s) ? Math.max(...s.cells.grid.axes.map((a) => a.spacing)) : 0)),
      );
      const start = await distance(pair[0].density(0), pair[1].density(0));
      if (start === 0) return "the two flows start at one law";
      let worst = 0;
      for (const t of [0.25 * T, 0.5 * T, 0.75 * T, T]) {
        const now = await distance(pair[0].density(t), pair[1].density(t));
        worst = Math.max(worst, Math.max(0, now - h) / (contracted(pair[0].times, lambda, t) * start));
      }
      return { value: worst, standardError: null };
    },
  };
}

/**
 * Ordered starts stay ordered, where nothing but internal and potential energy acts.
 *
 * @param bound default 1e-9, what Newton's tolerance leaves of a monotone scheme
 *
 * *References*: vazquez2007porous
 */
export function comparisonLaw(bound: number | null = 1e-9): Law<DescentPair> {
  return {
    name: "comparison",
    statement: "max over t, x of (ρ − σ)⁺ / max σ, where ρ_0 ≤ σ_0",
    relation: "≤",
    bound,
    measure: (pair) => {
      const unlike = different(pair);
      if (unlike !== null) return unlike;
      const [low, high] = pair;
      const { interaction, divergence, transport } = low.problem.energy;
      if (interaction !== null) return "an interaction has no comparison principle";
      if ((divergence !== null && divergence.lipschitz < Infinity) || transport !== null)
        return "a distance to a target compares laws of one mass only";
      if (!keepsSlabs(low) || !keepsSlabs(high)) return "a cloud has no density to compare";
      if (low.times.length !== high.times.length || low.times.some((t, n) => t !== high.times[n]))
        return "the two solutions took different steps";
      const top = high.slabs[0].reduce((most, v) => Math.max(most, v), 0);
      const excess = (n: number) => low.slabs[n].reduce((most, v, k) => Math.max(most, v - high.slabs[n][k]), 0) / top;
      if (excess(0) > 0) return "the starts are not ordered";
      let worst = 0;
      for (let n = 1; n < low.slabs.length; n++) worst = Math.max(worst, excess(n));
      return { value: worst, standardError: null };
    },
  };
}
