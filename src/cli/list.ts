// meanfield list: what can be solved, and how.
import { catalogue, diffusions, economies, games, gradientFlows } from "../../problems/index.js";
import { solvers } from "./choices.js";
import { type Command, exitCodes } from "./command.js";

export const list: Command = {
  name: "list",
  summary: "problems of the catalogue and solvers",
  help: `meanfield list: problems of the catalogue and solvers

Example:
  meanfield list --json`,
  options: {},
  takesArguments: false,
  run: async (parsed, streams) => {
    const rows = (of: Readonly<Record<string, { readonly title: string }>>) =>
      Object.entries(of).map(([name, { title }]) => ({ name, title }));
    const methods = (kind: string) =>
      rows(Object.fromEntries(Object.entries(solvers).filter(([, s]) => s.kind === kind)));
    const groups = [
      ["Proximal flows", rows(catalogue), methods("proximal-flow")],
      ["Mean-field games", rows(games), methods("mean-field-game")],
      ["Diffusions", rows(diffusions), methods("fokker-planck")],
      ["Gradient flows", rows(gradientFlows), methods("gradient-flow")],
      ["Economies", rows(economies), methods("savings-game")],
    ] as const;
    if (parsed.json) {
      const all = { problems: groups.flatMap(([, p]) => p), solvers: groups.flatMap(([, , m]) => m) };
      streams.out(JSON.stringify(all, null, 2));
    } else {
      const lines = (list: readonly { name: string; title: string }[]) =>
        list.map((row) => `  ${row.name.padEnd(22)} ${row.title}`);
      const text = groups.flatMap(([title, list, own]) => [
        title,
        ...lines(list),
        "",
        `${title}: solvers`,
        ...lines(own),
        "",
      ]);
      streams.out(text.join("\n").trimEnd());
    }
    return exitCodes.ok;
  },
};
