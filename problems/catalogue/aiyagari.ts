// Aiyagari's economy in continuous time: wealth is the capital of a Cobb–Douglas firm.
//   s = 2, ρ = 0.05, z = (0.5, 1.5), λ₁₂ = λ₂₁ = ⅓, a ∈ [0, 40];  α = 0.35, δ = 0.1, A = 1.
// References: Aiyagari 1994 (key aiyagari1994uninsured); Achdou, Han, Lasry, Lions, Moll 2022 (key achdou2022income).
import { type SavingsGame, type SavingsGameOptions, savingsGame } from "../savings-game.js";

/**
 * Aiyagari's economy.
 *
 * @param overrides any parameter of a savings game
 *
 * *References*: aiyagari1994uninsured, achdou2022income
 */
export function aiyagari(overrides: Partial<SavingsGameOptions> = {}): SavingsGame {
  return savingsGame({
    name: "aiyagari",
    title: "Aiyagari's economy: wealth is capital",
    riskAversion: 2,
    discount: 0.05,
    incomes: [0.5, 1.5],
    rates: [
      [0, 1 / 3],
      [1 / 3, 0],
    ],
    borrowingLimit: 0,
    largestWealth: 40,
    market: { kind: "capital", share: 0.35, depreciation: 0.1, productivity: 1 },
    references: ["aiyagari1994uninsured", "achdou2022income"],
    ...overrides,
  });
}
