// Quadratic Hamiltonian with drift and metric:
//   H(t, x, p) = κ(t, x) pᵀA p + b(t, x)·p        A = I, diag(A₁(t, x), …, A_d(t, x)), or a constant SPD matrix
// ∂ₚH = 2κAp + b, ∂ₚₚH = 2κA. Its Lagrangian is L(x, v) = (v + b)ᵀA⁻¹(v + b)/(4κ): agents are carried by −b and pay for
// what they add to it. Without metric H is radial plus a drift, with a diagonal metric separable; a full metric is neither.
// H = κ|p|² with constant κ alone is Cole–Hopf's Hamiltonian.
// Reference: Lasry, Lions 2007 (key lasry2007mean); Achdou, Capuzzo-Dolcetta 2010 (key achdou2010mean).
import { demand } from "../../src/error.js";
import { type Field, type FieldInput, field } from "./field.js";
import { fieldNonnegative } from "./field-nonnegative.js";
import { fieldText } from "./field-text.js";
import type { Hamiltonian, HamiltonianJet, HamiltonianStructure } from "./hamiltonian.js";

const CONVEX = "A Hamiltonian is convex in p: change the sign";

export interface HamiltonianQuadraticOptions {
  /** d ≥ 1. */
  readonly dimension: number;
  /** κ ≥ 0; default ½. */
  readonly weight?: FieldInput;
  /** b, d fields; default none. */
  readonly drift?: readonly FieldInput[] | null;
  /** A: d fields ≥ 0 (the diagonal), or a constant symmetric positive definite d×d matrix by rows; default the identity. */
  readonly metric?: readonly FieldInput[] | readonly (readonly number[])[] | null;
  /** Named numbers of the expressions. */
  readonly parameters?: Readonly<Record<string, number>>;
}

/**
 * H = κ pᵀA p + b·p.
 *
 * @param options dimension, weight κ, drift b, metric A
 * @returns a frozen Hamiltonian that does not depend on m
 * @throws UsageError when a number does not fit, or the metric is not symmetric positive definite; from `evaluate` when κ
 * or a diagonal entry is negative at a point
 *
 * *Notes*: with a full (not diagonal) metric no exact upwinding is known here; grid solvers fall back to Lax–Friedrichs.
 * κ = 0 leaves agents to the drift.
 *
 * *Good values*: weight ½, so that v* = −∇u.
 *
 * *References*: lasry2007mean, achdou2010mean
 *
 * @example
 * hamiltonianQuadratic({ dimension: 2, weight: 0.5, drift: ["-y", "x"] });
 */
export function hamiltonianQuadratic(options: HamiltonianQuadraticOptions): Hamiltonian {
  const where = "hamiltonianQuadratic";
  const { dimension: d } = options;
  demand(Number.isInteger(d) && d >= 1, where, "dimension", "be an integer ≥ 1", d, "Use dimension: 2");
  const parameters = options.parameters ?? {};
  const given = metricOf(options.metric ?? null, d, where, parameters);
  const weight = fieldNonnegative(options.weight ?? 0.5, d, where, "weight", parameters, CONVEX);
  const drift = options.drift ?? null;
  demand(
    drift === null || drift.length === d,
    where,
    "drift",
    `have ${d} components, one an axis`,
    drift?.length,
    "Give every component, 0 where there is none",
  );
  const b = drift === null ? null : drift.map((c, a) => field(c, d, where, `drift[${a}]`, parameters));
  const still = b?.every((c) => c.constant === 0) ?? true;
  const fields = [weight, ...(still ? [] : (b as Field[])), ...(given.kind === "diagonal" ? given.entries : [])];

  const driftInto = (t: number, points: Float64Array, out: readonly Float64Array[]): void => {
    for (let a = 0; a < d; a++) (b as Field[])[a].evaluate(t, points, out[a]);
  };
  /** κA_a at n points. */
  const coefficient = (a: number, t: number, points: Float64Array, out: Float64Array): void => {
    weight.evaluate(t, points, out);
    if (given.kind !== "diagonal") return;
    const entry = given.entries[a].evaluate(t, points);
    for (let i = 0; i < out.length; i++) out[i] *= entry[i];
  };

  return Object.freeze({
    name: "quadratic",
    dimension: d,
    text: formula(),
    dependsOnMass: false,
    dependsOnTime: fields.some((f) => f.dependsOnTime),
    quadraticWeight:
      still && weight.constant !== null && weight.constant > 0 && given.kind === "none" ? weight.constant : null,
    isPortable: fields.every((f) => f.expression !== null),
    structure: structure(),
    evaluate(t, points, q, _m, out, order) {
      if (given.kind === "matrix") addMatrixForm(weight, given.entries, d, t, points, q, out, order);
      else {
        let pair = 0;
        const kappa = new Float64Array(out.value.length);
        for (let a = 0; a < d; a++) {
          if (a === 0 || given.kind === "diagonal") coefficient(a, t, points, kappa);
          const pa = q[a];
          const { value } = out;
          if (a === 0) value.fill(0);
          for (let i = 0; i < value.length; i++) value[i] += kappa[i] * pa[i] * pa[i];
          if (order >= 1) {
            const g = out.gradient[a];
            for (let i = 0; i < g.length; i++) g[i] = 2 * kappa[i] * pa[i];
          }
          if (order < 2) continue;
          const h = out.hessian[pair];
          for (let i = 0; i < h.length; i++) h[i] = 2 * kappa[i];
          for (let c = a + 1; c < d; c++) out.hessian[pair + c - a].fill(0);
          pair += d - a;
        }
      }
      if (!still) {
        const c = new Float64Array(out.value.length);
        for (let a = 0; a < d; a++) {
          (b as Field[])[a].evaluate(t, points, c);
          const pa = q[a];
          for (let i = 0; i < c.length; i++) out.value[i] += c[i] * pa[i];
          if (order >= 1) for (let i = 0; i < c.length; i++) out.gradient[a][i] += c[i];
        }
      }
      if (order >= 1) out.byMass.fill(0);
      if (order >= 2) for (const g of out.gradientByMass) g.fill(0);
    },
    expressionText: fields.every((f) => f.expression !== null) ? expression() : null,
    description: {
      kind: "quadratic",
      dimension: d,
      weight: weight.constant ?? weight.text,
      drift: b?.map((c) => c.constant ?? c.text) ?? null,
      metric: given.kind === "diagonal" ? given.entries.map((e) => e.constant ?? e.text) : (options.metric ?? null),
      parameters,
    },
  } satisfies Hamiltonian);

  function structure(): HamiltonianStructure {
    if (given.kind === "matrix") return { kind: "general" };
    if (given.kind === "diagonal") {
      return {
        kind: "separable",
        part(a, t, points, pa, _m, out) {
          coefficient(a, t, points, out.curvature);
          const c = out.slopeByMass; // scratch until it is cleared below
          if (still) c.fill(0);
          else (b as Field[])[a].evaluate(t, points, c);
          for (let i = 0; i < pa.length; i++) {
            const k = out.curvature[i];
            out.value[i] = (k * pa[i] + c[i]) * pa[i];
            out.slope[i] = 2 * k * pa[i] + c[i];
            out.curvature[i] = 2 * k;
          }
          out.byMass.fill(0);
          out.slopeByMass.fill(0);
        },
        least(a, t, points, _m, out) {
          coefficient(a, t, points, out);
          const c = new Float64Array(out.length);
          if (!still) (b as Field[])[a].evaluate(t, points, c);
          // κA = 0: no minimum unless the drift is 0 too
          for (let i = 0; i < out.length; i++) out[i] = c[i] === 0 ? 0 : -c[i] / (2 * out[i]);
        },
      };
    }
    return {
      kind: "radial",
      isLinear: true,
      profile(t, points, s, _m, out) {
        coefficient(0, t, points, out.slope);
        for (let i = 0; i < s.length; i++) out.value[i] = out.slope[i] * s[i];
        out.curvature.fill(0);
        out.byMass.fill(0);
        out.slopeByMass.fill(0);
      },
      drift: still ? null : driftInto,
    };
  }

  function expression(): string {
    const q = (a: number) => `p${a + 1}`;
    const terms: string[] = [];
    for (let a = 0; a < d; a++) {
      if (given.kind === "none") terms.push(`${q(a)}^2`);
      else if (given.kind === "diagonal") terms.push(`${fieldText(given.entries[a])}*${q(a)}^2`);
      else
        for (let c = a; c < d; c++)
          terms.push(`(${(c === a ? 1 : 2) * given.entries[a][c]})*${c === a ? `${q(a)}^2` : `${q(a)}*${q(c)}`}`);
    }
    const carried = still ? [] : (b as Field[]).map((c, a) => `${fieldText(c)}*${q(a)}`);
    return [`${fieldText(weight)}*(${terms.join(" + ")})`, ...carried].join(" + ");
  }

  function formula(): string {
    const kappa = weight.constant === 0.5 ? "½" : weight.constant === 1 ? "" : nameOf(weight);
    const square =
      given.kind === "none"
        ? "|p|²"
        : given.kind === "matrix"
          ? `pᵀ${JSON.stringify(given.entries)}p`
          : `(${given.entries.map((e, a) => `${e.constant === 1 ? "" : nameOf(e)} p${a + 1}²`.trim()).join(" + ")})`;
    const carried = still ? "" : ` + (${(b as Field[]).map((c) => c.text).join(", ")})·p`;
    return `${kappa} ${square}`.trim().replace("½ ", "½") + carried;
  }
}

type Metric =
  | { readonly kind: "none" }
  | { readonly kind: "diagonal"; readonly entries: readonly Field[] }
  | { readonly kind: "matrix"; readonly entries: readonly (readonly number[])[] };

function metricOf(
  metric: readonly FieldInput[] | readonly (readonly number[])[] | null,
  d: number,
  where: string,
  parameters: Readonly<Record<string, number>>,
): Metric {
  if (metric === null) return { kind: "none" };
  demand(
    Array.isArray(metric) && metric.length === d,
    where,
    "metric",
    `be ${d} diagonal entries or a ${d}×${d} matrix`,
    metric,
    "Leave it out for the identity",
  );
  if (!metric.every((row) => Array.isArray(row))) {
    const entries = (metric as readonly FieldInput[]).map((e, a) =>
      fieldNonnegative(e, d, where, `metric[${a}]`, parameters, CONVEX),
    );
    return entries.every((e) => e.constant === 1) ? { kind: "none" } : { kind: "diagonal", entries };
  }
  const rows = metric as readonly (readonly number[])[];
  demand(
    rows.every((r, a) => r.length === d && r.every((v, c) => Number.isFinite(v) && v === rows[c][a])) && definite(rows),
    where,
    "metric",
    "be symmetric and positive definite",
    metric,
    "Use for example [[1, 0.2], [0.2, 1]]",
  );
  if (rows.every((r, a) => r.every((v, c) => a === c || v === 0)))
    return metricOf(
      rows.map((r, a) => r[a]),
      d,
      where,
      parameters,
    );
  return { kind: "matrix", entries: rows };
}

/** Cholesky's pivots are all > 0. */
function definite(rows: readonly (readonly number[])[]): boolean {
  const l = rows.map((r) => [...r]);
  for (let j = 0; j < l.length; j++) {
    if (!(l[j][j] > 0)) return false;
    for (let i = j + 1; i < l.length; i++) {
      const f = l[i][j] / l[j][j];
      for (let k = j; k < l.length; k++) l[i][k] -= f * l[j][k];
    }
  }
  return true;
}

function addMatrixForm(
  weight: Field,
  rows: readonly (readonly number[])[],
  d: number,
  t: number,
  points: Float64Array,
  p: readonly Float64Array[],
  out: HamiltonianJet,
  order: 0 | 1 | 2,
): void {
  const n = out.value.length;
  const kappa = weight.evaluate(t, points);
  const row = new Float64Array(n);
  out.value.fill(0);
  let pair = 0;
  for (let a = 0; a < d; a++) {
    row.fill(0);
    for (let c = 0; c < d; c++) for (let i = 0; i < n; i++) row[i] += rows[a][c] * p[c][i];
    for (let i = 0; i < n; i++) out.value[i] += kappa[i] * p[a][i] * row[i];
    if (order >= 1) for (let i = 0; i < n; i++) out.gradient[a][i] = 2 * kappa[i] * row[i];
    if (order < 2) continue;
    for (let c = a; c < d; c++, pair++) for (let i = 0; i < n; i++) out.hessian[pair][i] = 2 * kappa[i] * rows[a][c];
  }
}

function nameOf(f: Field): string {
  return f.constant === null ? `(${f.text})` : f.text;
}
