// Laws of discriminators: the exact one keeps them all, and each false one is caught by the law that it breaks.
import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/error.js";
import { type Cloud, cloud, jensenShannon, kullbackLeibler } from "../../src/measure/index.js";
import { lipschitzDivergenceOnLine } from "../../src/transport/index.js";
import { type Discriminator, discriminatorLaws, judgeAll } from "../../src/verify/index.js";

const source = cloud([0, 1, 3, 4], 1, [0.4, 0.3, 0.2, 0.1]);
const target = cloud([0, 1, 3, 4], 1, [0.1, 0.15, 0.25, 0.5]);
const exact: Discriminator = (p, q, f, L) =>
  lipschitzDivergenceOnLine(p, q, f, L, { tolerance: 1e-8 }).objective.dual as number;

const half = { text: "x/2", lipschitz: 0.5, apply: (x: Float64Array) => x.map((v) => v / 2) };
const verdicts = (discriminator: Discriminator, divergence = kullbackLeibler(), lipschitz = 0.3) =>
  judgeAll(discriminatorLaws({}, half), { discriminator, source, target, divergence, lipschitz });
const failed = async (discriminator: Discriminator) =>
  (await verdicts(discriminator)).filter((v) => v.holds === false).map((v) => v.law);
const width = (c: Cloud) => Math.max(...c.points) - Math.min(...c.points);

describe("discriminator laws", () => {
  it("all eleven hold for the exact one, the second order in L with f″(1) = ½ of Jensen–Shannon too", async () => {
    for (const f of [kullbackLeibler(), jensenShannon()]) {
      const all = await verdicts(exact, f);
      expect(all.map((v) => v.holds)).toEqual(Array(11).fill(true));
    }
  });
  it("catch an offset, a factor, no bound on slopes, a bound that is squared, and one that depends on the width", async () => {
    expect(await failed(async (p, q, f, L) => (await exact(p, q, f, L)) + 1e-3)).toContain("zero on equal laws");
    expect(await failed(async (p, q, f, L) => 2 * (await exact(p, q, f, L)))).toEqual(
      expect.arrayContaining(["D ≤ L W₁", "D/L → W₁", "D → D_f"]),
    );
    expect(await failed((p, q, f) => exact(p, q, f, 100))).toEqual(expect.arrayContaining(["D ≤ L W₁", "D/L → W₁"]));
    expect(await failed((p, q, f, L) => exact(p, q, f, L * L))).toEqual(
      expect.arrayContaining(["concave in L", "D/L → W₁", "scaling of space"]),
    );
    expect(await failed((p, q, f, L) => exact(p, q, f, 1 / L))).toContain("nondecreasing in L");
    expect(await failed((p, q, f, L) => exact(p, q, f, L / width(p)))).toEqual(
      expect.arrayContaining(["scaling of space", "data processing"]),
    );
    expect(await failed(() => 0)).toContain("positive on others");
  });
  it("leave unmeasured what a discriminator refuses", async () => {
    const refuses: Discriminator = () => {
      throw new UsageError("cells: the clouds must lie on the centres; got others. Deposit them first.");
    };
    for (const v of await verdicts(refuses))
      expect(v).toMatchObject({ holds: null, note: expect.stringMatching(/^cells: the clouds must lie/) });
  });
});
