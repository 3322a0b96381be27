// Oracles: where f does not depend on the crowd the linearisation is block-triangular, and exact sweeps are its inverse.
import { describe, expect, test } from "vitest";
import {
  couplingLocal,
  hamiltonianQuadratic,
  type MeanFieldGameOptions,
  meanFieldGame,
} from "../../../../problems/index.js";
import { type GameScheme, gameScheme } from "../../../../solvers/grid/game/game-scheme.js";
import { newton } from "../../../../solvers/grid/game/newton.js";
import { sweepPreconditioner } from "../../../../solvers/grid/index.js";
import { type DomainOptions, domain } from "../../../../src/grid/index.js";
import { arraySpace, gmres } from "../../../../src/linalg/index.js";
import type { SolveContext } from "../../../../src/solver.js";
import { length, messageOf, noise } from "../../../linalg/dense.js";

interface Setting extends Partial<DomainOptions> {
  readonly d?: number;
  readonly points: number;
  readonly steps: number;
  readonly nu: number;
  readonly cost: string;
  readonly time?: "implicit-euler" | "midpoint";
  readonly more?: Partial<MeanFieldGameOptions>;
}

function made({ d = 2, points, steps, nu, cost, time, more, ...rest }: Setting): GameScheme {
  const problem = meanFieldGame({
    domain: domain({ lower: Array(d).fill(0), upper: Array(d).fill(1), ...rest }),
    populations: { viscosity: nu, hamiltonian: hamiltonianQuadratic({ dimension: d }), initial: 1 },
    coupling: couplingLocal({ dimension: d, cost }),
    ...more,
  });
  return gameScheme(problem, { points, steps, scheme: "upwind", time });
}

const context: SolveContext = {
  seed: 1,
  device: "cpu",
  signal: null,
  checkpoint: null,
  progress: () => {},
  elapsed: () => 0,
  version: "test",
};

/** A state with drift and a crowd that is nowhere 0. */
function stateOf(s: GameScheme, seed: number): Float64Array {
  const { size } = s.cells.grid;
  const d = s.cells.grid.dimension;
  const x = noise(s.length, seed);
  for (let i = 0; i < x.length; i++) {
    const cell = i % size;
    const wave = Math.sin(4 * s.cells.points[cell * d] + i / size);
    x[i] = s.cells.open[cell] * (i < x.length / 2 ? 0.5 * wave + 0.01 * x[i] : 1.2 + 0.3 * wave);
  }
  return x;
}

const gate: Partial<DomainOptions> = {
  ends: "no-flux",
  doors: [{ axis: 0, side: "upper", from: [0.3], to: [0.7] }],
  obstacle: (x) => Math.hypot(x[0] - 0.6, x[1] - 0.5) < 0.15,
};

describe("sweepPreconditioner", () => {
  test("is the inverse of F′ when costs do not depend on the crowd: elimination on a line, many cycles elsewhere", async () => {
    for (const [setting, cycles, tolerance] of [
      [{ d: 1, points: 20, steps: 6, nu: 0.05, cost: "sin(x)" }, 1, 1e-11],
      [{ d: 1, points: 20, steps: 6, nu: 0.05, cost: "sin(x)", time: "midpoint", ends: "no-flux" }, 1, 1e-11],
      [{ points: 11, steps: 4, nu: 0.05, cost: "sin(x)", ends: ["no-flux", "periodic"] }, 25, 1e-9],
      [{ points: 12, steps: 4, nu: 0.1, cost: "sin(x)", ends: "no-flux", obstacle: gate.obstacle }, 25, 1e-9],
    ] as const) {
      const s = made(setting);
      const linear = s.linearise(stateOf(s, 1));
      const plan = sweepPreconditioner(s, { cycles });
      plan.update(linear);
      const { size } = s.cells.grid;
      const v = noise(s.length, 2).map((w, i) => (s.cells.open[i % size] === 1 ? w : 0));
      const [image, back] = [v.slice(), v.slice()];
      linear.apply(v, image);
      await plan.apply(image, back);
      expect(back).toAgree(v, { rtol: 0, atol: tolerance });
      // and it takes new coefficients over
      const other = s.linearise(stateOf(s, 5));
      plan.update(other);
      other.apply(v, image);
      await plan.apply(image, back);
      expect(back).toAgree(v, { rtol: 0, atol: tolerance });
    }
  });

  test("doors and obstacle, small viscosity: a few GMRES steps, on coarse and fine grids alike", async () => {
    const counts: number[] = [];
    for (const points of [16, 32]) {
      const s = made({ points, steps: points, nu: 0.02, cost: "1 + m", ...gate });
      const linear = s.linearise(stateOf(s, 1));
      const plan = sweepPreconditioner(s);
      plan.update(linear);
      const rhs = new Float64Array(s.length);
      s.residual(stateOf(s, 1), rhs);
      const { status, iterations, solution } = await gmres({
        space: arraySpace(s.length),
        apply: linear.apply,
        rhs,
        preconditioner: plan.apply,
        tolerance: 1e-6,
        restart: 60,
      });
      expect(status.converged).toBe(true);
      const image = rhs.slice();
      linear.apply(solution, image);
      expect(length(image.map((v, i) => v - rhs[i]))).toBeLessThanOrEqual(1.01e-6 * length(rhs));
      counts.push(iterations);
    }
    expect(Math.max(...counts), `${counts}`).toBeLessThanOrEqual(30);
    expect(counts[1], `${counts}`).toBeLessThanOrEqual(1.5 * counts[0]);
  });

  test("newton takes it by itself at doors and obstacles, and on a torus both preconditioners lead to the same game", async () => {
    const solved = (s: GameScheme, points: number, preconditioner: "auto" | "transform" | "sweeps") =>
      newton({ points, steps: points, preconditioner, tolerance: 1e-9 }).solve(s.problem, context);
    const gated = made({ points: 16, steps: 16, nu: 0.1, cost: "1 + m", ...gate });
    const { status, counts } = await solved(gated, 16, "auto");
    expect(status.converged).toBe(true);
    expect(counts.linearSteps / counts.newtonSteps).toBeLessThanOrEqual(10);
    const torus = made({ points: 12, steps: 12, nu: 0.2, cost: "m^2 + sin(2*pi*x)" });
    const [a, b] = [await solved(torus, 12, "transform"), await solved(torus, 12, "sweeps")];
    expect(a.status.converged && b.status.converged).toBe(true);
    for (const n of [0, 6, 12]) {
      expect(b.fields.value[0][n]).toAgree(a.fields.value[0][n], { rtol: 0, atol: 1e-8 });
      expect(b.fields.density[0][n]).toAgree(a.fields.density[0][n], { rtol: 0, atol: 1e-8 });
    }
    expect(await messageOf(() => newton({ preconditioner: "ilu" as "auto" }))).toBe(
      'newton: preconditioner must be "auto", "transform" or "sweeps"; got "ilu". Use preconditioner: "auto".',
    );
  });

  test("what does not fit is refused", async () => {
    const s = made({ d: 1, points: 8, steps: 2, nu: 1, cost: "m" });
    expect(await messageOf(() => sweepPreconditioner(s, { cycles: 0 }))).toBe(
      "sweepPreconditioner: cycles must be an integer ≥ 1; got 0. Use cycles: 1.",
    );
    const planning = meanFieldGame({
      domain: domain({ lower: [0], upper: [1] }),
      mode: "planning",
      populations: { viscosity: 1, hamiltonian: hamiltonianQuadratic({ dimension: 1 }), initial: 1, final: 1 },
      coupling: couplingLocal({ dimension: 1, cost: "m" }),
    });
    const plan = gameScheme(planning, { points: 8, steps: 2, scheme: "upwind" });
    expect(await messageOf(() => sweepPreconditioner(plan))).toBe(
      'sweepPreconditioner: problem must have its values given at T, as planning games do not; got "planning". Use preconditioner: "transform".',
    );
    const v = new Float64Array(s.length);
    expect(await messageOf(() => sweepPreconditioner(s).apply(v, v.slice()))).toBe(
      "sweepPreconditioner: update must come before apply; got no linearisation. Call update with one first.",
    );
  });
});
