// Helmholtz and Poisson equations on a grid, (c − ν Δ_h) u = b, solved exactly: Δ_h = div ∇ of src/grid is diagonal in
//   periodic: Fourier,  λ_k = (4/h²) sin²(πk/n);   no-flux: DCT-II,  λ_k = (4/h²) sin²(πk/2n);
//   dirichlet: DST-I,   λ_k = (4/h²) sin²(π(k + 1)/(2(n + 1))),
// axis by axis, so û_{ijk} = b̂_{ijk}/(c + ν(λ_i + λ_j + λ_k)). Any size, any mixture of axes; O(N log N).
// With c = 0 and no dirichlet axis the constants are in the kernel: b must have mean 0, and the u of mean 0 is returned.
// References: Buzbee, Golub, Nielson 1970 (key buzbee1970direct); Strang 1999 (key strang1999discrete).
import { demand } from "../error.js";
import { type Axis, demandField, type Grid } from "../grid/index.js";
import { alongAxis, cosineTransform, fourierTransform, type LineTransform, sineTransform } from "./basis.js";

/** A planned solver of (c − ν Δ_h) u = b on one grid. */
export interface HelmholtzPlan {
  readonly grid: Grid;
  /** Eigenvalues λ ≥ 0 of −∂²_h on each axis, in the order of the axis's transform. */
  readonly eigenvalues: readonly Float64Array[];
  /**
   * Solves (c − ν Δ_h) u = b.
   *
   * @param rhs b, a field on the grid
   * @param shift c ≥ 0
   * @param viscosity ν ≥ 0; c and ν not both 0
   * @param out where to write, may be `rhs`; default a new field
   * @throws UsageError when a number or length is wrong, or when c = 0 without dirichlet axes and |mean b| > 1e-10 max |b|
   */
  solve(rhs: Float64Array, shift: number, viscosity: number, out?: Float64Array): Float64Array;
}

/**
 * Plans the exact solution of Helmholtz and Poisson equations on a grid.
 *
 * @param grid one to three axes of any kind
 *
 * *Notes*: residuals are a few ε times the size of the operator, 4ν Σ 1/h²; a plan serves one caller at a time.
 *
 * *Good values*: points (points + 1 on a dirichlet axis) a product of 2, 3 and 5; also as a preconditioner for variable
 * coefficients, with c and ν at their means.
 *
 * *References*: buzbee1970direct, strang1999discrete
 */
export function helmholtz(grid: Grid): HelmholtzPlan {
  const transforms = grid.axes.map(transformOf);
  const eigenvalues = grid.axes.map(axisEigenvalues);
  const grounded = grid.axes.some((axis) => axis.boundary === "dirichlet");
  // Missing axes count as one mode of eigenvalue 0.
  const none = new Float64Array(1);
  const [l0, l1, l2] = [...Array<Float64Array>(3 - grid.dimension).fill(none), ...eigenvalues];
  return {
    grid,
    eigenvalues,
    solve(rhs, shift, viscosity, out = new Float64Array(grid.size)) {
      const where = "helmholtz";
      for (const [name, value] of [
        ["shift", shift],
        ["viscosity", viscosity],
      ] as const)
        demand(
          value >= 0 && Number.isFinite(value),
          where,
          name,
          "be a finite number ≥ 0",
          value,
          "Use gmres() for indefinite systems",
        );
      demand(shift > 0 || viscosity > 0, where, "shift + viscosity", "be > 0", 0, "Set one of the two");
      for (const [name, field] of [
        ["rhs", rhs],
        ["out", out],
      ] as const)
        demandField(grid, field, where, name);
      const singular = shift === 0 && !grounded;
      if (singular) {
        let sum = 0;
        let largest = 0;
        for (const value of rhs) {
          sum += value;
          largest = Math.max(largest, Math.abs(value));
        }
        demand(
          Math.abs(sum / rhs.length) <= 1e-10 * largest,
          where,
          "rhs",
          "have mean 0 when shift is 0 and no axis is dirichlet",
          sum / rhs.length,
          "Subtract its mean or use a positive shift",
        );
      }
      if (out !== rhs) out.set(rhs);
      for (let a = 0; a < grid.dimension; a++) alongAxis(transforms[a], out, grid.strides[a], "forward");
      let at = 0;
      for (let i = 0; i < l0.length; i++) {
        for (let j = 0; j < l1.length; j++) {
          const lambda = l0[i] + l1[j];
          for (let k = 0; k < l2.length; k++) out[at++] /= shift + viscosity * (lambda + l2[k]);
        }
      }
      if (singular) out[0] = 0;
      for (let a = grid.dimension - 1; a >= 0; a--) alongAxis(transforms[a], out, grid.strides[a], "inverse");
      return out;
    },
  };
}

function transformOf({ boundary, points }: Axis): LineTransform {
  if (boundary === "periodic") return fourierTransform(points);
  return boundary === "no-flux" ? cosineTransform(points) : sineTransform(points);
}

/** Eigenvalues λ_k ≥ 0 of −∂²_h on an axis, in the order of its transform. */
export function axisEigenvalues({ boundary, points: n, spacing: h }: Axis): Float64Array {
  return Float64Array.from({ length: n }, (_, k) => {
    // In half-complex order slots k and n − k share an eigenvalue, as sin² does.
    const angle =
      boundary === "periodic"
        ? (Math.PI * k) / n
        : boundary === "no-flux"
          ? (Math.PI * k) / (2 * n)
          : (Math.PI * (k + 1)) / (2 * (n + 1));
    return ((2 / h) * Math.sin(angle)) ** 2;
  });
}
