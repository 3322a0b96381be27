// What a command of the CLI is, and the options that all of them share.
import { parseArgs } from "node:util";
import type { DeviceRequest } from "../device/index.js";
import { UsageError, usageError } from "../error.js";

/** Exit codes: 0 ok, 1 a check failed, 2 bad usage, 3 a solver failed. */
export const exitCodes = { ok: 0, checkFailed: 1, usage: 2, solverFailed: 3 } as const;

/** Where a command writes; tests give their own. */
export interface Streams {
  readonly out: (text: string) => void;
  /** A full line on the error stream. */
  readonly error: (text: string) => void;
  /** A progress line that may be overwritten; `null` when the error stream is not a terminal or --quiet is given. */
  readonly progress: ((text: string) => void) | null;
  readonly signal: AbortSignal | null;
}

type OptionKind = { readonly type: "string" | "boolean"; readonly multiple?: boolean; readonly short?: string };

export interface Parsed {
  readonly positionals: readonly string[];
  readonly values: Readonly<Record<string, string | boolean | string[] | undefined>>;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly seed: number;
  readonly device: DeviceRequest;
  readonly out: string | null;
}

export interface Command {
  readonly name: string;
  /** One line for the overview. */
  readonly summary: string;
  /** Full help with an example. */
  readonly help: string;
  readonly options: Readonly<Record<string, OptionKind>>;
  /** Whether words without a dash may follow; the command itself judges them. */
  readonly takesArguments: boolean;
  run(parsed: Parsed, streams: Streams): Promise<number>;
}

const shared = {
  json: { type: "boolean" },
  quiet: { type: "boolean", short: "q" },
  help: { type: "boolean", short: "h" },
  seed: { type: "string" },
  device: { type: "string" },
  out: { type: "string", short: "o" },
} as const satisfies Record<string, OptionKind>;

/** The shared options, for help texts. */
export const sharedHelp = `Options of every command:
  --seed N         seed of everything random (default 0)
  --device NAME    auto, cpu or webgpu (default auto)
  --out FOLDER     where files are written
  --json           machine-readable result on standard output
  --quiet          no progress
  --help           this text`;

/** Reads a non-negative integer option. */
export function integerOption(parsed: Pick<Parsed, "values">, name: string, fallback: number): number {
  const text = parsed.values[name];
  if (text === undefined) return fallback;
  const value = Number(text);
  if (typeof text !== "string" || text.trim() === "" || !Number.isInteger(value) || value < 0) {
    throw new UsageError(
      `meanfield: --${name} must be a non-negative integer; got ${JSON.stringify(text)}. Use --${name} ${fallback}.`,
    );
  }
  return value;
}

/** Parses the arguments of a command; `null` when help is asked for. */
export function parse(command: Command, args: readonly string[]): Parsed | null {
  let got: { values: Parsed["values"]; positionals: string[] };
  try {
    got = parseArgs({
      args: [...args],
      options: { ...shared, ...command.options },
      allowPositionals: true,
      strict: true,
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message.split(/\.\s/)[0] : String(error);
    throw new UsageError(`meanfield ${command.name}: ${reason}. See meanfield ${command.name} --help.`);
  }
  const { values, positionals } = got;
  if (values.help) return null;
  for (const [name, value] of Object.entries(values))
    if (value === "") {
      const cure = `See meanfield ${command.name} --help`;
      throw usageError("meanfield", `--${name}`, "not be empty", value, cure);
    }
  if (!command.takesArguments && positionals.length > 0) {
    const cure = `See meanfield ${command.name} --help`;
    throw usageError(`meanfield ${command.name}`, "argument", "not be given", positionals[0], cure);
  }
  const device = (values.device ?? "auto") as DeviceRequest;
  if (!["auto", "cpu", "webgpu"].includes(device)) {
    throw new UsageError(
      `meanfield: --device must be auto, cpu or webgpu; got ${JSON.stringify(device)}. Use --device auto.`,
    );
  }
  return {
    positionals,
    values,
    json: values.json === true,
    quiet: values.quiet === true,
    seed: integerOption({ values }, "seed", 0),
    device,
    out: (values.out as string | undefined) ?? null,
  };
}
