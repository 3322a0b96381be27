// Problem: frozen data that says WHAT is solved. No algorithm, no grid size. Families live in problems/.

/** A short verdict on well-posedness, with the reasons in sentences. `null` = not known. */
export interface WellPosedness {
  readonly wellPosed: boolean | null;
  readonly reasons: readonly string[];
}

/** What a coordinate means to a person: physical value = offset + scale × x. */
export interface Coordinate {
  /** Name with its unit, for example `"duration (min)"`. */
  readonly label: string;
  readonly offset: number;
  readonly scale: number;
}

/** What every problem family answers. */
export interface Problem {
  /** The family, for example `"proximal-flow"`: a solver's `handles` looks at this first. */
  readonly kind: string;
  /** Catalogue or user name, kebab-case. */
  readonly name: string;
  /** One line for a person. */
  readonly title: string;
  /** Spatial dimension d. */
  readonly dimension: number;
  /** Time horizon T; `t ∈ [0, T]` is game time. */
  readonly horizon: number;
  /** Keys into docs/references.bib. */
  readonly references: readonly string[];
  /** Potential game: the equations are the optimality system of one functional. */
  readonly isPotential: boolean;
  /** Monotone (Lasry–Lions): at most one equilibrium. `null` = not known. */
  readonly isMonotone: boolean | null;
  /** A closed form is attached. */
  readonly hasExact: boolean;
  /** Answers before any work whether the problem is well-posed. */
  wellPosedness(): WellPosedness;
  /** Meaning of each coordinate, for pictures; `null` = the bare x₁, x₂, … */
  readonly coordinates: readonly Coordinate[] | null;
  /** The equations, one Unicode line each, for reports. */
  readonly equations: readonly string[];
  /** JSON description: everything needed to say which problem this was. */
  describe(): Record<string, unknown>;
}
