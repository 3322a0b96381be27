// The exact critic on a chain of nodes (a line or a ring), the programme of a Lipschitz-regularised divergence in one dimension:
//   max over φ of  Σᵢ pᵢφᵢ − Σᵢ qᵢ f*(φᵢ) − Σₑ cₑ(Δₑφ)   subject to |Δₑφ| ≤ bₑ,   Δₑφ = φₑ₊₁ − φₑ,  bₑ = L × length of link e
//   cₑ(s) = ½ aₑ max(−s, 0)² + ½ āₑ max(s, 0)²   friction, 0 without; it makes φ the critic of the moved masses p − Δᵀc′(Δφ)
//   dual (Beckmann)   min Σᵢ qᵢ f(Rᵢ/qᵢ) + Σₑ bₑ|wₑ|,   Δᵀw = p − Δᵀc′ − R
// Scheme: primal–dual interior points; in φ every Newton matrix is tridiagonal (on a ring with two corners), so a step is O(n), and a few dozen
// steps reach round-off. Line search on the slope of the barrier function, hence no assumption on f* but convexity.
// Where f* ends at an edge, φ ≤ edge is a constraint too: with q far below p nothing else holds φ off it in double precision.
// Certificate: R = q (f*)′(φ), or what the multipliers of the slopes leave of p, with the mass of p on each piece, w by summing
// p − Δᵀc′ − R along the chain; gap = primal − dual.
// Condition: every piece of the chain that holds p holds q. Reference: Wright 1997, chapter 5 (key wright1997primal).
import { demand } from "../error.js";
import type { Divergence } from "../measure/index.js";
import type { Objective, Status } from "../solution/index.js";
import { priceOfFirstMass } from "./balance.js";

/** The programme on a chain of n nodes. */
export interface ChainProblem {
  /** pᵢ ≥ 0. */
  readonly source: Float64Array;
  /** qᵢ ≥ 0, with the sum of p. */
  readonly target: Float64Array;
  /** bₑ > 0, n entries: link e joins nodes e and e + 1; the last one joins node n − 1 to node 0. Infinity: no link. */
  readonly bounds: Float64Array;
  readonly divergence: Divergence;
  /** aₑ ≥ 0 for flow towards node e + 1 (Δφ < 0) and āₑ ≥ 0 for flow towards e (Δφ > 0), n entries each; default none. */
  readonly friction?: { readonly forward: Float64Array; readonly backward: Float64Array } | null;
}

export interface ChainOptions {
  /**
   * Converged when gap ≤ tolerance × max(mass × min(1, Σ bounds), D), or 1e-14 × mass: relative to D where it is large, as of far tails, whose
   * sums have no more digits; to its bound mass × Σ bounds where that is small. Default 1e-7, and 1e-5 for α > 2, where R = q (f*)′(φ)
   * is far less accurate than φ. The steps go on to a thousandth of that, or to where nothing is gained.
   */
  readonly tolerance?: number;
  /** Newton steps; default 1000. */
  readonly maxIterations?: number;
}

/** What {@link chainCritic} finds. */
export interface ChainCritic {
  /** φ, with |Δφ| ≤ b. Where f* is flat the largest optimal φ is taken: max(φ, f′(0)). */
  readonly potential: Float64Array;
  /** w. */
  readonly flux: Float64Array;
  /** R. */
  readonly marginal: Float64Array;
  /** Mass that friction moved along each link towards its upper node, −c′(Δφ). */
  readonly moved: Float64Array;
  /** Dual programme of the moved masses: primal D_f(R‖q) + Σ b|w|, dual ⟨p − Δᵀc′, φ⟩ − ⟨q, f*(φ)⟩. */
  readonly objective: Objective;
  readonly status: Status;
  readonly iterations: number;
}

/** Share of the way to a bound that one step may go. */
const REACH = 0.995;
/** Gap, relative to the mass, below which Σ pφ − Σ q f*(φ) has no digits. */
const ROUND_OFF = 1e-14;
/** Steps that do not halve the gap before the solve is given up: for α > 2, where (f*)″ has a pole at 0, a hundred short ones may come first. */
const PATIENCE = 200;
/** Where f* is rounded off: ε ends here, and with it the gap at about ε^{1.25}. */
const SMALLEST_ROUNDING = 1e-8;

/**
 * Solves the programme of a Lipschitz-regularised divergence on a chain.
 *
 * @throws UsageError when lengths differ or a piece of the chain holds mass of p but none of q (or, for plain transport, other masses)
 *
 * *Notes*: for KL the constant of φ is that of f* = e^y − 1, Σ q e^φ = Σ p; the value is that of the log-mean-exp form.
 *
 * *Good values*: the defaults: 15 to 50 Newton steps, 5 ms for 1024 nodes.
 *
 * *References*: wright1997primal, birrell2022fgamma
 */
export function chainCritic(problem: ChainProblem, options: ChainOptions = {}): ChainCritic {
  const { source: p, target: q, bounds: b, divergence, friction = null } = problem;
  const { maxIterations = 1000 } = options;
  const n = p.length;
  for (const [name, field] of [
    ["target", q],
    ["bounds", b],
    ["friction.forward", friction?.forward ?? p],
    ["friction.backward", friction?.backward ?? p],
  ] as const)
    demand(field.length === n, "chainCritic", name, `have length ${n}`, field.length, "Give one entry a node");
  const piece = piecesOf(b);
  const masses = massesOf(p, piece);
  const targets = massesOf(q, piece);
  const { rigid } = divergence;
  masses.forEach((mass, c) => {
    const holds = rigid ? Math.abs(mass - targets[c]) <= 1e-9 * (mass + targets[c]) : mass === 0 || targets[c] > 0;
    demand(
      holds,
      "chainCritic",
      "every connected piece",
      rigid ? "hold the same mass of both laws" : "hold mass of the target where it holds mass of the source",
      [mass, targets[c]],
      "Open the wall between, or choose a target that reaches there",
    );
  });
  const mass = masses.reduce((s, m) => s + m, 0);

  const forward = friction?.forward ?? new Float64Array(n);
  const backward = friction?.backward ?? new Float64Array(n);
  const isLink = b.map((v) => (v < Infinity ? 1 : 0));
  let links = 0;
  let length = 0;
  for (let e = 0; e < n; e++)
    if (isLink[e] === 1) {
      links++;
      length += b[e];
    }
  const meanBound = length / Math.max(1, links);

  const phi = startOf(problem, piece, masses, targets);
  const trial = new Float64Array(n);
  const upper = new Float64Array(n);
  const lower = new Float64Array(n);
  const gradient = new Float64Array(n);
  const curvature = new Float64Array(n);
  const stiffness = new Float64Array(n);
  const step = new Float64Array(n);
  const solveLaplacian = chainLaplacian(n);
  const slope = (e: number, s: number): number => (s < 0 ? forward[e] : backward[e]) * s;

  // Where f* has a flat part, (f*)″ jumps at its edge (α ≤ 2) or is unbounded there: y₊ is rounded off, ½(y + √(y² + ε²)), ε falling with μ.
  const isFlat = hasFlat(divergence);
  const tolerance = options.tolerance ?? (isFlat && divergence.conjugateSecondDerivative(1e-30) > 1e6 ? 1e-5 : 1e-7);
  let round = isFlat ? 0.1 : 0;
  const rounded = (y: number): number => {
    if (round === 0) return y;
    const root = Math.sqrt(y * y + round * round);
    return y > 0 ? 0.5 * (y + root) : (0.5 * round * round) / (root - y);
  };
  /** The gap allowed, D known from below. */
  const allowed = ({ dual }: Certificate): number =>
    Math.max(tolerance * mass * Math.min(1, length), tolerance * dual, ROUND_OFF * mass);
  let mu = 0.1 * mass * meanBound;
  for (let e = 0; e < n; e++) if (isLink[e] === 1) upper[e] = lower[e] = mu / b[e];
  // Where q is small f* ends at the edge of its domain without a warning: φ ≤ edge is a constraint of its own there.
  const top = divergence.conjugateDomain;
  const isEdge = q.map((v) => (v > 0 && top < Infinity ? 1 : 0));
  const edge = new Float64Array(n);
  for (let i = 0; i < n; i++) if (isEdge[i] === 1) edge[i] = mu / (top - phi[i]);
  const constraints = Math.max(1, 2 * links + isEdge.reduce((sum, v) => sum + v, 0));
  /** Slope of the barrier function J − μ Σ log of the slacks at x along the step: unlike its values it keeps its digits near the optimum. */
  const climb = (x: Float64Array): number => {
    let sum = 0;
    for (let i = 0; i < n; i++) {
      sum -= p[i] * step[i];
      if (q[i] > 0) sum += q[i] * ratioAt(x[i]) * step[i];
      if (isEdge[i] === 1) sum += (mu / (top - x[i])) * step[i];
      if (isLink[i] === 0) continue;
      const j = i + 1 === n ? 0 : i + 1;
      const s = x[j] - x[i];
      sum += (slope(i, s) + mu / (b[i] - s) - mu / (b[i] + s)) * (step[j] - step[i]);
    }
    return sum;
  };
  /** R/q at a potential, by the f* in use. */
  const ratioAt = (y: number): number =>
    round === 0
      ? divergence.conjugateDerivative(y)
      : (divergence.conjugateDerivative(rounded(y)) * rounded(y)) / Math.sqrt(y * y + round * round);

  let iterations = 0;
  let best = certificate(problem, phi, piece, masses, ratioAt, null);
  let stalls = 0;
  while (iterations < maxIterations) {
    iterations++;
    for (let i = 0; i < n; i++) {
      gradient[i] = p[i];
      curvature[i] = 0;
      if (q[i] === 0) continue;
      const y = rounded(phi[i]);
      const first = round === 0 ? 1 : y / Math.sqrt(phi[i] * phi[i] + round * round);
      const ratio = divergence.conjugateDerivative(y);
      gradient[i] -= q[i] * ratio * first;
      curvature[i] = q[i] * divergence.conjugateSecondDerivative(y) * first * first;
      if (round > 0) curvature[i] += (0.5 * q[i] * ratio * round * round) / (phi[i] * phi[i] + round * round) ** 1.5;
      if (isEdge[i] === 1) {
        gradient[i] -= mu / (top - phi[i]);
        curvature[i] += edge[i] / (top - phi[i]);
      }
    }
    for (let e = 0; e < n; e++) {
      stiffness[e] = 0;
      if (isLink[e] === 0) continue;
      const j = e + 1 === n ? 0 : e + 1;
      const s = phi[j] - phi[e];
      const up = b[e] - s;
      const down = b[e] + s;
      const pull = slope(e, s) + mu / up - mu / down;
      stiffness[e] = (s < 0 ? forward[e] : backward[e]) + upper[e] / up + lower[e] / down;
      gradient[j] -= pull;
      gradient[e] += pull;
    }
    solveLaplacian(curvature, stiffness, gradient, step);

    let primalReach = 1;
    let dualReach = 1;
    let decrease = 0;
    for (let i = 0; i < n; i++) {
      decrease += gradient[i] * step[i];
      if (isEdge[i] === 1) {
        const left = top - phi[i];
        if (step[i] > 0) primalReach = Math.min(primalReach, (REACH * left) / step[i]);
        const dz = mu / left - edge[i] + (edge[i] / left) * step[i];
        if (dz < 0) dualReach = Math.min(dualReach, (REACH * edge[i]) / -dz);
      }
      if (isLink[i] === 0) continue;
      const j = i + 1 === n ? 0 : i + 1;
      const s = phi[j] - phi[i];
      const ds = step[j] - step[i];
      if (ds > 0) primalReach = Math.min(primalReach, (REACH * (b[i] - s)) / ds);
      else if (ds < 0) primalReach = Math.min(primalReach, (REACH * (b[i] + s)) / -ds);
      const du = mu / (b[i] - s) - upper[i] + (upper[i] / (b[i] - s)) * ds;
      const dl = mu / (b[i] + s) - lower[i] - (lower[i] / (b[i] + s)) * ds;
      if (du < 0) dualReach = Math.min(dualReach, (REACH * upper[i]) / -du);
      if (dl < 0) dualReach = Math.min(dualReach, (REACH * lower[i]) / -dl);
    }
    let reach = primalReach;
    // The barrier function is convex: the step is short enough when it has not begun to climb half as fast as it fell. Below round-off
    // of its slope Newton's step is trusted.
    let noise = 0;
    for (let i = 0; i < n; i++) noise += 1e-15 * p[i] * Math.abs(step[i]);
    for (let k = 0; k < 40; k++) {
      for (let i = 0; i < n; i++) trial[i] = phi[i] + reach * step[i];
      if (decrease <= noise || climb(trial) <= 0.5 * decrease) break;
      reach *= 0.5;
    }
    let complementarity = 0;
    for (let i = 0; i < n; i++) {
      if (isEdge[i] === 0) continue;
      const left = top - phi[i];
      edge[i] += dualReach * (mu / left - edge[i] + (edge[i] / left) * step[i]);
      complementarity += edge[i] * (top - trial[i]);
    }
    for (let e = 0; e < n; e++) {
      if (isLink[e] === 0) continue;
      const j = e + 1 === n ? 0 : e + 1;
      const s = phi[j] - phi[e];
      const ds = step[j] - step[e];
      upper[e] += dualReach * (mu / (b[e] - s) - upper[e] + (upper[e] / (b[e] - s)) * ds);
      lower[e] += dualReach * (mu / (b[e] + s) - lower[e] - (lower[e] / (b[e] + s)) * ds);
      const now = trial[j] - trial[e];
      complementarity += upper[e] * (b[e] - now) + lower[e] * (b[e] + now);
    }
    phi.set(trial);
    const average = complementarity / constraints;
    if (mu * Math.max(1, links) <= allowed(best)) {
      const multipliers = upper.map((u, e) => u - lower[e]);
      const now = certificate(problem, phi, piece, masses, ratioAt, multipliers);
      const isBetter = now.gap < 0.5 * best.gap;
      if (now.gap < best.gap) best = now;
      stalls = isBetter ? 0 : stalls + 1;
      if (best.gap <= 1e-3 * allowed(best) || (stalls > 12 && best.gap <= allowed(best)) || stalls > PATIENCE) break;
    }
    if (reach > 0.1) {
      const next = Math.min(mu, (reach > 0.9 && dualReach > 0.9 ? 0.05 : 0.3) * average);
      round *= Math.max(next / mu, round > 0 ? SMALLEST_ROUNDING / round : 0);
      mu = next;
    }
  }
  const converged = best.gap <= allowed(best);
  return {
    potential: best.potential,
    flux: best.flux,
    marginal: best.marginal,
    moved: best.moved,
    objective: { primal: best.primal, dual: best.dual, gap: best.gap },
    status: {
      converged,
      text: converged
        ? `converged: gap ${best.gap.toExponential(1)} after ${iterations} Newton steps`
        : `stalled: gap ${best.gap.toExponential(1)} after ${iterations} Newton steps; raise tolerance, or scale lengths and L so that L × length is of order 1`,
    },
    iterations,
  };
}

/** f* is constant for small y (α > 1): cells without mass of R then leave φ free below f′(0). */
function hasFlat(divergence: Divergence): boolean {
  return !divergence.rigid && divergence.conjugateDomain === Infinity && !divergence.logMeanExp;
}

/** The connected piece of each node. */
function piecesOf(b: Float64Array): Int32Array {
  const n = b.length;
  const piece = new Int32Array(n);
  for (let i = 1; i < n; i++) piece[i] = piece[i - 1] + (b[i - 1] < Infinity ? 0 : 1);
  // The ring's last link joins the last piece to the first.
  const last = piece[n - 1];
  if (b[n - 1] < Infinity && last > 0) for (let i = 0; i < n; i++) if (piece[i] === last) piece[i] = 0;
  return piece;
}

function massesOf(p: Float64Array, piece: Int32Array): Float64Array {
  const out = new Float64Array(piece.reduce((m, c) => Math.max(m, c), 0) + 1);
  for (let i = 0; i < p.length; i++) out[piece[i]] += p[i];
  return out;
}

/** Constants at which R has the mass of p. */
function startOf(problem: ChainProblem, piece: Int32Array, masses: Float64Array, targets: Float64Array): Float64Array {
  const { divergence } = problem;
  const level = masses.map((m, c) =>
    divergence.rigid || targets[c] === 0 ? 0 : priceOf(divergence, Math.max(m / targets[c], 1e-6)),
  );
  return Float64Array.from(piece, (c) => level[c]);
}

/** y with (f*)′(y) = r, by bisection to a hundredth: a start only. */
function priceOf(divergence: Divergence, r: number): number {
  let high = Math.min(divergence.conjugateDomain, 1e4);
  let low = high - 2e4;
  for (let k = 0; k < 60 && high - low > 1e-9 * (1 + Math.abs(low)); k++) {
    const middle = 0.5 * (low + high);
    if (divergence.conjugateDerivative(middle) < r) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * A solver of (diag c + Δᵀ diag(s) Δ) x = r with c, s ≥ 0, elimination from the first node on; a ring's node is joined to the last one too.
 * Nothing positive is subtracted, so tails of any smallness keep their digits. Where c = 0 on a whole piece the last node of the piece stays
 * at 0.
 */
function chainLaplacian(n: number): (c: Float64Array, s: Float64Array, r: Float64Array, out: Float64Array) => void {
  const pivot = new Float64Array(n);
  const loop = new Float64Array(n);
  const end = n - 1;
  return (c, s, r, out) => {
    let excess = 0;
    let carried = 0;
    let excessEnd = c[end];
    let carriedEnd = r[end];
    let back = s[end];
    for (let i = 0; i < end; i++) {
      excess += c[i];
      carried += r[i];
      loop[i] = back;
      pivot[i] = excess + s[i] + back;
      out[i] = carried;
      const share = pivot[i] > 0 ? s[i] / pivot[i] : 0;
      const around = pivot[i] > 0 ? back / pivot[i] : 0;
      excessEnd += excess * around;
      carriedEnd += carried * around;
      excess *= share;
      carried *= share;
      back *= share;
    }
    excess += excessEnd;
    out[end] = excess > 0 ? (carried + carriedEnd) / excess : 0;
    for (let i = end - 1; i >= 0; i--) {
      if (s[i] > 0) out[i] += s[i] * out[i + 1];
      if (loop[i] > 0) out[i] += loop[i] * out[end];
      out[i] = pivot[i] > 0 ? out[i] / pivot[i] : 0;
    }
  };
}

interface Certificate {
  readonly potential: Float64Array;
  readonly flux: Float64Array;
  readonly marginal: Float64Array;
  readonly moved: Float64Array;
  readonly primal: number;
  readonly dual: number;
  readonly gap: number;
}

/** Both values at φ, from their definitions. R is that of φ, or that of the multipliers v of the slopes, p − Δᵀ(c′ + v): the cheaper one. */
function certificate(
  problem: ChainProblem,
  phi: Float64Array,
  piece: Int32Array,
  masses: Float64Array,
  ratioAt: (y: number) => number,
  multipliers: Float64Array | null,
): Certificate {
  const { source: p, target: q, bounds: b, divergence, friction = null } = problem;
  const n = p.length;
  const potential = phi.slice();
  if (hasFlat(divergence)) {
    const floor = priceOfFirstMass(divergence);
    for (let i = 0; i < n; i++) if (potential[i] < floor) potential[i] = floor;
  }
  const moved = new Float64Array(n);
  const rest = p.slice();
  for (let e = 0; e < n; e++) {
    if (friction === null || b[e] === Infinity) continue;
    const j = e + 1 === n ? 0 : e + 1;
    const s = potential[j] - potential[e];
    moved[e] = -(s < 0 ? friction.forward[e] : friction.backward[e]) * s;
    rest[e] -= moved[e];
    rest[j] += moved[e];
  }
  let dual = 0;
  for (let i = 0; i < n; i++) {
    dual += rest[i] * potential[i];
    if (q[i] > 0) dual -= q[i] * divergence.conjugate(potential[i]);
  }
  let cheapest = beckmann(problem, rest, piece, masses, (i) => (divergence.rigid ? q[i] : q[i] * ratioAt(phi[i])));
  if (multipliers !== null && !divergence.rigid) {
    const v = multipliers;
    const other = beckmann(problem, rest, piece, masses, (i) =>
      Math.max(0, rest[i] + v[i] - v[i === 0 ? n - 1 : i - 1]),
    );
    if (other.primal < cheapest.primal) cheapest = other;
  }
  return { potential, moved, dual, ...cheapest, gap: cheapest.primal - dual };
}

/** R, scaled on each piece to the mass of p, the flux that makes it of the masses `rest`, and their cost. */
function beckmann(
  { target: q, bounds: b, divergence }: ChainProblem,
  rest: Float64Array,
  piece: Int32Array,
  masses: Float64Array,
  share: (i: number) => number,
): Pick<Certificate, "marginal" | "flux" | "primal"> {
  const n = q.length;
  const marginal = new Float64Array(n);
  for (let i = 0; i < n; i++) if (q[i] > 0) marginal[i] = share(i);
  const totals = massesOf(marginal, piece);
  for (let i = 0; i < n; i++) if (totals[piece[i]] > 0) marginal[i] *= masses[piece[i]] / totals[piece[i]];
  let primal = 0;
  for (let i = 0; i < n; i++) if (q[i] > 0 && !divergence.rigid) primal += q[i] * divergence.f(marginal[i] / q[i]);
  const flux = new Float64Array(n);
  let carried = 0;
  for (let e = 0; e < n; e++) {
    carried = (e > 0 && b[e - 1] === Infinity ? 0 : carried) + marginal[e] - rest[e];
    flux[e] = b[e] < Infinity ? carried : 0;
  }
  // On a ring the flux is known up to a constant: the weighted median makes Σ b|w| least.
  if (b[n - 1] < Infinity && piece[n - 1] === 0) {
    const isCut = b.indexOf(Infinity);
    const shift = isCut >= 0 ? 0 : weightedMedian(flux, b);
    if (isCut < 0) for (let e = 0; e < n; e++) flux[e] -= shift;
    else {
      const entering = flux[n - 1];
      for (let e = 0; e < isCut; e++) flux[e] += entering;
    }
  }
  for (let e = 0; e < n; e++) if (b[e] < Infinity) primal += b[e] * Math.abs(flux[e]);
  return { marginal, flux, primal };
}

function weightedMedian(values: Float64Array, weights: Float64Array): number {
  const order = Array.from(values.keys()).sort((i, j) => values[i] - values[j]);
  const half = weights.reduce((s, w) => s + w, 0) / 2;
  let sum = 0;
  for (const i of order) {
    sum += weights[i];
    if (sum >= half) return values[i];
  }
  return values[order[order.length - 1]];
}
