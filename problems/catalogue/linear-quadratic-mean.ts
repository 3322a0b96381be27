// Linear–quadratic game of agents drawn to the crowd's mean (P6), any dimension:
//   −∂ₜu − νΔu + |∇u|²/2 = (κ/2)|x − x̄|²,   u(T) = (c/2)|x − x̄_T|²,   m₀ = N(x̄, s₀ I),   k = √κ
//   u = a(t)|x − x̄|²/2 + r(t),  a = k(c + k tanh k(T − t))/(k + c tanh k(T − t)),  r′ = −νda, r(T) = 0
//   m = N(x̄, s(t) I),  s′ = −2as + 2ν;   the mean x̄ stays where it is.
// The formula is for R^d; the box reaches 4 standard deviations and misses 6e-5 of the mass on each axis.
// Reference: Bensoussan, Sung, Yam, Yung 2016 (key bensoussan2016linear).
import { demand } from "../../src/error.js";
import { domain } from "../../src/grid/index.js";
import { gaussian } from "../../src/measure/index.js";
import { type MeanFieldGame, meanFieldGame } from "../mean-field-game.js";
import { couplingMean, hamiltonianQuadratic } from "../terms/index.js";
import { demandDimension } from "./dimension.js";
import { demandPositive, isotropicGaussian, REACH, riccati, squareDistance, widest } from "./gaussian-equilibrium.js";

export interface LinearQuadraticMeanOverrides {
  /** d ≥ 1; default 1. */
  readonly dimension?: number;
  /** ν > 0; default 0.3. */
  readonly viscosity?: number;
  /** κ > 0; default 2. */
  readonly attraction?: number;
  /** c ≥ 0; default 0.5. */
  readonly terminalWeight?: number;
  /** x̄, length d; default 0. */
  readonly mean?: readonly number[];
  /** s₀ > 0; default 1.5. */
  readonly variance?: number;
  /** T; default 1. */
  readonly horizon?: number;
  /** Half side of the box around x̄; default 4 standard deviations where they are largest. */
  readonly halfWidth?: number;
}

/**
 * The linear–quadratic game with attraction to the own mean, and its closed form.
 *
 * @param overrides dimension, ν, κ, c, mean, variance, T and box
 * @throws UsageError when a value does not fit
 *
 * *Notes*: not monotone, yet with one equilibrium: the mean's equation alone has one solution. Compare on the bulk of m: the walls
 * bend u where there is next to nobody. Widen the box for errors below 1e-4.
 *
 * *Good values*: the defaults: a(0) = 1.33656340, r(0) = 0.31549111, variance at T 0.46990597.
 *
 * *References*: bensoussan2016linear
 */
export function linearQuadraticMean(overrides: LinearQuadraticMeanOverrides = {}): MeanFieldGame {
  const { dimension: d = 1, viscosity = 0.3, attraction = 2, terminalWeight = 0.5, variance = 1.5 } = overrides;
  const { horizon: T = 1 } = overrides;
  const where = "linearQuadraticMean";
  demandDimension(where, d);
  demandPositive(where, "viscosity", viscosity, "Use viscosity: 0.3");
  demandPositive(where, "attraction", attraction, "Use attraction: 2");
  demand(
    terminalWeight >= 0 && Number.isFinite(terminalWeight),
    where,
    "terminalWeight",
    "be finite and ≥ 0",
    terminalWeight,
    "Use terminalWeight: 0.5",
  );
  demandPositive(where, "variance", variance, "Use variance: 1.5");
  demandPositive(where, "horizon", T, "Use horizon: 1");
  const mean = overrides.mean ?? new Array<number>(d).fill(0);
  demand(mean.length === d, where, "mean", `have ${d} numbers`, mean.length, "Leave it out for 0");
  const law = riccati(Math.sqrt(attraction), terminalWeight);
  const spread = (t: number) => law.variance(T - t, T, viscosity, variance);
  const half = overrides.halfWidth ?? REACH * Math.sqrt(widest(spread, T));
  demandPositive(where, "halfWidth", half, "Leave it out");
  return meanFieldGame({
    name: "linear-quadratic-mean",
    title: `Linear–quadratic game with attraction to the mean in ${d}-D`,
    domain: domain({ lower: mean.map((x) => x - half), upper: mean.map((x) => x + half), ends: "no-flux" }),
    horizon: T,
    populations: {
      viscosity,
      hamiltonian: hamiltonianQuadratic({ dimension: d }),
      initial: gaussian({ mean, sd: Math.sqrt(variance) }),
    },
    coupling: couplingMean({ dimension: d, weight: attraction }),
    terminal: couplingMean({ dimension: d, weight: terminalWeight }),
    exact: {
      value: (t, x) => {
        const [a, r] = [law.gain(T - t), viscosity * d * law.integral(T - t)];
        return squareDistance(x, mean).map((r2) => (a * r2) / 2 + r);
      },
      density: (t, x) => isotropicGaussian(x, mean, spread(t)),
      ergodicConstant: null,
    },
    references: ["bensoussan2016linear"],
  });
}
