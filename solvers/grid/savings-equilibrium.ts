// Stationary equilibrium of a savings game (Huggett, Aiyagari): for each interest rate r
//   HJB  ρ v_j = max_c U(c) + v_j′σ_j + Σ_l λ_jl(v_l − v_j) on nodes a̲ + (ā − a̲)(i/(n − 1))², close where savings leave a̲ like a root; upwind: v′ from the right where
//        savings are > 0, from the left where they are < 0, c = wz + ra between. At a̲ the left derivative is U′(wz + ra̲): the state constraint
//        (nobody borrows more, and consuming income is always allowed); at ā likewise. Implicit steps (1/Δ + ρ − A)vⁿ⁺¹ = U(cⁿ) + vⁿ/Δ, Δ = 10⁴:
//        policy iteration in effect. A is the generator of the discretised wealth and income, an M-matrix
//   FP   Aᵀg = 0, the exact transpose, by elimination without subtraction (src/linalg/banded.ts): masses ≥ 0, sum 1, and nobody's
//        wealth grows on average. The node a̲ carries the point mass of the constrained agents and what is within half a spacing of them
// and r by a bracketed secant (Illinois) on demand − supply. Order 1 in the grid; savings leave a̲ like a square root (Achdou et al., prop. 1).
// References: Achdou, Han, Lasry, Lions, Moll 2022, appendix (key achdou2022income); Dowell, Jarratt 1971 (key dowell1971modified).
import ndarray from "ndarray";
import type { SavingsGame } from "../../problems/index.js";
import { breathing } from "../../src/breathing.js";
import { demand, demandKnown, usageError } from "../../src/error.js";
import { axis, deposit, type Grid, grid } from "../../src/grid/index.js";
import { stacked } from "../../src/io/index.js";
import { type Banded, banded, solveBanded, stationaryMeasure } from "../../src/linalg/index.js";
import type { Density } from "../../src/measure/index.js";
import { generator } from "../../src/random/index.js";
import { historyOf, type Solution, type Trajectories, type TrajectoryOptions } from "../../src/solution/index.js";
import type { SolveContext, Solver } from "../../src/solver.js";

export interface SavingsEquilibriumOptions {
  /** Nodes of wealth, both ends included; integer ≥ 10, default 500. */
  readonly points?: number;
  /** Excess demand for wealth at which the market counts as cleared, relative to ā − a̲; default 1e-10. */
  readonly tolerance?: number;
  /** Interest rates tried; default 100. */
  readonly maxIterations?: number;
}

/** Equilibrium of a savings game; `k` is the income. */
export interface SavingsSolution extends Solution<SavingsGame> {
  readonly family: "grid";
  /** Wealth at the nodes. */
  readonly wealth: Float64Array;
  readonly interestRate: number;
  readonly wage: number;
  /** v_j at the nodes. */
  readonly values: readonly Float64Array[];
  /** c_j at the nodes. */
  readonly consumption: readonly Float64Array[];
  /** σ_j at the nodes, from the derivative that the scheme used. */
  readonly savings: readonly Float64Array[];
  /** Mass of the agents at each node with each income; sum 1. */
  readonly masses: readonly Float64Array[];
  /** Mass at the borrowing limit, by income. */
  readonly constrained: readonly number[];
  /** Σ∫ a g. */
  readonly meanWealth: number;
  /** Law of wealth, of income k or of all, on equal cells: each node's mass goes to the two nearest centres, which keeps mass and mean. The
   * first cell is centred at a̲ and holds the point mass over its width. */
  density(t: number, k?: number): Density;
  value(t: number, x: Float64Array, k?: number): Float64Array;
  /** Savings σ_k. */
  velocity(t: number, x: Float64Array, k?: number): Float64Array;
}

/** Δ of the implicit steps. */
const PSEUDO_STEP = 1e4;
/** Relative change of v at which the HJB equation counts as solved. */
const STILL = 1e-12;
const MOST_POLICIES = 200;

/**
 * Stationary equilibrium of savings games.
 *
 * @param options points, tolerance, maxIterations
 * @returns a solver of savings games
 * @throws UsageError when an option is out of range
 *
 * *Notes*: histories hold the interest rates tried and the excess demand at each. The count `topMass` is the mass at the largest wealth: more than 1e-6
 * means that ā cuts agents off, and the status says so.
 *
 * *Good values*: 500 points for three digits of r; the error halves with every doubling.
 *
 * *References*: achdou2022income
 */
export function savingsEquilibrium(options: SavingsEquilibriumOptions = {}): Solver<SavingsGame, SavingsSolution> {
  const where = "savingsEquilibrium";
  demandKnown(where, options, ["points", "tolerance", "maxIterations"]);
  const { points = 500, tolerance = 1e-10, maxIterations = 100 } = options;
  demand(
    Number.isInteger(points) && points >= 10,
    where,
    "points",
    "be an integer ≥ 10",
    points,
    "Use points: 500 to start",
  );
  demand(
    tolerance > 0 && tolerance < 1,
    where,
    "tolerance",
    "lie between 0 and 1",
    tolerance,
    "Use tolerance: 1e-10 to start",
  );
  demand(
    Number.isInteger(maxIterations) && maxIterations >= 1,
    where,
    "maxIterations",
    "be an integer ≥ 1",
    maxIterations,
    "Use maxIterations: 100",
  );
  const settings = { points, tolerance, maxIterations };
  const record = {
    name: where,
    family: "grid" as const,
    order: 1,
    references: ["achdou2022income", "dowell1971modified", "grassmann1985regenerative"],
    options: settings,
  };
  return {
    ...record,
    handles: (problem) =>
      problem.kind === "savings-game" ||
      `it solves savings games, not ${problem.kind} problems; use a solver of that family`,
    solve: (problem, context) => clear(problem, context, record, settings),
  };
}

/** Nodes of wealth a̲ + (ā − a̲)(i/(n − 1))², both ends included. */
export function savingsNodes({ borrowingLimit, largestWealth }: SavingsGame, points: number): Float64Array {
  return Float64Array.from(
    { length: points },
    (_, i) => borrowingLimit + (largestWealth - borrowingLimit) * (i / (points - 1)) ** 2,
  );
}

/** What the agents do at one interest rate. */
export interface SavingsPolicy {
  readonly values: readonly Float64Array[];
  readonly consumption: readonly Float64Array[];
  readonly savings: readonly Float64Array[];
  readonly masses: readonly Float64Array[];
  readonly meanWealth: number;
  /** Policy iterations; the HJB equation holds to `residual` in the units of v. */
  readonly iterations: number;
  readonly residual: number;
}

/**
 * Policies and stationary law at given prices.
 *
 * @param problem the game
 * @param wealth increasing nodes from a̲ to ā, see {@link savingsNodes}
 * @param r interest rate
 * @param w wage
 * @param guess v_j to start from; default: concave, increasing
 * @throws UsageError when income at the borrowing limit is not positive
 *
 * *References*: achdou2022income
 */
export function savingsPolicy(
  problem: SavingsGame,
  wealth: Float64Array,
  r: number,
  w: number,
  guess: readonly Float64Array[] | null = null,
): SavingsPolicy {
  const { incomes, rates, discount: rho, riskAversion: s } = problem;
  const n = wealth.length;
  const J = incomes.length;
  demand(
    w * incomes[0] + r * wealth[0] > 0,
    "savingsEquilibrium",
    "the lowest income at the borrowing limit",
    `be > 0 at r = ${r}`,
    w * incomes[0] + r * wealth[0],
    "Raise the borrowing limit above the natural one, −w z₁/r",
  );
  const utility = (c: number): number => (s === 1 ? Math.log(c) : c ** (1 - s) / (1 - s));
  const cash = incomes.map((z) => wealth.map((a) => w * z + r * a));
  // Consumption has a bound that no solution meets, so that a guess with a flat piece spends there instead of standing still.
  const most = 1e3 * (w * incomes[J - 1] + Math.abs(r) * (wealth[n - 1] - wealth[0]));
  const least = most ** -s;
  const consumed = (slope: number): number => (slope > least ? slope ** (-1 / s) : most);
  const columns = () => incomes.map(() => new Float64Array(n));
  const values =
    guess?.map((v) => v.slice()) ??
    cash.map((y) => wealth.map((a) => utility(y[0] + Math.max(r, rho / 2) * (a - wealth[0])) / rho));
  const consumption = columns();
  const savings = columns();
  const width = J;
  const row = 2 * width + 1;
  const matrix = banded(n * J, width);
  const rhs = new Float64Array(n * J);
  const up = new Float64Array(n * J);
  const down = new Float64Array(n * J);

  /** Consumption, savings and the rates at which wealth moves up and down, from v. */
  const policies = (): void => {
    for (let j = 0; j < J; j++) {
      const v = values[j];
      for (let i = 0; i < n; i++) {
        const y = cash[j][i];
        const forward = i < n - 1 ? (v[i + 1] - v[i]) / (wealth[i + 1] - wealth[i]) : 0;
        const backward = i > 0 ? (v[i] - v[i - 1]) / (wealth[i] - wealth[i - 1]) : 0;
        const cF = i < n - 1 ? consumed(forward) : y;
        const cB = i > 0 ? consumed(backward) : y;
        const saves = y - cF > 0;
        const spends = i > 0 && y - cB < 0;
        // Where v is not concave yet both may be true: the better one.
        const rise = saves && (!spends || utility(cF) + forward * (y - cF) >= utility(cB) + backward * (y - cB));
        const c = rise ? cF : spends ? cB : y;
        consumption[j][i] = c;
        savings[j][i] = y - c;
        up[i * J + j] = rise ? (y - c) / (wealth[i + 1] - wealth[i]) : 0;
        down[i * J + j] = spends && !rise ? (c - y) / (wealth[i] - wealth[i - 1]) : 0;
      }
    }
  };
  /** Rates of the chain, interleaved by income. */
  const chain = (): void => {
    matrix.values.fill(0);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < J; j++) {
        const q = i * J + j;
        const at = q * row + width;
        if (i < n - 1) matrix.values[at + J] += up[q];
        if (i > 0) matrix.values[at - J] += down[q];
        for (let l = 0; l < J; l++) if (l !== j) matrix.values[at + l - j] += rates[j][l];
      }
  };

  let residual = Infinity;
  let iterations = 0;
  while (iterations < MOST_POLICIES) {
    iterations++;
    policies();
    chain();
    for (let i = 0; i < n; i++)
      for (let j = 0; j < J; j++) {
        const q = i * J + j;
        const at = q * row + width;
        let out = 0;
        for (let k = -width; k <= width; k++) {
          out += matrix.values[at + k];
          matrix.values[at + k] = -matrix.values[at + k];
        }
        matrix.values[at] = 1 / PSEUDO_STEP + rho + out;
        rhs[q] = utility(consumption[j][i]) + values[j][i] / PSEUDO_STEP;
      }
    solveBanded(matrix, rhs, rhs);
    let scale = 0;
    residual = 0;
    for (let i = 0; i < n; i++)
      for (let j = 0; j < J; j++) {
        residual = Math.max(residual, Math.abs(rhs[i * J + j] - values[j][i]));
        scale = Math.max(scale, Math.abs(rhs[i * J + j]));
        values[j][i] = rhs[i * J + j];
      }
    if (residual <= STILL * scale) break;
    if (Number.isNaN(residual)) break;
  }
  policies();
  chain();
  // Where nobody spends, wealth never falls below: all that is lower is left for good (r next to ρ, at the largest wealth).
  let floor = n - 1;
  while (floor > 0 && incomes.some((_, j) => down[floor * J + j] > 0)) floor--;
  const above: Banded = { size: (n - floor) * J, width, values: matrix.values.subarray(floor * J * row) };
  const pi = stationaryMeasure(above);
  const masses = incomes.map((_, j) =>
    Float64Array.from({ length: n }, (__, i) => (i < floor ? 0 : pi[(i - floor) * J + j])),
  );
  let meanWealth = 0;
  for (const g of masses) for (let i = 0; i < n; i++) meanWealth += g[i] * wealth[i];
  return { values, consumption, savings, masses, meanWealth, iterations, residual };
}

async function clear(
  problem: SavingsGame,
  context: SolveContext,
  record: SavingsSolution["solver"],
  { points, tolerance, maxIterations }: Required<SavingsEquilibriumOptions>,
): Promise<SavingsSolution> {
  const where = "savingsEquilibrium";
  const began = context.elapsed();
  const { borrowingLimit: low, largestWealth: high, market, discount: rho } = problem;
  const wealth = savingsNodes(problem, points);
  const labour = problem.incomes.reduce((sum, z, j) => sum + z * problem.incomeShares[j], 0);
  const prices = (r: number): { wage: number; supply: number } => {
    if (market.kind === "bonds") return { wage: 1, supply: market.supply };
    const { share, depreciation, productivity } = market;
    const perHead = ((share * productivity) / (r + depreciation)) ** (1 / (1 - share));
    return { wage: (1 - share) * productivity * perHead ** share, supply: perHead * labour };
  };
  const breathe = breathing(context.signal);
  const tried: number[] = [];
  const excesses: number[] = [];
  let policyIterations = 0;
  let policy: SavingsPolicy | null = null;
  const excess = async (r: number): Promise<number> => {
    const { wage, supply } = prices(r);
    policy = savingsPolicy(problem, wealth, r, wage, policy?.values ?? null);
    policyIterations += policy.iterations;
    tried.push(r);
    excesses.push(policy.meanWealth - supply);
    context.progress({
      stage: "interest rate",
      iteration: tried.length,
      fraction: null,
      residual: Math.abs(excesses[excesses.length - 1]),
    });
    await breathe();
    return policy.meanWealth - supply;
  };
  // Wealth demanded explodes as r → ρ; it is at the borrowing limit, or below what firms want, for low r.
  let right = rho * (1 - 1e-3);
  let above = await excess(right);
  demand(
    above > 0,
    where,
    "largestWealth",
    `let agents hold more than is supplied at r = ${right.toPrecision(4)}, next to ρ`,
    high,
    "Raise largestWealth",
  );
  const floor = market.kind === "capital" ? -0.99 * market.depreciation : -100 * rho;
  let left = 0;
  let below = await excess(left);
  while (below > 0 && left > floor) {
    right = left;
    above = below;
    left = Math.max(floor, 2 * left - rho);
    below = await excess(left);
  }
  if (below > 0)
    throw usageError(
      where,
      "the market",
      `clear at an interest rate above ${floor}`,
      below,
      "Lower the borrowing limit or the risk",
    );
  const target = tolerance * (high - low);
  let r = left;
  let last = below;
  while (Math.abs(last) > target && right - left > 1e-15 && tried.length < maxIterations) {
    r = right - (above * (right - left)) / (above - below);
    // The curve is steep next to ρ: an interpolation that leaves the middle of the bracket is halved instead.
    if (!(r > left && r < right)) r = (left + right) / 2;
    last = await excess(r);
    if (last > 0) {
      right = r;
      above = last;
      below /= excesses[excesses.length - 2] > 0 ? 2 : 1;
    } else {
      left = r;
      below = last;
      above /= excesses[excesses.length - 2] <= 0 ? 2 : 1;
    }
  }
  const found = policy as unknown as SavingsPolicy;
  const topMass = found.masses.reduce((sum, g) => sum + g[points - 1], 0);
  const solved = found.residual <= 1e-8 * Math.max(1, ...found.values.map((v) => Math.max(...v.map(Math.abs))));
  const cleared = Math.abs(last) <= target;
  const text = !solved
    ? `stalled: the agent's problem at r = ${r} still changes by ${found.residual.toPrecision(3)}; use more points`
    : !cleared
      ? `stalled: excess demand ${last.toPrecision(3)} at r = ${r} after ${tried.length} interest rates; raise maxIterations or points`
      : topMass > 1e-6
        ? `${topMass.toPrecision(3)} of the agents stand at the largest wealth; raise largestWealth`
        : `converged: r = ${r.toPrecision(8)}, excess demand ${last.toPrecision(3)} after ${tried.length} interest rates`;
  return solutionOf(problem, context, record, wealth, r, prices(r).wage, found, {
    status: { converged: solved && cleared && topMass <= 1e-6, text },
    histories: [historyOf("interest rate", tried), historyOf("excess demand", excesses)],
    counts: { interestRates: tried.length, policyIterations, topMass, hjbChange: found.residual },
    seconds: context.elapsed() - began,
  });
}

function solutionOf(
  problem: SavingsGame,
  context: SolveContext,
  record: SavingsSolution["solver"],
  wealth: Float64Array,
  r: number,
  wage: number,
  { values, consumption, savings, masses, meanWealth }: SavingsPolicy,
  told: Pick<SavingsSolution, "status" | "histories" | "counts" | "seconds">,
): SavingsSolution {
  const n = wealth.length;
  // Cells about half as many as nodes, so that the widest gap of the nodes is no wider than a cell; the first is centred at a̲.
  const shown = Math.ceil(n / 2);
  const half = (wealth[n - 1] - wealth[0]) / (shown - 1) / 2;
  const centred: Grid = grid([
    axis({ lower: wealth[0] - half, upper: wealth[n - 1] + half, points: shown, boundary: "no-flux" }),
  ]);
  const J = problem.incomes.length;
  const all = masses[0].map((_, i) => masses.reduce((sum, g) => sum + g[i], 0));
  const time = (t: number): void =>
    demand(
      t >= 0 && t <= problem.horizon,
      "solution",
      "t",
      `lie in [0, ${problem.horizon}]`,
      t,
      "Ask for a time between start and horizon",
    );
  const income = (k: number): number => {
    demand(
      Number.isInteger(k) && k >= 0 && k < J,
      "solution",
      "k",
      `be an income 0 … ${J - 1}`,
      k,
      "Leave it out for the first",
    );
    return k;
  };
  /** Between nodes linear; beyond the ends the value there. */
  const at = (field: Float64Array, x: Float64Array): Float64Array =>
    x.map((a) => {
      const share = Math.min(Math.max((a - wealth[0]) / (wealth[n - 1] - wealth[0]), 0), 1);
      const i = Math.min(Math.floor(Math.sqrt(share) * (n - 1)), n - 2);
      const s = Math.min(Math.max((a - wealth[i]) / (wealth[i + 1] - wealth[i]), 0), 1);
      return (1 - s) * field[i] + s * field[i + 1];
    });
  const density = (t: number, k?: number): Density => {
    time(t);
    const g = k === undefined ? all : masses[income(k)];
    return deposit(centred, { kind: "cloud", dimension: 1, count: n, points: wealth, weights: g });
  };
  const velocity = (t: number, x: Float64Array, k = 0): Float64Array => {
    time(t);
    return at(savings[income(k)], x);
  };
  return {
    family: "grid",
    problem,
    solver: record,
    ...told,
    objective: { primal: null, dual: null, gap: null },
    seed: context.seed,
    device: { requested: context.device, used: "cpu", reason: "savings games run on the CPU", adapter: null },
    version: context.version,
    wealth,
    interestRate: r,
    wage,
    values,
    consumption,
    savings,
    masses,
    constrained: masses.map((g) => g[0]),
    meanWealth,
    density,
    value(t, x, k = 0) {
      time(t);
      return at(values[income(k)], x);
    },
    velocity,
    critic: null,
    trajectories: (options = {}) => paths(problem, wealth, savings, masses, at, context.seed, options),
    arrays() {
      return {
        axis0: ndarray(wealth.slice(), [n]),
        value: stacked(values, [n]),
        consumption: stacked(consumption, [n]),
        savings: stacked(savings, [n]),
        mass: stacked(masses, [n]),
        interestRate: ndarray(Float64Array.of(r), [1]),
      };
    },
  };
}

/** Wealth of agents who follow the savings policy while their income jumps, from the stationary law (or from `start`, incomes by their shares). */
function paths(
  problem: SavingsGame,
  wealth: Float64Array,
  savings: readonly Float64Array[],
  masses: readonly Float64Array[],
  at: (field: Float64Array, x: Float64Array) => Float64Array,
  ownSeed: number,
  { count = 256, steps = 20, seed = ownSeed, start }: TrajectoryOptions,
): Trajectories {
  demand(Number.isInteger(count) && count >= 1, "trajectories", "count", "be an integer ≥ 1", count, "Use count: 256");
  demand(Number.isInteger(steps) && steps >= 1, "trajectories", "steps", "be an integer ≥ 1", steps, "Use steps: 20");
  demand(
    start === undefined || start.dimension === 1,
    "trajectories",
    "start",
    "have the dimension 1 of wealth",
    start?.dimension,
    "Give starting wealth",
  );
  const { incomes, rates, horizon, incomeShares } = problem;
  const n = wealth.length;
  const J = incomes.length;
  const M = start?.count ?? count;
  const random = generator(seed).split("trajectories");
  const first = random.split("start").uniform(M);
  const draws = random.split("incomes");
  const state = new Uint8Array(M);
  const positions = new Float64Array((steps + 1) * M);
  const pick = (weights: (q: number) => number, length: number, u: number): number => {
    let sum = 0;
    for (let q = 0; q < length - 1; q++) if (u < (sum += weights(q))) return q;
    return length - 1;
  };
  for (let i = 0; i < M; i++) {
    if (start === undefined) {
      const q = pick((k) => masses[k % J][(k - (k % J)) / J], n * J, first[i]);
      state[i] = q % J;
      positions[i] = wealth[(q - state[i]) / J];
    } else {
      state[i] = pick((j) => incomeShares[j], J, first[i]);
      positions[i] = start.points[i];
    }
  }
  // Short steps of the chain of incomes and of wealth; paths are stored at steps + 1 times.
  const fastest = Math.max(...rates.map((row, j) => row.reduce((sum, v, l) => sum + (l === j ? 0 : v), 0)));
  const inner = Math.max(1, Math.ceil((horizon / steps) * fastest * 10));
  const dt = horizon / steps / inner;
  const x = positions.slice(0, M);
  for (let s = 0; s < steps; s++) {
    for (let m = 0; m < inner; m++) {
      const flows = savings.map((field) => at(field, x));
      const u = draws.uniform(M);
      for (let i = 0; i < M; i++) {
        const j = state[i];
        // The scheme's own nodes hold who is at the limit: linear savings reach 0 there and do not cross it.
        x[i] = Math.max(wealth[0], x[i] + dt * flows[j][i]);
        let sum = 0;
        for (let l = 0; l < J; l++) {
          if (l === j) continue;
          sum += rates[j][l] * dt;
          if (u[i] < sum) {
            state[i] = l;
            break;
          }
        }
      }
    }
    positions.set(x, (s + 1) * M);
  }
  return {
    count: M,
    dimension: 1,
    times: Float64Array.from({ length: steps + 1 }, (_, s) => (s / steps) * horizon),
    positions,
    weights: start?.weights ?? null,
  };
}
