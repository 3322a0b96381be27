// The packed package as a stranger meets it: pack, install into an empty folder, import every door, type-check a user's
// file against it, run the command line.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), "meanfield-smoke-"));
const run = (command, args, cwd = folder) =>
  execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
const expect = (holds, what) => {
  if (!holds) throw new Error(`smoke test: ${what}`);
};

try {
  run("npm", ["pack", "--silent", "--pack-destination", folder], root);
  const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "stranger", private: true, type: "module" }));
  run("npm", ["install", "--silent", "--no-audit", "--no-fund", "--prefer-offline", `./${tarball}`]);

  writeFileSync(
    join(folder, "use.mjs"),
    `import { flowLaws, judgeAll, solve } from "meanfield";
import { gaussianShift } from "meanfield/problems";
import { particleProximalFlow } from "meanfield/solvers";
const solution = await solve(gaussianShift(), particleProximalFlow({ count: 64 }), { device: "cpu" });
const verdicts = await judgeAll(flowLaws(), solution, { count: 32 });
console.log(JSON.stringify({ primal: solution.objective.primal, laws: verdicts.length }));
`,
  );
  const { primal, laws } = JSON.parse(run("node", ["use.mjs"]));
  expect(primal > 0.5 && primal < 3, `value ${primal} of the Gaussian shift is not near 1.5`);
  expect(laws > 10, "flowLaws() must hold the laws");

  const bin = join(folder, "node_modules", ".bin", "meanfield");
  expect(run(bin, ["list"]).includes("old-faithful"), "list must name old-faithful");
  expect(JSON.parse(run(bin, ["doctor", "--json"])).version !== undefined, "doctor --json must print JSON");
  run(bin, ["compare", "gaussian-shift", "--solvers", "grid,particle", "--count", "64", "--out", "report", "--quiet"]);
  const written = readdirSync(join(folder, "report")).sort().join(" ");
  expect(written === "fields.npz index.html references.bib results.csv results.json", `report folder holds ${written}`);
  console.log("smoke test: the packed package installs, imports, solves and reports");
} finally {
  rmSync(folder, { recursive: true, force: true });
}
