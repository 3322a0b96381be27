// Counter-based random numbers: one seed gives one sequence, on every machine and device.
//   block i of a stream = threefry2x32(key = stream, counter = i); every draw takes one block (an integer may take more).
//   uniform: u = (⌊w₀/2⁶⌋·2²⁶ + ⌊w₁/2⁶⌋ + ½)/2⁵², 52 bits and a half, symmetric about ½, never 0 and never 1;
//   normal:  Φ⁻¹(u), so draw i depends on block i alone and never on how the draws are batched;
//   integer: first of w₀, w₁, next block … below the largest multiple of the bound, modulo the bound: unbiased.
// A GPU kernel that takes (⌊w₀/2⁹⌋ + ½)/2²³ in float32 sees the leading bits of the same uniform.
// Streams: a split key is a hash of the parent's key and the name by the same cipher, under counters that no draw can reach.
// Reference: Salmon, Moraes, Dror, Shaw 2011 (key salmon2011parallel).
import { demand } from "../error.js";
import { normalQuantile } from "./normal.js";
import { threefry2x32 } from "./threefry.js";

/** Everything needed to continue a sequence exactly where it stopped (JSON). */
export interface GeneratorState {
  readonly seed: number;
  /** The key of the stream: two 32-bit words. */
  readonly stream: readonly [number, number];
  /** Blocks used so far. */
  readonly counter: number;
}

/** A seeded sequence of draws. Same seed and same calls give the same numbers. */
export interface Generator {
  /** n draws from U(0, 1), never 0 and never 1. */
  uniform(n: number): Float64Array;
  /** n draws from N(0, 1). */
  normal(n: number): Float64Array;
  /** n integers uniform on 0 … bound − 1. */
  integer(n: number, bound: number): Int32Array;
  /** A uniform permutation of 0 … n − 1. */
  permutation(n: number): Int32Array;
  /**
   * An independent sequence, named: the same name gives the same sequence, whatever was drawn before.
   * A number names the same sequence as its text.
   */
  split(name: string | number): Generator;
  state(): GeneratorState;
}

/**
 * Starts the sequence of a seed.
 *
 * @param seed integer in 0 … 2⁵³ − 1
 * @returns a generator at block 0
 * @throws UsageError when the seed is not such an integer
 *
 * *Notes*: draw i depends on the seed, the stream and the number of draws before it, not on how they were batched:
 * `uniform(2)` then `uniform(3)` gives the numbers of `uniform(5)`, and a normal or a uniform takes one place each.
 *
 * *References*: salmon2011parallel, wichura1988algorithm
 */
export function generator(seed: number): Generator {
  demandSeed(seed, "generator");
  return sequence(seed, seed >>> 0, Math.floor(seed / 2 ** 32), 0);
}

/**
 * Continues a sequence exactly where `state()` was taken.
 *
 * @param state what `Generator.state` returned, possibly through JSON
 * @throws UsageError when the state is not of that form
 */
export function restore(state: GeneratorState): Generator {
  const { seed, stream, counter } = state;
  demandSeed(seed, "restore");
  demand(
    Array.isArray(stream) && stream.length === 2 && stream.every((k) => Number.isInteger(k) && k >= 0 && k < 2 ** 32),
    "restore",
    "stream",
    "be two integers in 0 … 2³² − 1",
    stream,
    "Give the object that state() returned",
  );
  demand(
    Number.isSafeInteger(counter) && counter >= 0,
    "restore",
    "counter",
    "be an integer ≥ 0",
    counter,
    "Give the object that state() returned",
  );
  return sequence(seed, stream[0], stream[1], counter);
}

function sequence(seed: number, k0: number, k1: number, start: number): Generator {
  const words = new Uint32Array(2);
  let counter = start;
  const next = (): void => {
    threefry2x32(k0, k1, counter >>> 0, Math.floor(counter / 2 ** 32), words);
    counter++;
  };
  const below = (bound: number): number => {
    const excess = 2 ** 32 % bound;
    for (;;) {
      next();
      if (words[0] < 2 ** 32 - excess) return words[0] % bound;
      if (words[1] < 2 ** 32 - excess) return words[1] % bound;
    }
  };
  const uniform = (n: number): Float64Array => {
    demandCount(n, "uniform");
    const out = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      next();
      out[i] = ((words[0] >>> 6) * 2 ** 26 + (words[1] >>> 6) + 0.5) * 2 ** -52;
    }
    return out;
  };
  return {
    uniform,
    normal(n) {
      demandCount(n, "normal");
      const out = uniform(n);
      for (let i = 0; i < n; i++) out[i] = normalQuantile(out[i]);
      return out;
    },
    integer(n, bound) {
      demandCount(n, "integer");
      demand(
        Number.isInteger(bound) && bound >= 1 && bound <= 2 ** 31,
        "integer",
        "bound",
        "be an integer in 1 … 2³¹",
        bound,
        "Give the number of values, 0 … bound − 1",
      );
      const out = new Int32Array(n);
      for (let i = 0; i < n; i++) out[i] = below(bound);
      return out;
    },
    permutation(n) {
      demandCount(n, "permutation");
      const out = Int32Array.from({ length: n }, (_, i) => i);
      for (let i = n - 1; i > 0; i--) {
        const j = below(i + 1);
        const swap = out[i];
        out[i] = out[j];
        out[j] = swap;
      }
      return out;
    },
    split(name) {
      const key = Uint32Array.of(k0, k1);
      const text = String(name);
      for (let i = 0; i < text.length; i++) threefry2x32(key[0], key[1], text.charCodeAt(i), 0xffffffff, key);
      threefry2x32(key[0], key[1], text.length, 0xfffffffe, key);
      return sequence(seed, key[0], key[1], 0);
    },
    state: () => ({ seed, stream: [k0, k1], counter }),
  };
}

function demandSeed(seed: number, where: string): void {
  demand(
    Number.isSafeInteger(seed) && seed >= 0,
    where,
    "seed",
    "be an integer in 0 … 2⁵³ − 1",
    seed,
    "Use seed: 1 to start",
  );
}

function demandCount(n: number, where: string): void {
  demand(Number.isSafeInteger(n) && n >= 0, where, "n", "be an integer ≥ 0", n, "Give the number of draws");
}
