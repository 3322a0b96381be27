// A game from plain numbers, as property-based verification draws them: f = c m^q + a Σ cos 2πx, g = b Σ sin² πx, m₀ = 1 + s Π cos 2πx
// on a unit box, H = |p|^γ/γ or |p|²/(2(1 + m)^a). Costs increase with the crowd, so there is one equilibrium when H is free of m.
import { domain } from "../src/grid/index.js";
import type { RandomGame } from "../src/verify/index.js";
import { type MeanFieldGame, meanFieldGame } from "./mean-field-game.js";
import {
  coordinateNames,
  couplingLocal,
  hamiltonianCongestion,
  hamiltonianPower,
  hamiltonianQuadratic,
} from "./terms/index.js";

/**
 * The game of a random draw; see `arbitraryGame`.
 */
export function randomGame(choice: RandomGame): MeanFieldGame {
  const d = choice.dimension;
  const names = coordinateNames(d);
  const sum = (of: (x: string) => string) => names.map(of).join(" + ");
  const start = names.map((x) => `cos(2*pi*${x})`).join(" * ");
  return meanFieldGame({
    name: choice.name,
    title: `Random game in ${d}-D`,
    domain: domain({ lower: names.map(() => 0), upper: names.map(() => 1), ends: choice.ends }),
    horizon: choice.horizon,
    populations: {
      viscosity: choice.viscosity,
      hamiltonian:
        choice.congestion !== null
          ? hamiltonianCongestion({ dimension: d, exponent: choice.congestion })
          : choice.exponent === 2
            ? hamiltonianQuadratic({ dimension: d })
            : hamiltonianPower({ dimension: d, exponent: choice.exponent }),
      initial: `1 + ${choice.start} * ${start}`,
    },
    coupling: couplingLocal({
      dimension: d,
      cost: `${choice.strength} * m^${choice.power} + ${choice.potential} * (${sum((x) => `cos(2*pi*${x})`)})`,
    }),
    terminal: couplingLocal({
      dimension: d,
      cost: `${choice.terminal} * (${sum((x) => `sin(pi*${x})^2`)})`,
    }),
  });
}
