// What gradient flows by clouds share, whatever drives their particles: draws, numbers of a step, the course between steps.
//   between two steps   Y(t) = (1 − s) Yⁿ + s Yⁿ⁺¹,   t = (1 − s) tⁿ + s tⁿ⁺¹
//   a step              I = E|v|²,  mean and largest |v|
// New points follow the solver's own step; particles are where they were.
// Reference: Gu et al. 2024 (key gu2024lipschitz).
import { criticTerms, type GradientFlow, type Law } from "../../problems/index.js";
import { demand } from "../../src/error.js";
import type { Domain } from "../../src/grid/index.js";
import { type Cloud, cloud, densityOfFunction, sampleDensity, weightOf } from "../../src/measure/index.js";
import type { Problem } from "../../src/problem.js";
import type { Generator } from "../../src/random/index.js";
import type { Trajectories, TrajectoryOptions } from "../../src/solution/index.js";

/** Why a problem is none for clouds driven by a Lipschitz critic; `null` when it is one. */
export function refusalForClouds(problem: Problem): string | null {
  if (problem.kind !== "gradient-flow")
    return `it solves gradient flows, not ${problem.kind}; use a solver of that family`;
  const { energy, initial, domain } = problem as GradientFlow;
  if (energy.divergence === null && energy.transport?.order !== 1)
    return "the energy is neither a Lipschitz-regularised divergence nor W₁; use a grid solver";
  if (!domain.isPlain || domain.ends.some((e) => e === "periodic"))
    return "particles go through obstacles and not round periodic axes; use lipschitzFlow()";
  const { target } = criticTerms(energy);
  for (const [name, law] of [
    ["initial law", initial],
    ["target", target],
  ] as const)
    if (law.distribution === null && (law.density === null || domain.dimension > 3))
      return `the ${name} ${law.text} cannot be sampled; give a distribution`;
  return null;
}

/** Draws from a law; one that only has a density is drawn from on fine cells of the domain. */
export function freshDraws({ distribution, density }: Law, domain: Domain, count: number, random: Generator): Cloud {
  if (distribution !== null) return distribution.sample(count, random);
  if (density === null) throw new Error("freshDraws: refusalForClouds lets no such law pass");
  return sampleDensity(
    densityOfFunction(domain, (x) => density.evaluate(0, x)),
    count,
    random,
  );
}

/** All data, or `count` draws (200 where `null`). */
export function drawCloud(law: Law, domain: Domain, count: number | null, random: Generator): Cloud {
  const data = law.distribution?.data ?? null;
  if (data !== null && (count === null || count === data.count)) return data;
  return freshDraws(law, domain, count ?? 200, random);
}

/** Whether W₂ between two clouds is an assignment, or a matter of sorting. */
export function areComparable(a: Cloud, b: Cloud): boolean {
  return a.dimension === 1 || (a.count === b.count && a.weights === null && b.weights === null);
}

/** I = E|∇φ|² and the mean and largest |∇φ| of a cloud; `gradient` is row-major. */
export function speedsOf(here: Cloud, gradient: Float64Array): { dissipation: number; mean: number; largest: number } {
  const d = here.dimension;
  let dissipation = 0;
  let mean = 0;
  let largest = 0;
  for (let i = 0; i < here.count; i++) {
    let square = 0;
    for (let a = 0; a < d; a++) square += gradient[i * d + a] ** 2;
    dissipation += weightOf(here, i) * square;
    mean += weightOf(here, i) * Math.sqrt(square);
    largest = Math.max(largest, Math.sqrt(square));
  }
  return { dissipation, mean, largest };
}

/** The steps that a march has made. */
export interface CloudMarch {
  /** Times and clouds of the steps made, the start included. */
  readonly times: Float64Array;
  readonly clouds: readonly Cloud[];
  /** Points at times[k], moved to times[k + 1] as the particles were. */
  advance(k: number, points: Float64Array): Float64Array;
  /** More starting points than there are particles. */
  draw(count: number, seed: number): Cloud;
  /** Seed of those; the solution's. */
  readonly seed: number;
}

/** `stepAt(t)` is the step n and the share s ∈ [0, 1) of it; `density` and `trajectories` are the solution's. */
export function cloudCourse(
  where: string,
  march: CloudMarch,
): {
  stepAt(t: number): { n: number; s: number };
  density(t: number): Cloud;
  trajectories(request?: TrajectoryOptions): Trajectories;
} {
  const { times, clouds, advance, draw, seed: ownSeed } = march;
  const { count, dimension: d, weights } = clouds[0];
  const reached = times.length - 1;
  const last = times[reached];
  const stepAt = (t: number): { n: number; s: number } => {
    demand(t >= 0 && t <= last, "solution", "t", `lie in [0, ${last}]`, t, "Ask for a time between start and horizon");
    let n = reached;
    while (n > 0 && times[n] > t) n--;
    return { n, s: n === reached ? 0 : (t - times[n]) / (times[n + 1] - times[n]) };
  };
  return {
    stepAt,
    density(t) {
      const { n, s } = stepAt(t);
      return s === 0 ? clouds[n] : cloud(partway(clouds[n].points, clouds[n + 1].points, s), d, weights);
    },
    trajectories(request = {}) {
      const { steps: stored = 20 } = request;
      demand(Number.isInteger(stored) && stored >= 1, where, "steps", "be an integer ≥ 1", stored, "Use steps: 20");
      const own = request.count ?? count;
      demand(
        Number.isInteger(own) && own >= 1,
        where,
        "count",
        "be an integer ≥ 1",
        own,
        "Leave it out for the whole cloud",
      );
      const start = request.start ?? (own > count ? draw(own, request.seed ?? ownSeed) : null);
      const n = start?.count ?? own;
      demand(
        start === null || start.dimension === d,
        where,
        "start",
        `have the problem's dimension ${d}`,
        start?.dimension,
        "Give points of the same space",
      );
      let path: readonly Float64Array[];
      if (start === null) path = clouds.map((c) => c.points.slice(0, n * d));
      else {
        const places = [start.points];
        for (let k = 0; k < reached; k++) places.push(advance(k, places[k]));
        path = places;
      }
      const out = Float64Array.from({ length: stored + 1 }, (_, k) => (k === stored ? last : (k * last) / stored));
      const positions = new Float64Array((stored + 1) * n * d);
      out.forEach((t, k) => {
        const { n: m, s } = stepAt(t);
        positions.set(s === 0 ? path[m] : partway(path[m], path[m + 1], s), k * n * d);
      });
      return {
        count: n,
        dimension: d,
        times: out,
        positions,
        weights: start === null ? part(weights, n) : start.weights,
      };
    },
  };
}

/** Weights of the first n points, sum 1. */
function part(weights: Float64Array | null, n: number): Float64Array | null {
  if (weights === null || n === weights.length) return weights;
  const own = weights.slice(0, n);
  const total = own.reduce((sum, w) => sum + w, 0);
  return own.map((w) => w / total);
}

function partway(from: Float64Array, to: Float64Array, s: number): Float64Array {
  return from.map((x, i) => (1 - s) * x + s * to[i]);
}
