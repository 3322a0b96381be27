// The catalogue's weights are good ones: the exact optimum on samples comes as near to held-out data as a second sample would.
import { expect, test } from "vitest";
import { catalogue, type ProximalFlow } from "../../problems/index.js";
import { type Cloud, cloud, samplingFloor, wasserstein2 } from "../../src/measure/index.js";
import { type Generator, generator } from "../../src/random/index.js";
import { huberCost, semiRelaxedTransport } from "../../src/transport/index.js";

/** Ends of the optimal paths from `source` to the target's samples (the heavier arc where a plan splits), and its divergence. */
async function optimum(
  problem: ProximalFlow,
  source: Cloud,
  target: Cloud,
): Promise<{ end: Cloud; divergence: number }> {
  const { kineticWeight: lambda, horizon: T, lipschitz: L, divergence } = problem;
  const cost = huberCost(lambda, T, L);
  const { plan, objective, status } = await semiRelaxedTransport(
    { source, target, cost, divergence },
    { device: "cpu" },
  );
  expect(status.converged).toBe(true);
  const heaviest = new Float64Array(source.count);
  const end = source.points.slice();
  let transport = 0;
  plan.from.forEach((i, k) => {
    const j = plan.to[k];
    const dx = target.points[2 * j] - source.points[2 * i];
    const dy = target.points[2 * j + 1] - source.points[2 * i + 1];
    const r = Math.hypot(dx, dy);
    transport += plan.mass[k] * cost.h(r);
    if (plan.mass[k] <= heaviest[i]) return;
    heaviest[i] = plan.mass[k];
    const share = r > 0 ? Math.min(1, (L * T) / (lambda * r)) : 0;
    end[2 * i] = source.points[2 * i] + share * dx;
    end[2 * i + 1] = source.points[2 * i + 1] + share * dy;
  });
  return { end: cloud(end, 2), divergence: objective.primal! - transport };
}

function draw(c: Cloud, count: number, g: Generator): Cloud {
  const points = [...g.permutation(c.count).subarray(0, count)].flatMap((i) => [c.points[2 * i], c.points[2 * i + 1]]);
  return cloud(points, 2);
}

test.each(["two-moons", "pinwheel", "eight-gaussians", "checkerboard", "swiss-roll", "circles", "spirals"])(
  "%s: W₂ of 500 optimal ends to 500 held-out samples ≤ 1.3 sampling floors",
  async (name) => {
    const problem = catalogue[name].make();
    const g = generator(42);
    const source = problem.source.sample(500, g.split("source"));
    const { end, divergence } = await optimum(problem, source, problem.target.sample(500, g.split("target")));
    const floor = samplingFloor(problem.target, 500, 4, g.split("floor"));
    expect(wasserstein2(end, problem.heldOut!)).toBeLessThanOrEqual(1.3 * floor.mean);
    expect(divergence).toBeLessThanOrEqual(0.01); // nats: ρ_T has the target's weights
  },
);

test("Old Faithful: the same, over 40 draws of 54 from the 218 ends and from the training data", async () => {
  const problem = catalogue["old-faithful"].make();
  const training = problem.target.data!;
  const g = generator(42);
  const { end, divergence } = await optimum(problem, problem.source.sample(218, g.split("source")), training);
  const mean = (c: Cloud): number => {
    let sum = 0;
    for (let k = 0; k < 40; k++) sum += wasserstein2(draw(c, 54, g.split(`draw ${k}`)), problem.heldOut!);
    return sum / 40;
  };
  expect(mean(end)).toBeLessThanOrEqual(1.3 * mean(training));
  expect(divergence).toBeLessThanOrEqual(0.01);
});
