// Two-point fluxes of drift and diffusion, J = b ρ − D ∂ρ/∂x at a face between a left and a right value at distance h:
//   J = left ρ_left − right ρ_right.
// A flux is a plain function from face velocities to the two weights. Both weights ≥ 0: the implicit step is an M-matrix and keeps
// ρ ≥ 0. left = right where b = 0; J = b ρ for equal values (consistency): left − right = b.
// Reference: Eymard, Gallouët, Herbin 2000 (key eymard2000finite).

/**
 * Weights of a two-point flux at n faces.
 *
 * @param velocity b at the faces
 * @param diffusion D ≥ 0
 * @param spacing h > 0, the distance of the two values
 * @param left out: weight of the left value
 * @param right out: weight of the right value
 */
export type Flux = (
  velocity: Float64Array,
  diffusion: number,
  spacing: number,
  left: Float64Array,
  right: Float64Array,
) => void;
