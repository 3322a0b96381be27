// Scharfetter–Gummel flux: the flux that is constant between the two values when b and D are,
//   J = (D/h) (B(−P) ρ_left − B(P) ρ_right),   P = b h/D,   B(z) = z/(eᶻ − 1).
// J = 0 exactly when ρ_right/ρ_left = e^P: with b h = −(φ_right − φ_left) the equilibrium e^{−φ/D} is kept to round-off. Both weights > 0 for
// every P (M-matrix); second order where |P| ≲ 1, upwind as |P| → ∞ and for D = 0. Chang and Cooper's (1970) weights of the face value,
// ρ_face = (1 − δ) ρ_right + δ ρ_left with δ = 1/w − 1/(e^w − 1), w = −P, give this flux for constant D.
// References: Scharfetter, Gummel 1969 (key scharfetter1969large); Chang, Cooper 1970 (key chang1970practical).
import { fluxUpwind } from "./flux-upwind.js";

/**
 * The Scharfetter–Gummel flux, which for constant D is the Chang–Cooper flux.
 *
 * *References*: scharfetter1969large, chang1970practical
 */
export function fluxScharfetterGummel(
  velocity: Float64Array,
  diffusion: number,
  spacing: number,
  left: Float64Array,
  right: Float64Array,
): void {
  const scale = diffusion / spacing;
  if (scale === 0) {
    fluxUpwind(velocity, 0, spacing, left, right);
    return;
  }
  for (let k = 0; k < velocity.length; k++) {
    const b = velocity[k];
    const size = Math.abs(b) / scale;
    // B(−|P|) = B(|P|) + |P|: nothing cancels.
    const small = size > 700 ? 0 : scale * (size === 0 ? 1 : size / Math.expm1(size));
    const large = small + Math.abs(b);
    left[k] = b > 0 ? large : small;
    right[k] = b > 0 ? small : large;
  }
}
