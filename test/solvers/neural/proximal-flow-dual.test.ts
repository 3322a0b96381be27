import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { gaussianScale, gaussianShift } from "../../../problems/catalogue/index.js";
import { proximalFlow } from "../../../problems/proximal-flow.js";
import {
  type NeuralProximalFlowDualOptions,
  type NeuralProximalFlowDualSolution,
  neuralProximalFlowDual,
} from "../../../solvers/neural/proximal-flow-dual.js";
import {
  alphaDivergence,
  cloud,
  empirical,
  gaussian,
  jensenShannon,
  kullbackLeibler,
  reverseKullbackLeibler,
} from "../../../src/measure/index.js";
import { generator } from "../../../src/random/index.js";
import { solve } from "../../../src/solve.js";
import { openTensors, type TensorLibrary } from "../../../src/tensor/index.js";
import { huberCost, semiRelaxedTransport } from "../../../src/transport/index.js";

const quick: NeuralProximalFlowDualOptions = {
  width: 32,
  depth: 2,
  batch: 128,
  targetBatch: 256,
  pool: 2048,
  steps: 250,
  learningRate: 5e-3,
  evaluation: 512,
};
const tiny: NeuralProximalFlowDualOptions = { width: 8, depth: 2, batch: 16, targetBatch: 32, pool: 64, steps: 40 };
const onCpu = { device: "cpu", onFailure: "return" } as const;

const folder = mkdtempSync(join(tmpdir(), "meanfield-dual-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let tf: TensorLibrary;
beforeAll(async () => {
  ({ tf } = await openTensors({ device: "cpu" }));
});

/** Mean and standard deviation of each coordinate. */
function moments(points: Float64Array, d: number): { mean: Float64Array; sd: Float64Array } {
  const n = points.length / d;
  const mean = new Float64Array(d);
  const sd = new Float64Array(d);
  points.forEach((x, i) => {
    mean[i % d] += x / n;
  });
  points.forEach((x, i) => {
    sd[i % d] += (x - mean[i % d]) ** 2 / n;
  });
  return { mean, sd: sd.map(Math.sqrt) };
}

const PROBLEMS = [
  gaussianShift({ dimension: 1 }),
  gaussianShift({ dimension: 2, lipschitz: 0.5 }),
  gaussianScale({ dimension: 1 }),
];

describe.each(PROBLEMS.map((p) => [`${p.title}, L = ${p.lipschitz}`, p] as const))("%s", (_name, problem) => {
  const d = problem.dimension;
  const exact = problem.exact!;
  let solution: NeuralProximalFlowDualSolution;
  beforeAll(async () => {
    solution = await solve(problem, neuralProximalFlowDual(quick), { ...onCpu, seed: 1 });
  });

  test("terminal law within 3 % of the closed form, on the same starting points", () => {
    const start = problem.source.sample(2000, generator(5));
    const { positions } = solution.trajectories({ start, steps: 1 });
    const [ours, truth] = [positions.subarray(2000 * d), exact.map(problem.horizon, start.points)].map((p) =>
      moments(p, d),
    );
    const size = Math.max(...truth.sd.map((s, a) => Math.hypot(s, truth.mean[a])));
    for (let a = 0; a < d; a++) {
      expect(Math.abs(ours.mean[a] - truth.mean[a])).toBeLessThan(0.03 * size);
      expect(ours.sd[a]).toAgree(truth.sd[a], { rtol: 0.03 });
    }
  });

  test("the measured dual is the exact value within 4 standard errors", () => {
    // the sampling error of E_ρ₀ U and of log E_π e^φ, both on `evaluation` points or more, from the closed form
    const x = problem.source.sample(20000, generator(6)).points;
    const se = moments(exact.potential(0, x), 1).sd[0] / Math.sqrt(512);
    const y = problem.target.sample(20000, generator(7)).points;
    const ratio = moments(exact.potential(problem.horizon, y).map(Math.exp), 1);
    const spread = Math.hypot(se, ratio.sd[0] / ratio.mean[0] / Math.sqrt(2048));
    expect(Math.abs(solution.objective.dual! - exact.value)).toBeLessThan(4 * spread + 0.01);
    expect(solution.objective.primal).toBeNull();
    expect(solution.objective.gap).toBeNull();
  });

  test("certificate, residual, straight paths, one step", () => {
    if (problem.lipschitz < Infinity) {
      const bound = solution.critic!.certifiedLipschitz!;
      expect(bound).toBeLessThanOrEqual(problem.lipschitz);
      const g = solution.critic!.gradient(problem.source.sample(500, generator(2)).points);
      for (let i = 0; i < 500; i++)
        expect(Math.hypot(...g.subarray(i * d, (i + 1) * d))).toBeLessThanOrEqual(bound * (1 + 1e-12));
    } else expect(solution.critic!.certifiedLipschitz).toBeNull();
    const start = problem.source.sample(40, generator(3));
    const { times, positions } = solution.trajectories({ start, steps: 4 });
    const n = 40 * d;
    const terminal = positions.subarray(4 * n);
    // the velocity field at the points of the path is the path's velocity, so that any Euler step lands on the chord
    times.forEach((t, k) => {
      const at = positions.slice(k * n, (k + 1) * n);
      const v = solution.velocity(t, at);
      const error = Math.hypot(...v.map((s, i) => s - (terminal[i] - start.points[i]) / problem.horizon));
      const size = Math.hypot(...terminal.map((y, i) => y - start.points[i]));
      expect(error).toBeLessThan(0.002 * size);
    });
    // v = −∇U/λ by differences of the value
    const h = 1e-4;
    const x = start.points;
    const moved = (step: number) =>
      solution.value(
        0.3,
        x.map((v, i) => v + (i % d === 0 ? step : 0)),
      );
    const [up, down] = [moved(h), moved(-h)];
    const v = solution.velocity(0.3, x);
    for (let i = 0; i < 40; i++)
      expect(-(up[i] - down[i]) / (2 * h * problem.kineticWeight)).toAgree(v[i * d], { rtol: 1e-3, atol: 1e-4 });
    expect(solution.status.text).toMatch(/inner residual \d(\.\d)?e-/);
  });
});

test("on data the dual is a lower bound of the exact engine's value, and close to it", async () => {
  const draws = generator(12);
  const source = gaussian({ mean: [0, 0] }).sample(200, draws);
  const target = gaussian({ mean: [1, -0.5], sd: 0.7 }).sample(150, draws);
  const problem = proximalFlow({
    source: empirical(source),
    target: empirical(target),
    divergence: kullbackLeibler(),
    lipschitz: 1,
    kineticWeight: 0.5,
    horizon: 1,
  });
  const solution = await solve(problem, neuralProximalFlowDual({ ...quick, steps: 250 }), { ...onCpu, seed: 2 });
  const cost = huberCost(problem.kineticWeight, problem.horizon, problem.lipschitz);
  const engine = await semiRelaxedTransport(
    { source, target, cost, divergence: problem.divergence },
    { device: "cpu" },
  );
  const { dual } = solution.objective;
  expect(dual!).toBeLessThanOrEqual(engine.objective.primal! + 1e-9);
  expect(dual!).toBeGreaterThan(0.93 * engine.objective.primal!);
});

describe("options are really used", () => {
  const law = (divergence: ReturnType<typeof kullbackLeibler>) =>
    proximalFlow({
      source: gaussian({ mean: [2] }),
      target: gaussian({ mean: [0] }),
      divergence,
      lipschitz: 1,
      kineticWeight: 0.5,
      horizon: 1,
    });

  test("every divergence trains inside the domain of its conjugate, and they differ", async () => {
    const duals = new Set<string>();
    for (const divergence of [
      kullbackLeibler(),
      alphaDivergence(2),
      alphaDivergence(0.5),
      reverseKullbackLeibler(),
      jensenShannon(),
    ]) {
      const solution = await solve(law(divergence), neuralProximalFlowDual({ ...tiny, steps: 60 }), onCpu);
      const dual = solution.objective.dual!;
      expect(Number.isFinite(dual)).toBe(true);
      const top = Math.max(...solution.critic!.value(Float64Array.from({ length: 50 }, (_, i) => i / 2 - 12)));
      expect(top).toBeLessThan(divergence.conjugateDomain);
      duals.add(dual.toFixed(3));
    }
    expect(duals.size).toBe(5);
  });

  test("a short run is not called converged, although its falling rate ends the drift", async () => {
    const problem = proximalFlow({ ...law(alphaDivergence(0.5)), horizon: 0.3, kineticWeight: 3, lipschitz: 1.5 });
    const { status } = await solve(problem, neuralProximalFlowDual({ ...tiny, steps: 60 }), onCpu);
    expect(status.converged).toBe(false);
    expect(status.text).toMatch(/^stopped early/);
  });

  test("same seed, same numbers; another seed, others; no tensors left behind", async () => {
    const before = tf.memory().numTensors;
    const run = (seed: number) => solve(law(kullbackLeibler()), neuralProximalFlowDual(tiny), { ...onCpu, seed });
    const [a, b, c] = [await run(3), await run(3), await run(4)];
    expect(a.arrays().terminal.data).toEqual(b.arrays().terminal.data);
    expect(a.arrays().terminal.data).not.toEqual(c.arrays().terminal.data);
    expect(tf.memory().numTensors).toBe(before);
  });
});

const gpuConfigured = process.env.VK_ICD_FILENAMES !== undefined || process.env.MEANFIELD_REAL_GPU !== undefined;
test.skipIf(!gpuConfigured)("trains on the WebGPU device as on the CPU", async () => {
  const options = { ...tiny, steps: 2, innerSteps: 1, evaluation: 32 };
  const run = (device: "cpu" | "webgpu") =>
    solve(gaussianShift({ dimension: 2 }), neuralProximalFlowDual(options), { device, onFailure: "return", seed: 1 });
  const onGpu = await run("webgpu");
  const onCpu = await run("cpu");
  expect(onGpu.device.used).toBe("webgpu");
  expect(onCpu.device.used).toBe("cpu");
  // the first value is that of equal parameters; later ones part by rounding at the kink of the normalisation
  expect(onGpu.histories[0].values[0]).toAgree(onCpu.histories[0].values[0], { rtol: 1e-4 });
  expect(onGpu.histories[0].values[1]).toAgree(onCpu.histories[0].values[1], { rtol: 0.05 });
});

describe("interruption", () => {
  const problem = gaussianShift({ dimension: 2 });
  const run = (solver: NeuralProximalFlowDualOptions, more: object = {}) =>
    solve(problem, neuralProximalFlowDual(solver), { ...onCpu, seed: 7, ...more });

  /** Aborts after the given step. */
  const interrupted = (file: string, at: number, every: number) => {
    const controller = new AbortController();
    let last = 0;
    const promise = run(tiny, {
      checkpoint: { file, every },
      signal: controller.signal,
      onProgress: (e: { iteration: number }) => {
        last = e.iteration;
        if (e.iteration === at) controller.abort(new Error("enough"));
      },
    });
    return { promise, last: () => last };
  };

  test("20 + 20 steps equal 40, bit for bit", async () => {
    const whole = await run(tiny);
    const file = join(folder, "resume.json");
    const first = interrupted(file, 20, 20);
    await expect(first.promise).rejects.toThrow("enough");
    const steps: number[] = [];
    const rest = await run(tiny, {
      checkpoint: { file, every: 20 },
      onProgress: (e: { iteration: number }) => steps.push(e.iteration),
    });
    expect(steps[0]).toBe(21);
    for (const [name, a] of Object.entries(whole.arrays())) expect(rest.arrays()[name].data).toEqual(a.data);
    expect(rest.objective.dual).toBe(whole.objective.dual);
    expect(rest.histories).toEqual(whole.histories);
    expect(rest.counts).toEqual(whole.counts);
  });

  test("the signal stops within one step, leaves no half-written file and no tensors", async () => {
    const before = tf.memory().numTensors;
    const file = join(folder, "stop.json");
    const { promise, last } = interrupted(file, 7, 5);
    await expect(promise).rejects.toThrow("enough");
    expect(last()).toBe(7);
    expect(existsSync(file)).toBe(true);
    expect(readdirSync(folder).filter((name) => name.startsWith("stop"))).toEqual(["stop.json"]);
    expect(tf.memory().numTensors).toBe(before);
  });

  test("a checkpoint of another run is refused", async () => {
    const file = join(folder, "other.json");
    await expect(interrupted(file, 5, 5).promise).rejects.toThrow("enough");
    await expect(run(tiny, { checkpoint: { file }, seed: 8 })).rejects.toThrow(
      `checkpoint: seed must be that of the run that wrote ${file} (7); got 8. Repeat that run's settings, or name another file.`,
    );
    writeFileSync(file, "not json");
    await expect(run(tiny, { checkpoint: { file } })).rejects.toThrow(
      `checkpoint: file must hold a checkpoint of this program; got ${file}. Name another file, or delete this one.`,
    );
  });
});

describe("bad input", () => {
  test.each([
    [{ width: 7 }, "width must be an even integer ≥ 2; got 7. Use width: 64 to start."],
    [{ depth: 0 }, "depth must be an integer ≥ 1; got 0. Use depth: 3 to start."],
    [{ batch: 0 }, "batch must be an integer ≥ 1; got 0. Use batch: 256 to start."],
    [{ targetBatch: 1.5 }, "targetBatch must be an integer ≥ 1; got 1.5. Use targetBatch: 512 to start."],
    [{ steps: -1 }, "steps must be an integer ≥ 1; got -1. Use steps: 1000 to start."],
    [{ innerSteps: 0 }, "innerSteps must be an integer ≥ 1; got 0. Use innerSteps: 4 to start."],
    [{ pool: 0 }, "pool must be an integer ≥ 1; got 0. Use pool: 8192 to start."],
    [{ evaluation: 0 }, "evaluation must be an integer ≥ 1; got 0. Use evaluation: 1024 to start."],
    [{ learningRate: 2 }, "learningRate must be > 0 and < 1; got 2. Use learningRate: 0.006 to start."],
    [{ averaging: 1 }, "averaging must be ≥ 0 and < 1; got 1. Use averaging: 0 for none."],
  ])("%o", (options, message) => {
    expect(() => neuralProximalFlowDual(options)).toThrow(`neuralProximalFlowDual: ${message}`);
  });

  test("a divergence without a tensor form, a foreign problem, a time outside", async () => {
    const own = { ...kullbackLeibler(), description: { kind: "mine" } };
    const problem = { ...gaussianShift(), divergence: own };
    await expect(solve(problem, neuralProximalFlowDual(tiny), onCpu)).rejects.toThrow(
      "tensorConjugate: divergence must",
    );
    expect(neuralProximalFlowDual().handles({ ...gaussianShift(), kind: "hughes" as never })).toBe(
      "it solves proximal-flow problems, not hughes; use a solver of that family",
    );
    const solution = await solve(gaussianShift(), neuralProximalFlowDual({ ...tiny, steps: 2 }), onCpu);
    expect(() => solution.density(2)).toThrow(
      "neuralProximalFlowDual: t must be in [0, 1]; got 2. Give a time of the problem.",
    );
    expect(() => solution.trajectories({ steps: 0 })).toThrow(
      "neuralProximalFlowDual: trajectories.steps must be an integer ≥ 1; got 0. Use steps: 20 to start.",
    );
    const plane = await solve(gaussianShift({ dimension: 2 }), neuralProximalFlowDual({ ...tiny, steps: 2 }), onCpu);
    for (const f of [() => plane.value(0, new Float64Array(3)), () => plane.critic!.value(new Float64Array(3))])
      expect(f).toThrow(
        "neuralProximalFlowDual: points must have a length divisible by 2; got 3. Give the coordinates row by row.",
      );
    expect(() => plane.trajectories({ start: cloud([1, 2], 1) })).toThrow(
      "neuralProximalFlowDual: trajectories.start must have the problem's dimension 2; got 1. Give points of the same space.",
    );
    expect(() => plane.trajectories({ count: 0 })).toThrow(
      "neuralProximalFlowDual: trajectories.count must be an integer ≥ 1; got 0. Use count: 256 to start.",
    );
    expect(solution.status.converged).toBe(false);
    expect(solution.status.text).toMatch(/^stopped early: .*; use steps ≥ 500$/);
  });
});

test("a critic that fits its batches only is not called converged", async () => {
  const { status, objective } = await solve(gaussianShift({ lipschitz: 1e12 }), neuralProximalFlowDual(tiny), onCpu);
  expect(objective.dual).toBeLessThan(0);
  expect(status.converged).toBe(false);
  expect(status.text).toMatch(/^the critic does not carry over: dual -/);
});
