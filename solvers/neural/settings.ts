// Checks that the settings of neural solvers share; a refusal names the usual value.
import { demand } from "../../src/error.js";

type Numbers<K extends string> = Readonly<Record<NoInfer<K>, number>>;

/** Throws unless the named settings are integers ≥ `least`. */
export function demandCounts<K extends string>(
  where: string,
  settings: Numbers<K>,
  usual: Numbers<K>,
  names: readonly K[],
  least = 1,
): void {
  for (const name of names)
    demand(
      Number.isInteger(settings[name]) && settings[name] >= least,
      where,
      name,
      `be an integer ≥ ${least}`,
      settings[name],
      `Use ${name}: ${usual[name]} to start`,
    );
}

/** Throws unless the named settings lie between 0 and 1. */
export function demandShares<K extends string>(
  where: string,
  settings: Numbers<K>,
  usual: Numbers<K>,
  names: readonly K[],
): void {
  for (const name of names)
    demand(
      settings[name] > 0 && settings[name] < 1,
      where,
      name,
      "be > 0 and < 1",
      settings[name],
      `Use ${name}: ${usual[name]} to start`,
    );
}
