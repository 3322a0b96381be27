// Quadratic optimal transport between two densities of one mass on the cells of a box, by the back-and-forth method:
//   ½W₂²(μ, ν) = max_φ Σ mᵢφᶜ(xᵢ) + ∫φν,   φᶜ(x) = min_y |x − y|²/2 − φ(y),   T = x + ∇φ(T)
// Ascent in H¹, first on φ, then on ψ = φᶜ; Poisson equations by cosines; then Newton's method. The dual value is a lower bound of the cost
// from the atoms of μ to spline densities, and grows until the map arrives, or, where mass is torn apart, until the gain of some steps is
// below the tolerance. Second order in the cell width.
// Reference: Jacobs, Léger 2020 (key jacobs2020fast).
import { breathing } from "../../../src/breathing.js";
import { demand } from "../../../src/error.js";
import { type Cells, demandField, integrate } from "../../../src/grid/index.js";
import type { Objective, Status } from "../../../src/solution/index.js";
import { dualAscent, type EndCost } from "./dual-ascent.js";
import { type Atoms, semiDual } from "./semi-dual.js";

/** Newton's method takes over from the rounds at this residual, and the map has arrived at this one. */
const HANDOVER = 0.25;
const ARRIVED = 1e-3;
/** Newton steps between two looks at what they gained. */
const BLOCK = 10;

export interface GridTransportOptions {
  /** The ascent stops when the dual value grows by less than this share of itself, in a round or some Newton steps; default 1e-4. */
  readonly tolerance?: number;
  /** Rounds and Newton steps at most; default 100. */
  readonly maxIterations?: number;
  /** Atoms in a cell along each axis; default 2. */
  readonly samples?: number;
  readonly signal?: AbortSignal | null;
}

export interface GridTransport {
  /** W₂ (un-squared, un-halved) from the dual value, for the given masses. */
  readonly distance: number;
  /** `primal` ½Σm|x − T(x)|² of the present map, `dual` the lower bound; the map need not arrive at ν exactly, so the gap may be negative. */
  readonly objective: Objective;
  /** ∫|T#μ − ν| / mass: how well the map arrives. */
  readonly residual: number;
  /** φ at the centres: T = x + ∇φ(T). */
  readonly potential: Float64Array;
  /** Atoms of μ, and where they go, `[a][i]`. */
  readonly atoms: Atoms;
  readonly images: readonly Float64Array[];
  readonly iterations: number;
  readonly status: Status;
}

/**
 * W₂ between two densities on cells, with its map.
 *
 * @param cut cells of a box with walls, without obstacles
 * @param source μ ≥ 0 at the centres
 * @param target ν ≥ 0 at the centres, of the same mass to 1e-10
 * @throws UsageError when the cells are not plain, a field does not fit, or masses differ
 *
 * *Notes*: mass that the target holds in far tails is found last; regions without mass are not seen at all.
 *
 * *Good values*: tolerance 1e-4; samples twice the largest stretch of the map.
 *
 * *References*: jacobs2020fast
 */
export async function gridTransport(
  cut: Cells,
  source: Float64Array,
  target: Float64Array,
  options: GridTransportOptions = {},
): Promise<GridTransport> {
  const where = "gridTransport";
  const { tolerance = 1e-4, maxIterations = 100, samples = 2, signal = null } = options;
  const { grid } = cut;
  demand(tolerance > 0 && tolerance < 1, where, "tolerance", "lie between 0 and 1", tolerance, "Use tolerance: 1e-4");
  demand(
    Number.isInteger(maxIterations) && maxIterations >= 1,
    where,
    "maxIterations",
    "be an integer ≥ 1",
    maxIterations,
    "Use maxIterations: 100",
  );
  demand(cut.isPlain, where, "the domain", "be a box without obstacles", "obstacles or doors", "Leave them out");
  demandField(grid, source, where, "source");
  demandField(grid, target, where, "target");
  for (const [name, values] of [
    ["source", source],
    ["target", target],
  ] as const)
    demand(
      values.every((v) => v >= 0 && v < Infinity),
      where,
      name,
      "be finite and ≥ 0",
      values.find((v) => !(v >= 0 && v < Infinity)),
      "Give densities",
    );
  const mass = integrate(grid, source);
  const other = integrate(grid, target);
  demand(
    mass > 0 && Math.abs(mass - other) <= 1e-10 * mass,
    where,
    "source and target",
    "have one mass > 0",
    [mass, other],
    "Scale one of them",
  );
  const plan = semiDual(grid, samples);
  const atoms = plan.lattice();
  plan.load(source, atoms);
  const cost = fixedEnd(target, grid.cellVolume);
  const ascent = dualAscent(cut, plan);
  const breathe = breathing(signal);
  let previous = 0;
  let small = 0;
  const common = { handover: HANDOVER, breathe };
  let found = await ascent.maximise(atoms, source, cost, 1, new Float64Array(grid.size), {
    ...common,
    tolerance: 0,
    rounds: maxIterations,
    newtonSteps: 0,
    enough: (dual) => {
      // Two small gains in a row: one may be a step that was too long.
      small = dual - previous <= tolerance * Math.abs(dual) ? small + 1 : 0;
      previous = dual;
      return small >= 2;
    },
  });
  let iterations = found.rounds;
  let settled = false;
  while (!settled && iterations < maxIterations) {
    const { dual } = found;
    const newtonSteps = Math.min(BLOCK, maxIterations - iterations);
    found = await ascent.maximise(atoms, null, cost, 1, found.potential, {
      ...common,
      tolerance: ARRIVED,
      rounds: 0,
      newtonSteps,
    });
    iterations += found.newtonSteps;
    settled = found.residual <= ARRIVED || found.dual - dual <= tolerance * Math.abs(found.dual);
  }
  const primal = found.squaredDistance / 2;
  return {
    distance: Math.sqrt(Math.max(0, 2 * found.dual)),
    objective: { primal, dual: found.dual, gap: primal - found.dual },
    residual: found.residual,
    potential: found.potential,
    atoms,
    images: found.images.positions.map((p) => p.slice()),
    iterations,
    status: settled
      ? {
          converged: true,
          text: `converged: dual ${found.dual.toPrecision(6)} after ${iterations} rounds and Newton steps`,
        }
      : {
          converged: false,
          text: `stalled: the dual value still grows after ${iterations} rounds and Newton steps; raise maxIterations or the tolerance`,
        },
  };
}

/** The end is ν: E is 0 there and Infinity elsewhere. */
function fixedEnd(target: Float64Array, cellVolume: number): EndCost {
  return {
    rigid: true,
    conjugate(phi) {
      let sum = 0;
      for (let j = 0; j < phi.length; j++) sum -= phi[j] * target[j];
      return cellVolume * sum;
    },
    density: (_phi, out) => out.set(target),
    secant: (_phi, _density, _aim, out) => {
      out.fill(0);
    },
    gap(phi, density) {
      let gap = 0;
      let cut = 0;
      for (let j = 0; j < phi.length; j++) {
        gap += phi[j] * (density[j] - target[j]);
        cut += Math.abs(density[j] - target[j]);
      }
      return { gap: cellVolume * gap, cut: cellVolume * cut };
    },
  };
}
