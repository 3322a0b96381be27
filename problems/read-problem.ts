// A problem file of any kind: `kind`, or the catalogue that holds the name, says which reader it is for.
import { dirname } from "node:path";
import { usageError } from "../src/error.js";
import { catalogue, diffusions, games, gradientFlows } from "./catalogue/index.js";
import { demandObject, readJson, WHERE } from "./file-schema.js";
import type { FokkerPlanck } from "./fokker-planck.js";
import { fokkerPlanckFrom } from "./fokker-planck-file.js";
import { gameFrom } from "./game-file.js";
import type { GradientFlow } from "./gradient-flow.js";
import { gradientFlowFrom } from "./gradient-flow-file.js";
import type { MeanFieldGame } from "./mean-field-game.js";
import { problemFrom } from "./problem-file.js";
import type { ProximalFlow } from "./proximal-flow.js";

/** A problem that a file can hold. */
export type StoredProblem = ProximalFlow | MeanFieldGame | GradientFlow | FokkerPlanck;

const readers: Readonly<
  Record<string, { readonly names: object; readonly from: (json: unknown, folder: string) => StoredProblem }>
> = {
  "proximal-flow": { names: catalogue, from: problemFrom },
  "mean-field-game": { names: games, from: gameFrom },
  "gradient-flow": { names: gradientFlows, from: gradientFlowFrom },
  "fokker-planck": { names: diffusions, from: fokkerPlanckFrom },
};

/**
 * Reads a problem file of any kind.
 *
 * @param path of a JSON file: a game (see {@link gameFrom}), a proximal flow (see {@link problemFrom}), a gradient flow (see
 * {@link gradientFlowFrom}) or a Fokker–Planck problem (see {@link fokkerPlanckFrom})
 * @throws UsageError when the file cannot be read, is no JSON, or does not describe a problem
 */
export function readProblem(path: string): StoredProblem {
  const json = readJson(path);
  demandObject(json, "two-moons");
  const { kind, catalogue: name } = json as Record<string, unknown>;
  const all = Object.values(readers);
  if (name === undefined) {
    if (typeof kind === "string" && Object.hasOwn(readers, kind)) return readers[kind].from(json, dirname(path));
    throw usageError(
      WHERE,
      "kind",
      `be one of ${Object.keys(readers).join(", ")}`,
      kind,
      'Choose one of them, or start from { "catalogue": "two-moons" }',
    );
  }
  const reader = all.find(({ names }) => typeof name === "string" && Object.hasOwn(names, name));
  if (reader !== undefined) return reader.from(json, dirname(path));
  const names = all.flatMap((r) => Object.keys(r.names));
  throw usageError(WHERE, "catalogue", `be one of ${names.join(", ")}`, name, "See meanfield list");
}
