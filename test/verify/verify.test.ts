// verify() itself: what it counts as a failure of the solver, and what it hands on.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gaussianShift, type ProximalFlow } from "../../problems/index.js";
import { SolveError } from "../../src/error.js";
import type { Solution } from "../../src/solution/index.js";
import type { Solver } from "../../src/solver.js";
import { type Law, verify } from "../../src/verify/index.js";

const problems = fc.integer({ min: 1, max: 100 }).map((k) => gaussianShift({ shift: k }));
const laws: readonly Law<Solution<ProximalFlow>>[] = [
  { name: "one", statement: "1", relation: "≤", bound: 2, measure: () => ({ value: 1, standardError: null }) },
];

/** A solver that does nothing but what `work` does. */
function solver(work: () => void, handles: true | string = true): Solver<ProximalFlow> {
  return {
    name: "nothing",
    family: "grid",
    order: null,
    references: [],
    options: {},
    handles: () => handles,
    solve: async (problem) => {
      work();
      return { problem, status: { converged: true, text: "" } } as unknown as Solution<ProximalFlow>;
    },
  };
}

describe("verify", () => {
  it("counts a solve that fails against the solver", async () => {
    const report = await verify(
      solver(() => {
        throw new SolveError("it fails");
      }),
      problems,
      { laws, runs: 3 },
    );
    expect(report.passed).toBe(false);
    expect(report.counterexample?.failure).toBe("it fails");
  });

  it("hands an abort on at once: no verdict, nothing shrunk", async () => {
    const stop = new AbortController();
    let solves = 0;
    const aborting = solver(() => {
      if (++solves === 2) stop.abort(new Error("stopped by hand"));
      stop.signal.throwIfAborted();
    });
    await expect(verify(aborting, problems, { laws, runs: 5, signal: stop.signal })).rejects.toThrow("stopped by hand");
    expect(solves).toBe(2);
  });

  it("hands bad usage on: a problem the solver does not take is no failed law", async () => {
    await expect(
      verify(
        solver(() => {}, "no, use another."),
        problems,
        { laws },
      ),
    ).rejects.toThrow("solve: solver must handle the problem gaussian-shift; nothing: no, use another.");
    await expect(
      verify(
        solver(() => {}),
        problems,
        { laws, path: "foo" },
      ),
    ).rejects.toThrow('verify: path must be numbers joined by colons; got "foo". Give the path of an earlier report.');
  });
});
