import { describe, expect, it } from "vitest";
import {
  alphaDivergence,
  type Divergence,
  divergenceFrom,
  jensenShannon,
  kullbackLeibler,
  plainTransport,
  reverseKullbackLeibler,
} from "../../src/measure/index.js";

const smooth: Divergence[] = [
  kullbackLeibler(),
  alphaDivergence(2),
  alphaDivergence(5),
  alphaDivergence(1.5),
  alphaDivergence(0.5),
  alphaDivergence(0.2),
  reverseKullbackLeibler(),
  jensenShannon(),
];

/** sup_r (r y − f(r)) for r ≥ 0 by golden-section search in s = log r, with r = 0 tried apart: knows nothing of f*. */
function legendre(f: (r: number) => number, y: number): { value: number; at: number } {
  const g = (s: number) => Math.exp(s) * y - f(Math.exp(s));
  const ratio = (Math.sqrt(5) - 1) / 2;
  let a = -40;
  let b = 40;
  while (b - a > 1e-9) {
    const c = b - ratio * (b - a);
    const d = a + ratio * (b - a);
    if (g(c) > g(d)) b = d;
    else a = c;
  }
  const s = 0.5 * (a + b);
  return f(0) < Infinity && -f(0) >= g(s) ? { value: -f(0), at: 0 } : { value: g(s), at: Math.exp(s) };
}

describe.each(smooth.map((d) => [d.name, d] as const))("%s", (_, d) => {
  const ys = [-3, -1.2, -0.4, -0.05, 0.03, 0.3, 0.6, 1.1, 2].filter((y) => y < d.conjugateDomain);

  it("has the conjugate of its f, by numerical Legendre transform", () => {
    for (const y of ys) {
      const { value, at } = legendre(d.f, y);
      expect(d.conjugate(y)).toAgree(value, { atol: 1e-12, rtol: 1e-11 });
      expect(d.conjugateDerivative(y)).toAgree(at, { atol: 1e-6, rtol: 1e-6 });
    }
  });

  it("has derivatives that agree with central differences", () => {
    for (const y of ys) {
      const h = 1e-4;
      expect(d.conjugateDerivative(y)).toAgree((d.conjugate(y + h) - d.conjugate(y - h)) / (2 * h), {
        rtol: 1e-5,
        atol: 1e-8,
      });
      expect(d.conjugateSecondDerivative(y)).toAgree(
        (d.conjugateDerivative(y + h) - d.conjugateDerivative(y - h)) / (2 * h),
        { rtol: 2e-5, atol: 1e-8 },
      );
    }
  });

  it("is 0 at r = 1, ∞ for r < 0, convex, and ∞ past the conjugate's domain", () => {
    expect(d.f(1)).toAgree(0, { atol: 1e-16 });
    expect(d.f(-0.1)).toBe(Infinity);
    for (const r of [0.1, 0.7, 1.3, 4]) expect(d.f(r)).toBeLessThan(0.5 * (d.f(0.8 * r) + d.f(1.2 * r)));
    if (d.conjugateDomain < Infinity) {
      const out = d.conjugateDomain + 0.1;
      expect([d.conjugate(out), d.conjugateDerivative(out), d.conjugateSecondDerivative(out)]).toEqual([
        Infinity,
        Infinity,
        Infinity,
      ]);
      expect(d.conjugate(d.conjugateDomain)).toBe(Infinity);
    }
  });

  it("comes back from its JSON description, and satisfies Fenchel–Young with equality at the optimum", () => {
    const again = divergenceFrom(JSON.parse(JSON.stringify(d.description)));
    expect(again.name).toBe(d.name);
    for (const y of ys) {
      expect(again.conjugate(y)).toBe(d.conjugate(y));
      const r = d.conjugateDerivative(y);
      expect(d.f(r) + d.conjugate(y)).toAgree(r * y, { atol: 1e-12, rtol: 1e-11 });
      expect(d.f(0.9 * r + 0.05) + d.conjugate(y)).toBeGreaterThanOrEqual((0.9 * r + 0.05) * y - 1e-12);
    }
  });
});

describe("the limits and the convention", () => {
  it("α → 1 is KL and α → 0 is reverse KL, up to c(r − 1)", () => {
    for (const r of [0.2, 0.9, 1.7, 3]) {
      // With f′(1) = 0: subtract f′(1)(r − 1) = (r − 1)/(α − 1).
      const alpha = 1 + 1e-6;
      expect(alphaDivergence(alpha).f(r) - (r - 1) / (alpha - 1)).toAgree(kullbackLeibler().f(r), { atol: 1e-5 });
      expect(alphaDivergence(1e-7).f(r)).toAgree(reverseKullbackLeibler().f(r), { atol: 1e-6 });
    }
  });

  it("Jensen–Shannon is un-halved: 2 log 2 for disjoint laws", () => {
    // Q = δ₀ share: E_Q f(0) + f′(∞) = log 2 + log 2
    expect(jensenShannon().f(0)).toAgree(Math.LN2);
    expect(jensenShannon().f(1e9) / 1e9).toAgree(Math.LN2, { atol: 1e-7 });
  });

  it("plain transport is rigid with f* = y", () => {
    const d = plainTransport();
    expect([d.f(1), d.f(0.999), d.rigid, d.logMeanExp]).toEqual([0, Infinity, true, false]);
    expect([d.conjugate(-2.5), d.conjugateDerivative(3), d.conjugateSecondDerivative(3)]).toEqual([-2.5, 1, 0]);
    expect(divergenceFrom(d.description).rigid).toBe(true);
    expect(smooth.map((s) => s.rigid)).toEqual(smooth.map(() => false));
    expect(smooth.filter((s) => s.logMeanExp).map((s) => s.name)).toEqual(["KL"]);
  });

  it("refuses bad input", () => {
    expect(() => alphaDivergence(1)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: alphaDivergence: alpha must be finite, > 0 and not 1; got 1. Use kullbackLeibler() for α = 1 and reverseKullbackLeibler() for α = 0.]`,
    );
    expect(() => divergenceFrom({ kind: "alpha" })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: alphaDivergence: alpha must be finite, > 0 and not 1; got undefined. Use kullbackLeibler() for α = 1 and reverseKullbackLeibler() for α = 0.]`,
    );
    expect(() => divergenceFrom({ kind: "hellinger" })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: divergenceFrom: kind must be one of kullback-leibler, alpha, reverse-kullback-leibler, jensen-shannon, plain-transport; got "hellinger". Use { kind: "kullback-leibler" } to start.]`,
    );
  });
});
