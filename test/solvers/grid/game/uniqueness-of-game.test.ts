// The probe from several starts: monotone games are not flagged, games whose crowds like each other are.
import { describe, expect, test } from "vitest";
import {
  couplingLocal,
  ergodicTorus,
  gaussianBridge,
  hamiltonianQuadratic,
  meanFieldGame,
  torusCrowd,
} from "../../../../problems/index.js";
import { uniquenessOfGame } from "../../../../solvers/index.js";
import { domain } from "../../../../src/grid/index.js";

const circle = domain({ lower: [0], upper: [1] });
const sociable = (mode: "time-dependent" | "ergodic") =>
  meanFieldGame({
    domain: circle,
    mode,
    horizon: 1,
    populations: {
      viscosity: 0.1,
      hamiltonian: hamiltonianQuadratic({ dimension: 1 }),
      ...(mode === "ergodic" ? {} : { initial: "1" }),
    },
    coupling: couplingLocal({ dimension: 1, cost: "-3*m/(1+m)" }),
  });

describe("a game from several starts", () => {
  test("monotone games have one equilibrium", async () => {
    for (const game of [torusCrowd({ dimension: 1, viscosity: 0.1 }), ergodicTorus()]) {
      const found = await uniquenessOfGame(game, { points: 24, steps: 16 });
      if (typeof found === "string") throw new Error(found);
      expect(found.unique).toBe(true);
      expect(found.density).toBeLessThan(1e-4);
    }
  });

  test.each(["time-dependent", "ergodic"] as const)(
    "crowds that like each other gather in several places: %s",
    async (mode) => {
      const found = await uniquenessOfGame(sociable(mode), { points: 32, steps: 24 });
      if (typeof found === "string") throw new Error(found);
      expect(found.unique).toBe(false);
      expect(found.density).toBeGreaterThan(0.3);
      expect(found.text).toMatch(/^not unique: equilibria from \d starts/);
    },
  );

  test("what cannot be asked is said", async () => {
    expect(await uniquenessOfGame(gaussianBridge())).toBe("planning games prescribe both ends");
  });
});
