// Huggett's economy in continuous time: bonds in zero net supply, two incomes, a borrowing limit of about one year's mean income.
//   s = 2, ρ = 0.05, z = (0.1, 0.2), λ₁₂ = λ₂₁ = 1.2, a ∈ [−0.15, 5];  the interest rate clears Σ∫ a g = 0.
// References: Huggett 1993 (key huggett1993risk); Achdou, Han, Lasry, Lions, Moll 2022, §1–2 (key achdou2022income).
import { type SavingsGame, type SavingsGameOptions, savingsGame } from "../savings-game.js";

/**
 * Huggett's economy.
 *
 * @param overrides any parameter of a savings game
 *
 * *References*: huggett1993risk, achdou2022income
 */
export function huggett(overrides: Partial<SavingsGameOptions> = {}): SavingsGame {
  return savingsGame({
    name: "huggett",
    title: "Huggett's economy: bonds in zero net supply",
    riskAversion: 2,
    discount: 0.05,
    incomes: [0.1, 0.2],
    rates: [
      [0, 1.2],
      [1.2, 0],
    ],
    borrowingLimit: -0.15,
    largestWealth: 5,
    market: { kind: "bonds", supply: 0 },
    references: ["huggett1993risk", "achdou2022income"],
    ...overrides,
  });
}
