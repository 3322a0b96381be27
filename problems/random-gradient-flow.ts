// A gradient flow from plain numbers, as property-based verification draws them:
//   energy       ∫ρ^m/(m − 1) (m = 1: ∫ρ log ρ − ρ) + ∫Vρ + ½∬Wρρ,  V = a Σ cos 2πx,  W = b Σ cos 2πx,  ρ₀ = 1 + s Π cos 2πx on a unit box
//   relative     ∫ q f(ρ/q),  divergence  D_f^L(ρ‖Q),  w1  W₁(ρ, Q),  w2  ½W₂²(ρ, Q)   from N(δe₁, σ²) to Q = N(0, ¾²) in [−4, 4]^d;
//   without a bound on the slopes Q = N(0, 1¼²), wider than the start: the speed grows like (ρ/q)^{α−1}
// Reference: Ambrosio, Gigli, Savaré 2008 (key ambrosio2008gradient).
import { domain } from "../src/grid/index.js";
import { alphaDivergence, gaussian, kullbackLeibler } from "../src/measure/index.js";
import type { RandomGradientFlow } from "../src/verify/index.js";
import { type GradientFlow, gradientFlow } from "./gradient-flow.js";
import {
  coordinateNames,
  divergenceTo,
  type Energy,
  energy,
  entropy,
  lipschitzDivergence,
  power,
  transportTo,
} from "./terms/index.js";

/** Half the side of the box of Gaussians, and the spread of the target, with and without a bound on slopes. */
const REACH = 4;
const SPREAD = 0.75;
const WIDE_SPREAD = 1.25;

/**
 * The gradient flow of a random draw; see `arbitraryGradientFlow`.
 */
export function randomGradientFlow(choice: RandomGradientFlow): GradientFlow {
  const { name, family, dimension: d, horizon } = choice;
  const names = coordinateNames(d);
  const box = (lower: number, upper: number, ends: "periodic" | "no-flux") =>
    domain({ lower: names.map(() => lower), upper: names.map(() => upper), ends });
  const common = { name, title: `Random gradient flow in ${d}-D, ${family}`, horizon };
  if (family === "energy") {
    const waves = names.map((x) => `cos(2*pi*${x})`);
    const { exponent, potential, interaction, start } = choice;
    return gradientFlow({
      ...common,
      domain: box(0, 1, choice.ends),
      energy: energy({
        dimension: d,
        internal: exponent === 1 ? entropy() : power(exponent),
        potential: potential === 0 ? null : `${potential} * (${waves.join(" + ")})`,
        interaction: interaction === 0 ? null : `${interaction} * (${waves.join(" + ")})`,
        convexity: potential === 0 && interaction === 0 ? 0 : null,
      }),
      initial: `1 + ${start} * ${waves.join(" * ")}`,
    });
  }
  return gradientFlow({
    ...common,
    domain: box(-REACH, REACH, "no-flux"),
    energy: towards(choice),
    initial: gaussian({ mean: names.map((_, a) => (a === 0 ? choice.shift : 0)), sd: choice.spread }),
  });
}

/** The energies that have a Gaussian for their target. */
function towards({ family, dimension, alpha, lipschitz }: RandomGradientFlow): Energy {
  const target = gaussian({ mean: new Float64Array(dimension), sd: family === "relative" ? WIDE_SPREAD : SPREAD });
  if (family === "w1" || family === "w2") return transportTo({ dimension, order: family === "w1" ? 1 : 2, target });
  const divergence = alpha === 1 ? kullbackLeibler() : alphaDivergence(alpha);
  return family === "relative"
    ? energy({ dimension, internal: divergenceTo(divergence, target, dimension) })
    : lipschitzDivergence({ dimension, divergence, lipschitz, target });
}
