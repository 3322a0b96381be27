// The scalar equation of a group of targets whose potentials differ by known gaps: find y with
//   S(y) = Σₖ bₖ (f*)′(y − gₖ) = mass,   gₖ ≥ 0,  min gₖ = 0,   y < conjugateDomain.
// Newton on log S (exact in one step for KL), kept inside a bracket by bisection or by doubling steps. S is nondecreasing.
// The unknown is the potential of the top target, not a shift of all, so that it is accurate next to the edge of a restricted domain.
import type { Divergence } from "../measure/index.js";

const MAX_ITERATIONS = 400;

/**
 * Solves Σₖ bₖ (f*)′(y − gₖ) = mass for y.
 *
 * @param weights bₖ > 0, the first `count` entries
 * @param gaps gₖ ≥ 0, the first `count` entries
 * @param mass > 0
 * @param guess start; any finite number
 * @returns y, to round-off of S
 */
export function balance(
  divergence: Divergence,
  weights: Float64Array,
  gaps: Float64Array,
  count: number,
  mass: number,
  guess: number,
): number {
  let low = -Infinity;
  let high = divergence.conjugateDomain;
  let step = 1;
  let y = guess < high ? guess : high - 1;
  let best = y;
  let bestError = Infinity;
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    let sum = 0;
    let slope = 0;
    for (let k = 0; k < count; k++) {
      sum += weights[k] * divergence.conjugateDerivative(y - gaps[k]);
      slope += weights[k] * divergence.conjugateSecondDerivative(y - gaps[k]);
    }
    const error = Math.abs(sum - mass);
    if (error < bestError) {
      bestError = error;
      best = y;
    }
    if (error <= 2e-16 * mass) break;
    if (sum < mass) low = y;
    else high = y;
    let next = sum > 0 && slope > 0 ? y - (Math.log(sum / mass) * sum) / slope : Number.NaN;
    if (Math.abs(next - y) <= 1e-16 * Math.abs(y)) break;
    if (!(next > low && next < high)) {
      if (low === -Infinity) next = y - step;
      else if (high === Infinity) next = y + step;
      else next = 0.5 * (low + high);
      step *= 2;
      if (next === low || next === high) break;
    }
    y = next;
  }
  return best;
}

/**
 * The largest y at which (f*)′ vanishes, to double precision: f′(0⁺). Where (f*)′ > 0 everywhere (KL) this is the y at which it
 * underflows. A target without mass takes this potential: the marginal price of its first bit of mass.
 */
export function priceOfFirstMass(divergence: Divergence): number {
  let high = balance(divergence, new Float64Array([1]), new Float64Array([0]), 1, 1, 0);
  let low = high - 1e6;
  if (divergence.conjugateDerivative(low) > 0) return low;
  for (let k = 0; k < 200; k++) {
    const middle = 0.5 * (low + high);
    if (middle === low || middle === high) break;
    if (divergence.conjugateDerivative(middle) > 0) high = middle;
    else low = middle;
  }
  return low;
}
