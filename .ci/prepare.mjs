// Makes a fresh clone ready: installs the packages when they are missing or older than the lock file, and
// with "build" compiles when a source is newer than what was built. Quiet, and does nothing the second time.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync, utimesSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = (path) => (existsSync(join(root, path)) ? statSync(join(root, path)).mtimeMs : 0);
const newest = (folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((time, entry) => Math.max(time, statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs), 0);

function quietly(title, command, args) {
  process.stderr.write(`${title} …\n`);
  const run = spawnSync(command, args, { cwd: root, encoding: "utf8", shell: process.platform === "win32" });
  if (run.status !== 0) {
    process.stderr.write(`${run.stdout ?? ""}${run.stderr ?? ""}\n${title} failed.\n`);
    process.exit(run.status ?? 1);
  }
}

if (stamp("node_modules/.package-lock.json") < Math.max(stamp("package.json"), stamp("package-lock.json"))) {
  quietly("Installing packages (once)", "npm", ["install", "--no-audit", "--no-fund", "--no-save", "--loglevel=error"]);
  const now = new Date();
  utimesSync(join(root, "node_modules/.package-lock.json"), now, now);
}
if (process.argv[2] === "build") {
  const sources = Math.max(
    ...["src", "problems", "solvers"].map(newest),
    stamp("tsconfig.json"),
    stamp("tsconfig.build.json"),
  );
  if (stamp("dist/src/index.js") < sources) {
    quietly("Building (once)", "npm", ["run", "--silent", "build"]);
    const now = new Date();
    utimesSync(join(root, "dist/src/index.js"), now, now);
  }
}
