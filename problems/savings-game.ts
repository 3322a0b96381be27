// Savings with uninsured income: a stationary mean-field game with a state constraint. Wealth a ≥ a̲, income z_j jumps at rates λ_jl:
//   ρ v_j(a) = max_c U(c) + v_j′(a)(w z_j + r a − c) + Σ_l λ_jl (v_l(a) − v_j(a)),      U(c) = c^{1−s}/(1 − s), log c for s = 1,
//   0 = −(σ_j g_j)′ + Σ_l (λ_lj g_l − λ_jl g_j),   σ_j = w z_j + r a − c_j,   Σ_j ∫ g_j = 1,
// state constraint v_j′(a̲) ≥ U′(w z_j + r a̲): agents at the borrowing limit do not borrow more, and a positive share of them sits there.
// The crowd enters through the interest rate r alone:
//   bonds     Σ_j ∫ a g_j = B                 (Huggett; w = 1, B = 0: bonds in zero net supply)
//   capital   Σ_j ∫ a g_j = K,  r = αA(K/L)^{α−1} − δ,  w = (1 − α)A(K/L)^α,  L = mean income   (Aiyagari)
// References: Achdou, Han, Lasry, Lions, Moll 2022 (key achdou2022income); Huggett 1993 (key huggett1993risk); Aiyagari 1994
// (key aiyagari1994uninsured).
import { demand } from "../src/error.js";
import { banded, stationaryMeasure } from "../src/linalg/index.js";
import type { Problem, WellPosedness } from "../src/problem.js";

/** What clears at the interest rate. */
export type SavingsMarket =
  | {
      readonly kind: "bonds";
      /** B. */
      readonly supply: number;
    }
  | {
      readonly kind: "capital";
      /** α ∈ (0, 1). */
      readonly share: number;
      /** δ > 0. */
      readonly depreciation: number;
      /** A > 0. */
      readonly productivity: number;
    };

export interface SavingsGameOptions {
  /** Kebab-case; default `"savings-game"`. */
  readonly name?: string;
  readonly title?: string;
  /** s > 0, relative risk aversion. */
  readonly riskAversion: number;
  /** ρ > 0, discount rate a unit of time. */
  readonly discount: number;
  /** z_j > 0, increasing, two or more. */
  readonly incomes: readonly number[];
  /** λ_jl ≥ 0: rate from income j to income l; the diagonal is not read. Every income must be reachable from every other. */
  readonly rates: readonly (readonly number[])[];
  /** a̲, the borrowing limit. */
  readonly borrowingLimit: number;
  /** ā > a̲, where wealth is cut off: no agent should be near it. */
  readonly largestWealth: number;
  /** Default bonds in zero net supply. */
  readonly market?: SavingsMarket;
  /** T > 0, the time over which trajectories are shown; default 50. */
  readonly horizon?: number;
  readonly references?: readonly string[];
}

export interface SavingsGame extends Problem {
  readonly kind: "savings-game";
  readonly riskAversion: number;
  readonly discount: number;
  readonly incomes: readonly number[];
  readonly rates: readonly (readonly number[])[];
  readonly borrowingLimit: number;
  readonly largestWealth: number;
  readonly market: SavingsMarket;
  /** Stationary law of the income process. */
  readonly incomeShares: readonly number[];
}

/**
 * Makes a savings game.
 *
 * @throws UsageError when a parameter is out of range or the income process is not irreducible
 *
 * *Notes*: in equilibrium r < ρ; the borrowing limit must be above the natural one, w z₁ + r a̲ > 0.
 *
 * *Good values*: those of {@link huggett} and {@link aiyagari}.
 *
 * *References*: achdou2022income
 */
export function savingsGame(options: SavingsGameOptions): SavingsGame {
  const where = "savingsGame";
  const { riskAversion, discount, incomes, rates, borrowingLimit, largestWealth } = options;
  const market = options.market ?? { kind: "bonds", supply: 0 };
  const horizon = options.horizon ?? 50;
  for (const [name, value, cure] of [
    ["riskAversion", riskAversion, 2],
    ["discount", discount, 0.05],
    ["horizon", horizon, 50],
  ] as const)
    demand(value > 0 && Number.isFinite(value), where, name, "be finite and > 0", value, `Use ${name}: ${cure}`);
  const J = incomes.length;
  demand(
    J >= 2 && incomes.every((z, j) => z > 0 && Number.isFinite(z) && (j === 0 || z > incomes[j - 1])),
    where,
    "incomes",
    "be two or more increasing numbers > 0",
    incomes,
    "Use incomes: [0.1, 0.2]",
  );
  demand(
    rates.length === J &&
      rates.every((row, j) => row.length === J && row.every((v, l) => l === j || (v >= 0 && v < Infinity))),
    where,
    "rates",
    `be ${J} rows of ${J} finite rates ≥ 0`,
    rates,
    "Use rates: [[0, 1.2], [1.2, 0]]",
  );
  demand(irreducible(rates), where, "rates", "lead from every income to every other", rates, "Raise a rate above 0");
  demand(
    Number.isFinite(borrowingLimit) && Number.isFinite(largestWealth) && borrowingLimit < largestWealth,
    where,
    "borrowingLimit",
    "be finite and below largestWealth",
    [borrowingLimit, largestWealth],
    "Use borrowingLimit: −0.15, largestWealth: 5",
  );
  if (market.kind === "bonds")
    demand(
      market.supply > borrowingLimit && market.supply < largestWealth,
      where,
      "market.supply",
      "lie between the borrowing limit and the largest wealth",
      market.supply,
      "Use supply: 0",
    );
  else {
    demand(
      market.share > 0 && market.share < 1,
      where,
      "market.share",
      "lie between 0 and 1",
      market.share,
      "Use share: 0.35",
    );
    for (const name of ["depreciation", "productivity"] as const)
      demand(
        market[name] > 0 && Number.isFinite(market[name]),
        where,
        `market.${name}`,
        "be finite and > 0",
        market[name],
        `Use ${name}: 0.1`,
      );
  }
  const name = options.name ?? "savings-game";
  const clears =
    market.kind === "bonds"
      ? `Σ∫ a g = ${market.supply},   w = 1`
      : `Σ∫ a g = K,   r = αA(K/L)^{α−1} − δ,   w = (1 − α)A(K/L)^α,   α = ${market.share}, δ = ${market.depreciation}, A = ${market.productivity}`;
  return Object.freeze({
    kind: "savings-game",
    name,
    title: options.title ?? name,
    dimension: 1,
    horizon,
    references: options.references ?? ["achdou2022income"],
    isPotential: false,
    isMonotone: null,
    hasExact: false,
    coordinates: [{ label: "wealth", offset: 0, scale: 1 }],
    equations: [
      `ρ v_j = max_c U(c) + v_j′ (w z_j + r a − c) + Σ_l λ_jl (v_l − v_j),   U′(c) = c^{−${riskAversion}},  ρ = ${discount},  a ≥ ${borrowingLimit}`,
      "0 = −(σ_j g_j)′ + Σ_l (λ_lj g_l − λ_jl g_j),   σ_j = w z_j + r a − c_j",
      clears,
    ],
    riskAversion,
    discount,
    incomes: Object.freeze([...incomes]),
    rates: Object.freeze(rates.map((row) => Object.freeze([...row]))),
    borrowingLimit,
    largestWealth,
    market: Object.freeze({ ...market }),
    incomeShares: Object.freeze(shares(rates)),
    wellPosedness: (): WellPosedness => ({
      wellPosed: null,
      reasons: [
        "for each r < ρ the agent's problem has one solution and wealth one stationary law",
        riskAversion <= 1
          ? "savings increase with r when risk aversion is ≤ 1: one equilibrium"
          : "savings need not increase with r when risk aversion is > 1: several equilibria are possible, one is found",
      ],
    }),
    describe: () => ({
      kind: "savings-game",
      name,
      riskAversion,
      discount,
      incomes: [...incomes],
      rates: rates.map((row) => [...row]),
      borrowingLimit,
      largestWealth,
      market: { ...market },
      horizon,
    }),
  } as const);
}

function irreducible(rates: readonly (readonly number[])[]): boolean {
  const reach = (forward: boolean): number => {
    const seen = new Set([0]);
    for (const j of seen)
      rates.forEach((_, l) => {
        if (l !== j && (forward ? rates[j][l] : rates[l][j]) > 0) seen.add(l);
      });
    return seen.size;
  };
  return reach(true) === rates.length && reach(false) === rates.length;
}

/** Stationary law of the incomes. */
function shares(rates: readonly (readonly number[])[]): number[] {
  const J = rates.length;
  const chain = banded(J, J - 1);
  for (let j = 0; j < J; j++)
    for (let l = 0; l < J; l++) if (l !== j) chain.values[j * (2 * J - 1) + J - 1 + l - j] = rates[j][l];
  return Array.from(stationaryMeasure(chain));
}
