import { defineConfig } from "vitest/config";
// @ts-expect-error a plain module without types
import { swiftShaderEnvironment } from "./.ci/swiftshader.mjs";

// Set here, before the workers are forked: the dynamic loader reads LD_LIBRARY_PATH at process start only.
if (!process.env.MEANFIELD_REAL_GPU) Object.assign(process.env, swiftShaderEnvironment());

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/setup.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
