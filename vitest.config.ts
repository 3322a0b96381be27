import { defineConfig } from "vitest/config";
// @ts-expect-error a plain module without types
import { swiftShaderEnvironment } from "./.ci/swiftshader.mjs";

// Set here, before the workers are forked: the dynamic loader reads LD_LIBRARY_PATH at process start only.
if (!process.env.MEANFIELD_REAL_GPU) Object.assign(process.env, swiftShaderEnvironment());

export default defineConfig({
  resolve: {
    // the documentation's snippets import the package by its name
    alias: [
      { find: /^meanfield$/, replacement: new URL("src/index.ts", import.meta.url).pathname },
      { find: /^meanfield\/(problems|solvers)$/, replacement: new URL("$1/index.ts", import.meta.url).pathname },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/setup.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
