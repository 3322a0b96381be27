// The Lipschitz-regularised divergence between two clouds on the line, exactly:
//   D_f^L(P‖Q) = max over φ with slopes in [−L, L] of  E_P φ − E_Q f*(φ)
// The nodes are the points of P ∪ Q in order, equal points (to 1e-15 of the range) merged, and slopes between neighbours are all that the bound restricts: the
// programme on a chain (chain-critic.ts). Any f; n log n to sort, then O(n) a Newton step.
// Reference: Birrell et al. 2022 (key birrell2022fgamma).
import { demand } from "../error.js";
import { type Cloud, type Divergence, weightOf } from "../measure/index.js";
import { type ChainCritic, type ChainOptions, chainCritic } from "./chain-critic.js";

/** A critic on the line: φ at the sorted points of both clouds. */
export interface LineCritic extends ChainCritic {
  /** Points of P ∪ Q, increasing. */
  readonly nodes: Float64Array;
}

/** Points closer than this part of the range are one node: it changes D by at most that part of L × range. */
const SAME = 1e-15;

/**
 * The Lipschitz-regularised divergence of two clouds on the line, with its critic.
 *
 * @param source P, dimension 1
 * @param target Q, dimension 1
 * @param divergence f; plain transport gives L W₁
 * @param lipschitz L > 0, finite
 * @param options tolerance of the gap, Newton steps: see {@link ChainOptions}
 * @returns φ, R and w on the nodes, primal, dual, gap
 * @throws UsageError when a cloud is not on the line or L is not a finite number > 0
 *
 * *Good values*: the defaults.
 *
 * *References*: birrell2022fgamma
 */
export function lipschitzDivergenceOnLine(
  source: Cloud,
  target: Cloud,
  divergence: Divergence,
  lipschitz: number,
  options: ChainOptions = {},
): LineCritic {
  const where = "lipschitzDivergenceOnLine";
  for (const [name, c] of [
    ["source", source],
    ["target", target],
  ] as const)
    demand(c.dimension === 1, where, name, "lie on the line", `dimension ${c.dimension}`, "Use semiRelaxedTransport()");
  demand(
    lipschitz > 0 && lipschitz < Infinity,
    where,
    "lipschitz",
    "be a finite number > 0",
    lipschitz,
    "Use lipschitz: 1 to start",
  );
  const sorted = Float64Array.from(new Set([...source.points, ...target.points])).sort();
  const least = SAME * (sorted[sorted.length - 1] - sorted[0]);
  const place = new Map<number, number>();
  const kept: number[] = [];
  for (const x of sorted) {
    if (kept.length === 0 || x - kept[kept.length - 1] > least) kept.push(x);
    place.set(x, kept.length - 1);
  }
  const nodes = Float64Array.from(kept);
  const on = (c: Cloud): Float64Array => {
    const out = new Float64Array(nodes.length);
    for (let i = 0; i < c.count; i++) out[place.get(c.points[i]) as number] += weightOf(c, i);
    return out;
  };
  const bounds = nodes.map((x, i) => (i + 1 < nodes.length ? lipschitz * (nodes[i + 1] - x) : Infinity));
  return {
    nodes,
    ...chainCritic({ source: on(source), target: on(target), bounds, divergence }, options),
  };
}
