import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { axis, grid, integrate, laplacian } from "../../src/grid/index.js";
import { arraySpace, conjugateGradient, gmres, helmholtz } from "../../src/linalg/index.js";
import { eliminate, length, messageOf, noise, times } from "./dense.js";

const numRuns = Number(process.env.LAWS === "thorough" ? 500 : 25);

/** BᵀB + I. */
function spd(n: number, seed: number): Float64Array {
  const b = noise(n * n, seed);
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      for (let k = 0; k < n; k++) a[i * n + j] += b[k * n + i] * b[k * n + j];
      if (i === j) a[i * n + j] += 1;
    }
  return a;
}

/** Random entries with a heavy diagonal of both signs: nonsymmetric, indefinite, invertible. */
function nonsymmetric(n: number, seed: number): Float64Array {
  return noise(n * n, seed).map((v, k) => (k % (n + 1) === 0 ? v + (Math.floor(k / n) % 3 === 0 ? -n : n) * 0.5 : v));
}

const trueResidual = (a: Float64Array, x: Float64Array, b: Float64Array) => length(times(a, x).map((v, k) => v - b[k]));

describe("conjugateGradient", () => {
  test("solves random positive definite systems to the stated residual", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 30 }), fc.integer(), fc.boolean(), async (n, seed, jacobi) => {
        const a = spd(n, seed);
        const rhs = noise(n, seed + 1);
        const { solution, status, residual, iterations, history } = await conjugateGradient({
          space: arraySpace(n),
          apply: (x, out) => void times(a, x, out),
          rhs,
          initial: noise(n, seed + 2),
          preconditioner: jacobi ? (x, out) => out.forEach((_, k) => void (out[k] = x[k] / a[k * n + k])) : undefined,
        });
        expect(status.converged).toBe(true);
        expect(residual).toBeLessThanOrEqual(1e-10 * length(rhs));
        expect(residual).toAgree(trueResidual(a, solution, rhs), { rtol: 1e-6, atol: 1e-15 });
        expect(history.values).toHaveLength(iterations + 1);
        expect(history.values[iterations]).toBe(residual);
        expect(solution).toAgree(eliminate(a, rhs), { rtol: 0, atol: 1e-9 });
      }),
      { numRuns, seed: 41 },
    );
  });

  test("needs as many steps as A has distinct eigenvalues", async () => {
    const diagonal = Float64Array.from({ length: 60 }, (_, k) => [1, 5, 20, 100][k % 4]);
    const { iterations, status } = await conjugateGradient({
      space: arraySpace(60),
      apply: (x, out) => out.forEach((_, k) => void (out[k] = diagonal[k] * x[k])),
      rhs: noise(60, 1),
    });
    expect(iterations).toBe(4);
    expect(status.text).toMatch(/^converged: residual \S+ ≤ \S+ after 4 iterations$/);
  });

  test("a semidefinite, consistent system: the periodic Laplacian, mean-free solution", async () => {
    const g = grid([
      axis({ lower: 0, upper: 1, points: 12, boundary: "periodic" }),
      axis({ lower: 0, upper: 1, points: 9, boundary: "no-flux" }),
    ]);
    const raw = noise(g.size, 2);
    const mean = integrate(g, raw);
    const rhs = raw.map((v) => v - mean);
    const { solution, status } = await conjugateGradient({
      space: arraySpace(g.size, g.cellVolume),
      apply: (x, out) => {
        laplacian(g, x, out);
        out.forEach((v, k) => void (out[k] = -v));
      },
      rhs,
    });
    expect(status.converged).toBe(true);
    expect(solution).toAgree(helmholtz(g).solve(rhs, 0, 1), { rtol: 0, atol: 1e-10 });
  });

  test("b = 0 gives exact zeros", async () => {
    const { solution, status, residual } = await conjugateGradient({
      space: arraySpace(3),
      apply: (x, out) => out.set(x),
      rhs: new Float64Array(3),
    });
    expect([...solution, residual, status.converged]).toEqual([0, 0, 0, 0, true]);
  });

  test("says why it stopped", async () => {
    const space = arraySpace(40);
    const rhs = new Float64Array(40).fill(1);
    const stiff = (x: Float64Array, out: Float64Array) => out.forEach((_, k) => void (out[k] = (k + 1) ** 2 * x[k]));
    const text = async (options: Partial<Parameters<typeof conjugateGradient<Float64Array>>[0]>) => {
      const { status } = await conjugateGradient({ space, apply: stiff, rhs, ...options });
      expect(status.converged).toBe(false);
      return status.text;
    };
    expect(await text({ maxIterations: 3 })).toMatchInlineSnapshot(
      `"stalled: residual 5.35 > 6.32e-10 after 3 iterations; raise maxIterations or give a preconditioner"`,
    );
    expect(await text({ apply: (x, out) => out.set(x.map((v) => -v)) })).toMatchInlineSnapshot(
      `"stopped: the operator is not positive definite (⟨p, Ap⟩ = -40); use gmres()"`,
    );
    expect(await text({ apply: (_, out) => void out.fill(NaN) })).toMatchInlineSnapshot(
      `"stopped: residual NaN after 0 iterations; check the operator and the right-hand side for NaN"`,
    );
    expect(await text({ preconditioner: (x, out) => out.set(x.map((v) => -v)) })).toMatchInlineSnapshot(
      `"stopped: the preconditioner is not positive definite (⟨r, M⁻¹r⟩ = -40); use another one or none"`,
    );
    expect(await text({ signal: AbortSignal.abort() })).toMatchInlineSnapshot(
      `"stopped: aborted after 0 iterations at residual 6.32"`,
    );
    expect(await text({ tolerance: 1e-18 })).toMatch(
      /^stalled at round-off: true residual \S+ while the recursion says/,
    );
  });

  test("errors", async () => {
    const bad = (options: object) =>
      messageOf(() =>
        conjugateGradient({ space: arraySpace(1), apply: () => {}, rhs: new Float64Array(1), ...options }),
      );
    expect(await bad({ tolerance: -1 })).toMatchInlineSnapshot(
      `"conjugateGradient: tolerance must be a finite number ≥ 0; got -1. Use tolerance: 1e-10 to start."`,
    );
    expect(await bad({ absolute: NaN })).toMatchInlineSnapshot(
      `"conjugateGradient: absolute must be a finite number ≥ 0; got NaN. Use absolute: 0 to stop on the relative tolerance alone."`,
    );
    expect(await bad({ maxIterations: 0.5 })).toMatchInlineSnapshot(
      `"conjugateGradient: maxIterations must be an integer ≥ 1; got 0.5. Use maxIterations: 500 to start."`,
    );
  });
});

describe("gmres", () => {
  test("solves random nonsymmetric systems to the stated true residual", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 30 }),
        fc.integer(),
        fc.boolean(),
        fc.constantFrom(12, 40),
        async (n, seed, jacobi, restart) => {
          const a = nonsymmetric(n, seed);
          const rhs = noise(n, seed + 1);
          const { solution, status, residual, iterations, history } = await gmres({
            space: arraySpace(n),
            apply: (x, out) => void times(a, x, out),
            rhs,
            initial: noise(n, seed + 2),
            preconditioner: jacobi ? (x, out) => out.forEach((_, k) => void (out[k] = x[k] / a[k * n + k])) : undefined,
            restart,
            maxIterations: 4000,
          });
          // The true residual is what is reported, converged or not; without restarts it must converge in n + few steps.
          expect(residual).toAgree(trueResidual(a, solution, rhs), { rtol: 1e-6, atol: 1e-14 });
          expect(history.values[iterations]).toBe(residual);
          expect(status.converged).toBe(residual <= 1e-10 * length(rhs));
          if (restart >= n) {
            expect(status.converged).toBe(true);
            expect(solution).toAgree(eliminate(a, rhs), { rtol: 0, atol: 1e-7 });
          }
        },
      ),
      { numRuns, seed: 42 },
    );
  });

  test("the residual never grows within a cycle, and is that of the least-squares problem", async () => {
    const a = nonsymmetric(25, 5);
    const rhs = noise(25, 6);
    const { history } = await gmres({
      space: arraySpace(25),
      apply: (x, out) => void times(a, x, out),
      rhs,
      restart: 25,
      tolerance: 1e-9,
    });
    history.values.forEach((v, k) => {
      if (k > 0) expect(v).toBeLessThanOrEqual(history.values[k - 1] * (1 + 1e-12));
    });
    // First step by hand: min_y ‖b − y A b‖.
    const ab = times(a, rhs);
    const dot = (x: Float64Array, y: Float64Array) => x.reduce((sum, v, k) => sum + v * y[k], 0);
    expect(history.values[1]).toAgree(Math.sqrt(dot(rhs, rhs) - dot(ab, rhs) ** 2 / dot(ab, ab)), { rtol: 1e-10 });
  });

  test("in lent vectors the answer is the same, and none is allocated the second time", async () => {
    const n = 12;
    const space = arraySpace(n);
    let made = 0;
    const counting = {
      ...space,
      zeros: () => {
        made++;
        return space.zeros();
      },
      copy: (x: Float64Array) => {
        made++;
        return space.copy(x);
      },
    };
    const apply = (x: Float64Array, out: Float64Array) => {
      for (let i = 0; i < n; i++) out[i] = (i + 2) * x[i] + (i > 0 ? x[i - 1] : 0);
    };
    const rhs = new Float64Array(n).fill(1);
    const plain = await gmres({ space, apply, rhs });
    const workspace: Float64Array[] = [];
    await gmres({ space: counting, apply, rhs, workspace });
    const before = made;
    const again = await gmres({ space: counting, apply, rhs, workspace });
    expect(again.solution).toEqual(plain.solution);
    // the solution itself
    expect(made - before).toBe(1);
  });

  test("an exact preconditioner gives one step", async () => {
    const a = nonsymmetric(15, 7);
    const { iterations, status } = await gmres({
      space: arraySpace(15),
      apply: (x, out) => void times(a, x, out),
      rhs: noise(15, 8),
      preconditioner: (x, out) => out.set(eliminate(a, x)),
    });
    expect([iterations, status.converged]).toEqual([1, true]);
  });

  test("says why it stopped", async () => {
    const n = 12;
    const space = arraySpace(n);
    const rhs = Float64Array.from({ length: n }, (_, k) => (k === 0 ? 1 : 0));
    // The cyclic shift: no progress before step n.
    const shift = (x: Float64Array, out: Float64Array) => out.forEach((_, k) => void (out[k] = x[(k + 1) % n]));
    const run = (options: Partial<Parameters<typeof gmres<Float64Array>>[0]>) =>
      gmres({ space, apply: shift, rhs, ...options });
    expect((await run({})).status.text).toMatch(/^converged: .* after 12 iterations$/);
    const text = async (options: Partial<Parameters<typeof gmres<Float64Array>>[0]>) => {
      const { status } = await run(options);
      expect(status.converged).toBe(false);
      return status.text;
    };
    expect(await text({ restart: 5 })).toMatchInlineSnapshot(
      `"stalled: residual 1 > 1e-10, a cycle of 5 steps no longer lowers it; raise restart, give a preconditioner or loosen the tolerance"`,
    );
    expect(await text({ maxIterations: 4 })).toMatchInlineSnapshot(
      `"stalled: residual 1 > 1e-10 after 4 iterations; raise maxIterations or give a preconditioner"`,
    );
    expect(await text({ signal: AbortSignal.abort() })).toMatchInlineSnapshot(
      `"stopped: aborted after 0 iterations at residual 1"`,
    );
    expect(await text({ apply: (_, out) => void out.fill(NaN) })).toMatchInlineSnapshot(
      `"stopped: residual NaN after 1 iterations; check the operator and the right-hand side for NaN"`,
    );
    // Singular: b has a part outside the range.
    expect(
      await text({ apply: (x, out) => out.forEach((_, k) => void (out[k] = k === 0 ? 0 : x[k])) }),
    ).toMatchInlineSnapshot(
      `"stopped: residual 1 and the Krylov space is exhausted after 1 iterations; the operator is singular, check the right-hand side for consistency"`,
    );
  });

  test("errors", async () => {
    const bad = (options: object) =>
      messageOf(() => gmres({ space: arraySpace(1), apply: () => {}, rhs: new Float64Array(1), ...options }));
    expect(await bad({ restart: 0 })).toMatchInlineSnapshot(
      `"gmres: restart must be an integer ≥ 1; got 0. Use restart: 30 to start."`,
    );
    expect(await bad({ tolerance: Infinity })).toMatchInlineSnapshot(
      `"gmres: tolerance must be a finite number ≥ 0; got Infinity. Use tolerance: 1e-10 to start."`,
    );
  });
});
