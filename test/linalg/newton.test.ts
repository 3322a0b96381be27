import { describe, expect, test } from "vitest";
import { axis, grid, laplacian } from "../../src/grid/index.js";
import { arraySpace, helmholtz, newton } from "../../src/linalg/index.js";
import { messageOf } from "./dense.js";

// x² + y² = 4, x y = 1: a root at x = √(2 + √3), y = 1/x.
const root = Float64Array.of(Math.sqrt(2 + Math.sqrt(3)), 1 / Math.sqrt(2 + Math.sqrt(3)));
const circle = (x: Float64Array, out: Float64Array): void => {
  out[0] = x[0] ** 2 + x[1] ** 2 - 4;
  out[1] = x[0] * x[1] - 1;
};
const circleJacobian = (x: Float64Array, v: Float64Array, out: Float64Array): void => {
  out[0] = 2 * x[0] * v[0] + 2 * x[1] * v[1];
  out[1] = x[1] * v[0] + x[0] * v[1];
};
const space = arraySpace(2);

describe("newton", () => {
  test("converges quadratically with tight linear solves, and at order 2 overall with Eisenstat–Walker forcing", async () => {
    for (const forcing of [1e-14, undefined]) {
      const errors: number[] = [];
      const result = await newton({
        space,
        residual: circle,
        jacobian: circleJacobian,
        initial: Float64Array.of(3, 1),
        forcing,
        absolute: 1e-15,
        tolerance: 0,
        maxIterations: 20,
        onIteration: (_, residual) => errors.push(residual),
      });
      expect(result.solution).toAgree(root, { rtol: 1e-14 });
      // Slope of log rₖ₊₁ against log rₖ, below 0.1 and above round-off.
      const pairs = errors
        .map((e, k) => [Math.log(e), Math.log(errors[k + 1])])
        .filter(([a, b]) => Math.exp(a) < 0.1 && Math.exp(b) > 1e-15);
      expect(pairs.length).toBeGreaterThanOrEqual(2);
      const [first, last] = [pairs[0], pairs[pairs.length - 1]];
      const slope = (last[1] - first[1]) / (last[0] - first[0]);
      expect(slope).toBeGreaterThan(forcing === undefined ? 1.6 : 1.9);
      expect(slope).toBeLessThan(2.6);
    }
  });

  test("a differenced Jacobian reaches the same root", async () => {
    const { solution, status, residual } = await newton({ space, residual: circle, initial: Float64Array.of(3, 1) });
    expect(status.converged).toBe(true);
    expect(residual).toBeLessThan(1e-9);
    expect(solution).toAgree(root, { rtol: 1e-9 });
  });

  test("backtracking saves arctan from divergence", async () => {
    // Plain Newton for arctan x = 0 diverges from |x| > 1.39.
    const { status, steps, solution } = await newton({
      space: arraySpace(1),
      residual: (x, out) => void (out[0] = Math.atan(x[0])),
      jacobian: (x, v, out) => void (out[0] = v[0] / (1 + x[0] ** 2)),
      initial: Float64Array.of(10),
    });
    expect(status.converged).toBe(true);
    expect(solution[0]).toAgree(0, { atol: 1e-10 });
    expect(steps.values[0]).toBeLessThan(1);
    expect(steps.values[steps.values.length - 1]).toBe(1);
  });

  test("an inadmissible point is never evaluated", async () => {
    // log x = −3 from x = 4: the full step leads to x < 0.
    const visited: number[] = [];
    const { status, solution, steps } = await newton({
      space: arraySpace(1),
      residual: (x, out) => {
        visited.push(x[0]);
        out[0] = Math.log(x[0]) + 3;
      },
      initial: Float64Array.of(4),
      admissible: (x) => x[0] > 0,
    });
    expect(status.converged).toBe(true);
    expect(solution[0]).toAgree(Math.exp(-3), { rtol: 1e-9 });
    expect(steps.values[0]).toBeLessThan(1);
    expect(visited.every((x) => x > 0)).toBe(true);
  });

  test("Bratu's problem against its closed form, order 2; the Helmholtz preconditioner cuts the linear steps", async () => {
    // u″ + λ e^u = 0, u(0) = u(1) = 0, λ = 1: u = −2 log(cosh((x − ½) θ/2)/cosh(θ/4)), θ = √2 cosh(θ/4).
    let theta = 1.5;
    for (let k = 0; k < 200; k++) theta = Math.SQRT2 * Math.cosh(theta / 4);
    const solveOn = async (points: number, preconditioned: boolean) => {
      const g = grid([axis({ lower: 0, upper: 1, points, boundary: "dirichlet" })]);
      const plan = helmholtz(g);
      const result = await newton({
        space: arraySpace(points, g.cellVolume),
        residual: (u, out) => {
          laplacian(g, u, out);
          for (let k = 0; k < points; k++) out[k] += Math.exp(u[k]);
        },
        jacobian: (u, v, out) => {
          laplacian(g, v, out);
          for (let k = 0; k < points; k++) out[k] += Math.exp(u[k]) * v[k];
        },
        preconditioner: preconditioned
          ? () => (x, out) => {
              plan.solve(x, 0, 1, out);
              for (let k = 0; k < points; k++) out[k] = -out[k];
            }
          : undefined,
        initial: new Float64Array(points),
        restart: 80,
      });
      expect(result.status.converged).toBe(true);
      const exact = g.axes[0].nodes.map(
        (x) => -2 * Math.log(Math.cosh(((x - 0.5) * theta) / 2) / Math.cosh(theta / 4)),
      );
      const error = result.solution.reduce((worst, v, k) => Math.max(worst, Math.abs(v - exact[k])), 0);
      return { error, linear: result.linearIterations.values.reduce((a, b) => a + b, 0) };
    };
    const coarse = await solveOn(31, true);
    const fine = await solveOn(63, true);
    const plain = await solveOn(63, false);
    expect(Math.log2(coarse.error / fine.error)).toAgree(2, { atol: 0.05 });
    expect(fine.error).toBeLessThan(5e-5);
    expect(plain.error).toAgree(fine.error, { rtol: 1e-4 });
    expect(fine.linear * 3).toBeLessThan(plain.linear);
  });

  test("sgn x √|x|: the full step jumps from x to −x, half of it lands on the root", async () => {
    const line = arraySpace(1);
    const result = await newton({
      space: line,
      residual: (x, out) => void (out[0] = Math.sign(x[0]) * Math.sqrt(Math.abs(x[0]))),
      jacobian: (x, v, out) => void (out[0] = v[0] / (2 * Math.sqrt(Math.abs(x[0])))),
      initial: Float64Array.of(0.25),
      forcing: 1e-12,
      maxIterations: 5,
    });
    expect(result.status.converged).toBe(true);
    expect(result.steps.values[0]).toBe(0.5);
    expect(result.solution[0]).toAgree(0, { atol: 1e-12 });
  });

  test("moves along the caller's curve: ln x = −20 from x = 1, always positive", async () => {
    const line = arraySpace(1);
    const seen: number[] = [];
    const result = await newton({
      space: line,
      residual: (x, out) => {
        seen.push(x[0]);
        out[0] = Math.log(x[0]) + 20;
      },
      jacobian: (x, v, out) => void (out[0] = v[0] / x[0]),
      move: (x, lambda, d, out) => void (out[0] = x[0] * Math.exp((lambda * d[0]) / x[0])),
      initial: Float64Array.of(1),
      forcing: 1e-14,
      absolute: 1e-10,
    });
    // along the exponential the equation is linear: one step
    expect(result.iterations).toBe(1);
    expect(result.solution[0]).toAgree(Math.exp(-20), { rtol: 1e-12 });
    expect(Math.min(...seen)).toBeGreaterThan(0);
  });

  test("starts at the root: nothing to do", async () => {
    const { iterations, status } = await newton({ space, residual: circle, initial: root, absolute: 1e-14 });
    expect([iterations, status.converged]).toEqual([0, true]);
  });

  test("stops by the caller's measure, and records it", async () => {
    const largest = (f: Float64Array) => Math.max(...f.map(Math.abs));
    const { residual, history, solution } = await newton({
      space,
      residual: circle,
      jacobian: circleJacobian,
      initial: Float64Array.of(3, 1),
      measure: largest,
      absolute: 1e-3,
      tolerance: 0,
    });
    const f = new Float64Array(2);
    circle(solution, f);
    expect(residual).toBe(largest(f));
    expect(residual).toBeLessThanOrEqual(1e-3);
    expect([history.values[0], history.values.at(-1)]).toEqual([6, residual]);
  });

  test("an overshoot is taken at first and refused later", async () => {
    // x³ − 2x + 2 from 0.7: Newton's full first step raises |F|.
    const cubic = (x: Float64Array, out: Float64Array) => void (out[0] = x[0] ** 3 - 2 * x[0] + 2);
    const slope = (x: Float64Array, v: Float64Array, out: Float64Array) => void (out[0] = (3 * x[0] ** 2 - 2) * v[0]);
    const run = (overshoot?: { steps: number; factor: number }) =>
      newton({
        space: arraySpace(1),
        residual: cubic,
        jacobian: slope,
        initial: Float64Array.of(0.7),
        forcing: 1e-12,
        maxIterations: 1,
        overshoot,
      });
    const [bold, shy] = [await run({ steps: 1, factor: 20 }), await run()];
    expect(shy.history.values[1]).toBeLessThan(shy.history.values[0]);
    expect(bold.steps.values[0]).toBeGreaterThan(shy.steps.values[0]);
  });

  test("forcing stays below the largest that is allowed", async () => {
    const loose = await newton({ space, residual: circle, jacobian: circleJacobian, initial: Float64Array.of(3, 1) });
    const tight = await newton({
      space,
      residual: circle,
      jacobian: circleJacobian,
      initial: Float64Array.of(3, 1),
      largestForcing: 1e-8,
    });
    expect(tight.iterations).toBeLessThanOrEqual(loose.iterations);
    expect(tight.linearIterations.values[0]).toBeGreaterThan(loose.linearIterations.values[0]);
  });

  test("says why it stopped", async () => {
    const text = async (options: Partial<Parameters<typeof newton<Float64Array>>[0]>) => {
      const { status } = await newton({ space, residual: circle, initial: Float64Array.of(3, 1), ...options });
      expect(status.converged).toBe(false);
      return status.text;
    };
    expect(await text({ maxIterations: 1, forcing: 1e-10 })).toMatchInlineSnapshot(
      `"stalled: residual 0.964 > 6.32e-10 after 1 Newton steps; raise maxIterations or start closer"`,
    );
    expect(await text({ signal: AbortSignal.abort() })).toMatchInlineSnapshot(
      `"stopped: aborted after 0 Newton steps at residual 6.32"`,
    );
    expect(await text({ residual: (_, out) => void out.fill(NaN) })).toMatchInlineSnapshot(
      `"stopped: ‖F‖ = NaN at the starting point; start where F is finite"`,
    );
    // A Jacobian of the wrong sign points uphill.
    expect(
      await text({
        jacobian: (x, v, out) => {
          circleJacobian(x, v, out);
          out.forEach((value, k) => void (out[k] = -value));
        },
      }),
    ).toMatchInlineSnapshot(
      `"stalled: no step along the Newton direction lowers the residual 6.32 (linear solve converged); check the Jacobian, give a preconditioner or start closer"`,
    );
  });

  test("errors", async () => {
    const bad = (options: object) =>
      messageOf(() => newton({ space, residual: circle, initial: Float64Array.of(3, 1), ...options }));
    expect(await bad({ forcing: 1 })).toMatchInlineSnapshot(
      `"newton: forcing must lie between 0 and 1; got 1. Leave it out for Eisenstat–Walker forcing."`,
    );
    expect(await bad({ largestForcing: 0 })).toMatchInlineSnapshot(
      `"newton: largestForcing must lie between 0 and 1; got 0. Leave it out for 0.9."`,
    );
    expect(await bad({ admissible: () => false })).toMatchInlineSnapshot(
      `"newton: admissible(initial) must be true; got false. Start inside the set where the equations make sense."`,
    );
    expect(await bad({ maxIterations: 0 })).toMatchInlineSnapshot(
      `"newton: maxIterations must be an integer ≥ 1; got 0. Use maxIterations: 500 to start."`,
    );
  });
});
