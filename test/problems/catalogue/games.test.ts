import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  corridor,
  densityOn,
  ergodicTorus,
  evacuation,
  firstOrderTorus,
  games,
  hamiltonianJet,
  linearQuadraticMean,
  logGaussian,
  type MeanFieldGame,
  manufacturedTorus,
  obstacleCrowd,
  systemicRisk,
  torusCrowd,
  twoCrowds,
} from "../../../problems/index.js";
import { cells, integrate } from "../../../src/grid/index.js";
import { cloud } from "../../../src/measure/index.js";
import { generator } from "../../../src/random/index.js";
import { message } from "../terms/check.js";

describe("catalogue", () => {
  test.each(Object.entries(games))("%s makes a game of its name, with citations that exist", (name, entry) => {
    const game = entry.make();
    expect(game.name).toBe(name);
    expect(game.references).toEqual(entry.references);
    const bibliography = readFileSync(new URL("../../../docs/references.bib", import.meta.url), "utf8");
    for (const key of game.references) expect(bibliography).toContain(`{${key},`);
    expect(existsSync(new URL(`../../../problems/catalogue/${name}.ts`, import.meta.url))).toBe(true);
    expect(JSON.parse(JSON.stringify(game.describe()))).toEqual(game.describe());
    expect(game.equations.length).toBe(2 * game.populations.length);
    const c = cells(game.domain, 16);
    for (const p of game.populations) {
      if (p.initial === null) continue;
      expect(integrate(c.grid, densityOn(p.initial, p.mass, c, "test"))).toAgree(1, { rtol: 1e-9 });
    }
    const m = game.populations.map(() => new Float64Array(c.grid.size).fill(0.5));
    const out = m.map((column) => new Float64Array(column.length));
    game.coupling.on(c).evaluate(0, m, out);
    game.terminal?.on(c).evaluate(game.horizon, m, out);
    expect(out.every((column) => column.every(Number.isFinite))).toBe(true);
  });

  test("what each game answers before any work", () => {
    const answers = (g: MeanFieldGame) => [g.isMonotone, g.isPotential, g.isLinearQuadratic, g.hasExact];
    expect(answers(torusCrowd())).toEqual([true, true, false, false]);
    expect(answers(ergodicTorus())).toEqual([true, true, false, false]);
    expect(answers(logGaussian())).toEqual([true, true, false, true]);
    expect(answers(linearQuadraticMean())).toEqual([false, true, true, true]);
    expect(answers(firstOrderTorus())).toEqual([true, true, false, true]);
    expect(answers(firstOrderTorus({ coupling: "decreasing" }))).toEqual([false, true, false, false]);
    expect(answers(obstacleCrowd())).toEqual([true, true, false, false]);
    expect(answers(manufacturedTorus())).toEqual([true, true, false, true]);
    expect(answers(twoCrowds())).toEqual([true, true, false, false]);
    expect(answers(twoCrowds({ other: 2 }))).toEqual([false, true, false, false]);
    expect(systemicRisk().hasExact).toBe(true);
    expect(corridor().isPotential).toBe(false);
  });
});

// The exact functions put into the equations, with fourth-order differences of step h.
const h = 1e-3;

function residuals(
  game: MeanFieldGame,
  t: number,
  x: Float64Array,
  mean: readonly number[],
): Record<string, Float64Array> {
  const { exact, dimension: d, mode } = game;
  const [{ viscosity: nu, hamiltonian, valueSource, densitySource }] = game.populations;
  const n = x.length / d;
  const u = (s: number, y: Float64Array) => exact!.value(s, y);
  const m = (s: number, y: Float64Array) => exact!.density(s, y);
  const shifted = (y: Float64Array, a: number, by: number) => y.map((v, i) => (i % d === a ? v + by : v));
  const combine = (f: (j: number) => Float64Array, weights: readonly number[], scale: number) => {
    const parts = weights.map((w, j) => (w === 0 ? null : f(j - 2)));
    return Float64Array.from({ length: n }, (_, i) =>
      weights.reduce((sum, w, j) => sum + (w === 0 ? 0 : (w * parts[j]![i]) / scale), 0),
    );
  };
  const first = [1, -8, 0, 8, -1];
  const by = (f: (y: Float64Array) => Float64Array, y: Float64Array, a: number) =>
    combine((j) => f(shifted(y, a, j * h)), first, 12 * h);
  const laplacian = (f: (y: Float64Array) => Float64Array) =>
    Array.from({ length: d }, (_, a) =>
      combine((j) => f(shifted(x, a, j * h)), [-1, 16, -30, 16, -1], 12 * h * h),
    ).reduce((sum, column) => sum.map((v, i) => v + column[i]));
  const jet = (y: Float64Array) => {
    const p = Array.from({ length: d }, (_, a) => by((z) => u(t, z), y, a));
    const out = hamiltonianJet(d, n);
    hamiltonian.evaluate(t, y, p, m(t, y), out, 1);
    return out;
  };
  const density = m(t, x);
  const crowd = { laws: [cloud(mean, d)], densities: [density] };
  const f = game.coupling.at(t, 0, x, crowd);
  const s = valueSource?.evaluate(t, x);
  const q = densitySource?.evaluate(t, x);
  const ergodic = mode === "ergodic";
  const time = (g: typeof u) => (ergodic ? new Float64Array(n) : combine((j) => g(t + j * h, x), first, 12 * h));
  const [ut, mt] = [time(u), time(m)];
  const [uxx, mxx] = [laplacian((y) => u(t, y)), laplacian((y) => m(t, y))];
  const H = jet(x).value;
  const divergence = Array.from({ length: d }, (_, a) =>
    by((y) => jet(y).gradient[a].map((v, i) => v * m(t, y)[i]), x, a),
  ).reduce((sum, column) => sum.map((v, i) => v + column[i]));
  const constant = exact!.ergodicConstant?.[0] ?? 0;
  const rest: Record<string, Float64Array> = {
    value: H.map((v, i) => -ut[i] - nu * uxx[i] + v + constant - f[i] - (s?.[i] ?? 0)),
    density: divergence.map((v, i) => mt[i] - nu * mxx[i] - v - (q?.[i] ?? 0)),
  };
  if (!ergodic) {
    const T = game.horizon;
    const g = game.terminal?.at(T, 0, x, { laws: crowd.laws, densities: [m(T, x)] }) ?? new Float64Array(n);
    rest.terminal = u(T, x).map((v, i) => v - g[i]);
    const given = game.populations[0].initial!.density!.evaluate(0, x);
    rest.initial = m(0, x).map((v, i) => v - given[i]);
  }
  return rest;
}

const exactGames: readonly (readonly [string, MeanFieldGame, readonly number[]])[] = [
  ...[1, 2, 3, 5].flatMap((d) => {
    const mean = Array.from({ length: d }, (_, a) => 0.3 * a - 0.2);
    return [
      [`log-gaussian ${d}-D`, logGaussian({ dimension: d, weight: 0.7, viscosity: 0.4 }), mean] as const,
      [`log-gaussian ${d}-D, ergodic`, logGaussian({ dimension: d, mode: "ergodic" }), mean] as const,
      [`linear-quadratic-mean ${d}-D`, linearQuadraticMean({ dimension: d, mean }), mean] as const,
    ];
  }),
  ["linear-quadratic-mean, no terminal cost", linearQuadraticMean({ terminalWeight: 0, horizon: 2 }), [0]],
  ["systemic-risk", systemicRisk({ mean: 0.4 }), [0.4]],
  ["systemic-risk without incentive", systemicRisk({ incentive: 0, volatility: 1, terminalPenalty: 3 }), [0]],
  ["first-order-torus", firstOrderTorus(), [0]],
  ["first-order-torus, ν = 0", firstOrderTorus({ viscosity: 0 }), [0]],
  ["first-order-torus, ν = 0, strong", firstOrderTorus({ viscosity: 0, drift: 2, potential: -1 }), [0]],
  ["first-order-torus, ν = 0.3", firstOrderTorus({ viscosity: 0.3, drift: -0.5, potential: 0.7 }), [0]],
  ...[1, 2, 3].map(
    (d) =>
      [`manufactured-torus ${d}-D`, manufacturedTorus({ dimension: d, coupling: 0.7 }), [0, 0, 0].slice(0, d)] as const,
  ),
];

test.each(exactGames)("%s: the closed form solves the equations", (_, game, mean) => {
  const d = game.dimension;
  const draw = generator(5).uniform(20 * d);
  // around the middle of the domain, where the density is not tiny
  const x = draw.map((v, i) => {
    const a = i % d;
    const [low, high] = [game.domain.lower[a], game.domain.upper[a]];
    return (low + high) / 2 + 0.4 * (v - 0.5) * (high - low);
  });
  for (const t of game.mode === "ergodic" ? [0] : [0.1 * game.horizon, 0.6 * game.horizon]) {
    for (const [name, values] of Object.entries(residuals(game, t, x, mean))) {
      const worst = values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
      expect(worst, `${name} at t = ${t}`).toBeLessThan(2e-7);
    }
  }
});

test("a wrong closed form does not: the residual sees a change of one part in a thousand", () => {
  const game = linearQuadraticMean();
  const wrong = {
    ...game,
    exact: { ...game.exact!, value: (t: number, x: Float64Array) => game.exact!.value(t, x).map((v) => 1.001 * v) },
  };
  const { value, density } = residuals(wrong, 0.5, Float64Array.of(0.5, 1), [0]);
  expect(Math.max(...value.map(Math.abs))).toBeGreaterThan(1e-4);
  expect(Math.max(...density.map(Math.abs))).toBeGreaterThan(1e-5);
});

test("linear-quadratic-mean: a(0), r(0) and the variance at T of the reference, 8 digits", () => {
  const { exact } = linearQuadraticMean();
  const at = (x: number) => exact!.value(0, Float64Array.of(x))[0];
  expect(at(0)).toAgree(0.31549111, { atol: 5e-9 });
  expect(2 * (at(1) - at(0))).toAgree(1.3365634, { atol: 5e-9 });
  const density = exact!.density(1, Float64Array.of(0))[0];
  expect(1 / (2 * Math.PI * density ** 2)).toAgree(0.46990597, { atol: 5e-9 });
});

test("linear-quadratic-mean: long horizons do not overflow, and reach the turnpike", () => {
  const { exact } = linearQuadraticMean({ horizon: 1000 });
  const density = exact!.density(500, Float64Array.of(0))[0];
  expect(1 / (2 * Math.PI * density ** 2)).toAgree(0.3 / Math.sqrt(2), { rtol: 1e-12 });
});

test("ergodic closed forms: ∫u = 0 and ∫m = 1 on cells", () => {
  for (const game of [logGaussian({ mode: "ergodic" }), firstOrderTorus()]) {
    const c = cells(game.domain, 2000);
    expect(integrate(c.grid, game.exact!.value(0, c.points))).toAgree(0, { atol: 3e-5 });
    expect(integrate(c.grid, game.exact!.density(0, c.points))).toAgree(1, { atol: 7e-5 });
  }
});

test("first-order-torus, decreasing: two equilibria with one drift, by hand", () => {
  // V = 0, b = b₀: j²/(2m²) + ln m is one number for m₁ and m₂; shares α, 1 − α make the mass 1 and ∫j/m = b₀
  const j = 1;
  const h0 = (m: number) => j ** 2 / (2 * m ** 2) + Math.log(m);
  const m1 = 0.5;
  let [low, high] = [1, 100];
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (h0(middle) < h0(m1)) low = middle;
    else high = middle;
  }
  const m2 = low;
  const share = (m2 - 1) / (m2 - m1);
  const b0 = j * (share / m1 + (1 - share) / m2);
  expect(share > 0 && share < 1).toBe(true);
  expect(b0).toAgree(1.7, { atol: 0.03 });
  // the other one is m = 1, u = 0. Both satisfy H + λ̄ = f at every point, with p = j/m − b₀
  const game = firstOrderTorus({ coupling: "decreasing", meanDrift: b0, drift: 0, potential: 0, viscosity: 0 });
  const constants = [1, m1, m2].map((m) => {
    const out = hamiltonianJet(1, 1);
    const p = (m === 1 ? b0 : j) / m - b0;
    const x = Float64Array.of(0.3);
    game.populations[0].hamiltonian.evaluate(0, x, [Float64Array.of(p)], Float64Array.of(m), out, 1);
    expect(m * out.gradient[0][0]).toAgree(m === 1 ? b0 : j, { rtol: 1e-12 });
    return game.coupling.at(0, 0, x, { laws: [], densities: [Float64Array.of(m)] })[0] - out.value[0];
  });
  expect(constants[1]).toAgree(constants[2], { rtol: 1e-12 });
  expect(Math.abs(constants[0] - constants[1])).toBeGreaterThan(0.01);
});

test("first-order-torus, decreasing, ν > 0: beside m = 1 a crowd around a point, by shooting", () => {
  // m = e^{−u/ν}/Z turns the equations into u″ = (u′²/2 − u/ν)/ν, an oscillator; find the orbit of period 1
  const nu = 0.1;
  const n = 4000;
  const force = (u: number, v: number) => (v * v) / (2 * nu) - u / nu ** 2;
  const orbit = (start: number): { u: number[]; period: number } => {
    const dt = 1 / n;
    let [u, v] = [start, 0];
    const path = [u];
    for (let i = 1; i < 4 * n; i++) {
      const before = v;
      const [k1, l1] = [v, force(u, v)];
      const [k2, l2] = [v + (dt / 2) * l1, force(u + (dt / 2) * k1, v + (dt / 2) * l1)];
      const [k3, l3] = [v + (dt / 2) * l2, force(u + (dt / 2) * k2, v + (dt / 2) * l2)];
      const [k4, l4] = [v + dt * l3, force(u + dt * k3, v + dt * l3)];
      u += (dt / 6) * (k1 + 2 * k2 + 2 * k3 + k4);
      v += (dt / 6) * (l1 + 2 * l2 + 2 * l3 + l4);
      path.push(u);
      // back at rest on the starting side
      if (before < 0 && v >= 0 && u * start > 0) return { u: path, period: (i - v / (v - before)) * dt };
      if (before > 0 && v <= 0 && u * start > 0) return { u: path, period: (i - v / (v - before)) * dt };
    }
    return { u: path, period: Infinity };
  };
  expect(orbit(-1e-4).period).toAgree(2 * Math.PI * nu, { rtol: 1e-4 });
  let [low, high] = [-1e-4, -1];
  expect(orbit(high).period).toBeGreaterThan(1);
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (orbit(middle).period < 1) low = middle;
    else high = middle;
  }
  const u = Float64Array.from(orbit(low).u.slice(0, n));
  const mass = u.reduce((sum, w) => sum + Math.exp(-w / nu) / n, 0);
  const m = u.map((w) => Math.exp(-w / nu) / mass);
  expect(Math.max(...m)).toBeGreaterThan(2);
  // it solves the game: f − H + νu″ is one number, and no mass flows
  const game = firstOrderTorus({ coupling: "decreasing", potential: 0, viscosity: nu });
  const f = game.coupling.at(
    0,
    0,
    u.map((_, i) => i / n),
    { laws: [], densities: [m] },
  );
  const at = (w: Float64Array, i: number) => w[(i + n) % n];
  const constants = u.map((w, i) => {
    const p = (at(u, i + 1) - at(u, i - 1)) * (n / 2);
    const second = (at(u, i + 1) + at(u, i - 1) - 2 * w) * n * n;
    const slope = (at(m, i + 1) - at(m, i - 1)) * (n / 2);
    expect(nu * slope + m[i] * p).toAgree(0, { atol: 1e-3 });
    return f[i] - p ** 2 / 2 + nu * second;
  });
  expect(Math.max(...constants) - Math.min(...constants)).toBeLessThan(1e-3);
});

test("obstacle-crowd: the terminal cost is the derivative of 5 KL", () => {
  const game = obstacleCrowd();
  const x = Float64Array.of(0.2, -2.5);
  const reference = Math.exp(-(0.04 + 0.25) / 0.6) / (2 * Math.PI * 0.3);
  const g = game.terminal!.at(1, 0, x, { laws: [], densities: [Float64Array.of(0.4)] })[0];
  expect(g).toAgree(5 * (Math.log(0.4 / reference) + 1), { rtol: 1e-12 });
  const f = game.coupling.at(0, 0, x, { laws: [], densities: [Float64Array.of(0.4)] })[0];
  const hill = (50 * Math.exp(-0.02 - 6.25)) / (2 * Math.PI * Math.sqrt(0.5));
  expect(f).toAgree(hill + 0.01 * (Math.log(0.4) + 1), { rtol: 1e-12 });
  expect(obstacleCrowd({ end: "planning" }).mode).toBe("planning");
});

test("rooms: doors are met and the pillar is solid", () => {
  expect(cells(corridor().domain, [64, 16]).doors.cell.length).toBe(16);
  const room = cells(evacuation().domain, 40);
  expect(room.doors.cell.length).toBe(12 + 6);
  expect(room.openCount).toBeLessThan(1600);
  expect(cells(evacuation({ pillar: 0 }).domain, 40).openCount).toBe(1600);
});

test("overrides that do not fit are refused", () => {
  const wrong: [string, object][] = [
    ["torus-crowd", { dimension: 4 }],
    ["torus-crowd", { viscosity: 0 }],
    ["ergodic-torus", { viscosity: -1 }],
    ["ergodic-torus", { weight: 0 }],
    ["log-gaussian", { dimension: 0 }],
    ["log-gaussian", { viscosity: 0 }],
    ["log-gaussian", { stiffness: 0 }],
    ["log-gaussian", { weight: -1 }],
    ["log-gaussian", { mode: "planning" }],
    ["log-gaussian", { halfWidth: 0 }],
    ["linear-quadratic-mean", { dimension: 1.5 }],
    ["linear-quadratic-mean", { viscosity: 0 }],
    ["linear-quadratic-mean", { attraction: 0 }],
    ["linear-quadratic-mean", { terminalWeight: -1 }],
    ["linear-quadratic-mean", { variance: 0 }],
    ["linear-quadratic-mean", { horizon: 0 }],
    ["linear-quadratic-mean", { mean: [1, 2] }],
    ["linear-quadratic-mean", { halfWidth: -1 }],
    ["first-order-torus", { coupling: "flat" }],
    ["first-order-torus", { drift: Number.NaN }],
    ["obstacle-crowd", { end: "hard" }],
    ["obstacle-crowd", { hill: -1 }],
    ["obstacle-crowd", { entropy: 0 }],
    ["obstacle-crowd", { terminalWeight: 0 }],
    ["corridor", { viscosity: 0 }],
    ["corridor", { congestion: 5 }],
    ["corridor", { stay: -1 }],
    ["corridor", { start: 3 }],
    ["manufactured-torus", { dimension: 4 }],
    ["manufactured-torus", { viscosity: 0 }],
    ["manufactured-torus", { horizon: -1 }],
    ["manufactured-torus", { coupling: -1 }],
    ["manufactured-torus", { densityAmplitude: 1 }],
    ["manufactured-torus", { valueAmplitude: Infinity }],
    ["systemic-risk", { reversion: -1 }],
    ["systemic-risk", { penalty: 1 }],
    ["systemic-risk", { volatility: 0 }],
    ["systemic-risk", { variance: 0 }],
    ["systemic-risk", { horizon: 0 }],
    ["systemic-risk", { mean: Infinity }],
    ["two-crowds", { dimension: 3 }],
    ["two-crowds", { viscosity: 0 }],
    ["two-crowds", { own: -1 }],
    ["two-crowds", { pull: 0 }],
    ["evacuation", { viscosity: 0 }],
    ["evacuation", { congestion: -1 }],
    ["evacuation", { urgency: 0 }],
    ["evacuation", { stay: -1 }],
    ["evacuation", { pillar: 0.3 }],
  ];
  expect(wrong.map(([name, overrides]) => message(() => games[name].make(overrides)))).toMatchInlineSnapshot(`
    [
      "torusCrowd: dimension must be 1, 2 or 3; got 4. Use dimension: 2.",
      "torusCrowd: viscosity must be finite and > 0; got 0. Use viscosity: 0.3.",
      "ergodicTorus: viscosity must be finite and > 0; got -1. Use viscosity: 0.1.",
      "ergodicTorus: weight must be finite and > 0; got 0. Use weight: 1.",
      "logGaussian: dimension must be an integer ≥ 1; got 0. Use dimension: 1 to start.",
      "logGaussian: viscosity must be finite and > 0; got 0. Use viscosity: 0.5.",
      "logGaussian: stiffness must be finite and > 0; got 0. Use stiffness: 1.",
      "logGaussian: weight must be finite and > 0; got -1. Use weight: 1.",
      "logGaussian: mode must be "time-dependent" or "ergodic"; got "planning". Leave it out.",
      "logGaussian: halfWidth must be finite and > 0; got 0. Leave it out.",
      "linearQuadraticMean: dimension must be an integer ≥ 1; got 1.5. Use dimension: 1 to start.",
      "linearQuadraticMean: viscosity must be finite and > 0; got 0. Use viscosity: 0.3.",
      "linearQuadraticMean: attraction must be finite and > 0; got 0. Use attraction: 2.",
      "linearQuadraticMean: terminalWeight must be finite and ≥ 0; got -1. Use terminalWeight: 0.5.",
      "linearQuadraticMean: variance must be finite and > 0; got 0. Use variance: 1.5.",
      "linearQuadraticMean: horizon must be finite and > 0; got 0. Use horizon: 1.",
      "linearQuadraticMean: mean must have 1 numbers; got 2. Leave it out for 0.",
      "linearQuadraticMean: halfWidth must be finite and > 0; got -1. Leave it out.",
      "firstOrderTorus: coupling must be "increasing" or "decreasing"; got "flat". Use coupling: "increasing".",
      "firstOrderTorus: drift must be finite; got NaN. Leave drift out.",
      "obstacleCrowd: end must be "soft" or "planning"; got "hard". Use end: "soft".",
      "obstacleCrowd: hill must be finite and ≥ 0; got -1. Use hill: 50.",
      "obstacleCrowd: entropy must be finite and > 0; got 0. Use entropy: 0.01.",
      "obstacleCrowd: terminalWeight must be finite and > 0; got 0. Use terminalWeight: 5.",
      "corridor: viscosity must be finite and > 0; got 0. Use viscosity: 0.1.",
      "corridor: congestion must be in [0, 4]; got 5. Use congestion: 1.",
      "corridor: stay must be finite and ≥ 0; got -1. Use stay: 1.",
      "corridor: start must be in (−2, 2); got 3. Use start: -0.5.",
      "manufacturedTorus: dimension must be 1, 2 or 3; got 4. Use dimension: 2.",
      "manufacturedTorus: viscosity must be finite and > 0; got 0. Use viscosity: 0.3.",
      "manufacturedTorus: horizon must be finite and > 0; got -1. Use horizon: 1.",
      "manufacturedTorus: coupling must be finite and ≥ 0; got -1. Use coupling: 1.",
      "manufacturedTorus: densityAmplitude must be in [0, 1), so that m* > 0; got 1. Use densityAmplitude: 0.5.",
      "manufacturedTorus: valueAmplitude must be finite; got Infinity. Use valueAmplitude: 0.5.",
      "systemicRisk: reversion must be finite and ≥ 0; got -1. Use reversion: 1.",
      "systemicRisk: penalty must be above incentive² = 1, so that costs are convex; got 1. Raise it, or lower the incentive.",
      "systemicRisk: volatility must be finite and > 0; got 0. Use volatility: 0.5.",
      "systemicRisk: variance must be finite and > 0; got 0. Use variance: 0.5.",
      "systemicRisk: horizon must be finite and > 0; got 0. Use horizon: 1.",
      "systemicRisk: mean must be finite; got Infinity. Use mean: 0.",
      "twoCrowds: dimension must be 1 or 2; got 3. Use dimension: 1.",
      "twoCrowds: viscosity must be finite and > 0; got 0. Use viscosity: 0.05.",
      "twoCrowds: own must be finite and ≥ 0; got -1. Use own: 0.5.",
      "twoCrowds: pull must be finite and > 0; got 0. Use pull: 4.",
      "evacuation: viscosity must be finite and > 0; got 0. Use viscosity: 0.05.",
      "evacuation: congestion must be in [0, 4]; got -1. Use congestion: 1.",
      "evacuation: urgency must be finite and > 0; got 0. Use urgency: 1.",
      "evacuation: stay must be finite and ≥ 0; got -1. Use stay: 2.",
      "evacuation: pillar must be in [0, 0.2]; got 0.3. Use pillar: 0.12.",
    ]
  `);
});
