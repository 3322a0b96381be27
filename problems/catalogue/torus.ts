// What the games on the torus share.
import { demand } from "../../src/error.js";
import { type Domain, domain } from "../../src/grid/index.js";

/** V of the games on the torus, as an expression. */
export function torusPotential(dimension: number): string {
  return ["sin(2*pi*x) + cos(4*pi*x)", "sin(2*pi*y)", "sin(2*pi*z)"].slice(0, dimension).join(" + ");
}

/** Unit cube with periodic ends. */
export function unitTorus(d: number): Domain {
  return domain({ lower: new Array(d).fill(0), upper: new Array(d).fill(1) });
}

/** Throws unless d is 1, 2 or 3. */
export function demandGridDimension(where: string, d: number): void {
  demand(d === 1 || d === 2 || d === 3, where, "dimension", "be 1, 2 or 3", d, "Use dimension: 2");
}
