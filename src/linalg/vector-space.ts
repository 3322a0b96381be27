// VectorSpace: the few operations from which every iterative algorithm of this room is written, so that one file drives
// typed arrays on the CPU and buffers on a GPU.
//   zeros, copy, assign, scale, axpy return at once: a GPU only queues them.
//   dot, dots, norm read numbers back: a CPU returns them, a GPU returns a promise of them.
// The algorithms are async functions over a space. Over typed arrays an await costs about a tenth of a microsecond and never
// leaves the current task, a few hundred entries' worth of arithmetic a dot, so no second, synchronous form is kept.
import { demand } from "../error.js";

/** A number now, or later when it has to come from another device. */
export type Eventually<T> = T | Promise<T>;

/** Vectors of type V with an inner product. Vectors are changed in place. */
export interface VectorSpace<V> {
  /** A new vector of zeros. */
  zeros(): V;
  /** A new vector equal to x. */
  copy(x: V): V;
  /** y ← x. */
  assign(x: V, y: V): void;
  /** x ← a x; a = 0 gives exact zeros. */
  scale(a: number, x: V): void;
  /** y ← a x + y. */
  axpy(a: number, x: V, y: V): void;
  /** y ← Σ aᵢ xᵢ + y in one pass; where it is missing, one axpy after the other is taken. */
  axpys?(a: ArrayLike<number>, xs: readonly V[], y: V): void;
  /** ⟨x, y⟩. */
  dot(x: V, y: V): Eventually<number>;
  /** ⟨xᵢ, y⟩ for all i in one pass: one read-back on a GPU. */
  dots(xs: readonly V[], y: V): Eventually<number[]>;
  /** √⟨x, x⟩. */
  norm(x: V): Eventually<number>;
}

/** out ← A x. `x` must not be changed, `out` is another vector; a promise is awaited. */
export type Apply<X, Y = X> = (x: X, out: Y) => void | Promise<void>;

/**
 * The space of float64 arrays of length n with ⟨x, y⟩ = w Σ xᵢ yᵢ.
 *
 * @param length n ≥ 1
 * @param weight w > 0, for example a grid's cell volume; default 1
 * @throws UsageError when the length is not a positive integer or the weight not a finite number > 0
 */
export function arraySpace(length: number, weight = 1): VectorSpace<Float64Array> {
  demand(
    Number.isInteger(length) && length >= 1,
    "arraySpace",
    "length",
    "be an integer ≥ 1",
    length,
    "Give the number of unknowns",
  );
  demand(
    weight > 0 && Number.isFinite(weight),
    "arraySpace",
    "weight",
    "be a finite number > 0",
    weight,
    "Use 1 or the grid's cellVolume",
  );
  const four = new Float64Array(4);
  const dot = (x: Float64Array, y: Float64Array): number => {
    let sum = 0;
    for (let i = 0; i < length; i++) sum += x[i] * y[i];
    return weight * sum;
  };
  const axpy = (a: number, x: Float64Array, y: Float64Array): void => {
    for (let i = 0; i < length; i++) y[i] += a * x[i];
  };
  return {
    zeros: () => new Float64Array(length),
    copy: (x) => x.slice(),
    assign: (x, y) => y.set(x),
    scale(a, x) {
      if (a === 0) x.fill(0);
      else for (let i = 0; i < length; i++) x[i] *= a;
    },
    axpy,
    axpys(a, xs, y) {
      let i = 0;
      for (; i + 4 <= xs.length; i += 4)
        axpy4(a[i], a[i + 1], a[i + 2], a[i + 3], xs[i], xs[i + 1], xs[i + 2], xs[i + 3], y);
      for (; i < xs.length; i++) axpy(a[i], xs[i], y);
    },
    dot,
    dots(xs, y) {
      const out: number[] = [];
      let i = 0;
      for (; i + 4 <= xs.length; i += 4) {
        dot4(xs[i], xs[i + 1], xs[i + 2], xs[i + 3], y, four);
        for (let j = 0; j < 4; j++) out.push(weight * four[j]);
      }
      for (; i < xs.length; i++) out.push(dot(xs[i], y));
      return out;
    },
    norm: (x) => Math.sqrt(dot(x, x)),
  };
}

// Four vectors against one at a time: the one is read once, and four sums run side by side.
function dot4(
  a: Float64Array,
  b: Float64Array,
  c: Float64Array,
  d: Float64Array,
  y: Float64Array,
  out: Float64Array,
): void {
  let [s, t, u, v] = [0, 0, 0, 0];
  for (let i = 0; i < y.length; i++) {
    const q = y[i];
    s += a[i] * q;
    t += b[i] * q;
    u += c[i] * q;
    v += d[i] * q;
  }
  out[0] = s;
  out[1] = t;
  out[2] = u;
  out[3] = v;
}

function axpy4(
  p: number,
  q: number,
  r: number,
  s: number,
  a: Float64Array,
  b: Float64Array,
  c: Float64Array,
  d: Float64Array,
  y: Float64Array,
): void {
  for (let i = 0; i < y.length; i++) y[i] += p * a[i] + q * b[i] + (r * c[i] + s * d[i]);
}

/**
 * The product of spaces: vectors are arrays of vectors, ⟨x, y⟩ = Σₐ ⟨xₐ, yₐ⟩ₐ. Face fields of a grid live here.
 *
 * @param parts one space for each component, at least one
 * @throws UsageError when there are no parts
 */
export function productSpace<V>(parts: readonly VectorSpace<V>[]): VectorSpace<readonly V[]> {
  demand(parts.length > 0, "productSpace", "parts", "hold at least one space", parts.length, "Give one a component");
  const dot = (x: readonly V[], y: readonly V[]): Eventually<number> => {
    const terms = parts.map((part, a) => part.dot(x[a], y[a]));
    const add = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
    return terms.every((term) => typeof term === "number") ? add(terms) : Promise.all(terms).then(add);
  };
  return {
    zeros: () => parts.map((part) => part.zeros()),
    copy: (x) => parts.map((part, a) => part.copy(x[a])),
    assign: (x, y) => parts.forEach((part, a) => void part.assign(x[a], y[a])),
    scale: (s, x) => parts.forEach((part, a) => void part.scale(s, x[a])),
    axpy: (s, x, y) => parts.forEach((part, a) => void part.axpy(s, x[a], y[a])),
    dot,
    dots(xs, y) {
      const terms = xs.map((x) => dot(x, y));
      return terms.every((term) => typeof term === "number") ? terms : Promise.all(terms);
    },
    norm(x) {
      const square = dot(x, x);
      return typeof square === "number" ? Math.sqrt(square) : square.then(Math.sqrt);
    },
  };
}
