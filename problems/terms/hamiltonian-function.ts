// Hamiltonian by JavaScript functions: H(x, p, t, m) and any of its derivatives. Given derivatives are checked at construction
// against central differences of H (or of the gradient) at seeded points; missing ones are those differences:
//   ∂H/∂p_a ≈ (H(p + εe_a) − H(p − εe_a))/2ε    ε = ∛u·max(1, |p_a|), u round-off: error ~ 1e-10
//   ∂²H: the same of the gradient, or second differences of H with ε = ⁴√u: error ~ 1e-7
//   ∂H/∂m: central, or one-sided of second order where m < ε (m ≥ 0 always)
// Numerical Hamiltonians take any of them: a scheme and its adjoint use the same slopes, whatever their error.
// Reference: Nocedal, Wright 2006, section 8.1 (key nocedal2006numerical).
import { demand, usageError } from "../../src/error.js";
import type { Hamiltonian, HamiltonianStructure } from "./hamiltonian.js";
import {
  demandConvex,
  type HamiltonianSample,
  type HamiltonianValue,
  hamiltonianSamples,
  isRadial,
  isSeparable,
  point,
  type SampleBox,
  sampleBox,
  sampledKind,
  short,
  structureFrom,
} from "./hamiltonian-sampled.js";

/** A function of the point, the momentum, time and own density. */
export type HamiltonianCallback<R> = (x: Float64Array, p: Float64Array, t: number, m: number) => R;

export interface HamiltonianFunctionOptions {
  /** d ≥ 1. */
  readonly dimension: number;
  /** H. */
  readonly value: HamiltonianCallback<number>;
  /** ∂H/∂p, d numbers; default differences. */
  readonly gradient?: HamiltonianCallback<ArrayLike<number>>;
  /** ∂²H/∂p², d rows; default differences. */
  readonly hessian?: HamiltonianCallback<readonly ArrayLike<number>[]>;
  /** ∂H/∂m; default differences. */
  readonly byMass?: HamiltonianCallback<number>;
  /** ∂²H/∂p∂m, d numbers; default differences. */
  readonly gradientByMass?: HamiltonianCallback<ArrayLike<number>>;
  /** How H depends on p; default found out from samples. */
  readonly structure?: HamiltonianStructure["kind"];
  /** Default found out from samples. */
  readonly dependsOnMass?: boolean;
  /** Default `true`. */
  readonly dependsOnTime?: boolean;
  /** Formula for people; default `"given by a function"`. */
  readonly text?: string;
  /** Where x is sampled; default the unit cube. */
  readonly box?: SampleBox;
  /** Seed of the samples; default 1. */
  readonly seed?: number;
}

const THIRD = Math.cbrt(Number.EPSILON);
const FOURTH = Number.EPSILON ** 0.25;

/**
 * A Hamiltonian by JavaScript functions.
 *
 * @param options dimension, H, derivatives
 * @returns a frozen Hamiltonian that runs on the CPU only
 * @throws UsageError when H is not convex in p at a sample, a derivative differs from differences, a structure does not hold, or
 * H is said not to depend on m and does; from `evaluate` when a value is NaN
 *
 * *Notes*: samples can refute, not prove: state `structure` and `dependsOnMass` where H changes its nature somewhere. Give `gradient`
 * at least: second differences are good to 1e-7 only.
 *
 * @example
 * hamiltonianFunction({ dimension: 1, value: (x, p) => Math.cosh(p[0]), gradient: (x, p) => [Math.sinh(p[0])] });
 */
export function hamiltonianFunction(options: HamiltonianFunctionOptions): Hamiltonian {
  const where = "hamiltonianFunction";
  const { dimension: d, seed = 1 } = options;
  demand(Number.isInteger(d) && d >= 1, where, "dimension", "be an integer ≥ 1", d, "Use dimension: 2");
  for (const name of ["value", "gradient", "hessian", "byMass", "gradientByMass"] as const)
    demand(
      typeof options[name] === "function" || (name !== "value" && options[name] === undefined),
      where,
      name,
      "be a function of (x, p, t, m)",
      options[name],
      name === "value" ? "Use for example (x, p) => 0.5 * p[0] ** 2" : "Leave it out to have it by differences",
    );
  const box = sampleBox(options.box, d, where);
  const call = derivatives(options, where);
  const raw: HamiltonianValue = (t, x, p, m) => options.value(x, p, t, m);
  const samples = hamiltonianSamples(box, 512, seed);
  demandConvex(where, "value", raw, samples);

  const usable = samples.filter(({ t, x, p, m }) => Number.isFinite(raw(t, x, p, m)));
  const massive = usable.some(({ t, x, p, m }) => raw(t, x, p, m) !== raw(t, x, p, 0.5 * m));
  demand(
    options.dependsOnMass !== false || !massive,
    where,
    "dependsOnMass",
    "be true, for value changes with m",
    false,
    "Leave it out",
  );
  const dependsOnMass = options.dependsOnMass ?? massive;
  for (const s of usable.slice(0, 32)) checkDerivatives(options, where, s);

  const kind = options.structure ?? sampledKind(raw, usable);
  demand(
    kind === "general" ||
      (kind === "separable" ? isSeparable(raw, usable) : kind === "radial" && isRadial(raw, usable)),
    where,
    "structure",
    'be "separable", "radial" or "general", and hold at the samples',
    kind,
    "Leave it out to have it found out",
  );

  const evaluate: Hamiltonian["evaluate"] = (t, points, p, m, out, order) => {
    const x = new Float64Array(d);
    const q = new Float64Array(d);
    for (let i = 0; i < m.length; i++) {
      for (let a = 0; a < d; a++) {
        x[a] = points[i * d + a];
        q[a] = p[a][i];
      }
      out.value[i] = call.value(x, q, t, m[i]);
      if (order === 0) continue;
      const g = call.gradient(x, q, t, m[i]);
      for (let a = 0; a < d; a++) out.gradient[a][i] = g[a];
      out.byMass[i] = dependsOnMass ? call.byMass(x, q, t, m[i]) : 0;
      if (order === 1) continue;
      const rows = call.hessian(x, q, t, m[i]);
      const gm = dependsOnMass ? call.gradientByMass(x, q, t, m[i]) : null;
      for (let a = 0, pair = 0; a < d; a++) {
        out.gradientByMass[a][i] = gm === null ? 0 : gm[a];
        for (let b = a; b < d; b++, pair++) out.hessian[pair][i] = 0.5 * (rows[a][b] + rows[b][a]);
      }
    }
  };

  return Object.freeze({
    name: "function",
    dimension: d,
    text: options.text ?? "given by a function",
    dependsOnMass,
    dependsOnTime: options.dependsOnTime ?? true,
    quadraticWeight: null,
    isPortable: false,
    structure: structureFrom(kind, d, evaluate),
    evaluate,
    expressionText: null,
    description: { kind: "function", dimension: d, text: options.text ?? "given by a function" },
  } satisfies Hamiltonian);
}

interface Calls {
  readonly value: HamiltonianCallback<number>;
  readonly gradient: HamiltonianCallback<ArrayLike<number>>;
  readonly hessian: HamiltonianCallback<readonly ArrayLike<number>[]>;
  readonly byMass: HamiltonianCallback<number>;
  readonly gradientByMass: HamiltonianCallback<ArrayLike<number>>;
}

/** The user's functions, NaN refused, completed by differences. */
function derivatives(options: HamiltonianFunctionOptions, where: string): Calls {
  const d = options.dimension;
  const value: Calls["value"] = (x, p, t, m) => real(options.value(x, p, t, m), where, "value", x, p, t, m);
  const vector = (name: "gradient" | "gradientByMass"): Calls["gradient"] | null => {
    const f = options[name];
    if (f === undefined) return null;
    return (x, p, t, m) => {
      const g = f(x, p, t, m);
      for (let a = 0; a < d; a++) real(g[a], where, `${name}[${a}]`, x, p, t, m);
      return g;
    };
  };
  const gradient =
    vector("gradient") ??
    ((x, p, t, m) =>
      perMomentum(
        p,
        THIRD,
        (q) => value(x, q, t, m),
        (up, down, w) => (up - down) / w,
      ));
  const byMass: Calls["byMass"] =
    options.byMass === undefined
      ? (x, p, t, m) => massDifference(m, (n) => value(x, p, t, n))
      : (x, p, t, m) => real(options.byMass?.(x, p, t, m) as number, where, "byMass", x, p, t, m);
  const gradientByMass =
    vector("gradientByMass") ??
    (options.gradient === undefined
      ? (x, p, t, m) =>
          perMomentum(
            p,
            FOURTH,
            (q) => byMass(x, q, t, m),
            (up, down, w) => (up - down) / w,
          )
      : (x, p, t, m) => p.map((_, a) => massDifference(m, (n) => gradient(x, p, t, n)[a])));
  const hessian: Calls["hessian"] =
    options.hessian !== undefined
      ? (x, p, t, m) => {
          const rows = options.hessian?.(x, p, t, m) as readonly ArrayLike<number>[];
          for (let a = 0; a < d; a++)
            for (let b = 0; b < d; b++) real(rows[a][b], where, `hessian[${a}][${b}]`, x, p, t, m);
          return rows;
        }
      : options.gradient !== undefined
        ? (x, p, t, m) => differencedGradient(p, (q) => gradient(x, q, t, m))
        : (x, p, t, m) => secondDifferences(p, (q) => value(x, q, t, m));
  return { value, gradient, hessian, byMass, gradientByMass };
}

function real(
  value: number,
  where: string,
  name: string,
  x: Float64Array,
  p: Float64Array,
  t: number,
  m: number,
): number {
  if (Number.isNaN(value) || value === undefined)
    throw usageError(
      where,
      name,
      `have a real value at x = ${point(x)}, p = ${point(p)}, t = ${t}, m = ${m}`,
      value,
      "Change the function",
    );
  return value;
}

/** (f(p + εe_a), f(p − εe_a), 2ε) ↦ number, for every a. */
function perMomentum<R>(
  p: Float64Array,
  relative: number,
  f: (q: Float64Array) => R,
  join: (up: R, down: R, width: number) => number,
): Float64Array {
  const q = p.slice();
  return p.map((v, a) => {
    const eps = relative * Math.max(1, Math.abs(v));
    q[a] = v + eps;
    const up = f(q);
    q[a] = v - eps;
    const down = f(q);
    q[a] = v;
    return join(up, down, 2 * eps);
  });
}

function massDifference(m: number, f: (n: number) => number): number {
  const eps = THIRD * Math.max(1, m);
  if (m >= eps) return (f(m + eps) - f(m - eps)) / (2 * eps);
  return (4 * f(m + eps) - 3 * f(m) - f(m + 2 * eps)) / (2 * eps);
}

function differencedGradient(p: Float64Array, gradient: (q: Float64Array) => ArrayLike<number>): Float64Array[] {
  return Array.from(p, (_, b) =>
    perMomentum(
      p,
      THIRD,
      (q) => gradient(q)[b],
      (up, down, width) => (up - down) / width,
    ),
  );
}

function secondDifferences(p: Float64Array, value: (q: Float64Array) => number): Float64Array[] {
  const centre = value(p);
  const eps = p.map((v) => FOURTH * Math.max(1, Math.abs(v)));
  const at = (a: number, i: number, b: number, j: number): number => {
    const q = p.slice();
    q[a] += i * eps[a];
    q[b] += j * eps[b];
    return value(q);
  };
  return Array.from(p, (_, a) =>
    p.map((_, b) =>
      a === b
        ? (at(a, 1, a, 0) - 2 * centre + at(a, -1, a, 0)) / eps[a] ** 2
        : (at(a, 1, b, 1) - at(a, 1, b, -1) - at(a, -1, b, 1) + at(a, -1, b, -1)) / (4 * eps[a] * eps[b]),
    ),
  );
}

/** Compares every given derivative with differences of what it is the derivative of. */
function checkDerivatives(options: HamiltonianFunctionOptions, where: string, { t, x, p, m }: HamiltonianSample): void {
  const { dimension, value, gradient } = options;
  const given = derivatives(options, where);
  const byValue = derivatives({ dimension, value }, where);
  const byGradient = derivatives({ dimension, value, gradient }, where);
  const compare = (name: string, of: string, said: number, measured: number, tolerance: number): void => {
    if (Math.abs(said - measured) <= tolerance * (1 + Math.abs(measured))) return;
    throw usageError(
      where,
      name,
      `be the derivative of ${of} at x = ${point(x)}, p = ${point(p)}, t = ${short(t)}, m = ${short(m)}, ` +
        `where differences give ${short(measured)}`,
      Number(short(said)),
      "Correct it, or leave it out to have it by differences",
    );
  };
  // second differences of H are good to 1e-7 of H, differences of a gradient to 1e-10
  const [from, tolerance] = gradient === undefined ? ["value", 1e-4] : ["gradient", 1e-6];
  for (let a = 0; a < dimension; a++) {
    if (gradient !== undefined)
      compare(`gradient[${a}]`, "value", given.gradient(x, p, t, m)[a], byValue.gradient(x, p, t, m)[a], 1e-6);
    if (options.gradientByMass !== undefined) {
      const [said, measured] = [given.gradientByMass(x, p, t, m)[a], byGradient.gradientByMass(x, p, t, m)[a]];
      compare(`gradientByMass[${a}]`, from, said, measured, tolerance);
    }
    for (let b = 0; b < dimension && options.hessian !== undefined; b++) {
      const [said, measured] = [given.hessian(x, p, t, m)[a][b], byGradient.hessian(x, p, t, m)[a][b]];
      compare(`hessian[${a}][${b}]`, from, said, measured, tolerance);
    }
  }
  if (options.byMass !== undefined)
    compare("byMass", "value", given.byMass(x, p, t, m), byValue.byMass(x, p, t, m), 1e-6);
}
