// H and its derivatives from its structure:
//   radial       H = φ(s, m), s = |p|²:   ∂ₐH = 2φ_s p_a,   ∂ₐ∂_bH = 2φ_s δ_ab + 4φ_ss p_a p_b,   ∂ₐ∂ₘH = 2φ_sm p_a   (and drift b·p)
//   separable    H = Σ_a φ_a(p_a, m):     ∂ₐH = φ_a′,       ∂ₐ∂_bH = φ_a″ δ_ab,                   ∂ₐ∂ₘH = ∂ₘφ_a′
import type { Hamiltonian, HamiltonianStructure } from "./hamiltonian.js";

type Radial = HamiltonianStructure & { readonly kind: "radial" };
type Separable = HamiltonianStructure & { readonly kind: "separable" };

/** `evaluate` of a Hamiltonian with radial structure. It keeps scratch. */
export function evaluateRadial(structure: Radial, dimension: number): Hamiltonian["evaluate"] {
  let scratch = columns(6, 0);
  return (t, points, p, m, out, order) => {
    const n = m.length;
    if (scratch[0].length !== n) scratch = columns(6, n);
    const [s, value, slope, curvature, byMass, slopeByMass] = scratch;
    s.fill(0);
    for (const q of p) for (let i = 0; i < n; i++) s[i] += q[i] * q[i];
    structure.profile(t, points, s, m, { value, slope, curvature, byMass, slopeByMass });
    out.value.set(value);
    if (order >= 1) {
      for (let a = 0; a < dimension; a++) twiceProduct(slope, p[a], out.gradient[a]);
      out.byMass.set(byMass);
    }
    if (order === 2) {
      for (let a = 0, pair = 0; a < dimension; a++) {
        for (let b = a; b < dimension; b++, pair++)
          bend(curvature, p[a], p[b], a === b ? slope : null, out.hessian[pair]);
        twiceProduct(slopeByMass, p[a], out.gradientByMass[a]);
      }
    }
    if (structure.drift === null) return;
    const b = columns(dimension, n);
    structure.drift(t, points, b);
    for (let a = 0; a < dimension; a++) {
      for (let i = 0; i < n; i++) out.value[i] += b[a][i] * p[a][i];
      if (order >= 1) for (let i = 0; i < n; i++) out.gradient[a][i] += b[a][i];
    }
  };
}

/** `evaluate` of a Hamiltonian with separable structure. It keeps scratch. */
export function evaluateSeparable(structure: Separable, dimension: number): Hamiltonian["evaluate"] {
  let scratch = columns(5, 0);
  return (t, points, p, m, out, order) => {
    const n = m.length;
    if (scratch[0].length !== n) scratch = columns(5, n);
    const [value, slope, curvature, byMass, slopeByMass] = scratch;
    out.value.fill(0);
    if (order >= 1) out.byMass.fill(0);
    for (let a = 0, pair = 0; a < dimension; a++) {
      structure.part(a, t, points, p[a], m, { value, slope, curvature, byMass, slopeByMass });
      for (let i = 0; i < n; i++) out.value[i] += value[i];
      if (order === 0) continue;
      out.gradient[a].set(slope);
      for (let i = 0; i < n; i++) out.byMass[i] += byMass[i];
      if (order === 1) continue;
      for (let b = a; b < dimension; b++, pair++) {
        if (a === b) out.hessian[pair].set(curvature);
        else out.hessian[pair].fill(0);
      }
      out.gradientByMass[a].set(slopeByMass);
    }
  };
}

function columns(count: number, n: number): Float64Array[] {
  return Array.from({ length: count }, () => new Float64Array(n));
}

function twiceProduct(a: Float64Array, b: Float64Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) out[i] = 2 * a[i] * b[i];
}

function bend(
  curvature: Float64Array,
  p: Float64Array,
  q: Float64Array,
  slope: Float64Array | null,
  out: Float64Array,
): void {
  for (let i = 0; i < out.length; i++) out[i] = 4 * curvature[i] * p[i] * q[i];
  if (slope !== null) for (let i = 0; i < out.length; i++) out[i] += 2 * slope[i];
}
