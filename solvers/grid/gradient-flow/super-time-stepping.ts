// Explicit super-time-stepping for ∂ₜρ = ΔP(ρ), P = r e′(r) − e(r): for c r^m/(m − 1), P = c r^m (odd in r); for ν(r log r − r), P = ν r.
// RKL2, s stages of the Legendre recurrence (Meyer, Balsara, Aslam 2014, eqs. 15–19), M = Δ_h P with two-point fluxes:
//   Y₁ = Y₀ + μ̃₁ Δt M₀,   Y_j = μ_j Y_{j−1} + ν_j Y_{j−2} + (1 − μ_j − ν_j) Y₀ + μ̃_j Δt M_{j−1} + γ̃_j Δt M₀
//   b_j = (j² + j − 2)/(2j(j + 1)), b₀ = b₁ = b₂ = 1/3;  μ̃₁ = 4b₁/(s² + s − 2);  μ_j = (2j − 1)b_j/(j b_{j−1});
//   ν_j = −(j − 1)b_j/(j b_{j−2});  μ̃_j = 4μ_j/(s² + s − 2);  γ̃_j = −(1 − b_{j−1})μ̃_j
// Second order in time and space away from the front; stable for Δt ≤ (s² + s − 2)/4 · Δt_E, Δt_E = 1/(2 max P′ Σ h_a^{−2}), s odd: s stages
// go as far as ~ s²/4 Euler steps. Mass is exact up to round-off, about 1e-16 a stage; ρ ≥ 0 is not guaranteed: what falls below 0 is measured,
// never clipped.
// Reference: Meyer, Balsara, Aslam 2014 (key meyer2014stabilized).
import { demand } from "../../../src/error.js";
import type { Cells } from "../../../src/grid/index.js";

/** Super-steps on one set of cells; it keeps scratch, so it serves one caller at a time. */
export interface SuperSteps {
  /** Δt_E of the density: the largest stable step of explicit Euler. */
  euler(density: Float64Array): number;
  /** Stages that a step of length Δt needs: the smallest odd s ≥ 3 with (s² + s − 2)/4 ≥ Δt/Δt_E. */
  stages(density: Float64Array, step: number): number;
  /** density ← the density a time `step` later, in s stages. */
  advance(density: Float64Array, step: number, stages: number): void;
}

/**
 * Plans RKL2 for ∂ₜρ = cΔρ^m.
 *
 * @param cells any domain without doors
 * @param exponent m ≥ 1
 * @param weight c > 0
 * @throws UsageError when m < 1: fast diffusion is unboundedly stiff at ρ = 0
 *
 * *References*: meyer2014stabilized
 */
export function superSteps(cells: Cells, exponent: number, weight: number): SuperSteps {
  demand(exponent >= 1, "superSteps", "exponent", "be ≥ 1", exponent, 'Use scheme: "implicit" for fast diffusion');
  const { grid: g, neighbour } = cells;
  const { size, axes, dimension: d } = g;
  const inverse = axes.map(({ spacing }) => 1 / spacing ** 2);
  const sumInverse = inverse.reduce((sum, w) => sum + w, 0);
  const pressure = new Float64Array(size);
  const first = new Float64Array(size);
  const start = new Float64Array(size);
  let before = new Float64Array(size);
  let last = new Float64Array(size);

  const press = (rho: Float64Array): void => {
    if (exponent === 1) for (let k = 0; k < size; k++) pressure[k] = weight * rho[k];
    else if (exponent === 2) for (let k = 0; k < size; k++) pressure[k] = weight * rho[k] * Math.abs(rho[k]);
    else if (exponent === 3) for (let k = 0; k < size; k++) pressure[k] = weight * rho[k] * rho[k] * rho[k];
    else for (let k = 0; k < size; k++) pressure[k] = weight * rho[k] * Math.abs(rho[k]) ** (exponent - 1);
  };
  // Without obstacles rows of the last axis lie at fixed distances from their neighbours: one pass without lists.
  const [n0, n1, n2] = [...Array(3 - d).fill(1), ...g.shape] as [number, number, number];
  const [w0, w1, w2] = [...Array(3 - d).fill(0), ...inverse] as [number, number, number];
  const around = cells.domain.ends.map((e) => e === "periodic");
  const [p0, p1, p2] = [...Array(3 - d).fill(false), ...around] as [boolean, boolean, boolean];
  const sweep = (
    y: Float64Array,
    x: Float64Array,
    mu: number,
    nu: number,
    rest: number,
    gamma: number,
    source: number,
  ): void => {
    const far0 = n1 * n2;
    for (let i = 0; i < n0; i++) {
      const lower0 = i > 0 ? -far0 : p0 ? (n0 - 1) * far0 : 0;
      const upper0 = i < n0 - 1 ? far0 : p0 ? (1 - n0) * far0 : 0;
      for (let j = 0; j < n1; j++) {
        const lower1 = j > 0 ? -n2 : p1 ? (n1 - 1) * n2 : 0;
        const upper1 = j < n1 - 1 ? n2 : p1 ? (1 - n1) * n2 : 0;
        const row = (i * n1 + j) * n2;
        combine(y, x, start, first, row, n2, mu, nu, rest, gamma);
        if (w0 > 0) addRow(pressure, row, n2, lower0, upper0, source * w0, y);
        if (w1 > 0) addRow(pressure, row, n2, lower1, upper1, source * w1, y);
        addLine(pressure, row, n2, p2, source * w2, y);
      }
    }
  };
  const euler = (density: Float64Array): number => {
    let most = 0;
    for (let k = 0; k < size; k++) most = Math.max(most, density[k]);
    return 1 / (2 * weight * exponent * most ** (exponent - 1) * sumInverse);
  };
  return {
    euler,
    stages(density, step) {
      const least = Math.ceil((Math.sqrt(9 + (16 * step) / euler(density)) - 1) / 2 - 1e-12);
      return Math.max(3, least + 1 - (least % 2));
    },
    advance(density, step, stages) {
      const b = (j: number): number => (j < 3 ? 1 / 3 : (j * j + j - 2) / (2 * j * (j + 1)));
      const w = 4 / (stages * stages + stages - 2);
      start.set(density);
      press(start);
      first.fill(0);
      for (let a = 0; a < d; a++)
        addSecondDifferences(pressure, neighbour[2 * a], neighbour[2 * a + 1], inverse[a], first);
      const mu1 = b(1) * w * step;
      before.set(start);
      for (let k = 0; k < size; k++) last[k] = start[k] + mu1 * first[k];
      for (let j = 2; j <= stages; j++) {
        const mu = ((2 * j - 1) / j) * (b(j) / b(j - 1));
        const nu = -((j - 1) / j) * (b(j) / b(j - 2));
        const source = mu * w * step;
        const gamma = -(1 - b(j - 1)) * source;
        press(last);
        if (cells.isPlain) sweep(before, last, mu, nu, 1 - mu - nu, gamma, source);
        else {
          combine(before, last, start, first, 0, size, mu, nu, 1 - mu - nu, gamma);
          for (let a = 0; a < d; a++)
            addSecondDifferences(pressure, neighbour[2 * a], neighbour[2 * a + 1], source * inverse[a], before);
        }
        const next = before;
        before = last;
        last = next;
      }
      density.set(last);
    },
  };
}

// y ← μ x + ν y + rest s + γ f on `count` cells from `row` on.
function combine(
  y: Float64Array,
  x: Float64Array,
  s: Float64Array,
  f: Float64Array,
  row: number,
  count: number,
  mu: number,
  nu: number,
  rest: number,
  gamma: number,
): void {
  for (let k = row; k < row + count; k++) y[k] = mu * x[k] + nu * y[k] + rest * s[k] + gamma * f[k];
}

// Second differences across rows.
function addRow(
  p: Float64Array,
  row: number,
  count: number,
  lower: number,
  upper: number,
  w: number,
  out: Float64Array,
): void {
  for (let k = row; k < row + count; k++) {
    const own = p[k];
    out[k] += w * (p[k + lower] - own + (p[k + upper] - own));
  }
}

// Second differences along a row.
function addLine(p: Float64Array, row: number, count: number, around: boolean, w: number, out: Float64Array): void {
  const end = row + count - 1;
  out[row] += w * ((around ? p[end] - p[row] : 0) + (p[row + 1] - p[row]));
  for (let k = row + 1; k < end; k++) {
    const own = p[k];
    out[k] += w * (p[k - 1] - own + (p[k + 1] - own));
  }
  out[end] += w * (p[end - 1] - p[end] + (around ? p[row] - p[end] : 0));
}

// out ← out + w (p_lower + p_upper − 2p)
function addSecondDifferences(
  p: Float64Array,
  lower: Int32Array,
  upper: Int32Array,
  w: number,
  out: Float64Array,
): void {
  for (let k = 0; k < p.length; k++) out[k] += w * (p[lower[k]] - p[k] + (p[upper[k]] - p[k]));
}
