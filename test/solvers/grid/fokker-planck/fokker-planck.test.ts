// Fokker–Planck on cells against closed forms: drift against a wall and its equilibrium (P8), Ornstein–Uhlenbeck; laws of mass and sign.
import { test as property } from "@fast-check/vitest";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type FokkerPlanck,
  type FokkerPlanckOptions,
  fokkerPlanckProblem,
  ornsteinUhlenbeck,
  wallDrift,
  wallEquilibrium,
} from "../../../../problems/index.js";
import { driftOperator } from "../../../../solvers/grid/fokker-planck/drift-operator.js";
import { fluxCentral } from "../../../../solvers/grid/fokker-planck/flux-central.js";
import { fluxScharfetterGummel } from "../../../../solvers/grid/fokker-planck/flux-scharfetter-gummel.js";
import { fluxUpwind } from "../../../../solvers/grid/fokker-planck/flux-upwind.js";
import {
  type FokkerPlanckSolution,
  type FokkerPlanckSolverOptions,
  fokkerPlanck,
} from "../../../../solvers/grid/fokker-planck/fokker-planck.js";
import { cells, domain, integrate } from "../../../../src/grid/index.js";
import { applyStencil, stencil } from "../../../../src/linalg/index.js";
import { moments } from "../../../../src/measure/index.js";
import { generator } from "../../../../src/random/index.js";
import { solve } from "../../../../src/solve.js";
import { orderOf } from "../../../../src/verify/index.js";

const runs = Number(process.env.LAWS === "thorough" ? 500 : 25);

const run = (problem: FokkerPlanck, options: FokkerPlanckSolverOptions): Promise<FokkerPlanckSolution> =>
  solve(problem, fokkerPlanck(options), { onFailure: "return" });

/** Largest and root-mean-square error at T. */
const errorsOf = (s: FokkerPlanckSolution): { sup: number; rms: number } => {
  const T = s.problem.horizon;
  const exact = (s.problem.exact as NonNullable<FokkerPlanck["exact"]>).density(T, s.cells.points);
  const error = s.density(T).values.map((v, k) => v - exact[k]);
  return {
    sup: Math.max(...error.map(Math.abs)),
    rms: Math.sqrt(error.reduce((sum, e) => sum + e * e, 0) / error.length),
  };
};

const massError = (s: FokkerPlanckSolution): number => Math.max(...s.histories[1].values.map(Math.abs));

const orders = async (problem: FokkerPlanck, ns: readonly number[], options: FokkerPlanckSolverOptions) => {
  const errors: number[] = [];
  for (const n of ns) {
    const s = await run(problem, { points: n, steps: n, ...options });
    expect(s.status.converged).toBe(true);
    expect(massError(s)).toBeLessThan(1e-13);
    errors.push(errorsOf(s).rms);
  }
  return { order: orderOf(ns, errors), level: errors[errors.length - 1], errors };
};

describe("the equilibrium between walls", () => {
  test.each([
    [1, 81],
    [2, 21],
    [3, 11],
  ])("Scharfetter–Gummel keeps it to round-off in %i-D", async (dimension, points) => {
    for (const time of ["implicit-euler", "crank-nicolson", "bdf2"] as const) {
      const s = await run(wallEquilibrium({ dimension }), { points, steps: 20, time });
      expect(s.status.converged).toBe(true);
      expect(errorsOf(s).sup).toBeLessThan(1e-13);
      expect(massError(s)).toBeLessThan(1e-13);
      expect(s.counts.negativeCells).toBe(0);
    }
  });

  test("the centred flux is of second order, the upwind flux of first", async () => {
    const problem = wallEquilibrium({ dimension: 1 });
    const steps = 40;
    const centred = await orders(problem, [21, 41, 81, 161], { flux: "central", time: "crank-nicolson", steps });
    expect(centred.order).toBeGreaterThan(1.95);
    expect(centred.errors[0]).toBeLessThan(2.5e-4);
    expect(centred.level).toBeLessThan(4e-6);
    const upwind = await orders(problem, [21, 41, 81, 161], { flux: "upwind", time: "crank-nicolson", steps });
    expect(upwind.order).toBeGreaterThan(0.9);
    expect(upwind.order).toBeLessThan(1.05);
    expect(upwind.level).toBeLessThan(3e-3);
  });
});

describe("drift against a wall", () => {
  test.each([
    ["scharfetter-gummel", "crank-nicolson", 1.95, 1e-4],
    ["scharfetter-gummel", "bdf2", 1.95, 1e-4],
    ["central", "crank-nicolson", 1.95, 1e-4],
    ["scharfetter-gummel", "implicit-euler", 0.97, 1e-2],
    ["upwind", "crank-nicolson", 0.92, 3e-3],
  ] as const)("%s with %s in 1-D", async (flux, time, order, level) => {
    const found = await orders(wallDrift({ dimension: 1 }), [20, 40, 80, 160], { flux, time });
    expect(found.order).toBeGreaterThan(order);
    expect(found.order).toBeLessThan(order + 0.15);
    expect(found.level).toBeLessThan(level);
  });

  test("second order in 2-D and 3-D, with the mass of the closed form", async () => {
    const plane = await orders(wallDrift({ dimension: 2 }), [8, 16, 32], { time: "crank-nicolson" });
    expect(plane.order).toBeGreaterThan(1.9);
    expect(plane.level).toBeLessThan(8e-4);
    const space = await orders(wallDrift({ dimension: 3 }), [6, 12], { time: "bdf2" });
    expect(space.order).toBeGreaterThan(1.8);
    const s = await run(wallDrift({ dimension: 2 }), { points: 64, steps: 4 });
    expect(integrate(s.cells.grid, s.slabs[4])).toAgree(2 * Math.PI * Math.sinh(0.5), { rtol: 1e-4 });
  });
});

describe("Ornstein–Uhlenbeck", () => {
  const mean = Math.exp(-1);
  const variance = (-Math.expm1(-2) * 1) / 2 + 0.25 * Math.exp(-2);

  test.each([
    [1, [40, 80, 160], 6e-4, 3e-5],
    [2, [16, 32, 64], 4e-3, 2e-4],
    [3, [12, 24], 3e-2, 2e-3],
  ] as const)("mean and variance in %i-D", async (dimension, ns, meanLevel, varianceLevel) => {
    const errors: { mean: number[]; variance: number[] } = { mean: [], variance: [] };
    for (const n of ns) {
      const s = await run(ornsteinUhlenbeck({ dimension }), { points: n, steps: n / 2, time: "bdf2" });
      expect(s.status.converged).toBe(true);
      expect(massError(s)).toBeLessThan(1e-13);
      const { mean: m, covariance } = moments(s.density(1));
      errors.mean.push(Math.abs(m[0] - mean));
      errors.variance.push(Math.abs(covariance[0] - variance));
      for (let a = 1; a < dimension; a++) expect(m[a]).toAgree(0, { atol: 1e-10 });
    }
    expect(orderOf(ns, errors.mean)).toBeGreaterThan(1.7);
    expect(orderOf(ns, errors.variance)).toBeGreaterThan(1.7);
    expect(errors.mean[ns.length - 1]).toBeLessThan(meanLevel);
    expect(errors.variance[ns.length - 1]).toBeLessThan(varianceLevel);
  });

  test("paths have the same mean and variance", async () => {
    const s = await run(ornsteinUhlenbeck(), { points: 64, steps: 32, time: "bdf2" });
    const paths = s.trajectories({ count: 4000, steps: 64, seed: 7 });
    const last = paths.positions.subarray(64 * 4000);
    const m = last.reduce((sum, x) => sum + x, 0) / 4000;
    const v = last.reduce((sum, x) => sum + (x - m) ** 2, 0) / 4000;
    // Standard errors: √(variance/n) = 0.011 and variance·√(2/n) = 0.010; Euler's bias is below 1/64.
    expect(Math.abs(m - mean)).toBeLessThan(4 * 0.011);
    expect(Math.abs(v - variance)).toBeLessThan(4 * 0.01 + 0.01);
    expect(s.velocity(0.3, Float64Array.of(0.5))[0]).toAgree(-0.5, { rtol: 1e-12 });
    expect(s.value(0.3, Float64Array.of(0.5))[0]).toAgree(0.125, { rtol: 1e-12 });
  });
});

/** Fluxes at one face. */
const weights = (flux: typeof fluxUpwind, b: number, D: number, h: number): [number, number] => {
  const left = new Float64Array(1);
  const right = new Float64Array(1);
  flux(Float64Array.of(b), D, h, left, right);
  return [left[0], right[0]];
};

describe("fluxes", () => {
  property.prop([fc.double({ min: -50, max: 50, noNaN: true }), fc.double({ min: 1e-3, max: 2, noNaN: true })], {
    numRuns: runs,
  })("are consistent; Scharfetter–Gummel is Chang–Cooper and knows e^P", (b, D) => {
    const h = 0.1;
    for (const flux of [fluxUpwind, fluxCentral, fluxScharfetterGummel]) {
      const [l, r] = weights(flux, b, D, h);
      expect(l - r).toAgree(b, { atol: 1e-12 * (D / h + Math.abs(b)) });
    }
    const [l, r] = weights(fluxScharfetterGummel, b, D, h);
    const P = (b * h) / D;
    expect(l).toBeGreaterThanOrEqual(0);
    expect(r).toBeGreaterThanOrEqual(0);
    if (Math.abs(P) < 600) expect(Math.log(l / r)).toAgree(P, { atol: 1e-12 + 1e-14 * Math.abs(P), rtol: 1e-12 });
    // Chang and Cooper: ρ_face = (1 − δ) ρ_right + δ ρ_left, δ = 1/w − 1/(e^w − 1), w = −P.
    if (Math.abs(P) > 1e-3 && Math.abs(P) < 600) {
      const delta = -1 / P - 1 / Math.expm1(-P);
      expect(l).toAgree(b * delta + D / h, { rtol: 1e-9, atol: 1e-9 * (D / h) });
      expect(r).toAgree(D / h - b * (1 - delta), { rtol: 1e-9, atol: 1e-9 * (D / h + Math.abs(b)) });
    }
  });

  test("limits: no drift, no diffusion, very strong drift", () => {
    expect(weights(fluxScharfetterGummel, 0, 0.5, 0.1)).toEqual([5, 5]);
    expect(weights(fluxScharfetterGummel, -3, 0, 0.1)).toEqual([0, 3]);
    expect(weights(fluxScharfetterGummel, 1e6, 1e-3, 0.1)).toEqual([1e6, 0]);
    expect(weights(fluxScharfetterGummel, 3, 1e-320, 0.1)).toEqual([3, 0]);
  });
});

const room = domain({
  lower: [-2, -0.5],
  upper: [2, 0.5],
  ends: ["no-flux", "no-flux"],
  doors: [{ axis: 0, side: "upper", from: [-0.25], to: [0.25] }],
  obstacle: (x) => (x[0] - 0.6) ** 2 + x[1] ** 2 < 0.04,
  obstacleText: "a pillar",
});

describe("any domain", () => {
  test("the assembled matrix is the operator, and its columns lose only what doors take", () => {
    const cut = cells(room, [24, 12]);
    const problem = fokkerPlanckProblem({ domain: room, diffusion: 0.2, drift: ["1 + y", "sin(x)"], initial: 1 });
    const operator = driftOperator(cut, problem, fluxScharfetterGummel);
    operator.at(0);
    const matrix = stencil(cut);
    operator.assemble(matrix, 3);
    const rho = generator(5)
      .uniform(cut.grid.size)
      .map((v, k) => (cut.open[k] === 1 ? v : 0));
    const byMatrix = new Float64Array(rho.length);
    applyStencil(matrix, rho, byMatrix);
    const byFaces = rho.map((v) => 3 * v);
    operator.add(rho, 1, byFaces);
    expect(byFaces).toAgree(byMatrix, { atol: 1e-10 });
    const net = byFaces.map((v, k) => v - 3 * rho[k]);
    expect(integrate(cut.grid, net)).toAgree(operator.outflow(rho), { rtol: 1e-10 });
    expect(operator.outflow(rho)).toBeGreaterThan(0);
  });

  test("a crowd leaves by the door round a pillar: the mass is accounted for, and stays ≥ 0", async () => {
    const problem = fokkerPlanckProblem({
      domain: room,
      diffusion: 0.1,
      drift: ["1", "0"],
      initial: "exp(-8*((x + 1)^2 + y^2))",
      mass: 1,
      horizon: 3,
    });
    for (const flux of ["scharfetter-gummel", "upwind"] as const) {
      const s = await run(problem, { points: [48, 12], steps: 24, flux });
      expect(s.status.converged).toBe(true);
      expect(massError(s)).toBeLessThan(1e-12);
      const masses = s.histories[0].values;
      expect(masses[0]).toAgree(1, { rtol: 1e-14 });
      for (let n = 1; n < masses.length; n++) expect(masses[n]).toBeLessThan(masses[n - 1]);
      expect(masses[24]).toBeLessThan(0.9);
      expect(s.counts.smallestDensity).toBeGreaterThanOrEqual(-1e-12);
      expect(s.slabs[24].some((v, k) => s.cells.open[k] === 0 && v !== 0)).toBe(false);
      expect(s.trajectories({ count: 200, steps: 40, seed: 1 }).exited[40]).toBeGreaterThan(0);
    }
  });

  test.each(["implicit-euler", "crank-nicolson", "bdf2"] as const)(
    "%s: long steps of a stiff equation keep the mass to round-off, on lines, planes and beside doors",
    async (time) => {
      for (const horizon of [1e4, 1e5])
        for (const [dimension, ends] of [
          [1, "no-flux"],
          [2, "no-flux"],
          [1, ["no-flux", "door"]],
        ] as const) {
          const problem = fokkerPlanckProblem({
            domain: domain({
              lower: Array(dimension).fill(-4),
              upper: Array(dimension).fill(4),
              ends: [ends, "no-flux"].slice(0, dimension) as ["no-flux"],
            }),
            diffusion: 1,
            potential: dimension === 1 ? "100*x^2" : "100*x^2 + 50*y^2",
            initial: "exp(-(x - 1)^2)",
            mass: 1,
            horizon,
          });
          const s = await run(problem, { points: dimension === 1 ? 256 : 24, steps: 64, time });
          if (time === "implicit-euler") expect(s.status.converged).toBe(true);
          expect(massError(s)).toBeLessThan(1e-13);
        }
    },
  );

  property.prop(
    [
      fc.double({ min: -20, max: 20, noNaN: true }),
      fc.double({ min: -20, max: 20, noNaN: true }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      fc.constantFrom("periodic", "no-flux"),
      fc.integer({ min: 0, max: 1000 }),
    ],
    { numRuns: runs },
  )("monotone fluxes with implicit Euler keep mass and sign whatever the drift", async (b, c, D, ends, seed) => {
    const noise = generator(seed).uniform(100);
    const box = domain({ lower: [0, 0], upper: [1, 1], ends: ends as "periodic" });
    const problem = fokkerPlanckProblem({
      domain: box,
      diffusion: D,
      drift: [`${b}*sin(2*pi*y)`, c],
      initial: (x) => noise[Math.floor(10 * x[0]) * 10 + Math.floor(10 * x[1])] ** 8,
      horizon: 0.2,
    });
    for (const flux of ["scharfetter-gummel", "upwind"] as const) {
      const s = await run(problem, { points: 10, steps: 4, flux });
      expect(s.status.converged).toBe(true);
      expect(massError(s)).toBeLessThan(1e-13);
      expect(s.counts.smallestDensity).toBeGreaterThan(-1e-10);
    }
  });

  test("time-dependent drift with a source keeps its second order", async () => {
    // ρ = 2 + cos(2π(x − t)) is carried by b = 1 on a circle; its diffusion is made good by the source.
    const D = 0.05;
    const problem = fokkerPlanckProblem({
      domain: domain({ lower: [0], upper: [1] }),
      diffusion: D,
      drift: ["1 + 0.5*sin(t)"],
      source: `4*pi^2*${D}*cos(2*pi*(x - t)) - 0.5*sin(t)*2*pi*sin(2*pi*(x - t))`,
      initial: "2 + cos(2*pi*x)",
      horizon: 0.5,
      exact: { density: (t, x) => x.map((y) => 2 + Math.cos(2 * Math.PI * (y - t))) },
    });
    const found = await orders(problem, [32, 64, 128], { flux: "central", time: "crank-nicolson" });
    expect(found.order).toBeGreaterThan(1.9);
    expect(found.level).toBeLessThan(2e-3);
  });
});

test("a drift that is not finite is told with its place and time", async () => {
  const problem = fokkerPlanckProblem({
    domain: domain({ lower: [0], upper: [1], ends: "no-flux" }),
    diffusion: 0.1,
    drift: ["1/(x - 0.5)"],
    initial: 1,
  });
  await expect(solve(problem, fokkerPlanck({ points: 16, steps: 4 }))).rejects.toThrow(
    /^fokkerPlanck: the drift must be finite at x = \(0\.5\), t = \S+; got -?Infinity\. Change the formula there\.$/,
  );
});

test("negative cells are counted and reported, not clipped", async () => {
  const problem = fokkerPlanckProblem({
    domain: domain({ lower: [0], upper: [1], ends: ["no-flux"] }),
    diffusion: 1e-3,
    drift: [1],
    initial: "exp(-200*(x - 0.3)^2)",
    mass: 1,
    horizon: 0.3,
  });
  const s = await run(problem, { points: 40, steps: 20, flux: "central", time: "crank-nicolson" });
  expect(s.status.converged).toBe(false);
  expect(s.counts.negativeCells).toBeGreaterThan(0);
  expect(s.status.text).toMatch(
    /^the density is negative in \d+ cells over all times, [\d.e-]+ of the mass; use flux: "scharfetter-gummel" with time: "implicit-euler", or more points and steps$/,
  );
  expect(massError(s)).toBeLessThan(1e-13);
  expect(s.counts.peclet).toAgree(25, { rtol: 1e-12 });
});

describe("sources", () => {
  const box = domain({ lower: [0], upper: [1], ends: ["no-flux"] });
  test.each(["implicit-euler", "crank-nicolson", "bdf2"] as const)(
    "… that start from nothing: ρ = t², %s",
    async (time) => {
      const problem = fokkerPlanckProblem({ domain: box, diffusion: 1, source: "2*t", initial: 0 });
      const s = await run(problem, { points: 8, steps: 64, time });
      expect(s.status.text).toMatch(/^converged/);
      expect(massError(s)).toBeLessThan(1e-13);
      expect(s.slabs.at(-1)![3]).toAgree(1, { rtol: time === "implicit-euler" ? 0.02 : 1e-3 });
    },
  );
  test("… that take more than there is are told as such", async () => {
    const s = await run(fokkerPlanckProblem({ domain: box, diffusion: 1, source: -2, initial: 1 }), { points: 8 });
    expect(s.status.text).toMatch(
      /^the density is negative in .* of the mass; let sources take no more than there is$/,
    );
  });
});

describe("bad input is refused in words", () => {
  const message = (make: () => unknown): string => {
    try {
      make();
    } catch (error) {
      return (error as Error).message;
    }
    return "accepted";
  };
  const line = domain({ lower: [0], upper: [1], ends: ["no-flux"] });
  const base = { domain: line, diffusion: 1, initial: 1 };

  test("the problem's", () => {
    expect([
      message(() => fokkerPlanckProblem({ ...base, diffusion: -1 })),
      message(() => fokkerPlanckProblem({ ...base, horizon: 0 })),
      message(() => fokkerPlanckProblem({ ...base, drift: [1], potential: "x" })),
      message(() => fokkerPlanckProblem({ ...base, drift: [1, 2] })),
      message(() => fokkerPlanckProblem({ ...base, drift: "1" as unknown as string[] })),
      message(() => fokkerPlanckProblem({ ...base, viscosity: 1 } as FokkerPlanckOptions)),
      message(() => fokkerPlanckProblem({ ...base, mass: 0 })),
      message(() => fokkerPlanckProblem({ ...base, coordinates: [] })),
      message(() => wallDrift({ dimension: 4 })),
      message(() => wallDrift({ drift: 0 })),
      message(() => ornsteinUhlenbeck({ rate: 0 })),
      message(() => ornsteinUhlenbeck({ start: Number.NaN })),
    ]).toMatchInlineSnapshot(`
      [
        "fokkerPlanckProblem: diffusion must be a finite number ≥ 0; got -1. Use diffusion: 0.1 to start.",
        "fokkerPlanckProblem: horizon must be a finite number > 0; got 0. Use horizon: 1 to start.",
        "fokkerPlanckProblem: drift must be left out when a potential is given; got 1. Give one of the two: b, or φ with b = −∇φ.",
        "fokkerPlanckProblem: drift must have 1 fields, one for each coordinate; got 2. Give every component of b.",
        "fokkerPlanckProblem: drift must have 1 fields, one for each coordinate; got "1". Give every component of b.",
        "fokkerPlanckProblem: options must have no "viscosity"; got 1. Did you mean diffusion.",
        "fokkerPlanckProblem: mass must be > 0, or null to take the density as it is; got 0. Use mass: 1.",
        "fokkerPlanckProblem: coordinates must have 1 entries, one for each coordinate; got 0. Describe every coordinate, or none.",
        "wallDrift: dimension must be 1, 2 or 3; got 4. Use dimension: 2.",
        "wallDrift: drift must be finite and not 0; got 0. Use drift: 1 to start.",
        "ornsteinUhlenbeck: rate must be finite and > 0; got 0. Use rate: 1.",
        "ornsteinUhlenbeck: start must be finite; got NaN. Use start: 1.",
      ]
    `);
  });

  test("the solver's", async () => {
    const tall = fokkerPlanckProblem({
      domain: domain({ lower: [0, 0, 0, 0], upper: [1, 1, 1, 1] }),
      diffusion: 1,
      initial: 1,
    });
    expect([
      message(() => fokkerPlanck({ points: 3 })),
      message(() => fokkerPlanck({ steps: 0 })),
      message(() => fokkerPlanck({ flux: "best" as "upwind" })),
      message(() => fokkerPlanck({ time: "rk4" as "bdf2" })),
      message(() => fokkerPlanck({ tolerance: 0 })),
      fokkerPlanck().handles(tall),
      fokkerPlanck({ flux: "central" }).handles(fokkerPlanckProblem({ ...base, diffusion: 0 })),
      fokkerPlanck().handles({ ...tall, kind: "proximal-flow" } as unknown as FokkerPlanck),
    ]).toMatchInlineSnapshot(`
      [
        "fokkerPlanck: points must be an integer ≥ 4, or one for each axis; got 3. Use points: 64 to start.",
        "fokkerPlanck: steps must be an integer ≥ 1; got 0. Use steps: 64 to start.",
        "fokkerPlanck: flux must be one of scharfetter-gummel, chang-cooper, upwind, central; got "best". Use flux: "scharfetter-gummel".",
        "fokkerPlanck: time must be one of implicit-euler, crank-nicolson, bdf2; got "rk4". Use time: "implicit-euler".",
        "fokkerPlanck: tolerance must lie between 0 and 1; got 0. Use tolerance: 1e-11.",
        "a grid in 4 dimensions is too large; simulate particles instead",
        "the centred flux without diffusion is unstable; use flux: upwind or scharfetter-gummel",
        "it solves fokker-planck problems, not proximal-flow; use a solver of that family",
      ]
    `);
    const s = await run(fokkerPlanckProblem({ ...base, drift: [1] }), { points: 8, steps: 2 });
    expect(message(() => s.value(0, Float64Array.of(0.5)))).toMatchInlineSnapshot(
      `"solution: the drift must have a potential to be asked for its value; got "fields". Give the problem a potential, or ask for the velocity."`,
    );
    expect(message(() => s.density(2))).toMatchInlineSnapshot(
      `"solution: t must lie in [0, 1]; got 2. Ask for a time between start and horizon."`,
    );
  });
});
