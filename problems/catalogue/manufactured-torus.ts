// Manufactured game on the torus (P16), d = 1, 2, 3: chosen u*, m* and the sources that make them solve the equations,
//   u* = b e^{−t} Π sin 2πx_a,   m* = 1 + a e^{−t} Π cos 2πx_a,   H = |p|²/2,  f = c m + s,
//   s = −∂ₜu* − νΔu* + |∇u*|²/2 − c m*,   q = ∂ₜm* − νΔm* − ∇m*·∇u* − m*Δu*,
// by symbolic differentiation of the formulas. For order tables in every dimension.
// Reference: Roache 2002 (key roache2002code).
import { demand } from "../../src/error.js";
import { compile } from "../../src/expression/index.js";
import { type MeanFieldGame, meanFieldGame } from "../mean-field-game.js";
import { columnsOf, coordinateNames, couplingField, couplingLocal, hamiltonianQuadratic } from "../terms/index.js";
import { demandPositive } from "./gaussian-equilibrium.js";
import { demandGridDimension, unitTorus } from "./torus.js";

export interface ManufacturedTorusOverrides {
  /** 1, 2 or 3; default 1. */
  readonly dimension?: number;
  /** ν > 0; default 0.3. */
  readonly viscosity?: number;
  /** c ≥ 0; default 1. */
  readonly coupling?: number;
  /** a in [0, 1); default 0.5. */
  readonly densityAmplitude?: number;
  /** b; default 0.5. */
  readonly valueAmplitude?: number;
  /** T; default 1. */
  readonly horizon?: number;
}

/**
 * The manufactured game on the torus, with its solution.
 *
 * @param overrides dimension, ν, c, a, b and T
 * @throws UsageError when a value does not fit
 *
 * *Good values*: the defaults; ν = 0.05 where transport rules.
 *
 * *References*: roache2002code
 */
export function manufacturedTorus(overrides: ManufacturedTorusOverrides = {}): MeanFieldGame {
  const { dimension: d = 1, viscosity: nu = 0.3, coupling: c = 1, horizon: T = 1 } = overrides;
  const { densityAmplitude: a = 0.5, valueAmplitude: b = 0.5 } = overrides;
  const where = "manufacturedTorus";
  demandGridDimension(where, d);
  demandPositive(where, "viscosity", nu, "Use viscosity: 0.3");
  demandPositive(where, "horizon", T, "Use horizon: 1");
  demand(c >= 0 && Number.isFinite(c), where, "coupling", "be finite and ≥ 0", c, "Use coupling: 1");
  demand(a >= 0 && a < 1, where, "densityAmplitude", "be in [0, 1), so that m* > 0", a, "Use densityAmplitude: 0.5");
  demand(Number.isFinite(b), where, "valueAmplitude", "be finite", b, "Use valueAmplitude: 0.5");
  const names = coordinateNames(d);
  const product = (f: string) => names.map((x) => `${f}(2*pi*${x})`).join("*");
  const decay = Math.exp(-T);
  const u = compile(`${b}*exp(-t)*${product("sin")}`, [...names, "t"]);
  const m = compile(`1 + ${a}*exp(-t)*${product("cos")}`, [...names, "t"]);
  const gradient = (f: typeof u) => names.map((x) => `(${f.derivative(x).text})`);
  const laplacian = (f: typeof u) => names.map((x) => `(${f.derivative(x).derivative(x).text})`).join(" + ");
  const [du, dm] = [gradient(u), gradient(m)];
  const squares = du.map((p) => `${p}^2`).join(" + ");
  const transport = du.map((p, axis) => `${p}*${dm[axis]}`).join(" + ");
  const at = (f: typeof u) => (t: number, x: Float64Array) =>
    f.batch([...columnsOf(x, d), new Float64Array(x.length / d).fill(t)]);
  return meanFieldGame({
    name: "manufactured-torus",
    title: `Manufactured game on the torus in ${d}-D`,
    domain: unitTorus(d),
    horizon: T,
    populations: {
      viscosity: nu,
      hamiltonian: hamiltonianQuadratic({ dimension: d }),
      initial: `1 + ${a}*${product("cos")}`,
      valueSource: `-(${u.derivative("t").text}) - ${nu}*(${laplacian(u)}) + 0.5*(${squares}) - ${c}*(${m.text})`,
      densitySource: `${m.derivative("t").text} - ${nu}*(${laplacian(m)}) - (${transport}) - (${m.text})*(${laplacian(u)})`,
    },
    coupling: couplingLocal({ dimension: d, cost: `${c}*m` }),
    terminal: couplingField({ dimension: d, cost: `${b * decay}*${product("sin")}` }),
    exact: { value: at(u), density: at(m), ergodicConstant: null },
    references: ["roache2002code"],
  });
}
