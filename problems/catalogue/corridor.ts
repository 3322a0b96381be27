// A crowded corridor with doors (P15): (−2, 2) × (−½, ½), walls all round, an opening of half the width in the middle of each end, where
// u = 0 and m = 0. Time costs 1, company costs m, and moving is harder in a crowd:
//   −∂ₜu − νΔu + |∇u|²/(2(1 + m)^a) = 1 + m,   u(T) = stay,   m₀ a crowd of one left of the middle
// Reference: Achdou, Porretta 2018 (key achdou2018congestion).
import { demand } from "../../src/error.js";
import { domain } from "../../src/grid/index.js";
import { type MeanFieldGame, meanFieldGame } from "../mean-field-game.js";
import { couplingField, couplingLocal, hamiltonianCongestion } from "../terms/index.js";
import { demandPositive } from "./gaussian-equilibrium.js";

export interface CorridorOverrides {
  /** ν > 0; default 0.1. */
  readonly viscosity?: number;
  /** a in [0, 4], of the congestion; default 1. */
  readonly congestion?: number;
  /** Cost at T of those who are still inside, ≥ 0; default 1. */
  readonly stay?: number;
  /** Centre of the first crowd, in (−2, 2); default −0.5. */
  readonly start?: number;
  /** T; default 2. */
  readonly horizon?: number;
}

/**
 * The crowded corridor.
 *
 * @param overrides viscosity, congestion exponent, cost of staying, start and T
 * @throws UsageError when a value does not fit
 *
 * *Good values*: a from 0 to 2 (one equilibrium); 64 × 16 cells: the openings are then 8 wide.
 *
 * *References*: achdou2018congestion
 */
export function corridor(overrides: CorridorOverrides = {}): MeanFieldGame {
  const { viscosity = 0.1, congestion = 1, stay = 1, start = -0.5, horizon = 2 } = overrides;
  const where = "corridor";
  demandPositive(where, "viscosity", viscosity, "Use viscosity: 0.1");
  demand(congestion >= 0 && congestion <= 4, where, "congestion", "be in [0, 4]", congestion, "Use congestion: 1");
  demand(stay >= 0 && Number.isFinite(stay), where, "stay", "be finite and ≥ 0", stay, "Use stay: 1");
  demand(start > -2 && start < 2, where, "start", "be in (−2, 2)", start, "Use start: -0.5");
  return meanFieldGame({
    name: "corridor",
    title: "A crowded corridor with doors",
    domain: domain({
      lower: [-2, -0.5],
      upper: [2, 0.5],
      ends: "no-flux",
      doors: [
        { axis: 0, side: "lower", from: [-0.25], to: [0.25] },
        { axis: 0, side: "upper", from: [-0.25], to: [0.25] },
      ],
    }),
    horizon,
    populations: {
      viscosity,
      hamiltonian: hamiltonianCongestion({ dimension: 2, exponent: congestion }),
      initial: `exp(-((x - (${start}))^2 + y^2)/0.1)`,
      mass: 1,
    },
    coupling: couplingLocal({ dimension: 2, cost: "1 + m" }),
    terminal: couplingField({ dimension: 2, cost: stay }),
    references: ["achdou2018congestion"],
  });
}
