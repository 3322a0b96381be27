// The closed form that manifold and point targets share (M3): in k of the coordinates the target is δ_b and the source N(0, I_k);
// in the others, if any, source and target agree and nothing moves. With r = |y − b| and τ = T − t:
//   potential  U(t, y) = λr²/2τ if r ≤ Lτ/λ, else Lr − L²τ/2λ (Huber);   critic φ* = U(T) = Lr, zero on the target
//   velocity   speed min(L/λ, r/τ) towards b;   map  r(t) = r₀ − t min(L/λ, r₀/T), along the ray
//   value      E h(r₀) with h = U(0): optimal because φ* is L-Lipschitz and E_π f*(φ*) = f*(0) = 0 for every f-divergence
// E h by incomplete Gamma functions: with c = LT/λ and r₀ ~ χ_k,
//   E[r²; r ≤ c] = k P(χ²_{k+2} ≤ c²),   E[r; r > c] = √2 Γ((k+1)/2)/Γ(k/2) P(χ²_{k+1} > c²),
// and |y − b|² ~ χ²_{k+2J}, J ~ Poisson(|b|²/2), when b ≠ 0.
// Reference: Gu, Katsoulakis, Rey-Bellet, Zhang 2024 (key gu2024proximal).
import { erfc } from "../../src/expression/index.js";
import type { Distribution } from "../../src/measure/index.js";
import type { ProximalFlowExact } from "../proximal-flow.js";

/** The parameters of a collapse: coordinates `first … first + at.length − 1` of `dimension` go to `at`. */
export interface NormalCollapse {
  readonly dimension: number;
  /** First collapsing coordinate. */
  readonly first: number;
  /** b, length k. */
  readonly at: Float64Array;
  readonly kineticWeight: number;
  readonly horizon: number;
  /** L, finite. */
  readonly lipschitz: number;
}

/** The closed form; `source` is the law at t = 0, the only one that is a named distribution. */
export function normalCollapse(problem: NormalCollapse, source: Distribution): ProximalFlowExact {
  const { dimension: d, first, at, kineticWeight: lambda, horizon: T, lipschitz: L } = problem;
  const k = at.length;
  const distance = (x: Float64Array, i: number): number => {
    let sum = 0;
    for (let a = 0; a < k; a++) sum += (x[i * d + first + a] - at[a]) ** 2;
    return Math.sqrt(sum);
  };
  /** out = scale(r) × (y − b) in the collapsing coordinates of point i. */
  const along = (x: Float64Array, out: Float64Array, scale: (r: number) => number): Float64Array => {
    for (let i = 0; i < x.length / d; i++) {
      const s = scale(distance(x, i));
      for (let a = 0; a < k; a++) out[i * d + first + a] = s * (x[i * d + first + a] - at[a]);
    }
    return out;
  };
  return {
    value: huberMean(problem),
    potential: (t, x) =>
      Float64Array.from({ length: x.length / d }, (_, i) => {
        const r = distance(x, i);
        const tau = T - t;
        return r * lambda <= L * tau
          ? tau > 0
            ? (lambda * r * r) / (2 * tau)
            : 0
          : L * r - (L * L * tau) / (2 * lambda);
      }),
    velocity: (t, x) =>
      along(x, new Float64Array(x.length), (r) => (r > 0 ? -Math.min(L / lambda, r / (T - t)) / r : 0)),
    map: (t, x0) => {
      const out = along(x0, x0.slice(), (r) => (r > 0 ? 1 - (t * Math.min(L / lambda, r / T)) / r : 1));
      for (let i = 0; i < x0.length / d; i++) for (let a = 0; a < k; a++) out[i * d + first + a] += at[a];
      return out;
    },
    law: (t) => (t === 0 ? source : null),
  };
}

/** E h(|y − b|), y ~ N(0, I_k), h the Huber cost: the optimal value. */
export function huberMean(problem: Omit<NormalCollapse, "dimension" | "first">): number {
  const { kineticWeight: lambda, horizon: T, lipschitz: L } = problem;
  const c = (L * T) / lambda;
  const [mean, above, tail] = [chiMean(), upperChiSquare(c * c), upperChiSquare(c * c)];
  return poissonMixture(
    problem.at,
    (n) =>
      -((L * L * T) / (2 * lambda)) * tail(n) + (lambda / (2 * T)) * n * (1 - tail(n + 2)) + L * mean(n) * above(n + 1),
  );
}

/** E|y_T − b| = E(r₀ − LT/λ)₊: how far from the target the optimal flow stays. */
export function normalResidual(problem: Omit<NormalCollapse, "dimension" | "first">): number {
  const c = (problem.lipschitz * problem.horizon) / problem.kineticWeight;
  const [mean, above, tail] = [chiMean(), upperChiSquare(c * c), upperChiSquare(c * c)];
  return poissonMixture(problem.at, (n) => mean(n) * above(n + 1) - c * tail(n));
}

/** Σ_J Poisson(J; |b|²/2) g(k + 2J), up to the terms that no longer count. */
function poissonMixture(at: Float64Array, g: (degrees: number) => number): number {
  const half = at.reduce((sum, b) => sum + b * b, 0) / 2;
  let log = -half; // logarithms: e^{−half} alone may underflow
  let sum = 0;
  for (let j = 0; j <= half || log > -42; j++) {
    sum += Math.exp(log) * g(at.length + 2 * j);
    log += Math.log(half / (j + 1));
  }
  return sum;
}

/** k ↦ E r for r ~ χ_k: √2 Γ((k+1)/2)/Γ(k/2), for k of one parity that does not fall from call to call: one product in all. */
function chiMean(): (k: number) => number {
  let mean = 0;
  let n = 0;
  return (k) => {
    if (n === 0) {
      n = k % 2 === 1 ? 1 : 2;
      mean = n === 1 ? Math.sqrt(2 / Math.PI) : Math.sqrt(Math.PI / 2);
    }
    for (; n < k; n += 2) mean *= (n + 1) / n;
    return mean;
  };
}

/**
 * k ↦ P(χ²_k > z) by Q(a + 1, x) = Q(a, x) + xᵃe^{−x}/Γ(a + 1) from Q(½, x) = erfc √x or Q(1, x) = e^{−x}, x = z/2; for k of one
 * parity that does not fall from call to call: one sum in all, where anew for each k a far point would cost |b|⁴.
 */
function upperChiSquare(z: number): (k: number) => number {
  const x = z / 2;
  let a = 0;
  let sum = 0;
  let log = 0;
  return (k) => {
    if (a === 0) {
      const odd = k % 2 === 1;
      a = odd ? 0.5 : 1;
      sum = odd ? erfc(Math.sqrt(x)) : Math.exp(-x);
      log = a * Math.log(x) - x + (odd ? Math.log(2 / Math.sqrt(Math.PI)) : 0);
    }
    for (; a < k / 2; a++) {
      sum += Math.exp(log);
      log += Math.log(x / (a + 1));
    }
    return sum;
  };
}
