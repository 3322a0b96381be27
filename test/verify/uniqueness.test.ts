// Games with one equilibrium (Lasry–Lions) are not flagged, games whose costs fall with the crowd are, in 1-D, in 2-D and in time.
import { describe, expect, it } from "vitest";
import { ergodicTorus, firstOrderTorus, type MeanFieldGame, meanFieldGame } from "../../problems/index.js";
import { couplingLocal, hamiltonianQuadratic } from "../../problems/terms/index.js";
import { ergodic } from "../../solvers/grid/game/ergodic.js";
import { newton } from "../../solvers/grid/game/newton.js";
import { cells, domain } from "../../src/grid/index.js";
import { cloud } from "../../src/measure/index.js";
import type { GameSolution } from "../../src/solution/index.js";
import { solve } from "../../src/solve.js";
import { type StartDensity, spreadStarts, uniquenessProbe } from "../../src/verify/index.js";

const stationary = (g: MeanFieldGame, points: number) =>
  uniquenessProbe({
    domain: g.domain,
    solve: (start) => solve(g, ergodic({ points, start: (x) => start(x, 0) })),
  });

describe("stationary games", () => {
  it("P1: one", async () => {
    const probe = await stationary(ergodicTorus(), 32);
    expect(probe).toMatchObject({ unique: true, starts: 3, failures: [] });
    expect(probe.density).toBeLessThan(1e-8);
    expect(probe.value).toBeLessThan(1e-8);
    expect(probe.text).toMatch(/^no second equilibrium found: 3 starts agree to /);
  });

  it("P7 with increasing coupling: one", async () => {
    expect((await stationary(firstOrderTorus({ viscosity: 0.01 }), 64)).unique).toBe(true);
  });

  it("P7 with decreasing coupling: crowds in two places", async () => {
    const g = firstOrderTorus({ coupling: "decreasing", meanDrift: 0, drift: 0, viscosity: 0.1 });
    const probe = await stationary(g, 64);
    expect(probe.unique).toBe(false);
    expect(probe.density).toBeGreaterThan(0.9);
    expect(probe.value).toBeGreaterThan(0.5);
    expect(probe.text).toBe("not unique: equilibria from 3 starts are up to 0.951 apart (tolerance 0.01)");
  });

  it("the same with a bounded cost, down to ν = 0.02", async () => {
    for (const viscosity of [0.05, 0.02]) {
      const g = meanFieldGame({
        mode: "ergodic",
        domain: domain({ lower: [0], upper: [1] }),
        populations: { viscosity, hamiltonian: hamiltonianQuadratic({ dimension: 1 }) },
        coupling: couplingLocal({ dimension: 1, cost: "-0.5*m - 0.2*cos(4*pi*x)" }),
      });
      expect(g.isMonotone).toBe(false);
      const probe = await stationary(g, 64);
      expect(probe.unique).toBe(false);
      expect(probe.density).toBeGreaterThan(0.9);
    }
  });

  it("2-D: a crowd that gathers", async () => {
    const g = meanFieldGame({
      mode: "ergodic",
      domain: domain({ lower: [0, 0], upper: [1, 1] }),
      populations: { viscosity: 0.1, hamiltonian: hamiltonianQuadratic({ dimension: 2 }) },
      coupling: couplingLocal({ dimension: 2, cost: "-3*m/(1+m)" }),
    });
    const probe = await stationary(g, 24);
    expect(probe.unique).toBe(false);
    expect(probe.density).toBeGreaterThan(0.5);
  });
});

describe("games in time", () => {
  const timed = (cost: string) =>
    meanFieldGame({
      domain: domain({ lower: [0], upper: [1] }),
      horizon: 2,
      populations: { viscosity: 0.1, hamiltonian: hamiltonianQuadratic({ dimension: 1 }), initial: 1 },
      coupling: couplingLocal({ dimension: 1, cost }),
    });
  const probe = (g: MeanFieldGame) => {
    const steps = 32;
    const c = cells(g.domain, 32);
    return uniquenessProbe({
      domain: g.domain,
      solve: (start) => {
        const m = Float64Array.from({ length: c.grid.size }, (_, i) => start(c.points.subarray(i, i + 1), 0));
        const mass = m.reduce((sum, v) => sum + v, 0) * c.grid.cellVolume;
        const gathered = m.map((v) => v / mass);
        // staying where the crowd is costs nothing
        const value = gathered.map((v) => -0.2 * Math.log(v));
        const times = Float64Array.from({ length: steps + 1 }, (_, n) => (n * g.horizon) / steps);
        const density = Array.from({ length: steps + 1 }, (_, n) => (n === 0 ? gathered.map(() => 1) : gathered));
        const fields = {
          cells: c,
          times,
          value: [Array.from({ length: steps + 1 }, () => value)],
          density: [density],
          ergodicConstant: null,
        };
        return solve(g, newton({ points: 32, steps, start: fields, continuation: false }));
      },
    });
  };

  it("monotone: one", async () => {
    const found = await probe(timed("m^2 - sin(2*pi*x)"));
    expect(found.failures).toEqual([]);
    expect(found.unique).toBe(true);
  });

  it("costs that fall steeply with the crowd: several", async () => {
    const found = await probe(timed("-3*m/(1+m)"));
    expect(found.unique).toBe(false);
    expect(found.density).toAgree(0.7716, { atol: 1e-3 });
  });
});

describe("the probe itself", () => {
  const g = ergodicTorus({ dimension: 1 });
  const still = (kind: "cloud" | "density", at: number, converged = true): GameSolution =>
    ({
      problem: g,
      fields: null,
      status: { converged, text: "tired" },
      density: () =>
        kind === "cloud"
          ? cloud([at, at + 0.1], 1)
          : { kind: "density", grid: cells(g.domain, 4).grid, values: Float64Array.of(1, 1, 1, 1 + at) },
      value: () => new Float64Array(1),
    }) as unknown as GameSolution;
  const places = (kind: "cloud" | "density") => async (start: StartDensity) =>
    still(kind, start(Float64Array.of(0.25), 0) > 1 ? 0.1 : 0.4);

  it("between clouds: W₂ over the diameter", async () => {
    const found = await uniquenessProbe({
      domain: g.domain,
      solve: places("cloud"),
      starts: spreadStarts(g.domain).slice(1),
    });
    expect(found.density).toAgree(0.3, { rtol: 1e-12 });
    expect(found.value).toBe(null);
    expect(found.unique).toBe(false);
  });

  it("with failures: false when two differ all the same, else null", async () => {
    let call = 0;
    const failing = await uniquenessProbe({
      domain: g.domain,
      solve: async () => still("cloud", 0.2, call++ > 0),
    });
    expect(failing).toMatchObject({ unique: null, density: 0, failures: ["tired"] });
    expect(failing.text).toMatchInlineSnapshot(
      `"not known: 1 of 3 solves failed; raise the viscosity or give other starts. First failure: tired"`,
    );
    call = 0;
    const differing = await uniquenessProbe({
      domain: g.domain,
      solve: async () => still("cloud", 0.2 * call, call++ > 0),
    });
    expect(differing.unique).toBe(false);
    const none = await uniquenessProbe({ domain: g.domain, solve: async () => still("cloud", 0, false) });
    expect(none).toMatchObject({ unique: null, density: null, value: null });
  });

  it("messages", async () => {
    const text = async (run: () => Promise<unknown>): Promise<string> => {
      try {
        await run();
      } catch (error) {
        return (error as Error).message;
      }
      return "no error";
    };
    const own = places("cloud");
    expect(
      await text(() => uniquenessProbe({ domain: g.domain, solve: own, starts: [() => 1] })),
    ).toMatchInlineSnapshot(
      `"uniquenessProbe: starts must hold two densities or more; got 1. Leave them out for a uniform crowd and two gathered ones."`,
    );
    expect(await text(() => uniquenessProbe({ domain: g.domain, solve: own, tolerance: 1 }))).toMatchInlineSnapshot(
      `"uniquenessProbe: tolerance must lie between 0 and 1; got 1. Use tolerance: 0.01 on grids."`,
    );
    let call = 0;
    expect(
      await text(() =>
        uniquenessProbe({ domain: g.domain, solve: async () => still(call++ === 0 ? "cloud" : "density", 0.2) }),
      ),
    ).toMatchInlineSnapshot(
      `"uniquenessProbe: solutions must be densities on one grid, or clouds; got ["cloud","density"]. Solve from every start with the same solver and options."`,
    );
    expect(
      await text(() =>
        uniquenessProbe({
          domain: g.domain,
          solve: async () => {
            throw new Error("out of memory");
          },
        }),
      ),
    ).toBe("out of memory");
  });

  it("starts are positive, gathered apart, and mirrored for a second population", () => {
    const [uniform, low, high] = spreadStarts(domain({ lower: [0, -1], upper: [2, 1] }));
    const [x, y] = [Float64Array.of(0.5, -0.5), Float64Array.of(1.5, 0.5)];
    expect(uniform(x, 0)).toBe(1);
    expect(low(x, 0)).toAgree(1.05, { rtol: 1e-12 });
    expect(high(y, 0)).toAgree(1.05, { rtol: 1e-12 });
    expect(low(y, 0)).toBeLessThan(0.06);
    expect(low(y, 1)).toAgree(1.05, { rtol: 1e-12 });
  });
});
