// What every family of problems asks of its options: a domain, and potentials and drifts that close over periodic axes.
import { describe, expect, test } from "vitest";
import { energy, entropy, fokkerPlanckProblem, gradientFlow, meanFieldGame } from "../../problems/index.js";
import { domain } from "../../src/grid/index.js";

type V = string | ((x: Float64Array) => number);

const message = (make: () => unknown): string => {
  try {
    make();
  } catch (e) {
    return (e as Error).message;
  }
  return "none";
};
const box = (d: number, ends?: "no-flux") =>
  domain({ lower: Array(d).fill(-1), upper: Array(d).fill(2), ...(ends === undefined ? {} : { ends }) });
const flow = (d: number, potential: V, ends?: "no-flux") => () =>
  gradientFlow({
    domain: box(d, ends),
    energy: energy({ dimension: d, internal: entropy(), potential }),
    initial: 1,
  });
const diffusion = (terms: { potential: V } | { drift: V[] }) => () =>
  fokkerPlanckProblem({ domain: box(1), diffusion: 1, initial: 1, ...terms });

test("a domain or an energy that plain JavaScript left out is asked for", () => {
  const line = domain({ lower: [0], upper: [1], ends: "no-flux" });
  expect([
    message(() => gradientFlow({ energy: energy({ dimension: 1, internal: entropy() }), initial: 1 } as never)),
    message(() => gradientFlow({ domain: line, initial: 1 } as never)),
    message(() => fokkerPlanckProblem({ diffusion: 1, initial: 1 } as never)),
    message(() => meanFieldGame({ domain: { lower: [0] } } as never)),
  ]).toMatchInlineSnapshot(`
    [
      "gradientFlow: domain must be a box made by domain(); got undefined. Use domain({ lower: [0], upper: [1] }) to start.",
      "gradientFlow: energy must be an energy made by energy(), lipschitzDivergence() or transportTo(); got undefined. Use energy: energy({ dimension: 1, internal: entropy() }) to start.",
      "fokkerPlanckProblem: domain must be a box made by domain(); got undefined. Use domain({ lower: [0], upper: [1] }) to start.",
      "meanFieldGame: domain must be a box made by domain(); got {"lower":[0]}. Use domain({ lower: [0], upper: [1] }) to start.",
    ]
  `);
});

describe("on periodic axes", () => {
  test("a field that does not close is refused in words", () => {
    expect([
      message(flow(1, "x")),
      message(flow(1, "(x - 0.5)^2")),
      message(flow(2, "cos(2*pi*x/3) + y")),
      message(flow(1, (x) => x[0] ** 3)),
      message(diffusion({ potential: "x^2" })),
      message(diffusion({ drift: ["-x"] })),
    ]).toMatchInlineSnapshot(`
      [
        "gradientFlow: the potential must be periodic along axis 0, with the same values at its ends, which are one point; got "x". Use ends: "no-flux", or a periodic formula.",
        "gradientFlow: the potential must be periodic along axis 0, with the same slopes at its ends, which are one point; got "(x - 0.5)^2". Use ends: "no-flux", or a periodic formula.",
        "gradientFlow: the potential must be periodic along axis 1, with the same values at its ends, which are one point; got "cos(2 * pi * x / 3) + y". Use ends: "no-flux", or a periodic formula.",
        "gradientFlow: the potential must be periodic along axis 0, with the same values at its ends, which are one point; got "given by a function". Use ends: "no-flux", or a periodic formula.",
        "fokkerPlanckProblem: potential must be periodic along axis 0, with the same values at its ends, which are one point; got "x^2". Use ends: "no-flux", or a periodic formula.",
        "fokkerPlanckProblem: drift[0] must be periodic along axis 0, with the same values at its ends, which are one point; got "-x". Use ends: "no-flux", or a periodic formula.",
      ]
    `);
  });

  test("periodic and short ones are taken, with walls any", () => {
    for (const V of ["cos(2*pi*x/3)", "sin(2*pi*x/3)^5", "5", "-exp(-20*(x - 0.5)^2)", "exp(sin(2*pi*x/3))"]) {
      expect(message(flow(1, V))).toBe("none");
      expect(message(flow(2, `${V} + cos(4*pi*y/3)`))).toBe("none");
      expect(message(diffusion({ potential: V }))).toBe("none");
    }
    expect(message(diffusion({ drift: ["2"] }))).toBe("none");
    expect(message(flow(1, "x", "no-flux"))).toBe("none");
    // A drift may have a kink: it stays bounded.
    expect(message(diffusion({ drift: ["abs(x - 0.5)"] }))).toBe("none");
  });
});
