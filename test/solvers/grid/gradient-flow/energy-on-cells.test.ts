// Energies on cells: ξ is the gradient of the sum, convolution against the double sum, W(0) of a logarithm against its closed form.
import { describe, expect, test } from "vitest";
import { divergenceTo, energy, entropy, lipschitzDivergence, power } from "../../../../problems/index.js";
import { energyOnCells, internalOf } from "../../../../solvers/grid/gradient-flow/index.js";
import { cells, domain } from "../../../../src/grid/index.js";
import { alphaDivergence, gaussian, kullbackLeibler } from "../../../../src/measure/index.js";
import { generator } from "../../../../src/random/index.js";

const square = cells(domain({ lower: [-1, -1], upper: [1, 1], ends: ["no-flux", "periodic"] }), [6, 5]);
const density = generator(1)
  .uniform(square.grid.size)
  .map((v) => 0.2 + v);
const target = gaussian({ mean: [0.2, 0.1], sd: 0.8 });

describe("ξ is the gradient of E", () => {
  test.each([
    ["entropy", energy({ dimension: 2, internal: entropy(0.7), potential: "x^2 + cos(pi*y)" })],
    ["fast diffusion", energy({ dimension: 2, internal: power(0.5), interaction: "exp(-x^2)*cos(pi*y)" })],
    ["power", energy({ dimension: 2, internal: power(2), interaction: "log(x^2 + sin(pi*y/2)^2)" })],
    ["KL", energy({ dimension: 2, internal: divergenceTo(kullbackLeibler(), target, 2) })],
    ["α = 3", energy({ dimension: 2, internal: divergenceTo(alphaDivergence(3), target, 2), potential: "x*2" })],
    ["L = ∞", lipschitzDivergence({ dimension: 2, divergence: alphaDivergence(2), lipschitz: Infinity, target })],
  ] as const)("%s", (_name, e) => {
    const on = energyOnCells(e, square);
    const xi = new Float64Array(square.grid.size);
    on.variation(density, xi);
    const second = new Float64Array(square.grid.size);
    on.curvature(density, second);
    const eps = 1e-5;
    for (const k of [0, 7, 29]) {
      const moved = (by: number) => density.map((v, i) => (i === k ? v + by : v));
      const slope = (on.value(moved(eps)) - on.value(moved(-eps))) / (2 * eps * square.grid.cellVolume);
      expect(xi[k]).toAgree(slope, { rtol: 1e-7, atol: 1e-8 });
      const [above, below] = [new Float64Array(30), new Float64Array(30)];
      on.local(moved(eps), above);
      on.local(moved(-eps), below);
      expect(second[k]).toAgree((above[k] - below[k]) / (2 * eps), { rtol: 1e-6, atol: 1e-8 });
    }
    const other = density.map((v, k) => v + 0.1 * Math.sin(k));
    expect(on.bregman(other, density)).toBeGreaterThan(0);
    expect(on.bregman(density, density)).toBe(0);
  });
});

test("the interaction is the double sum, periodic axes at the nearest image", () => {
  const on = energyOnCells(energy({ dimension: 2, interaction: "exp(-x^2) + cos(pi*y)" }), square);
  const out = new Float64Array(square.grid.size);
  on.interaction?.(density, out);
  const x = square.points;
  out.forEach((v, k) => {
    let sum = 0;
    density.forEach((m, j) => {
      sum += m * (Math.exp(-((x[2 * k] - x[2 * j]) ** 2)) + Math.cos(Math.PI * (x[2 * k + 1] - x[2 * j + 1])));
    });
    expect(v).toAgree(sum * square.grid.cellVolume, { rtol: 1e-12 });
  });
});

test("log |x| at 0 is its mean over the cell", () => {
  const h = 0.25;
  const plane = cells(domain({ lower: [-1, -1], upper: [1, 1], ends: ["no-flux", "no-flux"] }), 8);
  const on = energyOnCells(energy({ dimension: 2, interaction: "log(x^2 + y^2)/2" }), plane);
  const one = new Float64Array(64);
  one[27] = 1 / plane.grid.cellVolume;
  const out = new Float64Array(64);
  on.interaction?.(one, out);
  expect(out[27]).toAgree(Math.log(h) - 1.5 + Math.PI / 4 - Math.log(2) / 2, { rtol: 0, atol: 1e-5 });
  expect(out[28]).toAgree(Math.log(h), { rtol: 1e-12 });
});

test.each([0.5, 0.95, 0.99])(
  "|x|^{−%d} at 0 is its mean over the cell, near the limit of what is integrable too",
  (a) => {
    const h = 0.25;
    const line = cells(domain({ lower: [-1], upper: [1], ends: "no-flux" }), 8);
    const out = new Float64Array(8);
    const one = Float64Array.from(out, (_, k) => (k === 3 ? 1 / h : 0));
    energyOnCells(energy({ dimension: 1, interaction: `abs(x)^(-${a})` }), line).interaction?.(one, out);
    expect(out[3]).toAgree((h / 2) ** -a / (1 - a), { rtol: 0.015 });
  },
);

describe("messages", () => {
  const message = (f: () => unknown): string => {
    try {
      f();
    } catch (e) {
      return (e as Error).message;
    }
    return "none";
  };
  const line = cells(domain({ lower: [-1], upper: [1], ends: "no-flux" }), 4);
  test("what cannot be put on cells", () => {
    expect(
      message(() => energyOnCells(energy({ dimension: 1, potential: "1/(x + 0.75)" }), line)),
    ).toMatchInlineSnapshot(
      `"energyOnCells: the potential at x = (-0.75) must be finite; got Infinity. Shrink the box."`,
    );
    expect(
      message(() => energyOnCells(energy({ dimension: 1, interaction: "1/abs(x^2 - 0.25)" }), line)),
    ).toMatchInlineSnapshot(
      `"energyOnCells: the interaction at displacement (0.5) must be finite, or integrable at 0; got Infinity. Smooth it, for example log(x^2 + y^2 + 1e-4)."`,
    );
    expect(
      ["1/abs(x)", "-1/x^2"].map((interaction) =>
        message(() => energyOnCells(energy({ dimension: 1, interaction }), line)),
      ),
    ).toMatchInlineSnapshot(`
      [
        "energyOnCells: the interaction at displacement (0) must be finite, or integrable at 0; got Infinity. Smooth it, for example log(x^2 + y^2 + 1e-4).",
        "energyOnCells: the interaction at displacement (0) must be finite, or integrable at 0; got Infinity. Smooth it, for example log(x^2 + y^2 + 1e-4).",
      ]
    `);
    expect(
      message(() =>
        energyOnCells(
          energy({
            dimension: 1,
            internal: divergenceTo(kullbackLeibler(), (x) => Math.max(0, x[0]), 1),
          }),
          line,
        ),
      ),
    ).toMatchInlineSnapshot(
      `"energyOnCells: the target density at x = (-0.75) must be finite and > 0; got 0. Shrink the box to where the target has mass, or use lipschitzDivergence()."`,
    );
  });
  test("a finite L has no internal part", () => {
    expect(
      internalOf(lipschitzDivergence({ dimension: 2, divergence: kullbackLeibler(), lipschitz: 1, target })),
    ).toBeNull();
  });
});
