// Local couplings by formula: f_k = formula_k(x, y, z, t, m) with m = m(x), or m1 … mK for several populations.
//   Expressions are differentiated symbolically; functions by their own derivative, checked against differences at construction,
//   or by central differences.
// Lasry–Lions monotone ⇔ the symmetric part of ∂f_k/∂m_l is positive semi-definite at every (x, t, m): proved by interval arithmetic
//   on pieces of the mass range with Gershgorin's discs, refuted by a counterexample, else not known.
// Potential ⇔ ∂f_k/∂m_l = ∂f_l/∂m_k; always so for one population: F = ∫∫₀^m f.
// References: Lasry, Lions 2007 (key lasry2007mean); Moore 1966 (key moore1966interval).
import { demand, usageError } from "../../src/error.js";
import { type Bounds, bounds, compile, type Expression } from "../../src/expression/index.js";
import { generator } from "../../src/random/index.js";
import type { Coupling } from "./coupling.js";
import { definiteness, isQuadratic, mentions, type PointwiseCost, pointwiseCoupling } from "./coupling-pointwise.js";
import { columnsOf, coordinateNames } from "./field.js";

/**
 * A cost by a JavaScript function: value at one point; `m` holds the K densities there.
 */
export type LocalFunction = (x: Float64Array, m: Float64Array, t: number) => number;

export interface CouplingLocalOptions {
  /** d ≥ 1. */
  readonly dimension: number;
  /** K ≥ 1; default 1. */
  readonly populations?: number;
  /** f_k: an expression of x, y, z (x1 … beyond three dimensions), t and m (m1 … mK), or a function; one a population. */
  readonly cost: string | LocalFunction | readonly (string | LocalFunction)[];
  /** ∂f_k/∂m_l of functions, `derivative[k][l]`; default central differences. Expressions need none. */
  readonly derivative?: readonly (readonly LocalFunction[])[];
  /** Named numbers of the expressions. */
  readonly parameters?: Readonly<Record<string, number>>;
  /** Densities that f is defined for and that monotonicity is decided on; default [0, Infinity]. */
  readonly massRange?: readonly [number, number];
  /** Your own knowledge; default: decided from expressions, `null` for functions. A statement against a counterexample is refused. */
  readonly isMonotone?: boolean | null;
  /** Default `"local"`. */
  readonly name?: string;
}

/**
 * A cost of the own place and density by formula.
 *
 * f_k(t, x, m) = formula(x, t, m₁(x), …, m_K(x))
 *
 * @param options formulas, and what is known of them
 * @throws UsageError when a formula does not parse, a derivative disagrees with differences, or a range is empty
 *
 * *Notes*: monotonicity that depends on x or t is decided for every real x and t, so that a cost which is monotone on the domain alone
 * is `null`, not known: state it. An unbounded mass range often leaves quotients undecided; give the largest density you expect.
 *
 * *Good values*: `"m"`, `"m^2 - sin(2*pi*x)"`.
 *
 * *References*: lasry2007mean
 *
 * @example
 * couplingLocal({ dimension: 1, cost: "m^2 - sin(2*pi*x)" }).isMonotone // true
 */
export function couplingLocal(options: CouplingLocalOptions): Coupling {
  const where = "couplingLocal";
  const { dimension: d, populations: K = 1, parameters = {} } = options;
  demand(Number.isInteger(d) && d >= 1, where, "dimension", "be an integer ≥ 1", d, "Give the domain's dimension");
  demand(
    Number.isInteger(K) && K >= 1,
    where,
    "populations",
    "be an integer ≥ 1",
    K,
    "Use populations: 2 for two crowds",
  );
  const costs: readonly (string | LocalFunction)[] = isList(options.cost) ? options.cost : [options.cost];
  demand(
    costs.length === K,
    where,
    "cost",
    `hold ${K} formula${K > 1 ? "s" : ""}, one a population`,
    costs.length,
    "Set populations to the number of formulas",
  );
  const massRange = options.massRange ?? ([0, Infinity] as const);
  demand(
    massRange.length === 2 && massRange[0] >= 0 && massRange[0] < massRange[1],
    where,
    "massRange",
    "be [lower, upper] with 0 ≤ lower < upper",
    massRange,
    "Use massRange: [0, 10] to start",
  );
  const masses = massNames(K);
  const coordinates = coordinateNames(d);
  const symbols = [...coordinates, "t", ...masses];
  const parts = costs.map((cost, k) => {
    if (typeof cost === "string") return expressionPart(compile(cost, symbols, parameters), masses, d);
    if (typeof cost !== "function")
      throw usageError(where, `cost[${k}]`, "be an expression or a function", cost, 'Use for example "m^2"');
    return functionPart(cost, options.derivative?.[k] ?? null, k, K, d, massRange);
  });
  const expressions = parts.map((part) => part.expression);
  const all = expressions.every((e) => e !== null) ? expressions : null;
  const jacobian = all?.map((e) => masses.map((m) => e.derivative(m))) ?? null;
  const found = jacobian === null ? null : monotone(jacobian, massRange, coordinates, masses);
  const stated = options.isMonotone ?? null;
  if (stated !== null && found !== null && stated !== found)
    throw usageError(
      where,
      "isMonotone",
      `be ${found}, as the formula ${found ? "proves" : "has a counterexample"} on the mass range`,
      stated,
      "Leave it out, or narrow massRange",
    );
  return pointwiseCoupling({
    where,
    name: options.name ?? "local",
    dimension: d,
    populations: K,
    text: parts.map((part) => part.text),
    isMonotone: found ?? stated,
    isPotential: K === 1 ? true : jacobian === null ? null : symmetric(jacobian, massRange, symbols.length, K),
    dependsOnMass: jacobian === null || jacobian.some((row) => row.some((e) => e.text !== "0")),
    isQuadratic: all?.every((e) => isQuadratic(e, coordinates, masses)) ?? false,
    isPortable: all !== null,
    massRange,
    expressionText: all?.map((e) => e.text) ?? null,
    description: {
      kind: "local",
      name: options.name ?? "local",
      dimension: d,
      populations: K,
      cost: all === null ? "given by a function" : all.map((e) => e.text),
      parameters,
      massRange: massRange.map((m) => (m === Infinity ? "Infinity" : m)),
      isMonotone: found ?? stated,
    },
    bind(points) {
      const bound = parts.map((part) => part.bind(points));
      return {
        value: (k, t, m, out) => bound[k].value(k, t, m, out),
        slope: (k, l, t, m, out) => bound[k].slope(k, l, t, m, out),
      };
    },
  });
}

/** m for one population, m1 … mK for several. */
export function massNames(populations: number): readonly string[] {
  return populations === 1 ? ["m"] : Array.from({ length: populations }, (_, k) => `m${k + 1}`);
}

interface Part {
  readonly text: string;
  readonly expression: Expression | null;
  bind(points: Float64Array): PointwiseCost;
}

function expressionPart(expression: Expression, masses: readonly string[], d: number): Part {
  const slopes = masses.map((m) => expression.derivative(m));
  return {
    text: expression.text,
    expression,
    bind(points) {
      const x = columnsOf(points, d);
      const time = new Float64Array(points.length / d);
      return {
        value: (_k, t, m, out) => expression.batch([...x, time.fill(t), ...m], out),
        slope: (_k, l, t, m, out) => slopes[l].batch([...x, time.fill(t), ...m], out),
      };
    },
  };
}

function functionPart(
  f: LocalFunction,
  derivative: readonly LocalFunction[] | null,
  k: number,
  K: number,
  d: number,
  massRange: readonly [number, number],
): Part {
  const where = "couplingLocal";
  if (derivative !== null) {
    demand(
      derivative.length === K && derivative.every((g) => typeof g === "function"),
      where,
      `derivative[${k}]`,
      `hold ${K} function${K > 1 ? "s" : ""}, one a density`,
      derivative.length,
      "Give ∂f_k/∂m_l for every l",
    );
    checkDerivative(f, derivative, k, K, d, massRange);
  }
  const slope = (l: number, x: Float64Array, m: Float64Array, t: number): number =>
    derivative === null ? difference(f, l, x, m, t, massRange) : derivative[l](x, m, t);
  return {
    text: "given by a function",
    expression: null,
    bind(points) {
      const x = new Float64Array(d);
      const own = new Float64Array(K);
      const each = (m: readonly Float64Array[], out: Float64Array, h: () => number): void => {
        for (let i = 0; i < out.length; i++) {
          for (let a = 0; a < d; a++) x[a] = points[i * d + a];
          for (let l = 0; l < K; l++) own[l] = m[l][i];
          out[i] = h();
        }
      };
      return {
        value: (_k, t, m, out) => each(m, out, () => f(x, own, t)),
        slope: (_k, l, t, m, out) => each(m, out, () => slope(l, x, own, t)),
      };
    },
  };
}

/** (f(m + h eₗ) − f(m − h eₗ))/2h, one-sided (second order) at the ends of the mass range. */
function difference(
  f: LocalFunction,
  l: number,
  x: Float64Array,
  m: Float64Array,
  t: number,
  massRange: readonly [number, number],
): number {
  const at = m[l];
  const step = 6e-6 * Math.max(1e-3, Math.abs(at));
  const value = (s: number): number => {
    m[l] = at + s;
    const y = f(x, m, t);
    m[l] = at;
    return y;
  };
  if (at - step < massRange[0]) return (4 * value(step) - value(2 * step) - 3 * value(0)) / (2 * step);
  if (at + step > massRange[1]) return (3 * value(0) - 4 * value(-step) + value(-2 * step)) / (2 * step);
  return (value(step) - value(-step)) / (2 * step);
}

/** Compares a given derivative with differences at 24 fixed points of [0, 1]^d, where f is a number. */
function checkDerivative(
  f: LocalFunction,
  derivative: readonly LocalFunction[],
  k: number,
  K: number,
  d: number,
  massRange: readonly [number, number],
): void {
  const draw = draws(0, 24 * (d + K + 1));
  const top = Math.min(massRange[1], massRange[0] + 3);
  for (let i = 0; i < 24; i++) {
    const x = Float64Array.from({ length: d }, () => draw());
    const m = Float64Array.from({ length: K }, () => massRange[0] + (top - massRange[0]) * (0.05 + 0.9 * draw()));
    const t = draw();
    for (let l = 0; l < K; l++) {
      const slope = difference(f, l, x, m, t, massRange);
      const given = derivative[l](x, m, t);
      if (
        Number.isFinite(slope) &&
        !(Math.abs(given - slope) <= 1e-5 * Math.max(1, Math.abs(slope), Math.abs(f(x, m, t))))
      )
        throw usageError(
          "couplingLocal",
          `derivative[${k}][${l}]`,
          `agree with differences of the cost: ${slope} at x = (${x.join(", ")}), m = (${m.join(", ")}), t = ${t}`,
          given,
          "Repair the derivative, or leave it out",
        );
    }
  }
}

/**
 * Whether the symmetric part of the Jacobian is positive semi-definite for all real x and t and for densities in the range.
 *
 * @returns true by interval arithmetic, false by a counterexample that holds whatever x and t are, `null` when neither is found
 */
function monotone(
  jacobian: readonly (readonly Expression[])[],
  massRange: readonly [number, number],
  coordinates: readonly string[],
  masses: readonly string[],
): boolean | null {
  const K = masses.length;
  const pieces = subdivide(massRange, K);
  let proved = true;
  for (const piece of pieces) {
    const box: Record<string, Bounds> = { t: [0, Infinity] };
    for (const [name, value] of Object.entries(jacobian[0][0].constants)) box[name] = [value, value];
    masses.forEach((m, l) => {
      box[m] = piece[l];
    });
    const entry = jacobian.map((row) => row.map((e) => bounds(e.tree, box)));
    for (let k = 0; k < K; k++) {
      if (entry[k][k][1] < 0) return false;
      let radius = 0;
      for (let l = 0; l < K; l++) {
        if (l === k) continue;
        const low = entry[k][l][0] + entry[l][k][0];
        const high = entry[k][l][1] + entry[l][k][1];
        radius += Math.max(Math.abs(low), Math.abs(high)) / 2;
      }
      if (!(entry[k][k][0] >= radius)) proved = false;
    }
  }
  if (proved) return true;
  const fixed = jacobian.flat().every((e) => [...coordinates, "t"].every((name) => !mentions(e.tree, name)));
  if (!fixed) return null;
  const constant = jacobian.flat().every((e) => masses.every((name) => !mentions(e.tree, name)));
  const zeros = new Array<number>(coordinates.length + 1).fill(0);
  for (const piece of pieces) {
    const m = piece.map(([a, b]) => (b === Infinity ? 2 * Math.max(a, 1) : (a + b) / 2));
    const matrix = new Float64Array(K * K);
    try {
      for (let k = 0; k < K; k++)
        for (let l = 0; l < K; l++)
          matrix[k * K + l] = (jacobian[k][l].evaluate(...zeros, ...m) + jacobian[l][k].evaluate(...zeros, ...m)) / 2;
    } catch {
      return null; // not a real number there
    }
    const sign = definiteness(matrix, K);
    if (sign < 0) return false;
    if (constant) return true;
  }
  return null;
}

/** Pieces of [lower, upper]^K on which a quotient in m is bounded tightly: fine near the lower end, then growing. */
function subdivide(massRange: readonly [number, number], K: number): Bounds[][] {
  const n = K === 1 ? 400 : K === 2 ? 24 : 4;
  const [low, high] = massRange;
  const end = Math.min(high, Math.max(1e3, 1e3 * low));
  const edges = Array.from({ length: n + 1 }, (_, i) =>
    high < Infinity ? low + ((high - low) * i) / n : low + (end - low) * (i / n) ** 4,
  );
  const axis: Bounds[] = edges.slice(1).map((b, i) => [edges[i], b] as const);
  if (high === Infinity) axis.push([end, Infinity]);
  return Array.from({ length: K }).reduce<Bounds[][]>((list) => list.flatMap((p) => axis.map((b) => [...p, b])), [[]]);
}

/** Compares ∂f_k/∂m_l with ∂f_l/∂m_k at 60 points; formulas that agree there agree. */
function symmetric(
  jacobian: readonly (readonly Expression[])[],
  massRange: readonly [number, number],
  variables: number,
  K: number,
): boolean | null {
  const draw = draws(1, 60 * variables);
  const top = Math.min(massRange[1], massRange[0] + 3);
  for (let i = 0; i < 60; i++) {
    const point = Array.from({ length: variables }, (_, j) =>
      j < variables - K ? draw() : massRange[0] + (top - massRange[0]) * (0.05 + 0.9 * draw()),
    );
    try {
      for (let k = 0; k < K; k++) {
        for (let l = 0; l < k; l++) {
          const [a, b] = [jacobian[k][l].evaluate(...point), jacobian[l][k].evaluate(...point)];
          if (!(Math.abs(a - b) <= 1e-10 * Math.max(1, Math.abs(a), Math.abs(b)))) return false;
        }
      }
    } catch {
      return null; // not a real number there
    }
  }
  return true;
}

/** Uniform numbers in [0, 1), one a call. */
function draws(seed: number, count: number): () => number {
  const values = generator(seed).uniform(count);
  let at = 0;
  return () => values[at++];
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}
