// meanfield list: what can be solved, and how.
import { catalogue } from "../../problems/index.js";
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
    const problems = Object.entries(catalogue).map(([name, entry]) => ({ name, title: entry.title }));
    const methods = Object.entries(solvers).map(([name, entry]) => ({ name, title: entry.title }));
    if (parsed.json) {
      streams.out(JSON.stringify({ problems, solvers: methods }, null, 2));
    } else {
      const lines = (rows: readonly { name: string; title: string }[]) =>
        rows.map((row) => `  ${row.name.padEnd(18)} ${row.title}`);
      streams.out(["Problems", ...lines(problems), "", "Solvers", ...lines(methods)].join("\n"));
    }
    return exitCodes.ok;
  },
};
