import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { proximalFlow } from "../problems/proximal-flow.js";
import { SolveError, UsageError } from "../src/error.js";
import type { Distribution, Divergence } from "../src/measure/index.js";
import type { Problem } from "../src/problem.js";
import type { Solution } from "../src/solution/index.js";
import { type SolveOptions, solve } from "../src/solve.js";
import type { SolveContext, Solver } from "../src/solver.js";
import { version } from "../src/version.js";

const law = (over: Partial<Distribution>): Distribution =>
  ({ name: "law", dimension: 1, singular: false, description: {}, ...over }) as Distribution;
const options = {
  source: law({ name: "source" }),
  target: law({ name: "target" }),
  divergence: { name: "KL", description: { kind: "kl" } } as unknown as Divergence,
  lipschitz: 1,
  kineticWeight: 0.5,
  horizon: 1,
};

function spy(converged = true): Solver & { calls: SolveContext[] } {
  const calls: SolveContext[] = [];
  return {
    name: "spy",
    family: "grid",
    order: null,
    references: [],
    options: {},
    calls,
    handles: (problem: Problem) => (problem.dimension <= 2 ? true : "d must be at most 2; use the particle solver."),
    solve: async (problem, context) => {
      calls.push(context);
      context.signal?.throwIfAborted();
      context.progress({ stage: "spy", iteration: 1, fraction: 1, residual: 0 });
      const text = converged ? "converged" : "stalled: residual 3e-4 after 60 iterations; raise maxIterations";
      return { family: "grid", problem, status: { converged, text } } as unknown as Solution;
    },
  };
}

describe("solve", () => {
  it("hands seed, device, clock and version to the solver and returns what it made", async () => {
    const solver = spy();
    const seen: string[] = [];
    const solution = await solve(proximalFlow(options), solver, {
      seed: 7,
      device: "cpu",
      onProgress: (p) => seen.push(p.stage),
    });
    expect(solution.status.converged).toBe(true);
    expect(solver.calls[0]).toMatchObject({ seed: 7, device: "cpu", signal: null, checkpoint: null, version });
    expect(solver.calls[0].elapsed()).toBeGreaterThanOrEqual(0);
    expect(seen).toEqual(["spy"]);
  });

  it("throws the advice and carries the solution when the solve stalls, or returns it on request", async () => {
    const problem = proximalFlow(options);
    const error = await solve(problem, spy(false)).catch((e) => e);
    expect(error).toBeInstanceOf(SolveError);
    expect(error.message).toMatchInlineSnapshot(
      `"spy on proximal-flow: stalled: residual 3e-4 after 60 iterations; raise maxIterations"`,
    );
    expect(error.partial.status.converged).toBe(false);
    const kept = await solve(problem, spy(false), { onFailure: "return" });
    expect(kept.status.converged).toBe(false);
  });

  it("reports an ill-posed problem before the solver is called", async () => {
    const solver = spy();
    const problem = proximalFlow({ ...options, target: law({ name: "circle", singular: true }), lipschitz: Infinity });
    await expect(solve(problem, solver)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[SolveError: solve: problem proximal-flow is ill-posed: lipschitz is Infinity and the target circle has no density: KL(ρ_T ‖ π) = +∞ for every ρ_T with a density; the critic is unbounded; set a finite lipschitz (the W₁ proximal) to make the problem well-posed.]`,
    );
    expect(solver.calls).toHaveLength(0);
  });

  it("refuses a problem the solver does not handle", async () => {
    const problem = proximalFlow({ ...options, source: law({ dimension: 3 }), target: law({ dimension: 3 }) });
    await expect(solve(problem, spy())).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: solve: solver must handle the problem proximal-flow; spy: d must be at most 2; use the particle solver.]`,
    );
  });

  it("rejects with the signal's reason when already aborted, before the solver is called", async () => {
    const solver = spy();
    await expect(
      solve(proximalFlow(options), solver, { signal: AbortSignal.abort(new Error("stopped by the user")) }),
    ).rejects.toThrow("stopped by the user");
    expect(solver.calls).toHaveLength(0);
  });

  it.each<[SolveOptions, string]>([
    [{ seed: 1.5 }, "solve: seed must be an integer from 0 to 4294967295; got 1.5. Use seed: 0 to start."],
    [{ seed: -1 }, "solve: seed must be an integer from 0 to 4294967295; got -1. Use seed: 0 to start."],
    [{ device: "gpu" as "cpu" }, 'solve: device must be "auto", "cpu" or "webgpu"; got "gpu". Use device: "auto".'],
    [
      { onFailure: "ignore" as "throw" },
      'solve: onFailure must be "throw" or "return"; got "ignore". Use onFailure: "return" to get the partial solution back.',
    ],
    [
      { checkpoint: { file: "" } },
      'solve: checkpoint.file must be a path; got "". Use checkpoint: { file: "run.ckpt" }.',
    ],
    [
      { checkpoint: { file: "a", every: 0 } },
      "solve: checkpoint.every must be an integer ≥ 1; got 0. Use every: 100 to start.",
    ],
  ])("refuses %o", async (bad, message) => {
    const solver = spy();
    const error = await solve(proximalFlow(options), solver, bad).catch((e) => e);
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toBe(message);
    expect(solver.calls).toHaveLength(0);
  });

  it("knows the package's version", () => {
    expect(version).toBe(JSON.parse(readFileSync("package.json", "utf8")).version);
  });
});

describe("proximalFlow", () => {
  it.each([
    [
      { kineticWeight: 0 },
      "proximalFlow: kineticWeight must be a finite number > 0; got 0. Use kineticWeight: 0.5 to start.",
    ],
    [{ horizon: NaN }, "proximalFlow: horizon must be a finite number > 0; got NaN. Use horizon: 1 to start."],
    [{ lipschitz: -1 }, "proximalFlow: lipschitz must be > 0 (Infinity for none); got -1. Use lipschitz: 1 to start."],
    [
      { target: law({ dimension: 2 }) },
      "proximalFlow: target must have the source's dimension 1; got 2. Give both laws in the same space.",
    ],
  ])("refuses %o", (bad, message) => {
    expect(() => proximalFlow({ ...options, ...bad })).toThrow(message);
  });

  it("answers whether the problem is well-posed", () => {
    const singular = law({ singular: true });
    const unknown = law({ singular: null });
    expect(proximalFlow(options).wellPosedness().wellPosed).toBe(true);
    expect(proximalFlow({ ...options, target: singular }).wellPosedness().wellPosed).toBe(true);
    expect(proximalFlow({ ...options, target: singular, lipschitz: Infinity }).wellPosedness().wellPosed).toBe(false);
    expect(proximalFlow({ ...options, target: unknown, lipschitz: Infinity }).wellPosedness().wellPosed).toBe(null);
    expect(proximalFlow({ ...options, lipschitz: Infinity }).wellPosedness().wellPosed).toBe(true);
  });
});
