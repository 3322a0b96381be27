// Rebuilds a probability law from its JSON description (`Distribution.description`).
import { usageError } from "../error.js";
import {
  type Distribution,
  dirac,
  type GaussianParameters,
  gaussian,
  gaussianMixture,
  type MixtureComponent,
  product,
  uniformBox,
} from "./distribution.js";
import { checkerboard, circles, eightGaussians, pinwheel, spirals, swissRoll, twoMoons } from "./toy.js";

/**
 * Rebuilds a law from its description.
 *
 * @param description `{ kind, … }` with the parameters of the constructor: `gaussian`, `gaussian-mixture`, `uniform-box`, `dirac`,
 * `product` (with `factors`), `two-moons`, `circles`, `spirals`, `swiss-roll`, `eight-gaussians`, `checkerboard`, `pinwheel`
 * @throws UsageError when the kind is unknown, or is `empirical`: samples cannot be rebuilt from their checksum
 */
export function distributionFrom(description: Readonly<Record<string, unknown>>): Distribution {
  switch (description.kind) {
    case "gaussian":
      return gaussian(description as unknown as GaussianParameters);
    case "gaussian-mixture":
      return gaussianMixture(description as unknown as { components: MixtureComponent[]; name?: string });
    case "uniform-box":
      return uniformBox(description as unknown as { lower: number[]; upper: number[] });
    case "dirac":
      return dirac(description.point as number[]);
    case "product":
      return product((description.factors as Record<string, unknown>[]).map(distributionFrom), {
        name: description.name as string | undefined,
      });
    case "two-moons":
      return twoMoons(description);
    case "circles":
      return circles(description);
    case "spirals":
      return spirals(description);
    case "swiss-roll":
      return swissRoll(description);
    case "eight-gaussians":
      return eightGaussians(description);
    case "checkerboard":
      return checkerboard(description);
    case "pinwheel":
      return pinwheel(description);
    default:
      throw usageError(
        "distributionFrom",
        "kind",
        "be one of gaussian, gaussian-mixture, uniform-box, dirac, product, two-moons, circles, spirals, swiss-roll, eight-gaussians, checkerboard, pinwheel",
        description.kind,
        "For samples read the file again and call empirical()",
      );
  }
}
