// Radial costs h(r), r = |x − y|: convex, nondecreasing, h(0) = 0.
//   linear      h = L r                                              Lipschitz-regularised divergence, W₁
//   quadratic   h = λr²/2T                                           W₂ proximal (OT-flow)
//   Huber       h = λr²/2T if r ≤ LT/λ, else L r − L²T/2λ            W₁⊕W₂ proximal flow
// The Huber cost is the inf-convolution of the other two: Hopf–Lax of a minimum is the minimum of the Hopf–Lax transforms.
// Reference: Gu, Katsoulakis, Rey-Bellet, Zhang 2024 (key gu2024proximal).
import { demand } from "../error.js";
import type { Cloud } from "../measure/index.js";
import type { RadialCost } from "./problem.js";

function demandPositive(where: string, name: string, value: number, cure: string): void {
  demand(value > 0 && Number.isFinite(value), where, name, "be a finite number > 0", value, cure);
}

/**
 * Linear cost h(r) = L r.
 *
 * @param lipschitz L > 0, finite
 * @throws UsageError when L is not a finite number > 0
 *
 * *Good values*: L = 1 gives W₁ with plain transport.
 *
 * *References*: gu2024proximal
 */
export function linearCost(lipschitz: number): RadialCost {
  demandPositive("linearCost", "lipschitz", lipschitz, "Use linearCost(1) to start");
  return {
    name: `${lipschitz} r`,
    description: { kind: "linear", lipschitz },
    h: (r) => lipschitz * r,
    derivative: () => lipschitz,
    kernel: { kind: "linear", stiffness: 0, slope: lipschitz },
  };
}

/**
 * Quadratic cost h(r) = λr²/2T.
 *
 * @param kineticWeight λ > 0
 * @param horizon T > 0
 * @throws UsageError when λ or T is not a finite number > 0
 *
 * *Good values*: λ = 2, T = 1 with plain transport gives W₂².
 *
 * *References*: gu2024proximal
 */
export function quadraticCost(kineticWeight: number, horizon: number): RadialCost {
  demandPositive("quadraticCost", "kineticWeight", kineticWeight, "Use kineticWeight 0.5 to start");
  demandPositive("quadraticCost", "horizon", horizon, "Use horizon 1 to start");
  const stiffness = kineticWeight / horizon;
  return {
    name: `${stiffness} r²/2`,
    description: { kind: "quadratic", kineticWeight, horizon },
    h: (r) => 0.5 * stiffness * r * r,
    derivative: (r) => stiffness * r,
    kernel: { kind: "quadratic", stiffness, slope: Infinity },
  };
}

/**
 * Huber cost h(r) = λr²/2T for r ≤ LT/λ, L r − L²T/2λ beyond: move at cost λ|v|²/2 for time T, then pay L a unit length.
 *
 * @param kineticWeight λ > 0
 * @param horizon T > 0
 * @param lipschitz L > 0; Infinity gives the quadratic cost
 * @throws UsageError when λ, T or L is not positive
 *
 * *References*: gu2024proximal
 */
export function huberCost(kineticWeight: number, horizon: number, lipschitz: number): RadialCost {
  demand(
    lipschitz > 0,
    "huberCost",
    "lipschitz",
    "be > 0 (Infinity for the quadratic cost)",
    lipschitz,
    "Use 1 to start",
  );
  if (lipschitz === Infinity) return quadraticCost(kineticWeight, horizon);
  demandPositive("huberCost", "kineticWeight", kineticWeight, "Use kineticWeight 0.5 to start");
  demandPositive("huberCost", "horizon", horizon, "Use horizon 1 to start");
  const stiffness = kineticWeight / horizon;
  const knee = lipschitz / stiffness;
  return {
    name: `Huber(${stiffness}, ${lipschitz})`,
    description: { kind: "huber", kineticWeight, horizon, lipschitz },
    h: (r) => (r <= knee ? 0.5 * stiffness * r * r : lipschitz * (r - 0.5 * knee)),
    derivative: (r) => (r <= knee ? stiffness * r : lipschitz),
    kernel: { kind: "huber", stiffness, slope: lipschitz },
  };
}

/**
 * A radial cost of the user's own; CPU only.
 *
 * @param options `name`; `h(r)` convex, nondecreasing, h(0) = 0; `derivative(r)` = h′(r)
 * @throws UsageError when h(0) ≠ 0, or h or h′ is not finite, decreases, or is not convex at r = 0, 2⁻¹⁰, 2⁻⁹, …, 2¹⁰
 *
 * *Notes*: convexity is only sampled. WebGPU refuses these costs; give one of the built-in families there.
 */
export function radialCost(options: {
  readonly name: string;
  h(r: number): number;
  derivative(r: number): number;
}): RadialCost {
  const { name, h, derivative } = options;
  const where = "radialCost";
  demand(h(0) === 0, where, "h", "be 0 at r = 0", h(0), "Subtract h(0)");
  let before = 0;
  let at = 0;
  let slope = 0;
  for (let k = -10; k <= 10; k++) {
    const r = 2 ** k;
    const value = h(r);
    const chord = (value - before) / (r - at);
    const good = Number.isFinite(value) && Number.isFinite(derivative(r)) && derivative(r) >= 0;
    demand(good, where, `h at r = ${r}`, "be finite with h′ ≥ 0", [value, derivative(r)], "Give a nondecreasing cost");
    const convex = chord >= slope - 1e-9 * Math.max(1, slope);
    demand(convex, where, `h at r = ${r}`, "be convex", value, "Give a convex cost, for example r ** 1.5");
    before = value;
    at = r;
    slope = chord;
  }
  return { name, description: { kind: "user", name }, h, derivative, kernel: null };
}

/**
 * One row of the cost matrix: out[j] = h(|points_i − Xⱼ|), from coordinate differences.
 *
 * @param points row-major, in the target's dimension
 * @param i which point
 * @param out length N, overwritten
 */
export function costRow(points: Float64Array, i: number, target: Cloud, cost: RadialCost, out: Float64Array): void {
  const { points: X, dimension: d, count: n } = target;
  if (d === 1) {
    const x = points[i];
    for (let j = 0; j < n; j++) out[j] = (x - X[j]) * (x - X[j]);
  } else if (d === 2) {
    const x = points[2 * i];
    const y = points[2 * i + 1];
    for (let j = 0; j < n; j++) {
      const p = x - X[2 * j];
      const q = y - X[2 * j + 1];
      out[j] = p * p + q * q;
    }
  } else {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < d; k++) {
        const p = points[i * d + k] - X[j * d + k];
        sum += p * p;
      }
      out[j] = sum;
    }
  }
  const kernel = cost.kernel;
  if (kernel === null) {
    for (let j = 0; j < n; j++) out[j] = cost.h(Math.sqrt(out[j]));
  } else if (kernel.kind === "linear") {
    const slope = kernel.slope;
    for (let j = 0; j < n; j++) out[j] = slope * Math.sqrt(out[j]);
  } else if (kernel.kind === "quadratic") {
    const half = 0.5 * kernel.stiffness;
    for (let j = 0; j < n; j++) out[j] = half * out[j];
  } else {
    const half = 0.5 * kernel.stiffness;
    const slope = kernel.slope;
    const knee = slope / kernel.stiffness;
    const kneeSquared = knee * knee;
    const offset = 0.5 * slope * knee;
    for (let j = 0; j < n; j++) out[j] = out[j] <= kneeSquared ? half * out[j] : slope * Math.sqrt(out[j]) - offset;
  }
}
