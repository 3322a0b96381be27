// A solution made of closed forms must satisfy every law, and each way of spoiling it must be caught by the law that is there
// for it. U(t,x) = a(t)|x|²/2 + c·x + r(t), a = a_T/(1 + (T−t)a_T/λ): Gaussian variances and means change together.
import { describe, expect, it } from "vitest";
import { type Cloud, cloud, gaussian } from "../../src/measure/index.js";
import { generator } from "../../src/random/index.js";
import type { Solution } from "../../src/solution/index.js";
import { flowLaws, judgeAll, type KineticProblem, spread, type Verdict } from "../../src/verify/index.js";

const lambda = 0.7;
const T = 1.3;
const aT = 0.45;
const a = (t: number) => aT / (1 + ((T - t) * aT) / lambda);
const L = 10;

interface Spoil {
  readonly velocity?: (t: number, x: number, axis: number) => number;
  readonly value?: (u: number, t: number, x: Float64Array) => number;
  readonly critic?: (x: number) => number;
  readonly lost?: number;
}

function exact(d: number, spoil: Spoil = {}): Solution<KineticProblem> {
  const v = (t: number, x: number, axis: number) => spoil.velocity?.(t, x, axis) ?? (-a(t) * x) / lambda;
  const velocity = (t: number, x: Float64Array) => x.map((y, i) => v(t, y, i % d));
  const flow = (t: number, x0: Float64Array) =>
    x0.map((y) => (y * (1 + ((T - t) * aT) / lambda)) / (1 + (T * aT) / lambda));
  const start = (count: number, seed: number) =>
    cloud(
      generator(seed)
        .split("source")
        .normal(count * d),
      d,
    );
  const problem = {
    name: "closed-form",
    dimension: d,
    horizon: T,
    kineticWeight: lambda,
    lipschitz: L,
    source: gaussian({ mean: new Float64Array(d) }),
  } as unknown as KineticProblem;
  const solution: Partial<Solution<KineticProblem>> = {
    family: "particle",
    problem,
    seed: 0,
    objective: { primal: 1, dual: 1, gap: 0 },
    critic: {
      value: (x) =>
        Float64Array.from({ length: x.length / d }, (_, i) =>
          x.subarray(i * d, (i + 1) * d).reduce((s, y) => s + (aT * y * y) / 2, 0),
        ),
      gradient: (x) => x.map((y) => spoil.critic?.(y) ?? aT * y),
      certifiedLipschitz: L,
    },
    value: (t, x) =>
      Float64Array.from({ length: x.length / d }, (_, i) => {
        const own = x.subarray(i * d, (i + 1) * d);
        const u = own.reduce((s, y) => s + (a(t) * y * y) / 2, 0);
        return spoil.value?.(u, t, own) ?? u;
      }),
    velocity,
    density: (t) => {
      const points = flow(t, start(2000, 3).points);
      const weights = new Float64Array(2000).fill(1 / 2000);
      if (spoil.lost && t > 0.6 * T) weights[0] = -spoil.lost;
      return { kind: "cloud", dimension: d, count: 2000, points, weights };
    },
    trajectories: (options = {}) => {
      const from: Cloud = options.start ?? start(options.count ?? 64, options.seed ?? 0);
      const steps = options.steps ?? 20;
      const times = Float64Array.from({ length: steps + 1 }, (_, k) => (k * T) / steps);
      const positions = new Float64Array((steps + 1) * from.points.length);
      for (let k = 0; k <= steps; k++) positions.set(flow(times[k], from.points), k * from.points.length);
      return { count: from.count, dimension: d, times, positions, weights: null };
    },
  };
  return solution as Solution<KineticProblem>;
}

const failed = (verdicts: readonly Verdict[]) => verdicts.filter((v) => v.holds === false).map((v) => v.law);
const context = { seed: 5, count: 64 };

describe("flowLaws", () => {
  it.each([1, 2, 3])("all hold on a closed-form solution in dimension %d", async (d) => {
    const verdicts = await judgeAll(flowLaws(), exact(d), context);
    expect(failed(verdicts)).toEqual([]);
    const value = (law: string) => verdicts.find((v) => v.law === law)!.value!;
    expect(value("chord ratio")).toAgree(1, { atol: 1e-12 });
    expect(value("one step")).toBeLessThan(1e-12);
    expect(value("Hamilton–Jacobi")).toBeLessThan(1e-3);
    expect(value("v̇ = −∇r/λ")).toBeLessThan(1e-3);
    expect(value("terminal gradient")).toBeLessThan(1e-20);
    expect(value("optimal pairing")).toAgree(0, { atol: 1e-9 });
    expect(value("continuity")).toBeLessThan(2e-2);
    expect(verdicts.every((v) => v.holds !== null || v.bound === null)).toBe(true);
  });

  it("catch a velocity of the wrong sign", async () => {
    const wrong = exact(2, { velocity: (t, x) => (a(t) * x) / lambda });
    const laws = failed(await judgeAll(flowLaws(), wrong, context));
    expect(laws).toEqual(expect.arrayContaining(["v = −∇U/λ", "paths follow v", "continuity", "terminal gradient"]));
  });

  it("catch a potential with a factor two in its Hamilton–Jacobi equation", async () => {
    // a' = 2a²/λ·½ replaced: U keeps its gradient, its time derivative is doubled by an extra r(t, x)
    const wrong = exact(2, {
      value: (u, t, x) => u + ((t - T / 2) * a(T / 2) ** 2 * x.reduce((s, y) => s + y * y, 0)) / (2 * lambda),
    });
    expect(failed(await judgeAll(flowLaws(), wrong, context))).toEqual(
      expect.arrayContaining(["Hamilton–Jacobi", "v̇ = −∇r/λ"]),
    );
  });

  it("catch acceleration along straight lines, which the chord ratio does not see", async () => {
    const wrong = exact(2, { velocity: (t, x) => (((-a(t) * x) / lambda) * (2 * t)) / T });
    const verdicts = await judgeAll(flowLaws(), wrong, context);
    expect(verdicts.find((v) => v.law === "chord ratio")!.holds).toBe(true);
    expect(failed(verdicts)).toEqual(expect.arrayContaining(["one step", "step 1/5 → 1/40"]));
  });

  it("catch curved paths", async () => {
    const wrong = exact(2, { velocity: (t, _x, axis) => (axis === 0 ? Math.cos(2 * t) : Math.sin(2 * t)) });
    expect(failed(await judgeAll(flowLaws(), wrong, context))).toContain("chord ratio");
  });

  it("catch a critic whose gradient is not that of U(T), and one that is too steep", async () => {
    expect(failed(await judgeAll(flowLaws(), exact(2, { critic: (x) => 1.5 * aT * x }), context))).toContain(
      "terminal gradient",
    );
    expect(failed(await judgeAll(flowLaws(), exact(2, { critic: () => 2 * L }), context))).toContain("Lipschitz audit");
  });

  it("catch mass that is lost and negative", async () => {
    const laws = failed(await judgeAll(flowLaws(), exact(1, { lost: 1e-3 }), context));
    expect(laws).toEqual(expect.arrayContaining(["mass", "positivity"]));
  });

  it("say why when nothing moves instead of dividing by zero", async () => {
    const still = exact(2, { velocity: () => 0 });
    const verdicts = await judgeAll(flowLaws(), still, context);
    const chord = verdicts.find((v) => v.law === "chord ratio")!;
    expect(chord.value).toBe(null);
    expect(chord.note).toBe("nothing moves, so there is no displacement to compare with");
  });
});

describe("spread", () => {
  it("is zero between equal maps and the relative difference between different ones", () => {
    const same = spread([exact(2), exact(2)], 64);
    expect(same.maps).toBe(0);
    expect(same.laws).toBe(0);
    // x_T of the second is x₀ (nothing moves): the maps differ by the displacement of the first
    const other = spread([exact(2), exact(2, { velocity: () => 0 })], 64);
    expect(other.maps).toAgree(2, { rtol: 1e-9 }); // mean displacement is half of the first's
    expect(other.laws).toBeGreaterThan(0);
  });

  it("refuses a single solution", () => {
    expect(() => spread([exact(1)])).toThrow("spread: solutions must be two or more; got 1. Solve from several seeds.");
  });
});
