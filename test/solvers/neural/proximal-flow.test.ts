// The primal neural flow against the closed form of the Gaussian shift (M1), and its manners: seeds, resume, abort, NaN, refusals, leaks.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type ProximalFlow, proximalFlow } from "../../../problems/proximal-flow.js";
import { neuralProximalFlow } from "../../../solvers/neural/proximal-flow.js";
import { SolveError } from "../../../src/error.js";
import {
  alphaDivergence,
  cloud,
  type Divergence,
  dirac,
  gaussian,
  kullbackLeibler,
} from "../../../src/measure/index.js";
import { generator } from "../../../src/random/index.js";
import type { Checkpointing, Progress, SolveContext } from "../../../src/solver.js";
import { openTensors } from "../../../src/tensor/index.js";

/** M1: (Δ, s², λ, T, L) = (3, 1, ½, 1, 1): u = 1, v = −2e₁, mean of x_T 1, value 1.5. */
function shift(dimension: number, divergence: Divergence = kullbackLeibler(), lipschitz = 1): ProximalFlow {
  const mean = new Float64Array(dimension);
  const target = gaussian({ mean });
  mean[0] = 3;
  return proximalFlow({
    source: gaussian({ mean }),
    target,
    divergence,
    lipschitz,
    kineticWeight: 0.5,
    horizon: 1,
  });
}

function context(options: {
  seed?: number;
  signal?: AbortSignal;
  checkpoint?: Checkpointing;
  progress?: (event: Progress) => void;
}): SolveContext {
  const began = performance.now();
  return {
    seed: options.seed ?? 1,
    device: "cpu",
    signal: options.signal ?? null,
    checkpoint: options.checkpoint ?? null,
    progress: options.progress ?? (() => {}),
    elapsed: () => (performance.now() - began) / 1000,
    version: "0.0.0",
  };
}

const small = { width: 12, depth: 2, criticWidth: 8, criticDepth: 1, batch: 32, targetBatch: 64, evaluation: 64 };

describe("neural proximal flow, primal form", () => {
  it("Gaussian shift: mean, spread, value, straightness and terminal condition of the closed form", async () => {
    const problem = shift(2);
    const solver = neuralProximalFlow({
      width: 16,
      depth: 2,
      criticWidth: 16,
      batch: 128,
      targetBatch: 256,
      steps: 250,
      learningRate: 1e-2,
      criticLearningRate: 5e-3,
    });
    const solution = await solver.solve(problem, context({}));
    expect(solution.status.text).toMatch(/^converged: chord ratio/);
    expect(solution.status.converged).toBe(true);
    const n = 4000;
    const start = problem.source.sample(n, generator(8));
    const { positions } = solution.trajectories({ start, steps: 40 });
    const mean = (x: Float64Array, a: number) => x.reduce((s, v, i) => (i % 2 === a ? s + v / n : s), 0);
    const sd = (x: Float64Array) => {
      const m = [mean(x, 0), mean(x, 1)];
      return Math.sqrt(x.reduce((s, v, i) => s + (v - m[i % 2]) ** 2, 0) / x.length);
    };
    const end = positions.slice(40 * 2 * n);
    // relative to the same start, so that no sampling error remains; 3 % of the displacement 2
    expect(mean(end, 0) - mean(start.points, 0)).toAgree(-2, { rtol: 0.03 });
    expect(mean(end, 1) - mean(start.points, 1)).toAgree(0, { atol: 0.06 });
    expect(sd(end) / sd(start.points)).toAgree(1, { rtol: 0.03 });
    // value 1.5; standard errors with 8192 and 16384 points: 0.011 of E φ(x_T), 0.010 of log E e^φ
    expect(solution.objective.primal).toAgree(1.5, { atol: 4 * 0.015 });
    expect(solution.objective.dual).toBeNull();
    // v = −∇U/λ, and U − its closed form u x₁ + (t − T)u²/2λ is constant along the flow
    const x = Float64Array.from([3, 0, 2.5, 0.5]);
    expect(solution.velocity(0, x)).toAgree([-2, 0, -2, 0], { atol: 0.15 });
    const [u0, u1] = solution.value(0, x);
    expect(u0 - u1).toAgree(0.5, { atol: 0.06 });
    expect(solution.value(1, x)[0] - u0).toAgree(1, { atol: 0.1 });
    expect(solution.value(1, x)).toAgree(solution.critic!.value(x), { atol: 0.15 });
    expect(solution.critic!.certifiedLipschitz).toBeLessThanOrEqual(1 + 1e-12);
    const { count, points } = solution.density(0.5);
    expect(count).toBe(1024);
    expect(points.reduce((s, v, i) => (i % 2 === 0 ? s + v / 1024 : s), 0)).toAgree(2, { atol: 4 / 32 + 0.06 });
    expect(solution.histories.map((h) => h.values.length)).toEqual(new Array(6).fill(250));
    expect(solution.arrays().terminal.shape).toEqual([1024, 2]);
  });

  it("the same seed gives the same numbers, another seed others, and no tensor is left", async () => {
    const { tf } = await openTensors({ device: "cpu" });
    const solver = neuralProximalFlow({ ...small, steps: 6 });
    const before = tf.memory().numTensors;
    const [a, b, c] = [
      await solver.solve(shift(3), context({ seed: 4 })),
      await solver.solve(shift(3), context({ seed: 4 })),
      await solver.solve(shift(3), context({ seed: 5 })),
    ];
    expect(tf.memory().numTensors).toBe(before);
    expect(b.density(1).points).toEqual(a.density(1).points);
    expect(b.histories).toEqual(a.histories);
    expect(c.density(1).points).not.toEqual(a.density(1).points);
    expect(a.status.converged).toBe(false);
  });

  it("20 steps = 10 steps, interrupted, then resumed: bit for bit", async () => {
    const folder = await mkdtemp(join(tmpdir(), "primal-"));
    try {
      const solver = neuralProximalFlow({ ...small, steps: 20 });
      const problem = shift(2);
      const whole = await solver.solve(problem, context({}));
      const checkpoint = { file: join(folder, "state.json"), every: 5 };
      const stop = new AbortController();
      const progress = (event: Progress) => {
        if (event.iteration === 12) stop.abort(new Error("enough"));
      };
      await expect(solver.solve(problem, context({ checkpoint, signal: stop.signal, progress }))).rejects.toThrow(
        "enough",
      );
      const steps: number[] = [];
      const resumed = await solver.solve(
        problem,
        context({ checkpoint, progress: (event) => steps.push(event.iteration) }),
      );
      expect(steps[0]).toBe(11);
      expect(resumed.histories).toEqual(whole.histories);
      for (const [name, values] of Object.entries(whole.arrays()))
        expect(resumed.arrays()[name].data, name).toEqual(values.data);
      await expect(neuralProximalFlow({ ...small, steps: 21 }).solve(problem, context({ checkpoint }))).rejects.toThrow(
        /^checkpoint: options must be that of the run/,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("uses the divergence it is given: α = 2 and α = 5 differ from KL from the first critic step on", async () => {
    const solver = neuralProximalFlow({ ...small, steps: 3 });
    const ends: number[] = [];
    for (const divergence of [kullbackLeibler(), alphaDivergence(2), alphaDivergence(5)])
      ends.push((await solver.solve(shift(1, divergence), context({}))).histories[1].values[2]);
    expect(new Set(ends).size).toBe(3);
  });

  it("without critic regularisation by proximal steps and without penalties it still runs; L = ∞ is not certified", async () => {
    const solver = neuralProximalFlow({
      ...small,
      steps: 2,
      proximalSteps: 0,
      timeSteps: 1,
      straightnessWeight: 0,
      hamiltonJacobiWeight: 0,
      terminalWeight: 0,
    });
    const solution = await solver.solve(shift(1, kullbackLeibler(), Infinity), context({}));
    expect(solution.critic!.certifiedLipschitz).toBeNull();
    expect(solution.counts).toMatchObject({ steps: 2, criticSteps: 4, evaluationPoints: 64 });
  });

  it("NaN stops the run with the step, the quantity and the cure, and keeps the last good state", async () => {
    const honest = shift(2);
    let calls = 0;
    // the frame and the first three batches are sound, the next one is not
    const source = {
      ...honest.source,
      sample: (count: number, g: ReturnType<typeof generator>) => {
        const sound = honest.source.sample(count, g);
        return ++calls === 5 ? { ...sound, points: sound.points.map(() => Number.NaN) } : sound;
      },
    };
    const problem = proximalFlow({ ...honest, source, target: honest.target });
    const error = await neuralProximalFlow({ ...small, steps: 9 })
      .solve(problem, context({}))
      .catch((e) => e);
    expect(error).toBeInstanceOf(SolveError);
    expect(error.message).toMatchInlineSnapshot(
      `"neuralProximalFlow on proximal-flow: kinetic energy (batch) is NaN at step 4; lower learningRate or the penalty weights, or check the samples of the source. The state of step 0 is kept"`,
    );
    const { partial } = error as SolveError;
    expect(partial!.status.converged).toBe(false);
    expect(partial!.objective.primal).toBeNull();
    expect(partial!.counts.steps).toBe(0);
    expect(partial!.histories[0].values.length).toBe(3);
    expect([...(partial!.density(1) as ReturnType<typeof cloud>).points].every(Number.isFinite)).toBe(true);
  });

  it("refuses what it cannot or must not run, with the reason", async () => {
    const solver = neuralProximalFlow({ ...small, steps: 1 });
    const illPosed = proximalFlow({
      source: gaussian({ mean: [0] }),
      target: dirac([0]),
      divergence: kullbackLeibler(),
      lipschitz: Infinity,
      kineticWeight: 1,
      horizon: 1,
    });
    expect(solver.handles(shift(1))).toBe(true);
    expect(solver.handles({ ...shift(1), kind: "crowd" })).toMatchInlineSnapshot(
      `"it solves proximal-flow problems, not crowd; use a solver of that family"`,
    );
    expect(solver.handles(illPosed)).toMatchInlineSnapshot(
      `"the problem is ill-posed: lipschitz is Infinity and the target dirac has no density: KL(ρ_T ‖ π) = +∞ for every ρ_T with a density; the critic is unbounded; set a finite lipschitz (the W₁ proximal) to make the problem well-posed"`,
    );
    const own: Divergence = { ...kullbackLeibler(), name: "mine", description: { kind: "own" } };
    expect(solver.handles(shift(1, own))).toMatchInlineSnapshot(
      `"the divergence mine is given by JavaScript functions, which run on no tensor backend; use a built-in divergence, or a grid or particle solver"`,
    );
    const progress: Progress[] = [];
    await expect(solver.solve(illPosed, context({ progress: (e) => progress.push(e) }))).rejects.toThrow(
      /^neuralProximalFlow: problem must be one it handles; got proximal-flow: the problem is ill-posed/,
    );
    expect(progress).toEqual([]);
  });

  it("checks its options", () => {
    expect(() => neuralProximalFlow({ width: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: neuralProximalFlow: width must be an integer ≥ 1; got 0. Use width: 48 to start.]`,
    );
    expect(() => neuralProximalFlow({ criticWidth: 7 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: neuralProximalFlow (critic): width must be an even integer ≥ 2; got 7. Use width: 64 to start.]`,
    );
    expect(() => neuralProximalFlow({ steps: 2.5 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: neuralProximalFlow: steps must be an integer ≥ 1; got 2.5. Use steps: 2000 to start.]`,
    );
    expect(() => neuralProximalFlow({ proximalSteps: -1 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: neuralProximalFlow: proximalSteps must be an integer ≥ 0; got -1. Use proximalSteps: 3 to start.]`,
    );
    expect(() => neuralProximalFlow({ criticLearningRate: 1 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: neuralProximalFlow: criticLearningRate must be > 0 and < 1; got 1. Use criticLearningRate: 0.002 to start.]`,
    );
    expect(() => neuralProximalFlow({ terminalWeight: -1 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: neuralProximalFlow: terminalWeight must be a finite number ≥ 0; got -1. Use terminalWeight: 1 to start.]`,
    );
  });

  it("checks times and steps of a solution", async () => {
    const solution = await neuralProximalFlow({ ...small, steps: 1 }).solve(shift(1), context({}));
    expect(() => solution.value(1.5, Float64Array.of(0))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: neuralProximalFlow: t must be in [0, 1]; got 1.5. Give a time of the problem.]`,
    );
    expect(() => solution.density(-1)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: neuralProximalFlow: t must be in [0, 1]; got -1. Give a time of the problem.]`,
    );
    expect(() => solution.trajectories({ steps: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: neuralProximalFlow: trajectories.steps must be an integer ≥ 1; got 0. Use steps: 20 to start.]`,
    );
  });

  it("checks the points, starts and counts that a solution is asked for", async () => {
    const solution = await neuralProximalFlow({ ...small, steps: 1 }).solve(shift(2), context({}));
    const three = new Float64Array(3);
    for (const ask of [
      () => solution.value(0, three),
      () => solution.velocity(1, three),
      () => solution.critic!.value(three),
      () => solution.critic!.gradient(three),
    ])
      expect(ask).toThrow(
        "neuralProximalFlow: points must have a length divisible by 2; got 3. Give the coordinates row by row.",
      );
    expect(() => solution.trajectories({ start: cloud([1, 2], 1) })).toThrow(
      "neuralProximalFlow: trajectories.start must have the problem's dimension 2; got 1. Give points of the same space.",
    );
    expect(() => solution.trajectories({ count: 1.5 })).toThrow(
      "neuralProximalFlow: trajectories.count must be an integer ≥ 1; got 1.5. Use count: 256 to start.",
    );
  });
});
