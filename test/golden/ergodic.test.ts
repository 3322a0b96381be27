// P1: −νΔu + κ|∇u|² + V + λ̄ = m² on the torus, V = sin 2πx + sin 2πy + cos 4πx. λ̄ to 12 digits by an independent spectral code; the errors of
// the monotone scheme by an independent sparse-direct code with nodes at multiples of h, hence domains that begin at −h/2.
import { describe, expect, it } from "vitest";
import { ergodicTorusConstants, meanFieldGame } from "../../problems/index.js";
import { couplingLocal, hamiltonianQuadratic } from "../../problems/terms/index.js";
import { type ErgodicScheme, ergodic } from "../../solvers/grid/game/ergodic.js";
import { groundState } from "../../solvers/grid/game/ground-state.js";
import { domain } from "../../src/grid/index.js";
import { solve } from "../../src/solve.js";

function torusGame(n: number, viscosity: number, weight: number) {
  const h = 1 / n;
  return meanFieldGame({
    mode: "ergodic",
    domain: domain({ lower: [-h / 2, -h / 2], upper: [1 - h / 2, 1 - h / 2] }),
    populations: { viscosity, hamiltonian: hamiltonianQuadratic({ dimension: 2, weight }) },
    coupling: couplingLocal({ dimension: 2, cost: "m^2 - sin(2*pi*x) - sin(2*pi*y) - cos(4*pi*x)" }),
  });
}

describe("ground state on P1", () => {
  const leastDensity = { "1": 0.8998301, "0.1": 0.05062634 };

  for (const { viscosity, weight, ergodicConstant } of ergodicTorusConstants) {
    it(`λ̄ at ν = ${viscosity}, κ = ${weight}`, async () => {
      const s = await solve(torusGame(64, viscosity, weight), groundState());
      expect(s.fields.ergodicConstant).toAgree([ergodicConstant], { atol: 2e-12 });
      expect(s.counts.newtonIterations).toBeLessThanOrEqual(8);
      if (weight !== 1) return;
      // (¾, ¾) is a node and by symmetry the place of the minimum
      const reference = leastDensity[String(viscosity) as keyof typeof leastDensity];
      expect(Math.min(...s.density(0).values)).toAgree(reference, { rtol: 1e-7 });
    });
  }

  it("ν → 0⁺: λ̄ rises to the constant of m = √((λ̄ + V)₊)", async () => {
    // ∫√((λ̄ + V)₊) = 1 by bisection
    const n = 384;
    const V = (i: number, j: number) =>
      Math.sin((2 * Math.PI * i) / n) + Math.sin((2 * Math.PI * j) / n) + Math.cos((4 * Math.PI * i) / n);
    const massOf = (lambda: number): { mass: number; empty: number } => {
      let mass = 0;
      let empty = 0;
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) {
          const s = lambda + V(i, j);
          if (s > 0) mass += Math.sqrt(s) / n ** 2;
          else empty += 1 / n ** 2;
        }
      return { mass, empty };
    };
    let [low, high] = [0, 3];
    while (high - low > 1e-9) {
      const middle = 0.5 * (low + high);
      if (massOf(middle).mass > 1) high = middle;
      else low = middle;
    }
    expect(low).toAgree(1.1926293, { atol: 1e-5 });
    expect(massOf(low).empty).toAgree(0.1688, { atol: 1e-3 });
    const gaps: number[] = [];
    for (const viscosity of [0.1, 0.05, 0.02]) {
      const s = await solve(torusGame(64, viscosity, 1), groundState({ points: 64 }));
      gaps.push(1.1926293 - (s.fields.ergodicConstant as readonly number[])[0]);
    }
    for (let i = 1; i < gaps.length; i++) expect(gaps[i]).toBeLessThan(gaps[i - 1]);
    expect(gaps[0]).toAgree(0.0853358, { atol: 1e-6 });
    expect(gaps[2]).toBeGreaterThan(0);
    expect(gaps[2]).toBeLessThan(9e-3);
  });
});

describe("schemes on P1 at ν = 0.1, κ = 1", async () => {
  const exact = await solve(torusGame(128, 0.1, 1), groundState({ points: 128 }));
  const lambda = (exact.fields.ergodicConstant as readonly number[])[0];
  const reference = exact.density(0).values;

  /** Error of λ̄ and largest error of m at the nodes, with the counts. */
  async function errors(n: number, scheme: ErgodicScheme) {
    const s = await solve(torusGame(n, 0.1, 1), ergodic({ points: n, scheme }));
    const m = s.density(0).values;
    const step = 128 / n;
    let sup = 0;
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) sup = Math.max(sup, Math.abs(m[i * n + j] - reference[i * step * 128 + j * step]));
    return { lambda: (s.fields.ergodicConstant as readonly number[])[0] - lambda, sup, counts: s.counts };
  }

  it("monotone: the published table to 2 digits, in at most 8 Newton steps", async () => {
    const table = [];
    for (const n of [16, 32, 64, 128]) table.push(await errors(n, "upwind"));
    const shown = (x: number) => Number(Math.abs(x).toPrecision(3));
    expect(table.map((e) => shown(e.lambda))).toEqual([1.98e-2, 1.11e-2, 5.86e-3, 3.01e-3]);
    expect(table.map((e) => shown(e.sup))).toEqual([6.93e-2, 3.94e-2, 2.12e-2, 1.1e-2]);
    for (const { counts } of table) {
      expect(counts.newtonIterations).toBeLessThanOrEqual(8);
      expect(counts.linearIterations).toBeLessThanOrEqual(64);
    }
  });

  it("central: order 2, 2.07e-5 at 128², 1e-7 when extrapolated", async () => {
    const [a, b] = [await errors(64, "central"), await errors(128, "central")];
    expect(Math.log2(a.lambda / b.lambda)).toBeGreaterThan(1.95);
    expect(Math.log2(a.lambda / b.lambda)).toBeLessThan(2.05);
    expect(Math.abs(b.lambda)).toBeLessThan(2.1e-5);
    expect(Math.abs((4 * b.lambda - a.lambda) / 3)).toBeLessThan(1e-7);
    expect(b.sup).toBeLessThan(2.8e-4);
  });

  it("fourth-order: order 4, below 1e-5 from 64² on", async () => {
    const [a, b, c] = [
      await errors(32, "fourth-order"),
      await errors(64, "fourth-order"),
      await errors(128, "fourth-order"),
    ];
    expect(Math.log2(a.lambda / b.lambda)).toBeGreaterThan(3.8);
    expect(Math.log2(b.lambda / c.lambda)).toBeGreaterThan(3.9);
    expect(Math.abs(b.lambda)).toBeLessThan(2e-6);
    expect(Math.abs(c.lambda)).toBeLessThan(1.3e-7);
    expect(c.sup).toBeLessThan(1.7e-6);
  });
});
