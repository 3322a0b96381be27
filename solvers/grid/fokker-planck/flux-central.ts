// Centred flux: J = b (ρ_left + ρ_right)/2 − D (ρ_right − ρ_left)/h, the divergence form of second order.
// A weight is negative where the cell Péclet number |b|h/D exceeds 2: densities may oscillate and fall below 0 there.
// Reference: Eymard, Gallouët, Herbin 2000 (key eymard2000finite).

/** The centred flux with two-point diffusion. */
export function fluxCentral(
  velocity: Float64Array,
  diffusion: number,
  spacing: number,
  left: Float64Array,
  right: Float64Array,
): void {
  const scale = diffusion / spacing;
  for (let k = 0; k < velocity.length; k++) {
    left[k] = scale + velocity[k] / 2;
    right[k] = scale - velocity[k] / 2;
  }
}
