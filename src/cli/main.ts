#!/usr/bin/env node
// The process around run(): streams, interrupt, exit code.
import { run } from "./run.js";

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => interrupt.abort(new Error(`stopped by ${signal}; nothing half-written is left`)));
}
// A reader that closes the pipe early, such as head, wants no more.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});
const terminal = process.stderr.isTTY === true;
let shown = false;
const clear = () => {
  if (shown) process.stderr.write("\r\x1b[K");
  shown = false;
};
const code = await run(process.argv.slice(2), {
  out: (text) => {
    clear();
    process.stdout.write(`${text}\n`);
  },
  error: (text) => {
    clear();
    process.stderr.write(`${text}\n`);
  },
  progress: terminal
    ? (text) => {
        process.stderr.write(`\r\x1b[K${text.slice(0, (process.stderr.columns || 80) - 1)}`);
        shown = true;
      }
    : null,
  signal: interrupt.signal,
});
clear();
process.exitCode = code;
