// Oracle: where the coefficients are constant (u = 0, m = 1) the preconditioner is the exact inverse of F′, in every dimension, with both time
// steppings, with a terminal cost and in planning games; F′ itself is held to directional differences elsewhere.
import { describe, expect, test } from "vitest";
import {
  couplingLocal,
  couplingNonlocal,
  hamiltonianQuadratic,
  type MeanFieldGameOptions,
  meanFieldGame,
} from "../../../../problems/index.js";
import { transformPreconditioner } from "../../../../solvers/grid/game/game-preconditioner.js";
import { type GameSchemeOptions, gameScheme } from "../../../../solvers/grid/game/game-scheme.js";
import { domain } from "../../../../src/grid/index.js";
import { generator } from "../../../../src/random/index.js";

const game = (d: number, more: Partial<MeanFieldGameOptions> = {}) =>
  meanFieldGame({
    domain: domain({
      lower: Array(d).fill(0),
      upper: [1, 2, 1.5].slice(0, d),
      ends: (["periodic", "no-flux", "periodic"] as const).slice(0, d),
    }),
    populations: { viscosity: 0.1, hamiltonian: hamiltonianQuadratic({ dimension: d }), initial: 1 },
    coupling: couplingLocal({ dimension: d, cost: "m^2" }),
    ...more,
  });

const CASES: readonly (readonly [string, ReturnType<typeof game>, GameSchemeOptions])[] = [
  ["1-D", game(1), { points: 8, steps: 5 }],
  ["2-D", game(2), { points: [6, 5], steps: 4 }],
  ["3-D", game(3), { points: [4, 5, 6], steps: 3 }],
  ["terminal cost", game(2, { terminal: couplingLocal({ dimension: 2, cost: "2*m" }) }), { points: 6, steps: 4 }],
  [
    "midpoint",
    game(2, { terminal: couplingLocal({ dimension: 2, cost: "m" }) }),
    { points: 6, steps: 4, time: "midpoint" },
  ],
  [
    "two populations apart",
    game(1, {
      populations: [0.1, 0.3].map((viscosity) => ({
        viscosity,
        hamiltonian: hamiltonianQuadratic({ dimension: 1 }),
        initial: 1,
      })),
      coupling: couplingLocal({ dimension: 1, populations: 2, cost: ["m1", "3*m2"] }),
    }),
    { points: 8, steps: 4 },
  ],
];

/** max |M⁻¹F′v − v| over max |v|; `free` = v up to a constant of u. */
async function defect(problem: ReturnType<typeof game>, options: GameSchemeOptions, free = false): Promise<number> {
  const s = gameScheme(problem, options);
  const x = new Float64Array(s.length).fill(1, s.length / 2);
  const planning = s.final !== null;
  const size = s.cells.grid.size;
  if (planning) x.fill(0, s.length - size);
  const linear = s.linearise(x);
  const preconditioner = transformPreconditioner(s);
  preconditioner.update(linear);
  const v = generator(1)
    .uniform(s.length)
    .map((r) => r - 0.5);
  const [image, back] = [new Float64Array(s.length), new Float64Array(s.length)];
  linear.apply(v, image);
  await preconditioner.apply(image, back);
  const isValue = (i: number) => i < s.length / 2 || (planning && i >= s.length - size);
  const shift = free ? back[0] - v[0] : 0;
  return back.reduce((most, b, i) => Math.max(most, Math.abs(b - v[i] - (isValue(i) ? shift : 0))), 0);
}

describe("the mean-coefficient preconditioner", () => {
  test.each(CASES)("%s: exact where coefficients are constant", async (_, problem, options) => {
    expect(await defect(problem, options)).toBeLessThan(1e-11);
  });

  test("planning: exact up to the free constant of u", async () => {
    const planning = (d: number) =>
      game(d, {
        mode: "planning",
        populations: { viscosity: 0.1, hamiltonian: hamiltonianQuadratic({ dimension: d }), initial: 1, final: 1 },
      });
    expect(await defect(planning(1), { points: 8, steps: 5 }, true)).toBeLessThan(1e-10);
    expect(await defect(planning(2), { points: 5, steps: 4 }, true)).toBeLessThan(1e-10);
  });

  test("a nonlocal cost counts by its answer to the constant: constants are inverted exactly", async () => {
    const problem = game(1, {
      domain: domain({ lower: [0], upper: [1], ends: "no-flux" }),
      coupling: couplingNonlocal({ dimension: 1, width: 0.2 }),
    });
    const s = gameScheme(problem, { points: 8, steps: 3 });
    const linear = s.linearise(new Float64Array(s.length).fill(1, s.length / 2));
    const crowding = linear.crowding(0, 0);
    expect(crowding).toBeGreaterThan(0.5);
    expect(crowding).toBeLessThanOrEqual(1.0001);
    expect(linear.crowding(0, s.steps)).toBe(0);
  });
});
