// Games with closed forms or reference values, shared by the tests of solvers that sample.
import { type MeanFieldGame, meanFieldGame } from "../../../problems/mean-field-game.js";
import {
  couplingLocal,
  couplingLog,
  couplingMean,
  couplingSum,
  hamiltonianQuadratic,
} from "../../../problems/terms/index.js";
import { domain } from "../../../src/grid/index.js";
import { gaussian } from "../../../src/measure/index.js";

const names = (d: number) => (d <= 3 ? ["x", "y", "z"].slice(0, d) : Array.from({ length: d }, (_, a) => `x${a + 1}`));
const square = (d: number, weight: number) =>
  names(d)
    .map((s) => `${weight}*${s}^2`)
    .join(" + ");

/** What is known: u = a(t)|x − centre|²/2 + r(t), variance s(t) a coordinate. */
export interface QuadraticGame {
  readonly game: MeanFieldGame;
  readonly centre: number;
  a(t: number): number;
  r(t: number): number;
  variance(t: number): number;
}

/** Linear–quadratic with own mean: κ = 2, c = ½, ν = 0.3, T = 1, variance 1.5 at the start, mean ½. */
export function ownMean(d: number): QuadraticGame {
  const [kappa, c, nu, centre] = [2, 0.5, 0.3, 0.5];
  const k = Math.sqrt(kappa);
  const a = (t: number) => (k * (c + k * Math.tanh(k * (1 - t)))) / (k + c * Math.tanh(k * (1 - t)));
  const integral = (f: (s: number) => number, from: number, to: number) => {
    let sum = 0;
    for (let i = 0; i < 400; i++) sum += f(from + ((i + 0.5) / 400) * (to - from));
    return (sum / 400) * (to - from);
  };
  const game = meanFieldGame({
    name: "own-mean",
    domain: domain({ lower: Array(d).fill(-12), upper: Array(d).fill(12), ends: "no-flux" }),
    populations: {
      viscosity: nu,
      hamiltonian: hamiltonianQuadratic({ dimension: d }),
      initial: gaussian({ mean: Array(d).fill(centre), sd: Math.sqrt(1.5) }),
    },
    coupling: couplingMean({ dimension: d, weight: kappa }),
    terminal: couplingMean({ dimension: d, weight: c }),
  });
  return {
    game,
    centre,
    a,
    r: (t) => nu * d * integral(a, t, 1),
    // s′ = −2as + 2ν by its integrating factor
    variance: (t) =>
      1.5 * Math.exp(-2 * integral(a, 0, t)) + 2 * nu * integral((s) => Math.exp(-2 * integral(a, s, t)), 0, t),
  };
}

/** Stationary Gaussian of the log-coupling game: β = 1, γ = ν = ½, T = 1. */
export function logGaussian(d: number): QuadraticGame {
  const [beta, gamma, nu] = [1, 0.5, 0.5];
  const a = (-gamma + Math.sqrt(gamma ** 2 + 4 * nu ** 2 * beta)) / (2 * nu);
  const rate = nu * d * a + 0.5 * gamma * d * Math.log(a / (2 * Math.PI * nu));
  const sd = Math.sqrt(nu / a);
  const game = meanFieldGame({
    name: "log-gaussian",
    domain: domain({ lower: Array(d).fill(-7 * sd), upper: Array(d).fill(7 * sd), ends: "no-flux" }),
    populations: {
      viscosity: nu,
      hamiltonian: hamiltonianQuadratic({ dimension: d }),
      initial: gaussian({ mean: Array(d).fill(0), sd }),
    },
    coupling: couplingLog({ dimension: d, weight: gamma, cost: square(d, 0.5 * beta) }),
    terminal: couplingLocal({ dimension: d, cost: `${square(d, 0.5 * a)} - ${rate}` }),
  });
  return { game, centre: 0, a: () => a, r: (t) => -rate * t, variance: () => nu / a };
}

/** T = 1, H = p²/2, f = m² − sin 2πx, m₀ = 1 + ½ cos 2πx on the circle, ν = 0.3; u(0, ·) and m(1, ·) at 0, ¼, ½, ¾ from a spectral solution. */
export function circle(): { readonly game: MeanFieldGame; readonly value: readonly number[] } {
  const game = meanFieldGame({
    name: "circle",
    domain: domain({ lower: [0], upper: [1] }),
    populations: {
      viscosity: 0.3,
      hamiltonian: hamiltonianQuadratic({ dimension: 1 }),
      initial: "1 + 0.5*cos(2*pi*x)",
    },
    coupling: couplingSum([
      couplingLocal({ dimension: 1, cost: "m^2" }),
      couplingLocal({ dimension: 1, cost: "-sin(2*pi*x)" }),
    ]),
  });
  return { game, value: [1.028506406, 0.922369289, 0.953595836, 1.057051548] };
}

/** Errors of value and velocity on points: relative L², the value after its mean difference is taken out; and that difference. */
export function errorsOf(
  known: QuadraticGame,
  solution: { value(t: number, x: Float64Array): Float64Array; velocity(t: number, x: Float64Array): Float64Array },
  t: number,
  x: Float64Array,
): { readonly value: number; readonly velocity: number; readonly level: number } {
  const d = known.game.dimension;
  const n = x.length / d;
  const a = known.a(t);
  const exact = Float64Array.from({ length: n }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < d; j++) sum += (x[i * d + j] - known.centre) ** 2;
    return 0.5 * a * sum + known.r(t);
  });
  const u = solution.value(t, x);
  const mean = (y: Float64Array) => y.reduce((sum, v) => sum + v, 0) / y.length;
  const [mu, me] = [mean(u), mean(exact)];
  const ratio = (error: Float64Array, size: Float64Array) =>
    Math.sqrt(mean(error.map((v) => v * v)) / mean(size.map((v) => v * v)));
  const v = x.map((y) => -a * (y - known.centre));
  return {
    value: ratio(
      u.map((y, i) => y - mu - exact[i] + me),
      exact.map((y) => y - me),
    ),
    velocity: ratio(
      solution.velocity(t, x).map((y, i) => y - v[i]),
      v,
    ),
    level: mu - me,
  };
}
