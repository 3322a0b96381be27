// The discrete adjoint against finite differences of the whole training objective, computed in float64 from its definition.
import type { Tensor2D } from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { eulerPath, pathGradient } from "../../../solvers/neural/euler-path.js";
import { generator } from "../../../src/random/index.js";
import { hostPotential, openTensors, potentialParameterShapes, potentialWeights } from "../../../src/tensor/index.js";

const shape = { dimension: 2, width: 6, depth: 2 };
const shapes = potentialParameterShapes(shape);
const batch = 5;
const times = [0, 0.3, 0.55, 1];
const penalties = { straightness: 0.7, hamiltonJacobi: 0.4, terminal: 1.3 };
const g = generator(3);
const parameters = shapes.map(([r, c]) => g.normal(r * c).map((z) => 0.5 * z));
const start = g.normal(batch * 2);

/** φ(u) = ½(u₁ − 1)² + sin u₂ stands for κφ. */
const phi = (u: Float64Array, i: number) => 0.5 * (u[2 * i] - 1) ** 2 + Math.sin(u[2 * i + 1]);
const slopeOf = (u: Float64Array) => u.map((x, j) => (j % 2 === 0 ? x - 1 : Math.cos(x)));

/** Path, kinetic energy, and ℓ with K and κ∇φ frozen where `frozen` gives them. */
function objective(theta: readonly Float64Array[], frozen?: { kinetic: number; slope: Float64Array }) {
  const network = hostPotential(shape, theta);
  const n = times.length - 1;
  let u = start.slice();
  const gradients: Float64Array[] = [];
  const rates: Float64Array[] = [];
  let kinetic = 0;
  for (let k = 0; k <= n; k++) {
    const gradient = new Float64Array(batch * 2);
    const rate = new Float64Array(batch);
    network.evaluate(u, times[k], new Float64Array(batch), gradient, rate);
    gradients.push(gradient);
    rates.push(rate);
    if (k === n) break;
    const dt = times[k + 1] - times[k];
    kinetic += (0.5 * dt * gradient.reduce((s, p) => s + p * p, 0)) / batch;
    u = u.map((x, j) => x - dt * gradient[j]);
  }
  const slope = frozen?.slope ?? slopeOf(u);
  const scale = (frozen?.kinetic ?? kinetic) + 1e-3;
  let bend = 0;
  let residual = 0;
  let gap = 0;
  let terminal = 0;
  for (let i = 0; i < batch; i++) {
    terminal += phi(u, i) / batch;
    for (let k = 0; k <= n; k++) {
      let energy = 0;
      for (let a = 0; a < 2; a++) {
        const j = 2 * i + a;
        bend += (0.5 * (gradients[k][j] - (start[j] - u[j])) ** 2) / (n + 1) / batch;
        energy += 0.5 * gradients[k][j] ** 2;
        if (k === n) gap += (0.5 * (gradients[k][j] - slope[j]) ** 2) / batch;
      }
      residual += (0.5 * (energy - rates[k][i]) ** 2) / (n + 1) / batch / scale;
    }
  }
  const value =
    terminal + kinetic + penalties.straightness * bend + penalties.hamiltonJacobi * residual + penalties.terminal * gap;
  return { value, kinetic, slope, end: u };
}

describe("Euler path", () => {
  it("adjoint gradient = finite differences of the objective, all penalties on, on an uneven grid", async () => {
    const { tf } = await openTensors({ device: "cpu" });
    const base = objective(parameters);
    const before = tf.memory().numTensors;
    const found = tf.tidy(() => {
      const weights = potentialWeights(
        tf,
        shape,
        parameters.map((p, i) => tf.tensor(Float32Array.from(p), shapes[i])),
      );
      const path = eulerPath(tf, weights, tf.tensor2d(Float32Array.from(start), [batch, 2]), times);
      const end = path.points[times.length - 1].dataSync();
      const slope = tf.tensor2d(Float32Array.from(base.slope), [batch, 2]) as Tensor2D;
      const gradient = pathGradient(tf, weights, path, slope, penalties);
      return { end, kinetic: gradient.kinetic.dataSync()[0], parameters: gradient.parameters.map((p) => p.dataSync()) };
    });
    expect(tf.memory().numTensors).toBe(before);
    expect(found.end).toAgree(base.end, { rtol: 1e-5, atol: 1e-5 });
    expect(found.kinetic).toAgree(base.kinetic, { rtol: 1e-5 });
    parameters.forEach((p, k) => {
      const numeric = p.map((_, i) => {
        const at = (h: number) =>
          objective(
            parameters.with(
              k,
              p.map((v, j) => (j === i ? v + h : v)),
            ),
            base,
          ).value;
        return (8 * (at(1e-3) - at(-1e-3)) - (at(2e-3) - at(-2e-3))) / 12e-3;
      });
      expect(found.parameters[k]).toAgree(numeric, { rtol: 1e-4, atol: 1e-4 });
    });
  });
});
