// A crowd around a hill (P14): from N((0, 3), 0.3 I) to N((0, −3), 0.3 I), past Q = 50 N(0, diag(1, ½)), on [−3, 3] × [−4.5, 4.5]:
//   min over (m, v) of  ∫∫ m|v|²/2 + Q m + 0.01 m ln m dx dt + G(m(T)),   H = |p|²/2,  f = Q + 0.01 (ln m + 1)
//   soft       G = 5 KL(m‖ρ₁) = 5∫m ln(m/ρ₁),  u(T) = δG/δm = 5(ln(m/ρ₁) + 1)
//   planning   m(T) = ρ₁, u(T) free: the limit of an infinite weight
// The published problem is deterministic, ν = 0; a little viscosity keeps m > 0 everywhere, as ln m asks for.
// Reference: Ruthotto, Osher, Li, Nurbekyan, Wu Fung 2020 (key ruthotto2020machine).
import { demand } from "../../src/error.js";
import { domain } from "../../src/grid/index.js";
import { gaussian } from "../../src/measure/index.js";
import { type MeanFieldGame, meanFieldGame } from "../mean-field-game.js";
import { couplingLog, hamiltonianQuadratic } from "../terms/index.js";
import { demandPositive } from "./gaussian-equilibrium.js";

export interface ObstacleCrowdOverrides {
  /** ν ≥ 0; default 0.05. */
  readonly viscosity?: number;
  /** `"soft"`: terminal cost 5 KL; `"planning"`: m(T) = ρ₁. Default `"soft"`. */
  readonly end?: "soft" | "planning";
  /** Height of the hill's integral, ≥ 0; default 50. */
  readonly hill?: number;
  /** Weight > 0 of m ln m; default 0.01. */
  readonly entropy?: number;
  /** Weight > 0 of the terminal KL; default 5. */
  readonly terminalWeight?: number;
  /** T; default 1. */
  readonly horizon?: number;
}

/**
 * The crowd around a hill.
 *
 * @param overrides viscosity, end, hill, entropy, terminal weight and T
 * @throws UsageError when a value does not fit
 *
 * *Notes*: monotone and potential. The terminal cost is steep far from ρ₁: |ln ρ₁| reaches 100 at the other end of the box.
 *
 * *Good values*: ν from 0.02 to 0.2; 48 × 72 cells and 32 steps.
 *
 * *References*: ruthotto2020machine
 */
export function obstacleCrowd(overrides: ObstacleCrowdOverrides = {}): MeanFieldGame {
  const { viscosity = 0.05, end = "soft", hill = 50, entropy = 0.01, terminalWeight = 5, horizon = 1 } = overrides;
  const where = "obstacleCrowd";
  demand(end === "soft" || end === "planning", where, "end", 'be "soft" or "planning"', end, 'Use end: "soft"');
  demand(hill >= 0 && Number.isFinite(hill), where, "hill", "be finite and ≥ 0", hill, "Use hill: 50");
  demandPositive(where, "entropy", entropy, "Use entropy: 0.01");
  demandPositive(where, "terminalWeight", terminalWeight, "Use terminalWeight: 5");
  const s2 = 0.3;
  const planning = end === "planning";
  const law = (y: number) => gaussian({ mean: [0, y], sd: Math.sqrt(s2) });
  return meanFieldGame({
    name: "obstacle-crowd",
    title: "A crowd around a hill",
    mode: planning ? "planning" : "time-dependent",
    domain: domain({ lower: [-3, -4.5], upper: [3, 4.5], ends: "no-flux" }),
    horizon,
    populations: {
      viscosity,
      hamiltonian: hamiltonianQuadratic({ dimension: 2 }),
      initial: law(3),
      ...(planning ? { final: law(-3) } : {}),
    },
    coupling: couplingLog({
      dimension: 2,
      weight: entropy,
      cost: "hill*exp(-x^2/2 - y^2)/(2*pi*sqrt(0.5)) + entropy",
      parameters: { hill, entropy },
    }),
    terminal: planning
      ? null
      : couplingLog({
          dimension: 2,
          weight: terminalWeight,
          // −ln ρ₁ + 1
          cost: "w*((x^2 + (y + 3)^2)/(2*s2) + log(2*pi*s2) + 1)",
          parameters: { w: terminalWeight, s2 },
        }),
    references: ["ruthotto2020machine"],
  });
}
