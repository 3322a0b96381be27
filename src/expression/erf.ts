// The error function and its complement.
//   erf x  = (2/√π) e^{−x²} Σₙ 2ⁿ x^{2n+1}/(1·3·…·(2n+1))                      |x| < 1.5: every term has one sign
//   erfc x = (e^{−x²}/√π) · 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …))))       x ≥ 1.5: 80 levels, from the innermost out
// Relative accuracy about 1e-14, of erfc in the tail too. No tables.
// Reference: Abramowitz and Stegun 1964, 7.1.6 and 7.1.14 (key abramowitz1964handbook).

const SWITCH = 1.5;

/**
 * erf x = (2/√π) ∫₀ˣ e^{−t²} dt.
 *
 * @returns a number in [−1, 1]; NaN for NaN
 */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a >= SWITCH) return x > 0 ? 1 - tail(a) : tail(a) - 1;
  return series(x);
}

/**
 * erfc x = 1 − erf x, without cancellation for large x.
 *
 * @returns a number in [0, 2]; NaN for NaN
 */
export function erfc(x: number): number {
  if (x >= SWITCH) return tail(x);
  if (x <= -SWITCH) return 2 - tail(-x);
  return 1 - series(x);
}

function series(x: number): number {
  const square = x * x;
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * square) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-square) * sum;
}

function tail(x: number): number {
  if (x > 27.3) return 0; // below the smallest float64
  let denominator = x;
  for (let n = 80; n >= 1; n--) denominator = x + n / 2 / denominator;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * denominator);
}
