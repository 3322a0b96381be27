// meanfield doctor: what this machine offers, what was chosen and why not the rest. Never fails.
import { inspectDevice } from "../device/index.js";
import { encodeJson } from "../io/index.js";
import { machine } from "../report/index.js";
import { inspectTensors } from "../tensor/index.js";
import { version } from "../version.js";
import { type Command, exitCodes } from "./command.js";

export const doctor: Command = {
  name: "doctor",
  summary: "what this machine offers: GPU, tensor backends",
  help: `meanfield doctor: what this machine offers, what was chosen, and why not the rest

Example:
  meanfield doctor --json`,
  options: {},
  takesArguments: false,
  run: async (parsed, streams) => {
    const facts = { version, machine: machine(), device: await inspectDevice(), tensors: await inspectTensors() };
    streams.out(parsed.json ? encodeJson(facts) : lines(facts, "").join("\n"));
    return exitCodes.ok;
  },
};

/** Nested facts as indented lines. */
function lines(facts: object, indent: string): string[] {
  return Object.entries(facts).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (typeof value === "object" && value !== null) {
      const inner = lines(value, `${indent}  `);
      return inner.length === 0 ? [`${indent}${name}: none`] : [`${indent}${name}:`, ...inner];
    }
    return [`${indent}${name}: ${value}`];
  });
}
