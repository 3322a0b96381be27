// The comparison of evolving densities, on closed forms put on cells: every measured number is then known.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  energy,
  entropy,
  type GradientFlow,
  gradientFlow,
  huberFlow,
  huberGap,
  lipschitzDivergence,
  oldFaithfulFlow,
  porousObstacle,
  transportTo,
  wallDrift,
} from "../../problems/index.js";
import { fokkerPlanck, particleGradientFlow, porousMedium } from "../../solvers/index.js";
import { cells, domain } from "../../src/grid/index.js";
import { decodeNpz } from "../../src/io/index.js";
import { cloud, dirac, gaussian, kullbackLeibler, massOf, uniformBox } from "../../src/measure/index.js";
import { generator } from "../../src/random/index.js";
import { evolutionFigure, range } from "../../src/report/density-figures.js";
import { compare, energyDisagreement, renderHtml, resultRows, writeReport } from "../../src/report/index.js";
import { wound } from "../../src/report/points.js";
import type { DescentSolution, Solution } from "../../src/solution/index.js";
import type { Solver } from "../../src/solver.js";
import { densityLaws, descentLaws, type Law } from "../../src/verify/index.js";

const GAP = 3;
const T = 4;
const STEPS = 16;

/** The rigid translation as a solver; `late` moves every law by so much. A grid keeps slabs, particles draw from the law. */
function translation(name: string, family: "grid" | "particle", late = 0): Solver<GradientFlow> {
  const record = { name, family, order: null, references: ["gu2024lipschitz"], options: { late } };
  return {
    ...record,
    handles: () => true,
    solve: async (problem, context) => {
      const d = problem.dimension;
      const cut = cells(problem.domain, d === 1 ? 400 : 64);
      const times = Float64Array.from({ length: STEPS + 1 }, (_, n) => (n / STEPS) * T);
      const shift = (t: number) => huberGap(t, GAP, 1, 1);
      const moved = (t: number, x: Float64Array) =>
        problem.exact!.density!(
          t,
          x.map((v, j) => (j % d === 0 ? v - late : v)),
        );
      const speed = (t: number) => Math.min(1, shift(t));
      const slabs = Array.from(times, (t) => moved(t, cut.points));
      const start = (n: number) =>
        generator(7)
          .normal(n * d)
          .map((z, j) => (j % d === 0 ? z + GAP + late : z));
      const carry = (x: Float64Array, t: number) => x.map((v, j) => (j % d === 0 ? v + shift(t) - GAP : v));
      return {
        ...record,
        problem,
        solver: record,
        status: { converged: true, text: "closed form" },
        histories: [],
        objective: { primal: null, dual: null, gap: null },
        counts: {},
        seconds: 0,
        seed: context.seed,
        device: { requested: "auto", used: "cpu", reason: "a closed form needs no device", adapter: null },
        version: context.version,
        times,
        ...(family === "grid" ? { cells: cut, slabs } : {}),
        energies: Array.from(times, (t) => problem.exact?.energy?.(t) ?? 0),
        dissipations: Array.from(times, (t) => speed(t) ** 2),
        speeds: Array.from(times, speed),
        density: (t) =>
          family === "grid"
            ? { kind: "density", grid: cut.grid, values: moved(t, cut.points) }
            : cloud(carry(start(400), t), d),
        value: (t, x) => Float64Array.from({ length: x.length / d }, (_, i) => speed(t) * x[i * d]),
        velocity: (t, x) => x.map((_, j) => (j % d === 0 ? -speed(t) : 0)),
        trajectories: ({ count = 256, steps = 20, start: given } = {}) => {
          const from = given?.points ?? start(count);
          const at = Float64Array.from({ length: steps + 1 }, (_, k) => (k / steps) * T);
          const positions = new Float64Array((steps + 1) * from.length);
          for (const [k, t] of at.entries()) positions.set(carry(from, t), k * from.length);
          return { count: from.length / d, dimension: d, times: at, positions, weights: null };
        },
        critic: null,
        arrays: () => ({}),
      } as DescentSolution<GradientFlow>;
    },
  };
}

const laws = densityLaws() as unknown as readonly Law<Solution<GradientFlow>>[];

describe("a translation on the line", () => {
  const problem = huberFlow({ gap: GAP, horizon: T });
  const solvers = [translation("exact", "grid"), translation("late", "grid", 0.25), translation("drawn", "particle")];

  it("distances by quantiles, to the target over time, against the closed form", async () => {
    const comparison = await compare(problem, { solvers, laws, count: 300, seed: 2 });
    const [study] = comparison.record.studies;
    expect(study.kind).toBe("density");
    expect(study.samplingFloor).toBe(null); // no sampling between densities on a line
    expect(study.pairwise.distances[0][1]).toAgree(0.25, { rtol: 2e-3 });
    // the closed form itself, on cells of width 0.035: W₂ is O(h²), not the h/√12 = 0.01 of their centres
    expect(study.runs[0].exact?.["law at T, W₂"]).toBeLessThan(1e-3);
    // 400 draws of N(0, 1): W₂ to the law itself is about √(2.5/400)
    expect(study.pairwise.distances[0][2]).toBeLessThan(0.2);
    // the paths are the same translation from common starts, and so is the velocity
    const further = Object.fromEntries(study.pairwise.further.map((f) => [f.name, f.values]));
    expect(further.paths[0][1]).toAgree(0, { atol: 1e-12 });
    expect(further.velocity[0][1]).toAgree(0, { atol: 1e-12 });
    const [exact, late] = study.runs;
    const distance = exact.series.find((s) => s.name === "W₂ to the target");
    expect(distance?.values).toAgree(
      distance!.times.map((t) => huberGap(t, GAP, 1, 1)),
      { atol: 2e-3 },
    );
    // D between 128 samples of N(δ, 1) and N(0, 1), Huber's function of the gap; the means of 128 draws differ by √(2/128) from it
    const stick = exact.series.find((s) => s.name === "D between 128 samples");
    expect(stick?.values[0]).toAgree(GAP - 0.5, { atol: 0.5 });
    expect(stick?.values.at(-1)).toBeLessThan(0.5);
    expect(exact.exact?.["density at T, relative L¹"]).toAgree(0, { atol: 1e-12 });
    expect(late.exact?.["law at T, W₂"]).toAgree(0.25, { rtol: 2e-3 });
    expect(exact.exact?.["energy at T"]).toBe(0);
    expect(exact.numbers["largest speed"]).toBe(1);
    expect(exact.numbers["chord ratio of paths"]).toAgree(1, { atol: 1e-12 });
    expect(study.runs[2].exact?.["density at T, relative L¹"]).toBe(null);
  });

  it("one page, and a row for every number", async () => {
    const comparison = await compare(problem, { solvers, laws, count: 100 });
    const html = renderHtml(comparison);
    expect(html).not.toMatch(/NaN|undefined|\[object Object\]|<script/);
    for (const text of ["largest speed", "W₂ to the target", "closed form", "bound by L = 1", "first variation"])
      expect(html).toContain(text);
    const rows = resultRows(comparison.record).filter((row) => row[2] === "series" && row[1] === "exact");
    expect(rows.length).toBe(9 + 5);
  });
});

it("a solver whose energy stays behind makes no page that looks well, and is named", async () => {
  const problem = huberFlow({ gap: GAP, horizon: T });
  const energyAt = problem.exact!.energy!;
  /** Falls by a share of what the energy should. */
  const slow = (name: string, share: number): Solver<GradientFlow> => {
    const base = translation(name, "particle");
    return {
      ...base,
      solve: async (p, context) => {
        const solution = (await base.solve(p, context)) as DescentSolution<GradientFlow>;
        const energies = Array.from(solution.times, (t) => share * energyAt(t) + (1 - share) * energyAt(0));
        return { ...solution, family: "particle", energies } as DescentSolution<GradientFlow>;
      },
    };
  };
  const solvers = [slow("right", 1), slow("close", 0.92), slow("idle", 0.2)];
  const comparison = await compare(problem, { solvers, laws: [], count: 50 });
  const [study] = comparison.record.studies;
  const energies = study.pairwise.further.find((f) => f.name === "energy")!.values;
  expect([energies[0][1], energies[0][2], energies[1][2]]).toAgree([0.08, 0.8, 0.72], { rtol: 1e-9 });
  expect(study.runs[2].exact?.["energy at T, relative to its fall"]).toAgree(0.8, { rtol: 1e-9 });
  expect(energyDisagreement(study)?.pair).toEqual(["right", "idle"]);
  const html = renderHtml(comparison);
  expect(html).toContain("<b>idle</b> ends far from the closed form");
  expect(html).not.toContain("<b>close</b> ends far");
  expect(html).toContain("Particles that follow an exact critic see samples of the target and not its law");
  expect(html).toMatch(/card bad"><b>[^<]*<\/b><span>largest disagreement/);
  const unknown = { ...problem, exact: null } as GradientFlow;
  const blind = slow("blind", 0.85);
  const other = slow("other", 1);
  const known = (solver: Solver<GradientFlow>): Solver<GradientFlow> => ({
    ...solver,
    solve: async (_, context) => solver.solve(problem, context),
  });
  const page = renderHtml(await compare(unknown, { solvers: [known(other), known(blind)], laws: [], count: 50 }));
  expect(page).toContain("<b>other</b> and <b>blind</b> disagree");
  const agreed = await compare(unknown, { solvers: [known(other), known(slow("near", 0.95))], laws: [], count: 50 });
  expect(renderHtml(agreed)).not.toContain('class="finding"');
});

it("in the plane laws are drawn, and the floor of each pair is that of its kind of draws", async () => {
  const problem = huberFlow({ dimension: 2, gap: GAP, horizon: T });
  const solvers = [
    translation("exact", "grid"),
    translation("again", "grid"),
    translation("late", "grid", 1),
    translation("drawn", "particle"),
  ];
  const comparison = await compare(problem, { solvers, laws, count: 200 });
  const [study] = comparison.record.studies;
  const { distances, floors } = study.pairwise;
  const even = floors![0][1]!;
  const mixed = floors![0][3]!;
  // independent draws of 200 points from N(0, I₂) are about 0.35 apart, even ones of two kinds less
  expect(even.mean).toBeGreaterThan(0.1);
  expect(even.mean).toBeLessThan(0.9 * mixed.mean);
  expect(mixed.mean).toBeLessThan(0.5);
  expect(floors![0][0]).toBe(null);
  // one law drawn twice with offsets of its own lies at its floor
  const scatter = even.standardError! * Math.sqrt(even.repeats);
  expect(Math.abs(distances[0][1] - even.mean)).toBeLessThan(4 * scatter);
  // 200 even draws stand for cells of about 0.25: √(1 + 0.25²), and 0.04 in the means
  expect(distances[0][2]).toAgree(1, { rtol: 0.1 });
  const html = renderHtml(comparison);
  expect(html).toContain("sampling floor");
  expect(html).toMatch(/card bad"><b>[^<]*<\/b><span>largest disagreement/);
  expect(resultRows(comparison.record).map((row) => row[3])).toContain("sampling floor to again");
});

it("says on the page what the page shows: no rows of laws that nobody measured, no marks that are not drawn", async () => {
  const problem = porousObstacle();
  const comparison = await compare(problem, {
    solvers: [porousMedium({ points: 16, steps: 8 }) as Solver<typeof problem>],
    laws: descentLaws() as unknown as Law<Solution<typeof problem>>[],
    count: 50,
  });
  const html = renderHtml(comparison);
  expect(html).toContain("<th>energy falls<br>");
  expect(html).not.toContain("<th>speed ≤ L<br>");
  expect(html).toContain("speed ≤ L: nothing bounds the speed of this flow");
  expect(html).not.toContain("W₂ that chance alone makes");
  expect(html).toContain("fewer than two solutions");
  expect(html).toContain("from dark to light");
});

it("Fokker–Planck problems have no energies, and their paths carry noise", async () => {
  const problem = wallDrift();
  const { record } = await compare(problem, {
    solvers: [fokkerPlanck({ points: 24, steps: 8 }) as Solver<typeof problem>],
    laws: [],
    count: 50,
  });
  const [study] = record.studies;
  expect(study.runs[0].numbers).toEqual({});
  expect(study.pairwise.further.map((f) => f.name)).toEqual(["velocity"]);
  expect(study.runs[0].exact?.["density at T, relative L¹"]).toBeLessThan(0.05);
});

it("draws no history twice, none that stands still, and marks bars that the axis cuts", async () => {
  const problem = huberFlow({ gap: GAP, horizon: T });
  const base = translation("grid", "grid");
  const withHistories: Solver<GradientFlow> = {
    ...base,
    solve: async (p, context) => {
      const solution = (await base.solve(p, context)) as DescentSolution<GradientFlow>;
      const history = (name: string, values: readonly number[]) => ({
        name,
        iterations: values.map((_, k) => k),
        values: [...values],
      });
      const histories = [
        history("energy", solution.energies),
        history("mass", [1, 1 + 1e-15, 1]),
        history("noise", [1e-15, -1e-15, 0]),
        history("residual", [1, 0.1, 0.01]),
      ];
      return { ...solution, histories };
    },
  };
  // particles in one place: a bar far above the density's peak
  const drawn = translation("heap", "particle");
  const heap: Solver<GradientFlow> = {
    ...drawn,
    solve: async (p, context) => ({
      ...((await drawn.solve(p, context)) as DescentSolution<GradientFlow>),
      density: () => cloud(new Float64Array(50), 1),
    }),
  };
  const html = renderHtml(await compare(problem, { solvers: [withHistories, heap], laws: [], count: 20 }));
  expect(html).toContain("grid: residual");
  expect(html).not.toContain("grid: energy</figcaption>");
  expect(html).toContain("Constant to round-off, and so not drawn: grid: mass 1; grid: noise 0.");
  expect(html).toContain("triangles: bars that go on, up to");
});

describe("round a circle", () => {
  // All mass turns at speed 1, from [0.5, 1.5] over the seam at 4; the second solver ends 0.1 ahead.
  const problem = gradientFlow({
    domain: domain({ lower: [0], upper: [4], ends: "periodic" }),
    energy: energy({ dimension: 1, internal: entropy() }),
    initial: 0.25,
    horizon: 3,
  });
  const turning = (name: string, ahead: number, until = 3): Solver<GradientFlow> => {
    const base = translation(name, "grid");
    return {
      ...base,
      solve: async (p, context) => {
        const still = (await base.solve(huberFlow(), context)) as DescentSolution<GradientFlow>;
        const cut = cells(problem.domain, 400);
        const round = (x: number) => x - 4 * Math.floor(x / 4);
        const law = (t: number) => ({
          kind: "density" as const,
          grid: cut.grid,
          values: cut.points.map((x) => (round(x - 0.5 - ahead - t) <= 1 ? 1 : 0)),
        });
        const times = still.times.map((_, k) => (k / STEPS) * until);
        return {
          ...still,
          problem: p,
          times,
          energies: Array.from(times, () => 0),
          cells: cut,
          slabs: Array.from(times, (t) => law(t).values),
          density: (t: number) => {
            if (t > until) throw new Error("after the end");
            return law(t);
          },
          velocity: (t: number, x: Float64Array) => {
            if (t > until) throw new Error("after the end");
            return x.map(() => 1);
          },
          trajectories: ({ count = 256, steps = 20, start } = {}) => {
            const from = start?.points ?? Float64Array.from({ length: count }, (_, i) => 0.5 + i / count);
            const at = Float64Array.from({ length: steps + 1 }, (_, k) => (k / steps) * until);
            const positions = new Float64Array((steps + 1) * from.length);
            for (const [k, t] of at.entries())
              positions.set(
                from.map((x) => round(x + t + (ahead * t) / until)),
                k * from.length,
              );
            return { count: from.length, dimension: 1, times: at, positions, weights: null };
          },
        } as DescentSolution<GradientFlow>;
      },
    };
  };

  it("paths are straight over the seam, and end as far apart as the short way round", async () => {
    const solvers = [turning("exact", 0), turning("ahead", 0.1)];
    const [study] = (await compare(problem, { solvers, laws, count: 64 })).record.studies;
    expect(study.runs[0].numbers["chord ratio of paths"]).toAgree(1, { atol: 1e-12 });
    expect(study.pairwise.further[0].values[0][1]).toAgree(0.1, { atol: 1e-12 });
  });

  it("one that stopped early is compared where it stopped, and has no numbers at T", async () => {
    const solvers = [turning("exact", 0), turning("early", 0, 1.5)];
    const comparison = await compare(problem, { solvers, laws: [], count: 64 });
    const [study] = comparison.record.studies;
    // the same law at t = 1.5, but for the draws; at their own ends they are 1.5 of 4 apart
    expect(study.pairwise.distances[0][1]).toBeLessThan(0.1);
    expect(study.pairwise.further.map((f) => f.values[0][1])).toEqual([null, 0]); // energies stand still: no row of theirs
    const { numbers } = study.runs[1];
    expect([numbers["E at T"], numbers["stopped at t"], numbers["E there"]]).toEqual([null, 1.5, 0]);
    const html = renderHtml(comparison);
    expect(html).toContain("early stopped at t = 1.5");
    expect(html).not.toMatch(/NaN|undefined/);
  });
});

describe("pictures", () => {
  it("axes hold every value, negative ones too, and run upwards", () => {
    expect(range([0.5, 2])).toEqual([0, 2.1]);
    expect(range([0, 0])).toEqual([0, 1]);
    for (const values of [[-6.505, -6.546], [-1, 2], [-3]]) {
      const [low, top] = range(values);
      expect(low).toBeLessThan(Math.min(...values));
      expect(top).toBeGreaterThan(Math.max(...values));
    }
  });

  const base = {
    domain: domain({ lower: [-1], upper: [1], ends: "no-flux" }),
    energy: energy({ dimension: 1, internal: entropy() }),
  };

  it("clouds and targets of a flow of mass 3 have that mass, and a cloud alone has an axis", async () => {
    const problem = gradientFlow({
      domain: domain({ lower: [-6], upper: [8], ends: "no-flux" }),
      energy: lipschitzDivergence({
        dimension: 1,
        divergence: kullbackLeibler(),
        lipschitz: 1,
        target: "7*exp(-x^2/2)",
      }),
      initial: gaussian({ mean: [3], sd: 1 }),
      mass: 3,
    });
    const { runs } = (
      await compare(problem, { solvers: [particleGradientFlow({ count: 400, steps: 2 })], laws: [], count: 16 })
    ).studies[0];
    const html = evolutionFigure(problem, runs);
    // the top label of the first panel's axis: the tallest of 40 bars is a little above 3/√(2π) = 1.2
    const labels = [...html.split("t = 0.1")[0].matchAll(/<text[^>]*>(\d\.\d)<\/text>/g)].map((m) => Number(m[1]));
    expect(Math.max(...labels)).toBeGreaterThan(1);
    expect(Math.max(...labels)).toBeLessThan(2.5);
    for (const text of ["bars: how many particles", "grey: the target"]) expect(html).toContain(text);
    expect(html).not.toContain("lines: densities");
    expect(massOf(problem)).toBe(3);
    expect(massOf(gradientFlow({ ...base, initial: "2*(1 - x^2)", mass: null }))).toAgree(8 / 3, { rtol: 1e-5 });
    expect(massOf(gradientFlow({ ...base, initial: gaussian({ mean: [0], sd: 0.1 }), mass: null }))).toBe(1);
  });
});

it("a target that is points, or narrower than the finest cells, is pictured and measured by its draws", async () => {
  for (const target of [dirac([1]), gaussian({ mean: [1], sd: 1e-6 })]) {
    const problem = gradientFlow({
      domain: domain({ lower: [-3], upper: [3], ends: "no-flux" }),
      energy: transportTo({ dimension: 1, order: 1, target }),
      initial: uniformBox({ lower: [-1], upper: [0] }),
      horizon: 0.5,
    });
    const solvers = [particleGradientFlow({ count: 50, targetCount: 20, steps: 2 })];
    const comparison = await compare(problem, { solvers, laws: [], count: 16 });
    const [run] = comparison.record.studies[0].runs;
    // U[−1, 0] to 1: √E(1 − x)² = √(7/3); 50 draws add 0.3/√50
    expect(Math.abs(run.series[0].values[0] - Math.sqrt(7 / 3))).toBeLessThan(4 * 0.042);
    const html = evolutionFigure(problem, comparison.studies[0].runs);
    expect(html).toContain("grey: the target");
    expect(html).not.toMatch(/NaN|undefined/);
  }
});

it("held-out points stand beside what the target itself reaches, and distances say their unit", async () => {
  const problem = oldFaithfulFlow();
  const solvers = [particleGradientFlow({ steps: 2 })];
  const comparison = await compare(problem, { solvers, laws: [], count: 64 });
  const [study] = comparison.record.studies;
  const floor = study.heldOutFloor!;
  expect(floor.count).toBe(problem.heldOut!.count);
  // particles that end at samples of the target are as near as these
  expect(study.runs[0].toHeldOut!.mean).toAgree(floor.mean, { rtol: 0.3 });
  expect(floor.mean).toBeGreaterThan(0.1);
  const html = renderHtml(comparison);
  for (const text of [
    "Points that no solver has seen",
    "fresh points of the target itself",
    "standardised coordinates",
  ])
    expect(html).toContain(text);
  expect(resultRows(comparison.record).map((row) => row[3])).toContain("sampling floor of held-out");
});

it("a periodic axis has no seam", () => {
  const ring = domain({ lower: [0], upper: [1], ends: "periodic" });
  const { points, dimension } = wound(ring, cloud([0.01, 0.99], 1));
  expect(dimension).toBe(2);
  const apart = Math.hypot(points[0] - points[2], points[1] - points[3]);
  expect(apart).toAgree(0.02, { rtol: 1e-3 });
});

it("a solution's times go with its slabs in fields.npz: the paths of the report stand beside them", async () => {
  const problem = wallDrift();
  const solvers = [fokkerPlanck({ points: 24, steps: 8 }) as Solver<typeof problem>];
  const folder = mkdtempSync(join(tmpdir(), "fields-"));
  try {
    await writeReport(await compare(problem, { solvers, laws: [], count: 10 }), join(folder, "report"));
    const arrays = decodeNpz(readFileSync(join(folder, "report", "fields.npz")));
    const shape = (name: string) => arrays[`${problem.name}/${solvers[0].name}/${name}`].shape;
    expect(shape("times")[0]).toBe(shape("density")[0]);
    expect(shape("report_paths")).toEqual([shape("report_times")[0], 10, problem.dimension]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
