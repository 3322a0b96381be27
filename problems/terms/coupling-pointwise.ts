// Local couplings f_k(t, x, m₁(x), …, m_K(x)): what all of them share. A family gives f and ∂f_k/∂m_l at points; from these come
//   on cells       f and the K × K multiplication by ∂f/∂m, whose transpose swaps k and l (solid cells hold 0)
//   on particles   f at the particles, with the densities that the caller estimated
//   functional     F(m) = ∫ ∫₀¹ Σ_k f_k(θ m) m_k dθ dx, the line integral from m = 0; δF/δm_k = f_k when ∂f_k/∂m_l = ∂f_l/∂m_k
// The line integral is by 32 Gauss–Legendre points in s with θ = s⁴, which resolves ln m and m^a at m = 0: exact for polynomials
// in m up to degree 15.
import { demand, usageError } from "../../src/error.js";
import type { Expression, ExpressionNode } from "../../src/expression/index.js";
import type { Cells } from "../../src/grid/index.js";
import type { Coupling, CouplingDerivative, Crowd, GridCoupling } from "./coupling.js";

/** f and ∂f/∂m bound to points; all columns have one entry a point. */
export interface PointwiseCost {
  /** out ← f_k(t, ·, m). */
  value(k: number, t: number, m: readonly Float64Array[], out: Float64Array): void;
  /** out ← ∂f_k/∂m_l. */
  slope(k: number, l: number, t: number, m: readonly Float64Array[], out: Float64Array): void;
}

/** What a family says of itself; the fields are those of {@link Coupling}. */
export interface PointwiseFamily
  extends Pick<
    Coupling,
    | "name"
    | "dimension"
    | "populations"
    | "text"
    | "isMonotone"
    | "isPotential"
    | "dependsOnMass"
    | "isQuadratic"
    | "isPortable"
    | "massRange"
    | "expressionText"
    | "description"
  > {
  /** Constructor that errors name. */
  readonly where: string;
  /** Work that depends on the points alone is done here. */
  bind(points: Float64Array): PointwiseCost;
}

/** Makes a coupling of a pointwise cost. */
export function pointwiseCoupling(family: PointwiseFamily): Coupling {
  const { where, dimension: d, populations: K, massRange, isPotential } = family;
  const { bind, where: _, ...answers } = family;

  const [least, most] = massRange;
  const range =
    least > 0 || most < Infinity
      ? [least > 0 ? (least === Number.MIN_VALUE ? "> 0" : `≥ ${least}`) : "", most < Infinity ? `≤ ${most}` : ""]
          .filter((part) => part !== "")
          .join(" and ")
      : null;
  const refuseNaN = (k: number, t: number, points: Float64Array, m: readonly Float64Array[], f: Float64Array): void => {
    for (let i = 0; i < f.length; i++) {
      if (!Number.isNaN(f[i])) continue;
      const x = Array.from(points.subarray(i * d, (i + 1) * d)).join(", ");
      const density = m.map((column) => column[i]).join(", ");
      throw usageError(
        where,
        `the cost ${family.text[k]}`,
        `have a real value at x = (${x}), t = ${t}, m = ${density}`,
        Number.NaN,
        range === null ? "Change the formula" : `Keep the density ${range}, or change the formula`,
      );
    }
  };

  const bound = (cells: Cells) => {
    demand(
      cells.grid.dimension === d,
      where,
      "the cells",
      `have the coupling's dimension ${d}`,
      cells.grid.dimension,
      "Make every term in the domain's dimension",
    );
    const { size } = cells.grid;
    const solid = cells.openCount < size;
    const index = new Int32Array(cells.openCount);
    let at = 0;
    for (let i = 0; i < size; i++) if (cells.open[i] === 1) index[at++] = i;
    const points = solid ? new Float64Array(index.length * d) : cells.points;
    if (solid)
      for (let j = 0; j < index.length; j++)
        for (let a = 0; a < d; a++) points[j * d + a] = cells.points[index[j] * d + a];
    const gathered = solid ? Array.from({ length: K }, () => new Float64Array(index.length)) : null;
    return {
      points,
      cost: bind(points),
      count: index.length,
      /** The densities of the open cells. */
      gather(m: readonly Float64Array[]): readonly Float64Array[] {
        if (gathered === null) return m;
        gathered.forEach((column, k) => {
          for (let j = 0; j < index.length; j++) column[j] = m[k][index[j]];
        });
        return gathered;
      },
      /** Values on open cells → a field. */
      scatter(values: Float64Array, out: Float64Array): void {
        out.fill(0);
        for (let j = 0; j < index.length; j++) out[index[j]] = values[j];
      },
      solid,
    };
  };

  return Object.freeze({
    ...answers,
    isNonlocal: false,
    on(cells: Cells): GridCoupling {
      const site = bound(cells);
      const { size } = cells.grid;
      const column = new Float64Array(site.count);
      return {
        evaluate(t, m, out) {
          const own = site.gather(m);
          for (let k = 0; k < K; k++) {
            const f = site.solid ? column : out[k];
            site.cost.value(k, t, own, f);
            refuseNaN(k, t, site.points, own, f);
            if (site.solid) site.scatter(f, out[k]);
          }
        },
        linearise(t, m): CouplingDerivative {
          const own = site.gather(m);
          const local = Array.from({ length: K * K }, (_, kl) => {
            const slope = new Float64Array(size);
            const f = site.solid ? column : slope;
            site.cost.slope(Math.floor(kl / K), kl % K, t, own, f);
            if (site.solid) site.scatter(f, slope);
            return slope;
          });
          return multiplication(local, K);
        },
      };
    },
    potentialOn(cells: Cells) {
      if (isPotential !== true) return null;
      const site = bound(cells);
      // a cost on m > 0 is integrated from m = 0
      const base = massRange[0] === Number.MIN_VALUE ? 0 : massRange[0];
      const f = new Float64Array(site.count);
      const scaled = Array.from({ length: K }, () => new Float64Array(site.count));
      return (t: number, m: readonly Float64Array[]): number => {
        const own = site.gather(m);
        let sum = 0;
        for (const { theta, weight } of PATH) {
          scaled.forEach((column, k) => {
            for (let i = 0; i < column.length; i++) column[i] = base + theta * (own[k][i] - base);
          });
          for (let k = 0; k < K; k++) {
            site.cost.value(k, t, scaled, f);
            refuseNaN(k, t, site.points, scaled, f);
            let part = 0;
            // f(0) may be infinite where there is nobody: it weighs nothing
            for (let i = 0; i < f.length; i++) if (own[k][i] !== base) part += f[i] * (own[k][i] - base);
            sum += weight * part;
          }
        }
        return sum * cells.grid.cellVolume;
      };
    },
    at(t: number, k: number, points: Float64Array, crowd: Crowd): Float64Array {
      const n = points.length / d;
      if (family.dependsOnMass && crowd.densities === null)
        throw usageError(
          where,
          "crowd.densities",
          "be given for a local cost that depends on the density",
          null,
          "Estimate the density at the points, or smooth the cost with couplingNonlocal",
        );
      const m = crowd.densities ?? Array.from({ length: K }, () => new Float64Array(n));
      const f = new Float64Array(n);
      bind(points).value(k, t, m, f);
      refuseNaN(k, t, points, m, f);
      return f;
    },
  });
}

/** δm ↦ Aδm with a K × K matrix at every cell. */
export function multiplication(local: readonly Float64Array[], K: number): CouplingDerivative {
  const multiply = (
    entry: (k: number, l: number) => number,
    v: readonly Float64Array[],
    out: readonly Float64Array[],
  ) => {
    for (let k = 0; k < K; k++) {
      const o = out[k];
      for (let l = 0; l < K; l++) {
        const a = local[entry(k, l)];
        const w = v[l];
        if (l === 0) for (let i = 0; i < o.length; i++) o[i] = a[i] * w[i];
        else for (let i = 0; i < o.length; i++) o[i] += a[i] * w[i];
      }
    }
  };
  return {
    apply: (dm, out) => multiply((k, l) => k * K + l, dm, out),
    applyTranspose: (w, out) => multiply((k, l) => l * K + k, w, out),
    local,
  };
}

/** −1 when a symmetric matrix has an eigenvalue below −1e-12 × its size, else 1: by Jacobi rotations. */
export function definiteness(a: Float64Array, K: number): -1 | 1 {
  const scale = a.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  for (let sweep = 0; sweep < 30; sweep++) {
    for (let p = 0; p < K; p++) {
      for (let q = p + 1; q < K; q++) {
        const b = a[p * K + q];
        if (b === 0) continue;
        const angle = 0.5 * Math.atan2(2 * b, a[q * K + q] - a[p * K + p]);
        const [c, s] = [Math.cos(angle), Math.sin(angle)];
        for (let i = 0; i < K; i++) {
          const [x, y] = [a[i * K + p], a[i * K + q]];
          a[i * K + p] = c * x - s * y;
          a[i * K + q] = s * x + c * y;
        }
        for (let i = 0; i < K; i++) {
          const [x, y] = [a[p * K + i], a[q * K + i]];
          a[p * K + i] = c * x - s * y;
          a[q * K + i] = s * x + c * y;
        }
      }
    }
  }
  for (let k = 0; k < K; k++) if (a[k * K + k] < -1e-12 * scale) return -1;
  return 1;
}

/** Free of m, and of degree ≤ 2 in x. */
export function isQuadratic(e: Expression, coordinates: readonly string[], masses: readonly string[] = []): boolean {
  if (masses.some((m) => mentions(e.tree, m))) return false;
  return coordinates.every((a) =>
    coordinates.every((b) => {
      const second = e.derivative(a).derivative(b).tree;
      return coordinates.every((c) => !mentions(second, c));
    }),
  );
}

/** Whether the symbol occurs in the tree. */
export function mentions(n: ExpressionNode, name: string): boolean {
  switch (n.kind) {
    case "number":
      return false;
    case "symbol":
      return n.name === name;
    case "unary":
      return mentions(n.argument, name);
    case "binary":
      return mentions(n.left, name) || mentions(n.right, name);
    case "call":
      return n.arguments.some((a) => mentions(a, name));
  }
}

/** ∫₀¹ h(θ) dθ ≈ Σ weight h(theta), Gauss–Legendre in s = θ^¼. */
const PATH = gaussLegendre(32).map(({ node, weight }) => {
  const s = (1 + node) / 2;
  return { theta: s ** 4, weight: 2 * weight * s ** 3 };
});

/** Nodes and weights on [−1, 1], by Newton's iteration on the Legendre polynomial. */
function gaussLegendre(n: number): { node: number; weight: number }[] {
  return Array.from({ length: n }, (_, i) => {
    let x = Math.cos((Math.PI * (i + 0.75)) / (n + 0.5));
    let slope = 1;
    for (let step = 0; step < 20; step++) {
      let p = 1;
      let before = 0;
      for (let j = 1; j <= n; j++) [p, before] = [((2 * j - 1) * x * p - (j - 1) * before) / j, p];
      slope = (n * (x * p - before)) / (x * x - 1);
      x -= p / slope;
    }
    return { node: x, weight: 2 / ((1 - x * x) * slope * slope) };
  });
}
