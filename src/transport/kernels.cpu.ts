// The float64 twin of the transport kernels: plain loops over typed arrays, one row of costs at a time.
//   the cost matrix is kept when it holds at most 2²⁴ entries (128 MiB), else each row is recomputed
//   the soft plan of the last (ψ, ε) is kept as sparse rows when it holds at most 2²³ entries above e⁻³⁶, so that many Hessian
//   products at one (ψ, ε) cost one pass over the live entries; entries below e⁻³⁶ ≈ 2·10⁻¹⁶ of their row's largest are round-off
// This file is the reference for every other twin.
import { type Cloud, weightOf } from "../measure/index.js";
import { costRow } from "./cost.js";
import type { TransportKernels } from "./kernels.js";
import type { RadialCost } from "./problem.js";

const MATRIX_LIMIT = 2 ** 24;
const PLAN_LIMIT = 2 ** 23;
const NEGLIGIBLE = -36;

/** φᵢ = minⱼ(ψⱼ + hⱼ) over one row; returns the smallest minimising j. */
export function argminRow(potential: Float64Array, row: Float64Array, offset: number): number {
  let best = Infinity;
  let at = 0;
  for (let j = 0; j < potential.length; j++) {
    const value = potential[j] + row[offset + j];
    if (value < best) {
      best = value;
      at = j;
    }
  }
  return at;
}

/**
 * Float64 kernels on the CPU.
 *
 * @param source P with weights a, M points
 * @param target Q with weights b > 0, N points
 * @param cost any radial cost
 */
export async function cpuKernels(source: Cloud, target: Cloud, cost: RadialCost): Promise<TransportKernels> {
  const m = source.count;
  const n = target.count;
  const a = Float64Array.from({ length: m }, (_, i) => weightOf(source, i));
  const logB = Float64Array.from({ length: n }, (_, j) => Math.log(weightOf(target, j)));
  let matrix: Float64Array | null = null;
  const row = new Float64Array(n);
  if (m * n <= MATRIX_LIMIT) {
    matrix = new Float64Array(m * n);
    for (let i = 0; i < m; i++) {
      costRow(source.points, i, target, cost, row);
      matrix.set(row, i * n);
    }
  }
  const shifted = new Float64Array(n);
  const soft = new Float64Array(n);

  let planOf: { potential: Float64Array; epsilon: number } | null = null;
  const rowStart = new Int32Array(m + 1);
  let columns = new Int32Array(0);
  let shares = new Float64Array(0);

  /** The row of costs of source i: a view into the matrix or a fresh row; returns the offset into `costs`. */
  let costs = matrix ?? row;
  const loadRow = (i: number): number => {
    if (matrix !== null) return i * n;
    costRow(source.points, i, target, cost, row);
    return 0;
  };

  /** Fills soft[] with exp of the shifted exponents of row i (0 where negligible); returns φᵢ and leaves the sum in softSum. */
  let softSum = 0;
  const softRow = (i: number, epsilon: number): number => {
    const offset = loadRow(i);
    const inverse = 1 / epsilon;
    let least = Infinity;
    for (let j = 0; j < n; j++) {
      const value = shifted[j] + costs[offset + j];
      soft[j] = value;
      if (value < least) least = value;
    }
    const limit = least - NEGLIGIBLE * epsilon;
    let sum = 0;
    for (let j = 0; j < n; j++) {
      if (soft[j] < limit) {
        const e = Math.exp((least - soft[j]) * inverse);
        soft[j] = e;
        sum += e;
      } else soft[j] = 0;
    }
    softSum = sum;
    return least - epsilon * Math.log(sum);
  };
  const shift = (potential: Float64Array, epsilon: number): void => {
    for (let j = 0; j < n; j++) shifted[j] = potential[j] - epsilon * logB[j];
  };
  const isKept = (potential: Float64Array, epsilon: number): boolean => {
    if (planOf === null || planOf.epsilon !== epsilon) return false;
    for (let j = 0; j < n; j++) if (planOf.potential[j] !== potential[j]) return false;
    return true;
  };

  return {
    sourceCount: m,
    targetCount: n,
    device: "cpu",
    adapter: null,
    precision: Number.EPSILON / 2,
    async hardTransform(potential) {
      const values = new Float64Array(m);
      const argmin = new Int32Array(m);
      for (let i = 0; i < m; i++) {
        const offset = loadRow(i);
        const j = argminRow(potential, costs, offset);
        argmin[i] = j;
        values[i] = potential[j] + costs[offset + j];
      }
      return { values, argmin };
    },
    async softTransform(potential, epsilon) {
      const values = new Float64Array(m);
      const marginal = new Float64Array(n);
      shift(potential, epsilon);
      let live = 0;
      let kept = true;
      for (let i = 0; i < m; i++) {
        values[i] = softRow(i, epsilon);
        const inverse = 1 / softSum;
        const mass = a[i] * inverse;
        rowStart[i] = live;
        for (let j = 0; j < n; j++) {
          const e = soft[j];
          if (e === 0) continue;
          marginal[j] += mass * e;
          if (!kept) continue;
          if (live === columns.length) {
            const room = Math.min(PLAN_LIMIT, Math.max(16 * m, 2 * live));
            if (room === live) {
              kept = false;
              continue;
            }
            const wider = new Int32Array(room);
            wider.set(columns);
            columns = wider;
            const deeper = new Float64Array(room);
            deeper.set(shares);
            shares = deeper;
          }
          columns[live] = j;
          shares[live++] = e * inverse;
        }
      }
      rowStart[m] = live;
      planOf = kept ? { potential: potential.slice(), epsilon } : null;
      return { values, marginal };
    },
    async hessianApply(potential, epsilon, vector) {
      const out = new Float64Array(n);
      if (isKept(potential, epsilon)) {
        for (let i = 0; i < m; i++) {
          const end = rowStart[i + 1];
          let mean = 0;
          for (let k = rowStart[i]; k < end; k++) mean += shares[k] * vector[columns[k]];
          const mass = a[i] / epsilon;
          for (let k = rowStart[i]; k < end; k++) {
            const j = columns[k];
            out[j] += mass * shares[k] * (vector[j] - mean);
          }
        }
        return out;
      }
      shift(potential, epsilon);
      for (let i = 0; i < m; i++) {
        softRow(i, epsilon);
        let mean = 0;
        for (let j = 0; j < n; j++) mean += soft[j] * vector[j];
        mean /= softSum;
        const mass = a[i] / (softSum * epsilon);
        for (let j = 0; j < n; j++) out[j] += mass * soft[j] * (vector[j] - mean);
      }
      return out;
    },
    release() {
      matrix = null;
      costs = row;
      planOf = null;
      columns = new Int32Array(0);
      shares = new Float64Array(0);
    },
  };
}
