// What explicit Gaussian equilibria share: u = a|x − x̄|²/2 + r, m = N(x̄, s I), and the Riccati equation of linear–quadratic games,
//   with τ = T − t:  a + A = y′/y,  y(τ) = k cosh kτ + C sinh kτ   solves   da/dτ = k² − A² − 2Aa − a²,  a(0) = C − A
//   s′ = −2(a + A)s + 2ν   ⇒   s = s₀ (y(τ)/y(T))² + (2ν/k) (y(τ)/y(T)) sinh k(T − τ)       by (sinh kτ/y)′ = k²/y²
//   ∫₀^τ (a + A) = ln(y(τ)/k)
import { demand } from "../../src/error.js";

/** Half side of a game's box in standard deviations: 6e-5 of the mass is outside on each axis, and ln m stays above −9 − ln s. */
export const REACH = 4;

/** The solution of the Riccati equation above, by time to go. */
export interface Riccati {
  /** y′/y = a + A at τ. */
  gain(tau: number): number;
  /** ∫₀^τ (a + A). */
  integral(tau: number): number;
  /** s at time to go τ, from s₀ at τ = T. */
  variance(tau: number, horizon: number, viscosity: number, initial: number): number;
}

/** Solves it for k > 0 and C = a(T) + A. */
export function riccati(k: number, C: number): Riccati {
  // y e^{−kτ} and sinh kτ e^{−kτ}: no overflow for long horizons
  const y = (tau: number) => 0.5 * (k + C + (k - C) * Math.exp(-2 * k * tau));
  const sinh = (tau: number) => -0.5 * Math.expm1(-2 * k * tau);
  return {
    gain: (tau) => (k * (C + k * Math.tanh(k * tau))) / (k + C * Math.tanh(k * tau)),
    integral: (tau) => k * tau + Math.log(y(tau) / k),
    variance(tau, T, viscosity, initial) {
      const kept = y(tau) / y(T);
      const gone = T - tau;
      return initial * (kept * Math.exp(-k * gone)) ** 2 + ((2 * viscosity) / k) * kept * sinh(gone);
    },
  };
}

/** Density of N(mean, variance I) at row-major points. */
export function isotropicGaussian(x: Float64Array, mean: readonly number[], variance: number): Float64Array {
  const d = mean.length;
  const scale = (2 * Math.PI * variance) ** (-d / 2);
  return squareDistance(x, mean).map((r2) => scale * Math.exp(-r2 / (2 * variance)));
}

/** |x − centre|² at row-major points. */
export function squareDistance(x: Float64Array, centre: readonly number[]): Float64Array {
  const d = centre.length;
  return Float64Array.from({ length: x.length / d }, (_, i) =>
    centre.reduce((sum, c, a) => sum + (x[i * d + a] - c) ** 2, 0),
  );
}

/** Throws unless the value is a finite number > 0. */
export function demandPositive(where: string, name: string, value: number, cure: string): void {
  demand(value > 0 && Number.isFinite(value), where, name, "be finite and > 0", value, cure);
}

/** Largest variance on [0, T], among 65 times. */
export function widest(spread: (t: number) => number, T: number): number {
  return Math.max(...Array.from({ length: 65 }, (_, i) => spread((T * i) / 64)));
}
