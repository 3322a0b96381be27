import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  catalogue,
  gaussianShift,
  problemFrom,
  proximalFlow,
  readProblemFile,
  standardise,
} from "../../problems/index.js";
import {
  alphaDivergence,
  cloud,
  gaussian,
  gaussianMixture,
  jensenShannon,
  pinwheel,
  plainTransport,
  product,
  reverseKullbackLeibler,
  uniformBox,
} from "../../src/measure/index.js";

const folder = mkdtempSync(join(tmpdir(), "meanfield-problem-file-"));
afterAll(() => rmSync(folder, { recursive: true }));

function message(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message.replaceAll(folder, "FOLDER");
  }
  throw new Error("nothing was thrown");
}

const good = {
  kind: "proximal-flow",
  source: { kind: "gaussian", mean: [0, 0] },
  target: { kind: "two-moons" },
  divergence: { kind: "kullback-leibler" },
  lipschitz: 1,
  kineticWeight: 0.05,
  horizon: 1,
};

describe("what a problem says of itself makes it again", () => {
  const source = gaussian({ mean: [0, 1], covariance: [1, 0.3, 0.3, 2] });
  const others = [
    proximalFlow({
      source,
      target: gaussianMixture({
        components: [
          { weight: 0.25, mean: [0, 0] },
          { weight: 0.75, mean: [2, 1], sd: 0.5 },
        ],
      }),
      divergence: alphaDivergence(2.5),
      lipschitz: Infinity,
      kineticWeight: 0.3,
      horizon: 2,
    }),
    proximalFlow({
      source: product([uniformBox({ lower: [0], upper: [1] }), gaussian({ mean: [1] })]),
      target: pinwheel({ arms: 3 }),
      divergence: reverseKullbackLeibler(),
      lipschitz: 2,
      kineticWeight: 0.3,
      horizon: 2,
    }),
    proximalFlow({ ...gaussianShift({ dimension: 2 }), divergence: jensenShannon(), name: "with-js" }),
    proximalFlow({ ...gaussianShift({ dimension: 2 }), divergence: plainTransport(), name: "transport" }),
  ];
  const all = [...Object.values(catalogue).map((entry) => entry.make()), ...others].filter(
    (p) => p.name !== "old-faithful",
  );

  test.each(all.map((p) => [p.name, p] as const))("%s", (_name, problem) => {
    const path = join(folder, `${problem.name}.json`);
    writeFileSync(path, JSON.stringify(problem.describe()));
    const again = readProblemFile(path);
    expect(again.describe()).toEqual(problem.describe());
    expect(again.heldOut?.points).toEqual(problem.heldOut?.points);
    const x = Float64Array.from({ length: 2 * problem.dimension }, (_, i) => 0.3 * i - 0.5);
    expect(again.target.logDensity?.(x)).toEqual(problem.target.logDensity?.(x));
    for (const y of [-2, -0.3]) expect(again.divergence.conjugate(y)).toBe(problem.divergence.conjugate(y));
  });

  test("samples cannot be made from their description", () => {
    expect(message(() => problemFrom(catalogue["old-faithful"].make().describe()))).toMatchInlineSnapshot(
      `"problem file: target.kind must be one of gaussian, gaussian-mixture, uniform-box, dirac, product, two-moons, pinwheel, eight-gaussians, checkerboard, swiss-roll, circles, spirals, csv; got "empirical". Choose one of them; samples come from { "kind": "csv", "file": … }."`,
    );
  });
});

describe("catalogue by name", () => {
  test("with and without overrides", () => {
    expect(problemFrom({ catalogue: "gaussian-shift" }).exact!.value).toBe(1.5);
    const moons = problemFrom({
      catalogue: "two-moons",
      overrides: {
        lipschitz: "Infinity",
        law: { noise: 0.1 },
        divergence: { kind: "alpha", alpha: 2 },
        heldOut: 7,
      },
    });
    expect([moons.lipschitz, moons.divergence.name, moons.heldOut!.count]).toEqual([Infinity, "α = 2", 7]);
    expect(moons.target.description.noise).toBe(0.1);
    const manifold = problemFrom({
      catalogue: "manifold-target",
      overrides: { tangential: { kind: "two-moons" }, normalDimensions: 10 },
    });
    expect([manifold.dimension, manifold.hasExact]).toEqual([12, true]);
  });

  test("every problem of the catalogue takes its weights", () => {
    for (const name of Object.keys(catalogue)) {
      const p = problemFrom({ catalogue: name, overrides: { kineticWeight: 0.7, horizon: 1.5, lipschitz: 2.5 } });
      expect([p.name, p.kineticWeight, p.horizon, p.lipschitz]).toEqual([name, 0.7, 1.5, 2.5]);
    }
  });

  test("errors", () => {
    expect(message(() => problemFrom({ catalogue: "three-moons" }))).toMatchInlineSnapshot(
      `"problem file: catalogue must be one of gaussian-shift, gaussian-scale, manifold-target, point-target, two-moons, pinwheel, old-faithful, eight-gaussians, checkerboard, swiss-roll, circles, spirals; got "three-moons". See meanfield list."`,
    );
    expect(message(() => problemFrom({ catalogue: "two-moons", override: {} }))).toMatchInlineSnapshot(
      `"problem file: override must be a known field; got {}. Remove it, or check its spelling."`,
    );
    expect(message(() => problemFrom({ catalogue: "two-moons", overrides: { lambda: 1 } }))).toMatchInlineSnapshot(
      `"problem file: overrides.lambda must be a known field; got 1. Remove it, or check its spelling."`,
    );
    expect(
      message(() => problemFrom({ catalogue: "spirals", overrides: { law: { shift: 1 } } })),
    ).toMatchInlineSnapshot(
      `"problem file: overrides.law.shift must be a known field; got 1. Remove it, or check its spelling."`,
    );
    expect(message(() => problemFrom({ catalogue: "point-target", overrides: { point: [] } }))).toMatchInlineSnapshot(
      `"problem file: overrides.point must have at least 1 entries; got []. Change the value."`,
    );
  });
});

describe("samples from a csv file", () => {
  const rows = Array.from({ length: 20 }, (_, i) => `${i},${(i * 7) % 20},a`);
  const target = {
    kind: "csv",
    file: "data.csv",
    columns: ["second", "first"],
    standardise: true,
    heldOutFraction: 0.25,
    seed: 3,
  };
  writeFileSync(join(folder, "data.csv"), ["first,second,label", ...rows].join("\n"));
  const make = (change: object = {}, more: object = {}) =>
    problemFrom({ ...good, target: { ...target, ...change }, ...more }, folder);

  test("split, standardised by the training rows, every row once", () => {
    const problem = make();
    const data = problem.target.data!;
    expect([data.count, problem.heldOut!.count]).toEqual([15, 5]);
    expect(problem.target.mean!).toAgree([0, 0], { atol: 1e-14 });
    expect(problem.target.covariance![0]).toAgree(1, { rtol: 1e-13 });
    expect(problem.coordinates!.map((c) => c.label)).toEqual(["second", "first"]);
    const [second, first] = problem.coordinates!;
    const back = [...data.points, ...problem.heldOut!.points].map((x, i) => {
      const c = i % 2 === 0 ? second : first;
      return Math.round(c.offset + c.scale * x);
    });
    const pairs = Array.from({ length: 20 }, (_, i) => [back[2 * i + 1], back[2 * i]]).sort((a, b) => a[0] - b[0]);
    expect(pairs).toEqual(Array.from({ length: 20 }, (_, i) => [i, (i * 7) % 20]));
  });

  test("what it says of itself makes it again, from the file's folder", () => {
    const path = join(folder, "with-data.json");
    const problem = make();
    writeFileSync(path, JSON.stringify(problem.describe()));
    const again = readProblemFile(path);
    expect(again.describe()).toEqual(problem.describe());
    expect(again.target.data!.points).toEqual(problem.target.data!.points);
    expect(again.heldOut!.points).toEqual(problem.heldOut!.points);
  });

  test("raw numbers by default; a csv file may be the source too", () => {
    const problem = problemFrom(
      { ...good, source: { kind: "csv", file: "data.csv", columns: ["first"] }, target: { kind: "dirac", point: [0] } },
      folder,
    );
    expect(problem.source.mean!).toAgree([9.5]);
    expect(problem.heldOut).toBeNull();
  });

  test("errors", () => {
    expect(message(() => make({ file: "none.csv" }))).toMatchInlineSnapshot(
      `"problem file: target.file must be a readable file; got "FOLDER/none.csv". Check the path."`,
    );
    expect(message(() => make({ file: undefined }))).toMatchInlineSnapshot(
      `"problem file: target.file must be a text in quotes; got undefined. Give the path of a csv file with a header line."`,
    );
    expect(message(() => make({ columns: ["third"] }))).toMatchInlineSnapshot(
      `"decodeCsvNumbers: column must be one of first, second, label; got "third". Check the header line."`,
    );
    expect(message(() => make({ columns: ["label"] }))).toMatchInlineSnapshot(
      `"decodeCsvNumbers: row 1, column label must be a finite number; got "a". Remove or repair the row."`,
    );
    expect(message(() => make({ heldOutFraction: 1 }))).toMatchInlineSnapshot(
      `"problem file: target.heldOutFraction must be < 1; got 1. Use 0.2 to hold out a fifth."`,
    );
    expect(message(() => make({ heldout: 1 }))).toMatchInlineSnapshot(
      `"problem file: target.heldout must be a known field; got 1. Remove it, or check its spelling."`,
    );
    expect(message(() => make({ checksum: "0" }))).toMatchInlineSnapshot(
      `"problem file: target.checksum must be bdfd4c22, as in data.csv; got "0". The numbers in the file have changed; remove count and checksum to take it as it is."`,
    );
    expect(message(() => make({}, { heldOut: 4 }))).toMatchInlineSnapshot(
      `"problem file: heldOut must be the 5 rows that target.heldOutFraction holds out; got 4. Leave it out."`,
    );
    expect(message(() => make({}, { source: target }))).toMatchInlineSnapshot(
      `"problem file: source.heldOutFraction must be 0; got 5. Hold out samples of the target only."`,
    );
    writeFileSync(join(folder, "empty.csv"), "first,second\n");
    expect(message(() => make({ file: "empty.csv" }))).toMatchInlineSnapshot(
      `"problem file: target.file must hold at least one row of numbers; got 0. Check the file."`,
    );
  });
});

describe("errors name the field and the cure", () => {
  const wrong = (change: object): string => message(() => problemFrom({ ...good, ...change }));

  test("values", () => {
    expect(() => problemFrom(good)).not.toThrow();
    expect(wrong({ lipschitz: 0 })).toMatchInlineSnapshot(
      `"problem file: lipschitz must be a number > 0 or "Infinity"; got 0. Use 1 to start, "Infinity" for no W₁ regularisation."`,
    );
    expect(wrong({ lipschitz: "inf" })).toMatchInlineSnapshot(
      `"problem file: lipschitz must be a number > 0 or "Infinity"; got "inf". Use 1 to start, "Infinity" for no W₁ regularisation."`,
    );
    expect(wrong({ kineticWeight: -1 })).toMatchInlineSnapshot(
      `"problem file: kineticWeight must be > 0; got -1. Use 0.5 to start."`,
    );
    expect(wrong({ kineticWeight: undefined })).toMatchInlineSnapshot(
      `"problem file: kineticWeight must be a finite number; got undefined. Use 0.5 to start."`,
    );
    expect(wrong({ horizon: "1" })).toMatchInlineSnapshot(
      `"problem file: horizon must be a finite number; got "1". Use 1 to start."`,
    );
    expect(wrong({ heldOut: 1.5 })).toMatchInlineSnapshot(
      `"problem file: heldOut must be an integer; got 1.5. Give the number of fresh draws of the target, or leave it out."`,
    );
    expect(wrong({ kind: "game" })).toMatchInlineSnapshot(
      `"problem file: kind must be one of proximal-flow; got "game". Choose one of them."`,
    );
    expect(wrong({ lambda: 1 })).toMatchInlineSnapshot(
      `"problem file: lambda must be a known field; got 1. Remove it, or check its spelling."`,
    );
  });

  test("laws and divergences", () => {
    expect(wrong({ source: undefined })).toMatchInlineSnapshot(
      `"problem file: source must be an object; got undefined. Give a law, for example { "kind": "gaussian", "mean": [0, 0] }."`,
    );
    expect(wrong({ source: { kind: "gauss", mean: [0, 0] } })).toMatchInlineSnapshot(
      `"problem file: source.kind must be one of gaussian, gaussian-mixture, uniform-box, dirac, product, two-moons, pinwheel, eight-gaussians, checkerboard, swiss-roll, circles, spirals, csv; got "gauss". Choose one of them; samples come from { "kind": "csv", "file": … }."`,
    );
    expect(wrong({ source: { kind: "gaussian", mean: [0, "0"] } })).toMatchInlineSnapshot(
      `"problem file: source.mean.1 must be a finite number; got "0". Change the value."`,
    );
    expect(wrong({ source: { kind: "gaussian", mean: [] } })).toMatchInlineSnapshot(
      `"problem file: source.mean must have at least 1 entries; got []. Change the value."`,
    );
    expect(wrong({ source: { kind: "gaussian", mean: [0, 0], sd: "1" } })).toMatchInlineSnapshot(
      `"problem file: source.sd must be a number > 0 or an array of numbers; got "1". Change the value."`,
    );
    expect(wrong({ source: { kind: "gaussian", mean: [0] } })).toMatchInlineSnapshot(
      `"proximalFlow: target must have the source's dimension 1; got 2. Give both laws in the same space."`,
    );
    expect(wrong({ target: { kind: "two-moons", shift: [1] } })).toMatchInlineSnapshot(
      `"problem file: target.shift must have at least 2 entries; got [1]. Change the value."`,
    );
    expect(wrong({ divergence: { kind: "kl" } })).toMatchInlineSnapshot(
      `"problem file: divergence.kind must be one of kullback-leibler, alpha, reverse-kullback-leibler, jensen-shannon, plain-transport; got "kl". Choose one of them."`,
    );
    expect(wrong({ divergence: "kl" })).toMatchInlineSnapshot(
      `"problem file: divergence must be an object; got "kl". Use { "kind": "kullback-leibler" } to start."`,
    );
    expect(wrong({ divergence: { kind: "alpha" } })).toMatchInlineSnapshot(
      `"problem file: divergence.alpha must be a finite number; got undefined. Add the field."`,
    );
  });

  test("files", () => {
    writeFileSync(join(folder, "broken.json"), "{ kind: ");
    expect(message(() => readProblemFile(join(folder, "broken.json")))).toMatch(
      /^problem file: FOLDER\/broken\.json must hold JSON; got "\{ kind: "\. .+\.$/,
    );
    expect(message(() => readProblemFile(join(folder, "none.json")))).toMatchInlineSnapshot(
      `"problem file: path must be a readable file; got "FOLDER/none.json". Check the path."`,
    );
    expect(message(() => problemFrom([]))).toMatchInlineSnapshot(
      `"problem file: content must be an object; got []. Start from { "catalogue": "two-moons" }."`,
    );
  });
});

test("a name that is no file name, more held-out samples than a distance takes, and a constant column are refused", () => {
  expect(message(() => problemFrom({ ...gaussianShift().describe(), name: "../up" }))).toMatchInlineSnapshot(
    `"problem file: name must be letters and digits, joined by single hyphens, points or underscores; got "../up". Use for example "my-problem"."`,
  );
  expect(message(() => problemFrom({ ...gaussianShift().describe(), name: "" }))).toContain("problem file: name must");
  expect(problemFrom({ ...gaussianShift().describe(), name: "Old_faithful-2.1" }).name).toBe("Old_faithful-2.1");
  expect(message(() => problemFrom({ ...gaussianShift().describe(), heldOut: 1e12 }))).toMatchInlineSnapshot(
    `"problem file: heldOut must be ≤ 8192; got 1000000000000. Give the number of fresh draws of the target, or leave it out."`,
  );
  // ten times 0.1 has the mean 0.09999999999999999
  expect(message(() => standardise(cloud(new Array(10).fill(0.1), 1)))).toMatchInlineSnapshot(
    `"standardise: coordinate 0 must vary; got 0.1. Leave out the constant column."`,
  );
});
