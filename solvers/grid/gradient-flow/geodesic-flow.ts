// The flow of ½W₂²(·, Q) by minimising movements. With T the optimal map from ρ₀ to Q, every movement is a point of the geodesic to Q:
//   ρⁿ⁺¹ = argmin ½W₂²(ρ, Q) + W₂²(ρ, ρⁿ)/2τ = (1/(1 + τ) id + τ/(1 + τ) T)#ρⁿ,     ρⁿ = (s id + (1 − s) T)#ρ₀,  s = (1 + τ)^{−n}
//   W₂(ρⁿ, Q) = (1 + τ)^{−n} W₂(ρ₀, Q) exactly;   velocity T − id, so that e^{−t} is met to first order in τ
// One transport problem serves all steps; densities are the atoms' masses given to the cells around them linearly: ≥ 0, mass exact.
// Reference: Ambrosio, Gigli, Savaré 2008, §9.1 (key ambrosio2008gradient); McCann 1997 (key mccann1997convexity).
import { densityOn, type GradientFlow } from "../../../problems/index.js";
import { type CellCounts, cells, deposit, integrate } from "../../../src/grid/index.js";
import type { SolveContext } from "../../../src/solver.js";
import { gridTransport } from "./grid-transport.js";
import { semiDual } from "./semi-dual.js";
import { type GradientFlowSolution, gradientFlowSolution } from "./solution.js";

/** N steps of T/N each, N as small as the wanted step allows. */
export function stepsOf(horizon: number, step: number | null): { readonly count: number; readonly tau: number } {
  const count = step === null ? 64 : Math.max(1, Math.ceil(horizon / step - 1e-9));
  return { count, tau: horizon / count };
}

/** Movements of ½W₂²(·, Q) for a problem whose energy is that. */
export async function geodesicFlow(
  problem: GradientFlow,
  context: SolveContext,
  record: Parameters<typeof gradientFlowSolution>[0]["solver"],
  settings: {
    readonly points: CellCounts;
    readonly step: number | null;
    readonly samples: number | null;
  },
): Promise<GradientFlowSolution> {
  const where = "jko";
  const began = context.elapsed();
  const { transport } = problem.energy;
  if (transport === null) throw new Error("geodesicFlow: the solver sends flows of ½W₂² only");
  const cut = cells(problem.domain, settings.points);
  const samples = settings.samples ?? 2;
  const { grid } = cut;
  const d = grid.dimension;
  const start = densityOn(problem.initial, problem.mass, cut, where);
  const mass = integrate(grid, start);
  const target = densityOn(transport.target, mass, cut, where);
  const found = await gridTransport(cut, start, target, { samples, signal: context.signal });
  const { atoms, images, potential } = found;
  const { count, tau } = stepsOf(problem.horizon, settings.step);
  const plan = semiDual(grid, samples);
  const centres = plan.centres();
  const at = plan.images(centres);
  const { masses } = atoms;
  let square = 0;
  let fastest = 0;
  for (let i = 0; i < masses.length; i++) {
    let here = 0;
    for (let a = 0; a < d; a++) here += (images[a][i] - atoms.positions[a][i]) ** 2;
    square += masses[i] * here;
    if (masses[i] > 0) fastest = Math.max(fastest, here);
  }
  const slabs: Float64Array[] = [];
  const potentials: Float64Array[] = [];
  const shares = Array.from({ length: count + 1 }, (_, n) => (1 + tau) ** -n);
  const points = new Float64Array(masses.length * d);
  for (const s of shares) {
    for (let a = 0; a < d; a++)
      for (let i = 0; i < masses.length; i++) points[i * d + a] = s * atoms.positions[a][i] + (1 - s) * images[a][i];
    const cloud = { kind: "cloud" as const, dimension: d, count: masses.length, points, weights: masses };
    slabs.push(deposit(grid, cloud).values);
    plan.transform(
      centres,
      potential.map((v) => s * v),
      1,
      at,
    );
    potentials.push(at.values.slice());
    context.progress({
      stage: "time",
      iteration: slabs.length - 1,
      fraction: (slabs.length - 1) / count,
      residual: null,
    });
  }
  slabs[0] = start;
  return gradientFlowSolution({
    problem,
    solver: record,
    context,
    cells: cut,
    times: Float64Array.from({ length: count + 1 }, (_, n) => (n === count ? problem.horizon : n * tau)),
    slabs,
    potentials,
    energies: shares.map((s) => s * s * (found.objective.dual as number)),
    dissipations: shares.map((s) => s * s * square),
    speeds: shares.map((s) => s * Math.sqrt(fastest)),
    status: found.status,
    histories: [{ name: "residual", iterations: [0], values: [found.residual] }],
    counts: { steps: count, cells: cut.openCount, iterations: found.iterations },
    // The map need not arrive exactly, so that its cost bounds nothing.
    objective: { primal: null, dual: found.objective.dual, gap: null },
    began,
  });
}
