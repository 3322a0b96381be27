// Evacuation of a room (0, 1)² with a wide door in the right wall, a narrow one in the upper wall, and a round pillar before the wide
// one: the crowd at the left leaves, and moving is harder where it is dense:
//   −∂ₜu − νΔu + |∇u|²/(2(1 + m)^a) = urgency + m,   u(T) = stay,   u = 0 and m = 0 at doors, ∂ₙu = 0 at walls and pillar
// Reference: Lachapelle, Wolfram 2011 (key lachapelle2011crowds); Achdou, Porretta 2018 (key achdou2018congestion).
import { demand } from "../../src/error.js";
import { domain } from "../../src/grid/index.js";
import { type MeanFieldGame, meanFieldGame } from "../mean-field-game.js";
import { couplingField, couplingLocal, hamiltonianCongestion } from "../terms/index.js";
import { demandPositive } from "./gaussian-equilibrium.js";

export interface EvacuationOverrides {
  /** ν > 0; default 0.05. */
  readonly viscosity?: number;
  /** a in [0, 4], of the congestion; default 1. */
  readonly congestion?: number;
  /** Cost of a unit of time inside, > 0; default 1. */
  readonly urgency?: number;
  /** Cost at T of those who are still inside, ≥ 0; default 2. */
  readonly stay?: number;
  /** Radius of the pillar around (0.7, 0.5), in [0, 0.2]; 0: none. Default 0.12. */
  readonly pillar?: number;
  /** T; default 1. */
  readonly horizon?: number;
}

/**
 * The evacuation of a room.
 *
 * @param overrides viscosity, congestion exponent, urgency, cost of staying, pillar and T
 * @throws UsageError when a value does not fit
 *
 * *Notes*: mass leaves through the doors; its rest at T is a result. A pillar before a door may speed the crowd up or not: compare with radius 0.
 *
 * *Good values*: 40 × 40 cells, 40 steps.
 *
 * *References*: lachapelle2011crowds, achdou2018congestion
 */
export function evacuation(overrides: EvacuationOverrides = {}): MeanFieldGame {
  const { viscosity = 0.05, congestion = 1, urgency = 1, stay = 2, pillar = 0.12, horizon = 1 } = overrides;
  const where = "evacuation";
  demandPositive(where, "viscosity", viscosity, "Use viscosity: 0.05");
  demand(congestion >= 0 && congestion <= 4, where, "congestion", "be in [0, 4]", congestion, "Use congestion: 1");
  demandPositive(where, "urgency", urgency, "Use urgency: 1");
  demand(stay >= 0 && Number.isFinite(stay), where, "stay", "be finite and ≥ 0", stay, "Use stay: 2");
  demand(pillar >= 0 && pillar <= 0.2, where, "pillar", "be in [0, 0.2]", pillar, "Use pillar: 0.12");
  return meanFieldGame({
    name: "evacuation",
    title: "Evacuation of a room with two doors and a pillar",
    domain: domain({
      lower: [0, 0],
      upper: [1, 1],
      ends: "no-flux",
      doors: [
        { axis: 0, side: "upper", from: [0.35], to: [0.65] },
        { axis: 1, side: "upper", from: [0.3], to: [0.45] },
      ],
      ...(pillar === 0
        ? {}
        : {
            obstacle: (x: Float64Array) => (x[0] - 0.7) ** 2 + (x[1] - 0.5) ** 2 < pillar ** 2,
            obstacleText: `${pillar}^2 - (x - 0.7)^2 - (y - 0.5)^2 > 0`,
          }),
    }),
    horizon,
    populations: {
      viscosity,
      hamiltonian: hamiltonianCongestion({ dimension: 2, exponent: congestion }),
      // a smooth-edged square of people
      initial: "1/((1 + exp(40*(abs(x - 0.3) - 0.2)))*(1 + exp(40*(abs(y - 0.5) - 0.3))))",
      mass: 1,
    },
    coupling: couplingLocal({ dimension: 2, cost: "urgency + m", parameters: { urgency } }),
    terminal: couplingField({ dimension: 2, cost: stay }),
    references: ["lachapelle2011crowds", "achdou2018congestion"],
  });
}
