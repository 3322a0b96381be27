// Oracles: directional differences of the residual for F′, the transposed matrix column by column for the adjoint pair, mass balance.
import { describe, expect, test } from "vitest";
import {
  couplingLocal,
  couplingNonlocal,
  hamiltonianCongestion,
  hamiltonianPower,
  hamiltonianQuadratic,
  type MeanFieldGameOptions,
  meanFieldGame,
} from "../../../../problems/index.js";
import {
  addGenerator,
  addGeneratorTranspose,
  type GameSchemeOptions,
  gameScheme,
} from "../../../../solvers/grid/game/game-scheme.js";
import { domain } from "../../../../src/grid/index.js";
import { generator } from "../../../../src/random/index.js";

const quadratic = (dimension: number) => hamiltonianQuadratic({ dimension });
const walls = domain({ lower: [0, -1], upper: [1, 1], ends: "no-flux" });
const room = domain({
  lower: [0, 0],
  upper: [1, 1],
  ends: "no-flux",
  doors: [{ axis: 0, side: "upper", from: [0.3], to: [0.8], cost: 0.4 }],
  obstacle: (x) => (x[0] - 0.4) ** 2 + (x[1] - 0.5) ** 2 < 0.03,
});

interface Case {
  readonly name: string;
  readonly game: MeanFieldGameOptions;
  readonly options: GameSchemeOptions;
}

const CASES: readonly Case[] = [
  {
    name: "1-D, periodic",
    game: {
      domain: domain({ lower: [0], upper: [1] }),
      populations: { viscosity: 0.2, hamiltonian: quadratic(1), initial: "1 + 0.5*cos(2*pi*x)" },
      coupling: couplingLocal({ dimension: 1, cost: "m^2 - sin(2*pi*x)" }),
      terminal: couplingLocal({ dimension: 1, cost: "m + cos(2*pi*x)" }),
    },
    options: { points: 8, steps: 4 },
  },
  {
    name: "1-D, no viscosity, door",
    game: {
      domain: domain({ lower: [0], upper: [1], ends: [["no-flux", "door"]] }),
      populations: { viscosity: 0, hamiltonian: quadratic(1), initial: 1 },
      coupling: couplingLocal({ dimension: 1, cost: "m" }),
    },
    options: { points: 8, steps: 3 },
  },
  {
    name: "2-D, walls",
    game: {
      domain: walls,
      populations: { viscosity: 0.1, hamiltonian: quadratic(2), initial: "1 + 0.3*x*y" },
      coupling: couplingLocal({ dimension: 2, cost: "m^2 + x*y" }),
    },
    options: { points: [5, 6], steps: 3 },
  },
  {
    name: "2-D, door and obstacle, congestion",
    game: {
      domain: room,
      populations: {
        viscosity: 0.1,
        hamiltonian: hamiltonianCongestion({ dimension: 2, exponent: 0.8 }),
        initial: "1 + 0.3*x",
      },
      coupling: couplingLocal({ dimension: 2, cost: "m" }),
    },
    options: { points: 8, steps: 3 },
  },
  {
    name: "2-D, power Hamiltonian, its second derivatives mixed",
    game: {
      domain: walls,
      populations: { viscosity: 0.1, hamiltonian: hamiltonianPower({ dimension: 2, exponent: 3 }), initial: 1 },
      coupling: couplingLocal({ dimension: 2, cost: "m^2" }),
    },
    options: { points: 5, steps: 2 },
  },
  {
    name: "2-D, central and midpoint",
    game: {
      domain: walls,
      populations: { viscosity: 0.1, hamiltonian: quadratic(2), initial: "1 + 0.3*x*y" },
      coupling: couplingLocal({ dimension: 2, cost: "m^2 + x*y*t" }),
      terminal: couplingLocal({ dimension: 2, cost: "m*x" }),
    },
    options: { points: [5, 6], steps: 3, scheme: "central" },
  },
  {
    name: "2-D, nonlocal",
    game: {
      domain: walls,
      populations: { viscosity: 0.1, hamiltonian: quadratic(2), initial: "1 + 0.3*x*y" },
      coupling: couplingNonlocal({ dimension: 2, width: 0.3 }),
    },
    options: { points: 5, steps: 2 },
  },
  {
    name: "1-D, two populations",
    game: {
      domain: domain({ lower: [0], upper: [1], ends: "no-flux" }),
      populations: [
        { viscosity: 0.1, hamiltonian: quadratic(1), initial: "1 + x" },
        { viscosity: 0.3, hamiltonian: hamiltonianQuadratic({ dimension: 1, weight: 1 }), initial: "2 - x" },
      ],
      coupling: couplingLocal({ dimension: 1, populations: 2, cost: ["m1*m2 + x", "m1^2*m2"] }),
    },
    options: { points: 6, steps: 3 },
  },
  {
    name: "3-D, periodic and walls",
    game: {
      domain: domain({ lower: [0, 0, 0], upper: [1, 1, 1], ends: ["periodic", "no-flux", ["door", "no-flux"]] }),
      populations: { viscosity: 0.1, hamiltonian: quadratic(3), initial: "1 + 0.3*y" },
      coupling: couplingLocal({ dimension: 3, cost: "m^2 + x*y*z" }),
    },
    options: { points: [4, 5, 4], steps: 2 },
  },
  {
    name: "1-D, planning",
    game: {
      domain: domain({ lower: [0], upper: [1] }),
      mode: "planning",
      populations: { viscosity: 0.2, hamiltonian: quadratic(1), initial: 1, final: "1 + 0.5*cos(2*pi*x)" },
      coupling: couplingLocal({ dimension: 1, cost: "m" }),
    },
    options: { points: 8, steps: 4 },
  },
  {
    name: "1-D, planning, midpoint",
    game: {
      domain: domain({ lower: [0], upper: [1] }),
      mode: "planning",
      populations: { viscosity: 0.2, hamiltonian: quadratic(1), initial: 1, final: "1 + 0.5*cos(2*pi*x)" },
      coupling: couplingLocal({ dimension: 1, cost: "m" }),
    },
    options: { points: 8, steps: 4, scheme: "central" },
  },
];

const made = ({ game, options }: Case) => gameScheme(meanFieldGame(game), options);

/** A state with positive densities, 0 in solid cells. */
function state(s: ReturnType<typeof made>, seed: number): Float64Array {
  const random = generator(seed).uniform(s.length);
  const x = random.map((r, i) => (i < s.length / 2 ? r - 0.5 : 0.5 + r));
  for (let i = 0; i < x.length; i++) if (s.cells.open[i % s.cells.grid.size] === 0) x[i] = 0;
  return x;
}

describe("the discrete game", () => {
  test.each(CASES)("$name: F′ agrees with directional differences", (given) => {
    const s = made(given);
    const x = state(s, 1);
    const v = state(s, 2).map((value, i) => (i < s.length / 2 ? value : value - 1));
    for (let i = 0; i < v.length; i++) if (s.cells.open[i % s.cells.grid.size] === 0) v[i] = 0;
    const derivative = new Float64Array(s.length);
    s.linearise(x).apply(v, derivative);
    const step = 1e-6;
    const [ahead, behind] = [1, -1].map((sign) => {
      const f = new Float64Array(s.length);
      s.residual(
        x.map((value, i) => value + sign * step * v[i]),
        f,
      );
      return f;
    });
    const scale = derivative.reduce((most, d) => Math.max(most, Math.abs(d)), 0);
    expect(derivative).toAgree(
      ahead.map((f, i) => (f - behind[i]) / (2 * step)),
      { atol: 1e-7 * scale },
    );
  });

  test.each(CASES)("$name: the Fokker–Planck operator is the transpose of the linearised value operator", (given) => {
    const s = made(given);
    const { u, m } = s.slabs(state(s, 3));
    const rates = s.zeroRates();
    s.rates(0, 1, u[0][1], m[0][1], rates);
    const size = s.cells.grid.size;
    const [v, w] = [generator(4).uniform(size), generator(5).uniform(size)];
    for (let i = 0; i < size; i++) if (s.cells.open[i] === 0) v[i] = w[i] = 0;
    const [av, aw] = [new Float64Array(size), new Float64Array(size)];
    addGenerator(s.cells, rates, v, 1, av);
    addGeneratorTranspose(s.cells, rates, w, 1, aw);
    const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, q, i) => sum + q * b[i], 0);
    const scale = av.reduce((sum, q) => sum + Math.abs(q), 0);
    expect(Math.abs(dot(av, w) - dot(v, aw))).toBeLessThan(1e-14 * scale);
    // and A v is the derivative of the value step
    const step = 1e-6;
    const paid = new Float64Array(size);
    const [ahead, behind] = [1, -1].map((sign) => {
      const f = new Float64Array(size);
      const moved = u[0][1].map((q, i) => q + sign * step * v[i]);
      s.valueResidual(0, 1, moved, moved, m[0][1], paid, f);
      return f;
    });
    expect(av).toAgree(
      ahead.map((f, i) => (f - behind[i]) / (2 * step)),
      { atol: 1e-6 * scale },
    );
  });

  test.each(CASES)("$name: density residuals sum to the change of mass", (given) => {
    const s = made(given);
    if (s.cells.doors.link.length > 0) return;
    const x = state(s, 6);
    const f = new Float64Array(s.length);
    s.residual(x, f);
    const { m } = s.slabs(x);
    const sum = (y: Float64Array) => y.reduce((total, q) => total + q, 0);
    const size = s.cells.grid.size;
    m.forEach((slabs, k) => {
      for (let n = 0; n < s.steps; n++) {
        const at = s.length / 2 + (k * s.steps + n) * size;
        expect(sum(f.subarray(at, at + size))).toAgree((sum(slabs[n + 1]) - sum(slabs[n])) / s.dt, { atol: 1e-10 });
      }
    });
  });

  test("single steps are the rows of the whole residual", () => {
    for (const given of CASES) {
      const s = made(given);
      const x = state(s, 7);
      const f = new Float64Array(s.length);
      s.residual(x, f);
      const { u, m } = s.slabs(x);
      const size = s.cells.grid.size;
      const K = m.length;
      const row = (index: number) => f.subarray(index * size, (index + 1) * size);
      const paid = m.map(() => new Float64Array(size));
      const n = s.steps - 1;
      const M = m.map((p) => s.blend(p[n + 1], p[n], new Float64Array(size)));
      s.cost(n, M, paid);
      const rates = s.zeroRates();
      const out = new Float64Array(size);
      for (let k = 0; k < K; k++) {
        s.valueResidual(k, n, u[k][n], u[k][n + 1], M[k], paid[k], out);
        expect(out).toAgree(row(k * s.steps + n), { atol: 1e-12 });
        s.rates(k, n, s.blend(u[k][n], u[k][n + 1], new Float64Array(size)), M[k], rates);
        s.densityResidual(k, n, m[k][n], m[k][n + 1], rates, out);
        expect(out).toAgree(row((K + k) * s.steps + n), { atol: 1e-12 });
      }
    }
  });

  test("fields and unknowns are inverse to each other", () => {
    for (const given of CASES) {
      const s = made(given);
      const x = state(s, 8);
      expect(s.unknowns(s.fields(x))).toEqual(x);
    }
  });

  test("messages", () => {
    const game = meanFieldGame(CASES[0].game);
    expect(() => gameScheme(game, { points: 8, steps: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: gameScheme: steps must be an integer ≥ 1; got 0. Use steps: 64 to start.]`,
    );
    expect(() =>
      gameScheme(game, { points: 8, steps: 4, time: "euler" as "midpoint" }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: gameScheme: time must be "implicit-euler" or "midpoint"; got "euler". Use time: "implicit-euler".]`,
    );
    const stationary = meanFieldGame({
      domain: domain({ lower: [0], upper: [1] }),
      mode: "ergodic",
      populations: { viscosity: 0.2, hamiltonian: quadratic(1) },
      coupling: couplingLocal({ dimension: 1, cost: "m" }),
    });
    expect(() => gameScheme(stationary, { points: 8, steps: 4 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: gameScheme: problem must be time-dependent or planning; got "ergodic". Use ergodic() for stationary games.]`,
    );
    const s = made(CASES[0]);
    const other = gameScheme(game, { points: 8, steps: 5 });
    expect(() => s.unknowns(other.fields(state(other, 1)))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: gameScheme: fields must have 8 cells, 5 times and 1 population; got [8,6,1]. Give fields of the same points and steps.]`,
    );
  });
});
