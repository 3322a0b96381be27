// The target's side of the terminal divergence, −E_π f*(φ) (Kullback–Leibler: −log E_π e^φ), of a host critic on equally weighted samples.
import type { Divergence } from "../../src/measure/index.js";
import { criticAt, type HostCritic } from "../../src/tensor/index.js";

/** −mean f*(φ), KL: −log mean e^φ with the maximum taken out first. */
export function terminalReward(critic: HostCritic, divergence: Divergence, targets: Float64Array): number {
  const { values } = criticAt(critic, targets);
  if (!divergence.logMeanExp) return -mean(values.map((y) => divergence.conjugate(y)));
  const top = values.reduce((most, y) => Math.max(most, y), -Infinity);
  return -top - Math.log(mean(values.map((y) => Math.exp(y - top))));
}

/** KL leaves a constant free; it is fixed by log E_π e^φ = 0, as in the closed forms. Other divergences are left as they are. */
export function normalisedCritic(critic: HostCritic, divergence: Divergence, targets: Float64Array): HostCritic {
  if (!divergence.logMeanExp) return critic;
  const shift = terminalReward(critic, divergence, targets);
  return {
    ...critic,
    evaluate: (points, values, gradients) => {
      critic.evaluate(points, values, gradients);
      for (let i = 0; i < values.length; i++) values[i] += shift;
    },
  };
}

function mean(values: Float64Array): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}
