// Counter-based random numbers: one seed gives one sequence, on every machine and device.

/** Everything needed to continue a sequence exactly where it stopped (JSON). */
export interface GeneratorState {
  readonly seed: number;
  readonly stream: readonly [number, number];
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
  /** An independent sequence, named: the same name gives the same sequence. */
  split(name: string | number): Generator;
  state(): GeneratorState;
}
