// Particles with a network critic: speed ≤ L for certain, energies below the exact ones on the same clouds, closed forms of the flow.
import { describe, expect, it } from "vitest";
import {
  type GradientFlow,
  gradientFlow,
  huberFlow,
  lipschitzDivergence,
  singularTarget,
  transportTo,
} from "../../../problems/index.js";
import {
  type NeuralGradientFlowOptions,
  type NeuralGradientFlowSolution,
  neuralGradientFlow,
} from "../../../solvers/neural/index.js";
import { domain } from "../../../src/grid/index.js";
import {
  alphaDivergence,
  cloud,
  type Divergence,
  dirac,
  empirical,
  gaussian,
  jensenShannon,
  kullbackLeibler,
  reverseKullbackLeibler,
  uniformBox,
} from "../../../src/measure/index.js";
import { normalQuantile } from "../../../src/random/index.js";
import { type SolveOptions, solve } from "../../../src/solve.js";
import { acquireTensors } from "../../../src/tensor/index.js";

const wide = domain({ lower: [-10], upper: [10], ends: ["no-flux"] });
const small = {
  count: 40,
  targetCount: 40,
  steps: 6,
  criticSteps: 10,
  firstCriticSteps: 200,
  measureEvery: 3,
} as const;

const run = (problem: GradientFlow, options: NeuralGradientFlowOptions, more: SolveOptions = {}) =>
  solve(problem, neuralGradientFlow(options), { device: "cpu", seed: 1, ...more });

const history = (s: NeuralGradientFlowSolution, name: string) => s.histories.find((h) => h.name === name)!;

const meanOf = (points: Float64Array, d: number, axis = 0): number => {
  let sum = 0;
  for (let i = axis; i < points.length; i += d) sum += (points[i] * d) / points.length;
  return sum;
};

/** Energies are lower bounds of the exact D, which is there in every measured step, and miss at most `share` of its largest. */
function expectBelowExact(s: NeuralGradientFlowSolution, share: number): void {
  const exact = history(s, "exact energy");
  const most = Math.max(...exact.values);
  expect(exact.values.length).toBeGreaterThan(1);
  exact.iterations.forEach((n, k) => {
    expect(s.energies[n]).toBeLessThanOrEqual(exact.values[k] + 1e-7 * most);
    expect(exact.values[k] - s.energies[n]).toBeLessThanOrEqual(share * most);
  });
}

describe("closed forms", () => {
  it("one atom to another: straight, at speed L, D = L × distance", async () => {
    const problem = gradientFlow({
      domain: domain({ lower: [-5, -5], upper: [5, 5], ends: "no-flux" }),
      horizon: 2,
      initial: dirac([0, 0]),
      energy: lipschitzDivergence({
        dimension: 2,
        divergence: kullbackLeibler(),
        lipschitz: 1.5,
        target: dirac([3, 4]),
      }),
    });
    const s = await run(problem, { ...small, count: 3, targetCount: 3, steps: 10 });
    s.times.forEach((t, n) => {
      const D = 1.5 * (5 - 1.5 * t);
      expect(s.energies[n]).toBeLessThanOrEqual(D * (1 + 1e-2));
      expect(s.energies[n]).toBeGreaterThan(0.98 * D);
      expect(s.clouds[n].points.slice(0, 2)).toAgree([0.9 * t, 1.2 * t], { rtol: 0, atol: 0.05 * (1 + t) });
      expect(s.speeds[n]).toBeLessThanOrEqual(1.5 * (1 + 1e-9));
      expect(s.speeds[n]).toBeGreaterThan(0.98 * 1.5);
    });
    expect(s.samplingNoise).toAgree(0, { rtol: 0, atol: 1e-9 });
  });
  it("the golden D¹ of ½N(−2,¼) + ½N(2,¼) from N(0,1): 0.98399, at least 97 % of it", async () => {
    // Quantiles instead of draws: no sampling error, a bias of order 1/n.
    const n = 200;
    const half = Float64Array.from({ length: n / 2 }, (_, i) => 0.5 * normalQuantile((i + 0.5) / (n / 2)));
    const two = cloud([...half.map((z) => z - 2), ...half.map((z) => z + 2)], 1);
    const one = cloud(
      Float64Array.from({ length: n }, (_, i) => normalQuantile((i + 0.5) / n)),
      1,
    );
    const problem = gradientFlow({
      domain: wide,
      horizon: 0.1,
      initial: empirical(two, { name: "two" }),
      energy: lipschitzDivergence({
        dimension: 1,
        divergence: kullbackLeibler(),
        lipschitz: 1,
        target: empirical(one, { name: "one" }),
      }),
    });
    const s = await run(problem, { count: n, steps: 1 });
    expect(history(s, "exact energy").values[0]).toAgree(0.98399, { rtol: 0.01 });
    expect(s.energies[0]).toBeGreaterThan(0.97 * 0.98399);
    expectBelowExact(s, 0.025);
  });
  it.each([1, 2])("the Huber flow in %i-D moves at speed L, and −ΔD = ∫I", async (dimension) => {
    const s = await run(huberFlow({ dimension, horizon: 1.5 }), {
      count: 100,
      targetCount: 100,
      steps: 15,
      criticSteps: 10,
    });
    // The displacement of the mean has no sampling error while the slope is L everywhere.
    const moved = (n: number) => meanOf(s.clouds[0].points, dimension) - meanOf(s.clouds[n].points, dimension);
    for (const n of [5, 10, 15]) expect(moved(n)).toAgree(s.times[n], { rtol: dimension === 1 ? 0.03 : 0.06 });
    const I = s.dissipations as readonly number[];
    let integral = 0;
    for (let n = 1; n <= 15; n++) integral += 0.5 * (I[n] + I[n - 1]) * (s.times[n] - s.times[n - 1]);
    expect(s.energies[0] - s.energies[15]).toAgree(integral, { rtol: 0.05 });
    // D of 100 draws each has a standard error of L √(2/100) = 0.14
    expect(s.energies[0]).toAgree(2.5, { rtol: 0, atol: 0.42 });
    expectBelowExact(s, dimension === 1 ? 0.03 : 0.12);
    const w2 = history(s, "W₂");
    expect(w2.iterations).toEqual([0, 5, 10, 15]);
    expect(w2.values[3]).toBeLessThan(w2.values[0] - 1);
  });
});

describe("the certificate", () => {
  it("every pair of points, every speed and every energy keep to the bound, in 3-D with L = 2.5", async () => {
    const L = 2.5;
    const s = await run(huberFlow({ dimension: 3, lipschitz: L, horizon: 0.6 }), small);
    expect(s.critic!.certifiedLipschitz!).toBeLessThanOrEqual(L * (1 + 1e-9));
    expect(s.critic!.certifiedLipschitz!).toBeGreaterThan(0.9 * L);
    for (const v of s.speeds) expect(v).toBeLessThanOrEqual(L * (1 + 1e-9));
    const points = s.clouds[0].points;
    for (const t of [0, 0.35]) {
      const values = s.value(t, points);
      for (let i = 0; i < values.length; i++)
        for (let j = 0; j < i; j++) {
          const gap = Math.hypot(...[0, 1, 2].map((a) => points[3 * i + a] - points[3 * j + a]));
          expect(Math.abs(values[i] - values[j])).toBeLessThanOrEqual(L * gap * (1 + 1e-9) + 1e-12);
        }
    }
    expectBelowExact(s, 0.35);
    expect(s.energies.at(-1)!).toBeLessThan(s.energies[0] - 1);
    expect(s.objective).toEqual({ primal: null, dual: s.energies.at(-1), gap: null });
  });
  it.each([
    ["α = 2", alphaDivergence(2)],
    ["α = ½", alphaDivergence(0.5)],
    ["reverse KL", reverseKullbackLeibler()],
    ["Jensen–Shannon", jensenShannon()],
    ["W₁", null],
  ] as const)("%s: the critic's constant is exact, also next to the edge of its domain", async (_, divergence) => {
    const target = uniformBox({ lower: [1], upper: [3] });
    const energy =
      divergence === null
        ? transportTo({ dimension: 1, order: 1, target })
        : lipschitzDivergence({ dimension: 1, divergence: divergence as Divergence, lipschitz: 1, target });
    const s = await run(
      gradientFlow({ domain: wide, horizon: 0.5, initial: uniformBox({ lower: [-1], upper: [0] }), energy }),
      small,
    );
    expectBelowExact(s, 0.03);
  });
});

describe("without a bound", () => {
  const context = {
    seed: 1,
    device: "cpu",
    signal: null,
    checkpoint: null,
    progress: () => {},
    elapsed: () => 0,
    version: "test",
  } as const;
  const options = { ...small, steps: 40, criticSteps: 40, firstCriticSteps: 20, learningRate: 2e-3 };
  it("a singular target is refused at the front door; beyond it the flow stops before damage", async () => {
    const free = singularTarget({ lipschitz: Infinity });
    await expect(run(free, options)).rejects.toThrow("ill-posed");
    const s = await neuralGradientFlow(options).solve(free, context);
    expect(s.status.converged).toBe(false);
    expect(s.status.text.replace(/\d[\d.e+]*/g, "#")).toMatchInlineSnapshot(
      `"stopped before damage after step #, t = #: a speed of # exceeds #, # diameters of the data per unit time, and nothing bounds the critic; set a finite lipschitz"`,
    );
    expect(s.times.length).toBeLessThan(41);
    expect(s.times.length).toBeGreaterThan(1);
    for (const [n, c] of s.clouds.entries()) {
      expect(c.points.every(Number.isFinite)).toBe(true);
      expect(s.speeds[n]).toBeLessThan(30);
    }
    expect(s.times.length).toBe(s.clouds.length);
    expect([s.deficit, s.samplingNoise, s.critic!.certifiedLipschitz]).toEqual([null, null, null]);
    expect(s.histories.map((h) => h.name)).not.toContain("exact energy");
    expect(s.density(s.times.at(-1)!)).toBe(s.clouds.at(-1));
    expect(() => s.density(free.horizon)).toThrow("solution: t must lie in");
  });
  it("the same target with L = 1 is fine", async () => {
    const s = await run(singularTarget(), { ...small, steps: 10 });
    expect(s.status.converged).toBe(true);
    expect(s.energies.at(-1)!).toBeLessThan(0.7 * s.energies[0]);
  });
  it("what goes to the end is not certified", async () => {
    const target = gaussian({ mean: [0] });
    const problem = gradientFlow({
      domain: wide,
      initial: gaussian({ mean: [1] }),
      energy: lipschitzDivergence({ dimension: 1, divergence: kullbackLeibler(), lipschitz: Infinity, target }),
    });
    const few = { ...small, steps: 4, criticSteps: 2, firstCriticSteps: 10, learningRate: 1e-3 };
    const s = await run(problem, few, { onFailure: "return" });
    expect(s.status).toMatchInlineSnapshot(`
      {
        "converged": false,
        "text": "not certified: 4 steps, but L is ∞ and D between clouds is infinite; set a finite lipschitz",
      }
    `);
    await expect(run(problem, few)).rejects.toThrow("not certified");
  });
});

describe("the solution", () => {
  const data = cloud([1, 1, 2, 0, 4, 1], 2, [0.5, 0.25, 0.25]);
  const problem = gradientFlow({
    domain: domain({ lower: [-5, -5], upper: [5, 5], ends: "no-flux" }),
    horizon: 1,
    initial: gaussian({ mean: [-2, 0], sd: 0.1 }),
    energy: lipschitzDivergence({
      dimension: 2,
      divergence: kullbackLeibler(),
      lipschitz: 1,
      target: empirical(data, { name: "three" }),
    }),
  });
  it("takes weighted data whole, interpolates, and moves new points by the same critics, in both integrators", async () => {
    for (const integrator of ["euler", "heun"] as const) {
      const s = await run(problem, { ...small, integrator, steps: 4, count: 5, targetCount: null });
      expect(s.target).toBe(data);
      expectBelowExact(s, 0.05);
      const between = s.density(0.125).points;
      between.forEach((x, i) => {
        expect(x).toAgree((s.clouds[0].points[i] + s.clouds[1].points[i]) / 2, { rtol: 1e-12 });
      });
      const own = s.trajectories({ steps: 4 });
      const anew = s.trajectories({ steps: 4, start: s.clouds[0] });
      expect(anew.positions).toAgree(own.positions, { rtol: 0, atol: 1e-12 });
      expect(own.positions.slice(-10)).toAgree(s.clouds[4].points, { rtol: 1e-12 });
      const v = s.velocity(0, s.clouds[0].points);
      expect(s.dissipations[0]).toAgree(
        v.reduce((sum, x) => sum + (x * x) / 5, 0),
        { rtol: 1e-12 },
      );
      if (integrator === "euler")
        expect(v.map((x, i) => s.clouds[0].points[i] + 0.25 * x)).toAgree(s.clouds[1].points, { rtol: 1e-12 });
      expect(s.counts.criticSteps).toBe(200 + 4 * (integrator === "euler" ? 10 : 20));
      const arrays = s.arrays();
      expect(arrays.particles.shape).toEqual([5, 5, 2]);
      expect(arrays.parameter_0.shape).toEqual([5, 2, 32]);
      expect(arrays.constant.shape).toEqual([5]);
      // KL: the constant is log-mean-exp
      const values = s.critic!.value(data.points);
      expect(values.reduce((sum, y, j) => sum + data.weights![j] * Math.exp(y), 0)).toAgree(1, { rtol: 1e-10 });
    }
  });
  it("same seed, same numbers; another seed, others; a minibatch, others again", async () => {
    const options = { ...small, steps: 3 };
    const flow = huberFlow({ horizon: 1 });
    const [a, b, c, d] = [
      await run(flow, options),
      await run(flow, options),
      await run(flow, options, { seed: 2 }),
      await run(flow, { ...options, batch: 20 }),
    ];
    expect(b.energies).toEqual(a.energies);
    expect(b.clouds.at(-1)!.points).toEqual(a.clouds.at(-1)!.points);
    expect(c.clouds[0].points).not.toEqual(a.clouds[0].points);
    expect(d.clouds[0].points).toEqual(a.clouds[0].points);
    expect(d.energies).not.toEqual(a.energies);
    expect(d.status.converged).toBe(true);
  });
  it("stops when a timer aborts it, and says where it is", async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("stopped by a timer")), 300);
    await expect(
      run(huberFlow({ horizon: 1 }), { ...small, firstCriticSteps: 100_000 }, { signal: controller.signal }),
    ).rejects.toThrow("stopped by a timer");
    const stages: string[] = [];
    await run(
      huberFlow({ horizon: 1 }),
      { ...small, steps: 1 },
      { onProgress: (p) => stages.push(`${p.stage.slice(0, 6)} ${p.fraction}`) },
    );
    expect(stages).toEqual(["time ( 0", "time ( 1"]);
  });
});

it("steps that throw the particles past the target are no converged flow", async () => {
  const long = await run(huberFlow({ lipschitz: 1000, horizon: 0.5 }), { ...small, steps: 4 }, { onFailure: "return" });
  expect(Math.max(...long.energies)).toBeGreaterThan(2 * long.energies[0]);
  expect(long.status.converged).toBe(false);
  expect(long.status.text).toMatch(
    /^the steps are too long: D rises from .*, particles overshoot by up to L Δt = 1\.3e\+2; use more steps$/,
  );
});

it("leaves no tensors behind, also when it is aborted before its first step or in it", async () => {
  const { tf, release } = await acquireTensors("cpu");
  release();
  const problem = huberFlow({ horizon: 1 });
  const before = tf.memory().numTensors;
  await run(problem, { ...small, steps: 2 });
  expect(tf.memory().numTensors).toBe(before);
  for (const looks of [1, 3, 30]) {
    // a signal that aborts at its n-th look
    let left = looks;
    const signal = new EventTarget() as AbortSignal;
    Object.defineProperty(signal, "aborted", { get: () => left < 0 });
    signal.throwIfAborted = () => {
      if (--left < 0) throw new Error("enough");
    };
    const solver = neuralGradientFlow(small);
    await expect(solve(problem, solver, { device: "cpu", signal })).rejects.toThrow("enough");
    expect(tf.memory().numTensors).toBe(before);
  }
});

describe("messages", () => {
  const message = (work: () => unknown): string => {
    try {
      work();
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error("nothing was thrown");
  };
  it("of options", () => {
    expect(
      (
        [
          { count: 0 },
          { targetCount: 1.5 },
          { steps: 0 },
          { integrator: "midpoint" as "heun" },
          { width: 31 },
          { depth: 0 },
          { activation: "swish" as "relu" },
          { criticSteps: 0 },
          { firstCriticSteps: -1 },
          { learningRate: 1 },
          { batch: 0 },
          { measureEvery: 0 },
          { tolerance: 0 },
          { criticStep: 5 } as object,
        ] as NeuralGradientFlowOptions[]
      ).map((options) => message(() => neuralGradientFlow(options))),
    ).toMatchInlineSnapshot(`
      [
        "neuralGradientFlow: count must be an integer ≥ 1; got 0. Use count: 200 to start.",
        "neuralGradientFlow: targetCount must be an integer ≥ 1, or null for all; got 1.5. Leave it out.",
        "neuralGradientFlow: steps must be an integer ≥ 1; got 0. Use steps: 40 to start.",
        "neuralGradientFlow: integrator must be "euler" or "heun"; got "midpoint". Use integrator: "euler".",
        "neuralGradientFlow: width must be an even integer ≥ 2; got 31. Use width: 64 to start.",
        "neuralGradientFlow: depth must be an integer ≥ 1; got 0. Use depth: 3 to start.",
        "neuralGradientFlow: activation must be one of maxmin, smooth-maxmin, softabs, softplus, tanh, relu; got "swish". Use activation: "smooth-maxmin" to start.",
        "neuralGradientFlow: criticSteps must be an integer ≥ 1; got 0. Use criticSteps: 20 to start.",
        "neuralGradientFlow: firstCriticSteps must be an integer ≥ 1; got -1. Use firstCriticSteps: 500 to start.",
        "neuralGradientFlow: learningRate must be > 0 and < 1; got 1. Use learningRate: 0.02 to start.",
        "neuralGradientFlow: batch must be an integer ≥ 1, or null for all; got 0. Leave it out.",
        "neuralGradientFlow: measureEvery must be an integer ≥ 1; got 0. Use measureEvery: 5 to start.",
        "neuralGradientFlow: tolerance must be > 0 and < 1; got 0. Use tolerance: 0.1 to start.",
        "neuralGradientFlow: options must have no "criticStep"; got 5. Did you mean criticSteps.",
      ]
    `);
  });
  it("of problems", () => {
    const target = gaussian({ mean: [0] });
    const flow = (
      initial: Parameters<typeof gradientFlow>[0]["initial"],
      energy: Parameters<typeof gradientFlow>[0]["energy"],
    ) => gradientFlow({ domain: wide, initial, energy });
    const divergence = kullbackLeibler();
    const good = lipschitzDivergence({ dimension: 1, divergence, lipschitz: 1, target });
    const solver = neuralGradientFlow();
    expect(
      [
        flow(target, transportTo({ dimension: 1, order: 2, target })),
        flow(target, good),
        flow(target, lipschitzDivergence({ dimension: 1, divergence, lipschitz: Infinity, target })),
      ].map((p) => solver.handles(p)),
    ).toMatchInlineSnapshot(`
      [
        "the energy is neither a Lipschitz-regularised divergence nor W₁; use a grid solver",
        true,
        true,
      ]
    `);
  });
  it("of what came out", async () => {
    const s = await run(huberFlow({ horizon: 1 }), small);
    expect(s.status.converged).toBe(true);
    expect(s.status.text.replace(/[\d.]+/g, "#")).toMatchInlineSnapshot(
      `"converged: # steps; its D stays at most # below the exact D between the same points (t = #; # % of the largest D; measured # times), where two samples of the target itself have D = #"`,
    );
    const weak = await run(
      huberFlow({ horizon: 1 }),
      { ...small, criticSteps: 1, firstCriticSteps: 1, tolerance: 1e-3 },
      { onFailure: "return" },
    );
    expect(weak.status.converged).toBe(false);
    expect(weak.status.text.replace(/[\d.]+/g, "#")).toMatchInlineSnapshot(
      `"the critic is too weak: its D stays at most # below the exact D between the same points (t = #; # % of the largest D; measured # times), where two samples of the target itself have D = #; use more criticSteps, more steps or a larger width"`,
    );
    expect(message(() => s.density(-1))).toMatchInlineSnapshot(
      `"solution: t must lie in [0, 1]; got -1. Ask for a time between start and horizon."`,
    );
  });
});
