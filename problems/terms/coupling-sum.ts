// Sum of couplings: f = f¹ + f² + …, F = F¹ + F² + …. Monotone (potential) when every part is; when one part alone depends on the
// crowd its answer is the sum's; otherwise a part that fails may be made good by another: not known.
import { demand } from "../../src/error.js";
import type { Cells } from "../../src/grid/index.js";
import type { Coupling, CouplingDerivative, Crowd, GridCoupling } from "./coupling.js";

/**
 * Sum of couplings.
 *
 * f_k = Σ_j f_k^j
 *
 * @param parts couplings of one dimension and number of populations, at least one
 * @throws UsageError when there is none or they do not fit each other
 */
export function couplingSum(parts: readonly Coupling[]): Coupling {
  const where = "couplingSum";
  demand(parts.length >= 1, where, "parts", "hold at least one coupling", parts.length, "Give the couplings to add");
  const [{ dimension, populations: K }] = parts;
  demand(
    parts.every((p) => p.dimension === dimension && p.populations === K),
    where,
    "parts",
    "have one dimension and one number of populations",
    parts.map((p) => [p.dimension, p.populations]),
    "Make them alike",
  );
  const massRange = [
    Math.max(...parts.map((p) => p.massRange[0])),
    Math.min(...parts.map((p) => p.massRange[1])),
  ] as const;
  demand(
    massRange[0] < massRange[1],
    where,
    "parts",
    "share densities at which all are defined",
    massRange,
    "Change a mass range",
  );
  const crowded = parts.filter((p) => p.dependsOnMass);
  const whole = (of: (p: Coupling) => boolean | null): boolean | null => {
    if (crowded.length === 1) return of(crowded[0]);
    return crowded.every((p) => of(p) === true) ? true : null;
  };
  const isPotential = whole((p) => p.isPotential);
  const texts = parts.map((p) => p.expressionText);
  const each = Array.from({ length: K }, (_, k) => k);
  return Object.freeze({
    name: "sum",
    dimension,
    populations: K,
    text: each.map((k) => parts.map((p) => p.text[k]).join(" + ")),
    isMonotone: whole((p) => p.isMonotone),
    isPotential,
    dependsOnMass: crowded.length > 0,
    isQuadratic: parts.every((p) => p.isQuadratic),
    isNonlocal: parts.some((p) => p.isNonlocal),
    isPortable: parts.every((p) => p.isPortable),
    massRange,
    on(cells: Cells): GridCoupling {
      const bound = parts.map((p) => p.on(cells));
      const scratch = each.map(() => new Float64Array(cells.grid.size));
      const add = (work: (j: number, out: readonly Float64Array[]) => void, out: readonly Float64Array[]): void => {
        work(0, out);
        for (let j = 1; j < parts.length; j++) {
          work(j, scratch);
          for (const k of each) for (let i = 0; i < out[k].length; i++) out[k][i] += scratch[k][i];
        }
      };
      return {
        evaluate: (t, m, out) => add((j, o) => bound[j].evaluate(t, m, o), out),
        linearise(t, m): CouplingDerivative {
          const derivatives = bound.map((b) => b.linearise(t, m));
          const [first, ...rest] = derivatives.map((g) => g.local);
          return {
            apply: (dm, out) => add((j, o) => derivatives[j].apply(dm, o), out),
            applyTranspose: (w, out) => add((j, o) => derivatives[j].applyTranspose(w, o), out),
            local: rest.reduce(
              (sum, local) =>
                sum === null || local === null ? null : sum.map((column, kl) => column.map((v, i) => v + local[kl][i])),
              first,
            ),
          };
        },
      };
    },
    potentialOn(cells: Cells) {
      const each = parts.map((p) => p.potentialOn(cells));
      if (isPotential !== true || each.includes(null)) return null;
      return (t: number, m: readonly Float64Array[]): number => each.reduce((sum, F) => sum + (F?.(t, m) ?? 0), 0);
    },
    at(t: number, k: number, points: Float64Array, crowd: Crowd): Float64Array {
      const out = new Float64Array(points.length / dimension);
      for (const p of parts) {
        const f = p.at(t, k, points, crowd);
        for (let i = 0; i < out.length; i++) out[i] += f[i];
      }
      return out;
    },
    expressionText: texts.every((t) => t !== null) ? each.map((k) => texts.map((t) => `(${t[k]})`).join(" + ")) : null,
    description: { kind: "sum", parts: parts.map((p) => p.description) },
  });
}
