// The command line as a stranger uses it: what it prints, where, and with which exit code.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { solvers } from "../../src/cli/choices.js";
import { run } from "../../src/cli/run.js";
import { version } from "../../src/version.js";

const folder = mkdtempSync(join(tmpdir(), "meanfield-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function cli(...args: string[]) {
  const out: string[] = [];
  const error: string[] = [];
  const code = await run(args, { out: (t) => out.push(t), error: (t) => error.push(t), progress: null, signal: null });
  return { code, out: out.join("\n"), error: error.join("\n") };
}

describe("meanfield", () => {
  it("explains itself, and says how a command is used with an example", async () => {
    expect((await cli("--help")).out).toContain("Exit codes: 0 ok, 1 a check failed, 2 bad usage, 3 a solver failed.");
    expect((await cli()).code).toBe(2);
    expect((await cli("--version")).out).toBe(version);
    for (const command of ["list", "solve", "compare", "verify", "doctor"]) {
      const help = await cli(command, "--help");
      expect(help.code).toBe(0);
      expect(help.out).toContain(`Example:\n  meanfield ${command}`);
      expect(help.out).toContain("--seed N");
    }
  });

  it("lists problems and solvers, as text and as JSON", async () => {
    expect((await cli("list")).out).toContain("old-faithful");
    const { problems, solvers } = JSON.parse((await cli("list", "--json")).out);
    expect(problems.map((p: { name: string }) => p.name)).toContain("two-moons");
    expect(solvers.map((s: { name: string }) => s.name)).toEqual(
      expect.arrayContaining(["grid", "particle", "neural", "neural-dual", "newton", "ergodic", "particle-game"]),
    );
    expect(problems.map((p: { name: string }) => p.name)).toContain("evacuation");
  });

  it.each([
    [
      ["slove"],
      'meanfield: command must be one of list, solve, compare, verify, doctor; got "slove". See meanfield --help.',
    ],
    [
      ["solve"],
      "meanfield solve: problem must be exactly one name or file; got 0. Use for example meanfield solve old-faithful.",
    ],
    [
      ["solve", "two-mons"],
      'meanfield: problem must be a catalogue name or a .json file; got "two-mons". Did you mean two-moons? See meanfield list.',
    ],
    [
      ["solve", "two-moons", "--solver", "gird"],
      `meanfield: solver must be one of ${Object.keys(solvers).join(", ")}; got "gird". Did you mean grid?`,
    ],
    [["solve", "none.json"], 'meanfield: problem file must exist; got "none.json". Check the path.'],
    [
      ["solve", "two-moons", "--set", "count"],
      'meanfield: --set must be name=value; got "count". Use for example --set points=128.',
    ],
    [["list", "--seed", "x"], 'meanfield: --seed must be a non-negative integer; got "x". Use --seed 0.'],
    [["list", "--device", "tpu"], 'meanfield: --device must be auto, cpu or webgpu; got "tpu". Use --device auto.'],
    [
      ["compare"],
      "meanfield compare: problem must be given; got none. Use for example meanfield compare old-faithful.",
    ],
    [
      ["verify", "two-moons"],
      'meanfield verify: problem must not be given, problems are drawn at random; got "two-moons". Use --solver to choose the solver.',
    ],
    [["list", "--frobnicate"], "meanfield list: Unknown option '--frobnicate'. See meanfield list --help."],
  ])("refuses %j with one sentence and exit code 2", async (args, message) => {
    const got = await cli(...args);
    expect(got.code).toBe(2);
    expect(got.error).toBe(message);
    expect(got.out).toBe("");
  });

  it("solves a catalogue problem and writes its record and fields", async () => {
    const target = join(folder, "solved");
    const got = await cli(
      "solve",
      "gaussian-shift",
      "--set",
      "count=60",
      "--seed",
      "2",
      "--device",
      "cpu",
      "--out",
      target,
      "--json",
    );
    expect(got.error).toBe("");
    expect(got.code).toBe(0);
    const record = JSON.parse(got.out);
    expect(record.seed).toBe(2);
    expect(record.solver.options.count).toBe(60);
    expect(record.objective.primal).toBeGreaterThan(0);
    expect(JSON.parse(readFileSync(join(target, "solution.json"), "utf8")).objective).toEqual(record.objective);
    expect(existsSync(join(target, "fields.npz"))).toBe(true);
  });

  it("solves a problem file, and names the field that is wrong in one", async () => {
    const good = join(folder, "good.json");
    writeFileSync(good, JSON.stringify({ catalogue: "gaussian-shift", overrides: { lipschitz: 0.5 } }));
    const got = await cli("solve", good, "--set", "count=40", "--device", "cpu", "--json");
    expect(JSON.parse(got.out).problem.lipschitz).toBe(0.5);
    const bad = join(folder, "bad.json");
    writeFileSync(bad, JSON.stringify({ catalogue: "gaussian-shift", overrides: { lipschitz: -1 } }));
    const refused = await cli("solve", bad);
    expect(refused.code).toBe(2);
    expect(refused.error).toContain("lipschitz");
  });

  it("solves a file of a gradient flow, and its own record of one", async () => {
    const file = join(folder, "flow.json");
    const flow = {
      kind: "gradient-flow",
      domain: { lower: [-2], upper: [2], ends: "no-flux" },
      energy: { kind: "energy", internal: { kind: "power", exponent: 2 }, potential: "x^2/2", convexity: 1 },
      initial: { kind: "gaussian", mean: [0.5], sd: 0.2 },
      horizon: 0.1,
    };
    writeFileSync(file, JSON.stringify(flow));
    const got = await cli("solve", file, "--set", "points=32", "--json");
    expect(got.code).toBe(0);
    const { problem } = JSON.parse(got.out);
    expect(problem.energy.internal).toEqual({ kind: "power", exponent: 2, weight: 1 });
    writeFileSync(file, JSON.stringify(problem));
    const again = await cli("solve", file, "--set", "points=32", "--json");
    expect(JSON.parse(again.out).problem).toEqual(problem);
  });

  it("has exit code 3 for an ill-posed problem, and says why", async () => {
    const file = join(folder, "ill.json");
    writeFileSync(file, JSON.stringify({ catalogue: "manifold-target", overrides: { lipschitz: "Infinity" } }));
    const got = await cli("solve", file);
    expect(got.code).toBe(3);
    expect(got.error).toContain("is ill-posed: lipschitz is Infinity");
  });

  it("solves games by the first solver that handles them", async () => {
    const game = await cli("solve", "manufactured-torus", "--set", "points=32", "--set", "steps=16", "--json");
    expect(game.error).toBe("");
    const record = JSON.parse(game.out);
    expect([record.solver.name, record.status.converged, record.cells, record.timeSteps]).toEqual([
      "newton",
      true,
      [32],
      16,
    ]);
    const stationary = await cli("solve", "ergodic-torus", "--set", "points=16");
    expect(stationary.code).toBe(0);
    expect(stationary.out).toMatch(/λ̄ {8}1\.\d+/);
  });

  it("keeps what came out of a solve that did not converge, and exits 3", async () => {
    const target = join(folder, "stalled");
    const got = await cli(
      "solve",
      "manufactured-torus",
      "--solver",
      "picard",
      "--set",
      "points=16",
      "--set",
      "steps=8",
      "--set",
      "maxIterations=1",
      "--out",
      target,
    );
    expect(got.code).toBe(3);
    expect(got.error).toContain("picard on manufactured-torus: stalled");
    expect(JSON.parse(readFileSync(join(target, "solution.json"), "utf8")).status.converged).toBe(false);
  });

  it("writes the fields of a game with an obstacle and a Hamiltonian given by a formula", async () => {
    const file = join(folder, "room.json");
    writeFileSync(
      file,
      JSON.stringify({
        kind: "mean-field-game",
        domain: { lower: [0, 0], upper: [1, 1], ends: "no-flux", obstacle: "0.02 - (x-0.5)^2 - (y-0.5)^2" },
        populations: [
          {
            viscosity: 0.2,
            hamiltonian: { kind: "expression", text: "0.5*(p1^2 + p2^2)" },
            initial: "1 + 0.5*cos(pi*x)",
          },
        ],
        coupling: { kind: "local", cost: "m" },
      }),
    );
    const target = join(folder, "room");
    const got = await cli("solve", file, "--set", "points=12", "--set", "steps=8", "--out", target);
    expect(got.error).toBe("");
    expect(existsSync(join(target, "fields.npz"))).toBe(true);
  });

  it("sums up a diffusion by its error", async () => {
    const got = await cli("compare", "ornstein-uhlenbeck", "--count", "16", "--out", join(folder, "diffusion"));
    expect(got.error).toBe("");
    expect(got.out).toMatch(/fokkerPlanck +error of the density at T, relative L¹ 0\.00\d/);
  });

  it("compares games, and says which solver does not apply", async () => {
    const target = join(folder, "games");
    const got = await cli(
      "compare",
      "manufactured-torus",
      "--solvers",
      "newton,ergodic,policy-iteration",
      "--count",
      "32",
      "--out",
      target,
    );
    expect(got.error).toBe("");
    expect(got.code).toBe(0);
    expect(got.out).toContain("not applicable");
    const page = readFileSync(join(target, "index.html"), "utf8");
    for (const text of ["The crowd over time", "Do the solvers agree?", "Against the closed form", "exploitability"])
      expect(page).toContain(text);
    const none = await cli("compare", "ergodic-torus", "--solvers", "newton", "--out", join(folder, "none"));
    expect(none.code).toBe(3);
  });

  it("says of a problem that no solver handles why each of them refuses it", async () => {
    const file = join(folder, "capped.json");
    const problem = {
      kind: "gradient-flow",
      name: "capped",
      domain: { lower: [-1], upper: [1] },
      energy: { kind: "energy", potential: "cos(pi*x)", cap: 1 },
      initial: 0.5,
    };
    writeFileSync(file, JSON.stringify(problem));
    const target = join(folder, "capped");
    const compared = await cli("compare", file, "--out", target);
    expect(compared.error).toBe("");
    expect(compared.code).toBe(3);
    expect(compared.out).toContain("not applicable: the density is capped; use jko()");
    expect(compared.out).toContain("No solver brought a solution, so no report was written.");
    expect(existsSync(target)).toBe(false);
    const solved = await cli("solve", file);
    expect(solved.code).toBe(2);
    expect(solved.error).toMatch(
      /^meanfield: problem must have a solver; got "capped", which none handles \(.*porous-medium: the density is capped; use jko\(\); .*jko: back and forth needs/,
    );
  });

  it("compares solvers and writes the report", async () => {
    const target = join(folder, "report");
    const got = await cli(
      "compare",
      "gaussian-shift",
      "--solvers",
      "grid,particle",
      "--count",
      "64",
      "--device",
      "cpu",
      "--out",
      target,
    );
    expect(got.error).toBe("");
    expect(existsSync(join(target, "index.html"))).toBe(true);
    expect(got.out).toContain(`Report: ${join(target, "index.html")}`);
    expect([0, 1]).toContain(got.code);
    expect(got.code).toBe(
      JSON.parse(readFileSync(join(target, "results.json"), "utf8")).studies[0].runs.some(
        (r: { laws: { holds: boolean | null }[] }) => r.laws.some((l) => l.holds === false),
      )
        ? 1
        : 0,
    );
  });

  it("verifies a solver on random problems", async () => {
    const got = await cli(
      "verify",
      "--solver",
      "particle",
      "--set",
      "count=60",
      "--runs",
      "3",
      "--device",
      "cpu",
      "--json",
    );
    const report = JSON.parse(got.out);
    expect(report.runs).toBeGreaterThan(0);
    expect(got.code).toBe(report.passed ? 0 : 1);
  });

  it("verifies a solver of gradient flows on those that it handles", async () => {
    const got = await cli(
      "verify",
      "--solver",
      "porous-medium",
      "--set",
      "points=12",
      "--set",
      "steps=4",
      "--runs",
      "5",
    );
    expect(got.error).toBe("");
    expect(got.code).toBe(0);
    expect(got.out).toMatch(/✓ dissipation identity +worst \S+ +≤ 0.1 +held 5, failed 0/);
    expect(got.out).toContain("All laws hold on 5 random problems.");
    const particles = await cli("verify", "--solver", "particle-flow", "--set", "count=20", "--runs", "2");
    expect(particles.out).toMatch(/✓ speed ≤ L +worst 1\.00 +≤ 1\.0001 +held 2, failed 0/);
  });

  it("has no random problems for a solver of another kind", async () => {
    expect((await cli("verify", "--solver", "savings")).error).toBe(
      'meanfield verify: --solver must solve proximal flows, time-dependent games or gradient flows, which can be drawn at random; got "savings". Use meanfield solve with a problem of its own kind.',
    );
  });

  it("knows what the machine offers", async () => {
    const facts = JSON.parse((await cli("doctor", "--json")).out);
    expect(facts.version).toBe(version);
    expect(facts.device).toBeDefined();
    expect(facts.tensors).toBeDefined();
  });
});
