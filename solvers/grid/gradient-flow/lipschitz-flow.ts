// Lipschitz-regularised gradient flow ∂ₜρ = div(ρ ∇φ*) on cells, φ* the critic of D_f^L(ρ‖Q), or of W₁(ρ, Q); speed |∇φ*| ≤ L.
//   step      φⁿ⁺¹ = argmax ⟨ρⁿ, φ⟩ − ⟨q, f*(φ)⟩ − (Δt/2) Σ_faces [ρ⁻ max(v, 0)² + ρ⁺ max(−v, 0)²],  v = −∂φ,  |∇φ| ≤ L
//             ρⁿ⁺¹ = ρⁿ − Δt div(upwind ρⁿ v)
// The quadratic term makes φⁿ⁺¹ the exact critic of ρⁿ⁺¹: a backward Euler step with the mobility of ρⁿ. D is convex in ρ, so
//   D(ρⁿ⁺¹) − D(ρⁿ) ≤ ⟨φⁿ⁺¹, ρⁿ⁺¹ − ρⁿ⟩ = −Δt Iⁿ⁺¹ ≤ 0   for every Δt  (the critic of ρⁿ instead needs Δt ≤ h²/2 where |∇φ| < L, and
// oscillates from cell to cell above). Mass is conserved face by face; ρ ≥ 0 while L Δt Σ 1/h_a ≤ ½: no cell loses more than it holds (1 in
// 1-D: where a cell loses to both sides ρⁿ⁺¹ = R + div w ≥ R, because Beckmann's flux w leaves it too).
// Face values: upwind (order 1), or MUSCL with van Leer's limiter and Hancock's half step (order 2 in space).
// Critic: in 1-D the interior-point programme on the chain of cells, in 2-D and 3-D the primal–dual method with |∇φ| ≤ L at cells
// (forward differences); both certified by primal, dual and gap.
// References: Gu et al. 2024 (key gu2024lipschitz); Jordan, Kinderlehrer, Otto 1998 (key jordan1998variational).
import { criticTerms, densityOn, type GradientFlow, type Law, startOn } from "../../../problems/index.js";
import { breathing } from "../../../src/breathing.js";
import { demand, demandKnown } from "../../../src/error.js";
import { type CellCounts, type Cells, cells, demandPoints, integrate } from "../../../src/grid/index.js";
import { generator } from "../../../src/random/index.js";
import { historyOf } from "../../../src/solution/index.js";
import type { SolveContext, Solver } from "../../../src/solver.js";
import { type CellFriction, cellCritic } from "../../../src/transport/index.js";
import { cellInterpolation } from "../cell-interpolation.js";
import { cloudMasses } from "../proximal-flow/cell-masses.js";
import { demandRoom, type GradientFlowSolution, gradientFlowSolution, lackOfRoom } from "./solution.js";

/** What {@link lipschitzFlow} takes. */
export interface LipschitzFlowOptions {
  /** Cells along each axis, or one number for all; default `null`: 256, 64, 32 in one, two, three dimensions. */
  readonly points?: CellCounts;
  /** Equal time steps, or `"cfl"`: as few equal ones as `cfl` allows; default `"cfl"`. */
  readonly steps?: number | "cfl";
  /** L Δt Σ 1/h_a for `steps: "cfl"`, 0 < cfl ≤ 1; default 0.5, which keeps ρ ≥ 0 for certain. */
  readonly cfl?: number;
  /** Face values of ρ; default `"upwind"`. */
  readonly transport?: "upwind" | "muscl";
  /** Gap of each critic, relative to mass × min(1, L × length of the domain), or to D where that is more (2-D and 3-D); default 1e-7 in 1-D (1e-5 for α > 2), 1e-3 in 2-D and 3-D. */
  readonly tolerance?: number;
  /** Iterations of each primal–dual critic at most; default 10 000. */
  readonly maxIterations?: number;
  /** Draws from a target that has no density and is no data; default 20 000. */
  readonly targetSamples?: number;
}

const WHERE = "lipschitzFlow";

/** Solution of a Lipschitz-regularised flow. */
export interface LipschitzFlowSolution extends GradientFlowSolution {
  /** D(ρ(t_n)) from above (Beckmann's flux; ∞ where none was found) and below (φ feasible), one entry a time. */
  readonly primal: readonly number[];
  readonly dual: readonly number[];
  /** (D(t_n) − D(t_{n+1}))/Δt − I(t_{n+1}), one entry a step. */
  readonly identityErrors: readonly number[];
}

/**
 * Gradient flows of Lipschitz-regularised divergences, and of W₁, with exact critics.
 *
 * @param options points, steps, cfl, transport, tolerance, maxIterations, targetSamples
 * @returns a solver of gradient flows whose energy is `lipschitzDivergence(…)` with finite L, or `transportTo({ order: 1, … })`
 * @throws UsageError when an option is out of range; `solve` when equal steps break the CFL condition, or ρ₀ and the target do not fit
 *
 * *Notes*: energies are the dual values, hence lower bounds within the gap; histories `primal`, `gap` and `dissipation identity error` come
 * with the solution. Iₙ is taken at the faces with the mass that they moved, I₀ with upwind values. Data and singular targets are
 * deposited on the cells (mass and mean exact). In 2-D and 3-D with cfl > 0.5, MUSCL or a poor critic, a step that would take more than a cell holds
 * is halved and told in `counts`.
 * ρ and δE/δρ of every step are kept, 16 bytes a cell and step: 4 GB for 512² cells and 1000 steps; more than 8 GiB is refused.
 *
 * *Good values*: 256 points in 1-D, 64² in the plane; MUSCL where the flow is a translation.
 *
 * *References*: gu2024lipschitz, jordan1998variational
 */
export function lipschitzFlow(options: LipschitzFlowOptions = {}): Solver<GradientFlow, LipschitzFlowSolution> {
  demandKnown(WHERE, options, ["points", "steps", "cfl", "transport", "tolerance", "maxIterations", "targetSamples"]);
  const { points = null, steps = "cfl", cfl = 0.5, transport = "upwind", maxIterations = 10_000 } = options;
  const { tolerance, targetSamples = 20_000 } = options;
  demandPoints(WHERE, points);
  demand(
    steps === "cfl" || (Number.isInteger(steps) && steps >= 1),
    WHERE,
    "steps",
    'be "cfl" or an integer ≥ 1',
    steps,
    'Use steps: "cfl"',
  );
  demand(cfl > 0 && cfl <= 1, WHERE, "cfl", "be in (0, 1]", cfl, "Use cfl: 0.5");
  demand(
    transport === "upwind" || transport === "muscl",
    WHERE,
    "transport",
    'be "upwind" or "muscl"',
    transport,
    'Use transport: "upwind"',
  );
  demand(
    tolerance === undefined || (tolerance > 0 && tolerance < 1),
    WHERE,
    "tolerance",
    "be in (0, 1)",
    tolerance,
    "Leave it out",
  );
  for (const [name, value] of [
    ["maxIterations", maxIterations],
    ["targetSamples", targetSamples],
  ] as const)
    demand(Number.isInteger(value) && value >= 1, WHERE, name, "be an integer ≥ 1", value, "Leave it out");
  const record = {
    name: WHERE,
    order: 1,
    references: ["gu2024lipschitz", "jordan1998variational"],
    options: { points, steps, cfl, transport, tolerance: tolerance ?? null, maxIterations, targetSamples },
  };
  return {
    ...record,
    family: "grid",
    handles(problem) {
      if (problem.kind !== "gradient-flow")
        return `it solves gradient flows, not ${problem.kind}; use a solver of that family`;
      const { dimension, energy, initial } = problem as GradientFlow;
      if (dimension > 3) return `a grid in ${dimension} dimensions is too large; use particleGradientFlow()`;
      if (initial.density === null)
        return `the initial law ${initial.text} has no density on a grid; give a density, or use particleGradientFlow()`;
      if (energy.transport?.order === 2) return "the energy is ½W₂²; use jko()";
      if (energy.divergence?.lipschitz === Infinity)
        return "L is ∞, and nothing bounds the speed; use porousMedium(), or write KL as a Fokker–Planck problem for fokkerPlanck()";
      if (energy.divergence === null && energy.transport === null)
        return "the energy is no Lipschitz-regularised divergence; use porousMedium() or jko()";
      return true;
    },
    solve: (problem, context) =>
      march(problem, context, record, {
        points,
        steps,
        cfl,
        transport,
        tolerance,
        maxIterations,
        targetSamples,
      }),
  };
}

/** Halvings of a step before the solve stops. */
const MOST_HALVINGS = 30;

type Settings = Required<Omit<LipschitzFlowOptions, "tolerance">> & { readonly tolerance: number | undefined };

async function march(
  problem: GradientFlow,
  context: SolveContext,
  record: Omit<GradientFlowSolution["solver"], "family">,
  settings: Settings,
): Promise<LipschitzFlowSolution> {
  const began = context.elapsed();
  const { steps, cfl, tolerance, maxIterations } = settings;
  const cut = cells(problem.domain, settings.points);
  const { size, cellVolume, axes } = cut.grid;
  const { lipschitz, divergence, target: law } = criticTerms(problem.energy);
  const rho = startOn(problem, cut, WHERE);
  const mass = integrate(cut.grid, rho);
  const target = targetOn(law, mass, cut, settings.targetSamples, context.seed);
  const plan = cellCritic({
    cells: cut,
    target,
    divergence,
    lipschitz,
    maxIterations,
    signal: context.signal,
    ...(tolerance !== undefined ? { tolerance } : axes.length > 1 ? { tolerance: 1e-3 } : {}),
  });
  const T = problem.horizon;
  const rate = lipschitz * axes.reduce((sum, { spacing }) => sum + 1 / spacing, 0);
  const needed = Math.ceil((T * rate) / (steps === "cfl" ? cfl : 1) - 1e-9);
  const count = steps === "cfl" ? Math.max(1, needed) : steps;
  demand(
    count >= needed,
    WHERE,
    "steps",
    `be ≥ ${needed} so that L Δt Σ 1/h ≤ 1`,
    steps,
    'Use steps: "cfl", or fewer points',
  );

  demandRoom(WHERE, count, size);
  const breathe = breathing(context.signal);
  const masses = rho.map((v) => v * cellVolume);
  const first = await plan.solve(masses);
  const friction: CellFriction = {
    forward: axes.map(() => new Float64Array(size)),
    backward: axes.map(() => new Float64Array(size)),
  };
  fillFriction(friction, cut, rho, 1, null);
  const times = [0];
  const slabs = [rho];
  const potentials = [first.potential];
  const primal = [first.objective.primal ?? Infinity];
  const dual = [first.objective.dual as number];
  const dissipations = [dissipationOf(cut, friction, first.velocity, 1)];
  const speeds = [largestSpeed(cut, rho, first.velocity)];
  const identityErrors: number[] = [];
  let velocity = first.velocity;
  let worst = first;
  let iterations = first.iterations;
  let halved = 0;
  let failure: string | null = null;
  let t = 0;
  const nominal = T / count;
  let dt = nominal;
  let halvings = 0;
  while (t < T * (1 - 1e-12) && failure === null) {
    const step = Math.min(dt, T - t);
    const before = slabs[slabs.length - 1];
    fillFriction(friction, cut, before, step, settings.transport === "muscl" ? velocity : null);
    for (let k = 0; k < size; k++) masses[k] = before[k] * cellVolume;
    const critic = await plan.solve(masses, friction);
    iterations += critic.iterations;
    const next = carried(cut, before, critic.moved);
    const least = smallest(next);
    if (least < 0) {
      // The step is taken again, half as long, so that no cell is below 0, not even by round-off.
      dt = step / 2;
      halved++;
      halvings++;
      if (halvings > MOST_HALVINGS)
        failure = `the density is ${least.toExponential(1)} in a cell after ${MOST_HALVINGS} halvings; use cfl: 0.5 and transport: "upwind"`;
      continue;
    }
    dt = Math.min(nominal, 2 * dt);
    halvings = 0;
    const isLast = T - t - step <= 1e-12 * T;
    t = isLast ? T : t + step;
    times.push(t);
    slabs.push(next);
    potentials.push(critic.potential);
    primal.push(critic.objective.primal ?? Infinity);
    dual.push(critic.objective.dual as number);
    dissipations.push(dissipationOf(cut, friction, critic.velocity, step));
    speeds.push(largestSpeed(cut, before, critic.velocity));
    const n = dual.length - 1;
    identityErrors.push((dual[n - 1] - dual[n]) / step - dissipations[n]);
    velocity = critic.velocity;
    if ((critic.objective.gap ?? Infinity) > (worst.objective.gap ?? Infinity)) worst = critic;
    if (!Number.isFinite(dual[n])) failure = `the energy is not finite after step ${n}`;
    else failure = lackOfRoom(times, T, size, nominal);
    context.progress({ stage: "time", iteration: n, fraction: t / T, residual: critic.objective.gap });
    await breathe();
  }
  const last = dual.length - 1;
  const base = gradientFlowSolution({
    problem,
    solver: record,
    context,
    cells: cut,
    times: Float64Array.from(times),
    slabs,
    potentials,
    energies: dual,
    dissipations,
    speeds,
    status: {
      converged: failure === null && worst.status.converged,
      text:
        failure !== null
          ? `stopped: ${failure}`
          : worst.status.converged
            ? `converged: ${last} steps, largest gap ${(worst.objective.gap ?? Infinity).toExponential(1)}`
            : `a critic of the ${last} steps did not converge; ${worst.status.text}`,
    },
    histories: [
      historyOf("primal", primal),
      historyOf(
        "gap",
        primal.map((v, n) => v - dual[n]),
      ),
      historyOf("dissipation identity error", [null, ...identityErrors]),
    ],
    counts: { steps: last, halved, criticIterations: iterations },
    objective: { primal: primal[last], dual: dual[last], gap: primal[last] - dual[last] },
    critic: criticOf(cut, potentials[last], lipschitz),
    began,
  });
  return Object.assign(base, { primal, dual, identityErrors });
}

/** Masses of Q on the cells, with the mass of ρ. */
function targetOn(law: Law, mass: number, cut: Cells, draws: number, seed: number): Float64Array {
  const { grid, open } = cut;
  const { distribution } = law;
  if (law.density !== null) {
    const q = densityOn(law, mass, cut, WHERE);
    for (let k = 0; k < q.length; k++) q[k] *= grid.cellVolume;
    return q;
  }
  const cloud = distribution?.data ?? distribution?.sample(draws, generator(seed).split(WHERE).split("target"));
  demand(
    distribution !== null && cloud !== undefined,
    WHERE,
    "the target",
    "have a density or samples",
    law.text,
    "Give a density, or a distribution",
  );
  const { mass: q } = cloudMasses(
    distribution,
    cloud,
    grid,
    grid.axes.map(() => 0),
  );
  for (let k = 0; k < q.length; k++) {
    demand(
      open[k] === 1 || q[k] === 0,
      WHERE,
      "the target",
      "lie in the open part of the domain",
      Array.from(cut.points.subarray(k * grid.dimension, (k + 1) * grid.dimension)),
      "Move the obstacle or the samples",
    );
    q[k] *= mass;
  }
  return q;
}

/** Moved mass over −Δφ at each face: Δt × face value of ρ × area/h, for either direction. */
function fillFriction(
  out: CellFriction,
  cut: Cells,
  rho: Float64Array,
  dt: number,
  velocity: readonly Float64Array[] | null,
): void {
  const { size, axes, cellVolume } = cut.grid;
  axes.forEach(({ spacing: h }, a) => {
    const scale = (dt * cellVolume) / (h * h);
    const [lower, upper] = [cut.neighbour[2 * a], cut.neighbour[2 * a + 1]];
    const slope = (k: number): number => {
      const l = rho[k] - rho[lower[k]];
      const r = rho[upper[k]] - rho[k];
      return l * r > 0 ? (2 * l * r) / (l + r) : 0;
    };
    const [forward, backward] = [out.forward[a], out.backward[a]];
    for (let k = 0; k < size; k++) {
      const other = upper[k];
      if (other === k) {
        forward[k] = backward[k] = 0;
        continue;
      }
      let left = rho[k];
      let right = rho[other];
      if (velocity !== null) {
        const rest = 0.5 * (1 - Math.min(1, (Math.abs(velocity[a][k]) * dt) / h));
        left += rest * slope(k);
        right -= rest * slope(other);
      }
      forward[k] = scale * left;
      backward[k] = scale * right;
    }
  });
}

function carried(cut: Cells, rho: Float64Array, moved: readonly Float64Array[]): Float64Array {
  const { size, cellVolume } = cut.grid;
  const out = rho.slice();
  moved.forEach((field, a) => {
    const upper = cut.neighbour[2 * a + 1];
    for (let k = 0; k < size; k++) {
      const flow = field[k] / cellVolume;
      out[k] -= flow;
      out[upper[k]] += flow;
    }
  });
  return out;
}

/** I = Σ_faces (mass at the face) |v|². */
function dissipationOf(cut: Cells, friction: CellFriction, velocity: readonly Float64Array[], dt: number): number {
  let sum = 0;
  cut.grid.axes.forEach(({ spacing: h }, a) => {
    const scale = (h * h) / dt;
    const v = velocity[a];
    for (let k = 0; k < v.length; k++)
      sum += scale * (v[k] > 0 ? friction.forward[a][k] : friction.backward[a][k]) * v[k] * v[k];
  });
  return sum;
}

/** The largest speed at cells that hold mass. */
function largestSpeed(cut: Cells, rho: Float64Array, velocity: readonly Float64Array[]): number {
  let most = 0;
  for (let k = 0; k < rho.length; k++) {
    let square = 0;
    let holds = rho[k] > 0;
    velocity.forEach((v, a) => {
      square += v[k] * v[k];
      holds ||= v[k] < 0 && rho[cut.neighbour[2 * a + 1][k]] > 0;
    });
    if (holds && square > most) most = square;
  }
  return Math.sqrt(most);
}

function smallest(values: Float64Array): number {
  let least = Infinity;
  for (const v of values) if (v < least) least = v;
  return least;
}

function criticOf(cut: Cells, potential: Float64Array, lipschitz: number): GradientFlowSolution["critic"] {
  const between = cellInterpolation(cut);
  const d = cut.grid.dimension;
  return {
    value: (x) => between.value(potential, x),
    gradient(x) {
      const columns = between.gradient(potential, x);
      return Float64Array.from(x, (_, i) => columns[i % d][Math.floor(i / d)]);
    },
    certifiedLipschitz: d === 1 ? lipschitz : null,
  };
}
