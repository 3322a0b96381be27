import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import {
  diffusions,
  type FokkerPlanck,
  fokkerPlanckFrom,
  fokkerPlanckProblem,
  ornsteinUhlenbeck,
  readFokkerPlanckFile,
} from "../../problems/index.js";
import { cells, domain } from "../../src/grid/index.js";
import { gaussian } from "../../src/measure/index.js";
import { message } from "./terms/check.js";

const folder = mkdtempSync(join(tmpdir(), "meanfield-fokker-planck-file-"));
afterAll(() => rmSync(folder, { recursive: true }));

const through = (json: unknown) => JSON.parse(JSON.stringify(json));
const short = {
  kind: "fokker-planck",
  domain: { lower: [-4], upper: [4], ends: "no-flux" },
  diffusion: 0.5,
  potential: "x^4/4 - x^2/2",
  initial: { kind: "gaussian", mean: [0], sd: 0.3 },
};
const room = domain({
  lower: [0, 0],
  upper: [1, 2],
  ends: [["no-flux", "door"], "periodic"],
  obstacle: (x) => 0.04 - (x[0] - 0.5) ** 2 > 0,
  obstacleText: "0.04 - (x - 0.5)^2 > 0",
});

function facts(p: FokkerPlanck): unknown {
  const cut = cells(p.domain, 6);
  const at = (f: { evaluate(t: number, x: Float64Array): Float64Array } | null) => f?.evaluate(0.3, cut.points) ?? null;
  return {
    description: p.describe(),
    equations: p.equations,
    wellPosed: p.wellPosedness(),
    isPotential: p.isPotential,
    open: cut.open,
    doors: cut.doors,
    numbers: [at(p.initial.density), at(p.potential), at(p.source), ...(p.drift ?? []).map(at)],
    mass: p.mass,
    horizon: p.horizon,
    diffusion: p.diffusion,
  };
}

test.each([
  [
    "drift, doors, source",
    {
      domain: room,
      diffusion: 0,
      drift: ["-y*t", 1],
      initial: "1 + x",
      mass: 3,
      source: "x*t",
      name: "mine",
      horizon: 2,
    },
  ],
  [
    "a constant potential",
    { domain: room, diffusion: 1, potential: 2, initial: gaussian({ mean: [0, 0] }), mass: null },
  ],
  ["neither", { domain: room, diffusion: 1, initial: 1 }],
])("a description is a file: %s", (_, options) => {
  const problem = fokkerPlanckProblem(options);
  expect(facts(fokkerPlanckFrom(through(problem.describe())))).toEqual(facts(problem));
});

test.each(Object.keys(diffusions))("%s of the catalogue", (name) => {
  const problem = diffusions[name].make();
  expect(facts(fokkerPlanckFrom(through(problem.describe())))).toEqual(facts(problem));
  expect(fokkerPlanckFrom({ catalogue: name, overrides: { dimension: 1 } }).dimension).toBe(1);
  expect(message(() => fokkerPlanckFrom({ catalogue: name, overrides: { colour: 1 } }))).toBe(
    "problem file: overrides.colour must be a known field; got 1. Remove it, or check its spelling.",
  );
});

test("files and overrides", () => {
  const path = join(folder, "problem.json");
  writeFileSync(path, JSON.stringify(short));
  expect(readFokkerPlanckFile(path).isPotential).toBe(true);
  writeFileSync(path, JSON.stringify({ catalogue: "ornstein-uhlenbeck", overrides: { rate: 2, start: 0.5 } }));
  expect(readFokkerPlanckFile(path).describe()).toEqual(ornsteinUhlenbeck({ rate: 2, start: 0.5 }).describe());
});

test("what does not describe a Fokker–Planck problem is refused, by the field", () => {
  const with_ = (part: object) => () => fokkerPlanckFrom({ ...short, ...part });
  const stored = fokkerPlanckProblem({ domain: room, diffusion: 1, drift: [0, (x) => x[0]], initial: 1 });
  const wrong: (() => unknown)[] = [
    () => fokkerPlanckFrom(null),
    () => fokkerPlanckFrom({}),
    with_({ diffusion: undefined }),
    with_({ diffusion: -1 }),
    with_({ drift: [1] }),
    with_({ drift: 1, potential: null }),
    with_({ drift: [1, 2], potential: null }),
    with_({ potential: { kind: "energy" } }),
    with_({ source: [1] }),
    with_({ initial: [1] }),
    with_({ initial: { kind: "csv", file: "data.csv" } }),
    with_({ viscosity: 1 }),
    () => fokkerPlanckFrom(through(stored.describe())),
    () => fokkerPlanckFrom({ catalogue: "torus" }),
    () => fokkerPlanckFrom({ catalogue: "wall-drift", overrides: { drift: "strong" } }),
  ];
  expect(wrong.map(message)).toMatchInlineSnapshot(`
    [
      "problem file: content must be an object; got null. Start from { "catalogue": "wall-drift" }.",
      "problem file: kind must be one of fokker-planck; got undefined. Choose one of them.",
      "problem file: diffusion must be a finite number; got undefined. Add the field.",
      "fokkerPlanckProblem: diffusion must be a finite number ≥ 0; got -1. Use diffusion: 0.1 to start.",
      "fokkerPlanckProblem: drift must be left out when a potential is given; got 1. Give one of the two: b, or φ with b = −∇φ.",
      "problem file: drift must be an array; got 1. Change the value.",
      "fokkerPlanckProblem: drift must have 1 fields, one for each coordinate; got 2. Give every component of b.",
      "problem file: potential must be a number or an expression; got {"kind":"energy"}. Use for example "sin(2*pi*x)".",
      "problem file: source must be a number or an expression; got [1]. Use for example "sin(2*pi*x)".",
      "problem file: initial must be a number, an expression or a law { "kind": … }; got [1]. Use "1 + 0.5*cos(2*pi*x)" to start.",
      "problem file: initial.kind must be one of gaussian, gaussian-mixture, uniform-box, dirac, product, two-moons, pinwheel, eight-gaussians, checkerboard, swiss-roll, circles, spirals; got "csv". Choose one of them.",
      "problem file: viscosity must be a known field; got 1. Remove it, or check its spelling.",
      "problem file: drift.1 must be a formula; got "given by a function". A JavaScript function cannot be stored in a file; write it as an expression.",
      "problem file: catalogue must be one of wall-drift, wall-equilibrium, ornstein-uhlenbeck; got "torus". See meanfield list.",
      "problem file: overrides.drift must be a finite number; got "strong". Change the value.",
    ]
  `);
});
