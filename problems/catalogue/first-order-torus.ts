// Stationary game on the circle, explicit (P7):  −νu″ + u′²/2 + b u′ + V_ν = ± ln m + H̄,  νm″ + (m(u′ + b))′ = 0,  ∫m = 1,  λ̄ = −H̄,
//   b = b₀ + b₁ cos 2πx,  V₀ = V₁ sin 2πx.
//   increasing (+)  one equilibrium. V_ν = V₀ − νb′ − ν²(φ″ + φ′²/2) with φ = V₀ − b²/2; for b₀ = 0 no current flows, and at every ν ≥ 0
//                   m = e^φ/Z,  u′ = −b − νφ′,  H̄ = ln Z.  ν = 0 is the first-order game: u′ = −b
//   decreasing (−)  V_ν = V₀, and many equilibria: for b = V = 0 the constant one and, if 2πν < 1, crowds around any point; at ν = 0 with a
//                   current j = m(u′ + b), j²/(2m²) + ln m = H̄ − V + b²/2 has two roots m, to jump between where you like
// References: Almulla, Ferreira, Gomes 2017 (key almulla2017two); Gomes, Nurbekyan, Prazeres 2018 (key gomes2018onedimensional).
import { demand } from "../../src/error.js";
import { compile, type Expression } from "../../src/expression/index.js";
import { domain } from "../../src/grid/index.js";
import { type MeanFieldGame, type MeanFieldGameExact, meanFieldGame } from "../mean-field-game.js";
import { couplingLog, hamiltonianQuadratic } from "../terms/index.js";

export interface FirstOrderTorusOverrides {
  /** Default `"increasing"`: f = ln m − V; `"decreasing"`: f = −ln m − V. */
  readonly coupling?: "increasing" | "decreasing";
  /** b₀; default 0. */
  readonly meanDrift?: number;
  /** b₁; default 1 (0 when decreasing). */
  readonly drift?: number;
  /** V₁; default 1 (0.1 when decreasing). */
  readonly potential?: number;
  /** ν ≥ 0; default 0.05 (0.1 when decreasing). */
  readonly viscosity?: number;
}

/**
 * The stationary game on the circle, with its closed form when the coupling increases and b₀ = 0.
 *
 * @param overrides coupling, drift, potential and viscosity
 * @throws UsageError when a value does not fit
 *
 * *Notes*: the decreasing version is for probes of uniqueness: from two starts a solver may end at two equilibria.
 *
 * *Good values*: the defaults; viscosity 0 for methods of first order.
 *
 * *References*: almulla2017two, gomes2018onedimensional
 */
export function firstOrderTorus(overrides: FirstOrderTorusOverrides = {}): MeanFieldGame {
  const { coupling = "increasing" } = overrides;
  const where = "firstOrderTorus";
  demand(
    coupling === "increasing" || coupling === "decreasing",
    where,
    "coupling",
    'be "increasing" or "decreasing"',
    coupling,
    'Use coupling: "increasing"',
  );
  const up = coupling === "increasing";
  const { meanDrift: b0 = 0, drift: b1 = up ? 1 : 0, potential: V1 = up ? 1 : 0.1 } = overrides;
  const { viscosity: nu = up ? 0.05 : 0.1 } = overrides;
  for (const [name, value] of [
    ["meanDrift", b0],
    ["drift", b1],
    ["potential", V1],
  ] as const)
    demand(Number.isFinite(value), where, name, "be finite", value, `Leave ${name} out`);
  const parameters = { b0, b1, V1, nu };
  const b = compile("b0 + b1*cos(2*pi*x)", ["x"], parameters);
  const phi = compile(`V1*sin(2*pi*x) - (${b.text})^2/2`, ["x"], parameters);
  const slope = phi.derivative("x");
  const correction = `nu*(${b.derivative("x").text}) + nu^2*((${slope.derivative("x").text}) + (${slope.text})^2/2)`;
  return meanFieldGame({
    name: "first-order-torus",
    title: up ? "Stationary game on the circle, explicit" : "Stationary game on the circle with many equilibria",
    mode: "ergodic",
    domain: domain({ lower: [0], upper: [1] }),
    populations: {
      viscosity: nu,
      hamiltonian: hamiltonianQuadratic({ dimension: 1, drift: [b.text], parameters: { b0, b1 } }),
    },
    coupling: couplingLog({
      dimension: 1,
      weight: up ? 1 : -1,
      cost: up && nu > 0 ? `-V1*sin(2*pi*x) + ${correction}` : "-V1*sin(2*pi*x)",
      parameters,
    }),
    exact: up && b0 === 0 ? closedForm(b1, phi, nu) : null,
    references: ["almulla2017two", "gomes2018onedimensional"],
  });
}

function closedForm(b1: number, phi: Expression, nu: number): MeanFieldGameExact {
  const tau = 2 * Math.PI;
  // the midpoint rule of smooth periodic functions: exact to round-off
  const n = 4096;
  let [Z, mean] = [0, 0];
  for (let i = 0; i < n; i++) {
    const value = phi.evaluate((i + 0.5) / n);
    Z += Math.exp(value) / n;
    mean += value / n;
  }
  return {
    value: (_t, x) => x.map((v) => (-b1 * Math.sin(tau * v)) / tau - nu * (phi.evaluate(v) - mean)),
    density: (_t, x) => x.map((v) => Math.exp(phi.evaluate(v)) / Z),
    ergodicConstant: [-Math.log(Z)],
  };
}
