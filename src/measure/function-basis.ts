// A stated basis of smooth functions on a box or on R^d: products ψ_j(x) = Π_a φ_{j_a}(x_a) of total degree ≤ q, with gradients and Laplacians.
//   fourier      1, cos ωkx, sin ωkx,  ω = 2π/(upper − lower)     periodic axes; both functions of one k have degree k
//   cosine       cos(πk(x − lower)/(upper − lower))                reflecting walls: ∂ₙψ = 0 on them
//   polynomial   He_k(z)/√k!,  z = (x − centre)/scale              the line; orthonormal for N(centre, scale²)
// What regressions on clouds and log-densities of exponential families are written in. Exact for what the basis holds.
// Reference: Gobet, Lemor, Warin 2005 (key gobet2005regression), section 2: function bases of regression methods.
import { demand } from "../error.js";

/** Functions of one coordinate. */
export type BasisAxis =
  | { readonly kind: "fourier" | "cosine"; readonly lower: number; readonly upper: number }
  | { readonly kind: "polynomial"; readonly centre: number; readonly scale: number };

/** Values at n points: function j of point i stands at `i * size + j`. */
export interface BasisJet {
  readonly values: Float64Array;
  /** ∂ψ/∂x_a for each axis. */
  readonly gradients: readonly Float64Array[];
  readonly laplacians: Float64Array;
}

/** Finitely many smooth functions on R^d. */
export interface FunctionBasis {
  readonly dimension: number;
  readonly axes: readonly BasisAxis[];
  /** Number of functions; function 0 is the constant 1. */
  readonly size: number;
  /** One line for a record, for example `"polynomial × fourier, degree 4, 15 functions"`. */
  readonly text: string;
  /** Values, gradients and Laplacians at n row-major points. */
  evaluate(points: Float64Array): BasisJet;
}

/**
 * Makes the basis of all products with total degree ≤ `degree`.
 *
 * @param axes what each coordinate's functions are
 * @param degree q ≥ 0; one number
 * @throws UsageError when an axis or the degree is out of range, or the basis would hold more than 2000 functions
 *
 * *Good values*: degree 2 where solutions are nearly quadratic, 4 to 8 on periodic axes.
 *
 * *References*: gobet2005regression
 */
export function functionBasis(axes: readonly BasisAxis[], degree: number): FunctionBasis {
  const where = "functionBasis";
  const d = axes.length;
  demand(d >= 1, where, "axes", "hold at least one", d, "Give one entry a coordinate");
  demand(
    Number.isInteger(degree) && degree >= 0,
    where,
    "degree",
    "be an integer ≥ 0",
    degree,
    "Use degree: 2 to start",
  );
  axes.forEach((ax, a) => {
    const holds =
      ax.kind === "polynomial"
        ? Number.isFinite(ax.centre) && ax.scale > 0 && ax.scale < Infinity
        : Number.isFinite(ax.lower) && ax.upper > ax.lower && ax.upper < Infinity;
    demand(holds, where, `axes[${a}]`, "have a finite length > 0", ax, "Give the ends, or centre and scale");
  });
  const functions: [number, number][][] = [];
  const choose = (a: number, left: number, so: [number, number][]): void => {
    if (a === d) {
      functions.push(so);
      demand(
        functions.length <= 2000,
        where,
        "degree",
        "give at most 2000 functions",
        degree,
        "Use a lower degree in this dimension",
      );
      return;
    }
    const per = axes[a].kind === "fourier" ? 2 : 1;
    choose(a + 1, left, so);
    for (let j = 1; j <= per * left; j++) choose(a + 1, left - Math.ceil(j / per), [...so, [a, j]]);
  };
  choose(0, degree, []);
  const size = functions.length;
  const width = 2 * degree + 1;
  const kinds = [...new Set(axes.map((ax) => ax.kind))].join(" × ");
  return Object.freeze({
    dimension: d,
    axes,
    size,
    text: `${kinds}, degree ${degree}, ${size} functions`,
    evaluate(points: Float64Array): BasisJet {
      const n = points.length / d;
      const values = new Float64Array(n * size);
      const gradients = axes.map(() => new Float64Array(n * size));
      const laplacians = new Float64Array(n * size);
      const f = new Float64Array(d * width);
      const f1 = new Float64Array(d * width);
      const f2 = new Float64Array(d * width);
      for (let i = 0; i < n; i++) {
        for (let a = 0; a < d; a++) lineFunctions(axes[a], degree, points[i * d + a], a * width, f, f1, f2);
        for (let j = 0; j < size; j++) {
          const so = functions[j];
          let product = 1;
          for (const [a, r] of so) product *= f[a * width + r];
          const at = i * size + j;
          values[at] = product;
          let bend = 0;
          for (const [b, s] of so) {
            let others = 1;
            for (const [a, r] of so) if (a !== b) others *= f[a * width + r];
            gradients[b][at] = others * f1[b * width + s];
            bend += others * f2[b * width + s];
          }
          laplacians[at] = bend;
        }
      }
      return { values, gradients, laplacians };
    },
  });
}

function lineFunctions(
  ax: BasisAxis,
  degree: number,
  x: number,
  at: number,
  f: Float64Array,
  f1: Float64Array,
  f2: Float64Array,
): void {
  f[at] = 1;
  f1[at] = f2[at] = 0;
  if (ax.kind === "polynomial") {
    const z = (x - ax.centre) / ax.scale;
    // normalised Hermite: h_k = (z h_{k−1} − √(k−1) h_{k−2})/√k,  h_k′ = √k h_{k−1}/scale
    for (let k = 1; k <= degree; k++) {
      f[at + k] = (z * f[at + k - 1] - (k > 1 ? Math.sqrt(k - 1) * f[at + k - 2] : 0)) / Math.sqrt(k);
      f1[at + k] = (Math.sqrt(k) * f[at + k - 1]) / ax.scale;
      f2[at + k] = (Math.sqrt(k) * f1[at + k - 1]) / ax.scale;
    }
    return;
  }
  const unit = (ax.kind === "fourier" ? 2 * Math.PI : Math.PI) / (ax.upper - ax.lower);
  for (let k = 1; k <= degree; k++) {
    const w = unit * k;
    const c = Math.cos(w * (x - ax.lower));
    const s = Math.sin(w * (x - ax.lower));
    const j = at + (ax.kind === "fourier" ? 2 * k - 1 : k);
    f[j] = c;
    f1[j] = -w * s;
    f2[j] = -w * w * c;
    if (ax.kind === "cosine") continue;
    f[j + 1] = s;
    f1[j + 1] = w * c;
    f2[j + 1] = -w * w * s;
  }
}
