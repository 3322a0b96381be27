// A misspelt option is refused by name, with the nearest that there is: plain JavaScript would pass it over in silence.
import { describe, expect, test } from "vitest";
import {
  couplingLocal,
  energy,
  entropy,
  gradientFlow,
  hamiltonianQuadratic,
  lipschitzDivergence,
  meanFieldGame,
  transportTo,
} from "../../problems/index.js";
import {
  coleHopf,
  ergodic,
  fictitiousPlay,
  fokkerPlanck,
  groundState,
  jko,
  lipschitzFlow,
  newton,
  picard,
  policyIteration,
  porousMedium,
  savingsEquilibrium,
  schroedingerBridge,
} from "../../solvers/grid/index.js";
import { neuralGame, neuralGradientFlow } from "../../solvers/neural/index.js";
import { particleFixedPoint, particleGradientFlow } from "../../solvers/particle/index.js";
import { UsageError } from "../../src/error.js";
import { domain } from "../../src/grid/index.js";
import { kullbackLeibler } from "../../src/measure/index.js";

const population = { viscosity: 0.1, hamiltonian: hamiltonianQuadratic({ dimension: 1 }), initial: "1" };
const options = {
  domain: domain({ lower: [0], upper: [1], ends: "no-flux" }),
  populations: population,
  coupling: couplingLocal({ dimension: 1, cost: "m" }),
};
const solvers: readonly ((misspelt: object) => unknown)[] = [
  newton,
  picard,
  fictitiousPlay,
  policyIteration,
  ergodic,
  groundState,
  coleHopf,
  schroedingerBridge,
  fokkerPlanck,
  savingsEquilibrium,
  particleFixedPoint,
  neuralGame,
  porousMedium,
  lipschitzFlow,
  jko,
  particleGradientFlow,
  neuralGradientFlow,
];

function refusal(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message;
  }
  return "accepted";
}

describe("misspelt options", () => {
  test("of solvers", () => {
    expect(solvers.map((make) => refusal(() => make({ tolerence: 1e-3 })))).toMatchInlineSnapshot(`
      [
        "newton: options must have no "tolerence"; got 0.001. Did you mean tolerance.",
        "picard: options must have no "tolerence"; got 0.001. Did you mean tolerance.",
        "fictitiousPlay: options must have no "tolerence"; got 0.001. Did you mean tolerance.",
        "policyIteration: options must have no "tolerence"; got 0.001. Did you mean tolerance.",
        "ergodic: options must have no "tolerence"; got 0.001. Did you mean tolerance.",
        "groundState: options must have no "tolerence"; got 0.001. Did you mean tolerance.",
        "coleHopf: options must have no "tolerence"; got 0.001. Did you mean tolerance.",
        "schroedingerBridge: options must have no "tolerence"; got 0.001. Did you mean tolerance.",
        "fokkerPlanck: options must have no "tolerence"; got 0.001. Did you mean tolerance.",
        "savingsEquilibrium: options must have no "tolerence"; got 0.001. Did you mean tolerance.",
        "particleFixedPoint: options must have no "tolerence"; got 0.001. Did you mean tolerance.",
        "neuralGame: options must have no "tolerence"; got 0.001. Did you mean tolerance.",
        "porousMedium: options must have no "tolerence"; got 0.001. Did you mean tolerance.",
        "lipschitzFlow: options must have no "tolerence"; got 0.001. Did you mean tolerance.",
        "jko: options must have no "tolerence"; got 0.001. Did you mean tolerance.",
        "particleGradientFlow: options must have no "tolerence"; got 0.001. Did you mean tolerance.",
        "neuralGradientFlow: options must have no "tolerence"; got 0.001. Did you mean tolerance.",
      ]
    `);
  });

  test("of games and their populations", () => {
    const two = { ...options, coupling: couplingLocal({ dimension: 1, populations: 2, cost: ["m1", "m2"] }) };
    const misspelt = { ...population, viscocity: 1 };
    expect([
      refusal(() => meanFieldGame({ ...options, horizont: 2 } as object as typeof options)),
      refusal(() => meanFieldGame({ ...options, populations: misspelt })),
      refusal(() => meanFieldGame({ ...two, populations: [population, misspelt] })),
    ]).toMatchInlineSnapshot(`
      [
        "meanFieldGame: options must have no "horizont"; got 2. Did you mean horizon.",
        "meanFieldGame: populations: options must have no "viscocity"; got 1. Did you mean viscosity.",
        "meanFieldGame: populations[1]: options must have no "viscocity"; got 1. Did you mean viscosity.",
      ]
    `);
    expect(refusal(() => meanFieldGame(options))).toBe("accepted");
  });

  test("of gradient flows and their energies", () => {
    const heat = { dimension: 1, internal: entropy() };
    const flow = { domain: options.domain, energy: energy(heat), initial: 1 };
    const regular = { dimension: 1, divergence: kullbackLeibler(), lipschitz: 1, target: 1 };
    const plain = { dimension: 1, order: 1 as const, target: 1 };
    expect([
      refusal(() => gradientFlow({ ...flow, horizont: 2 } as object as typeof flow)),
      refusal(() => energy({ ...heat, potentiel: "x" } as object as typeof heat)),
      refusal(() => lipschitzDivergence({ ...regular, lipshitz: 2 } as object as typeof regular)),
      refusal(() => transportTo({ ...plain, ordre: 2 } as object as typeof plain)),
    ]).toMatchInlineSnapshot(`
      [
        "gradientFlow: options must have no "horizont"; got 2. Did you mean horizon.",
        "energy: options must have no "potentiel"; got "x". Did you mean potential.",
        "lipschitzDivergence: options must have no "lipshitz"; got 2. Did you mean lipschitz.",
        "transportTo: options must have no "ordre"; got 2. Did you mean order.",
      ]
    `);
    expect([
      refusal(() => gradientFlow(flow)),
      refusal(() => lipschitzDivergence(regular)),
      refusal(() => transportTo(plain)),
    ]).toEqual(["accepted", "accepted", "accepted"]);
  });
});
