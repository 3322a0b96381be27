// The float32 twin of the transport kernels on WebGPU; the definitions are in kernels.ts, the float64 reference in kernels.cpu.ts.
//   zᵢⱼ = ψ̃ⱼ + h(|xᵢ − Xⱼ|),  ψ̃ⱼ = ψⱼ − ε log bⱼ − shift  (hard min: ψⱼ − shift);  rows run over i, columns over j
//   hard rows      minⱼ zᵢⱼ and its smallest j
//   soft rows      sᵢ = minⱼ zᵢⱼ,  Sᵢ = Σⱼ e^{(sᵢ − zᵢⱼ)/ε}  in one sweep;   φᵢ = shift + sᵢ − ε log Sᵢ  (float64 on the host)
//   column sums    Σᵢ wᵢ e^{(sᵢ − zᵢⱼ)/ε} (vⱼ − uᵢ),  wᵢ = aᵢ/Sᵢ:  marginal with v = 1, u = 0;  εK v with uᵢ = pᵢ·v
//   row means      uᵢ = Σⱼ e^{(sᵢ − zᵢⱼ)/ε} vⱼ / Sᵢ
// One lane owns one row (or column) and sweeps the other side in tiles of workgroup memory; the sweep is cut into at most 64
// segments, whose results a second kernel joins in order: a fixed tree, no atomics, the same bits every run. Rows and columns recompute the
// same zᵢⱼ, so that Σⱼ pᵢⱼ = 1 holds to summation round-off, whatever the size of z/ε.
// Float32 care: both clouds lose their common mean and scale (in float64) before rounding, ψ̃ its mid-range, v its mean; differences of
// coordinates, never |x|² + |X|² − 2x·X; every exponential is ≤ 1. Relative error of e^{(s − z)/ε} ≈ 6e-8 · max|z|/ε.
// References: Cuturi, Peyré 2018; Milakov, Gimelshein 2018 (one-sweep normaliser); Charlier et al. 2021 (KeOps, tiled reductions).
import { type Binding, type GpuBuffer, type GpuDevice, kernelSpec } from "../device/index.js";
import { demand, UsageError } from "../error.js";
import { type Cloud, weightOf } from "../measure/index.js";
import type { CreateKernels, TransportKernels } from "./kernels.js";
import type { RadialCost } from "./problem.js";

const lanes = 64;
const mostSegments = 64;
const segmentStep = 256;
// Points are held as vec4 chunks, padded with zeros; a tile holds this many (15 KiB, within every device's workgroup memory).
const tileChunks = 960;
const mostDimensions = 4 * tileChunks;
const largest = "0x1.fffffep+127f";

const sweepParameters = {
  own: "u32",
  others: "u32",
  segment: "u32",
  /** vec4 chunks of a point. */
  chunks: "u32",
  /** Points of a tile. */
  tile: "u32",
  halfStiffness: "f32",
  slope: "f32",
  halfKnee: "f32",
  kneeSquared: "f32",
  inverseEpsilon: "f32",
} as const;

/** Points in up to four dimensions, one register each, or in more, read chunk by chunk. */
type Width = "narrow" | "wide";

interface SweepText<B extends Readonly<Record<string, Binding>>> {
  readonly name: string;
  /** Bindings beside `ownPoints` and `otherPoints`. */
  readonly bindings: B;
  /** Arrays of the swept side, tiled; read in `each` as `tile_name[k]`. */
  readonly tiled: readonly string[];
  /** Declarations of one lane; `i` is its item, `live` whether it exists. */
  readonly begin: string;
  /** For the swept item `start + k` at cost `h`. */
  readonly each: string;
  /** Where the lane stores its result, at `at = segment · own + i`. */
  readonly end: string;
}

/** WGSL of one sweep: each lane of a block folds one segment of the other side. */
function sweep<const B extends Readonly<Record<string, Binding>>>(width: Width, text: SweepText<B>) {
  const narrow = width === "narrow";
  return kernelSpec({
    name: `transport ${text.name} ${width}`,
    workgroupSize: lanes,
    bindings: { ownPoints: "read f32", otherPoints: "read f32", ...text.bindings } as {
      readonly ownPoints: "read f32";
      readonly otherPoints: "read f32";
    } & B,
    parameters: sweepParameters,
    code: `
var<workgroup> points: array<vec4<f32>, ${tileChunks}>;
${text.tiled.map((name) => `var<workgroup> tile_${name}: array<f32, ${lanes}>;`).join("\n")}
// All three families: quadratic up to the knee, then linear. Linear has its knee at 0, quadratic at infinity.
fn cost(squared: f32) -> f32 {
  return select(
    parameters.slope * (sqrt(squared) - parameters.halfKnee),
    parameters.halfStiffness * squared,
    squared <= parameters.kneeSquared,
  );
}
fn ownChunk(at: u32) -> vec4<f32> {
  return vec4<f32>(ownPoints[4u * at], ownPoints[4u * at + 1u], ownPoints[4u * at + 2u], ownPoints[4u * at + 3u]);
}
fn otherChunk(at: u32) -> vec4<f32> {
  return vec4<f32>(otherPoints[4u * at], otherPoints[4u * at + 1u], otherPoints[4u * at + 2u], otherPoints[4u * at + 3u]);
}
fn kernel(block: u32, lane: u32) {
  let ownBlocks = (parameters.own + workgroupSize - 1u) / workgroupSize;
  let segment = block / ownBlocks;
  let i = (block % ownBlocks) * workgroupSize + lane;
  let live = i < parameters.own;
  let chunks = ${narrow ? "1u" : "parameters.chunks"};
  let row = select(0u, i, live) * chunks;
  ${narrow ? "let x = ownChunk(row);" : ""}
  let first = segment * parameters.segment;
  let last = min(first + parameters.segment, parameters.others);
  ${text.begin}
  for (var start = first; start < last; start += parameters.tile) {
    let count = min(parameters.tile, last - start);
    for (var k = lane; k < count * chunks; k += workgroupSize) { points[k] = otherChunk(start * chunks + k); }
    if (lane < count) {
      ${text.tiled.map((name) => `tile_${name}[lane] = ${name}[start + lane];`).join("\n      ")}
    }
    workgroupBarrier();
    for (var k = 0u; k < count; k++) {
      ${
        narrow
          ? `let away = x - points[k];
      let squared = dot(away, away);`
          : `var squared = 0.0;
      for (var c = 0u; c < chunks; c++) {
        let away = ownChunk(row + c) - points[k * chunks + c];
        squared += dot(away, away);
      }`
      }
      let h = cost(squared);
      ${text.each}
    }
    workgroupBarrier();
  }
  if (live) {
    let at = segment * parameters.own + i;
    ${text.end}
  }
}`,
  });
}

const hardRows = (width: Width) =>
  sweep(width, {
    name: "hard rows",
    bindings: { potential: "read f32", least: "write f32", least_at: "write u32" },
    tiled: ["potential"],
    begin: `var best = ${largest};\n  var best_at = first;`,
    each: `let z = tile_potential[k] + h;
      if (z < best) { best = z; best_at = start + k; }`,
    end: "least[at] = best;\n    least_at[at] = best_at;",
  });

const softRows = (width: Width) =>
  sweep(width, {
    name: "soft rows",
    bindings: { potential: "read f32", least: "write f32", total: "write f32" },
    tiled: ["potential"],
    begin: `var best = ${largest};\n  var sum = 0.0;`,
    // One exponential for each pair: a new minimum rescales the sum, anything else adds to it.
    each: `let z = tile_potential[k] + h;
      let e = exp(-min(abs(z - best) * parameters.inverseEpsilon, 100.0));
      if (z < best) { sum = sum * e + 1.0; best = z; } else { sum += e; }`,
    end: "least[at] = best;\n    total[at] = sum;",
  });

const rowMeans = (width: Width) =>
  sweep(width, {
    name: "row means",
    bindings: { potential: "read f32", vector: "read f32", least: "read f32", part: "write f32" },
    tiled: ["potential", "vector"],
    begin: "var s = 0.0;\n  if (live) { s = least[i]; }\n  var sum = 0.0;",
    each: "sum += exp((s - (tile_potential[k] + h)) * parameters.inverseEpsilon) * tile_vector[k];",
    end: "part[at] = sum;",
  });

const columnSums = (width: Width) =>
  sweep(width, {
    name: "column sums",
    bindings: {
      potential: "read f32",
      vector: "read f32",
      least: "read f32",
      weight: "read f32",
      mean: "read f32",
      part: "write f32",
    },
    tiled: ["least", "weight", "mean"],
    begin: "var psi = 0.0;\n  var v = 0.0;\n  if (live) { psi = potential[i]; v = vector[i]; }\n  var sum = 0.0;",
    each: `let e = exp((tile_least[k] - (psi + h)) * parameters.inverseEpsilon);
      sum += tile_weight[k] * e * (v - tile_mean[k]);`,
    end: "part[at] = sum;",
  });

const joinHard = kernelSpec({
  name: "transport join hard",
  workgroupSize: lanes,
  bindings: { parts: "read f32", parts_at: "read u32", least: "write f32", least_at: "write u32" },
  parameters: { own: "u32", segments: "u32" },
  code: `
fn kernel(block: u32, lane: u32) {
  let i = block * workgroupSize + lane;
  if (i >= parameters.own) { return; }
  var best = parts[i];
  var best_at = parts_at[i];
  for (var s = 1u; s < parameters.segments; s++) {
    let z = parts[s * parameters.own + i];
    if (z < best) { best = z; best_at = parts_at[s * parameters.own + i]; }
  }
  least[i] = best;
  least_at[i] = best_at;
}`,
});

const joinSoft = kernelSpec({
  name: "transport join soft",
  workgroupSize: lanes,
  bindings: {
    parts: "read f32",
    totals: "read f32",
    mass: "read f32",
    least: "write f32",
    total: "write f32",
    weight: "write f32",
  },
  parameters: { own: "u32", segments: "u32", inverseEpsilon: "f32" },
  code: `
fn kernel(block: u32, lane: u32) {
  let i = block * workgroupSize + lane;
  if (i >= parameters.own) { return; }
  var best = parts[i];
  for (var s = 1u; s < parameters.segments; s++) { best = min(best, parts[s * parameters.own + i]); }
  var sum = 0.0;
  for (var s = 0u; s < parameters.segments; s++) {
    let at = s * parameters.own + i;
    sum += totals[at] * exp((best - parts[at]) * parameters.inverseEpsilon);
  }
  least[i] = best;
  total[i] = sum;
  weight[i] = mass[i] / sum;
}`,
});

const joinSums = kernelSpec({
  name: "transport join sums",
  workgroupSize: lanes,
  bindings: { parts: "read f32", divisor: "read f32", result: "write f32" },
  parameters: { own: "u32", segments: "u32" },
  code: `
fn kernel(block: u32, lane: u32) {
  let i = block * workgroupSize + lane;
  if (i >= parameters.own) { return; }
  var sum = 0.0;
  for (var s = 0u; s < parameters.segments; s++) { sum += parts[s * parameters.own + i]; }
  result[i] = sum / divisor[i];
}`,
});

/** How one side is swept by lanes of the other. */
interface Sweep {
  readonly segment: number;
  readonly segments: number;
  readonly blocks: number;
}

function sweepOf(own: number, others: number): Sweep {
  const segment = segmentStep * Math.ceil(others / (segmentStep * mostSegments));
  const segments = Math.ceil(others / segment);
  return { segment, segments, blocks: segments * Math.ceil(own / lanes) };
}

/** Coordinates of both clouds less their common mean, over their common scale, in float32 chunks of four. */
function commonFrame(
  source: Cloud,
  target: Cloud,
  chunks: number,
): { source: Float32Array; target: Float32Array; scale: number } {
  const d = source.dimension;
  const mean = new Float64Array(d);
  for (const { points } of [source, target]) {
    for (let k = 0; k < points.length; k++) mean[k % d] += points[k] / (source.count + target.count);
  }
  let scale = 0;
  for (const { points } of [source, target]) {
    for (let k = 0; k < points.length; k++) scale = Math.max(scale, Math.abs(points[k] - mean[k % d]));
  }
  if (scale === 0) scale = 1;
  const frame = ({ points, count }: Cloud): Float32Array => {
    const out = new Float32Array(4 * chunks * count);
    for (let i = 0; i < count; i++) {
      for (let c = 0; c < d; c++) out[4 * chunks * i + c] = (points[i * d + c] - mean[c]) / scale;
    }
    return out;
  };
  return { source: frame(source), target: frame(target), scale };
}

/** Half-way between the extremes: the shift that leaves the smallest numbers. */
function midRange(values: Float64Array): number {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return 0.5 * (low + high);
}

/**
 * The float32 kernels on a GPU.
 *
 * @param gpu an open device; it stays open when the kernels are released
 * @returns a maker with the signature of `cpuKernels`; it throws UsageError when the cost is a user's function, or when the dimension
 *   exceeds 3840
 *
 * *Notes*: float32: values carry a relative error of about 1e-7 · (largest |ψ̃| + h), exponentials that over ε. A weight b below 1e-300
 * counts as 1e-300.
 *
 * *Good values*: ε ≥ 1e-4 of the largest cost; below that polish in float64 on the host.
 */
export function webgpuKernels(gpu: GpuDevice): CreateKernels {
  return (source, target, cost) => bindKernels(gpu, source, target, cost);
}

async function bindKernels(gpu: GpuDevice, source: Cloud, target: Cloud, cost: RadialCost): Promise<TransportKernels> {
  if (cost.kernel === null) {
    throw new UsageError(
      `webgpuKernels: cost must be linear, quadratic or Huber; got ${cost.name}. Use device: "cpu" for a cost of your own.`,
    );
  }
  const d = source.dimension;
  demand(
    target.dimension === d,
    "webgpuKernels",
    "target",
    `have the source's dimension ${d}`,
    target.dimension,
    "Give both clouds in the same space",
  );
  demand(
    d <= mostDimensions,
    "webgpuKernels",
    "dimension",
    `be at most ${mostDimensions}`,
    d,
    'Reduce the dimension, or use device: "cpu"',
  );
  const m = source.count;
  const n = target.count;
  const width = d <= 4 ? "narrow" : "wide";
  const [hard, soft, means, columns, hardJoin, softJoin, sumJoin] = await Promise.all([
    gpu.kernel(hardRows(width)),
    gpu.kernel(softRows(width)),
    gpu.kernel(rowMeans(width)),
    gpu.kernel(columnSums(width)),
    gpu.kernel(joinHard),
    gpu.kernel(joinSoft),
    gpu.kernel(joinSums),
  ]);

  const chunks = Math.ceil(d / 4);
  const frame = commonFrame(source, target, chunks);
  // h in the scaled frame: ½ k r² and L r keep their values with k s² and L s.
  const { kind } = cost.kernel;
  const stiffness = kind === "linear" ? 0 : cost.kernel.stiffness * frame.scale ** 2;
  const slope = kind === "quadratic" ? 0 : cost.kernel.slope * frame.scale;
  const knee = kind === "linear" ? 0 : slope / stiffness;
  const shape = {
    chunks,
    tile: Math.min(lanes, Math.floor(tileChunks / chunks)),
    halfStiffness: 0.5 * stiffness,
    slope,
    halfKnee: 0.5 * knee,
    kneeSquared: kind === "quadratic" ? 2 ** 127 : Math.min(knee ** 2, 2 ** 127),
  };
  const rows = sweepOf(m, n);
  const cols = sweepOf(n, m);
  const logB = Float64Array.from({ length: n }, (_, j) => Math.log(Math.max(weightOf(target, j), 1e-300)));

  const owned: GpuBuffer[] = [];
  const keep = <B extends GpuBuffer>(buffer: B): B => {
    owned.push(buffer);
    return buffer;
  };
  const onGpu = {
    sources: keep(gpu.upload(frame.source)),
    targets: keep(gpu.upload(frame.target)),
    mass: keep(gpu.upload(Float64Array.from({ length: m }, (_, i) => weightOf(source, i)))),
    ones: keep(gpu.upload(new Float32Array(n).fill(1))),
    zeros: keep(gpu.allocate(m)),
    potential: keep(gpu.allocate(n)),
    vector: keep(gpu.allocate(n)),
    least: keep(gpu.allocate(m)),
    leastAt: keep(gpu.allocate(m, "u32")),
    total: keep(gpu.allocate(m)),
    weight: keep(gpu.allocate(m)),
    mean: keep(gpu.allocate(m)),
    result: keep(gpu.allocate(n)),
    partLeast: keep(gpu.allocate(rows.segments * m)),
    partAt: keep(gpu.allocate(rows.segments * m, "u32")),
    partTotal: keep(gpu.allocate(rows.segments * m)),
    partColumn: keep(gpu.allocate(cols.segments * n)),
  };
  const overRows = { own: m, others: n, segment: rows.segment, ...shape };
  const overColumns = { own: n, others: m, segment: cols.segment, ...shape };
  const rowPoints = { ownPoints: onGpu.sources, otherPoints: onGpu.targets };
  const columnPoints = { ownPoints: onGpu.targets, otherPoints: onGpu.sources };
  const rowBlocks = Math.ceil(m / lanes);
  const columnBlocks = Math.ceil(n / lanes);

  // ψ̃ on the device, less its mid-range, which is returned.
  const load = (potential: Float64Array, epsilon: number): number => {
    const tilted = epsilon === 0 ? potential : potential.map((value, j) => value - epsilon * logB[j]);
    const shift = midRange(tilted);
    gpu.write(
      onGpu.potential,
      tilted.map((value) => value - shift),
    );
    return shift;
  };

  // The soft rows of the last (ψ, ε) stay on the device: least, total and weight.
  let rowsOf: { readonly potential: Float64Array; readonly epsilon: number; readonly shift: number } | null = null;
  const loadRows = (potential: Float64Array, epsilon: number): number => {
    if (rowsOf?.epsilon === epsilon && rowsOf.potential.every((value, j) => value === potential[j]))
      return rowsOf.shift;
    const { potential: psi, partLeast, partTotal, mass, least, total, weight } = onGpu;
    const inverseEpsilon = 1 / epsilon;
    const shift = load(potential, epsilon);
    soft.run(
      { ...rowPoints, potential: psi, least: partLeast, total: partTotal },
      { ...overRows, inverseEpsilon },
      rows.blocks,
    );
    softJoin.run(
      { parts: partLeast, totals: partTotal, mass, least, total, weight },
      { own: m, segments: rows.segments, inverseEpsilon },
      rowBlocks,
    );
    rowsOf = { potential: potential.slice(), epsilon, shift };
    return shift;
  };

  const sumColumns = (vector: GpuBuffer<"f32">, mean: GpuBuffer<"f32">, epsilon: number): void => {
    const { potential, least, weight, partColumn, ones, result } = onGpu;
    columns.run(
      { ...columnPoints, potential, vector, least, weight, mean, part: partColumn },
      { ...overColumns, inverseEpsilon: 1 / epsilon },
      cols.blocks,
    );
    sumJoin.run({ parts: partColumn, divisor: ones, result }, { own: n, segments: cols.segments }, columnBlocks);
  };

  return {
    sourceCount: m,
    targetCount: n,
    device: "webgpu",
    adapter: gpu.adapter.name,
    precision: 2 ** -24,
    async hardTransform(potential) {
      const { potential: psi, partLeast, partAt, least, leastAt } = onGpu;
      rowsOf = null;
      const shift = load(potential, 0);
      hard.run(
        { ...rowPoints, potential: psi, least: partLeast, least_at: partAt },
        { ...overRows, inverseEpsilon: 0 },
        rows.blocks,
      );
      hardJoin.run(
        { parts: partLeast, parts_at: partAt, least, least_at: leastAt },
        { own: m, segments: rows.segments },
        rowBlocks,
      );
      const [values, argmin] = await Promise.all([gpu.download(least), gpu.downloadIntegers(leastAt)]);
      return { values: values.map((value) => value + shift), argmin: new Int32Array(argmin) };
    },
    async softTransform(potential, epsilon) {
      const shift = loadRows(potential, epsilon);
      sumColumns(onGpu.ones, onGpu.zeros, epsilon);
      const [least, total, marginal] = await Promise.all([
        gpu.download(onGpu.least),
        gpu.download(onGpu.total),
        gpu.download(onGpu.result),
      ]);
      return { values: least.map((value, i) => shift + value - epsilon * Math.log(total[i])), marginal };
    },
    async hessianApply(potential, epsilon, vector) {
      const { potential: psi, vector: v, least, partTotal, total, mean } = onGpu;
      loadRows(potential, epsilon);
      // K annihilates constants, so v may lose its mean before it is rounded.
      const middle = vector.reduce((sum, value) => sum + value, 0) / n;
      gpu.write(
        v,
        vector.map((value) => value - middle),
      );
      means.run(
        { ...rowPoints, potential: psi, vector: v, least, part: partTotal },
        { ...overRows, inverseEpsilon: 1 / epsilon },
        rows.blocks,
      );
      sumJoin.run({ parts: partTotal, divisor: total, result: mean }, { own: m, segments: rows.segments }, rowBlocks);
      sumColumns(v, mean, epsilon);
      return (await gpu.download(onGpu.result)).map((value) => value / epsilon);
    },
    release() {
      for (const buffer of owned) buffer.release();
    },
  };
}
