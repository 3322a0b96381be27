import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  couplingCapacity,
  couplingField,
  couplingLocal,
  couplingLog,
  couplingMean,
  couplingNonlocal,
  couplingSum,
  gameFrom,
  games,
  hamiltonianBounded,
  hamiltonianCongestion,
  hamiltonianExpression,
  hamiltonianPower,
  hamiltonianQuadratic,
  type MeanFieldGameOptions,
  meanFieldGame,
  readGameFile,
  readProblem,
  twoCrowds,
} from "../../problems/index.js";
import { cells, domain } from "../../src/grid/index.js";
import { gaussian } from "../../src/measure/index.js";
import { message } from "./terms/check.js";

const folder = mkdtempSync(join(tmpdir(), "meanfield-game-file-"));
afterAll(() => rmSync(folder, { recursive: true }));

const short = {
  kind: "mean-field-game",
  domain: { lower: [0], upper: [1] },
  populations: { viscosity: 0.3, hamiltonian: "0.5*p1^2", initial: "1 + 0.5*cos(2*pi*x)" },
  coupling: "m^2 - sin(2*pi*x)",
};
const through = (json: unknown) => JSON.parse(JSON.stringify(json));

const room = domain({
  lower: [0, 0],
  upper: [1, 2],
  ends: [["no-flux", "door"], "no-flux"],
  doors: [{ axis: 1, side: "lower", from: [0.2], to: [0.6], cost: 0.5 }],
  obstacle: (x) => 0.04 - (x[0] - 0.5) ** 2 - (x[1] - 1) ** 2 > 0,
  obstacleText: "0.04 - (x - 0.5)^2 - (y - 1)^2 > 0",
});
const torus = domain({ lower: [0, 0], upper: [1, 2] });
const one = (options: object): MeanFieldGameOptions => ({
  domain: torus,
  populations: { viscosity: 0.1, hamiltonian: hamiltonianQuadratic({ dimension: 2 }), initial: 1 },
  coupling: couplingLocal({ dimension: 2, cost: "m" }),
  ...options,
});

describe("a description is a file", () => {
  const written: readonly (readonly [string, MeanFieldGameOptions])[] = [
    [
      "room, congestion, laws, sources",
      one({
        domain: room,
        horizon: 3,
        populations: {
          viscosity: 0.1,
          hamiltonian: hamiltonianCongestion({ dimension: 2, exponent: 0.5, weight: "1 + c*x", parameters: { c: 2 } }),
          initial: gaussian({ mean: [0.5, 0.5], sd: 0.1 }),
          valueSource: "x*t",
          densitySource: 0.5,
        },
        coupling: couplingCapacity({ dimension: 2, capacity: 9, barrier: "log", cost: "x" }),
        terminal: couplingField({ dimension: 2, cost: "a*y", parameters: { a: 2 } }),
      }),
    ],
    [
      "planning, drift and metric",
      one({
        mode: "planning",
        populations: {
          viscosity: 0,
          hamiltonian: hamiltonianQuadratic({ dimension: 2, weight: 2, drift: ["-y", 1], metric: ["1 + x^2", 2] }),
          initial: "1 + x",
          final: 1,
        },
        coupling: couplingLog({ dimension: 2, weight: 0.1, cost: "sin(2*pi*x)" }),
      }),
    ],
    [
      "ergodic, power, nonlocal",
      one({
        mode: "ergodic",
        populations: { viscosity: 1, hamiltonian: hamiltonianPower({ dimension: 2, exponent: 3 }), mass: 2 },
        coupling: couplingSum([
          couplingNonlocal({ dimension: 2, width: 0.2, domain: torus }),
          couplingNonlocal({ dimension: 2, kernel: "exp(-a*r)", weight: -1, domain: torus, parameters: { a: 3 } }),
          couplingLocal({ dimension: 2, cost: "b*m/(1 + m)", parameters: { b: 3 }, massRange: [0, 9] }),
        ]),
      }),
    ],
    [
      "two populations, mean",
      one({
        domain: domain({ lower: [-1, -1], upper: [1, 1], ends: "no-flux" }),
        populations: [
          {
            name: "a",
            viscosity: 0.1,
            hamiltonian: hamiltonianBounded({ dimension: 2, speed: 2, set: "box" }),
            initial: 1,
          },
          {
            name: "b",
            viscosity: 0.2,
            hamiltonian: hamiltonianExpression({ dimension: 2, text: "0.5*(p1^2 + p2^2)/(1 + m)" }),
            initial: "1 + x^2",
            mass: 1,
          },
        ],
        coupling: couplingMean({ dimension: 2, populations: 2, weight: 3, share: 0.5, offset: [0, 0.1] }),
        terminal: couplingLocal({ dimension: 2, populations: 2, cost: ["m1 + m2", "m2 - x"] }),
      }),
    ],
  ];
  test.each(written)("%s", (_, options) => {
    const game = meanFieldGame(options);
    const again = gameFrom(through(game.describe()));
    expect(again.describe()).toEqual(game.describe());
    expect(again.equations).toEqual(game.equations);
    expect([again.isMonotone, again.isPotential, again.wellPosedness()]).toEqual([
      game.isMonotone,
      game.isPotential,
      game.wellPosedness(),
    ]);
    const [a, b] = [game, again].map((g) => cells(g.domain, 12));
    expect(b.open).toEqual(a.open);
    expect(b.doors).toEqual(a.doors);
  });

  test.each(Object.keys(games))("%s of the catalogue", (name) => {
    const game = games[name].make();
    expect(gameFrom(through(game.describe())).describe()).toEqual(game.describe());
  });
});

test("short forms: a Hamiltonian and a coupling as text", () => {
  const game = gameFrom(short);
  expect([game.isMonotone, game.isPotential, game.dimension, game.horizon]).toEqual([true, true, 1, 1]);
  expect(game.populations[0].hamiltonian.quadraticWeight).toBe(0.5);
  const two = gameFrom({
    ...short,
    populations: [short.populations, { ...short.populations, name: "b" }],
    coupling: ["m1", "m2 - m1"],
    terminal: ["x", "x^2"],
  });
  expect(two.populations.length).toBe(2);
  expect(two.coupling.isMonotone).toBe(true);
});

test("doors from both sides of a description are one door", () => {
  for (const [ends, doors] of [
    ["door", 2],
    [["no-flux", "door"], 1],
    [[["no-flux", "door"]], 1],
  ] as const) {
    const game = gameFrom({ ...short, domain: { lower: [0], upper: [1], ends } });
    expect(game.domain.doors.length).toBe(doors);
    expect(gameFrom(through(game.describe())).domain.doors.length).toBe(doors);
  }
});

test("catalogue and files", () => {
  const path = join(folder, "game.json");
  writeFileSync(path, JSON.stringify({ catalogue: "two-crowds", overrides: { other: 2 } }));
  expect(readGameFile(path).describe()).toEqual(twoCrowds({ other: 2 }).describe());
  expect(readProblem(path).kind).toBe("mean-field-game");
  writeFileSync(path, JSON.stringify({ catalogue: "gaussian-shift" }));
  expect(readProblem(path).kind).toBe("proximal-flow");
  writeFileSync(path, JSON.stringify(short));
  expect(readProblem(path).kind).toBe("mean-field-game");
  writeFileSync(path, "3");
  expect(message(() => readProblem(path))).toBe(
    'problem file: content must be an object; got 3. Start from { "catalogue": "two-moons" }.',
  );
  expect(gameFrom({ catalogue: "log-gaussian", overrides: { mode: "ergodic" } }).hasExact).toBe(true);
});

test("every game of the catalogue may stand in a file, and knows its overrides", () => {
  for (const name of Object.keys(games)) {
    expect(gameFrom({ catalogue: name }).name).toBe(name);
    expect(message(() => gameFrom({ catalogue: name, overrides: { colour: 1 } }))).toBe(
      "problem file: overrides.colour must be a known field; got 1. Remove it, or check its spelling.",
    );
  }
  expect(message(() => gameFrom({ catalogue: "torus" }))).toBe(
    `problem file: catalogue must be one of ${Object.keys(games).join(", ")}; got "torus". See meanfield list.`,
  );
});

test("what does not describe a game is refused, by the field", () => {
  writeFileSync(join(folder, "bad.json"), "{");
  const own = { ...short.populations };
  const wrong: (() => unknown)[] = [
    () => gameFrom([]),
    () => gameFrom({}),
    () => gameFrom({ ...short, kind: "game" }),
    () => gameFrom({ ...short, mode: "static" }),
    () => gameFrom({ ...short, horizon: 0 }),
    () => gameFrom({ ...short, domain: { lower: [0] } }),
    () => gameFrom({ ...short, domain: { ...short.domain, walls: 1 } }),
    () => gameFrom({ ...short, domain: { ...short.domain, ends: "open" } }),
    () => gameFrom({ ...short, coupling: { kind: "social" } }),
    () => gameFrom({ ...short, coupling: { kind: "capacity", capacity: -1 } }),
    () => gameFrom({ ...short, coupling: ["m1", "m2"] }),
    () => gameFrom({ ...short, populations: { ...own, viscosity: "low" } }),
    () => gameFrom({ ...short, populations: { ...own, hamiltonian: { kind: "cubic" } } }),
    () => gameFrom({ ...short, populations: { ...own, hamiltonian: "0.5*p^2" } }),
    () => gameFrom({ ...short, populations: [{ ...own, speed: 1 }] }),
    () => gameFrom({ ...short, populations: { ...own, hamiltonian: { kind: "power" } } }),
    () => gameFrom({ ...short, populations: { ...own, hamiltonian: 2 } }),
    () => gameFrom({ ...short, populations: 2 }),
    () => gameFrom({ ...short, coupling: { kind: "sum", parts: [{ kind: "log", gamma: 1 }] } }),
    () => gameFrom({ ...short, coupling: { kind: "log", cost: [1] } }),
    () => gameFrom({ ...short, terminal: 1 }),
    () => gameFrom({ ...short, populations: { ...own, initial: { kind: "normal" } } }),
    () => gameFrom({ ...short, populations: { ...own, initial: { kind: "gaussian", mean: [0], sd: "1" } } }),
    () => gameFrom({ ...short, populations: { ...own, initial: [1] } }),
    () => gameFrom({ ...short, populations: { ...own, initial: "given by a function" } }),
    () => gameFrom({ catalogue: "corridor", overrides: { width: 2 } }),
    () => gameFrom({ catalogue: "corridor", overrides: { congestion: "high" } }),
    () => readGameFile(join(folder, "bad.json").slice(0, 3)),
  ];
  expect(wrong.map(message)).toMatchInlineSnapshot(`
    [
      "problem file: content must be an object; got []. Start from { "catalogue": "torus-crowd" }.",
      "problem file: kind must be one of mean-field-game; got undefined. Choose one of them.",
      "problem file: kind must be one of mean-field-game; got "game". Choose one of them.",
      "problem file: mode must be one of time-dependent, planning, ergodic; got "static". Change the value.",
      "problem file: horizon must be > 0; got 0. Use 1 to start.",
      "problem file: domain.upper must be an array; got undefined. Add the field.",
      "problem file: domain.walls must be a known field; got 1. Remove it, or check its spelling.",
      "problem file: domain.ends must be "periodic", "no-flux", "door" or [lower, upper], once or one an axis; got "open". Use "no-flux" for a closed box.",
      "problem file: coupling.kind must be one of local, field, log, capacity, nonlocal, mean, sum; got "social". Choose one of them.",
      "problem file: coupling.capacity must be > 0; got -1. Change the value.",
      "couplingLocal: cost must hold 1 formula, one a population; got 2. Set populations to the number of formulas.",
      "problem file: populations.viscosity must be a finite number; got "low". Change the value.",
      "problem file: populations.hamiltonian.kind must be one of quadratic, power, bounded, congestion, expression; got "cubic". Choose one of them.",
      "expression: "0.5*p^2" must hold only arithmetic and known functions; got "p". Allowed are x, t, p1, m, pi, e; did you mean x.",
      "problem file: populations.0.speed must be a known field; got 1. Remove it, or check its spelling.",
      "problem file: populations.hamiltonian.exponent must be a finite number; got undefined. Add the field.",
      "problem file: populations.hamiltonian must be an expression or { "kind": … }; got 2. Use "0.5*p1^2" to start.",
      "problem file: populations must be a population or a list of them; got 2. Change the value.",
      "problem file: coupling.parts.0.gamma must be a known field; got 1. Remove it, or check its spelling.",
      "problem file: coupling.cost must be a number, an expression or a list, as its kind asks for; got [1]. Change the value.",
      "problem file: terminal must be an expression, a list of expressions, { "kind": … } or null; got 1. Use null for none.",
      "problem file: populations.initial.kind must be one of gaussian, gaussian-mixture, uniform-box, dirac, product, two-moons, pinwheel, eight-gaussians, checkerboard, swiss-roll, circles, spirals; got "normal". Choose one of them.",
      "problem file: populations.initial.sd must be a number > 0 or an array of numbers; got "1". Change the value.",
      "problem file: populations.initial must be a number, an expression or a law { "kind": … }; got [1]. Use "1 + 0.5*cos(2*pi*x)" to start.",
      "problem file: populations.initial must be a formula; got "given by a function". A JavaScript function cannot be stored in a file; write it as an expression.",
      "problem file: overrides.width must be a known field; got 2. Remove it, or check its spelling.",
      "problem file: overrides.congestion must be a finite number; got "high". Change the value.",
      "problem file: path must be a readable file; got "/tm". Check the path.",
    ]
  `);
});
