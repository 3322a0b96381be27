// First-order stationary game on the circle (P7), explicit:  u_x²/2 + b u_x + V = ± ln m + H̄,  (m(u_x + b))_x = 0,  ∫m = 1,  λ̄ = −H̄,
//   b = b₀ + b₁ cos 2πx,  V = V₁ sin 2πx.
// With current j = m(u_x + b):  j²/(2m²) + V − b²/2 = ± ln m + H̄ at every point, and ∫j/m = b₀.
//   increasing (+)   one equilibrium; for b₀ = 0: j = 0, u_x = −b, m = e^{V − b²/2}/Z, H̄ = ln Z
//   decreasing (−)   j²/(2m²) + ln m = H̄ − V + b²/2 has two roots m when j ≠ 0: jump where you like, and there are many equilibria
// References: Almulla, Ferreira, Gomes 2017 (key almulla2017two); Gomes, Nurbekyan, Prazeres 2018 (key gomes2018onedimensional).
import { demand } from "../../src/error.js";
import { domain } from "../../src/grid/index.js";
import { type MeanFieldGame, type MeanFieldGameExact, meanFieldGame } from "../mean-field-game.js";
import { couplingLog, hamiltonianQuadratic } from "../terms/index.js";

export interface FirstOrderTorusOverrides {
  /** Default `"increasing"`: f = ln m − V; `"decreasing"`: f = −ln m − V. */
  readonly coupling?: "increasing" | "decreasing";
  /** b₀; default 0, or 1.7 when decreasing, where a current is needed for many equilibria. */
  readonly meanDrift?: number;
  /** b₁; default 1 (0.1 when decreasing). */
  readonly drift?: number;
  /** V₁; default 1 (0.1 when decreasing). */
  readonly potential?: number;
  /** ν ≥ 0; default 0. The closed form is for 0. */
  readonly viscosity?: number;
}

/**
 * The first-order stationary game on the circle, with its closed form when the coupling increases and b₀ = 0 and ν = 0.
 *
 * @param overrides coupling, drift, potential and viscosity
 * @throws UsageError when a value does not fit
 *
 * *Notes*: the decreasing version is for probes of uniqueness: from two starts a solver may end at two equilibria.
 *
 * *Good values*: the defaults; viscosity 0.01 to help a solver over the kinks of the decreasing version.
 *
 * *References*: almulla2017two, gomes2018onedimensional
 */
export function firstOrderTorus(overrides: FirstOrderTorusOverrides = {}): MeanFieldGame {
  const { coupling = "increasing", viscosity = 0 } = overrides;
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
  const { meanDrift: b0 = up ? 0 : 1.7, drift: b1 = up ? 1 : 0.1, potential: V1 = up ? 1 : 0.1 } = overrides;
  for (const [name, value] of [
    ["meanDrift", b0],
    ["drift", b1],
    ["potential", V1],
  ] as const)
    demand(Number.isFinite(value), where, name, "be finite", value, `Leave ${name} out`);
  return meanFieldGame({
    name: "first-order-torus",
    title: up ? "First-order stationary game, explicit" : "First-order stationary game with many equilibria",
    mode: "ergodic",
    domain: domain({ lower: [0], upper: [1] }),
    populations: {
      viscosity,
      hamiltonian: hamiltonianQuadratic({
        dimension: 1,
        drift: ["b0 + b1*cos(2*pi*x)"],
        parameters: { b0, b1 },
      }),
    },
    coupling: couplingLog({ dimension: 1, weight: up ? 1 : -1, cost: "-V1*sin(2*pi*x)", parameters: { V1 } }),
    exact: up && b0 === 0 && viscosity === 0 ? closedForm(b1, V1) : null,
    references: ["almulla2017two", "gomes2018onedimensional"],
  });
}

function closedForm(b1: number, V1: number): MeanFieldGameExact {
  const tau = 2 * Math.PI;
  const bare = (x: number) => Math.exp(V1 * Math.sin(tau * x) - 0.5 * (b1 * Math.cos(tau * x)) ** 2);
  // the trapezoidal rule of a smooth periodic function: exact to round-off
  const n = 4096;
  let Z = 0;
  for (let i = 0; i < n; i++) Z += bare(i / n) / n;
  return {
    value: (_t, x) => x.map((v) => (-b1 * Math.sin(tau * v)) / tau),
    density: (_t, x) => x.map((v) => bare(v) / Z),
    ergodicConstant: [-Math.log(Z)],
  };
}
