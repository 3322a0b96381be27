// Matchers that every test may use.
import { expect } from "vitest";

expect.extend({
  toAgree(
    received: ArrayLike<number> | number,
    expected: ArrayLike<number> | number,
    options: { rtol?: number; atol?: number } = {},
  ) {
    const { rtol = 1e-12, atol = 0 } = options;
    const a = typeof received === "number" ? [received] : received;
    const b = typeof expected === "number" ? [expected] : expected;
    if (a.length !== b.length) return { pass: false, message: () => `lengths differ: ${a.length} against ${b.length}` };
    let worst = 0;
    let at = -1;
    let ok = true;
    for (let i = 0; i < a.length; i++) {
      const error = a[i] === b[i] ? 0 : Math.abs(a[i] - b[i]);
      if (!(error <= atol + rtol * Math.abs(b[i]))) ok = false;
      if (!(error <= worst)) {
        worst = error;
        at = i;
      }
    }
    return {
      pass: ok,
      message: () => `largest error ${worst} at index ${at}: ${a[at]} against ${b[at]} (rtol ${rtol}, atol ${atol})`,
    };
  },
});

declare module "vitest" {
  // biome-ignore lint/suspicious/noExplicitAny: the shape vitest asks for
  interface Matchers<T = any> {
    toAgree(expected: ArrayLike<number> | number, options?: { rtol?: number; atol?: number }): T;
  }
}
