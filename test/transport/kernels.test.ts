// The float64 kernels against their formulas, and the Hessian against differences of the marginal.
import { describe, expect, it } from "vitest";
import { cloud } from "../../src/measure/index.js";
import { generator } from "../../src/random/index.js";
import { cpuKernels, huberCost, transformAt } from "../../src/transport/index.js";

const [m, n, d] = [7, 5, 2];
const source = cloud(generator(1).normal(m * d), d);
const target = cloud(generator(2).normal(n * d), d, [0.1, 0.2, 0.3, 0.15, 0.25]);
const cost = huberCost(0.5, 1, 1);
const psi = generator(3).normal(n);
const b = target.weights as Float64Array;
const h = (i: number, j: number) =>
  cost.h(Math.hypot(source.points[2 * i] - target.points[2 * j], source.points[2 * i + 1] - target.points[2 * j + 1]));

describe("CPU kernels", () => {
  it("hard transform is the φ-transform at the source", async () => {
    const kernels = await cpuKernels(source, target, cost);
    expect(await kernels.hardTransform(psi)).toEqual(transformAt(source.points, psi, target, cost));
  });
  it.each([1, 0.1, 1e-3])("soft transform at ε = %d, written out", async (epsilon) => {
    const kernels = await cpuKernels(source, target, cost);
    const { values, marginal } = await kernels.softTransform(psi, epsilon);
    const expected = new Float64Array(n);
    for (let i = 0; i < m; i++) {
      const terms = Array.from({ length: n }, (_, j) => -(psi[j] + h(i, j)) / epsilon + Math.log(b[j]));
      const top = Math.max(...terms);
      const sum = terms.reduce((s, t) => s + Math.exp(t - top), 0);
      expect(values[i]).toAgree(-epsilon * (top + Math.log(sum)), { rtol: 1e-13 });
      for (let j = 0; j < n; j++) expected[j] += Math.exp(terms[j] - top) / sum / m;
    }
    expect(marginal).toAgree(expected, { rtol: 1e-11, atol: 1e-15 });
    expect(marginal.reduce((s, x) => s + x, 0)).toAgree(1, { rtol: 1e-14 });
  });
  it("Hessian product is minus the derivative of the marginal, kept plan or not, and vanishes on constants", async () => {
    const epsilon = 0.3;
    const v = generator(5).normal(n);
    const kernels = await cpuKernels(source, target, cost);
    const fresh = await kernels.hessianApply(psi, epsilon, v);
    await kernels.softTransform(psi, epsilon);
    expect(await kernels.hessianApply(psi, epsilon, v)).toAgree(fresh, { rtol: 1e-12, atol: 1e-15 });
    const step = 1e-5;
    const at = async (s: number) =>
      (
        await kernels.softTransform(
          psi.map((y, j) => y + s * v[j]),
          epsilon,
        )
      ).marginal;
    const [up, down] = [await at(step), await at(-step)];
    expect(fresh).toAgree(
      up.map((x, j) => -(x - down[j]) / (2 * step)),
      { rtol: 1e-7, atol: 1e-9 },
    );
    const constant = await kernels.hessianApply(psi, epsilon, new Float64Array(n).fill(3));
    expect(constant).toAgree(new Float64Array(n), { atol: 1e-15 });
    kernels.release();
  });
});
