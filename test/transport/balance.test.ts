// The scalar balance of a tree: closed forms, restricted domains next to their edge, extreme gaps.
import { describe, expect, it } from "vitest";
import { alphaDivergence, jensenShannon, kullbackLeibler, reverseKullbackLeibler } from "../../src/measure/index.js";
import { balance, priceOfFirstMass } from "../../src/transport/balance.js";

const all = [
  kullbackLeibler(),
  alphaDivergence(2),
  alphaDivergence(5),
  alphaDivergence(0.5),
  reverseKullbackLeibler(),
  jensenShannon(),
];
const one = Float64Array.of(1);
const none = new Float64Array(1);

describe("balance", () => {
  it.each(all)("meets the mass from any start, inside the domain, $name", (divergence) => {
    const weights = Float64Array.of(0.2, 0.5, 0.3);
    for (const spread of [0, 1, 1e4]) {
      const gaps = Float64Array.of(0, 0.3 * spread, spread);
      for (const mass of [1e-6, 1, 30, 1e6]) {
        for (const guess of [0, -50, 50, -1e9, 1e9]) {
          const y = balance(divergence, weights, gaps, 3, mass, guess);
          expect(y).toBeLessThan(divergence.conjugateDomain);
          const sum = weights.reduce((s, w, k) => s + w * divergence.conjugateDerivative(y - gaps[k]), 0);
          // One unit in the last place of y moves the sum by about slope × |y| × 2⁻⁵².
          const slope = weights.reduce((s, w, k) => s + w * divergence.conjugateSecondDerivative(y - gaps[k]), 0);
          expect(Math.abs(sum - mass)).toBeLessThanOrEqual(1e-14 * mass + 4 * slope * Math.abs(y) * 2 ** -52);
        }
      }
    }
  });
  it("KL: y = log(mass / Σ b e^{−g}); reverse KL: y = −1/mass for one target", () => {
    const y = balance(kullbackLeibler(), Float64Array.of(0.2, 0.8), Float64Array.of(0, 2), 2, 0.7, 3);
    expect(y).toAgree(Math.log(0.7 / (0.2 + 0.8 * Math.exp(-2))), { rtol: 1e-14 });
    expect(balance(reverseKullbackLeibler(), one, none, 1, 1e8, 0)).toAgree(-1e-8, { rtol: 1e-14 });
  });
  it("the price of the first mass is 0 for α > 1, and where (f*)′ underflows for the others", () => {
    for (const alpha of [1.5, 2, 5]) expect(priceOfFirstMass(alphaDivergence(alpha))).toAgree(0, { atol: 1e-12 });
    expect(priceOfFirstMass(kullbackLeibler())).toAgree(-745, { rtol: 1e-3 });
    expect(priceOfFirstMass(reverseKullbackLeibler())).toBeLessThan(-1e5);
  });
});
