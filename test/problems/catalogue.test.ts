import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { oldFaithfulMinutes } from "../../problems/data/index.js";
import { catalogue, heldOutSample, oldFaithful, split, standardise, twoMoons } from "../../problems/index.js";
import { cloud, empirical } from "../../src/measure/index.js";

function message(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("nothing was thrown");
}

test.each(Object.entries(catalogue))(
  "%s makes a problem of its name that can be sampled, with citations that exist",
  (name, entry) => {
    const problem = entry.make();
    expect(problem.name).toBe(name);
    expect(problem.references).toEqual(entry.references);
    const bibliography = readFileSync(new URL("../../docs/references.bib", import.meta.url), "utf8");
    for (const key of problem.references) expect(bibliography).toContain(`{${key},`);
    expect(existsSync(new URL(`../../problems/catalogue/${name}.ts`, import.meta.url))).toBe(true);
    expect(problem.wellPosedness().wellPosed).toBe(true);
    expect(JSON.parse(JSON.stringify(problem.describe()))).toEqual(problem.describe());
    if (problem.heldOut !== null) expect(problem.heldOut.dimension).toBe(problem.dimension);
  },
);

describe("Old Faithful", () => {
  const problem = oldFaithful();
  const training = problem.target.data!;
  const heldOut = problem.heldOut!;

  test("the module holds the numbers of the csv file", () => {
    const csv = readFileSync(new URL("../../problems/data/old-faithful.csv", import.meta.url), "utf8");
    const rows = csv.trim().split("\n").slice(1);
    expect(rows.length).toBe(272);
    expect(oldFaithfulMinutes).toEqual(rows.flatMap((row) => row.split(",").map(Number)));
  });

  test("218 training and 54 held-out eruptions are the 272, each once", () => {
    expect([training.count, heldOut.count]).toEqual([218, 54]);
    const minutes = (c: typeof training): string[] =>
      Array.from({ length: c.count }, (_, i) =>
        [0, 1]
          .map((a) => (problem.coordinates![a].offset + problem.coordinates![a].scale * c.points[2 * i + a]).toFixed(6))
          .join(),
      );
    const all = Array.from({ length: 272 }, (_, i) =>
      [0, 1].map((a) => oldFaithfulMinutes[2 * i + a].toFixed(6)).join(),
    );
    expect([...minutes(training), ...minutes(heldOut)].sort()).toEqual(all.sort());
  });

  test("the training samples have mean 0 and variance 1; the held-out samples do not, for their moments were not used", () => {
    expect(problem.target.mean!).toAgree([0, 0], { atol: 1e-13 });
    expect([problem.target.covariance![0], problem.target.covariance![3]]).toAgree([1, 1], { rtol: 1e-12 });
    const other = empirical(heldOut).mean!;
    expect(Math.abs(other[0]) + Math.abs(other[1])).toBeGreaterThan(1e-3);
  });

  test("one seed, one split", () => {
    expect(oldFaithful().heldOut!.points).toEqual(heldOut.points);
    expect(oldFaithful({ seed: 2 }).heldOut!.points).not.toEqual(heldOut.points);
  });

  test("coordinates carry names with units", () => {
    expect(problem.coordinates!.map((c) => c.label)).toEqual(["duration (min)", "waiting time (min)"]);
  });
});

test("held-out draws are the same for the same seed and do not depend on the solver's seed", () => {
  const { target, heldOut } = twoMoons();
  expect(heldOut!.count).toBe(500);
  expect(heldOutSample(target, 500).points).toEqual(heldOut!.points);
  expect(twoMoons({ heldOutSeed: 3 }).heldOut!.points).not.toEqual(heldOut!.points);
});

test("samples: what cannot be split or standardised is refused", () => {
  const data = cloud([0, 1, 2, 3], 1);
  expect(split(data, 0, 1).heldOut).toBeNull();
  expect(message(() => split(data, 1, 1))).toMatchInlineSnapshot(
    `"split: fraction must be in [0, 1); got 1. Use 0.2 to hold out a fifth."`,
  );
  expect(message(() => split(cloud([0, 1], 1, [0.25, 0.75]), 0.5, 1))).toMatchInlineSnapshot(
    `"split: data must have uniform weights; got Float64Array(2). Split before weighting."`,
  );
  expect(message(() => standardise(cloud([0, 7, 1, 7], 2)))).toMatchInlineSnapshot(
    `"standardise: coordinate 1 must vary; got 7. Leave out the constant column."`,
  );
});

test("overrides that do not fit are refused", () => {
  const wrong = (name: string, overrides: object): string => message(() => catalogue[name].make(overrides));
  expect(wrong("gaussian-shift", { dimension: 0 })).toMatchInlineSnapshot(
    `"gaussianShift: dimension must be an integer ≥ 1; got 0. Use dimension: 1 to start."`,
  );
  expect(wrong("gaussian-shift", { shift: Number.NaN })).toMatchInlineSnapshot(
    `"gaussianShift: shift must be finite; got NaN. Use shift: 3 to start."`,
  );
  expect(wrong("gaussian-shift", { variance: 0 })).toMatchInlineSnapshot(
    `"gaussianShift: variance must be finite and > 0; got 0. Use variance: 1."`,
  );
  expect(wrong("gaussian-scale", { targetSd: -1 })).toMatchInlineSnapshot(
    `"gaussianScale: targetSd must be finite and > 0; got -1. Use targetSd: 1 to start."`,
  );
  expect(wrong("manifold-target", { normalDimensions: 1.5 })).toMatchInlineSnapshot(
    `"manifoldTarget: normalDimensions must be an integer ≥ 1; got 1.5. Use normalDimensions: 1 to start."`,
  );
  expect(wrong("point-target", { divergence: { name: "plain transport", rigid: true } })).toMatchInlineSnapshot(
    `"pointTarget: divergence must be a divergence, not plain transport; got "plain transport". Use kullbackLeibler() or alphaDivergence(2)."`,
  );
});
