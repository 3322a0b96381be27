// The float32 transport kernels against their float64 twin, on random and odd-sized inputs.
// Tolerances: a cost of size C is rounded at u = 6e-8 in a handful of steps, so values carry a few u·C and exponents a few u·C/ε;
// sums of K terms in segments of 256 carry at most (256 + segments) u, typically √256 u.
import { afterAll, describe, expect, it } from "vitest";
import type { GpuDevice } from "../../src/device/index.js";
import { type Cloud, cloud } from "../../src/measure/index.js";
import { generator } from "../../src/random/index.js";
import { cpuKernels, huberCost, linearCost, quadraticCost, radialCost } from "../../src/transport/index.js";
import { webgpuKernels } from "../../src/transport/kernels.wgsl.js";
import { gpuHere } from "../device/here.js";

const gpu = (await gpuHere()) as GpuDevice;
afterAll(() => gpu?.release());

const u = 2 ** -24;

function randomCloud(seed: number, count: number, dimension: number, offset: number, weighted: boolean): Cloud {
  const g = generator(seed);
  const points = g.normal(count * dimension).map((x) => offset + x);
  const raw = g.uniform(count).map((x) => 0.1 + x);
  const sum = raw.reduce((a, b) => a + b, 0);
  return cloud(points, dimension, weighted ? raw.map((w) => w / sum) : null);
}

const costs = [linearCost(1.5), quadraticCost(0.5, 1), huberCost(0.5, 1, 0.7)];
// Every size in both roles, every dimension, every cost; the large ones with one cost each.
const cases = [
  [1, 1, 1],
  [1, 257, 2],
  [3, 64, 1],
  [63, 3, 10],
  [64, 65, 3],
  [65, 63, 2],
  [257, 1, 3],
  [257, 1000, 2],
  [1000, 257, 10],
  [1000, 1000, 1],
].flatMap(([m, n, d], k) =>
  (m * n < 1e5 ? costs : [costs[k % 3]]).map((cost) => ({
    m,
    n,
    d,
    cost,
    label: `${m} × ${n} in ${d}-D, ${cost.name}`,
  })),
);

describe.skipIf(gpu === null)("transport kernels on the GPU", () => {
  it.each(cases)("agree with float64: $label", async ({ m, n, d, cost }) => {
    const source = randomCloud(m + 7 * d, m, d, 0, m % 2 === 1);
    const target = randomCloud(n + 11 * d + 1, n, d, 1, n % 2 === 1);
    const cpu = await cpuKernels(source, target, cost);
    const gpuTwin = await webgpuKernels(gpu)(source, target, cost);
    const g = generator(5);
    const psi = g.normal(n).map((x) => 3 + 0.5 * x);
    const v = g.normal(n);
    const hard = await cpu.hardTransform(psi);
    let size = 0; // largest |ψ − 3| + h that takes part
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j += 7) size = Math.max(size, hardEntry(source, target, psi, cost.h, i, j));

    const single = await gpuTwin.hardTransform(psi);
    expect(single.values).toAgree(hard.values, { atol: 8 * u * size, rtol: u });
    // Where another j was taken, it is as good to rounding.
    const taken = Float64Array.from(single.argmin, (j, i) => hardEntry(source, target, psi, cost.h, i, j) + 3);
    expect(taken).toAgree(hard.values, { atol: 8 * u * size });

    for (const epsilon of [1, 0.05]) {
      const soft = await cpu.softTransform(psi, epsilon);
      const softSingle = await gpuTwin.softTransform(psi, epsilon);
      const exponent = 8 * u * (1 + size / epsilon) + 32 * u;
      expect(softSingle.values).toAgree(soft.values, { atol: epsilon * exponent + 8 * u * size, rtol: u });
      const most = Math.max(...soft.marginal);
      expect(softSingle.marginal).toAgree(soft.marginal, { rtol: 4 * exponent, atol: exponent * most });
      expect(softSingle.marginal.reduce((a, b) => a + b)).toAgree(1, { rtol: 64 * u });
      const hessian = await cpu.hessianApply(psi, epsilon, v);
      const hessianSingle = await gpuTwin.hessianApply(psi, epsilon, v);
      const reach = Math.max(...v.map(Math.abs));
      expect(hessianSingle).toAgree(hessian, { atol: (4 * exponent * most * reach) / epsilon });
    }
    gpuTwin.release();
  });

  it("keep a huge common offset and any unit of length exact", async () => {
    const near = randomCloud(1, 100, 2, 0, false);
    const there = randomCloud(2, 90, 2, 1, false);
    const psi = generator(3).normal(90);
    const expected = await (await cpuKernels(near, there, quadraticCost(1, 1))).softTransform(psi, 0.1);
    const move = (c: Cloud, offset: number, unit: number) =>
      cloud(
        c.points.map((x) => (x + offset) * unit),
        2,
      );
    for (const [offset, unit] of [
      [2 ** 20, 1],
      [0, 2 ** 60],
      [0, 2 ** -80],
    ]) {
      const kernels = await webgpuKernels(gpu)(
        move(near, offset, unit),
        move(there, offset, unit),
        quadraticCost(unit ** -2, 1),
      );
      const soft = await kernels.softTransform(psi, 0.1);
      expect(soft.values).toAgree(expected.values, { atol: 1e-5 });
      kernels.release();
    }
  });

  it("do not care for a constant in ψ, however large", async () => {
    const kernels = await webgpuKernels(gpu)(
      randomCloud(1, 65, 2, 0, false),
      randomCloud(2, 70, 2, 1, true),
      linearCost(1),
    );
    const psi = generator(3).normal(70);
    const plain = await kernels.softTransform(psi, 0.1);
    const raised = await kernels.softTransform(
      psi.map((x) => x + 2 ** 30),
      0.1,
    );
    expect(raised.values.map((x) => x - 2 ** 30)).toAgree(plain.values, { atol: 1e-5 });
    kernels.release();
  });

  it("survive costs so far apart that most exponentials vanish", async () => {
    const source = cloud([0, 1e4, -1e4], 1);
    const target = cloud([0, 1e4, 5e3], 1);
    const kernels = await webgpuKernels(gpu)(source, target, quadraticCost(1, 1));
    const cpu = await cpuKernels(source, target, quadraticCost(1, 1));
    const psi = new Float64Array(3);
    const soft = await kernels.softTransform(psi, 1e-3);
    const expected = await cpu.softTransform(psi, 1e-3);
    expect(soft.values).toAgree(expected.values, { rtol: 1e-6, atol: 1e-5 });
    expect(soft.marginal).toAgree(expected.marginal, { rtol: 1e-6 });
    kernels.release();
  });

  it("give the same bits every run, and take the smallest j of a tie", async () => {
    const source = randomCloud(1, 300, 3, 0, true);
    const target = randomCloud(2, 600, 3, 0, true);
    const psi = generator(4).normal(600);
    const runs = [];
    for (let run = 0; run < 3; run++) {
      const kernels = await webgpuKernels(gpu)(source, target, huberCost(1, 1, 1));
      runs.push([await kernels.softTransform(psi, 0.03), await kernels.hessianApply(psi, 0.03, psi)]);
      kernels.release();
    }
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
    const twins = cloud(new Float64Array(700).fill(2), 1);
    const tie = await webgpuKernels(gpu)(cloud([0, 1], 1), twins, linearCost(1));
    expect(Array.from((await tie.hardTransform(new Float64Array(700))).argmin)).toEqual([0, 0]);
    tie.release();
  });

  it("annihilate constants and are symmetric and positive", async () => {
    const source = randomCloud(1, 200, 2, 0, false);
    const target = randomCloud(2, 150, 2, 0, true);
    const kernels = await webgpuKernels(gpu)(source, target, quadraticCost(1, 1));
    const g = generator(9);
    const [psi, v, w] = [g.normal(150), g.normal(150), g.normal(150)];
    const dot = (x: Float64Array, y: Float64Array) => x.reduce((sum, value, j) => sum + value * y[j], 0);
    const one = await kernels.hessianApply(psi, 0.1, new Float64Array(150).fill(5));
    expect(one).toAgree(new Float64Array(150), { atol: 1e-12 });
    const [kv, kw] = [await kernels.hessianApply(psi, 0.1, v), await kernels.hessianApply(psi, 0.1, w)];
    expect(dot(kv, w)).toAgree(dot(v, kw), { atol: 1e-5 * Math.sqrt(dot(kv, v) * dot(kw, w)) });
    expect(dot(kv, v)).toBeGreaterThan(0);
    kernels.release();
  });

  it("hand their memory back", async () => {
    const before = gpu.memory();
    const kernels = await webgpuKernels(gpu)(
      randomCloud(1, 50, 2, 0, false),
      randomCloud(2, 60, 2, 0, false),
      linearCost(1),
    );
    expect(gpu.memory().live).toBeGreaterThan(before.live);
    kernels.release();
    expect(gpu.memory().live).toBe(before.live);
    expect(gpu.memory().buffers).toBe(before.buffers);
  });

  it("handle dimensions beyond the registers and refuse those beyond the workgroup memory", async () => {
    const source = randomCloud(1, 20, 784, 0, false);
    const target = randomCloud(2, 70, 784, 0.1, false);
    const psi = generator(3).normal(70);
    const expected = await (await cpuKernels(source, target, linearCost(1))).hardTransform(psi);
    const kernels = await webgpuKernels(gpu)(source, target, linearCost(1));
    expect((await kernels.hardTransform(psi)).values).toAgree(expected.values, { rtol: 784 * u });
    kernels.release();
    const far = cloud(new Float64Array(3841), 3841);
    await expect(webgpuKernels(gpu)(far, far, linearCost(1))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: webgpuKernels: dimension must be at most 3840; got 3841. Reduce the dimension, or use device: "cpu".]`,
    );
  });

  it("refuse a cost of the user's own and mixed dimensions", async () => {
    const own = radialCost({ name: "r^1.5", h: (r) => r ** 1.5, derivative: (r) => 1.5 * Math.sqrt(r) });
    const one = cloud([0], 1);
    await expect(webgpuKernels(gpu)(one, one, own)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: webgpuKernels: cost must be linear, quadratic or Huber; got r^1.5. Use device: "cpu" for a cost of your own.]`,
    );
    await expect(webgpuKernels(gpu)(one, cloud([0, 0], 2), linearCost(1))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: webgpuKernels: target must have the source's dimension 1; got 2. Give both clouds in the same space.]`,
    );
  });
});

function hardEntry(
  source: Cloud,
  target: Cloud,
  psi: Float64Array,
  h: (r: number) => number,
  i: number,
  j: number,
): number {
  const d = source.dimension;
  let squared = 0;
  for (let c = 0; c < d; c++) squared += (source.points[i * d + c] - target.points[j * d + c]) ** 2;
  return psi[j] - 3 + h(Math.sqrt(squared));
}
