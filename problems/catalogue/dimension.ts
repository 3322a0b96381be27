// The rule for a dimension that a catalogue problem lets the user choose.
import { demand } from "../../src/error.js";

/** Throws unless d is a whole number ≥ 1. */
export function demandDimension(where: string, d: number, name = "dimension"): void {
  demand(Number.isInteger(d) && d >= 1, where, name, "be an integer ≥ 1", d, `Use ${name}: 1 to start`);
}
