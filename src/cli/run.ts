// The command line without the process: arguments and streams in, exit code out.
import { SolveError, UsageError, usageError } from "../error.js";
import { version } from "../version.js";
import { type Command, exitCodes, parse, type Streams, sharedHelp } from "./command.js";
import { compareCommand } from "./compare.js";
import { doctor } from "./doctor.js";
import { list } from "./list.js";
import { solveCommand } from "./solve.js";
import { verifyCommand } from "./verify.js";

const commands: readonly Command[] = [list, solveCommand, compareCommand, verifyCommand, doctor];

function overview(): string {
  return [
    "meanfield: mean-field games and Wasserstein gradient flows on grids, with particles and with networks",
    "",
    "Commands:",
    ...commands.map((command) => `  ${command.name.padEnd(10)} ${command.summary}`),
    "",
    "Exit codes: 0 ok, 1 a check failed, 2 bad usage, 3 a solver failed.",
    "",
    "Example:",
    "  meanfield compare old-faithful",
    "",
    "meanfield COMMAND --help says more.",
  ].join("\n");
}

/**
 * Runs one command line.
 *
 * @param args the words after `meanfield`
 * @returns the exit code: 0 ok, 1 a check failed, 2 bad usage, 3 a solver failed
 */
export async function run(args: readonly string[], streams: Streams): Promise<number> {
  const [name, ...rest] = args;
  try {
    if (name === undefined || name === "--help" || name === "-h" || name === "help") {
      streams.out(overview());
      return name === undefined ? exitCodes.usage : exitCodes.ok;
    }
    if (name === "--version") {
      streams.out(version);
      return exitCodes.ok;
    }
    const command = commands.find((c) => c.name === name);
    if (command === undefined) {
      throw new UsageError(
        `meanfield: command must be one of ${commands.map((c) => c.name).join(", ")}; got ${JSON.stringify(name)}. See meanfield --help.`,
      );
    }
    const parsed = parse(command, rest);
    if (parsed === null) {
      streams.out(`${command.help}\n\n${sharedHelp}`);
      return exitCodes.ok;
    }
    return await command.run(parsed, parsed.quiet ? { ...streams, progress: null } : streams);
  } catch (error) {
    if (error instanceof UsageError) {
      streams.error(error.message);
      return exitCodes.usage;
    }
    if (error instanceof SolveError || streams.signal?.aborted) {
      streams.error(error instanceof Error ? error.message : String(error));
      return exitCodes.solverFailed;
    }
    if (error instanceof Error && "syscall" in error) {
      const cure = "Check the path, its permissions and the space left";
      streams.error(usageError("meanfield", "files", "be readable and writable", error.message, cure).message);
      return exitCodes.usage;
    }
    throw error;
  }
}
