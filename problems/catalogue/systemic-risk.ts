// Inter-bank lending (systemic risk): log-reserves dX = (a(x̄ − X) + α)dt + σ dW, a bank pays
//   ∫ α²/2 − qα(x̄ − X) + (ε/2)(x̄ − X)² dt + (c/2)(x̄ − X_T)²,   q² ≤ ε.
// Completing the square, with A = a + q and ν = σ²/2:   −∂ₜu − νu″ + |u′|²/2 + A(x − x̄)u′ = ((ε − q²)/2)(x − x̄)²,  u(T) = (c/2)(x − x̄)²
//   u = η(t)(x − x̄)²/2 + μ(t),  η + A = δ(C + δ tanh δτ)/(δ + C tanh δτ),  δ² = A² + ε − q², C = c + A, τ = T − t,  μ′ = −νη
//   m = N(x̄, s),  s′ = −2(A + η)s + 2ν
// The mean x̄ does not move in equilibrium, since lending sums to nothing; the drift in H holds it at its value, the costs follow m.
// Reference: Carmona, Fouque, Sun 2015 (key carmona2015systemic).
import { demand } from "../../src/error.js";
import { domain } from "../../src/grid/index.js";
import { gaussian } from "../../src/measure/index.js";
import { type MeanFieldGame, meanFieldGame } from "../mean-field-game.js";
import { couplingMean, hamiltonianQuadratic } from "../terms/index.js";
import { demandPositive, isotropicGaussian, REACH, riccati, squareDistance, widest } from "./gaussian-equilibrium.js";

export interface SystemicRiskOverrides {
  /** a ≥ 0, rate of mean reversion; default 1. */
  readonly reversion?: number;
  /** q ≥ 0, incentive to lend and borrow; default 1. */
  readonly incentive?: number;
  /** ε > q², penalty of being away from the mean; default 1.5. */
  readonly penalty?: number;
  /** c ≥ 0, the same at T; default 0.5. */
  readonly terminalPenalty?: number;
  /** σ > 0; default 0.5. */
  readonly volatility?: number;
  /** x̄; default 0. */
  readonly mean?: number;
  /** s₀ > 0; default 0.5. */
  readonly variance?: number;
  /** T; default 1. */
  readonly horizon?: number;
}

/**
 * The inter-bank lending game with its closed form.
 *
 * @param overrides a, q, ε, c, σ, mean, variance and T
 * @throws UsageError when a value does not fit
 *
 * *Notes*: banks below a level of default are a question for the trajectories: more lending (q) makes single defaults rarer, and systemic
 * events no rarer.
 *
 * *Good values*: the defaults.
 *
 * *References*: carmona2015systemic
 */
export function systemicRisk(overrides: SystemicRiskOverrides = {}): MeanFieldGame {
  const { reversion = 1, incentive: q = 1, penalty = 1.5, terminalPenalty: c = 0.5, volatility = 0.5 } = overrides;
  const { mean = 0, variance = 0.5, horizon: T = 1 } = overrides;
  const where = "systemicRisk";
  for (const [name, value] of [
    ["reversion", reversion],
    ["incentive", q],
    ["terminalPenalty", c],
  ] as const)
    demand(value >= 0 && Number.isFinite(value), where, name, "be finite and ≥ 0", value, `Use ${name}: 1`);
  demand(
    penalty > q ** 2 && Number.isFinite(penalty),
    where,
    "penalty",
    `be above incentive² = ${q ** 2}, so that costs are convex`,
    penalty,
    "Raise it, or lower the incentive",
  );
  demandPositive(where, "volatility", volatility, "Use volatility: 0.5");
  demandPositive(where, "variance", variance, "Use variance: 0.5");
  demandPositive(where, "horizon", T, "Use horizon: 1");
  demand(Number.isFinite(mean), where, "mean", "be finite", mean, "Use mean: 0");
  const nu = volatility ** 2 / 2;
  const A = reversion + q;
  const law = riccati(Math.sqrt(A ** 2 + penalty - q ** 2), c + A);
  const spread = (t: number) => law.variance(T - t, T, nu, variance);
  const half = REACH * Math.sqrt(widest(spread, T));
  return meanFieldGame({
    name: "systemic-risk",
    title: "Systemic risk: banks that lend to each other",
    domain: domain({ lower: [mean - half], upper: [mean + half], ends: "no-flux" }),
    horizon: T,
    populations: {
      name: "banks",
      viscosity: nu,
      hamiltonian: hamiltonianQuadratic({
        dimension: 1,
        drift: ["rate*(x - mean)"],
        parameters: { rate: A, mean },
      }),
      initial: gaussian({ mean: [mean], sd: Math.sqrt(variance) }),
    },
    coupling: couplingMean({ dimension: 1, weight: penalty - q ** 2 }),
    terminal: couplingMean({ dimension: 1, weight: c }),
    exact: {
      value: (t, x) => {
        const [eta, r] = [law.gain(T - t) - A, nu * (law.integral(T - t) - A * (T - t))];
        return squareDistance(x, [mean]).map((r2) => (eta * r2) / 2 + r);
      },
      density: (t, x) => isotropicGaussian(x, [mean], spread(t)),
      ergodicConstant: null,
    },
    coordinates: [{ label: "log-reserves", offset: 0, scale: 1 }],
    references: ["carmona2015systemic"],
  });
}
