// Two crowds that want each other's place, on a box (0, 1)^d, d = 1, 2:
//   −∂ₜu₁ − νΔu₁ + |∇u₁|²/2 = own m₁ + other m₂,   u₁(T) = pull |x − 0.75|²,   m₁(0) around 0.25
//   −∂ₜu₂ − νΔu₂ + |∇u₂|²/2 = other m₁ + own m₂,   u₂(T) = pull |x − 0.25|²,   m₂(0) around 0.75
// The costs' matrix (own, other; other, own) is symmetric: a potential game, monotone iff own ≥ |other|. With other > own the strangers'
// presence weighs more than the own people's (xenophobia): crowds part into lanes or halves, and equilibria need not be unique.
// Reference: Achdou, Bardi, Cirant 2017 (key achdou2017segregation).
import { demand } from "../../src/error.js";
import { domain } from "../../src/grid/index.js";
import { type MeanFieldGame, meanFieldGame } from "../mean-field-game.js";
import { couplingField, couplingLocal, hamiltonianQuadratic } from "../terms/index.js";
import { demandPositive } from "./gaussian-equilibrium.js";

export interface TwoCrowdsOverrides {
  /** 1 or 2; default 1. */
  readonly dimension?: number;
  /** ν > 0; default 0.05. */
  readonly viscosity?: number;
  /** Weight ≥ 0 of the own crowd; default 0.5. */
  readonly own?: number;
  /** Weight ≥ 0 of the other crowd; default 0.25. */
  readonly other?: number;
  /** Weight > 0 of the terminal cost; default 4. */
  readonly pull?: number;
  /** T; default 1. */
  readonly horizon?: number;
}

/**
 * Two crowds that change places.
 *
 * @param overrides dimension, viscosity, weights of the own and the other crowd, pull and T
 * @throws UsageError when a value does not fit
 *
 * *Good values*: own = 0.5, other = 0.25 (monotone); other = 2 for segregation.
 *
 * *References*: achdou2017segregation
 */
export function twoCrowds(overrides: TwoCrowdsOverrides = {}): MeanFieldGame {
  const { dimension: d = 1, viscosity = 0.05, own = 0.5, other = 0.25, pull = 4, horizon = 1 } = overrides;
  const where = "twoCrowds";
  demand(d === 1 || d === 2, where, "dimension", "be 1 or 2", d, "Use dimension: 1");
  demandPositive(where, "viscosity", viscosity, "Use viscosity: 0.05");
  for (const [name, value] of [
    ["own", own],
    ["other", other],
  ] as const)
    demand(value >= 0 && Number.isFinite(value), where, name, "be finite and ≥ 0", value, `Use ${name}: 0.5`);
  demandPositive(where, "pull", pull, "Use pull: 4");
  const distance = (centre: number) => (d === 1 ? `(x - ${centre})^2` : `((x - ${centre})^2 + (y - 0.5)^2)`);
  const crowd = (name: string, centre: number) => ({
    name,
    viscosity,
    hamiltonian: hamiltonianQuadratic({ dimension: d }),
    initial: `exp(-${distance(centre)}/0.02)`,
    mass: 1,
  });
  return meanFieldGame({
    name: "two-crowds",
    title: `Two crowds that change places in ${d}-D`,
    domain: domain({ lower: new Array(d).fill(0), upper: new Array(d).fill(1), ends: "no-flux" }),
    horizon,
    populations: [crowd("left", 0.25), crowd("right", 0.75)],
    coupling: couplingLocal({
      dimension: d,
      populations: 2,
      cost: ["own*m1 + other*m2", "other*m1 + own*m2"],
      parameters: { own, other },
    }),
    terminal: couplingField({ dimension: d, cost: [`${pull}*${distance(0.75)}`, `${pull}*${distance(0.25)}`] }),
    references: ["achdou2017segregation"],
  });
}
