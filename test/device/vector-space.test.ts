// The VectorSpace over GPU buffers: the same operations as on arrays, and the same conjugate gradients drive both.
import { afterAll, describe, expect, it } from "vitest";
import { type GpuDevice, gpuLaplacian, gpuSpace } from "../../src/device/index.js";
import { axis, type Boundary, grid, laplacian } from "../../src/grid/index.js";
import { arraySpace, conjugateGradient } from "../../src/linalg/index.js";
import { generator } from "../../src/random/index.js";
import { gpuHere } from "./here.js";

const gpu = (await gpuHere()) as GpuDevice;
afterAll(() => gpu?.release());

const u = 2 ** -24;
const line = (points: number, boundary: Boundary) => axis({ lower: 0, upper: 1, points, boundary });

describe.skipIf(gpu === null)("gpuSpace", () => {
  it.each([1, 65, 1000])("n = %i: does what arraySpace does", async (n) => {
    const space = await gpuSpace(gpu, n, 0.5);
    const cpu = arraySpace(n, 0.5);
    const g = generator(n);
    const [a, b] = [g.normal(n), g.normal(n)];
    const [x, y] = [space.from(a), space.from(b)];
    const z = space.copy(x);
    space.scale(3, z);
    space.axpy(-2, y, z);
    space.assign(z, y);
    const c = a.map((value, i) => 3 * value - 2 * b[i]);
    expect(await gpu.download(y)).toAgree(c, { rtol: 4 * u, atol: 32 * u });
    const size = 32 * u * (1 + (await cpu.norm(a)) * (await cpu.norm(c)));
    expect(await space.dot(x, z)).toAgree(await cpu.dot(a, c), { atol: size });
    expect(await space.dots([x, z], x)).toEqual([await space.dot(x, x), await space.dot(z, x)]);
    expect(await space.norm(x)).toAgree(await cpu.norm(a), { rtol: 32 * u });
    expect(Array.from(await gpu.download(space.zeros()))).toEqual(Array.from(new Float64Array(n)));
    const before = gpu.memory().live;
    space.release();
    expect(gpu.memory().live).toBeLessThan(before);
  });

  it("makes exact zeros of a = 0, whatever was there", async () => {
    const space = await gpuSpace(gpu, 3);
    const x = space.from(Float64Array.of(Number.NaN, Infinity, 2));
    space.scale(0, x);
    expect(Array.from(await gpu.download(x))).toEqual([0, 0, 0]);
    space.release();
  });

  it("refuses impossible sizes", async () => {
    await expect(gpuSpace(gpu, 0)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: gpuSpace: length must be an integer ≥ 1; got 0. Give the number of unknowns.]`,
    );
    await expect(gpuSpace(gpu, 2, 0)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[UsageError: gpuSpace: weight must be a finite number > 0; got 0. Use 1 or the grid's cellVolume.]`,
    );
    const space = await gpuSpace(gpu, 2);
    expect(() => space.from(new Float64Array(3))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: gpuSpace: values must have length 2; got 3. Give one value for each unknown.]`,
    );
  });
});

describe.skipIf(gpu === null)("gpuLaplacian", () => {
  const boundaries: Boundary[] = ["periodic", "no-flux", "dirichlet"];
  const grids = boundaries.flatMap((first, k) => [
    grid([line(65, first)]),
    grid([line(7, first), line(33, boundaries[(k + 1) % 3])]),
    grid([line(4, first), line(5, boundaries[(k + 1) % 3]), line(9, boundaries[(k + 2) % 3])]),
  ]);

  it("equals the CPU's on every kind of axis, in 1-D to 3-D", async () => {
    for (const g of grids) {
      const field = generator(g.size).normal(g.size);
      const apply = await gpuLaplacian(gpu, g);
      const [x, out] = [gpu.upload(field), gpu.allocate(g.size)];
      apply(x, out);
      const stiffest = g.axes.reduce((sum, ax) => sum + 4 / ax.spacing ** 2, 0);
      expect(await gpu.take(out)).toAgree(laplacian(g, field), { atol: 16 * u * stiffest });
      expect(() => apply(x, x)).toThrow(
        `gpuLaplacian: u and out must be two buffers of length ${g.size}; got "one buffer".`,
      );
      x.release();
    }
  });

  it("is inverted by the same conjugate gradients on both devices", async () => {
    const g = grid([line(63, "dirichlet")]);
    const negative = async <V>(
      space: Parameters<typeof conjugateGradient<V>>[0]["space"],
      apply: (x: V, out: V) => void,
      rhs: V,
      tolerance: number,
    ) =>
      conjugateGradient({
        space,
        rhs,
        tolerance,
        apply: (x, out) => {
          apply(x, out);
          space.scale(-1, out);
        },
      });
    // −u″ = 2 has u = x(1 − x), which the second-order stencil reproduces exactly.
    const exact = g.axes[0].nodes.map((x) => x * (1 - x));
    const cpu = await negative(
      arraySpace(g.size),
      (x, out) => laplacian(g, x, out),
      new Float64Array(g.size).fill(2),
      1e-12,
    );
    expect(cpu.status.converged).toBe(true);
    expect(cpu.solution).toAgree(exact, { atol: 1e-12 });
    const space = await gpuSpace(gpu, g.size);
    const single = await negative(
      space,
      await gpuLaplacian(gpu, g),
      space.from(new Float64Array(g.size).fill(2)),
      1e-4,
    );
    expect(single.status.converged).toBe(true);
    expect(single.iterations).toBeLessThanOrEqual(2 * cpu.iterations);
    // Residual 1e-4 ‖b‖ over the smallest eigenvalue π² of −Δ: error ≤ 1e-4 · 2/π² in the root mean square, ×√n in the maximum.
    expect(await gpu.download(single.solution)).toAgree(exact, { atol: 2.1e-5 * Math.sqrt(g.size) });
    space.release();
  });
});
