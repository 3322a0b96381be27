// Hamiltonian by formula: H(t, x, p, m) is an expression of the coordinates, t, p1 … pd and m, and its derivatives
//   ∂H/∂p_a,  ∂²H/∂p_a∂p_b,  ∂H/∂m,  ∂²H/∂p_a∂m
// are symbolic. It is convex in p or refused, by seeded samples. Where a formula has a power below 2 of |p| its Hessian has no value
// at p = 0; 0 is written there, and the gradient is its limit.
import { demand } from "../../src/error.js";
import { compile, type Expression } from "../../src/expression/index.js";
import { coordinateNames } from "./field.js";
import { expressionText } from "./field-text.js";
import type { Hamiltonian } from "./hamiltonian.js";
import {
  demandConvex,
  type HamiltonianValue,
  hamiltonianSamples,
  type SampleBox,
  sampleBox,
  sampledKind,
  structureFrom,
} from "./hamiltonian-sampled.js";

export interface HamiltonianExpressionOptions {
  /** d ≥ 1. */
  readonly dimension: number;
  /** Formula of x, y, z (x1 … beyond three dimensions), t, p1 … pd and m. */
  readonly text: string;
  /** Named numbers of the formula. */
  readonly parameters?: Readonly<Record<string, number>>;
  /** Where x is sampled for convexity and structure; default the unit cube. */
  readonly box?: SampleBox;
  /** Seed of the samples; default 1. */
  readonly seed?: number;
}

/**
 * A Hamiltonian by formula.
 *
 * @param options dimension, formula and its parameters
 * @returns a frozen Hamiltonian; `quadraticWeight`, `dependsOnMass`, `dependsOnTime` and the structure are found out
 * @throws UsageError when the formula is wrong, jumps, or is not convex in p at a sample
 *
 * *Notes*: 512 samples of x in the box, t in [0, 1], m in (0, 3) and |p| from 0.01 to 10 can refute convexity, not prove it. A
 * formula that is the sum of functions of one p_a each, or a function of |p|, is upwinded exactly.
 *
 * @example
 * hamiltonianExpression({ dimension: 2, text: "(p1^2 + p2^2)/(2*(1 + m)^a) + b*p1", parameters: { a: 1, b: 0.2 } });
 */
export function hamiltonianExpression(options: HamiltonianExpressionOptions): Hamiltonian {
  const where = "hamiltonianExpression";
  const { dimension: d, text, parameters = {}, seed = 1 } = options;
  demand(Number.isInteger(d) && d >= 1, where, "dimension", "be an integer ≥ 1", d, "Use dimension: 2");
  demand(typeof text === "string", where, "text", "be an expression", text, 'Use for example "0.5*p1^2"');
  const box = sampleBox(options.box, d, where);
  const coordinates = coordinateNames(d);
  const p = Array.from({ length: d }, (_, a) => `p${a + 1}`);
  const h = compile(text, [...coordinates, "t", ...p, "m"], parameters);
  const gradient = p.map((a) => h.derivative(a));
  const hessian = p.flatMap((_, a) => p.slice(a).map((b) => gradient[a].derivative(b)));
  const byMass = h.derivative("m");
  const gradientByMass = p.map((a) => byMass.derivative(a));
  const value: HamiltonianValue = (t, x, q, m) => {
    try {
      return h.evaluate(...x, t, ...q, m);
    } catch {
      return Number.NaN; // not defined there
    }
  };
  const samples = hamiltonianSamples(box, 512, seed);
  demandConvex(where, JSON.stringify(h.text), value, samples);

  let columns: Float64Array[] = [];
  const evaluate: Hamiltonian["evaluate"] = (t, points, q, m, out, order) => {
    const n = m.length;
    if (columns.length === 0 || columns[0].length !== n)
      columns = Array.from({ length: d + 1 }, () => new Float64Array(n));
    for (let a = 0; a < d; a++) for (let i = 0; i < n; i++) columns[a][i] = points[i * d + a];
    columns[d].fill(t);
    const all = [...columns, ...q, m];
    h.batch(all, out.value);
    if (order === 0) return;
    for (let a = 0; a < d; a++) withLimit(gradient[a], all, d, out.gradient[a]);
    write(byMass, all, out.byMass);
    if (order === 1) return;
    for (let k = 0; k < hessian.length; k++) withoutPoles(hessian[k], all, d, out.hessian[k]);
    for (let a = 0; a < d; a++) withLimit(gradientByMass[a], all, d, out.gradientByMass[a]);
  };

  const structure = structureFrom(sampledKind(value, samples), d, evaluate);
  return Object.freeze({
    name: "expression",
    dimension: d,
    text: h.text,
    dependsOnMass: byMass.text !== "0",
    dependsOnTime: h.derivative("t").text !== "0",
    quadraticWeight: quadraticWeight(h, gradient, hessian, d),
    isPortable: true,
    structure,
    evaluate,
    expressionText: expressionText(h),
    description: { kind: "expression", dimension: d, text, parameters },
  } satisfies Hamiltonian);
}

/** κ of κ|p|²: the Hessian names no variable and is 2κI, and gradient and H are 0 at p = 0, where they name nothing else. */
function quadraticWeight(
  h: Expression,
  gradient: readonly Expression[],
  hessian: readonly Expression[],
  d: number,
): number | null {
  const free = (e: Expression, names: readonly string[]) => names.every((v) => !new RegExp(`\\b${v}\\b`).test(e.text));
  const others = h.variables.filter((v) => !/^p\d+$/.test(v));
  if (![h, ...gradient].every((e) => free(e, others)) || !hessian.every((e) => free(e, h.variables))) return null;
  const zero = h.variables.map(() => 0);
  if (h.evaluate(...zero) !== 0 || gradient.some((g) => g.evaluate(...zero) !== 0)) return null;
  const entries = hessian.map((e) => e.evaluate(...zero));
  const [twice] = entries;
  let pair = 0;
  for (let a = 0; a < d; a++) for (let b = a; b < d; b++) if (entries[pair++] !== (a === b ? twice : 0)) return null;
  return twice > 0 ? twice / 2 : null;
}

function write(e: Expression, all: readonly Float64Array[], out: Float64Array): void {
  if (e.tree.kind === "number") out.fill(e.tree.value);
  else e.batch(all, out);
}

/** Columns with the momenta that are 0 moved to 1e-150: near enough for a limit, far enough not to vanish when squared. */
function nearby(all: readonly Float64Array[], d: number): Float64Array[] {
  return all.map((c, v) => (v > d && v < all.length - 1 ? c.map((q) => (q === 0 ? 1e-150 : q)) : c));
}

/** Values; where the formula has none at some p_a = 0, its limit. */
function withLimit(e: Expression, all: readonly Float64Array[], d: number, out: Float64Array): void {
  try {
    write(e, all, out);
  } catch (cause) {
    if (!singular(all, d, out)) throw cause;
    // a batch writes every value before it refuses one
    const exact = out.slice();
    e.batch(nearby(all, d), out);
    for (let i = 0; i < out.length; i++) if (!Number.isNaN(exact[i])) out[i] = exact[i];
  }
}

/** Values; 0 where the formula is not finite at some p_a = 0. */
function withoutPoles(e: Expression, all: readonly Float64Array[], d: number, out: Float64Array): void {
  try {
    write(e, all, out);
  } catch (cause) {
    if (!singular(all, d, out)) throw cause;
  }
  for (let i = 0; i < out.length; i++) if (!Number.isFinite(out[i]) && touchesZero(all, d, i)) out[i] = 0;
}

/** Every value that is NaN is at some p_a = 0. */
function singular(all: readonly Float64Array[], d: number, values: Float64Array): boolean {
  return values.every((v, i) => !Number.isNaN(v) || touchesZero(all, d, i));
}

function touchesZero(all: readonly Float64Array[], d: number, i: number): boolean {
  for (let a = 0; a < d; a++) if (all[d + 1 + a][i] === 0) return true;
  return false;
}
