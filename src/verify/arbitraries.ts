// Random grids, densities, clouds and games for property-based verification (fast-check). Each shrinks towards the
// simplest bad case: one axis, few points, unit spacing, centred Gaussians, λ = T = L = 1.
import fc, { type Arbitrary } from "fast-check";
import { type Axis, axis, type Boundary, type Grid, grid } from "../grid/index.js";
import {
  alphaDivergence,
  type Cloud,
  cloud,
  type Density,
  type Distribution,
  type Divergence,
  gaussian,
  kullbackLeibler,
} from "../measure/index.js";

/** A number of [lower, upper] on a grid of 1/64 of it, so that shrinking ends at short decimals; shrinks to `simplest`. */
export function arbitraryNumber(lower: number, upper: number, simplest = lower): Arbitrary<number> {
  const at = Math.round(((simplest - lower) / (upper - lower)) * 64);
  return fc
    .integer({ min: -at, max: 64 - at })
    .map((k) => (k === 0 ? simplest : lower + ((k + at) * (upper - lower)) / 64));
}

export interface GridChoice {
  /** Dimensions to choose from; default [1, 2, 3]. */
  readonly dimensions?: readonly number[];
  /** Fewest and most points an axis; default 4 and 16. */
  readonly points?: readonly [number, number];
  /** Boundaries to choose from; default all three. */
  readonly boundaries?: readonly Boundary[];
}

/** A grid of 1–3 axes, generally neither square nor of one boundary. */
export function arbitraryGrid(choice: GridChoice = {}): Arbitrary<Grid> {
  const { dimensions = [1, 2, 3], points = [4, 16], boundaries = ["periodic", "no-flux", "dirichlet"] } = choice;
  const one: Arbitrary<Axis> = fc
    .record({
      lower: arbitraryNumber(-2, 2, 0),
      length: arbitraryNumber(0.5, 4, 1),
      points: fc.integer({ min: points[0], max: points[1] }),
      boundary: fc.constantFrom(...boundaries),
    })
    .map(({ lower, length, points, boundary }) => axis({ lower, upper: lower + length, points, boundary }));
  return fc
    .constantFrom(...dimensions)
    .chain((d) => fc.array(one, { minLength: d, maxLength: d }))
    .map((axes) => grid(axes));
}

/** A field on a grid with values in [−1, 1]; shrinks to 0. */
export function arbitraryField(g: Grid): Arbitrary<Float64Array> {
  return fc
    .array(arbitraryNumber(-1, 1, 0), { minLength: g.size, maxLength: g.size })
    .map((values) => Float64Array.from(values));
}

/** A probability density on a random grid: non-negative, mass 1, some cells empty. */
export function arbitraryDensity(choice: GridChoice = {}): Arbitrary<Density> {
  return arbitraryGrid(choice).chain((g) =>
    fc
      .tuple(
        fc.array(arbitraryNumber(0, 1, 1), { minLength: g.size, maxLength: g.size }),
        fc.integer({ min: 0, max: g.size - 1 }),
      )
      .map(([raw, sure]) => {
        raw[sure] = 1; // never all empty
        const sum = raw.reduce((a, b) => a + b, 0) * g.cellVolume;
        return { kind: "density" as const, grid: g, values: Float64Array.from(raw, (v) => v / sum) };
      }),
  );
}

export interface CloudChoice {
  /** Dimensions to choose from; default [1, 2, 3]. */
  readonly dimensions?: readonly number[];
  /** Fewest and most points; default 1 and 12. */
  readonly count?: readonly [number, number];
  /** Whether weights may differ; default true. */
  readonly weighted?: boolean;
}

/** A cloud, possibly with coincident points and unequal weights. */
export function arbitraryCloud(choice: CloudChoice = {}): Arbitrary<Cloud> {
  const { dimensions = [1, 2, 3], count = [1, 12], weighted = true } = choice;
  return fc
    .record({ d: fc.constantFrom(...dimensions), n: fc.integer({ min: count[0], max: count[1] }) })
    .chain(({ d, n }) =>
      fc.tuple(
        fc.constant(d),
        fc.array(arbitraryNumber(-4, 4, 0), { minLength: n * d, maxLength: n * d }),
        weighted
          ? fc.option(fc.array(arbitraryNumber(0.125, 1, 1), { minLength: n, maxLength: n }), { nil: null })
          : fc.constant(null),
      ),
    )
    .map(([d, points, raw]) => {
      if (raw === null) return cloud(points, d);
      const sum = raw.reduce((a, b) => a + b, 0);
      return cloud(
        points,
        d,
        raw.map((w) => w / sum),
      );
    });
}

/** What {@link arbitraryProximalFlow} hands to the constructor. */
export interface RandomFlow {
  readonly name: string;
  readonly source: Distribution;
  readonly target: Distribution;
  readonly divergence: Divergence;
  readonly lipschitz: number;
  readonly kineticWeight: number;
  readonly horizon: number;
}

export interface FlowChoice {
  /** Dimensions to choose from; default [1, 2]. */
  readonly dimensions?: readonly number[];
}

/**
 * A random proximal flow between Gaussians, KL or α = 2, with a finite Lipschitz bound.
 *
 * @param make the problem constructor, `proximalFlow` of `meanfield/problems`
 */
export function arbitraryProximalFlow<P>(make: (options: RandomFlow) => P, choice: FlowChoice = {}): Arbitrary<P> {
  const { dimensions = [1, 2] } = choice;
  return fc
    .constantFrom(...dimensions)
    .chain((d) =>
      fc.record({
        mean: fc.array(arbitraryNumber(-3, 3, 0), { minLength: d, maxLength: d }),
        sourceSpread: arbitraryNumber(0.5, 2, 1),
        targetSpread: arbitraryNumber(0.5, 2, 1),
        alpha: fc.boolean(),
        lipschitz: arbitraryNumber(0.25, 4, 1),
        kineticWeight: arbitraryNumber(0.125, 2, 1),
        horizon: arbitraryNumber(0.25, 2, 1),
      }),
    )
    .map((r) =>
      make({
        name: "random-flow",
        source: gaussian({ mean: r.mean.map(() => 0), sd: r.sourceSpread }),
        target: gaussian({ mean: r.mean, sd: r.targetSpread }),
        divergence: r.alpha ? alphaDivergence(2) : kullbackLeibler(),
        lipschitz: r.lipschitz,
        kineticWeight: r.kineticWeight,
        horizon: r.horizon,
      }),
    );
}

/** What {@link arbitraryGame} hands to the constructor: a monotone game on a box of side 1, in plain numbers. */
export interface RandomGame {
  readonly name: string;
  readonly dimension: number;
  readonly ends: "periodic" | "no-flux";
  readonly viscosity: number;
  readonly horizon: number;
  /** H: |p|^γ/γ, or |p|²/(2(1+m)^a) where `congestion` is a number. */
  readonly exponent: number;
  readonly congestion: number | null;
  /** f = strength · m^power + potential · Σ cos 2πx_a. */
  readonly strength: number;
  readonly power: number;
  readonly potential: number;
  /** m₀ = 1 + start · Π cos 2πx_a. */
  readonly start: number;
  /** g = terminal · Σ sin² πx_a. */
  readonly terminal: number;
}

export interface GameChoice {
  /** Dimensions to choose from; default [1, 2]. */
  readonly dimensions?: readonly number[];
  /** Least and largest viscosity; default 0.1 and 1. */
  readonly viscosity?: readonly [number, number];
}

/**
 * A random monotone mean-field game on a torus or in a closed box; shrinks to a free heat flow in one dimension.
 *
 * @param make the problem constructor, `randomGame` of `meanfield/problems`
 */
export function arbitraryGame<P>(make: (options: RandomGame) => P, choice: GameChoice = {}): Arbitrary<P> {
  const { dimensions = [1, 2], viscosity = [0.1, 1] } = choice;
  return fc
    .record({
      dimension: fc.constantFrom(...dimensions),
      ends: fc.constantFrom("periodic" as const, "no-flux" as const),
      viscosity: arbitraryNumber(viscosity[0], viscosity[1], viscosity[1]),
      horizon: arbitraryNumber(0.25, 1, 1),
      exponent: arbitraryNumber(1.5, 3, 2),
      congestion: fc.option(arbitraryNumber(0.25, 1.5, 1), { nil: null, freq: 3 }),
      strength: arbitraryNumber(0, 1, 0),
      power: arbitraryNumber(1, 3, 1),
      potential: arbitraryNumber(-1, 1, 0),
      start: arbitraryNumber(-0.75, 0.75, 0),
      terminal: arbitraryNumber(-1, 1, 0),
    })
    .map((game) => make({ name: "random-game", ...game }));
}

/** What {@link arbitraryGradientFlow} hands to the constructor: a gradient flow in plain numbers. */
export interface RandomGradientFlow {
  readonly name: string;
  /**
   * `"energy"`: internal, potential and interaction parts on a box of side 1; `"relative"`: ∫ q f(ρ/q), `"divergence"`: D_f^L(ρ‖Q),
   * `"w1"`: W₁(ρ, Q), `"w2"`: ½W₂²(ρ, Q), between Gaussians in a closed box.
   */
  readonly family: FlowFamily;
  readonly dimension: number;
  /** Of `"energy"` alone. */
  readonly ends: "periodic" | "no-flux";
  readonly horizon: number;
  /** m of the pressure ρ^m; 1 is the entropy. Of `"energy"` alone, as the next three. */
  readonly exponent: number;
  /** V = potential · Σ cos 2πx_a. */
  readonly potential: number;
  /** W = interaction · Σ cos 2πx_a. */
  readonly interaction: number;
  /** ρ₀ = 1 + start · Π cos 2πx_a. */
  readonly start: number;
  /** α of the divergence; 1 is KL. */
  readonly alpha: number;
  readonly lipschitz: number;
  /** ρ₀ = N(shift e₁, spread²). */
  readonly shift: number;
  readonly spread: number;
}

/** Families of random gradient flows. */
export const flowFamilies = ["energy", "relative", "divergence", "w1", "w2"] as const;

/** One of {@link flowFamilies}. */
export type FlowFamily = (typeof flowFamilies)[number];

export interface GradientFlowChoice {
  /** Families to choose from, simplest first; default all. */
  readonly families?: readonly FlowFamily[];
  /** Dimensions to choose from; default [1, 2]. */
  readonly dimensions?: readonly number[];
  /** Ends of the boxes of `"energy"` to choose from; default both. */
  readonly ends?: readonly ("periodic" | "no-flux")[];
}

/**
 * A random gradient flow; shrinks to a heat flow, or to Gaussians a unit apart under KL with L = 1, in one dimension.
 *
 * @param make the problem constructor, `randomGradientFlow` of `meanfield/problems`
 */
export function arbitraryGradientFlow<P>(
  make: (options: RandomGradientFlow) => P,
  choice: GradientFlowChoice = {},
): Arbitrary<P> {
  const { families = flowFamilies, dimensions = [1, 2], ends = ["periodic", "no-flux"] } = choice;
  return fc
    .record({
      family: fc.constantFrom(...families),
      dimension: fc.constantFrom(...dimensions),
      ends: fc.constantFrom(...ends),
      horizon: arbitraryNumber(0.0625, 0.5, 0.25),
      exponent: arbitraryNumber(0.5, 4, 1),
      potential: arbitraryNumber(-1, 1, 0),
      interaction: arbitraryNumber(-1, 1, 0),
      start: arbitraryNumber(-1, 1, 0.5),
      alpha: fc.constantFrom(1, 2, 0.5, 3),
      lipschitz: arbitraryNumber(0.25, 4, 1),
      shift: arbitraryNumber(-1.5, 1.5, 1),
      spread: arbitraryNumber(0.5, 1, 0.75),
    })
    .map((flow) => make({ name: "random-gradient-flow", ...flow }));
}
