// Laws of a discriminator: a function that computes the Lipschitz-regularised divergence D^L = D_f^L(P‖Q) of two clouds.
//   sign        D ≥ 0, D^L(Q‖Q) = 0, and D > 0 for P ≠ Q
//   in L        nondecreasing and concave;  D ≤ L W₁ and D ≤ D_f
//   L → 0       D = L W₁ − (L²/2) Var_Q(φ₁)/f″(1) + O(L³), φ₁ Kantorovich's potential of W₁ (of least variance where there are several)
//   L → ∞       D = D_f on common support, as soon as L ≥ max |f′(rᵢ) − f′(rⱼ)|/|xᵢ − xⱼ|, r = dP/dQ
//   scaling     of space:  D^L((a·)#P‖(a·)#Q) = D^{aL}(P‖Q), because φ ↦ φ(a·) turns slopes L into aL. (Masses times a would give a D^L.)
//   processing  D^L(T#P‖T#Q) ≤ D^{Lip(T)L}(P‖Q), because φ∘T has slopes ≤ Lip(T) L
// Reference: Birrell et al. 2022 (key birrell2022fgamma).
import {
  type Cloud,
  cloud,
  type Divergence,
  diagonalOf,
  plainTransport,
  wasserstein1,
  weightOf,
} from "../measure/index.js";
import { linearCost, semiRelaxedTransport } from "../transport/index.js";
import type { Law } from "./law.js";

/** D_f^L(P‖Q) of two clouds; it throws a UsageError where it cannot be asked. */
export type Discriminator = (
  source: Cloud,
  target: Cloud,
  divergence: Divergence,
  lipschitz: number,
) => number | Promise<number>;

/** A discriminator and what it is asked about. */
export interface DiscriminatorCase {
  readonly discriminator: Discriminator;
  readonly source: Cloud;
  readonly target: Cloud;
  /** f; not plain transport. */
  readonly divergence: Divergence;
  /** L > 0. */
  readonly lipschitz: number;
}

/** A map of points with its Lipschitz constant. */
export interface LipschitzMap {
  readonly text: string;
  readonly lipschitz: number;
  apply(points: Float64Array): Float64Array;
}

/** Bounds of the laws. */
export interface DiscriminatorBounds {
  /** What the discriminator itself may be off by, relative to D's largest value in the law; default 1e-6. */
  readonly accuracy: number | null;
  /** W₁ − D/L relative to its largest possible value L diam²/(8 f″(1)) for small L ≤; default 1.1. */
  readonly smallSlope: number | null;
  /** Relative error of the second-order term ≤; default 0.1. */
  readonly secondOrder: number | null;
}

const SAMPLE_MAP: LipschitzMap = { text: "sin", lipschitz: 1, apply: (x) => x.map(Math.sin) };

/**
 * The laws of a discriminator; see the head of this file.
 *
 * @param bounds replaces single bounds; raise `accuracy` to the tolerance of an iterative discriminator
 * @param map T of data processing; default the sine of each coordinate, Lip(T) = 1
 *
 * *References*: birrell2022fgamma
 */
export function discriminatorLaws(
  bounds: Partial<DiscriminatorBounds> = {},
  map: LipschitzMap = SAMPLE_MAP,
): readonly Law<DiscriminatorCase>[] {
  const { accuracy = 1e-6, smallSlope = 1.1, secondOrder = 0.1 } = bounds;
  return [
    zeroOnEqualLaws(accuracy),
    positiveOnOthers(),
    nondecreasingInL(accuracy),
    concaveInL(accuracy),
    belowTransport(accuracy),
    belowDivergence(accuracy),
    smallLipschitz(smallSlope),
    secondOrderInL(secondOrder),
    largeLipschitz(accuracy),
    spaceScaling(accuracy),
    dataProcessing(map, accuracy),
  ];
}

type Measure = (of: (lipschitz: number) => Promise<number>, subject: DiscriminatorCase) => Promise<number | string>;

/** A law of D as a function of L alone. */
function law(
  name: string,
  statement: string,
  relation: "≤" | "≥",
  bound: number | null,
  measure: Measure,
): Law<DiscriminatorCase> {
  return {
    name,
    statement,
    relation,
    bound,
    measure: async (subject) => {
      const { discriminator, source, target, divergence } = subject;
      const value = await measure(async (L) => discriminator(source, target, divergence, L), subject);
      return typeof value === "string" ? value : { value, standardError: null };
    },
  };
}

/** W₁ of any two weighted clouds. */
async function transportCost({ source, target }: DiscriminatorCase): Promise<number> {
  if (source.dimension === 1) return wasserstein1(source, target);
  const { objective } = await semiRelaxedTransport({
    source,
    target,
    cost: linearCost(1),
    divergence: plainTransport(),
  });
  return objective.dual as number;
}

/** 1/f″(1) = (f*)″(f′(1)). */
function curvatureOf({ f }: Divergence): number {
  const e = 1e-4;
  return (e * e) / (f(1 + e) - 2 * f(1) + f(1 - e));
}

/** P and Q as masses p and q of common atoms. */
function atoms({ source, target }: DiscriminatorCase): {
  readonly points: readonly (readonly number[])[];
  readonly p: number[];
  readonly q: number[];
} {
  const d = source.dimension;
  const place = new Map<string, number>();
  const points: number[][] = [];
  const p: number[] = [];
  const q: number[] = [];
  for (const [c, mass] of [
    [source, p],
    [target, q],
  ] as const)
    for (let i = 0; i < c.count; i++) {
      const x = Array.from(c.points.subarray(i * d, (i + 1) * d));
      const key = x.join(" ");
      let at = place.get(key);
      if (at === undefined) {
        at = points.length;
        place.set(key, at);
        points.push(x);
        p.push(0);
        q.push(0);
      }
      mass[at] += weightOf(c, i);
    }
  return { points, p, q };
}

/** D_f(P‖Q); ∞ unless P ≪ Q. */
function plainDivergence(subject: DiscriminatorCase): number {
  const { p, q } = atoms(subject);
  let sum = 0;
  for (let i = 0; i < p.length; i++) {
    if (q[i] > 0) sum += q[i] * subject.divergence.f(p[i] / q[i]);
    else if (p[i] > 0) return Infinity;
  }
  return sum;
}

const sameLaw = "P = Q";

/** D^L(P‖P) = D^L(Q‖Q) = 0. */
export function zeroOnEqualLaws(bound: number | null): Law<DiscriminatorCase> {
  return law("zero on equal laws", "max(|D(P‖P)|, |D(Q‖Q)|) / max(1, L diam)", "≤", bound, async (_, subject) => {
    const { discriminator, source, target, divergence, lipschitz: L } = subject;
    const own = await discriminator(source, source, divergence, L);
    const other = await discriminator(target, target, divergence, L);
    return Math.max(Math.abs(own), Math.abs(other)) / Math.max(1, L * diagonalOf(subject.source, subject.target));
  });
}

/** D^L(P‖Q) > 0 unless P = Q; at L = 1/diam it is of the order of L W₁. */
export function positiveOnOthers(): Law<DiscriminatorCase> {
  return law("positive on others", "D / (L W₁) at L = 1/diam, P ≠ Q", "≥", 1e-3, async (of, subject) => {
    const cost = await transportCost(subject);
    const L = 1 / diagonalOf(subject.source, subject.target);
    // Pairs this close cannot be told from equal ones by the accuracy of a discriminator.
    return L * cost > 1e-3 ? (await of(L)) / (L * cost) : "P and Q are within 1e-3 of the diameter of each other";
  });
}

/** L/4, L/2, L, 2L, 4L. */
const ladder = async (of: (L: number) => Promise<number>, L: number): Promise<number[]> => {
  const values: number[] = [];
  for (const share of [0.25, 0.5, 1, 2, 4]) values.push(await of(share * L));
  return values;
};

/** D^L does not fall in L. */
export function nondecreasingInL(bound: number | null): Law<DiscriminatorCase> {
  return law(
    "nondecreasing in L",
    "max of D^l − D^{2l} over l = L/4 … 2L, / max(1, D^{4L})",
    "≤",
    bound,
    async (of, s) => {
      const values = await ladder(of, s.lipschitz);
      const falls = values.slice(1).map((v, k) => values[k] - v);
      return Math.max(...falls) / Math.max(1, values[4]);
    },
  );
}

/** D^L lies above its chords, that of D^0 = 0 among them. */
export function concaveInL(bound: number | null): Law<DiscriminatorCase> {
  return law("concave in L", "max of chord − D^l over l = L/4 … 2L, / max(1, D^{4L})", "≤", bound, async (of, s) => {
    const values = [0, ...(await ladder(of, s.lipschitz))];
    const at = [0, 0.25, 0.5, 1, 2, 4];
    let worst = -Infinity;
    for (let k = 1; k < 5; k++) {
      const share = (at[k] - at[k - 1]) / (at[k + 1] - at[k - 1]);
      worst = Math.max(worst, (1 - share) * values[k - 1] + share * values[k + 1] - values[k]);
    }
    return worst / Math.max(1, values[5]);
  });
}

/** D ≤ L W₁. */
export function belowTransport(bound: number | null): Law<DiscriminatorCase> {
  return law("D ≤ L W₁", "(D − L W₁) / max(1, L W₁)", "≤", bound, async (of, subject) => {
    const cost = subject.lipschitz * (await transportCost(subject));
    return ((await of(subject.lipschitz)) - cost) / Math.max(1, cost);
  });
}

/** D ≤ D_f, where that is finite. */
export function belowDivergence(bound: number | null): Law<DiscriminatorCase> {
  return law("D ≤ D_f", "(D − D_f) / max(1, D_f)", "≤", bound, async (of, subject) => {
    const whole = plainDivergence(subject);
    if (whole === Infinity) return "D_f is infinite: P holds atoms that Q does not, or f grows too fast";
    return ((await of(subject.lipschitz)) - whole) / Math.max(1, whole);
  });
}

/** L × diameter at which L counts as small. */
const SMALL = 0.05;

/** D/L → W₁: the difference is at most L diam²/(8 f″(1)) (Hoeffding) in the limit. */
export function smallLipschitz(bound: number | null): Law<DiscriminatorCase> {
  return law("D/L → W₁", "|W₁ − D/L| / (L diam²/(8 f″(1))) at L = 0.05/diam", "≤", bound, async (of, subject) => {
    const wide = diagonalOf(subject.source, subject.target);
    if (wide === 0) return sameLaw;
    const L = SMALL / wide;
    const miss = Math.abs((await transportCost(subject)) - (await of(L)) / L);
    return miss / ((curvatureOf(subject.divergence) * L * wide * wide) / 8);
  });
}

/** The second term in L, on the line where Kantorovich's potential is unique. */
export function secondOrderInL(bound: number | null): Law<DiscriminatorCase> {
  const statement = "|(W₁ − D/L) / (½ L Var_Q(φ₁)/f″(1)) − 1| at L = 0.05/diam";
  return law("second order in L", statement, "≤", bound, async (of, subject) => {
    if (subject.source.dimension !== 1) return "φ₁ is known in closed form on the line only";
    const { points, p, q } = atoms(subject);
    const order = points.map((_, i) => i).sort((i, j) => points[i][0] - points[j][0]);
    let phi = 0;
    let excess = 0;
    let first = 0;
    let second = 0;
    for (const [k, i] of order.entries()) {
      if (k > 0) {
        // φ₁ rises where mass of P must move down.
        if (Math.abs(excess) < SMALL)
          return "F_P is close to F_Q between two points, where Kantorovich's potential is free before L is small";
        phi -= Math.sign(excess) * (points[i][0] - points[order[k - 1]][0]);
      }
      excess += p[i] - q[i];
      first += q[i] * phi;
      second += q[i] * phi * phi;
    }
    const variance = second - first * first;
    const wide = diagonalOf(subject.source, subject.target);
    if (variance <= 1e-3 * wide * wide) return "φ₁ hardly varies on Q";
    const L = SMALL / wide;
    const miss = wasserstein1(subject.source, subject.target) - (await of(L)) / L;
    return Math.abs(miss / (0.5 * L * curvatureOf(subject.divergence) * variance) - 1);
  });
}

/** D = D_f for large L on common support. */
export function largeLipschitz(bound: number | null): Law<DiscriminatorCase> {
  const statement = "|D^L − D_f| / max(1, D_f) at L = max |f′(rᵢ) − f′(rⱼ)|/|xᵢ − xⱼ|";
  return law("D → D_f", statement, "≤", bound, async (of, subject) => {
    const { points, p, q } = atoms(subject);
    if (p.some((v, i) => v === 0 || q[i] === 0))
      return "P and Q have no common support: D_f is a limit only, or infinite";
    const { f } = subject.divergence;
    const e = 1e-5;
    const slopes = p.map((v, i) => {
      const r = v / q[i];
      return (f(r * (1 + e)) - f(r * (1 - e))) / (2 * e * r);
    });
    let L = 0;
    for (let i = 0; i < points.length; i++)
      for (let j = 0; j < i; j++) {
        const way = Math.hypot(...points[i].map((x, a) => x - points[j][a]));
        L = Math.max(L, Math.abs(slopes[i] - slopes[j]) / way);
      }
    if (L === 0) return sameLaw;
    const whole = plainDivergence(subject);
    return Math.abs((await of(1.01 * L)) - whole) / Math.max(1, whole);
  });
}

/** Space twice as wide is a bound twice as loose. */
export function spaceScaling(bound: number | null): Law<DiscriminatorCase> {
  const statement = "|D^L((2·)#P‖(2·)#Q) − D^{2L}(P‖Q)| / max(1, D^{2L})";
  return law("scaling of space", statement, "≤", bound, async (of, subject) => {
    const { discriminator, source, target, divergence, lipschitz: L } = subject;
    const double = (c: Cloud) =>
      cloud(
        c.points.map((x) => 2 * x),
        c.dimension,
        c.weights,
      );
    const wide = await discriminator(double(source), double(target), divergence, L);
    const loose = await of(2 * L);
    return Math.abs(wide - loose) / Math.max(1, loose);
  });
}

/** D^L(T#P‖T#Q) ≤ D^{Lip(T)L}(P‖Q). */
export function dataProcessing(map: LipschitzMap, bound: number | null): Law<DiscriminatorCase> {
  const statement = `(D^L(T#P‖T#Q) − D^{${map.lipschitz} L}(P‖Q)) / max(1, D), T = ${map.text}`;
  return law("data processing", statement, "≤", bound, async (of, subject) => {
    const { discriminator, source, target, divergence, lipschitz: L } = subject;
    const image = (c: Cloud) => cloud(map.apply(c.points), c.dimension, c.weights);
    const after = await discriminator(image(source), image(target), divergence, L);
    const before = await of(map.lipschitz * L);
    return (after - before) / Math.max(1, before);
  });
}
