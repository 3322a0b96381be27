// Equilibrium between walls: on the unit box, d = 1, 2, 3, no flux through any side, drift −∇φ with φ = −A·x,
//   ∂ₜρ = div(D∇ρ − A ρ),    ρ(t) = e^{A·x/D}/Z = Π_a (A_a/D) e^{A_a x_a/D}/(e^{A_a/D} − 1)    for all t:
// a scheme that knows e^{−φ/D} keeps it to round-off; the others drift to their own equilibrium.
// Reference: Scharfetter, Gummel 1969 (key scharfetter1969large).
import { domain } from "../../src/grid/index.js";
import { type FokkerPlanck, fokkerPlanckProblem } from "../fokker-planck.js";
import { coordinateNames } from "../terms/index.js";
import { demandBox } from "./wall-drift.js";

export interface WallEquilibriumOverrides {
  /** 1, 2 or 3; default 2. */
  readonly dimension?: number;
  /** T; default 0.5. */
  readonly horizon?: number;
}

const DRIFT = [0.7, -0.4, 0.2];
const DIFFUSION = 0.5;

/**
 * The equilibrium of a constant drift between walls, A = (0.7, −0.4, 0.2), D = ½.
 *
 * @param overrides dimension, T
 * @throws UsageError when the dimension is not 1, 2 or 3
 *
 * *References*: scharfetter1969large
 */
export function wallEquilibrium(overrides: WallEquilibriumOverrides = {}): FokkerPlanck {
  const { dimension: d = 2, horizon = 0.5 } = overrides;
  demandBox("wallEquilibrium", d);
  const names = coordinateNames(d);
  const density = (x: Float64Array): Float64Array =>
    Float64Array.from({ length: x.length / d }, (_, i) => {
      let rho = 1;
      for (let a = 0; a < d; a++) {
        const p = DRIFT[a] / DIFFUSION;
        rho *= (p * Math.exp(p * x[i * d + a])) / Math.expm1(p);
      }
      return rho;
    });
  return fokkerPlanckProblem({
    name: "wall-equilibrium",
    title: `Equilibrium between walls in ${d}-D`,
    domain: domain({ lower: Array(d).fill(0), upper: Array(d).fill(1), ends: Array(d).fill("no-flux") }),
    horizon,
    diffusion: DIFFUSION,
    potential: names.map((x, a) => `(${-DRIFT[a]})*${x}`).join(" + "),
    initial: names
      .map((x, a) => {
        const p = DRIFT[a] / DIFFUSION;
        return `${p / Math.expm1(p)}*exp(${p}*${x})`;
      })
      .join("*"),
    exact: { density: (_t, x) => density(x) },
    references: ["scharfetter1969large"],
  });
}
