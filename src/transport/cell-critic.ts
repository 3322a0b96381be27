// The exact critic on cells, any dimension up to 3: the Lipschitz-regularised divergence of two laws on one grid,
//   max over φ of  Σ pφ − Σ q f*(φ) − Σ_faces c(Δφ)   subject to  |∇φ| ≤ L  at every cell
// with ∇φ at cell k the forward differences (φ_upper − φ_k)/h_a (no difference at walls and obstacles): every face belongs to one cell, so
// that |∂φ| ≤ L at every face too. c is friction (chain-critic.ts); dual: Beckmann's  min D_f(R‖q) + L Σ|w|,  ∇ᵀw = p − c′ − R.
// In 1-D: the programme on the chain of cells. Else primal–dual hybrid gradient in the metric of A = κ − Δ:
//   K φ = (∇φ, √κ φ),  Kᵀ(w, r) = A⁻¹(∇ᵀw + √κ r),  ‖K‖ = 1 whatever h: iterations do not grow with the grid (Jacobs et al. 2019)
//   prox: |ξ| ≤ L with friction by one scalar Newton; of f*: closed for α = 2, Lambert's W for KL, Newton else
// A⁻¹ by fast transforms on boxes, by multigrid with obstacles. The iterates stay for the next call, which starts from there.
// Certificate: φ scaled to |∇φ| ≤ L; R = q(f*)′(φ) with the mass of p, w closed by one Poisson solve: ∇ᵀw = p − c′ − R exactly. Where
// obstacles cut the domain, each region has its own constant of φ and mass of R; condition: regions that hold p hold q.
// References: Chambolle, Pock 2011 (key chambolle2011first); Jacobs, Léger, Li, Osher 2019 (key jacobs2019solving).
import { demand } from "../error.js";
import { type Cells, regions } from "../grid/index.js";
import {
  arraySpace,
  assembleStencil,
  helmholtz,
  multigrid,
  primalDualHybridGradient,
  productSpace,
  stencil,
  type VectorSpace,
} from "../linalg/index.js";
import type { Divergence } from "../measure/index.js";
import type { Objective, Status } from "../solution/index.js";
import { balance, priceOfFirstMass } from "./balance.js";
import { chainCritic } from "./chain-critic.js";

/** What {@link cellCritic} takes. */
export interface CellCriticOptions {
  readonly cells: Cells;
  /** q, masses of the cells. */
  readonly target: Float64Array;
  readonly divergence: Divergence;
  /** L > 0, finite. */
  readonly lipschitz: number;
  /** `"chain"`: 1-D only; default: the chain in 1-D, else primal–dual. */
  readonly method?: "chain" | "primal-dual";
  /** Stop when gap ≤ tolerance × max(mass min(1, L × longest side), primal); default 1e-4; on a chain as `chainCritic`. */
  readonly tolerance?: number;
  /** Primal–dual iterations; default 2000. */
  readonly maxIterations?: number;
  readonly signal?: AbortSignal | null;
}

/** c = ½ aₑ max(−Δφ, 0)² + ½ āₑ max(Δφ, 0)²: one field an axis, entry k for the face between k and its upper neighbour. */
export interface CellFriction {
  readonly forward: readonly Float64Array[];
  readonly backward: readonly Float64Array[];
}

/** A critic on cells. */
export interface CellCritic {
  /** φ at the centres. */
  readonly potential: Float64Array;
  /** −∂φ, one field an axis, entry k for the face between k and its upper neighbour; |·| ≤ L at cells. */
  readonly velocity: readonly Float64Array[];
  /** Mass that friction moved over each face towards the upper cell, −c′(Δφ). */
  readonly moved: readonly Float64Array[];
  /** R. */
  readonly marginal: Float64Array;
  readonly objective: Objective;
  readonly status: Status;
  readonly iterations: number;
}

/** The critic to one target, asked again and again: it starts from its last answer. */
export interface CellCriticPlan {
  /**
   * @param source p, masses of the cells, with the sum of q
   * @param friction default none
   */
  solve(source: Float64Array, friction?: CellFriction | null): Promise<CellCritic>;
}

/**
 * Plans the exact critic on cells.
 *
 * @throws UsageError when L is not finite and > 0, or the method does not fit the dimension; `solve` when a region that holds mass of p holds
 * none of q (or, for plain transport, another mass)
 *
 * *Good values*: tolerance 1e-4 in the plane.
 *
 * *References*: chambolle2011first, jacobs2019solving
 */
export function cellCritic(options: CellCriticOptions): CellCriticPlan {
  const where = "cellCritic";
  const { cells, lipschitz } = options;
  const d = cells.grid.dimension;
  const { method = d === 1 ? "chain" : "primal-dual" } = options;
  demand(
    lipschitz > 0 && lipschitz < Infinity,
    where,
    "lipschitz",
    "be a finite number > 0",
    lipschitz,
    "Use lipschitz: 1 to start",
  );
  demand(
    method === "primal-dual" || (method === "chain" && d === 1),
    where,
    "method",
    'be "primal-dual", or "chain" in 1-D',
    method,
    "Leave it out",
  );
  demand(
    options.target.length === cells.grid.size,
    where,
    "target",
    `have length ${cells.grid.size}`,
    options.target.length,
    "Give one mass a cell",
  );
  return method === "chain" ? onChain(options) : primalDual(options);
}

function onChain({ cells, target, divergence, lipschitz, tolerance }: CellCriticOptions): CellCriticPlan {
  const { spacing } = cells.grid.axes[0];
  const bounds = Float64Array.from(cells.neighbour[1], (other, k) => (other === k ? Infinity : lipschitz * spacing));
  return {
    async solve(source, friction = null) {
      const chained = friction === null ? null : { forward: friction.forward[0], backward: friction.backward[0] };
      const { potential, moved, marginal, objective, status, iterations } = chainCritic(
        { source, target, bounds, divergence, friction: chained },
        tolerance === undefined ? {} : { tolerance },
      );
      const velocity = cells.neighbour[1].length === 0 ? [] : [new Float64Array(potential.length)];
      cells.neighbour[1].forEach((other, k) => {
        velocity[0][k] = (potential[k] - potential[other]) / spacing;
      });
      return { potential, velocity, moved: [moved], marginal, objective, status, iterations };
    },
  };
}

type Fields = readonly Float64Array[];

function primalDual(options: CellCriticOptions): CellCriticPlan {
  const { cells, target, divergence, lipschitz, tolerance = 1e-4, maxIterations = 2000, signal = null } = options;
  const { size, axes, dimension: d } = cells.grid;
  const { rigid } = divergence;
  const upper = axes.map((_, a) => cells.neighbour[2 * a + 1]);
  const widest = Math.max(...axes.map((axis) => axis.upper - axis.lower));
  // Masses are scaled to mean 1 over the open cells; κ says from which length on the divergence outweighs the differences.
  const kappa = (KAPPA / widest) ** 2;
  const root = Math.sqrt(kappa);
  const inverse = inverseOf(cells, kappa);
  const poisson = inverseOf(cells, 0);
  const flat = arraySpace(size);
  const image = new Float64Array(size);
  const laplacian = (x: Float64Array, shift: number, out: Float64Array): void => {
    for (let k = 0; k < size; k++) out[k] = shift * x[k];
    for (let a = 0; a < d; a++) {
      const weight = 1 / axes[a].spacing ** 2;
      const other = upper[a];
      for (let k = 0; k < size; k++) {
        const flow = weight * (x[k] - x[other[k]]);
        out[k] += flow;
        out[other[k]] -= flow;
      }
    }
  };
  const inner = (x: Float64Array, y: Float64Array): number => {
    laplacian(y, kappa, image);
    return flat.dot(x, image) as number;
  };
  const primal: VectorSpace<Float64Array> = {
    ...flat,
    dot: inner,
    dots: (xs, y) => {
      laplacian(y, kappa, image);
      return flat.dots(xs, image);
    },
    norm: (x) => Math.sqrt(Math.max(0, inner(x, x))),
  };
  const dual = productSpace(Array.from({ length: rigid ? d : d + 1 }, () => flat));
  const gradient = (x: Float64Array, out: Fields): void => {
    for (let a = 0; a < d; a++) {
      const scale = 1 / axes[a].spacing;
      const other = upper[a];
      const xi = out[a];
      for (let k = 0; k < size; k++) xi[k] = scale * (x[other[k]] - x[k]);
    }
  };
  /** out ← ∇ᵀ w + shift. */
  const adjoint = (w: Fields, out: Float64Array): void => {
    for (let a = 0; a < d; a++) {
      const scale = 1 / axes[a].spacing;
      const other = upper[a];
      const field = w[a];
      for (let k = 0; k < size; k++) {
        const flow = scale * field[k];
        out[other[k]] += flow;
        out[k] -= flow;
      }
    }
  };
  const prox = rigid ? null : conjugateProx(divergence);
  const lowest =
    !rigid && divergence.conjugateDomain === Infinity && !divergence.logMeanExp
      ? priceOfFirstMass(divergence)
      : -Infinity;
  const zeros = new Float64Array(size);
  const pull = new Float64Array(size);
  const rhs = new Float64Array(size);
  const slopes = axes.map(() => new Float64Array(size));
  const { label, counts } = regions(cells);
  const pieces = counts.map((count, c) => {
    const members = new Int32Array(count);
    let at = 0;
    for (let k = 0; k < size; k++) if (label[k] === c) members[at++] = k;
    const support = members.filter((k) => target[k] > 0);
    return { members, support, weights: Float64Array.from(support, (k) => target[k]) };
  });
  const gaps = new Float64Array(size);
  const massOf = (field: Float64Array, members: Int32Array): number => members.reduce((sum, k) => sum + field[k], 0);
  /** Throws unless mass can get from p to R. */
  const demandReach = (source: Float64Array): void => {
    for (const { members } of pieces) {
      const [p, q] = [massOf(source, members), massOf(target, members)];
      demand(
        rigid ? Math.abs(p - q) <= 1e-9 * (p + q) : p === 0 || q > 0,
        "cellCritic",
        "every connected region",
        rigid ? "hold the same mass of both laws" : "hold mass of the target where it holds mass of the source",
        [p, q],
        "Open the wall between, or choose a target that reaches there",
      );
    }
  };
  /** φ ← φ + the constant, on each region, at which Σ q (f*)′(φ) is the mass, where there is mass. */
  const centre = (phi: Float64Array, source: Float64Array): void => {
    for (const { members, support, weights } of pieces) {
      const mass = massOf(source, members);
      if (mass === 0) continue;
      const top = support.reduce((most, k) => Math.max(most, phi[k]), -Infinity);
      support.forEach((k, at) => {
        gaps[at] = top - phi[k];
      });
      // As y − gap and not as φ + (y − top), which would round the top cell onto the edge of f*.
      const y = balance(divergence, weights, gaps, weights.length, mass, top);
      for (const k of members) phi[k] = y - (top - phi[k]);
    }
  };
  // First start: R = q, and steps in a ratio of the dimension of ∇φ over a flux; START suits L × side from 1e-6 to 10.
  let state: { readonly x: Float64Array; readonly y: Fields } | null = null;
  let ratio = (START * lipschitz) / widest;

  return {
    async solve(source, friction = null) {
      demandReach(source);
      const total = source.reduce((s, v) => s + v, 0);
      const unit = cells.openCount / total;
      // D ≤ L W₁: where that is small against the mass, so must the gap be.
      const scale = total * Math.min(1, lipschitz * widest);
      const q = target.map((v) => unit * v);
      // m_a = c″ in units of the gradient, either direction.
      const friendly = (side: Fields | null): Fields =>
        axes.map(({ spacing: h }, a) => (side === null ? zeros : side[a].map((v) => unit * v * h * h)));
      const down = friendly(friction?.forward ?? null);
      const up = friendly(friction?.backward ?? null);
      for (let k = 0; k < size; k++) rhs[k] = unit * source[k] - (rigid ? q[k] : 0);
      await inverse(rhs, pull);

      const certify = async (x: Float64Array, y: Fields): Promise<CellCritic> => {
        const potential = x.slice();
        if (lowest > -Infinity) for (let k = 0; k < size; k++) if (potential[k] < lowest) potential[k] = lowest;
        gradient(potential, slopes);
        let steepest = 0;
        const velocity = axes.map(() => new Float64Array(size));
        const moved = axes.map(() => new Float64Array(size));
        const rest = source.slice();
        for (let k = 0; k < size; k++) {
          let square = 0;
          for (let a = 0; a < d; a++) square += slopes[a][k] * slopes[a][k];
          const speed = Math.sqrt(square);
          if (speed > steepest) steepest = speed;
          const scale = speed > lipschitz ? lipschitz / speed : 1;
          for (let a = 0; a < d; a++) {
            velocity[a][k] = -scale * slopes[a][k];
            if (friction === null) continue;
            const v = velocity[a][k];
            const flow = (v > 0 ? friction.forward[a][k] : friction.backward[a][k]) * axes[a].spacing * v;
            moved[a][k] = flow;
            rest[k] -= flow;
            rest[upper[a][k]] += flow;
          }
        }
        // Feasible: slopes shrunk to L about the mean, and the constant at which R = q (f*)′(φ) has the mass of p.
        let mean = 0;
        for (let k = 0; k < size; k++) mean += (target[k] * potential[k]) / total;
        const shrink = steepest > lipschitz ? lipschitz / steepest : 1;
        for (let k = 0; k < size; k++) potential[k] = mean + shrink * (potential[k] - mean);
        if (!rigid) centre(potential, source);
        // Two choices of R: that of φ, and √κ r, which the prox made ≥ 0. They agree in the limit; the cheaper one is taken.
        const marginal = new Float64Array(size);
        const made = new Float64Array(size);
        let below = 0;
        let above = 0;
        let other = rigid ? Infinity : 0;
        for (const { members, support } of pieces) {
          const mass = massOf(source, members);
          const held = rigid ? 0 : support.reduce((sum, k) => sum + Math.max(0, y[d][k]), 0);
          if (held === 0 && mass > 0) other = Infinity;
          for (const k of members) below += rest[k] * potential[k];
          for (const k of support) {
            below -= target[k] * divergence.conjugate(potential[k]);
            if (rigid) marginal[k] = target[k];
            if (rigid || mass === 0) continue;
            marginal[k] = target[k] * divergence.conjugateDerivative(potential[k]);
            made[k] = (Math.max(0, y[d][k]) * mass) / held;
          }
          if (rigid) continue;
          for (const k of support) {
            above += target[k] * divergence.f(marginal[k] / target[k]);
            other += target[k] * divergence.f(made[k] / target[k]);
          }
        }
        if (other < above + 1e-3 * total) {
          above = other;
          marginal.set(made);
        }
        // Beckmann's flux: what y says, less friction, closed by the gradient of a potential.
        const w = axes.map((_, a) =>
          y[a].map((v, k) => (v - (velocity[a][k] > 0 ? down : up)[a][k] * -velocity[a][k]) / unit),
        );
        for (let k = 0; k < size; k++) rhs[k] = rest[k] - marginal[k];
        const open = rhs.map((v) => -v);
        adjoint(w, open);
        for (const { members } of pieces) {
          const drift = massOf(open, members);
          for (const k of members) open[k] -= drift / members.length;
        }
        const psi = new Float64Array(size);
        await poisson(open, psi);
        gradient(psi, slopes);
        for (let k = 0; k < size; k++) {
          let square = 0;
          for (let a = 0; a < d; a++) square += (w[a][k] - slopes[a][k]) ** 2;
          above += lipschitz * Math.sqrt(square);
        }
        return {
          potential,
          velocity,
          moved,
          marginal,
          objective:
            above < Infinity
              ? { primal: above, dual: below, gap: above - below }
              : { primal: null, dual: below, gap: null },
          status: { converged: false, text: "" },
          iterations: 0,
        };
      };

      let last: CellCritic | null = null;
      const result = await primalDualHybridGradient<Float64Array, Fields>({
        primal,
        dual,
        apply: (x, out) => {
          gradient(x, out);
          if (!rigid) for (let k = 0; k < size; k++) out[d][k] = root * x[k];
        },
        adjoint: async (y, out) => {
          if (rigid) rhs.fill(0);
          else for (let k = 0; k < size; k++) rhs[k] = root * y[d][k];
          adjoint(y, rhs);
          await inverse(rhs, out);
        },
        proxPrimal: (x, tau) => {
          for (let k = 0; k < size; k++) x[k] += tau * pull[k];
        },
        proxDual: (y, sigma) => {
          proxSlopes(y, down, up, sigma, lipschitz, d);
          if (prox === null) return;
          const r = y[d];
          const spread = 1 / (sigma * root);
          for (let k = 0; k < size; k++)
            r[k] = q[k] > 0 ? r[k] - sigma * root * prox(r[k] * spread, q[k] / (sigma * kappa)) : 0;
        },
        norm: 1.0000001,
        initial: state ?? {
          x: new Float64Array(size).fill(rigid ? 0 : balance(divergence, ONE, ZERO, 1, 1, 0)),
          y: Array.from({ length: rigid ? d : d + 1 }, (_, a) => (a < d ? zeros : q.map((v) => v / root))),
        },
        ratio,
        relaxation: 1.7,
        tolerance: 1,
        gapTolerance: tolerance,
        objective: async (x, y) => {
          last = await certify(x, y);
          const { primal: above, dual: below } = last.objective;
          return { primal: above === null ? null : above / scale, dual: below === null ? null : below / scale };
        },
        maxIterations,
        checkEvery: 20,
        signal,
        onCheck: (look) => {
          ratio = Math.sqrt(look.tau / look.sigma);
        },
      });
      state = { x: result.x, y: result.y };
      return { ...(last as unknown as CellCritic), status: result.status, iterations: result.iterations };
    },
  };
}

const ONE = new Float64Array([1]);
const ZERO = new Float64Array(1);
/** First ratio of the steps × (longest side)/L. */
const START = 60;
/** κ × (longest side)². */
const KAPPA = 8;

/** out ← (c − Δ)⁻¹ b: by transforms on plain boxes, by multigrid with obstacles; for c = 0 of b with mean 0. */
function inverseOf(cells: Cells, shift: number): (b: Float64Array, out: Float64Array) => Promise<void> {
  if (cells.isPlain) {
    const plan = helmholtz(cells.grid);
    return async (b, out) => {
      plan.solve(b, shift, 1, out);
    };
  }
  const matrix = stencil(cells);
  // The constants are not fixed at c = 0: a shift of round-off size fixes them and is far below the tolerance.
  const widest = Math.max(...cells.grid.axes.map((axis) => axis.upper - axis.lower));
  assembleStencil(matrix, shift > 0 ? shift : 1e-9 / widest ** 2, 1, null);
  const solver = multigrid(matrix);
  solver.update();
  return async (b, out) => {
    out.fill(0);
    await solver.solve(b, out, { tolerance: 1e-9 });
  };
}

/** y ← y − σ prox_{G/σ}(y/σ), G(ξ) = ½ Σ m_a ξ_a² on |ξ| ≤ L, with m_a by the sign of ξ_a. */
function proxSlopes(y: Fields, down: Fields, up: Fields, sigma: number, lipschitz: number, d: number): void {
  const [w0, w1, w2] = [y[0], y[d > 1 ? 1 : 0], y[d > 2 ? 2 : 0]];
  const [d0, d1, d2] = [down[0], down[d > 1 ? 1 : 0], down[d > 2 ? 2 : 0]];
  const [u0, u1, u2] = [up[0], up[d > 1 ? 1 : 0], up[d > 2 ? 2 : 0]];
  const bound = lipschitz * lipschitz;
  for (let k = 0; k < w0.length; k++) {
    const z0 = w0[k];
    const z1 = d > 1 ? w1[k] : 0;
    const z2 = d > 2 ? w2[k] : 0;
    const m0 = sigma + (z0 < 0 ? d0[k] : u0[k]);
    const m1 = sigma + (z1 < 0 ? d1[k] : u1[k]);
    const m2 = sigma + (z2 < 0 ? d2[k] : u2[k]);
    // ξ_a = z_a/(m_a + λ), z = y here and not y/σ; |ξ(λ)|^{−1} is concave and nearly linear, so Newton on it stays on one side.
    let lambda = 0;
    for (let i = 0; i < 30; i++) {
      const a0 = z0 / (m0 + lambda);
      const a1 = z1 / (m1 + lambda);
      const a2 = z2 / (m2 + lambda);
      const square = a0 * a0 + a1 * a1 + a2 * a2;
      if (square <= bound * (1 + 1e-14)) break;
      const slope = (a0 * a0) / (m0 + lambda) + (a1 * a1) / (m1 + lambda) + (a2 * a2) / (m2 + lambda);
      lambda += (square / slope) * (Math.sqrt(square / bound) - 1);
    }
    w0[k] = z0 - (sigma * z0) / (m0 + lambda);
    if (d > 1) w1[k] = z1 - (sigma * z1) / (m1 + lambda);
    if (d > 2) w2[k] = z2 - (sigma * z2) / (m2 + lambda);
  }
}

/** (z, t) → η with η + t (f*)′(η) = z, t > 0. */
function conjugateProx(divergence: Divergence): (z: number, t: number) => number {
  if (divergence.logMeanExp) {
    // η = z − W(t e^z): w + log w = log t + z by Newton.
    return (z, t) => {
      const x = Math.log(t) + z;
      if (x < -36) return z - Math.exp(x);
      let w = x > 1 ? x - Math.log(x) : Math.exp(x) / (1 + Math.exp(x));
      for (let i = 0; i < 8; i++) {
        const next = (w * (1 + x - Math.log(w))) / (1 + w);
        if (Math.abs(next - w) <= 1e-15 * w) break;
        w = next;
      }
      return z - w;
    };
  }
  if (divergence.description.alpha === 2) return (z, t) => (z > 0 ? z / (1 + t) : z);
  const edge = divergence.conjugateDomain;
  return (z, t) => {
    // The left side increases; its root lies below z and below the edge of f*.
    let high = Math.min(z, edge);
    let step = 1;
    let low = high - step;
    while (low + t * divergence.conjugateDerivative(low) > z) {
      high = low;
      step *= 2;
      low -= step;
    }
    let y = 0.5 * (low + high);
    for (let i = 0; i < 100 && high - low > 1e-15 * (1 + Math.abs(y)); i++) {
      const value = y + t * divergence.conjugateDerivative(y) - z;
      if (value > 0) high = y;
      else low = y;
      const newton = y - value / (1 + t * divergence.conjugateSecondDerivative(y));
      if (Math.abs(newton - y) <= 1e-15 * (1 + Math.abs(y))) break;
      y = newton > low && newton < high ? newton : 0.5 * (low + high);
    }
    return y;
  };
}
