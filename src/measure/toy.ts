// The planar laws on which generative flows are shown, with their densities.
//   twoMoons, circles, spirals, swissRoll   Σ_k w_k ∫ N(x; γ_k(s), σ²I) p_k(s) ds: noise about arcs; the integral by composite
//                                           Gauss–Legendre with panels of length ≤ 2σ and 8 nodes (error below 1e-10 relative)
//   pinwheel       f ~ N((1,0), diag(σ_r², σ_t²)) turned by −(2πk/K + rate·e^{f₁}); the turn keeps |f|, so the density is the sum over
//                  the angles β of f on the circle |f| = |x| of N(f)/|1 + rate·e^{f₁} f₂|
//   eightGaussians a mixture on a circle;  checkerboard  uniform on the black squares
// Parameters: two moons and pinwheel as in Gu, Katsoulakis, Rey-Bellet, Zhang 2024 (key gu2024proximal); the others as in
// Grathwohl et al. 2019, FFJORD (key grathwohl2019ffjord), spirals with Gaussian noise only.
import { demand } from "../error.js";
import { cloud } from "./cloud.js";
import { type Distribution, gaussianMixture, gaussianReach } from "./distribution.js";

interface Arc {
  readonly weight: number;
  /** γ(s), s ∈ [0, 1]. */
  point(s: number): readonly [number, number];
  /** Density p(s) on [0, 1] and its quantile function. */
  density(s: number): number;
  quantile(u: number): number;
}

const even = { density: () => 1, quantile: (u: number) => u };

// Gauss–Legendre, 8 nodes: positive half.
const NODES = [0.1834346424956498, 0.525532409916329, 0.7966664774136267, 0.9602898564975363];
const WEIGHTS = [0.362683783378362, 0.3137066458778873, 0.2223810344533745, 0.1012285362903763];

/** Most panels of the quadrature along one arc. */
const MOST_PANELS = 2 ** 16;

/** Noise of standard deviation σ about arcs in the plane; σ = 0 gives the singular law on the arcs. */
function noisyArcs(
  name: string,
  arcs: readonly Arc[],
  noise: number,
  parameters: Record<string, unknown>,
): Distribution {
  demand(
    noise >= 0 && Number.isFinite(noise),
    name,
    "noise",
    "be finite and ≥ 0",
    parameters.noise,
    "Use noise: 0.05 to start",
  );
  const xs: number[] = [];
  const ys: number[] = [];
  const logWeights: number[] = [];
  const mean = new Float64Array(2);
  const second = new Float64Array(4);
  const lower = new Float64Array(2).fill(Infinity);
  const upper = new Float64Array(2).fill(-Infinity);
  const include = (x: number, y: number): void => {
    lower[0] = Math.min(lower[0], x);
    lower[1] = Math.min(lower[1], y);
    upper[0] = Math.max(upper[0], x);
    upper[1] = Math.max(upper[1], y);
  };
  for (const arc of arcs) {
    let longest = 0;
    for (let i = 0; i < 256; i++) {
      const [x0, y0] = arc.point(i / 256);
      const [x1, y1] = arc.point((i + 1) / 256);
      longest = Math.max(longest, 256 * Math.hypot(x1 - x0, y1 - y0));
      include(x0, y0);
      include(x1, y1);
    }
    const panels = Math.max(32, noise > 0 ? Math.ceil(longest / (2 * noise)) : 0);
    demand(
      panels <= MOST_PANELS,
      name,
      "noise",
      `be 0, or large enough for ${MOST_PANELS} panels of two standard deviations along an arc`,
      parameters.noise,
      "Use noise: 0 for the law on the arcs",
    );
    for (let p = 0; p < panels; p++) {
      for (let k = 0; k < 8; k++) {
        const s = (p + 0.5 + 0.5 * (k < 4 ? -NODES[k] : NODES[k - 4])) / panels;
        const [x, y] = arc.point(s);
        const w = (arc.weight * arc.density(s) * 0.5 * WEIGHTS[k % 4]) / panels;
        xs.push(x);
        ys.push(y);
        logWeights.push(Math.log(w));
        mean[0] += w * x;
        mean[1] += w * y;
        second[0] += w * x * x;
        second[1] += w * x * y;
        second[3] += w * y * y;
      }
    }
  }
  const covariance = Float64Array.of(
    second[0] - mean[0] ** 2 + noise ** 2,
    second[1] - mean[0] * mean[1],
    second[1] - mean[0] * mean[1],
    second[3] - mean[1] ** 2 + noise ** 2,
  );
  const reach = gaussianReach(2) * noise;
  const terms = new Float64Array(xs.length);
  return {
    name,
    dimension: 2,
    singular: noise === 0,
    mean,
    covariance,
    box: { lower: lower.map((x) => x - reach), upper: upper.map((x) => x + reach) },
    sample(count, generator) {
      const which = generator.uniform(count);
      const along = generator.uniform(count);
      const out = generator.normal(2 * count);
      for (let i = 0; i < count; i++) {
        let k = 0;
        let below = 0;
        while (k < arcs.length - 1 && which[i] >= below + arcs[k].weight) below += arcs[k++].weight;
        const [x, y] = arcs[k].point(arcs[k].quantile(along[i]));
        out[2 * i] = x + noise * out[2 * i];
        out[2 * i + 1] = y + noise * out[2 * i + 1];
      }
      return cloud(out, 2);
    },
    logDensity:
      noise === 0
        ? null
        : (points) => {
            const half = 0.5 / noise ** 2;
            const norm = -Math.log(2 * Math.PI * noise ** 2);
            const out = new Float64Array(points.length / 2);
            for (let i = 0; i < out.length; i++) {
              let top = -Infinity;
              for (let k = 0; k < terms.length; k++) {
                const dx = points[2 * i] - xs[k];
                const dy = points[2 * i + 1] - ys[k];
                terms[k] = logWeights[k] - half * (dx * dx + dy * dy);
                if (terms[k] > top) top = terms[k];
              }
              let sum = 0;
              for (let k = 0; k < terms.length; k++) if (terms[k] > top - 40) sum += Math.exp(terms[k] - top);
              out[i] = norm + top + Math.log(sum);
            }
            return out;
          },
    data: null,
    description: { kind: name, ...parameters },
  };
}

/**
 * Two interleaving half circles with noise: (cos θ, sin θ) and (1 − cos θ, ½ − sin θ), θ ~ U(0, π), shifted and scaled.
 *
 * @param options noise σ before scaling (default 0.05); shift subtracted (default (0.5, 0.2)); scale (default 4.2)
 * @returns the law; density by quadrature, moments to rounding; `noise: 0` gives the singular law on the arcs
 *
 * *References*: gu2024proximal
 */
export function twoMoons(
  options: { readonly noise?: number; readonly shift?: readonly [number, number]; readonly scale?: number } = {},
): Distribution {
  const { noise = 0.05, shift = [0.5, 0.2], scale = 4.2 } = options;
  demandScale("two-moons", scale);
  demand(shift.every(Number.isFinite), "two-moons", "shift", "be finite", shift, "Use shift: [0.5, 0.2]");
  const place = (x: number, y: number): [number, number] => [scale * (x - shift[0]), scale * (y - shift[1])];
  return noisyArcs(
    "two-moons",
    [
      { weight: 0.5, ...even, point: (s) => place(Math.cos(Math.PI * s), Math.sin(Math.PI * s)) },
      { weight: 0.5, ...even, point: (s) => place(1 - Math.cos(Math.PI * s), 0.5 - Math.sin(Math.PI * s)) },
    ],
    scale * noise,
    { noise, shift, scale },
  );
}

/**
 * Two concentric circles with noise.
 *
 * @param options noise before scaling (default 0.08); factor: inner radius over outer (default 0.5); scale (default 3)
 *
 * *References*: grathwohl2019ffjord
 */
export function circles(
  options: { readonly noise?: number; readonly factor?: number; readonly scale?: number } = {},
): Distribution {
  const { noise = 0.08, factor = 0.5, scale = 3 } = options;
  demandScale("circles", scale);
  demand(factor > 0 && factor < 1, "circles", "factor", "be in (0, 1)", factor, "Use factor: 0.5 to start");
  const ring = (radius: number): Arc => ({
    weight: 0.5,
    ...even,
    point: (s) => [radius * Math.cos(2 * Math.PI * s), radius * Math.sin(2 * Math.PI * s)],
  });
  return noisyArcs("circles", [ring(scale), ring(scale * factor)], scale * noise, { noise, factor, scale });
}

/**
 * Two spiral arms, ±θ(−cos θ, sin θ)/3 with θ = 2π·turns·√u, u ~ U(0, 1), and Gaussian noise.
 *
 * @param options noise (default 0.1); turns (default 1.5)
 *
 * *References*: grathwohl2019ffjord
 */
export function spirals(options: { readonly noise?: number; readonly turns?: number } = {}): Distribution {
  const { noise = 0.1, turns = 1.5 } = options;
  demand(
    turns > 0 && Number.isFinite(turns),
    "spirals",
    "turns",
    "be finite and > 0",
    turns,
    "Use turns: 1.5 to start",
  );
  const arm = (sign: number): Arc => ({
    weight: 0.5,
    density: (s) => 2 * s,
    quantile: Math.sqrt,
    point: (s) => {
      const angle = 2 * Math.PI * turns * s;
      return [(-sign * angle * Math.cos(angle)) / 3, (sign * angle * Math.sin(angle)) / 3];
    },
  });
  return noisyArcs("spirals", [arm(1), arm(-1)], noise, { noise, turns });
}

/**
 * The planar Swiss roll: (θ cos θ, θ sin θ) with θ ~ U(1.5π, 4.5π), noise, then scaled.
 *
 * @param options noise before scaling (default 1); scale (default 1/5)
 *
 * *References*: grathwohl2019ffjord
 */
export function swissRoll(options: { readonly noise?: number; readonly scale?: number } = {}): Distribution {
  const { noise = 1, scale = 0.2 } = options;
  demandScale("swiss-roll", scale);
  const roll: Arc = {
    weight: 1,
    ...even,
    point: (s) => {
      const angle = 1.5 * Math.PI * (1 + 2 * s);
      return [scale * angle * Math.cos(angle), scale * angle * Math.sin(angle)];
    },
  };
  return noisyArcs("swiss-roll", [roll], scale * noise, { noise, scale });
}

/**
 * Eight equal Gaussians on a circle.
 *
 * @param options radius (default 2√2) and sd of each (default √2/4)
 *
 * *References*: grathwohl2019ffjord
 */
export function eightGaussians(options: { readonly radius?: number; readonly sd?: number } = {}): Distribution {
  const { radius = 2 * Math.SQRT2, sd = Math.SQRT2 / 4 } = options;
  demand(
    radius > 0 && Number.isFinite(radius),
    "eight-gaussians",
    "radius",
    "be finite and > 0",
    radius,
    "Leave it out for 2√2",
  );
  const components = Array.from({ length: 8 }, (_, k) => ({
    weight: 1 / 8,
    mean: [radius * Math.cos((Math.PI * k) / 4), radius * Math.sin((Math.PI * k) / 4)],
    sd,
  }));
  return {
    ...gaussianMixture({ name: "eight-gaussians", components }),
    description: { kind: "eight-gaussians", radius, sd },
  };
}

/**
 * Uniform on the black squares of a checkerboard on [−halfWidth, halfWidth]²; the lower-left square is black.
 *
 * @param options squares a side (default 4, an integer ≥ 2); halfWidth (default 4)
 *
 * *References*: grathwohl2019ffjord
 */
export function checkerboard(options: { readonly squares?: number; readonly halfWidth?: number } = {}): Distribution {
  const { squares = 4, halfWidth = 4 } = options;
  const where = "checkerboard";
  demand(Number.isInteger(squares) && squares >= 2, where, "squares", "be an integer ≥ 2", squares, "Use squares: 4");
  demand(
    halfWidth > 0 && Number.isFinite(halfWidth),
    where,
    "halfWidth",
    "be finite and > 0",
    halfWidth,
    "Use halfWidth: 4",
  );
  const side = (2 * halfWidth) / squares;
  const corners: [number, number][] = [];
  for (let i = 0; i < squares; i++)
    for (let j = i % 2; j < squares; j += 2) corners.push([side * i - halfWidth, side * j - halfWidth]);
  const n = corners.length;
  const mean = new Float64Array(2);
  const covariance = Float64Array.of(side ** 2 / 12, 0, 0, side ** 2 / 12);
  for (const c of corners) for (let a = 0; a < 2; a++) mean[a] += (c[a] + side / 2) / n;
  for (const c of corners)
    for (let a = 0; a < 2; a++)
      for (let b = 0; b < 2; b++)
        covariance[2 * a + b] += ((c[a] + side / 2 - mean[a]) * (c[b] + side / 2 - mean[b])) / n;
  return {
    name: "checkerboard",
    dimension: 2,
    singular: false,
    mean,
    covariance,
    box: { lower: new Float64Array(2).fill(-halfWidth), upper: new Float64Array(2).fill(halfWidth) },
    sample(count, generator) {
      const which = generator.integer(count, n);
      const out = generator.uniform(2 * count);
      for (let i = 0; i < out.length; i++) out[i] = corners[which[i >> 1]][i % 2] + side * out[i];
      return cloud(out, 2);
    },
    logDensity: (points) => {
      const inside = -Math.log(n * side * side);
      return Float64Array.from({ length: points.length / 2 }, (_, i) => {
        const a = Math.floor((points[2 * i] + halfWidth) / side);
        const b = Math.floor((points[2 * i + 1] + halfWidth) / side);
        return a >= 0 && b >= 0 && a < squares && b < squares && (a + b) % 2 === 0 ? inside : -Infinity;
      });
    },
    data: null,
    description: { kind: "checkerboard", squares, halfWidth },
  };
}

/**
 * A pinwheel: Gaussian arms about radius 1, sheared by an angle that grows as rate·e^{f₁}.
 *
 * @param options arms (default 5, an integer ≥ 3), radialSd (0.3), tangentialSd (0.1), rate (0.25), scale (1.4)
 * @returns the law; the density is exact (roots by bisection)
 *
 * *Notes*: where the shear folds the plane (|f₂| > e^{−f₁}/rate, beyond ten tangential sd at the defaults) the density has integrable
 * singularities of negligible mass.
 *
 * *References*: gu2024proximal
 */
export function pinwheel(
  options: {
    readonly arms?: number;
    readonly radialSd?: number;
    readonly tangentialSd?: number;
    readonly rate?: number;
    readonly scale?: number;
  } = {},
): Distribution {
  const { arms = 5, radialSd = 0.3, tangentialSd = 0.1, rate = 0.25, scale = 1.4 } = options;
  const where = "pinwheel";
  demand(Number.isInteger(arms) && arms >= 3, where, "arms", "be an integer ≥ 3", arms, "Use arms: 5");
  const sd = [radialSd, tangentialSd];
  demand(
    sd.every((s) => s > 0 && Number.isFinite(s)),
    where,
    "sd",
    "be finite and > 0",
    sd,
    "Use 0.3 and 0.1",
  );
  demand(Number.isFinite(rate), where, "rate", "be finite", rate, "Use rate: 0.25");
  demandScale(where, scale);
  const sector = (2 * Math.PI) / arms;
  const variance = (scale ** 2 * (1 + radialSd ** 2 + tangentialSd ** 2)) / 2;
  const reach = gaussianReach(2);
  const extent = scale * Math.hypot(1 + reach * radialSd, reach * tangentialSd);
  const steps = 512;
  const logNorm = -Math.log(2 * Math.PI * radialSd * tangentialSd * arms * scale * scale);
  const density = (x: number, y: number): number => {
    const r = Math.hypot(x, y) / scale;
    const angle = Math.atan2(y, x);
    // f = r(cos β, sin β) lies on an arm through x when G(β) = β − rate·e^{r cos β} − angle is a multiple of the sector.
    const turn = (beta: number): number => (beta - rate * Math.exp(r * Math.cos(beta)) - angle) / sector;
    let total = 0;
    let left = turn(-Math.PI);
    for (let i = 0; i < steps; i++) {
      const a = -Math.PI + (2 * Math.PI * i) / steps;
      const b = -Math.PI + (2 * Math.PI * (i + 1)) / steps;
      const right = turn(b);
      const first = Math.floor(Math.min(left, right)) + 1;
      const last = Math.floor(Math.max(left, right));
      for (let level = first; level <= last; level++) {
        const beta = root((t) => turn(t) - level, a, b);
        const f1 = r * Math.cos(beta);
        const f2 = r * Math.sin(beta);
        const exponent = -0.5 * (((f1 - 1) / radialSd) ** 2 + (f2 / tangentialSd) ** 2);
        if (exponent > -745) total += Math.exp(exponent) / Math.abs(1 + rate * Math.exp(f1) * f2);
      }
      left = right;
    }
    return logNorm + Math.log(total);
  };
  return {
    name: "pinwheel",
    dimension: 2,
    singular: false,
    mean: new Float64Array(2),
    covariance: Float64Array.of(variance, 0, 0, variance),
    box: { lower: new Float64Array(2).fill(-extent), upper: new Float64Array(2).fill(extent) },
    sample(count, generator) {
      const arm = generator.integer(count, arms);
      const out = generator.normal(2 * count);
      for (let i = 0; i < count; i++) {
        const f1 = 1 + radialSd * out[2 * i];
        const f2 = tangentialSd * out[2 * i + 1];
        const angle = sector * arm[i] + rate * Math.exp(f1);
        out[2 * i] = scale * (f1 * Math.cos(angle) + f2 * Math.sin(angle));
        out[2 * i + 1] = scale * (f2 * Math.cos(angle) - f1 * Math.sin(angle));
      }
      return cloud(out, 2);
    },
    logDensity: (points) =>
      Float64Array.from({ length: points.length / 2 }, (_, i) => density(points[2 * i], points[2 * i + 1])),
    data: null,
    description: { kind: "pinwheel", arms, radialSd, tangentialSd, rate, scale },
  };
}

/** The sign change of g on [a, b], by bisection to rounding. */
function root(g: (t: number) => number, a: number, b: number): number {
  let low = a;
  let high = b;
  const rising = g(high) >= g(low);
  for (let k = 0; k < 60; k++) {
    const middle = 0.5 * (low + high);
    if (g(middle) >= 0 === rising) high = middle;
    else low = middle;
  }
  return 0.5 * (low + high);
}

function demandScale(where: string, scale: number): void {
  demand(
    scale > 0 && Number.isFinite(scale),
    where,
    "scale",
    "be finite and > 0",
    scale,
    "Leave it out for the default",
  );
}
