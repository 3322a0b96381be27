// The comparison and its page, on solvers that are closed forms: every measured number is then known.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { gaussianShift, manifoldTarget, type ProximalFlow, twoMoons } from "../../problems/index.js";
import { SolveError, UsageError } from "../../src/error.js";
import { decodeNpz } from "../../src/io/index.js";
import { cloud, empirical } from "../../src/measure/index.js";
import { generator } from "../../src/random/index.js";
import {
  bibliography,
  citationText,
  compare,
  parseBibliography,
  renderHtml,
  tally,
  writeReport,
} from "../../src/report/index.js";
import type { Solution } from "../../src/solution/index.js";
import type { Solver } from "../../src/solver.js";
import { flowLaws } from "../../src/verify/index.js";

/** The closed form of a problem as a solver; `bias` moves every end point. */
function closedForm(name: string, bias = 0): Solver<ProximalFlow> {
  return {
    name,
    family: "particle",
    order: null,
    references: ["gu2024proximal"],
    options: { bias },
    handles: (problem) => (problem.hasExact ? true : "the problem has no closed form; use another solver."),
    solve: async (problem, context) => {
      const { exact, dimension: d, horizon: T, kineticWeight, lipschitz } = problem;
      const map = (t: number, x: Float64Array) => exact!.map(t, x).map((y) => y + (bias * t) / T);
      const start = (n: number, seed: number) => problem.source.sample(n, generator(seed).split("start"));
      return {
        family: "particle",
        problem,
        solver: { name, family: "particle", order: null, references: ["gu2024proximal"], options: { bias } },
        status: { converged: true, text: "closed form" },
        histories: [{ name: "residual", iterations: [0, 1, 2], values: [1, 1e-3, 1e-9] }],
        objective: { primal: exact!.value, dual: exact!.value, gap: 0 },
        counts: { evaluations: 1 },
        seconds: context.elapsed(),
        seed: context.seed,
        device: { requested: "auto", used: "cpu", reason: "a closed form needs no device", adapter: null },
        version: context.version,
        density: (t) => cloud(map(t, start(200, context.seed).points), d),
        value: (t, x) => exact!.potential(t, x),
        velocity: (t, x) => exact!.velocity(t, x),
        trajectories: (options = {}) => {
          const from = options.start ?? start(options.count ?? 50, options.seed ?? context.seed);
          const steps = options.steps ?? 20;
          const times = Float64Array.from({ length: steps + 1 }, (_, k) => (k * T) / steps);
          const positions = new Float64Array((steps + 1) * from.points.length);
          for (let k = 0; k <= steps; k++) positions.set(map(times[k], from.points), k * from.points.length);
          return { count: from.count, dimension: d, times, positions, weights: null };
        },
        critic: {
          value: (x) => exact!.potential(T, x),
          gradient: (x) => exact!.velocity(T, x).map((v) => -kineticWeight * v),
          certifiedLipschitz: lipschitz,
        },
        arrays: () => ({}),
      } satisfies Solution<ProximalFlow>;
    },
  };
}

const broken: Solver<ProximalFlow> = {
  ...closedForm("broken"),
  solve: async () => {
    throw new SolveError("broken: the residual overflowed at step 3. Lower the learning rate.");
  },
};

const options = { laws: flowLaws(), count: 48, seed: 3 };
const folder = mkdtempSync(join(tmpdir(), "meanfield-report-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("compare", () => {
  it("measures distances between solutions that are known to differ by a shift", async () => {
    const problem = gaussianShift({ dimension: 2 });
    const { record } = await compare(problem, { ...options, solvers: [closedForm("a"), closedForm("b", 0.3)] });
    const [study] = record.studies;
    expect(study.pairwise.names).toEqual(["a", "b"]);
    // every end point is moved by (0.3, 0.3): W₂ is exactly the length of the shift
    expect(study.pairwise.distances[0][1]).toAgree(0.3 * Math.SQRT2, { rtol: 1e-9 });
    expect(study.runs[0].exact).toEqual({ value: 0, potential: 0, map: 0 });
    expect(study.runs[1].exact?.map).toAgree(0.3 * Math.SQRT2, { rtol: 1e-9 });
    expect(study.runs[0].laws.every((law) => law.holds !== false)).toBe(true);
    expect(study.runs[1].laws.some((law) => law.holds === false)).toBe(true); // paths do not follow v
    expect(study.runs[0].spread).toBe(null);
  });

  it("keeps going when a solver sees only in its work that its options do not fit, but not with options of its own", async () => {
    const problem = gaussianShift({ dimension: 1 });
    const coarse: Solver<ProximalFlow> = {
      ...closedForm("coarse"),
      solve: async () => {
        throw new UsageError("coarse: points must resolve the target; got 4. Use more points.");
      },
    };
    const { record } = await compare(problem, { ...options, solvers: [coarse, closedForm("a")] });
    expect(record.studies[0].runs.map((run) => run.failure)).toEqual([
      { kind: "failed", text: "coarse: points must resolve the target; got 4. Use more points." },
      null,
    ]);
    await expect(compare(problem, { ...options, solvers: [closedForm("a")], seed: -1 })).rejects.toThrow(UsageError);
  });

  it("keeps going when a solver fails or does not apply, and says so", async () => {
    const problem = gaussianShift({ dimension: 1 });
    const apart: Solver<ProximalFlow> = { ...closedForm("apart"), handles: () => "d must be 7; use another solver." };
    const { record } = await compare(problem, { ...options, solvers: [broken, apart, closedForm("fine")] });
    const [study] = record.studies;
    expect(study.runs.map((run) => run.failure?.kind ?? null)).toEqual(["failed", "not applicable", null]);
    expect(study.runs[0].failure?.text).toContain("Lower the learning rate");
    expect(study.runs[0].objective).toBe(null);
    expect(tally(study)).toMatchObject({ solved: 1, runs: 3 });
  });

  it("reports an ill-posed problem without running anything", async () => {
    const problem = manifoldTarget({ lipschitz: Infinity });
    const { record } = await compare(problem, { ...options, solvers: [broken] });
    expect(record.studies[0].wellPosedness.wellPosed).toBe(false);
    expect(record.studies[0].runs[0].failure?.kind).toBe("ill-posed");
  });

  it("repeats stochastic solvers for the spread, and is the same for the same seed", async () => {
    const problem = gaussianShift({ dimension: 2 });
    const once = await compare(problem, { ...options, solvers: [closedForm("a")], repeats: 3 });
    expect(once.record.studies[0].runs[0].spread).toMatchObject({ solutions: 3, maps: 0 });
    const again = await compare(problem, { ...options, solvers: [closedForm("a")], repeats: 3 });
    const timeless = (r: typeof once.record) => JSON.stringify(r.studies, (k, v) => (k === "seconds" ? null : v));
    expect(timeless(again.record)).toBe(timeless(once.record));
  });

  it("stops when aborted", async () => {
    const signal = AbortSignal.abort(new Error("stopped"));
    await expect(compare(gaussianShift(), { ...options, solvers: [closedForm("a")], signal })).rejects.toThrow(
      "stopped",
    );
  });
});

describe("the report", () => {
  it.each([1, 2, 3])(
    "in dimension %d is one page without scripts or network, with its numbers and references",
    async (d) => {
      const problem = gaussianShift({ dimension: d });
      const comparison = await compare(problem, { ...options, solvers: [closedForm("a"), closedForm("b"), broken] });
      const html = renderHtml(comparison);
      expect(html).not.toMatch(/<script|<link|@import|src="http|href="http|url\(http/);
      expect(html).not.toMatch(/NaN|undefined|\[object Object\]/);
      expect(html.match(/<svg/g)!.length).toBeGreaterThan(4);
      expect(html).toContain("unmeasured");
      expect(html).toContain("the residual overflowed"); // the failed solver's advice is printed
      expect(html.match(/<(div|section|figure|table|svg|p|ul)[\s>]/g)!.length).toBe(
        html.match(/<\/(div|section|figure|table|svg|p|ul)>/g)!.length,
      );
    },
  );

  it("is written as a whole folder, replacing an earlier one as a whole", async () => {
    const target = join(folder, "report");
    const comparison = await compare(gaussianShift({ dimension: 2 }), { ...options, solvers: [closedForm("a")] });
    await writeReport(comparison, target);
    writeFileSync(join(target, "my-notes.txt"), "precious");
    await expect(writeReport(comparison, target)).rejects.toThrow("nothing that is not ours is replaced");
    rmSync(join(target, "my-notes.txt"));
    writeFileSync(join(target, "index.html"), "stale");
    const files = await writeReport(comparison, target);
    expect(files.map((f) => f.slice(target.length + 1))).toEqual([
      "index.html",
      "results.json",
      "results.csv",
      "fields.npz",
      "references.bib",
    ]);
    expect(readFileSync(join(target, "index.html"), "utf8")).toContain("<!doctype html>");
    const record = JSON.parse(readFileSync(join(target, "results.json"), "utf8"));
    expect(record.studies[0].runs[0].solver).toBe("a");
    const csv = readFileSync(join(target, "results.csv"), "utf8").trim().split(/\r?\n/);
    expect(csv[0]).toBe("problem,solver,kind,name,value,standard error,relation,bound,verdict");
    expect(csv.every((line) => line.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/).length === 9)).toBe(true);
    const arrays = decodeNpz(readFileSync(join(target, "fields.npz")));
    expect(arrays[`${comparison.record.studies[0].name}/a/report_paths`].shape).toEqual([21, 48, 2]);
    expect(arrays[`${comparison.record.studies[0].name}/a/report_times`].shape).toEqual([21]);
    expect(parseBibliography(readFileSync(join(target, "references.bib"), "utf8")).has("gu2024proximal")).toBe(true);
  });

  it("is not written when a picture cannot be drawn, and leaves the earlier report alone", async () => {
    const target = join(folder, "kept");
    const comparison = await compare(gaussianShift({ dimension: 2 }), { ...options, solvers: [closedForm("a")] });
    await writeReport(comparison, target);
    const { runs, problem } = comparison.studies[0];
    const solution = {
      ...runs[0].solution!,
      trajectories: () => {
        throw new Error("no paths");
      },
    };
    const spoiled = { ...comparison, studies: [{ problem, runs: [{ ...runs[0], solution }] }] };
    await expect(writeReport(spoiled, target)).rejects.toThrow("no paths");
    expect(existsSync(join(target, "index.html"))).toBe(true);
  });

  it("knows the sampling floor of a law given by a sampler", async () => {
    const { record } = await compare(twoMoons({ heldOut: 100 }), { ...options, solvers: [closedForm("a")] });
    const floor = record.studies[0].samplingFloor!;
    expect(floor.count).toBe(100);
    // two samples of 100 from the moons at scale 4.2: between a point spacing and the size of the moons
    expect(floor.mean).toBeGreaterThan(0.1);
    expect(floor.mean).toBeLessThan(2);
    expect(floor.standardError).toBeLessThan(0.25 * floor.mean);
  });
});

it("cites with the dashes that BibTeX spells --", () => {
  expect(citationText("jordan1998variational", bibliography())).toContain("Fokker–Planck equation");
});

describe("compare, at the edges", () => {
  const solvers = [closedForm("a")];

  it("refuses twins, and counts that no distance takes, before any solve", async () => {
    const problem = gaussianShift();
    const twins = 'each with a name of its own; got ["gaussian-shift","gaussian-shift"]';
    await expect(compare([problem, problem], { ...options, solvers })).rejects.toThrow(twins);
    await expect(compare(problem, { ...options, solvers: [closedForm("a"), closedForm("a", 1)] })).rejects.toThrow(
      'compare: solvers must be one or more, each with a name of its own; got ["a","a"]',
    );
    await expect(compare(problem, { ...options, solvers, count: 9000 })).rejects.toThrow(
      "compare: count must be an integer in 2 … 8192; got 9000. Use count: 256.",
    );
    await expect(compare(problem, { ...options, solvers, repeats: 0 })).rejects.toThrow(
      "compare: repeats must be an integer ≥ 1; got 0. Use repeats: 5.",
    );
  });

  it("keeps the solution when a further seed fails, and says which", async () => {
    const good = closedForm("moody");
    const moody: Solver<ProximalFlow> = {
      ...good,
      solve: (problem, context) => (context.seed === 4 ? broken : good).solve(problem, context),
    };
    const { record, studies } = await compare(gaussianShift(), { ...options, solvers: [moody], repeats: 3 });
    expect(studies[0].runs[0].solution?.seed).toBe(3);
    expect(studies[0].runs[0].repeats.map((s) => s.seed)).toEqual([5]);
    expect(record.studies[0].runs[0].failure).toEqual({
      kind: "failed",
      text: "seed 4: broken: the residual overflowed at step 3. Lower the learning rate.",
    });
    expect(record.studies[0].runs[0].spread?.solutions).toBe(2);
  });

  it("leaves the sampling floor unmeasured where fewer samples are left than were held out", async () => {
    const draws = (n: number, seed: number) => gaussianShift({ dimension: 2 }).target.sample(n, generator(seed));
    const problem: ProximalFlow = {
      ...gaussianShift({ dimension: 2 }),
      target: empirical(draws(10, 1)),
      heldOut: draws(20, 2),
    };
    const { record } = await compare(problem, { ...options, solvers });
    expect(record.studies[0].samplingFloor).toBe(null);
    expect(record.studies[0].runs[0].toHeldOut?.mean).toBeGreaterThan(0);
  });

  it("keeps text inside the attribute it stands in", async () => {
    const note = 'a "quoted" <note>';
    const law = {
      ...flowLaws()[0],
      measure: (s: Solution) => (s.solver.name === "a" ? note : { value: 1, standardError: null }),
    };
    const both = [closedForm("a"), closedForm("b")];
    const html = renderHtml(await compare(gaussianShift(), { ...options, laws: [law], solvers: both }));
    expect(html).toContain('title="a &quot;quoted&quot; &lt;note&gt;"');
    expect(html).not.toContain(note);
  });
});
