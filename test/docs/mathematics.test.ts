// Keys that the documents cite are in the bibliography, and the gap identity of mathematics.md holds for a control that is not optimal.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { gaussianShift } from "../../problems/index.js";
import { generator } from "../../src/random/index.js";

const read = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");

test("cited keys exist", () => {
  const keys = [...read("mathematics.md").matchAll(/\[([a-z]+\d{4}[^\]]*)\]/g)].flatMap((m) => m[1].split(", "));
  expect(keys.length).toBeGreaterThan(5);
  for (const key of keys) expect(read("references.bib")).toContain(`{${key},`);
});

test("gap identity: the excess of a control is (λ/2)∫E|v − v*|²", () => {
  const problem = gaussianShift({ dimension: 2 });
  const { exact, kineticWeight: lambda, horizon: T } = problem;
  const x0 = problem.source.sample(200, generator(3)).points;
  const steps = 400;
  const dt = T / steps;
  const x = x0.slice();
  let kinetic = 0;
  let distance = 0;
  for (let n = 0; n < steps; n++) {
    const t = (n + 0.5) * dt; // the control depends on time and the label alone: the midpoint rule is second order
    const best = exact!.velocity(t, x);
    for (let i = 0; i < x.length; i++) {
      const v = Math.sin(3 * t) - 0.7 * x0[i];
      kinetic += (lambda / 2) * v * v * dt;
      distance += (lambda / 2) * (v - best[i]) ** 2 * dt;
      x[i] += dt * v;
    }
  }
  const sum = (a: Float64Array): number => a.reduce((p, q) => p + q, 0);
  expect(sum(exact!.potential(T, x)) + kinetic - sum(exact!.potential(0, x0))).toAgree(distance, { rtol: 1e-4 });
});
