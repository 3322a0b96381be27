// The energy of a Wasserstein gradient flow, E(ρ) = sum of its parts:
//   internal      ∫ q e(ρ/q) dx,  e convex; q = 1 or a target density:  ν(r log r − r), r^m/(m − 1), f-divergences
//   potential     ∫ V ρ dx
//   interaction   ½ ∬ W(x − y) ρ(x) ρ(y) dx dy,  W even
//   divergence    D_f^L(ρ‖Q) = sup over Lip(φ) ≤ L of E_ρ φ − log E_Q e^φ (KL), E_ρ φ − E_Q f*(φ) (others)
//   transport     W₁(ρ, Q) or ½ W₂²(ρ, Q)
// The flow moves mass with v = −∇ δE/δρ:  e′(ρ/q) + V + W∗ρ, φ*, or a Kantorovich potential.
// Reference: Ambrosio, Gigli, Savaré 2008 (key ambrosio2008gradient); Gu et al. 2024 (key gu2024lipschitz).
import { demand, demandKnown, usageError } from "../../src/error.js";
import { type Divergence, plainTransport } from "../../src/measure/index.js";
import { describeField, type Field, type FieldInput, field } from "./field.js";
import { describeLaw, type Law, type LawInput, lawOf } from "./law.js";

/** ∫ q e(ρ/q): e convex on r ≥ 0 with its derivatives. */
export interface InternalEnergy {
  /** e as text in r, for example `"r²"`. */
  readonly text: string;
  /** q, the reference density; `null` = 1. */
  readonly reference: Law | null;
  /** e(r), r ≥ 0. */
  value(r: number): number;
  /** e′(r); −∞ at 0 for entropies. */
  slope(r: number): number;
  /** e″(r) ≥ 0; may be ∞ at 0. */
  curvature(r: number): number;
  /** The r ≥ 0 with e′(r) = y, 0 where y < e′(0): (e*)′(y). */
  inverseSlope(y: number): number;
  /** e*(y) = sup_r (r y − e(r)). */
  conjugate(y: number): number;
  /** Pressure exponent m of e = r^m/(m − 1) (q = 1); 1 for the entropy ν(r log r − r); `null` for other e. */
  readonly exponent: number | null;
  /** Coefficient ν of the entropy, or of the power. */
  readonly weight: number;
  /** JSON description: `{ kind: "entropy", weight }`, `{ kind: "power", exponent, weight }` or `{ kind: "divergence", divergence, target }`. */
  readonly description: Readonly<Record<string, unknown>>;
}

/** ½∬W(x − y)ρρ. */
export interface Interaction {
  readonly text: string;
  /** W at displacements, row-major n·d; even. */
  readonly kernel: Field;
}

/** D_f^L(·‖Q). */
export interface RegularisedDivergence {
  readonly divergence: Divergence;
  /** L > 0; Infinity: no regularisation. */
  readonly lipschitz: number;
  readonly target: Law;
}

/** W₁(·, Q) or ½W₂²(·, Q). */
export interface TransportEnergy {
  readonly order: 1 | 2;
  readonly target: Law;
}

/** An energy: any sum of internal, potential and interaction parts, or one of the two distances to a target alone. */
export interface Energy {
  readonly dimension: number;
  /** E as one Unicode line. */
  readonly text: string;
  readonly internal: InternalEnergy | null;
  readonly potential: Field | null;
  readonly interaction: Interaction | null;
  readonly divergence: RegularisedDivergence | null;
  readonly transport: TransportEnergy | null;
  /** Densities stay below this; Infinity = no cap. */
  readonly cap: number;
  /** λ such that E is λ-convex along Wasserstein geodesics (then W₂ between two flows falls like e^{−λt}); `null` = not known. */
  readonly convexity: number | null;
  /** JSON description. */
  readonly description: Readonly<Record<string, unknown>>;
}

/** What {@link energy} takes. */
export interface EnergyOptions {
  readonly dimension: number;
  readonly internal?: InternalEnergy | null;
  /** V. */
  readonly potential?: FieldInput | null;
  /** W of the displacement, in the names of the coordinates; even. */
  readonly interaction?: FieldInput | null;
  /** Cap on the density, > 0; default none. */
  readonly cap?: number;
  /** λ; default `null`. */
  readonly convexity?: number | null;
}

/**
 * The entropy ν∫(ρ log ρ − ρ): its flow is the heat equation ∂ₜρ = νΔρ.
 *
 * @param weight ν > 0; default 1
 */
export function entropy(weight = 1): InternalEnergy {
  demand(weight > 0 && Number.isFinite(weight), "entropy", "weight", "be finite and > 0", weight, "Use entropy(1)");
  return Object.freeze({
    text: `${weight === 1 ? "" : `${weight} `}(r log r − r)`,
    reference: null,
    value: (r: number) => (r > 0 ? weight * (r * Math.log(r) - r) : r === 0 ? 0 : Infinity),
    slope: (r: number) => weight * Math.log(r),
    curvature: (r: number) => weight / r,
    inverseSlope: (y: number) => Math.exp(y / weight),
    conjugate: (y: number) => weight * Math.exp(y / weight),
    exponent: 1,
    weight,
    description: { kind: "entropy", weight },
  });
}

/**
 * The power energy c∫ρ^m/(m − 1): its flow is ∂ₜρ = cΔρ^m, porous medium for m > 1, fast diffusion for 0 < m < 1.
 *
 * @param exponent m > 0, m ≠ 1 (use `entropy` there)
 * @param weight c > 0; default 1
 */
export function power(exponent: number, weight = 1): InternalEnergy {
  const where = "power";
  demand(
    exponent > 0 && exponent !== 1 && Number.isFinite(exponent),
    where,
    "exponent",
    "be finite, > 0 and not 1",
    exponent,
    "Use entropy() for m = 1, exponent: 2 for a porous medium",
  );
  demand(weight > 0 && Number.isFinite(weight), where, "weight", "be finite and > 0", weight, "Use weight: 1");
  const m = exponent;
  const c = weight;
  const scale = (c * m) / (m - 1);
  // e′ = c m r^{m−1}/(m − 1): from 0 upwards for m > 1, from −∞ up to 0 for m < 1.
  const inverseSlope = (y: number): number => {
    if (m > 1) return y > 0 ? (y / scale) ** (1 / (m - 1)) : 0;
    return y < 0 ? (y / scale) ** (1 / (m - 1)) : Infinity;
  };
  const less = Number((m - 1).toPrecision(6));
  const divisor = less === 1 ? "" : less > 0 ? `/${less}` : `/(${less})`;
  return Object.freeze({
    text: `${c === 1 ? "" : `${c} `}r^${m}${divisor}`,
    reference: null,
    value: (r: number) => (r >= 0 ? (c * r ** m) / (m - 1) : Infinity),
    slope: (r: number) => scale * r ** (m - 1),
    curvature: (r: number) => c * m * r ** (m - 2),
    inverseSlope,
    conjugate: (y: number) => {
      const r = inverseSlope(y);
      return r === Infinity ? Infinity : r * y - (c * r ** m) / (m - 1);
    },
    exponent: m,
    weight: c,
    description: { kind: "power", exponent: m, weight: c },
  });
}

/**
 * An f-divergence to a target with a density, ∫ q f(ρ/q): KL gives a Fokker–Planck equation whose equilibrium is q, α > 1 a weighted
 * porous medium.
 *
 * @param divergence KL, α, reverse KL or Jensen–Shannon
 * @param target q, with a density
 * @param dimension d
 */
export function divergenceTo(divergence: Divergence, target: LawInput, dimension: number): InternalEnergy {
  const where = "divergenceTo";
  demandDivergence(where, divergence);
  const reference = lawOf(target, dimension, where, "target");
  if (reference.density !== null) demandTimeless(reference.density, where, "target");
  if (reference.density === null)
    throw usageError(
      where,
      "target",
      "have a density",
      reference.text,
      "Use the Lipschitz-regularised divergence, which is finite for singular targets",
    );
  if (divergence.rigid)
    throw usageError(where, "divergence", "be finite", divergence.name, "Use transportTo() for plain transport");
  const { conjugate, conjugateDerivative } = divergence;
  const { slope, curvature } = derivativesOf(divergence);
  return Object.freeze({
    text: `f(r), ${divergence.name}`,
    reference,
    value: divergence.f,
    slope,
    curvature,
    inverseSlope: conjugateDerivative,
    conjugate,
    exponent: null,
    weight: 1,
    description: { kind: "divergence", divergence: divergence.description, target: describeLaw(reference) },
  });
}

/** f′ and f″ of the divergences of src/measure, which name f and f* only. */
function derivativesOf(divergence: Divergence): Pick<InternalEnergy, "slope" | "curvature"> {
  const { kind, alpha } = divergence.description as { kind: string; alpha?: number };
  if (kind === "kullback-leibler") return { slope: Math.log, curvature: (r) => 1 / r };
  if (kind === "reverse-kullback-leibler") return { slope: (r) => -1 / r, curvature: (r) => 1 / (r * r) };
  if (kind === "jensen-shannon")
    return { slope: (r) => Math.log((2 * r) / (1 + r)), curvature: (r) => 1 / (r * (1 + r)) };
  const a = alpha as number;
  return { slope: (r) => r ** (a - 1) / (a - 1), curvature: (r) => r ** (a - 2) };
}

/**
 * An energy of internal, potential and interaction parts.
 *
 * @throws UsageError when no part is given or a number does not fit
 *
 * @example
 * energy({ dimension: 1, internal: power(2), potential: "x^2/2" });
 */
export function energy(options: EnergyOptions): Energy {
  const where = "energy";
  demandKnown(where, options, ["dimension", "internal", "potential", "interaction", "cap", "convexity"]);
  const { dimension, internal = null, cap = Infinity, convexity = null } = options;
  demand(
    Number.isInteger(dimension) && dimension >= 1,
    where,
    "dimension",
    "be an integer ≥ 1",
    dimension,
    "Use dimension: 1 to start",
  );
  demand(
    convexity === null || Number.isFinite(convexity),
    where,
    "convexity",
    "be finite, or null where it is not known",
    convexity,
    "Leave it out",
  );
  const given = (input: FieldInput | null | undefined, name: string): Field | null => {
    if (input === null || input === undefined) return null;
    const f = field(input, dimension, where, name);
    demandTimeless(f, where, name);
    return f;
  };
  const potential = given(options.potential, "potential");
  const kernel = given(options.interaction, "interaction");
  demand(
    internal !== null || potential !== null || kernel !== null,
    where,
    "an energy",
    "have a part",
    "none",
    "Give internal: entropy(), a potential or an interaction",
  );
  demand(typeof cap === "number" && cap > 0, where, "cap", "be > 0", cap, "Leave it out for no cap");
  demand(
    internal === null || typeof internal.slope === "function",
    where,
    "internal",
    "be an internal energy",
    internal,
    "Use entropy(), power(2) or divergenceTo(…)",
  );
  if (kernel !== null) demandEven(kernel, dimension);
  const q = internal?.reference === null || internal === null ? "" : ` q, r = ρ/q, q = ${internal.reference.text}`;
  const parts = [
    internal === null
      ? null
      : internal.reference === null
        ? `∫ ${internal.text.replaceAll("r", "ρ")}`
        : `∫ ${internal.text}${q}`,
    potential === null ? null : `∫ (${potential.text}) ρ`,
    kernel === null ? null : `½∬ W(x − y) ρρ, W = ${kernel.text}`,
  ].filter((p) => p !== null);
  return Object.freeze({
    dimension,
    text: parts.join(" + "),
    internal,
    potential,
    interaction: kernel === null ? null : Object.freeze({ text: kernel.text, kernel }),
    divergence: null,
    transport: null,
    cap,
    convexity,
    description: {
      kind: "energy",
      internal: internal?.description ?? null,
      potential: potential === null ? null : describeField(potential),
      interaction: kernel === null ? null : describeField(kernel),
      cap: cap === Infinity ? null : cap,
      convexity,
    },
  });
}

/**
 * The Lipschitz-regularised divergence D_f^L(·‖Q), finite for singular targets; its flow has speed ≤ L. Q is a law: on a grid it is scaled to
 * the mass of ρ, for every L.
 *
 * @param options.lipschitz L > 0 (1/length × nats); Infinity only for targets with a density
 * @param options.target Q
 */
export function lipschitzDivergence(options: {
  readonly dimension: number;
  readonly divergence: Divergence;
  readonly lipschitz: number;
  readonly target: LawInput;
}): Energy {
  const where = "lipschitzDivergence";
  demandKnown(where, options, ["dimension", "divergence", "lipschitz", "target"]);
  const { dimension, divergence, lipschitz } = options;
  demand(
    typeof lipschitz === "number" && lipschitz > 0,
    where,
    "lipschitz",
    "be > 0 (Infinity for none)",
    lipschitz,
    "Use lipschitz: 1 to start",
  );
  demandDivergence(where, divergence);
  demand(
    !divergence.rigid,
    where,
    "divergence",
    "be an f-divergence that is finite near its target",
    divergence.name,
    "Use transportTo() for plain transport",
  );
  const target = lawOf(options.target, dimension, where, "target");
  if (target.density !== null) demandTimeless(target.density, where, "target");
  const bound = lipschitz === Infinity ? "∞" : String(lipschitz);
  return Object.freeze({
    dimension,
    text: `D_f^L(ρ‖Q), ${divergence.name}, L = ${bound}, Q = ${target.text}`,
    internal: null,
    potential: null,
    interaction: null,
    divergence: Object.freeze({ divergence, lipschitz, target }),
    transport: null,
    cap: Infinity,
    convexity: null,
    description: {
      kind: "lipschitz-divergence",
      divergence: divergence.description,
      lipschitz: lipschitz === Infinity ? "Infinity" : lipschitz,
      target: describeLaw(target),
    },
  });
}

/**
 * A distance to a target: W₁(·, Q), whose flow moves at speed 1 along rays, or ½W₂²(·, Q), whose flow is a straight contraction.
 */
export function transportTo(options: {
  readonly dimension: number;
  readonly order: 1 | 2;
  readonly target: LawInput;
}): Energy {
  const where = "transportTo";
  demandKnown(where, options, ["dimension", "order", "target"]);
  const { dimension, order } = options;
  demand(order === 1 || order === 2, where, "order", "be 1 or 2", order, "Use order: 2");
  const target = lawOf(options.target, dimension, where, "target");
  if (target.density !== null) demandTimeless(target.density, where, "target");
  return Object.freeze({
    dimension,
    text: order === 1 ? `W₁(ρ, Q), Q = ${target.text}` : `½W₂²(ρ, Q), Q = ${target.text}`,
    internal: null,
    potential: null,
    interaction: null,
    divergence: null,
    transport: Object.freeze({ order, target }),
    cap: Infinity,
    convexity: null,
    description: { kind: "transport", order, target: describeLaw(target) },
  });
}

/**
 * L, f and Q of a Lipschitz-regularised divergence; W₁ is plain transport with L = 1.
 *
 * @param energy made by {@link lipschitzDivergence} or {@link transportTo}
 */
export function criticTerms({ divergence, transport }: Energy): RegularisedDivergence {
  if (divergence !== null) return divergence;
  const { target } = transport as TransportEnergy;
  return { lipschitz: 1, divergence: plainTransport(), target };
}

function demandDivergence(where: string, divergence: Divergence): void {
  demand(
    typeof divergence?.conjugate === "function",
    where,
    "divergence",
    "be an f-divergence",
    divergence,
    "Use kullbackLeibler() to start",
  );
}

/** An energy that changed with t would not fall along its flow. (A function may ignore its t.) */
function demandTimeless(f: Field, where: string, name: string): void {
  demand(f.expression === null || !f.dependsOnTime, where, name, "not depend on t", f.text, "Write it without t");
}

/** W(x) = W(−x), looked at on a few displacements. */
function demandEven(kernel: Field, d: number): void {
  const x = Float64Array.from({ length: 8 * d }, (_, i) => Math.sin(1 + 3 * i));
  const there = kernel.evaluate(0, x);
  const back = kernel.evaluate(
    0,
    x.map((v) => -v),
  );
  there.forEach((w, i) => {
    demand(
      Math.abs(w - back[i]) <= 1e-10 * (1 + Math.abs(w)),
      "energy",
      "interaction",
      "be even: W(x) = W(−x)",
      [w, back[i]],
      "Use a function of x², or |x|",
    );
  });
}
