// What `meanfield doctor` says about devices.
import { describe, expect, it } from "vitest";
import { inspectDevice } from "../../src/device/index.js";
import { gpuHere } from "./here.js";

const here = await gpuHere();
const name = here?.adapter.name;
const software = here?.adapter.software;
here?.release();

describe.skipIf(here === null)("inspectDevice", () => {
  it("lists adapters with limits, driver, choice and a working proof, as plain data", async () => {
    const facts = await inspectDevice();
    expect(JSON.parse(JSON.stringify(facts))).toEqual(facts);
    expect(facts.adapters.map((a) => a.name)).toContain(name);
    for (const adapter of facts.adapters) {
      expect(adapter).toMatchObject({ works: true, fault: null });
      expect(adapter.driver).not.toBe("");
      expect(adapter.limits.maxStorageBufferBindingSize).toBeGreaterThanOrEqual(2 ** 27);
      expect(adapter.reason.length).toBeGreaterThan(10);
    }
    expect(facts.adapters.filter((a) => a.chosen).length).toBe(software ? 0 : 1);
    expect(facts.auto.used).toBe(software ? "cpu" : "webgpu");
    expect(facts.webgpu).toMatchObject({ used: "webgpu", adapter: name });
  });
});
