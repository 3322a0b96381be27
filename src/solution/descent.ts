// What the solution of a Wasserstein gradient flow holds beside the common shape, whatever its family: E, I and the largest speed at the
// times of its steps,  dE/dt = −I,  I = ∫ρ|v|²,  v = −∇ δE/δρ.
import type { Problem } from "../problem.js";
import type { Solution } from "./index.js";

/** Solution of a gradient flow, by any family. */
export interface DescentSolution<P extends Problem = Problem> extends Solution<P> {
  /** t_0 = 0 < … < t_N; t_N < T when the solve stopped early. */
  readonly times: Float64Array;
  /** E at each time, as the family measures it: for particles and networks between samples. */
  readonly energies: readonly number[];
  /** I at each time, no ½; `null` where not measured. */
  readonly dissipations: readonly (number | null)[];
  /** Largest |v| at each time where mass is (`porousMedium`: beside more than 1e-8 of the largest density); `null` where not measured. */
  readonly speeds: readonly (number | null)[];
}
