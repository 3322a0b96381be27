// The dual of semi-relaxed transport between node masses a and b, smoothed at level ε:
//   J_ε(ψ) = Σᵢ aᵢ Qᵢ − Σⱼ bⱼ f*(ψⱼ),   Qᵢ = −ε log Σⱼ exp(−(ψⱼ + hᵢⱼ)/ε),   plan pᵢⱼ = exp((Qᵢ − ψⱼ − hᵢⱼ)/ε)
//   gradient   gⱼ = Rⱼ − bⱼ f*′(ψⱼ),  R = pᵀa
//   −Hessian   (diag R − pᵀ diag(a) p)/ε + diag(b f*″)  ⪰ 0
// Scheme: Newton's method with Jacobi-preconditioned conjugate gradients on the sparse plan and a backtracking search on
// J_ε (concave). The entropy term bounds the condition number by 1 + 1/ε, whatever the mesh. Nodes that no row reaches are set
// by one half-step of Sinkhorn: the exact maximiser in ψⱼ for fixed Q, in logarithms, so that far tails are right too.
// Certificate at any ψ: dual = Σ aᵢ minⱼ(ψⱼ + hᵢⱼ) − Σ bⱼ f*(ψⱼ);  primal = D_f(R‖b) + ⟨h, plan⟩ for the smoothed plan, whose
// first marginal is a exactly; gap = primal − dual ≥ 0, and gap = O(ε).
// Reference: Cuturi, Peyré 2018, "Semidual regularized optimal transport" (key cuturi2018semidual).
import { arraySpace, conjugateGradient } from "../../../src/linalg/index.js";
import type { Divergence } from "../../../src/measure/index.js";
import {
  type LatticeCost,
  minPlus,
  type SparsePlan,
  softMinimum,
  softMinimumOfColumns,
  sparsePlan,
  type Tiling,
  tiling,
} from "./min-plus.js";

/** Plan entries below e^−CUTOFF of the largest of their row are left out; the rows still sum to 1. */
const CUTOFF = 18;
/** What the entries left out may do to J_ε, in ε: e^−CUTOFF times the number of near ties. */
const TRUNCATION = 1e-6;
/** How far ψ may move on one pattern, in ε: pairs that matter after the move were in the pattern before. */
const TRUST = 6;
/** What round-off may do to J_ε between two evaluations. */
const ROUND_OFF = 1e-14;
/** Relative residual of the linear solves. */
const FORCING = 1e-4;

/** Semi-relaxed transport between two vectors of node masses on one lattice. */
export interface NodeTransport {
  readonly cost: LatticeCost;
  /** a, sum 1. */
  readonly source: Float64Array;
  /** b, sum 1. */
  readonly target: Float64Array;
  readonly divergence: Divergence;
  /** Nodes with aᵢ > 0. */
  readonly from: Tiling;
  /** Nodes with bⱼ > 0; no mass goes elsewhere, whatever f. */
  readonly onto: Tiling;
  /** log aᵢ. */
  readonly logSource: Float64Array;
}

/** Where the ascent stands. */
export interface DualState {
  /** ψ; +∞ where no mass may go. */
  readonly potential: Float64Array;
  /** Q_ε at the nodes with aᵢ > 0. */
  readonly transform: Float64Array;
  readonly plan: SparsePlan;
  /** R. */
  readonly marginal: Float64Array;
  /** 1 where the plan's pattern reaches node j well enough to move ψⱼ. */
  readonly served: Uint8Array;
}

export interface AscentOptions {
  /** Smoothing ε > 0, in units of the cost. */
  readonly epsilon: number;
  /** Stop when half the Newton decrement, an estimate of max J_ε − J_ε(ψ), is below this. */
  readonly tolerance: number;
  readonly maxIterations: number;
  /** Called before each Newton step; may throw to stop. */
  readonly onIteration: (decrement: number | null) => void | Promise<void>;
}

export interface AscentResult {
  readonly converged: boolean;
  readonly iterations: number;
  /** Conjugate-gradient steps, all Newton steps together. */
  readonly linearIterations: number;
  /** Last half Newton decrement. */
  readonly decrement: number;
}

/** Sets up the node problem; a and b have one entry for each lattice point. */
export function nodeTransport(
  cost: LatticeCost,
  source: Float64Array,
  target: Float64Array,
  divergence: Divergence,
): NodeTransport {
  return {
    cost,
    source,
    target,
    divergence,
    from: tiling(cost, source),
    onto: tiling(cost, target),
    logSource: source.map(Math.log),
  };
}

/** State from a guess of Q at the nodes with aᵢ > 0. */
export function startFrom(problem: NodeTransport, guess: Float64Array, epsilon: number): DualState {
  const size = problem.source.length;
  const state: DualState = {
    potential: new Float64Array(size).fill(Infinity),
    transform: guess.slice(),
    plan: sparsePlan(),
    marginal: new Float64Array(size),
    served: new Uint8Array(size),
  };
  renew(problem, state, epsilon);
  return state;
}

/**
 * Maximises J_ε from where the state stands, in rounds: a Sinkhorn step over all pairs, which also finds the sparse pattern, then
 * Newton steps on that pattern while ψ stays within {@link TRUST}·ε of where the round began. Ends when a round brings nothing.
 */
export async function ascend(problem: NodeTransport, state: DualState, options: AscentOptions): Promise<AscentResult> {
  const { epsilon, tolerance, maxIterations } = options;
  let iterations = 0;
  let linearIterations = 0;
  let value = evaluate(problem, state, epsilon);
  for (;;) {
    const inner = await ascendOnPattern(problem, state, { ...options, maxIterations: maxIterations - iterations });
    iterations += inner.iterations;
    linearIterations += inner.linearIterations;
    const before = value;
    value = renew(problem, state, epsilon);
    const result = { iterations, linearIterations, decrement: inner.decrement };
    if (inner.converged && Math.abs(value - before) <= Math.max(4 * tolerance, TRUNCATION * epsilon))
      return { converged: true, ...result };
    if (iterations >= maxIterations) return { converged: false, ...result };
  }
}

// Newton steps on the state's pattern, each after one Sinkhorn sweep on it. The sweep serves the tails: there ψ may be wrong by
// many ε, Newton's model is not valid, and a line search alone would be held back by nodes without mass.
async function ascendOnPattern(
  problem: NodeTransport,
  state: DualState,
  options: AscentOptions,
): Promise<AscentResult> {
  const { epsilon, tolerance, maxIterations, onIteration } = options;
  const { divergence, target, source, onto, from } = problem;
  const { potential, plan, marginal, served } = state;
  const size = source.length;
  const gradient = new Float64Array(size);
  const curvature = new Float64Array(size);
  const diagonal = new Float64Array(size);
  const step = new Float64Array(size);
  const old = new Float64Array(size);
  const centreOfTrust = potential.slice();
  const radius = TRUST * epsilon;
  let linearIterations = 0;
  let decrement = Infinity;
  for (let iteration = 1; iteration <= maxIterations; iteration++) {
    await onIteration(decrement < Infinity ? decrement : null);
    let confined = sweep(problem, state, epsilon, centreOfTrust, radius);
    const value = evaluate(problem, state, epsilon);
    for (const j of onto.nodes) {
      const free = served[j] === 1;
      gradient[j] = free ? marginal[j] - target[j] * divergence.conjugateDerivative(potential[j]) : 0;
      curvature[j] = free ? target[j] * divergence.conjugateSecondDerivative(potential[j]) : 0;
      diagonal[j] = free ? marginal[j] / epsilon + curvature[j] : 0;
    }
    for (let r = 0; r < from.nodes.length; r++) {
      const a = source[from.nodes[r]] / epsilon;
      for (let e = plan.start[r]; e < plan.start[r + 1]; e++)
        if (served[plan.column[e]] === 1) diagonal[plan.column[e]] -= a * plan.share[e] ** 2;
    }
    linearIterations += await newtonStep(problem, state, epsilon, gradient, curvature, diagonal, step);
    // Of the step that may be taken: far nodes without mass that wait at the edge of their trust are no reason to go on.
    decrement = 0;
    let slope = 0;
    for (const j of onto.nodes) {
      if (served[j] === 0) continue;
      const from = potential[j] - centreOfTrust[j];
      // f*′ may be flat to the left (α > 1): the wanted mass falls to no less than a tenth in one step.
      const least =
        curvature[j] > 0 ? (-0.9 * target[j] * divergence.conjugateDerivative(potential[j])) / curvature[j] : 0;
      const to = Math.max(-radius, Math.min(radius, from + Math.max(least, step[j])));
      if (to !== from + step[j] && marginal[j] > 1e-9) confined = true;
      step[j] = to - from;
      slope += gradient[j] * step[j];
      decrement += 0.5 * Math.abs(gradient[j] * step[j]);
    }
    if (decrement <= tolerance && !confined)
      return { converged: true, iterations: iteration, linearIterations, decrement };
    old.set(potential);
    let accepted = false;
    for (let length = 1; length > 1e-3 && slope > 0 && !accepted; length /= 2) {
      let inside = true;
      for (const j of onto.nodes) {
        if (served[j] === 0) continue;
        potential[j] = old[j] + length * step[j];
        if (!(potential[j] < divergence.conjugateDomain)) inside = false;
      }
      accepted = inside && evaluate(problem, state, epsilon) >= value + 1e-4 * length * slope - ROUND_OFF;
    }
    if (!accepted) {
      potential.set(old);
      evaluate(problem, state, epsilon);
    }
    if (!accepted || confined) return { converged: false, iterations: iteration, linearIterations, decrement };
  }
  return { converged: false, iterations: maxIterations, linearIterations, decrement };
}

/** Q, shares and R of ψ on the state's pattern; returns J_ε(ψ). */
function evaluate(problem: NodeTransport, state: DualState, epsilon: number): number {
  const { from, source, target, divergence } = problem;
  const { plan, marginal, transform, potential } = state;
  softMinimum(plan, from, potential, epsilon, transform);
  marginal.fill(0);
  let value = -conjugateSum(target, divergence, potential);
  for (let r = 0; r < from.nodes.length; r++) {
    const node = from.nodes[r];
    const a = source[node];
    value += a * transform[node];
    for (let e = plan.start[r]; e < plan.start[r + 1]; e++) marginal[plan.column[e]] += a * plan.share[e];
  }
  return value;
}

/** Σ bⱼ f*(ψⱼ). */
function conjugateSum(target: Float64Array, divergence: Divergence, potential: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < target.length; j++) if (target[j] > 0) sum += target[j] * divergence.conjugate(potential[j]);
  return sum;
}

/**
 * One Sinkhorn half-step on the pattern at the served nodes: ψⱼ maximises the smoothed dual for fixed Q, but stays within the
 * radius. Returns whether the radius held back a node with mass.
 */
function sweep(
  problem: NodeTransport,
  state: DualState,
  epsilon: number,
  centreOfTrust: Float64Array,
  radius: number,
): boolean {
  const { from, onto, source, target, divergence, logSource } = problem;
  const { potential, transform, plan, served } = state;
  const raised = new Float64Array(source.length);
  for (const i of from.nodes) raised[i] = -transform[i] - epsilon * logSource[i];
  const soft = new Float64Array(source.length);
  softMinimumOfColumns(plan, from, raised, epsilon, soft);
  let confined = false;
  for (const j of onto.nodes) {
    if (served[j] === 0) continue;
    const wish = halfStep(divergence, -soft[j] / epsilon - Math.log(target[j]), epsilon, potential[j]);
    potential[j] = Math.max(centreOfTrust[j] - radius, Math.min(centreOfTrust[j] + radius, wish));
    if (potential[j] !== wish && state.marginal[j] > 1e-9) confined = true;
  }
  return confined;
}

/** A Sinkhorn step over all pairs of nodes, first ψ then Q, and the pattern of the new Q. Returns J_ε. */
function renew(problem: NodeTransport, state: DualState, epsilon: number): number {
  const { cost, from, onto, source, target, divergence, logSource } = problem;
  const { potential, transform, plan, served } = state;
  const size = source.length;
  const raised = new Float64Array(size);
  for (const i of from.nodes) raised[i] = -transform[i] - epsilon * logSource[i];
  const columns = sparsePlan();
  const whole = minPlus(cost, onto, from, raised, new Float64Array(size), columns, CUTOFF * epsilon);
  softMinimum(columns, onto, raised, epsilon, whole);
  for (const j of onto.nodes) {
    potential[j] = halfStep(divergence, -whole[j] / epsilon - Math.log(target[j]), epsilon, potential[j]);
  }
  centre(problem, potential);
  minPlus(cost, from, onto, potential, transform, plan, CUTOFF * epsilon);
  const seen = new Float64Array(size);
  softMinimumOfColumns(plan, from, raised, epsilon, seen);
  // A node is served when the pattern holds all but a tenth of what it receives; the others keep ψ until the next round.
  for (const j of onto.nodes) served[j] = seen[j] - whole[j] < 0.1 * epsilon ? 1 : 0;
  return evaluate(problem, state, epsilon);
}

/** Under KL the free constant of ψ is set to its best value, Σ b e^ψ = 1. */
function centre(problem: NodeTransport, potential: Float64Array): void {
  const { onto, target, divergence } = problem;
  if (!divergence.logMeanExp) return;
  let mass = 0;
  for (const j of onto.nodes) mass += target[j] * Math.exp(potential[j]);
  const shift = Math.log(mass);
  for (const j of onto.nodes) potential[j] -= shift;
}

/** The root y of y/ε + log f*′(y) = s, increasing in y. */
function halfStep(divergence: Divergence, s: number, epsilon: number, guess: number): number {
  if (divergence.logMeanExp) return s / (1 + 1 / epsilon);
  const top = divergence.conjugateDomain;
  const excess = (y: number): number =>
    y >= top ? Infinity : y / epsilon + Math.log(divergence.conjugateDerivative(y)) - s;
  let low = Number.isFinite(guess) && guess < top ? guess : Math.min(0, top - 1);
  let high = low;
  for (let width = epsilon; !(excess(low) < 0); width *= 2) low -= width;
  for (let width = epsilon; !(excess(high) > 0); width *= 2) high = Math.min(top, high + width);
  let y = 0.5 * (low + high);
  for (let k = 0; k < 100; k++) {
    const e = excess(y);
    if (Math.abs(e) <= 1e-14 * Math.max(1, Math.abs(s))) break;
    if (e > 0) high = y;
    else low = y;
    const newton = y - e / (1 / epsilon + divergence.conjugateSecondDerivative(y) / divergence.conjugateDerivative(y));
    const next = newton > low && newton < high ? newton : 0.5 * (low + high);
    if (next === y || !(next > low && next < high)) break;
    y = next;
  }
  return y;
}

// The Newton step by conjugate gradients, scaled to a unit diagonal: D^{−½}(−J″)D^{−½} y = D^{−½} g, step = D^{−½} y. In this
// norm far tails count by their mass. Nodes with diagonal 0 are held fixed. Returns the steps taken.
async function newtonStep(
  problem: NodeTransport,
  state: DualState,
  epsilon: number,
  gradient: Float64Array,
  curvature: Float64Array,
  diagonal: Float64Array,
  step: Float64Array,
): Promise<number> {
  const { from, source } = problem;
  const { plan, marginal } = state;
  const size = source.length;
  const scale = new Float64Array(size);
  for (let j = 0; j < size; j++) {
    const whole = marginal[j] / epsilon + curvature[j];
    // Cancellation leaves nothing of the diagonal where a node's rows go nowhere else.
    if (diagonal[j] > 0 || curvature[j] > 0) scale[j] = 1 / Math.sqrt(Math.max(diagonal[j], 1e-6 * whole));
  }
  const lifted = new Float64Array(size);
  const { solution, iterations } = await conjugateGradient<Float64Array>({
    space: arraySpace(size),
    rhs: gradient.map((g, j) => g * scale[j]),
    tolerance: FORCING,
    maxIterations: 2000,
    apply: (x, out) => {
      for (let j = 0; j < size; j++) {
        lifted[j] = scale[j] * x[j];
        out[j] = (marginal[j] / epsilon + curvature[j]) * lifted[j];
      }
      for (let r = 0; r < from.nodes.length; r++) {
        const begin = plan.start[r];
        const end = plan.start[r + 1];
        let average = 0;
        for (let e = begin; e < end; e++) average += plan.share[e] * lifted[plan.column[e]];
        average *= source[from.nodes[r]] / epsilon;
        for (let e = begin; e < end; e++) out[plan.column[e]] -= average * plan.share[e];
      }
      for (let j = 0; j < size; j++) out[j] *= scale[j];
    },
  });
  for (let j = 0; j < size; j++) step[j] = scale[j] * solution[j];
  return iterations;
}

/** Certified primal and dual values at a state; the dual takes the hard minimum over all nodes. */
export function certificate(problem: NodeTransport, state: DualState): { primal: number; dual: number } {
  const { cost, from, onto, source, target, divergence } = problem;
  const { plan, marginal, potential } = state;
  const hard = minPlus(cost, from, onto, potential, new Float64Array(source.length));
  let dual = -conjugateSum(target, divergence, potential);
  let primal = 0;
  for (let r = 0; r < from.nodes.length; r++) {
    const a = source[from.nodes[r]];
    dual += a * hard[from.nodes[r]];
    let paid = 0;
    for (let e = plan.start[r]; e < plan.start[r + 1]; e++) paid += plan.share[e] * plan.cost[e];
    primal += a * paid;
  }
  for (const j of onto.nodes) {
    primal += target[j] * divergence.f(marginal[j] / target[j]);
  }
  return { primal, dual };
}
