// Energies: slopes and curvatures against differences, conjugates by Fenchel's equality, refusals.
import { describe, expect, test } from "vitest";
import {
  divergenceTo,
  energy,
  entropy,
  gradientFlow,
  type InternalEnergy,
  lipschitzDivergence,
  power,
  transportTo,
} from "../../../problems/index.js";
import { domain } from "../../../src/grid/index.js";
import {
  alphaDivergence,
  type Divergence,
  dirac,
  gaussian,
  jensenShannon,
  kullbackLeibler,
  plainTransport,
  reverseKullbackLeibler,
} from "../../../src/measure/index.js";

const normal = gaussian({ mean: [0] });
const families: readonly [string, InternalEnergy][] = [
  ["entropy", entropy(0.7)],
  ["porous medium", power(3, 0.5)],
  ["fast diffusion", power(0.5)],
  ["KL", divergenceTo(kullbackLeibler(), normal, 1)],
  ["α = 2", divergenceTo(alphaDivergence(2), normal, 1)],
  ["α = ½", divergenceTo(alphaDivergence(0.5), normal, 1)],
  ["reverse KL", divergenceTo(reverseKullbackLeibler(), normal, 1)],
  ["Jensen–Shannon", divergenceTo(jensenShannon(), normal, 1)],
];

describe.each(families)("%s", (_, e) => {
  const h = 1e-5;
  test.each([0.2, 1, 3])("slope, curvature and their inverses at r = %f", (r) => {
    expect(e.slope(r)).toBeCloseTo((e.value(r + h) - e.value(r - h)) / (2 * h), 6);
    expect(e.curvature(r)).toBeCloseTo((e.slope(r + h) - e.slope(r - h)) / (2 * h), 5);
    expect(e.inverseSlope(e.slope(r))).toBeCloseTo(r, 10);
    // Fenchel: e(r) + e*(e′(r)) = r e′(r)
    expect(e.value(r) + e.conjugate(e.slope(r))).toBeCloseTo(r * e.slope(r), 10);
  });
});

test("f″(0) of divergences: α = 2 is 1, α > 2 is 0, α < 2 and the others ∞", () => {
  const at0 = (f: Parameters<typeof divergenceTo>[0]) => divergenceTo(f, normal, 1).curvature(0);
  expect([at0(alphaDivergence(2)), at0(alphaDivergence(3))]).toEqual([1, 0]);
  for (const f of [alphaDivergence(1.5), kullbackLeibler(), reverseKullbackLeibler(), jensenShannon()])
    expect(at0(f)).toBe(Infinity);
  // f′ of Jensen–Shannon is log 2 to round-off there
  expect(divergenceTo(jensenShannon(), normal, 1).curvature(1e9)).toAgree(1e-18, { rtol: 1e-8 });
});

test("porous medium pressure: r e′ − e = c r^m", () => {
  const e = power(2.5, 0.3);
  expect(1.7 * e.slope(1.7) - e.value(1.7)).toBeCloseTo(0.3 * 1.7 ** 2.5, 12);
});

test("a flow answers whether it is well-posed before any work", () => {
  const line = domain({ lower: [-4], upper: [4], ends: "no-flux" });
  const to = (lipschitz: number) =>
    gradientFlow({
      domain: line,
      initial: normal,
      energy: lipschitzDivergence({ dimension: 1, divergence: kullbackLeibler(), lipschitz, target: dirac([1]) }),
    }).wellPosedness().wellPosed;
  expect(to(1)).toBe(true);
  expect(to(Infinity)).toBe(false);
});

test("what is known about uniqueness", () => {
  const line = domain({ lower: [-4], upper: [4], ends: "no-flux" });
  const says = (e: Parameters<typeof gradientFlow>[0]["energy"]) =>
    gradientFlow({ domain: line, initial: normal, energy: e }).wellPosedness();
  const of = (options: object) => says(energy({ dimension: 1, ...options }));
  expect([
    of({ internal: power(2), convexity: 0 }),
    of({ internal: power(2), convexity: 2 }),
    of({ internal: power(2), potential: "-x^2", convexity: -2 }),
    of({ internal: power(2), potential: "-x^2" }),
    of({ potential: "-abs(x)" }),
    of({ internal: power(2), interaction: "-abs(x)" }),
    says(transportTo({ dimension: 1, order: 1, target: normal })),
    says(transportTo({ dimension: 1, order: 2, target: normal })),
  ]).toMatchInlineSnapshot(`
    [
      {
        "reasons": [
          "E is 0-convex along geodesics: two flows do not part",
        ],
        "wellPosed": true,
      },
      {
        "reasons": [
          "E is 2-convex along geodesics: two flows come together like e^{−2 t}",
        ],
        "wellPosed": true,
      },
      {
        "reasons": [
          "E is -2-convex along geodesics: two flows part no faster than e^{2 t}",
        ],
        "wellPosed": true,
      },
      {
        "reasons": [
          "internal and potential energy: one flow from every start",
        ],
        "wellPosed": true,
      },
      {
        "reasons": [
          "a potential without internal energy: mass may concentrate, and parts at maxima of V unless ∇V is Lipschitz",
        ],
        "wellPosed": null,
      },
      {
        "reasons": [
          "an interaction may concentrate the mass in finite time: watch the largest density",
        ],
        "wellPosed": null,
      },
      {
        "reasons": [
          "W₁: mass moves at speed 1 along rays to the target, which need not be unique",
        ],
        "wellPosed": null,
      },
      {
        "reasons": [
          "½W₂²: the flow is the geodesic to the target, run down like e^{−t}",
        ],
        "wellPosed": true,
      },
    ]
  `);
});

test("bad energies are refused in one sentence", () => {
  const message = (f: () => unknown): string => {
    try {
      f();
    } catch (error) {
      return (error as Error).message;
    }
    return "nothing";
  };
  const box = domain({ lower: [0], upper: [1], ends: "door" });
  expect([
    message(() => entropy(0)),
    message(() => power(1)),
    message(() => power(2, -1)),
    message(() => divergenceTo(kullbackLeibler(), dirac([0]), 1)),
    message(() => divergenceTo(plainTransport(), normal, 1)),
    message(() => energy({ dimension: 0 })),
    message(() => energy({ dimension: 1 })),
    message(() => energy({ dimension: 1, internal: power(2), cap: 0 })),
    message(() => energy({ dimension: 1, internal: power(2), cap: "1" as unknown as number })),
    message(() => energy({ dimension: 1, internal: 2 as unknown as InternalEnergy })),
    message(() => energy({ dimension: 1, interaction: "x^3" })),
    message(() => energy({ dimension: 1, internal: power(2), convexity: Number.NaN })),
    message(() => energy({ dimension: 1, potential: "x*t" })),
    message(() => energy({ dimension: 1, interaction: "x^2*t" })),
    message(() => divergenceTo(kullbackLeibler(), "1 + t", 1)),
    message(() => transportTo({ dimension: 1, order: 2, target: "1 + t" })),
    message(() => lipschitzDivergence({ dimension: 1, divergence: kullbackLeibler(), lipschitz: 0, target: normal })),
    message(() => lipschitzDivergence({ dimension: 1, divergence: plainTransport(), lipschitz: 1, target: normal })),
    message(() =>
      lipschitzDivergence({ dimension: 1, divergence: "KL" as unknown as Divergence, lipschitz: 1, target: normal }),
    ),
    message(() => transportTo({ dimension: 1, order: 3 as 1, target: normal })),
    message(() => gradientFlow({ domain: box, energy: energy({ dimension: 1, internal: power(2) }), initial: normal })),
    message(() => gradientFlow({ domain: box, energy: energy({ dimension: 2, internal: power(2) }), initial: normal })),
  ]).toMatchInlineSnapshot(`
    [
      "entropy: weight must be finite and > 0; got 0. Use entropy(1).",
      "power: exponent must be finite, > 0 and not 1; got 1. Use entropy() for m = 1, exponent: 2 for a porous medium.",
      "power: weight must be finite and > 0; got -1. Use weight: 1.",
      "divergenceTo: target must have a density; got "dirac". Use the Lipschitz-regularised divergence, which is finite for singular targets.",
      "divergenceTo: divergence must be finite; got "plain transport". Use transportTo() for plain transport.",
      "energy: dimension must be an integer ≥ 1; got 0. Use dimension: 1 to start.",
      "energy: an energy must have a part; got "none". Give internal: entropy(), a potential or an interaction.",
      "energy: cap must be > 0; got 0. Leave it out for no cap.",
      "energy: cap must be > 0; got "1". Leave it out for no cap.",
      "energy: internal must be an internal energy; got 2. Use entropy(), power(2) or divergenceTo(…).",
      "energy: interaction must be even: W(x) = W(−x); got [0.5958232365909556,-0.5958232365909556]. Use a function of x², or |x|.",
      "energy: convexity must be finite, or null where it is not known; got NaN. Leave it out.",
      "energy: potential must not depend on t; got "x * t". Write it without t.",
      "energy: interaction must not depend on t; got "x^2 * t". Write it without t.",
      "divergenceTo: target must not depend on t; got "1 + t". Write it without t.",
      "transportTo: target must not depend on t; got "1 + t". Write it without t.",
      "lipschitzDivergence: lipschitz must be > 0 (Infinity for none); got 0. Use lipschitz: 1 to start.",
      "lipschitzDivergence: divergence must be an f-divergence that is finite near its target; got "plain transport". Use transportTo() for plain transport.",
      "lipschitzDivergence: divergence must be an f-divergence; got "KL". Use kullbackLeibler() to start.",
      "transportTo: order must be 1 or 2; got 3. Use order: 2.",
      "gradientFlow: domain must have no doors; got "2 doors". A gradient flow keeps its mass: close them, or solve a Fokker–Planck problem.",
      "gradientFlow: energy must live in the domain's dimension 1; got 2. Give every term in the same dimension.",
    ]
  `);
});

test("laws outside the box are refused, tails are not", () => {
  const line = domain({ lower: [-4], upper: [4], ends: "no-flux" });
  const flow = (start: number, target: number) =>
    gradientFlow({
      domain: line,
      initial: gaussian({ mean: [start], sd: 0.5 }),
      energy: lipschitzDivergence({
        dimension: 1,
        divergence: kullbackLeibler(),
        lipschitz: 1,
        target: gaussian({ mean: [target], sd: 0.5 }),
      }),
    });
  expect(flow(0, 3).energy.divergence?.lipschitz).toBe(1);
  expect(() => flow(0, 10)).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: gradientFlow: target must have at most 0.1 of its mass outside the domain; got 1. Enlarge the box, or move the law.]`,
  );
  expect(() => flow(-5, 0)).toThrow("gradientFlow: initial must have at most 0.1 of its mass outside the domain");
});
