// Upwind flux: J = b₊ ρ_left − b₋ ρ_right − D (ρ_right − ρ_left)/h,  b± = max(±b, 0).
// Monotone for every h (M-matrix); first order: numerical diffusion |b|h/2.
// Reference: Eymard, Gallouët, Herbin 2000 (key eymard2000finite).

/** The upwind flux with two-point diffusion. */
export function fluxUpwind(
  velocity: Float64Array,
  diffusion: number,
  spacing: number,
  left: Float64Array,
  right: Float64Array,
): void {
  const scale = diffusion / spacing;
  for (let k = 0; k < velocity.length; k++) {
    const b = velocity[k];
    left[k] = b > 0 ? scale + b : scale;
    right[k] = b > 0 ? scale : scale - b;
  }
}
