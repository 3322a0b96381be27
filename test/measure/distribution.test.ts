import { describe, expect, it } from "vitest";
import {
  checkerboard,
  circles,
  cloud,
  type Distribution,
  dirac,
  distributionFrom,
  eightGaussians,
  embedded,
  empirical,
  gaussian,
  gaussianMixture,
  pinwheel,
  product,
  spirals,
  swissRoll,
  twoMoons,
  uniformBox,
} from "../../src/measure/index.js";
import { generator } from "../../src/random/index.js";

const planar: Distribution[] = [
  gaussian({ mean: [1, -2], covariance: [1, 0.8, 0.8, 0.89] }),
  gaussianMixture({
    components: [
      { weight: 0.3, mean: [0, 0], sd: 0.5 },
      { weight: 0.7, mean: [3, 1], sd: [1, 0.4] },
    ],
  }),
  uniformBox({ lower: [-1, 2], upper: [3, 2.5] }),
  product([gaussian({ mean: [1], sd: 2 }), uniformBox({ lower: [0], upper: [1] })]),
  twoMoons(),
  circles(),
  spirals(),
  swissRoll(),
  eightGaussians(),
  checkerboard(),
  pinwheel(),
];

describe.each(planar.map((law) => [law.name, law] as const))("%s", (_, law) => {
  const n = 20_000;
  const { points } = law.sample(n, generator(31));
  const { lower, upper } = law.box;
  const m = 168; // nodes a side: h < σ for every law, also where the pinwheel is sheared thin
  const step = [(upper[0] - lower[0]) / m, (upper[1] - lower[1]) / m];
  const nodes = new Float64Array(2 * m * m);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < m; j++) {
      nodes[2 * (i * m + j)] = lower[0] + (i + 0.5) * step[0];
      nodes[2 * (i * m + j) + 1] = lower[1] + (j + 0.5) * step[1];
    }
  const weights = law.logDensity!(nodes).map((l) => Math.exp(l) * step[0] * step[1]);

  it("has a density of mass 1 with the stated mean and covariance (midpoint rule)", () => {
    let total = 0;
    const mean = [0, 0];
    const second = [0, 0, 0, 0];
    for (let k = 0; k < weights.length; k++) {
      total += weights[k];
      for (let a = 0; a < 2; a++) {
        mean[a] += weights[k] * nodes[2 * k + a];
        for (let b = 0; b < 2; b++) second[2 * a + b] += weights[k] * nodes[2 * k + a] * nodes[2 * k + b];
      }
    }
    // 7e-5 relative is the midpoint error where the density jumps (uniform laws); the smooth ones reach 1e-7.
    const jumps = ["uniform-box", "checkerboard", "gaussian-x-uniform-box"].includes(law.name);
    const atol = jumps ? 2e-4 : 1e-6;
    expect(total).toAgree(1, { atol, rtol: 0 });
    expect(mean).toAgree(law.mean!, { atol, rtol: atol });
    const covariance = second.map((s, k) => s - mean[k >> 1] * mean[k % 2]);
    expect(covariance).toAgree(law.covariance!, { atol, rtol: atol });
  });

  it("draws samples with the density: χ² on 6 × 6 cells, four standard errors on the mean", () => {
    const cells = 6;
    const expected = new Float64Array(cells * cells);
    const counts = new Float64Array(cells * cells);
    for (let i = 0; i < m; i++)
      for (let j = 0; j < m; j++)
        expected[Math.floor((i * cells) / m) * cells + Math.floor((j * cells) / m)] += n * weights[i * m + j];
    const mean = [0, 0];
    let outside = 0;
    for (let i = 0; i < n; i++) {
      const at = [0, 1].map((a) => {
        const x = points[2 * i + a];
        if (x < lower[a] || x > upper[a]) outside++;
        mean[a] += x / n;
        return Math.min(cells - 1, Math.floor((cells * (x - lower[a])) / (upper[a] - lower[a])));
      });
      counts[at[0] * cells + at[1]]++;
    }
    expect(outside).toBe(0);
    for (let a = 0; a < 2; a++)
      expect(mean[a]).toAgree(law.mean![a], { atol: 4 * Math.sqrt(law.covariance![3 * a] / n), rtol: 0 });
    let chi2 = 0;
    let freedom = -1;
    let rest = 0;
    let restCount = 0;
    for (let k = 0; k < counts.length; k++) {
      if (expected[k] < 5) {
        rest += expected[k];
        restCount += counts[k];
        continue;
      }
      chi2 += (counts[k] - expected[k]) ** 2 / expected[k];
      freedom++;
    }
    expect(Math.abs(restCount - rest)).toBeLessThan(5 * Math.sqrt(rest + 1));
    // mean f, s.e. √(2f): four standard errors
    expect(chi2).toBeLessThan(freedom + 4 * Math.sqrt(2 * freedom));
  });

  it("comes back from its JSON description: same density, same draws", () => {
    const again = distributionFrom(JSON.parse(JSON.stringify(law.description)));
    expect(again.name).toBe(law.name);
    expect(again.sample(5, generator(2)).points).toEqual(law.sample(5, generator(2)).points);
    expect(again.logDensity!(points.slice(0, 10))).toEqual(law.logDensity!(points.slice(0, 10)));
  });
});

describe("closed forms", () => {
  it("Gaussian log density in 3-D with a full covariance", () => {
    // C = [[2, 1, 0], [1, 2, 0], [0, 0, 4]]: det 12, C⁻¹ block [[2, −1], [−1, 2]]/3
    const law = gaussian({ mean: [1, 0, 0], covariance: [2, 1, 0, 1, 2, 0, 0, 0, 4] });
    const [x, y, z] = [0.3, -0.7, 1.1];
    const square = (2 * (x - 1) ** 2 - 2 * (x - 1) * y + 2 * y * y) / 3 + (z * z) / 4;
    expect(law.logDensity!(Float64Array.of(x, y, z))).toAgree(
      [-0.5 * square - 0.5 * Math.log(12) - 1.5 * Math.log(2 * Math.PI)],
      { rtol: 1e-14 },
    );
  });

  it("two moons: mean and covariance from the integrals of sin and cos", () => {
    const s = 4.2;
    const law = twoMoons();
    expect(law.mean!).toAgree([0, s * 0.05], { atol: 1e-13 });
    const varY = 0.5 * (1.25 - 2 / Math.PI) - 0.0625;
    const cross = 0.5 * (0.5 - 2 / Math.PI) - 0.125;
    expect(law.covariance!).toAgree(
      [0.75 + 0.0025, cross, cross, varY + 0.0025].map((c) => c * s * s),
      { rtol: 1e-12 },
    );
  });

  it("two moons: density against Simpson's rule with 4000 steps", () => {
    const law = twoMoons();
    const x = [1.3, -2.2];
    const sd = 4.2 * 0.05;
    let sum = 0;
    for (let i = 0; i <= 4000; i++) {
      const t = (Math.PI * i) / 4000;
      const w = (i === 0 || i === 4000 ? 1 : i % 2 === 1 ? 4 : 2) / 3 / 4000;
      for (const [a, b] of [
        [Math.cos(t), Math.sin(t)],
        [1 - Math.cos(t), 0.5 - Math.sin(t)],
      ]) {
        const r2 = (x[0] - 4.2 * (a - 0.5)) ** 2 + (x[1] - 4.2 * (b - 0.2)) ** 2;
        sum += (0.5 * w * Math.exp((-0.5 * r2) / sd ** 2)) / (2 * Math.PI * sd ** 2);
      }
    }
    expect(law.logDensity!(Float64Array.from(x))).toAgree([Math.log(sum)], { rtol: 1e-10 });
  });

  it("a mixture's log density survives far from every component", () => {
    const law = gaussianMixture({
      components: [
        { weight: 0.5, mean: [-1], sd: 1 },
        { weight: 0.5, mean: [1], sd: 1 },
      ],
    });
    expect(law.logDensity!(Float64Array.of(60))).toAgree([-0.5 * 59 ** 2 - 0.5 * Math.log(2 * Math.PI) - Math.LN2], {
      rtol: 1e-12,
    });
  });

  it("a Gaussian's box misses about 1e-8 of the mass", () => {
    const { upper } = gaussian({ mean: [0], sd: 2 }).box;
    expect(upper[0] / 2).toAgree(5.7307288, { rtol: 1e-7 }); // Φ⁻¹(1 − 5e-9)
  });

  it("arcs without noise are singular", () => {
    const law = twoMoons({ noise: 0, shift: [0, 0], scale: 1 });
    expect([law.singular, law.logDensity]).toEqual([true, null]);
    const { points } = law.sample(50, generator(3));
    for (let i = 0; i < 50; i++) {
      const [x, y] = [points[2 * i], points[2 * i + 1]];
      expect(Math.min(Math.abs(Math.hypot(x, y) - 1), Math.abs(Math.hypot(x - 1, y - 0.5) - 1))).toBeLessThan(1e-14);
    }
  });
});

describe("data and singular laws", () => {
  const data = cloud([0, 0, 1, 0, 0, 2], 2, [0.5, 0.25, 0.25]);

  it("an empirical law has the samples' moments and draws by weight", () => {
    const law = empirical(data, { name: "three" });
    expect(law.mean!).toAgree([0.25, 0.5], { atol: 1e-16 });
    expect(law.covariance!).toAgree([0.1875, -0.125, -0.125, 0.75], { atol: 1e-15 });
    expect([law.singular, law.logDensity, law.data]).toEqual([null, null, data]);
    expect([[...law.box.lower], [...law.box.upper]]).toEqual([
      [0, 0],
      [1, 2],
    ]);
    const n = 10_000;
    const { points } = law.sample(n, generator(6));
    let origin = 0;
    for (let i = 0; i < n; i++) if (points[2 * i] === 0 && points[2 * i + 1] === 0) origin++;
    expect(origin / n).toAgree(0.5, { atol: 4 * Math.sqrt(0.25 / n), rtol: 0 });
    expect(law.description).toMatchObject({ kind: "empirical", name: "three", count: 3, dimension: 2 });
    expect(empirical(cloud([0, 0, 1, 0, 0, 2.5], 2)).description.checksum).not.toBe(law.description.checksum);
    // the same points with other weights are other data
    const same = [0, 0, 1, 0, 0, 2];
    const checksums = [null, [0.5, 0.25, 0.25], [0.25, 0.5, 0.25]].map(
      (weights) => empirical(cloud(same, 2, weights)).description.checksum,
    );
    expect(new Set(checksums).size).toBe(3);
  });

  it("never draws a sample of weight 0", () => {
    const law = empirical(cloud([1, 2, 3], 1, [0, 1, 0]));
    expect(new Set(law.sample(200, generator(1)).points)).toEqual(new Set([2]));
  });

  it("embeds a law in more dimensions, with data when there are any", () => {
    const law = embedded(twoMoons(), { dimension: 4, at: [0, 7] });
    expect([law.name, law.dimension, law.singular, law.logDensity]).toEqual(["two-moons-in-4d", 4, true, null]);
    const flat = twoMoons().sample(3, generator(8)).points;
    expect([...law.sample(3, generator(8)).points]).toEqual(
      [0, 1, 2].flatMap((i) => [flat[2 * i], flat[2 * i + 1], 0, 7]),
    );
    expect(law.covariance!.filter((_, k) => k % 4 >= 2)).toEqual(new Float64Array(8));
    expect([...embedded(empirical(data), { dimension: 3 }).data!.points]).toEqual([0, 0, 0, 1, 0, 0, 0, 2, 0]);
    expect(distributionFrom(law.description).sample(2, generator(1)).points).toEqual(
      law.sample(2, generator(1)).points,
    );
  });

  it("a product knows what is singular and what is unknown", () => {
    const normal = gaussian({ mean: [0] });
    expect(product([normal, dirac([1])]).singular).toBe(true);
    expect(product([normal, empirical(data)]).singular).toBe(null);
    expect(product([empirical(data), dirac([1])]).singular).toBe(true);
    expect(product([normal, normal]).singular).toBe(false);
    expect([...dirac([3, 4]).sample(2, generator(1)).points]).toEqual([3, 4, 3, 4]);
  });
});

describe("bad input", () => {
  it("is refused before any work", () => {
    expect(() => gaussian({ mean: [] })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: gaussian: mean must have at least one coordinate; got 0. Use mean: [0] for a law on the line.]`,
    );
    expect(() => gaussian({ mean: [0, NaN] })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: gaussian: mean[1] must be finite; got NaN. Remove or repair the value.]`,
    );
    expect(() => gaussian({ mean: [0], sd: 1, covariance: [1] })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: gaussian: sd must be left out when covariance is given; got 1. Give one of the two.]`,
    );
    expect(() => gaussian({ mean: [0, 0], covariance: [1, 0] })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: gaussian: covariance must have length 4, row-major 2 × 2; got 2. Give the matrix row by row, or sd.]`,
    );
    expect(() => gaussian({ mean: [0, 0], covariance: [1, 0.5, 0.4, 1] })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: gaussian: covariance must be symmetric; got [0.5,0.4]. Make the entries (0, 1) and (1, 0) equal.]`,
    );
    expect(() => gaussian({ mean: [0, 0], covariance: [1, 1, 1, 1] })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: gaussian: covariance must be positive definite; got 0. Raise the variance of coordinate 1, or use embedded() for a singular law.]`,
    );
    expect(() => gaussian({ mean: [0, 0], sd: [1, 1, 1] })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: gaussian: sd must be a number or have length 2; got 3. Give one value a coordinate.]`,
    );
    expect(() => gaussian({ mean: [0], sd: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: gaussian: sd must be finite and > 0; got 0. Use dirac() or embedded() for a coordinate without spread.]`,
    );
    expect(() => gaussian({ mean: [0, 0] }).logDensity!(new Float64Array(3))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: logDensity: points must have a length divisible by the dimension 2; got 3. Give the coordinates row by row, one point after the other.]`,
    );
    expect(() => gaussianMixture({ components: [] })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: gaussianMixture: components must hold at least one Gaussian; got 0. Add one.]`,
    );
    expect(() =>
      gaussianMixture({
        components: [
          { weight: 0.5, mean: [0] },
          { weight: 0.5, mean: [0, 1] },
        ],
      }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: gaussianMixture: components[1].mean must have length 1, as the first; got 2. Give all components in the same space.]`,
    );
    expect(() => gaussianMixture({ components: [{ weight: -1, mean: [0] }] })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: gaussianMixture: components[0].weight must be > 0; got -1. Remove the component.]`,
    );
    expect(() => gaussianMixture({ components: [{ weight: 0.9, mean: [0] }] })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: gaussianMixture: weights must sum to 1; got 0.9. Divide the weights by their sum.]`,
    );
    expect(() => uniformBox({ lower: [], upper: [] })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: uniformBox: lower must have at least one coordinate; got 0. Use lower: [0], upper: [1] for the unit interval.]`,
    );
    expect(() => uniformBox({ lower: [0], upper: [1, 2] })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: uniformBox: upper must have length 1, as lower; got 2. Give one bound a coordinate.]`,
    );
    expect(() => uniformBox({ lower: [0], upper: [0] })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: uniformBox: upper[0] must be > lower[0] = 0; got 0. Swap the two bounds.]`,
    );
    expect(() => dirac([])).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: dirac: point must have at least one coordinate; got 0. Use dirac([0]) for a point on the line.]`,
    );
    expect(() => product([])).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: product: factors must hold at least one law; got 0. Give the laws in order.]`,
    );
    expect(() => embedded(dirac([0]), { dimension: 1 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: embedded: dimension must be an integer > 1, the law's own; got 1. Use dimension: 2 or more.]`,
    );
    expect(() => embedded(dirac([0]), { dimension: 3, at: [1] })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: embedded: at must have length 2, one value for each added coordinate; got 1. Leave it out for zeros.]`,
    );
    expect(() => distributionFrom({ kind: "empirical" })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: distributionFrom: kind must be one of gaussian, gaussian-mixture, uniform-box, dirac, product, two-moons, circles, spirals, swiss-roll, eight-gaussians, checkerboard, pinwheel; got "empirical". For samples read the file again and call empirical().]`,
    );
    expect(() => twoMoons({ noise: -1 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: two-moons: noise must be finite and ≥ 0; got -1. Use noise: 0.05 to start.]`,
    );
    expect(() => swissRoll({ scale: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: swiss-roll: scale must be finite and > 0; got 0. Leave it out for the default.]`,
    );
    expect(() => circles({ factor: 1 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: circles: factor must be in (0, 1); got 1. Use factor: 0.5 to start.]`,
    );
    expect(() => spirals({ turns: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: spirals: turns must be finite and > 0; got 0. Use turns: 1.5 to start.]`,
    );
    expect(() => eightGaussians({ radius: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: eight-gaussians: radius must be finite and > 0; got 0. Leave it out for 2√2.]`,
    );
    expect(() => checkerboard({ squares: 1 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: checkerboard: squares must be an integer ≥ 2; got 1. Use squares: 4.]`,
    );
    expect(() => checkerboard({ halfWidth: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: checkerboard: halfWidth must be finite and > 0; got 0. Use halfWidth: 4.]`,
    );
    expect(() => pinwheel({ arms: 2 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: pinwheel: arms must be an integer ≥ 3; got 2. Use arms: 5.]`,
    );
    expect(() => pinwheel({ radialSd: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: pinwheel: sd must be finite and > 0; got [0,0.1]. Use 0.3 and 0.1.]`,
    );
    expect(() => pinwheel({ rate: NaN })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: pinwheel: rate must be finite; got NaN. Use rate: 0.25.]`,
    );
  });
});

it("noise too thin for the quadrature along an arc is refused before its table is made", () => {
  expect(() => twoMoons({ noise: 1e-7 })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: two-moons: noise must be 0, or large enough for 65536 panels of two standard deviations along an arc; got 1e-7. Use noise: 0 for the law on the arcs.]`,
  );
  expect(twoMoons({ noise: 1e-3 }).singular).toBe(false);
});

it("a shift or a spread that is not finite is refused by its own name", () => {
  expect(() => twoMoons({ shift: [Number.NaN, 0] })).toThrow("two-moons: shift must be finite; got [NaN,0]. Use shift");
  expect(() => pinwheel({ radialSd: Infinity })).toThrow(
    "pinwheel: sd must be finite and > 0; got [Infinity,0.1]. Use",
  );
});
