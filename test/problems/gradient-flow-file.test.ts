import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  barenblatt,
  divergenceTo,
  energy,
  entropy,
  type GradientFlow,
  type GradientFlowOptions,
  gradientFlow,
  gradientFlowFrom,
  gradientFlows,
  lipschitzDivergence,
  power,
  readGradientFlowFile,
  readProblem,
  transportTo,
} from "../../problems/index.js";
import { cells, domain } from "../../src/grid/index.js";
import {
  alphaDivergence,
  circles,
  cloud,
  dirac,
  empirical,
  gaussian,
  gaussianMixture,
  jensenShannon,
  kullbackLeibler,
  reverseKullbackLeibler,
} from "../../src/measure/index.js";
import { message } from "./terms/check.js";

const folder = mkdtempSync(join(tmpdir(), "meanfield-gradient-flow-file-"));
afterAll(() => rmSync(folder, { recursive: true }));

const through = (json: unknown) => JSON.parse(JSON.stringify(json));
const line = domain({ lower: [-3], upper: [3], ends: "no-flux" });
const plane = domain({
  lower: [-3, -2],
  upper: [3, 2],
  ends: ["no-flux", "periodic"],
  obstacle: (x) => 0.04 - x[0] ** 2 > 0,
  obstacleText: "0.04 - x^2 > 0",
});
const normal = gaussian({ mean: [0] });
const short = {
  kind: "gradient-flow",
  domain: { lower: [-3], upper: [3], ends: "no-flux" },
  energy: { kind: "energy", internal: { kind: "power", exponent: 2 }, potential: "x^2/2" },
  initial: { kind: "gaussian", mean: [1], sd: 0.3 },
};

/** What a flow says of itself, and its numbers at cell centres. */
function facts(p: GradientFlow): unknown {
  const cut = cells(p.domain, 6);
  const { internal, potential, interaction, divergence, transport, cap, convexity } = p.energy;
  const target = (divergence ?? transport)?.target ?? internal?.reference;
  return {
    description: p.describe(),
    equations: p.equations,
    wellPosed: p.wellPosedness(),
    isMonotone: p.isMonotone,
    open: cut.open,
    initial: p.initial.density?.evaluate(0, cut.points),
    target: target?.density?.evaluate(0, cut.points) ?? target?.distribution?.description,
    cap,
    convexity,
    potential: potential?.evaluate(0, cut.points),
    interaction: interaction?.kernel.evaluate(0, cut.points),
    internal: internal && [0.3, 2].flatMap((r) => [internal.value(r), internal.slope(r), internal.curvature(r)]),
    conjugate: divergence && [-2, -0.3].map(divergence.divergence.conjugate),
    lipschitz: divergence?.lipschitz,
    order: transport?.order,
    mass: p.mass,
    horizon: p.horizon,
  };
}

describe("a description is a file", () => {
  const internal = (options: object): GradientFlowOptions => ({
    domain: line,
    initial: normal,
    energy: energy({ dimension: 1, ...options }),
  });
  const written: readonly (readonly [string, GradientFlowOptions])[] = [
    ["entropy, cap, convexity", internal({ internal: entropy(0.3), potential: 2, cap: 3, convexity: -0.5 })],
    [
      "power",
      { ...internal({ internal: power(0.7, 2), interaction: "abs(x)" }), mass: null, horizon: 3, name: "mine" },
    ],
    ["potential alone", { ...internal({ potential: "x^4/4" }), initial: "1 + x^2", mass: 2 }],
    ["KL", internal({ internal: divergenceTo(kullbackLeibler(), normal, 1), potential: "x" })],
    ["α = ½, to an expression", internal({ internal: divergenceTo(alphaDivergence(0.5), "exp(-x^2)", 1) })],
    ["reverse KL, to a number", internal({ internal: divergenceTo(reverseKullbackLeibler(), 0.5, 1) })],
    [
      "Jensen–Shannon, to a mixture",
      internal({
        internal: divergenceTo(
          jensenShannon(),
          gaussianMixture({
            components: [
              { weight: 0.2, mean: [-1], sd: 0.5 },
              { weight: 0.8, mean: [1] },
            ],
          }),
          1,
        ),
      }),
    ],
    [
      "regularised, singular target, obstacle, periodic axis",
      {
        domain: plane,
        initial: "1 + y^2",
        energy: lipschitzDivergence({
          dimension: 2,
          divergence: alphaDivergence(2),
          lipschitz: 0.5,
          target: circles({ noise: 0 }),
        }),
      },
    ],
    [
      "L = ∞",
      {
        domain: line,
        initial: 1,
        energy: lipschitzDivergence({
          dimension: 1,
          divergence: kullbackLeibler(),
          lipschitz: Infinity,
          target: "1 + x^2",
        }),
      },
    ],
    ["W₁", { domain: line, initial: normal, energy: transportTo({ dimension: 1, order: 1, target: dirac([1]) }) }],
    ["½W₂²", { domain: line, initial: normal, energy: transportTo({ dimension: 1, order: 2, target: 1 }) }],
  ];
  test.each(written)("%s", (_, options) => {
    const flow = gradientFlow(options);
    expect(facts(gradientFlowFrom(through(flow.describe())))).toEqual(facts(flow));
  });

  test.each(Object.keys(gradientFlows).filter((name) => name !== "old-faithful-flow"))(
    "%s of the catalogue",
    (name) => {
      const flow = gradientFlows[name].make();
      expect(facts(gradientFlowFrom(through(flow.describe())))).toEqual(facts(flow));
    },
  );

  test("samples come back from their csv file, with their coordinates", () => {
    writeFileSync(join(folder, "data.csv"), "length,width\n1,2\n3,4\n5,9\n");
    const path = join(folder, "to-data.json");
    const file = {
      kind: "gradient-flow",
      domain: { lower: [-3, -3], upper: [3, 3], ends: "no-flux" },
      energy: {
        kind: "lipschitz-divergence",
        divergence: { kind: "kullback-leibler" },
        lipschitz: 1,
        target: { kind: "csv", file: "data.csv", standardise: true },
      },
      initial: { kind: "gaussian", mean: [0, 0] },
    };
    writeFileSync(path, JSON.stringify(file));
    const flow = readGradientFlowFile(path);
    expect(flow.energy.divergence?.target.distribution?.data?.count).toBe(3);
    expect(flow.coordinates?.map((c) => [c.label, c.offset])).toEqual([
      ["length", 3],
      ["width", 5],
    ]);
    writeFileSync(path, JSON.stringify(flow.describe()));
    expect(readGradientFlowFile(path).describe()).toEqual(flow.describe());
    const held = through(file);
    held.energy.target.heldOutFraction = 0.4;
    writeFileSync(path, JSON.stringify(held));
    const parted = readGradientFlowFile(path);
    expect([parted.energy.divergence?.target.distribution?.data?.count, parted.heldOut?.count]).toEqual([2, 1]);
    const start = { ...file, initial: { ...file.energy.target, heldOutFraction: 0.4 } };
    writeFileSync(path, JSON.stringify(start));
    expect(message(() => readGradientFlowFile(path))).toMatchInlineSnapshot(
      `"problem file: initial.heldOutFraction must be 0; got 1. Hold out samples of the target only."`,
    );
    writeFileSync(
      path,
      JSON.stringify({ ...file, energy: { ...file.energy, target: { kind: "csv", file: "no.csv" } } }),
    );
    expect(message(() => readGradientFlowFile(path)).replaceAll(folder, "…")).toMatchInlineSnapshot(
      `"problem file: energy.target.file must be a readable file; got "…/no.csv". Check the path."`,
    );
  });

  test("samples without a file are refused, as are functions", () => {
    const data = empirical(cloud(Float64Array.of(0, 1), 1));
    const to = (target: Parameters<typeof transportTo>[0]["target"]) =>
      gradientFlow({ domain: line, initial: normal, energy: transportTo({ dimension: 1, order: 1, target }) });
    const inside = (options: object) =>
      gradientFlow({ domain: line, initial: normal, energy: energy({ dimension: 1, internal: power(2), ...options }) });
    const round = domain({ lower: [0], upper: [1], ends: "no-flux", obstacle: (x) => x[0] > 0.9 });
    const f = (x: Float64Array) => Math.abs(x[0]);
    const stored: GradientFlow[] = [
      gradientFlows["old-faithful-flow"].make(),
      to(data),
      to(f),
      inside({ potential: f }),
      inside({ interaction: f }),
      inside({ internal: divergenceTo(kullbackLeibler(), (x) => 1 + f(x), 1) }),
      gradientFlow({ domain: line, initial: f, energy: energy({ dimension: 1, internal: power(2) }) }),
      gradientFlow({ domain: round, initial: 1, energy: energy({ dimension: 1, internal: power(2) }) }),
    ];
    expect(stored.map((flow) => message(() => gradientFlowFrom(through(flow.describe()))))).toMatchInlineSnapshot(`
      [
        "problem file: energy.target.kind must be one of gaussian, gaussian-mixture, uniform-box, dirac, product, two-moons, pinwheel, eight-gaussians, checkerboard, swiss-roll, circles, spirals, csv; got "empirical". Choose one of them; samples come from { "kind": "csv", "file": … }.",
        "problem file: energy.target.kind must be one of gaussian, gaussian-mixture, uniform-box, dirac, product, two-moons, pinwheel, eight-gaussians, checkerboard, swiss-roll, circles, spirals, csv; got "empirical". Choose one of them; samples come from { "kind": "csv", "file": … }.",
        "problem file: energy.target must be a formula; got "given by a function". A JavaScript function cannot be stored in a file; write it as an expression.",
        "problem file: energy.potential must be a formula; got "given by a function". A JavaScript function cannot be stored in a file; write it as an expression.",
        "problem file: energy.interaction must be a formula; got "given by a function". A JavaScript function cannot be stored in a file; write it as an expression.",
        "problem file: energy.internal.target must be a formula; got "given by a function". A JavaScript function cannot be stored in a file; write it as an expression.",
        "problem file: initial must be a formula; got "given by a function". A JavaScript function cannot be stored in a file; write it as an expression.",
        "problem file: domain.obstacle must be a formula; got "given by a function". A JavaScript function cannot be stored in a file; write it as an expression.",
      ]
    `);
  });
});

test("every flow of the catalogue may stand in a file, and knows its overrides", () => {
  for (const name of Object.keys(gradientFlows)) {
    expect(gradientFlowFrom({ catalogue: name }).name).toBe(name);
    expect(gradientFlowFrom({ catalogue: name, overrides: { horizon: 0.125 } }).horizon).toBe(0.125);
    expect(message(() => gradientFlowFrom({ catalogue: name, overrides: { colour: 1 } }))).toBe(
      "problem file: overrides.colour must be a known field; got 1. Remove it, or check its spelling.",
    );
  }
  const overridden = (catalogue: string, overrides: object) => gradientFlowFrom({ catalogue, overrides });
  expect(overridden("barenblatt", { dimension: 2, exponent: 3 }).describe()).toEqual(
    barenblatt({ dimension: 2, exponent: 3 }).describe(),
  );
  expect(overridden("gaussian-flow", { variance: [0.5], targetMean: [1] }).hasExact).toBe(true);
  expect(overridden("singular-target", { target: "point", divergence: { kind: "alpha", alpha: 2 } }).title).toContain(
    "point",
  );
  expect(overridden("bimodal-target", { lipschitz: "Infinity" }).energy.divergence?.lipschitz).toBe(Infinity);
  expect(overridden("old-faithful-flow", { seed: 2 }).dimension).toBe(2);
});

test("a problem file of any kind", () => {
  const path = join(folder, "any.json");
  for (const [json, kind] of [
    [short, "gradient-flow"],
    [{ catalogue: "huber-flow", overrides: { lipschitz: 0.5 } }, "gradient-flow"],
    [{ catalogue: "two-crowds" }, "mean-field-game"],
    [{ catalogue: "pinwheel" }, "proximal-flow"],
    [{ catalogue: "wall-drift", overrides: { dimension: 1 } }, "fokker-planck"],
  ] as const) {
    writeFileSync(path, JSON.stringify(json));
    expect(readProblem(path).kind).toBe(kind);
  }
  const refused = (json: unknown) => {
    writeFileSync(path, JSON.stringify(json));
    return message(() => readProblem(path));
  };
  expect([
    refused([]),
    refused({}),
    refused({ kind: "gradientflow" }),
    refused({ catalogue: "baren" }),
  ]).toMatchInlineSnapshot(`
    [
      "problem file: content must be an object; got []. Start from { "catalogue": "two-moons" }.",
      "problem file: kind must be one of proximal-flow, mean-field-game, gradient-flow, fokker-planck; got undefined. Choose one of them, or start from { "catalogue": "two-moons" }.",
      "problem file: kind must be one of proximal-flow, mean-field-game, gradient-flow, fokker-planck; got "gradientflow". Choose one of them, or start from { "catalogue": "two-moons" }.",
      "problem file: catalogue must be one of gaussian-shift, gaussian-scale, manifold-target, point-target, two-moons, pinwheel, old-faithful, eight-gaussians, checkerboard, swiss-roll, circles, spirals, torus-crowd, ergodic-torus, log-gaussian, gaussian-bridge, linear-quadratic-mean, first-order-torus, obstacle-crowd, corridor, manufactured-torus, systemic-risk, two-crowds, evacuation, barenblatt, gaussian-flow, double-well, merging-bumps, porous-obstacle, keller-segel, huber-flow, uniform-target, four-modes, bimodal-target, singular-target, old-faithful-flow, wall-drift, wall-equilibrium, ornstein-uhlenbeck; got "baren". See meanfield list.",
    ]
  `);
});

test("what does not describe a gradient flow is refused, by the field", () => {
  const with_ = (part: object) => () => gradientFlowFrom({ ...short, ...part });
  const parts = (part: object) => with_({ energy: { ...short.energy, ...part } });
  const divergence = { kind: "kullback-leibler" };
  const regular = (part: object) =>
    with_({ energy: { kind: "lipschitz-divergence", divergence, lipschitz: 1, target: 1, ...part } });
  const wrong: (() => unknown)[] = [
    () => gradientFlowFrom(3),
    () => gradientFlowFrom({}),
    with_({ horizon: 0 }),
    with_({ mass: -1 }),
    with_({ energie: 1 }),
    with_({ energy: undefined }),
    with_({ energy: "x^2" }),
    with_({ energy: { kind: "entropy" } }),
    with_({ energy: { kind: "energy" } }),
    with_({ initial: undefined }),
    with_({ initial: [1] }),
    with_({ initial: { kind: "normal" } }),
    with_({ initial: { kind: "gaussian", mean: [0, 0] } }),
    with_({ domain: { ...short.domain, ends: "door" } }),
    parts({ potential: "q^2" }),
    parts({ interaction: "x^^2" }),
    with_({ domain: { lower: [-1], upper: [1], obstacle: "x >> 1" } }),
    parts({ potential: [1] }),
    parts({ interaction: "x^3" }),
    parts({ cap: 0 }),
    parts({ convexity: "one" }),
    parts({ internal: { kind: "power" } }),
    parts({ internal: { kind: "power", exponent: 1 } }),
    parts({ internal: { kind: "entropy", weight: 0 } }),
    parts({ internal: { kind: "divergence", divergence, target: { kind: "dirac", point: [0] } } }),
    parts({ internal: { kind: "divergence", divergence: { kind: "alpha", alpha: -1 }, target: 1 } }),
    parts({ internal: { kind: "energy" } }),
    regular({ lipschitz: 0 }),
    regular({ lipschitz: undefined }),
    regular({ divergence: { kind: "plain-transport" } }),
    regular({ target: true }),
    regular({ target: { kind: "empirical", count: 2 } }),
    with_({ energy: { kind: "transport", order: 3, target: 1 } }),
    () => gradientFlowFrom({ catalogue: "two-moons" }),
    () => gradientFlowFrom({ catalogue: "barenblatt", overrides: { exponent: "two" } }),
    () => gradientFlowFrom({ catalogue: "gaussian-flow", overrides: { mean: 1 } }),
    () => gradientFlowFrom({ catalogue: "singular-target", overrides: { target: "square" } }),
  ];
  expect(wrong.map(message)).toMatchInlineSnapshot(`
    [
      "problem file: content must be an object; got 3. Start from { "catalogue": "gaussian-flow" }.",
      "problem file: kind must be one of gradient-flow; got undefined. Choose one of them.",
      "problem file: horizon must be > 0; got 0. Use 1 to start.",
      "problem file: mass must be > 0; got -1. Change the value.",
      "problem file: energie must be a known field; got 1. Remove it, or check its spelling.",
      "problem file: energy must be an object; got undefined. Add the field.",
      "problem file: energy must be an object; got "x^2". Change the value.",
      "problem file: energy.kind must be one of energy, lipschitz-divergence, transport; got "entropy". Choose one of them.",
      "energy: an energy must have a part; got "none". Give internal: entropy(), a potential or an interaction.",
      "problem file: initial must be a number, an expression or a law { "kind": … }; got undefined. Use "1 + 0.5*cos(2*pi*x)" to start.",
      "problem file: initial must be a number, an expression or a law { "kind": … }; got [1]. Use "1 + 0.5*cos(2*pi*x)" to start.",
      "problem file: initial.kind must be one of gaussian, gaussian-mixture, uniform-box, dirac, product, two-moons, pinwheel, eight-gaussians, checkerboard, swiss-roll, circles, spirals, csv; got "normal". Choose one of them; samples come from { "kind": "csv", "file": … }.",
      "gradientFlow: initial must live in dimension 1; got 2. Use a law on the domain.",
      "gradientFlow: domain must have no doors; got "2 doors". A gradient flow keeps its mass: close them, or solve a Fokker–Planck problem.",
      "energy: potential "q^2" must hold only arithmetic and known functions; got "q". Allowed are x, t, pi, e; did you mean x.",
      "energy: interaction must be an expression; got "x^^2". Repair it: Value expected (char 3).",
      "problem file: domain.obstacle "x >> 1" must hold only arithmetic and known functions; got "rightArithShift". Use + - * / ^.",
      "problem file: energy.potential must be a number or an expression; got [1]. Use for example "sin(2*pi*x)".",
      "energy: interaction must be even: W(x) = W(−x); got [0.5958232365909556,-0.5958232365909556]. Use a function of x², or |x|.",
      "problem file: energy.cap must be > 0; got 0. Change the value.",
      "problem file: energy.convexity must be a finite number; got "one". Change the value.",
      "problem file: energy.internal.exponent must be a finite number; got undefined. Add the field.",
      "power: exponent must be finite, > 0 and not 1; got 1. Use entropy() for m = 1, exponent: 2 for a porous medium.",
      "entropy: weight must be finite and > 0; got 0. Use entropy(1).",
      "divergenceTo: target must have a density; got "dirac". Use the Lipschitz-regularised divergence, which is finite for singular targets.",
      "problem file: energy.internal.divergence.alpha must be > 0; got -1. Change the value.",
      "problem file: energy.internal.kind must be one of entropy, power, divergence; got "energy". Choose one of them.",
      "problem file: energy.lipschitz must be a number > 0 or "Infinity"; got 0. Use 1 to start, "Infinity" for no W₁ regularisation.",
      "problem file: energy.lipschitz must be a number > 0 or "Infinity"; got undefined. Use 1 to start, "Infinity" for no W₁ regularisation.",
      "lipschitzDivergence: divergence must be an f-divergence that is finite near its target; got "plain transport". Use transportTo() for plain transport.",
      "problem file: energy.target must be a number, an expression or a law { "kind": … }; got true. Give a law, for example { "kind": "two-moons" }.",
      "problem file: energy.target.kind must be one of gaussian, gaussian-mixture, uniform-box, dirac, product, two-moons, pinwheel, eight-gaussians, checkerboard, swiss-roll, circles, spirals, csv; got "empirical". Choose one of them; samples come from { "kind": "csv", "file": … }.",
      "problem file: energy.order must be 1 or 2; got 3. Change the value.",
      "problem file: catalogue must be one of barenblatt, gaussian-flow, double-well, merging-bumps, porous-obstacle, keller-segel, huber-flow, uniform-target, four-modes, bimodal-target, singular-target, old-faithful-flow; got "two-moons". See meanfield list.",
      "problem file: overrides.exponent must be a finite number; got "two". Change the value.",
      "problem file: overrides.mean must be an array; got 1. Change the value.",
      "problem file: overrides.target must be one of circles, point; got "square". Choose one of them.",
    ]
  `);
});
